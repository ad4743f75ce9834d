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
 * PAIR: which unmapped messages of the two sides are the same mail.  Pure.
 * By header digest (with a Message-ID) and size where that is unique on both
 * sides; what is left and might match is told apart by the digest of its whole
 * body.  The copy of an open intent has a UID at or above the target's UIDNEXT
 * then, and the date it was appended with; its size may differ, since servers
 * normalise.  (The date alone tells it from another mail with that Message-ID,
 * as when a list and its sender both deliver.)
 */
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "request.h"

void
candset_free(struct candset *s)
{
	free(s->c);
	memset(s, 0, sizeof(*s));
}

/* Append a candidate; the caller fills in the rest. */
struct cand *
candset_add(struct candset *s, uint32_t uid)
{
	struct cand *c;

	s->c = grow(s->c, s->n, &s->size, sizeof(*s->c));
	c = &s->c[s->n++];
	memset(c, 0, sizeof(*c));
	c->uid = uid;
	return c;
}

static int
by_cand(const void *va, const void *vb)
{
	const struct cand *a = va, *b = vb;

	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

void
candset_sort(struct candset *set)
{
	if (set->n > 0)
		qsort(set->c, set->n, sizeof(*set->c), by_cand);
}

/* Of this UID, or NULL: it was not told. */
const struct cand *
candset_find(const struct candset *set, uint32_t uid)
{
	struct cand key;

	key.uid = uid;
	if (set->n == 0)
		return NULL;
	return bsearch(&key, set->c, set->n, sizeof(key), by_cand);
}

void
pairing_free(struct pairing *p)
{
	free(p->p);
	uidset_free(&p->unsure[LOCAL]);
	uidset_free(&p->unsure[REMOTE]);
	memset(p, 0, sizeof(*p));
}

static int
same_digest(const struct cand *a, const struct cand *b)
{
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return memcmp(a->digest, b->digest, sizeof(a->digest));
}

static int
by_digest(const void *va, const void *vb)
{
	const struct cand *a = va, *b = vb;
	int c;

	if ((c = same_digest(a, b)) != 0)
		return c;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* The end of the group of equal digests that begins at i. */
static size_t
group_end(const struct candset *s, size_t i)
{
	size_t j = i;

	while (j < s->n && same_digest(&s->c[i], &s->c[j]) == 0)
		j++;
	return j;
}

static void
add_pair(struct pairing *p, struct cand *l, struct cand *r)
{
	struct msg_pair *mp;

	p->p = grow(p->p, p->n, &p->size, sizeof(*p->p));
	mp = &p->p[p->n++];
	memset(mp, 0, sizeof(*mp));
	mp->a = l->uid;
	mp->b = r->uid;
	l->paired = r->paired = 1;
}

static int
is_copy(const struct cand *src, const struct cand *copy)
{
	return src->above != 0 && copy->uid >= src->above &&
	    src->date.valid && copy->date.valid &&
	    src->date.time == copy->date.time;
}

static void
group_unsure(struct candset *s, size_t from, size_t to, struct uidset *set)
{
	for (; from < to; from++)
		if (!s->c[from].paired && uidset_add(set, s->c[from].uid) == -1)
			fatal("out of memory");
}

/* One group of equal digests on both sides. */
static void
match_group(struct candset *l, size_t li, size_t lj, struct candset *r,
    size_t ri, size_t rj, struct pairing *p)
{
	struct cand *a = &l->c[li], *b = &r->c[ri];

	if (a->id == ID_BODY) {
		for (; li < lj && ri < rj; li++, ri++)
			add_pair(p, &l->c[li], &r->c[ri]);
		return;
	}
	if (a->id == ID_HEADER && lj - li == 1 && rj - ri == 1) {
		if (a->size == b->size || is_copy(a, b) || is_copy(b, a))
			add_pair(p, a, b);
		return;
	}
	group_unsure(l, li, lj, &p->unsure[LOCAL]);
	group_unsure(r, ri, rj, &p->unsure[REMOTE]);
}

static void
match(struct candset *l, struct candset *r, struct pairing *p)
{
	size_t li = 0, ri = 0, lj, rj;
	int c;

	if (l->n > 0)
		qsort(l->c, l->n, sizeof(*l->c), by_digest);
	if (r->n > 0)
		qsort(r->c, r->n, sizeof(*r->c), by_digest);
	while (li < l->n && ri < r->n) {
		lj = group_end(l, li);
		rj = group_end(r, ri);
		c = same_digest(&l->c[li], &r->c[ri]);
		if (c == 0 && l->c[li].id != ID_NONE)
			match_group(l, li, lj, r, ri, rj, p);
		if (c <= 0)
			li = lj;
		if (c >= 0)
			ri = rj;
	}
}

void
pair_headers(struct candset *l, struct candset *r, struct pairing *p)
{
	match(l, r, p);
}

/* Only the candidates that have ID_BODY take part. */
static void
keep_bodies(struct candset *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if (s->c[i].id == ID_BODY && !s->c[i].paired)
			s->c[n++] = s->c[i];
	s->n = n;
}

void
pair_bodies(struct candset *l, struct candset *r, struct pairing *p)
{
	keep_bodies(l);
	keep_bodies(r);
	match(l, r, p);
}
