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
 * Sets of IMAP UIDs as sorted, disjoint, non-adjacent ranges (RFC 3501
 * section 9 sequence-set, RFC 4315 section 4 uid-set): 1:4294967295 costs the
 * same as 1.  Pure: no I/O, no log.  Linked by all three programs.
 */
#ifndef UIDSET_H
#define UIDSET_H

#include <stddef.h>
#include <stdint.h>

#define UID_MAX		UINT32_MAX

struct uidrange {
	uint32_t lo, hi;		/* both inside, 1 <= lo <= hi */
};

struct uidset {
	struct uidrange	*r;
	size_t		 n, size;
};

struct uiditer {
	const struct uidset	*set;
	size_t			 i;
	uint64_t		 next;
};

#define UIDSET_INIT	{ NULL, 0, 0 }

void	 uidset_init(struct uidset *);
void	 uidset_free(struct uidset *);		/* leaves an empty set */
/*
 * All that can grow a set return 0, or -1 without memory (set unchanged).
 * UID 0 is not added: -1.  Adding in ascending order is cheap.
 */
int	 uidset_add(struct uidset *, uint32_t);
int	 uidset_add_range(struct uidset *, uint32_t, uint32_t); /* any order */
int	 uidset_remove_range(struct uidset *, uint32_t, uint32_t);
int	 uidset_copy(struct uidset *, const struct uidset *);
int	 uidset_union(struct uidset *, const struct uidset *);	/* a |= b */
int	 uidset_minus(struct uidset *, const struct uidset *);	/* a -= b */
int	 uidset_intersect(struct uidset *, const struct uidset *);
uint64_t uidset_count(const struct uidset *);
int	 uidset_empty(const struct uidset *);
int	 uidset_has(const struct uidset *, uint32_t);
int	 uidset_equal(const struct uidset *, const struct uidset *);
uint32_t uidset_min(const struct uidset *);		/* 0: empty */
uint32_t uidset_max(const struct uidset *);

void	 uiditer_init(struct uiditer *, const struct uidset *);
uint32_t uiditer_next(struct uiditer *);	/* 0: no more */

/*
 * Parse len octets of a sequence-set of numbers; "*" and 0 are refused, the
 * ends of a range may come in either order.  0: the set is now that; or -1, as
 * it was: malformed, more than maxranges ranges at any moment, or no memory.
 */
int	 uidset_parse(struct uidset *, const char *, size_t, size_t);
/*
 * Format ranges starting at *pos into buf (NUL-terminated, at most size - 1
 * octets), whole ranges only; *pos moves on.  Returns octets written, 0 when
 * none are left (or not one fits).
 */
size_t	 uidset_format(const struct uidset *, size_t *, char *, size_t);

#endif
