/* SPDX-License-Identifier: MIT */
/*
 * uapi steps: what is not a request: processes, descriptors, mappings, memory
 * that changes behind the back of those who mapped it, limits
 */
#include <inttypes.h>

#include <errno.h>

#include "core/iopt.h"
#include "origin/sim.h"
#include "uapi.h"

/* ---- descriptors -------------------------------------------------------- */

/* An access has nothing but its release. */
unsigned int uapi_file_kind(const struct sim_process *p, int fd)
{
	const struct sim_fd *e;

	if (fd < SIM_FIRST_FD || fd >= SIM_FDS)
		return 0;
	e = &p->fds[fd];
	if (e->kind == SIM_FD_OTHER)
		return FILE_OTHER;
	if (e->kind != SIM_FD_OURS)
		return 0;
	if (e->file->ops->ioctl)
		return FILE_IOMMUFD;
	if (e->file->ops->origin)
		return FILE_DMABUF;
	if (e->file->ops->write)
		return FILE_FAULTS;
	return e->file->ops->read ? FILE_EVENTS : FILE_ACCESS;
}

int uapi_nth_fd(const struct sim_process *p, unsigned int kinds,
		unsigned int nth)
{
	unsigned int nr = 0;

	for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++)
		nr += (uapi_file_kind(p, fd) & kinds) != 0;
	if (!nr)
		return -1;
	nth %= nr;
	for (int fd = SIM_FIRST_FD;; fd++)
		if (uapi_file_kind(p, fd) & kinds && !nth--)
			return fd;
}

int uapi_current_fd(const struct uapi_fuzz *f)
{
	const int fd = f->fd[f->current];

	if (uapi_file_kind(uapi_process(f), fd))
		return fd;
	return uapi_nth_fd(uapi_process(f), FILE_IOMMUFD, 0);
}

struct uapi_context *uapi_current_context(struct uapi_fuzz *f)
{
	const int fd = uapi_current_fd(f);
	struct ioas_iommufd *ictx = NULL;

	if (uapi_file_kind(uapi_process(f), fd) == FILE_IOMMUFD)
		ictx = ioas_iommufd_of_file(uapi_process(f)->fds[fd].file);
	for (unsigned int i = 0; i < f->now->nr_contexts; i++)
		if (f->now->contexts[i].ictx == ictx)
			return &f->now->contexts[i];
	return NULL;
}

/* ---- processes ---------------------------------------------------------- */

/* Pages of every kind, which requests are about; and some for requests. */
static void map_arena(struct uapi_fuzz *f, struct ioas_origin *o)
{
	static const struct {
		uint64_t first, nr;
		enum ioas_sim_layout layout;
		unsigned int flags;
	} parts[] = {
		{ UAPI_EDGE_PAGE, 1, IOAS_SIM_SCATTERED, 0 },
		{ UAPI_EDGE_PAGE + 1, 1, IOAS_SIM_SCATTERED,
		  IOAS_SIM_READ_ONLY },
		{ UAPI_ARENA, 16, IOAS_SIM_CONSECUTIVE, 0 },
		{ UAPI_ARENA + 16, 8, IOAS_SIM_SCATTERED, 0 },
		{ UAPI_ARENA + 24, 8, IOAS_SIM_RUNS, 0 },
		{ UAPI_ARENA + 32, 2, IOAS_SIM_CONSECUTIVE,
		  IOAS_SIM_READ_ONLY },
		{ UAPI_BUFFER_PAGE, 2, IOAS_SIM_DESCENDING, 0 },
	};

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(parts); i++)
		demand(!ioas_sim_map(o, parts[i].first, parts[i].nr,
				     parts[i].layout, parts[i].flags));
	if (f->giant)
		demand(!ioas_sim_map(o, UAPI_GIANT, UAPI_GIANT_PAGES,
				     IOAS_SIM_GIANT, 0));
}

void uapi_enter(struct uapi_fuzz *f, unsigned int i)
{
	f->current = i;
	simhost_enter(f->h, f->procs[i]);
}

