/* SPDX-License-Identifier: MIT */
/*
 * uapi over system: cases that were written for the simulated host, over
 * /dev/iommu, whoever provides it
 *
 *   uapi_fixture.h    cases --> simulated machine
 *   this              the same cases --> system calls, real memory at the same
 *                     addresses
 *
 * Takes the place of uapi_fixture.h where UAPI_OVER_SYSTEM is defined. There is
 * one process, this one. Its rights are capabilities, its lock limit is
 * RLIMIT_MEMLOCK, its pins are what /proc/self/status says. Cases that look into
 * the host, or need a second process, are skipped.
 */
#ifndef TESTS_UNIT_UAPI_OVER_SYSTEM_H
#define TESTS_UNIT_UAPI_OVER_SYSTEM_H

#include <fcntl.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uclient.h"

#define SIM_RANGES 32
#define SCRATCH 0x10000u
#define SCRATCH_RO 0x20000u
#define SCRATCH_BYTES (8 * PAGE)
#define SCRATCH_RO_BYTES (2 * PAGE)
/* Behind what cases map. */
#define LAST_ADDRESS 0x1000000u
/* Descriptors of a case are below. */
#define LAST_FD 1024
#define SIM_FIRST_FD 3
#define SIM_FDS 64

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

/* What cases that are skipped would look at. */
struct sim_user {
	_Atomic uint64_t charged;
};

struct sim_mm {
	_Atomic uint64_t charged;
	_Atomic uint64_t pinned;
};

struct sim_principal {
	_Atomic uint64_t limit;
};

struct sim_process {
	struct sim_principal *principal;
	struct sim_mm *mm;
	struct sim_task *tasks;
	void *memory;
};

struct simhost {
	struct sim_user *users[2];
	struct sim_task task;
	/* What sim_map_memory() mapped. */
	struct {
		void *at;
		size_t length;
	} ranges[SIM_RANGES];
	unsigned int nr_ranges;
	/* Bytes at any address, whatever its protection. */
	int mem;
	size_t used;
	/* For cases that are skipped; the other cannot be seen. */
	bool refuse_shm;
	uint64_t nr_shm;
};

struct uapi_test {
	struct simhost *h;
	struct sim_process *p;
	struct uclient c;
};

#include "uapi_words.h"

/*
 * By their names: they look at the totals of users and processes; those of
 * VIOMMUs, at offsets of mmap, which begin elsewhere, or at memory of the host;
 * the last one asks that descriptor 0 is not open.
 */
static const char *const looks_inside[] = {
	"copy_shares_the_pins_and_the_charge",
	"hwpt_beyond_the_lock_limit_is_enomem",
	"map_beyond_the_lock_limit_is_enomem",
	"map_dma_of_missing_memory_with_a_domain_is_efault",
	"memory_beyond_the_limit_is_enomem",
	"rlimit_mode_is_set_and_got_and_decides_who_pays",
	"viommu_without_memory_to_share_is_enomem",
	"viommu_data_that_cannot_be_written_are_efault_undone",
	"viommu_copy_out_fault_is_efault_and_undone",
	"viommu_data_are_written_up_to_their_length",
	"map_file_of_nothing_open_is_ebadf",
};

/* ---- memory -------------------------------------------------------------- */

static inline int memory_file(size_t pages)
{
	const int fd = memfd_create("case", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(pages * PAGE)), 0);
	return fd;
}

static inline void place(struct simhost *h, uint64_t at, size_t length,
			 int flags, int fd, uint64_t offset)
{
	void *p = mmap((void *)(uintptr_t)at, length, PROT_READ | PROT_WRITE,
		       flags | MAP_FIXED_NOREPLACE, fd, (off_t)offset);

	if (p != (void *)(uintptr_t)at)
		fail_msg("%#llx is in use", (unsigned long long)at);
	assert_true(h->nr_ranges < SIM_RANGES);
}

/* Each page from another part of the file than its neighbours. */
static inline void place_scattered(struct simhost *h, uint64_t at,
				   size_t length)
{
	const size_t nr = length / PAGE;
	const int fd = memory_file(2 * nr);

	for (size_t i = 0; i < nr; i++)
		place(h, at + i * PAGE, PAGE, MAP_SHARED, fd,
		      2 * PAGE * (i % 2 ? i / 2 : nr - 1 - i / 2));
	/* Stays open to the end of the case: whoever maps it may look for it. */
}

