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
 * The inside of the sync engine: what its files share.  A mailbox is a struct
 * mbox that moves through states; each state sends its requests, and when the
 * last of them is answered the function in m->next is the next state:
 *
 *   pull.c     PULL, LOOKUP: what changed
 *   verify.c   VERIFY: is it believable; nothing is gone without a whole list
 *   back.c     a mailbox that went back in time
 *   apply.c    what is believed is written into the rows
 *   adopt.c    PAIR, COMPARE: unmapped messages of both sides, and rows whose
 *              base is not known (RESUME)
 *   merge.c    MERGE: what to do with one row (pure)
 *   pair.c     which unmapped messages are the same (pure)
 *   guard.c    which deletions are held back, and what becomes of them
 *   push.c     PUSH: STORE and EXPUNGE
 *   copy.c     COPY: batches, intents, transfers
 *   copied.c   what became of them
 *   credit.c   how many bodies are under way
 *   refused.c  what was refused of them
 *   refusals.c messages that a server refuses, from run to run
 *   keywords.c keywords that a server refuses
 *   advance.c  SETTLE and ADVANCE
 *   repair.c   --repair: what does not fit together
 *   recheck.c  and the rows that look as if they did
 *   reset.c    --reset: all that is known of a mailbox is dropped first
 *   lists.c    before all that: which mailboxes there are
 *   migrate.c  a database of version 0 is told the delimiters
 *   unlisted.c what one LIST did not show is asked for by name
 *   create.c   new mailboxes
 *   subscribe.c which of them are subscribed
 *   news.c     between two runs: is what a server tells news
 *   engine.c   the window of mailboxes, credit for bodies, the outcome
 *   request.c  requests and their answers
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "merge.h"
#include "request.h"

/*
 * Mailboxes under way at once: their PULLs, pushes and copies share flights.
 * With 300 changed ones at 100 ms a window of 16 took 51 round trips, 64 took
 * 8.4, 256 took 6.0 and 1024 took 4.7 (what is left hides behind the work of
 * the servers); 500 new ones take one wave of 512 and half a second more in
 * two of 256.  Each may hold META_MAX new messages of either side in memory.
 */
#define ENGINE_WINDOW	512
/* Rounds of PULL and PUSH in a run; what is left goes to the next run. */
#define ROUNDS_MAX	3
/* PULLs repeated because EXISTS and the answers did not fit. */
#define VERIFY_MAX	3
/* So many new messages at most have their metadata fetched with the PULL. */
#define META_MAX	1000
/*
 * All UIDs of a mailbox come with its PULL when they are so many ranges at most
 * (some 10 octets each), or when messages are known to be missing.
 */
#define RANGES_MAX	1000
/* Messages of one GETMETA, and the most one COPY_IN describes. */
#define META_CHUNK	512
/* A hostile child may not make us collect more than this. */
#define CHANGES_MAX	(16 * 1024 * 1024)
#define BATCH_MESSAGES	256
/*
 * Octets of one APPEND batch, and of all bodies under way one way: below what
 * an imapchild holds (lib/msg.h), since a server's RFC822.SIZE may be too
 * small.  25 MB up at 100 ms took 4.1 s with a credit of 1 MiB, 2.3 s with 2,
 * 1.2 s with 8 and 1.1 s with 16, where imapchild grows beyond 20 MB.
 */
#define BATCH_OCTETS	(512 * 1024)
#define CREDIT_OCTETS	(BODY_CREDIT / 4 * 3)
/*
 * So much of both directions may be under way at once; else one follows the
 * other, with so much a turn: small mailboxes wait for no huge one.
 */
#define BOTH_OCTETS	(2 * BATCH_OCTETS)
#define TURN_OCTETS	CREDIT_OCTETS
/* More than the frames around one message on the body channel. */
#define BODY_COST	128
/* Batches of one mailbox and direction under way at once: all the credit. */
#define BATCHES_MAX	(CREDIT_OCTETS / BATCH_OCTETS)
/*
 * So many refusals of a mailbox in a row, and it is not about one message: the
 * rest waits like those that were refused.  A first flight of batches with one
 * culprit in each must not count as that.
 */
