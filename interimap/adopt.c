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
 * PAIR and COMPARE.  Where both sides hold messages that no row knows, equal
 * ones are recognised (pair.c) and mapped instead of copied: a first run of
 * two equal accounts, a lost database, and the copies whose APPEND was sent
 * but never answered.  Then the flags that MERGE needs and nobody told are
 * asked for: of adopted rows and of those an interrupted run left above
 * UIDNEXT (RESUME), and those of the partner where one side cannot store all
 * that the other can.  Ends in push_begin().
 */
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"

static void	adopt_headers(struct mbox *);
static void	adopt_bodies(struct mbox *);
static void	compare_begin(struct mbox *);

/* ---- PAIR ---- */

/* One more candidate, or a better digest for one we have. */
int
adopt_identity(struct request *r, struct imsg *im)
{
	struct candset *set = &r->m->s[r->peer].cands;
	struct metalist l;
	struct cand *c;
	size_t i;

	memset(&l, 0, sizeof(l));
	if (meta_read(r->e, im, &l) == -1) {
		free(l.m);
		return -1;
	}
	for (i = 0; i < l.n; i++) {
		c = candset_add(set, l.m[i].uid);
		c->size = l.m[i].size;
		c->date = l.m[i].date;
		c->id = l.m[i].id;
		memcpy(c->digest, l.m[i].digest, sizeof(c->digest));
	}
	free(l.m);
	return 0;
}

/* Held rows: the partner of a message that vanished may meet it again. */
static void
held_partners(struct mbox *m, enum side side, struct uidset *set)
{
	const struct row *r;
	uint32_t i;

	if (uidset_empty(&m->s[OTHER(side)].copy))
		return;
	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (r->s[OTHER(side)].held && !r->s[side].gone &&
		    uidset_add(set, r->uid[side]) == -1)
			fatal("out of memory");
	}
}

/* What came with the PULL need not be asked for. */
static void
use_meta(struct mside *s, struct uidset *ask)
{
	const struct meta *mt;
	struct cand *c;
	size_t i;

	for (i = 0; i < s->meta.n; i++) {
		mt = &s->meta.m[i];
		if (mt->id == ID_NONE || !uidset_has(ask, mt->uid))
			continue;
		c = candset_add(&s->cands, mt->uid);
		c->size = mt->size;
		c->date = mt->date;
		c->id = mt->id;
		memcpy(c->digest, mt->digest, sizeof(c->digest));
		if (uidset_remove_range(ask, mt->uid, mt->uid) == -1)
			fatal("out of memory");
	}
}

static void
gather(struct mbox *m)
{
	struct uidset ask[2];
	int i, any[2];

	for (i = 0; i < 2; i++) {
		uidset_init(&ask[i]);
		if (uidset_copy(&ask[i], &m->s[i].copy) == -1)
			fatal("out of memory");
		held_partners(m, (enum side)i, &ask[i]);
		any[i] = !uidset_empty(&ask[i]);
	}
	for (i = 0; i < 2; i++) {
		candset_free(&m->s[i].cands);
		if (!any[OTHER(i)])
			continue;
		use_meta(&m->s[i], &ask[i]);
		if (!uidset_empty(&ask[i]))
			uids_send(m, (enum side)i, MSG_IDENTIFY, ID_HEADER,
			    &ask[i], req_plain, NULL);
	}
	uidset_free(&ask[LOCAL]);
	uidset_free(&ask[REMOTE]);
}

void
adopt_begin(struct mbox *m)
{
	guard_hold(m);
	guard_recheck(m);
}

void
adopt_pair(struct mbox *m)
{
	int i, both = 1;

	pairing_free(&m->pairing);
	for (i = 0; i < 2; i++)
		both &= !uidset_empty(&m->s[i].copy) || (m->nheld > 0 &&
		    !uidset_empty(&m->s[OTHER(i)].copy));
	if (both)
		gather(m);
	mbox_wait(m, adopt_headers);
}

