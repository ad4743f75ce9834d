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
 * The response parser on vectors: each is fed whole, one octet at a time, cut
 * in two at every place, and with a reader of bodies that takes one octet or
 * none; the calls must be the same.  Every cap is tried at it and above it.
 * Given a file, it prints the transcript of it instead: so were resp_*.out
 * made of the dialogues recorded from servers, and then read.
 */
#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "regress/unit/resp_record.h"
#include "regress/unit/resp_vectors.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/* Must hold: this input gives this transcript, however it is fed. */
static void
check(const char *in, size_t n, const char *out)
{
	struct record	rec;
	size_t		i;

	record_init(&rec);
	assert_string_equal(record_run(&rec, in, n, 0), out);
	assert_string_equal(record_run(&rec, in, n, 1), out);
	for (i = 1; i < n; i++)
		assert_string_equal(record_split(&rec, in, n, i), out);
	rec.most = 1;
	rec.stall = 1;
	assert_string_equal(record_run(&rec, in, n, 0), out);
	assert_string_equal(record_run(&rec, in, n, 1), out);
	record_free(&rec);
}

static void
check_all(const struct vector *v, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		check(v[i].in, strlen(v[i].in), v[i].out);
}

static void
test_lines(void **state)
{
	check_all(line_vectors, NELEM(line_vectors));
}

static void
test_appenduid(void **state)
{
	check_all(append_vectors, NELEM(append_vectors));
}

static void
test_lists(void **state)
{
	check_all(list_vectors, NELEM(list_vectors));
}

static void
test_sets(void **state)
{
	check_all(set_vectors, NELEM(set_vectors));
}

static void
test_fetch(void **state)
{
	check_all(fetch_vectors, NELEM(fetch_vectors));
}

static void
test_bodies(void **state)
{
	check_all(body_vectors, NELEM(body_vectors));
}

#define CHECK_NUL(in, out)	check(in, sizeof(in) - 1, out)

static void
test_nul(void **state)
{
	CHECK_NUL("* OK a\0b\r\n", "error: NUL in a text\n");
	CHECK_NUL("* OK [a\0b]\r\n", "error: NUL in a text\n");
	CHECK_NUL("* a\0b\r\n", "error: bad octet in an atom\n");
	CHECK_NUL("\0\r\n", "error: control character\n");
	CHECK_NUL("* LIST () \"/\" \"a\0b\"\r\n",
	    "error: LIST: unfinished quoted string\n");
	CHECK_NUL("* LIST () \"/\" {3}\r\na\0b\r\n",
	    "error: LIST: NUL in a mailbox name\n");
	CHECK_NUL("* STATUS ~{3}\r\na\0b ()\r\n",
	    "error: STATUS: NUL in a mailbox name\n");
	CHECK_NUL("* 1 FETCH (BODY[] ~{3}\r\na\0b)\r\n",
	    "begin 1 body=3 literal8 <a\\000b>\nfetch 1 body=3\n");
	CHECK_NUL("* 1 FETCH (BODY[HEADER.FIELDS (A)] {3}\r\na\0b)\r\n",
	    "fetch 1 header=<a\\000b>\n");
	CHECK_NUL("* 1 FETCH (BODY[\0] NIL)\r\n",
	    "error: FETCH: unfinished section\n");
}

/* Whole files at a time: the transcript must be that of whole feeding. */
static char *
slurp(const char *path, size_t *n)
{
	FILE	*f;
	char	*s;

	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s (run this from the top of the tree)", path);
	if ((s = calloc(1, 65536)) == NULL)
		err(1, "calloc");
	*n = fread(s, 1, 65535, f);
	fclose(f);
	return s;
}

static int
print_dialogue(const char *path)
{
	struct record	rec;
	size_t		n;
	char		*s;

	s = slurp(path, &n);
	record_init(&rec);
	rec.trace = 1;
	fputs(record_run(&rec, s, n, 0), stdout);
	record_free(&rec);
	free(s);
	return 0;
}

