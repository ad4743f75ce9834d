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
 * The TLS layer, over libtls: see transport.h.  tls_prepare() is called by
 * main.c before the process locks, the rest after.  libtls verifies the
 * chain; what is checked here is the name (it may differ from the SNI, so
 * libtls cannot) and the pinned keys, both before the first octet of IMAP.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tls.h>

#include "digest.h"
#include "log.h"
#include "msg.h"
#include "pins.h"
#include "tlsopts.h"
#include "transport.h"

#define LAYER_AHEAD	65536		/* octets read from below at once */
#define LAYER_RECORD	16384		/* octets of a record (RFC 8446 5.1) */
#define LAYER_MAXEMPTY	32		/* records without data in a row */

struct tlsconf {
	struct tls	*ctx;
	struct tlsopts	 o;
	struct tls_layer *layer;	/* that uses it; NULL until then */
};

enum layer_state { LAYER_NEW, LAYER_SHAKING, LAYER_VERIFIED, LAYER_FAILED };

struct tls_layer {
	struct transport t;		/* first: a transport is one of these */
	struct tlsconf	*conf;		/* owned */
	enum layer_state state;
	int		 lower_failed;	/* why is noted there */
	int		 lower_eof, read_failed, read_waits, heard;
	size_t		 rpos, rlen;	/* of ahead */
	uint8_t		 ahead[LAYER_AHEAD];
};

/* Octets between libtls and the layer below. */

static ssize_t
lower_answer(struct tls_layer *l, ssize_t r)
{
	switch (r) {
	case IO_WANT_IN:
		return TLS_WANT_POLLIN;
	case IO_WANT_OUT:
		return TLS_WANT_POLLOUT;
	case IO_ERROR:
		l->lower_failed = 1;
		return -1;
	default:
		return r;
	}
}

/* Reads ahead: libtls asks for a record's head and body one by one. */
static ssize_t
lower_read(struct tls *ctx, void *p, size_t n, void *arg)
{
	struct tls_layer *l = ((struct tlsconf *)arg)->layer;
	ssize_t r;

	if (l->read_failed)	/* a reset is told by the kernel only once */
		return -1;
	if (l->rpos == l->rlen) {
		l->rpos = l->rlen = 0;
		r = transport_read(l->t.lower, l->ahead, sizeof(l->ahead));
		l->lower_eof = r == IO_EOF;
		l->read_failed = r == IO_ERROR;
		l->read_waits = r == IO_WANT_IN;
		if (r <= 0)
			return lower_answer(l, r);
		l->rlen = r;
		l->heard = 1;
	}
	if (n > l->rlen - l->rpos)
		n = l->rlen - l->rpos;
	memcpy(p, l->ahead + l->rpos, n);
	l->rpos += n;
	return n;
}

static ssize_t
lower_write(struct tls *ctx, const void *p, size_t n, void *arg)
{
	struct tls_layer *l = ((struct tlsconf *)arg)->layer;

	return lower_answer(l, transport_write(l->t.lower, p, n));
}

/* Before the lock. */

static uint32_t
version_bits(enum tls_version min, enum tls_version max)
{
	static const uint32_t bit[TLS_NVERSIONS] = {
		TLS_PROTOCOL_TLSv1_0, TLS_PROTOCOL_TLSv1_1,
		TLS_PROTOCOL_TLSv1_2, TLS_PROTOCOL_TLSv1_3
	};
	uint32_t bits = 0;

	for (; min <= max; min++)
		bits |= bit[min];
	return bits;
}

