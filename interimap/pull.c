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
 * PULL and LOOKUP: SELECT a mailbox on both sides at once, take in what
 * changed since the last run or round, and find the rows of the mapping that
 * it concerns.  What the servers say must fit EXISTS before anything is
 * believed; else verify.c asks for the whole list.  Ends in adopt_begin().
 */
#include <stdlib.h>
#include <string.h>

#include "refusals.h"
#include "repair.h"

/* ---- events ---- */

int
pull_selected(struct request *r, struct imsg *im)
{
	struct mside *s = &r->m->s[r->peer];
	struct msg_selected sel;

	if (msg_get_selected(&im->data, &sel) == -1)
		return -1;
	flags_free(&s->perm);
	s->perm = sel.perm;
	keywords_mask(s);
	s->sel.uidvalidity = sel.uidvalidity;
	s->sel.uidnext = sel.uidnext;
	s->sel.modseq = sel.modseq;
	s->exists = sel.exists;
	return 0;
}

int
pull_vanished(struct request *r, struct imsg *im)
{
	return msg_get_set(&im->data, &r->m->s[r->peer].vanished);
}

int
pull_changed(struct request *r, struct imsg *im)
{
	struct mside *s = &r->m->s[r->peer];
	struct msg_changed c;
	struct change *ch;
	uint32_t n;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (s->nchanges >= CHANGES_MAX ||
		    msg_get_changed(&im->data, &c) == -1)
			return -1;
		s->changes = grow(s->changes, s->nchanges, &s->changesize,
		    sizeof(*s->changes));
		ch = &s->changes[s->nchanges++];
		ch->uid = c.uid;
		ch->flags = flagtab_id(&r->e->flagtab, &c.flags);
		flags_free(&c.flags);
	}
	return ibuf_done(&im->data);
}

int
pull_uids(struct request *r, struct imsg *im)
{
	struct mside *s = &r->m->s[r->peer];

	return msg_get_set(&im->data,
	    r->type == MSG_SEARCH || s->whole ? &s->present : &s->listed);
}

int
meta_read(struct engine *e, struct imsg *im, struct metalist *l)
{
	struct msg_message msg;
	struct meta *m;
	uint32_t n;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (l->n >= CHANGES_MAX ||
		    msg_get_message(&im->data, &msg) == -1)
			return -1;
		l->m = grow(l->m, l->n, &l->size, sizeof(*l->m));
		m = &l->m[l->n++];
		memset(m, 0, sizeof(*m));
		m->uid = msg.uid;
		m->size = msg.size;
		m->date = msg.date;
		m->flags = flagtab_id(&e->flagtab, &msg.flags);
		m->id = msg.id;
		memcpy(m->digest, msg.digest, sizeof(m->digest));
		flags_free(&msg.flags);
	}
	return ibuf_done(&im->data);
}

int
pull_message(struct request *r, struct imsg *im)
{
	struct mside *s = &r->m->s[r->peer];
	size_t i = s->meta.n;

	if (meta_read(r->e, im, &s->meta) == -1)
		return -1;
	for (; i < s->meta.n; i++)
		if (uidset_add(&s->listed, s->meta.m[i].uid) == -1)
			fatal("out of memory");
	return 0;
}

int
pull_pairs(struct request *r, struct imsg *im)
{
	struct msg_pair p;
	struct row *row;
	uint32_t n;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (msg_get_pair(&im->data, &p) == -1)
			return -1;
		row = rowtab_add(&r->m->rowtab, p.a, p.b);
		if (p.held == 1 || p.held == 2)
			row->s[p.held - 1].held = 1;
	}
	return ibuf_done(&im->data);
}

int
pull_skipped(struct request *r, struct imsg *im)
{
	struct mside *s = r->arg;

	return msg_get_set(&im->data, &s->skipped);
}

int
pull_counted(struct request *r, struct imsg *im)
{
	if (r->m == NULL)
		return lists_counted(r, im);
	r->m->hascounted = 1;
	return msg_get_counted(&im->data, &r->m->counted);
}

int
pull_intended(struct request *r, struct imsg *im)
{
	struct mbox *m = r->m;
	uint32_t n;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		m->intents = grow(m->intents, m->nint, &m->intsize,
		    sizeof(*m->intents));
		if (msg_get_intended(&im->data, &m->intents[m->nint]) == -1)
			return -1;
		m->nint++;
	}
	return ibuf_done(&im->data);
}

/* ---- PULL ---- */

