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
 * round trip of its own, since nothing may follow it before its answer; before
 * them where the answer to LIST will be long.  Called by loop.c, op.c and io.c.
 */
#include <sys/queue.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "imapchild.h"

/*
 * Mailboxes from which on a compressed LIST is worth a round trip.  At 100 ms
 * and 10 Mbit/s a run that finds nothing to do takes, in seconds, with COMPRESS
 * before LIST and behind it:
 *	250 mailboxes	0.57 and 0.60	(without a slow start 0.60 and 0.53)
 *	500		0.61 and 0.77	(0.62 and 0.61)
 *	1000		0.63 and 0.85	(0.67 and 0.61)
 */
#define LIST_LONG	600
#define AMOUNT_MAX	16	/* octets of a number to print */

static void	 compress_done(struct child *, struct command *,
		    const struct resp_status *);

static const struct cmd_calls compress_calls = {
	.name = "compress",
	.done = compress_done
};

/* We want it, the server has it, and ENABLE stands before it. */
static int
compress_can(const struct child *c)
{
	return c->compress == COMPRESS_WANTED && c->enabling &&
	    (c->phase == PHASE_READY || c->ahead) &&
	    (ahead_caps(c) & CAP_COMPRESS) != 0;
}

static void
compress_command(struct child *c)
{
	struct command	*cmd;

	c->compressahead = c->phase != PHASE_READY;
	if ((cmd = cmd_new(&c->cmdq, &compress_calls)) == NULL)
		fatal("no memory");
	cmd->last = 1;
	cmd_puts(cmd, "COMPRESS DEFLATE");
	cmd_close(cmd);
	c->compress = COMPRESS_ASKED;
}

/* The first requests are all in the queue, or there is nothing to wait for. */
void
compress_ask(struct child *c)
{
	const struct op	*op;

	if (!compress_can(c))
		return;
	TAILQ_FOREACH(op, &c->ops, entry)
		if (!op->started)
			return;
	compress_command(c);
}

void
compress_first(struct child *c)
{
	if (c->listed >= LIST_LONG && compress_can(c))
		compress_command(c);
}

/* A refusal costs only octets; the code tells that TLS compresses already. */
static void
compress_done(struct child *c, struct command *cmd,
    const struct resp_status *st)
{
	if (st->cond == COND_OK && !c->loggedin) {
		child_fail(c, FAIL_PROTOCOL, "COMPRESS was agreed to before "
		    "the login");
		return;
	}
	if (st->cond == COND_OK) {
		c->compress = COMPRESS_AGREED;
		resp_stop(c->resp);
		return;
	}
	if (c->compressahead && (!c->loggedin || c->doubted)) {
		c->compressahead = 0;
		c->compress = COMPRESS_WANTED;
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
