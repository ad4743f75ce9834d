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
 * imapchild speaks IMAP with one server for its parent.
 *
 *	fd 3	frames from and to the parent (lib/msg.h)
 *	fd 4	message octets from and to the other imapchild (body.h)
 *	fd 5	the tunnel's socket, for type=tunnel
 *
 * main.c	starts: configuration, connection, lock
 * loop.c	the one poll loop; io.c moves the octets
 * parent.c	frames: the table of requests, events, logs
 * session.c	from the greeting to READY; auth.c the credentials
 * ahead.c	what goes together with the login, by what the last run saw
 * compress.c	COMPRESS behind the first requests, and what it saved
 * answer.c	what resp.c parsed, given to the command it belongs to
 * op.c		the life of a request: queued, run, answered, DONE or FAIL
 * select.c	which mailbox is selected, and was it the right one
 * ops_*.c	one group of requests each
 *
 * A request (struct op) runs when its turn comes, writing its commands without
 * waiting for the answers of earlier ones.  A command (command.h) belongs to
 * an op and, where it works on messages, to a selection (struct selected),
 * whose answer is usually still to come: it decides afterwards whether what
 * the command brought is reported at all.
 *
 * Order: an op that waits (COPY_IN for its first body, EXPUNGE for its second
 * flight) holds back later ops of the same mailbox only, and no COPY_OUT at
 * all.  Without that exception two imapchildren could wait for each other's
 * bodies for ever.
 */
#ifndef IMAPCHILD_H
#define IMAPCHILD_H

#include <sys/queue.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "body.h"
#include "command.h"
#include "imsg.h"
#include "log.h"
#include "msg.h"
#include "resp.h"
#include "transport.h"

#define PARENT_FD	3
#define TUNNEL_FD	5

#define IO_BUFSIZE	65536	/* one read from, one write to the server */
#define BODY_PIECE	4096	/* smaller pieces of a body wait for room */
#define SINK_HIGH	(256 << 10)	/* an APPEND's octets not yet written */
#define SINK_LOW	(SINK_HIGH / 2)	/* then more are taken again */
#define HELD_MAX	(64 << 20)	/* events kept until SELECT's answer */
#define LIST_MAX	200000		/* mailboxes of one LIST */
#define TEXT_MAX	1000		/* octets of a text in a FAIL */
#define OFFERED_MAX	256		/* of the names of mechanisms told */
#define TOLD_MAX	1000		/* events of one NOTIFY */

struct child;
struct digest;
struct op;
struct sasl;

/* Why something failed; kind 0: it did not (yet).  Owns its texts. */
struct failure {
	uint8_t	 kind;			/* FAIL_* */
	char	*code;			/* response code, or NULL */
	char	*text;
};

/* A mailbox that SELECT was written for.  Counted references. */
enum sel_state { SEL_PENDING, SEL_OK, SEL_FAILED };
struct selected {
	unsigned int	 refs;
	char		*name;
	size_t		 namelen;
	enum sel_state	 state;
	int		 closed;	/* NO or BAD: nothing selected */
	unsigned int	 has;		/* SEL_HAS_* */
#define SEL_HAS_UIDVALIDITY	0x01
#define SEL_HAS_MODSEQ		0x02
#define SEL_HAS_PERM		0x04
	struct msg_selected info;	/* as of the SELECT's own answer */
	struct flags	 flags;		/* of the FLAGS response */
	struct failure	 fail;
};

/* A frame that waits for the SELECT's answer. */
struct held {
	TAILQ_ENTRY(held) entry;
	uint16_t	 type;
	struct ibuf	 buf;
};
TAILQ_HEAD(helds, held);

/* Items gathered into one frame. */
struct batch {
	uint16_t	 type;
	struct ibuf	 buf;
	size_t		 at;		/* where the count stands */
	uint32_t	 n;
};

