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
 * The deletion guard stands between an accident on one side and the loss of
 * both.  Messages that vanished from a side in suspicious numbers are not
 * deleted on the other one, but held: the row stays mapped, with a record of
 * where its message vanished.  Such a row ends in one of four ways:
 *
 *   its partner is recognised in a new message, restored: mapped again
 *   (adopt.c, which guard_hold() precedes for that reason);
 *
 *   its message is there again by the UID it had: guard_recheck();
 *
 *   the user deletes the partner, too: both are gone (apply.c);
 *
 *   --allow-delete: guard_release() makes it a deletion like any other, if the
 *   complete list of that side, asked for at this time, is without it.
 */
#include <stdlib.h>
#include <string.h>

#include "killpoint.h"
#include "mailbox.h"

/* ---- --allow-delete ---- */

void
guard_config(struct engine *e, const struct engine_config *c)
{
	size_t i;

	e->maxcount = c->maxcount;
	e->maxpercent = c->maxpercent;
	e->allowall = c->allowall;
	if (c->nallow == 0)
		return;
	if ((e->allow = calloc(c->nallow, sizeof(*e->allow))) == NULL)
		fatal("out of memory");
	for (i = 0; i < c->nallow; i++)
		e->allow[i].arg = xstrdup(c->allow[i]);
	e->nallow = c->nallow;
}

void
guard_free(struct engine *e)
{
	size_t i;

	for (i = 0; i < e->nallow; i++) {
		free(e->allow[i].arg);
		free(e->allow[i].name);
	}
	free(e->allow);
}

/* As LIST does (RFC 3501 section 6.3.8); a name longer than any fits none. */
static int
fits_pattern(const struct allow *a, const struct mbox *m)
{
	uint8_t at[MAILBOX_NAMEMAX + 1];	/* the pattern so far ends here */
	size_t i, j;
	char c;

	if (m->namelen > MAILBOX_NAMEMAX)
		return 0;
	memset(at, 0, sizeof(at));
	at[0] = 1;
	for (i = 0; i < a->len; i++) {
		c = a->name[i];
		if (c == '*' || c == '%') {
			for (j = 1; j <= m->namelen; j++)
				at[j] |= at[j - 1] &&
				    (c == '*' || m->name[j - 1] != '\0');
			continue;
		}
		for (j = m->namelen; j > 0; j--)
			at[j] = at[j - 1] && m->name[j - 1] == c;
		at[0] = 0;
	}
	return at[m->namelen];
}

static int
is_named(const struct allow *a, const struct mbox *m)
{
	if (a->exact)
		return a->len == m->namelen &&
		    memcmp(a->name, m->name, a->len) == 0;
	return fits_pattern(a, m);
}

static int
allows(const struct mbox *m)
{
	const struct engine *e = m->e;
	size_t i;

	for (i = 0; i < e->nallow; i++)
		if (is_named(&e->allow[i], m))
			return 1;
	return e->allowall;
}

/* A name that fits nothing is a slip of the pen, which must not go unseen. */
static void
say_unknown(struct engine *e, const struct allow *a)
{
	const struct mbox *m;

	for (m = e->all; m != NULL; m = m->link)
		if ((m->s[LOCAL].name != NULL || m->s[REMOTE].name != NULL) &&
		    is_named(a, m))
			return;
	say(e, LOG_L_WARN, SIDE_NONE, NULL, "--allow-delete=%s names no mailbox "
	    "of this run: nothing is let through by it", a->arg);
}

/* The delimiter is known now. */
void
guard_names(struct engine *e)
{
	char name[MAILBOX_NAMEMAX + 1];
	struct allow *a;

	for (a = e->allow; a < e->allow + e->nallow; a++) {
		if (name_canonical("", e->delim[LOCAL], bytes_of(a->arg), name,
		    &a->len) == -1)
			a->len = 0;
		if ((a->name = malloc(a->len + 1)) == NULL)
			fatal("out of memory");
		memcpy(a->name, name, a->len);
		a->exact = mbox_find(e, a->name, a->len) != NULL;
		say_unknown(e, a);
	}
}

int
guard_due(const struct mbox *m)
{
	return m->nheld > 0 && allows(m);
}

int
guard_asks(const struct mbox *m, enum side side)
{
	uint32_t i;

	if (m->round > 1 || !guard_due(m))
		return 0;
	for (i = 0; i < m->rowtab.n; i++)
		if (m->rowtab.r[i].s[side].held)
			return 1;
	return 0;
}

/* ---- what is held ---- */

/*
 * What vanished from a side, now and in this run and what is held already: a
 * run that was killed while it held deletions must not let the rest through.
 */
