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
 * Writes down what the response parser calls, one line a call, so that a test
 * compares texts.  Used by test_resp.c, fuzz_resp.c and nothing that ships.
 */
#ifndef RESP_RECORD_H
#define RESP_RECORD_H

#include <stdio.h>

#include "imapchild/resp.h"

struct record {
	FILE		*f;		/* on text */
	char		*text;
	size_t		 len;
	size_t		 most;		/* body_data takes so many at a time */
	int		 stall;		/* and nothing every second time */
	unsigned int	 turn;
	int		 trace;		/* write the trace lines too */
	int		 fail_at;	/* the n-th call returns -1; 0: none */
	int		 calls;
};

extern const struct resp_calls record_calls, record_calls_trace;

void	 record_init(struct record *);
void	 record_free(struct record *);
/*
 * Feed a parser that records here, piece octets at a time (0: whole), and
 * return the transcript; what resp_error() says stands in its last line.  The
 * parser is new and gone afterwards.  Valid until record_free().
 */
const char *record_run(struct record *, const char *, size_t, size_t);
/* The same in two pieces, the first of so many octets. */
const char *record_split(struct record *, const char *, size_t, size_t);

#endif
