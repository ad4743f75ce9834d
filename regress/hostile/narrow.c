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
 * A narrow place between a client and a real server: makes of it one with
 * small buffers, one that reads slowly, or one that sends before it reads.
 * Changes no octet.  integration/flow.py builds and runs it.
 *
 *	narrow [options] command ...	a tunnel command before another one
 *	narrow [options] -L file -t port
 *					on a port of 127.0.0.1, whose number
 *					goes to the file, before another port
 *
 *	-b n	socket buffers of n octets
 *	-q n	hold at most n octets each way (default 65536)
 *	-p n	read and write at most n octets at once (default: what fits)
 *	-d n	write at most n octets at once to the client, and the next ones
 *		when it has taken these
 *	-r n	read at most n octets a second from the client
 *	-s	read nothing from the client until it has taken everything that
 *		the server has to say
 *	-l	the same, but only before each literal of the client
 *	-o file	append a line there on SIGUSR1 and at the end:
 *		"up N holds N down N holds N client N N server N N held N",
 *		the octets that passed and that wait here each way; those that
 *		wait in the sockets, in and out; how often reading from the
 *		client was held up
 *
 * On a unix(7) socket "taken" is what the client has read; on a TCP one, what
 * its kernel has.
 */
#define _GNU_SOURCE		/* ppoll */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS		5	/* between two looks while something is held */
#define DROPS_MAX	2000	/* tries of -d before others get a turn */

/* The octets of one direction. */
struct way {
	uint8_t		*buf;
	size_t		 pos, len;	/* what waits in buf */
	size_t		 free;		/* of it, what may be written */
	uint64_t	 total;		/* octets that came */
	int		 eof;
};

/* Where the client is in its commands: is a literal announced here? */
struct literal {
	uint64_t	 left;		/* octets of it to come */
	uint64_t	 number;
	enum { L_TEXT, L_NUMBER, L_PLUS, L_BRACE, L_CR } state;
	int		 before;	/* between the line and the octets */
};

struct narrow {
	struct way	 up, down;
	struct literal	 lit;
	int		 cin, cout, server;
	size_t		 size, piece;	/* -q, -p */
	size_t		 drop;		/* -d */
	int		 bufsize;	/* -b */
	uint64_t	 rate;		/* -r */
	int64_t		 spent;		/* of the rate since began */
	int64_t		 began;		/* ms */
	int		 sendfirst, literals;
	uint64_t	 held;
	const char	*report;
};

static volatile sig_atomic_t	 asked;		/* for a report */

static void
on_signal(int sig)
{
	asked = 1;
}

static int64_t
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
waiting(int fd, unsigned long what)
{
	int	 n = 0;

	return ioctl(fd, what, &n) == -1 ? 0 : n;
}

static void
report(const struct narrow *s)
{
	FILE	*f;

	asked = 0;
	if (s->report == NULL || (f = fopen(s->report, "a")) == NULL)
		return;
	fprintf(f, "up %llu holds %zu down %llu holds %zu client %d %d "
	    "server %d %d held %llu\n", (unsigned long long)s->up.total,
	    s->up.len, (unsigned long long)s->down.total, s->down.len,
	    waiting(s->cin, FIONREAD), waiting(s->cout, TIOCOUTQ),
	    waiting(s->server, FIONREAD), waiting(s->server, TIOCOUTQ),
	    (unsigned long long)s->held);
	fclose(f);
}

/* ---- what the client says ---- */

/* One octet outside of literals; "{n}" or "{n+}" at the end of a line. */
static void
literal_step(struct literal *l, uint8_t c)
{
	if (c == '{') {
		l->state = L_NUMBER;
		l->number = 0;
	} else if (l->state == L_NUMBER && c >= '0' && c <= '9')
		l->number = l->number * 10 + (c - '0');
	else if (l->state == L_NUMBER && c == '+')
		l->state = L_PLUS;
	else if ((l->state == L_NUMBER || l->state == L_PLUS) && c == '}')
		l->state = L_BRACE;
	else if (l->state == L_BRACE && c == '\r')
		l->state = L_CR;
	else if (l->state == L_CR && c == '\n') {
		l->state = L_TEXT;
		l->left = l->number;
		l->before = 1;
	} else
		l->state = L_TEXT;
}

/* Let pass what came, up to the next literal. */
static void
literal_scan(struct literal *l, struct way *w)
{
	uint64_t	 n;

	while (!l->before && w->free < w->len) {
		if (l->left == 0) {
			literal_step(l, w->buf[w->pos + w->free++]);
			continue;
		}
		n = w->len - w->free;
		if (n > l->left)
			n = l->left;
		w->free += n;
		l->left -= n;
	}
}

