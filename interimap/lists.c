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
 * Before any mailbox is selected: the lists of both servers and of the
 * database, asked for at once; which mailboxes are to be created, subscribed,
 * left alone, or synchronized.  Names are kept without list-reference and
 * with NUL as delimiter, as the database has them (names.c).
 */
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"
#include "repair.h"

static void	lists_ready(struct engine *);
static void	lists_send(struct engine *);
static void	begin(struct engine *);

/* ---- answers ---- */

void
lists_step(struct engine *e)
{
	void (*next)(struct engine *) = e->listnext;

	if (e->listpending > 0 || next == NULL || e->lost)
		return;
	e->listnext = NULL;
	next(e);
}

/* What the database says names the file, and what to do about it. */
static void
list_failed(struct request *r, const struct msg_fail *fail)
{
	if (r->peer == PEER_DB)
		say(r->e, LOG_L_ERROR, SIDE_DB, NULL, "%.*s",
		    (int)fail->text.n, fail->text.p);
	else
		say(r->e, LOG_L_ERROR, (int)r->peer, NULL, "%s failed: "
		    "%s%.*s%s%.*s; nothing was changed, tried again in the "
		    "next run", msg_name(r->type), fail->code.n > 0 ? "[" : "",
		    (int)fail->code.n, fail->code.p,
		    fail->code.n > 0 ? "] " : "", (int)fail->text.n,
		    fail->text.p);
}

static void
list_done(struct request *r, const struct msg_fail *fail)
{
	struct engine *e = r->e;

	e->listpending--;
	if (fail != NULL) {
		list_failed(r, fail);
		engine_lost(e, outcome_of(fail) == OUT_PARTIAL ? OUT_FAILED :
		    outcome_of(fail));
		return;
	}
	lists_step(e);
}

static void
list_request(struct engine *e, enum peer peer, enum msg_type type,
    struct ibuf *b, void *arg)
{
	e->listpending++;
	request(e, NULL, peer, type, b, arg == &e->unlisted ? unlisted_done :
	    list_done, arg);
}

/*
 * One that is \Noselect or \NonExistent counts as absent, but it may be
 * subscribed: then it need not be again when it is created.
 */
int
lists_absent(struct mside *s, const struct msg_mailbox *mb)
{
	if ((mb->attrs & (ATTR_NOSELECT | ATTR_NONEXISTENT)) == 0)
		return 0;
	if (s->name == NULL)
		s->attrs = mb->attrs;
	return 1;
}

void
lists_status(struct mside *s, const struct msg_mailbox *mb)
{
	free(s->name);
	if ((s->name = bytes_dup(mb->name)) == NULL)
		fatal("out of memory");
	s->attrs = mb->attrs;
	s->has = mb->has;
	s->status.uidvalidity = mb->uidvalidity;
	s->status.uidnext = mb->uidnext;
	s->status.modseq = mb->modseq;
	s->messages = mb->messages;
}

static void
take_listed(struct engine *e, enum side side, const struct msg_mailbox *mb)
{
	char name[MAILBOX_NAMEMAX + 1];
	struct mside *s;
	size_t len;

	/* A server may not answer LIST ref "" (RFC 3501 section 6.3.8). */
	if (!e->hasdelim[side] && mb->delim != '\0')
		lists_delimiter(e, side, mb);
	if (name_canonical(e->ref[side], (char)mb->delim, mb->name, name,
	    &len) == -1) {
		say(e, LOG_L_DEBUG, (int)side, NULL, "%.*s is not below the "
		    "list-reference", (int)mb->name.n, mb->name.p);
		return;
	}
	if (e->calls.ignored != NULL && e->calls.ignored(e->arg, name, len))
		return;
	s = &mbox_get(e, name, len)->s[side];
	if (lists_absent(s, mb))
		return;
	if (s->name != NULL && !bytes_eq(mb->name, bytes_of(s->name))) {
		say(e, LOG_L_WARN, (int)side, NULL, "Mailbox %.*s would be the "
		    "same as %s elsewhere; left alone. Rename it",
		    (int)mb->name.n, mb->name.p, s->name);
		e->outcome = outcome_worse(e->outcome, OUT_PARTIAL);
		return;
	}
	lists_status(s, mb);
	e->messages[side] += mb->has & STATUS_MESSAGES ? mb->messages : 1;
}

int
lists_mailbox(struct request *r, struct imsg *im)
{
	struct msg_mailbox mb;

	if (msg_get_mailbox(&im->data, &mb) == -1)
		return -1;
	if (r->arg == &r->e->unlisted)
		unlisted_take(r->e, (enum side)r->peer, &mb);
	else if (r->arg != NULL)
		lists_delimiter(r->e, (enum side)r->peer, &mb);
	else
		take_listed(r->e, (enum side)r->peer, &mb);
	return 0;
}

