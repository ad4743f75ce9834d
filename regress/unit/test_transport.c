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
 * The dispatch, the socket layer and connect_host(), over socketpairs and
 * the loopback interface.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "imapchild/transport.h"
#include "msg.h"

static struct transport *
layer_new(int *peer)
{
	struct transport *t;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	t = transport_socket(sv[0]);
	assert_non_null(t);
	*peer = sv[1];
	return t;
}

static void
test_read(void **state)
{
	struct transport *t;
	char buf[16];
	int peer;

	t = layer_new(&peer);
	assert_int_equal(t->fd >= 0, 1);
	assert_int_equal(transport_handshake(t), 1);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), IO_WANT_IN);
	assert_int_equal(write(peer, "* OK\r\n", 6), 6);
	assert_int_equal(transport_read(t, buf, 4), 4);
	assert_memory_equal(buf, "* OK", 4);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), 2);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), IO_WANT_IN);
	assert_int_equal(write(peer, "x", 1), 1);
	close(peer);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), 1);
	/* It was drained: nothing is asked for until the caller has polled. */
	assert_int_equal(transport_read(t, buf, sizeof(buf)), IO_WANT_IN);
	assert_int_equal(transport_read(t, buf, sizeof(buf)), IO_EOF);
	assert_string_equal(transport_error(t), "");
	transport_close(t);
	transport_close(NULL);
}

/* Until the peer must read, and on after it did; nothing lost. */
static void
test_write(void **state)
{
	static char in[1 << 16], out[1 << 16];
	struct transport *t;
	size_t got = 0, sent = 0;
	ssize_t r;
	int peer;

	t = layer_new(&peer);
	memset(out, 'x', sizeof(out));
	while ((r = transport_write(t, out, sizeof(out))) > 0)
		sent += r;
	assert_int_equal(r, IO_WANT_OUT);
	assert_true(sent > 0);
	while (got < sent) {
		r = read(peer, in, sizeof(in));
		assert_true(r > 0);
		got += r;
	}
	assert_int_equal(got, sent);
	assert_int_equal(transport_write(t, "y", 1), 1);
	close(peer);
	transport_close(t);
}

/* A peer that is gone is an error of the network, and no SIGPIPE. */
static void
test_gone(void **state)
{
	struct transport *t;
	int peer;

	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	t = layer_new(&peer);
	close(peer);
	assert_int_equal(transport_write(t, "y", 1), IO_ERROR);
	assert_int_equal(transport_errkind(t), FAIL_NET);
	assert_string_equal(transport_error(t), "connection lost: Broken pipe");
	transport_close(t);
	assert_null(transport_socket(-1));
}

static void
test_fail(void **state)
{
	char big[2 * TRANSPORT_ERRMAX];
	struct transport *t, upper;
	int peer;

	t = layer_new(&peer);
	assert_int_equal(transport_fail(t, FAIL_TLS, "%s", "a\033[2Jb\r\n"),
	    IO_ERROR);
	assert_int_equal(transport_errkind(t), FAIL_TLS);
	assert_null(strpbrk(transport_error(t), "\033\r\n"));
	memset(&upper, 0, sizeof(upper));
	upper.lower = t;
	assert_int_equal(transport_fail_lower(&upper), IO_ERROR);
	assert_string_equal(transport_error(&upper), transport_error(t));
	assert_int_equal(transport_errkind(&upper), FAIL_TLS);
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(transport_fail(t, FAIL_NET, "%s", big), IO_ERROR);
	assert_int_equal(strlen(transport_error(t)), TRANSPORT_ERRMAX - 1);
	close(peer);
	transport_close(t);
}

/* A listener on the loopback interface; its port as text. */
static int
listener(int family, char *port, size_t size)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	socklen_t len = family == AF_INET ? sizeof(*in4) : sizeof(*in6);
	int fd;

	memset(&ss, 0, sizeof(ss));
	ss.ss_family = family;
	if (family == AF_INET)
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	if ((fd = socket(family, SOCK_STREAM, 0)) == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) == -1) {
		close(fd);
		return -1;
	}
	(void)snprintf(port, size, "%u", ntohs(family == AF_INET ?
	    in4->sin_port : in6->sin6_port));
	return fd;
}

static void
check_connect(int family, const char *host)
{
	char err[256] = "", port[8];
	socklen_t len = sizeof(int);
	int fd, lfd, on = 0;

	lfd = listener(family, port, sizeof(port));
	if (lfd == -1 && family == AF_INET6)
		return;			/* a machine without IPv6 */
	assert_int_not_equal(lfd, -1);
	fd = connect_host(host, port, 5, err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_not_equal(fd, -1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len),
	    0);
	assert_int_not_equal(on, 0);
	on = 0;
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len),
	    0);
	assert_int_not_equal(on, 0);
	assert_true(connect_loopback(fd));
	close(fd);
	close(lfd);
}

static void
test_connect(void **state)
{
	check_connect(AF_INET, "127.0.0.1");
	check_connect(AF_INET, "[127.0.0.1]");
	check_connect(AF_INET6, "::1");
	check_connect(AF_INET6, "[::1]");
}

/* "localhost" may be ::1 first, where nobody listens: the next one answers. */
static void
test_connect_next(void **state)
{
	char err[512] = "", port[8];
	int fd, lfd;

	lfd = listener(AF_INET, port, sizeof(port));
	assert_int_not_equal(lfd, -1);
	fd = connect_host("localhost", port, 5, err, sizeof(err));
	assert_int_not_equal(fd, -1);
	close(fd);
	close(lfd);
}

static void
check_refused(const char *host, const char *port, const char *const *words)
{
	char err[512] = "";

	assert_int_equal(connect_host(host, port, 5, err, sizeof(err)), -1);
	for (; *words != NULL; words++) {
		if (strstr(err, *words) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", err, *words);
	}
}

static void
test_connect_refused(void **state)
{
	const char *refused[] = { "127.0.0.1", "Connection refused", NULL,
	    NULL };
	const char *literal[] = { "[example.org]", "imaps", "resolve", NULL };
	const char *service[] = { "127.0.0.1", "nosuchservice", "resolve",
	    NULL };
	const char *name[] = { "no valid name", NULL };
	char port[8];
	int lfd;

	lfd = listener(AF_INET, port, sizeof(port));
	assert_int_not_equal(lfd, -1);
	close(lfd);
	refused[2] = port;
	check_refused("127.0.0.1", port, refused);
	check_refused("[example.org]", "imaps", literal);
	check_refused("127.0.0.1", "nosuchservice", service);
	check_refused("[]", "imaps", name);
}

/* A listener whose queue is full answers no SYN: the deadline ends it. */
static void
test_connect_deadline(void **state)
{
	struct timespec a, b;
	char err[512] = "", port[8];
	int fd[16], i, lfd;

	lfd = listener(AF_INET, port, sizeof(port));
	assert_int_not_equal(lfd, -1);
	assert_int_equal(listen(lfd, 0), 0);
	for (i = 0; i < 16; i++) {
		assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &a), 0);
		fd[i] = connect_host("127.0.0.1", port, 1, err, sizeof(err));
		assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &b), 0);
		if (fd[i] == -1)
			break;
	}
	assert_true(i < 16);
	assert_non_null(strstr(err, "timed out"));
	assert_true(b.tv_sec - a.tv_sec >= 0 && b.tv_sec - a.tv_sec <= 3);
	while (i-- > 0)
		close(fd[i]);
	close(lfd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_connect_next),
		cmocka_unit_test(test_connect_refused),
		cmocka_unit_test(test_connect_deadline)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
