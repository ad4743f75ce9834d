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
 * Every message of the database on a scratch file: what it does, what it
 * refuses, and what is left of it for the next run.
 */
#include "dbtest.h"

static void
test_mailboxes(void **state)
{
	struct fixture *f = *state;
	struct msg_add a = { { "a\0b\0c", 5 }, 0 };
	struct msg_setsub s = { 2, 1 };
	struct msg_dbmailbox m;

	reopen(f);
	assert_int_equal(add(f, "INBOX"), 1);
	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
	msg_put_add(payload(f), &a);
	send_fail(f, MSG_ADD, FAIL_INTERNAL, "UNIQUE");
	m = mailbox(f, 1, 2);
	assert_int_equal(m.idx, 2);
	assert_true(bytes_eq(m.name, a.name));
	assert_int_equal(m.subscribed, 0);
	assert_int_equal(m.hasstate, 0);
	msg_put_setsub(payload(f), &s);
	send_done(f, MSG_SETSUB);
	reopen(f);
	assert_int_equal(mailbox(f, 1, 2).subscribed, 1);
	s.idx = 7;
	msg_put_setsub(payload(f), &s);
	send_fail(f, MSG_SETSUB, FAIL_INTERNAL, "no mailbox 7");
}

static void
move(struct fixture *f, struct bytes from, struct bytes to, int deep)
{
	struct msg_move m = { from, to, (uint8_t)deep };

	msg_put_move(payload(f), &m);
}

#define NAME(s)	(struct bytes){ s, sizeof(s) - 1 }

static void
add_name(struct fixture *f, struct bytes name)
{
	struct msg_add a = { name, 0 };

	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
}

static void
test_move(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	add_name(f, NAME("a\0b\0b"));
	add_name(f, NAME("a\0b"));
	add_name(f, NAME("a\0bc"));
	add_name(f, NAME("x"));
	/* Each row takes the name another one had. */
	move(f, NAME("a\0b"), NAME("a"), 1);
	send_done(f, MSG_MOVE);
	reopen(f);
	assert_true(bytes_eq(mailbox(f, 0, 4).name, NAME("a\0b")));
	assert_true(bytes_eq(mailbox(f, 1, 4).name, NAME("a")));
	assert_true(bytes_eq(mailbox(f, 2, 4).name, NAME("a\0bc")));
	/* The one alone, and not what is below. */
	move(f, NAME("a"), NAME("q"), 0);
	send_done(f, MSG_MOVE);
	assert_true(bytes_eq(mailbox(f, 0, 4).name, NAME("a\0b")));
	assert_true(bytes_eq(mailbox(f, 1, 4).name, NAME("q")));
	/* All or nothing. */
	move(f, NAME("a"), NAME("x\0"), 1);
	send_done(f, MSG_MOVE);
	move(f, NAME("q"), NAME("x"), 1);
	send_fail(f, MSG_MOVE, FAIL_INTERNAL, "UNIQUE");
	assert_true(bytes_eq(mailbox(f, 1, 4).name, NAME("q")));
	assert_true(bytes_eq(mailbox(f, 3, 4).name, NAME("x")));
}

static void
test_forget(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	add_name(f, NAME("other"));
	ibuf_add_u32(payload(f), idx);
	send_done(f, MSG_FORGET);
	reopen(f);
	assert_true(bytes_eq(mailbox(f, 0, 1).name, NAME("other")));
	/* Gone already is gone. */
	ibuf_add_u32(payload(f), idx);
	send_done(f, MSG_FORGET);
}

static void
test_reset(void **state)
{
	struct fixture *f = *state;
	struct msg_dbmailbox m;
	uint32_t idx = ready(f);

	ibuf_add_u32(payload(f), idx);
	send_done(f, MSG_RESET);
	reopen(f);
	m = mailbox(f, 0, 1);
	assert_int_equal(m.idx, idx);
	assert_int_equal(m.hasstate, 0);
	/* Now another UIDVALIDITY may be recorded. */
	put_state(f, idx, 101, 201);
	send_done(f, MSG_STATE);
	assert_int_equal(mailbox(f, 0, 1).st[REMOTE].uidvalidity, 201);
	ibuf_add_u32(payload(f), 0);
	assert_int_equal(send_frame(f, MSG_RESET), -1);
}

