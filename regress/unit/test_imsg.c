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
 * Payloads and frames over a real socketpair: fields, sticky errors, frames
 * in any pieces, a full socket, and what a hostile peer may send.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"

#define MANY	500	/* frames of one flight */

/* One frame as it stands on the wire: type 0x0102, id 7, payload "abc". */
static const char frame[] = "\1\2\0\0\0\0\0\3\0\0\0\7abc";
#define FRAMELEN	(sizeof(frame) - 1)

/* An imsgbuf and the raw other end of its socket. */
struct peer {
	struct imsgbuf	ib;
	int		fd;
};

static void
peer_open(struct peer *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(imsgbuf_init(&p->ib, fds[0]), 0);
	p->fd = fds[1];
}

static void
peer_close(struct peer *p)
{
	imsgbuf_clear(&p->ib);
	if (p->fd != -1)
		assert_int_equal(close(p->fd), 0);
}

static void
peer_write(struct peer *p, const void *data, size_t n)
{
	assert_int_equal(write(p->fd, data, n), (ssize_t)n);
}

/* Queue a frame with n octets of the value c. */
static int
compose(struct imsgbuf *ib, uint32_t id, size_t n, char c)
{
	static char data[IMSG_MAXPAYLOAD];
	struct ibuf b;

	memset(data, c, n);
	ibuf_from(&b, data, n);
	return imsg_compose(ib, 1, id, &b);
}

static void
assert_bytes(struct bytes v, const char *expected, size_t n)
{
	assert_int_equal(v.n, n);
	assert_memory_equal(v.p, expected, n);
}

/* One field of each kind. */
static void
put_fields(struct ibuf *b)
{
	ibuf_add_u8(b, 0xfe);
	ibuf_add_u16(b, 0xfedc);
	ibuf_add_u32(b, 0xfedcba98);
	ibuf_add_u64(b, 0xfedcba9876543210ULL);
	ibuf_add_raw(b, "\0\1", 2);
	ibuf_add_bytes(b, "a\0b", 3);
	ibuf_add_str(b, "text");
	ibuf_add_str(b, NULL);
}

static void
test_fields(void **state)
{
	static const char wire[] = "\xfe" "\xfe\xdc" "\xfe\xdc\xba\x98"
	    "\xfe\xdc\xba\x98\x76\x54\x32\x10" "\0\1" "\0\0\0\3a\0b"
	    "\0\0\0\4text" "\0\0\0\0";
	struct ibuf b, r;
	char raw[2];
	size_t i;

	ibuf_init(&b);
	put_fields(&b);
	assert_true(ibuf_ok(&b));
	assert_int_equal(b.wpos, sizeof(wire) - 1);
	assert_memory_equal(b.buf, wire, b.wpos);
	for (i = 0; i <= b.wpos; i++) {
		ibuf_from(&r, b.buf, i);
		if (ibuf_get_u8(&r) != 0)
			assert_true(i >= 1);
		if (ibuf_get_u16(&r) != 0)
			assert_true(i >= 3);
		if (ibuf_get_u32(&r) != 0)
			assert_true(i >= 7);
		if (ibuf_get_u64(&r) != 0)
			assert_true(i >= 15);
		ibuf_get_raw(&r, raw, sizeof(raw));
		ibuf_get_bytes(&r, 3);
		ibuf_get_text(&r, 4);
		ibuf_get_text(&r, 0);
		assert_int_equal(ibuf_done(&r), i == b.wpos ? 0 : -1);
	}
	ibuf_free(&b);
	assert_null(b.buf);
}

