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
 * The whole protocol between our processes, in one list.
 *
 * Requests go from the parent to a child, carry an id that is not 0, and may
 * be many under way; each is answered by zero or more events with the same id
 * and exactly one DONE or FAIL.  A FAIL with id 0 says that the connection (or
 * the database) is gone: nothing else will be answered, and the child exits.
 * A child executes requests in the order received, except that a COPY_OUT may
 * overtake (see imapchild/).  The mailbox AND its UIDVALIDITY are part of
 * every request that touches messages.
 *
 * X(NAME, direction, smallest payload, largest payload)
 *   directions: PI parent to imapchild, IP back, PS parent to statedb, SP
 *   back, PC parent to either, CP either to parent.
 */
#ifndef MSG_H
#define MSG_H

#include <stdint.h>

#include "flags.h"
#include "imsg.h"
#include "uidset.h"

#define MSG_VERSION	1

#define MSG_LIST(X)							\
	/* both kinds of children */					\
	X(READY,	CP, 20, 64)					\
	X(DONE,		CP, 0, 0)					\
	X(FAIL,		CP, 9, 4096)					\
	X(LOG,		CP, 9, 16384)					\
	/* an IMAP server */						\
	X(CONFIG,	PI, 104, 65536)					\
	X(CONNECT,	PI, 0, 0)					\
	X(LIST,		PI, 13, 65536)					\
	X(CREATE,	PI, 5, 4096)					\
	X(DELETE,	PI, 5, 4096)					\
	X(RENAME,	PI, 10, 8192)					\
	X(SUBSCRIBE,	PI, 5, 4096)					\
	X(UNSUBSCRIBE,	PI, 5, 4096)					\
	X(PULL,		PI, 22, 4096)					\
	X(GETFLAGS,	PI, 13, 65536)					\
	X(GETMETA,	PI, 14, 65536)					\
	X(SEARCH,	PI, 13, 65536)					\
	X(IDENTIFY,	PI, 14, 65536)					\
	X(STORE,	PI, 27, 65536)					\
	X(EXPUNGE,	PI, 13, 65536)					\
	X(COPY_IN,	PI, 17, 65536)					\
	X(COPY_OUT,	PI, 17, 65536)					\
	X(NOOP,		PI, 0, 0)					\
	X(NOTIFY,	PI, 5, 65536)					\
	X(UNSELECT,	PI, 0, 0)					\
	X(LOGOUT,	PI, 0, 0)					\
	X(MAILBOX,	IP, 28, 4096)					\
	X(SELECTED,	IP, 26, 65536)					\
	X(VANISHED,	IP, 4, 65536)					\
	X(CHANGED,	IP, 4, 65536)					\
	X(UIDS,		IP, 4, 65536)					\
	X(MESSAGE,	IP, 4, 65536)					\
	X(STORED,	IP, 4, 65536)					\
	X(APPENDED,	IP, 8, 65536)					\
	X(LEFTOUT,	IP, 5, 64)					\
	X(DOUBT,	IP, 0, 0)					\
	/* the database */						\
	X(OPEN,		PS, 6, 8192)					\
	X(MIGRATE,	PS, 4, 4)					\
	X(MAILBOXES,	PS, 0, 0)					\
	X(ADD,		PS, 6, 4096)					\
	X(SETSUB,	PS, 5, 5)					\
	X(STATE,	PS, 12, 12)					\
	X(COUNT,	PS, 4, 4)					\
	X(LOOKUP,	PS, 9, 65536)					\
	X(MAP,		PS, 9, 65536)					\
	X(UNMAP,	PS, 9, 65536)					\
	X(INTENT,	PS, 13, 65536)					\
	X(INTENTS,	PS, 4, 4)					\
	X(UNINTENT,	PS, 9, 65536)					\
	X(SKIP,		PS, 22, 4096)					\
	X(REFUSALS,	PS, 0, 0)					\
	X(KEYWORD,	PS, 9, 4096)					\
	X(HOLD,		PS, 9, 65536)					\
	X(UNHOLD,	PS, 9, 65536)					\
	X(ADVANCE,	PS, 28, 28)					\
	X(RESET,	PS, 4, 4)					\
	X(FORGET,	PS, 4, 4)					\
	X(MOVE,		PS, 11, 8192)					\
	X(BEGIN,	PS, 0, 0)					\
	X(CLEAN,	PS, 0, 0)					\
	X(REMEMBER,	PS, 21, 21)					\
	X(OPENED,	SP, 7, 8192)					\
	X(REMEMBERED,	SP, 21, 21)					\
	X(DBMAILBOX,	SP, 52, 4096)					\
	X(ADDED,	SP, 4, 4)					\
	X(COUNTED,	SP, 20, 20)					\
	X(PAIRS,	SP, 4, 65536)					\
	X(SKIPPED,	SP, 4, 65536)					\
	X(REFUSED,	SP, 22, 65536)					\
	X(NOKEYWORD,	SP, 10, 4096)					\
	X(INTENDED,	SP, 4, 65536)

