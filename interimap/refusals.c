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
 * Messages that the server of the other side does not take.  The database
 * keeps them from run to run, with the reason, how often they were tried and
 * when they may be tried again (statedb/refused.c); they are asked for with the
 * lists of mailboxes, and each run says at its end which there are.  One that
 * may be tried again makes its mailbox dirty and goes through COPY like a new
 * one; until it is mapped its record stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refusals.h"

/* Those that differ in their UID only. */
struct refusal {
	struct refusal	*link;
	enum side	 side;		/* where the messages are */
	uint8_t		 why;		/* LEFT_REFUSED, LEFT_NUL */
	uint32_t	 tries;
	uint32_t	 wait;		/* seconds until they may be tried */
	char		*text;
	struct uidset	 set;		/* they wait */
	struct uidset	 trying;	/* they are tried in this run */
};

static struct refusal *
refusal_new(struct mbox *m, enum side side, uint8_t why, struct bytes text)
{
	struct refusal *r;

	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (r->text = bytes_dup(text)) == NULL)
		fatal("out of memory");
	r->side = side;
	r->why = why;
	r->link = m->refusals;
	m->refusals = r;
	return r;
}

void
refusals_free(struct mbox *m)
{
	struct refusal *r;

	while ((r = m->refusals) != NULL) {
		m->refusals = r->link;
		uidset_free(&r->set);
		uidset_free(&r->trying);
		free(r->text);
		free(r);
	}
}

static void
join(struct uidset *a, const struct uidset *b)
{
	if (uidset_union(a, b) == -1)
		fatal("out of memory");
}

/* A mailbox of the database; NULL: none of this run. */
static struct mbox *
mbox_of(const struct engine *e, uint32_t idx)
{
	struct mbox *m;

	for (m = e->all; m != NULL && m->idx != idx; m = m->link)
		;
	return m;
}

/* A few seconds between two records are none for those who read of them. */
static struct refusal *
alike(const struct mbox *m, const struct msg_refused *msg)
{
	struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (r->side == (enum side)msg->side && r->why == msg->why &&
		    r->tries == msg->tries &&
		    bytes_eq(msg->text, bytes_of(r->text)) &&
		    (r->wait == 0) == (msg->wait == 0) &&
		    r->wait <= msg->wait + 60 && msg->wait <= r->wait + 60)
			return r;
	return NULL;
}

int
refusals_take(struct request *rq, struct imsg *im)
{
	struct msg_refused msg;
	struct refusal *r;
	struct mbox *m;

	if (msg_get_refused(&im->data, &msg) == -1)
		return -1;
	if ((m = mbox_of(rq->e, msg.idx)) == NULL) {
		uidset_free(&msg.set);
		return 0;
	}
	if ((r = alike(m, &msg)) == NULL) {
		r = refusal_new(m, (enum side)msg.side, msg.why, msg.text);
		r->tries = msg.tries;
	}
	if (msg.wait > r->wait)
		r->wait = msg.wait;
	join(&r->set, &msg.set);
	uidset_free(&msg.set);
	return 0;
}

/* What holds NUL can be sent to a server with BINARY only. */
static int
may_be_sent(const struct mbox *m, const struct refusal *r)
{
	return r->why != LEFT_NUL ||
	    (m->e->caps[OTHER(r->side)] & CAP_BINARY) != 0;
}

static int
is_due(const struct mbox *m, const struct refusal *r)
{
	return r->wait == 0 && !uidset_empty(&r->set) && may_be_sent(m, r);
}

int
refusals_due(const struct mbox *m)
{
	const struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (is_due(m, r))
			return 1;
	return 0;
}

int
refusals_any(const struct mbox *m)
{
	const struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (!uidset_empty(&r->set) || !uidset_empty(&r->trying))
			return 1;
	return 0;
}

static void
take_away(struct uidset *a, const struct uidset *b)
{
	if (uidset_minus(a, b) == -1)
		fatal("out of memory");
}

/*
 * Those that may be tried are copied in this run, if they are still there.
 * --repair looks at all messages, and drops all records.
 */
void
refusals_begin(struct mbox *m)
{
	struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link) {
		if (m->repair == NULL && !is_due(m, r))
			continue;
		if (m->repair != NULL)
			r->tries = 0;
		else
			join(&m->s[r->side].again, &r->set);
		join(&r->trying, &r->set);
		uidset_free(&r->set);
	}
}

int
refusals_nul(const struct mbox *m, enum side side, uint32_t uid)
{
	const struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (r->side == side && r->why == LEFT_NUL &&
		    (uidset_has(&r->trying, uid) || uidset_has(&r->set, uid)))
			return 1;
	return 0;
}

void
refusals_drop(struct mbox *m, enum side side, uint32_t uid)
{
	struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (r->side == side &&
		    (uidset_remove_range(&r->set, uid, uid) == -1 ||
		    uidset_remove_range(&r->trying, uid, uid) == -1))
			fatal("out of memory");
}

/* ---- one more refusal ---- */

