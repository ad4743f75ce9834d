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
 * COPY_IN: messages from the body channel are appended (RFC 3501 section
 * 6.3.11, RFC 3502 MULTIAPPEND, RFC 3516 literal8, RFC 4315 APPENDUID).
 *
 * The target need not be selected: the parent saw its UIDVALIDITY in a SELECT
 * before it asked, APPEND names the mailbox, and APPENDUID tells what it was
 * when the message arrived (RFC 4315 section 3).  A SELECT of its own, waited
 * for, would cost a flight and leave the same gap open behind its answer.
 *
 * APPEND is written only when the first body arrives, never earlier: while one
 * is open nothing else can be written to this server, not even the FETCH that
 * the other imapchild's own APPEND waits for.  Once a body arrives, its FETCH
 * was sent, and all of the transfer follows without anybody's help.
 *
 * Nor is it begun while a FETCH of bodies from this server is under way: an
 * APPEND that arrives in the middle of one ends Dovecot 2.3 (it fails an
 * assertion).  A FETCH needs no APPEND to come to its end, since the credit of
 * the parent is what we can hold of its bodies.
 *
 * An octet of a literal that was promised cannot be taken back.  So a source
 * that gives up in the middle of a message ends this connection, and a refused
 * transfer is drained to its end.  A NUL may stand in a literal8 only (RFC 3516
 * section 4.4): one that is found in the middle of a literal ends the
 * connection, too, but the parent is told of which message first.  It is never
 * cut there, nor sent as it is, which some servers would cut.
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"
#include "killpoint.h"

enum copyin_state {
	IN_BETWEEN,			/* a BEGIN, FINISH or ABORT comes */
	IN_BODY,
	IN_OVER
};

struct copyin {
	uint32_t		 transfer;
	uint32_t		 n;
	struct msg_copyitem	*item;
	enum copyin_state	 state;
	struct command		*cmd;	/* the APPEND that is open, or NULL */
	uint64_t		 left;	/* octets of the body to come */
	int			 passing;	/* the body is for nobody */
	int			 literal8;	/* it is sent as one */
	uint32_t		 uid;	/* of the body */
	uint32_t		*sent;	/* UIDs in the order appended */
	uint32_t		 nsent;
};

static void	 append_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls append_calls = {
	.name = "append",
	.done = append_done
};

int
copyin_parse(struct op *op, struct ibuf *buf)
{
	struct msg_copyin	 m;
	struct copyin		*in;

	if (msg_get_copyin(buf, &m) == -1)
		return -1;
	if ((op->arg = in = calloc(1, sizeof(*in))) == NULL ||
	    (in->item = calloc((size_t)m.n + 1, sizeof(*in->item))) == NULL ||
	    (in->sent = calloc((size_t)m.n + 1, sizeof(*in->sent))) == NULL)
		fatal("no memory");
	in->transfer = m.transfer;
	for (in->n = 0; in->n < m.n; in->n++)
		if (msg_get_copyitem(buf, &in->item[in->n]) == -1)
			return -1;
	if (ibuf_done(buf) == -1)
		return -1;
	return op_mailbox(op, m.mailbox, m.uidvalidity);
}

void
copyin_release(struct op *op)
{
	struct copyin	*in = op->arg;
	uint32_t	 i;

	if (in == NULL)
		return;
	for (i = 0; i < in->n; i++)
		flags_free(&in->item[i].flags);
	free(in->item);
	free(in->sent);
	free(in);
}

/* The body channel drives it: nothing to write until a body comes. */
int
copyin_run(struct child *c, struct op *op)
{
	const struct copyin	*in = op->arg;

	return in->state == IN_OVER;
}

struct op *
copyin_current(struct child *c)
{
	struct op		*op;
	const struct copyin	*in;

	TAILQ_FOREACH(op, &c->ops, entry) {
		if (op->req->type != MSG_COPY_IN)
			continue;
		in = op->arg;
		if (in->state != IN_OVER)
			return op;
	}
	return NULL;
}

/* Once there is enough to be written, some of that goes first. */
static int
copyin_room(struct child *c, const struct command *last)
{
	size_t	 n = cmdq_ahead(&c->cmdq, last);

	if (n >= SINK_HIGH)
		c->sinkfull = 1;
	else if (n < SINK_LOW)
		c->sinkfull = 0;
	return !c->sinkfull;
}

