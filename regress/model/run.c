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
 * One run of the engine.  At each step a random peer executes a piece of its
 * next request or has its next answer delivered; second writers act between
 * the steps.  A run may be killed at any of them: what the engine has sent may
 * still be executed, in order, up to any point; answers are lost.
 */
#include <string.h>

#include "model.h"

static void
say(void *arg, enum loglevel level, int side, const char *mailbox,
    const char *text)
{
	struct model *m = arg;

	trace(m, "engine says (%d) side %d %s: %s", (int)level, side,
	    mailbox == NULL ? "" : mailbox, text);
}

static const struct engine_calls calls = { peer_send, say, NULL, NULL };

static void
engine_make(struct model *m)
{
	struct engine_config c;
	struct msg_ready ready;
	enum side s;

	memset(&c, 0, sizeof(c));
	c.ref[LOCAL] = c.ref[REMOTE] = "";
	c.opts = m->filtered ? "SUBSCRIBED" : "";
	c.window = rnd(m, 4);
	c.maxcount = m->maxcount;
	c.maxpercent = m->maxpercent;
	c.allowall = m->allow;
	c.command = m->repairing ? CMD_REPAIR : CMD_SYNC;
	m->engine = engine_new(&c, &calls, m);
	if (m->engine == NULL)
		fatal("engine_new: no memory");
	for (s = LOCAL; s <= REMOTE; s++) {
		memset(&ready, 0, sizeof(ready));
		if (m->server[s].abilities & AB_ESEARCH)
			ready.caps = CAP_ESEARCH;
		engine_ready(m->engine, s, &ready);
	}
}

/* Choose what happens next and do it; 0: nothing can happen. */
static int
step(struct model *m, int bias)
{
	int p, n = 0, c, choice[2 * NPEERS];

	for (p = 0; p < NPEERS; p++) {
		if (peer_ready(m, (enum peer)p) != NULL)
			choice[n++] = 2 * p;
		if (!STAILQ_EMPTY(&m->peer[p].answers))
			choice[n++] = 2 * p + 1;
	}
	if (n == 0)
		return 0;
	c = choice[rnd(m, (uint32_t)n)];
	if (c / 2 != bias && chance(m, 2, 3))
		c = choice[rnd(m, (uint32_t)n)];
	if (c % 2 == 0)
		peer_execute(m, (enum peer)(c / 2));
	else
		peer_deliver(m, (enum peer)(c / 2));
	m->stats.steps++;
	return 1;
}

/* The engine is gone; the children go on with what they were sent. */
static void
aftermath(struct model *m)
{
	uint32_t n = chance(m, 1, 3) ? 0 : rnd(m, 30);
	int p;

	trace(m, "the engine is gone; at most %u steps follow", n);
	while (n-- > 0 && !m->failed) {
		p = (int)rnd(m, NPEERS);
		if (peer_ready(m, (enum peer)p) != NULL)
			peer_execute(m, (enum peer)p);
	}
}

/* What the plan wants at this step; 1: the run is over. */
static int
fault(struct model *m, const struct plan *plan, int n)
{
	if (n == plan->killat) {
		m->stats.kills++;
		return 1;
	}
	if (n == plan->fullat) {
		trace(m, "the database is full");
		m->dbfull = 1;
	}
	if (n == plan->loseat) {
		trace(m, "a connection is lost");
		m->stats.losses++;
		engine_lost(m->engine, OUT_TEMPORARY);
		if (!engine_done(m->engine))
			model_fail(m, "lost, but not done");
		return 1;
	}
	if (rnd(m, 1000) < plan->writers)
		writer_act(m);
	return 0;
}

static enum runend
loop(struct model *m, const struct plan *plan)
{
	int n;

	for (n = 0; !engine_done(m->engine) && !m->failed; n++) {
		if (fault(m, plan, n))
			return RUN_KILLED;
		if (!step(m, plan->bias)) {
			model_fail(m, "the engine waits for nothing");
			return RUN_STUCK;
		}
		if (n > MAXSTEPS) {
			model_fail(m, "the run does not end");
			return RUN_STUCK;
		}
	}
	return RUN_ENDED;
}

/* The engine may end a run that makes no sense any more. */
static int
gave_up(enum outcome o)
{
	return o != OUT_DONE && o != OUT_PARTIAL && o != OUT_GUARD;
}

enum runend
run_once(struct model *m, const struct plan *plan, enum outcome *outcome)
{
	enum runend end;
	int p;

	m->stats.runs++;
	m->beyond = 0;
	peers_init(m);
	database_open(m);
	engine_make(m);
	trace(m, "run");
	if (engine_start(m->engine) == -1)
		model_fail(m, "engine_start");
	end = loop(m, plan);
	*outcome = engine_outcome(m->engine);
	for (p = 0; p < NPEERS && end == RUN_ENDED && !m->failed; p++)
		if (m->peer[p].nrequests > 0 && !gave_up(*outcome))
			model_fail(m, "done, but requests are under way");
	if (end != RUN_STUCK)
		aftermath(m);
	trace(m, "run ended: %d, outcome %d, %zu requests beyond LIST",
	    (int)end, (int)*outcome, m->beyond);
	engine_free(m->engine);
	m->engine = NULL;
	m->dbfull = 0;
	peers_clear(m);
	if (!m->failed)
		database_verify(m);
	database_close(m);
	return end;
}

static int
excused(const struct model *m, enum outcome o)
{
	int i;

	if (o == OUT_DONE)
		return 1;
	for (i = 0; i < NBOXES; i++)
		if (m->nosync[i])
			return o == OUT_PARTIAL;
	return 0;
}

int
run_quiet(struct model *m)
{
	struct plan plan = { 0, -1, -1, -1, NPEERS };
	enum outcome outcome = OUT_DONE;
	int i;

	m->during = 0;
	for (i = 0; i < 5 && !m->failed; i++) {
		server_quiet(&m->server[LOCAL]);
		server_quiet(&m->server[REMOTE]);
		if (run_once(m, &plan, &outcome) == RUN_ENDED &&
		    excused(m, outcome) && m->beyond == 0)
			return 0;
	}
	model_fail(m, "not idle after %d quiet runs: outcome %d, %zu requests",
	    i, (int)outcome, m->beyond);
	return -1;
}
