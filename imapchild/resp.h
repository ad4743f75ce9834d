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
 * Parser of what an IMAP server sends (RFC 3501 section 9 and 7, RFC 7162
 * section 7, RFC 4315, 4731, 5161, 5258, 5819, 7888, 3516).  Pure: octets in,
 * calls out; it never reads a socket, never logs, and caps every size.  Long
 * answers (VANISHED, ESEARCH, SEARCH, body literals) stream: no line or
 * literal is ever collected as a whole.  Driven by imapchild's main loop; the
 * calls are implemented by the session.
 */
#ifndef RESP_H
#define RESP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "flags.h"
#include "msg.h"
#include "uidset.h"

#define RESP_ATOMMAX	1024	/* an atom, tag, number, flag */
#define RESP_STRMAX	8192	/* a quoted string or small literal */
#define RESP_TEXTMAX	8192	/* text kept; the rest is dropped */
#define RESP_HEADERMAX	65536	/* a header-fields literal */
#define RESP_CODEMAX	(1 << 20)	/* a response code with its arguments */
#define RESP_UIDSMAX	4096	/* ranges of an APPENDUID */
#define RESP_BODYMAX	((uint64_t)INT64_MAX)	/* a literal (RFC 9051) */
#define RESP_MODSEQMAX	((uint64_t)INT64_MAX)	/* RFC 7162 section 7 */
#define RESP_DEPTHMAX	32	/* nested parentheses */
#define RESP_LINEMAX	(512ULL << 20)	/* one response, without bodies */

enum resp_cond { COND_OK, COND_NO, COND_BAD, COND_BYE, COND_PREAUTH };

/* Response codes whose arguments we know (RFC 3501 7.1, 4315, 7162, 5530). */
enum resp_code {
	CODE_NONE, CODE_OTHER, CODE_ALERT, CODE_CAPABILITY, CODE_CLOSED,
	CODE_APPENDUID, CODE_COPYUID, CODE_HIGHESTMODSEQ, CODE_NOMODSEQ,
	CODE_MODIFIED, CODE_PERMANENTFLAGS, CODE_READONLY, CODE_READWRITE,
	CODE_TRYCREATE, CODE_UIDNEXT, CODE_UIDVALIDITY, CODE_UNSEEN,
	CODE_UIDNOTSTICKY
};

/* A tagged or untagged OK, NO, BAD, BYE, PREAUTH. */
struct resp_status {
	const char	*tag;		/* NULL: untagged */
	enum resp_cond	 cond;
	enum resp_code	 code;
	const char	*codename;	/* as sent, upper case; "" if none */
	const char	*text;		/* up to RESP_TEXTMAX, no CR LF */
	uint32_t	 uidvalidity;	/* APPENDUID, COPYUID, UIDVALIDITY */
	uint32_t	 number;	/* UIDNEXT, UNSEEN */
	uint64_t	 modseq;	/* HIGHESTMODSEQ */
	/*
	 * APPENDUID: the UIDs as the ordered list of ranges the server sent,
	 * never merged or sorted; "12:10" is 10,11,12 (RFC 4315 section 3).
	 * Valid in the call.
	 */
	const struct uidrange *uids;
	size_t		 nuids;
	const struct uidset *set;	/* MODIFIED */
	const struct flags *flags;	/* PERMANENTFLAGS (with FLAG_STAR) */
};

/* What one FETCH response brought; has says which. */
#define FETCH_UID	0x0001
#define FETCH_FLAGS	0x0002
#define FETCH_MODSEQ	0x0004
#define FETCH_DATE	0x0008	/* INTERNALDATE, parsed; date.valid may be 0 */
#define FETCH_SIZE	0x0010	/* RFC822.SIZE */
#define FETCH_HEADER	0x0020	/* BODY[HEADER.FIELDS (...)] */
#define FETCH_BODY	0x0040	/* BODY[] came as a literal or string */
#define FETCH_NIL	0x0080	/* BODY[] NIL */
struct resp_fetch {
	uint32_t	 seq;
	unsigned int	 has;
	uint32_t	 uid;
	struct flags	 flags;
	uint64_t	 modseq, size;
	struct msg_date	 date;
	const char	*header;	/* at most RESP_HEADERMAX */
	size_t		 headerlen;
	int		 headercut;	/* it was longer than the cap */
	uint64_t	 bodylen;	/* octets of BODY[] */
};

