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
 * imapchild against a scripted server that runs the FETCHes written behind
 * each other at the same time (RFC 3501 section 5.5): what it sends belongs to
 * the request that asked for the UID, not to the oldest one.  And what may not
 * be written amid that.
 */
#include <sys/types.h>

#include "imapdrv.h"

static void
begin(struct drv *d)
{
	uint32_t	 id;
	struct imsg	 m;

	drv_ready(d, DRV_CAPS);
	id = drv_send(d, MSG_NOOP, NULL);
	srv_enable(d);
	srv_want(d, "NOOP");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

static void
one_body(struct drv *d, uint32_t transfer, uint32_t uid, const char *text)
{
	body_want(d, BODY_BEGIN, transfer, uid, NULL);
	body_want(d, BODY_DATA, transfer, uid, text);
	body_want(d, BODY_END, transfer, uid, NULL);
}

/* The body of the second transfer comes first, and between two of the first. */
static void
bodies(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b;

	begin(&d);
	a = drv_copyout(&d, 1, "A", 5, "1:2");
	b = drv_copyout(&d, 2, "A", 5, "3:4");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1:2 ");
	srv_want(&d, "UID FETCH 3:4 ");
	srv_say(&d, "* 3 FETCH (UID 3 RFC822.SIZE 5 BODY[] {5}\r\nthree)\r\n"
	    "* 1 FETCH (UID 1 RFC822.SIZE 3 BODY[] {3}\r\none)\r\n"
	    "* 4 FETCH (UID 4 RFC822.SIZE 4 BODY[] {4}\r\nfour)\r\n"
	    "* 2 FETCH (UID 2 RFC822.SIZE 3 BODY[] {3}\r\ntwo)\r\n"
	    "000003 OK\r\n000004 OK\r\n");
	one_body(&d, 1, 1, "one");
	one_body(&d, 1, 2, "two");
	body_want(&d, BODY_FINISH, 1, 0, NULL);
	one_body(&d, 2, 3, "three");
	one_body(&d, 2, 4, "four");
	body_want(&d, BODY_FINISH, 2, 0, NULL);
	drv_want(&d, &m, MSG_DONE, a);
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

/*
 * An APPEND is not begun amid the bodies of a FETCH.  Of a FETCH behind it the
 * bodies may come before its answer.
 */
static void
append_between(void **state)
{
	static const uint32_t	 uids[] = { 7 };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 a, b, in;

	begin(&d);
	a = drv_copyout(&d, 1, "A", 5, "1:2");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1:2 ");
	in = drv_copyin(&d, 2, "A", 5, uids, 1);
	body_say(&d, BODY_BEGIN, 2, 7, 3, NULL);
	body_say(&d, BODY_DATA, 2, 7, 0, "abc");
	body_say(&d, BODY_END, 2, 7, 0, NULL);
	srv_say(&d, "* 1 FETCH (UID 1 RFC822.SIZE 3 BODY[] {3}\r\none)\r\n");
	one_body(&d, 1, 1, "one");
	srv_silent(&d);
	srv_say(&d, "* 2 FETCH (UID 2 RFC822.SIZE 3 BODY[] {3}\r\ntwo)\r\n"
	    "000003 OK\r\n");
	one_body(&d, 1, 2, "two");
	body_want(&d, BODY_FINISH, 1, 0, NULL);
	drv_want(&d, &m, MSG_DONE, a);
	srv_want(&d, "APPEND A ");
	b = drv_copyout(&d, 3, "A", 5, "3");
	body_say(&d, BODY_FINISH, 2, 0, 0, NULL);
	srv_octets(&d, "abc\r\n");
	srv_want(&d, "UID FETCH 3 ");
	srv_say(&d, "* 3 FETCH (UID 3 RFC822.SIZE 5 BODY[] {5}\r\nthree)\r\n");
	one_body(&d, 3, 3, "three");
	srv_say(&d, "000004 OK [APPENDUID 5 9] x\r\n000005 OK\r\n");
	drv_want(&d, &m, MSG_APPENDED, in);
	drv_want(&d, &m, MSG_DONE, in);
	body_want(&d, BODY_FINISH, 3, 0, NULL);
	drv_want(&d, &m, MSG_DONE, b);
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
		cmocka_unit_test(append_between)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
