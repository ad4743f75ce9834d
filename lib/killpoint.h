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
 * Numbered places where a test kills the process: compiled in only with
 * -DKILLPOINTS, nothing otherwise.  INTERIMAP_KILL="name:count" in the
 * environment names the point and how many times it must be passed.  The
 * program ends there as by SIGKILL: no handler, no flush, no destructor.
 * INTERIMAP_KILL="?:" kills nobody and writes a line "killpoint PID NAME" to
 * standard error for each point that is passed.
 */
#ifndef KILLPOINT_H
#define KILLPOINT_H

#ifdef KILLPOINTS
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void
killpoint(const char *name)
{
	static long	 passed;
	const char	*want, *colon;
	size_t		 n;

	if ((want = getenv("INTERIMAP_KILL")) == NULL ||
	    (colon = strrchr(want, ':')) == NULL)
		return;
	if (want[0] == '?')
		dprintf(STDERR_FILENO, "killpoint %d %s\n", (int)getpid(),
		    name);
	n = colon - want;
	if (strncmp(want, name, n) != 0 || name[n] != '\0' ||
	    ++passed < strtol(colon + 1, NULL, 10))
		return;
	kill(getpid(), SIGKILL);
	for (;;)			/* where a sandbox refuses kill(2) */
		__builtin_trap();
}
#define KILLPOINT(name)	killpoint(name)
#else
#define KILLPOINT(name)	((void)0)
#endif

#endif