static void
test_state(void **state)
{
	struct fixture *f = *state;
	struct msg_dbmailbox m;
	uint32_t idx = ready(f);

	m = mailbox(f, 0, 1);
	assert_int_equal(m.hasstate, 1);
	assert_int_equal(m.st[LOCAL].uidvalidity, 100);
	assert_int_equal(m.st[REMOTE].uidvalidity, 200);
	assert_int_equal(m.st[LOCAL].uidnext, 0);
	assert_int_equal(m.st[REMOTE].modseq, 0);
	/* The same again is fine, another one is not. */
	put_state(f, idx, 100, 200);
	send_done(f, MSG_STATE);
	put_state(f, idx, 100, 201);
	send_fail(f, MSG_STATE, FAIL_INTERNAL, "remote UIDVALIDITY 200");
	put_state(f, 9, 1, 1);
	assert_int_equal(send_frame(f, MSG_STATE), 0);
	assert_int_equal(f->a[f->n - 1].type, MSG_FAIL);
}

static void
test_advance(void **state)
{
	struct fixture *f = *state;
	struct msg_dbmailbox m;
	uint32_t idx = ready(f);

	put_advance(f, idx, UID_MAX, INT64_MAX, 7, 12);
	send_done(f, MSG_ADVANCE);
	reopen(f);
	m = mailbox(f, 0, 1);
	assert_int_equal(m.st[LOCAL].uidnext, UID_MAX);
	assert_true(m.st[LOCAL].modseq == INT64_MAX);
	assert_int_equal(m.st[REMOTE].uidnext, 7);
	assert_int_equal(m.st[REMOTE].modseq, 12);
	assert_int_equal(m.st[LOCAL].uidvalidity, 100);
	put_advance(f, idx + 1, 1, 1, 1, 1);
	send_fail(f, MSG_ADVANCE, FAIL_INTERNAL, "no mailbox 2");
}

/* The original writes 2^63 and more as negative numbers. */
static void
test_huge_modseq(void **state)
{
	struct fixture *f = *state;

	ready(f);
	other_program(f, "UPDATE local SET HIGHESTMODSEQ = -1");
	reopen(f);
	assert_true(mailbox(f, 0, 1).st[LOCAL].modseq == 0);
}

static void
test_above(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	assert_int_equal(mailbox(f, 0, 1).above, 0);
	map(f, idx, 5, 8, 1);
	assert_int_equal(mailbox(f, 0, 1).above, 1);
	put_advance(f, idx, 6, 1, 9, 1);
	send_done(f, MSG_ADVANCE);
	assert_int_equal(mailbox(f, 0, 1).above, 0);
	put_advance(f, idx, 6, 1, 8, 1);
	send_done(f, MSG_ADVANCE);
	assert_int_equal(mailbox(f, 0, 1).above, 1);
}

static void
test_map(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	map(f, idx, 1, 11, 3);
	map(f, idx, UID_MAX, UID_MAX, 1);
	map(f, idx, 2, 12, 1);		/* the identical pair again */
	assert_int_equal(counted(f, idx).rows, 4);
	assert_int_equal(mapped(f, idx, UID_MAX, UID_MAX), 1);
	/* Without a state, without a mailbox. */
	put_pairs(f, add(f, "x"), MAP_NOSIDE, 1, 1, 1);
	send_fail(f, MSG_MAP, FAIL_INTERNAL, "no state");
	put_pairs(f, 77, MAP_NOSIDE, 1, 1, 1);
	send_fail(f, MSG_MAP, FAIL_INTERNAL, "no mailbox 77");
	put_pairs(f, idx, MAP_NOSIDE, 0, 1, 1);
	assert_int_equal(send_frame(f, MSG_MAP), -1);
}

/* A pair is never replaced, and a message that fails leaves nothing. */
static void
test_map_conflict(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), other;

	map(f, idx, 5, 5, 1);
	put_pairs(f, idx, MAP_NOSIDE, 3, 13, 3);	/* 3 13, 4 14, 5 15 */
	send_fail(f, MSG_MAP, FAIL_INTERNAL, "since 5 is mapped to 5");
	put_pairs(f, idx, MAP_NOSIDE, 9, 5, 1);
	send_fail(f, MSG_MAP, FAIL_INTERNAL, "since 5 is mapped to 5");
	assert_int_equal(counted(f, idx).rows, 1);
	/* What follows may build on it: the mailbox stays where it is. */
	put_advance(f, idx, 9, 9, 9, 9);
	send_fail(f, MSG_ADVANCE, FAIL_INTERNAL, "does not advance");
	other = add(f, "other");
	put_state(f, other, 1, 1);
	send_done(f, MSG_STATE);
	map(f, other, 5, 15, 1);
	put_advance(f, other, 6, 1, 16, 1);
	send_done(f, MSG_ADVANCE);
	reopen(f);
	assert_int_equal(mailbox(f, 0, 2).st[LOCAL].uidnext, 0);
	assert_int_equal(mailbox(f, 1, 2).st[LOCAL].uidnext, 6);
}

