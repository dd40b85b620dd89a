/* SPDX-License-Identifier: MIT */
/*
 * probe: what this machine allows
 *
 * Each answer is tried, in a child of its own, not concluded from a version.
 */
#ifndef IOAS_SUPER_PROBE_H
#define IOAS_SUPER_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum ioas_probe_weight {
	IOAS_PROBE_NEEDED, /* without it `ioas run` does not work */
	IOAS_PROBE_USEFUL, /* without it something is missing; see what */
	IOAS_PROBE_FACT, /* good to know */
};

struct ioas_probe {
	/* "seccomp-notify"; a few words on what it is. */
	const char *name;
	const char *title;
	enum ioas_probe_weight weight;
	bool ok;
	/* What was seen, and what follows or is to be done. */
	char seen[128];
	char follows[256];
};

/* All of them, in the order in which they build on each other. */
size_t ioas_probe_all(struct ioas_probe *out, size_t room);

#endif
