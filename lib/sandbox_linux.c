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
 * The stages of sandbox.h on Linux, in the order the kernel wants: root given
 * up, no_new_privs, Landlock, resource limits, not dumpable, and seccomp last.
 * Called once a stage from each main.c.  The system calls of each stage are in
 * sandbox_filter.c, its paths are here.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_linux.h"

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * nproc, nofile: the most processes of this user and the highest descriptor
 * + 1 that this process may make from now on (open ones above it stay open,
 * but poll(2) takes no longer list); -1 leaves the limit.
 */
static const struct limits {
	int	nproc, nofile;
	int	nofiles;	/* may not write a regular file */
} stage_limits[] = {
	[SANDBOX_IMAP_START] = { 0, 64, 1 },
	[SANDBOX_IMAP_LOCKED] = { 0, 16, 1 },
	[SANDBOX_DB_START] = { 0, 64, 0 },
	[SANDBOX_DB_LOCKED] = { 0, 16, 0 },
	[SANDBOX_PARENT_LOCKED] = { 0, 64, 0 },
	[SANDBOX_SUPERVISOR] = { -1, -1, 0 }
};

static int
limit(int what, int n)
{
	struct rlimit rl;

	if (n == -1)
		return 0;
	rl.rlim_cur = rl.rlim_max = (rlim_t)n;
	return setrlimit(what, &rl);
}

/* Standard error may be a file; only then must writing to files go on. */
static int
set_limits(const struct limits *l)
{
	struct stat sb;
	int fsize = -1;

	if (l->nofiles && (fstat(STDERR_FILENO, &sb) == -1 ||
	    !S_ISREG(sb.st_mode)))
		fsize = 0;
	if (limit(RLIMIT_CORE, 0) == -1 || limit(RLIMIT_FSIZE, fsize) == -1 ||
	    limit(RLIMIT_NPROC, l->nproc) == -1 ||
	    limit(RLIMIT_NOFILE, l->nofile) == -1)
		return -1;
	return sandbox_nocore();
}

/*
 * Read the time zone now: without TZ, localtime(3) looks at the file again
 * each time and would fall back to UTC in a locked stage.
 */
static int
read_timezone(void)
{
	time_t now = time(NULL);
	struct tm tm;

	if (setenv("TZ", ":/etc/localtime", 0) == -1)
		return -1;
	tzset();
	return localtime_r(&now, &tm) == NULL ? -1 : 0;
}

/* The root of this process becomes a folder that is gone: none is emptier. */
static int
empty_root(void)
{
	char dir[] = "/tmp/interimap.XXXXXXXXXX";

	if (mkdtemp(dir) == NULL)
		return -1;
	if (chdir(dir) == -1) {
		rmdir(dir);
		return -1;
	}
	if (rmdir(dir) == -1 || chroot(".") == -1)
		return -1;
	return chdir("/");
}

/*
 * Started as root: nobody from now on, in an empty root.  Changing the user
 * makes the kernel forget to kill us when our parent ends; it is told again.
 */
static int
drop_root(void)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;
	int sig = 0;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam("_interimap")) == NULL &&
	    (pw = getpwnam("nobody")) == NULL) {
		errno = ENOENT;
		return -1;
	}
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	if (prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0) == -1 ||
	    empty_root() == -1 || setgroups(1, &gid) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return -1;
	return prctl(PR_SET_PDEATHSIG, (unsigned long)sig, 0, 0, 0);
}

