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
 * Connections to a SOCKS5 proxy, before the process locks: what it is to be
 * asked for, and one connection for each address of the host, since a proxy
 * hangs up when it could not connect and no new one can be made then.  Called
 * by main.c.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netdb.h>

#include "msg.h"
#include "transport.h"

/* The address of a target as it is sent: kind, octets, port. */
static void
put_address(struct socks_target *t, uint8_t kind, const void *p, size_t n,
    uint16_t port)
{
	t->len = 0;
	t->address[t->len++] = kind;
	if (kind == 3)
		t->address[t->len++] = n;
	memcpy(t->address + t->len, p, n);
	t->len += n;
	t->address[t->len++] = port >> 8;
	t->address[t->len++] = port & 0xff;
}

static void
put_sockaddr(struct socks_target *t, const struct addrinfo *ai)
{
	const struct sockaddr_in *in4;
	const struct sockaddr_in6 *in6;
	char text[INET6_ADDRSTRLEN] = "?";
	uint16_t port;

	if (ai->ai_family == AF_INET) {
		in4 = (const struct sockaddr_in *)(const void *)ai->ai_addr;
		port = ntohs(in4->sin_port);
		put_address(t, 1, &in4->sin_addr, 4, port);
		(void)inet_ntop(AF_INET, &in4->sin_addr, text, sizeof(text));
	} else {
		in6 = (const struct sockaddr_in6 *)(const void *)ai->ai_addr;
		port = ntohs(in6->sin6_port);
		put_address(t, 4, &in6->sin6_addr, 16, port);
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	}
	(void)snprintf(t->name, sizeof(t->name), "%s port %u", text, port);
}

static void
put_addresses(struct socks_conf *c, const struct addrinfo *ai)
{
	for (; ai != NULL && c->n < SOCKS_TARGETS; ai = ai->ai_next)
		if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
			put_sockaddr(&c->target[c->n++], ai);
}

static int
put_name(struct socks_conf *c, const char *host, const char *port,
    char *err, size_t size)
{
	struct socks_target *t = &c->target[0];
	struct addrinfo hints, *res;
	size_t n = strlen(host);
	uint16_t number;

	/* the port may have a name, which is not the proxy's matter */
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_INET;
	hints.ai_socktype = SOCK_STREAM;
	if (n == 0 || n > SOCKS_TEXTMAX ||
	    getaddrinfo(NULL, port, &hints, &res) != 0) {
		(void)snprintf(err, size, "host %.100s port %.100s cannot be "
		    "asked for by SOCKS", host, port);
		return -1;
	}
	number = ntohs(((const struct sockaddr_in *)(const void *)
	    res->ai_addr)->sin_port);
	freeaddrinfo(res);
	put_address(t, 3, host, n, number);
	(void)snprintf(t->name, sizeof(t->name), "%s port %u", host, number);
	c->n = 1;
	return 0;
}

/* An address is never resolved by the proxy; a name, by socks5h. */
static int
put_targets(struct socks_conf *c, int type, const char *host,
    const char *port, char *err, size_t size)
{
	struct addrinfo *res;

	res = connect_resolve(host, port, type == PROXY_SOCKS5H, err, size);
	if (res != NULL) {
		put_addresses(c, res);
		freeaddrinfo(res);
		if (c->n > 0)
			return 0;
	}
	if (type != PROXY_SOCKS5H || host[0] == '[')
		return -1;
	return put_name(c, host, port, err, size);
}

/* As many connections as there are targets; at least one. */
static int
connect_all(struct socks_conf *c, const char *host, const char *port,
    unsigned int timeout, char *err, size_t size)
{
	char why[256];
	size_t i;
	int fd;

	for (i = 0; i < c->n; i++) {
		fd = connect_host(host, port, timeout, why, sizeof(why));
		if (fd == -1)
			break;
		if ((c->target[i].via = transport_socket(fd)) == NULL) {
			(void)snprintf(why, sizeof(why), "no memory");
			break;
		}
	}
	if (i == 0 && c->n > 0) {
		(void)snprintf(err, size, "proxy: %s", why);
		return -1;
	}
	c->n = i;
	return 0;
}

static void
put_secrets(struct socks_conf *c, const struct msg_config *m)
{
	if (m->proxyuser.n > SOCKS_TEXTMAX || m->proxypass.n > SOCKS_TEXTMAX)
		return;			/* the parent has checked that */
	c->userlen = m->proxyuser.n;
	c->passlen = m->proxypass.n;
	if (c->userlen > 0)
		memcpy(c->user, m->proxyuser.p, c->userlen);
	if (c->passlen > 0)
		memcpy(c->pass, m->proxypass.p, c->passlen);
}

struct socks_conf *
socks_connect(const struct msg_config *m, unsigned int timeout, char *err,
    size_t size)
{
	struct socks_conf *c;
	char *host, *port, *phost, *pport;
	int failed = 1;

	host = bytes_dup(m->host);
	port = bytes_dup(m->port);
	phost = bytes_dup(m->proxyhost);
	pport = bytes_dup(m->proxyport);
	c = calloc(1, sizeof(*c));
	if (host == NULL || port == NULL || phost == NULL || pport == NULL ||
	    c == NULL)
		(void)snprintf(err, size, "no memory");
	else {
		(void)snprintf(c->name, sizeof(c->name), "%s port %s", phost,
		    pport);
		put_secrets(c, m);
		failed = put_targets(c, m->proxy, host, port, err,
		    size) == -1 || connect_all(c, phost, pport, timeout, err,
		    size) == -1;
	}
	free(host);
	free(port);
	free(phost);
	free(pport);
	if (!failed)
		return c;
	socks_discard(c);
	return NULL;
}
