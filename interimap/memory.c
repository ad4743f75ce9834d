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
 * What the servers could do in the last run, which the database keeps for the
 * next one (lib/msg.h, struct msg_memory).  Called by frames.c, children.c and
 * session.c.
 *
 * A memory is for one server and one account: its key is a hash of what the
 * configuration says of them, and never of a secret.  What is remembered only
 * saves time, so a clash of two keys would cost a round trip, and no more.
 */
#include <string.h>

#include "session.h"

#define KEY_FORM	"1"	/* another one when CAP_* or the key change */
#define LISTED_FEW	16	/* mailboxes that make no difference */
#define FNV_BASIS	0xcbf29ce484222325ULL	/* FNV-1a, 64 bits */
#define FNV_PRIME	0x100000001b3ULL

/* A field and its end; one that is not set differs from an empty one. */
static uint64_t
mix(uint64_t h, const char *s)
{
	size_t	i, n = s == NULL ? 0 : strlen(s) + 1;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * FNV_PRIME;
	return (h ^ 0xff) * FNV_PRIME;
}

static uint64_t
memory_key(const struct server *v)
{
	static const char *const types[] = { "imap", "imaps", "tunnel" };
	uint64_t	 h;

	h = mix(mix(FNV_BASIS, KEY_FORM), types[v->conn]);
	if (v->conn == CONN_TUNNEL)
		h = mix(h, v->command);
	else
		h = mix(mix(mix(h, v->host), v->port),
		    v->use_starttls ? "STARTTLS" : NULL);
	return mix(mix(h, v->username), v->auth) >> 1;
}

void
memory_init(struct session *s)
{
	int	i;

	for (i = LOCAL; i <= REMOTE; i++) {
		s->memory[i].is.side = (uint8_t)i;
		s->memory[i].is.key = memory_key(&s->conf->server[i]);
	}
}

/* Of another server, or another account, it counts as none. */
int
memory_told(struct session *s, enum peer p, struct imsg *im)
{
	struct msg_memory	m;

	if (p != PEER_DB || im->id != ID_OPEN || s->phase != PHASE_OPEN ||
	    msg_get_memory(&im->data, &m) == -1)
		return -1;
	if (m.key == s->memory[m.side].is.key) {
		s->memory[m.side].is = m;
		s->memory[m.side].known = 1;
	}
	return 0;
}

/* What was asked for by name says nothing of how long a list is. */
void
memory_config(struct session *s, enum side side, struct msg_config *m)
{
	const struct memory	*y = &s->memory[side];

	m->remembered = y->is.caps;
	m->listed = s->opts->nmailboxes == 0 ? y->is.listed : 0;
}

/* The answer that tells the delimiter is counted as well: no matter. */
void
memory_listed(struct session *s, enum peer p)
{
	if (p != PEER_DB && s->memory[p].listed < UINT32_MAX)
		s->memory[p].listed++;
}

/* So that a run that found nothing else writes nothing, about will do. */
static int
about(uint32_t now, uint32_t before)
{
	uint32_t	d = now > before ? now - before : before - now;

	return d <= LISTED_FEW + before / 8;
}

/* Have it kept, if it is another one than before. */
static void
keep(struct session *s, enum side side, uint64_t caps, uint32_t listed)
{
	struct memory	*y = &s->memory[side];
	struct ibuf	 b;

	if (y->known && y->is.caps == caps && about(listed, y->is.listed))
		return;
	y->is.caps = caps;
	y->is.listed = listed;
	y->known = 1;
	ibuf_init(&b);
	msg_put_memory(&b, &y->is);
	if (child_send(s, PEER_DB, MSG_REMEMBER, ID_REMEMBER, &b) == 0)
		s->remembering++;
	ibuf_free(&b);
}

/*
 * A server that did not take what went ahead of its answer to the login is
 * spared that until it can do something else than before.
 */
static uint64_t
caps_now(const struct session *s, enum side side)
{
	const struct memory	*y = &s->memory[side];
	uint64_t		 now = s->server[side].caps & CAP_ALL;

	if (y->doubted || (y->known && y->is.caps == (now | CAP_STEPWISE)))
		now |= CAP_STEPWISE;
	return now;
}

void
memory_keep(struct session *s)
{
	struct memory	*y;
	int		 i;

	for (i = LOCAL; i <= REMOTE; i++) {
		y = &s->memory[i];
		keep(s, (enum side)i, caps_now(s, (enum side)i),
		    s->opts->nmailboxes == 0 ? y->listed : y->is.listed);
		y->listed = 0;
	}
}

/* The connection may end for it, so that it is kept at once. */
int
memory_doubt(struct session *s, enum peer p, struct imsg *im)
{
	struct memory	*y;

	if (p == PEER_DB || im->id != 0 || s->memory[p].doubted ||
	    (s->memory[p].is.caps & ~(uint64_t)CAP_STEPWISE) == 0)
		return -1;
	y = &s->memory[p];
	y->doubted = 1;
	if (s->phase != PHASE_END)
		keep(s, (enum side)p, y->is.caps | CAP_STEPWISE, y->is.listed);
	return 0;
}
