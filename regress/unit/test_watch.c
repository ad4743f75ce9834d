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
 * interimap/watch.c: what is asked between two runs, when the next one begins,
 * and that nothing a server tells makes the runs come faster and faster.  The
 * clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/session.h"

/* ---- what watch.c calls ---- */

static struct {
	int64_t		 now;
	char		 sent[256];	/* L NOTIFY, R LIST ... */
	uint8_t		 mode;		/* of the last NOTIFY */
	int		 runs;
	int		 names, news;	/* what the engine answers */
	int		 asked;		/* engine_news() was */
	enum outcome	 outcome;
	struct engine_stats stats;
} w;

int64_t
session_now(void)
{
	return w.now;
}

void
session_again(struct session *s)
{
	w.runs++;
	s->phase = PHASE_WORK;
}

void
session_say(struct session *s, enum loglevel level, int side,
    const char *fmt, ...)
{
}

int
child_send(struct session *s, enum peer p, enum msg_type type, uint32_t id,
    const struct ibuf *b)
{
	struct msg_notify	m;
	struct ibuf		copy;

	assert_int_equal(msg_check(type, MSG_PI, b->wpos), 0);
	strlcat(w.sent, p == PEER_LOCAL ? " L " : " R ", sizeof(w.sent));
	strlcat(w.sent, msg_name(type), sizeof(w.sent));
	if (type == MSG_NOTIFY) {
		ibuf_from(&copy, b->buf, b->wpos);
		assert_int_equal(msg_get_notify(&copy, &m), 0);
		w.mode = m.mode;
	}
	return 0;
}

int
engine_watch(const struct engine *e, enum side side, struct ibuf *b)
{
	struct msg_notify	m = { NOTIFY_NAMES, 0 };

	ibuf_init(b);
	msg_put_notify(b, &m);
	return w.names;
}

void
engine_look(const struct engine *e, enum side side, struct ibuf *b)
{
	struct msg_list	m = { { "", 0 }, { "", 0 }, 1, 0 };

	ibuf_init(b);
	msg_put_list(b, &m);
}

int
engine_news(const struct engine *e, enum side side, int listed,
    const struct msg_mailbox *m)
{
	w.asked++;
	return w.news;
}

enum outcome
engine_outcome(const struct engine *e)
{
	return w.outcome;
}

void
engine_stats(const struct engine *e, struct engine_stats *st)
{
	*st = w.stats;
}

/* ---- a session ---- */

static struct session s;
static struct options opts;

static int
begin(void **state)
{
	memset(&s, 0, sizeof(s));
	memset(&w, 0, sizeof(w));
	memset(&opts, 0, sizeof(opts));
	w.now = 1000;
	w.names = 1;
	opts.notify = 1;
	opts.watch = 900;
	s.opts = &opts;
	s.phase = PHASE_WORK;
	return 0;
}

static void
advance(int64_t ms)
{
	w.now += ms;
	watch_step(&s);
}

static void
answers(void)
{
	int	i;

	for (i = 0; i < 2; i++)
		while (s.peer[i].owed > 0)
			assert_int_equal(watch_answered(&s, (enum peer)i,
			    ID_NOOP, 0), 0);
	watch_step(&s);
}

/* A MAILBOX frame of this id, from the remote. */
static int
told(uint32_t id)
{
	struct msg_mailbox	m;
	struct imsg		im;
	int			rc;

	memset(&m, 0, sizeof(m));
	m.name = bytes_of("A");
	memset(&im, 0, sizeof(im));
	im.type = MSG_MAILBOX;
	im.id = id;
	ibuf_init(&im.data);
	msg_put_mailbox(&im.data, &m);
	rc = watch_told(&s, PEER_REMOTE, &im);
	ibuf_free(&im.data);
	return rc;
}

/* A run that ends; then both servers are asked, and answer. */
static void
to_watch(void)
{
	watch_begin(&s);
	answers();
}

/* How long after this news the run begins; the run then ends. */
static int64_t
after_news(void)
{
	int64_t	began = w.now;
	int	runs = w.runs;

	w.news = 1;
	assert_int_equal(told(0), 0);
	w.news = 0;
	assert_int_equal(s.phase, PHASE_SETTLE);
	while (w.runs == runs && w.now < began + 1000000)
		advance(10);
	to_watch();
	return w.now - began;
}

/* ---- the tests ---- */

static void
test_begin(void **state)
{
	s.cleaning = 1;
	watch_begin(&s);
	assert_string_equal(w.sent, " L NOTIFY R NOTIFY L LIST R LIST");
	assert_int_equal(w.mode, NOTIFY_NAMES);
	answers();
	assert_int_equal(s.phase, PHASE_ARM);	/* the database is not clean */
	s.cleaning = 0;
	watch_step(&s);
	assert_int_equal(s.phase, PHASE_WATCH);
	assert_int_equal(s.deadline, w.now + 900000);
}

