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
 * Two sequence-sets, a line each.  What parses must format and parse to the
 * same set, in lines of any length, and the operations must obey the laws of
 * sets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "uidset.h"

#define MAXRANGES	1000
#define LINE		64	/* octets, holds the longest range */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int true)
{
	if (!true)
		abort();
}

static void
round_trip(const struct uidset *s)
{
	struct uidset all = UIDSET_INIT, part = UIDSET_INIT;
	char line[LINE];
	size_t pos = 0, n;

	while ((n = uidset_format(s, &pos, line, sizeof(line))) > 0) {
		must(uidset_parse(&part, line, n, MAXRANGES) == 0);
		must(uidset_union(&all, &part) == 0);
	}
	must(uidset_equal(&all, s));
	uidset_free(&all);
	uidset_free(&part);
}

/* |a or b| = |a| + |b| - |a and b|, and a = (a minus b) or (a and b). */
static void
laws(const struct uidset *a, const struct uidset *b)
{
	struct uidset either = UIDSET_INIT, both = UIDSET_INIT;
	struct uidset rest = UIDSET_INIT;

	must(uidset_copy(&either, a) == 0 && uidset_union(&either, b) == 0);
	must(uidset_copy(&both, a) == 0 && uidset_intersect(&both, b) == 0);
	must(uidset_copy(&rest, a) == 0 && uidset_minus(&rest, b) == 0);
	must(uidset_count(&either) + uidset_count(&both) ==
	    uidset_count(a) + uidset_count(b));
	must(uidset_count(&rest) + uidset_count(&both) == uidset_count(a));
	round_trip(&either);
	must(uidset_union(&rest, &both) == 0 && uidset_equal(&rest, a));
	must(uidset_minus(&either, a) == 0);
	must(uidset_intersect(&either, a) == 0 && uidset_empty(&either));
	uidset_free(&either);
	uidset_free(&both);
	uidset_free(&rest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct uidset a = UIDSET_INIT, b = UIDSET_INIT;
	const char *text = (const char *)data;
	size_t first = 0;

	while (first < n && text[first] != '\n')
		first++;
	if (uidset_parse(&a, text, first, MAXRANGES) == 0)
		round_trip(&a);
	if (first < n && uidset_parse(&b, text + first + 1, n - first - 1,
	    MAXRANGES) == 0)
		round_trip(&b);
	laws(&a, &b);
	laws(&b, &a);
	uidset_free(&a);
	uidset_free(&b);
	return 0;
}
