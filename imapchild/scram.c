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
 * SCRAM: see scram.h.  Of SASLprep (RFC 4013) only what ASCII needs is here,
 * which is nothing but to refuse control characters; anything else is refused,
 * since an unprepared password would look like a wrong one.
 */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "scram.h"

#define GS2_HEADER	"n,,"		/* no channel binding, no authzid */
#define GS2_BASE64	"biws"		/* the same in base 64 */

void
scram_init(struct scram *s, const char *hash, struct bytes user,
    struct bytes pass, const char *nonce)
{
	memset(s, 0, sizeof(*s));
	s->hash = hash;
	s->user = user;
	s->pass = pass;
	s->nonce = nonce;
	ibuf_init(&s->message);
}

void
scram_free(struct scram *s)
{
	ibuf_free(&s->message);
	explicit_bzero(s, sizeof(*s));
}

static int
scram_fail(struct scram *s, const char *why)
{
	s->why = why;
	return -1;
}

static void
add(struct ibuf *b, const char *text)
{
	ibuf_add_raw(b, text, strlen(text));
}

static int
is_prepared(struct bytes b)
{
	size_t	 i;

	for (i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] > 0x7e)
			return 0;
	return 1;
}

/* RFC 5802 section 5.1: "=" and "," are written as =3D and =2C. */
void
scram_add_name(struct ibuf *b, struct bytes name)
{
	size_t	 i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] == '=')
			add(b, "=3D");
		else if (name.p[i] == ',')
			add(b, "=2C");
		else
			ibuf_add_u8(b, (uint8_t)name.p[i]);
}

int
scram_first(struct scram *s, struct ibuf *out)
{
	if (!is_prepared(s->user) || !is_prepared(s->pass))
		return scram_fail(s, "SCRAM takes user names and passwords of "
		    "printable ASCII only here; use another mechanism, or "
		    "another password");
	add(&s->message, "n=");
	scram_add_name(&s->message, s->user);
	add(&s->message, ",r=");
	add(&s->message, s->nonce);
	add(out, GS2_HEADER);
	ibuf_add_raw(out, s->message.buf, s->message.wpos);
	s->state = SCRAM_FIRST;
	return 0;
}

/*
 * The value of an attribute that has to come next, "r=VALUE" and a comma or
 * the end.  0, or -1: it does not.
 */
static int
take(struct bytes *m, char name, struct bytes *value)
{
	const char	*comma;

	if (m->n < 2 || m->p[0] != name || m->p[1] != '=')
		return -1;
	value->p = m->p + 2;
	comma = memchr(value->p, ',', m->n - 2);
	value->n = comma == NULL ? m->n - 2 : (size_t)(comma - value->p);
	m->n -= value->n + 2;
	m->p += value->n + 2;
	if (comma != NULL) {
		m->p++;
		m->n--;
	}
	return 0;
}

/* Ours, and something of the server's behind it. */
static int
is_nonce(const struct scram *s, struct bytes nonce)
{
	size_t	 n = strlen(s->nonce);

	return nonce.n > n && memcmp(nonce.p, s->nonce, n) == 0 &&
	    is_prepared(nonce);
}

/* 0: not a count that is allowed. */
static unsigned int
iterations(struct bytes b)
{
	unsigned int	 n = 0;
	size_t		 i;

	for (i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9' || n > SCRAM_MAXITER)
			return 0;
		n = 10 * n + (unsigned int)(b.p[i] - '0');
	}
	return n >= SCRAM_MINITER && n <= SCRAM_MAXITER ? n : 0;
}

/*
 * RFC 5802 section 3, from SaltedPassword to ClientProof, which is written to
 * proof; the signature we expect of the server is kept.  0, or -1.
 */
static int
prove(struct scram *s, struct bytes salt, unsigned int iter, uint8_t *proof)
{
	uint8_t		 salted[DIGEST_MAX], key[DIGEST_MAX];
	uint8_t		 stored[DIGEST_MAX], sig[DIGEST_MAX];
	struct bytes	 m = { (const char *)s->message.buf,
			    s->message.wpos };
	size_t		 i, n = digest_size(s->hash);
	int		 error;

	error = digest_pbkdf2(s->hash, s->pass, salt, iter, salted) == -1 ||
	    digest_hmac(s->hash, salted, bytes_of("Client Key"), key) == -1 ||
	    digest_octets(s->hash, key, n, stored) == -1 ||
	    digest_hmac(s->hash, stored, m, sig) == -1;
	for (i = 0; i < n && !error; i++)
		proof[i] = key[i] ^ sig[i];
	error = error ||
	    digest_hmac(s->hash, salted, bytes_of("Server Key"), key) == -1 ||
	    digest_hmac(s->hash, key, m, s->signature) == -1;
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(sig, sizeof(sig));
	return error ? -1 : 0;
}

