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
 * What the configuration says about TLS, checked and ready for the library.
 * Used by layer_tls.c only, before the process locks.
 */
#ifndef TLSOPTS_H
#define TLSOPTS_H

#include <stddef.h>

#include "certs.h"
#include "pins.h"

struct msg_config;

enum tls_version { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, TLS_NVERSIONS };

/* All strings owned. */
struct tlsopts {
	char		*host;		/* to verify; no brackets, no last dot */
	char		*port;		/* for messages */
	char		*look;		/* a command that shows the certificate */
	char		*sni;		/* NULL: none is sent */
	char		*ciphers;	/* OpenSSL cipher list; "": the default */
	int		 verify;
	int		 narrowed;	/* versions or ciphers were named */
	enum tls_version min, max;
	struct certs	 certs;		/* loaded when verify is set */
	struct certs	 cert, key;	/* ours; empty: none */
	struct pins	 pins;
};

/*
 * Fill from the configuration and read the certificates of authorities;
 * deffile is where the system keeps them (see certs.h).  0, or -1 with a
 * reason in errbuf; free with tlsopts_free in any case.
 */
int	 tlsopts_parse(struct tlsopts *, const struct msg_config *,
	    const char *, char *, size_t);
void	 tlsopts_free(struct tlsopts *);
/* What libtls said of a handshake that failed, and what to do about it. */
#define TLSOPTS_TEXTMAX	2048
#define TLSOPTS_COMPARE	"compare SSL_protocol_min, SSL_protocol_max and "	\
	"SSL_cipherlist with what the server speaks"
void	 tlsopts_refusal(const struct tlsopts *, const char *, char *, size_t);
/*
 * The server hung up, having said something before, or nothing.  One that likes
 * none of our versions or ciphers may do that (Dovecot does), as one does that
 * is being restarted: 1, that may pass; 0, where they were narrowed here.
 */
int	 tlsopts_closed(const struct tlsopts *, int, char *, size_t);

#endif
