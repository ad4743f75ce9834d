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
 * Certificates of authorities, read into memory before the process locks:
 * see certs.h.
 */
#ifndef CERTS_H
#define CERTS_H

#include <stddef.h>

#define CERTS_MAX	(16 << 20)	/* octets of all certificates */

/* PEM texts, one after the other. */
struct certs {
	char	*pem;		/* owned; not NUL-terminated */
	size_t	 len;
};

/*
 * Read what is to be trusted: the file and the folders (hash format,
 * separated by colons) the user named, or, when both are "", OpenSSL's
 * defaults: SSL_CERT_FILE and SSL_CERT_DIR of the environment, else the file
 * given last and the folder "certs" beside it.  0, or -1 with a reason in
 * errbuf; free with certs_free in any case.
 */
int	 certs_load(struct certs *, const char *, const char *, const char *,
	    char *, size_t);
void	 certs_free(struct certs *);
/*
 * Read what shows who we are: a certificate and its key, from one file when
 * the key's name is "".  0, or -1 with a reason; free both with certs_wipe in
 * any case.
 */
int	 certs_identity(struct certs *, struct certs *, const char *,
	    const char *, char *, size_t);
void	 certs_wipe(struct certs *);

#endif
