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
 * Every codec of msg.h with a sample and the octets it must become, written
 * out by hand: the wire format.  No two fields of a sample are alike, so a
 * field left out or taken for another shows.  Used by test_msg.c only.
 */
#ifndef MSG_SAMPLES_H
#define MSG_SAMPLES_H

#include "msg.h"

/* Any payload. */
union payload {
	struct msg_ready ready;
	struct msg_fail fail;
	struct msg_log log;
	struct msg_config config;
	struct msg_list list;
	struct msg_notify notify;
	struct msg_name name;
	struct msg_rename rename;
	struct msg_mailbox mailbox;
	struct msg_pull pull;
	struct msg_uids uids;
	struct msg_store store;
	struct msg_copyin copyin;
	struct msg_copyitem copyitem;
	struct msg_copyout copyout;
	struct msg_selected selected;
	struct msg_changed changed;
	struct msg_message message;
	struct msg_pair pair;
	struct msg_leftout leftout;
	struct msg_open open;
	struct msg_opened opened;
	struct msg_migrate migrate;
	struct msg_dbmailbox dbmailbox;
	struct msg_add add;
	struct msg_setsub setsub;
	struct msg_move move;
	struct msg_stateadd stateadd;
	struct msg_lookup lookup;
	struct msg_counted counted;
	struct msg_map map;
	struct msg_intent intent;
	struct msg_intended intended;
	struct msg_unintent unintent;
	struct msg_skip skip;
	struct msg_refused refused;
	struct msg_keyword keyword;
	struct msg_memory memory;
	struct msg_advance advance;
};

/* The codecs as functions of one type; release: free what get made. */
#define ADAPT(codec, member, release)					\
static void								\
put_##codec(struct ibuf *b, const union payload *m)			\
{									\
	msg_put_##codec(b, &m->member);					\
}									\
static int								\
get_##codec(struct ibuf *b, union payload *m)				\
{									\
	return msg_get_##codec(b, &m->member);				\
}									\
static void								\
release_##codec(union payload *m)					\
{									\
	release;							\
}
#define SET_OF(member)		uidset_free(&m->member.set)
#define FLAGS_OF(member)	flags_free(&m->member.flags)

ADAPT(ready, ready, (void)m)
ADAPT(fail, fail, (void)m)
ADAPT(log, log, (void)m)
ADAPT(config, config, (void)m)
ADAPT(list, list, (void)m)
ADAPT(notify, notify, (void)m)
ADAPT(name, name, (void)m)
ADAPT(rename, rename, (void)m)
ADAPT(mailbox, mailbox, (void)m)
ADAPT(pull, pull, (void)m)
ADAPT(uids, uids, SET_OF(uids))
ADAPT(uidsid, uids, SET_OF(uids))
ADAPT(store, store, SET_OF(store); FLAGS_OF(store))
ADAPT(copyin, copyin, (void)m)
ADAPT(copyitem, copyitem, FLAGS_OF(copyitem))
ADAPT(copyout, copyout, SET_OF(copyout))
ADAPT(selected, selected, flags_free(&m->selected.perm))
ADAPT(changed, changed, FLAGS_OF(changed))
ADAPT(message, message, FLAGS_OF(message))
ADAPT(pair, pair, (void)m)
ADAPT(leftout, leftout, (void)m)
ADAPT(open, open, (void)m)
ADAPT(opened, opened, (void)m)
ADAPT(migrate, migrate, (void)m)
ADAPT(dbmailbox, dbmailbox, (void)m)
ADAPT(add, add, (void)m)
ADAPT(setsub, setsub, (void)m)
ADAPT(move, move, (void)m)
ADAPT(stateadd, stateadd, (void)m)
ADAPT(lookup, lookup, SET_OF(lookup))
ADAPT(counted, counted, (void)m)
ADAPT(map, map, (void)m)
ADAPT(intent, intent, (void)m)
ADAPT(intended, intended, (void)m)
ADAPT(unintent, unintent, SET_OF(unintent))
ADAPT(skip, skip, (void)m)
ADAPT(refused, refused, SET_OF(refused))
ADAPT(keyword, keyword, (void)m)
ADAPT(memory, memory, (void)m)
ADAPT(advance, advance, (void)m)