static void
check_dialogue(const char *in, const char *out)
{
	struct record	rec;
	size_t		n, outn, i;
	char		*s, *want;

	s = slurp(in, &n);
	want = slurp(out, &outn);
	record_init(&rec);
	rec.trace = 1;
	assert_string_equal(record_run(&rec, s, n, 0), want);
	for (i = 1; i < 80; i++)
		assert_string_equal(record_run(&rec, s, n, i), want);
	for (i = 1; i < n; i += 7)
		assert_string_equal(record_split(&rec, s, n, i), want);
	rec.most = 1;
	rec.stall = 1;
	assert_string_equal(record_run(&rec, s, n, 5), want);
	record_free(&rec);
	free(s);
	free(want);
}

static void
test_dialogues(void **state)
{
	check_dialogue("regress/fuzz/seeds/resp/dovecot",
	    "regress/unit/resp_dovecot.out");
	check_dialogue("regress/fuzz/seeds/resp/cyrus",
	    "regress/unit/resp_cyrus.out");
}

/* A response made of head, n times fill, and tail. */
static char *
long_response(const char *head, const char *fill, size_t n, const char *tail)
{
	size_t	 len, i;
	char	*s, *p;

	len = strlen(head) + n * strlen(fill) + strlen(tail) + 1;
	if ((s = malloc(len)) == NULL)
		err(1, "malloc");
	p = stpcpy(s, head);
	for (i = 0; i < n; i++)
		p = stpcpy(p, fill);
	stpcpy(p, tail);
	return s;
}

/* The last line of what the response gives, fed whole and in pieces. */
static void
check_cap(const char *head, const char *fill, size_t n, const char *tail,
    const char *last)
{
	struct record	 rec;
	char		*in;
	const char	*out;
	size_t		 len;
	int		 piece;

	in = long_response(head, fill, n, tail);
	record_init(&rec);
	for (piece = 0; piece < 3; piece++) {
		out = record_run(&rec, in, strlen(in), piece * 61);
		len = strlen(out);
		assert_true(len >= strlen(last));
		assert_string_equal(out + len - strlen(last), last);
	}
	record_free(&rec);
	free(in);
}

static void
test_cap_tokens(void **state)
{
	char	head[64];

	check_cap("* CAPABILITY ", "a", RESP_ATOMMAX, "\r\n", "A\n");
	check_cap("* CAPABILITY ", "a", RESP_ATOMMAX + 1, "\r\n",
	    "error: CAPABILITY: token too long\n");
	check_cap("* OK [CAPABILITY ", "a", RESP_ATOMMAX, "]\r\n",
	    "* OK [CAPABILITY] <>\n");
	check_cap("* OK [CAPABILITY ", "a", RESP_ATOMMAX + 1, "]\r\n",
	    "* OK [other CAPABILITY] <>\n");
	check_cap("* 1 FETCH (BODY[", "a", RESP_ATOMMAX - 6, "] NIL)\r\n",
	    "fetch 1\n");
	check_cap("* 1 FETCH (BODY[", "a", RESP_ATOMMAX - 5, "] NIL)\r\n",
	    "error: FETCH: token too long\n");
	check_cap("* 1 FETCH (BODY[] \"", "a", RESP_STRMAX, "\")\r\n",
	    "fetch 1 body=8192\n");
	check_cap("* 1 FETCH (BODY[] \"", "a", RESP_STRMAX + 1, "\")\r\n",
	    "error: FETCH: token too long\n");
	snprintf(head, sizeof(head), "* 1 FETCH (INTERNALDATE {%d}\r\n",
	    RESP_STRMAX);
	check_cap(head, "a", RESP_STRMAX, ")\r\n", "fetch 1 date=none\n");
	snprintf(head, sizeof(head), "* 1 FETCH (INTERNALDATE {%d}\r\n",
	    RESP_STRMAX + 1);
	check_cap(head, "", 1, "", "error: FETCH: literal too long\n");
}

static void
test_cap_names(void **state)
{
	char	head[64];

	check_cap("* LIST () \"/\" ", "a", MAILBOX_NAMEMAX, "\r\n",
	    "> delim=/ attrs=0\n");
	check_cap("* LIST () \"/\" ", "a", MAILBOX_NAMEMAX + 1, "\r\n",
	    "error: LIST: mailbox name too long\n");
	snprintf(head, sizeof(head), "* STATUS {%d}\r\n", MAILBOX_NAMEMAX);
	check_cap(head, "a", MAILBOX_NAMEMAX, " (MESSAGES 1)\r\n",
	    "> messages=1\n");
	snprintf(head, sizeof(head), "* STATUS {%d}\r\n", MAILBOX_NAMEMAX + 1);
	check_cap(head, "a", MAILBOX_NAMEMAX + 1, " (MESSAGES 1)\r\n",
	    "error: STATUS: mailbox name too long\n");
}

