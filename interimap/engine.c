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
 * The engine as a whole: what it is asked from outside, the window of
 * mailboxes under way, the credit that bounds the bodies under way, and how
 * the run ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "refusals.h"
#include "repair.h"

/* What a failed request makes of the run. */
enum outcome
outcome_of(const struct msg_fail *f)
{
	switch (f->kind) {
	case FAIL_NET:
	case FAIL_LOCKED:
		return OUT_TEMPORARY;
	case FAIL_TLS:
	case FAIL_AUTH:
		return OUT_AUTH;
	case FAIL_CONFIG:
		return OUT_CONFIG;
	case FAIL_INTERNAL:
		return OUT_INTERNAL;
	case FAIL_CAPABILITY:
	case FAIL_PROTOCOL:
	case FAIL_DB:
		return OUT_FAILED;
	default:
		return OUT_PARTIAL;
	}
}

static void
copy_config(struct engine *e, const struct engine_config *c)
{
	size_t i;

	e->ref[LOCAL] = xstrdup(c->ref[LOCAL] ? c->ref[LOCAL] : "");
	e->ref[REMOTE] = xstrdup(c->ref[REMOTE] ? c->ref[REMOTE] : "");
	e->opts = xstrdup(c->opts ? c->opts : "");
	guard_config(e, c);
	e->window = c->window != 0 ? c->window : ENGINE_WINDOW;
	e->rawpatterns = c->rawpatterns;
	e->repairing = c->command == CMD_REPAIR;
	e->resetting = c->command == CMD_RESET;
	if (c->command == CMD_DELETE || c->command == CMD_RENAME)
		e->cmd = command_new(c->command, c->targets, c->npatterns);
	if (c->npatterns == 0)
		return;
	e->patterns = calloc(c->npatterns, sizeof(*e->patterns));
	e->patternlen = calloc(c->npatterns, sizeof(*e->patternlen));
	if (e->patterns == NULL || e->patternlen == NULL)
		fatal("out of memory");
	for (i = 0; i < c->npatterns; i++) {
		e->patternlen[i] = c->patterns[i].n;
		if ((e->patterns[i] = malloc(c->patterns[i].n + 1)) == NULL)
			fatal("out of memory");
		memcpy(e->patterns[i], c->patterns[i].p, c->patterns[i].n);
		e->patterns[i][c->patterns[i].n] = '\0';
	}
	e->npatterns = c->npatterns;
}

struct engine *
engine_new(const struct engine_config *c, const struct engine_calls *calls,
    void *arg)
{
	struct engine *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return NULL;
	e->calls = *calls;
	e->arg = arg;
	e->alltail = &e->all;
	e->queuetail = &e->queue;
	e->waittail[LOCAL] = &e->waitq[LOCAL];
	e->waittail[REMOTE] = &e->waitq[REMOTE];
	flagtab_init(&e->flagtab);
	copy_config(e, c);
	return e;
}

static void
side_free(struct mside *s)
{
	free(s->name);
	flags_free(&s->perm);
	flags_free(&s->nokw);
}

/* What a mailbox needs only while it is under way. */
static void
mbox_clear(struct mbox *m)
{
	struct mside *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		uidset_free(&s->vanished);
		uidset_free(&s->listed);
		uidset_free(&s->skipped);
		uidset_free(&s->present);
		uidset_free(&s->copy);
		uidset_free(&s->again);
		uidset_free(&s->fresh);
		uidset_free(&s->asked);
		free(s->changes);
		s->changes = NULL;
		s->nchanges = s->changesize = 0;
		free(s->meta.m);
		memset(&s->meta, 0, sizeof(s->meta));
		candset_free(&s->cands);
	}
	rowtab_free(&m->rowtab);
	push_drop(m);
	repair_free(m);
	pairing_free(&m->pairing);
	free(m->intents);
	m->intents = NULL;
	m->nint = m->intsize = 0;
}

static void
batch_drop(struct batch *b)
{
	free(b->meta);
	free(b->got);
	free(b->why);
	uidset_free(&b->left);
	uidset_free(&b->gone);
	uidset_free(&b->refused);
	free(b);
}

static void
batches_free(struct engine *e)
{
	struct request *r;
	struct batch *b;
	uint32_t i;

	for (i = 0; i < 2; i++)
		while ((b = e->waitq[i]) != NULL) {
			e->waitq[i] = b->link;
			batch_drop(b);
		}
	for (i = 0; i < e->nreqs; i++) {
		r = &e->reqs[i];
		if (r->type == MSG_INTENT || r->type == MSG_MAP ||
		    r->type == MSG_COPY_IN || r->type == MSG_COPY_OUT) {
			b = r->arg;
			if (b != NULL && --b->pending <= 0)
				batch_drop(b);
		} else if (r->type == MSG_STORE || r->type == MSG_EXPUNGE)
			push_discard(r->arg);
	}
}

