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
 * The table of flag sets: equal sets have one id, whatever the order and the
 * case of their keywords; ids stay when the table grows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/mailbox.h"

#define MANY	5000

/* A set from words ("\\Seen work"); free it with flags_free(). */
static struct flags
set_of(const char *words)
{
	struct flags f;
	size_t n;

	flags_init(&f);
	while (*words != '\0') {
		n = strcspn(words, " ");
		assert_int_equal(flags_add(&f, words, n), 0);
		words += n + (words[n] == ' ');
	}
	return f;
}

static flagid
id_of(struct flagtab *t, const char *words)
{
	struct flags f = set_of(words);
	flagid id = flagtab_id(t, &f);

	flags_free(&f);
	return id;
}

static void
test_ids(void **state)
{
	struct flagtab t;
	flagid a;

	flagtab_init(&t);
	assert_int_equal(id_of(&t, ""), 0);
	a = id_of(&t, "\\Seen work Later");
	assert_int_not_equal(a, 0);
	assert_int_equal(id_of(&t, "later WORK \\seen"), a);
	assert_int_not_equal(id_of(&t, "later \\Seen"), a);
	assert_int_not_equal(id_of(&t, "work Later"), a);
	assert_string_equal(flagtab_get(&t, a)->kw, "Later work");
	assert_int_equal(flagtab_get(&t, a)->sys, FLAG_SEEN);
	assert_null(flagtab_get(&t, 0)->kw);
	flagtab_free(&t);
}

static void
test_many(void **state)
{
	struct flagtab t;
	flagid ids[MANY];
	char word[32];
	int i;

	flagtab_init(&t);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(word, sizeof(word), "k%d", i);
		ids[i] = id_of(&t, word);
		assert_int_equal(ids[i], i + 1);
	}
	for (i = 0; i < MANY; i++) {
		(void)snprintf(word, sizeof(word), "K%d", i);
		assert_int_equal(id_of(&t, word), ids[i]);
	}
	assert_int_equal(t.n, MANY + 1);
	flagtab_free(&t);
}

static void
test_algebra(void **state)
{
	struct flagtab t;
	struct flags perm = set_of("\\Seen \\Flagged work");
	struct flags star = set_of("\\Seen \\*");
	flagid a, b;

	flagtab_init(&t);
	a = id_of(&t, "\\Seen \\Draft work later");
	b = id_of(&t, "\\Flagged later");
	assert_int_equal(flagtab_union(&t, a, b),
	    id_of(&t, "\\Seen \\Draft \\Flagged work later"));
	assert_int_equal(flagtab_union(&t, a, a), a);
	assert_int_equal(flagtab_union(&t, a, 0), a);
	assert_int_equal(flagtab_mask(&t, a, &perm), id_of(&t, "\\Seen work"));
	assert_int_equal(flagtab_rest(&t, a, &perm),
	    id_of(&t, "\\Draft later"));
	assert_int_equal(flagtab_mask(&t, a, &star),
	    id_of(&t, "\\Seen work later"));
	assert_int_equal(flagtab_rest(&t, a, &star), id_of(&t, "\\Draft"));
	assert_int_equal(flagtab_rest(&t, 0, &perm), 0);
	flagtab_free(&t);
	flags_free(&perm);
	flags_free(&star);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_algebra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