/* One request of the parent. */
struct op {
	TAILQ_ENTRY(op)	 entry;
	uint32_t	 id;
	const struct request *req;
	char		*name;		/* its mailbox, or NULL */
	size_t		 namelen;
	uint32_t	 uidvalidity;	/* 0: any */
	struct selected	*sel;
	int		 started;	/* all its commands are in the queue */
	int		 ahead;		/* they went together with the login */
	unsigned int	 pending;	/* commands not yet answered */
	struct failure	 fail;
	struct batch	 batch;
	struct uidset	 ranges;	/* for VANISHED, UIDS, STORED */
	struct uidset	 asked;		/* what FETCH, STORE are about */
	uint8_t		 wanted;	/* ID_*: the digest asked for */
	struct digest	*digest;	/* of the body that streams by */
	int		 digested;	/* sum is that of the message at hand */
	uint8_t		 sum[ID_DIGEST];
	struct uidset	 searched;	/* what SEARCH is about: UIDS follow */
	int		 holding;	/* events wait for the SELECT */
	struct helds	 held;
	size_t		 heldsize;
	void		*arg;		/* of its ops_*.c */
};
TAILQ_HEAD(ops, op);

/*
 * What can be asked: a row per message type.  parse fills the op from the
 * payload: 0, or -1 ill-formed.  run writes commands: 1 when all are written,
 * 0 when the op must be run again later.  finish is called once, when all are
 * answered, before DONE or FAIL; release frees arg.  Both may be NULL.
 */
struct request {
	uint16_t	 type;
	unsigned int	 flags;
#define REQ_OVERTAKES	0x01		/* never waits for another op */
#define REQ_ALWAYS	0x02		/* is run although it failed */
#define REQ_LAST	0x04		/* waits until it is the only one */
#define REQ_ORDERED	0x08		/* reported in order among its type */
	int		 (*parse)(struct op *, struct ibuf *);
	int		 (*run)(struct child *, struct op *);
	void		 (*finish)(struct child *, struct op *);
	void		 (*release)(struct op *);
};

/*
 * What a command makes of the answers to it.  All may be NULL.  done gets the
 * tagged answer; NULL stands for op_answer().  cont gets the text of a "+".
 */
struct cmd_calls {
	const char	*name;
	void	(*status)(struct child *, struct command *,
		    const struct resp_status *);
	void	(*done)(struct child *, struct command *,
		    const struct resp_status *);
	void	(*cont)(struct child *, struct command *, const char *);
	void	(*list)(struct child *, struct command *,
		    const struct resp_list *);
	void	(*mailboxstatus)(struct child *, struct command *,
		    const struct resp_statusdata *);
	void	(*exists)(struct child *, struct command *, uint32_t);
	void	(*flags)(struct child *, struct command *,
		    const struct flags *);
	void	(*range)(struct child *, struct command *, enum resp_set,
		    uint32_t, uint32_t);
	void	(*set_end)(struct child *, struct command *, enum resp_set);
	void	(*fetch)(struct child *, struct command *,
		    const struct resp_fetch *);
	void	(*body_begin)(struct child *, struct command *,
		    const struct resp_fetch *, int);
	ssize_t	(*body_data)(struct child *, struct command *, const char *,
		    size_t);
	void	(*body_end)(struct child *, struct command *);
};

enum phase {
	PHASE_HANDSHAKE,	/* of TLS; nothing of IMAP yet */
	PHASE_GREETING,
	PHASE_LOGIN,		/* capabilities, STARTTLS, credentials */
	PHASE_UPGRADE,		/* STARTTLS was answered OK */
	PHASE_READY,
	PHASE_LOGOUT,		/* BYE is what we asked for */
	PHASE_OVER		/* only the parent's queue is flushed */
};

/* COMPRESS (RFC 4978): not wanted, not yet asked for, and so on. */
enum compress {
	COMPRESS_OFF, COMPRESS_WANTED, COMPRESS_ASKED, COMPRESS_AGREED,
	COMPRESS_ON
};

/* Whether a direction of the transport may be tried, and else for what poll. */
struct direction {
	int	 ready;
	short	 want;
};

struct child {
	struct imsgbuf	 parent;
	struct transport *tr;
	struct tlsconf	*tls;
	struct resp	*resp;
	struct cmdq	 cmdq;
	enum phase	 phase;

