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
 * Credentials: which way to log in, LOGIN (RFC 3501 section 6.2.3),
 * AUTHENTICATE (section 6.2.2, RFC 4959) around what sasl.c says, and how it
 * ended.  Called by session.c.  Nothing here is traced, and all is wiped as
 * soon as the server has answered; with --debug twice the user has asked to
 * see it, and it stands in the log anyway.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "imapchild.h"
#include "sasl.h"

#define AUTH_SHOWN	2	/* config.debug that shows credentials */
#define AUTH_MAX	16384	/* octets of username and password */

static void	 login_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 auth_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 auth_cont(struct child *, struct command *, const char *);

static const struct cmd_calls login_calls = {
	.name = "login",
	.done = login_done
};

static const struct cmd_calls auth_calls = {
	.name = "login",
	.done = auth_done,
	.cont = auth_cont
};

/*
 * What must not be shown.
 */

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

/* Whether text holds what a mechanism said first, which holds the secret. */
static int
holds_first(const struct child *c, const char *text)
{
	const struct sasl	*s = c->sasl;
	struct sasl		 again;
	struct ibuf		 first, b;
	int			 found = 0;

	if (s == NULL || !(s->mech->flags & SASL_CLEAR))
		return 0;
	again = *s;
	ibuf_init(&first);
	ibuf_init(&b);
	if (s->mech->first(&again, &first) == 0) {
		base64_encode(&b, first.buf, first.wpos);
		found = b.wpos > 0 && memmem(text, strlen(text), b.buf,
		    b.wpos) != NULL;
	}
	ibuf_free(&first);
	ibuf_free(&b);
	return found;
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
	int			 found;

	if (pass.n == 0 || pass.n > AUTH_MAX)
		return text;
	found = holds_first(c, text);
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

/*
 * The commands.
 */

static struct command *
auth_command(struct child *c, const struct cmd_calls *calls)
{
	struct command	*cmd;

	if ((cmd = cmd_new(&c->cmdq, calls)) == NULL)
		fatal("no memory");
	if (c->conf.debug < AUTH_SHOWN) {
		cmd->secret = 1;
		c->quiet = 1;
	}
	return cmd;
}

static void
auth_login(struct child *c)
{
	struct command	*cmd;

	cmd = auth_command(c, &login_calls);
	if (c->quiet)
		log_debug("C: xxx LOGIN [REDACTED]");
	cmd_puts(cmd, "LOGIN ");
	cmd_string(cmd, c->conf.username.p, c->conf.username.n);
	cmd_puts(cmd, " ");
	cmd_string(cmd, c->conf.password.p, c->conf.password.n);
	cmd_close(cmd);
	if (cmd->nstops == 0)
		ahead_begin(c);
}

/*
 * What the mechanism says to a challenge, in base 64, and the end of the line.
 * Where no challenge may follow the command is whole.
 */
static int
auth_respond(struct child *c, struct command *cmd, struct bytes challenge,
    const char *empty)
{
	struct ibuf	 out, b;
	int		 rc;

	ibuf_init(&out);
	ibuf_init(&b);
	if ((rc = sasl_next(c->sasl, challenge, &out)) == 0) {
		base64_encode(&b, out.buf, out.wpos);
		if (b.wpos > 0)
			cmd_put(cmd, b.buf, b.wpos);
		else
			cmd_puts(cmd, empty);
		if (c->sasl->mech->step == NULL)
			cmd_close(cmd);
		else
			cmd_ask(cmd);
	}
	ibuf_free(&out);
	ibuf_free(&b);
	return rc;
}

static void
auth_sasl(struct child *c, const struct sasl_mech *mech)
{
	const struct msg_config	*conf = &c->conf;
	struct bytes		 none = { "", 0 };
	struct command		*cmd;

	if ((c->sasl = sasl_new(mech)) == NULL)
		fatal("no memory");
	c->sasl->user = conf->username;
	c->sasl->pass = conf->password;
	if (conf->type != CONN_TUNNEL) {
		c->sasl->host = conf->host;
		c->sasl->port = conf->port;
	}
	cmd = auth_command(c, &auth_calls);
	if (c->quiet)
		log_debug("C: xxx AUTHENTICATE %s [REDACTED]", mech->name);
	cmd_printf(cmd, "AUTHENTICATE %s", mech->name);
	if ((c->caps & CAP_SASL_IR) == 0) {
		cmd_ask(cmd);
		return;
	}
	cmd_puts(cmd, " ");
	/* RFC 4959 section 3: "=" stands for an empty one */
	if (auth_respond(c, cmd, none, "=") == -1)
		child_fail(c, FAIL_AUTH, "%s", c->sasl->why);
	else if (mech->step == NULL && (conf->type == CONN_IMAPS ||
	    c->upgraded)) {
		cmd->apart = 1;
		ahead_begin(c);
	}
}

/* A challenge; the first one only asks us to begin, when that had to wait. */
static void
auth_cont(struct child *c, struct command *cmd, const char *text)
{
	struct bytes	 challenge = { "", 0 };
	struct ibuf	 in;

	ibuf_init(&in);
	if (c->sasl->begun && base64_decode(&in, text, strlen(text)) == -1)
		child_fail(c, FAIL_PROTOCOL, "challenge that is not base 64");
	else {
		if (in.wpos > 0) {
			challenge.p = (const char *)in.buf;
			challenge.n = in.wpos;
		}
		if (auth_respond(c, cmd, challenge, "") == -1)
			child_fail(c, FAIL_AUTH, "%s", c->sasl->why);
	}
	ibuf_free(&in);
}

/*
 * Choosing.
 */

/* What is said can be read on the way; a tunnel is the user's business. */
static int
auth_open(const struct child *c)
{
	return c->conf.type == CONN_IMAP && !c->upgraded;
}

/*
 * LOGINDISABLED means LOGIN, and PLAIN as well; without TLS whatever gives the
 * secret away.
 */
static int
auth_forbidden(const struct child *c, const struct sasl_mech *m)
{
	if ((c->caps & CAP_LOGINDISABLED) == 0)
		return 0;
	return m->flags & SASL_PLAIN || (m->flags & SASL_CLEAR &&
	    auth_open(c));
}

/* LOGIN is a command, and always there. */
static int
auth_offered(const struct child *c, const struct sasl_mech *m)
{
	return m->first == NULL || (c->mechs & sasl_bit(m)) != 0;
}

/* Without a certificate of ours only a tunnel may know who we are. */
static int
auth_certified(const struct child *c, const struct sasl_mech *m)
{
	if ((m->flags & SASL_CERT) == 0 || c->conf.type == CONN_TUNNEL)
		return 1;
	return c->conf.cert.n > 0 && !auth_open(c);
}

/*
 * The first mechanism of the option "auth" that both sides know, or NULL, and
 * then whether LOGINDISABLED is why, or a certificate that is missing.
 */
static const struct sasl_mech *
auth_choose(const struct child *c, struct bytes auth, int *disabled,
    int *uncertified)
{
	const struct sasl_mech	*m;
	const char		*p = auth.p, *end = auth.p + auth.n, *sp;

	*disabled = *uncertified = 0;
	for (; p < end; p = sp + 1) {
		if ((sp = memchr(p, ' ', end - p)) == NULL)
			sp = end;
		if ((m = sasl_find(p, sp - p)) == NULL || !auth_offered(c, m))
			continue;
		if (auth_forbidden(c, m))
			*disabled = 1;
		else if (!auth_certified(c, m))
			*uncertified = 1;
		else
			return m;
	}
	return NULL;
}

static void
auth_none(struct child *c, struct bytes auth, int disabled, int uncertified)
{
	char	 names[128];

	if (disabled) {
		child_fail(c, FAIL_AUTH, "Logins are disabled.%s",
		    auth_open(c) ? " The server may allow them on an "
		    "encrypted connection: STARTTLS = YES, or type = imaps" :
		    "");
		return;
	}
	sasl_names(names, sizeof(names));
	child_fail(c, FAIL_AUTH, "Failed to choose an authentication "
	    "mechanism: auth = %.*s, the server offers LOGIN%s%s, and "
	    "known here are %s%s", (int)auth.n, auth.p,
	    c->caps & CAP_LOGINDISABLED ? "DISABLED" : "", c->offered, names,
	    uncertified ? "; EXTERNAL needs TLS and SSL_cert" : "");
}

/* What the configuration has to say.  0, or -1: the connection has failed. */
static int
auth_configured(struct child *c, const struct sasl_mech *m)
{
	const struct msg_config	*conf = &c->conf;

	if (m->flags & SASL_USER && conf->username.n == 0)
		child_fail(c, FAIL_CONFIG, "Missing option username: %s needs "
		    "it", m->name);
	else if (m->flags & SASL_PASS && conf->password.n == 0)
		child_fail(c, FAIL_CONFIG, "Missing option password or "
		    "password-command: %s needs one", m->name);
	else if (conf->username.n > AUTH_MAX ||
	    conf->password.n > AUTH_MAX - conf->username.n)
		child_fail(c, FAIL_CONFIG, "username and password have more "
		    "than %d octets", AUTH_MAX);
	else
		return 0;
	return -1;
}

void
auth_start(struct child *c)
{
	struct bytes		 auth = c->conf.auth;
	const struct sasl_mech	*mech;
	int			 disabled, uncertified;

	if (auth.n == 0)
		auth = bytes_of("PLAIN LOGIN");
	mech = auth_choose(c, auth, &disabled, &uncertified);
	if (mech == NULL) {
		auth_none(c, auth, disabled, uncertified);
		return;
	}
	if (auth_configured(c, mech) == -1)
		return;
	if (mech->flags & SASL_CLEAR && c->exposed && !c->upgraded)
		log_warn("username and %s go unencrypted through the "
		    "network; use STARTTLS = YES or type = imaps",
		    mech->flags & SASL_TOKEN ? "token" : "password");
	c->knowscaps = 0;		/* the login changes them */
	if (mech->first == NULL)
		auth_login(c);
	else
		auth_sasl(c, mech);
}

/*
 * How it ended.
 */

/* RFC 5530 section 3: UNAVAILABLE says nothing about us. */
static void
auth_refused(struct child *c, const struct resp_status *st)
{
	struct ibuf	*e = c->sasl == NULL ? NULL : &c->sasl->error;
	char		*why = NULL;

	if (e != NULL && e->wpos > 0) {
		ibuf_add_u8(e, '\0');
		if (ibuf_ok(e))
			why = (char *)e->buf;
	}
	ahead_judge(c, st);
	child_fail(c, strcmp(st->codename, "UNAVAILABLE") == 0 ? FAIL_NET :
	    FAIL_AUTH, "login refused: %s%s%s", auth_text(c, st->text),
	    why == NULL ? "" : "; its reason: ",
	    why == NULL ? "" : auth_text(c, why));
}

static void
login_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	c->quiet = 0;
	if (st->cond != COND_OK)
		auth_refused(c, st);
	else if (c->sasl != NULL && c->sasl->mech->accept != NULL &&
	    c->sasl->mech->accept(c->sasl) == -1)
		child_fail(c, FAIL_AUTH, "%s", c->sasl->why);
	else {
		auth_forget(c);
		session_login(c);
		return;
	}
	auth_forget(c);
}

/* The command stands where it asked for one more challenge. */
static void
auth_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	if (!cmd->closed)
		cmd_end(cmd);
	login_done(c, cmd, st);
}

/* The command itself wipes its octets when it goes (cmd->secret). */
void
auth_forget(struct child *c)
{
	struct msg_config	 conf;

	sasl_free(c->sasl);
	c->sasl = NULL;
	if (c->confbuf == NULL)
		return;
	freezero(c->confbuf, c->confsize);
	c->confbuf = NULL;
	memset(&conf, 0, sizeof(conf));
	conf.type = c->conf.type;
	conf.starttls = c->conf.starttls;
	conf.debug = c->conf.debug;
	conf.timeout = c->conf.timeout;
	conf.patience = c->conf.patience;
	c->conf = conf;
	explicit_bzero(c->wbuf, sizeof(c->wbuf));
}
