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
 * The messages: each payload against its octets, cut at every octet, with one
 * too many and with bad values; sets and lists over several frames; and the
 * limits of MSG_LIST against what the writers write.  LeakSanitizer sees what
 * a reader that refused would have left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "msg_samples.h"

#define MANY	20000	/* ranges, more than two frames hold */

static int
hexdigit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Octets of hex into out (allocated to their length, so that ASan sees). */
static uint8_t *
unhex(const char *hex, size_t pad, size_t *n)
{
	uint8_t *out;
	size_t i;

	*n = strlen(hex) / 2;
	assert_non_null(out = calloc(1, *n + pad + 1));
	for (i = 0; i < *n; i++)
		out[i] = (uint8_t)(hexdigit(hex[2 * i]) << 4 |
		    hexdigit(hex[2 * i + 1]));
	return out;
}

static void
assert_written(const struct sample *s, const union payload *m,
    const uint8_t *wire, size_t n)
{
	struct ibuf b;

	ibuf_init(&b);
	s->put(&b, m);
	assert_true(ibuf_ok(&b));
	assert_int_equal(b.wpos, n);
	assert_memory_equal(b.buf, wire, n);
	ibuf_free(&b);
}

static void
test_round_trip(void **state)
{
	const struct sample *s;
	union payload m;
	struct ibuf b;
	uint8_t *wire;
	size_t n;

	for (s = samples; s < samples + NSAMPLES; s++) {
		wire = unhex(s->hex, s->pad, &n);
		assert_written(s, &s->value, wire, n);
		memset(&m, 0xa5, sizeof(m));
		ibuf_from(&b, wire, n + s->pad);
		assert_int_equal(s->get(&b, &m), 0);
		assert_int_equal(ibuf_left(&b), s->pad);
		assert_written(s, &m, wire, n);
		s->release(&m);
		free(wire);
	}
}

static void
test_cut(void **state)
{
	const struct sample *s;
	union payload m;
	struct ibuf b;
	uint8_t *wire, *cut;
	size_t n, i;

	for (s = samples; s < samples + NSAMPLES; s++) {
		wire = unhex(s->hex, s->pad, &n);
		for (i = 0; i < n + s->pad; i++) {
			assert_non_null(cut = malloc(i + 1));
			memcpy(cut, wire, i);
			ibuf_from(&b, cut, i);
			assert_int_equal(s->get(&b, &m), -1);
			free(cut);
		}
		free(wire);
	}
}

static void
test_one_too_many(void **state)
{
	const struct sample *s;
	union payload m;
	struct ibuf b;
	uint8_t *wire;
	size_t n;

	for (s = samples; s < samples + NSAMPLES; s++) {
		wire = unhex(s->hex, s->pad, &n);
		ibuf_from(&b, wire, n + s->pad + 1);
		assert_int_equal(s->get(&b, &m), s->whole ? -1 : 0);
		assert_int_equal(ibuf_done(&b), -1);
		if (!s->whole)
			s->release(&m);
		free(wire);
	}
}

