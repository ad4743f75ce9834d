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
 * The queue of commands: tags, octets, literals, stops.  See command.h.
 */
#include <sys/queue.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "msg.h"

#define CMD_PRINTMAX	1024	/* octets of one cmd_printf() */
#define CMD_TRACEMAX	8192	/* octets of a trace line that are kept */
#define CMD_LARGE	65536	/* octets of a buffer worth keeping */
#define CMD_TAGS	1000000	/* then they start again from 000000 */

/*
 * The octets are taken: their buffer goes.  One that was large is kept for the
 * next APPEND, which so needs no new pages.
 */
static void
cmd_drop(struct command *cmd)
{
	if (cmd->buf == NULL)
		return;
	if (cmd->secret)
		freezero(cmd->buf, cmd->size);
	else if (cmd->size >= CMD_LARGE && cmd->q->spare == NULL) {
		cmd->q->spare = cmd->buf;
		cmd->q->sparesize = cmd->size;
	} else
		free(cmd->buf);
	cmd->buf = NULL;
	cmd->pos = cmd->len = cmd->size = 0;
}

static void
cmd_free(struct command *cmd)
{
	cmd_drop(cmd);
	free(cmd->stop);
	free(cmd->line);
	free(cmd);
}

void
cmdq_init(struct cmdq *q)
{
	memset(q, 0, sizeof(*q));
	TAILQ_INIT(&q->list);
}

void
cmdq_free(struct cmdq *q)
{
	struct command	*cmd;

	while ((cmd = TAILQ_FIRST(&q->list)) != NULL) {
		TAILQ_REMOVE(&q->list, cmd, entry);
		cmd_free(cmd);
	}
	free(q->spare);
	cmdq_init(q);
}

struct command *
cmd_new(struct cmdq *q, const struct cmd_calls *calls)
{
	struct command	*cmd;

	if ((cmd = calloc(1, sizeof(*cmd))) == NULL) {
		q->err = 1;
		return NULL;
	}
	cmd->q = q;
	cmd->calls = calls;
	snprintf(cmd->tag, sizeof(cmd->tag), "%0*u", CMD_TAGLEN, q->nexttag);
	q->nexttag = (q->nexttag + 1) % CMD_TAGS;
	TAILQ_INSERT_TAIL(&q->list, cmd, entry);
	if (q->writing == NULL)
		q->writing = cmd;
	cmd_printf(cmd, "%s ", cmd->tag);
	return cmd;
}

/* The buffer is to hold size octets. */
static int
cmd_resize(struct command *cmd, size_t size)
{
	struct cmdq	*q = cmd->q;
	uint8_t		*buf;

	if (cmd->secret)
		buf = recallocarray(cmd->buf, cmd->size, size, 1);
	else if (size > CMD_LARGE / 2 && q->sparesize >= size) {
		buf = q->spare;
		size = q->sparesize;
		q->spare = NULL;
		q->sparesize = 0;
		if (cmd->len > 0)
			memcpy(buf, cmd->buf, cmd->len);
		free(cmd->buf);
	} else
		buf = realloc(cmd->buf, size);
	if (buf == NULL) {
		q->err = 1;
		return -1;
	}
	cmd->buf = buf;
	cmd->size = size;
	return 0;
}

/* Room for n more octets behind len. */
static int
cmd_grow(struct command *cmd, size_t n)
{
	size_t	 size;

	if (cmd->pos > 0 &&
	    (cmd->pos == cmd->len || cmd->len + n > cmd->size)) {
		memmove(cmd->buf, cmd->buf + cmd->pos, cmd->len - cmd->pos);
		cmd->len -= cmd->pos;
		cmd->pos = 0;
	}
	if (cmd->len + n <= cmd->size)
		return 0;
	size = cmd->size == 0 ? 256 : cmd->size;
	while (size < cmd->len + n)
		size *= 2;
	return cmd_resize(cmd, size);
}

void
cmd_octets(struct command *cmd, const void *p, size_t n)
{
	if (cmd->dead || n == 0 || cmd_grow(cmd, n) == -1)
		return;
	memcpy(cmd->buf + cmd->len, p, n);
	cmd->len += n;
	cmd->put += n;
}

