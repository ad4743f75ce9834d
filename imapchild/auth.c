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
 * unless the user asked for it by --debug twice, and all is wiped as soon as
 * the server has answered.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imapchild.h"

#define AUTH_SHOWN	2	/* config.debug that shows credentials */
#define AUTH_MAX	16384	/* octets of username and password */

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

/* RFC 4616 section 2: no authorization identity, NUL, name, NUL, password. */
static void
auth_plain_octets(struct command *cmd, struct bytes user, struct bytes pass)
{
	uint8_t	*plain;
	char	*text;
	size_t	 n, len;

	n = user.n + pass.n + 2;
	len = 4 * ((n + 2) / 3);
	if ((plain = calloc(1, n)) == NULL || (text = malloc(len)) == NULL)
		fatal("no memory");
	memcpy(plain + 1, user.p, user.n);
	memcpy(plain + user.n + 2, pass.p, pass.n);
	base64(text, plain, n);
	cmd_put(cmd, text, len);
	freezero(plain, n);
	freezero(text, len);
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

	cmd = auth_command(c, "AUTHENTICATE PLAIN");
	cmd_puts(cmd, "AUTHENTICATE PLAIN");
	if (c->caps & CAP_SASL_IR)
		cmd_puts(cmd, " ");
	else {
		cmd_puts(cmd, "\r\n");
		cmd_stop(cmd);
	}
	auth_plain_octets(cmd, c->conf.username, c->conf.password);
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

/* The first mechanism of the option "auth" that both sides know. */
void
auth_start(struct child *c)
{
	const char	*p, *end, *sp;

	if (c->caps & CAP_LOGINDISABLED) {
		child_fail(c, FAIL_AUTH, "Logins are disabled.");
		return;
	}
	if (c->conf.username.n == 0 || c->conf.password.n == 0 ||
	    c->conf.username.n + c->conf.password.n > AUTH_MAX) {
		child_fail(c, FAIL_CONFIG, "Missing option %s",
		    c->conf.username.n == 0 ? "username" : "password");
		return;
	}
	c->knowscaps = 0;		/* the login changes them */
	p = c->conf.auth.n == 0 ? "PLAIN LOGIN" : c->conf.auth.p;
	end = p + (c->conf.auth.n == 0 ? strlen(p) : c->conf.auth.n);
	for (; p < end; p = sp + 1) {
		if ((sp = memchr(p, ' ', end - p)) == NULL)
			sp = end;
		if (word_is(p, sp - p, "LOGIN")) {
			auth_login(c);
			return;
		}
		if (word_is(p, sp - p, "PLAIN") && c->authplain) {
			auth_plain(c);
			return;
		}
	}
	child_fail(c, FAIL_AUTH,
	    "Failed to choose an authentication mechanism");
}

static void
auth_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	if (c->quiet)
		log_debug("S: xxx %s %s", st->cond == COND_OK ? "OK" :
		    st->cond == COND_NO ? "NO" : "BAD", st->text);
	c->quiet = 0;
	auth_forget(c);
	if (st->cond == COND_OK)
		session_login(c);
	else
		child_fail(c, FAIL_AUTH, "login refused: %s", st->text);
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
