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
 * SCRAM (RFC 5802, 7677) without channel binding: the client's part.  Pure:
 * the nonce is given, and nothing is logged.  Used by sasl.c.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include <stdint.h>

#include "digest.h"
#include "imsg.h"

/*
 * Iterations a server may ask for.  Below the first what is sent could be
 * tried against a dictionary too fast (RFC 5802 section 5.1); the last is some
 * seconds of work, sixteen times what is advised today, and beyond it a server
 * would only want to keep us busy.
 */
#define SCRAM_MINITER	4096
#define SCRAM_MAXITER	10000000
#define SCRAM_SALTMAX	1024		/* octets of a salt */

enum scram_state { SCRAM_NEW, SCRAM_FIRST, SCRAM_FINAL, SCRAM_REFUSED,
	SCRAM_VERIFIED };

struct scram {
	const char	*hash;		/* "sha1", "sha256" */
	struct bytes	 user, pass;	/* views */
	const char	*nonce;		/* ours; a view */
	enum scram_state state;
	struct ibuf	 message;	/* AuthMessage, so far */
	uint8_t		 signature[DIGEST_MAX];	/* that we expect */
	const char	*why;		/* it failed, in words; static */
	char		 error[64];	/* what the server gave as reason */
};

/* The hash is a name of digest_size(); the views must outlive the struct. */
void	 scram_init(struct scram *, const char *, struct bytes, struct bytes,
	    const char *);
/* client-first-message.  0; or -1: user name or password cannot be sent. */
int	 scram_first(struct scram *, struct ibuf *);
/*
 * The answer to a message of the server: client-final-message to its first,
 * nothing to its last.  0, or -1 with why set.
 */
int	 scram_step(struct scram *, struct bytes, struct ibuf *);
void	 scram_free(struct scram *);	/* wipes */
/* Add a user name as these and like mechanisms write it (saslname). */
void	 scram_add_name(struct ibuf *, struct bytes);

#endif