/* Add to the trace line what fits. */
static void
cmd_line(struct command *cmd, const char *p, size_t n)
{
	char	*line;
	size_t	 size;

	if (cmd->q->trace == NULL || cmd->secret)
		return;
	if (n > CMD_TRACEMAX - cmd->linelen)
		n = CMD_TRACEMAX - cmd->linelen;
	if (cmd->linelen + n > cmd->linesize) {
		size = 2 * (cmd->linelen + n);
		if ((line = realloc(cmd->line, size)) == NULL) {
			cmd->q->err = 1;
			return;
		}
		cmd->line = line;
		cmd->linesize = size;
	}
	if (n > 0)
		memcpy(cmd->line + cmd->linelen, p, n);
	cmd->linelen += n;
}

static void
cmd_traced(struct command *cmd)
{
	if (cmd->q->trace != NULL && !cmd->secret && cmd->line != NULL)
		cmd->q->trace(cmd->q->tracearg, cmd, cmd->line,
		    cmd->linelen);
	cmd->linelen = 0;
}

void
cmd_put(struct command *cmd, const void *p, size_t n)
{
	if (cmd->dead)
		return;
	cmd_octets(cmd, p, n);
	cmd_line(cmd, p, n);
}

void
cmd_puts(struct command *cmd, const char *s)
{
	cmd_put(cmd, s, strlen(s));
}

void
cmd_printf(struct command *cmd, const char *fmt, ...)
{
	char	 buf[CMD_PRINTMAX];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(buf))
		cmd->q->err = 1;
	else
		cmd_put(cmd, buf, n);
}

/* RFC 3501 section 9: ASTRING-CHAR; NIL would be read as something else. */
static int
is_atom(const char *p, size_t n)
{
	size_t	 i;

	if (n == 0 || (n == 3 && strncasecmp(p, "NIL", 3) == 0))
		return 0;
	for (i = 0; i < n; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f ||
		    strchr("(){%*\"\\", p[i]) != NULL)
			return 0;
	return 1;
}

int
cmd_needs_literal(const char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (p[i] == '\r' || p[i] == '\n' || p[i] == '\0' ||
		    (unsigned char)p[i] > 0x7f)
			return 1;
	return 0;
}

void
cmd_string(struct command *cmd, const char *p, size_t n)
{
	size_t	 i, start;

	if (cmd_needs_literal(p, n)) {
		cmd_literal(cmd, n, 0);
		cmd_octets(cmd, p, n);
		return;
	}
	cmd_puts(cmd, "\"");
	for (i = start = 0; i < n; i++) {
		if (p[i] != '"' && p[i] != '\\')
			continue;
		cmd_put(cmd, p + start, i - start);
		cmd_puts(cmd, "\\");
		start = i;
	}
	cmd_put(cmd, p + start, n - start);
	cmd_puts(cmd, "\"");
}

void
cmd_astring(struct command *cmd, const char *p, size_t n)
{
	if (is_atom(p, n))
		cmd_put(cmd, p, n);
	else
		cmd_string(cmd, p, n);
}

void
cmd_literal(struct command *cmd, uint64_t n, int literal8)
{
	uint64_t caps;
	int	 sync;

	caps = cmd->q->caps;
	sync = (caps & CAP_LITERALPLUS) == 0 &&
	    ((caps & CAP_LITERALMINUS) == 0 || n > CMD_LITERALMINUS);
	cmd_printf(cmd, "%s{%" PRIu64 "%s}", literal8 ? "~" : "", n,
	    sync ? "" : "+");
	cmd_traced(cmd);
	cmd_octets(cmd, "\r\n", 2);
	if (sync)
		cmd_stop(cmd);
	cmd_line(cmd, "[...]", 5);
}

void
cmd_stop(struct command *cmd)
{
	uint64_t *stop;
	size_t	 size;

	if (cmd->nstops == cmd->sizestops) {
		size = cmd->sizestops + 8;
		stop = recallocarray(cmd->stop, cmd->sizestops, size,
		    sizeof(*stop));
		if (stop == NULL) {
			cmd->q->err = 1;
			return;
		}
		cmd->stop = stop;
		cmd->sizestops = size;
	}
	cmd->stop[cmd->nstops++] = cmd->put;
}

void
cmd_ask(struct command *cmd)
{
	cmd_octets(cmd, "\r\n", 2);
	cmd_traced(cmd);
	cmd_stop(cmd);
}

