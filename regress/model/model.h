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
 * The model test of the sync engine: two model IMAP servers, the real
 * statedb on a scratch database, second writers, kills and lost connections,
 * all drawn from one seed.  Nothing here knows how the engine decides; it is
 * judged by what it does to the servers.
 *
 *	rng.c		the random numbers
 *	server.c	mailboxes and messages of a model server
 *	answer.c	requests on a mailbox, answered as an imapchild would
 *	list.c		LIST, CREATE, SUBSCRIBE
 *	change.c	STORE and EXPUNGE
 *	transfer.c	COPY_IN and COPY_OUT
 *	peer.c		queues of frames between the engine and its peers
 *	database.c	statedb, and a shadow of its mapping
 *	fate.c		what the writers did to each mail, and what that allows
 *	writer.c	the second writers
 *	run.c		one run of the engine, stepped in random order
 *	check.c		what must hold when all is quiet
 *	history.c	random histories
 *	guard.c		the histories in which deletions must be held back
 *	back.c		the histories in which a mailbox goes back in time
 *	damage.c	the histories in which --repair mends the database
 *	trace.c		one line per message
 *	main.c		the command line
 */
#ifndef MODEL_H
#define MODEL_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "msg.h"
#include "../../interimap/engine.h"

#define NBOXES		4	/* mailboxes a history may have */
#define NKEYWORDS	4	/* keywords the writers use */
#define MAXSTEPS	60000	/* of one run; more: it never ends */
#define MAXQUEUE	20000	/* requests under way; more: no bound */

/* Flags of a message: FLAG_* in the low bits, keywords above. */
typedef uint16_t mflags;
#define MF_KEYWORD(i)	((mflags)(0x20 << (i)))
#define MF_ALL		((mflags)(0x20 * ((1 << NKEYWORDS)) - 1))

/* How a server differs from the plain one. */
#define AB_MULTIAPPEND	0x0001	/* a transfer is appended as a whole */
#define AB_APPENDUID	0x0002	/* tells the UIDs it gave */
#define AB_STAR		0x0004	/* stores any keyword */
#define AB_SIZE		0x0008	/* counts sizes in its own way */
#define AB_LATE		0x0010	/* STATUS shows a new modseq late */
#define AB_VANISHED_ALL	0x0020	/* VANISHED for all UIDs that are absent */
#define AB_VANISHED_NONE 0x0040	/* forgets VANISHED */
#define AB_LIAR		0x0080	/* VANISHED for messages that exist */
#define AB_BUMP		0x0100	/* a STORE without change counts as one */
#define AB_EMPTYSETS	0x0200	/* sends sets that hold nothing */
#define AB_SHUFFLE	0x0400	/* sends lists in any order */
#define AB_SMALLFRAMES	0x0800	/* an item a frame */
#define AB_SHOUT	0x1000	/* spells keywords in capitals */
#define AB_FLAKY	0x2000	/* now and then a request fails */
#define AB_REFUSE	0x4000	/* refuses an APPEND of a large message */
#define AB_FORGETS	0x8000	/* now and then a FETCH leaves a message out */
#define AB_ESEARCH	0x10000	/* has the short form of SEARCH's answer */

struct content {
	uint32_t	 header;	/* equal: the same identifying header */
	uint32_t	 size;
	int64_t		 date;
	uint8_t		 weak;		/* no Message-ID */
	uint8_t		 empty;		/* no octet at all */
	uint8_t		 large;		/* refused by AB_REFUSE */
};

struct object {			/* a message on a server */
	uint32_t	 uid;
	uint32_t	 content;	/* index into the contents */
	uint64_t	 modseq;	/* in gone[]: of the expunge */
	mflags		 fl;
};

struct box {			/* a mailbox on a server */
	int		 exists, subscribed;
	uint32_t	 uidvalidity, uidnext;
	uint64_t	 modseq;	/* HIGHESTMODSEQ, the truth */
	uint64_t	 shown;		/* the one STATUS shows */
	mflags		 perm;		/* PERMANENTFLAGS */
	struct object	*live, *gone;	/* live: by UID */
	size_t		 nlive, ngone, livesize, gonesize;
};

struct frame {
	STAILQ_ENTRY(frame)	 entry;
	enum msg_type		 type;
	uint32_t		 id;
	int			 phase;		/* steps taken */
	struct copyin		*in;		/* COPY_IN: its progress */
	size_t			 len;
	uint8_t			 data[];
};
STAILQ_HEAD(frames, frame);

