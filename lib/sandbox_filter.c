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
 * The seccomp filters of the stages, by libseccomp; no other file includes its
 * header.  Called by sandbox_linux.c only.
 *
 * Filters pile up and the strictest answer wins, so a starting stage allows
 * whatever its locked stage allows and the calls that enter it.  In a starting
 * stage an unlisted call looks like one the kernel does not have (the name
 * service may load anything); in a locked one it kills.  No entry is here for
 * the sake of a debugger or a sanitizer.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <asm/ioctls.h>
#include <asm/termbits.h>

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox_linux.h"

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

#define ALLOW		SCMP_ACT_ALLOW
#define KILL		SCMP_ACT_KILL_PROCESS
#define REFUSE		SCMP_ACT_ERRNO(EACCES)
#define UNKNOWN		SCMP_ACT_ERRNO(ENOSYS)

/* A call that depends on one argument. */
struct rule {
	int			nr;
	uint32_t		action;
	struct scmp_arg_cmp	cmp;
};

/* The kernel takes 32 bits of an int; what stands above them is noise. */
#define IS(arg, v)	{ (arg), SCMP_CMP_MASKED_EQ, 0xffffffff, (v) }
#define BITS(arg, m, v)	{ (arg), SCMP_CMP_MASKED_EQ, (m), (v) }
#define NIL(arg)	{ (arg), SCMP_CMP_EQ, 0, 0 }
#define NOTNIL(arg)	{ (arg), SCMP_CMP_NE, 0, 0 }
#define WRITES		(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/*
 * What all stages do: descriptors they have, memory, time, signals, ending.
 * The questions at the end are asked by the C library and tell little:
 * sysinfo by qsort(3), sched_getaffinity by malloc(3), uname by libcrypto.
 */
static const int stdio_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(fstat),
	SCMP_SYS(fstat64), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64), SCMP_SYS(select), SCMP_SYS(_newselect),
	SCMP_SYS(pselect6), SCMP_SYS(pselect6_time64), SCMP_SYS(fsync),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_getres_time64),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(alarm),
	SCMP_SYS(getitimer), SCMP_SYS(setitimer), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid),
	SCMP_SYS(getpgrp), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getuid32),
	SCMP_SYS(geteuid32), SCMP_SYS(getgid32), SCMP_SYS(getegid32),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(pause),
	SCMP_SYS(sigaltstack), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield), SCMP_SYS(shutdown),
	SCMP_SYS(recv), SCMP_SYS(recvfrom), SCMP_SYS(send),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getrusage),
	SCMP_SYS(getrlimit), SCMP_SYS(ugetrlimit), SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(uname)
};

/*
 * fstat(3) is newfstatat or statx with an empty path; whether the path is
 * empty cannot be seen here.  sendto with an address could connect anew
 * (MSG_FASTOPEN).  The terminal may be asked for its kind and size, no more.
 */
static const struct rule stdio_rules[] = {
	{ SCMP_SYS(newfstatat), ALLOW, BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH) },
	{ SCMP_SYS(fstatat64), ALLOW, BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH) },
	{ SCMP_SYS(statx), ALLOW, BITS(2, AT_EMPTY_PATH, AT_EMPTY_PATH) },
	{ SCMP_SYS(mmap), ALLOW, BITS(2, PROT_EXEC, 0) },
	{ SCMP_SYS(mmap2), ALLOW, BITS(2, PROT_EXEC, 0) },
	{ SCMP_SYS(mprotect), ALLOW, BITS(2, PROT_EXEC, 0) },
	{ SCMP_SYS(prlimit64), ALLOW, NIL(2) },
	{ SCMP_SYS(sendto), ALLOW, NIL(4) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_GETFD) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_SETFD) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_GETFL) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_SETFL) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_GETFD) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_SETFD) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_GETFL) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_SETFL) },
	{ SCMP_SYS(ioctl), ALLOW, IS(1, TCGETS) },
#ifdef TCGETS2
	{ SCMP_SYS(ioctl), ALLOW, IS(1, TCGETS2) },
#endif
	{ SCMP_SYS(ioctl), ALLOW, IS(1, TIOCGWINSZ) },
	{ SCMP_SYS(ioctl), ALLOW, IS(1, TIOCGPGRP) }
};

/* SQLite on descriptors: the pages, and the locks on them. */
static const int dbfile_calls[] = {
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(ftruncate),
	SCMP_SYS(ftruncate64), SCMP_SYS(fdatasync), SCMP_SYS(fallocate)
};

