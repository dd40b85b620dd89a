/* SPDX-License-Identifier: MIT */
/*
 * simhost calls: descriptors, memory, and the system calls of a process
 *
 * A call holds a reference of its file, as a kernel does: another thread may
 * close the descriptor meanwhile.
 *
 * Locks: see simhost.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "simhost.h"
#include "simhost_impl.h"

/* ---- descriptors --------------------------------------------------------- */

struct sim_fd *sim_fd_find(struct sim_process *p, int fd)
{
	struct sim_fd *f;

	if (fd < SIM_FIRST_FD || fd >= SIM_FDS)
		return NULL;
	f = &p->fds[fd];
	return f->kind == SIM_FD_OURS || f->kind == SIM_FD_OTHER ||
			       f->kind == SIM_FD_EVENT ?
		       f :
		       NULL;
}

int sim_fd_take(struct sim_process *p, enum sim_fd_kind kind,
		unsigned int flags)
{
	for (int fd = SIM_FIRST_FD; fd < p->limit; fd++) {
		if (p->fds[fd].kind != SIM_FD_FREE)
			continue;
		p->fds[fd] = (struct sim_fd){ .kind = kind, .flags = flags };
		return fd;
	}
	return -EMFILE;
}

void sim_event_put(struct simhost *h, struct ioas_uevent *event)
{
	bool last;

	if (!event)
		return;
	host_lock(h);
	last = !--event->refs;
	if (last)
		h->nr_events--;
	host_unlock(h);
	if (last)
		free(event);
}

static void fd_drop(struct simhost *h, struct sim_fd *f)
{
	ioas_ufile_put(f->file);
	ioas_origin_put(f->memory);
	sim_event_put(h, f->event);
}

/* A number in @p for what @f says, whose references it takes, on error too. */
static int fd_install(struct sim_process *p, struct sim_fd f)
{
	int fd;

	host_lock(p->h);
	fd = sim_fd_take(p, f.kind, 0);
	if (fd >= 0)
		p->fds[fd] = f;
	host_unlock(p->h);
	if (fd < 0)
		fd_drop(p->h, &f);
	return fd;
}

/* What is behind @fd, with references of its own. 0 or -EBADF. */
static int fd_copy(struct simhost *h, int fd, struct sim_fd *out)
{
	struct sim_fd *f;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	if (f) {
		*out = *f;
		if (f->file)
			ioas_ufile_get(f->file);
		if (f->memory)
			ioas_origin_get(f->memory);
		if (f->event)
			f->event->refs++;
	}
	host_unlock(h);
	return f ? 0 : -EBADF;
}

int sim_open(struct simhost *h, unsigned int flags)
{
	struct sim_fd f = { .kind = SIM_FD_OURS };
	int ret = ioas_iommufd_open(h->uapi, flags, &f.file);

	return ret ? ret : fd_install(simhost_task(h)->process, f);
}

int sim_open_file(struct simhost *h, uint64_t nr_pages,
		  enum ioas_sim_layout layout)
{
	struct sim_fd f = { .kind = SIM_FD_OTHER };

	assert_int_equal(ioas_sim_file_create(h->sim, nr_pages, 0, layout,
					      &f.memory),
			 0);
	return fd_install(simhost_task(h)->process, f);
}

int sim_open_memory(struct simhost *h, struct ioas_origin *memory)
{
	return fd_install(simhost_task(h)->process,
			  (struct sim_fd){ .kind = SIM_FD_OTHER,
					   .memory = ioas_origin_get(memory) });
}

int sim_open_other(struct simhost *h)
{
	return fd_install(simhost_task(h)->process,
			  (struct sim_fd){ .kind = SIM_FD_OTHER });
}

int sim_open_event(struct simhost *h)
{
	struct ioas_uevent *event = calloc(1, sizeof(*event));

	assert_non_null(event);
	event->refs = 1;
	host_lock(h);
	h->nr_events++;
	host_unlock(h);
	return fd_install(
		simhost_task(h)->process,
		(struct sim_fd){ .kind = SIM_FD_EVENT, .event = event });
}