static inline void sim_map_memory(struct simhost *h, uint64_t at,
				  uint64_t length, enum sim_layout layout,
				  unsigned int flags)
{
	void *p = (void *)(uintptr_t)at;

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

/* ---- rights -------------------------------------------------------------- */

static inline void capabilities(bool set, struct __user_cap_data_struct *caps)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };

	assert_int_equal(syscall(set ? SYS_capset : SYS_capget, &head, caps),
			 0);
}

/* Whether it is permitted. */
static inline bool capability(unsigned int nr, bool on)
{
	struct __user_cap_data_struct caps[2];
	const uint32_t bit = 1u << (nr % 32);

	capabilities(false, caps);
	if (!(caps[nr / 32].permitted & bit))
		return !on;
	if (on)
		caps[nr / 32].effective |= bit;
	else
		caps[nr / 32].effective &= ~bit;
	capabilities(true, caps);
	return true;
}

static inline struct sim_task *simhost_task(struct simhost *h)
{
	return &h->task;
}

/* What the case has said of the task until now. */
static inline void rights_set(struct simhost *h)
{
	if (!capability(CAP_SYS_RESOURCE, h->task.caller.resource) ||
	    !capability(CAP_IPC_LOCK, h->task.caller.lock_unlimited)) {
		print_message("# not permitted here\n");
		skip();
	}
}

/* The soft limit; the hard one as far as it may be had. */
static inline void lock_limit_set(uint64_t pages)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	capability(CAP_SYS_RESOURCE, true);
	if (setrlimit(RLIMIT_MEMLOCK, &rl))
		assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &rl), 0);
	rl.rlim_cur = pages ? pages * PAGE : rl.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &rl), 0);
}

/* ---- calls --------------------------------------------------------------- */

static inline int sim_ioctl(struct simhost *h, int fd, uint32_t cmd,
			    uint64_t arg)
{
	int ret;

	rights_set(h);
	h->used = 0;
	ret = ioctl(fd, (unsigned long)cmd, (unsigned long)arg);
	return ret < 0 ? -errno : ret;
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
	(void)h;
	(void)flags;
	return open("/dev/iommu", O_RDWR);
}

static inline int sim_open_file(struct simhost *h, uint64_t pages,
				enum sim_layout layout)
{
	(void)h;
	(void)layout;
	return memory_file((size_t)pages);
}

static inline int sim_open_other(struct simhost *h)
{
	(void)h;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static inline int sim_close(struct simhost *h, int fd)
{
	(void)h;
	return close(fd) ? -errno : 0;
}

static inline int over_call(void *ctx, int fd, uint32_t cmd, void *arg,
			    size_t size)
{
	return sim_cmd(ctx, fd, cmd, arg, size);
}

static inline int over_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	return sim_ioctl(ctx, fd, cmd, arg);
}

static struct uc_transport over_system;

static inline int sim_dup(struct simhost *h, int fd)
{
	const int ret = dup(fd);

	(void)h;
	return ret < 0 ? -errno : ret;
}

/* ---- what there is not: such a case ends here ---------------------------- */

static inline void not_here(const char *what)
{
	print_message("# no %s here\n", what);
	skip();
}

static inline struct sim_process *simhost_process(struct simhost *h,
						  unsigned int user)
{
	(void)h;
	(void)user;
	not_here("second process");
	return NULL;
}

static inline void simhost_enter(struct simhost *h, struct sim_process *p)
{
	(void)h;
	(void)p;
	not_here("second process");
}

static inline void simhost_exit(struct sim_process *p)
{
	(void)p;
	not_here("second process");
}

static inline int sim_send(struct simhost *h, int fd, struct sim_process *to)
{
	(void)h;
	(void)fd;
	(void)to;
	not_here("second process");
	return -1;
}

static inline unsigned int sim_nr_contexts(struct simhost *h)
{
	(void)h;
	not_here("look at contexts");
	return 0;
}

static inline void *sim_file_memory(struct simhost *h, int fd)
{
	(void)h;
	(void)fd;
	not_here("simulated memory");
	return NULL;
}

typedef uint64_t ioas_pfn_t;

static inline int ioas_sim_protect(void *memory, uint64_t page, uint64_t nr,
				   bool read_only)
{
	(void)memory;
	(void)page;
	(void)nr;
	(void)read_only;
	not_here("simulated memory");
	return -1;
}

static inline bool ioas_sim_frame_at(void *memory, uint64_t page,
				     ioas_pfn_t *pfn)
{
	(void)memory;
	(void)page;
	*pfn = 0;
	not_here("simulated memory");
	return false;
}

