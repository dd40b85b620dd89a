/* SPDX-License-Identifier: MIT */
/*
 * procstatus: /proc/PID/status with what we pin for the process
 *
 *   kernel's text: "VmLck:  64 kB"  --+ ours-->  "VmLck:  192 kB"
 *                  "VmPin:   0 kB"                "VmPin:  128 kB"
 *
 * (docs/reference/iommufd-uapi.md 5.7)
 */
#ifndef IOAS_SUPER_PROCSTATUS_H
#define IOAS_SUPER_PROCSTATUS_H

#include <stddef.h>
#include <stdint.h>

struct ioas_procstatus {
	/* In KiB. */
	uint64_t locked;
	uint64_t pinned;
};

/*
 * @text with the numbers of @add added, into @out of @room bytes. Return: its
 * length, or -ENOSPC. A text without such lines comes out as it is.
 */
int ioas_procstatus_add(const char *text, size_t length,
			const struct ioas_procstatus *add, char *out,
			size_t room);

#endif
