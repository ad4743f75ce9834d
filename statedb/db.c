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
 * Statements, transactions, and what SQLite says in words a user can act on.
 * Called by all files of statedb; knows no message and no table.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "killpoint.h"
#include "statedb.h"

void
db_init(void)
{
	char seed;

	/* One thread, and nobody asks how much memory it uses. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* SQLite reads its seed from a device, which is out of reach later. */
	sqlite3_randomness(sizeof(seed), &seed);
}

int
db_fail(struct statedb *db, enum fail_kind kind, const char *fmt, ...)
{
	va_list ap;

	db->kind = kind;
	va_start(ap, fmt);
	vsnprintf(db->text, sizeof(db->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
db_damaged(struct statedb *db, const char *what)
{
	return db_fail(db, FAIL_DB, "database %s is damaged: %s; restore it "
	    "from a backup, or move it away: messages that are the same on "
	    "both sides will be recognised", db->path, what);
}

/* The reason the system gave, if it gave one. */
static const char *
cause(struct statedb *db)
{
	int e = sqlite3_system_errno(db->sql);

	return e != 0 ? strerror(e) : sqlite3_errmsg(db->sql);
}

static int
fail_readonly(struct statedb *db, int code)
{
	if (code == SQLITE_READONLY_DIRECTORY)
		return db_fail(db, FAIL_DB, "cannot create a file beside "
		    "database %s: make its folder writable", db->path);
	return db_fail(db, FAIL_DB, "database %s is read-only: make the file "
	    "and its folder writable for this user", db->path);
}

int
db_fail_sql(struct statedb *db, const char *doing)
{
	int code = sqlite3_extended_errcode(db->sql);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return db_fail(db, FAIL_LOCKED, "database %s is locked: "
		    "another instance or program uses it; let it end first",
		    db->path);
	case SQLITE_READONLY:
		return fail_readonly(db, code);
	case SQLITE_FULL:
		return db_fail(db, FAIL_DB, "no space left to write database "
		    "%s: make room on its file system", db->path);
	case SQLITE_CORRUPT:
		return db_damaged(db, sqlite3_errmsg(db->sql));
	case SQLITE_NOTADB:
		return db_fail(db, FAIL_DB, "%s is not a database: name "
		    "another file, or move this one away", db->path);
	case SQLITE_CANTOPEN:
		return db_fail(db, FAIL_DB, "cannot open database %s or its "
		    "journal: %s; check the permissions of the file and its "
		    "folder", db->path, cause(db));
	case SQLITE_IOERR:
		return db_fail(db, FAIL_DB, "database %s: error while %s: %s; "
		    "check its file system", db->path, doing, cause(db));
	case SQLITE_CONSTRAINT:
		return db_fail(db, FAIL_INTERNAL, "database %s: %s refused: "
		    "%s", db->path, doing, sqlite3_errmsg(db->sql));
	}
	return db_fail(db, FAIL_DB, "database %s: error while %s: %s",
	    db->path, doing, sqlite3_errmsg(db->sql));
}

int
db_no_such(const struct statedb *db)
{
	return sqlite3_errcode(db->sql) == SQLITE_ERROR;
}

int
db_exec(struct statedb *db, const char *text)
{
	if (sqlite3_exec(db->sql, text, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail_sql(db, "preparing it");
	return 0;
}

/* The first column of the one row this statement gives. */
static int
first_value(struct statedb *db, const char *text, int64_t *value,
    const char *is)
{
	sqlite3_stmt *st;
	const unsigned char *p;
	int rc;

	*value = 0;
	if (sqlite3_prepare_v2(db->sql, text, -1, &st, NULL) != SQLITE_OK)
		return db_fail_sql(db, "reading it");
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (is == NULL)
			*value = sqlite3_column_int64(st, 0);
		else if ((p = sqlite3_column_text(st, 0)) != NULL)
			*value = strcmp((const char *)p, is) == 0;
		rc = sqlite3_step(st);
	}
	if (rc != SQLITE_DONE)
		db_fail_sql(db, "reading it");
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
db_exec_int(struct statedb *db, const char *text, int64_t *value)
{
	return first_value(db, text, value, NULL);
}

int
db_exec_is(struct statedb *db, const char *text, const char *is, int *yes)
{
	int64_t value;

	if (first_value(db, text, &value, is) == -1)
		return -1;
	*yes = value != 0;
	return 0;
}

int
db_prepare(struct statedb *db)
{
	size_t i;

	for (i = 0; i < S_MAX; i++)
		if (sqlite3_prepare_v3(db->sql, sql_text[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &db->st[i], NULL) != SQLITE_OK)
			return db_fail_sql(db, "reading its tables");
	return 0;
}

void
db_close(struct statedb *db)
{
	size_t i;

	/* What was committed is on the disk: closing needs no sync more. */
	if (db->sql != NULL && sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "PRAGMA synchronous = OFF", NULL, NULL,
		    NULL);
	for (i = 0; i < S_MAX; i++) {
		sqlite3_finalize(db->st[i]);
		db->st[i] = NULL;
	}
	sqlite3_close(db->sql);
	db->sql = NULL;
	db->txn = 0;
}

int
db_bind(struct statedb *db, enum stmt s, const int64_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (sqlite3_bind_int64(db->st[s], (int)i + 1, v[i]) !=
		    SQLITE_OK)
			return db_fail_sql(db, "binding a value");
	return 0;
}

/*
 * An error of the medium ends all changes of this session; a constraint only
 * the request that broke it.
 */
static int
step_failed(struct statedb *db, enum stmt s)
{
	db_fail_sql(db, s == S_COMMIT ? "writing it" : "using it");
	if (db->kind != FAIL_INTERNAL)
		db->broken = 1;
	sqlite3_reset(db->st[s]);
	return -1;
}

int
db_step(struct statedb *db, enum stmt s)
{
	int rc = sqlite3_step(db->st[s]);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		return step_failed(db, s);
	sqlite3_reset(db->st[s]);
	return 0;
}

void
db_reset(struct statedb *db, enum stmt s)
{
	sqlite3_reset(db->st[s]);
}

int
db_finish(struct statedb *db, enum stmt s)
{
	return db_step(db, s) == 0 ? 0 : -1;
}

int
db_changes(const struct statedb *db)
{
	return sqlite3_changes(db->sql);
}

int
db_begin(struct statedb *db)
{
	if (db->txn)
		return 0;
	if (db_finish(db, S_BEGIN) == -1)
		return -1;
	db->txn = 1;
	return 0;
}

int
db_commit(struct statedb *db)
{
	if (!db->txn)
		return 0;
	if (sqlite3_get_autocommit(db->sql)) {
		/* SQLite gave the transaction up; the text is there. */
		db->txn = 0;
		return -1;
	}
	KILLPOINT("db-before-commit");
	if (db_finish(db, S_COMMIT) == -1) {
		db_rollback(db);
		return -1;
	}
	KILLPOINT("db-after-commit");
	db->txn = 0;
	return 0;
}

void
db_rollback(struct statedb *db)
{
	/* An error here means that SQLite has rolled back already. */
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_step(db->st[S_ROLLBACK]);
	sqlite3_reset(db->st[S_ROLLBACK]);
	db->txn = 0;
}

uint32_t
db_u32(struct statedb *db, enum stmt s, int i, int *bad)
{
	sqlite3_int64 v = sqlite3_column_int64(db->st[s], i);

	if (sqlite3_column_type(db->st[s], i) != SQLITE_INTEGER ||
	    v < 0 || v > UINT32_MAX) {
		*bad = 1;
		return 0;
	}
	return (uint32_t)v;
}

uint64_t
db_modseq(struct statedb *db, enum stmt s, int i, int *bad)
{
	sqlite3_int64 v = sqlite3_column_int64(db->st[s], i);

	if (sqlite3_column_type(db->st[s], i) != SQLITE_INTEGER)
		*bad = 1;
	return v < 0 ? 0 : (uint64_t)v;
}
