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
 * One session: the children are started, the parent is locked, the database is
 * opened, then the engine talks to the servers until it is done; with --notify
 * again and again (watch.c).  One poll loop.  Called by main.c; reads nothing
 * a child wrote before it is locked.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sandbox.h"
#include "session.h"

int64_t
session_now(void)
{
	struct timespec	ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime: %s", strerror(errno));
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
session_say(struct session *s, enum loglevel level, int side,
    const char *fmt, ...)
{
	char	text[LOG_TEXTMAX];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	output_line(s->out, level, side, NULL, text, strlen(text));
}

/* ---- what the engine asks for ---- */

static int
engine_send(void *arg, enum peer p, enum msg_type type, uint32_t id,
    const struct ibuf *data)
{
	return child_send(arg, p, type, id, data);
}

static void
engine_say(void *arg, enum loglevel level, int side, const char *mailbox,
    const char *text)
{
	struct session	*s = arg;

	if (s->opts->notify && level <= LOG_L_WARN &&
	    said_again(&s->said, side, mailbox, text))
		level = LOG_L_DEBUG;
	output_line(s->out, level, side, mailbox, text, strlen(text));
}

/* A name that runs into a limit of the expression is left alone too. */
static int
engine_ignored(void *arg, const char *name, size_t len)
{
	struct session	*s = arg;
	int		 rc;

	if ((rc = ignore_match(s->ignore, name, len)) == -1)
		session_say(s, LOG_L_WARN, SIDE_NONE, "Mailbox %.*s left out: "
		    "matching it against ignore-mailbox takes too long",
		    (int)len, name);
	return rc != 0;
}

/* Half of it more or less: whoever else was told the same comes later. */
static void
engine_nap(void *arg, unsigned int ms)
{
	struct session	*s = arg;

	s->wake = session_now() + ms / 2 + arc4random_uniform(ms);
}

static int
make_engine(struct session *s)
{
	struct engine_calls	 calls = { engine_send, engine_say, NULL,
				    engine_nap };
	struct engine_config	 ec;

	memset(&ec, 0, sizeof(ec));
	ec.ref[LOCAL] = s->conf->server[LOCAL].listref;
	ec.ref[REMOTE] = s->conf->server[REMOTE].listref;
	ec.opts = s->opts->nmailboxes > 0 ? "" : s->conf->listopts;
	ec.patterns = s->patterns.v;
	ec.npatterns = s->patterns.n;
	ec.rawpatterns = s->opts->nmailboxes > 0;
	if (maxdelete_parse(s->conf->maxdelete, &ec.maxcount,
	    &ec.maxpercent) == -1)
		fatal("max-delete = %s", s->conf->maxdelete);
	ec.allowall = s->opts->allowall;
	ec.allow = s->opts->allow;
	ec.nallow = s->opts->nallow;
	ec.command = s->opts->command;
	ec.targets = s->opts->targets;
	if (s->ignore != NULL)
		calls.ignored = engine_ignored;
	return (s->engine = engine_new(&ec, &calls, s)) == NULL ? -1 : 0;
}

/* ---- before the children ---- */

/* MAILBOX arguments stand as they are, and override the list options. */
static int
set_patterns(struct session *s)
{
	const struct options	*o = s->opts;
	size_t			 i;

	if (o->nmailboxes == 0) {
		if (s->conf->listmailbox == NULL)
			return 0;
		return patterns_parse(&s->patterns, s->conf->listmailbox);
	}
	s->patterns.v = calloc(o->nmailboxes, sizeof(*s->patterns.v));
	if (s->patterns.v == NULL)
		return -1;
	for (i = 0; i < o->nmailboxes; i++) {
		if ((s->patterns.v[i].p = strdup(o->mailboxes[i])) == NULL)
			return -1;
		s->patterns.v[i].n = strlen(o->mailboxes[i]);
		s->patterns.n++;
	}
	return 0;
}

/* 0; or -1: a configuration error, which was said. */
static int
prepare(struct session *s)
{
	char	err[ERRMAX];

	if (set_patterns(s) == -1) {
		session_say(s, LOG_L_ERROR, SIDE_NONE, "%s: Invalid value for "
		    "list-mailbox: %s", s->conf->path, s->conf->listmailbox ==
		    NULL ? "too many" : s->conf->listmailbox);
		return -1;
	}
	if (s->conf->ignore != NULL && s->opts->nmailboxes == 0) {
		s->ignore = ignore_new(s->conf->ignore, err, sizeof(err));
		if (s->ignore == NULL) {
			session_say(s, LOG_L_ERROR, SIDE_NONE, "%s: Invalid "
			    "value for ignore-mailbox: %s: %s", s->conf->path,
			    s->conf->ignore, err);
			return -1;
		}
	}
	s->database = path_database(s->conf->database, err, sizeof(err));
	if (s->database == NULL) {
		session_say(s, LOG_L_ERROR, SIDE_NONE, "%s", err);
		return -1;
	}
	if (make_engine(s) == -1)
		fatal("out of memory");
	memory_init(s);
	return 0;
}

/* The passwords that commands tell.  0; or -1: it was said. */
static int
ask_secrets(struct session *s)
{
	struct server	*v;
	char		 err[ERRMAX];
	int		 i;

	for (i = LOCAL; i <= REMOTE; i++) {
		v = &s->conf->server[i];
		if (v->passcommand == NULL)
			continue;
		session_say(s, LOG_L_DEBUG, i, "running password-command");
		v->password = secret_run(v->passcommand, err, sizeof(err));
		if (v->password != NULL)
			continue;
		if (!got_sigterm && !got_sigint)
			session_say(s, LOG_L_ERROR, i, "password-command "
			    "failed: %s; run it by hand, and correct section "
			    "[%s] of %s", err, side_name((enum side)i),
			    s->conf->path);
		return -1;
	}
	return 0;
}

/* ---- the run ---- */

static void
session_begin(struct session *s)
{
	s->phase = PHASE_WORK;
	if (child_connect(s, LOCAL) == -1 || child_connect(s, REMOTE) == -1) {
		session_say(s, LOG_L_ERROR, SIDE_NONE, "%s: a value is too "
		    "long", s->conf->path);
		session_fail(s, OUT_CONFIG);
		return;
	}
	config_wipe(s->conf);
	if (engine_start(s->engine) == -1)
		session_fail(s, OUT_INTERNAL);
}

void
session_again(struct session *s)
{
	engine_free(s->engine);
	if (make_engine(s) == -1)
		fatal("out of memory");
	engine_ready(s->engine, LOCAL, &s->server[LOCAL]);
	engine_ready(s->engine, REMOTE, &s->server[REMOTE]);
	said_next(&s->said);
	s->phase = PHASE_WORK;
	if (engine_start(s->engine) == -1)
		session_fail(s, OUT_INTERNAL);
}

/*
 * A server may still be at work on the last APPEND of a run that was killed,
 * and what it will have appended is not to be seen yet.  Asked at once, it
 * would get the same message once more.
 */
void
session_opened(struct session *s)
{
	if (s->unfinished) {
		s->phase = PHASE_GRACE;
		s->deadline = session_now() + GRACE_MS;
	} else
		session_begin(s);
}

/* Say goodbye to all; nothing else is asked for from here on. */
static void
begin_end(struct session *s)
{
	s->phase = PHASE_END;
	s->deadline = session_now() + END_MS;
	child_send(s, PEER_LOCAL, MSG_LOGOUT, ID_LOGOUT, NULL);
	child_send(s, PEER_REMOTE, MSG_LOGOUT, ID_LOGOUT, NULL);
}

void
session_fail(struct session *s, enum outcome o)
{
	s->outcome = outcome_worse(s->outcome, o);
	if (s->phase == PHASE_END)
		return;
	engine_lost(s->engine, o);
	s->wake = 0;
	begin_end(s);
}

/*
 * What was done, in one line: "local: 3 new, 1 deleted; remote: 2 new".
 * Nothing when there was nothing to do.
 */
static void
summary(struct session *s)
{
	struct engine_stats	 st;
	const struct {
		const char	*group;
		const uint64_t	*n;
		const char	*what;
	} items[] = {
		{ "local", &st.copied[LOCAL], "new" },
		{ "local", &st.deleted[LOCAL], "deleted" },
		{ "local", &st.flagged[LOCAL], "with new flags" },
		{ "remote", &st.copied[REMOTE], "new" },
		{ "remote", &st.deleted[REMOTE], "deleted" },
		{ "remote", &st.flagged[REMOTE], "with new flags" },
		{ "both", &st.adopted, "found on either side" },
		{ "mailboxes", &st.created, "created" },
		{ "deletions", &st.held, "held back" }
	};
	char			 text[512] = "";
	const char		*group = "";
	size_t			 i, len;

	engine_stats(s->engine, &st);
	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (*items[i].n == 0)
			continue;
		len = strlen(text);
		if (strcmp(group, items[i].group) == 0)
			snprintf(text + len, sizeof(text) - len, ", %llu %s",
			    (unsigned long long)*items[i].n, items[i].what);
		else
			snprintf(text + len, sizeof(text) - len,
			    "%s%s: %llu %s", len > 0 ? "; " : "",
			    items[i].group, (unsigned long long)*items[i].n,
			    items[i].what);
		group = items[i].group;
	}
	if (text[0] != '\0')
		session_say(s, LOG_L_INFO, SIDE_NONE, "%s", text);
}

