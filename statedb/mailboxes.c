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
 * What concerns a mailbox as a whole: its row, its state on both sides, and
 * whether the run that works on it has ended well.  Called by dispatch.c.
 */
#include <sqlite3.h>
#include <string.h>

#include "statedb.h"

static const enum stmt uidvalidity[2] = { S_UIDVALIDITY_L, S_UIDVALIDITY_R };
static const enum stmt state[2] = { S_STATE_L, S_STATE_R };
static const enum stmt advance[2] = { S_ADVANCE_L, S_ADVANCE_R };

static int
no_mailbox(struct statedb *db, uint32_t idx)
{
	return db_fail(db, FAIL_INTERNAL, "database: no mailbox %u, or it has "
	    "no state", idx);
}

/* The UIDVALIDITY recorded for one side.  1, 0: none, -1. */
static int
get_uidvalidity(struct statedb *db, int side, uint32_t idx, uint32_t *value)
{
	enum stmt s = uidvalidity[side];
	int rc, bad = 0;

	if (DB_BIND(db, s, idx) == -1 || (rc = db_step(db, s)) == -1)
		return -1;
	if (rc == 0)
		return 0;
	*value = db_u32(db, s, 0, &bad);
	db_reset(db, s);
	return bad ? db_damaged(db, "UIDVALIDITY is out of range") : 1;
}

int
mailbox_has_state(struct statedb *db, uint32_t idx)
{
	uint32_t value;
	int rc, side;

	for (side = LOCAL; side <= REMOTE; side++) {
		if ((rc = get_uidvalidity(db, side, idx, &value)) == -1)
			return -1;
		if (rc == 0)
			return no_mailbox(db, idx);
	}
	return 0;
}

int
mailbox_stamp(struct statedb *db, uint32_t idx)
{
	if (mailbox_has_state(db, idx) == -1)
		return -1;
	return DB_RUN(db, S_STAMP, idx);
}

static void
read_state(struct statedb *db, int column, struct msg_state *st, int *bad)
{
	st->uidvalidity = db_u32(db, S_MAILBOXES, column, bad);
	st->uidnext = db_u32(db, S_MAILBOXES, column + 1, bad);
	st->modseq = db_modseq(db, S_MAILBOXES, column + 2, bad);
}

/* The current row of S_MAILBOXES; its name is a view. */
static int
read_mailbox(struct statedb *db, struct msg_dbmailbox *m)
{
	sqlite3_stmt *st = db->st[S_MAILBOXES];
	int bad = 0;

	memset(m, 0, sizeof(*m));
	m->idx = db_u32(db, S_MAILBOXES, 0, &bad);
	m->name.p = sqlite3_column_blob(st, 1);
	m->name.n = (size_t)sqlite3_column_bytes(st, 1);
	m->subscribed = sqlite3_column_int(st, 2) != 0;
	m->hasstate = sqlite3_column_type(st, 3) != SQLITE_NULL &&
	    sqlite3_column_type(st, 6) != SQLITE_NULL;
	if (m->hasstate) {
		read_state(db, 3, &m->st[LOCAL], &bad);
		read_state(db, 6, &m->st[REMOTE], &bad);
	}
	m->above = db_u32(db, S_MAILBOXES, 9, &bad) != 0;
	m->intents = db_u32(db, S_MAILBOXES, 10, &bad);
	m->held = db_u32(db, S_MAILBOXES, 11, &bad);
	if (bad || m->idx == 0 || m->name.n == 0 ||
	    m->name.n > MAILBOX_NAMEMAX)
		return db_damaged(db, "a mailbox's row is out of range");
	return 0;
}

enum handled
handle_mailboxes(struct statedb *db, struct request *r)
{
	struct msg_dbmailbox m;
	struct ibuf b;
	int rc;

	ibuf_init(&b);
	while ((rc = db_step(db, S_MAILBOXES)) == 1) {
		if ((rc = read_mailbox(db, &m)) == -1)
			break;
		ibuf_reset(&b);
		msg_put_dbmailbox(&b, &m);
		request_event(r, MSG_DBMAILBOX, &b);
	}
	db_reset(db, S_MAILBOXES);
	ibuf_free(&b);
	return rc == 0 ? H_DONE : H_FAIL;
}

/* The number SQLite gave to the row just added. */
static enum handled
reply_added(struct statedb *db, struct request *r)
{
	sqlite3_int64 idx = sqlite3_last_insert_rowid(db->sql);
	struct ibuf b;

	if (idx <= 0 || idx > UINT32_MAX) {
		db_fail(db, FAIL_DB, "database %s has used up its mailbox "
		    "numbers: move it away, so that a new one is made",
		    db->path);
		return H_FAIL;
	}
	ibuf_init(&b);
	ibuf_add_u32(&b, (uint32_t)idx);
	request_event(r, MSG_ADDED, &b);
	ibuf_free(&b);
	return H_DONE;
}