/* 0, or -1 with tls_config_error(). */
static int
fill_config(struct tls_config *cfg, const struct tlsopts *o)
{
	tls_config_insecure_noverifyname(cfg);	/* ours to do, see above */
	if (tls_config_set_protocols(cfg, version_bits(o->min, o->max)) == -1)
		return -1;
	if (o->ciphers[0] != '\0' &&
	    tls_config_set_ciphers(cfg, o->ciphers) == -1)
		return -1;
	if (o->cert.len > 0 && tls_config_set_keypair_mem(cfg,
	    (const uint8_t *)o->cert.pem, o->cert.len,
	    (const uint8_t *)o->key.pem, o->key.len) == -1)
		return -1;
	if (o->verify)
		return tls_config_set_ca_mem(cfg,
		    (const uint8_t *)o->certs.pem, o->certs.len);
	tls_config_insecure_noverifycert(cfg);
	return 0;
}

/*
 * The context of one connection.  "Connecting" it moves no octet, but makes
 * libtls parse the certificates.
 */
static int
make_context(struct tlsconf *tc, char *errbuf, size_t size)
{
	struct tls_config *cfg;
	int error = -1;

	cfg = tls_config_new();
	tc->ctx = tls_client();
	if (cfg == NULL || tc->ctx == NULL)
		(void)snprintf(errbuf, size, "no memory");
	else if (fill_config(cfg, &tc->o) == -1)
		(void)snprintf(errbuf, size, "TLS: %s", tls_config_error(cfg));
	else if (tls_configure(tc->ctx, cfg) == -1 ||
	    tls_connect_cbs(tc->ctx, lower_read, lower_write, tc,
	    tc->o.sni) == -1)
		(void)snprintf(errbuf, size, "TLS: %s", tls_error(tc->ctx));
	else
		error = 0;
	if (cfg != NULL)
		tls_config_clear_keys(cfg);
	tls_config_free(cfg);		/* counted: the context keeps it */
	return error;
}

struct tlsconf *
tls_prepare(const struct msg_config *mc, char *errbuf, size_t size)
{
	struct tlsconf *tc;

	tzset();		/* read its file now; dates are compared later */
	if (tls_init() == -1 || digest_prepare() == -1) {
		(void)snprintf(errbuf, size, "the TLS library does not start");
		return NULL;
	}
	if ((tc = calloc(1, sizeof(*tc))) == NULL) {
		(void)snprintf(errbuf, size, "no memory");
		return NULL;
	}
	if (tlsopts_parse(&tc->o, mc, tls_default_ca_cert_file(), errbuf,
	    size) == -1 || make_context(tc, errbuf, size) == -1) {
		tls_discard(tc);
		return NULL;
	}
	certs_free(&tc->o.certs);	/* the context has them parsed */
	certs_wipe(&tc->o.cert);
	certs_wipe(&tc->o.key);
	return tc;
}

void
tls_discard(struct tlsconf *tc)
{
	if (tc == NULL)
		return;
	tls_free(tc->ctx);
	tlsopts_free(&tc->o);
	free(tc);
}

/* After the lock. */

/*
 * What libtls answered, as ours.  A server that closes without close_notify
 * is an end of file: IMAP's own grammar tells whether something is missing.
 */
static ssize_t
layer_answer(struct tls_layer *l, ssize_t r)
{
	switch (r) {
	case TLS_WANT_POLLIN:
		return IO_WANT_IN;
	case TLS_WANT_POLLOUT:
		return IO_WANT_OUT;
	case -1:
		if (l->state == LAYER_FAILED)
			return IO_ERROR;
		if (l->lower_failed)
			return transport_fail_lower(&l->t);
		if (l->lower_eof)
			return IO_EOF;
		return transport_fail(&l->t, FAIL_TLS, "TLS: %s",
		    tls_error(l->conf->ctx));
	default:
		return r;
	}
}

/* "sha256$HEX" of the server's key, or "" when there is none. */
static void
peer_fingerprint(struct tls_layer *l, const char *name, char *buf, size_t size)
{
	const uint8_t *pem;
	size_t len;

	pem = tls_peer_cert_chain_pem(l->conf->ctx, &len);
	if (pem == NULL || pins_describe(name, pem, len, buf, size) == -1)
		buf[0] = '\0';
}