void uapi_process_add(struct uapi_fuzz *f)
{
	const unsigned int i = f->nr_procs;
	struct sim_process *p =
		i ? simhost_process(f->h, i % SIM_USERS) : f->h->processes;

	f->procs[i] = p;
	f->fd[i] = -1;
	f->nr_procs++;
	map_arena(f, p->memory);
}

struct sim_process *uapi_process_other(const struct uapi_fuzz *f,
				       unsigned int *which)
{
	for (unsigned int n = 1; n < f->nr_procs; n++) {
		*which = (f->current + n) % f->nr_procs;
		if (f->procs[*which]->live)
			return f->procs[*which];
	}
	return NULL;
}

static void step_process(struct uapi_fuzz *f)
{
	const unsigned int i = uapi_pick(f, UAPI_PROCESSES);

	if (i >= f->nr_procs && f->nr_procs < UAPI_PROCESSES)
		uapi_process_add(f);
	if (i < f->nr_procs && f->procs[i]->live)
		uapi_enter(f, i);
	uapi_say(f, "now %u\n", f->current);
	uapi_look(f);
}

static void step_exit(struct uapi_fuzz *f)
{
	struct uapi_abuse a = uapi_abuse_choose(f, true);
	struct sim_process *p = uapi_process(f);
	unsigned int other = 0;

	if (!uapi_process_other(f, &other))
		return;
	uapi_say(f, "%u: exit\n", f->current);
	uapi_enter(f, other);
	uapi_abuse_begin(f, &a);
	simhost_exit(p);
	uapi_abuse_end(f, &a);
	uapi_look(f);
}

/* ---- opening and closing ------------------------------------------------ */

static int64_t open_call(struct uapi_fuzz *f, void *arg)
{
	return sim_open(f->h, *(unsigned int *)arg);
}

static void step_open(struct uapi_fuzz *f)
{
	unsigned int flags = uapi_pick(f, 4) ? 0 : IOAS_OPEN_VFIO;

	if (f->now->nr_contexts == UAPI_CONTEXTS)
		return;
	uapi_say(f, "%u: open %u", f->current, flags);
	uapi_try(f, &(struct uapi_attempt){ .call = open_call,
					    .arg = &flags,
					    .errnos = ERR(EMFILE) });
}

static void step_open_file(struct uapi_fuzz *f)
{
	static const enum ioas_sim_layout layouts[] = {
		IOAS_SIM_CONSECUTIVE,
		IOAS_SIM_SCATTERED,
		IOAS_SIM_RUNS,
		IOAS_SIM_DESCENDING,
	};
	const unsigned int x = uapi_pick(f, 256);
	int ret;

	uapi_say(f, "%u: file %u", f->current, x);
	ret = x >= 240 ? sim_open_other(f->h) :
			 sim_open_file(f->h, 1 + x / 4 % 16, layouts[x % 4]);
	uapi_step_over(f, ret, ERR(EMFILE));
}

static void step_close(struct uapi_fuzz *f)
{
	const int fd = uapi_nth_fd(uapi_process(f), FILE_ANY, uapi_pick(f, 64));
	struct uapi_abuse a = uapi_abuse_choose(f, true);
	int ret;

	uapi_say(f, "%u: close(%d)", f->current, fd);
	uapi_abuse_begin(f, &a);
	ret = sim_close(f->h, fd);
	uapi_abuse_end(f, &a);
	uapi_step_over(f, ret, ERR(EBADF));
	demand(ret == 0 || fd < 0);
}

static void step_dup(struct uapi_fuzz *f)
{
	const int fd = uapi_nth_fd(uapi_process(f), FILE_ANY, uapi_pick(f, 64));

	uapi_say(f, "%u: dup(%d)", f->current, fd);
	uapi_step_over(f, sim_dup(f->h, fd), ERR(EBADF) | ERR(EMFILE));
}

static void step_send(struct uapi_fuzz *f)
{
	const int fd = uapi_nth_fd(uapi_process(f), FILE_ANY, uapi_pick(f, 64));
	unsigned int other;
	struct sim_process *to = uapi_process_other(f, &other);

	if (!to)
		return;
	uapi_say(f, "%u: send %d to %u", f->current, fd, other);
	uapi_step_over(f, sim_send(f->h, fd, to), ERR(EBADF) | ERR(EMFILE));
}