int
lists_dbmailbox(struct request *r, struct imsg *im)
{
	struct msg_dbmailbox d;
	struct mbox *m;

	if (msg_get_dbmailbox(&im->data, &d) == -1)
		return -1;
	m = mbox_get(r->e, d.name.p, d.name.n);
	m->idx = d.idx;
	m->subscribed = d.subscribed;
	m->hasstate = d.hasstate;
	r->e->known |= d.hasstate;
	m->above = d.above;
	m->nintents = d.intents;
	m->nheld = d.held;
	m->s[LOCAL].db = d.st[LOCAL];
	m->s[REMOTE].db = d.st[REMOTE];
	return 0;
}

/* ---- asking ---- */

/* The payload of a LIST. */
void
lists_put(struct ibuf *b, const struct engine *e, enum side side,
    const char *opts, int status, struct bytes *patterns, uint32_t n)
{
	struct msg_list l;
	uint32_t i;

	memset(&l, 0, sizeof(l));
	l.ref = bytes_of(e->ref[side]);
	l.opts = bytes_of(opts);
	l.status = (uint8_t)status;
	l.npatterns = n;
	ibuf_init(b);
	msg_put_list(b, &l);
	for (i = 0; i < n; i++)
		msg_put_pattern(b, patterns[i].p, patterns[i].n);
}

void
lists_ask(struct engine *e, enum side side, const char *opts, int status,
    struct bytes *patterns, uint32_t n, void *arg)
{
	struct ibuf b;

	lists_put(&b, e, side, opts, status, patterns, n);
	list_request(e, (enum peer)side, MSG_LIST, &b, arg);
}

static void
ask_database(struct engine *e)
{
	struct ibuf b;

	ibuf_init(&b);
	list_request(e, PEER_DB, MSG_MAILBOXES, &b, NULL);
	ibuf_init(&b);
	list_request(e, PEER_DB, MSG_REFUSALS, &b, NULL);
	e->listnext = lists_ready;
}

/* Both lists are in, so that what a server tells of delimiters is known. */
static void
lists_migrate(struct engine *e)
{
	struct ibuf b;

	migrate_put(e, &b);
	e->listnext = ask_database;
	list_request(e, PEER_DB, MSG_MIGRATE, &b, NULL);
}

void
lists_start(struct engine *e)
{
	struct bytes empty = { "", 0 };
	int i;

	if (!e->migrate)
		ask_database(e);
	for (i = 0; i < 2; i++)
		lists_ask(e, (enum side)i, "", 0, &empty, 1, e->delim);
	/* Patterns may hold the delimiter, which must be known first. */
	if (e->npatterns == 0)
		lists_send(e);
	else
		e->listnext = lists_send;
}

static void
lists_send(struct engine *e)
{
	struct ibuf b;
	int i;

	e->listnext = e->migrate ? lists_migrate : lists_ready;
	for (i = 0; i < 2; i++) {
		names_list(&b, e, (enum side)i);
		list_request(e, (enum peer)i, MSG_LIST, &b, NULL);
	}
}

/* ---- what is to be done ---- */

static void
plain_begin(struct request *r, const struct msg_fail *fail)
{
	if (fail == NULL)
		return;
	list_failed(r, fail);
	engine_lost(r->e, outcome_of(fail));
}

/* Before mail is touched the database is written to, once. */
static void
begin(struct engine *e)
{
	struct ibuf b;

	if (e->begun)
		return;
	e->begun = 1;
	ibuf_init(&b);
	request(e, NULL, PEER_DB, MSG_BEGIN, &b, plain_begin, NULL);
}

int
lists_added(struct request *r, struct imsg *im)
{
	r->m->idx = ibuf_get_u32(&im->data);
	return ibuf_done(&im->data);
}

/*
 * A mailbox only one side has.  One the database knows is gone from the
 * other, by deletion or renaming, and only the user knows which.
 */
static void
one_sided(struct mbox *m, enum side has)
{
	struct engine *e = m->e;
	enum side o = OTHER(has);
	char *name;

	if ((name = name_on(e->ref[o], e->delim[o], m->name, m->namelen)) ==
	    NULL) {
		say(e, LOG_L_WARN, (int)o, NULL, "Mailbox %s cannot have that "
		    "name there (it holds the delimiter, is too long, or is "
		    "INBOX in another spelling); left alone", m->s[has].name);
		e->outcome = outcome_worse(e->outcome, OUT_PARTIAL);
		return;
	}
	if (m->idx != 0) {
		say(e, LOG_L_WARN, (int)o, NULL, "Mailbox %s is gone there but "
		    "exists on %s; left alone. If it was deleted, run "
		    "interimap --delete, if renamed, --rename with both names",
		    m->s[has].name, side_name(has));
		e->outcome = outcome_worse(e->outcome, OUT_PARTIAL);
		free(name);
		return;
	}
	m->s[o].name = name;
	m->s[o].missing = 1;
	begin(e);
	engine_queue(m);
}

