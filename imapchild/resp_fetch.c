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
 * FETCH responses (RFC 3501 section 7.4.2, RFC 7162 section 7).  An item's
 * name selects the state that reads its value; an unknown item is skipped.
 */
#include <string.h>
#include <strings.h>

#include "resp_local.h"

static int	fetch_item(struct resp *, enum token);

void
resp_fetch_reset(struct resp *r)
{
	flags_free(&r->fetch.flags);
	memset(&r->fetch, 0, sizeof(r->fetch));
	strbuf_cut(&r->header, 0);
}

/* The item was read: the next one, or the end of the list. */
static int
fetch_next(struct resp *r, unsigned int has)
{
	r->fetch.has |= has;
	return resp_goto(r, fetch_item, LEX_ITEM);
}

static int
fetch_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "more than a response holds");
	if (resp_called(r, r->calls->fetch(r->arg, &r->fetch)) == -1)
		return -1;
	resp_fetch_reset(r);
	return resp_end(r);
}

/* UID n */
static int
fetch_uid(struct resp *r, enum token tok)
{
	uint64_t	uid;

	if (resp_number(r, tok, UID_MAX, &uid) == -1)
		return -1;
	if (uid == 0 || ((r->fetch.has & FETCH_UID) && uid != r->fetch.uid))
		return resp_bad(r, "bad UID");
	r->fetch.uid = uid;
	return fetch_next(r, FETCH_UID);
}

/* RFC822.SIZE n (RFC 9051: 63 bits) */
static int
fetch_size(struct resp *r, enum token tok)
{
	if (resp_number(r, tok, RESP_BODYMAX, &r->fetch.size) == -1)
		return -1;
	return fetch_next(r, FETCH_SIZE);
}

/* MODSEQ (n) */
static int
fetch_modseq_close(struct resp *r, enum token tok)
{
	if (tok != TOK_CLOSE)
		return resp_bad(r, "bad MODSEQ");
	return fetch_next(r, FETCH_MODSEQ);
}

static int
fetch_modseq_value(struct resp *r, enum token tok)
{
	if (resp_number(r, tok, RESP_MODSEQMAX, &r->fetch.modseq) == -1)
		return -1;
	return resp_goto(r, fetch_modseq_close, LEX_PLAIN);
}

static int
fetch_modseq(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "bad MODSEQ");
	return resp_goto(r, fetch_modseq_value, LEX_PLAIN);
}

/* FLAGS (...) */
static int
fetch_flag(struct resp *r, enum token tok)
{
	if (tok == TOK_CLOSE)
		return fetch_next(r, FETCH_FLAGS);
	if (tok != TOK_ATOM || flags_add(&r->fetch.flags, r->lex.text.s,
	    r->lex.text.len) == -1)
		return resp_bad(r, "bad flag");
	return 0;
}

static int
fetch_flags(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "bad list of flags");
	flags_free(&r->fetch.flags);
	return resp_goto(r, fetch_flag, LEX_PLAIN);
}

/* INTERNALDATE "17-Jul-1996 02:44:25 -0700" */
static int
fetch_date(struct resp *r, enum token tok)
{
	if (tok != TOK_STRING && tok != TOK_ATOM)
		return resp_bad(r, "bad INTERNALDATE");
	resp_date(&r->fetch.date, r->lex.text.s, r->lex.text.len);
	return fetch_next(r, FETCH_DATE);
}

/* BODY[HEADER.FIELDS (...)] nstring */
static int
fetch_header(struct resp *r, enum token tok)
{
	if (resp_is(r, tok, "NIL"))
		strbuf_cut(&r->lex.text, 0);
	else if (tok != TOK_STRING)
		return resp_bad(r, "bad header");
	if (r->fetch.has & FETCH_HEADER)
		return resp_bad(r, "two headers");
	if (strbuf_add(&r->header, r->lex.text.s, r->lex.text.len,
	    RESP_HEADERMAX) == -1)
		return resp_bad(r, "out of memory");
	r->fetch.header = r->header.s;
	r->fetch.headerlen = r->header.len;
	r->fetch.headercut = r->lex.cut;
	return fetch_next(r, FETCH_HEADER);
}

/* BODY[] nstring */
static int
fetch_body(struct resp *r, enum token tok)
{
	int	literal8 = tok == TOK_LITERAL && r->lex.literal8;

	if (r->fetch.has & (FETCH_BODY | FETCH_NIL))
		return resp_bad(r, "two bodies");
	if (resp_is(r, tok, "NIL"))
		return fetch_next(r, FETCH_NIL);
	if (tok != TOK_LITERAL && tok != TOK_STRING)
		return resp_bad(r, "bad body");
	r->fetch.has |= FETCH_BODY;
	r->fetch.bodylen = tok == TOK_LITERAL ? r->lex.left : r->lex.text.len;
	r->in_body = 1;
	r->drained = 0;
	if (resp_called(r, r->calls->body_begin(r->arg, &r->fetch,
	    literal8)) == -1)
		return -1;
	return r->fetch.bodylen == 0 ? resp_body_end(r) : 0;
}

int
resp_body_end(struct resp *r)
{
	if (lex_in_literal(&r->lex))
		lex_literal_done(&r->lex);
	r->in_body = 0;
	if (resp_called(r, r->calls->body_end(r->arg)) == -1)
		return -1;
	return fetch_next(r, FETCH_BODY);
}

static const struct {
	const char	*name;
	int		 prefix;	/* more may follow in the name */
	resp_state	 state;
	enum lex_mode	 mode;
} items[] = {
	{ "UID",			0, fetch_uid,		LEX_PLAIN },
	{ "FLAGS",			0, fetch_flags,		LEX_PLAIN },
	{ "MODSEQ",			0, fetch_modseq,	LEX_PLAIN },
	{ "INTERNALDATE",		0, fetch_date,		LEX_PLAIN },
	{ "RFC822.SIZE",		0, fetch_size,		LEX_PLAIN },
	{ "BODY[]",			0, fetch_body,		LEX_BODY },
	{ "BODY[]<0>",			0, fetch_body,		LEX_BODY },
	{ "BODY[HEADER.FIELDS (",	1, fetch_header,	LEX_CUT },
};

static int
fetch_item(struct resp *r, enum token tok)
{
	const char	*name = r->lex.text.s;
	size_t		 i;

	if (tok == TOK_CLOSE)
		return resp_goto(r, fetch_eol, LEX_PLAIN);
	if (tok != TOK_ATOM)
		return resp_bad(r, "bad item");
	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (items[i].prefix ? strncasecmp(name, items[i].name,
		    strlen(items[i].name)) == 0 :
		    strcasecmp(name, items[i].name) == 0)
			return resp_goto(r, items[i].state, items[i].mode);
	return resp_skip(r, fetch_item, LEX_ITEM);
}

int
resp_fetch(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "no list of items");
	resp_fetch_reset(r);
	r->fetch.seq = r->number;
	return fetch_next(r, 0);
}
