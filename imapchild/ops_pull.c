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
 * PULL: select a mailbox anew and tell what changed since (RFC 7162 section
 * 3.2.5), then look at its new messages (ops_fetch.c).
 *
 * QRESYNC data comes before the answer to SELECT, which tells whether it is
 * about the right mailbox at all; so it is held until then, and SELECTED is
 * always the first event.
 */
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

static void	 pull_fetch(struct child *, struct command *,
		    const struct resp_fetch *);
static void	 pull_range(struct child *, struct command *, enum resp_set,
		    uint32_t, uint32_t);
static void	 pull_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls pull_calls = {
	.name = "pull",
	.status = select_status,
	.done = pull_done,
	.exists = select_exists,
	.flags = select_flags,
	.range = pull_range,
	.fetch = pull_fetch
};

int
pull_parse(struct op *op, struct ibuf *buf)
{
	struct msg_pull	*m;

	if ((op->arg = m = calloc(1, sizeof(*m))) == NULL)
		fatal("no memory");
	if (msg_get_pull(buf, m) == -1)
		return -1;
	if (m->want & (PULL_UIDS | PULL_META) && uidset_add_range(&op->asked,
	    m->newfrom == 0 ? 1 : m->newfrom, UID_MAX) == -1)
		fatal("no memory");
	op->wanted = m->want & PULL_IDENTITY ? ID_HEADER : ID_NONE;
	return op_mailbox(op, m->mailbox, m->uidvalidity);
}

int
pull_run(struct child *c, struct op *op)
{
	const struct msg_pull	*m = op->arg;

	op->holding = 1;
	select_again(c, op, m->modseq, &pull_calls);
	if (m->want & PULL_ALL)
		fetch_search(c, op, 1);
	else if (m->want & PULL_UIDS)
		fetch_search(c, op, uidset_min(&op->asked));
	if (m->want & PULL_META)
		fetch_meta(c, op);
	return 1;
}

static void
pull_fetch(struct child *c, struct command *cmd, const struct resp_fetch *f)
{
	const struct msg_pull	*m = cmd->op->arg;

	if (m->modseq == 0 || cmd->op->fail.kind != 0)
		return;
	if (~f->has & (FETCH_UID | FETCH_FLAGS))
		op_fail(cmd->op, FAIL_PROTOCOL, NULL,
		    "SELECT brought a FETCH without UID or FLAGS");
	else
		event_changed(c, cmd->op, f);
}

static void
pull_range(struct child *c, struct command *cmd, enum resp_set what,
    uint32_t lo, uint32_t hi)
{
	struct op		*op = cmd->op;
	const struct msg_pull	*m = op->arg;

	if (what == SET_SEARCH || m->modseq == 0 || op->fail.kind != 0)
		return;
	if (op->ranges.n >= MSG_MAXRANGES)
		event_ranges(c, op, MSG_VANISHED);
	if (uidset_add_range(&op->ranges, lo, hi) == -1)
		fatal("no memory");
}

static void
pull_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	struct op	*op = cmd->op;
	struct ibuf	 buf;

	select_done(c, cmd, st);
	if (op->fail.kind != 0) {
		uidset_free(&op->ranges);
		event_release(c, op, 0);
		return;
	}
	if (!uidset_empty(&op->ranges))
		event_ranges(c, op, MSG_VANISHED);
	event_flush(c, op);
	op->holding = 0;
	ibuf_init(&buf);
	msg_put_selected(&buf, &op->sel->info);
	event(c, op, MSG_SELECTED, &buf);
	ibuf_free(&buf);
	event_release(c, op, 1);
}