static void
test_cap_texts(void **state)
{
	char	want[RESP_TEXTMAX + 16];

	memset(want, 'a', sizeof(want));
	memcpy(want, "* OK <", 6);
	memcpy(want + 6 + RESP_TEXTMAX, ">\n", 3);
	check_cap("* OK ", "a", RESP_TEXTMAX, "\r\n", want);
	check_cap("* OK ", "a", RESP_TEXTMAX + 1, "\r\n", want);
	memcpy(want, "* OK <[", 7);
	check_cap("* OK [", "a", RESP_TEXTMAX + 7, "\r\n", want);
	check_cap("+ ", "a", RESP_TEXTMAX, "\r\n", "a>\n");
	check_cap("+ ", "a", RESP_TEXTMAX + 1, "\r\n",
	    "error: continuation too long\n");
	/* RESP_CODEMAX counts the bracket. */
	check_cap("* OK [X ", "a", RESP_CODEMAX - 3, "] x\r\n",
	    "* OK [other X] <x>\n");
	check_cap("* OK [X ", "a", RESP_CODEMAX - 2, "] x\r\n",
	    "error: token too long\n");
	check_cap("A OK [APPENDUID 1 1", ",1", RESP_UIDSMAX - 1, "] x\r\n",
	    ",1:1] <x>\n");
	check_cap("A OK [APPENDUID 1 1", ",1", RESP_UIDSMAX, "] x\r\n",
	    "A OK [other APPENDUID] <x>\n");
}

static void
test_cap_header(void **state)
{
	char	head[64];

	snprintf(head, sizeof(head),
	    "* 1 FETCH (BODY[HEADER.FIELDS (A)] {%d}\r\n", RESP_HEADERMAX);
	check_cap(head, "a", RESP_HEADERMAX, " UID 3)\r\n", "a>\n");
	snprintf(head, sizeof(head),
	    "* 1 FETCH (UID 3 BODY[HEADER.FIELDS (A)] {%d}\r\nx",
	    RESP_HEADERMAX + 1);
	check_cap(head, "a", RESP_HEADERMAX, " UID 3)\r\n", "aa>\n");
}

/* A header of more than the cap is cut there and said to be. */
static void
test_header_cut(void **state)
{
	struct record	 rec;
	const char	*out;
	char		*in, head[64];
	size_t		 i;

	record_init(&rec);
	for (i = 0; i < 2; i++) {
		snprintf(head, sizeof(head),
		    "* 1 FETCH (BODY[HEADER.FIELDS (A)] {%zu}\r\n",
		    RESP_HEADERMAX + i);
		in = long_response(head, "a", RESP_HEADERMAX + i, ")\r\n");
		out = record_run(&rec, in, strlen(in), 0);
		assert_int_equal(strncmp(out, i == 0 ? "fetch 1 header=<" :
		    "fetch 1 header(cut)=<", i == 0 ? 16 : 21), 0);
		assert_int_equal(strspn(out + (i == 0 ? 16 : 21), "a"),
		    RESP_HEADERMAX);
		free(in);
	}
	record_free(&rec);
}

static void
test_cap_depth(void **state)
{
	char	close[RESP_DEPTHMAX + 8];

	memset(close, ')', sizeof(close));
	memcpy(close + RESP_DEPTHMAX, "\r\n", 3);
	check_cap("* X ", "(", RESP_DEPTHMAX, close, "");
	memcpy(close + RESP_DEPTHMAX + 1, "\r\n", 3);
	close[RESP_DEPTHMAX] = ')';
	check_cap("* X ", "(", RESP_DEPTHMAX + 1, close,
	    "error: parentheses nested too deep\n");
	check_cap("* 1 FETCH (X ", "(", RESP_DEPTHMAX, close, "fetch 1\n");
	check_cap("* 1 FETCH (X ", "(", RESP_DEPTHMAX + 1, close,
	    "error: FETCH: parentheses nested too deep\n");
}