/* As the database doubles it. */
static uint32_t
pause_of(uint32_t first, uint32_t tries)
{
	uint32_t pause = first;

	while (tries-- > 1 && pause < PAUSE_MAX)
		pause *= 2;
	return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

void
skip_send(struct mbox *m, enum side side, const struct uidset *set,
    uint8_t why, uint32_t pause, const char *text)
{
	struct msg_skip sk;
	struct ibuf b;
	size_t i;

	memset(&sk, 0, sizeof(sk));
	sk.idx = m->idx;
	sk.side = (uint8_t)side;
	sk.why = why;
	sk.pause = pause;
	sk.text = bytes_of(text);
	for (i = 0; i < set->n; i++) {
		sk.uid = set->r[i].lo;
		sk.last = set->r[i].hi;
		ibuf_init(&b);
		msg_put_skip(&b, &sk);
		request(m->e, m, PEER_DB, MSG_SKIP, &b, req_plain, NULL);
	}
}

/* These of the set were tried so often before. */
static void
add_group(struct mbox *m, enum side side, struct uidset *set, uint8_t why,
    uint32_t tries, uint32_t pause, const char *text)
{
	struct refusal *r;

	for (r = m->refusals; r != NULL; r = r->link)
		if (r->side == side && r->why == why && r->tries == tries + 1 &&
		    r->wait == pause_of(pause, tries + 1) &&
		    strcmp(r->text, text) == 0)
			break;
	if (r == NULL) {
		r = refusal_new(m, side, why, bytes_of(text));
		r->tries = tries + 1;
		r->wait = pause_of(pause, r->tries);
	}
	join(&r->set, set);
	uidset_free(set);
}

void
refusals_add(struct mbox *m, enum side side, const struct uidset *set,
    enum leftout why, const char *text)
{
	struct refusal *r, *first = m->refusals;
	struct uidset rest, again;
	uint32_t pause = REFUSED_PAUSE;

	/* With BINARY the next run sends it as it must be sent. */
	if (why == LEFT_NUL && m->e->caps[OTHER(side)] & CAP_BINARY)
		pause = 0;
	skip_send(m, side, set, (uint8_t)why, pause, text);
	uidset_init(&rest);
	join(&rest, set);
	for (r = first; r != NULL; r = r->link) {
		uidset_init(&again);
		join(&again, &r->trying);
		if (r->side != side || uidset_intersect(&again, &rest) == -1)
			uidset_free(&again);
		if (uidset_empty(&again))
			continue;
		take_away(&r->trying, &again);
		take_away(&rest, &again);
		add_group(m, side, &again, (uint8_t)why, r->tries, pause, text);
	}
	if (!uidset_empty(&rest))
		add_group(m, side, &rest, (uint8_t)why, 0, pause, text);
	uidset_free(&rest);
}

/* ---- at the end of a run ---- */

static void
when(const struct mbox *m, const struct refusal *r, char *buf, size_t size)
{
	uint32_t n = r->wait, unit = 60;
	const char *word = "minutes";

	if (!may_be_sent(m, r)) {
		(void)snprintf(buf, size, "tried again when the server offers "
		    "BINARY");
		return;
	}
	if (n >= 2 * 24 * 3600) {
		unit = 24 * 3600;
		word = "days";
	} else if (n >= 2 * 3600) {
		unit = 3600;
		word = "hours";
	}
	if (!uidset_empty(&r->trying) || n == 0)
		(void)snprintf(buf, size, "tried again in the next run");
	else
		(void)snprintf(buf, size, "tried again in %u %s, or by "
		    "--repair", (n + unit - 1) / unit, word);
}

static void
say_refusal(struct mbox *m, const struct refusal *r)
{
	char uids[256], times[32] = "once", then[64];
	struct uidset all;
	size_t pos = 0;

	uidset_init(&all);
	join(&all, &r->set);
	join(&all, &r->trying);
	(void)uidset_format(&all, &pos, uids, sizeof(uids));
	if (r->tries > 1)
		(void)snprintf(times, sizeof(times), "%u times", r->tries);
	when(m, r, then, sizeof(then));
	say(m->e, LOG_L_WARN, OTHER(r->side), m, "%s UID %s%s not taken: %s "
	    "(%s); %s", side_name(r->side), uids, pos < all.n ? ",..." : "",
	    r->text, times, then);
	uidset_free(&all);
}

/* Only of mailboxes that this run was about. */
void
engine_refusals(struct engine *e)
{
	const struct refusal *r;
	struct mbox *m;
	uint64_t lines = 0;

	for (m = e->all; m != NULL; m = m->link) {
		if (m->s[LOCAL].name == NULL || m->s[REMOTE].name == NULL)
			continue;
		for (r = m->refusals; r != NULL; r = r->link) {
			if (uidset_empty(&r->set) && uidset_empty(&r->trying))
				continue;
			if (lines++ < REFUSED_LINES)
				say_refusal(m, r);
		}
	}
	if (lines > REFUSED_LINES)
		say(e, LOG_L_WARN, SIDE_NONE, NULL, "%llu more refusals of "
		    "messages like these are not shown",
		    (unsigned long long)(lines - REFUSED_LINES));
	if (lines > 0)
		e->outcome = outcome_worse(e->outcome, OUT_PARTIAL);
}
