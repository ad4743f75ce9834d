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

/* Messages and keywords that a server will not take, in the sync engine. */
#ifndef REFUSALS_H
#define REFUSALS_H

#include "mailbox.h"

/* refused.c */
void	 refused_why(struct batch *, const struct msg_fail *);
/* COPY_IN told of this one message. */
void	 refused_one(struct batch *, uint32_t, enum leftout);
/* A refused batch of which these were not appended. */
void	 refused_batch(struct batch *, const struct uidset *);

/* refusals.c */
int	 refusals_take(struct request *, struct imsg *);	/* REFUSED */
int	 refusals_due(const struct mbox *);	/* some may be tried again */
int	 refusals_any(const struct mbox *);	/* some are not copied */
void	 refusals_begin(struct mbox *);		/* and are */
/* The server of the other side does not take these; the set may be empty. */
void	 refusals_add(struct mbox *, enum side, const struct uidset *,
	    enum leftout, const char *);
/*
 * Have the database record that these messages of a side stay there, LEFT_*,
 * with words; or, with 0, that they are gone.  The seconds are msg_skip's.
 */
void	 skip_send(struct mbox *, enum side, const struct uidset *, uint8_t,
	    uint32_t, const char *);
/* This one is on both sides now, or gone. */
void	 refusals_drop(struct mbox *, enum side, uint32_t);
/* 1: it is known to hold NUL. */
int	 refusals_nul(const struct mbox *, enum side, uint32_t);
void	 refusals_free(struct mbox *);

/* keywords.c */
struct trial { flagid full; int step; };	/* of a STORE that was refused */
int	 keywords_take(struct request *, struct imsg *);	/* NOKEYWORD */
void	 keywords_mask(struct mside *);		/* perm, as it was told */
void	 keywords_forget(struct mbox *);
/* What to try next, or -1: the keywords are not why. */
int	 keywords_refused(struct mbox *, enum side, const struct msg_fail *,
	    struct trial *, flagid *);
/* It was taken: remember the keywords that were not. */
void	 keywords_stored(struct mbox *, enum side, const struct trial *,
	    flagid);
flagid	 keywords_none(struct flagtab *, flagid);	/* system flags only */

#endif
