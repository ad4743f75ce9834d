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
 * imapchild against a scripted server that tells of changes by itself (NOTIFY,
 * RFC 5465): what the parent learns of it, and what it does not.
 */
#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

#define TOLD_MAX	1000		/* as in imapchild.h */
#define EVENTS		"MessageNew MessageExpunge FlagChange"

static void
begin(struct drv *d)
{
	uint32_t	 id;
	struct imsg	 m;

	drv_ready(d, DRV_CAPS " NOTIFY");
	id = drv_send(d, MSG_NOOP, NULL);
	srv_enable(d);
	srv_want(d, "NOOP");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

/* A NOTIFY request; names end with NULL. */
static uint32_t
notify(struct drv *d, uint8_t mode, const char *const *names)
{
	struct msg_notify	 n = { mode, 0 };
	struct ibuf		 buf;
	uint32_t		 id;

	while (names != NULL && names[n.n] != NULL)
		n.n++;
	ibuf_init(&buf);
	msg_put_notify(&buf, &n);
	for (id = 0; id < n.n; id++)
		msg_put_pattern(&buf, names[id], strlen(names[id]));
	id = drv_send(d, MSG_NOTIFY, &buf);
	ibuf_free(&buf);
	return id;
}

/* NOTIFY SET without a mailbox, answered. */
static void
watch(struct drv *d)
{
	struct imsg	 m;
	uint32_t	 id;

	id = notify(d, NOTIFY_NAMES, NULL);
	srv_want(d, "NOTIFY SET (personal (MailboxName SubscriptionChange))");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

static struct msg_mailbox
want_told(struct drv *d, const char *name)
{
	struct msg_mailbox	 mb;
	struct imsg		 m;

	drv_want(d, &m, MSG_MAILBOX, 0);
	assert_int_equal(msg_get_mailbox(&m.data, &mb), 0);
	if (!bytes_eq(mb.name, bytes_of(name)))
		fail_msg("%.*s was told, not %s", (int)mb.name.n, mb.name.p,
		    name);
	return mb;
}

/* The connection is sane, and nothing else was told before this. */
static void
want_nothing(struct drv *d)
{
	struct imsg	 m;
	uint32_t	 id;

	id = drv_send(d, MSG_NOOP, NULL);
	srv_want(d, "NOOP");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

/* The selected mailbox is closed before, or nothing of it would be told. */
static void
notify_commands(void **state)
{
	const char	*names[] = { "INBOX", "a b\"c", "Ent&APw-rfe", NULL };
	const char	*one[] = { "x", NULL };
	struct imsg	 m;
	struct drv	 d;
	uint32_t	 id;

	begin(&d);
	id = drv_uids(&d, MSG_SEARCH, "A", 5, "1:9");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID SEARCH");
	srv_say(&d, "* ESEARCH (TAG \"x\") UID\r\n");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_UIDS, id);
	drv_want(&d, &m, MSG_DONE, id);
	id = notify(&d, NOTIFY_NAMES, names);
	srv_want(&d, "UNSELECT");
	srv_tagged(&d, "OK");
	srv_want(&d, "NOTIFY SET (mailboxes (INBOX \"a b\\\"c\" Ent&APw-rfe) "
	    "(" EVENTS ")) (personal (MailboxName SubscriptionChange))");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	id = notify(&d, NOTIFY_NONE, NULL);
	srv_want(&d, "NOTIFY NONE");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	id = notify(&d, NOTIFY_PERSONAL, NULL);
	srv_want(&d, "NOTIFY SET (personal (" EVENTS " MailboxName "
	    "SubscriptionChange))");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	id = notify(&d, NOTIFY_NAMES, one);
	srv_want(&d, "NOTIFY SET (mailboxes (x) (");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* What is told while nothing is asked, and before the answer to NOOP. */
static void
notify_told(void **state)
{
	struct msg_mailbox	 mb;
	struct imsg		 m;
	struct drv		 d;
	uint32_t		 id;

	begin(&d);
	watch(&d);
	srv_say(&d, "* STATUS \"A b\" (MESSAGES 4 UIDNEXT 5 UNSEEN 4 "
	    "HIGHESTMODSEQ 6)\r\n");
	mb = want_told(&d, "A b");
	assert_int_equal(mb.has, STATUS_MESSAGES | STATUS_UIDNEXT |
	    STATUS_MODSEQ);
	assert_int_equal(mb.uidnext, 5);
	assert_int_equal(mb.messages, 4);
	assert_int_equal(mb.modseq, 6);
	srv_say(&d, "* LIST (\\Subscribed) \"/\" new (\"OLDNAME\" (old))\r\n");
	mb = want_told(&d, "new");
	assert_int_equal(mb.has, 0);
	assert_int_equal(mb.delim, '/');
	assert_int_equal(mb.attrs, ATTR_SUBSCRIBED);
	id = drv_send(&d, MSG_NOOP, NULL);
	srv_want(&d, "NOOP");
	srv_say(&d, "* LIST (\\NonExistent) NIL {3}\r\na\"b\r\n"
	    "* STATUS INBOX (HIGHESTMODSEQ 9)\r\n");
	srv_tagged(&d, "OK");
	mb = want_told(&d, "a\"b");
	assert_int_equal(mb.attrs, ATTR_NONEXISTENT);
	mb = want_told(&d, "INBOX");
	assert_int_equal(mb.has, STATUS_MODSEQ);
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* Nothing a parent could use, and nothing that anybody asked for. */
static void
notify_not_told(void **state)
{
	struct drv	 d;

	begin(&d);
	srv_say(&d, "* STATUS A (UIDNEXT 5)\r\n* LIST () \"/\" B\r\n");
	want_nothing(&d);
	watch(&d);
	srv_say(&d, "* STATUS A ()\r\n* STATUS A (UNSEEN 3)\r\n* 5 EXISTS\r\n"
	    "* 1 EXPUNGE\r\n* VANISHED 7\r\n* 2 FETCH (UID 3 FLAGS (x))\r\n"
	    "* 2 FETCH (UID 3 BODY[] {4}\r\nmail)\r\n* LIST () \"/\" \"\"\r\n"
	    "* OK still here\r\n* SEARCH 4\r\n* FLAGS (x)\r\n");
	want_nothing(&d);
	drv_stop(&d);
}

/* Between NOTIFY NONE and its answer, and in the LIST behind it. */
static void
notify_none(void **state)
{
	struct msg_mailbox	 mb;
	struct imsg		 m;
	struct drv		 d;
	uint32_t		 none, list;

	begin(&d);
	watch(&d);
	none = notify(&d, NOTIFY_NONE, NULL);
	list = drv_list(&d, "*");
	srv_want(&d, "NOTIFY NONE");
	srv_say(&d, "* STATUS A (UIDNEXT 5)\r\n* LIST () \"/\" B\r\n");
	srv_tagged(&d, "OK");
	srv_want(&d, "LIST ");
	srv_say(&d, "* LIST () \"/\" C\r\n* STATUS C (UIDNEXT 6)\r\n");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, none);
	drv_want(&d, &m, MSG_MAILBOX, list);
	assert_int_equal(msg_get_mailbox(&m.data, &mb), 0);
	assert_true(bytes_eq(mb.name, bytes_of("C")));
	drv_want(&d, &m, MSG_DONE, list);
	srv_say(&d, "* STATUS A (UIDNEXT 7)\r\n");
	want_nothing(&d);
	drv_stop(&d);
}

static void
notify_refused(void **state)
{
	const char	*names[] = { "A", NULL };
	struct drv	 d;
	uint32_t	 id;

	begin(&d);
	id = notify(&d, NOTIFY_NAMES, names);
	srv_want(&d, "NOTIFY SET");
	srv_tagged(&d, "NO [BADEVENT (MessageNew)] not these");
	drv_fails(&d, id, FAIL_NO, "NOTIFY refused: not these; allow");
	srv_say(&d, "* STATUS A (UIDNEXT 7)\r\n");
	want_nothing(&d);
	id = notify(&d, NOTIFY_NAMES, names);
	srv_want(&d, "NOTIFY SET");
	srv_tagged(&d, "BAD what");
	drv_fails(&d, id, FAIL_BAD, "NOTIFY refused: what");
	drv_stop(&d);
}

/* RFC 5465 section 5.8: it tells no more. */
static void
notify_overflow(void **state)
{
	struct drv	 d;

	begin(&d);
	srv_say(&d, "* OK [NOTIFICATIONOVERFLOW] what?\r\n");
	want_nothing(&d);
	watch(&d);
	srv_say(&d, "* OK [NOTIFICATIONOVERFLOW] too much\r\n");
	want_told(&d, "");
	srv_say(&d, "* STATUS A (UIDNEXT 7)\r\n"
	    "* OK [NOTIFICATIONOVERFLOW] too much\r\n");
	want_nothing(&d);
	watch(&d);
	srv_say(&d, "* STATUS A (UIDNEXT 8)\r\n");
	want_told(&d, "A");
	drv_stop(&d);
}

/* What a server tells unasked is bounded, until it is asked again. */
static void
notify_flood(void **state)
{
	struct drv	 d;
	int		 i, round;

	begin(&d);
	for (round = 0; round < 2; round++) {
		watch(&d);
		for (i = 0; i < TOLD_MAX + 500; i++)
			srv_say(&d, "* STATUS A (UIDNEXT %d)\r\n", i + 1);
		for (i = 0; i < TOLD_MAX; i++)
			want_told(&d, "A");
		want_told(&d, "");
		want_nothing(&d);
	}
	drv_stop(&d);
}

/* The server's deadline is for what it owes. */
static void
notify_patience(void **state)
{
	struct drv_conf	 conf = { .timeout = 1 };
	struct imsg	 m;
	struct drv	 d;

	drv_script(&d);
	drv_config(&d, &conf);
	srv_say(&d, "* PREAUTH [CAPABILITY " DRV_CAPS " NOTIFY] hello\r\n");
	drv_want(&d, &m, MSG_DONE, 1);
	drv_want(&d, &m, MSG_READY, 0);
	drv_want(&d, &m, MSG_DONE, 2);
	notify(&d, NOTIFY_NAMES, NULL);
	srv_enable(&d);
	srv_want(&d, "NOTIFY SET");
	srv_tagged(&d, "OK");
	drv_next(&d, &m);
	assert_int_equal(m.type, MSG_DONE);
	usleep(2500000);
	srv_say(&d, "* STATUS A (UIDNEXT 7)\r\n");
	want_told(&d, "A");
	want_nothing(&d);
	drv_send(&d, MSG_NOOP, NULL);
	srv_want(&d, "NOOP");
	drv_fails(&d, 0, FAIL_NET, "no answer");
	assert_true(drv_eof(&d));
	drv_stop(&d);
}

static void
notify_gone(void **state)
{
	struct drv	 d;

	begin(&d);
	watch(&d);
	srv_say(&d, "* BYE restarting\r\n");
	drv_fails(&d, 0, FAIL_NET, "restarting");
	assert_true(drv_eof(&d));
	drv_stop(&d);
	begin(&d);
	watch(&d);
	close(d.srv);
	d.srv = -1;
	drv_fails(&d, 0, FAIL_NET, "closed the connection");
	drv_stop(&d);
}

static void
notify_malformed(void **state)
{
	const char	*names[] = { "A", NULL }, *empty[] = { "", NULL };
	struct drv	 d;

	begin(&d);
	notify(&d, NOTIFY_PERSONAL + 1, NULL);
	drv_fails(&d, 0, FAIL_INTERNAL, "malformed NOTIFY");
	drv_stop(&d);
	begin(&d);
	notify(&d, NOTIFY_PERSONAL, names);
	drv_fails(&d, 0, FAIL_INTERNAL, "malformed NOTIFY");
	drv_stop(&d);
	begin(&d);
	notify(&d, NOTIFY_NAMES, empty);
	drv_fails(&d, 0, FAIL_INTERNAL, "malformed NOTIFY");
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(notify_commands),
		cmocka_unit_test(notify_told),
		cmocka_unit_test(notify_not_told),
		cmocka_unit_test(notify_none),
		cmocka_unit_test(notify_refused),
		cmocka_unit_test(notify_overflow),
		cmocka_unit_test(notify_flood),
		cmocka_unit_test(notify_patience),
		cmocka_unit_test(notify_gone),
		cmocka_unit_test(notify_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