static inline int ioas_sim_read(void *memory, uint64_t at, void *buffer,
				uint64_t length)
{
	(void)memory;
	(void)at;
	(void)buffer;
	(void)length;
	not_here("simulated memory");
	return -1;
}

static inline int ioas_sim_alias(void *memory, uint64_t page, uint64_t nr,
				 void *of, uint64_t from)
{
	(void)memory;
	(void)page;
	(void)nr;
	(void)of;
	(void)from;
	not_here("simulated memory");
	return -1;
}

/* ---- life ---------------------------------------------------------------- */

/* Of this process, as the system says. */
static inline uint64_t pins(struct uapi_test *t)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kb = UINT64_MAX;
	char line[256];

	(void)t;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPin: %llu kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024 / PAGE;
}

static inline void close_all(void)
{
	for (int fd = SIM_FIRST_FD; fd < LAST_FD; fd++)
		close(fd);
}

/* Whose totals nobody may look at. */
static struct sim_process nobody;

static inline void over_begin(struct uapi_test *t, struct simhost *h,
			      const struct simhost_options *o)
{
	/* A case that did not reach its end left them. */
	close_all();
	for (unsigned int i = 0; i < h->nr_ranges; i++)
		munmap(h->ranges[i].at, h->ranges[i].length);
	munmap((void *)(uintptr_t)SCRATCH, LAST_ADDRESS - SCRATCH);
	*h = (struct simhost){
		.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC),
	};
	assert_true(h->mem >= 0);
	lock_limit_set(o->lock_limit);
	sim_map_memory(h, SCRATCH, SCRATCH_BYTES, IOAS_SIM_RUNS, 0);
	sim_map_memory(h, SCRATCH_RO, SCRATCH_RO_BYTES, IOAS_SIM_RUNS,
		       IOAS_SIM_READ_ONLY);
	sim_map_memory(h, VA_SCATTERED, VA_PAGES * PAGE, IOAS_SIM_SCATTERED, 0);
	sim_map_memory(h, VA_RUN, VA_PAGES * PAGE, IOAS_SIM_CONSECUTIVE, 0);
	sim_map_memory(h, VA_READ_ONLY, VA_READ_ONLY_PAGES * PAGE,
		       IOAS_SIM_SCATTERED, IOAS_SIM_READ_ONLY);
	over_system = uc_system;
	over_system.call = over_call;
	over_system.value = over_value;
	t->h = h;
	t->p = &nobody;
	t->c = (struct uclient){ .transport = &over_system,
				 .ctx = h,
				 .fd = sim_open(h, 0) };
	assert_true(t->c.fd >= 0);
}

/* Whatever the case left open goes; then nothing may be held. */
static inline void over_end(struct uapi_test *t)
{
	struct simhost *h = t->h;

	close_all();
	assert_int_equal(pins(t), 0);
	t->c.fd = sim_open(h, 0);
	h->mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	expect_ok(uc_check_refs(&t->c, VA_SCATTERED, VA_PAGES * PAGE, 0));
	close(t->c.fd);
	close(h->mem);
	for (unsigned int i = 0; i < h->nr_ranges; i++)
		munmap(h->ranges[i].at, h->ranges[i].length);
	h->nr_ranges = 0;
}

struct over_case {
	void (*test)(void **state);
	const struct simhost_options *opts;
	const char *name;
};

static inline bool skipped(const struct over_case *c)
{
	for (size_t i = 0; i < sizeof(looks_inside) / sizeof(char *); i++)
		if (!strcmp(c->name, looks_inside[i]))
			return true;
	return sysconf(_SC_PAGESIZE) != PAGE ||
	       (uintptr_t)&skipped < LAST_ADDRESS || (c->opts &&
						      c->opts->no_test_abi);
}

/*
 * Not static: a case that is skipped leaves by a jump, and what it stored in
 * here before must be there for the next.
 */
struct simhost over_host;

static inline void over_run(void **state)
{
	static const struct simhost_options none;
	const struct over_case *c = *state;
	struct uapi_test t;
	void *arg = &t;

	if (skipped(c)) {
		skip();
		return;
	}
	over_begin(&t, &over_host, c->opts ? c->opts : &none);
	c->test(&arg);
	over_end(&t);
}

#define uapi_case_with(f, options)  \
	{ #f, over_run, NULL, NULL, \
	  &(struct over_case){ (f), (options), #f } }
#define uapi_case(f) uapi_case_with(f, NULL)

#endif
