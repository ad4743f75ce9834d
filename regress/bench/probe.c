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
 * The least a synchronizer can cost, as peers for the benchmark:
 *
 *	probe -c cert -u user -p password floor N local remote
 *	probe ... [-s] [-b N] pump from to mailbox ...
 *	probe ... digest server <mailboxes
 *
 * where a server is tcp:PORT or tls:PORT of 127.0.0.1.
 *
 *	floor	connects, authenticates and asks LIST-STATUS of both at the
 *		same time, in N flights: 3 says all in the first octets after
 *		the handshake, 4 waits for the greeting, 5 for the answer to
 *		AUTHENTICATE as well (TCP and TLS are two of them)
 *	pump	copies each mailbox: FETCH of one side goes into pipelined
 *		APPENDs of the other, one APPEND a mailbox; with -b one for N
 *		messages, with -s the target is selected meanwhile.  It keeps
 *		no state and looks at nothing it copies
 *	digest	not a peer: tells what is in the mailboxes, for comparing
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

#define LIST_STATUS	"LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS " \
			"(UIDVALIDITY UIDNEXT HIGHESTMODSEQ))\r\n"

/* What is to be said next by a connection of the floor. */
static void
floor_step(struct conn *c, const struct account *a, int flights)
{
	char	*line;
	size_t	 len;
	int64_t	 skip;

	/* What comes after LOGOUT is a BYE. */
	while (c->tag < 4 && (line = conn_line(c, &len)) != NULL)
		if ((skip = literal_size(line, len)) >= 0)
			errx(1, "%s: a name is a literal", c->name);
	if (c->tag == 0 && (flights == 3 || c->greeted))
		conn_login(c, a->user, a->password);
	if (c->tag == 1 && (flights < 5 || c->done == 1)) {
		conn_say(c, "ENABLE QRESYNC\r\n");
		conn_say(c, LIST_STATUS);
	}
	/* The answer to this is not waited for. */
	if (c->tag == 3 && c->done == 3)
		conn_say(c, "LOGOUT\r\n");
}

static int
floor_probe(const struct account *a, int argc, char **argv)
{
	struct conn	*l, *r;
	int		 flights, moved;

	if (argc != 3 || (flights = atoi(argv[0])) < 3 || flights > 5)
		errx(1, "floor: want 3, 4 or 5, local, remote");
	l = conn_open(argv[1], a->cert);
	r = conn_open(argv[2], a->cert);
	for (;;) {
		moved = conn_io(l) | conn_io(r);
		floor_step(l, a, flights);
		floor_step(r, a, flights);
		if (l->tag == 4 && r->tag == 4 && l->olen + r->olen == 0)
			break;
		if (!moved && !((l->writable && l->olen && l->ready) ||
		    (r->writable && r->olen && r->ready)))
			conn_poll(l, r);
	}
	conn_close(l);
	conn_close(r);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct account	 a = { NULL, NULL, NULL };
	int		 ch, batch = 0, selected = 0;

	while ((ch = getopt(argc, argv, "+b:c:p:su:")) != -1)
		switch (ch) {
		case 'b':
			batch = atoi(optarg);
			break;
		case 'c':
			a.cert = optarg;
			break;
		case 'p':
			a.password = optarg;
			break;
		case 's':
			selected = 1;
			break;
		case 'u':
			a.user = optarg;
			break;
		default:
			return 1;
		}
	argc -= optind;
	argv += optind;
	if (argc < 2 || a.user == NULL || a.password == NULL)
		errx(1, "see the head of probe.c");
	if (strcmp(argv[0], "floor") == 0)
		return floor_probe(&a, argc - 1, argv + 1);
	if (strcmp(argv[0], "pump") == 0)
		return pump(&a, batch, selected, argv + 1);
	if (strcmp(argv[0], "digest") == 0)
		return digest(&a, argc - 1, argv + 1);
	errx(1, "%s: no such probe", argv[0]);
}
