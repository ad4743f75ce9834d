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
 * Payloads between the parent and its imapchildren, and those every child has:
 * READY, FAIL, LOG.  Writer and reader of each stand together.  Called by
 * interimap and imapchild (statedb: the latter three only); pure.
 */
#include <stdint.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "msg_field.h"

#define FAIL_CODEMAX	64	/* octets of a response code */
#define FAIL_TEXTMAX	(4096 - 9 - FAIL_CODEMAX)
#define LOG_MSGMAX	(16384 - 9 - MAILBOX_NAMEMAX)
#define LIST_OPTSMAX	1024	/* octets of LIST's selection options */
#define PATTERN_MIN	4	/* octets of an empty pattern */
#define COPYITEM_MIN	(12 + FIELD_DATELEN + FIELD_FLAGSMIN)

void
msg_put_ready(struct ibuf *b, const struct msg_ready *m)
{
	ibuf_add_u32(b, m->version);
	ibuf_add_u64(b, m->caps);
	ibuf_add_u64(b, m->appendlimit);
}

int
msg_get_ready(struct ibuf *b, struct msg_ready *m)
{
	m->version = ibuf_get_u32(b);
	m->caps = ibuf_get_u64(b);
	m->appendlimit = field_get_u63(b);
	return ibuf_done(b);
}

void
msg_put_fail(struct ibuf *b, const struct msg_fail *m)
{
	ibuf_add_u8(b, m->kind);
	field_put_cut(b, m->code, FAIL_CODEMAX);
	field_put_cut(b, m->text, FAIL_TEXTMAX);
}

int
msg_get_fail(struct ibuf *b, struct msg_fail *m)
{
	m->kind = field_get_u8(b, FAIL_INTERNAL, FAIL_MAX - 1);
	m->code = ibuf_get_text(b, FAIL_CODEMAX);
	m->text = ibuf_get_text(b, FAIL_TEXTMAX);
	return ibuf_done(b);
}

void
msg_put_log(struct ibuf *b, const struct msg_log *m)
{
	ibuf_add_u8(b, m->level);
	field_put_cut(b, m->text, LOG_MSGMAX);
	field_put(b, m->mailbox);
}

int
msg_get_log(struct ibuf *b, struct msg_log *m)
{
	m->level = field_get_u8(b, LOG_L_ERROR, LOG_L_DEBUG);
	m->text = ibuf_get_text(b, LOG_MSGMAX);
	m->mailbox = ibuf_get_text(b, MAILBOX_NAMEMAX);
	return ibuf_done(b);
}

void
msg_put_config(struct ibuf *b, const struct msg_config *m)
{
	ibuf_add_u8(b, m->side);
	ibuf_add_u8(b, m->type);
	ibuf_add_u8(b, m->starttls);
	ibuf_add_u8(b, m->verify);
	ibuf_add_u8(b, m->debug);
	ibuf_add_u8(b, m->compress);
	ibuf_add_u8(b, m->proxy);
	ibuf_add_u32(b, m->timeout);
	ibuf_add_u32(b, m->patience);
	ibuf_add_u64(b, m->remembered);
	ibuf_add_u32(b, m->listed);
	field_put(b, m->host);
	field_put(b, m->port);
	field_put(b, m->username);
	field_put(b, m->password);
	field_put(b, m->auth);
	field_put(b, m->cafile);
	field_put(b, m->capath);
	field_put(b, m->sni);
	field_put(b, m->proto_min);
	field_put(b, m->proto_max);
	field_put(b, m->ciphers);
	field_put(b, m->fingerprints);
	field_put(b, m->cert);
	field_put(b, m->key);
	field_put(b, m->protocols);
	field_put(b, m->proxyhost);
	field_put(b, m->proxyport);
	field_put(b, m->proxyuser);
	field_put(b, m->proxypass);
	ibuf_add_u8(b, m->has_sni);
}