/* Which iommufd is meant from now on; rarely, what is none. */
static void step_use(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 64);

	f->fd[f->current] = uapi_nth_fd(uapi_process(f),
					x < 56 ? FILE_IOMMUFD : FILE_ANY, x);
	uapi_say(f, "%u: use %d\n", f->current, f->fd[f->current]);
}

/* ---- files of queues ---------------------------------------------------- */

static int choose_queue(struct uapi_fuzz *f, unsigned int kinds)
{
	const unsigned int x = uapi_pick(f, 64);

	return uapi_nth_fd(uapi_process(f), x < 56 ? kinds : FILE_ANY, x);
}

struct transfer {
	int fd;
	bool write;
	uint64_t at;
	uint64_t count;
};

static int64_t transfer_call(struct uapi_fuzz *f, void *arg)
{
	const struct transfer *t = arg;

	return t->write ? sim_write(f->h, t->fd, t->at, t->count) :
			  sim_read(f->h, t->fd, t->at, t->count);
}

static void transfer_judge(struct uapi_fuzz *f, void *arg,
			   const struct uapi_abuse *a, int64_t ret)
{
	const struct transfer *t = arg;

	(void)f;
	(void)a;
	demand(ret < 0 || (uint64_t)ret <= t->count);
	demand(ret < 0 || !t->write || ret % 8 == 0);
}

static void step_transfer(struct uapi_fuzz *f, struct transfer *t)
{
	uapi_say(f, "%u: %s(%d, %#" PRIx64 ", %" PRIu64 ")", f->current,
		 t->write ? "write" : "read", t->fd, t->at, t->count);
	uapi_try(f,
		 &(struct uapi_attempt){ .call = transfer_call,
					 .judge = transfer_judge,
					 .arg = t,
					 .errnos = ERR(EBADF) | ERR(EINVAL) |
						   ERR(ESPIPE) | ERR(EFAULT) });
}

static const struct uapi_field transfer_buffer = { .kind = FIELD_BUFFER,
						   .arg = BUFFER_OUT };

static void step_read(struct uapi_fuzz *f)
{
	static const uint16_t counts[] = {
		40, 80, 400, 12, 24, 8, 7, 0, 41, 20
	};
	struct transfer t = {
		.fd = choose_queue(f, FILE_FAULTS | FILE_EVENTS),
	};
	const unsigned int x = uapi_pick(f, 256);

	t.count = x < 240 ? counts[x % IOAS_ARRAY_SIZE(counts)] :
			    UINT64_MAX - (x & 7);
	t.at = x < 224 ? uapi_value(f, &transfer_buffer) :
			 uapi_wild(f, &transfer_buffer);
	step_transfer(f, &t);
}

static void step_write(struct uapi_fuzz *f)
{
	struct transfer t = { .fd = choose_queue(f, FILE_FAULTS),
			      .write = true };
	const unsigned int x = uapi_pick(f, 256);
	struct ioas_abi_page_response answers[3];

	t.count = x < 240 ? 8 * (1 + x % 3) : x % 16;
	t.at = x < 224 ? uapi_value(f, &transfer_buffer) :
			 uapi_wild(f, &transfer_buffer);
	for (unsigned int i = 0; i < 3; i++) {
		answers[i].cookie = 1 + uapi_pick(f, 4);
		answers[i].code = uapi_pick(f, 8) / 3;
	}
	if (x < 224)
		uapi_poke(f, t.at, answers, sizeof(answers));
	step_transfer(f, &t);
}

/* ---- mappings ----------------------------------------------------------- */

int uapi_find_mapping(const struct sim_process *p, bool used, unsigned int nth)
{
	for (unsigned int i = 0; i < SIM_MAPPINGS; i++) {
		const unsigned int m = (i + nth) % SIM_MAPPINGS;

		if ((p->mappings[m].region != NULL) == used)
			return (int)m;
	}
	return -1;
}

static const struct ioas_region *nth_region(struct uapi_fuzz *f,
					    unsigned int nth)
{
	struct uapi_context *c = uapi_current_context(f);

	if (!c)
		return NULL;
	ioas_list_for_each(l, &c->ictx->regions.list)
		if (!nth--)
			return ioas_list_entry(l, struct ioas_region, link);
	return NULL;
}

