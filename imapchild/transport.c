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
 * The stack of layers to the server: the calls everybody uses, which go to
 * the top layer, and the bottom layer over a socket (TCP, or the tunnel
 * command's).  Knows nothing of TLS or IMAP; used in the locked stage.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "transport.h"

ssize_t
transport_handshake(struct transport *t)
{
	return t->ops->handshake(t);
}

ssize_t
transport_read(struct transport *t, void *p, size_t n)
{
	return t->ops->read(t, p, n);
}

ssize_t
transport_write(struct transport *t, const void *p, size_t n)
{
	return t->ops->write(t, p, n);
}

int
transport_fd(const struct transport *t)
{
	while (t->lower != NULL)
		t = t->lower;
	return t->fd;
}

void
transport_close(struct transport *t)
{
	if (t != NULL)
		t->ops->close(t);
}

const char *
transport_error(const struct transport *t)
{
	return t->err;
}

int
transport_errkind(const struct transport *t)
{
	return t->kind;
}

ssize_t
transport_fail(struct transport *t, int kind, const char *fmt, ...)
{
	char text[TRANSPORT_ERRMAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	log_vis(t->err, sizeof(t->err), text, strlen(text));
	t->kind = kind;
	return IO_ERROR;
}

ssize_t
transport_fail_lower(struct transport *t)
{
	(void)strlcpy(t->err, t->lower->err, sizeof(t->err));
	t->kind = t->lower->kind;
	return IO_ERROR;
}

/*
 * The socket layer.
 */

static ssize_t
socket_handshake(struct transport *t)
{
	return 1;
}

/*
 * A read that did not fill its buffer has emptied the socket: the next one is
 * answered without asking, and poll tells what came meanwhile.
 */
static ssize_t
socket_read(struct transport *t, void *p, size_t n)
{
	ssize_t r;

	if (t->drained) {
		t->drained = 0;
		return IO_WANT_IN;
	}
	do {
		r = read(t->fd, p, n);
	} while (r == -1 && errno == EINTR);
	t->drained = r > 0 && (size_t)r < n;
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return IO_WANT_IN;
	return transport_fail(t, FAIL_NET, "connection lost: %s",
	    strerror(errno));
}

/* MSG_NOSIGNAL: a server that went away is an error here, no signal. */
static ssize_t
socket_write(struct transport *t, const void *p, size_t n)
{
	ssize_t r;

	do {
		r = send(t->fd, p, n, MSG_NOSIGNAL);
	} while (r == -1 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return IO_WANT_OUT;
	return transport_fail(t, FAIL_NET, "connection lost: %s",
	    strerror(errno));
}

static void
socket_close(struct transport *t)
{
	(void)close(t->fd);
	free(t);
}

static const struct transport_ops socket_ops = {
	"socket", socket_handshake, socket_read, socket_write, socket_close
};

struct transport *
transport_socket(int fd)
{
	struct transport *t;
	int flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->ops = &socket_ops;
	t->fd = fd;
	return t;
}
