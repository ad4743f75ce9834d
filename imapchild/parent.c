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
 * The parent's side: the table of requests, and the frames that answer them.
 * Called by io.c (frames) and by everything that has something to report.
 */
#include <sys/queue.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

static const struct request requests[] = {
	{ MSG_LIST, 0, list_parse, list_run, list_finish, list_release },
	{ MSG_CREATE, 0, name_parse, create_run, NULL, NULL },
	{ MSG_DELETE, 0, name_parse, delete_run, NULL, NULL },
	{ MSG_RENAME, 0, rename_parse, rename_run, NULL, arg_release },
	{ MSG_SUBSCRIBE, 0, name_parse, subscribe_run, NULL, NULL },
	{ MSG_UNSUBSCRIBE, 0, name_parse, unsubscribe_run, NULL, NULL },
	{ MSG_PULL, 0, pull_parse, pull_run, fetch_finish, arg_release },
	{ MSG_GETFLAGS, 0, uids_parse, getflags_run, fetch_finish,
	    NULL },
	{ MSG_GETMETA, 0, uidsid_parse, getmeta_run, fetch_finish,
	    NULL },
	{ MSG_SEARCH, 0, uids_parse, search_run, fetch_finish, NULL },
	{ MSG_IDENTIFY, 0, uidsid_parse, getmeta_run, fetch_finish,
	    NULL },
	{ MSG_STORE, 0, store_parse, store_run, store_finish, store_release },
	{ MSG_EXPUNGE, REQ_ALWAYS, expunge_parse, expunge_run, expunge_finish,
	    arg_release },
	{ MSG_COPY_IN, REQ_ALWAYS | REQ_OVERTAKES, copyin_parse,
	    copyin_run, NULL, copyin_release },
	{ MSG_COPY_OUT, REQ_OVERTAKES | REQ_ORDERED, copyout_parse,
	    copyout_run, copyout_finish, copyout_release },
	{ MSG_NOOP, 0, none_parse, noop_run, NULL, NULL },
	{ MSG_NOTIFY, 0, notify_parse, notify_run, NULL, notify_release },
	{ MSG_UNSELECT, 0, none_parse, unselect_run, NULL, NULL },
	{ MSG_LOGOUT, REQ_LAST, none_parse, logout_run, NULL, NULL }
};

static const struct request *
request_find(uint16_t type)
{
	size_t	 i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].type == type)
			return &requests[i];
	return NULL;
}

void
parent_frame(struct child *c, struct imsg *m)
{
	const struct request	*req;
	struct op		*op;

	req = request_find(m->type);
	if (req == NULL || m->id == 0 ||
	    msg_check(m->type, MSG_PI, ibuf_left(&m->data)) == -1) {
		child_fail(c, FAIL_INTERNAL, "bad request %s from the parent",
		    msg_name(m->type));
		return;
	}
	op = op_new(req, m->id);
	if (req->parse(op, &m->data) == -1) {
		child_fail(c, FAIL_INTERNAL, "malformed %s from the parent",
		    msg_name(m->type));
		op_free(op);
		return;
	}
	TAILQ_INSERT_TAIL(&c->ops, op, entry);
}

void
event_fail(struct child *c, uint32_t id, const struct failure *f)
{
	struct ibuf	 buf;
	struct msg_fail	 m;

	memset(&m, 0, sizeof(m));
	m.kind = f->kind;
	m.code = bytes_of(f->code);
	m.text = bytes_of(f->text);
	ibuf_init(&buf);
	msg_put_fail(&buf, &m);
	if (imsg_compose(&c->parent, MSG_FAIL, id, &buf) == -1)
		fatal("cannot queue a frame");
	ibuf_free(&buf);
}

void
child_fail(struct child *c, enum fail_kind kind, const char *fmt, ...)
{
	struct failure	 f;
	char		 text[TEXT_MAX];
	va_list		 ap;

	if (c->phase == PHASE_OVER)
		return;
	ahead_broken(c, kind);
	c->phase = PHASE_OVER;
	c->exitcode = 1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memset(&f, 0, sizeof(f));
	failure_set(&f, kind, NULL, text);
	event_fail(c, 0, &f);
	failure_free(&f);
}

