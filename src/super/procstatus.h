/* SPDX-License-Identifier: MIT */
/*
 * procstatus: files of /proc with what we know
 *
 *   status:  "VmLck:  64 kB"  --+ ours-->  "VmLck:  192 kB"
 *            "VmPin:   0 kB"                "VmPin:  128 kB"
 *   fdinfo:  "pos:   0 ..."   --+ ours-->  "pos:   0 ..."
 *                                          "vfio-device-syspath: /sys/..."
 *
 * (docs/reference/iommufd-uapi.md 5.7, vfio-device-uapi.md 11)
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

/*
 * @text with the line of a function that is at @syspath in sysfs. Return: as
 * above.
 */
int ioas_procstatus_add_function(const char *text, size_t length,
				 const char *syspath, char *out, size_t room);

#endif
