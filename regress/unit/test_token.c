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
 * The tokenizer alone: what each mode makes of an input, fed whole and one
 * octet at a time; and numbers.
 */
#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/resp.h"
#include "imapchild/token.h"

static void
put_token(FILE *f, const struct lex *l, enum token tok)
{
	static const char *const names[] = {
		[TOK_NONE] = "", [TOK_BAD] = "bad", [TOK_ATOM] = "atom",
		[TOK_STRING] = "string", [TOK_LITERAL] = "literal",
		[TOK_OPEN] = "(", [TOK_CLOSE] = ")", [TOK_CODE] = "code",
		[TOK_TEXT] = "text", [TOK_RANGE] = "range",
		[TOK_SETEND] = "end", [TOK_EOL] = "eol"
	};

	if (tok == TOK_NONE)
		return;
	fputs(names[tok], f);
	if (tok == TOK_RANGE)
		fprintf(f, " %u:%u", l->lo, l->hi);
	else if (tok == TOK_LITERAL)
		fprintf(f, "%s %ju", l->literal8 ? "8" : "",
		    (uintmax_t)l->left);
	else if (tok == TOK_BAD)
		fprintf(f, " %s", l->err);
	else if (tok == TOK_ATOM || tok == TOK_STRING || tok == TOK_CODE ||
	    tok == TOK_TEXT)
		fprintf(f, "%s <%.*s>", l->cut ? " cut" : "",
		    (int)l->text.len, l->text.s);
	fputc('|', f);
}

/* The tokens of an input; the mode is set once, unless text follows a code. */
static char *
tokens(const char *in, enum lex_mode mode, size_t piece)
{
	struct lex	 l;
	FILE		*f;
	char		*text;
	size_t		 textlen, n = strlen(in), pos = 0, end;
	const char	*p = in;
	enum token	 tok = TOK_NONE;

	assert_int_equal(lex_init(&l), 0);
	if ((f = open_memstream(&text, &textlen)) == NULL)
		err(1, "open_memstream");
	l.mode = mode;
	while (pos < n && tok != TOK_BAD) {
		end = piece == 0 || piece > n - pos ? n : pos + piece;
		while (p < in + end && tok != TOK_BAD) {
			tok = lex_step(&l, &p, in + end);
			put_token(f, &l, tok);
			if (tok == TOK_CODE)
				l.mode = LEX_TEXT;
			if (tok == TOK_LITERAL) {
				p += l.left;
				lex_literal_done(&l);
			}
		}
		pos = end;
	}
	fclose(f);
	lex_free(&l);
	return text;
}

static void
check(const char *in, enum lex_mode mode, const char *want)
{
	char	*got;

	got = tokens(in, mode, 0);
	assert_string_equal(got, want);
	free(got);
	if (mode == LEX_BODY)
		return;		/* tokens() takes literals whole */
	got = tokens(in, mode, 1);
	assert_string_equal(got, want);
	free(got);
}

static void
test_plain(void **state)
{
	check("a (b \"c\\\"d\" {3}\r\n)\r\n)\r\n", LEX_PLAIN,
	    "atom <a>|(|atom <b>|string <c\"d>|string <)\r\n>|)|eol|");
	check("a  b\n\r\n", LEX_PLAIN, "atom <a>|atom <b>|eol|eol|");
	check("a(b)c", LEX_PLAIN, "atom <a>|(|atom <b>|)|");
	check("\\Seen a]b [c] 1:* ~d ", LEX_PLAIN, "atom <\\Seen>|atom <a]b>|"
	    "atom <[c]>|atom <1:*>|atom <~d>|");
	check("~{1}\r\n)~ ~()", LEX_PLAIN,
	    "string <)>|atom <~>|atom <~>|(|)|");
	check("\"\"{0}\r\n \"a\"\"b\"", LEX_PLAIN,
	    "string <>|string <>|string <a>|string <b>|");
	check("a\001", LEX_PLAIN, "bad bad octet in an atom|");
	check("\177", LEX_PLAIN, "bad control character|");
	check("}", LEX_PLAIN, "");
	check("{x}", LEX_PLAIN, "bad bad literal|");
	check("\r\r\n", LEX_PLAIN, "bad CR without LF|");
}

