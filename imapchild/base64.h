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
 * Base 64 (RFC 4648 section 4) for SASL.  Pure; what passes may be secret, so
 * it goes straight from buffer to buffer.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>

struct ibuf;

/* Add so many octets, encoded; a failure sticks to the ibuf. */
void	 base64_encode(struct ibuf *, const void *, size_t);
/* Add what a text stands for.  0; or -1: it is not base 64 to its end. */
int	 base64_decode(struct ibuf *, const char *, size_t);

#endif
