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
 * Where files are, by the XDG base directory rules.  Called by main.c and
 * session.c before the process is locked; makes the subdirectory interimap,
 * nothing else.
 */
#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interimap.h"

#define SUBDIR	"interimap"

static char *
join(const char *a, const char *b)
{
	char	*s;

	if (asprintf(&s, "%s/%s", a, b) == -1)
		return NULL;
	return s;
}

/* The base: the variable when it holds an absolute path, else below home. */
static char *
base_directory(const char *var, const char *below)
{
	const char		*dir = getenv(var), *home;
	const struct passwd	*pw;

	if (dir != NULL && *dir == '/')
		return strdup(dir);
	home = getenv("HOME");
	if (home == NULL || *home == '\0') {
		pw = getpwuid(getuid());
		home = pw != NULL ? pw->pw_dir : "";
	}
	return join(home, below);
}

/* The umask of the user is for others' files: it may leave us no right. */
static int
make_private(const char *dir)
{
	mode_t	mask = umask(S_IRWXG | S_IRWXO);
	int	rc = mkdir(dir, S_IRWXU), error = errno;

	umask(mask);
	errno = error;
	return rc;
}

/* The base with interimap/ in it, made when missing. */
static char *
subdirectory(const char *base, char *err, size_t errlen)
{
	struct stat	 st;
	char		*dir;

	if (stat(base, &st) == -1 || !S_ISDIR(st.st_mode)) {
		snprintf(err, errlen, "No such directory: %s; make it, or "
		    "give an absolute path of the file", base);
		return NULL;
	}
	if ((dir = join(base, SUBDIR)) == NULL) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if (make_private(dir) == -1 && errno != EEXIST) {
		snprintf(err, errlen, "Can't make directory %s: %s", dir,
		    strerror(errno));
		free(dir);
		return NULL;
	}
	return dir;
}

static char *
xdg_path(const char *name, const char *var, const char *below, char *err,
    size_t errlen)
{
	char	*base, *dir = NULL, *path = NULL;

	if (*name == '/')
		path = strdup(name);
	else if ((base = base_directory(var, below)) != NULL) {
		if ((dir = subdirectory(base, err, errlen)) == NULL) {
			free(base);
			return NULL;
		}
		path = join(dir, name);
		free(base);
		free(dir);
	}
	if (path == NULL)
		snprintf(err, errlen, "out of memory");
	return path;
}

char *
path_config(const char *name, char *err, size_t errlen)
{
	return xdg_path(name, "XDG_CONFIG_HOME", ".config", err, errlen);
}

char *
path_database(const char *name, char *err, size_t errlen)
{
	return xdg_path(name, "XDG_DATA_HOME", ".local/share", err, errlen);
}
