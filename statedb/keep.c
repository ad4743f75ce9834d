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
 * A copy of the file before its tables are changed, beside it: octet for octet,
 * and on the disk before the change is begun.  No copy is ever written over.
 * Called by open.c, with the lock held and nothing left to be rolled back, so
 * that what SQLite reads of the file is all there is.  The file is read by way
 * of SQLite's descriptor: to close another one would give up the lock.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "killpoint.h"
#include "statedb.h"

#define PIECE		32768
#define HEAD		512	/* the smallest page; written last */
#define KEPT_MAX	9	/* copies of one version */

enum kept {
	KEPT_NONE,		/* nothing by that name */
	KEPT_CUT,		/* ours, and not written to its end */
	KEPT_SAME,
	KEPT_OTHER,
	KEPT_ERROR
};

struct source {
	sqlite3_file	*file;
	sqlite3_int64	 size;
};

static int
source_open(struct statedb *db, struct source *s)
{
	if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER,
	    &s->file) == SQLITE_OK && s->file->pMethods != NULL &&
	    s->file->pMethods->xFileSize(s->file, &s->size) == SQLITE_OK)
		return 0;
	return db_fail_sql(db, "copying it");
}

/* The octets of one piece that begins there; 0: error. */
static size_t
source_read(const struct source *s, sqlite3_int64 at, char *buf)
{
	size_t n = s->size - at < PIECE ? (size_t)(s->size - at) : PIECE;

	return s->file->pMethods->xRead(s->file, buf, (int)n, at) ==
	    SQLITE_OK ? n : 0;
}

/* An interrupted copy begins with nothing: its head was to come last. */
static enum kept
cut_or_other(int fd, off_t size)
{
	static const char zero[HEAD];
	char head[HEAD];
	ssize_t n = size < HEAD ? (ssize_t)size : HEAD;

	if (pread(fd, head, (size_t)n, 0) != n)
		return KEPT_ERROR;
	return memcmp(head, zero, (size_t)n) == 0 ? KEPT_CUT : KEPT_OTHER;
}

static enum kept
compare(const struct source *s, int fd)
{
	char there[PIECE], here[PIECE];
	sqlite3_int64 at;
	struct stat sb;
	size_t n;

	if (fstat(fd, &sb) == -1)
		return KEPT_ERROR;
	if (!S_ISREG(sb.st_mode))
		return KEPT_OTHER;
	for (at = 0; sb.st_size == s->size && at < s->size;
	    at += (sqlite3_int64)n) {
		if ((n = source_read(s, at, here)) == 0 ||
		    pread(fd, there, n, at) != (ssize_t)n)
			return KEPT_ERROR;
		if (memcmp(here, there, n) != 0)
			break;
	}
	if (sb.st_size == s->size && at == s->size)
		return KEPT_SAME;
	return cut_or_other(fd, sb.st_size);
}

/* What stands by that name. */
static enum kept
look(const struct source *s, const char *name)
{
	struct stat sb;
	enum kept k;
	int fd;

	if (lstat(name, &sb) == -1)
		return errno == ENOENT ? KEPT_NONE : KEPT_ERROR;
	if (!S_ISREG(sb.st_mode))
		return KEPT_OTHER;
	fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return KEPT_OTHER;
	k = compare(s, fd);
	close(fd);
	return k;
}

static int
put(int fd, const char *buf, size_t n, off_t at)
{
	ssize_t w;

	while (n > 0) {
		if ((w = pwrite(fd, buf, n, at)) == -1)
			return -1;
		buf += w;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

/* All but the head, then that: 0, or -1 with errno. */
static int
write_copy(const struct source *s, int fd)
{
	char buf[PIECE], head[HEAD];
	sqlite3_int64 at;
	size_t n, skip;

	for (at = 0; at < s->size; at += (sqlite3_int64)n) {
		if ((n = source_read(s, at, buf)) == 0) {
			errno = EIO;
			return -1;
		}
		skip = at == 0 ? HEAD : 0;
		if (at == 0)
			memcpy(head, buf, sizeof(head));
		if (put(fd, buf + skip, n - skip, at + (off_t)skip) == -1)
			return -1;
	}
	KILLPOINT("keep-headless");
	if (fsync(fd) == -1 || put(fd, head, sizeof(head), 0) == -1)
		return -1;
	return fsync(fd);
}

static int
make(struct statedb *db, const struct source *s, const char *name)
{
	int fd, rc, e;

	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	rc = fd == -1 ? -1 : write_copy(s, fd);
	e = errno;
	if (fd != -1)
		close(fd);
	if (rc == 0 && sync_folder(db) == 0)
		return 0;
	if (fd != -1)
		unlink(name);
	if (rc == 0)
		return -1;
	return db_fail(db, FAIL_DB, "database %s was not changed: its copy %s "
	    "cannot be written: %s; make room there, or make its folder "
	    "writable", db->path, name, strerror(e));
}

/* The file's own name, whatever links lead there. */
static int
name_of(struct statedb *db, int version, int i, char *name, size_t size)
{
	char real[PATH_MAX];
	int n;

	if (realpath(db->path, real) == NULL)
		return db_fail(db, FAIL_DB, "database %s: %s", db->path,
		    strerror(errno));
	if (i == 1)
		n = snprintf(name, size, "%s.v%d.bak", real, version);
	else
		n = snprintf(name, size, "%s.v%d.bak.%d", real, version, i);
	if ((size_t)n >= size)
		return db_fail(db, FAIL_DB, "the path of database %s is too "
		    "long for a copy beside it", db->path);
	return 0;
}

int
db_keep(struct statedb *db, int version)
{
	char name[PATH_MAX];
	struct source s;
	enum kept k;
	int i;

	if (source_open(db, &s) == -1)
		return -1;
	for (i = 1; i <= KEPT_MAX; i++) {
		if (name_of(db, version, i, name, sizeof(name)) == -1)
			return -1;
		k = look(&s, name);
		if (k == KEPT_SAME)
			return 0;
		if (k == KEPT_ERROR)
			return db_fail(db, FAIL_DB, "database %s was not "
			    "changed: its copy %s cannot be looked at; move "
			    "that away", db->path, name);
		if (k == KEPT_OTHER)
			continue;
		if ((k == KEPT_CUT && unlink(name) == -1) ||
		    make(db, &s, name) == -1)
			return -1;
		db->kept = strdup(name);
		KILLPOINT("keep-made");
		return 0;
	}
	return db_fail(db, FAIL_DB, "database %s was not changed: there are "
	    "%d copies of it already; move %s and the others away", db->path,
	    KEPT_MAX, name);
}
