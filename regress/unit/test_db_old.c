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
 * What becomes of our own rows when another program changes the original's
 * tables between two runs; and of a batch, when a part of it or all of it
 * fails.
 */
#include "dbtest.h"

#include <sys/resource.h>

#include <signal.h>

/*
 * A mailbox at (UIDNEXT 10, 20) with pairs 1:6 to 11:16, of which 2 and 3 are
 * held, intents for the local 7 and 8, and skipped messages, local 4 and 5 of
 * the remote side.
 */
static uint32_t
furnish(struct fixture *f)
{
	uint32_t idx = ready(f);

	put_advance(f, idx, 10, 100, 20, 200);
	send_done(f, MSG_ADVANCE);
	map(f, idx, 1, 11, 6);
	put_pairs(f, idx, REMOTE, 2, 12, 2);
	send_done(f, MSG_HOLD);
	put_intent(f, idx, LOCAL, 20, 7, 2);
	send_done(f, MSG_INTENT);
	put_skip(f, idx, REMOTE, 4);
	send_done(f, MSG_SKIP);
	put_skip(f, idx, REMOTE, 5);
	send_done(f, MSG_SKIP);
	return idx;
}

static void
expect_rows(struct fixture *f, uint32_t idx, size_t open, uint32_t held,
    uint32_t skipped)
{
	struct msg_counted c = counted(f, idx);

	assert_int_equal(c.held[REMOTE], held);
	assert_int_equal(c.skipped[REMOTE], skipped);
	assert_int_equal(intents(f, idx, NULL), open);
}

/* Rows of a table of ours, whatever mailbox they hang on. */
static int
rows_of(struct fixture *f, const char *table)
{
	sqlite3_stmt *st;
	sqlite3 *s;
	char sql[64];
	int n;

	statedb_free(f->db);
	f->db = NULL;
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(sqlite3_open(f->path, &s), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(s, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(s);
	return n;
}

static void
test_kept(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = furnish(f);

	reopen(f);
	expect_rows(f, idx, 2, 2, 2);
	/* Our own ADVANCE makes nothing old. */
	put_advance(f, idx, 12, 120, 22, 220);
	send_done(f, MSG_ADVANCE);
	reopen(f);
	expect_rows(f, idx, 2, 2, 2);
}

/* The original ran: it copied 7, deleted pair 2, and copied skipped 4. */
static void
test_original_ran(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = furnish(f);

	other_program(f, "INSERT INTO mapping VALUES (1, 7, 20);"
	    "DELETE FROM mapping WHERE lUID = 2;"
	    "INSERT INTO mapping VALUES (1, 10, 4);"
	    "UPDATE local SET UIDNEXT = 11, HIGHESTMODSEQ = 110;"
	    "UPDATE remote SET UIDNEXT = 21, HIGHESTMODSEQ = 210");
	reopen(f);
	expect_rows(f, idx, 1, 1, 1);
	reopen(f);
	expect_rows(f, idx, 1, 1, 1);
}

/* Under the stamp they were written with, rows are as good as before. */
static void
test_same_state(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = furnish(f);

	other_program(f, "DELETE FROM mapping WHERE lUID = 2");
	reopen(f);
	expect_rows(f, idx, 2, 2, 2);
	other_program(f, "UPDATE remote SET HIGHESTMODSEQ = 201");
	reopen(f);
	expect_rows(f, idx, 2, 1, 2);
}

static void
test_other_uidvalidity(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = furnish(f);

	other_program(f, "UPDATE remote SET UIDVALIDITY = 201");
	reopen(f);
	expect_rows(f, idx, 0, 0, 0);
}

static void
test_state_removed(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = furnish(f);

	other_program(f, "DELETE FROM mapping; DELETE FROM local;"
	    "DELETE FROM remote");
	reopen(f);
	expect_rows(f, idx, 0, 0, 0);
}

/* As the original's --delete does it. */
static void
test_deleted(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	other_program(f, "PRAGMA foreign_keys = ON;"
	    "DELETE FROM mapping WHERE idx = 1;"
	    "DELETE FROM local WHERE idx = 1;"
	    "DELETE FROM remote WHERE idx = 1;"
	    "DELETE FROM mailboxes WHERE idx = 1");
	assert_int_equal(rows_of(f, "held"), 0);
	assert_int_equal(rows_of(f, "skipped"), 0);
	assert_int_equal(rows_of(f, "intents"), 0);
	assert_int_equal(rows_of(f, "stamps"), 0);
}

static void
test_deleted_by_hand(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	other_program(f, "DELETE FROM mapping; DELETE FROM local;"
	    "DELETE FROM remote; DELETE FROM mailboxes;"
	    "DELETE FROM stamps");	/* without foreign_keys */
	assert_int_equal(rows_of(f, "held"), 2);
	reopen(f);
	assert_int_equal(rows_of(f, "held"), 0);
	assert_int_equal(rows_of(f, "skipped"), 0);
	assert_int_equal(rows_of(f, "intents"), 0);
}

static void
handle(struct fixture *f, uint16_t type)
{
	struct imsg m = frame_of(f, type);

	assert_int_equal(statedb_handle(f->db, &m, answer, f), 0);
}

/* Nothing is said to be done before it is committed. */
static void
test_batch(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), first;

	answers_clear(f);
	first = f->id + 1;
	put_pairs(f, idx, MAP_NOSIDE, 1, 11, 1);
	handle(f, MSG_MAP);
	put_intent(f, idx, LOCAL, 12, 2, 1);
	handle(f, MSG_INTENT);
	assert_int_equal(f->n, 0);
	put_pairs(f, idx, MAP_NOSIDE, 1, 12, 1);
	handle(f, MSG_MAP);
	assert_int_equal(f->n, 1);
	expect_fail(f, 0, FAIL_INTERNAL, "is mapped to");
	put_pairs(f, idx, MAP_NOSIDE, 3, 13, 1);
	handle(f, MSG_MAP);
	statedb_commit(f->db, answer, f);
	assert_int_equal(f->n, 4);
	assert_int_equal(f->a[1].type, MSG_DONE);
	assert_int_equal(f->a[1].id, first);
	assert_int_equal(f->a[2].id, first + 1);
	assert_int_equal(f->a[3].id, first + 3);
	reopen(f);
	assert_int_equal(counted(f, idx).rows, 2);
	assert_int_equal(intents(f, idx, NULL), 1);
}

/* A batch that was never committed, as after a kill. */
static void
test_batch_lost(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f);

	put_pairs(f, idx, MAP_NOSIDE, 1, 11, 3000);
	handle(f, MSG_MAP);
	reopen(f);
	assert_int_equal(counted(f, idx).rows, 0);
}

