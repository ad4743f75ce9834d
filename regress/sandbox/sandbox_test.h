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
 * The sandbox test: attempts.c and work.c are run by stages.c, each of them in
 * a process of its own that has entered a stage of lib/sandbox.h.  All of them
 * return 0 or an errno.
 */
#ifndef SANDBOX_TEST_H
#define SANDBOX_TEST_H

#include "sandbox.h"

/* What a forked child finds when it tries; made before any stage. */
struct scene {
	char	 dir[64];	/* the database's folder */
	char	 secret[96];	/* a file outside of it, mode 0644 */
	int	 inet;		/* an unconnected TCP socket */
	int	 udp;		/* a datagram socket */
	int	 file;		/* a regular file, open for reading */
	int	 pair[2];	/* a stream socketpair */
	pid_t	 parent;
	long	 gmtoff;	/* of this machine's time zone */
};

typedef int (*attempt)(struct scene *);

/* attempts.c: what a stage may have to refuse. */
int	try_open(struct scene *);
int	try_open_secret(struct scene *);
int	try_create(struct scene *);
int	try_create_db(struct scene *);
int	try_stat(struct scene *);
int	try_access(struct scene *);
int	try_readlink(struct scene *);
int	try_unlink(struct scene *);
int	try_chmod(struct scene *);
int	try_socket_inet(struct scene *);
int	try_socket_unix(struct scene *);
int	try_connect(struct scene *);
int	try_bind(struct scene *);
int	try_listen(struct scene *);
int	try_sendto(struct scene *);
int	try_sendmsg(struct scene *);
int	try_execve(struct scene *);
int	try_execveat(struct scene *);
int	try_fork(struct scene *);
int	try_vfork(struct scene *);
int	try_thread(struct scene *);
int	try_clone3(struct scene *);
int	try_ptrace(struct scene *);
int	try_vm_readv(struct scene *);
int	try_mmap_exec(struct scene *);
int	try_mprotect_exec(struct scene *);
int	try_personality(struct scene *);
int	try_memfd(struct scene *);
int	try_kill_other(struct scene *);
int	try_kill_group(struct scene *);
int	try_tgkill_other(struct scene *);
int	try_kill_self(struct scene *);
int	try_dup(struct scene *);
int	try_fcntl_dup(struct scene *);
int	try_fcntl_lock(struct scene *);
int	try_tiocsti(struct scene *);
int	try_setrlimit(struct scene *);
int	try_prctl(struct scene *);
int	try_wait(struct scene *);
int	try_setuid(struct scene *);
int	try_chroot_home(struct scene *);
int	try_io_uring(struct scene *);
int	try_bpf(struct scene *);
int	try_mount(struct scene *);
int	try_pipe_poll(struct scene *);
int	try_memory(struct scene *);
int	try_clock(struct scene *);
int	try_abort(struct scene *);

/* work.c: what a process is there for, from its first stage to its last. */
int	work_database(struct scene *);
int	work_resolve(struct scene *);
int	work_unprivileged(struct scene *);
int	work_dumpable(struct scene *);
/* work_tls.c: a verified handshake in the locked stage. */
int	work_tls(struct scene *);

#endif
