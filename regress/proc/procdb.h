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
 * Drives the real statedb program: starts it with a socket at descriptor 3,
 * sends it frames and raw octets, and sees how it ends.  Included by
 * test_statedb.c and test_statedb_disk.c, once each.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "msg.h"

#define PROGRAM		"statedb/statedb"	/* from the build tree */
#define PATIENCE	20000			/* ms */
#define UNPRIVILEGED	65534

struct proc {
	struct imsgbuf	ib;
	pid_t		pid;
	uint32_t	id;	/* of the last request */
};

struct scratch {
	char		dir[64];
	char		path[128];	/* of the database */
	struct proc	a, b;
	struct ibuf	data;		/* the payload being written */
};

/* What the child does before it becomes statedb. */
typedef void (*before_exec)(void *);

static inline void
become(int exe, int sock, before_exec hook, void *arg)
{
	char *argv[] = { (char *)(uintptr_t)PROGRAM, NULL };

	if (dup2(sock, 3) == -1)
		_exit(101);
	if (hook != NULL)
		hook(arg);
	fexecve(exe, argv, environ);
	_exit(102);
}

static inline void
start(struct proc *p, before_exec hook, void *arg)
{
	int low, exe, sv[2];

	memset(p, 0, sizeof(*p));
	/* Held open for a user who may not enter this folder. */
	assert_int_not_equal(low = open(PROGRAM, O_PATH | O_CLOEXEC), -1);
	assert_int_not_equal(exe = fcntl(low, F_DUPFD_CLOEXEC, 10), -1);
	close(low);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	if ((p->pid = fork()) == 0)
		become(exe, sv[1], hook, arg);
	assert_int_not_equal(p->pid, -1);
	close(sv[1]);
	close(exe);
	assert_int_equal(imsgbuf_init(&p->ib, sv[0]), 0);
}

static inline void
wait_for(struct proc *p, short events)
{
	struct pollfd pfd = { .fd = p->ib.fd, .events = events };

	assert_int_equal(poll(&pfd, 1, PATIENCE), 1);
}

/* The next frame: 1; 0 when the program closed the socket. */
static inline int
next(struct proc *p, struct imsg *m)
{
	int n;

	for (;;) {
		n = imsg_get(&p->ib, m);
		assert_int_not_equal(n, -1);
		if (n == 1)
			return 1;
		wait_for(p, POLLIN);
		n = imsgbuf_read(&p->ib);
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return 0;
	}
}

static inline void
flush(struct proc *p)
{
	int rc;

	while ((rc = imsgbuf_flush(&p->ib)) == 0)
		wait_for(p, POLLOUT);
}

static inline struct ibuf *
payload(struct scratch *s)
{
	ibuf_reset(&s->data);
	return &s->data;
}

static inline void
queue(struct scratch *s, struct proc *p, uint16_t type)
{
	assert_int_equal(imsg_compose(&p->ib, type, ++p->id, &s->data), 0);
}

/* The kind of the FAIL with this id, whose text holds the words. */
static inline enum fail_kind
fail_of(struct imsg *m, uint32_t id, const char *words)
{
	struct msg_fail f;
	char text[2048];

	assert_int_equal(m->type, MSG_FAIL);
	assert_int_equal(m->id, id);
	assert_int_equal(msg_get_fail(&m->data, &f), 0);
	snprintf(text, sizeof(text), "%.*s", (int)f.text.n, f.text.p);
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, text);
	return f.kind;
}

/* Send one request; its events pass by; its DONE or FAIL is in *m. */
static inline void
ask(struct scratch *s, struct proc *p, uint16_t type, struct imsg *m)
{
	queue(s, p, type);
	flush(p);
	do {
		assert_int_equal(next(p, m), 1);
		assert_int_not_equal(m->type, MSG_LOG);
	} while (m->type != MSG_DONE && m->type != MSG_FAIL);
	assert_int_equal(m->id, p->id);
}

static inline void
ask_done(struct scratch *s, struct proc *p, uint16_t type)
{
	struct imsg m;

	ask(s, p, type, &m);
	if (m.type == MSG_FAIL)
		fail_of(&m, p->id, "(no failure was expected)");
}

static inline void
ask_fail(struct scratch *s, struct proc *p, uint16_t type,
    enum fail_kind kind, const char *words)
{
	struct imsg m;

	ask(s, p, type, &m);
	assert_int_equal(fail_of(&m, p->id, words), kind);
}

