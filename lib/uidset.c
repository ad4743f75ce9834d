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
 * Sets of UIDs as sorted, disjoint, non-adjacent ranges.  Called by all three
 * programs; allocates, and does nothing else.  An operation that can fail
 * builds its result first, so that a failure leaves the set as it was.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uidset.h"

#define UIDSET_START	8	/* ranges allocated at first */

void
uidset_init(struct uidset *s)
{
	s->r = NULL;
	s->n = s->size = 0;
}

void
uidset_free(struct uidset *s)
{
	free(s->r);
	uidset_init(s);
}

/* Room for n ranges in all.  0, or -1 without memory. */
static int
reserve(struct uidset *s, size_t n)
{
	struct uidrange *r;
	size_t size;

	if (n <= s->size)
		return 0;
	size = s->size < UIDSET_START ? UIDSET_START : s->size;
	while (size < n) {
		if (size > SIZE_MAX / 2)
			return -1;
		size *= 2;
	}
	if ((r = reallocarray(s->r, size, sizeof(*r))) == NULL)
		return -1;
	s->r = r;
	s->size = size;
	return 0;
}

/* The first range that ends at or above uid; s->n when there is none. */
static size_t
find(const struct uidset *s, uint32_t uid)
{
	size_t lo = 0, hi = s->n, mid;

	if (s->n > 0 && s->r[s->n - 1].hi < uid)
		return s->n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->r[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The range right behind a, or swallowed by it, joins it: a is the result. */
static int
joins(const struct uidrange *a, const struct uidrange *b)
{
	return a->hi == UID_MAX || b->lo <= a->hi + 1;
}

/* Append a range that begins at or above the last one; memory is there. */
static void
append(struct uidset *s, struct uidrange range)
{
	struct uidrange *last = s->n > 0 ? &s->r[s->n - 1] : NULL;

	if (last == NULL || !joins(last, &range))
		s->r[s->n++] = range;
	else if (range.hi > last->hi)
		last->hi = range.hi;
}

int
uidset_add(struct uidset *s, uint32_t uid)
{
	return uidset_add_range(s, uid, uid);
}

int
uidset_add_range(struct uidset *s, uint32_t a, uint32_t b)
{
	struct uidrange range = { a < b ? a : b, a < b ? b : a };
	size_t first, end;

	if (range.lo == 0)
		return -1;
	/* Ranges first .. end - 1 overlap or touch the new one. */
	first = end = find(s, range.lo - 1);
	while (end < s->n && joins(&range, &s->r[end])) {
		if (s->r[end].lo < range.lo)
			range.lo = s->r[end].lo;
		if (s->r[end].hi > range.hi)
			range.hi = s->r[end].hi;
		end++;
	}
	if (first == end && reserve(s, s->n + 1) == -1)
		return -1;
	memmove(s->r + first + 1, s->r + end, (s->n - end) * sizeof(*s->r));
	s->r[first] = range;
	s->n = s->n + 1 - (end - first);
	return 0;
}

int
uidset_remove_range(struct uidset *s, uint32_t a, uint32_t b)
{
	struct uidrange range = { a < b ? a : b, a < b ? b : a };
	struct uidset gone = { &range, 1, 1 };

	if (range.lo == 0)
		range.lo = 1;
	if (range.hi == 0)
		return 0;
	return uidset_minus(s, &gone);
}

int
uidset_copy(struct uidset *s, const struct uidset *from)
{
	if (s == from)
		return 0;
	if (reserve(s, from->n) == -1)
		return -1;
	if (from->n > 0)
		memcpy(s->r, from->r, from->n * sizeof(*s->r));
	s->n = from->n;
	return 0;
}

/* Let s be the result, which is moved. */
static int
replace(struct uidset *s, struct uidset *result)
{
	free(s->r);
	*s = *result;
	return 0;
}

int
uidset_union(struct uidset *s, const struct uidset *b)
{
	struct uidset u = UIDSET_INIT;
	size_t i = 0, j = 0;

	if (b->n == 1)
		return uidset_add_range(s, b->r[0].lo, b->r[0].hi);
	if (b->n == 0)
		return 0;
	if (reserve(&u, s->n + b->n) == -1)
		return -1;
	while (i < s->n || j < b->n) {
		if (j == b->n || (i < s->n && s->r[i].lo <= b->r[j].lo))
			append(&u, s->r[i++]);
		else
			append(&u, b->r[j++]);
	}
	return replace(s, &u);
}

int
uidset_minus(struct uidset *s, const struct uidset *b)
{
	struct uidset d = UIDSET_INIT;
	struct uidrange left;
	size_t i, j = 0;

	if (s->n == 0 || b->n == 0)
		return 0;
	if (reserve(&d, s->n + b->n) == -1)
		return -1;
	for (i = 0; i < s->n; i++) {
		left = s->r[i];
		while (j < b->n && b->r[j].hi < left.lo)
			j++;
		while (j < b->n && b->r[j].lo <= left.hi) {
			if (b->r[j].lo > left.lo)
				append(&d, (struct uidrange){ left.lo,
				    b->r[j].lo - 1 });
			if (b->r[j].hi >= left.hi)
				break;
			left.lo = b->r[j++].hi + 1;
		}
		if (j == b->n || b->r[j].lo > left.hi)
			append(&d, left);
	}
	return replace(s, &d);
}

int
uidset_intersect(struct uidset *s, const struct uidset *b)
{
	struct uidset x = UIDSET_INIT;
	size_t i = 0, j = 0;

	if (reserve(&x, s->n + b->n) == -1)
		return -1;
	while (i < s->n && j < b->n) {
		struct uidrange p = s->r[i], q = b->r[j];

		if (p.lo <= q.hi && q.lo <= p.hi)
			append(&x, (struct uidrange){
			    p.lo > q.lo ? p.lo : q.lo,
			    p.hi < q.hi ? p.hi : q.hi });
		if (p.hi < q.hi)
			i++;
		else
			j++;
	}
	return replace(s, &x);
}

uint64_t
uidset_count(const struct uidset *s)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		count += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return count;
}

int
uidset_empty(const struct uidset *s)
{
	return s->n == 0;
}

int
uidset_has(const struct uidset *s, uint32_t uid)
{
	size_t i = find(s, uid);

	return i < s->n && s->r[i].lo <= uid;
}

int
uidset_equal(const struct uidset *a, const struct uidset *b)
{
	return a->n == b->n && (a->n == 0 ||
	    memcmp(a->r, b->r, a->n * sizeof(*a->r)) == 0);
}

uint32_t
uidset_min(const struct uidset *s)
{
	return s->n == 0 ? 0 : s->r[0].lo;
}

uint32_t
uidset_max(const struct uidset *s)
{
	return s->n == 0 ? 0 : s->r[s->n - 1].hi;
}

void
uiditer_init(struct uiditer *it, const struct uidset *s)
{
	it->set = s;
	it->i = 0;
	it->next = uidset_min(s);
}

uint32_t
uiditer_next(struct uiditer *it)
{
	uint64_t uid = it->next;

	if (it->i >= it->set->n)
		return 0;
	if (uid < it->set->r[it->i].hi)
		it->next = uid + 1;
	else if (++it->i < it->set->n)
		it->next = it->set->r[it->i].lo;
	return (uint32_t)uid;
}

/* nz-number (RFC 3501 section 9) at p; moves p.  0: there is none. */
static uint32_t
parse_uid(const char **p, const char *end)
{
	uint64_t uid = 0;

	if (*p < end && **p == '0')
		return 0;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		uid = uid * 10 + (uint64_t)(**p - '0');
		if (uid > UID_MAX)
			return 0;
	}
	return (uint32_t)uid;
}

