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
 * PUSH: carry out MERGE's decisions.  One STORE for each side and flag set,
 * guarded by UNCHANGEDSINCE, so that what another client does meanwhile is
 * never overwritten; deletions, but for those that are held (guard.c); rows of
 * messages that are gone on both sides are dropped.  All of it leaves in one
 * flight with the new messages of copy_begin().
 */
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"
#include "repair.h"

/* Messages of one side that are to get the same flags, or to be deleted; of
 * the latter the mailbox keeps a set, by UID of the side to delete on. */
struct push {
	struct push	*link;
	enum side	 side;
	flagid		 want;
	struct trial	 trial;		/* STORE: keywords were refused */
	struct uidset	 set;
	struct uidset	 modified;	/* STORED: left alone by the server */
	struct uidset	 vanished;	/* EXPUNGE: gone, says the server */
};

struct plan {
	struct msg_pair	*unmap;
	size_t		 nunmap, unmapsize;
};

void
push_discard(void *arg)
{
	struct push *p = arg;

	if (p == NULL)
		return;
	uidset_free(&p->set);
	uidset_free(&p->modified);
	uidset_free(&p->vanished);
	free(p);
}

static struct push *
push_new(enum side side, flagid want)
{
	struct push *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("out of memory");
	p->side = side;
	p->want = want;
	return p;
}

static void
add_uid(struct uidset *set, uint32_t uid)
{
	if (uidset_add(set, uid) == -1)
		fatal("out of memory");
}

static void
plan_store(struct mbox *m, enum side side, flagid want, uint32_t uid)
{
	struct push *p;

	for (p = m->stores; p != NULL; p = p->link)
		if (p->side == side && p->want == want)
			break;
	if (p == NULL) {
		p = push_new(side, want);
		p->link = m->stores;
		m->stores = p;
	}
	add_uid(&p->set, uid);
}

/* ---- MERGE over all rows ---- */

static int
both_gone(const struct row *r)
{
	return r->s[LOCAL].gone && r->s[REMOTE].gone;
}

static void
warn_conflict(struct mbox *m, const struct row *r)
{
	struct engine *e = m->e;
	flagid both = flagtab_union(&e->flagtab, r->s[LOCAL].flags,
	    r->s[REMOTE].flags);
	char *l, *o, *u;

	l = flags_format(flagtab_get(&e->flagtab, r->s[LOCAL].flags));
	o = flags_format(flagtab_get(&e->flagtab, r->s[REMOTE].flags));
	u = flags_format(flagtab_get(&e->flagtab, both));
	if (r->s[LOCAL].compare)
		repair_missed(m, r, l ? l : "?", o ? o : "?", u ? u : "?");
	else
		say(e, LOG_L_WARN, SIDE_NONE, m, "Conflicting flag update in "
		    "%s for local UID %u %s and remote UID %u %s. Setting both "
		    "to the union %s.", mbox_display(m), r->uid[LOCAL],
		    l ? l : "?", r->uid[REMOTE], o ? o : "?", u ? u : "?");
	free(l);
	free(o);
	free(u);
}

/*
 * A change is done with when the other side was told, or needs no telling;
 * until its STORE is acknowledged it stays marked, and nothing advances.
 */
static void
plan_flags(struct mbox *m, struct row *r, const struct merge *mg)
{
	int i;

	if (mg->conflict && (mg->store[LOCAL] || mg->store[REMOTE]) &&
	    (!r->s[LOCAL].compare || r->s[LOCAL].missed))
		warn_conflict(m, r);
	r->s[LOCAL].missed = 0;
	for (i = 0; i < 2; i++) {
		r->s[i].compare = 0;
		r->s[OTHER(i)].changed = mg->store[i] != 0;
		if (mg->store[i])
			plan_store(m, (enum side)i, mg->want[i], r->uid[i]);
	}
}

static void
plan_unmap(struct plan *pl, const struct row *r)
{
	struct msg_pair *p;

	pl->unmap = grow(pl->unmap, pl->nunmap, &pl->unmapsize,
	    sizeof(*pl->unmap));
	p = &pl->unmap[pl->nunmap++];
	p->a = r->uid[LOCAL];
	p->b = r->uid[REMOTE];
	p->held = 0;
}

