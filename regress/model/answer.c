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
 * Requests on the messages of a mailbox, answered as an imapchild would.  A
 * request of several IMAP commands takes several steps; the second writers
 * may act between them.
 */
#include <string.h>

#include "model.h"

/* Items of CHANGED or MESSAGE on their way out. */
struct items {
	struct model	*m;
	struct server	*s;
	enum msg_type	 type;
	uint32_t	 id, n;
	size_t		 at;
	struct ibuf	 b;
};

static void
items_begin(struct items *it, struct model *m, struct server *s,
    enum msg_type type, uint32_t id)
{
	it->m = m;
	it->s = s;
	it->type = type;
	it->id = id;
	it->n = 0;
	ibuf_init(&it->b);
	it->at = msg_list_begin(&it->b);
}

static void
items_flush(struct items *it)
{
	msg_list_end(&it->b, it->at, it->n);
	peer_answer(it->m, (enum peer)it->s->side, it->type, it->id, &it->b);
	ibuf_reset(&it->b);
	it->at = msg_list_begin(&it->b);
	it->n = 0;
}

/* One more was written. */
static void
items_added(struct items *it)
{
	it->n++;
	if ((it->s->abilities & AB_SMALLFRAMES) != 0 ||
	    ibuf_room(&it->b) < MSG_ITEMMAX)
		items_flush(it);
}

static void
items_end(struct items *it)
{
	if (it->n > 0 || (it->s->abilities & AB_EMPTYSETS) != 0)
		items_flush(it);
	ibuf_free(&it->b);
}

static void
put_changed(struct items *it, const struct object *o)
{
	struct msg_changed c;

	c.uid = o->uid;
	c.modseq = o->modseq;
	mflags_put(&c.flags, o->fl, (it->s->abilities & AB_SHOUT) != 0);
	msg_put_changed(&it->b, &c);
	flags_free(&c.flags);
	items_added(it);
}

/* Contents that look alike get the same digest, others do not. */
static void
digest(uint8_t *d, uint8_t salt, uint32_t v)
{
	memset(d, salt, ID_DIGEST);
	memcpy(d, &v, sizeof(v));
}

static void
put_message(struct items *it, const struct object *o, uint8_t want)
{
	const struct content *c = &it->m->content[o->content];
	struct msg_message msg;

	memset(&msg, 0, sizeof(msg));
	msg.uid = o->uid;
	msg.modseq = o->modseq;
	msg.size = object_size(it->m, it->s, o);
	msg.date.time = c->date;
	msg.date.valid = 1;
	mflags_put(&msg.flags, o->fl, (it->s->abilities & AB_SHOUT) != 0);
	msg.id = want == ID_DATE ? ID_NONE : want;
	if (want == ID_DATE)
		msg.size = 0;
	else if (want == ID_HEADER) {
		msg.id = c->weak ? ID_WEAK : ID_HEADER;
		digest(msg.digest, 1, c->header);
	} else if (want == ID_BODY)
		digest(msg.digest, 2, o->content);
	msg_put_message(&it->b, &msg);
	flags_free(&msg.flags);
	items_added(it);
}

int
forgets(struct model *m, const struct server *s)
{
	return m->during && (s->abilities & AB_FORGETS) != 0 &&
	    chance(m, 1, 10);
}

/*
 * Each live message in the set (NULL: all) and above a modseq, as CHANGED or
 * MESSAGE, shuffled where the server does that.
 */
static void
put_objects(struct items *it, const struct box *b, const struct uidset *set,
    uint64_t since, uint8_t want)
{
	size_t i, j, n = b->nlive;
	size_t turn = 0;

	if (n > 0 && (it->s->abilities & AB_SHUFFLE) != 0)
		turn = rnd(it->m, (uint32_t)n);
	for (i = 0; i < n; i++) {
		j = (i + turn) % n;
		if (b->live[j].modseq <= since || (set != NULL &&
		    !uidset_has(set, b->live[j].uid)))
			continue;
		if (it->type == MSG_CHANGED)
			put_changed(it, &b->live[j]);
		else
			put_message(it, &b->live[j], want);
	}
}

void
answer_set(struct model *m, struct server *s, enum msg_type type, uint32_t id,
    const struct uidset *set)
{
	struct ibuf b;
	size_t pos = 0;

	if (set->n == 0 && (s->abilities & AB_EMPTYSETS) == 0)
		return;
	ibuf_init(&b);
	do {
		ibuf_reset(&b);
		msg_put_set(&b, set, &pos);
		peer_answer(m, (enum peer)s->side, type, id, &b);
	} while (pos < set->n);
	ibuf_free(&b);
}

