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
 * Proves of each stage of lib/sandbox.h that it refuses what it must and
 * still does its work: one line of the table is one attempt, one column one
 * stage.  Each try is a process of its own.  Prints TAP; no arguments.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_test.h"

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * How it has to end: 'o' it works, 'e' EACCES, 'r' refused with any errno, 'k'
 * killed by SIGSYS, 'a' killed by SIGABRT, 'L' refused by Landlock where the
 * kernel has it, 'R' as r unless root, '-' not tried.
 */
#define NSTAGES	5
static const struct {
	const char	*name;
	attempt		 try;
	char		 want[NSTAGES + 1];
} table[] = {		/* IMAP_START IMAP_LOCKED DB_START DB_LOCKED PARENT */
	{ "read a file of the system",	try_open,	"oeLee" },
	{ "read a file of the user",	try_open_secret, "LeLee" },
	{ "create a file",		try_create,	"reLee" },
	{ "create one beside the database", try_create_db, "reoee" },
	{ "stat a path",		try_stat,	"oeoee" },
	{ "access a path",		try_access,	"oeoee" },
	{ "read a link",		try_readlink,	"oeoee" },
	{ "unlink a file of the user",	try_unlink,	"reLee" },
	{ "fchmod",			try_chmod,	"reoee" },
	{ "socket AF_INET",		try_socket_inet, "okkkk" },
	{ "socket AF_UNIX",		try_socket_unix, "okkkk" },
	{ "connect",			try_connect,	"okkkk" },
	{ "bind",			try_bind,	"okkkk" },
	{ "listen",			try_listen,	"rkkkk" },
	{ "sendto with an address",	try_sendto,	"okrkk" },
	{ "sendmsg",			try_sendmsg,	"okrkk" },
	{ "execve",			try_execve,	"kkkkk" },
	{ "execveat",			try_execveat,	"kkkkk" },
	{ "fork",			try_fork,	"kkkkk" },
	{ "the old fork",		try_vfork,	"kkkkk" },
	{ "start a thread",		try_thread,	"kkkkk" },
	{ "clone3",			try_clone3,	"kkkkk" },
	{ "ptrace",			try_ptrace,	"kkkkk" },
	{ "read another process",	try_vm_readv,	"kkkkk" },
	{ "mmap PROT_EXEC",		try_mmap_exec,	"okkkk" },
	{ "mprotect PROT_EXEC",		try_mprotect_exec, "okkkk" },
	{ "personality",		try_personality, "rkrkk" },
	{ "memfd_create",		try_memfd,	"rkrkk" },
	{ "kill another process",	try_kill_other,	"rkrkk" },
	{ "kill the process group",	try_kill_group,	"rkrkk" },
	{ "tgkill another process",	try_tgkill_other, "rkrkk" },
	{ "kill itself with 0",		try_kill_self,	"ooooo" },
	{ "dup",			try_dup,	"okokk" },
	{ "fcntl F_DUPFD",		try_fcntl_dup,	"okokk" },
	{ "fcntl F_SETLK",		try_fcntl_lock,	"rkook" },
	{ "push keys into the terminal", try_tiocsti,	"rkrkk" },
	{ "setrlimit",			try_setrlimit,	"okokk" },
	{ "prctl",			try_prctl,	"oeoee" },
	{ "wait for a child",		try_wait,	"rkrko" },
	{ "setuid",			try_setuid,	"rkrkk" },
	{ "chroot",			try_chroot_home, "Rkrkk" },
	{ "io_uring_setup",		try_io_uring,	"rkrkk" },
	{ "bpf",			try_bpf,	"rkrkk" },
	{ "mount",			try_mount,	"rkrkk" },
	{ "write, poll and read",	try_pipe_poll,	"ooooo" },
	{ "memory and qsort",		try_memory,	"ooooo" },
	{ "local time",			try_clock,	"ooooo" },
	{ "abort",			try_abort,	"aaaaa" }
};

static const struct {
	const char	*name;
	attempt		 work;
} works[] = {
	{ "SQLite writes in DB_LOCKED", work_database },
	{ "a verified TLS handshake in IMAP_LOCKED", work_tls },
	{ "localhost resolves in IMAP_START", work_resolve },
	{ "IMAP_LOCKED is not root", work_unprivileged },
	{ "no core, not dumpable, no_new_privs, no processes", work_dumpable }
};

