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
 * The flags of a message.  Called by all three programs; pure.  A keyword
 * string is always canonical (see flags.h), so every operation on two of them
 * is one merge of sorted lists.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"

/* System flags in the order they are written: that of sort(1). */
static const struct {
	const char	*name;
	uint8_t		 bit;
} sysflags[] = {
	{ "\\Answered",	FLAG_ANSWERED },
	{ "\\Deleted",	FLAG_DELETED },
	{ "\\Draft",	FLAG_DRAFT },
	{ "\\Flagged",	FLAG_FLAGGED },
	{ "\\Seen",	FLAG_SEEN },
	{ "\\*",	FLAG_STAR },
};
#define NSYSFLAGS	(sizeof(sysflags) / sizeof(sysflags[0]))

/* One keyword: a view. */
struct word {
	const char	*p;
	size_t		 n;
};

/* Which keywords merge() keeps. */
#define ONLY_A	0x01
#define ONLY_B	0x02
#define BOTH	0x04

void
flags_init(struct flags *f)
{
	f->sys = 0;
	f->kw = NULL;
}

void
flags_free(struct flags *f)
{
	free(f->kw);
	flags_init(f);
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* Order of two keywords, without regard to case (ASCII only): <0, 0, >0. */
static int
word_cmp(struct word a, struct word b)
{
	size_t i;
	int diff;

	for (i = 0; i < a.n && i < b.n; i++)
		if ((diff = lower(a.p[i]) - lower(b.p[i])) != 0)
			return diff;
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Take the next keyword off a canonical string; n is 0 at the end. */
static struct word
word_next(const char **kw)
{
	struct word w = { *kw, 0 };

	if (*kw == NULL)
		return w;
	w.n = strcspn(*kw, " ");
	*kw += w.n;
	if (**kw == ' ')
		(*kw)++;
	return w;
}

/*
 * Merge two canonical strings, either may be NULL, keeping what the bits say;
 * of a keyword in both, a's spelling.  0 and *result (allocated, NULL: no
 * keyword left), or -1: above FLAGS_KWMAX, or no memory.
 */
static int
merge(char **result, const char *a, const char *b, int keep)
{
	struct word wa, wb, w;
	size_t len = 0, size = 1;
	char *out;
	int cmp, which;

	*result = NULL;
	size += (a != NULL ? strlen(a) : 0) + 1 + (b != NULL ? strlen(b) : 0);
	if ((out = malloc(size)) == NULL)
		return -1;
	wa = word_next(&a);
	wb = word_next(&b);
	while (wa.n > 0 || wb.n > 0) {
		if (wa.n == 0 || wb.n == 0)
			cmp = wa.n == 0 ? 1 : -1;
		else
			cmp = word_cmp(wa, wb);
		which = cmp < 0 ? ONLY_A : cmp > 0 ? ONLY_B : BOTH;
		w = cmp <= 0 ? wa : wb;
		if (cmp <= 0)
			wa = word_next(&a);
		if (cmp >= 0)
			wb = word_next(&b);
		if ((which & keep) == 0)
			continue;
		if (len > 0)
			out[len++] = ' ';
		memcpy(out + len, w.p, w.n);
		len += w.n;
	}
	out[len] = '\0';
	if (len == 0 || len > FLAGS_KWMAX) {
		free(out);
		return len == 0 ? 0 : -1;
	}
	*result = out;
	return 0;
}

/* f->kw becomes f->kw merged with kw, and f->sys becomes sys. */
static int
update(struct flags *f, uint8_t sys, const char *kw, int keep)
{
	char *merged;

	if (merge(&merged, f->kw, kw, keep) == -1)
		return -1;
	free(f->kw);
	f->kw = merged;
	f->sys = sys;
	return 0;
}

/*
 * A keyword: atom (RFC 3501 section 9), except that "]" passes: a server that
 * let one in must not lose it to a full list of ours.  (Dovecot answers NO.)
 */
static int
is_keyword(const char *name, size_t n)
{
	size_t i;

	if (n == 0 || n > FLAGS_ATOMMAX)
		return 0;
	for (i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f ||
		    memchr("(){%*\"\\", name[i], 7) != NULL)
			return 0;
	return 1;
}

/* The bit of a system flag or \*; 0: another word. */
static uint8_t
sysflag(const char *name, size_t n)
{
	struct word w = { name, n };
	size_t i;

	for (i = 0; i < NSYSFLAGS; i++)
		if (word_cmp(w, (struct word){ sysflags[i].name,
		    strlen(sysflags[i].name) }) == 0)
			return sysflags[i].bit;
	return 0;
}

int
flags_add(struct flags *f, const char *name, size_t n)
{
	char kw[FLAGS_ATOMMAX + 1];

	if (n > 0 && name[0] == '\\') {
		f->sys |= sysflag(name, n);
		if (n == 2 && name[1] == '*')
			return 0;
		return is_keyword(name + 1, n - 1) ? 0 : -1;
	}
	if (!is_keyword(name, n))
		return -1;
	memcpy(kw, name, n);
	kw[n] = '\0';
	return update(f, f->sys, kw, ONLY_A | ONLY_B | BOTH);
}

int
flags_copy(struct flags *f, const struct flags *from)
{
	char *kw = NULL;

	if (from->kw != NULL && (kw = strdup(from->kw)) == NULL)
		return -1;
	free(f->kw);
	f->kw = kw;
	f->sys = from->sys;
	return 0;
}

int
flags_equal(const struct flags *a, const struct flags *b)
{
	const char *p = a->kw, *q = b->kw;
	struct word wa, wb;

	if (a->sys != b->sys)
		return 0;
	do {
		wa = word_next(&p);
		wb = word_next(&q);
		if (word_cmp(wa, wb) != 0)
			return 0;
	} while (wa.n > 0);
	return 1;
}

int
flags_has(const struct flags *f, const char *name, size_t n)
{
	const char *p = f->kw;
	struct word w;

	if (n > 0 && name[0] == '\\')
		return (f->sys & sysflag(name, n)) != 0;
	while ((w = word_next(&p)).n > 0)
		if (word_cmp(w, (struct word){ name, n }) == 0)
			return 1;
	return 0;
}

int
flags_union(struct flags *a, const struct flags *b)
{
	return update(a, a->sys | b->sys, b->kw, ONLY_A | ONLY_B | BOTH);
}

int
flags_minus(struct flags *a, const struct flags *b)
{
	return update(a, a->sys & ~b->sys, b->kw, ONLY_A);
}

int
flags_intersect(struct flags *a, const struct flags *b)
{
	return update(a, a->sys & b->sys, b->kw, BOTH);
}

int
flags_mask(struct flags *f, const struct flags *perm)
{
	uint8_t sys = f->sys & perm->sys & FLAG_SYSTEM;

	return update(f, sys, perm->kw,
	    perm->sys & FLAG_BUT ? ONLY_A :
	    perm->sys & FLAG_STAR ? ONLY_A | BOTH : BOTH);
}

char *
flags_format(const struct flags *f)
{
	size_t i, size, kwlen = f->kw != NULL ? strlen(f->kw) : 0;
	char *out, *p;

	size = kwlen + sizeof("()");
	for (i = 0; i < NSYSFLAGS; i++)
		size += strlen(sysflags[i].name) + 1;
	if ((out = malloc(size)) == NULL)
		return NULL;
	p = out;
	*p++ = '(';
	for (i = 0; i < NSYSFLAGS; i++) {
		if ((f->sys & sysflags[i].bit) == 0)
			continue;
		p = stpcpy(p, sysflags[i].name);
		*p++ = ' ';
	}
	if (kwlen > 0)
		p = stpcpy(p, f->kw);
	else if (p[-1] == ' ')
		p--;
	*p++ = ')';
	*p = '\0';
	return out;
}

int
flags_set_keywords(struct flags *f, const char *kw, size_t n)
{
	struct word w, last = { NULL, 0 };
	const char *p = kw, *space;
	size_t left = n;
	char *copy;

	if (n > FLAGS_KWMAX)
		return -1;
	while (left > 0) {
		space = memchr(p, ' ', left);
		w.p = p;
		w.n = space != NULL ? (size_t)(space - p) : left;
		if (!is_keyword(w.p, w.n) ||
		    (last.n > 0 && word_cmp(last, w) >= 0))
			return -1;
		last = w;
		p += w.n;
		left -= w.n;
		if (space != NULL && --left == 0)
			return -1;	/* ends in a space */
		p++;
	}
	if ((copy = n > 0 ? strndup(kw, n) : NULL) == NULL && n > 0)
		return -1;
	free(f->kw);
	f->kw = copy;
	return 0;
}
