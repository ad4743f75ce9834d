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
 * --rename: what is checked, and RENAME on the local server, on the remote one,
 * then in the database.  Called by commands.c when the lists are in.
 *
 * A run that was killed in between left SOURCE renamed on one server and not
 * on the other.  That DEST exists is then no reason to refuse: a side counts
 * as done when no SOURCE is left there and what the database knows below
 * SOURCE is there below DEST, with the recorded UIDVALIDITY and no less
 * advanced than recorded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "killpoint.h"

static const struct name *
source(const struct engine *e)
{
	return &e->cmd->names[0];
}

static const struct name *
dest(const struct engine *e)
{
	return &e->cmd->names[1];
}

static int
is_inbox(const struct name *n)
{
	return n->n == 5 && memcmp(n->p, "INBOX", 5) == 0;
}

static int
is(const struct mbox *m, const struct name *n)
{
	return m->namelen == n->n && memcmp(m->name, n->p, n->n) == 0;
}

static int
below(const char *name, size_t len, const struct name *n)
{
	return len > n->n && name[n->n] == '\0' &&
	    memcmp(name, n->p, n->n) == 0;
}

/* What the command renames: INBOX alone (RFC 3501 6.3.5), or all below. */
static int
in_source(const struct mbox *m)
{
	const struct name *src = source(m->e);

	return is(m, src) ||
	    (!is_inbox(src) && below(m->name, m->namelen, src));
}

/* The new name of what is called SOURCE or is below it.  -1: too long. */
static int
new_name(const struct mbox *m, struct name *to)
{
	const struct name *src = source(m->e), *dst = dest(m->e);
	size_t rest = m->namelen - src->n;

	if (dst->n + rest > MAILBOX_NAMEMAX)
		return -1;
	memcpy(to->p, dst->p, dst->n);
	memcpy(to->p + dst->n, m->name + src->n, rest);
	to->n = dst->n + rest;
	to->p[to->n] = '\0';
	return 0;
}

static struct mbox *
renamed(const struct mbox *m)
{
	struct name to;

	return new_name(m, &to) == -1 ? NULL : mbox_find(m->e, to.p, to.n);
}

static int
on(const struct mbox *m, enum peer p)
{
	return p == PEER_DB ? m->idx != 0 : m->s[p].name != NULL;
}

/* A mailbox, not a place above others. */
static int
exists(const struct mbox *m, enum peer p)
{
	return on(m, p) &&
	    (p == PEER_DB || !(m->s[p].attrs & ATTR_NOSELECT));
}

static int
has_source(const struct engine *e, enum peer p)
{
	const struct mbox *m;

	for (m = e->all; m != NULL; m = m->link)
		if (in_source(m) && on(m, p))
			return 1;
	return 0;
}

/* What is in the way of the new names; NULL: nothing. */
static const struct mbox *
in_the_way(const struct engine *e, enum peer p)
{
	const struct mbox *m, *to;

	for (m = e->all; m != NULL; m = m->link)
		if (is(m, dest(e)) && exists(m, p))
			return m;
	for (m = e->all; m != NULL; m = m->link) {
		if (!in_source(m) || !exists(m, p))
			continue;
		to = renamed(m);
		if (to != NULL && !in_source(to) && exists(to, p))
			return to;
	}
	return NULL;
}

/* ---- renamed already ---- */

/* This is, on this side, what the database knows by that row. */
static int
same(const struct mbox *row, const struct mbox *m, enum side side)
{
	const struct mside *s = &m->s[side];
	const struct msg_state *db = &row->s[side].db;

	return s->name != NULL && (s->has & STATUS_UIDVALIDITY) &&
	    s->status.uidvalidity == db->uidvalidity &&
	    (s->has & STATUS_UIDNEXT) && s->status.uidnext >= db->uidnext &&
	    (s->has & STATUS_MODSEQ) && s->status.modseq >= db->modseq;
}

/* INBOX is always there; then it is another one. */
static int
source_left(const struct mbox *m, enum side side)
{
	if (!is_inbox(source(m->e)))
		return 1;
	return m->hasstate && m->s[side].status.uidvalidity ==
	    m->s[side].db.uidvalidity;
}

