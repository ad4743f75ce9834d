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
 * Mechanisms: see sasl.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sasl.h"

#define SEP	"\001"		/* between the fields of OAuth (RFC 7628) */

static int
sasl_fail(struct sasl *s, const char *why)
{
	s->why = why;
	return -1;
}

static void
add(struct ibuf *b, const char *text)
{
	ibuf_add_raw(b, text, strlen(text));
}

static void
add_bytes(struct ibuf *b, struct bytes v)
{
	ibuf_add_raw(b, v.p, v.n);
}

/* RFC 4616 section 2: no authorization identity, NUL, name, NUL, password. */
static int
plain_first(struct sasl *s, struct ibuf *out)
{
	ibuf_add_u8(out, '\0');
	add_bytes(out, s->user);
	ibuf_add_u8(out, '\0');
	add_bytes(out, s->pass);
	return 0;
}

/* RFC 4422 appendix A: who we want to be; empty: whoever TLS says. */
static int
external_first(struct sasl *s, struct ibuf *out)
{
	add_bytes(out, s->user);
	return 0;
}

/*
 * SCRAM.
 */

static int
scram_begin(struct sasl *s, const char *hash, struct ibuf *out)
{
	uint8_t	 noise[SASL_NONCE];
	size_t	 i;

	arc4random_buf(noise, sizeof(noise));
	for (i = 0; i < sizeof(noise); i++)
		snprintf(s->nonce + 2 * i, 3, "%02x", noise[i]);
	scram_init(&s->scram, hash, s->user, s->pass, s->nonce);
	if (scram_first(&s->scram, out) == -1)
		return sasl_fail(s, s->scram.why);
	return 0;
}

static int
scram1_first(struct sasl *s, struct ibuf *out)
{
	return scram_begin(s, "sha1", out);
}

static int
scram256_first(struct sasl *s, struct ibuf *out)
{
	return scram_begin(s, "sha256", out);
}

static int
scram_next(struct sasl *s, struct bytes challenge, struct ibuf *out)
{
	if (scram_step(&s->scram, challenge, out) == -1)
		return sasl_fail(s, s->scram.why);
	if (s->scram.state == SCRAM_REFUSED) {
		ibuf_reset(&s->error);
		add(&s->error, s->scram.error);
	}
	return 0;
}

static int
scram_accept(struct sasl *s)
{
	if (s->scram.state == SCRAM_VERIFIED)
		return 0;
	return sasl_fail(s, "SCRAM: the server says OK without a signature: "
	    "nothing shows that it knows the password; somebody may stand in "
	    "between");
}

/*
 * OAuth.
 */

/* What may stand in a field: nothing that ends one. */
static int
is_field(struct bytes b, char lowest)
{
	size_t	 i;

	for (i = 0; i < b.n; i++)
		if ((unsigned char)b.p[i] < (unsigned char)lowest ||
		    b.p[i] == 0x7f)
			return 0;
	return 1;
}

static int
check_fields(struct sasl *s)
{
	if (!is_field(s->pass, '!'))
		return sasl_fail(s, "the token holds a blank or a control "
		    "character");
	if (!is_field(s->user, ' '))
		return sasl_fail(s, "the user name holds a control "
		    "character");
	return 0;
}

static void
add_token(struct ibuf *out, struct bytes token)
{
	add(out, "auth=Bearer ");
	add_bytes(out, token);
	add(out, SEP SEP);
}

static int
is_number(struct bytes b)
{
	size_t	 i;

	for (i = 0; i < b.n; i++)
		if (b.p[i] < '0' || b.p[i] > '9')
			return 0;
	return b.n > 0;
}

