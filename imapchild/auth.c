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
 * Credentials: LOGIN (RFC 3501 section 6.2.3) and AUTHENTICATE PLAIN (section
 * 6.2.2, RFC 4616, RFC 4959).  Called by session.c.  Nothing here is traced,
 * and all is wiped as soon as the server has answered; with --debug twice the
 * user has asked to see it, and it stands in the log anyway.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imapchild.h"

#define AUTH_SHOWN	2	/* config.debug that shows credentials */
#define AUTH_MAX	16384	/* octets of username and password */

typedef void	(*auth_fn)(struct child *);

static void	 auth_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls auth_calls = {
	.name = "login",
	.done = auth_done
};

/* Base 64 (RFC 4648 section 4); dst holds 4 * ((n + 2) / 3) octets. */
static void
base64(char *dst, const uint8_t *p, size_t n)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t		 v;

	for (; n > 0; p += 3, dst += 4) {
		v = (uint32_t)p[0] << 16 | (n > 1 ? p[1] << 8 : 0) |
		    (n > 2 ? p[2] : 0);
		dst[0] = digits[v >> 18];
		dst[1] = digits[v >> 12 & 63];
		dst[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		dst[3] = n > 2 ? digits[v & 63] : '=';
		n -= n < 3 ? n : 3;
	}
}

/*
 * RFC 4616 section 2: no authorization identity, NUL, name, NUL, password.
 * Base 64 of *len octets, a NUL behind it; the caller wipes and frees it.
 */
static char *
plain_text(const struct msg_config *conf, size_t *len)
{
	uint8_t	*plain;
	char	*text;
	size_t	 n;

	n = conf->username.n + conf->password.n + 2;
	*len = 4 * ((n + 2) / 3);
	if ((plain = calloc(1, n)) == NULL ||
	    (text = calloc(1, *len + 1)) == NULL)
		fatal("no memory");
	memcpy(plain + 1, conf->username.p, conf->username.n);
	memcpy(plain + conf->username.n + 2, conf->password.p,
	    conf->password.n);
	base64(text, plain, n);
	freezero(plain, n);
	return text;
}

/* Whether text begins with p as it is, or as a quoted string would have it. */
static int
begins_with(const char *text, const char *p, size_t n)
{
	size_t	 i;

	if (strncmp(text, p, n) == 0)
		return 1;
	for (i = 0; i < n; i++, text++) {
		if (*text == '\\' && (p[i] == '\\' || p[i] == '"'))
			text++;
		if (*text != p[i])
			return 0;
	}
	return 1;
}

/*
 * A server that did not like a command may repeat it.  The password, or what
 * AUTHENTICATE made of it, is then kept out of what the user is told.
 */
const char *
auth_text(const struct child *c, const char *text)
{
	const struct bytes	 pass = c->conf.password;
	const char		*p;
	char			*plain;
	size_t			 len;
	int			 found;

	if (pass.n == 0 || pass.n > AUTH_MAX)
		return text;
	plain = plain_text(&c->conf, &len);
	found = strstr(text, plain) != NULL;
	freezero(plain, len);
	for (p = text; !found && *p != '\0'; p++)
		found = begins_with(p, pass.p, pass.n);
	return found ? "[REDACTED]" : text;
}

/* Only how it ended: TAG SP COND SP TEXT. */
void
auth_trace(const struct child *c, const char *line)
{
	const char	*cond, *text;

	if (line[0] == '*' || line[0] == '+' ||
	    (cond = strchr(line, ' ')) == NULL)
		return;
	if ((text = strchr(++cond, ' ')) == NULL)
		log_debug("S: xxx %s", cond);
	else
		log_debug("S: xxx %.*s %s", (int)(text - cond), cond,
		    auth_text(c, text + 1));
}

static struct command *
auth_command(struct child *c, const char *shown)
{
	struct command	*cmd;

	if ((cmd = cmd_new(&c->cmdq, &auth_calls)) == NULL)
		fatal("no memory");
	if (c->conf.debug < AUTH_SHOWN) {
		cmd->secret = 1;
		c->quiet = 1;
		log_debug("C: xxx %s [REDACTED]", shown);
	}
	return cmd;
}

