/* SPDX-License-Identifier: MIT */
/*
 * user: the memory of a client that is this process, and is not trusted
 *
 *   page index = address / page size
 *   pin:   look up the mapping, check it, fault in, then
 *            shared memory  --> chunk of its file    (dev, ino, page)
 *            other memory   --> the process          (address)
 *
 * An address may be anything, and anything may happen to it at any time: the
 * answer is -EFAULT, now or when the frame is used, never a signal.
 *
 * For writing, a mapping must be writable, else readable. A shared mapping of a
 * file that is written back cannot be pinned for writing. Devices that map
 * physical memory cannot be pinned at all.
 *
 * What this waives of docs/reference/ioas-core.md 4.2:
 *  - Pages are named, not nailed down. Private memory is found at its address:
 *    if the client unmaps, remaps or protects it behind a live mapping, or
 *    forks and writes, devices see what the process sees, or fail with -EFAULT.
 *    Nothing keeps it from being paged out; a fault brings it back.
 *  - Shared memory of memfd, tmpfs, hugetlbfs, shared anonymous and System V
 *    memory is held: it outlives the client's mapping. But if the file is
 *    truncated, devices fail with -EFAULT where a pinned page would have lived
 *    on, and where a hole is punched they see the new, empty page.
 *  - Shared mappings of other files, of huge pages without privilege (see
 *    chunk.c), and of what cannot be mapped a second time (a lock limit, an
 *    address space limit) are treated as private memory is.
 *  - There is no aliveness guard: the process is this one.
 * Counting is not waived: npinned and charges are kept by the core.
 *
 * No locks of its own.
 */
#include "origin/user.h"

#include "base/errno.h"
#include "seam/caller.h"

static void user_destroy(struct ioas_origin *o)
{
	ioas_free(ioas_container_of(o, struct ioas_vspace_origin, o.head),
		  sizeof(struct ioas_vspace_origin));
}

static const struct ioas_origin_ops user_ops = {
	.name = "user",
	.pin = ioas_vspace_pin,
	.unpin = ioas_backed_unpin,
	.pointer = ioas_backed_pointer,
	.copy_frame = ioas_backed_copy_frame,
	.copy = ioas_vspace_copy,
	.destroy = user_destroy,
};

int ioas_origin_user_create(struct ioas_backings *b, struct ioas_origin **out)
{
	const struct ioas_caller *c = ioas_caller_current();
	struct ioas_vspace_origin *u =
		ioas_zalloc(sizeof(*u), IOAS_FP_ALLOC_SPACE);

	if (!u)
		return -ENOMEM;
	ioas_vspace_origin_init(u, &user_ops, &b->self, c ? c->mm : NULL);
	*out = &u->o.head;
	return 0;
}
