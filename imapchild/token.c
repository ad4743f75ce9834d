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
 * The tokenizer: see token.h.  Each state is one function that consumes what
 * belongs to it and names the next; lex_step() calls the one we are in.
 */
#include <ctype.h>
#include <string.h>

#include "resp.h"
#include "token.h"

static lex_state	lex_start, lex_atom, lex_section, lex_quoted,
			lex_escape, lex_quoted_end, lex_tilde, lex_size,
			lex_size_cr, lex_size_lf, lex_literal, lex_code,
			lex_text, lex_set, lex_set_end, lex_cr;

int
lex_init(struct lex *l)
{
	memset(l, 0, sizeof(*l));
	if (strbuf_init(&l->text) == -1)
		return -1;
	l->mode = LEX_PLAIN;
	l->state = lex_start;
	return 0;
}

void
lex_free(struct lex *l)
{
	strbuf_free(&l->text);
}

enum token
lex_step(struct lex *l, const char **p, const char *end)
{
	return l->state(l, p, end);
}

int
lex_in_literal(const struct lex *l)
{
	return l->state == lex_literal;
}

void
lex_literal_done(struct lex *l)
{
	l->left = 0;
	l->state = lex_start;
}

int
token_number(const char *s, size_t n, uint64_t max, uint64_t *num)
{
	uint64_t	v = 0;
	size_t		i;
	unsigned int	d;

	if (n == 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		d = s[i] - '0';
		if (d > max || v > (max - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	*num = v;
	return 0;
}

static enum token
lex_bad(struct lex *l, const char *err)
{
	l->err = err;
	return TOK_BAD;
}

/* Begin a token: what is collected from here on is its text. */
static enum token
lex_enter(struct lex *l, lex_state *state)
{
	strbuf_cut(&l->text, 0);
	l->cut = 0;
	l->num = 0;
	l->digits = 0;
	l->state = state;
	return TOK_NONE;
}

/* A token is complete. */
static enum token
lex_leave(struct lex *l, enum token tok, lex_state *state)
{
	l->state = state;
	return tok;
}

/* Append to the text, at most cap octets of it: 0, or -1: lex.err. */
static int
lex_keep(struct lex *l, const char *s, size_t n, size_t cap)
{
	long	taken;

	if (l->mode == LEX_SKIP || n == 0)
		return 0;
	if ((taken = strbuf_add(&l->text, s, n, cap)) == -1) {
		l->err = "out of memory";
		return -1;
	}
	if ((size_t)taken == n)
		return 0;
	l->cut = 1;
	if (l->mode == LEX_CUT || l->mode == LEX_TEXT)
		return 0;
	l->err = "token too long";
	return -1;
}

static size_t
lex_stringcap(const struct lex *l)
{
	return l->mode == LEX_CUT ? RESP_HEADERMAX : RESP_STRMAX;
}

/*
 * May stand in an atom.  Wildcards, backslash and octets above 0x7f are no
 * ATOM-CHARs of RFC 3501, but flags begin so and mailbox names are sent so.
 */
static int
is_atom(unsigned char c)
{
	return c > ' ' && c != 0x7f && c != '(' && c != ')' && c != '{' &&
	    c != '"';
}

static int
is_text(unsigned char c)
{
	return c != '\0' && c != '\r' && c != '\n';
}

/* The parenthesis, line end or first octet of a token at *p. */
static enum token
lex_first(struct lex *l, const char **p)
{
	char	c = **p;

	if (is_atom(c) && c != '~')
		return lex_enter(l, lex_atom);
	(*p)++;
	switch (c) {
	case ' ':
		return TOK_NONE;
	case '(':
		return TOK_OPEN;
	case ')':
		return TOK_CLOSE;
	case '"':
		return lex_enter(l, lex_quoted);
	case '{':
		l->literal8 = 0;
		return lex_enter(l, lex_size);
	case '~':
		return lex_enter(l, lex_tilde);
	case '\r':
		l->state = lex_cr;
		return TOK_NONE;
	case '\n':
		return TOK_EOL;
	default:
		return lex_bad(l, "control character");
	}
}

/* Between tokens: the mode tells what may come. */
static enum token
lex_start(struct lex *l, const char **p, const char *end)
{
	switch (l->mode) {
	case LEX_CODETEXT:
	case LEX_TEXT:
		if (**p == ' ')
			(*p)++;
		return lex_enter(l, l->mode == LEX_TEXT ? lex_text : lex_code);
	case LEX_SET:
		if (isdigit((unsigned char)**p)) {
			l->inrange = 0;
			return lex_enter(l, lex_set);
		}
		return lex_first(l, p);
	default:
		return lex_first(l, p);
	}
}

static enum token
lex_atom(struct lex *l, const char **p, const char *end)
{
	const char	*s = *p;

	while (*p < end && is_atom(**p) &&
	    (**p != '[' || l->mode != LEX_ITEM))
		(*p)++;
	if (lex_keep(l, s, *p - s, RESP_ATOMMAX) == -1)
		return TOK_BAD;
	if (*p == end)
		return TOK_NONE;
	switch (**p) {
	case '[':
		l->state = lex_section;
		return TOK_NONE;
	case ' ':
	case '(':
	case ')':
	case '\r':
	case '\n':
		return lex_leave(l, TOK_ATOM, lex_start);
	default:
		return lex_bad(l, "bad octet in an atom");
	}
}

/* "[HEADER.FIELDS (A B)]" is part of the name of a FETCH item. */
static enum token
lex_section(struct lex *l, const char **p, const char *end)
{
	const char	*s = *p;

	while (*p < end && **p != ']' && is_text(**p))
		(*p)++;
	if (*p < end && **p == ']') {
		(*p)++;
		l->state = lex_atom;
	} else if (*p < end)
		return lex_bad(l, "unfinished section");
	if (lex_keep(l, s, *p - s, RESP_ATOMMAX) == -1)
		return TOK_BAD;
	return TOK_NONE;
}

/*
 * The closing quote is left to lex_quoted_end(), so that something is still
 * unconsumed while a body that came as a quoted string drains.
 */
static enum token
lex_quoted(struct lex *l, const char **p, const char *end)
{
	const char	*s = *p;

	while (*p < end && **p != '"' && **p != '\\' && is_text(**p))
		(*p)++;
	if (lex_keep(l, s, *p - s, lex_stringcap(l)) == -1)
		return TOK_BAD;
	if (*p == end)
		return TOK_NONE;
	if (**p == '"')
		return lex_leave(l, TOK_STRING, lex_quoted_end);
	if (**p != '\\')
		return lex_bad(l, "unfinished quoted string");
	(*p)++;
	l->state = lex_escape;
	return TOK_NONE;
}

static enum token
lex_escape(struct lex *l, const char **p, const char *end)
{
	if (**p != '"' && **p != '\\')
		return lex_bad(l, "bad escape in a quoted string");
	if (lex_keep(l, *p, 1, lex_stringcap(l)) == -1)
		return TOK_BAD;
	(*p)++;
	l->state = lex_quoted;
	return TOK_NONE;
}

static enum token
lex_quoted_end(struct lex *l, const char **p, const char *end)
{
	(*p)++;
	l->state = lex_start;
	return TOK_NONE;
}

/* A literal8 (RFC 3516), or an atom that begins with a tilde. */
static enum token
lex_tilde(struct lex *l, const char **p, const char *end)
{
	if (**p == '{') {
		(*p)++;
		l->literal8 = 1;
		l->state = lex_size;
		return TOK_NONE;
	}
	l->state = lex_atom;
	return lex_keep(l, "~", 1, RESP_ATOMMAX) == -1 ? TOK_BAD : TOK_NONE;
}

/* The octet count of a literal, after the brace (RFC 9051: 63 bits). */
static enum token
lex_size(struct lex *l, const char **p, const char *end)
{
	unsigned int	d;

	for (; *p < end && isdigit((unsigned char)**p); (*p)++) {
		d = **p - '0';
		if (l->num > (RESP_BODYMAX - d) / 10)
			return lex_bad(l, "literal too long");
		l->num = l->num * 10 + d;
		l->digits = 1;
	}
	if (*p == end)
		return TOK_NONE;
	if (*(*p)++ != '}' || !l->digits)
		return lex_bad(l, "bad literal");
	l->state = lex_size_cr;
	return TOK_NONE;
}

static enum token
lex_size_cr(struct lex *l, const char **p, const char *end)
{
	if (*(*p)++ != '\r')
		return lex_bad(l, "no CR LF after a literal's size");
	l->state = lex_size_lf;
	return TOK_NONE;
}

static enum token
lex_size_lf(struct lex *l, const char **p, const char *end)
{
	if (*(*p)++ != '\n')
		return lex_bad(l, "no CR LF after a literal's size");
	l->left = l->num;
	l->state = lex_literal;
	if (l->mode == LEX_BODY)
		return TOK_LITERAL;
	if (l->mode != LEX_SKIP && l->mode != LEX_CUT &&
	    l->left > RESP_STRMAX)
		return lex_bad(l, "literal too long");
	return l->left > 0 ? TOK_NONE : lex_leave(l, TOK_STRING, lex_start);
}

static enum token
lex_literal(struct lex *l, const char **p, const char *end)
{
	size_t	n = end - *p;

	if (n > l->left)
		n = l->left;
	if (lex_keep(l, *p, n, lex_stringcap(l)) == -1)
		return TOK_BAD;
	*p += n;
	l->left -= n;
	return l->left > 0 ? TOK_NONE : lex_leave(l, TOK_STRING, lex_start);
}

/*
 * A response code, or the text of a line that has none.  Without its closing
 * bracket it is text like any other.
 */
static enum token
lex_code(struct lex *l, const char **p, const char *end)
{
	const char	*s = *p;

	if (l->text.len == 0 && *s != '[') {
		l->mode = LEX_TEXT;
		l->state = lex_text;
		return TOK_NONE;
	}
	while (*p < end && **p != ']' && is_text(**p))
		(*p)++;
	if (lex_keep(l, s, *p - s, RESP_CODEMAX) == -1)
		return TOK_BAD;
	if (*p == end)
		return TOK_NONE;
	if (**p != ']') {
		l->mode = LEX_TEXT;
		l->state = lex_text;
		strbuf_cut(&l->text, RESP_TEXTMAX);
		return TOK_NONE;
	}
	(*p)++;
	memmove(l->text.s, l->text.s + 1, l->text.len);
	strbuf_cut(&l->text, l->text.len - 1);
	return lex_leave(l, TOK_CODE, lex_start);
}

static enum token
lex_text(struct lex *l, const char **p, const char *end)
{
	const char	*s = *p;

	while (*p < end && is_text(**p))
		(*p)++;
	if (lex_keep(l, s, *p - s, RESP_TEXTMAX) == -1)
		return TOK_BAD;
	if (*p == end)
		return TOK_NONE;
	if (**p == '\0')
		return lex_bad(l, "NUL in a text");
	l->mode = LEX_PLAIN;
	return lex_leave(l, TOK_TEXT, lex_start);
}

/* One number of a set is complete: the end or the beginning of a range. */
static int
lex_set_number(struct lex *l)
{
	if (!l->digits)
		return -1;
	l->hi = l->num;
	if (!l->inrange)
		l->lo = l->num;
	l->num = 0;
	l->digits = 0;
	return 0;
}

/* "2,4:7,9": a token for each range, so that no set is ever collected. */
static enum token
lex_set(struct lex *l, const char **p, const char *end)
{
	unsigned int	d;

	for (; *p < end && isdigit((unsigned char)**p); (*p)++) {
		d = **p - '0';
		if (l->num > (UID_MAX - d) / 10)
			return lex_bad(l, "number too large in a set");
		l->num = l->num * 10 + d;
		l->digits = 1;
	}
	if (*p == end)
		return TOK_NONE;
	if (lex_set_number(l) == -1)
		return lex_bad(l, "bad set");
	if (**p == ':' && !l->inrange) {
		(*p)++;
		l->inrange = 1;
		return TOK_NONE;
	}
	l->inrange = 0;
	if (**p == ',')
		(*p)++;
	else
		l->state = lex_set_end;
	return TOK_RANGE;
}

static enum token
lex_set_end(struct lex *l, const char **p, const char *end)
{
	switch (**p) {
	case ' ':
	case ')':
	case '\r':
	case '\n':
		l->mode = LEX_PLAIN;
		l->state = lex_start;
		return TOK_SETEND;
	default:
		return lex_bad(l, "bad set");
	}
}

static enum token
lex_cr(struct lex *l, const char **p, const char *end)
{
	if (*(*p)++ != '\n')
		return lex_bad(l, "CR without LF");
	l->state = lex_start;
	return TOK_EOL;
}
