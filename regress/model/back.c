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
 * Histories of a mailbox that goes back in time: an old copy of it is restored
 * on one side, with UIDNEXT and HIGHESTMODSEQ as they were then or with one of
 * them as it is now, and the server gives the same UIDs to other messages,
 * before a run sees it, after, and to what the runs append.  Nothing may be
 * deleted, doubled, lost, or joined to another message.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define AB_NOT	(AB_FLAKY | AB_SIZE | AB_REFUSE)

struct past {
	struct box	 box;		/* the old copy */
	uint8_t		*must[2];	/* contents that must stay there */
	size_t		 n;		/* contents there were by then */
	uint64_t	 expunges;
};

/* One of a kind, that any server takes. */
static uint32_t
mail(struct model *m)
{
	uint32_t c = content_new(m);

	m->content[c].empty = m->content[c].large = 0;
	m->content[c].header = c + 1;
	m->content[c].weak = 0;
	m->content[c].size = 500;
	m->content[c].date = 1000000000 + (int64_t)c;
	return c;
}

static void
mails(struct model *m, enum side side, uint32_t n)
{
	while (n-- > 0)
		deliver(m, side, 0, mail(m), rnd(m, 2) ? FLAG_SEEN : 0);
}

static void
some_mails(struct model *m, uint32_t n)
{
	while (n-- > 0)
		mails(m, (enum side)rnd(m, 2), 1);
}

static void
some_deletions(struct model *m, enum side side, uint32_t n)
{
	struct box *b = &m->server[side].box[0];

	while (n-- > 0 && b->nlive > 0)
		writer_expunge(m, side, 0,
		    b->live[rnd(m, (uint32_t)b->nlive)].uid);
}

static struct object *
objects_copy(const struct object *o, size_t n)
{
	struct object *copy = xrealloc(NULL, n + 1, sizeof(*o));

	if (n > 0)
		memcpy(copy, o, n * sizeof(*o));
	return copy;
}

/* Make a copy of a mailbox. */
static void
backup(struct model *m, struct past *p, enum side side)
{
	const struct box *b = &m->server[side].box[0];

	p->box = *b;
	p->box.live = objects_copy(b->live, b->nlive);
	p->box.gone = objects_copy(b->gone, b->ngone);
	p->box.livesize = b->nlive + 1;
	p->box.gonesize = b->ngone + 1;
}

static void
restore(struct model *m, struct past *p, enum side side)
{
	struct box *b = &m->server[side].box[0];
	const uint32_t kind = rnd(m, 4), uidnext = b->uidnext;
	const uint64_t modseq = b->modseq;

	box_drop(&m->server[side], 0);
	*b = p->box;
	memset(&p->box, 0, sizeof(p->box));
	if (kind == 0)			/* only HIGHESTMODSEQ goes back */
		b->uidnext = uidnext;
	else if (kind == 1)		/* only UIDNEXT */
		b->modseq = modseq;
	b->shown = b->modseq;
	trace(m, "%s box 0 goes back: UIDNEXT %u to %u, HIGHESTMODSEQ %llu to "
	    "%llu", side_name(side), uidnext, b->uidnext,
	    (unsigned long long)modseq, (unsigned long long)b->modseq);
}

/*
 * More mail, but not so much that nobody could see what happened: one more UID
 * is one to four, and one more modseq is no more.
 */
static void
reuse(struct model *m, enum side side, uint32_t n)
{
	const struct shadow *sh = &m->shadow[0];
	const struct box *b = &m->server[side].box[0];

	while (n-- > 0 && (sh->modseq[side] == INT64_MAX ||
	    (sh->uidnext[side] <= b->uidnext && sh->modseq[side] <= b->modseq) ||
	    b->uidnext + 4 < sh->uidnext[side] ||
	    b->modseq + 4 < sh->modseq[side]))
		mails(m, side, 1);
}

/* What is there now must stay there. */
static void
remember(struct model *m, struct past *p)
{
	const struct box *b;
	enum side s;
	size_t j;

	p->n = m->ncontent;
	for (s = LOCAL; s <= REMOTE; s++) {
		p->must[s] = calloc(p->n + 1, 1);
		if (p->must[s] == NULL)
			fatal("no memory");
		b = &m->server[s].box[0];
		for (j = 0; j < b->nlive; j++)
			p->must[s][b->live[j].content] = 1;
	}
	p->expunges = m->stats.expunges;
	m->ntomb = 0;
}

static const struct object *
find(const struct model *m, enum side side, uint32_t content, size_t *n)
{
	const struct box *b = &m->server[side].box[0];
	const struct object *o = NULL;
	size_t j;

	*n = 0;
	for (j = 0; j < b->nlive; j++)
		if (b->live[j].content == content) {
			o = &b->live[j];
			(*n)++;
		}
	return o;
}

