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
 * Fuzzing of the dialogue with a SOCKS5 proxy: the input is what it answers,
 * over three connections one after the other.  Properties: the same said, the
 * same end, in the same words, and the same octets left for what comes behind,
 * whether the answers come whole or an octet at a time with pauses; user and
 * password are said only where there are any.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild/transport.h"

#define TARGETS		3
#define SAID_MAX	4096
#define TEXT_MAX	1024
#define PASSWORD	"pass-word"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* One way to go through the dialogue, and what came of it. */
struct dialogue {
	int	 whole;			/* else an octet at a time */
	ssize_t	 end;
	char	 text[TEXT_MAX];
	uint8_t	 said[SAID_MAX];
	size_t	 nsaid, left;
};

struct source {
	struct transport t;
	struct dialogue	*d;
	const uint8_t	*p;
	size_t		 n;
	int		 paused;
};

static ssize_t
source_read(struct transport *t, void *p, size_t n)
{
	struct source *s = (struct source *)t;

	if (!s->d->whole && (s->paused = !s->paused))
		return IO_WANT_IN;
	if (!s->d->whole)
		n = 1;
	if (s->n == 0)
		return IO_EOF;
	if (n > s->n)
		n = s->n;
	memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return n;
}

static ssize_t
source_write(struct transport *t, const void *p, size_t n)
{
	struct dialogue *d = ((struct source *)t)->d;

	if (!d->whole)
		n = 1;
	if (n > SAID_MAX - d->nsaid)
		abort();
	memcpy(d->said + d->nsaid, p, n);
	d->nsaid += n;
	return n;
}

static void
source_close(struct transport *t)
{
}

static const struct transport_ops source_ops = {
	"source", NULL, source_read, source_write, source_close
};

static void
login(struct socks_conf *c)
{
	c->userlen = 1;
	c->user[0] = 'u';
	c->passlen = strlen(PASSWORD);
	memcpy(c->pass, PASSWORD, c->passlen);
}

static struct socks_conf *
conf_new(struct source *s, int with_login)
{
	static const uint8_t address[] = { 1, 127, 0, 0, 1, 0, 143 };
	struct socks_conf *c;
	size_t i;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		abort();
	strlcpy(c->name, "P", sizeof(c->name));
	if (with_login)
		login(c);
	for (i = 0; i < TARGETS; i++) {
		c->target[i].via = &s[i].t;
		memcpy(c->target[i].address, address, sizeof(address));
		c->target[i].len = sizeof(address);
		strlcpy(c->target[i].name, "T", sizeof(c->target[i].name));
	}
	c->n = TARGETS;
	return c;
}

/* The answers of the first two connections end at these octets. */
static void
run(struct dialogue *d, const uint8_t *data, size_t n, size_t one, size_t two,
    int with_login)
{
	const size_t at[TARGETS + 1] = { 0, one, two, n };
	struct source s[TARGETS];
	struct transport *t;
	uint8_t buf[64];
	ssize_t r;
	size_t i;

	memset(s, 0, sizeof(s));
	for (i = 0; i < TARGETS; i++) {
		s[i].t.ops = &source_ops;
		s[i].d = d;
		s[i].p = data + at[i];
		s[i].n = at[i + 1] - at[i];
	}
	if ((t = transport_socks(conf_new(s, with_login))) == NULL)
		abort();
	while ((d->end = transport_handshake(t)) == IO_WANT_IN)
		;
	if (d->end == IO_ERROR)
		strlcpy(d->text, transport_error(t), sizeof(d->text));
	else
		while ((r = transport_read(t, buf, sizeof(buf))) != IO_EOF)
			d->left += r > 0 ? r : 0;
	transport_close(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct dialogue a, b;
	size_t one, two;
	int with_login;

	if (n < 3)
		return 0;
	with_login = data[0] & 1;
	one = data[1] < n - 3 ? data[1] : n - 3;
	two = one + data[2] < n - 3 ? one + data[2] : n - 3;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.whole = 1;
	run(&a, data + 3, n - 3, one, two, with_login);
	run(&b, data + 3, n - 3, one, two, with_login);
	if (a.end != b.end || a.left != b.left || a.nsaid != b.nsaid ||
	    memcmp(a.said, b.said, a.nsaid) != 0 ||
	    strcmp(a.text, b.text) != 0)
		abort();
	if ((a.end == 1) != (a.text[0] == '\0') ||
	    strstr(a.text, PASSWORD) != NULL)
		abort();
	if (!with_login && memmem(a.said, a.nsaid, PASSWORD,
	    strlen(PASSWORD)) != NULL)
		abort();
	return 0;
}
