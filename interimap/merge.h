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
 * The parts of the sync engine that decide and do nothing else: sets of flags,
 * the rows of the mapping, MERGE and PAIR.  Structs in, structs out; no message
 * is sent from here.
 */
#ifndef MERGE_H
#define MERGE_H

#include "engine.h"

/* ---- flagtab.c: every flag set seen, once; 0 is the empty set ---- */

typedef uint32_t flagid;
#define FLAGID_MAX	0xffffff	/* rows keep 24 bits */

struct flagtab {
	struct flags	*sets;
	uint32_t	 n, size;
	uint32_t	*hash;		/* ids + 1; 0: free slot */
	uint32_t	 nhash;
};

void		 flagtab_init(struct flagtab *);
void		 flagtab_free(struct flagtab *);
flagid		 flagtab_id(struct flagtab *, const struct flags *);
const struct flags *flagtab_get(const struct flagtab *, flagid);
flagid		 flagtab_union(struct flagtab *, flagid, flagid);
/* What of the set a server with these PERMANENTFLAGS can store, and the rest. */
flagid		 flagtab_mask(struct flagtab *, flagid, const struct flags *);
flagid		 flagtab_rest(struct flagtab *, flagid, const struct flags *);

/* ---- rows.c: the rows of the mapping that this run has touched ---- */

struct rowside {
	uint32_t	flags : 24;	/* a flagid, when known */
	uint32_t	known : 1;	/* flags is what the side has now */
	uint32_t	changed : 1;	/* and the other side must learn it */
	uint32_t	gone : 1;	/* vanished here */
	uint32_t	compare : 1;	/* base unknown: compare the two sides */
	uint32_t	held : 1;	/* vanished here in an earlier run, held */
	uint32_t	missed : 1;	/* local: to be compared by --repair */
	uint32_t	drop : 1;	/* local: leaves the table */
};

struct row {
	uint32_t	uid[2];
	struct rowside	s[2];
};

struct rowtab {
	struct row	*r;		/* sorted by uid[LOCAL] unless unsorted */
	uint32_t	 n, size;
	uint32_t	*byremote;	/* indices, sorted by uid[REMOTE] */
	int		 unsorted, unindexed;
};

void		 rowtab_free(struct rowtab *);
/* The row of this pair, added if it is new. */
struct row	*rowtab_add(struct rowtab *, uint32_t, uint32_t);
struct row	*rowtab_find(struct rowtab *, enum side, uint32_t);
/* The same of a pair that is certainly new, both UIDs. */
struct row	*rowtab_append(struct rowtab *, uint32_t, uint32_t);
void		 rowtab_sort(struct rowtab *);	/* by local UID */
/* Add the UIDs of one side to a set, in ascending order. */
void		 rowtab_uids(struct rowtab *, enum side, struct uidset *);
/* Drop the rows the call says 1 of. */
void		 rowtab_drop(struct rowtab *, int (*)(const struct row *));
int		 row_dropped(const struct row *);	/* it is marked so */

/* ---- merge.c ---- */

enum merge_act { MERGE_NOTHING, MERGE_UNMAP, MERGE_DELETE, MERGE_FLAGS };
struct merge {
	enum merge_act	act;
	enum side	side;		/* MERGE_DELETE: delete here */
	int		store[2];	/* MERGE_FLAGS: set want on that side */
	flagid		want[2];
	int		conflict;	/* both changed, differently */
};
/* 1: before this row can be merged the flags on that side must be known. */
int	 merge_needs(const struct row *, enum side, const struct flags *);
struct merge merge_row(struct flagtab *, const struct row *,
	    const struct flags *);

/* ---- pair.c ---- */

struct cand {				/* an unmapped message */
	uint32_t	uid;
	uint32_t	above;		/* source of an intent: its copy has a
					 * UID at or above this; else 0 */
	uint64_t	size;
	struct msg_date	date;
	uint8_t		id;		/* ID_* of digest */
	uint8_t		paired;
	uint8_t		digest[ID_DIGEST];
};
struct candset { struct cand *c; size_t n, size; };

struct pairing {
	struct msg_pair	*p;		/* a: local UID, b: remote UID */
	size_t		 n, size;
	struct uidset	 unsure[2];	/* need ID_BODY to be told apart */
};

void	 candset_free(struct candset *);
struct cand *candset_add(struct candset *, uint32_t);
void	 candset_sort(struct candset *);		/* for candset_find() */
const struct cand *candset_find(const struct candset *, uint32_t);
void	 pairing_free(struct pairing *);
/*
 * Match by header digest: pairs that are certain go to p, those that only
 * their bodies can tell apart to unsure.  Reorders both sets.
 */
void	 pair_headers(struct candset *, struct candset *, struct pairing *);
/* Match what has ID_BODY: equal bodies pair in UID order. */
void	 pair_bodies(struct candset *, struct candset *, struct pairing *);

#endif