static inline void
put_open(struct scratch *s)
{
	struct msg_open o = { bytes_of(s->path), OPEN_CREATE };

	msg_put_open(payload(s), &o);
}

static inline void
expect_ready(struct proc *p)
{
	struct msg_ready r;
	struct imsg m;

	assert_int_equal(next(p, &m), 1);
	assert_int_equal(m.type, MSG_READY);
	assert_int_equal(msg_get_ready(&m.data, &r), 0);
	assert_int_equal(r.version, MSG_VERSION);
}

/* Started, and OPEN was answered with DONE. */
static inline void
start_open(struct scratch *s, struct proc *p, before_exec hook, void *arg)
{
	start(p, hook, arg);
	expect_ready(p);
	put_open(s);
	ask_done(s, p, MSG_OPEN);
}

/* Started; OPEN fails with these words and names the file. */
static inline void
start_refused(struct scratch *s, struct proc *p, enum fail_kind kind,
    const char *words, before_exec hook, void *arg)
{
	struct imsg m;

	start(p, hook, arg);
	expect_ready(p);
	put_open(s);
	ask(s, p, MSG_OPEN, &m);
	assert_non_null(memmem(m.data.buf, m.data.wpos, s->path,
	    strlen(s->path)));
	assert_int_equal(fail_of(&m, p->id, words), kind);
}

/* Its exit status, -n when it was ended by signal n. */
static inline int
reap(struct proc *p)
{
	int status, i;
	pid_t pid = 0;

	for (i = 0; i < PATIENCE / 10 && pid == 0; i++) {
		if ((pid = waitpid(p->pid, &status, WNOHANG)) == 0)
			poll(NULL, 0, 10);
	}
	assert_int_equal(pid, p->pid);
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Close our end; it must end by itself, and well. */
static inline void
stop(struct proc *p)
{
	imsgbuf_clear(&p->ib);
	assert_int_equal(reap(p), 0);
}

static inline void
destroy(struct proc *p)
{
	kill(p->pid, SIGKILL);
	assert_int_equal(reap(p), -SIGKILL);
	imsgbuf_clear(&p->ib);
}

static inline int
scratch_up(void **state)
{
	struct scratch *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -1;
	s->a.ib.fd = s->b.ib.fd = -1;
	strlcpy(s->dir, "/tmp/interimap-db.XXXXXXXX", sizeof(s->dir));
	if (mkdtemp(s->dir) == NULL)
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/test.db", s->dir);
	ibuf_init(&s->data);
	*state = s;
	return 0;
}

static inline int
scratch_down(void **state)
{
	struct scratch *s = *state;
	char journal[160];

	if (s->a.pid > 0)
		destroy(&s->a);
	if (s->b.pid > 0)
		destroy(&s->b);
	chmod(s->dir, 0700);
	snprintf(journal, sizeof(journal), "%s-journal", s->path);
	unlink(journal);
	unlink(s->path);
	if (rmdir(s->dir) == -1)
		fail_msg("%s is not empty", s->dir);
	ibuf_free(&s->data);
	free(s);
	return 0;
}

/* A mailbox with idx 1 and a state. */
static inline void
furnish(struct scratch *s, struct proc *p)
{
	struct msg_add a = { bytes_of("INBOX"), 0 };
	struct msg_stateadd st = { 1, { 1, 1 } };

	msg_put_add(payload(s), &a);
	ask_done(s, p, MSG_ADD);
	msg_put_stateadd(payload(s), &st);
	ask_done(s, p, MSG_STATE);
}

/* Write a MAP of n pairs, from (uid, uid) on. */
static inline void
put_map(struct scratch *s, uint32_t uid, uint32_t n)
{
	struct msg_map m = { 1, MAP_NOSIDE, n };
	struct msg_pair p = { uid, uid, 0 };

	msg_put_map(payload(s), &m);
	for (; n > 0; n--, p.a++, p.b++)
		msg_put_pair(&s->data, &p);
}

/* Rows mapped in all. */
static inline uint32_t
rows(struct scratch *s, struct proc *p)
{
	struct msg_counted c;
	struct imsg m;

	ibuf_add_u32(payload(s), 1);
	queue(s, p, MSG_COUNT);
	flush(p);
	assert_int_equal(next(p, &m), 1);
	assert_int_equal(m.type, MSG_COUNTED);
	assert_int_equal(msg_get_counted(&m.data, &c), 0);
	assert_int_equal(next(p, &m), 1);
	assert_int_equal(m.type, MSG_DONE);
	return c.rows;
}
