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
 * The frames of the body channel and the ring they wait in.  Called by
 * copyout.c (which fills the ring), copyin.c (which decodes) and loop.c (which
 * writes it out).  Pure: octets in, octets out; no descriptor, no log.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"

#define BODY_SPARE	(64 * BODY_HEADER) /* for BEGIN END FINISH ABORT */

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

void
body_encode(uint8_t *p, const struct body_frame *f)
{
	put32(p, f->type);
	put32(p + 4, f->transfer);
	put32(p + 8, f->uid);
	put32(p + 12, f->literal8);
	put32(p + 16, f->len >> 32);
	put32(p + 20, f->len & UINT32_MAX);
}

int
body_decode(const uint8_t *p, struct body_frame *f)
{
	f->type = get32(p);
	f->transfer = get32(p + 4);
	f->uid = get32(p + 8);
	f->literal8 = get32(p + 12);
	f->len = (uint64_t)get32(p + 16) << 32 | get32(p + 20);
	if (f->type < BODY_BEGIN || f->type > BODY_ABORT || f->literal8 > 1)
		return -1;
	if (f->type == BODY_BEGIN)
		return f->uid == 0 || f->len == 0 ? -1 : 0;
	if (f->type == BODY_DATA)
		return f->len == 0 || f->len > BODY_CHUNK ? -1 : 0;
	return f->len != 0 ? -1 : 0;
}

void
bodybuf_init(struct bodybuf *b)
{
	memset(b, 0, sizeof(*b));
}

void
bodybuf_free(struct bodybuf *b)
{
	free(b->buf);
	bodybuf_init(b);
}

/* Make the ring hold need octets more; it is straightened as it grows. */
static int
bodybuf_grow(struct bodybuf *b, size_t need, size_t max)
{
	uint8_t	*buf;
	size_t	 size, first;

	if (b->len + need <= b->size)
		return 0;
	if (b->len > max || need > max - b->len)
		return -1;
	size = b->size == 0 ? BODY_CHUNK : b->size;
	while (size < b->len + need)
		size *= 2;
	if (size > max)
		size = max;
	if ((buf = malloc(size)) == NULL)
		return -1;
	first = b->size - b->pos < b->len ? b->size - b->pos : b->len;
	if (b->len > 0) {
		memcpy(buf, b->buf + b->pos, first);
		memcpy(buf + first, b->buf, b->len - first);
	}
	free(b->buf);
	b->buf = buf;
	b->size = size;
	b->pos = 0;
	return 0;
}

/* Copy to so many octets behind the first. */
static void
bodybuf_copy(struct bodybuf *b, size_t off, const void *src, size_t n)
{
	size_t	 at, first;

	at = (b->pos + off) % b->size;
	first = b->size - at < n ? b->size - at : n;
	memcpy(b->buf + at, src, first);
	memcpy(b->buf, (const uint8_t *)src + first, n - first);
}

static void
bodybuf_add(struct bodybuf *b, const void *src, size_t n)
{
	bodybuf_copy(b, b->len, src, n);
	b->len += n;
}

/*
 * Make the DATA at the end longer.  Without this the headers of a body that
 * comes in small pieces would outweigh it, and credit would be worth nothing.
 */
static int
bodybuf_extend(struct bodybuf *b, const struct body_frame *f, const void *data)
{
	struct body_frame	 whole = *f;
	uint8_t			 head[BODY_HEADER];

	if (bodybuf_grow(b, f->len, BODY_BUFSIZE) == -1)
		return -1;
	whole.len = b->last - sizeof(head) + f->len;
	body_encode(head, &whole);
	bodybuf_copy(b, b->len - b->last, head, sizeof(head));
	bodybuf_add(b, data, f->len);
	b->last += f->len;
	return 0;
}

int
bodybuf_put(struct bodybuf *b, const struct body_frame *f, const void *data)
{
	uint8_t	 head[BODY_HEADER];
	size_t	 n;

	n = f->type == BODY_DATA ? f->len : 0;
	if (n > 0 && b->last > 0 &&
	    n <= BODY_CHUNK + sizeof(head) - b->last)
		return bodybuf_extend(b, f, data);
	if (n > BODY_CHUNK || bodybuf_grow(b, sizeof(head) + n,
	    BODY_BUFSIZE) == -1)
		return -1;
	body_encode(head, f);
	bodybuf_add(b, head, sizeof(head));
	if (n > 0)
		bodybuf_add(b, data, n);
	b->last = n > 0 ? sizeof(head) + n : 0;
	return 0;
}

size_t
bodybuf_room(const struct bodybuf *b)
{
	size_t	 room, limit;

	limit = b->limit > 0 ? b->limit : BODY_BUFSIZE;
	room = b->len < limit ? limit - b->len : 0;
	if (room <= BODY_HEADER + BODY_SPARE)
		return 0;
	room -= BODY_HEADER + BODY_SPARE;
	return room < BODY_CHUNK ? room : BODY_CHUNK;
}

int
bodybuf_join(struct bodybuf *b, struct bodybuf *more)
{
	const uint8_t	*p;
	size_t		 n;

	if (more->len > 0 && bodybuf_grow(b, more->len,
	    b->len + more->len + BODY_BUFSIZE) == -1)
		return -1;
	if (more->len > 0)
		b->last = 0;
	while ((n = bodybuf_peek(more, &p)) > 0) {
		bodybuf_add(b, p, n);
		bodybuf_drop(more, n);
	}
	bodybuf_free(more);
	return 0;
}

size_t
bodybuf_peek(const struct bodybuf *b, const uint8_t **p)
{
	*p = b->buf + b->pos;
	return b->size - b->pos < b->len ? b->size - b->pos : b->len;
}

void
bodybuf_drop(struct bodybuf *b, size_t n)
{
	b->len -= n;
	if (b->len < b->last)
		b->last = 0;		/* its header is on its way */
	b->pos = b->len == 0 ? 0 : (b->pos + n) % b->size;
	if (b->len == 0 && b->size > 2 * BODY_LAZY) {
		free(b->buf);		/* large only while it had to be */
		b->buf = NULL;
		b->size = 0;
	}
}
