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
 * interimap/config.c, conftab.c: the grammar of the configuration file, and
 * every error with the line a user gets.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interimap/interimap.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define TUNNELS	"type=tunnel\ncommand=c\n"
#define BOTH	"[local]\n[remote]\n"

static char	warned[2048];

static void	note_warning(const char *, ...)
		    __attribute__((format(printf, 1, 2)));

static void
note_warning(const char *fmt, ...)
{
	size_t	n = strlen(warned);
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(warned + n, sizeof(warned) - n, fmt, ap);
	va_end(ap);
	strlcat(warned, "\n", sizeof(warned));
}

/* Parse exactly these octets, so that reading past them is seen. */
static int
parse(struct config *c, const char *text, size_t n, char *err)
{
	char	*exact;
	int	 rc;

	assert_non_null(exact = malloc(n + 1));
	memcpy(exact, text, n);
	exact = realloc(exact, n > 0 ? n : 1);
	assert_non_null(exact);
	warned[0] = err[0] = '\0';
	rc = config_parse(c, "conf", exact, n, note_warning, err, ERRMAX);
	free(exact);
	return rc;
}

static void
must_parse(struct config *c, const char *text)
{
	char	err[ERRMAX];

	if (parse(c, text, strlen(text), err) == -1)
		fail_msg("%s\nin:\n%s", err, text);
	assert_string_equal(err, "");
}

/* ---- every error, word for word ---- */

static const struct {
	const char	*text, *err;
} errors[] = {
	{ "", "conf: No such section local" },
	{ "[remote]\n", "conf: No such section local" },
	{ "[local]\n[remotes]\n", "conf: No such section remote" },
	{ "[local]\n[remote\n", "conf:2: Syntax error: a [section], "
	    "OPTION=VALUE or a comment is wanted" },
	{ "\n\n=x\n" BOTH, "conf:3: Syntax error: a [section], OPTION=VALUE "
	    "or a comment is wanted" },
	{ "[]\n" BOTH, "conf:1: Syntax error: a [section], OPTION=VALUE or a "
	    "comment is wanted" },
	{ "[other]\nnonsense\n" BOTH, "conf:2: Syntax error: a [section], "
	    "OPTION=VALUE or a comment is wanted" },
	{ "foo = 1\n" BOTH, "conf:1: Invalid option foo in the default "
	    "section" },
	{ "[local]\nssl_verify=NO\n[remote]\n", "conf:2: Invalid option "
	    "ssl_verify in section [local]" },
	{ "[local]\n[remote]\r\n[a] = b\r\n", "conf:3: Invalid option [a] in "
	    "section [remote]" },
	{ "[local]\nhost=\n[remote]\n", "conf:2: Invalid option host =  in "
	    "section [local]: text without control characters is wanted" },
	{ "SSL_verify = maybe\n" BOTH, "conf:1: Invalid option SSL_verify = "
	    "maybe in the default section: YES or NO is wanted" },
	{ "[local]\n[remote]\ntype=IMAPS\n", "conf:3: Invalid option type = "
	    "IMAPS in section [remote]: imap, imaps or tunnel is wanted" },
	{ "logfile=log\n" BOTH, "conf:1: Invalid option logfile = log in the "
	    "default section: an absolute path is wanted" },
	{ "[local]\npassword=\xc3\xa4secret\n[remote]\n", "conf:2: Invalid "
	    "option password in section [local]: ASCII is wanted" },
	{ "proxy=socks4://u:secret@h\n" BOTH, "conf:1: Invalid option proxy "
	    "in the default section: socks5://[USER:PASSWORD@]HOST[:PORT] or "
	    "socks5h://... is wanted" },
	{ "SSL_protocols=TLSv2\n" BOTH, "conf:1: Invalid option "
	    "SSL_protocols = TLSv2 in the default section: names of versions, "
	    "with or without !, separated by single spaces, are wanted" },
	{ "timeout=0\n" BOTH, "conf:1: Invalid option timeout = 0 in the "
	    "default section: 1 to 99999 seconds are wanted" },
	{ "[local]\ntype=tunnel\n[remote]\n", "conf: Missing option command "
	    "in section [local]: type=tunnel needs it" },
	{ "[local]\n[remote]\npassword=x\npassword-command=y\n", "conf: "
	    "Options password and password-command exclude each other in "
	    "section [remote]; remove one" },
	{ "password=x\n[local]\npassword-command=y\n[remote]\n", "conf: "
	    "Options password and password-command exclude each other in "
	    "section [local]; remove one" },
	{ "[local]\npassword-command=ech\x01o s3cret\n[remote]\n", "conf:2: "
	    "Invalid option password-command in section [local]: text without "
	    "control characters is wanted" },
	{ "[local]\n[remote]\nSSL_key=k\n", "conf: Missing option SSL_cert "
	    "in section [remote]: SSL_key needs it" },
};

