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
 * STORE and EXPUNGE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3, RFC 4315).
 *
 * A deletion takes two steps, the \\Deleted flag and UID EXPUNGE.  They are
 * written together only while the mailbox is selected and its UIDVALIDITY was
 * seen to be right.  Otherwise the flag alone goes with the SELECT, and the
 * EXPUNGE follows when the answer showed the right UIDVALIDITY; had it shown
 * another one, the flag is taken off again.  If another mailbox was selected
 * meanwhile, the EXPUNGE follows a SELECT whose answer it does not wait for:
 * should the mailbox have been replaced in between, the messages there do not
 * carry our flag, and without it UID EXPUNGE does nothing (RFC 4315 section
 * 2.1).  Waiting would not end when other requests keep selecting.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild.h"
#include "killpoint.h"

#define FLAGS_LINEMAX	(CMD_LINEMAX - 1000)	/* leaves room for a set */

static void	 store_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 expunge_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 expunge_range(struct child *, struct command *, enum resp_set,
		    uint32_t, uint32_t);

static const struct cmd_calls store_calls = {
	.name = "store",
	.done = store_done
};

static const struct cmd_calls mark_calls = {
	.name = "mark",
	.range = expunge_range
};

const struct cmd_calls expunge_calls = {
	.name = "expunge",
	.range = expunge_range,
	.done = expunge_done
};

enum expunge_step { EXPUNGE_START, EXPUNGE_MARKED, EXPUNGE_UNMARK,
    EXPUNGE_LAST };

struct expunge {
	enum expunge_step step;
};

int
store_parse(struct op *op, struct ibuf *buf)
{
	struct msg_store	*m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("no memory");
	if (msg_get_store(buf, m) == -1) {
		free(m);
		return -1;
	}
	op->arg = m;
	return op_mailbox(op, m->mailbox, m->uidvalidity);
}

void
store_release(struct op *op)
{
	struct msg_store	*m = op->arg;

	if (m == NULL)
		return;
	uidset_free(&m->set);
	flags_free(&m->flags);
	free(m);
}

/* UID STORE of a set, as many lines as it takes. */
static void
store_write(struct child *c, struct op *op, const struct cmd_calls *calls,
    const struct uidset *set, const char *modifier, const char *flags)
{
	struct command	*cmd;
	size_t		 pos, reserve;

	reserve = strlen(modifier) + strlen(flags);
	if (reserve > FLAGS_LINEMAX)
		reserve = FLAGS_LINEMAX;
	for (pos = 0; pos < set->n; ) {
		cmd = op_command(c, op, calls, 1);
		cmd_puts(cmd, "UID STORE ");
		op_uidset(cmd, set, &pos, reserve);
		cmd_puts(cmd, modifier);
		cmd_puts(cmd, flags);
		cmd_close(cmd);
	}
}

int
store_run(struct child *c, struct op *op)
{
	static const char *const verbs[] = {
		[STORE_SET] = " FLAGS.SILENT ",
		[STORE_ADD] = " +FLAGS.SILENT ",
		[STORE_REMOVE] = " -FLAGS.SILENT "
	};
	const struct msg_store	*m = op->arg;
	char			 modifier[80], *flags;

	if (select_mailbox(c, op) == -1)
		return 1;
	if (c->barrier != NULL)
		return 0;
	if ((flags = flags_format(&m->flags)) == NULL)
		fatal("no memory");
	if (m->unchangedsince != 0)
		snprintf(modifier, sizeof(modifier),
		    " (UNCHANGEDSINCE %" PRIu64 ")%s", m->unchangedsince,
		    verbs[m->mode]);
	else
		strlcpy(modifier, verbs[m->mode], sizeof(modifier));
	KILLPOINT("store-before");
	store_write(c, op, &store_calls, &m->set, modifier, flags);
	free(flags);
	return 1;
}