/* libtls refused the certificate or the handshake: its words, and a way out. */
static ssize_t
fail_handshake(struct tls_layer *l)
{
	const char *why = tls_error(l->conf->ctx);
	char text[TLSOPTS_TEXTMAX];

	tlsopts_refusal(&l->conf->o, why == NULL ? "unknown error" : why, text,
	    sizeof(text));
	return transport_fail(&l->t, FAIL_TLS, "%s", text);
}

static ssize_t
fail_closed(struct tls_layer *l)
{
	char text[TLSOPTS_TEXTMAX];

	return transport_fail(&l->t, tlsopts_closed(&l->conf->o, l->heard, text,
	    sizeof(text)) ? FAIL_NET : FAIL_TLS, "%s", text);
}

/* The name: a subject alternative name, or the common name (RFC 6125). */
static ssize_t
check_name(struct tls_layer *l)
{
	const struct tlsopts *o = &l->conf->o;
	const char *subject;
	char print[PINS_TEXTMAX];

	if (!o->verify || tls_peer_cert_contains_name(l->conf->ctx, o->host))
		return 1;
	peer_fingerprint(l, "sha256", print, sizeof(print));
	subject = tls_peer_cert_subject(l->conf->ctx);
	return transport_fail(&l->t, FAIL_TLS, "certificate of %s refused: it "
	    "names another host (%s); correct \"host\", or pin its key with "
	    "SSL_fingerprint=%s and SSL_verify=NO", o->host,
	    subject == NULL ? "no subject" : subject, print);
}

/* The pinned keys, if any. */
static ssize_t
check_pins(struct tls_layer *l)
{
	const struct tlsopts *o = &l->conf->o;
	const uint8_t *pem;
	size_t len = 0;
	char print[PINS_TEXTMAX];

	if (o->pins.n == 0)
		return 1;
	pem = tls_peer_cert_chain_pem(l->conf->ctx, &len);
	if (pem != NULL && pins_match(&o->pins, pem, len) == 1)
		return 1;
	peer_fingerprint(l, o->pins.pin[0].name, print, sizeof(print));
	return transport_fail(&l->t, FAIL_TLS, "certificate of %s refused: "
	    "its key has the fingerprint %s, which SSL_fingerprint does not "
	    "list", o->host, print[0] == '\0' ? "(unreadable)" : print);
}

static void
say_peer(struct tls_layer *l)
{
	struct tls *ctx = l->conf->ctx;
	const char *issuer = tls_peer_cert_issuer(ctx);
	const char *subject = tls_peer_cert_subject(ctx);
	char print[PINS_TEXTMAX];

	if (!log_says(LOG_L_DEBUG))
		return;
	peer_fingerprint(l, "sha256", print, sizeof(print));
	log_debug("TLS: %s, %s, SNI %s", tls_conn_version(ctx),
	    tls_conn_cipher(ctx), l->conf->o.sni == NULL ? "(none)" :
	    l->conf->o.sni);
	log_debug("Peer certificate fingerprint: %s", print);
	log_debug("Peer certificate: subject %s, issuer %s",
	    subject == NULL ? "?" : subject, issuer == NULL ? "?" : issuer);
}

/* One step of the handshake itself. */
static ssize_t
layer_shake(struct tls_layer *l)
{
	ssize_t r;

	if ((r = tls_handshake(l->conf->ctx)) == 0)
		return 1;
	if (r == -1 && l->lower_eof)
		return fail_closed(l);
	if (r == -1 && l->lower_failed)
		return transport_fail_lower(&l->t);
	if (r == -1)
		return fail_handshake(l);
	return layer_answer(l, r);
}

/* Shake hands, then check whose hand it was. */
static ssize_t
layer_verify(struct tls_layer *l)
{
	ssize_t r;

	if ((r = layer_shake(l)) == 1 && (r = check_name(l)) == 1 &&
	    (r = check_pins(l)) == 1) {
		l->state = LAYER_VERIFIED;
		say_peer(l);
	}
	return r;
}

