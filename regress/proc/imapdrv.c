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
 * See imapdrv.h.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

static const char *
program(void)
{
	const char	*path;

	path = getenv("IMAPCHILD");
	return path != NULL ? path : "imapchild/imapchild";
}

static void
become(int parent, int body, int srv)
{
	char	*argv[] = { strdup("imapchild"), NULL };
	int	 fd[3];

	/* out of the way first: one of them may be in another's place */
	fd[0] = fcntl(parent, F_DUPFD, 20);
	fd[1] = body == -1 ? -1 : fcntl(body, F_DUPFD, 20);
	fd[2] = srv == -1 ? -1 : fcntl(srv, F_DUPFD, 20);
	dup2(fd[0], 3);
	if (fd[1] != -1)
		dup2(fd[1], 4);
	if (fd[2] != -1)
		dup2(fd[2], 5);
	closefrom(6);
	execv(program(), argv);
	_exit(102);
}

void
drv_start(struct drv *d, int srv, int body)
{
	int	 sv[2];

	memset(d, 0, sizeof(*d));
	d->srv = d->body = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	if ((d->pid = fork()) == 0)
		become(sv[1], body, srv);
	assert_int_not_equal(d->pid, -1);
	close(sv[1]);
	if (srv != -1)
		close(srv);
	if (body != -1)
		close(body);
	assert_int_equal(imsgbuf_init(&d->ib, sv[0]), 0);
}

void
drv_script(struct drv *d)
{
	const int	 large = 4 << 20;
	int		 srv[2], body[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    srv), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    body), 0);
	assert_int_equal(fcntl(body[1], F_SETFL, O_NONBLOCK), 0);
	/* as much as we may: a body that is written in one go */
	(void)setsockopt(body[1], SOL_SOCKET, SO_SNDBUFFORCE, &large,
	    sizeof(large));
	drv_start(d, srv[1], body[1]);
	d->srv = srv[0];
	d->body = body[0];
}

static void
drv_flush(struct drv *d)
{
	struct pollfd	 pfd = { .fd = d->ib.fd, .events = POLLOUT };

	while (imsgbuf_flush(&d->ib) == 0)
		assert_int_equal(poll(&pfd, 1, DRV_PATIENCE), 1);
}

uint32_t
drv_send(struct drv *d, uint16_t type, const struct ibuf *buf)
{
	assert_int_equal(imsg_compose(&d->ib, type, ++d->id, buf), 0);
	drv_flush(d);
	return d->id;
}

void
drv_config(struct drv *d, const struct drv_conf *conf)
{
	struct msg_config	 m;
	struct ibuf		 buf;

	memset(&m, 0, sizeof(m));
	m.side = LOCAL;
	m.type = conf->starttls ? conf->type : CONN_TUNNEL;
	m.starttls = conf->starttls;
	m.debug = conf->debug;
	m.timeout = conf->timeout == 0 ? 20 : conf->timeout;
	m.patience = conf->patience;
	m.host = bytes_of("127.0.0.1");
	m.port = bytes_of(conf->port == NULL ? "143" : conf->port);
	m.username = bytes_of(conf->user == NULL ? "" : conf->user);
	m.password = bytes_of(conf->password == NULL ? "" : conf->password);
	m.auth = bytes_of(conf->auth == NULL ? "" : conf->auth);
	ibuf_init(&buf);
	msg_put_config(&buf, &m);
	drv_send(d, MSG_CONFIG, &buf);
	ibuf_free(&buf);
	drv_send(d, MSG_CONNECT, NULL);
}

void
drv_listen(struct drv *d, struct drv_conf *conf)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	struct pollfd		 pfd;
	char			 port[16];
	int			 fd, body[2];

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(port, sizeof(port), "%u", ntohs(sin.sin_port));
	conf->port = port;
	conf->type = CONN_IMAP;
	conf->starttls = 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    body), 0);
	drv_start(d, -1, body[1]);
	d->body = body[0];
	drv_config(d, conf);
	pfd.fd = fd;
	pfd.events = POLLIN;
	assert_int_equal(poll(&pfd, 1, DRV_PATIENCE), 1);
	d->srv = accept(fd, NULL, NULL);
	assert_int_not_equal(d->srv, -1);
	close(fd);
	conf->port = NULL;
}

void
drv_ready(struct drv *d, const char *caps)
{
	struct drv_conf	 conf = { .timeout = 20 };

	drv_ready_as(d, caps, &conf);
}

