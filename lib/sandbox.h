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
 * The rights of a process, given up for good.  One call, one line in each
 * main.c; the tables are in sandbox_linux.c (seccomp, Landlock, rlimits) and
 * sandbox_pledge.c (pledge, unveil).  Every process only ever loses rights and
 * has lost all it can before any octet from a server is read.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

enum sandbox_stage {
	/*
	 * imapchild, while it resolves, connects and reads certificates:
	 * no exec, no fork, nothing below $HOME to write.
	 */
	SANDBOX_IMAP_START,
	/* imapchild: read, write, poll on the descriptors it has. */
	SANDBOX_IMAP_LOCKED,
	/* statedb, while it opens the one database below the folder. */
	SANDBOX_DB_START,
	/* statedb: the descriptors it has. */
	SANDBOX_DB_LOCKED,
	/* interimap: its log, its children's sockets, wait. */
	SANDBOX_PARENT_LOCKED,
	/* the supervisor of --watch: fork and exec of interimap itself, wait. */
	SANDBOX_SUPERVISOR
};

/*
 * Enter a stage; path narrows it where one is meant (SANDBOX_DB_START: the
 * folder of the database; SANDBOX_IMAP_START: one more file or folder to be
 * read beside those of the system, or NULL), else NULL.  0, or -1 with a reason in errbuf: the
 * caller must end.  What the running kernel lacks but we can do without
 * (Landlock) is said by log_warn once, by the parent only.  Nobody may signal
 * another process from then on, or make a descriptor above 15 (63 in the
 * parent).  The locked imapchild of root is another user in an empty root.
 */
int	 sandbox_enter(enum sandbox_stage, const char *, char *, size_t);
/* Before a secret is read: no core, and no other process may look inside. */
int	 sandbox_nocore(void);
/* For --version: "seccomp, Landlock ABI 7" and the like. */
void	 sandbox_describe(char *, size_t);
/* "libseccomp 2.5.4"; empty where the system itself does it. */
void	 sandbox_library(char *, size_t);

#endif
