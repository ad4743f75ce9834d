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
 * Names of mailboxes: between what a server calls one and what the database
 * calls it (without list-reference, NUL as hierarchy delimiter), and the
 * engine's table of mailboxes by that name.  No I/O.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mailbox.h"

/*
 * The database's name of a server's; buf holds MAILBOX_NAMEMAX + 1.  0, or -1
 * when it is not below the reference or too long.
 */
int
name_canonical(const char *ref, char delim, struct bytes name, char *buf,
    size_t *len)
{
	size_t n = strlen(ref), i;

	if (name.n < n || memcmp(name.p, ref, n) != 0 || name.n == n ||
	    name.n - n > MAILBOX_NAMEMAX)
		return -1;
	*len = name.n - n;
	memcpy(buf, name.p + n, *len);
	buf[*len] = '\0';
	if (n == 0 && *len == 5 && strcasecmp(buf, "INBOX") == 0)
		memcpy(buf, "INBOX", 5);
	for (i = 0; delim != '\0' && i < *len; i++)
		if (buf[i] == delim)
			buf[i] = '\0';
	return 0;
}

/*
 * What a server with this reference and delimiter calls it; allocated, or
 * NULL when it cannot: a level holds the delimiter, there are levels and no
 * delimiter, or this server would take it for INBOX, which is another mailbox
 * (RFC 3501 section 5.1).
 */
char *
name_on(const char *ref, char delim, const char *name, size_t len)
{
	size_t n = strlen(ref), i;
	char *p;

	if (n + len > MAILBOX_NAMEMAX || (n == 0 && len == 5 &&
	    strncasecmp(name, "INBOX", 5) == 0 &&
	    memcmp(name, "INBOX", 5) != 0))
		return NULL;
	for (i = 0; i < len; i++)
		if ((name[i] == '\0' && delim == '\0') ||
		    (delim != '\0' && name[i] == delim))
			return NULL;
	if ((p = malloc(n + len + 1)) == NULL)
		fatal("out of memory");
	memcpy(p, ref, n);
	for (i = 0; i < len; i++)
		p[n + i] = name[i] == '\0' ? delim : name[i];
	p[n + len] = '\0';
	return p;
}

/*
 * The patterns as one server needs them: NUL is its delimiter, and so is, on
 * the remote, the local delimiter when they came as MAILBOX arguments.
 * copies are to be freed by the caller.
 */
void
names_patterns(const struct engine *e, enum side side, struct bytes *p,
    char **copies)
{
	size_t i, j;
	char *c;

	for (i = 0; i < e->npatterns; i++) {
		if ((c = malloc(e->patternlen[i] + 1)) == NULL)
			fatal("out of memory");
		for (j = 0; j < e->patternlen[i]; j++) {
			c[j] = e->patterns[i][j];
			if (c[j] == '\0' || (e->rawpatterns &&
			    e->delim[LOCAL] != '\0' && c[j] == e->delim[LOCAL]))
				c[j] = e->delim[side];
		}
		c[j] = '\0';
		copies[i] = c;
		p[i].p = c;
		p[i].n = j;
	}
}

void
names_list(struct ibuf *b, const struct engine *e, enum side side)
{
	struct bytes star = { "*", 1 };
	struct bytes *p;
	char **copies;
	size_t n = e->npatterns;

	if (n == 0) {
		lists_put(b, e, side, e->opts, 1, &star, 1);
		return;
	}
	p = calloc(n, sizeof(*p));
	copies = calloc(n, sizeof(*copies));
	if (p == NULL || copies == NULL)
		fatal("out of memory");
	names_patterns(e, side, p, copies);
	lists_put(b, e, side, e->opts, 1, p, (uint32_t)n);
	while (n > 0)
		free(copies[--n]);
	free(copies);
	free(p);
}

/* ---- the table of mailboxes ---- */

static size_t
name_hash(const struct engine *e, const char *name, size_t len)
{
	uint32_t h = 2166136261U;

	while (len-- > 0)
		h = (h ^ (unsigned char)*name++) * 16777619U;
	return h & (e->nhash - 1);
}

static void
rehash(struct engine *e)
{
	struct mbox *m;
	size_t i;

	free(e->hash);
	e->nhash = e->nhash == 0 ? 256 : e->nhash * 2;
	if ((e->hash = calloc(e->nhash, sizeof(struct mbox *))) == NULL)
		fatal("out of memory");
	for (m = e->all; m != NULL; m = m->link) {
		i = name_hash(e, m->name, m->namelen);
		while (e->hash[i] != NULL)
			i = (i + 1) & (e->nhash - 1);
		e->hash[i] = m;
	}
}

/* The slot of this name: its mailbox, or free. */
static size_t
name_slot(const struct engine *e, const char *name, size_t len)
{
	const struct mbox *m;
	size_t i;

	i = name_hash(e, name, len);
	for (; (m = e->hash[i]) != NULL; i = (i + 1) & (e->nhash - 1))
		if (m->namelen == len && memcmp(m->name, name, len) == 0)
			break;
	return i;
}

/* The mailbox of this name, or NULL. */
struct mbox *
mbox_find(const struct engine *e, const char *name, size_t len)
{
	return e->nhash == 0 ? NULL : e->hash[name_slot(e, name, len)];
}

/* The mailbox of this name, made if there is none. */
struct mbox *
mbox_get(struct engine *e, const char *name, size_t len)
{
	struct mbox *m;
	size_t i;

	if ((e->nall + 1) * 2 > e->nhash)
		rehash(e);
	i = name_slot(e, name, len);
	if ((m = e->hash[i]) != NULL)
		return m;
	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->name = malloc(len + 1)) == NULL)
		fatal("out of memory");
	memcpy(m->name, name, len);
	m->name[len] = '\0';
	m->namelen = len;
	m->e = e;
	*e->alltail = m;
	e->alltail = &m->link;
	e->hash[i] = m;
	e->nall++;
	return m;
}

/* ---- as a shell takes it ---- */

static int
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' &&
	    strchr("_./,:@%+-=", c) != NULL);
}

/* The argument that names this mailbox, with the local delimiter. */
const char *
name_argument(const struct mbox *m, char *buf, size_t size)
{
	const char delim = m->e->delim[LOCAL];
	size_t i, n = 0;
	int plain = 1;
	char c;

	for (i = 0; i < m->namelen; i++)
		plain &= is_plain(m->name[i] == '\0' ? delim : m->name[i]);
	if (!plain)
		buf[n++] = '\'';
	for (i = 0; i < m->namelen && n + 8 < size; i++) {
		c = m->name[i] == '\0' ? delim : m->name[i];
		if (c == '\'') {
			memcpy(buf + n, "'\\''", 4);
			n += 4;
		} else
			buf[n++] = c;
	}
	if (!plain)
		buf[n++] = '\'';
	buf[n] = '\0';
	return buf;
}
