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
 * Flags, a line each, into one set; the whole input as a keyword string from
 * another process.  The result must be canonical, and format to words that
 * make the same flags.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int true)
{
	if (!true)
		abort();
}

/* The keywords pass to another process as they are. */
static void
canonical(const struct flags *f)
{
	struct flags copy;

	flags_init(&copy);
	copy.sys = f->sys;
	if (f->kw != NULL)
		must(*f->kw != '\0' && flags_set_keywords(&copy, f->kw,
		    strlen(f->kw)) == 0);
	must(flags_equal(&copy, f) && flags_equal(f, &copy));
	flags_free(&copy);
}

/* "(\Seen foo)" read back word by word. */
static void
round_trip(const struct flags *f)
{
	char *text = flags_format(f), *p, *end;
	struct flags again;
	size_t n;

	must(text != NULL && text[0] == '(');
	flags_init(&again);
	end = text + strlen(text) - 1;
	must(*end == ')');
	for (p = text + 1; p < end; p += n + (p[n] == ' ')) {
		n = strcspn(p, " )");
		must(n > 0 && flags_add(&again, p, n) == 0);
		must(flags_has(f, p, n));
	}
	must(flags_equal(&again, f));
	flags_free(&again);
	free(text);
}

static void
laws(const struct flags *a, const struct flags *b)
{
	struct flags both, rest;

	flags_init(&both);
	flags_init(&rest);
	must(flags_copy(&both, a) == 0 && flags_intersect(&both, b) == 0);
	must(flags_copy(&rest, a) == 0 && flags_minus(&rest, b) == 0);
	canonical(&both);
	canonical(&rest);
	must(flags_union(&rest, &both) == 0 && flags_equal(&rest, a));
	must(flags_mask(&rest, b) == 0 && (rest.sys & FLAG_STAR) == 0);
	if ((b->sys & FLAG_STAR) == 0)
		must(flags_equal(&rest, &both));
	flags_free(&both);
	flags_free(&rest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *end = p + n, *nl;
	struct flags lines, sent;

	flags_init(&lines);
	flags_init(&sent);
	if (flags_set_keywords(&sent, p, n) == 0) {
		canonical(&sent);
		round_trip(&sent);
	}
	while (p < end) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		flags_add(&lines, p, (size_t)(nl - p));
		p = nl + (nl < end);
	}
	canonical(&lines);
	round_trip(&lines);
	laws(&lines, &sent);
	laws(&sent, &lines);
	flags_free(&lines);
	flags_free(&sent);
	return 0;
}
