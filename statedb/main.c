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
 * statedb: reads requests of the parent on descriptor 3, carries them out and
 * answers.  Rights go in two steps: before the file is opened all but its
 * folder, before the first answer all but the descriptors it has.  Signals
 * from the terminal or a service manager are the parent's business: statedb
 * ends when the parent closes the socket, after what was read is committed.
 */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "statedb.h"

#define PARENT_FD	3
#define QUEUE_HIGH	(1 << 20)	/* octets unsent before we wait */

struct loop {
	struct imsgbuf	 parent;
	struct statedb	*db;
	int		 gone;		/* the parent is; nobody reads us */
};

static void	usage(void) __attribute__((noreturn));

static void
usage(void)
{
	fprintf(stderr, "statedb is started by interimap(1), with a socket "
	    "as descriptor %d\n", PARENT_FD);
	exit(1);
}

/* -V: what interimap --version says about us. */
static int
version(void)
{
	char seccomp[128];

	sandbox_library(seccomp, sizeof(seccomp));
	printf("SQLite %s%s%s\n", db_library(), seccomp[0] != '\0' ? ", " : "",
	    seccomp);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Send what is queued down to this many octets, waiting for the parent. */
static void
drain(struct loop *l, size_t low)
{
	struct pollfd pfd = { .fd = l->parent.fd, .events = POLLOUT };

	while (!l->gone && l->parent.queued > low) {
		if (imsgbuf_flush(&l->parent) == -1)
			l->gone = 1;
		else if (l->parent.queued > low &&
		    poll(&pfd, 1, -1) == -1 && errno != EINTR)
			l->gone = 1;
	}
}

/*
 * Queue an answer.  The parent never leaves our socket unread, so a long
 * answer may wait here for it instead of growing.
 */
static void
reply(void *arg, uint16_t type, uint32_t id, const struct ibuf *data)
{
	struct loop *l = arg;

	if (imsg_compose(&l->parent, type, id, data) == -1)
		fatal("statedb: cannot queue %s: %s", msg_name(type),
		    strerror(errno));
	if (l->parent.queued > QUEUE_HIGH)
		drain(l, QUEUE_HIGH / 2);
}

static void
log_sink_parent(void *arg, enum loglevel level, const char *line)
{
	struct msg_log m = { .level = (uint8_t)level };
	struct ibuf b;

	m.text = bytes_of(line);
	ibuf_init(&b);
	msg_put_log(&b, &m);
	reply(arg, MSG_LOG, 0, &b);
	ibuf_free(&b);
}

/* The last words: nothing else will be answered. */
static void
say_end(struct loop *l, enum fail_kind kind, const char *text)
{
	struct msg_fail f;
	struct ibuf b;

	memset(&f, 0, sizeof(f));
	f.kind = (uint8_t)kind;
	f.text = bytes_of(text);
	ibuf_init(&b);
	msg_put_fail(&b, &f);
	reply(l, MSG_FAIL, 0, &b);
	ibuf_free(&b);
	drain(l, 0);
}

static int
enter(struct loop *l, enum sandbox_stage stage, const char *folder)
{
	char why[256];

	if (sandbox_enter(stage, folder, why, sizeof(why)) == 0)
		return 0;
	say_end(l, FAIL_INTERNAL, why);
	return -1;
}

/* Of the capabilities of a server statedb has none. */
static void
say_ready(struct loop *l)
{
	struct msg_ready m = { .version = MSG_VERSION };
	struct ibuf b;

	ibuf_init(&b);
	msg_put_ready(&b, &m);
	reply(l, MSG_READY, 0, &b);
	ibuf_free(&b);
}

/* Keep no right but to the folder of the database OPEN names. */
static int
enter_start(struct loop *l, const struct imsg *m)
{
	char folder[PATH_MAX], *path;
	struct msg_open o;
	struct ibuf b;
	int rc;

	ibuf_from(&b, m->data.buf, m->data.wpos);
	if (msg_get_open(&b, &o) == -1)
		return 0;		/* statedb_handle() will say so */
	if ((path = bytes_dup(o.path)) == NULL)
		fatal("statedb: not enough memory");
	rc = db_folder(path, folder, sizeof(folder));
	free(path);
	if (rc == -1)
		return 0;		/* opening it will tell what is wrong */
	return enter(l, SANDBOX_DB_START, folder);
}

/* The one request that needs rights: they go around it. */
static int
open_frame(struct loop *l, const struct imsg *m)
{
	if (enter_start(l, m) == -1)
		return -1;
	if (statedb_handle(l->db, m, reply, l) == -1)
		return -1;
	return enter(l, SANDBOX_DB_LOCKED, NULL);
}

static int
frame(struct loop *l, const struct imsg *m)
{
	if (m->type == MSG_OPEN && l->db->state == DB_CLOSED)
		return open_frame(l, m);
	return statedb_handle(l->db, m, reply, l);
}

/* All that was read at once is one batch.  0, or -1: the session ends. */
static int
batch(struct loop *l)
{
	struct imsg m;
	int rc;

	while ((rc = imsg_get(&l->parent, &m)) == 1)
		if (frame(l, &m) == -1) {
			statedb_commit(l->db, reply, l);
			say_end(l, l->db->kind, l->db->text);
			return -1;
		}
	statedb_commit(l->db, reply, l);
	if (rc == -1) {
		say_end(l, FAIL_INTERNAL, "statedb: malformed frame");
		return -1;
	}
	return 0;
}

/* Until the parent closes its end: 0; or -1. */
static int
loop(struct loop *l)
{
	struct pollfd pfd = { .fd = l->parent.fd };
	int n;

	while (!l->gone) {
		pfd.events = POLLIN;
		if (imsgbuf_wants_out(&l->parent))
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
			return -1;
		if (pfd.revents & (POLLIN | POLLHUP | POLLERR)) {
			n = imsgbuf_read(&l->parent);
			if (n == 0)
				return 0;
			if (n == -1 && errno != EAGAIN)
				return errno == ECONNRESET ? 0 : -1;
			if (n > 0 && batch(l) == -1)
				return -1;
		}
		if (imsgbuf_flush(&l->parent) == -1)
			l->gone = 1;
	}
	return 0;
}

static void
ignore_signals(void)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a limit is an error like a full disk */
}

int
main(int argc, char **argv)
{
	struct loop l;
	struct stat sb;
	int rc;

	if (argc == 2 && strcmp(argv[1], "-V") == 0)
		return version();
	if (argc != 1 || fstat(PARENT_FD, &sb) == -1 || !S_ISSOCK(sb.st_mode))
		usage();
	memset(&l, 0, sizeof(l));
	ignore_signals();
	umask(S_IRWXG | S_IRWXO);
	if (imsgbuf_init(&l.parent, PARENT_FD) == -1 ||
	    (l.db = statedb_new()) == NULL)
		fatal("statedb: not enough memory");
	log_to(log_sink_parent, &l);
	say_ready(&l);
	rc = loop(&l);
	log_to(NULL, NULL);
	statedb_free(l.db);
	imsgbuf_clear(&l.parent);
	return rc == 0 ? 0 : 1;
}
