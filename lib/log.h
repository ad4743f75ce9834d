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
 * What a process says.  The parent writes to standard error and the log file;
 * a child hands its lines to a sink that sends them to the parent.  All text
 * passes vis(3) here, in one place, so callers may print what a server sent.
 * The destination and the verbosity are the only process-wide state.
 *
 * The encoding leaves printable ASCII, the backslash among it, as it is: flags
 * read (\Seen).  So it is not reversible, but it is safe, and encoding twice is
 * the same as once.  The parent therefore encodes what a child's LOG brings
 * again (log_text): an honest child's line stays as it is, and a child that
 * was taken over cannot reach a terminal either.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

enum loglevel {
	LOG_L_ERROR, LOG_L_WARN, LOG_L_NOTICE, LOG_L_INFO, LOG_L_DEBUG
};

#define LOG_TEXTMAX	8192	/* octets of one line; the rest is cut, "..." */
#define LOG_LINEMAX	12288	/* the same encoded; fits into a LOG frame */

/*
 * Gets one whole line, already safe for a terminal, without newline, of at
 * most LOG_LINEMAX octets.  A process that calls fatal() ends when its sink
 * returns: a sink that queues writes LOG_L_ERROR out before that.  What is said
 * inside a sink goes to standard error.
 */
typedef void (*log_sink)(void *, enum loglevel, const char *);

void	 log_to(log_sink, void *);	/* NULL: standard error */
void	 log_verbosity(enum loglevel);	/* the highest said; at first INFO */
int	 log_says(enum loglevel);
void	 log_error(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_notice(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Foreign text, which may hold NUL. */
void	 log_text(enum loglevel, const char *, size_t);
/* An impossibility inside: say it and exit 70 (EX_SOFTWARE), at once. */
void	 fatal(const char *, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));
/*
 * Octets to a printable C string, as the lines above are encoded: writes at
 * most size octets, always terminated (size > 0), and ends before a sequence
 * that does not fit.  Tabs, newlines, controls, and octets above 0x7e become
 * \ooo or \c (VIS_CSTYLE).
 */
void	 log_vis(char *, size_t, const char *, size_t);

#endif
