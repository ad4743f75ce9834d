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
 * interimap/frames.c: frames of children that behave, and of those that do
 * not, over a real socket.  What frames.c calls is recorded here.
 */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interimap/session.h"

/* ---- what frames.c calls ---- */

static struct {
	int		 opened, old, ended, dispatched, refuse;
	int		 told, answered;	/* to watch.c, memory.c */
	int		 listed;
	int		 failed;	/* outcome, -1: none */
	char		 said[4096];
} seen;

void
session_say(struct session *s, enum loglevel level, int side,
    const char *fmt, ...)
{
	char	text[2048];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	output_line(NULL, level, side, NULL, text, strlen(text));
}

void
output_line(struct output *o, enum loglevel level, int side,
    const char *mailbox, const char *text, size_t len)
{
	size_t	n = strlen(seen.said);

	if (mailbox == NULL || *mailbox == '\0')
		snprintf(seen.said + n, sizeof(seen.said) - n, "%d %d %.*s\n",
		    (int)level, side, (int)len, text);
	else
		snprintf(seen.said + n, sizeof(seen.said) - n,
		    "%d %d (%s) %.*s\n", (int)level, side, mailbox, (int)len,
		    text);
}

void
session_fail(struct session *s, enum outcome o)
{
	seen.failed = o;
	s->phase = PHASE_END;
}

void
session_opened(struct session *s)
{
	seen.opened++;
	s->phase = PHASE_WORK;
}

void
child_ended(struct session *s, enum peer p)
{
	seen.ended++;
	imsgbuf_clear(&s->peer[p].buf);
	s->peer[p].open = 0;
}

int
watch_told(struct session *s, enum peer p, struct imsg *im)
{
	seen.told++;
	return seen.refuse ? -1 : 0;
}

int
watch_answered(struct session *s, enum peer p, uint32_t id, int failed)
{
	seen.answered += failed ? 100 : 1;
	return seen.refuse ? -1 : 0;
}

int
memory_told(struct session *s, enum peer p, struct imsg *im)
{
	seen.told++;
	return seen.refuse ? -1 : 0;
}

int
memory_doubt(struct session *s, enum peer p, struct imsg *im)
{
	seen.told++;
	return seen.refuse ? -1 : 0;
}

void
memory_listed(struct session *s, enum peer p)
{
	seen.listed++;
}

int
peer_side(enum peer p)
{
	return (int)p;
}

int
log_says(enum loglevel level)
{
	return level < LOG_L_DEBUG;
}

void
engine_migrate(struct engine *e)
{
	seen.old++;
}

void
engine_ready(struct engine *e, enum side side, const struct msg_ready *m)
{
}

int
engine_dispatch(struct engine *e, enum peer p, struct imsg *im)
{
	seen.dispatched++;
	return seen.refuse ? -1 : 0;
}

/* ---- a session with one peer, and the child's end of its socket ---- */

struct fixture {
	struct session	s;
	struct config	conf;
	struct options	opts;
	char		path[8];
	struct imsgbuf	child;
};

static void
begin(struct fixture *f, enum peer p, enum phase phase)
{
	static const char *const names[] = {
		"imapchild (local)", "imapchild (remote)", "statedb"
	};
	char	database[] = "/db";
	int	sv[2];

	memset(f, 0, sizeof(*f));
	memset(&seen, 0, sizeof(seen));
	seen.failed = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(imsgbuf_init(&f->s.peer[p].buf, sv[0]), 0);
	assert_int_equal(imsgbuf_init(&f->child, sv[1]), 0);
	strlcpy(f->s.peer[p].child.name, names[p],
	    sizeof(f->s.peer[p].child.name));
	strlcpy(f->path, "/conf", sizeof(f->path));
	f->conf.path = f->path;
	f->s.conf = &f->conf;
	f->s.opts = &f->opts;
	f->s.database = strdup(database);
	f->s.peer[p].open = 1;
	f->s.phase = phase;
}

static void
end(struct fixture *f, enum peer p)
{
	if (f->s.peer[p].open)
		imsgbuf_clear(&f->s.peer[p].buf);
	imsgbuf_clear(&f->child);
	free(f->s.database);
}

