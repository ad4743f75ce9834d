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
 * Deletions that are held back: the pair stays mapped.  Called by dispatch.c.
 */
#include "statedb.h"

/* 1: this very pair is mapped; 0; -1. */
static int
is_mapped(struct statedb *db, uint32_t idx, const struct msg_pair *p)
{
	int rc, bad = 0, same = 0;

	if (DB_BIND(db, S_MAPPED, idx, p->a, p->b) == -1)
		return -1;
	while ((rc = db_step(db, S_MAPPED)) == 1)
		same |= db_u32(db, S_MAPPED, 0, &bad) == p->a &&
		    db_u32(db, S_MAPPED, 1, &bad) == p->b;
	return rc == -1 ? -1 : same;
}

static int
hold_pair(struct statedb *db, const struct msg_map *m,
    const struct msg_pair *p)
{
	int mapped;

	if (m->side == MAP_NOSIDE)
		return db_fail(db, FAIL_INTERNAL, "database: HOLD does not "
		    "tell on which side the messages vanished");
	if (mailbox_stamp(db, m->idx) == -1 ||
	    (mapped = is_mapped(db, m->idx, p)) == -1)
		return -1;
	if (!mapped)
		return db_fail(db, FAIL_INTERNAL, "database: mailbox %u: "
		    "local UID %u and remote UID %u are held but not mapped",
		    m->idx, p->a, p->b);
	return DB_RUN(db, S_HOLD, m->idx, p->a, p->b, m->side);
}

enum handled
handle_hold(struct statedb *db, struct request *r)
{
	return each_pair(db, r, hold_pair);
}

static int
unhold_pair(struct statedb *db, const struct msg_map *m,
    const struct msg_pair *p)
{
	return DB_RUN(db, S_UNHOLD, m->idx, p->a, p->b);
}

/* A pair that is not held is fine. */
enum handled
handle_unhold(struct statedb *db, struct request *r)
{
	return each_pair(db, r, unhold_pair);
}
