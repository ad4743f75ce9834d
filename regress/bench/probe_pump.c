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
 * The copy of mailboxes with nothing around it: what a first sync cannot be
 * quicker than.  Octets go from one buffer to the other, once.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

struct pump {
	struct conn	*from, *to;
	char		**boxes;
	unsigned int	 asked;		/* mailboxes asked for */
	unsigned int	 box;		/* the one being copied */
	unsigned int	 first;		/* tag of its FETCH */
	int		 batch;		/* messages an APPEND, 0: all */
	int		 selected;
	int		 count;		/* in the APPEND that is open */
	int		 open;		/* an APPEND is not finished */
	int64_t		 left;		/* octets of the message */
};

/* Asks for mailboxes as long as there is room for the commands. */
static void
ask(struct pump *p)
{
	while (p->boxes[p->asked] != NULL && conn_room(p->from) > 4096) {
		conn_say(p->from, "EXAMINE \"%s\"\r\n", p->boxes[p->asked]);
		conn_say(p->from, "UID FETCH 1:* (FLAGS INTERNALDATE "
		    "BODY.PEEK[])\r\n");
		p->asked++;
	}
}

/* Before the first message of a mailbox. */
static void
enter(struct pump *p)
{
	const char *name = p->boxes[p->box];

	if (strcmp(name, "INBOX") != 0)
		conn_say(p->to, "CREATE \"%s\"\r\n", name);
	if (p->selected)
		conn_say(p->to, "SELECT \"%s\"\r\n", name);
}

static void
finish(struct pump *p)
{
	if (p->open)
		conn_put(p->to, "\r\n", 2);
	p->open = p->count = 0;
}

/* "* 1 FETCH (UID 1 FLAGS (\Seen) INTERNALDATE "..." BODY[] {5}" */
static void
message(struct pump *p, char *line, int64_t size)
{
	char	*flags, *date, *end, head[1024], *recent;
	int	 n;

	flags = strstr(line, "FLAGS (");
	date = strstr(line, "INTERNALDATE \"");
	if (flags == NULL || date == NULL ||
	    (end = strchr(flags, ')')) == NULL)
		errx(1, "%s: %s", p->from->name, line);
	*end = '\0';
	flags += strlen("FLAGS (");
	if ((recent = strstr(flags, "\\Recent")) != NULL)
		memset(recent, ' ', strlen("\\Recent"));
	flags += strspn(flags, " ");
	for (end = flags + strlen(flags); end > flags && end[-1] == ' '; end--)
		end[-1] = '\0';
	date += strlen("INTERNALDATE \"");
	if ((end = strchr(date, '"')) == NULL)
		errx(1, "%s: no date", p->from->name);
	*end = '\0';
	if (p->batch > 0 && p->count == p->batch)
		finish(p);
	if (!p->open)
		conn_say(p->to, "APPEND \"%s\"", p->boxes[p->box]);
	n = snprintf(head, sizeof(head), " (%s) \"%s\" {%lld+}\r\n", flags,
	    date, (long long)size);
	if (n < 0 || (size_t)n >= sizeof(head))
		errx(1, "%s: flags too long", p->from->name);
	conn_put(p->to, head, n);
	p->open = 1;
	p->count++;
	p->left = size;
}

/* Moves octets of the message; 1 when some did. */
static int
body(struct pump *p)
{
	size_t n = p->from->ilen - p->from->ipos;

	if (n > (uint64_t)p->left)
		n = (size_t)p->left;
	if (n > conn_room(p->to))
		n = conn_room(p->to);
	if (n == 0)
		return 0;
	conn_put(p->to, p->from->in + p->from->ipos, n);
	p->from->ipos += n;
	p->left -= (int64_t)n;
	return 1;
}

static int
step(struct pump *p)
{
	char	*line;
	size_t	 len;
	int64_t	 size;
	int	 moved = 0;

	for (;;) {
		if (p->left > 0) {
			if (!body(p))
				return moved;
			moved = 1;
			continue;
		}
		if (conn_room(p->to) < 8192 ||
		    (line = conn_line(p->from, &len)) == NULL)
			return moved;
		moved = 1;
		if ((size = literal_size(line, len)) >= 0)
			message(p, line, size);
		/* Two answers a mailbox: to EXAMINE and to FETCH. */
		if (line[0] != 'a' || p->from->done < p->first + 2)
			continue;
		finish(p);
		p->first += 2;
		if (p->boxes[++p->box] != NULL)
			enter(p);
	}
}

/* Takes what has come, and says who we are once the server has spoken. */
static void
log_in(struct conn *c, const struct account *a)
{
	size_t len;

	while (c->done == 0 && conn_line(c, &len) != NULL)
		continue;
	if (c->tag == 0 && c->greeted)
		conn_login(c, a->user, a->password);
}

static void
log_in_both(struct pump *p, const struct account *a)
{
	int moved;

	while (p->from->done == 0 || p->to->done == 0) {
		moved = conn_io(p->from) | conn_io(p->to);
		log_in(p->from, a);
		log_in(p->to, a);
		if (!moved)
			conn_poll(p->from, p->to);
	}
}

int
pump(const struct account *a, int batch, int selected, char **argv)
{
	struct pump	 p;
	char		*line;
	size_t		 len;
	int		 moved;

	memset(&p, 0, sizeof(p));
	if (argv[0] == NULL || argv[1] == NULL || argv[2] == NULL)
		errx(1, "pump: want from, to, mailboxes");
	p.from = conn_open(argv[0], a->cert);
	p.to = conn_open(argv[1], a->cert);
	p.boxes = argv + 2;
	p.batch = batch;
	p.selected = selected;
	log_in_both(&p, a);
	p.first = 1;
	enter(&p);
	while (p.boxes[p.box] != NULL || p.to->done < p.to->tag ||
	    p.to->olen > 0) {
		ask(&p);
		moved = conn_io(p.from) | conn_io(p.to);
		while ((line = conn_line(p.to, &len)) != NULL)
			moved = 1;
		if (p.boxes[p.box] != NULL)
			moved |= step(&p);
		if (!moved)
			conn_poll(p.from, p.to);
	}
	conn_close(p.from);
	conn_close(p.to);
	return 0;
}
