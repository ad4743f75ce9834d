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
 * The rows of the mapping that a run has touched: pairs of UIDs and what is
 * known of their flags, 16 octets each.  Rows mostly come in ascending order
 * on both sides; order and index are restored when a row is looked for.  A
 * pointer to a row is valid until the next add, find or drop.
 */
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "request.h"

void
rowtab_free(struct rowtab *t)
{
	free(t->r);
	free(t->byremote);
	memset(t, 0, sizeof(*t));
}

static int
by_local(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;

	return a->uid[LOCAL] < b->uid[LOCAL] ? -1 :
	    a->uid[LOCAL] > b->uid[LOCAL];
}

static int
by_remote(const void *va, const void *vb, void *arg)
{
	const struct rowtab *t = arg;
	uint32_t a = t->r[*(const uint32_t *)va].uid[REMOTE];
	uint32_t b = t->r[*(const uint32_t *)vb].uid[REMOTE];

	return a < b ? -1 : a > b;
}

static void
index_rows(struct rowtab *t)
{
	uint32_t i;
	int sorted = 1;

	free(t->byremote);
	t->byremote = reallocarray(NULL, t->size, sizeof(*t->byremote));
	if (t->byremote == NULL)
		fatal("out of memory");
	for (i = 0; i < t->n; i++) {
		t->byremote[i] = i;
		if (i > 0 && t->r[i].uid[REMOTE] < t->r[i - 1].uid[REMOTE])
			sorted = 0;
	}
	if (!sorted)
		qsort_r(t->byremote, t->n, sizeof(*t->byremote), by_remote, t);
	t->unindexed = 0;
}

void
rowtab_sort(struct rowtab *t)
{
	if (!t->unsorted)
		return;
	qsort(t->r, t->n, sizeof(*t->r), by_local);
	t->unsorted = 0;
	t->unindexed = 1;
}

static void
put_in_order(struct rowtab *t, enum side side)
{
	rowtab_sort(t);
	if (side == REMOTE && t->n > 0 && t->unindexed)
		index_rows(t);
}

void
rowtab_uids(struct rowtab *t, enum side side, struct uidset *set)
{
	const struct row *r;
	uint32_t i;

	put_in_order(t, side);
	for (i = 0; i < t->n; i++) {
		r = &t->r[side == LOCAL ? i : t->byremote[i]];
		if (uidset_add(set, r->uid[side]) == -1)
			fatal("out of memory");
	}
}

struct row *
rowtab_find(struct rowtab *t, enum side side, uint32_t uid)
{
	uint32_t lo = 0, hi = t->n, mid;
	struct row *r;

	put_in_order(t, side);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		r = side == LOCAL ? &t->r[mid] : &t->r[t->byremote[mid]];
		if (r->uid[side] == uid)
			return r;
		if (r->uid[side] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct row *
rowtab_append(struct rowtab *t, uint32_t luid, uint32_t ruid)
{
	struct row *r;
	size_t size = t->size;

	if (t->n > 0 && luid < t->r[t->n - 1].uid[LOCAL])
		t->unsorted = 1;
	t->r = grow(t->r, t->n, &size, sizeof(*t->r));
	t->size = (uint32_t)size;
	r = &t->r[t->n++];
	memset(r, 0, sizeof(*r));
	r->uid[LOCAL] = luid;
	r->uid[REMOTE] = ruid;
	t->unindexed = 1;
	return r;
}

struct row *
rowtab_add(struct rowtab *t, uint32_t luid, uint32_t ruid)
{
	struct row *r;

	if (t->n > 0 && (t->unsorted || luid <= t->r[t->n - 1].uid[LOCAL])) {
		r = rowtab_find(t, LOCAL, luid);
		if (r != NULL && r->uid[REMOTE] == ruid)
			return r;
		if (r != NULL)
			fatal("row %u:%u is also %u:%u", luid, ruid,
			    luid, r->uid[REMOTE]);
	}
	return rowtab_append(t, luid, ruid);
}

int
row_dropped(const struct row *r)
{
	return r->s[LOCAL].drop;
}

void
rowtab_drop(struct rowtab *t, int (*drop)(const struct row *))
{
	uint32_t i, n = 0;

	for (i = 0; i < t->n; i++)
		if (!drop(&t->r[i]))
			t->r[n++] = t->r[i];
	if (n != t->n)
		t->unindexed = 1;
	t->n = n;
}
