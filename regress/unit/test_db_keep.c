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
 * The copy of a database before its tables are changed: octet for octet, never
 * written over, made once for one content; and where it cannot be made nothing
 * is changed.
 */
#include "dbtest.h"

#include <sys/resource.h>

#include <signal.h>

#define OLD								\
	"CREATE TABLE mailboxes (idx INTEGER NOT NULL PRIMARY KEY "	\
	"AUTOINCREMENT, mailbox TEXT COLLATE BINARY NOT NULL UNIQUE, "	\
	"subscribed BOOLEAN NOT NULL);"					\
	STATE("local") STATE("remote")					\
	"CREATE TABLE mapping (idx INTEGER NOT NULL, "			\
	"lUID UNSIGNED INT NOT NULL, rUID UNSIGNED INT NOT NULL, "	\
	"PRIMARY KEY (idx, lUID), UNIQUE (idx, rUID));"			\
	"INSERT INTO mailboxes VALUES (1, 'a.b', 1);"			\
	"INSERT INTO local VALUES (1, 11, 5, 100);"			\
	"INSERT INTO remote VALUES (1, 21, 7, 102);"			\
	"WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 "	\
	"FROM n WHERE i < 9000) INSERT INTO mapping SELECT 1, i, i FROM n;"
#define STATE(side)							\
	"CREATE TABLE " side " (idx INTEGER NOT NULL PRIMARY KEY, "	\
	"UIDVALIDITY UNSIGNED INT NOT NULL, "				\
	"UIDNEXT UNSIGNED INT NOT NULL, "				\
	"HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL);"

static const char *
copy_name(struct fixture *f, int version, int i)
{
	static char name[200];

	snprintf(name, sizeof(name), i == 1 ? "%s.v%d.bak" : "%s.v%d.bak.%d",
	    f->path, version, i);
	return name;
}

