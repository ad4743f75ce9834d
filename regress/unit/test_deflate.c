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
 * The deflate layer over a layer of memory, which gives and takes as little
 * at a time as it is told: what goes in comes out, however it is cut; what
 * does not inflate, or never ends, is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "imapchild/transport.h"
#include "msg.h"

#define BIG		(1 << 20)

/* The layer below: octets to be read, octets written. */
struct memory {
	struct transport t;
	uint8_t		*in, *out;
	size_t		 ipos, ilen, olen, osize;
	size_t		 most;		/* octets of one call; 0: any number */
	int		 turn;		/* every other call waits */
	int		 endless;	/* the input begins again */
	size_t		 calls;
};

static int
waits(struct memory *m)
{
	m->calls++;
	return m->most > 0 && (m->turn ^= 1);
}

static ssize_t
memory_read(struct transport *t, void *p, size_t n)
{
	struct memory *m = (struct memory *)t;

	if (m->ipos == m->ilen && m->endless)
		m->ipos = 0;
	if (m->ipos == m->ilen)
		return IO_EOF;
	if (waits(m))
		return IO_WANT_IN;
	if (m->most > 0 && n > m->most)
		n = m->most;
	if (n > m->ilen - m->ipos)
		n = m->ilen - m->ipos;
	memcpy(p, m->in + m->ipos, n);
	m->ipos += n;
	return n;
}

static ssize_t
memory_write(struct transport *t, const void *p, size_t n)
{
	struct memory *m = (struct memory *)t;

	if (waits(m))
		return IO_WANT_OUT;
	if (m->most > 0 && n > m->most)
		n = m->most;
	if (m->olen + n > m->osize)
		return transport_fail(t, FAIL_NET, "full");
	memcpy(m->out + m->olen, p, n);
	m->olen += n;
	return n;
}

static void
memory_close(struct transport *t)
{
	struct memory *m = (struct memory *)t;

	free(m->in);
	free(m->out);
	free(m);
}

static const struct transport_ops memory_ops = {
	"memory", NULL, memory_read, memory_write, memory_close
};

/* To be read: a copy of these octets. */
static struct memory *
memory_new(const void *p, size_t n)
{
	struct memory *m;

	m = calloc(1, sizeof(*m));
	assert_non_null(m);
	m->t.ops = &memory_ops;
	m->osize = 2 * BIG;
	m->in = malloc(n + 1);
	m->out = malloc(m->osize);
	assert_non_null(m->in);
	assert_non_null(m->out);
	if (n > 0)
		memcpy(m->in, p, n);
	m->ilen = n;
	return m;
}

static struct transport *
layer_new(struct memory *m, const void *rest, size_t n)
{
	struct transport *t;

	t = transport_deflate(&m->t, rest, n);
	assert_non_null(t);
	return t;
}

/* As a server would: raw, flushed at the end or finished.  Octets put. */
static size_t
squeeze(uint8_t *out, size_t size, const void *p, size_t n, int flush)
{
	z_stream z;

	memset(&z, 0, sizeof(z));
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = n;
	z.next_out = out;
	z.avail_out = size;
	assert_true(deflate(&z, flush) >= 0);
	assert_true(z.avail_out > 0);
	size -= z.avail_out;
	(void)deflateEnd(&z);
	return size;
}

/* As a server would: all of a flushed stream; its size. */
static size_t
swell(uint8_t *out, size_t size, const uint8_t *p, size_t n)
{
	z_stream z;

	memset(&z, 0, sizeof(z));
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = n;
	z.next_out = out;
	z.avail_out = size;
	assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z.avail_in, 0);
	(void)inflateEnd(&z);
	return size - z.avail_out;
}

/* The call again until it gets on, as often as it may have to wait. */
static ssize_t
patient_read(struct transport *t, void *p, size_t n)
{
	ssize_t r;

	while ((r = transport_read(t, p, n)) == IO_WANT_IN)
		continue;
	return r;
}

