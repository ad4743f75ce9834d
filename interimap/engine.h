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
 * The sync engine, seen from outside.  It owns no descriptor, reads no clock
 * and never waits: it is told of each message that arrives from the two
 * imapchildren and from statedb, and hands over the messages it wants sent.
 * interimap/session.c connects it to real children, regress/model to two
 * model servers.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "imsg.h"
#include "log.h"
#include "msg.h"

enum peer { PEER_LOCAL = LOCAL, PEER_REMOTE = REMOTE, PEER_DB = 2 };
#define NPEERS	3

/* How a run ended; the worst of all mailboxes counts (see interimap(1)). */
enum outcome {
	OUT_DONE = 0,
	OUT_FAILED = 1,		/* a failure without a value of its own */
	OUT_PARTIAL = 2,	/* some mailbox or message was left out */
	OUT_GUARD = 3,		/* deletions were held back */
	OUT_INTERNAL = 70,	/* a defect here, or in a child */
	OUT_TEMPORARY = 75,	/* worth trying again */
	OUT_AUTH = 77,		/* authentication or certificate refused */
	OUT_CONFIG = 78
};
/* The one that counts of two: 70, 78, 77, 75, 1, 3, 2, 0 in this order. */
enum outcome	 outcome_worse(enum outcome, enum outcome);

#define SIDE_NONE	(-1)	/* said of no server */
#define SIDE_DB		2	/* said of the database */

/* What a run does. */
enum command { CMD_SYNC, CMD_REPAIR, CMD_RESET, CMD_DELETE, CMD_RENAME };
/* Where CMD_DELETE and CMD_RENAME do it, ored. */
#define TARGET(peer)	(1 << (peer))
#define TARGET_LOCAL	TARGET(PEER_LOCAL)
#define TARGET_REMOTE	TARGET(PEER_REMOTE)
#define TARGET_DB	TARGET(PEER_DB)
#define TARGET_ALL	(TARGET_LOCAL | TARGET_REMOTE | TARGET_DB)

struct engine_calls {
	/*
	 * Send one request; the payload is copied before the call returns.
	 * 0, or -1 when the peer is gone (the engine then ends).
	 */
	int	(*send)(void *, enum peer, enum msg_type, uint32_t,
		    const struct ibuf *);
	/* Say one line about a side (LOCAL, REMOTE, SIDE_*) and a mailbox
	 * (NULL: none).  Both may hold foreign octets: the call encodes. */
	void	(*say)(void *, enum loglevel, int, const char *, const char *);
	/* 1: leave this mailbox out (ignore-mailbox); the name has NUL as
	 * delimiter and no reference.  May be NULL. */
	int	(*ignored)(void *, const char *, size_t);
	/*
	 * A server asks for patience: call engine_wake() after so many
	 * milliseconds, more or less.  May be NULL: it is not waited.
	 */
	void	(*nap)(void *, unsigned int);
};

struct engine_config {
	const char	*ref[2];	/* list-reference, "" if none */
	const char	*opts;		/* list-select-opts, "" if none */
	/* Patterns for both sides; NUL stands for the delimiter. */
	const struct bytes *patterns;
	size_t		 npatterns;	/* 0: "*" */
	/* They are MAILBOX arguments: with the local delimiter as it is. */
	int		 rawpatterns;
	unsigned int	 window;	/* mailboxes in flight; 0: the default */
	/* max-delete: held are more than so many and so many percent of a
	 * mailbox; a count of 0: no number is too large. */
	uint32_t	 maxcount, maxpercent;
	/* --allow-delete: of all, or of what these name, like MAILBOX. */
	int		 allowall;
	char *const	*allow;
	size_t		 nallow;
	/* CMD_DELETE, CMD_RENAME: the patterns are names, raw ones. */
	enum command	 command;
	int		 targets;
};

struct engine;

/* Copies the configuration; NULL without memory. */
struct engine	*engine_new(const struct engine_config *,
		    const struct engine_calls *, void *);
void		 engine_free(struct engine *);
/*
 * Before engine_start(): the database is of version 0, so that nothing may be
 * asked of it until the delimiters are known and MIGRATE was answered.
 */
void		 engine_migrate(struct engine *);
/*
 * Begin: asks both servers for their lists and the database for what it
 * knows.  To be called when the database is open (OPEN was answered).
 */
int		 engine_start(struct engine *);
/* What READY told of a server; before it answered anything else. */
void		 engine_ready(struct engine *, enum side,
		    const struct msg_ready *);
void		 engine_wake(struct engine *);
/* At the end of a run: say that an empty database was filled again, */
void		 engine_joined(struct engine *);
/* and which messages a server does not take. */
void		 engine_refusals(struct engine *);
/*
 * One message from a peer whose id is below ENGINE_IDMAX.  0; or -1 when the
 * message is malformed or fits no request: the caller names the peer, and
 * ends the session.
 */
int		 engine_dispatch(struct engine *, enum peer, struct imsg *);
#define ENGINE_IDMAX	0x80000000U	/* larger ids are the caller's */
/*
 * A peer is gone (child ended, FAIL with id 0): no answer will come.  The
 * engine sends nothing more and is done.
 */
void		 engine_lost(struct engine *, enum outcome);
/*
 * A pattern needs a delimiter, lists are in, all mailboxes came to their
 * end: nothing is under way and nothing will be sent.
 */
int		 engine_done(const struct engine *);
enum outcome	 engine_outcome(const struct engine *);

/*
 * Between two runs (news.c), of an engine that is done: the payload of NOTIFY
 * that has a server tell of changes; 1, or 0 when it could not name all
 * mailboxes and what is not the user's own is not told.
 */
int		 engine_watch(const struct engine *, enum side, struct ibuf *);
/* The payload of LIST that shows what is synchronized. */
void		 engine_look(const struct engine *, enum side, struct ibuf *);
/*
 * What that LIST showed (listed 1), or what the server told by itself: 1 when
 * it is not what this engine knew at its end.
 */
int		 engine_news(const struct engine *, enum side, int,
		    const struct msg_mailbox *);

/* What was done, for the summary. */
struct engine_stats {
	uint64_t copied[2], deleted[2], flagged[2];	/* on that side */
	uint64_t held, adopted, mailboxes, dirty, created;
};
void		 engine_stats(const struct engine *, struct engine_stats *);

#endif
