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


/* interimap/options.c: the command line, as a table of words and outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "interimap/interimap.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define WORDS	8

static const struct {
	const char	*argv[WORDS];
	const char	*config;
	int		 quiet, debug, help, version, watch;
	const char	*first;		/* MAILBOX */
	size_t		 nmailboxes;
} good[] = {
	{ { NULL }, NULL, 0, 0, 0, 0, 0, NULL, 0 },
	{ { "--config=F" }, "F", 0, 0, 0, 0, 0, NULL, 0 },
	{ { "--config", "F", "a" }, "F", 0, 0, 0, 0, 0, "a", 1 },
	{ { "--config", "--debug" }, "--debug", 0, 0, 0, 0, 0, NULL, 0 },
	{ { "--config=a=b" }, "a=b", 0, 0, 0, 0, 0, NULL, 0 },
	{ { "--config=a", "--config=b" }, "b", 0, 0, 0, 0, 0, NULL, 0 },
	{ { "-q" }, NULL, 1, 0, 0, 0, 0, NULL, 0 },
	{ { "-qh" }, NULL, 1, 0, 1, 0, 0, NULL, 0 },
	{ { "--quiet", "--debug", "--debug" }, NULL, 1, 2, 0, 0, 0, NULL, 0 },
	{ { "--help" }, NULL, 0, 0, 1, 0, 0, NULL, 0 },
	{ { "--version" }, NULL, 0, 0, 0, 1, 0, NULL, 0 },
	{ { "--watch" }, NULL, 0, 0, 0, 0, 60, NULL, 0 },
	{ { "--watch=" }, NULL, 0, 0, 0, 0, 60, NULL, 0 },
	{ { "--watch=0" }, NULL, 0, 0, 0, 0, 60, NULL, 0 },
	{ { "--watch=7" }, NULL, 0, 0, 0, 0, 7, NULL, 0 },
	{ { "--watch", "7" }, NULL, 0, 0, 0, 0, 7, NULL, 0 },
	{ { "--watch", "7x" }, NULL, 0, 0, 0, 0, 60, "7x", 1 },
	{ { "--notify" }, NULL, 0, 0, 0, 0, 900, NULL, 0 },
	{ { "--watch", "--notify" }, NULL, 0, 0, 0, 0, 900, NULL, 0 },
	{ { "--notify", "--watch=0" }, NULL, 0, 0, 0, 0, 900, NULL, 0 },
	{ { "--notify", "--watch=5" }, NULL, 0, 0, 0, 0, 5, NULL, 0 },
	{ { "a", "-q", "--debug" }, NULL, 0, 0, 0, 0, 0, "a", 3 },
	{ { "-", "-q" }, NULL, 0, 0, 0, 0, 0, "-", 2 },
	{ { "-q", "--", "-q" }, NULL, 1, 0, 0, 0, 0, "-q", 1 },
	{ { "--" }, NULL, 0, 0, 0, 0, 0, NULL, 0 },
};

static const struct {
	const char	*argv[WORDS];
	enum command	 command;
	int		 targets;
	size_t		 nmailboxes;
} commands[] = {
	{ { "a" }, CMD_SYNC, TARGET_ALL, 1 },
	{ { "--repair" }, CMD_REPAIR, TARGET_ALL, 0 },
	{ { "--repair", "a", "b" }, CMD_REPAIR, TARGET_ALL, 2 },
	{ { "--reset", "a" }, CMD_RESET, TARGET_ALL, 1 },
	{ { "--reset", "a", "b" }, CMD_RESET, TARGET_ALL, 2 },
	{ { "--delete", "a" }, CMD_DELETE, TARGET_ALL, 1 },
	{ { "--delete", "--delete", "a", "b" }, CMD_DELETE, TARGET_ALL, 2 },
	{ { "--rename", "a", "b" }, CMD_RENAME, TARGET_ALL, 2 },
	{ { "--target=local", "--delete", "a" }, CMD_DELETE, TARGET_LOCAL, 1 },
	{ { "--target", "remote", "--delete", "a" }, CMD_DELETE, TARGET_REMOTE,
	    1 },
	{ { "--delete", "--target=database", "a" }, CMD_DELETE, TARGET_DB, 1 },
	{ { "--target=local,remote", "--rename", "a", "b" }, CMD_RENAME,
	    TARGET_LOCAL | TARGET_REMOTE, 2 },
	{ { "--target=local", "--target=database", "--delete", "a" },
	    CMD_DELETE, TARGET_LOCAL | TARGET_DB, 1 },
};