#define REFUSED_MAX	(2 * BATCHES_MAX)
/* Seconds before a refused message is tried again; doubled with each try. */
#define REFUSED_PAUSE	3600
/* Lines about refusals at the end of a run. */
#define REFUSED_LINES	100
/* A server that asks for patience: the first pause, and how many follow. */
#define NAP_MS		1000
#define NAPS_MAX	3
#define NAPS_LIMIT	2	/* where that may not be what it asks for */
/* The deletion guard: an account that held so many became empty. */
#define GUARD_ACCOUNT	25

/* ---- a mailbox ---- */

struct change { uint32_t uid; flagid flags; };
struct meta {				/* a message not mapped yet */
	uint32_t	uid;
	flagid		flags;
	uint64_t	size;
	struct msg_date	date;
	uint8_t		id;
	uint8_t		digest[ID_DIGEST];
};
struct metalist { struct meta *m; size_t n, size, next; };

/* What a refusal is about, by its response code (RFC 5530, RFC 4469). */
enum refusal_kind {
	REFUSAL_ANY,		/* the message, it seems, or its keywords */
	REFUSAL_SIZE,		/* the message, whatever its keywords */
	REFUSAL_LIMIT,		/* perhaps of what is asked at once */
	REFUSAL_BUSY,		/* nothing of ours: later */
	REFUSAL_MAILBOX		/* it is gone */
};

struct batch {				/* messages under way to the other side */
	struct batch	*link;
	struct mbox	*m;
	enum side	 src;
	uint32_t	 transfer;
	uint64_t	 octets;
	struct meta	*meta;
	uint32_t	 n;
	struct msg_pair	*got;		/* APPENDED: source, target UID */
	uint32_t	 ngot;
	struct uidset	 left;		/* not delivered: intents to drop */
	struct uidset	 gone;		/* of these, did not come at all */
	struct uidset	 refused;	/* each by itself, not as a batch */
	int		 pending;
	int		 failed;
	char		*why;		/* code and text of the refusal */
	enum refusal_kind kind;
	int		 plain;		/* tried without keywords */
	int		 waited;	/* that was of no use */
	int		 credited;
};

struct mside {
	char		*name;		/* as the server has it; NULL: absent */
	unsigned int	 attrs;
	int		 has;		/* STATUS_* of LIST */
	struct msg_state status;	/* of LIST, */
	uint32_t	 messages;	/* and MESSAGES */
	struct msg_state db;		/* what the database says */
	struct msg_state cur;		/* all up to here is dealt with */
	struct msg_state sel;		/* of the last SELECT */
	uint32_t	 exists;
	uint32_t	 known;		/* messages below cur.uidnext */
	struct flags	 perm;
	struct flags	 nokw;		/* keywords it refused */
	int		 pulled;	/* part of this round's PULL */
	int		 touched;	/* we changed this side since its PULL */
	int		 uidnext_back;	/* UIDNEXT went back: what is missing
					 * is held */
	int		 incomplete;	/* a new message here was not copied */
	int		 missing;	/* to be created here, */
	int		 uncreated;	/* and that was refused */
	/* of this round */
	struct uidset	 vanished, listed, skipped, present;
	int		 whole;		/* present was asked for as a whole, */
	int		 complete;	/* and EXISTS agrees, */
	int		 verified;	/* and with it all rows were looked at */
	struct change	*changes;
	size_t		 nchanges, changesize;
	struct metalist	 meta;
	int		 doubt;		/* EXISTS does not fit: verify */
	/* to be copied from here */
	struct uidset	 copy;
	struct uidset	 fresh;		/* were to be, and count in known */
	struct uidset	 again;		/* to be looked at in the next round: UID
					 * not told, refused in a batch, or
					 * asked for and not sent */
	struct uidset	 asked;		/* a GETMETA of these is under way */
	uint32_t	 nbatches;	/* from here, under way */
	uint32_t	 nrefused;	/* in a row */
	int		 stopped;	/* too many were: the rest waits */
	struct candset	 cands;
};

