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
 * Payloads, field by field in network byte order.  Called by all three
 * programs (through msg_*.c); trusts no length it reads, and allocates never
 * more than IMSG_MAXPAYLOAD.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imsg.h"

#define IBUF_START	256	/* octets allocated by a writer at first */

void
ibuf_init(struct ibuf *b)
{
	memset(b, 0, sizeof(*b));
}

void
ibuf_from(struct ibuf *b, const void *p, size_t n)
{
	ibuf_init(b);
	b->buf = (uint8_t *)(uintptr_t)p;	/* borrowed: never written to */
	b->size = b->wpos = n;
	b->borrowed = 1;
}

void
ibuf_free(struct ibuf *b)
{
	if (!b->borrowed)
		freezero(b->buf, b->size);
	ibuf_init(b);
}

void
ibuf_reset(struct ibuf *b)
{
	b->wpos = b->rpos = 0;
	b->err = 0;
}

size_t
ibuf_room(const struct ibuf *b)
{
	return b->err || b->borrowed ? 0 : IMSG_MAXPAYLOAD - b->wpos;
}

/* Where the next n octets are written, or NULL and the error sticks. */
static uint8_t *
put(struct ibuf *b, size_t n)
{
	uint8_t *p;
	size_t size;

	if (n > ibuf_room(b)) {
		b->err = 1;
		return NULL;
	}
	if (b->buf == NULL || n > b->size - b->wpos) {
		size = b->size < IBUF_START ? IBUF_START : b->size;
		while (size < b->wpos + n)
			size *= 2;
		if ((p = recallocarray(b->buf, b->size, size, 1)) == NULL) {
			b->err = 1;
			return NULL;
		}
		b->buf = p;
		b->size = size;
	}
	p = b->buf + b->wpos;
	b->wpos += n;
	return p;
}

/* Where the next n octets are read, or NULL and the error sticks. */
static const uint8_t *
get(struct ibuf *b, size_t n)
{
	const uint8_t *p;

	if (b->err || n > ibuf_left(b)) {
		b->err = 1;
		return NULL;
	}
	p = b->buf + b->rpos;
	b->rpos += n;
	return p;
}

/* The n low octets of v at p, and back; network byte order. */
static void
encode(uint8_t *p, uint64_t v, size_t n)
{
	for (; n > 0; v >>= 8)
		p[--n] = v & 0xff;
}

static uint64_t
decode(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (; n > 0; n--)
		v = v << 8 | *p++;
	return v;
}

static void
add_uint(struct ibuf *b, uint64_t v, size_t n)
{
	uint8_t *p = put(b, n);

	if (p != NULL)
		encode(p, v, n);
}

static uint64_t
get_uint(struct ibuf *b, size_t n)
{
	const uint8_t *p = get(b, n);

	return p == NULL ? 0 : decode(p, n);
}

void
ibuf_add_u8(struct ibuf *b, uint8_t v)
{
	add_uint(b, v, 1);
}

void
ibuf_add_u16(struct ibuf *b, uint16_t v)
{
	add_uint(b, v, 2);
}

void
ibuf_add_u32(struct ibuf *b, uint32_t v)
{
	add_uint(b, v, 4);
}

void
ibuf_add_u64(struct ibuf *b, uint64_t v)
{
	add_uint(b, v, 8);
}

void
ibuf_add_raw(struct ibuf *b, const void *data, size_t n)
{
	uint8_t *p = put(b, n);

	if (p != NULL && n > 0)
		memcpy(p, data, n);
}

void
ibuf_add_bytes(struct ibuf *b, const void *data, size_t n)
{
	ibuf_add_u32(b, (uint32_t)n);
	ibuf_add_raw(b, data, n);	/* fails if n was cut */
}

void
ibuf_add_str(struct ibuf *b, const char *s)
{
	ibuf_add_bytes(b, s, s == NULL ? 0 : strlen(s));
}

void
ibuf_set_u32(struct ibuf *b, size_t off, uint32_t v)
{
	if (b->err || b->borrowed || b->wpos < 4 || off > b->wpos - 4)
		b->err = 1;
	else
		encode(b->buf + off, v, 4);
}

uint8_t
ibuf_get_u8(struct ibuf *b)
{
	return (uint8_t)get_uint(b, 1);
}

uint16_t
ibuf_get_u16(struct ibuf *b)
{
	return (uint16_t)get_uint(b, 2);
}

uint32_t
ibuf_get_u32(struct ibuf *b)
{
	return (uint32_t)get_uint(b, 4);
}

uint64_t
ibuf_get_u64(struct ibuf *b)
{
	return get_uint(b, 8);
}

void
ibuf_get_raw(struct ibuf *b, void *data, size_t n)
{
	const uint8_t *p = get(b, n);

	if (p == NULL)
		memset(data, 0, n);
	else if (n > 0)
		memcpy(data, p, n);
}

struct bytes
ibuf_get_bytes(struct ibuf *b, size_t max)
{
	struct bytes none = { "", 0 }, v;
	const uint8_t *p;

	v.n = ibuf_get_u32(b);
	if (v.n > max)
		b->err = 1;
	if ((p = get(b, v.n)) == NULL || v.n == 0)
		return none;
	v.p = (const char *)p;
	return v;
}

struct bytes
ibuf_get_text(struct ibuf *b, size_t max)
{
	struct bytes none = { "", 0 }, v = ibuf_get_bytes(b, max);

	if (memchr(v.p, '\0', v.n) != NULL) {
		b->err = 1;
		return none;
	}
	return v;
}

size_t
ibuf_left(const struct ibuf *b)
{
	return b->wpos - b->rpos;
}

int
ibuf_ok(const struct ibuf *b)
{
	return !b->err;
}

int
ibuf_done(const struct ibuf *b)
{
	return b->err || ibuf_left(b) > 0 ? -1 : 0;
}

char *
bytes_dup(struct bytes v)
{
	char *s;

	if (v.n == SIZE_MAX || (s = malloc(v.n + 1)) == NULL)
		return NULL;
	if (v.n > 0)
		memcpy(s, v.p, v.n);
	s[v.n] = '\0';
	return s;
}

int
bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

struct bytes
bytes_of(const char *s)
{
	struct bytes v = { s == NULL ? "" : s, s == NULL ? 0 : strlen(s) };

	return v;
}
