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
 * What the children say.  Every frame is checked here against lib/msg.h
 * (type, direction, length) before anybody looks into it: a child has read
 * what a server sent, so it is as hostile as one.  What is not ours goes to
 * the engine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session.h"

typedef int	(*frame_fn)(struct session *, enum peer, struct imsg *);

/* What a failure makes of the run, and what a user can do about it. */
static const struct failure {
	enum outcome	 outcome;
	const char	*advice;	/* NULL: the child's words have it */
	int		 section;	/* then where to correct it */
} failures[FAIL_MAX] = {
	[FAIL_INTERNAL] = { OUT_INTERNAL, "this is a defect; please report "
	    "it with the output of --debug", 0 },
	[FAIL_CONFIG] = { OUT_CONFIG, "correct", 1 },
	[FAIL_NET] = { OUT_TEMPORARY, "nothing is lost, the next run goes on "
	    "from there", 0 },
	[FAIL_ABORTED] = { OUT_TEMPORARY, "nothing is lost, the next run goes "
	    "on from there", 0 },
	[FAIL_TLS] = { OUT_AUTH, NULL, 0 },
	[FAIL_AUTH] = { OUT_AUTH, "check username, password and auth in", 1 },
	[FAIL_CAPABILITY] = { OUT_FAILED, NULL, 0 },
	[FAIL_PROTOCOL] = { OUT_FAILED, "the server broke the protocol; "
	    "nothing is lost, the next run goes on from there", 0 },
	[FAIL_NO] = { OUT_FAILED, NULL, 0 },
	[FAIL_BAD] = { OUT_FAILED, NULL, 0 },
	[FAIL_LOCKED] = { OUT_TEMPORARY, NULL, 0 },
	[FAIL_DB] = { OUT_FAILED, NULL, 0 }
};

void
frame_trace(struct session *s, enum peer p, int to, uint16_t type,
    uint32_t id, size_t len)
{
	if (!log_says(LOG_L_DEBUG) || type == MSG_LOG)	/* it shows itself */
		return;
	session_say(s, LOG_L_DEBUG, SIDE_NONE, "%s %s %s id %lu, %zu octets",
	    s->peer[p].child.name, to ? "<-" : "->", msg_name(type),
	    (unsigned long)id, len);
}

/* A child broke our own protocol: it is a defect, or in other hands. */
static void
malformed(struct session *s, enum peer p, const char *what)
{
	if (s->peer[p].told)
		return;
	session_say(s, LOG_L_ERROR, SIDE_NONE, "%s: malformed message (%s); "
	    "nothing is lost, but this should not happen: please report it",
	    s->peer[p].child.name, what);
	s->peer[p].told = 1;
	session_fail(s, OUT_INTERNAL);
}

static int
frame_ready(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_ready	m;

	if (s->peer[p].ready || msg_get_ready(&im->data, &m) == -1)
		return -1;
	if (m.version != MSG_VERSION) {
		session_say(s, LOG_L_ERROR, SIDE_NONE, "%s speaks version %lu "
		    "of the internal protocol, not %d: the programs were not "
		    "installed together", s->peer[p].child.name,
		    (unsigned long)m.version, MSG_VERSION);
		s->peer[p].told = 1;
		session_fail(s, OUT_INTERNAL);
		return 0;
	}
	s->peer[p].ready = 1;
	if (p != PEER_DB) {
		s->server[p] = m;
		engine_ready(s->engine, (enum side)p, &m);
	}
	if (s->opts->notify && p != PEER_DB && !(m.caps & CAP_NOTIFY)) {
		session_say(s, LOG_L_ERROR, peer_side(p), "Non NOTIFY-capable "
		    "IMAP server. Enable it there (Dovecot: "
		    "mailbox_list_index), or use --watch without --notify");
		s->peer[p].told = 1;
		session_fail(s, OUT_FAILED);
	}
	return 0;
}

static int
frame_log(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_log	 m;
	char		 mailbox[MAILBOX_NAMEMAX + 1];

	if (msg_get_log(&im->data, &m) == -1 || m.level > LOG_L_DEBUG)
		return -1;
	memcpy(mailbox, m.mailbox.p, m.mailbox.n);
	mailbox[m.mailbox.n] = '\0';
	output_line(s->out, (enum loglevel)m.level, peer_side(p), mailbox,
	    m.text.p, m.text.n);
	return 0;
}

static int
frame_opened(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_opened	m;

	if (p != PEER_DB || im->id != ID_OPEN || s->phase != PHASE_OPEN ||
	    msg_get_opened(&im->data, &m) == -1)
		return -1;
	if (m.created)
		session_say(s, LOG_L_NOTICE, SIDE_DB, "Creating new schema in "
		    "database file %s", s->database);
	if (m.copy.n > 0)
		session_say(s, LOG_L_NOTICE, SIDE_DB, "Its tables are to be "
		    "changed; what it was is kept in %.*s", (int)m.copy.n,
		    m.copy.p);
	if (m.old)
		engine_migrate(s->engine);
	s->unfinished = m.unclean == 2;
	if (m.unclean)
		session_say(s, LOG_L_NOTICE, SIDE_DB, "The last run did not "
		    "come to its end; going on from there");
	return 0;
}

