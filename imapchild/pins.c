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
 * Pinned public keys: see pins.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pins.h"

static const char blanks[] = " \t";

void
pins_free(struct pins *pins)
{
	free(pins->pin);
	pins->pin = NULL;
	pins->n = 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly as many digits as the digest has.  0, or -1. */
static int
parse_hex(struct pin *pin, const char *hex, size_t n)
{
	size_t i;
	int hi, lo;

	if (n != 2 * pin->len)
		return -1;
	for (i = 0; i < pin->len; i++) {
		hi = hex_value(hex[2 * i]);
		lo = hex_value(hex[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return -1;
		pin->md[i] = hi << 4 | lo;
	}
	return 0;
}

/* The name before the '$', or sha256; moves word behind it.  0, or -1. */
static int
parse_name(struct pin *pin, const char **word, size_t *n)
{
	const char *dollar;
	size_t i, len;

	(void)strlcpy(pin->name, "sha256", sizeof(pin->name));
	if ((dollar = memchr(*word, '$', *n)) != NULL) {
		len = dollar - *word;
		if (len >= sizeof(pin->name))
			return -1;
		for (i = 0; i < len; i++)
			pin->name[i] = tolower((unsigned char)(*word)[i]);
		pin->name[len] = '\0';
		*n -= len + 1;
		*word = dollar + 1;
	}
	pin->len = digest_size(pin->name);
	return pin->len == 0 ? -1 : 0;
}

static int
parse_pin(struct pin *pin, const char *word, size_t n, char *errbuf,
    size_t size)
{
	const char *whole = word;
	int len = n > 160 ? 160 : (int)n;

	if (parse_name(pin, &word, &n) == -1) {
		(void)snprintf(errbuf, size, "SSL_fingerprint %.*s: unknown "
		    "digest; known are sha1, sha256, sha384, sha512", len,
		    whole);
		return -1;
	}
	if (parse_hex(pin, word, n) == -1) {
		(void)snprintf(errbuf, size, "SSL_fingerprint %.*s: %s has "
		    "%zu hexadecimal digits", len, whole, pin->name,
		    2 * pin->len);
		return -1;
	}
	return 0;
}

int
pins_parse(struct pins *pins, const char *list, char *errbuf, size_t size)
{
	const char *p;
	size_t n;

	pins->n = 0;
	if ((pins->pin = calloc(PINS_MAX, sizeof(*pins->pin))) == NULL) {
		(void)snprintf(errbuf, size, "no memory");
		return -1;
	}
	for (p = list + strspn(list, blanks); *p != '\0';
	    p += n, p += strspn(p, blanks)) {
		n = strcspn(p, blanks);
		if (pins->n == PINS_MAX) {
			(void)snprintf(errbuf, size, "SSL_fingerprint: more "
			    "than %d fingerprints", PINS_MAX);
			return -1;
		}
		if (parse_pin(&pins->pin[pins->n], p, n, errbuf, size) == -1)
			return -1;
		pins->n++;
	}
	return 0;
}

int
pins_match(const struct pins *pins, const void *pem, size_t n)
{
	uint8_t md[DIGEST_MAX];
	size_t i;

	for (i = 0; i < pins->n; i++) {
		if (digest_spki(pins->pin[i].name, pem, n, md) !=
		    pins->pin[i].len)
			return -1;
		if (memcmp(md, pins->pin[i].md, pins->pin[i].len) == 0)
			return 1;
	}
	return 0;
}

int
pins_describe(const char *name, const void *pem, size_t n, char *buf,
    size_t size)
{
	uint8_t md[DIGEST_MAX];
	size_t i, len, w;

	if ((len = digest_spki(name, pem, n, md)) == 0)
		return -1;
	w = strlen(name) + 1;
	if (w + 2 * len + 1 > size)
		return -1;
	(void)snprintf(buf, size, "%s$", name);
	for (i = 0; i < len; i++)
		(void)snprintf(buf + w + 2 * i, 3, "%02X", md[i]);
	return 0;
}
