/*
 * Copyright (c) 2026 The interimap authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */


/*
 * MERGE as a table: what is known and what changed on each side, and what is
 * to be done.  Then all combinations of small flag sets: applied once, the
 * plan makes both sides equal as far as both can store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/mailbox.h"

#define ALL	"\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*"
#define NOKW	"\\Seen \\Answered \\Flagged \\Deleted \\Draft"
#define ONLY	"\\Seen \\Deleted work"

/* What a side of a row is; the letters of a case below. */
#define KNOWN	1
#define CHANGED	(2 | KNOWN)
#define GONE	4
#define COMPARE	(8 | KNOWN)

static const struct testcase {
	const char	*name;
	const char	*perm[2];
	int		 is[2];
	const char	*flags[2];
	enum merge_act	 act;
	enum side	 side;		/* MERGE_DELETE */
	const char	*want[2];	/* MERGE_FLAGS; NULL: no store there */
	int		 conflict;
} cases[] = {
	{ "nothing", { ALL, ALL }, { 0, 0 }, { "", "" },
	    MERGE_NOTHING, LOCAL, { NULL, NULL }, 0 },
	{ "gone on both", { ALL, ALL }, { GONE, GONE }, { "", "" },
	    MERGE_UNMAP, LOCAL, { NULL, NULL }, 0 },
	{ "gone here", { ALL, ALL }, { GONE, 0 }, { "", "" },
	    MERGE_DELETE, REMOTE, { NULL, NULL }, 0 },
	{ "gone there", { ALL, ALL }, { 0, GONE }, { "", "" },
	    MERGE_DELETE, LOCAL, { NULL, NULL }, 0 },
	{ "deletion beats a flag", { ALL, ALL }, { GONE, CHANGED },
	    { "", "\\Flagged" }, MERGE_DELETE, REMOTE, { NULL, NULL }, 0 },
	{ "one side", { ALL, ALL }, { CHANGED, 0 }, { "\\Seen work", "" },
	    MERGE_FLAGS, LOCAL, { NULL, "\\Seen work" }, 0 },
	{ "the other side", { ALL, ALL }, { 0, CHANGED }, { "", "work" },
	    MERGE_FLAGS, LOCAL, { "work", NULL }, 0 },
	{ "one side, cleared", { ALL, ALL }, { CHANGED, KNOWN },
	    { "", "\\Seen" }, MERGE_FLAGS, LOCAL, { NULL, "" }, 0 },
	{ "equal already", { ALL, ALL }, { CHANGED, KNOWN },
	    { "\\Seen", "\\Seen" }, MERGE_NOTHING, LOCAL, { NULL, NULL }, 0 },
	{ "equal changes cancel", { ALL, ALL }, { CHANGED, CHANGED },
	    { "\\Seen work", "WORK \\Seen" }, MERGE_NOTHING, LOCAL,
	    { NULL, NULL }, 0 },
	{ "conflict", { ALL, ALL }, { CHANGED, CHANGED },
	    { "\\Seen", "work" }, MERGE_FLAGS, LOCAL,
	    { "\\Seen work", "\\Seen work" }, 1 },
	{ "conflict, one has it all", { ALL, ALL }, { CHANGED, CHANGED },
	    { "\\Seen work", "work" }, MERGE_FLAGS, LOCAL,
	    { NULL, "\\Seen work" }, 1 },
	{ "compare", { ALL, ALL }, { COMPARE, KNOWN }, { "\\Seen", "work" },
	    MERGE_FLAGS, LOCAL, { "\\Seen work", "\\Seen work" }, 1 },
	{ "there no keywords", { ALL, NOKW }, { CHANGED, KNOWN },
	    { "\\Seen work", "" }, MERGE_FLAGS, LOCAL,
	    { NULL, "\\Seen" }, 0 },
	{ "a keyword only, there none", { ALL, NOKW }, { CHANGED, KNOWN },
	    { "work", "" }, MERGE_NOTHING, LOCAL, { NULL, NULL }, 0 },
	{ "keywords only here survive", { NOKW, ALL }, { CHANGED, KNOWN },
	    { "\\Seen", "work" }, MERGE_FLAGS, LOCAL,
	    { NULL, "\\Seen work" }, 0 },
	{ "one keyword of two survives", { ONLY, ALL }, { CHANGED, KNOWN },
	    { "\\Seen", "later work" }, MERGE_FLAGS, LOCAL,
	    { NULL, "\\Seen later" }, 0 },
	{ "conflict, one cannot store", { NOKW, ALL }, { CHANGED, CHANGED },
	    { "\\Seen", "\\Draft work" }, MERGE_FLAGS, LOCAL,
	    { "\\Seen \\Draft", "\\Seen \\Draft work" }, 1 },
	{ "they differ in what one cannot store", { NOKW, ALL },
	    { CHANGED, CHANGED }, { "\\Seen", "\\Seen work" },
	    MERGE_NOTHING, LOCAL, { NULL, NULL }, 0 }
};

