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
 * Histories of the deletion guard.  Messages vanish on one side in such numbers
 * that their deletion must be held, or in smaller ones that must pass; runs are
 * broken off; then the messages are restored, all or some, by new UIDs or by
 * those they had, or deleted on the other side, too, or let through.
 */
#include <string.h>

#include "model.h"

static const struct guarded {
	const char	*name;
	uint32_t	 messages, deleted;
	int		 held;
	uint32_t	 maxcount, maxpercent;
} table[] = {
	{ "an account of 25 is emptied", 25, 25, 1, 100, 50 },
	{ "an account of 24 is emptied", 24, 24, 0, 100, 50 },
	{ "an account of 60 is emptied", 60, 60, 1, 0, 0 },
	{ "110 of 120 go", 120, 110, 1, 100, 50 },
	{ "101 of 200 go", 200, 101, 1, 100, 50 },
	{ "100 of 120 go", 120, 100, 0, 100, 50 },
	{ "90 of 120 go", 120, 90, 0, 100, 50 },
	{ "120 of 300 go", 300, 120, 0, 100, 50 },
	{ "119 of 120 go, no limit", 120, 119, 0, 0, 0 },
	{ "16 of 40 go, 15 and 30 %", 40, 16, 1, 15, 30 },
	{ "12 of 40 go, 10 and 30 %", 40, 12, 0, 10, 30 },
	{ "11 of 12 go, 10 and 90 %", 12, 11, 1, 10, 90 },
	{ "6 of 90 go, 5 and 0 %", 90, 6, 1, 5, 0 }
};

/* A mail of a kind that every server takes and tells from all others. */
static uint32_t
plain_content(struct model *m)
{
	uint32_t c = content_new(m);

	m->content[c].empty = m->content[c].large = 0;
	m->content[c].header = c + 1;
	m->content[c].weak = 0;
	m->content[c].size = 500;
	return c;
}

static void
fill(struct model *m, uint32_t n)
{
	while (n-- > 0)
		deliver(m, (enum side)rnd(m, 2), 0, plain_content(m), 0);
}

static void
delete(struct model *m, enum side side, uint32_t n)
{
	struct box *b = &m->server[side].box[0];

	while (n-- > 0 && b->nlive > 0)
		writer_expunge(m, side, 0,
		    b->live[rnd(m, (uint32_t)b->nlive)].uid);
}

static size_t
live(const struct model *m, enum side side)
{
	return m->server[side].box[0].nlive;
}

static void
expect(struct model *m, const struct guarded *g, const char *when, enum side s,
    size_t n)
{
	if (live(m, s) != n)
		model_fail(m, "%s, %s: %zu on %s, not %zu", g->name, when,
		    live(m, s), side_name(s), n);
}

/* ---- runs ---- */

static void
run_plain(struct model *m, enum outcome *outcome)
{
	struct plan plan = { 0, -1, -1, -1, NPEERS };

	server_quiet(&m->server[LOCAL]);
	server_quiet(&m->server[REMOTE]);
	if (run_once(m, &plan, outcome) != RUN_ENDED)
		model_fail(m, "a run without a fault is broken off");
}

/* Runs that are broken off somewhere. */
static void
storm(struct model *m)
{
	enum outcome outcome;
	struct plan plan;
	uint32_t n;

	m->during = 1;
	for (n = rnd(m, 4); n > 0 && !m->failed; n--) {
		plan_random(m, &plan);
		plan.writers = 0;
		(void)run_once(m, &plan, &outcome);
	}
	m->during = 0;
}

/* So many are held, whatever happens in between. */
static void
check_held(struct model *m, const struct guarded *g, enum side side,
    size_t other)
{
	enum outcome outcome;
	int i;

	storm(m);
	for (i = 0; i < 2 && !m->failed; i++) {
		run_plain(m, &outcome);
		expect(m, g, "held", OTHER(side), other);
		if (outcome != OUT_GUARD)
			model_fail(m, "%s: outcome %d", g->name, (int)outcome);
	}
}

