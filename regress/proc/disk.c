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
 * The recorder of disk.h: these functions stand in for those of the C library,
 * also for SQLite's calls, and hand everything on to them.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define FDS	256
#define FILES	64
#define NAMEMAX	64
#define FOLDER	FILES		/* in the place of a file */

enum kind { CALL_CREATE, CALL_UNLINK, CALL_WRITE, CALL_TRUNCATE, CALL_SYNC };
static const char *const kinds[] = {
	"create", "unlink", "pwrite", "ftruncate", "fsync"
};

static struct call {
	enum kind	 kind;
	int		 file;
	size_t		 at, n;
	char		*data;
} *calls;
static size_t ncalls, size;

/* One that is made again under a name is another file. */
static struct file {
	char	 name[NAMEMAX];
	char	*base;		/* what was there in the beginning */
	size_t	 n;
	int	 there;
} files[FILES];
static int nfiles;
static int file_of[FDS];	/* of a descriptor; -1: none of ours */
static char folder[PATH_MAX];
static int recording, stopped;

static void *
real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		errx(1, "no %s to stand before", name);
	return p;
}

#define REAL(type, name)						\
	static type fn;							\
	if (fn == NULL) {						\
		void *p = real(name);					\
		memcpy(&fn, &p, sizeof(fn));				\
	}
typedef int (*open_fn)(const char *, int, ...);
typedef int (*fd_fn)(int);
typedef int (*path_fn)(const char *);
typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*truncate_fn)(int, off_t);

static void
add(enum kind kind, int file, size_t at, const void *data, size_t n)
{
	struct call *c;

	if (ncalls == size) {
		size = size == 0 ? 256 : size * 2;
		if ((calls = reallocarray(calls, size, sizeof(*calls))) == NULL)
			err(1, NULL);
	}
	c = &calls[ncalls++];
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->file = file;
	c->at = at;
	c->n = n;
	if (data != NULL) {
		if ((c->data = malloc(n + 1)) == NULL)
			err(1, NULL);
		memcpy(c->data, data, n);
	}
}

