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
 * The way to the server: a stack of layers (socket or tunnel at the bottom,
 * then SOCKS, TLS, deflate as configured), each with the same four functions.
 * Non-blocking: a step returns octets done, or what it waits for.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRANSPORT_ERRMAX 960

/*
 * Answers beside an octet count > 0.  A layer may hold octets that it has
 * read ahead, so a reader goes on until it is answered IO_WANT_IN before it
 * polls.
 */
#define IO_EOF		0	/* read only */
#define IO_ERROR	(-1)	/* transport_error() says what */
#define IO_WANT_IN	(-2)	/* poll for POLLIN, then the same call again */
#define IO_WANT_OUT	(-3)	/* poll for POLLOUT, then the same call again */

struct transport;		/* one layer; holds the one below */

struct transport_ops {
	const char	*name;			/* "socket", "tls", ... */
	ssize_t		(*handshake)(struct transport *); /* 1: done */
	ssize_t		(*read)(struct transport *, void *, size_t);
	ssize_t		(*write)(struct transport *, const void *, size_t);
	void		(*close)(struct transport *);	/* and frees itself */
};

struct transport {
	const struct transport_ops *ops;
	struct transport	*lower;		/* NULL: bottom */
	int			 fd;		/* of the bottom, to poll */
	int			 drained;	/* bottom: see socket_read() */
	char			 err[TRANSPORT_ERRMAX]; /* the last, printable */
	int			 kind;		/* FAIL_NET or FAIL_TLS of it */
};

/*
 * Bottom layer over a connected socket, which becomes non-blocking; takes
 * ownership of fd.  NULL with errno: fd is then still the caller's.
 */
struct transport *transport_socket(int);

ssize_t		 transport_handshake(struct transport *);
ssize_t		 transport_read(struct transport *, void *, size_t);
ssize_t		 transport_write(struct transport *, const void *, size_t);
void		 transport_close(struct transport *);	/* accepts NULL */
const char	*transport_error(const struct transport *);
int		 transport_errkind(const struct transport *); /* FAIL_NET, .. */

/*
 * For layers: note why a step failed (made printable), or take over what the
 * layer below noted.  Both return IO_ERROR.
 */
ssize_t		 transport_fail(struct transport *, int, const char *, ...)
		    __attribute__((format(printf, 3, 4)));
ssize_t		 transport_fail_lower(struct transport *);

/*
 * TLS (layer_tls.c, the only file that includes tls.h).  tls_prepare() runs
 * before the process locks, and before SANDBOX_IMAP_START, too (certificates
 * may lie anywhere): loads them into memory and warms up the library, so that
 * the handshake opens nothing.  transport_tls() is the layer; its handshake
 * checks chain, name and pinned keys before the first octet of IMAP.
 */
struct msg_config;
struct tlsconf;
/* NULL with a reason in errbuf; copies what it needs of the configuration. */
struct tlsconf	*tls_prepare(const struct msg_config *, char *, size_t);
void		 tls_discard(struct tlsconf *);		/* accepts NULL */
/*
 * Takes ownership of the layer below, and of the tlsconf (one connection
 * each).  NULL without memory; both are then still the caller's.
 */
struct transport *transport_tls(struct transport *, struct tlsconf *);
/* "TLSv1.3, TLS_AES_256_GCM_SHA384" after the handshake. */
void		 tls_describe(const struct transport *, char *, size_t);

/*
 * SOCKS5.  socks_connect() (proxy.c) runs before the process locks: what the
 * proxy of the configuration is to be asked for, and a connection to it for
 * each address of the host; NULL with a reason.  transport_socks()
 * (layer_socks.c; RFC 1928, RFC 1929) is the layer; its handshake holds the
 * dialogue, and takes the next address when the proxy cannot connect to one.
 * Takes ownership of what socks_connect() made; NULL without memory.
 */
#define SOCKS_TARGETS	4	/* addresses of a host that are tried */
#define SOCKS_TEXTMAX	255	/* octets of host, user, password */
struct socks_target {
	struct transport *via;		/* NULL: in use, or none */
	uint8_t		 address[1 + 1 + SOCKS_TEXTMAX + 2];
	size_t		 len;
	char		 name[SOCKS_TEXTMAX + 16];	/* to tell */
};
struct socks_conf {
	char		 name[SOCKS_TEXTMAX + 16];	/* of the proxy */
	size_t		 userlen, passlen;	/* userlen 0: no login */
	uint8_t		 user[SOCKS_TEXTMAX], pass[SOCKS_TEXTMAX];
	size_t		 n;
	struct socks_target target[SOCKS_TARGETS];
};
struct socks_conf *socks_connect(const struct msg_config *, unsigned int,
		    char *, size_t);
void		 socks_discard(struct socks_conf *);	/* accepts NULL */
struct transport *transport_socks(struct socks_conf *);

/*
 * Deflate (layer_deflate.c, the only file that includes zlib.h; RFC 4978):
 * the topmost layer, pushed in the locked stage, with octets from below that
 * were read too far, at most DEFLATE_REST.  Takes ownership of the layer
 * below.  NULL without memory; that is then still the caller's.
 */
#define DEFLATE_REST	65536
struct transport *transport_deflate(struct transport *, const void *, size_t);
/* Compressed octets read (those read too far included) and written. */
void		 deflate_counts(const struct transport *, uint64_t *,
		    uint64_t *);
const char	*deflate_library(void);	/* the version of zlib, for -V */

/*
 * connect.c, before the process locks: resolve host ("name", "192.0.2.1",
 * "[2001:db8::1]") and port (number or service), connect to each address in
 * turn within timeout seconds altogether (at most CONNECT_TIMEOUT, and so
 * many if it is 0); TCP_NODELAY,
 * SO_KEEPALIVE, non-blocking.  A connected descriptor, or -1 with a reason in
 * errbuf that names host, port and the last cause.
 */
#define CONNECT_TIMEOUT	60
int		 connect_host(const char *, const char *, unsigned int, char *,
		    size_t);
/*
 * The addresses of host and port; only of an address if told so.  NULL with a
 * reason; the caller's to free.
 */
struct addrinfo	*connect_resolve(const char *, const char *, int, char *,
		    size_t);
/* The descriptor to poll: that of the lowest layer, which may change. */
int		 transport_fd(const struct transport *);
/* The other end is this machine, by a loopback address (not one of a card). */
int		 connect_loopback(int);

#endif
