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
 * From version 0 of the original's tables to version 1.  The one difference is
 * that the names of mailboxes had the servers' hierarchy delimiter in them; now
 * it is NUL, so that the servers may have different ones.  Which it was, only
 * the servers know: OPEN looks at the file, MIGRATE changes it when both were
 * asked.  One transaction: there is the old file, or the new one.
 */
#include <stdio.h>

#include "killpoint.h"
#include "statedb.h"

/* What stands beside the four tables, and is not SQLite's own. */
#define FOREIGN								\
	"SELECT count(*) FROM sqlite_master WHERE NOT ("		\
	"type = 'table' AND name IN ('mailboxes', 'local', 'remote', "	\
	"'mapping') OR name GLOB 'sqlite_*')"
/* Names that are no text, hold what will be the delimiter, or are the same. */
#define ILL_NAMED							\
	"SELECT count(*) FROM mailboxes WHERE "				\
	"typeof(mailbox) NOT IN ('text', 'blob') OR "			\
	"instr(CAST(mailbox AS BLOB), X'00') > 0 OR "			\
	"(SELECT count(DISTINCT CAST(mailbox AS BLOB)) < count(*) "	\
	"FROM mailboxes)"
#define ORPHANS		"SELECT count(*) FROM pragma_foreign_key_check"

static int
orphans_check(struct statedb *db)
{
	int64_t n;

	if (db_exec_int(db, ORPHANS, &n) == -1)
		return -1;
	if (n > 0)
		return db_damaged(db, "it has rows of mailboxes that are not "
		    "in it");
	return 0;
}

int
migrate_check(struct statedb *db)
{
	int64_t n;
	int utf8;

	if (schema_columns(db) == -1 ||
	    db_exec_is(db, "PRAGMA encoding", "UTF-8", &utf8) == -1 ||
	    db_exec_int(db, FOREIGN, &n) == -1)
		return -1;
	if (!utf8)
		return db_fail(db, FAIL_DB, "%s is not a database of this "
		    "program: name another file", db->path);
	if (n > 0)
		return db_fail(db, FAIL_DB, "database %s is of version 0 and "
		    "has a table, index, view or trigger of another program: "
		    "take that out, or name another file", db->path);
	return 0;
}

int
migrate_rows(struct statedb *db)
{
	int64_t n;

	if (db_exec_int(db, ILL_NAMED, &n) == -1)
		return -1;
	if (n > 0)
		return db_damaged(db, "the name of a mailbox is ill-formed");
	return orphans_check(db);
}

/* "." or no delimiter, for a message. */
static const char *
show(const struct msg_migrate *m, enum side side, char *buf, size_t size)
{
	if (m->delim[side] == '\0')
		return "none";
	snprintf(buf, size, "\"%c\"", m->delim[side]);
	return buf;
}

static int
delimiter_check(struct statedb *db, const struct msg_migrate *m)
{
	char l[8], r[8];

	if (!m->told[LOCAL] || !m->told[REMOTE])
		return db_fail(db, FAIL_DB, "database %s is of version 0 and "
		    "was not upgraded: the %s server does not tell its "
		    "hierarchy delimiter; move the file away: messages that "
		    "are the same on both sides will be recognised",
		    db->path, side_name(m->told[LOCAL] ? REMOTE : LOCAL));
	if (m->delim[LOCAL] != m->delim[REMOTE])
		return db_fail(db, FAIL_DB, "database %s is of version 0 and "
		    "was not upgraded: the hierarchy delimiters differ "
		    "(local %s, remote %s); give both servers the same one, "
		    "or move the file away: messages that are the same on "
		    "both sides will be recognised", db->path,
		    show(m, LOCAL, l, sizeof(l)),
		    show(m, REMOTE, r, sizeof(r)));
	return 0;
}

/* The largest idx ever given, which is not to be given again. */
static int
last_idx(struct statedb *db, int64_t *last)
{
	int64_t there;

	if (db_exec_int(db, "SELECT count(*) FROM sqlite_master "
	    "WHERE name = 'sqlite_sequence'", &there) == -1)
		return -1;
	*last = 0;
	return !there ? 0 : db_exec_int(db, "SELECT max(seq) "
	    "FROM sqlite_sequence WHERE name = 'mailboxes'", last);
}

/* The table of mailboxes anew, by way of one in memory. */
static int
rebuild(struct statedb *db, unsigned int delim)
{
	char insert[256], sequence[320];
	int64_t last;

	snprintf(insert, sizeof(insert), "INSERT INTO mailboxes "
	    "SELECT idx, CAST(replace(mailbox, char(%u), char(0)) AS BLOB), "
	    "subscribed FROM temp.before", delim);
	if (last_idx(db, &last) == -1)
		return -1;
	snprintf(sequence, sizeof(sequence), "INSERT INTO sqlite_sequence "
	    "SELECT 'mailboxes', 0 WHERE NOT EXISTS (SELECT 1 "
	    "FROM sqlite_sequence WHERE name = 'mailboxes');"
	    "UPDATE sqlite_sequence SET seq = max(ifnull(seq, 0), %lld) "
	    "WHERE name = 'mailboxes'", (long long)last);
	if (db_exec(db, "CREATE TEMP TABLE before AS SELECT * FROM mailboxes;"
	    "DROP TABLE main.mailboxes") == -1)
		return -1;
	KILLPOINT("migrate-dropped");
	if (db_exec(db, schema_mailboxes) == -1 || db_exec(db, insert) == -1)
		return -1;
	return db_exec(db, sequence) == -1 ||
	    db_exec(db, "DROP TABLE temp.before") == -1 ? -1 : 0;
}

static int
migrate(struct statedb *db, const struct msg_migrate *m)
{
	if (delimiter_check(db, m) == -1)
		return -1;
	/* Or the rows that refer to the table would be looked for. */
	if (db_exec(db, "PRAGMA foreign_keys = OFF") == -1 ||
	    db_exec(db, "BEGIN EXCLUSIVE") == -1 ||
	    rebuild(db, m->delim[LOCAL]) == -1 || orphans_check(db) == -1 ||
	    db_exec(db, "PRAGMA user_version = 1") == -1 ||
	    schema_ours(db) == -1)
		return -1;
	KILLPOINT("migrate-before-commit");
	if (db_exec(db, "COMMIT") == -1)
		return -1;
	KILLPOINT("migrate-after-commit");
	return db_ready(db);
}

enum handled
handle_migrate(struct statedb *db, struct request *r)
{
	struct ibuf b = request_data(r);
	struct msg_migrate m;

	if (msg_get_migrate(&b, &m) == -1)
		return H_BAD;
	db->state = DB_FAILED;
	if (migrate(db, &m) == -1) {
		/* What was begun is rolled back. */
		db_close(db);
		return H_FAIL;
	}
	db->state = DB_READY;
	return H_DONE;
}
