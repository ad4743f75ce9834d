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
 * The parent program: command line, configuration, what a user sees, the
 * children of a session, the supervisor of --watch.  The sync engine has a
 * header of its own (engine.h) and knows nothing of what is declared here.
 */
#ifndef INTERIMAP_H
#define INTERIMAP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine.h"
#include "log.h"
#include "msg.h"

#define ERRMAX		1024	/* octets of an error text, NUL included */

/* ---- options.c: the command line, no I/O ---- */

#define WATCH_SECONDS	60		/* --watch without a number, */
#define NOTIFY_SECONDS	900		/* and with --notify */
#define WATCH_MAX	(366 * 86400)

#define ALLOW_MAX	64		/* --allow-delete=MAILBOX */

struct options {
	const char	*config;	/* --config, NULL: the default */
	int		 quiet;
	int		 debug;		/* how often it was given */
	int		 help, version;
	int		 watch;		/* seconds between runs; 0: one run */
	int		 notify;	/* and no run, but an event, ends them */
	enum command	 command;
	int		 targets;	/* TARGET_*, of the command */
	int		 commands;	/* how many different ones were given */
	struct bytes	 badtarget;	/* the first that is none */
	int		 allowall;	/* --allow-delete, without a mailbox, */
	char		*allow[ALLOW_MAX];	/* and with: as mailboxes below */
	size_t		 nallow;
	char		**mailboxes;	/* in argv, or owned copies */
	size_t		 nmailboxes;
	int		 owned;		/* copies, of options_mailboxes() */
};

/*
 * Parse argv[1] and on: options end at the first word that is none, or at
 * "--"; long ones are never abbreviated.  0; or -1 with a line for the user,
 * who is then shown the usage.
 */
int	 options_parse(struct options *, int, char **, char *, size_t);
/*
 * Check the MAILBOX arguments and replace them by copies in the encoding of
 * the servers: what is ASCII stands for itself, UTF-8 becomes modified UTF-7,
 * anything else is refused; "inbox" in any case becomes INBOX (RFC 3501
 * section 5.1), which --delete does not take.  0, or -1 with a line for the
 * user.
 */
int	 options_mailboxes(struct options *, char *, size_t);
void	 options_free(struct options *);

/* ---- utf7.c: modified UTF-7 ---- */

/*
 * A mailbox name in UTF-8 as modified UTF-7; "&" becomes "&-".  Allocated, the
 * caller frees; NULL: it is not UTF-8.
 */
char	*utf7_encode(const char *);

/* ---- paths.c: the XDG base directories ---- */

/*
 * Where a relative name of the configuration file or of the database is:
 * below interimap/ in $XDG_CONFIG_HOME or ~/.config, $XDG_DATA_HOME or
 * ~/.local/share.  The base must exist, interimap/ is made with mode 0700.
 * An absolute name is taken as it is.  Allocated, the caller frees; NULL
 * with a reason.
 */
char	*path_config(const char *, char *, size_t);
char	*path_database(const char *, char *, size_t);

/* ---- prefix.c: the option log-prefix ---- */

#define PREFIX_DEFAULT	"%?n?%?m?%n(%m)&%n?: ?"
#define PREFIX_MAX	2048		/* octets of an expanded prefix */
#define PREFIX_DEPTH	16		/* nested conditions */

/*
 * Expand a log-prefix format for a component (%n) and a mailbox (%m), NULL
 * or empty when the line is about none.  Writes at most size octets and
 * always a NUL; what does not fit is cut.
 */
void	 prefix_expand(char *, size_t, const char *, const char *,
	    const char *);

/* ---- patterns.c: the option list-mailbox ---- */

#define PATTERNS_MAX	1024		/* words */

struct patterns {
	struct bytes	*v;	/* may hold NUL: the hierarchy delimiter */
	size_t		 n;
};

/* Split and unquote a list-mailbox value.  0, or -1: off grammar. */
int	 patterns_parse(struct patterns *, const char *);
void	 patterns_free(struct patterns *);

