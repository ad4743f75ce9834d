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
# One process of strace -ff that became an imapchild: says in one line what it
# did after its first read from the server, and fails when that is too much.
# Called by strace.sh.

# The number behind the first parenthesis: the descriptor a call is about.
function fd(line) {
	sub(/^[a-z0-9_]*\(/, "", line)
	return line + 0
}

# What a call returned; "?" when it did not.
function result(line) {
	sub(/^.*\) += /, "", line)
	sub(/ .*$/, "", line)
	return line
}

!started && /^dup[23]\([0-9]+, 5[,)]/ && result($0) == 5 { server[5] = 1 }

/^close\(/ { delete server[fd($0)]; delete stream[fd($0)] }

/^execve\("[^"]*\/imapchild".*= 0$/ && !started { started = 1; next }

!started { next }

!reading && /^socket\(AF_INET6?, SOCK_STREAM/ { stream[result($0)] = 1 }

!reading && /^connect\(/ && fd($0) in stream { server[fd($0)] = 1 }

/^(read|readv|recvfrom|recvmsg)\(/ && fd($0) in server {
	if (result($0) + 0 > 0)
		reading = 1
}

!reading { next }

/^(open|openat|openat2|creat)\(/ {
	if (result($0) ~ /^-/)
		refused++
	else
		bad[++nbad] = $0
	next
}

# The lock itself must be older than that.
/^(seccomp|landlock_restrict_self)\(/ { bad[++nbad] = $0 }

/^(socket|connect|bind|execve|execveat|fork|vfork|clone|clone3)\(/ {
	bad[++nbad] = $0
}

END {
	for (i = 1; i <= nbad; i++)
		print "after its first read from the server: " bad[i]
	if (!reading)
		print "it never read from a server"
	if (nbad > 0 || !reading)
		exit 1
	print "from its first read on nothing but what it had (" refused + 0 \
	    " open refused)"
}
