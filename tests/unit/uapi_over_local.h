/* SPDX-License-Identifier: MIT */
/*
 * uapi over local: cases that were written for the simulated host, over the
 * host of this process
 *
 *   uapi_fixture.h    cases --> simulated machine
 *   this              the same cases --> real memory, at the same addresses
 *
 * Takes the place of uapi_fixture.h where UAPI_OVER_LOCAL is defined: the words
 * of simhost.h that such cases use, as far as they go. A process is one in
 * accounting only, all have the memory and the descriptors of this one.
 * Scattered memory is pages of a file in another order, a run is private
 * memory, whose frames are as its addresses.
 */
#ifndef TESTS_UNIT_UAPI_OVER_LOCAL_H
#define TESTS_UNIT_UAPI_OVER_LOCAL_H

#include "core/account.h"
#include "host/local.h"
#include "host/process.h"
#include "memory_test.h"
#include "uclient.h"

#define SIM_PROCESSES 4
#define SIM_USERS 2
#define SIM_RANGES 32
#define SCRATCH 0x10000u
#define SCRATCH_RO 0x20000u
#define SCRATCH_BYTES (8 * PAGE)
#define SCRATCH_RO_BYTES (2 * PAGE)
/* Behind what cases map. */
#define LAST_ADDRESS 0x1000000u

enum sim_layout { IOAS_SIM_CONSECUTIVE, IOAS_SIM_SCATTERED, IOAS_SIM_RUNS };
enum { IOAS_SIM_READ_ONLY = 1 };

struct simhost_options {
	bool no_test_abi;
	/* Pages; 0: none to speak of. */
	uint64_t lock_limit;
};

struct sim_task {
	struct {
		bool resource;
		bool lock_unlimited;
	} caller;
};

struct sim_process {
	struct ioas_local_process *local;
	struct ioas_principal *principal;
	struct ioas_mm *mm;
	struct sim_task tasks[1];
};

struct simhost {
	struct ioas_local *l;
	struct ioas_user *users[SIM_USERS];
	struct sim_process processes[SIM_PROCESSES];
	unsigned int nr_processes;
	struct sim_process *current;
	uint64_t lock_limit;
	/* What sim_map_memory() mapped. */
	struct {
		void *at;
		size_t length;
	} ranges[SIM_RANGES];
	unsigned int nr_ranges;
	/* Files that are not ours; -1: closed. */
	int files[16];
	unsigned int nr_files;
	/* Bytes at any address, whatever its protection. */
	int mem;
	size_t used;
};

struct uapi_test {
	struct simhost *h;
	struct sim_process *p;
	struct uclient c;
};

#include "uapi_words.h"

/* ---- memory -------------------------------------------------------------- */

static inline void *place(struct simhost *h, uint64_t at, size_t length,
			  int flags, int fd, uint64_t offset)
{
	void *p = mmap((void *)(uintptr_t)at, length, PROT_READ | PROT_WRITE,
		       flags | MAP_FIXED_NOREPLACE, fd, (off_t)offset);

	if (p != (void *)(uintptr_t)at)
		fail_msg("%#llx is in use", (unsigned long long)at);
	assert_true(h->nr_ranges < SIM_RANGES);
	return p;
}

/* Each page from another part of the file than its neighbours. */
static inline void place_scattered(struct simhost *h, uint64_t at,
				   size_t length)
{
	const size_t nr = length / PAGE;
	const int fd = memfd(2 * nr);

	for (size_t i = 0; i < nr; i++)
		place(h, at + i * PAGE, PAGE, MAP_SHARED, fd,
		      2 * PAGE * (i % 2 ? i / 2 : nr - 1 - i / 2));
	close(fd);
}

