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
 * Requests of the engine and their answers: a table of slots (the id on the
 * wire is the slot + 1), and the table of which event may answer which
 * request, with its reader.  An event in the wrong place is an error of the
 * peer, and the caller ends the session.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "refusals.h"

/* MAILBOX means another thing to a command than to a synchronization. */
static int
listed(struct request *r, struct imsg *im)
{
	return r->e->cmd != NULL ? command_mailbox(r, im) :
	    lists_mailbox(r, im);
}

static const struct event {
	enum msg_type	request, event;
	int		(*read)(struct request *, struct imsg *);
} events[] = {
	{ MSG_LIST,	MSG_MAILBOX,	listed },
	{ MSG_MAILBOXES, MSG_DBMAILBOX,	lists_dbmailbox },
	{ MSG_ADD,	MSG_ADDED,	lists_added },
	{ MSG_COUNT,	MSG_COUNTED,	pull_counted },
	{ MSG_PULL,	MSG_SELECTED,	pull_selected },
	{ MSG_PULL,	MSG_VANISHED,	pull_vanished },
	{ MSG_PULL,	MSG_CHANGED,	pull_changed },
	{ MSG_PULL,	MSG_UIDS,	pull_uids },
	{ MSG_PULL,	MSG_MESSAGE,	pull_message },
	{ MSG_SEARCH,	MSG_UIDS,	pull_uids },
	{ MSG_LOOKUP,	MSG_PAIRS,	pull_pairs },
	{ MSG_LOOKUP,	MSG_SKIPPED,	pull_skipped },
	{ MSG_INTENTS,	MSG_INTENDED,	pull_intended },
	{ MSG_REFUSALS,	MSG_REFUSED,	refusals_take },
	{ MSG_REFUSALS,	MSG_NOKEYWORD,	keywords_take },
	{ MSG_IDENTIFY,	MSG_MESSAGE,	adopt_identity },
	{ MSG_GETFLAGS,	MSG_CHANGED,	adopt_flags },
	{ MSG_STORE,	MSG_STORED,	push_stored },
	{ MSG_EXPUNGE,	MSG_VANISHED,	push_vanished },
	{ MSG_GETMETA,	MSG_MESSAGE,	copy_meta },
	{ MSG_COPY_IN,	MSG_APPENDED,	copy_appended },
	{ MSG_COPY_IN,	MSG_LEFTOUT,	copy_leftout },
	{ MSG_COPY_OUT,	MSG_LEFTOUT,	copy_leftout }
};

void *
grow(void *p, size_t n, size_t *size, size_t item)
{
	size_t want;

	if (n < *size)
		return p;
	want = *size < 8 ? 8 : *size + *size / 2;
	if ((p = reallocarray(p, want, item)) == NULL)
		fatal("out of memory");
	*size = want;
	return p;
}

int
uidset_chunk(const struct uidset *set, size_t *pos, struct uidset *out)
{
	size_t n;

	for (n = 0; n < MSG_MAXRANGES && *pos < set->n; n++, (*pos)++)
		if (uidset_add_range(out, set->r[*pos].lo, set->r[*pos].hi)
		    == -1)
			fatal("out of memory");
	return n > 0;
}

char *
xstrdup(const char *s)
{
	char *p;

	if ((p = strdup(s)) == NULL)
		fatal("out of memory");
	return p;
}

static uint32_t
new_slot(struct engine *e)
{
	uint32_t i, n = e->nreqs == 0 ? 64 : e->nreqs * 2;

	if (e->freereq != 0) {
		i = e->freereq - 1;
		e->freereq = e->reqs[i].nextfree;
		return i;
	}
	e->reqs = recallocarray(e->reqs, e->nreqs, n, sizeof(*e->reqs));
	if (e->reqs == NULL)
		fatal("out of memory");
	for (i = n; i > e->nreqs + 1; i--) {
		e->reqs[i - 1].nextfree = e->freereq;
		e->freereq = i;
	}
	i = e->nreqs;
	e->nreqs = n;
	return i;
}

void
request(struct engine *e, struct mbox *m, enum peer peer, enum msg_type type,
    struct ibuf *payload, req_done done, void *arg)
{
	struct request *r;
	uint32_t i;

	if (e->lost) {
		ibuf_free(payload);
		return;
	}
	i = new_slot(e);
	r = &e->reqs[i];
	memset(r, 0, sizeof(*r));
	r->type = type;
	r->peer = peer;
	r->e = e;
	r->m = m;
	r->arg = arg;
	r->done = done;
	if (m != NULL)
		m->pending++;
	e->outstanding++;
	if (e->calls.send(e->arg, peer, type, i + 1, payload) == -1)
		engine_lost(e, OUT_INTERNAL);
	ibuf_free(payload);
}

void
uids_send(struct mbox *m, enum side side, enum msg_type type, uint8_t id,
    const struct uidset *set, req_done done, void *arg)
{
	struct msg_uids u;
	struct ibuf b;
	size_t pos = 0;

	memset(&u, 0, sizeof(u));
	u.mailbox = bytes_of(m->s[side].name);
	u.uidvalidity = m->s[side].sel.uidvalidity;
	u.id = id;
	while (uidset_chunk(set, &pos, &u.set)) {
		ibuf_init(&b);
		if (type == MSG_GETMETA || type == MSG_IDENTIFY)
			msg_put_uidsid(&b, &u);
		else
			msg_put_uids(&b, &u);
		request(m->e, m, (enum peer)side, type, &b, done, arg);
		uidset_free(&u.set);
	}
}

/* DONE or FAIL: the slot is free before the callback, which may reuse it. */
static int
finish(struct engine *e, uint32_t slot, struct imsg *im)
{
	struct request r = e->reqs[slot];
	struct msg_fail fail, *f = NULL;

	if (im->type == MSG_FAIL) {
		if (msg_get_fail(&im->data, &fail) == -1)
			return -1;
		f = &fail;
	} else if (ibuf_done(&im->data) == -1)
		return -1;
	e->reqs[slot].type = MSG_NONE;
	e->reqs[slot].nextfree = e->freereq;
	e->freereq = slot + 1;
	e->outstanding--;
	if (r.m != NULL)
		r.m->pending--;
	r.done(&r, f);
	if (r.m != NULL)
		mbox_step(r.m);
	return 0;
}

int
request_answer(struct engine *e, enum peer peer, struct imsg *im)
{
	struct request *r;
	size_t i;

	if (im->id == 0 || im->id > e->nreqs)
		return -1;
	r = &e->reqs[im->id - 1];
	if (r->type == MSG_NONE || r->peer != peer)
		return -1;
	if (im->type == MSG_DONE || im->type == MSG_FAIL)
		return finish(e, im->id - 1, im);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i].request == r->type && events[i].event == im->type)
			return events[i].read(r, im);
	return -1;
}

void
req_plain(struct request *r, const struct msg_fail *fail)
{
	if (fail != NULL)
		mbox_refused(r->m, r->peer, r->type == MSG_PULL ?
		    "SELECT or FETCH" : msg_name(r->type), fail);
}