static void
test_errors(void **state)
{
	struct config	c;
	char		err[ERRMAX];
	size_t		i;

	for (i = 0; i < LEN(errors); i++) {
		assert_int_equal(parse(&c, errors[i].text,
		    strlen(errors[i].text), err), -1);
		assert_string_equal(err, errors[i].err);
		assert_null(c.path);
	}
}

static void
test_nul_and_length(void **state)
{
	static const char	nul[] = "[local]\nhost=a\0b\n[remote]\n";
	struct config		c;
	char			err[ERRMAX];
	char			text[CONF_MAXVALUE + 32];

	assert_int_equal(parse(&c, nul, sizeof(nul) - 1, err), -1);
	assert_string_equal(err, "conf:2: Invalid option host in section "
	    "[local]: longer than 4096 octets, or a NUL in it");
	memset(text, 'x', sizeof(text));
	memcpy(text, "host=", 5);
	assert_int_equal(parse(&c, text, 5 + CONF_MAXVALUE + 1, err), -1);
	assert_string_equal(err, "conf:1: Invalid option host in the default "
	    "section: longer than 4096 octets, or a NUL in it");
	assert_int_equal(parse(&c, text, 5 + CONF_MAXVALUE, err), -1);
	assert_string_equal(err, "conf: No such section local");
}

/* ---- the grammar of each option's value ---- */

