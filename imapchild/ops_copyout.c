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
 * COPY_OUT: the bodies of messages go from the server into the body channel as
 * they arrive (RFC 3501 section 6.4.5; always BODY.PEEK[], since BINARY
 * rewrites mail).  When the queue is full, body_data takes nothing and the
 * server is not read until there is room: the only thing that may stop reading
 * it.  BODY_CREDIT octets are always taken.
 *
 * On the channel transfers come one after the other.  A server may answer a
 * later FETCH while an earlier one is under way: its bodies wait in the op.
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

#define COPY_ITEMS	" (UID RFC822.SIZE BODY.PEEK[])"

struct copyout {
	uint32_t	 transfer;
	struct uidset	 empty;		/* 0 octets, and RFC822.SIZE agrees */
	struct uidset	 nil;		/* the server could not read them */
	uint32_t	 only;		/* the UID asked for; 0: several */
	uint32_t	 uid;		/* of the body at hand; 0: dropped */
	struct bodybuf	 early;		/* frames before our turn */
};

static void	 out_begin(struct child *, struct command *,
		    const struct resp_fetch *, int);
static ssize_t	 out_data(struct child *, struct command *, const char *,
		    size_t);
static void	 out_end(struct child *, struct command *);
static void	 out_fetch(struct child *, struct command *,
		    const struct resp_fetch *);

static const struct cmd_calls copyout_calls = {
	.name = "copyout",
	.fetch = out_fetch,
	.body_begin = out_begin,
	.body_data = out_data,
	.body_end = out_end
};

int
copyout_parse(struct op *op, struct ibuf *buf)
{
	struct msg_copyout	 m;
	struct copyout		*o;

	if (msg_get_copyout(buf, &m) == -1)
		return -1;
	if ((op->arg = o = calloc(1, sizeof(*o))) == NULL)
		fatal("no memory");
	o->transfer = m.transfer;
	op->asked = m.set;
	if (uidset_count(&m.set) == 1)
		o->only = uidset_min(&m.set);
	return op_mailbox(op, m.mailbox, m.uidvalidity);
}

void
copyout_release(struct op *op)
{
	struct copyout	*o = op->arg;

	if (o == NULL)
		return;
	uidset_free(&o->empty);
	uidset_free(&o->nil);
	if (o->early.pool != NULL)
		bodybuf_free(&o->early);
	free(o);
}

int
copyout_run(struct child *c, struct op *op)
{
	struct command	*cmd;
	size_t		 pos;

	if (select_mailbox(c, op) == -1)
		return 1;
	for (pos = 0; pos < op->asked.n; ) {
		cmd = op_command(c, op, &copyout_calls, 1);
		cmd_puts(cmd, "UID FETCH ");
		op_uidset(cmd, &op->asked, &pos, sizeof(COPY_ITEMS));
		cmd_puts(cmd, COPY_ITEMS);
		cmd_close(cmd);
	}
	return 1;
}

/* The oldest COPY_OUT, or the oldest behind this one: the channel is its. */
static struct op *
out_first(struct child *c, struct op *after)
{
	struct op	*op;

	op = after == NULL ? TAILQ_FIRST(&c->ops) : TAILQ_NEXT(after, entry);
	while (op != NULL && op->req->type != MSG_COPY_OUT)
		op = TAILQ_NEXT(op, entry);
	return op;
}

int
copyout_pending(struct child *c)
{
	return out_first(c, NULL) != NULL;
}

/*
 * Bodies that go one way only may wait in the server, which then takes no
 * memory here.  Where messages are to be appended to the same server it must be
 * read to the end, or it might never come to read these.
 */
void
copyout_limit(struct child *c)
{
	c->bodyout.limit = copyin_current(c) == NULL ? BODY_LAZY : 0;
}

static struct bodybuf *
out_buf(struct child *c, struct op *op)
{
	struct copyout	*o = op->arg;

	if (out_first(c, NULL) == op)
		return &c->bodyout;
	if (o->early.pool == NULL)
		bodybuf_init(&o->early, &c->bodypool);
	return &o->early;
}

/* One frame into the queue; when the other end is gone, nowhere. */
static void
out_frame(struct child *c, struct op *op, enum body_type type,
    struct body_frame *f, const void *data)
{
	struct copyout	*o = op->arg;

	f->type = type;
	f->transfer = o->transfer;
	f->uid = o->uid;
	if (c->bodyfd == -1)
		op_fail(op, FAIL_ABORTED, NULL, "the other side is gone");
	else if (bodybuf_put(out_buf(c, op), f, data) == -1)
		fatal("the body channel's buffer is full");
}