static void
deliver(struct fixture *f, enum peer p, uint16_t type, uint32_t id,
    struct ibuf *b)
{
	assert_int_equal(imsg_compose(&f->child, type, id, b), 0);
	if (b != NULL)
		ibuf_free(b);
	assert_int_equal(imsgbuf_flush(&f->child), 1);
	frames_read(&f->s, p);
}

static void
ready(struct fixture *f, enum peer p, uint32_t version)
{
	struct msg_ready	m = { version, 0, 0 };
	struct ibuf		b;

	ibuf_init(&b);
	msg_put_ready(&b, &m);
	deliver(f, p, MSG_READY, 0, &b);
}

/* READY of a server with these capabilities. */
static void
capable(struct fixture *f, enum peer p, uint64_t caps)
{
	struct msg_ready	m = { MSG_VERSION, caps, 0 };
	struct ibuf		b;

	ibuf_init(&b);
	msg_put_ready(&b, &m);
	deliver(f, p, MSG_READY, 0, &b);
}

static void
fails(struct fixture *f, enum peer p, uint32_t id, uint8_t kind,
    const char *code, const char *text)
{
	struct msg_fail	m = { kind, bytes_of(code), bytes_of(text) };
	struct ibuf	b;

	ibuf_init(&b);
	msg_put_fail(&b, &m);
	deliver(f, p, MSG_FAIL, id, &b);
}

/* ---- a database that opens ---- */

static void
test_open(void **state)
{
	struct fixture		f;
	struct msg_opened	m = { 1, 1, 0, { NULL, 0 } };
	struct ibuf		b;

	begin(&f, PEER_DB, PHASE_OPEN);
	ready(&f, PEER_DB, MSG_VERSION);
	ibuf_init(&b);
	msg_put_opened(&b, &m);
	deliver(&f, PEER_DB, MSG_OPENED, ID_OPEN, &b);
	assert_string_equal(seen.said,
	    "2 2 Creating new schema in database file /db\n"
	    "2 2 The last run did not come to its end; going on from there\n");
	assert_int_equal(seen.opened, 0);
	assert_int_equal(seen.old, 0);
	deliver(&f, PEER_DB, MSG_DONE, ID_OPEN, NULL);
	assert_int_equal(seen.opened, 1);
	deliver(&f, PEER_DB, MSG_DONE, 7, NULL);
	assert_int_equal(seen.dispatched, 1);
	assert_int_equal(seen.ended, 0);
	end(&f, PEER_DB);
}

/* One of version 0: the engine must know before it starts. */
static void
test_open_old(void **state)
{
	struct fixture		f;
	struct msg_opened	m = { 0, 0, 1, { "/x", 2 } };
	struct ibuf		b;

	begin(&f, PEER_DB, PHASE_OPEN);
	ready(&f, PEER_DB, MSG_VERSION);
	ibuf_init(&b);
	msg_put_opened(&b, &m);
	deliver(&f, PEER_DB, MSG_OPENED, ID_OPEN, &b);
	assert_int_equal(seen.old, 1);
	assert_int_equal(seen.opened, 0);
	assert_non_null(strstr(seen.said, "what it was is kept in /x"));
	end(&f, PEER_DB);
}

static void
test_log(void **state)
{
	struct fixture	f;
	struct msg_log	m = { LOG_L_WARN, bytes_of("hello"),
			    bytes_of("A/B") };
	struct ibuf	b;

	begin(&f, PEER_REMOTE, PHASE_WORK);
	ibuf_init(&b);
	msg_put_log(&b, &m);
	deliver(&f, PEER_REMOTE, MSG_LOG, 0, &b);
	assert_string_equal(seen.said, "1 1 (A/B) hello\n");
	end(&f, PEER_REMOTE);
}

/* ---- failures, with what a user reads ---- */

