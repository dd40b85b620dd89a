/* SPDX-License-Identifier: MIT */
/*
 * simhost: the machine, its processes, and what the front end asks of it; the
 * system calls are in simhost_calls.c
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

/* ---- memory of a caller -------------------------------------------------- */

static struct sim_task *task_of(struct ioas_caller *caller)
{
	return ioas_container_of(caller, struct sim_task, caller);
}

/*
 * Page by page, so that what comes before a bad page is copied. The simulator
 * counts fault points of its own here, which no kernel has: for the time of
 * the copy the caller is one without faults.
 */
static int transfer(struct ioas_caller *caller, uint64_t address, void *buffer,
		    size_t length, unsigned int flags)
{
	struct sim_process *p = task_of(caller)->process;
	const uint64_t page = (uint64_t)1 << p->h->host.page_lg2;
	struct ioas_caller quiet = { .mm = caller->mm };
	struct ioas_caller *old = ioas_caller_enter(&quiet);
	int ret = 0;

	if (p->h->before_copy)
		p->h->before_copy();
	for (uint64_t done = 0, n; done < length && !ret; done += n) {
		const uint64_t at = address + done;

		n = page - (at & (page - 1));
		n = n < length - done ? n : length - done;
		if (at < address)
			ret = -EFAULT;
		else
			ret = p->memory->ops->copy(p->memory, at,
						   (char *)buffer + done, n,
						   flags);
	}
	ioas_caller_leave(old);
	return ret ? -EFAULT : 0;
}

static int user_copy_from(struct ioas_caller *caller, void *dst, uint64_t src,
			  size_t length)
{
	return transfer(caller, src, dst, length, 0);
}

static int user_copy_to(struct ioas_caller *caller, uint64_t dst,
			const void *src, size_t length)
{
	/* The buffer of a copy towards an origin is only read. */
	return transfer(caller, dst, (void *)(uintptr_t)src, length,
			IOAS_COPY_WRITE);
}

static const struct ioas_uaccess_ops user_ops = {
	.copy_from = user_copy_from,
	.copy_to = user_copy_to,
};

struct sim_task *simhost_task(struct simhost *h)
{
	struct ioas_caller *caller = ioas_caller_current();
	struct sim_task *t;

	if (!caller || caller->uaccess != &user_ops)
		fail_msg("this thread has not entered a process");
	t = task_of(caller);
	assert_ptr_equal(t->process->h, h);
	return t;
}

/* ---- memory that is none ------------------------------------------------- */

static int barren_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	(void)o;
	rq->nr_runs = 0;
	rq->nr_pinned = 0;
	return -EINVAL;
}

static void barren_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
			 bool dirty)
{
	(void)o;
	(void)dirty;
	fail_msg("unpin of frames %" PRIu64 ", %" PRIu64 " of them", pfn, nr);
}

static void *barren_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	(void)o;
	(void)pfn;
	return NULL;
}

static void barren_destroy(struct ioas_origin *o)
{
	(void)o;
	fail_msg("a file that is not memory was put too often");
}

static const struct ioas_origin_ops barren_ops = {
	.name = "not memory",
	.pin = barren_pin,
	.unpin = barren_unpin,
	.pointer = barren_pointer,
	.destroy = barren_destroy,
};

/* ---- host ops ------------------------------------------------------------ */

static struct simhost *host_of(struct ioas_host *host)
{
	return ioas_container_of(host, struct simhost, host);
}

static int op_user_origin(struct ioas_host *host, struct ioas_origin **out)
{
	struct simhost *h = host_of(host);

	if (h->refuse_user_origin)
		return -ENOMEM;
	*out = simhost_task(h)->process->memory;
	return 0;
}

static int op_file_origin(struct ioas_host *host, int32_t fd,
			  struct ioas_origin **out)
{
	struct simhost *h = host_of(host);
	struct sim_fd *f;
	int ret = -EBADF;

	if (h->refuse_file_origin)
		return -ENOMEM;
	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	if (f) {
		*out = ioas_origin_get(f->memory ? f->memory : &h->barren);
		ret = 0;
	}
	host_unlock(h);
	return ret;
}

static int op_fd_reserve(struct ioas_host *host, struct ioas_ufile *file,
			 unsigned int flags, int32_t *fd)
{
	struct simhost *h = host_of(host);
	int ret;

	(void)file;
	if (h->refuse_fd)
		return -ENOMEM;
	host_lock(h);
	ret = sim_fd_take(simhost_task(h)->process, SIM_FD_RESERVED, flags);
	host_unlock(h);
	if (ret < 0)
		return ret;
	*fd = ret;
	return 0;
}