static inline void sim_map_memory(struct simhost *h, uint64_t at,
				  uint64_t length, enum sim_layout layout,
				  unsigned int flags)
{
	void *p = (void *)(uintptr_t)at;

	/* Nobody can poke a file's memory that is read only. */
	if (layout == IOAS_SIM_SCATTERED && !(flags & IOAS_SIM_READ_ONLY))
		place_scattered(h, at, (size_t)length);
	else
		place(h, at, (size_t)length, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (flags & IOAS_SIM_READ_ONLY)
		assert_int_equal(mprotect(p, (size_t)length, PROT_READ), 0);
	h->ranges[h->nr_ranges].at = p;
	h->ranges[h->nr_ranges++].length = (size_t)length;
}

static inline void sim_unmap_memory(struct simhost *h, uint64_t at,
				    uint64_t length)
{
	(void)h;
	assert_int_equal(munmap((void *)(uintptr_t)at, (size_t)length), 0);
}

static inline void sim_poke(struct simhost *h, uint64_t at, const void *data,
			    size_t length)
{
	assert_int_equal(pwrite(h->mem, data, length, (off_t)at), length);
}

static inline void sim_peek(struct simhost *h, uint64_t at, void *data,
			    size_t length)
{
	assert_int_equal(pread(h->mem, data, length, (off_t)at), length);
}

static inline uint64_t sim_put(struct simhost *h, const void *data,
			       size_t length)
{
	const uint64_t at = SCRATCH + h->used;

	assert_true(length <= SCRATCH_BYTES - h->used);
	sim_poke(h, at, data, length);
	h->used += (length + 7) & ~(size_t)7;
	return at;
}

static inline uint64_t sim_room(struct simhost *h, size_t length)
{
	static const char zero[SCRATCH_BYTES];

	return sim_put(h, zero, length);
}

static inline uint64_t sim_struct_at(struct simhost *h, size_t length,
				     bool read_only)
{
	(void)h;
	return (read_only ? SCRATCH_RO + SCRATCH_RO_BYTES :
			    SCRATCH + SCRATCH_BYTES) -
	       length;
}

static inline uint64_t sim_hole(struct simhost *h)
{
	return sim_struct_at(h, 0, false);
}

/* ---- calls --------------------------------------------------------------- */

static inline struct sim_task *simhost_task(struct simhost *h)
{
	return h->current->tasks;
}

/* What the case has said of the task until now. */
static inline void rights_set(struct simhost *h)
{
	const struct sim_task *t = simhost_task(h);

	atomic_store(&h->current->local->resource, t->caller.resource);
	atomic_store(&h->current->local->lock_unlimited,
		     t->caller.lock_unlimited);
}

static inline int sim_ioctl(struct simhost *h, int fd, uint32_t cmd,
			    uint64_t arg)
{
	rights_set(h);
	h->used = 0;
	return (int)ioas_local_ioctl(h->l, fd, cmd, arg);
}

static inline int command(struct simhost *h, int fd, uint32_t cmd, void *arg,
			  size_t size, bool read_only)
{
	const uint64_t at = sim_struct_at(h, size, read_only);
	int ret;

	sim_poke(h, at, arg, size);
	ret = sim_ioctl(h, fd, cmd, at);
	sim_peek(h, at, arg, size);
	return ret;
}

static inline int sim_cmd(struct simhost *h, int fd, uint32_t cmd, void *arg,
			  size_t size)
{
	return command(h, fd, cmd, arg, size, false);
}

static inline int sim_cmd_read_only(struct simhost *h, int fd, uint32_t cmd,
				    void *arg, size_t size)
{
	return command(h, fd, cmd, arg, size, true);
}

static inline int sim_open(struct simhost *h, unsigned int flags)
{
	return ioas_local_open(h->l, flags, 0);
}

static inline int file_keep(struct simhost *h, int fd)
{
	assert_true(fd >= 0 && h->nr_files < 16);
	h->files[h->nr_files++] = fd;
	return fd;
}

static inline int sim_open_file(struct simhost *h, uint64_t pages,
				enum sim_layout layout)
{
	(void)layout;
	return file_keep(h, memfd((size_t)pages));
}

static inline int sim_open_other(struct simhost *h)
{
	return file_keep(h, open("/dev/null", O_RDWR | O_CLOEXEC));
}

static inline int sim_close(struct simhost *h, int fd)
{
	for (unsigned int i = 0; i < h->nr_files; i++) {
		if (h->files[i] != fd)
			continue;
		h->files[i] = -1;
		return close(fd);
	}
	return ioas_local_close(h->l, fd);
}

/* There is one table of descriptors. */
static inline int sim_send(struct simhost *h, int fd, struct sim_process *to)
{
	(void)to;
	return ioas_local_dup(h->l, fd, 0);
}

/* ---- the transport ------------------------------------------------------- */

static inline int over_call(void *ctx, int fd, uint32_t cmd, void *arg,
			    size_t size)
{
	return sim_cmd(ctx, fd, cmd, arg, size);
}

static inline int over_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	return sim_ioctl(ctx, fd, cmd, arg);
}

static inline int64_t over_read(void *ctx, int fd, void *buffer, size_t count)
{
	return uc_local.read(((struct simhost *)ctx)->l, fd, buffer, count);
}

static inline int64_t over_write(void *ctx, int fd, const void *buffer,
				 size_t count)
{
	return uc_local.write(((struct simhost *)ctx)->l, fd, buffer, count);
}

static inline int over_poll(void *ctx, int fd)
{
	return uc_local.poll(((struct simhost *)ctx)->l, fd);
}

static inline int over_close(void *ctx, int fd)
{
	return sim_close(ctx, fd);
}

static const struct uc_transport over_local = {
	.call = over_call,
	.value = over_value,
	.read = over_read,
	.write = over_write,
	.poll = over_poll,
	.close = over_close,
};

/* ---- processes ----------------------------------------------------------- */

static inline struct sim_process *simhost_process(struct simhost *h,
						  unsigned int user)
{
	const struct ioas_local_rights rights = {
		.lock_unlimited = IOAS_LOCAL_NO,
		.resource = IOAS_LOCAL_NO,
		.own_limit = true,
		.lock_limit = h->lock_limit,
	};
	struct sim_process *p = &h->processes[h->nr_processes++];

	assert_true(h->nr_processes <= SIM_PROCESSES && user < SIM_USERS);
	expect_ok(ioas_local_process_create(h->l, &rights, user, &p->local));
	p->principal = p->local->principal;
	p->mm = p->principal->mm;
	h->users[user] = p->principal->user;
	return p;
}

