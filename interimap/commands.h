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
 * --delete and --rename: what commands.c and rename.c share, and what the
 * engine asks of them.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "mailbox.h"

struct name {			/* as the database has it */
	char	 p[MAILBOX_NAMEMAX + 1];
	size_t	 n;
};
struct command_run {
	enum command	 what;
	int		 targets;	/* TARGET_* */
	struct name	*names;		/* the arguments */
	size_t		 n;
	int		 pending;
	void		(*next)(struct engine *);	/* when all is answered */
	int		 failed;	/* what follows is not to be done */
	int		 done[2];	/* this side has it renamed already */
};
struct command_run *command_new(enum command, int, size_t);
void	 command_free(struct command_run *);
void	 command_start(struct engine *);
int	 command_mailbox(struct request *, struct imsg *);	/* MAILBOX */
/* One request of a command; what follows waits for its answer. */
void	 command_request(struct engine *, enum peer, enum msg_type,
	    struct ibuf *, req_done);
void	 command_done(struct request *, const struct msg_fail *);
/* When all is answered, and nothing failed, go on here. */
void	 command_wait(struct engine *, void (*)(struct engine *));
/* The database is to be written to: does it take it?  Then go on there. */
void	 command_begin(struct engine *, void (*)(struct engine *));
/* A refused change of a server; says what, and what to do. */
void	 command_refused(struct engine *, enum peer, const char *,
	    const struct msg_fail *);
/* A name of the database for a user: with the local delimiter. */
const char *command_display(const struct engine *, const char *, size_t,
	    char *, size_t);
/* Ask both sides, or the targets alone, for what is of interest. */
void	 command_list(struct engine *, int);
void	 rename_start(struct engine *);

#endif