static void
plan_row(struct mbox *m, struct plan *pl, struct row *r,
    const struct flags *perm)
{
	struct merge mg;

	if (r->s[LOCAL].held || r->s[REMOTE].held) {
		if (!both_gone(r))
			return;
		r->s[LOCAL].held = r->s[REMOTE].held = 0;
		m->nheld--;
	}
	mg = merge_row(&m->e->flagtab, r, perm);
	switch (mg.act) {
	case MERGE_UNMAP:
		plan_unmap(pl, r);
		break;
	case MERGE_DELETE:
		add_uid(&m->deletes[mg.side], r->uid[mg.side]);
		break;
	case MERGE_NOTHING:
	case MERGE_FLAGS:
		plan_flags(m, r, &mg);
		break;
	}
}

/* ---- STORE ---- */

int
push_stored(struct request *r, struct imsg *im)
{
	struct push *p = r->arg;

	return msg_get_set(&im->data, &p->modified);
}

static void
say_set(struct mbox *m, enum side side, const char *what,
    const struct uidset *set)
{
	char uids[512];
	size_t pos = 0;

	(void)uidset_format(set, &pos, uids, sizeof(uids));
	say(m->e, LOG_L_NOTICE, (int)side, m, "%s %s%s", what, uids,
	    pos < set->n ? ",..." : "");
}

/*
 * Another client was first (RFC 7162 section 3.1.3): what we thought to know
 * of these is old, even if it was asked for after the SELECT, and what the
 * next PULL tells is a change.
 */
static void
not_stored(struct mbox *m, const struct push *p)
{
	struct uiditer it;
	struct row *r;
	uint32_t uid;

	uiditer_init(&it, &p->modified);
	while ((uid = uiditer_next(&it)) != 0)
		if ((r = rowtab_find(&m->rowtab, p->side, uid)) != NULL)
			r->s[p->side].known = 0;
}

static void	send_store(struct mbox *, const struct push *);
static void	not_taken(struct request *, const struct msg_fail *,
		    struct push *);

static void
stored(struct request *rq, const struct msg_fail *fail)
{
	struct push *p = rq->arg;
	struct mbox *m = rq->m;
	struct uiditer it;
	struct row *r;
	uint32_t uid;
	char *f, *what;

	if (fail != NULL) {
		not_taken(rq, fail, p);
		return;
	}
	KILLPOINT("stored");
	keywords_stored(m, p->side, &p->trial, p->want);
	not_stored(m, p);
	if (uidset_minus(&p->set, &p->modified) == -1)
		fatal("out of memory");
	uiditer_init(&it, &p->set);
	while ((uid = uiditer_next(&it)) != 0) {
		if ((r = rowtab_find(&m->rowtab, p->side, uid)) == NULL)
			continue;
		r->s[p->side].known = 1;
		r->s[p->side].flags = p->want;
		r->s[OTHER(p->side)].changed = 0;
	}
	m->e->stats.flagged[p->side] += uidset_count(&p->set);
	if (!uidset_empty(&p->set)) {
		f = flags_format(flagtab_get(&m->e->flagtab, p->want));
		if (f == NULL || asprintf(&what, "Updated flags %s for UID",
		    f) == -1)
			fatal("out of memory");
		say_set(m, p->side, what, &p->set);
		free(what);
		free(f);
	}
	push_discard(p);
}

/* If it may be for its keywords, find out which. */
static void
not_taken(struct request *rq, const struct msg_fail *fail, struct push *p)
{
	struct mbox *m = rq->m;

	if (!m->failed && keywords_refused(m, p->side, fail, &p->trial,
	    &p->want) == 0) {
		if (uidset_minus(&p->set, &p->modified) == -1)
			fatal("out of memory");
		not_stored(m, p);
		send_store(m, p);
	} else
		req_plain(rq, fail);
	push_discard(p);
}

static void
send_store(struct mbox *m, const struct push *group)
{
	struct msg_store st;
	struct push *p;
	struct ibuf b;
	size_t pos = 0;

	memset(&st, 0, sizeof(st));
	st.mailbox = bytes_of(m->s[group->side].name);
	st.uidvalidity = m->s[group->side].sel.uidvalidity;
	st.mode = STORE_SET;
	st.unchangedsince = m->s[group->side].sel.modseq;
	st.flags = *flagtab_get(&m->e->flagtab, group->want);
	for (;;) {
		p = push_new(group->side, group->want);
		p->trial = group->trial;
		if (!uidset_chunk(&group->set, &pos, &p->set)) {
			push_discard(p);
			return;
		}
		st.set = p->set;
		ibuf_init(&b);
		msg_put_store(&b, &st);
		request(m->e, m, (enum peer)group->side, MSG_STORE, &b, stored,
		    p);
		m->s[group->side].touched = 1;
	}
}