int sim_open_ufile(struct simhost *h, struct ioas_ufile *file)
{
	return fd_install(simhost_task(h)->process,
			  (struct sim_fd){ .kind = SIM_FD_OURS,
					   .file = file });
}

int sim_close(struct simhost *h, int fd)
{
	struct sim_fd *f, was;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	if (f) {
		was = *f;
		*f = (struct sim_fd){ .kind = SIM_FD_FREE };
	}
	host_unlock(h);
	if (!f)
		return -EBADF;
	fd_drop(h, &was);
	return 0;
}

int sim_send(struct simhost *h, int fd, struct sim_process *to)
{
	struct sim_fd f;
	int ret = fd_copy(h, fd, &f);

	f.flags = 0;
	return ret ? ret : fd_install(to, f);
}

int sim_dup(struct simhost *h, int fd)
{
	return sim_send(h, fd, simhost_task(h)->process);
}

/* ---- memory -------------------------------------------------------------- */

static uint64_t pages_of(struct simhost *h, uint64_t bytes)
{
	assert_int_equal(bytes & (((uint64_t)1 << h->host.page_lg2) - 1), 0);
	return bytes >> h->host.page_lg2;
}

void sim_map_memory(struct simhost *h, uint64_t address, uint64_t length,
		    enum ioas_sim_layout layout, unsigned int flags)
{
	assert_int_equal(ioas_sim_map(simhost_task(h)->process->memory,
				      pages_of(h, address), pages_of(h, length),
				      layout, flags),
			 0);
}

void sim_unmap_memory(struct simhost *h, uint64_t address, uint64_t length)
{
	assert_int_equal(ioas_sim_unmap(simhost_task(h)->process->memory,
					pages_of(h, address),
					pages_of(h, length)),
			 0);
}

void sim_poke(struct simhost *h, uint64_t address, const void *data,
	      size_t length)
{
	if (ioas_sim_write(simhost_task(h)->process->memory, address, data,
			   length))
		fail_msg("no memory at %#" PRIx64, address);
}

void sim_peek(struct simhost *h, uint64_t address, void *data, size_t length)
{
	if (ioas_sim_read(simhost_task(h)->process->memory, address, data,
			  length))
		fail_msg("no memory at %#" PRIx64, address);
}

uint64_t sim_put(struct simhost *h, const void *data, size_t length)
{
	struct sim_task *t = simhost_task(h);
	const uint64_t room = (uint64_t)SIM_SCRATCH_PAGES << h->host.page_lg2;
	const uint64_t at = t->scratch + t->used;

	assert_true(length <= room - t->used);
	sim_poke(h, at, data, length);
	t->used += (length + 7) & ~(uint64_t)7;
	if (t->used > room)
		t->used = room;
	return at;
}

uint64_t sim_room(struct simhost *h, size_t length)
{
	static const char zero[256];
	const uint64_t at = sim_put(h, zero, 0);

	for (size_t done = 0, n; done < length; done += n) {
		n = length - done < sizeof(zero) ? length - done :
						   sizeof(zero);
		sim_put(h, zero, n);
	}
	return at;
}

uint64_t sim_struct_at(struct simhost *h, size_t length, bool read_only)
{
	const struct sim_task *t = simhost_task(h);
	const uint64_t room =
		(uint64_t)(read_only ? SIM_READ_ONLY_PAGES : SIM_SCRATCH_PAGES)
		<< h->host.page_lg2;

	assert_true(length <= room - (read_only ? 0 : t->used));
	return (read_only ? t->read_only : t->scratch) + room - length;
}

uint64_t sim_hole(struct simhost *h)
{
	return sim_struct_at(h, 0, false);
}

/* What was put for this call is not needed any more. */
static void scratch_reset(struct simhost *h)
{
	simhost_task(h)->used = 0;
}

