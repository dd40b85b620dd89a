/* SPDX-License-Identifier: MIT */
/*
 * vma: the kernel's answers, from /proc
 *
 * PROCMAP_QUERY answers for one address, whatever the number of mappings;
 * kernels before 6.11 have only /proc/self/maps, which is read from its start:
 * about a microsecond for each mapping below the one in question. Of another
 * process the text is read at positions of the one descriptor that is held,
 * because opening it again would lead to what the process has by then.
 */
#include "origin/vma.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bits.h"

/* Argument of PROCMAP_QUERY, which the host's headers may not have. */
struct vma_query {
	uint64_t size;
	uint64_t flags;
	uint64_t address;
	uint64_t start;
	uint64_t end;
	uint64_t vma_flags;
	uint64_t page_size;
	uint64_t offset;
	uint64_t ino;
	uint32_t major;
	uint32_t minor;
	uint32_t name_size;
	uint32_t build_id_size;
	uint64_t name;
	uint64_t build_id;
};

_Static_assert(sizeof(struct vma_query) == 104, "the kernel's layout");

#define VMA_QUERY _IOWR('f', 17, struct vma_query)
#define VMA_FLAGS (IOAS_VMA_READ | IOAS_VMA_WRITE | IOAS_VMA_SHARED)

static int vma_query(const struct ioas_vmas *v, struct vma_query *q)
{
	return ioctl(v->fd, VMA_QUERY, q) ? -errno : 0;
}

/* Nothing is mapped at 0, which a kernel that is able says. */
int ioas_vmas_used(const struct ioas_vmas *v)
{
	struct vma_query q = { .size = sizeof(q) };
	int ret = v->text ? -EOPNOTSUPP : vma_query(v, &q);

	if (!ret || ret == -ENOENT)
		return 0;
	return ret == -ESRCH ? -ESRCH : -EOPNOTSUPP;
}

int ioas_vmas_open(struct ioas_vmas *v)
{
	v->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (v->fd < 0)
		return errno == ENOENT || errno == EACCES ? -EOPNOTSUPP :
							    -ENOMEM;
	v->peer = false;
	v->text = false;
	v->text = ioas_vmas_used(v) == -EOPNOTSUPP;
	return 0;
}

int ioas_vmas_error(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return -EPERM;
	case ENOENT:
	case ESRCH:
		return -ESRCH;
	case EMFILE:
	case ENFILE:
		return -EMFILE;
	}
	return -ENOMEM;
}

int ioas_vmas_open_peer(struct ioas_vmas *v, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	v->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (v->fd < 0)
		return ioas_vmas_error(errno);
	v->peer = true;
	v->text = false;
	v->text = ioas_vmas_used(v) == -EOPNOTSUPP;
	return 0;
}

void ioas_vmas_close(struct ioas_vmas *v)
{
	close(v->fd);
}

/* A line of /proc/self/maps; false if it is none. */
static bool line_parse(const char *line, struct ioas_vma *vma)
{
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	char perms[5];

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu", &start, &end, perms,
		   &offset, &major, &minor, &ino) != 7)
		return false;
	*vma = (struct ioas_vma){
		.start = start,
		.last = end - 1,
		.offset = offset,
		.dev = ioas_vma_dev(major, minor),
		.ino = ino,
		.flags = (perms[0] == 'r' ? IOAS_VMA_READ : 0u) |
			 (perms[1] == 'w' ? IOAS_VMA_WRITE : 0u) |
			 (perms[3] == 's' ? IOAS_VMA_SHARED : 0u),
	};
	return true;
}

/* A place in the text of another process. */
struct held_text {
	int fd;
	off_t at;
};

static ssize_t held_read(void *cookie, char *buffer, size_t size)
{
	struct held_text *t = cookie;
	const ssize_t got = pread(t->fd, buffer, size, t->at);

	if (got > 0)
		t->at += got;
	return got;
}

/* @t lives as long as the stream. */
static FILE *text_open(const struct ioas_vmas *v, struct held_text *t)
{
	if (!v->peer)
		return fopen("/proc/self/maps", "re");
	*t = (struct held_text){ .fd = v->fd };
	return fopencookie(t, "r",
			   (cookie_io_functions_t){ .read = held_read });
}

static int text_find(const struct ioas_vmas *v, uint64_t address,
		     struct ioas_vma *vma)
{
	struct held_text held;
	FILE *f = text_open(v, &held);
	struct ioas_vma at;
	char *line = NULL;
	size_t room = 0;
	int ret = -EFAULT;

	if (!f)
		return -ENOMEM;
	while (ret && getline(&line, &room, f) > 0) {
		if (!line_parse(line, &at) || at.last < address)
			continue;
		if (at.start > address)
			break;
		*vma = at;
		ret = 0;
	}
	free(line);
	fclose(f);
	return ret;
}

int ioas_vma_find(const struct ioas_vmas *v, uint64_t address,
		  struct ioas_vma *vma)
{
	struct vma_query q = { .size = sizeof(q), .address = address };
	int ret;

	if (v->text)
		return text_find(v, address, vma);
	ret = vma_query(v, &q);
	if (ret)
		return ret == -ENOMEM ? -ENOMEM : -EFAULT;
	*vma = (struct ioas_vma){
		.start = q.start,
		.last = q.end - 1,
		.offset = q.offset,
		.dev = ioas_vma_dev(q.major, q.minor),
		.ino = q.ino,
		.flags = (unsigned int)q.vma_flags & VMA_FLAGS,
	};
	return 0;
}

static enum ioas_mount_kind type_kind(const char *type)
{
	static const char *const memory[] = { "tmpfs", "hugetlbfs" };
	static const char *const other[] = { "devtmpfs", "ramfs", "rootfs",
					     "proc", "sysfs" };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(memory); i++)
		if (!strcmp(type, memory[i]))
			return IOAS_MOUNT_MEMORY;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(other); i++)
		if (!strcmp(type, other[i]))
			return IOAS_MOUNT_OTHER;
	return IOAS_MOUNT_STORAGE;
}

/* 22 27 0:21 / /proc rw,relatime shared:1 - proc proc rw */
static bool mount_parse(const char *line, uint64_t dev,
			enum ioas_mount_kind *kind)
{
	const char *tail = strstr(line, " - ");
	unsigned int major, minor;
	char type[32];

	if (!tail || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 ||
	    ioas_vma_dev(major, minor) != dev ||
	    sscanf(tail, " - %31s", type) != 1)
		return false;
	*kind = type_kind(type);
	return true;
}

int ioas_mount_find(uint64_t dev, enum ioas_mount_kind *kind)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	bool found = false;
	size_t room = 0;

	if (!f)
		return -ENOMEM;
	while (!found && getline(&line, &room, f) > 0)
		found = mount_parse(line, dev, kind);
	if (!found)
		*kind = IOAS_MOUNT_OTHER;
	free(line);
	fclose(f);
	return 0;
}
