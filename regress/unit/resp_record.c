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
 * The recorder of the response parser's calls: see resp_record.h.
 */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "regress/unit/resp_record.h"

void
record_init(struct record *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->most = SIZE_MAX;
	if ((rec->f = open_memstream(&rec->text, &rec->len)) == NULL)
		err(1, "open_memstream");
}

void
record_free(struct record *rec)
{
	fclose(rec->f);
	free(rec->text);
}

static int
called(struct record *rec)
{
	return ++rec->calls == rec->fail_at ? -1 : 0;
}

static void
put_octets(struct record *rec, const char *s, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (s[i] >= ' ' && s[i] <= '~' && s[i] != '\\')
			fputc(s[i], rec->f);
		else
			fprintf(rec->f, "\\%03o", (unsigned char)s[i]);
}

static void
put_flags(struct record *rec, const struct flags *flags)
{
	char	*s;

	if ((s = flags_format(flags)) == NULL)
		err(1, "flags_format");
	fputs(s, rec->f);
	if (flags->sys & FLAG_STAR && strstr(s, "\\*") == NULL)
		fputc('*', rec->f);
	free(s);
}

static void
put_ranges(struct record *rec, const struct uidrange *r, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		fprintf(rec->f, "%s%u:%u", i > 0 ? "," : "", r[i].lo, r[i].hi);
}

static int
on_status(void *arg, const struct resp_status *st)
{
	static const char *const conds[] = {
		"OK", "NO", "BAD", "BYE", "PREAUTH"
	};
	struct record	*rec = arg;

	fprintf(rec->f, "%s %s", st->tag != NULL ? st->tag : "*",
	    conds[st->cond]);
	if (st->code != CODE_NONE) {
		fprintf(rec->f, " [%s", st->code == CODE_OTHER ? "other " : "");
		put_octets(rec, st->codename, strlen(st->codename));
	}
	if (st->uidvalidity > 0)
		fprintf(rec->f, " v=%u", st->uidvalidity);
	if (st->number > 0)
		fprintf(rec->f, " n=%u", st->number);
	if (st->code == CODE_HIGHESTMODSEQ)
		fprintf(rec->f, " m=%" PRIu64, st->modseq);
	if (st->nuids > 0) {
		fputs(" u=", rec->f);
		put_ranges(rec, st->uids, st->nuids);
	}
	if (st->set != NULL) {
		fputs(" s=", rec->f);
		put_ranges(rec, st->set->r, st->set->n);
	}
	if (st->flags != NULL) {
		fputs(" f=", rec->f);
		put_flags(rec, st->flags);
	}
	if (st->code != CODE_NONE)
		fputc(']', rec->f);
	fputs(" <", rec->f);
	put_octets(rec, st->text, strlen(st->text));
	fputs(">\n", rec->f);
	return called(rec);
}

static int
on_cont(void *arg, const char *text)
{
	struct record	*rec = arg;

	fputs("+ <", rec->f);
	put_octets(rec, text, strlen(text));
	fputs(">\n", rec->f);
	return called(rec);
}

static int
on_capability(void *arg, const char *name)
{
	struct record	*rec = arg;

	fputs("capability ", rec->f);
	if (name != NULL)
		put_octets(rec, name, strlen(name));
	else
		fputs("(new)", rec->f);
	fputc('\n', rec->f);
	return called(rec);
}

static int
on_enabled(void *arg, const char *name)
{
	struct record	*rec = arg;

	fputs("enabled ", rec->f);
	put_octets(rec, name, strlen(name));
	fputc('\n', rec->f);
	return called(rec);
}

static int
on_list(void *arg, const struct resp_list *l)
{
	struct record	*rec = arg;

	fputs("list <", rec->f);
	put_octets(rec, l->name, l->namelen);
	fprintf(rec->f, "> delim=%c attrs=%#x\n",
	    l->delim != 0 ? l->delim : '0', l->attrs);
	if (strlen(l->name) != l->namelen)
		errx(1, "name and length differ");
	return called(rec);
}

static int
on_mailboxstatus(void *arg, const struct resp_statusdata *st)
{
	struct record	*rec = arg;

	fputs("mailbox <", rec->f);
	put_octets(rec, st->name, st->namelen);
	fputc('>', rec->f);
	if (st->has & STATUS_UIDVALIDITY)
		fprintf(rec->f, " uidvalidity=%u", st->uidvalidity);
	if (st->has & STATUS_UIDNEXT)
		fprintf(rec->f, " uidnext=%u", st->uidnext);
	if (st->has & STATUS_MESSAGES)
		fprintf(rec->f, " messages=%u", st->messages);
	if (st->has & STATUS_MODSEQ)
		fprintf(rec->f, " modseq=%" PRIu64, st->modseq);
	fputc('\n', rec->f);
	return called(rec);
}

static int
on_exists(void *arg, uint32_t n)
{
	struct record	*rec = arg;

	fprintf(rec->f, "exists %u\n", n);
	return called(rec);
}

static int
on_expunge(void *arg, uint32_t n)
{
	struct record	*rec = arg;

	fprintf(rec->f, "expunge %u\n", n);
	return called(rec);
}

static int
on_flags(void *arg, const struct flags *flags)
{
	struct record	*rec = arg;

	fputs("flags ", rec->f);
	put_flags(rec, flags);
	fputc('\n', rec->f);
	return called(rec);
}

