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
 * A database of version 0: what OPEN says of it, what MIGRATE makes of it and
 * what it refuses, and that a process killed at any write leaves the old file
 * or the new one.
 */
#include "dbtest.h"
#include "dbvfs.h"

#include <sys/wait.h>


/* As the original made them before version 0.5. */
#define TABLES								\
	"CREATE TABLE mailboxes ("					\
	"idx INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "		\
	"mailbox TEXT COLLATE BINARY NOT NULL CHECK (mailbox != '') "	\
	"UNIQUE, subscribed BOOLEAN NOT NULL);"				\
	STATE("local") STATE("remote")					\
	"CREATE TABLE mapping ("					\
	"idx INTEGER NOT NULL REFERENCES mailboxes(idx), "		\
	"lUID UNSIGNED INT NOT NULL CHECK (lUID > 0), "			\
	"rUID UNSIGNED INT NOT NULL CHECK (rUID > 0), "			\
	"PRIMARY KEY (idx,lUID), UNIQUE (idx,rUID));"
#define STATE(side)							\
	"CREATE TABLE " side " ("					\
	"idx INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes(idx), "	\
	"UIDVALIDITY UNSIGNED INT NOT NULL CHECK (UIDVALIDITY > 0), "	\
	"UIDNEXT UNSIGNED INT NOT NULL, "				\
	"HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL);"
/* The mailbox 9 was removed. */
#define ROWS								\
	"INSERT INTO mailboxes VALUES (2, 'INBOX', 1), "		\
	"(4, 'a.b/c', 0), (7, 'a..d.', 1), (9, 'gone', 0);"		\
	"DELETE FROM mailboxes WHERE idx = 9;"				\
	"INSERT INTO local VALUES (2, 11, 5, 100), (4, 12, 6, 101);"	\
	"INSERT INTO remote VALUES (2, 21, 7, 102), (4, 22, 8, 103);"	\
	"INSERT INTO mapping VALUES (2, 1, 3), (2, 2, 1), (4, 5, 7);"

static void
make_old(struct fixture *f, const char *more)
{
	char sql[4096];

	unlink(f->path);
	snprintf(sql, sizeof(sql), "%s%s%s", TABLES, ROWS, more);
	other_program(f, sql);
}

static void
unchanged(struct fixture *f, const char *before, size_t n)
{
	char *after;
	size_t m;

	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(after);
}

/* OPEN fails so, and the file is what it was before, octet for octet. */
static void
refused(struct fixture *f, const char *words)
{
	char *before;
	size_t n;

	before = slurp(f->path, &n);
	statedb_free(f->db);
	f->db = statedb_new();
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, words);
	expect_fail(f, 0, FAIL_DB, f->path);
	unchanged(f, before, n);
	free(before);
}

static void
put_migrate(struct fixture *f, uint8_t local, uint8_t remote)
{
	struct msg_migrate m = { { local, remote }, { 1, 1 } };

	msg_put_migrate(payload(f), &m);
}

static void
expect_box(struct fixture *f, size_t i, uint32_t idx, struct bytes name,
    int subscribed)
{
	struct msg_dbmailbox m = mailbox(f, i, 3);

	assert_int_equal(m.idx, idx);
	assert_int_equal(m.name.n, name.n);
	assert_memory_equal(m.name.p, name.p, name.n);
	assert_int_equal(m.subscribed, subscribed);
}

/* The mailboxes with NUL for the dot, their states and pairs. */
static void
expect_migrated(struct fixture *f)
{
	struct msg_dbmailbox m;

	expect_box(f, 0, 2, (struct bytes){ "INBOX", 5 }, 1);
	expect_box(f, 1, 4, (struct bytes){ "a\0b/c", 5 }, 0);
	expect_box(f, 2, 7, (struct bytes){ "a\0\0d\0", 5 }, 1);
	m = mailbox(f, 1, 3);
	assert_int_equal(m.hasstate, 1);
	assert_int_equal(m.st[LOCAL].uidvalidity, 12);
	assert_int_equal(m.st[LOCAL].modseq, 101);
	assert_int_equal(m.st[REMOTE].uidnext, 8);
	assert_int_equal(mailbox(f, 2, 3).hasstate, 0);
	assert_int_equal(counted(f, 2).rows, 2);
	assert_int_equal(counted(f, 4).rows, 1);
}

