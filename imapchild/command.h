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
 * Commands on their way to the server: one queue, in the order they are
 * written, which is also the FIFO of those not yet answered.  A command is a
 * tag and octets, perhaps still growing (an APPEND whose messages arrive on
 * the body channel), with stops where a synchronizing literal waits for "+"
 * (RFC 3501 section 7.5).  Built by the ops and by the session; the octets are
 * taken by the main loop.  Pure but for memory: no descriptor, no log; what a
 * command means stays with its owner.
 *
 * A failed allocation is remembered in the queue (err) and checked once, by
 * the loop.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/queue.h>
#include <stddef.h>
#include <stdint.h>

#include "uidset.h"

#define CMD_TAGLEN	6	/* digits of a tag, from 000000 */
#define CMD_LINEMAX	8000	/* octets of a line that holds a UID set */
#define CMD_LITERALMINUS 4096	/* RFC 7888 section 5 */

struct op;
struct selected;
struct cmd_calls;

struct command {
	TAILQ_ENTRY(command) entry;
	struct cmdq	*q;
	char		 tag[CMD_TAGLEN + 1];
	uint8_t		*buf;		/* octets not yet taken: pos..len */
	size_t		 pos, len, size;
	uint64_t	 taken, put;	/* octets ever taken, ever put */
	uint64_t	*stop;		/* at which taking waits for a "+" */
	size_t		 nstops, nextstop, sizestops;
	int		 closed;	/* nothing more will be put */
	int		 answered;	/* the tagged answer came */
	int		 dead;		/* its rest is not to be written */
	int		 secret;	/* not traced, wiped when freed */
	int		 last;		/* nothing behind it before its answer */
	int		 apart;		/* what is behind it is taken by itself */
	char		*line;		/* the trace line so far */
	size_t		 linelen, linesize;
	/* of the owner */
	const struct cmd_calls *calls;
	struct op	*op;		/* NULL: the session's own */
	struct selected	*sel;		/* the mailbox it works in, or NULL */
	uint32_t	 first, count;	/* APPEND: messages; SEARCH: answers */
};

TAILQ_HEAD(commands, command);

/* Gets a whole line of a command, literals left out, without CRLF. */
typedef void (*cmd_trace)(void *, const struct command *, const char *, size_t);

struct cmdq {
	struct commands	 list;
	struct command	*writing;	/* first not wholly taken; NULL: none */
	struct command	*held;		/* written, and last; NULL: none */
	unsigned int	 nexttag;
	uint64_t	 caps;		/* CAP_LITERALPLUS, CAP_LITERALMINUS */
	uint8_t		*spare;		/* a buffer for the next APPEND, or NULL */
	size_t		 sparesize;
	int		 err;		/* out of memory */
	cmd_trace	 trace;		/* NULL: none */
	void		*tracearg;
};

void	 cmdq_init(struct cmdq *);
void	 cmdq_free(struct cmdq *);	/* wipes and frees all commands */
/* A new command at the end of the queue, "TAG " put; NULL: no memory. */
struct command *cmd_new(struct cmdq *, const struct cmd_calls *);
void	 cmd_put(struct command *, const void *, size_t);
void	 cmd_puts(struct command *, const char *);
void	 cmd_printf(struct command *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* An astring (RFC 3501 section 9): atom, quoted, or else literal. */
void	 cmd_astring(struct command *, const char *, size_t);
/* The same, but never an atom: list-mailbox, passwords. */
void	 cmd_string(struct command *, const char *, size_t);
/* Whether an astring of these octets would need a literal. */
int	 cmd_needs_literal(const char *, size_t);
/*
 * The head of a literal of n octets, with a stop behind it unless LITERAL+ or
 * LITERAL- allow to go on (RFC 7888); its octets follow by cmd_octets(), which
 * are never traced.
 */
void	 cmd_literal(struct command *, uint64_t, int);
void	 cmd_octets(struct command *, const void *, size_t);
/* Wait here for a "+". */
void	 cmd_stop(struct command *);
/* End a line that the server has to answer by a "+" (AUTHENTICATE). */
void	 cmd_ask(struct command *);
/*
 * As many ranges of a set from *pos on as fit into one command line, in
 * front of reserve octets more.  Returns 0, or -1 when not one fits.
 */
int	 cmd_uidset(struct command *, const struct uidset *, size_t *, size_t);
void	 cmd_close(struct command *);	/* CRLF; the command is whole */
void	 cmd_end(struct command *);	/* whole where it stops now */
size_t	 cmd_buffered(const struct command *);	/* octets not yet taken */
int	 cmd_written(const struct command *);	/* closed, and all taken */
int	 cmd_stopped(const struct command *);	/* waits for a "+" */

/* Move octets that may be written now into a buffer; returns how many. */
size_t	 cmdq_take(struct cmdq *, uint8_t *, size_t);
/* A "+" came: 0, or -1 when nothing waits for one. */
int	 cmdq_continue(struct cmdq *);
/*
 * Octets not yet taken of all commands up to this one, or (NULL) of all: they
 * leave before those that are put to it next.
 */
size_t	 cmdq_ahead(const struct cmdq *, const struct command *);
/* The command of a tag, if it is not answered yet; else NULL. */
struct command *cmdq_find(struct cmdq *, const char *);
/* The oldest command that was (partly) written and is not answered. */
struct command *cmdq_oldest(struct cmdq *);
/*
 * The tagged answer of a command was dealt with.  One that waits for "+" loses
 * its rest; one in the middle of a literal goes on, since the server was
 * promised these octets; a whole one is freed.  An open one stays until it is
 * closed.  -1: the rest holds another stop, so that nobody can know what the
 * server makes of it.
 */
int	 cmdq_answered(struct cmdq *, struct command *);

#endif
