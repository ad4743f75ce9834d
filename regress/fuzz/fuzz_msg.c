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
 * A message: its name, a newline, its payload, into the reader of that type,
 * head and items.  What is taken must be written back as the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Read one payload or item, and write it again: 0, or -1 refused. */
typedef int (*copier)(struct ibuf *, struct ibuf *);

#define COPY(codec, st, release)					\
static int								\
copy_##codec(struct ibuf *in, struct ibuf *out)				\
{									\
	struct st m;							\
									\
	if (msg_get_##codec(in, &m) == -1)				\
		return -1;						\
	msg_put_##codec(out, &m);					\
	release;							\
	return 0;							\
}

COPY(ready, msg_ready, (void)m)
COPY(fail, msg_fail, (void)m)
COPY(log, msg_log, (void)m)
COPY(config, msg_config, (void)m)
COPY(list, msg_list, (void)m)
COPY(notify, msg_notify, (void)m)
COPY(name, msg_name, (void)m)
COPY(rename, msg_rename, (void)m)
COPY(mailbox, msg_mailbox, (void)m)
COPY(pull, msg_pull, (void)m)
COPY(uids, msg_uids, uidset_free(&m.set))
COPY(uidsid, msg_uids, uidset_free(&m.set))
COPY(store, msg_store, uidset_free(&m.set); flags_free(&m.flags))
COPY(copyin, msg_copyin, (void)m)
COPY(copyitem, msg_copyitem, flags_free(&m.flags))
COPY(copyout, msg_copyout, uidset_free(&m.set))
COPY(selected, msg_selected, flags_free(&m.perm))
COPY(changed, msg_changed, flags_free(&m.flags))
COPY(message, msg_message, flags_free(&m.flags))
COPY(pair, msg_pair, (void)m)
COPY(leftout, msg_leftout, (void)m)
COPY(open, msg_open, (void)m)
COPY(opened, msg_opened, (void)m)
COPY(migrate, msg_migrate, (void)m)
COPY(dbmailbox, msg_dbmailbox, (void)m)
COPY(add, msg_add, (void)m)
COPY(setsub, msg_setsub, (void)m)
COPY(move, msg_move, (void)m)
COPY(stateadd, msg_stateadd, (void)m)
COPY(lookup, msg_lookup, uidset_free(&m.set))
COPY(counted, msg_counted, (void)m)
COPY(map, msg_map, (void)m)
COPY(intent, msg_intent, (void)m)
COPY(intended, msg_intended, (void)m)
COPY(unintent, msg_unintent, uidset_free(&m.set))
COPY(skip, msg_skip, (void)m)
COPY(refused, msg_refused, uidset_free(&m.set))
COPY(keyword, msg_keyword, (void)m)
COPY(memory, msg_memory, (void)m)
COPY(advance, msg_advance, (void)m)

static int
copy_pattern(struct ibuf *in, struct ibuf *out)
{
	struct bytes pattern;

	if (msg_get_pattern(in, &pattern) == -1)
		return -1;
	msg_put_pattern(out, pattern.p, pattern.n);
	return 0;
}

/* idx, or the count of items */
static int
copy_u32(struct ibuf *in, struct ibuf *out)
{
	ibuf_add_u32(out, ibuf_get_u32(in));
	return ibuf_ok(in) ? 0 : -1;
}

/* The head of APPENDED: transfer and count. */
static int
copy_appended(struct ibuf *in, struct ibuf *out)
{
	return copy_u32(in, out) == -1 ? -1 : copy_u32(in, out);
}

static int
copy_set(struct ibuf *in, struct ibuf *out)
{
	struct uidset set = UIDSET_INIT;
	size_t pos = 0;
	int result;

	if ((result = msg_get_set(in, &set)) == 0)
		msg_put_set(out, &set, &pos);
	uidset_free(&set);
	return result;
}

static const struct {
	copier	head, item;
} copiers[MSG_COUNT_TYPES] = {
	[MSG_READY] = { copy_ready, NULL },
	[MSG_FAIL] = { copy_fail, NULL },
	[MSG_LOG] = { copy_log, NULL },
	[MSG_CONFIG] = { copy_config, NULL },
	[MSG_LIST] = { copy_list, copy_pattern },
	[MSG_NOTIFY] = { copy_notify, copy_pattern },
	[MSG_CREATE] = { copy_name, NULL },
	[MSG_DELETE] = { copy_name, NULL },
	[MSG_RENAME] = { copy_rename, NULL },
	[MSG_SUBSCRIBE] = { copy_name, NULL },
	[MSG_UNSUBSCRIBE] = { copy_name, NULL },
	[MSG_PULL] = { copy_pull, NULL },
	[MSG_GETFLAGS] = { copy_uids, NULL },
	[MSG_GETMETA] = { copy_uidsid, NULL },
	[MSG_SEARCH] = { copy_uids, NULL },
	[MSG_IDENTIFY] = { copy_uidsid, NULL },
	[MSG_STORE] = { copy_store, NULL },
	[MSG_EXPUNGE] = { copy_uids, NULL },
	[MSG_COPY_IN] = { copy_copyin, copy_copyitem },
	[MSG_COPY_OUT] = { copy_copyout, NULL },
	[MSG_MAILBOX] = { copy_mailbox, NULL },
	[MSG_SELECTED] = { copy_selected, NULL },
	[MSG_VANISHED] = { copy_set, NULL },
	[MSG_CHANGED] = { copy_u32, copy_changed },
	[MSG_UIDS] = { copy_set, NULL },
	[MSG_MESSAGE] = { copy_u32, copy_message },
	[MSG_STORED] = { copy_set, NULL },
	[MSG_APPENDED] = { copy_appended, copy_pair },
	[MSG_LEFTOUT] = { copy_leftout, NULL },
	[MSG_OPEN] = { copy_open, NULL },
	[MSG_ADD] = { copy_add, NULL },
	[MSG_SETSUB] = { copy_setsub, NULL },
	[MSG_RESET] = { copy_u32, NULL },
	[MSG_FORGET] = { copy_u32, NULL },
	[MSG_MOVE] = { copy_move, NULL },
	[MSG_STATE] = { copy_stateadd, NULL },
	[MSG_COUNT] = { copy_u32, NULL },
	[MSG_LOOKUP] = { copy_lookup, NULL },
	[MSG_MAP] = { copy_map, copy_pair },
	[MSG_UNMAP] = { copy_map, copy_pair },
	[MSG_INTENT] = { copy_intent, copy_intended },
	[MSG_INTENTS] = { copy_u32, NULL },
	[MSG_UNINTENT] = { copy_unintent, NULL },
	[MSG_SKIP] = { copy_skip, NULL },
	[MSG_KEYWORD] = { copy_keyword, NULL },
	[MSG_REMEMBER] = { copy_memory, NULL },
	[MSG_REMEMBERED] = { copy_memory, NULL },
	[MSG_REFUSED] = { copy_refused, NULL },
	[MSG_NOKEYWORD] = { copy_keyword, NULL },
	[MSG_HOLD] = { copy_map, copy_pair },
	[MSG_UNHOLD] = { copy_map, copy_pair },
	[MSG_ADVANCE] = { copy_advance, NULL },
	[MSG_MIGRATE] = { copy_migrate, NULL },
	[MSG_OPENED] = { copy_opened, NULL },
	[MSG_DBMAILBOX] = { copy_dbmailbox, NULL },
	[MSG_ADDED] = { copy_u32, NULL },
	[MSG_COUNTED] = { copy_counted, NULL },
	[MSG_PAIRS] = { copy_u32, copy_pair },
	[MSG_SKIPPED] = { copy_set, NULL },
	[MSG_INTENDED] = { copy_u32, copy_intended },
};

static uint16_t
type_of(const uint8_t *name, size_t n)
{
	uint16_t type;

	for (type = 1; type < MSG_COUNT_TYPES; type++)
		if (strlen(msg_name(type)) == n &&
		    memcmp(msg_name(type), name, n) == 0)
			return type;
	return MSG_NONE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *nl = n > 0 ? memchr(data, '\n', n) : NULL;
	struct ibuf in, out;
	size_t taken = 0;
	uint16_t type;

	if (nl == NULL)
		return 0;
	type = type_of(data, (size_t)(nl - data));
	n -= (size_t)(nl + 1 - data);
	if (type == MSG_NONE || copiers[type].head == NULL ||
	    n > IMSG_MAXPAYLOAD)
		return 0;
	ibuf_from(&in, nl + 1, n);
	ibuf_init(&out);
	if (copiers[type].head(&in, &out) == 0) {
		do {
			taken = in.rpos;
		} while (copiers[type].item != NULL && ibuf_left(&in) > 0 &&
		    copiers[type].item(&in, &out) == 0);
		if (!ibuf_ok(&out) || out.wpos != taken ||
		    memcmp(out.buf, nl + 1, taken) != 0)
			abort();
	}
	ibuf_free(&out);
	return 0;
}