static struct sim_fd *fd_reserved(struct simhost *h, int32_t fd)
{
	struct sim_process *p = simhost_task(h)->process;

	assert_in_range(fd, SIM_FIRST_FD, SIM_FDS - 1);
	assert_int_equal(p->fds[fd].kind, SIM_FD_RESERVED);
	return &p->fds[fd];
}

static void op_fd_commit(struct ioas_host *host, int32_t fd,
			 struct ioas_ufile *file)
{
	struct simhost *h = host_of(host);
	struct sim_fd *f = fd_reserved(h, fd);

	host_lock(h);
	f->file = file;
	f->kind = SIM_FD_OURS;
	host_unlock(h);
}

static void op_fd_cancel(struct ioas_host *host, int32_t fd)
{
	struct simhost *h = host_of(host);
	struct sim_fd *f = fd_reserved(h, fd);

	host_lock(h);
	*f = (struct sim_fd){ .kind = SIM_FD_FREE };
	host_unlock(h);
}

static int op_fd_get(struct ioas_host *host, int32_t fd,
		     struct ioas_ufile **out)
{
	struct simhost *h = host_of(host);
	struct sim_fd *f;
	int ret = -EBADF;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	if (f)
		ret = f->kind == SIM_FD_OURS ? 0 : -EINVAL;
	if (!ret)
		*out = ioas_ufile_get(f->file);
	host_unlock(h);
	return ret;
}

static int op_shm_create(struct ioas_host *host, struct ioas_ufile *file,
			 uint64_t offset, uint64_t length, struct ioas_shm *out)
{
	const uint64_t mask = ((uint64_t)1 << host->page_lg2) - 1;
	struct simhost *h = host_of(host);

	assert_int_equal((offset | length) & mask, 0);
	/* Open: whoever asks is a request of it. Or of no file: BARs. */
	if (file) {
		assert_non_null(ioas_iommufd_of_file(file));
		assert_ptr_equal(ioas_iommufd_of_file(file)->file, file);
	}
	*out = (struct ioas_shm){ .length = length, .fd = -1 };
	if (!h->refuse_shm)
		out->memory = aligned_alloc((size_t)mask + 1, (size_t)length);
	if (!out->memory)
		return -ENOMEM;
	memset(out->memory, 0, (size_t)length);
	host_lock(h);
	h->nr_shm++;
	h->last_shm = file;
	h->last_shm_offset = offset;
	host_unlock(h);
	return 0;
}

static void op_shm_destroy(struct ioas_host *host, struct ioas_shm *shm)
{
	struct simhost *h = host_of(host);

	host_lock(h);
	assert_null(sim_lend_find(h, shm->memory));
	h->nr_shm--;
	host_unlock(h);
	free(shm->memory);
	shm->memory = NULL;
}

static int op_shm_lend(struct ioas_host *host, struct ioas_shm *shm,
		       struct ioas_ufile *file, uint64_t offset)
{
	const uint64_t mask = ((uint64_t)1 << host->page_lg2) - 1;
	struct simhost *h = host_of(host);
	struct sim_lend *l;

	assert_non_null(shm->memory);
	assert_int_equal(offset & mask, 0);
	if (file && h->refuse_shm)
		return -ENOMEM;
	host_lock(h);
	l = sim_lend_find(h, shm->memory);
	if (!l && file)
		l = sim_lend_find(h, NULL);
	assert_true(l || !file);
	if (file)
		*l = (struct sim_lend){ shm->memory, file, offset };
	else if (l)
		*l = (struct sim_lend){ NULL, NULL, 0 };
	host_unlock(h);
	return 0;
}

static void op_file_changed(struct ioas_host *host, struct ioas_ufile *file)
{
	struct simhost *h = host_of(host);

	host_lock(h);
	h->nr_changed++;
	h->last_changed = file;
	host_unlock(h);
}

static void op_command(struct ioas_host *host,
		       const struct ioas_host_command *c)
{
	struct simhost *h = host_of(host);

	if (h->on_command)
		h->on_command(h, c);
}

static int op_event_get(struct ioas_host *host, int32_t fd,
			struct ioas_uevent **out)
{
	struct simhost *h = host_of(host);
	struct sim_fd *f;
	int ret = -EBADF;

	host_lock(h);
	f = sim_fd_find(simhost_task(h)->process, fd);
	if (f)
		ret = f->kind == SIM_FD_EVENT ? 0 : -EINVAL;
	if (!ret) {
		f->event->refs++;
		*out = f->event;
	}
	host_unlock(h);
	return ret;
}

