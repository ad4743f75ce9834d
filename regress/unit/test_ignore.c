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


/* interimap/ignore.c: ignore-mailbox expressions, and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/interimap.h"

static const struct {
	const char	*expr, *name;
	size_t		 len;
	int		 want;
} cases[] = {
	{ "^virtual(?:\\x00|$)", "virtual", 7, 1 },
	{ "^virtual(?:\\x00|$)", "virtual\0x", 9, 1 },
	{ "^virtual(?:\\x00|$)", "virtuals", 8, 0 },
	{ "^virtual(?:\\x00|$)", "a\0virtual", 9, 0 },
	{ "irt", "virtual", 7, 1 },
	{ "Irt", "virtual", 7, 0 },
	{ "(?i)Irt", "virtual", 7, 1 },
	{ "^$", "", 0, 1 },
	{ "(*NO_JIT)a", "ba", 2, 1 },
};

static void
test_match(void **state)
{
	struct ignore	*ig;
	char		 err[ERRMAX];
	size_t		 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ig = ignore_new(cases[i].expr, err, sizeof(err));
		assert_non_null(ig);
		assert_int_equal(ignore_match(ig, cases[i].name,
		    cases[i].len), cases[i].want);
		ignore_free(ig);
	}
}

static void
test_errors(void **state)
{
	char	err[ERRMAX];

	assert_null(ignore_new("ab(", err, sizeof(err)));
	assert_string_equal(err,
	    "missing closing parenthesis, at offset 3");
	assert_null(ignore_new("[z-a]", err, sizeof(err)));
	assert_non_null(strstr(err, "at offset 3"));
}

/* A name that makes the expression explode is an error, not a hang. */
static void
test_limits(void **state)
{
	struct ignore	*ig;
	char		 err[ERRMAX], name[MAILBOX_NAMEMAX];

	memset(name, 'a', sizeof(name));
	ig = ignore_new("^(a|aa)+[^a]$", err, sizeof(err));
	assert_non_null(ig);
	assert_int_equal(ignore_match(ig, name, sizeof(name)), -1);
	assert_int_equal(ignore_match(ig, "b", 1), 0);
	ignore_free(ig);
	ignore_free(NULL);
}

static void
test_library(void **state)
{
	char	buf[64];

	ignore_library(buf, sizeof(buf));
	assert_memory_equal(buf, "PCRE2 10.", 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
