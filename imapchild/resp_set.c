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
 * Responses that are sets: VANISHED (RFC 7162 section 3.2.10), SEARCH (RFC
 * 3501 section 7.2.5, RFC 7162 section 3.1.5), ESEARCH (RFC 4731).  Each range
 * is handed out as it is read; nothing is collected.
 */
#include "resp_local.h"

/* One range as sent: in order, and without 0. */
static int
set_range(struct resp *r, uint32_t a, uint32_t b)
{
	uint32_t	lo = a < b ? a : b, hi = a < b ? b : a;

	if (hi == 0)
		return 0;
	if (lo == 0)
		lo = 1;
	return resp_called(r, r->calls->range(r->arg, r->set, lo, hi));
}

static int
set_end(struct resp *r)
{
	if (resp_called(r, r->calls->set_end(r->arg, r->set)) == -1)
		return -1;
	return resp_end(r);
}

/* VANISHED [(EARLIER)] set */

static int
vanished_set(struct resp *r, enum token tok)
{
	switch (tok) {
	case TOK_RANGE:
		return set_range(r, r->lex.lo, r->lex.hi);
	case TOK_SETEND:
		return 0;
	case TOK_EOL:
		return set_end(r);
	default:
		return resp_bad(r, "bad set");
	}
}

static int
vanished_close(struct resp *r, enum token tok)
{
	if (tok != TOK_CLOSE)
		return resp_bad(r, "neither a set nor (EARLIER)");
	return resp_goto(r, vanished_set, LEX_SET);
}

static int
vanished_earlier(struct resp *r, enum token tok)
{
	if (!resp_is(r, tok, "EARLIER"))
		return resp_bad(r, "neither a set nor (EARLIER)");
	r->set = SET_VANISHED_EARLIER;
	return resp_goto(r, vanished_close, LEX_PLAIN);
}

int
resp_vanished(struct resp *r, enum token tok)
{
	r->set = SET_VANISHED;
	if (tok == TOK_OPEN)
		return resp_goto(r, vanished_earlier, LEX_PLAIN);
	r->state = vanished_set;
	return vanished_set(r, tok);
}

/* SEARCH n n n [(MODSEQ n)] */

static int
search_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "more than a response holds");
	return set_end(r);
}

static int
search_close(struct resp *r, enum token tok)
{
	if (tok != TOK_CLOSE)
		return resp_bad(r, "bad MODSEQ");
	return resp_goto(r, search_eol, LEX_PLAIN);
}

static int
search_modseq_value(struct resp *r, enum token tok)
{
	uint64_t	modseq;

	if (resp_number(r, tok, RESP_MODSEQMAX, &modseq) == -1)
		return -1;
	return resp_goto(r, search_close, LEX_PLAIN);
}

static int
search_modseq(struct resp *r, enum token tok)
{
	if (!resp_is(r, tok, "MODSEQ"))
		return resp_bad(r, "bad MODSEQ");
	return resp_goto(r, search_modseq_value, LEX_PLAIN);
}

static int
search_uid(struct resp *r, enum token tok)
{
	uint64_t	uid;

	if (tok == TOK_OPEN)
		return resp_goto(r, search_modseq, LEX_PLAIN);
	if (tok == TOK_EOL)
		return set_end(r);
	if (resp_number(r, tok, UID_MAX, &uid) == -1)
		return -1;
	return set_range(r, uid, uid);
}

int
resp_search(struct resp *r, enum token tok)
{
	r->set = SET_SEARCH;
	r->state = search_uid;
	return search_uid(r, tok);
}

/* ESEARCH [(TAG "x")] [UID] [ALL set] [other value]... */

static int	esearch_item(struct resp *, enum token);

static int
esearch_set(struct resp *r, enum token tok)
{
	if (tok == TOK_RANGE)
		return set_range(r, r->lex.lo, r->lex.hi);
	if (tok != TOK_SETEND)
		return resp_bad(r, "bad set");
	return resp_goto(r, esearch_item, LEX_PLAIN);
}

static int
esearch_number(struct resp *r, enum token tok)
{
	uint64_t	num;

	if (resp_number(r, tok, RESP_MODSEQMAX, &num) == -1)
		return -1;
	return resp_goto(r, esearch_item, LEX_PLAIN);
}

static int
esearch_item(struct resp *r, enum token tok)
{
	if (tok == TOK_EOL)
		return r->is_uid ? set_end(r) :
		    resp_bad(r, "not of UIDs");
	if (tok != TOK_ATOM)
		return resp_bad(r, "bad item");
	if (resp_is(r, tok, "UID")) {
		r->is_uid = 1;
		return 0;
	}
	if (!r->is_uid)
		return resp_bad(r, "not of UIDs");
	if (resp_is(r, tok, "ALL"))
		return resp_goto(r, esearch_set, LEX_SET);
	if (resp_is(r, tok, "MIN") || resp_is(r, tok, "MAX") ||
	    resp_is(r, tok, "COUNT") || resp_is(r, tok, "MODSEQ"))
		return resp_goto(r, esearch_number, LEX_PLAIN);
	return resp_skip(r, esearch_item, LEX_PLAIN);
}

static int
esearch_close(struct resp *r, enum token tok)
{
	if (tok != TOK_CLOSE)
		return resp_bad(r, "bad correlator");
	return resp_goto(r, esearch_item, LEX_PLAIN);
}

static int
esearch_tagvalue(struct resp *r, enum token tok)
{
	if (tok != TOK_STRING && tok != TOK_ATOM)
		return resp_bad(r, "bad correlator");
	return resp_goto(r, esearch_close, LEX_PLAIN);
}

static int
esearch_tag(struct resp *r, enum token tok)
{
	if (!resp_is(r, tok, "TAG"))
		return resp_bad(r, "bad correlator");
	return resp_goto(r, esearch_tagvalue, LEX_PLAIN);
}

int
resp_esearch(struct resp *r, enum token tok)
{
	r->set = SET_SEARCH;
	r->is_uid = 0;
	if (tok == TOK_OPEN)
		return resp_goto(r, esearch_tag, LEX_PLAIN);
	r->state = esearch_item;
	return esearch_item(r, tok);
}
