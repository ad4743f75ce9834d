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
 * The mailboxes and messages of a model server.  Called by the requests and
 * by the second writers; knows neither.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

const struct bytes box_names[NBOXES] = {
	{ "INBOX", 5 }, { "list", 4 }, { "list\0sub", 8 }, { "old", 3 }
};

/* Canonical order: as lib/flags.h sorts them. */
static const char *const keywords[2][NKEYWORDS] = {
	{ "$Forwarded", "$Junk", "later", "work" },
	{ "$FORWARDED", "$JUNK", "LATER", "WORK" }
};

void
server_init(struct model *m, enum side side, unsigned int abilities)
{
	struct server *s = &m->server[side];

	memset(s, 0, sizeof(*s));
	s->side = side;
	s->delim = chance(m, 1, 2) ? '/' : '.';
	s->abilities = abilities;
	STAILQ_INIT(&s->inbound);
	box_create(m, s, 0);
}

void
server_free(struct server *s)
{
	int i;

	for (i = 0; i < NBOXES; i++)
		box_drop(s, i);
}

void
server_quiet(struct server *s)
{
	int i;

	for (i = 0; i < NBOXES; i++)
		s->box[i].shown = s->box[i].modseq;
}

/* What this server can store in a mailbox. */
static mflags
perm_random(struct model *m, const struct server *s)
{
	mflags perm = MF_ALL;

	if ((s->abilities & AB_STAR) == 0) {
		perm = FLAG_SYSTEM;
		if (chance(m, 1, 2))
			perm |= MF_KEYWORD(rnd(m, NKEYWORDS));
		if (chance(m, 1, 8))
			perm &= ~FLAG_DRAFT;
	}
	return perm;
}

void
box_create(struct model *m, struct server *s, int i)
{
	struct box *b = &s->box[i];
	int subscribed = b->subscribed;

	memset(b, 0, sizeof(*b));
	b->exists = 1;
	b->subscribed = subscribed;
	b->uidvalidity = 1 + rnd(m, 1000000);
	b->uidnext = 1 + (chance(m, 1, 2) ? rnd(m, 40) : 0);
	b->modseq = 1 + rnd(m, 20);
	b->shown = b->modseq;
	b->perm = perm_random(m, s);
}

void
box_drop(struct server *s, int i)
{
	struct box *b = &s->box[i];

	free(b->live);
	free(b->gone);
	b->live = b->gone = NULL;
	b->nlive = b->ngone = b->livesize = b->gonesize = 0;
	b->exists = 0;
}

/* A name as it stands on this server's wire. */
int
box_index(const struct server *s, struct bytes name)
{
	size_t j;
	int i;

	for (i = 0; i < NBOXES; i++) {
		if (name.n != box_names[i].n)
			continue;
		for (j = 0; j < name.n; j++) {
			char c = box_names[i].p[j];

			if (name.p[j] != (c == '\0' ? s->delim : c))
				break;
		}
		if (j == name.n)
			return i;
	}
	return -1;
}

struct object *
box_find(struct box *b, uint32_t uid)
{
	size_t lo = 0, hi = b->nlive, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (b->live[mid].uid == uid)
			return &b->live[mid];
		if (b->live[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct object *
box_ever(struct box *b, uint32_t uid)
{
	struct object *o;
	size_t i;

	if ((o = box_find(b, uid)) != NULL)
		return o;
	for (i = 0; i < b->ngone; i++)
		if (b->gone[i].uid == uid)
			return &b->gone[i];
	return NULL;
}

/* The next modseq, and STATUS shows it. */
void
box_touch(struct model *m, struct box *b)
{
	b->modseq += 1 + (chance(m, 1, 4) ? rnd(m, 3) : 0);
	b->shown = b->modseq;
}

static void
push(struct object **list, size_t *n, size_t *size, const struct object *o)
{
	if (*n == *size) {
		*size = *size == 0 ? 16 : *size * 2;
		*list = xrealloc(*list, *size, sizeof(**list));
	}
	(*list)[(*n)++] = *o;
}

uint32_t
box_append(struct model *m, struct server *s, int i, uint32_t content,
    mflags fl)
{
	struct box *b = &s->box[i];
	struct object o;

	box_touch(m, b);
	o.uid = b->uidnext;
	o.content = content;
	o.modseq = b->modseq;
	o.fl = fl & b->perm;
	push(&b->live, &b->nlive, &b->livesize, &o);
	b->uidnext += 1 + (chance(m, 1, 6) ? rnd(m, 4) : 0);
	return o.uid;
}

void
box_expunge(struct model *m, struct box *b, uint32_t uid)
{
	struct object *o, copy;
	size_t at;

	if ((o = box_find(b, uid)) == NULL)
		return;
	box_touch(m, b);
	copy = *o;
	copy.modseq = b->modseq;
	push(&b->gone, &b->ngone, &b->gonesize, &copy);
	at = (size_t)(o - b->live);
	memmove(o, o + 1, (b->nlive - at - 1) * sizeof(*o));
	b->nlive--;
}

/* RFC822.SIZE, as this server counts it. */
uint32_t
object_size(const struct model *m, const struct server *s,
    const struct object *o)
{
	uint32_t size = m->content[o->content].size;

	if ((s->abilities & AB_SIZE) != 0 && size > 0)
		size += 1;
	return size;
}

void
mflags_put(struct flags *fl, mflags v, int shout)
{
	char text[128];
	int i;

	flags_init(fl);
	fl->sys = v & FLAG_SYSTEM;
	if ((v & ~FLAG_SYSTEM) == 0)
		return;
	text[0] = '\0';
	for (i = 0; i < NKEYWORDS; i++) {
		if ((v & MF_KEYWORD(i)) == 0)
			continue;
		if (text[0] != '\0')
			strlcat(text, " ", sizeof(text));
		strlcat(text, keywords[shout][i], sizeof(text));
	}
	if (flags_set_keywords(fl, text, strlen(text)) == -1)
		fatal("flags_set_keywords refuses %s", text);
}

mflags
mflags_get(struct model *m, const struct flags *fl)
{
	const char *p = fl->kw;
	mflags v = fl->sys & FLAG_SYSTEM;
	size_t n;
	int i;

	while (p != NULL && *p != '\0') {
		n = strcspn(p, " ");
		for (i = 0; i < NKEYWORDS; i++)
			if (strlen(keywords[0][i]) == n &&
			    strncasecmp(p, keywords[0][i], n) == 0)
				break;
		if (i == NKEYWORDS)
			model_fail(m, "keywords nobody set: %s", fl->kw);
		else
			v |= MF_KEYWORD(i);
		p += n;
		p += strspn(p, " ");
	}
	return v;
}