void
engine_free(struct engine *e)
{
	struct mbox *m;
	size_t i;

	if (e == NULL)
		return;
	batches_free(e);
	while ((m = e->all) != NULL) {
		e->all = m->link;
		mbox_clear(m);
		refusals_free(m);
		side_free(&m->s[LOCAL]);
		side_free(&m->s[REMOTE]);
		free(m->name);
		free(m);
	}
	for (i = 0; i < e->npatterns; i++)
		free(e->patterns[i]);
	free(e->patterns);
	free(e->patternlen);
	free(e->ref[LOCAL]);
	free(e->ref[REMOTE]);
	free(e->opts);
	free(e->hash);
	command_free(e->cmd);
	guard_free(e);
	free(e->reqs);
	flagtab_free(&e->flagtab);
	free(e);
}

int
engine_start(struct engine *e)
{
	if (e->cmd != NULL)
		command_start(e);
	else
		lists_start(e);
	return e->lost ? -1 : 0;
}

int
engine_dispatch(struct engine *e, enum peer peer, struct imsg *im)
{
	if (e->lost)
		return 0;
	if (request_answer(e, peer, im) == -1)
		return -1;
	engine_schedule(e);
	return 0;
}

void
engine_lost(struct engine *e, enum outcome o)
{
	e->lost = 1;
	e->outcome = outcome_worse(e->outcome, o);
}

int
engine_done(const struct engine *e)
{
	return e->lost || (e->outstanding == 0 && e->running == 0 &&
	    e->queue == NULL && e->listnext == NULL);
}

enum outcome
engine_outcome(const struct engine *e)
{
	return e->outcome;
}

void
engine_stats(const struct engine *e, struct engine_stats *st)
{
	*st = e->stats;
}

/* ---- what is said ---- */

const char *
mbox_display(const struct mbox *m)
{
	if (m->s[LOCAL].name != NULL)
		return m->s[LOCAL].name;
	return m->s[REMOTE].name != NULL ? m->s[REMOTE].name : m->name;
}

void
say(struct engine *e, enum loglevel level, int side, const struct mbox *m,
    const char *fmt, ...)
{
	char text[LOG_TEXTMAX];
	const char *name = NULL;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m != NULL && (side == LOCAL || side == REMOTE))
		name = m->s[side].name;
	if (m != NULL && name == NULL)
		name = mbox_display(m);
	e->calls.say(e->arg, level, side, name, text);
}

void
mbox_fail(struct mbox *m, enum outcome o)
{
	m->failed = 1;
	m->e->outcome = outcome_worse(m->e->outcome, o);
}

/* What a user can do about a failed request. */
static const char *
advice(const struct msg_fail *f)
{
	switch (f->kind) {
	case FAIL_UIDVALIDITY:
		return "; the mailbox was replaced there; left alone. Run "
		    "interimap --reset with its name: messages that are the "
		    "same on both sides will be recognised";
	case FAIL_NOMODSEQ:
		return "; this mailbox cannot be synchronized by QRESYNC: "
		    "exclude it with ignore-mailbox";
	case FAIL_NOMAILBOX:
		return "; left alone, tried again in the next run";
	default:
		return "; tried again in the next run";
	}
}

void
mbox_refused(struct mbox *m, enum peer peer, const char *what,
    const struct msg_fail *f)
{
	if (!m->failed)
		say(m->e, LOG_L_ERROR, (int)peer, m, "%s failed: %s%.*s%s%.*s%s",
		    what, f->code.n > 0 ? "[" : "", (int)f->code.n, f->code.p,
		    f->code.n > 0 ? "] " : "", (int)f->text.n, f->text.p,
		    advice(f));
	mbox_fail(m, outcome_of(f));
}

/* ---- the window ---- */

void
mbox_wait(struct mbox *m, void (*next)(struct mbox *))
{
	m->next = next;
	mbox_step(m);
}

/*
 * Something of this mailbox was answered.  A state function is never called
 * from within another one's loop: it is taken out of m->next first.
 */
void
mbox_step(struct mbox *m)
{
	void (*next)(struct mbox *);

	while (m->pending == 0 && m->next != NULL) {
		next = m->next;
		m->next = NULL;
		if (m->failed && m->running)
			next = mbox_finish;
		next(m);
	}
}

void
mbox_finish(struct mbox *m)
{
	if (!m->running)
		return;
	if (m->nheld > 0)
		guard_say(m);
	if (m->repair != NULL && !m->failed)
		repair_summary(m);
	m->running = 0;
	m->e->running--;
	mbox_clear(m);
	flags_free(&m->s[LOCAL].perm);
	flags_free(&m->s[REMOTE].perm);
}

void
engine_queue(struct mbox *m)
{
	struct engine *e = m->e;

	m->qlink = NULL;
	*e->queuetail = m;
	e->queuetail = &m->qlink;
	e->stats.dirty++;
}

void
engine_schedule(struct engine *e)
{
	struct mbox *m;

	while (!e->lost && e->running < e->window && (m = e->queue) != NULL &&
	    repair_fits(m)) {
		if ((e->queue = m->qlink) == NULL)
			e->queuetail = &e->queue;
		m->running = 1;
		e->running++;
		pull_begin(m);
	}
}

void
engine_ready(struct engine *e, enum side side, const struct msg_ready *m)
{
	e->caps[side] = m->caps;
	e->appendlimit[side] = m->appendlimit;
}
