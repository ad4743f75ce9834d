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


/* interimap/paths.c: where files are, in a scratch home. */
#include <sys/stat.h>

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

#define NEXT	"; make it, or give an absolute path of the file"

static char	home[] = "/tmp/test_paths.XXXXXXXXXX";

static void
in_home(char *buf, const char *rest)
{
	snprintf(buf, ERRMAX, "%s%s", home, rest);
}

static void
make(const char *rest)
{
	char	dir[ERRMAX];

	in_home(dir, rest);
	assert_int_equal(mkdir(dir, 0755), 0);
}

static void
drop(const char *rest)
{
	char	dir[ERRMAX];

	in_home(dir, rest);
	assert_int_equal(rmdir(dir), 0);
}

static void
expect(char *got, const char *rest)
{
	char	want[ERRMAX];

	in_home(want, rest);
	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static int
setup(void **state)
{
	return mkdtemp(home) == NULL || setenv("HOME", home, 1) == -1 ||
	    unsetenv("XDG_CONFIG_HOME") == -1 ||
	    unsetenv("XDG_DATA_HOME") == -1;
}

static int
teardown(void **state)
{
	return rmdir(home);
}

static void
test_absolute(void **state)
{
	char	 err[ERRMAX], *got;

	got = path_config("/no/such", err, sizeof(err));
	assert_string_equal(got, "/no/such");
	free(got);
	got = path_database("/no/db", err, sizeof(err));
	assert_string_equal(got, "/no/db");
	free(got);
}

/* The base must be there; interimap/ is made, for its owner alone. */
static void
test_home(void **state)
{
	struct stat	st;
	char		err[ERRMAX], want[ERRMAX];
	mode_t		mask = umask(022);

	assert_null(path_config("config", err, sizeof(err)));
	snprintf(want, sizeof(want), "No such directory: %s/.config" NEXT,
	    home);
	assert_string_equal(err, want);
	assert_null(path_database("x.db", err, sizeof(err)));
	snprintf(want, sizeof(want), "No such directory: %s/.local/share" NEXT,
	    home);
	assert_string_equal(err, want);
	make("/.config");
	make("/.local");
	make("/.local/share");
	umask(0777);
	expect(path_config("config", err, sizeof(err)),
	    "/.config/interimap/config");
	expect(path_database("x.db", err, sizeof(err)),
	    "/.local/share/interimap/x.db");
	expect(path_database("x.db", err, sizeof(err)),
	    "/.local/share/interimap/x.db");
	in_home(want, "/.config/interimap");
	assert_int_equal(stat(want, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	umask(mask);
	drop("/.config/interimap");
	drop("/.local/share/interimap");
	drop("/.local/share");
	drop("/.local");
	drop("/.config");
}

static void
test_variables(void **state)
{
	char	err[ERRMAX], dir[ERRMAX], want[ERRMAX];

	make("/c");
	in_home(dir, "/c");
	assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", dir, 1), 0);
	expect(path_config("a/b", err, sizeof(err)), "/c/interimap/a/b");
	expect(path_database("d", err, sizeof(err)), "/c/interimap/d");
	drop("/c/interimap");
	drop("/c");
	/* A base that is not absolute does not count. */
	assert_int_equal(setenv("XDG_CONFIG_HOME", "rel", 1), 0);
	assert_null(path_config("config", err, sizeof(err)));
	snprintf(want, sizeof(want), "No such directory: %s/.config" NEXT,
	    home);
	assert_string_equal(err, want);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "", 1), 0);
	assert_null(path_config("config", err, sizeof(err)));
	assert_string_equal(err, want);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
}

/* Where interimap/ cannot be made, the reason is given. */
static void
test_unmakable(void **state)
{
	char	err[ERRMAX];

	assert_int_equal(setenv("XDG_CONFIG_HOME", "/proc", 1), 0);
	assert_null(path_config("config", err, sizeof(err)));
	assert_memory_equal(err, "Can't make directory /proc/interimap: ",
	    38);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/dev/null", 1), 0);
	assert_null(path_config("config", err, sizeof(err)));
	assert_string_equal(err, "No such directory: /dev/null" NEXT);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_unmakable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
