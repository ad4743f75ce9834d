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
 * the test_db*.c.
 */
#include <sys/stat.h>

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
	const char *tmp = getenv("TMPDIR");
	struct fixture *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	if (tmp == NULL || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(f->dir, sizeof(f->dir), "%s/interimap-db.XXXXXXXX", tmp);
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/test.db", f->dir);
	ibuf_init(&f->b);
	f->db = statedb_new();
	*state = f;
	return f->db == NULL ? -1 : 0;
}

/* Of the file, that were made before its tables were changed. */
static inline void
unlink_copies(struct fixture *f)
{
	char copy[160];
	int v, i;

	for (v = 0; v < 2; v++)
		for (i = 1; i < 10; i++) {
			snprintf(copy, sizeof(copy), i == 1 ? "%s.v%d.bak" :
			    "%s.v%d.bak.%d", f->path, v, i);
			unlink(copy);
		}
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
	unlink_copies(f);
	unlink(f->path);
	rmdir(f->path);
	if (rmdir(f->dir) == -1)
		fail_msg("%s is not empty", f->dir);
	free(f);
	return 0;
}

/* A mailbox without a state; its idx. */
static inline uint32_t
add(struct fixture *f, const char *name)
{
	struct msg_add a = { bytes_of(name), 1 };
	struct ibuf b;

	msg_put_add(payload(f), &a);
	send_done(f, MSG_ADD);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->a[0].type, MSG_ADDED);
	b = answer_data(&f->a[0]);
	return ibuf_get_u32(&b);
}

static inline struct ibuf *
put_state(struct fixture *f, uint32_t idx, uint32_t l, uint32_t r)
{
	struct msg_stateadd s = { idx, { l, r } };

	msg_put_stateadd(payload(f), &s);
	return &f->b;
}

/* An open database with a mailbox that has a state. */
static inline uint32_t
ready(struct fixture *f)
{
	uint32_t idx;

	reopen(f);
	idx = add(f, "INBOX");
	put_state(f, idx, 100, 200);
	send_done(f, MSG_STATE);
	return idx;
}

/* MAP, UNMAP, HOLD or UNHOLD of the pairs from (l, r) on, n of them. */
static inline void
put_pairs(struct fixture *f, uint32_t idx, uint8_t side, uint32_t l,
    uint32_t r, uint32_t n)
{
	struct msg_map m = { idx, side, n };
	struct msg_pair p = { l, r, 0 };
	struct ibuf *b = payload(f);

	msg_put_map(b, &m);
	for (; n > 0; n--, p.a++, p.b++)
		msg_put_pair(b, &p);
}

static inline void
map(struct fixture *f, uint32_t idx, uint32_t l, uint32_t r, uint32_t n)
{
	put_pairs(f, idx, MAP_NOSIDE, l, r, n);
	send_done(f, MSG_MAP);
}

static inline void
put_advance(struct fixture *f, uint32_t idx, uint32_t ln, uint64_t lm,
    uint32_t rn, uint64_t rm)
{
	struct msg_advance a = { idx, { { ln, lm }, { rn, rm } } };

	msg_put_advance(payload(f), &a);
}

static inline void
put_intent(struct fixture *f, uint32_t idx, uint8_t side, uint32_t tuidnext,
    uint32_t uid, uint32_t n)
{
	struct msg_intent m = { idx, side, tuidnext, n };
	struct msg_intended i = { side, uid, tuidnext, 4096 + uid,
	    { 1000000000, -90, 1 } };
	struct ibuf *b = payload(f);

	msg_put_intent(b, &m);
	for (; n > 0; n--, i.uid++)
		msg_put_intended(b, &i);
}

static inline void
put_skip(struct fixture *f, uint32_t idx, uint8_t side, uint32_t uid)
{
	struct msg_skip s = { idx, side, uid, 0, 3, 0, bytes_of("too large") };

	msg_put_skip(payload(f), &s);
}

/* What LOOKUP of one range brings. */
struct found {
	struct msg_pair	 pair[64];	/* the first ones */
	size_t		 n;
	size_t		 frames;
	struct uidset	 skipped;
};

