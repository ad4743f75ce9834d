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
 * Between two runs of a session under --notify: both servers are asked to tell
 * of changes (NOTIFY), then for one more LIST, which shows what changed before
 * they began to tell.  When one of them has news, a moment is waited for more,
 * and the next run begins, on the same connections, without NOTIFY.  Meanwhile
 * the database is clean, and nothing is selected.
 *
 *	PHASE_WORK -> PHASE_ARM -> PHASE_WATCH -> PHASE_SETTLE -> PHASE_WORK
 *
 * Called by session.c (the run ended, time passed) and frames.c (answers).
 */
#include "session.h"

#define SETTLE_MS	200		/* more news may follow at once */
#define CALM_MS		10000		/* a wait this long forgives */
#define DOUBLE_MAX	8		/* at most 51 s */

static void
ask(struct session *s, enum side side, enum msg_type type, uint32_t id,
    struct ibuf *b)
{
	if (child_send(s, (enum peer)side, type, id, b) == 0)
		s->peer[side].owed++;
	ibuf_free(b);
}

static void
ask_all(struct session *s, enum msg_type type, uint32_t id)
{
	struct ibuf	b;
	int		i;

	for (i = LOCAL; i <= REMOTE; i++) {
		ibuf_init(&b);
		if (type == MSG_LIST)
			engine_look(s->engine, (enum side)i, &b);
		ask(s, (enum side)i, type, id, &b);
	}
}

static void
notify(struct session *s)
{
	struct ibuf	b;
	int		i;

	s->named = 1;
	for (i = LOCAL; i <= REMOTE; i++) {
		s->named &= engine_watch(s->engine, (enum side)i, &b);
		ask(s, (enum side)i, MSG_NOTIFY, ID_NOTIFY, &b);
	}
}

/* A run that news began and that found nothing makes the next one later. */
static void
count_fruitless(struct session *s)
{
	struct engine_stats	st;
	int			i;

	engine_stats(s->engine, &st);
	s->fruitless += s->news;
	if (st.adopted > 0 || st.created > 0)
		s->fruitless = 0;
	for (i = 0; i < 2; i++)
		if (st.copied[i] > 0 || st.deleted[i] > 0 || st.flagged[i] > 0)
			s->fruitless = 0;
}

void
watch_begin(struct session *s)
{
	count_fruitless(s);
	s->phase = PHASE_ARM;
	s->partial = engine_outcome(s->engine) != OUT_DONE;
	s->news = 0;
	notify(s);
	ask_all(s, MSG_LIST, ID_LOOK);
}

static void
settle(struct session *s)
{
	if (session_now() - s->since > CALM_MS)
		s->fruitless = 0;
	if (s->fruitless > DOUBLE_MAX)
		s->fruitless = DOUBLE_MAX;
	s->phase = PHASE_SETTLE;
	s->deadline = session_now() + (SETTLE_MS << s->fruitless);
}

static void
watch(struct session *s)
{
	s->phase = PHASE_WATCH;
	s->since = session_now();
	s->deadline = s->since + s->opts->watch * 1000LL;
	if (s->news)
		settle(s);
}

/*
 * Nothing was told for so long.  What was left undone is tried again; where
 * not all that is synchronized could be named, it is looked at.
 */
static void
idle(struct session *s)
{
	if (s->partial)
		watch_end(s);
	else if (!s->named) {
		s->phase = PHASE_ARM;
		ask_all(s, MSG_LIST, ID_LOOK);
	} else {
		ask_all(s, MSG_NOOP, ID_NOOP);
		s->deadline = session_now() + s->opts->watch * 1000LL;
	}
}

/* The next run; what the servers still tell it will see. */
void
watch_end(struct session *s)
{
	struct msg_notify	n = { NOTIFY_NONE, 0 };
	struct ibuf		b;
	int			i;

	for (i = LOCAL; i <= REMOTE; i++) {
		ibuf_init(&b);
		msg_put_notify(&b, &n);
		ask(s, (enum side)i, MSG_NOTIFY, ID_NOTIFY, &b);
	}
	session_again(s);
}

void
watch_step(struct session *s)
{
	if (s->phase == PHASE_ARM && !s->cleaning &&
	    s->peer[LOCAL].owed == 0 && s->peer[REMOTE].owed == 0)
		watch(s);
	if (session_now() < s->deadline)
		return;
	if (s->phase == PHASE_WATCH)
		idle(s);
	else if (s->phase == PHASE_SETTLE)
		watch_end(s);
}

static void
has_news(struct session *s)
{
	s->news = 1;
	if (s->phase == PHASE_WATCH)
		settle(s);
}

int
watch_answered(struct session *s, enum peer p, uint32_t id, int failed)
{
	if (p == PEER_DB || s->peer[p].owed == 0)
		return -1;
	s->peer[p].owed--;
	/* The next run asks the same, and says why it failed. */
	if (failed && id == ID_LOOK)
		has_news(s);
	return 0;
}

int
watch_told(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_mailbox	m;
	int			listed = im->id == ID_LOOK;

	if (!s->opts->notify || (im->id != 0 && !listed) ||
	    (listed && s->peer[p].owed == 0) ||
	    msg_get_mailbox(&im->data, &m) == -1)
		return -1;
	if ((s->phase != PHASE_ARM && s->phase != PHASE_WATCH) || s->news ||
	    !engine_news(s->engine, (enum side)p, listed, &m))
		return 0;
	session_say(s, LOG_L_DEBUG, (int)p, "News of %s%.*s",
	    m.name.n == 0 ? "all mailboxes" : "", (int)m.name.n, m.name.p);
	has_news(s);
	return 0;
}