/* Why deletions are held: what became of a side. */
enum hold {
	HOLD_BEFORE = 0,	/* an earlier run has decided */
	HOLD_MANY,		/* max-delete */
	HOLD_ACCOUNT,		/* all of it is empty */
	HOLD_UIDNEXT		/* UIDNEXT went back */
};

struct allow {			/* --allow-delete=MAILBOX */
	char	*arg;
	char	*name;		/* the delimiter is NUL */
	size_t	 len;
	int	 exact;		/* a mailbox is called so: no wildcards */
};

struct mbox {
	struct engine	*e;
	struct mbox	*link;		/* in engine's list of all */
	struct mbox	*qlink;		/* in a queue */
	char		*name;		/* delimiter is NUL */
	size_t		 namelen;
	uint32_t	 idx;		/* 0: not in the database */
	int		 subscribed;
	enum { UNLISTED_NO, UNLISTED_SIDE, UNLISTED_BOTH }
			 unlisted;	/* asked by name, on one or both */
	int		 hasstate, above;
	uint32_t	 nintents, nheld;
	uint32_t	 rows;		/* of the mapping, from COUNT */
	struct msg_counted counted;
	int		 hascounted;
	struct mside	 s[2];
	struct rowtab	 rowtab;
	struct msg_intended *intents;
	size_t		 nint, intsize;
	struct pairing	 pairing;
	struct refusal	*refusals;	/* refusals.c */
	struct repair	*repair;	/* NULL but under --repair */
	struct push	*stores;	/* decided, not yet sent */
	struct uidset	 deletes[2];
	int		 round, tries;
	unsigned int	 pending;
	void		(*next)(struct mbox *);
	int		 failed;	/* ends as soon as nothing is pending */
	int		 running;	/* counts for the window */
	int		 settling;	/* the next PULL is already sent */
	unsigned int	 unstarted;	/* batches before their COPY_IN */
	uint64_t	 ndeleted[2];	/* in this run, on that side */
	enum hold	 why[2];	/* deletions of that side are held */
};

struct engine {
	struct engine_calls calls;
	void		*arg;
	char		*ref[2], *opts;
	char		**patterns;
	size_t		*patternlen, npatterns;
	int		 rawpatterns;
	struct command_run *cmd;	/* NULL: synchronize */
	int		 repairing, resetting;
	uint64_t	 weight;	/* of what is under repair */
	int		 migrate;	/* the database is of version 0 */
	int		 known;		/* it has the state of a mailbox */
	unsigned int	 window;
	enum outcome	 outcome;
	struct engine_stats stats;
	struct flagtab	 flagtab;
	struct request	*reqs;		/* slots; id is the index + 1 */
	uint32_t	 nreqs, freereq;
	uint32_t	 outstanding;
	int		 lost;
	/* lists */
	char		 delim[2];
	int		 hasdelim[2];
	unsigned int	 listpending;
	void		(*listnext)(struct engine *);
	uint64_t	 messages[2];	/* STATUS MESSAGES of all, if known */
	uint64_t	 mapped;	/* rows of all mailboxes, if asked */
	uint32_t	 maxcount, maxpercent;	/* max-delete; 0: any number */
	int		 allowall;	/* --allow-delete */
	struct allow	*allow;
	size_t		 nallow;
	struct mbox	*all, **alltail;
	struct mbox	**hash;
	size_t		 nall, nhash;
	struct mbox	*unlisted;	/* by qlink */
	/* the window */
	struct mbox	*queue, **queuetail;
	unsigned int	 running;
	int		 begun;		/* BEGIN was sent to the database */
	/* bodies */
	uint32_t	 transfer;
	uint64_t	 used[2];	/* octets under way from that side */
	uint64_t	 spent;		/* of it, since its turn began */
	int		 alone;		/* one large message has the channel */
	uint64_t	 caps[2], appendlimit[2];	/* of READY */
	int		 asleep[2];	/* nothing is appended there now */
	unsigned int	 naps[2];	/* in a row */
	struct batch	*waitq[2], **waittail[2];	/* by source */
	enum side	 turn;		/* whose is granted first */
};

/* ---- engine.c ---- */

void	 say(struct engine *, enum loglevel, int, const struct mbox *,
	    const char *, ...) __attribute__((format(printf, 5, 6)));