/* The mailbox a command works in or names; empty: none. */
static struct bytes
command_mailbox(const struct command *cmd)
{
	struct bytes	 b = { NULL, 0 };

	if (cmd != NULL && cmd->sel != NULL) {
		b.p = cmd->sel->name;
		b.n = cmd->sel->namelen;
	} else if (cmd != NULL && cmd->op != NULL && cmd->op->name != NULL) {
		b.p = cmd->op->name;
		b.n = cmd->op->namelen;
	}
	return b;
}

/* The sink of lib/log.h: lines travel to the parent, who writes them. */
void
child_log(void *arg, enum loglevel level, const char *line)
{
	struct child	*c = arg;
	struct ibuf	 buf;
	struct msg_log	 m;

	memset(&m, 0, sizeof(m));
	m.mailbox = command_mailbox(c->about);
	m.level = level;
	m.text = bytes_of(line);
	if (m.text.n > LOG_TEXTMAX)
		m.text.n = LOG_TEXTMAX;
	ibuf_init(&buf);
	msg_put_log(&buf, &m);
	imsg_compose(&c->parent, MSG_LOG, 0, &buf);
	ibuf_free(&buf);
	if (level == LOG_L_ERROR)	/* fatal() does not come back */
		imsgbuf_flush(&c->parent);
}

void
child_trace(struct child *c, const struct command *cmd, char who,
    const char *line, size_t n)
{
	c->about = cmd;
	log_debug("%c: %.*s", who, (int)n, line);
	c->about = NULL;
}

/* Keep a frame until the SELECT is answered; SELECTED must come first. */
static void
event_hold(struct child *c, struct op *op, uint16_t type,
    const struct ibuf *buf)
{
	struct held	*h;

	if (buf->wpos > HELD_MAX - op->heldsize) {
		child_fail(c, FAIL_PROTOCOL,
		    "SELECT brought more changes than we hold");
		return;
	}
	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("no memory");
	h->type = type;
	ibuf_init(&h->buf);
	ibuf_add_raw(&h->buf, buf->buf, buf->wpos);
	op->heldsize += buf->wpos;
	TAILQ_INSERT_TAIL(&op->held, h, entry);
}

void
event(struct child *c, struct op *op, uint16_t type, const struct ibuf *buf)
{
	if (c->phase == PHASE_OVER)
		return;
	if (op->holding)
		event_hold(c, op, type, buf);
	else if (imsg_compose(&c->parent, type, op->id, buf) == -1)
		fatal("cannot queue a frame");
}

void
event_release(struct child *c, struct op *op, int send)
{
	struct held	*h;

	op->holding = 0;
	while ((h = TAILQ_FIRST(&op->held)) != NULL) {
		TAILQ_REMOVE(&op->held, h, entry);
		if (send)
			event(c, op, h->type, &h->buf);
		ibuf_free(&h->buf);
		free(h);
	}
	op->heldsize = 0;
}

void
event_flush(struct child *c, struct op *op)
{
	struct batch	*b = &op->batch;

	if (b->type == 0)
		return;
	msg_list_end(&b->buf, b->at, b->n);
	event(c, op, b->type, &b->buf);
	ibuf_reset(&b->buf);
	b->type = 0;
}

/* The batch of this type, with room for one more item. */
static struct ibuf *
event_item(struct child *c, struct op *op, uint16_t type)
{
	struct batch	*b = &op->batch;

	if (b->type != type || ibuf_room(&b->buf) < MSG_ITEMMAX)
		event_flush(c, op);
	if (b->type == 0) {
		b->type = type;
		b->at = msg_list_begin(&b->buf);
		b->n = 0;
	}
	b->n++;
	return &b->buf;
}

void
event_changed(struct child *c, struct op *op, const struct resp_fetch *f)
{
	struct msg_changed	 m;

	memset(&m, 0, sizeof(m));
	m.uid = f->uid;
	m.modseq = f->has & FETCH_MODSEQ ? f->modseq : 0;
	m.flags = f->flags;		/* lent */
	msg_put_changed(event_item(c, op, MSG_CHANGED), &m);
}

void
event_message(struct child *c, struct op *op, const struct msg_message *m)
{
	msg_put_message(event_item(c, op, MSG_MESSAGE), m);
}

void
event_ranges(struct child *c, struct op *op, uint16_t type)
{
	struct ibuf	 buf;
	size_t		 pos;

	ibuf_init(&buf);
	pos = 0;
	do {
		ibuf_reset(&buf);
		msg_put_set(&buf, &op->ranges, &pos);
		event(c, op, type, &buf);
	} while (pos < op->ranges.n);
	ibuf_free(&buf);
	uidset_free(&op->ranges);
}