static void
test_lookup(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), i;
	struct uidset set = UIDSET_INIT;
	struct found l;

	for (i = 0; i < 5; i++)
		map(f, idx, 1 + i * 4000, 100001 + i * 4000, 4000);
	map(f, idx, UID_MAX, UID_MAX, 1);
	assert_int_equal(mapped(f, idx, 1, UID_MAX), 20001);
	lookup(f, idx, LOCAL, 1, UID_MAX, &l);
	assert_true(l.frames >= 3);
	assert_int_equal(l.pair[0].a, 1);
	assert_int_equal(l.pair[0].b, 100001);
	assert_int_equal(l.pair[0].held, 0);
	lookup(f, idx, REMOTE, 100003, 100004, &l);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.pair[1].a, 4);
	assert_int_equal(l.pair[1].b, 100004);
	lookup(f, idx, REMOTE, 1, 100000, &l);
	assert_int_equal(l.n, 0);
	for (i = 0; i < MSG_MAXRANGES; i++)
		assert_int_equal(uidset_add(&set, 1 + 2 * i), 0);
	lookup_set(f, idx, LOCAL, &set, &l);
	assert_int_equal(l.n, MSG_MAXRANGES);
	uidset_free(&set);
}

static void
test_unmap(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	map(f, idx, 1, 11, 3);
	put_pairs(f, idx, REMOTE, 1, 11, 2);
	send_done(f, MSG_HOLD);
	put_pairs(f, idx, MAP_NOSIDE, 1, 11, 1);
	send_done(f, MSG_UNMAP);
	put_pairs(f, idx, MAP_NOSIDE, 2, 13, 1);	/* no such pair */
	send_done(f, MSG_UNMAP);
	assert_int_equal(counted(f, idx).rows, 2);
	assert_int_equal(counted(f, idx).held[REMOTE], 1);
	assert_int_equal(mapped(f, idx, 1, 1), 0);
	assert_int_equal(mapped(f, idx, 2, 3), 2);
}

static void
test_hold(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);
	struct found l;

	map(f, idx, 1, 11, 4);
	put_pairs(f, idx, LOCAL, 1, 11, 1);
	send_done(f, MSG_HOLD);
	put_pairs(f, idx, REMOTE, 3, 13, 2);
	send_done(f, MSG_HOLD);
	reopen(f);
	lookup(f, idx, LOCAL, 1, 4, &l);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.pair[0].held, 1 + LOCAL);
	assert_int_equal(l.pair[1].held, 0);
	assert_int_equal(l.pair[2].held, 1 + REMOTE);
	assert_int_equal(counted(f, idx).held[LOCAL], 1);
	assert_int_equal(counted(f, idx).held[REMOTE], 2);
	assert_int_equal(mailbox(f, 0, 1).held, 3);
	put_pairs(f, idx, REMOTE, 4, 14, 1);
	send_done(f, MSG_UNHOLD);
	assert_int_equal(counted(f, idx).held[REMOTE], 1);
	put_pairs(f, idx, LOCAL, 1, 12, 1);
	send_fail(f, MSG_HOLD, FAIL_INTERNAL, "held but not mapped");
	put_pairs(f, idx, MAP_NOSIDE, 1, 11, 1);
	send_fail(f, MSG_HOLD, FAIL_INTERNAL, "on which side");
}