enum msg_type {
	MSG_NONE = 0,
#define X(name, dir, min, max)	MSG_##name,
	MSG_LIST(X)
#undef X
	MSG_COUNT_TYPES
};

enum msg_dir { MSG_PI, MSG_IP, MSG_PS, MSG_SP, MSG_PC, MSG_CP };

const char	*msg_name(uint16_t);	/* "PULL"; "?" when out of range */
/* 0 when a frame of this type and payload may travel this way, else -1. */
int		 msg_check(uint16_t, enum msg_dir, size_t);

enum side { LOCAL = 0, REMOTE = 1 };
#define OTHER(s)	((s) == LOCAL ? REMOTE : LOCAL)
const char	*side_name(enum side);	/* "local", "remote" */

#define MAILBOX_NAMEMAX	1000		/* octets of a mailbox name */
/* Octets of bodies an imapchild holds although its partner takes none. */
#define BODY_CREDIT	(8 * 1024 * 1024)

/* Why a request (id > 0) or everything (id 0) failed. */
enum fail_kind {
	FAIL_INTERNAL = 1,	/* a defect, or a child that misbehaves */
	FAIL_CONFIG,		/* the configuration cannot be honoured */
	FAIL_NET,		/* unreachable, timeout, EOF, BYE: retry */
	FAIL_TLS,		/* certificate or handshake refused */
	FAIL_AUTH,		/* credentials refused, no mechanism */
	FAIL_CAPABILITY,	/* the server lacks what we need */
	FAIL_PROTOCOL,		/* the server broke the protocol or a cap */
	FAIL_NO,		/* tagged NO; code holds the response code */
	FAIL_BAD,		/* tagged BAD */
	FAIL_NOMAILBOX,		/* SELECT was refused */
	FAIL_UIDVALIDITY,	/* another UIDVALIDITY than the request's */
	FAIL_NOMODSEQ,		/* the mailbox has no mod-sequences */
	FAIL_ABORTED,		/* the other end of a transfer gave up */
	FAIL_LOCKED,		/* database: another instance holds it */
	FAIL_DB,		/* database: any other error */
	FAIL_MAX
};

struct msg_ready { uint32_t version; uint64_t caps;
	uint64_t appendlimit; };	/* RFC 7889, for all mailboxes; 0: none */
/*
 * caps bits of READY.  The database keeps them for the next run: a number never
 * gets another meaning.
 */
#define CAP_QRESYNC	0x0001
#define CAP_UIDPLUS	0x0002
#define CAP_LITERALPLUS	0x0004
#define CAP_LITERALMINUS 0x0008
#define CAP_MULTIAPPEND	0x0010
#define CAP_UNSELECT	0x0020
#define CAP_BINARY	0x0040
#define CAP_ESEARCH	0x0080
#define CAP_SASL_IR	0x0100
#define CAP_LISTEXT	0x0200
#define CAP_LISTSTATUS	0x0400
#define CAP_ENABLE	0x0800
#define CAP_IMAP4REV1	0x1000
#define CAP_NOTIFY	0x2000
#define CAP_COMPRESS	0x4000
#define CAP_LOGINDISABLED 0x8000
#define CAP_STARTTLS	0x10000
#define CAP_OBJECTID	0x20000
#define CAP_TOLD	0x40000	/* the login's OK told them, unasked */
#define CAP_STEPWISE	0x80000	/* nothing goes behind a login (DOUBT) */
#define CAP_ALL		0xfffff

struct msg_fail { uint8_t kind; struct bytes code, text; };
struct msg_log { uint8_t level; struct bytes text;
	struct bytes mailbox; };	/* that it is about; empty: none */