/* The paths of a stage; path is what sandbox_enter() was given. */
static int
keep_paths(enum sandbox_stage stage, const char *path)
{
	const struct landlock_grant imap[] = {
		{ "/etc", LANDLOCK_READ }, { "/usr", LANDLOCK_READ },
		{ "/lib", LANDLOCK_READ }, { "/lib64", LANDLOCK_READ },
		/* where /etc/resolv.conf may point to */
		{ "/run/systemd/resolve", LANDLOCK_READ },
		{ "/run/resolvconf", LANDLOCK_READ },
		{ "/run/NetworkManager", LANDLOCK_READ },
		/* modules and caches of the name service */
		{ "/nix/store", LANDLOCK_READ },
		{ "/run/nscd", LANDLOCK_READ },
		{ "/var/lib/sss", LANDLOCK_READ },
		/* certificates on some systems */
		{ "/var/lib/ca-certificates", LANDLOCK_READ },
		{ path, LANDLOCK_READ },
		/* for empty_root() */
		{ geteuid() == 0 ? "/tmp" : NULL, LANDLOCK_MKDIR }
	};
	const struct landlock_grant db[] = {
		{ path, LANDLOCK_FOLDER },
		{ "/dev/urandom", LANDLOCK_READ },
		{ "/etc/localtime", LANDLOCK_READ }
	};

	unsigned int all = LANDLOCK_CONNECT | LANDLOCK_SIGNAL;

	switch (stage) {
	case SANDBOX_IMAP_START:
		return landlock_enter(imap, nitems(imap), LANDLOCK_SIGNAL);
	case SANDBOX_DB_START:
		return landlock_enter(db, nitems(db), all);
	case SANDBOX_PARENT_LOCKED:
		/* Its end must still kill its children (spawn.c). */
		return landlock_enter(NULL, 0, LANDLOCK_CONNECT);
	default:
		return landlock_enter(NULL, 0, all);
	}
}

/* An exec takes it back, so the user's commands are as they were. */
int
sandbox_nocore(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int
failed(char *errbuf, size_t len, const char *what, int error)
{
	snprintf(errbuf, len, "%s: %s", what, strerror(error));
	return -1;
}

int
sandbox_enter(enum sandbox_stage stage, const char *path, char *errbuf,
    size_t len)
{
	const struct limits *l = &stage_limits[stage];
	int rc;

	if (stage == SANDBOX_SUPERVISOR)
		return set_limits(l) == -1 ?
		    failed(errbuf, len, "resource limits", errno) : 0;
	if (read_timezone() == -1)
		return failed(errbuf, len, "time zone", errno);
	if (stage == SANDBOX_IMAP_LOCKED && drop_root() == -1)
		return failed(errbuf, len, "giving up root", errno);
	if (stage == SANDBOX_PARENT_LOCKED && landlock_abi() == 0)
		log_warn("this kernel has no Landlock; going on without it");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return failed(errbuf, len, "no_new_privs", errno);
	if (keep_paths(stage, path) == -1)
		return failed(errbuf, len, "Landlock", errno);
	if (set_limits(l) == -1)
		return failed(errbuf, len, "resource limits", errno);
	if ((rc = filter_enter(stage)) != 0)
		return failed(errbuf, len, "seccomp", -rc);
	return 0;
}

/* What a kernel of an older version of Landlock cannot take away. */
static const struct {
	int		 since;
	const char	*what;
} landlock_parts[] = {
	{ 3, "truncate" }, { 4, "TCP" }, { 5, "ioctl" }, { 6, "signals" }
};

void
sandbox_describe(char *buf, size_t len)
{
	const char *sep = " without ";
	int abi = landlock_abi(), n;
	size_t i;

	n = snprintf(buf, len, "%s, %s", prctl(PR_GET_SECCOMP, 0, 0, 0, 0) ==
	    -1 ? "no seccomp" : "seccomp", abi == 0 ? "no Landlock" :
	    "Landlock ABI ");
	if (abi == 0 || n < 0 || (size_t)n >= len)
		return;
	snprintf(buf + n, len - (size_t)n, "%d", abi);
	for (i = 0; i < nitems(landlock_parts); i++) {
		if (abi >= landlock_parts[i].since)
			continue;
		strlcat(buf, sep, len);
		strlcat(buf, landlock_parts[i].what, len);
		sep = ", ";
	}
}