static size_t
read_all(struct transport *t, uint8_t *buf, size_t size, size_t piece)
{
	size_t done = 0;
	ssize_t r;

	while ((r = patient_read(t, buf + done, piece)) > 0) {
		assert_true((size_t)r <= piece);
		done += r;
		assert_true(done + piece <= size);
	}
	assert_int_equal(r, IO_EOF);
	return done;
}

static void
write_all(struct transport *t, const uint8_t *p, size_t n, size_t piece)
{
	size_t done, some;
	ssize_t r;

	for (done = 0; done < n; done += r) {
		some = n - done < piece ? n - done : piece;
		while ((r = transport_write(t, p + done, some)) ==
		    IO_WANT_OUT)
			continue;
		assert_true(r > 0 && (size_t)r <= some);
	}
}

static uint32_t
rnd(void)
{
	static uint32_t x = 1;

	x = x * 1664525 + 1013904223;
	return x >> 8;
}

enum kind { TEXT, BASE64, NOISE, MIXED };

static uint8_t
octet(enum kind kind, size_t i)
{
	static const char words[] = "the quick brown fox jumps over the lazy "
	    "dog; a000 UID FETCH 1:4294967295 (FLAGS MODSEQ)\r\n";
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	switch (kind) {
	case TEXT:
		return words[(i * 7 + i / 50) % (sizeof(words) - 1)];
	case BASE64:
		return i % 77 == 76 ? '\n' : digits[rnd() % 64];
	case NOISE:
		return rnd();
	default:
		return octet((enum kind)(i / 50000 % 3), i);
	}
}

static uint8_t *
make(enum kind kind, size_t n)
{
	uint8_t *p;
	size_t i;

	p = malloc(n);
	assert_non_null(p);
	for (i = 0; i < n; i++)
		p[i] = octet(kind, i);
	return p;
}

static void
check_read(const uint8_t *plain, size_t n, size_t rest, size_t most,
    size_t piece)
{
	static uint8_t wire[2 * BIG], got[2 * BIG];
	struct transport *t;
	struct memory *m;
	uint64_t in, out;
	size_t len;

	len = squeeze(wire, sizeof(wire), plain, n, Z_SYNC_FLUSH);
	if (rest > len)
		rest = len;
	m = memory_new(wire + rest, len - rest);
	m->most = most;
	t = layer_new(m, wire, rest);
	assert_int_equal(read_all(t, got, sizeof(got), piece), n);
	assert_memory_equal(got, plain, n);
	deflate_counts(t, &in, &out);
	assert_int_equal(in, len);
	assert_int_equal(out, 0);
	transport_close(t);
}

static void
test_read(void **state)
{
	static const size_t pieces[] = { 1, 2, 7, 4096, 65536 };
	uint8_t *p;
	size_t i;

	p = make(MIXED, 200000);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		check_read(p, 200000, 0, 0, pieces[i]);
		check_read(p, 20000, 1000, 1, pieces[i]);
		check_read(p, 20000, 65536, 3, pieces[i]);
	}
	check_read(p, 1, 0, 1, 1);
	free(p);
}

static size_t
check_write(enum kind kind, size_t n, size_t most, size_t piece)
{
	static uint8_t got[2 * BIG];
	struct transport *t;
	struct memory *m;
	uint64_t in, out;
	uint8_t *p;
	size_t len;

	p = make(kind, n);
	m = memory_new("", 0);
	m->most = most;
	t = layer_new(m, NULL, 0);
	write_all(t, p, n, piece);
	len = m->olen;
	assert_int_equal(swell(got, sizeof(got), m->out, len), n);
	assert_memory_equal(got, p, n);
	deflate_counts(t, &in, &out);
	assert_int_equal(in, 0);
	assert_int_equal(out, len);
	transport_close(t);
	free(p);
	return len;
}

/* What is written can be read at once: nothing is kept back. */
static void
test_write(void **state)
{
	static const size_t pieces[] = { 1, 100, 16384, 16385, 65536 };
	size_t i;

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		(void)check_write(MIXED, pieces[i] * 3 + 1, 0, pieces[i]);
		(void)check_write(MIXED, pieces[i] * 2 + 1, 1, pieces[i]);
	}
	(void)check_write(MIXED, 400000, 0, 65536);
}

