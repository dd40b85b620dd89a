/* SPDX-License-Identifier: MIT */
/*
 * backing: the files that namespaces are, and the options that name them
 *
 *   ro,file=a,file=b,lba=4096     a: read only, blocks of 512
 *   '- for all that follow        b: read only, blocks of 4096
 *            '- for this one
 *
 * ro, size= and lba= belong to the file before them; before any file, to all.
 * serial= and cmb= are the controller's, wherever they stand. size= makes a
 * file that is missing or shorter, and hides what is longer; without any file
 * it makes a namespace in memory. What is left of a block at the end is unused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define CMB_MAX (1ull << 30)
/* What off_t holds, with room to spare. */
#define SIZE_MAX_BYTES (1ull << 62)

struct plan {
	const char *file;
	bool read_only;
	uint64_t size;
	uint8_t block_lg2;
};

static int refuse(char *why, size_t room, const char *name, const char *value,
		  const char *what, int rc)
{
	snprintf(why, room, "%s%s%s: %s", name, value ? "=" : "",
		 value ? value : "", what);
	return rc;
}

/* Digits, and one of K, M, G, T. Return: it is such, and not zero. */
static bool parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	unsigned int shift = 0;
	uint64_t n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return false;
		shift = 10u * (unsigned int)(unit - units + 1);
	}
	if (!n || n > SIZE_MAX_BYTES >> shift)
		return false;
	*bytes = n << shift;
	return true;
}

static bool parse_serial(struct nvme *n, const char *text)
{
	size_t i, length = strlen(text);

	if (!length || length >= sizeof(n->serial))
		return false;
	for (i = 0; i < length; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	memcpy(n->serial, text, length + 1);
	return true;
}

/* One option, for @p. Return: it is right. */
static bool parse_option(struct nvme *n, const struct ioas_model_setting *s,
			 struct plan *p)
{
	if (!strcmp(s->name, "ro"))
		return !*s->value && (p->read_only = true);
	if (!strcmp(s->name, "size"))
		return parse_bytes(s->value, &p->size);
	if (!strcmp(s->name, "lba")) {
		p->block_lg2 = !strcmp(s->value, "4096") ? 12 : 9;
		return p->block_lg2 == 12 || !strcmp(s->value, "512");
	}
	if (!strcmp(s->name, "serial"))
		return parse_serial(n, s->value);
	/* A BAR, and a multiple of the unit that CMBSZ counts in. */
	return !strcmp(s->name, "cmb") && parse_bytes(s->value, &n->cmb_size) &&
	       ioas_is_pow2(n->cmb_size) && n->cmb_size >= NVME_PAGE &&
	       n->cmb_size <= CMB_MAX;
}

/* What is to be opened, in @plan. Return: how many, or -errno. */
static int plan_all(struct nvme *n, const struct ioas_model_setting *s,
		    size_t nr, struct plan *plan, char *why, size_t room)
{
	struct plan all = { .block_lg2 = 9 };
	struct plan *now = &all;
	int count = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(s[i].name, "file")) {
			if (!*s[i].value)
				return refuse(why, room, "file", NULL,
					      "names no file", -EINVAL);
			if (count == (int)NVME_NAMESPACES)
				return refuse(why, room, "file", s[i].value,
					      "one namespace too many",
					      -EINVAL);
			now = &plan[count++];
			*now = all;
			now->file = s[i].value;
		} else if (!parse_option(n, &s[i], now)) {
			return refuse(why, room, s[i].name, s[i].value,
				      "is not a value of it", -EINVAL);
		}
	}
	if (count)
		return count;
	if (!all.size)
		return refuse(why, room, "file", NULL, "is missing", -EINVAL);
	plan[0] = all;
	return 1;
}

/* Open what @p names. Return: descriptor or -errno. */
static int plan_open(const struct plan *p)
{
	int flags = O_CLOEXEC | O_NONBLOCK;
	int fd;

	if (!p->file)
		fd = memfd_create("nvme", MFD_CLOEXEC);
	else if (p->read_only)
		fd = open(p->file, O_RDONLY | flags);
	else
		fd = open(p->file, O_RDWR | flags | (p->size ? O_CREAT : 0),
			  0600);
	return fd < 0 ? -errno : fd;
}

/* Bytes of the file, grown to what is asked for; or -errno. */
static int64_t plan_size(const struct plan *p, int fd)
{
	struct stat st;
	int64_t size;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return -ENOTBLK;
	size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return -errno;
	if (p->size <= (uint64_t)size)
		return p->size ? (int64_t)p->size : size;
	if (!S_ISREG(st.st_mode) || (p->file && p->read_only))
		return -ENOSPC;
	return ftruncate(fd, (off_t)p->size) ? -errno : (int64_t)p->size;
}

/* Of an open that failed: what, and, if it is so, what helps. */
static const char *open_error(const struct plan *p, int error)
{
	if ((error == EACCES || error == EROFS) && p->file && !p->read_only &&
	    !access(p->file, R_OK))
		return "cannot be written to; with ro it is only read";
	return strerror(error);
}