static struct flags
set_of(const char *words)
{
	struct flags f;
	size_t n;

	flags_init(&f);
	while (*words != '\0') {
		n = strcspn(words, " ");
		assert_int_equal(flags_add(&f, words, n), 0);
		words += n + (words[n] == ' ');
	}
	return f;
}

static flagid
id_of(struct flagtab *t, const char *words)
{
	struct flags f = set_of(words);
	flagid id = flagtab_id(t, &f);

	flags_free(&f);
	return id;
}

static struct row
row_of(struct flagtab *t, const struct testcase *c)
{
	struct row r;
	int s;

	memset(&r, 0, sizeof(r));
	for (s = 0; s < 2; s++) {
		r.uid[s] = 1;
		r.s[s].known = (c->is[s] & KNOWN) != 0;
		r.s[s].changed = (c->is[s] & CHANGED & ~KNOWN) != 0;
		r.s[s].gone = (c->is[s] & GONE) != 0;
		r.s[s].compare = (c->is[s] & COMPARE & ~KNOWN) != 0;
		r.s[s].flags = id_of(t, c->flags[s]) & FLAGID_MAX;
	}
	return r;
}

static void
check(const struct testcase *c)
{
	struct flags perm[2] = { set_of(c->perm[0]), set_of(c->perm[1]) };
	struct flagtab t;
	struct merge m;
	struct row r;
	int s;

	flagtab_init(&t);
	r = row_of(&t, c);
	m = merge_row(&t, &r, perm);
	if (m.act != c->act)
		fail_msg("%s: act %d, not %d", c->name, m.act, c->act);
	if (m.act == MERGE_DELETE && m.side != c->side)
		fail_msg("%s: deletes on %d", c->name, (int)m.side);
	if (m.act == MERGE_FLAGS && m.conflict != c->conflict)
		fail_msg("%s: conflict %d", c->name, m.conflict);
	for (s = 0; s < 2 && m.act == MERGE_FLAGS; s++) {
		if (m.store[s] != (c->want[s] != NULL))
			fail_msg("%s: store %d on %d", c->name, m.store[s], s);
		if (m.store[s] && m.want[s] != id_of(&t, c->want[s]))
			fail_msg("%s: wrong flags for %d", c->name, s);
	}
	flagtab_free(&t);
	flags_free(&perm[0]);
	flags_free(&perm[1]);
}

