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
 * The life of a request: queued in the order asked, run when nothing before
 * it stands in its way, answered, and reported with one DONE or FAIL.  Called
 * by parent.c (op_new), loop.c (ops_run, ops_settle), answer.c and the ops.
 */
#include <sys/queue.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "imapchild.h"

struct op *
op_new(const struct request *req, uint32_t id)
{
	struct op	*op;

	if ((op = calloc(1, sizeof(*op))) == NULL)
		fatal("no memory");
	op->id = id;
	op->req = req;
	ibuf_init(&op->batch.buf);
	uidset_init(&op->ranges);
	uidset_init(&op->asked);
	uidset_init(&op->searched);
	TAILQ_INIT(&op->held);
	return op;
}

void
op_free(struct op *op)
{
	struct held	*h;

	if (op == NULL)
		return;
	if (op->req->release != NULL)
		op->req->release(op);
	while ((h = TAILQ_FIRST(&op->held)) != NULL) {
		TAILQ_REMOVE(&op->held, h, entry);
		ibuf_free(&h->buf);
		free(h);
	}
	ibuf_free(&op->batch.buf);
	uidset_free(&op->ranges);
	uidset_free(&op->asked);
	uidset_free(&op->searched);
	digest_free(op->digest);
	selected_unref(op->sel);
	failure_free(&op->fail);
	free(op->name);
	free(op);
}

void
ops_free(struct child *c)
{
	struct op	*op;

	while ((op = TAILQ_FIRST(&c->ops)) != NULL) {
		TAILQ_REMOVE(&c->ops, op, entry);
		op_free(op);
	}
}

int
op_mailbox(struct op *op, struct bytes name, uint32_t uidvalidity)
{
	if (name.n == 0 || name.n > MAILBOX_NAMEMAX)
		return -1;
	if ((op->name = bytes_dup(name)) == NULL)
		fatal("no memory");
	op->namelen = name.n;
	op->uidvalidity = uidvalidity;
	return 0;
}

void
failure_free(struct failure *f)
{
	free(f->code);
	free(f->text);
	memset(f, 0, sizeof(*f));
}

void
failure_set(struct failure *f, enum fail_kind kind, const char *code,
    const char *text)
{
	if (f->kind != 0)
		return;
	f->kind = kind;
	if ((f->code = strndup(code == NULL ? "" : code, TEXT_MAX)) == NULL ||
	    (f->text = strndup(text, TEXT_MAX)) == NULL)
		fatal("no memory");
}

void
op_fail(struct op *op, enum fail_kind kind, const char *code,
    const char *fmt, ...)
{
	char	 text[TEXT_MAX];
	va_list	 ap;

	if (op == NULL || op->fail.kind != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	failure_set(&op->fail, kind, code, text);
}

void
op_fail_status(struct op *op, const struct resp_status *st)
{
	op_fail(op, st->cond == COND_NO ? FAIL_NO : FAIL_BAD, st->codename,
	    "%s", st->text);
}

void
op_answer(struct op *op, const struct resp_status *st)
{
	if (st->cond != COND_OK)
		op_fail_status(op, st);
}

struct command *
op_command(struct child *c, struct op *op, const struct cmd_calls *calls,
    int insel)
{
	struct command	*cmd;

	if ((cmd = cmd_new(&c->cmdq, calls)) == NULL)
		fatal("no memory");
	cmd->op = op;
	op->pending++;
	if (insel)
		cmd->sel = selected_ref(op->sel);
	return cmd;
}

int
op_live(const struct command *cmd)
{
	const struct op		*op = cmd->op;
	const struct selected	*sel = cmd->sel;

	if (op == NULL || op->fail.kind != 0)
		return 0;
	if (sel == NULL)
		return 1;
	return sel->state == SEL_OK && (op->uidvalidity == 0 ||
	    op->uidvalidity == sel->info.uidvalidity);
}

void
op_uidset(struct command *cmd, const struct uidset *set, size_t *pos,
    size_t reserve)
{
	if (cmd_uidset(cmd, set, pos, reserve) == -1)
		fatal("a UID set does not fit into a line");
}

static int
same_mailbox(const struct op *a, const struct op *b)
{
	return a->name != NULL && b->name != NULL &&
	    a->namelen == b->namelen &&
	    memcmp(a->name, b->name, a->namelen) == 0;
}

/* An earlier op that still has commands to write stands before this one. */
static int
op_waits(const struct child *c, const struct op *op)
{
	const struct op	*o;

	if (op->req->flags & REQ_LAST)
		return TAILQ_FIRST(&c->ops) != op;
	if (op->req->flags & REQ_OVERTAKES)
		return 0;
	TAILQ_FOREACH(o, &c->ops, entry) {
		if (o == op)
			break;
		if (!o->started && same_mailbox(o, op))
			return 1;
	}
	return 0;
}

void
ops_run(struct child *c)
{
	struct op	*op;

	if (c->phase != PHASE_READY && !c->ahead)
		return;
	TAILQ_FOREACH(op, &c->ops, entry) {
		if (c->barrier != NULL)
			return;
		if (op->started || op_waits(c, op))
			continue;
		if (!ahead_may(c, op))
			return;
		session_enable(c);
		compress_first(c);
		op->ahead = c->phase != PHASE_READY;
		if (op->fail.kind != 0 && !(op->req->flags & REQ_ALWAYS))
			op->started = 1;
		else
			op->started = op->req->run(c, op);
	}
}

/* All is written and answered: the last events, then DONE or FAIL. */
static void
op_report(struct child *c, struct op *op)
{
	if (op->req->finish != NULL)
		op->req->finish(c, op);
	if (op->holding)
		event_release(c, op, op->fail.kind == 0);
	event_flush(c, op);
	if (op->fail.kind != 0)
		event_fail(c, op->id, &op->fail);
	else if (imsg_compose(&c->parent, MSG_DONE, op->id, NULL) == -1)
		fatal("cannot queue a frame");
}

/* What it leaves on the body channel comes behind what an earlier one does. */
static int
op_outruns(const struct child *c, const struct op *op)
{
	const struct op	*o;

	if ((op->req->flags & REQ_ORDERED) == 0)
		return 0;
	TAILQ_FOREACH(o, &c->ops, entry) {
		if (o == op)
			break;
		if (o->req == op->req)
			return 1;
	}
	return 0;
}

int
ops_settle(struct child *c)
{
	struct op	*op, *next;
	int		 settled;

	settled = 0;
	if (c->phase == PHASE_LOGIN)
		return 0;		/* READY comes first */
	for (op = TAILQ_FIRST(&c->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, entry);
		if (!op->started || op->pending > 0 ||
		    c->phase == PHASE_OVER || op_outruns(c, op))
			continue;
		op_report(c, op);
		TAILQ_REMOVE(&c->ops, op, entry);
		op_free(op);
		settled = 1;
	}
	return settled;
}
