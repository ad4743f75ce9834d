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
 * What a server could do in the last run that logged in there: a memory that
 * saves the next run a round trip, and of which nothing else is made.  Called
 * by dispatch.c and open.c.
 */
#include <sqlite3.h>

#include "statedb.h"

/* 0; or -1: the row is none that REMEMBER writes. */
static int
read_row(struct statedb *db, struct msg_memory *m)
{
	sqlite3_int64 key, caps;
	int bad = 0;

	m->side = (uint8_t)(db_u32(db, S_MEMORY, 0, &bad) == REMOTE ?
	    REMOTE : LOCAL);
	key = sqlite3_column_int64(db->st[S_MEMORY], 1);
	caps = sqlite3_column_int64(db->st[S_MEMORY], 2);
	m->listed = db_u32(db, S_MEMORY, 3, &bad);
	if (bad || key < 0 || caps < 0 || (caps & ~(int64_t)CAP_ALL) != 0)
		return -1;
	m->key = (uint64_t)key;
	m->caps = (uint64_t)caps;
	return 0;
}

/* A row that makes no sense is as good as none. */
int
memory_tell(struct statedb *db, const struct request *r)
{
	struct msg_memory m;
	struct ibuf b;
	int rc;

	ibuf_init(&b);
	while ((rc = db_step(db, S_MEMORY)) == 1) {
		if (read_row(db, &m) == -1)
			continue;
		ibuf_reset(&b);
		msg_put_memory(&b, &m);
		request_event(r, MSG_REMEMBERED, &b);
	}
	ibuf_free(&b);
	return rc;
}

enum handled
handle_remember(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_memory m;

	if (msg_get_memory(&b, &m) == -1)
		return H_BAD;
	return DB_RUN(db, S_REMEMBER, m.side, (int64_t)m.key, (int64_t)m.caps,
	    m.listed) == -1 ? H_FAIL : H_DONE;
}
