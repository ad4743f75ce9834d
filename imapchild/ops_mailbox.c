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
 * Requests that are one plain command: CREATE, DELETE, RENAME, SUBSCRIBE,
 * UNSUBSCRIBE, NOOP, UNSELECT, LOGOUT (RFC 3501 section 6, RFC 3691).
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

struct rename {
	size_t	 n;
	char	 to[MAILBOX_NAMEMAX];
};

static const struct cmd_calls plain_calls = { .name = "plain" };
/* What NOTIFY has the server tell may come before the answer. */
static const struct cmd_calls noop_calls = {
	.name = "noop",
	.list = notify_list,
	.mailboxstatus = notify_status
};
static const struct cmd_calls logout_calls = { .name = "logout" };

int
name_parse(struct op *op, struct ibuf *buf)
{
	struct msg_name	 m;

	if (msg_get_name(buf, &m) == -1)
		return -1;
	return op_mailbox(op, m.name, 0);
}

int
rename_parse(struct op *op, struct ibuf *buf)
{
	struct msg_rename	 m;
	struct rename		*r;

	if (msg_get_rename(buf, &m) == -1 || m.to.n == 0 ||
	    m.to.n > MAILBOX_NAMEMAX)
		return -1;
	if ((op->arg = r = calloc(1, sizeof(*r))) == NULL)
		fatal("no memory");
	memcpy(r->to, m.to.p, m.to.n);
	r->n = m.to.n;
	return op_mailbox(op, m.from, 0);
}

int
none_parse(struct op *op, struct ibuf *buf)
{
	return ibuf_done(buf);
}

void
arg_release(struct op *op)
{
	free(op->arg);
}

static int
plain_run(struct child *c, struct op *op, const char *verb)
{
	struct command	*cmd;

	cmd = op_command(c, op, &plain_calls, 0);
	cmd_puts(cmd, verb);
	if (op->name != NULL) {
		cmd_puts(cmd, " ");
		cmd_astring(cmd, op->name, op->namelen);
	}
	if (op->arg != NULL) {
		struct rename *r = op->arg;

		cmd_puts(cmd, " ");
		cmd_astring(cmd, r->to, r->n);
	}
	cmd_close(cmd);
	return 1;
}

int
create_run(struct child *c, struct op *op)
{
	return plain_run(c, op, "CREATE");
}

/* A mailbox is not deleted or renamed under our own feet. */
int
delete_run(struct child *c, struct op *op)
{
	select_close(c, op);
	return plain_run(c, op, "DELETE");
}

int
rename_run(struct child *c, struct op *op)
{
	select_close(c, op);
	return plain_run(c, op, "RENAME");
}

int
subscribe_run(struct child *c, struct op *op)
{
	return plain_run(c, op, "SUBSCRIBE");
}

int
unsubscribe_run(struct child *c, struct op *op)
{
	return plain_run(c, op, "UNSUBSCRIBE");
}

int
noop_run(struct child *c, struct op *op)
{
	struct command	*cmd;

	cmd = op_command(c, op, &noop_calls, 0);
	cmd_puts(cmd, "NOOP");
	cmd_close(cmd);
	return 1;
}

int
unselect_run(struct child *c, struct op *op)
{
	select_close(c, op);
	return 1;
}

/* It is written, and its answer not waited for: that would cost a flight. */
int
logout_run(struct child *c, struct op *op)
{
	struct command	*cmd;

	if ((cmd = cmd_new(&c->cmdq, &logout_calls)) == NULL)
		fatal("no memory");
	cmd_puts(cmd, "LOGOUT");
	cmd_close(cmd);
	c->phase = PHASE_LOGOUT;
	return 1;
}
