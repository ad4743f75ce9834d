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
 * From a path to a locked database that can be written: find or make the file,
 * open it, take the lock, check version and content, write.  All that can be
 * wrong with it is found here, before a server is spoken to.
 *
 * After db_open() SQLite opens no path any more: the lock is EXCLUSIVE until
 * the end, the journal is PERSIST and stays open, temporary storage is memory.
 * The journal file stays beside the database; the original removes it.  When it
 * closes, SQLite asks once whether the file was moved, and can do without.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "statedb.h"

#define DB_BUSY		250	/* ms to wait for a lock */
#define DB_SQLMAX	16384	/* octets of a statement, schemas included */
#define DB_ROWMAX	(1 << 20)	/* octets of a row */

static int
is_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

int
db_folder(const char *path, char *folder, size_t size)
{
	char copy[DB_PATHMAX], real[PATH_MAX];
	char *slash;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (realpath(copy, real) == NULL) {
		/* Not there yet: where it would be created. */
		if (errno != ENOENT || (slash = strrchr(copy, '/')) == NULL)
			return -1;
		slash[slash == copy] = '\0';
		if (realpath(copy, real) == NULL)
			return -1;
	} else {
		slash = strrchr(real, '/');
		slash[slash == real] = '\0';
	}
	if (strlcpy(folder, real, size) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/* The name of a file just created must survive a power cut as well. */
int
sync_folder(struct statedb *db)
{
	char folder[PATH_MAX];
	int fd, rc = -1;

	if (db_folder(db->path, folder, sizeof(folder)) == 0 &&
	    (fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		rc = fsync(fd);
		if (rc == -1 && errno == EINVAL)
			rc = 0;		/* a file system without it */
		close(fd);
	}
	if (rc == -1)
		return db_fail(db, FAIL_DB, "cannot sync the folder of "
		    "database %s: %s", db->path, strerror(errno));
	return 0;
}

/* 1: created; 0: it was there, or may not be created; -1. */
static int
file_create(struct statedb *db)
{
	int fd;

	fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	if (fd == -1 && errno == EEXIST)
		return 0;
	if (fd == -1)
		return db_fail(db, FAIL_DB, "cannot create database %s: %s; "
		    "check its folder", db->path, strerror(errno));
	close(fd);
	return sync_folder(db) == -1 ? -1 : 1;
}

static int
fail_not_regular(struct statedb *db)
{
	return db_fail(db, FAIL_DB, "database %s is not a regular file: name "
	    "another file", db->path);
}

static int
fail_unusable(struct statedb *db, int e)
{
	struct stat sb;

	switch (e) {
	case ENOENT:
		if (lstat(db->path, &sb) == 0)
			return db_fail(db, FAIL_DB, "database %s is a link to "
			    "a file that is not there: remove the link, or "
			    "put the file where it leads", db->path);
		return db_fail(db, FAIL_DB, "no such database file %s: it is "
		    "created by a run without --watch", db->path);
	case EACCES:
	case EROFS:
	case EPERM:
		return db_fail(db, FAIL_DB, "database %s %s: %s; make the "
		    "file and its folder readable and writable for this user",
		    db->path, access(db->path, R_OK) == 0 ? "is read-only" :
		    "cannot be read", strerror(e));
	}
	return db_fail(db, FAIL_DB, "cannot open database %s: %s; check its "
	    "path", db->path, strerror(e));
}

/* Only a regular file that this user may read and write is opened. */
static int
file_check(struct statedb *db)
{
	struct stat sb;

	/* stat first: to open a device or a pipe can have effects. */
	if (stat(db->path, &sb) == 0) {
		if (!S_ISREG(sb.st_mode))
			return fail_not_regular(db);
		if (access(db->path, R_OK | W_OK) == 0)
			return 0;
	}
	return fail_unusable(db, errno);
}

/*
 * A journal kept from the last run has its blocks already, so that writing it
 * does not tell a full disk: ask.
 */
static int
room_check(struct statedb *db)
{
	struct statvfs v;

	if (statvfs(db->path, &v) == -1 || v.f_blocks == 0)
		return 0;		/* the file system does not tell */
	if ((uint64_t)v.f_bavail * v.f_frsize >= DB_ROOM)
		return 0;
	return db_fail(db, FAIL_DB, "no space left to write database %s: make "
	    "room on its file system", db->path);
}

static void
set_limits(sqlite3 *sql)
{
	sqlite3_limit(sql, SQLITE_LIMIT_LENGTH, DB_ROWMAX);
	sqlite3_limit(sql, SQLITE_LIMIT_SQL_LENGTH, DB_SQLMAX);
	sqlite3_limit(sql, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(sql, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_limit(sql, SQLITE_LIMIT_COLUMN, 64);
	sqlite3_limit(sql, SQLITE_LIMIT_EXPR_DEPTH, 64);
	sqlite3_limit(sql, SQLITE_LIMIT_COMPOUND_SELECT, 8);
	sqlite3_limit(sql, SQLITE_LIMIT_FUNCTION_ARG, 8);
	sqlite3_limit(sql, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64);
	sqlite3_limit(sql, SQLITE_LIMIT_VARIABLE_NUMBER, 16);
	sqlite3_limit(sql, SQLITE_LIMIT_TRIGGER_DEPTH, 8); /* for cascades */
}

/* A schema is foreign data: nothing in it may run. */
static void
set_config(sqlite3 *sql)
{
	sqlite3_extended_result_codes(sql, 1);
	sqlite3_busy_timeout(sql, DB_BUSY);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
}

static int
sql_open(struct statedb *db)
{
	int rc;

	rc = sqlite3_open_v2(db->path, &db->sql,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (db->sql == NULL)
		return db_fail(db, FAIL_DB, "database %s: not enough memory",
		    db->path);
	if (rc != SQLITE_OK)
		return db_fail_sql(db, "opening it");
	set_limits(db->sql);
	set_config(db->sql);
	return db_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA mmap_size = 0;"
	    "PRAGMA cell_size_check = ON;"
	    "PRAGMA synchronous = FULL;");
}

/*
 * Take the lock, for the whole session: under locking_mode EXCLUSIVE the
 * ROLLBACK keeps it.  A version that is not ours is refused before anything
 * could be written.
 */
static int
lock(struct statedb *db, enum schema *found)
{
	int persist;

	if (db_exec(db, "BEGIN EXCLUSIVE") == -1)
		return -1;
	if (sqlite3_db_readonly(db->sql, "main") != 0)
		return db_fail(db, FAIL_DB, "database %s is read-only: make "
		    "the file and its folder writable for this user",
		    db->path);
	if (schema_check(db, found) == -1 || db_exec(db, "ROLLBACK") == -1)
		return -1;
	if (db_exec_is(db, "PRAGMA journal_mode = PERSIST", "persist",
	    &persist) == -1)
		return -1;
	if (!persist && !is_memory(db->path))
		return db_fail(db, FAIL_DB, "database %s: its journal cannot "
		    "be kept; is it in use by another program?", db->path);
	return 0;
}

/* Read all of it, looking for damage. */
static int
damage_check(struct statedb *db)
{
	int ok;

	if (db_exec_is(db, "PRAGMA quick_check(1)", "ok", &ok) == -1)
		return -1;
	if (!ok)
		return db_damaged(db, "its pages do not fit together");
	return 0;
}

/*
 * What the file holds, before anything is written.  All of it is read only
 * when the last run did not end well, which nobody knows of a file without our
 * tables, and before the tables are changed.
 */
static int
content_check(struct statedb *db, enum schema found, uint8_t *unclean)
{
	int64_t value = 0;

	*unclean = 0;
	if (found == SCHEMA_NONE)
		return 0;
	if (found == SCHEMA_WHOLE &&
	    db_exec_int(db, "SELECT unclean FROM run", &value) == -1)
		return -1;
	*unclean = value != 0;
	if ((*unclean || found != SCHEMA_WHOLE) && damage_check(db) == -1)
		return -1;
	return found == SCHEMA_OLD ? migrate_rows(db) : 0;
}

/* The same for tables of version 0, which are not touched before MIGRATE. */
static int
probe_old(struct statedb *db)
{
	return db_exec(db, "BEGIN IMMEDIATE; PRAGMA user_version = 0;"
	    "ROLLBACK");
}

/*
 * A real write, which creates and opens the journal, and its undoing: the
 * database file is not touched, and a run that finds nothing to do commits
 * nothing (the cost is one fdatasync of the journal and one of its folder).
 */
static int
probe(struct statedb *db)
{
	if (db_begin(db) == -1 || db_finish(db, S_PROBE) == -1)
		return -1;
	if (db_finish(db, S_ROLLBACK) == -1)
		return -1;
	db->txn = 0;
	return 0;
}

/* Copies were under way when the last run ended. */
static int
intents_left(struct statedb *db, struct msg_opened *o)
{
	int64_t some = 0;

	if (o->unclean && db_exec_int(db,
	    "SELECT EXISTS (SELECT 1 FROM intents)", &some) == -1)
		return -1;
	if (some)
		o->unclean = 2;
	return 0;
}

int
db_ready(struct statedb *db)
{
	if (db_exec(db, "PRAGMA foreign_keys = ON") == -1 ||
	    db_prepare(db) == -1)
		return -1;
	return probe(db) == -1 || schema_reap(db) == -1 ? -1 : 0;
}

static int
open_steps(struct statedb *db, int create, struct msg_opened *o)
{
	enum schema found;
	int created = 0;

	if (!is_memory(db->path)) {
		if (create && (created = file_create(db)) == -1)
			return -1;
		if (file_check(db) == -1 || room_check(db) == -1)
			return -1;
	}
	if (sql_open(db) == -1 || lock(db, &found) == -1 ||
	    content_check(db, found, &o->unclean) == -1)
		return -1;
	if (found == SCHEMA_OLD) {
		o->old = 1;
		return probe_old(db) == -1 || db_keep(db, 0) == -1 ? -1 : 0;
	}
	if (found == SCHEMA_ORIGINAL && db_keep(db, DB_VERSION) == -1)
		return -1;
	if (schema_create(db, found) == -1 || db_ready(db) == -1)
		return -1;
	o->created = (uint8_t)(created || found == SCHEMA_NONE);
	return intents_left(db, o);
}

int
db_open(struct statedb *db, const char *path, int create, struct msg_opened *o)
{
	memset(o, 0, sizeof(*o));
	if (path[0] != '/' && !is_memory(path))
		return db_fail(db, FAIL_INTERNAL, "database %s: the path is "
		    "not absolute", path);
	if (strlen(path) >= DB_PATHMAX)
		return db_fail(db, FAIL_DB, "the path of the database is "
		    "longer than %d octets", DB_PATHMAX - 1);
	if ((db->path = strdup(path)) == NULL)
		return db_fail(db, FAIL_DB, "database: not enough memory");
	if (open_steps(db, create, o) == 0)
		return 0;
	db_close(db);
	return -1;
}

enum handled
handle_open(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_open m;
	struct msg_opened o;
	char *path;
	int rc;

	if (msg_get_open(&b, &m) == -1)
		return H_BAD;
	db->state = DB_FAILED;
	if ((path = bytes_dup(m.path)) == NULL) {
		db_fail(db, FAIL_INTERNAL, "not enough memory");
		return H_FAIL;
	}
	rc = db_open(db, path, m.flags & OPEN_CREATE, &o);
	free(path);
	if (rc == -1)
		return H_FAIL;
	db->state = o.old ? DB_OLD : DB_READY;
	if (db->kept != NULL)
		o.copy = bytes_of(db->kept);
	ibuf_init(&b);
	msg_put_opened(&b, &o);
	request_event(r, MSG_OPENED, &b);
	ibuf_free(&b);
	if (!o.old && memory_tell(db, r) == -1) {
		db->state = DB_FAILED;
		return H_FAIL;
	}
	return H_DONE;
}

const char *
db_library(void)
{
	return sqlite3_libversion();
}