#define RENAME_TWO	"Option --rename needs two mailboxes, the old name "	\
	"and the new one"
#define ONLY_ONE	"Only one of --repair, --reset, --delete and --rename "	\
	"can be given"
#define NO_WATCH	"Option --watch does not go with a command"
#define NO_NOTIFY	"Option --notify does not go with a command"
#define NO_ALLOW	"Option --allow-delete does not go with a command"
#define ALLOW_ONE(o)	"Option --allow-delete is for one run: it does not go " \
	"with " o
#define BAD_TARGET(s)	"Invalid target " s ": local, remote or database is " \
	"wanted"

static const struct {
	const char	*argv[WORDS];
	const char	*err;
} bad[] = {
	{ { "--conf=x" }, "Unknown option: --conf" },
	{ { "--deb" }, "Unknown option: --deb" },
	{ { "--d" }, "Unknown option: --d" },
	{ { "--debugg" }, "Unknown option: --debugg" },
	{ { "--Quiet" }, "Unknown option: --Quiet" },
	{ { "--=x" }, "Unknown option: --" },
	{ { "--session" }, "Unknown option: --session" },
	{ { "-x" }, "Unknown option: -x" },
	{ { "-qx" }, "Unknown option: -x" },
	{ { "-config=x" }, "Unknown option: -c" },
	{ { "--quiet=1" }, "Option --quiet does not take an argument" },
	{ { "--debug=3" }, "Option --debug does not take an argument" },
	{ { "--config" }, "Option --config requires an argument" },
	{ { "--config=" }, "Option --config requires a file name" },
	{ { "--watch=abc" }, "Value \"abc\" invalid for option --watch: a "
	    "number of seconds up to 31622400 is wanted" },
	{ { "--watch=-4" }, "Value \"-4\" invalid for option --watch: a "
	    "number of seconds up to 31622400 is wanted" },
	{ { "--watch=31622401" }, "Value \"31622401\" invalid for option "
	    "--watch: a number of seconds up to 31622400 is wanted" },
	{ { "--repair", "--watch" }, NO_WATCH },
	{ { "--allow-delete", "--repair" }, NO_ALLOW },
	{ { "--reset", "--allow-delete=a", "a" }, NO_ALLOW },
	{ { "--allow-delete=a", "--delete", "a" }, NO_ALLOW },
	{ { "--allow-delete", "--rename", "a", "b" }, NO_ALLOW },
	{ { "--allow-delete", "--watch" }, ALLOW_ONE("--watch") },
	{ { "--watch=5", "--allow-delete=a" }, ALLOW_ONE("--watch") },
	{ { "--notify", "--allow-delete=a" }, ALLOW_ONE("--notify") },
	{ { "--repair", "--notify" }, NO_NOTIFY },
	{ { "--repair", "--target=local" }, "Option --target needs --delete "
	    "or --rename" },
	{ { "--repair", "--delete", "a" }, ONLY_ONE },
	{ { "--reset" }, "Option --reset needs at least one mailbox: those "
	    "whose messages are to be paired anew" },
	{ { "--reset", "--repair", "a" }, ONLY_ONE },
	{ { "--reset", "--watch", "a" }, NO_WATCH },
	{ { "--reset", "--target=local", "a" }, "Option --target needs "
	    "--delete or --rename" },
	{ { "--delete" }, "Option --delete needs at least one mailbox" },
	{ { "--rename", "a" }, RENAME_TWO },
	{ { "--rename", "a", "b", "c" }, RENAME_TWO },
	{ { "--delete", "--rename", "a", "b" }, ONLY_ONE },
	{ { "--rename", "--delete", "a", "b" }, ONLY_ONE },
	{ { "--delete", "--watch", "a" }, NO_WATCH },
	{ { "--watch=5", "--rename", "a", "b" }, NO_WATCH },
	{ { "--target=local", "a" }, "Option --target needs --delete or "
	    "--rename" },
	{ { "--target=here", "--delete", "a" }, BAD_TARGET("here") },
	{ { "--target=local,", "--delete", "a" }, BAD_TARGET("") },
	{ { "--target=", "--delete", "a" }, BAD_TARGET("") },
	{ { "--target=locals", "--delete", "a" }, BAD_TARGET("locals") },
	{ { "--target" }, "Option --target requires an argument" },
	{ { "--delete=a" }, "Option --delete does not take an argument" },
	{ { "--delete", "--notify", "a" }, NO_NOTIFY },
	{ { "--notify=5" }, "Option --notify does not take an argument" },
};

