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
 * A text that grows up to a cap: see strbuf.h.
 */
#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

#define STRBUF_FIRST	256	/* octets allocated at first; it doubles */

int
strbuf_init(struct strbuf *b)
{
	b->len = b->size = 0;
	if ((b->s = malloc(STRBUF_FIRST)) == NULL)
		return -1;
	b->size = STRBUF_FIRST;
	b->s[0] = '\0';
	return 0;
}

void
strbuf_free(struct strbuf *b)
{
	free(b->s);
	b->s = NULL;
	b->len = b->size = 0;
}

void
strbuf_cut(struct strbuf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
	b->s[b->len] = '\0';
}

/* Room for n more octets and the NUL. */
static int
strbuf_room(struct strbuf *b, size_t n)
{
	size_t	 size = b->size;
	char	*s;

	while (size <= b->len + n)
		size *= 2;
	if (size == b->size)
		return 0;
	if ((s = realloc(b->s, size)) == NULL)
		return -1;
	b->s = s;
	b->size = size;
	return 0;
}

long
strbuf_add(struct strbuf *b, const char *s, size_t n, size_t cap)
{
	if (b->len >= cap)
		return 0;
	if (n > cap - b->len)
		n = cap - b->len;
	if (strbuf_room(b, n) == -1)
		return -1;
	memcpy(b->s + b->len, s, n);
	b->len += n;
	b->s[b->len] = '\0';
	return n;
}
