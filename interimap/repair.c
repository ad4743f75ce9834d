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
 * --repair: the first round of a mailbox looks at all there is.  Both sides
 * list their UIDs and the database all its rows; what does not fit together is
 * said, and the rows that are wrong are dropped, which deletes nothing on any
 * server.  What is without a row then is new mail to the rest of the engine:
 * PAIR recognises what both sides have, COPY brings the rest across.  A message
 * that is absent counts as deleted only where VANISHED told so since the state
 * in the database; else the database was wrong, and its partner is copied
 * again.  recheck.c looks at the rows that are left.  Called by pull.c,
 * verify.c and apply.c in place of their next state.
 */
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"
#include "repair.h"

static void	lower(struct mbox *);
static void	lowered(struct mbox *);

/* ---- which mailboxes, how many at once ---- */

/* A mailbox without a state, or new: there is nothing to compare with. */
void
repair_left(struct mbox *m)
{
	say(m->e, LOG_L_INFO, SIDE_NONE, m, "Mailbox %s was never "
	    "synchronized: left to a run without --repair", mbox_display(m));
}

/* The most messages a mailbox can have, for what it takes in memory. */
static uint64_t
weight(const struct mbox *m)
{
	const struct mside *s;
	uint64_t n, most = 0;
	int i;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		n = s->has & STATUS_UIDNEXT ? s->status.uidnext :
		    s->db.uidnext;
		if (n > most)
			most = n;
	}
	return most;
}

int
repair_fits(const struct mbox *m)
{
	const struct engine *e = m->e;

	return !e->repairing || e->running == 0 ||
	    e->weight + weight(m) <= REPAIR_WEIGHT;
}

void
repair_begin(struct mbox *m)
{
	if ((m->repair = calloc(1, sizeof(*m->repair))) == NULL)
		fatal("out of memory");
	keywords_forget(m);
	m->repair->weight = weight(m);
	m->e->weight += m->repair->weight;
}

void
repair_free(struct mbox *m)
{
	struct repair *rp = m->repair;

	if (rp == NULL)
		return;
	m->e->weight -= rp->weight;
	free(rp->drop);
	free(rp->date[LOCAL]);
	free(rp->date[REMOTE]);
	uidset_free(&rp->said[LOCAL]);
	uidset_free(&rp->said[REMOTE]);
	uidset_free(&rp->skipped[LOCAL]);
	uidset_free(&rp->skipped[REMOTE]);
	free(rp);
	m->repair = NULL;
}

int
repair_first(const struct mbox *m)
{
	return m->repair != NULL && m->round == 1;
}

/* ---- the state ---- */

/*
 * Such a state was never told by this mailbox, or by a later one than that is
 * there: an old copy was restored, or the indexes of the server were made anew.
 * Nothing can have been told as vanished then, so nothing will be deleted; rows
 * may join messages that only have the UIDs in common (recheck.c).
 */
void
repair_selected(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];

	if (s->uidnext_back) {		/* back.c said so */
		s->cur.uidnext = s->sel.uidnext < s->cur.uidnext ?
		    s->sel.uidnext : s->cur.uidnext;
		s->cur.modseq = s->sel.modseq < s->cur.modseq ?
		    s->sel.modseq : s->cur.modseq;
		return;
	}
	if (s->sel.uidnext < s->cur.uidnext) {
		say(m->e, LOG_L_WARN, side, m, "UIDNEXT is recorded as %u, but "
		    "is %u there", s->cur.uidnext, s->sel.uidnext);
		s->cur.uidnext = s->sel.uidnext;
		m->repair->ahead[side]++;
	}
	if (s->sel.modseq < s->cur.modseq) {
		say(m->e, LOG_L_WARN, side, m, "HIGHESTMODSEQ is recorded as "
		    "%llu, but is %llu there",
		    (unsigned long long)s->cur.modseq,
		    (unsigned long long)s->sel.modseq);
		s->cur.modseq = s->sel.modseq;
		m->repair->ahead[side]++;
	}
}

/* ---- rows ---- */

static void
spoken_of(struct mbox *m, enum side side, uint32_t uid)
{
	if (uidset_add(&m->repair->said[side], uid) == -1)
		fatal("out of memory");
}

void
repair_drop(struct mbox *m, struct row *r)
{
	struct repair *rp = m->repair;
	struct msg_pair *p;
	int i;

	rp->drop = grow(rp->drop, rp->ndrop, &rp->dropsize, sizeof(*rp->drop));
	p = &rp->drop[rp->ndrop++];
	p->a = r->uid[LOCAL];
	p->b = r->uid[REMOTE];
	p->held = 0;
	for (i = 0; i < 2; i++) {
		spoken_of(m, (enum side)i, r->uid[i]);
		if (r->s[i].held)
			m->nheld--;
	}
	r->s[LOCAL].drop = 1;
}

void
repair_dropped(struct mbox *m)
{
	rowtab_drop(&m->rowtab, row_dropped);
	m->rows = m->rowtab.n;
}

