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
 * LIST with subscriptions and states in one command (RFC 5258, RFC 5819).
 * LIST and STATUS responses are joined by name; all are reported when the
 * command is answered OK, since servers differ in how they interleave them.
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

#define LIST_RETURN " RETURN (SUBSCRIBED STATUS (UIDVALIDITY UIDNEXT "	\
	"HIGHESTMODSEQ MESSAGES))"

struct entry {
	char			*name;
	struct msg_mailbox	 m;	/* m.name is not set */
	size_t			 n;
};

struct list {
	struct ibuf	 buf;		/* the request's payload */
	struct entry	*e;
	size_t		 n, size;
	size_t		 next;		/* where a STATUS is looked for first */
};

static void	 list_list(struct child *, struct command *,
		    const struct resp_list *);
static void	 list_status(struct child *, struct command *,
		    const struct resp_statusdata *);

static void	 list_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls list_calls = {
	.name = "list",
	.done = list_done,
	.list = list_list,
	.mailboxstatus = list_status
};

/* list-select-opts goes into parentheses: it must not leave them. */
static int
opts_valid(struct bytes opts)
{
	size_t	 i;

	for (i = 0; i < opts.n; i++)
		if (opts.p[i] < 0x20 || opts.p[i] > 0x7e ||
		    strchr("\"(){%*\\]", opts.p[i]) != NULL)
			return 0;
	return 1;
}

/* Check all of the payload now; keep a copy to write the command from. */
int
list_parse(struct op *op, struct ibuf *buf)
{
	struct msg_list	 m;
	struct bytes	 pattern;
	struct list	*l;
	uint32_t	 i;

	if ((op->arg = l = calloc(1, sizeof(*l))) == NULL)
		fatal("no memory");
	ibuf_init(&l->buf);
	ibuf_add_raw(&l->buf, buf->buf + buf->rpos, ibuf_left(buf));
	if (msg_get_list(buf, &m) == -1 || !opts_valid(m.opts) ||
	    m.npatterns == 0)
		return -1;
	for (i = 0; i < m.npatterns; i++)
		if (msg_get_pattern(buf, &pattern) == -1)
			return -1;
	return ibuf_done(buf);
}

static void
list_empty(struct list *l)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		free(l->e[i].name);
	l->n = l->next = 0;
}

void
list_release(struct op *op)
{
	struct list	*l = op->arg;

	if (l == NULL)
		return;
	list_empty(l);
	free(l->e);
	ibuf_free(&l->buf);
	free(l);
}

size_t
list_plain(const struct op *op)
{
	const struct list	*l = op->arg;
	struct ibuf		 b;
	struct msg_list		 m;
	struct bytes		 pattern;
	uint32_t		 i;
	int			 literal;

	ibuf_from(&b, l->buf.buf, l->buf.wpos);
	if (msg_get_list(&b, &m) == -1)
		return 0;
	literal = cmd_needs_literal(m.ref.p, m.ref.n);
	for (i = 0; i < m.npatterns && !literal; i++)
		literal = msg_get_pattern(&b, &pattern) == -1 ||
		    cmd_needs_literal(pattern.p, pattern.n);
	return literal ? 0 : l->buf.wpos + sizeof(LIST_RETURN);
}

int
list_run(struct child *c, struct op *op)
{
	struct list	*l = op->arg;
	struct command	*cmd;
	struct msg_list	 m;
	struct bytes	 pattern;
	uint32_t	 i;

	if (msg_get_list(&l->buf, &m) == -1)
		fatal("a checked LIST is ill-formed");
	cmd = op_command(c, op, &list_calls, 0);
	cmd_puts(cmd, "LIST ");
	if (m.opts.n > 0) {
		cmd_puts(cmd, "(");
		cmd_put(cmd, m.opts.p, m.opts.n);
		cmd_puts(cmd, ") ");
	}
	cmd_string(cmd, m.ref.p, m.ref.n);
	cmd_puts(cmd, m.npatterns > 1 ? " (" : " ");
	for (i = 0; i < m.npatterns; i++) {
		if (msg_get_pattern(&l->buf, &pattern) == -1)
			fatal("a checked LIST is ill-formed");
		if (i > 0)
			cmd_puts(cmd, " ");
		cmd_string(cmd, pattern.p, pattern.n);
	}
	if (m.npatterns > 1)
		cmd_puts(cmd, ")");
	if (m.status)
		cmd_puts(cmd, LIST_RETURN);
	cmd_close(cmd);
	return 1;
}

static void
list_list(struct child *c, struct command *cmd, const struct resp_list *r)
{
	struct list	*l = cmd->op->arg;
	struct entry	*e;
	size_t		 size;

	if (r->namelen > MAILBOX_NAMEMAX || l->n == LIST_MAX) {
		op_fail(cmd->op, FAIL_PROTOCOL, NULL, "LIST brought %s",
		    l->n == LIST_MAX ? "too many mailboxes" :
		    "a mailbox name that is too long");
		return;
	}
	if (l->n == l->size) {
		size = l->size == 0 ? 64 : 2 * l->size;
		if ((e = recallocarray(l->e, l->size, size, sizeof(*e))) ==
		    NULL)
			fatal("no memory");
		l->e = e;
		l->size = size;
	}
	e = &l->e[l->n];
	if ((e->name = malloc(r->namelen + 1)) == NULL)
		fatal("no memory");
	memcpy(e->name, r->name, r->namelen);
	e->n = r->namelen;
	e->m.delim = r->delim;
	e->m.attrs = r->attrs;
	l->n++;
}

/* Mostly the next one that has no STATUS yet, or the last one listed. */
static struct entry *
list_find(struct list *l, const char *name, size_t n)
{
	struct entry	*e;
	size_t		 i;

	for (i = 0; i < l->n; i++) {
		e = &l->e[(l->next + i) % l->n];
		if (e->n == n && memcmp(e->name, name, n) == 0) {
			l->next = e - l->e + 1;
			return e;
		}
	}
	return NULL;
}

static void
list_status(struct child *c, struct command *cmd,
    const struct resp_statusdata *r)
{
	struct entry	*e;

	e = list_find(cmd->op->arg, r->name, r->namelen);
	if (e == NULL)
		return;
	e->m.has = r->has;
	e->m.uidvalidity = r->uidvalidity;
	e->m.uidnext = r->uidnext;
	e->m.messages = r->messages;
	e->m.modseq = r->modseq;
}

/* Refused together with the login, it is asked again by itself. */
static void
list_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	struct op	*op = cmd->op;
	struct list	*l = op->arg;

	if (op->ahead && op->fail.kind == 0 && ahead_refused(c, st, 1)) {
		list_empty(l);
		l->buf.rpos = 0;
		op->started = 0;
		return;
	}
	op_answer(op, st);
}

void
list_finish(struct child *c, struct op *op)
{
	struct list	*l = op->arg;
	struct ibuf	 buf;
	size_t		 i;

	if (op->fail.kind != 0)
		return;
	ibuf_init(&buf);
	for (i = 0; i < l->n; i++) {
		l->e[i].m.name.p = l->e[i].name;
		l->e[i].m.name.n = l->e[i].n;
		ibuf_reset(&buf);
		msg_put_mailbox(&buf, &l->e[i].m);
		event(c, op, MSG_MAILBOX, &buf);
	}
	ibuf_free(&buf);
}