/* Bodies from one side to the other. */
enum body { BODY_MESSAGE, BODY_FINISH, BODY_ABORT };
struct bodyframe {
	STAILQ_ENTRY(bodyframe)	 entry;
	enum body		 kind;
	uint32_t		 transfer, uid, content;
};
STAILQ_HEAD(bodyframes, bodyframe);

struct queues {
	struct frames		 requests, answers;
	size_t			 nrequests;
};

struct server {
	enum side		 side;
	char			 delim;
	unsigned int		 abilities;
	struct box		 box[NBOXES];
	struct bodyframes	 inbound;	/* bodies on their way here */
	uint32_t		 drop[64];	/* transfers nobody reads */
	size_t			 ndrop;
};

/* What happened to one content in one mailbox. */
struct fate {
	uint8_t		 born[2];	/* deliveries by writers */
	uint8_t		 died[2];	/* expunges by writers */
	uint8_t		 diedmapped;	/* of these: both sides had it */
	uint8_t		 together;	/* born on both sides, no run between */
	mflags		 set, cleared;	/* by writers, ever */
};

struct pairing { uint32_t uid[2]; };	/* the shadow of a mapping row */
struct shadow {
	struct pairing	*pair;
	size_t		 npair, size;
	struct uidset	 skipped[2];
	uint32_t	 idx;		/* in the database, 0: not yet */
	int		 hasstate;	/* its UIDVALIDITYs are recorded */
	uint32_t	 uidnext[2];	/* UIDNEXT and */
	uint64_t	 modseq[2];	/* HIGHESTMODSEQ, as recorded */
};

struct tomb { uint8_t box, side; uint32_t uid, uidvalidity; };

struct stats {
	uint64_t runs, kills, losses, steps, copies, expunges, stores, maps;
};

struct model {
	uint64_t	 seed, rng;
	int		 verbose, failed, during;
	char		 why[512];
	struct server	 server[2];
	struct queues	 peer[NPEERS];
	struct content	*content;
	size_t		 ncontent, contentsize;
	struct fate	*fate;		/* content * NBOXES + box */
	struct shadow	 shadow[NBOXES];
	struct tomb	*tomb;
	size_t		 ntomb, tombsize;
	struct database	*db;
	struct engine	*engine;
	int		 nosync[NBOXES]; /* left out: gone or recreated; */
	enum side	 replaced[NBOXES]; /* ... on this side */
	int		 filtered;	 /* list-select-opts=SUBSCRIBED */
	int		 repairing;	 /* the next run is a --repair */
	int		 damaged;	 /* the database was */
	int		 alike;		 /* some mails look like others */
	uint8_t		 subs[NBOXES];	 /* by writers: 1 set, 2 cleared */
	uint32_t	 maxcount, maxpercent; /* max-delete */
	int		 allow;		 /* the next run has --allow-delete */
	int		 dbfull;	 /* the database fails from now on */
	size_t		 beyond;	/* requests beyond LIST in this run */
	struct stats	 stats;
};

/* rng.c */
uint32_t	 rnd(struct model *, uint32_t);		/* 0 to n - 1 */
int		 chance(struct model *, uint32_t, uint32_t); /* n in m */

/* main.c: no memory, or a defect of the model itself. */
void		*xrealloc(void *, size_t, size_t);
/* The first failure of a history counts. */
void		 model_fail(struct model *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));

/* server.c */
extern const struct bytes box_names[NBOXES];	/* NUL as delimiter */
void		 server_init(struct model *, enum side, unsigned int);
void		 server_free(struct server *);
void		 server_quiet(struct server *);	/* STATUS tells the truth */
void		 box_create(struct model *, struct server *, int);
void		 box_drop(struct server *, int);
int		 box_index(const struct server *, struct bytes); /* or -1 */
struct object	*box_find(struct box *, uint32_t);
struct object	*box_ever(struct box *, uint32_t);	/* also a gone one */
/* Each takes one modseq and, where it makes a message, returns its UID. */
uint32_t	 box_append(struct model *, struct server *, int, uint32_t,
		    mflags);
void		 box_expunge(struct model *, struct box *, uint32_t);
void		 box_touch(struct model *, struct box *);
uint32_t	 object_size(const struct model *, const struct server *,
		    const struct object *);
