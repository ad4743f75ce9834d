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
 * Response codes (RFC 3501 section 7.1, RFC 4315 section 3, RFC 7162 section
 * 7).  The tokenizer has collected a code as a whole, so this is a plain
 * parser over a text.  A code that does not parse stays CODE_OTHER.
 */
#include <string.h>
#include <strings.h>

#include "resp_local.h"

/* What is still to be parsed of a code's arguments. */
struct args {
	const char	*p;
	size_t		 n;
};

static void
args_space(struct args *a)
{
	while (a->n > 0 && *a->p == ' ') {
		a->p++;
		a->n--;
	}
}

/* Take the next word, up to a space: 0, or -1: there is none. */
static int
args_word(struct args *a, struct args *word)
{
	args_space(a);
	word->p = a->p;
	while (a->n > 0 && *a->p != ' ') {
		a->p++;
		a->n--;
	}
	word->n = a->p - word->p;
	return word->n > 0 ? 0 : -1;
}

/* Nothing but spaces is left: 0, else -1. */
static int
args_end(struct args *a)
{
	args_space(a);
	return a->n == 0 ? 0 : -1;
}

/* Take a number between min and max. */
static int
args_number(struct args *a, uint64_t min, uint64_t max, uint64_t *num)
{
	struct args	word;

	if (args_word(a, &word) == -1 ||
	    token_number(word.p, word.n, max, num) == -1 || *num < min)
		return -1;
	return 0;
}

static int
args_uint32(struct args *a, uint32_t *num)
{
	uint64_t	v;

	if (args_number(a, 1, UINT32_MAX, &v) == -1)
		return -1;
	*num = v;
	return 0;
}

/* "7", "3:5", "5:3": a range in order, without 0. */
static int
parse_range(const char *s, size_t n, struct uidrange *range)
{
	const char	*colon;
	uint64_t	 a, b;
	size_t		 first = n;

	if ((colon = memchr(s, ':', n)) != NULL)
		first = colon - s;
	if (token_number(s, first, UID_MAX, &a) == -1 || a == 0)
		return -1;
	b = a;
	if (colon != NULL && (token_number(colon + 1, n - first - 1, UID_MAX,
	    &b) == -1 || b == 0))
		return -1;
	range->lo = a < b ? a : b;
	range->hi = a < b ? b : a;
	return 0;
}

/* Ranges in the order sent, up to RESP_UIDSMAX: 0, or -1. */
static int
parse_ranges(struct args set, struct uidrange *ranges, size_t *count)
{
	const char	*comma;
	size_t		 n;

	for (*count = 0; *count < RESP_UIDSMAX; (*count)++) {
		comma = memchr(set.p, ',', set.n);
		n = comma != NULL ? (size_t)(comma - set.p) : set.n;
		if (parse_range(set.p, n, &ranges[*count]) == -1)
			return -1;
		if (comma == NULL) {
			(*count)++;
			return 0;
		}
		set.p += n + 1;
		set.n -= n + 1;
	}
	return -1;
}

static int
code_none(struct resp *r, struct args *a)
{
	return args_end(a);
}

static int
code_number(struct resp *r, struct args *a)
{
	if (args_uint32(a, &r->status.number) == -1)
		return -1;
	return args_end(a);
}

static int
code_uidvalidity(struct resp *r, struct args *a)
{
	if (args_uint32(a, &r->status.uidvalidity) == -1)
		return -1;
	return args_end(a);
}

/* 0 was seen for an empty mailbox, against RFC 7162 section 7. */
static int
code_modseq(struct resp *r, struct args *a)
{
	if (args_number(a, 0, RESP_MODSEQMAX, &r->status.modseq) == -1)
		return -1;
	return args_end(a);
}

/* The UIDs in the order of the messages appended; no set (RFC 4315). */
static int
code_appenduid(struct resp *r, struct args *a)
{
	struct args	set;
	size_t		count;

	if (args_uint32(a, &r->status.uidvalidity) == -1 ||
	    args_word(a, &set) == -1 || args_end(a) == -1 ||
	    parse_ranges(set, r->uids, &count) == -1)
		return -1;
	r->status.uids = r->uids;
	r->status.nuids = count;
	return 0;
}

