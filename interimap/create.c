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
 * A mailbox that the database does not know: made where it is missing,
 * subscribed and selected in one flight, and only then written down.  Called
 * by pull.c as the first states of such a mailbox.
 */
#include <string.h>

#include "commands.h"
#include "killpoint.h"
#include "repair.h"

static void
created(struct request *r, const struct msg_fail *fail)
{
	if (fail != NULL && !bytes_eq(fail->code, bytes_of("ALREADYEXISTS"))) {
		say(r->e, LOG_L_WARN, (int)r->peer, NULL, "Couldn't create "
		    "mailbox %s: %s%.*s%s%.*s; left alone, tried again in the "
		    "next run. Create it there, or exclude it with "
		    "ignore-mailbox", r->m->s[r->peer].name,
		    fail->code.n > 0 ? "[" : "", (int)fail->code.n,
		    fail->code.p, fail->code.n > 0 ? "] " : "",
		    (int)fail->text.n, fail->text.p);
		r->m->s[r->peer].uncreated = 1;
		mbox_fail(r->m, OUT_PARTIAL);
		return;
	}
	r->e->stats.created++;
	say(r->e, LOG_L_NOTICE, (int)r->peer, NULL, "Created mailbox %s",
	    r->m->s[r->peer].name);
}

/*
 * The first flight of a mailbox that the database does not know; its SELECTs
 * leave behind it.  One behind a CREATE that was refused fails, too, and
 * selects nothing (RFC 3501 section 6.3.1).
 */
void
lists_make(struct mbox *m)
{
	int i;

	for (i = 0; i < 2; i++)
		if (m->s[i].missing)
			name_request(m, (enum side)i, MSG_CREATE, created);
	subscribe_new(m);
}

static void
added(struct mbox *m)
{
	char buf[MAILBOX_NAMEMAX + 1];

	KILLPOINT("mailbox-added");
	say(m->e, LOG_L_NOTICE, SIDE_DB, NULL, "Created mailbox %s",
	    command_display(m->e, m->name, m->namelen, buf, sizeof(buf)));
	if (m->e->repairing) {
		repair_left(m);
		mbox_finish(m);
	} else
		pull_done(m);
}

/* It is on both sides: only now the database may know of it. */
void
lists_made(struct mbox *m)
{
	struct msg_add a;
	struct ibuf b;

	KILLPOINT("created");
	a.name.p = m->name;
	a.name.n = m->namelen;
	a.subscribed = (uint8_t)m->subscribed;
	ibuf_init(&b);
	msg_put_add(&b, &a);
	request(m->e, m, PEER_DB, MSG_ADD, &b, req_plain, NULL);
	mbox_wait(m, added);
}
