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
 * A VFS of SQLite that counts the changes of all files, and at the n-th ends
 * the process or fails as a full disk does.  Included after dbtest.h.
 */

/* A database and a journal have different methods. */
static struct methods {
	sqlite3_io_methods		 m;
	const sqlite3_io_methods	*real;
} methods[4];
static sqlite3_vfs vfs, *real_vfs;
static int changes_left = -1;		/* before that; -1: never */
static int full;			/* 0: the process ends */

static inline int
change(void)
{
	if (changes_left == 0 && !full)
		_exit(9);
	if (changes_left == 0)
		return SQLITE_FULL;
	if (changes_left > 0)
		changes_left--;
	return SQLITE_OK;
}

static inline const sqlite3_io_methods *
real_of(const sqlite3_file *file)
{
	size_t i;

	for (i = 0; file->pMethods != &methods[i].m; i++)
		assert_true(i + 1 < sizeof(methods) / sizeof(methods[0]));
	return methods[i].real;
}

static inline int
vfs_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	/* Half of it got there. */
	if (changes_left == 0)
		real_of(file)->xWrite(file, data, n / 2, at);
	if (change() != SQLITE_OK)
		return SQLITE_FULL;
	return real_of(file)->xWrite(file, data, n, at);
}

static inline int
vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (change() != SQLITE_OK)
		return SQLITE_FULL;
	return real_of(file)->xTruncate(file, size);
}

/* What a killed process wrote is there without it. */
static inline int
vfs_sync(sqlite3_file *file, int flags)
{
	return change();
}

static inline int
vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *file,
    int flags, int *out)
{
	int rc = real_vfs->xOpen(real_vfs, name, file, flags, out);
	size_t i;

	if (rc != SQLITE_OK)
		return rc;
	for (i = 0; methods[i].real != NULL &&
	    methods[i].real != file->pMethods; i++)
		assert_true(i + 1 < sizeof(methods) / sizeof(methods[0]));
	methods[i].real = file->pMethods;
	methods[i].m = *file->pMethods;
	methods[i].m.xWrite = vfs_write;
	methods[i].m.xTruncate = vfs_truncate;
	methods[i].m.xSync = vfs_sync;
	file->pMethods = &methods[i].m;
	return rc;
}

static inline void
vfs_start(void)
{
	vfs = *(real_vfs = sqlite3_vfs_find(NULL));
	vfs.zName = "dying";
	vfs.xOpen = vfs_open;
	sqlite3_vfs_register(&vfs, 1);
}
