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
 * For the tests of statedb: a scratch folder, a database in it, requests fed
 * to the dispatcher without a socket, and what it answered.  Included by
 * test_db.c and test_db_open.c, once each.
 */
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
#include <sqlite3.h>

#include "statedb/statedb.h"

#define ANSWERS	4096

struct answer {
	uint16_t	 type;
	uint32_t	 id;
	struct ibuf	 b;	/* owned; a reader of it: answer_data() */
};

struct fixture {
	char		 dir[64];
	char		 path[128];
	struct statedb	*db;
	struct ibuf	 b;	/* the payload being written */
	uint32_t	 id;	/* of the last request */
	struct answer	 a[ANSWERS];
	size_t		 n;
};

static inline void
answers_clear(struct fixture *f)
{
	while (f->n > 0)
		ibuf_free(&f->a[--f->n].b);
}

static inline void
answer(void *arg, uint16_t type, uint32_t id, const struct ibuf *b)
{
	struct fixture *f = arg;
	struct answer *a;

	assert_true(f->n < ANSWERS);
	assert_int_equal(msg_check(type, MSG_SP, b == NULL ? 0 : b->wpos), 0);
	a = &f->a[f->n++];
	a->type = type;
	a->id = id;
	ibuf_init(&a->b);
	if (b != NULL) {
		assert_int_equal(b->err, 0);
		ibuf_add_raw(&a->b, b->buf, b->wpos);
	}
}

static inline struct ibuf
answer_data(const struct answer *a)
{
	struct ibuf b;

	ibuf_from(&b, a->b.buf, a->b.wpos);
	return b;
}

/* Begin a payload. */
static inline struct ibuf *
payload(struct fixture *f)
{
	ibuf_reset(&f->b);
	return &f->b;
}

static inline struct imsg
frame_of(struct fixture *f, uint16_t type)
{
	struct imsg m;

	assert_int_equal(f->b.err, 0);
	m.type = type;
	m.id = ++f->id;
	ibuf_from(&m.data, f->b.buf, f->b.wpos);
	return m;
}

/* Send the payload: 0, or -1 when the session must end. */
static inline int
send_frame(struct fixture *f, uint16_t type)
{
	struct imsg m = frame_of(f, type);

	answers_clear(f);
	return statedb_dispatch(f->db, &m, answer, f);
}

static inline void
send_done(struct fixture *f, uint16_t type)
{
	assert_int_equal(send_frame(f, type), 0);
	assert_true(f->n >= 1);
	assert_int_equal(f->a[f->n - 1].type, MSG_DONE);
	assert_int_equal(f->a[f->n - 1].id, f->id);
}

/* The one answer is a FAIL of this kind, and its text holds the words. */
static inline void
expect_fail(struct fixture *f, size_t i, enum fail_kind kind,
    const char *words)
{
	struct msg_fail m;
	struct ibuf b;
	char text[DB_TEXTMAX];

	assert_true(i < f->n);
	assert_int_equal(f->a[i].type, MSG_FAIL);
	b = answer_data(&f->a[i]);
	assert_int_equal(msg_get_fail(&b, &m), 0);
	snprintf(text, sizeof(text), "%.*s", (int)m.text.n, m.text.p);
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, text);
	assert_int_equal(m.kind, kind);
}

static inline void
send_fail(struct fixture *f, uint16_t type, enum fail_kind kind,
    const char *words)
{
	assert_int_equal(send_frame(f, type), 0);
	assert_int_equal(f->n, 1);
	expect_fail(f, 0, kind, words);
}

static inline void
put_open(struct fixture *f, const char *path, uint8_t flags)
{
	struct msg_open m = { bytes_of(path), flags };

	msg_put_open(payload(f), &m);
}

/* A fresh process' view of the file. */
static inline struct msg_opened
reopen(struct fixture *f)
{
	struct msg_opened o;
	struct ibuf b;

	statedb_free(f->db);
	f->db = statedb_new();
	assert_non_null(f->db);
	put_open(f, f->path, OPEN_CREATE);
	send_done(f, MSG_OPEN);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->a[0].type, MSG_OPENED);
	b = answer_data(&f->a[0]);
	assert_int_equal(msg_get_opened(&b, &o), 0);
	return o;
}

/* As another program would: open, run these statements, close. */
static inline void
other_program(struct fixture *f, const char *sql)
{
	sqlite3 *s;
	char *err = NULL;

	statedb_free(f->db);
	f->db = NULL;
	assert_int_equal(sqlite3_open(f->path, &s), SQLITE_OK);
	sqlite3_exec(s, sql, NULL, NULL, &err);
	if (err != NULL)
		fail_msg("%s: %s", sql, err);
	sqlite3_close(s);
}

static inline int
fixture_up(void **state)
{
	struct fixture *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	strlcpy(f->dir, "/tmp/interimap-db.XXXXXXXX", sizeof(f->dir));
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/test.db", f->dir);
	ibuf_init(&f->b);
	f->db = statedb_new();
	*state = f;
	return f->db == NULL ? -1 : 0;
}

static inline int
fixture_down(void **state)
{
	struct fixture *f = *state;
	char journal[160];

	statedb_free(f->db);
	answers_clear(f);
	ibuf_free(&f->b);
	snprintf(journal, sizeof(journal), "%s-journal", f->path);
	unlink(journal);
	unlink(f->path);
	rmdir(f->path);
	if (rmdir(f->dir) == -1)
		fail_msg("%s is not empty", f->dir);
	free(f);
	return 0;
}
