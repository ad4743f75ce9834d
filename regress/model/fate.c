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
 * The judges.  The writers note here what they did to each content in each
 * mailbox; every effect of the engine is held against it at once, so that a
 * wrong one is found at the step that makes it.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct fate *
fate_of(struct model *m, int box, uint32_t content)
{
	return &m->fate[content * NBOXES + (uint32_t)box];
}

/* A content was added. */
void
fate_grow(struct model *m)
{
	m->fate = xrealloc(m->fate, m->contentsize * NBOXES,
	    sizeof(*m->fate));
	memset(&m->fate[(m->ncontent - 1) * NBOXES], 0,
	    NBOXES * sizeof(*m->fate));
}

/*
 * A writer expunged a message that both sides had: its partner must go, and
 * stay away.
 */
void
tomb_add(struct model *m, int box, enum side side, uint32_t uid)
{
	struct tomb *t;

	if (m->ntomb == m->tombsize) {
		m->tombsize = m->tombsize == 0 ? 16 : m->tombsize * 2;
		m->tomb = xrealloc(m->tomb, m->tombsize, sizeof(*m->tomb));
	}
	t = &m->tomb[m->ntomb++];
	t->box = (uint8_t)box;
	t->side = (uint8_t)side;
	t->uid = uid;
	t->uidvalidity = m->server[side].box[box].uidvalidity;
}

/*
 * A writer takes \Deleted away, perhaps between the two steps of a deletion:
 * the message may stay then.
 */
void
tomb_drop(struct model *m, int box, enum side side, const struct object *o)
{
	size_t i = 0;

	fate_of(m, box, o->content)->diedmapped = 0;
	while (i < m->ntomb)
		if (m->tomb[i].box == box && m->tomb[i].side == side &&
		    m->tomb[i].uid == o->uid)
			m->tomb[i] = m->tomb[--m->ntomb];
		else
			i++;
}

/*
 * In a damaged database a row may join a message with one that was gone before:
 * that is no deletion.
 */
static int
vanished_since(const struct model *m, enum side side, int box, uint32_t uid)
{
	struct box b = m->server[side].box[box];
	const uint64_t since = m->shadow[box].modseq[side];
	const struct object *o = box_ever(&b, uid);

	if (o == NULL)
		return 0;
	return (m->server[side].abilities & AB_VANISHED_ALL) != 0 ||
	    since > b.modseq || o->modseq > since;
}

/* A message may be deleted only because its partner is gone. */
void
judge_expunge(struct model *m, enum side side, int box, uint32_t uid)
{
	struct server *other = &m->server[OTHER(side)];
	const struct pairing *p;
	struct object *o;

	if (m->nosync[box]) {
		model_fail(m, "box %d is not to be touched, but %s %u is "
		    "deleted", box, side_name(side), uid);
		return;
	}
	p = shadow_find(&m->shadow[box], side, uid);
	o = box_find(&m->server[side].box[box], uid);
	if (p == NULL)
		model_fail(m, "box %d: %s %u is deleted, but not mapped", box,
		    side_name(side), uid);
	else if (box_find(&other->box[box], p->uid[OTHER(side)]) != NULL)
		model_fail(m, "box %d: %s %u is deleted, but %u lives", box,
		    side_name(side), uid, p->uid[OTHER(side)]);
	else if (m->damaged && !vanished_since(m, OTHER(side), box,
	    p->uid[OTHER(side)]))
		model_fail(m, "box %d: %s %u is deleted, but %u did not vanish "
		    "since", box, side_name(side), uid, p->uid[OTHER(side)]);
	if (o != NULL) {
		fate_of(m, box, o->content)->set |= FLAG_DELETED;
		fate_of(m, box, o->content)->cleared |= FLAG_DELETED;
	}
}

/* A flag may be set or cleared only if some writer did so. */
void
judge_flags(struct model *m, enum side side, int box, uint32_t content,
    mflags old, mflags new)
{
	const struct fate *f = fate_of(m, box, content);
	mflags added = new & ~old, removed = old & ~new;

	if ((added & ~f->set) != 0)
		model_fail(m, "box %d: %s content %u gets flags %x nobody "
		    "set", box, side_name(side), content, added & ~f->set);
	if ((removed & ~f->cleared) != 0)
		model_fail(m, "box %d: %s content %u loses flags %x nobody "
		    "cleared", box, side_name(side), content,
		    removed & ~f->cleared);
}

/* Only equal messages may be mapped. */
void
judge_map(struct model *m, int box, uint32_t luid, uint32_t ruid)
{
	struct object *l, *r;

	if (m->nosync[box])
		return;
	l = box_ever(&m->server[LOCAL].box[box], luid);
	r = box_ever(&m->server[REMOTE].box[box], ruid);
	if (l == NULL || r == NULL)
		model_fail(m, "box %d: (%u,%u) mapped, but there never was %s",
		    box, luid, ruid, l == NULL ? "the local one" :
		    "the remote one");
	else if (l->content != r->content)
		model_fail(m, "box %d: (%u,%u) mapped, contents %u and %u",
		    box, luid, ruid, l->content, r->content);
}

/* A row is for a mailbox that both sides have: a refused CREATE leaves none. */
void
judge_add(struct model *m, int box)
{
	enum side s;

	for (s = LOCAL; s <= REMOTE; s++)
		if (!m->server[s].box[box].exists)
			model_fail(m, "box %d: a row, but not on %s", box,
			    side_name(s));
}

/* Only what some writer did may be done on the other side. */
void
judge_subscribe(struct model *m, int box, int on)
{
	if ((m->subs[box] & (on ? 1 : 2)) == 0)
		model_fail(m, "box %d: %s, and nobody asked for it", box,
		    on ? "subscribed" : "unsubscribed");
}

/* All messages below UIDNEXT must be mapped, or skipped on purpose. */
void
judge_advance(struct model *m, int box, const struct msg_advance *adv)
{
	const struct shadow *sh = &m->shadow[box];
	const struct box *b;
	enum side s;
	size_t i;

	if (m->nosync[box])
		return;
	for (s = LOCAL; s <= REMOTE; s++) {
		b = &m->server[s].box[box];
		if ((adv->st[s].uidnext > b->uidnext &&
		    adv->st[s].uidnext != sh->uidnext[s]) ||
		    (adv->st[s].modseq > b->modseq &&
		    adv->st[s].modseq != sh->modseq[s] &&
		    adv->st[s].modseq != INT64_MAX))
			model_fail(m, "box %d: %s advances beyond the server",
			    box, side_name(s));
		/* It went back: the next run sees that, and looks at all. */
		if (adv->st[s].uidnext > b->uidnext ||
		    adv->st[s].modseq == INT64_MAX)
			continue;
		for (i = 0; i < b->nlive; i++)
			if (b->live[i].uid < adv->st[s].uidnext &&
			    shadow_find(sh, s, b->live[i].uid) == NULL &&
			    !uidset_has(&sh->skipped[s], b->live[i].uid))
				model_fail(m, "box %d: UIDNEXT %u, but %s %u "
				    "is not mapped", box, adv->st[s].uidnext,
				    side_name(s), b->live[i].uid);
	}
}
