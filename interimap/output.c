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
 * What a user sees: lines on standard error and in the logfile, each with the
 * prefix of log-prefix.  Every line of the program comes through here, also
 * those of lib/log.  Called while locked: opens nothing after
 * output_logfile().
 */
#include <sys/time.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interimap.h"

#define STAMP_MAX	40		/* "Nov 24 05:53:20.012345 " */

static const char *
level_word(enum loglevel level)
{
	switch (level) {
	case LOG_L_ERROR:
		return "ERROR: ";
	case LOG_L_WARN:
		return "WARNING: ";
	default:
		return "";
	}
}

static void
stamp(char *buf, size_t size)
{
	struct timeval	 tv;
	struct tm	 tm;
	time_t		 t;
	size_t		 n;

	buf[0] = '\0';
	if (gettimeofday(&tv, NULL) == -1)
		return;
	t = tv.tv_sec;
	if (localtime_r(&t, &tm) == NULL)
		return;
	n = strftime(buf, size, "%b %d %H:%M:%S", &tm);
	snprintf(buf + n, size - n, ".%06ld ", (long)tv.tv_usec);
}

/* One writev(2) a line: lines of several processes do not mix. */
static void
write_line(int fd, const char *when, const struct output *o, const char *word,
    const char *text)
{
	const char	*parts[] = { when, o->prefix, word, text, "\n" };
	struct iovec	 iov[sizeof(parts) / sizeof(parts[0])];
	size_t		 i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(&iov[i].iov_base, &parts[i], sizeof(parts[i]));
		iov[i].iov_len = strlen(parts[i]);
	}
	while (writev(fd, iov, (int)i) == -1 && errno == EINTR)
		continue;
}

/* Left out by --quiet: what went well, but for lines of the database. */
static int
left_out(const struct output *o, enum loglevel level)
{
	return o->quiet && o->side != SIDE_DB &&
	    (level == LOG_L_NOTICE || level == LOG_L_INFO);
}

static const char *
component(int side)
{
	if (side == LOCAL || side == REMOTE)
		return side_name((enum side)side);
	return side == SIDE_DB ? "database" : NULL;
}

static void
set_prefix(struct output *o, const char *mailbox)
{
	char	raw[PREFIX_MAX];

	prefix_expand(raw, sizeof(raw), o->format, component(o->side),
	    mailbox);
	log_vis(o->prefix, sizeof(o->prefix), raw, strlen(raw));
}

static void
sink(void *arg, enum loglevel level, const char *text)
{
	struct output	*o = arg;
	char		 when[STAMP_MAX];

	if (left_out(o, level))
		return;
	if (!o->prefixed)	/* a line of lib/log itself */
		set_prefix(o, NULL);
	if (level != LOG_L_DEBUG || o->logfd == -1)
		write_line(STDERR_FILENO, "", o, level_word(level), text);
	if (o->logfd != -1) {
		stamp(when, sizeof(when));
		write_line(o->logfd, when, o, level_word(level), text);
	}
}

void
output_init(struct output *o, int quiet, int debug)
{
	memset(o, 0, sizeof(*o));
	o->logfd = -1;
	o->quiet = quiet;
	o->debug = debug;
	o->format = PREFIX_DEFAULT;
	o->side = SIDE_NONE;
	log_to(sink, o);
	log_verbosity(debug > 0 ? LOG_L_DEBUG : LOG_L_INFO);
}

int
output_logfile(struct output *o, const char *path, char *err, size_t errlen)
{
	char	when[STAMP_MAX];

	tzset();
	stamp(when, sizeof(when));
	o->logfd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY, 0600);
	if (o->logfd == -1) {
		snprintf(err, errlen, "Can't open logfile %s: %s", path,
		    strerror(errno));
		return -1;
	}
	return 0;
}

void
output_line(struct output *o, enum loglevel level, int side,
    const char *mailbox, const char *text, size_t len)
{
	if (!log_says(level))
		return;
	o->side = side;
	set_prefix(o, mailbox);
	o->prefixed = 1;
	log_text(level, text, len);
	o->prefixed = 0;
	o->side = SIDE_NONE;
}
