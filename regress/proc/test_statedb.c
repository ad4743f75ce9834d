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
 * The real statedb against a parent that misbehaves, goes away, or is one of
 * two; and against SIGKILL in the middle of its work.
 */
#include "procdb.h"

/* It says FAIL with id 0, closes the socket and ends with status 1. */
static void
expect_end(struct proc *p, const char *words)
{
	struct imsg m;

	assert_int_equal(next(p, &m), 1);
	assert_int_equal(fail_of(&m, 0, words), FAIL_INTERNAL);
	assert_int_equal(next(p, &m), 0);
	assert_int_equal(reap(p), 1);
	imsgbuf_clear(&p->ib);
}

static void
raw(struct proc *p, const void *data, size_t n)
{
	assert_int_equal(write(p->ib.fd, data, n), (ssize_t)n);
}

static void
test_wrong_state(void **state)
{
	struct scratch *s = *state;

	start(&s->a, NULL, NULL);
	expect_ready(&s->a);
	payload(s);
	queue(s, &s->a, MSG_MAILBOXES);
	flush(&s->a);
	expect_end(&s->a, "MAILBOXES is not legal now");
}

static void
test_open_twice(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	put_open(s);
	queue(s, &s->a, MSG_OPEN);
	flush(&s->a);
	expect_end(&s->a, "OPEN is not legal now");
}

static void
test_short_payload(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	ibuf_add_u32(payload(s), 1);
	queue(s, &s->a, MSG_ADVANCE);
	flush(&s->a);
	expect_end(&s->a, "ADVANCE of 4 octets");
}

static void
test_malformed_payload(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	put_map(s, 1, 3);
	ibuf_set_u32(&s->data, 5, 4);	/* a count that is not there */
	queue(s, &s->a, MSG_MAP);
	flush(&s->a);
	expect_end(&s->a, "malformed MAP");
}

static void
test_unknown_type(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	payload(s);
	queue(s, &s->a, 999);
	flush(&s->a);
	expect_end(&s->a, "no request");
}

static void
test_oversize(void **state)
{
	static const uint8_t head[IMSG_HEADER] = { 0, MSG_MAP, 0, 0,
	    0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 9 };
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	raw(&s->a, head, sizeof(head));
	expect_end(&s->a, "malformed frame");
}

/* What came before a bad frame, in the same read, is still done. */
static void
test_good_then_bad(void **state)
{
	struct scratch *s = *state;
	struct imsg m;

	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	put_map(s, 1, 5);
	queue(s, &s->a, MSG_MAP);
	payload(s);
	queue(s, &s->a, 999);
	flush(&s->a);
	assert_int_equal(next(&s->a, &m), 1);
	assert_int_equal(m.type, MSG_DONE);
	expect_end(&s->a, "no request");
	start_open(s, &s->b, NULL, NULL);
	assert_int_equal(rows(s, &s->b), 5);
	stop(&s->b);
}

static void
test_parent_gone(void **state)
{
	static const uint8_t half[] = { 0, MSG_MAP, 0, 0, 0, 0 };
	struct scratch *s = *state;

	start(&s->a, NULL, NULL);
	stop(&s->a);
	start_open(s, &s->a, NULL, NULL);
	raw(&s->a, half, sizeof(half));
	stop(&s->a);
}

/* The parent goes while statedb waits for it to read a long answer. */
static void
test_gone_while_answering(void **state)
{
	struct scratch *s = *state;
	struct msg_lookup l = { 1, LOCAL, UIDSET_INIT };
	int i;

	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	for (i = 0; i < 20; i++) {
		put_map(s, 1 + (uint32_t)i * 5000, 5000);
		ask_done(s, &s->a, MSG_MAP);
	}
	assert_int_equal(uidset_add_range(&l.set, 1, UID_MAX), 0);
	msg_put_lookup(payload(s), &l);
	uidset_free(&l.set);
	for (i = 0; i < 4; i++)
		queue(s, &s->a, MSG_LOOKUP);
	flush(&s->a);
	poll(NULL, 0, 200);
	stop(&s->a);
}

/* A terminal or a service manager signals all processes of a run at once. */
static void
test_signals(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	kill(s->a.pid, SIGINT);
	kill(s->a.pid, SIGTERM);
	kill(s->a.pid, SIGHUP);
	furnish(s, &s->a);
	put_map(s, 1, 3);
	ask_done(s, &s->a, MSG_MAP);
	assert_int_equal(rows(s, &s->a), 3);
	stop(&s->a);
}

static void
test_second_instance(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	start_refused(s, &s->b, FAIL_LOCKED, "is locked", NULL, NULL);
	stop(&s->b);
	furnish(s, &s->a);
	stop(&s->a);
	start_open(s, &s->b, NULL, NULL);
	assert_int_equal(rows(s, &s->b), 0);
	stop(&s->b);
}

/* Killed, the lock goes with the process. */
static void
test_killed_lock(void **state)
{
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	destroy(&s->a);
	start_open(s, &s->b, NULL, NULL);
	stop(&s->b);
}

#define BURST	40	/* requests in flight when it is killed */
#define EACH	25	/* pairs of each */

/*
 * Kill it after so many microseconds, or (-1) when the first answer came; how
 * many of the MAPs were answered.
 */
static uint32_t
killed_after(struct scratch *s, uint32_t base, int usec)
{
	struct timespec ts = { 0, usec == -1 ? 0 : usec * 1000L };
	struct imsg m;
	uint32_t done = 0, i;

	for (i = 0; i < BURST; i++) {
		put_map(s, base + i * EACH, EACH);
		queue(s, &s->a, MSG_MAP);
	}
	flush(&s->a);
	if (usec == -1)
		wait_for(&s->a, POLLIN);
	nanosleep(&ts, NULL);
	kill(s->a.pid, SIGKILL);
	while (next(&s->a, &m) == 1) {
		assert_int_equal(m.type, MSG_DONE);
		done++;
	}
	assert_int_equal(reap(&s->a), -SIGKILL);
	imsgbuf_clear(&s->a.ib);
	return done;
}

/* What was answered is there, and each request is there whole or not at all. */
static void
test_killed_in_batch(void **state)
{
	struct scratch *s = *state;
	uint32_t before, after, done;
	int i;

	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	stop(&s->a);
	for (i = 0; i < 40; i++) {
		start_open(s, &s->a, NULL, NULL);
		before = rows(s, &s->a);
		done = killed_after(s, 1 + (uint32_t)i * 10000, i < 30 ? i * 200 : -1);
		start_open(s, &s->b, NULL, NULL);
		after = rows(s, &s->b);
		stop(&s->b);
		assert_int_equal((after - before) % EACH, 0);
		assert_true(after - before >= done * EACH);
		assert_true(after - before <= BURST * EACH);
		assert_true(i < 30 || after > before);
	}
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, scratch_up, scratch_down)
	const struct CMUnitTest tests[] = {
		T(test_wrong_state), T(test_open_twice),
		T(test_short_payload), T(test_malformed_payload),
		T(test_unknown_type), T(test_oversize), T(test_good_then_bad),
		T(test_parent_gone), T(test_gone_while_answering),
		T(test_signals), T(test_second_instance), T(test_killed_lock),
		T(test_killed_in_batch)
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
