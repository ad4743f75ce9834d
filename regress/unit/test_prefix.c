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
 * interimap/prefix.c: log-prefix formats.  The expansions were compared with
 * those of the original for the same formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/interimap.h"

static const struct {
	const char	*format, *n, *m, *want;
} cases[] = {
	{ PREFIX_DEFAULT, "local", NULL, "local: " },
	{ PREFIX_DEFAULT, "remote", "a b", "remote(a b): " },
	{ PREFIX_DEFAULT, "database", "", "database: " },
	{ PREFIX_DEFAULT, NULL, NULL, "" },
	{ PREFIX_DEFAULT, "", "x", "" },
	{ "", "n", "m", "" },
	{ "%n%m", "n", "m", "nm" },
	{ "%%n%", "n", "m", "%n%" },
	{ "%z%", "n", "m", "%z%" },
	{ "a?b&c%n:", "n", "m", "a?b&cn:" },
	{ "%?n?%n: ", "n", "m", "%?n?n: " },
	{ "%?n?x&y&z?q", "n", "m", "%?n?x&y&z?q" },
	{ "%?z?a&b?c", "n", "m", "bc" },
	{ ">%?m?a%m&b?c", "n", NULL, ">bc" },
	{ ">%?m?a%m&b?c", "n", "m", ">amc" },
	{ "%?m?a?c", "n", NULL, "c" },
	{ "%?m??c", "n", "m", "c" },
	{ "%?m?&e?c", "n", NULL, "ec" },
	{ "\\\\x\\q\\&\\?", "n", "m", "\\x\\q&?" },
	{ "%?n?a\\?b\\&c\\\\d&e?f", "n", NULL, "a?b&c\\df" },
	{ "a\\", "n", "m", "a\\" },
	{ "%?", "n", "m", "%?" },
	{ "%?n", "n", "m", "%?n" },
	{ "%?n?", "n", "m", "%?n?" },
	{ "%?n?%?m?%?n?x??&o?", "n", "m", "x" },
	{ "%?n?%?m?i&j?&o?", "n", NULL, "j" },
	{ "%m", NULL, "%n", "%n" },
};

static void
test_expand(void **state)
{
	char	buf[PREFIX_MAX];
	size_t	i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prefix_expand(buf, sizeof(buf), cases[i].format, cases[i].n,
		    cases[i].m);
		assert_string_equal(buf, cases[i].want);
	}
}

/* Every size of buffer: cut there, terminated, nothing written behind. */
static void
test_cut(void **state)
{
	char	whole[64], buf[64];
	size_t	size;

	prefix_expand(whole, sizeof(whole), PREFIX_DEFAULT, "remote", "box");
	for (size = 0; size < sizeof(buf) - 1; size++) {
		memset(buf, '#', sizeof(buf));
		prefix_expand(buf, size, PREFIX_DEFAULT, "remote", "box");
		assert_int_equal(buf[size], '#');
		if (size == 0)
			continue;
		assert_true(strlen(buf) < size);
		assert_memory_equal(buf, whole, strlen(buf));
		assert_int_equal(strlen(buf), size - 1 < strlen(whole) ?
		    size - 1 : strlen(whole));
	}
}

/* Conditions nested beyond the cap come to an end. */
static void
test_deep(void **state)
{
	char	format[4 * 2000 + 1], buf[PREFIX_MAX];
	size_t	i;

	for (i = 0; i < 2000; i++)
		memcpy(format + 4 * i, "%?n?", 5);
	prefix_expand(buf, sizeof(buf), format, "n", "m");
	assert_true(strlen(buf) < sizeof(buf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