enum conn_type { CONN_IMAP, CONN_IMAPS, CONN_TUNNEL };
/* Who resolves the host: we do; or the proxy. */
enum proxy_type { PROXY_NONE, PROXY_SOCKS5, PROXY_SOCKS5H };
struct msg_config {
	uint8_t side, type, starttls, verify, debug, compress, proxy;
	uint32_t timeout;		/* seconds a read may wait */
	uint32_t patience;		/* seconds the other side may take */
	uint64_t remembered;		/* CAP_* of the last run; 0: none */
	uint32_t listed;		/* the mailboxes it saw, or 0 */
	/* texts; empty: not set.  sni is used only when has_sni is 1 */
	struct bytes host, port, username, password, auth, cafile, capath,
	    sni, proto_min, proto_max, ciphers, fingerprints, cert, key,
	    protocols, proxyhost, proxyport, proxyuser, proxypass;
	uint8_t has_sni;
};

struct msg_list {			/* LIST (opts) ref patterns RETURN .. */
	struct bytes ref, opts;		/* opts: "SUBSCRIBED" or empty */
	uint8_t status;			/* RETURN (SUBSCRIBED STATUS (...)) */
	uint32_t npatterns;		/* then the patterns, one by one: */
};					/* msg_put_pattern/msg_get_pattern */

/*
 * NOTIFY (RFC 5465): from its DONE on, until NOTIFY_NONE, what the server tells
 * by itself comes as MAILBOX of id 0: has 0, it is as after LIST; else STATUS
 * told this much; with an empty name, it may not have told all, and will tell
 * nothing more until the next NOTIFY.
 */
enum notify_mode {
	NOTIFY_NONE,			/* nothing more */
	NOTIFY_NAMES,			/* of these mailboxes, and new names */
	NOTIFY_PERSONAL			/* of all mailboxes of the user */
};
struct msg_notify { uint8_t mode; uint32_t n; };	/* then n patterns */

struct msg_name { struct bytes name; };	/* CREATE DELETE [UN]SUBSCRIBE */
struct msg_rename { struct bytes from, to; };

#define ATTR_NOSELECT		0x01
#define ATTR_NONEXISTENT	0x02
#define ATTR_NOINFERIORS	0x04
#define ATTR_SUBSCRIBED		0x08
#define ATTR_HASCHILDREN	0x10
#define ATTR_HASNOCHILDREN	0x20
#define ATTR_REMOTE		0x40
#define ATTR_ALL		0x7f
struct msg_mailbox {
	struct bytes name;		/* empty: LIST "" "", the delimiter */
	uint8_t delim;			/* 0: NIL, flat */
	uint16_t attrs;
	uint8_t has;			/* which of these STATUS brought */
#define STATUS_UIDVALIDITY	0x01
#define STATUS_UIDNEXT		0x02
#define STATUS_MODSEQ		0x04
#define STATUS_MESSAGES		0x08
#define STATUS_ALL		0x0f
	uint32_t uidvalidity, uidnext, messages;
	uint64_t modseq;
};

/*
 * PULL: (re)SELECT.  modseq > 0: with (QRESYNC (uidvalidity modseq
 * 1:4294967295)); 0: plainly.  Answer: SELECTED first, then VANISHED and
 * CHANGED as told by QRESYNC, then by want:
 *   PULL_UIDS  UID SEARCH of newfrom:4294967295     -> UIDS
 *   PULL_META  UID FETCH of newfrom:4294967295      -> MESSAGE
 *   PULL_IDENTITY with PULL_META: the header digest too
 *   PULL_ALL   UID SEARCH of 1:4294967295           -> UIDS, without PULL_UIDS
 * uidvalidity 0: whatever the server says is fine (no state yet).
 */
#define PULL_UIDS	0x01
#define PULL_META	0x02
#define PULL_IDENTITY	0x04
#define PULL_ALL	0x08
struct msg_pull {
	struct bytes mailbox;
	uint32_t uidvalidity;
	uint64_t modseq;
	uint32_t newfrom;
	uint8_t want;
};

