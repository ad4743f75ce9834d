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
 * The body channel: a socketpair between the two imapchildren (fd 4) that
 * carries message octets, never seen by the parent.  Frames of a 24-octet
 * header (type, transfer, uid, literal8: u32; length: u64) and, for
 * DATA, that many octets.  A transfer is BEGIN DATA* END, once a message, then
 * one FINISH; ABORT ends it early.  End of file counts as ABORT.
 */
#ifndef BODY_H
#define BODY_H

#include <sys/queue.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

#define BODY_FD		4
#define BODY_HEADER	24
#define BODY_CHUNK	65536		/* the most octets in one DATA */

enum body_type {
	BODY_BEGIN = 1,		/* uid; length: octets of the message (u64) */
	BODY_DATA,		/* length octets follow */
	BODY_END,		/* the message is whole */
	BODY_FINISH,		/* no more messages in this transfer */
	BODY_ABORT		/* the source gave the transfer up */
};

struct iovec;

struct body_frame {
	uint32_t type, transfer, uid;
	uint32_t literal8;	/* BEGIN: it holds NUL, came as literal8 */
	uint64_t len;		/* BEGIN: the message; DATA: this chunk */
};

/*
 * BODY_CREDIT octets of messages are always taken, with their headers: octets
 * that come in small pieces share one.
 */
#define BODY_BUFSIZE	(BODY_CREDIT + (64 << 10))
/* And so many, where the server may wait (copyout_limit()). */
#define BODY_LAZY	(256 << 10)

/* A piece of what waits: octets pos to len of data. */
#define BODY_PIECELEN	(32 << 10)
struct bodychunk {
	TAILQ_ENTRY(bodychunk) entry;
	size_t	 pos, len;
	uint8_t	 data[BODY_PIECELEN];
};
TAILQ_HEAD(bodychunks, bodychunk);

/* Pieces to be used again: so many need no new pages from the system. */
#define BODY_SPARES	12
struct bodypool {
	struct bodychunks chunks;
	size_t	 n;
};

/*
 * What waits to be written to the channel: at most BODY_BUFSIZE octets, in
 * pieces that come and go as they are needed.  Pure but for memory.
 */
struct bodybuf {
	struct bodychunks chunks;
	struct bodypool	*pool;
	size_t	 size;			/* allocated */
	size_t	 len;			/* octets held */
	size_t	 last;			/* of them, the DATA at the end */
	uint8_t	*head;			/* the header of that */
	size_t	 limit;			/* to DATA; 0: BODY_BUFSIZE */
};

void	 bodypool_init(struct bodypool *);
void	 bodypool_free(struct bodypool *);
/* A pool may serve many, and is to outlive them. */
void	 bodybuf_init(struct bodybuf *, struct bodypool *);
void	 bodybuf_free(struct bodybuf *);
/*
 * One whole frame with its octets; 0, or -1: no room (or no memory).  DATA
 * behind DATA is of the same message, and may become one frame with it.
 */
int	 bodybuf_put(struct bodybuf *, const struct body_frame *,
	    const void *);
/* The largest DATA for which there is room now; leaves room for an END. */
size_t	 bodybuf_room(const struct bodybuf *);
/* The first pieces, for writev(2): how many, at most n. */
int	 bodybuf_iov(const struct bodybuf *, struct iovec *, int);
/* Octets in one piece at the front, and giving up n octets. */
size_t	 bodybuf_peek(const struct bodybuf *, const uint8_t **);
void	 bodybuf_drop(struct bodybuf *, size_t);
/*
 * Move all that the second holds behind the first, which may then hold more
 * than BODY_BUFSIZE.  Both are of one pool.
 */
void	 bodybuf_join(struct bodybuf *, struct bodybuf *);

/* Encode into, decode from BODY_HEADER octets; decode: 0, or -1 ill-formed. */
void	body_encode(uint8_t *, const struct body_frame *);
int	body_decode(const uint8_t *, struct body_frame *);

#endif
