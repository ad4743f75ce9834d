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
 * Every flag set this run has seen, kept once and named by a small number, so
 * that a message costs its UIDs and two numbers.  Id 0 is the empty set.
 * Called by the engine only; no I/O.  Out of memory is fatal.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ctype.h>

#include "merge.h"
#include "request.h"

#define HASH_MIN	64

static uint32_t
flags_hash(const struct flags *f)
{
	uint32_t h = 2166136261U;
	const char *p;

	h = (h ^ f->sys) * 16777619U;
	for (p = f->kw; p != NULL && *p != '\0'; p++)
		h = (h ^ (uint32_t)tolower((unsigned char)*p)) * 16777619U;
	return h;
}

void
flagtab_init(struct flagtab *t)
{
	struct flags empty;

	memset(t, 0, sizeof(*t));
	flags_init(&empty);
	(void)flagtab_id(t, &empty);
}

void
flagtab_free(struct flagtab *t)
{
	uint32_t i;

	for (i = 0; i < t->n; i++)
		flags_free(&t->sets[i]);
	free(t->sets);
	free(t->hash);
	memset(t, 0, sizeof(*t));
}

static void
insert(struct flagtab *t, uint32_t id)
{
	uint32_t i;

	i = flags_hash(&t->sets[id]) & (t->nhash - 1);
	while (t->hash[i] != 0)
		i = (i + 1) & (t->nhash - 1);
	t->hash[i] = id + 1;
}

static void
rehash(struct flagtab *t)
{
	uint32_t i;

	free(t->hash);
	t->nhash = t->nhash == 0 ? HASH_MIN : t->nhash * 2;
	t->hash = calloc(t->nhash, sizeof(*t->hash));
	if (t->hash == NULL)
		fatal("out of memory");
	for (i = 0; i < t->n; i++)
		insert(t, i);
}

/* The id of this set; the first spelling of its keywords is kept. */
flagid
flagtab_id(struct flagtab *t, const struct flags *f)
{
	uint32_t i;
	size_t size = t->size;

	if ((t->n + 1) * 2 > t->nhash)
		rehash(t);
	i = flags_hash(f) & (t->nhash - 1);
	for (; t->hash[i] != 0; i = (i + 1) & (t->nhash - 1))
		if (flags_equal(&t->sets[t->hash[i] - 1], f))
			return t->hash[i] - 1;
	if (t->n > FLAGID_MAX)
		fatal("more than %u different flag sets", FLAGID_MAX);
	t->sets = grow(t->sets, t->n, &size, sizeof(*t->sets));
	t->size = (uint32_t)size;
	flags_init(&t->sets[t->n]);
	if (flags_copy(&t->sets[t->n], f) == -1)
		fatal("out of memory");
	insert(t, t->n);
	return t->n++;
}

const struct flags *
flagtab_get(const struct flagtab *t, flagid id)
{
	return &t->sets[id];
}

flagid
flagtab_union(struct flagtab *t, flagid a, flagid b)
{
	struct flags f;
	flagid id;

	if (a == b)
		return a;
	flags_init(&f);
	if (flags_copy(&f, &t->sets[a]) == -1 ||
	    flags_union(&f, &t->sets[b]) == -1)
		fatal("cannot join two flag sets");
	id = flagtab_id(t, &f);
	flags_free(&f);
	return id;
}

flagid
flagtab_mask(struct flagtab *t, flagid a, const struct flags *perm)
{
	struct flags f;
	flagid id;

	flags_init(&f);
	if (flags_copy(&f, &t->sets[a]) == -1 || flags_mask(&f, perm) == -1)
		fatal("out of memory");
	id = flagtab_id(t, &f);
	flags_free(&f);
	return id;
}

flagid
flagtab_rest(struct flagtab *t, flagid a, const struct flags *perm)
{
	struct flags f;
	flagid id;

	flags_init(&f);
	id = flagtab_mask(t, a, perm);
	if (flags_copy(&f, &t->sets[a]) == -1 ||
	    flags_minus(&f, &t->sets[id]) == -1)
		fatal("out of memory");
	id = flagtab_id(t, &f);
	flags_free(&f);
	return id;
}
