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
 * Histories of --repair: all is quiet, then the database is damaged behind the
 * back of all, other clients go on, and --repair runs, broken off now and then.
 * In the end no message may be lost or deleted, none doubled that its identity
 * tells, and both sides must be equal.
 */
#include "model.h"

#define TRIES	4

/*
 * A UID of this side that no row has: of a message that is gone, or none.  One
 * may be given to a new message later, unless that could look like another.
 */
static uint32_t
dead_uid(struct model *m, int i, enum side side)
{
	const struct box *b = &m->server[side].box[i];
	uint32_t uid = b->uidnext + rnd(m, 5) + (m->alike ? 1000 : 0);

	if (b->ngone > 0 && chance(m, 2, 3))
		uid = b->gone[rnd(m, (uint32_t)b->ngone)].uid;
	return shadow_find(&m->shadow[i], side, uid) == NULL ? uid : 0;
}

static void
row_missing(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];
	size_t at;

	if (sh->npair == 0)
		return;
	at = rnd(m, (uint32_t)sh->npair);
	database_sql(m, "DELETE FROM mapping WHERE idx = %u AND lUID = %u",
	    sh->idx, sh->pair[at].uid[LOCAL]);
	sh->pair[at] = sh->pair[--sh->npair];
}

static void
row_extra(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];
	uint32_t l = dead_uid(m, i, LOCAL), r = dead_uid(m, i, REMOTE);

	if (l == 0 || r == 0)
		return;
	database_sql(m, "INSERT INTO mapping VALUES (%u, %u, %u)", sh->idx, l,
	    r);
	if (sh->npair == sh->size) {
		sh->size = sh->size == 0 ? 16 : sh->size * 2;
		sh->pair = xrealloc(sh->pair, sh->size, sizeof(*sh->pair));
	}
	sh->pair[sh->npair].uid[LOCAL] = l;
	sh->pair[sh->npair++].uid[REMOTE] = r;
}

/* A row gets another UID on one side. */
static void
row_moves(struct model *m, struct shadow *sh, size_t at, enum side side,
    uint32_t uid)
{
	database_sql(m, "UPDATE mapping SET %s = %u WHERE idx = %u AND "
	    "lUID = %u AND rUID = %u", side == LOCAL ? "lUID" : "rUID", uid,
	    sh->idx, sh->pair[at].uid[LOCAL], sh->pair[at].uid[REMOTE]);
	sh->pair[at].uid[side] = uid;
}

static void
row_astray(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];
	enum side side = (enum side)rnd(m, 2);
	uint32_t uid = dead_uid(m, i, side);

	if (uid != 0 && sh->npair > 0)
		row_moves(m, sh, rnd(m, (uint32_t)sh->npair), side, uid);
}

static const struct content *
content_at(struct model *m, int i, enum side side, uint32_t uid)
{
	const struct object *o = box_find(&m->server[side].box[i], uid);

	return o == NULL ? NULL : &m->content[o->content];
}

/* Two rows exchange partners; headers and dates tell them apart. */
static void
rows_crossed(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];
	const struct content *ca, *cb;
	uint32_t a, b, ua, ub;

	/* What is not told cannot be compared. */
	if (sh->npair < 2 || ((m->server[LOCAL].abilities |
	    m->server[REMOTE].abilities) & AB_FORGETS) != 0)
		return;
	a = rnd(m, (uint32_t)sh->npair);
	b = rnd(m, (uint32_t)sh->npair);
	ua = sh->pair[a].uid[REMOTE];
	ub = sh->pair[b].uid[REMOTE];
	ca = content_at(m, i, REMOTE, ua);
	cb = content_at(m, i, REMOTE, ub);
	if (a == b || ca == NULL || cb == NULL || ca->header == cb->header ||
	    ca->date == cb->date ||
	    content_at(m, i, LOCAL, sh->pair[a].uid[LOCAL]) != ca ||
	    content_at(m, i, LOCAL, sh->pair[b].uid[LOCAL]) != cb)
		return;
	row_moves(m, sh, a, REMOTE, 4000000000);
	row_moves(m, sh, b, REMOTE, ua);
	row_moves(m, sh, a, REMOTE, ub);
	m->damaged = 2;
}

