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
 * PAIR as a table of small cases, then random sets of mails: whatever is on
 * the two sides, equal mails only are paired, and each at most once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/mailbox.h"

#define ROUNDS	2000
#define MAILS	12

/* The digest is a single octet here; 0: the message has none. */
static struct cand *
add(struct candset *s, uint32_t uid, uint8_t id, uint8_t digest, uint64_t size)
{
	struct cand *c = candset_add(s, uid);

	c->id = id;
	c->size = size;
	c->digest[0] = digest;
	return c;
}

/* The remote partner of a local UID, 0: none. */
static uint32_t
partner(const struct pairing *p, uint32_t luid)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->p[i].a == luid)
			return p->p[i].b;
	return 0;
}

struct both {
	struct candset	l, r;
	struct pairing	p;
};

static void
both_init(struct both *b)
{
	memset(b, 0, sizeof(*b));
}

static void
both_free(struct both *b)
{
	candset_free(&b->l);
	candset_free(&b->r);
	pairing_free(&b->p);
}

static void
test_headers(void **state)
{
	struct both b;

	both_init(&b);
	add(&b.l, 1, ID_HEADER, 1, 100);
	add(&b.l, 2, ID_HEADER, 2, 100);
	add(&b.l, 3, ID_HEADER, 3, 100);
	add(&b.r, 7, ID_HEADER, 3, 100);
	add(&b.r, 8, ID_HEADER, 1, 100);
	add(&b.r, 9, ID_HEADER, 2, 101);	/* another size */
	pair_headers(&b.l, &b.r, &b.p);
	assert_int_equal(b.p.n, 2);
	assert_int_equal(partner(&b.p, 1), 8);
	assert_int_equal(partner(&b.p, 2), 0);
	assert_int_equal(partner(&b.p, 3), 7);
	assert_true(uidset_empty(&b.p.unsure[LOCAL]));
	assert_true(uidset_empty(&b.p.unsure[REMOTE]));
	both_free(&b);
}

/* Without a Message-ID, or with one that is not unique: ask for the bodies. */
static void
test_unsure(void **state)
{
	struct both b;

	both_init(&b);
	add(&b.l, 1, ID_WEAK, 1, 100);
	add(&b.l, 2, ID_HEADER, 2, 100);
	add(&b.l, 3, ID_HEADER, 2, 100);
	add(&b.l, 4, ID_WEAK, 9, 100);		/* not on the other side */
	add(&b.r, 5, ID_WEAK, 1, 100);
	add(&b.r, 6, ID_HEADER, 2, 100);
	pair_headers(&b.l, &b.r, &b.p);
	assert_int_equal(b.p.n, 0);
	assert_int_equal(uidset_count(&b.p.unsure[LOCAL]), 3);
	assert_false(uidset_has(&b.p.unsure[LOCAL], 4));
	assert_int_equal(uidset_count(&b.p.unsure[REMOTE]), 2);
	both_free(&b);
}

/* A weak digest never meets a strong one, and none never meets none. */
static void
test_kinds(void **state)
{
	struct both b;

	both_init(&b);
	add(&b.l, 1, ID_WEAK, 1, 100);
	add(&b.l, 2, ID_NONE, 0, 100);
	add(&b.r, 5, ID_HEADER, 1, 100);
	add(&b.r, 6, ID_NONE, 0, 100);
	pair_headers(&b.l, &b.r, &b.p);
	assert_int_equal(b.p.n, 0);
	assert_true(uidset_empty(&b.p.unsure[LOCAL]));
	assert_true(uidset_empty(&b.p.unsure[REMOTE]));
	both_free(&b);
}

static void
set_date(struct cand *c, int64_t when)
{
	c->date.time = when;
	c->date.valid = 1;
}

/* The copy of an open intent: later, same date, any size. */
static void
test_intent(void **state)
{
	static const struct {
		uint32_t above, uid;
		int64_t	 when;
		int	 paired;
	} cases[] = {
		{ 50, 50, 1000, 1 },	/* the copy, normalised */
		{ 50, 57, 1000, 1 },
		{ 50, 49, 1000, 0 },	/* was there before the APPEND */
		{ 50, 50, 1001, 0 },	/* another delivery of that mail */
		{ 0, 50, 1000, 0 }	/* no intent */
	};
	struct both b;
	struct cand *c;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		both_init(&b);
		c = add(&b.r, 3, ID_HEADER, 1, 100);
		set_date(c, 1000);
		c->above = cases[i].above;
		set_date(add(&b.l, cases[i].uid, ID_HEADER, 1, 130),
		    cases[i].when);
		pair_headers(&b.l, &b.r, &b.p);
		assert_int_equal(b.p.n, cases[i].paired);
		both_free(&b);
	}
}

