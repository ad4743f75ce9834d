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
 * Options of TLS: versions, names, fingerprints, and the certificates read
 * into memory.  The library itself is tested by regress/proc/tls.sh.
 */
#include <sys/stat.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imapchild/certs.h"
#include "imapchild/pins.h"
#include "imapchild/tlsopts.h"
#include "msg.h"

#define SHA1	"da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CERT	"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

static void
config_init(struct msg_config *mc, const char *host)
{
	struct bytes none = bytes_of("");

	memset(mc, 0, sizeof(*mc));
	mc->cafile = mc->capath = mc->sni = mc->proto_min = mc->proto_max =
	    mc->ciphers = mc->fingerprints = none;
	mc->host = bytes_of(host);
	mc->port = bytes_of("imaps");
}

static void
test_versions(void **state)
{
	static const struct {
		const char	*min, *max, *err;	/* err NULL: good */
		int		 lo, hi;
	} t[] = {
		{ "", "", NULL, TLS_1_2, TLS_1_3 },
		{ "TLSv1", "", NULL, TLS_1_0, TLS_1_3 },
		{ "TLSv1.3", "", NULL, TLS_1_3, TLS_1_3 },
		{ "", "TLSv1.2", NULL, TLS_1_2, TLS_1_2 },
		{ "", "TLSv1.1", NULL, TLS_1_1, TLS_1_1 },
		{ "TLSv1", "TLSv1.1", NULL, TLS_1_0, TLS_1_1 },
		{ "TLSv1.3", "TLSv1.2", "is above", 0, 0 },
		{ "SSLv3", "", "SSL_protocol_min = SSLv3: broken", 0, 0 },
		{ "", "TLSv1.4", "SSL_protocol_max = TLSv1.4: unknown", 0, 0 },
		{ "tlsv1.2", "", "unknown", 0, 0 },
		{ "TLSv1.22", "", "unknown", 0, 0 }
	};
	struct msg_config mc;
	struct tlsopts o;
	char err[256];
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		config_init(&mc, "h");
		mc.proto_min = bytes_of(t[i].min);
		mc.proto_max = bytes_of(t[i].max);
		err[0] = '\0';
		r = tlsopts_parse(&o, &mc, "/", err, sizeof(err));
		assert_int_equal(r, t[i].err == NULL ? 0 : -1);
		if (t[i].err == NULL) {
			assert_int_equal(o.min, t[i].lo);
			assert_int_equal(o.max, t[i].hi);
		} else
			assert_non_null(strstr(err, t[i].err));
		tlsopts_free(&o);
	}
}

/* The deprecated list becomes a range, or is refused. */
static void
test_protocols(void **state)
{
	static const struct {
		const char	*list, *min, *err;	/* err NULL: good */
		int		 lo, hi;
	} t[] = {
		{ "!SSLv2 !SSLv3", "", NULL, TLS_1_2, TLS_1_3 },
		{ "!TLSv1 !TLSv1.1", "", NULL, TLS_1_2, TLS_1_3 },
		{ "!TLSv1.3", "", NULL, TLS_1_2, TLS_1_2 },
		{ "TLSv1", "", NULL, TLS_1_0, TLS_1_0 },
		{ "TLSv1.0 TLSv1.1", "", NULL, TLS_1_0, TLS_1_1 },
		{ "TLSv1.3 TLSv1.2 !TLSv1.3", "", NULL, TLS_1_2, TLS_1_2 },
		{ "TLSv1.1 TLSv1.2", "TLSv1.2", NULL, TLS_1_2, TLS_1_2 },
		{ "TLSv1.1 TLSv1.3", "", "no range", 0, 0 },
		{ "!TLSv1.2 !TLSv1.3", "", "no version is left", 0, 0 },
		{ "TLSv1.2 !TLSv1.2", "", "no version is left", 0, 0 },
		{ "SSLv3 TLSv1", "", "SSLv3 is broken", 0, 0 },
		{ "SSLv2", "", "SSLv2 is broken", 0, 0 }
	};
	struct msg_config mc;
	struct tlsopts o;
	char err[256];
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		config_init(&mc, "h");
		mc.protocols = bytes_of(t[i].list);
		mc.proto_min = bytes_of(t[i].min);
		err[0] = '\0';
		r = tlsopts_parse(&o, &mc, "/", err, sizeof(err));
		assert_int_equal(r, t[i].err == NULL ? 0 : -1);
		if (t[i].err == NULL) {
			assert_int_equal(o.min, t[i].lo);
			assert_int_equal(o.max, t[i].hi);
		} else if (strstr(err, t[i].err) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", err, t[i].err);
		tlsopts_free(&o);
	}
}