static void
test_migrate(void **state)
{
	struct fixture *f = *state;
	struct msg_add a = { { "x", 1 }, 0 };
	struct msg_opened o;
	struct ibuf b;
	char *before;
	size_t n;

	make_old(f, "");
	before = slurp(f->path, &n);
	o = reopen(f);
	assert_int_equal(o.old, 1);
	assert_int_equal(o.created, 0);
	unchanged(f, before, n);
	free(before);
	put_migrate(f, '.', '.');
	send_done(f, MSG_MIGRATE);
	expect_migrated(f);
	/* The number of a mailbox that is gone is not given again. */
	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
	b = answer_data(&f->a[0]);
	assert_int_equal(ibuf_get_u32(&b), 10);
	o = reopen(f);
	assert_int_equal(o.old, 0);
	assert_int_equal(o.unclean, 0);
}

static void
test_flat(void **state)
{
	struct fixture *f = *state;

	make_old(f, "");
	reopen(f);
	put_migrate(f, '\0', '\0');
	send_done(f, MSG_MIGRATE);
	expect_box(f, 1, 4, (struct bytes){ "a.b/c", 5 }, 0);
	expect_box(f, 2, 7, (struct bytes){ "a..d.", 5 }, 1);
}

static void
test_empty(void **state)
{
	struct fixture *f = *state;
	struct msg_add a = { { "x", 1 }, 0 };
	struct ibuf b;

	make_old(f, "DELETE FROM mapping; DELETE FROM local;"
	    "DELETE FROM remote; DELETE FROM mailboxes;");
	reopen(f);
	put_migrate(f, '/', '/');
	send_done(f, MSG_MIGRATE);
	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
	b = answer_data(&f->a[0]);
	assert_int_equal(ibuf_get_u32(&b), 10);
}

/* Nothing but MIGRATE, and only once, and only of version 0. */
static void
test_not_legal(void **state)
{
	struct fixture *f = *state;

	make_old(f, "");
	reopen(f);
	payload(f);
	assert_int_equal(send_frame(f, MSG_MAILBOXES), -1);
	assert_int_equal(send_frame(f, MSG_BEGIN), -1);
	assert_int_equal(send_frame(f, MSG_MIGRATE), -1);	/* short */
	put_migrate(f, 0x80, '.');
	assert_int_equal(send_frame(f, MSG_MIGRATE), -1);
	put_migrate(f, '.', '.');
	send_done(f, MSG_MIGRATE);
	assert_int_equal(send_frame(f, MSG_MIGRATE), -1);
}

static void
no_migration(struct fixture *f, const struct msg_migrate *m, const char *words)
{
	char *before;
	size_t n;

	make_old(f, "");
	before = slurp(f->path, &n);
	assert_int_equal(reopen(f).old, 1);
	msg_put_migrate(payload(f), m);
	send_fail(f, MSG_MIGRATE, FAIL_DB, words);
	expect_fail(f, 0, FAIL_DB, f->path);
	put_migrate(f, '.', '.');
	assert_int_equal(send_frame(f, MSG_MIGRATE), -1);
	statedb_free(f->db);
	f->db = NULL;
	unchanged(f, before, n);
	free(before);
}

static void
test_delimiters(void **state)
{
	struct fixture *f = *state;

	no_migration(f, &(struct msg_migrate){ { '.', '/' }, { 1, 1 } },
	    "delimiters differ (local \".\", remote \"/\")");
	no_migration(f, &(struct msg_migrate){ { 0, '/' }, { 1, 1 } },
	    "delimiters differ (local none, remote \"/\")");
	no_migration(f, &(struct msg_migrate){ { 0, 0 }, { 0, 1 } },
	    "the local server does not tell");
	no_migration(f, &(struct msg_migrate){ { '.', 0 }, { 1, 0 } },
	    "the remote server does not tell");
}

