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
 * Payloads between the parent and statedb.  Writer and reader of each stand
 * together.  Called by interimap and statedb; pure.
 */
#include <limits.h>
#include <stdint.h>

#include "msg.h"
#include "msg_field.h"

#define SKIP_TEXTMAX	(4096 - 22)
#define KEYWORD_MAX	(4096 - 10)
#define PAIR_LEN	9	/* octets of a pair */
#define INTENDED_LEN	(1 + 4 + 4 + 8 + FIELD_DATELEN)

void
msg_put_open(struct ibuf *b, const struct msg_open *m)
{
	field_put(b, m->path);
	ibuf_add_u8(b, m->flags);
}

int
msg_get_open(struct ibuf *b, struct msg_open *m)
{
	m->path = ibuf_get_text(b, PATH_MAX - 1);
	if (m->path.n == 0)
		field_bad(b);
	m->flags = field_get_bits(b, OPEN_CREATE);
	return ibuf_done(b);
}

void
msg_put_opened(struct ibuf *b, const struct msg_opened *m)
{
	ibuf_add_u8(b, m->created);
	ibuf_add_u8(b, m->unclean);
	ibuf_add_u8(b, m->old);
	field_put(b, m->copy);
}

int
msg_get_opened(struct ibuf *b, struct msg_opened *m)
{
	m->created = field_get_u8(b, 0, 1);
	m->unclean = field_get_u8(b, 0, 2);
	m->old = field_get_u8(b, 0, 1);
	m->copy = ibuf_get_text(b, PATH_MAX - 1);
	return ibuf_done(b);
}

void
msg_put_migrate(struct ibuf *b, const struct msg_migrate *m)
{
	int s;

	for (s = LOCAL; s <= REMOTE; s++) {
		ibuf_add_u8(b, m->delim[s]);
		ibuf_add_u8(b, m->told[s]);
	}
}

int
msg_get_migrate(struct ibuf *b, struct msg_migrate *m)
{
	int s;

	for (s = LOCAL; s <= REMOTE; s++) {
		m->delim[s] = field_get_u8(b, 0, 127);
		m->told[s] = field_get_u8(b, 0, 1);
	}
	return ibuf_done(b);
}

static void
put_state(struct ibuf *b, const struct msg_state *st)
{
	ibuf_add_u32(b, st->uidvalidity);
	ibuf_add_u32(b, st->uidnext);
	ibuf_add_u64(b, st->modseq);
}

static void
get_state(struct ibuf *b, struct msg_state *st)
{
	st->uidvalidity = ibuf_get_u32(b);
	st->uidnext = ibuf_get_u32(b);
	st->modseq = field_get_u63(b);
}

void
msg_put_dbmailbox(struct ibuf *b, const struct msg_dbmailbox *m)
{
	ibuf_add_u32(b, m->idx);
	field_put(b, m->name);
	ibuf_add_u8(b, m->subscribed);
	ibuf_add_u8(b, m->hasstate);
	put_state(b, &m->st[LOCAL]);
	put_state(b, &m->st[REMOTE]);
	ibuf_add_u8(b, m->above);
	ibuf_add_u32(b, m->intents);
	ibuf_add_u32(b, m->held);
}

int
msg_get_dbmailbox(struct ibuf *b, struct msg_dbmailbox *m)
{
	m->idx = field_get_nz(b);
	m->name = field_get_dbname(b);
	m->subscribed = field_get_u8(b, 0, 1);
	m->hasstate = field_get_u8(b, 0, 1);
	get_state(b, &m->st[LOCAL]);
	get_state(b, &m->st[REMOTE]);
	m->above = ibuf_get_u8(b);
	m->intents = ibuf_get_u32(b);
	m->held = ibuf_get_u32(b);
	return ibuf_done(b);
}

void
msg_put_add(struct ibuf *b, const struct msg_add *m)
{
	field_put(b, m->name);
	ibuf_add_u8(b, m->subscribed);
}

int
msg_get_add(struct ibuf *b, struct msg_add *m)
{
	m->name = field_get_dbname(b);
	m->subscribed = field_get_u8(b, 0, 1);
	return ibuf_done(b);
}

void
msg_put_setsub(struct ibuf *b, const struct msg_setsub *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->subscribed);
}

int
msg_get_setsub(struct ibuf *b, struct msg_setsub *m)
{
	m->idx = field_get_nz(b);
	m->subscribed = field_get_u8(b, 0, 1);
	return ibuf_done(b);
}

void
msg_put_move(struct ibuf *b, const struct msg_move *m)
{
	field_put(b, m->from);
	field_put(b, m->to);
	ibuf_add_u8(b, m->deep);
}

int
msg_get_move(struct ibuf *b, struct msg_move *m)
{
	m->from = field_get_dbname(b);
	m->to = field_get_dbname(b);
	m->deep = field_get_u8(b, 0, 1);
	return ibuf_done(b);
}

void
msg_put_stateadd(struct ibuf *b, const struct msg_stateadd *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u32(b, m->uidvalidity[LOCAL]);
	ibuf_add_u32(b, m->uidvalidity[REMOTE]);
}

int
msg_get_stateadd(struct ibuf *b, struct msg_stateadd *m)
{
	m->idx = field_get_nz(b);
	m->uidvalidity[LOCAL] = field_get_nz(b);
	m->uidvalidity[REMOTE] = field_get_nz(b);
	return ibuf_done(b);
}

void
msg_put_lookup(struct ibuf *b, const struct msg_lookup *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	field_put_set(b, &m->set);
}

