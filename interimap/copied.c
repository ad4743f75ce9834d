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
 * What became of a batch of copy.c: the UIDs its messages were given, those
 * that did not come.  Its mapping is committed, which drops its intents in the
 * same transaction; intents of what was certainly not appended are dropped, all
 * others stay, for the next round or run to look at.  What a server refused is
 * refused.c's matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"

int
copy_appended(struct request *r, struct imsg *im)
{
	struct batch *b = r->arg;
	size_t size = b->ngot;
	uint32_t n;

	if (ibuf_get_u32(&im->data) != b->transfer)
		return -1;
	for (n = ibuf_get_u32(&im->data); n > 0 && ibuf_ok(&im->data); n--) {
		if (b->ngot >= b->n)
			return -1;
		b->got = grow(b->got, b->ngot, &size, sizeof(*b->got));
		if (msg_get_pair(&im->data, &b->got[b->ngot]) == -1)
			return -1;
		b->ngot++;
	}
	return ibuf_done(&im->data);
}

static const struct meta *
batch_meta(const struct batch *b, uint32_t uid)
{
	uint32_t i;

	for (i = 0; i < b->n; i++)
		if (b->meta[i].uid == uid)
			return &b->meta[i];
	return NULL;
}

/* An empty message cannot be appended (RFC 3501 section 6.3.11): skip it. */
static void
skip_empty(struct batch *b, uint32_t uid)
{
	struct uidset one;

	uidset_init(&one);
	if (uidset_add(&one, uid) == -1)
		fatal("out of memory");
	skip_send(b->m, b->src, &one, LEFT_EMPTY, 0, "");
	uidset_free(&one);
	say(b->m->e, LOG_L_WARN, (int)b->src, b->m,
	    "Ignoring new 0-length message (UID %u)", uid);
}

int
copy_leftout(struct request *r, struct imsg *im)
{
	struct batch *b = r->arg;
	struct msg_leftout l;

	if (msg_get_leftout(&im->data, &l) == -1 ||
	    batch_meta(b, l.uid) == NULL ||
	    (r->type == MSG_COPY_IN) != (l.why >= LEFT_REFUSED))
		return -1;
	if (r->type == MSG_COPY_IN) {
		refused_one(b, l.uid, (enum leftout)l.why);
		return 0;
	}
	if (uidset_add(&b->left, l.uid) == -1)
		fatal("out of memory");
	if (l.why == LEFT_EMPTY)
		skip_empty(b, l.uid);
	if (l.why == LEFT_VANISHED && uidset_add(&b->gone, l.uid) == -1)
		fatal("out of memory");
	if (l.why == LEFT_NIL) {
		say(r->e, LOG_L_WARN, (int)b->src, r->m, "the server did not "
		    "send message UID %u; tried again in the next run", l.uid);
		r->m->s[b->src].incomplete = 1;
		r->e->outcome = outcome_worse(r->e->outcome, OUT_PARTIAL);
	}
	return 0;
}

static void
say_added(struct batch *b, const struct msg_pair *p, uint32_t n)
{
	struct uidset from, to;
	char f[256], t[256];
	size_t pos = 0, pos2 = 0;
	uint32_t i;

	uidset_init(&from);
	uidset_init(&to);
	for (i = 0; i < n; i++)
		if (uidset_add(&from, p[i].a) == -1 ||
		    uidset_add(&to, p[i].b) == -1)
			fatal("out of memory");
	(void)uidset_format(&from, &pos, f, sizeof(f));
	(void)uidset_format(&to, &pos2, t, sizeof(t));
	if (b->src == LOCAL)
		say(b->m->e, LOG_L_NOTICE, REMOTE, b->m,
		    "Added %u UID(s) %s -> %s", n, f, t);
	else
		say(b->m->e, LOG_L_NOTICE, LOCAL, b->m,
		    "Added %u UID(s) %s <- %s", n, t, f);
	uidset_free(&from);
	uidset_free(&to);
}

static void
mapped(struct request *r, const struct msg_fail *fail)
{
	struct batch *b = r->arg;
	struct mbox *m = r->m;

	b->pending = 0;
	KILLPOINT("mapped");
	req_plain(r, fail);
	batch_free(b);
	copy_pump(m);
}

/* What the two sides have now is known: its echo will be recognised. */
static void
add_row(struct batch *b, const struct meta *mt, uint32_t tuid)
{
	struct mbox *m = b->m;
	enum side t = OTHER(b->src);
	struct row *r;

	r = rowtab_add(&m->rowtab, b->src == LOCAL ? mt->uid : tuid,
	    b->src == LOCAL ? tuid : mt->uid);
	r->s[b->src].known = r->s[t].known = 1;
	r->s[b->src].flags = mt->flags;
	r->s[t].flags = batch_flags(b, mt);
	r->s[b->src].changed = b->plain != 0;
	if (m->refusals != NULL)
		refusals_drop(m, b->src, mt->uid);
}

/*
 * The UID that an APPEND gave was not told: the intent stays open, and the
 * next round finds the copy by its identity.
 */
static void
keep_intent(struct batch *b, const struct meta *mt)
{
	struct mbox *m = b->m;
	struct msg_intended *in;

	m->intents = grow(m->intents, m->nint, &m->intsize,
	    sizeof(*m->intents));
	in = &m->intents[m->nint++];
	memset(in, 0, sizeof(*in));
	in->side = (uint8_t)b->src;
	in->uid = mt->uid;
	in->tuidnext = m->s[OTHER(b->src)].cur.uidnext;
	if (uidset_add(&m->s[b->src].again, mt->uid) == -1)
		fatal("out of memory");
}

