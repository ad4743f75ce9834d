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
 * The response parser: feeds the tokenizer, hands its tokens to the state we
 * are in, and holds the states of whole lines (tags, conditions, the names of
 * responses).  What a response holds is in resp_*.c.  See resp.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "resp_local.h"

static int	resp_line(struct resp *, enum token);

struct resp *
resp_new(const struct resp_calls *calls, void *arg)
{
	struct resp	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	if (lex_init(&r->lex) == -1 || strbuf_init(&r->trace) == -1 ||
	    strbuf_init(&r->codename) == -1 || strbuf_init(&r->header) == -1) {
		resp_free(r);
		return NULL;
	}
	r->calls = calls;
	r->arg = arg;
	r->state = resp_line;
	flags_init(&r->flags);
	flags_init(&r->fetch.flags);
	uidset_init(&r->modified);
	return r;
}

void
resp_free(struct resp *r)
{
	if (r == NULL)
		return;
	lex_free(&r->lex);
	strbuf_free(&r->trace);
	strbuf_free(&r->codename);
	strbuf_free(&r->header);
	flags_free(&r->flags);
	flags_free(&r->fetch.flags);
	uidset_free(&r->modified);
	free(r);
}

const char *
resp_error(const struct resp *r)
{
	return r->err;
}

void
resp_stop(struct resp *r)
{
	r->stop = 1;
}

int
resp_partial(const struct resp *r)
{
	return r->linelen > 0;
}

int
resp_goto(struct resp *r, resp_state state, enum lex_mode mode)
{
	r->state = state;
	r->lex.mode = mode;
	return 0;
}

int
resp_bad(struct resp *r, const char *err)
{
	if (r->failed)
		return -1;
	r->failed = 1;
	if (r->what != NULL)
		snprintf(r->err, sizeof(r->err), "%s: %s", r->what, err);
	else
		strlcpy(r->err, err, sizeof(r->err));
	return -1;
}

int
resp_called(struct resp *r, int ret)
{
	return ret == -1 ? resp_bad(r, "the answer was not expected") : 0;
}

int
resp_end(struct resp *r)
{
	r->linelen = 0;
	r->what = NULL;
	return resp_goto(r, resp_line, LEX_PLAIN);
}

int
resp_eol(struct resp *r, enum token tok)
{
	if (tok != TOK_EOL)
		return resp_bad(r, "more than a response holds");
	return resp_end(r);
}

int
resp_is(const struct resp *r, enum token tok, const char *atom)
{
	return tok == TOK_ATOM && strcasecmp(r->lex.text.s, atom) == 0;
}

int
resp_number(struct resp *r, enum token tok, uint64_t max, uint64_t *num)
{
	if (tok != TOK_ATOM ||
	    token_number(r->lex.text.s, r->lex.text.len, max, num) == -1)
		return resp_bad(r, "bad number");
	return 0;
}

void
resp_upper(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'a' && *s <= 'z')
			*s -= 'a' - 'A';
}

/* Trace. */

/* One line is complete: hand it out. */
static int
resp_trace_line(struct resp *r)
{
	int	ret;

	ret = r->calls->trace(r->arg, r->trace.s, r->trace.len);
	strbuf_cut(&r->trace, 0);
	return resp_called(r, ret);
}

/*
 * Add what one step of the tokenizer consumed.  The octets of a literal are
 * left out: its line ends after the size, the next begins with "[...]".
 */
static int
resp_trace(struct resp *r, const char *s, size_t n, enum token tok)
{
	while (n > 0 && (s[n - 1] == '\r' || s[n - 1] == '\n'))
		n--;
	if (strbuf_add(&r->trace, s, n, RESP_TEXTMAX) == -1)
		return resp_bad(r, "out of memory");
	if (tok == TOK_EOL)
		return resp_trace_line(r);
	return 0;
}

static int
resp_trace_literal(struct resp *r)
{
	if (resp_trace_line(r) == -1)
		return -1;
	if (strbuf_add(&r->trace, "[...]", 5, RESP_TEXTMAX) == -1)
		return resp_bad(r, "out of memory");
	return 0;
}

/* Skipping. */

