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
 * imapchild against a scripted server: which mailbox is selected, what a PULL
 * tells, and what changes a server (STORE, EXPUNGE).
 */
#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

static void
begin(struct drv *d, const char *caps)
{
	uint32_t	 id;
	struct imsg	 m;

	drv_ready(d, caps);
	id = drv_send(d, MSG_NOOP, NULL);
	srv_enable(d);
	srv_want(d, "NOOP");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

static void
want_set(struct drv *d, uint16_t type, uint32_t id, const char *text)
{
	struct uidset	 a, b;
	struct imsg	 m;

	drv_want(d, &m, type, id);
	uidset_init(&a);
	uidset_init(&b);
	assert_int_equal(msg_get_set(&m.data, &a), 0);
	if (*text != '\0')
		assert_int_equal(uidset_parse(&b, text, strlen(text), 100), 0);
	assert_true(uidset_equal(&a, &b));
	uidset_free(&a);
	uidset_free(&b);
}

/* SELECTED comes first, and tells the SELECT's own numbers. */
static void
pull_qresync(void **state)
{
	struct drv		 d;
	struct imsg		 m;
	struct msg_selected	 s;
	struct msg_changed	 ch;
	uint32_t		 id;

	begin(&d, DRV_CAPS);
	id = drv_pull(&d, "A", 5, 70, 4, PULL_UIDS | PULL_META);
	srv_want(&d, "SELECT A (QRESYNC (5 70 1:4294967295))");
	srv_say(&d, "* 3 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
	    "* OK [UIDNEXT 9] x\r\n* OK [HIGHESTMODSEQ 77] x\r\n"
	    "* FLAGS (\\Seen foo)\r\n* VANISHED (EARLIER) 41,43:45\r\n"
	    "* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (75))\r\n");
	srv_tagged(&d, "OK [READ-ONLY] done");
	srv_want(&d, "UID SEARCH RETURN (ALL) UID 4:4294967295");
	srv_say(&d, "* 9 EXISTS\r\n* OK [HIGHESTMODSEQ 99] later\r\n"
	    "* ESEARCH (TAG \"x\") UID ALL 7:8,3\r\n");
	srv_tagged(&d, "OK");
	srv_want(&d, "UID FETCH 4:4294967295 (UID FLAGS MODSEQ INTERNALDATE "
	    "RFC822.SIZE)");
	srv_say(&d, "* 3 FETCH (UID 7 FLAGS () MODSEQ (3) INTERNALDATE "
	    "\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44)\r\n");
	srv_tagged(&d, "OK");

	drv_want(&d, &m, MSG_SELECTED, id);
	assert_int_equal(msg_get_selected(&m.data, &s), 0);
	assert_int_equal(s.uidvalidity, 5);
	assert_int_equal(s.uidnext, 9);
	assert_int_equal(s.exists, 3);
	assert_int_equal(s.modseq, 77);
	assert_int_equal(s.readonly, 1);
	assert_true(s.perm.sys & FLAG_STAR);	/* no PERMANENTFLAGS: all */
	assert_string_equal(s.perm.kw, "foo");
	flags_free(&s.perm);
	want_set(&d, MSG_VANISHED, id, "41,43:45");
	drv_want(&d, &m, MSG_CHANGED, id);
	assert_int_equal(ibuf_get_u32(&m.data), 1);
	assert_int_equal(msg_get_changed(&m.data, &ch), 0);
	assert_int_equal(ch.uid, 2);
	assert_int_equal(ch.modseq, 75);
	assert_int_equal(ch.flags.sys, FLAG_SEEN);
	flags_free(&ch.flags);
	want_set(&d, MSG_UIDS, id, "7:8");	/* 3 was not asked for */
	drv_want(&d, &m, MSG_MESSAGE, id);
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* All UIDs there are, and what is new with its metadata: one flight. */
static void
pull_all(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 id;

	begin(&d, DRV_CAPS);
	id = drv_pull(&d, "A", 5, 70, 4, PULL_ALL | PULL_META);
	srv_want(&d, "SELECT A (QRESYNC (5 70 1:4294967295))");
	srv_say(&d, "* 3 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
	    "* OK [UIDNEXT 9] x\r\n* OK [HIGHESTMODSEQ 77] x\r\n"
	    "* VANISHED (EARLIER) 2\r\n");
	srv_tagged(&d, "OK done");
	srv_want(&d, "UID SEARCH RETURN (ALL) UID 1:4294967295");
	srv_say(&d, "* ESEARCH (TAG \"x\") UID ALL 1,3,8\r\n");
	srv_tagged(&d, "OK");
	srv_want(&d, "UID FETCH 4:4294967295 (UID FLAGS MODSEQ INTERNALDATE "
	    "RFC822.SIZE)");
	srv_say(&d, "* 3 FETCH (UID 8 FLAGS () MODSEQ (3) INTERNALDATE "
	    "\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44)\r\n");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_SELECTED, id);
	want_set(&d, MSG_VANISHED, id, "2");
	want_set(&d, MSG_UIDS, id, "1,3,8");
	drv_want(&d, &m, MSG_MESSAGE, id);
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

static void
pull_failures(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 id;

	begin(&d, DRV_CAPS);
	id = drv_pull(&d, "A", 5, 0, 1, 0);
	srv_want(&d, "SELECT A");
	srv_say(&d, "* OK [UIDVALIDITY 5] x\r\n* OK [NOMODSEQ] x\r\n");
	srv_tagged(&d, "OK");
	drv_fails(&d, id, FAIL_NOMODSEQ, "mod-sequences");

	id = drv_pull(&d, "A", 5, 0, 1, PULL_UIDS);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_select(&d, "A", 6);
	srv_want(&d, "UID SEARCH");
	srv_say(&d, "* ESEARCH (TAG \"x\") UID ALL 1:5\r\n");
	srv_tagged(&d, "OK");
	drv_fails(&d, id, FAIL_UIDVALIDITY, "UIDVALIDITY changed! (5 != 6)");

	id = drv_pull(&d, "A", 6, 0, 1, PULL_UIDS);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_select(&d, "A", 6);
	srv_want(&d, "UID SEARCH");
	srv_tagged(&d, "OK no result at all");
	drv_want(&d, &m, MSG_SELECTED, id);
	drv_fails(&d, id, FAIL_PROTOCOL, "without a result");

	id = drv_pull(&d, "A", 6, 0, 1, 0);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_want(&d, "SELECT A");
	srv_tagged(&d, "NO [NONEXISTENT] gone");
	drv_fails(&d, id, FAIL_NOMAILBOX, "NONEXISTENT gone");
	drv_stop(&d);
}

/* UNSELECT stands between any two mailboxes, pipelined. */
static void
select_switch(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b, c;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_GETFLAGS, "A", 5, "1:3");
	b = drv_uids(&d, MSG_GETFLAGS, "A", 5, "7");
	c = drv_uids(&d, MSG_GETFLAGS, "B", 6, "1");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1:3 (UID FLAGS MODSEQ)");
	srv_tagged(&d, "OK");
	srv_want(&d, "UID FETCH 7 (UID FLAGS MODSEQ)");
	srv_tagged(&d, "OK");
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_select(&d, "B", 6);
	srv_want(&d, "UID FETCH 1 (UID FLAGS MODSEQ)");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);
	drv_want(&d, &m, MSG_DONE, b);
	drv_want(&d, &m, MSG_DONE, c);
	drv_stop(&d);
}

