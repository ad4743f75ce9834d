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
 * The configuration file on the disk: reading it, and who else may.  Called by
 * main.c before any child exists; the grammar is config.c's.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "interimap.h"

#define READ_CHUNK	4096

/* Read the whole file.  Its size, or -1 with errno; *buf is the caller's. */
static ssize_t
slurp(int fd, char **buf)
{
	char	*p;
	size_t	 size = 0, len = 0;
	ssize_t	 n;

	*buf = NULL;
	for (;;) {
		if (size - len < READ_CHUNK) {
			if (size >= CONF_MAXFILE) {
				errno = EFBIG;
				break;
			}
			p = recallocarray(*buf, size, size + 4 * READ_CHUNK,
			    1);
			if (p == NULL)
				break;
			*buf = p;
			size += 4 * READ_CHUNK;
		}
		if ((n = read(fd, *buf + len, size - len)) == 0)
			return (ssize_t)len;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		len += (size_t)n;
	}
	freezero(*buf, size);
	*buf = NULL;
	return -1;
}

static int
holds_secret(const struct server *v)
{
	return v->password != NULL ||
	    (v->proxy != NULL && strchr(v->proxy, '@') != NULL);
}

/*
 * What is wrong with who may change or read a file that names commands and
 * passwords.  It is said on every run, and refused when the file asks for that.
 */
static int
check_owner(const struct config *c, const struct stat *st, warn_fn warn,
    char *err, size_t errlen)
{
	const int	 secret = holds_secret(&c->server[LOCAL]) ||
			    holds_secret(&c->server[REMOTE]);
	const struct {
		int		 wrong;
		const char	*what, *cure;
	} checks[] = {
		{ st->st_uid != getuid() && st->st_uid != 0,
		    "belongs to another user", "chown $USER" },
		{ (st->st_mode & (S_IWGRP | S_IWOTH)) != 0,
		    "may be written by others", "chmod go-w" },
		{ secret && (st->st_mode & (S_IRGRP | S_IROTH)) != 0,
		    "holds a password and may be read by others",
		    "chmod go-rw" }
	};
	size_t		 i;

	if (!S_ISREG(st->st_mode))
		return 0;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!checks[i].wrong)
			continue;
		if (strcasecmp(c->strict, "YES") == 0) {
			snprintf(err, errlen, "%s: %s, and strict-permissions "
			    "is YES; run: %s %s", c->path, checks[i].what,
			    checks[i].cure, c->path);
			return -1;
		}
		warn("%s: %s; run: %s %s", c->path, checks[i].what,
		    checks[i].cure, c->path);
	}
	return 0;
}

int
config_load(struct config *c, const char *path, warn_fn warn, char *err,
    size_t errlen)
{
	struct stat	 st;
	char		*buf;
	ssize_t		 n;
	int		 fd, rc;

	memset(c, 0, sizeof(*c));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		snprintf(err, errlen, errno == ENOENT ?
		    "No such config file %s; interimap(1) tells how to write "
		    "one" : "Can't open config file %s: %s", path,
		    strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1 || (n = slurp(fd, &buf)) == -1) {
		snprintf(err, errlen, "Can't read config file %s: %s", path,
		    strerror(errno));
		close(fd);
		return -1;
	}
	close(fd);
	rc = config_parse(c, path, buf, (size_t)n, warn, err, errlen);
	freezero(buf, (size_t)n);
	if (rc == 0 && check_owner(c, &st, warn, err, errlen) == -1) {
		config_free(c);
		rc = -1;
	}
	return rc;
}