/* GETFLAGS -> CHANGED, SEARCH -> UIDS; GETMETA, IDENTIFY -> MESSAGE. */
#define ID_NONE		0	/* no digest */
#define ID_HEADER	1	/* SHA-256 of the identifying header fields */
#define ID_WEAK		2	/* the same, but without a Message-ID */
#define ID_BODY		3	/* SHA-256 of the whole message */
#define ID_DATE		4	/* GETMETA: the date, no digest and no size */
#define ID_DIGEST	32
/* GETFLAGS SEARCH EXPUNGE GETMETA IDENTIFY */
/* EXPUNGE -> VANISHED*: what the server says it expunged. */
struct msg_uids {
	struct bytes mailbox;
	uint32_t uidvalidity;
	uint8_t id;			/* GETMETA, IDENTIFY: ID_* wanted */
	struct uidset set;		/* owned by whoever reads it */
};

enum store_mode { STORE_SET, STORE_ADD, STORE_REMOVE };
struct msg_store {			/* -> STORED(set that was [MODIFIED]) */
	struct bytes mailbox;
	uint32_t uidvalidity;
	uint8_t mode;
	uint64_t unchangedsince;	/* 0: unconditional */
	struct flags flags;		/* owned by the reader */
	struct uidset set;		/* owned by the reader */
};

struct msg_date {			/* INTERNALDATE */
	int64_t time;			/* seconds since the epoch, UTC */
	int16_t zone;			/* minutes east of UTC */
	uint8_t valid;			/* 0: none was sent, or nonsense */
};

/*
 * COPY_IN on the side that appends, COPY_OUT on the side that has the
 * messages, the same transfer number (unique in a session).  COPY_IN carries
 * flags and date of each message by source UID; then n of msg_copyitem.  The
 * bodies travel over the body channel in any order; messages that are gone
 * are left out.  COPY_IN -> APPENDED*, LEFTOUT*, DONE | FAIL; COPY_OUT ->
 * LEFTOUT*, DONE | FAIL.
 */
struct msg_copyin { uint32_t transfer; struct bytes mailbox;
	uint32_t uidvalidity; uint32_t n; };
struct msg_copyitem { uint32_t uid; uint64_t size; struct msg_date date;
	uint8_t binary;			/* 1: it holds NUL, send a literal8 */
	struct flags flags; };		/* flags owned by the reader */
struct msg_copyout { uint32_t transfer; struct bytes mailbox;
	uint32_t uidvalidity; struct uidset set; };

struct msg_selected {
	uint32_t uidvalidity, uidnext, exists;	/* uidnext 0: not told */
	uint64_t modseq;
	struct flags perm;		/* PERMANENTFLAGS, FLAG_STAR for \* */
	uint8_t readonly;
};

/* CHANGED: u32 n, then n entries, in any order. */
struct msg_changed { uint32_t uid; uint64_t modseq; struct flags flags; };
/* MESSAGE: u32 n, then n entries. */
struct msg_message {
	uint32_t uid; uint64_t modseq, size; struct msg_date date;
	struct flags flags; uint8_t id; uint8_t digest[ID_DIGEST];
};
/* APPENDED: transfer, u32 n, then n of these, in the order appended. */
struct msg_pair { uint32_t a, b; uint8_t held; };
	/* APPENDED: a source UID, b UID given (0: not told), held unused */

/*
 * A message that COPY_OUT did not deliver, or COPY_IN did not append:
 * LEFT_REFUSED means that the FAIL which follows is about this one alone.
 */
enum leftout { LEFT_VANISHED = 1, LEFT_EMPTY, LEFT_NIL,
	LEFT_REFUSED,		/* the target does not take it */
	LEFT_NUL };		/* it holds NUL, and the target has no BINARY,
				 * or it did not come as literal8 */
struct msg_leftout { uint32_t uid; uint8_t why; };

/* statedb */
#define OPEN_CREATE	0x01		/* create the file when missing, 0600 */
struct msg_open { struct bytes path; uint8_t flags; };
/*
 * unclean: 1, the last run did not end; 2, and left intents open.
 * old: the tables are of version 0, and MIGRATE must be next.  copy: of the
 * file, made now because its tables are changed; empty: none.
 */
struct msg_opened { uint8_t created, unclean, old;
	struct bytes copy; };
