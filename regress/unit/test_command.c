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
 * imapchild/command.c: quoting, literals, the split of long sets, the order
 * in which octets come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/command.h"
#include "msg.h"

static char	trace[4096];

static void
keep(void *arg, const struct command *cmd, const char *line, size_t n)
{
	size_t	 len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%.*s|", (int)n, line);
}

static void
expect(struct cmdq *q, const char *text)
{
	uint8_t	 buf[4096];
	size_t	 n;

	n = cmdq_take(q, buf, sizeof(buf) - 1);
	buf[n] = '\0';
	assert_string_equal((char *)buf, text);
	assert_int_equal(q->err, 0);
}

static void
names(void **state)
{
	static const struct {
		uint64_t	 caps;
		const char	*name, *wire;
	} t[] = {
		{ 0, "INBOX", "000000 X INBOX\r\n" },
		{ 0, "a]b", "000000 X a]b\r\n" },
		{ 0, "", "000000 X \"\"\r\n" },
		{ 0, "nIl", "000000 X \"nIl\"\r\n" },
		{ 0, "a b", "000000 X \"a b\"\r\n" },
		{ 0, "a*", "000000 X \"a*\"\r\n" },
		{ 0, "\"\\", "000000 X \"\\\"\\\\\"\r\n" },
		{ 0, "a\tb", "000000 X \"a\tb\"\r\n" },
		{ 0, "a\rb", "000000 X {3}\r\n" },
		{ 0, "\303\251", "000000 X {2}\r\n" },
		{ CAP_LITERALPLUS, "\303\251",
		    "000000 X {2+}\r\n\303\251\r\n" },
		{ CAP_LITERALMINUS, "a\nb", "000000 X {3+}\r\na\nb\r\n" }
	};
	struct command	*cmd;
	struct cmdq	 q;
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		cmdq_init(&q);
		q.caps = t[i].caps;
		assert_non_null(cmd = cmd_new(&q, NULL));
		cmd_puts(cmd, "X ");
		cmd_astring(cmd, t[i].name, strlen(t[i].name));
		cmd_close(cmd);
		expect(&q, t[i].wire);
		cmdq_free(&q);
	}
}

/* LITERAL- allows 4096 octets and no more (RFC 7888 section 5). */
static void
literal_minus(void **state)
{
	struct command	*cmd;
	struct cmdq	 q;

	cmdq_init(&q);
	q.caps = CAP_LITERALMINUS;
	cmd = cmd_new(&q, NULL);
	cmd_literal(cmd, 4096, 0);
	expect(&q, "000000 {4096+}\r\n");
	assert_false(cmd_stopped(cmd));
	cmd_literal(cmd, 4097, 1);
	expect(&q, "~{4097}\r\n");
	assert_true(cmd_stopped(cmd));
	cmdq_free(&q);
}

/* What follows a synchronizing literal waits, and all behind it. */
static void
stops(void **state)
{
	struct command	*a, *b;
	struct cmdq	 q;

	cmdq_init(&q);
	q.trace = keep;
	trace[0] = '\0';
	assert_int_equal(cmdq_continue(&q), -1);
	a = cmd_new(&q, NULL);
	cmd_puts(a, "A ");
	cmd_literal(a, 3, 0);
	cmd_octets(a, "one", 3);
	cmd_puts(a, " ");
	cmd_literal(a, 3, 0);
	cmd_octets(a, "two", 3);
	cmd_close(a);
	b = cmd_new(&q, NULL);
	cmd_puts(b, "B");
	cmd_close(b);
	assert_null(cmdq_oldest(&q));		/* nothing is written yet */
	assert_null(cmdq_find(&q, "000000"));
	expect(&q, "000000 A {3}\r\n");
	expect(&q, "");
	assert_ptr_equal(cmdq_oldest(&q), a);
	assert_int_equal(cmdq_continue(&q), 0);
	assert_int_equal(cmdq_continue(&q), -1);	/* one at a time */
	expect(&q, "one {3}\r\n");
	assert_null(cmdq_find(&q, "000001"));
	assert_int_equal(cmdq_continue(&q), 0);
	expect(&q, "two\r\n000001 B\r\n");
	assert_ptr_equal(cmdq_find(&q, "000001"), b);
	assert_int_equal(cmdq_answered(&q, a), 0);
	assert_ptr_equal(cmdq_oldest(&q), b);
	assert_int_equal(cmdq_answered(&q, b), 0);
	assert_true(TAILQ_EMPTY(&q.list));
	assert_string_equal(trace, "000000 A {3}|[...] {3}|[...]|000001 B|");
	cmdq_free(&q);
}

