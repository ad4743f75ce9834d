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
 * Any octets as a MAILBOX argument.  What comes out must be canonical modified
 * UTF-7 and decode to the input; what is refused must not be UTF-8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interimap/interimap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int true)
{
	if (!true)
		abort();
}

/* Append a character as UTF-8. */
static size_t
put_utf8(char *p, uint32_t c)
{
	size_t	i, n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = n; i-- > 1; c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)(lead[n] | c);
	return n;
}

static uint32_t
digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+,";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	must(p != NULL);
	return (uint32_t)(p - digits);
}

/* "&...-" at p: its characters to out.  Returns behind the "-". */
static const char *
shifted(const char *p, char *out, size_t *len)
{
	uint32_t high = 0, unit, bits = 0;
	unsigned int nbits = 0;

	must(*p != '-');
	for (; *p != '-'; p++) {
		bits = bits << 6 | digit(*p);
		if ((nbits += 6) < 16)
			continue;
		nbits -= 16;
		unit = bits >> nbits & 0xffff;
		bits &= (1U << nbits) - 1;
		if (unit >= 0xd800 && unit < 0xdc00) {
			must(high == 0);
			high = unit;
			continue;
		}
		if (unit >= 0xdc00 && unit < 0xe000) {
			must(high != 0);
			unit = 0x10000 + ((high & 0x3ff) << 10 |
			    (unit & 0x3ff));
			high = 0;
		}
		must(high == 0 && (unit < ' ' || unit > '~'));
		*len += put_utf8(out + *len, unit);
	}
	must(high == 0 && bits == 0 && nbits < 6);
	return p + 1;
}

static void
decodes_to(const char *p, const char *want)
{
	char *out = malloc(4 * strlen(p) + 1);
	size_t len = 0;
	int was = 0;		/* a shift has just ended */

	must(out != NULL);
	while (*p != '\0') {
		if (p[0] == '&' && p[1] != '-') {
			must(!was);
			p = shifted(p + 1, out, &len);
			was = 1;
			continue;
		}
		must(*p >= ' ' && *p <= '~');
		was = 0;
		out[len++] = *p;
		p += *p == '&' ? 2 : 1;
	}
	out[len] = '\0';
	must(strcmp(out, want) == 0);
	free(out);
}

/* A decoder of UTF-8 that is written another way: by ranges. */
static int
is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned int lo, hi, more;

	while (*p != '\0') {
		lo = 0x80;
		hi = 0xbf;
		more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
		if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
			return 0;
		if (*p == 0xe0 || *p == 0xf0)
			lo = *p == 0xe0 ? 0xa0 : 0x90;
		if (*p == 0xed || *p == 0xf4)
			hi = *p == 0xed ? 0x9f : 0x8f;
		for (p++; more > 0; more--, p++, lo = 0x80, hi = 0xbf)
			if (*p < lo || *p > hi)
				return 0;
	}
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name, *got;

	name = malloc(size + 1);
	must(name != NULL);
	if (size > 0)
		memcpy(name, data, size);
	name[size] = '\0';
	got = utf7_encode(name);
	must((got != NULL) == is_utf8(name));
	if (got != NULL)
		decodes_to(got, name);
	free(got);
	free(name);
	return 0;
}