/* Nothing the server said is left on its way. */
static int
all_taken(const struct narrow *s)
{
	return s->down.len == 0 && waiting(s->server, FIONREAD) == 0 &&
	    waiting(s->cout, TIOCOUTQ) == 0;
}

/* ---- moving octets ---- */

/* What -r leaves of n; a pause is not made up for later, but for a tenth. */
static size_t
rated(struct narrow *s, size_t n)
{
	int64_t	 left;

	if (s->rate == 0)
		return n;
	left = (now_ms() - s->began) * (int64_t)s->rate / 1000 - s->spent;
	if (left > (int64_t)s->rate / 10) {
		s->spent += left - (int64_t)s->rate / 10;
		left = s->rate / 10;
	}
	return left <= 0 ? 0 : (int64_t)n > left ? (size_t)left : n;
}

/* Octets that may be read from the client now. */
static size_t
client_allowance(struct narrow *s)
{
	size_t	 n = s->size - s->up.len;

	if (n > s->piece)
		n = s->piece;
	if (n == 0 || s->up.eof)
		return 0;
	n = rated(s, n);
	if ((s->literals && s->lit.before) ||
	    (s->sendfirst && !all_taken(s)))
		n = 0;
	if (n == 0)
		s->held++;
	return n;
}

static size_t
take(struct way *w, int fd, size_t n)
{
	ssize_t	 r;

	if (n == 0)
		return 0;
	memmove(w->buf, w->buf + w->pos, w->len);
	w->pos = 0;
	r = read(fd, w->buf + w->len, n);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (r <= 0) {
		w->eof = 1;
		return 0;
	}
	w->len += r;
	w->total += r;
	return r;
}

/* -1: the other end is gone. */
static int
give(struct way *w, int fd, size_t most)
{
	size_t	 n = w->free < most ? w->free : most;
	ssize_t	 r;

	r = write(fd, w->buf + w->pos, n);
	if (r == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	w->pos += r;
	w->len -= r;
	w->free -= r;
	return 0;
}

static void
scan(struct narrow *s)
{
	s->down.free = s->down.len;
	if (s->lit.before && s->up.free == 0 && all_taken(s))
		s->lit.before = 0;
	if (s->literals)
		literal_scan(&s->lit, &s->up);
	else
		s->up.free = s->up.len;
}

/* To the client: drop by drop, as long as it takes them at once. */
static int
give_client(struct narrow *s)
{
	int	 i;

	if (s->drop == 0)
		return give(&s->down, s->cout, s->piece);
	for (i = 0; i < DROPS_MAX && s->down.free > 0; i++) {
		if (waiting(s->cout, TIOCOUTQ) > 0) {
			sched_yield();
			continue;
		}
		if (give(&s->down, s->cout, s->drop) == -1)
			return -1;
	}
	return 0;
}

enum { P_CIN, P_COUT, P_SERVER, P_MAX };

/* What to wait for; returns for how long at most, in ms. */
static int
wants(struct narrow *s, struct pollfd *pfd, size_t *may)
{
	int	 held, untaken;

	memset(pfd, 0, P_MAX * sizeof(*pfd));
	*may = client_allowance(s);
	held = *may == 0 && s->up.len < s->size && !s->up.eof;
	pfd[P_CIN].fd = *may > 0 ? s->cin : -1;
	pfd[P_CIN].events = POLLIN;
	untaken = s->drop > 0 && waiting(s->cout, TIOCOUTQ) > 0;
	pfd[P_COUT].fd = s->down.free > 0 && !untaken ? s->cout : -1;
	pfd[P_COUT].events = POLLOUT;
	if (s->down.len < s->size && !s->down.eof)
		pfd[P_SERVER].events |= POLLIN;
	if (s->up.free > 0)
		pfd[P_SERVER].events |= POLLOUT;
	pfd[P_SERVER].fd = pfd[P_SERVER].events == 0 ? -1 : s->server;
	return held || untaken || s->lit.before ? TICK_MS : -1;
}

/* Until the server has closed and all it said was passed on. */
static void
relay(struct narrow *s, const sigset_t *mask)
{
	struct pollfd	 pfd[P_MAX];
	struct timespec	 ts = { 0, TICK_MS * 1000000 };
	size_t		 may, room;
	int		 ms, closed = 0;

	s->began = now_ms();
	while (!s->down.eof || s->down.len > 0) {
		scan(s);
		if (s->up.eof && s->up.len == 0 && !closed)
			closed = shutdown(s->server, SHUT_WR) == 0;
		ms = wants(s, pfd, &may);
		if (ppoll(pfd, P_MAX, ms == -1 ? NULL : &ts, mask) == -1) {
			if (errno != EINTR)
				err(1, "ppoll");
			if (asked)
				report(s);
			continue;
		}
		room = s->size - s->down.len;
		if (pfd[P_SERVER].revents & ~POLLOUT)
			take(&s->down, s->server, room < s->piece ? room :
			    s->piece);
		if (pfd[P_CIN].revents)
			s->spent += take(&s->up, s->cin, may);
		if ((pfd[P_COUT].revents && give_client(s) == -1) ||
		    (pfd[P_SERVER].revents & POLLOUT &&
		    give(&s->up, s->server, s->piece) == -1))
			return;
	}
}

/* ---- the ends ---- */

static void
narrowed(const struct narrow *s, int fd)
{
	if (s->bufsize > 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &s->bufsize,
	    sizeof(s->bufsize)) == -1 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF,
	    &s->bufsize, sizeof(s->bufsize)) == -1))
		err(1, "setsockopt");
}

