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
 * statedb: the one program that owns the SQLite database.  It is told what
 * happened to which mailbox in the messages of lib/msg.h, section "the
 * database", and keeps it so that it survives a power cut.
 *
 *	main.c		the loop on descriptor 3
 *	dispatch.c	which message is legal when; one transaction a batch
 *	open.c		find or make the file, lock it, prove it can be written
 *	schema.c	the tables, their version, rows that have become old
 *	keep.c		a copy of the file before its tables are changed
 *	migrate.c	from version 0 of the tables to 1
 *	db.c		statements, transactions, SQLite's errors in words
 *	sql.c		the text of every statement
 *	mailboxes.c	MAILBOXES ADD SETSUB STATE COUNT ADVANCE BEGIN CLEAN
 *	remove.c	RESET FORGET MOVE
 *	mapping.c	LOOKUP MAP UNMAP
 *	intents.c	INTENT INTENTS UNINTENT
 *	held.c		HOLD UNHOLD
 *	refused.c	SKIP REFUSALS KEYWORD
 *	memory.c	REMEMBER
 *
 * The tables mailboxes, local, remote and mapping are the original's and are
 * kept to the letter.  Ours stand beside them: stamps, intents, skipped, tries,
 * keywords, held, remembered, run.  All but the last two hang on mailboxes by
 * ON DELETE CASCADE, since the other program deletes mailboxes without knowing
 * of them.
 */
#ifndef STATEDB_H
#define STATEDB_H

#include <stddef.h>
#include <stdint.h>

#include "imsg.h"
#include "msg.h"

#define DB_VERSION	1	/* user_version of the original's schema */
#define DB_BATCH	1024	/* requests answered by one commit */
#define DB_TEXTMAX	2048	/* octets of the text of a FAIL */
#define DB_PATHMAX	4096
#define DB_ROOM		(256 << 10)	/* octets that must be free on the disk */

enum stmt {
	S_BEGIN, S_COMMIT, S_ROLLBACK, S_SAVE, S_RELEASE, S_UNDO,
	S_SET_UNCLEAN, S_PROBE,
	S_MAILBOXES, S_ADD, S_SETSUB,
	S_UIDVALIDITY_L, S_UIDVALIDITY_R, S_STATE_L, S_STATE_R,
	S_ADVANCE_L, S_ADVANCE_R,
	S_COUNT_ROWS, S_COUNT_HELD, S_COUNT_SKIPPED,
	S_LOOKUP_L, S_LOOKUP_R, S_LOOKUP_SKIPPED,
	S_MAPPED, S_MAP, S_UNMAP,
	S_STAMP, S_RESTAMP,
	S_INTENT, S_INTENTS, S_UNINTENT,
	S_SKIP, S_UNSKIP, S_TRY, S_UNSKIP_MAPPED, S_REFUSALS,
	S_KEYWORD, S_UNKEYWORD, S_KEYWORDS, S_HOLD, S_UNHOLD,
	S_MEMORY, S_REMEMBER,
	S_FORGET_MAPPING, S_FORGET_L, S_FORGET_R, S_FORGET_OURS, S_FORGET,
	S_MOVE, S_MOVE_DEEP,
	S_MAX
};

struct sqlite3;
struct sqlite3_stmt;

enum db_state {
	DB_CLOSED = 0x1,	/* nothing but OPEN is legal */
	DB_OLD = 0x2,		/* locked and checked: nothing but MIGRATE is */
	DB_READY = 0x4,		/* the file is locked, checked and ours */
	DB_FAILED = 0x8		/* no file: nothing is legal any more */
};

struct statedb {
	struct sqlite3		*sql;
	struct sqlite3_stmt	*st[S_MAX];
	enum db_state		 state;
	char			*path;	/* as OPEN gave it, for messages */
	char			*kept;	/* the copy that was made, or NULL */
	int			 txn;	/* a transaction is open */
	/*
	 * A commit failed, or SQLite gave a transaction up: what later
	 * requests build on is not there, so no change is taken any more.
	 */
	int			 broken;
	/* Mailboxes with a failed change: they do not advance any more. */
	struct uidset		 failed;
	uint32_t		 done[DB_BATCH]; /* ids to answer at commit */
	size_t			 ndone;
	enum fail_kind		 kind;	/* why the last call failed */
	char			 text[DB_TEXTMAX];
};

