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
 * Runs a command and tells what it took, its children included:
 *
 *	measure -o file [-s ms] [-t seconds] [-u uid -g gid] command ...
 *
 * appends "wall N user N sys N pss N rss N samples N late N status N" to the
 * file: wall, user and sys in us, pss and rss in kB, late in ms.
 *
 *	wall	from the fork to the end of the command itself
 *	user,	of all its processes, as wait4(2) gives them; those it leaves
 *	sys	behind come to us (a subreaper), so none is missed
 *	late	how long it took until they had ended as well
 *	pss,	with -s: the largest sum over the live processes, looked at
 *	rss	every ms.  A peak shorter than that may be missed.  Pages that
 *		processes share count once in pss, so it is the fair figure
 *		for several processes; it needs smaps_rollup, and for a process
 *		that is not dumpable the right of root to read it.  Where one
 *		may not be looked at, all three are 0
 *	status	of exit; 128 + the signal; 124 when -t ended it
 *
 * Looking costs time: what is timed is not run with -s.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX	256	/* processes that are looked at */
#define LATE_MAX	10000	/* ms, for those left behind */

struct measure {
	int		 log;
	int		 step;		/* ms, or 0 */
	int		 seconds;	/* until it is ended */
	uid_t		 uid;
	gid_t		 gid;
	pid_t		 child;
	int		 over;		/* the command has ended */
	int		 status;
	int64_t		 start, end;	/* ns */
	uint64_t	 user, sys;	/* us */
	uint64_t	 pss, rss;	/* kB */
	uint64_t	 samples;
	int		 denied;	/* one may not be looked at */
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void
start(struct measure *m, char **argv)
{
	sigset_t none;

	m->start = now_ns();
	if ((m->child = fork()) == -1)
		err(1, "fork");
	if (m->child != 0)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (m->uid != 0 && (setgroups(0, NULL) == -1 ||
	    setgid(m->gid) == -1 || setuid(m->uid) == -1))
		err(127, "uid %ld", (long)m->uid);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

/* Takes every process that has ended; 0 when there is none left at all. */
static int
reap(struct measure *m)
{
	struct rusage	 ru;
	pid_t		 pid;
	int		 st;

	while ((pid = wait4(-1, &st, WNOHANG, &ru)) > 0) {
		m->user += ru.ru_utime.tv_sec * 1000000ULL +
		    ru.ru_utime.tv_usec;
		m->sys += ru.ru_stime.tv_sec * 1000000ULL +
		    ru.ru_stime.tv_usec;
		if (pid != m->child)
			continue;
		m->end = now_ns();
		m->over = 1;
		if (m->status == 0)
			m->status = WIFEXITED(st) ? WEXITSTATUS(st) :
			    128 + WTERMSIG(st);
	}
	return pid == 0;
}

/* Reads a file of /proc; 0 when the process is gone, -1 when it may not. */
static int
slurp(pid_t pid, const char *name, char *buf, size_t size)
{
	char	 path[128];
	ssize_t	 n;
	int	 fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == EACCES || errno == EPERM ? -1 : 0;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return 1;
}

static size_t
children(pid_t pid, pid_t *pids, size_t n)
{
	char	 name[64], buf[8192], *p, *end;
	long	 v;

	snprintf(name, sizeof(name), "task/%ld/children", (long)pid);
	if (slurp(pid, name, buf, sizeof(buf)) != 1)
		return n;
	for (p = buf; n < PIDS_MAX; p = end) {
		v = strtol(p, &end, 10);
		if (end == p)
			break;
		pids[n++] = (pid_t)v;
	}
	return n;
}

static uint64_t
field(const char *buf, const char *name)
{
	const char *p = strstr(buf, name);

	return p == NULL ? 0 : strtoull(p + strlen(name), NULL, 10);
}

static void
look(struct measure *m)
{
	char		 buf[4096];
	pid_t		 pids[PIDS_MAX];
	size_t		 i, n;
	uint64_t	 pss = 0, rss = 0;
	int		 r;

	n = children(getpid(), pids, 0);
	for (i = 0; i < n; i++) {
		n = children(pids[i], pids, n);
		r = slurp(pids[i], "smaps_rollup", buf, sizeof(buf));
		m->denied |= r == -1;
		if (r != 1)
			continue;
		pss += field(buf, "\nPss:");
		rss += field(buf, "\nRss:");
	}
	if (pss > 0)
		m->samples++;
	if (pss > m->pss)
		m->pss = pss;
	if (rss > m->rss)
		m->rss = rss;
}

static void
pause_ms(const sigset_t *set, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	if (sigtimedwait(set, NULL, &ts) == -1 && errno != EAGAIN &&
	    errno != EINTR)
		err(1, "sigtimedwait");
}

/* Ends it: the command may clean up, what is left after that may not. */
static void
expire(struct measure *m)
{
	if (m->status == 124)
		kill(m->child, SIGKILL);
	else
		kill(m->child, SIGTERM);
	m->status = 124;
	m->seconds += 10;
}

static void
watch(struct measure *m, const sigset_t *set)
{
	while (reap(m) && !m->over) {
		if (m->step > 0)
			look(m);
		pause_ms(set, m->step > 0 ? m->step : 1000);
		if (!m->over && now_ns() - m->start >
		    m->seconds * 1000000000LL)
			expire(m);
	}
	while (now_ns() - m->end < LATE_MAX * 1000000LL && reap(m))
		pause_ms(set, 100);
}

static int
number(const char *text, int max)
{
	char	*end;
	long	 v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || v < 0 || v > max)
		errx(1, "not a number up to %d: %s", max, text);
	return (int)v;
}

static void
options(struct measure *m, int argc, char **argv)
{
	int ch;

	m->log = -1;
	m->seconds = 3600;
	while ((ch = getopt(argc, argv, "+g:o:s:t:u:")) != -1)
		switch (ch) {
		case 'g':
			m->gid = (gid_t)number(optarg, INT_MAX);
			break;
		case 'o':
			m->log = open(optarg, O_WRONLY | O_CREAT | O_APPEND |
			    O_CLOEXEC, 0644);
			if (m->log == -1)
				err(1, "%s", optarg);
			break;
		case 's':
			m->step = number(optarg, 10000);
			break;
		case 't':
			m->seconds = number(optarg, 1000000);
			break;
		case 'u':
			m->uid = (uid_t)number(optarg, INT_MAX);
			break;
		default:
			exit(1);
		}
	if (m->log == -1 || optind >= argc)
		errx(1, "usage: measure -o file [-s ms] [-t seconds] "
		    "[-u uid -g gid] command ...");
}

int
main(int argc, char *argv[])
{
	struct measure	 m;
	sigset_t	 set;

	memset(&m, 0, sizeof(m));
	options(&m, argc, argv);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1)
		err(1, "prctl");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		err(1, "sigprocmask");
	start(&m, argv + optind);
	watch(&m, &set);
	if (m.denied)
		m.pss = m.rss = m.samples = 0;
	dprintf(m.log, "wall %" PRId64 " user %" PRIu64 " sys %" PRIu64
	    " pss %" PRIu64 " rss %" PRIu64 " samples %" PRIu64
	    " late %" PRId64 " status %d\n", (m.end - m.start) / 1000,
	    m.user, m.sys, m.pss, m.rss, m.samples,
	    (now_ns() - m.end) / 1000000, m.status);
	return m.status;
}
