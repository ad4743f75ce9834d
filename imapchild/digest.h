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
 * Digests (digest.c, the only file that includes OpenSSL's headers): of the
 * header fields that identify a message, of a whole body as it streams by,
 * and of a certificate's public key.  No I/O, no log.  Called by the session
 * and by layer_tls.c.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN		32	/* SHA-256; equals ID_DIGEST */
#define DIGEST_MAX		64	/* the longest digest_spki() writes */
#define DIGEST_HEADERMAX	65536	/* octets; equals RESP_HEADERMAX */

/*
 * The fields that identify a message, as they stand in
 * BODY.PEEK[HEADER.FIELDS (...)].  Servers and relays add to Received and the
 * like, so these are left out.
 */
#define DIGEST_FIELDS							\
	"DATE FROM SENDER REPLY-TO TO CC BCC SUBJECT MESSAGE-ID "	\
	"IN-REPLY-TO REFERENCES CONTENT-TYPE LIST-ID DELIVERED-TO "	\
	"RESENT-DATE RESENT-FROM RESENT-TO RESENT-MESSAGE-ID"

/*
 * Before the process locks: fetch every algorithm used later.  0, or -1 when
 * the library lacks one.
 */
int	 digest_prepare(void);

/*
 * Digest of the text of BODY[HEADER.FIELDS (...)], up to its first empty
 * line.  Independent of the order and folding of fields, the case of their
 * names, blanks around and the width of blanks inside them, and of CRLF or
 * LF (RFC 5322 section 2.2).  Returns ID_HEADER, or ID_WEAK when there is no
 * Message-ID or an empty one (lib/msg.h), or -1: longer than
 * DIGEST_HEADERMAX, or no memory.
 */
int	 digest_header(const char *, size_t, uint8_t[DIGEST_LEN]);

/*
 * SHA-256 of a body as its octets stream by, exactly as sent.  digest_new:
 * NULL without memory.  digest_update: 0 or -1.  digest_final: 0 or -1; the
 * digest may then be used for another body.  digest_free accepts NULL.
 */
struct digest;
struct digest	*digest_new(void);
int		 digest_update(struct digest *, const void *, size_t);
int		 digest_final(struct digest *, uint8_t[DIGEST_LEN]);
void		 digest_free(struct digest *);

/*
 * Octets of a digest by name ("sha1", "sha256", "sha384", "sha512", any
 * case), 0 when it is none of these.
 */
size_t	 digest_size(const char *);
/*
 * Digest by that name of the SubjectPublicKeyInfo (RFC 5280 section 4.1) of
 * the first certificate of a PEM text.  Returns its length, or 0 when the
 * name is unknown or the text holds no certificate.
 */
size_t	 digest_spki(const char *, const void *, size_t, uint8_t[DIGEST_MAX]);

/*
 * By the same names, for SCRAM: a digest of octets; HMAC (RFC 2104) with a key
 * as long as the digest; PBKDF2 (RFC 8018) of a password, a salt and a number
 * of iterations, as long as the digest.  0 or -1.
 */
struct bytes;
int	 digest_octets(const char *, const void *, size_t,
	    uint8_t[DIGEST_MAX]);
int	 digest_hmac(const char *, const uint8_t *, struct bytes,
	    uint8_t[DIGEST_MAX]);
int	 digest_pbkdf2(const char *, struct bytes, struct bytes, unsigned int,
	    uint8_t[DIGEST_MAX]);

/*
 * The names and versions of the TLS library and the one under it, for -V.  A
 * LibreTLS cannot be asked; its version is that of the build.
 */
void	 digest_library(char *, size_t);

#endif