static void
never_was(struct mbox *m, struct row *r, enum side side)
{
	say(m->e, LOG_L_WARN, (int)side, m, "Pair (lUID,rUID) = (%u,%u): there "
	    "never was a UID %u. Forgetting the pair", r->uid[LOCAL],
	    r->uid[REMOTE], r->uid[side]);
	m->repair->never++;
	repair_drop(m, r);
}

static void
vanished_both(struct mbox *m, struct row *r)
{
	say(m->e, LOG_L_WARN, SIDE_NONE, m, "Pair (lUID,rUID) = (%u,%u) "
	    "vanished from %s. Forgetting the pair", r->uid[LOCAL],
	    r->uid[REMOTE], mbox_display(m));
	m->repair->gone++;
	repair_drop(m, r);
}

static void
disappeared(struct mbox *m, struct row *r, enum side side)
{
	say(m->e, LOG_L_WARN, (int)side, m, "UID %u disappeared. Redownloading "
	    "%s UID %u.", r->uid[side], side_name(OTHER(side)),
	    r->uid[OTHER(side)]);
	m->repair->lost[side]++;
	repair_drop(m, r);
}

/* Held as vanished there, which it has not. */
static void
not_held(struct mbox *m, struct row *r, enum side side)
{
	struct msg_pair p = { r->uid[LOCAL], r->uid[REMOTE], 0 };

	say(m->e, LOG_L_WARN, (int)side, m, "The deletion of UID %u is held "
	    "back, but the message is there. Taking the record back",
	    r->uid[side]);
	map_send(m, MSG_UNHOLD, MAP_NOSIDE, &p, 1, req_plain, NULL);
	r->s[side].held = 0;
	m->nheld--;
	m->repair->held++;
}

/*
 * A row with a message that is absent from the complete list of its side.  At
 * or above UIDNEXT VANISHED says nothing (apply.c), and the partner may be a new
 * message that got a UID which the database had wrongly: nobody deleted that.
 * So it is with all rows of a mailbox that went back in time, on either side;
 * what is missing there is left to the guard (back.c).
 */
static void
absent_row(struct mbox *m, struct row *r, const int *absent)
{
	int told[2], i, sure = r->uid[LOCAL] < m->s[LOCAL].cur.uidnext &&
	    r->uid[REMOTE] < m->s[REMOTE].cur.uidnext &&
	    !m->repair->ahead[LOCAL] && !m->repair->ahead[REMOTE];

	for (i = 0; i < 2; i++) {
		told[i] = sure && uidset_has(&m->s[i].vanished, r->uid[i]);
		if (r->uid[i] >= m->s[i].sel.uidnext &&
		    !m->s[i].uidnext_back) {
			never_was(m, r, (enum side)i);
			return;
		}
	}
	if (absent[LOCAL] && absent[REMOTE]) {
		if (!told[LOCAL] || !told[REMOTE])
			vanished_both(m, r);
		return;
	}
	i = absent[LOCAL] ? LOCAL : REMOTE;
	if (m->s[i].uidnext_back)
		return;
	if (m->s[OTHER(i)].uidnext_back || (!r->s[i].held && !told[i]))
		disappeared(m, r, (enum side)i);
}

static void
look_at_rows(struct mbox *m)
{
	struct row *r;
	int s, absent[2];

	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		for (s = 0; s < 2; s++) {
			absent[s] = r->uid[s] >= m->s[s].sel.uidnext ||
			    !uidset_has(&m->s[s].present, r->uid[s]);
			if (r->s[s].held && !absent[s])
				not_held(m, r, (enum side)s);
		}
		if (absent[LOCAL] || absent[REMOTE])
			absent_row(m, r, absent);
	}
	repair_dropped(m);
}

/* ---- in place of VERIFY ---- */

/* What was passed over once is looked at again. */
static void
take_skipped(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct repair *rp = m->repair;
	struct uidset there;
	struct uiditer it;
	uint32_t uid;

	uidset_init(&there);
	if (uidset_union(&rp->skipped[side], &s->skipped) == -1 ||
	    uidset_copy(&there, &s->skipped) == -1 ||
	    uidset_intersect(&there, &s->present) == -1 ||
	    uidset_union(&rp->said[side], &there) == -1)
		fatal("out of memory");
	if (!uidset_empty(&there))
		say(m->e, LOG_L_INFO, (int)side, m, "%llu message(s) that could "
		    "not be copied are tried again",
		    (unsigned long long)uidset_count(&there));
	uidset_free(&there);
	if (uidset_minus(&s->skipped, &s->present) == -1)
		fatal("out of memory");
	uiditer_init(&it, &s->skipped);
	while ((uid = uiditer_next(&it)) != 0)
		refusals_drop(m, side, uid);
	uidset_free(&s->skipped);
}

/*
 * Rows and lists are here.  A list counts only when EXISTS agrees: what is not
 * in it is absent then.
 */