static const struct rule dbfile_rules[] = {
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_GETLK) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_SETLK) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_SETLKW) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_GETLK) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_SETLK) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_SETLKW) }
};

/*
 * What libraries try and can do without: looking at paths, owners and modes
 * (SQLite as root hands its journal to the owner of the database), names of
 * threads and memory.
 */
static const int probe_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat),
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(statfs),
	SCMP_SYS(statfs64), SCMP_SYS(fstatfs), SCMP_SYS(fstatfs64),
	SCMP_SYS(getdents64), SCMP_SYS(chmod), SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(fchown),
	SCMP_SYS(fchown32), SCMP_SYS(fchownat), SCMP_SYS(prctl)
};

static const struct rule probe_rules[] = {
	{ SCMP_SYS(newfstatat), REFUSE, BITS(3, AT_EMPTY_PATH, 0) },
	{ SCMP_SYS(fstatat64), REFUSE, BITS(3, AT_EMPTY_PATH, 0) },
	{ SCMP_SYS(statx), REFUSE, BITS(2, AT_EMPTY_PATH, 0) }
};

/* While starting: reading files, and the way into the locked stage. */
static const int start_calls[] = {
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(statfs), SCMP_SYS(statfs64), SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64), SCMP_SYS(getdents64), SCMP_SYS(fadvise64),
	SCMP_SYS(fadvise64_64), SCMP_SYS(arm_fadvise64_64), SCMP_SYS(dup),
	SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pread64), SCMP_SYS(prctl),
	SCMP_SYS(seccomp), SCMP_SYS(setrlimit),
	SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule),
	SCMP_SYS(landlock_restrict_self)
};

static const struct rule start_rules[] = {
	{ SCMP_SYS(newfstatat), ALLOW, BITS(3, AT_EMPTY_PATH, 0) },
	{ SCMP_SYS(fstatat64), ALLOW, BITS(3, AT_EMPTY_PATH, 0) },
	{ SCMP_SYS(statx), ALLOW, BITS(2, AT_EMPTY_PATH, 0) },
	{ SCMP_SYS(prlimit64), ALLOW, NOTNIL(2) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_DUPFD) },
	{ SCMP_SYS(fcntl), ALLOW, IS(1, F_DUPFD_CLOEXEC) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_DUPFD) },
	{ SCMP_SYS(fcntl64), ALLOW, IS(1, F_DUPFD_CLOEXEC) }
};

/*
 * imapchild only: ask the name service (over UDP, TCP, netlink, local
 * sockets; its modules are loaded at run time), connect, and as root move to
 * an empty folder and to another user.
 */
static const int net_calls[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(setsockopt), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(unlinkat),
	SCMP_SYS(chdir), SCMP_SYS(chroot), SCMP_SYS(setgroups),
	SCMP_SYS(setgroups32), SCMP_SYS(setresuid), SCMP_SYS(setresuid32),
	SCMP_SYS(setresgid), SCMP_SYS(setresgid32)
};

static const struct rule net_rules[] = {
	{ SCMP_SYS(open), ALLOW, BITS(1, WRITES, 0) },
	{ SCMP_SYS(openat), ALLOW, BITS(2, WRITES, 0) },
	{ SCMP_SYS(mmap), ALLOW, BITS(2, PROT_EXEC, PROT_EXEC) },
	{ SCMP_SYS(mmap2), ALLOW, BITS(2, PROT_EXEC, PROT_EXEC) },
	{ SCMP_SYS(mprotect), ALLOW, BITS(2, PROT_EXEC, PROT_EXEC) },
	{ SCMP_SYS(sendto), ALLOW, NOTNIL(4) },
	{ SCMP_SYS(ioctl), ALLOW, IS(1, FIONREAD) },
	{ SCMP_SYS(ioctl), ALLOW, IS(1, FIONBIO) }
};

/* statedb only: open the database and its journal, in its folder. */
static const int dbopen_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(chmod), SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat), SCMP_SYS(fchown), SCMP_SYS(fchown32),
	SCMP_SYS(umask)
};

/* The parent: how its children ended. */
static const int wait_calls[] = { SCMP_SYS(wait4), SCMP_SYS(waitid) };

/* While starting these kill, too; a locked stage kills whatever is unlisted. */
static const int never_calls[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev)
};

static const int nonet_calls[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4)
};

static const struct rule nonet_rules[] = {
	{ SCMP_SYS(mmap), KILL, BITS(2, PROT_EXEC, PROT_EXEC) },
	{ SCMP_SYS(mmap2), KILL, BITS(2, PROT_EXEC, PROT_EXEC) },
	{ SCMP_SYS(mprotect), KILL, BITS(2, PROT_EXEC, PROT_EXEC) }
};

