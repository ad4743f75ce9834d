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
 * What is in the mailboxes named on standard input, a line a message:
 * "mailbox TAB sha256 TAB date TAB flags".  The header field that mbsync adds
 * to what it copies (X-TUID) is passed over, and \Recent.
 */
#include <openssl/evp.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define HEAD_MAX	16384	/* octets in which X-TUID is looked for */

struct listing {
	struct conn	*c;
	const char	*box;
	EVP_MD_CTX	*md;
	char		 date[64], flags[512];
	int64_t		 size, left;	/* of the message */
};

static void
item(struct listing *l, const char *line, const char *key, char end,
    char *out, size_t size)
{
	const char	*p = strstr(line, key), *q;

	if (p == NULL || (q = strchr(p + strlen(key), end)) == NULL ||
	    (size_t)(q - p) - strlen(key) >= size)
		errx(1, "%s: %s: no %s", l->c->name, l->box, key);
	p += strlen(key);
	memcpy(out, p, q - p);
	out[q - p] = '\0';
}

static void
begin(struct listing *l, const char *line, int64_t size)
{
	item(l, line, "FLAGS (", ')', l->flags, sizeof(l->flags));
	item(l, line, "INTERNALDATE \"", '"', l->date, sizeof(l->date));
	l->size = l->left = size;
	if (EVP_DigestInit_ex(l->md, EVP_sha256(), NULL) != 1)
		errx(1, "sha256");
}

static void
end(struct listing *l)
{
	unsigned char	 sum[EVP_MAX_MD_SIZE];
	unsigned int	 i, n;

	if (EVP_DigestFinal_ex(l->md, sum, &n) != 1)
		errx(1, "sha256");
	printf("%s\t", l->box);
	for (i = 0; i < n; i++)
		printf("%02x", sum[i]);
	printf("\t%s\t%s\n", l->date, l->flags);
}

/* The first part of a message, without X-TUID if that is there. */
static void
head(struct listing *l, const char *p, size_t len)
{
	const char	*field = memmem(p, len, "\r\nX-TUID: ", 10), *next;

	if (field != NULL && (next = memmem(field + 2, len - (field + 2 - p),
	    "\r\n", 2)) != NULL) {
		EVP_DigestUpdate(l->md, p, field - p);
		len -= next - p;
		p = next;
	}
	EVP_DigestUpdate(l->md, p, len);
}

/* Takes octets of the message; 1 when some were there. */
static int
body(struct listing *l)
{
	struct conn	*c = l->c;
	size_t		 n = c->ilen - c->ipos;
	int64_t		 want = l->left;

	if (l->left == l->size && l->size > 0) {
		if (want > HEAD_MAX)
			want = HEAD_MAX;
		if (n < (uint64_t)want)
			return 0;
		if (n > (uint64_t)want)
			n = (size_t)want;
		head(l, c->in + c->ipos, n);
	} else {
		if (n > (uint64_t)want)
			n = (size_t)want;
		EVP_DigestUpdate(l->md, c->in + c->ipos, n);
	}
	c->ipos += n;
	l->left -= (int64_t)n;
	return n > 0;
}

/* Reads on until the command of this number is answered. */
static void
answers(struct listing *l, unsigned int tag)
{
	char	*line;
	size_t	 len;
	int64_t	 size;
	int	 in = 0;

	while (l->c->done < tag) {
		if (in && l->left > 0) {
			if (!body(l) && !conn_io(l->c))
				conn_poll(l->c, NULL);
			continue;
		}
		if (in) {
			end(l);
			in = 0;
		}
		if ((line = conn_line(l->c, &len)) == NULL) {
			if (!conn_io(l->c))
				conn_poll(l->c, NULL);
			continue;
		}
		if ((size = literal_size(line, len)) >= 0 && l->box != NULL) {
			begin(l, line, size);
			in = 1;
		}
	}
}

int
digest(const struct account *a, int argc, char **argv)
{
	struct listing	 l;
	char		*name = NULL;
	size_t		 size = 0;
	ssize_t		 n;

	memset(&l, 0, sizeof(l));
	if (argc != 1 || (l.md = EVP_MD_CTX_new()) == NULL)
		errx(1, "digest: want a server");
	l.c = conn_open(argv[0], a->cert);
	while (l.c->tag == 0 || l.c->done < 1) {
		if (conn_line(l.c, &size) == NULL && !conn_io(l.c))
			conn_poll(l.c, NULL);
		if (l.c->tag == 0 && l.c->greeted)
			conn_login(l.c, a->user, a->password);
	}
	size = 0;
	while ((n = getline(&name, &size, stdin)) > 0) {
		name[strcspn(name, "\n")] = '\0';
		l.box = name;
		conn_say(l.c, "EXAMINE \"%s\"\r\n", name);
		conn_say(l.c, "UID FETCH 1:* (FLAGS INTERNALDATE "
		    "BODY.PEEK[])\r\n");
		answers(&l, l.c->tag);
	}
	free(name);
	EVP_MD_CTX_free(l.md);
	conn_close(l.c);
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return 0;
}