static ssize_t
layer_handshake(struct transport *t)
{
	struct tls_layer *l = (struct tls_layer *)t;
	ssize_t r = 1;

	switch (l->state) {
	case LAYER_NEW:
		if ((r = transport_handshake(t->lower)) == IO_ERROR)
			r = transport_fail_lower(t);
		if (r != 1)
			break;
		l->state = LAYER_SHAKING;
		/* FALLTHROUGH */
	case LAYER_SHAKING:
		r = layer_verify(l);
		break;
	case LAYER_VERIFIED:
		break;
	case LAYER_FAILED:
		return IO_ERROR;
	}
	if (r == IO_ERROR)
		l->state = LAYER_FAILED;
	return r;
}

/* Nothing passes before the handshake and its checks are done. */
static int
layer_ready(struct tls_layer *l)
{
	if (l->state != LAYER_VERIFIED && l->state != LAYER_FAILED)
		fatal("TLS layer used before its handshake");
	return l->state == LAYER_VERIFIED;
}

/*
 * libtls answers TLS_WANT_POLLIN also behind a record that held no data
 * (session tickets); what follows it may have been read ahead already.
 */
static ssize_t
read_record(struct tls_layer *l, void *p, size_t n)
{
	ssize_t r;
	int i;

	for (i = 0; i < LAYER_MAXEMPTY; i++) {
		l->read_waits = 0;
		r = tls_read(l->conf->ctx, p, n);
		if (r != TLS_WANT_POLLIN || l->read_waits)
			return r;
	}
	l->state = LAYER_FAILED;
	(void)transport_fail(&l->t, FAIL_TLS, "TLS: the server sends records "
	    "without data");
	return -1;
}

/* Fills the buffer as far as records are at hand. */
static ssize_t
layer_read(struct transport *t, void *p, size_t n)
{
	struct tls_layer *l = (struct tls_layer *)t;
	size_t done = 0;
	ssize_t r = IO_WANT_IN;

	if (!layer_ready(l))
		return IO_ERROR;
	while (done < n) {
		r = read_record(l, (char *)p + done, n - done);
		if (r <= 0)
			break;
		done += r;
	}
	/* The end or an error is met again by the next call. */
	return done > 0 ? (ssize_t)done : layer_answer(l, r);
}

/* A record at a time: a step that must be repeated may then grow, too. */
static ssize_t
layer_write(struct transport *t, const void *p, size_t n)
{
	struct tls_layer *l = (struct tls_layer *)t;
	size_t done = 0, some;
	ssize_t r = IO_WANT_OUT;

	if (!layer_ready(l))
		return IO_ERROR;
	while (done < n) {
		some = n - done < LAYER_RECORD ? n - done : LAYER_RECORD;
		r = tls_write(l->conf->ctx, (const char *)p + done, some);
		if (r <= 0)
			break;
		done += r;
	}
	return done > 0 ? (ssize_t)done : layer_answer(l, r);
}

/* One close_notify, if it can be sent at once; then everything goes. */
static void
layer_close(struct transport *t)
{
	struct tls_layer *l = (struct tls_layer *)t;

	if (l->state == LAYER_VERIFIED)
		(void)tls_close(l->conf->ctx);
	tls_discard(l->conf);
	transport_close(t->lower);
	free(l);
}

static const struct transport_ops layer_ops = {
	"tls", layer_handshake, layer_read, layer_write, layer_close
};

struct transport *
transport_tls(struct transport *lower, struct tlsconf *tc)
{
	struct tls_layer *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->t.ops = &layer_ops;
	l->t.lower = lower;
	l->t.fd = lower->fd;
	l->conf = tc;
	tc->layer = l;
	return &l->t;
}

void
tls_describe(const struct transport *t, char *buf, size_t size)
{
	const struct tls_layer *l = (const struct tls_layer *)t;

	(void)snprintf(buf, size, "%s, %s", tls_conn_version(l->conf->ctx),
	    tls_conn_cipher(l->conf->ctx));
}