static void
test_values(void **state)
{
	struct ibuf b;
	char raw[2];

	ibuf_init(&b);
	put_fields(&b);
	assert_int_equal(ibuf_get_u8(&b), 0xfe);
	assert_int_equal(ibuf_get_u16(&b), 0xfedc);
	assert_int_equal(ibuf_get_u32(&b), 0xfedcba98);
	assert_true(ibuf_get_u64(&b) == 0xfedcba9876543210ULL);
	ibuf_get_raw(&b, raw, sizeof(raw));
	assert_memory_equal(raw, "\0\1", 2);
	assert_bytes(ibuf_get_bytes(&b, 3), "a\0b", 3);
	assert_bytes(ibuf_get_text(&b, 4), "text", 4);
	assert_int_equal(ibuf_done(&b), -1);
	assert_int_equal(ibuf_left(&b), 4);
	assert_bytes(ibuf_get_text(&b, 0), "", 0);
	assert_int_equal(ibuf_done(&b), 0);
	ibuf_reset(&b);
	assert_int_equal(ibuf_room(&b), IMSG_MAXPAYLOAD);
	ibuf_free(&b);
}

/* After an error nothing is read any more, whatever is left. */
static void
test_sticky(void **state)
{
	static const char wire[] = "\0\0\0\3a\0bXYZ";
	struct ibuf b;
	char raw[2] = { 'x', 'x' };

	ibuf_from(&b, wire, sizeof(wire) - 1);
	assert_bytes(ibuf_get_text(&b, 9), "", 0);	/* NUL in a text */
	assert_false(ibuf_ok(&b));
	assert_int_equal(ibuf_get_u8(&b), 0);
	ibuf_get_raw(&b, raw, sizeof(raw));
	assert_memory_equal(raw, "\0\0", 2);
	assert_bytes(ibuf_get_bytes(&b, 9), "", 0);
	assert_int_equal(ibuf_done(&b), -1);
	ibuf_from(&b, wire, sizeof(wire) - 1);
	ibuf_get_bytes(&b, 2);				/* above max */
	assert_false(ibuf_ok(&b));
	ibuf_from(&b, "\xff\xff\xff\xff" "abc", 7);
	ibuf_get_bytes(&b, SIZE_MAX);			/* longer than left */
	assert_false(ibuf_ok(&b));
	/* A view cannot be written to. */
	ibuf_from(&b, wire, sizeof(wire) - 1);
	assert_int_equal(ibuf_room(&b), 0);
	ibuf_add_u8(&b, 1);
	assert_false(ibuf_ok(&b));
	ibuf_free(&b);
}

static void
test_limits(void **state)
{
	static char big[IMSG_MAXPAYLOAD + 1];
	struct ibuf b;

	ibuf_init(&b);
	ibuf_set_u32(&b, 0, 1);			/* nothing was written there */
	assert_false(ibuf_ok(&b));
	ibuf_reset(&b);
	ibuf_add_raw(&b, big, 5);
	ibuf_set_u32(&b, 1, 0x01020304);
	assert_true(ibuf_ok(&b));
	assert_memory_equal(b.buf, "\0\1\2\3\4", 5);
	ibuf_add_raw(&b, big, IMSG_MAXPAYLOAD - 5);
	assert_true(ibuf_ok(&b) && ibuf_room(&b) == 0);
	ibuf_set_u32(&b, IMSG_MAXPAYLOAD - 3, 1);
	assert_false(ibuf_ok(&b));
	ibuf_reset(&b);
	ibuf_add_raw(&b, big, sizeof(big));
	assert_false(ibuf_ok(&b));
	assert_int_equal(b.wpos, 0);
	ibuf_add_u8(&b, 1);
	assert_int_equal(b.wpos, 0);
	ibuf_reset(&b);
	ibuf_add_bytes(&b, big, IMSG_MAXPAYLOAD - 3);
	assert_false(ibuf_ok(&b));
	ibuf_free(&b);
}

static void
test_bytes(void **state)
{
	char *s = bytes_dup((struct bytes){ "abcd", 3 });

	assert_string_equal(s, "abc");
	free(s);
	assert_string_equal(s = bytes_dup((struct bytes){ NULL, 0 }), "");
	free(s);
	assert_true(bytes_eq(bytes_of("ab"), (struct bytes){ "abc", 2 }));
	assert_false(bytes_eq(bytes_of("ab"), bytes_of("ac")));
	assert_false(bytes_eq(bytes_of("ab"), bytes_of("abc")));
	assert_true(bytes_eq(bytes_of(NULL), (struct bytes){ NULL, 0 }));
}