/* RESP_LINEMAX counts skipped literals, but no bodies. */
static void
test_cap_line(void **state)
{
	static char	 zeros[1 << 20];
	struct record	 rec;
	struct resp	*r;
	uint64_t	 left;
	size_t		 n;
	const char	*head = "* X {536870911999}\r\n";

	record_init(&rec);
	assert_non_null(r = resp_new(&record_calls, &rec));
	assert_int_equal(resp_feed(r, head, strlen(head)), strlen(head));
	for (left = RESP_LINEMAX - strlen(head); left > 0; left -= n) {
		n = left < sizeof(zeros) ? left : sizeof(zeros);
		assert_int_equal(resp_feed(r, zeros, n), n);
	}
	assert_int_equal(resp_feed(r, zeros, 1), -1);
	assert_string_equal(resp_error(r), "response too long");
	resp_free(r);
	record_free(&rec);
}

static ssize_t
drop_data(void *arg, const char *s, size_t n)
{
	return n;
}

static void
test_body_no_cap(void **state)
{
	static char		 zeros[1 << 20];
	struct resp_calls	 calls = record_calls;
	struct record		 rec;
	struct resp		*r;
	uint64_t		 left = RESP_LINEMAX + 1;
	size_t			 n;
	const char		*head = "* 1 FETCH (BODY[] {536870913}\r\n";

	calls.body_data = drop_data;
	record_init(&rec);
	assert_non_null(r = resp_new(&calls, &rec));
	assert_int_equal(resp_feed(r, head, strlen(head)), strlen(head));
	for (; left > 0; left -= n) {
		n = left < sizeof(zeros) ? left : sizeof(zeros);
		assert_int_equal(resp_feed(r, zeros, n), n);
	}
	assert_int_equal(resp_feed(r, ")\r\n", 3), 3);
	fflush(rec.f);
	assert_string_equal(rec.text, "begin 1 body=536870913 <>\n"
	    "fetch 1 body=536870913\n");
	assert_false(resp_partial(r));
	resp_free(r);
	record_free(&rec);
}

static void
test_trace(void **state)
{
	struct record	 rec;
	const char	*in = "* 1 FETCH (BODY[] {2}\r\nab UID 3)\r\n"
			    "* LIST () \"/\" {1}\r\nz\r\n";

	record_init(&rec);
	rec.trace = 1;
	assert_string_equal(record_run(&rec, in, strlen(in), 0),
	    "S: * 1 FETCH (BODY[] {2}\nbegin 1 body=2 <ab>\n"
	    "S: [...] UID 3)\nfetch 1 uid=3 body=2\n"
	    "S: * LIST () \"/\" {1}\nS: [...]\nlist <z> delim=/ attrs=0\n");
	record_free(&rec);
}

/* Whichever call gives up, the parser stops there. */
static void
test_give_up(void **state)
{
	const char	*in = "* CAPABILITY a\r\n* ENABLED b\r\n* 1 EXISTS\r\n"
			    "* 1 EXPUNGE\r\n* FLAGS ()\r\n* VANISHED 1\r\n"
			    "* LIST () \"/\" a\r\n* STATUS a ()\r\n"
			    "* OK [CAPABILITY x] a\r\n+ a\r\n* SEARCH 1\r\n"
			    "* 1 FETCH (BODY[] {1}\r\na)\r\n";
	struct record	 rec;
	const char	*out;
	int		 i, all;

	record_init(&rec);
	out = record_run(&rec, in, strlen(in), 0);
	assert_null(strstr(out, "error"));
	all = rec.calls;
	assert_int_equal(all, 19);
	for (i = 1; i <= all; i++) {
		rec.fail_at = i;
		out = record_run(&rec, in, strlen(in), 0);
		assert_non_null(strstr(out, "the answer was not expected\n"));
		assert_int_equal(rec.calls, i);
	}
	record_free(&rec);
	resp_free(NULL);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_appenduid),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_cap_tokens),
		cmocka_unit_test(test_cap_names),
		cmocka_unit_test(test_cap_texts),
		cmocka_unit_test(test_cap_header),
		cmocka_unit_test(test_header_cut),
		cmocka_unit_test(test_cap_depth),
		cmocka_unit_test(test_cap_line),
		cmocka_unit_test(test_body_no_cap),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_give_up),
	};

	if (argc == 2)
		return print_dialogue(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