/* ---- ignore.c: the option ignore-mailbox (PCRE2) ---- */

struct ignore;

/* NULL with a reason that tells the offset; released by ignore_free(). */
struct ignore	*ignore_new(const char *, char *, size_t);
void		 ignore_free(struct ignore *);		/* accepts NULL */
/*
 * 1: the expression matches somewhere in the name (NUL as delimiter, no
 * reference), 0: it does not, -1: a limit was hit.
 */
int		 ignore_match(struct ignore *, const char *, size_t);
/* "PCRE2 10.42 2022-12-11", for --version. */
void		 ignore_library(char *, size_t);

/* ---- version.c: --version ---- */

/*
 * Version, libraries of the three programs, and the sandbox, on standard
 * output.  0, or -1: a child could not be asked, which was said.
 */
int	 version_show(void);

/* ---- config.c, conftab.c: the configuration file ---- */

#define CONF_MAXFILE	(1 << 20)	/* octets of the file */
#define CONF_MAXVALUE	4096		/* octets of one value */

enum section { SEC_DEFAULT, SEC_LOCAL, SEC_REMOTE, NSECTIONS };

/* What the option proxy says; user "": it is not logged in to. */
#define PROXY_MAX	255	/* octets of each (RFC 1928, RFC 1929) */
struct proxy {
	enum proxy_type	 type;
	char		 user[PROXY_MAX + 1], pass[PROXY_MAX + 1];
	char		 host[PROXY_MAX + 1], port[PROXY_MAX + 1];
};
int	 proxy_parse(struct proxy *, const char *);	/* 0, or -1 */

/* One server; texts are owned, NULL where the option is not set. */
struct server {
	enum conn_type	 conn;		/* type */
	int		 verify;	/* SSL_verify */
	int		 use_starttls;	/* STARTTLS, for type=imap only */
	int		 null_stderr;
	int		 use_compress;
	char		*type, *host, *port, *command, *nullstderr;
	char		*proxy, *timeout, *protocols;
	char		*starttls, *compress, *auth, *username, *password;
	char		*listref, *sslverify, *cafile, *capath, *sni;
	char		*proto_min, *proto_max, *ciphers, *fingerprint;
	char		*passcommand;	/* password-command */
	char		*cert, *key;	/* SSL_cert, SSL_key */
};

struct config {
	char		*path;		/* of the file */
	char		*database, *logfile, *logprefix;
	char		*listmailbox, *listopts, *ignore;
	char		*strict;	/* strict-permissions */
	char		*maxdelete;	/* max-delete */
	struct server	 server[2];	/* LOCAL, REMOTE */
};

typedef void (*warn_fn)(const char *, ...)
	    __attribute__((format(printf, 1, 2)));

/*
 * Read a configuration file (absolute path).  Warnings go to the function.
 * 0, with a config that config_free() releases; or -1 with one line naming
 * file, line, section and option, and nothing to release.
 */
int	 config_load(struct config *, const char *, warn_fn, char *, size_t);
/* The same from memory; the path is only named. */
int	 config_parse(struct config *, const char *, const char *, size_t,
	    warn_fn, char *, size_t);
/* Wipe user names and passwords: they were handed to the imapchildren. */
void	 config_wipe(struct config *);
void	 config_free(struct config *);		/* wipes everything */

/* One option of the file; the table is in conftab.c. */
struct confopt {
	const char	*name;
	int		 scope;		/* CONF_* */
	int		 (*check)(const char *);	/* 1: it fits */
	const char	*want;		/* what fits, in words */
	const char	*deflt;		/* NULL: none */
	size_t		 off;		/* in struct config or struct server */
};
#define CONF_GLOBAL	0	/* has a meaning in the default section only */
#define CONF_SERVER	1	/* [local] and [remote], default inherited */
#define CONF_SECRET	2	/* as CONF_SERVER, never shown */
#define CONF_IGNORED	3	/* warned about: cannot be honoured */

