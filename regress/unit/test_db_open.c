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
 * Opening the database: what is made, what is refused, what is found to be
 * wrong, and that a run which finds nothing to do leaves the file alone.
 */
#include "dbtest.h"


static void
write_at(const char *path, off_t at, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, data, n, at), (ssize_t)n);
	close(fd);
}

/* OPEN fails so, and the file is what it was before, octet for octet. */
static void
refused(struct fixture *f, enum fail_kind kind, const char *words)
{
	char *before, *after;
	size_t n, m;

	before = slurp(f->path, &n);
	statedb_free(f->db);
	f->db = statedb_new();
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, kind, words);
	expect_fail(f, 0, kind, f->path);
	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

static void
test_create(void **state)
{
	struct fixture *f = *state;
	struct msg_opened o;
	struct stat sb;
	mode_t old = umask(0);

	o = reopen(f);
	umask(old);
	assert_int_equal(o.created, 1);
	assert_int_equal(o.unclean, 0);
	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	o = reopen(f);
	assert_int_equal(o.created, 0);
	assert_int_equal(o.unclean, 0);
}

static void
test_empty_file(void **state)
{
	struct fixture *f = *state;

	write_at(f->path, 0, "", 0);
	assert_int_equal(reopen(f).created, 1);
}

static void
test_untouched(void **state)
{
	struct fixture *f = *state;
	char *before, *after;
	size_t n, m;

	reopen(f);
	before = slurp(f->path, &n);
	reopen(f);
	payload(f);
	send_done(f, MSG_MAILBOXES);
	send_done(f, MSG_CLEAN);
	statedb_free(f->db);
	f->db = NULL;
	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

static void
test_missing(void **state)
{
	struct fixture *f = *state;

	put_open(f, f->path, 0);
	send_fail(f, MSG_OPEN, FAIL_DB, "no such database file");
	assert_int_equal(access(f->path, F_OK), -1);
	/* Nothing is legal after that. */
	put_open(f, f->path, OPEN_CREATE);
	assert_int_equal(send_frame(f, MSG_OPEN), -1);
}

static void
test_no_folder(void **state)
{
	struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/none/x.db", f->dir);
	put_open(f, path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, "cannot create database");
}

static void
test_relative(void **state)
{
	struct fixture *f = *state;

	put_open(f, "test.db", OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_INTERNAL, "not absolute");
}

static void
test_folder_as_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, "not a regular file");
}

static void
test_fifo(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, "not a regular file");
}

static void
test_dangling_link(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("/nonexistent/x", f->path), 0);
	put_open(f, f->path, OPEN_CREATE);
	send_fail(f, MSG_OPEN, FAIL_DB, "is a link to a file that is not");
}

static void
test_text_file(void **state)
{
	static const char line[] = "This is a note, not a database.\n";
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 200; i++)
		write_at(f->path, i * (off_t)strlen(line), line,
		    strlen(line));
	refused(f, FAIL_DB, "is not a database");
}

static void
test_newer(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	other_program(f, "PRAGMA user_version = 2");
	refused(f, FAIL_DB, "is of version 2");
}

static void
test_foreign(void **state)
{
	struct fixture *f = *state;

	other_program(f, "CREATE TABLE mailboxes (a, b);"
	    "PRAGMA user_version = 1");
	refused(f, FAIL_DB, "not a database of this program");
}

/* Without our tables: as the original leaves the file. */
static void
test_originals(void **state)
{
	struct fixture *f = *state;
	struct msg_opened o;

	reopen(f);
	other_program(f, "DROP TABLE held; DROP TABLE intents;"
	    "DROP TABLE skipped; DROP TABLE stamps; DROP TABLE run");
	o = reopen(f);
	assert_int_equal(o.created, 0);
	assert_int_equal(o.unclean, 0);
}

