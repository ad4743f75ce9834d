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
 * Two real imapchildren, each with a Dovecot of its own behind a tunnel, and a
 * real body channel between them: equal octets, bounded memory, both
 * directions at once, two-step deletion, QRESYNC.  Dovecot refuses mail to
 * root, so it runs as nobody then.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

#define SMALL		40		/* messages of the first account */
#define BIG		(300UL << 20)	/* octets of the large message */
#define HWM_MAX		(32 << 10)	/* kB, of each process */

struct world {
	char		 dir[64];
	struct drv	 d[2];
	uint32_t	 uidvalidity[2];
};

static void
own(const char *path)
{
	struct passwd	*pw;

	if (getuid() != 0)
		return;
	assert_non_null(pw = getpwnam("nobody"));
	assert_int_equal(chown(path, pw->pw_uid, pw->pw_gid), 0);
}

static void
make_dir(const char *base, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", base, name);
	assert_int_equal(mkdir(path, 0755), 0);
	own(path);
}

static FILE *
make_file(const char *path)
{
	FILE	*f;

	assert_non_null(f = fopen(path, "w"));
	own(path);
	return f;
}

static void
make_account(const char *base, const char *name)
{
	char	 dir[96], sub[128], path[160];
	FILE	*f;

	make_dir(base, name, dir, sizeof(dir));
	make_dir(dir, "mail", sub, sizeof(sub));
	make_dir(sub, "cur", path, sizeof(path));
	make_dir(sub, "new", path, sizeof(path));
	make_dir(sub, "tmp", path, sizeof(path));
	snprintf(path, sizeof(path), "%s/conf", dir);
	f = make_file(path);
	fprintf(f, "base_dir = %s/run\nstate_dir = %s/state\n"
	    "log_path = %s/log\nprotocols = imap\nssl = no\n"
	    "mail_location = maildir:%s/mail\nmail_home = %s\n"
	    "mail_fsync = never\nfirst_valid_uid = 1\n"
	    "stats_writer_socket_path =\n", dir, dir, dir, dir, dir);
	fclose(f);
}

static void
make_message(const char *base, const char *account, int n, size_t size)
{
	char	 path[160], line[73];
	size_t	 i;
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s/mail/cur/%d.m.host:2,S", base,
	    account, 1000 + n);
	f = make_file(path);
	fprintf(f, "Message-ID: <%d@%s>\nSubject: number %d\n\n", n, account,
	    n);
	for (i = 0; i + sizeof(line) < size; i += sizeof(line)) {
		memset(line, 'a' + (i * 7 + n) % 26, sizeof(line) - 1);
		line[sizeof(line) - 1] = '\n';
		fwrite(line, 1, sizeof(line), f);
	}
	assert_int_equal(fclose(f), 0);
}

static void
become_dovecot(const char *conf, int fd)
{
	struct passwd	*pw;

	if (getuid() == 0 && ((pw = getpwnam("nobody")) == NULL ||
	    setgroups(0, NULL) == -1 || setgid(pw->pw_gid) == -1 ||
	    setuid(pw->pw_uid) == -1))
		_exit(101);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(open("/dev/null", O_WRONLY), 2);
	closefrom(3);
	setenv("USER", "test", 1);
	unsetenv("HOME");
	if (chdir("/") == -1)
		_exit(103);
	execlp("doveadm", "doveadm", "-c", conf, "exec", "imap", (char *)NULL);
	_exit(102);
}

static void
start_side(struct world *w, int side, const char *account, int body)
{
	struct drv_conf	 conf = { .timeout = 60, .debug = 1 };
	struct drv	*d = &w->d[side];
	struct imsg	 m;
	char		 path[160];
	int		 sv[2];
	pid_t		 pid;

	snprintf(path, sizeof(path), "%s/%s/conf", w->dir, account);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	if ((pid = fork()) == 0)
		become_dovecot(path, sv[0]);
	close(sv[0]);
	drv_start(d, sv[1], body);
	d->srvpid = pid;
	drv_config(d, &conf);
	drv_want(d, &m, MSG_DONE, 1);
	drv_want(d, &m, MSG_READY, 0);
	drv_want(d, &m, MSG_DONE, 2);
}

static void
world_start(struct world *w)
{
	int	 body[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, body), 0);
	start_side(w, 0, "a", body[0]);
	start_side(w, 1, "b", body[1]);
}

