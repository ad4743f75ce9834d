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
 * What goes to the server in one flight with the login, before it is answered:
 * ENABLE, LIST and COMPRESS, where the last run saw the capabilities they need
 * (CONFIG tells).  Called by auth.c, op.c, session.c and the commands it is
 * about.
 *
 * Only behind a login that is one command and has no challenge, or what
 * follows could be taken for the response to one.  AUTHENTICATE stands in a TLS
 * record of its own, since Cyrus 3.6 reads the octets it has read together with
 * it twice, and not at all what is behind them; without TLS nothing goes behind
 * AUTHENTICATE.  And only what does no harm
 * where the login is refused: before a login these commands are BAD (RFC 3501
 * section 6.2, RFC 5161 section 3.1, RFC 4978 section 3).  Nothing in them is
 * secret.
 *
 * A server may not like that.  What it refused is asked again once the login
 * was answered; and the parent is told (DOUBT), also when the connection ends
 * meanwhile, so that later runs go one step at a time.
 */
#include <string.h>

#include "imapchild.h"

/*
 * Octets of LIST behind a login, which a server has to hold before it can read
 * them.  Dovecot takes ten times that.
 */
#define AHEAD_MAX	2048

static void	 capability_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls capability_calls = {
	.name = "capability",
	.done = capability_done
};

/* The login is one command, and whole. */
void
ahead_begin(struct child *c)
{
	struct command	*cmd;

	if (c->remembered & CAP_STEPWISE ||
	    session_missing(c->remembered) != NULL)
		return;
	c->ahead = 1;
	c->aheadroom = AHEAD_MAX;
	if (c->remembered & CAP_TOLD)
		return;
	/* the answer to the login will not tell the capabilities */
	if ((cmd = cmd_new(&c->cmdq, &capability_calls)) == NULL)
		fatal("no memory");
	cmd_puts(cmd, "CAPABILITY");
	cmd_close(cmd);
	c->capsasked = 1;
}

int
ahead_may(struct child *c, const struct op *op)
{
	size_t	 n;

	if (c->phase == PHASE_READY)
		return 1;
	if (c->phase != PHASE_LOGIN || !c->ahead ||
	    op->req->type != MSG_LIST || (n = list_plain(op)) == 0 ||
	    n > c->aheadroom)
		return 0;
	c->aheadroom -= n;
	return 1;
}

uint64_t
ahead_caps(const struct child *c)
{
	return c->ahead && !c->loggedin ? c->remembered : c->caps;
}

/* A server that told why it refuses us did understand the login. */
void
ahead_judge(struct child *c, const struct resp_status *st)
{
	if (st->cond == COND_NO && st->codename[0] != '\0')
		c->ahead = 0;
}

void
ahead_taken(struct child *c)
{
	c->ahead = 0;
}

static void
ahead_doubt(struct child *c)
{
	if (!c->doubted && imsg_compose(&c->parent, MSG_DOUBT, 0, NULL) == -1)
		fatal("cannot queue a frame");
	c->doubted = 1;
	c->ahead = 0;
}

int
ahead_refused(struct child *c, const struct resp_status *st, int done)
{
	if (done && st->cond == COND_OK && c->loggedin)
		return 0;
	if (!c->doubted)
		log_info("the server did not take what went together with the "
		    "login (%s); going on one step at a time", st->text);
	ahead_doubt(c);
	return 1;
}

void
ahead_broken(struct child *c, enum fail_kind kind)
{
	if (c->ahead && (kind == FAIL_NET || kind == FAIL_PROTOCOL ||
	    kind == FAIL_AUTH))
		ahead_doubt(c);
}

/* Told too early, they are not those of this state. */
static void
capability_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	c->capsasked = 0;
	if (ahead_refused(c, st, 1)) {
		if (!c->loggedin)
			c->knowscaps = 0;
	} else if (c->phase == PHASE_READY)
		return;
	if (c->loggedin)
		session_learn(c);
}
