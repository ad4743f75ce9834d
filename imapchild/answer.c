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
 * What resp.c parsed goes to the command it belongs to: a tagged answer to the
 * command of that tag, anything untagged to the oldest command that is not
 * answered yet.  UNSELECT between two mailboxes keeps their data apart; inside
 * one a server may run several FETCHes at once (Dovecot does while its output
 * is full, and it answers a STORE behind the FETCH that follows it), so a FETCH
 * response goes to the command that asked for its UID, and a SEARCH response to
 * the oldest SEARCH, and what vanished is told to each EXPUNGE.
 * Called by io.c through resp_feed().
 */
#include <string.h>

#include "imapchild.h"

/*
 * The command untagged data belongs to; NULL when nobody waits for any.  After
 * STARTTLS was answered nothing may follow in the clear: what does was put
 * there by somebody else.
 */
static struct command *
answer_command(struct child *c)
{
	if (c->phase == PHASE_UPGRADE)
		child_fail(c, FAIL_TLS, "plain text was injected behind the "
		    "answer to STARTTLS");
	return c->phase == PHASE_OVER ? NULL : cmdq_oldest(&c->cmdq);
}

static int
answer_asked(const struct command *cmd, uint32_t uid)
{
	return cmd->op != NULL && cmd->calls->fetch != NULL &&
	    uidset_has(&cmd->op->asked, uid);
}

/*
 * The selection that untagged data are about.  An APPEND stands in none:
 * Dovecot may answer the FETCH behind it first, in the selection there is.
 */
static struct selected *
answer_selection(const struct command *oldest)
{
	const struct command	*cmd;

	for (cmd = oldest; cmd != NULL && cmd->sel == NULL; )
		cmd = TAILQ_NEXT(cmd, entry);
	return cmd == NULL || cmd->sel->state == SEL_PENDING ? oldest->sel :
	    cmd->sel;
}

static struct command *
answer_fetcher(struct child *c, const struct resp_fetch *f)
{
	struct command	*oldest, *cmd;
	struct selected	*sel;

	oldest = answer_command(c);
	if (oldest == NULL || (f->has & FETCH_UID) == 0)
		return oldest;
	sel = answer_selection(oldest);
	for (cmd = oldest; cmd != NULL; cmd = TAILQ_NEXT(cmd, entry))
		if (!cmd->answered && cmd->taken > 0 && cmd->sel == sel &&
		    answer_asked(cmd, f->uid))
			return cmd;
	return oldest;
}

static struct command *
answer_searcher(struct child *c, enum resp_set set)
{
	struct command	*oldest, *cmd;
	struct selected	*sel;

	oldest = answer_command(c);
	if (oldest == NULL || set != SET_SEARCH)
		return oldest;
	sel = answer_selection(oldest);
	for (cmd = oldest; cmd != NULL; cmd = TAILQ_NEXT(cmd, entry))
		if (!cmd->answered && cmd->taken > 0 && cmd->sel == sel &&
		    cmd->calls == &search_calls)
			return cmd;
	return oldest;
}

static int
answer_end(const struct child *c)
{
	return c->phase == PHASE_OVER ? -1 : 0;
}

/* Call one of the command's functions, if it has it. */
#define ANSWER(c, member, ...) do {					\
	struct command *cmd_ = answer_command(c);			\
									\
	if (cmd_ != NULL && cmd_->calls->member != NULL)		\
		cmd_->calls->member((c), cmd_, __VA_ARGS__);		\
} while (0)

/* Nobody asked: the server tells it by itself, as NOTIFY had it do. */
static int
answer_told(struct child *c)
{
	return c->watching && answer_command(c) == NULL;
}

static void
answer_tagged(struct child *c, const struct resp_status *st)
{
	struct command	*cmd;
	struct op	*op;

	if ((cmd = cmdq_find(&c->cmdq, st->tag)) == NULL) {
		child_fail(c, FAIL_PROTOCOL, "answer with an unknown tag");
		return;
	}
	op = cmd->op;
	if (op != NULL && cmd->sel != NULL && cmd->sel == op->sel &&
	    cmd->sel->state != SEL_PENDING)
		select_check(op, cmd->sel);
	if (cmd->calls->done != NULL)
		cmd->calls->done(c, cmd, st);
	else if (op != NULL)
		op_answer(op, st);
	selected_unref(cmd->sel);
	cmd->sel = NULL;
	cmd->op = NULL;
	if (cmdq_answered(&c->cmdq, cmd) == -1)
		child_fail(c, FAIL_PROTOCOL, "command answered before its end");
	if (op != NULL && --op->pending == 0)
		ops_settle(c);
}

static void
answer_bye(struct child *c, const struct resp_status *st)
{
	if (c->phase != PHASE_LOGOUT)
		child_fail(c, FAIL_NET, "server closes the connection: %s",
		    st->text[0] == '\0' ? "BYE" : auth_text(c, st->text));
}

static int
answer_status(void *arg, const struct resp_status *st)
{
	struct child	*c = arg;

	if (c->phase == PHASE_GREETING && st->tag == NULL)
		session_greeting(c, st);
	else if (st->cond == COND_BYE)
		answer_bye(c, st);
	else if (st->tag != NULL && c->phase != PHASE_UPGRADE)
		answer_tagged(c, st);
	else {
		if (st->code == CODE_ALERT)
			log_warn("%s", auth_text(c, st->text));
		if (strcmp(st->codename, "NOTIFICATIONOVERFLOW") == 0)
			notify_overflow(c);
		ANSWER(c, status, st);
	}
	return answer_end(c);
}