static const struct sample *
sample_of(const char *name)
{
	size_t i;

	for (i = 0; i < NSAMPLES; i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	fail_msg("no sample %s", name);
	return NULL;
}

static void
test_ill_values(void **state)
{
	const struct sample *s;
	uint8_t *wire, *patch;
	union payload m;
	struct ibuf b;
	size_t i, n, len;

	for (i = 0; i < sizeof(ill) / sizeof(ill[0]); i++) {
		s = sample_of(ill[i].name);
		wire = unhex(s->hex, s->pad, &n);
		patch = unhex(ill[i].hex, 0, &len);
		assert_true(ill[i].off + len <= n);
		memcpy(wire + ill[i].off, patch, len);
		ibuf_from(&b, wire, n + s->pad);
		if (s->get(&b, &m) != -1)
			fail_msg("%s with %s at %zu was taken", ill[i].name,
			    ill[i].hex, ill[i].off);
		free(patch);
		free(wire);
	}
}

/* Names: the longest, one octet more, none. */
static void
test_names(void **state)
{
	static char name[MAILBOX_NAMEMAX + 1];
	struct msg_name m;
	struct msg_add add;
	struct ibuf b;
	size_t n;
	int taken;

	memset(name, 'n', sizeof(name));
	for (n = 0; n <= MAILBOX_NAMEMAX + 1; n++) {
		taken = n > 0 && n <= MAILBOX_NAMEMAX ? 0 : -1;
		ibuf_init(&b);
		m.name = (struct bytes){ name, n };
		msg_put_name(&b, &m);
		assert_int_equal(msg_get_name(&b, &m), taken);
		ibuf_reset(&b);
		add = (struct msg_add){ { name, n }, 1 };
		msg_put_add(&b, &add);
		assert_int_equal(msg_get_add(&b, &add), taken);
		ibuf_free(&b);
	}
}

/* A LIST, patterns and all, and the delimiter's MAILBOX without a name. */
static void
test_list(void **state)
{
	struct msg_list in = { { "", 0 }, { "", 0 }, 1, 2 }, out;
	struct msg_mailbox box = { { "", 0 }, '/', 0, 0, 0, 0, 0, 0 };
	struct bytes pattern;
	struct ibuf b;

	ibuf_init(&b);
	msg_put_list(&b, &in);
	msg_put_pattern(&b, "", 0);
	msg_put_pattern(&b, "a*", 2);
	assert_int_equal(msg_get_list(&b, &out), 0);
	assert_int_equal(out.npatterns, 2);
	assert_int_equal(msg_get_pattern(&b, &pattern), 0);
	assert_int_equal(pattern.n, 0);
	assert_int_equal(msg_get_pattern(&b, &pattern), 0);
	assert_true(bytes_eq(pattern, bytes_of("a*")));
	assert_int_equal(ibuf_done(&b), 0);
	assert_int_equal(msg_get_pattern(&b, &pattern), -1);
	ibuf_reset(&b);
	msg_put_mailbox(&b, &box);
	assert_int_equal(msg_check(MSG_MAILBOX, MSG_IP, b.wpos), 0);
	assert_int_equal(msg_get_mailbox(&b, &box), 0);
	assert_int_equal(box.delim, '/');
	ibuf_free(&b);
}

/* A text for people is cut to what the frame may hold. */
static void
test_long_texts(void **state)
{
	static char text[IMSG_MAXPAYLOAD];
	struct bytes all = { text, sizeof(text) };
	struct msg_fail fail = { FAIL_NO, all, all };
	struct msg_log line = { LOG_L_WARN, all, { text, MAILBOX_NAMEMAX } };
	struct msg_skip skip = { 1, LOCAL, 2, 0, 3, 0, all };
	struct ibuf b;

	memset(text, 't', sizeof(text));
	ibuf_init(&b);
	msg_put_fail(&b, &fail);
	assert_int_equal(msg_check(MSG_FAIL, MSG_IP, b.wpos), 0);
	assert_int_equal(msg_get_fail(&b, &fail), 0);
	assert_true(fail.text.n > 4000);
	ibuf_reset(&b);
	msg_put_log(&b, &line);
	assert_int_equal(msg_check(MSG_LOG, MSG_SP, b.wpos), 0);
	assert_int_equal(msg_get_log(&b, &line), 0);
	assert_true(line.text.n >= LOG_LINEMAX);	/* no line is cut */
	ibuf_reset(&b);
	msg_put_skip(&b, &skip);
	assert_int_equal(msg_check(MSG_SKIP, MSG_PS, b.wpos), 0);
	assert_int_equal(msg_get_skip(&b, &skip), 0);
	ibuf_free(&b);
}

/* UIDs 2, 4, 6, ...: n ranges. */
static void
many_ranges(struct uidset *s, uint32_t n)
{
	uint32_t i;

	uidset_init(s);
	for (i = 1; i <= n; i++)
		assert_int_equal(uidset_add(s, 2 * i), 0);
}

static void
test_set_over_frames(void **state)
{
	struct uidset s, got = UIDSET_INIT;
	size_t pos = 0, frames = 0;
	struct ibuf b;

	many_ranges(&s, MANY);
	ibuf_init(&b);
	do {
		ibuf_reset(&b);
		msg_put_set(&b, &s, &pos);
		assert_int_equal(msg_check(MSG_VANISHED, MSG_IP, b.wpos), 0);
		assert_int_equal(msg_get_set(&b, &got), 0);
		frames++;
	} while (pos < s.n);
	assert_int_equal(frames, 3);
	assert_true(uidset_equal(&s, &got));
	ibuf_reset(&b);
	msg_put_set(&b, &s, &pos);		/* nothing left: an empty set */
	assert_int_equal(b.wpos, 4);
	assert_int_equal(msg_get_setpart(&b, &got), 0);
	assert_true(uidset_equal(&s, &got));
	uidset_free(&s);
	uidset_free(&got);
	ibuf_free(&b);
}

/* A request takes MSG_MAXRANGES with all else at its largest, or none. */
static void
test_largest_request(void **state)
{
	static char name[MAILBOX_NAMEMAX], kw[FLAGS_KWMAX + 1];
	struct msg_store m = { { name, sizeof(name) }, 1, STORE_ADD, 1,
	    { FLAG_SYSTEM, kw }, UIDSET_INIT }, got;
	struct ibuf b;

	memset(name, 'n', sizeof(name));
	memset(kw, 'k', sizeof(kw) - 1);
	many_ranges(&m.set, MSG_MAXRANGES);
	ibuf_init(&b);
	msg_put_store(&b, &m);
	assert_true(ibuf_ok(&b));
	assert_int_equal(msg_check(MSG_STORE, MSG_PI, b.wpos), 0);
	assert_int_equal(msg_get_store(&b, &got), -1);	/* no such keyword */
	ibuf_reset(&b);
	kw[0] = '\0';
	msg_put_store(&b, &m);
	assert_int_equal(msg_get_store(&b, &got), 0);
	assert_true(uidset_equal(&got.set, &m.set));
	uidset_free(&got.set);
	flags_free(&got.flags);
	uidset_free(&m.set);
	many_ranges(&m.set, IMSG_MAXPAYLOAD / 8);
	ibuf_reset(&b);
	msg_put_store(&b, &m);
	assert_false(ibuf_ok(&b));
	uidset_free(&m.set);
	ibuf_free(&b);
}

/* As many items as ibuf_room() and MSG_ITEMMAX let in, and back. */
static void
test_items(void **state)
{
	struct msg_changed m = { 1, 9, S_FLAGS }, got;
	uint32_t n, i;
	struct ibuf b;
	size_t off;

	ibuf_init(&b);
	off = msg_list_begin(&b);
	for (n = 0; ibuf_room(&b) >= MSG_ITEMMAX; m.uid++, n++)
		msg_put_changed(&b, &m);
	msg_list_end(&b, off, n);
	assert_true(ibuf_ok(&b) && n > 1000);
	assert_int_equal(ibuf_get_u32(&b), n);
	for (i = 1; i <= n; i++) {
		assert_int_equal(msg_get_changed(&b, &got), 0);
		assert_int_equal(got.uid, i);
		assert_true(flags_equal(&got.flags, &m.flags));
		flags_free(&got.flags);
	}
	assert_int_equal(ibuf_done(&b), 0);
	ibuf_free(&b);
}

/* MSG_LIST's smallest payload of each message is what its writer writes. */
static void
test_smallest(void **state)
{
	size_t i, n;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		n = strlen(sample_of(limits[i].name)->hex) / 2 -
		    limits[i].above;
		if (msg_check(limits[i].type, limits[i].way, n) != 0 ||
		    msg_check(limits[i].type, limits[i].way, n - 1) != -1)
			fail_msg("%s: %zu is not the smallest",
			    msg_name(limits[i].type), n);
	}
}

