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
 * A run that does not synchronize: --delete, and what it shares with --rename
 * (rename.c).  The lists of the servers and of the database first, then the
 * changes: local, remote, database, and each only when the one before was
 * answered, so that one killed in between is finished by the same command.
 * Called by engine.c; touches no message but by DELETE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "killpoint.h"

struct command_run *
command_new(enum command what, int targets, size_t n)
{
	struct command_run *c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->names = calloc(n, sizeof(*c->names))) == NULL)
		fatal("out of memory");
	c->what = what;
	c->targets = targets;
	c->n = n;
	return c;
}

void
command_free(struct command_run *c)
{
	if (c == NULL)
		return;
	free(c->names);
	free(c);
}

/* ---- one step after the other ---- */

static void
command_step(struct engine *e)
{
	void (*next)(struct engine *) = e->cmd->next;

	if (e->cmd->pending > 0 || next == NULL || e->lost)
		return;
	e->cmd->next = NULL;
	if (!e->cmd->failed)
		next(e);
}

void
command_wait(struct engine *e, void (*next)(struct engine *))
{
	e->cmd->next = next;
	command_step(e);
}

void
command_refused(struct engine *e, enum peer peer, const char *what,
    const struct msg_fail *f)
{
	enum outcome o = outcome_of(f);

	say(e, LOG_L_ERROR, (int)peer, NULL, "Couldn't %s: %s%.*s%s%.*s; when "
	    "the cause is removed, give the same command again: it goes on "
	    "from here", what, f->code.n > 0 ? "[" : "", (int)f->code.n,
	    f->code.p, f->code.n > 0 ? "] " : "", (int)f->text.n, f->text.p);
	e->outcome = outcome_worse(e->outcome,
	    o == OUT_PARTIAL ? OUT_FAILED : o);
}

/* Its words name the file, and what to do about it. */
static void
database_failed(struct engine *e, const struct msg_fail *f)
{
	say(e, LOG_L_ERROR, SIDE_DB, NULL, "%.*s", (int)f->text.n, f->text.p);
	e->outcome = outcome_worse(e->outcome, outcome_of(f));
}

void
command_done(struct request *r, const struct msg_fail *fail)
{
	struct engine *e = r->e;

	e->cmd->pending--;
	if (fail != NULL) {
		if (r->peer == PEER_DB)
			database_failed(e, fail);
		else
			command_refused(e, r->peer, "list mailboxes", fail);
		e->cmd->failed = 1;
	}
	command_step(e);
}

void
command_request(struct engine *e, enum peer peer, enum msg_type type,
    struct ibuf *b, req_done done)
{
	e->cmd->pending++;
	request(e, NULL, peer, type, b, done, NULL);
}

void
command_begin(struct engine *e, void (*next)(struct engine *))
{
	struct ibuf b;

	if (e->cmd->targets & TARGET_DB) {
		ibuf_init(&b);
		command_request(e, PEER_DB, MSG_BEGIN, &b, command_done);
	}
	command_wait(e, next);
}

const char *
command_display(const struct engine *e, const char *name, size_t len,
    char *buf, size_t size)
{
	char delim = e->delim[LOCAL] != '\0' ? e->delim[LOCAL] : '/';
	size_t i;

	for (i = 0; i < len && i < size - 1; i++)
		buf[i] = name[i] == '\0' ? delim : name[i];
	buf[i] = '\0';
	return buf;
}

/* ---- the lists ---- */

int
command_mailbox(struct request *r, struct imsg *im)
{
	char name[MAILBOX_NAMEMAX + 1];
	struct engine *e = r->e;
	struct msg_mailbox mb;
	size_t len;

	if (msg_get_mailbox(&im->data, &mb) == -1)
		return -1;
	if (r->arg == e->delim) {
		lists_delimiter(e, (enum side)r->peer, &mb);
		return 0;
	}
	if ((mb.attrs & ATTR_NONEXISTENT) || name_canonical(e->ref[r->peer],
	    (char)mb.delim, mb.name, name, &len) == -1)
		return 0;
	lists_status(&mbox_get(e, name, len)->s[r->peer], &mb);
	return 0;
}

/* arg: e->delim when only the delimiter is asked for. */
static void
send_list(struct engine *e, enum side side, int status, struct bytes *patterns,
    uint32_t n, void *arg)
{
	struct ibuf b;

	lists_put(&b, e, side, "", status, patterns, n);
	e->cmd->pending++;
	request(e, NULL, (enum peer)side, MSG_LIST, &b, command_done, arg);
}

/* The names on this side, and for --rename all that is below them. */
static void
list_side(struct engine *e, enum side side)
{
	struct bytes *p = calloc(2 * e->cmd->n, sizeof(*p));
	char *copy, *below;
	uint32_t i, n = 0;

	if (p == NULL)
		fatal("out of memory");
	for (i = 0; i < e->cmd->n; i++) {
		/* A name that cannot be there is not asked for. */
		copy = name_on("", e->delim[side], e->cmd->names[i].p,
		    e->cmd->names[i].n);
		if (copy == NULL)
			continue;
		p[n++] = bytes_of(copy);
		if (e->cmd->what != CMD_RENAME || e->delim[side] == '\0' ||
		    strlen(copy) + 2 > MAILBOX_NAMEMAX)
			continue;
		if (asprintf(&below, "%s%c*", copy, e->delim[side]) == -1)
			fatal("out of memory");
		p[n++] = bytes_of(below);
	}
	if (n > 0)
		send_list(e, side, e->cmd->what == CMD_RENAME, p, n, NULL);
	while (n > 0) {
		memcpy(&copy, &p[--n].p, sizeof(copy));
		free(copy);
	}
	free(p);
}

