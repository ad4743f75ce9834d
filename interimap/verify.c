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
 * VERIFY: is what a side told in its PULL believable?  VANISHED and the list
 * of new messages must fit EXISTS, and no message counts as gone unless it is
 * absent from a list of all UIDs with which EXISTS agrees, whatever VANISHED
 * said (rule 1 of the design: nothing is deleted on less).  Where the one does
 * not fit, or the other did not come with the PULL, all rows are looked up and
 * the whole list decides.
 * Called by pull.c when the rows are there; ends in pull_apply().
 */
#include <stdlib.h>
#include <string.h>

#include "repair.h"

/* Messages of a set at UIDs in [lo, hi]. */
static uint64_t
count_within(const struct uidset *set, uint32_t lo, uint32_t hi)
{
	uint64_t n = 0;
	size_t i;
	uint32_t a, b;

	for (i = 0; i < set->n; i++) {
		a = set->r[i].lo > lo ? set->r[i].lo : lo;
		b = set->r[i].hi < hi ? set->r[i].hi : hi;
		if (a <= b)
			n += (uint64_t)b - a + 1;
	}
	return n;
}

/* In the first round: messages below UIDNEXT that the database knows of. */
static void
count_known(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	uint64_t gone = m->counted.held[side], known = m->counted.rows;
	const struct row *r;
	uint32_t i;

	known += m->counted.skipped[side];
	known -= count_within(&s->skipped, s->cur.uidnext, UID_MAX);
	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (r->uid[side] < s->cur.uidnext)
			continue;
		known--;
		if (r->s[side].held)
			gone--;
	}
	s->known = (uint32_t)(known - gone);
	m->rows = m->counted.rows;
}

/*
 * Would EXISTS be what it is if VANISHED and the list of new messages were
 * the truth?  (Rule 1 of the design: nothing is deleted on less.)
 */
static int
fits(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset gone;
	uint64_t expect = s->known;
	const struct row *r;
	uint32_t i, uid;

	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (r->uid[side] < s->cur.uidnext && !r->s[side].held &&
		    uidset_has(&s->vanished, r->uid[side]))
			expect--;
	}
	/* So may what has no row: passed over, or gone before it was copied. */
	uidset_init(&gone);
	if (uidset_copy(&gone, &s->skipped) == -1 ||
	    uidset_union(&gone, &s->fresh) == -1 ||
	    uidset_intersect(&gone, &s->vanished) == -1)
		fatal("out of memory");
	for (i = 0; i < m->rowtab.n; i++) {
		uid = m->rowtab.r[i].uid[side];
		if (uidset_remove_range(&gone, uid, uid) == -1)
			fatal("out of memory");
	}
	expect -= count_within(&gone, 1, s->cur.uidnext - 1);
	uidset_free(&gone);
	expect += count_within(&s->listed, s->cur.uidnext, s->sel.uidnext - 1);
	return expect == s->exists;
}

int
verify_again(struct mbox *m)
{
	int side = m->s[LOCAL].doubt ? LOCAL : REMOTE;

	if (++m->tries <= VERIFY_MAX)
		return 0;
	say(m->e, LOG_L_WARN, side, m, "what the server tells of this mailbox "
	    "does not add up: EXISTS is %u, of %llu in the list of all; left "
	    "alone, tried again in the next run", m->s[side].exists,
	    (unsigned long long)uidset_count(&m->s[side].present));
	mbox_fail(m, OUT_PARTIAL);
	mbox_finish(m);
	return -1;
}

static void	verified(struct mbox *);

/*
 * What VANISHED told of messages that are there.  None can have come in between:
 * the list was made after the SELECT, and no UID is given twice.
 */
static void
not_believed(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset lies;

	uidset_init(&lies);
	if (uidset_copy(&lies, &s->present) == -1 ||
	    uidset_intersect(&lies, &s->vanished) == -1 ||
	    uidset_minus(&s->vanished, &lies) == -1)
		fatal("out of memory");
	if (!uidset_empty(&lies))
		say(m->e, LOG_L_WARN, side, m, "the server reported %llu "
		    "messages as vanished that exist: not believed, they are "
		    "kept on both sides",
		    (unsigned long long)uidset_count(&lies));
	uidset_free(&lies);
}

/* What came with the PULL, if it was a list of all there is. */
static void
take_list(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	int err = 0;

	if (s->verified)
		return;
	if (s->whole)
		err = uidset_union(&s->listed, &s->present);
	else if (s->cur.uidnext <= 1) {
		err = uidset_copy(&s->present, &s->listed);
		s->whole = 1;
	}
	s->complete = s->whole && verify_fits(s);
	if (s->complete) {
		err |= uidset_copy(&s->listed, &s->present);
		not_believed(m, side);
	}
	if (err)
		fatal("out of memory");
}

/* Messages of this set are missing, it is said: VANISHED, or not listed. */
static int
are_missing(const struct mside *s, struct uidset *set)
{
	struct uidset old;
	int missing, err = 0;

	uidset_init(&old);
	err |= uidset_copy(&old, set);
	err |= uidset_intersect(&old, &s->vanished);
	err |= uidset_remove_range(&old, s->cur.uidnext, UID_MAX);
	if (s->cur.uidnext > 1)
		err |= uidset_remove_range(set, 1, s->cur.uidnext - 1);
	err |= uidset_remove_range(set, s->sel.uidnext, UID_MAX);
	err |= uidset_minus(set, &s->listed);
	if (err)
		fatal("out of memory");
	missing = !uidset_empty(&old) || !uidset_empty(set);
	uidset_free(&old);
	return missing;
}

