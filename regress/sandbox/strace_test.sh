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
# Does strace.sh tell a good imapchild from a bad one?  Prints TAP.
#
#	strace_test.sh TRESPASS		the program built from trespass.c

set -u
here=$(dirname "$0")
dir=$(mktemp -d "${TMPDIR:-/tmp}/interimap-trespass.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
cp "$1" "$dir/trespass" && ln "$dir/trespass" "$dir/imapchild" || exit 1
n=0
bad=0

expect() {		# exit status, transport, what it does
	n=$((n + 1))
	out=$(sh "$here/strace.sh" "$dir/trespass" "$2" "$3" 2>&1)
	if [ $? -eq "$1" ]; then
		echo "ok $n - $2, then $3"
	else
		echo "not ok $n - $2, then $3"
		echo "$out" | sed 's/^/# /'
		bad=1
	fi
}

for how in tunnel tcp; do
	expect 0 $how nothing
	expect 0 $how refused
	for what in open socket fork exec silent; do
		expect 1 $how $what
	done
done
echo "1..$n"
exit $bad