static inline void simhost_enter(struct simhost *h, struct sim_process *p)
{
	ioas_local_process_enter(h->l, p->local);
	h->current = p;
}

static inline uint64_t pins(struct uapi_test *t)
{
	return ioas_local_pinned(t->h->l);
}

static inline unsigned int sim_nr_contexts(struct simhost *h)
{
	unsigned int nr = 0;

	ioas_list_for_each(l, &ioas_local_uapi(h->l)->contexts)
		nr++;
	return nr;
}

/* ---- life ---------------------------------------------------------------- */

static inline void over_begin(struct uapi_test *t, struct simhost *h,
			      const struct simhost_options *o)
{
	const struct ioas_local_options opts = { .test_abi = !o->no_test_abi };

	/* A case that failed left them. */
	munmap((void *)(uintptr_t)SCRATCH, LAST_ADDRESS - SCRATCH);
	*h = (struct simhost){
		.lock_limit = o->lock_limit ? o->lock_limit * PAGE : INT64_MAX,
		.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC),
	};
	assert_true(h->mem >= 0);
	assert_int_equal(ioas_local_create(&opts, &h->l), 0);
	sim_map_memory(h, SCRATCH, SCRATCH_BYTES, IOAS_SIM_RUNS, 0);
	sim_map_memory(h, SCRATCH_RO, SCRATCH_RO_BYTES, IOAS_SIM_RUNS,
		       IOAS_SIM_READ_ONLY);
	sim_map_memory(h, VA_SCATTERED, VA_PAGES * PAGE, IOAS_SIM_SCATTERED, 0);
	sim_map_memory(h, VA_RUN, VA_PAGES * PAGE, IOAS_SIM_CONSECUTIVE, 0);
	sim_map_memory(h, VA_READ_ONLY, VA_READ_ONLY_PAGES * PAGE,
		       IOAS_SIM_SCATTERED, IOAS_SIM_READ_ONLY);
	t->h = h;
	t->p = simhost_process(h, 0);
	simhost_enter(h, t->p);
	t->c = (struct uclient){ .transport = &over_local,
				 .ctx = h,
				 .fd = sim_open(h, 0) };
	assert_true(t->c.fd >= 0);
}

static inline void over_end(struct simhost *h)
{
	ioas_list_for_each(l, &ioas_local_uapi(h->l)->contexts)
		assert_int_equal(ioas_iommufd_validate(ioas_list_entry(
					 l, struct ioas_iommufd, link)),
				 0);
	/* Whatever the case left open; 0 to 2 are not its own. */
	for (int fd = 3; fd < 256; fd++)
		if (fd != h->mem)
			(void)ioas_local_close(h->l, fd);
	assert_int_equal(sim_nr_contexts(h), 0);
	assert_int_equal(ioas_local_pinned(h->l), 0);
	for (unsigned int i = 0; i < h->nr_processes; i++) {
		const struct sim_process *p = &h->processes[i];

		assert_int_equal(atomic_load(&p->principal->user->charged), 0);
		assert_int_equal(atomic_load(&p->mm->charged), 0);
		assert_int_equal(atomic_load(&p->mm->pinned), 0);
	}
	ioas_local_process_enter(h->l, NULL);
	ioas_local_destroy(h->l);
	for (unsigned int i = 0; i < h->nr_ranges; i++)
		munmap(h->ranges[i].at, h->ranges[i].length);
	for (unsigned int i = 0; i < h->nr_files; i++)
		if (h->files[i] >= 0)
			close(h->files[i]);
	close(h->mem);
}

struct over_case {
	void (*test)(void **state);
	const struct simhost_options *opts;
};

/* In the test itself, because of its signals: see uapi_local.h. */
static inline void over_run(void **state)
{
	static const struct simhost_options none;
	const struct over_case *c = *state;
	const size_t blocks = blocks_now();
	const unsigned int shared = shared_now();
	struct simhost h;
	struct uapi_test t;
	void *arg = &t;

	if (sysconf(_SC_PAGESIZE) != PAGE) {
		print_message("# skipped: pages are not of 4 KiB\n");
		return;
	}
	if ((uintptr_t)&over_run < LAST_ADDRESS) {
		print_message("# skipped: the program itself lies there\n");
		return;
	}
	page_size = PAGE;
	over_begin(&t, &h, c->opts ? c->opts : &none);
	c->test(&arg);
	over_end(&h);
	assert_int_equal(blocks_now(), blocks);
	assert_int_equal(shared_now(), shared);
}

#define uapi_case_with(f, options)  \
	{ #f, over_run, NULL, NULL, \
	  &(struct over_case){ (f), (options) } }
#define uapi_case(f) uapi_case_with(f, NULL)

#endif
