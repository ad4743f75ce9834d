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
 * The stages of sandbox.h on OpenBSD: pledge(2) and unveil(2).  Called once a
 * stage from each main.c.  UNTESTED: written from the manual pages, compiled
 * here against the prototypes in regress/stubs/openbsd only.
 *
 * As root, imapchild changes its user, but to no empty root: chroot(2) is not
 * for a process that has pledged, and unveil(2) leaves it no path anyway.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * "id" is for root alone and goes with the locked stage; "flock" is what
 * SQLite takes its locks by; "fattr" is for the owner of its journal.
 */
static const struct stage {
	const char	*promises;
	const char	*rights;	/* unveil(2) of the path, NULL: none */
} stages[] = {
	[SANDBOX_IMAP_START] = { "stdio rpath inet dns id", "r" },
	[SANDBOX_IMAP_LOCKED] = { "stdio", NULL },
	[SANDBOX_DB_START] = { "stdio rpath wpath cpath flock fattr", "rwc" },
	[SANDBOX_DB_LOCKED] = { "stdio flock", NULL },
	[SANDBOX_PARENT_LOCKED] = { "stdio", NULL },
	[SANDBOX_SUPERVISOR] = { "stdio proc exec", NULL }
};

static int
failed(char *errbuf, size_t len, const char *what)
{
	snprintf(errbuf, len, "%s: %s", what, strerror(errno));
	return -1;
}

/* Its program and the files of a session stay in sight of the supervisor. */
static int
keep_paths(enum sandbox_stage stage, const char *path)
{
	static const char *const imap[] = { "/etc", "/usr/share" };
	size_t i;

	if (stage == SANDBOX_SUPERVISOR)
		return 0;
	if (path != NULL && stages[stage].rights != NULL &&
	    unveil(path, stages[stage].rights) == -1)
		return -1;
	if (stage == SANDBOX_IMAP_START)
		for (i = 0; i < nitems(imap); i++)
			if (unveil(imap[i], "r") == -1)
				return -1;
	return 0;
}

int
sandbox_nocore(void)
{
	struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none);
}

/* Started as root: another user from now on. */
static int
drop_root(void)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam("_interimap")) == NULL &&
	    (pw = getpwnam("nobody")) == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1)
		return -1;
	return setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid);
}

int
sandbox_enter(enum sandbox_stage stage, const char *path, char *errbuf,
    size_t len)
{
	if (stage == SANDBOX_IMAP_LOCKED && drop_root() == -1)
		return failed(errbuf, len, "giving up root");
	if (sandbox_nocore() == -1)
		return failed(errbuf, len, "resource limits");
	if (keep_paths(stage, path) == -1)
		return failed(errbuf, len, "unveil");
	if (pledge(stages[stage].promises, NULL) == -1)
		return failed(errbuf, len, "pledge");
	return 0;
}

void
sandbox_describe(char *buf, size_t len)
{
	snprintf(buf, len, "pledge, unveil");
}

void
sandbox_library(char *buf, size_t len)
{
	strlcpy(buf, "", len);
}
