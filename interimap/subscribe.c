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
 * Which mailboxes are subscribed: what a user changed on one side since the
 * last run is done on the other.  Called by lists.c for each mailbox.
 */
#include <string.h>

#include "mailbox.h"

/* CREATE, SUBSCRIBE, UNSUBSCRIBE on one side. */
void
name_request(struct mbox *m, enum side side, enum msg_type type, req_done done)
{
	struct msg_name n;
	struct ibuf b;

	n.name = bytes_of(m->s[side].name);
	ibuf_init(&b);
	msg_put_name(&b, &n);
	request(m->e, m, (enum peer)side, type, &b, done, NULL);
}

static void
set_subscribed(struct mbox *m, int on)
{
	struct msg_setsub ss;
	struct ibuf b;

	m->subscribed = on;
	ss.idx = m->idx;
	ss.subscribed = (uint8_t)on;
	ibuf_init(&b);
	msg_put_setsub(&b, &ss);
	request(m->e, m, PEER_DB, MSG_SETSUB, &b, req_plain, NULL);
}

static void
unsubscribed(struct request *r, const struct msg_fail *fail)
{
}

/* There is no such mailbox: servers need not look (RFC 3501 section 6.3.6). */
static void
unsubscribe_again(struct mbox *m, enum side side)
{
	name_request(m, side, MSG_UNSUBSCRIBE, unsubscribed);
}

/*
 * The database learns of it only now: were it told before, a refusal (or a
 * kill) would look in the next run as if the other side had been changed.
 */
static void
subscribed(struct request *r, const struct msg_fail *fail)
{
	int on = r->type == MSG_SUBSCRIBE;

	if (fail == NULL && r->m->s[r->peer].uncreated) {
		unsubscribe_again(r->m, (enum side)r->peer);
		return;
	}
	if (fail == NULL) {
		r->m->s[r->peer].attrs ^= ATTR_SUBSCRIBED;
		if (r->m->idx != 0)
			set_subscribed(r->m, on);
		say(r->e, LOG_L_NOTICE, (int)r->peer, NULL, "%s to %s",
		    on ? "Subscribe" : "Unsubscribe",
		    r->m->s[r->peer].name);
		return;
	}
	if (r->m->idx == 0)
		r->m->subscribed = 0;
	if (r->m->s[r->peer].uncreated)
		return;
	say(r->e, LOG_L_WARN, (int)r->peer, r->m, "%s refused: %.*s; tried "
	    "again in the next run", msg_name(r->type), (int)fail->text.n,
	    fail->text.p);
	r->e->outcome = outcome_worse(r->e->outcome, OUT_PARTIAL);
}

/* Subscribed on either side: subscribed on both. */
void
subscribe_new(struct mbox *m)
{
	int i;

	m->subscribed = (m->s[LOCAL].attrs | m->s[REMOTE].attrs) &
	    ATTR_SUBSCRIBED ? 1 : 0;
	for (i = 0; i < 2; i++)
		if (m->subscribed && !(m->s[i].attrs & ATTR_SUBSCRIBED))
			name_request(m, (enum side)i, MSG_SUBSCRIBE,
			    subscribed);
}

/*
 * A known mailbox: the side that differs from the database was changed and
 * wins; the database follows.
 */
void
subscribe_known(struct mbox *m)
{
	int sub[2], want, i;

	for (i = 0; i < 2; i++)
		sub[i] = (m->s[i].attrs & ATTR_SUBSCRIBED) != 0;
	if (sub[LOCAL] == sub[REMOTE]) {
		if (sub[LOCAL] != m->subscribed)
			set_subscribed(m, sub[LOCAL]);
		return;
	}
	want = !m->subscribed;
	for (i = 0; i < 2; i++)
		if (sub[i] != want)
			name_request(m, (enum side)i, want ? MSG_SUBSCRIBE :
			    MSG_UNSUBSCRIBE, subscribed);
}