int
msg_get_config(struct ibuf *b, struct msg_config *m)
{
	m->side = field_get_u8(b, LOCAL, REMOTE);
	m->type = field_get_u8(b, CONN_IMAP, CONN_TUNNEL);
	m->starttls = field_get_u8(b, 0, 1);
	m->verify = field_get_u8(b, 0, 1);
	m->debug = ibuf_get_u8(b);
	m->compress = field_get_u8(b, 0, 1);
	m->proxy = field_get_u8(b, PROXY_NONE, PROXY_SOCKS5H);
	m->timeout = ibuf_get_u32(b);
	m->patience = ibuf_get_u32(b);
	m->remembered = field_get_u63(b);
	m->listed = ibuf_get_u32(b);
	m->host = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->port = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->username = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->password = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->auth = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->cafile = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->capath = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->sni = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proto_min = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proto_max = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->ciphers = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->fingerprints = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->cert = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->key = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->protocols = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proxyhost = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proxyport = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proxyuser = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->proxypass = ibuf_get_text(b, IMSG_MAXPAYLOAD);
	m->has_sni = field_get_u8(b, 0, 1);
	return ibuf_done(b);
}

void
msg_put_list(struct ibuf *b, const struct msg_list *m)
{
	field_put(b, m->ref);
	field_put(b, m->opts);
	ibuf_add_u8(b, m->status);
	ibuf_add_u32(b, m->npatterns);
}

int
msg_get_list(struct ibuf *b, struct msg_list *m)
{
	m->ref = ibuf_get_text(b, MAILBOX_NAMEMAX);
	m->opts = ibuf_get_text(b, LIST_OPTSMAX);
	m->status = field_get_u8(b, 0, 1);
	m->npatterns = field_get_count(b, PATTERN_MIN);
	return field_ok(b);
}

void
msg_put_pattern(struct ibuf *b, const char *p, size_t n)
{
	ibuf_add_bytes(b, p, n);
}

int
msg_get_pattern(struct ibuf *b, struct bytes *pattern)
{
	*pattern = ibuf_get_text(b, MAILBOX_NAMEMAX);
	return field_ok(b);
}

void
msg_put_notify(struct ibuf *b, const struct msg_notify *m)
{
	ibuf_add_u8(b, m->mode);
	ibuf_add_u32(b, m->n);
}

int
msg_get_notify(struct ibuf *b, struct msg_notify *m)
{
	m->mode = field_get_u8(b, NOTIFY_NONE, NOTIFY_PERSONAL);
	m->n = field_get_count(b, PATTERN_MIN);
	return field_ok(b);
}

void
msg_put_name(struct ibuf *b, const struct msg_name *m)
{
	field_put(b, m->name);
}

int
msg_get_name(struct ibuf *b, struct msg_name *m)
{
	m->name = field_get_name(b);
	return ibuf_done(b);
}

void
msg_put_rename(struct ibuf *b, const struct msg_rename *m)
{
	field_put(b, m->from);
	field_put(b, m->to);
}

int
msg_get_rename(struct ibuf *b, struct msg_rename *m)
{
	m->from = field_get_name(b);
	m->to = field_get_name(b);
	return ibuf_done(b);
}

void
msg_put_mailbox(struct ibuf *b, const struct msg_mailbox *m)
{
	field_put(b, m->name);
	ibuf_add_u8(b, m->delim);
	ibuf_add_u16(b, m->attrs);
	ibuf_add_u8(b, m->has);
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u32(b, m->uidnext);
	ibuf_add_u32(b, m->messages);
	ibuf_add_u64(b, m->modseq);
}

int
msg_get_mailbox(struct ibuf *b, struct msg_mailbox *m)
{
	m->name = ibuf_get_text(b, MAILBOX_NAMEMAX);
	m->delim = field_get_u8(b, 0, 0x7f);
	m->attrs = ibuf_get_u16(b);
	if ((m->attrs & ~ATTR_ALL) != 0)
		field_bad(b);
	m->has = field_get_bits(b, STATUS_ALL);
	m->uidvalidity = ibuf_get_u32(b);
	m->uidnext = ibuf_get_u32(b);
	m->messages = ibuf_get_u32(b);
	m->modseq = field_get_u63(b);
	return ibuf_done(b);
}