static void
check_mail(struct model *m, const struct past *p, enum side side, uint32_t c)
{
	const struct object *o, *q;
	size_t n, k;

	o = find(m, OTHER(side), c, &k);
	q = find(m, side, c, &n);
	if (n > 1 || k > 1)
		model_fail(m, "content %u is doubled", c);
	else if (c < p->n && ((p->must[side][c] && n == 0) ||
	    (p->must[OTHER(side)][c] && k == 0)))
		model_fail(m, "content %u is lost", c);
	else if (n == 1 && k == 0)
		model_fail(m, "content %u, there after the restore, is not "
		    "copied", c);
	/* What the old copy lacks is held; all later mail is copied. */
	else if (c >= p->n && (n == 0 || k == 0))
		model_fail(m, "content %u, delivered later, is not copied", c);
	else if (n == 1 && k == 1 && ((o->fl ^ q->fl) & FLAG_SEEN) != 0)
		model_fail(m, "content %u has other flags", c);
}

static void
check_rows(struct model *m, const struct past *p, enum side side)
{
	const struct shadow *sh = &m->shadow[0];
	const struct object *l, *r;
	uint32_t c;
	size_t i;

	for (i = 0; i < sh->npair; i++) {
		l = box_find(&m->server[LOCAL].box[0],
		    sh->pair[i].uid[LOCAL]);
		r = box_find(&m->server[REMOTE].box[0],
		    sh->pair[i].uid[REMOTE]);
		if (l != NULL && r != NULL && l->content != r->content)
			model_fail(m, "(%u,%u) joins contents %u and %u",
			    sh->pair[i].uid[LOCAL], sh->pair[i].uid[REMOTE],
			    l->content, r->content);
	}
	for (c = 0; c < m->ncontent; c++)
		check_mail(m, p, side, c);
	if (m->stats.expunges != p->expunges)
		model_fail(m, "deletions were made");
}

/* Until a run finds nothing to do. */
static void
settle(struct model *m)
{
	struct plan plan = { 0, -1, -1, -1, NPEERS };
	enum outcome outcome = OUT_DONE;
	int i;

	m->during = 0;
	for (i = 0; i < 6 && !m->failed; i++) {
		server_quiet(&m->server[LOCAL]);
		server_quiet(&m->server[REMOTE]);
		(void)run_once(m, &plan, &outcome);
		if ((outcome == OUT_DONE || outcome == OUT_GUARD) &&
		    m->beyond == 0)
			return;
	}
	model_fail(m, "not idle after %d runs: outcome %d", i, (int)outcome);
}

/* What is missing comes back, as mail with other UIDs. */
static void
bring_back(struct model *m, enum side side)
{
	uint32_t c;
	size_t n, k;

	for (c = 0; c < m->ncontent; c++) {
		(void)find(m, side, c, &n);
		(void)find(m, OTHER(side), c, &k);
		if (n == 0 && k == 1)
			deliver(m, side, 0, c, 0);
	}
	(void)run_quiet(m);
}

static void
runs(struct model *m, const struct past *p, enum side side)
{
	enum outcome outcome;
	struct plan plan;
	int n;

	for (n = (int)rnd(m, 4); n > 0 && !m->failed; n--) {
		plan_random(m, &plan);
		plan.writers = 0;
		(void)run_once(m, &plan, &outcome);
		reuse(m, side, rnd(m, 3));
		mails(m, OTHER(side), rnd(m, 3));
	}
	if (m->failed)
		return;
	settle(m);
	if (!m->failed)
		check_rows(m, p, side);
}

void
history_back(struct model *m)
{
	enum side side = (enum side)rnd(m, 2);
	struct past p;

	memset(&p, 0, sizeof(p));
	history_servers(m);
	m->server[LOCAL].abilities &= ~(unsigned int)AB_NOT;
	m->server[REMOTE].abilities &= ~(unsigned int)AB_NOT;
	some_mails(m, rnd(m, 12));
	if (run_quiet(m) == 0) {
		backup(m, &p, side);
		some_mails(m, 6 + rnd(m, 12));
		some_deletions(m, (enum side)rnd(m, 2), rnd(m, 3));
		if (run_quiet(m) == 0) {
			restore(m, &p, side);
			some_deletions(m, OTHER(side), rnd(m, 3));
			reuse(m, side, rnd(m, 8));
			mails(m, OTHER(side), rnd(m, 4));
			remember(m, &p);
			runs(m, &p, side);
			if (!m->failed && chance(m, 1, 2))
				bring_back(m, side);
		}
	}
	free(p.box.live);
	free(p.box.gone);
	free(p.must[LOCAL]);
	free(p.must[REMOTE]);
}