static void
test_failures(void **state)
{
	static const struct {
		enum peer	 p;
		uint32_t	 id;
		uint8_t		 kind;
		const char	*code, *text, *said;
		int		 outcome;
	} cases[] = {
		{ PEER_REMOTE, 0, FAIL_NET, "", "gone.", "0 1 gone; nothing "
		    "is lost, the next run goes on from there\n",
		    OUT_TEMPORARY },
		{ PEER_LOCAL, ID_CONNECT, FAIL_AUTH, "EXPIRED", "no", "0 0 "
		    "EXPIRED: no; check username, password and auth in "
		    "section [local] of /conf\n", OUT_AUTH },
		{ PEER_REMOTE, ID_CONFIG, FAIL_CONFIG, "", "bad", "0 1 bad; "
		    "correct section [remote] of /conf\n", OUT_CONFIG },
		{ PEER_REMOTE, 0, FAIL_TLS, "", "not trusted", "0 1 not "
		    "trusted\n", OUT_AUTH },
		{ PEER_REMOTE, 0, FAIL_CAPABILITY, "", "Non X", "0 1 Non X\n",
		    OUT_FAILED },
		{ PEER_REMOTE, 0, FAIL_PROTOCOL, "", "junk", "0 1 junk; the "
		    "server broke the protocol; nothing is lost, the next "
		    "run goes on from there\n", OUT_FAILED },
		{ PEER_REMOTE, 0, FAIL_INTERNAL, "", "oops", "0 1 oops; this "
		    "is a defect; please report it with the output of "
		    "--debug\n", OUT_INTERNAL },
		{ PEER_REMOTE, ID_CONNECT, FAIL_NO, "", "no", "0 1 no\n",
		    OUT_FAILED },
		{ PEER_REMOTE, 0, FAIL_NOMODSEQ, "", "odd", "0 1 odd\n",
		    OUT_FAILED },
		{ PEER_DB, ID_OPEN, FAIL_LOCKED, "", "locked", "0 2 locked\n",
		    OUT_TEMPORARY },
		{ PEER_DB, 0, FAIL_DB, "", "disk full", "0 2 disk full\n",
		    OUT_FAILED },
	};
	struct fixture	f;
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&f, cases[i].p, PHASE_WORK);
		fails(&f, cases[i].p, cases[i].id, cases[i].kind,
		    cases[i].code, cases[i].text);
		assert_string_equal(seen.said, cases[i].said);
		assert_int_equal(seen.failed, cases[i].outcome);
		/* Said once; nothing but the reason for the end. */
		fails(&f, cases[i].p, 0, FAIL_NET, "", "again");
		assert_string_equal(seen.said, cases[i].said);
		end(&f, cases[i].p);
	}
}

/* FAIL of an engine's request is the engine's; at the end nobody's. */
static void
test_whose(void **state)
{
	struct fixture	f;

	begin(&f, PEER_REMOTE, PHASE_WORK);
	fails(&f, PEER_REMOTE, 5, FAIL_NO, "", "no");
	assert_int_equal(seen.dispatched, 1);
	assert_string_equal(seen.said, "");
	f.s.phase = PHASE_END;
	fails(&f, PEER_REMOTE, 6, FAIL_NO, "", "no");
	deliver(&f, PEER_REMOTE, MSG_DONE, 7, NULL);
	fails(&f, PEER_REMOTE, 0, FAIL_NET, "", "logged out");
	assert_int_equal(seen.dispatched, 1);
	assert_string_equal(seen.said, "");
	assert_int_equal(seen.failed, -1);
	end(&f, PEER_REMOTE);
}

/* The last commit is waited for, and its failure counts. */
static void
test_clean(void **state)
{
	struct fixture	f;

	begin(&f, PEER_DB, PHASE_END);
	f.s.cleaning = 1;
	deliver(&f, PEER_DB, MSG_DONE, ID_CLEAN, NULL);
	assert_int_equal(f.s.cleaning, 0);
	end(&f, PEER_DB);
	begin(&f, PEER_DB, PHASE_END);
	f.s.cleaning = 1;
	fails(&f, PEER_DB, ID_CLEAN, FAIL_DB, "", "disk full");
	assert_int_equal(f.s.cleaning, 0);
	assert_int_equal(seen.failed, OUT_FAILED);
	assert_string_equal(seen.said, "0 2 disk full\n");
	end(&f, PEER_DB);
}

/* ---- --notify ---- */