static int
resp_skip_value(struct resp *r, enum token tok)
{
	switch (tok) {
	case TOK_OPEN:
		if (++r->depth > RESP_DEPTHMAX)
			return resp_bad(r, "parentheses nested too deep");
		return 0;
	case TOK_CLOSE:
		if (r->depth == 0)
			return resp_bad(r, "unbalanced parentheses");
		r->depth--;
		break;
	case TOK_EOL:
		return resp_bad(r, "unfinished response");
	default:
		break;
	}
	if (r->depth == 0)
		return resp_goto(r, r->back, r->backmode);
	return 0;
}

int
resp_skip(struct resp *r, resp_state back, enum lex_mode backmode)
{
	r->back = back;
	r->backmode = backmode;
	r->depth = 0;
	return resp_goto(r, resp_skip_value, LEX_SKIP);
}

static int
resp_skip_rest(struct resp *r, enum token tok)
{
	if (tok == TOK_EOL)
		return r->depth == 0 ? resp_end(r) :
		    resp_bad(r, "unbalanced parentheses");
	if (tok == TOK_OPEN && ++r->depth > RESP_DEPTHMAX)
		return resp_bad(r, "parentheses nested too deep");
	if (tok == TOK_CLOSE && r->depth-- == 0)
		return resp_bad(r, "unbalanced parentheses");
	return 0;
}

int
resp_skip_line(struct resp *r)
{
	r->depth = 0;
	return resp_goto(r, resp_skip_rest, LEX_SKIP);
}

/* CAPABILITY, ENABLED: atoms up to the end of the line. */

static int
resp_atoms(struct resp *r, enum token tok, int (*call)(void *, const char *))
{
	if (tok == TOK_EOL)
		return resp_end(r);
	if (tok != TOK_ATOM)
		return resp_bad(r, "bad capability");
	resp_upper(r->lex.text.s);
	return resp_called(r, call(r->arg, r->lex.text.s));
}

static int
resp_capabilities(struct resp *r, enum token tok)
{
	return resp_atoms(r, tok, r->calls->capability);
}

static int
resp_capability(struct resp *r, enum token tok)
{
	if (resp_called(r, r->calls->capability(r->arg, NULL)) == -1)
		return -1;
	r->state = resp_capabilities;
	return resp_capabilities(r, tok);
}

static int
resp_enabled(struct resp *r, enum token tok)
{
	return resp_atoms(r, tok, r->calls->enabled);
}

/* FLAGS (...). */

static int
resp_flag(struct resp *r, enum token tok)
{
	if (tok == TOK_ATOM) {
		(void)flags_add(&r->flags, r->lex.text.s, r->lex.text.len);
		return 0;
	}
	if (tok != TOK_CLOSE)
		return resp_bad(r, "bad list of flags");
	if (resp_called(r, r->calls->flags(r->arg, &r->flags)) == -1)
		return -1;
	return resp_goto(r, resp_eol, LEX_PLAIN);
}

static int
resp_flags(struct resp *r, enum token tok)
{
	if (tok != TOK_OPEN)
		return resp_bad(r, "bad list of flags");
	flags_free(&r->flags);
	return resp_goto(r, resp_flag, LEX_PLAIN);
}

/* The responses that begin with a number. */

static int
resp_numbered(struct resp *r, enum token tok)
{
	int	(*call)(void *, uint32_t);

	if (resp_is(r, tok, "FETCH")) {
		r->what = "FETCH";
		if (r->number == 0)
			return resp_bad(r, "message 0");
		return resp_goto(r, resp_fetch, LEX_PLAIN);
	}
	if (resp_is(r, tok, "EXISTS")) {
		r->what = "EXISTS";
		call = r->calls->exists;
	} else if (resp_is(r, tok, "EXPUNGE")) {
		r->what = "EXPUNGE";
		if (r->number == 0)
			return resp_bad(r, "message 0");
		call = r->calls->expunge;
	} else
		return tok == TOK_ATOM ? resp_skip_line(r) :
		    resp_bad(r, "number without a response");
	if (resp_called(r, call(r->arg, r->number)) == -1)
		return -1;
	return resp_goto(r, resp_eol, LEX_PLAIN);
}

