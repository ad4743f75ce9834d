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
 * In the place of lib/sandbox_*.c in a build with sanitizers, which need
 * system calls that no process of ours may have.  Never linked into a program
 * that is installed.
 */
#include "sandbox.h"

int
sandbox_enter(enum sandbox_stage stage, const char *path, char *errbuf,
    size_t size)
{
	return 0;
}

int
sandbox_nocore(void)
{
	return 0;
}

void
sandbox_library(char *buf, size_t size)
{
	if (size > 0)
		buf[0] = '\0';
}

void
sandbox_describe(char *buf, size_t size)
{
	if (size > 0)
		buf[0] = '\0';
}
