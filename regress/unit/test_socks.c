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
 * The SOCKS5 layer over socketpairs: what it says, what it makes of each
 * answer, whole and octet by octet; and that it reads no octet too many.
 */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imapchild/transport.h"
#include "msg.h"

#define ADDRESS	"\1\x7f\0\0\1\0\x8f"		/* 127.0.0.1, port 143 */
#define ASK	"\5\1\0" ADDRESS
#define OK	"\5\0\0" ADDRESS

static int peer[SOCKS_TARGETS];

static struct transport *
layer_new(size_t targets, const char *user, const char *pass)
{
	struct socks_conf *c;
	struct transport *t;
	int sv[2];

	assert_non_null(c = calloc(1, sizeof(*c)));
	strlcpy(c->name, "P", sizeof(c->name));
	c->userlen = strlen(user);
	c->passlen = strlen(pass);
	memcpy(c->user, user, c->userlen);
	memcpy(c->pass, pass, c->passlen);
	for (; c->n < targets; c->n++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
		c->target[c->n].via = transport_socket(sv[0]);
		assert_non_null(c->target[c->n].via);
		memcpy(c->target[c->n].address, ADDRESS, 7);
		c->target[c->n].address[4] = c->n + 1;
		c->target[c->n].len = 7;
		snprintf(c->target[c->n].name, sizeof(c->target[0].name),
		    "T%zu", c->n);
		peer[c->n] = sv[1];
	}
	assert_non_null(t = transport_socks(c));
	return t;
}

static void
layer_close(struct transport *t, size_t targets)
{
	transport_close(t);
	while (targets-- > 0)
		close(peer[targets]);
}

/* What the layer has said to this peer. */
static void
expect(int fd, const void *p, size_t n)
{
	uint8_t buf[1024];

	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), n);
	assert_memory_equal(buf, p, n);
}

/* Answer in pieces, and the layer's last word on it. */
static ssize_t
answer(struct transport *t, int fd, const char *p, size_t n, size_t piece)
{
	ssize_t r = IO_WANT_IN;
	size_t some;

	for (; n > 0; p += some, n -= some) {
		some = n < piece ? n : piece;
		assert_int_equal(write(fd, p, some), some);
		if ((r = transport_handshake(t)) != IO_WANT_IN)
			break;
	}
	return r;
}

static void
check_open(size_t piece)
{
	char buf[16];
	struct transport *t;

	t = layer_new(1, "", "");
	assert_int_equal(transport_handshake(t), IO_WANT_IN);
	expect(peer[0], "\5\1\0", 3);
	assert_int_equal(answer(t, peer[0], "\5\0", 2, piece), IO_WANT_IN);
	expect(peer[0], ASK, 10);
	assert_int_equal(answer(t, peer[0], OK, 10, piece), 1);
	/* What follows in the same breath is the server's. */
	assert_int_equal(write(peer[0], "* OK", 4), 4);
	assert_int_equal(transport_handshake(t), 1);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "* OK", 4);
	assert_int_equal(transport_write(t, "a", 1), 1);
	expect(peer[0], "a", 1);
	layer_close(t, 1);
}

static void
test_open(void **state)
{
	check_open(1);
	check_open(3);
	check_open(100);
}

/* The address in the reply may be of any kind; not one octet more is read. */
static void
test_bound(void **state)
{
	static const struct { const char *p; size_t n; } replies[] = {
		{ "\5\0\0\1" "abcdpp", 10 }, { "\5\0\0\3\0pp", 7 },
		{ "\5\0\0\3\5helloPP", 12 },
		{ "\5\0\0\4" "0123456789abcdefpp", 22 }
	};
	struct transport *t;
	char all[64], buf[16];
	size_t i, n;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		t = layer_new(1, "", "");
		(void)transport_handshake(t);
		(void)answer(t, peer[0], "\5\0", 2, 2);
		n = replies[i].n;
		memcpy(all, replies[i].p, n);
		memcpy(all + n, "* OK", 4);
		assert_int_equal(answer(t, peer[0], all, n + 4, 64), 1);
		assert_int_equal(transport_read(t, buf, sizeof(buf)), 4);
		assert_memory_equal(buf, "* OK", 4);
		layer_close(t, 1);
	}
}

