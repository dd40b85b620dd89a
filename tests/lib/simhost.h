/* SPDX-License-Identifier: MIT */
/*
 * simhost: a simulated host of the front end (src/uapi/host.h)
 *
 *    struct simhost          one machine: simulator, frames, an instance
 *       |- process 0..7      memory, descriptors 3.., mappings, who pays
 *       |     `- task 0..3   a caller: capabilities, faults, scratch memory
 *       `- users 0..1        shared by their processes
 *
 *    memory of a process, in pages
 *    |      16 ..... 23 |      | 32 33 |      | ... what the test maps
 *    hole   scratch 0   hole ..| r/o 0 | hole
 *           task 1: 48 .. 55 and 64 65, and so on
 *
 * Everything is deterministic, and every "system call" below runs for the task
 * that this thread has entered. Addresses are numbers: what is behind one is
 * looked up in the process, page by page, and a page that is missing, or
 * read-only and to be written, is -EFAULT after the bytes before it have been
 * copied.
 *
 * A struct for a request is placed so that it ends where its scratch memory
 * does: whoever reads or writes beyond the size that it was given meets a hole.
 *
 * Locks: h->lock (rank LEAF) guards descriptors and counters; anything else of
 * a process belongs to the thread that set it up.
 */
#ifndef TESTS_LIB_SIMHOST_H
#define TESTS_LIB_SIMHOST_H

#include "core/account.h"
#include "origin/frames.h"
#include "origin/sim.h"
#include "seam/caller.h"
#include "uapi/iommufd.h"

#define SIM_PROCESSES 8
#define SIM_TASKS 4
#define SIM_USERS 2
#define SIM_FIRST_FD 3
#define SIM_FDS 64
#define SIM_MAPPINGS 16
#define SIM_LENDS 32

/* Pages of the scratch memory of task 0; the next task's lie 32 further on. */
#define SIM_SCRATCH_PAGE 16u
#define SIM_SCRATCH_PAGES 8u
#define SIM_READ_ONLY_PAGE 32u
#define SIM_READ_ONLY_PAGES 2u
#define SIM_TASK_STRIDE 32u

struct simhost;
struct sim_process;

struct simhost_options {
	uint8_t page_lg2; /* 0: 12 */
	uint8_t huge_lg2; /* 0: 21 */
	uint64_t seed;
	bool no_test_abi;
	/* Lock limit of each process, in pages; 0: none to speak of. */
	uint64_t lock_limit;
};

struct sim_task {
	/* mm and principal are the process's; the rest is the test's to set. */
	struct ioas_caller caller;
	struct sim_process *process;
	uint64_t scratch;
	uint64_t read_only;
	/* Scratch bytes in use, from below. */
	uint64_t used;
};

enum sim_fd_kind {
	SIM_FD_FREE,
	SIM_FD_RESERVED,
	/* A file of the front end. */
	SIM_FD_OURS,
	/* An eventfd. */
	SIM_FD_EVENT,
	/* Any other: memory, or nothing that can be pinned. */
	SIM_FD_OTHER,
};

struct sim_fd {
	enum sim_fd_kind kind;
	unsigned int flags;
	struct ioas_ufile *file;
	/* NULL: not memory. */
	struct ioas_origin *memory;
	struct ioas_uevent *event;
};

#define SIM_WATCHES 4

/* An eventfd. Under h->lock. */
struct ioas_uevent {
	uint32_t refs;
	uint64_t count;
	/* Who watches it; fn NULL: unused. */
	struct {
		void (*fn)(void *ctx);
		void *ctx;
	} watch[SIM_WATCHES];
};

/* One mmap of a descriptor. */
struct sim_mapping {
	struct ioas_region *region;
	struct ioas_ufile *file;
};

/* Memory of no file that is in one for now; file NULL: unused. */
struct sim_lend {
	void *memory;
	struct ioas_ufile *file;
	uint64_t offset;
};

struct sim_process {
	struct simhost *h;
	/* Its pages count from address 0. */
	struct ioas_origin *memory;
	struct ioas_mm *mm;
	struct ioas_principal *principal;
	struct sim_task tasks[SIM_TASKS];
	bool live;
	/* Under h->lock. Numbers are below @limit. */
	struct sim_fd fds[SIM_FDS];
	int32_t limit;
	struct sim_mapping mappings[SIM_MAPPINGS];
};

struct simhost {
	struct ioas_host host;
	struct ioas_uapi *uapi;
	struct ioas_sim *sim;
	struct ioas_frames frames;
	struct ioas_user *users[SIM_USERS];
	struct sim_process processes[SIM_PROCESSES];
	/* Memory that no pin succeeds on: files that are not memory. */
	struct ioas_origin barren;
	struct ioas_caller *outside;
	uint64_t lock_limit;

	/* Refuse, as a host that is short of memory. */
	bool refuse_user_origin;
	bool refuse_file_origin;
	bool refuse_fd;
	bool refuse_shm;

	/* Before each copy of a caller's memory: a place to be slow. */
	void (*before_copy)(void);
	/* After each request; NULL: nobody looks. */
	void (*on_command)(struct simhost *h,
			   const struct ioas_host_command *c);

	struct ioas_mutex lock;
	/* Under lock: calls of file_changed, and the file of the last one. */
	uint64_t nr_changed;
	struct ioas_ufile *last_changed;
	/* Under lock: pieces of shared memory; where the last one went. */
	uint64_t nr_shm;
	struct ioas_ufile *last_shm;
	uint64_t last_shm_offset;
	/* Under lock: what is lent. */
	struct sim_lend lends[SIM_LENDS];
	/* Under lock: eventfds that live. */
	uint64_t nr_events;
};

