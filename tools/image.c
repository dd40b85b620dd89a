/* SPDX-License-Identifier: MIT */
/*
 * image: a file as physical memory
 *
 * Read in blocks as they are asked for: a dump may be larger than memory, and
 * a file that shrinks meanwhile is missing memory, not a signal.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096
/* Tables of a path, and some luck. */
#define NR_SLOTS 64

struct slot {
	uint64_t block; /* number plus one; 0: empty */
	size_t bytes;
	unsigned char data[BLOCK];
};

struct pt_image {
	int fd;
	uint64_t base;
	struct slot slots[NR_SLOTS];
};

static const struct slot *load(struct pt_image *image, uint64_t block)
{
	struct slot *slot = &image->slots[block % NR_SLOTS];
	size_t used = 0;

	if (slot->block == block + 1)
		return slot;
	while (used < BLOCK) {
		ssize_t n = pread(image->fd, slot->data + used, BLOCK - used,
				  (off_t)(block * BLOCK + used));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	slot->block = block + 1;
	slot->bytes = used;
	return slot;
}

static bool image_read(void *ctx, uint64_t pa, uint64_t *word)
{
	struct pt_image *image = ctx;
	uint64_t offset = pa - image->base;
	const struct slot *slot;
	size_t at = offset % BLOCK;

	if (pa < image->base || offset > INT64_MAX - BLOCK || pa % 8)
		return false;
	slot = load(image, offset / BLOCK);
	if (at + 8 > slot->bytes)
		return false;
	*word = 0;
	for (size_t i = 8; i-- > 0;)
		*word = *word << 8 | slot->data[at + i];
	return true;
}

struct pt_image *ioas_pt_image_open(const char *path, uint64_t base,
				    struct walker_memory *mem)
{
	/* Not to wait for who writes a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct pt_image *image;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		ioas_say_error("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode) &&
	    !S_ISCHR(st.st_mode)) {
		ioas_say_error("%s: neither a file nor a device", path);
		close(fd);
		return NULL;
	}
	image = ioas_xcalloc(1, sizeof(*image));
	image->fd = fd;
	image->base = base;
	*mem = (struct walker_memory){ .read = image_read, .ctx = image };
	return image;
}

void ioas_pt_image_close(struct pt_image *image)
{
	if (!image)
		return;
	close(image->fd);
	free(image);
}
