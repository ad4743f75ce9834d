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
 * The tokenizer under resp.c: octets in, one token at a time out (RFC 3501
 * section 9, RFC 4466).  Only resp*.c call it.  It never reads a socket and
 * never holds more than the cap of the token at hand.
 *
 * It is tolerant where nothing can be misread: any number of spaces separates
 * tokens, a line may end in a bare LF, atoms may hold wildcards and octets
 * above 0x7f.  It is strict where something could: a literal's header ends in
 * CR LF, CR stands only before LF, NUL and controls stand nowhere, and
 * neither a quote nor a brace stands inside an atom.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "strbuf.h"

enum token {
	TOK_NONE,		/* nothing yet; feed on */
	TOK_BAD,		/* lex.err says why */
	TOK_ATOM,		/* text: atom, number, flag, NIL, FETCH item */
	TOK_STRING,		/* text: a quoted string or literal */
	TOK_LITERAL,		/* LEX_BODY: lex.left octets follow */
	TOK_OPEN, TOK_CLOSE,	/* parentheses */
	TOK_CODE,		/* text: what stood between [ and ] */
	TOK_TEXT,		/* text: the rest of the line */
	TOK_RANGE,		/* lex.lo, lex.hi: one of a set, as sent */
	TOK_SETEND,		/* the set is over */
	TOK_EOL
};

/* What the parser expects next; it may change after every token. */
enum lex_mode {
	LEX_PLAIN,		/* tokens, strings up to RESP_STRMAX */
	LEX_ITEM,		/* the same; "BODY[a (b c)]<0>" is one atom */
	LEX_SKIP,		/* the same; but nothing is collected */
	LEX_CUT,		/* the same; strings cut at RESP_HEADERMAX */
	LEX_BODY,		/* the same; a literal is left to the caller */
	LEX_SET,		/* a sequence-set, or "(" */
	LEX_TEXT,		/* free text */
	LEX_CODETEXT		/* free text that may begin with a code */
};

struct lex;
typedef enum token lex_state(struct lex *, const char **, const char *);

struct lex {
	enum lex_mode	 mode;
	lex_state	*state;		/* inside which token we are */
	struct strbuf	 text;		/* of the token */
	int		 cut;		/* text was longer than its cap */
	uint64_t	 left;		/* octets of the literal to come */
	int		 literal8;	/* it was announced as ~{n} */
	uint64_t	 num;		/* the number being read */
	int		 digits;	/* it has begun */
	int		 inrange;	/* a colon was read */
	uint32_t	 lo, hi;
	const char	*err;
};

int		 lex_init(struct lex *);	/* 0, or -1: no memory */
void		 lex_free(struct lex *);
/*
 * Take one step: consume octets from *p (at least one is there) up to the end
 * of a token or of the input, and move *p.  A step may consume nothing when
 * the octet that ended the token belongs to the next one.
 */
enum token	 lex_step(struct lex *, const char **, const char *);
/* The octets that follow are those of a literal. */
int		 lex_in_literal(const struct lex *);
/* The caller has taken the literal TOK_LITERAL announced. */
void		 lex_literal_done(struct lex *);

/*
 * A decimal number of n octets up to max: 0, or -1 when there is none,
 * something else stands in it, or it is larger.  Leading zeros are fine.
 */
int		 token_number(const char *, size_t, uint64_t, uint64_t *);

#endif
