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
 * The SOCKS5 layer (RFC 1928, RFC 1929): see transport.h.  The connections to
 * the proxy were made before the lock; the dialogue is held after it.  Reads
 * not one octet more than the dialogue has, and passes all others on.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "transport.h"

#define SOCKS_VERSION	5
#define SOCKS_NONE	0		/* methods (RFC 1928 section 3) */
#define SOCKS_USERPASS	2
#define SOCKS_AUTH	1		/* version of RFC 1929 */
#define SOCKS_CONNECT	1
#define SOCKS_IPV4	1		/* kinds of addresses */
#define SOCKS_DOMAIN	3
#define SOCKS_IPV6	4
#define SOCKS_HEAD	5		/* of the reply, and an octet more */

enum socks_state {
	SOCKS_NEW, SOCKS_METHOD, SOCKS_LOGIN, SOCKS_REPLY, SOCKS_BOUND,
	SOCKS_DONE, SOCKS_FAILED
};

struct socks_layer {
	struct transport t;		/* first: a transport is one of these */
	struct socks_conf *conf;	/* owned */
	size_t		 target;	/* the one asked for now */
	enum socks_state state;
	uint8_t		 out[3 + 2 * SOCKS_TEXTMAX];
	size_t		 opos, olen;
	uint8_t		 in[SOCKS_HEAD + SOCKS_TEXTMAX + 2];
	size_t		 ilen, want;	/* octets read, and to be read */
};

static const char *const replies[] = {
	"succeeded", "general failure", "not allowed by its rules",
	"network unreachable", "host unreachable", "connection refused",
	"no answer in time (TTL expired)", "command not supported",
	"kind of address not supported"
};

static ssize_t
socks_fail(struct socks_layer *l, int kind, const char *what)
{
	l->state = SOCKS_FAILED;
	return transport_fail(&l->t, kind, "proxy %s: %s", l->conf->name,
	    what);
}

/* What is to be sent next stands in out; then so many octets are read. */
static void
say(struct socks_layer *l, size_t n, enum socks_state next, size_t want)
{
	l->opos = 0;
	l->olen = n;
	l->ilen = 0;
	l->want = want;
	l->state = next;
}

static void
say_hello(struct socks_layer *l)
{
	size_t n = 0;

	l->out[n++] = SOCKS_VERSION;
	l->out[n++] = l->conf->userlen > 0 ? 2 : 1;
	l->out[n++] = SOCKS_NONE;
	if (l->conf->userlen > 0)
		l->out[n++] = SOCKS_USERPASS;
	say(l, n, SOCKS_METHOD, 2);
}

static void
say_login(struct socks_layer *l)
{
	const struct socks_conf *c = l->conf;
	uint8_t *p = l->out;

	*p++ = SOCKS_AUTH;
	*p++ = c->userlen;
	memcpy(p, c->user, c->userlen);
	p += c->userlen;
	*p++ = c->passlen;
	memcpy(p, c->pass, c->passlen);
	p += c->passlen;
	say(l, p - l->out, SOCKS_LOGIN, 2);
}

static void
say_connect(struct socks_layer *l)
{
	const struct socks_target *t = &l->conf->target[l->target];

	l->out[0] = SOCKS_VERSION;
	l->out[1] = SOCKS_CONNECT;
	l->out[2] = 0;
	memcpy(l->out + 3, t->address, t->len);
	say(l, 3 + t->len, SOCKS_REPLY, SOCKS_HEAD);
}

/* The proxy chose how we are to log in. */
static ssize_t
got_method(struct socks_layer *l)
{
	if (l->in[0] != SOCKS_VERSION)
		return socks_fail(l, FAIL_CONFIG, "it does not speak SOCKS5");
	if (l->in[1] == SOCKS_NONE)
		say_connect(l);
	else if (l->in[1] == SOCKS_USERPASS && l->conf->userlen > 0)
		say_login(l);
	else
		return socks_fail(l, FAIL_CONFIG, l->conf->userlen > 0 ?
		    "it takes no user and password, nor goes without" :
		    "it wants to be logged in to, which needs "
		    "USER:PASSWORD@ in the option proxy");
	return 0;
}

static ssize_t
got_login(struct socks_layer *l)
{
	explicit_bzero(l->out, sizeof(l->out));
	if (l->in[1] != 0)
		return socks_fail(l, FAIL_CONFIG,
		    "it refuses user and password");
	say_connect(l);
	return 0;
}

/*
 * It could not connect (RFC 1928 section 6): the next address of the host, by
 * the next connection, since this one ends; or that was the last.
 */
