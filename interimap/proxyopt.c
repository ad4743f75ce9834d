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
 * The option proxy: socks5://[USER:PASSWORD@]HOST[:PORT], or socks5h:// with
 * the proxy resolving names.  Pure; called by conftab.c, to check it, and by
 * children.c.
 */
#include <string.h>
#include <strings.h>

#include "interimap.h"

#define PROXY_PORT	"1080"		/* RFC 1928 section 3 */

static int
hexvalue(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Octets, %HH decoded, into PROXY_MAX + 1; some, and no NUL.  0, or -1. */
static int
decode(char *dst, const char *p, size_t n)
{
	size_t	len = 0, i;
	int	hi, lo, c;

	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (c == '%') {
			if (n - i < 3 || (hi = hexvalue(p[i + 1])) == -1 ||
			    (lo = hexvalue(p[i + 2])) == -1)
				return -1;
			c = hi << 4 | lo;
			i += 2;
		}
		if (c == '\0' || len == PROXY_MAX)
			return -1;
		dst[len++] = c;
	}
	dst[len] = '\0';
	return len == 0 ? -1 : 0;
}

static int
keep(char *dst, const char *p, size_t n)
{
	if (n == 0 || n > PROXY_MAX)
		return -1;
	memcpy(dst, p, n);
	dst[n] = '\0';
	return 0;
}

/* HOST[:PORT]; an IPv6 address is in brackets, which stay. */
static int
split_host(struct proxy *x, const char *p)
{
	const char	*end;

	end = p[0] == '[' ? strchr(p, ']') : NULL;
	end = p[0] != '[' ? p + strcspn(p, ":[]/") : end == NULL ? p : end + 1;
	if (keep(x->host, p, end - p) == -1)
		return -1;
	if (*end == '\0')
		return keep(x->port, PROXY_PORT, strlen(PROXY_PORT));
	if (*end != ':' || end[1 + strcspn(end + 1, ":/[]")] != '\0')
		return -1;
	return keep(x->port, end + 1, strlen(end + 1));
}

int
proxy_parse(struct proxy *x, const char *v)
{
	const char	*at, *colon;

	memset(x, 0, sizeof(*x));
	if (strncasecmp(v, "socks5://", 9) == 0) {
		x->type = PROXY_SOCKS5;
		v += 9;
	} else if (strncasecmp(v, "socks5h://", 10) == 0) {
		x->type = PROXY_SOCKS5H;
		v += 10;
	} else
		return -1;
	if ((at = strrchr(v, '@')) == NULL)
		return split_host(x, v);
	if ((colon = memchr(v, ':', at - v)) == NULL ||
	    decode(x->user, v, colon - v) == -1 ||
	    decode(x->pass, colon + 1, at - colon - 1) == -1)
		return -1;
	return split_host(x, at + 1);
}
