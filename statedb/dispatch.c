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
 * Which message is legal when, and what is answered.  Requests that change
 * something are gathered in one transaction; their DONE is said only when it
 * is committed.  Each request stands under a savepoint, so that one that fails
 * leaves nothing behind and takes no other with it.  Called by main.c, and by
 * tests without a socket; it never blocks but on the disk.
 */
#include <stdlib.h>
#include <string.h>

#include "statedb.h"

#define READS	0
#define WRITES	1

/* The smallest and largest payload stand in the list of msg.h. */
static const struct rule {
	uint16_t	type;
	int		states;		/* db_state, ored */
	int		writes;
	enum handled	(*handler)(struct statedb *, struct request *);
} rules[] = {
	{ MSG_OPEN,	 DB_CLOSED, READS,  handle_open },
	/* A transaction of its own, committed before it is done. */
	{ MSG_MIGRATE,	 DB_OLD,    READS,  handle_migrate },
	{ MSG_MAILBOXES, DB_READY,  READS,  handle_mailboxes },
	{ MSG_ADD,	 DB_READY,  WRITES, handle_add },
	{ MSG_SETSUB,	 DB_READY,  WRITES, handle_setsub },
	{ MSG_STATE,	 DB_READY,  WRITES, handle_state },
	{ MSG_COUNT,	 DB_READY,  READS,  handle_count },
	{ MSG_LOOKUP,	 DB_READY,  READS,  handle_lookup },
	{ MSG_MAP,	 DB_READY,  WRITES, handle_map },
	{ MSG_UNMAP,	 DB_READY,  WRITES, handle_unmap },
	{ MSG_INTENT,	 DB_READY,  WRITES, handle_intent },
	{ MSG_INTENTS,	 DB_READY,  READS,  handle_intents },
	{ MSG_UNINTENT,	 DB_READY,  WRITES, handle_unintent },
	{ MSG_SKIP,	 DB_READY,  WRITES, handle_skip },
	{ MSG_REFUSALS, DB_READY,  READS, handle_refusals },
	{ MSG_KEYWORD,	 DB_READY,  WRITES, handle_keyword },
	{ MSG_REMEMBER, DB_READY, WRITES, handle_remember },
	{ MSG_HOLD,	 DB_READY,  WRITES, handle_hold },
	{ MSG_UNHOLD,	 DB_READY,  WRITES, handle_unhold },
	{ MSG_ADVANCE,	 DB_READY,  WRITES, handle_advance },
	{ MSG_RESET,	 DB_READY,  WRITES, handle_reset },
	{ MSG_FORGET,	 DB_READY,  WRITES, handle_forget },
	{ MSG_MOVE,	 DB_READY,  WRITES, handle_move },
	{ MSG_BEGIN,	 DB_READY,  WRITES, handle_begin },
	{ MSG_CLEAN,	 DB_READY,  WRITES, handle_clean }
};

struct statedb *
statedb_new(void)
{
	struct statedb *db;

	if ((db = calloc(1, sizeof(*db))) == NULL)
		return NULL;
	db->state = DB_CLOSED;
	db_init();
	uidset_init(&db->failed);
	return db;
}

void
statedb_free(struct statedb *db)
{
	if (db == NULL)
		return;
	db_close(db);
	uidset_free(&db->failed);
	free(db->path);
	free(db->kept);
	free(db);
}

void
request_event(const struct request *r, uint16_t type, const struct ibuf *data)
{
	r->reply(r->arg, type, r->m->id, data);
}

struct ibuf
request_data(const struct request *r)
{
	struct ibuf b;

	ibuf_from(&b, r->m->data.buf, r->m->data.wpos);
	return b;
}

static void
reply_fail(struct statedb *db, uint32_t id, statedb_reply reply, void *arg)
{
	struct msg_fail f;
	struct ibuf b;

	memset(&f, 0, sizeof(f));
	f.kind = (uint8_t)db->kind;
	f.text = bytes_of(db->text);
	ibuf_init(&b);
	msg_put_fail(&b, &f);
	reply(arg, MSG_FAIL, id, &b);
	ibuf_free(&b);
}