/* All is well, and so many are left on both sides. */
static void
check_end(struct model *m, const struct guarded *g, const char *how, size_t n)
{
	if (m->failed || run_quiet(m) == -1)
		return;
	expect(m, g, how, LOCAL, n);
	expect(m, g, how, REMOTE, n);
	if (!m->failed)
		check_quiet(m);
}

static void
let_through(struct model *m)
{
	enum outcome outcome = OUT_FAILED;
	int i;

	m->allow = 1;
	storm(m);
	for (i = 0; i < 4 && outcome != OUT_DONE && !m->failed; i++)
		run_plain(m, &outcome);
	m->allow = 0;
	if (outcome != OUT_DONE)
		model_fail(m, "let through, but outcome %d", (int)outcome);
}

/* ---- the ways out ---- */

/* A deletion is taken back. */
static void
not_dead(struct model *m, enum side side, uint32_t content)
{
	struct fate *f = fate_of(m, 0, content);

	f->died[side] = 0;
	f->diedmapped = 0;
}

/* Some that are gone are delivered again where they were deleted. */
static void
restore(struct model *m, enum side side, size_t n)
{
	struct box *b = &m->server[side].box[0];
	size_t i;

	for (i = 0; i < n && i < b->ngone; i++)
		deliver(m, side, 0, b->gone[i].content, b->gone[i].fl);
	m->ntomb = 0;
}

/* Flags of messages whose partner is gone. */
static void
flag_some(struct model *m, enum side side)
{
	struct box *b = &m->server[side].box[0];
	struct object *o;
	uint32_t n;

	for (n = rnd(m, 6); n > 0; n--) {
		o = &b->live[rnd(m, (uint32_t)b->nlive)];
		fate_of(m, 0, o->content)->set |= FLAG_FLAGGED;
		o->fl |= FLAG_FLAGGED;
		box_touch(m, b);
		o->modseq = b->modseq;
	}
}

static void
put_live(struct model *m, struct box *b, struct object *o)
{
	size_t at = b->nlive;

	box_touch(m, b);
	o->modseq = b->modseq;
	if (b->nlive == b->livesize) {
		b->livesize = b->livesize == 0 ? 16 : b->livesize * 2;
		b->live = xrealloc(b->live, b->livesize, sizeof(*b->live));
	}
	while (at > 0 && b->live[at - 1].uid > o->uid)
		at--;
	memmove(&b->live[at + 1], &b->live[at],
	    (b->nlive - at) * sizeof(*b->live));
	b->live[at] = *o;
	b->nlive++;
}

/* Some are there again by the UID they had, or others are. */
static void
come_back(struct model *m, enum side side, size_t n, int others,
    struct uidset *back)
{
	struct box *b = &m->server[side].box[0];
	struct object o;
	size_t at;

	while (n-- > 0) {
		at = rnd(m, (uint32_t)b->ngone);
		o = b->gone[at];
		b->gone[at] = b->gone[--b->ngone];
		not_dead(m, side, o.content);
		if (others) {
			o.content = plain_content(m);
			o.fl = 0;
			fate_of(m, 0, o.content)->born[side]++;
		}
		trace(m, "writer %s: %u is there again, content %u",
		    side_name(side), o.uid, o.content);
		put_live(m, b, &o);
		if (uidset_add(back, o.uid) == -1)
			fatal("uidset: no memory");
	}
	m->ntomb = 0;
}

/* As many others vanish, so that EXISTS fits. */
static void
delete_others(struct model *m, enum side side, const struct uidset *back)
{
	const struct box *b = &m->server[side].box[0];
	uint64_t n = uidset_count(back);
	uint32_t uid;

	while (n > 0) {
		uid = b->live[rnd(m, (uint32_t)b->nlive)].uid;
		if (uidset_has(back, uid))
			continue;
		writer_expunge(m, side, 0, uid);
		n--;
	}
}