/* Fail a mailbox alone; it ends when nothing is pending. */
void	 mbox_fail(struct mbox *, enum outcome);
/* The same for a failed request: says why. */
void	 mbox_refused(struct mbox *, enum peer, const char *,
	    const struct msg_fail *);
enum outcome outcome_of(const struct msg_fail *);
/* When nothing is pending any more, go to this state. */
void	 mbox_wait(struct mbox *, void (*)(struct mbox *));
void	 mbox_step(struct mbox *);	/* something was answered */
void	 mbox_finish(struct mbox *);
void	 engine_schedule(struct engine *);
void	 engine_queue(struct mbox *);	/* it has work */
/* Ask for credit; the batch starts at once or later by batch_start(). */
void	 credit_ask(struct batch *);
void	 credit_release(struct batch *);
const char *mbox_display(const struct mbox *);	/* local name */

/* ---- the states ---- */

/* names.c */
struct mbox *mbox_find(const struct engine *, const char *, size_t);
struct mbox *mbox_get(struct engine *, const char *, size_t);
int	 name_canonical(const char *, char, struct bytes, char *, size_t *);
char	*name_on(const char *, char, const char *, size_t);
/* For a shell, quoted where it must be; so much holds any. */
#define NAME_ARGMAX	(4 * MAILBOX_NAMEMAX + 16)
const char *name_argument(const struct mbox *, char *, size_t);
void	 names_patterns(const struct engine *, enum side, struct bytes *,
	    char **);
/* The payload of LIST for all that is synchronized. */
void	 names_list(struct ibuf *, const struct engine *, enum side);

void	 lists_start(struct engine *);
void	 lists_put(struct ibuf *, const struct engine *, enum side, const char *,
	    int, struct bytes *, uint32_t);
void	 lists_delimiter(struct engine *, enum side,
	    const struct msg_mailbox *);
void	 lists_ask(struct engine *, enum side, const char *, int,
	    struct bytes *, uint32_t, void *);
void	 lists_step(struct engine *);	/* something was answered */
void	 lists_status(struct mside *, const struct msg_mailbox *);
int	 lists_absent(struct mside *, const struct msg_mailbox *);
void	 lists_inbox(struct engine *);
void	 lists_decide(struct mbox *);	/* what to do with a mailbox */
void	 lists_clean(struct engine *);
void	 lists_make(struct mbox *);	/* CREATE, SUBSCRIBE */
void	 lists_made(struct mbox *);	/* and SELECT were answered */
int	 lists_mailbox(struct request *, struct imsg *);	/* MAILBOX */
int	 lists_dbmailbox(struct request *, struct imsg *);
int	 lists_added(struct request *, struct imsg *);
int	 lists_counted(struct request *, struct imsg *);
/* CREATE, SUBSCRIBE, UNSUBSCRIBE on one side. */
void	 name_request(struct mbox *, enum side, enum msg_type, req_done);
void	 migrate_put(struct engine *, struct ibuf *);	/* MIGRATE */
/* unlisted.c */
void	 unlisted_places(struct engine *);
int	 unlisted_is(const struct mbox *);
void	 unlisted_hold(struct mbox *);
void	 unlisted_ask(struct engine *);	/* about all that are held */
void	 unlisted_take(struct engine *, enum side, const struct msg_mailbox *);
void	 unlisted_done(struct request *, const struct msg_fail *);
void	 subscribe_new(struct mbox *);		/* not in the database yet */
void	 subscribe_known(struct mbox *);

/* reset.c */
/* 1: --reset is to drop what is known of this mailbox; says why not. */
int	 reset_wanted(const struct mbox *);
void	 reset_unknown(struct engine *);	/* arguments that name nothing */
void	 reset_begin(struct mbox *);		/* before the first state */