static const struct rule *
find_rule(uint16_t type)
{
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

/* The mailbox a change is about: most such payloads begin with its idx. */
static uint32_t
mailbox_of(const struct request *r)
{
	struct ibuf b = request_data(r);

	switch (r->m->type) {
	case MSG_ADD:
	case MSG_MOVE:
	case MSG_BEGIN:
	case MSG_CLEAN:
	case MSG_REMEMBER:
		return 0;
	default:
		return ibuf_get_u32(&b);
	}
}

/*
 * A change of this mailbox failed.  The parent may have sent an ADVANCE
 * already that builds on it: that one must fail as well.
 */
static enum handled
note_failed(struct statedb *db, const struct request *r)
{
	uint32_t idx = mailbox_of(r);

	if (idx != 0 && uidset_add(&db->failed, idx) == -1)
		db->broken = 1;
	return H_FAIL;
}

static enum handled
fail_broken(struct statedb *db)
{
	if (db->kind == FAIL_DB)
		return H_FAIL;		/* with the text of the cause */
	db_fail(db, FAIL_DB, "database %s: an earlier change was lost, so "
	    "that no more is taken in this run", db->path);
	return H_FAIL;
}

/* One change, whole or not at all. */
static enum handled
change(struct statedb *db, const struct rule *rule, struct request *r)
{
	enum handled h;

	if (db->broken)
		return fail_broken(db);
	if (db_begin(db) == -1 || db_finish(db, S_SAVE) == -1)
		return H_FAIL;
	h = rule->handler(db, r);
	if (h == H_DONE)
		return db_finish(db, S_RELEASE) == 0 ? H_DONE : H_FAIL;
	if (!db->broken && (db_finish(db, S_UNDO) == -1 ||
	    db_finish(db, S_RELEASE) == -1))
		db->broken = 1;
	return h == H_FAIL ? note_failed(db, r) : h;
}

int
statedb_handle(struct statedb *db, const struct imsg *m, statedb_reply reply,
    void *arg)
{
	struct request r = { m, reply, arg };
	const struct rule *rule = find_rule(m->type);
	enum handled h;

	if (rule == NULL || m->id == 0 ||
	    msg_check(m->type, MSG_PS, m->data.wpos) == -1)
		return db_fail(db, FAIL_INTERNAL, "statedb: %s of %zu octets "
		    "is no request", msg_name(m->type), m->data.wpos);
	if ((rule->states & db->state) == 0)
		return db_fail(db, FAIL_INTERNAL, "statedb: %s is not legal "
		    "now", msg_name(m->type));
	h = rule->writes ? change(db, rule, &r) : rule->handler(db, &r);
	if (h == H_BAD)
		return db_fail(db, FAIL_INTERNAL, "statedb: malformed %s",
		    msg_name(m->type));
	if (h == H_FAIL) {
		reply_fail(db, m->id, reply, arg);
		return 0;
	}
	db->done[db->ndone++] = m->id;
	if (db->ndone == DB_BATCH)
		statedb_commit(db, reply, arg);
	return 0;
}

void
statedb_commit(struct statedb *db, statedb_reply reply, void *arg)
{
	size_t i;
	int rc;

	if ((rc = db_commit(db)) == -1)
		db->broken = 1;
	for (i = 0; i < db->ndone; i++) {
		if (rc == 0)
			reply(arg, MSG_DONE, db->done[i], NULL);
		else
			reply_fail(db, db->done[i], reply, arg);
	}
	db->ndone = 0;
}

int
statedb_dispatch(struct statedb *db, const struct imsg *m, statedb_reply reply,
    void *arg)
{
	if (statedb_handle(db, m, reply, arg) == -1)
		return -1;
	statedb_commit(db, reply, arg);
	return 0;
}
