/* SPDX-License-Identifier: MIT */
/*
 * log: lines for a person, to stderr
 *
 * IOAS_LOG in the environment is the highest severity that is shown, by
 * syslog's numbers: 3, errors, unless set; 7 is everything.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "seam/plat.h"

#define DEFAULT_LEVEL 3

/* One more than the level; 0: the environment was not read yet. */
static _Atomic int level_known;

static int log_level(void)
{
	int known = atomic_load_explicit(&level_known, memory_order_relaxed);
	const char *text;

	if (!known) {
		text = getenv("IOAS_LOG");
		known = 1 + (text && *text >= '0' && *text <= '7' ?
				     *text - '0' :
				     DEFAULT_LEVEL);
		atomic_store_explicit(&level_known, known,
				      memory_order_relaxed);
	}
	return known - 1;
}

void ioas_plat_log(int severity, const char *text)
{
	/* One call, so that lines of two threads do not mix. */
	struct iovec line[] = {
		{ (void *)"ioas: ", 6 },
		{ (void *)text, strlen(text) },
		{ (void *)"\n", 1 },
	};
	int saved = errno;

	/* To whom should it be told that the log cannot be written? */
	if (severity <= log_level() &&
	    writev(STDERR_FILENO, line, IOAS_ARRAY_SIZE(line)) < 0)
		errno = saved;
}
