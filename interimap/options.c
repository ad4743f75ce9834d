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
 * The command line.  Called by main.c, once; pure: argv in, struct options
 * out.  Not getopt_long(3), which takes any unambiguous abbreviation:
 * "--de" must never come to mean --delete.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "interimap.h"

enum optid {
	OPT_ALLOW, OPT_CONFIG, OPT_DEBUG, OPT_DELETE, OPT_HELP, OPT_NOTIFY, OPT_QUIET,
	OPT_RENAME, OPT_REPAIR, OPT_RESET, OPT_TARGET, OPT_VERSION, OPT_WATCH
};

/*
 * ARG_OPTIONAL: behind "=" only, for a word of its own is a MAILBOX.
 * ARG_NUMBER: optional; a word of its own if that is a number.
 */
enum optarg { ARG_NONE, ARG_OPTIONAL, ARG_REQUIRED, ARG_NUMBER };

static const struct longopt {
	const char	*name;
	enum optid	 id;
	enum optarg	 arg;
} longopts[] = {
	{ "allow-delete", OPT_ALLOW,	ARG_OPTIONAL },
	{ "config",	OPT_CONFIG,	ARG_REQUIRED },
	{ "debug",	OPT_DEBUG,	ARG_NONE },
	{ "delete",	OPT_DELETE,	ARG_NONE },
	{ "help",	OPT_HELP,	ARG_NONE },
	{ "notify",	OPT_NOTIFY,	ARG_NONE },
	{ "quiet",	OPT_QUIET,	ARG_NONE },
	{ "rename",	OPT_RENAME,	ARG_NONE },
	{ "repair",	OPT_REPAIR,	ARG_NONE },
	{ "reset",	OPT_RESET,	ARG_NONE },
	{ "target",	OPT_TARGET,	ARG_REQUIRED },
	{ "version",	OPT_VERSION,	ARG_NONE },
	{ "watch",	OPT_WATCH,	ARG_NUMBER },
};
#define NLONGOPTS	(sizeof(longopts) / sizeof(longopts[0]))

#define WATCH_DEFAULT	-1	/* --watch without a number of seconds */

/* --watch[=N]: 0 and nothing count as no number. */
static int
set_watch(struct options *o, const char *arg, char *err, size_t errlen)
{
	const char	*why;

	o->watch = WATCH_DEFAULT;
	if (arg == NULL || *arg == '\0')
		return 0;
	o->watch = (int)strtonum(arg, 0, WATCH_MAX, &why);
	if (why != NULL) {
		snprintf(err, errlen, "Value \"%s\" invalid for option "
		    "--watch: a number of seconds up to %d is wanted", arg,
		    WATCH_MAX);
		return -1;
	}
	if (o->watch == 0)
		o->watch = WATCH_DEFAULT;
	return 0;
}

static const struct target {
	const char	*name;
	int		 bit;
} targets[] = {
	{ "local",	TARGET_LOCAL },
	{ "remote",	TARGET_REMOTE },
	{ "database",	TARGET_DB }
};
#define NTARGETS	(sizeof(targets) / sizeof(targets[0]))

/* --target=A[,B..]: may be given again, and adds up. */
static void
set_targets(struct options *o, const char *arg)
{
	const char	*p = arg;
	size_t		 i, n;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		for (i = 0; i < NTARGETS; i++)
			if (strlen(targets[i].name) == n &&
			    memcmp(targets[i].name, p, n) == 0)
				break;
		if (i < NTARGETS)
			o->targets |= targets[i].bit;
		else if (o->badtarget.p == NULL)
			o->badtarget = (struct bytes){ p, n };
		if (p[n] == '\0')
			return;
	}
}

/* --allow-delete[=MAILBOX]: may be given again, and adds up. */
static int
set_allow(struct options *o, const char *arg, char *err, size_t errlen)
{
	if (arg == NULL)
		o->allowall = 1;
	else if (o->nallow == ALLOW_MAX) {
		snprintf(err, errlen, "Option --allow-delete: at most %d "
		    "mailboxes; wildcards name more", ALLOW_MAX);
		return -1;
	} else
		o->allow[o->nallow++] = (char *)(uintptr_t)arg;
	return 0;
}

static void
set_command(struct options *o, enum command c)
{
	o->commands += o->command != c;
	o->command = c;
}