/* What is added to a good file, and what OPEN says then. */
static void
test_refused(void **state)
{
	static const char foreign[] = "is not a database of this program",
	    more[] = "has a table, index, view or trigger of another",
	    named[] = "is damaged: the name of a mailbox is ill-formed";
	static const struct {
		const char *sql, *words;
	} cases[] = {
		{ "CREATE TABLE other (x)", more },
		{ "CREATE INDEX i ON mapping (rUID)", more },
		{ "CREATE VIEW v AS SELECT 1", more },
		{ "CREATE TRIGGER t AFTER INSERT ON mailboxes BEGIN SELECT 1; "
		    "END", more },
		{ "DROP TABLE remote", foreign },
		{ "ALTER TABLE local RENAME UIDNEXT TO next", foreign },
		{ "INSERT INTO mapping VALUES (5, 1, 1)",
		    "damaged: it has rows of mailboxes that are not in it" },
		{ "INSERT INTO mailboxes VALUES (8, CAST(X'6100' AS TEXT), 0)",
		    named },
		{ "INSERT INTO mailboxes VALUES (8, CAST('INBOX' AS BLOB), 0)",
		    named }
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_old(f, cases[i].sql);
		refused(f, cases[i].words);
	}
	unlink(f->path);
	other_program(f, "PRAGMA encoding = 'UTF-16le';" TABLES);
	refused(f, foreign);
	unlink(f->path);
	other_program(f, "CREATE TABLE bookmarks (url)");
	refused(f, foreign);
}

/* The page where this index begins. */
static int
root_of(struct fixture *f, const char *index)
{
	char sql[128];
	sqlite3_stmt *st;
	sqlite3 *s;
	int page;

	snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_master "
	    "WHERE name = '%s'", index);
	assert_int_equal(sqlite3_open(f->path, &s), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(s, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	page = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(s);
	return page;
}

/* All of it is read before it is changed, and not only what is needed. */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	char junk[4096];
	off_t at;
	int fd;

	make_old(f, "");
	at = (off_t)(root_of(f, "sqlite_autoindex_mapping_2") - 1) * 4096;
	memset(junk, 0x5a, sizeof(junk));
	assert_int_not_equal(fd = open(f->path, O_WRONLY | O_CLOEXEC), -1);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
	refused(f, "is damaged: its pages do not fit together");
}

/* ---- killed, or a full disk, at the n-th change of a file ---- */

/* Open and migrate: 1; 0: killed at change n of the files. */
static int
migrate_killed(struct fixture *f, int n)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		changes_left = n;
		if (reopen(f).old) {
			put_migrate(f, '.', '.');
			send_done(f, MSG_MIGRATE);
		}
		_exit(0);
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
	return WEXITSTATUS(status) == 0;
}

static void
test_killed(void **state)
{
	struct fixture *f = *state;
	char journal[160];
	int n = 0, old, was_old = 0, was_new = 0, over;

	snprintf(journal, sizeof(journal), "%s-journal", f->path);
	do {
		unlink(journal);
		make_old(f, "");
		over = migrate_killed(f, n++);
		old = reopen(f).old;
		if (old) {
			assert_int_equal(over, 0);
			was_old++;
			put_migrate(f, '.', '.');
			send_done(f, MSG_MIGRATE);
		} else
			was_new++;
		expect_migrated(f);
	} while (!over);
	assert_true(was_old > 10);
	assert_true(was_new > 1);
}

/* The disk is full from some change on: the old file is there again. */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	int n = 0, failed;

	do {
		make_old(f, "");
		assert_int_equal(reopen(f).old, 1);
		put_migrate(f, '.', '.');
		full = 1;
		changes_left = n++;
		assert_int_equal(send_frame(f, MSG_MIGRATE), 0);
		assert_int_equal(f->n, 1);
		if ((failed = f->a[0].type == MSG_FAIL))
			expect_fail(f, 0, FAIL_DB, "no space left");
		changes_left = -1;
		full = 0;
		if (reopen(f).old) {
			assert_int_equal(failed, 1);
			put_migrate(f, '.', '.');
			send_done(f, MSG_MIGRATE);
		}
		expect_migrated(f);
	} while (failed);
	assert_true(n > 10);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		T(test_migrate), T(test_flat), T(test_empty),
		T(test_not_legal), T(test_delimiters), T(test_refused),
		T(test_damaged), T(test_killed), T(test_full)
	};

	vfs_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