/* The partners are deleted, too. */
static void
delete_partners(struct model *m, enum side side)
{
	const struct shadow *sh = &m->shadow[0];
	size_t i;

	for (i = 0; i < sh->npair; i++)
		if (box_find(&m->server[side].box[0],
		    sh->pair[i].uid[side]) == NULL)
			writer_expunge(m, OTHER(side), 0,
			    sh->pair[i].uid[OTHER(side)]);
}

static void
ends_restored(struct model *m, const struct guarded *g, enum side side)
{
	uint32_t some;

	if (chance(m, 1, 2))
		flag_some(m, OTHER(side));
	if (chance(m, 1, 2)) {
		restore(m, side, g->deleted);
		storm(m);
		if (chance(m, 1, 3))
			let_through(m);
		check_end(m, g, "restored", g->messages);
		return;
	}
	some = 1 + rnd(m, g->deleted - 1);
	restore(m, side, some);
	check_held(m, g, side, g->messages);
	if (!m->failed)
		let_through(m);
	check_end(m, g, "restored in part", g->messages - g->deleted + some);
}

static void
ends_back(struct model *m, const struct guarded *g, enum side side, int others)
{
	size_t n = 1 + rnd(m, g->deleted / 2);
	struct server *s = &m->server[side];
	struct uidset back;
	int trick = !others && g->messages > g->deleted && chance(m, 1, 2);

	if (trick)
		n = 1;
	uidset_init(&back);
	come_back(m, side, n, others, &back);
	if (trick) {
		s->abilities |= AB_VANISHED_NONE;
		s->abilities &= ~(AB_VANISHED_ALL | AB_ESEARCH);
		delete_others(m, side, &back);
	} else if (chance(m, 1, 2))
		check_held(m, g, side, g->messages + (others ? n : 0));
	uidset_free(&back);
	if (!m->failed)
		let_through(m);
	check_end(m, g, others ? "others are there" : "there again",
	    g->messages - g->deleted + (trick ? 0 : others ? 2 * n : n));
}

/* Now that they are held. */
static void
ends(struct model *m, const struct guarded *g, enum side side)
{
	switch (rnd(m, 6)) {
	case 0:
		ends_back(m, g, side, 0);
		break;
	case 1:
		ends_back(m, g, side, 1);
		break;
	case 2:
		delete_partners(m, side);
		storm(m);
		check_end(m, g, "deleted there", g->messages - g->deleted);
		break;
	case 3:
		let_through(m);
		check_end(m, g, "let through", g->messages - g->deleted);
		break;
	default:
		ends_restored(m, g, side);
		break;
	}
}

void
history_guard(struct model *m)
{
	const struct guarded *g;
	enum side side = (enum side)rnd(m, 2), s;
	uint32_t how = rnd(m, 8);

	g = &table[rnd(m, sizeof(table) / sizeof(table[0]))];
	m->maxcount = g->maxcount;
	m->maxpercent = g->maxpercent;
	history_servers(m);
	for (s = LOCAL; s <= REMOTE; s++)
		m->server[s].abilities &= ~(AB_FLAKY | AB_LIAR | AB_SIZE |
		    AB_FORGETS);
	trace(m, "guard: %s, %s, %u", g->name, side_name(side), how);
	fill(m, g->messages);
	if (run_quiet(m) == -1)
		return;
	check_quiet(m);
	if (how == 0 && g->held) {
		delete(m, side, g->deleted);
		restore(m, side, g->deleted);
		storm(m);
		check_end(m, g, "restored unseen", g->messages);
		return;
	}
	if (!g->held || how == 1) {
		delete(m, side, g->deleted);
		if (!g->held)
			storm(m);
		else
			let_through(m);
		check_end(m, g, "not held", g->messages - g->deleted);
		return;
	}
	delete(m, side, g->deleted);
	check_held(m, g, side, g->messages);
	if (!m->failed)
		ends(m, g, side);
}
