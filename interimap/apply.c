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
 * The second half of PULL: what the servers said, now believed, is written
 * into the rows it concerns; what no row knows is to be copied.
 */
#include <stdlib.h>
#include <string.h>

#include "refusals.h"
#include "repair.h"

/*
 * A flag change.  What equals the flags we know the side to have is the echo
 * of our own STORE or APPEND (never told by UID or modseq alone).
 */
static void
apply_flags(struct mbox *m, enum side side, uint32_t uid, flagid flags,
    int ischange)
{
	struct row *r;
	struct rowside *rs;

	if ((r = rowtab_find(&m->rowtab, side, uid)) == NULL)
		return;
	rs = &r->s[side];
	if (r->s[LOCAL].held || r->s[REMOTE].held ||
	    (rs->known && rs->flags == flags))
		return;
	if (rs->known || ischange)
		rs->changed = 1;
	rs->known = 1;
	rs->flags = flags;
}

/*
 * Absent from a list of all UIDs with which EXISTS agrees, and by nothing less
 * (verify.c has seen to it that there is one if anything is said to be gone).
 * What is at or above UIDNEXT came later, or the mailbox went back (back.c).
 */
static int
is_gone(const struct mbox *m, enum side side, uint32_t uid)
{
	const struct mside *s = &m->s[side];

	if (uid >= s->sel.uidnext)
		return s->uidnext_back && m->round == 1;
	return s->complete && !uidset_has(&s->present, uid);
}

static void
apply_rows(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset mapped;
	struct row *r;
	uint32_t i;

	uidset_init(&mapped);
	rowtab_uids(&m->rowtab, side, &mapped);
	if (uidset_minus(&s->copy, &mapped) == -1)
		fatal("out of memory");
	uidset_free(&mapped);
	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (m->round == 1 && r->uid[side] >= s->cur.uidnext)
			r->s[LOCAL].compare = r->s[REMOTE].compare = 1;
		if (r->s[side].held || !is_gone(m, side, r->uid[side]))
			continue;
		r->s[side].gone = 1;
		if (r->s[OTHER(side)].held)
			r->s[OTHER(side)].gone = 1;
	}
}

/* A message that was passed over and is gone: its record may go, too. */
static void
forget_skipped(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset gone;
	struct uiditer it;
	uint32_t uid;

	uidset_init(&gone);
	uiditer_init(&it, &s->skipped);
	while ((uid = uiditer_next(&it)) != 0) {
		if (!is_gone(m, side, uid))
			continue;
		refusals_drop(m, side, uid);
		if (uidset_add(&gone, uid) == -1)
			fatal("out of memory");
	}
	skip_send(m, side, &gone, 0, 0, "");
	uidset_free(&gone);
}

/* Listed, below the UIDNEXT of the SELECT, and in no row: to be copied. */
static void
apply_new(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	int err = 0;

	err |= uidset_union(&s->copy, &s->listed);
	if (s->cur.uidnext > 1)
		err |= uidset_remove_range(&s->copy, 1, s->cur.uidnext - 1);
	err |= uidset_remove_range(&s->copy, s->sel.uidnext, UID_MAX);
	err |= uidset_minus(&s->copy, &s->skipped);
	err |= uidset_minus(&s->fresh, &s->vanished);
	err |= uidset_union(&s->fresh, &s->copy);
	if (err)
		fatal("out of memory");
	s->known = s->exists;
}

static void
apply_side(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	size_t i;

	apply_new(m, side);
	apply_rows(m, side);
	for (i = 0; i < s->nchanges; i++)
		apply_flags(m, side, s->changes[i].uid, s->changes[i].flags, 1);
	for (i = 0; i < s->meta.n; i++)
		apply_flags(m, side, s->meta.m[i].uid, s->meta.m[i].flags, 0);
	free(s->changes);
	s->changes = NULL;
	s->nchanges = s->changesize = 0;
	forget_skipped(m, side);
}

void
pull_apply(struct mbox *m)
{
	struct mside *s;
	int i;

	for (i = 0; i < 2; i++)
		if (m->s[i].pulled)
			apply_side(m, (enum side)i);
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if ((s->pulled && uidset_minus(&s->again, &s->vanished) == -1) ||
		    uidset_union(&s->copy, &s->again) == -1)
			fatal("out of memory");
		s->pulled = 0;
		uidset_free(&s->again);
	}
	if (repair_first(m))
		recheck_begin(m);
	else
		adopt_begin(m);
}
