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
 * Framing between our processes, with the names of imsg(3): an ibuf is one
 * payload, written and read field by field in network byte order; an imsgbuf
 * is a non-blocking socket with a bounded read buffer and a write queue.
 * Linked by all three programs.  Nothing here knows a message by name.
 */
#ifndef IMSG_H
#define IMSG_H

#include <stddef.h>
#include <stdint.h>

#define IMSG_HEADER	12		/* type, flags, len, id on the wire */
#define IMSG_MAXPAYLOAD	65536		/* larger frames end the session */
#define IMSG_MAXQUEUE	(64 << 20)	/* unsent octets; more is a defect */

/* A view of octets that somebody else owns; may hold NUL. */
struct bytes {
	const char	*p;
	size_t		 n;
};

/*
 * One payload.  Writers grow it up to IMSG_MAXPAYLOAD.  Both sides carry a
 * sticky error: after a failed put or get all later ones fail too, so a
 * caller checks once, at the end.
 */
struct ibuf {
	uint8_t	*buf;
	size_t	 size;		/* allocated */
	size_t	 wpos;		/* octets written */
	size_t	 rpos;		/* octets read */
	int	 err;		/* sticky */
	int	 borrowed;	/* buf is not ours to free or grow */
};

void	 ibuf_init(struct ibuf *);			/* empty writer */
void	 ibuf_from(struct ibuf *, const void *, size_t); /* reader on a view */
void	 ibuf_free(struct ibuf *);			/* wipes, releases */
void	 ibuf_reset(struct ibuf *);			/* keeps the storage */
size_t	 ibuf_room(const struct ibuf *);		/* octets still free */

void	 ibuf_add_u8(struct ibuf *, uint8_t);
void	 ibuf_add_u16(struct ibuf *, uint16_t);
void	 ibuf_add_u32(struct ibuf *, uint32_t);
void	 ibuf_add_u64(struct ibuf *, uint64_t);
void	 ibuf_add_raw(struct ibuf *, const void *, size_t);	/* no length */
void	 ibuf_add_bytes(struct ibuf *, const void *, size_t);	/* u32 + raw */
void	 ibuf_add_str(struct ibuf *, const char *);	/* NULL counts as "" */
/* Overwrite a u32 written earlier at this offset (a count known late). */
void	 ibuf_set_u32(struct ibuf *, size_t, uint32_t);

uint8_t	 ibuf_get_u8(struct ibuf *);			/* 0 after an error */
uint16_t ibuf_get_u16(struct ibuf *);
uint32_t ibuf_get_u32(struct ibuf *);
uint64_t ibuf_get_u64(struct ibuf *);
void	 ibuf_get_raw(struct ibuf *, void *, size_t);	/* zeroes after error */
struct bytes ibuf_get_bytes(struct ibuf *, size_t);	/* view, at most max */
/* As ibuf_get_bytes, but a NUL inside is an error. */
struct bytes ibuf_get_text(struct ibuf *, size_t);
size_t	 ibuf_left(const struct ibuf *);
int	 ibuf_ok(const struct ibuf *);			/* 1: no error so far */
/* 0: everything was read and nothing failed, else -1. */
int	 ibuf_done(const struct ibuf *);

/* Copy of a view as a C string (the view holds no NUL); caller frees. */
char	*bytes_dup(struct bytes);			/* NULL: no memory */
int	 bytes_eq(struct bytes, struct bytes);
struct bytes bytes_of(const char *);			/* view of a C string */

struct imsg {
	uint16_t	type;
	uint32_t	id;	/* request id; 0: belongs to no request */
	struct ibuf	data;	/* view, until the next get or read */
};

struct imsgbuf {
	int		 fd;
	uint8_t		*rbuf;		/* a few of the largest frames */
	size_t		 rpos, rlen;
	struct iqueue	*q;		/* frames not yet written */
	size_t		 queued;	/* octets in q */
	int		 eof;
};

/*
 * 0: owns fd, which is non-blocking now; or -1 with errno: fd is the caller's,
 * and imsgbuf_clear() is harmless.
 */
int	 imsgbuf_init(struct imsgbuf *, int);
void	 imsgbuf_clear(struct imsgbuf *);	/* wipes, frees and closes */
/*
 * Queue one frame; copies the payload (so it may be reset or freed; NULL: an
 * empty one).  A payload whose writer failed (EMSGSIZE), a queue above
 * IMSG_MAXQUEUE (ENOBUFS), or no memory returns -1.  Nothing is written
 * before imsgbuf_flush().
 */
int	 imsg_compose(struct imsgbuf *, uint16_t, uint32_t,
	    const struct ibuf *);
/* Write what the socket takes.  1: empty; 0: more is queued; -1: errno. */
int	 imsgbuf_flush(struct imsgbuf *);
/*
 * Read what is there, once.  >0 octets, 0: end of file, -1: errno; EAGAIN
 * also when the buffer is full, because frames in it were not yet got.
 */
int	 imsgbuf_read(struct imsgbuf *);
/*
 * Next whole frame.  1: got one; 0: need more; -1: malformed, as it stays.
 * At end of file, 0 with imsgbuf_pending() means a frame was cut short.
 */
int	 imsg_get(struct imsgbuf *, struct imsg *);
/* Frames are waiting to be written / octets were read and not yet got. */
int	 imsgbuf_wants_out(const struct imsgbuf *);
int	 imsgbuf_pending(const struct imsgbuf *);

#endif