static inline void
add_pairs(struct found *l, const struct answer *a)
{
	struct ibuf b = answer_data(a);
	struct msg_pair p;
	uint32_t i, n = ibuf_get_u32(&b);

	assert_true(n > 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(msg_get_pair(&b, &p), 0);
		if (l->n < 64)
			l->pair[l->n] = p;
		l->n++;
	}
	assert_int_equal(ibuf_done(&b), 0);
}

static inline void
lookup_set(struct fixture *f, uint32_t idx, uint8_t side, struct uidset *set,
    struct found *l)
{
	struct msg_lookup m = { idx, side, *set };
	struct ibuf b;
	size_t i;

	memset(l, 0, sizeof(*l));
	uidset_init(&l->skipped);
	msg_put_lookup(payload(f), &m);
	send_done(f, MSG_LOOKUP);
	for (i = 0; i + 1 < f->n; i++) {
		if (f->a[i].type == MSG_PAIRS) {
			add_pairs(l, &f->a[i]);
			l->frames++;
			continue;
		}
		assert_int_equal(f->a[i].type, MSG_SKIPPED);
		b = answer_data(&f->a[i]);
		assert_int_equal(msg_get_set(&b, &l->skipped), 0);
	}
}

static inline void
lookup(struct fixture *f, uint32_t idx, uint8_t side, uint32_t lo, uint32_t hi,
    struct found *l)
{
	struct uidset set = UIDSET_INIT;

	assert_int_equal(uidset_add_range(&set, lo, hi), 0);
	lookup_set(f, idx, side, &set, l);
	uidset_free(&set);
}

/* Whole content of a file, NULL when it is not there; caller frees. */
static inline char *
slurp(const char *path, size_t *n)
{
	struct stat sb;
	char *p;
	int fd;

	*n = 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	assert_int_equal(fstat(fd, &sb), 0);
	*n = (size_t)sb.st_size;
	assert_non_null(p = malloc(*n + 1));
	assert_int_equal(read(fd, p, *n), sb.st_size);
	close(fd);
	return p;
}

/* Rows mapped from lo to hi on the local side. */
static inline size_t
mapped(struct fixture *f, uint32_t idx, uint32_t lo, uint32_t hi)
{
	struct found l;

	lookup(f, idx, LOCAL, lo, hi, &l);
	uidset_free(&l.skipped);
	return l.n;
}

static inline struct msg_counted
counted(struct fixture *f, uint32_t idx)
{
	struct msg_counted c;
	struct ibuf b;

	ibuf_add_u32(payload(f), idx);
	send_done(f, MSG_COUNT);
	b = answer_data(&f->a[0]);
	assert_int_equal(msg_get_counted(&b, &c), 0);
	return c;
}

/* Open intents of a mailbox; the first in *first. */
static inline size_t
intents(struct fixture *f, uint32_t idx, struct msg_intended *first)
{
	struct msg_intended item;
	struct ibuf b;
	uint32_t n;
	size_t i, all = 0;

	ibuf_add_u32(payload(f), idx);
	send_done(f, MSG_INTENTS);
	for (i = 0; i + 1 < f->n; i++) {
		assert_int_equal(f->a[i].type, MSG_INTENDED);
		b = answer_data(&f->a[i]);
		for (n = ibuf_get_u32(&b); n > 0; n--) {
			assert_int_equal(msg_get_intended(&b, &item), 0);
			if (all++ == 0 && first != NULL)
				*first = item;
		}
		assert_int_equal(ibuf_done(&b), 0);
	}
	return all;
}

/* The i-th mailbox of MAILBOXES; its name is a view. */
static inline struct msg_dbmailbox
mailbox(struct fixture *f, size_t i, size_t of)
{
	struct msg_dbmailbox m;
	struct ibuf b;

	payload(f);
	send_done(f, MSG_MAILBOXES);
	assert_int_equal(f->n, of + 1);
	assert_int_equal(f->a[i].type, MSG_DBMAILBOX);
	b = answer_data(&f->a[i]);
	assert_int_equal(msg_get_dbmailbox(&b, &m), 0);
	return m;
}