/* Takes one answer: type, request id, payload (NULL: none; not kept). */
typedef void (*statedb_reply)(void *, uint16_t, uint32_t, const struct ibuf *);

/* One request under way, and where its answers go. */
struct request {
	const struct imsg	*m;
	statedb_reply		 reply;
	void			*arg;
};

/* dispatch.c */
struct statedb	*statedb_new(void);		/* NULL: no memory */
void		 statedb_free(struct statedb *);	/* closes; NULL is fine */
/*
 * Carry out one request.  Events and FAIL are handed to reply at once, DONE
 * when the batch is committed.  0; or -1 when the message is malformed or not
 * legal now: the session must end, text says why.
 */
int		 statedb_handle(struct statedb *, const struct imsg *,
		    statedb_reply, void *);
/* End the batch: commit, then DONE (or FAIL) for each request in it. */
void		 statedb_commit(struct statedb *, statedb_reply, void *);
/* A batch of one: statedb_handle() and statedb_commit(). */
int		 statedb_dispatch(struct statedb *, const struct imsg *,
		    statedb_reply, void *);

/*
 * What a handler returns: the request is done; it failed, and kind and text
 * say why; its payload is malformed.
 */
enum handled { H_DONE, H_FAIL, H_BAD };

enum handled	 handle_open(struct statedb *, struct request *);
enum handled	 handle_migrate(struct statedb *, struct request *);
enum handled	 handle_mailboxes(struct statedb *, struct request *);
enum handled	 handle_add(struct statedb *, struct request *);
enum handled	 handle_setsub(struct statedb *, struct request *);
enum handled	 handle_state(struct statedb *, struct request *);
enum handled	 handle_count(struct statedb *, struct request *);
enum handled	 handle_lookup(struct statedb *, struct request *);
enum handled	 handle_map(struct statedb *, struct request *);
enum handled	 handle_unmap(struct statedb *, struct request *);
enum handled	 handle_intent(struct statedb *, struct request *);
enum handled	 handle_intents(struct statedb *, struct request *);
enum handled	 handle_unintent(struct statedb *, struct request *);
enum handled	 handle_skip(struct statedb *, struct request *);
enum handled	 handle_refusals(struct statedb *, struct request *);
enum handled	 handle_keyword(struct statedb *, struct request *);
enum handled	 handle_remember(struct statedb *, struct request *);
enum handled	 handle_hold(struct statedb *, struct request *);
enum handled	 handle_unhold(struct statedb *, struct request *);
enum handled	 handle_advance(struct statedb *, struct request *);
enum handled	 handle_reset(struct statedb *, struct request *);
enum handled	 handle_forget(struct statedb *, struct request *);
enum handled	 handle_move(struct statedb *, struct request *);
enum handled	 handle_begin(struct statedb *, struct request *);
enum handled	 handle_clean(struct statedb *, struct request *);

/* Hand over one event of this request. */
void	 request_event(const struct request *, uint16_t, const struct ibuf *);
/* A reader on the payload of this request. */
struct ibuf request_data(const struct request *);

/*
 * open.c: open, lock and check the file at the path (absolute, or ":memory:"
 * for tests), creating it or its tables where allowed.  0, or -1.
 */
int	 db_open(struct statedb *, const char *, int, struct msg_opened *);
/* All tables are there: prepare for work.  0, or -1. */
int	 db_ready(struct statedb *);
/*
 * The real folder in which the file is (or would be created), for the sandbox.
 * 0, or -1 with errno.
 */
int	 db_folder(const char *, char *, size_t);
const char *db_library(void);	/* the version of SQLite, for -V */
int	 sync_folder(struct statedb *);	/* of the file.  0, or -1 */

/*
 * keep.c: there is a copy of the file as it is, of this version, beside it.
 * 0, or -1.
 */
int	 db_keep(struct statedb *, int);

