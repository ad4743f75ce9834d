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
 * Moves octets between the four ends: server, parent, body channel in and out.
 * Called by loop.c only; nothing here waits.
 */
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "imapchild.h"
#include "killpoint.h"

#define READS_MAX	16	/* reads of one kind before others get a turn */
#define BODY_IOVMAX	8	/* pieces written to the channel at once */

/* Remember what a step of the transport waits for; 1 if it waits. */
static int
io_wait(struct direction *d, ssize_t n)
{
	if (n != IO_WANT_IN && n != IO_WANT_OUT)
		return 0;
	d->ready = 0;
	d->want = n == IO_WANT_IN ? POLLIN : POLLOUT;
	return 1;
}

static void
io_progress(struct child *c)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->progress = ts.tv_sec;
}

int
io_blocked(const struct child *c)
{
	return c->rpos < c->rlen;
}

int
io_readable(const struct child *c)
{
	if (io_blocked(c))	/* not for a few octets at a time */
		return bodybuf_room(&c->bodyout) >= BODY_CHUNK;
	return c->rd.ready;
}

int
io_awaiting(const struct child *c)
{
	const struct command	*cmd;

	if (c->phase == PHASE_HANDSHAKE || c->phase == PHASE_GREETING ||
	    c->wpos < c->wlen)
		return 1;
	cmd = TAILQ_FIRST(&c->cmdq.list);
	return cmd != NULL && (cmd_written(cmd) || cmd_stopped(cmd) ||
	    cmd_buffered(cmd) > 0);
}

/* STARTTLS was answered: nothing may stand behind it in the clear. */
static void
io_upgrade(struct child *c)
{
	struct transport	*tr;

	if (io_blocked(c) || resp_partial(c->resp)) {
		child_fail(c, FAIL_TLS, "plain text was injected behind the "
		    "answer to STARTTLS");
		return;
	}
	if ((tr = transport_tls(c->tr, c->tls)) == NULL)
		fatal("no memory");
	c->tr = tr;
	c->tls = NULL;
	c->upgraded = 1;
	c->phase = PHASE_HANDSHAKE;
	c->rd.ready = c->wr.ready = 1;
}

static void
io_feed(struct child *c)
{
	ssize_t	 n;

	n = resp_feed(c->resp, c->rbuf + c->rpos, c->rlen - c->rpos);
	if (n == -1) {
		child_fail(c, FAIL_PROTOCOL, "%s", resp_error(c->resp));
		return;
	}
	c->rpos += n;
	if (c->phase == PHASE_UPGRADE)
		io_upgrade(c);
	else if (c->compress == COMPRESS_AGREED)
		compress_begin(c);
}

static void
io_eof(struct child *c)
{
	struct op	*op;

	if (c->phase != PHASE_LOGOUT) {
		child_fail(c, FAIL_NET, "server closed the connection%s",
		    c->phase == PHASE_GREETING ? " before it greeted" :
		    resp_partial(c->resp) ? " in the middle of an answer" :
		    "");
		return;
	}
	TAILQ_FOREACH(op, &c->ops, entry)
		op->pending = 0;
	ops_settle(c);
}

static void
io_broken(struct child *c)
{
	child_fail(c, transport_errkind(c->tr), "%s",
	    transport_error(c->tr));
}

static void
io_handshake(struct child *c)
{
	char	 buf[128];
	ssize_t	 n;

	n = transport_handshake(c->tr);
	if (io_wait(&c->rd, n))
		return;
	if (n == IO_ERROR) {
		io_broken(c);
		return;
	}
	if (c->conf.type != CONN_TUNNEL &&
	    (c->conf.type == CONN_IMAPS || c->upgraded)) {
		tls_describe(c->tr, buf, sizeof(buf));
		log_debug("TLS: %s", buf);
	}
	io_progress(c);
	session_start(c);
}

void
io_server_read(struct child *c)
{
	ssize_t	 n;
	int	 i;

	for (i = 0; i < READS_MAX && c->phase != PHASE_OVER; i++) {
		if (c->phase == PHASE_HANDSHAKE && c->rd.ready)
			io_handshake(c);
		if (io_blocked(c))
			io_feed(c);
		if (io_blocked(c) || !c->rd.ready ||
		    c->phase == PHASE_HANDSHAKE || c->phase == PHASE_OVER)
			return;
		n = transport_read(c->tr, c->rbuf, sizeof(c->rbuf));
		if (io_wait(&c->rd, n))
			return;
		if (n == IO_EOF) {
			io_eof(c);
			return;
		}
		if (n == IO_ERROR) {
			io_broken(c);
			return;
		}
		io_progress(c);
		c->received += n;
		c->rpos = 0;
		c->rlen = n;
		io_feed(c);
	}
}