static int
answer_cont(void *arg, const char *text)
{
	struct child	*c = arg;
	struct command	*cmd = c->cmdq.writing;

	if (cmdq_continue(&c->cmdq) == -1)
		child_fail(c, FAIL_PROTOCOL, "continuation nobody waits for");
	else if (cmd->calls->cont != NULL)
		cmd->calls->cont(c, cmd, text);
	return answer_end(c);
}

static int
answer_capability(void *arg, const char *name)
{
	struct child	*c = arg;

	if (c->phase == PHASE_UPGRADE)
		answer_command(c);
	else
		session_capability(c, name);
	return answer_end(c);
}

static int
answer_enabled(void *arg, const char *name)
{
	session_enabled(arg, name);
	return answer_end(arg);
}

static int
answer_list(void *arg, const struct resp_list *r)
{
	struct child	*c = arg;

	if (answer_told(c))
		notify_list(c, NULL, r);
	else
		ANSWER(c, list, r);
	return answer_end(c);
}

static int
answer_mailboxstatus(void *arg, const struct resp_statusdata *r)
{
	struct child	*c = arg;

	if (answer_told(c))
		notify_status(c, NULL, r);
	else
		ANSWER(c, mailboxstatus, r);
	return answer_end(c);
}

static int
answer_exists(void *arg, uint32_t n)
{
	struct child	*c = arg;

	ANSWER(c, exists, n);
	return answer_end(c);
}

/* With QRESYNC it is VANISHED that counts. */
static int
answer_expunge(void *arg, uint32_t seq)
{
	return answer_end(arg);
}

static int
answer_flags(void *arg, const struct flags *flags)
{
	struct child	*c = arg;

	ANSWER(c, flags, flags);
	return answer_end(c);
}

/*
 * What UID EXPUNGE did may be told while an earlier command is answered; the
 * later ones hear it, too, and take what they asked for.
 */
static void
answer_vanished(struct child *c, const struct command *oldest, uint32_t lo,
    uint32_t hi)
{
	struct command	*cmd;

	for (cmd = TAILQ_NEXT(oldest, entry); cmd != NULL;
	    cmd = TAILQ_NEXT(cmd, entry))
		if (!cmd->answered && cmd->taken > 0 &&
		    cmd->sel == oldest->sel && cmd->calls == &expunge_calls)
			cmd->calls->range(c, cmd, SET_VANISHED, lo, hi);
}

static int
answer_range(void *arg, enum resp_set set, uint32_t lo, uint32_t hi)
{
	struct child	*c = arg;
	struct command	*cmd;

	cmd = answer_searcher(c, set);
	if (cmd != NULL && cmd->calls->range != NULL)
		cmd->calls->range(c, cmd, set, lo, hi);
	if (cmd != NULL && set == SET_VANISHED)
		answer_vanished(c, cmd, lo, hi);
	return answer_end(c);
}

static int
answer_set_end(void *arg, enum resp_set set)
{
	struct child	*c = arg;
	struct command	*cmd;

	cmd = answer_searcher(c, set);
	if (cmd != NULL && cmd->calls->set_end != NULL)
		cmd->calls->set_end(c, cmd, set);
	return answer_end(c);
}

static int
answer_fetch(void *arg, const struct resp_fetch *f)
{
	struct child	*c = arg;
	struct command	*cmd;

	/* the whole response is about the command that got its body */
	cmd = f->has & FETCH_BODY ? c->bodycmd : answer_fetcher(c, f);
	c->bodycmd = NULL;
	if (cmd != NULL && cmd->calls->fetch != NULL)
		cmd->calls->fetch(c, cmd, f);
	return answer_end(c);
}

static int
answer_body_begin(void *arg, const struct resp_fetch *f, int literal8)
{
	struct child	*c = arg;
	struct command	*cmd;

	c->bodycmd = cmd = answer_fetcher(c, f);
	if (cmd != NULL && cmd->calls->body_begin != NULL)
		cmd->calls->body_begin(c, cmd, f, literal8);
	return answer_end(c);
}

static ssize_t
answer_body_data(void *arg, const char *p, size_t n)
{
	struct child	*c = arg;
	struct command	*cmd = c->bodycmd;

	if (c->phase == PHASE_OVER)
		return -1;
	if (cmd == NULL || cmd->calls->body_data == NULL)
		return n;
	return cmd->calls->body_data(c, cmd, p, n);
}

static int
answer_body_end(void *arg)
{
	struct child	*c = arg;
	struct command	*cmd = c->bodycmd;

	if (cmd != NULL && cmd->calls->body_end != NULL)
		cmd->calls->body_end(c, cmd);
	return answer_end(c);
}

/* The command a line belongs to; it was not dealt with yet. */
static const struct command *
answer_line(struct child *c, const char *line)
{
	char	 tag[CMD_TAGLEN + 1];

	strlcpy(tag, line, sizeof(tag));
	return tag[0] >= '0' && tag[0] <= '9' ? cmdq_find(&c->cmdq, tag) :
	    cmdq_oldest(&c->cmdq);
}

static int
answer_trace(void *arg, const char *line, size_t n)
{
	struct child	*c = arg;

	if (c->quiet)
		auth_trace(c, line);
	else
		child_trace(c, answer_line(c, line), 'S', line, n);
	return 0;
}

const struct resp_calls answer_calls = {
	.status = answer_status,
	.cont = answer_cont,
	.capability = answer_capability,
	.enabled = answer_enabled,
	.list = answer_list,
	.mailboxstatus = answer_mailboxstatus,
	.exists = answer_exists,
	.expunge = answer_expunge,
	.flags = answer_flags,
	.range = answer_range,
	.set_end = answer_set_end,
	.fetch = answer_fetch,
	.body_begin = answer_body_begin,
	.body_data = answer_body_data,
	.body_end = answer_body_end,
	.trace = answer_trace
};
