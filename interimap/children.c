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
 * The children of a session: starting them, what they are told about
 * themselves, and how they end.  Called by session.c and frames.c.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

int
peer_side(enum peer p)
{
	return p == PEER_DB ? SIDE_DB : (int)p;
}

static int
start(struct session *s, enum peer p, const char *name, int body, int tunnel)
{
	struct peerio	*io = &s->peer[p];
	char		 err[ERRMAX];

	if (child_spawn(&io->child, p == PEER_DB ? PROG_STATEDB :
	    PROG_IMAPCHILD, name, body, tunnel, err, sizeof(err)) == -1) {
		session_say(s, LOG_L_ERROR, peer_side(p), "%s", err);
		return -1;
	}
	io->started = 1;
	if (imsgbuf_init(&io->buf, io->child.fd) == -1) {
		session_say(s, LOG_L_ERROR, peer_side(p), "%s: %s", name,
		    strerror(errno));
		close(io->child.fd);
		return -1;
	}
	io->open = 1;
	return 0;
}

/* The socket of a side's tunnel command, -1: it has none; -2: failed. */
static int
start_tunnel(struct session *s, enum side side)
{
	const struct server	*v = &s->conf->server[side];
	char			 err[ERRMAX];
	int			 fd;

	if (v->conn != CONN_TUNNEL)
		return -1;
	fd = tunnel_spawn(v->command, v->null_stderr && s->opts->debug == 0,
	    err, sizeof(err));
	if (fd == -1) {
		session_say(s, LOG_L_ERROR, side, "%s; correct section [%s] "
		    "of %s", err, side_name(side), s->conf->path);
		return -2;
	}
	return fd;
}

static void
close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

int
children_start(struct session *s)
{
	int	tunnel[2] = { -1, -1 }, body[2];
	int	i;

	for (i = LOCAL; i <= REMOTE; i++)
		if ((tunnel[i] = start_tunnel(s, (enum side)i)) == -2) {
			close_if(tunnel[LOCAL]);
			return -1;
		}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, body) == -1) {
		session_say(s, LOG_L_ERROR, SIDE_NONE, "socketpair: %s",
		    strerror(errno));
		close_if(tunnel[LOCAL]);
		close_if(tunnel[REMOTE]);
		return -1;
	}
	if (start(s, PEER_DB, "statedb", -1, -1) == -1 ||
	    start(s, PEER_LOCAL, "imapchild (local)", body[0],
	    tunnel[LOCAL]) == -1) {
		close_if(body[1]);
		close_if(tunnel[REMOTE]);
		return -1;
	}
	return start(s, PEER_REMOTE, "imapchild (remote)", body[1],
	    tunnel[REMOTE]);
}

int
child_send(struct session *s, enum peer p, enum msg_type type, uint32_t id,
    const struct ibuf *data)
{
	struct peerio	*io = &s->peer[p];

	if (!io->open || imsg_compose(&io->buf, type, id, data) == -1)
		return -1;
	frame_trace(s, p, 1, type, id, data == NULL ? 0 : data->wpos);
	return 0;
}

/* Under --watch a missing database is an error, as in the original. */
int
child_open(struct session *s)
{
	struct msg_open	 m;
	struct ibuf	 b;
	int		 rc;

	memset(&m, 0, sizeof(m));
	m.path = bytes_of(s->database);
	m.flags = s->opts->watch > 0 ? 0 : OPEN_CREATE;
	ibuf_init(&b);
	msg_put_open(&b, &m);
	rc = child_send(s, PEER_DB, MSG_OPEN, ID_OPEN, &b);
	ibuf_free(&b);
	if (rc == -1)
		session_say(s, LOG_L_ERROR, SIDE_DB, "%s: path too long",
		    s->database);
	return rc;
}

/* A text of the configuration; nothing when it is not set. */
static struct bytes
text(const char *s)
{
	return bytes_of(s == NULL ? "" : s);
}

/* Seconds a server may be silent. */
static uint32_t
timeout_of(const struct server *v)
{
	return v->timeout == NULL ? SERVER_TIMEOUT :
	    (uint32_t)strtonum(v->timeout, 1, 99999, NULL);
}

/* The texts are those of x. */
static void
put_proxy(struct msg_config *m, struct proxy *x, const struct server *v)
{
	memset(x, 0, sizeof(*x));
	if (v->proxy != NULL && v->conn != CONN_TUNNEL &&
	    proxy_parse(x, v->proxy) == 0)
		m->proxy = x->type;
	m->proxyhost = text(x->host);
	m->proxyport = text(x->port);
	m->proxyuser = text(x->user);
	m->proxypass = text(x->pass);
}