static void op_event_put(struct ioas_host *host, struct ioas_uevent *event)
{
	sim_event_put(host_of(host), event);
}

static void op_event_signal(struct ioas_host *host, struct ioas_uevent *event)
{
	struct simhost *h = host_of(host);

	host_lock(h);
	event->count++;
	host_unlock(h);
}

static int op_event_watch(struct ioas_host *host, struct ioas_uevent *event,
			  const struct ioas_vdev *owner,
			  void (*fn)(void *ctx), void *ctx)
{
	struct simhost *h = host_of(host);
	int ret = -ENOMEM;

	(void)owner;
	host_lock(h);
	for (unsigned int i = 0; ret && i < SIM_WATCHES; i++) {
		if (event->watch[i].fn)
			continue;
		event->watch[i].fn = fn;
		event->watch[i].ctx = ctx;
		ret = 0;
	}
	host_unlock(h);
	return ret;
}

static void op_event_unwatch(struct ioas_host *host, struct ioas_uevent *event,
			     const struct ioas_vdev *owner, void *ctx)
{
	struct simhost *h = host_of(host);
	bool found = false;

	(void)owner;
	host_lock(h);
	for (unsigned int i = 0; i < SIM_WATCHES; i++) {
		if (!event->watch[i].fn || event->watch[i].ctx != ctx)
			continue;
		event->watch[i].fn = NULL;
		found = true;
	}
	host_unlock(h);
	assert_true(found);
}

static const struct ioas_host_ops host_ops = {
	.user_origin = op_user_origin,
	.file_origin = op_file_origin,
	.fd_reserve = op_fd_reserve,
	.fd_commit = op_fd_commit,
	.fd_cancel = op_fd_cancel,
	.fd_get = op_fd_get,
	.shm_create = op_shm_create,
	.shm_destroy = op_shm_destroy,
	.shm_lend = op_shm_lend,
	.file_changed = op_file_changed,
	.command = op_command,
	.event_get = op_event_get,
	.event_put = op_event_put,
	.event_signal = op_event_signal,
	.event_watch = op_event_watch,
	.event_unwatch = op_event_unwatch,
};

/* ---- processes ----------------------------------------------------------- */

static void task_init(struct sim_process *p, unsigned int i)
{
	const uint8_t lg2 = p->h->host.page_lg2;
	struct sim_task *t = &p->tasks[i];
	const uint64_t at = (uint64_t)SIM_TASK_STRIDE * i;

	*t = (struct sim_task){
		.caller = { .uaccess = &user_ops,
			    .principal = p->principal,
			    .mm = ioas_sim_mm(p->memory) },
		.process = p,
		.scratch = (SIM_SCRATCH_PAGE + at) << lg2,
		.read_only = (SIM_READ_ONLY_PAGE + at) << lg2,
	};
	assert_int_equal(ioas_sim_map(p->memory, SIM_SCRATCH_PAGE + at,
				      SIM_SCRATCH_PAGES, IOAS_SIM_SCATTERED, 0),
			 0);
	assert_int_equal(ioas_sim_map(p->memory, SIM_READ_ONLY_PAGE + at,
				      SIM_READ_ONLY_PAGES, IOAS_SIM_SCATTERED,
				      IOAS_SIM_READ_ONLY),
			 0);
}

struct sim_process *simhost_process(struct simhost *h, unsigned int user)
{
	struct sim_process *p = h->processes;

	/* A place is used once: what a process owes may outlive it. */
	while (p < h->processes + SIM_PROCESSES && p->h)
		p++;
	assert_true(p < h->processes + SIM_PROCESSES);
	*p = (struct sim_process){ .h = h, .live = true, .limit = SIM_FDS };
	assert_int_equal(ioas_sim_process_create(h->sim, &p->memory), 0);
	p->mm = ioas_mm_create();
	assert_non_null(p->mm);
	p->principal = ioas_principal_create(h->users[user], p->mm,
					     h->lock_limit);
	assert_non_null(p->principal);
	for (unsigned int i = 0; i < SIM_TASKS; i++)
		task_init(p, i);
	return p;
}

void simhost_enter_task(struct sim_process *p, unsigned int task)
{
	assert_true(p->live && task < SIM_TASKS);
	ioas_caller_enter(&p->tasks[task].caller);
}

void simhost_enter(struct simhost *h, struct sim_process *p)
{
	assert_ptr_equal(p->h, h);
	simhost_enter_task(p, 0);
}

void simhost_leave(struct simhost *h)
{
	ioas_caller_leave(h->outside);
}