/* A copy that may be written to.  Returns argc. */
static int
copy_argv(char **argv, const char *const *words)
{
	int	n = 1;

	argv[0] = strdup("interimap");
	while (n <= WORDS && words[n - 1] != NULL) {
		argv[n] = strdup(words[n - 1]);
		n++;
	}
	argv[n] = NULL;
	return n;
}

static void
free_argv(char **argv, int argc)
{
	while (argc > 0)
		free(argv[--argc]);
}

static void
assert_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else {
		assert_non_null(got);
		assert_string_equal(got, want);
	}
}

static void
test_commands(void **state)
{
	struct options	 o;
	char		*argv[WORDS + 2], err[ERRMAX];
	size_t		 i;
	int		 argc;

	for (i = 0; i < LEN(commands); i++) {
		argc = copy_argv(argv, commands[i].argv);
		assert_int_equal(options_parse(&o, argc, argv, err,
		    sizeof(err)), 0);
		assert_int_equal(o.command, commands[i].command);
		assert_int_equal(o.targets, commands[i].targets);
		assert_int_equal(o.nmailboxes, commands[i].nmailboxes);
		free_argv(argv, argc);
	}
}

/* INBOX in any case, wherever it stands; it can be renamed. */
static void
test_inbox(void **state)
{
	static const char *const rename[] = { "--rename", "inbox", "a", NULL };
	static const char *const delete[] = { "--delete", "a", "Inbox", NULL };
	struct options	 o;
	char		*argv[WORDS + 2], err[ERRMAX];
	int		 argc;

	argc = copy_argv(argv, rename);
	assert_int_equal(options_parse(&o, argc, argv, err, sizeof(err)), 0);
	assert_int_equal(options_mailboxes(&o, err, sizeof(err)), 0);
	assert_string_equal(o.mailboxes[0], "INBOX");
	assert_string_equal(argv[2], "inbox");	/* a session reads it, too */
	options_free(&o);
	free_argv(argv, argc);
	argc = copy_argv(argv, delete);
	assert_int_equal(options_parse(&o, argc, argv, err, sizeof(err)), 0);
	assert_int_equal(options_mailboxes(&o, err, sizeof(err)), -1);
	assert_string_equal(err, "INBOX can't be deleted");
	options_free(&o);
	free_argv(argv, argc);
}

/* --allow-delete adds up; a word behind it is a MAILBOX. */
static void
test_allow(void **state)
{
	static const char *const words[] = { "--allow-delete=inbox",
	    "--allow-delete=A.%", "--allow-delete=\xc3\xa4", NULL };
	static const char *const all[] = { "--allow-delete", "A", NULL };
	static const char *const none[] = { "--allow-delete=", NULL };
	struct options	 o;
	char		*argv[WORDS + 2], *many[ALLOW_MAX + 3], err[ERRMAX];
	int		 argc, i;

	argc = copy_argv(argv, words);
	assert_int_equal(options_parse(&o, argc, argv, err, sizeof(err)), 0);
	assert_int_equal(options_mailboxes(&o, err, sizeof(err)), 0);
	assert_int_equal(o.allowall, 0);
	assert_int_equal(o.nallow, 3);
	assert_string_equal(o.allow[0], "INBOX");
	assert_string_equal(o.allow[1], "A.%");
	assert_string_equal(o.allow[2], "&AOQ-");
	options_free(&o);
	free_argv(argv, argc);

	argc = copy_argv(argv, all);
	assert_int_equal(options_parse(&o, argc, argv, err, sizeof(err)), 0);
	assert_int_equal(o.allowall, 1);
	assert_int_equal(o.nallow, 0);
	assert_int_equal(o.nmailboxes, 1);
	free_argv(argv, argc);

	argc = copy_argv(argv, none);
	assert_int_equal(options_parse(&o, argc, argv, err, sizeof(err)), 0);
	assert_int_equal(options_mailboxes(&o, err, sizeof(err)), -1);
	assert_string_equal(err, "Invalid mailbox name: it is empty");
	options_free(&o);
	free_argv(argv, argc);

	for (i = 0; i < ALLOW_MAX + 2; i++)
		many[i] = argv[0] = (char *)(uintptr_t)"--allow-delete=a";
	many[i] = NULL;
	assert_int_equal(options_parse(&o, i - 1, many, err, sizeof(err)), 0);
	assert_int_equal(options_parse(&o, i, many, err, sizeof(err)), -1);
	assert_string_equal(err, "Option --allow-delete: at most 64 mailboxes; "
	    "wildcards name more");
}

