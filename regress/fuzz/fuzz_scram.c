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
 * What a server says in SCRAM, a message a line, and the whole input as base
 * 64, which must come back the same.  No digest is computed, so that any
 * number of iterations is cheap; all that is expected of the server is then a
 * signature of noughts, and nothing else may be believed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imapchild/base64.h"
#include "imapchild/scram.h"

#define SIGNED	"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int true)
{
	if (!true)
		abort();
}

size_t
digest_size(const char *name)
{
	return 32;
}

int
digest_octets(const char *name, const void *p, size_t n,
    uint8_t out[DIGEST_MAX])
{
	memset(out, 0, DIGEST_MAX);
	return 0;
}

int
digest_hmac(const char *name, const uint8_t *key, struct bytes m,
    uint8_t out[DIGEST_MAX])
{
	memset(out, 0, DIGEST_MAX);
	return 0;
}

int
digest_pbkdf2(const char *name, struct bytes pass, struct bytes salt,
    unsigned int iterations, uint8_t out[DIGEST_MAX])
{
	must(iterations >= SCRAM_MINITER && iterations <= SCRAM_MAXITER);
	must(salt.n > 0 && salt.n <= SCRAM_SALTMAX);
	memset(out, 0, DIGEST_MAX);
	return 0;
}

/* One message, in memory of its own; 0: the server was given up. */
static int
say(struct scram *s, const uint8_t *p, size_t n)
{
	char		*exact = malloc(n > 0 ? n : 1);
	struct bytes	 m = { exact, n };
	struct ibuf	 out;
	int		 rc;

	must(exact != NULL);
	memcpy(exact, p, n);
	ibuf_init(&out);
	rc = scram_step(s, m, &out);
	must(rc == 0 || (s->why != NULL && s->state != SCRAM_VERIFIED));
	if (s->state == SCRAM_VERIFIED && rc == 0)
		must(n >= strlen(SIGNED) &&
		    memcmp(p, SIGNED, strlen(SIGNED)) == 0);
	ibuf_free(&out);
	free(exact);
	return rc == 0 && s->state != SCRAM_VERIFIED;
}

static void
base64(const uint8_t *p, size_t n)
{
	struct ibuf	 plain, text;

	ibuf_init(&plain);
	ibuf_init(&text);
	if (base64_decode(&plain, (const char *)p, n) == 0) {
		base64_encode(&text, plain.buf, plain.wpos);
		must(text.wpos == n && (n == 0 ||
		    memcmp(text.buf, p, n) == 0));
	}
	ibuf_free(&plain);
	ibuf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t	*end = data + n, *nl;
	struct scram	 s;
	struct ibuf	 out;

	if (n > 8192)
		return 0;
	base64(data, n);
	scram_init(&s, "sha256", bytes_of("user"), bytes_of("pencil"), "N");
	ibuf_init(&out);
	must(scram_first(&s, &out) == 0);
	ibuf_free(&out);
	for (; data < end; data = nl + 1) {
		if ((nl = memchr(data, '\n', end - data)) == NULL)
			nl = end;
		if (!say(&s, data, nl - data))
			break;
	}
	scram_free(&s);
	return 0;
}
