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
 * Pinned public keys: the list of SSL_fingerprint.  Pure: no I/O, no log.
 * Called by layer_tls.c.
 */
#ifndef PINS_H
#define PINS_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"

#define PINS_MAX	64	/* fingerprints in a list */
#define PINS_TEXTMAX	(16 + 2 * DIGEST_MAX)	/* "sha512$HEX" and a NUL */

struct pin {
	char	 name[8];	/* of the digest, lower case */
	uint8_t	 md[DIGEST_MAX];
	size_t	 len;
};

struct pins {
	struct pin	*pin;	/* owned */
	size_t		 n;
};

/*
 * Parse "[algo$]hex" words separated by blanks (interimap(1),
 * SSL_fingerprint); algo is sha256 unless given.  0, or -1 with a reason in
 * errbuf; free with pins_free in any case.
 */
int	 pins_parse(struct pins *, const char *, char *, size_t);
void	 pins_free(struct pins *);
/*
 * Does the key of the first certificate of a PEM text match one of them?
 * 1, 0, or -1 when the certificate cannot be read.
 */
int	 pins_match(const struct pins *, const void *, size_t);
/*
 * "algo$HEX" of that key, by the digest named: for the user to compare.
 * 0, or -1 when the certificate cannot be read.
 */
int	 pins_describe(const char *, const void *, size_t, char *, size_t);

#endif