int
msg_get_lookup(struct ibuf *b, struct msg_lookup *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}

void
msg_put_counted(struct ibuf *b, const struct msg_counted *m)
{
	ibuf_add_u32(b, m->rows);
	ibuf_add_u32(b, m->held[LOCAL]);
	ibuf_add_u32(b, m->held[REMOTE]);
	ibuf_add_u32(b, m->skipped[LOCAL]);
	ibuf_add_u32(b, m->skipped[REMOTE]);
}

int
msg_get_counted(struct ibuf *b, struct msg_counted *m)
{
	m->rows = ibuf_get_u32(b);
	m->held[LOCAL] = ibuf_get_u32(b);
	m->held[REMOTE] = ibuf_get_u32(b);
	m->skipped[LOCAL] = ibuf_get_u32(b);
	m->skipped[REMOTE] = ibuf_get_u32(b);
	return ibuf_done(b);
}

void
msg_put_map(struct ibuf *b, const struct msg_map *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	ibuf_add_u32(b, m->n);
}

int
msg_get_map(struct ibuf *b, struct msg_map *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, MAP_NOSIDE);
	m->n = field_get_count(b, PAIR_LEN);
	return field_ok(b);
}

void
msg_put_intent(struct ibuf *b, const struct msg_intent *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	ibuf_add_u32(b, m->tuidnext);
	ibuf_add_u32(b, m->n);
}

int
msg_get_intent(struct ibuf *b, struct msg_intent *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->tuidnext = ibuf_get_u32(b);
	m->n = field_get_count(b, INTENDED_LEN);
	return field_ok(b);
}

void
msg_put_intended(struct ibuf *b, const struct msg_intended *m)
{
	ibuf_add_u8(b, m->side);
	ibuf_add_u32(b, m->uid);
	ibuf_add_u32(b, m->tuidnext);
	ibuf_add_u64(b, m->size);
	field_put_date(b, &m->date);
}

int
msg_get_intended(struct ibuf *b, struct msg_intended *m)
{
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->uid = field_get_nz(b);
	m->tuidnext = ibuf_get_u32(b);
	m->size = field_get_u63(b);
	field_get_date(b, &m->date);
	return field_ok(b);
}

void
msg_put_unintent(struct ibuf *b, const struct msg_unintent *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	field_put_set(b, &m->set);
}

int
msg_get_unintent(struct ibuf *b, struct msg_unintent *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}

void
msg_put_skip(struct ibuf *b, const struct msg_skip *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	ibuf_add_u32(b, m->uid);
	ibuf_add_u32(b, m->last);
	ibuf_add_u8(b, m->why);
	ibuf_add_u32(b, m->pause);
	field_put_cut(b, m->text, SKIP_TEXTMAX);
}

int
msg_get_skip(struct ibuf *b, struct msg_skip *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->uid = field_get_nz(b);
	m->last = ibuf_get_u32(b);
	m->why = ibuf_get_u8(b);
	m->pause = ibuf_get_u32(b);
	m->text = ibuf_get_text(b, SKIP_TEXTMAX);
	return m->last != 0 && m->last < m->uid ? -1 : ibuf_done(b);
}

void
msg_put_refused(struct ibuf *b, const struct msg_refused *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	ibuf_add_u8(b, m->why);
	ibuf_add_u32(b, m->tries);
	ibuf_add_u32(b, m->wait);
	field_put_cut(b, m->text, SKIP_TEXTMAX);
	field_put_set(b, &m->set);
}

int
msg_get_refused(struct ibuf *b, struct msg_refused *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->why = field_get_u8(b, LEFT_REFUSED, LEFT_NUL);
	m->tries = ibuf_get_u32(b);
	m->wait = ibuf_get_u32(b);
	m->text = ibuf_get_text(b, SKIP_TEXTMAX);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}

void
msg_put_keyword(struct ibuf *b, const struct msg_keyword *m)
{
	ibuf_add_u32(b, m->idx);
	ibuf_add_u8(b, m->side);
	field_put_cut(b, m->text, KEYWORD_MAX);
}

int
msg_get_keyword(struct ibuf *b, struct msg_keyword *m)
{
	m->idx = field_get_nz(b);
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->text = ibuf_get_text(b, KEYWORD_MAX);
	return ibuf_done(b);
}

void
msg_put_memory(struct ibuf *b, const struct msg_memory *m)
{
	ibuf_add_u8(b, m->side);
	ibuf_add_u64(b, m->key);
	ibuf_add_u64(b, m->caps);
	ibuf_add_u32(b, m->listed);
}

int
msg_get_memory(struct ibuf *b, struct msg_memory *m)
{
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->key = field_get_u63(b);
	m->caps = field_get_u63(b);
	m->listed = ibuf_get_u32(b);
	return (m->caps & ~(uint64_t)CAP_ALL) != 0 ? -1 : ibuf_done(b);
}

void
msg_put_advance(struct ibuf *b, const struct msg_advance *m)
{
	int s;

	ibuf_add_u32(b, m->idx);
	for (s = LOCAL; s <= REMOTE; s++) {
		ibuf_add_u32(b, m->st[s].uidnext);
		ibuf_add_u64(b, m->st[s].modseq);
	}
}

int
msg_get_advance(struct ibuf *b, struct msg_advance *m)
{
	int s;

	m->idx = field_get_nz(b);
	for (s = LOCAL; s <= REMOTE; s++) {
		m->st[s].uidnext = ibuf_get_u32(b);
		m->st[s].modseq = field_get_u63(b);
	}
	return ibuf_done(b);
}
