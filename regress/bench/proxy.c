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
 * A link of a given delay, for measurements: takes TCP connections on a port
 * of 127.0.0.1 and passes them on to another one there.  bench.py starts it.
 *
 *	proxy [-l port] -t port [-d ms] [-o file]
 *
 *	-l	port to listen on; 0, the default: any, which it prints
 *	-t	port of the server
 *	-d	delay of one way in ms (default 0): the round trip is twice that
 *	-o	append a line to this file when a connection ends
 *
 * Every octet leaves d after it came; throughput is not limited, but for
 * WAY_SIZE octets under way in each direction (more wait in the sender).
 * There is no slow start.
 *
 * The round trip of the TCP handshake is emulated.  The kernel accepts at
 * once, so the client speaks one round trip too early and the server hears of
 * the connection three ways too early; what they say before that time is
 * treated as if said then.  The octets of the client that came first reach
 * the server 3d after the connect, those of the server the client after 4d.
 *
 * The line is "up N down N turns N chain N ms N":
 *
 *	up	octets from the client; down: from the server
 *	turns	flights of the client, seen from its end of the link: the
 *		first octets from it, then all that are the first since it was
 *		handed some
 *	chain	round trips that had to follow each other, if the client
 *		waited for all it got before all it said.  What it says is
 *		one longer than the longest it was handed so far; what the
 *		server says is as long as the longest it was handed.  Never
 *		above (time / round trip) + 1; what is sent while answers to
 *		earlier octets are under way counts as one with those
 *	ms	from the connect to the end
 *
 * The last flight counts (a LOGOUT, say), the TCP handshake does not.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX	64		/* connections at a time */
#define WAY_SIZE	(16 << 20)	/* octets under way in one direction */
#define CHUNKS_MAX	65536		/* reads under way in one direction */
#define READ_MAX	65536		/* octets of one read */

/* The octets of one read. */
struct chunk {
	int64_t		 due;		/* ns, when they leave */
	uint32_t	 len;
	uint32_t	 chain;
};

/* One direction of a connection. */
struct way {
	int		 in, out;
	unsigned char	*ring;		/* of WAY_SIZE */
	size_t		 head, len;
	struct chunk	*chunks;	/* ring of CHUNKS_MAX */
	size_t		 first, count;
	int64_t		 opens;		/* ns, nothing enters before that */
	int64_t		 eof_due;	/* ns, when the end leaves */
	uint64_t	 octets;
	uint32_t	 heard;		/* longest chain handed to "out" */
	int		 eof;		/* "in" has ended */
	int		 done;		/* and "out" was told */
	int		 full;		/* "out" takes nothing at present */
	int		 broken;	/* "out" is gone: discard */
};

struct conn {
	struct way	 up, down;
	int64_t		 start;		/* ns */
	uint32_t	 turns;
	int		 answered;	/* handed something to the client since */
};

struct proxy {
	int		 listener;
	int		 log;		/* or -1 */
	in_port_t	 target;	/* network order */
	int64_t		 delay;		/* ns */
	struct conn	*conns[CONNS_MAX];
	size_t		 nconns;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct sockaddr_in
loopback(in_port_t port)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_port = port;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

/* Listens on the port (host order; 0: any) and prints it. */
static int
listen_on(in_port_t port)
{
	struct sockaddr_in sin = loopback(htons(port));
	socklen_t len = sizeof(sin);
	int fd, one = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, CONNS_MAX) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	printf("%u\n", ntohs(sin.sin_port));
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return fd;
}

/* A connection to the server; on loopback that takes no time.  -1: refused. */
static int
dial(in_port_t target)
{
	struct sockaddr_in sin = loopback(target);
	int fd;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		warn("connect");
		close(fd);
		return -1;
	}
	return fd;
}

/* Non-blocking, and no octet waits for an acknowledgement. */
static void
prepare(int fd)
{
	int one = 1;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one)) == -1)
		err(1, "socket options");
}

static void
way_init(struct way *w, int in, int out, int64_t opens)
{
	w->in = in;
	w->out = out;
	w->opens = opens;
	if ((w->ring = malloc(WAY_SIZE)) == NULL ||
	    (w->chunks = calloc(CHUNKS_MAX, sizeof(*w->chunks))) == NULL)
		err(1, "memory");
}