static void
nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
		err(1, "fcntl");
}

static void
serve(struct narrow *s, const sigset_t *mask)
{
	nonblocking(s->cin);
	nonblocking(s->cout);
	nonblocking(s->server);
	if ((s->up.buf = malloc(s->size)) == NULL ||
	    (s->down.buf = malloc(s->size)) == NULL)
		err(1, NULL);
	relay(s, mask);
	report(s);
}

static void
tunnel(struct narrow *s, char **argv, const sigset_t *mask)
{
	int	 sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		err(1, "socketpair");
	narrowed(s, sp[0]);
	narrowed(s, sp[1]);
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		sigprocmask(SIG_SETMASK, mask, NULL);
		signal(SIGPIPE, SIG_DFL);
		if (dup2(sp[1], 0) == -1 || dup2(sp[1], 1) == -1)
			err(1, "dup2");
		close(sp[0]);
		close(sp[1]);
		execvp(argv[0], argv);
		err(1, "%s", argv[0]);
	}
	close(sp[1]);
	s->cin = 0;
	s->cout = 1;
	s->server = sp[0];
	narrowed(s, s->cout);
	serve(s, mask);
}

static int
tcp_socket(const struct narrow *s)
{
	int	 fd, on = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	narrowed(s, fd);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(1, "setsockopt");
	return fd;
}

/* A connection a process; the children are not waited for. */
static void
listener(struct narrow *s, const char *file, int port, const sigset_t *mask)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	FILE			*f;
	int			 fd, conn;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = tcp_socket(s);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 5) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	if ((f = fopen(file, "w")) == NULL)
		err(1, "%s", file);
	fprintf(f, "%d\n", ntohs(sin.sin_port));
	fclose(f);
	sin.sin_port = htons(port);
	while ((conn = accept(fd, NULL, NULL)) != -1) {
		if (fork() != 0) {
			close(conn);
			continue;
		}
		s->cin = s->cout = conn;
		s->server = tcp_socket(s);
		if (connect(s->server, (struct sockaddr *)&sin, len) == -1)
			err(1, "connect");
		serve(s, mask);
		exit(0);
	}
	err(1, "accept");
}

static void
usage(void)
{
	fprintf(stderr, "usage: narrow [-ls] [-b n] [-d n] [-o file] [-p n] [-q n] "
	    "[-r n] command ... | -L file -t port\n");
	exit(1);
}

int
main(int argc, char **argv)
{
	struct narrow	 s = { .size = 65536, .piece = SIZE_MAX };
	const char	*file = NULL;
	sigset_t	 block, mask;
	int		 c, port = 0;

	while ((c = getopt(argc, argv, "+L:b:d:lo:p:q:r:st:")) != -1) {
		switch (c) {
		case 'L': file = optarg; break;
		case 'b': s.bufsize = atoi(optarg); break;
		case 'd': s.drop = strtoul(optarg, NULL, 10); break;
		case 'l': s.literals = 1; break;
		case 'o': s.report = optarg; break;
		case 'p': s.piece = strtoul(optarg, NULL, 10); break;
		case 'q': s.size = strtoul(optarg, NULL, 10); break;
		case 'r': s.rate = strtoul(optarg, NULL, 10); break;
		case 's': s.sendfirst = 1; break;
		case 't': port = atoi(optarg); break;
		default: usage();
		}
	}
	if (s.size == 0 || s.piece == 0 ||
	    (optind == argc) != (file != NULL && port > 0))
		usage();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, on_signal);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &mask);
	sigdelset(&mask, SIGUSR1);
	if (file != NULL)
		signal(SIGCHLD, SIG_IGN);
	if (file != NULL)
		listener(&s, file, port, &mask);
	else
		tunnel(&s, argv + optind, &mask);
	return 0;
}