static const struct {
	const char	*name, *value;
	int		 fits;
} values[] = {
	{ "database", "a b/\xc3\xa4.db", 1 }, { "database", "a\x01", 0 },
	{ "database", "a\x7f", 0 },
	{ "port", "imaps", 1 }, { "port", "", 0 },
	{ "SSL_hostname", "", 1 }, { "SSL_hostname", "x\x02", 0 },
	{ "log-prefix", "", 1 }, { "log-prefix", "a\x1b[m", 0 },
	{ "logfile", "/x", 1 }, { "logfile", "", 0 }, { "logfile", "/\t", 0 },
	{ "list-reference", "", 1 }, { "list-reference", "a\x01/", 1 },
	{ "list-reference", "\xe4", 0 },
	{ "list-mailbox", "\"a\\x00b\" c", 1 }, { "list-mailbox", "", 0 },
	{ "list-mailbox", "\xe4", 0 },
	{ "ignore-mailbox", "^a(?:\\x00|$)", 1 }, { "ignore-mailbox", "", 0 },
	{ "list-select-opts", "SUBSCRIBED RECURSIVEMATCH", 1 },
	{ "list-select-opts", "", 1 }, { "list-select-opts", "a(", 0 },
	{ "list-select-opts", "a*", 0 }, { "list-select-opts", "a\"", 0 },
	{ "list-select-opts", "a]", 0 }, { "list-select-opts", "a{", 0 },
	{ "list-select-opts", "a%", 0 }, { "list-select-opts", "a\tb", 0 },
	{ "type", "imap", 1 }, { "type", "imaps", 1 }, { "type", "tunnel", 1 },
	{ "type", "imapss", 0 }, { "type", "Tunnel", 0 }, { "type", "", 0 },
	{ "STARTTLS", "yEs", 1 }, { "STARTTLS", "no", 1 },
	{ "STARTTLS", "YES NO", 0 }, { "STARTTLS", "1", 0 },
	{ "null-stderr", "YES", 1 }, { "null-stderr", "", 0 },
	{ "compress", "no", 1 }, { "compress", "Yes", 1 }, { "compress", "maybe", 0 },
	{ "username", "a b", 1 }, { "username", "", 0 },
	{ "username", "\xc3\xa4", 0 }, { "password", "\x01;=#", 1 },
	{ "password", "", 0 },
	{ "auth", "PLAIN", 1 }, { "auth", "PLAIN LOGIN", 1 },
	{ "auth", "PLAIN  LOGIN", 0 }, { "auth", "PL(AIN", 0 },
	{ "auth", "", 0 }, { "auth", "A\"", 0 }, { "auth", "A]", 0 },
	{ "SSL_fingerprint", "00ffAA", 1 },
	{ "SSL_fingerprint", "sha256$00 sha1$ab", 1 },
	{ "SSL_fingerprint", "00:ff", 0 }, { "SSL_fingerprint", "sha$", 0 },
	{ "SSL_fingerprint", "$00", 0 }, { "SSL_fingerprint", "a$b$c", 0 },
	{ "SSL_fingerprint", "sha256$0g", 0 }, { "SSL_fingerprint", "", 0 },
	{ "SSL_fingerprint", "00  11", 0 },
	{ "SSL_protocol_min", "TLSv9", 1 },
	{ "SSL_protocol_max", "a\x01", 0 },
	{ "SSL_cipherlist", "HIGH:!aNULL", 1 }, { "SSL_cipherlist", "", 0 },
	{ "SSL_CAfile", "/a b", 1 }, { "SSL_CApath", "\x02", 0 },
	{ "SSL_protocols", "!SSLv2 TLSv1 TLSv1.0 !TLSv1.3", 1 },
	{ "SSL_protocols", "!", 0 }, { "SSL_protocols", "TLSv1.4", 0 },
	{ "SSL_protocols", "TLSv1  TLSv1.1", 0 },
	{ "SSL_ciphersuites", "", 1 }, { "SSL_ciphersuites", "a\x01", 0 },
	{ "max-delete", "100 50", 1 }, { "max-delete", "0", 1 },
	{ "max-delete", "1 0", 1 }, { "max-delete", "999999999 99", 1 },
	{ "max-delete", "5   7", 1 }, { "max-delete", "", 0 },
	{ "max-delete", "100", 0 }, { "max-delete", "100 100", 0 },
	{ "max-delete", "0 50", 0 }, { "max-delete", "-1 50", 0 },
	{ "max-delete", "100 50 1", 0 }, { "max-delete", "100 50%", 0 },
	{ "max-delete", "100,50", 0 }, { "max-delete", "1000000000 50", 0 },
	{ "max-delete", "a 50", 0 }, { "max-delete", "100 b", 0 },
	{ "max-delete", "no", 0 },
	{ "timeout", "1", 1 }, { "timeout", "99999", 1 },
	{ "timeout", "100000", 0 }, { "timeout", "5s", 0 },
	{ "timeout", "", 0 }, { "timeout", "-1", 0 }, { "timeout", "05", 0 },
	{ "proxy", "socks5://h", 1 }, { "proxy", "h:1", 0 },
	{ "command", "a | b", 1 }, { "command", "", 0 },
	{ "password-command", "pass show imap | head -n1", 1 },
	{ "password-command", "", 0 }, { "password-command", "a\x01", 0 },
	{ "SSL_cert", "/a b", 1 }, { "SSL_cert", "", 0 },
	{ "SSL_key", "/a b", 1 }, { "SSL_key", "a\x01", 0 },
	{ "strict-permissions", "yes", 1 }, { "strict-permissions", "", 0 },
};

static void
test_values(void **state)
{
	const struct confopt	*o;
	size_t			 i, j;
	int			 seen;

	for (i = 0; i < LEN(values); i++) {
		o = confopt_find(values[i].name, strlen(values[i].name));
		assert_non_null(o);
		if (o->check(values[i].value) != values[i].fits)
			fail_msg("%s = %s", values[i].name, values[i].value);
	}
	/* No option of the table stays untried. */
	for (i = 0; (o = confopt_at(i)) != NULL; i++) {
		assert_ptr_equal(o, confopt_find(o->name, strlen(o->name)));
		seen = strcmp(o->name, "host") == 0
		    || strcmp(o->name, "SSL_verify") == 0;
		for (j = 0; j < LEN(values); j++)
			seen |= strcmp(values[j].name, o->name) == 0;
		if (!seen)
			fail_msg("%s is in no test", o->name);
		if (o->deflt != NULL)
			assert_true(o->check(o->deflt));
	}
}

/* ---- the parts of proxy ---- */

