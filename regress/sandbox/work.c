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
 * What a process is there for, from its first stage into the locked one: a
 * database written through descriptors, a name resolved, root given up.
 * Called by stages.c in a process that has entered no stage yet.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <netdb.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox_test.h"

#define ROWS	20000	/* more than the page cache of 64 pages holds */

static int
enter(enum sandbox_stage stage, const char *path)
{
	char err[256];

	if (sandbox_enter(stage, path, err, sizeof(err)) == 0)
		return 0;
	printf("# %s\n", err);
	return EPROTO;
}

static int
sql(sqlite3 *db, const char *text)
{
	char *err = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &err) == SQLITE_OK)
		return 0;
	printf("# %s: %s\n", text, err);
	sqlite3_free(err);
	return EIO;
}

/* The one integer that a query gives; -1: none. */
static int
number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	int n = -1;

	if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int
prepare(sqlite3 *db)
{
	static const char *const steps[] = {
		"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA temp_store = MEMORY",
		"PRAGMA journal_mode = PERSIST", "PRAGMA cache_size = 64",
		"PRAGMA synchronous = FULL",
		"BEGIN EXCLUSIVE",
		"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE)",
		"COMMIT"
	};
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (sql(db, steps[i]) != 0)
			return EIO;
	return 0;
}

/* Spills its cache, fails a statement half-way, rolls back, checks. */
static int
transactions(sqlite3 *db)
{
	char fill[256];

	snprintf(fill, sizeof(fill), "WITH RECURSIVE n(i) AS (SELECT 1 UNION "
	    "ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t "
	    "SELECT i, hex(randomblob(64)) FROM n", ROWS);
	if (sql(db, "BEGIN IMMEDIATE") != 0 || sql(db, fill) != 0 ||
	    sql(db, "COMMIT") != 0)
		return EIO;
	if (sql(db, "BEGIN IMMEDIATE") != 0 ||
	    sql(db, "DELETE FROM t WHERE a % 2") != 0 ||
	    sql(db, "ROLLBACK") != 0)
		return EIO;
	if (sqlite3_exec(db, "UPDATE t SET b = (a > 10000)", NULL, NULL,
	    NULL) != SQLITE_CONSTRAINT)
		return EINVAL;
	if (sql(db, "DELETE FROM t WHERE a > 15000") != 0)
		return EIO;
	return number(db, "SELECT count(*) FROM t") == 15000 &&
	    number(db, "SELECT count(*) FROM pragma_integrity_check "
	    "WHERE integrity_check = 'ok'") == 1 ? 0 : EDOM;
}

int
work_database(struct scene *s)
{
	char path[96];
	sqlite3 *db;
	int rc;

	snprintf(path, sizeof(path), "%s/test.db", s->dir);
	if (enter(SANDBOX_DB_START, s->dir) != 0)
		return EPROTO;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return EIO;
	if ((rc = prepare(db)) != 0)
		return rc;
	if (enter(SANDBOX_DB_LOCKED, NULL) != 0)
		return EPROTO;
	if ((rc = transactions(db)) != 0)
		return rc;
	return sqlite3_close(db) == SQLITE_OK ? 0 : EBUSY;
}

/* The files and modules of the name service, under the starting stage. */
int
work_resolve(struct scene *s)
{
	struct addrinfo hints = { 0 }, *ai;
	int rc;

	if (enter(SANDBOX_IMAP_START, NULL) != 0)
		return EPROTO;
	hints.ai_socktype = SOCK_STREAM;
	if ((rc = getaddrinfo("localhost", "imaps", &hints, &ai)) != 0 &&
	    (rc = getaddrinfo("localhost", "993", &hints, &ai)) != 0) {
		printf("# %s\n", gai_strerror(rc));
		return EIO;
	}
	freeaddrinfo(ai);
	return 0;
}

/* As root: another user, no groups, no way back, an empty root. */
int
work_unprivileged(struct scene *s)
{
	int sig = 0;

	if (prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) == -1)
		return errno;
	if (enter(SANDBOX_IMAP_START, NULL) != 0)
		return EPROTO;
	if (prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0) == -1)
		return errno;
	if (enter(SANDBOX_IMAP_LOCKED, NULL) != 0)
		return EPROTO;
	if (geteuid() == 0 || getuid() == 0 || getegid() == 0)
		return EPERM;
	return sig == 9 ? 0 : ESRCH;
}

/* No core, no new processes, no dump for the debugger of another process. */
int
work_dumpable(struct scene *s)
{
	struct rlimit core, nproc;

	if (enter(SANDBOX_IMAP_START, NULL) != 0)
		return EPROTO;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    getrlimit(RLIMIT_CORE, &core) == -1 ||
	    getrlimit(RLIMIT_NPROC, &nproc) == -1)
		return EPERM;
	return core.rlim_max == 0 && nproc.rlim_max == 0 ? 0 : ERANGE;
}
