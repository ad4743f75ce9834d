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


/* interimap/patterns.c: the words of list-mailbox, their quotes and escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/interimap.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	const char	*text;
	int		 n;		/* words, -1: refused */
	const char	*words;		/* each ended by a newline */
	size_t		 len;
} words[] = {
	{ "a", 1, "a\n", 2 },
	{ " a\t b* ", 2, "a\nb*\n", 5 },
	{ "\"a b\" c", 2, "a b\nc\n", 6 },
	{ "\"a\\x00b\"", 1, "a\0b\n", 4 },
	{ "\"\\0\\a\\b\\t\\v\\f\\r\\\"\\\\\"", 1,
	    "\0\a\b\t\v\f\r\"\\\n", 10 },
	{ "\"\\x4A\\x4a\"", 1, "JJ\n", 3 },
	{ "\"(){%*]\"", 1, "(){%*]\n", 7 },
	{ "a]%}", 1, "a]%}\n", 5 },
	{ "", -1, "", 0 }, { "  ", -1, "", 0 }, { "\"\"", -1, "", 0 },
	{ "a(", -1, "", 0 }, { "a)", -1, "", 0 }, { "a{", -1, "", 0 },
	{ "a\\b", -1, "", 0 }, { "a\"b\"", -1, "", 0 },
	{ "\"a\"b", -1, "", 0 }, { "\"a", -1, "", 0 }, { "\"a\\", -1, "", 0 },
	{ "\"a\\y\"", -1, "", 0 }, { "\"a\\x4\"", -1, "", 0 },
	{ "\"a\\x4g\"", -1, "", 0 }, { "\"a\tb\"", -1, "", 0 },
	{ "\x01", -1, "", 0 }, { "a\x7f", -1, "", 0 },
	{ "\"\x7f\"", -1, "", 0 },
};

static void
test_patterns(void **state)
{
	struct patterns	 ps;
	char		 got[128];
	size_t		 i, j, n;

	for (i = 0; i < LEN(words); i++) {
		if (patterns_parse(&ps, words[i].text) == -1) {
			if (words[i].n != -1)
				fail_msg("refused: %s", words[i].text);
			assert_null(ps.v);
			continue;
		}
		if ((int)ps.n != words[i].n)
			fail_msg("%zu words: %s", ps.n, words[i].text);
		for (j = n = 0; j < ps.n; j++) {
			memcpy(got + n, ps.v[j].p, ps.v[j].n);
			n += ps.v[j].n;
			got[n++] = '\n';
		}
		assert_int_equal(n, words[i].len);
		assert_memory_equal(got, words[i].words, n);
		patterns_free(&ps);
	}
}

static void
test_pattern_caps(void **state)
{
	struct patterns	 ps;
	char		*text = malloc(2 * (PATTERNS_MAX + 1) + 1);
	size_t		 i;

	assert_non_null(text);
	for (i = 0; i <= PATTERNS_MAX; i++)
		memcpy(text + 2 * i, "a ", 3);
	assert_int_equal(patterns_parse(&ps, text), -1);
	text[2 * PATTERNS_MAX] = '\0';
	assert_int_equal(patterns_parse(&ps, text), 0);
	assert_int_equal(ps.n, PATTERNS_MAX);
	patterns_free(&ps);
	memset(text, 'a', MAILBOX_NAMEMAX + 1);
	text[MAILBOX_NAMEMAX + 1] = '\0';
	assert_int_equal(patterns_parse(&ps, text), -1);
	text[MAILBOX_NAMEMAX] = '\0';
	assert_int_equal(patterns_parse(&ps, text), 0);
	patterns_free(&ps);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_pattern_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
