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
 * --repair, the rows whose messages both sides have: flags and INTERNALDATE of
 * all, so many at a time.  Flags that differ although neither side changed are
 * a change that was missed.  A copy keeps the date of its message; where two
 * dates differ, the identifying headers tell whether the row joins different
 * messages, the later deletion of one of which would take the other.  Such a
 * row is dropped.  Called by apply.c, ends in repair_rows().
 */
#include <stdlib.h>
#include <string.h>

#include "repair.h"

#define NO_DATE	INT64_MIN

static void	recheck_dates(struct mbox *);
static void	recheck_headers(struct mbox *);

/* Neither deleted nor held: it has a message on both sides. */
static int
is_whole(const struct row *r)
{
	int i;

	for (i = 0; i < 2; i++)
		if (r->s[i].gone || r->s[i].held)
			return 0;
	return 1;
}

/* Its place in the chunk, or -1. */
static int
place(const struct mbox *m, const struct row *r)
{
	const struct repair *rp = m->repair;
	size_t i = (size_t)(r - m->rowtab.r);

	return i >= rp->from && i < rp->from + rp->n ? (int)(i - rp->from) : -1;
}

static int64_t *
dates_new(const struct mbox *m)
{
	size_t n = m->rowtab.n < RECHECK_CHUNK ? m->rowtab.n : RECHECK_CHUNK;
	int64_t *d;

	if ((d = calloc(n + 1, sizeof(*d))) == NULL)
		fatal("out of memory");
	return d;
}

static void
ask(struct mbox *m, enum side side, enum msg_type type, uint8_t id,
    int (*wanted)(const struct mbox *, const struct row *))
{
	const struct repair *rp = m->repair;
	struct uidset set;
	const struct row *r;
	uint32_t i;

	uidset_init(&set);
	for (i = rp->from; i < rp->from + rp->n; i++) {
		r = &m->rowtab.r[i];
		if (wanted(m, r) && uidset_add(&set, r->uid[side]) == -1)
			fatal("out of memory");
	}
	if (!uidset_empty(&set))
		uids_send(m, side, type, id, &set, req_plain, m->repair);
	uidset_free(&set);
}

/* ---- flags and dates ---- */

static void
take_flags(struct request *rq, struct row *r, const struct msg_message *msg)
{
	struct mside *s = &rq->m->s[rq->peer];
	struct rowside *rs = &r->s[rq->peer];

	if (rs->known)
		return;
	rs->known = 1;
	/* Newer than the SELECT: its change is not yet told. */
	rs->changed |= msg->modseq > s->sel.modseq;
	rs->flags = flagtab_id(&rq->e->flagtab, &msg->flags);
}

int
recheck_message(struct request *rq, struct imsg *im)
{
	struct msg_message msg;
	struct row *r;
	uint32_t n;
	int at;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (msg_get_message(&im->data, &msg) == -1)
			return -1;
		r = rowtab_find(&rq->m->rowtab, (enum side)rq->peer, msg.uid);
		if (r != NULL && (at = place(rq->m, r)) != -1) {
			take_flags(rq, r, &msg);
			if (msg.date.valid)
				rq->m->repair->date[rq->peer][at] =
				    msg.date.time;
		}
		flags_free(&msg.flags);
	}
	return ibuf_done(&im->data);
}

static int
any_whole(const struct mbox *m, const struct row *r)
{
	return is_whole(r);
}

/* The next rows; what follows them when there are none. */
static void
recheck_next(struct mbox *m)
{
	struct repair *rp = m->repair;
	uint32_t i;
	int s;

	rp->from += rp->n;
	rp->n = m->rowtab.n - rp->from;
	if (rp->n == 0) {
		repair_dropped(m);
		mbox_wait(m, repair_rows);
		return;
	}
	if (rp->n > RECHECK_CHUNK)
		rp->n = RECHECK_CHUNK;
	for (s = 0; s < 2; s++) {
		for (i = 0; i < rp->n; i++)
			rp->date[s][i] = NO_DATE;
		ask(m, (enum side)s, MSG_GETMETA, ID_DATE, any_whole);
	}
	mbox_wait(m, recheck_dates);
}

