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
 * The real statedb on files and file systems that cannot be used: read-only
 * for an ordinary user, full, cut off by a limit, foreign, damaged.  All of it
 * is found when the file is opened, before mail would be touched; and a disk
 * that becomes full later fails the request, not the database.  The full disk
 * is a small tmpfs in a mount namespace of its own (root only).
 */
#include "procdb.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include <grp.h>
#include <sched.h>

#define DISK	(1 << 20)	/* octets of the small file system */

/* An ordinary user, whom modes do bind. */
static void
unprivileged(void *arg)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) == -1 ||
	    setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) == -1)
		_exit(103);
}

static void
give(const char *path, mode_t mode)
{
	assert_int_equal(chmod(path, mode), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, UNPRIVILEGED, UNPRIVILEGED), 0);
}

/* A database and its journal, of the ordinary user's. */
static void
make(struct scratch *s)
{
	give(s->dir, 0700);
	start_open(s, &s->a, unprivileged, NULL);
	furnish(s, &s->a);
	stop(&s->a);
}

static void
write_at(const char *path, off_t at, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, data, n, at), (ssize_t)n);
	close(fd);
}

static void
test_readonly_file(void **state)
{
	struct scratch *s = *state;

	make(s);
	give(s->path, 0400);
	start_refused(s, &s->b, FAIL_DB, "read-only", unprivileged, NULL);
	stop(&s->b);
}

static void
test_unreadable_file(void **state)
{
	struct scratch *s = *state;

	make(s);
	give(s->path, 0);
	start_refused(s, &s->b, FAIL_DB, "Permission denied", unprivileged,
	    NULL);
	stop(&s->b);
}

static void
test_readonly_folder(void **state)
{
	struct scratch *s = *state;
	char journal[160];

	make(s);
	snprintf(journal, sizeof(journal), "%s-journal", s->path);
	assert_int_equal(unlink(journal), 0);
	give(s->dir, 0500);
	start_refused(s, &s->b, FAIL_DB, "make its folder writable",
	    unprivileged, NULL);
	stop(&s->b);
	/* And where there is no database yet. */
	give(s->dir, 0700);
	assert_int_equal(unlink(s->path), 0);
	give(s->dir, 0500);
	start_refused(s, &s->b, FAIL_DB, "cannot create", unprivileged, NULL);
	stop(&s->b);
}

static void
limit_to(void *arg)
{
	const struct rlimit rl = { *(rlim_t *)arg, *(rlim_t *)arg };

	if (setrlimit(RLIMIT_FSIZE, &rl) == -1)
		_exit(104);
}

/* A limit (or a quota) that no free space tells of. */
static void
test_limit(void **state)
{
	struct scratch *s = *state;
	rlim_t limit = 20000;
	struct imsg m;
	struct stat sb;

	start_refused(s, &s->a, FAIL_DB, "database", limit_to, &limit);
	stop(&s->a);
	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	stop(&s->a);
	assert_int_equal(stat(s->path, &sb), 0);
	limit = (rlim_t)sb.st_size;
	start_open(s, &s->a, limit_to, &limit);
	put_map(s, 1, 5000);
	ask(s, &s->a, MSG_MAP, &m);
	assert_int_equal(fail_of(&m, s->a.id, s->path), FAIL_DB);
	payload(s);
	ask_fail(s, &s->a, MSG_CLEAN, FAIL_DB, s->path);
	assert_int_equal(rows(s, &s->a), 0);
	stop(&s->a);
	start_open(s, &s->a, NULL, NULL);
	assert_int_equal(rows(s, &s->a), 0);
	stop(&s->a);
}

/* Put a small file system over the scratch folder; 0, or -1: not allowed. */
static int
mount_small(struct scratch *s)
{
	char size[32];

	snprintf(size, sizeof(size), "size=%d,mode=0700", DISK);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return -1;
	return mount("small", s->dir, "tmpfs", MS_NOSUID | MS_NODEV, size);
}

