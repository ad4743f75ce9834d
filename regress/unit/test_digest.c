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
 * Header and body digests: what must be equal, what must differ; the digest
 * of a public key against what openssl(1) computes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/digest.h"
#include "msg.h"

static const char base[] =
    "Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
    "From: Ann <ann@example.org>\r\n"
    "To: bob@example.org, carol@example.org\r\n"
    "Subject: one two  three\r\n"
    "Message-ID: <1@example.org>\r\n"
    "\r\n";

/* The same mail as other servers might show it. */
static const char *const same[] = {
	/* order, and the case of names */
	"message-id: <1@example.org>\r\n"
	"SUBJECT: one two  three\r\n"
	"to: bob@example.org, carol@example.org\r\n"
	"From: Ann <ann@example.org>\r\n"
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n\r\n",
	/* LF, no empty line */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\n"
	"From: Ann <ann@example.org>\n"
	"To: bob@example.org, carol@example.org\n"
	"Subject: one two  three\n"
	"Message-ID: <1@example.org>\n",
	/* folds, blanks, and a body behind the empty line */
	"Date:Tue, 24 Nov 2026 06:00:00 +0000 \r\n"
	"From :   Ann\r\n <ann@example.org>\t\r\n"
	"To:\r\n\tbob@example.org,\r\n \tcarol@example.org\r\n"
	"Subject: one two \r\n three\r\n"
	"Message-ID: <1@example.org>\r\n \r\n"
	"\r\nX: y\r\n",
	/* no line end at all at the end */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"To: bob@example.org, carol@example.org\r\n"
	"Subject: one two three\r\n"
	"Message-ID: <1@example.org>"
};

/* Other mails. */
static const char *const other[] = {
	"Date: Tue, 24 Nov 2026 06:00:01 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"To: bob@example.org, carol@example.org\r\n"
	"Subject: one two  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	/* the case of a value */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"To: bob@example.org, carol@example.org\r\n"
	"Subject: One two  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	/* values that change places */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"To: Ann <ann@example.org>\r\n"
	"From: bob@example.org, carol@example.org\r\n"
	"Subject: one two  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	/* a field more, a field less */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"To: bob@example.org, carol@example.org\r\n"
	"Subject: one two  three\r\n"
	"Cc:\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"Subject: one two  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	/* one field that looks like two when it is unfolded */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n To: bob@example.org, "
	"carol@example.org\r\n"
	"Subject: one two  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	/* blanks in a word */
	"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
	"From: Ann <ann@example.org>\r\n"
	"To: bob@example.org, carol@example.org\r\n"
	"Subject: onetwo  three\r\n"
	"Message-ID: <1@example.org>\r\n\r\n",
	""
};

static int
header(const char *text, uint8_t *md)
{
	return digest_header(text, strlen(text), md);
}

static void
test_header_same(void **state)
{
	uint8_t want[DIGEST_LEN], md[DIGEST_LEN];
	size_t i;

	assert_int_equal(header(base, want), ID_HEADER);
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(header(same[i], md), ID_HEADER);
		assert_memory_equal(md, want, DIGEST_LEN);
	}
}

static void
test_header_other(void **state)
{
	uint8_t want[DIGEST_LEN], md[DIGEST_LEN];
	size_t i;

	assert_int_equal(header(base, want), ID_HEADER);
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_not_equal(header(other[i], md), -1);
		assert_memory_not_equal(md, want, DIGEST_LEN);
	}
}

/* SHA-256 of "subject:x\n": the canonical form must not change unnoticed. */
static void
test_header_canonical(void **state)
{
	static const uint8_t want[DIGEST_LEN] = {
		0xaf, 0x88, 0xde, 0x71, 0x35, 0x7d, 0xb3, 0x1f,
		0x9b, 0x19, 0xa5, 0xc8, 0x09, 0x2d, 0x1e, 0xcf,
		0x38, 0x1a, 0x65, 0xa4, 0xb5, 0x6e, 0x48, 0x8c,
		0x84, 0xe0, 0xb9, 0xa0, 0xe0, 0x4c, 0xc4, 0xfa
	};
	uint8_t md[DIGEST_LEN];

	assert_int_equal(header(" continued\r\nno field\r\n: unnamed\r\n"
	    "SUBJECT:\r\n  x \r\n\r\n", md), ID_WEAK);
	assert_memory_equal(md, want, DIGEST_LEN);
}

static void
test_header_id(void **state)
{
	uint8_t md[DIGEST_LEN];

	assert_int_equal(header("", md), ID_WEAK);
	assert_int_equal(header("Subject: x\r\n\r\n", md), ID_WEAK);
	assert_int_equal(header("Message-ID:\r\n\r\n", md), ID_WEAK);
	assert_int_equal(header("Message-ID: \r\n \t\r\n\r\n", md), ID_WEAK);
	assert_int_equal(header("Message-ID: <>\r\n\r\n", md), ID_WEAK);
	assert_int_equal(header("X-Message-ID: <a>\r\n\r\n", md), ID_WEAK);
	assert_int_equal(header("\r\nMessage-ID: <a>\r\n", md), ID_WEAK);
	assert_int_equal(header("message-id: <a>", md), ID_HEADER);
	assert_int_equal(header("Message-ID:\r\n <a>\r\n\r\n", md), ID_HEADER);
	assert_int_equal(header("Message-ID: x\r\n\r\n", md), ID_HEADER);
}

