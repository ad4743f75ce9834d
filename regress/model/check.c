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
 * What must hold when all is quiet: both sides equal, nothing lost, nothing
 * doubled, nothing deleted that nobody deleted.
 */
#include "model.h"

/* Messages that may stay on one side: there is no way to store them there. */
static int
stays(const struct model *m, const struct object *o, enum side side)
{
	const struct content *c = &m->content[o->content];

	return c->empty || (c->large &&
	    (m->server[OTHER(side)].abilities & AB_REFUSE) != 0);
}

static void
check_object(struct model *m, int i, enum side side, const struct object *o)
{
	struct box *here = &m->server[side].box[i];
	struct box *there = &m->server[OTHER(side)].box[i];
	const struct pairing *p = shadow_find(&m->shadow[i], side, o->uid);
	mflags perm = here->perm & there->perm;
	struct object *q;

	if (p == NULL) {
		if (!stays(m, o, side))
			model_fail(m, "box %d: %s %u is not on the other side",
			    i, side_name(side), o->uid);
		return;
	}
	q = box_find(there, p->uid[OTHER(side)]);
	if (q == NULL)
		model_fail(m, "box %d: the partner of %s %u is gone", i,
		    side_name(side), o->uid);
	else if (q->content != o->content)
		model_fail(m, "box %d: %s %u has a partner with another "
		    "content", i, side_name(side), o->uid);
	else if ((q->fl & perm) != (o->fl & perm))
		model_fail(m, "box %d: %s %u has flags %x, its partner %x", i,
		    side_name(side), o->uid, o->fl & perm, q->fl & perm);
}

static size_t
copies(const struct model *m, int i, enum side side, uint32_t content)
{
	const struct box *b = &m->server[side].box[i];
	size_t j, n = 0;

	for (j = 0; j < b->nlive; j++)
		if (b->live[j].content == content)
			n++;
	return n;
}

/* How often this content may stand on a side, by what the writers did. */
static void
check_content(struct model *m, int i, enum side side, uint32_t content)
{
	const struct fate *f = fate_of(m, i, content);
	size_t n = copies(m, i, side, content);
	size_t born = (size_t)f->born[LOCAL] + f->born[REMOTE];
	size_t died = (size_t)f->died[LOCAL] + f->died[REMOTE];
	size_t most = born, least = 0;

	if (m->content[content].empty || m->content[content].large)
		return;
	if (died == 0)
		least = f->born[LOCAL] > f->born[REMOTE] ? f->born[LOCAL] :
		    f->born[REMOTE];
	/* After damage nobody knows that it was mapped. */
	if (born == 1 && f->diedmapped > 0 && !m->damaged)
		most = 0;
	/* Servers that count sizes differently: not known to be equal. */
	if (f->together && died == 0 && ((m->server[LOCAL].abilities |
	    m->server[REMOTE].abilities) & AB_SIZE) == 0)
		most = 1;
	if (n < least || n > most)
		model_fail(m, "box %d: content %u is %zu times on %s, not %zu "
		    "to %zu (born %d and %d, died %d and %d)", i, content, n,
		    side_name(side), least, most, f->born[LOCAL],
		    f->born[REMOTE], f->died[LOCAL], f->died[REMOTE]);
}

static void
check_box(struct model *m, int i)
{
	struct box *b;
	enum side s;
	uint32_t c;
	size_t j;

	for (s = LOCAL; s <= REMOTE; s++) {
		b = &m->server[s].box[i];
		for (j = 0; j < b->nlive; j++)
			check_object(m, i, s, &b->live[j]);
		for (c = 0; c < m->ncontent; c++)
			check_content(m, i, s, c);
	}
	if (m->server[LOCAL].box[i].subscribed !=
	    m->server[REMOTE].box[i].subscribed)
		model_fail(m, "box %d: subscribed on one side only", i);
}

/* A mailbox that is not synchronized: nothing of it may be touched. */
static void
check_untouched(struct model *m, int i)
{
	const struct fate *f;
	enum side s = OTHER(m->replaced[i]);
	uint32_t c;

	for (c = 0; c < m->ncontent; c++) {
		f = fate_of(m, i, c);
		if (copies(m, i, s, c) < f->born[s] &&
		    f->died[LOCAL] + f->died[REMOTE] == 0)
			model_fail(m, "box %d: content %u lost on %s", i, c,
			    side_name(s));
	}
}

static void
check_tombs(struct model *m)
{
	const struct tomb *t;
	struct box *b;
	size_t i;

	for (i = 0; i < m->ntomb; i++) {
		t = &m->tomb[i];
		b = &m->server[t->side].box[t->box];
		if (!m->nosync[t->box] && b->uidvalidity == t->uidvalidity &&
		    box_find(b, t->uid) != NULL)
			model_fail(m, "box %d: the deletion of %s %u was "
			    "forgotten", t->box, side_name(t->side), t->uid);
	}
}

void
check_quiet(struct model *m)
{
	int i, l, r;

	for (i = 0; i < NBOXES && !m->failed; i++) {
		l = m->server[LOCAL].box[i].exists;
		r = m->server[REMOTE].box[i].exists;
		if (m->nosync[i])
			check_untouched(m, i);
		else if (l != r)
			model_fail(m, "box %d exists on one side only", i);
		else if (l && r)
			check_box(m, i);
	}
	if (!m->failed)
		check_tombs(m);
}
