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
 * Finds the programs of the children and our own, see locate.h.  Called by
 * spawn.c and supervisor.c, before any sandbox; starts nothing.
 *
 * In a build tree a child's program could be exchanged by whoever may write to
 * it or to a folder on the way to it.  So each of them must belong to root, to
 * the owner of the running program, or to the owner of the folder that holds
 * the running program (who chose what is running now), and must not be
 * writable by others.  Two things that look like it are harmless: a sticky
 * folder as /tmp, and a group that is its owner's own (as of useradd(8), which
 * goes with a umask of 002).
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "locate.h"

static const char *const names[] = {
	[PROG_IMAPCHILD] = "imapchild",
	[PROG_STATEDB] = "statedb"
};

#ifdef __linux__
int
locate_self(char *path, size_t size)
{
	ssize_t n;

	if ((n = readlink("/proc/self/exe", path, size)) == -1)
		return -1;
	if ((size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	path[n] = '\0';
	return 0;
}
#else
/* A running program has no name here; it is the installed one. */
int
locate_self(char *path, size_t size)
{
	if (strlcpy(path, BINDIR "/interimap", size) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}
#endif

/* Cut the last component off: "/a/b" gives "/a", "/a" gives "/". */
static void
cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == path)
		slash++;
	if (slash != NULL)
		*slash = '\0';
}

/* The group has no other member than this user, whose name it bears. */
static int
own_group(uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);
	const struct group *gr = getgrgid(gid);

	if (pw == NULL || gr == NULL || pw->pw_gid != gid ||
	    strcmp(pw->pw_name, gr->gr_name) != 0)
		return 0;
	return gr->gr_mem[0] == NULL || (gr->gr_mem[1] == NULL &&
	    strcmp(gr->gr_mem[0], pw->pw_name) == 0);
}

static int
safe(const struct stat *st, uid_t a, uid_t b)
{
	if (st->st_uid != 0 && st->st_uid != a && st->st_uid != b)
		return 0;
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return 1;
	if (st->st_mode & S_IWOTH)
		return 0;
	return !(st->st_mode & S_IWGRP) || own_group(st->st_uid, st->st_gid);
}

int
locate_trusted(const char *self, const char *path, char *err, size_t len)
{
	struct stat file, dir, st;
	char p[LOCATE_MAX];

	if (strlcpy(p, self, sizeof(p)) >= sizeof(p) ||
	    stat(p, &file) == -1 || (cut(p), stat(p, &dir)) == -1 ||
	    strlcpy(p, path, sizeof(p)) >= sizeof(p)) {
		snprintf(err, len, "%s: cannot be examined", self);
		return -1;
	}
	for (;; cut(p)) {
		if (lstat(p, &st) == -1) {
			snprintf(err, len, "%s: %s", p, strerror(errno));
			return -1;
		}
		if (!safe(&st, file.st_uid, dir.st_uid)) {
			snprintf(err, len, "will not run %s: %s belongs to or "
			    "can be written by another user", path, p);
			return -1;
		}
		if (strcmp(p, "/") == 0)
			return 0;
	}
}

/* The folder above DIR/interimap/interimap.  0, or -1: it is not called so. */
static int
tree_of(const char *self, char *tree, size_t size)
{
	static const char tail[] = "/interimap/interimap";
	size_t n = strlen(self), t = sizeof(tail) - 1;

	if (n <= t || strcmp(self + n - t, tail) != 0 || n - t >= size)
		return -1;
	memcpy(tree, self, n - t);
	tree[n - t] = '\0';
	return 0;
}

int
locate_child(enum program prog, char *path, size_t size, char *err, size_t len)
{
	const char *name = names[prog];
	char self[LOCATE_MAX], tree[LOCATE_MAX];
	int n;

	if (locate_self(self, sizeof(self)) == -1) {
		snprintf(err, len, "cannot find the running program: %s",
		    strerror(errno));
		return -1;
	}
	if (tree_of(self, tree, sizeof(tree)) == 0) {
		n = snprintf(path, size, "%s/%s/%s", tree, name, name);
		if (n > 0 && (size_t)n < size && access(path, F_OK) == 0)
			return locate_trusted(self, path, err, len);
	}
	n = snprintf(path, size, "%s/%s", LIBEXECDIR, name);
	if (n > 0 && (size_t)n < size)
		return 0;
	snprintf(err, len, "%s/%s: path too long", LIBEXECDIR, name);
	return -1;
}
