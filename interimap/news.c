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
 * Between two runs of --notify: what the servers are asked to tell, and whether
 * what they tell is news.  An engine that is done still knows in which state it
 * left each mailbox; what says the same is an echo of its own work.  Called by
 * watch.c.
 */
#include <string.h>

#include "mailbox.h"

/* Octets of names in one NOTIFY: a line of any server (RFC 2683 3.2.1.5). */
#define WATCH_OCTETS	6000

static int
known(const struct mbox *m, enum side side)
{
	return m != NULL && m->s[side].name != NULL && !m->s[side].uncreated;
}

static int
is_synced(const struct mbox *m)
{
	return known(m, LOCAL) && known(m, REMOTE);
}

/* Their number; *octets is what the names take in a command. */
static uint32_t
count_synced(const struct engine *e, enum side side, size_t *octets)
{
	const struct mbox *m;
	uint32_t n = 0;

	*octets = 0;
	for (m = e->all; m != NULL; m = m->link)
		if (is_synced(m)) {
			*octets += strlen(m->s[side].name) + 3;
			n++;
		}
	return n;
}

int
engine_watch(const struct engine *e, enum side side, struct ibuf *b)
{
	const struct mbox *m;
	struct msg_notify n;
	size_t octets;

	n.mode = NOTIFY_NAMES;
	n.n = count_synced(e, side, &octets);
	if (octets > WATCH_OCTETS) {
		n.mode = NOTIFY_PERSONAL;
		n.n = 0;
	}
	ibuf_init(b);
	msg_put_notify(b, &n);
	for (m = e->all; m != NULL && n.mode == NOTIFY_NAMES; m = m->link)
		if (is_synced(m))
			msg_put_pattern(b, m->s[side].name,
			    strlen(m->s[side].name));
	return n.mode == NOTIFY_NAMES;
}

void
engine_look(const struct engine *e, enum side side, struct ibuf *b)
{
	names_list(b, e, side);
}

/* A mailbox came, went, or is subscribed where it was not, or the reverse. */
static int
list_news(const struct mbox *m, enum side side, int listed,
    const struct msg_mailbox *mb)
{
	int there = (mb->attrs & (ATTR_NOSELECT | ATTR_NONEXISTENT)) == 0;

	if (!known(m, side))		/* see unlisted_places() */
		return there && !(listed && mb->has == 0);
	if (!bytes_eq(mb->name, bytes_of(m->s[side].name)))
		return 0;		/* left alone, as was said */
	if (!there)			/* but INBOX is always there */
		return strcmp(m->name, "INBOX") != 0;
	return ((m->s[side].attrs ^ mb->attrs) & ATTR_SUBSCRIBED) != 0;
}

/* Its state is another than the last SELECT showed, or LIST if it was clean. */
static int
status_news(const struct mside *s, const struct msg_mailbox *mb)
{
	const struct msg_state *st = &s->status;
	int has = s->has;

	if (s->sel.uidvalidity != 0) {
		st = &s->sel;
		has = STATUS_ALL;
	}
	has &= mb->has;
	return (has & STATUS_UIDVALIDITY &&
	    mb->uidvalidity != st->uidvalidity) ||
	    (has & STATUS_UIDNEXT && st->uidnext != 0 &&
	    mb->uidnext != st->uidnext) ||
	    (has & STATUS_MODSEQ && st->modseq != 0 &&
	    mb->modseq != st->modseq);
}

int
engine_news(const struct engine *e, enum side side, int listed,
    const struct msg_mailbox *mb)
{
	char name[MAILBOX_NAMEMAX + 1];
	const struct mbox *m;
	size_t len;
	int islist = listed || mb->has == 0;

	if (mb->name.n == 0)
		return !listed;		/* it may not have told all */
	if (name_canonical(e->ref[side], islist ? (char)mb->delim :
	    e->delim[side], mb->name, name, &len) == -1)
		return 0;
	if (e->calls.ignored != NULL && e->calls.ignored(e->arg, name, len))
		return 0;
	m = mbox_find(e, name, len);
	if (islist && list_news(m, side, listed, mb))
		return 1;
	return mb->has != 0 && m != NULL && is_synced(m) &&
	    status_news(&m->s[side], mb);
}