/* Fields that several samples have, and their octets. */
static char keywords[] = "$a B";
static struct uidrange ranges[] = { { 2, 3 }, { 5, UID_MAX } };
#define S_NAME	{ "a/b", 3 }
#define H_NAME	"00000003" "612f62"
#define S_FLAGS	{ FLAG_SEEN | FLAG_FLAGGED, keywords }
#define H_FLAGS	"05" "00000004" "24612042"
#define S_SET	{ ranges, 2, 2 }
#define H_SET	"00000002" "00000002" "00000003" "00000005" "ffffffff"
#define S_DATE	{ 0x12345678, -60, 1 }
#define H_DATE	"0000000012345678" "ffc4" "01"
#define S_VALID	0x0a0b0c0d
#define H_VALID	"0a0b0c0d"
#define S_U63	0x7102030405060708
#define H_U63	"7102030405060708"

#define WHOLE	1	/* the reader itself refuses octets left over */
#define PART	0	/* a head or an item: more may follow */

/* pad: octets of items that must follow a head whose count is not 0. */
#define SAMPLE(codec, kind, pad, hex, member, ...)			\
	{ #codec, put_##codec, get_##codec, release_##codec, kind, pad,	\
	    hex, { .member = { __VA_ARGS__ } } }

static const struct sample {
	const char	*name;
	void		(*put)(struct ibuf *, const union payload *);
	int		(*get)(struct ibuf *, union payload *);
	void		(*release)(union payload *);
	int		 whole;
	size_t		 pad;
	const char	*hex;
	union payload	 value;
} samples[] = {
	SAMPLE(ready, WHOLE, 0, "00000001" "8070605040302010" H_U63, ready,
	    1, 0x8070605040302010, S_U63),
	SAMPLE(fail, WHOLE, 0, "08" "00000002" "4142" "00000003" "785c79",
	    fail, FAIL_NO, { "AB", 2 }, { "x\\y", 3 }),
	SAMPLE(log, WHOLE, 0, "04" "00000002" "6869" "00000003" "412f42",
	    log, 4, { "hi", 2 }, { "A/B", 3 }),
	SAMPLE(config, WHOLE, 0, "01" "02" "00" "01" "63" "01" "02" "00000102"
	    "00000204" H_U63 "00000408"
	    "0000000168" "0000000170" "0000000175" "0000000177" "0000000161"
	    "0000000163" "0000000164" "0000000173" "000000016d"
	    "000000016e" "0000000178" "0000000166" "0000000165"
	    "000000016b" "0000000170" "0000000168"
	    "000000016f" "0000000175" "0000000177" "01", config,
	    REMOTE, CONN_TUNNEL, 0, 1, 0x63, 1, PROXY_SOCKS5H, 0x102, 0x204,
	    S_U63, 0x408, { "h", 1 }, { "p", 1 },
	    { "u", 1 }, { "w", 1 }, { "a", 1 }, { "c", 1 }, { "d", 1 },
	    { "s", 1 }, { "m", 1 }, { "n", 1 }, { "x", 1 }, { "f", 1 },
	    { "e", 1 }, { "k", 1 },
	    { "p", 1 }, { "h", 1 }, { "o", 1 }, { "u", 1 }, { "w", 1 }, 1),
	SAMPLE(list, PART, 8, "00000001" "72" "00000001" "6f" "01" "00000002",
	    list, { "r", 1 }, { "o", 1 }, 1, 2),
	SAMPLE(notify, PART, 8, "01" "00000002", notify, NOTIFY_NAMES, 2),
	SAMPLE(name, WHOLE, 0, H_NAME, name, S_NAME),
	SAMPLE(rename, WHOLE, 0, H_NAME "00000001" "63", rename, S_NAME,
	    { "c", 1 }),
	SAMPLE(mailbox, WHOLE, 0, H_NAME "2f" "0041" "07" H_VALID "00000009"
	    "00000004" H_U63, mailbox, S_NAME, '/', ATTR_NOSELECT |
	    ATTR_REMOTE, 7, S_VALID, 9, 4, S_U63),
	SAMPLE(pull, WHOLE, 0, H_NAME H_VALID H_U63 "00000008" "0e", pull,
	    S_NAME, S_VALID, S_U63, 8, PULL_META | PULL_IDENTITY | PULL_ALL),
	SAMPLE(uids, WHOLE, 0, H_NAME H_VALID H_SET, uids, S_NAME, S_VALID,
	    ID_NONE, S_SET),
	SAMPLE(uidsid, WHOLE, 0, H_NAME H_VALID "03" H_SET, uids, S_NAME,
	    S_VALID, ID_BODY, S_SET),
	SAMPLE(store, WHOLE, 0, H_NAME H_VALID "02" H_U63 H_FLAGS H_SET,
	    store, S_NAME, S_VALID, STORE_REMOVE, S_U63, S_FLAGS, S_SET),
	SAMPLE(copyin, PART, 2 * 28, "0000000c" H_NAME H_VALID "00000002",
	    copyin, 12, S_NAME, S_VALID, 2),
	SAMPLE(copyitem, PART, 0, "0000000d" H_U63 H_DATE "01" H_FLAGS,
	    copyitem, 13, S_U63, S_DATE, 1, S_FLAGS),
	SAMPLE(copyout, WHOLE, 0, "0000000c" H_NAME H_VALID H_SET, copyout,
	    12, S_NAME, S_VALID, S_SET),
	SAMPLE(selected, WHOLE, 0, H_VALID "00000009" "00000004" H_U63
	    "85" "00000004" "24612042" "01", selected, S_VALID, 9, 4, S_U63,
	    { FLAG_STAR | FLAG_SEEN | FLAG_FLAGGED, keywords }, 1),
	SAMPLE(changed, PART, 0, "0000000d" H_U63 H_FLAGS, changed, 13,
	    S_U63, S_FLAGS),
	SAMPLE(message, PART, 0, "0000000d" H_U63 "0000000000000014" H_DATE
	    H_FLAGS "01" "000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f", message, 13, S_U63, 20,
	    S_DATE, S_FLAGS, ID_HEADER, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	    27, 28, 29, 30, 31 }),
	SAMPLE(message, PART, 0, "0000000d" H_U63 "0000000000000014" H_DATE
	    H_FLAGS "00", message, 13, S_U63, 20, S_DATE, S_FLAGS, ID_NONE,
	    { 0 }),
	SAMPLE(pair, PART, 0, "0000000d" "0000000e" "01", pair, 13, 14, 1),
	SAMPLE(leftout, WHOLE, 0, "0000000d" "02", leftout, 13, LEFT_EMPTY),
	SAMPLE(open, WHOLE, 0, "00000002" "2f78" "01", open, { "/x", 2 },
	    OPEN_CREATE),
	SAMPLE(opened, WHOLE, 0, "01" "00" "00" "00000000", opened, 1, 0, 0,
	    { NULL, 0 }),
	SAMPLE(opened, WHOLE, 0, "00" "01" "01" "00000002" "2f78", opened, 0,
	    1, 1, { "/x", 2 }),
	SAMPLE(migrate, WHOLE, 0, "2e" "01" "7f" "00", migrate, { '.', 0x7f },
	    { 1, 0 }),
	SAMPLE(dbmailbox, WHOLE, 0, "00000007" "00000003" "610062" "01" "00"
	    H_VALID "00000009" H_U63 "0e0f1011" "0000000a" "0000000000000014"
	    "01" "00000005" "00000006", dbmailbox, 7, { "a\0b", 3 }, 1, 0,
	    { { S_VALID, 9, S_U63 }, { 0x0e0f1011, 10, 20 } }, 1, 5, 6),
	SAMPLE(add, WHOLE, 0, "00000003" "610062" "01", add, { "a\0b", 3 }, 1),
	SAMPLE(setsub, WHOLE, 0, "00000007" "01", setsub, 7, 1),
	SAMPLE(move, WHOLE, 0, "00000003" "610062" "00000002" "6300" "01", move,
	    { "a\0b", 3 }, { "c\0", 2 }, 1),
	SAMPLE(stateadd, WHOLE, 0, "00000007" H_VALID "00000009", stateadd,
	    7, { S_VALID, 9 }),
	SAMPLE(lookup, WHOLE, 0, "00000007" "01" H_SET, lookup, 7, REMOTE,
	    S_SET),
	SAMPLE(counted, WHOLE, 0, "00000001" "00000002" "00000003" "00000004"
	    "00000005", counted, 1, { 2, 3 }, { 4, 5 }),
	SAMPLE(map, PART, 3 * 9, "00000007" "02" "00000003", map, 7,
	    MAP_NOSIDE, 3),
	SAMPLE(intent, PART, 2 * 28, "00000007" "01" "00000009" "00000002",
	    intent, 7, REMOTE, 9, 2),
	SAMPLE(intended, PART, 0, "01" "0000000d" "00000009" H_U63 H_DATE,
	    intended, REMOTE, 13, 9, S_U63, S_DATE),
	SAMPLE(unintent, WHOLE, 0, "00000007" "01" H_SET, unintent, 7, REMOTE,
	    S_SET),
	SAMPLE(skip, WHOLE, 0, "00000007" "01" "0000000d" "0000000e" "05"
	    "00000e10" "00000002" "6869", skip, 7, REMOTE, 13, 14, 5, 3600,
	    { "hi", 2 }),
	SAMPLE(refused, WHOLE, 0, "00000007" "01" "05" "00000003" "00000e10"
	    "00000002" "6869" H_SET, refused, 7, REMOTE, LEFT_NUL, 3, 3600,
	    { "hi", 2 }, S_SET),
	SAMPLE(keyword, WHOLE, 0, "00000007" "01" "00000002" "6869", keyword,
	    7, REMOTE, { "hi", 2 }),
	SAMPLE(memory, WHOLE, 0, "01" H_U63 "00000000000a0b0c" "00000102", memory,
	    REMOTE, S_U63, 0xa0b0c, 0x102),
	SAMPLE(advance, WHOLE, 0, "00000007" "00000009" H_U63 "0000000a"
	    "0000000000000014", advance, 7, { { 9, S_U63 }, { 10, 20 } }),
};
#define NSAMPLES	(sizeof(samples) / sizeof(samples[0]))

