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
 * Which mailbox is selected, and whether it was the right one.  Called by the
 * ops.
 *
 * A SELECT answered NO leaves nothing selected, but one answered BAD leaves
 * the previous mailbox selected, and the commands pipelined behind it would
 * work on that one.  So UNSELECT (RFC 3691) always stands between two
 * mailboxes; where it is not offered, an EXAMINE of a name that does not
 * exist does the same (RFC 3501 section 6.3.1), and should it exist after
 * all, it is open for reading only.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"

#define NOWHERE	"interimap-no-such-mailbox-8c1f3d5a2be94706"

static void	 unselect_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls unselect_calls = {
	.name = "unselect",
	.done = unselect_done
};

const struct cmd_calls select_calls = {
	.name = "select",
	.status = select_status,
	.done = select_done,
	.exists = select_exists,
	.flags = select_flags
};

struct selected *
selected_ref(struct selected *sel)
{
	if (sel != NULL)
		sel->refs++;
	return sel;
}

void
selected_unref(struct selected *sel)
{
	if (sel == NULL || --sel->refs > 0)
		return;
	flags_free(&sel->info.perm);
	flags_free(&sel->flags);
	failure_free(&sel->fail);
	free(sel->name);
	free(sel);
}

static struct selected *
selected_new(const struct op *op)
{
	struct selected	*sel;

	if ((sel = calloc(1, sizeof(*sel))) == NULL ||
	    (sel->name = malloc(op->namelen)) == NULL)
		fatal("no memory");
	memcpy(sel->name, op->name, op->namelen);
	sel->namelen = op->namelen;
	sel->refs = 1;
	flags_init(&sel->flags);
	flags_init(&sel->info.perm);
	return sel;
}

/*
 * UNSELECT may be refused when the SELECT before it failed; but a mailbox
 * that was open and stays so makes all that was written behind it unsafe.
 */
static void
unselect_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	const struct selected	*sel = cmd->sel;

	if (sel == NULL || sel->closed || st->cond == COND_OK)
		return;
	if ((c->caps & CAP_UNSELECT) == 0 && st->cond == COND_NO)
		return;
	child_fail(c, FAIL_PROTOCOL, "server refused to close a mailbox: %s",
	    st->text);
}

void
select_close(struct child *c, struct op *op)
{
	struct command	*cmd;

	if (c->sel == NULL)
		return;
	if (!c->sel->closed) {
		cmd = op_command(c, op, &unselect_calls, 0);
		cmd->sel = selected_ref(c->sel);
		cmd_puts(cmd, c->caps & CAP_UNSELECT ? "UNSELECT" :
		    "EXAMINE " NOWHERE);
		cmd_close(cmd);
	}
	selected_unref(c->sel);
	c->sel = NULL;
}

void
select_again(struct child *c, struct op *op, uint64_t modseq,
    const struct cmd_calls *calls)
{
	struct command	*cmd;

	select_close(c, op);
	selected_unref(op->sel);
	op->sel = selected_new(op);
	c->sel = selected_ref(op->sel);
	if (cmd_needs_literal(op->name, op->namelen)) {
		selected_unref(c->barrier);
		c->barrier = selected_ref(op->sel);
	}
	cmd = op_command(c, op, calls, 1);
	cmd_puts(cmd, "SELECT ");
	cmd_astring(cmd, op->name, op->namelen);
	/* the known set is the whole range, or new deletions are hidden */
	if (modseq != 0 && op->uidvalidity != 0)
		cmd_printf(cmd, " (QRESYNC (%u %" PRIu64 " 1:4294967295))",
		    op->uidvalidity, modseq);
	cmd_close(cmd);
}

int
select_mailbox(struct child *c, struct op *op)
{
	struct selected	*sel = c->sel;

	if (sel == NULL || sel->state == SEL_FAILED ||
	    sel->namelen != op->namelen ||
	    memcmp(sel->name, op->name, op->namelen) != 0) {
		select_again(c, op, 0, &select_calls);
		return 0;
	}
	if (op->sel != sel) {
		selected_unref(op->sel);
		op->sel = selected_ref(sel);
	}
	return sel->state == SEL_OK ? select_check(op, sel) : 0;
}

