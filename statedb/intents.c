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
 * Intents: messages that are about to be appended to the other side.  They are
 * durable before the APPEND is sent, and go with the mapping that it yields;
 * one that is found by the next run tells that a copy may be there already.
 * Called by dispatch.c.
 */
#include <sqlite3.h>

#include "statedb.h"

#define INTENDED_LEN	28	/* octets of an item of INTENDED */

static int
intend(struct statedb *db, const struct msg_intent *m,
    const struct msg_intended *i)
{
	return DB_RUN(db, S_INTENT, m->idx, m->side, i->uid, m->tuidnext,
	    (int64_t)i->size, i->date.time, i->date.zone, i->date.valid);
}

/* Side and target's UIDNEXT stand in the head; those of an item are unused. */
enum handled
handle_intent(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_intent m;
	struct msg_intended item;
	uint32_t i;

	if (msg_get_intent(&b, &m) == -1)
		return H_BAD;
	if (mailbox_stamp(db, m.idx) == -1)
		return H_FAIL;
	for (i = 0; i < m.n; i++) {
		if (msg_get_intended(&b, &item) == -1)
			return H_BAD;
		if (intend(db, &m, &item) == -1)
			return H_FAIL;
	}
	return ibuf_done(&b) == 0 ? H_DONE : H_BAD;
}

/* The current row of S_INTENTS. */
static int
read_intended(struct statedb *db, struct msg_intended *i)
{
	sqlite3_stmt *st = db->st[S_INTENTS];
	int bad = 0;

	i->side = (uint8_t)db_u32(db, S_INTENTS, 0, &bad);
	i->uid = db_u32(db, S_INTENTS, 1, &bad);
	i->tuidnext = db_u32(db, S_INTENTS, 2, &bad);
	i->size = (uint64_t)sqlite3_column_int64(st, 3);
	i->date.time = sqlite3_column_int64(st, 4);
	i->date.zone = (int16_t)sqlite3_column_int(st, 5);
	i->date.valid = sqlite3_column_int(st, 6) != 0;
	if (bad || i->side > REMOTE || i->uid == 0)
		return db_damaged(db, "an intent is out of range");
	return 0;
}

/* All rows of a bound S_INTENTS, in as many frames as they need. */
static int
send_intents(struct statedb *db, struct ibuf *b, const struct request *r)
{
	struct msg_intended item;
	size_t at = msg_list_begin(b);
	uint32_t n = 0;
	int rc;

	while ((rc = db_step(db, S_INTENTS)) == 1) {
		if (read_intended(db, &item) == -1)
			return -1;
		if (ibuf_room(b) < INTENDED_LEN) {
			msg_list_end(b, at, n);
			request_event(r, MSG_INTENDED, b);
			ibuf_reset(b);
			at = msg_list_begin(b);
			n = 0;
		}
		msg_put_intended(b, &item);
		n++;
	}
	msg_list_end(b, at, n);
	if (rc == 0 && n > 0)
		request_event(r, MSG_INTENDED, b);
	return rc;
}

enum handled
handle_intents(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	uint32_t idx;
	int rc;

	idx = ibuf_get_u32(&b);
	if (ibuf_done(&b) == -1 || idx == 0)
		return H_BAD;
	if (DB_BIND(db, S_INTENTS, idx) == -1)
		return H_FAIL;
	ibuf_init(&b);
	rc = send_intents(db, &b, r);
	db_reset(db, S_INTENTS);
	ibuf_free(&b);
	return rc == 0 ? H_DONE : H_FAIL;
}

enum handled
handle_unintent(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_unintent u;
	size_t i;
	int rc = 0;

	if (msg_get_unintent(&b, &u) == -1)
		return H_BAD;
	for (i = 0; i < u.set.n && rc == 0; i++)
		rc = DB_RUN(db, S_UNINTENT, u.idx, u.side, u.set.r[i].lo,
		    u.set.r[i].hi);
	uidset_free(&u.set);
	return rc == 0 ? H_DONE : H_FAIL;
}
