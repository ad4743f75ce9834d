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
 * The probes of the benchmark: what the work costs without a synchronizer.
 * probe.c has main() and the floor, probe_io.c the connection, probe_pump.c
 * the copy, probe_digest.c a look at what is in a mailbox.
 */
#ifndef PROBE_H
#define PROBE_H

#include <sys/types.h>

#include <stdint.h>

#define BUF_SIZE	(256 << 10)	/* each way; a line must fit */

struct ssl_st;

/* One connection.  Data is in in[ipos..ilen), and out[opos..olen) waits. */
struct conn {
	const char	*name;
	int		 fd;
	struct ssl_st	*ssl;		/* NULL: plain */
	int		 ready;		/* TLS handshake done */
	int		 readable;	/* nothing said EAGAIN since the poll */
	int		 writable;
	int		 eof;
	char		*in, *out;
	size_t		 ipos, ilen, opos, olen;
	unsigned int	 greeted;
	unsigned int	 tag;		/* of the last command */
	unsigned int	 done;		/* tagged OKs */
};

/* "tcp:PORT" or "tls:PORT" of 127.0.0.1; the file has the certificate. */
struct conn	*conn_open(const char *, const char *);
void	 conn_close(struct conn *);
/* Reads and writes what it can; 1 when anything moved. */
int	 conn_io(struct conn *);
/* Waits until one of the two (or the one, with NULL) can be served. */
void	 conn_poll(struct conn *, struct conn *);
/* Appends a command with the next tag; it must fit. */
void	 conn_say(struct conn *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
size_t	 conn_room(const struct conn *);
void	 conn_put(struct conn *, const void *, size_t);
/*
 * The next whole line without its CRLF, which is taken and valid until the
 * next conn_io; NULL when there is none.  A tagged OK is counted, another
 * tagged answer or a BYE ends the program.
 */
char	*conn_line(struct conn *, size_t *);
/* The size of the literal a line of this length ends with, or -1. */
int64_t	 literal_size(const char *, size_t);
/* The command that logs in, by one AUTHENTICATE with initial response. */
void	 conn_login(struct conn *, const char *, const char *);

struct account {
	const char	*user, *password, *cert;
};

int	 pump(const struct account *, int, int, char **);
int	 digest(const struct account *, int, char **);

#endif
