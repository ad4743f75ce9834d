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
 * The configuration file: its grammar (that of Config::Tiny, which the
 * original uses), inheritance, and the checks that need more than one option.
 * Called by conffile.c, which reads it.  The file may hold passwords: every
 * buffer is wiped, and an error never shows one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "interimap.h"

/* A setting as it stands in the file; the last of several counts. */
struct setting {
	char	*value;			/* NULL: not set */
	size_t	 line;
};

struct parser {
	const char	*path;
	warn_fn		 warn;
	char		*err;
	size_t		 errlen;
	size_t		 line;
	int		 section;	/* enum section, NSECTIONS: another */
	int		 seen[NSECTIONS];
	struct setting	 set[NSECTIONS][CONF_NOPTIONS];
};

static const char *const where[NSECTIONS] = {
	"the default section", "section [local]", "section [remote]"
};

static int
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The view without blanks at both ends. */
static struct bytes
trim(const char *p, size_t n)
{
	struct bytes	b = { p, n };

	while (b.n > 0 && blank(b.p[0])) {
		b.p++;
		b.n--;
	}
	while (b.n > 0 && blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

static void
wipe(char *s)
{
	if (s != NULL)
		freezero(s, strlen(s));
}

/* A "; text" between blanks ends the line: where it is cut. */
static size_t
comment_start(const char *p, size_t n)
{
	size_t	i;

	for (i = 0; i + 3 < n; i++)
		if (blank(p[i]) && p[i + 1] == ';' && blank(p[i + 2]))
			return i;
	return n;
}

/* "[name]": everything between the first [ and the last ]. */
static int
section_line(struct parser *ps, struct bytes line)
{
	struct bytes	name;

	if (line.n < 3 || line.p[0] != '[' || line.p[line.n - 1] != ']')
		return 0;
	name = trim(line.p + 1, line.n - 2);
	if (bytes_eq(name, bytes_of("local")))
		ps->section = SEC_LOCAL;
	else if (bytes_eq(name, bytes_of("remote")))
		ps->section = SEC_REMOTE;
	else if (bytes_eq(name, bytes_of("_")))
		ps->section = SEC_DEFAULT;	/* Config::Tiny's own name */
	else
		ps->section = NSECTIONS;
	if (ps->section < NSECTIONS)
		ps->seen[ps->section] = 1;
	return 1;
}

/* Keep a setting of one of our sections. */
static int
keep(struct parser *ps, struct bytes name, struct bytes value)
{
	const struct confopt	*o;
	struct setting		*s;

	if ((o = confopt_find(name.p, name.n)) == NULL) {
		snprintf(ps->err, ps->errlen, "%s:%zu: Invalid option %.*s in "
		    "%s", ps->path, ps->line, (int)name.n, name.p,
		    where[ps->section]);
		return -1;
	}
	if (value.n > CONF_MAXVALUE ||
	    (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)) {
		snprintf(ps->err, ps->errlen, "%s:%zu: Invalid option %s in "
		    "%s: longer than %d octets, or a NUL in it", ps->path,
		    ps->line, o->name, where[ps->section], CONF_MAXVALUE);
		return -1;
	}
	s = &ps->set[ps->section][confopt_index(o)];
	wipe(s->value);
	s->line = ps->line;
	if ((s->value = strndup(value.n > 0 ? value.p : "", value.n)) == NULL) {
		snprintf(ps->err, ps->errlen, "out of memory");
		return -1;
	}
	return 0;
}

static int
parse_line(struct parser *ps, const char *p, size_t n)
{
	struct bytes	 line = trim(p, n);
	const char	*eq;

	if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
		return 0;
	line = trim(p, comment_start(p, n));
	if (section_line(ps, line))
		return 0;
	if (line.n == 0 || line.p[0] == '=' ||
	    (eq = memchr(line.p, '=', line.n)) == NULL) {
		snprintf(ps->err, ps->errlen, "%s:%zu: Syntax error: a "
		    "[section], OPTION=VALUE or a comment is wanted",
		    ps->path, ps->line);
		return -1;
	}
	if (ps->section == NSECTIONS)
		return 0;
	return keep(ps, trim(line.p, (size_t)(eq - line.p)),
	    trim(eq + 1, line.n - (size_t)(eq - line.p) - 1));
}

/* Lines end in LF, CR LF, CR CR LF or CR. */
static int
parse_lines(struct parser *ps, const char *p, size_t n)
{
	size_t	i = 0, start = 0;

	while (start < n) {
		while (i < n && p[i] != '\r' && p[i] != '\n')
			i++;
		ps->line++;
		if (parse_line(ps, p + start, i - start) == -1)
			return -1;
		if (i + 2 < n && memcmp(p + i, "\r\r\n", 3) == 0)
			i += 3;
		else if (i + 1 < n && memcmp(p + i, "\r\n", 2) == 0)
			i += 2;
		else
			i++;
		start = i;
	}
	return 0;
}

/* The grammar of every setting, and what has no effect where it stands. */
static int
check_settings(struct parser *ps, int sec)
{
	const struct confopt	*o;
	struct setting		*s;
	size_t			 i;

	for (i = 0; (o = confopt_at(i)) != NULL; i++) {
		s = &ps->set[sec][i];
		if (s->value == NULL)
			continue;
		if (!o->check(s->value)) {
			snprintf(ps->err, ps->errlen, "%s:%zu: Invalid option "
			    "%s%s%s in %s: %s", ps->path, s->line, o->name,
			    o->scope == CONF_SECRET ? "" : " = ",
			    o->scope == CONF_SECRET ? "" : s->value,
			    where[sec], o->want);
			return -1;
		}
		if (o->scope == CONF_IGNORED)
			ps->warn("%s:%zu: Option %s in %s has no effect: the "
			    "TLS library knows no such setting", ps->path,
			    s->line, o->name, where[sec]);
		if (o->scope == CONF_GLOBAL && sec != SEC_DEFAULT)
			ps->warn("%s:%zu: Option %s has no effect in %s; it "
			    "belongs above all sections", ps->path, s->line,
			    o->name, where[sec]);
	}
	return 0;
}

static int
copy(struct parser *ps, void *base, const struct confopt *o, const char *v)
{
	char	**to = (char **)(void *)((char *)base + o->off);

	if (v == NULL || o->scope == CONF_IGNORED)
		return 0;
	if ((*to = strdup(v)) == NULL) {
		snprintf(ps->err, ps->errlen, "out of memory");
		return -1;
	}
	return 0;
}

/* The value that counts for a section, or NULL. */
static const char *
effective(struct parser *ps, int sec, const struct confopt *o)
{
	size_t	i = confopt_index(o);

	if (ps->set[sec][i].value != NULL)
		return ps->set[sec][i].value;
	if (ps->set[SEC_DEFAULT][i].value != NULL)
		return ps->set[SEC_DEFAULT][i].value;
	return o->deflt;
}

/* Copy settings and defaults to where they are kept. */
static int
resolve(struct parser *ps, struct config *c)
{
	const struct confopt	*o;
	size_t			 i;
	int			 rc = 0;

	for (i = 0; rc == 0 && (o = confopt_at(i)) != NULL; i++) {
		if (o->scope == CONF_GLOBAL) {
			rc = copy(ps, c, o, effective(ps, SEC_DEFAULT, o));
			continue;
		}
		rc = copy(ps, &c->server[LOCAL], o,
		    effective(ps, SEC_LOCAL, o));
		if (rc == 0)
			rc = copy(ps, &c->server[REMOTE], o,
			    effective(ps, SEC_REMOTE, o));
	}
	return rc;
}

/* Options that exclude or need each other. */
static int
finish_secrets(struct parser *ps, const struct server *s, int sec)
{
	if (s->password != NULL && s->passcommand != NULL)
		snprintf(ps->err, ps->errlen, "%s: Options password and "
		    "password-command exclude each other in %s; remove one",
		    ps->path, where[sec]);
	else if (s->key != NULL && s->cert == NULL)
		snprintf(ps->err, ps->errlen, "%s: Missing option SSL_cert in "
		    "%s: SSL_key needs it", ps->path, where[sec]);
	else
		return 0;
	return -1;
}

/* What one server's options mean together. */
static int
finish_server(struct parser *ps, struct server *s, int sec)
{
	s->verify = strcasecmp(s->sslverify, "YES") == 0;
	s->null_stderr = strcasecmp(s->nullstderr, "YES") == 0;
	s->use_compress = s->compress == NULL ? sec == SEC_REMOTE :
	    strcasecmp(s->compress, "YES") == 0;
	s->conn = CONN_IMAPS;
	if (finish_secrets(ps, s, sec) == -1)
		return -1;
	if (strcmp(s->type, "tunnel") == 0) {
		s->conn = CONN_TUNNEL;
		if (s->command == NULL) {
			snprintf(ps->err, ps->errlen, "%s: Missing option "
			    "command in %s: type=tunnel needs it", ps->path,
			    where[sec]);
			return -1;
		}
		return 0;
	}
	if (strcmp(s->type, "imap") == 0) {
		s->conn = CONN_IMAP;
		s->use_starttls = strcasecmp(s->starttls, "YES") == 0;
	}
	if (s->port == NULL &&
	    (s->port = strdup(s->conn == CONN_IMAP ? "143" : "993")) == NULL) {
		snprintf(ps->err, ps->errlen, "out of memory");
		return -1;
	}
	return 0;
}

static int
finish(struct parser *ps, struct config *c)
{
	int	sec;

	for (sec = SEC_DEFAULT; sec < NSECTIONS; sec++) {
		if (sec != SEC_DEFAULT && !ps->seen[sec]) {
			snprintf(ps->err, ps->errlen, "%s: No such section %s",
			    ps->path, sec == SEC_LOCAL ? "local" : "remote");
			return -1;
		}
		if (check_settings(ps, sec) == -1)
			return -1;
	}
	if (resolve(ps, c) == -1 ||
	    finish_server(ps, &c->server[LOCAL], SEC_LOCAL) == -1 ||
	    finish_server(ps, &c->server[REMOTE], SEC_REMOTE) == -1)
		return -1;
	if (c->database == NULL && asprintf(&c->database, "%s.db",
	    c->server[REMOTE].host) == -1) {
		c->database = NULL;
		snprintf(ps->err, ps->errlen, "out of memory");
		return -1;
	}
	return 0;
}

int
config_parse(struct config *c, const char *path, const char *buf, size_t len,
    warn_fn warn, char *err, size_t errlen)
{
	struct parser	ps = { .path = path, .warn = warn, .err = err,
			    .errlen = errlen, .section = SEC_DEFAULT };
	size_t		i, sec;
	int		rc = -1;

	memset(c, 0, sizeof(*c));
	if ((c->path = strdup(path)) == NULL)
		snprintf(err, errlen, "out of memory");
	else if (parse_lines(&ps, buf, len) == 0)
		rc = finish(&ps, c);
	for (sec = 0; sec < NSECTIONS; sec++)
		for (i = 0; i < CONF_NOPTIONS; i++)
			wipe(ps.set[sec][i].value);
	if (rc == -1)
		config_free(c);
	return rc;
}

void
config_wipe(struct config *c)
{
	int	i;

	for (i = 0; i < 2; i++) {
		wipe(c->server[i].username);
		wipe(c->server[i].password);
		wipe(c->server[i].passcommand);
		wipe(c->server[i].proxy);
		c->server[i].proxy = NULL;
		c->server[i].username = c->server[i].password = NULL;
		c->server[i].passcommand = NULL;
	}
}

void
config_free(struct config *c)
{
	const struct confopt	*o;
	size_t			 i, off;

	for (i = 0; (o = confopt_at(i)) != NULL; i++) {
		off = o->off;
		if (o->scope == CONF_IGNORED)
			continue;
		if (o->scope == CONF_GLOBAL) {
			wipe(*(char **)(void *)((char *)c + off));
			continue;
		}
		wipe(*(char **)(void *)((char *)&c->server[LOCAL] + off));
		wipe(*(char **)(void *)((char *)&c->server[REMOTE] + off));
	}
	free(c->path);
	memset(c, 0, sizeof(*c));
}
