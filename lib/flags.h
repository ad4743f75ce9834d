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
 * The flags of a message: system flags as bits, keywords as one canonical
 * string (sorted without regard to case, single spaces, no duplicates; the
 * first spelling seen is kept).  \Recent is never held (RFC 3501 section
 * 2.3.2: a session flag).  Keywords compare without regard to case.  Pure.
 */
#ifndef FLAGS_H
#define FLAGS_H

#include <stddef.h>
#include <stdint.h>

#define FLAG_SEEN	0x01
#define FLAG_ANSWERED	0x02
#define FLAG_FLAGGED	0x04
#define FLAG_DELETED	0x08
#define FLAG_DRAFT	0x10
#define FLAG_SYSTEM	0x1f
#define FLAG_STAR	0x80	/* PERMANENTFLAGS only: \*, new keywords */
#define FLAG_BUT	0x40	/* the same, with \*: all but these keywords */

#define FLAGS_KWMAX	8192	/* octets of all keywords of a message */
#define FLAGS_ATOMMAX	255	/* octets of one keyword */

struct flags {
	uint8_t	 sys;
	char	*kw;		/* owned; NULL: none */
};

void	 flags_init(struct flags *);
void	 flags_free(struct flags *);
/*
 * Add one flag as it stands on the wire ("\\Seen", "$Junk", "\\*").  \Recent
 * and unknown backslash flags are dropped.  0, or -1: not a flag atom, too
 * long, too many, or no memory (unchanged then).
 */
int	 flags_add(struct flags *, const char *, size_t);
int	 flags_copy(struct flags *, const struct flags *);
int	 flags_equal(const struct flags *, const struct flags *);
int	 flags_has(const struct flags *, const char *, size_t);
int	 flags_union(struct flags *, const struct flags *);
int	 flags_minus(struct flags *, const struct flags *);
int	 flags_intersect(struct flags *, const struct flags *);
/* Keep what a server with these PERMANENTFLAGS can store. */
int	 flags_mask(struct flags *, const struct flags *);
/* "(\\Seen foo)", or "()"; allocated, NULL: no memory. */
char	*flags_format(const struct flags *);
/* Accept a canonical keyword string from another process: 0, or -1. */
int	 flags_set_keywords(struct flags *, const char *, size_t);

#endif
