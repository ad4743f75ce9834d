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
 * Children: what they get, what they do not get, how their end is told, who
 * may exchange their program.  Prints TAP.  See processes.h.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "locate.h"
#include "processes.h"
#include "sandbox.h"

extern char **environ;

static unsigned int tests, failures;	/* of this driver's TAP */

void
check(int ok, const char *name, const char *text)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, name);
	if (!ok) {
		printf("# got: %s\n", text);
		failures++;
	}
	fflush(stdout);
}

void
slurp(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n + 1 < size && (r = read(fd, buf + n, size - n - 1)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
}

long
milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the child: tells what it has, then does as it is told ---- */

static size_t
list_fds(char *buf, size_t size)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int own = dirfd(d), i;
	unsigned int set = 0;
	size_t n = 0;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    (i = (int)strtol(e->d_name, NULL, 10)) != own)
			set |= 1U << i;
	closedir(d);
	for (i = 0; i < 32; i++)
		if (set & (1U << i))
			n += (size_t)snprintf(buf + n, size - n, "%d ", i);
	return n;
}

static int
ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static void
be_child(void)
{
	char buf[1024], c = 0;
	sigset_t mask;
	size_t n, i;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	n = list_fds(buf, sizeof(buf));
	n += (size_t)snprintf(buf + n, sizeof(buf) - n, "| %d%d%d%d %d |",
	    ignored(SIGINT), ignored(SIGTERM), ignored(SIGHUP),
	    ignored(SIGCHLD), sigismember(&mask, SIGUSR1));
	for (i = 0; environ[i] != NULL; i++)
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, " %s",
		    environ[i]);
	if (write(3, buf, n) != (ssize_t)n || read(3, &c, 1) <= 0)
		_exit(0);
	if (c == 'k')
		kill(getpid(), SIGSYS);
	if (c == 'h')
		for (;;)
			pause();
	_exit(7);
}

/* ---- the parent's tests ---- */

static void
spawn(struct child *c, enum program prog, int body, int tunnel, char *said,
    size_t size)
{
	char error[ERRMAX];
	ssize_t n = 0;

	said[0] = '\0';
	if (child_spawn(c, prog, prog == PROG_STATEDB ? "statedb" :
	    "imapchild (remote)", body, tunnel, error, sizeof(error)) == -1)
		strlcpy(said, error, size);
	else if ((n = read(c->fd, said, size - 1)) >= 0)
		said[n] = '\0';
}

static void
test_descriptors(void)
{
	char said[1024], how[ERRMAX];
	struct child c;
	int body[2], tunnel[2];

	setenv("SECRET", "1", 1);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, body) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, tunnel) == -1)
		err(1, "socketpair");
	spawn(&c, PROG_IMAPCHILD, body[0], tunnel[0], said, sizeof(said));
	check(strcmp(said, "0 1 2 3 4 5 | 1110 0 | PATH=/usr/bin:/bin") == 0,
	    "an imapchild has body and tunnel, nothing else", said);
	check(fcntl(body[0], F_GETFD) == -1 && fcntl(tunnel[0], F_GETFD) == -1,
	    "what was given to it is closed here", "");
	check(child_reap(&c, 0, how, sizeof(how)) == 0, "it runs", how);
	close(c.fd);
	check(child_reap(&c, 2000, how, sizeof(how)) == 1 && c.pid == 0 &&
	    strcmp(how, "imapchild (remote): exit status 0") == 0,
	    "it ends with its control socket", how);
	close(body[1]);
	close(tunnel[1]);
	spawn(&c, PROG_STATEDB, -1, -1, said, sizeof(said));
	check(strcmp(said, "0 1 2 3 | 1110 0 | PATH=/usr/bin:/bin") == 0,
	    "statedb has its control socket, nothing else", said);
	close(c.fd);
	child_reap(&c, 2000, how, sizeof(how));
	unsetenv("SECRET");
}

static void
test_words(char order, const char *want)
{
	char said[1024], how[ERRMAX] = "";
	struct child c;

	spawn(&c, PROG_IMAPCHILD, -1, -1, said, sizeof(said));
	if (write(c.fd, &order, 1) != 1)
		err(1, "write");
	check(child_reap(&c, 2000, how, sizeof(how)) == 1 &&
	    strcmp(how, want) == 0, want, how);
	close(c.fd);
}

/* A locked parent that ends, however, takes a deaf child with it. */
static void
test_orphan(int sig)
{
	char said[1024], error[ERRMAX], c = 'h';
	struct child child;
	int p[2], alive;
	pid_t pid;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(p[0]);
		spawn(&child, PROG_IMAPCHILD, p[1], -1, said, sizeof(said));
		if (write(child.fd, &c, 1) != 1 ||
		    sandbox_enter(SANDBOX_PARENT_LOCKED, NULL, error,
		    sizeof(error)) == -1)
			_exit(1);
		if (sig != 0)
			kill(getpid(), sig);
		_exit(0);
	}
	close(p[1]);
	waitpid(pid, NULL, 0);
	/* The pipe is the child's body channel: its end of file is its end. */
	struct pollfd pfd = { p[0], POLLIN, 0 };
	alive = poll(&pfd, 1, 3000) != 1;
	check(!alive, sig == 0 ? "a child ends with a parent that exits" :
	    "a child ends with a parent that is killed", "it lives");
	close(p[0]);
}

