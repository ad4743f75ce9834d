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
 * Fuzzing of what inflates: the input is what a server sends once COMPRESS was
 * agreed upon.  Property: the same octets and the same end, whether it comes
 * whole or an octet at a time, and however little is read at once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild/transport.h"

#define OUT_MAX	(1 << 18)	/* octets looked at */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct source {
	struct transport t;
	const uint8_t	*p;
	size_t		 n, most;
};

static ssize_t
source_read(struct transport *t, void *p, size_t n)
{
	struct source *s = (struct source *)t;

	if (n > s->most)
		n = s->most;
	if (n > s->n)
		n = s->n;
	if (n > 0)
		memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return n;
}

static void
source_close(struct transport *t)
{
}

static const struct transport_ops source_ops = {
	"source", NULL, source_read, NULL, source_close
};

/* What is read up to OUT_MAX; the last answer in end. */
static size_t
run(const uint8_t *data, size_t n, size_t rest, size_t most, size_t piece,
    uint8_t *out, ssize_t *end)
{
	struct source s;
	struct transport *t;
	size_t done = 0;

	memset(&s, 0, sizeof(s));
	s.t.ops = &source_ops;
	s.p = data + rest;
	s.n = n - rest;
	s.most = most;
	if ((t = transport_deflate(&s.t, data, rest)) == NULL)
		abort();
	do {
		if (piece > OUT_MAX - done)
			piece = OUT_MAX - done;
		*end = transport_read(t, out + done, piece);
		if (*end > (ssize_t)piece || *end < IO_ERROR)
			abort();
		if (*end > 0)
			done += *end;
	} while (*end > 0 && done < OUT_MAX);
	transport_close(t);
	return done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t one[OUT_MAX], two[OUT_MAX];
	ssize_t end1, end2;
	size_t len, piece;

	if (n > DEFLATE_REST / 2)
		return 0;		/* so many in a row may be too many */
	piece = n > 0 ? 1 + data[n - 1] : 1;
	len = run(data, n, 0, n + 1, OUT_MAX, one, &end1);
	if (run(data, n, n / 2, 1, piece, two, &end2) != len ||
	    memcmp(one, two, len) != 0)
		abort();
	if (len < OUT_MAX && end1 != end2)
		abort();
	return 0;
}