const struct confopt	*confopt_find(const char *, size_t);
const struct confopt	*confopt_at(size_t);	/* NULL past the last one */
size_t			 confopt_index(const struct confopt *);
/* What the option max-delete says; 0, or -1. */
int	 maxdelete_parse(const char *, uint32_t *, uint32_t *);
#define CONF_NOPTIONS	48	/* at least as many as the table has */

/* ---- output.c: what a user sees ---- */

/* Where lines go and how they look; the sink of lib/log. */
struct output {
	int		 logfd;		/* -1: no logfile */
	int		 quiet, debug;
	const char	*format;	/* log-prefix, not owned */
	/* of the line being written */
	char		 prefix[4 * PREFIX_MAX + 1];
	int		 side, prefixed;
};

/* Begin with standard error only; the struct must outlive all logging. */
void	 output_init(struct output *, int, int);
/*
 * From now on also to this file (made with mode 0600), with time stamps.
 * Reads the time zone, so that no file is opened later.  0, or -1, reason.
 */
int	 output_logfile(struct output *, const char *, char *, size_t);
/*
 * One line about a side (LOCAL, REMOTE, SIDE_DB, SIDE_NONE) and a mailbox
 * (NULL: none).  Foreign octets are encoded here.
 */
void	 output_line(struct output *, enum loglevel, int, const char *,
	    const char *, size_t);

/* ---- session.c: one run ---- */

/*
 * Start the children, run the engine until it is done, end the children.
 * What went wrong was said.  Returns the exit status of interimap(1).
 */
int	 session_run(struct config *, const struct options *,
	    struct output *);

/* Signals seen, set by main.c's handler. */
extern volatile sig_atomic_t	got_sigterm, got_sigint;

/* ---- secret.c: the option password-command ---- */

#ifndef SECRET_SECONDS		/* the tests have less patience */
#define SECRET_SECONDS	60	/* that a command may take */
#endif

/*
 * Run a command and return the first line of its output, which the caller
 * wipes and frees; NULL with a reason, which never shows any of it.  A signal
 * to the program ends the wait, too.
 */
char	*secret_run(const char *, char *, size_t);

/* ---- spawn.c: fork and exec of children and commands ---- */

enum program { PROG_IMAPCHILD, PROG_STATEDB };

struct child {
	pid_t		 pid;		/* 0: none, or reaped */
	int		 fd;		/* our end of the control socket */
	int		 status;	/* of waitpid(2), once reaped */
	char		 name[32];	/* "imapchild (remote)", "statedb" */
};

/*
 * fork and exec a child under this name: control socket at fd 3, body channel
 * at 4 and tunnel at 5 where they are given (-1: not), nothing else but
 * standard error.  Takes ownership of both descriptors, also when it fails.
 * 0, or -1 with a reason.
 */
int	 child_spawn(struct child *, enum program, const char *, int, int,
	    char *, size_t);
/*
 * Start a tunnel command (interimap(1), type=tunnel), its standard error to
 * /dev/null when asked.  Its socket, for an imapchild's fd 5; -1, reason.
 */
int	 tunnel_spawn(const char *, int, char *, size_t);
/*
 * Start a command for what it writes to its standard output, in a process
 * group of its own.  The other end of that, and its process; or -1 with errno.
 */
int	 output_spawn(const char *, pid_t *);
/*
 * Wait for a child's end, at most so many milliseconds (0: only look).  1: it
 * ended, and how is told in words ("imapchild (remote): killed by SIGSYS",
 * "statedb: exit status 1"); 0: it has not.
 */
int	 child_reap(struct child *, int, char *, size_t);

/* ---- supervisor.c: --watch ---- */

/*
 * The word that tells interimap, as its first argument, that it is a session
 * started by the supervisor; the same command line follows.
 */
#define SESSION_ARG	"--session"
/*
 * Run sessions with these arguments (argv[0] and on, as given to main), so
 * many seconds apart, until one ends for good or a signal says so.  Returns
 * the exit status.
 */
int	 supervisor_run(int, char **, int);

#endif