static const struct {
	const char		*name;
	enum sandbox_stage	 first, then;
} columns[NSTAGES] = {
	{ "IMAP_START", SANDBOX_IMAP_START, SANDBOX_IMAP_START },
	{ "IMAP_LOCKED", SANDBOX_IMAP_START, SANDBOX_IMAP_LOCKED },
	{ "DB_START", SANDBOX_DB_START, SANDBOX_DB_START },
	{ "DB_LOCKED", SANDBOX_DB_START, SANDBOX_DB_LOCKED },
	{ "PARENT_LOCKED", SANDBOX_PARENT_LOCKED, SANDBOX_PARENT_LOCKED }
};

static unsigned int tests, failures;	/* of this driver's TAP */

static void
report(int ok, const char *stage, const char *name, int status)
{
	printf("%sok %u - %s%s%s\n", ok ? "" : "not ", ++tests, stage,
	    *stage != '\0' ? ": " : "", name);
	if (ok)
		return;
	failures++;
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	else
		printf("# %s\n", WEXITSTATUS(status) == 0 ? "it worked" :
		    strerror(WEXITSTATUS(status)));
}

static int
expected(char want, int status)
{
	int rc = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	switch (want) {
	case 'o':
		return rc == 0;
	case 'e':
		return rc == EACCES;
	case 'r':
		return rc > 0 && rc != EPROTO;
	case 'k':
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	case 'a':
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
	}
	return 0;
}

/* The exit status is the errno of the attempt; EPROTO: no sandbox. */
static int
in_stage(struct scene *s, size_t column, attempt try)
{
	const char *folder;
	char err[256];
	int first = columns[column].first, then = columns[column].then;

	folder = first == SANDBOX_DB_START ? s->dir : NULL;
	if (sandbox_enter(first, folder, err, sizeof(err)) == -1 ||
	    (then != first && sandbox_enter(then, NULL, err,
	    sizeof(err)) == -1)) {
		printf("# %s\n", err);
		return EPROTO;
	}
	return try(s);
}

static int
in_child(struct scene *s, ssize_t column, attempt try)
{
	int rc, status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		rc = column == -1 ? try(s) : in_stage(s, column, try);
		fflush(stdout);
		_exit(rc);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	return status;
}

static void
run_row(struct scene *s, size_t row, int landlock)
{
	size_t col;
	int status;
	char want;

	for (col = 0; col < NSTAGES; col++) {
		want = table[row].want[col];
		if (want == 'L')
			want = landlock ? 'r' : 'o';
		else if (want == 'R')
			want = geteuid() == 0 ? 'o' : 'r';
		status = in_child(s, col, table[row].try);
		report(expected(want, status), columns[col].name,
		    table[row].name, status);
	}
}

static void
build_scene(struct scene *s)
{
	time_t t = 1700000000;
	int fd;

	unsetenv("TZ");
	s->gmtoff = localtime(&t)->tm_gmtoff;
	s->parent = getpid();
	strlcpy(s->dir, "/tmp/interimap-sandbox.XXXXXX", sizeof(s->dir));
	if (mkdtemp(s->dir) == NULL)
		err(1, "%s", s->dir);
	snprintf(s->secret, sizeof(s->secret), "%s.secret", s->dir);
	if ((fd = open(s->secret, O_RDWR | O_CREAT | O_EXCL, 0644)) == -1)
		err(1, "%s", s->secret);
	s->file = fd;
	if ((s->inet = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    (s->udp = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair) == -1)
		err(1, "socket");
}

static void
clear_scene(struct scene *s)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/test.db", s->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/test.db-journal", s->dir);
	unlink(path);
	unlink(s->secret);
	if (rmdir(s->dir) == -1)
		warn("%s", s->dir);
}

int
main(void)
{
	struct scene s = { 0 };
	char text[128];
	size_t i;
	int status;

	sandbox_describe(text, sizeof(text));
	printf("# %s\n", text);
	build_scene(&s);
	for (i = 0; i < nitems(table); i++)
		run_row(&s, i, strstr(text, "no Landlock") == NULL);
	for (i = 0; i < nitems(works); i++) {
		status = in_child(&s, -1, works[i].work);
		report(expected('o', status), "", works[i].name, status);
	}
	clear_scene(&s);
	printf("1..%u\n", tests);
	return failures != 0;
}
