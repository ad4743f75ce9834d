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
 * A mailbox that went back in time: its UIDNEXT or HIGHESTMODSEQ is below what
 * it was, or a UID was given out that is not below UIDNEXT.  An old copy was
 * restored there, or the server made its indexes anew.
 *
 * What the database says of such a mailbox is only a guess: after an old copy
 * came back the server gives the same UIDs to other messages, and a row may
 * join two that have nothing in common; a flag or a deletion of the one would
 * hit the other.  UIDNEXT alone cannot tell, since it grows again, and may be
 * where it was when it is looked at.  So the mailbox is gone through as by
 * --repair (repair.c, recheck.c), all its messages by their identity; but what
 * is missing on the side that went back, a loss or a deletion, is held back
 * (guard.c).  Only when that is written down may the database's UIDNEXT go
 * back, and only then may anything be appended there.  HIGHESTMODSEQ is set to
 * the highest there can be as soon as it is seen, and to what it is at the end
 * of all: killed at any time before, the next run sees it again, whatever came
 * in the meantime.  After that a row that is held may have a UID which the
 * server gives to another message.  verify.c and guard.c look out for those
 * that others deliver, back_taken() for our own.
 */
#include <stdlib.h>
#include <string.h>

#include "repair.h"

/* In the database: it was seen, and the run has not come to its end. */
#define SEEN_MODSEQ	((uint64_t)INT64_MAX)

static const char *const consequence = "an old copy of the mailbox was "
    "restored there? All messages are compared; what is missing there is held "
    "back, and deleted nowhere";

/* ---- is it so ---- */

int
back_selected(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];

	return m->round == 1 && m->repair == NULL &&
	    (s->sel.uidnext < s->cur.uidnext || s->sel.modseq < s->cur.modseq);
}

/* A UID of the mapping that was not given out yet, or 0. */
static uint32_t
never_given(const struct mbox *m, enum side side)
{
	const struct row *r;
	uint32_t i;

	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (r->uid[side] >= m->s[side].sel.uidnext && !r->s[side].held)
			return r->uid[side];
	}
	return 0;
}

int
back_looked(const struct mbox *m)
{
	int i;

	if (m->round > 1 || m->repair != NULL)
		return 0;
	for (i = 0; i < 2; i++)
		if (m->s[i].pulled && never_given(m, (enum side)i) != 0)
			return 1;
	return 0;
}

/* ---- what then ---- */

static void
say_back(struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];
	uint32_t uid;

	if (s->sel.uidnext < s->cur.uidnext)
		say(m->e, LOG_L_WARN, (int)side, m, "UIDNEXT went back from %u "
		    "to %u: %s", s->cur.uidnext, s->sel.uidnext, consequence);
	else if (s->cur.modseq == SEEN_MODSEQ)
		say(m->e, LOG_L_WARN, (int)side, m, "UIDNEXT or HIGHESTMODSEQ "
		    "went back before a run that did not come to its end: %s",
		    consequence);
	else if (s->sel.modseq < s->cur.modseq)
		say(m->e, LOG_L_WARN, (int)side, m, "HIGHESTMODSEQ went back "
		    "from %llu to %llu: its indexes were made anew, or %s",
		    (unsigned long long)s->cur.modseq,
		    (unsigned long long)s->sel.modseq, consequence);
	else if ((uid = never_given(m, side)) != 0)
		say(m->e, LOG_L_WARN, (int)side, m, "UID %u was given out, but "
		    "UIDNEXT is %u: %s", uid, s->sel.uidnext, consequence);
}

static int
is_behind(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];

	return s->sel.uidnext < s->cur.uidnext ||
	    s->sel.modseq < s->cur.modseq || never_given(m, side) != 0;
}

void
back_begin(struct mbox *m)
{
	int i, behind[2], unseen = 0;

	for (i = 0; i < 2; i++)
		if ((behind[i] = is_behind(m, (enum side)i)))
			say_back(m, (enum side)i);
	repair_begin(m);
	for (i = 0; i < 2; i++) {
		m->s[i].uidnext_back = behind[i];
		m->repair->ahead[i] = (uint32_t)behind[i];
		if (!behind[i])
			continue;
		unseen |= m->s[i].db.modseq != SEEN_MODSEQ;
		m->s[i].db.modseq = SEEN_MODSEQ;
	}
	for (i = 0; i < 2; i++)
		pull_send(m, (enum side)i, PULL_UIDS);
	if (unseen)
		advance_write(m);
	mbox_wait(m, pull_done);
}

int
back_unwritten(const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];

	return s->uidnext_back && s->db.uidnext > s->sel.uidnext;
}

