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
 * Credit for bodies.  One may be asked for only when its imapchild can buffer it
 * whole: else bodies of one direction fill the connection whose server must
 * still read the APPENDs of the other, and all wait for ever.  A message larger
 * than the credit has the channel alone, both ways.
 *
 * Batches get credit in the order they asked, each direction by itself; a
 * mailbox asks for its next one only when this one was granted, so a huge one
 * stands behind the small ones again and again.  Called by copy.c and copied.c,
 * which form the batches and see them end.
 */
#include "mailbox.h"

static int
is_large(const struct batch *b)
{
	return b != NULL && b->octets > CREDIT_OCTETS;
}

/*
 * Both ways at once goes only what is little: the APPENDs of the one wait for
 * the FETCHes of the other (imapchild/ops_copyin.c), in memory.  More goes by
 * turns.
 */
static int
may_go(const struct engine *e, const struct batch *b)
{
	enum side src = b->src;

	if (e->used[OTHER(src)] > 0)
		return e->used[OTHER(src)] + e->used[src] + b->octets <=
		    BOTH_OCTETS;
	return e->used[src] == 0 || e->waitq[OTHER(src)] == NULL ||
	    e->spent <= TURN_OCTETS;
}

/* A large one waits for the others to end, so nothing new may begin. */
static int
credit_fits(const struct engine *e, const struct batch *b)
{
	if (b == NULL || e->alone || e->asleep[OTHER(b->src)])
		return 0;
	if (is_large(b))
		return e->used[LOCAL] == 0 && e->used[REMOTE] == 0;
	if (is_large(e->waitq[OTHER(b->src)]) || !may_go(e, b))
		return 0;
	return e->used[b->src] + b->octets <= CREDIT_OCTETS;
}

static void
credit_give(struct engine *e, struct batch *b)
{
	enum side src = b->src;

	if ((e->waitq[src] = b->link) == NULL)
		e->waittail[src] = &e->waitq[src];
	b->link = NULL;
	e->turn = OTHER(src);
	e->spent = e->used[src] == 0 ? b->octets : e->spent + b->octets;
	e->used[src] += b->octets;
	e->alone = is_large(b);
	b->credited = 1;
	batch_start(b);
}

static void
credit_grant(struct engine *e)
{
	struct batch *b;

	while (!e->lost) {
		b = e->waitq[e->turn];
		if (!credit_fits(e, b))
			b = e->waitq[OTHER(e->turn)];
		if (!credit_fits(e, b))
			return;
		credit_give(e, b);
	}
}

void
engine_wake(struct engine *e)
{
	e->asleep[LOCAL] = e->asleep[REMOTE] = 0;
	credit_grant(e);
}

void
credit_ask(struct batch *b)
{
	struct engine *e = b->m->e;

	b->link = NULL;
	*e->waittail[b->src] = b;
	e->waittail[b->src] = &b->link;
	credit_grant(e);
}

void
credit_release(struct batch *b)
{
	struct engine *e = b->m->e;

	if (!b->credited)
		return;
	b->credited = 0;
	e->used[b->src] -= b->octets;
	if (is_large(b))
		e->alone = 0;
	credit_grant(e);
}