/* ---- calls --------------------------------------------------------------- */

int sim_ioctl(struct simhost *h, int fd, uint32_t cmd, uint64_t arg)
{
	struct sim_fd f;
	int64_t ret = fd_copy(h, fd, &f);

	if (!ret) {
		ret = f.file && f.file->ops->ioctl ?
			      f.file->ops->ioctl(f.file, cmd, arg) :
			      -ENOTTY;
		fd_drop(h, &f);
	}
	scratch_reset(h);
	assert_in_range(ret + 4096, 0, (int64_t)INT32_MAX + 4096);
	return (int)ret;
}

int64_t sim_read(struct simhost *h, int fd, uint64_t buffer, uint64_t count)
{
	struct sim_fd f;
	int64_t ret = fd_copy(h, fd, &f);

	if (!ret) {
		ret = f.file && f.file->ops->read ?
			      f.file->ops->read(f.file, buffer, count) :
			      -EINVAL;
		fd_drop(h, &f);
	}
	scratch_reset(h);
	return ret;
}

int64_t sim_write(struct simhost *h, int fd, uint64_t buffer, uint64_t count)
{
	struct sim_fd f;
	int64_t ret = fd_copy(h, fd, &f);

	if (!ret) {
		ret = f.file && f.file->ops->write ?
			      f.file->ops->write(f.file, buffer, count) :
			      -EINVAL;
		fd_drop(h, &f);
	}
	scratch_reset(h);
	return ret;
}

int64_t sim_pread(struct simhost *h, int fd, uint64_t buffer, uint64_t count,
		  uint64_t offset)
{
	struct sim_fd f;
	int64_t ret = fd_copy(h, fd, &f);

	if (!ret) {
		ret = f.file && f.file->ops->read_at ?
			      f.file->ops->read_at(f.file, buffer, count,
						   offset) :
			      -ESPIPE;
		fd_drop(h, &f);
	}
	scratch_reset(h);
	return ret;
}

int64_t sim_pwrite(struct simhost *h, int fd, uint64_t buffer, uint64_t count,
		   uint64_t offset)
{
	struct sim_fd f;
	int64_t ret = fd_copy(h, fd, &f);

	if (!ret) {
		ret = f.file && f.file->ops->write_at ?
			      f.file->ops->write_at(f.file, buffer, count,
						    offset) :
			      -ESPIPE;
		fd_drop(h, &f);
	}
	scratch_reset(h);
	return ret;
}

void sim_event_write(struct simhost *h, int fd)
{
	struct ioas_uevent *event;
	struct sim_fd *f;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	assert_true(f && f->kind == SIM_FD_EVENT);
	event = f->event;
	event->count++;
	host_unlock(h);
	for (unsigned int i = 0; i < SIM_WATCHES; i++) {
		if (!event->watch[i].fn)
			continue;
		event->count = 0;
		event->watch[i].fn(event->watch[i].ctx);
	}
}

uint64_t sim_event_take(struct simhost *h, int fd)
{
	struct sim_fd *f;
	uint64_t count;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	assert_true(f && f->kind == SIM_FD_EVENT);
	count = f->event->count;
	f->event->count = 0;
	host_unlock(h);
	return count;
}

int sim_poll(struct simhost *h, int fd)
{
	int mask = IOAS_POLLIN | IOAS_POLLOUT | IOAS_POLLRDNORM |
		   IOAS_POLLWRNORM;
	struct sim_fd f;

	if (fd_copy(h, fd, &f))
		return -EBADF;
	if (f.file && f.file->ops->poll)
		mask = (int)f.file->ops->poll(f.file);
	fd_drop(h, &f);
	return mask;
}

