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
 * The inside of a session: what session.c (its life), children.c (the
 * children and what they are told), frames.c (what they say) and watch.c (what
 * is between two runs) share.
 */
#ifndef SESSION_H
#define SESSION_H

#include "interimap.h"

#ifndef SERVER_TIMEOUT		/* the tests have less patience */
#define SERVER_TIMEOUT	300	/* seconds a server may be silent */
#endif
#ifndef GRACE_MS		/* before a run that finds intents open */
#define GRACE_MS	2000
#endif
#define END_MS		1000	/* for LOGOUT and the end of the children */

/* Requests of our own; the engine's ids are below ENGINE_IDMAX. */
#define ID_OPEN		(ENGINE_IDMAX + 1)
#define ID_CONFIG	(ENGINE_IDMAX + 2)
#define ID_CONNECT	(ENGINE_IDMAX + 3)
#define ID_CLEAN	(ENGINE_IDMAX + 4)
#define ID_LOGOUT	(ENGINE_IDMAX + 5)
#define ID_NOTIFY	(ENGINE_IDMAX + 6)
#define ID_LOOK		(ENGINE_IDMAX + 7)	/* LIST between two runs */
#define ID_NOOP		(ENGINE_IDMAX + 8)
#define ID_REMEMBER	(ENGINE_IDMAX + 9)

enum phase {
	PHASE_OPEN,		/* the database is being opened and locked */
	PHASE_GRACE,		/* servers end what the last run began */
	PHASE_WORK,		/* the engine runs */
	/* the next three with --notify only (watch.c) */
	PHASE_ARM,		/* servers are asked to tell of changes */
	PHASE_WATCH,		/* none tells of any */
	PHASE_SETTLE,		/* one did; more may follow */
	PHASE_END		/* the children are ending */
};

struct peerio {
	struct child	 child;
	struct imsgbuf	 buf;
	int		 started;	/* there is a process to reap */
	int		 open;		/* its control socket is */
	int		 ready;		/* READY came, of our version */
	int		 told;		/* why it ends was said */
	unsigned int	 owed;		/* answers to what watch.c asked */
};

#define SAID_MAX	256
struct saidlines { char *v[SAID_MAX]; size_t n; };
struct said { struct saidlines now, before; };

/* Of a side: what is remembered of its server, and what this run saw. */
struct memory {
	struct msg_memory is;
	int		 known;		/* the database has it so */
	int		 doubted;	/* DOUBT came */
	uint32_t	 listed;	/* mailboxes, so far */
};

struct session {
	struct config	*conf;
	const struct options *opts;
	struct output	*out;
	struct engine	*engine;
	struct ignore	*ignore;
	int64_t		 wake;		/* the engine then; 0: it does not sleep */
	struct msg_ready server[2];	/* what READY told */
	struct memory	 memory[2];
	unsigned int	 remembering;	/* REMEMBER not answered yet */
	struct patterns	 patterns;
	char		*database;	/* path */
	struct peerio	 peer[NPEERS];
	enum phase	 phase;
	enum outcome	 outcome;
	int		 cleaning;	/* CLEAN is not answered yet */
	int		 aborted;	/* and why, the other side has to say */
	int64_t		 deadline;	/* of phases that wait: monotonic ms */
	int		 unfinished;	/* the last run was copying */
	/* of watch.c */
	struct said	 said;
	int		 news;		/* a server told of a change */
	int		 partial;	/* the last run left something out */
	int		 named;		/* all mailboxes were, in NOTIFY */
	unsigned int	 fruitless;	/* runs in a row that found nothing */
	int64_t		 since;		/* when PHASE_WATCH began */
};

/* ---- session.c ---- */

/* One line about a side (or SIDE_NONE, SIDE_DB). */
void	 session_say(struct session *, enum loglevel, int, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
/* The run cannot go on (what happened was said): end the children. */
void	 session_fail(struct session *, enum outcome);
/* The database is ours: begin with the servers. */
void	 session_opened(struct session *);
/* One more run, on the same connections. */
void	 session_again(struct session *);
int64_t	 session_now(void);			/* monotonic ms */

/* ---- children.c ---- */

/* Tunnel commands, then the three programs.  0, or -1: it was said. */
int	 children_start(struct session *);
/* Queue a frame; 0, or -1: the peer is gone.  Traces it. */
int	 child_send(struct session *, enum peer, enum msg_type, uint32_t,
	    const struct ibuf *);
int	 child_open(struct session *);			/* OPEN to statedb */
int	 child_connect(struct session *, enum side);	/* CONFIG, CONNECT */
/* Write what the sockets take. */
void	 children_flush(struct session *);
/*
 * Its control socket is at its end: reap it; say how it ended, unless that
 * was to be expected.
 */
void	 child_ended(struct session *, enum peer);
/* Close all sockets, wait a moment for the children, reap them. */
void	 children_end(struct session *);
/* The side of output lines for a peer. */
int	 peer_side(enum peer);

/* ---- watch.c: --notify ---- */

void	 watch_begin(struct session *);		/* a run ended */
void	 watch_end(struct session *);		/* and the next begins */
void	 watch_step(struct session *);		/* look at the clock */
/* DONE (or FAIL) of a request of watch.c: 0, or -1: there is none. */
int	 watch_answered(struct session *, enum peer, uint32_t, int);
/* MAILBOX that is not the engine's: 0, or -1 malformed. */
int	 watch_told(struct session *, enum peer, struct imsg *);

/* ---- said.c ---- */

/* 1: the last run said this line, too. */
int	 said_again(struct said *, int, const char *, const char *);
void	 said_next(struct said *);		/* a new run begins */
void	 said_free(struct said *);

/* ---- memory.c ---- */

void	 memory_init(struct session *);
/* REMEMBERED, before the servers are connected to: 0, or -1 malformed. */
int	 memory_told(struct session *, enum peer, struct imsg *);
/* What the imapchild is told of it, in CONFIG. */
void	 memory_config(struct session *, enum side, struct msg_config *);
void	 memory_listed(struct session *, enum peer);	/* one mailbox */
/* DOUBT: 0, or -1 malformed. */
int	 memory_doubt(struct session *, enum peer, struct imsg *);
void	 memory_keep(struct session *);		/* a run ended well */

/* ---- frames.c ---- */

/* Read from a peer and deal with all whole frames. */
void	 frames_read(struct session *, enum peer);
/* One line of --debug for a frame; to is 1 when it goes to the peer. */
void	 frame_trace(struct session *, enum peer, int, uint16_t, uint32_t,
	    size_t);

#endif
