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
 * Base 64: see base64.h.
 */
#include <stdint.h>

#include "base64.h"
#include "imsg.h"

#define GROUP	4		/* digits that stand for three octets */

void
base64_encode(struct ibuf *b, const void *data, size_t n)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t		*p = data;
	uint32_t		 v;

	while (n > 0) {
		v = (uint32_t)p[0] << 16 | (n > 1 ? p[1] << 8 : 0) |
		    (n > 2 ? p[2] : 0);
		ibuf_add_u8(b, digits[v >> 18]);
		ibuf_add_u8(b, digits[v >> 12 & 63]);
		ibuf_add_u8(b, n > 1 ? digits[v >> 6 & 63] : '=');
		ibuf_add_u8(b, n > 2 ? digits[v & 63] : '=');
		p += n < 3 ? n : 3;
		n -= n < 3 ? n : 3;
	}
}

/* What a digit is worth, or -1. */
static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, of which the last pad are "=" and the rest is checked. */
static int
decode_group(struct ibuf *b, const char *s, int pad)
{
	uint32_t	 v = 0;
	int		 d, i;

	for (i = 0; i < GROUP; i++) {
		d = i < GROUP - pad ? value(s[i]) : 0;
		if (d == -1)
			return -1;
		v = v << 6 | (uint32_t)d;
	}
	if ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff))
		return -1;	/* two texts would stand for the same */
	ibuf_add_u8(b, v >> 16);
	if (pad < 2)
		ibuf_add_u8(b, v >> 8 & 0xff);
	if (pad < 1)
		ibuf_add_u8(b, v & 0xff);
	return 0;
}

int
base64_decode(struct ibuf *b, const char *s, size_t n)
{
	int	 pad;

	if (n % GROUP != 0)
		return -1;
	for (; n > 0; s += GROUP, n -= GROUP) {
		pad = 0;
		if (n == GROUP && s[3] == '=')
			pad = s[2] == '=' ? 2 : 1;
		if (decode_group(b, s, pad) == -1)
			return -1;
	}
	return ibuf_ok(b) ? 0 : -1;
}
