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
 * interimap/news.c: what a server is asked to tell, and whether what it tells
 * is news to an engine that left its mailboxes in a certain state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/mailbox.h"

void
lists_put(struct ibuf *b, const struct engine *eng, enum side side,
    const char *opts, int status, struct bytes *patterns, uint32_t n)
{
	ibuf_init(b);
}

static struct engine e;
static char ref[2][8];

/* A mailbox as LIST told it: 10, 20, 30. */
static struct mbox *
listed(const char *name, const char *local, const char *remote)
{
	const char	*names[2] = { local, remote };
	struct mbox	*m = mbox_get(&e, name, strlen(name));
	int		 i;

	for (i = 0; i < 2; i++) {
		if (names[i] == NULL)
			continue;
		m->s[i].name = strdup(names[i]);
		m->s[i].has = STATUS_ALL;
		m->s[i].status.uidvalidity = 10;
		m->s[i].status.uidnext = 20;
		m->s[i].status.modseq = 30;
	}
	return m;
}

static int
begin(void **state)
{
	struct mbox	*m;

	memset(&e, 0, sizeof(e));
	e.alltail = &e.all;
	e.ref[LOCAL] = ref[LOCAL];
	e.ref[REMOTE] = ref[REMOTE];
	ref[LOCAL][0] = '\0';
	strlcpy(ref[REMOTE], "ref/", sizeof(ref[REMOTE]));
	e.delim[LOCAL] = '.';
	e.delim[REMOTE] = '/';
	listed("INBOX", "INBOX", "ref/INBOX");
	m = listed("pulled", "pulled", "ref/pulled");
	m->s[LOCAL].sel.uidvalidity = 10;
	m->s[LOCAL].sel.uidnext = 25;
	m->s[LOCAL].sel.modseq = 35;
	m = listed("sub", "sub", "ref/sub");
	m->s[LOCAL].attrs = m->s[REMOTE].attrs = ATTR_SUBSCRIBED;
	listed("alone", "alone", NULL);
	listed("refused", "refused", "ref/refused")->s[REMOTE].uncreated = 1;
	return 0;
}

static int
end(void **state)
{
	struct mbox	*m;

	while ((m = e.all) != NULL) {
		e.all = m->link;
		free(m->s[LOCAL].name);
		free(m->s[REMOTE].name);
		free(m->name);
		free(m);
	}
	free(e.hash);
	return 0;
}

/* ---- what is asked ---- */

static void
test_names(void **state)
{
	static const char	*const want[] = { "ref/INBOX", "ref/pulled",
				    "ref/sub" };
	struct msg_notify	 m;
	struct bytes		 name;
	struct ibuf		 b;
	size_t			 i;

	assert_int_equal(engine_watch(&e, REMOTE, &b), 1);
	assert_int_equal(msg_get_notify(&b, &m), 0);
	assert_int_equal(m.mode, NOTIFY_NAMES);
	assert_int_equal(m.n, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(msg_get_pattern(&b, &name), 0);
		assert_true(bytes_eq(name, bytes_of(want[i])));
	}
	assert_int_equal(ibuf_done(&b), 0);
	ibuf_free(&b);
}

/* Too many for a line. */
static void
test_too_many(void **state)
{
	struct msg_notify	m;
	struct ibuf		b;
	char			name[128];
	int			i;

	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "%d-%0*d", i, 97, i);
		listed(name, name, name);
	}
	assert_int_equal(engine_watch(&e, LOCAL, &b), 0);
	assert_int_equal(msg_get_notify(&b, &m), 0);
	assert_int_equal(m.mode, NOTIFY_PERSONAL);
	assert_int_equal(m.n, 0);
	assert_int_equal(ibuf_done(&b), 0);
	ibuf_free(&b);
}

/* ---- what is told ---- */

