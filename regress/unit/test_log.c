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
 * What is said: every octet encoded, once or twice the same, cut where it is
 * too long, passed to the sink or to standard error, and the end by fatal().
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/* What the sink got last. */
struct said {
	int		count;
	enum loglevel	level;
	char		line[LOG_LINEMAX + 1];
};

static void
sink(void *arg, enum loglevel level, const char *line)
{
	struct said *said = arg;

	said->count++;
	said->level = level;
	assert_true(strlcpy(said->line, line, sizeof(said->line)) <
	    sizeof(said->line));
}

static void
assert_printable(const char *line)
{
	for (; *line != '\0'; line++)
		assert_in_range(*line, ' ', '~');
}

static void
assert_vis(const char *in, size_t n, const char *expected)
{
	char out[256];

	log_vis(out, sizeof(out), in, n);
	assert_string_equal(out, expected);
}

static void
test_encoding(void **state)
{
	char all[256], once[2048], twice[2048];
	int i;

	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	log_vis(once, sizeof(once), all, sizeof(all));
	assert_printable(once);
	assert_non_null(strstr(once, " !\"#$%&'()*+,-./0123456789:;<=>?@"));
	assert_non_null(strstr(once, "Z[\\]^_`"));
	log_vis(twice, sizeof(twice), once, strlen(once));
	assert_string_equal(twice, once);
	assert_vis("(\\Seen)", 7, "(\\Seen)");
	assert_vis("a\tb\r\n", 5, "a\\tb\\r\\n");
	assert_vis("\033[31m\x9b\x7f", 7, "\\033[31m\\233\\177");
	assert_vis("\303\251", 2, "\\303\\251");
	assert_vis("a\0b", 3, "a\\0b");
	assert_vis("a\0007", 3, "a\\0007");
	assert_vis("", 0, "");
	assert_vis(NULL, 0, "");
}

/* A terminal's locale makes no octet above 0x7e printable. */
static void
test_locale(void **state)
{
	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		skip();
	test_encoding(state);
	assert_non_null(setlocale(LC_ALL, "C"));
}

/* Whatever the size: terminated, and only whole sequences. */
static void
test_size(void **state)
{
	const char *in = "ab\n\033\377 c", *whole = "ab\\n\\033\\377 c";
	char out[32];
	size_t size, n;

	for (size = 1; size <= sizeof(out); size++) {
		memset(out, '#', sizeof(out));
		log_vis(out, size, in, strlen(in));
		n = strlen(out);
		assert_true(n < size);
		assert_memory_equal(out, whole, n);
		assert_true(n == strlen(whole) || n + 4 >= size);
		assert_true(n != 3 && (n < 5 || n > 7) && (n < 9 || n > 11));
		if (n + 1 < sizeof(out))
			assert_true(out[size - 1] == '#' || n == size - 1);
	}
}

static void
test_levels(void **state)
{
	static struct said said;

	log_to(sink, &said);
	log_verbosity(LOG_L_DEBUG);
	log_error("%s %d", "error\n", 1);
	assert_int_equal(said.level, LOG_L_ERROR);
	assert_string_equal(said.line, "error\\n 1");
	log_warn("%s", "warn");
	assert_int_equal(said.level, LOG_L_WARN);
	log_notice("%s", "notice");
	assert_int_equal(said.level, LOG_L_NOTICE);
	log_info("%s", "info");
	assert_int_equal(said.level, LOG_L_INFO);
	log_debug("%s", "debug");
	assert_int_equal(said.level, LOG_L_DEBUG);
	assert_string_equal(said.line, "debug");
	log_text(LOG_L_WARN, "a\0b", 3);
	assert_int_equal(said.level, LOG_L_WARN);
	assert_string_equal(said.line, "a\\0b");
	assert_int_equal(said.count, 6);
	log_verbosity(LOG_L_WARN);
	assert_true(log_says(LOG_L_WARN) && !log_says(LOG_L_NOTICE));
	log_notice("%s", "unsaid");
	log_text(LOG_L_DEBUG, "unsaid", 6);
	assert_int_equal(said.count, 6);
	log_verbosity(LOG_L_INFO);
	log_to(NULL, NULL);
}

static void
test_too_long(void **state)
{
	static char text[LOG_TEXTMAX + 2];
	static struct said said;

	log_to(sink, &said);
	memset(text, 'x', LOG_TEXTMAX);
	log_info("%s", text);
	assert_string_equal(said.line, text);
	text[LOG_TEXTMAX] = 'x';
	log_info("%s", text);
	assert_int_equal(strlen(said.line), LOG_TEXTMAX + 3);
	assert_string_equal(said.line + LOG_TEXTMAX, "...");
	memset(text, '\033', LOG_TEXTMAX);
	log_text(LOG_L_INFO, text, LOG_TEXTMAX);
	assert_true(strlen(said.line) <= LOG_LINEMAX);
	assert_true(strlen(said.line) > LOG_LINEMAX - 8);
	assert_printable(said.line);
	log_to(NULL, NULL);
}

/* Run in a child: its standard error and exit status. */
static int
run(void (*f)(void), char *out, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		f();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	out[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
say_and_end(void)
{
	log_warn("bad name %s", "x\033[2J\ny");
	fatal("cannot happen: %d", 42);
}

/* A sink that fails itself, as one whose queue is full would. */
static void
failing_sink(void *arg, enum loglevel level, const char *line)
{
	fatal("the sink failed");
}

static void
end_in_sink(void)
{
	log_to(failing_sink, NULL);
	log_warn("lost");
}

static void
test_fatal(void **state)
{
	char out[256];

	assert_int_equal(run(say_and_end, out, sizeof(out)), EX_SOFTWARE);
	assert_string_equal(out,
	    "bad name x\\033[2J\\ny\ncannot happen: 42\n");
	assert_int_equal(run(end_in_sink, out, sizeof(out)), EX_SOFTWARE);
	assert_string_equal(out, "the sink failed\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_locale),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
