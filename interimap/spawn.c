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
 * Starts the children and the commands of a session, and reaps the
 * children.  Called by children.c; all but child_reap() before the parent
 * locks.  Chooses no program itself: that is locate.c.
 *
 * A child ignores SIGINT, SIGTERM and SIGHUP: these are for the parent, which
 * closes the control socket, and at its end of file the child ends.  Should
 * the parent be killed, the kernel kills the child (Linux).  So no process
 * needs the right to signal another one.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "locate.h"

#define CONTROL_FD	3
#define BODY_FD		4
#define TUNNEL_FD	5
#define ERROR_FD	6		/* until exec: why it failed */
#define NFDS		7
#define FIRST_FREE	16		/* above all of them, while sorting */

#define REAP_STEP	10		/* milliseconds between two looks */
#define WORDS_MAX	256		/* words of a command */

#define COMMAND_PATH	"/usr/bin:/bin"

/*
 * Give fds[i] the number i, -1: closed; everything above goes.  Only in a
 * forked child, which has nothing to lose.
 */
static int
sort_fds(int *fds, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (fds[i] != -1 &&
		    (fds[i] = fcntl(fds[i], F_DUPFD, FIRST_FREE)) == -1)
			return -1;
	for (i = 0; i < n; i++) {
		if (fds[i] == -1)
			close(i);
		else if (dup2(fds[i], i) == -1)
			return -1;
	}
	closefrom(n);
	return fcntl(ERROR_FD, F_SETFD, FD_CLOEXEC);
}

/* Signals as a fresh program expects them, but for those to be ignored. */
static int
reset_signals(const int *ignored, size_t n)
{
	struct sigaction sa = { 0 };
	sigset_t none;
	size_t i;
	int sig;

	sigemptyset(&sa.sa_mask);
	sa.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);	/* refused for a few */
	sa.sa_handler = SIG_IGN;
	for (i = 0; i < n; i++)
		if (sigaction(ignored[i], &sa, NULL) == -1)
			return -1;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Tell the parent why there will be no program. */
static void __attribute__((noreturn))
give_up(int fd)
{
	int error = errno;

	if (write(fd, &error, sizeof(error)) == -1)
		_exit(126);
	_exit(127);
}

/* End with the parent, which may be gone already. */
static int
die_with(pid_t parent)
{
#ifdef __linux__
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return -1;
#endif
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

/* Where the system's certificates are, if not where the library thinks. */
static int
passed_on(const char *var)
{
	return strncmp(var, "SSL_CERT_FILE=", 14) == 0 ||
	    strncmp(var, "SSL_CERT_DIR=", 13) == 0;
}

static void __attribute__((noreturn))
run_child(const char *path, int *fds, pid_t parent)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	char *argv[2], **e, *envp[5], pathvar[] = "PATH=" COMMAND_PATH;
	int error = fds[ERROR_FD], n = 0;

	argv[0] = (char *)(uintptr_t)path;
	argv[1] = NULL;
	envp[n++] = pathvar;
	for (e = environ; *e != NULL && n < 3; e++) {
		if (passed_on(*e))
			envp[n++] = *e;
	}
#ifdef KILLPOINTS
	char kill_at[256];

	if (getenv("INTERIMAP_KILL") != NULL) {
		snprintf(kill_at, sizeof(kill_at), "INTERIMAP_KILL=%s",
		    getenv("INTERIMAP_KILL"));
		envp[n++] = kill_at;
	}
#endif
	envp[n] = NULL;
	if (sort_fds(fds, NFDS) == -1)
		give_up(error);
	if (reset_signals(ignored, sizeof(ignored) / sizeof(ignored[0])) ==
	    -1 || die_with(parent) == -1)
		give_up(ERROR_FD);
	execve(path, argv, envp);
	give_up(ERROR_FD);
}

/*
 * After the fork, in the parent: 0 when the program runs.  -1 with errno when
 * it does not: the process is reaped then.
 */
static int
started(pid_t pid, int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return 0;
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	errno = n == (ssize_t)sizeof(error) ? error : EIO;
	return -1;
}

static void
close_all(const int *fds, size_t n)
{
	int error = errno;
	size_t i;

	for (i = 0; i < n; i++)
		if (fds[i] != -1)
			close(fds[i]);
	errno = error;
}

/* The control socket and the rest; 0, or -1 with errno. */
static int
fork_child(struct child *c, const char *path, int body, int tunnel)
{
	int sp[2] = { -1, -1 }, ep[2] = { -1, -1 }, null, rc = -1;
	pid_t parent = getpid();

	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == 0 &&
	    pipe2(ep, O_CLOEXEC) == 0 && (c->pid = fork()) != -1) {
		if (c->pid == 0) {
			int fds[NFDS] = { null, null, STDERR_FILENO, sp[1],
			    body, tunnel, ep[1] };

			run_child(path, fds, parent);
		}
		close(ep[1]);
		ep[1] = -1;
		rc = started(c->pid, ep[0]);
	}
	if (rc == 0) {
		c->fd = sp[0];
		sp[0] = -1;
	} else
		c->pid = 0;
	close_all(sp, 2);
	close_all(ep, 2);
	close_all(&null, 1);
	return rc;
}

int
child_spawn(struct child *c, enum program prog, const char *name, int body,
    int tunnel, char *err, size_t len)
{
	char path[LOCATE_MAX];
	int given[2] = { body, tunnel }, rc;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	strlcpy(c->name, name, sizeof(c->name));
	rc = locate_child(prog, path, sizeof(path), err, len);
	if (rc == 0 && (rc = fork_child(c, path, body, tunnel)) == -1)
		snprintf(err, len, "cannot run %s: %s", path,
		    strerror(errno));
	close_all(given, 2);
	return rc;
}