/* schema.c: all return 0, or -1. */
enum schema {
	SCHEMA_NONE,		/* an empty file */
	SCHEMA_OLD,		/* the original's tables, of version 0 */
	SCHEMA_ORIGINAL,	/* the original's tables, but not all of ours */
	SCHEMA_WHOLE
};
int	 schema_check(struct statedb *, enum schema *);	/* writes nothing */
int	 schema_create(struct statedb *, enum schema);	/* what is missing */
extern const char schema_mailboxes[];	/* one table of version 1 */
int	 schema_ours(struct statedb *);		/* in a transaction */
int	 schema_columns(struct statedb *);	/* the original's are there */
/*
 * Rows of ours that no longer say anything, because another program changed
 * the original's tables: drop them, stamp what is left.
 */
int	 schema_reap(struct statedb *);

/*
 * migrate.c: whether the tables of version 0, and their rows, are what the
 * migration takes.  Nothing is written.  0, or -1.
 */
int	 migrate_check(struct statedb *);
int	 migrate_rows(struct statedb *);

/* db.c: what can fail returns -1 and leaves kind and text. */
void	 db_init(void);		/* before rights go */
int	 db_fail(struct statedb *, enum fail_kind, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
int	 db_fail_sql(struct statedb *, const char *);	/* while doing what */
int	 db_no_such(const struct statedb *);	/* it was: no such table, column */
int	 db_damaged(struct statedb *, const char *);	/* a value out of range */
int	 db_exec(struct statedb *, const char *);	/* without rows */
int	 db_exec_int(struct statedb *, const char *, int64_t *); /* one value */
/* Whether the one value is this text. */
int	 db_exec_is(struct statedb *, const char *, const char *, int *);
int	 db_prepare(struct statedb *);			/* all statements */
void	 db_close(struct statedb *);
/* Bind these integers to the parameters 1, 2, ... of a statement. */
int	 db_bind(struct statedb *, enum stmt, const int64_t *, size_t);
/* Next row of a bound statement: 1; 0: no more (it is reset); -1. */
int	 db_step(struct statedb *, enum stmt);
void	 db_reset(struct statedb *, enum stmt);		/* forget other rows */
/* Run a bound statement that has no rows; its changes are counted. */
int	 db_finish(struct statedb *, enum stmt);
int	 db_changes(const struct statedb *);		/* rows of the last one */
int	 db_begin(struct statedb *);			/* once a batch */
int	 db_commit(struct statedb *);			/* rolled back on -1 */
void	 db_rollback(struct statedb *);
/* Column i as an unsigned 32 bit value; anything else sets *bad. */
uint32_t db_u32(struct statedb *, enum stmt, int, int *);
/*
 * HIGHESTMODSEQ.  The original stores 2^63 and more as negative numbers; RFC
 * 7162 section 7 allows no such value, so it is told as 0, unknown.
 */
uint64_t db_modseq(struct statedb *, enum stmt, int, int *);

#define INTS(...)	(const int64_t[]){ __VA_ARGS__ },			\
	    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)
#define DB_BIND(db, s, ...)	db_bind(db, s, INTS(__VA_ARGS__))
#define DB_RUN(db, s, ...)						\
	(DB_BIND(db, s, __VA_ARGS__) == -1 ? -1 : db_finish(db, s))

/* sql.c */
extern const char *const sql_text[S_MAX];

/* memory.c: a REMEMBERED for each side that has one.  0, or -1. */
int	 memory_tell(struct statedb *, const struct request *);

/* refused.c: what is mapped now need not be skipped any longer. */
int	 unskip_mapped(struct statedb *, uint32_t);

/* mailboxes.c: -1 unless the mailbox has a state on both sides. */
int	 mailbox_has_state(struct statedb *, uint32_t);
/* Note under which state our rows of this mailbox were written. */
int	 mailbox_stamp(struct statedb *, uint32_t);

/*
 * mapping.c: make one change for each pair of a MAP, UNMAP, HOLD or UNHOLD.
 * The change returns 0, or -1 with kind and text.
 */
typedef int (*pair_change)(struct statedb *, const struct msg_map *,
	    const struct msg_pair *);
enum handled	 each_pair(struct statedb *, struct request *, pair_change);

#endif
