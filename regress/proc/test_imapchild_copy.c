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
 * imapchild against a scripted server and a scripted other end of the body
 * channel: COPY_OUT and COPY_IN.
 */
#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

#define CAPS_SYNC "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED " \
	"LIST-STATUS UNSELECT"
#define HEAD	" (\\Seen) \"02-Jan-2020 03:04:05 +0100\" "

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
want_left(struct drv *d, uint32_t id, uint32_t uid, uint8_t why)
{
	struct msg_leftout	 l;
	struct imsg		 m;

	drv_want(d, &m, MSG_LEFTOUT, id);
	assert_int_equal(msg_get_leftout(&m.data, &l), 0);
	assert_int_equal(l.uid, uid);
	assert_int_equal(l.why, why);
}

/* APPENDED with these pairs: source, target, source, target, ..., 0. */
static void
want_appended(struct drv *d, uint32_t id, uint32_t transfer,
    const uint32_t *pairs)
{
	struct msg_pair	 p;
	struct imsg	 m;
	uint32_t	 n;

	drv_want(d, &m, MSG_APPENDED, id);
	assert_int_equal(ibuf_get_u32(&m.data), transfer);
	n = ibuf_get_u32(&m.data);
	for (; *pairs != 0; pairs += 2, n--) {
		assert_int_equal(msg_get_pair(&m.data, &p), 0);
		assert_int_equal(p.a, pairs[0]);
		assert_int_equal(p.b, pairs[1]);
	}
	assert_int_equal(n, 0);
	assert_int_equal(ibuf_done(&m.data), 0);
}

static void
one_message(struct drv *d, uint32_t transfer, uint32_t uid, const char *text)
{
	body_say(d, BODY_BEGIN, transfer, uid, strlen(text), NULL);
	body_say(d, BODY_DATA, transfer, uid, 0, text);
	body_say(d, BODY_END, transfer, uid, 0, NULL);
}

static void
copyout_all_kinds(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 id;

	begin(&d, DRV_CAPS);
	id = drv_copyout(&d, 9, "A", 5, "1:6");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1:6 (UID RFC822.SIZE BODY.PEEK[])");
	srv_say(&d, "* 1 FETCH (UID 1 RFC822.SIZE 5 BODY[] {5}\r\nhello)\r\n"
	    "* 2 FETCH (UID 2 RFC822.SIZE 0 BODY[] \"\")\r\n"
	    "* 3 FETCH (UID 3 RFC822.SIZE 8 BODY[] NIL)\r\n"
	    "* 4 FETCH (UID 4 RFC822.SIZE 8 BODY[] {0}\r\n)\r\n"
	    "* 1 FETCH (UID 1 RFC822.SIZE 5 BODY[] {5}\r\ntwice)\r\n"
	    "* 9 FETCH (UID 9 RFC822.SIZE 5 BODY[] {5}\r\nother)\r\n"
	    "* 5 FETCH (UID 5 RFC822.SIZE 3 BODY[] \"abc\")\r\n");
	body_want(&d, BODY_BEGIN, 9, 1, NULL);
	body_want(&d, BODY_DATA, 9, 1, "hello");
	body_want(&d, BODY_END, 9, 1, NULL);
	body_want(&d, BODY_BEGIN, 9, 5, NULL);
	body_want(&d, BODY_DATA, 9, 5, "abc");
	body_want(&d, BODY_END, 9, 5, NULL);
	srv_tagged(&d, "OK");
	want_left(&d, id, 2, LEFT_EMPTY);
	want_left(&d, id, 3, LEFT_NIL);
	want_left(&d, id, 4, LEFT_NIL);
	want_left(&d, id, 6, LEFT_VANISHED);
	drv_want(&d, &m, MSG_DONE, id);
	body_want(&d, BODY_FINISH, 9, 0, NULL);
	drv_stop(&d);
}