static void
limit_file(rlim_t n)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* The file cannot grow: all of the batch fails, and all that follows. */
static void
test_commit_fails(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), i;
	struct stat sb;

	assert_int_equal(stat(f->path, &sb), 0);
	answers_clear(f);
	limit_file((rlim_t)sb.st_size);
	for (i = 0; i < 20; i++) {
		put_pairs(f, idx, MAP_NOSIDE, 1 + i * 1000, 1 + i * 1000,
		    1000);
		handle(f, MSG_MAP);
	}
	assert_int_equal(f->n, 0);
	statedb_commit(f->db, answer, f);
	assert_int_equal(f->n, 20);
	expect_fail(f, 0, FAIL_DB, f->path);
	expect_fail(f, 19, FAIL_DB, f->path);
	limit_file(RLIM_INFINITY);
	put_advance(f, idx, 9, 9, 9, 9);
	send_fail(f, MSG_ADVANCE, FAIL_DB, f->path);
	payload(f);
	send_fail(f, MSG_CLEAN, FAIL_DB, f->path);
	assert_int_equal(counted(f, idx).rows, 0);
	reopen(f);
	assert_int_equal(counted(f, idx).rows, 0);
	map(f, idx, 1, 1, 1);
}

/* More requests than one commit answers. */
static void
test_long_batch(void **state)
{
	struct fixture *f = *state;
	uint32_t idx = ready(f), i;

	answers_clear(f);
	for (i = 1; i <= DB_BATCH + 5; i++) {
		put_pairs(f, idx, MAP_NOSIDE, i, i, 1);
		handle(f, MSG_MAP);
	}
	assert_int_equal(f->n, DB_BATCH);
	statedb_commit(f->db, answer, f);
	assert_int_equal(f->n, DB_BATCH + 5);
	assert_int_equal(counted(f, idx).rows, DB_BATCH + 5);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		T(test_kept), T(test_original_ran), T(test_same_state),
		T(test_other_uidvalidity), T(test_state_removed),
		T(test_deleted), T(test_deleted_by_hand), T(test_batch),
		T(test_batch_lost), T(test_commit_fails), T(test_long_batch)
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
