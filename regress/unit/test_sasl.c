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
 * imapchild/sasl.c, scram.c, base64.c: what each mechanism says, and what of a
 * server's it believes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/base64.h"
#include "imapchild/sasl.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- base 64 ---- */

static void
test_base64(void **state)
{
	static const struct { const char *plain, *text; } t[] = {
		/* RFC 4648 section 10 */
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xef\xbe\xfb", "/+++" "+w==" },
		{ "\xff\xff\xff", "////" }
	};
	struct ibuf	 b;
	size_t		 i;

	for (i = 0; i < LEN(t); i++) {
		ibuf_init(&b);
		base64_encode(&b, t[i].plain, strlen(t[i].plain));
		assert_int_equal(b.wpos, strlen(t[i].text));
		if (b.wpos > 0)
			assert_memory_equal(b.buf, t[i].text, b.wpos);
		ibuf_free(&b);
		assert_int_equal(base64_decode(&b, t[i].text,
		    strlen(t[i].text)), 0);
		assert_int_equal(b.wpos, strlen(t[i].plain));
		if (b.wpos > 0)
			assert_memory_equal(b.buf, t[i].plain, b.wpos);
		ibuf_free(&b);
	}
}

static void
test_base64_bad(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zg==Zg==", "Zh==",
		"Zm9=", "Zm 9", "Zm9v\n", "Zm-_", "Zm9v="
	};
	struct ibuf	 b;
	char		*exact;
	size_t		 i, n;

	for (i = 0; i < LEN(bad); i++) {
		n = strlen(bad[i]);
		assert_non_null(exact = malloc(n));
		memcpy(exact, bad[i], n);
		ibuf_init(&b);
		if (base64_decode(&b, exact, n) != -1)
			fail_msg("%s is taken", bad[i]);
		ibuf_free(&b);
		free(exact);
	}
}

/* ---- SCRAM ---- */

#define NONCE1	"fyko+d2lbbFgONRv9qkxdawL"
#define FIRST1	"r=" NONCE1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
#define FINAL1	"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
#define NONCE2	"rOprNGfwEbeRWgbNEkqO"
#define FIRST2	"r=" NONCE2 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," \
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL2	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void
is_text(const struct ibuf *b, const char *want)
{
	if (b->wpos != strlen(want) ||
	    (b->wpos > 0 && memcmp(b->buf, want, b->wpos) != 0))
		fail_msg("%.*s is not %s", (int)b->wpos, b->buf == NULL ? "" :
		    (const char *)b->buf, want);
}

/* One step with exactly these octets, so that reading past them is seen. */
static int
step(struct scram *s, const char *text, size_t n, struct ibuf *out)
{
	char		*exact = malloc(n > 0 ? n : 1);
	struct bytes	 m = { exact, n };
	int		 rc;

	assert_non_null(exact);
	memcpy(exact, text, n);
	ibuf_free(out);
	rc = scram_step(s, m, out);
	free(exact);
	return rc;
}

static void
begin(struct scram *s, const char *hash, const char *user, const char *pass,
    const char *nonce, struct ibuf *out)
{
	scram_init(s, hash, bytes_of(user), bytes_of(pass), nonce);
	ibuf_init(out);
	assert_int_equal(scram_first(s, out), 0);
}

/* RFC 5802 section 5 and RFC 7677 section 3. */
static void
test_scram_vectors(void **state)
{
	static const struct {
		const char	*hash, *nonce, *first, *final, *proof;
	} t[] = {
		{ "sha1", NONCE1, FIRST1, FINAL1, "c=biws,r=" NONCE1
		    "3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=" },
		{ "sha256", NONCE2, FIRST2, FINAL2, "c=biws,r=" NONCE2
		    "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=" }
	};
	struct scram	 s;
	struct ibuf	 out;
	char		 first[128];
	size_t		 i;

	for (i = 0; i < LEN(t); i++) {
		begin(&s, t[i].hash, "user", "pencil", t[i].nonce, &out);
		snprintf(first, sizeof(first), "n,,n=user,r=%s", t[i].nonce);
		is_text(&out, first);
		assert_int_equal(step(&s, t[i].first, strlen(t[i].first),
		    &out), 0);
		is_text(&out, t[i].proof);
		assert_int_equal(s.state, SCRAM_FINAL);
		assert_int_equal(step(&s, t[i].final, strlen(t[i].final),
		    &out), 0);
		is_text(&out, "");
		assert_int_equal(s.state, SCRAM_VERIFIED);
		assert_int_equal(step(&s, t[i].final, strlen(t[i].final),
		    &out), -1);
		ibuf_free(&out);
		scram_free(&s);
	}
}