/* RFC 7162 section 3.1.3: MODIFIED comes with OK, or NO; neither is failure. */
static void
store_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	KILLPOINT("store-answered");
	if (st->code != CODE_MODIFIED && strcmp(st->codename, "MODIFIED") == 0)
		op_fail(cmd->op, FAIL_PROTOCOL, NULL,
		    "malformed MODIFIED: %s", st->text);
	else if (st->code != CODE_MODIFIED || st->set == NULL ||
	    st->cond == COND_BAD)
		op_answer(cmd->op, st);
	else if (uidset_union(&cmd->op->ranges, st->set) == -1)
		fatal("no memory");
}

void
store_finish(struct child *c, struct op *op)
{
	const struct msg_store	*m = op->arg;

	if (op->fail.kind != 0)
		return;
	if (uidset_intersect(&op->ranges, &m->set) == -1)
		fatal("no memory");
	event_ranges(c, op, MSG_STORED);
}

int
expunge_parse(struct op *op, struct ibuf *buf)
{
	if ((op->arg = calloc(1, sizeof(struct expunge))) == NULL)
		fatal("no memory");
	return uids_parse(op, buf);
}

static void
expunge_write(struct child *c, struct op *op)
{
	struct command	*cmd;
	size_t		 pos;

	KILLPOINT("expunge-before");
	for (pos = 0; pos < op->asked.n; ) {
		cmd = op_command(c, op, &expunge_calls, 1);
		cmd_puts(cmd, "UID EXPUNGE ");
		op_uidset(cmd, &op->asked, &pos, 0);
		cmd_close(cmd);
	}
}

static void
expunge_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	KILLPOINT("expunge-answered");
	op_answer(cmd->op, st);
}

/*
 * Only what the server says is gone counts (RFC 7162 section 3.2.7): another
 * client may have taken the flag off again.
 */
static void
expunge_range(struct child *c, struct command *cmd, enum resp_set set,
    uint32_t lo, uint32_t hi)
{
	struct op	*op = cmd->op;

	if (set != SET_VANISHED || !op_live(cmd))
		return;
	if (uidset_add_range(&op->ranges, lo, hi) == -1 ||
	    uidset_intersect(&op->ranges, &op->asked) == -1)
		fatal("no memory");
}

void
expunge_finish(struct child *c, struct op *op)
{
	if (op->fail.kind == 0 && !uidset_empty(&op->ranges))
		event_ranges(c, op, MSG_VANISHED);
}

static int
expunge_start(struct child *c, struct op *op, struct expunge *e)
{
	if (op->fail.kind != 0 || select_mailbox(c, op) == -1)
		return 1;
	if (c->barrier != NULL)
		return 0;
	KILLPOINT("mark-before");
	store_write(c, op, &mark_calls, &op->asked, " +FLAGS.SILENT ",
	    "(\\Deleted)");
	if (select_confirmed(c, op)) {
		expunge_write(c, op);
		return 1;
	}
	e->step = EXPUNGE_MARKED;
	return 0;
}

/* The flags went to a mailbox with this UIDVALIDITY: select it once more. */
static int
expunge_unmark(struct child *c, struct op *op)
{
	if (op->sel->state == SEL_FAILED)
		return 1;
	if (c->sel != op->sel) {
		op->uidvalidity = op->sel->info.uidvalidity;
		select_again(c, op, 0, &select_calls);
		if (c->barrier != NULL)
			return 0;
	}
	store_write(c, op, &mark_calls, &op->asked, " -FLAGS.SILENT ",
	    "(\\Deleted)");
	return 1;
}

static int
expunge_last(struct child *c, struct op *op)
{
	if (op->fail.kind != 0 || select_mailbox(c, op) == -1)
		return 1;
	if (c->barrier != NULL)
		return 0;
	expunge_write(c, op);
	return 1;
}

int
expunge_run(struct child *c, struct op *op)
{
	struct expunge	*e = op->arg;

	if (e->step == EXPUNGE_MARKED) {
		if (op->pending > 0)
			return 0;
		e->step = op->fail.kind == FAIL_UIDVALIDITY ?
		    EXPUNGE_UNMARK : EXPUNGE_LAST;
	}
	switch (e->step) {
	case EXPUNGE_START:
		return expunge_start(c, op, e);
	case EXPUNGE_UNMARK:
		return expunge_unmark(c, op);
	default:
		return expunge_last(c, op);
	}
}
