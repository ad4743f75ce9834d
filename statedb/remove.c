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
 * What --reset, --delete and --rename do to the mailboxes of the database.
 * Called by dispatch.c, like the handlers of mailboxes.c.
 */
#include <sqlite3.h>
#include <string.h>

#include "statedb.h"

/* All rows of a mailbox but its own; then, to FORGET it, that. */
static const enum stmt rows_of[] = {
	S_FORGET_MAPPING, S_FORGET_L, S_FORGET_R, S_FORGET_OURS, S_FORGET
};
#define ROWS_OF		(sizeof(rows_of) / sizeof(rows_of[0]))

static enum handled
forget(struct statedb *db, struct request *r, size_t n)
{
	struct ibuf b = request_data(r);
	uint32_t idx;
	size_t i;

	idx = ibuf_get_u32(&b);
	if (ibuf_done(&b) == -1 || idx == 0)
		return H_BAD;
	for (i = 0; i < n; i++)
		if (DB_RUN(db, rows_of[i], idx) == -1)
			return H_FAIL;
	return H_DONE;
}

enum handled
handle_reset(struct statedb *db, struct request *r)
{
	return forget(db, r, ROWS_OF - 1);
}

enum handled
handle_forget(struct statedb *db, struct request *r)
{
	return forget(db, r, ROWS_OF);
}

static int
bind_name(struct statedb *db, enum stmt s, int n, struct bytes name)
{
	if (sqlite3_bind_blob(db->st[s], n, name.p, (int)name.n,
	    SQLITE_STATIC) == SQLITE_OK)
		return 0;
	return db_fail_sql(db, "binding a mailbox name");
}

static int
move(struct statedb *db, struct bytes from, struct bytes to, int deep)
{
	enum stmt s = deep ? S_MOVE_DEEP : S_MOVE;
	int rc;

	if (bind_name(db, s, 1, from) == -1 || bind_name(db, s, 2, to) == -1 ||
	    (deep && sqlite3_bind_int64(db->st[s], 3,
	    (sqlite3_int64)from.n) != SQLITE_OK))
		rc = db_fail_sql(db, "binding a mailbox name");
	else
		rc = db_finish(db, s);
	db_reset(db, s);
	sqlite3_clear_bindings(db->st[s]);
	return rc;
}

/*
 * By way of a name that no mailbox has, since names are unique row by row:
 * "a/b" may become "a" while "a/b/b" becomes "a/b".
 */
enum handled
handle_move(struct statedb *db, struct request *r)
{
	static const struct bytes between = { "\0\0", 2 };
	struct ibuf b = request_data(r);
	struct msg_move m;

	if (msg_get_move(&b, &m) == -1)
		return H_BAD;
	if (move(db, m.from, between, m.deep) == -1 ||
	    move(db, between, m.to, m.deep) == -1)
		return H_FAIL;
	return H_DONE;
}
