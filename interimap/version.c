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
 * --version.  The parent is linked with neither the TLS library nor SQLite, so
 * it asks each child for its libraries: the same program from the same place
 * as in a run, with the option -V.  Called by main.c, before and instead of a
 * run.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "locate.h"
#include "sandbox.h"

#define ANSWER_MAX	512		/* octets of a child's line */
#define ANSWER_MS	10000		/* how long it may take */

static void __attribute__((noreturn))
run_child(const char *path, int out)
{
	char	 name[] = "-", option[] = "-V";
	char	*argv[] = { name, option, NULL }, *envp[] = { NULL };
	int	 null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1)
		_exit(127);
	closefrom(STDERR_FILENO + 1);
	execve(path, argv, envp);
	_exit(127);
}

/* All of its line within the time given; how many octets. */
static size_t
read_line(int fd, char *buf, size_t size)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	size_t		 len = 0;
	ssize_t		 n;

	while (len < size && poll(&pfd, 1, ANSWER_MS) == 1 &&
	    (n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

/* Its line without the end, as text; 0, or -1. */
static int
ask(const char *path, char *line, size_t size)
{
	char	 buf[ANSWER_MAX];
	int	 fds[2], status;
	size_t	 len;
	pid_t	 pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0)
		run_child(path, fds[1]);
	close(fds[1]);
	len = pid == -1 ? 0 : read_line(fds[0], buf, sizeof(buf));
	close(fds[0]);
	if (pid == -1)
		return -1;
	if (len == 0 || buf[len - 1] != '\n')
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (len == 0 || buf[len - 1] != '\n' || status != 0)
		return -1;
	log_vis(line, size, buf, len - 1);
	return 0;
}

static int
show_child(enum program prog, const char *name)
{
	char	path[LOCATE_MAX], err[ERRMAX], line[4 * ANSWER_MAX + 1];

	if (locate_child(prog, path, sizeof(path), err, sizeof(err)) == -1) {
		log_error("%s", err);
		return -1;
	}
	if (ask(path, line, sizeof(line)) == -1) {
		log_error("%s does not tell its libraries; install the three "
		    "programs together", path);
		return -1;
	}
	printf("%s: %s\n", name, line);
	return 0;
}

int
version_show(void)
{
	char	pcre[128], seccomp[128], sandbox[256];
	int	rc;

	ignore_library(pcre, sizeof(pcre));
	sandbox_library(seccomp, sizeof(seccomp));
	sandbox_describe(sandbox, sizeof(sandbox));
	printf("interimap %s\ninterimap: %s%s%s\n", VERSION, pcre,
	    seccomp[0] != '\0' ? ", " : "", seccomp);
	rc = show_child(PROG_IMAPCHILD, "imapchild");
	if (show_child(PROG_STATEDB, "statedb") == -1)
		rc = -1;
	printf("sandbox: %s\n", sandbox);
	return rc;
}