/* How the user is to look at a certificate. */
static void
test_look(void **state)
{
	struct msg_config mc;
	struct tlsopts o;
	char err[256];

	config_init(&mc, "[::1]");
	assert_int_equal(tlsopts_parse(&o, &mc, "/", err, sizeof(err)), 0);
	assert_string_equal(o.look, "openssl s_client -connect [::1]:imaps "
	    "-starttls imap </dev/null");
	tlsopts_free(&o);
	config_init(&mc, "h");
	mc.type = CONN_IMAPS;
	assert_int_equal(tlsopts_parse(&o, &mc, "/", err, sizeof(err)), 0);
	assert_string_equal(o.look, "openssl s_client -connect h:imaps "
	    "-servername h </dev/null");
	tlsopts_free(&o);
}

static void
test_names(void **state)
{
	static const struct {
		const char	*host, *sni;		/* sni NULL: not set */
		const char	*verify, *send;		/* send NULL: no SNI */
	} t[] = {
		{ "mail.example.org", NULL, "mail.example.org",
		    "mail.example.org" },
		{ "mail.example.org.", NULL, "mail.example.org",
		    "mail.example.org" },
		{ "mail.example.org", "", "mail.example.org", NULL },
		{ "mail.example.org", "x.org", "mail.example.org", "x.org" },
		{ "192.0.2.1", NULL, "192.0.2.1", NULL },
		{ "[192.0.2.1]", NULL, "192.0.2.1", NULL },
		{ "[2001:db8::1]", NULL, "2001:db8::1", NULL },
		{ "::1", NULL, "::1", NULL },
		{ "::1", "x.org", "::1", "x.org" },
		{ ".", NULL, ".", "." }
	};
	struct msg_config mc;
	struct tlsopts o;
	char err[256];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		config_init(&mc, t[i].host);
		if ((mc.has_sni = t[i].sni != NULL))
			mc.sni = bytes_of(t[i].sni);
		assert_int_equal(tlsopts_parse(&o, &mc, "/", err,
		    sizeof(err)), 0);
		assert_string_equal(o.host, t[i].verify);
		if (t[i].send == NULL)
			assert_null(o.sni);
		else
			assert_string_equal(o.sni, t[i].send);
		tlsopts_free(&o);
	}
}

static void
test_pins(void **state)
{
	static const struct {
		const char	*list;
		int		 n;		/* -1: refused */
	} t[] = {
		{ "", 0 }, { "  ", 0 },
		{ SHA256, 1 }, { "sha256$" SHA256, 1 }, { "SHA1$" SHA1, 1 },
		{ " sha1$" SHA1 "  " SHA256 " ", 2 },
		{ SHA1, -1 }, { "sha1$" SHA256, -1 }, { "md5$" SHA1, -1 },
		{ "$" SHA256, -1 }, { "sha256$", -1 }, { SHA256 "0", -1 },
		{ "sha256$" SHA256 "$", -1 }, { "sha256sha256$" SHA256, -1 },
		{ SHA256 " x", -1 }, { "sha1$" SHA1 "," SHA1, -1 },
		{ "sha1$ga39a3ee5e6b4b0d3255bfef95601890afd80709", -1 }
	};
	struct pins pins;
	char err[256];
	size_t i;
	int r;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		err[0] = '\0';
		r = pins_parse(&pins, t[i].list, err, sizeof(err));
		assert_int_equal(r == -1 ? -1 : (int)pins.n, t[i].n);
		assert_int_equal(err[0] == '\0', r == 0);
		pins_free(&pins);
	}
}

