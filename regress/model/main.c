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
 * The command line of the model test: so many histories from a seed on, or
 * one history again with a trace; -g: all of them of the guard.
 */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

#define GUARD_EVERY	25	/* one history in so many is of the guard */
#define BACK_EVERY	10	/* or of a mailbox that goes back */
#define REPAIR_EVERY	4	/* or of --repair */

static void
usage(void)
{
	(void)fprintf(stderr, "usage: model [-bgv] [-n histories] [-s seed]\n");
	exit(1);
}

void *
xrealloc(void *p, size_t n, size_t size)
{
	if ((p = reallocarray(p, n, size)) == NULL)
		err(1, NULL);
	return p;
}

void
model_fail(struct model *m, const char *fmt, ...)
{
	va_list ap;

	if (m->failed)
		return;
	m->failed = 1;
	va_start(ap, fmt);
	(void)vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
	trace(m, "FAILED: %s", m->why);
}

static void
stats_add(struct stats *a, const struct stats *b)
{
	a->runs += b->runs;
	a->kills += b->kills;
	a->losses += b->losses;
	a->steps += b->steps;
	a->copies += b->copies;
	a->expunges += b->expunges;
	a->stores += b->stores;
	a->maps += b->maps;
}

/* What log.h is told is said before the end of all: an impossibility. */
static void
last_words(void *arg, enum loglevel level, const char *text)
{
	const struct model *m = arg;

	(void)printf("seed %llu: %s\n", (unsigned long long)m->seed, text);
	(void)fflush(stdout);
}

/* 0 when the history of this seed holds. */
static int
history(uint64_t seed, int verbose, int only, struct stats *total)
{
	struct model m;

	model_init(&m, seed, verbose);
	log_to(last_words, &m);
	if (only == 'g' || (only == 0 && seed % GUARD_EVERY == 0))
		history_guard(&m);
	else if (only == 'b' || seed % BACK_EVERY == 1)
		history_back(&m);
	else if (seed % REPAIR_EVERY == 0)
		history_repair(&m);
	else
		history_random(&m);
	if (m.failed)
		(void)printf("seed %llu: %s\n", (unsigned long long)seed,
		    m.why);
	stats_add(total, &m.stats);
	model_clear(&m);
	return m.failed ? -1 : 0;
}

static uint64_t
number(const char *s, const char *what)
{
	const char *errstr;
	long long n;

	n = strtonum(s, 0, 1LL << 62, &errstr);
	if (errstr != NULL)
		errx(1, "%s %s is %s", what, s, errstr);
	return (uint64_t)n;
}

int
main(int argc, char **argv)
{
	struct stats st;
	uint64_t i, n = 0, seed = 1, failed = 0;
	int ch, only = 0, replay = 0, verbose = 0;

	memset(&st, 0, sizeof(st));
	while ((ch = getopt(argc, argv, "bgn:s:v")) != -1) {
		switch (ch) {
		case 'b':
		case 'g':
			only = ch;
			break;
		case 'n':
			n = number(optarg, "number");
			break;
		case 's':
			seed = number(optarg, "seed");
			replay = 1;
			break;
		case 'v':
			verbose = 1;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (n == 0 && replay)
		verbose = 1;
	if (n == 0)
		n = replay ? 1 : 2000;
	for (i = 0; i < n; i++)
		if (history(seed + i, verbose, only, &st) == -1)
			failed++;
	(void)printf("model: %llu runs, %llu kills, %llu lost connections, "
	    "%llu steps, %llu copies, %llu deletions, %llu stores\n",
	    (unsigned long long)st.runs, (unsigned long long)st.kills,
	    (unsigned long long)st.losses, (unsigned long long)st.steps,
	    (unsigned long long)st.copies, (unsigned long long)st.expunges,
	    (unsigned long long)st.stores);
	(void)printf("%llu passed, %llu failed\n",
	    (unsigned long long)(n - failed), (unsigned long long)failed);
	return failed == 0 ? 0 : 1;
}
