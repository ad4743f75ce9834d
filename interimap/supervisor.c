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
 * The supervisor of --watch: runs session after session in processes of their
 * own and decides by their exit status alone whether and when the next one
 * starts.  Called by main.c.  Reads nothing that a session wrote, so what a
 * server did to one session cannot reach the next.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "locate.h"
#include "sandbox.h"

#define BACKOFF_FIRST	5		/* seconds after the first failure */
#define BACKOFF_MAX	900		/* and at most */
#define STEADY		60		/* a session this long was a success */

static volatile sig_atomic_t stop, hangup;	/* set by on_signal() */

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		hangup = 1;
	else if (sig != SIGCHLD)
		stop = sig;
}

/* Signals arrive only in wait_until(); *during is the mask for that. */
static int
catch_signals(sigset_t *during)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct sigaction sa = { 0 };
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = on_signal;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		sigaddset(&block, sigs[i]);
		if (sigaction(sigs[i], &sa, NULL) == -1)
			return -1;
	}
	if (sigprocmask(SIG_BLOCK, &block, during) == -1)
		return -1;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigdelset(during, sigs[i]);
	return 0;
}

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Sleep so many seconds (-1: for ever) or until a signal comes. */
static void
doze(long seconds, const sigset_t *during)
{
	struct timespec ts = { seconds, 0 };

	ppoll(NULL, 0, seconds == -1 ? NULL : &ts, during);
}

/* Wait so many seconds; a SIGHUP or the end comes sooner. */
static void
rest(unsigned int seconds, const sigset_t *during)
{
	time_t end = now() + seconds, t;

	hangup = 0;
	while (!stop && !hangup && (t = now()) < end)
		doze(end - t, during);
}

static pid_t
start_session(const char *self, char **argv, const sigset_t *mask)
{
	struct sigaction sa = { 0 };
	pid_t pid;

	if ((pid = fork()) != 0)
		return pid;
	sa.sa_handler = SIG_DFL;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGCHLD, &sa, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(self, argv);
	log_error("cannot run %s: %s", self, strerror(errno));
	_exit(OUT_INTERNAL);
}

/*
 * Wait for a session, passing signals on.  Its exit status; *again: it ended
 * because of SIGHUP.
 */
static int
watch_session(pid_t pid, int *again, const sigset_t *during)
{
	int passed = 0, status;

	hangup = *again = 0;
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (stop && passed != stop) {
			passed = stop;
			kill(pid, passed);
		}
		if (hangup) {
			hangup = 0;
			*again = 1;
			kill(pid, SIGHUP);
		}
		doze(-1, during);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (stop)
		return stop == SIGTERM ? OUT_DONE : OUT_FAILED;
	if (WTERMSIG(status) == SIGHUP)
		return OUT_DONE;
	log_error("the session was killed by signal %d", WTERMSIG(status));
	return OUT_INTERNAL;
}

/*
 * Seconds until the next session, or -1: there is none.  *failures counts
 * temporary failures in a row, of sessions that did not last; their pause
 * doubles, half of it by chance, so that many clients do not come back at once.
 */
static long
pause_after(int status, unsigned int interval, time_t lasted,
    unsigned int *failures)
{
	unsigned int limit = BACKOFF_FIRST;
	unsigned int i;

	if (lasted >= STEADY)
		*failures = 0;
	switch (status) {
	case OUT_DONE:
	case OUT_PARTIAL:
	case OUT_GUARD:
		*failures = 0;
		return interval;
	case OUT_TEMPORARY:
		for (i = 0; i < *failures && limit < BACKOFF_MAX; i++)
			limit *= 2;
		if (limit > BACKOFF_MAX)
			limit = BACKOFF_MAX;
		(*failures)++;
		return limit / 2 + arc4random_uniform(limit / 2 + 1);
	}
	return -1;
}

/* argv with SESSION_ARG in its second place; the words are not copied. */
static char **
session_args(int argc, char **argv)
{
	static char word[] = SESSION_ARG;
	char **v;

	if ((v = calloc((size_t)argc + 2, sizeof(*v))) == NULL)
		return NULL;
	v[0] = argv[0];
	v[1] = word;
	memcpy(v + 2, argv + 1, ((size_t)argc - 1) * sizeof(*v));
	return v;
}

static int
run_sessions(const char *self, char **argv, unsigned int interval)
{
	unsigned int failures = 0;
	sigset_t during;
	long seconds;
	time_t began;
	pid_t pid;
	int again = 0, status;

	if (catch_signals(&during) == -1)
		return OUT_INTERNAL;
	for (;; again = 0) {
		began = now();
		if ((pid = start_session(self, argv, &during)) == -1) {
			log_warn("cannot start a session: %s",
			    strerror(errno));
			status = OUT_TEMPORARY;
		} else
			status = watch_session(pid, &again, &during);
		seconds = pause_after(status, again ? 0 : interval,
		    now() - began, &failures);
		if (stop || seconds == -1)
			return status;
		rest((unsigned int)seconds, &during);
		if (stop)
			return stop == SIGTERM ? OUT_DONE : OUT_FAILED;
	}
}

int
supervisor_run(int argc, char **argv, int interval)
{
	char err[ERRMAX], self[LOCATE_MAX], **args;
	int status;

	if (locate_self(self, sizeof(self)) == -1) {
		log_error("cannot find the running program: %s",
		    strerror(errno));
		return OUT_INTERNAL;
	}
	if (sandbox_enter(SANDBOX_SUPERVISOR, NULL, err, sizeof(err)) == -1) {
		log_error("sandbox: %s", err);
		return OUT_INTERNAL;
	}
	if ((args = session_args(argc, argv)) == NULL)
		fatal("out of memory");
	status = run_sessions(self, args, (unsigned int)interval);
	free(args);
	return status;
}
