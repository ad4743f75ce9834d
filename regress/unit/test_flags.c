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
 * Flags: words taken and refused, the operations against a model of bits, and
 * what happens without memory (malloc(3) and its kin are wrapped).
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flags.h"

#define ROUNDS	5000
#define NAMES	12

/* Five system flags, then keywords; a bit of the model each. */
static const char *names[NAMES] = {
	"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
	"$Junk", "$junkmail", "a", "ab", "b", "NonJunk", "z]:+",
};

static int no_memory;
void	*__real_malloc(size_t);
void	*__wrap_malloc(size_t);
char	*__real_strdup(const char *);
char	*__wrap_strdup(const char *);
char	*__real_strndup(const char *, size_t);
char	*__wrap_strndup(const char *, size_t);

void *
__wrap_malloc(size_t n)
{
	return no_memory ? NULL : __real_malloc(n);
}

char *
__wrap_strdup(const char *s)
{
	return no_memory ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return no_memory ? NULL : __real_strndup(s, n);
}

static uint32_t
random_below(uint32_t n)
{
	static uint64_t state = 20261124;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % n;
}

static int
add(struct flags *f, const char *name)
{
	return flags_add(f, name, strlen(name));
}

static void
assert_format(const struct flags *f, const char *expected)
{
	char *text = flags_format(f);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

/* The name with some letters of the other case. */
static void
add_random_case(struct flags *f, const char *name)
{
	char word[16];
	size_t i;

	assert_true(strlcpy(word, name, sizeof(word)) < sizeof(word));
	for (i = 0; word[i] != '\0'; i++)
		if (random_below(2) == 0)
			word[i] = (char)(islower((unsigned char)word[i]) ?
			    toupper((unsigned char)word[i]) :
			    tolower((unsigned char)word[i]));
	assert_int_equal(add(f, word), 0);
}

static void
assert_model(const struct flags *f, unsigned int bits)
{
	struct flags again, copy;
	int i;

	for (i = 0; i < NAMES; i++)
		assert_int_equal(flags_has(f, names[i], strlen(names[i])),
		    bits >> i & 1);
	flags_init(&again);
	flags_init(&copy);
	for (i = NAMES - 1; i >= 0; i--)
		if (bits >> i & 1)
			add_random_case(&again, names[i]);
	assert_true(flags_equal(f, &again) && flags_equal(&again, f));
	/* The keywords are canonical: another process takes them. */
	if (f->kw != NULL)
		assert_int_equal(flags_set_keywords(&copy, f->kw,
		    strlen(f->kw)), 0);
	copy.sys = f->sys;
	assert_true(flags_equal(f, &copy));
	flags_free(&again);
	flags_free(&copy);
}

static void
test_model(void **state)
{
	struct flags f[2];
	unsigned int bits[2] = { 0, 0 }, i, a, b, op;

	flags_init(&f[0]);
	flags_init(&f[1]);
	for (i = 0; i < ROUNDS; i++) {
		a = random_below(2);
		b = random_below(8) == 0 ? a : !a;
		op = random_below(12);
		if (op == 0) {
			assert_int_equal(flags_union(&f[a], &f[b]), 0);
			bits[a] |= bits[b];
		} else if (op == 1) {
			assert_int_equal(flags_minus(&f[a], &f[b]), 0);
			bits[a] &= ~bits[b];
		} else if (op == 2) {
			assert_int_equal(flags_intersect(&f[a], &f[b]), 0);
			bits[a] &= bits[b];
		} else if (op == 3 && a != b) {
			assert_int_equal(flags_copy(&f[a], &f[b]), 0);
			bits[a] = bits[b];
		} else {
			add_random_case(&f[a], names[op % NAMES]);
			bits[a] |= 1U << op % NAMES;
		}
		assert_model(&f[a], bits[a]);
		assert_int_equal(flags_equal(&f[0], &f[1]),
		    bits[0] == bits[1]);
	}
	flags_free(&f[0]);
	flags_free(&f[1]);
}

static void
test_add(void **state)
{
	static const char *good[] = {
		"\\seen", "\\Recent", "\\XYZ", "$Forwarded", "OIB-[x]", "a:b",
	};
	static const char *bad[] = {
		"", "\\", "a b", "a\\b", "\\\\Seen", "\"a\"", "(", ")", "{1}",
		"*", "a*", "%", "a\tb", "a\r", "\x7f", "\xc3\xa9", "\\a b",
		"\\**", "\\Seen ",
	};
	struct flags f, before;
	size_t i;

	flags_init(&f);
	flags_init(&before);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(add(&f, good[i]), 0);
	assert_format(&f, "(\\Seen $Forwarded a:b OIB-[x])");
	assert_int_equal(flags_copy(&before, &f), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(add(&f, bad[i]), -1);
	assert_int_equal(flags_add(&f, "a\0b", 3), -1);
	assert_true(flags_equal(&f, &before));
	assert_int_equal(add(&f, "A:B"), 0);
	assert_format(&f, "(\\Seen $Forwarded a:b OIB-[x])");
	flags_free(&f);
	assert_format(&f, "()");
	flags_free(&before);
}

static void
test_format(void **state)
{
	struct flags f;
	int i;

	flags_init(&f);
	for (i = 0; i < 5; i++)
		assert_int_equal(add(&f, names[i]), 0);
	assert_format(&f, "(\\Answered \\Deleted \\Draft \\Flagged \\Seen)");
	assert_int_equal(add(&f, "\\*"), 0);
	assert_int_equal(f.sys, FLAG_SYSTEM | FLAG_STAR);
	f.sys = FLAG_STAR;
	assert_format(&f, "(\\*)");
	f.sys = 0;
	assert_int_equal(add(&f, "foo"), 0);
	assert_format(&f, "(foo)");
	flags_free(&f);
}

static void
test_limits(void **state)
{
	char word[FLAGS_ATOMMAX + 2];
	struct flags f, other, before;
	size_t used = 0;
	int i;

	flags_init(&f);
	flags_init(&other);
	flags_init(&before);
	memset(word, 'x', sizeof(word));
	assert_int_equal(flags_add(&f, word, FLAGS_ATOMMAX + 1), -1);
	assert_null(f.kw);
	/* 32 words of 255 and 31 spaces are 8191 octets. */
	for (i = 0; i < 32; i++) {
		word[0] = (char)('A' + i);
		if (word[0] == '\\')
			word[0] = '$';
		assert_int_equal(flags_add(&f, word, FLAGS_ATOMMAX), 0);
		used = strlen(f.kw);
	}
	assert_int_equal(used, FLAGS_KWMAX - 1);
	assert_int_equal(flags_copy(&before, &f), 0);
	assert_int_equal(add(&f, "!"), -1);
	assert_int_equal(add(&other, "!"), 0);
	assert_int_equal(flags_union(&f, &other), -1);
	assert_true(flags_equal(&f, &before));
	flags_free(&f);
	flags_free(&other);
	flags_free(&before);
}

static void
test_mask(void **state)
{
	struct flags f, perm;

	flags_init(&f);
	flags_init(&perm);
	assert_int_equal(add(&f, "\\Seen") | add(&f, "\\Draft") |
	    add(&f, "Foo") | add(&f, "bar"), 0);
	assert_int_equal(add(&perm, "\\Seen") | add(&perm, "\\Deleted") |
	    add(&perm, "foo") | add(&perm, "\\*"), 0);
	f.sys |= FLAG_STAR;		/* no message has it */
	assert_int_equal(flags_mask(&f, &perm), 0);
	assert_format(&f, "(\\Seen bar Foo)");
	perm.sys &= ~FLAG_STAR;
	assert_int_equal(flags_mask(&f, &perm), 0);
	assert_format(&f, "(\\Seen Foo)");
	flags_free(&perm);
	assert_int_equal(flags_mask(&f, &perm), 0);
	assert_format(&f, "()");
	flags_free(&f);
}

static void
test_set_keywords(void **state)
{
	static const char *good[] = { "", "a", "$x A b", "a aa b" };
	static const char *bad[] = {
		" ", "a ", " a", "a  b", "b a", "a a", "a A", "aa a", "\\Seen",
		"a\tb", "(", "\xe9",
	};
	char many[FLAGS_KWMAX + 2];
	struct flags f;
	size_t i;

	flags_init(&f);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(flags_set_keywords(&f, good[i],
		    strlen(good[i])), 0);
		assert_string_equal(f.kw != NULL ? f.kw : "", good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(flags_set_keywords(&f, bad[i],
		    strlen(bad[i])), -1);
	assert_int_equal(flags_set_keywords(&f, "a\0b", 3), -1);
	memset(many, 'a', sizeof(many));
	assert_int_equal(flags_set_keywords(&f, many, FLAGS_ATOMMAX + 1), -1);
	assert_int_equal(flags_set_keywords(&f, many, sizeof(many)), -1);
	assert_string_equal(f.kw, "a aa b");
	flags_free(&f);
}

static void
test_no_memory(void **state)
{
	struct flags f, other;

	flags_init(&f);
	flags_init(&other);
	assert_int_equal(add(&f, "a") | add(&other, "b"), 0);
	no_memory = 1;
	assert_int_equal(add(&f, "c"), -1);
	assert_int_equal(flags_union(&f, &other), -1);
	assert_int_equal(flags_minus(&f, &other), -1);
	assert_int_equal(flags_intersect(&f, &other), -1);
	assert_int_equal(flags_copy(&f, &other), -1);
	assert_int_equal(flags_set_keywords(&f, "d", 1), -1);
	assert_null(flags_format(&f));
	no_memory = 0;
	assert_format(&f, "(a)");
	flags_free(&f);
	flags_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_set_keywords),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