/* Whether an APPEND may be begun now. */
static int
copyin_may(struct child *c)
{
	return c->phase == PHASE_READY && c->barrier == NULL &&
	    !copyout_pending(c);
}

int
copyin_wants(struct child *c, struct op *op)
{
	const struct copyin	*in = op->arg;

	if (in->cmd != NULL)
		return copyin_room(c, in->cmd);
	return op->fail.kind != 0 || in->state == IN_BODY ||
	    (copyin_may(c) && copyin_room(c, NULL));
}

static void
append_close(struct copyin *in)
{
	struct command	*cmd = in->cmd;

	in->cmd = NULL;
	if (cmd != NULL)
		cmd_close(cmd);
}

static struct msg_copyitem *
copyin_item(struct copyin *in, uint32_t uid)
{
	uint32_t	 i;

	for (i = 0; i < in->nsent; i++)
		if (in->sent[i] == uid)
			return NULL;
	for (i = 0; i < in->n; i++)
		if (in->item[i].uid == uid)
			return &in->item[i];
	return NULL;
}

/* "(flags) "date" {n}", with a new APPEND before it where one is needed. */
static void
append_head(struct child *c, struct op *op, const struct msg_copyitem *item,
    const struct body_frame *f)
{
	struct copyin	*in = op->arg;
	char		 date[RESP_DATELEN], *flags;

	if (in->cmd == NULL) {
		KILLPOINT("append-before");
		in->cmd = op_command(c, op, &append_calls, 0);
		in->cmd->first = in->nsent;
		cmd_puts(in->cmd, "APPEND ");
		cmd_astring(in->cmd, op->name, op->namelen);
	}
	if ((flags = flags_format(&item->flags)) == NULL)
		fatal("no memory");
	cmd_puts(in->cmd, " ");
	cmd_puts(in->cmd, flags);
	free(flags);
	if (item->date.valid &&
	    resp_date_format(date, sizeof(date), &item->date) == 0)
		cmd_printf(in->cmd, " \"%s\"", date);
	cmd_puts(in->cmd, " ");
	cmd_literal(in->cmd, f->len, in->literal8);
	in->cmd->count++;
	in->sent[in->nsent++] = f->uid;
}

/* The parent learns that this message was not appended, and why. */
static void
copyin_left(struct child *c, struct op *op, uint32_t uid, enum leftout why)
{
	struct msg_leftout	 m;
	struct ibuf		 buf;

	m.uid = uid;
	m.why = (uint8_t)why;
	ibuf_init(&buf);
	msg_put_leftout(&buf, &m);
	event(c, op, MSG_LEFTOUT, &buf);
	ibuf_free(&buf);
}

/* A message begins: append it, or let it pass by if the op has failed. */
static int
copyin_begin(struct child *c, struct op *op, const struct body_frame *f)
{
	struct copyin			*in = op->arg;
	const struct msg_copyitem	*item;

	if ((item = copyin_item(in, f->uid)) == NULL) {
		child_fail(c, FAIL_INTERNAL,
		    "unexpected UID on the body channel");
		return 0;
	}
	if (op->fail.kind == 0 && in->cmd == NULL && !copyin_may(c))
		return 0;
	in->literal8 = f->literal8 || item->binary;
	in->passing = in->literal8 && (c->caps & CAP_BINARY) == 0;
	if (op->fail.kind != 0)
		append_close(in);
	else if (in->passing)
		copyin_left(c, op, f->uid, LEFT_NUL);
	else
		append_head(c, op, item, f);
	in->state = IN_BODY;
	in->left = f->len;
	in->uid = f->uid;
	return 1;
}

static void
copyin_end(struct child *c, struct op *op)
{
	struct copyin	*in = op->arg;

	in->state = IN_BETWEEN;
	if (op->fail.kind != 0 || (c->caps & CAP_MULTIAPPEND) == 0)
		append_close(in);
}

/* What is whole so far stays appended; a body in between breaks the line. */
void
copyin_abort(struct child *c, struct op *op)
{
	struct copyin	*in = op->arg;

	if (in->state == IN_BODY && in->cmd != NULL && !in->passing) {
		child_fail(c, FAIL_ABORTED, "the other side gave up in the middle "
		    "of a message");
		return;
	}
	append_close(in);
	in->state = IN_OVER;
	op_fail(op, FAIL_ABORTED, NULL, "the other side gave up");
}

