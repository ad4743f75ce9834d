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
 * The tunnel command (type=tunnel): how it is run and what it inherits.
 * Called by processes.c.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processes.h"

static void
expect(const char *name, const char *command, const char *input,
    const char *want)
{
	char got[4096], error[ERRMAX] = "";
	int fd;

	if ((fd = tunnel_spawn(command, 1, error, sizeof(error))) == -1) {
		check(0, name, error);
		return;
	}
	if (*input != '\0' && write(fd, input, strlen(input)) == -1)
		check(0, name, "write");
	shutdown(fd, SHUT_WR);
	slurp(fd, got, sizeof(got));
	close(fd);
	check(strcmp(got, want) == 0, name, got);
}

static void
test_refused(void)
{
	char error[ERRMAX] = "";

	check(tunnel_spawn("no-such-command -x", 0, error,
	    sizeof(error)) == -1 && strstr(error, "\"no-such-command -x\": "
	    "No such file") != NULL, "a command that is not there", error);
	check(tunnel_spawn("  ", 0, error, sizeof(error)) == -1,
	    "an empty command", error);
}

void
test_tunnel(void)
{
	setenv("HOME", "/nowhere", 1);
	setenv("IFS", "x", 1);
	setenv("CDPATH", "/", 1);
	setenv("ENV", "/x", 1);
	setenv("BASH_ENV", "/x", 1);
	setenv("PATH", "/nowhere", 1);
	expect("split at blanks", "echo a\t b  #", "", "a b #\n");
	expect("stdin and stdout are the socket", "cat", "ping", "ping");
	expect("a shell for metacharacters", "echo $((1+2)); echo b", "",
	    "3\nb\n");
	expect("a shell for an assignment", "X=y env -u PATH printenv X", "",
	    "y\n");
	expect("no shell for an equals sign in an argument",
	    "printf %s a=b", "", "a=b");
	expect("what would mislead a shell is gone",
	    "printenv IFS CDPATH ENV BASH_ENV", "", "");
	expect("HOME and a PATH of its own", "printenv HOME PATH", "",
	    "/nowhere\n/usr/bin:/bin\n");
	expect("standard error is quiet", "echo x >&2; echo y", "", "y\n");
	expect("SIGINT is blocked, nothing else",
	    "grep SigBlk /proc/self/status", "",
	    "SigBlk:\t0000000000000002\n");
	expect("no descriptor but its own", "echo /proc/self/fd/[4-9]*", "",
	    "/proc/self/fd/[4-9]*\n");
	test_refused();
}
