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
 * A random history: two servers of random abilities, a random beginning,
 * rounds of writers and runs, some of them broken off; then quiet, and the
 * check.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

void
model_init(struct model *m, uint64_t seed, int verbose)
{
	memset(m, 0, sizeof(*m));
	m->seed = m->rng = seed;
	m->verbose = verbose;
	m->alike = 1;
	m->maxcount = 100;
	m->maxpercent = 50;
	peers_init(m);
	m->db = database_new(m);
}

void
model_clear(struct model *m)
{
	int i;

	server_free(&m->server[LOCAL]);
	server_free(&m->server[REMOTE]);
	database_free(m->db);
	for (i = 0; i < NBOXES; i++) {
		free(m->shadow[i].pair);
		uidset_free(&m->shadow[i].skipped[LOCAL]);
		uidset_free(&m->shadow[i].skipped[REMOTE]);
	}
	free(m->content);
	free(m->fate);
	free(m->tomb);
}

/* Mostly able servers; the odd ones are drawn one by one. */
static unsigned int
abilities_random(struct model *m)
{
	static const struct { unsigned int bit; uint32_t n, of; } odds[] = {
		{ AB_MULTIAPPEND, 2, 3 }, { AB_APPENDUID, 3, 4 },
		{ AB_STAR, 3, 4 }, { AB_SIZE, 1, 4 }, { AB_LATE, 1, 4 },
		{ AB_VANISHED_ALL, 1, 4 }, { AB_VANISHED_NONE, 1, 6 },
		{ AB_BUMP, 1, 4 }, { AB_EMPTYSETS, 1, 4 },
		{ AB_SHUFFLE, 1, 3 }, { AB_SMALLFRAMES, 1, 3 },
		{ AB_SHOUT, 1, 4 }, { AB_FLAKY, 1, 6 }, { AB_REFUSE, 1, 8 },
		{ AB_FORGETS, 1, 12 }, { AB_ESEARCH, 2, 3 }, { AB_LIAR, 1, 10 }
	};
	unsigned int a = 0;
	size_t i;

	for (i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
		if (chance(m, odds[i].n, odds[i].of))
			a |= odds[i].bit;
	return a;
}

void
history_servers(struct model *m)
{
	enum side s;

	for (s = LOCAL; s <= REMOTE; s++) {
		server_init(m, s, abilities_random(m));
		trace(m, "%s: abilities %x", side_name(s),
		    m->server[s].abilities);
	}
}

void
history_begin(struct model *m)
{
	enum side s;
	uint32_t n;
	int i;

	for (i = 1; i < NBOXES - 1; i++)
		for (s = LOCAL; s <= REMOTE; s++)
			if (chance(m, 1, 3))
				box_create(m, &m->server[s], i);
	for (n = rnd(m, 13); n > 0; n--)
		writer_act(m);
}

/* A mailbox is deleted on one side, or another one takes its name. */
static void
replace(struct model *m)
{
	enum side side = (enum side)rnd(m, 2);
	struct server *s = &m->server[side];
	int i = 1 + (int)rnd(m, NBOXES - 1);
	uint32_t old = s->box[i].uidvalidity;

	if (m->nosync[i] || !s->box[i].exists || !m->shadow[i].hasstate ||
	    !m->server[OTHER(side)].box[i].exists)
		return;
	trace(m, "writer %s: box %d is deleted", side_name(side), i);
	m->nosync[i] = 1;
	m->replaced[i] = side;
	box_drop(s, i);
	if (chance(m, 1, 2)) {
		trace(m, "writer %s: box %d is new", side_name(side), i);
		box_create(m, s, i);
		s->box[i].uidvalidity = old + 1 + rnd(m, 1000);
	}
}

void
plan_random(struct model *m, struct plan *p)
{
	p->writers = chance(m, 1, 2) ? 10 + rnd(m, 60) : 0;
	p->killat = p->loseat = p->fullat = -1;
	p->bias = (int)rnd(m, NPEERS + 1);
	switch (rnd(m, 8)) {
	case 0:
	case 1:
	case 2:
		p->killat = (int)rnd(m, chance(m, 1, 3) ? 40 : 200);
		break;
	case 3:
		p->loseat = (int)rnd(m, 120);
		break;
	case 4:
		if (chance(m, 1, 3))
			p->fullat = (int)rnd(m, 120);
		break;
	default:
		break;
	}
}

void
history_random(struct model *m)
{
	enum outcome outcome;
	struct plan plan;
	int round, rounds;
	uint32_t n;

	history_servers(m);
	history_begin(m);
	rounds = 1 + (int)rnd(m, 5);
	m->filtered = chance(m, 1, 4);
	for (round = 0; round < rounds && !m->failed; round++) {
		m->during = 1;
		for (n = rnd(m, 7); n > 0; n--)
			writer_act(m);
		if (chance(m, 1, 60))
			replace(m);
		plan_random(m, &plan);
		(void)run_once(m, &plan, &outcome);
	}
	m->filtered = 0;
	if (!m->failed && run_quiet(m) == 0)
		check_quiet(m);
}