/* An open intent tells where its copy may be. */
static void
mark_intents(struct mbox *m)
{
	struct candset *set;
	size_t i, j;

	for (i = 0; i < m->nint; i++) {
		set = &m->s[m->intents[i].side].cands;
		for (j = 0; j < set->n; j++)
			if (set->c[j].uid == m->intents[i].uid)
				set->c[j].above = m->intents[i].tuidnext;
	}
}

static void
adopt_headers(struct mbox *m)
{
	struct pairing *p = &m->pairing;
	int i, more;

	mark_intents(m);
	pair_headers(&m->s[LOCAL].cands, &m->s[REMOTE].cands, p);
	more = !uidset_empty(&p->unsure[LOCAL]) &&
	    !uidset_empty(&p->unsure[REMOTE]);
	for (i = 0; i < 2; i++) {
		candset_free(&m->s[i].cands);
		if (more)
			uids_send(m, (enum side)i, MSG_IDENTIFY, ID_BODY,
			    &p->unsure[i], req_plain, NULL);
	}
	mbox_wait(m, adopt_bodies);
}

/*
 * Pairs with a message of a held row, whose other one was restored, replace
 * that row: two rows, when each was held for the other side.
 */
static void
drop_held(struct mbox *m)
{
	struct msg_pair *p;
	struct row *r;
	size_t i;
	int s;

	for (i = 0; i < m->pairing.n; i++) {
		p = &m->pairing.p[i];
		p->held = 0;
		for (s = 0; s < 2; s++) {
			r = rowtab_find(&m->rowtab, (enum side)s,
			    s == LOCAL ? p->a : p->b);
			if (r == NULL || r->s[LOCAL].drop)
				continue;
			p->held = r->s[LOCAL].drop = 1;
			m->nheld--;
			m->rows--;
		}
	}
	rowtab_drop(&m->rowtab, row_dropped);
}

static int
by_a(const void *va, const void *vb)
{
	const struct msg_pair *x = va, *y = vb;

	return x->a < y->a ? -1 : x->a > y->a;
}

static int
by_b(const void *va, const void *vb)
{
	const struct msg_pair *x = va, *y = vb;

	return x->b < y->b ? -1 : x->b > y->b;
}

/* In order, since there may be a million: see uidset.h. */
static void
not_copied(struct mbox *m, enum side side)
{
	struct pairing *p = &m->pairing;
	struct uidset set;
	size_t i;

	uidset_init(&set);
	qsort(p->p, p->n, sizeof(*p->p), side == LOCAL ? by_a : by_b);
	for (i = 0; i < p->n; i++)
		if (uidset_add(&set, side == LOCAL ? p->p[i].a : p->p[i].b)
		    == -1)
			fatal("out of memory");
	if (uidset_minus(&m->s[side].copy, &set) == -1)
		fatal("out of memory");
	uidset_free(&set);
}

static void
adopt_rows(struct mbox *m)
{
	const struct msg_pair *p;
	struct row *r;
	size_t i;

	not_copied(m, REMOTE);
	not_copied(m, LOCAL);
	for (i = 0; i < m->pairing.n; i++) {
		p = &m->pairing.p[i];
		r = rowtab_append(&m->rowtab, p->a, p->b);
		r->s[LOCAL].compare = r->s[REMOTE].compare = 1;
		refusals_drop(m, LOCAL, p->a);
		refusals_drop(m, REMOTE, p->b);
	}
	m->rows += (uint32_t)m->pairing.n;
	m->e->stats.adopted += m->pairing.n;
	if (m->pairing.n > 0)
		say(m->e, LOG_L_INFO, SIDE_NONE, m, "Recognised %zu messages "
		    "on both sides", m->pairing.n);
}

/* A database that was lost is not to go unnoticed. */
void
engine_joined(struct engine *e)
{
	if (e->known || e->stats.adopted == 0)
		return;
	say(e, LOG_L_NOTICE, SIDE_DB, NULL, "It was empty although both sides "
	    "hold the same mail: %llu equal messages were joined, not copied",
	    (unsigned long long)e->stats.adopted);
}

