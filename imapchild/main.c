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
 * Starts imapchild: the configuration from the parent, the certificates, the
 * connection, the lock, the loop.  Not a single octet from the server is read
 * before SANDBOX_IMAP_LOCKED.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "imapchild.h"
#include "sandbox.h"

static void
usage(void)
{
	fprintf(stderr, "imapchild is started by interimap(1)\n");
	exit(1);
}

/* -V: what interimap --version says about us. */
static int
version(void)
{
	char	 crypto[256], seccomp[128];

	digest_library(crypto, sizeof(crypto));
	sandbox_library(seccomp, sizeof(seccomp));
	printf("%s, zlib %s%s%s\n", crypto, deflate_library(),
	    seccomp[0] != '\0' ? ", " : "", seccomp);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* What is written to the server, for --debug; literals are left out. */
static void
start_trace(void *arg, const struct command *cmd, const char *line, size_t n)
{
	child_trace(arg, cmd, 'C', line, n);
}

/* Keep CONFIG's payload, and leave none of it in the read buffer. */
static void
start_config(struct child *c, struct imsg *m)
{
	struct ibuf	 buf;
	int		 failed;

	c->confsize = m->data.wpos;
	if ((c->confbuf = malloc(c->confsize)) == NULL)
		fatal("no memory");
	memcpy(c->confbuf, m->data.buf, c->confsize);
	explicit_bzero(m->data.buf, m->data.wpos);
	ibuf_from(&buf, c->confbuf, c->confsize);
	failed = msg_get_config(&buf, &c->conf);
	ibuf_free(&buf);
	if (failed) {
		child_fail(c, FAIL_INTERNAL, "malformed CONFIG");
		return;
	}
	c->compress = c->conf.compress ? COMPRESS_WANTED : COMPRESS_OFF;
	c->remembered = c->conf.remembered;
	c->listed = c->conf.listed;
	log_verbosity(c->conf.debug > 0 ? LOG_L_DEBUG : LOG_L_INFO);
	if (c->conf.debug > 0) {
		c->cmdq.trace = start_trace;
		c->cmdq.tracearg = c;
	}
	if (m->id != 0 &&
	    imsg_compose(&c->parent, MSG_DONE, m->id, NULL) == -1)
		fatal("cannot queue a frame");
}

/* CONFIG first, then CONNECT; anything else ends us. */
static int
start_frame(struct child *c, struct imsg *m)
{
	if (msg_check(m->type, MSG_PI, ibuf_left(&m->data)) == -1)
		m->type = MSG_NONE;
	if (m->type == MSG_CONFIG && c->confbuf == NULL) {
		start_config(c, m);
		return 0;
	}
	if (m->type != MSG_CONNECT || c->confbuf == NULL || m->id == 0) {
		child_fail(c, FAIL_INTERNAL, "bad request before CONNECT");
		return 0;
	}
	c->connectid = m->id;
	return 1;
}

/* The only place that waits for the parent alone.  0, or -1: it is over. */
static int
start_configure(struct child *c)
{
	struct pollfd	 pfd = { .fd = PARENT_FD, .events = POLLIN };
	struct imsg	 m;
	int		 n;

	while (c->phase != PHASE_OVER) {
		while ((n = imsg_get(&c->parent, &m)) == 1)
			if (start_frame(c, &m))
				return 0;
			else if (c->phase == PHASE_OVER)
				return -1;
		if (n == -1)
			return -1;
		if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
			return -1;
		if ((n = imsgbuf_read(&c->parent)) == 0 ||
		    (n == -1 && errno != EAGAIN && errno != EINTR))
			return -1;
	}
	return -1;
}

/* The lowest layer, to a proxy; NULL: the parent is told. */
static struct transport *
start_proxy(struct child *c)
{
	struct socks_conf	*conf;
	struct transport	*tr;
	char			 err[256];

	conf = socks_connect(&c->conf, c->conf.timeout, err, sizeof(err));
	if (conf == NULL) {
		child_fail(c, FAIL_NET, "%s", err);
		return NULL;
	}
	if ((tr = transport_socks(conf)) == NULL)
		fatal("no memory");
	c->exposed = c->conf.type == CONN_IMAP;
	return tr;
}

/* A connected descriptor, or -1 with what the parent is told. */
static int
start_socket(struct child *c)
{
	char	 err[256], *host, *port;
	int	 fd;

	if (c->conf.type == CONN_TUNNEL)
		return TUNNEL_FD;
	if ((host = bytes_dup(c->conf.host)) == NULL ||
	    (port = bytes_dup(c->conf.port)) == NULL)
		fatal("no memory");
	fd = connect_host(host, port, c->conf.timeout, err, sizeof(err));
	if (fd == -1)
		child_fail(c, FAIL_NET, "%s", err);
	else
		c->exposed = c->conf.type == CONN_IMAP &&
		    !connect_loopback(fd);
	free(host);
	free(port);
	return fd;
}

/* What reads files: certificates, the libraries' tables. */
static int
start_prepare(struct child *c)
{
	char	 err[256];

	if (digest_prepare() == -1)
		fatal("no SHA-256");
	if (c->conf.type != CONN_IMAPS &&
	    (c->conf.type != CONN_IMAP || !c->conf.starttls))
		return 0;
	c->tls = tls_prepare(&c->conf, err, sizeof(err));
	if (c->tls == NULL) {
		child_fail(c, FAIL_CONFIG, "%s", err);
		return -1;
	}
	return 0;
}

static int
start_connect(struct child *c)
{
	int	 fd;

	if (c->conf.proxy != PROXY_NONE) {
		if ((c->tr = start_proxy(c)) == NULL)
			return -1;
	} else if ((fd = start_socket(c)) == -1)
		return -1;
	else if ((c->tr = transport_socket(fd)) == NULL)
		fatal("no memory");
	if (c->conf.type == CONN_IMAPS) {
		if ((c->tr = transport_tls(c->tr, c->tls)) == NULL)
			fatal("no memory");
		c->tls = NULL;
	}
	c->rd.ready = c->wr.ready = 1;
	return 0;
}

static struct child *
child_new(void)
{
	struct child	*c;
	int		 mode;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->resp = resp_new(&answer_calls, c)) == NULL)
		fatal("no memory");
	if (imsgbuf_init(&c->parent, PARENT_FD) == -1)
		fatal("descriptor %d: %s", PARENT_FD, strerror(errno));
	if ((mode = fcntl(BODY_FD, F_GETFL)) == -1 ||
	    fcntl(BODY_FD, F_SETFL, mode | O_NONBLOCK) == -1)
		fatal("descriptor %d: %s", BODY_FD, strerror(errno));
	cmdq_init(&c->cmdq);
	TAILQ_INIT(&c->ops);
	bodypool_init(&c->bodypool);
	bodybuf_init(&c->bodyout, &c->bodypool);
	c->bodyfd = BODY_FD;
	c->exitcode = 0;
	return c;
}