static void
test_notify_capability(void **state)
{
	struct fixture	f;

	begin(&f, PEER_LOCAL, PHASE_WORK);
	capable(&f, PEER_LOCAL, 0);			/* not asked for */
	assert_int_equal(seen.failed, -1);
	end(&f, PEER_LOCAL);
	begin(&f, PEER_LOCAL, PHASE_WORK);
	f.opts.notify = 1;
	capable(&f, PEER_LOCAL, CAP_NOTIFY);
	assert_int_equal(seen.failed, -1);
	end(&f, PEER_LOCAL);
	begin(&f, PEER_LOCAL, PHASE_WORK);
	f.opts.notify = 1;
	capable(&f, PEER_LOCAL, ~(uint64_t)CAP_NOTIFY);
	assert_int_equal(seen.failed, OUT_FAILED);
	assert_non_null(strstr(seen.said, "0 0 Non NOTIFY-capable"));
	end(&f, PEER_LOCAL);
	begin(&f, PEER_DB, PHASE_OPEN);
	f.opts.notify = 1;
	capable(&f, PEER_DB, 0);
	assert_int_equal(seen.failed, -1);
	end(&f, PEER_DB);
}

/* What is watch.c's goes there, the engine's MAILBOX does not. */
static void
test_notify_frames(void **state)
{
	struct msg_mailbox	m = { .name = bytes_of("INBOX") };
	static const uint32_t	ids[] = { ID_NOTIFY, ID_LOOK, ID_NOOP };
	struct fixture		f;
	struct ibuf		b;
	size_t			i;

	begin(&f, PEER_REMOTE, PHASE_WATCH);
	for (i = 0; i < 3; i++)
		deliver(&f, PEER_REMOTE, MSG_DONE, ids[i], NULL);
	assert_int_equal(seen.answered, 3);
	fails(&f, PEER_REMOTE, ID_LOOK, FAIL_NO, "", "no");
	assert_int_equal(seen.answered, 103);
	assert_int_equal(seen.failed, -1);
	ibuf_init(&b);
	msg_put_mailbox(&b, &m);
	deliver(&f, PEER_REMOTE, MSG_MAILBOX, 0, &b);
	ibuf_init(&b);
	msg_put_mailbox(&b, &m);
	deliver(&f, PEER_REMOTE, MSG_MAILBOX, 1, &b);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.dispatched, 1);
	fails(&f, PEER_REMOTE, ID_NOTIFY, FAIL_NO, "", "NOTIFY refused");
	assert_int_equal(seen.failed, OUT_FAILED);
	end(&f, PEER_REMOTE);
}

/* ---- a child that was taken over ---- */

static const struct {
	enum peer	 p;
	enum phase	 phase;
	uint16_t	 type;
	uint32_t	 id;
	size_t		 len;		/* zeroes */
} hostile[] = {
	/* not a type, not its direction, not its length */
	{ PEER_REMOTE, PHASE_WORK, MSG_NONE, 1, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_COUNT_TYPES, 1, 0 },
	{ PEER_REMOTE, PHASE_WORK, 0xffff, 1, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_OPENED, ID_OPEN, 3 },
	{ PEER_REMOTE, PHASE_WORK, MSG_CONFIG, 1, 64 },
	{ PEER_REMOTE, PHASE_WORK, MSG_CONNECT, 1, 0 },
	{ PEER_DB, PHASE_WORK, MSG_MAILBOX, 1, 64 },
	{ PEER_DB, PHASE_WORK, MSG_OPEN, 1, 64 },
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, 1, 1 },
	{ PEER_REMOTE, PHASE_WORK, MSG_READY, 0, 19 },
	{ PEER_REMOTE, PHASE_WORK, MSG_READY, 0, 65 },
	/* ill-formed payloads */
	{ PEER_REMOTE, PHASE_WORK, MSG_READY, 0, 21 },
	{ PEER_REMOTE, PHASE_WORK, MSG_FAIL, 0, 9 },
	{ PEER_REMOTE, PHASE_WORK, MSG_LOG, 0, 10 },
	/* answers to what was not asked */
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, 0, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, ID_OPEN, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, ID_CLEAN, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, ID_CONNECT, 0 },
	{ PEER_REMOTE, PHASE_WORK, MSG_DONE, 0xffffffff, 0 },
	{ PEER_DB, PHASE_WORK, MSG_DONE, ID_CONNECT, 0 },
	{ PEER_DB, PHASE_OPEN, MSG_DONE, ID_OPEN, 0 },	/* no READY yet */
	{ PEER_DB, PHASE_WORK, MSG_OPENED, ID_OPEN, 3 },
	{ PEER_DB, PHASE_OPEN, MSG_OPENED, 3, 3 },
	{ PEER_DB, PHASE_OPEN, MSG_DONE, 3, 0 },
	{ PEER_REMOTE, PHASE_OPEN, MSG_UIDS, 3, 4 },
	{ PEER_REMOTE, PHASE_WORK, MSG_UIDS, 0, 4 },
	{ PEER_REMOTE, PHASE_WORK, MSG_UIDS, ENGINE_IDMAX, 4 },
};