int sim_mmap(struct simhost *h, int fd, const struct ioas_mmap_request *rq)
{
	struct sim_process *p = simhost_task(h)->process;
	struct sim_fd f;
	int m = 0, ret = fd_copy(h, fd, &f);

	if (ret)
		return ret;
	while (m < SIM_MAPPINGS && p->mappings[m].region)
		m++;
	assert_true(m < SIM_MAPPINGS);
	ret = f.file && f.file->ops->mmap ?
		      f.file->ops->mmap(f.file, rq, &p->mappings[m].region) :
		      -ENODEV;
	if (ret) {
		p->mappings[m].region = NULL;
		fd_drop(h, &f);
		return ret;
	}
	/* The mapping keeps the file open. */
	p->mappings[m].file = f.file;
	return m;
}

static struct sim_mapping *mapping(struct simhost *h, int m)
{
	struct sim_process *p = simhost_task(h)->process;

	assert_in_range(m, 0, SIM_MAPPINGS - 1);
	assert_non_null(p->mappings[m].region);
	return &p->mappings[m];
}

struct ioas_shm *sim_mapping_shm(struct simhost *h, int m)
{
	return &mapping(h, m)->region->shm;
}

void sim_munmap(struct simhost *h, int m)
{
	struct sim_mapping was = *mapping(h, m);

	*mapping(h, m) = (struct sim_mapping){ NULL, NULL };
	ioas_region_unmap(was.region);
	ioas_ufile_put(was.file);
}

static int command(struct simhost *h, int fd, uint32_t cmd, void *arg,
		   size_t size, bool read_only)
{
	const uint64_t at = sim_struct_at(h, size, read_only);
	int ret;

	sim_poke(h, at, arg, size);
	ret = sim_ioctl(h, fd, cmd, at);
	sim_peek(h, at, arg, size);
	return ret;
}

int sim_cmd(struct simhost *h, int fd, uint32_t cmd, void *arg, size_t size)
{
	return command(h, fd, cmd, arg, size, false);
}

int sim_cmd_read_only(struct simhost *h, int fd, uint32_t cmd, void *arg,
		      size_t size)
{
	return command(h, fd, cmd, arg, size, true);
}

/* ---- questions ----------------------------------------------------------- */

struct ioas_ufile *sim_file(struct simhost *h, int fd)
{
	struct sim_fd *f = sim_fd_find(simhost_task(h)->process, fd);

	assert_true(f && f->kind == SIM_FD_OURS);
	return f->file;
}

struct ioas_iommufd *sim_context(struct simhost *h, int fd)
{
	struct ioas_iommufd *ictx = ioas_iommufd_of_file(sim_file(h, fd));

	assert_non_null(ictx);
	return ictx;
}

struct ioas_origin *sim_file_memory(struct simhost *h, int fd)
{
	struct sim_fd *f = sim_fd_find(simhost_task(h)->process, fd);

	assert_true(f && f->kind == SIM_FD_OTHER && f->memory);
	return f->memory;
}

unsigned int sim_nr_fds(struct simhost *h)
{
	const struct sim_process *p = simhost_task(h)->process;
	unsigned int nr = 0;

	host_lock(h);
	for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++)
		nr += p->fds[fd].kind != SIM_FD_FREE;
	host_unlock(h);
	return nr;
}

struct sim_lend *sim_lend_find(struct simhost *h, const void *memory)
{
	for (unsigned int i = 0; i < SIM_LENDS; i++)
		if (h->lends[i].memory == memory)
			return &h->lends[i];
	return NULL;
}

struct ioas_ufile *sim_lent_to(struct simhost *h, const void *memory,
			       uint64_t *offset)
{
	struct ioas_ufile *file = NULL;
	const struct sim_lend *l;

	host_lock(h);
	l = sim_lend_find(h, memory);
	if (l) {
		file = l->file;
		*offset = l->offset;
	}
	host_unlock(h);
	return file;
}

unsigned int sim_nr_contexts(struct simhost *h)
{
	unsigned int nr = 0;

	ioas_mutex_lock(&h->uapi->lock, IOAS_RANK_UAPI);
	ioas_list_for_each(l, &h->uapi->contexts)
		nr++;
	ioas_mutex_unlock(&h->uapi->lock);
	return nr;
}
