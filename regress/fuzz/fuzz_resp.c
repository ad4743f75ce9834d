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
 * Fuzzing of the response parser.  Property: the calls are the same whether
 * the input is fed whole, an octet at a time, or cut in two, and however
 * little the reader of bodies takes; and a date that parses formats and
 * parses to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "regress/unit/resp_record.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Run once more and compare. */
static void
same(struct record *rec, const char *in, size_t n, size_t first, size_t piece,
    const char *want)
{
	const char	*got;

	got = piece > 0 ? record_run(rec, in, n, piece) :
	    record_split(rec, in, n, first);
	if (strcmp(got, want) != 0)
		abort();
}

static void
dates(const char *in, size_t n)
{
	struct msg_date	date, again;
	char		buf[RESP_DATELEN];

	resp_date(&date, in, n);
	if (!date.valid || resp_date_format(buf, sizeof(buf), &date) == -1)
		return;
	resp_date(&again, buf, strlen(buf));
	if (!again.valid || again.time != date.time || again.zone != date.zone)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char	*in = (const char *)data;
	struct record	 rec;
	char		*want;
	size_t		 i, sum = 0;

	if (n == 0)
		return 0;
	for (i = 0; i < n; i++)
		sum = sum * 31 + data[i];
	record_init(&rec);
	rec.trace = 1;
	if ((want = strdup(record_run(&rec, in, n, 0))) == NULL)
		abort();
	same(&rec, in, n, 0, 1, want);
	same(&rec, in, n, 0, 1 + sum % 13, want);
	same(&rec, in, n, sum % n, 0, want);
	rec.most = 1 + sum % 3;
	rec.stall = 1;
	same(&rec, in, n, sum % n, 0, want);
	free(want);
	record_free(&rec);
	dates(in, n);
	return 0;
}