int
uidset_parse(struct uidset *s, const char *text, size_t len, size_t maxranges)
{
	struct uidset new = UIDSET_INIT;
	const char *p = text, *end = text + len;
	uint32_t lo, hi;

	for (;;) {
		if ((lo = hi = parse_uid(&p, end)) == 0)
			break;
		if (p < end && *p == ':') {
			p++;
			if ((hi = parse_uid(&p, end)) == 0)
				break;
		}
		if (uidset_add_range(&new, lo, hi) == -1 || new.n > maxranges)
			break;
		if (p == end)
			return replace(s, &new);
		if (*p++ != ',')
			break;
	}
	uidset_free(&new);
	return -1;
}

size_t
uidset_format(const struct uidset *s, size_t *pos, char *buf, size_t size)
{
	char item[sizeof(",4294967295:4294967295")];
	const struct uidrange *r;
	size_t len = 0;
	int n;

	if (size > 0)
		buf[0] = '\0';
	for (; *pos < s->n; (*pos)++) {
		r = &s->r[*pos];
		if (r->lo == r->hi)
			n = snprintf(item, sizeof(item), "%s%u",
			    len > 0 ? "," : "", r->lo);
		else
			n = snprintf(item, sizeof(item), "%s%u:%u",
			    len > 0 ? "," : "", r->lo, r->hi);
		if (n < 0 || (size_t)n >= size - len)
			break;
		memcpy(buf + len, item, (size_t)n + 1);
		len += (size_t)n;
	}
	return len;
}
