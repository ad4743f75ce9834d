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
 * The one table of the configuration file's options: name, where it may
 * stand, the grammar of its whole value, its default, and where it is kept.
 * Used by config.c only; pure.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "interimap.h"

/* One or more octets other than control characters. */
static int
is_text(const char *v)
{
	const unsigned char	*p = (const unsigned char *)v;

	if (*p == '\0')
		return 0;
	for (; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return 0;
	return 1;
}

static int
is_text_or_empty(const char *v)
{
	return *v == '\0' || is_text(v);
}

static int
is_absolute(const char *v)
{
	return *v == '/' && is_text(v);
}

/* [\x01-\x7F]+ */
static int
is_ascii(const char *v)
{
	const char	*p;

	for (p = v; *p != '\0'; p++)
		if ((unsigned char)*p > 0x7f)
			return 0;
	return p > v;
}

/* [\x01-\x09\x0B\x0C\x0E-\x7F]*; a value holds no line end anyway. */
static int
is_reference(const char *v)
{
	return *v == '\0' || is_ascii(v);
}

/* Names and parentheses of LIST selection options (RFC 5258 section 6). */
static int
is_selectopts(const char *v)
{
	for (; *v != '\0'; v++)
		if (*v < ' ' || *v > '~' || strchr("\"%()*\\]{", *v) != NULL)
			return 0;
	return 1;
}

static int
is_type(const char *v)
{
	return strcmp(v, "imap") == 0 || strcmp(v, "imaps") == 0 ||
	    strcmp(v, "tunnel") == 0;
}

static int
is_yesno(const char *v)
{
	return strcasecmp(v, "YES") == 0 || strcasecmp(v, "NO") == 0;
}

static int
alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

static int
hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') ||
	    (c >= 'a' && c <= 'f');
}

/* ([A-Za-z0-9]+\$)?[0-9A-Fa-f]+ */
static int
is_fingerprint(const char *p, size_t n)
{
	size_t	i = 0;

	while (i < n && alnum(p[i]))
		i++;
	if (i > 0 && i < n && p[i] == '$') {
		p += i + 1;
		n -= i + 1;
	}
	for (i = 0; i < n && hex(p[i]); i++)
		continue;
	return n > 0 && i == n;
}

/* An atom (RFC 3501 section 9). */
static int
is_atom(const char *p, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~' ||
		    strchr("(){%*\"\\]", p[i]) != NULL)
			return 0;
	return n > 0;
}

/* Words separated by single spaces, each of which fits. */
static int
all_words(const char *v, int (*fits)(const char *, size_t))
{
	size_t	n;

	for (;; v += n + 1) {
		n = strcspn(v, " ");
		if (!fits(v, n))
			return 0;
		if (v[n] == '\0')
			return 1;
	}
}

static int
is_atoms(const char *v)
{
	return all_words(v, is_atom);
}

static int
is_fingerprints(const char *v)
{
	return all_words(v, is_fingerprint);
}

/* !?(SSLv[23]|TLSv1|TLSv1.[0-3]) */
static int
is_protocol(const char *p, size_t n)
{
	if (n > 0 && *p == '!') {
		p++;
		n--;
	}
	if (n == 5)
		return memcmp(p, "SSLv2", n) == 0 ||
		    memcmp(p, "SSLv3", n) == 0 || memcmp(p, "TLSv1", n) == 0;
	return n == 7 && memcmp(p, "TLSv1.", 6) == 0 && p[6] >= '0' &&
	    p[6] <= '3';
}

static int
is_protocols(const char *v)
{
	return all_words(v, is_protocol);
}

static int
is_proxy(const char *v)
{
	struct proxy	x;
	int		rc;

	rc = is_text(v) && proxy_parse(&x, v) == 0;
	explicit_bzero(&x, sizeof(x));
	return rc;
}

/* Seconds, as strtonum(3) will read them. */
static int
is_timeout(const char *v)
{
	return strlen(v) <= 5 && strspn(v, "0123456789") == strlen(v) &&
	    v[0] >= '1';
}

/* A number of at most so many digits at p; where it ends, or NULL: none. */
static const char *
number(const char *p, size_t digits, uint32_t *n)
{
	size_t	i;

	for (i = 0, *n = 0; i < digits && p[i] >= '0' && p[i] <= '9'; i++)
		*n = *n * 10 + (uint32_t)(p[i] - '0');
	return i == 0 ? NULL : p + i;
}

/* "COUNT PERCENT", or "0" */
int
maxdelete_parse(const char *v, uint32_t *count, uint32_t *percent)
{
	*percent = 0;
	if ((v = number(v, 9, count)) == NULL)
		return -1;
	if (*count == 0)
		return *v == '\0' ? 0 : -1;
	if (*v != ' ')
		return -1;
	while (*v == ' ')
		v++;
	if ((v = number(v, 2, percent)) == NULL)
		return -1;
	return *v == '\0' ? 0 : -1;
}

static int
is_maxdelete(const char *v)
{
	uint32_t	count, percent;

	return maxdelete_parse(v, &count, &percent) == 0;
}

#define GLOBAL(f)	offsetof(struct config, f)
#define SERVER(f)	offsetof(struct server, f)
#define TEXT		"text without control characters is wanted"
#define YESNO		"YES or NO is wanted"