/* The name of a file in the folder; NULL: it is none. */
static const char *
name_of(const char *path)
{
	size_t n = strlen(folder);

	if (!recording || strncmp(path, folder, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + 1;
}

static int
file_find(const char *name)
{
	int i;

	for (i = nfiles - 1; i >= 0; i--)
		if (files[i].there && strcmp(files[i].name, name) == 0)
			return i;
	return -1;
}

static int
file_add(const char *name)
{
	if (nfiles == FILES || strlen(name) >= sizeof(files[0].name))
		errx(1, "too many files, or too long a name: %s", name);
	memset(&files[nfiles], 0, sizeof(files[0]));
	memcpy(files[nfiles].name, name, strlen(name));
	files[nfiles].there = 1;
	return nfiles++;
}

static int
opened(int fd, const char *path, int flags)
{
	const char *name = name_of(path);

	if (fd == -1 || fd >= FDS)
		return fd;
	file_of[fd] = -1;
	if (recording && strcmp(path, folder) == 0)
		file_of[fd] = FOLDER;
	if (name == NULL)
		return fd;
	if ((file_of[fd] = file_find(name)) == -1) {
		file_of[fd] = file_add(name);
		add(CALL_CREATE, file_of[fd], 0, NULL, 0);
	} else if (flags & O_TRUNC)
		add(CALL_TRUNCATE, file_of[fd], 0, NULL, 0);
	return fd;
}

/* Which file a descriptor writes to; -1: none of the folder. */
static int
recorded(int fd)
{
	return recording && fd >= 0 && fd < FDS ? file_of[fd] : -1;
}

/* ---- in the place of the C library ---- */

int	 open(const char *, int, ...);
int	 open64(const char *, int, ...);
ssize_t	 pwrite64(int, const void *, size_t, off_t);
int	 ftruncate64(int, off_t);

#define OPEN(name)							\
int									\
name(const char *path, int flags, ...)					\
{									\
	va_list ap;							\
	int mode;							\
	REAL(open_fn, #name)						\
									\
	va_start(ap, flags);						\
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;			\
	va_end(ap);							\
	return opened(fn(path, flags, mode), path, flags);		\
}
OPEN(open)
OPEN(open64)

ssize_t
write(int fd, const void *data, size_t n)
{
	int file = recorded(fd);
	off_t at = file == -1 ? 0 : lseek(fd, 0, SEEK_CUR);
	ssize_t w;
	REAL(write_fn, "write")

	if ((w = fn(fd, data, n)) > 0 && file != -1)
		add(CALL_WRITE, file, (size_t)at, data, (size_t)w);
	return w;
}

#define PWRITE(name)							\
ssize_t									\
name(int fd, const void *data, size_t n, off_t at)			\
{									\
	ssize_t w;							\
	REAL(pwrite_fn, #name)						\
									\
	if ((w = fn(fd, data, n, at)) > 0 && recorded(fd) != -1)	\
		add(CALL_WRITE, recorded(fd), (size_t)at, data,	\
		    (size_t)w);						\
	return w;							\
}
PWRITE(pwrite)
PWRITE(pwrite64)

#define TRUNCATE(name)							\
int									\
name(int fd, off_t to)							\
{									\
	int rc;								\
	REAL(truncate_fn, #name)					\
									\
	if ((rc = fn(fd, to)) == 0 && recorded(fd) != -1)		\
		add(CALL_TRUNCATE, recorded(fd), (size_t)to, NULL, 0);	\
	return rc;							\
}
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

/* Nothing needs to be on the disk for this test. */
#define SYNC(name)							\
int									\
name(int fd)								\
{									\
	REAL(fd_fn, #name)						\
									\
	if (!recording && !stopped)					\
		return fn(fd);						\
	if (recorded(fd) != -1)						\
		add(CALL_SYNC, recorded(fd), 0, NULL, 0);		\
	return 0;							\
}
SYNC(fsync)
SYNC(fdatasync)

int
unlink(const char *path)
{
	const char *name = name_of(path);
	int rc, file;
	REAL(path_fn, "unlink")

	if ((rc = fn(path)) == 0 && name != NULL &&
	    (file = file_find(name)) != -1) {
		files[file].there = 0;
		add(CALL_UNLINK, file, 0, NULL, 0);
	}
	return rc;
}

/* ---- from the test ---- */

static void
load(struct file *f)
{
	char path[PATH_MAX + NAMEMAX + 1];
	struct stat sb;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, f->name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &sb) == -1)
		err(1, "%s", path);
	f->n = (size_t)sb.st_size;
	if ((f->base = malloc(f->n + 1)) == NULL ||
	    read(fd, f->base, f->n) != sb.st_size)
		err(1, "%s", path);
	close(fd);
}

static void
forget(void)
{
	size_t i;

	for (i = 0; i < ncalls; i++)
		free(calls[i].data);
	ncalls = 0;
	for (; nfiles > 0; nfiles--)
		free(files[nfiles - 1].base);
}

void
disk_record(const char *path)
{
	struct dirent *e;
	DIR *d;
	int i;

	forget();
	if (realpath(path, folder) == NULL || (d = opendir(folder)) == NULL)
		err(1, "%s", path);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			load(&files[file_add(e->d_name)]);
	closedir(d);
	for (i = 0; i < FDS; i++)
		file_of[i] = -1;
	recording = 1;
}

void
disk_stop(void)
{
	recording = 0;
	stopped = 1;
}

size_t
disk_calls(void)
{
	return ncalls;
}

int
disk_synced(size_t n)
{
	return n > 0 && calls[n - 1].kind == CALL_SYNC;
}

const char *
disk_call(size_t i, char *buf, size_t n)
{
	const struct call *c = &calls[i];

	snprintf(buf, n, "%s %s %zu at %zu", kinds[c->kind],
	    c->file == FOLDER ? "folder" : files[c->file].name, c->n, c->at);
	return buf;
}

struct image {
	char	*p;
	size_t	 n;
	int	 there;
};

static void
grow(struct image *im, size_t n)
{
	if (n <= im->n)
		return;
	if ((im->p = realloc(im->p, n)) == NULL)
		err(1, NULL);
	memset(im->p + im->n, 0, n - im->n);
	im->n = n;
}

/* All of a write, or by chance these and those sectors of it. */
static void
apply_write(struct image *im, const struct call *c, int torn)
{
	size_t i, end;

	for (i = 0; i < c->n; i = end) {
		end = (c->at + i) / DISK_SECTOR * DISK_SECTOR + DISK_SECTOR -
		    c->at;
		if (end > c->n)
			end = c->n;
		if (torn && rand() % 2 == 0)
			continue;
		grow(im, c->at + end);
		memcpy(im->p + c->at + i, c->data + i, end - i);
	}
}

static void
apply(struct image *im, const struct call *c, int torn)
{
	switch (c->kind) {
	case CALL_CREATE:
		im->there = 1;
		break;
	case CALL_UNLINK:
		im->there = 0;
		break;
	case CALL_WRITE:
		apply_write(im, c, torn);
		break;
	case CALL_TRUNCATE:
		grow(im, c->at);
		im->n = c->at;
		break;
	case CALL_SYNC:
		break;
	}
}

static int
is_name(const struct call *c)
{
	return c->kind == CALL_CREATE || c->kind == CALL_UNLINK;
}

/* What this call changed was synced later; last: the last sync of each file. */
static int
is_synced(size_t i, const size_t *last)
{
	return last[is_name(&calls[i]) ? FOLDER : calls[i].file] > i;
}

/* 0: lost; 1: it is there; 2: a part of it. */
static int
survives(const struct call *c, enum disk_lost lost)
{
	switch (lost) {
	case LOST_ALL:
		return 0;
	case LOST_NOTHING:
		return 1;
	case LOST_OCTETS:
		return is_name(c);
	case LOST_NAMES:
		return !is_name(c);
	default:
		return rand() % 3;
	}
}

static void
store(const struct image *im, const char *to, const char *name)
{
	char path[PATH_MAX + NAMEMAX + 1];
	int fd;

	if (strlen(to) >= PATH_MAX)
		errx(1, "%s", to);
	snprintf(path, sizeof(path), "%s/%.*s", to, NAMEMAX - 1, name);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600)) == -1 || write(fd, im->p, im->n) != (ssize_t)im->n)
		err(1, "%s", path);
	close(fd);
}

void
disk_cut(size_t cut, enum disk_lost lost, unsigned int seed, const char *to)
{
	struct image im[FILES];
	size_t i, last[FILES + 1];
	int k;

	memset(im, 0, sizeof(im));
	for (k = 0; k < nfiles; k++)
		if (files[k].base != NULL) {
			im[k].there = 1;
			grow(&im[k], files[k].n);
			memcpy(im[k].p, files[k].base, files[k].n);
		}
	memset(last, 0, sizeof(last));
	for (i = 0; i < cut; i++)
		if (calls[i].kind == CALL_SYNC)
			last[calls[i].file] = i;
	srand(seed);
	for (i = 0; i < cut; i++) {
		if (calls[i].kind == CALL_SYNC)
			continue;
		k = is_synced(i, last) ? 1 : survives(&calls[i], lost);
		if (k != 0)
			apply(&im[calls[i].file], &calls[i], k == 2);
	}
	for (k = 0; k < nfiles; k++) {
		if (im[k].there)
			store(&im[k], to, files[k].name);
		free(im[k].p);
	}
}
