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
 * The option log-prefix: "%n" and "%m", conditions "%?X?then&else?" that
 * nest, "%%", and "\" before "&", "?" and "\".  What is no well-formed
 * sequence stands for itself, as in the original.  Pure; called by say.c for
 * every line, so it allocates nothing.
 */
#include <stddef.h>
#include <string.h>

#include "interimap.h"

#define LOOKS_MAX	1000		/* conditions tried in one expansion */

struct out {
	char		*buf;		/* NULL: only look where a part ends */
	size_t		 size, len;
	const char	*n, *m;
	unsigned int	*looks;		/* conditions tried so far */
};

static const char	*expand(struct out *, const char *, int);

static void
put(struct out *o, const char *s, size_t len)
{
	if (o->buf == NULL)
		return;
	if (len > o->size - 1 - o->len)
		len = o->size - 1 - o->len;
	memcpy(o->buf + o->len, s, len);
	o->len += len;
}

/* What a specifier stands for; empty for an unknown one. */
static const char *
value(const struct out *o, char spec)
{
	if (spec == 'n' && o->n != NULL)
		return o->n;
	if (spec == 'm' && o->m != NULL)
		return o->m;
	return "";
}

/*
 * "%?X?then&else?" or "%?X?then?" at p.  Returns where it ends, or NULL: it
 * is no condition (nothing was written then).
 */
static const char *
condition(struct out *o, const char *p, int depth)
{
	struct out	 look = *o;
	const char	*then, *other = NULL, *end;

	if (depth >= PREFIX_DEPTH || p[2] == '\0' || p[3] != '?' ||
	    ++*o->looks > LOOKS_MAX)
		return NULL;
	look.buf = NULL;
	then = p + 4;
	end = expand(&look, then, depth + 1);
	if (*end == '&') {
		other = end + 1;
		end = expand(&look, other, depth + 1);
	}
	if (*end != '?')
		return NULL;
	if (o->buf == NULL)
		return end + 1;
	if (*value(o, p[2]) != '\0')
		expand(o, then, depth + 1);
	else if (other != NULL)
		expand(o, other, depth + 1);
	return end + 1;
}

/* One sequence that begins with "%" or "\"; returns where it ends. */
static const char *
sequence(struct out *o, const char *p, int depth)
{
	const char	*end;

	if (p[0] == '\\') {
		if (p[1] == '&' || p[1] == '?' || p[1] == '\\')
			p++;
		put(o, p, 1);
		return p + 1;
	}
	switch (p[1]) {
	case '%':
		put(o, "%", 1);
		return p + 2;
	case 'n':
	case 'm':
		put(o, value(o, p[1]), strlen(value(o, p[1])));
		return p + 2;
	case '?':
		if ((end = condition(o, p, depth)) != NULL)
			return end;
		put(o, "%?", 2);
		return p + 2;
	default:
		put(o, "%", 1);
		return p + 1;
	}
}

/*
 * Expand up to the end of the part: at depth 0 the whole string, within a
 * condition the next "&" or "?".  Returns where it stopped.
 */
static const char *
expand(struct out *o, const char *p, int depth)
{
	while (*p != '\0' && (depth == 0 || (*p != '&' && *p != '?'))) {
		if (*p == '%' || *p == '\\') {
			p = sequence(o, p, depth);
			continue;
		}
		put(o, p++, 1);
	}
	return p;
}

void
prefix_expand(char *buf, size_t size, const char *format, const char *n,
    const char *m)
{
	unsigned int	looks = 0;
	struct out	o = { buf, size, 0, n, m, &looks };

	if (size == 0)
		return;
	expand(&o, format, 0);
	buf[o.len] = '\0';
}
