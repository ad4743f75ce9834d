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
 * SETTLE and ADVANCE.  After a round that changed a side, that side is pulled
 * again, pipelined behind the last change: what equals our own decisions is
 * their echo, anything else starts another round.  When a round found nothing
 * to do, the state both servers told in their last SELECT becomes that of the
 * database, in one transaction: every change below it has reached the other
 * side.
 */
#include <string.h>

#include "killpoint.h"
#include "repair.h"

void
settle_send(struct mbox *m)
{
	int i;

	if (m->round >= ROUNDS_MAX ||
	    !(m->s[LOCAL].touched || m->s[REMOTE].touched))
		return;
	m->round++;
	m->settling = 1;
	for (i = 0; i < 2; i++) {
		m->s[i].cur = m->s[i].sel;
		if (m->s[i].touched)
			pull_send(m, (enum side)i, PULL_UIDS);
	}
}

static void
advanced(struct request *r, const struct msg_fail *fail)
{
	KILLPOINT("advanced");
	req_plain(r, fail);
}

/* A change of this side that the other has not been told. */
static int
unsettled(const struct mbox *m, enum side side)
{
	const struct row *r;
	uint32_t i;

	for (i = 0; i < m->rowtab.n; i++) {
		r = &m->rowtab.r[i];
		if (r->s[LOCAL].held || r->s[REMOTE].held)
			continue;
		if (r->s[side].changed || r->s[side].gone)
			return 1;
	}
	return 0;
}

static void
not_copied(struct mbox *m, enum side side)
{
	say(m->e, LOG_L_WARN, (int)side, m, "%llu message(s) could not be "
	    "copied; tried again in the next run",
	    (unsigned long long)uidset_count(&m->s[side].again));
	m->e->outcome = outcome_worse(m->e->outcome, OUT_PARTIAL);
}

static void
advance(struct mbox *m)
{
	struct msg_advance a;
	struct mside *s;
	struct ibuf b;
	int i, differs = m->repair != NULL &&
	    (m->repair->ahead[LOCAL] > 0 || m->repair->ahead[REMOTE] > 0);

	memset(&a, 0, sizeof(a));
	a.idx = m->idx;
	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		a.st[i].uidnext = s->db.uidnext;
		a.st[i].modseq = s->db.modseq;
		if (!uidset_empty(&s->again))
			not_copied(m, (enum side)i);
		if (!s->incomplete && uidset_empty(&s->again) &&
		    uidset_empty(&s->copy))
			a.st[i].uidnext = s->sel.uidnext;
		if (!unsettled(m, (enum side)i))
			a.st[i].modseq = s->sel.modseq;
		differs |= a.st[i].uidnext != s->db.uidnext ||
		    a.st[i].modseq != s->db.modseq;
	}
	if (differs) {
		KILLPOINT("advance-before");
		say(m->e, LOG_L_DEBUG, SIDE_NONE, m, "Update last clean state: "
		    "local UIDNEXT %u HIGHESTMODSEQ %llu, remote UIDNEXT %u "
		    "HIGHESTMODSEQ %llu", a.st[LOCAL].uidnext,
		    (unsigned long long)a.st[LOCAL].modseq,
		    a.st[REMOTE].uidnext,
		    (unsigned long long)a.st[REMOTE].modseq);
		ibuf_init(&b);
		msg_put_advance(&b, &a);
		request(m->e, m, PEER_DB, MSG_ADVANCE, &b, advanced, NULL);
	}
	mbox_wait(m, mbox_finish);
}

void
advance_write(struct mbox *m)
{
	struct msg_advance a;
	struct ibuf b;
	int i;

	memset(&a, 0, sizeof(a));
	a.idx = m->idx;
	for (i = 0; i < 2; i++) {
		a.st[i].uidnext = m->s[i].db.uidnext;
		a.st[i].modseq = m->s[i].db.modseq;
	}
	ibuf_init(&b);
	msg_put_advance(&b, &a);
	request(m->e, m, PEER_DB, MSG_ADVANCE, &b, req_plain, NULL);
}

/*
 * Before this message loses its row: the database's UIDNEXT goes back to it, so
 * that any later run looks at it, should this one not come to that.
 */
void
advance_lower(struct mbox *m, enum side side, uint32_t uid)
{
	if (uid == 0 || uid >= m->s[side].db.uidnext)
		return;
	m->s[side].db.uidnext = uid;
	advance_write(m);
}

/*
 * What was refused and made again after the PULL of SETTLE is not in its
 * answers: that PULL is made again, too, from the same state on.
 */
static int
settle_again(struct mbox *m)
{
	int i, again = 0;

	for (i = 0; i < 2; i++)
		if (m->s[i].touched) {
			pull_send(m, (enum side)i, PULL_UIDS);
			again = 1;
		}
	return again;
}

void
settle_or_advance(struct mbox *m)
{
	if (!m->settling) {
		advance(m);
		return;
	}
	if (settle_again(m)) {
		mbox_wait(m, settle_or_advance);
		return;
	}
	m->settling = 0;
	pull_done(m);
}
