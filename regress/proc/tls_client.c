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
 * A client of the transport stack for tls.sh: prepares, connects, enters the
 * real sandbox, shakes hands, reads the greeting line, has octets echoed.
 *
 *	tls_client option=value ...
 *
 * The options are those of struct msg_config, and: connect (address to
 * connect to, 127.0.0.1), echo (octets to send and get back), drip (1: every
 * octet alone, by way of a relay), cut (octets from the server after which
 * the relay closes), bye (1: read on until the server closes).  Prints what
 * happened, one line each; 0 when all was well.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapchild/transport.h"
#include "log.h"
#include "msg.h"
#include "sandbox.h"

#define WAIT_MS		20000

struct options {
	struct msg_config mc;
	const char	*connect;
	long		 echo, cut;	/* -1: not given */
	int		 bye, drip;
};

static const char *const kinds[FAIL_MAX] = {
	[FAIL_INTERNAL] = "INTERNAL", [FAIL_NET] = "NET", [FAIL_TLS] = "TLS"
};

static void
die(const char *what, const char *why)
{
	printf("%s %s\n", what, why);
	exit(1);
}

static long
number(const char *s)
{
	return (long)strtonum(s, 0, 1 << 30, NULL);
}

static struct bytes *
text_option(struct msg_config *mc, const char *name)
{
	const struct { const char *name; struct bytes *b; } t[] = {
		{ "host", &mc->host }, { "port", &mc->port },
		{ "cafile", &mc->cafile }, { "capath", &mc->capath },
		{ "sni", &mc->sni }, { "min", &mc->proto_min },
		{ "max", &mc->proto_max }, { "ciphers", &mc->ciphers },
		{ "pins", &mc->fingerprints },
		{ "protocols", &mc->protocols }
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (strcmp(t[i].name, name) == 0)
			return t[i].b;
	}
	return NULL;
}

static void
parse(struct options *o, char *arg)
{
	struct bytes *b;
	char *value;

	if ((value = strchr(arg, '=')) == NULL)
		die("usage", arg);
	*value++ = '\0';
	if (strcmp(arg, "sni") == 0)
		o->mc.has_sni = 1;
	if ((b = text_option(&o->mc, arg)) != NULL)
		*b = bytes_of(value);
	else if (strcmp(arg, "verify") == 0)
		o->mc.verify = number(value) != 0;
	else if (strcmp(arg, "connect") == 0)
		o->connect = value;
	else if (strcmp(arg, "echo") == 0)
		o->echo = number(value);
	else if (strcmp(arg, "cut") == 0)
		o->cut = number(value);
	else if (strcmp(arg, "bye") == 0)
		o->bye = number(value) != 0;
	else if (strcmp(arg, "drip") == 0)
		o->drip = number(value) != 0;
	else
		die("usage", arg);
}

static void
init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->mc.host = o->mc.port = o->mc.cafile = o->mc.capath = o->mc.sni =
	    o->mc.proto_min = o->mc.proto_max = o->mc.ciphers =
	    o->mc.fingerprints = bytes_of("");
	o->mc.verify = 1;
	o->connect = "127.0.0.1";
	o->cut = -1;
}

/*
 * The relay: moves octets one by one between a and b, at most cut of those
 * from b.  Never returns.
 */
static int
move(int from, int to)
{
	char c;

	return read(from, &c, 1) == 1 &&
	    send(to, &c, 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static void
relay(int a, int b, long cut)
{
	struct pollfd pfd[2] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };

	(void)fcntl(b, F_SETFL, 0);
	while (cut != 0 && poll(pfd, 2, WAIT_MS) > 0) {
		if (pfd[0].revents != 0 && move(a, b) == -1)
			break;
		if (pfd[1].revents == 0)
			continue;
		if (move(b, a) == -1)
			break;
		if (cut > 0)
			cut--;
	}
	_exit(0);
}

static int
start_relay(int fd, long cut)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		die("relay", strerror(errno));
	switch (fork()) {
	case -1:
		die("relay", strerror(errno));
		break;
	case 0:
		close(sv[0]);
		relay(sv[1], fd, cut);
		break;
	}
	close(sv[1]);
	close(fd);
	return sv[0];
}