static void
select_without_unselect(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b;

	begin(&d, "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS");
	a = drv_uids(&d, MSG_SEARCH, "A", 5, "1:3");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID SEARCH UID 1:3");
	srv_say(&d, "* SEARCH\r\n");
	srv_tagged(&d, "OK");
	want_set(&d, MSG_UIDS, a, "");
	drv_want(&d, &m, MSG_DONE, a);
	b = drv_uids(&d, MSG_SEARCH, "B", 6, "1:3");
	srv_want(&d, "EXAMINE interimap-no-such-mailbox");
	srv_tagged(&d, "NO none");
	srv_select(&d, "B", 6);
	srv_want(&d, "UID SEARCH UID 1:3");
	srv_say(&d, "* SEARCH 2\r\n");
	srv_tagged(&d, "OK");
	want_set(&d, MSG_UIDS, b, "2");
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

/* A refused SELECT takes down what was pipelined behind it, no more. */
static void
select_bad(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b, c;

	begin(&d, DRV_CAPS);
	a = drv_store(&d, "A", 5, "1", STORE_ADD, "\\Seen", 0);
	srv_select(&d, "A", 5);
	srv_want(&d, "UID STORE 1 +FLAGS.SILENT (\\Seen)");
	srv_tagged(&d, "OK");
	want_set(&d, MSG_STORED, a, "");
	drv_want(&d, &m, MSG_DONE, a);
	b = drv_store(&d, "B", 6, "1", STORE_ADD, "\\Seen", 0);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_want(&d, "SELECT B");
	srv_tagged(&d, "BAD broken");
	srv_want(&d, "UID STORE 1 +FLAGS.SILENT (\\Seen)");
	srv_say(&d, "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n");
	srv_tagged(&d, "BAD nothing selected");
	drv_fails(&d, b, FAIL_BAD, "broken");
	c = drv_store(&d, "A", 5, "1", STORE_SET, "\\Seen", 7);
	srv_select(&d, "A", 5);
	srv_want(&d, "UID STORE 1 (UNCHANGEDSINCE 7) FLAGS.SILENT (\\Seen)");
	srv_tagged(&d, "NO [MODIFIED 1] changed");
	want_set(&d, MSG_STORED, c, "1");
	drv_want(&d, &m, MSG_DONE, c);
	drv_stop(&d);
}

/* UNSELECT refused while a mailbox is open: nothing behind it is safe. */
static void
select_unselect_refused(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_GETFLAGS, "A", 5, "1");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);
	drv_uids(&d, MSG_GETFLAGS, "B", 5, "1");
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "BAD what");
	drv_fails(&d, 0, FAIL_PROTOCOL, "refused to close a mailbox");
	drv_stop(&d);
}

