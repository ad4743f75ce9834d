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
 * GETFLAGS, GETMETA, IDENTIFY, SEARCH, and the part of PULL that looks at new
 * messages: what UID FETCH and UID SEARCH tell (RFC 3501 section 6.4, RFC 7162,
 * RFC 4731).  Bodies are digested as they stream by, never held.
 *
 * A server may slip in FETCH data nobody asked for, with FLAGS and MODSEQ
 * only; those are left to the next PULL.  But data that is an answer to our
 * command and lacks the UID or what we asked for must not pass as complete:
 * the parent takes a UID that is missing here for a message that is gone.
 */
#include <string.h>

#include "digest.h"
#include "imapchild.h"

#define ITEMS_FLAGS	" (UID FLAGS MODSEQ)"
#define ITEMS_DATE	" (UID FLAGS MODSEQ INTERNALDATE"
#define ITEMS_META	ITEMS_DATE " RFC822.SIZE"
#define ITEMS_HEADER	" BODY.PEEK[HEADER.FIELDS (" DIGEST_FIELDS ")]"
#define ITEMS_BODY	" BODY.PEEK[]"

static void	 flags_fetch(struct child *, struct command *,
		    const struct resp_fetch *);
static void	 meta_fetch(struct child *, struct command *,
		    const struct resp_fetch *);
static void	 meta_begin(struct child *, struct command *,
		    const struct resp_fetch *, int);
static ssize_t	 meta_data(struct child *, struct command *, const char *,
		    size_t);
static void	 meta_end(struct child *, struct command *);
static void	 search_send(struct child *, struct op *);
static void	 search_range(struct child *, struct command *, enum resp_set,
		    uint32_t, uint32_t);
static void	 search_end(struct child *, struct command *, enum resp_set);
static void	 search_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls getflags_calls = {
	.name = "getflags",
	.fetch = flags_fetch
};

static const struct cmd_calls getmeta_calls = {
	.name = "getmeta",
	.fetch = meta_fetch,
	.body_begin = meta_begin,
	.body_data = meta_data,
	.body_end = meta_end
};

const struct cmd_calls search_calls = {
	.name = "search",
	.done = search_done,
	.range = search_range,
	.set_end = search_end
};

int
uids_parse(struct op *op, struct ibuf *buf)
{
	struct msg_uids	 m;

	if (msg_get_uids(buf, &m) == -1)
		return -1;
	op->asked = m.set;
	return op_mailbox(op, m.mailbox, m.uidvalidity);
}

int
uidsid_parse(struct op *op, struct ibuf *buf)
{
	struct msg_uids	 m;

	if (msg_get_uidsid(buf, &m) == -1)
		return -1;
	op->asked = m.set;
	op->wanted = m.id;
	return op_mailbox(op, m.mailbox, m.uidvalidity);
}

int
getflags_run(struct child *c, struct op *op)
{
	struct command	*cmd;
	size_t		 pos;

	if (select_mailbox(c, op) == -1)
		return 1;
	for (pos = 0; pos < op->asked.n; ) {
		cmd = op_command(c, op, &getflags_calls, 1);
		cmd_puts(cmd, "UID FETCH ");
		op_uidset(cmd, &op->asked, &pos, sizeof(ITEMS_FLAGS));
		cmd_puts(cmd, ITEMS_FLAGS);
		cmd_close(cmd);
	}
	return 1;
}

static void
flags_fetch(struct child *c, struct command *cmd, const struct resp_fetch *f)
{
	if (!op_live(cmd) || (f->has & FETCH_FLAGS) == 0)
		return;
	if ((f->has & FETCH_UID) == 0)
		op_fail(cmd->op, FAIL_PROTOCOL, NULL, "FETCH without UID");
	else if (uidset_has(&cmd->op->asked, f->uid))
		event_changed(c, cmd->op, f);
}

int
getmeta_run(struct child *c, struct op *op)
{
	if (select_mailbox(c, op) == -1)
		return 1;
	fetch_meta(c, op);
	return 1;
}

void
fetch_meta(struct child *c, struct op *op)
{
	struct command	*cmd;
	const char	*items, *more;
	size_t		 pos;

	items = op->wanted == ID_DATE ? ITEMS_DATE : ITEMS_META;
	more = op->wanted == ID_NONE || op->wanted == ID_DATE ? "" :
	    op->wanted == ID_BODY ? ITEMS_BODY : ITEMS_HEADER;
	for (pos = 0; pos < op->asked.n; ) {
		cmd = op_command(c, op, &getmeta_calls, 1);
		cmd_puts(cmd, "UID FETCH ");
		op_uidset(cmd, &op->asked, &pos,
		    strlen(items) + strlen(more) + 2);
		cmd_puts(cmd, items);
		cmd_puts(cmd, more);
		cmd_puts(cmd, ")");
		cmd_close(cmd);
	}
}