static int
is_too_much(const struct mbox *m, enum side from, uint64_t n, enum hold *why)
{
	const struct engine *e = m->e;

	*why = HOLD_BEFORE;
	if (e->messages[from] == 0 && e->mapped >= GUARD_ACCOUNT)
		*why = HOLD_ACCOUNT;
	else if (m->s[from].uidnext_back)
		*why = HOLD_UIDNEXT;
	else if (e->maxcount > 0 && n > e->maxcount &&
	    n * 100 > (uint64_t)m->rows * e->maxpercent)
		*why = HOLD_MANY;
	return *why != HOLD_BEFORE;
}

static void
held(struct request *rq, const struct msg_fail *fail)
{
	KILLPOINT("held");
	req_plain(rq, fail);
}

static int
is_new(const struct row *r, enum side from)
{
	return r->s[from].gone && !r->s[OTHER(from)].gone;
}

static void
hold_side(struct mbox *m, enum side from, size_t n)
{
	struct msg_pair *p;
	struct row *r;
	size_t k = 0;

	if ((p = calloc(n, sizeof(*p))) == NULL)
		fatal("out of memory");
	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		if (!is_new(r, from))
			continue;
		r->s[from].held = 1;
		r->s[from].gone = 0;
		p[k].a = r->uid[LOCAL];
		p[k++].b = r->uid[REMOTE];
	}
	map_send(m, MSG_HOLD, (uint8_t)from, p, k, held, NULL);
	free(p);
	m->nheld += (uint32_t)k;
}

void
guard_hold(struct mbox *m)
{
	size_t fresh[2] = { 0, 0 }, all[2] = { 0, 0 };
	const struct row *r;
	int i;

	if (allows(m))
		return;
	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++)
		for (i = 0; i < 2; i++) {
			fresh[i] += (size_t)is_new(r, (enum side)i);
			all[i] += is_new(r, (enum side)i) || r->s[i].held;
		}
	for (i = 0; i < 2; i++)
		if (fresh[i] > 0 && is_too_much(m, (enum side)i,
		    all[i] + m->ndeleted[OTHER(i)], &m->why[i]))
			hold_side(m, (enum side)i, fresh[i]);
}

/* ---- there again ---- */

/* Only a complete list tells; its UID may be another message's by now. */
static int
is_back(const struct mbox *m, const struct row *r, enum side side)
{
	const struct mside *s = &m->s[side];

	return r->s[side].held && !r->s[OTHER(side)].gone && s->complete &&
	    r->uid[side] < s->sel.uidnext &&
	    uidset_has(&s->present, r->uid[side]);
}

static void
unhold(struct mbox *m, struct row *r)
{
	struct msg_pair p = { r->uid[LOCAL], r->uid[REMOTE], 0 };

	map_send(m, MSG_UNHOLD, MAP_NOSIDE, &p, 1, req_plain, NULL);
	memset(r->s, 0, sizeof(r->s));
	r->s[LOCAL].compare = r->s[REMOTE].compare = 1;
	m->nheld--;
}

/* Another message has its UID: both are in no row, and will be copied. */
static void
part(struct mbox *m, struct row *r)
{
	struct msg_pair p = { r->uid[LOCAL], r->uid[REMOTE], 0 };
	int i;

	advance_lower(m, LOCAL, r->uid[LOCAL]);
	advance_lower(m, REMOTE, r->uid[REMOTE]);
	map_send(m, MSG_UNMAP, MAP_NOSIDE, &p, 1, req_plain, NULL);
	for (i = 0; i < 2; i++)
		if (uidset_add(&m->s[i].copy, r->uid[i]) == -1 ||
		    uidset_add(&m->s[i].fresh, r->uid[i]) == -1)
			fatal("out of memory");
	r->s[LOCAL].drop = 1;
	m->nheld--;
	m->rows--;
}

