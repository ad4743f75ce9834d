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
 * The mapping: which local UID is the same message as which remote one.
 * Called by dispatch.c.
 */
#include <sqlite3.h>

#include "statedb.h"

#define PAIR_LEN	9	/* octets of a pair in PAIRS */

/* PAIRS under way: one frame is filled after the other. */
struct pairs {
	struct ibuf	 b;
	size_t		 at;	/* where the count stands */
	uint32_t	 n;
};

static void
pairs_begin(struct pairs *p)
{
	ibuf_reset(&p->b);
	p->at = msg_list_begin(&p->b);
	p->n = 0;
}

static void
pairs_send(struct pairs *p, const struct request *r)
{
	if (p->n == 0)
		return;
	msg_list_end(&p->b, p->at, p->n);
	request_event(r, MSG_PAIRS, &p->b);
	pairs_begin(p);
}

/* The current row of a lookup. */
static int
pairs_add(struct statedb *db, enum stmt s, struct pairs *p,
    const struct request *r)
{
	struct msg_pair pair;
	int bad = 0;

	pair.a = db_u32(db, s, 0, &bad);
	pair.b = db_u32(db, s, 1, &bad);
	pair.held = 0;
	if (sqlite3_column_type(db->st[s], 2) != SQLITE_NULL)
		pair.held = (uint8_t)(1 + sqlite3_column_int(db->st[s], 2));
	if (bad || pair.a == 0 || pair.b == 0)
		return db_damaged(db, "a UID in its mapping is out of range");
	if (ibuf_room(&p->b) < PAIR_LEN)
		pairs_send(p, r);
	msg_put_pair(&p->b, &pair);
	p->n++;
	return 0;
}

static int
lookup_pairs(struct statedb *db, const struct msg_lookup *l,
    const struct request *r)
{
	const enum stmt s = l->side == LOCAL ? S_LOOKUP_L : S_LOOKUP_R;
	struct pairs p;
	size_t i;
	int rc = 0;

	ibuf_init(&p.b);
	pairs_begin(&p);
	for (i = 0; i < l->set.n && rc == 0; i++) {
		if ((rc = DB_BIND(db, s, l->idx, l->set.r[i].lo,
		    l->set.r[i].hi)) == -1)
			break;
		while ((rc = db_step(db, s)) == 1)
			if ((rc = pairs_add(db, s, &p, r)) == -1)
				break;
		db_reset(db, s);
	}
	if (rc == 0)
		pairs_send(&p, r);
	ibuf_free(&p.b);
	return rc;
}

/* As many frames as this set needs; it is empty afterwards. */
static void
skipped_send(struct uidset *set, const struct request *r)
{
	struct ibuf b;
	size_t pos = 0;

	ibuf_init(&b);
	while (pos < set->n) {
		ibuf_reset(&b);
		msg_put_set(&b, set, &pos);
		request_event(r, MSG_SKIPPED, &b);
	}
	ibuf_free(&b);
	uidset_free(set);
}

/* The skipped UIDs within one range. */
static int
skipped_range(struct statedb *db, const struct msg_lookup *l,
    const struct uidrange *range, struct uidset *set, const struct request *r)
{
	const enum stmt s = S_LOOKUP_SKIPPED;
	uint32_t uid;
	int rc, bad = 0;

	if (DB_BIND(db, s, l->idx, l->side, range->lo, range->hi) == -1)
		return -1;
	while ((rc = db_step(db, s)) == 1) {
		uid = db_u32(db, s, 0, &bad);
		if (bad || uid == 0)
			rc = db_damaged(db, "a skipped UID is out of range");
		else if (uidset_add(set, uid) == -1)
			rc = db_fail(db, FAIL_INTERNAL, "not enough memory");
		if (rc == -1)
			break;
		if (set->n >= MSG_MAXRANGES)
			skipped_send(set, r);
	}
	db_reset(db, s);
	return rc;
}

static int
lookup_skipped(struct statedb *db, const struct msg_lookup *l,
    const struct request *r)
{
	struct uidset set;
	size_t i;
	int rc = 0;

	uidset_init(&set);
	for (i = 0; i < l->set.n && rc == 0; i++)
		rc = skipped_range(db, l, &l->set.r[i], &set, r);
	if (rc == 0)
		skipped_send(&set, r);
	uidset_free(&set);
	return rc;
}

enum handled
handle_lookup(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_lookup l;
	int rc;

	if (msg_get_lookup(&b, &l) == -1)
		return H_BAD;
	if ((rc = lookup_pairs(db, &l, r)) == 0)
		rc = lookup_skipped(db, &l, r);
	uidset_free(&l.set);
	return rc == 0 ? H_DONE : H_FAIL;
}

/* 1: this very pair is mapped; 0: neither UID is; -1: one, to another. */
static int
pair_mapped(struct statedb *db, uint32_t idx, const struct msg_pair *p)
{
	uint32_t l, r;
	int rc, bad = 0;

	if (DB_BIND(db, S_MAPPED, idx, p->a, p->b) == -1 ||
	    (rc = db_step(db, S_MAPPED)) == -1)
		return -1;
	if (rc == 0)
		return 0;
	l = db_u32(db, S_MAPPED, 0, &bad);
	r = db_u32(db, S_MAPPED, 1, &bad);
	db_reset(db, S_MAPPED);
	if (bad)
		return db_damaged(db, "a UID in its mapping is out of range");
	if (l == p->a && r == p->b)
		return 1;
	return db_fail(db, FAIL_INTERNAL, "database: mailbox %u: cannot map "
	    "local UID %u to remote UID %u, since %u is mapped to %u", idx,
	    p->a, p->b, l, r);
}