/* We copy nothing within a server: only the UIDVALIDITY is of use. */
static int
code_copyuid(struct resp *r, struct args *a)
{
	struct args	source, target;
	size_t		count;

	if (args_uint32(a, &r->status.uidvalidity) == -1 ||
	    args_word(a, &source) == -1 || args_word(a, &target) == -1 ||
	    parse_ranges(source, r->uids, &count) == -1 ||
	    parse_ranges(target, r->uids, &count) == -1)
		return -1;
	return args_end(a);
}

static int
code_modified(struct resp *r, struct args *a)
{
	struct args	set;

	uidset_free(&r->modified);
	if (args_word(a, &set) == -1 || args_end(a) == -1 ||
	    uidset_parse(&r->modified, set.p, set.n, RESP_CODEMAX) == -1)
		return -1;
	r->status.set = &r->modified;
	return 0;
}

/* Malformed flags were seen here; they are passed over. */
static int
code_flags(struct resp *r, struct args *a)
{
	struct args	word;

	args_space(a);
	if (a->n < 2 || a->p[0] != '(' || a->p[a->n - 1] != ')')
		return -1;
	a->p++;
	a->n -= 2;
	flags_free(&r->flags);
	while (args_word(a, &word) == 0)
		(void)flags_add(&r->flags, word.p, word.n);
	r->status.flags = &r->flags;
	return 0;
}

static int
code_capability(struct resp *r, struct args *a)
{
	struct args	word, all = *a;
	char		name[RESP_ATOMMAX + 1];

	while (args_word(&all, &word) == 0)
		if (word.n > RESP_ATOMMAX)
			return -1;
	if (resp_called(r, r->calls->capability(r->arg, NULL)) == -1)
		return -1;
	while (args_word(a, &word) == 0) {
		memcpy(name, word.p, word.n);
		name[word.n] = '\0';
		resp_upper(name);
		if (resp_called(r, r->calls->capability(r->arg, name)) == -1)
			return -1;
	}
	return 0;
}

static const struct {
	const char	*name;
	enum resp_code	 code;
	int		(*parse)(struct resp *, struct args *);
} codes[] = {
	{ "ALERT",		CODE_ALERT,		code_none },
	{ "APPENDUID",		CODE_APPENDUID,		code_appenduid },
	{ "CAPABILITY",		CODE_CAPABILITY,	code_capability },
	{ "CLOSED",		CODE_CLOSED,		code_none },
	{ "COPYUID",		CODE_COPYUID,		code_copyuid },
	{ "HIGHESTMODSEQ",	CODE_HIGHESTMODSEQ,	code_modseq },
	{ "MODIFIED",		CODE_MODIFIED,		code_modified },
	{ "NOMODSEQ",		CODE_NOMODSEQ,		code_none },
	{ "PERMANENTFLAGS",	CODE_PERMANENTFLAGS,	code_flags },
	{ "READ-ONLY",		CODE_READONLY,		code_none },
	{ "READ-WRITE",		CODE_READWRITE,		code_none },
	{ "TRYCREATE",		CODE_TRYCREATE,		code_none },
	{ "UIDNEXT",		CODE_UIDNEXT,		code_number },
	{ "UIDNOTSTICKY",	CODE_UIDNOTSTICKY,	code_none },
	{ "UIDVALIDITY",	CODE_UIDVALIDITY,	code_uidvalidity },
	{ "UNSEEN",		CODE_UNSEEN,		code_number },
};

/* A code did not parse: what it set so far does not count. */
static void
code_clear(struct resp_status *st)
{
	st->uidvalidity = st->number = 0;
	st->modseq = 0;
	st->uids = NULL;
	st->nuids = 0;
	st->set = NULL;
	st->flags = NULL;
}

int
resp_code(struct resp *r)
{
	struct args	a = { r->lex.text.s, r->lex.text.len }, word;
	size_t		i;

	r->status.code = CODE_OTHER;
	if (args_word(&a, &word) == -1)
		return 0;
	if (strbuf_add(&r->codename, word.p, word.n, RESP_ATOMMAX) == -1)
		return resp_bad(r, "out of memory");
	resp_upper(r->codename.s);
	r->status.codename = r->codename.s;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(r->codename.s, codes[i].name) != 0)
			continue;
		if (codes[i].parse(r, &a) == 0)
			r->status.code = codes[i].code;
		else
			code_clear(&r->status);
		break;
	}
	return r->failed ? -1 : 0;
}
