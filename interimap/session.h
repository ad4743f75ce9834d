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
 * children and what they are told) and frames.c (what they say) share.
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

enum phase {
	PHASE_OPEN,		/* the database is being opened and locked */
	PHASE_GRACE,		/* servers end what the last run began */
	PHASE_WORK,		/* the engine runs */
	PHASE_END		/* the children are ending */
};

struct peerio {
	struct child	 child;
	struct imsgbuf	 buf;
	int		 started;	/* there is a process to reap */
	int		 open;		/* its control socket is */
	int		 ready;		/* READY came, of our version */
	int		 told;		/* why it ends was said */
};

struct session {
	struct config	*conf;
	const struct options *opts;
	struct output	*out;
	struct engine	*engine;
	struct ignore	*ignore;
	struct patterns	 patterns;
	char		*database;	/* path */
	struct peerio	 peer[NPEERS];
	enum phase	 phase;
	enum outcome	 outcome;
	int		 cleaning;	/* CLEAN is not answered yet */
	int		 aborted;	/* and why, the other side has to say */
	int64_t		 deadline;	/* PHASE_GRACE, PHASE_END: monotonic ms */
	int		 unfinished;	/* the last run was copying */
};

/* ---- session.c ---- */

/* One line about a side (or SIDE_NONE, SIDE_DB). */
void	 session_say(struct session *, enum loglevel, int, const char *, ...)
	    __attribute__((format(printf, 4, 5)));
/* The run cannot go on (what happened was said): end the children. */
void	 session_fail(struct session *, enum outcome);
/* The database is ours: begin with the servers. */
void	 session_opened(struct session *);

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

/* ---- frames.c ---- */

/* Read from a peer and deal with all whole frames. */
void	 frames_read(struct session *, enum peer);
/* One line of --debug for a frame; to is 1 when it goes to the peer. */
void	 frame_trace(struct session *, enum peer, int, uint16_t, uint32_t,
	    size_t);

#endif