void	 pull_begin(struct mbox *);		/* the first state */
void	 pull_send(struct mbox *, enum side, int);	/* one side; want */
void	 pull_done(struct mbox *);
/* Ask the database for the rows of these UIDs of a side. */
void	 pull_lookup(struct mbox *, enum side, const struct uidset *);
void	 pull_looked(struct mbox *);		/* verify.c */
/* 1: EXISTS agrees with the complete list of this side. */
int	 verify_fits(const struct mside *);
/* It is in force, for all rows: what is not in it has vanished. */
void	 verify_take(struct mbox *, enum side);
/* Count a try; -1: they are used up, and the mailbox is left. */
int	 verify_again(struct mbox *);
void	 pull_apply(struct mbox *);		/* apply.c */
int	 pull_selected(struct request *, struct imsg *);
int	 pull_vanished(struct request *, struct imsg *);
int	 pull_changed(struct request *, struct imsg *);
int	 pull_uids(struct request *, struct imsg *);
int	 pull_message(struct request *, struct imsg *);
int	 pull_pairs(struct request *, struct imsg *);
int	 pull_skipped(struct request *, struct imsg *);
int	 pull_counted(struct request *, struct imsg *);
int	 pull_intended(struct request *, struct imsg *);
/* Read a MESSAGE frame into a list; 0, or -1 malformed. */
int	 meta_read(struct engine *, struct imsg *, struct metalist *);

/* guard.c */
void	 guard_config(struct engine *, const struct engine_config *);
void	 guard_free(struct engine *);
void	 guard_names(struct engine *);	/* the lists are in */
/* 1: deletions are held that this run is to make. */
int	 guard_due(const struct mbox *);
/* 1: before that, this side must list all its UIDs. */
int	 guard_asks(const struct mbox *, enum side);
/* Hold what is too much; it may be paired with copies then. */
void	 guard_hold(struct mbox *);
/* Held, and there again?  Ends in adopt_pair(). */
void	 guard_recheck(struct mbox *);
/* Held before and let through now, where they are known to be absent. */
void	 guard_release(struct mbox *);
void	 guard_say(struct mbox *);	/* what is held, in every run */

void	 adopt_begin(struct mbox *);
void	 adopt_pair(struct mbox *);		/* the second half */
/* MAP, UNMAP, HOLD for any number of pairs. */
void	 map_send(struct mbox *, enum msg_type, uint8_t,
	    const struct msg_pair *, size_t, req_done, void *);
int	 adopt_identity(struct request *, struct imsg *);
int	 adopt_flags(struct request *, struct imsg *);

void	 push_begin(struct mbox *);
void	 push_send(struct mbox *);		/* what push_begin decided */
void	 push_drop(struct mbox *);
int	 push_stored(struct request *, struct imsg *);
int	 push_vanished(struct request *, struct imsg *);
void	 push_discard(void *);		/* the argument of a lost request */

void	 copy_begin(struct mbox *);
void	 copy_pump(struct mbox *);		/* form and start batches */
void	 copied(struct request *, const struct msg_fail *);
void	 batch_free(struct batch *);
void	 not_told(struct mside *, const struct uidset *);
int	 copy_idle(const struct mbox *);	/* nothing left to be started */
void	 batch_start(struct batch *);		/* credit was granted */
/* Try these messages of a batch again, in another one; without keywords. */
void	 batch_again(struct batch *, const struct uidset *, int);
flagid	 batch_flags(const struct batch *, const struct meta *);
int	 copy_meta(struct request *, struct imsg *);
int	 copy_appended(struct request *, struct imsg *);
int	 copy_leftout(struct request *, struct imsg *);

/* back.c */
/* 1: this SELECT, or these rows, tell that a mailbox went back in time. */
int	 back_selected(const struct mbox *, enum side);
int	 back_looked(const struct mbox *);
void	 back_begin(struct mbox *);		/* a state */
/* 1: the database's UIDNEXT still tells it. */
int	 back_unwritten(const struct mbox *, enum side);
void	 back_written(struct mbox *);
void	 back_taken(struct mbox *, enum side, uint32_t);
void	 back_above(struct mbox *);
void	 back_untrue(struct mbox *, enum side);

/* advance.c */
/* The database is to have the state that m->s[].db says now. */
void	 advance_write(struct mbox *);
void	 advance_lower(struct mbox *, enum side, uint32_t);
void	 settle_send(struct mbox *);
void	 settle_or_advance(struct mbox *);

#endif