static void
test_trust(const char *tree)
{
	char path[LOCATE_MAX], file[LOCATE_MAX], error[ERRMAX];

	snprintf(path, sizeof(path), "%s/imapchild", tree);
	check(locate_child(PROG_IMAPCHILD, file, sizeof(file), error,
	    sizeof(error)) == 0 && strncmp(file, path, strlen(path)) == 0,
	    "the build tree's program is taken", error);
	chmod(path, 0757);
	check(locate_child(PROG_IMAPCHILD, file, sizeof(file), error,
	    sizeof(error)) == -1 && strstr(error, "another user") != NULL,
	    "not from a folder that all may write to", error);
	chmod(path, 0755);
	chmod(file, 0757);
	check(locate_child(PROG_IMAPCHILD, file, sizeof(file), error,
	    sizeof(error)) == -1, "not a file that all may write to", error);
	chmod(file, 0755);
	if (geteuid() != 0)
		return;
	if (chown(path, (uid_t)-1, 12345) == -1)
		err(1, "chown");
	chmod(path, 0775);
	check(locate_child(PROG_IMAPCHILD, file, sizeof(file), error,
	    sizeof(error)) == -1, "not from another group's folder", error);
	if (chown(path, 12345, 0) == -1)
		err(1, "chown");
	chmod(path, 0755);
	check(locate_child(PROG_IMAPCHILD, file, sizeof(file), error,
	    sizeof(error)) == -1, "not from another user's folder", error);
	if (chown(path, 0, 0) == -1)
		err(1, "chown");
}

static void
test_installed(const char *tree)
{
	char path[LOCATE_MAX], away[LOCATE_MAX], error[ERRMAX] = "";
	struct child c;

	snprintf(path, sizeof(path), "%s/statedb/statedb", tree);
	snprintf(away, sizeof(away), "%s/statedb/away", tree);
	if (rename(path, away) == -1)
		err(1, "%s", path);
	check(child_spawn(&c, PROG_STATEDB, "statedb", -1, -1, error,
	    sizeof(error)) == -1 && strcmp(error, "cannot run " LIBEXECDIR
	    "/statedb: No such file or directory") == 0,
	    "without a build tree it is LIBEXECDIR", error);
	if (rename(away, path) == -1)
		err(1, "%s", away);
}

/* ---- the tree ---- */

static void
copy_self(const char *tree, const char *name)
{
	char path[LOCATE_MAX], buf[65536];
	int from, to;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	if (mkdir(path, 0755) == -1)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "%s/%s/%s", tree, name, name);
	if ((from = open("/proc/self/exe", O_RDONLY)) == -1 ||
	    (to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755)) == -1)
		err(1, "%s", path);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			err(1, "%s", path);
	close(from);
	close(to);
}

static int
in_tree(const char *tree)
{
	test_descriptors();
	test_words('x', "imapchild (remote): exit status 7");
	test_words('k', "imapchild (remote): killed by SIGSYS");
	test_orphan(0);
	test_orphan(SIGKILL);
	test_trust(tree);
	test_installed(tree);
	test_tunnel();
	test_watch(tree);
	printf("1..%u\n", tests);
	return failures != 0;
}

static int
build_tree(void)
{
	static const char *const names[] = { "interimap", "imapchild",
	    "statedb" };
	char tree[] = "/tmp/interimap-processes.XXXXXX", path[LOCATE_MAX];
	int i, status = 0;
	pid_t pid;

	umask(022);
	if (mkdtemp(tree) == NULL)
		err(1, "%s", tree);
	for (i = 0; i < 3; i++)
		copy_self(tree, names[i]);
	snprintf(path, sizeof(path), "%s/interimap/interimap", tree);
	if ((pid = fork()) == 0) {
		execl(path, "interimap", "in", tree, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", tree, names[i],
		    names[i]);
		unlink(path);
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
	if (rmdir(tree) == -1)
		warn("%s", tree);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name == NULL ? argv[0] : name + 1;
	if (strcmp(name, "imapchild") == 0 || strcmp(name, "statedb") == 0)
		be_child();
	if (argc > 1 && strcmp(argv[1], SESSION_ARG) == 0)
		be_session(argc, argv);
	/* These are passed on where they are set. */
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	if (argc == 3 && strcmp(argv[1], "in") == 0)
		return in_tree(argv[2]);
	return build_tree();
}