	uint8_t		*confbuf;	/* CONFIG's payload, until logged in */
	size_t		 confsize;
	struct msg_config conf;		/* texts point into confbuf */
	uint32_t	 connectid;	/* request id of CONNECT */

	uint64_t	 caps;		/* CAP_* */
	uint64_t	 appendlimit;	/* RFC 7889; 0: not told */
	uint32_t	 mechs;		/* offered, by sasl_bit() */
	uint64_t	 remembered;	/* CAP_* of the last run, or 0 */
	uint32_t	 listed;	/* the mailboxes it saw, or 0 */
	int		 ahead;		/* more went together with the login */
	size_t		 aheadroom;	/* octets of LIST that still may */
	int		 enableahead, compressahead;	/* these did */
	int		 capsasked;	/* and CAPABILITY, not yet answered */
	int		 doubted;	/* the server did not take it */
	struct sasl	*sasl;		/* the login under way, or NULL */
	char		 offered[OFFERED_MAX];	/* all AUTH=, as text */
	int		 exposed;	/* in the clear, and not to ourselves */
	int		 knowscaps;	/* since the last change of state */
	int		 upgraded;	/* STARTTLS is done */
	int		 loggedin;
	int		 watching;	/* NOTIFY SET is in force */
	unsigned int	 told;		/* events since then */
	int		 enabling;	/* ENABLE QRESYNC is in the queue */
	int		 enabled;	/* ENABLED named QRESYNC */
	int		 quiet;		/* credentials under way: no trace */
	enum compress	 compress;
	const struct command *about;	/* of the line being logged, or NULL */

	struct ops	 ops;		/* in the order asked */
	struct command	*bodycmd;	/* whose body streams by, or NULL */
	struct selected	*sel;		/* after all that is in the queue */
	struct selected	*barrier;	/* nothing starts before its answer */

	char		 rbuf[IO_BUFSIZE];	/* from the server */
	size_t		 rpos, rlen;
	uint8_t		 wbuf[IO_BUFSIZE];	/* to the server */
	size_t		 wpos, wlen;
	struct direction rd, wr;
	uint64_t	 received, sent;	/* octets of IMAP */
	uint64_t	 plainrecv, plainsent;	/* those before COMPRESS */
	time_t		 progress;	/* monotonic: the last octet moved */

	int		 bodyfd;	/* -1: the other end is gone */
	struct bodypool	 bodypool;
	struct bodybuf	 bodyout;
	uint8_t		 bodyin[BODY_CHUNK + BODY_HEADER];
	size_t		 bpos, blen;	/* octets of bodyin not yet used */
	uint64_t	 bodyleft;	/* of the DATA at hand */
	int		 bodydry;	/* bodyfd gives nothing until poll says so */
	int		 sinkfull;	/* SINK_HIGH was met, not yet SINK_LOW */
	int		 bodyeof;
	int		 exitcode;
};

/* loop.c */
int	 loop_run(struct child *);	/* until the end; the exit status */

/* io.c: steps of the loop; they never block. */
void	 io_server_read(struct child *);
void	 io_server_write(struct child *);
void	 io_parent_read(struct child *);
void	 io_parent_frames(struct child *);	/* those read already */
void	 io_body_write(struct child *);
int	 io_body_read(struct child *);	/* 1: something moved */
/* Octets from the server wait for room in the body channel's buffer. */
int	 io_blocked(const struct child *);
/* io_server_read() would get on without poll(2). */
int	 io_readable(const struct child *);
/* The server owes us something; so does the other one while we are blocked. */
int	 io_awaiting(const struct child *);

