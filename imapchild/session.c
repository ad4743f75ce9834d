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
 * From the greeting to READY: capabilities, STARTTLS, the login (auth.c), and
 * ENABLE QRESYNC with the first request.  Called by answer.c and io.c.
 */
#include <string.h>
#include <strings.h>

#include "imapchild.h"
#include "sasl.h"
#include "token.h"

static void	 capability_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 starttls_done(struct child *, struct command *,
		    const struct resp_status *);
static void	 enable_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls capability_calls = {
	.name = "capability",
	.done = capability_done
};

static const struct cmd_calls starttls_calls = {
	.name = "starttls",
	.done = starttls_done
};

static const struct cmd_calls enable_calls = {
	.name = "enable",
	.done = enable_done
};

static const struct {
	const char	*name;
	uint64_t	 bit;
	int		 needed;
} capabilities[] = {
	{ "IMAP4REV1",		CAP_IMAP4REV1,		1 },
	{ "ENABLE",		CAP_ENABLE,		1 },
	{ "QRESYNC",		CAP_QRESYNC,		1 },
	{ "UIDPLUS",		CAP_UIDPLUS,		1 },
	{ "LIST-EXTENDED",	CAP_LISTEXT,		1 },
	{ "LIST-STATUS",	CAP_LISTSTATUS,		1 },
	{ "LITERAL+",		CAP_LITERALPLUS,	0 },
	{ "LITERAL-",		CAP_LITERALMINUS,	0 },
	{ "MULTIAPPEND",	CAP_MULTIAPPEND,	0 },
	{ "UNSELECT",		CAP_UNSELECT,		0 },
	{ "BINARY",		CAP_BINARY,		0 },
	{ "ESEARCH",		CAP_ESEARCH,		0 },
	{ "SASL-IR",		CAP_SASL_IR,		0 },
	{ "NOTIFY",		CAP_NOTIFY,		0 },
	{ "COMPRESS=DEFLATE",	CAP_COMPRESS,		0 },
	{ "LOGINDISABLED",	CAP_LOGINDISABLED,	0 },
	{ "STARTTLS",		CAP_STARTTLS,		0 },
	{ "OBJECTID",		CAP_OBJECTID,		0 }
};
#define NCAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

/* What was learnt before a change of state counts no longer. */
static void
session_forget(struct child *c)
{
	c->caps = c->cmdq.caps = 0;
	c->appendlimit = 0;
	c->mechs = 0;
	c->offered[0] = '\0';
	c->knowscaps = 0;
}

/* Remember the name for auth_start(), which may have to tell it. */
static void
session_mechanism(struct child *c, const char *name)
{
	const char		*word = name + strlen("AUTH=");
	const struct sasl_mech	*mech;

	if ((mech = sasl_find(word, strlen(word))) != NULL)
		c->mechs |= sasl_bit(mech);
	if (strlen(c->offered) + strlen(name) + 2 <= sizeof(c->offered)) {
		strlcat(c->offered, " ", sizeof(c->offered));
		strlcat(c->offered, name, sizeof(c->offered));
	}
}

/* What is no number is no limit: an APPEND will tell. */
static void
session_limit(struct child *c, const char *text)
{
	uint64_t	 n;

	if (token_number(text, strlen(text), INT64_MAX, &n) == 0)
		c->appendlimit = n;
}

/* A NULL begins a new list, which replaces the old one. */
void
session_capability(struct child *c, const char *name)
{
	size_t	 i;

	if (name == NULL) {
		session_forget(c);
		c->knowscaps = 1;
	} else if (strncasecmp(name, "AUTH=", 5) == 0)
		session_mechanism(c, name);
	else if (strncasecmp(name, "APPENDLIMIT=", 12) == 0)
		session_limit(c, name + 12);
	for (i = 0; name != NULL && i < NCAPABILITIES; i++)
		if (strcasecmp(name, capabilities[i].name) == 0)
			c->caps |= capabilities[i].bit;
	c->cmdq.caps = c->caps;
}

static struct command *
session_command(struct child *c, const struct cmd_calls *calls,
    const char *line)
{
	struct command	*cmd;

	if ((cmd = cmd_new(&c->cmdq, calls)) == NULL)
		fatal("no memory");
	cmd_puts(cmd, line);
	cmd_close(cmd);
	return cmd;
}

const char *
session_missing(uint64_t caps)
{
	size_t	 i;

	for (i = 0; i < NCAPABILITIES; i++)
		if (capabilities[i].needed &&
		    (caps & capabilities[i].bit) == 0)
			return capabilities[i].name;
	return NULL;
}