static void
test_scram_names(void **state)
{
	struct scram	 s;
	struct ibuf	 out;

	begin(&s, "sha1", "a=b,c ~", "pencil", "N", &out);
	is_text(&out, "n,,n=a=3Db=2Cc ~,r=N");
	ibuf_free(&out);
	scram_free(&s);
}

/* What SASLprep would have to change, or forbids, is refused by name. */
static void
test_scram_unprepared(void **state)
{
	static const char *const t[][2] = {
		{ "us\xc3\xa9r", "p" }, { "u", "\xc3\xa9" }, { "u", "a\x7f" },
		{ "u", "a\tb" }, { "\x01", "p" }
	};
	struct scram	 s;
	struct ibuf	 out;
	size_t		 i;

	for (i = 0; i < LEN(t); i++) {
		scram_init(&s, "sha256", bytes_of(t[i][0]), bytes_of(t[i][1]),
		    "N");
		ibuf_init(&out);
		assert_int_equal(scram_first(&s, &out), -1);
		assert_non_null(strstr(s.why, "ASCII"));
		assert_int_equal(out.wpos, 0);
		ibuf_free(&out);
		scram_free(&s);
	}
}

/* First messages, and a word of why they are refused; NULL: they are not. */
static const struct {
	const char	*m, *why;
} firsts[] = {
	{ FIRST1, NULL },
	{ FIRST1 ",x=whatever", NULL },
	{ "r=" NONCE1 "x,s=QSXC,i=4096", NULL },
	{ "r=" NONCE1 "x,s=QSXC,i=4095", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=0", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=-4096", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=+4096", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=4096x", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=10000001", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=4294971392", "iteration" },
	{ "r=" NONCE1 "x,s=QSXC,i=18446744073709555712", "iteration" },
	{ "r=" NONCE1 ",s=QSXC,i=4096", "nonce" },
	{ "r=fyko+d2lbbFgONRv9qkxdawM3rfc,s=QSXC,i=4096", "nonce" },
	{ "r=,s=QSXC,i=4096", "nonce" },
	{ "r=fyko,s=QSXC,i=4096", "nonce" },
	{ "r=" NONCE1 "\x80,s=QSXC,i=4096", "nonce" },
	{ "r=" NONCE1 "x,s=,i=4096", "salt" },
	{ "r=" NONCE1 "x,s=QSX,i=4096", "salt" },
	{ "r=" NONCE1 "x,s=Q!XC,i=4096", "salt" },
	{ "m=ext,r=" NONCE1 "x,s=QSXC,i=4096", "extension" },
	{ "r=" NONCE1 "x,s=QSXC", "malformed" },
	{ "r=" NONCE1 "x", "malformed" },
	{ "r=" NONCE1 "x,i=4096,s=QSXC", "malformed" },
	{ "e=other-error", "malformed" },
	{ "r", "malformed" }, { "", "malformed" }, { ",", "malformed" },
};

static void
test_scram_first(void **state)
{
	struct scram	 s;
	struct ibuf	 out;
	size_t		 i;
	int		 rc;

	for (i = 0; i < LEN(firsts); i++) {
		begin(&s, "sha1", "user", "pencil", NONCE1, &out);
		rc = step(&s, firsts[i].m, strlen(firsts[i].m), &out);
		if (rc != (firsts[i].why == NULL ? 0 : -1))
			fail_msg("%s: %d", firsts[i].m, rc);
		if (rc == -1 && strstr(s.why, firsts[i].why) == NULL)
			fail_msg("%s: %s", firsts[i].m, s.why);
		if (rc == -1)
			is_text(&out, "");
		ibuf_free(&out);
		scram_free(&s);
	}
}

static void
test_scram_nul(void **state)
{
	static const char	 m[] = FIRST1 "\0";
	struct scram		 s;
	struct ibuf		 out;

	begin(&s, "sha1", "user", "pencil", NONCE1, &out);
	assert_int_equal(step(&s, m, sizeof(m), &out), -1);
	ibuf_free(&out);
	scram_free(&s);
}

/* A salt of 1024 octets is taken, one more is not. */
static void
test_scram_salt(void **state)
{
	static uint8_t	 octets[SCRAM_SALTMAX + 1];
	struct scram	 s;
	struct ibuf	 out, m;
	int		 more;

	for (more = 0; more < 2; more++) {
		ibuf_init(&m);
		ibuf_add_raw(&m, "r=" NONCE1 "x,s=", strlen("r=" NONCE1
		    "x,s="));
		base64_encode(&m, octets, SCRAM_SALTMAX + more);
		ibuf_add_raw(&m, ",i=4096", 7);
		begin(&s, "sha1", "user", "pencil", NONCE1, &out);
		assert_int_equal(step(&s, (char *)m.buf, m.wpos, &out),
		    more ? -1 : 0);
		ibuf_free(&m);
		ibuf_free(&out);
		scram_free(&s);
	}
}

