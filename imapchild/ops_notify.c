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
 * NOTIFY (RFC 5465): the server tells by itself what changes, while the parent
 * waits.  Nothing is selected then, so that it tells of all mailboxes in the
 * same way, by LIST and STATUS; each goes on to the parent as it is, who knows
 * what is new.  Before the parent asks for anything but NOOP and the LIST it
 * only compares, it ends this, since a LIST that was told and one that was
 * asked for look the same; and Dovecot 2.3 tells nothing any more after a
 * second NOTIFY SET without NOTIFY NONE before it.
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

#define EVENTS_MESSAGE	"MessageNew MessageExpunge FlagChange"
#define EVENTS_NAME	"MailboxName SubscriptionChange"

static void	 notify_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls notify_calls = {
	.name = "notify",
	.done = notify_done,
	.list = notify_list,
	.mailboxstatus = notify_status
};

/* Check all of the payload now; keep a copy to write the command from. */
int
notify_parse(struct op *op, struct ibuf *buf)
{
	struct msg_notify	 m;
	struct bytes		 name;
	struct ibuf		*copy;
	uint32_t		 i;

	if ((op->arg = copy = calloc(1, sizeof(*copy))) == NULL)
		fatal("no memory");
	ibuf_init(copy);
	ibuf_add_raw(copy, buf->buf + buf->rpos, ibuf_left(buf));
	if (msg_get_notify(buf, &m) == -1 ||
	    (m.n > 0 && m.mode != NOTIFY_NAMES))
		return -1;
	for (i = 0; i < m.n; i++)
		if (msg_get_pattern(buf, &name) == -1 || name.n == 0)
			return -1;
	return ibuf_done(buf);
}

void
notify_release(struct op *op)
{
	if (op->arg != NULL)
		ibuf_free(op->arg);
	free(op->arg);
}

/* RFC 5465 section 8: a mailbox, or several in parentheses. */
static void
notify_names(struct command *cmd, struct ibuf *names, uint32_t n)
{
	struct bytes	 name;
	uint32_t	 i;

	if (n == 0)
		return;
	cmd_puts(cmd, "(mailboxes (");
	for (i = 0; i < n; i++) {
		if (msg_get_pattern(names, &name) == -1)
			fatal("a checked NOTIFY is ill-formed");
		if (i > 0)
			cmd_puts(cmd, " ");
		cmd_astring(cmd, name.p, name.n);
	}
	cmd_puts(cmd, ") (" EVENTS_MESSAGE ")) ");
}

int
notify_run(struct child *c, struct op *op)
{
	struct command		*cmd;
	struct msg_notify	 m;

	if (msg_get_notify(op->arg, &m) == -1)
		fatal("a checked NOTIFY is ill-formed");
	if (m.mode != NOTIFY_NONE)
		select_close(c, op);
	c->watching = m.mode != NOTIFY_NONE;
	c->told = 0;
	cmd = op_command(c, op, &notify_calls, 0);
	if (m.mode == NOTIFY_NONE)
		cmd_puts(cmd, "NOTIFY NONE");
	else {
		cmd_puts(cmd, "NOTIFY SET ");
		notify_names(cmd, op->arg, m.n);
		cmd_puts(cmd, m.mode == NOTIFY_PERSONAL ? "(personal ("
		    EVENTS_MESSAGE " " EVENTS_NAME "))" :
		    "(personal (" EVENTS_NAME "))");
	}
	cmd_close(cmd);
	return 1;
}

static void
notify_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	if (st->cond == COND_OK)
		return;
	c->watching = 0;
	op_fail(cmd->op, st->cond == COND_NO ? FAIL_NO : FAIL_BAD,
	    st->codename, "NOTIFY refused: %s; allow it on the server, or use "
	    "--watch without --notify",
	    st->text);
}

/*
 * The parent's queue must not grow with what a server tells unasked: after
 * TOLD_MAX the parent learns that there was more.
 */
static void
notify_tell(struct child *c, const struct msg_mailbox *m)
{
	struct msg_mailbox	 all;
	struct ibuf		 buf;

	if (!c->watching || c->phase == PHASE_OVER)
		return;
	if (m == NULL || c->told++ == TOLD_MAX) {
		memset(&all, 0, sizeof(all));
		m = &all;
		c->watching = 0;
	}
	ibuf_init(&buf);
	msg_put_mailbox(&buf, m);
	if (imsg_compose(&c->parent, MSG_MAILBOX, 0, &buf) == -1)
		fatal("cannot queue a frame");
	ibuf_free(&buf);
}

void
notify_list(struct child *c, struct command *cmd, const struct resp_list *r)
{
	struct msg_mailbox	 m;

	if (r->namelen == 0 || r->namelen > MAILBOX_NAMEMAX)
		return;
	memset(&m, 0, sizeof(m));
	m.name.p = r->name;
	m.name.n = r->namelen;
	m.delim = r->delim;
	m.attrs = r->attrs;
	notify_tell(c, &m);
}

void
notify_status(struct child *c, struct command *cmd,
    const struct resp_statusdata *r)
{
	struct msg_mailbox	 m;

	if (r->has == 0 || r->namelen == 0 || r->namelen > MAILBOX_NAMEMAX)
		return;
	memset(&m, 0, sizeof(m));
	m.name.p = r->name;
	m.name.n = r->namelen;
	m.has = r->has;
	m.uidvalidity = r->uidvalidity;
	m.uidnext = r->uidnext;
	m.messages = r->messages;
	m.modseq = r->modseq;
	notify_tell(c, &m);
}

/* RFC 5465 section 5.8: as if NOTIFY NONE had been sent. */
void
notify_overflow(struct child *c)
{
	notify_tell(c, NULL);
}