static int
apply(struct options *o, const struct longopt *l, const char *arg, char *err,
    size_t errlen)
{
	switch (l->id) {
	case OPT_ALLOW:
		return set_allow(o, arg, err, errlen);
	case OPT_CONFIG:
		o->config = arg;
		break;
	case OPT_DEBUG:
		o->debug++;
		break;
	case OPT_DELETE:
		set_command(o, CMD_DELETE);
		break;
	case OPT_RENAME:
		set_command(o, CMD_RENAME);
		break;
	case OPT_REPAIR:
		set_command(o, CMD_REPAIR);
		break;
	case OPT_RESET:
		set_command(o, CMD_RESET);
		break;
	case OPT_TARGET:
		set_targets(o, arg);
		break;
	case OPT_HELP:
		o->help = 1;
		break;
	case OPT_NOTIFY:
		o->notify = 1;
		break;
	case OPT_QUIET:
		o->quiet = 1;
		break;
	case OPT_VERSION:
		o->version = 1;
		break;
	case OPT_WATCH:
		return set_watch(o, arg, err, errlen);
	}
	return 0;
}

static int
is_number(const char *s)
{
	s += *s == '+';
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* One "--name" or "--name=arg".  The number of words taken, or -1. */
static int
parse_long(struct options *o, int argc, char **argv, char *err, size_t errlen)
{
	const char		*word = argv[0] + 2, *arg;
	size_t			 i, n = strcspn(word, "=");
	const struct longopt	*l = NULL;
	int			 used = 1;

	for (i = 0; i < NLONGOPTS; i++)
		if (strlen(longopts[i].name) == n &&
		    memcmp(longopts[i].name, word, n) == 0)
			l = &longopts[i];
	if (l == NULL) {
		snprintf(err, errlen, "Unknown option: --%.*s", (int)n, word);
		return -1;
	}
	arg = word[n] == '=' ? word + n + 1 : NULL;
	if (arg != NULL && l->arg == ARG_NONE) {
		snprintf(err, errlen, "Option --%s does not take an argument",
		    l->name);
		return -1;
	}
	if (arg == NULL && l->arg == ARG_NUMBER && argc > 1 &&
	    is_number(argv[1]))
		arg = argv[used++];
	if (arg == NULL && l->arg == ARG_REQUIRED) {
		if (argc > 1)
			arg = argv[used++];
		if (arg == NULL) {
			snprintf(err, errlen, "Option --%s requires an "
			    "argument", l->name);
			return -1;
		}
	}
	return apply(o, l, arg, err, errlen) == -1 ? -1 : used;
}

/* "-q", "-h" and their bundles. */
static int
parse_short(struct options *o, const char *word, char *err, size_t errlen)
{
	for (word++; *word != '\0'; word++) {
		if (*word == 'h')
			o->help = 1;
		else if (*word == 'q')
			o->quiet = 1;
		else {
			snprintf(err, errlen, "Unknown option: -%c", *word);
			return -1;
		}
	}
	return 0;
}

/* What only shows when all options and arguments are known. */
static int
check_command(struct options *o, char *err, size_t errlen)
{
	const char	*why = NULL;

	if (o->badtarget.p != NULL) {
		snprintf(err, errlen, "Invalid target %.*s: local, remote or "
		    "database is wanted", (int)o->badtarget.n, o->badtarget.p);
		return -1;
	}
	if (o->commands > 1)
		why = "Only one of --repair, --reset, --delete and --rename "
		    "can be given";
	else if (o->command != CMD_DELETE && o->command != CMD_RENAME &&
	    o->targets != 0)
		why = "Option --target needs --delete or --rename";
	else if (o->command == CMD_DELETE && o->nmailboxes == 0)
		why = "Option --delete needs at least one mailbox";
	else if (o->command == CMD_RESET && o->nmailboxes == 0)
		why = "Option --reset needs at least one mailbox: those whose "
		    "messages are to be paired anew";
	else if (o->command == CMD_RENAME && o->nmailboxes != 2)
		why = "Option --rename needs two mailboxes, the old name and "
		    "the new one";
	else if (o->command != CMD_SYNC && o->notify)
		why = "Option --notify does not go with a command";
	else if (o->command != CMD_SYNC && o->watch != 0)
		why = "Option --watch does not go with a command";
	else if (o->command != CMD_SYNC && (o->allowall || o->nallow > 0))
		why = "Option --allow-delete does not go with a command";
	else if (o->watch != 0 && (o->allowall || o->nallow > 0))
		why = "Option --allow-delete is for one run: it does not go "
		    "with --watch";
	else if (o->notify && (o->allowall || o->nallow > 0))
		why = "Option --allow-delete is for one run: it does not go "
		    "with --notify";
	if (why != NULL) {
		snprintf(err, errlen, "%s", why);
		return -1;
	}
	if (o->targets == 0)
		o->targets = TARGET_ALL;
	if (o->watch == WATCH_DEFAULT || (o->watch == 0 && o->notify))
		o->watch = o->notify ? NOTIFY_SECONDS : WATCH_SECONDS;
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv, char *err,
    size_t errlen)
{
	int	i = 1, n;

	memset(o, 0, sizeof(*o));
	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][1] == '-')
			n = parse_long(o, argc - i, argv + i, err, errlen);
		else
			n = parse_short(o, argv[i], err, errlen) == -1 ? -1 : 1;
		if (n == -1)
			return -1;
		i += n;
	}
	o->mailboxes = argv + i;
	o->nmailboxes = (size_t)(argc - i);
	if (o->config != NULL && *o->config == '\0') {
		snprintf(err, errlen, "Option --config requires a file name");
		return -1;
	}
	if (o->help || o->version)
		return 0;
	return check_command(o, err, errlen);
}