static void
test_pins_many(void **state)
{
	char list[(PINS_MAX + 1) * sizeof(SHA256)], err[256];
	struct pins pins;
	size_t i, n = sizeof(SHA256);

	for (i = 0; i <= PINS_MAX; i++)
		memcpy(list + i * n, SHA256 " ", n);
	list[PINS_MAX * n] = '\0';
	assert_int_equal(pins_parse(&pins, list, err, sizeof(err)), 0);
	assert_int_equal(pins.n, PINS_MAX);
	assert_int_equal(pins.pin[PINS_MAX - 1].md[31], 0x55);
	pins_free(&pins);
	list[PINS_MAX * n] = 'e';
	list[sizeof(list) - 1] = '\0';
	assert_int_equal(pins_parse(&pins, list, err, sizeof(err)), -1);
	pins_free(&pins);
}

static void
put_file(const char *name, const char *text)
{
	FILE *f;

	f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
check_certs(const char *file, const char *path, const char *deffile, size_t n,
    const char *err)
{
	struct certs c;
	char why[512] = "";
	int r;

	r = certs_load(&c, file, path, deffile, why, sizeof(why));
	if (r != (err == NULL ? 0 : -1))
		fail_msg("%s %s: %s", file, path, why);
	if (err == NULL)
		assert_int_equal(c.len, n * sizeof(CERT)); /* and a newline */
	else if (strstr(why, err) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", why, err);
	certs_free(&c);
}

/* In a scratch folder, which is the working directory meanwhile. */
static void
test_certs(void **state)
{
	static const char *const files[] = { "ca.pem", "empty.pem",
	    "d/0123abcd.0", "d/0123abcd.10", "d/0123ABCD.r0", "d/notahash.0",
	    "d/0123abcd.", "d/0123abcd0", "certs/01234567.0" };
	size_t i;

	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("e", 0700), 0);
	assert_int_equal(mkdir("certs", 0700), 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		put_file(files[i], i == 1 ? "" : CERT);
	assert_int_equal(symlink("nowhere", "d/0123abcd.2"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkfifo("d/0123abcd.3", 0600), 0);

	check_certs("ca.pem", "", "none", 1, NULL);
	check_certs("", "d", "none", 2, NULL);
	check_certs("ca.pem", "d", "none", 3, NULL);
	check_certs("", "d:certs", "none", 3, NULL);
	check_certs("", ":d:", "none", 2, NULL);
	check_certs("none", "", "ca.pem", 0, "SSL_CAfile none: No such file");
	check_certs("", "none", "ca.pem", 0, "SSL_CApath none: No such file");
	check_certs("", "d:none", "ca.pem", 0, "SSL_CApath none: No such");
	check_certs("fifo", "", "ca.pem", 0, "SSL_CAfile fifo: ");
	check_certs("e", "", "ca.pem", 0, "SSL_CAfile e: ");
	check_certs("empty.pem", "", "ca.pem", 0, "holds no certificate");
	check_certs("", "e", "ca.pem", 0, "hash format");
	/* The default: file, and "certs" beside it. */
	assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
	assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
	check_certs("", "", "./ca.pem", 2, NULL);
	check_certs("", "", "./none", 1, NULL);
	check_certs("", "", "e/none", 0, "install ca-certificates");
	assert_int_equal(setenv("SSL_CERT_FILE", "none", 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", "d", 1), 0);
	check_certs("", "", "./ca.pem", 2, NULL);
	assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
	assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
	assert_int_equal(truncate("ca.pem", CERTS_MAX), 0);
	check_certs("ca.pem", "", "none", 0, "File too large");
}

/* So that the scratch folder goes whatever the tests say. */
static int
remove_files(const char *dir)
{
	static const char *const names[] = { "ca.pem", "empty.pem", "fifo",
	    "d/0123abcd.0", "d/0123abcd.10", "d/0123ABCD.r0", "d/notahash.0",
	    "d/0123abcd.", "d/0123abcd0", "d/0123abcd.2", "d/0123abcd.3", "d",
	    "certs/01234567.0", "certs", "e" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)remove(names[i]);
	return chdir("/") == -1 || rmdir(dir) == -1 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_pins_many),
		cmocka_unit_test(test_certs)
	};
	char dir[] = "/tmp/test_tlsopts.XXXXXXXXXX";
	int failed;

	if (mkdtemp(dir) == NULL || chdir(dir) == -1) {
		perror(dir);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (remove_files(dir) == -1) {
		perror(dir);
		return 1;
	}
	return failed;
}