struct resp_list {			/* LIST; owned by the parser */
	const char	*name;		/* "inbox" comes as INBOX */
	size_t		 namelen;	/* holds no NUL */
	char		 delim;		/* 0: NIL */
	unsigned int	 attrs;		/* ATTR_* */
};

struct resp_statusdata {		/* STATUS mailbox (...) */
	const char	*name;
	size_t		 namelen;
	unsigned int	 has;		/* STATUS_* */
	uint32_t	 uidvalidity, uidnext, messages;
	uint64_t	 modseq;
};

enum resp_set { SET_VANISHED, SET_VANISHED_EARLIER, SET_SEARCH };

/*
 * The calls.  Each returns 0, or -1 to give up (resp_feed then returns -1).
 * body_data returns how many octets it took, possibly 0: the parser stops
 * there, and resp_feed must be called again with the rest.
 */
struct resp_calls {
	int	(*status)(void *, const struct resp_status *);
	int	(*cont)(void *, const char *);		/* "+ text" */
	int	(*capability)(void *, const char *);	/* one atom, upper case;
			NULL first: a new list begins (code or untagged) */
	int	(*enabled)(void *, const char *);	/* one, upper case */
	int	(*list)(void *, const struct resp_list *);
	int	(*mailboxstatus)(void *, const struct resp_statusdata *);
	int	(*exists)(void *, uint32_t);
	int	(*expunge)(void *, uint32_t);		/* sequence number */
	int	(*flags)(void *, const struct flags *);	/* FLAGS response */
	/* One range of a set; lo <= hi, both > 0 (0 is dropped: seen in the
	 * wild).  Of ESEARCH: of ALL. */
	int	(*range)(void *, enum resp_set, uint32_t, uint32_t);
	int	(*set_end)(void *, enum resp_set);
	int	(*fetch)(void *, const struct resp_fetch *);	/* at its end */
	/* BODY[] begins; what was parsed before it is in the resp_fetch. */
	int	(*body_begin)(void *, const struct resp_fetch *, int literal8);
	ssize_t	(*body_data)(void *, const char *, size_t);
	int	(*body_end)(void *);
	/* One line, without CR LF and with literals replaced by "[...]", for
	 * the debug trace; at most RESP_TEXTMAX octets.  It comes when the
	 * line is over: what streams from a line was called before it.  May
	 * be NULL. */
	int	(*trace)(void *, const char *, size_t);
};

/*
 * How strict it is, beside what token.h says of the tokens.  Unknown responses,
 * FETCH items, STATUS items, attributes and codes are passed over.  A known
 * code whose arguments are malformed comes as CODE_OTHER under its name: an
 * APPENDUID so is a missing one, but a MODIFIED so must not count as absent.
 * UIDVALIDITY 0 and UIDNEXT 0 in STATUS count as not told.  A mod-sequence of
 * 0 is accepted everywhere, one of 2^63 or more nowhere (RFC 7162 section 7).
 * A flag that is none is passed over in FLAGS and PERMANENTFLAGS but not in
 * FETCH, where losing it would take it off the other side.  An ESEARCH without
 * UID is refused, since its numbers would be taken for UIDs.
 */
struct resp;				/* opaque */

struct resp	*resp_new(const struct resp_calls *, void *); /* NULL: memory */
void		 resp_free(struct resp *);
/*
 * Feed octets.  Returns how many were consumed: all of them unless body_data
 * took less or resp_stop() was called, or -1 when the server broke the grammar or a cap, or a call
 * failed; resp_error() then says what in a few words.
 */
ssize_t		 resp_feed(struct resp *, const char *, size_t);
/*
 * From a call: consume no more than this response, for what follows is to be
 * read in another way.  Holds for the resp_feed() under way.
 */
void		 resp_stop(struct resp *);
const char	*resp_error(const struct resp *);	/* "": all is well */
/* Inside a response (an EOF now is in the middle of something). */
int		 resp_partial(const struct resp *);

/* "17-Jul-1996 02:44:25 -0700" (RFC 3501 date-time); valid 0 if malformed. */
void		 resp_date(struct msg_date *, const char *, size_t);
/* The reverse, always 26 octets and a NUL. */
#define RESP_DATELEN	27
int		 resp_date_format(char *, size_t, const struct msg_date *);

#endif