static void
put_config(struct session *s, enum side side, struct ibuf *b)
{
	const struct server	*v = &s->conf->server[side];
	struct msg_config	 m;
	struct proxy		 x;

	memset(&m, 0, sizeof(m));
	m.side = side;
	m.type = v->conn;
	m.starttls = v->use_starttls != 0;
	m.verify = v->verify != 0;
	m.debug = s->opts->debug > 2 ? 2 : (uint8_t)s->opts->debug;
	m.compress = v->use_compress != 0;
	m.timeout = timeout_of(v);
	m.patience = m.timeout + timeout_of(&s->conf->server[OTHER(side)]);
	memory_config(s, side, &m);
	put_proxy(&m, &x, v);
	m.protocols = text(v->protocols);
	m.host = text(v->host);
	m.port = text(v->port);
	m.username = text(v->username);
	m.password = text(v->password);
	m.auth = text(v->auth);
	m.cafile = text(v->cafile);
	m.capath = text(v->capath);
	m.sni = text(v->sni);
	m.has_sni = v->sni != NULL;
	m.proto_min = text(v->proto_min);
	m.proto_max = text(v->proto_max);
	m.ciphers = text(v->ciphers);
	m.fingerprints = text(v->fingerprint);
	m.cert = text(v->cert);
	m.key = text(v->key);
	msg_put_config(b, &m);
	explicit_bzero(&x, sizeof(x));
}

int
child_connect(struct session *s, enum side side)
{
	struct ibuf	b;
	enum peer	p = (enum peer)side;
	int		rc;

	ibuf_init(&b);
	put_config(s, side, &b);
	rc = child_send(s, p, MSG_CONFIG, ID_CONFIG, &b);
	ibuf_free(&b);
	if (rc == 0)
		rc = child_send(s, p, MSG_CONNECT, ID_CONNECT, NULL);
	return rc;
}

/* A socket that cannot be written will be read to its end, and named then. */
void
children_flush(struct session *s)
{
	int	i;

	for (i = 0; i < NPEERS; i++)
		if (s->peer[i].open && imsgbuf_wants_out(&s->peer[i].buf))
			(void)imsgbuf_flush(&s->peer[i].buf);
}

static void
child_close(struct peerio *io)
{
	if (io->open)
		imsgbuf_clear(&io->buf);
	io->open = 0;
}

/*
 * Wait for its end.  A death that nothing announced is a failure; only a
 * child we hung up on may say so by its exit status.
 */
static void
reap(struct session *s, enum peer p, int ms)
{
	struct peerio	*io = &s->peer[p];
	char		 how[ERRMAX];

	if (!io->started)
		return;
	if (!child_reap(&io->child, ms, how, sizeof(how))) {
		if (ms > 0)
			session_say(s, LOG_L_DEBUG, peer_side(p),
			    "%s did not end in time", io->child.name);
		return;
	}
	io->started = 0;
	if (io->told || io->child.status == 0 ||
	    (s->phase == PHASE_END && !s->aborted &&
	    WIFEXITED(io->child.status))) {
		session_say(s, LOG_L_DEBUG, SIDE_NONE, "%s", how);
		return;
	}
	session_say(s, LOG_L_ERROR, SIDE_NONE, "%s; nothing is lost, the next "
	    "run goes on from there", how);
	s->aborted = 0;
	io->told = 1;
	session_fail(s, OUT_INTERNAL);
}

void
child_ended(struct session *s, enum peer p)
{
	struct peerio	*io = &s->peer[p];

	child_close(io);
	reap(s, p, END_MS);
	if ((s->phase == PHASE_END && !s->aborted) || io->told)
		return;
	session_say(s, LOG_L_ERROR, SIDE_NONE, "%s: ended without a reason; "
	    "nothing is lost, the next run goes on from there",
	    io->child.name);
	s->aborted = 0;
	io->told = 1;
	session_fail(s, OUT_INTERNAL);
}

void
children_end(struct session *s)
{
	int	i;

	if (s->aborted)
		session_say(s, LOG_L_ERROR, SIDE_NONE, "a message was cut "
		    "short and nobody said why; nothing is lost, the next run "
		    "goes on from there");
	s->aborted = 0;
	s->phase = PHASE_END;
	for (i = 0; i < NPEERS; i++)
		child_close(&s->peer[i]);
	for (i = 0; i < NPEERS; i++)
		reap(s, (enum peer)i, END_MS);
}