/* The delimiter of each side (0: it is flat), and whether it was told. */
struct msg_migrate { uint8_t delim[2], told[2]; };
struct msg_state { uint32_t uidvalidity, uidnext; uint64_t modseq; };
struct msg_dbmailbox {			/* -> MAILBOXES */
	uint32_t idx;
	struct bytes name;		/* delimiter is NUL */
	uint8_t subscribed;
	uint8_t hasstate;
	struct msg_state st[2];
	uint8_t above;			/* mapping rows at or above UIDNEXT */
	uint32_t intents, held;		/* open ones */
};
struct msg_add { struct bytes name; uint8_t subscribed; };	/* -> ADDED */
struct msg_setsub { uint32_t idx; uint8_t subscribed; };
/*
 * FORGET, RESET: idx alone.  Its rows go from all tables; RESET leaves the
 * mailbox itself, without a state.
 */
struct msg_move { struct bytes from, to; uint8_t deep; };
	/* deep 1: all that is below from, too */
struct msg_stateadd { uint32_t idx, uidvalidity[2]; };	/* STATE */
/* LOOKUP: rows whose UID on that side is in set -> PAIRS*, SKIPPED* (UIDs). */
struct msg_lookup { uint32_t idx; uint8_t side; struct uidset set; };
struct msg_counted { uint32_t rows, held[2], skipped[2]; };
	/* held[s]: rows held because their message vanished on side s */
/* MAP, UNMAP, HOLD, UNHOLD: idx, side, then n pairs (l, r). */
#define MAP_NOSIDE	2	/* MAP: no intents to clear; UNMAP, UNHOLD */
struct msg_map { uint32_t idx; uint8_t side; uint32_t n; };
	/* MAP side: the source; open intents of these source UIDs go in the
	 * same transaction.  HOLD side: where the message vanished.
	 * MAP held 1: this pair replaces a held one that has its other UID. */
struct msg_intent { uint32_t idx; uint8_t side; uint32_t tuidnext, n; };
	/* side: the source; tuidnext: UIDNEXT of the target before */
struct msg_intended { uint8_t side; uint32_t uid, tuidnext; uint64_t size;
	struct msg_date date; };	/* INTENT items; INTENDED: u32 n + n */
struct msg_unintent { uint32_t idx; uint8_t side; struct uidset set; };
/*
 * why: LEFT_*; 0: forget the record, the message is gone.  last: of several,
 * all of them messages; 0: uid alone.  pause: of LEFT_REFUSED and LEFT_NUL, the
 * seconds until they may be tried again, doubled with each try.
 */
struct msg_skip { uint32_t idx; uint8_t side; uint32_t uid, last; uint8_t why;
	uint32_t pause; struct bytes text; };
/* What the doubling ends at. */
#define PAUSE_MAX	(7 * 24 * 3600)
/* REFUSALS -> REFUSED*: all such records, NOKEYWORD*: as KEYWORD told. */
struct msg_refused { uint32_t idx; uint8_t side, why; uint32_t tries, wait;
	struct bytes text; struct uidset set; };
	/* wait: seconds until they may be tried again; set: the reader's */
/* A keyword that this side refused; empty: forget those of the mailbox. */
struct msg_keyword { uint32_t idx; uint8_t side; struct bytes text; };
/*
 * What READY told in the last run that logged in there, and how many mailboxes
 * LIST showed, by side; key names the server and the account (memory.c).
 * REMEMBERED comes behind OPENED, once for each side that has a memory.  It may
 * be old, or wrong: it saves a round trip, and nothing else hangs on it.  An
 * imapchild says DOUBT, once, when a server did not take what went behind the
 * login by that memory.
 */
struct msg_memory { uint8_t side; uint64_t key, caps; uint32_t listed; };
struct msg_advance { uint32_t idx; struct { uint32_t uidnext; uint64_t modseq; }
	st[2]; };

/*
 * Writer and reader of each payload.  A writer cannot fail visibly: the ibuf
 * is sticky and imsg_compose() refuses it.  A reader returns 0, or -1 on a
 * short, long, or ill-valued payload; on -1 nothing is owned by the caller.
 * Ill-valued: an enum, side or bit out of range, a UID, UIDVALIDITY or idx of
 * 0 where none may be, a modseq or size above 2^63 - 1, a date beyond the
 * years 0 to 9999, a name that is empty (but in MAILBOX) or longer than
 * MAILBOX_NAMEMAX, NUL in a text (a name in the database holds NUL as its
 * delimiter), a count that the payload cannot hold, keywords or a set that are
 * not canonical.  What depends on more than one field is the caller's to
 * check.  Texts for people (FAIL, LOG, SKIP) are cut by the writer to what the
 * frame may hold.
 * Views (struct bytes) point into the frame.  Readers that fill a uidset or
 * flags: free them with uidset_free/flags_free.  Readers of lists read the
 * head (which does not check for left-over octets) and then the items; the
 * caller checks ibuf_done() at the end.
 */