/* Only the one signature is believed. */
static void
test_scram_final(void **state)
{
	static const char *const bad[] = {
		"v=rmF9pqV8S7suAoZWja4dJRkFsKR=",	/* not base 64 */
		"v=rmF9pqV8S7suAoZWja4dJRkFsKU=",
		"v=smF9pqV8S7suAoZWja4dJRkFsKQ=",
		"v=rmF9pqV8S7suAoZWja4dJRkF", "v=", "v", "", "x=y",
		"rmF9pqV8S7suAoZWja4dJRkFsKQ=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ",
		"v=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",	/* our own proof */
	};
	struct scram	 s;
	struct ibuf	 out;
	size_t		 i;

	for (i = 0; i < LEN(bad); i++) {
		begin(&s, "sha1", "user", "pencil", NONCE1, &out);
		assert_int_equal(step(&s, FIRST1, strlen(FIRST1), &out), 0);
		if (step(&s, bad[i], strlen(bad[i]), &out) != -1)
			fail_msg("%s is believed", bad[i]);
		assert_non_null(strstr(s.why, "signature"));
		assert_int_not_equal(s.state, SCRAM_VERIFIED);
		ibuf_free(&out);
		scram_free(&s);
	}
	/* that of the right one, asked with another password */
	begin(&s, "sha1", "user", "pencils", NONCE1, &out);
	assert_int_equal(step(&s, FIRST1, strlen(FIRST1), &out), 0);
	assert_int_equal(step(&s, FINAL1, strlen(FINAL1), &out), -1);
	ibuf_free(&out);
	scram_free(&s);
}

static void
test_scram_error(void **state)
{
	static const char	 longer[] = "e=01234567890123456789012345678901"
	    "234567890123456789012345678901234567890123456789";
	struct scram		 s;
	struct ibuf		 out;

	begin(&s, "sha1", "user", "pencil", NONCE1, &out);
	assert_int_equal(step(&s, FIRST1, strlen(FIRST1), &out), 0);
	assert_int_equal(step(&s, "e=invalid-proof,x=y", 19, &out), 0);
	is_text(&out, "");
	assert_string_equal(s.error, "invalid-proof");
	assert_int_equal(s.state, SCRAM_REFUSED);
	/* and no signature behind it helps */
	assert_int_equal(step(&s, FINAL1, strlen(FINAL1), &out), -1);
	ibuf_free(&out);
	scram_free(&s);

	begin(&s, "sha1", "user", "pencil", NONCE1, &out);
	assert_int_equal(step(&s, FIRST1, strlen(FIRST1), &out), 0);
	assert_int_equal(step(&s, longer, strlen(longer), &out), 0);
	assert_int_equal(strlen(s.error), sizeof(s.error) - 1);
	ibuf_free(&out);
	scram_free(&s);
}

/* ---- the table ---- */

static void
test_find(void **state)
{
	char	 names[128];

	assert_string_equal(sasl_find("plain", 5)->name, "PLAIN");
	assert_string_equal(sasl_find("Scram-Sha-256x", 13)->name,
	    "SCRAM-SHA-256");
	assert_null(sasl_find("PLAI", 4));
	assert_null(sasl_find("PLAINER", 7));
	assert_null(sasl_find("", 0));
	assert_int_not_equal(sasl_bit(sasl_find("PLAIN", 5)),
	    sasl_bit(sasl_find("LOGIN", 5)));
	sasl_names(names, sizeof(names));
	assert_string_equal(names, "LOGIN PLAIN SCRAM-SHA-256 SCRAM-SHA-1 "
	    "EXTERNAL OAUTHBEARER XOAUTH2");
}

/* Mechanism, user, password, host, port, and what is said; NULL: refused. */
static const struct {
	const char	*mech, *user, *pass, *host, *port, *said;
	size_t		 n;
} said[] = {
#define SAID(text)	text, sizeof(text) - 1
	{ "PLAIN", "joe", "s3cret", "h", "993", SAID("\0joe\0s3cret") },
	{ "EXTERNAL", "", "", "h", "993", SAID("") },
	{ "EXTERNAL", "joe", "", "h", "993", SAID("joe") },
	{ "XOAUTH2", "joe@example.net", "ya29.x-_~+/==", "h", "993",
	    SAID("user=joe@example.net\1auth=Bearer ya29.x-_~+/==\1\1") },
	{ "OAUTHBEARER", "joe@example.net", "tok", "imap.example.net", "143",
	    SAID("n,a=joe@example.net,\1host=imap.example.net\1port=143\1"
	    "auth=Bearer tok\1\1") },
	{ "OAUTHBEARER", "a=b,c", "tok", "h", "imaps",
	    SAID("n,a=a=3Db=2Cc,\1host=h\1auth=Bearer tok\1\1") },
	{ "OAUTHBEARER", "", "tok", "", "", SAID("n,,\1auth=Bearer tok\1\1") },
	{ "XOAUTH2", "joe", "a b", "h", "1", NULL, 0 },
	{ "XOAUTH2", "joe", "a\1b", "h", "1", NULL, 0 },
	{ "XOAUTH2", "jo\1e", "a", "h", "1", NULL, 0 },
	{ "OAUTHBEARER", "joe", "a\n", "h", "1", NULL, 0 },
	{ "OAUTHBEARER", "jo\te", "a", "h", "1", NULL, 0 },
	{ "OAUTHBEARER", "joe", "a\x7f", "h", "1", NULL, 0 },
};

