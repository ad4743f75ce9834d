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
 * The deflate layer, over zlib (RFC 4978, RFC 1951): see transport.h.  It is
 * pushed on the stack in the locked stage, when COMPRESS was answered OK.
 * What comes from below is inflated only into the room the reader has, so that
 * a stream that swells without end is bounded like any other input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "log.h"
#include "msg.h"
#include "transport.h"

#define DEFLATE_WINDOW	(-15)		/* raw, 32 KiB (RFC 4978 section 4) */
#define DEFLATE_MEMORY	8		/* zlib's default */
#define DEFLATE_LEVEL	1		/* the least work that looks back */
#define DEFLATE_SLICE	16384		/* octets compressed at once */
#define DEFLATE_SLACK	1024		/* the ends of a slice that swells */
#define DEFLATE_SMALL	1024		/* too few to judge */
#define DEFLATE_MAXEMPTY 65536		/* octets that inflate to nothing */

/* How a slice is compressed. */
enum deflate_way { WAY_MATCH, WAY_HUFFMAN, WAY_STORE };

struct deflate_layer {
	struct transport t;		/* first: a transport is one of these */
	z_stream	 in, out;
	int		 swollen;	/* more may come without input */
	int		 ended;		/* the server ended its stream */
	int		 failed;	/* why was noted */
	enum deflate_way way;		/* of the last slice */
	size_t		 taken;		/* octets the slice below stands for */
	size_t		 opos, olen;	/* of obuf, not yet written */
	uint64_t	 nread, nwritten; /* compressed octets */
	uint8_t		 ibuf[DEFLATE_REST];
	uint8_t		 obuf[DEFLATE_SLICE + DEFLATE_SLACK];
};

static ssize_t
deflate_handshake(struct transport *t)
{
	return 1;
}

/*
 * Read.
 */

/* Octets from below, when all those at hand are used up. */
static ssize_t
fill(struct deflate_layer *l)
{
	ssize_t r;

	r = transport_read(l->t.lower, l->ibuf, sizeof(l->ibuf));
	if (r == IO_ERROR)
		return transport_fail_lower(&l->t);
	if (r > 0) {
		l->in.next_in = l->ibuf;
		l->in.avail_in = r;
		l->nread += r;
	}
	return r;
}

/* One call of inflate(3). */
static void
step(struct deflate_layer *l)
{
	int r;

	r = inflate(&l->in, Z_SYNC_FLUSH);
	l->swollen = l->in.avail_out == 0;
	l->ended = r == Z_STREAM_END;
	if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
		return;
	l->failed = 1;
	(void)transport_fail(&l->t, FAIL_PROTOCOL, "COMPRESS: the server "
	    "sends what does not inflate (%s); compress = NO does without",
	    l->in.msg == NULL ? "no memory" : l->in.msg);
}

/*
 * What is right comes before what is wrong with the rest.  A stream that is
 * cut short is an end of file: IMAP's own grammar tells whether something is
 * missing.
 */
static ssize_t
deflate_read(struct transport *t, void *p, size_t n)
{
	struct deflate_layer *l = (struct deflate_layer *)t;
	uint64_t start = l->nread;
	ssize_t r;

	l->in.next_out = p;
	l->in.avail_out = n;
	while (l->in.avail_out == n && !l->ended && !l->failed) {
		if (l->in.avail_in == 0 && !l->swollen &&
		    (r = fill(l)) <= 0)
			return r;
		step(l);
		if (l->in.avail_out == n && !l->failed &&
		    l->nread - start > DEFLATE_MAXEMPTY) {
			l->failed = 1;
			(void)transport_fail(t, FAIL_PROTOCOL, "COMPRESS: "
			    "the server sends blocks without data");
		}
	}
	if (l->in.avail_out == n && l->failed)
		return IO_ERROR;
	return n - l->in.avail_out;	/* 0, the end: IO_EOF */
}

/*
 * Write.
 */

/*
 * The number of different octets that would be as hard to guess: some 20 in
 * text and commands, 64 in base 64, near 256 in what was compressed before.
 */