static ssize_t
refused(struct socks_layer *l, uint8_t code)
{
	const struct socks_target *t = &l->conf->target[l->target];
	char why[128 + SOCKS_TEXTMAX], number[32];

	if (l->target + 1 < l->conf->n) {
		l->target++;
		transport_close(l->t.lower);
		l->t.lower = l->conf->target[l->target].via;
		l->conf->target[l->target].via = NULL;
		l->t.fd = l->t.lower->fd;
		say_hello(l);
		return 0;
	}
	(void)snprintf(number, sizeof(number), "code %u", code);
	(void)snprintf(why, sizeof(why), "cannot connect to %s: %s", t->name,
	    code < sizeof(replies) / sizeof(replies[0]) ? replies[code] :
	    number);
	return socks_fail(l, FAIL_NET, why);
}

/* How long the address is that the proxy connects from. */
static ssize_t
got_reply(struct socks_layer *l)
{
	size_t n;

	if (l->in[0] != SOCKS_VERSION)
		return socks_fail(l, FAIL_CONFIG, "it does not speak SOCKS5");
	if (l->in[1] != 0)
		return refused(l, l->in[1]);
	switch (l->in[3]) {
	case SOCKS_IPV4:
		n = 4;
		break;
	case SOCKS_IPV6:
		n = 16;
		break;
	case SOCKS_DOMAIN:
		n = 1 + l->in[4];
		break;
	default:
		return socks_fail(l, FAIL_NET, "malformed reply");
	}
	l->want = 4 + n + 2;		/* and the port */
	l->state = SOCKS_BOUND;
	return 0;
}

static ssize_t
got_bound(struct socks_layer *l)
{
	l->state = SOCKS_DONE;
	socks_discard(l->conf);
	l->conf = NULL;
	return 0;
}

/* All that is wanted was read: what it means. */
static ssize_t
got(struct socks_layer *l)
{
	switch (l->state) {
	case SOCKS_METHOD:
		return got_method(l);
	case SOCKS_LOGIN:
		return got_login(l);
	case SOCKS_REPLY:
		return got_reply(l);
	default:
		return got_bound(l);
	}
}

/* Write or read a part: > 0, or what transport_handshake() is to answer. */
static ssize_t
move(struct socks_layer *l)
{
	ssize_t r;

	if (l->opos < l->olen) {
		r = transport_write(l->t.lower, l->out + l->opos,
		    l->olen - l->opos);
		if (r > 0)
			l->opos += r;
	} else {
		r = transport_read(l->t.lower, l->in + l->ilen,
		    l->want - l->ilen);
		if (r > 0)
			l->ilen += r;
	}
	if (r == IO_ERROR) {
		l->state = SOCKS_FAILED;
		return transport_fail(&l->t, FAIL_NET, "proxy %s: %s",
		    l->conf->name, transport_error(l->t.lower));
	}
	return r == IO_EOF ? socks_fail(l, FAIL_NET,
	    "it closed the connection before it had made ours") : r;
}

/*
 * A refusal may be cut short: its code alone is enough, and the rest of it is
 * of no use (RFC 1928 leaves the address in it undefined).
 */
static int
complete(const struct socks_layer *l)
{
	if (l->opos < l->olen)
		return 0;
	return l->ilen == l->want || (l->state == SOCKS_REPLY &&
	    l->ilen >= 2 && l->in[0] == SOCKS_VERSION && l->in[1] != 0);
}

static ssize_t
socks_handshake(struct transport *t)
{
	struct socks_layer *l = (struct socks_layer *)t;
	ssize_t r;

	if (l->state == SOCKS_NEW)
		say_hello(l);
	while (l->state != SOCKS_DONE) {
		if (l->state == SOCKS_FAILED)
			return IO_ERROR;
		if ((r = move(l)) < 0)
			return r;
		if (complete(l))
			(void)got(l);
	}
	return 1;
}

static ssize_t
socks_read(struct transport *t, void *p, size_t n)
{
	ssize_t r;

	r = transport_read(t->lower, p, n);
	return r == IO_ERROR ? transport_fail_lower(t) : r;
}

static ssize_t
socks_write(struct transport *t, const void *p, size_t n)
{
	ssize_t r;

	r = transport_write(t->lower, p, n);
	return r == IO_ERROR ? transport_fail_lower(t) : r;
}

static void
socks_close(struct transport *t)
{
	struct socks_layer *l = (struct socks_layer *)t;

	socks_discard(l->conf);
	transport_close(t->lower);
	freezero(l, sizeof(*l));
}

static const struct transport_ops socks_ops = {
	"socks", socks_handshake, socks_read, socks_write, socks_close
};

void
socks_discard(struct socks_conf *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		transport_close(c->target[i].via);
	freezero(c, sizeof(*c));
}

struct transport *
transport_socks(struct socks_conf *c)
{
	struct socks_layer *l;

	if (c->n == 0 || (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->t.ops = &socks_ops;
	l->t.lower = c->target[0].via;
	c->target[0].via = NULL;
	l->t.fd = l->t.lower->fd;
	l->conf = c;
	return &l->t;
}
