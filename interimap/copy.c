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
 * COPY: new messages of each side to the other, in batches.  A batch is
 * written down as intents, then gets credit, then COPY_IN and COPY_OUT leave
 * together; what is answered is copied.c's matter.  A few batches are under way
 * at once.
 * When nothing is left to be started the PULL of SETTLE follows in the same
 * flight.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "refusals.h"
#include "repair.h"

/* Octets of a COPY_IN's items at most; its head has room besides. */
#define ITEMS_OCTETS	(IMSG_MAXPAYLOAD - 2 * MAILBOX_NAMEMAX)

/* ---- metadata of what is to be copied ---- */

int
copy_meta(struct request *r, struct imsg *im)
{
	if (r->arg != NULL)
		return recheck_message(r, im);
	return meta_read(r->e, im, &r->m->s[r->peer].meta);
}

/*
 * What was asked for and did not come has vanished meanwhile, or so it seems:
 * the next PULL of this side must say so before its UID is passed over.
 */
void
not_told(struct mside *s, const struct uidset *set)
{
	if (uidset_empty(set))
		return;
	if (uidset_union(&s->again, set) == -1)
		fatal("out of memory");
	s->touched = 1;
}

static void
meta_done(struct request *r, const struct msg_fail *fail)
{
	struct mside *s = &r->m->s[r->peer];
	size_t i;
	int err = 0;

	if (fail != NULL)
		uidset_free(&s->copy);
	/* From the first on: batches may have taken some already. */
	for (i = 0; i < s->meta.n; i++)
		err |= uidset_remove_range(&s->asked, s->meta.m[i].uid,
		    s->meta.m[i].uid);
	err |= uidset_minus(&s->copy, &s->asked);
	not_told(s, &s->asked);
	if (err)
		fatal("out of memory");
	uidset_free(&s->asked);
	if (fail != NULL)
		req_plain(r, fail);
	else
		copy_pump(r->m);
}

static void
fetch_meta(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct uiditer it;
	uint32_t uid, n = 0;

	s->meta.n = s->meta.next = 0;
	uiditer_init(&it, &s->copy);
	while (n++ < META_CHUNK && (uid = uiditer_next(&it)) != 0)
		if (uidset_add(&s->asked, uid) == -1)
			fatal("out of memory");
	uids_send(m, side, MSG_GETMETA, ID_NONE, &s->asked, meta_done, NULL);
}

/* ---- a batch ---- */

void
batch_free(struct batch *b)
{
	b->m->s[b->src].nbatches--;
	free(b->meta);
	free(b->got);
	free(b->why);
	uidset_free(&b->left);
	uidset_free(&b->gone);
	uidset_free(&b->refused);
	free(b);
}

static void
batch_add(struct batch **bp, struct mbox *m, enum side side,
    const struct meta *mt)
{
	struct batch *b = *bp;
	size_t size;

	if (b == NULL) {
		if ((b = calloc(1, sizeof(*b))) == NULL)
			fatal("out of memory");
		b->m = m;
		b->src = side;
		m->s[side].nbatches++;
		m->unstarted++;
		*bp = b;
	}
	size = b->n;
	b->meta = grow(b->meta, b->n, &size, sizeof(*b->meta));
	b->meta[b->n++] = *mt;
	b->octets += mt->size + BODY_COST;
}

/*
 * One that the server says it will not take (RFC 7889) is not even asked for:
 * 1, and it is done with.
 */
static int
above_limit(struct mbox *m, enum side side, const struct meta *mt)
{
	uint64_t limit = m->e->appendlimit[OTHER(side)];
	struct uidset one = UIDSET_INIT;
	char text[100];

	if (limit == 0 || mt->size <= limit)
		return 0;
	(void)snprintf(text, sizeof(text), "%llu octets are more than its "
	    "APPENDLIMIT of %llu", (unsigned long long)mt->size,
	    (unsigned long long)limit);
	if (uidset_add(&one, mt->uid) == -1 ||
	    uidset_remove_range(&m->s[side].copy, mt->uid, mt->uid) == -1)
		fatal("out of memory");
	refusals_add(m, side, &one, LEFT_REFUSED, text);
	uidset_free(&one);
	return 1;
}

/*
 * Take the next messages of this side into a batch; NULL when the known
 * metadata is used up.
 */
static struct batch *
batch_form(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct batch *b = NULL;
	const struct meta *mt;
	const struct flags *f;
	size_t octets = 0, item;

	for (; s->meta.next < s->meta.n; s->meta.next++) {
		mt = &s->meta.m[s->meta.next];
		if (!uidset_has(&s->copy, mt->uid) ||
		    above_limit(m, side, mt))
			continue;
		f = flagtab_get(&m->e->flagtab, mt->flags);
		item = 64 + (f->kw != NULL ? strlen(f->kw) : 0);
		if (b != NULL && (b->n >= BATCH_MESSAGES ||
		    b->octets + mt->size + BODY_COST > BATCH_OCTETS ||
		    octets + item > ITEMS_OCTETS))
			break;
		batch_add(&b, m, side, mt);
		octets += item;
		if (uidset_remove_range(&s->copy, mt->uid, mt->uid) == -1)
			fatal("out of memory");
	}
	return b;
}

static void	intended(struct request *, const struct msg_fail *);

