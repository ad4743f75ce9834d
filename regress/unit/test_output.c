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
 * interimap/output.c: what reaches standard error and the logfile, read back
 * from a pipe and a file.
 */
#include <ctype.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "interimap/interimap.h"

static char	logpath[] = "/tmp/test_output.XXXXXXXXXX";

struct capture {
	int	saved, pipe[2];
};

static void
capture_begin(struct capture *c)
{
	assert_int_equal(pipe(c->pipe), 0);
	assert_int_not_equal(c->saved = dup(STDERR_FILENO), -1);
	assert_int_not_equal(dup2(c->pipe[1], STDERR_FILENO), -1);
	close(c->pipe[1]);
}

/* What was written since capture_begin(). */
static void
capture_end(struct capture *c, char *buf, size_t size)
{
	ssize_t	n;
	size_t	len = 0;

	assert_int_not_equal(dup2(c->saved, STDERR_FILENO), -1);
	close(c->saved);
	while ((n = read(c->pipe[0], buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(c->pipe[0]);
}

static void
line(struct output *o, enum loglevel level, int side, const char *mailbox,
    const char *text)
{
	output_line(o, level, side, mailbox, text, strlen(text));
}

/* One line of each kind. */
static void
say_all(struct output *o)
{
	line(o, LOG_L_ERROR, LOCAL, NULL, "e");
	line(o, LOG_L_WARN, REMOTE, "a b", "w");
	line(o, LOG_L_NOTICE, SIDE_DB, NULL, "n");
	line(o, LOG_L_INFO, LOCAL, "x", "i");
	line(o, LOG_L_DEBUG, SIDE_NONE, NULL, "d");
	log_warn("plain");
}

static void
test_levels(void **state)
{
	static const struct {
		int		 quiet, debug;
		const char	*want;
	} cases[] = {
		{ 0, 0, "local: ERROR: e\nremote(a b): WARNING: w\n"
		    "database: n\nlocal(x): i\nWARNING: plain\n" },
		{ 1, 0, "local: ERROR: e\nremote(a b): WARNING: w\n"
		    "database: n\nWARNING: plain\n" },
		{ 0, 1, "local: ERROR: e\nremote(a b): WARNING: w\n"
		    "database: n\nlocal(x): i\nd\nWARNING: plain\n" },
		{ 1, 1, "local: ERROR: e\nremote(a b): WARNING: w\n"
		    "database: n\nd\nWARNING: plain\n" },
	};
	struct capture	c;
	struct output	o;
	char		got[4096];
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		capture_begin(&c);
		output_init(&o, cases[i].quiet, cases[i].debug);
		say_all(&o);
		capture_end(&c, got, sizeof(got));
		assert_string_equal(got, cases[i].want);
	}
}

/* A server cannot forge a line or reach the terminal, nor can a name. */
static void
test_foreign(void **state)
{
	struct capture	c;
	struct output	o;
	char		got[4096];

	capture_begin(&c);
	output_init(&o, 0, 0);
	output_line(&o, LOG_L_INFO, REMOTE, "b\nERROR: \x1b[2J", "a\0b\rc", 5);
	capture_end(&c, got, sizeof(got));
	assert_string_equal(got,
	    "remote(b\\nERROR: \\033[2J): a\\0b\\rc\n");
}

static void
test_format(void **state)
{
	struct capture	c;
	struct output	o;
	char		got[4096];

	capture_begin(&c);
	output_init(&o, 0, 0);
	o.format = "<%n|%m> ";
	line(&o, LOG_L_INFO, LOCAL, NULL, "t");
	line(&o, LOG_L_INFO, SIDE_NONE, NULL, "t");
	log_info("after");
	capture_end(&c, got, sizeof(got));
	assert_string_equal(got, "<local|> t\n<|> t\n<|> after\n");
}

/* "Nov 24 05:53:20.012345 " */
static const char *
skip_stamp(const char *p)
{
	static const char	shape[] = "Aaa dd dd:dd:dd.dddddd ";
	size_t			i;

	for (i = 0; shape[i] != '\0'; i++)
		switch (shape[i]) {
		case 'A':
			assert_true(isupper((unsigned char)p[i]));
			break;
		case 'a':
			assert_true(islower((unsigned char)p[i]));
			break;
		case 'd':
			assert_true(isdigit((unsigned char)p[i]));
			break;
		default:
			assert_int_equal(p[i], shape[i]);
		}
	return p + i;
}

static void
read_log(char *buf, size_t size)
{
	int	fd = open(logpath, O_RDONLY);
	ssize_t	n = read(fd, buf, size - 1);

	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

/* With a logfile debug lines go there alone, all others to both. */
static void
test_logfile(void **state)
{
	static const char *const want[] = {
		"local: ERROR: e\n", "remote(a b): WARNING: w\n",
		"database: n\n", "local(x): i\n", "d\n", "WARNING: plain\n"
	};
	struct capture	 c;
	struct output	 o;
	char		 got[4096], err[ERRMAX];
	const char	*p;
	size_t		 i;

	capture_begin(&c);
	output_init(&o, 0, 1);
	assert_int_equal(output_logfile(&o, logpath, err, sizeof(err)), 0);
	say_all(&o);
	close(o.logfd);
	capture_end(&c, got, sizeof(got));
	assert_string_equal(got, "local: ERROR: e\nremote(a b): WARNING: w\n"
	    "database: n\nlocal(x): i\nWARNING: plain\n");
	read_log(got, sizeof(got));
	for (p = got, i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		p = skip_stamp(p);
		assert_memory_equal(p, want[i], strlen(want[i]));
		p += strlen(want[i]);
	}
	assert_string_equal(p, "");
	output_init(&o, 0, 0);
	assert_int_equal(output_logfile(&o, "/no/log", err, sizeof(err)), -1);
	assert_string_equal(err,
	    "Can't open logfile /no/log: No such file or directory");
}

static int
setup(void **state)
{
	int	fd = mkstemp(logpath);

	return fd == -1 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	return unlink(logpath);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_logfile),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