/* Some pages in the middle of the mapping and its indexes are rubbish. */
static void
damage(struct fixture *f)
{
	char junk[4096];
	off_t page;
	size_t n;

	other_program(f, "INSERT INTO mailboxes VALUES (1, x'61', 0);"
	    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL "
	    "SELECT i + 1 FROM n WHERE i < 5000) "
	    "INSERT INTO mapping SELECT 1, i, i FROM n");
	memset(junk, 0x5a, sizeof(junk));
	free(slurp(f->path, &n));
	page = (off_t)(n / 4096 / 2) * 4096;
	for (n = 0; n < 4; n++)
		write_at(f->path, page + (off_t)(n * sizeof(junk)), junk,
		    sizeof(junk));
}

/* All of the file is read when the last run did not end well, */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	payload(f);
	send_done(f, MSG_BEGIN);
	damage(f);
	refused(f, FAIL_DB, "is damaged: its pages do not fit together");
}

/* when nobody knows how it ended, */
static void
test_damaged_originals(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	damage(f);
	other_program(f, "DROP TABLE run");
	refused(f, FAIL_DB, "is damaged: its pages do not fit together");
}

/* and not else: then it is found by those who read the page. */
static void
test_damaged_unread(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	damage(f);
	reopen(f);
	ibuf_add_u32(payload(f), 1);
	send_fail(f, MSG_COUNT, FAIL_DB, "is damaged: database disk image");
}

static void
test_cut_short(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	statedb_free(f->db);
	f->db = NULL;
	assert_int_equal(truncate(f->path, 4096 * 3), 0);
	refused(f, FAIL_DB, "is damaged");
}

static void
test_unclean(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	payload(f);
	send_done(f, MSG_BEGIN);
	assert_int_equal(reopen(f).unclean, 1);
	/* It stays until a run ends well. */
	assert_int_equal(reopen(f).unclean, 1);
	payload(f);
	send_done(f, MSG_CLEAN);
	assert_int_equal(reopen(f).unclean, 0);
}

/* A trigger in the file is foreign code: it must not run. */
static void
test_trigger(void **state)
{
	struct fixture *f = *state;
	struct msg_add a = { { "x", 1 }, 0 };

	reopen(f);
	other_program(f, "CREATE TRIGGER t AFTER INSERT ON mailboxes BEGIN "
	    "SELECT raise(ABORT, 'ran'); END");
	reopen(f);
	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
}

static void
test_not_legal(void **state)
{
	struct fixture *f = *state;
	struct imsg m;

	payload(f);
	assert_int_equal(send_frame(f, MSG_MAILBOXES), -1);
	assert_int_equal(f->n, 0);
	reopen(f);
	put_open(f, f->path, 0);
	assert_int_equal(send_frame(f, MSG_OPEN), -1);
	payload(f);
	assert_int_equal(send_frame(f, MSG_NONE), -1);
	assert_int_equal(send_frame(f, MSG_COUNT_TYPES), -1);
	assert_int_equal(send_frame(f, UINT16_MAX), -1);
	assert_int_equal(send_frame(f, MSG_DONE), -1);
	assert_int_equal(send_frame(f, MSG_CONNECT), -1);
	assert_int_equal(send_frame(f, MSG_LOOKUP), -1);	/* short */
	ibuf_add_u8(payload(f), 0);
	assert_int_equal(send_frame(f, MSG_BEGIN), -1);		/* long */
	payload(f);
	m = frame_of(f, MSG_MAILBOXES);
	m.id = 0;
	assert_int_equal(statedb_dispatch(f->db, &m, answer, f), -1);
	assert_int_equal(f->n, 0);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		T(test_create), T(test_empty_file), T(test_untouched),
		T(test_missing), T(test_no_folder), T(test_relative),
		T(test_folder_as_file), T(test_fifo), T(test_dangling_link),
		T(test_text_file), T(test_newer),
		T(test_foreign), T(test_originals), T(test_damaged),
		T(test_damaged_originals), T(test_damaged_unread),
		T(test_cut_short), T(test_unclean), T(test_trigger),
		T(test_not_legal)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
