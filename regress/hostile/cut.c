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
 * A connection that breaks at a given octet: a tunnel command before another
 * one.
 *
 *	cut file command ...
 *
 * The file says "up N" or "down N": after so many octets from the client or
 * from the server nothing further passes, and both see the end of the
 * connection, though a server may still work on what it has.  "bye N" breaks
 * off after so many octets from the server and the rest of a line, with a BYE;
 * "answer N" in front of the N-th answer to an APPEND that was made.  "count"
 * lets all pass.  With "nouid" behind it, the server seems not to tell the UIDs
 * of what was appended.  At the end "up N down N appends N" is written to
 * file.passed.
 * integration/torture.py builds and runs it.
 */
#define _GNU_SOURCE	/* memmem */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK	65536

#define BYE	"* BYE going down\r\n"

struct way {
	int		 from, to;
	uint64_t	 passed, limit;
	int		 bye;		/* say so at the limit */
	int		 nouid;
	uint64_t	 appends, answer;	/* seen; that is not passed on */
	char		 buf[CHUNK];
	size_t		 pos, len;	/* of it, to be written */
};

static void
read_orders(const char *file, struct way *up, struct way *down)
{
	char		 what[8], more[8] = "";
	uint64_t	 n;
	FILE		*f;

	if ((f = fopen(file, "r")) == NULL)
		err(1, "%s", file);
	if (fscanf(f, "%7s", what) != 1)
		errx(1, "%s: says nothing", file);
	if (strcmp(what, "count") != 0) {
		if (fscanf(f, "%" SCNu64, &n) != 1)
			errx(1, "%s: no number", file);
		if (strcmp(what, "answer") == 0)
			down->answer = n;
		else
			*(strcmp(what, "up") == 0 ? &up->limit :
			    &down->limit) = n;
		down->bye = strcmp(what, "bye") == 0;
	}
	if (fscanf(f, "%7s", more) == 1)
		down->nouid = strcmp(more, "nouid") == 0;
	fclose(f);
}

static void
report(const char *file, const struct way *up, const struct way *down)
{
	char	 name[1024];
	FILE	*f;

	snprintf(name, sizeof(name), "%s.passed", file);
	if ((f = fopen(name, "w")) == NULL)
		err(1, "%s", name);
	fprintf(f, "up %" PRIu64 " down %" PRIu64 " appends %" PRIu64 "\n",
	    up->passed, down->passed, down->appends);
	fclose(f);
}

/* The server, with our other end as its standard input and output. */
static int
start(char **argv)
{
	int	 sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		err(1, "socketpair");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (dup2(sv[1], 0) == -1 || dup2(sv[1], 1) == -1)
			err(1, "dup2");
		close(sv[0]);
		close(sv[1]);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	close(sv[1]);
	return sv[0];
}

static int
again(ssize_t n)
{
	return n == -1 && (errno == EINTR || errno == EAGAIN);
}

/* What one direction waits for: neither ever waits for the other. */
static void
wait_for(const struct way *w, struct pollfd *pfd)
{
	pfd->fd = w->len > 0 ? w->to : w->from;
	pfd->events = w->len > 0 ? POLLOUT : POLLIN;
	pfd->revents = 0;
}

/* The words in what was read, from p on; words that are read in two: missed. */
static char *
find(struct way *w, char *p, const char *words)
{
	return memmem(p, w->len - (size_t)(p - w->buf), words, strlen(words));
}

static void
hide_uids(struct way *w)
{
	char		*p = w->buf;

	while ((p = find(w, p, "[APPENDUID ")) != NULL)
		p[1] = 'X';
}

/* The line that is not to be passed on ends what was read. */
static void
count_answers(struct way *w)
{
	char		*p = w->buf;

	while ((p = find(w, p, "Append completed")) != NULL) {
		if (w->appends++ != w->answer) {
			p++;
			continue;
		}
		while (p > w->buf && p[-1] != '\n')
			p--;
		w->len = (size_t)(p - w->buf);
		w->limit = w->passed + w->len;
		return;
	}
}

/* Up to the end of a line, and the last words. */
static void
say_bye(struct way *w)
{
	if (w->passed + w->len < w->limit || w->len < 2 ||
	    memcmp(w->buf + w->len - 2, "\r\n", 2) != 0)
		return;
	memcpy(w->buf + w->len, BYE, strlen(BYE));
	w->len += strlen(BYE);
	w->limit = w->passed + w->len;
	w->bye = 0;
}

/* 0, or -1 when this is the end of the connection. */
static int
pass(struct way *w)
{
	size_t		 size = sizeof(w->buf) - sizeof(BYE);
	ssize_t		 n;

	if (w->len == 0) {
		if (!w->bye && w->limit - w->passed < size)
			size = (size_t)(w->limit - w->passed);
		if ((n = read(w->from, w->buf, size)) <= 0)
			return again(n) ? 0 : -1;
		w->pos = 0;
		w->len = (size_t)n;
		if (w->nouid)
			hide_uids(w);
		count_answers(w);
		if (w->bye)
			say_bye(w);
		if (w->len == 0)
			return -1;
	}
	if ((n = write(w->to, w->buf + w->pos, w->len)) == -1)
		return again(n) ? 0 : -1;
	w->pos += (size_t)n;
	w->len -= (size_t)n;
	w->passed += (uint64_t)n;
	return w->passed == w->limit && !w->bye ? -1 : 0;
}

int
main(int argc, char **argv)
{
	static struct way up, down;
	struct pollfd	 pfd[2];
	int		 server;

	if (argc < 3)
		errx(1, "usage: cut file command ...");
	up.limit = down.limit = up.answer = down.answer = UINT64_MAX;
	read_orders(argv[1], &up, &down);
	server = start(argv + 2);
	up.to = down.from = server;
	down.to = 1;
	if (fcntl(0, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(1, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(server, F_SETFL, O_NONBLOCK) == -1)
		err(1, "fcntl");
	signal(SIGPIPE, SIG_IGN);
	while (up.limit > 0 && down.limit > 0) {
		wait_for(&up, &pfd[0]);
		wait_for(&down, &pfd[1]);
		if (poll(pfd, 2, -1) == -1 && errno != EINTR)
			err(1, "poll");
		if ((pfd[1].revents && pass(&down) == -1) ||
		    (pfd[0].revents && pass(&up) == -1))
			break;
	}
	report(argv[1], &up, &down);
	return 0;
}