/* A failed one ends in ABORT, behind the FINISH of the one before. */
static void
copyout_failures(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b, c;

	begin(&d, DRV_CAPS);
	a = drv_copyout(&d, 1, "A", 5, "1");
	b = drv_copyout(&d, 2, "A", 5, "1:2");
	c = drv_copyout(&d, 3, "A", 6, "1");
	srv_want(&d, "SELECT A");	/* all are written before its answer */
	srv_want(&d, "UID FETCH 1 ");
	srv_want(&d, "UID FETCH 1:2 ");
	srv_want(&d, "UID FETCH 1 ");
	srv_say(&d, "* OK [UIDVALIDITY 5] x\r\n* OK [HIGHESTMODSEQ 7] x\r\n"
	    "000002 OK\r\n"
	    "* 1 FETCH (RFC822.SIZE 1 BODY[] {1}\r\nx UID 1)\r\n"
	    "000003 OK\r\n");
	srv_say(&d, "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {1}\r\nx)\r\n"
	    "* 1 FETCH (RFC822.SIZE 1 BODY[] {1}\r\nx UID 1)\r\n"
	    "000004 OK\r\n"		/* whose was the second? */
	    "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {1}\r\nx)\r\n"
	    "000005 OK\r\n");
	body_want(&d, BODY_BEGIN, 1, 1, NULL);
	body_want(&d, BODY_DATA, 1, 1, "x");
	body_want(&d, BODY_END, 1, 1, NULL);
	body_want(&d, BODY_FINISH, 1, 0, NULL);
	drv_want(&d, &m, MSG_DONE, a);
	body_want(&d, BODY_BEGIN, 2, 1, NULL);
	body_want(&d, BODY_DATA, 2, 1, "x");
	body_want(&d, BODY_END, 2, 1, NULL);
	body_want(&d, BODY_ABORT, 2, 0, NULL);
	drv_fails(&d, b, FAIL_PROTOCOL, "before its UID");
	body_want(&d, BODY_ABORT, 3, 0, NULL);
	drv_fails(&d, c, FAIL_UIDVALIDITY, "6 != 5");
	drv_stop(&d);
}

static void
copyin_multiappend(void **state)
{
	static const uint32_t	 uids[] = { 4, 7, 8 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 id, later;

	begin(&d, DRV_CAPS);
	id = drv_copyin(&d, 3, "T", 5, uids, 3);
	srv_silent(&d);		/* APPEND waits for the first body, */
	later = drv_name(&d, MSG_CREATE, "other");	/* others do not */
	srv_want(&d, "CREATE other");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, later);
	later = drv_uids(&d, MSG_GETFLAGS, "T", 5, "1");	/* this does */
	srv_silent(&d);
	one_message(&d, 3, 7, "seven");
	one_message(&d, 3, 4, "four");
	srv_want(&d, "APPEND T" HEAD "{5+}");
	srv_octets(&d, "seven" HEAD "{4+}\r\nfour");
	srv_silent(&d);
	body_say(&d, BODY_FINISH, 3, 0, 0, NULL);
	srv_octets(&d, "\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 20:21] done");
	want_appended(&d, id, 3, (uint32_t[]){ 7, 20, 4, 21, 0 });
	drv_want(&d, &m, MSG_DONE, id);
	srv_select(&d, "T", 5);
	srv_want(&d, "UID FETCH 1 ");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, later);
	drv_stop(&d);
}

static void
one_append(struct drv *d, uint32_t transfer, const char *answer,
    const uint32_t *pairs)
{
	static const uint32_t	 uids[] = { 1, 2 };
	struct imsg		 m;
	uint32_t		 id;

	id = drv_copyin(d, transfer, "T", 5, uids, 2);
	one_message(d, transfer, 1, "a");
	one_message(d, transfer, 2, "b");
	body_say(d, BODY_FINISH, transfer, 0, 0, NULL);
	srv_want(d, "APPEND T");
	srv_octets(d, "a" HEAD "{1+}\r\nb\r\n");
	srv_tagged(d, answer);
	want_appended(d, id, transfer, pairs);
	drv_want(d, &m, MSG_DONE, id);
}