/* At the cap and above; every octet value; cut at every place. */
static void
test_header_hostile(void **state)
{
	uint8_t md[DIGEST_LEN];
	char *big;
	size_t i;

	big = malloc(DIGEST_HEADERMAX + 1);
	assert_non_null(big);
	memset(big, '\n', DIGEST_HEADERMAX + 1);
	big[0] = 'a';
	assert_int_equal(digest_header(big, DIGEST_HEADERMAX, md), ID_WEAK);
	assert_int_equal(digest_header(big, DIGEST_HEADERMAX + 1, md), -1);
	for (i = 0; i < DIGEST_HEADERMAX; i += 2)
		memcpy(big + i, "a:", 2);
	assert_int_equal(digest_header(big, DIGEST_HEADERMAX, md), ID_WEAK);
	for (i = 0; i < DIGEST_HEADERMAX; i++)
		big[i] = i % 3 == 0 ? '\n' : i % 3 == 1 ? 'a' : ':';
	assert_int_equal(digest_header(big + 1, DIGEST_HEADERMAX - 1, md),
	    ID_WEAK);
	for (i = 0; i < DIGEST_HEADERMAX; i++)
		big[i] = i & 0xff;
	assert_int_equal(digest_header(big, DIGEST_HEADERMAX, md), ID_WEAK);
	free(big);
	for (i = 0; i < sizeof(base); i++) {
		big = malloc(i + 1);
		assert_non_null(big);
		memcpy(big, base, i);
		assert_int_not_equal(digest_header(big, i, md), -1);
		free(big);
	}
}

/* FIPS 180-2 vectors, in one piece, octet by octet, and used again. */
static void
test_body(void **state)
{
	static const char text[] =
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static const uint8_t want[DIGEST_LEN] = {
		0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8,
		0xe5, 0xc0, 0x26, 0x93, 0x0c, 0x3e, 0x60, 0x39,
		0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff, 0x21, 0x67,
		0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb, 0x06, 0xc1
	};
	uint8_t md[DIGEST_LEN];
	struct digest *d;
	size_t i;

	d = digest_new();
	assert_non_null(d);
	assert_int_equal(digest_update(d, text, sizeof(text) - 1), 0);
	assert_int_equal(digest_final(d, md), 0);
	assert_memory_equal(md, want, DIGEST_LEN);
	for (i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(digest_update(d, text + i, 1), 0);
	assert_int_equal(digest_final(d, md), 0);
	assert_memory_equal(md, want, DIGEST_LEN);
	assert_int_equal(digest_update(d, text, sizeof(text)), 0);
	assert_int_equal(digest_final(d, md), 0);
	assert_memory_not_equal(md, want, DIGEST_LEN);
	digest_free(d);
	digest_free(NULL);
}

static void
test_size(void **state)
{
	assert_int_equal(digest_prepare(), 0);
	assert_int_equal(digest_size("sha1"), 20);
	assert_int_equal(digest_size("SHA256"), 32);
	assert_int_equal(digest_size("sha384"), 48);
	assert_int_equal(digest_size("sha512"), 64);
	assert_int_equal(digest_size("md5"), 0);
	assert_int_equal(digest_size(""), 0);
}

/* A self-signed P-256 certificate, and the digest openssl dgst gave. */
static void
test_spki(void **state)
{
	static const char pem[] =
	    "-----BEGIN CERTIFICATE-----\n"
	    "MIIBdDCCARmgAwIBAgIUL5Ru628SFBS8wPgPWLzy0lmU3PwwCgYIKoZIzj0EAwIw\n"
	    "DjEMMAoGA1UEAwwDcGluMCAXDTI2MTEyNDA2MDEwOVoYDzIxMjYxMDMxMDYwMTA5\n"
	    "WjAOMQwwCgYDVQQDDANwaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQszvXq\n"
	    "NCiHXQ8FW3G4831krCkT7mzgW8/DbjYOiyiqaJvWoy3yXlfvdrd5Dopl3Sh5tV9G\n"
	    "iHA2vzdWEDYZpdQ1o1MwUTAdBgNVHQ4EFgQUvTbU7XWrhosz9hRbCv84H0MNR5Yw\n"
	    "HwYDVR0jBBgwFoAUvTbU7XWrhosz9hRbCv84H0MNR5YwDwYDVR0TAQH/BAUwAwEB\n"
	    "/zAKBggqhkjOPQQDAgNJADBGAiEAzLS9bZ04x68wzFxrurEbvUb4eByv5IB1La8t\n"
	    "V4L30PACIQCAUOYqh4Y/jsyvaFhSU3tmnllMHhhZK9LNDppKbX8a5w==\n"
	    "-----END CERTIFICATE-----\n";
	static const uint8_t want[] = {
		0xdb, 0xac, 0xcb, 0x1d, 0xc7, 0x30, 0xf6, 0xcf,
		0x38, 0x9b, 0xd7, 0xfd, 0xb6, 0xba, 0x9f, 0x1e,
		0xed, 0x10, 0x99, 0x0a, 0x51, 0xcf, 0x40, 0xfe,
		0xe3, 0x1b, 0x0f, 0x0a, 0xa5, 0x5a, 0xea, 0xea
	};
	uint8_t md[DIGEST_MAX];

	assert_int_equal(digest_spki("sha256", pem, sizeof(pem) - 1, md), 32);
	assert_memory_equal(md, want, 32);
	assert_int_equal(digest_spki("sha512", pem, sizeof(pem) - 1, md), 64);
	assert_int_equal(digest_spki("md5", pem, sizeof(pem) - 1, md), 0);
	assert_int_equal(digest_spki("sha256", pem, sizeof(pem) / 2, md), 0);
	assert_int_equal(digest_spki("sha256", "", 0, md), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_same),
		cmocka_unit_test(test_header_other),
		cmocka_unit_test(test_header_canonical),
		cmocka_unit_test(test_header_id),
		cmocka_unit_test(test_header_hostile),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_spki)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
