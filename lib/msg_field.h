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
 * Fields that several payloads share.  Private to msg_*.c: everyone else uses
 * the codecs of msg.h.  A reader sets the sticky error of the ibuf when the
 * value is out of range, and returns something harmless then.
 */
#ifndef MSG_FIELD_H
#define MSG_FIELD_H

#include <stdint.h>

#include "msg.h"

void		 field_bad(struct ibuf *);	/* make the error stick */
int		 field_ok(const struct ibuf *);	/* 0: nothing failed, or -1 */
/*
 * The answer of a reader: result, having freed what it made (NULL: nothing)
 * when that is -1.
 */
int		 field_finish(int, struct flags *, struct uidset *);
void		 field_put(struct ibuf *, struct bytes);
/* Text for people: the first max octets. */
void		 field_put_cut(struct ibuf *, struct bytes, size_t);
uint8_t		 field_get_u8(struct ibuf *, uint8_t, uint8_t);	/* min, max */
uint8_t		 field_get_bits(struct ibuf *, uint8_t);	/* allowed */
uint32_t	 field_get_nz(struct ibuf *);	/* > 0: UID, UIDVALIDITY, idx */
uint64_t	 field_get_u63(struct ibuf *);	/* modseq (RFC 7162 7), size */
/* A count of items of at least so many octets each, which must be there. */
uint32_t	 field_get_count(struct ibuf *, size_t);
struct bytes	 field_get_name(struct ibuf *);	/* mailbox, without NUL */
struct bytes	 field_get_dbname(struct ibuf *); /* mailbox, NUL delimits */
/* Flags among these system flags; flags_free() them, also after an error. */
void		 field_put_flags(struct ibuf *, const struct flags *);
void		 field_get_flags(struct ibuf *, struct flags *, uint8_t);
#define FIELD_FLAGSMIN	5
/* A set that must fit as a whole; uidset_free() it, also after an error. */
void		 field_put_set(struct ibuf *, const struct uidset *);
void		 field_get_set(struct ibuf *, struct uidset *);
void		 field_put_date(struct ibuf *, const struct msg_date *);
void		 field_get_date(struct ibuf *, struct msg_date *);
#define FIELD_DATELEN	11

#endif