/* NO instead of "+": the rest is dropped, the next command goes. */
static void
refused_literal(void **state)
{
	struct command	*a, *b;
	struct cmdq	 q;

	cmdq_init(&q);
	a = cmd_new(&q, NULL);
	cmd_literal(a, 3, 0);
	cmd_octets(a, "one", 3);
	cmd_close(a);
	b = cmd_new(&q, NULL);
	cmd_close(b);
	expect(&q, "000000 {3}\r\n");
	assert_int_equal(cmdq_answered(&q, a), 0);
	expect(&q, "000001 \r\n");
	assert_ptr_equal(TAILQ_FIRST(&q.list), b);
	cmdq_free(&q);
}

/* Answered in the middle of a literal: it goes on to its end. */
static void
early_answer(void **state)
{
	struct command	*a, *b;
	struct cmdq	 q;

	cmdq_init(&q);
	q.caps = CAP_LITERALPLUS;
	a = cmd_new(&q, NULL);
	cmd_literal(a, 6, 0);
	cmd_octets(a, "abc", 3);
	b = cmd_new(&q, NULL);
	cmd_close(b);
	expect(&q, "000000 {6+}\r\nabc");
	assert_int_equal(cmdq_answered(&q, a), 0);
	expect(&q, "");
	cmd_octets(a, "def", 3);
	expect(&q, "def");
	cmd_close(a);
	expect(&q, "\r\n000001 \r\n");
	assert_ptr_equal(TAILQ_FIRST(&q.list), b);
	cmdq_free(&q);

	/* but nobody knows what becomes of a literal behind that */
	cmdq_init(&q);
	a = cmd_new(&q, NULL);
	cmd_literal(a, 3, 0);
	expect(&q, "000000 {3}\r\n");
	assert_int_equal(cmdq_continue(&q), 0);
	cmd_octets(a, "abc", 3);
	cmd_literal(a, 3, 0);
	assert_int_equal(cmdq_answered(&q, a), -1);
	cmdq_free(&q);
}

static void
secrets(void **state)
{
	struct command	*cmd;
	struct cmdq	 q;

	cmdq_init(&q);
	q.trace = keep;
	trace[0] = '\0';
	cmd = cmd_new(&q, NULL);
	cmd->secret = 1;
	cmd_puts(cmd, "LOGIN joe secret");
	cmd_close(cmd);
	expect(&q, "000000 LOGIN joe secret\r\n");
	assert_string_equal(trace, "");
	assert_null(cmd->buf);		/* taken, wiped, gone */

	/* as a literal; one that is refused is not sent */
	cmd = cmd_new(&q, NULL);
	cmd->secret = 1;
	cmd_puts(cmd, "LOGIN ");
	cmd_string(cmd, "jo\xc3\xa9", 4);
	cmd_puts(cmd, " ");
	cmd_string(cmd, "s\xc3\xa9" "cret", 7);
	cmd_close(cmd);
	expect(&q, "000001 LOGIN {4}\r\n");
	assert_int_equal(cmdq_continue(&q), 0);
	expect(&q, "jo\xc3\xa9 {7}\r\n");
	assert_null(memmem(cmd->buf, cmd->size, "jo", 2));
	assert_int_equal(cmdq_answered(&q, cmd), 0);
	expect(&q, "");
	assert_string_equal(trace, "");
	cmdq_free(&q);
}

/* A line that waits for a "+" is a line of the trace. */
static void
asked(void **state)
{
	struct command	*cmd;
	struct cmdq	 q;

	cmdq_init(&q);
	q.trace = keep;
	trace[0] = '\0';
	cmd = cmd_new(&q, NULL);
	cmd_puts(cmd, "AUTHENTICATE PLAIN");
	cmd_ask(cmd);
	cmd_puts(cmd, "AGpv");
	cmd_close(cmd);
	expect(&q, "000000 AUTHENTICATE PLAIN\r\n");
	expect(&q, "");
	assert_int_equal(cmdq_continue(&q), 0);
	expect(&q, "AGpv\r\n");
	assert_string_equal(trace, "000000 AUTHENTICATE PLAIN|AGpv|");
	cmdq_free(&q);
}

