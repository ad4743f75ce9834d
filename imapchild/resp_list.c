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
 * LIST (RFC 3501 section 7.2.2, RFC 5258) and STATUS (RFC 3501 section 7.2.4,
 * RFC 7162 section 7, RFC 5819) responses.
 */
#include <string.h>
#include <strings.h>

#include "resp_local.h"

int
resp_name(struct resp *r, enum token tok, size_t *len)
{
	const struct strbuf	*text = &r->lex.text;

	if (tok != TOK_ATOM && tok != TOK_STRING)
		return resp_bad(r, "bad mailbox name");
	if (text->len > MAILBOX_NAMEMAX)
		return resp_bad(r, "mailbox name too long");
	if (memchr(text->s, '\0', text->len) != NULL)
		return resp_bad(r, "NUL in a mailbox name");
	if (strcasecmp(text->s, "INBOX") == 0)
		resp_upper(text->s);
	memcpy(r->name, text->s, text->len + 1);
	*len = text->len;
	return 0;
}

/* LIST */

static const struct {
	const char	*name;
	unsigned int	 bit;
} attrs[] = {
	{ "\\Noselect",		ATTR_NOSELECT },
	{ "\\NonExistent",	ATTR_NONEXISTENT },
	{ "\\Noinferiors",	ATTR_NOINFERIORS },
	{ "\\Subscribed",	ATTR_SUBSCRIBED },
	{ "\\HasChildren",	ATTR_HASCHILDREN },
	{ "\\HasNoChildren",	ATTR_HASNOCHILDREN },
	{ "\\Remote",		ATTR_REMOTE },
};

/* The end of the line, or the extended data items of RFC 5258. */
static int
list_end(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "more than a response holds");
	if (resp_called(r, r->calls->list(r->arg, &r->list)) == -1)
		return -1;
	return resp_end(r);
}

static int
list_ext(struct resp *r, enum token tok)
{
	if (tok == TOK_CLOSE)
		return resp_goto(r, list_end, LEX_PLAIN);
	if (tok != TOK_ATOM && tok != TOK_STRING)
		return resp_bad(r, "bad extended item");
	return resp_skip(r, list_ext, LEX_SKIP);
}

static int
list_more(struct resp *r, enum token tok)
{
	if (tok == TOK_OPEN)
		return resp_goto(r, list_ext, LEX_SKIP);
	return list_end(r, tok);
}

static int
list_name(struct resp *r, enum token tok)
{
	if (resp_name(r, tok, &r->list.namelen) == -1)
		return -1;
	r->list.name = r->name;
	return resp_goto(r, list_more, LEX_PLAIN);
}

static int
list_delim(struct resp *r, enum token tok)
{
	const struct strbuf	*text = &r->lex.text;

	if (tok == TOK_STRING && text->len == 1 && text->s[0] > ' ' &&
	    text->s[0] < 0x7f)
		r->list.delim = text->s[0];
	else if (!resp_is(r, tok, "NIL"))
		return resp_bad(r, "bad hierarchy delimiter");
	return resp_goto(r, list_name, LEX_PLAIN);
}

static int
list_attr(struct resp *r, enum token tok)
{
	size_t	i;

	if (tok == TOK_CLOSE)
		return resp_goto(r, list_delim, LEX_PLAIN);
	if (tok != TOK_ATOM)
		return resp_bad(r, "bad attribute");
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (resp_is(r, tok, attrs[i].name))
			r->list.attrs |= attrs[i].bit;
	return 0;
}

int
resp_list(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "no list of attributes");
	memset(&r->list, 0, sizeof(r->list));
	return resp_goto(r, list_attr, LEX_PLAIN);
}

/* STATUS */

static int	status_item(struct resp *, enum token);

static const struct {
	const char	*name;
	uint8_t		 bit;
	uint64_t	 max;
} items[] = {
	{ "MESSAGES",		STATUS_MESSAGES,	UINT32_MAX },
	{ "UIDNEXT",		STATUS_UIDNEXT,		UINT32_MAX },
	{ "UIDVALIDITY",	STATUS_UIDVALIDITY,	UINT32_MAX },
	{ "HIGHESTMODSEQ",	STATUS_MODSEQ,		RESP_MODSEQMAX },
};

static int
status_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "more than a response holds");
	if (resp_called(r,
	    r->calls->mailboxstatus(r->arg, &r->mbstatus)) == -1)
		return -1;
	return resp_end(r);
}

/* Record the value of item r->statusbit. */
static void
status_set(struct resp_statusdata *st, uint8_t bit, uint64_t value)
{
	if (value == 0 && (bit == STATUS_UIDNEXT || bit == STATUS_UIDVALIDITY))
		return;
	st->has |= bit;
	switch (bit) {
	case STATUS_MESSAGES:
		st->messages = value;
		break;
	case STATUS_UIDNEXT:
		st->uidnext = value;
		break;
	case STATUS_UIDVALIDITY:
		st->uidvalidity = value;
		break;
	default:
		st->modseq = value;
		break;
	}
}

static int
status_value(struct resp *r, enum token tok)
{
	uint64_t	value, max;

	max = r->statusbit == STATUS_MODSEQ ? RESP_MODSEQMAX : UINT32_MAX;
	if (resp_number(r, tok, max, &value) == -1)
		return -1;
	status_set(&r->mbstatus, r->statusbit, value);
	return resp_goto(r, status_item, LEX_PLAIN);
}

static int
status_item(struct resp *r, enum token tok)
{
	size_t	i;

	if (tok == TOK_CLOSE)
		return resp_goto(r, status_eol, LEX_PLAIN);
	if (tok != TOK_ATOM)
		return resp_bad(r, "bad item");
	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (resp_is(r, tok, items[i].name)) {
			r->statusbit = items[i].bit;
			return resp_goto(r, status_value, LEX_PLAIN);
		}
	return resp_skip(r, status_item, LEX_PLAIN);
}

static int
status_open(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "no list of items");
	return resp_goto(r, status_item, LEX_PLAIN);
}

int
resp_mbstatus(struct resp *r, enum token tok)
{
	memset(&r->mbstatus, 0, sizeof(r->mbstatus));
	if (resp_name(r, tok, &r->mbstatus.namelen) == -1)
		return -1;
	r->mbstatus.name = r->name;
	return resp_goto(r, status_open, LEX_PLAIN);
}