static void
test_login(void **state)
{
	struct transport *t;

	t = layer_new(1, "joe", "secret");
	assert_int_equal(transport_handshake(t), IO_WANT_IN);
	expect(peer[0], "\5\2\0\2", 4);
	assert_int_equal(answer(t, peer[0], "\5\2", 2, 1), IO_WANT_IN);
	expect(peer[0], "\1\3joe\6secret", 12);
	assert_int_equal(answer(t, peer[0], "\1\0", 2, 1), IO_WANT_IN);
	expect(peer[0], ASK, 10);
	assert_int_equal(answer(t, peer[0], OK, 10, 1), 1);
	layer_close(t, 1);
	/* It may also not want to know. */
	t = layer_new(1, "joe", "secret");
	(void)transport_handshake(t);
	expect(peer[0], "\5\2\0\2", 4);
	assert_int_equal(answer(t, peer[0], "\5\0", 2, 1), IO_WANT_IN);
	expect(peer[0], ASK, 10);
	layer_close(t, 1);
}

static void
check_bad(const char *user, int kind, const char *word, const char *p,
    size_t n)
{
	struct transport *t;

	t = layer_new(1, user, user);
	(void)transport_handshake(t);
	assert_int_equal(answer(t, peer[0], p, n, n), IO_ERROR);
	assert_int_equal(transport_handshake(t), IO_ERROR);
	assert_int_equal(transport_errkind(t), kind);
	if (strstr(transport_error(t), word) == NULL ||
	    strncmp(transport_error(t), "proxy P: ", 9) != 0)
		fail_msg("\"%s\" lacks \"%s\"", transport_error(t), word);
	layer_close(t, 1);
}

static void
test_refused(void **state)
{
	check_bad("", FAIL_CONFIG, "SOCKS5", "HT", 2);
	check_bad("", FAIL_CONFIG, "logged in to", "\5\2", 2);
	check_bad("", FAIL_CONFIG, "logged in to", "\5\377", 2);
	check_bad("u", FAIL_CONFIG, "takes no user", "\5\377", 2);
	check_bad("u", FAIL_CONFIG, "refuses user", "\5\2\1\1", 4);
	check_bad("", FAIL_CONFIG, "SOCKS5", "\5\0\4\0\0\1\0", 7);
	check_bad("", FAIL_NET, "malformed", "\5\0\5\0\0\2\0", 7);
	check_bad("", FAIL_NET, "T0: connection refused", "\5\0\5\5", 4);
	check_bad("", FAIL_NET, "T0: not allowed", "\5\0\5\2\0\1\0", 7);
	check_bad("", FAIL_NET, "T0: code 255", "\5\0\5\377", 4);
}

/* The next address by the next connection; the last refusal is told. */
static void
test_in_turn(void **state)
{
	struct transport *t;
	int fd;

	t = layer_new(3, "", "");
	fd = transport_fd(t);
	(void)transport_handshake(t);
	expect(peer[0], "\5\1\0", 3);
	assert_int_equal(answer(t, peer[0], "\5\0\5\10", 4, 4), IO_WANT_IN);
	assert_int_not_equal(transport_fd(t), fd);
	expect(peer[1], "\5\1\0", 3);
	assert_int_equal(answer(t, peer[1], "\5\0", 2, 2), IO_WANT_IN);
	expect(peer[1], "\5\1\0\1\x7f\0\0\2\0\x8f", 10);
	assert_int_equal(answer(t, peer[1], OK, 10, 10), 1);
	assert_int_equal(transport_write(t, "a", 1), 1);
	expect(peer[1], "a", 1);
	layer_close(t, 3);
	t = layer_new(2, "", "");
	(void)transport_handshake(t);
	(void)answer(t, peer[0], "\5\0\5\5", 4, 4);
	assert_int_equal(answer(t, peer[1], "\5\0\5\4", 4, 4), IO_ERROR);
	assert_non_null(strstr(transport_error(t), "T1: host unreachable"));
	layer_close(t, 2);
}

/* Cut anywhere, it is an error of the network. */
static void
test_cut(void **state)
{
	static const char all[] = "\5\0" OK;
	struct transport *t;
	size_t n;

	for (n = 0; n < 12; n++) {
		t = layer_new(1, "", "");
		(void)transport_handshake(t);
		(void)answer(t, peer[0], all, n, 1);
		assert_int_equal(shutdown(peer[0], SHUT_RDWR), 0);
		assert_int_equal(transport_handshake(t), IO_ERROR);
		assert_int_equal(transport_errkind(t), FAIL_NET);
		layer_close(t, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_in_turn),
		cmocka_unit_test(test_cut)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