static void
conn_new(struct proxy *p, int client)
{
	struct conn *c;
	int server;

	if ((server = dial(p->target)) == -1) {
		close(client);
		return;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "memory");
	prepare(client);
	prepare(server);
	c->start = now_ns();
	c->answered = 1;		/* so that the first flight counts */
	way_init(&c->up, client, server, c->start + 2 * p->delay);
	way_init(&c->down, server, client, c->start + 3 * p->delay);
	p->conns[p->nconns++] = c;
}

/* Writes the line of the connection and frees it. */
static void
conn_end(struct proxy *p, struct conn *c)
{
	if (p->log != -1 && dprintf(p->log,
	    "up %llu down %llu turns %u chain %u ms %lld\n",
	    (unsigned long long)c->up.octets,
	    (unsigned long long)c->down.octets, c->turns, c->up.heard,
	    (long long)((now_ns() - c->start) / 1000000)) < 0)
		err(1, "log");
	close(c->up.in);
	close(c->up.out);
	free(c->up.ring);
	free(c->up.chunks);
	free(c->down.ring);
	free(c->down.chunks);
	free(c);
}

static int
has_room(const struct way *w)
{
	return !w->eof && w->len < WAY_SIZE && w->count < CHUNKS_MAX;
}

/* Takes what "in" has; 1 if there were octets.  They are "chain" long. */
static int
way_read(struct proxy *p, struct way *w, uint32_t chain)
{
	struct chunk *k;
	size_t at, max = READ_MAX;
	int64_t now;
	ssize_t n;

	at = (w->head + w->len) % WAY_SIZE;
	if (max > WAY_SIZE - w->len)
		max = WAY_SIZE - w->len;
	if (max > WAY_SIZE - at)
		max = WAY_SIZE - at;
	n = read(w->in, w->ring + at, max);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if ((now = now_ns()) < w->opens)
		now = w->opens;
	if (n <= 0) {			/* a reset ends it like a close */
		w->eof = 1;
		w->eof_due = now + p->delay;
		return 0;
	}
	w->octets += n;
	if (w->broken)
		return 1;
	w->len += n;
	k = &w->chunks[(w->first + w->count++) % CHUNKS_MAX];
	k->due = now + p->delay;
	k->len = n;
	k->chain = chain;
	return 1;
}

static void
way_break(struct way *w)
{
	w->broken = 1;
	w->len = w->count = 0;
}

/* Hands "out" some of the first chunk; 1 if it took any. */
static int
way_write(struct way *w)
{
	struct chunk *k = &w->chunks[w->first];
	size_t len = k->len;
	ssize_t n;

	if (len > WAY_SIZE - w->head)
		len = WAY_SIZE - w->head;
	n = send(w->out, w->ring + w->head, len, MSG_NOSIGNAL);
	if (n == -1) {
		if (errno == EAGAIN)
			w->full = 1;
		else if (errno != EINTR)
			way_break(w);
		return 0;
	}
	if (k->chain > w->heard)
		w->heard = k->chain;
	w->head = (w->head + n) % WAY_SIZE;
	w->len -= n;
	k->len -= n;
	if (k->len == 0) {
		w->first = (w->first + 1) % CHUNKS_MAX;
		w->count--;
	}
	if (w->len == 0)
		w->head = 0;		/* the same pages again */
	return 1;
}

/* Hands over what is due; 1 if anything was. */
static int
way_flush(struct way *w, int64_t now)
{
	int any = 0;

	while (w->count > 0 && !w->full && w->chunks[w->first].due <= now)
		any |= way_write(w);
	if (w->eof && !w->done && w->count == 0 && w->eof_due <= now) {
		shutdown(w->out, SHUT_WR);
		w->done = 1;
	}
	return any;
}

/* When the way has something to do by itself; INT64_MAX: not. */
static int64_t
way_next(const struct way *w)
{
	if (w->done || w->full)
		return INT64_MAX;
	if (w->count > 0)
		return w->chunks[w->first].due;
	return w->eof ? w->eof_due : INT64_MAX;
}

