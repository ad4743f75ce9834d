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
# Reads back from the programs what DESIGN promises of their link lines: which
# libraries each of them may load, and that they are hardened.  Prints TAP.
#
#	links.sh [FOLDER]	the build tree, the current folder by default

set -u
tree=${1:-.}
n=0
bad=0

report() {		# status, text, and what was wrong
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		echo "# $3"
		bad=1
	fi
}

# The libraries a program asks for itself, without version.
needed() {
	readelf -dW "$1" |
	    sed -n 's/.*(NEEDED).*\[\(lib[^.]*\)\.so.*/\1/p'
}

# program, libraries it has to load, others it may
links() {
	file=$tree/$1/$1
	have=$(needed "$file")
	extra=
	for lib in $have; do
		case " $2 $3 libc " in
		*" $lib "*) ;;
		*) extra="$extra $lib" ;;
		esac
	done
	[ -n "$have" ] && [ -z "$extra" ]
	report $? "$1 loads nothing it must not" "it loads:$extra"
	for lib in $2; do
		echo "$have" | grep -qx "$lib"
		report $? "$1 loads $lib" "it does not"
	done
}

hardened() {
	file=$tree/$1/$1
	readelf -hW "$file" | grep -q 'Type: *DYN'
	report $? "$1 is position independent" "it is not"
	readelf -lW "$file" | grep -q GNU_RELRO &&
	    readelf -dW "$file" | grep -q 'FLAGS.*NOW'
	report $? "$1 has its relocations read-only" "it has not"
	readelf -lW "$file" | grep 'GNU_STACK' | grep -q ' RW '
	report $? "$1 has no executable stack" "it has"
	! readelf -lW "$file" | grep LOAD | grep -q RWE
	report $? "$1 has no segment both writable and executable" "it has"
	readelf -sW "$file" | grep -q '__stack_chk_fail'
	report $? "$1 has the stack protector" "it has not"
	if readelf -dW "$file" | grep -q 'R[UN]*PATH'; then
		report 1 "$1 has no run path" "it has"
	else
		report 0 "$1 has no run path" ""
	fi
}

links interimap "libseccomp libpcre2-8" "libbsd"
links imapchild "libseccomp libtls libcrypto libz" "libbsd libssl"
links statedb "libseccomp libsqlite3" "libbsd"
for prog in interimap imapchild statedb; do
	hardened $prog
done
echo "1..$n"
exit $bad