static void
auth_plain(struct child *c)
{
	struct command	*cmd;
	char		*text;
	size_t		 len;

	cmd = auth_command(c, "AUTHENTICATE PLAIN");
	cmd_puts(cmd, "AUTHENTICATE PLAIN");
	if (c->caps & CAP_SASL_IR)
		cmd_puts(cmd, " ");
	else
		cmd_ask(cmd);
	text = plain_text(&c->conf, &len);
	cmd_put(cmd, text, len);
	freezero(text, len);
	cmd_close(cmd);
}

static void
auth_login(struct child *c)
{
	struct command	*cmd;

	cmd = auth_command(c, "LOGIN");
	cmd_puts(cmd, "LOGIN ");
	cmd_string(cmd, c->conf.username.p, c->conf.username.n);
	cmd_puts(cmd, " ");
	cmd_string(cmd, c->conf.password.p, c->conf.password.n);
	cmd_close(cmd);
}

static int
word_is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

/* The first mechanism of the option "auth" that both sides know, or NULL. */
static auth_fn
auth_choose(const struct child *c, const char *p, size_t n)
{
	const char	*end = p + n, *sp;

	for (; p < end; p = sp + 1) {
		if ((sp = memchr(p, ' ', end - p)) == NULL)
			sp = end;
		if (word_is(p, sp - p, "LOGIN"))
			return auth_login;
		if (word_is(p, sp - p, "PLAIN") && c->authplain)
			return auth_plain;
	}
	return NULL;
}

/* What the configuration has to say.  0, or -1: the connection has failed. */
static int
auth_configured(struct child *c)
{
	const struct msg_config	*conf = &c->conf;

	if (conf->username.n == 0 || conf->password.n == 0)
		child_fail(c, FAIL_CONFIG, "Missing option %s",
		    conf->username.n == 0 ? "username" : "password");
	else if (conf->username.n > AUTH_MAX ||
	    conf->password.n > AUTH_MAX - conf->username.n)
		child_fail(c, FAIL_CONFIG, "username and password have more "
		    "than %d octets", AUTH_MAX);
	else
		return 0;
	return -1;
}

/* Servers say so after the login, too: then it does not matter. */
static void
auth_disabled(struct child *c)
{
	child_fail(c, FAIL_AUTH, "Logins are disabled.%s",
	    c->conf.type == CONN_IMAP && !c->upgraded ? " The server may "
	    "allow them on an encrypted connection: STARTTLS = YES, or "
	    "type = imaps" : "");
}

void
auth_start(struct child *c)
{
	struct bytes	 auth = c->conf.auth;
	auth_fn		 fn;

	if (auth.n == 0)
		auth = bytes_of("PLAIN LOGIN");
	if (c->caps & CAP_LOGINDISABLED) {
		auth_disabled(c);
		return;
	}
	if (auth_configured(c) == -1)
		return;
	if ((fn = auth_choose(c, auth.p, auth.n)) == NULL) {
		child_fail(c, FAIL_AUTH, "Failed to choose an authentication "
		    "mechanism: auth = %.*s, the server offers LOGIN%s, and "
		    "known here are PLAIN and LOGIN", (int)auth.n, auth.p,
		    c->offered);
		return;
	}
	if (c->exposed && !c->upgraded)
		log_warn("username and password go unencrypted through the "
		    "network; use STARTTLS = YES or type = imaps");
	c->knowscaps = 0;		/* the login changes them */
	fn(c);
}

static void
auth_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	const char	*text = auth_text(c, st->text);

	c->quiet = 0;
	auth_forget(c);
	if (st->cond == COND_OK)
		session_login(c);
	else	/* RFC 5530 section 3: UNAVAILABLE says nothing about us */
		child_fail(c, strcmp(st->codename, "UNAVAILABLE") == 0 ?
		    FAIL_NET : FAIL_AUTH, "login refused: %s", text);
}

/* The command itself wipes its octets when it goes (cmd->secret). */
void
auth_forget(struct child *c)
{
	struct msg_config	 conf;

	if (c->confbuf == NULL)
		return;
	freezero(c->confbuf, c->confsize);
	c->confbuf = NULL;
	memset(&conf, 0, sizeof(conf));
	conf.type = c->conf.type;
	conf.starttls = c->conf.starttls;
	conf.debug = c->conf.debug;
	conf.timeout = c->conf.timeout;
	c->conf = conf;
	explicit_bzero(c->wbuf, sizeof(c->wbuf));
}
