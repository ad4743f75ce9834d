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
 * The secret that a command tells: password-command.  Called by session.c for
 * each session, before children exist and before the parent locks.  What the
 * command says is in one buffer that is wiped, and never in an error.
 */
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interimap.h"

#define SECRET_MAX	8192	/* octets of the first line */
#define STEP_MS		20	/* between two looks at the process */

struct source {
	int		 fd;		/* -1: at its end */
	pid_t		 pid;		/* -1: reaped */
	int		 status;
	size_t		 len;		/* octets of the first line, so far */
	int		 whole;		/* it is there, the rest is dropped */
	char		 line[SECRET_MAX + 2];	/* CR, and one octet too many */
	char		 chunk[4096];
};

static time_t
now(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime: %s", strerror(errno));
	return ts.tv_sec;
}

/* Keep what belongs to the first line, as far as there is room. */
static void
keep(struct source *s, size_t n)
{
	const char	*nl = memchr(s->chunk, '\n', n);
	size_t		 len = nl == NULL ? n : (size_t)(nl - s->chunk);

	if (s->whole)
		return;
	if (len > sizeof(s->line) - s->len)
		len = sizeof(s->line) - s->len;
	memcpy(s->line + s->len, s->chunk, len);
	s->len += len;
	s->whole = nl != NULL;
}

static void
take(struct source *s)
{
	struct pollfd	 pfd = { .fd = s->fd, .events = POLLIN };
	ssize_t		 n;

	if (poll(&pfd, 1, s->fd == -1 ? STEP_MS / 2 : STEP_MS) != 1)
		return;
	n = read(s->fd, s->chunk, sizeof(s->chunk));
	if (n > 0)
		keep(s, (size_t)n);
	else if (n == 0 || errno != EINTR) {
		close(s->fd);
		s->fd = -1;
	}
	explicit_bzero(s->chunk, sizeof(s->chunk));
}

static void
look(struct source *s)
{
	if (s->pid != -1 && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
		s->pid = -1;
}

/*
 * Until the process has ended and its output is read.  Something that it left
 * behind may hold the pipe open; once the line is there, that does not matter.
 * NULL, or why it was given up.
 */
static const char *
wait_for(struct source *s)
{
	time_t	 end = now() + SECRET_SECONDS;

	while (s->pid != -1 || (s->fd != -1 && !s->whole)) {
		if (got_sigterm || got_sigint)
			return "interrupted";
		if (now() >= end)
			return "it takes too long";
		take(s);
		look(s);
	}
	return NULL;
}

/* End the command and what it started, if it is still there. */
static void
end(struct source *s)
{
	if (s->fd != -1)
		close(s->fd);
	if (s->pid == -1)
		return;
	kill(-s->pid, SIGKILL);
	while (waitpid(s->pid, &s->status, 0) == -1 && errno == EINTR)
		continue;
}

/* A line may end in CR LF. */
static const char *
judge(struct source *s)
{
	static char	 how[64];

	if (WIFSIGNALED(s->status))
		snprintf(how, sizeof(how), "killed by signal %d",
		    WTERMSIG(s->status));
	else
		snprintf(how, sizeof(how), "exit status %d",
		    WEXITSTATUS(s->status));
	if (s->status != 0)
		return how;
	if (s->len > 0 && s->line[s->len - 1] == '\r')
		s->len--;
	if (s->len == 0)
		return "the first line of its output is empty";
	if (s->len > SECRET_MAX)
		return "the first line of its output is too long";
	if (memchr(s->line, '\0', s->len) != NULL)
		return "the first line of its output holds a NUL";
	return NULL;
}

char *
secret_run(const char *command, char *err, size_t errlen)
{
	struct source	 s;
	const char	*why;
	char		*secret = NULL;

	memset(&s, 0, sizeof(s));
	if ((s.fd = output_spawn(command, &s.pid)) == -1) {
		snprintf(err, errlen, "it cannot be run: %s",
		    strerror(errno));
		return NULL;
	}
	why = wait_for(&s);
	end(&s);
	if (why == NULL && (why = judge(&s)) == NULL &&
	    (secret = strndup(s.line, s.len)) == NULL)
		why = "no memory";
	if (why != NULL)
		snprintf(err, errlen, "%s", why);
	explicit_bzero(&s, sizeof(s));
	return secret;
}