#define MSG_CODEC(name, st)						\
	void	msg_put_##name(struct ibuf *, const struct st *);	\
	int	msg_get_##name(struct ibuf *, struct st *)

MSG_CODEC(ready, msg_ready);
MSG_CODEC(fail, msg_fail);
MSG_CODEC(log, msg_log);
MSG_CODEC(config, msg_config);
MSG_CODEC(list, msg_list);		/* head; then npatterns of: */
void	msg_put_pattern(struct ibuf *, const char *, size_t);
int	msg_get_pattern(struct ibuf *, struct bytes *);
MSG_CODEC(notify, msg_notify);		/* head; then n of pattern */
MSG_CODEC(name, msg_name);
MSG_CODEC(rename, msg_rename);
MSG_CODEC(mailbox, msg_mailbox);
MSG_CODEC(pull, msg_pull);
MSG_CODEC(uids, msg_uids);		/* GETFLAGS SEARCH EXPUNGE */
MSG_CODEC(uidsid, msg_uids);		/* GETMETA IDENTIFY: with id */
MSG_CODEC(store, msg_store);
MSG_CODEC(copyin, msg_copyin);		/* head; then n of: */
MSG_CODEC(copyitem, msg_copyitem);
MSG_CODEC(copyout, msg_copyout);
MSG_CODEC(selected, msg_selected);
MSG_CODEC(changed, msg_changed);	/* an item */
MSG_CODEC(message, msg_message);	/* an item */
MSG_CODEC(pair, msg_pair);		/* an item: a > 0, b, held */
MSG_CODEC(leftout, msg_leftout);
MSG_CODEC(open, msg_open);
MSG_CODEC(opened, msg_opened);
MSG_CODEC(migrate, msg_migrate);
MSG_CODEC(dbmailbox, msg_dbmailbox);
MSG_CODEC(add, msg_add);
MSG_CODEC(setsub, msg_setsub);
MSG_CODEC(move, msg_move);
MSG_CODEC(stateadd, msg_stateadd);
MSG_CODEC(lookup, msg_lookup);
MSG_CODEC(counted, msg_counted);
MSG_CODEC(map, msg_map);		/* head; then n of pair */
MSG_CODEC(intent, msg_intent);		/* head; then n of: */
MSG_CODEC(intended, msg_intended);	/* an item */
MSG_CODEC(unintent, msg_unintent);
MSG_CODEC(skip, msg_skip);
MSG_CODEC(refused, msg_refused);
MSG_CODEC(keyword, msg_keyword);	/* KEYWORD, NOKEYWORD */
MSG_CODEC(memory, msg_memory);		/* REMEMBER, REMEMBERED */
MSG_CODEC(advance, msg_advance);

/*
 * VANISHED, UIDS, STORED, SKIPPED: a set.  The writer puts as many ranges
 * from *pos on as fit into the frame and moves *pos; the reader adds them to
 * a set that stays the caller's, also on -1 (it may hold some of them then).
 * A request's set is written whole or the ibuf fails.
 */
void	msg_put_set(struct ibuf *, const struct uidset *, size_t *);
int	msg_get_set(struct ibuf *, struct uidset *);	/* and ibuf_done */
/* As above, but more payload may follow. */
int	msg_get_setpart(struct ibuf *, struct uidset *);
/* The most ranges put into one request's set (the rest: another request). */
#define MSG_MAXRANGES	7000

/*
 * Lists of items: msg_list_begin() writes a count of 0 and returns where,
 * msg_list_end() sets it.  Room for one more item is checked by the caller
 * with ibuf_room() against MSG_ITEMMAX.
 */
size_t	msg_list_begin(struct ibuf *);
void	msg_list_end(struct ibuf *, size_t, uint32_t);
#define MSG_ITEMMAX	(FLAGS_KWMAX + 128)

#endif
