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
 * COPY_OUT and COPY_IN.  The bodies pass through struct server.inbound, the
 * model's body channel: one transfer after the other in a direction, ended
 * by FINISH or ABORT.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct arrival { uint32_t uid, content, given; };

struct copyin {				/* progress of a COPY_IN */
	struct arrival	*a;		/* in the order of arrival */
	uint32_t	 n, appended, refused;
};

void
copyin_free(struct copyin *in)
{
	if (in == NULL)
		return;
	free(in->a);
	free(in);
}

static void
body_push(struct server *to, enum body kind, uint32_t transfer, uint32_t uid,
    uint32_t content)
{
	struct bodyframe *bf;
	size_t i;

	for (i = 0; i < to->ndrop; i++)
		if (to->drop[i] == transfer) {
			if (kind != BODY_MESSAGE)
				to->drop[i] = to->drop[--to->ndrop];
			return;
		}
	bf = xrealloc(NULL, 1, sizeof(*bf));
	bf->kind = kind;
	bf->transfer = transfer;
	bf->uid = uid;
	bf->content = content;
	STAILQ_INSERT_TAIL(&to->inbound, bf, entry);
}

/* The COPY_IN was refused: its bodies, here or still to come, are read away. */
static void
body_drop(struct model *m, struct server *s, uint32_t transfer)
{
	struct bodyframe *bf;
	int last;

	while ((bf = STAILQ_FIRST(&s->inbound)) != NULL &&
	    bf->transfer == transfer) {
		STAILQ_REMOVE_HEAD(&s->inbound, entry);
		last = bf->kind != BODY_MESSAGE;
		free(bf);
		if (last)
			return;
	}
	if (s->ndrop == sizeof(s->drop) / sizeof(s->drop[0]))
		model_fail(m, "too many refused transfers at once");
	else
		s->drop[s->ndrop++] = transfer;
}

static int
copyin_head(struct frame *f, struct ibuf *b, struct msg_copyin *in)
{
	ibuf_from(b, f->data, f->len);
	return msg_get_copyin(b, in);
}

int
copyin_ready(struct model *m, struct server *s, struct frame *f)
{
	struct bodyframe *bf = STAILQ_FIRST(&s->inbound);
	struct msg_copyin in;
	struct ibuf b;

	if (copyin_head(f, &b, &in) == -1)
		return 1;		/* the step says so */
	return f->phase == 0 || (bf != NULL && bf->transfer == in.transfer);
}

int
frame_box(const struct server *s, const struct frame *f)
{
	struct bytes name;
	struct ibuf b;

	if (f->type < MSG_PULL || f->type > MSG_COPY_OUT)
		return -1;
	ibuf_from(&b, f->data, f->len);
	if (f->type == MSG_COPY_IN || f->type == MSG_COPY_OUT)
		ibuf_get_u32(&b);
	name = ibuf_get_bytes(&b, MAILBOX_NAMEMAX);
	return ibuf_ok(&b) ? box_index(s, name) : -1;
}

/* What COPY_IN says of the message with this source UID. */
static int
copyin_item(struct model *m, struct frame *f, uint32_t uid,
    struct msg_copyitem *it)
{
	struct msg_copyin in;
	struct ibuf b;
	uint32_t i;

	if (copyin_head(f, &b, &in) == -1)
		return -1;
	for (i = 0; i < in.n; i++) {
		if (msg_get_copyitem(&b, it) == -1)
			return -1;
		if (it->uid == uid)
			return 0;
		flags_free(&it->flags);
	}
	return -1;
}

/* APPEND one message; 0 when the server refuses it. */
static int
append(struct model *m, struct server *s, struct frame *f, int i,
    struct arrival *a)
{
	struct box *b = &s->box[i];
	struct msg_copyitem it;
	uint64_t shown = b->shown;
	mflags fl;

	if (copyin_item(m, f, a->uid, &it) == -1) {
		model_fail(m, "a body that COPY_IN did not name: %u", a->uid);
		return 0;
	}
	fl = mflags_get(m, &it.flags);
	flags_free(&it.flags);
	if (it.date.valid && it.date.time != m->content[a->content].date)
		model_fail(m, "another date for %u", a->uid);
	judge_flags(m, s->side, i, a->content, 0, fl);
	a->given = box_append(m, s, i, a->content, fl);
	if ((s->abilities & AB_LATE) != 0)
		b->shown = shown;
	m->stats.copies++;
	return 1;
}

static int
unwanted(struct model *m, const struct server *s, const struct arrival *a)
{
	return (s->abilities & AB_REFUSE) != 0 && m->content[a->content].large;
}

static void
append_all(struct model *m, struct server *s, struct frame *f, int i)
{
	struct copyin *in = f->in;
	uint32_t j;

	for (j = 0; j < in->n; j++)
		if (unwanted(m, s, &in->a[j]))
			in->refused = 1;
	for (j = 0; j < in->n && !in->refused; j++)
		in->appended += (uint32_t)append(m, s, f, i, &in->a[j]);
}