static void
meta_begin(struct child *c, struct command *cmd, const struct resp_fetch *f,
    int literal8)
{
	struct op	*op = cmd->op;

	op->digested = 0;
	if (op->wanted == ID_BODY && op->digest == NULL &&
	    (op->digest = digest_new()) == NULL)
		fatal("no memory");
}

static ssize_t
meta_data(struct child *c, struct command *cmd, const char *p, size_t n)
{
	if (cmd->op->digest != NULL &&
	    digest_update(cmd->op->digest, p, n) == -1)
		fatal("SHA-256 failed");
	return n;
}

static void
meta_end(struct child *c, struct command *cmd)
{
	struct op	*op = cmd->op;

	if (op->digest == NULL)
		return;
	if (digest_final(op->digest, op->sum) == -1)
		fatal("SHA-256 failed");
	op->digested = 1;
}

/* Which digest of the message there is: ID_*; a missing one is no failure. */
static uint8_t
meta_digest(struct op *op, const struct resp_fetch *f, uint8_t *sum)
{
	int	 id;

	if (op->wanted == ID_BODY) {
		if (!op->digested || (f->has & FETCH_BODY) == 0)
			return ID_NONE;
		memcpy(sum, op->sum, ID_DIGEST);
		return ID_BODY;
	}
	if (op->wanted == ID_NONE || op->wanted == ID_DATE ||
	    (f->has & FETCH_HEADER) == 0 ||
	    f->headercut)
		return ID_NONE;
	id = digest_header(f->header, f->headerlen, sum);
	return id == -1 ? ID_NONE : id;
}

static void
meta_fetch(struct child *c, struct command *cmd, const struct resp_fetch *f)
{
	struct msg_message	 m;
	struct op		*op = cmd->op;

	if (!op_live(cmd) ||
	    (f->has & (FETCH_SIZE | FETCH_DATE | FETCH_HEADER)) == 0)
		return;
	if (~f->has & (FETCH_UID | FETCH_FLAGS |
	    (op->wanted == ID_DATE ? FETCH_DATE : FETCH_SIZE))) {
		op_fail(op, FAIL_PROTOCOL, NULL, "FETCH without UID, FLAGS, "
		    "INTERNALDATE or RFC822.SIZE");
		return;
	}
	if (!uidset_has(&op->asked, f->uid))
		return;
	memset(&m, 0, sizeof(m));
	m.uid = f->uid;
	m.modseq = f->has & FETCH_MODSEQ ? f->modseq : 0;
	m.size = f->has & FETCH_SIZE ? f->size : 0;
	if (f->has & FETCH_DATE)
		m.date = f->date;
	m.flags = f->flags;		/* lent */
	m.id = meta_digest(op, f, m.digest);
	op->digested = 0;
	event_message(c, op, &m);
}

int
search_run(struct child *c, struct op *op)
{
	if (select_mailbox(c, op) == -1)
		return 1;
	if (uidset_copy(&op->searched, &op->asked) == -1)
		fatal("no memory");
	search_send(c, op);
	return 1;
}

static void
search_send(struct child *c, struct op *op)
{
	struct command	*cmd;
	size_t		 pos;

	for (pos = 0; pos < op->searched.n; ) {
		cmd = op_command(c, op, &search_calls, 1);
		cmd_puts(cmd, c->caps & CAP_ESEARCH ?
		    "UID SEARCH RETURN (ALL) UID " : "UID SEARCH UID ");
		op_uidset(cmd, &op->searched, &pos, 0);
		cmd_close(cmd);
	}
}

void
fetch_search(struct child *c, struct op *op, uint32_t from)
{
	if (uidset_add_range(&op->searched, from, UID_MAX) == -1)
		fatal("no memory");
	search_send(c, op);
}

/* Report what was found, less what was not asked for. */
static void
search_flush(struct child *c, struct op *op)
{
	if (uidset_intersect(&op->ranges, &op->searched) == -1)
		fatal("no memory");
	event_ranges(c, op, MSG_UIDS);
}

static void
search_range(struct child *c, struct command *cmd, enum resp_set what,
    uint32_t lo, uint32_t hi)
{
	struct op	*op = cmd->op;

	if (what != SET_SEARCH || !op_live(cmd))
		return;
	if (op->ranges.n >= MSG_MAXRANGES)
		search_flush(c, op);
	if (uidset_add_range(&op->ranges, lo, hi) == -1)
		fatal("no memory");
}

static void
search_end(struct child *c, struct command *cmd, enum resp_set what)
{
	if (what == SET_SEARCH)
		cmd->count++;
}

/* An OK without any search data is not "none found". */
static void
search_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	op_answer(cmd->op, st);
	if (cmd->count == 0)
		op_fail(cmd->op, FAIL_PROTOCOL, NULL,
		    "SEARCH was answered without a result");
}

void
fetch_finish(struct child *c, struct op *op)
{
	if (op->fail.kind == 0 && op->searched.n > 0)
		search_flush(c, op);
}