void
command_list(struct engine *e, int targets)
{
	int i;

	for (i = 0; i < 2; i++)
		if (targets & TARGET(i))
			list_side(e, (enum side)i);
}

/* ---- --delete ---- */

static void
deleted(struct request *r, const struct msg_fail *fail)
{
	struct mbox *m = r->m;
	char what[MAILBOX_NAMEMAX + 32];

	if (fail == NULL) {
		say(r->e, LOG_L_NOTICE, (int)r->peer, NULL, "Deleted mailbox "
		    "%s", m->s[r->peer].name);
		return;
	}
	/* Dovecot lists a mailbox that has only children as one. */
	if (bytes_eq(fail->code, bytes_of("NONEXISTENT"))) {
		say(r->e, LOG_L_DEBUG, (int)r->peer, NULL, "Mailbox %s does "
		    "not exist", m->s[r->peer].name);
		return;
	}
	snprintf(what, sizeof(what), "delete mailbox %s",
	    m->s[r->peer].name);
	command_refused(r->e, r->peer, what, fail);
	m->failed = 1;
}

static void
forgotten(struct request *r, const struct msg_fail *fail)
{
	char buf[MAILBOX_NAMEMAX + 1], what[MAILBOX_NAMEMAX + 32];
	const char *name;

	name = command_display(r->e, r->m->name, r->m->namelen, buf,
	    sizeof(buf));
	if (fail == NULL) {
		KILLPOINT("command-database");
		say(r->e, LOG_L_NOTICE, SIDE_DB, NULL, "Removed mailbox %s",
		    name);
		return;
	}
	snprintf(what, sizeof(what), "remove mailbox %s", name);
	command_refused(r->e, r->peer, what, fail);
}

/* Only when no server kept it: what is left there must stay known. */
static void
delete_row(struct mbox *m)
{
	struct ibuf b;

	KILLPOINT("command-remote");
	if (m->failed || m->idx == 0 || !(m->e->cmd->targets & TARGET_DB))
		return;
	ibuf_init(&b);
	ibuf_add_u32(&b, m->idx);
	request(m->e, m, PEER_DB, MSG_FORGET, &b, forgotten, NULL);
}

static void
delete_on(struct mbox *m, enum side side, void (*next)(struct mbox *))
{
	if (!m->failed && (m->e->cmd->targets & TARGET(side)) &&
	    m->s[side].name != NULL && !(m->s[side].attrs & ATTR_NOSELECT))
		name_request(m, side, MSG_DELETE, deleted);
	mbox_wait(m, next);
}

static void
delete_remote(struct mbox *m)
{
	KILLPOINT("command-local");
	delete_on(m, REMOTE, delete_row);
}

static int
on_a_target(const struct mbox *m, int targets)
{
	return (m->s[LOCAL].name != NULL && (targets & TARGET_LOCAL)) ||
	    (m->s[REMOTE].name != NULL && (targets & TARGET_REMOTE)) ||
	    (m->idx != 0 && (targets & TARGET_DB));
}

static int
named_before(const struct command_run *c, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (c->names[j].n == c->names[i].n &&
		    memcmp(c->names[j].p, c->names[i].p, c->names[i].n) == 0)
			return 1;
	return 0;
}

static void
delete_all(struct engine *e)
{
	const struct command_run *c = e->cmd;
	struct mbox *m;
	size_t i;

	KILLPOINT("command-checked");
	for (i = 0; i < c->n; i++) {
		if (named_before(c, i))
			continue;
		m = mbox_get(e, c->names[i].p, c->names[i].n);
		if (on_a_target(m, c->targets))
			delete_on(m, LOCAL, delete_remote);
		else
			say(e, LOG_L_INFO, SIDE_NONE, NULL, "Mailbox %s does "
			    "not exist: nothing to delete", e->patterns[i]);
	}
}

static void
delete_start(struct engine *e)
{
	command_begin(e, delete_all);
}

/* ---- the beginning ---- */

/* The delimiters are known: what the arguments name. */
static void
named(struct engine *e)
{
	struct command_run *c = e->cmd;
	struct bytes arg;
	int targets = c->targets;
	size_t i;

	for (i = 0; i < c->n; i++) {
		arg.p = e->patterns[i];
		arg.n = e->patternlen[i];
		if (name_canonical("", e->delim[LOCAL], arg, c->names[i].p,
		    &c->names[i].n) == -1)
			fatal("a checked name is ill-formed");
	}
	/* The database follows what the servers made of INBOX. */
	if (c->what == CMD_RENAME)
		targets |= TARGET_LOCAL | TARGET_REMOTE;
	command_list(e, targets);
	command_wait(e, c->what == CMD_RENAME ? rename_start : delete_start);
}

static void
ask_database(struct engine *e, void (*next)(struct engine *))
{
	struct ibuf b;

	ibuf_init(&b);
	command_request(e, PEER_DB, MSG_MAILBOXES, &b, command_done);
	if (next != NULL)
		command_wait(e, next);
}

static void
migrated(struct engine *e)
{
	ask_database(e, named);
}

/* Whatever the targets: what the database knows is asked for by all. */
static void
migrate(struct engine *e)
{
	struct ibuf b;

	migrate_put(e, &b);
	command_request(e, PEER_DB, MSG_MIGRATE, &b, command_done);
	command_wait(e, migrated);
}

void
command_start(struct engine *e)
{
	struct bytes empty = { "", 0 };
	int i;

	if (!e->migrate)
		ask_database(e, NULL);
	for (i = 0; i < 2; i++)
		send_list(e, (enum side)i, 0, &empty, 1, e->delim);
	command_wait(e, e->migrate ? migrate : named);
}