#define SET_STDIO	0x001
#define SET_DBFILE	0x002
#define SET_PROBE	0x004
#define SET_START	0x008
#define SET_NET		0x010
#define SET_DBOPEN	0x020
#define SET_WAIT	0x040
#define SET_NEVER	0x080
#define SET_NONET	0x100

static const struct set {
	unsigned int		 bit;
	uint32_t		 action;	/* of the calls */
	const int		*calls;
	size_t			 ncalls;
	const struct rule	*rules;
	size_t			 nrules;
} sets[] = {
#define CALLS(t)	t, nitems(t)
	{ SET_STDIO, ALLOW, CALLS(stdio_calls), CALLS(stdio_rules) },
	{ SET_DBFILE, ALLOW, CALLS(dbfile_calls), CALLS(dbfile_rules) },
	{ SET_PROBE, REFUSE, CALLS(probe_calls), CALLS(probe_rules) },
	{ SET_START, ALLOW, CALLS(start_calls), CALLS(start_rules) },
	{ SET_NET, ALLOW, CALLS(net_calls), CALLS(net_rules) },
	{ SET_DBOPEN, ALLOW, CALLS(dbopen_calls), NULL, 0 },
	{ SET_WAIT, ALLOW, CALLS(wait_calls), NULL, 0 },
	{ SET_NEVER, KILL, CALLS(never_calls), NULL, 0 },
	{ SET_NONET, KILL, CALLS(nonet_calls), CALLS(nonet_rules) }
#undef CALLS
};

static const struct stage {
	unsigned int	sets;		/* 0: no filter */
	uint32_t	otherwise;
} stages[] = {
	[SANDBOX_IMAP_START] = { SET_STDIO | SET_START | SET_NET | SET_NEVER,
	    UNKNOWN },
	[SANDBOX_IMAP_LOCKED] = { SET_STDIO | SET_PROBE, KILL },
	[SANDBOX_DB_START] = { SET_STDIO | SET_START | SET_DBFILE |
	    SET_DBOPEN | SET_NEVER | SET_NONET, UNKNOWN },
	[SANDBOX_DB_LOCKED] = { SET_STDIO | SET_DBFILE | SET_PROBE, KILL },
	[SANDBOX_PARENT_LOCKED] = { SET_STDIO | SET_WAIT | SET_PROBE, KILL },
	/*
	 * What a session may do is inherited from here, and it runs the
	 * user's commands; so the supervisor cannot give up more.
	 */
	[SANDBOX_SUPERVISOR] = { 0, ALLOW }
};

static int
add_calls(scmp_filter_ctx ctx, uint32_t action, const int *nr, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add_array(ctx, action, nr[i], 0, NULL);
	return rc;
}

static int
add_rules(scmp_filter_ctx ctx, const struct rule *r, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add_array(ctx, r[i].action, r[i].nr, 1,
		    &r[i].cmp);
	return rc;
}

/* A process may signal itself: abort(3) and raise(3). */
static int
add_self(scmp_filter_ctx ctx)
{
	const struct rule self[] = {
		{ SCMP_SYS(kill), ALLOW, IS(0, (uint32_t)getpid()) },
		{ SCMP_SYS(tgkill), ALLOW, IS(0, (uint32_t)getpid()) }
	};

	return add_rules(ctx, self, nitems(self));
}

/* 0, or a negative errno. */
static int
add_sets(scmp_filter_ctx ctx, unsigned int wanted)
{
	const struct set *s;
	int rc = add_self(ctx);

	for (s = sets; s < sets + nitems(sets) && rc == 0; s++) {
		if (!(s->bit & wanted))
			continue;
		if ((rc = add_calls(ctx, s->action, s->calls, s->ncalls)) == 0)
			rc = add_rules(ctx, s->rules, s->nrules);
	}
	return rc;
}

int
filter_enter(enum sandbox_stage stage)
{
	const struct stage *st = &stages[stage];
	scmp_filter_ctx ctx;
	int rc;

	if (st->sets == 0)
		return 0;
	if ((ctx = seccomp_init(st->otherwise)) == NULL)
		return -ENOMEM;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, KILL);
	if (rc == 0)
		rc = add_sets(ctx, st->sets);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}

void
sandbox_library(char *buf, size_t len)
{
	const struct scmp_version *v = seccomp_version();

	if (v == NULL)
		strlcpy(buf, "libseccomp", len);
	else
		snprintf(buf, len, "libseccomp %u.%u.%u", v->major, v->minor,
		    v->micro);
}
