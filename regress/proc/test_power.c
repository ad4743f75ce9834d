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
 * Power cuts: sessions of requests, cut after each call that changes a file or
 * syncs one (disk.h), with all, nothing and some of what was not synced lost.
 * Opened again, the database is whole, holds all that was answered with DONE,
 * and of a batch that was not answered all or nothing.
 */
#include "regress/unit/dbtest.h"

#include <dirent.h>

#include "disk.h"

#define BATCHES		64
#define CHANCES		4	/* LOST_SOME, of each cut */
#define MANY		500	/* calls; of more, not each gets a cut */
#define STRIDE		11

struct session {
	struct fixture	*f;
	char		*after[BATCHES];	/* the rows when it was done */
	size_t		 answered[BATCHES];	/* calls until then */
	size_t		 n;
	char		*old;		/* the file before, of version 0 */
	size_t		 oldn;
	size_t		 images;
};

/* ---- all rows of all tables as a text ---- */

struct text { char *p; size_t n, size; };

static void
text_add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->n + n + 1 > t->size) {
		t->size = (t->n + n + 1) * 2;
		assert_non_null(t->p = realloc(t->p, t->size));
	}
	memcpy(t->p + t->n, s, n + 1);
	t->n += n;
}

static int
row(void *arg, int n, char **value, char **name)
{
	int i;

	for (i = 0; i < n; i++) {
		text_add(arg, value[i] == NULL ? "NULL" : value[i]);
		text_add(arg, i + 1 < n ? "|" : "\n");
	}
	return 0;
}

static void
query(sqlite3 *sql, const char *q, struct text *t)
{
	char *err = NULL;

	sqlite3_exec(sql, q, row, t, &err);
	if (err != NULL)
		fail_msg("%s: %s", q, err);
}

static char *
rows(sqlite3 *sql)
{
	static const char *const tables[] = {
		"idx, hex(mailbox), subscribed FROM mailboxes",
		"* FROM local", "* FROM remote", "* FROM mapping",
		"* FROM stamps", "* FROM intents", "* FROM skipped",
		"* FROM tries", "* FROM keywords", "* FROM held", "* FROM run"
	};
	struct text t = { NULL, 0, 0 };
	char q[128];
	size_t i, n = sizeof(tables) / sizeof(tables[0]);

	query(sql, "PRAGMA user_version", &t);
	if (t.p[0] == '0')
		n = 4;		/* of version 0 */
	for (i = 0; i < n; i++) {
		text_add(&t, tables[i]);
		text_add(&t, ":\n");
		snprintf(q, sizeof(q), "SELECT %s ORDER BY 1, 2, 3", tables[i]);
		if (strstr(q, "FROM run") != NULL)
			strlcpy(q, "SELECT * FROM run", sizeof(q));
		query(sql, q, &t);
	}
	return t.p;
}

/* ---- a session ---- */

static void
done(struct session *s)
{
	assert_true(s->n < BATCHES);
	s->after[s->n] = rows(s->f->db->sql);
	s->answered[s->n++] = disk_calls();
}

/* One request of a batch; `end` answers it. */
static void
request(struct session *s, uint16_t type)
{
	struct imsg m = frame_of(s->f, type);

	answers_clear(s->f);
	assert_int_equal(statedb_handle(s->f->db, &m, answer, s->f), 0);
}

static void
end(struct session *s)
{
	size_t i;

	answers_clear(s->f);
	statedb_commit(s->f->db, answer, s->f);
	for (i = 0; i < s->f->n; i++)
		assert_int_equal(s->f->a[i].type, MSG_DONE);
	done(s);
}

static void
one(struct session *s, uint16_t type)
{
	request(s, type);
	end(s);
}

static void
idx_request(struct session *s, uint16_t type, uint32_t idx)
{
	ibuf_add_u32(payload(s->f), idx);
	one(s, type);
}

static void
add_request(struct session *s, const char *name)
{
	struct msg_add a = { bytes_of(name), 1 };

	msg_put_add(payload(s->f), &a);
	request(s, MSG_ADD);
}

static void
pairs(struct session *s, uint16_t type, uint32_t idx, uint8_t side,
    uint32_t from, uint32_t n)
{
	put_pairs(s->f, idx, side, from, from + 7, n);
	request(s, type);
}

