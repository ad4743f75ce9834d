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
 * MERGE: what to do with one row of the mapping, given what changed on each
 * side.  Pure.  Deletion beats a flag change; equal changes cancel; a change
 * on one side wins; different changes give the union.  Flags count only as
 * far as the other side can store them.
 */
#include <string.h>

#include "merge.h"
#include "request.h"

/* Everything the one can store, the other can too. */
static int
covers(const struct flags *a, const struct flags *b)
{
	return (a->sys & (FLAG_STAR | FLAG_BUT)) == FLAG_STAR &&
	    (b->sys & FLAG_SYSTEM & ~a->sys) == 0;
}

int
merge_needs(const struct row *r, enum side s, const struct flags *perm)
{
	enum side o = OTHER(s);

	if (r->s[LOCAL].gone || r->s[REMOTE].gone || r->s[s].known)
		return 0;
	if (r->s[LOCAL].compare || r->s[REMOTE].compare)
		return 1;
	return r->s[s].changed ||
	    (r->s[o].changed && !covers(&perm[o], &perm[s]));
}

/* What both sides can store of a set. */
static flagid
common(struct flagtab *t, flagid f, const struct flags *perm)
{
	return flagtab_mask(t, flagtab_mask(t, f, &perm[LOCAL]), &perm[REMOTE]);
}

/* Only side s changed: the other gets its flags, and keeps what s cannot. */
static void
merge_one(struct flagtab *t, const struct row *r, enum side s,
    const struct flags *perm, struct merge *m)
{
	enum side o = OTHER(s);
	flagid want;

	want = flagtab_mask(t, r->s[s].flags, &perm[o]);
	if (r->s[o].known)
		want = flagtab_union(t, want,
		    flagtab_rest(t, r->s[o].flags, &perm[s]));
	if (r->s[o].known && want == r->s[o].flags)
		return;
	m->act = MERGE_FLAGS;
	m->store[o] = 1;
	m->want[o] = want;
}

/* Both changed, or their base is not known. */
static void
merge_both(struct flagtab *t, const struct row *r, const struct flags *perm,
    struct merge *m)
{
	flagid both;
	enum side s;
	int i;

	if (common(t, r->s[LOCAL].flags, perm) ==
	    common(t, r->s[REMOTE].flags, perm))
		return;
	both = flagtab_union(t, r->s[LOCAL].flags, r->s[REMOTE].flags);
	m->conflict = 1;
	for (i = 0; i < 2; i++) {
		s = (enum side)i;
		m->want[s] = flagtab_union(t, r->s[s].flags,
		    flagtab_mask(t, both, &perm[s]));
		if (m->want[s] == r->s[s].flags)
			continue;
		m->act = MERGE_FLAGS;
		m->store[s] = 1;
	}
}

struct merge
merge_row(struct flagtab *t, const struct row *r, const struct flags *perm)
{
	struct merge m;
	int bothknown = r->s[LOCAL].known && r->s[REMOTE].known;

	memset(&m, 0, sizeof(m));
	m.act = MERGE_NOTHING;
	if (r->s[LOCAL].gone && r->s[REMOTE].gone)
		m.act = MERGE_UNMAP;
	else if (r->s[LOCAL].gone || r->s[REMOTE].gone) {
		m.act = MERGE_DELETE;
		m.side = r->s[LOCAL].gone ? REMOTE : LOCAL;
	} else if (bothknown && ((r->s[LOCAL].changed && r->s[REMOTE].changed) ||
	    r->s[LOCAL].compare || r->s[REMOTE].compare))
		merge_both(t, r, perm, &m);
	else if (r->s[LOCAL].changed && !r->s[REMOTE].changed)
		merge_one(t, r, LOCAL, perm, &m);
	else if (r->s[REMOTE].changed && !r->s[LOCAL].changed)
		merge_one(t, r, REMOTE, perm, &m);
	return m;
}
