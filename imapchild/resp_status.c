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
 * Status responses, tagged and untagged (RFC 3501 section 7.1), and command
 * continuation requests (section 7.5): what ends in free text.
 */
#include <string.h>

#include "resp_local.h"

static const struct {
	const char	*name;
	enum resp_cond	 cond;
	int		 tagged;	/* may end a command */
} conds[] = {
	{ "OK",		COND_OK,	1 },
	{ "NO",		COND_NO,	1 },
	{ "BAD",	COND_BAD,	1 },
	{ "BYE",	COND_BYE,	0 },
	{ "PREAUTH",	COND_PREAUTH,	0 },
};

static int
status_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "bad status response");
	r->status.text = r->lex.text.s;
	if (resp_called(r, r->calls->status(r->arg, &r->status)) == -1)
		return -1;
	return resp_end(r);
}

static int
status_text(struct resp *r, enum token tok)
{
	if (tok == TOK_CODE) {
		if (resp_code(r) == -1)
			return -1;
		return resp_goto(r, status_text, LEX_TEXT);
	}
	if (tok != TOK_TEXT)
		return resp_bad(r, "bad status response");
	return resp_goto(r, status_eol, LEX_PLAIN);
}

int
resp_status_begin(struct resp *r, enum token tok, const char *tag)
{
	size_t	i;

	for (i = 0; i < sizeof(conds) / sizeof(conds[0]); i++) {
		if (!resp_is(r, tok, conds[i].name) ||
		    (tag != NULL && !conds[i].tagged))
			continue;
		memset(&r->status, 0, sizeof(r->status));
		r->status.tag = tag;
		r->status.cond = conds[i].cond;
		r->status.code = CODE_NONE;
		strbuf_cut(&r->codename, 0);
		r->status.codename = r->codename.s;
		resp_goto(r, status_text, LEX_CODETEXT);
		return 1;
	}
	return 0;
}

int
resp_tagged(struct resp *r, enum token tok)
{
	if (!resp_status_begin(r, tok, r->tag))
		return resp_bad(r, "neither OK nor NO nor BAD after a tag");
	return 0;
}

/* "+ text". */

static int
cont_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "bad continuation");
	if (resp_called(r, r->calls->cont(r->arg, r->lex.text.s)) == -1)
		return -1;
	return resp_end(r);
}

int
resp_cont(struct resp *r, enum token tok)
{
	if (tok != TOK_TEXT)
		return resp_bad(r, "bad continuation");
	if (r->lex.cut)
		return resp_bad(r, "continuation too long");
	return resp_goto(r, cont_eol, LEX_PLAIN);
}