static const struct {
	const char	*value;
	int		 type;		/* -1: refused */
	const char	*user, *pass, *host, *port;
} proxies[] = {
	{ "socks5://h", PROXY_SOCKS5, "", "", "h", "1080" },
	{ "SOCKS5h://h:socks", PROXY_SOCKS5H, "", "", "h", "socks" },
	{ "socks5://[::1]", PROXY_SOCKS5, "", "", "[::1]", "1080" },
	{ "socks5h://u:p@[::1]:9050", PROXY_SOCKS5H, "u", "p", "[::1]",
	    "9050" },
	{ "socks5://u%3a:p%40@%25@h:1", PROXY_SOCKS5, "u:", "p@@%", "h", "1" },
	{ "socks5://u:p:q@h", PROXY_SOCKS5, "u", "p:q", "h", "1080" },
	{ "socks5:/h", -1, "", "", "", "" },
	{ "socks4://h", -1, "", "", "", "" },
	{ "socks5://", -1, "", "", "", "" },
	{ "socks5://:1", -1, "", "", "", "" },
	{ "socks5://h:", -1, "", "", "", "" },
	{ "socks5://h/", -1, "", "", "", "" },
	{ "socks5://::1", -1, "", "", "", "" },
	{ "socks5://[::1", -1, "", "", "", "" },
	{ "socks5://[::1]x", -1, "", "", "", "" },
	{ "socks5://h:1:2", -1, "", "", "", "" },
	{ "socks5://@h", -1, "", "", "", "" },
	{ "socks5://u@h", -1, "", "", "", "" },
	{ "socks5://u:@h", -1, "", "", "", "" },
	{ "socks5://:p@h", -1, "", "", "", "" },
	{ "socks5://u:p@", -1, "", "", "", "" },
	{ "socks5://u:%0@h", -1, "", "", "", "" },
	{ "socks5://u:%00@h", -1, "", "", "", "" },
	{ "socks5://u:%gg@h", -1, "", "", "", "" },
};

static void
test_proxy(void **state)
{
	char		text[2 * PROXY_MAX + 32];
	struct proxy	x;
	size_t		i;

	for (i = 0; i < LEN(proxies); i++) {
		if ((proxy_parse(&x, proxies[i].value) == 0) !=
		    (proxies[i].type != -1))
			fail_msg("proxy = %s", proxies[i].value);
		if (proxies[i].type == -1)
			continue;
		assert_int_equal(x.type, proxies[i].type);
		assert_string_equal(x.user, proxies[i].user);
		assert_string_equal(x.pass, proxies[i].pass);
		assert_string_equal(x.host, proxies[i].host);
		assert_string_equal(x.port, proxies[i].port);
	}
	for (i = PROXY_MAX; i <= PROXY_MAX + 1; i++) {
		snprintf(text, sizeof(text), "socks5://u:%0*d@h", (int)i, 7);
		assert_int_equal(proxy_parse(&x, text),
		    i == PROXY_MAX ? 0 : -1);
		snprintf(text, sizeof(text), "socks5://%0*d", (int)i, 7);
		assert_int_equal(proxy_parse(&x, text),
		    i == PROXY_MAX ? 0 : -1);
	}
}

/* What the library cannot honour is named, not refused. */
static void
test_ignored(void **state)
{
	struct config	c;

	must_parse(&c, "[local]\n[remote]\nSSL_ciphersuites=x\nproxy=socks5://"
	    "u:p@h\ntimeout=7\n");
	assert_string_equal(warned, "conf:3: Option SSL_ciphersuites in section "
	    "[remote] has no effect: the TLS library knows no such setting\n");
	assert_string_equal(c.server[REMOTE].proxy, "socks5://u:p@h");
	assert_string_equal(c.server[REMOTE].timeout, "7");
	assert_null(c.server[LOCAL].proxy);
	config_wipe(&c);
	assert_null(c.server[REMOTE].proxy);
	config_free(&c);
}

/* ---- what a good file means ---- */

