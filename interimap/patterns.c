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
 * The option list-mailbox: blank-separated words, bare or in double quotes
 * with C escapes.  Called by main.c when the configuration was read.  Pure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interimap.h"

static int
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* An octet of a bare word: printable, none of ( ) " \ { */
static int
bare(char c)
{
	return c > ' ' && c < 0x7f && strchr("\"()\\{", c) == NULL;
}

static int
hexdigit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The escape after a backslash at p into *c.  Returns where it ends, NULL:
 * unknown.
 */
static const char *
escape(const char *p, char *c)
{
	static const char	 names[] = "\"\\0abtnvfr";
	static const char	 octets[] = "\"\\\0\a\b\t\n\v\f\r";
	const char		*q;

	if (*p == '\0')
		return NULL;
	if (*p == 'x') {
		if (hexdigit(p[1]) == -1 || hexdigit(p[2]) == -1)
			return NULL;
		*c = (char)(hexdigit(p[1]) * 16 + hexdigit(p[2]));
		return p + 3;
	}
	if ((q = strchr(names, *p)) == NULL)
		return NULL;
	*c = octets[q - names];
	return p + 1;
}

/* A quoted word, p behind the opening quote; returns behind the closing. */
static const char *
quoted(const char *p, char *word, size_t *len)
{
	while (*p != '"') {
		if (*p == '\\') {
			if ((p = escape(p + 1, &word[*len])) == NULL)
				return NULL;
			(*len)++;
			continue;
		}
		if (*p < ' ' || *p >= 0x7f)
			return NULL;
		word[(*len)++] = *p++;
	}
	return *len > 0 ? p + 1 : NULL;
}

/* One word into word (large enough); where it ends, or NULL: off grammar. */
static const char *
word_end(const char *p, char *word, size_t *len)
{
	*len = 0;
	if (*p == '"')
		p = quoted(p + 1, word, len);
	else {
		while (bare(*p))
			word[(*len)++] = *p++;
		if (*len == 0)
			return NULL;
	}
	if (p == NULL || (*p != '\0' && !blank(*p)))
		return NULL;
	return p;
}

static int
append(struct patterns *ps, const char *word, size_t len)
{
	struct bytes	*v;
	char		*copy;

	if (ps->n == PATTERNS_MAX || len > MAILBOX_NAMEMAX)
		return -1;
	v = recallocarray(ps->v, ps->n, ps->n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	ps->v = v;
	if ((copy = malloc(len)) == NULL)
		return -1;
	memcpy(copy, word, len);
	v[ps->n].p = copy;
	v[ps->n++].n = len;
	return 0;
}

int
patterns_parse(struct patterns *ps, const char *p)
{
	char	*word;
	size_t	 len;

	ps->v = NULL;
	ps->n = 0;
	if ((word = malloc(strlen(p) + 1)) == NULL)
		return -1;
	for (;;) {
		while (blank(*p))
			p++;
		if (*p == '\0')
			break;
		if ((p = word_end(p, word, &len)) == NULL ||
		    append(ps, word, len) == -1)
			goto fail;
	}
	if (ps->n == 0)
		goto fail;
	free(word);
	return 0;
 fail:
	free(word);
	patterns_free(ps);
	return -1;
}

void
patterns_free(struct patterns *ps)
{
	size_t	i;

	for (i = 0; i < ps->n; i++)
		free((char *)(uintptr_t)ps->v[i].p);
	free(ps->v);
	ps->v = NULL;
	ps->n = 0;
}