/*
 * How the new messages of a side are to be told: with their metadata when
 * they are few, as UIDs when they may be many, and with their digest when
 * the other side has new ones too, since they may be the same.  Where CREATE
 * goes before it there are none, or EXISTS tells.
 */
static int
pull_want(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side], *o = &m->s[OTHER(side)];

	if (s->missing)
		return 0;
	if (repair_first(m))
		return PULL_UIDS;
	if (!(s->has & STATUS_UIDNEXT) || s->status.uidnext < s->cur.uidnext ||
	    s->status.uidnext - s->cur.uidnext > META_MAX)
		return PULL_UIDS;
	if (m->nintents > 0 || (s->status.uidnext > s->cur.uidnext &&
	    o->status.uidnext > o->cur.uidnext))
		return PULL_META | PULL_IDENTITY;
	return PULL_META;
}

/*
 * Messages that must be there, by STATUS, if none of the database's vanished:
 * the new ones cannot be more than UIDNEXT grew by.
 */
static int
none_missing(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];
	const struct msg_counted *c = &m->counted;

	return m->hascounted && s->status.uidnext >= s->cur.uidnext &&
	    s->messages == (uint64_t)c->rows - c->held[side] +
	    c->skipped[side] + (s->status.uidnext - s->cur.uidnext);
}

/* UIDs of all its messages may be more than this many ranges. */
static int
is_scattered(const struct mside *s)
{
	return s->has & STATUS_MESSAGES && s->has & STATUS_UIDNEXT &&
	    s->messages > RANGES_MAX &&
	    s->status.uidnext > (uint64_t)s->messages + RANGES_MAX;
}

/*
 * Whatever the mapping has can be missing, and that is believed of a whole list
 * only (verify.c).  Asked for with the PULL it costs no flight of its own; but
 * not every server has the short form of the answer (RFC 4731), and without it
 * the list is asked for only when something is said to be missing.
 */
static int
want_all(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];

	if (!m->hasstate || s->cur.uidnext <= 1 || repair_first(m) ||
	    !(m->e->caps[side] & CAP_ESEARCH))
		return 0;
	if (~s->has & (STATUS_UIDNEXT | STATUS_MODSEQ | STATUS_MESSAGES))
		return PULL_ALL;
	if (s->status.modseq == s->db.modseq || none_missing(m, side))
		return 0;
	return PULL_ALL;
}

static void
pull_reset(struct mside *s)
{
	uidset_free(&s->vanished);
	uidset_free(&s->listed);
	uidset_free(&s->skipped);
	uidset_free(&s->present);
	s->whole = s->complete = s->verified = 0;
	s->nchanges = 0;
	s->meta.n = s->meta.next = 0;
	s->pulled = 1;
	s->touched = 0;
}

void
pull_send(struct mbox *m, enum side side, int want)
{
	struct mside *s = &m->s[side];
	struct msg_pull p;
	struct ibuf b;

	pull_reset(s);
	s->whole = (want & PULL_ALL) != 0;
	if (s->whole)
		want &= ~PULL_UIDS;
	memset(&p, 0, sizeof(p));
	p.mailbox = bytes_of(s->name);
	p.uidvalidity = s->cur.uidvalidity;
	p.modseq = s->cur.modseq;
	p.newfrom = repair_first(m) ? 1 : s->cur.uidnext;
	p.want = (uint8_t)want;
	ibuf_init(&b);
	msg_put_pull(&b, &p);
	request(m->e, m, (enum peer)side, MSG_PULL, &b, req_plain, NULL);
}

static void
ask_db(struct mbox *m, enum msg_type type, req_done done)
{
	struct ibuf b;

	ibuf_init(&b);
	ibuf_add_u32(&b, m->idx);
	request(m->e, m, PEER_DB, type, &b, done, NULL);
}

static void
pull_both(struct mbox *m)
{
	pull_send(m, LOCAL, pull_want(m, LOCAL) | want_all(m, LOCAL));
	pull_send(m, REMOTE, pull_want(m, REMOTE) | want_all(m, REMOTE));
	mbox_wait(m, m->idx == 0 ? lists_made : pull_done);
}

