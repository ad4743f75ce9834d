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
 * The database peer: the real statedb, in memory or (now and then) in a file
 * that is opened anew for each session.  What it confirmed is kept a second
 * time in struct shadow, for the judges, and compared after every run.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "../../statedb/statedb.h"

#define BATCH_STEP	4	/* requests of one group commit */
#define ID_OPEN		(ENGINE_IDMAX + 1)
#define ID_VERIFY	(ENGINE_IDMAX + 2)

struct database {
	struct statedb	*sdb;
	char		 dir[64], path[80];	/* empty: in memory */
	struct frame	*batch[BATCH_STEP];
	size_t		 nbatch;
	int		 adding;	/* box of the ADD under way, or -1 */
	int		 opened, bad;
	size_t		 seen;		/* rows that verify has seen */
	int		 verifying;	/* box */
};

struct database *
database_new(struct model *m)
{
	struct database *d;
	const char *base;

	d = xrealloc(NULL, 1, sizeof(*d));
	memset(d, 0, sizeof(*d));
	d->adding = -1;
	if (!chance(m, 1, 40))
		return d;
	base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(d->dir, sizeof(d->dir), "%s/model.XXXXXXXXXX", base);
	if (mkdtemp(d->dir) == NULL)
		fatal("mkdtemp %s", d->dir);
	(void)snprintf(d->path, sizeof(d->path), "%s/db", d->dir);
	return d;
}

void
database_free(struct database *d)
{
	char journal[96];

	if (d == NULL)
		return;
	statedb_free(d->sdb);
	if (d->path[0] != '\0') {
		(void)snprintf(journal, sizeof(journal), "%s-journal",
		    d->path);
		(void)unlink(d->path);
		(void)unlink(journal);
		(void)rmdir(d->dir);
	}
	free(d);
}

const struct pairing *
shadow_find(const struct shadow *sh, enum side side, uint32_t uid)
{
	size_t i;

	for (i = 0; i < sh->npair; i++)
		if (sh->pair[i].uid[side] == uid)
			return &sh->pair[i];
	return NULL;
}

static int
box_of(const struct model *m, uint32_t idx)
{
	int i;

	for (i = 0; i < NBOXES; i++)
		if (m->shadow[i].idx == idx)
			return i;
	return -1;
}

/* The pairs that have one of these UIDs go. */
static void
shadow_replace(struct shadow *sh, const struct msg_pair *p)
{
	size_t j = 0;

	while (j < sh->npair)
		if (sh->pair[j].uid[LOCAL] == p->a ||
		    sh->pair[j].uid[REMOTE] == p->b)
			sh->pair[j] = sh->pair[--sh->npair];
		else
			j++;
}

static void
shadow_map(struct model *m, struct shadow *sh, struct ibuf *b, uint32_t n)
{
	struct msg_pair p;
	uint32_t i;

	for (i = 0; i < n && msg_get_pair(b, &p) == 0; i++) {
		m->stats.maps++;
		if (p.held)
			shadow_replace(sh, &p);
		judge_map(m, (int)(sh - m->shadow), p.a, p.b);
		if (shadow_find(sh, LOCAL, p.a) != NULL)
			continue;
		if (sh->npair == sh->size) {
			sh->size = sh->size == 0 ? 16 : sh->size * 2;
			sh->pair = xrealloc(sh->pair, sh->size,
			    sizeof(*sh->pair));
		}
		sh->pair[sh->npair].uid[LOCAL] = p.a;
		sh->pair[sh->npair++].uid[REMOTE] = p.b;
	}
}

static void
shadow_unmap(struct shadow *sh, struct ibuf *b, uint32_t n)
{
	struct msg_pair p;
	uint32_t i;
	size_t j;

	for (i = 0; i < n && msg_get_pair(b, &p) == 0; i++)
		for (j = 0; j < sh->npair; j++)
			if (sh->pair[j].uid[LOCAL] == p.a &&
			    sh->pair[j].uid[REMOTE] == p.b) {
				sh->pair[j] = sh->pair[--sh->npair];
				break;
			}
}

static void
shadow_skip(struct model *m, const struct msg_skip *skip)
{
	int i = box_of(m, skip->idx);
	struct uidset *set;
	uint32_t last;

	if (i == -1)
		return;
	set = &m->shadow[i].skipped[skip->side];
	last = skip->last != 0 ? skip->last : skip->uid;
	if ((skip->why == 0 ? uidset_remove_range(set, skip->uid, last) :
	    uidset_add_range(set, skip->uid, last)) == -1)
		fatal("uidset: no memory");
}

