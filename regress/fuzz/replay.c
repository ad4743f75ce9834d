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
 * Runs each file given through a fuzzer's entry point, so that the seeds are
 * tests too where there is no libFuzzer.
 */
#include <err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_MAX	(1 << 20)	/* octets of one file */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
replay(const char *path)
{
	uint8_t *all, *data;
	size_t n;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	if ((all = malloc(SEED_MAX)) == NULL)
		err(1, NULL);
	n = fread(all, 1, SEED_MAX, f);
	if (ferror(f))
		err(1, "%s", path);
	if (n == SEED_MAX)
		errx(1, "%s: longer than a seed", path);
	fclose(f);
	/* Of just that size, so that the sanitizer sees a step too far. */
	if ((data = realloc(all, n > 0 ? n : 1)) == NULL)
		err(1, NULL);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
}

int
main(int argc, char *argv[])
{
	int i;

	if (argc < 2)
		errx(1, "no seeds given");
	for (i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}