/* The engine came to its end by itself. */
static void
engine_ended(struct session *s)
{
	enum outcome	o;
	int		well;

	engine_joined(s->engine);
	engine_refusals(s->engine);
	o = engine_outcome(s->engine);
	well = o == OUT_DONE || o == OUT_GUARD || o == OUT_PARTIAL;
	summary(s);
	if (well && s->opts->notify)
		watch_begin(s);
	else {
		s->outcome = outcome_worse(s->outcome, o);
		begin_end(s);
	}
	if (well) {
		memory_keep(s);
		s->cleaning = child_send(s, PEER_DB, MSG_CLEAN, ID_CLEAN,
		    NULL) == 0;
	}
}

/* Both imapchildren are gone and the database is clean, or time is up. */
static int
at_end(struct session *s)
{
	if (s->phase != PHASE_END)
		return 0;
	if (session_now() >= s->deadline)
		return 1;
	return !s->peer[PEER_LOCAL].open && !s->peer[PEER_REMOTE].open &&
	    !((s->cleaning || s->remembering > 0) && s->peer[PEER_DB].open);
}

/* SIGTERM: done, in order; SIGINT: the same, but it counts as a failure. */
static void
signalled(struct session *s)
{
	if (s->phase == PHASE_END)
		return;
	session_say(s, LOG_L_NOTICE, SIDE_NONE, "%s: ending; the next run "
	    "goes on from here", got_sigint ? "Interrupted" : "Terminated");
	engine_lost(s->engine, OUT_DONE);
	s->wake = 0;
	begin_end(s);
}

