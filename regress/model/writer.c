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
 * The second writers: other clients, on both servers, between the runs and
 * during them.  What they do is noted in the fates.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/*
 * How large a message is: mostly small, some fill a batch or the credit.  All
 * are even, so that object_size() makes no two different mails equal.
 */
static uint32_t
size_random(struct model *m)
{
	switch (rnd(m, 16)) {
	case 0:
		return 300000 + 2 * rnd(m, 150000);
	case 1:
		return chance(m, 1, 4) ? 7000000 : 700000;
	default:
		return 200 + 2 * rnd(m, 4);
	}
}

uint32_t
content_new(struct model *m)
{
	struct content *c;

	if (m->ncontent == m->contentsize) {
		m->contentsize = m->contentsize == 0 ? 32 : m->contentsize * 2;
		m->content = xrealloc(m->content, m->contentsize,
		    sizeof(*m->content));
	}
	c = &m->content[m->ncontent++];
	memset(c, 0, sizeof(*c));
	fate_grow(m);
	c->header = (uint32_t)m->ncontent;
	c->size = size_random(m);
	c->date = 1000000000 + (int64_t)rnd(m, 1000000);
	c->weak = chance(m, 1, 6);
	if (m->alike && chance(m, 1, 8) && m->ncontent > 1) {
		/* looks like another one, but is not */
		c->header = m->content[rnd(m, (uint32_t)m->ncontent - 1)].header;
		c->weak = m->content[c->header - 1].weak;
		c->size = m->content[c->header - 1].size;
		/* Message-ID, header and size are taken for an identity. */
		if (!c->weak)
			c->size += (uint32_t)m->ncontent * 1000;
	}
	if (chance(m, 1, 60)) {
		c->empty = 1;
		c->size = 0;
		c->weak = 1;		/* no header, no Message-ID */
	}
	c->large = chance(m, 1, 12);
	return (uint32_t)m->ncontent - 1;
}

uint32_t
deliver(struct model *m, enum side side, int i, uint32_t content, mflags fl)
{
	struct server *s = &m->server[side];
	struct fate *f = fate_of(m, i, content);

	f->born[side]++;
	f->together = 0;
	f->set |= fl & s->box[i].perm;
	trace(m, "writer %s box %d: deliver content %u as %u flags %x",
	    side_name(side), i, content, s->box[i].uidnext, fl);
	return box_append(m, s, i, content, fl);
}

void
deliver_both(struct model *m, int i, uint32_t content, mflags fl)
{
	struct fate *f = fate_of(m, i, content);
	int first = f->born[LOCAL] == 0 && f->born[REMOTE] == 0;

	deliver(m, LOCAL, i, content, fl);
	deliver(m, REMOTE, i, content, chance(m, 1, 4) ? 0 : fl);
	f->together = first && m->engine == NULL;
}

static mflags
flags_random(struct model *m)
{
	mflags fl = 0;
	int n;

	for (n = (int)rnd(m, 4); n > 0; n--)
		fl |= (mflags)(1 << rnd(m, 5 + NKEYWORDS));
	return fl;
}

void
writer_expunge(struct model *m, enum side side, int i, uint32_t uid)
{
	struct box *b = &m->server[side].box[i];
	struct object *o = box_find(b, uid);
	const struct pairing *p;
	struct fate *f;

	if (o == NULL)
		return;
	f = fate_of(m, i, o->content);
	f->died[side]++;
	trace(m, "writer %s box %d: expunge %u content %u", side_name(side), i,
	    uid, o->content);
	p = shadow_find(&m->shadow[i], side, uid);
	if (p != NULL && !m->nosync[i]) {
		f->diedmapped++;
		tomb_add(m, i, OTHER(side), p->uid[OTHER(side)]);
	}
	box_expunge(m, b, uid);
}

static void
writer_flags(struct model *m, enum side side, int i, struct object *o)
{
	struct box *b = &m->server[side].box[i];
	struct fate *f = fate_of(m, i, o->content);
	mflags set = 0, clear = 0, fl;

	if (chance(m, 2, 3))
		set = (mflags)(1 << rnd(m, 5 + NKEYWORDS));
	if (set == 0 || chance(m, 1, 4))
		clear = (mflags)(1 << rnd(m, 5 + NKEYWORDS));
	fl = ((o->fl & ~clear) | set) & b->perm;
	f->set |= fl;
	f->cleared |= o->fl & ~fl;
	if (fl == o->fl)
		return;
	if ((o->fl & ~fl & FLAG_DELETED) != 0)
		tomb_drop(m, i, side, o);
	trace(m, "writer %s box %d: flags of %u from %x to %x",
	    side_name(side), i, o->uid, o->fl, fl);
	box_touch(m, b);
	o->fl = fl;
	o->modseq = b->modseq;
}

static void
writer_deliver(struct model *m, enum side side, int i)
{
	uint32_t content;

	if (m->ncontent > 0 && chance(m, 1, 8))
		content = rnd(m, (uint32_t)m->ncontent);
	else
		content = content_new(m);
	if (chance(m, 1, 4) && m->server[OTHER(side)].box[i].exists)
		deliver_both(m, i, content, flags_random(m));
	else
		deliver(m, side, i, content, flags_random(m));
}

static void
writer_mailbox(struct model *m, enum side side)
{
	int i = 1 + (int)rnd(m, NBOXES - 1);
	struct server *s = &m->server[side];

	if (chance(m, 1, 2) && !s->box[i].exists && m->shadow[i].idx == 0) {
		trace(m, "writer %s: create box %d", side_name(side), i);
		box_create(m, s, i);
	}
	if (s->box[i].exists) {
		s->box[i].subscribed = (int)rnd(m, 2);
		m->subs[i] |= s->box[i].subscribed ? 1 : 2;
		trace(m, "writer %s: subscribed box %d: %d", side_name(side),
		    i, s->box[i].subscribed);
	}
}

/* One action of one writer. */
void
writer_act(struct model *m)
{
	enum side side = (enum side)rnd(m, 2);
	struct server *s = &m->server[side];
	int i = (int)rnd(m, NBOXES);
	struct object *o;

	while (!s->box[i].exists)
		i = (int)rnd(m, NBOXES);
	o = s->box[i].nlive == 0 ? NULL :
	    &s->box[i].live[rnd(m, (uint32_t)s->box[i].nlive)];
	switch (rnd(m, 10)) {
	case 0:
	case 1:
	case 2:
		writer_deliver(m, side, i);
		break;
	case 3:
	case 4:
		if (o != NULL)
			writer_expunge(m, side, i, o->uid);
		break;
	case 5:
		if (chance(m, 1, 4))
			writer_mailbox(m, side);
		break;
	default:
		if (o != NULL)
			writer_flags(m, side, i, o);
		break;
	}
}
