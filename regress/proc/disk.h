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
 * A disk that loses power: what a process does to the files of one folder is
 * recorded call by call, and any state in which a cut after so many calls may
 * leave that folder can be made from it.  Recorded are the calls of the C
 * library, below the VFS of SQLite, so that what that does about folders and
 * what statedb does without SQLite is under test as well.
 *
 * What was not synced before the cut may be there or not, in any combination
 * and in part: octets once their file was synced, names once the folder was.
 */
#ifndef DISK_H
#define DISK_H

#include <stddef.h>

enum disk_lost {
	LOST_ALL,		/* all that was not synced */
	LOST_NOTHING,		/* the process was killed, not the machine */
	LOST_OCTETS,		/* names are there, their files as last synced */
	LOST_NAMES,		/* files as last written, names as last synced */
	LOST_SOME		/* by chance, each call, each sector */
};
#define DISK_SECTOR	512

/* From now on; what is in the folder is on the disk. */
void	 disk_record(const char *);
/* Recording has ended; syncs cost nothing until it begins again. */
void	 disk_stop(void);
size_t	 disk_calls(void);	/* so many were recorded */
/* The folder after so many calls and a cut, in another, empty one. */
void	 disk_cut(size_t, enum disk_lost, unsigned int, const char *);
int	 disk_synced(size_t);	/* 1: the last of so many was a sync */
/* Of a call, for a message: "pwrite test.db 4096 at 8192". */
const char *disk_call(size_t, char *, size_t);

#endif