/* The rows that hold one of these UIDs (at most two): how many, or -1. */
static int
rows_with(struct statedb *db, uint32_t idx, const struct msg_pair *p,
    struct msg_pair rows[2])
{
	int rc, bad = 0, n = 0;

	if (DB_BIND(db, S_MAPPED, idx, p->a, p->b) == -1)
		return -1;
	while ((rc = db_step(db, S_MAPPED)) == 1 && n < 2) {
		rows[n].a = db_u32(db, S_MAPPED, 0, &bad);
		rows[n++].b = db_u32(db, S_MAPPED, 1, &bad);
	}
	db_reset(db, S_MAPPED);
	if (bad || rc == 1)
		return db_damaged(db, "its mapping does not hold together");
	return rc == -1 ? -1 : n;
}

/*
 * A message that was held because its partner vanished got a new partner: in
 * one transaction, for unmapped and below UIDNEXT nothing would find it again.
 * A row that is not held stays, and is a conflict.
 */
static int
replace_held(struct statedb *db, uint32_t idx, const struct msg_pair *p)
{
	struct msg_pair rows[2];
	int i, n;

	if ((n = rows_with(db, idx, p, rows)) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (DB_RUN(db, S_UNHOLD, idx, rows[i].a, rows[i].b) == -1)
			return -1;
		if (db_changes(db) == 1 &&
		    DB_RUN(db, S_UNMAP, idx, rows[i].a, rows[i].b) == -1)
			return -1;
	}
	return 0;
}

/* Mostly neither UID is mapped: only where nothing is inserted, ask why. */
static int
map_pair(struct statedb *db, const struct msg_map *m, const struct msg_pair *p)
{
	int mapped;

	if (p->held && replace_held(db, m->idx, p) == -1)
		return -1;
	if (DB_RUN(db, S_MAP, m->idx, p->a, p->b) == -1)
		return -1;
	if (db_changes(db) == 1)
		return 0;
	if ((mapped = pair_mapped(db, m->idx, p)) == 0)
		return db_damaged(db, "a row of its mapping is not taken");
	return mapped == 1 ? 0 : -1;
}

enum handled
each_pair(struct statedb *db, struct request *r, pair_change change)
{
	struct ibuf b = request_data(r);
	struct msg_map m;
	struct msg_pair p;
	uint32_t i;

	if (msg_get_map(&b, &m) == -1)
		return H_BAD;
	for (i = 0; i < m.n; i++) {
		if (msg_get_pair(&b, &p) == -1 || p.a == 0 || p.b == 0)
			return H_BAD;
		if (change(db, &m, &p) == -1)
			return H_FAIL;
	}
	return ibuf_done(&b) == 0 ? H_DONE : H_BAD;
}

/* What was mapped is no longer intended: the UIDs of the source. */
static int
map_unintend(struct statedb *db, struct request *r, const struct msg_map *m)
{
	struct ibuf b = request_data(r);
	struct msg_map head;
	struct msg_pair p;
	struct uidset set;
	uint32_t i;
	size_t k;
	int rc = 0;

	uidset_init(&set);
	rc = msg_get_map(&b, &head);
	for (i = 0; i < m->n && rc == 0; i++)
		if ((rc = msg_get_pair(&b, &p)) == 0 &&
		    uidset_add(&set, m->side == LOCAL ? p.a : p.b) == -1)
			rc = db_fail(db, FAIL_INTERNAL, "not enough memory");
	for (k = 0; k < set.n && rc == 0; k++)
		rc = DB_RUN(db, S_UNINTENT, m->idx, m->side, set.r[k].lo,
		    set.r[k].hi);
	uidset_free(&set);
	return rc;
}

/* All in the same transaction; a message may have been skipped before. */
enum handled
handle_map(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_map m;
	enum handled h;

	if (msg_get_map(&b, &m) == -1)
		return H_BAD;
	if (m.n > 0 && mailbox_has_state(db, m.idx) == -1)
		return H_FAIL;
	if ((h = each_pair(db, r, map_pair)) != H_DONE)
		return h;
	if (m.side != MAP_NOSIDE && map_unintend(db, r, &m) == -1)
		return H_FAIL;
	return unskip_mapped(db, m.idx) == 0 ? H_DONE : H_FAIL;
}

/* A pair that is not mapped is fine: it is gone, as was asked. */
static int
unmap_pair(struct statedb *db, const struct msg_map *m,
    const struct msg_pair *p)
{
	if (DB_RUN(db, S_UNMAP, m->idx, p->a, p->b) == -1)
		return -1;
	return DB_RUN(db, S_UNHOLD, m->idx, p->a, p->b);
}

enum handled
handle_unmap(struct statedb *db, struct request *r)
{
	return each_pair(db, r, unmap_pair);
}