/* A MAP that says so takes the place of a held pair, and of no other. */
static void
test_map_held(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);
	struct msg_map m = { idx, MAP_NOSIDE, 1 };
	struct msg_pair p = { 1, 21, 1 };

	map(f, idx, 1, 11, 4);
	put_pairs(f, idx, REMOTE, 1, 11, 1);
	send_done(f, MSG_HOLD);
	put_pairs(f, idx, LOCAL, 2, 12, 1);
	send_done(f, MSG_HOLD);
	msg_put_map(payload(f), &m);
	msg_put_pair(&f->b, &p);
	send_done(f, MSG_MAP);
	assert_int_equal(counted(f, idx).rows, 4);
	assert_int_equal(counted(f, idx).held[REMOTE], 0);
	assert_int_equal(counted(f, idx).held[LOCAL], 1);
	p.a = 22;
	p.b = 12;
	msg_put_map(payload(f), &m);
	msg_put_pair(&f->b, &p);
	send_done(f, MSG_MAP);
	assert_int_equal(counted(f, idx).held[LOCAL], 0);
	assert_int_equal(mapped(f, idx, 2, 2), 0);
	p.a = 23;
	p.b = 13;			/* mapped, but not held */
	msg_put_map(payload(f), &m);
	msg_put_pair(&f->b, &p);
	send_fail(f, MSG_MAP, FAIL_INTERNAL, "since 3 is mapped to 13");
}

static void
test_skip(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), i;
	struct found l;

	for (i = 1; i <= 9; i += 2) {
		put_skip(f, idx, REMOTE, i);
		send_done(f, MSG_SKIP);
	}
	put_skip(f, idx, LOCAL, UID_MAX);
	send_done(f, MSG_SKIP);
	put_skip(f, idx, LOCAL, UID_MAX);	/* once more */
	send_done(f, MSG_SKIP);
	reopen(f);
	lookup(f, idx, REMOTE, 3, 8, &l);
	assert_int_equal(l.n, 0);
	assert_int_equal(uidset_count(&l.skipped), 3);
	assert_true(uidset_has(&l.skipped, 7));
	uidset_free(&l.skipped);
	lookup(f, idx, LOCAL, 1, UID_MAX, &l);
	assert_int_equal(uidset_min(&l.skipped), UID_MAX);
	uidset_free(&l.skipped);
	assert_int_equal(counted(f, idx).skipped[LOCAL], 1);
	assert_int_equal(counted(f, idx).skipped[REMOTE], 5);
}

static void
test_intents(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);
	struct msg_unintent u = { idx, LOCAL, UIDSET_INIT };
	struct msg_intended i;

	put_intent(f, idx, LOCAL, 50, 10, 4);
	send_done(f, MSG_INTENT);
	/* Another attempt: the copy may be as old as the first one. */
	put_intent(f, idx, LOCAL, 60, 10, 1);
	send_done(f, MSG_INTENT);
	put_intent(f, idx, REMOTE, 0, 10, 1);
	send_done(f, MSG_INTENT);
	reopen(f);
	assert_int_equal(intents(f, idx, &i), 5);
	assert_int_equal(i.side, LOCAL);
	assert_int_equal(i.uid, 10);
	assert_int_equal(i.tuidnext, 50);
	assert_int_equal(i.size, 4106);
	assert_int_equal(i.date.time, 1000000000);
	assert_int_equal(i.date.zone, -90);
	assert_int_equal(i.date.valid, 1);
	assert_int_equal(mailbox(f, 0, 1).intents, 5);
	/* MAP with a side takes the intents of the sources with it. */
	put_pairs(f, idx, LOCAL, 10, 50, 2);
	send_done(f, MSG_MAP);
	assert_int_equal(intents(f, idx, NULL), 3);
	uidset_add_range(&u.set, 12, UID_MAX);
	msg_put_unintent(payload(f), &u);
	uidset_free(&u.set);
	send_done(f, MSG_UNINTENT);
	assert_int_equal(intents(f, idx, &i), 1);
	assert_int_equal(i.side, REMOTE);
	put_intent(f, add(f, "x"), LOCAL, 1, 1, 1);
	send_fail(f, MSG_INTENT, FAIL_INTERNAL, "no state");
}

static void
test_many_intents(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	put_intent(f, idx, LOCAL, 1, 1, 2000);
	send_done(f, MSG_INTENT);
	put_intent(f, idx, LOCAL, 1, 2001, 2000);
	send_done(f, MSG_INTENT);
	assert_int_equal(intents(f, idx, NULL), 4000);
	assert_true(f->n > 2);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		T(test_mailboxes), T(test_move), T(test_forget), T(test_reset),
		T(test_state), T(test_advance),
		T(test_huge_modseq), T(test_above), T(test_map),
		T(test_map_conflict), T(test_lookup), T(test_unmap),
		T(test_hold), T(test_map_held), T(test_skip), T(test_intents),
		T(test_many_intents)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