static int
is_dirty(const struct mbox *m)
{
	const struct mside *s;
	int i;

	if (!m->hasstate || m->above || m->nintents > 0 || m->e->repairing ||
	    m->e->resetting || refusals_due(m) || guard_due(m))
		return 1;
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!(s->has & STATUS_UIDNEXT) || !(s->has & STATUS_MODSEQ) ||
		    s->status.uidnext != s->db.uidnext ||
		    s->status.modseq != s->db.modseq)
			return 1;
	}
	return 0;
}

/* 1: another UIDVALIDITY than the database's; said once, left alone. */
static int
was_replaced(struct mbox *m)
{
	char arg[NAME_ARGMAX];
	const struct mside *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!m->hasstate || !(s->has & STATUS_UIDVALIDITY) ||
		    s->status.uidvalidity == s->db.uidvalidity)
			continue;
		say(m->e, LOG_L_ERROR, i, m, "UIDVALIDITY changed! (%u != %u)  "
		    "Need to invalidate the UID cache for %s. The mailbox was "
		    "replaced there; left alone. To recognise its messages on "
		    "both sides and copy the others, run interimap --reset %s%s",
		    s->db.uidvalidity, s->status.uidvalidity, s->name,
		    m->name[0] == '-' ? "-- " : "",
		    name_argument(m, arg, sizeof(arg)));
		m->e->outcome = outcome_worse(m->e->outcome, OUT_PARTIAL);
		return 1;
	}
	return 0;
}

void
lists_decide(struct mbox *m)
{
	int l = m->s[LOCAL].name != NULL, r = m->s[REMOTE].name != NULL;

	if ((!l && !r) || (m->e->resetting && !reset_wanted(m)))
		return;
	m->e->stats.mailboxes++;
	if (m->nheld > 0 && (!l || !r || !is_dirty(m)))
		guard_say(m);
	if (!l || !r) {
		one_sided(m, l ? LOCAL : REMOTE);
		return;
	}
	if (m->idx != 0) {
		if (!m->e->resetting && was_replaced(m))
			return;
		subscribe_known(m);
	}
	if (m->e->repairing && m->idx != 0 && !m->hasstate)
		repair_left(m);
	else if (m->idx == 0 || is_dirty(m)) {
		if (!m->e->resetting && (m->above || m->nintents > 0))
			say(m->e, LOG_L_NOTICE, SIDE_NONE, NULL, "Resuming "
			    "interrupted sync for %s", mbox_display(m));
		begin(m->e);
		engine_queue(m);
	}
}

/* INBOX is always there, listed or not (RFC 3501 section 5.1). */
void
lists_inbox(struct engine *e)
{
	struct mbox *m = mbox_get(e, "INBOX", 5);
	int i;

	if (m->s[LOCAL].name == NULL && m->s[REMOTE].name == NULL)
		return;
	for (i = 0; i < 2; i++)
		if (m->s[i].name == NULL && e->ref[i][0] == '\0')
			m->s[i].name = xstrdup("INBOX");
}

void
lists_clean(struct engine *e)
{
	if (e->stats.dirty == 0)
		say(e, LOG_L_DEBUG, SIDE_NONE, NULL, "Clean state!");
}

static void
decide_all(struct engine *e)
{
	struct mbox *m;

	guard_names(e);
	for (m = e->all; m != NULL; m = m->link)
		if (unlisted_is(m))
			unlisted_hold(m);
		else
			lists_decide(m);
	if (e->resetting)
		reset_unknown(e);
	if (e->unlisted == NULL) {
		lists_clean(e);
		return;
	}
	unlisted_ask(e);
}

int
lists_counted(struct request *r, struct imsg *im)
{
	struct msg_counted c;

	if (msg_get_counted(&im->data, &c) == -1)
		return -1;
	r->e->mapped += c.rows;
	((struct mbox *)r->arg)->counted = c;
	return 0;
}

/*
 * A side without one message: how many did it have?  Mailboxes that are gone
 * or were replaced there count, too.  And of which side are those held?
 */
static void
count_rows(struct engine *e)
{
	const int all = e->messages[LOCAL] == 0 || e->messages[REMOTE] == 0;
	struct mbox *m;
	struct ibuf b;

	for (m = e->all; m != NULL; m = m->link) {
		if (m->idx == 0 || !m->hasstate || (!all && m->nheld == 0) ||
		    (m->s[LOCAL].name == NULL && m->s[REMOTE].name == NULL))
			continue;
		ibuf_init(&b);
		ibuf_add_u32(&b, m->idx);
		list_request(e, PEER_DB, MSG_COUNT, &b, m);
	}
}

static void
lists_ready(struct engine *e)
{
	if ((e->delim[LOCAL] == 0) != (e->delim[REMOTE] == 0)) {
		say(e, LOG_L_ERROR, SIDE_NONE, NULL, "one server has a "
		    "hierarchy of mailboxes and the other is flat: they cannot "
		    "be synchronized");
		engine_lost(e, OUT_FAILED);
		return;
	}
	unlisted_places(e);
	if (e->opts[0] == '\0')
		lists_inbox(e);
	e->listnext = decide_all;
	count_rows(e);
	lists_step(e);
}
