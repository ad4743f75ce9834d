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
 * Digests by libcrypto's EVP: see digest.h.  Pure: octets in, octets out.
 * Nothing here opens a file; what the library wants to look up is looked up
 * by digest_prepare() before the process locks.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "digest.h"
#include "msg.h"

/* One header field: views into the text, value with its folds still in. */
struct field {
	const char	*name, *value;
	size_t		 namelen, valuelen;
	char		*canon;		/* "name:value\n", owned */
	size_t		 canonlen;
};

struct digest {
	EVP_MD_CTX	*ctx;
};

static const struct algorithm {
	const char	*name;
	size_t		 size;
	const EVP_MD	*(*md)(void);
} algorithms[] = {
	{ "sha1",	20,	EVP_sha1 },
	{ "sha256",	32,	EVP_sha256 },
	{ "sha384",	48,	EVP_sha384 },
	{ "sha512",	64,	EVP_sha512 }
};
#define NALGORITHMS	(sizeof(algorithms) / sizeof(algorithms[0]))

static const struct algorithm *
algorithm_find(const char *name)
{
	size_t i;

	for (i = 0; i < NALGORITHMS; i++) {
		if (strcasecmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	}
	return NULL;
}

int
digest_prepare(void)
{
	const struct bytes none = { "", 0 };
	uint8_t out[EVP_MAX_MD_SIZE];
	EVP_MD *md;
	size_t i;
	int ok;

	for (i = 0; i < NALGORITHMS; i++) {
		md = EVP_MD_fetch(NULL, algorithms[i].name, NULL);
		ok = md != NULL && EVP_Digest("", 0, out, NULL, md, NULL) == 1;
		EVP_MD_free(md);
		ok = ok && digest_pbkdf2(algorithms[i].name, none, none, 1,
		    out) == 0;
		if (!ok)
			return -1;
	}
	return 0;
}

/*
 * The header.
 */

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets of the line that begins here, with its line end. */
static size_t
line_length(const char *p, size_t n)
{
	const char *nl;

	nl = memchr(p, '\n', n);
	return nl == NULL ? n : (size_t)(nl - p) + 1;
}

/* Octets of the field that begins here: its line and those that continue it. */
static size_t
field_length(const char *p, size_t n)
{
	size_t len;

	len = line_length(p, n);
	while (len < n && (p[len] == ' ' || p[len] == '\t'))
		len += line_length(p + len, n - len);
	return len;
}

static int
is_empty_line(const char *p, size_t n)
{
	return n > 0 && (p[0] == '\n' || (n > 1 && p[0] == '\r' &&
	    p[1] == '\n'));
}

/* Split "name: value" and trim both.  0, or -1: not a field. */
static int
field_split(struct field *f, const char *p, size_t n)
{
	const char *colon;

	if ((colon = memchr(p, ':', n)) == NULL)
		return -1;
	f->name = p;
	f->namelen = colon - p;
	f->value = colon + 1;
	f->valuelen = n - f->namelen - 1;
	while (f->namelen > 0 && is_blank(f->name[f->namelen - 1]))
		f->namelen--;
	while (f->valuelen > 0 && is_blank(f->value[0])) {
		f->value++;
		f->valuelen--;
	}
	while (f->valuelen > 0 && is_blank(f->value[f->valuelen - 1]))
		f->valuelen--;
	return f->namelen == 0 ? -1 : 0;
}

/* Lower-case name, colon, value with each run of blanks as one, newline. */
static int
field_canonicalise(struct field *f)
{
	size_t i, w = 0;

	if ((f->canon = malloc(f->namelen + f->valuelen + 2)) == NULL)
		return -1;
	for (i = 0; i < f->namelen; i++)
		f->canon[w++] = tolower((unsigned char)f->name[i]);
	f->canon[w++] = ':';
	for (i = 0; i < f->valuelen; i++) {
		if (!is_blank(f->value[i]))
			f->canon[w++] = f->value[i];
		else if (!is_blank(f->value[i - 1]))
			f->canon[w++] = ' ';
	}
	f->canon[w++] = '\n';
	f->canonlen = w;
	return 0;
}

static int
field_compare(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	size_t n = x->canonlen < y->canonlen ? x->canonlen : y->canonlen;
	int cmp;

	if ((cmp = memcmp(x->canon, y->canon, n)) != 0)
		return cmp;
	return (x->canonlen > y->canonlen) - (x->canonlen < y->canonlen);
}

/* A Message-ID that says something: neither empty nor "<>". */
static int
field_identifies(const struct field *f)
{
	static const char name[] = "message-id:";
	size_t n = sizeof(name) - 1;

	return f->canonlen > n + 1 && memcmp(f->canon, name, n) == 0 &&
	    !(f->canonlen == n + 3 && memcmp(f->canon + n, "<>", 2) == 0);
}

/* Canonical fields of a header, up to its first empty line.  0 or -1. */
static int
fields_parse(struct field *fields, size_t *nfields, const char *p, size_t n)
{
	struct field *f;
	size_t len;

	for (; n > 0 && !is_empty_line(p, n); p += len, n -= len) {
		len = field_length(p, n);
		f = &fields[*nfields];
		if (field_split(f, p, len) == -1)
			continue;
		if (field_canonicalise(f) == -1)
			return -1;
		(*nfields)++;
	}
	return 0;
}

static size_t
count_lines(const char *p, size_t n)
{
	size_t lines = 1;

	for (; n > 0; n--)
		lines += *p++ == '\n';
	return lines;
}

static int
fields_digest(struct field *fields, size_t n, uint8_t out[DIGEST_LEN])
{
	struct digest *d;
	size_t i;
	int error = 0;

	if ((d = digest_new()) == NULL)
		return -1;
	qsort(fields, n, sizeof(*fields), field_compare);
	for (i = 0; i < n && error == 0; i++)
		error = digest_update(d, fields[i].canon, fields[i].canonlen);
	if (error == 0)
		error = digest_final(d, out);
	digest_free(d);
	return error;
}

int
digest_header(const char *p, size_t n, uint8_t out[DIGEST_LEN])
{
	struct field *fields;
	size_t i, nfields = 0;
	int kind = ID_WEAK;

	if (n > DIGEST_HEADERMAX)
		return -1;
	if ((fields = calloc(count_lines(p, n), sizeof(*fields))) == NULL)
		return -1;
	if (fields_parse(fields, &nfields, p, n) == -1 ||
	    fields_digest(fields, nfields, out) == -1)
		kind = -1;
	for (i = 0; i < nfields; i++) {
		if (kind == ID_WEAK && field_identifies(&fields[i]))
			kind = ID_HEADER;
		free(fields[i].canon);
	}
	free(fields);
	return kind;
}

/*
 * A body.
 */

static int
digest_start(struct digest *d)
{
	return EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

struct digest *
digest_new(void)
{
	struct digest *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	if ((d->ctx = EVP_MD_CTX_new()) == NULL || digest_start(d) == -1) {
		digest_free(d);
		return NULL;
	}
	return d;
}

int
digest_update(struct digest *d, const void *p, size_t n)
{
	return EVP_DigestUpdate(d->ctx, p, n) == 1 ? 0 : -1;
}

int
digest_final(struct digest *d, uint8_t out[DIGEST_LEN])
{
	if (EVP_DigestFinal_ex(d->ctx, out, NULL) != 1)
		return -1;
	return digest_start(d);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

/*
 * A public key.
 */

size_t
digest_size(const char *name)
{
	const struct algorithm *a = algorithm_find(name);

	return a == NULL ? 0 : a->size;
}

static X509 *
certificate_first(const void *pem, size_t n)
{
	X509 *cert;
	BIO *bio;

	if (n > INT_MAX || (bio = BIO_new_mem_buf(pem, (int)n)) == NULL)
		return NULL;
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return cert;
}

size_t
digest_spki(const char *name, const void *pem, size_t n,
    uint8_t out[DIGEST_MAX])
{
	const struct algorithm *a;
	unsigned char *der = NULL;
	X509 *cert;
	size_t size = 0;
	int len;

	if ((a = algorithm_find(name)) == NULL)
		return 0;
	if ((cert = certificate_first(pem, n)) == NULL)
		return 0;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len > 0 && EVP_Digest(der, len, out, NULL, a->md(), NULL) == 1)
		size = a->size;
	OPENSSL_free(der);
	X509_free(cert);
	return size;
}

/*
 * For SCRAM.
 */

int
digest_octets(const char *name, const void *p, size_t n,
    uint8_t out[DIGEST_MAX])
{
	const struct algorithm *a = algorithm_find(name);

	if (a == NULL || EVP_Digest(p, n, out, NULL, a->md(), NULL) != 1)
		return -1;
	return 0;
}

int
digest_hmac(const char *name, const uint8_t *key, struct bytes m,
    uint8_t out[DIGEST_MAX])
{
	const struct algorithm *a = algorithm_find(name);

	if (a == NULL || HMAC(a->md(), key, (int)a->size,
	    (const unsigned char *)m.p, m.n, out, NULL) == NULL)
		return -1;
	return 0;
}

int
digest_pbkdf2(const char *name, struct bytes pass, struct bytes salt,
    unsigned int iterations, uint8_t out[DIGEST_MAX])
{
	const struct algorithm *a = algorithm_find(name);

	if (a == NULL || pass.n > INT_MAX || salt.n > INT_MAX ||
	    iterations > INT_MAX)
		return -1;
	return PKCS5_PBKDF2_HMAC(pass.p, (int)pass.n,
	    (const unsigned char *)salt.p, (int)salt.n, (int)iterations,
	    a->md(), (int)a->size, out) == 1 ? 0 : -1;
}

/* The two libraries come from one project, or libtls is LibreTLS. */
void
digest_library(char *buf, size_t len)
{
#ifdef LIBRESSL_VERSION_NUMBER
	snprintf(buf, len, "libtls and libcrypto of %s",
	    OpenSSL_version(OPENSSL_VERSION));
#else
	snprintf(buf, len, "LibreTLS %s, %s", LIBTLS_VERSION,
	    OpenSSL_version(OPENSSL_VERSION));
#endif
}