/* Equal bodies pair in UID order; what is left over stays. */
static void
test_bodies(void **state)
{
	struct both b;

	both_init(&b);
	add(&b.l, 9, ID_BODY, 1, 0);
	add(&b.l, 2, ID_BODY, 1, 0);
	add(&b.l, 5, ID_BODY, 1, 0);
	add(&b.l, 3, ID_BODY, 2, 0);
	add(&b.l, 4, ID_HEADER, 3, 0);		/* takes no part any more */
	add(&b.r, 8, ID_BODY, 1, 0);
	add(&b.r, 1, ID_BODY, 1, 0);
	add(&b.r, 4, ID_HEADER, 3, 0);
	pair_bodies(&b.l, &b.r, &b.p);
	assert_int_equal(b.p.n, 2);
	assert_int_equal(partner(&b.p, 2), 1);
	assert_int_equal(partner(&b.p, 5), 8);
	both_free(&b);
}

/* ---- random sets ---- */

struct mail { uint8_t header, body, weak; uint64_t size; };

static uint32_t
random_below(uint32_t n)
{
	static uint64_t x = 20261124;

	x = x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(x >> 33) % n;
}

/* Equal headers without Message-ID may hide different bodies. */
static void
random_mails(struct mail *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		m[i].body = (uint8_t)(i + 1);
		m[i].header = (uint8_t)(1 + random_below(6));
		m[i].weak = m[i].header > 3;
		m[i].size = 100 + (m[i].weak ? 0 : i);
	}
}

/* Each mail up to twice, by chance; its index is noted by UID. */
static void
random_side(struct candset *s, const struct mail *m, size_t *which)
{
	uint32_t uid;
	size_t k;

	for (uid = 1; uid <= MAILS; uid++) {
		k = which[uid] = random_below(MAILS);
		add(s, uid, m[k].weak ? ID_WEAK : ID_HEADER, m[k].header,
		    m[k].size);
	}
}

static void
add_bodies(struct candset *s, const struct uidset *unsure,
    const struct mail *m, const size_t *which)
{
	struct uiditer it;
	uint32_t uid;

	candset_free(s);
	uiditer_init(&it, unsure);
	while ((uid = uiditer_next(&it)) != 0)
		add(s, uid, ID_BODY, m[which[uid]].body, 0);
}

static void
check_pairs(const struct pairing *p, const size_t *l, const size_t *r)
{
	struct uidset seen[2] = { UIDSET_INIT, UIDSET_INIT };
	size_t i;

	for (i = 0; i < p->n; i++) {
		assert_int_equal(l[p->p[i].a], r[p->p[i].b]);
		assert_false(uidset_has(&seen[0], p->p[i].a));
		assert_false(uidset_has(&seen[1], p->p[i].b));
		assert_int_equal(uidset_add(&seen[0], p->p[i].a), 0);
		assert_int_equal(uidset_add(&seen[1], p->p[i].b), 0);
	}
	uidset_free(&seen[0]);
	uidset_free(&seen[1]);
}

static void
test_random(void **state)
{
	size_t lw[MAILS + 1], rw[MAILS + 1], paired = 0;
	struct mail m[MAILS];
	struct both b;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		both_init(&b);
		random_mails(m, MAILS);
		random_side(&b.l, m, lw);
		random_side(&b.r, m, rw);
		pair_headers(&b.l, &b.r, &b.p);
		check_pairs(&b.p, lw, rw);
		add_bodies(&b.l, &b.p.unsure[LOCAL], m, lw);
		add_bodies(&b.r, &b.p.unsure[REMOTE], m, rw);
		pair_bodies(&b.l, &b.r, &b.p);
		check_pairs(&b.p, lw, rw);
		paired += b.p.n;
		both_free(&b);
	}
	/* They do meet: half of them, by chance. */
	assert_true(paired > (size_t)ROUNDS * MAILS / 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_intent),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