void
map_send(struct mbox *m, enum msg_type type, uint8_t side,
    const struct msg_pair *p, size_t n, req_done done, void *arg)
{
	struct msg_map map;
	struct ibuf b;
	size_t i, j;

	for (i = 0; i < n; i = j) {
		map.idx = m->idx;
		map.side = side;
		map.n = n - i < MSG_MAXRANGES ? (uint32_t)(n - i) :
		    MSG_MAXRANGES;
		ibuf_init(&b);
		msg_put_map(&b, &map);
		for (j = i; j < i + map.n; j++)
			msg_put_pair(&b, &p[j]);
		request(m->e, m, PEER_DB, type, &b, done, arg);
	}
}

/* All intents were looked at: mapped by now, or to be written again. */
static void
drop_intents(struct mbox *m)
{
	struct msg_unintent u;
	struct ibuf b;
	int i;

	memset(&u, 0, sizeof(u));
	u.idx = m->idx;
	if (uidset_add_range(&u.set, 1, UID_MAX) == -1)
		fatal("out of memory");
	for (i = 0; i < 2; i++) {
		u.side = (uint8_t)i;
		ibuf_init(&b);
		msg_put_unintent(&b, &u);
		request(m->e, m, PEER_DB, MSG_UNINTENT, &b, req_plain, NULL);
	}
	uidset_free(&u.set);
	m->nint = 0;
	m->nintents = 0;
}

static void
adopt_bodies(struct mbox *m)
{
	pair_bodies(&m->s[LOCAL].cands, &m->s[REMOTE].cands, &m->pairing);
	candset_free(&m->s[LOCAL].cands);
	candset_free(&m->s[REMOTE].cands);
	if (m->pairing.n > 0) {
		drop_held(m);
		adopt_rows(m);
		map_send(m, MSG_MAP, MAP_NOSIDE, m->pairing.p, m->pairing.n,
		    req_plain, NULL);
	}
	KILLPOINT("adopted");
	if (m->nint > 0 || m->nintents > 0)
		drop_intents(m);
	pairing_free(&m->pairing);
	mbox_wait(m, compare_begin);
}

/* ---- COMPARE ---- */

int
adopt_flags(struct request *r, struct imsg *im)
{
	struct msg_changed c;
	struct row *row;
	uint32_t n;

	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (msg_get_changed(&im->data, &c) == -1)
			return -1;
		row = rowtab_find(&r->m->rowtab, (enum side)r->peer, c.uid);
		if (row != NULL && !row->s[r->peer].known) {
			row->s[r->peer].known = 1;
			/* Newer than the SELECT: its change is not yet told. */
			row->s[r->peer].changed |=
			    c.modseq > r->m->s[r->peer].sel.modseq;
			row->s[r->peer].flags = flagtab_id(&r->e->flagtab,
			    &c.flags);
		}
		flags_free(&c.flags);
	}
	return ibuf_done(&im->data);
}

/* Flags of new messages that are mapped by now came with the PULL. */
static void
flags_from_meta(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct row *r;
	size_t i;

	for (i = 0; i < s->meta.n; i++) {
		r = rowtab_find(&m->rowtab, side, s->meta.m[i].uid);
		if (r == NULL || r->s[side].known)
			continue;
		r->s[side].known = 1;
		r->s[side].flags = s->meta.m[i].flags;
	}
}

static void
compare_begin(struct mbox *m)
{
	struct flags perm[2];
	struct uidset ask;
	const struct row *r;
	uint32_t i;
	int s;

	perm[LOCAL] = m->s[LOCAL].perm;
	perm[REMOTE] = m->s[REMOTE].perm;
	for (s = 0; s < 2; s++) {
		flags_from_meta(m, (enum side)s);
		uidset_init(&ask);
		for (i = 0; i < m->rowtab.n; i++) {
			r = &m->rowtab.r[i];
			if (!r->s[LOCAL].held && !r->s[REMOTE].held &&
			    merge_needs(r, (enum side)s, perm) &&
			    uidset_add(&ask, r->uid[s]) == -1)
				fatal("out of memory");
		}
		if (!uidset_empty(&ask))
			uids_send(m, (enum side)s, MSG_GETFLAGS, ID_NONE, &ask,
			    req_plain, NULL);
		uidset_free(&ask);
	}
	mbox_wait(m, push_begin);
}
