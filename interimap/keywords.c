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
 * Keywords that a server refuses.  PERMANENTFLAGS may promise what a STORE does
 * not get: limits on how many there are, or on their octets.  A STORE that is
 * refused is made again as it was, since the reason may have passed; then with
 * each keyword left out in turn; then without any.  What had to be left out is
 * remembered in the database and masked from then on, as if PERMANENTFLAGS did
 * not name it.  --repair forgets all that.  An APPEND that is refused is made
 * again without keywords (copied.c): the STORE of the next round adds them.
 */
#include <stdlib.h>
#include <string.h>

#include "refusals.h"

/* The n-th keyword of a canonical list (flags.h); length 0: there is none. */
static struct bytes
keyword_at(const struct flags *f, int n)
{
	struct bytes b = { f->kw != NULL ? f->kw : "", 0 };

	while (n-- > 0 && *b.p != '\0') {
		b.p += strcspn(b.p, " ");
		b.p += *b.p == ' ';
	}
	b.n = strcspn(b.p, " ");
	return b;
}

flagid
keywords_none(struct flagtab *t, flagid f)
{
	struct flags sys;

	flags_init(&sys);
	sys.sys = flagtab_get(t, f)->sys;
	return flagtab_id(t, &sys);
}

static flagid
without(struct flagtab *t, flagid f, struct bytes keyword)
{
	struct flags set, one;
	flagid id;

	flags_init(&set);
	flags_init(&one);
	if (flags_copy(&set, flagtab_get(t, f)) == -1 ||
	    flags_add(&one, keyword.p, keyword.n) == -1 ||
	    flags_minus(&set, &one) == -1)
		fatal("out of memory");
	id = flagtab_id(t, &set);
	flags_free(&set);
	flags_free(&one);
	return id;
}

/* Refusals that have nothing to do with what was asked. */
static int
will_pass(const struct msg_fail *fail)
{
	return bytes_eq(fail->code, bytes_of("UNAVAILABLE")) ||
	    bytes_eq(fail->code, bytes_of("INUSE")) ||
	    bytes_eq(fail->code, bytes_of("NOPERM")) ||
	    bytes_eq(fail->code, bytes_of("EXPUNGEISSUED"));
}

int
keywords_refused(struct mbox *m, enum side side, const struct msg_fail *fail,
    struct trial *t, flagid *want)
{
	struct flagtab *tab = &m->e->flagtab;
	struct bytes kw;

	if ((fail->kind != FAIL_NO && fail->kind != FAIL_BAD) ||
	    will_pass(fail))
		return -1;
	if (t->step == 0)
		t->full = *want;
	if (flagtab_get(tab, t->full)->kw == NULL)
		return -1;
	if (t->step++ == 0)
		return 0;		/* as it was */
	kw = keyword_at(flagtab_get(tab, t->full), t->step - 2);
	if (kw.n > 0)
		*want = without(tab, t->full, kw);
	else if (*want != keywords_none(tab, *want))
		*want = keywords_none(tab, *want);
	else
		return -1;
	say(m->e, LOG_L_DEBUG, (int)side, m, "STORE refused: trying it with "
	    "fewer keywords");
	return 0;
}

/* What the side can store, from here on. */
void
keywords_mask(struct mside *s)
{
	if (s->nokw.kw == NULL)
		return;
	if ((s->perm.sys & FLAG_STAR) == 0) {
		if (flags_minus(&s->perm, &s->nokw) == -1)
			fatal("out of memory");
		return;
	}
	s->perm.sys |= FLAG_BUT;
	free(s->perm.kw);
	s->perm.kw = xstrdup(s->nokw.kw);
}

static void
tell_database(struct mbox *m, enum side side, struct bytes keyword)
{
	struct msg_keyword k;
	struct ibuf b;

	k.idx = m->idx;
	k.side = (uint8_t)side;
	k.text = keyword;
	ibuf_init(&b);
	msg_put_keyword(&b, &k);
	request(m->e, m, PEER_DB, MSG_KEYWORD, &b, req_plain, NULL);
}

void
keywords_stored(struct mbox *m, enum side side, const struct trial *t,
    flagid taken)
{
	struct mside *s = &m->s[side];
	struct flags lost;
	struct bytes kw;
	int i;

	if (t->step == 0 || taken == t->full)
		return;
	flags_init(&lost);
	if (flags_copy(&lost, flagtab_get(&m->e->flagtab, t->full)) == -1 ||
	    flags_minus(&lost, flagtab_get(&m->e->flagtab, taken)) == -1)
		fatal("out of memory");
	lost.sys = 0;
	if (flags_minus(&lost, &s->nokw) == -1)
		fatal("out of memory");
	if (lost.kw == NULL)
		return;			/* another STORE was quicker */
	for (i = 0; (kw = keyword_at(&lost, i)).n > 0; i++)
		tell_database(m, side, kw);
	say(m->e, LOG_L_WARN, (int)side, m, "keyword(s) %s are refused there: "
	    "left out from now on. --repair tries them again", lost.kw);
	if (flags_union(&s->nokw, &lost) == -1)
		fatal("too many keywords");
	flags_free(&lost);
	keywords_mask(s);
}

int
keywords_take(struct request *rq, struct imsg *im)
{
	struct msg_keyword k;
	struct mbox *m;

	if (msg_get_keyword(&im->data, &k) == -1)
		return -1;
	for (m = rq->e->all; m != NULL && m->idx != k.idx; m = m->link)
		;
	if (m != NULL)
		(void)flags_add(&m->s[k.side].nokw, k.text.p, k.text.n);
	return 0;
}

void
keywords_forget(struct mbox *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (m->s[i].nokw.kw == NULL)
			continue;
		flags_free(&m->s[i].nokw);
		tell_database(m, (enum side)i, bytes_of(""));
	}
}
