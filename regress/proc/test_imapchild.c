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
 * imapchild against a scripted server: the session, the parent's bad frames,
 * and how a connection ends.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

static void
expect_ready(struct drv *d)
{
	struct imsg		 m;
	struct msg_ready	 r;

	drv_want(d, &m, MSG_READY, 0);
	assert_int_equal(msg_get_ready(&m.data, &r), 0);
	assert_int_equal(r.version, MSG_VERSION);
	assert_true(r.caps & CAP_QRESYNC);
	drv_want(d, &m, MSG_DONE, 2);
}

static void
begin(struct drv *d, const struct drv_conf *conf)
{
	struct imsg	 m;

	drv_script(d);
	drv_config(d, conf);
	drv_want(d, &m, MSG_DONE, 1);
}

static void
session_preauth_list(void **state)
{
	struct drv		 d;
	struct imsg		 m;
	struct msg_mailbox	 mb;
	uint32_t		 id;

	drv_ready(&d, DRV_CAPS);
	srv_silent(&d);			/* ENABLE waits for the first request */
	id = drv_list(&d, "*");
	srv_want(&d, "ENABLE QRESYNC");
	srv_want(&d, "LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (UIDVALIDITY "
	    "UIDNEXT HIGHESTMODSEQ MESSAGES))");	/* the same flight */
	srv_say(&d, "* ENABLED QRESYNC\r\n000000 OK enabled\r\n"
	    "* LIST (\\Subscribed) \"/\" INBOX\r\n"
	    "* LIST (\\Noselect) \"/\" {3}\r\na\"b\r\n"
	    "* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 9 HIGHESTMODSEQ 12 "
	    "MESSAGES 3)\r\n");
	srv_tagged(&d, "OK listed");
	drv_want(&d, &m, MSG_MAILBOX, id);
	assert_int_equal(msg_get_mailbox(&m.data, &mb), 0);
	assert_true(bytes_eq(mb.name, bytes_of("INBOX")));
	assert_int_equal(mb.delim, '/');
	assert_int_equal(mb.attrs, ATTR_SUBSCRIBED);
	assert_int_equal(mb.uidvalidity, 7);
	assert_int_equal(mb.uidnext, 9);
	assert_int_equal(mb.modseq, 12);
	assert_int_equal(mb.messages, 3);
	drv_want(&d, &m, MSG_MAILBOX, id);
	assert_int_equal(msg_get_mailbox(&m.data, &mb), 0);
	assert_true(bytes_eq(mb.name, bytes_of("a\"b")));
	assert_int_equal(mb.has, 0);
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

static void
session_logout(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 id, noop;

	drv_ready(&d, DRV_CAPS);
	noop = drv_send(&d, MSG_NOOP, NULL);
	id = drv_send(&d, MSG_LOGOUT, NULL);
	srv_enable(&d);
	srv_want(&d, "NOOP");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, noop);
	srv_want(&d, "LOGOUT");
	drv_want(&d, &m, MSG_DONE, id);		/* its answer is not awaited */
	assert_true(drv_eof(&d));
	assert_int_equal(drv_status(&d), 0);
	drv_stop(&d);
}

static void
login_refused(struct drv *d, const char *answer, enum fail_kind kind,
    const char *words)
{
	srv_tagged(d, answer);
	drv_fails(d, 0, kind, words);
	assert_true(drv_eof(d));
	drv_stop(d);
}

static void
session_plain_ir(void **state)
{
	struct drv_conf	 conf = { .user = "joe", .password = "s3cret word",
			    .debug = 1 };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello\r\n");
	srv_want(&d, "AUTHENTICATE PLAIN AGpvZQBzM2NyZXQgd29yZA==");
	srv_say(&d, "%s OK [CAPABILITY " DRV_CAPS "] in\r\n", d.tag);
	expect_ready(&d);
	assert_non_null(d.logs);
	assert_non_null(strstr(d.logs, "C: xxx AUTHENTICATE PLAIN [REDACTED]"));
	assert_non_null(strstr(d.logs, "S: xxx OK"));
	assert_null(strstr(d.logs, "AGpvZ"));
	assert_null(strstr(d.logs, "s3cret"));
	drv_stop(&d);
}

