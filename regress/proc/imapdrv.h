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
 * Drives the real imapchild: a socket at its descriptor 3 for frames, one at 4
 * for bodies, one at 5 for the server, which is either a script in the test
 * itself or a program (Dovecot's imap).  Everything waits with a limit and
 * fails the test when it runs out.  Linked by test_imapchild*.c.
 */
#ifndef IMAPDRV_H
#define IMAPDRV_H

#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imapchild/body.h"
#include "imsg.h"
#include "msg.h"

#define DRV_PATIENCE	20000		/* ms */
#define DRV_CAPS	"IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED " \
			"LIST-STATUS UNSELECT ESEARCH LITERAL+ MULTIAPPEND"

struct drv {
	struct imsgbuf	 ib;
	pid_t		 pid, srvpid;
	uint32_t	 id;		/* of the last request */
	int		 srv;		/* our end of the server's socket; -1 */
	int		 body;		/* our end of the body channel; -1 */
	char		 buf[65536];	/* from imapchild to the server */
	size_t		 n;
	char		 tag[16];	/* of the last line */
	char		*logs;		/* all LOG texts, one a line */
	size_t		 nlogs;
};

/* What CONFIG holds, beside the defaults of a tunnel. */
struct drv_conf {
	const char	*user, *password, *auth, *port;
	int		 type, starttls, debug;
	unsigned int	 timeout, patience;
};

/* Start it; a server's descriptor and a body descriptor pass to it. */
void	 drv_start(struct drv *, int, int);
/* With a scripted server and our own end of the body channel. */
void	 drv_script(struct drv *);
void	 drv_config(struct drv *, const struct drv_conf *);
/* A server on loopback, for type=imap and STARTTLS; accepts. */
void	 drv_listen(struct drv *, struct drv_conf *);
/* drv_script, CONFIG, PREAUTH with these capabilities, READY. */
void	 drv_ready(struct drv *, const char *);
void	 drv_ready_as(struct drv *, const char *, const struct drv_conf *);
void	 drv_stop(struct drv *);	/* close all, and wait for it */
int	 drv_status(struct drv *);	/* wait for its end */

uint32_t drv_send(struct drv *, uint16_t, const struct ibuf *);
void	 drv_next(struct drv *, struct imsg *);	/* LOG frames are kept aside */
int	 drv_eof(struct drv *);		/* nothing comes but the end */
/* The next frame must be this one. */
void	 drv_want(struct drv *, struct imsg *, uint16_t, uint32_t);
/* The next frame must be a FAIL of this kind, whose text holds the words. */
void	 drv_fails(struct drv *, uint32_t, enum fail_kind, const char *);

uint32_t drv_list(struct drv *, const char *);
uint32_t drv_pull(struct drv *, const char *, uint32_t, uint64_t, uint32_t,
	    uint8_t);
uint32_t drv_uids(struct drv *, uint16_t, const char *, uint32_t,
	    const char *);
uint32_t drv_identify(struct drv *, const char *, uint32_t, const char *,
	    uint8_t);
uint32_t drv_store(struct drv *, const char *, uint32_t, const char *, uint8_t,
	    const char *, uint64_t);
uint32_t drv_name(struct drv *, uint16_t, const char *);
uint32_t drv_copyout(struct drv *, uint32_t, const char *, uint32_t,
	    const char *);
/* Messages of these UIDs, all \Seen, dated 2020-01-02 03:04:05 +0100. */
uint32_t drv_copyin(struct drv *, uint32_t, const char *, uint32_t,
	    const uint32_t *, uint32_t);

/* The scripted server. */
void	 srv_say(struct drv *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* The next line must be a command that begins with this; keeps its tag. */
void	 srv_want(struct drv *, const char *);
void	 srv_octets(struct drv *, const char *);	/* exactly these come */
void	 srv_silent(struct drv *);	/* nothing comes for a moment */
void	 srv_tagged(struct drv *, const char *);	/* "TAG text" */
/* SELECT of a mailbox and its whole answer. */
void	 srv_select(struct drv *, const char *, unsigned int);
/* The answer alone, to the SELECT of this tag. */
void	 srv_selected(struct drv *, const char *, unsigned int);
void	 srv_enable(struct drv *);

/* The body channel, in the place of the other imapchild. */
void	 body_say(struct drv *, enum body_type, uint32_t, uint32_t, uint64_t,
	    const char *);
void	 body_want(struct drv *, enum body_type, uint32_t, uint32_t,
	    const char *);
void	 body_read(struct drv *, void *, size_t);

#endif