static int64_t mmap_call(struct uapi_fuzz *f, void *arg)
{
	return sim_mmap(f->h, uapi_current_fd(f), arg);
}

static void step_mmap(struct uapi_fuzz *f)
{
	static const struct uapi_field any = { .kind = FIELD_OUT };
	const unsigned int x = uapi_pick(f, 256);
	const struct ioas_region *r = nth_region(f, x % 4);
	struct ioas_mmap_request rq = { .offset = f->page,
					.length = 2 * f->page,
					.shared = x / 8 != 30,
					.exec = x / 8 == 31 };

	if (uapi_find_mapping(uapi_process(f), false, 0) < 0)
		return;
	if (r) {
		rq.offset = r->offset;
		rq.length = r->shm.length;
	}
	if (x / 8 == 28)
		rq.offset = uapi_wild(f, &any);
	if (x / 8 == 29)
		rq.length = uapi_wild(f, &any);
	uapi_say(f, "%u: mmap(%#" PRIx64 ", %#" PRIx64 ")", f->current,
		 rq.offset, rq.length);
	uapi_try(f, &(struct uapi_attempt){ .call = mmap_call,
					    .arg = &rq,
					    .errnos = ERR(EBADF) | ERR(ENODEV) |
						      ERR(EINVAL) | ERR(EPERM) |
						      ERR(ENXIO) });
}

static void step_munmap(struct uapi_fuzz *f)
{
	const int m =
		uapi_find_mapping(uapi_process(f), true, uapi_pick(f, 16));
	struct uapi_abuse a = uapi_abuse_choose(f, true);

	if (m < 0)
		return;
	uapi_say(f, "%u: munmap(%d)\n", f->current, m);
	uapi_abuse_begin(f, &a);
	sim_munmap(f->h, m);
	uapi_abuse_end(f, &a);
	uapi_look(f);
}

/* What a child inherits. */
static void step_inherit(struct uapi_fuzz *f)
{
	const int m =
		uapi_find_mapping(uapi_process(f), true, uapi_pick(f, 16));
	unsigned int other;
	struct sim_process *to = uapi_process_other(f, &other);
	const int room = to ? uapi_find_mapping(to, false, 0) : -1;

	if (m < 0 || room < 0)
		return;
	to->mappings[room] = uapi_process(f)->mappings[m];
	ioas_region_dup(to->mappings[room].region);
	ioas_ufile_get(to->mappings[room].file);
	uapi_say(f, "%u: mapping %d to %u\n", f->current, m, other);
	uapi_look(f);
}

/* ---- memory behind the back of all this --------------------------------- */

enum memory_change { UNMAP, MAP, REMAP, PROTECT, ALIAS, NR_CHANGES };

static void step_memory(struct uapi_fuzz *f)
{
	static const enum ioas_sim_layout layouts[] = {
		IOAS_SIM_CONSECUTIVE, IOAS_SIM_SCATTERED, IOAS_SIM_RUNS,
		IOAS_SIM_DESCENDING,  IOAS_SIM_ALIASED,	  IOAS_SIM_HIGH,
	};
	const enum memory_change what = uapi_pick(f, NR_CHANGES);
	const uint64_t at = uapi_pick(f, UAPI_ARENA_PAGES);
	const unsigned int x = uapi_pick(f, 256);
	const uint64_t left = UAPI_ARENA_PAGES - at;
	const uint64_t first = UAPI_ARENA + at;
	const uint64_t nr = 1 + x % 8 < left ? 1 + x % 8 : left;
	const enum ioas_sim_layout layout = layouts[x / 8 % 6];
	const unsigned int flags = x >= 192 ? IOAS_SIM_READ_ONLY : 0;
	struct ioas_origin *o = uapi_process(f)->memory;
	unsigned int other;
	struct sim_process *from = uapi_process_other(f, &other);

	uapi_say(f, "%u: memory %u %" PRIu64 " +%" PRIu64 "\n", f->current,
		 what, first, nr);
	if (what == UNMAP || what == ALIAS)
		(void)ioas_sim_unmap(o, first, nr);
	if (what == MAP)
		(void)ioas_sim_map(o, first, nr, layout, flags);
	if (what == REMAP)
		(void)ioas_sim_remap(
			o, first, nr,
			layout == IOAS_SIM_ALIASED ? IOAS_SIM_RUNS : layout);
	if (what == PROTECT)
		(void)ioas_sim_protect(o, first, nr, flags);
	if (what == ALIAS && from)
		(void)ioas_sim_alias(o, first, nr, from->memory, first);
	uapi_look(f);
}