void
recheck_begin(struct mbox *m)
{
	struct repair *rp = m->repair;

	rp->date[LOCAL] = dates_new(m);
	rp->date[REMOTE] = dates_new(m);
	rp->from = rp->n = 0;
	rowtab_sort(&m->rowtab);
	recheck_next(m);
}

/*
 * Neither side has changed: what differs was missed.  One has: that is an
 * ordinary change, unless nobody can know whether the other has.  Both have:
 * MERGE says so.  What was not told is asked for once more (adopt.c).
 */
static void
compare_flags(const struct mbox *m, struct row *r)
{
	int i;

	if (r->s[LOCAL].changed && r->s[REMOTE].changed)
		return;
	for (i = 0; i < 2; i++)
		if (r->s[i].changed && !m->repair->ahead[OTHER(i)])
			return;
	r->s[LOCAL].compare = r->s[REMOTE].compare = 1;
	r->s[LOCAL].missed = 1;
}

/* ---- identities ---- */

/* Of a mailbox that went back no row is known to be right (back.c). */
static int
dates_differ(const struct mbox *m, const struct row *r)
{
	const struct repair *rp = m->repair;
	int at = place(m, r);
	int64_t l = rp->date[LOCAL][at], o = rp->date[REMOTE][at];

	if (m->s[LOCAL].uidnext_back || m->s[REMOTE].uidnext_back)
		return is_whole(r);
	return is_whole(r) && l != NO_DATE && o != NO_DATE && l != o;
}

static void
recheck_dates(struct mbox *m)
{
	const struct repair *rp = m->repair;
	uint32_t i;

	for (i = rp->from; i < rp->from + rp->n; i++)
		if (is_whole(&m->rowtab.r[i]))
			compare_flags(m, &m->rowtab.r[i]);
	ask(m, LOCAL, MSG_IDENTIFY, ID_HEADER, dates_differ);
	ask(m, REMOTE, MSG_IDENTIFY, ID_HEADER, dates_differ);
	mbox_wait(m, recheck_headers);
}

/*
 * The headers are not those of one message.  So it is when one of them is gone
 * by now: that is no deletion of the other until it is known to be the same.
 */
static int
is_other(const struct cand *a, const struct cand *b)
{
	if (a == NULL || b == NULL)
		return 1;
	return a->id != ID_NONE && b->id != ID_NONE && (a->id != b->id ||
	    memcmp(a->digest, b->digest, sizeof(a->digest)) != 0);
}

/* At or above UIDNEXT, where a row may be of a UID that came later. */
static int
is_above(const struct mbox *m, const struct row *r)
{
	return r->uid[LOCAL] >= m->s[LOCAL].cur.uidnext ||
	    r->uid[REMOTE] >= m->s[REMOTE].cur.uidnext;
}

/* A date did not come: its message is gone by now. */
static int
is_dateless(const struct mbox *m, const struct row *r)
{
	const struct repair *rp = m->repair;
	int at = place(m, r);

	return is_whole(r) && (rp->date[LOCAL][at] == NO_DATE ||
	    rp->date[REMOTE][at] == NO_DATE);
}

static void
part(struct mbox *m, struct row *r)
{
	struct mside *s;
	int i;

	say(m->e, LOG_L_WARN, SIDE_NONE, m, "Pair (lUID,rUID) = (%u,%u) of %s: "
	    "these are different messages. Looking for the match of each",
	    r->uid[LOCAL], r->uid[REMOTE], mbox_display(m));
	m->repair->other++;
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (uidset_add(&s->copy, r->uid[i]) == -1 ||
		    uidset_add(&s->fresh, r->uid[i]) == -1)
			fatal("out of memory");
	}
	repair_drop(m, r);
}

static void
recheck_headers(struct mbox *m)
{
	const struct repair *rp = m->repair;
	struct candset *l = &m->s[LOCAL].cands, *o = &m->s[REMOTE].cands;
	struct row *r;
	uint32_t i;

	candset_sort(l);
	candset_sort(o);
	for (i = rp->from; i < rp->from + rp->n; i++) {
		r = &m->rowtab.r[i];
		if ((dates_differ(m, r) && is_other(
		    candset_find(l, r->uid[LOCAL]),
		    candset_find(o, r->uid[REMOTE]))) ||
		    (is_above(m, r) && is_dateless(m, r)))
			part(m, r);
	}
	candset_free(l);
	candset_free(o);
	recheck_next(m);
}