/* A name that needs a literal: nothing that changes goes with the SELECT. */
static void
select_barrier(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b;

	begin(&d, DRV_CAPS);
	a = drv_store(&d, "\303\251", 5, "1", STORE_ADD, "\\Seen", 0);
	b = drv_store(&d, "B", 6, "1", STORE_REMOVE, "\\Seen", 0);
	srv_want(&d, "SELECT {2+}");
	srv_octets(&d, "\303\251\r\n");
	srv_silent(&d);
	srv_tagged(&d, "BAD 8-bit");
	drv_fails(&d, a, FAIL_BAD, "8-bit");
	srv_select(&d, "B", 6);
	srv_want(&d, "UID STORE 1 -FLAGS.SILENT (\\Seen)");
	srv_tagged(&d, "OK");
	want_set(&d, MSG_STORED, b, "");
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

static void
getflags_wrong(void **state)
{
	struct drv	 d;
	uint32_t	 a, b;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_GETFLAGS, "A", 5, "1:2");
	b = drv_uids(&d, MSG_GETMETA, "A", 5, "1:2");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1:2");
	srv_say(&d, "* 1 FETCH (FLAGS () MODSEQ (3))\r\n");
	srv_tagged(&d, "OK");
	drv_fails(&d, a, FAIL_PROTOCOL, "without UID");
	srv_want(&d, "UID FETCH 1:2");
	srv_say(&d, "* 1 FETCH (UID 1 FLAGS () MODSEQ (3))\r\n"
	    "* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n");
	srv_tagged(&d, "OK");
	drv_fails(&d, b, FAIL_PROTOCOL, "INTERNALDATE or RFC822.SIZE");
	drv_stop(&d);
}

/* A set longer than a line: several commands, one DONE. */
static void
getflags_split(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	char		 set[20000];
	size_t		 n, i, lines;
	uint32_t	 id;

	for (n = i = 0; i < 2000; i++)
		n += snprintf(set + n, sizeof(set) - n, "%s%zu",
		    i == 0 ? "" : ",", 100000 + 2 * i);
	begin(&d, DRV_CAPS);
	id = drv_uids(&d, MSG_GETFLAGS, "A", 5, set);
	srv_select(&d, "A", 5);
	for (lines = 0; lines < 2; lines++) {
		srv_want(&d, "UID FETCH 1");
		srv_tagged(&d, "OK");
	}
	drv_want(&d, &m, MSG_DONE, id);
	srv_silent(&d);
	drv_stop(&d);
}

