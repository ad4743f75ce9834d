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
 * The tables, their version, and the rows of ours that have become old since
 * another program changed the original's.  Called by open.c only, after the
 * file was locked.
 */
#include <stddef.h>

#include "statedb.h"

/*
 * The original's tables, which it must be able to use: nothing is added to
 * them, not even an index.
 */
const char schema_mailboxes[] =
    "CREATE TABLE mailboxes ("
    "	idx INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,"
    "	mailbox BLOB COLLATE BINARY NOT NULL CHECK (mailbox != '') UNIQUE,"
    "	subscribed BOOLEAN NOT NULL"
    ");";
static const char others[] =
    "CREATE TABLE local ("
    "	idx INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes (idx),"
    "	UIDVALIDITY UNSIGNED INT NOT NULL CHECK (UIDVALIDITY > 0),"
    "	UIDNEXT UNSIGNED INT NOT NULL,"
    "	HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL"
    ");"
    "CREATE TABLE remote ("
    "	idx INTEGER NOT NULL PRIMARY KEY REFERENCES mailboxes (idx),"
    "	UIDVALIDITY UNSIGNED INT NOT NULL CHECK (UIDVALIDITY > 0),"
    "	UIDNEXT UNSIGNED INT NOT NULL,"
    "	HIGHESTMODSEQ UNSIGNED BIGINT NOT NULL"
    ");"
    "CREATE TABLE mapping ("
    "	idx INTEGER NOT NULL REFERENCES mailboxes (idx),"
    "	lUID UNSIGNED INT NOT NULL CHECK (lUID > 0),"
    "	rUID UNSIGNED INT NOT NULL CHECK (rUID > 0),"
    "	PRIMARY KEY (idx, lUID),"
    "	UNIQUE (idx, rUID)"
    ");"
    "PRAGMA user_version = 1;";

/*
 * Ours.  stamps holds the state of a mailbox as our last change left it: where
 * it differs from local and remote, another program has been at work.  The
 * others hang on it, so that they go with the mailbox.
 */
#define OURS	8			/* tables */
static const char ours[] =
    "CREATE TABLE IF NOT EXISTS stamps ("
    "	idx INTEGER NOT NULL PRIMARY KEY"
    "	    REFERENCES mailboxes (idx) ON DELETE CASCADE,"
    "	lUIDVALIDITY INTEGER NOT NULL,"
    "	lUIDNEXT INTEGER NOT NULL,"
    "	lMODSEQ INTEGER NOT NULL,"
    "	rUIDVALIDITY INTEGER NOT NULL,"
    "	rUIDNEXT INTEGER NOT NULL,"
    "	rMODSEQ INTEGER NOT NULL"
    ");"
    "CREATE TABLE IF NOT EXISTS intents ("
    "	idx INTEGER NOT NULL REFERENCES stamps (idx) ON DELETE CASCADE,"
    "	side INTEGER NOT NULL CHECK (side IN (0, 1)),"
    "	uid INTEGER NOT NULL CHECK (uid > 0),"
    "	tuidnext INTEGER NOT NULL,"
    "	size INTEGER NOT NULL,"
    "	date INTEGER NOT NULL,"
    "	zone INTEGER NOT NULL,"
    "	dated INTEGER NOT NULL CHECK (dated IN (0, 1)),"
    "	PRIMARY KEY (idx, side, uid)"
    ") WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS skipped ("
    "	idx INTEGER NOT NULL REFERENCES stamps (idx) ON DELETE CASCADE,"
    "	side INTEGER NOT NULL CHECK (side IN (0, 1)),"
    "	uid INTEGER NOT NULL CHECK (uid > 0),"
    "	why INTEGER NOT NULL,"
    "	text BLOB NOT NULL,"
    "	PRIMARY KEY (idx, side, uid)"
    ") WITHOUT ROWID;"
    /* Of what is skipped, but may be taken another time. */
    "CREATE TABLE IF NOT EXISTS tries ("
    "	idx INTEGER NOT NULL,"
    "	side INTEGER NOT NULL,"
    "	uid INTEGER NOT NULL,"
    "	tries INTEGER NOT NULL CHECK (tries > 0),"
    "	next INTEGER NOT NULL,"		/* in seconds since the epoch */
    "	PRIMARY KEY (idx, side, uid),"
    "	FOREIGN KEY (idx, side, uid) REFERENCES skipped (idx, side, uid)"
    "	    ON DELETE CASCADE"
    ") WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS keywords ("	/* that a side refused */
    "	idx INTEGER NOT NULL REFERENCES stamps (idx) ON DELETE CASCADE,"
    "	side INTEGER NOT NULL CHECK (side IN (0, 1)),"
    "	keyword BLOB NOT NULL,"
    "	PRIMARY KEY (idx, side, keyword)"
    ") WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS held ("
    "	idx INTEGER NOT NULL REFERENCES stamps (idx) ON DELETE CASCADE,"
    "	lUID INTEGER NOT NULL CHECK (lUID > 0),"
    "	rUID INTEGER NOT NULL CHECK (rUID > 0),"
    "	side INTEGER NOT NULL CHECK (side IN (0, 1)),"
    "	PRIMARY KEY (idx, lUID)"
    ") WITHOUT ROWID;"
    /* Hangs on no mailbox: what the server of a side could do. */
    "CREATE TABLE IF NOT EXISTS remembered ("
    "	side INTEGER NOT NULL PRIMARY KEY CHECK (side IN (0, 1)),"
    "	key INTEGER NOT NULL,"
    "	caps INTEGER NOT NULL,"
    "	listed INTEGER NOT NULL"
    ");"
    "CREATE TABLE IF NOT EXISTS run ("
    "	id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),"
    "	unclean INTEGER NOT NULL CHECK (unclean IN (0, 1))"
    ");"
    "INSERT OR IGNORE INTO run (id, unclean) VALUES (1, 0);";

