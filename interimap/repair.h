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
 * --repair: what repair.c and recheck.c share, and what the states of the
 * engine call them for.
 */
#ifndef REPAIR_H
#define REPAIR_H

#include <stdio.h>

#include "mailbox.h"

/* Messages of all mailboxes under repair at once: each is held as a row. */
#define REPAIR_WEIGHT	1000000
/* Rows whose flags and dates are asked for at once. */
#define RECHECK_CHUNK	16384

struct repair {
	uint64_t	 weight;
	struct msg_pair	*drop;		/* rows to go from the database */
	size_t		 ndrop, dropsize;
	struct uidset	 said[2];	/* spoken of already */
	struct uidset	 skipped[2];	/* records to be taken back */
	uint32_t	 ahead[2];	/* of the server, in the state */
	/* recheck.c: the rows of this chunk, and the dates of their messages */
	uint32_t	 from, n;
	int64_t		*date[2];
	/* what was found */
	uint64_t	 never, gone, lost[2], other, strays[2], flags,
			 held;
};

/* ---- repair.c ---- */

/* 1: there is room for this mailbox among those under way. */
int	 repair_fits(const struct mbox *);
void	 repair_left(struct mbox *);
void	 repair_begin(struct mbox *);
void	 repair_free(struct mbox *);
/* 1: this round looks at everything. */
int	 repair_first(const struct mbox *);
/* The state in the database may be ahead of the server. */
void	 repair_selected(struct mbox *, enum side);
void	 repair_looked(struct mbox *);
/* Forget this row; then all such at once. */
void	 repair_drop(struct mbox *, struct row *);
void	 repair_dropped(struct mbox *);
void	 repair_rows(struct mbox *);		/* a state */
/* Flags differ, and neither side has changed: local, remote, union. */
void	 repair_missed(struct mbox *, const struct row *, const char *,
	    const char *, const char *);
void	 repair_summary(struct mbox *);	/* what was found, in one line */

/* ---- recheck.c ---- */

void	 recheck_begin(struct mbox *);		/* a state */
int	 recheck_message(struct request *, struct imsg *);

#endif
