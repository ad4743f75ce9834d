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
 * Landlock: a process gives up the file system, except for what it is granted.
 * Called by sandbox_linux.c only.  By its system calls, since no C library
 * wraps them, and with constants of our own, since the header of the system
 * we are built on may be older than the kernel we run on.  Access rights that
 * the running kernel does not know are left out, so one table serves all
 * versions (Documentation/userspace-api/landlock.rst).
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/landlock.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "sandbox_linux.h"

/* What came after the first version, in case the system's header is older. */
#define FS_REFER	(1ULL << 13)	/* version 2 */
#define FS_TRUNCATE	(1ULL << 14)	/* version 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* version 5 */
#define NET_BIND_TCP	(1ULL << 0)	/* version 4 */
#define NET_CONNECT_TCP	(1ULL << 1)
#define SCOPE_ABSTRACT	(1ULL << 0)	/* version 6 */
#define SCOPE_SIGNAL	(1ULL << 1)

#define FS_VERSION1	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

#define ON_FILES	(LANDLOCK_ACCESS_FS_EXECUTE |			\
			 LANDLOCK_ACCESS_FS_READ_FILE |			\
			 LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define READ		(LANDLOCK_ACCESS_FS_READ_FILE |			\
			 LANDLOCK_ACCESS_FS_READ_DIR)

/* struct landlock_ruleset_attr as of version 6; older ones are a prefix. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static const uint64_t rights[] = {
	[LANDLOCK_READ] = READ,
	[LANDLOCK_FOLDER] = READ | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	    FS_TRUNCATE,
	[LANDLOCK_MKDIR] = LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_REMOVE_DIR
};

int
landlock_abi(void)
{
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	return abi < 1 ? 0 : (int)abi;
}

/* All that this version can give up, and how large its struct is. */
static size_t
everything(struct ruleset *rs, int abi, unsigned int also)
{
	rs->fs = FS_VERSION1;
	if (abi >= 2)
		rs->fs |= FS_REFER;
	if (abi >= 3)
		rs->fs |= FS_TRUNCATE;
	if (abi >= 5)
		rs->fs |= FS_IOCTL_DEV;
	rs->net = NET_BIND_TCP;
	if (also & LANDLOCK_CONNECT)
		rs->net |= NET_CONNECT_TCP;
	rs->scoped = SCOPE_ABSTRACT;
	if (also & LANDLOCK_SIGNAL)
		rs->scoped |= SCOPE_SIGNAL;
	if (abi >= 6)
		return sizeof(*rs);
	return abi >= 4 ? offsetof(struct ruleset, scoped) :
	    offsetof(struct ruleset, net);
}

static int
grant(int fd, const struct landlock_grant *g, uint64_t handled)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	int rc;

	if (g->path == NULL)
		return 0;
	if ((rule.parent_fd = open(g->path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    errno == EACCES ? 0 : -1;
	rule.allowed_access = rights[g->right] & handled;
	if ((rc = fstat(rule.parent_fd, &st)) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ON_FILES;
	if (rc == 0 && rule.allowed_access != 0)
		rc = (int)syscall(SYS_landlock_add_rule, fd,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return rc;
}

int
landlock_enter(const struct landlock_grant *g, size_t n, unsigned int also)
{
	struct ruleset rs;
	size_t i, size;
	int abi, fd, rc = 0;

	if ((abi = landlock_abi()) == 0)
		return 0;
	size = everything(&rs, abi, also);
	fd = (int)syscall(SYS_landlock_create_ruleset, &rs, size, 0);
	if (fd == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++)
		rc = grant(fd, &g[i], rs.fs);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc;
}