/*
 * A UID that this message cannot have been given: it was there before, or is
 * another's.  As good as not told.
 */
static int
is_taken(struct mbox *m, enum side t, uint32_t uid)
{
	const struct row *r;

	if (uid < m->s[t].cur.uidnext || uidset_has(&m->s[t].fresh, uid))
		return 1;
	r = rowtab_find(&m->rowtab, t, uid);
	return r != NULL && !r->s[t].held;
}

/* Commit the pairs; 0 when there are none. */
static int
batch_map(struct batch *b)
{
	const struct meta *mt;
	uint32_t i, n = 0;
	struct msg_pair *p;

	for (i = 0; i < b->ngot; i++) {
		if ((mt = batch_meta(b, b->got[i].a)) == NULL)
			continue;
		if (b->got[i].b == 0 ||
		    is_taken(b->m, OTHER(b->src), b->got[i].b)) {
			keep_intent(b, mt);
			continue;
		}
		back_taken(b->m, OTHER(b->src), b->got[i].b);
		add_row(b, mt, b->got[i].b);
		b->got[n++] = b->got[i];
	}
	if (n == 0)
		return 0;
	say_added(b, b->got, n);
	if ((p = calloc(n, sizeof(*p))) == NULL)
		fatal("out of memory");
	for (i = 0; i < n; i++) {
		p[i].a = b->src == LOCAL ? b->got[i].a : b->got[i].b;
		p[i].b = b->src == LOCAL ? b->got[i].b : b->got[i].a;
	}
	b->m->rows += n;
	b->m->s[b->src].nrefused = 0;
	b->m->e->naps[OTHER(b->src)] = 0;
	b->m->e->stats.copied[OTHER(b->src)] += n;
	b->pending = 1;
	map_send(b->m, MSG_MAP, (uint8_t)b->src, p, n, mapped, b);
	free(p);
	return 1;
}

/* Messages of a batch that were neither appended nor left out. */
static void
batch_rest(const struct batch *b, struct uidset *rest)
{
	uint32_t i;
	int err = 0;

	uidset_init(rest);
	for (i = 0; i < b->n; i++)
		err |= uidset_add(rest, b->meta[i].uid);
	for (i = 0; i < b->ngot; i++)
		err |= uidset_remove_range(rest, b->got[i].a, b->got[i].a);
	err |= uidset_minus(rest, &b->left);
	if (err)
		fatal("out of memory");
}

static void
unintent(struct batch *b, const struct uidset *set)
{
	struct msg_unintent u;
	struct ibuf buf;

	if (uidset_empty(set))
		return;
	u.idx = b->m->idx;
	u.side = (uint8_t)b->src;
	u.set = *set;
	ibuf_init(&buf);
	msg_put_unintent(&buf, &u);
	request(b->m->e, b->m, PEER_DB, MSG_UNINTENT, &buf, req_plain, NULL);
}

/* Both ends have answered. */
static void
batch_done(struct batch *b)
{
	struct mbox *m = b->m;
	struct mside *s = &m->s[b->src];
	struct uidset rest;

	KILLPOINT("copied");
	credit_release(b);
	batch_rest(b, &rest);
	/* Refused: nothing to look for in the next run. */
	if (b->failed == MSG_COPY_IN && uidset_union(&b->left, &rest) == -1)
		fatal("out of memory");
	unintent(b, &b->left);
	not_told(s, &b->gone);
	if (b->failed == MSG_COPY_IN)
		refused_batch(b, &rest);
	else if (b->failed) {
		s->incomplete = 1;
		uidset_free(&s->copy);
	}
	uidset_free(&rest);
	if (!batch_map(b)) {
		batch_free(b);
		copy_pump(m);
	}
}

static void
copy_failed(struct request *r, struct batch *b, const struct msg_fail *fail)
{
	char more[32] = "";

	if (r->type == MSG_COPY_IN &&
	    (fail->kind == FAIL_NO || fail->kind == FAIL_BAD)) {
		b->failed = MSG_COPY_IN;
		refused_why(b, fail);
		return;
	}
	b->failed = MSG_COPY_OUT;
	if (b->n > 1)
		(void)snprintf(more, sizeof(more), " and %u more", b->n - 1);
	say(r->e, LOG_L_ERROR, (int)r->peer, r->m, "%s of %s UID %u%s failed: "
	    "%s%.*s%s%.*s; tried again in the next run",
	    r->type == MSG_COPY_IN ? "APPEND" : "FETCH", side_name(b->src),
	    b->meta[0].uid, more, fail->code.n > 0 ? "[" : "",
	    (int)fail->code.n, fail->code.p, fail->code.n > 0 ? "] " : "",
	    (int)fail->text.n, fail->text.p);
	r->e->outcome = outcome_worse(r->e->outcome, outcome_of(fail));
}

void
copied(struct request *r, const struct msg_fail *fail)
{
	struct batch *b = r->arg;

	if (fail != NULL && fail->kind != FAIL_ABORTED)
		copy_failed(r, b, fail);
	else if (fail != NULL && b->failed == 0)
		b->failed = MSG_COPY_OUT;
	if (--b->pending == 0)
		batch_done(b);
}