#ifdef KILLPOINTS
/* All that was taken is on its way: name the commands that are whole. */
static void
io_sent(struct child *c)
{
	struct command	*cmd;
	char		 name[64];

	TAILQ_FOREACH(cmd, &c->cmdq.list, entry) {
		if (cmd->answered || !cmd_written(cmd))
			continue;
		snprintf(name, sizeof(name), "%s-sent", cmd->calls->name);
		KILLPOINT(name);
	}
}
#endif

/*
 * Write all that is queued.  A failed write is not reported here: the server
 * may have said BYE before, and reading finds that, or the end.
 */
void
io_server_write(struct child *c)
{
	ssize_t	 n;

	while (c->wr.ready && c->phase != PHASE_HANDSHAKE &&
	    c->phase != PHASE_OVER) {
		if (c->wpos == c->wlen) {
			c->wpos = 0;
			c->wlen = cmdq_take(&c->cmdq, c->wbuf,
			    sizeof(c->wbuf));
		}
		if (c->cmdq.err)
			fatal("no memory");
		if (c->wlen == 0)
			return;
		n = transport_write(c->tr, c->wbuf + c->wpos,
		    c->wlen - c->wpos);
		if (io_wait(&c->wr, n))
			return;
		if (n < 0) {
			c->wr.ready = 0;
			c->wr.want = 0;
			return;
		}
		io_progress(c);
		c->sent += n;
		c->wpos += n;
#ifdef KILLPOINTS
		if (c->wpos == c->wlen)
			io_sent(c);
#endif
	}
}

void
io_parent_read(struct child *c)
{
	int	 n;

	n = imsgbuf_read(&c->parent);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		c->phase = PHASE_OVER;		/* nobody is left to tell */
		c->exitcode = 1;
		return;
	}
	io_parent_frames(c);
}

void
io_parent_frames(struct child *c)
{
	struct imsg	 m;
	int		 n;

	while (c->phase != PHASE_OVER) {
		if ((n = imsg_get(&c->parent, &m)) == 0)
			return;
		if (n == -1)
			child_fail(c, FAIL_INTERNAL,
			    "malformed frame from the parent");
		else
			parent_frame(c, &m);
	}
}

/* The other imapchild is gone. */
static void
io_body_gone(struct child *c)
{
	close(c->bodyfd);
	c->bodyfd = -1;
	bodybuf_free(&c->bodyout);
}

void
io_body_write(struct child *c)
{
	struct iovec	 iov[BODY_IOVMAX];
	ssize_t		 n;

	while (c->bodyfd != -1 && c->bodyout.len > 0) {
		n = writev(c->bodyfd, iov, bodybuf_iov(&c->bodyout, iov,
		    BODY_IOVMAX));
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				io_body_gone(c);
			return;
		}
		bodybuf_drop(&c->bodyout, n);
		if (io_blocked(c))
			io_progress(c);
	}
}

/* One step through the octets read.  1: done; 0: more octets; -1: not now. */
static int
io_body_step(struct child *c, struct op *op)
{
	struct body_frame	 f;
	size_t			 n;

	n = c->blen - c->bpos;
	if (c->bodyleft > 0) {
		if (n > c->bodyleft)
			n = c->bodyleft;
		copyin_data(c, op, c->bodyin + c->bpos, n);
		c->bpos += n;
		c->bodyleft -= n;
		return n > 0;
	}
	if (n < BODY_HEADER)
		return 0;
	if (body_decode(c->bodyin + c->bpos, &f) == -1) {
		child_fail(c, FAIL_INTERNAL, "malformed frame on the body "
		    "channel");
		return -1;
	}
	if (!copyin_frame(c, op, &f))
		return -1;
	c->bpos += BODY_HEADER;
	if (f.type == BODY_DATA)
		c->bodyleft = f.len;
	return 1;
}

/* 1: octets were read, or the end was found; 0: there are none now. */
static int
io_body_fill(struct child *c, struct op *op)
{
	ssize_t	 n;

	if (c->bodydry && c->bodyfd != -1)
		return 0;
	memmove(c->bodyin, c->bodyin + c->bpos, c->blen - c->bpos);
	c->blen -= c->bpos;
	c->bpos = 0;
	n = c->bodyfd == -1 ? 0 : read(c->bodyfd, c->bodyin + c->blen,
	    sizeof(c->bodyin) - c->blen);
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		c->bodydry = errno == EAGAIN;
		return 0;
	}
	if (n <= 0) {
		copyin_abort(c, op);
		return 1;
	}
	c->blen += n;
	c->bodydry = c->blen < sizeof(c->bodyin);
	return 1;
}

int
io_body_read(struct child *c)
{
	struct op	*op;
	int		 moved, r;

	moved = 0;
	while (c->phase != PHASE_OVER && (op = copyin_current(c)) != NULL &&
	    copyin_wants(c, op)) {
		r = io_body_step(c, op);
		if (r == -1 || (r == 0 && !io_body_fill(c, op)))
			break;
		moved = 1;
	}
	return moved;
}