/* Count, order and UIDVALIDITY must fit, or the UIDs count as missing. */
static void
copyin_appenduid(void **state)
{
	const uint32_t	 good[] = { 1, 20, 2, 25, 0 };
	const uint32_t	 none[] = { 1, 0, 2, 0, 0 };
	struct drv	 d;

	begin(&d, DRV_CAPS);
	one_append(&d, 1, "OK [APPENDUID 5 20,25] x", good);
	one_append(&d, 2, "OK [APPENDUID 5 25,20] x", none);
	one_append(&d, 3, "OK [APPENDUID 6 20,25] x", none);
	one_append(&d, 4, "OK [APPENDUID 5 20] x", none);
	one_append(&d, 5, "OK [APPENDUID 5 20:22] x", none);
	one_append(&d, 6, "OK [APPENDUID 5 20,20] x", none);
	one_append(&d, 7, "OK x", none);
	drv_stop(&d);
}

/* Synchronizing literals, one APPEND a message; the second is refused. */
static void
copyin_sync_refused(void **state)
{
	static const uint32_t	 uids[] = { 1, 2, 3 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 id;

	begin(&d, CAPS_SYNC);
	id = drv_copyin(&d, 3, "T", 5, uids, 3);
	one_message(&d, 3, 1, "one");
	one_message(&d, 3, 2, "two");
	srv_want(&d, "APPEND T" HEAD "{3}");
	srv_silent(&d);
	srv_say(&d, "+ go\r\n");
	srv_octets(&d, "one\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 11] x");
	want_appended(&d, id, 3, (uint32_t[]){ 1, 11, 0 });
	srv_want(&d, "APPEND T" HEAD "{3}");
	srv_tagged(&d, "NO [OVERQUOTA] full");
	srv_silent(&d);
	one_message(&d, 3, 3, "three");		/* passes by */
	body_say(&d, BODY_FINISH, 3, 0, 0, NULL);
	want_left(&d, id, 2, LEFT_REFUSED);
	drv_fails(&d, id, FAIL_NO, "OVERQUOTA full");
	srv_silent(&d);
	id = drv_send(&d, MSG_NOOP, NULL);	/* the connection is sane */
	srv_want(&d, "NOOP");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* Refused in the middle of a literal: its octets were promised. */
static void
copyin_refused_in_literal(void **state)
{
	static const uint32_t	 uids[] = { 1, 2 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 id;

	begin(&d, DRV_CAPS);
	id = drv_copyin(&d, 3, "T", 5, uids, 2);
	body_say(&d, BODY_BEGIN, 3, 1, 10, NULL);
	body_say(&d, BODY_DATA, 3, 1, 0, "01234");
	srv_want(&d, "APPEND T" HEAD "{10+}");
	srv_octets(&d, "01234");
	srv_tagged(&d, "NO [TRYCREATE] gone");
	srv_silent(&d);
	body_say(&d, BODY_DATA, 3, 1, 0, "56789");
	body_say(&d, BODY_END, 3, 1, 0, NULL);
	srv_octets(&d, "56789\r\n");
	one_message(&d, 3, 2, "not sent");
	body_say(&d, BODY_FINISH, 3, 0, 0, NULL);
	want_left(&d, id, 1, LEFT_REFUSED);
	drv_fails(&d, id, FAIL_NO, "TRYCREATE gone");
	id = drv_send(&d, MSG_NOOP, NULL);
	srv_want(&d, "NOOP");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* The SELECT before it has a name that needs a literal: BAD would show late. */
static void
copyin_barrier(void **state)
{
	static const uint32_t	 uids[] = { 1 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 id, other;

	begin(&d, DRV_CAPS);
	other = drv_store(&d, "\303\251", 5, "1", STORE_ADD, "\\Seen", 0);
	srv_want(&d, "SELECT {2+}");
	id = drv_copyin(&d, 3, "T", 5, uids, 1);
	one_message(&d, 3, 1, "one");
	body_say(&d, BODY_FINISH, 3, 0, 0, NULL);
	srv_octets(&d, "\303\251\r\n");
	srv_silent(&d);
	srv_tagged(&d, "NO [NONEXISTENT] gone");
	drv_fails(&d, other, FAIL_NOMAILBOX, "gone");
	srv_want(&d, "APPEND T");
	srv_octets(&d, "one\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 3] x");
	want_appended(&d, id, 3, (uint32_t[]){ 1, 3, 0 });
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* Given up between messages: those are whole. */
static void
copyin_aborted(void **state)
{
	static const uint32_t	 uids[] = { 1, 2 };
	struct drv		 d;
	uint32_t		 id;

	begin(&d, DRV_CAPS);
	id = drv_copyin(&d, 3, "T", 5, uids, 2);
	one_message(&d, 3, 1, "one");
	body_say(&d, BODY_ABORT, 3, 0, 0, NULL);
	srv_want(&d, "APPEND T");
	srv_octets(&d, "one\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 3] x");
	want_appended(&d, id, 3, (uint32_t[]){ 1, 3, 0 });
	drv_fails(&d, id, FAIL_ABORTED, "gave up");

	/* in the middle of one: the connection must end */
	id = drv_copyin(&d, 4, "T", 5, uids, 2);
	body_say(&d, BODY_BEGIN, 4, 1, 10, NULL);
	body_say(&d, BODY_DATA, 4, 1, 0, "01234");
	srv_want(&d, "APPEND T");
	close(d.body);
	d.body = -1;
	drv_fails(&d, 0, FAIL_ABORTED, "in the middle of a message");
	assert_true(drv_eof(&d));
	drv_stop(&d);
}

static void
copyin_bad_channel(void **state)
{
	static const uint32_t	 uids[] = { 1 };
	struct drv		 d;

	begin(&d, DRV_CAPS);
	drv_copyin(&d, 3, "T", 5, uids, 1);
	body_say(&d, BODY_BEGIN, 3, 2, 10, NULL);
	drv_fails(&d, 0, FAIL_INTERNAL, "unexpected UID");
	drv_stop(&d);

	begin(&d, DRV_CAPS);
	drv_copyin(&d, 3, "T", 5, uids, 1);
	body_say(&d, BODY_BEGIN, 4, 1, 10, NULL);
	drv_fails(&d, 0, FAIL_INTERNAL, "out of step");
	drv_stop(&d);

	begin(&d, DRV_CAPS);
	drv_copyin(&d, 3, "T", 5, uids, 1);
	body_say(&d, BODY_BEGIN, 3, 1, 3, NULL);
	body_say(&d, BODY_DATA, 3, 1, 0, "more than that");
	drv_fails(&d, 0, FAIL_INTERNAL, "out of step");
	drv_stop(&d);
}

/* Empty transfers, and two in a row. */
static void
copyin_nothing(void **state)
{
	static const uint32_t	 uids[] = { 1 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 a, b;

	begin(&d, DRV_CAPS);
	a = drv_copyin(&d, 3, "T", 5, uids, 1);
	b = drv_copyin(&d, 4, "T", 5, uids, 1);
	body_say(&d, BODY_FINISH, 3, 0, 0, NULL);
	one_message(&d, 4, 1, "one");
	body_say(&d, BODY_FINISH, 4, 0, 0, NULL);
	srv_want(&d, "APPEND T");
	srv_octets(&d, "one\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 3] x");
	drv_want(&d, &m, MSG_DONE, a);
	want_appended(&d, b, 4, (uint32_t[]){ 1, 3, 0 });
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copyout_all_kinds),
		cmocka_unit_test(copyout_failures),
		cmocka_unit_test(copyin_multiappend),
		cmocka_unit_test(copyin_appenduid),
		cmocka_unit_test(copyin_sync_refused),
		cmocka_unit_test(copyin_refused_in_literal),
		cmocka_unit_test(copyin_barrier),
		cmocka_unit_test(copyin_aborted),
		cmocka_unit_test(copyin_bad_channel),
		cmocka_unit_test(copyin_nothing)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
