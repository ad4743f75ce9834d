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
 * What was said in a run of --notify is not said again by the next one, which
 * may come a second later: a mailbox that is left alone is left alone in all of
 * them.  Once a run did not say it, it is worth saying again.  Pure but for
 * memory.  Called by session.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static void
lines_free(struct saidlines *l)
{
	while (l->n > 0)
		free(l->v[--l->n]);
}

void
said_free(struct said *s)
{
	lines_free(&s->now);
	lines_free(&s->before);
}

void
said_next(struct said *s)
{
	lines_free(&s->before);
	s->before = s->now;
	s->now.n = 0;
}

static int
lines_has(const struct saidlines *l, const char *line)
{
	size_t	i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], line) == 0)
			return 1;
	return 0;
}

/* Of more than SAID_MAX lines the rest is said each time. */
int
said_again(struct said *s, int side, const char *mailbox, const char *text)
{
	char	*line;

	if (asprintf(&line, "%d %s %s", side, mailbox != NULL ? mailbox : "",
	    text) == -1)
		fatal("out of memory");
	if (s->now.n < SAID_MAX && !lines_has(&s->now, line))
		s->now.v[s->now.n++] = line;
	else {
		free(line);
		return 0;
	}
	return lines_has(&s->before, line);
}
