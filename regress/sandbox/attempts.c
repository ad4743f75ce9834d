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
 * Attempts: each tries one thing and returns 0 when it could, else errno.
 * Called by stages.c in a process that has entered a stage.  Where the C
 * library stands between us and the call, the call is made by number.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sandbox_test.h"

#define FILENAME	"/etc/passwd"

static int
result(long rc)
{
	return rc == -1 ? errno : 0;
}

static struct sockaddr_in
loopback(void)
{
	struct sockaddr_in sin = { 0 };

	sin.sin_family = AF_INET;
	sin.sin_port = htons(9);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

int
try_open(struct scene *s)
{
	return result(open(FILENAME, O_RDONLY | O_CLOEXEC));
}

int
try_open_secret(struct scene *s)
{
	return result(open(s->secret, O_RDONLY | O_CLOEXEC));
}

int
try_create(struct scene *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/interimap-created.%d", getpid());
	if (open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) == -1)
		return errno;
	unlink(path);
	return 0;
}

int
try_create_db(struct scene *s)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/created.%d", s->dir, getpid());
	if (open(path, O_RDWR | O_CREAT | O_EXCL, 0600) == -1)
		return errno;
	return result(unlink(path));
}

int
try_stat(struct scene *s)
{
	struct stat st;

	return result(stat(FILENAME, &st));
}

int
try_access(struct scene *s)
{
	return result(access(FILENAME, R_OK));
}

int
try_readlink(struct scene *s)
{
	char buf[256];

	return result(readlink("/proc/self/exe", buf, sizeof(buf)));
}

int
try_unlink(struct scene *s)
{
	return result(unlink(s->secret));
}

int
try_chmod(struct scene *s)
{
	return result(fchmod(s->file, 0666));
}

int
try_socket_inet(struct scene *s)
{
	return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int
try_socket_unix(struct scene *s)
{
	return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* Nothing listens there: being told so means that it was tried. */
int
try_connect(struct scene *s)
{
	struct sockaddr_in sin = loopback();
	int rc;

	rc = result(connect(s->inet, (struct sockaddr *)&sin, sizeof(sin)));
	return rc == ECONNREFUSED ? 0 : rc;
}

int
try_bind(struct scene *s)
{
	struct sockaddr_in sin = loopback();

	sin.sin_port = 0;
	return result(bind(s->udp, (struct sockaddr *)&sin, sizeof(sin)));
}

int
try_listen(struct scene *s)
{
	return result(listen(s->inet, 1));
}

int
try_sendto(struct scene *s)
{
	struct sockaddr_in sin = loopback();

	return result(sendto(s->udp, "x", 1, 0, (struct sockaddr *)&sin,
	    sizeof(sin)));
}

/* How a descriptor would leave the process. */
int
try_sendmsg(struct scene *s)
{
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr msg = { 0 };

	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	return result(sendmsg(s->pair[0], &msg, 0));
}

int
try_execve(struct scene *s)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };

	execve("/bin/true", argv, argv + 1);
	return errno;
}

int
try_execveat(struct scene *s)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };

	return result(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv,
	    argv + 1, 0));
}

int
try_fork(struct scene *s)
{
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(0);
	return result(pid);
}

int
try_vfork(struct scene *s)
{
#ifdef SYS_fork
	long pid;

	if ((pid = syscall(SYS_fork)) == 0)
		_exit(0);
	return result(pid);
#else
	return try_fork(s);
#endif
}

static int
idle(void *arg)
{
	return 0;
}

int
try_thread(struct scene *s)
{
	static char stack[65536];

	return result(clone(idle, stack + sizeof(stack), CLONE_VM | CLONE_FS |
	    CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL));
}

int
try_clone3(struct scene *s)
{
	return result(syscall(SYS_clone3, NULL, 0));
}