static struct sasl *
login(const char *mech, const char *user, const char *pass)
{
	struct sasl	*s;

	s = sasl_new(sasl_find(mech, strlen(mech)));
	assert_non_null(s);
	s->user = bytes_of(user);
	s->pass = bytes_of(pass);
	return s;
}

static void
test_said(void **state)
{
	struct sasl	*s;
	struct ibuf	 out;
	size_t		 i;
	int		 rc;

	for (i = 0; i < LEN(said); i++) {
		s = login(said[i].mech, said[i].user, said[i].pass);
		s->host = bytes_of(said[i].host);
		s->port = bytes_of(said[i].port);
		ibuf_init(&out);
		rc = sasl_next(s, bytes_of("ignored"), &out);
		if (rc != (said[i].said == NULL ? -1 : 0))
			fail_msg("%zu: %d", i, rc);
		if (rc == 0) {
			assert_int_equal(out.wpos, said[i].n);
			if (out.wpos > 0)
				assert_memory_equal(out.buf, said[i].said,
				    out.wpos);
		} else
			assert_non_null(s->why);
		ibuf_free(&out);
		sasl_free(s);
	}
}

/* An error is acknowledged once, and kept. */
static void
test_oauth_error(void **state)
{
	static const char *const t[][2] = {
		{ "OAUTHBEARER", "\1" }, { "XOAUTH2", "" }
	};
	struct sasl	*s;
	struct ibuf	 out;
	size_t		 i;

	for (i = 0; i < LEN(t); i++) {
		s = login(t[i][0], "joe", "tok");
		ibuf_init(&out);
		assert_int_equal(sasl_next(s, bytes_of(""), &out), 0);
		ibuf_free(&out);
		assert_int_equal(sasl_next(s, bytes_of("{\"status\":\"401\"}"),
		    &out), 0);
		is_text(&out, t[i][1]);
		is_text(&s->error, "{\"status\":\"401\"}");
		ibuf_free(&out);
		assert_int_equal(sasl_next(s, bytes_of("x"), &out), -1);
		ibuf_free(&out);
		sasl_free(s);
	}
}

/* OK is believed only behind the signature; the nonce is another each time. */
static void
test_scram_accept(void **state)
{
	struct sasl	*s[2];
	struct ibuf	 out[2];
	int		 i;

	for (i = 0; i < 2; i++) {
		s[i] = login("SCRAM-SHA-1", "user", "pencil");
		ibuf_init(&out[i]);
		assert_int_equal(s[i]->mech->accept(s[i]), -1);
		assert_int_equal(sasl_next(s[i], bytes_of(""), &out[i]), 0);
		assert_int_equal(s[i]->mech->accept(s[i]), -1);
		assert_int_equal(out[i].wpos, strlen("n,,n=user,r=") +
		    2 * SASL_NONCE);
	}
	assert_memory_not_equal(out[0].buf, out[1].buf, out[0].wpos);
	s[0]->scram.state = SCRAM_FINAL;
	assert_int_equal(s[0]->mech->accept(s[0]), -1);
	s[0]->scram.state = SCRAM_REFUSED;
	assert_int_equal(s[0]->mech->accept(s[0]), -1);
	s[0]->scram.state = SCRAM_VERIFIED;
	assert_int_equal(s[0]->mech->accept(s[0]), 0);
	for (i = 0; i < 2; i++) {
		ibuf_free(&out[i]);
		sasl_free(s[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_bad),
		cmocka_unit_test(test_scram_vectors),
		cmocka_unit_test(test_scram_names),
		cmocka_unit_test(test_scram_unprepared),
		cmocka_unit_test(test_scram_first),
		cmocka_unit_test(test_scram_nul),
		cmocka_unit_test(test_scram_salt),
		cmocka_unit_test(test_scram_final),
		cmocka_unit_test(test_scram_error),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_oauth_error),
		cmocka_unit_test(test_scram_accept)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