/* Use up what is free, but for so many octets. */
static void
fill(const char *path, size_t leave)
{
	char block[4096];
	size_t n = 0;
	int fd;

	memset(block, 1, sizeof(block));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	while (write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		n += sizeof(block);
	assert_true(n >= leave);
	assert_int_equal(ftruncate(fd, (off_t)(n - leave)), 0);
	close(fd);
}

static void
full_disk(struct scratch *s)
{
	char filler[160];
	uint32_t i, before;
	struct imsg m;

	snprintf(filler, sizeof(filler), "%s/filler", s->dir);
	/* Nothing there yet. */
	fill(filler, 0);
	start_refused(s, &s->a, FAIL_DB, "no space left", NULL, NULL);
	stop(&s->a);
	/* A database, and a journal that has its blocks. */
	unlink(filler);
	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	stop(&s->a);
	fill(filler, 0);
	start_refused(s, &s->a, FAIL_DB, "no space left", NULL, NULL);
	stop(&s->a);
	/* It becomes full while we work. */
	unlink(filler);
	start_open(s, &s->a, NULL, NULL);
	put_map(s, 1, 1000);
	ask_done(s, &s->a, MSG_MAP);
	fill(filler, 8192);
	for (i = 1, before = 1000; i < 20; i++) {
		put_map(s, 1 + i * 1000, 1000);
		ask(s, &s->a, MSG_MAP, &m);
		if (m.type == MSG_FAIL)
			break;
		before += 1000;
	}
	assert_int_equal(fail_of(&m, s->a.id, "no space left"), FAIL_DB);
	assert_int_equal(rows(s, &s->a), before);
	stop(&s->a);
	unlink(filler);
	start_open(s, &s->a, NULL, NULL);
	assert_int_equal(rows(s, &s->a), before);
	stop(&s->a);
}

static void
test_full_disk(void **state)
{
	struct scratch *s = *state;
	int status;
	pid_t pid;

	/* A process of its own: it leaves our mounts, and takes its own. */
	if ((pid = fork()) == 0) {
		if (mount_small(s) == -1)
			_exit(77);
		full_disk(s);
		_exit(0);
	}
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_text_file(void **state)
{
	static const char text[] = "# a configuration, named by mistake\n";
	struct scratch *s = *state;
	int i;

	for (i = 0; i < 100; i++)
		write_at(s->path, i * (off_t)strlen(text), text,
		    strlen(text));
	start_refused(s, &s->a, FAIL_DB, "is not a database", NULL, NULL);
	stop(&s->a);
}

/* A link to a file elsewhere: that one, and the journal beside it. */
static void
test_link(void **state)
{
	struct scratch *s = *state;
	char sub[160], file[192], journal[224];

	snprintf(sub, sizeof(sub), "%s/sub", s->dir);
	snprintf(file, sizeof(file), "%s/real.db", sub);
	snprintf(journal, sizeof(journal), "%s-journal", file);
	assert_int_equal(mkdir(sub, 0700), 0);
	write_at(file, 0, "", 0);
	assert_int_equal(symlink(file, s->path), 0);
	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	put_map(s, 1, 5);
	ask_done(s, &s->a, MSG_MAP);
	stop(&s->a);
	assert_int_equal(unlink(journal), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(sub), 0);
}

static void
test_newer(void **state)
{
	static const uint8_t version[4] = { 0, 0, 0, 2 };
	struct scratch *s = *state;

	start_open(s, &s->a, NULL, NULL);
	stop(&s->a);
	write_at(s->path, 60, version, sizeof(version));
	start_refused(s, &s->a, FAIL_DB, "is of version 2", NULL, NULL);
	stop(&s->a);
}

static void
test_damaged(void **state)
{
	struct scratch *s = *state;
	char junk[4096];

	start_open(s, &s->a, NULL, NULL);
	furnish(s, &s->a);
	put_map(s, 1, 5000);
	ask_done(s, &s->a, MSG_MAP);
	payload(s);
	ask_done(s, &s->a, MSG_BEGIN);
	stop(&s->a);
	memset(junk, 0x5a, sizeof(junk));
	write_at(s->path, 4096 * 20, junk, sizeof(junk));
	start_refused(s, &s->a, FAIL_DB, "is damaged", NULL, NULL);
	stop(&s->a);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, scratch_up, scratch_down)
	const struct CMUnitTest tests[] = {
		T(test_readonly_file), T(test_unreadable_file),
		T(test_readonly_folder), T(test_limit), T(test_full_disk),
		T(test_text_file), T(test_link), T(test_newer), T(test_damaged)
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
