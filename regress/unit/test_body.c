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
 * imapchild/body.c: the codec, and the queue against a plain copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/body.h"

static void
codec_roundtrip(void **state)
{
	const struct body_frame	 in[] = {
		{ BODY_BEGIN, 1, UINT32_MAX, 1, 1ULL << 40 },
		{ BODY_DATA, UINT32_MAX, 7, 0, BODY_CHUNK },
		{ BODY_END, 2, 7, 0, 0 },
		{ BODY_FINISH, 2, 0, 0, 0 },
		{ BODY_ABORT, 2, 0, 0, 0 }
	};
	struct body_frame	 out;
	uint8_t			 buf[BODY_HEADER];
	size_t			 i;

	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		body_encode(buf, &in[i]);
		memset(&out, 0xff, sizeof(out));
		assert_int_equal(body_decode(buf, &out), 0);
		assert_int_equal(out.type, in[i].type);
		assert_int_equal(out.transfer, in[i].transfer);
		assert_int_equal(out.uid, in[i].uid);
		assert_int_equal(out.literal8, in[i].literal8);
		assert_true(out.len == in[i].len);
	}
}

static void
codec_refuses(void **state)
{
	const struct body_frame	 bad[] = {
		{ 0, 1, 1, 0, 0 },
		{ BODY_ABORT + 1, 1, 1, 0, 0 },
		{ BODY_BEGIN, 1, 0, 0, 5 },		/* no UID */
		{ BODY_BEGIN, 1, 1, 0, 0 },		/* empty */
		{ BODY_BEGIN, 1, 1, 2, 5 },
		{ BODY_DATA, 1, 1, 0, 0 },
		{ BODY_DATA, 1, 1, 0, BODY_CHUNK + 1 },
		{ BODY_END, 1, 1, 0, 1 },
		{ BODY_FINISH, 1, 1, 0, 1 },
		{ BODY_ABORT, 1, 1, 0, 1 }
	};
	struct body_frame	 out;
	uint8_t			 buf[BODY_HEADER];
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		body_encode(buf, &bad[i]);
		assert_int_equal(body_decode(buf, &out), -1);
	}
}

/* What goes in comes out, whatever the pieces. */
static void
queue_order(void **state)
{
	static uint8_t		 data[BODY_CHUNK];
	struct body_frame	 f = { BODY_DATA, 1, 2, 0, 0 };
	struct bodypool		 pool;
	struct bodybuf		 b;
	const uint8_t		*p;
	uint8_t			 in;
	size_t			 round, i, n;
	uint64_t		 put, got;

	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	in = 0;
	put = got = 0;
	for (round = 1; round < 2000; round++) {
		f.len = 1 + round * 7919 % 3000;
		for (i = 0; i < f.len; i++)
			data[i] = in++;
		f.type = BODY_DATA;
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
		f.type = BODY_END;
		assert_int_equal(bodybuf_put(&b, &f, NULL), 0);
		put += 2 * BODY_HEADER + f.len;
		/* leave some behind, so that the queue grows */
		for (n = round * 104729 % 3100; n > 0 && b.len > 0; n -= i) {
			i = bodybuf_peek(&b, &p);
			assert_true(i > 0 && i <= b.len);
			i = i < n ? i : n;
			got += i;
			bodybuf_drop(&b, i);
		}
		assert_true(put - got == b.len);
	}
	bodybuf_free(&b);
	bodypool_free(&pool);

	/* the octets themselves, across pieces */
	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	for (round = 0; round < 300; round++) {
		f.len = 1000;
		for (i = 0; i < f.len; i++)
			data[i] = (uint8_t)(round + i);
		f.type = BODY_DATA;
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
		f.type = BODY_END;
		assert_int_equal(bodybuf_put(&b, &f, NULL), 0);
		if (round < 2)
			continue;
		for (n = 0; n < BODY_HEADER + f.len + BODY_HEADER; n++) {
			assert_true(bodybuf_peek(&b, &p) > 0);
			if (n >= BODY_HEADER && n < BODY_HEADER + f.len)
				assert_int_equal(*p, (uint8_t)(round - 2 + n -
				    BODY_HEADER));
			bodybuf_drop(&b, 1);
		}
	}
	bodybuf_free(&b);
	bodypool_free(&pool);
}

/* A credit's worth fits; full means full, but for the small frames. */
static void
queue_bounds(void **state)
{
	static uint8_t		 data[BODY_CHUNK];
	struct body_frame	 f = { BODY_DATA, 1, 2, 0, 0 };
	struct bodypool		 pool;
	struct bodybuf		 b;
	uint64_t		 held;
	size_t			 room;

	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	held = 0;
	while ((room = bodybuf_room(&b)) > 0) {
		f.len = room;
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
		held += room;
	}
	assert_true(held >= BODY_CREDIT);
	assert_true(b.size <= BODY_BUFSIZE + BODY_PIECELEN);
	f.len = BODY_CHUNK;
	assert_int_equal(bodybuf_put(&b, &f, data), -1);
	f.type = BODY_ABORT;
	f.len = 0;
	assert_int_equal(bodybuf_put(&b, &f, NULL), 0);
	bodybuf_free(&b);
	bodypool_free(&pool);
}

