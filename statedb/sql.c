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
 * The text of every statement that is run more than once a session.  They are
 * all prepared when the file is opened, so that a table or column which is not
 * there is found then.  Parameters are numbered; ?1 is the mailbox's idx where
 * there is one.  Side 0 is local, 1 is remote.
 */
#include "statedb.h"

/* Both sides of a mailbox's state, in the order of the table stamps. */
#define STATE_OF	"l.UIDVALIDITY, l.UIDNEXT, l.HIGHESTMODSEQ, "	\
			"r.UIDVALIDITY, r.UIDNEXT, r.HIGHESTMODSEQ"
#define STAMP_COLUMNS	"lUIDVALIDITY, lUIDNEXT, lMODSEQ, "		\
			"rUIDVALIDITY, rUIDNEXT, rMODSEQ"
#define LOOKUP								\
	"SELECT m.lUID, m.rUID, h.side FROM mapping m "			\
	"LEFT JOIN held h "						\
	"ON h.idx = m.idx AND h.lUID = m.lUID AND h.rUID = m.rUID "

/* Its UID may be above UIDNEXT, where that went back. */
#define NOT_HELD							\
	"NOT EXISTS (SELECT 1 FROM held h WHERE h.idx = p.idx AND "	\
	"h.lUID = p.lUID AND h.rUID = p.rUID)"