static void
wait_once(struct session *s, const sigset_t *mask)
{
	struct pollfd	pfd[NPEERS];
	struct timespec	ts, *tsp = NULL;
	int64_t		left;
	int		i;

	for (i = 0; i < NPEERS; i++) {
		pfd[i].fd = s->peer[i].open ? s->peer[i].buf.fd : -1;
		pfd[i].events = POLLIN;
		if (s->peer[i].open && imsgbuf_wants_out(&s->peer[i].buf))
			pfd[i].events |= POLLOUT;
		pfd[i].revents = 0;
	}
	if ((s->phase != PHASE_OPEN && s->phase != PHASE_WORK &&
	    s->phase != PHASE_ARM) || s->wake != 0) {
		left = (s->wake != 0 ? s->wake : s->deadline) - session_now();
		left = left > 0 ? left : 0;
		ts.tv_sec = left / 1000;
		ts.tv_nsec = (left % 1000) * 1000000;
		tsp = &ts;
	}
	if (ppoll(pfd, NPEERS, tsp, mask) == -1) {
		if (errno != EINTR)
			fatal("ppoll: %s", strerror(errno));
		return;
	}
	for (i = 0; i < NPEERS; i++)
		if (pfd[i].revents & (POLLIN | POLLHUP | POLLERR))
			frames_read(s, (enum peer)i);
}

/* Signals are let in only while waiting, so none is overlooked. */
static void
loop(struct session *s)
{
	sigset_t	block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &block, &before) == -1)
		fatal("sigprocmask: %s", strerror(errno));
	while (!at_end(s)) {
		if (got_sigterm || got_sigint)
			signalled(s);
		if (s->phase == PHASE_GRACE && session_now() >= s->deadline)
			session_begin(s);
		if (s->wake != 0 && session_now() >= s->wake) {
			s->wake = 0;
			engine_wake(s->engine);
		}
		if (s->phase == PHASE_WORK && engine_done(s->engine))
			engine_ended(s);
		watch_step(s);
		children_flush(s);
		if (!at_end(s))
			wait_once(s, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void
release(struct session *s)
{
	engine_free(s->engine);
	ignore_free(s->ignore);
	patterns_free(&s->patterns);
	said_free(&s->said);
	free(s->database);
}

int
session_run(struct config *conf, const struct options *opts,
    struct output *out)
{
	struct session	s;
	char		err[ERRMAX];

	memset(&s, 0, sizeof(s));
	s.conf = conf;
	s.opts = opts;
	s.out = out;
	if (prepare(&s) == -1) {
		release(&s);
		return OUT_CONFIG;
	}
	if (ask_secrets(&s) == -1)
		s.outcome = OUT_AUTH;
	else if (children_start(&s) == -1)
		s.outcome = OUT_FAILED;
	else if (sandbox_enter(SANDBOX_PARENT_LOCKED, NULL, err,
	    sizeof(err)) == -1) {
		session_say(&s, LOG_L_ERROR, SIDE_NONE, "sandbox: %s", err);
		s.outcome = OUT_INTERNAL;
	} else if (child_open(&s) == -1)
		s.outcome = OUT_INTERNAL;
	else
		loop(&s);
	children_end(&s);
	session_say(&s, LOG_L_DEBUG, SIDE_NONE, "Cleaning up...");
	release(&s);
	if (got_sigint)
		return OUT_FAILED;
	return got_sigterm ? OUT_DONE : (int)s.outcome;
}
