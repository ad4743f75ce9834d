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
 * A connection of a probe: non-blocking, large buffers, as few system calls
 * as there can be.  The only file with libssl.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static SSL *
tls_new(int fd, const char *cert)
{
	SSL_CTX	*ctx;
	SSL	*ssl;

	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_load_verify_locations(ctx, cert, NULL) != 1)
		errx(1, "%s: cannot be used as certificate", cert);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 64 << 10);
	if ((ssl = SSL_new(ctx)) == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set1_host(ssl, "localhost") != 1)
		errx(1, "TLS: no connection");
	SSL_CTX_free(ctx);
	SSL_set_connect_state(ssl);
	return ssl;
}

struct conn *
conn_open(const char *spec, const char *cert)
{
	struct sockaddr_in	 sin;
	struct conn		*c;
	int			 on = 1;

	if (strncmp(spec, "tcp:", 4) != 0 && strncmp(spec, "tls:", 4) != 0)
		errx(1, "%s: neither tcp:PORT nor tls:PORT", spec);
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->in = malloc(BUF_SIZE)) == NULL ||
	    (c->out = malloc(BUF_SIZE)) == NULL)
		err(1, NULL);
	c->name = spec;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((in_port_t)strtol(spec + 4, NULL, 10));
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		err(1, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS)
		err(1, "%s", spec);
	if (spec[1] == 'l')
		c->ssl = tls_new(c->fd, cert);
	c->ready = c->ssl == NULL;
	return c;
}