const char *const sql_text[S_MAX] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_ROLLBACK] = "ROLLBACK",
	[S_SAVE] = "SAVEPOINT request",
	[S_RELEASE] = "RELEASE request",
	[S_UNDO] = "ROLLBACK TO request",

	[S_SET_UNCLEAN] = "UPDATE run SET unclean = ?1 WHERE unclean <> ?1",
	/* Another value than before, or SQLite would write nothing. */
	[S_PROBE] = "UPDATE run SET unclean = NOT unclean",

	[S_MAILBOXES] =
	    "SELECT m.idx, m.mailbox, m.subscribed, " STATE_OF ", "
	    "EXISTS (SELECT 1 FROM mapping p "
	    "WHERE p.idx = m.idx AND p.lUID >= l.UIDNEXT AND " NOT_HELD ") OR "
	    "EXISTS (SELECT 1 FROM mapping p "
	    "WHERE p.idx = m.idx AND p.rUID >= r.UIDNEXT AND " NOT_HELD "), "
	    "(SELECT count(*) FROM intents i WHERE i.idx = m.idx), "
	    "(SELECT count(*) FROM held h WHERE h.idx = m.idx) "
	    "FROM mailboxes m LEFT JOIN local l ON l.idx = m.idx "
	    "LEFT JOIN remote r ON r.idx = m.idx ORDER BY m.idx",
	[S_ADD] = "INSERT INTO mailboxes (mailbox, subscribed) "
	    "VALUES (?2, ?1)",
	[S_SETSUB] = "UPDATE mailboxes SET subscribed = ?2 WHERE idx = ?1",

	[S_UIDVALIDITY_L] = "SELECT UIDVALIDITY FROM local WHERE idx = ?1",
	[S_UIDVALIDITY_R] = "SELECT UIDVALIDITY FROM remote WHERE idx = ?1",
	[S_STATE_L] = "INSERT INTO local VALUES (?1, ?2, 0, 0)",
	[S_STATE_R] = "INSERT INTO remote VALUES (?1, ?2, 0, 0)",
	[S_ADVANCE_L] = "UPDATE local SET UIDNEXT = ?2, HIGHESTMODSEQ = ?3 "
	    "WHERE idx = ?1",
	[S_ADVANCE_R] = "UPDATE remote SET UIDNEXT = ?2, HIGHESTMODSEQ = ?3 "
	    "WHERE idx = ?1",

	[S_COUNT_ROWS] = "SELECT count(*) FROM mapping WHERE idx = ?1",
	[S_COUNT_HELD] =
	    "SELECT count(*) FROM held WHERE idx = ?1 AND side = ?2",
	[S_COUNT_SKIPPED] =
	    "SELECT count(*) FROM skipped WHERE idx = ?1 AND side = ?2",

	[S_LOOKUP_L] = LOOKUP
	    "WHERE m.idx = ?1 AND m.lUID BETWEEN ?2 AND ?3 ORDER BY m.lUID",
	[S_LOOKUP_R] = LOOKUP
	    "WHERE m.idx = ?1 AND m.rUID BETWEEN ?2 AND ?3 ORDER BY m.rUID",
	[S_LOOKUP_SKIPPED] = "SELECT uid FROM skipped "
	    "WHERE idx = ?1 AND side = ?2 AND uid BETWEEN ?3 AND ?4 "
	    "ORDER BY uid",

	[S_MAPPED] = "SELECT lUID, rUID FROM mapping "
	    "WHERE idx = ?1 AND (lUID = ?2 OR rUID = ?3)",
	/* Where it is not taken, pair_mapped() tells why. */
	[S_MAP] = "INSERT INTO mapping (idx, lUID, rUID) VALUES (?1, ?2, ?3) "
	    "ON CONFLICT DO NOTHING",
	[S_UNMAP] = "DELETE FROM mapping "
	    "WHERE idx = ?1 AND lUID = ?2 AND rUID = ?3",

	[S_STAMP] = "INSERT INTO stamps (idx, " STAMP_COLUMNS ") "
	    "SELECT l.idx, " STATE_OF " FROM local l "
	    "JOIN remote r ON r.idx = l.idx WHERE l.idx = ?1 "
	    "ON CONFLICT (idx) DO NOTHING",
	[S_RESTAMP] = "UPDATE stamps SET (" STAMP_COLUMNS ") = "
	    "(SELECT " STATE_OF " FROM local l "
	    "JOIN remote r ON r.idx = l.idx WHERE l.idx = ?1) "
	    "WHERE idx = ?1",

	/* An attempt made before this one may have left a copy: keep its
	 * UIDNEXT, from which on the copy is looked for. */
	[S_INTENT] = "INSERT INTO intents "
	    "(idx, side, uid, tuidnext, size, date, zone, dated) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
	    "ON CONFLICT (idx, side, uid) DO UPDATE SET "
	    "tuidnext = min(tuidnext, excluded.tuidnext), "
	    "size = excluded.size, date = excluded.date, "
	    "zone = excluded.zone, dated = excluded.dated",
	[S_INTENTS] = "SELECT side, uid, tuidnext, size, date, zone, dated "
	    "FROM intents WHERE idx = ?1 ORDER BY side, uid",
	[S_UNINTENT] = "DELETE FROM intents "
	    "WHERE idx = ?1 AND side = ?2 AND uid BETWEEN ?3 AND ?4",

	[S_SKIP] = "INSERT INTO skipped (idx, side, uid, why, text) "
	    "VALUES (?1, ?2, ?3, ?4, ?5) "
	    "ON CONFLICT (idx, side, uid) DO UPDATE SET "
	    "why = excluded.why, text = excluded.text",
	[S_UNSKIP] = "DELETE FROM skipped "
	    "WHERE idx = ?1 AND side = ?2 AND uid = ?3",
	/* ?4: now, ?5: the first pause, ?6: the longest. */
	[S_TRY] = "INSERT INTO tries (idx, side, uid, tries, next) "
	    "VALUES (?1, ?2, ?3, 1, ?4 + ?5) "
	    "ON CONFLICT (idx, side, uid) DO UPDATE SET tries = tries + 1, "
	    "next = ?4 + min(?5 << min(tries, 30), ?6)",
	[S_UNSKIP_MAPPED] = "DELETE FROM skipped WHERE idx = ?1 AND "
	    "EXISTS (SELECT 1 FROM mapping m WHERE m.idx = ?1 AND "
	    "(skipped.side = 0 AND m.lUID = skipped.uid OR "
	    "skipped.side = 1 AND m.rUID = skipped.uid))",
	[S_REFUSALS] = "SELECT s.idx, s.side, s.uid, s.why, "
	    "coalesce(t.tries, 1), coalesce(t.next, 0), s.text "
	    "FROM skipped s LEFT JOIN tries t ON t.idx = s.idx AND "
	    "t.side = s.side AND t.uid = s.uid WHERE s.why IN (?1, ?2) "
	    "ORDER BY s.idx, s.side, s.why, s.text, 5, 6, s.uid",
	[S_KEYWORD] = "INSERT OR IGNORE INTO keywords (idx, side, keyword) "
	    "VALUES (?1, ?2, ?3)",
	[S_UNKEYWORD] = "DELETE FROM keywords WHERE idx = ?1 AND side = ?2",
	[S_KEYWORDS] = "SELECT idx, side, keyword FROM keywords",
	[S_MEMORY] = "SELECT side, key, caps, listed FROM remembered",
	[S_REMEMBER] = "INSERT OR REPLACE INTO remembered "
	    "(side, key, caps, listed) VALUES (?1, ?2, ?3, ?4)",
	[S_HOLD] = "INSERT INTO held (idx, lUID, rUID, side) "
	    "VALUES (?1, ?2, ?3, ?4) "
	    "ON CONFLICT (idx, lUID) DO UPDATE SET "
	    "rUID = excluded.rUID, side = excluded.side",
	[S_UNHOLD] = "DELETE FROM held "
	    "WHERE idx = ?1 AND lUID = ?2 AND rUID = ?3",

	/* Ours go with each of the last two, by ON DELETE CASCADE. */
	[S_FORGET_MAPPING] = "DELETE FROM mapping WHERE idx = ?1",
	[S_FORGET_L] = "DELETE FROM local WHERE idx = ?1",
	[S_FORGET_R] = "DELETE FROM remote WHERE idx = ?1",
	[S_FORGET_OURS] = "DELETE FROM stamps WHERE idx = ?1",
	[S_FORGET] = "DELETE FROM mailboxes WHERE idx = ?1",

	/* ?1 is the old name, ?2 the new one, ?3 the octets of the old. */
	[S_MOVE] = "UPDATE mailboxes SET mailbox = ?2 WHERE mailbox = ?1",
	[S_MOVE_DEEP] = "UPDATE mailboxes "
	    "SET mailbox = CAST(?2 || substr(mailbox, ?3 + 1) AS BLOB) "
	    "WHERE mailbox = ?1 OR (substr(mailbox, 1, ?3) = ?1 AND "
	    "substr(mailbox, ?3 + 1, 1) = X'00')"
};
