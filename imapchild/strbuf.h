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
 * A NUL-terminated text that grows up to a cap its caller names each time.
 * Used by the tokenizer and the response parser; it knows nothing of IMAP.
 */
#ifndef STRBUF_H
#define STRBUF_H

#include <stddef.h>

struct strbuf {
	char	*s;		/* owned; holds len octets and a NUL */
	size_t	 len, size;
};

int	strbuf_init(struct strbuf *);		/* empty; -1: no memory */
void	strbuf_free(struct strbuf *);
void	strbuf_cut(struct strbuf *, size_t);	/* to at most so many octets */
/*
 * Append what fits under cap.  Returns the octets taken (fewer than given
 * when the cap is reached), or -1 without memory (nothing changed).
 */
long	strbuf_add(struct strbuf *, const char *, size_t, size_t);

#endif
