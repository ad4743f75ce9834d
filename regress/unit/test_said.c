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
 * interimap/said.c: a line is said again only when a run was without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "interimap/session.h"

static void
test_runs(void **state)
{
	struct said	s = { 0 };

	assert_int_equal(said_again(&s, LOCAL, "A", "gone"), 0);
	said_next(&s);
	assert_int_equal(said_again(&s, LOCAL, "A", "gone"), 1);
	said_next(&s);			/* the second run counts as the first */
	assert_int_equal(said_again(&s, LOCAL, "A", "gone"), 1);
	said_next(&s);
	said_next(&s);			/* this one was without it */
	assert_int_equal(said_again(&s, LOCAL, "A", "gone"), 0);
	said_free(&s);
}

/* Of another side, mailbox, or in other words it is another line. */
static void
test_others(void **state)
{
	struct said	s = { 0 };

	assert_int_equal(said_again(&s, LOCAL, "A", "gone"), 0);
	assert_int_equal(said_again(&s, SIDE_NONE, NULL, "A gone"), 0);
	said_next(&s);
	assert_int_equal(said_again(&s, REMOTE, "A", "gone"), 0);
	assert_int_equal(said_again(&s, LOCAL, "B", "gone"), 0);
	assert_int_equal(said_again(&s, LOCAL, "A", "gone."), 0);
	assert_int_equal(said_again(&s, LOCAL, NULL, "gone"), 0);
	assert_int_equal(said_again(&s, SIDE_NONE, NULL, "A gone"), 1);
	said_free(&s);
}

/* Twice in one run: both are as the first; more than fit: all are said. */
static void
test_many(void **state)
{
	struct said	s = { 0 };
	char		text[16];
	int		i, run, again;

	for (run = 0; run < 2; run++) {
		again = 0;
		for (i = 0; i < SAID_MAX + 10; i++) {
			snprintf(text, sizeof(text), "%d", i);
			again += said_again(&s, SIDE_DB, NULL, text);
		}
		assert_int_equal(again, run == 0 ? 0 : SAID_MAX);
		said_next(&s);
	}
	said_free(&s);
	said_free(&s);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
