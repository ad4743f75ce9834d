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
 * What a process says, made safe for a terminal.  Called from everywhere but
 * pure code; opens nothing, and writes only to standard error, when no sink
 * was set.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#define LIBBSD_OPENBSD_VIS	/* libbsd asks which strnvis(3) is meant */
#include <vis.h>

#include "log.h"

/* Systems whose vis(3) never looks at the locale have no such bit. */
#ifndef VIS_NOLOCALE
#define VIS_NOLOCALE	0
#endif
#define LOG_VIS (VIS_OCTAL | VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_NOLOCALE)
#define LOG_VISMAX	8	/* octets one octet becomes, and a NUL */

/* Process-wide, as log.h says; set once at the start. */
static struct {
	log_sink	 sink;
	void		*arg;
	enum loglevel	 verbosity;
	int		 busy;	/* in the sink, which must not call itself */
} log_state = { NULL, NULL, LOG_L_INFO, 0 };

void
log_to(log_sink sink, void *arg)
{
	log_state.sink = sink;
	log_state.arg = arg;
}

void
log_verbosity(enum loglevel level)
{
	log_state.verbosity = level;
}

int
log_says(enum loglevel level)
{
	return level <= log_state.verbosity;
}

void
log_vis(char *out, size_t size, const char *text, size_t n)
{
	char enc[LOG_VISMAX];
	size_t i, len, used = 0;
	int next;

	for (i = 0; i < n; i++) {
		if (text[i] >= ' ' && text[i] <= '~') {
			enc[0] = text[i];
			len = 1;
		} else {
			next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
			len = (size_t)(vis(enc, (unsigned char)text[i],
			    LOG_VIS, next) - enc);
		}
		if (len >= size - used)
			break;
		memcpy(out + used, enc, len);
		used += len;
	}
	out[used] = '\0';
}

void
log_text(enum loglevel level, const char *text, size_t n)
{
	char line[LOG_LINEMAX + 1];
	size_t cut = n > LOG_TEXTMAX ? LOG_TEXTMAX : n;

	if (!log_says(level))
		return;
	log_vis(line, sizeof(line) - strlen("..."), text, cut);
	if (cut < n)
		strlcat(line, "...", sizeof(line));
	if (log_state.sink == NULL || log_state.busy) {
		fprintf(stderr, "%s\n", line);
		return;
	}
	log_state.busy = 1;
	log_state.sink(log_state.arg, level, line);
	log_state.busy = 0;
}

static void vlog(enum loglevel, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
vlog(enum loglevel level, const char *fmt, va_list ap)
{
	char text[LOG_TEXTMAX + 2];	/* so that log_text() sees a cut */
	int n;

	if (!log_says(level))
		return;
	if ((n = vsnprintf(text, sizeof(text), fmt, ap)) < 0)
		n = 0;
	log_text(level, text, (size_t)n < sizeof(text) ? (size_t)n :
	    sizeof(text) - 1);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_WARN, fmt, ap);
	va_end(ap);
}

void
log_notice(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_NOTICE, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_DEBUG, fmt, ap);
	va_end(ap);
}

/* Without cleaning up: an impossibility leaves nothing that can be trusted. */
void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_ERROR, fmt, ap);
	va_end(ap);
	_exit(EX_SOFTWARE);
}