/*
 * With process 0, of user 0, which this thread enters. A failure ends the test.
 * @opts may be NULL.
 */
struct simhost *simhost_create(const struct simhost_options *opts);
/*
 * Processes exit, then all of it goes: no context, pin, charge, reserved
 * descriptor or reference may be left, each of which fails the test.
 */
void simhost_destroy(struct simhost *h);

/* ---- processes ---------------------------------------------------------- */

/*
 * Another process, with scratch memory, of user @user: at most SIM_PROCESSES
 * in the life of a host.
 */
struct sim_process *simhost_process(struct simhost *h, unsigned int user);
/* Mappings, descriptors and memory go, in this order; so does the identity. */
void simhost_exit(struct sim_process *p);
/* From now on this thread is that task; the other form is task 0. */
void simhost_enter_task(struct sim_process *p, unsigned int task);
void simhost_enter(struct simhost *h, struct sim_process *p);
/* Back to what the thread was when the host was created. */
void simhost_leave(struct simhost *h);
/* Who this thread is. */
struct sim_task *simhost_task(struct simhost *h);

/* ---- memory of the current process -------------------------------------- */

/* Fresh pages; a failure ends the test. */
void sim_map_memory(struct simhost *h, uint64_t address, uint64_t length,
		    enum ioas_sim_layout layout, unsigned int flags);
void sim_unmap_memory(struct simhost *h, uint64_t address, uint64_t length);
/* Bytes at an address, whatever their protection; a hole ends the test. */
void sim_poke(struct simhost *h, uint64_t address, const void *data,
	      size_t length);
void sim_peek(struct simhost *h, uint64_t address, void *data, size_t length);

/*
 * Room in the scratch memory: zeroed, or a copy of @data. It is good for the
 * next system call, and may still be read after it.
 */
uint64_t sim_room(struct simhost *h, size_t length);
uint64_t sim_put(struct simhost *h, const void *data, size_t length);
/* Where a struct of @length bytes is placed: a hole follows. */
uint64_t sim_struct_at(struct simhost *h, size_t length, bool read_only);
/* An address where nothing is. */
uint64_t sim_hole(struct simhost *h);

/* ---- system calls: a result, or -errno ---------------------------------- */

/* @flags: enum ioas_open_flags. */
int sim_open(struct simhost *h, unsigned int flags);
/* A file of simulated memory of so many pages; or one that is not memory. */
int sim_open_file(struct simhost *h, uint64_t nr_pages,
		  enum ioas_sim_layout layout);
/* A file of memory that the test has made; takes a reference of its own. */
int sim_open_memory(struct simhost *h, struct ioas_origin *memory);
int sim_open_other(struct simhost *h);
/* An eventfd. */
int sim_open_event(struct simhost *h);
/* A file of the front end that the test has opened; takes its reference. */
int sim_open_ufile(struct simhost *h, struct ioas_ufile *file);
int sim_close(struct simhost *h, int fd);
int sim_dup(struct simhost *h, int fd);
/* As SCM_RIGHTS: a number in @to, for the file behind @fd. */
int sim_send(struct simhost *h, int fd, struct sim_process *to);

int sim_ioctl(struct simhost *h, int fd, uint32_t cmd, uint64_t arg);
int64_t sim_read(struct simhost *h, int fd, uint64_t buffer, uint64_t count);
int64_t sim_write(struct simhost *h, int fd, uint64_t buffer, uint64_t count);
int64_t sim_pread(struct simhost *h, int fd, uint64_t buffer, uint64_t count,
		  uint64_t offset);
int64_t sim_pwrite(struct simhost *h, int fd, uint64_t buffer, uint64_t count,
		   uint64_t offset);
/* What read(2) on an eventfd would give: how often it was signalled since. */
uint64_t sim_event_take(struct simhost *h, int fd);
/* write(2) of 1 to it: who watches is called before this returns. */
void sim_event_write(struct simhost *h, int fd);
/* A mask of enum ioas_poll. */
int sim_poll(struct simhost *h, int fd);
/* A number for the two below. */
int sim_mmap(struct simhost *h, int fd, const struct ioas_mmap_request *rq);
struct ioas_shm *sim_mapping_shm(struct simhost *h, int mapping);
void sim_munmap(struct simhost *h, int mapping);

/*
 * The struct goes to the scratch memory, the ioctl is made, and what is there
 * then comes back, whatever the result. @size need not be what it says itself.
 */
int sim_cmd(struct simhost *h, int fd, uint32_t cmd, void *arg, size_t size);
/* The same from memory that cannot be written. */
int sim_cmd_read_only(struct simhost *h, int fd, uint32_t cmd, void *arg,
		      size_t size);

/* ---- what the tests ask ------------------------------------------------- */

/* The file behind a descriptor of ours, and its context; or the test ends. */
struct ioas_ufile *sim_file(struct simhost *h, int fd);
struct ioas_iommufd *sim_context(struct simhost *h, int fd);
/* The memory behind a descriptor that sim_open_file() made. */
struct ioas_origin *sim_file_memory(struct simhost *h, int fd);
/* Descriptors of the current process that are open or reserved. */
unsigned int sim_nr_fds(struct simhost *h);
unsigned int sim_nr_contexts(struct simhost *h);
/* The file that @memory of no file is lent to; NULL: none. Its offset there. */
struct ioas_ufile *sim_lent_to(struct simhost *h, const void *memory,
			       uint64_t *offset);

#endif
