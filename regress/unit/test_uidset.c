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
 * UID sets against a bitmap, sequence-sets parsed and formatted, and what
 * happens without memory (reallocarray(3) is wrapped by the linker).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "uidset.h"

#define UNIVERSE	160	/* UIDs of the model */
#define ROUNDS		4000
#define MILLION		1000000
#define QUICK		(5 * CLOCKS_PER_SEC)	/* with the sanitizers */

/* A set and what must be in it: has[i] stands for the UID base + i. */
struct model {
	struct uidset	set;
	uint32_t	base;
	char		has[UNIVERSE];
};

static int no_memory;
void	*__real_reallocarray(void *, size_t, size_t);
void	*__wrap_reallocarray(void *, size_t, size_t);

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(p, n, size);
}

/* A small generator of our own: the same histories everywhere. */
static uint32_t
random_below(uint32_t n)
{
	static uint64_t state = 20261124;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % n;
}

static void
assert_canonical(const struct uidset *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		assert_true(s->r[i].lo >= 1 && s->r[i].lo <= s->r[i].hi);
		if (i > 0)
			assert_true((uint64_t)s->r[i - 1].hi + 1 <
			    s->r[i].lo);
	}
}

/* Format the whole set and parse it again. */
static void
assert_round_trip(const struct uidset *s)
{
	char text[UNIVERSE * sizeof("4294967295,")];
	struct uidset again = UIDSET_INIT;
	size_t pos = 0, n;

	n = uidset_format(s, &pos, text, sizeof(text));
	assert_int_equal(n, strlen(text));
	assert_int_equal(pos, s->n);
	if (n == 0)
		return;
	assert_int_equal(uidset_parse(&again, text, n, s->n), 0);
	assert_true(uidset_equal(&again, s));
	assert_int_equal(uidset_parse(&again, text, n, s->n - 1), -1);
	assert_true(uidset_equal(&again, s));
	uidset_free(&again);
}

static void
assert_model(const struct model *m)
{
	uint32_t i, uid, count = 0, min = 0, max = 0;
	struct uiditer it;

	assert_canonical(&m->set);
	uiditer_init(&it, &m->set);
	for (i = 0; i < UNIVERSE; i++) {
		uid = m->base + i;
		assert_int_equal(uidset_has(&m->set, uid), m->has[i]);
		if (!m->has[i])
			continue;
		assert_int_equal(uiditer_next(&it), uid);
		min = count++ == 0 ? uid : min;
		max = uid;
	}
	assert_int_equal(uiditer_next(&it), 0);
	assert_int_equal(uiditer_next(&it), 0);
	assert_int_equal(uidset_count(&m->set), count);
	assert_int_equal(uidset_empty(&m->set), count == 0);
	assert_int_equal(uidset_min(&m->set), min);
	assert_int_equal(uidset_max(&m->set), max);
	assert_round_trip(&m->set);
}

static void
change_range(struct model *m, int add)
{
	uint32_t a = random_below(UNIVERSE), i;
	uint32_t b = random_below(3) == 0 ? random_below(UNIVERSE) :
	    (a + random_below(4)) % UNIVERSE;

	if (add && a == b)
		assert_int_equal(uidset_add(&m->set, m->base + a), 0);
	else if (add)
		assert_int_equal(uidset_add_range(&m->set, m->base + a,
		    m->base + b), 0);
	else
		assert_int_equal(uidset_remove_range(&m->set, m->base + a,
		    m->base + b), 0);
	for (i = a < b ? a : b; i <= (a < b ? b : a); i++)
		m->has[i] = add;
}

/* One of the operations on two sets, on the sets and on the bitmaps. */
static void
combine(struct model *a, const struct model *b)
{
	uint32_t op = random_below(4);
	int i;

	assert_int_equal(
	    op == 0 ? uidset_union(&a->set, &b->set) :
	    op == 1 ? uidset_minus(&a->set, &b->set) :
	    op == 2 ? uidset_intersect(&a->set, &b->set) :
	    uidset_copy(&a->set, &b->set), 0);
	for (i = 0; i < UNIVERSE; i++)
		a->has[i] = op == 0 ? a->has[i] | b->has[i] :
		    op == 1 ? a->has[i] & !b->has[i] :
		    op == 2 ? a->has[i] & b->has[i] : b->has[i];
	assert_int_equal(uidset_equal(&a->set, &b->set),
	    memcmp(a->has, b->has, sizeof(a->has)) == 0);
}

static void
run_model(uint32_t base)
{
	static struct model m[2];
	int i, which;

	memset(m, 0, sizeof(m));
	m[0].base = m[1].base = base;
	for (i = 0; i < ROUNDS; i++) {
		which = (int)random_below(2);
		if (random_below(8) == 0)
			combine(&m[which], &m[random_below(4) == 0 ? which :
			    !which]);
		else
			change_range(&m[which], random_below(5) < 3);
		assert_model(&m[which]);
	}
	uidset_free(&m[0].set);
	uidset_free(&m[1].set);
}