static int
done_before(const struct engine *e, enum side side)
{
	const struct mbox *m, *to;
	int n = 0;

	for (m = e->all; m != NULL; m = m->link) {
		if (!in_source(m))
			continue;
		if (on(m, (enum peer)side) && source_left(m, side))
			return 0;
		if (m->idx == 0 || !m->hasstate)
			continue;
		if ((to = renamed(m)) == NULL || !same(m, to, side))
			return 0;
		n++;
	}
	return n > 0;
}

/* ---- what is refused ---- */

static int
refuse(struct engine *e, int side, const char *name, const char *why)
{
	say(e, LOG_L_ERROR, side, NULL, "Mailbox %s %s. Nothing was changed",
	    name, why);
	e->outcome = outcome_worse(e->outcome, OUT_FAILED);
	e->cmd->failed = 1;
	return -1;
}

/* What of the two names can be said without a look at the servers. */
static int
check_names(struct engine *e)
{
	const struct name *src = source(e), *dst = dest(e);

	if (is_inbox(dst) || (src->n == dst->n &&
	    memcmp(src->p, dst->p, dst->n) == 0))
		return refuse(e, SIDE_NONE, e->patterns[1], "exists");
	if (!is_inbox(src) && below(dst->p, dst->n, src))
		return refuse(e, SIDE_NONE, e->patterns[0], "would be below "
		    "itself");
	if (dst->p[dst->n - 1] == '\0')
		return refuse(e, SIDE_NONE, e->patterns[1], "cannot be: the "
		    "name ends with the hierarchy delimiter");
	return 0;
}

static void
say_exists(struct engine *e, enum peer p, const struct mbox *m)
{
	const char *where = p == PEER_DB ? "database" :
	    side_name((enum side)p);
	char buf[MAILBOX_NAMEMAX + 1];
	const char *name = command_display(e, m->name, m->namelen, buf,
	    sizeof(buf));

	say(e, LOG_L_ERROR, (int)p, NULL, "Mailbox %s exists. Run `interimap "
	    "--target=%s --delete %s` to delete, or, if it was renamed there "
	    "already, give --target with the other targets. Nothing was "
	    "changed", name, where, name);
	e->outcome = outcome_worse(e->outcome, OUT_FAILED);
	e->cmd->failed = 1;
}

/* Each new name can be had on this side. */
static void
check_new(struct engine *e, enum side side)
{
	const struct mbox *m;
	struct name to;
	char *name;

	for (m = e->all; m != NULL && !e->cmd->failed; m = m->link) {
		if (!in_source(m) || !on(m, (enum peer)side))
			continue;
		name = NULL;
		if (new_name(m, &to) == 0)
			name = name_on(e->ref[side], e->delim[side], to.p,
			    to.n);
		if (name == NULL)
			(void)refuse(e, (int)side, m->s[side].name, "cannot "
			    "have its new name there (it holds the delimiter, "
			    "or is too long)");
		free(name);
	}
}

static void
check_target(struct engine *e, enum peer p)
{
	const struct mbox *m;

	if (!(e->cmd->targets & TARGET(p)))
		return;
	if (p != PEER_DB && done_before(e, (enum side)p)) {
		e->cmd->done[p] = 1;
		say(e, LOG_L_INFO, (int)p, NULL, "Mailbox %s is renamed to %s "
		    "already", e->patterns[0], e->patterns[1]);
		return;
	}
	if ((m = in_the_way(e, p)) != NULL)
		say_exists(e, p, m);
	else if (p != PEER_DB)
		check_new(e, (enum side)p);
}

/* ---- the database ---- */

static void
moved(struct request *r, const struct msg_fail *fail)
{
	struct engine *e = r->e;

	e->cmd->pending--;
	if (fail != NULL) {
		command_refused(e, r->peer, "rename the mailbox", fail);
		return;
	}
	KILLPOINT("command-database");
	say(e, LOG_L_NOTICE, SIDE_DB, NULL, "Renamed mailbox %s to %s",
	    e->patterns[0], e->patterns[1]);
}

static void
move(struct engine *e, const struct name *from, const struct name *to, int deep)
{
	struct msg_move mv;
	struct ibuf b;

	mv.from.p = from->p;
	mv.from.n = from->n;
	mv.to.p = to->p;
	mv.to.n = to->n;
	mv.deep = (uint8_t)deep;
	ibuf_init(&b);
	msg_put_move(&b, &mv);
	command_request(e, PEER_DB, MSG_MOVE, &b, moved);
}

