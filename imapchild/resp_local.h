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
 * What the files of the response parser share: resp.c (lines, dispatch, body
 * literals), resp_status.c (OK, NO, BAD, BYE, PREAUTH, "+"), resp_code.c,
 * resp_fetch.c, resp_list.c (LIST, STATUS), resp_set.c (VANISHED, SEARCH,
 * ESEARCH).  A state of the parser is one function that
 * gets the next token and names the state that gets the one after it.
 */
#ifndef RESP_LOCAL_H
#define RESP_LOCAL_H

#include "resp.h"
#include "token.h"

typedef int (*resp_state)(struct resp *, enum token);	/* 0, or -1: bad */

struct resp {
	const struct resp_calls	*calls;
	void			*arg;		/* of the calls */
	struct lex		 lex;
	resp_state		 state;
	const char		*what;		/* the response, or NULL */
	int			 failed;
	char			 err[96];	/* why; "" while all is well */
	uint64_t		 linelen;	/* of it, no bodies */
	int			 stop;		/* resp_stop() was called */
	struct strbuf		 trace;		/* of this line */

	resp_state		 back;		/* after a value was skipped */
	enum lex_mode		 backmode;
	unsigned int		 depth;		/* parentheses in it */

	int			 in_body;	/* body_begin was called */
	size_t			 drained;	/* octets of a quoted body */

	char			 tag[RESP_ATOMMAX + 1];
	struct resp_status	 status;
	struct uidrange		 uids[RESP_UIDSMAX];	/* APPENDUID */
	struct uidset		 modified;
	struct flags		 flags;		/* FLAGS, PERMANENTFLAGS */
	struct strbuf		 codename;

	uint32_t		 number;	/* "* number ..." */
	enum resp_set		 set;
	int			 is_uid;	/* ESEARCH ... UID */

	char			 name[MAILBOX_NAMEMAX + 1];
	struct resp_list	 list;
	struct resp_statusdata	 mbstatus;
	uint8_t			 statusbit;	/* the item being read */

	struct resp_fetch	 fetch;
	struct strbuf		 header;
};

/* The next token goes to this state, read in this mode; returns 0. */
int	resp_goto(struct resp *, resp_state, enum lex_mode);
int	resp_bad(struct resp *, const char *);	/* sets the error; -1 */
/* Of a call: 0, or -1 and an error. */
int	resp_called(struct resp *, int);
int	resp_end(struct resp *);		/* the line is over */
int	resp_eol(struct resp *, enum token);	/* state: nothing may follow */
/* Skip one value (atom, string, list), then go on as told. */
int	resp_skip(struct resp *, resp_state, enum lex_mode);
int	resp_skip_line(struct resp *);		/* the rest of it */
/* The token is this atom, in any case. */
int	resp_is(const struct resp *, enum token, const char *);
/* The token is a number up to max: 0, or -1 and an error. */
int	resp_number(struct resp *, enum token, uint64_t, uint64_t *);
/* The token is a mailbox name: into r->name, 0, or -1 and an error. */
int	resp_name(struct resp *, enum token, size_t *);
void	resp_upper(char *);			/* ASCII only */

/* Begin a status response when the token is a condition: 1, else 0. */
int	resp_status_begin(struct resp *, enum token, const char *);

/* First states of the responses; none has read anything after the name. */
int	resp_tagged(struct resp *, enum token);
int	resp_cont(struct resp *, enum token);
int	resp_fetch(struct resp *, enum token);
int	resp_list(struct resp *, enum token);
int	resp_mbstatus(struct resp *, enum token);
int	resp_search(struct resp *, enum token);
int	resp_esearch(struct resp *, enum token);
int	resp_vanished(struct resp *, enum token);

void	resp_fetch_reset(struct resp *);
/* The value of BODY[] is over. */
int	resp_body_end(struct resp *);
/* Fill r->status from the code in the token's text: 0, or -1 and an error. */
int	resp_code(struct resp *);

#endif
