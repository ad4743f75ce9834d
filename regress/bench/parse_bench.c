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
 * How fast the response parser is: a large body, and lines of flags.  Fed
 * 64 KiB at a time, as imapchild reads.  Prints octets and lines a second.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imapchild/resp.h"

#define PIECE		65536
#define BODY		(UINT64_C(1) << 20)
#define BODIES		1000
#define LINES		1000000

static uint64_t	sum;		/* so that nothing is optimised away */

static int
on_fetch(void *arg, const struct resp_fetch *f)
{
	sum += f->uid;
	return 0;
}

static int
on_body_begin(void *arg, const struct resp_fetch *f, int literal8)
{
	return 0;
}

static ssize_t
on_body_data(void *arg, const char *s, size_t n)
{
	static char	copy[PIECE];

	memcpy(copy, s, n);
	sum += copy[sum % n];
	return n;
}

static int
on_body_end(void *arg)
{
	return 0;
}

static const struct resp_calls calls = {
	.fetch = on_fetch,
	.body_begin = on_body_begin,
	.body_data = on_body_data,
	.body_end = on_body_end
};

static void
feed(struct resp *r, const char *s, size_t n)
{
	size_t	pos, len;

	for (pos = 0; pos < n; pos += len) {
		len = n - pos < PIECE ? n - pos : PIECE;
		if (resp_feed(r, s + pos, len) != (ssize_t)len)
			errx(1, "%s", resp_error(r));
	}
}

static double
now(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
bench_bodies(struct resp *r)
{
	char	*in;
	double	 start;
	size_t	 n;
	int	 i;

	if ((in = malloc(BODY + 128)) == NULL)
		err(1, "malloc");
	n = snprintf(in, 128, "* 1 FETCH (UID 1 BODY[] {%ju}\r\n",
	    (uintmax_t)BODY);
	memset(in + n, 'x', BODY);
	n += BODY;
	memcpy(in + n, ")\r\n", 3);
	n += 3;
	start = now();
	for (i = 0; i < BODIES; i++)
		feed(r, in, n);
	printf("bodies: %.0f MB/s\n", BODY * BODIES / 1e6 / (now() - start));
	free(in);
}

static void
bench_lines(struct resp *r, const char *flags)
{
	char	*in;
	double	 start;
	size_t	 n = 0;
	int	 i;

	if ((in = malloc((size_t)LINES * 128)) == NULL)
		err(1, "malloc");
	for (i = 1; i <= LINES; i++)
		n += snprintf(in + n, 128,
		    "* %d FETCH (UID %d FLAGS (%s) MODSEQ (%d))\r\n",
		    i, i + 1000, flags, i + 5000);
	start = now();
	feed(r, in, n);
	printf("lines with (%s): %.2f million/s\n", flags,
	    LINES / 1e6 / (now() - start));
	free(in);
}

int
main(void)
{
	struct resp	*r;

	if ((r = resp_new(&calls, NULL)) == NULL)
		err(1, "resp_new");
	bench_bodies(r);
	bench_lines(r, "");
	bench_lines(r, "\\Seen \\Answered");
	bench_lines(r, "\\Seen $Junk work");
	resp_free(r);
	return sum == 0;
}
