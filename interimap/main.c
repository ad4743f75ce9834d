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
 * interimap: two-way synchronization of two IMAP accounts.  main() reads the
 * command line and the configuration and hands over to a session, or to the
 * supervisor that starts sessions.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interimap.h"
#include "sandbox.h"

volatile sig_atomic_t	got_sigterm, got_sigint;

/* A second signal ends at once; the children see their sockets close. */
static void
on_signal(int sig)
{
	if (got_sigterm || got_sigint)
		_exit(sig == SIGINT ? OUT_FAILED : OUT_DONE);
	if (sig == SIGINT)
		got_sigint = 1;
	else
		got_sigterm = 1;
}

static void
catch_signals(void)
{
	struct sigaction	sa;

	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = on_signal;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static void
help(void)
{
	printf("Usage: interimap [OPTIONS] [COMMAND] [MAILBOX [..]]\n"
	    "Keep two IMAP accounts the same, both ways.\n\n"
	    "  --repair          compare all, mend the database\n"
	    "  --reset           pair the messages of each MAILBOX anew\n"
	    "  --delete          delete each MAILBOX\n"
	    "  --rename          rename the first MAILBOX to the second\n"
	    "  --target=TARGET   only there: local, remote, database; again or\n"
	    "                    comma-separated for several\n\n"
	    "  --allow-delete[=MAILBOX]\n"
	    "                    make the deletions that are held back\n"
	    "  --config=FILE     configuration file (default: config)\n"
	    "  --watch[=SECONDS] run again and again (default: every %d s,\n"
	    "                    with --notify: %d s)\n"
	    "  --notify          and whenever a server tells of a change\n"
	    "  -q, --quiet       only warnings and errors\n"
	    "  --debug           say everything; twice: passwords too\n"
	    "  -h, --help        this text\n"
	    "  --version         version, libraries, sandbox\n\n"
	    "See interimap(1).\n", WATCH_SECONDS,
	    NOTIFY_SECONDS);
}

/* --version goes before --help.  What cannot be written is not done. */
static int
show(const struct options *o)
{
	int	status = OUT_DONE;

	if (!o->version)
		help();
	else if (version_show() == -1)
		status = OUT_FAILED;
	return fflush(stdout) == 0 ? status : OUT_FAILED;
}

static int
usage(const char *why)
{
	log_text(LOG_L_ERROR, why, strlen(why));
	fprintf(stderr, "Usage: interimap [OPTIONS] [COMMAND] [MAILBOX [..]]\n"
	    "Try 'interimap --help' or see interimap(1).\n");
	return OUT_FAILED;
}

static int
run(const struct options *o, struct output *out)
{
	struct config	 conf;
	char		 err[ERRMAX], *path;
	int		 status = OUT_CONFIG;

	if (sandbox_nocore() == -1)
		fatal("no way to forbid core files");
	path = path_config(o->config != NULL ? o->config : "config", err,
	    sizeof(err));
	if (path == NULL || config_load(&conf, path, log_warn, err,
	    sizeof(err)) == -1) {
		log_text(LOG_L_ERROR, err, strlen(err));
		free(path);
		return OUT_CONFIG;
	}
	free(path);
	out->format = conf.logprefix;
	if (conf.logfile != NULL &&
	    output_logfile(out, conf.logfile, err, sizeof(err)) == -1)
		log_text(LOG_L_ERROR, err, strlen(err));
	else {
		log_debug(">>> interimap %s", VERSION);
		status = session_run(&conf, o, out);
	}
	out->format = PREFIX_DEFAULT;
	config_free(&conf);
	return status;
}

int
main(int argc, char **argv)
{
	struct options	 o;
	struct output	 out;
	char		 err[ERRMAX];
	char		**args = argv;
	int		 session = 0, status;

	output_init(&out, 0, 0);
	if (argc > 1 && strcmp(argv[1], SESSION_ARG) == 0) {
		session = 1;
		args++;
		argc--;
	}
	if (options_parse(&o, argc, args, err, sizeof(err)) == -1)
		return usage(err);
	if (o.help || o.version)
		return show(&o);
	output_init(&out, o.quiet, o.debug);
	if (options_mailboxes(&o, err, sizeof(err)) == -1) {
		log_text(LOG_L_ERROR, err, strlen(err));
		status = OUT_FAILED;
	} else if (o.watch > 0 && !session)
		status = supervisor_run(argc, argv, o.watch);
	else {
		catch_signals();
		status = run(&o, &out);
	}
	options_free(&o);
	return status;
}