int
schema_columns(struct statedb *db)
{
	static const char all[] = "SELECT m.idx, m.mailbox, m.subscribed, "
	    "l.UIDVALIDITY, l.UIDNEXT, l.HIGHESTMODSEQ, "
	    "r.UIDVALIDITY, r.UIDNEXT, r.HIGHESTMODSEQ, p.lUID, p.rUID "
	    "FROM mailboxes m, local l, remote r, mapping p "
	    "WHERE l.idx = m.idx AND r.idx = m.idx AND p.idx = m.idx LIMIT 0";
	int64_t none;

	if (db_exec_int(db, all, &none) == 0)
		return 0;
	if (!db_no_such(db))
		return -1;
	return db_fail(db, FAIL_DB, "%s is not a database of this program: "
	    "name another file", db->path);
}

/* 1: our tables and the one row of run are there; 0; -1. */
static int
have_ours(struct statedb *db)
{
	int64_t tables, rows;

	if (db_exec_int(db, "SELECT count(*) FROM sqlite_master "
	    "WHERE type = 'table' AND name IN "
	    "('stamps', 'intents', 'skipped', 'tries', 'keywords', 'held', "
	    "'remembered', 'run')", &tables) == -1)
		return -1;
	if (tables < OURS)
		return 0;
	if (db_exec_int(db, "SELECT count(*) FROM run", &rows) == -1)
		return -1;
	return rows == 1;
}

int
schema_check(struct statedb *db, enum schema *found)
{
	int64_t version, tables;
	int ours_there;

	if (db_exec_int(db, "PRAGMA user_version", &version) == -1 ||
	    db_exec_int(db, "SELECT count(*) FROM sqlite_master", &tables) ==
	    -1)
		return -1;
	if (version == 0 && tables == 0) {
		*found = SCHEMA_NONE;
		return 0;
	}
	if (version == 0) {
		*found = SCHEMA_OLD;
		return migrate_check(db);
	}
	if (version != DB_VERSION)
		return db_fail(db, FAIL_DB, "database %s is of version %lld, "
		    "this program knows version %d: use the program that "
		    "wrote it, or name another file", db->path,
		    (long long)version, DB_VERSION);
	if (schema_columns(db) == -1 || (ours_there = have_ours(db)) == -1)
		return -1;
	*found = ours_there ? SCHEMA_WHOLE : SCHEMA_ORIGINAL;
	return 0;
}