/* Take n octets from the queue. */
static void
queue_take(struct bodybuf *b, uint8_t *dst, size_t n)
{
	const uint8_t	*p;
	size_t		 got;

	for (; n > 0; n -= got, dst += got) {
		assert_true((got = bodybuf_peek(b, &p)) > 0);
		if (got > n)
			got = n;
		memcpy(dst, p, got);
		bodybuf_drop(b, got);
	}
}

/* The DATA at the front; its octets count upwards from *next. */
static void
queue_take_data(struct bodybuf *b, uint8_t *next)
{
	static uint8_t		 data[BODY_CHUNK];
	uint8_t			 head[BODY_HEADER];
	struct body_frame	 f;
	uint64_t		 i;

	queue_take(b, head, sizeof(head));
	assert_int_equal(body_decode(head, &f), 0);
	assert_int_equal(f.type, BODY_DATA);
	assert_int_equal(f.transfer, 1);
	assert_int_equal(f.uid, 2);
	queue_take(b, data, f.len);
	for (i = 0; i < f.len; i++)
		assert_int_equal(data[i], (*next)++);
}

/* A credit's worth fits, however small the pieces that it comes in. */
static void
queue_pieces(void **state)
{
	struct body_frame	 f = { BODY_DATA, 1, 2, 0, 7 };
	struct bodypool		 pool;
	struct bodybuf		 b;
	uint8_t			 data[7], in = 0, out = 0;
	size_t			 held, i;

	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	for (held = 0; held < BODY_CREDIT; held += f.len) {
		for (i = 0; i < f.len; i++)
			data[i] = in++;
		assert_true(bodybuf_room(&b) >= f.len);
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
	}
	while (b.len > 0)
		queue_take_data(&b, &out);
	assert_int_equal(in, out);
	bodybuf_free(&b);
	bodypool_free(&pool);
}

/* What was begun to be written is not made longer. */
static void
queue_begun(void **state)
{
	struct body_frame	 f = { BODY_DATA, 1, 2, 0, 0 };
	struct bodypool		 pool;
	struct bodybuf		 b;
	uint8_t			 data[300], head[BODY_HEADER], in = 0, out = 0;
	int			 round;
	size_t			 i;

	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	for (round = 0; round < 2000; round++) {
		f.len = 1 + round % sizeof(data);
		for (i = 0; i < f.len; i++)
			data[i] = in++;
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
		if (round % 3 != 0)
			continue;
		queue_take(&b, head, 1 + round % (BODY_HEADER - 1));
		for (i = 0; i < 3; i++)
			data[i] = in++;
		f.len = 3;
		assert_int_equal(bodybuf_put(&b, &f, data), 0);
		queue_take(&b, head + 1 + round % (BODY_HEADER - 1),
		    BODY_HEADER - 1 - round % (BODY_HEADER - 1));
		assert_int_equal(body_decode(head, &f), 0);
		for (i = 0; i < f.len; i++) {
			queue_take(&b, data, 1);
			assert_int_equal(data[0], out++);
		}
	}
	while (b.len > 0)
		queue_take_data(&b, &out);
	assert_int_equal(in, out);
	bodybuf_free(&b);
	bodypool_free(&pool);
}

/* What came early follows whole, and takes no memory but its own. */
static void
queue_join(void **state)
{
	static uint8_t		 data[BODY_CHUNK];
	struct body_frame	 f = { BODY_DATA, 1, 2, 0, 0 };
	struct bodypool		 pool;
	struct bodybuf		 b, early;
	uint8_t			 in = 0, out = 0;
	size_t			 i, round, size;

	bodypool_init(&pool);
	bodybuf_init(&b, &pool);
	bodybuf_init(&early, &pool);
	for (round = 0; round < 40; round++) {
		f.len = 1 + round * 7919 % (BODY_CHUNK / 3);
		for (i = 0; i < f.len; i++)
			data[i] = in++;
		assert_int_equal(bodybuf_put(round % 4 == 0 ? &b : &early, &f,
		    data), 0);
		size = b.size + early.size;
		if (round % 4 == 3) {
			bodybuf_join(&b, &early);
			assert_int_equal(early.len, 0);
			assert_int_equal(early.size, 0);
			assert_int_equal(b.size, size);
		}
	}
	assert_true(b.size <= b.len + 20 * BODY_PIECELEN);
	while (b.len > 0)
		queue_take_data(&b, &out);
	assert_int_equal(in, out);
	assert_int_equal(b.size, 0);
	assert_int_equal(pool.n, BODY_SPARES);
	bodybuf_free(&b);
	bodybuf_free(&early);
	bodypool_free(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codec_roundtrip),
		cmocka_unit_test(codec_refuses),
		cmocka_unit_test(queue_order),
		cmocka_unit_test(queue_bounds),
		cmocka_unit_test(queue_pieces),
		cmocka_unit_test(queue_begun),
		cmocka_unit_test(queue_join)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