static void
test_item(void **state)
{
	check("BODY[A.B (c \"d\")]<0> UID [", LEX_ITEM,
	    "atom <BODY[A.B (c \"d\")]<0>>|atom <UID>|");
	check("BODY[] A[](", LEX_ITEM, "atom <BODY[]>|atom <A[]>|(|");
	check("BODY[\n", LEX_ITEM, "bad unfinished section|");
}

static void
test_skip(void **state)
{
	check("abc \"d\" {2}\r\nef ()\r\n", LEX_SKIP,
	    "atom <>|string <>|string <>|(|)|eol|");
}

static void
test_body(void **state)
{
	check("{3}\r\na\"b ~{0}\r\n \"c\" NIL ", LEX_BODY,
	    "literal 3|literal8 0|string <c>|atom <NIL>|");
}

static void
test_text(void **state)
{
	check(" a (\"b [c] {3}\r\n", LEX_TEXT, "text <a (\"b [c] {3}>|eol|");
	check("\r\n", LEX_TEXT, "text <>|eol|");
	check(" [a b] c ]\n", LEX_CODETEXT, "code <a b>|text <c ]>|eol|");
	check("[a]b\r\n", LEX_CODETEXT, "code <a>|text <b>|eol|");
	check(" a [b]\r\n", LEX_CODETEXT, "text <a [b]>|eol|");
	check("[a b\r\n", LEX_CODETEXT, "text <[a b>|eol|");
	check("\r\n", LEX_CODETEXT, "text <>|eol|");
}

static void
test_set(void **state)
{
	check(" 1,2:3,9:7,0\r\n", LEX_SET,
	    "range 1:1|range 2:3|range 9:7|range 0:0|end|eol|");
	check("4294967295:1 a", LEX_SET, "range 4294967295:1|end|");
	check("(A) 1", LEX_SET, "(|atom <A>|)|");
	check("4294967296\n", LEX_SET, "bad number too large in a set|");
	check("1::2\n", LEX_SET, "bad bad set|");
	check("1:\n", LEX_SET, "bad bad set|");
	check("1a\n", LEX_SET, "range 1:1|bad bad set|");
}

static void
check_number(const char *s, uint64_t max, int ret, uint64_t want)
{
	uint64_t	num = 77;

	assert_int_equal(token_number(s, strlen(s), max, &num), ret);
	if (ret == 0)
		assert_true(num == want);
	else
		assert_true(num == 77);
}

static void
test_number(void **state)
{
	check_number("0", UINT32_MAX, 0, 0);
	check_number("007", UINT32_MAX, 0, 7);
	check_number("4294967295", UINT32_MAX, 0, UINT32_MAX);
	check_number("4294967296", UINT32_MAX, -1, 0);
	check_number("42949672950", UINT32_MAX, -1, 0);
	check_number("18446744073709551615", UINT64_MAX, 0, UINT64_MAX);
	check_number("18446744073709551616", UINT64_MAX, -1, 0);
	check_number("99999999999999999999999", UINT64_MAX, -1, 0);
	check_number("9223372036854775807", RESP_MODSEQMAX, 0, INT64_MAX);
	check_number("9223372036854775808", RESP_MODSEQMAX, -1, 0);
	check_number("7", 7, 0, 7);
	check_number("8", 7, -1, 0);
	check_number("10", 7, -1, 0);
	check_number("", UINT32_MAX, -1, 0);
	check_number("-1", UINT32_MAX, -1, 0);
	check_number("+1", UINT32_MAX, -1, 0);
	check_number(" 1", UINT32_MAX, -1, 0);
	check_number("1 ", UINT32_MAX, -1, 0);
	check_number("0x1", UINT32_MAX, -1, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_item),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