static void
describe(const struct child *c, char *how, size_t len)
{
	int sig = WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0;
	const char *signame = NULL;

#if defined(__GLIBC__)
	signame = sigabbrev_np(sig);
#elif defined(__OpenBSD__)
	signame = sig > 0 && sig < NSIG ? sys_signame[sig] : NULL;
#endif
	if (sig != 0 && signame != NULL)
		snprintf(how, len, "%s: killed by SIG%s", c->name, signame);
	else if (sig != 0)
		snprintf(how, len, "%s: killed by signal %d", c->name, sig);
	else
		snprintf(how, len, "%s: exit status %d", c->name,
		    WEXITSTATUS(c->status));
}

int
child_reap(struct child *c, int ms, char *how, size_t len)
{
	const struct timespec step = { 0, REAP_STEP * 1000000L };
	pid_t pid;

	for (;;) {
		if (c->pid == 0 ||
		    (pid = waitpid(c->pid, &c->status, WNOHANG)) == c->pid)
			break;
		if (pid == -1 && errno != EINTR)
			break;
		if (ms <= 0)
			return 0;
		nanosleep(&step, NULL);
		ms -= REAP_STEP;
	}
	c->pid = 0;
	describe(c, how, len);
	return 1;
}

/* Does it need a shell?  "NAME=value command" does, too. */
static int
wants_shell(const char *command)
{
	size_t first;

	command += strspn(command, " \t");
	first = strcspn(command, " \t");
	return strpbrk(command, "$&*(){}[]'\";\\|?<>~`\n") != NULL ||
	    memchr(command, '=', first) != NULL;
}

/* Split at blanks, in place.  0, or -1: nothing, or too many words. */
static int
split(char *command, char **argv, size_t max)
{
	size_t n = 0;

	for (;;) {
		command += strspn(command, " \t");
		if (*command == '\0')
			break;
		if (n + 1 == max)
			return -1;
		argv[n++] = command;
		command += strcspn(command, " \t");
		if (*command != '\0')
			*command++ = '\0';
	}
	argv[n] = NULL;
	return n == 0 ? -1 : 0;
}

/* The environment of a command: the user's, without what misleads a shell. */
static int
clean_environment(void)
{
	if (unsetenv("IFS") == -1 || unsetenv("CDPATH") == -1 ||
	    unsetenv("ENV") == -1 || unsetenv("BASH_ENV") == -1)
		return -1;
	return setenv("PATH", COMMAND_PATH, 1);
}

/* SIGINT stays blocked: ^C is for us, the command ends with its socket. */
static int
block_interrupt(void)
{
	sigset_t set;

	if (reset_signals(NULL, 0) == -1)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static void __attribute__((noreturn))
run_command(char *command, int *fds, int group)
{
	char *argv[WORDS_MAX];
	int error = fds[ERROR_FD];

	if (sort_fds(fds, NFDS) == -1)
		give_up(error);
	if (block_interrupt() == -1 || clean_environment() == -1 ||
	    (group && setpgid(0, 0) == -1))
		give_up(ERROR_FD);
	if (wants_shell(command))
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	else if (split(command, argv, WORDS_MAX) == -1)
		errno = EINVAL;
	else
		execvp(argv[0], argv);
	give_up(ERROR_FD);
}

/*
 * A command with these descriptors, in a process group of its own if asked.
 * Its process, or -1 with errno.
 */
static pid_t
fork_command(char *command, int in, int out, int errfd, int group)
{
	int ep[2] = { -1, -1 };
	pid_t pid = -1;

	if (pipe2(ep, O_CLOEXEC) == 0 && (pid = fork()) != -1) {
		if (pid == 0) {
			int fds[NFDS] = { in, out, errfd, -1, -1, -1, ep[1] };

			run_command(command, fds, group);
		}
		close(ep[1]);
		ep[1] = -1;
		if (started(pid, ep[0]) == -1)
			pid = -1;
	}
	close_all(ep, 2);
	return pid;
}

int
tunnel_spawn(const char *command, int quiet, char *err, size_t len)
{
	char *copy;
	int null = -1, sp[2] = { -1, -1 }, fd = -1;

	if ((copy = strdup(command)) != NULL && (!quiet ||
	    (null = open("/dev/null", O_WRONLY | O_CLOEXEC)) != -1) &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == 0 &&
	    fork_command(copy, sp[1], sp[1], quiet ? null : STDERR_FILENO,
	    0) != -1) {
		fd = sp[0];
		sp[0] = -1;
	}
	if (fd == -1)
		snprintf(err, len, "cannot run command \"%s\": %s", command,
		    strerror(errno));
	close_all(&null, 1);
	close_all(sp, 2);
	free(copy);
	return fd;
}

int
output_spawn(const char *command, pid_t *pid)
{
	char *copy;
	int null = -1, p[2] = { -1, -1 }, fd = -1;

	*pid = -1;
	if ((copy = strdup(command)) != NULL &&
	    (null = open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1 &&
	    pipe2(p, O_CLOEXEC) == 0 && (*pid = fork_command(copy, null, p[1],
	    STDERR_FILENO, 1)) != -1) {
		fd = p[0];
		p[0] = -1;
	}
	close_all(&null, 1);
	close_all(p, 2);
	if (copy != NULL)
		freezero(copy, strlen(command));
	return fd;
}
