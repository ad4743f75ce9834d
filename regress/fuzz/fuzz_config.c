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
 * Fuzzing of the configuration file's grammar, of list-mailbox and of
 * log-prefix.  Property: a file with its line ends written as CR LF, CR CR LF
 * or CR means the same as with LF, down to the error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interimap/interimap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define INPUT_MAX	8192

static void	no_warning(const char *, ...)
		    __attribute__((format(printf, 1, 2)));

static void
no_warning(const char *fmt, ...)
{
}

/* in with every LF written as end; octets a CR would add to are dropped. */
static size_t
with_ends(char *out, const uint8_t *in, size_t n, const char *end)
{
	size_t	i, len = 0;

	for (i = 0; i < n; i++) {
		if (in[i] == '\n') {
			memcpy(out + len, end, strlen(end));
			len += strlen(end);
		} else if (in[i] != '\r')
			out[len++] = (char)in[i];
	}
	return len;
}

static int
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
must_be_same(const struct config *a, const struct config *b)
{
	int	i;

	if (!same_text(a->database, b->database) ||
	    !same_text(a->logprefix, b->logprefix) ||
	    !same_text(a->listmailbox, b->listmailbox))
		abort();
	for (i = LOCAL; i <= REMOTE; i++)
		if (a->server[i].conn != b->server[i].conn ||
		    !same_text(a->server[i].host, b->server[i].host) ||
		    !same_text(a->server[i].password, b->server[i].password))
			abort();
}

static void
file(const uint8_t *data, size_t n)
{
	static const char *const ends[] = { "\r\n", "\r\r\n", "\r" };
	struct config	 a, b;
	char		*text, err[ERRMAX], again[ERRMAX];
	size_t		 i, len;
	int		 rc;

	if ((text = malloc(3 * n + 1)) == NULL)
		abort();
	len = with_ends(text, data, n, "\n");
	rc = config_parse(&a, "f", text, len, no_warning, err, sizeof(err));
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		len = with_ends(text, data, n, ends[i]);
		if (config_parse(&b, "f", text, len, no_warning, again,
		    sizeof(again)) != rc)
			abort();
		if (rc == -1) {
			if (strcmp(err, again) != 0)
				abort();
			continue;
		}
		must_be_same(&a, &b);
		config_free(&b);
	}
	if (rc == 0)
		config_free(&a);
	free(text);
}

static void
values(const uint8_t *data, size_t n)
{
	struct patterns	 ps;
	char		*text, small[8], buf[PREFIX_MAX];
	size_t		 i;

	if ((text = malloc(n + 1)) == NULL)
		abort();
	memcpy(text, data, n);
	text[n] = '\0';
	if (patterns_parse(&ps, text) == 0) {
		for (i = 0; i < ps.n; i++)
			if (ps.v[i].n == 0 || ps.v[i].n > MAILBOX_NAMEMAX)
				abort();
		patterns_free(&ps);
	}
	prefix_expand(buf, sizeof(buf), text, "remote", "INBOX");
	prefix_expand(small, sizeof(small), text, "remote", "INBOX");
	if (strncmp(buf, small, sizeof(small) - 1) != 0)
		abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config	c;
	char		err[ERRMAX];

	if (n > INPUT_MAX)
		return 0;
	if (config_parse(&c, "f", (const char *)data, n, no_warning, err,
	    sizeof(err)) == 0)
		config_free(&c);
	file(data, n);
	values(data, n);
	return 0;
}