static int
is_same(const struct cand *a, const struct cand *b)
{
	return a->id != ID_NONE && a->id == b->id &&
	    memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* What was not told may be gone again: it stays held. */
static void
rechecked(struct mbox *m)
{
	const struct cand *a, *b;
	struct row *r;
	uint64_t back = 0, other = 0;

	candset_sort(&m->s[LOCAL].cands);
	candset_sort(&m->s[REMOTE].cands);
	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		if (!is_back(m, r, LOCAL) && !is_back(m, r, REMOTE))
			continue;
		a = candset_find(&m->s[LOCAL].cands, r->uid[LOCAL]);
		b = candset_find(&m->s[REMOTE].cands, r->uid[REMOTE]);
		if (a == NULL || b == NULL)
			continue;
		if (is_same(a, b)) {
			unhold(m, r);
			back++;
		} else {
			part(m, r);
			other++;
		}
	}
	if (back > 0)
		say(m->e, LOG_L_NOTICE, SIDE_NONE, m, "%llu messages whose "
		    "deletion was held back are there again",
		    (unsigned long long)back);
	if (other > 0)
		say(m->e, LOG_L_WARN, SIDE_NONE, m, "%llu messages whose "
		    "deletion was held back have lost their UID to others; "
		    "both are copied", (unsigned long long)other);
	candset_free(&m->s[LOCAL].cands);
	candset_free(&m->s[REMOTE].cands);
	rowtab_drop(&m->rowtab, row_dropped);
	if (other > 0)
		back_above(m);
	mbox_wait(m, adopt_pair);
}

void
guard_recheck(struct mbox *m)
{
	struct uidset ask;
	const struct row *r;
	int i;

	for (i = 0; i < 2 && m->nheld > 0; i++) {
		candset_free(&m->s[i].cands);
		uidset_init(&ask);
		for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++)
			if ((is_back(m, r, LOCAL) || is_back(m, r, REMOTE)) &&
			    uidset_add(&ask, r->uid[i]) == -1)
				fatal("out of memory");
		if (!uidset_empty(&ask))
			uids_send(m, (enum side)i, MSG_IDENTIFY, ID_HEADER,
			    &ask, req_plain, NULL);
		uidset_free(&ask);
	}
	mbox_wait(m, m->nheld > 0 ? rechecked : adopt_pair);
}

/* ---- let through ---- */

static int
is_absent(const struct mbox *m, const struct row *r, enum side side)
{
	const struct mside *s = &m->s[side];

	return s->complete && !uidset_has(&s->present, r->uid[side]);
}

void
guard_release(struct mbox *m)
{
	struct row *r;
	uint64_t n;
	int i;

	if (!guard_due(m))
		return;
	for (i = 0; i < 2; i++) {
		n = 0;
		for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
			if (!r->s[i].held || r->s[OTHER(i)].gone ||
			    !is_absent(m, r, (enum side)i))
				continue;
			r->s[i].held = 0;
			r->s[i].gone = 1;
			m->nheld--;
			n++;
		}
		if (n > 0)
			say(m->e, LOG_L_NOTICE, OTHER(i), m, "%llu deletions "
			    "that were held back are made: --allow-delete",
			    (unsigned long long)n);
	}
}

/* ---- what is said ---- */

static void
reason(const struct mbox *m, int side, char *buf, size_t size)
{
	switch (m->why[side]) {
	case HOLD_MANY:
		(void)snprintf(buf, size, "the messages vanished here, and are "
		    "more than %u and more than %u %% of the mailbox",
		    m->e->maxcount, m->e->maxpercent);
		break;
	case HOLD_ACCOUNT:
		(void)strlcpy(buf, "the whole account became empty here", size);
		break;
	case HOLD_UIDNEXT:
		(void)strlcpy(buf, "the messages are missing here, and the "
		    "mailbox went back to an older state", size);
		break;
	case HOLD_BEFORE:
		(void)strlcpy(buf, "the messages vanished here, which an "
		    "earlier run found", size);
		break;
	}
}

/* As of the database, where the rows were not looked at. */
static void
count_held(const struct mbox *m, uint32_t n[2])
{
	const struct row *r;

	n[LOCAL] = n[REMOTE] = 0;
	for (r = m->rowtab.r; r < m->rowtab.r + m->rowtab.n; r++) {
		n[LOCAL] += r->s[LOCAL].held;
		n[REMOTE] += r->s[REMOTE].held;
	}
	if (n[LOCAL] + n[REMOTE] == m->nheld)
		return;
	n[LOCAL] = m->counted.held[LOCAL];
	n[REMOTE] = m->counted.held[REMOTE];
}

void
guard_say(struct mbox *m)
{
	char why[128], arg[NAME_ARGMAX];
	uint32_t n[2];
	int i;

	count_held(m, n);
	(void)name_argument(m, arg, sizeof(arg));
	for (i = 0; i < 2; i++) {
		if (n[i] == 0)
			continue;
		reason(m, i, why, sizeof(why));
		say(m->e, LOG_L_WARN, i, m, "%u deletions held back: %s; they "
		    "stay on %s. Restore them here, or delete them there, too: "
		    "interimap --allow-delete=%s", n[i], why,
		    side_name((enum side)OTHER(i)), arg);
		m->e->stats.held += n[i];
	}
	m->e->outcome = outcome_worse(m->e->outcome, OUT_GUARD);
}