/* Without SASL-IR the credentials wait for "+"; capabilities are asked for. */
static void
session_plain_wait(void **state)
{
	struct drv_conf	 conf = { .user = "joe", .password = "s3cret word" };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* OK hello\r\n");
	srv_want(&d, "CAPABILITY");
	srv_say(&d, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n");
	srv_tagged(&d, "OK");
	srv_want(&d, "AUTHENTICATE PLAIN");
	srv_silent(&d);
	srv_say(&d, "+ \r\n");
	srv_octets(&d, "AGpvZQBzM2NyZXQgd29yZA==\r\n");
	srv_tagged(&d, "OK in");
	srv_want(&d, "CAPABILITY");
	srv_say(&d, "* CAPABILITY " DRV_CAPS "\r\n");
	srv_tagged(&d, "OK");
	expect_ready(&d);
	drv_stop(&d);
}

static void
session_login(void **state)
{
	struct drv_conf	 conf = { .user = "joe", .password = "a\"b\\c",
			    .auth = "LOGIN", .debug = 1 };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n");
	srv_want(&d, "LOGIN \"joe\" \"a\\\"b\\\\c\"");
	assert_null(d.logs != NULL ? strstr(d.logs, "joe") : NULL);
	login_refused(&d, "NO [AUTHENTICATIONFAILED] wrong", FAIL_AUTH,
	    "wrong");
}

static void
session_login_disabled(void **state)
{
	struct drv_conf	 conf = { .user = "joe", .password = "x" };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED]\r\n");
	drv_fails(&d, 0, FAIL_AUTH, "Logins are disabled.");
	drv_stop(&d);
}

/* Whoever sits in between must not get the password. */
static void
session_starttls(void **state)
{
	static const struct {
		const char	*greeting, *answer, *words;
	} t[] = {
		{ "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n", NULL,
		    "did not advertise STARTTLS" },
		{ "* PREAUTH [CAPABILITY " DRV_CAPS "] x\r\n", NULL,
		    "no way to STARTTLS" },
		{ "* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n",
		    "NO not now\r\n", "STARTTLS failed" },
		{ "* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n",
		    "OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
		    "injected" },
		{ "* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n",
		    "OK go\r\n* CAPA", "injected" }
	};
	struct drv_conf	 conf = { .user = "joe", .password = "x" };
	struct drv	 d;
	struct imsg	 m;
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		drv_listen(&d, &conf);
		drv_want(&d, &m, MSG_DONE, 1);
		srv_say(&d, "%s", t[i].greeting);
		if (t[i].answer != NULL) {
			srv_want(&d, "STARTTLS");
			srv_say(&d, "%s %s", d.tag, t[i].answer);
		}
		drv_fails(&d, 0, FAIL_TLS, t[i].words);
		drv_stop(&d);
	}
}

static void
session_no_mechanism(void **state)
{
	struct drv_conf	 conf = { .user = "joe", .password = "x",
			    .auth = "PLAIN" };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* OK [CAPABILITY IMAP4rev1] x\r\n");
	drv_fails(&d, 0, FAIL_AUTH, "Failed to choose");
	drv_stop(&d);
}

static void
session_no_qresync(void **state)
{
	struct drv_conf	 conf = { 0 };
	struct drv	 d;

	begin(&d, &conf);
	srv_say(&d, "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE UIDPLUS "
	    "LIST-EXTENDED LIST-STATUS] x\r\n");
	drv_fails(&d, 0, FAIL_CAPABILITY, "Non QRESYNC-capable IMAP server.");
	drv_stop(&d);
}

/* iCloud: OK, but nothing was enabled. */
static void
session_enable_empty(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	drv_list(&d, "*");
	srv_want(&d, "ENABLE QRESYNC");
	srv_tagged(&d, "OK enabled");
	drv_fails(&d, 0, FAIL_CAPABILITY, "did not enable QRESYNC");
	drv_stop(&d);
}

static void
session_bye(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	drv_list(&d, "*");
	srv_enable(&d);
	srv_say(&d, "* BYE shutting \033[31mdown\r\n");
	drv_fails(&d, 0, FAIL_NET, "shutting");
	assert_true(drv_eof(&d));
	drv_stop(&d);
}

static void
session_eof_in_literal(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	drv_list(&d, "*");
	srv_enable(&d);
	srv_say(&d, "* LIST () \"/\" {30}\r\nabc");
	shutdown(d.srv, SHUT_WR);
	drv_fails(&d, 0, FAIL_NET, "in the middle");
	drv_stop(&d);
}

static void
session_unknown_tag(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	srv_say(&d, "000099 OK what\r\n");
	drv_fails(&d, 0, FAIL_PROTOCOL, "unknown tag");
	drv_stop(&d);
}

static void
session_unwanted_plus(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	srv_say(&d, "+ go on\r\n");
	drv_fails(&d, 0, FAIL_PROTOCOL, "continuation");
	drv_stop(&d);
}

