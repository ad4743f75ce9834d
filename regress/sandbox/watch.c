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
 * The supervisor: after which exit status of a session it runs another one,
 * when, and what it does with signals.  Called by processes.c.  A session of
 * this test takes its exit status from its arguments, one word a session;
 * "sleep" waits for a signal, "crash" dies.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"

/* argv: interimap --session FILE WORD ...; FILE counts sessions, by octets. */
void
be_session(int argc, char **argv)
{
	const char *word;
	off_t n;
	int fd;

	if (argc < 4 || (fd = open(argv[2], O_WRONLY | O_APPEND)) == -1 ||
	    write(fd, ".", 1) != 1 || (n = lseek(fd, 0, SEEK_CUR)) < 1)
		_exit(99);
	if (n > argc - 3)
		_exit(98);
	word = argv[2 + n];
	if (strcmp(word, "sleep") == 0)
		for (;;)
			pause();
	if (strcmp(word, "crash") == 0)
		abort();
	_exit((int)strtol(word, NULL, 10));
}

struct run {
	char	file[4096];
	pid_t	pid;
	long	began;
};

static off_t
sessions(const struct run *r)
{
	int fd = open(r->file, O_RDONLY);
	off_t n = lseek(fd, 0, SEEK_END);

	close(fd);
	return n;
}

static void
begin(struct run *r, const char *tree, char **words, int interval)
{
	char *argv[16] = { (char *)(uintptr_t)"interimap", r->file };
	int argc = 2, fd, null;

	snprintf(r->file, sizeof(r->file), "%s/sessions", tree);
	if ((fd = open(r->file, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1)
		err(1, "%s", r->file);
	close(fd);
	while (*words != NULL && argc < 15)
		argv[argc++] = *words++;
	r->began = milliseconds();
	if ((r->pid = fork()) == -1)
		err(1, "fork");
	if (r->pid != 0)
		return;
	if ((null = open("/dev/null", O_WRONLY)) != -1)
		dup2(null, STDERR_FILENO);
	_exit(supervisor_run(argc, argv, interval));
}

/* Wait until so many sessions have begun (or two seconds). */
static void
await(const struct run *r, off_t n)
{
	const struct timespec step = { 0, 10000000 };
	int i;

	for (i = 0; i < 200 && sessions(r) < n; i++)
		nanosleep(&step, NULL);
	nanosleep(&step, NULL);
}

/* Wait for the end and check it: exit status, sessions, milliseconds. */
static void
end(struct run *r, const char *name, int want, off_t n, long least, long most)
{
	char text[256];
	long took;
	int status;

	if (waitpid(r->pid, &status, 0) != r->pid)
		err(1, "waitpid");
	took = milliseconds() - r->began;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	snprintf(text, sizeof(text), "status %d, %lld sessions, %ld ms",
	    status, (long long)sessions(r), took);
	check(status == want && sessions(r) == n && took >= least &&
	    took <= most, name, text);
	unlink(r->file);
}

#define WORDS(...)	((char *[]){ __VA_ARGS__, NULL })

static char s0[] = "0", s1[] = "1", s2[] = "2", s3[] = "3", s75[] = "75",
    s77[] = "77", s78[] = "78", s5[] = "5", slept[] = "sleep",
    crash[] = "crash";

static void
test_status(const char *tree)
{
	struct run r;

	begin(&r, tree, WORDS(s0, s2, s3, s78), 1);
	end(&r, "0, 2 and 3 go on after the interval, 78 ends", 78, 4, 2000,
	    6000);
	begin(&r, tree, WORDS(s75, s1), 100);
	end(&r, "75 goes on after a pause of its own, 1 ends", 1, 2, 1900,
	    7000);
	begin(&r, tree, WORDS(s77), 1);
	end(&r, "77 ends", 77, 1, 0, 1000);
	begin(&r, tree, WORDS(s5), 1);
	end(&r, "a status that is none ends", 5, 1, 0, 1000);
	begin(&r, tree, WORDS(crash), 1);
	end(&r, "a session that crashed ends it with 70", 70, 1, 0, 1000);
}

static void
test_signals(const char *tree)
{
	struct run r;

	begin(&r, tree, WORDS(slept), 100);
	await(&r, 1);
	kill(r.pid, SIGTERM);
	end(&r, "SIGTERM is passed on and ends it with 0", 0, 1, 0, 3000);
	begin(&r, tree, WORDS(slept), 100);
	await(&r, 1);
	kill(r.pid, SIGINT);
	end(&r, "SIGINT is passed on and ends it with 1", 1, 1, 0, 3000);
	begin(&r, tree, WORDS(slept, s78), 100);
	await(&r, 1);
	kill(r.pid, SIGHUP);
	end(&r, "SIGHUP is passed on, and the next session begins at once",
	    78, 2, 0, 3000);
	begin(&r, tree, WORDS(s0), 100);
	await(&r, 1);
	kill(r.pid, SIGTERM);
	end(&r, "SIGTERM ends a pause", 0, 1, 0, 3000);
	begin(&r, tree, WORDS(s0, s78), 100);
	await(&r, 1);
	kill(r.pid, SIGHUP);
	end(&r, "SIGHUP ends a pause with a new session", 78, 2, 0, 3000);
}

void
test_watch(const char *tree)
{
	test_status(tree);
	test_signals(tree);
}