/* DONE of a request of ours. */
static int
frame_done(struct session *s, enum peer p, struct imsg *im)
{
	switch (im->id) {
	case ID_OPEN:
		if (p != PEER_DB || !s->peer[p].ready)
			return -1;
		if (s->phase == PHASE_OPEN)
			session_opened(s);
		return 0;
	case ID_CLEAN:
		s->cleaning = 0;
		return p == PEER_DB ? 0 : -1;
	case ID_REMEMBER:
		if (p != PEER_DB || s->remembering == 0)
			return -1;
		s->remembering--;
		return 0;
	case ID_CONNECT:
		return p != PEER_DB && s->peer[p].ready ? 0 : -1;
	case ID_CONFIG:
	case ID_LOGOUT:
		return p != PEER_DB ? 0 : -1;
	case ID_NOTIFY:
	case ID_LOOK:
	case ID_NOOP:
		return watch_answered(s, p, im->id, 0);
	default:
		return -1;
	}
}

/* One line: which side, what happened, what to do. */
static void
say_failure(struct session *s, enum peer p, const struct msg_fail *m)
{
	const struct failure	*f = &failures[m->kind];
	struct bytes		 text = m->text;
	char			 where[ERRMAX] = "";

	if (f->advice != NULL && text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	if (f->section && p != PEER_DB)
		snprintf(where, sizeof(where), " section [%s] of %s",
		    side_name((enum side)p), s->conf->path);
	session_say(s, LOG_L_ERROR, peer_side(p), "%.*s%s%.*s%s%s%s",
	    (int)m->code.n, m->code.p, m->code.n > 0 ? ": " : "",
	    (int)text.n, text.p, f->advice != NULL ? "; " : "",
	    f->advice != NULL ? f->advice : "", where);
}

/*
 * FAIL of a request of ours, or (id 0) of everything.  At the end only the
 * database can still fail a thing that matters, or the other imapchild tell
 * why a body that went through the channel was cut short.
 */
static int
frame_fail(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_fail	m;
	int		matters;

	if (msg_get_fail(&im->data, &m) == -1 || m.kind >= FAIL_MAX)
		return -1;
	if (im->id == ID_LOOK)
		return watch_answered(s, p, im->id, 1);
	matters = s->phase != PHASE_END || s->aborted ||
	    (p == PEER_DB && s->cleaning);
	if (p == PEER_DB)
		s->cleaning = s->remembering = 0;
	if (matters && !s->peer[p].told) {
		s->aborted = m.kind == FAIL_ABORTED;
		if (!s->aborted)
			say_failure(s, p, &m);
		session_fail(s, failures[m.kind].outcome == OUT_DONE ?
		    OUT_FAILED : failures[m.kind].outcome);
	}
	s->peer[p].told = 1;
	return 0;
}

/* What the parent itself deals with; the rest is the engine's. */
static const struct handler {
	enum msg_type	type;
	int		own;		/* only of our ids, and id 0 */
	frame_fn	fn;
} handlers[] = {
	{ MSG_READY,	0,	frame_ready },
	{ MSG_LOG,	0,	frame_log },
	{ MSG_OPENED,	1,	frame_opened },
	{ MSG_REMEMBERED, 0,	memory_told },
	{ MSG_DOUBT,	0,	memory_doubt },
	{ MSG_DONE,	1,	frame_done },
	{ MSG_FAIL,	1,	frame_fail },
	{ MSG_MAILBOX,	1,	watch_told },
};
#define NHANDLERS	(sizeof(handlers) / sizeof(handlers[0]))

static int
own_id(uint32_t id)
{
	return id == 0 || id >= ENGINE_IDMAX;
}

static int
handle(struct session *s, enum peer p, struct imsg *im)
{
	enum msg_dir	dir = p == PEER_DB ? MSG_SP : MSG_IP;
	size_t		len = ibuf_left(&im->data), i;

	if (msg_check(im->type, dir, len) == -1 &&
	    msg_check(im->type, MSG_CP, len) == -1)
		return -1;
	frame_trace(s, p, 0, im->type, im->id, len);
	for (i = 0; i < NHANDLERS; i++)
		if (handlers[i].type == im->type &&
		    (!handlers[i].own || own_id(im->id)))
			return handlers[i].fn(s, p, im);
	if (s->phase == PHASE_END)
		return 0;	/* an answer nobody waits for any more */
	if (s->phase == PHASE_OPEN || own_id(im->id))
		return -1;
	if (im->type == MSG_MAILBOX)
		memory_listed(s, p);
	return engine_dispatch(s->engine, p, im);
}

void
frames_read(struct session *s, enum peer p)
{
	struct peerio	*io = &s->peer[p];
	struct imsg	 im;
	int		 n, rc;

	n = imsgbuf_read(&io->buf);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	while ((rc = imsg_get(&io->buf, &im)) == 1)
		if (handle(s, p, &im) == -1) {
			malformed(s, p, msg_name(im.type));
			child_ended(s, p);
			return;
		}
	if (rc == -1)
		malformed(s, p, "frame");
	if (n <= 0 || rc == -1)
		child_ended(s, p);
}