int
select_check(struct op *op, const struct selected *sel)
{
	if (sel->state == SEL_FAILED) {
		failure_set(&op->fail, sel->fail.kind, sel->fail.code,
		    sel->fail.text);
		return -1;
	}
	if (op->uidvalidity == 0 || op->uidvalidity == sel->info.uidvalidity)
		return 0;
	op_fail(op, FAIL_UIDVALIDITY, NULL, "UIDVALIDITY changed! (%u != %u)",
	    op->uidvalidity, sel->info.uidvalidity);
	return -1;
}

int
select_confirmed(const struct child *c, const struct op *op)
{
	return op->sel != NULL && op->sel == c->sel &&
	    op->sel->state == SEL_OK && (op->uidvalidity == 0 ||
	    op->uidvalidity == op->sel->info.uidvalidity);
}

void
select_status(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	struct selected	*sel = cmd->sel;

	switch (st->code) {
	case CODE_UIDVALIDITY:
		sel->info.uidvalidity = st->uidvalidity;
		sel->has |= SEL_HAS_UIDVALIDITY;
		break;
	case CODE_UIDNEXT:
		sel->info.uidnext = st->number;
		break;
	case CODE_HIGHESTMODSEQ:
		sel->info.modseq = st->modseq;
		sel->has |= SEL_HAS_MODSEQ;
		break;
	case CODE_NOMODSEQ:
		sel->has &= ~SEL_HAS_MODSEQ;
		break;
	case CODE_PERMANENTFLAGS:
		if (flags_copy(&sel->info.perm, st->flags) == -1)
			fatal("no memory");
		sel->has |= SEL_HAS_PERM;
		break;
	case CODE_READONLY:
		sel->info.readonly = 1;
		break;
	default:
		break;
	}
}

void
select_exists(struct child *c, struct command *cmd, uint32_t n)
{
	cmd->sel->info.exists = n;
}

void
select_flags(struct child *c, struct command *cmd, const struct flags *flags)
{
	if (flags_copy(&cmd->sel->flags, flags) == -1)
		fatal("no memory");
}

/* RFC 3501 section 6.3.1: without PERMANENTFLAGS all can be changed. */
static void
select_permanent(struct selected *sel)
{
	if (sel->has & SEL_HAS_PERM)
		return;
	if (flags_copy(&sel->info.perm, &sel->flags) == -1)
		fatal("no memory");
	sel->info.perm.sys |= FLAG_SYSTEM | FLAG_STAR;
}

static void
select_refused(struct selected *sel, const struct resp_status *st)
{
	sel->closed = 1;
	failure_set(&sel->fail, st->cond == COND_NO ? FAIL_NOMAILBOX : FAIL_BAD,
	    st->codename, st->text);
}

void
select_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	struct selected	*sel = cmd->sel;

	select_status(c, cmd, st);
	select_permanent(sel);
	if (st->cond != COND_OK)
		select_refused(sel, st);
	else if ((sel->has & SEL_HAS_UIDVALIDITY) == 0 ||
	    sel->info.uidvalidity == 0)
		failure_set(&sel->fail, FAIL_PROTOCOL, NULL,
		    "SELECT brought no UIDVALIDITY");
	else if ((sel->has & SEL_HAS_MODSEQ) == 0 || sel->info.modseq == 0)
		failure_set(&sel->fail, FAIL_NOMODSEQ, NULL,
		    "the mailbox has no mod-sequences");
	sel->state = sel->fail.kind != 0 ? SEL_FAILED : SEL_OK;
	if (c->barrier == sel) {
		selected_unref(c->barrier);
		c->barrier = NULL;
	}
	select_check(cmd->op, sel);
}