/* Written down before it is sent: what is about to be appended, and where. */
static void
batch_intend(struct batch *b)
{
	struct mbox *m = b->m;
	struct msg_intended item;
	struct msg_intent head;
	struct ibuf buf;
	uint32_t i;

	head.idx = m->idx;
	head.side = (uint8_t)b->src;
	head.tuidnext = m->s[OTHER(b->src)].sel.uidnext;
	head.n = b->n;
	ibuf_init(&buf);
	msg_put_intent(&buf, &head);
	memset(&item, 0, sizeof(item));
	item.side = head.side;
	item.tuidnext = head.tuidnext;
	for (i = 0; i < b->n; i++) {
		item.uid = b->meta[i].uid;
		item.size = b->meta[i].size;
		item.date = b->meta[i].date;
		msg_put_intended(&buf, &item);
	}
	b->pending = 1;
	request(m->e, m, PEER_DB, MSG_INTENT, &buf, intended, b);
}

static void
intended(struct request *r, const struct msg_fail *fail)
{
	struct batch *b = r->arg;

	b->pending = 0;
	if (fail != NULL) {
		req_plain(r, fail);
		r->m->unstarted--;
		batch_free(b);
		return;
	}
	KILLPOINT("intent-committed");
	if (!r->m->failed)
		push_send(r->m);
	r->m->pending++;		/* while it waits for credit */
	credit_ask(b);
}

void
batch_again(struct batch *old, const struct uidset *set, int plain)
{
	struct batch *b = NULL;
	uint32_t i;

	for (i = 0; i < old->n; i++)
		if (uidset_has(set, old->meta[i].uid))
			batch_add(&b, old->m, old->src, &old->meta[i]);
	if (b == NULL)
		return;
	b->plain = plain;
	b->waited = old->waited;
	batch_intend(b);
}

/* The flags that a message of this batch is to get. */
flagid
batch_flags(const struct batch *b, const struct meta *mt)
{
	struct flagtab *tab = &b->m->e->flagtab;
	flagid f = flagtab_mask(tab, mt->flags, &b->m->s[OTHER(b->src)].perm);

	return b->plain ? keywords_none(tab, f) : f;
}

static void
send_copy_in(struct batch *b)
{
	struct engine *e = b->m->e;
	struct mside *t = &b->m->s[OTHER(b->src)];
	struct msg_copyitem item;
	struct msg_copyin in;
	struct ibuf buf;
	uint32_t i;

	in.transfer = b->transfer;
	in.mailbox = bytes_of(t->name);
	in.uidvalidity = t->sel.uidvalidity;
	in.n = b->n;
	ibuf_init(&buf);
	msg_put_copyin(&buf, &in);
	for (i = 0; i < b->n; i++) {
		item.uid = b->meta[i].uid;
		item.size = b->meta[i].size;
		item.date = b->meta[i].date;
		item.binary = (uint8_t)refusals_nul(b->m, b->src, item.uid);
		item.flags = *flagtab_get(&e->flagtab, batch_flags(b,
		    &b->meta[i]));
		msg_put_copyitem(&buf, &item);
	}
	t->touched = 1;
	request(e, b->m, (enum peer)OTHER(b->src), MSG_COPY_IN, &buf,
	    copied, b);
}

static void
send_copy_out(struct batch *b)
{
	struct mside *s = &b->m->s[b->src];
	struct msg_copyout out;
	struct ibuf buf;
	uint32_t i;

	out.transfer = b->transfer;
	out.mailbox = bytes_of(s->name);
	out.uidvalidity = s->sel.uidvalidity;
	uidset_init(&out.set);
	for (i = 0; i < b->n; i++)
		if (uidset_add(&out.set, b->meta[i].uid) == -1)
			fatal("out of memory");
	ibuf_init(&buf);
	msg_put_copyout(&buf, &out);
	request(b->m->e, b->m, (enum peer)b->src, MSG_COPY_OUT, &buf,
	    copied, b);
	uidset_free(&out.set);
}

/* Credit was granted.  Both ends are told at once, in the same order. */
void
batch_start(struct batch *b)
{
	struct mbox *m = b->m;

	m->pending--;
	m->unstarted--;
	if (m->failed) {
		credit_release(b);
		batch_free(b);
		mbox_step(m);
		return;
	}
	b->pending = 2;
	b->transfer = ++m->e->transfer;
	send_copy_in(b);
	send_copy_out(b);
	copy_pump(m);
}

/* ---- the pump ---- */

static void
pump_side(struct mbox *m, enum side side)
{
	struct mside *s = &m->s[side];
	struct batch *b;

	while (s->nbatches < BATCHES_MAX) {
		if ((b = batch_form(m, side)) == NULL)
			break;
		batch_intend(b);
	}
	if (s->nbatches < BATCHES_MAX && uidset_empty(&s->asked) &&
	    !uidset_empty(&s->copy))
		fetch_meta(m, side);
}

/* Nothing is left to be started from either side. */
int
copy_idle(const struct mbox *m)
{
	const struct mside *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &m->s[i];
		if (!uidset_empty(&s->copy) || !uidset_empty(&s->asked))
			return 0;
	}
	return m->unstarted == 0;
}

void
copy_pump(struct mbox *m)
{
	if (m->failed || m->settling || m->e->lost)
		return;
	pump_side(m, LOCAL);
	pump_side(m, REMOTE);
	if (m->unstarted == 0)
		push_send(m);
	if (copy_idle(m))
		settle_send(m);
}

void
copy_begin(struct mbox *m)
{
	back_written(m);
	mbox_wait(m, NULL);
	copy_pump(m);
	mbox_wait(m, settle_or_advance);
}