static const struct {
	int		 news;
	enum side	 side;
	int		 listed;	/* by LIST, not unasked */
	const char	*name;
	uint16_t	 attrs;
	uint8_t		 has;
	uint32_t	 uidvalidity, uidnext;
	uint64_t	 modseq;
} cases[] = {
#define SUB	ATTR_SUBSCRIBED
#define ALL	STATUS_ALL
#define MODSEQ	STATUS_MODSEQ
#define UIDS	(STATUS_UIDNEXT | STATUS_MESSAGES)
	/* STATUS unasked: the state LIST told, or the last SELECT */
	{ 0, LOCAL, 0, "INBOX", 0, ALL, 10, 20, 30 },
	{ 1, LOCAL, 0, "INBOX", 0, ALL, 11, 20, 30 },
	{ 1, LOCAL, 0, "INBOX", 0, ALL, 10, 21, 30 },
	{ 1, LOCAL, 0, "INBOX", 0, ALL, 10, 19, 30 },
	{ 1, LOCAL, 0, "INBOX", 0, ALL, 10, 20, 31 },
	{ 0, LOCAL, 0, "INBOX", 0, MODSEQ, 0, 0, 30 },
	{ 1, LOCAL, 0, "INBOX", 0, MODSEQ, 0, 0, 31 },
	{ 0, LOCAL, 0, "INBOX", 0, UIDS, 0, 20, 0 },
	{ 1, LOCAL, 0, "INBOX", 0, UIDS, 0, 21, 0 },
	{ 0, LOCAL, 0, "INBOX", 0, STATUS_MESSAGES, 0, 0, 0 },
	{ 0, LOCAL, 0, "pulled", 0, ALL, 10, 25, 35 },
	{ 1, LOCAL, 0, "pulled", 0, ALL, 10, 20, 30 },
	{ 0, REMOTE, 0, "ref/pulled", 0, ALL, 10, 20, 30 },
	{ 1, REMOTE, 0, "ref/pulled", 0, ALL, 10, 25, 35 },
	{ 0, LOCAL, 0, "sub", 0, ALL, 10, 20, 30 },	/* no attributes */
	/* not synchronized */
	{ 0, LOCAL, 0, "alone", 0, ALL, 99, 99, 99 },
	{ 0, LOCAL, 0, "refused", 0, ALL, 99, 99, 99 },
	{ 0, LOCAL, 0, "other", 0, ALL, 99, 99, 99 },
	{ 0, REMOTE, 0, "pulled", 0, ALL, 99, 99, 99 },	/* no reference */
	/* LIST unasked: names */
	{ 1, LOCAL, 0, "new", 0, 0, 0, 0, 0 },
	{ 1, REMOTE, 0, "ref/new/sub", 0, 0, 0, 0, 0 },
	{ 0, REMOTE, 0, "new", 0, 0, 0, 0, 0 },
	{ 1, REMOTE, 0, "ref/alone", 0, 0, 0, 0, 0 },
	{ 1, REMOTE, 0, "ref/refused", 0, 0, 0, 0, 0 },
	{ 0, LOCAL, 0, "new", ATTR_NONEXISTENT, 0, 0, 0, 0 },
	{ 0, LOCAL, 0, "new", ATTR_NOSELECT, 0, 0, 0, 0 },
	{ 1, LOCAL, 0, "pulled", ATTR_NONEXISTENT, 0, 0, 0, 0 },
	{ 1, LOCAL, 0, "alone", ATTR_NONEXISTENT, 0, 0, 0, 0 },
	{ 0, LOCAL, 0, "INBOX", ATTR_NONEXISTENT, 0, 0, 0, 0 },
	{ 0, LOCAL, 0, "pulled", 0, 0, 0, 0, 0 },
	{ 1, LOCAL, 0, "pulled", SUB, 0, 0, 0, 0 },
	{ 0, LOCAL, 0, "sub", SUB, 0, 0, 0, 0 },
	{ 1, LOCAL, 0, "sub", 0, 0, 0, 0, 0 },
	/* it may not have told all */
	{ 1, LOCAL, 0, "", 0, 0, 0, 0, 0 },
	{ 0, LOCAL, 1, "", 0, 0, 0, 0, 0 },
	/* LIST that was asked for: both */
	{ 0, LOCAL, 1, "sub", SUB, ALL, 10, 20, 30 },
	{ 1, LOCAL, 1, "sub", 0, ALL, 10, 20, 30 },
	{ 1, LOCAL, 1, "sub", SUB, ALL, 10, 21, 30 },
	{ 1, LOCAL, 1, "new", 0, ALL, 1, 1, 1 },
	{ 0, LOCAL, 1, "new", 0, 0, 0, 0, 0 },	/* a place above others */
	{ 0, LOCAL, 1, "pulled", 0, 0, 0, 0, 0 },
};

static void
test_news(void **state)
{
	struct msg_mailbox	m;
	size_t			i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.name = bytes_of(cases[i].name);
		m.attrs = cases[i].attrs;
		m.has = cases[i].has;
		m.uidvalidity = cases[i].uidvalidity;
		m.uidnext = cases[i].uidnext;
		m.modseq = cases[i].modseq;
		if (m.has == 0 || cases[i].listed)
			m.delim = (uint8_t)e.delim[cases[i].side];
		if (engine_news(&e, cases[i].side, cases[i].listed, &m) !=
		    cases[i].news)
			fail_msg("case %zu, %s", i, cases[i].name);
	}
}

/* Delimiters are as the database has them, INBOX in any case is INBOX. */
static void
test_delimiter(void **state)
{
	struct msg_mailbox	m;
	struct mbox		*b = mbox_get(&e, "a\0b", 3);
	int			i;

	for (i = 0; i < 2; i++) {
		b->s[i].name = strdup(i == LOCAL ? "a.b" : "ref/a/b");
		b->s[i].has = STATUS_ALL;
		b->s[i].status.modseq = 5;
	}
	memset(&m, 0, sizeof(m));
	m.name = bytes_of("a.b");
	m.has = STATUS_MODSEQ;
	m.modseq = 6;
	assert_int_equal(engine_news(&e, LOCAL, 0, &m), 1);
	assert_int_equal(engine_news(&e, REMOTE, 0, &m), 0);
	m.name = bytes_of("ref/a/b");
	assert_int_equal(engine_news(&e, REMOTE, 0, &m), 1);
	m.modseq = 5;
	assert_int_equal(engine_news(&e, REMOTE, 0, &m), 0);
}

static int
no_pulled(void *arg, const char *name, size_t len)
{
	return len == 6 && memcmp(name, "pulled", 6) == 0;
}

static void
test_ignored(void **state)
{
	struct msg_mailbox	m;

	e.calls.ignored = no_pulled;
	memset(&m, 0, sizeof(m));
	m.name = bytes_of("pulled");
	m.attrs = ATTR_SUBSCRIBED;
	assert_int_equal(engine_news(&e, LOCAL, 0, &m), 0);
	m.name = bytes_of("INBOX");
	assert_int_equal(engine_news(&e, LOCAL, 0, &m), 1);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(test_names), T(test_too_many), T(test_news),
		T(test_delimiter), T(test_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
