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
 * Resolving and connecting, before the process locks.  Called by main.c for
 * type=imaps and type=imap.  Reads nothing from the server.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transport.h"

#define HOST_MAX	1024		/* NI_MAXHOST less one */

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Copy host without the brackets of a literal; its flags for getaddrinfo. */
static int
host_unwrap(char *buf, size_t size, const char *host, int *flags)
{
	size_t n = strlen(host);

	*flags = 0;
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		*flags = AI_NUMERICHOST;
		host++;
		n -= 2;
	}
	if (n == 0 || n >= size)
		return -1;
	memcpy(buf, host, n);
	buf[n] = '\0';
	return 0;
}

struct addrinfo *
connect_resolve(const char *host, const char *port, int numeric, char *errbuf,
    size_t size)
{
	struct addrinfo hints, *res;
	char name[HOST_MAX];
	int error, flags;

	if (host_unwrap(name, sizeof(name), host, &flags) == -1) {
		(void)snprintf(errbuf, size, "host %.100s: no valid name",
		    host);
		return NULL;
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = flags | (numeric ? AI_NUMERICHOST : 0);
	if ((error = getaddrinfo(name, port, &hints, &res)) != 0) {
		(void)snprintf(errbuf, size, "cannot resolve host %s port %s: "
		    "%s", host, port, error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
		return NULL;
	}
	return res;
}

/* Wait until a connect(2) under way succeeds.  0, or -1 with errno. */
static int
await_connect(int fd, int64_t deadline)
{
	struct pollfd pfd = { fd, POLLOUT, 0 };
	socklen_t len = sizeof(int);
	int64_t left;
	int error, r;

	do {
		if ((left = deadline - now_ms()) < 0)
			left = 0;
		r = poll(&pfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	} while (r == -1 && errno == EINTR);
	if (r == -1)
		return -1;
	if (r == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Both options only help: a kernel that refuses one loses nothing. */
static void
set_options(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* A connected socket, or -1 with errno. */
static int
connect_address(const struct addrinfo *ai, int64_t deadline)
{
	int fd, saved;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, ai->ai_protocol);
	if (fd == -1)
		return -1;
	set_options(fd);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
	    ((errno == EINPROGRESS || errno == EINTR) &&
	    await_connect(fd, deadline) == 0))
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/*
 * When to give an address up: half of what is left while others follow, so
 * that one that swallows our packets leaves time for them; the last has it
 * all.
 */
static int64_t
address_deadline(int64_t deadline, int last)
{
	int64_t now = now_ms();

	if (last || deadline <= now)
		return deadline;
	return now + (deadline - now) / 2;
}

static void
say_refused(char *errbuf, size_t size, const struct addrinfo *ai,
    const char *host, const char *port, const char *why)
{
	char address[NI_MAXHOST];

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, address, sizeof(address),
	    NULL, 0, NI_NUMERICHOST) != 0)
		(void)strlcpy(address, "?", sizeof(address));
	(void)snprintf(errbuf, size, "cannot connect to host %s port %s (%s): "
	    "%s", host, port, address, why);
}

/* RFC 1122 section 3.2.1.3, RFC 4291 sections 2.5.3 and 2.5.5.2. */
static int
address_loopback(const struct sockaddr_storage *ss)
{
	const uint8_t *a;

	if (ss->ss_family == AF_INET) {
		a = (const uint8_t *)
		    &((const struct sockaddr_in *)ss)->sin_addr;
		return a[0] == 127;
	}
	if (ss->ss_family != AF_INET6)
		return 0;
	a = ((const struct sockaddr_in6 *)ss)->sin6_addr.s6_addr;
	return memcmp(a, &in6addr_loopback, 16) == 0 ||
	    (memcmp(a, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0 &&
	    a[12] == 127);
}

int
connect_loopback(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	return getpeername(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    address_loopback(&ss);
}

int
connect_host(const char *host, const char *port, unsigned int timeout,
    char *errbuf, size_t size)
{
	struct addrinfo *ai, *res;
	int64_t deadline;
	int fd = -1;

	if ((res = connect_resolve(host, port, 0, errbuf, size)) == NULL)
		return -1;
	if (timeout == 0 || timeout > CONNECT_TIMEOUT)
		timeout = CONNECT_TIMEOUT;
	deadline = now_ms() + 1000 * (int64_t)timeout;
	for (ai = res; ai != NULL && fd == -1; ai = ai->ai_next) {
		fd = connect_address(ai,
		    address_deadline(deadline, ai->ai_next == NULL));
		if (fd == -1)
			say_refused(errbuf, size, ai, host, port,
			    strerror(errno));
	}
	freeaddrinfo(res);
	return fd;
}