static void
write_file(const char *path, const char *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static void
is_file(const char *path, const char *data, size_t n)
{
	size_t m;
	char *p = slurp(path, &m);

	if (p == NULL)
		fail_msg("%s is not there", path);
	assert_int_equal(n, m);
	assert_memory_equal(p, data, n);
	free(p);
}

/* OPEN, and whether it tells of this copy; 0: of none. */
static void
opens(struct fixture *f, int version, int i)
{
	struct msg_opened o;
	struct ibuf b;

	reopen(f);
	b = answer_data(&f->a[0]);
	assert_int_equal(msg_get_opened(&b, &o), 0);
	assert_true(bytes_eq(o.copy, bytes_of(i == 0 ? "" :
	    copy_name(f, version, i))));
}

static void
make_old(struct fixture *f, const char *more)
{
	char sql[4096];

	unlink(f->path);
	unlink_copies(f);
	snprintf(sql, sizeof(sql), "%s%s", OLD, more);
	other_program(f, sql);
}

static void
migrates(struct fixture *f)
{
	struct msg_migrate m = { { '.', '.' }, { 1, 1 } };

	msg_put_migrate(payload(f), &m);
	send_done(f, MSG_MIGRATE);
}

static void
test_version0(void **state)
{
	struct fixture *f = *state;
	struct stat sb;
	char *was, *now;
	size_t n, m;

	make_old(f, "");
	was = slurp(f->path, &n);
	opens(f, 0, 1);
	is_file(copy_name(f, 0, 1), was, n);
	assert_int_equal(stat(copy_name(f, 0, 1), &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	/* The same again, which was not changed: once is enough. */
	opens(f, 0, 0);
	migrates(f);
	is_file(copy_name(f, 0, 1), was, n);
	opens(f, 0, 0);
	assert_null(slurp(copy_name(f, 1, 1), &m));
	/* Put back, it is what it was. */
	now = slurp(copy_name(f, 0, 1), &m);
	statedb_free(f->db);
	f->db = NULL;
	write_file(f->path, now, m);
	free(now);
	opens(f, 0, 0);
	assert_int_equal(f->db->state, DB_OLD);
	migrates(f);
	assert_int_equal(counted(f, 1).rows, 9000);
	free(was);
}

static void
test_original(void **state)
{
	struct fixture *f = *state;
	char *was;
	size_t n;

	/* A new file has nothing to be kept. */
	opens(f, 1, 0);
	other_program(f, "DROP TABLE run");
	was = slurp(f->path, &n);
	opens(f, 1, 1);
	is_file(copy_name(f, 1, 1), was, n);
	opens(f, 1, 0);
	free(was);
}

/* What another program left in its write-ahead log belongs to it. */
static void
test_wal(void **state)
{
	struct fixture *f = *state;
	sqlite3 *s;

	make_old(f, "PRAGMA journal_mode = WAL; INSERT INTO mailboxes VALUES "
	    "(5, 'later', 0)");
	opens(f, 0, 1);
	assert_int_equal(sqlite3_open(copy_name(f, 0, 1), &s), SQLITE_OK);
	assert_int_equal(sqlite3_exec(s, "INSERT INTO mailboxes "
	    "VALUES (5, 'x', 0)", NULL, NULL, NULL), SQLITE_CONSTRAINT);
	sqlite3_close(s);
}

/* A copy that is there is never touched, but for one that was cut off. */
static void
test_never_over(void **state)
{
	struct fixture *f = *state;
	char *first, *second, *cut;
	size_t n, m;

	make_old(f, "");
	first = slurp(f->path, &n);
	opens(f, 0, 1);
	other_program(f, "DELETE FROM mapping WHERE lUID > 3000");
	second = slurp(f->path, &m);
	opens(f, 0, 2);
	is_file(copy_name(f, 0, 1), first, n);
	is_file(copy_name(f, 0, 2), second, m);
	opens(f, 0, 0);
	cut = calloc(1, m);
	assert_non_null(cut);
	memcpy(cut + 512, second + 512, m - 512);
	write_file(copy_name(f, 0, 2), cut, m);
	opens(f, 0, 2);
	is_file(copy_name(f, 0, 2), second, m);
	write_file(copy_name(f, 0, 2), cut, 300);
	opens(f, 0, 2);
	write_file(copy_name(f, 0, 2), "", 0);
	opens(f, 0, 2);
	is_file(copy_name(f, 0, 2), second, m);
	is_file(copy_name(f, 0, 1), first, n);
	write_file(copy_name(f, 0, 2), "a note of mine", 14);
	opens(f, 0, 3);
	is_file(copy_name(f, 0, 2), "a note of mine", 14);
	free(first);
	free(second);
	free(cut);
}

static void
refused(struct fixture *f, const char *words)
{
	char *was;
	size_t n;

	was = slurp(f->path, &n);
	statedb_free(f->db);
	f->db = statedb_new();
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, words);
	expect_fail(f, 0, FAIL_DB, "was not changed");
	is_file(f->path, was, n);
	free(was);
}

static void
test_too_many(void **state)
{
	struct fixture *f = *state;
	int i;

	make_old(f, "");
	for (i = 1; i < 10; i++)
		write_file(copy_name(f, 0, i), "x", 1);
	refused(f, "there are 9 copies of it already");
	unlink(copy_name(f, 0, 7));
	opens(f, 0, 7);
}

/* No room for all of it: none of it is left, and nothing was changed. */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, less;
	size_t n;
	char *p;
	int v;

	signal(SIGXFSZ, SIG_IGN);
	for (v = 0; v < 2; v++) {
		make_old(f, "");
		if (v == 1) {
			opens(f, 0, 1);
			migrates(f);
			other_program(f, "DROP TABLE run");
		}
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
		less = was;
		less.rlim_cur = 65536;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
		refused(f, "cannot be written: File too large; make room");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		p = slurp(copy_name(f, v, 1), &n);
		assert_null(p);
		opens(f, v, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn)	cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
		T(test_version0), T(test_original), T(test_wal),
		T(test_never_over), T(test_too_many), T(test_full)
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