void		 mflags_put(struct flags *, mflags, int);	/* shout */
mflags		 mflags_get(struct model *, const struct flags *);

/* peer.c */
void		 peers_init(struct model *);
void		 peers_clear(struct model *);
int		 peer_send(void *, enum peer, enum msg_type, uint32_t,
		    const struct ibuf *);
void		 peer_answer(struct model *, enum peer, enum msg_type,
		    uint32_t, const struct ibuf *);
void		 peer_done(struct model *, enum peer, uint32_t);
void		 peer_refuse(struct model *, enum peer, uint32_t,
		    enum fail_kind, const char *, const char *);
struct frame	*peer_ready(struct model *, enum peer); /* can be executed */
void		 peer_execute(struct model *, enum peer);
void		 peer_deliver(struct model *, enum peer);
void		 frame_free(struct frame *);

/* What one step of a request came to. */
enum step { STEP_DONE, STEP_MORE };

/* list.c, answer.c, change.c, transfer.c: one step of a request of a server. */
typedef enum step request_step(struct model *, struct server *,
		    struct frame *);
request_step	 step_list, step_create, step_subscribe, step_pull,
		    step_getflags, step_getmeta, step_search, step_store,
		    step_expunge, step_copyin, step_copyout, step_noop;
/* The box of a request; -1: it was refused. */
int		 open_box(struct model *, struct server *, struct frame *,
		    struct bytes, uint32_t);
void		 answer_set(struct model *, struct server *, enum msg_type,
		    uint32_t, const struct uidset *);
int		 copyin_ready(struct model *, struct server *, struct frame *);
void		 copyin_free(struct copyin *);
/* Now and then, of a server that does so: a message is left out. */
int		 forgets(struct model *, const struct server *);
/* The box a request is about; -1: none. */
int		 frame_box(const struct server *, const struct frame *);

/* database.c */
struct database	*database_new(struct model *);
void		 database_free(struct database *);
void		 database_open(struct model *);		/* a session begins */
void		 database_close(struct model *);
void		 database_step(struct model *);		/* one group commit */
void		 database_sql(struct model *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 database_verify(struct model *);	/* equals the shadow */
const struct pairing *shadow_find(const struct shadow *, enum side, uint32_t);

/* fate.c */
struct fate	*fate_of(struct model *, int, uint32_t);
void		 fate_grow(struct model *);
void		 judge_expunge(struct model *, enum side, int, uint32_t);
void		 judge_flags(struct model *, enum side, int, uint32_t,
		    mflags, mflags);
void		 judge_map(struct model *, int, uint32_t, uint32_t);
void		 judge_add(struct model *, int);
void		 judge_subscribe(struct model *, int, int);
void		 judge_advance(struct model *, int, const struct msg_advance *);
void		 tomb_add(struct model *, int, enum side, uint32_t);
void		 tomb_drop(struct model *, int, enum side,
		    const struct object *);

/* writer.c */
uint32_t	 content_new(struct model *);
uint32_t	 deliver(struct model *, enum side, int, uint32_t, mflags);
void		 deliver_both(struct model *, int, uint32_t, mflags);
void		 writer_expunge(struct model *, enum side, int, uint32_t);
void		 writer_act(struct model *);

/* run.c */
struct plan {
	uint32_t writers;	/* actions in a thousand steps */
	int	 killat;	/* this step; -1: never */
	int	 loseat;	/* a connection is lost; -1: never */
	int	 fullat;	/* the database is full; -1: never */
	int	 bias;		/* who is preferred: a peer, NPEERS: nobody */
};
enum runend { RUN_ENDED, RUN_KILLED, RUN_STUCK };
enum runend	 run_once(struct model *, const struct plan *, enum outcome *);
int		 run_quiet(struct model *);	/* until idle; 0: it came */

/* check.c */
void		 check_quiet(struct model *);

/* history.c, guard.c, back.c, damage.c: one history each. */
void		 history_random(struct model *);
void		 history_guard(struct model *);
void		 history_back(struct model *);
void		 history_repair(struct model *);
void		 model_init(struct model *, uint64_t, int);
void		 model_clear(struct model *);
void		 history_servers(struct model *);
void		 history_begin(struct model *);
void		 plan_random(struct model *, struct plan *);

/* trace.c */
void		 trace(struct model *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 trace_frame(struct model *, const char *, enum peer,
		    const struct frame *);

#endif
