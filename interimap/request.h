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

/* Requests of the sync engine to the three other processes. */
#ifndef REQUEST_H
#define REQUEST_H

#include "engine.h"

struct mbox;
struct request;
/* The answer: fail is NULL for DONE. */
typedef void (*req_done)(struct request *, const struct msg_fail *);
struct request {
	enum msg_type	 type;		/* 0: free */
	enum peer	 peer;
	struct engine	*e;
	struct mbox	*m;		/* may be NULL (lists) */
	void		*arg;
	req_done	 done;
	uint32_t	 nextfree;
};
/*
 * Send a request about m (which then has one more pending), or about none.
 * Wipes nothing, frees the payload.  When the engine is lost it does nothing.
 */
void	 request(struct engine *, struct mbox *, enum peer, enum msg_type,
	    struct ibuf *, req_done, void *);
int	 request_answer(struct engine *, enum peer, struct imsg *);
/* Send GETFLAGS, GETMETA, IDENTIFY, SEARCH, EXPUNGE for a set. */
void	 uids_send(struct mbox *, enum side, enum msg_type, uint8_t,
	    const struct uidset *, req_done, void *);
/* A done for requests whose failure fails the mailbox and that need no more. */
void	 req_plain(struct request *, const struct msg_fail *);
/*
 * The ranges of a set from *pos on, as many as one request takes; *pos moves.
 * 0 when none were left.
 */
int	 uidset_chunk(const struct uidset *, size_t *, struct uidset *);
/* An array with room for one more item of this size; never fails. */
void	*grow(void *, size_t, size_t *, size_t);
char	*xstrdup(const char *);

#endif