int
open_box(struct model *m, struct server *s, struct frame *f,
    struct bytes name, uint32_t uidvalidity)
{
	enum peer p = (enum peer)s->side;
	int i = box_index(s, name);

	if (f->phase == 0 && m->during && (s->abilities & AB_FLAKY) != 0 &&
	    chance(m, 1, 40)) {
		peer_refuse(m, p, f->id, FAIL_NO, "INUSE", "try later");
		return -1;
	}
	if (i == -1 || !s->box[i].exists) {
		peer_refuse(m, p, f->id, FAIL_NOMAILBOX, "NONEXISTENT",
		    "no such mailbox");
		return -1;
	}
	if (uidvalidity != 0 && uidvalidity != s->box[i].uidvalidity) {
		peer_refuse(m, p, f->id, FAIL_UIDVALIDITY, "",
		    "another UIDVALIDITY");
		return -1;
	}
	return i;
}

static void
put_selected(struct model *m, struct server *s, struct frame *f, int i)
{
	struct box *b = &s->box[i];
	struct msg_selected sel;
	struct ibuf buf;

	memset(&sel, 0, sizeof(sel));
	sel.uidvalidity = b->uidvalidity;
	sel.uidnext = b->uidnext;
	sel.exists = (uint32_t)b->nlive;
	sel.modseq = b->modseq;
	mflags_put(&sel.perm, b->perm, 0);
	if ((s->abilities & AB_STAR) != 0)
		sel.perm.sys |= FLAG_STAR;
	ibuf_init(&buf);
	msg_put_selected(&buf, &sel);
	flags_free(&sel.perm);
	peer_answer(m, (enum peer)s->side, MSG_SELECTED, f->id, &buf);
	ibuf_free(&buf);
	if (chance(m, 1, 2))
		b->shown = b->modseq;
}

/*
 * Others are told in place of those that vanished, as many, so that EXISTS fits
 * the lie.
 */
static void
swap_vanished(struct model *m, const struct box *b, struct uidset *set)
{
	size_t j, at, n = b->nlive;
	int e = 0;

	for (j = 0; j < b->ngone && n > 0; j++) {
		if (!uidset_has(set, b->gone[j].uid))
			continue;
		at = rnd(m, (uint32_t)b->nlive);
		if (uidset_has(set, b->live[at].uid))
			continue;
		e |= uidset_remove_range(set, b->gone[j].uid, b->gone[j].uid);
		e |= uidset_add(set, b->live[at].uid);
		n--;
	}
	if (e != 0)
		fatal("uidset: no memory");
}

/* What QRESYNC reports as VANISHED (RFC 7162 section 3.2.5.1). */
static void
put_vanished(struct model *m, struct server *s, struct frame *f, int i,
    uint64_t since)
{
	struct box *b = &s->box[i];
	struct uidset set = UIDSET_INIT;
	size_t j;
	int e = 0;

	if ((s->abilities & AB_VANISHED_ALL) != 0 && b->uidnext > 1) {
		e |= uidset_add_range(&set, 1, b->uidnext - 1);
		for (j = 0; j < b->nlive; j++)
			e |= uidset_remove_range(&set, b->live[j].uid,
			    b->live[j].uid);
	}
	for (j = 0; j < b->ngone; j++)
		if (b->gone[j].modseq > since)
			e |= uidset_add(&set, b->gone[j].uid);
	if ((s->abilities & AB_VANISHED_NONE) != 0 && chance(m, 1, 2))
		for (j = 0; j < b->ngone; j++)
			if (chance(m, 1, 2))
				e |= uidset_remove_range(&set, b->gone[j].uid,
				    b->gone[j].uid);
	if ((s->abilities & AB_LIAR) != 0 && chance(m, 1, 2))
		swap_vanished(m, b, &set);
	else if ((s->abilities & AB_LIAR) != 0 && chance(m, 1, 2))
		for (j = 0; j < b->nlive; j++)
			if (chance(m, 1, 3))
				e |= uidset_add(&set, b->live[j].uid);
	if (e != 0)
		fatal("uidset: no memory");
	answer_set(m, s, MSG_VANISHED, f->id, &set);
	uidset_free(&set);
}

/* The SELECT of a PULL. */
static enum step
pull_select(struct model *m, struct server *s, struct frame *f,
    const struct msg_pull *p, int i)
{
	struct items it;

	put_selected(m, s, f, i);
	if (p->modseq != 0) {
		put_vanished(m, s, f, i, p->modseq);
		items_begin(&it, m, s, MSG_CHANGED, f->id);
		put_objects(&it, &s->box[i], NULL, p->modseq, ID_NONE);
		items_end(&it);
	}
	if ((p->want & (PULL_UIDS | PULL_META | PULL_ALL)) != 0)
		return STEP_MORE;
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}