void
drv_ready_as(struct drv *d, const char *caps, const struct drv_conf *conf)
{
	struct imsg	 m;

	drv_script(d);
	drv_config(d, conf);
	srv_say(d, "* PREAUTH [CAPABILITY %s] hello\r\n", caps);
	drv_want(d, &m, MSG_DONE, 1);
	drv_want(d, &m, MSG_READY, 0);
	drv_want(d, &m, MSG_DONE, 2);
}

int
drv_status(struct drv *d)
{
	int	 status;

	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	d->pid = 0;
	return status;
}

void
drv_stop(struct drv *d)
{
	int	 status;

	imsgbuf_clear(&d->ib);
	if (d->srv != -1)
		close(d->srv);
	if (d->body != -1)
		close(d->body);
	if (d->pid != 0) {
		status = drv_status(d);
		if (!WIFEXITED(status))
			fail_msg("imapchild ended with status %#x", status);
	}
	if (d->srvpid != 0)
		waitpid(d->srvpid, NULL, 0);
	free(d->logs);
}

static void
drv_keep(struct drv *d, struct imsg *m)
{
	struct msg_log	 l;
	char		*p;

	assert_int_equal(msg_get_log(&m->data, &l), 0);
	if ((p = realloc(d->logs, d->nlogs + l.text.n + 2)) == NULL)
		abort();
	memcpy(p + d->nlogs, l.text.p, l.text.n);
	d->logs = p;
	d->nlogs += l.text.n;
	memcpy(p + d->nlogs, "\n", 2);
	d->nlogs++;
}

/* Before a test fails: what imapchild traced, if it was asked to. */
static void
drv_show(struct drv *d)
{
	if (d->logs != NULL)
		print_error("%s", d->logs);
}

/* 1: a frame; 0: the end. */
static int
drv_get(struct drv *d, struct imsg *m)
{
	struct pollfd	 pfd = { .fd = d->ib.fd, .events = POLLIN };
	int		 n;

	for (;;) {
		n = imsg_get(&d->ib, m);
		assert_int_not_equal(n, -1);
		if (n == 1) {
			assert_int_equal(msg_check(m->type, MSG_IP,
			    ibuf_left(&m->data)), 0);
			if (m->type != MSG_LOG)
				return 1;
			drv_keep(d, m);
			continue;
		}
		if (poll(&pfd, 1, DRV_PATIENCE) != 1) {
			drv_show(d);
			fail_msg("imapchild says nothing");
		}
		n = imsgbuf_read(&d->ib);
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return 0;
	}
}

void
drv_next(struct drv *d, struct imsg *m)
{
	if (!drv_get(d, m))
		fail_msg("imapchild is gone, status %#x", drv_status(d));
}

int
drv_eof(struct drv *d)
{
	struct imsg	 m;

	return !drv_get(d, &m);
}

void
drv_want(struct drv *d, struct imsg *m, uint16_t type, uint32_t id)
{
	struct msg_fail	 f;

	drv_next(d, m);
	if (m->type != type)
		drv_show(d);
	if (m->type != type && m->type == MSG_FAIL &&
	    msg_get_fail(&m->data, &f) == 0)
		fail_msg("FAIL %u kind %u \"%.*s\" instead of %s %u", m->id,
		    f.kind, (int)f.text.n, f.text.p, msg_name(type), id);
	if (m->type != type || m->id != id)
		fail_msg("%s %u instead of %s %u", msg_name(m->type), m->id,
		    msg_name(type), id);
}

void
drv_fails(struct drv *d, uint32_t id, enum fail_kind kind, const char *words)
{
	struct imsg	 m;
	struct msg_fail	 f;
	char		 text[4096];

	drv_want(d, &m, MSG_FAIL, id);
	assert_int_equal(msg_get_fail(&m.data, &f), 0);
	snprintf(text, sizeof(text), "%.*s %.*s", (int)f.code.n, f.code.p,
	    (int)f.text.n, f.text.p);
	if (f.kind != kind || strstr(text, words) == NULL)
		fail_msg("kind %u \"%s\" instead of kind %u \"%s\"", f.kind,
		    text, kind, words);
}

static void
put(int fd, const void *p, size_t n)
{
	ssize_t	 w;

	while (n > 0) {
		if ((w = write(fd, p, n)) <= 0)
			fail_msg("write: %s", strerror(errno));
		p = (const char *)p + w;
		n -= w;
	}
}