static void
arrive(struct model *m, struct server *s, struct frame *f, int i,
    const struct bodyframe *bf)
{
	struct copyin *in = f->in;
	struct arrival *a;

	in->a = xrealloc(in->a, in->n + 1, sizeof(*in->a));
	a = &in->a[in->n];
	a->uid = bf->uid;
	a->content = bf->content;
	a->given = 0;
	if ((s->abilities & AB_MULTIAPPEND) == 0) {
		if (unwanted(m, s, a)) {
			in->refused = 1;
			return;
		}
		in->appended += (uint32_t)append(m, s, f, i, a);
	}
	in->n++;
}

static void
put_appended(struct model *m, struct server *s, struct frame *f,
    uint32_t transfer)
{
	struct copyin *in = f->in;
	struct msg_pair pair;
	struct ibuf b;
	size_t at;
	uint32_t j;

	if (in->appended == 0)
		return;
	ibuf_init(&b);
	ibuf_add_u32(&b, transfer);
	at = msg_list_begin(&b);
	for (j = 0; j < in->appended; j++) {
		memset(&pair, 0, sizeof(pair));
		pair.a = in->a[j].uid;
		pair.b = (s->abilities & AB_APPENDUID) != 0 ?
		    in->a[j].given : 0;
		msg_put_pair(&b, &pair);
	}
	msg_list_end(&b, at, in->appended);
	peer_answer(m, (enum peer)s->side, MSG_APPENDED, f->id, &b);
	ibuf_free(&b);
}

/* The transfer came to its end. */
static enum step
copyin_end(struct model *m, struct server *s, struct frame *f, int i,
    const struct msg_copyin *in, enum body kind)
{
	enum peer p = (enum peer)s->side;

	if (kind == BODY_FINISH && (s->abilities & AB_MULTIAPPEND) != 0)
		append_all(m, s, f, i);
	put_appended(m, s, f, in->transfer);
	if (kind == BODY_ABORT)
		peer_refuse(m, p, f->id, FAIL_ABORTED, "", "aborted");
	else if (f->in->refused)
		peer_refuse(m, p, f->id, FAIL_NO, "TOOBIG", "too large");
	else
		peer_done(m, p, f->id);
	return STEP_DONE;
}

enum step
step_copyin(struct model *m, struct server *s, struct frame *f)
{
	struct msg_copyin in;
	struct bodyframe *bf;
	enum step step = STEP_MORE;
	struct ibuf b;
	int i;

	if (copyin_head(f, &b, &in) == -1) {
		model_fail(m, "COPY_IN cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, in.mailbox, in.uidvalidity)) == -1) {
		body_drop(m, s, in.transfer);
		return STEP_DONE;
	}
	if (f->in == NULL) {
		f->in = xrealloc(NULL, 1, sizeof(*f->in));
		memset(f->in, 0, sizeof(*f->in));
		return STEP_MORE;
	}
	bf = STAILQ_FIRST(&s->inbound);
	STAILQ_REMOVE_HEAD(&s->inbound, entry);
	if (bf->kind != BODY_MESSAGE)
		step = copyin_end(m, s, f, i, &in, bf->kind);
	else
		arrive(m, s, f, i, bf);
	free(bf);
	return step;
}

static void
left_out(struct model *m, struct server *s, struct frame *f, uint32_t uid,
    uint8_t why)
{
	struct msg_leftout l;
	struct ibuf b;

	l.uid = uid;
	l.why = why;
	ibuf_init(&b);
	msg_put_leftout(&b, &l);
	peer_answer(m, (enum peer)s->side, MSG_LEFTOUT, f->id, &b);
	ibuf_free(&b);
}

/* Send the next message; 0 when all were sent. */
static int
copyout_next(struct model *m, struct server *s, struct frame *f, int i,
    const struct msg_copyout *out)
{
	struct object *o;
	struct uiditer it;
	uint32_t uid = 0;
	int n;

	uiditer_init(&it, &out->set);
	for (n = 0; n < f->phase; n++)
		if ((uid = uiditer_next(&it)) == 0)
			break;
	if (n < f->phase)
		return 0;
	if ((o = box_find(&s->box[i], uid)) == NULL || forgets(m, s))
		left_out(m, s, f, uid, LEFT_VANISHED);
	else if (m->content[o->content].empty)
		left_out(m, s, f, uid, LEFT_EMPTY);
	else
		body_push(&m->server[OTHER(s->side)], BODY_MESSAGE,
		    out->transfer, uid, o->content);
	return 1;
}

enum step
step_copyout(struct model *m, struct server *s, struct frame *f)
{
	struct server *to = &m->server[OTHER(s->side)];
	struct msg_copyout out;
	enum step step = STEP_MORE;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_copyout(&b, &out) == -1) {
		model_fail(m, "COPY_OUT cannot be read");
		return STEP_DONE;
	}
	if ((i = open_box(m, s, f, out.mailbox, out.uidvalidity)) == -1) {
		body_push(to, BODY_ABORT, out.transfer, 0, 0);
		step = STEP_DONE;
	} else if (f->phase > 0 && !copyout_next(m, s, f, i, &out)) {
		body_push(to, BODY_FINISH, out.transfer, 0, 0);
		peer_done(m, (enum peer)s->side, f->id);
		step = STEP_DONE;
	}
	uidset_free(&out.set);
	return step;
}