/* The names of untagged responses, and what reads the rest of each. */
static const struct {
	const char	*name;
	resp_state	 state;
	enum lex_mode	 mode;
} untagged[] = {
	{ "CAPABILITY",	resp_capability,	LEX_PLAIN },
	{ "ENABLED",	resp_enabled,		LEX_PLAIN },
	{ "ESEARCH",	resp_esearch,		LEX_PLAIN },
	{ "FLAGS",	resp_flags,		LEX_PLAIN },
	{ "LIST",	resp_list,		LEX_PLAIN },
	{ "SEARCH",	resp_search,		LEX_PLAIN },
	{ "STATUS",	resp_mbstatus,		LEX_PLAIN },
	{ "VANISHED",	resp_vanished,		LEX_SET },
};

static int
resp_untagged(struct resp *r, enum token tok)
{
	uint64_t	num;
	size_t		i;

	if (tok != TOK_ATOM)
		return resp_bad(r, "bad untagged response");
	if (isdigit((unsigned char)r->lex.text.s[0])) {
		if (resp_number(r, tok, UINT32_MAX, &num) == -1)
			return -1;
		r->number = num;
		return resp_goto(r, resp_numbered, LEX_PLAIN);
	}
	if (resp_status_begin(r, tok, NULL))
		return 0;
	for (i = 0; i < sizeof(untagged) / sizeof(untagged[0]); i++)
		if (resp_is(r, tok, untagged[i].name)) {
			r->what = untagged[i].name;
			return resp_goto(r, untagged[i].state,
			    untagged[i].mode);
		}
	return resp_skip_line(r);
}

/* The first token of a line. */
static int
resp_line(struct resp *r, enum token tok)
{
	if (tok != TOK_ATOM)
		return resp_bad(r, "no IMAP response");
	if (strcmp(r->lex.text.s, "*") == 0)
		return resp_goto(r, resp_untagged, LEX_PLAIN);
	if (strcmp(r->lex.text.s, "+") == 0)
		return resp_goto(r, resp_cont, LEX_TEXT);
	if (strchr(r->lex.text.s, '+') != NULL)
		return resp_bad(r, "no IMAP response");
	strlcpy(r->tag, r->lex.text.s, sizeof(r->tag));
	return resp_goto(r, resp_tagged, LEX_PLAIN);
}

/* Feeding. */

/* One step of the tokenizer, and of the parser if that gave a token. */
static int
resp_step(struct resp *r, const char **p, const char *end)
{
	const char	*start = *p;
	int		 literal = lex_in_literal(&r->lex);
	enum token	 tok;

	tok = lex_step(&r->lex, p, end);
	r->linelen += *p - start;
	if (tok == TOK_BAD)
		return resp_bad(r, r->lex.err);
	if (r->linelen > RESP_LINEMAX)
		return resp_bad(r, "response too long");
	if (r->calls->trace != NULL) {
		if (!literal && resp_trace(r, start, *p - start, tok) == -1)
			return -1;
		if (!literal && lex_in_literal(&r->lex) &&
		    resp_trace_literal(r) == -1)
			return -1;
	}
	return tok == TOK_NONE ? 0 : r->state(r, tok);
}

/*
 * Hand out what there is of a body: of a literal, the input; of a quoted
 * string, what was collected.  1, 0: it takes no more now, -1: error.
 */
static int
resp_body(struct resp *r, const char **p, const char *end)
{
	const char	*s = *p;
	size_t		 n = end - *p;
	ssize_t		 taken;
	int		 literal = lex_in_literal(&r->lex);

	if (literal && n > r->lex.left)
		n = r->lex.left;
	if (!literal) {
		s = r->lex.text.s + r->drained;
		n = r->lex.text.len - r->drained;
	}
	if ((taken = r->calls->body_data(r->arg, s, n)) < 0)
		return resp_called(r, -1);
	if ((size_t)taken > n)
		return resp_bad(r, "more taken of a body than given");
	if (literal) {
		*p += taken;
		r->lex.left -= taken;
	} else
		r->drained += taken;
	if (literal ? r->lex.left == 0 : r->drained == r->lex.text.len)
		return resp_body_end(r) == -1 ? -1 : 1;
	return (size_t)taken == n;
}

ssize_t
resp_feed(struct resp *r, const char *buf, size_t len)
{
	const char	*p = buf, *end = buf + len;
	int		 more = 1;

	r->stop = 0;
	while (!r->failed && p < end && more &&
	    !(r->stop && r->linelen == 0)) {
		if (r->in_body)
			more = resp_body(r, &p, end);
		else
			(void)resp_step(r, &p, end);
	}
	return r->failed ? -1 : p - buf;
}
