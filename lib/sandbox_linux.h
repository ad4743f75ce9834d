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
 * Between sandbox_linux.c and its two tools, sandbox_filter.c (seccomp) and
 * sandbox_landlock.c.  Nobody else includes this.
 */
#ifndef SANDBOX_LINUX_H
#define SANDBOX_LINUX_H

#include <stddef.h>

#include "sandbox.h"

/*
 * Load the filter of a stage, for good.  0, or a negative errno (that is how
 * libseccomp answers).
 */
int	filter_enter(enum sandbox_stage);

enum landlock_right {
	LANDLOCK_READ,		/* read files, list folders */
	LANDLOCK_FOLDER,	/* read, write, create and remove files */
	LANDLOCK_MKDIR		/* make and remove folders, nothing else */
};

struct landlock_grant {
	const char		*path;	/* NULL or missing: granted nothing */
	enum landlock_right	 right;
};

/* The version the running kernel offers; 0: none. */
int	landlock_abi(void);
/* What a process may give up beside paths. */
#define LANDLOCK_CONNECT	0x1	/* connecting by TCP */
#define LANDLOCK_SIGNAL		0x2	/* signals that leave the process */

/*
 * Keep only these paths (none: no path at all), and give up listening on TCP,
 * connecting to abstract sockets, and what the last argument says, as far as
 * the running kernel lets them go.  0, also when there is no Landlock; -1 with
 * errno.
 */
int	landlock_enter(const struct landlock_grant *, size_t, unsigned int);

#endif