static void
test_hostile(void **state)
{
	static const uint8_t	zero[128];
	struct fixture		f;
	struct ibuf		b;
	size_t			i;

	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		begin(&f, hostile[i].p, hostile[i].phase);
		ibuf_init(&b);
		ibuf_add_raw(&b, zero, hostile[i].len);
		deliver(&f, hostile[i].p, hostile[i].type, hostile[i].id, &b);
		if (seen.failed != OUT_INTERNAL || seen.ended != 1 ||
		    seen.dispatched != 0)
			fail_msg("case %zu was let through", i);
		assert_non_null(strstr(seen.said, hostile[i].p == PEER_DB ?
		    "0 -1 statedb: malformed message (" :
		    "0 -1 imapchild (remote): malformed message ("));
		end(&f, hostile[i].p);
	}
}

/* What the engine cannot make sense of ends the session too. */
static void
test_refused_by_engine(void **state)
{
	struct fixture	f;

	begin(&f, PEER_LOCAL, PHASE_WORK);
	seen.refuse = 1;
	deliver(&f, PEER_LOCAL, MSG_DONE, 9, NULL);
	assert_int_equal(seen.failed, OUT_INTERNAL);
	assert_int_equal(seen.ended, 1);
	assert_string_equal(seen.said, "0 -1 imapchild (local): malformed "
	    "message (DONE); nothing is lost, but this should not happen: "
	    "please report it\n");
	end(&f, PEER_LOCAL);
}

static void
test_version(void **state)
{
	struct fixture	f;

	begin(&f, PEER_DB, PHASE_OPEN);
	ready(&f, PEER_DB, MSG_VERSION + 1);
	assert_int_equal(seen.failed, OUT_INTERNAL);
	assert_non_null(strstr(seen.said, "not installed together"));
	end(&f, PEER_DB);
	begin(&f, PEER_DB, PHASE_OPEN);
	ready(&f, PEER_DB, MSG_VERSION);
	ready(&f, PEER_DB, MSG_VERSION);		/* once only */
	assert_int_equal(seen.failed, OUT_INTERNAL);
	end(&f, PEER_DB);
}

/* Not a frame at all; a frame cut short by the end. */
static void
test_garbage(void **state)
{
	struct fixture	f;
	char		junk[64];

	memset(junk, 0xff, sizeof(junk));
	begin(&f, PEER_REMOTE, PHASE_WORK);
	assert_int_equal(write(f.child.fd, junk, sizeof(junk)), sizeof(junk));
	frames_read(&f.s, PEER_REMOTE);
	assert_int_equal(seen.failed, OUT_INTERNAL);
	assert_int_equal(seen.ended, 1);
	end(&f, PEER_REMOTE);
	begin(&f, PEER_REMOTE, PHASE_WORK);
	assert_int_equal(write(f.child.fd, "\0\1\0", 3), 3);
	frames_read(&f.s, PEER_REMOTE);
	assert_int_equal(seen.ended, 0);
	shutdown(f.child.fd, SHUT_WR);
	frames_read(&f.s, PEER_REMOTE);
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.dispatched, 0);
	end(&f, PEER_REMOTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_old),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_notify_capability),
		cmocka_unit_test(test_notify_frames),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_refused_by_engine),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
