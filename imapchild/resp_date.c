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
 * INTERNALDATE: date-time of RFC 3501 section 9 to seconds and zone, and back.
 * Pure arithmetic on the Gregorian calendar; no time zone of this machine.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "resp.h"
#include "token.h"

#define DAY	86400

static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

static int
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_days(int64_t year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1 January of year 0 to 1 January of this year (0..9999). */
static int64_t
year_days(int64_t year)
{
	int64_t	y = year - 1;

	if (year == 0)
		return 0;
	return year * 365 + y / 4 - y / 100 + y / 400 + 1;
}

/* Days from the epoch, may be negative; month 0..11, day 1..31. */
static int64_t
days_since_epoch(int64_t year, int month, int day)
{
	int64_t	days = year_days(year) - year_days(1970) + day - 1;
	int	m;

	for (m = 0; m < month; m++)
		days += month_days(year, m);
	return days;
}

/* n digits at s; -1: others stand there. */
static int
digits(const char *s, size_t n)
{
	uint64_t	v;

	if (token_number(s, n, 9999, &v) == -1)
		return -1;
	return v;
}

static int
month_of(const char *s)
{
	int	m;

	for (m = 0; m < 12; m++)
		if (strncasecmp(s, months[m], 3) == 0)
			return m;
	return -1;
}

/* "hh:mm:ss" to seconds; a leap second counts as the next minute's first. */
static int
time_of(const char *s)
{
	int	h = digits(s, 2), m = digits(s + 3, 2), sec = digits(s + 6, 2);

	if (h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 60)
		return -1;
	return h * 3600 + m * 60 + sec;
}

/* "+hhmm" to minutes east of Greenwich: 0, or -1. */
static int
zone_of(const char *s, int *zone)
{
	int	h = digits(s + 1, 2), m = digits(s + 3, 2);

	if ((s[0] != '+' && s[0] != '-') || h < 0 || h > 23 || m < 0 || m > 59)
		return -1;
	*zone = h * 60 + m;
	if (s[0] == '-')
		*zone = -*zone;
	return 0;
}

void
resp_date(struct msg_date *date, const char *s, size_t n)
{
	static const char	shape[] = "##-###-#### ##:##:## #####";
	int			day, month, year, secs, zone;
	size_t			i;

	memset(date, 0, sizeof(*date));
	if (n != RESP_DATELEN - 1)
		return;
	for (i = 0; i < n; i++)
		if (shape[i] != '#' && s[i] != shape[i])
			return;
	day = s[0] == ' ' ? digits(s + 1, 1) : digits(s, 2);
	month = month_of(s + 3);
	year = digits(s + 7, 4);
	secs = time_of(s + 12);
	if (month == -1 || year == -1 || secs == -1 ||
	    zone_of(s + 21, &zone) == -1 ||
	    day < 1 || day > month_days(year, month))
		return;
	date->time = days_since_epoch(year, month, day) * DAY + secs -
	    zone * 60;
	date->zone = zone;
	date->valid = 1;
}

/* The local day and second: 0, or -1: no year of four digits. */
static int
split_days(int64_t local, int64_t *days, int *secs)
{
	if (local < days_since_epoch(0, 0, 1) * DAY ||
	    local >= days_since_epoch(9999, 11, 31) * DAY + DAY)
		return -1;
	*days = local / DAY;
	*secs = local % DAY;
	if (*secs < 0) {
		*secs += DAY;
		(*days)--;
	}
	return 0;
}

int
resp_date_format(char *buf, size_t size, const struct msg_date *date)
{
	int64_t	days;
	int	secs, year, month = 0, zone = date->zone, n;

	if (!date->valid || size < RESP_DATELEN || zone <= -24 * 60 ||
	    zone >= 24 * 60 || date->time < INT64_MIN / 2 ||
	    date->time > INT64_MAX / 2 ||
	    split_days(date->time + zone * 60, &days, &secs) == -1)
		return -1;
	year = (days - days_since_epoch(0, 0, 1)) / 366;
	while (days_since_epoch(year + 1, 0, 1) <= days)
		year++;
	days -= days_since_epoch(year, 0, 1);
	for (; days >= month_days(year, month); month++)
		days -= month_days(year, month);
	n = snprintf(buf, size, "%02d-%s-%04d %02d:%02d:%02d %c%02d%02d",
	    (int)days + 1, months[month], year, secs / 3600, secs / 60 % 60,
	    secs % 60, zone < 0 ? '-' : '+', (zone < 0 ? -zone : zone) / 60,
	    (zone < 0 ? -zone : zone) % 60);
	return n == RESP_DATELEN - 1 ? 0 : -1;
}
