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
 * Messages that are left on their side since they cannot be copied, when those
 * that a server refused may be tried again, and keywords that a server refused.
 * Called by dispatch.c.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "statedb.h"

/* Bind a text; an empty one is an empty blob, not NULL. */
static int
bind_text(struct statedb *db, enum stmt s, int i, struct bytes text)
{
	if (sqlite3_bind_blob(db->st[s], i, text.n > 0 ? text.p : "",
	    (int)text.n, SQLITE_STATIC) != SQLITE_OK)
		return db_fail_sql(db, "binding a text");
	return 0;
}

static int
skip_one(struct statedb *db, const struct msg_skip *s, uint32_t uid)
{
	if (s->why == 0)
		return DB_RUN(db, S_UNSKIP, s->idx, s->side, uid);
	if (DB_BIND(db, S_SKIP, s->idx, s->side, uid, s->why) == -1 ||
	    bind_text(db, S_SKIP, 5, s->text) == -1 ||
	    db_finish(db, S_SKIP) == -1)
		return -1;
	if (s->why != LEFT_REFUSED && s->why != LEFT_NUL)
		return 0;
	return DB_RUN(db, S_TRY, s->idx, s->side, uid, (int64_t)time(NULL),
	    s->pause, PAUSE_MAX);
}

enum handled
handle_skip(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_skip s;
	uint64_t uid;

	if (msg_get_skip(&b, &s) == -1)
		return H_BAD;
	if (s.why != 0 && mailbox_stamp(db, s.idx) == -1)
		return H_FAIL;
	for (uid = s.uid; uid == s.uid || uid <= s.last; uid++)
		if (skip_one(db, &s, (uint32_t)uid) == -1)
			return H_FAIL;
	return H_DONE;
}

int
unskip_mapped(struct statedb *db, uint32_t idx)
{
	return DB_RUN(db, S_UNSKIP_MAPPED, idx);
}

/* Refusals that differ in their UID only. */
struct group {
	struct msg_refused	 m;
	char			*text;
	int			 any;
};

static void
group_send(struct group *g, const struct request *r)
{
	struct ibuf b;

	if (g->any) {
		ibuf_init(&b);
		msg_put_refused(&b, &g->m);
		request_event(r, MSG_REFUSED, &b);
		ibuf_free(&b);
	}
	uidset_free(&g->m.set);
	free(g->text);
	g->text = NULL;
	g->any = 0;
}

/* Seconds until then; a clock that went back does not make it for ever. */
static uint32_t
wait_until(int64_t next)
{
	int64_t now = (int64_t)time(NULL);

	if (next <= now)
		return 0;
	return next - now > PAUSE_MAX ? PAUSE_MAX : (uint32_t)(next - now);
}

static int
same_group(const struct group *g, const struct msg_refused *m)
{
	return g->any && g->m.idx == m->idx && g->m.side == m->side &&
	    g->m.why == m->why && g->m.tries == m->tries &&
	    g->m.wait == m->wait && g->m.set.n < MSG_MAXRANGES &&
	    g->m.text.n == m->text.n &&
	    memcmp(g->m.text.p, m->text.p, m->text.n) == 0;
}

/* The row at hand, without its UID; the text is SQLite's. */
static int
read_refusal(struct statedb *db, struct msg_refused *m, uint32_t *uid)
{
	sqlite3_stmt *st = db->st[S_REFUSALS];
	int bad = 0;

	memset(m, 0, sizeof(*m));
	m->idx = db_u32(db, S_REFUSALS, 0, &bad);
	m->side = (uint8_t)db_u32(db, S_REFUSALS, 1, &bad);
	*uid = db_u32(db, S_REFUSALS, 2, &bad);
	m->why = (uint8_t)db_u32(db, S_REFUSALS, 3, &bad);
	m->tries = db_u32(db, S_REFUSALS, 4, &bad);
	m->wait = wait_until(sqlite3_column_int64(st, 5));
	m->text.p = sqlite3_column_blob(st, 6);
	m->text.n = (size_t)sqlite3_column_bytes(st, 6);
	if (bad || *uid == 0)
		return db_damaged(db, "a skipped UID is out of range");
	return 0;
}

static int
group_add(struct statedb *db, struct group *g, const struct request *r)
{
	struct msg_refused m;
	uint32_t uid;

	if (read_refusal(db, &m, &uid) == -1)
		return -1;
	if (!same_group(g, &m)) {
		group_send(g, r);
		g->m = m;
		if ((g->text = malloc(m.text.n + 1)) == NULL)
			return db_fail(db, FAIL_INTERNAL, "not enough memory");
		if (m.text.n > 0)
			memcpy(g->text, m.text.p, m.text.n);
		g->m.text.p = g->text;
		g->any = 1;
	}
	if (uidset_add(&g->m.set, uid) == -1)
		return db_fail(db, FAIL_INTERNAL, "not enough memory");
	return 0;
}

static int
send_keywords(struct statedb *db, const struct request *r)
{
	sqlite3_stmt *st = db->st[S_KEYWORDS];
	struct msg_keyword k;
	struct ibuf b;
	int rc, bad = 0;

	if (db_bind(db, S_KEYWORDS, NULL, 0) == -1)
		return -1;
	ibuf_init(&b);
	while ((rc = db_step(db, S_KEYWORDS)) == 1) {
		k.idx = db_u32(db, S_KEYWORDS, 0, &bad);
		k.side = (uint8_t)db_u32(db, S_KEYWORDS, 1, &bad);
		k.text.p = sqlite3_column_blob(st, 2);
		k.text.n = (size_t)sqlite3_column_bytes(st, 2);
		ibuf_reset(&b);
		msg_put_keyword(&b, &k);
		request_event(r, MSG_NOKEYWORD, &b);
	}
	ibuf_free(&b);
	return rc;
}

enum handled
handle_refusals(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct group g;
	int rc;

	if (ibuf_done(&b) == -1)
		return H_BAD;
	memset(&g, 0, sizeof(g));
	if (DB_BIND(db, S_REFUSALS, LEFT_REFUSED, LEFT_NUL) == -1)
		return H_FAIL;
	while ((rc = db_step(db, S_REFUSALS)) == 1)
		if (group_add(db, &g, r) == -1) {
			rc = -1;
			break;
		}
	db_reset(db, S_REFUSALS);
	if (rc == 0)
		group_send(&g, r);
	g.any = 0;
	group_send(&g, r);
	return rc == 0 && send_keywords(db, r) == 0 ? H_DONE : H_FAIL;
}

enum handled
handle_keyword(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_keyword k;

	if (msg_get_keyword(&b, &k) == -1)
		return H_BAD;
	if (k.text.n == 0)
		return DB_RUN(db, S_UNKEYWORD, k.idx, k.side) == -1 ?
		    H_FAIL : H_DONE;
	if (mailbox_stamp(db, k.idx) == -1 ||
	    DB_BIND(db, S_KEYWORD, k.idx, k.side) == -1 ||
	    bind_text(db, S_KEYWORD, 3, k.text) == -1 ||
	    db_finish(db, S_KEYWORD) == -1)
		return H_FAIL;
	return H_DONE;
}
