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
 * --reset: what the database holds of a mailbox is dropped, in one transaction,
 * and the mailbox is synchronized as in a first run: PAIR recognises what both
 * sides have, flags become their union, the rest is copied.  Nothing is deleted
 * by that, since no message is known to have been there.  Killed after the
 * transaction, any later run goes on with it.  Called by lists.c and pull.c.
 */
#include <string.h>

#include "killpoint.h"
#include "refusals.h"

/* 1: an argument names this mailbox, without the help of a wildcard. */
static int
is_named(const struct mbox *m)
{
	const struct engine *e = m->e;
	char name[MAILBOX_NAMEMAX + 1];
	struct bytes arg;
	size_t i, len;

	for (i = 0; i < e->npatterns; i++) {
		arg.p = e->patterns[i];
		arg.n = e->patternlen[i];
		if (name_canonical("", e->delim[LOCAL], arg, name, &len) == 0 &&
		    len == m->namelen && memcmp(name, m->name, len) == 0)
			return 1;
	}
	return 0;
}

/* Another UIDVALIDITY than the database's. */
static int
is_replaced(const struct mside *s)
{
	return (s->has & STATUS_UIDVALIDITY) &&
	    s->status.uidvalidity != s->db.uidvalidity;
}

int
reset_wanted(const struct mbox *m)
{
	if (m->idx == 0) {
		if (is_named(m))
			say(m->e, LOG_L_WARN, SIDE_NONE, m, "Mailbox %s was "
			    "never synchronized: nothing to reset, left to a "
			    "run without --reset", mbox_display(m));
		return 0;
	}
	return !m->hasstate || is_replaced(&m->s[LOCAL]) ||
	    is_replaced(&m->s[REMOTE]) || is_named(m);
}

/* An argument without wildcards that names nothing is a slip of the pen. */
void
reset_unknown(struct engine *e)
{
	char name[MAILBOX_NAMEMAX + 1];
	const struct mbox *m;
	struct bytes arg;
	size_t i, len;

	for (i = 0; i < e->npatterns; i++) {
		arg.p = e->patterns[i];
		arg.n = e->patternlen[i];
		if (strpbrk(e->patterns[i], "*%") != NULL ||
		    name_canonical("", e->delim[LOCAL], arg, name, &len) == -1)
			continue;
		m = mbox_find(e, name, len);
		if (m == NULL || (m->s[LOCAL].name == NULL &&
		    m->s[REMOTE].name == NULL))
			say(e, LOG_L_WARN, SIDE_NONE, NULL, "Mailbox %s does "
			    "not exist: nothing to reset", e->patterns[i]);
	}
}

static void
say_why(struct mbox *m)
{
	const struct mside *s;
	int i, changed = 0;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!is_replaced(s))
			continue;
		changed = 1;
		say(m->e, LOG_L_NOTICE, i, m, "UIDVALIDITY changed (%u != %u); "
		    "pairing the messages anew", s->db.uidvalidity,
		    s->status.uidvalidity);
	}
	if (!changed)
		say(m->e, LOG_L_NOTICE, SIDE_NONE, m, "UIDVALIDITY did not "
		    "change; pairing the messages anew all the same: what was "
		    "deleted on one side since the last run comes back");
}

static void
dropped(struct mbox *m)
{
	KILLPOINT("reset-dropped");
	pull_begin(m);
}

void
reset_begin(struct mbox *m)
{
	struct ibuf b;
	int i;

	say_why(m);
	ibuf_init(&b);
	ibuf_add_u32(&b, m->idx);
	request(m->e, m, PEER_DB, MSG_RESET, &b, req_plain, NULL);
	m->hasstate = m->above = 0;
	m->nintents = m->nheld = 0;
	refusals_free(m);
	for (i = 0; i < 2; i++) {
		memset(&m->s[i].db, 0, sizeof(m->s[i].db));
		flags_free(&m->s[i].nokw);
	}
	mbox_wait(m, dropped);
}