static const struct confopt confopts[] = {
	{ "SSL_CAfile", CONF_SERVER, is_text, TEXT, NULL, SERVER(cafile) },
	{ "SSL_CApath", CONF_SERVER, is_text, TEXT, NULL, SERVER(capath) },
	{ "SSL_cipherlist", CONF_SERVER, is_text, TEXT, NULL,
	    SERVER(ciphers) },
	{ "SSL_cert", CONF_SERVER, is_text, TEXT, NULL, SERVER(cert) },
	{ "SSL_ciphersuites", CONF_IGNORED, is_text_or_empty, TEXT, NULL, 0 },
	{ "SSL_fingerprint", CONF_SERVER, is_fingerprints,
	    "[ALGO$]HEX, without colons, separated by single spaces, is "
	    "wanted", NULL, SERVER(fingerprint) },
	{ "SSL_hostname", CONF_SERVER, is_text_or_empty, TEXT, NULL,
	    SERVER(sni) },
	{ "SSL_key", CONF_SERVER, is_text, TEXT, NULL, SERVER(key) },
	{ "SSL_protocol_max", CONF_SERVER, is_text, TEXT, NULL,
	    SERVER(proto_max) },
	{ "SSL_protocol_min", CONF_SERVER, is_text, TEXT, NULL,
	    SERVER(proto_min) },
	{ "SSL_protocols", CONF_SERVER, is_protocols, "names of versions, with "
	    "or without !, separated by single spaces, are wanted", NULL,
	    SERVER(protocols) },
	{ "SSL_verify", CONF_SERVER, is_yesno, YESNO, "YES",
	    SERVER(sslverify) },
	{ "STARTTLS", CONF_SERVER, is_yesno, YESNO, "YES",
	    SERVER(starttls) },
	{ "auth", CONF_SERVER, is_atoms, "names of mechanisms, separated by "
	    "single spaces, are wanted", "PLAIN LOGIN", SERVER(auth) },
	{ "command", CONF_SERVER, is_text, TEXT, NULL, SERVER(command) },
	{ "compress", CONF_SERVER, is_yesno, YESNO, NULL,
	    SERVER(compress) },
	{ "database", CONF_GLOBAL, is_text, TEXT, NULL, GLOBAL(database) },
	{ "host", CONF_SERVER, is_text, TEXT, "localhost", SERVER(host) },
	{ "ignore-mailbox", CONF_GLOBAL, is_ascii, "a regular expression in "
	    "ASCII is wanted", NULL, GLOBAL(ignore) },
	{ "list-mailbox", CONF_GLOBAL, is_ascii, "patterns in ASCII are "
	    "wanted", NULL, GLOBAL(listmailbox) },
	{ "list-reference", CONF_SERVER, is_reference, "ASCII is wanted", "",
	    SERVER(listref) },
	{ "list-select-opts", CONF_GLOBAL, is_selectopts, "names of LIST "
	    "selection options are wanted", "", GLOBAL(listopts) },
	{ "log-prefix", CONF_GLOBAL, is_text_or_empty, TEXT, PREFIX_DEFAULT,
	    GLOBAL(logprefix) },
	{ "logfile", CONF_GLOBAL, is_absolute, "an absolute path is wanted",
	    NULL, GLOBAL(logfile) },
	{ "max-delete", CONF_GLOBAL, is_maxdelete, "COUNT PERCENT is wanted, "
	    "a number from 1 and one from 0 to 99, or 0 for no limit",
	    "100 50", GLOBAL(maxdelete) },
	{ "null-stderr", CONF_SERVER, is_yesno, YESNO, "NO",
	    SERVER(nullstderr) },
	{ "password", CONF_SECRET, is_ascii, "ASCII is wanted", NULL,
	    SERVER(password) },
	{ "password-command", CONF_SECRET, is_text, TEXT, NULL,
	    SERVER(passcommand) },
	{ "port", CONF_SERVER, is_text, TEXT, NULL, SERVER(port) },
	{ "proxy", CONF_SECRET, is_proxy,
	    "socks5://[USER:PASSWORD@]HOST[:PORT] or socks5h://... is wanted",
	    NULL, SERVER(proxy) },
	{ "strict-permissions", CONF_GLOBAL, is_yesno, YESNO, "NO",
	    GLOBAL(strict) },
	{ "timeout", CONF_SERVER, is_timeout, "1 to 99999 seconds are wanted",
	    NULL, SERVER(timeout) },
	{ "type", CONF_SERVER, is_type, "imap, imaps or tunnel is wanted",
	    "imaps", SERVER(type) },
	{ "username", CONF_SERVER, is_ascii, "ASCII is wanted", NULL,
	    SERVER(username) },
};
#define NCONFOPTS	(sizeof(confopts) / sizeof(confopts[0]))
_Static_assert(NCONFOPTS <= CONF_NOPTIONS, "CONF_NOPTIONS is too small");

const struct confopt *
confopt_find(const char *name, size_t len)
{
	size_t	i;

	for (i = 0; i < NCONFOPTS; i++)
		if (strlen(confopts[i].name) == len &&
		    memcmp(confopts[i].name, name, len) == 0)
			return &confopts[i];
	return NULL;
}

const struct confopt *
confopt_at(size_t i)
{
	return i < NCONFOPTS ? &confopts[i] : NULL;
}

size_t
confopt_index(const struct confopt *o)
{
	return (size_t)(o - confopts);
}
