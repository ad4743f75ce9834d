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
 * What an imapchild answers: state and messages of a mailbox.  Writer and
 * reader of each payload stand together.  Called by interimap and imapchild;
 * pure.
 */
#include <stdint.h>
#include <string.h>

#include "msg.h"
#include "msg_field.h"

void
msg_put_selected(struct ibuf *b, const struct msg_selected *m)
{
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u32(b, m->uidnext);
	ibuf_add_u32(b, m->exists);
	ibuf_add_u64(b, m->modseq);
	field_put_flags(b, &m->perm);
	ibuf_add_u8(b, m->readonly);
}

int
msg_get_selected(struct ibuf *b, struct msg_selected *m)
{
	m->uidvalidity = field_get_nz(b);
	m->uidnext = ibuf_get_u32(b);
	m->exists = ibuf_get_u32(b);
	m->modseq = field_get_u63(b);
	field_get_flags(b, &m->perm, FLAG_SYSTEM | FLAG_STAR);
	m->readonly = field_get_u8(b, 0, 1);
	return field_finish(ibuf_done(b), &m->perm, NULL);
}

void
msg_put_changed(struct ibuf *b, const struct msg_changed *m)
{
	ibuf_add_u32(b, m->uid);
	ibuf_add_u64(b, m->modseq);
	field_put_flags(b, &m->flags);
}

int
msg_get_changed(struct ibuf *b, struct msg_changed *m)
{
	m->uid = field_get_nz(b);
	m->modseq = field_get_u63(b);
	field_get_flags(b, &m->flags, FLAG_SYSTEM);
	return field_finish(field_ok(b), &m->flags, NULL);
}

/* The digest travels only when there is one. */
void
msg_put_message(struct ibuf *b, const struct msg_message *m)
{
	ibuf_add_u32(b, m->uid);
	ibuf_add_u64(b, m->modseq);
	ibuf_add_u64(b, m->size);
	field_put_date(b, &m->date);
	field_put_flags(b, &m->flags);
	ibuf_add_u8(b, m->id);
	if (m->id != ID_NONE)
		ibuf_add_raw(b, m->digest, ID_DIGEST);
}

int
msg_get_message(struct ibuf *b, struct msg_message *m)
{
	m->uid = field_get_nz(b);
	m->modseq = field_get_u63(b);
	m->size = field_get_u63(b);
	field_get_date(b, &m->date);
	field_get_flags(b, &m->flags, FLAG_SYSTEM);
	m->id = field_get_u8(b, ID_NONE, ID_BODY);
	if (m->id != ID_NONE)
		ibuf_get_raw(b, m->digest, ID_DIGEST);
	else
		memset(m->digest, 0, ID_DIGEST);
	return field_finish(field_ok(b), &m->flags, NULL);
}

void
msg_put_pair(struct ibuf *b, const struct msg_pair *m)
{
	ibuf_add_u32(b, m->a);
	ibuf_add_u32(b, m->b);
	ibuf_add_u8(b, m->held);
}

int
msg_get_pair(struct ibuf *b, struct msg_pair *m)
{
	m->a = field_get_nz(b);
	m->b = ibuf_get_u32(b);
	m->held = ibuf_get_u8(b);
	return field_ok(b);
}

void
msg_put_leftout(struct ibuf *b, const struct msg_leftout *m)
{
	ibuf_add_u32(b, m->uid);
	ibuf_add_u8(b, m->why);
}

int
msg_get_leftout(struct ibuf *b, struct msg_leftout *m)
{
	m->uid = field_get_nz(b);
	m->why = field_get_u8(b, LEFT_VANISHED, LEFT_NUL);
	return ibuf_done(b);
}