static void
test_defaults(void **state)
{
	struct config	c;
	int		i;

	must_parse(&c, BOTH);
	assert_string_equal(warned, "");
	assert_string_equal(c.path, "conf");
	assert_string_equal(c.database, "localhost.db");
	assert_string_equal(c.logprefix, PREFIX_DEFAULT);
	assert_string_equal(c.listopts, "");
	assert_null(c.logfile);
	assert_null(c.listmailbox);
	assert_null(c.ignore);
	for (i = LOCAL; i <= REMOTE; i++) {
		assert_int_equal(c.server[i].conn, CONN_IMAPS);
		assert_int_equal(c.server[i].verify, 1);
		assert_int_equal(c.server[i].null_stderr, 0);
		assert_int_equal(c.server[i].use_compress, i == REMOTE);
		assert_string_equal(c.server[i].host, "localhost");
		assert_string_equal(c.server[i].port, "993");
		assert_string_equal(c.server[i].auth, "PLAIN LOGIN");
		assert_string_equal(c.server[i].listref, "");
		assert_null(c.server[i].sni);
		assert_null(c.server[i].username);
		assert_null(c.server[i].cafile);
	}
	config_free(&c);
	assert_null(c.path);
	assert_null(c.server[LOCAL].host);
}

static void
test_inheritance(void **state)
{
	struct config	c;

	must_parse(&c, "host=both\nusername=u\nSSL_verify=no\nport=1\n"
	    "null-stderr=YES\nlist-reference=d/\ncompress=YES\n"
	    "[remote]\nhost=r\npassword=first\n[local]\nSSL_verify=YES\n"
	    "[remote]\npassword=second\nSSL_hostname=\ncompress=NO\n");
	assert_string_equal(c.server[LOCAL].host, "both");
	assert_string_equal(c.server[REMOTE].host, "r");
	assert_string_equal(c.server[LOCAL].username, "u");
	assert_string_equal(c.server[REMOTE].username, "u");
	assert_null(c.server[LOCAL].password);
	assert_string_equal(c.server[REMOTE].password, "second");
	assert_int_equal(c.server[LOCAL].verify, 1);
	assert_int_equal(c.server[REMOTE].verify, 0);
	assert_int_equal(c.server[LOCAL].null_stderr, 1);
	assert_int_equal(c.server[LOCAL].use_compress, 1);
	assert_int_equal(c.server[REMOTE].use_compress, 0);
	assert_string_equal(c.server[REMOTE].sni, "");
	assert_null(c.server[LOCAL].sni);
	assert_string_equal(c.server[LOCAL].listref, "d/");
	assert_string_equal(c.database, "r.db");
	config_wipe(&c);
	assert_null(c.server[LOCAL].username);
	assert_null(c.server[REMOTE].password);
	config_free(&c);
}

static void
test_types(void **state)
{
	struct config	c;

	must_parse(&c, "[local]\ntype=tunnel\ncommand=exec x ; y\n"
	    "[remote]\ntype=imap\nSTARTTLS=NO\n");
	assert_int_equal(c.server[LOCAL].conn, CONN_TUNNEL);
	assert_string_equal(c.server[LOCAL].command, "exec x");
	assert_int_equal(c.server[REMOTE].conn, CONN_IMAP);
	assert_int_equal(c.server[REMOTE].use_starttls, 0);
	assert_string_equal(c.server[REMOTE].port, "143");
	config_free(&c);
	must_parse(&c, "[local]\ntype=imap\nport=1\n[remote]\n");
	assert_int_equal(c.server[LOCAL].use_starttls, 1);
	assert_string_equal(c.server[LOCAL].port, "1");
	assert_int_equal(c.server[REMOTE].use_starttls, 0);
	config_free(&c);
}

/* An invalid value that a later one replaces is no error. */
static void
test_override(void **state)
{
	struct config	c;

	must_parse(&c, "type=nonsense\n" TUNNELS BOTH);
	assert_int_equal(c.server[LOCAL].conn, CONN_TUNNEL);
	config_free(&c);
}

static void
test_misplaced(void **state)
{
	struct config	c;

	must_parse(&c, "[local]\ndatabase=x\n[remote]\nlogfile=/y\n");
	assert_string_equal(warned,
	    "conf:2: Option database has no effect in section [local]; it "
	    "belongs above all sections\n"
	    "conf:4: Option logfile has no effect in section [remote]; it "
	    "belongs above all sections\n");
	assert_string_equal(c.database, "localhost.db");
	assert_null(c.logfile);
	config_free(&c);
}

/* ---- lines ---- */

