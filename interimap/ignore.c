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
 * The option ignore-mailbox: a Perl compatible regular expression over
 * mailbox names.  The only file that includes pcre2.h.  Names come from
 * servers, so matching has limits, and there is no JIT: the parent never
 * needs executable memory.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interimap.h"

#define MATCH_LIMIT	1000000		/* steps */
#define DEPTH_LIMIT	10000		/* nested backtracking points */
#define HEAP_LIMIT	8192		/* KiB */

struct ignore {
	pcre2_code		*code;
	pcre2_match_data	*data;
	pcre2_match_context	*limits;
};

static pcre2_code *
compile(const char *expr, char *err, size_t errlen)
{
	PCRE2_UCHAR	 text[256];
	PCRE2_SIZE	 offset;
	pcre2_code	*code;
	int		 errnum;

	code = pcre2_compile((PCRE2_SPTR)expr, strlen(expr),
	    PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &errnum, &offset,
	    NULL);
	if (code == NULL) {
		pcre2_get_error_message(errnum, text, sizeof(text));
		snprintf(err, errlen, "%s, at offset %zu", (char *)text,
		    (size_t)offset);
	}
	return code;
}

struct ignore *
ignore_new(const char *expr, char *err, size_t errlen)
{
	struct ignore	*ig;

	if ((ig = calloc(1, sizeof(*ig))) == NULL) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if ((ig->code = compile(expr, err, errlen)) == NULL) {
		ignore_free(ig);
		return NULL;
	}
	ig->data = pcre2_match_data_create_from_pattern(ig->code, NULL);
	ig->limits = pcre2_match_context_create(NULL);
	if (ig->data == NULL || ig->limits == NULL) {
		snprintf(err, errlen, "out of memory");
		ignore_free(ig);
		return NULL;
	}
	pcre2_set_match_limit(ig->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(ig->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(ig->limits, HEAP_LIMIT);
	return ig;
}

void
ignore_free(struct ignore *ig)
{
	if (ig == NULL)
		return;
	pcre2_match_context_free(ig->limits);
	pcre2_match_data_free(ig->data);
	pcre2_code_free(ig->code);
	free(ig);
}

int
ignore_match(struct ignore *ig, const char *name, size_t len)
{
	int	rc;

	rc = pcre2_match(ig->code, (PCRE2_SPTR)name, len, 0, PCRE2_NO_JIT,
	    ig->data, ig->limits);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return rc >= 0 ? 1 : -1;
}

void
ignore_library(char *buf, size_t size)
{
	char	version[64];

	if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) < 0 ||
	    pcre2_config(PCRE2_CONFIG_VERSION, NULL) > (int)sizeof(version))
		version[0] = '\0';
	else
		pcre2_config(PCRE2_CONFIG_VERSION, version);
	snprintf(buf, size, "PCRE2 %s", version);
}