/* Whether a frame may come in this state. */
static int
copyin_legal(const struct copyin *in, const struct body_frame *f)
{
	if (f->transfer != in->transfer)
		return 0;
	switch (f->type) {
	case BODY_BEGIN:
	case BODY_FINISH:
		return in->state == IN_BETWEEN;
	case BODY_DATA:
		return in->state == IN_BODY && f->len <= in->left;
	case BODY_END:
		return in->state == IN_BODY && in->left == 0;
	default:
		return 1;
	}
}

int
copyin_frame(struct child *c, struct op *op, const struct body_frame *f)
{
	struct copyin	*in = op->arg;

	if (!copyin_legal(in, f)) {
		child_fail(c, FAIL_INTERNAL, "body channel out of step");
		return 0;
	}
	switch (f->type) {
	case BODY_BEGIN:
		return copyin_begin(c, op, f);
	case BODY_DATA:
		in->left -= f->len;
		break;
	case BODY_END:
		copyin_end(c, op);
		break;
	case BODY_FINISH:
		append_close(in);
		in->state = IN_OVER;
		break;
	default:
		copyin_abort(c, op);
		break;
	}
	return 1;
}

void
copyin_data(struct child *c, struct op *op, const uint8_t *p, size_t n)
{
	struct copyin	*in = op->arg;

	if (in->cmd == NULL || in->passing || c->phase == PHASE_OVER)
		return;
	if (!in->literal8 && memchr(p, '\0', n) != NULL) {
		copyin_left(c, op, in->uid, LEFT_NUL);
		child_fail(c, FAIL_NET, "UID %u of the other side, for %.*s, "
		    "holds NUL where none was announced: the connection is "
		    "ended, the message is left out from now on",
		    in->uid, (int)op->namelen, op->name);
		return;
	}
	cmd_octets(in->cmd, p, n);
}

/*
 * The UID of the i-th message of an APPEND, or 0: APPENDUID counts only when
 * it names as many UIDs as were appended, ascending, under the UIDVALIDITY we
 * know (RFC 4315 section 3; the order is that of the APPEND, RFC 3502).
 */
static int
appenduid_fits(const struct op *op, const struct command *cmd,
    const struct resp_status *st)
{
	uint64_t	 count;
	size_t		 i;

	if (st->code != CODE_APPENDUID ||
	    st->uidvalidity != op->uidvalidity)
		return 0;
	for (count = i = 0; i < st->nuids; i++) {
		if (st->uids[i].lo > st->uids[i].hi || st->uids[i].lo == 0 ||
		    (i > 0 && st->uids[i].lo <= st->uids[i - 1].hi))
			return 0;
		count += (uint64_t)st->uids[i].hi - st->uids[i].lo + 1;
	}
	return count == cmd->count;
}

static void
append_report(struct child *c, struct op *op, const struct command *cmd,
    const struct resp_status *st)
{
	const struct copyin	*in = op->arg;
	struct msg_pair		 pair;
	struct ibuf		 buf;
	uint32_t		 i, uid;
	size_t			 at, r;
	int			 fits;

	fits = appenduid_fits(op, cmd, st);
	ibuf_init(&buf);
	ibuf_add_u32(&buf, in->transfer);
	at = msg_list_begin(&buf);
	uid = fits ? st->uids[0].lo : 0;
	for (i = 0, r = 0; i < cmd->count; i++) {
		memset(&pair, 0, sizeof(pair));
		pair.a = in->sent[cmd->first + i];
		pair.b = uid;
		msg_put_pair(&buf, &pair);
		if (fits && uid++ == st->uids[r].hi && ++r < st->nuids)
			uid = st->uids[r].lo;
	}
	msg_list_end(&buf, at, cmd->count);
	event(c, op, MSG_APPENDED, &buf);
	ibuf_free(&buf);
}

static void
append_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	struct copyin	*in = cmd->op->arg;

	KILLPOINT("append-answered");
	if (st->cond == COND_OK && !cmd->closed)
		child_fail(c, FAIL_PROTOCOL, "APPEND answered before its end");
	else if (st->cond == COND_OK)
		append_report(c, cmd->op, cmd, st);
	else {
		if (cmd->count == 1)
			copyin_left(c, cmd->op, in->sent[cmd->first],
			    LEFT_REFUSED);
		op_fail_status(cmd->op, st);
	}
	if (in->cmd == cmd && in->state == IN_BETWEEN)
		append_close(in);
}