static void
child_free(struct child *c)
{
	struct command	*cmd;

	ops_free(c);
	TAILQ_FOREACH(cmd, &c->cmdq.list, entry)
		selected_unref(cmd->sel);
	cmdq_free(&c->cmdq);
	selected_unref(c->sel);
	selected_unref(c->barrier);
	resp_free(c->resp);
	transport_close(c->tr);
	tls_discard(c->tls);
	bodybuf_free(&c->bodyout);
	bodypool_free(&c->bodypool);
	auth_forget(c);
	log_to(NULL, NULL);
	imsgbuf_clear(&c->parent);
	free(c);
}

int
main(int argc, char *argv[])
{
	struct child	*c;
	char		 err[256];
	int		 failed, status;

	if (argc == 2 && strcmp(argv[1], "-V") == 0)
		return version();
	if (argc != 1)
		usage();
	signal(SIGPIPE, SIG_IGN);
	c = child_new();
	log_to(child_log, c);
	if (sandbox_nocore() == -1)
		fatal("no way to forbid core files");
	failed = start_configure(c) == -1 || start_prepare(c) == -1;
	if (sandbox_enter(SANDBOX_IMAP_START, NULL, err, sizeof(err)) == -1)
		fatal("sandbox: %s", err);
	if (failed || start_connect(c) == -1) {
		c->phase = PHASE_OVER;
		c->exitcode = 1;
	}
	if (sandbox_enter(SANDBOX_IMAP_LOCKED, NULL, err, sizeof(err)) == -1)
		fatal("sandbox: %s", err);
	status = loop_run(c);
	child_free(c);
	return status;
}