/* RFC 7628 section 3.1; a tunnel has neither host nor port. */
static int
oauthbearer_first(struct sasl *s, struct ibuf *out)
{
	if (check_fields(s) == -1)
		return -1;
	add(out, "n,");
	if (s->user.n > 0) {
		add(out, "a=");
		scram_add_name(out, s->user);
	}
	add(out, "," SEP);
	if (s->host.n > 0) {
		add(out, "host=");
		add_bytes(out, s->host);
		add(out, SEP);
	}
	if (is_number(s->port)) {
		add(out, "port=");
		add_bytes(out, s->port);
		add(out, SEP);
	}
	add_token(out, s->pass);
	return 0;
}

/* Of Google and Microsoft, who invented it before the RFC. */
static int
xoauth2_first(struct sasl *s, struct ibuf *out)
{
	if (check_fields(s) == -1)
		return -1;
	add(out, "user=");
	add_bytes(out, s->user);
	add(out, SEP);
	add_token(out, s->pass);
	return 0;
}

static int
keep_error(struct sasl *s, struct bytes challenge)
{
	if (s->error.wpos > 0)
		return sasl_fail(s, "the server challenges again and again");
	ibuf_add_raw(&s->error, challenge.p, challenge.n);
	return 0;
}

/* RFC 7628 section 3.2.3: an error is acknowledged, then comes the NO. */
static int
oauthbearer_error(struct sasl *s, struct bytes challenge, struct ibuf *out)
{
	add(out, SEP);
	return keep_error(s, challenge);
}

static int
xoauth2_error(struct sasl *s, struct bytes challenge, struct ibuf *out)
{
	return keep_error(s, challenge);
}

/*
 * The table.
 */

static const struct sasl_mech mechs[] = {
	{ "LOGIN", SASL_USER | SASL_PASS | SASL_CLEAR | SASL_PLAIN,
	    NULL, NULL, NULL },
	{ "PLAIN", SASL_USER | SASL_PASS | SASL_CLEAR | SASL_PLAIN,
	    plain_first, NULL, NULL },
	{ "SCRAM-SHA-256", SASL_USER | SASL_PASS,
	    scram256_first, scram_next, scram_accept },
	{ "SCRAM-SHA-1", SASL_USER | SASL_PASS,
	    scram1_first, scram_next, scram_accept },
	{ "EXTERNAL", SASL_CERT, external_first, NULL, NULL },
	{ "OAUTHBEARER", SASL_PASS | SASL_CLEAR | SASL_TOKEN,
	    oauthbearer_first, oauthbearer_error, NULL },
	{ "XOAUTH2", SASL_USER | SASL_PASS | SASL_CLEAR | SASL_TOKEN,
	    xoauth2_first, xoauth2_error, NULL }
};
#define NMECHS	(sizeof(mechs) / sizeof(mechs[0]))

const struct sasl_mech *
sasl_find(const char *name, size_t n)
{
	size_t	 i;

	for (i = 0; i < NMECHS; i++)
		if (strlen(mechs[i].name) == n &&
		    strncasecmp(mechs[i].name, name, n) == 0)
			return &mechs[i];
	return NULL;
}

uint32_t
sasl_bit(const struct sasl_mech *m)
{
	return (uint32_t)1 << (m - mechs);
}

void
sasl_names(char *buf, size_t size)
{
	size_t	 i;

	buf[0] = '\0';
	for (i = 0; i < NMECHS; i++) {
		if (i > 0)
			strlcat(buf, " ", size);
		strlcat(buf, mechs[i].name, size);
	}
}

struct sasl *
sasl_new(const struct sasl_mech *mech)
{
	struct sasl	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->mech = mech;
	ibuf_init(&s->error);
	ibuf_init(&s->scram.message);
	return s;
}

void
sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	scram_free(&s->scram);
	ibuf_free(&s->error);
	freezero(s, sizeof(*s));
}

int
sasl_next(struct sasl *s, struct bytes challenge, struct ibuf *out)
{
	int	 rc;

	if (!s->begun) {
		s->begun = 1;
		rc = s->mech->first(s, out);
	} else
		rc = s->mech->step(s, challenge, out);
	if (rc == 0 && !ibuf_ok(out))
		return sasl_fail(s, "the login is too long");
	return rc;
}