int
cmd_uidset(struct command *cmd, const struct uidset *set, size_t *pos,
    size_t reserve)
{
	char	 buf[CMD_LINEMAX];
	size_t	 room, n;

	room = cmd_buffered(cmd) + reserve;
	room = room < sizeof(buf) ? sizeof(buf) - room : 0;
	n = room == 0 ? 0 : uidset_format(set, pos, buf, room);
	if (n == 0)
		return -1;
	cmd_put(cmd, buf, n);
	return 0;
}

/* A command that is answered and needs no more octets goes. */
static void
cmdq_reap(struct cmdq *q, struct command *cmd)
{
	if (!cmd->answered || !cmd_written(cmd))
		return;
	if (q->writing == cmd)
		q->writing = TAILQ_NEXT(cmd, entry);
	TAILQ_REMOVE(&q->list, cmd, entry);
	cmd_free(cmd);
}

void
cmd_close(struct command *cmd)
{
	cmd_octets(cmd, "\r\n", 2);
	cmd_traced(cmd);
	cmd_end(cmd);
}

void
cmd_end(struct command *cmd)
{
	cmd->closed = 1;
	cmdq_reap(cmd->q, cmd);
}

size_t
cmd_buffered(const struct command *cmd)
{
	return cmd->len - cmd->pos;
}

size_t
cmdq_ahead(const struct cmdq *q, const struct command *last)
{
	const struct command	*cmd;
	size_t			 n;

	n = 0;
	for (cmd = q->writing; cmd != NULL; cmd = TAILQ_NEXT(cmd, entry)) {
		n += cmd_buffered(cmd);
		if (cmd == last)
			break;
	}
	return n;
}

int
cmd_written(const struct command *cmd)
{
	return cmd->closed && cmd->pos == cmd->len;
}

int
cmd_stopped(const struct command *cmd)
{
	return !cmd->dead && cmd->nextstop < cmd->nstops &&
	    cmd->stop[cmd->nextstop] == cmd->taken;
}

/* What one command has to give; it may end at a stop. */
static size_t
cmd_take(struct command *cmd, uint8_t *dst, size_t size)
{
	size_t	 n;

	n = cmd_buffered(cmd);
	if (cmd->nextstop < cmd->nstops &&
	    n > cmd->stop[cmd->nextstop] - cmd->taken)
		n = cmd->stop[cmd->nextstop] - cmd->taken;
	if (n > size)
		n = size;
	if (n > 0) {
		memcpy(dst, cmd->buf + cmd->pos, n);
		if (cmd->secret)
			explicit_bzero(cmd->buf + cmd->pos, n);
	}
	cmd->pos += n;
	cmd->taken += n;
	return n;
}

size_t
cmdq_take(struct cmdq *q, uint8_t *dst, size_t size)
{
	struct command	*cmd;
	size_t		 n;
	int		 apart = 0;

	n = 0;
	while (!apart && (cmd = q->writing) != NULL && q->held == NULL) {
		n += cmd_take(cmd, dst + n, size - n);
		if (!cmd_written(cmd))
			break;
		apart = cmd->apart;
		if (cmd->last && !cmd->answered)
			q->held = cmd;
		q->writing = TAILQ_NEXT(cmd, entry);
		cmd_drop(cmd);
		cmdq_reap(q, cmd);
	}
	return n;
}

int
cmdq_continue(struct cmdq *q)
{
	if (q->writing == NULL || !cmd_stopped(q->writing))
		return -1;
	q->writing->nextstop++;
	return 0;
}

struct command *
cmdq_find(struct cmdq *q, const char *tag)
{
	struct command	*cmd;

	TAILQ_FOREACH(cmd, &q->list, entry)
		if (!cmd->answered && cmd->taken > 0 &&
		    strcmp(cmd->tag, tag) == 0)
			return cmd;
	return NULL;
}

struct command *
cmdq_oldest(struct cmdq *q)
{
	struct command	*cmd;

	TAILQ_FOREACH(cmd, &q->list, entry)
		if (!cmd->answered)
			return cmd->taken > 0 ? cmd : NULL;
	return NULL;
}

int
cmdq_answered(struct cmdq *q, struct command *cmd)
{
	cmd->answered = 1;
	if (q->held == cmd)
		q->held = NULL;
	if (cmd_stopped(cmd)) {
		cmd->dead = 1;
		cmd->pos = cmd->len;
	} else if (cmd->nextstop < cmd->nstops)
		return -1;
	cmdq_reap(q, cmd);
	return 0;
}