/* client-final-message; the AuthMessage becomes whole. */
static int
finish(struct scram *s, struct bytes first, struct bytes nonce,
    struct bytes salt, unsigned int iter, struct ibuf *out)
{
	uint8_t	 proof[DIGEST_MAX];

	add(out, "c=" GS2_BASE64 ",r=");
	ibuf_add_raw(out, nonce.p, nonce.n);
	add(&s->message, ",");
	ibuf_add_raw(&s->message, first.p, first.n);
	add(&s->message, ",");
	ibuf_add_raw(&s->message, out->buf, out->wpos);
	if (!ibuf_ok(out) || !ibuf_ok(&s->message) ||
	    prove(s, salt, iter, proof) == -1)
		return scram_fail(s, "SCRAM: the library failed");
	add(out, ",p=");
	base64_encode(out, proof, digest_size(s->hash));
	explicit_bzero(proof, sizeof(proof));
	s->state = SCRAM_FINAL;
	return 0;
}

static int
server_first(struct scram *s, struct bytes m, struct ibuf *out)
{
	struct bytes	 first = m, nonce, salt64, count, salt;
	struct ibuf	 b;
	unsigned int	 iter;
	int		 rc;

	if (take(&m, 'r', &nonce) == -1 || take(&m, 's', &salt64) == -1 ||
	    take(&m, 'i', &count) == -1)
		return scram_fail(s, "SCRAM: the server's first message is "
		    "malformed, or asks for an extension");
	if (!is_nonce(s, nonce))
		return scram_fail(s, "SCRAM: the server does not repeat our "
		    "nonce; somebody may stand in between");
	if ((iter = iterations(count)) == 0)
		return scram_fail(s, "SCRAM: the server's iteration count is "
		    "below 4096 or above 10000000; set the password anew "
		    "there, or use another mechanism");
	ibuf_init(&b);
	rc = base64_decode(&b, salt64.p, salt64.n);
	salt.p = (const char *)b.buf;
	salt.n = b.wpos;
	if (rc == -1 || salt.n == 0 || salt.n > SCRAM_SALTMAX)
		rc = scram_fail(s, "SCRAM: the server's salt is malformed");
	else
		rc = finish(s, first, nonce, salt, iter, out);
	ibuf_free(&b);
	return rc;
}

/* Compares in a time that tells nothing. */
static int
differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t	 d = 0;

	while (n-- > 0)
		d |= a[n] ^ b[n];
	return d != 0;
}

/* Only who knows the password, or what was made of it, can sign. */
static int
server_final(struct scram *s, struct bytes m)
{
	struct bytes	 v;
	struct ibuf	 b;
	size_t		 n = digest_size(s->hash);
	int		 bad;

	if (take(&m, 'e', &v) == 0) {
		n = v.n < sizeof(s->error) ? v.n : sizeof(s->error) - 1;
		memcpy(s->error, v.p, n);
		s->state = SCRAM_REFUSED;
		return 0;
	}
	ibuf_init(&b);
	bad = take(&m, 'v', &v) == -1 ||
	    base64_decode(&b, v.p, v.n) == -1 || b.wpos != n ||
	    differ(b.buf, s->signature, n);
	ibuf_free(&b);
	if (bad)
		return scram_fail(s, "SCRAM: the server's signature is wrong: "
		    "it does not know the password; somebody may stand in "
		    "between");
	s->state = SCRAM_VERIFIED;
	return 0;
}

int
scram_step(struct scram *s, struct bytes m, struct ibuf *out)
{
	if (memchr(m.p, '\0', m.n) != NULL)
		return scram_fail(s, "SCRAM: NUL in a message of the server");
	switch (s->state) {
	case SCRAM_FIRST:
		return server_first(s, m, out);
	case SCRAM_FINAL:
		return server_final(s, m);
	default:
		return scram_fail(s, "SCRAM: the server says too much");
	}
}