/* No close_notify, no waiting: the server learns it from the end. */
void
conn_close(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static ssize_t
failed(struct conn *c, int n)
{
	int e = SSL_get_error(c->ssl, n);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	if (e == SSL_ERROR_ZERO_RETURN ||
	    (e == SSL_ERROR_SYSCALL && n == 0))
		return 0;
	errx(1, "%s: TLS: %s", c->name,
	    ERR_reason_error_string(ERR_get_error()));
}

static ssize_t
get(struct conn *c, void *buf, size_t len)
{
	int n;

	if (c->ssl == NULL)
		return read(c->fd, buf, len);
	n = SSL_read(c->ssl, buf, (int)len);
	return n > 0 ? n : failed(c, n);
}

static ssize_t
put(struct conn *c, const void *buf, size_t len)
{
	int n;

	if (c->ssl == NULL)
		return write(c->fd, buf, len);
	n = SSL_write(c->ssl, buf, (int)len);
	return n > 0 ? n : failed(c, n);
}

static int
handshake(struct conn *c)
{
	int n = SSL_do_handshake(c->ssl);

	if (n == 1)
		return c->ready = 1;
	if (failed(c, n) == 0)
		errx(1, "%s: ended in the handshake", c->name);
	c->readable = c->writable = 0;
	return 0;
}

static int
fill(struct conn *c)
{
	ssize_t	n;
	int	moved = 0;

	if (c->ipos == c->ilen)
		c->ipos = c->ilen = 0;
	if (c->ilen == BUF_SIZE && c->ipos > 0) {
		memmove(c->in, c->in + c->ipos, c->ilen - c->ipos);
		c->ilen -= c->ipos;
		c->ipos = 0;
	}
	while (c->readable && !c->eof && c->ilen < BUF_SIZE) {
		n = get(c, c->in + c->ilen, BUF_SIZE - c->ilen);
		if (n == -1 && errno != EAGAIN)
			err(1, "%s: read", c->name);
		if (n == -1)
			c->readable = 0;
		else if (n == 0)
			c->eof = 1;
		else
			c->ilen += n;
		moved |= n != -1;
	}
	return moved;
}

static int
flush(struct conn *c)
{
	ssize_t	n;
	int	moved = 0;

	while (c->writable && c->opos < c->olen) {
		n = put(c, c->out + c->opos, c->olen - c->opos);
		if (n == -1 && errno != EAGAIN)
			err(1, "%s: write", c->name);
		if (n <= 0)
			c->writable = 0;
		else
			c->opos += n;
		moved |= n > 0;
	}
	if (c->opos == c->olen)
		c->opos = c->olen = 0;
	return moved;
}

int
conn_io(struct conn *c)
{
	if (!c->ready && (!(c->readable || c->writable) || !handshake(c)))
		return 0;
	return flush(c) | fill(c);
}

static struct pollfd
wanted(const struct conn *c)
{
	struct pollfd p = { c->fd, 0, 0 };

	if (!c->ready)
		p.events = SSL_want_write(c->ssl) || SSL_want_nothing(c->ssl) ?
		    POLLOUT : POLLIN;
	else {
		if (!c->readable && c->ilen < BUF_SIZE)
			p.events |= POLLIN;
		if (!c->writable && c->olen > 0)
			p.events |= POLLOUT;
	}
	return p;
}

void
conn_poll(struct conn *a, struct conn *b)
{
	struct conn	*c[2] = { a, b };
	struct pollfd	 p[2];
	int		 i, n = b == NULL ? 1 : 2;

	for (i = 0; i < n; i++)
		p[i] = wanted(c[i]);
	if (poll(p, n, -1) == -1 && errno != EINTR)
		err(1, "poll");
	for (i = 0; i < n; i++) {
		if (p[i].revents & (POLLIN | POLLHUP | POLLERR))
			c[i]->readable = 1;
		if (p[i].revents & (POLLOUT | POLLHUP | POLLERR))
			c[i]->writable = 1;
	}
}

size_t
conn_room(const struct conn *c)
{
	return BUF_SIZE - c->olen;
}

void
conn_put(struct conn *c, const void *p, size_t len)
{
	if (len > conn_room(c))
		errx(1, "%s: no room for %zu octets", c->name, len);
	memcpy(c->out + c->olen, p, len);
	c->olen += len;
}

void
conn_say(struct conn *c, const char *fmt, ...)
{
	char	line[1024];
	va_list	ap;
	int	n, m;

	n = snprintf(line, sizeof(line), "a%u ", ++c->tag);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (m < 0 || (size_t)(n + m) >= sizeof(line))
		errx(1, "%s: command too long", c->name);
	conn_put(c, line, n + m);
}

void
conn_login(struct conn *c, const char *user, const char *password)
{
	unsigned char	plain[256], text[512];
	int		n;

	n = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, user, 0,
	    password);
	if (n < 0 || (size_t)n >= sizeof(plain))
		errx(1, "user or password too long");
	EVP_EncodeBlock(text, plain, n);
	conn_say(c, "AUTHENTICATE PLAIN %s\r\n", text);
}

int64_t
literal_size(const char *line, size_t len)
{
	const char *p;

	if (len < 3 || line[len - 1] != '}')
		return -1;
	for (p = line + len - 2; p > line && *p >= '0' && *p <= '9'; p--)
		continue;
	return *p == '{' ? strtoll(p + 1, NULL, 10) : -1;
}

char *
conn_line(struct conn *c, size_t *len)
{
	char *line = c->in + c->ipos, *end;

	if ((end = memchr(line, '\n', c->ilen - c->ipos)) == NULL) {
		if (c->eof || c->ilen - c->ipos == BUF_SIZE)
			errx(1, "%s: ended, or a line is too long", c->name);
		return NULL;
	}
	c->ipos = end + 1 - c->in;
	*len = end - line - (end > line && end[-1] == '\r');
	line[*len] = '\0';
	if (line[0] == 'a') {
		if ((end = strchr(line, ' ')) == NULL ||
		    strncmp(end, " OK", 3) != 0)
			errx(1, "%s: %s", c->name, line);
		c->done++;
	} else if (strncmp(line, "* BYE", 5) == 0)
		errx(1, "%s: %s", c->name, line);
	else
		c->greeted = 1;
	return line;
}
