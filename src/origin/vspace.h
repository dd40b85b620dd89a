/* SPDX-License-Identifier: MIT */
/*
 * vspace: an address space in which clients name memory
 *
 *   this process   mappings can be asked for, faulted in and duplicated
 *   a peer         another process: asked and copied from outside (peer.h)
 *
 *   address --VMA--> shared memory --> chunk of its file   (dev, ino, page)
 *               `--> other memory  --> frame of the space  (address)
 *
 * What pins are, and which checks come first, is the same for both and is
 * here. How a page is made to be there, and how bytes are reached, is not.
 */
#ifndef IOAS_ORIGIN_VSPACE_H
#define IOAS_ORIGIN_VSPACE_H

#include "base/types.h"
#include "origin/vma.h"

struct ioas_backings;
struct ioas_reach_vector;
struct ioas_vspace;

/* What frames are of; the owner in the frame space. */
struct ioas_backing {
	/* Set once. */
	uint64_t nr_frames;
	/* So many of them are not pinned any more. Cannot fail. */
	void (*unpinned)(struct ioas_backing *o, uint64_t nr);
};

struct ioas_vspace_ops {
	/*
	 * Let @nr pages from @address on, all in @vma, be there. *@done: how
	 * many are. Return: 0 if any, -EFAULT, -ENOMEM.
	 */
	int (*populate)(struct ioas_vspace *s, const struct ioas_vma *vma,
			uint64_t address, uint64_t nr, bool write,
			uint64_t *done);
	/* Bytes as the client itself sees them. Return: 0 or -EFAULT. */
	int (*access)(struct ioas_vspace *s, uint64_t address, void *buffer,
		      uint64_t length, bool write);
	/* Bytes of pages that are pinned. Return: 0 or -EFAULT. */
	int (*reach)(struct ioas_vspace *s, uint64_t address, void *buffer,
		     uint64_t length, bool write);
	/* The same of many pieces; *@done: bytes copied, from the first on. */
	int (*reach_vector)(struct ioas_vspace *s,
			    const struct ioas_reach_vector *v, bool write,
			    uint64_t *done);
	/*
	 * A descriptor of the file that @vma maps, whose identity has been
	 * checked, to read or also to write. NULL: a mapping can be duplicated.
	 * Return: the descriptor, or -EOPNOTSUPP.
	 */
	int (*open)(struct ioas_vspace *s, const struct ioas_vma *vma,
		    bool write);
	/* May what @vma maps not be pinned? May be NULL. */
	bool (*deny)(struct ioas_vspace *s, const struct ioas_vma *vma);
	/*
	 * The memory of this process that devices of ours show at @address, in
	 * @vma; *@nr pages from there on at most, cut to what follows in one
	 * piece. It lasts longer than whoever may pin it. NULL: it is none, as
	 * of an op that is NULL.
	 */
	void *(*device)(struct ioas_vspace *s, const struct ioas_vma *vma,
			uint64_t address, uint64_t *nr);
	/* Pages are pinned by address, or not any more. May be NULL. */
	void (*hold)(struct ioas_vspace *s, uint64_t nr);
	void (*drop)(struct ioas_vspace *s, uint64_t nr);
};

/* Set once. */
struct ioas_vspace {
	struct ioas_backing head;
	const struct ioas_vspace_ops *ops;
	struct ioas_backings *b;
	struct ioas_vmas vmas;
	/* Frame of address 0. */
	ioas_pfn_t first;
};

#endif