static void
side_requests(struct session *s)
{
	struct msg_keyword k = { 1, REMOTE, bytes_of("$Junk") };
	struct msg_unintent u = { 1, LOCAL, UIDSET_INIT };

	put_skip(s->f, 1, LOCAL, 400);
	request(s, MSG_SKIP);
	msg_put_keyword(payload(s->f), &k);
	one(s, MSG_KEYWORD);
	pairs(s, MSG_HOLD, 1, LOCAL, 1, 20);
	end(s);
	pairs(s, MSG_UNHOLD, 1, MAP_NOSIDE, 1, 5);
	pairs(s, MSG_UNMAP, 1, MAP_NOSIDE, 6, 5);
	end(s);
	put_intent(s->f, 1, LOCAL, 500, 300, 50);
	one(s, MSG_INTENT);
	assert_int_equal(uidset_add_range(&u.set, 300, 310), 0);
	msg_put_unintent(payload(s->f), &u);
	one(s, MSG_UNINTENT);
	uidset_free(&u.set);
}

/* All kinds of changes; more, so that the file must grow and be cut. */
static void
session(struct session *s, uint32_t more)
{
	struct msg_move mv = { { "A", 1 }, { "B", 1 }, 0 };

	payload(s->f);
	add_request(s, "INBOX");
	add_request(s, "A");
	end(s);
	put_state(s->f, 1, 100, 200);
	request(s, MSG_STATE);
	put_state(s->f, 2, 101, 201);
	one(s, MSG_STATE);
	payload(s->f);
	one(s, MSG_BEGIN);
	put_intent(s->f, 1, LOCAL, 1, 1, 100);
	one(s, MSG_INTENT);
	pairs(s, MSG_MAP, 1, LOCAL, 1, 100);
	end(s);
	put_advance(s->f, 1, 101, 17, 108, 19);
	one(s, MSG_ADVANCE);
	side_requests(s);
	pairs(s, MSG_MAP, 2, MAP_NOSIDE, 1, more);
	end(s);
	put_advance(s->f, 2, more + 1, 5, more + 8, 6);
	one(s, MSG_ADVANCE);
	idx_request(s, MSG_RESET, 2);
	put_state(s->f, 2, 301, 302);
	request(s, MSG_STATE);
	pairs(s, MSG_MAP, 2, MAP_NOSIDE, 1, 30);
	end(s);
	msg_put_move(payload(s->f), &mv);
	one(s, MSG_MOVE);
	idx_request(s, MSG_FORGET, 1);
	payload(s->f);
	one(s, MSG_CLEAN);
}

/* ---- a cut ---- */

static void
empty(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
}

/*
 * The copy of a file of version 0: whole, or with nothing for a head; and
 * there when OPEN was answered, or the tables are changed.
 */