static void
test_wire(void **state)
{
	char got[FRAMELEN + 1];
	struct peer p;
	struct ibuf b;

	peer_open(&p);
	assert_true(fcntl(p.ib.fd, F_GETFL) & O_NONBLOCK);
	ibuf_init(&b);
	ibuf_add_raw(&b, "abc", 3);
	assert_int_equal(imsg_compose(&p.ib, 0x0102, 7, &b), 0);
	ibuf_free(&b);			/* it was copied */
	assert_true(imsgbuf_wants_out(&p.ib));
	assert_int_equal(recv(p.fd, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(imsgbuf_flush(&p.ib), 1);
	assert_false(imsgbuf_wants_out(&p.ib));
	assert_int_equal(read(p.fd, got, sizeof(got)), FRAMELEN);
	assert_memory_equal(got, frame, FRAMELEN);
	assert_int_equal(imsg_compose(&p.ib, 1, 0, NULL), 0);
	assert_int_equal(p.ib.queued, IMSG_HEADER);
	peer_close(&p);
}

static void
test_one_octet_at_a_time(void **state)
{
	struct peer p;
	struct imsg m;
	size_t i;

	peer_open(&p);
	for (i = 0; i < FRAMELEN; i++) {
		assert_int_equal(imsg_get(&p.ib, &m), 0);
		peer_write(&p, frame + i, 1);
		assert_int_equal(imsgbuf_read(&p.ib), 1);
		assert_true(imsgbuf_pending(&p.ib));
	}
	assert_int_equal(imsg_get(&p.ib, &m), 1);
	assert_int_equal(m.type, 0x0102);
	assert_int_equal(m.id, 7);
	assert_int_equal(m.data.wpos, 3);
	assert_memory_equal(m.data.buf, "abc", 3);
	assert_false(imsgbuf_pending(&p.ib));
	assert_int_equal(imsg_get(&p.ib, &m), 0);
	assert_int_equal(imsgbuf_read(&p.ib), -1);
	assert_int_equal(errno, EAGAIN);
	peer_close(&p);
}

/* Many small frames come with one read; what is read is wiped by the next. */
static void
test_many_with_one_read(void **state)
{
	static char flight[MANY * FRAMELEN + 5];
	struct peer p;
	struct imsg m;
	int i;

	peer_open(&p);
	for (i = 0; i < MANY; i++)
		memcpy(flight + (size_t)i * FRAMELEN, frame, FRAMELEN);
	memcpy(flight + MANY * FRAMELEN, frame, 5);
	peer_write(&p, flight, sizeof(flight));
	assert_int_equal(imsgbuf_read(&p.ib), MANY * FRAMELEN + 5);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(imsg_get(&p.ib, &m), 1);
		assert_memory_equal(m.data.buf, "abc", 3);
	}
	assert_int_equal(imsg_get(&p.ib, &m), 0);
	peer_write(&p, frame + 5, FRAMELEN - 5);
	assert_int_equal(imsgbuf_read(&p.ib), FRAMELEN - 5);
	assert_int_equal(imsg_get(&p.ib, &m), 1);
	assert_int_equal(m.id, 7);
	assert_null(memchr(p.ib.rbuf + FRAMELEN, 'a', MANY * FRAMELEN));
	peer_close(&p);
}

/* A flight of frames of all sizes through a socket that takes only some. */
static void
test_full_socket(void **state)
{
	struct peer out, in;
	int i, got = 0, blocked = 0, small = 8192, r;
	struct imsg m;

	peer_open(&out);
	peer_open(&in);
	close(in.ib.fd);
	in.ib.fd = out.fd;
	out.fd = -1;
	assert_int_equal(fcntl(in.ib.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(setsockopt(out.ib.fd, SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)), 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(compose(&out.ib, (uint32_t)i,
		    (size_t)(i * 131) % (IMSG_MAXPAYLOAD + 1), (char)i), 0);
	while (got < MANY) {
		assert_true((r = imsgbuf_flush(&out.ib)) >= 0);
		blocked += r == 0;
		assert_int_equal(r == 1, !imsgbuf_wants_out(&out.ib));
		assert_true(imsgbuf_read(&in.ib) > 0);
		while ((r = imsg_get(&in.ib, &m)) == 1) {
			assert_int_equal(m.id, got);
			assert_int_equal(m.data.wpos,
			    (got * 131) % (IMSG_MAXPAYLOAD + 1));
			for (i = 0; i < (int)m.data.wpos; i += 97)
				assert_true((char)m.data.buf[i] == (char)got);
			got++;
		}
		assert_int_equal(r, 0);
	}
	assert_true(blocked > 0);
	assert_int_equal(out.ib.queued, 0);
	peer_close(&out);
	peer_close(&in);
}

static void
test_hostile(void **state)
{
	static const char *bad[] = {
		"\0\1\0\0\0\1\0\1\0\0\0\0",		/* one too long */
		"\0\1\0\0\xff\xff\xff\xff\0\0\0\0",
		"\0\1\0\1\0\0\0\0\0\0\0\0",		/* flags */
	};
	struct peer p;
	struct imsg m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		peer_open(&p);
		peer_write(&p, frame, FRAMELEN);
		peer_write(&p, bad[i], IMSG_HEADER);
		assert_true(imsgbuf_read(&p.ib) > 0);
		assert_int_equal(imsg_get(&p.ib, &m), 1);
		assert_int_equal(imsg_get(&p.ib, &m), -1);
		assert_int_equal(imsg_get(&p.ib, &m), -1);
		peer_close(&p);
	}
}

static void
test_end_of_file(void **state)
{
	struct peer p;
	struct imsg m;

	peer_open(&p);
	peer_write(&p, frame, FRAMELEN - 1);
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	assert_true(imsgbuf_read(&p.ib) > 0);
	assert_int_equal(p.ib.eof, 0);
	assert_int_equal(imsgbuf_read(&p.ib), 0);
	assert_int_equal(p.ib.eof, 1);
	assert_int_equal(imsg_get(&p.ib, &m), 0);
	assert_true(imsgbuf_pending(&p.ib));
	peer_close(&p);
}

/* A reader that does not get its frames stops reading; it loses nothing. */
static void
test_full_buffer(void **state)
{
	struct peer p;
	struct imsg m;
	size_t sent = 0, got = 0;
	ssize_t n;

	peer_open(&p);
	assert_int_equal(fcntl(p.fd, F_SETFL, O_NONBLOCK), 0);
	do {
		while ((n = write(p.fd, frame, FRAMELEN)) > 0) {
			assert_int_equal(n, FRAMELEN);
			sent++;
		}
	} while (imsgbuf_read(&p.ib) > 0);
	assert_int_equal(errno, EAGAIN);
	do {
		while (imsg_get(&p.ib, &m) == 1)
			got++;
	} while (imsgbuf_read(&p.ib) > 0);
	assert_int_equal(got, sent);
	assert_true(sent * FRAMELEN > 2 * IMSG_MAXPAYLOAD);
	peer_close(&p);
}

static void
test_refused(void **state)
{
	struct imsgbuf closed;
	struct peer p;
	struct ibuf b;
	uint32_t i = 0;

	peer_open(&p);
	ibuf_init(&b);
	ibuf_get_u8(&b);
	assert_int_equal(imsg_compose(&p.ib, 1, 0, &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_false(imsgbuf_wants_out(&p.ib));
	while (compose(&p.ib, i, IMSG_MAXPAYLOAD, 'x') == 0)
		assert_true(++i <= IMSG_MAXQUEUE / IMSG_MAXPAYLOAD);
	assert_int_equal(errno, ENOBUFS);
	assert_true(p.ib.queued <= IMSG_MAXQUEUE);
	assert_int_equal(close(p.fd), 0);
	p.fd = -1;
	peer_close(&p);
	assert_int_equal(imsgbuf_init(&closed, -1), -1);
	assert_int_equal(errno, EBADF);
	imsgbuf_clear(&closed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_one_octet_at_a_time),
		cmocka_unit_test(test_many_with_one_read),
		cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_end_of_file),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
