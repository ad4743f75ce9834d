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
 * imapchild between ends of different speed: whatever buffer fills up or goes
 * empty first, the transfer goes on.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <stdio.h>
#include <unistd.h>

#include "imapdrv.h"

static void
begin(struct drv *d, unsigned int patience)
{
	struct drv_conf	 conf = { .timeout = 20, .patience = patience };
	uint32_t	 id;
	struct imsg	 m;

	drv_ready_as(d, DRV_CAPS, &conf);
	id = drv_send(d, MSG_NOOP, NULL);
	srv_enable(d);
	srv_want(d, "NOOP");
	srv_tagged(d, "OK");
	drv_want(d, &m, MSG_DONE, id);
}

/* Another process writes what would block us; it ends by itself. */
static pid_t
writer(int fd, const char *p, size_t n)
{
	pid_t	 pid;
	ssize_t	 w;

	if ((pid = fork()) != 0)
		return pid;
	alarm(DRV_PATIENCE / 1000);
	for (; n > 0; n -= w, p += w)
		if ((w = write(fd, p, n)) <= 0)
			_exit(1);
	_exit(0);
}

/* The body waits in every buffer there is; then all go empty at once. */
static void
copyout_slow_sink(void **state)
{
	const size_t	 size = 32 << 20;
	struct drv	 d;
	struct imsg	 m;
	struct body_frame f;
	uint8_t		 head[BODY_HEADER];
	static char	 chunk[BODY_CHUNK];
	char		*text;
	uint64_t	 got;
	uint32_t	 id;
	pid_t		 pid;
	int		 n;

	begin(&d, 0);
	id = drv_copyout(&d, 9, "A", 5, "1");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1 ");
	assert_non_null(text = calloc(1, size + 200));
	n = snprintf(text, 100, "* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] "
	    "{%zu}\r\n", size);
	memset(text + n, 'x', size);
	n = size + n + snprintf(text + n + size, 100, ")\r\n%s OK\r\n", d.tag);
	pid = writer(d.srv, text, n);
	usleep(300 * 1000);
	body_want(&d, BODY_BEGIN, 9, 1, NULL);
	for (got = 0; got < size; got += f.len) {
		body_read(&d, head, sizeof(head));
		assert_int_equal(body_decode(head, &f), 0);
		assert_int_equal(f.type, BODY_DATA);
		body_read(&d, chunk, f.len);
	}
	body_want(&d, BODY_END, 9, 1, NULL);
	body_want(&d, BODY_FINISH, 9, 0, NULL);
	drv_want(&d, &m, MSG_DONE, id);
	waitpid(pid, NULL, 0);
	free(text);
	drv_stop(&d);
}

/*
 * Nobody ever takes the body: that ends, too, though later than a server that
 * owes an answer.  While it is taken, however slowly, it goes on.
 */
static void
copyout_no_sink(void **state)
{
	const size_t	 size = 32 << 20, once = 1 << 20;
	struct drv	 d;
	char		*text;
	pid_t		 pid;
	int		 i, n;

	begin(&d, 2);
	drv_copyout(&d, 9, "A", 5, "1");
	srv_select(&d, "A", 5);
	srv_want(&d, "UID FETCH 1 ");
	assert_non_null(text = calloc(1, size + 200));
	n = snprintf(text, 100, "* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] "
	    "{%zu}\r\n", size);
	memset(text + n, 'x', size);
	pid = writer(d.srv, text, size);
	for (i = 0; i < 5; i++) {
		usleep(900 * 1000);
		body_read(&d, text, once);
	}
	drv_fails(&d, 0, FAIL_NET, "the other server took none of the "
	    "messages for 2 seconds");
	drv_stop(&d);
	waitpid(pid, NULL, 0);
	free(text);
}

/* The end of a transfer waits behind a server that does not read yet. */
static void
copyin_slow_server(void **state)
{
	static const uint32_t	 uids[] = { 1 };
	const size_t		 size = 600000;
	struct body_frame	 f = { BODY_BEGIN, 3, 1, 0, size };
	struct drv		 d;
	struct imsg		 m;
	uint32_t		 id;
	size_t			 n, left;
	char			*frames;
	pid_t			 pid;

	begin(&d, 0);
	id = drv_copyin(&d, 3, "T", 5, uids, 1);
	assert_non_null(frames = calloc(1, 2 * size));
	body_encode((uint8_t *)frames, &f);
	n = BODY_HEADER;
	f.type = BODY_DATA;
	for (left = size; left > 0; left -= f.len, n += f.len) {
		f.len = left < 5000 ? left : 5000;
		body_encode((uint8_t *)frames + n, &f);
		n += BODY_HEADER;
		memset(frames + n, 'y', f.len);
	}
	f.len = 0;
	f.type = BODY_END;
	body_encode((uint8_t *)frames + n, &f);
	f.type = BODY_FINISH;
	body_encode((uint8_t *)frames + n + BODY_HEADER, &f);
	n += 2 * BODY_HEADER;
	pid = writer(d.body, frames, n);
	srv_want(&d, "APPEND T");
	usleep(300 * 1000);
	memset(frames, 'y', size);
	memcpy(frames + size, "\r\n", 3);
	for (n = 0; n < size; n += 10000) {
		char	 c = frames[n + 10000];

		frames[n + 10000] = '\0';
		srv_octets(&d, frames + n);
		frames[n + 10000] = c;
	}
	srv_octets(&d, "\r\n");
	srv_tagged(&d, "OK [APPENDUID 5 3] x");
	drv_want(&d, &m, MSG_APPENDED, id);
	drv_want(&d, &m, MSG_DONE, id);
	waitpid(pid, NULL, 0);
	free(frames);
	drv_stop(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copyout_slow_sink),
		cmocka_unit_test(copyout_no_sink),
		cmocka_unit_test(copyin_slow_server)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