/* Logged in: name what is missing, or tell the parent that we are ready. */
static void
session_ready(struct child *c)
{
	const char		*missing = session_missing(c->caps);
	struct msg_ready	 m;
	struct ibuf		 buf;

	if (missing != NULL) {
		child_fail(c, FAIL_CAPABILITY, "Non %s-capable IMAP server. "
		    "Enable it on the server, or use another one: nothing can "
		    "be synchronized without", missing);
		return;
	}
	c->phase = PHASE_READY;
	if (c->doubted && !c->enabling)
		session_enable(c);
	m.version = MSG_VERSION;
	m.caps = c->caps;
	m.appendlimit = c->appendlimit;
	ibuf_init(&buf);
	msg_put_ready(&buf, &m);
	if (imsg_compose(&c->parent, MSG_READY, 0, &buf) == -1 ||
	    imsg_compose(&c->parent, MSG_DONE, c->connectid, NULL) == -1)
		fatal("cannot queue a frame");
	ibuf_free(&buf);
}

/* The next step, now that the capabilities of this state are known. */
static void
session_next(struct child *c)
{
	if (c->loggedin)
		session_ready(c);
	else if (c->conf.type == CONN_IMAP && c->conf.starttls &&
	    !c->upgraded) {
		if (c->caps & CAP_STARTTLS)
			session_command(c, &starttls_calls, "STARTTLS");
		else
			child_fail(c, FAIL_TLS, "Server did not advertise "
			    "STARTTLS capability. Use type = imaps if it has a "
			    "port for TLS");
	} else
		auth_start(c);
}

void
session_learn(struct child *c)
{
	if (c->knowscaps)
		session_next(c);
	else if (!c->capsasked)
		session_command(c, &capability_calls, "CAPABILITY");
}

static void
capability_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	if (st->cond != COND_OK || !c->knowscaps)
		child_fail(c, FAIL_PROTOCOL, "CAPABILITY failed: %s", st->text);
	else
		session_next(c);
}

void
session_greeting(struct child *c, const struct resp_status *st)
{
	c->phase = PHASE_LOGIN;
	if (st->cond == COND_PREAUTH) {
		if (c->conf.type == CONN_IMAP && c->conf.starttls) {
			child_fail(c, FAIL_TLS, "PREAUTH greeting leaves no "
			    "way to STARTTLS; somebody may stand in between. "
			    "Use type = imaps if it has a port for TLS");
			return;
		}
		c->loggedin = 1;
		auth_forget(c);
	} else if (st->cond != COND_OK) {
		child_fail(c, FAIL_NET, "greeting refused: %s", st->text);
		return;
	}
	session_learn(c);
}

/* RFC 3501 section 6.2.1: the capabilities are to be asked for again. */
static void
starttls_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	if (st->cond != COND_OK)
		child_fail(c, FAIL_TLS, "STARTTLS failed: %s", st->text);
	else
		c->phase = PHASE_UPGRADE;
}

void
session_start(struct child *c)
{
	if (!c->upgraded) {
		c->phase = PHASE_GREETING;
		return;
	}
	c->phase = PHASE_LOGIN;
	session_forget(c);
	session_learn(c);
}

void
session_login(struct child *c)
{
	c->loggedin = 1;
	if (c->knowscaps)
		c->caps |= CAP_TOLD;
	session_learn(c);
}

void
session_enable(struct child *c)
{
	if (c->enabling)
		return;
	c->enabling = 1;
	c->enableahead = c->phase != PHASE_READY;
	session_command(c, &enable_calls, "ENABLE QRESYNC");
}

void
session_enabled(struct child *c, const char *name)
{
	if (strcasecmp(name, "QRESYNC") == 0)
		c->enabled = 1;
}

/* RFC 5161 section 3.1: an OK alone promises nothing. */
static void
enable_done(struct child *c, struct command *cmd, const struct resp_status *st)
{
	if (c->enableahead && ahead_refused(c, st, c->enabled)) {
		c->enabled = c->enabling = 0;
		if (c->phase == PHASE_READY)
			session_enable(c);
		return;
	}
	ahead_taken(c);
	if (st->cond != COND_OK || !c->enabled)
		child_fail(c, FAIL_CAPABILITY, "the server did not enable "
		    "QRESYNC (it said: %s). Use another one: nothing can be "
		    "synchronized without", st->text);
}