/* Which message a body belongs to; 0 when nobody can tell. */
static uint32_t
out_uid(struct op *op, const struct resp_fetch *f)
{
	const struct copyout	*o = op->arg;

	if (f->has & FETCH_UID)
		return uidset_has(&op->asked, f->uid) ? f->uid : 0;
	if (o->only != 0 && uidset_has(&op->asked, o->only))
		return o->only;
	op_fail(op, FAIL_PROTOCOL, NULL, "FETCH sends a body before its UID");
	return 0;
}

static void
out_begin(struct child *c, struct command *cmd, const struct resp_fetch *f,
    int literal8)
{
	struct copyout		*o = cmd->op->arg;
	struct body_frame	 frame;

	o->uid = 0;
	if (!op_live(cmd) || f->bodylen == 0 ||
	    (o->uid = out_uid(cmd->op, f)) == 0)
		return;
	memset(&frame, 0, sizeof(frame));
	frame.literal8 = literal8;
	frame.len = f->bodylen;
	out_frame(c, cmd->op, BODY_BEGIN, &frame, NULL);
}

static ssize_t
out_data(struct child *c, struct command *cmd, const char *p, size_t n)
{
	struct copyout		*o = cmd->op->arg;
	struct body_frame	 frame;
	size_t			 room;

	if (o->uid == 0 || c->bodyfd == -1)
		return n;
	room = bodybuf_room(out_buf(c, cmd->op));
	if (room < n && room < BODY_PIECE && out_first(c, NULL) == cmd->op)
		return 0;
	if (room == 0) {	/* to wait for our turn would be for ever */
		child_fail(c, FAIL_PROTOCOL, "FETCHes answered out of order, "
		    "with more than was asked for");
		return 0;
	}
	if (n > room)
		n = room;
	memset(&frame, 0, sizeof(frame));
	frame.len = n;
	out_frame(c, cmd->op, BODY_DATA, &frame, p);
	return n;
}

static void
out_end(struct child *c, struct command *cmd)
{
	struct copyout		*o = cmd->op->arg;
	struct body_frame	 frame;

	if (o->uid == 0)
		return;
	memset(&frame, 0, sizeof(frame));
	out_frame(c, cmd->op, BODY_END, &frame, NULL);
	if (uidset_remove_range(&cmd->op->asked, o->uid, o->uid) == -1)
		fatal("no memory");
	o->uid = 0;
}

/* What came without octets: empty only if RFC822.SIZE says so, too. */
static void
out_fetch(struct child *c, struct command *cmd, const struct resp_fetch *f)
{
	struct op	*op = cmd->op;
	struct copyout	*o = op->arg;
	struct uidset	*set;

	if (!op_live(cmd) || (f->has & (FETCH_BODY | FETCH_NIL)) == 0 ||
	    (f->has & FETCH_UID) == 0 || !uidset_has(&op->asked, f->uid) ||
	    (f->has & FETCH_BODY && f->bodylen > 0))
		return;
	set = f->has & FETCH_BODY && f->bodylen == 0 && f->has & FETCH_SIZE &&
	    f->size == 0 ? &o->empty : &o->nil;
	if (uidset_add(set, f->uid) == -1 ||
	    uidset_remove_range(&op->asked, f->uid, f->uid) == -1)
		fatal("no memory");
}

static void
out_left(struct child *c, struct op *op, const struct uidset *set,
    enum leftout why)
{
	struct msg_leftout	 m;
	struct uiditer		 it;
	struct ibuf		 buf;

	ibuf_init(&buf);
	uiditer_init(&it, set);
	while ((m.uid = uiditer_next(&it)) != 0) {
		m.why = why;
		ibuf_reset(&buf);
		msg_put_leftout(&buf, &m);
		event(c, op, MSG_LEFTOUT, &buf);
	}
	ibuf_free(&buf);
}

/* Only now is it known that the FETCH said OK. */
void
copyout_finish(struct child *c, struct op *op)
{
	struct copyout		*o = op->arg;
	struct body_frame	 frame;
	struct op		*next;

	o->uid = 0;
	memset(&frame, 0, sizeof(frame));
	if (op->fail.kind == 0) {
		out_left(c, op, &o->empty, LEFT_EMPTY);
		out_left(c, op, &o->nil, LEFT_NIL);
		out_left(c, op, &op->asked, LEFT_VANISHED);
		out_frame(c, op, BODY_FINISH, &frame, NULL);
	} else
		out_frame(c, op, BODY_ABORT, &frame, NULL);
	if ((next = out_first(c, op)) != NULL && next->arg != NULL) {
		o = next->arg;
		bodybuf_join(&c->bodyout, &o->early);
	}
}
