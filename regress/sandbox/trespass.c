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
 * For strace_test.sh: behaves in the ways strace.sh has to tell apart.
 *
 *	trespass tunnel|tcp WHAT
 *
 * starts a server (of one line) and executes FOLDER/imapchild, a link to
 * itself beside it, which reads from the server and then does WHAT: nothing,
 * open, refused (an open that fails), socket, fork, exec, or silent (does not
 * read at all).
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
trespass(const char *what)
{
	if (strcmp(what, "open") == 0)
		open("/dev/null", O_RDONLY);
	else if (strcmp(what, "refused") == 0)
		open("/nonexistent/file", O_RDONLY);
	else if (strcmp(what, "socket") == 0)
		socket(AF_UNIX, SOCK_STREAM, 0);
	else if (strcmp(what, "exec") == 0)
		execl("/nonexistent/file", "x", (char *)NULL);
	else if (strcmp(what, "fork") == 0) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
}

static int
be_imapchild(const char *port, const char *what)
{
	struct sockaddr_in sin = { 0 };
	char buf[16];
	int fd = 5;

	close(open("/dev/null", O_RDONLY));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((in_port_t)strtol(port, NULL, 10));
	if (sin.sin_port != 0 &&
	    ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1))
		err(1, "connect");
	if (strcmp(what, "silent") != 0 && read(fd, buf, sizeof(buf)) <= 0)
		err(1, "read");
	trespass(what);
	return 0;
}

static void
greet(int fd)
{
	if (write(fd, "* OK\r\n", 6) != 6)
		err(1, "write");
	_exit(0);
}

/* A server in a process of its own; its port, or 0: it is at fd 5. */
static int
serve(int tcp)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);
	int sp[2] = { -1, -1 }, fd;

	if (!tcp) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
			err(1, "socketpair");
		if (fork() == 0)
			greet(sp[1]);
		if (dup2(sp[0], 5) == -1)
			err(1, "dup2");
		return 0;
	}
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	if (fork() == 0)
		greet(accept(fd, NULL, NULL));
	close(fd);
	return ntohs(sin.sin_port);
}

int
main(int argc, char **argv)
{
	char path[4096], port[16], *slash;

	if (argc != 3)
		errx(2, "usage: trespass tunnel|tcp WHAT");
	if ((slash = strrchr(argv[0], '/')) == NULL)
		errx(2, "run it by a path");
	if (strcmp(slash, "/imapchild") == 0)
		return be_imapchild(argv[1], argv[2]);
	snprintf(path, sizeof(path), "%.*s/imapchild", (int)(slash - argv[0]),
	    argv[0]);
	snprintf(port, sizeof(port), "%d", serve(strcmp(argv[1], "tcp") == 0));
	execl(path, path, port, argv[2], (char *)NULL);
	err(1, "%s", path);
}