/* parent.c */
void	 parent_frame(struct child *, struct imsg *);
/* The connection, or we, cannot go on: FAIL with id 0, then the end. */
void	 child_fail(struct child *, enum fail_kind, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	 child_log(void *, enum loglevel, const char *);
/* A line of the traffic ('C', 'S') that belongs to this command, or NULL. */
void	 child_trace(struct child *, const struct command *, char, const char *,
	    size_t);
void	 event(struct child *, struct op *, uint16_t, const struct ibuf *);
void	 event_fail(struct child *, uint32_t, const struct failure *);
void	 event_flush(struct child *, struct op *);
void	 event_changed(struct child *, struct op *, const struct resp_fetch *);
void	 event_message(struct child *, struct op *, const struct msg_message *);
/* Send the op's gathered ranges as frames of a type, and empty them. */
void	 event_ranges(struct child *, struct op *, uint16_t);
/* Send what waited for the SELECT's answer, or drop it. */
void	 event_release(struct child *, struct op *, int);

/* session.c, auth.c */
void	 session_start(struct child *);	/* the transport is up */
void	 session_greeting(struct child *, const struct resp_status *);
void	 session_capability(struct child *, const char *);
void	 session_enabled(struct child *, const char *);
void	 session_enable(struct child *);	/* before the first request */
void	 session_login(struct child *);	/* the credentials were accepted */
void	 session_learn(struct child *);	/* capabilities, then the next step */
/* A capability we need and these are without, or NULL. */
const char *session_missing(uint64_t);
void	 auth_start(struct child *);
void	 auth_forget(struct child *);	/* wipe all that held credentials */
/* What the server said, or a word instead when that repeats the password. */
const char *auth_text(const struct child *, const char *);
/* Log a line of the server that came while credentials were under way. */
void	 auth_trace(const struct child *, const char *);

/* ahead.c */
void	 ahead_begin(struct child *);	/* the login stands in the queue */
/* The op may be run now: always when READY, else if it may go ahead. */
int	 ahead_may(struct child *, const struct op *);
/* The capabilities to go by: what the last run saw, while ours are unknown. */
uint64_t ahead_caps(const struct child *);
/*
 * 1: this answer to what went ahead, or that it was not done in spite of an OK,
 * means that it must be asked again.
 */
int	 ahead_refused(struct child *, const struct resp_status *, int);
void	 ahead_taken(struct child *);	/* the server takes what goes ahead */
void	 ahead_judge(struct child *, const struct resp_status *); /* no login */
void	 ahead_broken(struct child *, enum fail_kind);	/* no connection */

/* compress.c */
/* Before the first requests, where the answer to LIST will be long. */
void	 compress_first(struct child *);
void	 compress_ask(struct child *);	/* when nothing else is to be said */
void	 compress_begin(struct child *);	/* the answer was read */
void	 compress_report(const struct child *);	/* how much went through */

/* answer.c */
extern const struct resp_calls answer_calls;

/* op.c */
struct op *op_new(const struct request *, uint32_t);
void	 op_free(struct op *);
void	 ops_free(struct child *);
void	 ops_run(struct child *);	/* start what may start */
int	 ops_settle(struct child *);	/* report what is over; 1: some was */
int	 op_mailbox(struct op *, struct bytes, uint32_t); /* 0, -1 */
/* The first failure of an op counts; the texts are copied. */
void	 op_fail(struct op *, enum fail_kind, const char *, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
void	 op_fail_status(struct op *, const struct resp_status *);
/* The op failed if this tagged answer is not OK. */
void	 op_answer(struct op *, const struct resp_status *);
/* A command of the op, in its selection if insel; never NULL. */
struct command *op_command(struct child *, struct op *,
	    const struct cmd_calls *, int);
/* What this command brings is worth reporting. */
int	 op_live(const struct command *);
/* cmd_uidset() where at least one range is known to fit. */
void	 op_uidset(struct command *, const struct uidset *, size_t *, size_t);
void	 failure_free(struct failure *);
void	 failure_set(struct failure *, enum fail_kind, const char *,
	    const char *);

/* select.c */
extern const struct cmd_calls select_calls;
/*
 * Have the op's mailbox selected behind all that is in the queue, and let
 * op->sel be that.  0; or -1: the op has failed by what is known already.
 */
int	 select_mailbox(struct child *, struct op *);
/* The same, but always by a new SELECT, with QRESYNC if modseq is not 0. */
void	 select_again(struct child *, struct op *, uint64_t,
	    const struct cmd_calls *);
/* UNSELECT, if anything may be open; a command of the op. */
void	 select_close(struct child *, struct op *);
/* Fail the op if its selection failed, or showed another UIDVALIDITY. */
int	 select_check(struct op *, const struct selected *);
/* The op's mailbox is selected now, answered, and the right one. */
int	 select_confirmed(const struct child *, const struct op *);
struct selected *selected_ref(struct selected *);
void	 selected_unref(struct selected *);	/* accepts NULL */
/* Parts of select_calls for those who add to it (ops_pull.c). */
void	 select_status(struct child *, struct command *,
	    const struct resp_status *);
void	 select_exists(struct child *, struct command *, uint32_t);
void	 select_flags(struct child *, struct command *, const struct flags *);
void	 select_done(struct child *, struct command *,
	    const struct resp_status *);

/* ops_*.c: rows of the table in parent.c */
int	 list_parse(struct op *, struct ibuf *);
int	 list_run(struct child *, struct op *);
/* Octets of its payload; 0: it needs a literal. */
size_t	 list_plain(const struct op *);
void	 list_finish(struct child *, struct op *);
void	 list_release(struct op *);
int	 name_parse(struct op *, struct ibuf *);
int	 rename_parse(struct op *, struct ibuf *);
int	 none_parse(struct op *, struct ibuf *);
int	 create_run(struct child *, struct op *);
int	 delete_run(struct child *, struct op *);
int	 rename_run(struct child *, struct op *);
int	 subscribe_run(struct child *, struct op *);
int	 unsubscribe_run(struct child *, struct op *);
int	 noop_run(struct child *, struct op *);
int	 unselect_run(struct child *, struct op *);
int	 logout_run(struct child *, struct op *);
int	 notify_parse(struct op *, struct ibuf *);
int	 notify_run(struct child *, struct op *);
void	 notify_release(struct op *);
/* What the server tells by itself, while nothing but NOOP is asked. */
void	 notify_list(struct child *, struct command *,
	    const struct resp_list *);
void	 notify_status(struct child *, struct command *,
	    const struct resp_statusdata *);
void	 notify_overflow(struct child *);
void	 arg_release(struct op *);	/* free(arg) */
int	 pull_parse(struct op *, struct ibuf *);
int	 pull_run(struct child *, struct op *);
int	 uids_parse(struct op *, struct ibuf *);
int	 uidsid_parse(struct op *, struct ibuf *);
int	 getflags_run(struct child *, struct op *);
int	 getmeta_run(struct child *, struct op *);
int	 search_run(struct child *, struct op *);
extern const struct cmd_calls search_calls, expunge_calls;
void	 fetch_finish(struct child *, struct op *);	/* also of PULL */
/* Write the FETCH or SEARCH of the UIDs asked for, in the op's selection. */
void	 fetch_meta(struct child *, struct op *);
void	 fetch_search(struct child *, struct op *, uint32_t);
int	 store_parse(struct op *, struct ibuf *);
int	 store_run(struct child *, struct op *);
void	 store_finish(struct child *, struct op *);
void	 store_release(struct op *);
int	 expunge_parse(struct op *, struct ibuf *);
int	 expunge_run(struct child *, struct op *);
void	 expunge_finish(struct child *, struct op *);
int	 copyout_parse(struct op *, struct ibuf *);
int	 copyout_run(struct child *, struct op *);
/* 1: a FETCH of bodies is under way, or will be. */
int	 copyout_pending(struct child *);
void	 copyout_limit(struct child *);
void	 copyout_finish(struct child *, struct op *);
void	 copyout_release(struct op *);
int	 copyin_parse(struct op *, struct ibuf *);
int	 copyin_run(struct child *, struct op *);
void	 copyin_release(struct op *);
/* The body channel, as io.c sees it: the COPY_IN whose turn it is. */
struct op *copyin_current(struct child *);
int	 copyin_wants(struct child *, struct op *);
/* A frame's header: 1 taken; 0 not now.  Failures end the connection. */
int	 copyin_frame(struct child *, struct op *, const struct body_frame *);
void	 copyin_data(struct child *, struct op *, const uint8_t *, size_t);
void	 copyin_abort(struct child *, struct op *);	/* also: end of file */

#endif