void
msg_put_pull(struct ibuf *b, const struct msg_pull *m)
{
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u64(b, m->modseq);
	ibuf_add_u32(b, m->newfrom);
	ibuf_add_u8(b, m->want);
}

int
msg_get_pull(struct ibuf *b, struct msg_pull *m)
{
	m->mailbox = field_get_name(b);
	m->uidvalidity = ibuf_get_u32(b);
	m->modseq = field_get_u63(b);
	m->newfrom = ibuf_get_u32(b);
	m->want = field_get_bits(b, PULL_UIDS | PULL_META | PULL_IDENTITY |
	    PULL_ALL);
	return ibuf_done(b);
}

void
msg_put_uids(struct ibuf *b, const struct msg_uids *m)
{
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	field_put_set(b, &m->set);
}

int
msg_get_uids(struct ibuf *b, struct msg_uids *m)
{
	m->mailbox = field_get_name(b);
	m->uidvalidity = field_get_nz(b);
	m->id = ID_NONE;
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}

void
msg_put_uidsid(struct ibuf *b, const struct msg_uids *m)
{
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u8(b, m->id);
	field_put_set(b, &m->set);
}

int
msg_get_uidsid(struct ibuf *b, struct msg_uids *m)
{
	m->mailbox = field_get_name(b);
	m->uidvalidity = field_get_nz(b);
	m->id = field_get_u8(b, ID_NONE, ID_DATE);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}

void
msg_put_store(struct ibuf *b, const struct msg_store *m)
{
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u8(b, m->mode);
	ibuf_add_u64(b, m->unchangedsince);
	field_put_flags(b, &m->flags);
	field_put_set(b, &m->set);
}

int
msg_get_store(struct ibuf *b, struct msg_store *m)
{
	m->mailbox = field_get_name(b);
	m->uidvalidity = field_get_nz(b);
	m->mode = field_get_u8(b, STORE_SET, STORE_REMOVE);
	m->unchangedsince = field_get_u63(b);
	field_get_flags(b, &m->flags, FLAG_SYSTEM);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), &m->flags, &m->set);
}

void
msg_put_copyin(struct ibuf *b, const struct msg_copyin *m)
{
	ibuf_add_u32(b, m->transfer);
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	ibuf_add_u32(b, m->n);
}

int
msg_get_copyin(struct ibuf *b, struct msg_copyin *m)
{
	m->transfer = ibuf_get_u32(b);
	m->mailbox = field_get_name(b);
	m->uidvalidity = field_get_nz(b);
	m->n = field_get_count(b, COPYITEM_MIN);
	return field_ok(b);
}

void
msg_put_copyitem(struct ibuf *b, const struct msg_copyitem *m)
{
	ibuf_add_u32(b, m->uid);
	ibuf_add_u64(b, m->size);
	field_put_date(b, &m->date);
	ibuf_add_u8(b, m->binary);
	field_put_flags(b, &m->flags);
}

int
msg_get_copyitem(struct ibuf *b, struct msg_copyitem *m)
{
	m->uid = field_get_nz(b);
	m->size = field_get_u63(b);
	field_get_date(b, &m->date);
	m->binary = field_get_u8(b, 0, 1);
	field_get_flags(b, &m->flags, FLAG_SYSTEM);
	return field_finish(field_ok(b), &m->flags, NULL);
}

void
msg_put_copyout(struct ibuf *b, const struct msg_copyout *m)
{
	ibuf_add_u32(b, m->transfer);
	field_put(b, m->mailbox);
	ibuf_add_u32(b, m->uidvalidity);
	field_put_set(b, &m->set);
}

int
msg_get_copyout(struct ibuf *b, struct msg_copyout *m)
{
	m->transfer = ibuf_get_u32(b);
	m->mailbox = field_get_name(b);
	m->uidvalidity = field_get_nz(b);
	field_get_set(b, &m->set);
	return field_finish(ibuf_done(b), NULL, &m->set);
}