static const struct {
	const char	*line, *host;	/* host of [local] */
} lines[] = {
	{ "host=a", "a" },
	{ "  host\t=\t a b  ", "a b" },
	{ "host=a;b", "a;b" },
	{ "host=a ;b", "a ;b" },
	{ "host=a; b", "a; b" },
	{ "host=a ; b", "a" },
	{ "host=a\t;\tb ; c", "a" },
	{ "host=a ; ", "a ;" },
	{ "host=a ;  ", "a" },
	{ "host=a # b", "a # b" },
	{ "host=a=b", "a=b" },
	{ "host==", "=" },
	{ "host=[x]", "[x]" },
	{ "host=\"q\"", "\"q\"" },
	{ "#host=a", "localhost" },
	{ "  ; host=a", "localhost" },
	{ "\f\v#host=a", "localhost" },
	{ "[ local ] ; c\nhost=b", "b" },
	{ "[x]\nhost=c\n[local]", "localhost" },
	{ "[local]]\nhost=c\n[local]", "localhost" },
	{ "[a=b]\nhost=c", "localhost" },
	{ "[ ]\nfoo=c", "localhost" },
	{ "[_]\nhost=viadefault", "viadefault" },
};

static void
test_lines(void **state)
{
	static const char *const ends[] = { "\n", "\r\n", "\r\r\n", "\r" };
	struct config	 c;
	char		 text[512], *p;
	size_t		 i, j;

	for (i = 0; i < LEN(lines); i++)
		for (j = 0; j < LEN(ends); j++) {
			strlcpy(text, "[remote]", sizeof(text));
			strlcat(text, ends[j], sizeof(text));
			strlcat(text, "[local]", sizeof(text));
			strlcat(text, ends[j], sizeof(text));
			for (p = strdup(lines[i].line); *p != '\0';) {
				size_t	n = strcspn(p, "\n");
				char	one[256];

				snprintf(one, sizeof(one), "%.*s", (int)n, p);
				strlcat(text, one, sizeof(text));
				if (p[n] == '\n')
					strlcat(text, ends[j], sizeof(text));
				memmove(p, p + n + (p[n] == '\n'),
				    strlen(p + n + (p[n] == '\n')) + 1);
			}
			free(p);
			must_parse(&c, text);
			assert_string_equal(c.server[LOCAL].host,
			    lines[i].host);
			config_free(&c);
		}
}

/* The line in an error is counted alike for all line ends. */
static void
test_line_numbers(void **state)
{
	static const char *const texts[] = {
		"a=1\n", "\na=1", "\r\ra=1", "\r\n\r\n\r\na=1",
		"\r\r\n\r\r\na=1", "\n\ra=1"
	};
	static const int	 want[] = { 1, 2, 3, 4, 3, 3 };
	struct config		 c;
	char			 err[ERRMAX], line[ERRMAX];
	size_t			 i;

	for (i = 0; i < LEN(texts); i++) {
		assert_int_equal(parse(&c, texts[i], strlen(texts[i]), err),
		    -1);
		snprintf(line, sizeof(line), "conf:%d: Invalid option a in "
		    "the default section", want[i]);
		assert_string_equal(err, line);
	}
}

/* ---- files ---- */

static char *
scratch(const char *text, mode_t mode)
{
	char	*path = strdup("/tmp/test_config.XXXXXXXXXX");
	int	 fd = mkstemp(path);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static void
test_file(void **state)
{
	struct config	 c;
	char		 err[ERRMAX], want[ERRMAX];
	char		*path = scratch("password=x\n" BOTH, 0644);

	warned[0] = '\0';
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), 0);
	snprintf(want, sizeof(want), "%s: holds a password and may be read by "
	    "others; run: chmod go-rw %s\n", path, path);
	assert_string_equal(warned, want);
	assert_string_equal(c.server[REMOTE].password, "x");
	config_free(&c);

	assert_int_equal(chmod(path, 0620), 0);
	warned[0] = '\0';
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), 0);
	snprintf(want, sizeof(want), "%s: may be written by others; run: "
	    "chmod go-w %s\n", path, path);
	assert_string_equal(warned, want);
	config_free(&c);

	assert_int_equal(chmod(path, 0600), 0);
	warned[0] = '\0';
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), 0);
	assert_string_equal(warned, "");
	config_free(&c);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), -1);
	snprintf(want, sizeof(want), "No such config file %s; interimap(1) "
	    "tells how to write one", path);
	assert_string_equal(err, want);
	free(path);
	assert_int_equal(config_load(&c, "/tmp", note_warning, err,
	    sizeof(err)), -1);
	assert_string_equal(err,
	    "Can't read config file /tmp: Is a directory");
}

