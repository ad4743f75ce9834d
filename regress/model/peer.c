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
 * The queues of frames between the engine and its three peers.  Requests
 * wait here until a step executes them, answers until a step delivers them;
 * run.c decides which.  Every frame is held against lib/msg.h both ways.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* The requests of lib/msg.h that a server answers. */
static const struct {
	enum msg_type	 type;
	request_step	*step;
} requests[] = {
	{ MSG_LIST, step_list },
	{ MSG_CREATE, step_create },
	{ MSG_SUBSCRIBE, step_subscribe },
	{ MSG_UNSUBSCRIBE, step_subscribe },
	{ MSG_PULL, step_pull },
	{ MSG_GETFLAGS, step_getflags },
	{ MSG_GETMETA, step_getmeta },
	{ MSG_IDENTIFY, step_getmeta },
	{ MSG_SEARCH, step_search },
	{ MSG_STORE, step_store },
	{ MSG_EXPUNGE, step_expunge },
	{ MSG_COPY_IN, step_copyin },
	{ MSG_COPY_OUT, step_copyout },
	{ MSG_NOOP, step_noop },
	{ MSG_UNSELECT, step_noop },
	{ MSG_LOGOUT, step_noop }
};

static struct frame *
frame_new(enum msg_type type, uint32_t id, const struct ibuf *b)
{
	struct frame *f;
	size_t len = b == NULL ? 0 : b->wpos;

	f = xrealloc(NULL, 1, sizeof(*f) + len);
	memset(f, 0, sizeof(*f));
	f->type = type;
	f->id = id;
	f->len = len;
	if (len > 0)
		memcpy(f->data, b->buf, len);
	return f;
}

void
frame_free(struct frame *f)
{
	if (f == NULL)
		return;
	copyin_free(f->in);
	free(f);
}

void
peers_init(struct model *m)
{
	int i;

	for (i = 0; i < NPEERS; i++) {
		STAILQ_INIT(&m->peer[i].requests);
		STAILQ_INIT(&m->peer[i].answers);
		m->peer[i].nrequests = 0;
	}
}

static void
frames_clear(struct frames *q)
{
	struct frame *f;

	while ((f = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, entry);
		frame_free(f);
	}
}

/* All children ended: what was under way is lost. */
void
peers_clear(struct model *m)
{
	struct bodyframe *bf;
	int i;

	for (i = 0; i < NPEERS; i++) {
		frames_clear(&m->peer[i].requests);
		frames_clear(&m->peer[i].answers);
		m->peer[i].nrequests = 0;
	}
	for (i = 0; i < 2; i++) {
		while ((bf = STAILQ_FIRST(&m->server[i].inbound)) != NULL) {
			STAILQ_REMOVE_HEAD(&m->server[i].inbound, entry);
			free(bf);
		}
		m->server[i].ndrop = 0;
	}
}

/* The engine sends a request (struct engine_calls). */
int
peer_send(void *arg, enum peer p, enum msg_type type, uint32_t id,
    const struct ibuf *b)
{
	struct model *m = arg;
	struct frame *f;

	if (b != NULL && b->err) {
		model_fail(m, "%s: payload with an error", msg_name(type));
		return -1;
	}
	f = frame_new(type, id, b);
	trace_frame(m, ">", p, f);
	STAILQ_INSERT_TAIL(&m->peer[p].requests, f, entry);
	if (msg_check(type, p == PEER_DB ? MSG_PS : MSG_PI, f->len) == -1)
		model_fail(m, "%s of %zu octets may not go to %d",
		    msg_name(type), f->len, p);
	if (id == 0 || id >= ENGINE_IDMAX)
		model_fail(m, "%s has id %u", msg_name(type), id);
	if (++m->peer[p].nrequests > MAXQUEUE)
		model_fail(m, "more than %d requests under way", MAXQUEUE);
	if (p != PEER_DB && type != MSG_LIST && type != MSG_LOGOUT &&
	    type != MSG_UNSELECT)
		m->beyond++;
	return 0;
}

void
peer_answer(struct model *m, enum peer p, enum msg_type type, uint32_t id,
    const struct ibuf *b)
{
	struct frame *f = frame_new(type, id, b);

	if ((b != NULL && b->err) || (msg_check(type,
	    p == PEER_DB ? MSG_SP : MSG_IP, f->len) == -1 &&
	    msg_check(type, MSG_CP, f->len) == -1))
		model_fail(m, "bad answer %s of %zu octets", msg_name(type),
		    f->len);
	STAILQ_INSERT_TAIL(&m->peer[p].answers, f, entry);
}

void
peer_done(struct model *m, enum peer p, uint32_t id)
{
	peer_answer(m, p, MSG_DONE, id, NULL);
}

void
peer_refuse(struct model *m, enum peer p, uint32_t id, enum fail_kind kind,
    const char *code, const char *text)
{
	struct msg_fail fail;
	struct ibuf b;

	fail.kind = kind;
	fail.code = bytes_of(code);
	fail.text = bytes_of(text);
	ibuf_init(&b);
	msg_put_fail(&b, &fail);
	peer_answer(m, p, MSG_FAIL, id, &b);
	ibuf_free(&b);
}

/*
 * The request that is executed next.  A COPY_IN that still waits for its
 * bodies lets pass what is about other mailboxes, and any COPY_OUT.
 */
struct frame *
peer_ready(struct model *m, enum peer p)
{
	struct server *s;
	struct frame *f;
	int i, blocked[NBOXES] = { 0 };

	if (p == PEER_DB)
		return STAILQ_FIRST(&m->peer[p].requests);
	s = &m->server[p];
	STAILQ_FOREACH(f, &m->peer[p].requests, entry) {
		i = frame_box(s, f);
		if (f->type == MSG_COPY_IN) {
			if (copyin_ready(m, s, f) && (i == -1 || !blocked[i]))
				return f;
			if (i != -1)
				blocked[i] = 1;
			continue;
		}
		if (f->type == MSG_COPY_OUT || i == -1 || !blocked[i])
			return f;
	}
	return NULL;
}

void
peer_execute(struct model *m, enum peer p)
{
	struct frame *f;
	size_t i;

	if (p == PEER_DB) {
		database_step(m);
		return;
	}
	if ((f = peer_ready(m, p)) == NULL)
		return;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].type == f->type)
			break;
	if (i == sizeof(requests) / sizeof(requests[0])) {
		model_fail(m, "no server answers %s", msg_name(f->type));
		return;
	}
	if (requests[i].step(m, &m->server[p], f) == STEP_MORE) {
		f->phase++;
		return;
	}
	STAILQ_REMOVE(&m->peer[p].requests, f, frame, entry);
	m->peer[p].nrequests--;
	frame_free(f);
}

void
peer_deliver(struct model *m, enum peer p)
{
	struct frame *f;
	struct imsg im;

	if ((f = STAILQ_FIRST(&m->peer[p].answers)) == NULL)
		return;
	STAILQ_REMOVE_HEAD(&m->peer[p].answers, entry);
	trace_frame(m, "<", p, f);
	memset(&im, 0, sizeof(im));
	im.type = (uint16_t)f->type;
	im.id = f->id;
	ibuf_from(&im.data, f->data, f->len);
	if (engine_dispatch(m->engine, p, &im) == -1)
		model_fail(m, "the engine refuses %s #%u of %d",
		    msg_name(f->type), f->id, p);
	frame_free(f);
}
