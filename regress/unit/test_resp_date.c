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
 * INTERNALDATE: known dates against the C library, dates that are none, and
 * the property that formatting what was parsed and parsing it again gives the
 * same.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "imapchild/resp.h"

static struct msg_date
parse(const char *s)
{
	struct msg_date	date;

	memset(&date, 0xff, sizeof(date));
	resp_date(&date, s, strlen(s));
	return date;
}

static void
test_known(void **state)
{
	static const struct {
		const char	*s;
		int64_t		 time;
		int		 zone;
	} known[] = {
		{ "01-Jan-1970 00:00:00 +0000", 0, 0 },
		{ "17-Jul-1996 02:44:25 -0700", 837596665, -420 },
		{ " 7-feb-2024 10:00:00 +0100", 1707296400, 60 },
		{ "07-FEB-2024 10:00:00 +0100", 1707296400, 60 },
		{ "29-Feb-2000 23:59:59 +0000", 951868799, 0 },
		{ "31-Dec-1969 23:59:59 +0000", -1, 0 },
		{ "31-Dec-1969 16:00:00 -0800", 0, -480 },
		{ "19-Jan-2038 03:14:08 +0000", INT64_C(2147483648), 0 },
		{ "01-Jan-0000 00:00:00 +0000", INT64_C(-62167219200), 0 },
		{ "31-Dec-9999 23:59:59 +0000", INT64_C(253402300799), 0 },
		{ "01-Jul-2024 12:30:00 +0545", 1719816300, 345 },
		{ "30-Jun-2012 23:59:60 +0000", 1341100800, 0 },
		{ "01-Jan-1970 00:00:00 -0000", 0, 0 },
	};
	struct msg_date	date;
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		date = parse(known[i].s);
		assert_int_equal(date.valid, 1);
		assert_int_equal(date.time, known[i].time);
		assert_int_equal(date.zone, known[i].zone);
	}
}

static void
test_invalid(void **state)
{
	static const char *const bad[] = {
		"", "x", "01-Jan-1970", "01-Jan-1970 00:00:00",
		"01-Jan-1970 00:00:00 +000", "01-Jan-1970 00:00:00 +00000",
		"1-Jan-1970 00:00:00 +0000", "  -Jan-1970 00:00:00 +0000",
		"00-Jan-1970 00:00:00 +0000", " 0-Jan-1970 00:00:00 +0000",
		"32-Jan-1970 00:00:00 +0000", "31-Apr-1970 00:00:00 +0000",
		"29-Feb-1970 00:00:00 +0000", "29-Feb-1900 00:00:00 +0000",
		"01-Jan-19x0 00:00:00 +0000", "01-Jxn-1970 00:00:00 +0000",
		"01-Jan-1970 24:00:00 +0000", "01-Jan-1970 00:60:00 +0000",
		"01-Jan-1970 00:00:61 +0000", "01-Jan-1970 00:00:00 x0000",
		"01-Jan-1970 00:00:00 +2400", "01-Jan-1970 00:00:00 +0060",
		"01 Jan-1970 00:00:00 +0000", "01-Jan 1970 00:00:00 +0000",
		"01-Jan-1970_00:00:00 +0000", "01-Jan-1970 00.00:00 +0000",
		"01-Jan-1970 00:00-00 +0000", "01-Jan-1970 00:00:00_+0000",
		"-1-Jan-1970 00:00:00 +0000", "+1-Jan-1970 00:00:00 +0000",
		"01-Jan--970 00:00:00 +0000", "01-Jan-1970 -1:00:00 +0000",
		"01-Jan-1970 00:00:00 +-100", "01-Jan-1970 00:00:0\n +0000",
		"01-Jan-1970 00:00:00 GMT  ",
	};
	size_t	i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]).valid != 0)
			fail_msg("accepted: %s", bad[i]);
}

/* Must hold: the date formats, and parses to the same. */
static void
check_same(const struct msg_date *date)
{
	struct msg_date	again;
	char		buf[RESP_DATELEN];

	assert_int_equal(resp_date_format(buf, sizeof(buf), date), 0);
	assert_int_equal(strlen(buf), RESP_DATELEN - 1);
	resp_date(&again, buf, strlen(buf));
	assert_int_equal(again.valid, 1);
	assert_int_equal(again.time, date->time);
	assert_int_equal(again.zone, date->zone);
}

static void
check_libc(const struct msg_date *date)
{
	char		buf[RESP_DATELEN], want[64];
	struct tm	tm;
	time_t		t = date->time + date->zone * 60;

	assert_non_null(gmtime_r(&t, &tm));
	assert_int_not_equal(strftime(want, sizeof(want),
	    "%d-%b-%Y %H:%M:%S ", &tm), 0);
	assert_int_equal(resp_date_format(buf, sizeof(buf), date), 0);
	assert_int_equal(strncmp(buf, want, strlen(want)), 0);
}

static void
test_same(void **state)
{
	struct msg_date	date = { 0, 0, 1 };
	int64_t		t;

	/* Every day of 1000..2600, at a time and in a zone that vary. */
	for (t = INT64_C(-30610224000); t < INT64_C(19880899200); t += 86413) {
		date.time = t;
		date.zone = t % (24 * 60);
		check_same(&date);
		check_libc(&date);
	}
}

static void
test_unformattable(void **state)
{
	struct msg_date	date = { INT64_C(253402300799), 0, 1 };
	char		buf[RESP_DATELEN];

	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), 0);
	assert_string_equal(buf, "31-Dec-9999 23:59:59 +0000");
	assert_int_equal(resp_date_format(buf, sizeof(buf) - 1, &date), -1);
	date.zone = 1;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.zone = -1;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), 0);
	date.zone = 24 * 60;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.zone = -24 * 60;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.zone = 0;
	date.time++;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.time = INT64_C(-62167219200);
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), 0);
	date.time--;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.time = INT64_MIN;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.time = INT64_MAX;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
	date.time = date.valid = 0;
	assert_int_equal(resp_date_format(buf, sizeof(buf), &date), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_unformattable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