static void
put_uids(struct model *m, struct server *s, struct frame *f, int i,
    const struct uidset *in)
{
	struct box *b = &s->box[i];
	struct uidset set = UIDSET_INIT;
	size_t j;

	for (j = 0; j < b->nlive; j++)
		if (uidset_has(in, b->live[j].uid) &&
		    uidset_add(&set, b->live[j].uid) == -1)
			fatal("uidset: no memory");
	answer_set(m, s, MSG_UIDS, f->id, &set);
	uidset_free(&set);
}

static void
put_all(struct model *m, struct server *s, struct frame *f, int i,
    const struct msg_pull *p)
{
	struct uidset all = UIDSET_INIT;

	if ((s->abilities & AB_ESEARCH) == 0 || (p->want & PULL_UIDS) != 0)
		model_fail(m, "PULL of all UIDs in vain");
	if (uidset_add_range(&all, 1, UID_MAX) == -1)
		fatal("uidset: no memory");
	put_uids(m, s, f, i, &all);
	uidset_free(&all);
}

/* RFC 3501: n:* always holds the last message, so a child asks n:MAX. */
enum step
step_pull(struct model *m, struct server *s, struct frame *f)
{
	struct uidset set = UIDSET_INIT;
	struct msg_pull p;
	struct items it;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_pull(&b, &p) == -1) {
		model_fail(m, "PULL cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, p.mailbox, p.uidvalidity)) == -1)
		return STEP_DONE;
	if (f->phase == 0)
		return pull_select(m, s, f, &p, i);
	if (uidset_add_range(&set, p.newfrom == 0 ? 1 : p.newfrom,
	    UID_MAX) == -1)
		fatal("uidset: no memory");
	if ((p.want & PULL_ALL) != 0)
		put_all(m, s, f, i, &p);
	else if ((p.want & PULL_UIDS) != 0)
		put_uids(m, s, f, i, &set);
	if ((p.want & PULL_META) != 0) {
		items_begin(&it, m, s, MSG_MESSAGE, f->id);
		put_objects(&it, &s->box[i], &set, 0,
		    (p.want & PULL_IDENTITY) != 0 ? ID_HEADER : ID_NONE);
		items_end(&it);
	}
	uidset_free(&set);
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}

/* Leave a message out of what is asked for. */
static void
forget(struct model *m, const struct box *b, struct uidset *set)
{
	uint32_t uid;

	if (b->nlive == 0)
		return;
	uid = b->live[rnd(m, (uint32_t)b->nlive)].uid;
	if (uidset_remove_range(set, uid, uid) == -1)
		fatal("uidset: no memory");
}

/* GETFLAGS, GETMETA, IDENTIFY: one FETCH of a set. */
static enum step
fetch(struct model *m, struct server *s, struct frame *f, int withid,
    enum msg_type answer)
{
	struct msg_uids u;
	struct items it;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if ((withid ? msg_get_uidsid(&b, &u) : msg_get_uids(&b, &u)) == -1) {
		model_fail(m, "%s cannot be read", msg_name(f->type));
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, u.mailbox, u.uidvalidity)) != -1) {
		if (f->type == MSG_GETMETA && forgets(m, s))
			forget(m, &s->box[i], &u.set);
		items_begin(&it, m, s, answer, f->id);
		put_objects(&it, &s->box[i], &u.set, 0,
		    withid ? u.id : ID_NONE);
		items_end(&it);
		peer_done(m, (enum peer)s->side, f->id);
	}
	uidset_free(&u.set);
	return STEP_DONE;
}

enum step
step_getflags(struct model *m, struct server *s, struct frame *f)
{
	return fetch(m, s, f, 0, MSG_CHANGED);
}

enum step
step_getmeta(struct model *m, struct server *s, struct frame *f)
{
	return fetch(m, s, f, 1, MSG_MESSAGE);
}

enum step
step_search(struct model *m, struct server *s, struct frame *f)
{
	struct msg_uids u;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_uids(&b, &u) == -1) {
		model_fail(m, "SEARCH cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, u.mailbox, u.uidvalidity)) != -1) {
		put_uids(m, s, f, i, &u.set);
		peer_done(m, (enum peer)s->side, f->id);
	}
	uidset_free(&u.set);
	return STEP_DONE;
}