static void
want(struct pollfd *pfd, int fd, const struct way *from, const struct way *to)
{
	pfd->events = (has_room(from) ? POLLIN : 0) | (to->full ? POLLOUT : 0);
	pfd->fd = pfd->events == 0 ? -1 : fd;
	pfd->revents = 0;
}

/* Reads what came; knows from which end. */
static void
conn_read(struct proxy *p, struct conn *c, int client, int server)
{
	if (client & POLLOUT)
		c->down.full = 0;
	if (server & POLLOUT)
		c->up.full = 0;
	if ((client & (POLLIN | POLLHUP | POLLERR)) && has_room(&c->up) &&
	    way_read(p, &c->up, c->down.heard + 1) && c->answered) {
		c->turns++;
		c->answered = 0;
	}
	if ((server & (POLLIN | POLLHUP | POLLERR)) && has_room(&c->down))
		way_read(p, &c->down, c->up.heard);
}

static void
accept_all(struct proxy *p)
{
	int fd;

	while (p->nconns < CONNS_MAX &&
	    (fd = accept(p->listener, NULL, NULL)) != -1)
		conn_new(p, fd);
}

/* Sends what is due, ends what is over; ns until there is more to do. */
static int64_t
send_due(struct proxy *p)
{
	struct conn *c;
	int64_t next, when = INT64_MAX, now = now_ns();
	size_t i = 0;

	while (i < p->nconns) {
		c = p->conns[i];
		way_flush(&c->up, now);
		if (way_flush(&c->down, now))
			c->answered = 1;
		if (c->up.done && c->down.done) {
			conn_end(p, c);
			p->conns[i] = p->conns[--p->nconns];
			continue;
		}
		if ((next = way_next(&c->up)) < when)
			when = next;
		if ((next = way_next(&c->down)) < when)
			when = next;
		i++;
	}
	if (when == INT64_MAX)
		return -1;
	return when > now ? when - now : 0;
}

static void
turn(struct proxy *p)
{
	struct pollfd pfds[1 + 2 * CONNS_MAX];
	struct timespec ts;
	struct conn *c;
	int64_t wait = send_due(p);
	size_t i, n = p->nconns;

	pfds[0].fd = n < CONNS_MAX ? p->listener : -1;
	pfds[0].events = POLLIN;
	for (i = 0; i < n; i++) {
		c = p->conns[i];
		want(&pfds[1 + 2 * i], c->up.in, &c->up, &c->down);
		want(&pfds[2 + 2 * i], c->down.in, &c->down, &c->up);
	}
	ts.tv_sec = wait / 1000000000;
	ts.tv_nsec = wait % 1000000000;
	if (ppoll(pfds, 1 + 2 * n, wait == -1 ? NULL : &ts, NULL) == -1) {
		if (errno != EINTR)
			err(1, "ppoll");
		return;
	}
	for (i = 0; i < n; i++)
		conn_read(p, p->conns[i], pfds[1 + 2 * i].revents,
		    pfds[2 + 2 * i].revents);
	if (pfds[0].revents != 0)
		accept_all(p);
}

static long long
number(const char *s, long long max)
{
	const char *e;
	long long n;

	n = strtonum(s, 0, max, &e);
	if (e != NULL)
		errx(1, "%s: %s", s, e);
	return n;
}

static void
usage(void)
{
	fprintf(stderr, "usage: proxy [-l port] -t port [-d ms] [-o file]\n");
	exit(1);
}

int
main(int argc, char *argv[])
{
	struct proxy p;
	in_port_t port = 0;
	int ch;

	memset(&p, 0, sizeof(p));
	p.log = -1;
	while ((ch = getopt(argc, argv, "d:l:o:t:")) != -1)
		switch (ch) {
		case 'd':
			p.delay = number(optarg, 60000) * 1000000;
			break;
		case 'l':
			port = number(optarg, UINT16_MAX);
			break;
		case 'o':
			p.log = open(optarg, O_WRONLY | O_APPEND | O_CREAT,
			    0644);
			if (p.log == -1)
				err(1, "%s", optarg);
			break;
		case 't':
			p.target = htons(number(optarg, UINT16_MAX));
			break;
		default:
			usage();
		}
	if (argc != optind || p.target == 0)
		usage();
	p.listener = listen_on(port);
	for (;;)
		turn(&p);
}
