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
 * What is common to all messages: their names and limits, the fields several
 * of them share, UID sets and lists.  Called by all three programs; pure.
 */
#include <stdint.h>
#include <string.h>

#include "msg.h"
#include "msg_field.h"

#define RANGE_LEN	8	/* octets of a range in a set */

/* INTERNALDATE of four-digit years, a day to spare for the zone. */
#define DATE_MIN	(-62167219200LL - 86400)	/* 0000-01-01 */
#define DATE_MAX	(253402300799LL + 86400)	/* 9999-12-31 */
#define ZONE_MAX	(24 * 60 - 1)			/* minutes */

static const struct {
	const char	*name;
	enum msg_dir	 dir;
	size_t		 min, max;	/* octets of payload */
} msgs[] = {
	{ "NONE", MSG_PI, 1, 0 },	/* never allowed */
#define X(name, dir, min, max)	{ #name, MSG_##dir, min, max },
	MSG_LIST(X)
#undef X
};

const char *
msg_name(uint16_t type)
{
	if (type == MSG_NONE || type >= MSG_COUNT_TYPES)
		return "?";
	return msgs[type].name;
}

int
msg_check(uint16_t type, enum msg_dir way, size_t n)
{
	enum msg_dir dir;

	if (type == MSG_NONE || type >= MSG_COUNT_TYPES)
		return -1;
	dir = msgs[type].dir;
	if (dir == MSG_PC)
		dir = way == MSG_PS ? MSG_PS : MSG_PI;
	else if (dir == MSG_CP)
		dir = way == MSG_SP ? MSG_SP : MSG_IP;
	if (dir != way || n < msgs[type].min || n > msgs[type].max)
		return -1;
	return 0;
}

const char *
side_name(enum side side)
{
	return side == LOCAL ? "local" : "remote";
}

void
field_bad(struct ibuf *b)
{
	b->err = 1;
}

int
field_ok(const struct ibuf *b)
{
	return ibuf_ok(b) ? 0 : -1;
}

int
field_finish(int result, struct flags *f, struct uidset *s)
{
	if (result == -1 && f != NULL)
		flags_free(f);
	if (result == -1 && s != NULL)
		uidset_free(s);
	return result;
}

void
field_put(struct ibuf *b, struct bytes v)
{
	ibuf_add_bytes(b, v.p, v.n);
}

void
field_put_cut(struct ibuf *b, struct bytes v, size_t max)
{
	ibuf_add_bytes(b, v.p, v.n < max ? v.n : max);
}

uint8_t
field_get_u8(struct ibuf *b, uint8_t min, uint8_t max)
{
	uint8_t v = ibuf_get_u8(b);

	if (v < min || v > max) {
		field_bad(b);
		return min;
	}
	return v;
}

uint8_t
field_get_bits(struct ibuf *b, uint8_t allowed)
{
	uint8_t v = ibuf_get_u8(b);

	if ((v & ~allowed) != 0)
		field_bad(b);
	return v & allowed;
}

uint32_t
field_get_nz(struct ibuf *b)
{
	uint32_t v = ibuf_get_u32(b);

	if (v == 0)
		field_bad(b);
	return v;
}

uint64_t
field_get_u63(struct ibuf *b)
{
	uint64_t v = ibuf_get_u64(b);

	if (v > INT64_MAX) {
		field_bad(b);
		return 0;
	}
	return v;
}

uint32_t
field_get_count(struct ibuf *b, size_t itemlen)
{
	uint32_t n = ibuf_get_u32(b);

	if (n > ibuf_left(b) / itemlen) {
		field_bad(b);
		return 0;
	}
	return n;
}

struct bytes
field_get_name(struct ibuf *b)
{
	struct bytes v = ibuf_get_text(b, MAILBOX_NAMEMAX);

	if (v.n == 0)
		field_bad(b);
	return v;
}

struct bytes
field_get_dbname(struct ibuf *b)
{
	struct bytes v = ibuf_get_bytes(b, MAILBOX_NAMEMAX);

	if (v.n == 0)
		field_bad(b);
	return v;
}

void
field_put_flags(struct ibuf *b, const struct flags *f)
{
	ibuf_add_u8(b, f->sys);
	ibuf_add_str(b, f->kw);
}

void
field_get_flags(struct ibuf *b, struct flags *f, uint8_t allowed)
{
	struct bytes kw;

	flags_init(f);
	f->sys = field_get_bits(b, allowed);
	kw = ibuf_get_bytes(b, FLAGS_KWMAX);
	if (ibuf_ok(b) && flags_set_keywords(f, kw.p, kw.n) == -1)
		field_bad(b);
}

void
field_put_date(struct ibuf *b, const struct msg_date *d)
{
	ibuf_add_u64(b, (uint64_t)d->time);
	ibuf_add_u16(b, (uint16_t)d->zone);
	ibuf_add_u8(b, d->valid);
}

void
field_get_date(struct ibuf *b, struct msg_date *d)
{
	d->time = (int64_t)ibuf_get_u64(b);
	d->zone = (int16_t)ibuf_get_u16(b);
	d->valid = field_get_u8(b, 0, 1);
	if (d->time < DATE_MIN || d->time > DATE_MAX ||
	    d->zone < -ZONE_MAX || d->zone > ZONE_MAX)
		field_bad(b);
}

void
msg_put_set(struct ibuf *b, const struct uidset *s, size_t *pos)
{
	size_t room = ibuf_room(b), n = s->n - *pos;

	if (room < sizeof(uint32_t)) {
		field_bad(b);
		return;
	}
	if (n > (room - sizeof(uint32_t)) / RANGE_LEN)
		n = (room - sizeof(uint32_t)) / RANGE_LEN;
	ibuf_add_u32(b, (uint32_t)n);
	for (; n > 0; n--, (*pos)++) {
		ibuf_add_u32(b, s->r[*pos].lo);
		ibuf_add_u32(b, s->r[*pos].hi);
	}
}

int
msg_get_setpart(struct ibuf *b, struct uidset *s)
{
	uint32_t n = field_get_count(b, RANGE_LEN), lo, hi;
	uint64_t least = 1;	/* where the next range may begin */

	for (; n > 0; n--) {
		lo = ibuf_get_u32(b);
		hi = ibuf_get_u32(b);
		if (lo < least || hi < lo ||
		    uidset_add_range(s, lo, hi) == -1) {
			field_bad(b);
			break;
		}
		least = (uint64_t)hi + 2;	/* neighbours are one range */
	}
	return field_ok(b);
}

int
msg_get_set(struct ibuf *b, struct uidset *s)
{
	if (msg_get_setpart(b, s) == -1)
		return -1;
	return ibuf_done(b);
}

void
field_put_set(struct ibuf *b, const struct uidset *s)
{
	size_t pos = 0;

	msg_put_set(b, s, &pos);
	if (pos < s->n)
		field_bad(b);
}

void
field_get_set(struct ibuf *b, struct uidset *s)
{
	uidset_init(s);
	msg_get_setpart(b, s);
}

size_t
msg_list_begin(struct ibuf *b)
{
	size_t off = b->wpos;

	ibuf_add_u32(b, 0);
	return off;
}

void
msg_list_end(struct ibuf *b, size_t off, uint32_t n)
{
	ibuf_set_u32(b, off, n);
}
