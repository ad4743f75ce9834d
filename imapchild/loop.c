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
 * The one poll loop: parent, body channel, server.  Called by main.c once the
 * process is locked.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "imapchild.h"

#define FLUSH_WAIT	5000	/* ms the parent has to take our last words */

enum { P_PARENT, P_BODY, P_SERVER, P_MAX };

static time_t
now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/*
 * All that can be done without waiting.  Each part may let another go on (room
 * in a queue, the end of a transfer), so it goes round until nothing moves.
 */
static void
loop_step(struct child *c)
{
	int	 moved;

	copyout_limit(c);
	do {
		ops_run(c);
		compress_ask(c);
		moved = ops_settle(c);
		io_server_write(c);
		io_body_write(c);
		moved |= io_body_read(c);
	} while (moved && c->phase != PHASE_OVER);
	if (imsgbuf_flush(&c->parent) == -1) {
		c->phase = PHASE_OVER;
		c->exitcode = 1;
	}
	if (c->phase == PHASE_LOGOUT && TAILQ_EMPTY(&c->ops) &&
	    (c->cmdq.writing == NULL || c->cmdq.held != NULL) &&
	    c->wpos == c->wlen)
		c->phase = PHASE_OVER;
}

/* What is to be waited for; a descriptor without anything is left out. */
static void
loop_wants(struct child *c, struct pollfd *pfd)
{
	struct op	*op;

	memset(pfd, 0, P_MAX * sizeof(*pfd));
	pfd[P_PARENT].events = POLLIN;
	if (imsgbuf_wants_out(&c->parent))
		pfd[P_PARENT].events |= POLLOUT;
	pfd[P_PARENT].fd = c->parent.fd;

	op = copyin_current(c);
	if (op != NULL && copyin_wants(c, op))
		pfd[P_BODY].events |= POLLIN;
	if (c->bodyfd != -1 && c->bodyout.len > 0)
		pfd[P_BODY].events |= POLLOUT;
	pfd[P_BODY].fd = pfd[P_BODY].events == 0 ? -1 : c->bodyfd;

	if (!c->rd.ready && !io_blocked(c))
		pfd[P_SERVER].events |= c->rd.want;
	if (!c->wr.ready)
		pfd[P_SERVER].events |= c->wr.want;
	pfd[P_SERVER].fd = pfd[P_SERVER].events == 0 ? -1 :
	    transport_fd(c->tr);
}

/*
 * How long poll may wait, in ms; the deadline is counted while one is owed.
 * Blocked by a body, we wait for the other server, by way of its imapchild,
 * which has a deadline of its own, and longer: that one tells why.
 */
static int
loop_timeout(struct child *c, int *waited)
{
	uint32_t limit;
	time_t	 left, t;

	if (io_readable(c))
		return 0;
	t = now();
	limit = io_blocked(c) ? c->conf.patience : c->conf.timeout;
	if (!io_awaiting(c) || limit == 0) {
		*waited = 0;
		return -1;
	}
	if (!*waited)
		c->progress = t;
	*waited = 1;
	left = c->progress + limit - t;
	if (left <= 0) {
		child_fail(c, FAIL_NET, io_blocked(c) ? "the other server took "
		    "none of the messages for %u seconds" : "no answer from "
		    "the server for %u seconds", limit);
		return 0;
	}
	return left > 1000000 ? 1000000 * 1000 : (int)left * 1000;
}

static void
loop_events(struct child *c, const struct pollfd *pfd)
{
	const short	 bad = POLLERR | POLLHUP | POLLNVAL;

	if (pfd[P_SERVER].revents & (c->rd.want | bad))
		c->rd.ready = 1;
	if (pfd[P_SERVER].revents & (c->wr.want | bad) && c->wr.want != 0)
		c->wr.ready = 1;
	if (pfd[P_BODY].revents & (POLLIN | bad))
		c->bodydry = 0;
	if (pfd[P_PARENT].revents & (POLLIN | bad))
		io_parent_read(c);
	if (io_readable(c))
		io_server_read(c);
}

/* Hand the parent what is left to say; it may be gone. */
static void
loop_flush(struct child *c)
{
	struct pollfd	 pfd;

	pfd.fd = c->parent.fd;
	pfd.events = POLLOUT;
	while (imsgbuf_flush(&c->parent) == 0)
		if (poll(&pfd, 1, FLUSH_WAIT) <= 0)
			return;
}

int
loop_run(struct child *c)
{
	struct pollfd	 pfd[P_MAX];
	int		 timeout, waited;

	waited = 0;
	c->progress = now();
	io_parent_frames(c);	/* came together with CONNECT */
	for (;;) {
		loop_step(c);
		if (c->phase == PHASE_OVER)
			break;
		loop_wants(c, pfd);
		timeout = loop_timeout(c, &waited);
		if (c->phase == PHASE_OVER)
			break;
		if (poll(pfd, P_MAX, timeout) == -1 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		else
			loop_events(c, pfd);
	}
	if (c->exitcode == 0)
		compress_report(c);
	loop_flush(c);
	return c->exitcode;
}