static void
test_good(void **state)
{
	struct options	 o;
	char		*argv[WORDS + 2], err[ERRMAX];
	size_t		 i;
	int		 argc;

	for (i = 0; i < LEN(good); i++) {
		argc = copy_argv(argv, good[i].argv);
		if (options_parse(&o, argc, argv, err, sizeof(err)) == -1)
			fail_msg("%s", err);
		assert_text(o.config, good[i].config);
		assert_int_equal(o.quiet, good[i].quiet);
		assert_int_equal(o.debug, good[i].debug);
		assert_int_equal(o.help, good[i].help);
		assert_int_equal(o.version, good[i].version);
		assert_int_equal(o.watch, good[i].watch);
		assert_int_equal(o.nmailboxes, good[i].nmailboxes);
		if (o.nmailboxes > 0)
			assert_text(o.mailboxes[0], good[i].first);
		free_argv(argv, argc);
	}
}

static void
test_bad(void **state)
{
	struct options	 o;
	char		*argv[WORDS + 2], err[ERRMAX];
	size_t		 i;
	int		 argc;

	for (i = 0; i < LEN(bad); i++) {
		argc = copy_argv(argv, bad[i].argv);
		assert_int_equal(options_parse(&o, argc, argv, err,
		    sizeof(err)), -1);
		assert_string_equal(err, bad[i].err);
		free_argv(argv, argc);
	}
}

/* One MAILBOX argument: what it becomes, or NULL when it is refused. */
static char *
mailbox(const char *name, char *err)
{
	struct options	 o;
	char		*one[1], *copy, *result = NULL;

	memset(&o, 0, sizeof(o));
	one[0] = copy = strdup(name);
	o.mailboxes = one;
	o.nmailboxes = 1;
	if (options_mailboxes(&o, err, ERRMAX) == 0)
		result = strdup(o.mailboxes[0]);
	options_free(&o);
	free(copy);
	return result;
}

static void
test_mailboxes(void **state)
{
	static const char *const names[][2] = {
		{ "inbox", "INBOX" }, { "InBoX", "INBOX" },
		{ "INBOX", "INBOX" }, { "inbox/a", "inbox/a" },
		{ "inboxes", "inboxes" }, { "%", "%" },
		{ "\x01\x7f \"", "\x01\x7f \"" }, { "a&AOQ-", "a&AOQ-" },
		{ "a&b", "a&b" }, { "a\xc3\xa4&*", "a&AOQ-&-*" },
		{ "\xc4\xb0nbox", "&ATA-nbox" },
		{ "\xff", NULL }, { "a\xe4", NULL }, { "", NULL }
	};
	char	 err[ERRMAX], *got, *name;
	size_t	 i;

	for (i = 0; i < LEN(names); i++) {
		got = mailbox(names[i][0], err);
		assert_text(got, names[i][1]);
		free(got);
	}
	assert_null(mailbox("a\xe4", err));
	assert_string_equal(err, "Invalid mailbox name a\xe4: neither ASCII nor "
	    "UTF-8; give it in UTF-8, or as the servers do, in modified UTF-7");
	assert_null(mailbox("", err));
	assert_string_equal(err, "Invalid mailbox name: it is empty");
	name = malloc(MAILBOX_NAMEMAX + 2);
	assert_non_null(name);
	memset(name, 'x', MAILBOX_NAMEMAX + 1);
	name[MAILBOX_NAMEMAX + 1] = '\0';
	assert_null(mailbox(name, err));
	assert_string_equal(err, "Invalid mailbox name "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: longer than 1000 "
	    "octets");
	name[MAILBOX_NAMEMAX] = '\0';
	got = mailbox(name, err);
	assert_text(got, name);
	free(got);
	/* what counts is how long it is on the wire */
	memcpy(name + MAILBOX_NAMEMAX - 2, "\xc3\xa4", 2);
	assert_null(mailbox(name, err));
	name[MAILBOX_NAMEMAX - 4] = '\0';
	strlcpy(name + MAILBOX_NAMEMAX - 5, "\xc3\xa4", 3);
	got = mailbox(name, err);
	assert_int_equal(strlen(got), MAILBOX_NAMEMAX);
	free(got);
	free(name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_inbox),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_mailboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