/* A STATE, SKIP or ADVANCE was committed. */
static void
shadow_other(struct model *m, const struct frame *f, struct ibuf *b)
{
	struct msg_stateadd st;
	struct msg_advance adv;
	struct msg_skip skip;
	int i;

	if (f->type == MSG_STATE && msg_get_stateadd(b, &st) == 0) {
		if ((i = box_of(m, st.idx)) != -1)
			m->shadow[i].hasstate = 1;
	} else if (f->type == MSG_SKIP && msg_get_skip(b, &skip) == 0)
		shadow_skip(m, &skip);
	else if (f->type == MSG_ADVANCE && msg_get_advance(b, &adv) == 0) {
		if ((i = box_of(m, adv.idx)) == -1)
			return;
		judge_advance(m, i, &adv);
		m->shadow[i].modseq[LOCAL] = adv.st[LOCAL].modseq;
		m->shadow[i].modseq[REMOTE] = adv.st[REMOTE].modseq;
		m->shadow[i].uidnext[LOCAL] = adv.st[LOCAL].uidnext;
		m->shadow[i].uidnext[REMOTE] = adv.st[REMOTE].uidnext;
	}
}

/* The database said DONE: the shadow follows. */
static void
shadow_apply(struct model *m, const struct frame *f)
{
	struct msg_map map;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	switch (f->type) {
	case MSG_MAP:
	case MSG_UNMAP:
		if (msg_get_map(&b, &map) == -1 ||
		    (i = box_of(m, map.idx)) == -1)
			break;
		if (f->type == MSG_MAP)
			shadow_map(m, &m->shadow[i], &b, map.n);
		else
			shadow_unmap(&m->shadow[i], &b, map.n);
		break;
	default:
		shadow_other(m, f, &b);
		break;
	}
}

static void
learn_added(struct model *m, const struct ibuf *data)
{
	struct ibuf b;

	ibuf_from(&b, data->buf, data->wpos);
	if (m->db->adding != -1)
		m->shadow[m->db->adding].idx = ibuf_get_u32(&b);
}

/* An answer of statedb to a request of the engine (statedb_reply). */
static void
reply(void *arg, uint16_t type, uint32_t id, const struct ibuf *data)
{
	struct model *m = arg;
	struct database *d = m->db;
	size_t i;

	if (type == MSG_ADDED)
		learn_added(m, data);
	if (type == MSG_DONE)
		for (i = 0; i < d->nbatch; i++)
			if (d->batch[i]->id == id)
				shadow_apply(m, d->batch[i]);
	peer_answer(m, PEER_DB, (enum msg_type)type, id, data);
}

/* Which box an ADD names (the delimiter is NUL). */
static int
added_box(const struct frame *f)
{
	struct msg_add add;
	struct ibuf b;
	int i;

	ibuf_from(&b, f->data, f->len);
	if (msg_get_add(&b, &add) == -1)
		return -1;
	for (i = 0; i < NBOXES; i++)
		if (bytes_eq(add.name, box_names[i]))
			return i;
	return -1;
}

static void
handle(struct model *m, struct frame *f)
{
	struct database *d = m->db;
	struct imsg im;

	if (m->dbfull && f->type != MSG_MAILBOXES) {
		peer_refuse(m, PEER_DB, f->id, FAIL_DB, "", "disk full");
		frame_free(f);
		return;
	}
	d->batch[d->nbatch++] = f;
	d->adding = f->type == MSG_ADD ? added_box(f) : -1;
	if (d->adding != -1)
		judge_add(m, d->adding);
	memset(&im, 0, sizeof(im));
	im.type = (uint16_t)f->type;
	im.id = f->id;
	ibuf_from(&im.data, f->data, f->len);
	if (statedb_handle(d->sdb, &im, reply, m) == -1)
		model_fail(m, "statedb refuses %s: %s", msg_name(f->type),
		    d->sdb->text);
}

