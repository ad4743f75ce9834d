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
 * STORE and EXPUNGE on a model server.  Each change is judged before it is
 * made: the engine may do only what some writer did on the other side.
 */
#include <err.h>
#include <string.h>

#include "model.h"

/* The engine changes a mailbox: STATUS may show it late. */
static void
touch(struct model *m, const struct server *s, struct box *b)
{
	uint64_t shown = b->shown;

	box_touch(m, b);
	if ((s->abilities & AB_LATE) != 0)
		b->shown = shown;
}

static mflags
stored(const struct box *b, const struct object *o, uint8_t mode, mflags fl)
{
	fl &= b->perm;
	switch (mode) {
	case STORE_ADD:
		return o->fl | fl;
	case STORE_REMOVE:
		return o->fl & ~fl;
	default:
		return fl | (o->fl & ~b->perm);
	}
}

/* UID STORE (RFC 7162 section 3.1.3); fills in the [MODIFIED] set. */
static void
store(struct model *m, struct server *s, int i, const struct msg_store *st,
    struct uidset *modified)
{
	struct box *b = &s->box[i];
	struct object *o;
	mflags fl, want = mflags_get(m, &st->flags);
	int touched = 0;
	size_t j;

	for (j = 0; j < b->nlive; j++) {
		o = &b->live[j];
		if (!uidset_has(&st->set, o->uid))
			continue;
		if (st->unchangedsince != 0 &&
		    o->modseq > st->unchangedsince) {
			if (uidset_add(modified, o->uid) == -1)
				fatal("uidset: no memory");
			continue;
		}
		fl = stored(b, o, st->mode, want);
		if (fl == o->fl && (s->abilities & AB_BUMP) == 0)
			continue;
		judge_flags(m, s->side, i, o->content, o->fl, fl);
		if (!touched++)
			touch(m, s, b);
		o->fl = fl;
		o->modseq = b->modseq;
	}
}

enum step
step_store(struct model *m, struct server *s, struct frame *f)
{
	struct uidset modified = UIDSET_INIT;
	struct msg_store st;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_store(&b, &st) == -1) {
		model_fail(m, "STORE cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, st.mailbox, st.uidvalidity)) != -1) {
		m->stats.stores++;
		store(m, s, i, &st, &modified);
		answer_set(m, s, MSG_STORED, f->id, &modified);
		peer_done(m, (enum peer)s->side, f->id);
	}
	uidset_free(&modified);
	uidset_free(&st.set);
	flags_free(&st.flags);
	return STEP_DONE;
}

/* UID STORE +FLAGS.SILENT (\Deleted) */
static void
mark(struct model *m, struct server *s, int i, const struct uidset *set)
{
	struct box *b = &s->box[i];
	struct object *o;
	int touched = 0;
	size_t j;

	for (j = 0; j < b->nlive; j++) {
		o = &b->live[j];
		if (!uidset_has(set, o->uid))
			continue;
		judge_expunge(m, s->side, i, o->uid);
		if ((o->fl & FLAG_DELETED) != 0)
			continue;
		if (!touched++)
			touch(m, s, b);
		o->fl |= FLAG_DELETED;
		o->modseq = b->modseq;
	}
}

/* UID EXPUNGE (RFC 4315 section 2.1) */
static void
expunge(struct model *m, struct server *s, int i, const struct uidset *set,
    struct uidset *gone)
{
	struct box *b = &s->box[i];
	uint64_t shown = b->shown;
	size_t j;

	for (j = b->nlive; j-- > 0;) {
		if (!uidset_has(set, b->live[j].uid) ||
		    (b->live[j].fl & FLAG_DELETED) == 0)
			continue;
		judge_expunge(m, s->side, i, b->live[j].uid);
		m->stats.expunges++;
		if (uidset_add(gone, b->live[j].uid) == -1)
			err(1, NULL);
		box_expunge(m, b, b->live[j].uid);
	}
	if ((s->abilities & AB_LATE) != 0)
		b->shown = shown;
}

/* Two steps: killed between them the messages stay, marked. */
enum step
step_expunge(struct model *m, struct server *s, struct frame *f)
{
	struct uidset gone = UIDSET_INIT;
	enum step step = STEP_DONE;
	struct msg_uids u;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_uids(&b, &u) == -1) {
		model_fail(m, "EXPUNGE cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, u.mailbox, u.uidvalidity)) == -1)
		;
	else if (f->phase == 0) {
		mark(m, s, i, &u.set);
		step = STEP_MORE;
	} else {
		expunge(m, s, i, &u.set, &gone);
		if (!uidset_empty(&gone))
			answer_set(m, s, MSG_VANISHED, f->id, &gone);
		uidset_free(&gone);
		peer_done(m, (enum peer)s->side, f->id);
	}
	uidset_free(&u.set);
	return step;
}
