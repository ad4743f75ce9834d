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
 * Modified UTF-7 (RFC 3501 section 5.1.3), the encoding of mailbox names.
 * Called by options.c for MAILBOX arguments that are not plain ASCII.  Pure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interimap.h"

#define GROWTH	4	/* at worst "\1&" becomes "&AAE-&-", 2 octets 7 */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+,";

/* What is being written: between "&" and "-" when shifted. */
struct encoder {
	char		*out;
	size_t		 len;
	int		 shifted;
	uint32_t	 bits;		/* not yet written, the lowest nbits */
	unsigned int	 nbits;		/* fewer than 6 */
};

/* UTF-8 by the number of octets (RFC 3629 section 3). */
static const struct {
	unsigned char	mask, lead;	/* of the first octet */
	uint32_t	least;		/* a smaller one is overlong */
} forms[] = {
	{ 0x80, 0x00, 0 },
	{ 0xe0, 0xc0, 0x80 },
	{ 0xf0, 0xe0, 0x800 },
	{ 0xf8, 0xf0, 0x10000 }
};
#define NFORMS	(sizeof(forms) / sizeof(forms[0]))

/* The character at p, which is not at its end: its octets; 0: not UTF-8. */
static size_t
decode(const unsigned char *p, uint32_t *c)
{
	size_t	i, n = 0;

	while (n < NFORMS && (p[0] & forms[n].mask) != forms[n].lead)
		n++;
	if (n == NFORMS)
		return 0;
	*c = p[0] & (unsigned char)~forms[n].mask;
	for (i = 1; i <= n; i++) {
		if ((p[i] & 0xc0) != 0x80)	/* nor is a NUL one */
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < forms[n].least || *c > 0x10ffff ||
	    (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n + 1;
}

static void
put(struct encoder *e, char c)
{
	e->out[e->len++] = c;
}

/* One unit of UTF-16. */
static void
put_unit(struct encoder *e, uint32_t unit)
{
	if (!e->shifted) {
		put(e, '&');
		e->shifted = 1;
	}
	e->bits = e->bits << 16 | unit;
	for (e->nbits += 16; e->nbits >= 6; e->nbits -= 6)
		put(e, base64[e->bits >> (e->nbits - 6) & 0x3f]);
	e->bits &= (1U << e->nbits) - 1;
}

static void
shift_out(struct encoder *e)
{
	if (!e->shifted)
		return;
	if (e->nbits > 0)
		put(e, base64[e->bits << (6 - e->nbits) & 0x3f]);
	put(e, '-');
	e->shifted = 0;
	e->bits = e->nbits = 0;
}

static void
put_character(struct encoder *e, uint32_t c)
{
	if (c >= ' ' && c <= '~') {
		shift_out(e);
		put(e, (char)c);
		if (c == '&')
			put(e, '-');
	} else if (c > 0xffff) {
		c -= 0x10000;
		put_unit(e, 0xd800 | c >> 10);
		put_unit(e, 0xdc00 | (c & 0x3ff));
	} else
		put_unit(e, c);
}

char *
utf7_encode(const char *utf8)
{
	const unsigned char	*p = (const unsigned char *)utf8;
	struct encoder		 e = { 0 };
	uint32_t		 c;
	size_t			 n;

	if ((e.out = reallocarray(NULL, strlen(utf8) + 1, GROWTH)) == NULL)
		fatal("out of memory");
	for (; *p != '\0'; p += n) {
		if ((n = decode(p, &c)) == 0) {
			free(e.out);
			return NULL;
		}
		put_character(&e, c);
	}
	shift_out(&e);
	put(&e, '\0');
	return e.out;
}