static void
test_model(void **state)
{
	run_model(1);
	run_model(1000);
	run_model(UID_MAX - UNIVERSE + 1);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *out;	/* out NULL: refused */
	} v[] = {
		{ "1", "1" }, { "4294967295", "4294967295" },
		{ "1:4294967295", "1:4294967295" }, { "4:2", "2:4" },
		{ "2,4:7,9,12:13", "2,4:7,9,12:13" }, { "5,4,3,2,1", "1:5" },
		{ "1,1,1:1", "1" }, { "7:9,1:3,4:6", "1:9" },
		{ "", NULL }, { "0", NULL }, { "01", NULL }, { "*", NULL },
		{ "1:*", NULL }, { "0:1", NULL }, { "1:0", NULL },
		{ "4294967296", NULL }, { "99999999999999999999", NULL },
		{ "1,", NULL }, { ",1", NULL }, { "1,,2", NULL },
		{ "1:", NULL }, { ":1", NULL }, { "1:2:3", NULL },
		{ " 1", NULL }, { "1 ", NULL }, { "-1", NULL }, { "+1", NULL },
		{ "1;2", NULL }, { "0x1", NULL }, { "1,2,4,6,8,10", NULL },
	};
	struct uidset s = UIDSET_INIT;
	char text[128];
	size_t i, pos;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uidset_free(&s);
		assert_int_equal(uidset_add(&s, 77), 0);
		assert_int_equal(uidset_parse(&s, v[i].in, strlen(v[i].in),
		    4), v[i].out != NULL ? 0 : -1);
		pos = 0;
		uidset_format(&s, &pos, text, sizeof(text));
		assert_string_equal(text, v[i].out != NULL ? v[i].out : "77");
	}
	/* The length counts, not a NUL. */
	assert_int_equal(uidset_parse(&s, "12,34", 2, 1), 0);
	assert_true(uidset_has(&s, 12) && uidset_count(&s) == 1);
	assert_int_equal(uidset_parse(&s, "1\0", 2, 1), -1);
	uidset_free(&s);
}

/* Lines of every length hold whole ranges and together the whole set. */
static void
test_format_split(void **state)
{
	struct uidset s = UIDSET_INIT, all = UIDSET_INIT, piece = UIDSET_INIT;
	const char *text = "1,3:5,77,1000:2000,4294967290:4294967295";
	char buf[64];
	size_t size, pos, n;

	assert_int_equal(uidset_parse(&s, text, strlen(text), 5), 0);
	for (size = 0; size <= sizeof(buf); size++) {
		uidset_free(&all);
		pos = 0;
		while ((n = uidset_format(&s, &pos, buf, size)) > 0) {
			assert_true(n < size && buf[n] == '\0');
			assert_int_equal(uidset_parse(&piece, buf, n, 5), 0);
			assert_int_equal(uidset_union(&all, &piece), 0);
		}
		if (size > strlen("4294967290:4294967295"))
			assert_true(uidset_equal(&all, &s));
		else
			assert_true(pos < s.n);
	}
	uidset_free(&s);
	uidset_free(&all);
	uidset_free(&piece);
}

static void
test_limits(void **state)
{
	struct uidset s = UIDSET_INIT;

	assert_int_equal(uidset_add(&s, 0), -1);
	assert_int_equal(uidset_add_range(&s, 0, 5), -1);
	assert_int_equal(uidset_add_range(&s, 5, 0), -1);
	assert_true(uidset_empty(&s));
	assert_int_equal(uidset_add_range(&s, UID_MAX, 1), 0);
	assert_int_equal(uidset_count(&s), UID_MAX);
	assert_int_equal(uidset_add(&s, 9), 0);
	assert_int_equal(s.n, 1);
	assert_false(uidset_has(&s, 0));
	assert_int_equal(uidset_remove_range(&s, 0, 0), 0);
	assert_int_equal(uidset_remove_range(&s, 0, 1), 0);
	assert_int_equal(uidset_remove_range(&s, UID_MAX, 7), 0);
	assert_int_equal(uidset_min(&s), 2);
	assert_int_equal(uidset_max(&s), 6);
	uidset_free(&s);
	assert_int_equal(uidset_max(&s), 0);
}

static void
test_million(void **state)
{
	struct uidset s = UIDSET_INIT, odd = UIDSET_INIT;
	clock_t start = clock();
	struct uiditer it;
	uint32_t i;

	for (i = 1; i <= MILLION; i++) {
		assert_int_equal(uidset_add(&s, i), 0);
		assert_int_equal(uidset_add(&odd, 2 * i - 1), 0);
	}
	assert_int_equal(s.n, 1);
	assert_int_equal(odd.n, MILLION);
	assert_int_equal(uidset_union(&s, &odd), 0);
	assert_int_equal(uidset_count(&s), MILLION + MILLION / 2);
	assert_int_equal(uidset_minus(&s, &odd), 0);
	assert_int_equal(uidset_count(&s), MILLION / 2);
	uiditer_init(&it, &odd);
	for (i = 1; i <= MILLION; i++)
		assert_false(uidset_has(&s, uiditer_next(&it)));
	assert_true(clock() - start < QUICK);
	uidset_free(&s);
	uidset_free(&odd);
}

static void
test_no_memory(void **state)
{
	struct uidset s = UIDSET_INIT, odd = UIDSET_INIT, was = UIDSET_INIT;
	uint32_t i;

	for (i = 1; i < 16; i += 2)
		assert_int_equal(uidset_add(&s, i), 0);
	assert_int_equal(s.n, s.size);
	assert_int_equal(uidset_copy(&was, &s), 0);
	no_memory = 1;
	assert_int_equal(uidset_add(&s, 100), -1);
	assert_int_equal(uidset_add(&s, 2), 0);		/* needs none */
	assert_int_equal(uidset_remove_range(&s, 2, 2), -1);
	assert_int_equal(uidset_union(&s, &was), -1);
	assert_int_equal(uidset_minus(&s, &was), -1);
	assert_int_equal(uidset_intersect(&s, &was), -1);
	assert_int_equal(uidset_copy(&odd, &s), -1);
	assert_int_equal(uidset_parse(&s, "5", 1, 9), -1);
	no_memory = 0;
	assert_true(uidset_empty(&odd));
	assert_int_equal(uidset_remove_range(&s, 2, 2), 0);
	assert_true(uidset_equal(&s, &was));
	uidset_free(&s);
	uidset_free(&was);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format_split),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