/* After name (as S_NAME) and the UIDVALIDITY; see H_NAME, H_VALID. */
#define AFTER_NAME	7
#define AFTER_VALID	11

/* Octets at an offset of a sample that make it ill. */
static const struct {
	const char	*name;
	size_t		 off;
	const char	*hex;
} ill[] = {
	{ "fail", 0, "00" }, { "fail", 0, "10" }, { "fail", 5, "00" },
	{ "fail", 11, "00" }, { "log", 0, "05" }, { "log", 5, "00" },
	{ "log", 12, "00" },
	{ "config", 0, "02" }, { "config", 1, "03" }, { "config", 2, "02" },
	{ "config", 3, "02" }, { "config", 5, "02" }, { "config", 6, "03" },
	{ "config", 15, "80" }, { "config", 31, "00" },
	{ "config", 122, "02" },
	{ "list", 4, "00" }, { "list", 10, "02" }, { "list", 11, "00000003" },
	{ "list", 11, "ffffffff" }, { "name", 4, "00" },
	{ "notify", 0, "03" }, { "notify", 1, "00000003" },
	{ "notify", 1, "ffffffff" },
	{ "rename", 5, "00" }, { "rename", 11, "00" },
	{ "mailbox", 5, "00" }, { "mailbox", 7, "80" },
	{ "mailbox", 8, "0080" }, { "mailbox", 8, "0100" },
	{ "mailbox", 10, "10" }, { "mailbox", 23, "80" },
	{ "pull", 4, "00" }, { "pull", 11, "80" }, { "pull", 23, "10" },
	{ "uids", 4, "00" }, { "uids", AFTER_NAME, "00000000" },
	{ "uids", AFTER_VALID, "00000001" },
	{ "uids", AFTER_VALID, "00000003" },
	{ "uids", AFTER_VALID, "ffffffff" },
	{ "uids", AFTER_VALID + 4, "00000000" },	/* UID 0 */
	{ "uids", AFTER_VALID + 4, "00000004" },	/* lo > hi */
	{ "uids", AFTER_VALID + 12, "00000003" },	/* overlaps */
	{ "uids", AFTER_VALID + 12, "00000004" },	/* is a neighbour */
	{ "uids", AFTER_VALID + 12, "00000001" },	/* goes down */
	{ "uids", AFTER_VALID + 8, "ffffffff" },	/* nothing can follow */
	{ "uidsid", AFTER_NAME, "00000000" }, { "uidsid", AFTER_VALID, "05" },
	{ "store", AFTER_NAME, "00000000" }, { "store", AFTER_VALID, "03" },
	{ "store", AFTER_VALID + 1, "80" },
	{ "store", AFTER_VALID + 9, "20" }, { "store", AFTER_VALID + 9, "80" },
	{ "store", AFTER_VALID + 14, "28" },		/* no atom */
	{ "store", AFTER_VALID + 16, "00" },
	{ "store", AFTER_VALID + 17, "20" },
	{ "store", AFTER_VALID + 14, "7a" },		/* not sorted */
	{ "copyin", 8, "00" }, { "copyin", 11, "00000000" },
	{ "copyin", 15, "00000003" }, { "copyin", 15, "ffffffff" },
	{ "copyitem", 0, "00000000" }, { "copyitem", 4, "80" },
	{ "copyitem", 12, "ff" }, { "copyitem", 12, "7f" },
	{ "copyitem", 20, "05a0" }, { "copyitem", 20, "fa60" },
	{ "copyitem", 22, "02" }, { "copyitem", 23, "02" },
	{ "copyitem", 24, "80" }, { "ready", 12, "80" },
	{ "copyout", 8, "00" }, { "copyout", 11, "00000000" },
	{ "selected", 0, "00000000" }, { "selected", 12, "80" },
	{ "selected", 20, "a5" }, { "selected", 29, "02" },
	{ "changed", 0, "00000000" }, { "changed", 4, "80" },
	{ "changed", 12, "85" }, { "message", 0, "00000000" },
	{ "message", 4, "80" }, { "message", 12, "80" },
	{ "message", 30, "02" }, { "message", 31, "80" },
	{ "message", 40, "04" }, { "pair", 0, "00000000" },
	{ "leftout", 0, "00000000" }, { "leftout", 4, "00" },
	{ "leftout", 4, "06" }, { "open", 5, "00" }, { "open", 6, "02" },
	{ "opened", 0, "02" }, { "opened", 1, "03" }, { "opened", 2, "02" },
	{ "opened", 6, "03" },
	{ "migrate", 0, "80" }, { "migrate", 1, "02" },
	{ "migrate", 2, "80" }, { "migrate", 3, "02" },
	{ "dbmailbox", 0, "00000000" }, { "dbmailbox", 11, "02" },
	{ "dbmailbox", 12, "02" }, { "dbmailbox", 21, "80" },
	{ "dbmailbox", 37, "80" }, { "add", 7, "02" },
	{ "setsub", 0, "00000000" }, { "setsub", 4, "02" },
	{ "move", 13, "02" },
	{ "stateadd", 0, "00000000" }, { "stateadd", 4, "00000000" },
	{ "stateadd", 8, "00000000" }, { "lookup", 0, "00000000" },
	{ "lookup", 4, "02" }, { "map", 0, "00000000" }, { "map", 4, "03" },
	{ "map", 5, "00000004" }, { "intent", 0, "00000000" },
	{ "intent", 4, "02" }, { "intent", 9, "00000003" },
	{ "intended", 0, "02" }, { "intended", 1, "00000000" },
	{ "intended", 9, "80" }, { "intended", 27, "02" },
	{ "unintent", 0, "00000000" }, { "unintent", 4, "02" },
	{ "skip", 0, "00000000" }, { "skip", 4, "02" },
	{ "skip", 5, "00000000" }, { "skip", 23, "00" },
	{ "skip", 9, "0000000c" },			/* before the first */
	{ "refused", 0, "00000000" }, { "refused", 4, "02" },
	{ "refused", 5, "03" }, { "refused", 5, "06" },
	{ "keyword", 0, "00000000" }, { "keyword", 4, "02" },
	{ "keyword", 10, "00" },
	{ "memory", 0, "02" }, { "memory", 1, "80" }, { "memory", 9, "01" },
	{ "memory", 14, "1a" },
	{ "advance", 0, "00000000" }, { "advance", 8, "80" },
	{ "advance", 20, "80" },
};