static int ns_open(struct nvme_ns *ns, const struct plan *p, char *why,
		   size_t room)
{
	const char *name = p->file ? "file" : "size";
	int64_t size;

	ns->fd = plan_open(p);
	if (ns->fd < 0)
		return refuse(why, room, name, p->file,
			      open_error(p, -ns->fd), ns->fd);
	ns->read_only = p->read_only;
	ns->block_lg2 = p->block_lg2;
	size = plan_size(p, ns->fd);
	if (size == -ENOTBLK)
		return refuse(why, room, name, p->file,
			      "neither a file nor a block device", -ENOTBLK);
	if (size == -ENOSPC)
		return refuse(why, room, name, p->file,
			      "is shorter than size=", -ENOSPC);
	if (size < 0)
		return refuse(why, room, name, p->file, strerror((int)-size),
			      (int)size);
	ns->blocks = (uint64_t)size >> ns->block_lg2;
	if (!ns->blocks)
		return refuse(why, room, name, p->file,
			      "is shorter than a block", -ENOSPC);
	return 0;
}

static size_t ns_bytes(const struct nvme_ns *ns)
{
	return (size_t)(ns->blocks << ns->block_lg2);
}

/* So that a read need not copy twice. */
static void ns_map(struct nvme_ns *ns)
{
	void *map = mmap(NULL, ns_bytes(ns), PROT_READ, MAP_SHARED, ns->fd, 0);

	ns->map = map == MAP_FAILED ? NULL : map;
}

/* Numbers that tell namespaces apart: of the serial number and the nsid. */
static void ns_name(struct nvme *n, unsigned int i)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	const char *c;
	unsigned int k;

	for (c = n->serial; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ull;
	for (k = 0; k < 16; k++) {
		hash = (hash ^ (i + k)) * 0x100000001b3ull;
		n->ns[i].guid[k] = (uint8_t)(hash >> 56);
	}
	/* The marks of a random UUID. */
	n->ns[i].guid[6] = (uint8_t)((n->ns[i].guid[6] & 0x0f) | 0x40);
	n->ns[i].guid[8] = (uint8_t)((n->ns[i].guid[8] & 0x3f) | 0x80);
}

int ioas_nvme_backing_open(struct nvme *n,
			   const struct ioas_model_setting *settings,
			   size_t nr, char *why, size_t room)
{
	struct plan plan[NVME_NAMESPACES];
	int i, rc;
	int count;

	strcpy(n->serial, "IOAS0001");
	count = plan_all(n, settings, nr, plan, why, room);
	if (count < 0)
		return count;
	for (i = 0; i < count; i++) {
		rc = ns_open(&n->ns[i], &plan[i], why, room);
		/* One that has no descriptor is not there to be closed. */
		if (n->ns[i].fd >= 0)
			n->nr_ns++;
		if (rc)
			return rc;
		ns_map(&n->ns[i]);
		ns_name(n, (unsigned int)i);
	}
	return 0;
}

void ioas_nvme_backing_close(struct nvme *n)
{
	while (n->nr_ns) {
		struct nvme_ns *ns = &n->ns[--n->nr_ns];

		if (ns->map)
			munmap(ns->map, ns_bytes(ns));
		close(ns->fd);
	}
}

int ioas_nvme_backing_read(struct nvme_ns *ns, void *data, uint64_t offset,
			   size_t length)
{
	uint8_t *at = data;
	ssize_t got;

	while (length) {
		got = pread(ns->fd, at, length, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		/* Somebody cut the file. */
		if (!got)
			return -EIO;
		at += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return 0;
}

uint16_t ioas_nvme_read_status(struct nvme *n, int rc)
{
	if (!rc)
		return NVME_OK;
	n->counters.media_errors++;
	return NVME_READ_ERROR;
}

int ioas_nvme_backing_write(struct nvme_ns *ns, const void *data,
			    uint64_t offset, size_t length)
{
	const uint8_t *at = data;
	ssize_t got;

	while (length) {
		got = pwrite(ns->fd, at, length, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		at += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return 0;
}

int ioas_nvme_backing_sync(struct nvme_ns *ns)
{
	return fdatasync(ns->fd) ? -errno : 0;
}

int ioas_nvme_backing_zero(struct nvme_ns *ns, uint64_t offset,
			   uint64_t length, bool punch)
{
	bool *never = punch ? &ns->no_punch : &ns->no_zero_range;
	int mode = FALLOC_FL_KEEP_SIZE |
		   (punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);

	if (*never)
		return -EOPNOTSUPP;
	do {
		if (!fallocate(ns->fd, mode, (off_t)offset, (off_t)length))
			return 0;
	} while (errno == EINTR);
	/* Not this range of a block device, whose sectors are larger. */
	if (errno == EINVAL)
		return -EOPNOTSUPP;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	*never = true;
	return -EOPNOTSUPP;
}
