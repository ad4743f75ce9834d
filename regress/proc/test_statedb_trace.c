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
 * The real statedb under strace(1): once OPEN is answered no path is opened,
 * made or removed any more, whatever the work; and a run that finds nothing to
 * do writes nothing to the database and syncs but its journal and its folder.
 */
#include "procdb.h"

#define CALLS	"trace=%file,fsync,fdatasync,pwrite64,writev"

static char trace_path[160];

static void
traced(void *arg)
{
	execlp("strace", "strace", "-f", "-qq", "-o", trace_path, "-e", CALLS,
	    PROGRAM, (char *)NULL);
	_exit(105);
}

/* Whether processes may be traced here at all. */
static int
can_trace(void)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		execlp("strace", "strace", "-qq", "-o", "/dev/null", "true",
		    (char *)NULL);
		_exit(105);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

struct seen {
	size_t	answers;	/* writes to the parent */
	size_t	late;		/* paths opened after OPEN was answered */
	size_t	early;		/* and before */
	size_t	fsync, fdatasync, pages;
};

/* Looking is no harm, and is refused; SQLite does it when it closes. */
static int
only_looks(const char *line)
{
	return strncmp(line, "newfstatat(", 11) == 0 ||
	    strncmp(line, "stat", 4) == 0 || strncmp(line, "lstat", 5) == 0 ||
	    strncmp(line, "access(", 7) == 0 ||
	    strncmp(line, "readlink", 8) == 0;
}

static void
count_line(const char *line, int dbfd, struct seen *s)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "pwrite64(%d,", dbfd);
	if (strncmp(line, "writev(3,", 9) == 0)
		s->answers++;
	else if (strncmp(line, "fsync(", 6) == 0)
		s->fsync++;
	else if (strncmp(line, "fdatasync(", 10) == 0)
		s->fdatasync++;
	else if (strncmp(line, prefix, strlen(prefix)) == 0)
		s->pages++;
	else if (strncmp(line, "pwrite64(", 9) == 0 || only_looks(line))
		;			/* opens no path */
	else if (s->answers >= 2)	/* READY, and that of OPEN */
		s->late++;
	else
		s->early++;
}

/*
 * Read the trace, and remove it.  Paths are not in it where we are not root
 * (statedb cannot be looked into), so the database is known by its flags.
 */
static struct seen
look(void)
{
	struct seen seen;
	char line[4096];
	char *p;
	FILE *fp;
	int dbfd = -1;

	memset(&seen, 0, sizeof(seen));
	assert_non_null(fp = fopen(trace_path, "re"));
	while (fgets(line, sizeof(line), fp) != NULL) {
		p = line + strspn(line, "0123456789 ");
		if (strstr(p, ", O_RDWR|O_NOFOLLOW") != NULL &&
		    strrchr(p, '=') != NULL)
			dbfd = (int)strtol(strrchr(p, '=') + 1, NULL, 10);
		count_line(p, dbfd, &seen);
	}
	fclose(fp);
	unlink(trace_path);
	assert_true(dbfd > 3);
	return seen;
}

static void
ask_unintent(struct scratch *s)
{
	struct msg_unintent u = { 1, LOCAL, UIDSET_INIT };

	assert_int_equal(uidset_add_range(&u.set, 1, UID_MAX), 0);
	msg_put_unintent(payload(s), &u);
	uidset_free(&u.set);
	ask_done(s, &s->a, MSG_UNINTENT);
}

static void
test_work(void **state)
{
	struct scratch *s = *state;
	struct msg_advance adv = { 1, { { 5, 5 }, { 5, 5 } } };
	struct seen seen;
	uint32_t i;

	if (!can_trace())
		skip();
	start_open(s, &s->a, traced, NULL);
	furnish(s, &s->a);
	payload(s);
	ask_done(s, &s->a, MSG_BEGIN);
	for (i = 0; i < 60; i++) {
		put_map(s, 1 + i * 5000, 5000);
		ask_done(s, &s->a, MSG_MAP);
	}
	for (i = 0; i < 60; i += 2) {
		put_map(s, 1 + i * 5000, 5000);
		ask_done(s, &s->a, MSG_UNMAP);
	}
	ask_unintent(s);
	msg_put_advance(payload(s), &adv);
	ask_done(s, &s->a, MSG_ADVANCE);
	payload(s);
	ask_done(s, &s->a, MSG_MAILBOXES);
	ask_done(s, &s->a, MSG_CLEAN);
	stop(&s->a);
	seen = look();
	assert_true(seen.early > 0);
	assert_true(seen.pages > 0);
	assert_int_equal(seen.late, 0);
}

static void
test_nothing_to_do(void **state)
{
	struct scratch *s = *state;
	struct seen seen;

	if (!can_trace())
		skip();
	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	stop(&s->a);
	start_open(s, &s->a, traced, NULL);
	payload(s);
	ask_done(s, &s->a, MSG_MAILBOXES);
	payload(s);
	ask_done(s, &s->a, MSG_CLEAN);
	stop(&s->a);
	seen = look();
	assert_int_equal(seen.late, 0);
	assert_int_equal(seen.pages, 0);
	assert_int_equal(seen.fsync, 0);
	assert_true(seen.fdatasync <= 2);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, scratch_up, scratch_down)
	const struct CMUnitTest tests[] = {
		T(test_work), T(test_nothing_to_do)
	};

	signal(SIGPIPE, SIG_IGN);
	snprintf(trace_path, sizeof(trace_path), "/tmp/interimap-trace.%ld",
	    (long)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
