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
 * The test of interimap/spawn.c, locate.c and supervisor.c: processes.c is the
 * driver and builds a small tree of copies of itself, in which it is
 * interimap, imapchild and statedb in turn; tunnel.c and watch.c hold the
 * tests of the tunnel command and of the supervisor.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <sys/types.h>

#include "interimap.h"

/* One line of TAP; the text after it is shown when it failed. */
void	check(int, const char *, const char *);
/* Read until the end of file or size - 1 octets; NUL-terminated. */
void	slurp(int, char *, size_t);
/* Milliseconds since some moment. */
long	milliseconds(void);

void	test_tunnel(void);
void	test_watch(const char *);	/* the folder of the tree */
/* What a session is in this test; does not return. */
void	be_session(int, char **) __attribute__((noreturn));

#endif
