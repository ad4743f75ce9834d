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
 * Frames between our processes: a bounded read buffer and a write queue over
 * a non-blocking socket.  Called by the poll loop of all three programs; knows
 * no message, never logs, and trusts no length it reads.
 *
 * A frame is a header of IMSG_HEADER octets in network byte order, u16 type,
 * u16 flags (0), u32 length of the payload, u32 request id, and the payload.
 */
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define IMSG_FRAMEMAX	(IMSG_HEADER + IMSG_MAXPAYLOAD)
#define IMSG_READBUF	(4 * IMSG_FRAMEMAX)	/* so one read brings many */
#define IMSG_IOVMAX	64	/* frames written in one call */

/* In network byte order. */
struct header {
	uint16_t	type, flags;
	uint32_t	len, id;
};
_Static_assert(sizeof(struct header) == IMSG_HEADER, "frame header");

/* A frame not yet written, header and all. */
struct iframe {
	TAILQ_ENTRY(iframe)	 entry;
	size_t			 len;	/* octets in data */
	size_t			 off;	/* octets of it already written */
	uint8_t			 data[];
};

TAILQ_HEAD(iqueue, iframe);

int
imsgbuf_init(struct imsgbuf *ib, int fd)
{
	int mode;

	memset(ib, 0, sizeof(*ib));
	ib->fd = -1;
	if ((mode = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, mode | O_NONBLOCK) == -1)
		return -1;
	if ((ib->rbuf = malloc(IMSG_READBUF)) == NULL ||
	    (ib->q = malloc(sizeof(*ib->q))) == NULL) {
		free(ib->rbuf);
		ib->rbuf = NULL;
		return -1;
	}
	TAILQ_INIT(ib->q);
	ib->fd = fd;
	return 0;
}

/* Forget the first frame of the queue. */
static void
dequeue(struct imsgbuf *ib)
{
	struct iframe *f = TAILQ_FIRST(ib->q);

	TAILQ_REMOVE(ib->q, f, entry);
	freezero(f, sizeof(*f) + f->len);
}

void
imsgbuf_clear(struct imsgbuf *ib)
{
	if (ib->q != NULL)
		while (!TAILQ_EMPTY(ib->q))
			dequeue(ib);
	free(ib->q);
	freezero(ib->rbuf, IMSG_READBUF);
	if (ib->fd != -1)
		close(ib->fd);
	memset(ib, 0, sizeof(*ib));
	ib->fd = -1;
}

int
imsg_compose(struct imsgbuf *ib, uint16_t type, uint32_t id,
    const struct ibuf *data)
{
	size_t n = data == NULL ? 0 : data->wpos;
	struct header h;
	struct iframe *f;

	if ((data != NULL && data->err) || n > IMSG_MAXPAYLOAD) {
		errno = EMSGSIZE;
		return -1;
	}
	if (ib->queued + IMSG_HEADER + n > IMSG_MAXQUEUE) {
		errno = ENOBUFS;
		return -1;
	}
	if ((f = malloc(sizeof(*f) + IMSG_HEADER + n)) == NULL)
		return -1;
	f->len = IMSG_HEADER + n;
	f->off = 0;
	h.type = htons(type);
	h.flags = 0;
	h.len = htonl((uint32_t)n);
	h.id = htonl(id);
	memcpy(f->data, &h, sizeof(h));
	if (n > 0)
		memcpy(f->data + IMSG_HEADER, data->buf, n);
	TAILQ_INSERT_TAIL(ib->q, f, entry);
	ib->queued += f->len;
	return 0;
}

/* n octets from the head of the queue were written. */
static void
written(struct imsgbuf *ib, size_t n)
{
	struct iframe *f;
	size_t left;

	ib->queued -= n;
	while (n > 0) {
		f = TAILQ_FIRST(ib->q);
		left = f->len - f->off;
		if (n < left) {
			f->off += n;
			return;
		}
		n -= left;
		dequeue(ib);
	}
}

int
imsgbuf_flush(struct imsgbuf *ib)
{
	struct iovec iov[IMSG_IOVMAX];
	struct iframe *f;
	ssize_t n;
	int i;

	while (!TAILQ_EMPTY(ib->q)) {
		i = 0;
		TAILQ_FOREACH(f, ib->q, entry) {
			if (i == IMSG_IOVMAX)
				break;
			iov[i].iov_base = f->data + f->off;
			iov[i++].iov_len = f->len - f->off;
		}
		n = writev(ib->fd, iov, i);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		written(ib, (size_t)n);
	}
	return 1;
}

/* Move what was not yet got to the front, and wipe where it was. */
static void
compact(struct imsgbuf *ib)
{
	size_t left = ib->rlen - ib->rpos;

	if (ib->rpos == 0)
		return;
	memmove(ib->rbuf, ib->rbuf + ib->rpos, left);
	explicit_bzero(ib->rbuf + left, ib->rpos);
	ib->rpos = 0;
	ib->rlen = left;
}

int
imsgbuf_read(struct imsgbuf *ib)
{
	ssize_t n;

	compact(ib);
	if (ib->rlen == IMSG_READBUF) {
		errno = EAGAIN;
		return -1;
	}
	do {
		n = read(ib->fd, ib->rbuf + ib->rlen, IMSG_READBUF - ib->rlen);
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		ib->eof = 1;
	if (n > 0)
		ib->rlen += (size_t)n;
	return (int)n;
}

int
imsg_get(struct imsgbuf *ib, struct imsg *m)
{
	const uint8_t *p = ib->rbuf + ib->rpos;
	size_t left = ib->rlen - ib->rpos, n;
	struct header h;

	if (left < IMSG_HEADER)
		return 0;
	memcpy(&h, p, sizeof(h));
	n = ntohl(h.len);
	if (h.flags != 0 || n > IMSG_MAXPAYLOAD)
		return -1;
	if (left - IMSG_HEADER < n)
		return 0;
	m->type = ntohs(h.type);
	m->id = ntohl(h.id);
	ibuf_from(&m->data, p + IMSG_HEADER, n);
	ib->rpos += IMSG_HEADER + n;
	return 1;
}

int
imsgbuf_wants_out(const struct imsgbuf *ib)
{
	return ib->queued > 0;
}

int
imsgbuf_pending(const struct imsgbuf *ib)
{
	return ib->rlen > ib->rpos;
}
