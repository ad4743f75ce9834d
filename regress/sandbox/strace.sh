#!/bin/sh
# Copyright (c) 2026 The interimap authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
#/
#
# Runs a command under strace and proves from the log of every imapchild in it:
# from its first read from the server on, no open succeeds, and socket, connect,
# bind, exec, fork are not attempted.  Prints TAP; the command's own output goes
# to standard error.
#
#	strace.sh [-u USER] COMMAND [ARGUMENT ...]
#
# The programs are not dumpable: only root may read what they execute.  -u runs
# the command as that user.
#
# An imapchild is a process that executed a file of that name.  The server's
# socket is fd 5, when it was put there before that (a tunnel), or a stream
# socket of the Internet that it connected.

set -u
user=
if [ "${1:-}" = -u ] && [ $# -gt 1 ]; then
	user=$2
	shift 2
fi
if [ $# -eq 0 ]; then
	echo "usage: strace.sh [-u USER] COMMAND [ARGUMENT ...]" >&2
	exit 2
fi
if ! command -v strace >/dev/null; then
	echo "Bail out! strace is not installed"
	exit 1
fi
here=$(dirname "$0")
logs=$(mktemp -d "${TMPDIR:-/tmp}/interimap-strace.XXXXXX") || exit 1
trap 'rm -rf "$logs"' EXIT
trap 'exit 1' INT TERM HUP

# -ff: a file for each process, so that no line is torn in two.
strace ${user:+-u "$user"} -ff -qq -e signal=none -o "$logs/log" -e trace=%process,open,openat,\
openat2,creat,socket,connect,bind,close,dup,dup2,dup3,read,readv,recvfrom,\
recvmsg,seccomp,landlock_restrict_self "$@" 1>&2
status=$?

n=1
bad=0
if [ $status -eq 0 ]; then
	echo "ok 1 - the command succeeded"
else
	echo "not ok 1 - the command ended with status $status"
	bad=1
fi
seen=0
for log in "$logs"/log.*; do
	grep -q '^execve("[^"]*/imapchild".*= 0$' "$log" || continue
	seen=$((seen + 1))
	n=$((n + 1))
	if why=$(awk -f "$here/strace.awk" "$log"); then
		echo "ok $n - imapchild ${log##*.}: $why"
	else
		echo "not ok $n - imapchild ${log##*.}"
		echo "$why" | sed 's/^/# /'
		bad=1
	fi
done
n=$((n + 1))
if [ $seen -gt 0 ]; then
	echo "ok $n - $seen imapchild seen"
else
	echo "not ok $n - no imapchild seen"
	bad=1
fi
echo "1..$n"
exit $bad
