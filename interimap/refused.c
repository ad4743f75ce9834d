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
 * A batch whose APPEND was answered NO or BAD: nothing of it was appended (RFC
 * 3502 section 3), but for messages that had an APPEND of their own.  One
 * message must not keep the others back: the batch is halved until the culprit
 * is alone, and refusals.c remembers it.  A server that asks for patience gets
 * some.  Called by copied.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refusals.h"

#define WHY_CODEMAX	64	/* octets of a server's code and text */
#define WHY_TEXTMAX	300	/* that are kept */

/* All others are REFUSAL_ANY. */
static const struct {
	const char		*code;
	enum refusal_kind	 kind;
} codes[] = {
	{ "TOOBIG",	 REFUSAL_SIZE },
	{ "OVERQUOTA",	 REFUSAL_SIZE },
	{ "LIMIT",	 REFUSAL_LIMIT },
	{ "THROTTLED",	 REFUSAL_LIMIT },
	{ "UNAVAILABLE", REFUSAL_BUSY },
	{ "INUSE",	 REFUSAL_BUSY },
	{ "TRYCREATE",	 REFUSAL_MAILBOX },
	{ "NONEXISTENT", REFUSAL_MAILBOX }
};

static int
at_most(size_t n, int max)
{
	return n < (size_t)max ? (int)n : max;
}

void
refused_why(struct batch *b, const struct msg_fail *fail)
{
	size_t i;

	free(b->why);
	if (asprintf(&b->why, "%s%.*s%s%.*s", fail->code.n > 0 ? "[" : "",
	    at_most(fail->code.n, WHY_CODEMAX), fail->code.p,
	    fail->code.n > 0 ? "] " : "",
	    at_most(fail->text.n, WHY_TEXTMAX), fail->text.p) == -1)
		fatal("out of memory");
	b->kind = REFUSAL_ANY;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (bytes_eq(fail->code, bytes_of(codes[i].code)))
			b->kind = codes[i].kind;
}

void
refused_one(struct batch *b, uint32_t uid, enum leftout why)
{
	struct uidset one = UIDSET_INIT;

	if (uidset_add(why == LEFT_NUL ? &b->left : &b->refused, uid) == -1 ||
	    uidset_add(&one, uid) == -1)
		fatal("out of memory");
	/* At once: what holds NUL may cost the connection. */
	if (why == LEFT_NUL)
		refusals_add(b->m, b->src, &one, why, "it holds NUL");
	uidset_free(&one);
}

/* Wait before the next APPEND there; 0 when that was done often enough. */
static int
nap(struct batch *b)
{
	struct engine *e = b->m->e;
	enum side t = OTHER(b->src);
	unsigned int ms;

	if ((b->kind != REFUSAL_LIMIT && b->kind != REFUSAL_BUSY) ||
	    b->waited || e->calls.nap == NULL)
		return 0;
	if (e->asleep[t])
		return 1;
	if (e->naps[t] >= (b->kind == REFUSAL_LIMIT ? NAPS_LIMIT : NAPS_MAX)) {
		b->waited = 1;
		return 0;
	}
	ms = NAP_MS << e->naps[t]++;
	e->asleep[t] = 1;
	e->calls.nap(e->arg, ms);
	say(e, LOG_L_INFO, (int)t, b->m, "APPEND refused: %s; tried again in "
	    "about %u s", b->why, ms / 1000);
	return 1;
}

/* What was not appended is left to the next run: it is not to blame. */
static void
leave(struct batch *b)
{
	struct mside *s = &b->m->s[b->src];

	if (!s->incomplete)
		say(b->m->e, LOG_L_ERROR, OTHER(b->src), b->m, "APPEND "
		    "refused: %s; tried again in the next run", b->why);
	s->incomplete = 1;
	uidset_free(&s->copy);
	b->m->e->outcome = outcome_worse(b->m->e->outcome, OUT_PARTIAL);
}

static int
has_keywords(const struct batch *b, uint32_t uid)
{
	const struct flagtab *t = &b->m->e->flagtab;
	uint32_t i;

	for (i = 0; i < b->n; i++)
		if (b->meta[i].uid == uid)
			return flagtab_get(t, batch_flags(b, &b->meta[i]))->kw
			    != NULL;
	return 0;
}

/* Each of these was refused by itself; perhaps for its keywords. */
static void
culprits(struct batch *b, const struct uidset *set)
{
	struct uidset plain, bad;
	struct uiditer it;
	uint32_t uid;
	int err = 0;

	uidset_init(&plain);
	uidset_init(&bad);
	uiditer_init(&it, set);
	while ((uid = uiditer_next(&it)) != 0)
		err |= uidset_add(b->kind != REFUSAL_SIZE &&
		    has_keywords(b, uid) ? &plain : &bad, uid);
	if (err)
		fatal("out of memory");
	if (!uidset_empty(&bad))
		refusals_add(b->m, b->src, &bad, LEFT_REFUSED, b->why);
	batch_again(b, &plain, 1);
	uidset_free(&plain);
	uidset_free(&bad);
}

/* Two batches of these, or one when the culprit is out of it already. */
static void
halve(struct batch *b, const struct uidset *set)
{
	struct uidset first, second;
	struct uiditer it;
	uint64_t n = uidset_count(set);
	int err = 0;

	uidset_init(&first);
	uidset_init(&second);
	uiditer_init(&it, set);
	if (n == b->n)
		for (n /= 2; n > 0; n--)
			err |= uidset_add(&first, uiditer_next(&it));
	err |= uidset_copy(&second, set);
	err |= uidset_minus(&second, &first);
	if (err)
		fatal("out of memory");
	batch_again(b, &first, b->plain);
	batch_again(b, &second, b->plain);
	uidset_free(&first);
	uidset_free(&second);
}

/* It is not about one message: the rest of this side waits, too. */
static void
stop(struct batch *b, const struct uidset *rest)
{
	struct mside *s = &b->m->s[b->src];

	s->stopped = 1;
	if (!uidset_empty(rest))
		refusals_add(b->m, b->src, rest, LEFT_REFUSED, b->why);
	if (!uidset_empty(&s->copy))
		refusals_add(b->m, b->src, &s->copy, LEFT_REFUSED, b->why);
	uidset_free(&s->copy);
}

void
refused_batch(struct batch *b, const struct uidset *rest)
{
	struct mside *s = &b->m->s[b->src];
	struct uidset alone, others;

	if (b->m->failed || uidset_empty(rest))
		return;
	if (nap(b)) {
		batch_again(b, rest, b->plain);
		return;
	}
	if (b->kind == REFUSAL_BUSY || b->kind == REFUSAL_MAILBOX) {
		leave(b);
		return;
	}
	if (s->stopped || ++s->nrefused >= REFUSED_MAX) {
		stop(b, rest);
		return;
	}
	uidset_init(&alone);
	uidset_init(&others);
	if (uidset_copy(&alone, uidset_count(rest) == 1 ? rest :
	    &b->refused) == -1 || uidset_intersect(&alone, rest) == -1 ||
	    uidset_copy(&others, rest) == -1 ||
	    uidset_minus(&others, &alone) == -1)
		fatal("out of memory");
	culprits(b, &alone);
	halve(b, &others);
	uidset_free(&alone);
	uidset_free(&others);
}
