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
 * Which files our processes are started from; shared by locate.c (says),
 * spawn.c and supervisor.c (start).
 */
#ifndef LOCATE_H
#define LOCATE_H

#include <stddef.h>

#include "interimap.h"

#define LOCATE_MAX	4096		/* octets of a path, NUL included */

/*
 * Where a child's program is.  Nothing from the environment, the configuration
 * or a server has a say: it stands in LIBEXECDIR, or, when the running program
 * is DIR/interimap/interimap and DIR/imapchild/imapchild or DIR/statedb/statedb
 * exists, it is that one: a build tree.  Such a file and each folder above it
 * must then be safe from other users (see locate.c).  0, or -1 with a reason.
 */
int	 locate_child(enum program, char *, size_t, char *, size_t);
/* The file of the running program, to start it again.  0, or -1: errno. */
int	 locate_self(char *, size_t);
/*
 * Nobody but root, the owner of the file or folder first, or of the second can
 * put another program in place of path.  0, or -1 with a reason.
 */
int	 locate_trusted(const char *, const char *, char *, size_t);

#endif