/* Text shrinks; base 64 to six bits; noise stays as it is, at no cost. */
static void
test_ways(void **state)
{
	assert_in_range(check_write(TEXT, 500000, 0, 65536), 1, 100000);
	assert_in_range(check_write(BASE64, 500000, 0, 65536), 1,
	    500000 / 100 * 77);
	assert_in_range(check_write(NOISE, 500000, 0, 65536), 500000,
	    500000 / 1000 * 1002);
}

/* A stream that swells comes in the reader's own portions. */
static void
test_bomb(void **state)
{
	static uint8_t wire[BIG], got[65536];
	uint8_t *zeros;
	struct transport *t;
	struct memory *m;
	size_t len, n = 0;
	ssize_t r;

	zeros = calloc(64, BIG);
	assert_non_null(zeros);
	len = squeeze(wire, sizeof(wire), zeros, 64 * BIG, Z_SYNC_FLUSH);
	free(zeros);
	assert_in_range(len, 1, 100000);
	m = memory_new(wire, len);
	t = layer_new(m, NULL, 0);
	while ((r = transport_read(t, got, 1000)) > 0) {
		assert_true(r <= 1000);
		n += r;
	}
	assert_int_equal(r, IO_EOF);
	assert_int_equal(n, 64 * BIG);
	transport_close(t);
}

static void
check_bad(const void *p, size_t n, int endless, const char *word)
{
	uint8_t got[512];
	struct transport *t;
	struct memory *m;
	ssize_t r;

	m = memory_new(p, n);
	m->endless = endless;
	t = layer_new(m, NULL, 0);
	while ((r = transport_read(t, got, sizeof(got))) > 0)
		continue;
	assert_int_equal(r, IO_ERROR);
	assert_int_equal(transport_errkind(t), FAIL_PROTOCOL);
	if (strstr(transport_error(t), word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", transport_error(t), word);
	transport_close(t);
}

static void
test_bad(void **state)
{
	uint8_t noise[4096];

	memset(noise, 0xff, sizeof(noise));
	check_bad("* OK in the clear\r\n", 19, 0, "does not inflate");
	check_bad(noise, sizeof(noise), 0, "invalid block type");
	/* stored blocks of no octets, for ever */
	check_bad("\0\0\0\377\377", 5, 1, "blocks without data");
}

/* A cut is an end of file, and so is the end of the stream. */
static void
test_end(void **state)
{
	uint8_t wire[256], got[256];
	struct transport *t;
	size_t n;

	n = squeeze(wire, sizeof(wire), "* BYE done\r\n", 12, Z_FINISH);
	memcpy(wire + n, "* OK more\r\n", 11);
	t = layer_new(memory_new(wire, n + 11), NULL, 0);
	assert_int_equal(transport_read(t, got, sizeof(got)), 12);
	assert_memory_equal(got, "* BYE done\r\n", 12);
	assert_int_equal(transport_read(t, got, sizeof(got)), IO_EOF);
	assert_int_equal(transport_read(t, got, sizeof(got)), IO_EOF);
	transport_close(t);
	t = layer_new(memory_new(wire, n / 2), NULL, 0);
	(void)read_all(t, got, sizeof(got), 16);
	transport_close(t);
}

/* What the layer below says is passed on. */
static void
test_below(void **state)
{
	struct transport *t;
	struct memory *m;
	uint8_t *p;

	p = make(NOISE, 5000);
	m = memory_new("", 0);
	m->osize = 3000;
	t = layer_new(m, NULL, 0);
	assert_int_equal(transport_write(t, p, 5000), IO_ERROR);
	assert_int_equal(transport_errkind(t), FAIL_NET);
	assert_string_equal(transport_error(t), "full");
	assert_null(transport_deflate(&m->t, p, DEFLATE_REST + 1));
	transport_close(t);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_below)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
