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
 * Where LIST and what is there differ.  Mailboxes that the LIST of one side did
 * not show, though they may be there: each is asked for by its name, while the
 * others go on.  And such as it showed, though they are not there.  Called by
 * lists.c.
 */
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

/*
 * Names of one LIST, and their octets: a frame holds them, and so does a line
 * of any server (RFC 2683 section 3.2.1.5).
 */
#define UNLISTED_MAX	100
#define UNLISTED_OCTETS	6000

/* ---- shown, and not there ---- */

static int
has_below(const struct mbox *m, enum side side)
{
	const struct mbox *o;

	for (o = m->e->all; o != NULL; o = o->link)
		if (o->s[side].name != NULL && o->namelen > m->namelen &&
		    o->name[m->namelen] == '\0' &&
		    memcmp(o->name, m->name, m->namelen) == 0)
			return 1;
	return 0;
}

/*
 * Dovecot lists a mailbox that was deleted, if it is subscribed and others are
 * below it, without \NonExistent, but tells no STATUS of it (RFC 5819 section
 * 2).  It is a place above others, and counts as absent like \Noselect.
 */
void
unlisted_places(struct engine *e)
{
	struct mbox *m;
	int i;

	for (m = e->all; m != NULL; m = m->link)
		for (i = 0; i < 2; i++) {
			if (m->s[i].name == NULL || m->s[i].has != 0 ||
			    !has_below(m, (enum side)i))
				continue;
			free(m->s[i].name);
			m->s[i].name = NULL;
		}
}

/* ---- answers ---- */

/* A mailbox that was asked for by its name; its pattern may match others. */
void
unlisted_take(struct engine *e, enum side side, const struct msg_mailbox *mb)
{
	char name[MAILBOX_NAMEMAX + 1];
	struct mbox *m;
	size_t len;

	if (name_canonical(e->ref[side], (char)mb->delim, mb->name, name,
	    &len) == -1 || (m = mbox_find(e, name, len)) == NULL ||
	    !m->unlisted || m->s[side].name != NULL)
		return;
	if (!lists_absent(&m->s[side], mb)) {
		lists_status(&m->s[side], mb);
		e->messages[side] += mb->has & STATUS_MESSAGES ?
		    mb->messages : 1;
	}
}

/* These mailboxes are left alone, the others are not. */
void
unlisted_done(struct request *r, const struct msg_fail *fail)
{
	struct engine *e = r->e;
	struct mbox *m;

	e->listpending--;
	if (fail != NULL) {
		say(e, LOG_L_ERROR, (int)r->peer, NULL, "LIST failed: %.*s; "
		    "mailboxes that were listed on one side only are left "
		    "alone, tried again in the next run", (int)fail->text.n,
		    fail->text.p);
		e->outcome = outcome_worse(e->outcome, outcome_of(fail));
		for (m = e->unlisted; m != NULL; m = m->qlink)
			if (m->s[r->peer].name == NULL)
				m->unlisted = 0;
	}
	lists_step(e);
}

/* ---- asking ---- */

/*
 * A LIST with selection options shows some of what is there (RFC 5258 section
 * 3), and one with patterns may show a mailbox on one side only, since a
 * delimiter of one server is an ordinary character of the other: that it is
 * missing from the LIST does not mean that it is missing.  After LIST "" "*"
 * nothing need be asked.
 *
 * A mailbox that the database has as subscribed and no LIST shows was
 * unsubscribed on both sides.  It is not synchronized, but the database must
 * follow, else the next SUBSCRIBE on one side would look like the older state.
 */
int
unlisted_is(const struct mbox *m)
{
	const struct engine *e = m->e;
	int l = m->s[LOCAL].name != NULL, r = m->s[REMOTE].name != NULL;

	if (l != r)
		return e->opts[0] != '\0' || e->npatterns > 0;
	return !l && e->opts[0] != '\0' && e->npatterns == 0 && m->idx != 0 &&
	    m->subscribed && (e->calls.ignored == NULL ||
	    !e->calls.ignored(e->arg, m->name, m->namelen));
}

/* The next name of the LIST, or NULL when it takes no more. */
static char *
next_unlisted(struct engine *e, enum side side, struct mbox **m, size_t octets)
{
	char *name;

	for (; *m != NULL; *m = (*m)->qlink) {
		if ((*m)->s[side].name != NULL || (name = name_on("",
		    e->delim[side], (*m)->name, (*m)->namelen)) == NULL)
			continue;
		if (octets > 0 && octets + strlen(name) > UNLISTED_OCTETS) {
			free(name);
			return NULL;
		}
		*m = (*m)->qlink;
		return name;
	}
	return NULL;
}

/* LIST each of these names, without options, as many as a request takes. */
static void
ask_unlisted(struct engine *e, enum side side)
{
	struct bytes p[UNLISTED_MAX];
	char *names[UNLISTED_MAX];
	struct mbox *m = e->unlisted;
	size_t octets;
	uint32_t n;

	while (m != NULL) {
		for (n = 0, octets = 0; n < UNLISTED_MAX; n++) {
			names[n] = next_unlisted(e, side, &m, octets);
			if (names[n] == NULL)
				break;
			p[n] = bytes_of(names[n]);
			octets += p[n].n;
		}
		if (n > 0)
			lists_ask(e, side, "", 1, p, n, &e->unlisted);
		while (n > 0)
			free(names[--n]);
	}
}

static void
decide_unlisted(struct engine *e)
{
	struct mbox *m, *next;

	lists_inbox(e);
	for (m = e->unlisted; m != NULL; m = next) {
		next = m->qlink;
		m->qlink = NULL;
		if (m->unlisted == UNLISTED_SIDE)
			lists_decide(m);
		else if (m->unlisted == UNLISTED_BOTH &&
		    m->s[LOCAL].name != NULL && m->s[REMOTE].name != NULL)
			subscribe_known(m);
	}
	e->unlisted = NULL;
	lists_clean(e);
}

void
unlisted_hold(struct mbox *m)
{
	m->unlisted = m->s[LOCAL].name != NULL || m->s[REMOTE].name != NULL ?
	    UNLISTED_SIDE : UNLISTED_BOTH;
	m->qlink = m->e->unlisted;
	m->e->unlisted = m;
}

void
unlisted_ask(struct engine *e)
{
	e->listnext = decide_unlisted;
	ask_unlisted(e, LOCAL);
	ask_unlisted(e, REMOTE);
	lists_step(e);
}