/* Any that the database or this run knows of. */
static int
any_missing(struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];
	const struct row *r;
	struct uidset set;
	uint32_t i;
	int missing;

	uidset_init(&set);
	rowtab_sort(&m->rowtab);
	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (!r->s[side].held && (r->uid[side] >= s->cur.uidnext ||
		    uidset_has(&s->vanished, r->uid[side])) &&
		    uidset_add(&set, r->uid[side]) == -1)
			fatal("out of memory");
	}
	if (uidset_union(&set, &s->fresh) == -1 ||
	    uidset_union(&set, &s->skipped) == -1 ||
	    uidset_union(&set, &s->again) == -1)
		fatal("out of memory");
	missing = are_missing(s, &set);
	uidset_free(&set);
	return missing;
}

/*
 * Ask for the whole list of the sides whose numbers do not fit, if it is not
 * here, and for all rows.
 */
static void
verify(struct mbox *m)
{
	struct mside *s;
	struct uidset all;
	int i;

	if (verify_again(m) == -1)
		return;
	uidset_init(&all);
	if (uidset_add_range(&all, 1, UID_MAX) == -1)
		fatal("out of memory");
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!s->doubt)
			continue;
		say(m->e, LOG_L_DEBUG, i, m, "EXISTS %u and what changed are "
		    "compared with all UIDs", s->exists);
		if (!s->complete) {
			uidset_free(&s->present);
			uids_send(m, (enum side)i, MSG_SEARCH, ID_NONE, &all,
			    req_plain, NULL);
		}
		pull_lookup(m, (enum side)i, &all);
	}
	uidset_free(&all);
	mbox_wait(m, verified);
}

/*
 * A new message has the UID of one that is held as missing: the mailbox went
 * back in time once (back.c).  guard.c looks at both.
 */
static int
is_reused(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];
	const struct row *r;
	uint32_t i;

	for (i = 0; i < m->rowtab.n && m->nheld > 0; i++) {
		r = &m->rowtab.r[i];
		if (r->s[side].held && r->uid[side] >= s->cur.uidnext &&
		    r->uid[side] < s->sel.uidnext &&
		    uidset_has(&s->listed, r->uid[side]))
			return 1;
	}
	return 0;
}

static int
is_doubtful(struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];

	return !s->verified && (guard_asks(m, side) || !fits(m, side) ||
	    is_reused(m, side) ||
	    (!s->complete && any_missing(m, side)));
}

void
pull_looked(struct mbox *m)
{
	int i, doubt = 0;

	if (repair_first(m)) {
		repair_looked(m);
		return;
	}
	if (back_looked(m)) {
		back_begin(m);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (!m->s[i].pulled)
			continue;
		if (m->round == 1 && m->hasstate)
			count_known(m, (enum side)i);
		else
			back_untrue(m, (enum side)i);
		take_list(m, (enum side)i);
		m->s[i].doubt = is_doubtful(m, (enum side)i);
		doubt |= m->s[i].doubt;
	}
	if (doubt)
		verify(m);
	else
		pull_apply(m);
}

/*
 * Messages below UIDNEXT that no row knows, though all rows were asked for:
 * an EXPUNGE of ours left them, since another client took \Deleted away in
 * between.  They are copied as if they were new.
 */
static void
take_strays(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uidset strays, mapped;
	int err = 0;

	uidset_init(&strays);
	uidset_init(&mapped);
	rowtab_uids(&m->rowtab, side, &mapped);
	if (s->cur.uidnext > 1)
		err |= uidset_add_range(&strays, 1, s->cur.uidnext - 1);
	err |= uidset_intersect(&strays, &s->present);
	err |= uidset_minus(&strays, &s->skipped);
	err |= uidset_minus(&strays, &s->fresh);
	err |= uidset_minus(&strays, &mapped);
	err |= uidset_union(&s->again, &strays);
	err |= uidset_union(&s->fresh, &strays);
	if (err)
		fatal("out of memory");
	uidset_free(&strays);
	uidset_free(&mapped);
}

int
verify_fits(const struct mside *s)
{
	return count_within(&s->present, 1, s->sel.uidnext - 1) == s->exists;
}

/*
 * A complete SEARCH: what of the mapping is not in it has vanished, whatever
 * VANISHED said.
 */
void
verify_take(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	const struct row *r;
	uint32_t i;

	not_believed(m, side);
	uidset_free(&s->vanished);
	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (!uidset_has(&s->present, r->uid[side]) &&
		    uidset_add(&s->vanished, r->uid[side]) == -1)
			fatal("out of memory");
	}
	if (uidset_union(&s->vanished, &s->fresh) == -1 ||
	    uidset_union(&s->vanished, &s->skipped) == -1 ||
	    uidset_minus(&s->vanished, &s->present) == -1)
		fatal("out of memory");
	take_strays(m, side);
	uidset_free(&s->listed);
	if (uidset_copy(&s->listed, &s->present) == -1)
		fatal("out of memory");
	s->complete = s->verified = 1;
}

static int
pull_again(const struct mbox *m, enum side side)
{
	return m->e->caps[side] & CAP_ESEARCH ? PULL_ALL : PULL_UIDS;
}

static void
verified(struct mbox *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!m->s[i].doubt)
			continue;
		m->s[i].doubt = 0;
		/* Unless the mailbox changed in between. */
		if (verify_fits(&m->s[i]))
			verify_take(m, (enum side)i);
		else
			pull_send(m, (enum side)i, pull_again(m, (enum side)i));
	}
	mbox_wait(m, m->pending > 0 ? pull_done : pull_apply);
}
