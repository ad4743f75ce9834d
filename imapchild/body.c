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
 * The frames of the body channel and the queue they wait in.  Called by
 * ops_copyout.c (which fills it), ops_copyin.c (which decodes) and io.c (which
 * writes it out).  Pure: octets in, octets out; no descriptor, no log.
 */
#include <sys/uio.h>
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
bodypool_init(struct bodypool *pool)
{
	TAILQ_INIT(&pool->chunks);
	pool->n = 0;
}

static struct bodychunk *
chunk_pop(struct bodychunks *chunks)
{
	struct bodychunk	*k;

	if ((k = TAILQ_FIRST(chunks)) != NULL)
		TAILQ_REMOVE(chunks, k, entry);
	return k;
}

void
bodypool_free(struct bodypool *pool)
{
	struct bodychunk	*k;

	while ((k = chunk_pop(&pool->chunks)) != NULL)
		free(k);
	bodypool_init(pool);
}

void
bodybuf_init(struct bodybuf *b, struct bodypool *pool)
{
	memset(b, 0, sizeof(*b));
	TAILQ_INIT(&b->chunks);
	b->pool = pool;
}

/* The first piece goes. */
static void
chunk_drop(struct bodybuf *b)
{
	struct bodychunk	*k = chunk_pop(&b->chunks);

	b->size -= sizeof(k->data);
	if (b->pool->n >= BODY_SPARES) {
		free(k);
		return;
	}
	TAILQ_INSERT_HEAD(&b->pool->chunks, k, entry);
	b->pool->n++;
}

/* A piece more at the end, or NULL without memory. */
static struct bodychunk *
chunk_add(struct bodybuf *b)
{
	struct bodychunk	*k;

	if ((k = chunk_pop(&b->pool->chunks)) != NULL)
		b->pool->n--;
	else if ((k = malloc(sizeof(*k))) == NULL)
		return NULL;
	k->pos = k->len = 0;
	TAILQ_INSERT_TAIL(&b->chunks, k, entry);
	b->size += sizeof(k->data);
	return k;
}

void
bodybuf_free(struct bodybuf *b)
{
	size_t	 limit = b->limit;

	while (!TAILQ_EMPTY(&b->chunks))
		chunk_drop(b);
	bodybuf_init(b, b->pool);
	b->limit = limit;
}

/* Where to put octets: the last piece, with need octets free; or NULL. */
static struct bodychunk *
bodybuf_tail(struct bodybuf *b, size_t need)
{
	struct bodychunk	*k;

	k = TAILQ_LAST(&b->chunks, bodychunks);
	return k != NULL && sizeof(k->data) - k->len >= need ? k :
	    chunk_add(b);
}

static int
bodybuf_add(struct bodybuf *b, const uint8_t *src, size_t n)
{
	struct bodychunk	*k;
	size_t			 some;

	for (; n > 0; n -= some, src += some) {
		if ((k = bodybuf_tail(b, 1)) == NULL)
			return -1;
		some = sizeof(k->data) - k->len < n ?
		    sizeof(k->data) - k->len : n;
		memcpy(k->data + k->len, src, some);
		k->len += some;
		b->len += some;
	}
	return 0;
}

/* A header is in one piece, so that it can be written anew. */
static int
bodybuf_header(struct bodybuf *b, const struct body_frame *f)
{
	struct bodychunk	*k;

	if ((k = bodybuf_tail(b, BODY_HEADER)) == NULL)
		return -1;
	b->head = k->data + k->len;
	body_encode(b->head, f);
	k->len += BODY_HEADER;
	b->len += BODY_HEADER;
	return 0;
}

static int
bodybuf_full(const struct bodybuf *b, size_t need)
{
	return b->len > BODY_BUFSIZE || need > BODY_BUFSIZE - b->len;
}

/*
 * Make the DATA at the end longer.  Without this the headers of a body that
 * comes in small pieces would outweigh it, and credit would be worth nothing.
 */
static int
bodybuf_extend(struct bodybuf *b, const struct body_frame *f, const void *data)
{
	struct body_frame	 whole = *f;

	if (bodybuf_full(b, f->len) || bodybuf_add(b, data, f->len) == -1)
		return -1;
	b->last += f->len;
	whole.len = b->last - BODY_HEADER;
	body_encode(b->head, &whole);
	return 0;
}

int
bodybuf_put(struct bodybuf *b, const struct body_frame *f, const void *data)
{
	size_t	 n;

	n = f->type == BODY_DATA ? f->len : 0;
	if (n > 0 && b->last > 0 &&
	    n <= BODY_CHUNK + BODY_HEADER - b->last)
		return bodybuf_extend(b, f, data);
	if (n > BODY_CHUNK || bodybuf_full(b, BODY_HEADER + n) ||
	    bodybuf_header(b, f) == -1 || bodybuf_add(b, data, n) == -1)
		return -1;
	b->last = n > 0 ? BODY_HEADER + n : 0;
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

void
bodybuf_join(struct bodybuf *b, struct bodybuf *more)
{
	if (more->len == 0)
		return;
	TAILQ_CONCAT(&b->chunks, &more->chunks, entry);
	b->size += more->size;
	b->len += more->len;
	b->last = more->last;
	b->head = more->head;
	bodybuf_init(more, more->pool);
}

size_t
bodybuf_peek(const struct bodybuf *b, const uint8_t **p)
{
	const struct bodychunk	*k;

	if ((k = TAILQ_FIRST(&b->chunks)) == NULL)
		return 0;
	*p = k->data + k->pos;
	return k->len - k->pos;
}

int
bodybuf_iov(const struct bodybuf *b, struct iovec *iov, int n)
{
	struct bodychunk	*k;
	int			 i = 0;

	TAILQ_FOREACH(k, &b->chunks, entry) {
		if (i == n)
			break;
		iov[i].iov_base = k->data + k->pos;
		iov[i++].iov_len = k->len - k->pos;
	}
	return i;
}

void
bodybuf_drop(struct bodybuf *b, size_t n)
{
	struct bodychunk	*k;
	size_t			 some;

	for (; n > 0; n -= some) {
		k = TAILQ_FIRST(&b->chunks);
		some = k->len - k->pos < n ? k->len - k->pos : n;
		k->pos += some;
		b->len -= some;
		if (k->pos == k->len)
			chunk_drop(b);
	}
	if (b->len < b->last)
		b->last = 0;		/* its header is on its way */
}