/* Not selected yet: the flag goes with the SELECT, EXPUNGE a flight later. */
static void
expunge_two_steps(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_EXPUNGE, "A", 5, "1,3");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID STORE 1,3 +FLAGS.SILENT (\\Deleted)");
	srv_silent(&d);
	srv_tagged(&d, "OK");
	srv_want(&d, "UID EXPUNGE 1,3");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);

	/* now it is known: both in one flight */
	b = drv_uids(&d, MSG_EXPUNGE, "A", 5, "2");
	srv_want(&d, "UID STORE 2 +FLAGS.SILENT (\\Deleted)");
	srv_want(&d, "UID EXPUNGE 2");
	srv_say(&d, "000005 OK\r\n");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

/* Another UIDVALIDITY: the flag is taken off, nothing is expunged. */
static void
expunge_mismatch(void **state)
{
	struct drv	 d;
	uint32_t	 a;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_EXPUNGE, "A", 5, "1,3");
	srv_select(&d, "A", 6);
	srv_want(&d, "UID STORE 1,3 +FLAGS.SILENT (\\Deleted)");
	srv_tagged(&d, "OK");
	srv_want(&d, "UID STORE 1,3 -FLAGS.SILENT (\\Deleted)");
	srv_tagged(&d, "OK");
	drv_fails(&d, a, FAIL_UIDVALIDITY, "5 != 6");
	srv_silent(&d);
	drv_stop(&d);
}

/* Known to be wrong already: nothing is written at all. */
static void
expunge_known_mismatch(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_GETFLAGS, "A", 6, "1");
	srv_select(&d, "A", 6);
	srv_want(&d, "UID FETCH");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);
	b = drv_uids(&d, MSG_EXPUNGE, "A", 5, "1");
	drv_fails(&d, b, FAIL_UIDVALIDITY, "5 != 6");
	b = drv_store(&d, "A", 5, "1", STORE_ADD, "\\Seen", 0);
	drv_fails(&d, b, FAIL_UIDVALIDITY, "5 != 6");
	srv_silent(&d);
	drv_stop(&d);
}

/* Another mailbox was selected meanwhile; a refused STORE ends it, too. */
static void
expunge_moved(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b, c;

	begin(&d, DRV_CAPS);
	a = drv_uids(&d, MSG_EXPUNGE, "A", 5, "1");
	b = drv_uids(&d, MSG_GETFLAGS, "B", 7, "1");
	c = drv_uids(&d, MSG_GETFLAGS, "A", 5, "1");	/* stays behind a */
	srv_want(&d, "SELECT A");
	srv_want(&d, "UID STORE 1 +FLAGS.SILENT (\\Deleted)");
	srv_want(&d, "UNSELECT");
	srv_want(&d, "SELECT B");
	srv_want(&d, "UID FETCH 1");
	srv_selected(&d, "000002", 5);
	srv_say(&d, "000003 OK\r\n000004 OK\r\n");
	srv_selected(&d, "000005", 7);
	srv_say(&d, "000006 OK\r\n");
	drv_want(&d, &m, MSG_DONE, b);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID EXPUNGE 1");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);
	srv_want(&d, "UID FETCH 1");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, c);

	a = drv_uids(&d, MSG_EXPUNGE, "B", 7, "1");
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_select(&d, "B", 7);
	srv_want(&d, "UID STORE 1 +FLAGS.SILENT (\\Deleted)");
	srv_tagged(&d, "NO [NOPERM] no");
	drv_fails(&d, a, FAIL_NO, "NOPERM no");
	srv_silent(&d);
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pull_qresync),
		cmocka_unit_test(pull_all),
		cmocka_unit_test(pull_failures),
		cmocka_unit_test(select_switch),
		cmocka_unit_test(select_without_unselect),
		cmocka_unit_test(select_bad),
		cmocka_unit_test(select_unselect_refused),
		cmocka_unit_test(select_barrier),
		cmocka_unit_test(getflags_wrong),
		cmocka_unit_test(getflags_split),
		cmocka_unit_test(expunge_two_steps),
		cmocka_unit_test(expunge_mismatch),
		cmocka_unit_test(expunge_known_mismatch),
		cmocka_unit_test(expunge_moved)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