/* Without faults: this is no operation that a test makes fail. */
static void close_all(struct sim_process *p)
{
	struct simhost *h = p->h;

	for (int m = 0; m < SIM_MAPPINGS; m++)
		if (p->mappings[m].region)
			sim_munmap(h, m);
	for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++) {
		if (p->fds[fd].kind == SIM_FD_RESERVED)
			fail_msg("descriptor %d was reserved for good", fd);
		if (p->fds[fd].kind != SIM_FD_FREE)
			assert_int_equal(sim_close(h, fd), 0);
	}
}

static void process_end(struct sim_process *p)
{
	struct ioas_caller *old = ioas_caller_current();

	assert_true(p->live);
	for (unsigned int i = 0; i < SIM_TASKS; i++)
		p->tasks[i].caller.fault = NULL;
	ioas_caller_enter(&p->tasks[0].caller);
	close_all(p);
	ioas_caller_leave(old);
	ioas_sim_die(p->memory);
	p->live = false;
	ioas_origin_put(p->memory);
	p->memory = NULL;
}

void simhost_exit(struct sim_process *p)
{
	process_end(p);
	/* Its totals are settled silently from here on. */
	atomic_store(&p->mm->gone, true);
}

/* ---- the machine --------------------------------------------------------- */

struct simhost *simhost_create(const struct simhost_options *opts)
{
	static const struct simhost_options none;
	struct simhost *h = calloc(1, sizeof(*h));
	struct ioas_uapi_options uapi = { .test_abi = true };
	struct ioas_sim_options sim = { .page_lg2 = 12 };

	assert_non_null(h);
	opts = opts ? opts : &none;
	sim.page_lg2 = opts->page_lg2 ? opts->page_lg2 : 12;
	sim.seed = opts->seed;
	sim.frames = &h->frames;
	assert_int_equal(ioas_frames_init(&h->frames, sim.page_lg2), 0);
	assert_int_equal(ioas_sim_create(&sim, &h->sim), 0);
	h->host = (struct ioas_host){
		.ops = &host_ops,
		.page_lg2 = sim.page_lg2,
		.huge_lg2 = opts->huge_lg2 ? opts->huge_lg2 : 21,
		.frames = &h->frames,
	};
	h->lock_limit = opts->lock_limit ? opts->lock_limit : UINT64_MAX / 2;
	ioas_origin_init(&h->barren, &barren_ops, sim.page_lg2,
			 IOAS_ORIGIN_FILE);
	for (unsigned int u = 0; u < SIM_USERS; u++) {
		h->users[u] = ioas_user_create();
		assert_non_null(h->users[u]);
	}
	uapi.host = &h->host;
	uapi.test_abi = !opts->no_test_abi;
	assert_int_equal(ioas_uapi_create(&uapi, &h->uapi), 0);
	h->outside = ioas_caller_current();
	simhost_enter(h, simhost_process(h, 0));
	return h;
}

/* What must be zero now, and is not, by name. */
static void expect_none(const char *what, uint64_t nr)
{
	if (nr)
		fail_msg("%" PRIu64 " %s left", nr, what);
}

static void check_process(struct sim_process *p)
{
	if (!atomic_load(&p->mm->gone)) {
		expect_none("pages charged to a process",
			    atomic_load(&p->mm->charged));
		expect_none("pages of a process pinned",
			    atomic_load(&p->mm->pinned));
	}
	expect_none("references of a principal",
		    atomic_load(&p->principal->refs) - 1);
	ioas_principal_put(p->principal);
	ioas_mm_put(p->mm);
}

void simhost_destroy(struct simhost *h)
{
	simhost_leave(h);
	for (unsigned int i = 0; i < SIM_PROCESSES; i++)
		if (h->processes[i].live)
			process_end(&h->processes[i]);
	expect_none("contexts", sim_nr_contexts(h));
	ioas_uapi_destroy(h->uapi);
	assert_true(ioas_sim_idle(h->sim));
	assert_true(ioas_sim_validate(h->sim));
	expect_none("pieces of shared memory", h->nr_shm);
	expect_none("eventfds", h->nr_events);
	expect_none("references of files that are not memory",
		    atomic_load(&h->barren.refs) - 1);
	for (unsigned int i = 0; i < SIM_PROCESSES; i++)
		if (h->processes[i].h)
			check_process(&h->processes[i]);
	for (unsigned int u = 0; u < SIM_USERS; u++) {
		expect_none("pages charged to a user",
			    atomic_load(&h->users[u]->charged));
		ioas_user_put(h->users[u]);
	}
	ioas_sim_destroy(h->sim);
	ioas_frames_fini(&h->frames);
	free(h);
}
