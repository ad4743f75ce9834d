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
 * The requests of imapdrv.h, each of which fills a payload and sends it, and
 * the scripted server's stock answers.
 */
#include <stdio.h>

#include "imapdrv.h"

uint32_t
drv_list(struct drv *d, const char *pattern)
{
	struct msg_list	 m;
	struct ibuf	 buf;
	uint32_t	 id;

	memset(&m, 0, sizeof(m));
	m.ref = m.opts = bytes_of("");
	m.status = 1;
	m.npatterns = 1;
	ibuf_init(&buf);
	msg_put_list(&buf, &m);
	msg_put_pattern(&buf, pattern, strlen(pattern));
	id = drv_send(d, MSG_LIST, &buf);
	ibuf_free(&buf);
	return id;
}

uint32_t
drv_pull(struct drv *d, const char *mailbox, uint32_t uidvalidity,
    uint64_t modseq, uint32_t newfrom, uint8_t want)
{
	struct msg_pull	 m;
	struct ibuf	 buf;
	uint32_t	 id;

	memset(&m, 0, sizeof(m));
	m.mailbox = bytes_of(mailbox);
	m.uidvalidity = uidvalidity;
	m.modseq = modseq;
	m.newfrom = newfrom;
	m.want = want;
	ibuf_init(&buf);
	msg_put_pull(&buf, &m);
	id = drv_send(d, MSG_PULL, &buf);
	ibuf_free(&buf);
	return id;
}

static uint32_t
send_uids(struct drv *d, uint16_t type, const char *mailbox,
    uint32_t uidvalidity, const char *set, uint8_t digest)
{
	struct msg_uids	 m;
	struct ibuf	 buf;
	uint32_t	 id;

	memset(&m, 0, sizeof(m));
	m.mailbox = bytes_of(mailbox);
	m.uidvalidity = uidvalidity;
	m.id = digest;
	assert_int_equal(uidset_parse(&m.set, set, strlen(set), 7000), 0);
	ibuf_init(&buf);
	if (type == MSG_GETMETA || type == MSG_IDENTIFY)
		msg_put_uidsid(&buf, &m);
	else
		msg_put_uids(&buf, &m);
	uidset_free(&m.set);
	id = drv_send(d, type, &buf);
	ibuf_free(&buf);
	return id;
}

uint32_t
drv_uids(struct drv *d, uint16_t type, const char *mailbox,
    uint32_t uidvalidity, const char *set)
{
	return send_uids(d, type, mailbox, uidvalidity, set, ID_NONE);
}

uint32_t
drv_identify(struct drv *d, const char *mailbox, uint32_t uidvalidity,
    const char *set, uint8_t digest)
{
	return send_uids(d, MSG_IDENTIFY, mailbox, uidvalidity, set, digest);
}

uint32_t
drv_store(struct drv *d, const char *mailbox, uint32_t uidvalidity,
    const char *set, uint8_t mode, const char *flag, uint64_t unchangedsince)
{
	struct msg_store m;
	struct ibuf	 buf;
	uint32_t	 id;

	memset(&m, 0, sizeof(m));
	m.mailbox = bytes_of(mailbox);
	m.uidvalidity = uidvalidity;
	m.mode = mode;
	m.unchangedsince = unchangedsince;
	assert_int_equal(flags_add(&m.flags, flag, strlen(flag)), 0);
	assert_int_equal(uidset_parse(&m.set, set, strlen(set), 7000), 0);
	ibuf_init(&buf);
	msg_put_store(&buf, &m);
	uidset_free(&m.set);
	flags_free(&m.flags);
	id = drv_send(d, MSG_STORE, &buf);
	ibuf_free(&buf);
	return id;
}

uint32_t
drv_name(struct drv *d, uint16_t type, const char *mailbox)
{
	struct msg_name	 m;
	struct ibuf	 buf;
	uint32_t	 id;

	m.name = bytes_of(mailbox);
	ibuf_init(&buf);
	msg_put_name(&buf, &m);
	id = drv_send(d, type, &buf);
	ibuf_free(&buf);
	return id;
}

uint32_t
drv_copyout(struct drv *d, uint32_t transfer, const char *mailbox,
    uint32_t uidvalidity, const char *set)
{
	struct msg_copyout m;
	struct ibuf	 buf;
	uint32_t	 id;

	memset(&m, 0, sizeof(m));
	m.transfer = transfer;
	m.mailbox = bytes_of(mailbox);
	m.uidvalidity = uidvalidity;
	assert_int_equal(uidset_parse(&m.set, set, strlen(set), 7000), 0);
	ibuf_init(&buf);
	msg_put_copyout(&buf, &m);
	uidset_free(&m.set);
	id = drv_send(d, MSG_COPY_OUT, &buf);
	ibuf_free(&buf);
	return id;
}

uint32_t
drv_copyin(struct drv *d, uint32_t transfer, const char *mailbox,
    uint32_t uidvalidity, const uint32_t *uids, uint32_t n)
{
	struct msg_copyin	 m;
	struct msg_copyitem	 item;
	struct ibuf		 buf;
	uint32_t		 i, id;

	memset(&m, 0, sizeof(m));
	m.transfer = transfer;
	m.mailbox = bytes_of(mailbox);
	m.uidvalidity = uidvalidity;
	m.n = n;
	memset(&item, 0, sizeof(item));
	item.size = 100;
	item.date.time = 1577930645;
	item.date.zone = 60;
	item.date.valid = 1;
	item.flags.sys = FLAG_SEEN;
	ibuf_init(&buf);
	msg_put_copyin(&buf, &m);
	for (i = 0; i < n; i++) {
		item.uid = uids[i];
		msg_put_copyitem(&buf, &item);
	}
	id = drv_send(d, MSG_COPY_IN, &buf);
	ibuf_free(&buf);
	return id;
}

void
srv_select(struct drv *d, const char *mailbox, unsigned int uidvalidity)
{
	char	 want[256];

	snprintf(want, sizeof(want), "SELECT %s", mailbox);
	srv_want(d, want);
	srv_selected(d, d->tag, uidvalidity);
}

void
srv_selected(struct drv *d, const char *tag, unsigned int uidvalidity)
{
	srv_say(d, "* FLAGS (\\Seen \\Deleted)\r\n* 3 EXISTS\r\n"
	    "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] x\r\n"
	    "* OK [UIDVALIDITY %u] x\r\n* OK [UIDNEXT 9] x\r\n"
	    "* OK [HIGHESTMODSEQ 77] x\r\n%s OK [READ-WRITE] done\r\n",
	    uidvalidity, tag);
}

void
srv_enable(struct drv *d)
{
	srv_want(d, "ENABLE QRESYNC");
	srv_say(d, "* ENABLED QRESYNC\r\n");
	srv_tagged(d, "OK enabled");
}