static const char *
wrong_copy(const struct session *s, const struct fixture *g, int needed)
{
	static const char zero[512];
	char path[200];
	size_t n;
	char *p;
	const char *wrong = NULL;

	if (s->old == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s.v0.bak", g->path);
	if ((p = slurp(path, &n)) == NULL)
		return needed ? "there is no copy" : NULL;
	if (n != s->oldn || memcmp(p, s->old, n) != 0) {
		if (needed)
			wrong = "the copy is not whole";
		else if (memcmp(p, zero, n < sizeof(zero) ? n :
		    sizeof(zero)) != 0)
			wrong = "half a copy looks like one";
	}
	free(p);
	return wrong;
}

/* What is wrong with this image; NULL: nothing. */
static const char *
wrong(struct session *s, struct fixture *g, size_t cut)
{
	struct text t = { NULL, 0, 0 };
	size_t done = 0, answers;
	const char *why;
	char *now;

	while (done < s->n && s->answered[done] <= cut)
		done++;
	why = wrong_copy(s, g, done > 0);
	if (why != NULL)
		return why;
	g->db = statedb_new();
	put_open(g, g->path, OPEN_CREATE);
	assert_int_equal(send_frame(g, MSG_OPEN), 0);
	answers = g->n;
	if (answers == 0 || g->a[answers - 1].type != MSG_DONE)
		return g->db->text;
	query(g->db->sql, "PRAGMA integrity_check", &t);
	if (strcmp(t.p, "ok\n") != 0)
		why = "integrity_check";
	free(t.p);
	now = rows(g->db->sql);
	if (why == NULL && !(done > 0 && strcmp(now, s->after[done - 1]) == 0)
	    && !(done < s->n && strcmp(now, s->after[done]) == 0))
		why = done > 0 ? "something was lost, or is there in part" :
		    "it does not begin anew";
	if (why == NULL && now[0] == '1')
		why = wrong_copy(s, g, 1);
	free(now);
	return why;
}

static void
cut_at(struct session *s, struct fixture *g, size_t cut, enum disk_lost lost,
    unsigned int seed)
{
	const char *why;
	char call[200];

	empty(g->dir);
	disk_cut(cut, lost, seed, g->dir);
	if ((why = wrong(s, g, cut)) != NULL)
		fail_msg("cut after call %zu (%s), lost %d, seed %u: %s", cut,
		    cut == 0 ? "none" : disk_call(cut - 1, call, sizeof(call)),
		    (int)lost, seed, why);
	statedb_free(g->db);
	g->db = NULL;
	s->images++;
}

static void
all_cuts(struct session *s)
{
	struct fixture *g;
	void *state = NULL;
	size_t cut;
	unsigned int i;

	assert_int_equal(fixture_up(&state), 0);
	g = state;
	statedb_free(g->db);
	g->db = NULL;
	for (cut = 0; cut <= disk_calls(); cut++) {
		if (disk_calls() > MANY && cut % STRIDE != 0 &&
		    !disk_synced(cut))
			continue;
		for (i = LOST_ALL; i < LOST_SOME; i++)
			cut_at(s, g, cut, i, 0);
		for (i = 0; i < CHANCES; i++)
			cut_at(s, g, cut, LOST_SOME,
			    (unsigned int)cut * CHANCES + i);
	}
	empty(g->dir);
	assert_int_equal(fixture_down(&state), 0);
	printf("# %zu calls, %zu batches, %zu cuts\n", disk_calls(), s->n,
	    s->images);
}

static void
session_free(struct session *s)
{
	while (s->n > 0)
		free(s->after[--s->n]);
	free(s->old);
}

/* ---- the sessions ---- */

static void
run(struct fixture *f, uint32_t more, const char *pragma)
{
	struct session s = { .f = f };

	disk_record(f->dir);
	reopen(f);
	if (pragma != NULL)
		assert_int_equal(sqlite3_exec(f->db->sql, pragma, NULL, NULL,
		    NULL), SQLITE_OK);
	done(&s);
	session(&s, more);
	statedb_free(f->db);
	f->db = NULL;
	disk_stop();
	assert_true(disk_calls() > 100);
	all_cuts(&s);
	session_free(&s);
}

static void
test_session(void **state)
{
	run(*state, 100, NULL);
}

/* A transaction that does not fit into memory is written before its end. */
static void
test_spilt(void **state)
{
	run(*state, 400, "PRAGMA cache_size = 4");
}

/* A file that is there, with a journal that stays; the clean end of a run. */
static void
test_again(void **state)
{
	struct fixture *f = *state;
	struct session s = { .f = f };

	ready(f);
	map(f, 1, 1, 1, 50);
	statedb_free(f->db);
	f->db = NULL;
	disk_record(f->dir);
	reopen(f);
	done(&s);
	payload(f);
	one(&s, MSG_BEGIN);
	pairs(&s, MSG_MAP, 1, MAP_NOSIDE, 60, 40);
	end(&s);
	put_advance(f, 1, 101, 17, 108, 19);
	one(&s, MSG_ADVANCE);
	idx_request(&s, MSG_RESET, 1);
	payload(f);
	one(&s, MSG_CLEAN);
	statedb_free(f->db);
	f->db = NULL;
	disk_stop();
	all_cuts(&s);
	session_free(&s);
}

#define STATE(side)							\
	"CREATE TABLE " side " (idx INTEGER NOT NULL PRIMARY KEY, "	\
	"UIDVALIDITY UNSIGNED INT NOT NULL, "				\
	"UIDNEXT UNSIGNED INT NOT NULL, "				\
	"HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL);"

static void
test_migrate(void **state)
{
	struct fixture *f = *state;
	struct session s = { .f = f };
	struct msg_migrate m = { { '.', '.' }, { 1, 1 } };

	other_program(f, "CREATE TABLE mailboxes (idx INTEGER NOT NULL "
	    "PRIMARY KEY AUTOINCREMENT, mailbox TEXT COLLATE BINARY NOT NULL "
	    "UNIQUE, subscribed BOOLEAN NOT NULL);" STATE("local")
	    STATE("remote") "CREATE TABLE mapping (idx INTEGER NOT NULL, "
	    "lUID UNSIGNED INT NOT NULL, rUID UNSIGNED INT NOT NULL, "
	    "PRIMARY KEY (idx, lUID), UNIQUE (idx, rUID));"
	    "INSERT INTO mailboxes VALUES (1, 'a.b', 1);"
	    "INSERT INTO local VALUES (1, 11, 5, 100);"
	    "INSERT INTO remote VALUES (1, 21, 7, 102);"
	    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 "
	    "FROM n WHERE i < 300) INSERT INTO mapping SELECT 1, i, i FROM n");
	s.old = slurp(f->path, &s.oldn);
	disk_record(f->dir);
	reopen(f);
	done(&s);
	msg_put_migrate(payload(f), &m);
	send_done(f, MSG_MIGRATE);
	done(&s);
	payload(f);
	one(&s, MSG_BEGIN);
	statedb_free(f->db);
	f->db = NULL;
	disk_stop();
	all_cuts(&s);
	session_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn)	cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)
		T(test_session), T(test_spilt), T(test_again), T(test_migrate)
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