void
database_step(struct model *m)
{
	struct database *d = m->db;
	struct queues *p = &m->peer[PEER_DB];
	struct frame *f;
	uint32_t n = 1 + rnd(m, BATCH_STEP);

	d->nbatch = 0;
	while (n-- > 0 && (f = STAILQ_FIRST(&p->requests)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->requests, entry);
		p->nrequests--;
		handle(m, f);
	}
	statedb_commit(d->sdb, reply, m);
	while (d->nbatch > 0)
		frame_free(d->batch[--d->nbatch]);
}

/* Answers to OPEN and to the LOOKUP of database_verify(). */
static void
reply_own(void *arg, uint16_t type, uint32_t id, const struct ibuf *data)
{
	struct model *m = arg;
	struct database *d = m->db;
	const struct pairing *found;
	struct msg_pair p;
	struct ibuf b;
	uint32_t n;

	if (type == MSG_FAIL)
		d->bad = 1;
	if (type == MSG_DONE && id == ID_OPEN)
		d->opened = 1;
	if (type != MSG_PAIRS)
		return;
	ibuf_from(&b, data->buf, data->wpos);
	for (n = ibuf_get_u32(&b); n > 0; n--) {
		if (msg_get_pair(&b, &p) == -1)
			break;
		d->seen++;
		found = shadow_find(&m->shadow[d->verifying], LOCAL, p.a);
		if (found == NULL || found->uid[REMOTE] != p.b)
			d->bad = 1;
	}
}

static void
ask(struct model *m, enum msg_type type, uint32_t id, const struct ibuf *b)
{
	struct database *d = m->db;
	struct imsg im;

	memset(&im, 0, sizeof(im));
	im.type = (uint16_t)type;
	im.id = id;
	ibuf_from(&im.data, b->buf, b->wpos);
	if (statedb_dispatch(d->sdb, &im, reply_own, m) == -1)
		d->bad = 1;
}

void
database_open(struct model *m)
{
	struct database *d = m->db;
	struct msg_open open;
	struct ibuf b;

	if (d->sdb != NULL)
		return;
	if ((d->sdb = statedb_new()) == NULL)
		fatal("statedb_new: no memory");
	d->opened = d->bad = 0;
	open.path = bytes_of(d->path[0] == '\0' ? ":memory:" : d->path);
	open.flags = OPEN_CREATE;
	ibuf_init(&b);
	msg_put_open(&b, &open);
	ask(m, MSG_OPEN, ID_OPEN, &b);
	ibuf_free(&b);
	if (!d->opened || d->bad)
		model_fail(m, "statedb cannot open: %s", d->sdb->text);
}

/*
 * The session ends.  A database in memory stays open, but forgets which
 * mailboxes had a failed change, as a new process would.
 */
void
database_close(struct model *m)
{
	struct database *d = m->db;

	if (d->path[0] != '\0') {
		statedb_free(d->sdb);
		d->sdb = NULL;
		return;
	}
	if (d->sdb->broken)
		model_fail(m, "statedb broke: %s", d->sdb->text);
	uidset_free(&d->sdb->failed);
}

/* Between two sessions, behind the back of all. */
void
database_sql(struct model *m, const char *fmt, ...)
{
	struct database *d = m->db;
	char text[256], *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trace(m, "database: %s", text);
	database_open(m);
	if (sqlite3_exec(d->sdb->sql, text, NULL, NULL, &why) != SQLITE_OK)
		model_fail(m, "%s: %s", text, why);
	sqlite3_free(why);
	database_close(m);
}

void
database_verify(struct model *m)
{
	struct database *d = m->db;
	struct msg_lookup l;
	struct ibuf b;
	int i;

	for (i = 0; i < NBOXES && !m->failed; i++) {
		if (m->shadow[i].idx == 0)
			continue;
		memset(&l, 0, sizeof(l));
		l.idx = m->shadow[i].idx;
		l.side = LOCAL;
		if (uidset_add_range(&l.set, 1, UID_MAX) == -1)
			fatal("uidset: no memory");
		ibuf_init(&b);
		msg_put_lookup(&b, &l);
		d->bad = 0;
		d->seen = 0;
		d->verifying = i;
		ask(m, MSG_LOOKUP, ID_VERIFY, &b);
		ibuf_free(&b);
		uidset_free(&l.set);
		if (d->bad || d->seen != m->shadow[i].npair)
			model_fail(m, "box %d: the database holds %zu rows, "
			    "the shadow %zu", i, d->seen, m->shadow[i].npair);
	}
}