int
schema_ours(struct statedb *db)
{
	return db_exec(db, ours);
}

int
schema_create(struct statedb *db, enum schema found)
{
	if (found == SCHEMA_WHOLE)
		return 0;
	if (db_exec(db, "BEGIN EXCLUSIVE") == -1 ||
	    (found == SCHEMA_NONE && (db_exec(db, schema_mailboxes) == -1 ||
	    db_exec(db, others) == -1)) || schema_ours(db) == -1)
		return -1;
	return db_exec(db, "COMMIT");
}

#define STATE_IS							\
	"FROM local l JOIN remote r ON r.idx = l.idx "			\
	"WHERE l.idx = stamps.idx AND l.UIDVALIDITY = lUIDVALIDITY "	\
	"AND r.UIDVALIDITY = rUIDVALIDITY "
#define OLD								\
	"SELECT idx FROM stamps WHERE NOT EXISTS (SELECT 1 " STATE_IS	\
	"AND l.UIDNEXT = lUIDNEXT AND r.UIDNEXT = rUIDNEXT "		\
	"AND l.HIGHESTMODSEQ = lMODSEQ AND r.HIGHESTMODSEQ = rMODSEQ)"
/* Whether the message a row of table t tells of was mapped meanwhile. */
#define IS_MAPPED(t)							\
	"EXISTS (SELECT 1 FROM mapping m WHERE m.idx = " t ".idx AND "	\
	"(" t ".side = 0 AND m.lUID = " t ".uid OR "			\
	t ".side = 1 AND m.rUID = " t ".uid))"

static const char *const reap[] = {
	/* Another UIDVALIDITY, or none: the UIDs name other messages now. */
	"DELETE FROM stamps WHERE idx NOT IN (SELECT idx FROM mailboxes) "
	"OR NOT EXISTS (SELECT 1 " STATE_IS ")",
	/* A mailbox deleted without foreign keys leaves these behind. */
	"DELETE FROM intents WHERE idx NOT IN (SELECT idx FROM stamps)",
	"DELETE FROM skipped WHERE idx NOT IN (SELECT idx FROM stamps)",
	"DELETE FROM tries WHERE NOT EXISTS (SELECT 1 FROM skipped s WHERE "
	"s.idx = tries.idx AND s.side = tries.side AND s.uid = tries.uid)",
	"DELETE FROM keywords WHERE idx NOT IN (SELECT idx FROM stamps)",
	"DELETE FROM held WHERE idx NOT IN (SELECT idx FROM stamps)",
	"DELETE FROM intents WHERE " IS_MAPPED("intents"),
	"DELETE FROM skipped WHERE idx IN (" OLD ") AND "
	IS_MAPPED("skipped"),
	"DELETE FROM held WHERE idx IN (" OLD ") AND NOT EXISTS ("
	"SELECT 1 FROM mapping m WHERE m.idx = held.idx "
	"AND m.lUID = held.lUID AND m.rUID = held.rUID)",
	"UPDATE stamps SET (lUIDNEXT, lMODSEQ, rUIDNEXT, rMODSEQ) = ("
	"SELECT l.UIDNEXT, l.HIGHESTMODSEQ, r.UIDNEXT, r.HIGHESTMODSEQ "
	STATE_IS ") WHERE idx IN (" OLD ")"
};

int
schema_reap(struct statedb *db)
{
	size_t i;

	if (db_begin(db) == -1)
		return -1;
	for (i = 0; i < sizeof(reap) / sizeof(reap[0]); i++)
		if (db_exec(db, reap[i]) == -1)
			return -1;
	return db_commit(db);
}