static size_t
variety(const uint8_t *p, size_t n)
{
	uint32_t count[256] = { 0 };
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		count[p[i]]++;
	for (i = 0; i < 256; i++)
		sum += (uint64_t)count[i] * count[i];
	return (uint64_t)n * n / sum;
}

/*
 * Looking for matches in base 64 costs three times as much as shortening its
 * octets to six bits, and gains nothing; in an image or an archive there is
 * nothing to gain at all.
 */
static enum deflate_way
choose(const uint8_t *p, size_t n)
{
	size_t v;

	if (n < DEFLATE_SMALL || (v = variety(p, n)) < 40)
		return WAY_MATCH;
	return v < 128 ? WAY_HUFFMAN : WAY_STORE;
}

/* All was flushed, so zlib has nothing (Z_BUF_ERROR) to write before. */
static void
turn(struct deflate_layer *l, enum deflate_way way)
{
	int r;

	if (way == l->way)
		return;
	r = deflateParams(&l->out, way == WAY_STORE ? Z_NO_COMPRESSION :
	    DEFLATE_LEVEL, way == WAY_HUFFMAN ? Z_HUFFMAN_ONLY :
	    Z_DEFAULT_STRATEGY);
	if (r != Z_OK && r != Z_BUF_ERROR)
		fatal("deflateParams failed");
	l->way = way;
}

/*
 * Compress a slice, up to a flush point behind it: the server can read all
 * of it, and what differs in kind (a body, a command) is kept apart.
 */
static void
squeeze(struct deflate_layer *l, const uint8_t *p, size_t n)
{
	l->out.next_out = l->obuf;
	l->out.avail_out = sizeof(l->obuf);
	l->out.avail_in = 0;
	turn(l, choose(p, n));
	l->out.next_in = p;
	l->out.avail_in = n;
	if (deflate(&l->out, Z_SYNC_FLUSH) != Z_OK ||
	    l->out.avail_in > 0 || l->out.avail_out == 0)
		fatal("deflate failed");
	l->taken = n;
	l->opos = 0;
	l->olen = sizeof(l->obuf) - l->out.avail_out;
}

/* A slice at a time: nothing is left here for which nobody would poll. */
static ssize_t
deflate_write(struct transport *t, const void *p, size_t n)
{
	struct deflate_layer *l = (struct deflate_layer *)t;
	ssize_t r;

	if (l->opos == l->olen)
		squeeze(l, p, n < DEFLATE_SLICE ? n : DEFLATE_SLICE);
	while (l->opos < l->olen) {
		r = transport_write(t->lower, l->obuf + l->opos,
		    l->olen - l->opos);
		if (r == IO_ERROR)
			return transport_fail_lower(t);
		if (r < 0)
			return r;
		l->opos += r;
		l->nwritten += r;
	}
	return l->taken;
}

static void
deflate_close(struct transport *t)
{
	struct deflate_layer *l = (struct deflate_layer *)t;

	(void)inflateEnd(&l->in);
	(void)deflateEnd(&l->out);
	transport_close(t->lower);
	free(l);
}

static const struct transport_ops deflate_ops = {
	"deflate", deflate_handshake, deflate_read, deflate_write,
	deflate_close
};

struct transport *
transport_deflate(struct transport *lower, const void *rest, size_t n)
{
	struct deflate_layer *l;

	if (n > DEFLATE_REST || (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	if (inflateInit2(&l->in, DEFLATE_WINDOW) != Z_OK ||
	    deflateInit2(&l->out, DEFLATE_LEVEL, Z_DEFLATED, DEFLATE_WINDOW,
	    DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		(void)inflateEnd(&l->in);
		free(l);
		return NULL;
	}
	l->t.ops = &deflate_ops;
	l->t.lower = lower;
	l->t.fd = lower->fd;
	if (n > 0)
		memcpy(l->ibuf, rest, n);
	l->in.next_in = l->ibuf;
	l->in.avail_in = n;
	l->nread = n;
	return &l->t;
}

void
deflate_counts(const struct transport *t, uint64_t *nread, uint64_t *nwritten)
{
	const struct deflate_layer *l = (const struct deflate_layer *)t;

	*nread = l->nread;
	*nwritten = l->nwritten;
}

const char *
deflate_library(void)
{
	return zlibVersion();
}