/* No line longer than CMD_LINEMAX, no UID lost. */
static void
long_sets(void **state)
{
	static uint8_t	 buf[3 * CMD_LINEMAX];
	struct command	*cmd;
	struct uidset	 set, all;
	struct cmdq	 q;
	uint32_t	 i;
	size_t		 pos, n, lines;

	uidset_init(&set);
	uidset_init(&all);
	for (i = 0; i < 3000; i++)
		assert_int_equal(uidset_add(&set, 4000000000U + 2 * i), 0);
	for (pos = lines = 0; pos < set.n; lines++) {
		cmdq_init(&q);
		cmd = cmd_new(&q, NULL);
		cmd_puts(cmd, "UID FETCH ");
		assert_int_equal(cmd_uidset(cmd, &set, &pos, 100), 0);
		n = cmdq_take(&q, buf, sizeof(buf));
		assert_in_range(n, 1, CMD_LINEMAX - 100);
		assert_int_equal(uidset_parse(&all, (char *)buf + 17, n - 17,
		    4000), 0);
		cmdq_free(&q);
	}
	assert_int_equal(lines, 5);
	assert_true(uidset_max(&all) == uidset_max(&set));
	cmdq_init(&q);
	cmd = cmd_new(&q, NULL);
	pos = 0;
	assert_int_equal(cmd_uidset(cmd, &set, &pos, CMD_LINEMAX), -1);
	cmdq_free(&q);
	uidset_free(&set);
	uidset_free(&all);
}

/* One octet of room at a time: the same octets. */
static void
small_steps(void **state)
{
	struct command	*cmd;
	struct cmdq	 q;
	uint8_t		 c;
	char		 got[64];
	size_t		 n;

	cmdq_init(&q);
	cmd = cmd_new(&q, NULL);
	cmd_puts(cmd, "NOOP");
	cmd_close(cmd);
	cmd = cmd_new(&q, NULL);
	cmd_puts(cmd, "X");
	cmd_close(cmd);
	for (n = 0; cmdq_take(&q, &c, 1) == 1; n++)
		got[n] = c;
	got[n] = '\0';
	assert_string_equal(got, "000000 NOOP\r\n000001 X\r\n");
	cmdq_free(&q);
}

/*
 * What was taken is not kept until the answer comes; a large buffer serves the
 * next command, but a secret's never.
 */
static void
taken_goes(void **state)
{
	static uint8_t	 body[300000], out[300100];
	struct command	*a, *b;
	struct cmdq	 q;
	uint8_t		*was;

	cmdq_init(&q);
	a = cmd_new(&q, NULL);
	cmd_octets(a, body, sizeof(body));
	cmd_close(a);
	was = a->buf;
	assert_int_equal(cmdq_take(&q, out, sizeof(out)), sizeof(body) + 9);
	assert_null(a->buf);
	assert_true(cmd_written(a));
	assert_ptr_equal(cmdq_find(&q, "000000"), a);	/* not answered */
	b = cmd_new(&q, NULL);
	memset(body, 'x', sizeof(body));
	cmd_octets(b, body, sizeof(body));
	cmd_close(b);
	assert_ptr_equal(b->buf, was);
	assert_int_equal(cmdq_take(&q, out, sizeof(out)), sizeof(body) + 9);
	assert_memory_equal(out, "000001 ", 7);
	assert_memory_equal(out + 7, body, sizeof(body));
	cmdq_free(&q);

	cmdq_init(&q);
	a = cmd_new(&q, NULL);
	a->secret = 1;
	cmd_octets(a, body, sizeof(body));
	cmd_close(a);
	assert_int_equal(cmdq_take(&q, out, sizeof(out)), sizeof(body) + 9);
	assert_null(q.spare);
	cmdq_free(&q);
}

/* Octets in front of what is put next: those of later commands do not count. */
static void
ahead(void **state)
{
	struct command	*a, *b;
	struct cmdq	 q;
	uint8_t		 out[4];

	cmdq_init(&q);
	assert_int_equal(cmdq_ahead(&q, NULL), 0);
	a = cmd_new(&q, NULL);		/* "000000 ABC" */
	cmd_puts(a, "ABC");
	b = cmd_new(&q, NULL);
	assert_int_equal(cmdq_ahead(&q, a), 10);
	assert_int_equal(cmdq_ahead(&q, b), 17);
	assert_int_equal(cmdq_ahead(&q, NULL), 17);
	assert_int_equal(cmdq_take(&q, out, sizeof(out)), 4);
	assert_int_equal(cmdq_ahead(&q, a), 6);
	cmdq_free(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_goes),
		cmocka_unit_test(ahead),
		cmocka_unit_test(names),
		cmocka_unit_test(literal_minus),
		cmocka_unit_test(stops),
		cmocka_unit_test(refused_literal),
		cmocka_unit_test(early_answer),
		cmocka_unit_test(secrets),
		cmocka_unit_test(asked),
		cmocka_unit_test(long_sets),
		cmocka_unit_test(small_steps)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