/* What strict-permissions refuses, and what is only said without. */
static void
test_file_strict(void **state)
{
	static const struct {
		const char	*text;
		mode_t		 mode;
		const char	*what, *cure;	/* NULL: nothing to say */
	} t[] = {
		{ "password=x\n", 0644, "holds a password and may be read by "
		    "others", "chmod go-rw" },
		{ "password=x\n", 0640, "holds a password and may be read by "
		    "others", "chmod go-rw" },
		{ "password=x\n", 0604, "holds a password and may be read by "
		    "others", "chmod go-rw" },
		{ "proxy=socks5://u:p@h\n", 0644, "holds a password and may be "
		    "read by others", "chmod go-rw" },
		{ "proxy=socks5://h\n", 0644, NULL, NULL },
		{ "password=x\n", 0600, NULL, NULL },
		{ "password-command=x\n", 0644, NULL, NULL },
		{ "password-command=x\n", 0664, "may be written by others",
		    "chmod go-w" },
		{ "", 0602, "may be written by others", "chmod go-w" },
	};
	struct config	 c;
	char		 err[ERRMAX], want[ERRMAX], text[256], *path;
	size_t		 i;
	int		 strict, rc;

	for (i = 0; i < 2 * LEN(t); i++) {
		strict = i >= LEN(t);
		snprintf(text, sizeof(text), "%s%s" BOTH, strict ?
		    "strict-permissions = yes\n" : "", t[i % LEN(t)].text);
		path = scratch(text, t[i % LEN(t)].mode);
		warned[0] = err[0] = want[0] = '\0';
		rc = config_load(&c, path, note_warning, err, sizeof(err));
		if (t[i % LEN(t)].what != NULL)
			snprintf(want, sizeof(want), "%s: %s%s; run: %s %s%s",
			    path, t[i % LEN(t)].what, strict ? ", and "
			    "strict-permissions is YES" : "",
			    t[i % LEN(t)].cure, path, strict ? "" : "\n");
		assert_int_equal(rc, strict && want[0] != '\0' ? -1 : 0);
		assert_string_equal(strict ? err : warned, want);
		assert_string_equal(strict ? warned : err, "");
		if (rc == 0)
			config_free(&c);
		assert_int_equal(unlink(path), 0);
		free(path);
	}
}

/* Somebody else's; root's are fine.  Only root can make one. */
static void
test_file_owner(void **state)
{
	struct config	 c;
	char		 err[ERRMAX], want[ERRMAX];
	char		*path = scratch("strict-permissions=NO\n" BOTH, 0600);
	char		*strict = scratch("strict-permissions=YES\n" BOTH,
			    0600);

	if (getuid() != 0) {
		unlink(path);
		unlink(strict);
		free(path);
		free(strict);
		skip();
		return;
	}
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(chown(strict, 12345, 0), 0);
	warned[0] = '\0';
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), 0);
	snprintf(want, sizeof(want), "%s: belongs to another user; run: chown "
	    "$USER %s\n", path, path);
	assert_string_equal(warned, want);
	config_free(&c);
	assert_int_equal(config_load(&c, strict, note_warning, err,
	    sizeof(err)), -1);
	snprintf(want, sizeof(want), "%s: belongs to another user, and "
	    "strict-permissions is YES; run: chown $USER %s", strict, strict);
	assert_string_equal(err, want);
	unlink(path);
	unlink(strict);
	free(path);
	free(strict);
}

static void
test_file_size(void **state)
{
	struct config	 c;
	char		 err[ERRMAX], want[ERRMAX];
	char		*path = scratch(BOTH "#", 0600), junk[4096];
	int		 fd = open(path, O_WRONLY | O_APPEND);
	size_t		 n;

	memset(junk, 'x', sizeof(junk));
	for (n = 0; n <= CONF_MAXFILE; n += sizeof(junk)) {
		if (n == CONF_MAXFILE / 2) {
			assert_int_equal(config_load(&c, path, note_warning,
			    err, sizeof(err)), 0);
			config_free(&c);
		}
		assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	}
	close(fd);
	assert_int_equal(config_load(&c, path, note_warning, err,
	    sizeof(err)), -1);
	snprintf(want, sizeof(want), "Can't read config file %s: File too "
	    "large", path);
	assert_string_equal(err, want);
	unlink(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_inheritance),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_misplaced),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_strict),
		cmocka_unit_test(test_file_owner),
		cmocka_unit_test(test_file_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