/* ---- limits ------------------------------------------------------------- */

static void step_limit(struct uapi_fuzz *f)
{
	static const uint64_t limits[] = { UINT64_MAX / 2, 0, 1, 4, 10, 40 };
	const uint64_t limit = limits[uapi_pick(f, IOAS_ARRAY_SIZE(limits))];

	atomic_store(&uapi_process(f)->principal->limit, limit);
	uapi_say(f, "%u: lock limit %" PRIu64 "\n", f->current, limit);
}

static void step_fd_limit(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 8);

	uapi_process(f)->limit =
		x ? (int32_t)(SIM_FIRST_FD + sim_nr_fds(f->h) + x / 2) :
		    SIM_FDS;
	if (uapi_process(f)->limit > SIM_FDS)
		uapi_process(f)->limit = SIM_FDS;
	uapi_say(f, "%u: descriptors below %d\n", f->current,
		 uapi_process(f)->limit);
}

static void step_capabilities(struct uapi_fuzz *f)
{
	struct ioas_caller *caller = &uapi_process(f)->tasks[0].caller;
	const unsigned int x = uapi_pick(f, 4);

	caller->resource = x & 1;
	caller->lock_unlimited = x & 2;
	uapi_say(f, "%u: capabilities %u\n", f->current, x);
}

static void step_pins(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 3);

	ioas_sim_set_pin_mode(f->h->sim, (enum ioas_sim_pin_mode)x);
	/* Each pin draws: one that failed shows in what comes after it. */
	f->diverged |= x == IOAS_SIM_PIN_RANDOM;
	uapi_say(f, "pin mode %u\n", x);
}

static void step_ids(struct uapi_fuzz *f)
{
	struct uapi_context *c = uapi_current_context(f);
	const unsigned int x = uapi_pick(f, 8);

	if (!c)
		return;
	c->ictx->objects.max = x ? c->ictx->objects.nr + x / 2 : INT32_MAX;
	uapi_say(f, "%u: ids up to %" PRIu32 "\n", f->current,
		 c->ictx->objects.max);
}

/* ---- steps -------------------------------------------------------------- */

static const struct {
	void (*fn)(struct uapi_fuzz *f);
	unsigned int weight;
} steps[] = {
	{ step_open, 3 },     { step_open_file, 3 },	{ step_close, 6 },
	{ step_dup, 1 },      { step_send, 3 },		{ step_use, 3 },
	{ step_process, 5 },  { step_exit, 1 },		{ step_read, 5 },
	{ step_write, 4 },    { step_mmap, 3 },		{ step_munmap, 2 },
	{ step_inherit, 2 },  { step_memory, 6 },	{ step_limit, 2 },
	{ step_fd_limit, 1 }, { step_capabilities, 2 }, { step_pins, 1 },
	{ step_ids, 1 },      { uapi_request_raw, 3 },
};

/* Of the requests, then of the steps. */
static unsigned int total_weight(void)
{
	unsigned int total = 0;

	for (unsigned int i = 0; i < uapi_nr_calls; i++)
		total += uapi_calls[i].weight;
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(steps); i++)
		total += steps[i].weight;
	return total;
}

void uapi_step(struct uapi_fuzz *f)
{
	unsigned int x = (unsigned int)input_below(&f->in, total_weight());

	for (unsigned int i = 0; i < uapi_nr_calls; i++) {
		if (x < uapi_calls[i].weight) {
			uapi_request(f, &uapi_calls[i]);
			return;
		}
		x -= uapi_calls[i].weight;
	}
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(steps); i++) {
		if (x < steps[i].weight) {
			steps[i].fn(f);
			return;
		}
		x -= steps[i].weight;
	}
}