enum handled
handle_add(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_add a;

	if (msg_get_add(&b, &a) == -1)
		return H_BAD;
	if (DB_BIND(db, S_ADD, a.subscribed) == -1)
		return H_FAIL;
	if (sqlite3_bind_blob(db->st[S_ADD], 2, a.name.p, (int)a.name.n,
	    SQLITE_STATIC) != SQLITE_OK || db_finish(db, S_ADD) == -1) {
		db_reset(db, S_ADD);
		return H_FAIL;
	}
	return reply_added(db, r);
}

enum handled
handle_setsub(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_setsub s;

	if (msg_get_setsub(&b, &s) == -1)
		return H_BAD;
	if (DB_RUN(db, S_SETSUB, s.idx, s.subscribed) == -1)
		return H_FAIL;
	if (db_changes(db) != 1) {
		no_mailbox(db, s.idx);
		return H_FAIL;
	}
	return H_DONE;
}

/* Once recorded, a UIDVALIDITY is never replaced. */
static int
add_state(struct statedb *db, int side, uint32_t idx, uint32_t value)
{
	uint32_t have;
	int rc;

	if ((rc = get_uidvalidity(db, side, idx, &have)) == -1)
		return -1;
	if (rc == 0)
		return DB_RUN(db, state[side], idx, value);
	if (have != value)
		return db_fail(db, FAIL_INTERNAL, "database: mailbox %u has "
		    "the %s UIDVALIDITY %u, not %u", idx, side_name(side),
		    have, value);
	return 0;
}

enum handled
handle_state(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_stateadd s;

	if (msg_get_stateadd(&b, &s) == -1)
		return H_BAD;
	if (add_state(db, LOCAL, s.idx, s.uidvalidity[LOCAL]) == -1 ||
	    add_state(db, REMOTE, s.idx, s.uidvalidity[REMOTE]) == -1)
		return H_FAIL;
	return H_DONE;
}

static int
count(struct statedb *db, enum stmt s, uint32_t *n)
{
	int bad = 0;

	if (db_step(db, s) != 1)
		return -1;
	*n = db_u32(db, s, 0, &bad);
	db_reset(db, s);
	return bad ? db_damaged(db, "it holds too many rows") : 0;
}

static int
count_all(struct statedb *db, uint32_t idx, struct msg_counted *c)
{
	int side;

	if (DB_BIND(db, S_COUNT_ROWS, idx) == -1 ||
	    count(db, S_COUNT_ROWS, &c->rows) == -1)
		return -1;
	for (side = LOCAL; side <= REMOTE; side++)
		if (DB_BIND(db, S_COUNT_HELD, idx, side) == -1 ||
		    count(db, S_COUNT_HELD, &c->held[side]) == -1 ||
		    DB_BIND(db, S_COUNT_SKIPPED, idx, side) == -1 ||
		    count(db, S_COUNT_SKIPPED, &c->skipped[side]) == -1)
			return -1;
	return 0;
}

enum handled
handle_count(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_counted c;
	uint32_t idx;

	idx = ibuf_get_u32(&b);
	if (ibuf_done(&b) == -1 || idx == 0)
		return H_BAD;
	if (count_all(db, idx, &c) == -1)
		return H_FAIL;
	ibuf_init(&b);
	msg_put_counted(&b, &c);
	request_event(r, MSG_COUNTED, &b);
	ibuf_free(&b);
	return H_DONE;
}

enum handled
handle_advance(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_advance a;
	int side;

	if (msg_get_advance(&b, &a) == -1)
		return H_BAD;
	if (uidset_has(&db->failed, a.idx)) {
		db_fail(db, FAIL_INTERNAL, "database: mailbox %u does not "
		    "advance, since an earlier change of it failed", a.idx);
		return H_FAIL;
	}
	for (side = LOCAL; side <= REMOTE; side++) {
		if (DB_RUN(db, advance[side], a.idx, a.st[side].uidnext,
		    (int64_t)a.st[side].modseq) == -1)
			return H_FAIL;
		if (db_changes(db) != 1) {
			no_mailbox(db, a.idx);
			return H_FAIL;
		}
	}
	return DB_RUN(db, S_RESTAMP, a.idx) == -1 ? H_FAIL : H_DONE;
}

/* Before mail is touched: the next run knows if this one did not end. */
enum handled
handle_begin(struct statedb *db, struct request *r)
{
	return DB_RUN(db, S_SET_UNCLEAN, 1) == -1 ? H_FAIL : H_DONE;
}

enum handled
handle_clean(struct statedb *db, struct request *r)
{
	return DB_RUN(db, S_SET_UNCLEAN, 0) == -1 ? H_FAIL : H_DONE;
}