static const char *const sets[] = { "vanished", "earlier", "search" };

static int
on_range(void *arg, enum resp_set set, uint32_t lo, uint32_t hi)
{
	struct record	*rec = arg;

	fprintf(rec->f, "%s %u:%u\n", sets[set], lo, hi);
	return called(rec);
}

static int
on_set_end(void *arg, enum resp_set set)
{
	struct record	*rec = arg;

	fprintf(rec->f, "%s end\n", sets[set]);
	return called(rec);
}

static void
put_fetch(struct record *rec, const struct resp_fetch *f)
{
	char	date[RESP_DATELEN];

	fprintf(rec->f, "%u", f->seq);
	if (f->has & FETCH_UID)
		fprintf(rec->f, " uid=%u", f->uid);
	if (f->has & FETCH_FLAGS) {
		fputs(" flags=", rec->f);
		put_flags(rec, &f->flags);
	}
	if (f->has & FETCH_MODSEQ)
		fprintf(rec->f, " modseq=%" PRIu64, f->modseq);
	if (f->has & FETCH_DATE)
		fprintf(rec->f, " date=%s", resp_date_format(date,
		    sizeof(date), &f->date) == 0 ? date : "none");
	if (f->has & FETCH_SIZE)
		fprintf(rec->f, " size=%" PRIu64, f->size);
	if (f->has & FETCH_HEADER) {
		fprintf(rec->f, " header%s=<", f->headercut ? "(cut)" : "");
		put_octets(rec, f->header, f->headerlen);
		fputc('>', rec->f);
	}
	if (f->has & FETCH_BODY)
		fprintf(rec->f, " body=%" PRIu64, f->bodylen);
	if (f->has & FETCH_NIL)
		fputs(" body=nil", rec->f);
}

static int
on_fetch(void *arg, const struct resp_fetch *f)
{
	struct record	*rec = arg;

	fputs("fetch ", rec->f);
	put_fetch(rec, f);
	fputc('\n', rec->f);
	return called(rec);
}

static int
on_body_begin(void *arg, const struct resp_fetch *f, int literal8)
{
	struct record	*rec = arg;

	fputs("begin ", rec->f);
	put_fetch(rec, f);
	fprintf(rec->f, "%s <", literal8 ? " literal8" : "");
	return called(rec);
}

static ssize_t
on_body_data(void *arg, const char *s, size_t n)
{
	struct record	*rec = arg;

	if (rec->stall && rec->turn++ % 2 == 0)
		return 0;
	if (n > rec->most)
		n = rec->most;
	put_octets(rec, s, n);
	return n;
}

static int
on_body_end(void *arg)
{
	struct record	*rec = arg;

	fputs(">\n", rec->f);
	return called(rec);
}

static int
on_trace(void *arg, const char *s, size_t n)
{
	struct record	*rec = arg;

	fputs("S: ", rec->f);
	put_octets(rec, s, n);
	fputc('\n', rec->f);
	return called(rec);
}

#define CALLS	on_status, on_cont, on_capability, on_enabled, on_list,	\
		on_mailboxstatus, on_exists, on_expunge, on_flags,	\
		on_range, on_set_end, on_fetch, on_body_begin,		\
		on_body_data, on_body_end

const struct resp_calls record_calls = { CALLS, NULL };
const struct resp_calls record_calls_trace = { CALLS, on_trace };

/* Feed until all is consumed: 0, or -1. */
static int
feed(struct resp *r, const char *in, size_t n)
{
	ssize_t	taken;
	int	idle = 0;

	while (n > 0) {
		if ((taken = resp_feed(r, in, n)) == -1)
			return -1;
		if ((size_t)taken > n)
			errx(1, "more consumed than fed");
		idle = taken == 0 ? idle + 1 : 0;
		if (idle > 10000)
			errx(1, "the parser is stuck");
		in += taken;
		n -= taken;
	}
	return 0;
}

static const char *
run(struct record *rec, const char *in, size_t n, size_t first, size_t piece)
{
	struct resp	*r;
	size_t		 len = first, pos = 0;

	if ((r = resp_new(rec->trace ? &record_calls_trace : &record_calls,
	    rec)) == NULL)
		err(1, "resp_new");
	rewind(rec->f);
	rec->calls = rec->turn = 0;
	while (pos < n) {
		if (len > n - pos)
			len = n - pos;
		if (feed(r, in + pos, len) == -1)
			break;
		pos += len;
		len = piece;
	}
	if (*resp_error(r) != '\0') {
		fprintf(rec->f, "error: %s\n", resp_error(r));
		if (resp_feed(r, "* 1 EXISTS\r\n", 12) != -1)
			errx(1, "a failed parser went on");
	} else if (resp_partial(r))
		fputs("partial\n", rec->f);
	resp_free(r);
	fputc('\0', rec->f);
	fflush(rec->f);
	return rec->text;
}

const char *
record_run(struct record *rec, const char *in, size_t n, size_t piece)
{
	return run(rec, in, n, piece == 0 ? n : piece, piece == 0 ? n : piece);
}

const char *
record_split(struct record *rec, const char *in, size_t n, size_t first)
{
	return run(rec, in, n, first == 0 ? n : first, n);
}