static void
test_check(void **state)
{
	assert_string_equal(msg_name(MSG_PULL), "PULL");
	assert_string_equal(msg_name(MSG_INTENDED), "INTENDED");
	assert_string_equal(msg_name(MSG_NONE), "?");
	assert_string_equal(msg_name(MSG_COUNT_TYPES), "?");
	assert_string_equal(msg_name(UINT16_MAX), "?");
	assert_string_equal(side_name(LOCAL), "local");
	assert_string_equal(side_name(OTHER(LOCAL)), "remote");
	assert_int_equal(msg_check(MSG_NONE, MSG_PI, 1), -1);
	assert_int_equal(msg_check(MSG_COUNT_TYPES, MSG_PI, 1), -1);
	assert_int_equal(msg_check(MSG_DONE, MSG_IP, 0), 0);
	assert_int_equal(msg_check(MSG_DONE, MSG_SP, 0), 0);
	assert_int_equal(msg_check(MSG_DONE, MSG_PI, 0), -1);
	assert_int_equal(msg_check(MSG_DONE, MSG_PS, 0), -1);
	assert_int_equal(msg_check(MSG_DONE, MSG_IP, 1), -1);
	assert_int_equal(msg_check(MSG_PULL, MSG_PI, 22), 0);
	assert_int_equal(msg_check(MSG_PULL, MSG_PI, 21), -1);
	assert_int_equal(msg_check(MSG_PULL, MSG_PI, 4097), -1);
	assert_int_equal(msg_check(MSG_PULL, MSG_PS, 22), -1);
	assert_int_equal(msg_check(MSG_PULL, MSG_IP, 22), -1);
	assert_int_equal(msg_check(MSG_PAIRS, MSG_SP, 4), 0);
	assert_int_equal(msg_check(MSG_PAIRS, MSG_IP, 4), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_one_too_many),
		cmocka_unit_test(test_ill_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_set_over_frames),
		cmocka_unit_test(test_largest_request),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