void
repair_looked(struct mbox *m)
{
	struct mside *s;
	int i, doubt = 0;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (uidset_copy(&s->present, &s->listed) == -1)
			fatal("out of memory");
		s->doubt = !verify_fits(s);
		doubt |= s->doubt;
	}
	if (doubt) {
		if (verify_again(m) == -1)
			return;
		for (i = 0; i < 2; i++)
			if (m->s[i].doubt)
				pull_send(m, (enum side)i, PULL_UIDS);
		mbox_wait(m, pull_done);
		return;
	}
	look_at_rows(m);
	for (i = 0; i < 2; i++) {
		take_skipped(m, (enum side)i);
		verify_take(m, (enum side)i);
	}
	mbox_wait(m, pull_apply);
}

/* ---- in place of PAIR, when recheck.c has looked at the rows ---- */

static void
say_strays(struct mbox *m, enum side side)
{
	struct uidset set;
	char uids[512];
	size_t pos = 0;

	uidset_init(&set);
	if (uidset_copy(&set, &m->s[side].copy) == -1 ||
	    uidset_minus(&set, &m->repair->said[side]) == -1 ||
	    uidset_remove_range(&set, m->s[side].cur.uidnext, UID_MAX) == -1)
		fatal("out of memory");
	m->repair->strays[side] = uidset_count(&set);
	while (uidset_format(&set, &pos, uids, sizeof(uids)) > 0)
		say(m->e, LOG_L_WARN, (int)side, m, "No match for %s UID(s) %s. "
		    "Looking for them on the other side, else copying them",
		    side_name(side), uids);
	uidset_free(&set);
}

void
repair_rows(struct mbox *m)
{
	struct repair *rp = m->repair;

	say_strays(m, LOCAL);
	say_strays(m, REMOTE);
	map_send(m, MSG_UNMAP, MAP_NOSIDE, rp->drop, rp->ndrop, req_plain,
	    NULL);
	mbox_wait(m, lower);
}

/*
 * UIDNEXT goes back to the first message without a row, so that any later run
 * looks at what this one may leave; when no row of what disappeared is left.
 * A HIGHESTMODSEQ that was too high stays as a warning until all is done.
 */
static void
lower(struct mbox *m)
{
	struct mside *s;
	uint32_t low;
	int i, differs = 0;

	KILLPOINT("repair-unmapped");
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (s->db.uidnext > s->sel.uidnext && !s->uidnext_back)
			s->db.uidnext = s->sel.uidnext;
		low = uidset_min(&s->copy);
		if (low != 0 && low < s->db.uidnext &&
		    !back_unwritten(m, (enum side)i)) {
			s->db.uidnext = low;
			differs = 1;
		}
	}
	if (differs)
		advance_write(m);
	mbox_wait(m, lowered);
}

static void
lowered(struct mbox *m)
{
	struct mside *s;
	int i;

	KILLPOINT("repair-lowered");
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		/* What ADVANCE falls back to when a change is left over. */
		if (s->db.modseq > s->sel.modseq && !s->uidnext_back)
			s->db.modseq = 1;
		skip_send(m, (enum side)i, &m->repair->skipped[i], 0, 0, "");
	}
	mbox_wait(m, adopt_begin);
}

/* ---- at the end ---- */

void
repair_missed(struct mbox *m, const struct row *r, const char *l,
    const char *o, const char *both)
{
	say(m->e, LOG_L_WARN, SIDE_NONE, m, "Missed flag update in %s for "
	    "(lUID,rUID) = (%u,%u): local %s, remote %s. Setting both to the "
	    "union %s.", mbox_display(m), r->uid[LOCAL], r->uid[REMOTE], l, o,
	    both);
	m->repair->flags++;
}

/* 1: all that had to be copied was. */
static int
all_copied(const struct mbox *m)
{
	const struct mside *s;

	if (refusals_any(m))
		return 0;
	for (s = m->s; s < m->s + 2; s++)
		if (s->incomplete || !uidset_empty(&s->again) ||
		    !uidset_empty(&s->copy))
			return 0;
	return 1;
}

void
repair_summary(struct mbox *m)
{
	const struct repair *rp = m->repair;
	const struct { uint64_t n; const char *what; } items[] = {
		{ rp->ahead[LOCAL] + rp->ahead[REMOTE],
		    "recorded ahead of the server" },
		{ rp->never, "pairs that never were" },
		{ rp->gone, "pairs that vanished" },
		{ rp->lost[LOCAL], "disappeared locally" },
		{ rp->lost[REMOTE], "disappeared remotely" },
		{ rp->other, "pairs of different messages" },
		{ rp->strays[LOCAL], "local without a match" },
		{ rp->strays[REMOTE], "remote without a match" },
		{ rp->flags, "missed flag updates" },
		{ rp->held, "held back, but there" }
	};
	const char *how = "mended: ";
	char text[LOG_TEXTMAX] = "";
	size_t i, len;

	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (items[i].n == 0)
			continue;
		len = strlen(text);
		(void)snprintf(text + len, sizeof(text) - len, "%s%s %llu",
		    len > 0 ? ", " : "", items[i].what,
		    (unsigned long long)items[i].n);
	}
	if (text[0] == '\0')
		how = "nothing to mend";
	else if (!all_copied(m))
		how = "mended in part, a later run goes on: ";
	say(m->e, LOG_L_INFO, SIDE_NONE, m, "%s: %s%s", mbox_display(m), how,
	    text);
}