static void
enter(enum sandbox_stage stage)
{
#ifndef NO_SANDBOX
	char err[256];
	int fd;

	if (sandbox_enter(stage, NULL, err, sizeof(err)) == -1)
		die("sandbox", err);
	if (stage != SANDBOX_IMAP_LOCKED)
		return;
	if ((fd = open("/dev/null", O_RDONLY)) != -1 || errno != EACCES)
		die("sandbox", "a file can be opened");
#endif
}

static void
check(struct transport *t, ssize_t r)
{
	struct pollfd pfd = { t->fd, 0, 0 };

	switch (r) {
	case IO_ERROR:
		printf("error %s %s\n", kinds[transport_errkind(t)],
		    transport_error(t));
		transport_close(t);
		exit(1);
	case IO_EOF:
		transport_close(t);
		die("eof", "");
		break;
	case IO_WANT_IN:
	case IO_WANT_OUT:
		pfd.events = r == IO_WANT_IN ? POLLIN : POLLOUT;
		if (poll(&pfd, 1, WAIT_MS) != 1)
			die("timeout", "");
		break;
	}
}

static void
shake(struct transport *t)
{
	char text[128];
	ssize_t r;

	while ((r = transport_handshake(t)) != 1)
		check(t, r);
	tls_describe(t, text, sizeof(text));
	printf("tls %s\n", text);
}

static void
greet(struct transport *t)
{
	char line[128];
	size_t n = 0;
	ssize_t r;

	while (n == 0 || line[n - 1] != '\n') {
		r = transport_read(t, line + n, 1);
		check(t, r);
		n += r > 0 ? r : 0;
		if (n == sizeof(line) - 1)
			die("error", "greeting too long");
	}
	line[n - 2] = '\0';
	printf("greeting %s\n", line);
}

/* Send octets in uneven pieces while they come back; compare. */
static void
echo(struct transport *t, long total)
{
	static unsigned char in[100000], out[150000];
	long got = 0, i, sent = 0;
	size_t n;
	ssize_t r, w = IO_WANT_OUT;

	while (got < total) {
		for (i = 0; i < (long)sizeof(out); i++)
			out[i] = (sent + i) % 251;
		n = total - sent > (long)sizeof(out) ? sizeof(out) :
		    (size_t)(total - sent);
		if (n > 0 && (w = transport_write(t, out, n)) > 0)
			sent += w;
		else if (n > 0 && w == IO_ERROR)
			check(t, w);
		r = transport_read(t, in, sizeof(in));
		if (r > 0 || r == IO_EOF || r == IO_ERROR || w < 0)
			check(t, r == IO_WANT_IN && n > 0 ? w : r);
		else if (n == 0)
			check(t, r);
		for (i = 0; i < r; i++) {
			if (in[i] != (got + i) % 251)
				die("error", "wrong octet");
		}
		got += r > 0 ? r : 0;
	}
	printf("echo ok\n");
}

static void
read_end(struct transport *t)
{
	char buf[64];
	ssize_t r;

	for (;;) {
		r = transport_read(t, buf, sizeof(buf));
		check(t, r);
		if (r > 0)
			die("error", "octets behind the end");
	}
}

int
main(int argc, char *argv[])
{
	struct options o;
	struct transport *t;
	struct tlsconf *tc;
	char err[512], port[16];
	int fd = -1, i;

	(void)signal(SIGCHLD, SIG_IGN);
	init(&o);
	for (i = 1; i < argc; i++)
		parse(&o, argv[i]);
	if (o.mc.port.n >= sizeof(port))
		die("usage", "port");
	memcpy(port, o.mc.port.p, o.mc.port.n);
	port[o.mc.port.n] = '\0';
	if (o.drip || o.cut != -1) {
		fd = connect_host(o.connect, port, 5, err, sizeof(err));
		if (fd == -1)
			die("connect", err);
		fd = start_relay(fd, o.cut);
	}
	if ((tc = tls_prepare(&o.mc, err, sizeof(err))) == NULL)
		die("prepare", err);
	enter(SANDBOX_IMAP_START);
	if (fd == -1 && (fd = connect_host(o.connect, port, 5, err,
	    sizeof(err))) == -1)
		die("connect", err);
	enter(SANDBOX_IMAP_LOCKED);
	if ((t = transport_socket(fd)) == NULL ||
	    (t = transport_tls(t, tc)) == NULL)
		die("error", "memory");
	shake(t);
	greet(t);
	if (o.echo > 0)
		echo(t, o.echo);
	if (o.bye)
		read_end(t);
	transport_close(t);
	return 0;
}
