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
 * The hierarchy delimiters as the servers tell them, and the engine's part in
 * the migration of a database of version 0, which has them in its names.
 * Called by lists.c and commands.c; statedb/migrate.c decides and does it.
 */
#include <string.h>

#include "mailbox.h"

/* LIST ref "" tells the delimiter and nothing else (RFC 3501 6.3.8). */
void
lists_delimiter(struct engine *e, enum side side, const struct msg_mailbox *mb)
{
	e->delim[side] = (char)mb->delim;
	e->hasdelim[side] = 1;
}

void
engine_migrate(struct engine *e)
{
	e->migrate = 1;
}

void
migrate_put(struct engine *e, struct ibuf *b)
{
	struct msg_migrate m;
	int i;

	say(e, LOG_L_NOTICE, SIDE_DB, NULL, "Upgrading database version from "
	    "0");
	memset(&m, 0, sizeof(m));
	for (i = 0; i < 2; i++) {
		/* Eight bits are no delimiter (RFC 3501 section 9). */
		if (!e->hasdelim[i] || (e->delim[i] & 0x80) != 0)
			continue;
		m.delim[i] = (uint8_t)e->delim[i];
		m.told[i] = 1;
	}
	e->migrate = 0;
	ibuf_init(b);
	msg_put_migrate(b, &m);
}