void
srv_say(struct drv *d, const char *fmt, ...)
{
	char	 buf[65536];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, sizeof(buf) - 1);
	put(d->srv, buf, n);
}

/* Have n octets, or any if n is 0, of what imapchild writes. */
static void
srv_read(struct drv *d, size_t n)
{
	struct pollfd	 pfd = { .fd = d->srv, .events = POLLIN };
	ssize_t		 r;

	do {
		if (poll(&pfd, 1, DRV_PATIENCE) != 1)
			fail_msg("imapchild writes nothing; so far \"%.*s\"",
			    (int)d->n, d->buf);
		r = read(d->srv, d->buf + d->n, sizeof(d->buf) - d->n);
		if (r <= 0)
			fail_msg("imapchild closed the connection");
		d->n += r;
	} while (d->n < n);
}

static void
srv_drop(struct drv *d, size_t n)
{
	memmove(d->buf, d->buf + n, d->n - n);
	d->n -= n;
}

void
srv_want(struct drv *d, const char *text)
{
	char	*nl, *cmd;

	while ((nl = memmem(d->buf, d->n, "\r\n", 2)) == NULL)
		srv_read(d, 0);
	*nl = '\0';
	if ((cmd = strchr(d->buf, ' ')) == NULL ||
	    (size_t)(cmd - d->buf) >= sizeof(d->tag) ||
	    strncmp(cmd + 1, text, strlen(text)) != 0)
		fail_msg("\"%s\" instead of \"TAG %s\"", d->buf, text);
	memcpy(d->tag, d->buf, cmd - d->buf);
	d->tag[cmd - d->buf] = '\0';
	srv_drop(d, nl + 2 - d->buf);
}

void
srv_octets(struct drv *d, const char *text)
{
	size_t	 n = strlen(text);

	if (d->n < n)
		srv_read(d, n);
	if (memcmp(d->buf, text, n) != 0)
		fail_msg("\"%.*s\" instead of \"%s\"", (int)d->n, d->buf,
		    text);
	srv_drop(d, n);
}

void
srv_silent(struct drv *d)
{
	struct pollfd	 pfd = { .fd = d->srv, .events = POLLIN };

	if (d->n > 0 || poll(&pfd, 1, 150) != 0) {
		if (d->n == 0)
			srv_read(d, 0);
		fail_msg("imapchild should be silent, but says \"%.*s\"",
		    (int)d->n, d->buf);
	}
}

void
srv_tagged(struct drv *d, const char *text)
{
	srv_say(d, "%s %s\r\n", d->tag, text);
}

void
body_say(struct drv *d, enum body_type type, uint32_t transfer, uint32_t uid,
    uint64_t len, const char *data)
{
	struct body_frame	 f;
	uint8_t			 head[BODY_HEADER];

	memset(&f, 0, sizeof(f));
	f.type = type;
	f.transfer = transfer;
	f.uid = uid;
	f.len = data == NULL ? len : strlen(data);
	body_encode(head, &f);
	put(d->body, head, sizeof(head));
	if (data != NULL)
		put(d->body, data, strlen(data));
}

void
body_read(struct drv *d, void *p, size_t n)
{
	struct pollfd	 pfd = { .fd = d->body, .events = POLLIN };
	ssize_t		 r;

	for (; n > 0; n -= r, p = (char *)p + r) {
		if (poll(&pfd, 1, DRV_PATIENCE) != 1)
			fail_msg("nothing on the body channel");
		if ((r = read(d->body, p, n)) <= 0)
			fail_msg("end of the body channel");
	}
}

void
body_want(struct drv *d, enum body_type type, uint32_t transfer, uint32_t uid,
    const char *data)
{
	struct body_frame	 f;
	uint8_t			 head[BODY_HEADER];
	char			 buf[BODY_CHUNK];

	body_read(d, head, sizeof(head));
	assert_int_equal(body_decode(head, &f), 0);
	if (f.type != type || f.transfer != transfer || f.uid != uid)
		fail_msg("body frame %u of transfer %u, UID %u instead of %u, "
		    "%u, %u", f.type, f.transfer, f.uid, type, transfer, uid);
	if (type != BODY_DATA)
		return;
	body_read(d, buf, f.len);
	assert_int_equal(f.len, strlen(data));
	assert_memory_equal(buf, data, f.len);
}