void
pull_begin(struct mbox *m)
{
	struct mside *s;
	int i;

	if (m->e->resetting && m->hasstate) {
		reset_begin(m);
		return;
	}
	m->round = 1;
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		s->cur = s->db;
		/* Without a modseq everything is told again. */
		if (s->cur.uidnext == 0 || s->cur.modseq == 0) {
			s->cur.uidnext = 1;
			s->cur.modseq = 0;
		}
	}
	if (m->idx == 0)
		lists_make(m);
	else if (m->e->repairing)
		repair_begin(m);
	refusals_begin(m);
	if (m->hasstate)
		ask_db(m, MSG_COUNT, req_plain);
	if (m->nintents > 0)
		ask_db(m, MSG_INTENTS, req_plain);
	/* The database answers at once: a needless list may be long. */
	if (m->hasstate && (is_scattered(&m->s[LOCAL]) ||
	    is_scattered(&m->s[REMOTE])))
		mbox_wait(m, pull_both);
	else
		pull_both(m);
}

/* ---- after the PULL ---- */

/*
 * The SELECT itself must make sense.  0, or -1 when the mailbox is left.  What
 * goes back within a run is left to the next one, which sees it (back.c).
 */
static int
check_selected(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];

	if (s->sel.uidvalidity == 0 || s->sel.uidnext == 0) {
		say(m->e, LOG_L_ERROR, side, m, "the server did not tell "
		    "UIDVALIDITY and UIDNEXT; mailbox left alone");
		mbox_fail(m, OUT_PARTIAL);
		return -1;
	}
	if (repair_first(m))
		repair_selected(m, side);
	if (back_selected(m, side))
		return 0;
	if (s->sel.uidnext < s->cur.uidnext) {
		say(m->e, LOG_L_ERROR, side, m, "UIDNEXT went back from %u to "
		    "%u during the run: an old copy of the mailbox was "
		    "restored there? Left to the next run",
		    s->cur.uidnext, s->sel.uidnext);
		mbox_fail(m, OUT_GUARD);
		return -1;
	}
	if (s->sel.modseq < s->cur.modseq) {
		say(m->e, LOG_L_ERROR, side, m, "HIGHESTMODSEQ went back from "
		    "%llu to %llu during the run: left to the next run",
		    (unsigned long long)s->cur.modseq,
		    (unsigned long long)s->sel.modseq);
		mbox_fail(m, OUT_PARTIAL);
		return -1;
	}
	return 0;
}

void
pull_lookup(struct mbox *m, enum side side, const struct uidset *set)
{
	struct msg_lookup l;
	struct ibuf b;
	size_t pos = 0;

	memset(&l, 0, sizeof(l));
	l.idx = m->idx;
	l.side = (uint8_t)side;
	while (uidset_chunk(set, &pos, &l.set)) {
		ibuf_init(&b);
		msg_put_lookup(&b, &l);
		request(m->e, m, PEER_DB, MSG_LOOKUP, &b, req_plain,
		    &m->s[side]);
		uidset_free(&l.set);
	}
}

/* The rows this side's news are about: all at and above UIDNEXT, too. */
static void
lookup_news(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset set;
	uint32_t from = s->cur.uidnext;
	size_t i;
	int err = 0;

	uidset_init(&set);
	if (s->doubt || repair_first(m) || (m->round == 1 && m->nheld > 0))
		from = 1;
	err |= uidset_add_range(&set, from, UID_MAX);
	err |= uidset_union(&set, &s->vanished);
	for (i = 0; i < s->nchanges; i++)
		if (s->changes[i].uid < from)
			err |= uidset_add(&set, s->changes[i].uid);
	if (err)
		fatal("out of memory");
	pull_lookup(m, side, &set);
	uidset_free(&set);
}

static void
state_add(struct mbox *m)
{
	struct msg_stateadd st;
	struct ibuf b;
	int i;

	st.idx = m->idx;
	for (i = 0; i < 2; i++) {
		st.uidvalidity[i] = m->s[i].sel.uidvalidity;
		m->s[i].cur.uidvalidity = m->s[i].sel.uidvalidity;
		m->s[i].db.uidvalidity = m->s[i].sel.uidvalidity;
	}
	ibuf_init(&b);
	msg_put_stateadd(&b, &st);
	request(m->e, m, PEER_DB, MSG_STATE, &b, req_plain, NULL);
	m->hasstate = 1;
}

void
pull_done(struct mbox *m)
{
	int i;

	for (i = 0; i < 2; i++)
		if (m->s[i].pulled && check_selected(m, (enum side)i) == -1) {
			mbox_finish(m);
			return;
		}
	if (back_selected(m, LOCAL) || back_selected(m, REMOTE)) {
		back_begin(m);
		return;
	}
	if (m->hasstate) {
		for (i = 0; i < 2; i++)
			if (m->s[i].pulled)
				lookup_news(m, (enum side)i);
	} else
		state_add(m);
	mbox_wait(m, pull_looked);
}