int
try_ptrace(struct scene *s)
{
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

int
try_vm_readv(struct scene *s)
{
	char here[8];
	struct iovec local = { here, sizeof(here) }, remote = local;

	return result(process_vm_readv(s->parent, &local, 1, &remote, 1, 0));
}

int
try_mmap_exec(struct scene *s)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

int
try_mprotect_exec(struct scene *s)
{
	void *p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

/* READ_IMPLIES_EXEC would go round the two above. */
int
try_personality(struct scene *s)
{
	return result(personality(READ_IMPLIES_EXEC));
}

int
try_memfd(struct scene *s)
{
	return result(memfd_create("x", MFD_CLOEXEC));
}

int
try_kill_other(struct scene *s)
{
	return result(kill(s->parent, 0));
}

int
try_kill_group(struct scene *s)
{
	return result(kill(0, 0));
}

int
try_tgkill_other(struct scene *s)
{
	return result(syscall(SYS_tgkill, s->parent, s->parent, 0));
}

int
try_kill_self(struct scene *s)
{
	return result(kill(getpid(), 0));
}

int
try_dup(struct scene *s)
{
	return result(dup(s->file));
}

int
try_fcntl_dup(struct scene *s)
{
	return result(fcntl(s->file, F_DUPFD_CLOEXEC, 0));
}

int
try_fcntl_lock(struct scene *s)
{
	struct flock fl = { 0 };

	fl.l_type = F_RDLCK;
	fl.l_whence = SEEK_SET;
	return result(fcntl(s->file, F_SETLK, &fl));
}

int
try_tiocsti(struct scene *s)
{
	char c = 'x';

	return result(ioctl(STDIN_FILENO, TIOCSTI, &c));
}

int
try_setrlimit(struct scene *s)
{
	struct rlimit rl = { 8, 8 };

	return result(setrlimit(RLIMIT_NOFILE, &rl));
}

int
try_prctl(struct scene *s)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

/* There is no child: being told so means that it may wait. */
int
try_wait(struct scene *s)
{
	int status;

	if (waitpid(-1, &status, WNOHANG) == -1 && errno != ECHILD)
		return errno;
	return 0;
}

int
try_setuid(struct scene *s)
{
	return result(setuid(getuid()));
}

int
try_chroot_home(struct scene *s)
{
	return result(chroot(s->dir));
}

int
try_io_uring(struct scene *s)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}

int
try_bpf(struct scene *s)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

int
try_mount(struct scene *s)
{
	return result(mount("none", s->dir, "tmpfs", 0, NULL));
}

int
try_pipe_poll(struct scene *s)
{
	struct pollfd pfd = { s->pair[1], POLLIN, 0 };
	char c = 0;

	if (write(s->pair[0], "x", 1) != 1 || poll(&pfd, 1, 1000) != 1)
		return errno;
	if (read(s->pair[1], &c, 1) != 1 || c != 'x')
		return EIO;
	return result(fcntl(s->pair[0], F_SETFL, O_NONBLOCK));
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 64);
}

/* Large and small pieces, sorted with a scratch area of qsort's own. */
int
try_memory(struct scene *s)
{
	size_t i, n = 65536;
	char *p, *q;

	if ((p = calloc(n, 64)) == NULL || (q = malloc(100)) == NULL)
		return errno;
	for (i = 0; i < n; i++)
		memcpy(p + 64 * i, &i, sizeof(i));
	qsort(p, n, 64, compare);
	free(q);
	if ((p = realloc(p, n * 256)) == NULL)
		return errno;
	free(p);
	return 0;
}

/*
 * A locked stage must give the hour that it gave before, and must not ask the
 * file system for it again: without TZ, localtime(3) would.
 */
int
try_clock(struct scene *s)
{
	time_t t = 1700000000;
	struct tm *tm;

	if (getenv("TZ") == NULL)
		return ENOENT;
	if ((tm = localtime(&t)) == NULL)
		return errno;
	return tm->tm_gmtoff == s->gmtoff ? 0 : ERANGE;
}

int
try_abort(struct scene *s)
{
	abort();
}