/* Both servers have by the new name what the database knows by this row. */
static int
followed(const struct mbox *m)
{
	const struct mbox *to = renamed(m);

	return m->hasstate && to != NULL && to->idx == 0 &&
	    same(m, to, LOCAL) && same(m, to, REMOTE);
}

/*
 * Some servers take INBOX's children along, some copy the messages to a new
 * mailbox: the rows go where the mailboxes are now.  A row that stays is right
 * for the INBOX that stays; the next run pairs the mail of the new mailbox.
 */
static void
follow_inbox(struct engine *e)
{
	const struct mbox *m;
	struct name from, to;

	for (m = e->all; m != NULL; m = m->link) {
		if (m->idx == 0 || !(is(m, source(e)) ||
		    below(m->name, m->namelen, source(e))))
			continue;
		if (!followed(m) || new_name(m, &to) == -1)
			continue;
		memcpy(from.p, m->name, m->namelen);
		from.n = m->namelen;
		move(e, &from, &to, 0);
	}
}

/* As before any RENAME, but for what the database knows. */
static void
forget_lists(struct engine *e)
{
	struct mbox *m;
	int i;

	for (m = e->all; m != NULL; m = m->link)
		for (i = 0; i < 2; i++) {
			free(m->s[i].name);
			m->s[i].name = NULL;
			m->s[i].has = 0;
		}
}

static void
rename_rows(struct engine *e)
{
	KILLPOINT("command-remote");
	if (!(e->cmd->targets & TARGET_DB))
		return;
	if (is_inbox(source(e))) {
		forget_lists(e);
		command_list(e, TARGET_LOCAL | TARGET_REMOTE);
		command_wait(e, follow_inbox);
	} else if (has_source(e, PEER_DB))
		move(e, source(e), dest(e), 1);
}

/* ---- the servers ---- */

static void
rename_answered(struct request *r, const struct msg_fail *fail)
{
	struct engine *e = r->e;
	char what[2 * MAILBOX_NAMEMAX + 32], *from, *to;

	from = name_on(e->ref[r->peer], e->delim[r->peer], source(e)->p,
	    source(e)->n);
	to = name_on(e->ref[r->peer], e->delim[r->peer], dest(e)->p,
	    dest(e)->n);
	if (fail == NULL)
		say(e, LOG_L_NOTICE, (int)r->peer, NULL, "Renamed mailbox %s "
		    "to %s", from, to);
	else {
		snprintf(what, sizeof(what), "rename mailbox %s to %s", from,
		    to);
		command_refused(e, r->peer, what, fail);
		e->cmd->failed = 1;
	}
	free(from);
	free(to);
	command_done(r, NULL);
}

static void
rename_on(struct engine *e, enum side side, void (*next)(struct engine *))
{
	struct msg_rename rn;
	struct ibuf b;
	char *from, *to;

	if ((e->cmd->targets & TARGET(side)) && !e->cmd->done[side] &&
	    has_source(e, (enum peer)side)) {
		from = name_on(e->ref[side], e->delim[side], source(e)->p,
		    source(e)->n);
		to = name_on(e->ref[side], e->delim[side], dest(e)->p,
		    dest(e)->n);
		rn.from = bytes_of(from);
		rn.to = bytes_of(to);
		ibuf_init(&b);
		msg_put_rename(&b, &rn);
		command_request(e, (enum peer)side, MSG_RENAME, &b,
		    rename_answered);
		free(from);
		free(to);
	}
	command_wait(e, next);
}

static void
rename_remote(struct engine *e)
{
	KILLPOINT("command-local");
	rename_on(e, REMOTE, rename_rows);
}

static void
rename_local(struct engine *e)
{
	KILLPOINT("command-checked");
	rename_on(e, LOCAL, rename_remote);
}

void
rename_start(struct engine *e)
{
	int i, n = 0;

	if (check_names(e) == -1)
		return;
	for (i = 0; i < NPEERS; i++)
		check_target(e, (enum peer)i);
	if (e->cmd->failed)
		return;
	for (i = 0; i < NPEERS; i++)
		n += (e->cmd->targets & TARGET(i)) &&
		    has_source(e, (enum peer)i);
	if (n == 0)
		say(e, LOG_L_INFO, SIDE_NONE, NULL, "Mailbox %s does not "
		    "exist: nothing to rename", e->patterns[0]);
	else
		command_begin(e, rename_local);
}
