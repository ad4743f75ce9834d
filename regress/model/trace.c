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
 * The trace of a replayed history: one line per message, its payload in
 * words where that helps to follow the engine.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

void
trace(struct model *m, const char *fmt, ...)
{
	va_list ap;

	if (!m->verbose)
		return;
	(void)printf("%6llu  ", (unsigned long long)m->stats.steps);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

static void
show_name(struct bytes name)
{
	size_t i;

	(void)putchar(' ');
	for (i = 0; i < name.n; i++)
		(void)putchar(name.p[i] == '\0' ? '|' : name.p[i]);
}

static void
show_set(const struct uidset *set)
{
	char text[256];
	size_t pos = 0;

	text[0] = '\0';
	(void)uidset_format(set, &pos, text, sizeof(text));
	(void)printf(" {%s%s}", text, pos < set->n ? ",..." : "");
}

static void
show_flags(const struct flags *fl)
{
	char *text = flags_format(fl);

	(void)printf(" %s", text == NULL ? "?" : text);
	free(text);
}

static void
show_fail(struct ibuf *b)
{
	struct msg_fail f;

	if (msg_get_fail(b, &f) == 0)
		(void)printf(" %d %.*s", f.kind, (int)f.text.n, f.text.p);
}

static void
show_onlyname(struct ibuf *b)
{
	struct msg_name n;

	if (msg_get_name(b, &n) == 0)
		show_name(n.name);
}

static void
show_add(struct ibuf *b)
{
	struct msg_add a;

	if (msg_get_add(b, &a) == 0)
		show_name(a.name);
}

static void
show_mailbox(struct ibuf *b)
{
	struct msg_mailbox mb;

	if (msg_get_mailbox(b, &mb) == -1)
		return;
	show_name(mb.name);
	(void)printf(" attrs %x uidvalidity %u uidnext %u modseq %llu",
	    mb.attrs, mb.uidvalidity, mb.uidnext,
	    (unsigned long long)mb.modseq);
}

static void
show_pull(struct ibuf *b)
{
	struct msg_pull p;

	if (msg_get_pull(b, &p) == -1)
		return;
	show_name(p.mailbox);
	(void)printf(" uidvalidity %u modseq %llu newfrom %u want %x",
	    p.uidvalidity, (unsigned long long)p.modseq, p.newfrom, p.want);
}

static void
show_selected(struct ibuf *b)
{
	struct msg_selected s;

	if (msg_get_selected(b, &s) == -1)
		return;
	(void)printf(" uidvalidity %u uidnext %u exists %u modseq %llu",
	    s.uidvalidity, s.uidnext, s.exists, (unsigned long long)s.modseq);
	show_flags(&s.perm);
	flags_free(&s.perm);
}

static void
show_uids(struct ibuf *b)
{
	struct msg_uids u;

	if (msg_get_uids(b, &u) == -1)
		return;
	show_name(u.mailbox);
	show_set(&u.set);
	uidset_free(&u.set);
}

static void
show_uidsid(struct ibuf *b)
{
	struct msg_uids u;

	if (msg_get_uidsid(b, &u) == -1)
		return;
	show_name(u.mailbox);
	(void)printf(" id %d", u.id);
	show_set(&u.set);
	uidset_free(&u.set);
}

static void
show_store(struct ibuf *b)
{
	struct msg_store s;

	if (msg_get_store(b, &s) == -1)
		return;
	show_name(s.mailbox);
	(void)printf(" mode %d since %llu", s.mode,
	    (unsigned long long)s.unchangedsince);
	show_flags(&s.flags);
	show_set(&s.set);
	flags_free(&s.flags);
	uidset_free(&s.set);
}

static void
show_onlyset(struct ibuf *b)
{
	struct uidset set = UIDSET_INIT;

	if (msg_get_set(b, &set) == 0)
		show_set(&set);
	uidset_free(&set);
}

static void
show_changed(struct ibuf *b)
{
	struct msg_changed c;
	uint32_t n;

	for (n = ibuf_get_u32(b); n > 0 && msg_get_changed(b, &c) == 0; n--) {
		(void)printf(" %u@%llu", c.uid, (unsigned long long)c.modseq);
		show_flags(&c.flags);
		flags_free(&c.flags);
	}
}

static void
show_message(struct ibuf *b)
{
	struct msg_message g;
	uint32_t n;

	for (n = ibuf_get_u32(b); n > 0 && msg_get_message(b, &g) == 0; n--) {
		(void)printf(" %u@%llu size %llu id %d:%02x%02x", g.uid,
		    (unsigned long long)g.modseq, (unsigned long long)g.size,
		    g.id, g.digest[0], g.digest[1]);
		show_flags(&g.flags);
		flags_free(&g.flags);
	}
}

static void
show_copyin(struct ibuf *b)
{
	struct msg_copyin in;
	struct msg_copyitem it;
	uint32_t i;

	if (msg_get_copyin(b, &in) == -1)
		return;
	(void)printf(" transfer %u", in.transfer);
	show_name(in.mailbox);
	for (i = 0; i < in.n && msg_get_copyitem(b, &it) == 0; i++) {
		(void)printf(" %u", it.uid);
		show_flags(&it.flags);
		flags_free(&it.flags);
	}
}

static void
show_copyout(struct ibuf *b)
{
	struct msg_copyout out;

	if (msg_get_copyout(b, &out) == -1)
		return;
	(void)printf(" transfer %u", out.transfer);
	show_name(out.mailbox);
	show_set(&out.set);
	uidset_free(&out.set);
}

static void
show_pairs(struct ibuf *b)
{
	struct msg_pair p;
	uint32_t n;

	for (n = ibuf_get_u32(b); n > 0 && msg_get_pair(b, &p) == 0; n--)
		(void)printf(" (%u,%u%s)", p.a, p.b, p.held ? " held" : "");
}

static void
show_appended(struct ibuf *b)
{
	(void)printf(" transfer %u", ibuf_get_u32(b));
	show_pairs(b);
}

static void
show_map(struct ibuf *b)
{
	struct msg_map map;
	struct msg_pair p;
	uint32_t n;

	if (msg_get_map(b, &map) == -1)
		return;
	(void)printf(" idx %u side %u", map.idx, map.side);
	for (n = map.n; n > 0 && msg_get_pair(b, &p) == 0; n--)
		(void)printf(" (%u,%u)", p.a, p.b);
}

static void
show_intent(struct ibuf *b)
{
	struct msg_intent in;
	struct msg_intended it;

	if (msg_get_intent(b, &in) == -1)
		return;
	(void)printf(" idx %u side %u target uidnext %u:", in.idx, in.side,
	    in.tuidnext);
	for (; in.n > 0 && msg_get_intended(b, &it) == 0; in.n--)
		(void)printf(" %u", it.uid);
}

static void
show_intended(struct ibuf *b)
{
	struct msg_intended it;
	uint32_t n;

	for (n = ibuf_get_u32(b); n > 0 && msg_get_intended(b, &it) == 0; n--)
		(void)printf(" side %u uid %u above %u", it.side, it.uid,
		    it.tuidnext);
}

static void
show_unintent(struct ibuf *b)
{
	struct msg_unintent u;

	if (msg_get_unintent(b, &u) == -1)
		return;
	(void)printf(" idx %u side %u", u.idx, u.side);
	show_set(&u.set);
	uidset_free(&u.set);
}

static void
show_lookup(struct ibuf *b)
{
	struct msg_lookup l;

	if (msg_get_lookup(b, &l) == -1)
		return;
	(void)printf(" idx %u side %u", l.idx, l.side);
	show_set(&l.set);
	uidset_free(&l.set);
}

static void
show_counted(struct ibuf *b)
{
	struct msg_counted c;

	if (msg_get_counted(b, &c) == 0)
		(void)printf(" rows %u held %u %u skipped %u %u", c.rows,
		    c.held[0], c.held[1], c.skipped[0], c.skipped[1]);
}

static void
show_skip(struct ibuf *b)
{
	struct msg_skip s;

	if (msg_get_skip(b, &s) == 0)
		(void)printf(" idx %u side %u uid %u why %u", s.idx, s.side,
		    s.uid, s.why);
}

static void
show_advance(struct ibuf *b)
{
	struct msg_advance a;

	if (msg_get_advance(b, &a) == 0)
		(void)printf(" idx %u uidnext %u %u modseq %llu %llu", a.idx,
		    a.st[0].uidnext, a.st[1].uidnext,
		    (unsigned long long)a.st[0].modseq,
		    (unsigned long long)a.st[1].modseq);
}

static void
show_dbmailbox(struct ibuf *b)
{
	struct msg_dbmailbox d;
	int i;

	if (msg_get_dbmailbox(b, &d) == -1)
		return;
	(void)printf(" idx %u", d.idx);
	show_name(d.name);
	for (i = 0; i < 2 && d.hasstate; i++)
		(void)printf(" [%u %u %llu]", d.st[i].uidvalidity,
		    d.st[i].uidnext, (unsigned long long)d.st[i].modseq);
	(void)printf(" above %u intents %u held %u", d.above, d.intents,
	    d.held);
}

static const struct {
	enum msg_type	 type;
	void		(*show)(struct ibuf *);
} shows[] = {
	{ MSG_FAIL, show_fail }, { MSG_CREATE, show_onlyname },
	{ MSG_SUBSCRIBE, show_onlyname }, { MSG_UNSUBSCRIBE, show_onlyname },
	{ MSG_ADD, show_add }, { MSG_MAILBOX, show_mailbox },
	{ MSG_PULL, show_pull }, { MSG_SELECTED, show_selected },
	{ MSG_GETFLAGS, show_uids }, { MSG_SEARCH, show_uids },
	{ MSG_EXPUNGE, show_uids }, { MSG_GETMETA, show_uidsid },
	{ MSG_IDENTIFY, show_uidsid }, { MSG_STORE, show_store },
	{ MSG_VANISHED, show_onlyset }, { MSG_UIDS, show_onlyset },
	{ MSG_STORED, show_onlyset }, { MSG_SKIPPED, show_onlyset },
	{ MSG_CHANGED, show_changed }, { MSG_MESSAGE, show_message },
	{ MSG_COPY_IN, show_copyin }, { MSG_COPY_OUT, show_copyout },
	{ MSG_APPENDED, show_appended }, { MSG_PAIRS, show_pairs },
	{ MSG_MAP, show_map }, { MSG_UNMAP, show_map },
	{ MSG_HOLD, show_map }, { MSG_UNHOLD, show_map },
	{ MSG_INTENT, show_intent }, { MSG_INTENDED, show_intended },
	{ MSG_UNINTENT, show_unintent }, { MSG_LOOKUP, show_lookup },
	{ MSG_COUNTED, show_counted }, { MSG_SKIP, show_skip },
	{ MSG_ADVANCE, show_advance }, { MSG_DBMAILBOX, show_dbmailbox }
};

void
trace_frame(struct model *m, const char *arrow, enum peer p,
    const struct frame *f)
{
	static const char *const peers[NPEERS] = { "local", "remote", "db" };
	struct ibuf b;
	size_t i;

	if (!m->verbose)
		return;
	(void)printf("%6llu %s %-6s %s#%u", (unsigned long long)
	    m->stats.steps, arrow, peers[p], msg_name(f->type), f->id);
	ibuf_from(&b, f->data, f->len);
	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (shows[i].type == f->type)
			shows[i].show(&b);
	(void)putchar('\n');
}
