/* SPDX-License-Identifier: MIT */
/*
 * crowd sim: the host is a simulated machine
 *
 * Threads are tasks of two processes, of two users; the last task of each is
 * nobody's, and closes descriptors that others put there. What may be mapped of
 * files is asked of the file itself: a process of the simulated host has its
 * mappings for one thread alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdlib.h>

#include "crowd.h"
#include "simhost.h"

#define MEMORY UINT64_C(0x1000000)
#define FIRST (MEMORY / PAGE)
#define SPARE (SIM_TASKS - 1)
/* Pages, for a user: now and then too few. */
#define LOCK_LIMIT 192

static struct simhost *h;
static int files[PROCESSES];

struct mapped {
	struct ioas_ufile *file;
	struct ioas_region *region;
};

static void process_fill(unsigned int i)
{
	simhost_enter(h, &h->processes[i]);
	sim_map_memory(h, MEMORY, PAGES_ANY * PAGE, IOAS_SIM_RUNS, 0);
	sim_map_memory(h, MEMORY + PAGES_ANY * PAGE, PAGES_RUN * PAGE,
		       IOAS_SIM_CONSECUTIVE, 0);
	sim_map_memory(h, MEMORY + (PAGES_ANY + PAGES_RUN) * PAGE,
		       PAGES_READ_ONLY * PAGE, IOAS_SIM_SCATTERED,
		       IOAS_SIM_READ_ONLY);
	files[i] = sim_open_file(h, PAGES_FILE, IOAS_SIM_RUNS);
	assert_true(files[i] >= 0);
	for (unsigned int task = 0; task < SIM_TASKS; task++)
		h->processes[i].tasks[task].caller.resource = true;
}

/* Now and then a copy waits for others, who see what is half done. */
static void dawdle(void)
{
	static _Thread_local struct prng prng;

	if (!prng_below(&prng, 64))
		sched_yield();
}

static void *sim_create(uint64_t seed, unsigned int threads)
{
	const struct simhost_options opts = { .seed = seed,
					      .lock_limit = LOCK_LIMIT };

	assert_true(threads <= CROWD_MAX);
	h = simhost_create(&opts);
	h->before_copy = dawdle;
	ioas_sim_set_pin_mode(h->sim, IOAS_SIM_PIN_RANDOM);
	simhost_process(h, 1);
	for (unsigned int i = 0; i < PROCESSES; i++)
		process_fill(i);
	simhost_leave(h);
	return h;
}

static void sim_destroy(void)
{
	simhost_enter(h, &h->processes[0]);
	simhost_destroy(h);
	h = NULL;
}

/* Of the first process 0, 1 and 3, of the second 2. */
static void sim_enter(const struct actor *a)
{
	const unsigned int task =
		a->process ? a->index / 3 : a->index - a->index / 3;

	simhost_enter_task(&h->processes[a->process], task);
}

static void sim_leave(void)
{
	simhost_leave(h);
}

static struct ioas_uapi *sim_uapi(void)
{
	return h->uapi;
}

static void sim_validate(void)
{
	if (!ioas_sim_validate(h->sim))
		crowd_wrong(NULL, "simulator", 0);
}

static int sim_open_context(unsigned int flags)
{
	return sim_open(h, flags);
}

static int sim_send_fd(const struct actor *a, int fd, unsigned int process)
{
	(void)a;
	return sim_send(h, fd, &h->processes[process]);
}

static void sim_close_there(const struct actor *a, int fd, unsigned int process)
{
	simhost_enter_task(&h->processes[process], SPARE);
	if (sim_close(h, fd))
		crowd_wrong(a, "close of a descriptor there", fd);
	sim_enter(a);
}

static uint64_t sim_memory(const struct actor *a)
{
	(void)a;
	return MEMORY;
}

static int sim_file_of(const struct actor *a)
{
	return files[a->process];
}

/* Holes, other frames, other rights; what that says is not asked. */
static void sim_meddle(struct actor *a)
{
	struct ioas_origin *o = h->processes[a->process].memory;
	const uint64_t first = FIRST + below(a, PAGES_ANY - 4);
	const uint64_t nr = 1 + below(a, 4);

	switch (below(a, 8)) {
	case 0:
		(void)ioas_sim_unmap(o, first, nr);
		break;
	case 1:
		(void)ioas_sim_protect(o, first, nr, IOAS_SIM_READ_ONLY);
		break;
	case 2:
		(void)ioas_sim_protect(o, first, nr, 0);
		break;
	case 3:
		(void)ioas_sim_remap(o, first, nr, IOAS_SIM_SCATTERED);
		break;
	default:
		/* More comes than goes: of a hole, and of its first page. */
		(void)ioas_sim_map(o, first, nr, IOAS_SIM_RUNS, 0);
		(void)ioas_sim_map(o, first, 1, IOAS_SIM_RUNS, 0);
	}
}

static void sim_fault(const struct actor *a, struct ioas_fault *f)
{
	(void)a;
	if (f)
		ioas_fault_arm(f);
	else
		ioas_fault_disarm();
	simhost_task(h)->caller.fault = f;
}

static void *sim_region_map(const struct actor *a, int fd, uint64_t offset,
			    uint64_t length, int *ret)
{
	const struct ioas_mmap_request rq = { .offset = offset,
					      .length = length,
					      .shared = true };
	struct mapped *m = calloc(1, sizeof(*m));

	if (!m)
		crowd_wrong(a, "memory", 0);
	*ret = h->host.ops->fd_get(&h->host, fd, &m->file);
	if (!*ret) {
		*ret = m->file->ops->mmap ?
			       m->file->ops->mmap(m->file, &rq, &m->region) :
			       -ENODEV;
		if (!*ret)
			return m;
		ioas_ufile_put(m->file);
	}
	free(m);
	return NULL;
}

static void sim_region_unmap(void *region)
{
	struct mapped *m = region;

	ioas_region_unmap(m->region);
	ioas_ufile_put(m->file);
	free(m);
}

const struct crowd_host crowd_sim = {
	.name = "sim",
	.transport = &uc_simhost,
	.nr_processes = PROCESSES,
	.create = sim_create,
	.destroy = sim_destroy,
	.enter = sim_enter,
	.leave = sim_leave,
	.uapi = sim_uapi,
	.validate = sim_validate,
	.open = sim_open_context,
	.send = sim_send_fd,
	.close_there = sim_close_there,
	.memory = sim_memory,
	.file = sim_file_of,
	.meddle = sim_meddle,
	.fault = sim_fault,
	.region_map = sim_region_map,
	.region_unmap = sim_region_unmap,
};
