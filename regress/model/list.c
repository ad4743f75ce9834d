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
 * LIST and what makes mailboxes, as an imapchild answers it.
 */
#include <string.h>

#include "model.h"

static int
refused(struct model *m, struct server *s, struct frame *f)
{
	if ((s->abilities & AB_FLAKY) == 0 || !m->during ||
	    !chance(m, 1, 60))
		return 0;
	peer_refuse(m, (enum peer)s->side, f->id, FAIL_NO, "INUSE",
	    "try again later");
	return 1;
}

/* The name on this server's wire. */
static size_t
wire_name(const struct server *s, int i, char *buf, size_t size)
{
	size_t j, n = box_names[i].n;

	for (j = 0; j < n && j < size; j++)
		buf[j] = box_names[i].p[j] == '\0' ? s->delim :
		    box_names[i].p[j];
	return n;
}

static void
list_box(struct model *m, struct server *s, struct frame *f, int i)
{
	struct msg_mailbox mb;
	struct box *b = &s->box[i];
	struct ibuf buf;
	char name[64];

	memset(&mb, 0, sizeof(mb));
	mb.name.p = name;
	mb.name.n = wire_name(s, i, name, sizeof(name));
	mb.delim = (uint8_t)s->delim;
	if (b->subscribed)
		mb.attrs |= ATTR_SUBSCRIBED;
	if (b->exists) {
		mb.has = STATUS_UIDVALIDITY | STATUS_UIDNEXT | STATUS_MODSEQ |
		    STATUS_MESSAGES;
		mb.uidvalidity = b->uidvalidity;
		mb.uidnext = b->uidnext;
		mb.modseq = b->shown;
		mb.messages = (uint32_t)b->nlive;
	} else
		mb.attrs |= ATTR_NONEXISTENT;
	ibuf_init(&buf);
	msg_put_mailbox(&buf, &mb);
	peer_answer(m, (enum peer)s->side, MSG_MAILBOX, f->id, &buf);
	ibuf_free(&buf);
}

/* LIST "" "": the delimiter of the root. */
static void
list_root(struct model *m, struct server *s, struct frame *f)
{
	struct msg_mailbox mb;
	struct ibuf buf;

	memset(&mb, 0, sizeof(mb));
	mb.name = bytes_of("");
	mb.delim = (uint8_t)s->delim;
	mb.attrs = ATTR_NOSELECT;
	ibuf_init(&buf);
	msg_put_mailbox(&buf, &mb);
	peer_answer(m, (enum peer)s->side, MSG_MAILBOX, f->id, &buf);
	ibuf_free(&buf);
}

/* \Noselect parents are listed where a child exists without them. */
static int
listed(const struct server *s, int i)
{
	return s->box[i].exists || s->box[i].subscribed;
}

enum step
step_list(struct model *m, struct server *s, struct frame *f)
{
	struct msg_list l;
	struct bytes pattern;
	struct ibuf b;
	uint32_t n;
	int i, all = 0;

	if (refused(m, s, f))
		return STEP_DONE;
	ibuf_from(&b, f->data, f->len);
	if (msg_get_list(&b, &l) == -1) {
		model_fail(m, "LIST cannot be read");
		return STEP_DONE;
	}
	for (n = 0; n < l.npatterns; n++) {
		if (msg_get_pattern(&b, &pattern) == -1)
			model_fail(m, "a pattern of LIST cannot be read");
		else if (bytes_eq(pattern, bytes_of("*")))
			all = 1;
		else if (pattern.n == 0)
			list_root(m, s, f);
		else if ((i = box_index(s, pattern)) == -1)
			model_fail(m, "LIST of a mailbox nobody named");
		else if (listed(s, i))
			list_box(m, s, f, i);
	}
	for (i = 0; i < NBOXES && all; i++)
		if (l.opts.n == 0 ? listed(s, i) : s->box[i].subscribed)
			list_box(m, s, f, i);
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}

/* Which of the known mailboxes a CREATE or SUBSCRIBE names; -1 on error. */
static int
named(struct model *m, struct server *s, struct frame *f)
{
	struct msg_name name;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_name(&b, &name) == -1) {
		model_fail(m, "%s cannot be read", msg_name(f->type));
		return -1;
	}
	if ((i = box_index(s, name.name)) == -1)
		model_fail(m, "%s of a mailbox nobody named",
		    msg_name(f->type));
	return i;
}

enum step
step_create(struct model *m, struct server *s, struct frame *f)
{
	int i;

	if (refused(m, s, f) || (i = named(m, s, f)) == -1)
		return STEP_DONE;
	if (s->box[i].exists) {
		peer_refuse(m, (enum peer)s->side, f->id, FAIL_NO,
		    "ALREADYEXISTS", "mailbox exists");
		return STEP_DONE;
	}
	box_create(m, s, i);
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}

enum step
step_subscribe(struct model *m, struct server *s, struct frame *f)
{
	int i;

	if (refused(m, s, f) || (i = named(m, s, f)) == -1)
		return STEP_DONE;
	if (s->box[i].exists)
		judge_subscribe(m, i, f->type == MSG_SUBSCRIBE);
	s->box[i].subscribed = f->type == MSG_SUBSCRIBE;
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}

enum step
step_noop(struct model *m, struct server *s, struct frame *f)
{
	peer_done(m, (enum peer)s->side, f->id);
	return STEP_DONE;
}
