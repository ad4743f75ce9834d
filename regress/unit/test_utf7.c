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


/* interimap/utf7.c: names as a table; the encoder against one that decodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/interimap.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const good[][2] = {
	{ "", "" },
	{ "plain", "plain" },
	{ " ~*%/.^\\\"{", " ~*%/.^\\\"{" },
	/* the example of RFC 3501 section 5.1.3 */
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac"
	    "\xe8\xaa\x9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	/* one, two and three units before the shift out */
	{ "\xc3\xa4", "&AOQ-" },
	{ "\xc3\xa4\xc3\xb6", "&AOQA9g-" },
	{ "\xc3\xa4\xc3\xb6\xc3\xbc", "&AOQA9gD8-" },
	{ "&", "&-" },
	{ "a&b\xc3\xa4&&", "a&-b&AOQ-&-&-" },
	{ "&AOQ-", "&-AOQ-" },
	{ "\xc3\xa4-", "&AOQ--" },
	/* nothing but printable ASCII stands for itself */
	{ "a\tb\x7f\x01", "a&AAk-b&AH8AAQ-" },
	/* the ends of each form of UTF-8 */
	{ "\xc2\x80", "&AIA-" },
	{ "\xdf\xbf", "&B,8-" },
	{ "\xe0\xa0\x80", "&CAA-" },
	{ "\xed\x9f\xbf", "&1,8-" },
	{ "\xee\x80\x80", "&4AA-" },
	{ "\xef\xbf\xbf", "&,,8-" },
	/* surrogate pairs */
	{ "\xf0\x90\x80\x80", "&2ADcAA-" },
	{ "\xf0\x9f\x93\xac", "&2D3c7A-" },
	{ "x\xf0\x9f\x93\xac\xc3\xa4\xf0\x9f\x93\xacy",
	    "x&2D3c7ADk2D3c7A-y" },
	{ "\xf4\x8f\xbf\xbf", "&2,,f,w-" },
};

static const char *const bad[] = {
	"\x80", "\xbf", "a\xff", "\xfe", "\xc3", "\xc3(", "a\xc3",
	"\xe5\x8f", "\xe5\x8f/", "\xf0\x9f\x93", "\xf0\x9f\x93 ",
	"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
	"\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",
	"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb3\xac",
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
	"\xfc\x84\x80\x80\x80\x80", "\xe4", "\xfcmlaut",
	"good \xc3\xa4, bad \xe4",
};

static void
test_good(void **state)
{
	char	*got;
	size_t	 i;

	for (i = 0; i < LEN(good); i++) {
		got = utf7_encode(good[i][0]);
		assert_non_null(got);
		assert_string_equal(got, good[i][1]);
		free(got);
	}
}

static void
test_bad(void **state)
{
	size_t	 i;

	for (i = 0; i < LEN(bad); i++)
		if (utf7_encode(bad[i]) != NULL)
			fail_msg("%zu was taken", i);
}

/* The most that a name can grow: the sanitizer watches. */
static void
test_growth(void **state)
{
	char	 in[301], *got;
	int	 i;

	memset(in, 1, 300);
	in[300] = '\0';
	got = utf7_encode(in);
	assert_int_equal(strlen(got), 2 + 300 * 8 / 3);
	free(got);
	got = utf7_encode("\1");
	assert_string_equal(got, "&AAE-");
	free(got);
	for (i = 0; i < 300; i += 2)
		in[i + 1] = '&';
	got = utf7_encode(in);
	assert_int_equal(strlen(got), 150 * 7);
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