/*
 * One MAILBOX argument as the servers write it, allocated; NULL: refused.  A
 * name that is all ASCII may be modified UTF-7 already.
 */
static char *
mailbox_name(const char *arg, char *err, size_t errlen)
{
	const char	*p;
	char		*name;

	for (p = arg; *p != '\0' && isascii((unsigned char)*p); p++)
		continue;
	if (p == arg && *p == '\0') {
		snprintf(err, errlen, "Invalid mailbox name: it is empty");
		return NULL;
	}
	if (*p != '\0')
		name = utf7_encode(arg);
	else if ((name = strdup(strcasecmp(arg, "INBOX") == 0 ? "INBOX" :
	    arg)) == NULL)
		fatal("out of memory");
	if (name == NULL)
		snprintf(err, errlen, "Invalid mailbox name %s: neither ASCII "
		    "nor UTF-8; give it in UTF-8, or as the servers do, in "
		    "modified UTF-7", arg);
	else if (strlen(name) > MAILBOX_NAMEMAX) {
		snprintf(err, errlen, "Invalid mailbox name %.40s...: longer "
		    "than %d octets", name, MAILBOX_NAMEMAX);
		free(name);
		return NULL;
	}
	return name;
}

int
options_mailboxes(struct options *o, char *err, size_t errlen)
{
	char	**args = o->mailboxes, *allow[ALLOW_MAX];
	size_t	  i, n = o->nmailboxes, nallow = o->nallow;

	memcpy(allow, o->allow, sizeof(allow));
	memset(o->allow, 0, sizeof(o->allow));
	o->mailboxes = calloc(n + 1, sizeof(*o->mailboxes));
	if (o->mailboxes == NULL)
		fatal("out of memory");
	o->owned = 1;
	for (i = 0; i < nallow; i++)
		if ((o->allow[i] = mailbox_name(allow[i], err, errlen)) == NULL)
			return -1;
	for (i = 0; i < n; i++) {
		o->mailboxes[i] = mailbox_name(args[i], err, errlen);
		if (o->mailboxes[i] == NULL)
			return -1;
		if (o->command == CMD_DELETE &&
		    strcmp(o->mailboxes[i], "INBOX") == 0) {
			snprintf(err, errlen, "INBOX can't be deleted");
			return -1;
		}
	}
	return 0;
}

void
options_free(struct options *o)
{
	size_t	i;

	if (!o->owned)
		return;
	for (i = 0; i < o->nmailboxes; i++)
		free(o->mailboxes[i]);
	for (i = 0; i < o->nallow; i++)
		free(o->allow[i]);
	free(o->mailboxes);
	o->mailboxes = NULL;
	o->nallow = 0;
	o->nmailboxes = 0;
	o->owned = 0;
}