static int
setup(void **state)
{
	struct world	*w;

	signal(SIGPIPE, SIG_IGN);
	assert_non_null(w = calloc(1, sizeof(*w)));
	strlcpy(w->dir, "/tmp/interimap-proc.XXXXXX", sizeof(w->dir));
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	own(w->dir);
	make_account(w->dir, "a");
	make_account(w->dir, "b");
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world	*w = *state;
	char		 cmd[] = "/bin/rm", *argv[] = { cmd, NULL, NULL, NULL };
	char		 opt[] = "-rf";
	pid_t		 pid;

	argv[1] = opt;
	argv[2] = w->dir;
	if ((pid = fork()) == 0) {
		execv(cmd, argv);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	free(w);
	return 0;
}

/* PULL of everything: UIDVALIDITY, and the UIDs there are. */
static void
pull_all(struct world *w, int side, struct uidset *uids)
{
	struct drv		*d = &w->d[side];
	struct msg_selected	 s;
	struct imsg		 m;
	uint32_t		 id;

	id = drv_pull(d, "INBOX", 0, 0, 1, PULL_UIDS);
	drv_want(d, &m, MSG_SELECTED, id);
	assert_int_equal(msg_get_selected(&m.data, &s), 0);
	w->uidvalidity[side] = s.uidvalidity;
	flags_free(&s.perm);
	uidset_init(uids);
	drv_want(d, &m, MSG_UIDS, id);
	assert_int_equal(msg_get_set(&m.data, uids), 0);
	drv_want(d, &m, MSG_DONE, id);
	assert_int_equal(uidset_count(uids), s.exists);
}

/* One transfer from a side to the other; returns its request ids. */
static void
copy_begin(struct world *w, int from, uint32_t transfer,
    const struct uidset *uids, uint32_t id[2])
{
	uint32_t	 list[1000], n, uid;
	struct uiditer	 it;
	char		 set[4096];
	size_t		 pos;

	n = 0;
	uiditer_init(&it, uids);
	while ((uid = uiditer_next(&it)) != 0 && n < 1000)
		list[n++] = uid;
	pos = 0;
	uidset_format(uids, &pos, set, sizeof(set));
	id[!from] = drv_copyin(&w->d[!from], transfer, "INBOX",
	    w->uidvalidity[!from], list, n);
	id[from] = drv_copyout(&w->d[from], transfer, "INBOX",
	    w->uidvalidity[from], set);
}

/* The SHA-256 of messages, in the order of their UIDs. */
static void
digests(struct world *w, int side, const char *set, uint8_t (*sum)[ID_DIGEST],
    uint32_t n)
{
	struct drv		*d = &w->d[side];
	struct msg_message	 msg;
	struct imsg		 m;
	uint32_t		 i, id, k;

	id = drv_identify(d, "INBOX", w->uidvalidity[side], set, ID_BODY);
	for (i = 0; i < n;) {
		drv_want(d, &m, MSG_MESSAGE, id);
		for (k = ibuf_get_u32(&m.data); k > 0; k--, i++) {
			assert_int_equal(msg_get_message(&m.data, &msg), 0);
			assert_int_equal(msg.id, ID_BODY);
			assert_in_range(i, 0, n - 1);
			memcpy(sum[i], msg.digest, ID_DIGEST);
			flags_free(&msg.flags);
		}
	}
	drv_want(d, &m, MSG_DONE, id);
}

/*
 * A side's requests of both directions, answered in any order; uid gets the
 * first of n UIDs appended here.
 */
static void
copy_end(struct drv *d, const uint32_t *id, int nids, uint32_t n,
    uint32_t *uid)
{
	struct msg_pair	 p;
	struct imsg	 m;
	uint32_t	 i;

	while (nids > 0) {
		drv_next(d, &m);
		if (m.type == MSG_DONE) {
			nids--;
			continue;
		}
		assert_int_equal(m.type, MSG_APPENDED);
		assert_int_equal(m.id, *id);
		ibuf_get_u32(&m.data);
		assert_int_equal(ibuf_get_u32(&m.data), n);
		for (i = 0; i < n; i++) {
			assert_int_equal(msg_get_pair(&m.data, &p), 0);
			assert_int_not_equal(p.b, 0);
			if (i == 0)
				*uid = p.b;
		}
	}
}

static long
hwm(pid_t pid)
{
	char	 path[64], line[256];
	long	 kb;
	FILE	*f;

	kb = -1;
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	fclose(f);
	return kb;
}

/* With a sanitizer memory is no measure. */
static int
shipped(void)
{
	const char	*path = getenv("IMAPCHILD");

	return path == NULL || strstr(path, "san") == NULL;
}

static void
copy_both_ways(void **state)
{
	static uint8_t	 a[SMALL][ID_DIGEST], b[SMALL][ID_DIGEST];
	struct world	*w = *state;
	struct uidset	 uids[2];
	uint32_t	 ab[2], ba[2], first, back;
	char		 set[64];
	int		 i;

	for (i = 0; i < SMALL; i++)
		make_message(w->dir, "a", i, 200 + i * 1500);
	make_message(w->dir, "b", 500, 3 << 20);
	world_start(w);
	pull_all(w, 0, &uids[0]);
	pull_all(w, 1, &uids[1]);
	assert_int_equal(uidset_count(&uids[0]), SMALL);
	copy_begin(w, 0, 1, &uids[0], ab);
	copy_begin(w, 1, 2, &uids[1], ba);
	first = back = 0;
	copy_end(&w->d[1], &ab[1], 2, SMALL, &first);
	copy_end(&w->d[0], &ba[0], 2, 1, &back);
	digests(w, 0, "1:40", a, SMALL);
	snprintf(set, sizeof(set), "%u:%u", first, first + SMALL - 1);
	digests(w, 1, set, b, SMALL);
	assert_memory_equal(a, b, sizeof(a));
	snprintf(set, sizeof(set), "%u", back);
	digests(w, 0, set, a, 1);
	digests(w, 1, "1", b, 1);
	assert_memory_equal(a, b, ID_DIGEST);
	uidset_free(&uids[0]);
	uidset_free(&uids[1]);
	drv_stop(&w->d[0]);
	drv_stop(&w->d[1]);
}

static void
copy_large(void **state)
{
	uint8_t		 a[1][ID_DIGEST], b[1][ID_DIGEST];
	struct world	*w = *state;
	struct uidset	 uids[2];
	uint32_t	 id[2], uid;
	char		 set[64];

	make_message(w->dir, "a", 1, BIG);
	world_start(w);
	pull_all(w, 0, &uids[0]);
	pull_all(w, 1, &uids[1]);
	copy_begin(w, 0, 1, &uids[0], id);
	uid = 0;
	copy_end(&w->d[1], &id[1], 1, 1, &uid);
	copy_end(&w->d[0], NULL, 1, 0, NULL);
	if (shipped()) {
		assert_in_range(hwm(w->d[0].pid), 1, HWM_MAX);
		assert_in_range(hwm(w->d[1].pid), 1, HWM_MAX);
	}
	digests(w, 0, "1", a, 1);
	snprintf(set, sizeof(set), "%u", uid);
	digests(w, 1, set, b, 1);
	assert_memory_equal(a, b, sizeof(a));
	uidset_free(&uids[0]);
	uidset_free(&uids[1]);
	drv_stop(&w->d[0]);
	drv_stop(&w->d[1]);
}

/* Flags and deletions as the server keeps them, told by the next PULL. */
static void
change_and_pull(void **state)
{
	struct world		*w = *state;
	struct drv		*d = &w->d[0];
	struct msg_selected	 s;
	struct msg_changed	 ch;
	struct uidset		 set;
	struct imsg		 m;
	uint32_t		 id;
	int			 i;

	for (i = 0; i < 5; i++)
		make_message(w->dir, "a", i, 300);
	world_start(w);
	pull_all(w, 0, &set);
	uidset_free(&set);
	id = drv_pull(d, "INBOX", w->uidvalidity[0], 0, 1, 0);
	drv_want(d, &m, MSG_SELECTED, id);
	assert_int_equal(msg_get_selected(&m.data, &s), 0);
	flags_free(&s.perm);
	drv_want(d, &m, MSG_DONE, id);

	id = drv_store(d, "INBOX", s.uidvalidity, "2", STORE_ADD, "$Junk",
	    s.modseq);
	drv_want(d, &m, MSG_STORED, id);
	drv_want(d, &m, MSG_DONE, id);
	id = drv_uids(d, MSG_EXPUNGE, "INBOX", s.uidvalidity, "1,4");
	drv_want(d, &m, MSG_VANISHED, id);
	drv_want(d, &m, MSG_DONE, id);
	id = drv_pull(d, "INBOX", s.uidvalidity, s.modseq, 6, PULL_META);
	drv_want(d, &m, MSG_SELECTED, id);
	drv_want(d, &m, MSG_VANISHED, id);
	uidset_init(&set);
	assert_int_equal(msg_get_set(&m.data, &set), 0);
	assert_true(uidset_has(&set, 1) && uidset_has(&set, 4));
	assert_int_equal(uidset_count(&set), 2);
	uidset_free(&set);
	drv_want(d, &m, MSG_CHANGED, id);
	assert_int_equal(ibuf_get_u32(&m.data), 1);
	assert_int_equal(msg_get_changed(&m.data, &ch), 0);
	assert_int_equal(ch.uid, 2);
	assert_string_equal(ch.flags.kw, "$Junk");
	flags_free(&ch.flags);
	drv_want(d, &m, MSG_DONE, id);
	drv_stop(&w->d[0]);
	drv_stop(&w->d[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copy_both_ways, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(copy_large, setup, teardown),
		cmocka_unit_test_setup_teardown(change_and_pull, setup,
		    teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
