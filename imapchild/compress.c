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
 * COMPRESS (RFC 4978): asked for behind the first requests, so that it costs no
 * round trip of its own, since nothing may follow it before its answer.  Called
 * by loop.c and io.c.
 */
#include <sys/queue.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "imapchild.h"

#define AMOUNT_MAX	16	/* octets of a number to print */

static void	 compress_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls compress_calls = {
	.name = "compress",
	.done = compress_done
};

/* The first requests are all in the queue, or there is nothing to wait for. */
static int
compress_due(const struct child *c)
{
	const struct op	*op;

	if (c->compress != COMPRESS_WANTED || c->phase != PHASE_READY ||
	    !c->enabling || (c->caps & CAP_COMPRESS) == 0)
		return 0;
	TAILQ_FOREACH(op, &c->ops, entry)
		if (!op->started)
			return 0;
	return 1;
}

void
compress_ask(struct child *c)
{
	struct command	*cmd;

	if (!compress_due(c))
		return;
	if ((cmd = cmd_new(&c->cmdq, &compress_calls)) == NULL)
		fatal("no memory");
	cmd->last = 1;
	cmd_puts(cmd, "COMPRESS DEFLATE");
	cmd_close(cmd);
	c->compress = COMPRESS_ASKED;
}

/* A refusal costs only octets; the code tells that TLS compresses already. */
static void
compress_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	if (st->cond == COND_OK) {
		c->compress = COMPRESS_AGREED;
		resp_stop(c->resp);
		return;
	}
	c->compress = COMPRESS_OFF;
	if (strcmp(st->codename, "COMPRESSIONACTIVE") != 0)
		log_warn("the server offers COMPRESS=DEFLATE but refuses it: "
		    "%s; going on without (compress = NO asks no more)",
		    st->text);
}

/* What stands behind the answer is compressed; so is all we write now. */
void
compress_begin(struct child *c)
{
	struct transport	*tr;
	size_t			 rest = c->rlen - c->rpos;

	if (c->wpos < c->wlen) {
		child_fail(c, FAIL_PROTOCOL, "COMPRESS answered before it was "
		    "asked for");
		return;
	}
	tr = transport_deflate(c->tr, c->rbuf + c->rpos, rest);
	if (tr == NULL)
		fatal("no memory");
	c->tr = tr;
	c->compress = COMPRESS_ON;
	c->received -= rest;
	c->plainrecv = c->received;
	c->plainsent = c->sent;
	c->rpos = c->rlen = 0;
	c->rd.ready = c->wr.ready = 1;
}

/* "705", "37.43K": as the original has it. */
static const char *
amount(char *buf, size_t size, uint64_t n)
{
	static const char	 units[] = "KMGTPE";
	double			 v = n;
	size_t			 i;

	for (i = 0; v >= 1024 && units[i] != '\0'; i++)
		v /= 1024;
	if (i == 0)
		snprintf(buf, size, "%" PRIu64, n);
	else
		snprintf(buf, size, "%.2f%c", v, units[i - 1]);
	return buf;
}

/* " recv 705 (compr. 614, factor 0.87)" */
static void
direction(char *text, size_t size, const char *name, uint64_t n,
    uint64_t squeezed, int on)
{
	char	 buf[AMOUNT_MAX];
	size_t	 len = strlen(text);

	snprintf(text + len, size - len, " %s %s", name,
	    amount(buf, sizeof(buf), n));
	len = strlen(text);
	if (on && n > 0)
		snprintf(text + len, size - len, " (compr. %s, factor %.2f)",
		    amount(buf, sizeof(buf), squeezed), (double)squeezed / n);
}

void
compress_report(const struct child *c)
{
	char		 text[256] = "IMAP traffic (bytes):";
	uint64_t	 in = 0, out = 0;
	int		 on = c->compress == COMPRESS_ON;

	if (on)
		deflate_counts(c->tr, &in, &out);
	direction(text, sizeof(text), "recv", c->received, c->plainrecv + in,
	    on);
	direction(text, sizeof(text), "sent", c->sent, c->plainsent + out, on);
	log_info("%s", text);
}