/* ---- EXPUNGE, UNMAP ---- */

int
push_vanished(struct request *r, struct imsg *im)
{
	struct push *p = r->arg;

	return msg_get_set(&im->data, &p->vanished);
}

static void
unmapped(struct request *rq, const struct msg_fail *fail)
{
	KILLPOINT("unmapped");
	req_plain(rq, fail);
	if (fail == NULL)
		rowtab_drop(&rq->m->rowtab, both_gone);
}

/*
 * Rows go only for what the server says it expunged: what is left, since it
 * had vanished before or lost its flag to another client, the next round sees.
 */
static void
expunged(struct request *rq, const struct msg_fail *fail)
{
	struct push *p = rq->arg;
	struct mbox *m = rq->m;
	struct plan pl;
	struct uiditer it;
	struct row *r;
	uint32_t uid;
	char what[64];

	memset(&pl, 0, sizeof(pl));
	if (fail != NULL) {
		req_plain(rq, fail);
		push_discard(p);
		return;
	}
	KILLPOINT("expunged");
	if (uidset_intersect(&p->set, &p->vanished) == -1)
		fatal("out of memory");
	uiditer_init(&it, &p->set);
	while ((uid = uiditer_next(&it)) != 0) {
		if ((r = rowtab_find(&m->rowtab, p->side, uid)) == NULL)
			continue;
		r->s[p->side].gone = 1;
		plan_unmap(&pl, r);
		if (uidset_remove_range(&m->s[p->side].fresh, uid, uid) == -1)
			fatal("out of memory");
	}
	m->s[p->side].known -= (uint32_t)pl.nunmap;
	map_send(m, MSG_UNMAP, MAP_NOSIDE, pl.unmap, pl.nunmap, unmapped,
	    NULL);
	free(pl.unmap);
	m->ndeleted[p->side] += uidset_count(&p->set);
	m->e->stats.deleted[p->side] += uidset_count(&p->set);
	if (!uidset_empty(&p->set)) {
		snprintf(what, sizeof(what), "Removed %llu UID(s)",
		    (unsigned long long)uidset_count(&p->set));
		say_set(m, p->side, what, &p->set);
	}
	push_discard(p);
}

static void
send_expunge(struct mbox *m, enum side side, const struct uidset *set)
{
	struct push *p;
	size_t pos = 0;

	for (;;) {
		p = push_new(side, 0);
		if (!uidset_chunk(set, &pos, &p->set)) {
			push_discard(p);
			return;
		}
		uids_send(m, side, MSG_EXPUNGE, ID_NONE, &p->set, expunged, p);
		m->s[side].touched = 1;
	}
}

/* ---- the state ---- */

void
push_drop(struct mbox *m)
{
	struct push *p;

	while ((p = m->stores) != NULL) {
		m->stores = p->link;
		push_discard(p);
	}
	uidset_free(&m->deletes[LOCAL]);
	uidset_free(&m->deletes[REMOTE]);
}

/*
 * Called when the first new messages are written down, too, so that one SELECT
 * serves all that a flight does to this mailbox.
 */
void
push_send(struct mbox *m)
{
	const struct push *p;

	for (p = m->stores; p != NULL; p = p->link)
		send_store(m, p);
	send_expunge(m, LOCAL, &m->deletes[LOCAL]);
	send_expunge(m, REMOTE, &m->deletes[REMOTE]);
	push_drop(m);
}

void
push_begin(struct mbox *m)
{
	struct flags perm[2];
	struct plan pl;
	uint32_t i;

	memset(&pl, 0, sizeof(pl));
	guard_release(m);
	perm[LOCAL] = m->s[LOCAL].perm;
	perm[REMOTE] = m->s[REMOTE].perm;
	for (i = 0; i < m->rowtab.n; i++)
		plan_row(m, &pl, &m->rowtab.r[i], perm);
	if (pl.nunmap > 0)
		map_send(m, MSG_UNMAP, MAP_NOSIDE, pl.unmap, pl.nunmap,
		    unmapped, NULL);
	free(pl.unmap);
	copy_begin(m);
}