static void
session_deadline(void **state)
{
	struct drv_conf	 conf = { .timeout = 1 };
	struct drv	 d;

	begin(&d, &conf);
	drv_fails(&d, 0, FAIL_NET, "no answer from the server for 1 seconds");
	drv_stop(&d);
}

/* A frame that is cut, of another direction, or comes too early. */
static void
parent_bad_frames(void **state)
{
	struct drv_conf	 conf = { 0 };
	struct drv	 d;
	struct ibuf	 buf;

	drv_ready(&d, DRV_CAPS);
	ibuf_init(&buf);
	ibuf_add_u32(&buf, 200);
	ibuf_add_raw(&buf, "abcdefghi", 9);
	drv_send(&d, MSG_LIST, &buf);
	drv_fails(&d, 0, FAIL_INTERNAL, "malformed LIST");
	assert_true(drv_eof(&d));
	assert_int_not_equal(drv_status(&d), 0);
	drv_stop(&d);

	drv_ready(&d, DRV_CAPS);
	drv_send(&d, MSG_STATE, &buf);
	drv_fails(&d, 0, FAIL_INTERNAL, "bad request");
	drv_stop(&d);

	drv_script(&d);
	drv_send(&d, MSG_NOOP, NULL);
	drv_fails(&d, 0, FAIL_INTERNAL, "before CONNECT");
	drv_stop(&d);

	drv_ready(&d, DRV_CAPS);
	drv_config(&d, &conf);
	drv_fails(&d, 0, FAIL_INTERNAL, "bad request CONFIG");
	drv_stop(&d);
	ibuf_free(&buf);
}

static void
parent_gone(void **state)
{
	struct drv	 d;

	drv_ready(&d, DRV_CAPS);
	drv_list(&d, "*");
	srv_enable(&d);
	drv_stop(&d);			/* it ends by itself */
}

/* Requests sent before READY wait. */
static void
parent_early_request(void **state)
{
	struct drv_conf	 conf = { 0 };
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 id;

	begin(&d, &conf);
	id = drv_send(&d, MSG_NOOP, NULL);
	srv_say(&d, "* PREAUTH [CAPABILITY " DRV_CAPS "] x\r\n");
	expect_ready(&d);
	srv_enable(&d);
	srv_want(&d, "NOOP");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, id);
	drv_stop(&d);
}

/* Names: atom, quoted, literal; a refused synchronizing literal. */
static void
names(void **state)
{
	struct drv	 d;
	struct imsg	 m;
	uint32_t	 a, b, c, e;

	drv_ready(&d, "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED "
	    "LIST-STATUS");
	a = drv_name(&d, MSG_CREATE, "a.b");
	b = drv_name(&d, MSG_CREATE, "a \"b\\");
	c = drv_name(&d, MSG_CREATE, "caf\303\251");
	e = drv_name(&d, MSG_SUBSCRIBE, "nil");
	srv_enable(&d);
	srv_want(&d, "CREATE a.b");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, a);
	srv_want(&d, "CREATE \"a \\\"b\\\\\"");
	srv_tagged(&d, "NO [ALREADYEXISTS] there");
	drv_fails(&d, b, FAIL_NO, "ALREADYEXISTS there");
	srv_want(&d, "CREATE {5}");
	srv_silent(&d);
	srv_tagged(&d, "NO not such names");
	drv_fails(&d, c, FAIL_NO, "not such");
	srv_want(&d, "SUBSCRIBE \"nil\"");
	srv_tagged(&d, "BAD what");
	drv_fails(&d, e, FAIL_BAD, "what");
	c = drv_name(&d, MSG_CREATE, "caf\303\251");
	srv_want(&d, "CREATE {5}");
	srv_say(&d, "+ go\r\n");
	srv_octets(&d, "caf\303\251\r\n");
	srv_tagged(&d, "OK");
	drv_want(&d, &m, MSG_DONE, c);
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_preauth_list),
		cmocka_unit_test(session_logout),
		cmocka_unit_test(session_plain_ir),
		cmocka_unit_test(session_plain_wait),
		cmocka_unit_test(session_login),
		cmocka_unit_test(session_login_disabled),
		cmocka_unit_test(session_starttls),
		cmocka_unit_test(session_no_mechanism),
		cmocka_unit_test(session_no_qresync),
		cmocka_unit_test(session_enable_empty),
		cmocka_unit_test(session_bye),
		cmocka_unit_test(session_eof_in_literal),
		cmocka_unit_test(session_unknown_tag),
		cmocka_unit_test(session_unwanted_plus),
		cmocka_unit_test(session_deadline),
		cmocka_unit_test(parent_bad_frames),
		cmocka_unit_test(parent_gone),
		cmocka_unit_test(parent_early_request),
		cmocka_unit_test(names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
