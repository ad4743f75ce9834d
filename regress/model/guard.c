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
 * Histories of the deletion guard: a mailbox or an account that was emptied
 * must not empty its partner, smaller deletions must pass, and a restored
 * copy must be mapped again instead of doubled.
 */
#include "model.h"

static const struct guarded {
	const char	*name;
	uint32_t	 messages, deleted;
	int		 held;
} table[] = {
	{ "an account of 25 is emptied", 25, 25, 1 },
	{ "an account of 24 is emptied", 24, 24, 0 },
	{ "an account of 60 is emptied", 60, 60, 1 },
	{ "110 of 120 go", 120, 110, 1 },
	{ "101 of 200 go", 200, 101, 1 },
	{ "100 of 120 go", 120, 100, 0 },
	{ "90 of 120 go", 120, 90, 0 },
	{ "120 of 300 go", 300, 120, 0 }
};

static void
fill(struct model *m, uint32_t n)
{
	uint32_t c;

	while (n-- > 0) {
		c = content_new(m);
		/* one of a kind, and every server takes it */
		m->content[c].empty = m->content[c].large = 0;
		m->content[c].header = c + 1;
		m->content[c].weak = 0;
		m->content[c].size = 500;
		deliver(m, (enum side)rnd(m, 2), 0, c, 0);
	}
}

static void
delete(struct model *m, enum side side, uint32_t n)
{
	struct box *b = &m->server[side].box[0];

	while (n-- > 0 && b->nlive > 0)
		writer_expunge(m, side, 0,
		    b->live[rnd(m, (uint32_t)b->nlive)].uid);
}

/* The messages that are gone are delivered again, where they were deleted. */
static void
restore(struct model *m, enum side side)
{
	struct box *b = &m->server[side].box[0];
	size_t i, n = b->ngone;

	for (i = 0; i < n; i++)
		deliver(m, side, 0, b->gone[i].content, b->gone[i].fl);
}

static void
check_held(struct model *m, const struct guarded *g, enum side side)
{
	struct plan plan = { 0, -1, -1, -1, NPEERS };
	enum outcome outcome;
	size_t n;

	(void)run_once(m, &plan, &outcome);
	n = m->server[OTHER(side)].box[0].nlive;
	if (n != g->messages)
		model_fail(m, "%s: %zu of %u are left on the other side",
		    g->name, n, g->messages);
	if (outcome != OUT_GUARD)
		model_fail(m, "%s: outcome %d", g->name, (int)outcome);
}

static void
check_restored(struct model *m, const struct guarded *g, enum side side)
{
	restore(m, side);
	m->ntomb = 0;		/* the deletions are taken back */
	if (run_quiet(m) == -1)
		return;
	if (m->server[LOCAL].box[0].nlive != g->messages ||
	    m->server[REMOTE].box[0].nlive != g->messages)
		model_fail(m, "%s: %zu and %zu of %u after they came back",
		    g->name, m->server[LOCAL].box[0].nlive,
		    m->server[REMOTE].box[0].nlive, g->messages);
}

void
history_guard(struct model *m)
{
	const struct guarded *g;
	enum side side = (enum side)rnd(m, 2);

	g = &table[rnd(m, sizeof(table) / sizeof(table[0]))];
	history_servers(m);
	m->server[LOCAL].abilities &= ~(AB_FLAKY | AB_LIAR | AB_SIZE);
	m->server[REMOTE].abilities &= ~(AB_FLAKY | AB_LIAR | AB_SIZE);
	trace(m, "guard: %s, %s", g->name, side_name(side));
	fill(m, g->messages);
	if (run_quiet(m) == -1)
		return;
	check_quiet(m);
	delete(m, side, g->deleted);
	if (!g->held) {
		if (run_quiet(m) == 0)
			check_quiet(m);
		return;
	}
	check_held(m, g, side);
	if (!m->failed)
		check_held(m, g, side);
	if (!m->failed)
		check_restored(m, g, side);
}