/* One answer is missing: it goes on asking nothing. */
static void
test_owed(void **state)
{
	watch_begin(&s);
	s.peer[LOCAL].owed = 0;
	watch_answered(&s, PEER_REMOTE, ID_NOTIFY, 0);
	advance(10000000);
	assert_int_equal(s.phase, PHASE_ARM);
	assert_int_equal(w.runs, 0);
}

static void
test_news(void **state)
{
	to_watch();
	assert_int_equal(told(0), 0);		/* it is an echo */
	assert_int_equal(s.phase, PHASE_WATCH);
	w.news = 1;
	assert_int_equal(told(0), 0);
	assert_int_equal(s.phase, PHASE_SETTLE);
	advance(199);
	assert_int_equal(w.runs, 0);
	w.sent[0] = '\0';
	advance(1);
	assert_int_equal(w.runs, 1);
	assert_string_equal(w.sent, " L NOTIFY R NOTIFY");
	assert_int_equal(w.mode, NOTIFY_NONE);
	w.asked = 0;
	assert_int_equal(told(0), 0);		/* the run sees it */
	assert_int_equal(w.asked, 0);
	assert_int_equal(s.phase, PHASE_WORK);
}

/* What came while the servers were asked, and what their LIST shows. */
static void
test_early_news(void **state)
{
	int	i;

	for (i = 0; i < 3; i++) {
		begin(state);
		watch_begin(&s);
		w.news = 1;
		if (i == 2)
			watch_answered(&s, PEER_REMOTE, ID_LOOK, 1);
		else
			assert_int_equal(told(i == 0 ? 0 : ID_LOOK), 0);
		assert_int_equal(s.phase, PHASE_ARM);
		answers();
		assert_int_equal(s.phase, PHASE_SETTLE);
		advance(200);
		assert_int_equal(w.runs, 1);
	}
}

static void
test_idle(void **state)
{
	int	i;

	to_watch();
	for (i = 0; i < 3; i++) {
		w.sent[0] = '\0';
		advance(899999);
		assert_string_equal(w.sent, "");
		advance(1);
		assert_string_equal(w.sent, " L NOOP R NOOP");
		answers();
	}
	assert_int_equal(w.runs, 0);
	assert_int_equal(s.phase, PHASE_WATCH);
}

/* Where NOTIFY could not name all, they are looked at. */
static void
test_idle_unnamed(void **state)
{
	w.names = 0;
	to_watch();
	w.sent[0] = '\0';
	advance(900000);
	assert_string_equal(w.sent, " L LIST R LIST");
	assert_int_equal(s.phase, PHASE_ARM);
	answers();
	assert_int_equal(s.phase, PHASE_WATCH);
	assert_int_equal(w.runs, 0);
}

/* What a run left out is tried again, without news. */
static void
test_idle_partial(void **state)
{
	w.outcome = OUT_PARTIAL;
	to_watch();
	advance(900000);
	assert_int_equal(w.runs, 1);
	assert_int_equal(w.mode, NOTIFY_NONE);
	w.outcome = OUT_DONE;
	to_watch();
	advance(900000);
	assert_int_equal(w.runs, 1);
}

/* News again and again, and nothing is found. */
static void
test_fruitless(void **state)
{
	int64_t	want = 200;
	int	i;

	to_watch();
	for (i = 0; i < 12; i++) {
		assert_int_equal(after_news(), want);
		want = want < 51200 ? want * 2 : want;
	}
	w.stats.flagged[REMOTE] = 1;		/* this one found something */
	assert_int_equal(after_news(), 51200);
	assert_int_equal(after_news(), 200);
	w.stats.flagged[REMOTE] = 0;
	assert_int_equal(after_news(), 200);
	assert_int_equal(after_news(), 400);
	advance(10001);				/* it was quiet for a while */
	assert_int_equal(after_news(), 200);
}

static void
test_hostile(void **state)
{
	struct imsg	im;

	to_watch();
	assert_int_equal(watch_answered(&s, PEER_LOCAL, ID_NOTIFY, 0), -1);
	assert_int_equal(watch_answered(&s, PEER_DB, ID_NOOP, 0), -1);
	assert_int_equal(told(ID_LOOK), -1);	/* nobody looks */
	assert_int_equal(told(ID_NOOP), -1);
	memset(&im, 0, sizeof(im));
	ibuf_init(&im.data);
	ibuf_add_u32(&im.data, 1);
	assert_int_equal(watch_told(&s, PEER_REMOTE, &im), -1);
	ibuf_free(&im.data);
	opts.notify = 0;
	assert_int_equal(told(0), -1);		/* nobody asked for it */
}

#define T(fn)	cmocka_unit_test_setup(fn, begin)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(test_begin), T(test_owed), T(test_news),
		T(test_early_news), T(test_idle), T(test_idle_unnamed),
		T(test_idle_partial), T(test_fruitless), T(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
