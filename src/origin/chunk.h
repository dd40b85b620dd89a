/* SPDX-License-Identifier: MIT */
/*
 * chunk: a GiB of a shared file whose pages are pinned
 *
 *   pages of the chunk    0        from                         2^18
 *   view[1], writable     .        |=============================|
 *   view[0], read-only    .   |==================================|
 *
 * Consecutive pages have consecutive frames. A view is a mapping of our own: of
 * the whole chunk if there is a descriptor, ours or one that a peer's mapping
 * leads to, else a duplicate of a client's mapping, which cannot begin before
 * that does. It goes on to the end of the
 * chunk, whatever the length of file or mapping, so that one suffices; only
 * huge page files end where the file did, because mapping more would lengthen
 * the file.
 *
 * Locks: the registry's (backing.h) guards link and refs; @lock guards the
 * views, and is held shared while one is used. Both have rank ORIGIN and are
 * never held together.
 */
#ifndef IOAS_ORIGIN_CHUNK_H
#define IOAS_ORIGIN_CHUNK_H

#include "origin/backing.h"
#include "seam/lock.h"

/* What frame numbers are given out in; 32 bits lack addresses. */
#define IOAS_CHUNK_LG2 (sizeof(void *) > 4 ? 18u : 12u)
#define IOAS_CHUNK_PAGES ((uint64_t)1 << IOAS_CHUNK_LG2)

/* Pages [from, end) at @map; end 0: none. */
struct ioas_chunk_view {
	char *map;
	uint64_t from;
	uint64_t end;
};

struct ioas_chunk {
	/* Set once. The chunk has pages index * IOAS_CHUNK_PAGES and on. */
	struct ioas_backing head;
	struct ioas_backings *b;
	uint64_t dev;
	uint64_t ino;
	uint64_t index;
	ioas_pfn_t first;

	/* Under b->lock. @refs: pages pinned, and pins in progress. */
	struct ioas_list link;
	uint64_t refs;

	struct ioas_rwlock lock;
	struct ioas_chunk_view view[2];
	/*
	 * Memory of page 0 once nothing can shrink the file: the writable view,
	 * which then is complete and stays.
	 */
	_Atomic(char *) steady;
};

extern const struct ioas_frames_ops ioas_chunk_frames;

/*
 * Let pages [@page, @page + @nr) of the chunk be present in a view. *@done is
 * how many are. Return: 0 if any, -EFAULT, -ENOMEM, -EOPNOTSUPP.
 */
int ioas_chunk_populate(struct ioas_chunk *c,
			const struct ioas_chunk_source *src, uint64_t page,
			uint64_t nr, bool write, uint64_t *done);
/* Before the chunk is freed. */
void ioas_chunk_unmap(struct ioas_chunk *c);

#endif