static void
state_wrong(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];
	enum side side = (enum side)rnd(m, 2);
	const struct box *b = &m->server[side].box[i];
	const char *table = side_name(side);
	uint64_t v;

	if (chance(m, 1, 2)) {
		v = chance(m, 1, 2) ? b->modseq + 5000 :
		    rnd(m, (uint32_t)b->modseq + 1);
		sh->modseq[side] = v;
		database_sql(m, "UPDATE %s SET HIGHESTMODSEQ = %llu "
		    "WHERE idx = %u", table, (unsigned long long)v, sh->idx);
	} else {
		v = chance(m, 1, 2) ? b->uidnext + rnd(m, 50) :
		    rnd(m, b->uidnext + 1);
		database_sql(m, "UPDATE %s SET UIDNEXT = %llu WHERE idx = %u",
		    table, (unsigned long long)v, sh->idx);
	}
}

static void
skip_lost(struct model *m, int i)
{
	struct shadow *sh = &m->shadow[i];

	database_sql(m, "DELETE FROM skipped WHERE idx = %u", sh->idx);
	uidset_free(&sh->skipped[LOCAL]);
	uidset_free(&sh->skipped[REMOTE]);
}

static void
damage(struct model *m)
{
	static void (*const kinds[])(struct model *, int) = {
		row_missing, row_missing, row_extra, row_astray, row_astray,
		rows_crossed, state_wrong, state_wrong, skip_lost
	};
	uint32_t n;
	int i;

	m->damaged = 1;
	for (n = 1 + rnd(m, 6); n > 0 && !m->failed; n--) {
		i = (int)rnd(m, NBOXES);
		if (m->shadow[i].idx != 0 && m->shadow[i].hasstate)
			kinds[rnd(m, sizeof(kinds) / sizeof(kinds[0]))](m, i);
	}
}

/*
 * Other clients go on.  Not where rows are crossed: a deletion on each side
 * could take both messages then, and nothing would tell.
 */
static void
meanwhile(struct model *m)
{
	uint32_t n;

	if (m->damaged == 1)
		for (n = rnd(m, 6); n > 0; n--)
			writer_act(m);
}

/* What a server does not take is tried again by each --repair. */
static int
refuses(const struct model *m)
{
	return ((m->server[LOCAL].abilities | m->server[REMOTE].abilities) &
	    AB_REFUSE) != 0;
}

static void
repair(struct model *m)
{
	struct plan quiet = { 0, -1, -1, -1, NPEERS }, plan;
	enum outcome outcome = OUT_FAILED;
	int n;

	m->repairing = m->during = 1;
	for (n = (int)rnd(m, 3); n > 0 && !m->failed; n--) {
		plan_random(m, &plan);
		if (m->damaged == 2)
			plan.writers = 0;
		(void)run_once(m, &plan, &outcome);
		meanwhile(m);
	}
	m->during = 0;
	for (n = 0; n < TRIES && !m->failed; n++)
		if (run_once(m, &quiet, &outcome) == RUN_ENDED &&
		    (outcome == OUT_DONE || (outcome == OUT_PARTIAL &&
		    refuses(m))))
			break;
	m->repairing = 0;
	if (n == TRIES && !m->failed)
		model_fail(m, "not repaired after %d runs: outcome %d", n,
		    (int)outcome);
}

void
history_repair(struct model *m)
{
	m->alike = chance(m, 1, 2);
	history_servers(m);
	/* Sizes tell who is who where rows are missing. */
	m->server[LOCAL].abilities &= ~AB_SIZE;
	m->server[REMOTE].abilities &= ~AB_SIZE;
	history_begin(m);
	if (run_quiet(m) == -1)
		return;
	check_quiet(m);
	damage(m);
	meanwhile(m);
	repair(m);
	m->ntomb = 0;		/* what was deleted may have come back */
	if (!m->failed && run_quiet(m) == 0)
		check_quiet(m);
}