/*
 * The messages that are one codec, or begin with one, and how many octets the
 * sample has above the smallest such payload (texts, all but one octet of a
 * name, ranges).
 */
static const struct {
	uint16_t	 type;
	enum msg_dir	 way;
	const char	*name;
	size_t		 above;
} limits[] = {
	{ MSG_READY, MSG_IP, "ready", 0 }, { MSG_FAIL, MSG_SP, "fail", 5 },
	{ MSG_LOG, MSG_IP, "log", 5 }, { MSG_CONFIG, MSG_PI, "config", 19 },
	{ MSG_LIST, MSG_PI, "list", 2 }, { MSG_CREATE, MSG_PI, "name", 2 },
	{ MSG_DELETE, MSG_PI, "name", 2 }, { MSG_RENAME, MSG_PI, "rename", 2 },
	{ MSG_SUBSCRIBE, MSG_PI, "name", 2 },
	{ MSG_UNSUBSCRIBE, MSG_PI, "name", 2 },
	{ MSG_PULL, MSG_PI, "pull", 2 }, { MSG_GETFLAGS, MSG_PI, "uids", 18 },
	{ MSG_GETMETA, MSG_PI, "uidsid", 18 },
	{ MSG_SEARCH, MSG_PI, "uids", 18 },
	{ MSG_IDENTIFY, MSG_PI, "uidsid", 18 },
	{ MSG_STORE, MSG_PI, "store", 22 }, { MSG_EXPUNGE, MSG_PI, "uids", 18 },
	{ MSG_NOTIFY, MSG_PI, "notify", 0 },
	{ MSG_COPY_IN, MSG_PI, "copyin", 2 },
	{ MSG_COPY_OUT, MSG_PI, "copyout", 18 },
	{ MSG_MAILBOX, MSG_IP, "mailbox", 3 },
	{ MSG_SELECTED, MSG_IP, "selected", 4 },
	{ MSG_LEFTOUT, MSG_IP, "leftout", 0 }, { MSG_OPEN, MSG_PS, "open", 1 },
	{ MSG_OPENED, MSG_SP, "opened", 0 },
	{ MSG_MIGRATE, MSG_PS, "migrate", 0 }, { MSG_ADD, MSG_PS, "add", 2 },
	{ MSG_SETSUB, MSG_PS, "setsub", 0 }, { MSG_MOVE, MSG_PS, "move", 3 },
	{ MSG_STATE, MSG_PS, "stateadd", 0 },
	{ MSG_LOOKUP, MSG_PS, "lookup", 16 }, { MSG_MAP, MSG_PS, "map", 0 },
	{ MSG_UNMAP, MSG_PS, "map", 0 }, { MSG_HOLD, MSG_PS, "map", 0 },
	{ MSG_UNHOLD, MSG_PS, "map", 0 }, { MSG_INTENT, MSG_PS, "intent", 0 },
	{ MSG_UNINTENT, MSG_PS, "unintent", 16 },
	{ MSG_SKIP, MSG_PS, "skip", 2 }, { MSG_ADVANCE, MSG_PS, "advance", 0 },
	{ MSG_KEYWORD, MSG_PS, "keyword", 2 },
	{ MSG_REFUSED, MSG_SP, "refused", 18 },
	{ MSG_REMEMBER, MSG_PS, "memory", 0 },
	{ MSG_REMEMBERED, MSG_SP, "memory", 0 },
	{ MSG_NOKEYWORD, MSG_SP, "keyword", 1 },
	{ MSG_DBMAILBOX, MSG_SP, "dbmailbox", 2 },
	{ MSG_COUNTED, MSG_SP, "counted", 0 },
};

#endif
