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
 * Mechanisms of AUTHENTICATE (RFC 4422), and LOGIN as one more name: the table,
 * and what each says.  Octets in, octets out; base 64, the command around it
 * and the log are auth.c's.
 */
#ifndef SASL_H
#define SASL_H

#include <stdint.h>

#include "imsg.h"
#include "scram.h"

#define SASL_NONCE	24		/* octets of chance in a nonce */

struct sasl;

struct sasl_mech {
	const char	*name;
	unsigned int	 flags;
#define SASL_USER	0x01		/* needs a user name, */
#define SASL_PASS	0x02		/* a password or token */
#define SASL_CLEAR	0x04		/* and sends it for all to read */
#define SASL_PLAIN	0x08		/* LOGINDISABLED means it, too */
#define SASL_TOKEN	0x10		/* the password is a token */
#define SASL_CERT	0x20		/* TLS tells who we are */
	/* What the client says first.  0, or -1 with why. */
	int		(*first)(struct sasl *, struct ibuf *);
	/* The answer to a challenge; NULL: none comes.  0, or -1 with why. */
	int		(*step)(struct sasl *, struct bytes, struct ibuf *);
	/* Whether to believe an OK; NULL: yes.  0, or -1 with why. */
	int		(*accept)(struct sasl *);
};

/* One login.  The texts are views of the configuration. */
struct sasl {
	const struct sasl_mech *mech;
	struct bytes	 user, pass, host, port;
	int		 begun;		/* first was called */
	const char	*why;		/* it failed, in words; static */
	struct ibuf	 error;		/* what the server gave as reason */
	struct scram	 scram;
	char		 nonce[2 * SASL_NONCE + 1];
};

/* A mechanism by its name in any case, or NULL. */
const struct sasl_mech *sasl_find(const char *, size_t);
/* Its bit in a set of mechanisms. */
uint32_t sasl_bit(const struct sasl_mech *);
/* All names, separated by blanks. */
void	 sasl_names(char *, size_t);

/* Begin; mech is not that of LOGIN.  NULL: no memory. */
struct sasl *sasl_new(const struct sasl_mech *);
void	 sasl_free(struct sasl *);	/* wipes; accepts NULL */
/* What the client says next, given what the server said.  0, or -1, why. */
int	 sasl_next(struct sasl *, struct bytes, struct ibuf *);

#endif