/*
 * What is missing is written down as held: now UIDNEXT goes back, before the
 * first message is appended.
 */
void
back_written(struct mbox *m)
{
	struct mside *s;
	uint32_t low;
	int i;

	if (!back_unwritten(m, LOCAL) && !back_unwritten(m, REMOTE))
		return;
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!back_unwritten(m, (enum side)i))
			continue;
		low = uidset_min(&s->copy);
		s->db.uidnext = low != 0 && low < s->sel.uidnext ? low :
		    s->sel.uidnext;
	}
	advance_write(m);
}

/* ---- later ---- */

/* The rows that are held as missing there, from this UID on: no longer. */
static size_t
rows_from(struct mbox *m, enum side side, uint32_t uid, struct uidset *others,
    struct msg_pair *p)
{
	struct row *r;
	size_t n = 0;

	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		if (!r->s[side].held || r->uid[side] < uid)
			continue;
		if (!r->s[OTHER(side)].gone &&
		    uidset_add(others, r->uid[OTHER(side)]) == -1)
			fatal("out of memory");
		p[n].a = r->uid[LOCAL];
		p[n].b = r->uid[REMOTE];
		p[n++].held = 0;
		r->s[LOCAL].drop = 1;
	}
	return n;
}

/*
 * UIDs of messages that are held as missing there are given to others: such a
 * row cannot stay.  What it joined it to is copied again, and gets one of the
 * next UIDs; so all rows above go with it, or each copy would hit the next one,
 * a round for each.
 */
static void
give_up(struct mbox *m, enum side side, uint32_t uid)
{
	struct mside *o = &m->s[OTHER(side)];
	struct uidset others;
	struct msg_pair *p;
	size_t n;

	if ((p = calloc(m->rowtab.n + 1, sizeof(*p))) == NULL)
		fatal("out of memory");
	uidset_init(&others);
	n = rows_from(m, side, uid, &others, p);
	if (n > 0)
		say(m->e, LOG_L_WARN, (int)side, m, "UIDs from %u on, of "
		    "messages that are held back as missing there, are given "
		    "to others; %llu messages of %s are copied there again",
		    uid,
		    (unsigned long long)uidset_count(&others),
		    side_name(OTHER(side)));
	if (uidset_union(&o->again, &others) == -1 ||
	    uidset_union(&o->fresh, &others) == -1)
		fatal("out of memory");
	advance_lower(m, OTHER(side), uidset_min(&others));
	map_send(m, MSG_UNMAP, MAP_NOSIDE, p, n, req_plain, NULL);
	rowtab_drop(&m->rowtab, row_dropped);
	m->nheld -= (uint32_t)n;
	m->rows -= (uint32_t)n;
	uidset_free(&others);
	free(p);
}

/* So it is with the UID that our own APPEND was given. */
void
back_taken(struct mbox *m, enum side side, uint32_t uid)
{
	const struct row *r;

	if (m->nheld > 0 &&
	    (r = rowtab_find(&m->rowtab, side, uid)) != NULL && r->s[side].held)
		give_up(m, side, uid);
}

/*
 * In this run's own rows: APPEND told UIDs that were not given.  The messages
 * are looked for by their identity, as if no UIDs had been told.
 */
void
back_untrue(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side], *o = &m->s[OTHER(side)];
	struct msg_pair p = { 0, 0, 0 };
	struct row *r;
	size_t n = 0;

	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		if (r->uid[side] < s->sel.uidnext || r->s[side].held)
			continue;
		if (uidset_add(&o->again, r->uid[OTHER(side)]) == -1 ||
		    uidset_add(&o->fresh, r->uid[OTHER(side)]) == -1)
			fatal("out of memory");
		advance_lower(m, OTHER(side), r->uid[OTHER(side)]);
		p.a = r->uid[LOCAL];
		p.b = r->uid[REMOTE];
		map_send(m, MSG_UNMAP, MAP_NOSIDE, &p, 1, req_plain, NULL);
		r->s[LOCAL].drop = 1;
		n++;
	}
	if (n == 0)
		return;
	rowtab_drop(&m->rowtab, row_dropped);
	m->rows -= (uint32_t)n;
	say(m->e, LOG_L_WARN, (int)side, m, "APPEND told %zu UIDs that are not "
	    "there, since UIDNEXT is %u: not believed, the messages are looked "
	    "for", n, s->sel.uidnext);
}

/* And it will be so with the next ones, as guard.c has seen. */
void
back_above(struct mbox *m)
{
	give_up(m, LOCAL, m->s[LOCAL].sel.uidnext);
	give_up(m, REMOTE, m->s[REMOTE].sel.uidnext);
}