static void
test_table(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

/* ---- all small sets ---- */

static const char *const words[] = { "\\Seen", "\\Draft", "later", "work" };
#define NSETS	(1 << (sizeof(words) / sizeof(words[0])))

static flagid
nth_set(struct flagtab *t, unsigned int n)
{
	char text[64];
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((n & (1U << i)) != 0) {
			if (text[0] != '\0')
				strlcat(text, " ", sizeof(text));
			strlcat(text, words[i], sizeof(text));
		}
	return id_of(t, text);
}

static flagid
common(struct flagtab *t, flagid f, const struct flags *perm)
{
	return flagtab_mask(t, flagtab_mask(t, f, &perm[0]), &perm[1]);
}

/* A row on which one or both changed; the rest of STORE as servers do it. */
static void
apply_row(struct flagtab *t, flagid a, flagid b, int is,
    const struct flags *perm)
{
	struct row r;
	struct merge m;
	flagid got[2], rest;
	int s;

	memset(&r, 0, sizeof(r));
	r.s[LOCAL].flags = a & FLAGID_MAX;
	r.s[REMOTE].flags = b & FLAGID_MAX;
	r.s[LOCAL].known = r.s[REMOTE].known = 1;
	r.s[LOCAL].changed = (is & 1) != 0;
	r.s[REMOTE].changed = (is & 2) != 0;
	m = merge_row(t, &r, perm);
	assert_true(m.act == MERGE_NOTHING || m.act == MERGE_FLAGS);
	for (s = 0; s < 2; s++) {
		got[s] = s == 0 ? a : b;
		if (!m.store[s])
			continue;
		rest = flagtab_rest(t, got[s], &perm[s]);
		got[s] = flagtab_union(t, rest,
		    flagtab_mask(t, m.want[s], &perm[s]));
	}
	assert_int_equal(common(t, got[0], perm), common(t, got[1], perm));
	/* What the other side cannot hold is kept. */
	assert_int_equal(flagtab_rest(t, got[0], &perm[1]),
	    flagtab_rest(t, a, &perm[1]));
	assert_int_equal(flagtab_rest(t, got[1], &perm[0]),
	    flagtab_rest(t, b, &perm[0]));
	if (is == 3)
		assert_int_equal(common(t, flagtab_union(t, a, b), perm),
		    common(t, got[0], perm));
}

static void
test_all(void **state)
{
	static const char *const perms[] = { ALL, NOKW, ONLY };
	struct flagtab t;
	struct flags perm[2];
	unsigned int i, a, b;
	int is;

	for (i = 0; i < 9; i++) {
		flagtab_init(&t);
		perm[0] = set_of(perms[i / 3]);
		perm[1] = set_of(perms[i % 3]);
		for (a = 0; a < NSETS; a++)
			for (b = 0; b < NSETS; b++)
				for (is = 1; is <= 3; is++)
					apply_row(&t,
					    flagtab_mask(&t, nth_set(&t, a),
					    &perm[0]), flagtab_mask(&t,
					    nth_set(&t, b), &perm[1]), is,
					    perm);
		flags_free(&perm[0]);
		flags_free(&perm[1]);
		flagtab_free(&t);
	}
}

/* When must the other flags be fetched before a full list is stored? */
static void
test_needs(void **state)
{
	struct flags perm[2] = { set_of(ALL), set_of(NOKW) };
	struct row r;

	memset(&r, 0, sizeof(r));
	r.s[REMOTE].changed = r.s[REMOTE].known = 1;
	/* REMOTE has no keywords: what LOCAL has of them must survive. */
	assert_int_equal(merge_needs(&r, LOCAL, perm), 1);
	assert_int_equal(merge_needs(&r, REMOTE, perm), 0);
	r.s[LOCAL].known = 1;
	assert_int_equal(merge_needs(&r, LOCAL, perm), 0);
	r.s[LOCAL].known = 0;
	r.s[REMOTE].gone = 1;
	assert_int_equal(merge_needs(&r, LOCAL, perm), 0);

	memset(&r, 0, sizeof(r));
	r.s[LOCAL].changed = r.s[LOCAL].known = 1;
	/* LOCAL stores all that REMOTE can. */
	assert_int_equal(merge_needs(&r, REMOTE, perm), 0);
	r.s[LOCAL].compare = 1;
	assert_int_equal(merge_needs(&r, REMOTE, perm), 1);
	flags_free(&perm[0]);
	flags_free(&perm[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
