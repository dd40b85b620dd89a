/* SPDX-License-Identifier: MIT */
/*
 * fuzz uapi: bytes as system calls of hostile programs on a simulated host
 *
 *    some bytes  page size, test ABI, limits, what there is to begin with
 *    then        a step; for a request: what is wrong with it, how it lies in
 *                memory, which fault is injected, and its members
 *
 * After every step everything that can be seen of the machine is looked at
 * (uapi_state.c). A request answers what the reference knows, and if it fails
 * nothing has changed, but where fault-injection A.4 and the reference say so;
 * results are written if it worked, and nothing else is ever written. What
 * releases needs no memory. What a fault made fail is made again, and goes on as
 * if that had never been: some inputs run twice, and come to the same without
 * faults. In the end all is closed, in any order, and nothing is left. What a
 * request should have answered is what the unit tests know.
 *
 * With FUZZ_VERBOSE in the environment the steps are printed.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <errno.h>

#include "core/iopt.h"
#include "ledger.h"
#include "plat/common/fault_arm.h"
#include "uapi.h"

#define MAX_STEPS 64

void uapi_say(const struct uapi_fuzz *f, const char *format, ...)
{
	va_list args;

	if (!f->verbose)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

/* ---- faults ------------------------------------------------------------- */

/* Releases bear anything, so they get it more often. */
struct uapi_abuse uapi_abuse_choose(struct uapi_fuzz *f, bool releases)
{
	const unsigned int x = uapi_pick(f, 256);
	struct uapi_abuse a = { .kind = ABUSE_NONE };

	if (f->second)
		return a;
	if (releases) {
		a.kind = x < 128 ? ABUSE_NONE : ABUSE_OFF;
	} else if (x >= 252) {
		a.kind = ABUSE_OFF;
	} else if (x >= 246) {
		a.kind = ABUSE_PINS;
		a.n = x - 246;
	} else if (x >= 240) {
		a.kind = ABUSE_REFUSE;
		a.n = x % 4;
	} else if (x >= 160) {
		a.kind = ABUSE_NTH;
		a.n = x - 159;
	}
	return a;
}

static void host_refuse(struct uapi_fuzz *f, unsigned int what, bool on)
{
	bool *knobs[] = { &f->h->refuse_user_origin, &f->h->refuse_file_origin,
			  &f->h->refuse_fd, &f->h->refuse_shm };

	*knobs[what] = on;
}

static bool abuse_is_fault(const struct uapi_abuse *a)
{
	return a->kind == ABUSE_NTH || a->kind == ABUSE_OFF;
}

void uapi_abuse_begin(struct uapi_fuzz *f, const struct uapi_abuse *a)
{
	if (a->kind == ABUSE_REFUSE)
		host_refuse(f, a->n, true);
	if (a->kind == ABUSE_PINS)
		ioas_sim_set_pin_budget(f->h->sim, a->n);
	if (!abuse_is_fault(a))
		return;
	f->fault = (struct ioas_fault){ .nth = a->n,
					.sticky = a->kind == ABUSE_OFF };
	ioas_fault_arm(&f->fault);
	uapi_process(f)->tasks[0].caller.fault = &f->fault;
	ledger_refuse(a->kind == ABUSE_OFF);
}

void uapi_abuse_end(struct uapi_fuzz *f, struct uapi_abuse *a)
{
	struct ioas_caller *caller = &uapi_process(f)->tasks[0].caller;

	a->hit = a->kind != ABUSE_NONE;
	if (a->kind == ABUSE_REFUSE)
		host_refuse(f, a->n, false);
	if (a->kind == ABUSE_PINS)
		ioas_sim_set_pin_budget(f->h->sim, UINT64_MAX);
	if (!abuse_is_fault(a))
		return;
	ledger_refuse(false);
	demand(caller->fault == &f->fault);
	caller->fault = NULL;
	ioas_fault_disarm();
	if (a->kind == ABUSE_NTH)
		a->hit = !f->fault.nth;
	a->copy = a->kind == ABUSE_OFF || f->fault.failed == IOAS_FP_COPY;
}

static void say_abuse(const struct uapi_fuzz *f, const struct uapi_abuse *a)
{
	static const char *const refused[] = { "user_origin", "file_origin",
					       "fd", "shm" };

	switch (a->kind) {
	case ABUSE_NTH:
		uapi_say(f, " [point %u%s%s]", a->n, a->hit ? " failed: " : "",
			 a->hit ? ledger_point_name(f->fault.failed) : "");
		break;
	case ABUSE_OFF:
		uapi_say(f, " [no memory]");
		break;
	case ABUSE_REFUSE:
		uapi_say(f, " [%s refused]", refused[a->n]);
		break;
	case ABUSE_PINS:
		uapi_say(f, " [%u pins]", a->n);
		break;
	case ABUSE_NONE:
		break;
	}
}

/* ---- after a step ------------------------------------------------------- */

#define ERR_FAULTS (ERR(ENOMEM) | ERR(EFAULT) | ERR(ENOENT) | ERR(EINVAL))

void uapi_result(struct uapi_fuzz *f, uint64_t value)
{
	const unsigned int n = f->nr_results++;

	if (!f->twice || n >= IOAS_ARRAY_SIZE(f->results))
		return;
	if (f->second)
		demand(f->results[n] == value);
	f->results[n] = value;
}

static void step_look(struct uapi_fuzz *f, int64_t ret, uint32_t errnos)
{
	uapi_say(f, " = %" PRId64 "\n", ret);
	demand(ret >= 0 || uapi_errno(ret) & errnos);
	uapi_look(f);
}

/* True: a fault made it fail, and did nothing else. */
static bool try_once(struct uapi_fuzz *f, const struct uapi_attempt *t,
		     struct uapi_abuse *a, int64_t *out)
{
	bool may_change;
	int64_t ret;

	uapi_abuse_begin(f, a);
	ret = t->call(f, t->arg);
	uapi_abuse_end(f, a);
	if (t->releases)
		a->hit = false;
	may_change = t->partial ||
		     (ret == -EFAULT && (!t->writable || a->copy) &&
		      (t->stays || (t->undoes && a->kind == ABUSE_OFF)));
	say_abuse(f, a);
	step_look(f, ret, t->errnos | (a->hit ? ERR_FAULTS : 0));
	if (ret < 0 && !may_change)
		demand(uapi_same(f));
	if (t->judge)
		t->judge(f, t->arg, a, ret);
	*out = ret;
	f->diverged |= a->hit && (ret >= 0 || may_change);
	/* Pages that nobody has touched are made when they are read. */
	f->diverged |= a->kind == ABUSE_OFF && ret == -EFAULT;
	return a->hit && ret < 0 && !may_change;
}

void uapi_try(struct uapi_fuzz *f, const struct uapi_attempt *t)
{
	struct uapi_abuse a = uapi_abuse_choose(f, t->releases);
	int64_t ret;

	if (try_once(f, t, &a, &ret)) {
		a = (struct uapi_abuse){ .kind = ABUSE_NONE };
		uapi_say(f, "%u:   again", f->current);
		try_once(f, t, &a, &ret);
	}
	uapi_result(f, (uint64_t)ret);
	uapi_result(f, f->now->hash);
}

void uapi_step_over(struct uapi_fuzz *f, int64_t ret, uint32_t errnos)
{
	step_look(f, ret, errnos);
	if (ret < 0)
		demand(uapi_same(f));
}

/* ---- what there is to begin with ---------------------------------------- */

/*
 * The n-th kind of a request, in which openings it is, and its bytes: members,
 * place, fault. What is not said is zero.
 */
struct opening {
	uint32_t cmd;
	uint32_t op;
	unsigned int in;
	unsigned int nth;
	uint8_t bytes[16];
};

#define OPENING(NAME, sets, nth, ...)                                       \
	{ IOAS_ABI_##NAME, 0, sets, nth, { 0, ##__VA_ARGS__ } }
#define OPENING_TEST(NAME, sets, ...)                                       \
	{ IOAS_ABI_TEST_CMD, IOAS_ABI_TEST_OP_##NAME, sets, 0,              \
	  { 0, ##__VA_ARGS__ } }

enum {
	/* A space with a device and memory: in all but the first. */
	SPACE = 0xfe,
	PINNED = 1u << 2,
	DMABUF = 1u << 3,
	DIRTY = 1u << 4,
	/* A VIOMMU with queues; the device on it; what it has to say. */
	VIOMMU = 0xe0,
	VIOMMU_DEVICE = 0xc0,
	VIOMMU_EVENTS = 0x80,
};

static const struct opening openings[] = {
	OPENING(IOAS_ALLOC, SPACE, 0),
	OPENING_TEST(MOCK_DOMAIN_FLAGS, SPACE),
	/* four pages */
	OPENING(IOAS_MAP, SPACE, 0, 0, 0, 0, 3),
	OPENING_TEST(CREATE_ACCESS, PINNED),
	OPENING_TEST(ACCESS_PAGES, PINNED),
	OPENING_TEST(DMABUF_GET, DMABUF, 3),
	/* behind the others */
	OPENING(IOAS_MAP_FILE, DMABUF, 0, 0, 0, 0, 0, 3, 8),
	/* flags: DIRTY_TRACKING */
	OPENING(HWPT_ALLOC, DIRTY, 0, 3),
	OPENING(HWPT_SET_DIRTY_TRACKING, DIRTY, 0),
	OPENING(FAULT_QUEUE_ALLOC, VIOMMU, 0),
	/* flags: NEST_PARENT | PASID */
	OPENING(HWPT_ALLOC, VIOMMU, 0, 2),
	OPENING(VIOMMU_ALLOC, VIOMMU, 0, 0, 0, 0, 1),
	/* virt_id: 1 */
	OPENING(VDEVICE_ALLOC, VIOMMU, 0, 0, 0, 1),
	OPENING(VEVENTQ_ALLOC, VIOMMU, 0),
	/* flags: FAULT_ID_VALID | PASID; on the second that is possible */
	OPENING(HWPT_ALLOC, VIOMMU_DEVICE, 2, 3, 0, 1),
	/* onto the fourth that is possible */
	OPENING_TEST(MOCK_DOMAIN_REPLACE, VIOMMU_DEVICE, 0, 3),
	OPENING_TEST(TRIGGER_IOPF, VIOMMU_EVENTS),
	OPENING_TEST(TRIGGER_VEVENT, VIOMMU_EVENTS),
	OPENING_TEST(TRIGGER_VEVENT, VIOMMU_EVENTS),
	OPENING_TEST(TRIGGER_VEVENT, VIOMMU_EVENTS),
};

static void opening_make(struct uapi_fuzz *f, const struct opening *o)
{
	const struct input in = f->in;
	unsigned int nth = o->nth;

	for (unsigned int i = 0; i < uapi_nr_calls; i++) {
		const struct uapi_call *c = &uapi_calls[i];

		if (c->cmd != o->cmd || c->op != o->op || nth--)
			continue;
		f->in = (struct input){ o->bytes, sizeof(o->bytes) };
		uapi_request(f, c);
		break;
	}
	f->in = in;
}

static void prelude(struct uapi_fuzz *f)
{
	const unsigned int which = uapi_pick(f, 8);

	demand(sim_open(f->h, 0) == SIM_FIRST_FD);
	uapi_look(f);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(openings); i++)
		if (openings[i].in >> which & 1)
			opening_make(f, &openings[i]);
}

/* ---- the end ------------------------------------------------------------ */

/* Something of a process is closed. False: it has nothing. */
static bool close_one(struct uapi_fuzz *f, unsigned int which)
{
	struct sim_process *p = uapi_process(f);
	const int m = uapi_find_mapping(p, true, which);
	const int fd = uapi_nth_fd(p, FILE_ANY, which);

	if (m >= 0 && (fd < 0 || which % 3 == 0))
		sim_munmap(f->h, m);
	else if (fd >= 0)
		demand(!sim_close(f->h, fd));
	return m >= 0 || fd >= 0;
}

static void close_all(struct uapi_fuzz *f, uint64_t seed)
{
	struct uapi_abuse a = { .kind = ABUSE_OFF };
	unsigned int empty = 0;

	while (empty < f->nr_procs) {
		unsigned int next = 0;

		seed = seed * UINT64_C(6364136223846793005) + 1;
		uapi_abuse_begin(f, &a);
		if (close_one(f, (unsigned int)(seed >> 40)))
			empty = 0;
		else
			empty++;
		uapi_abuse_end(f, &a);
		if (empty || seed >> 60 < 4)
			if (uapi_process_other(f, &next))
				uapi_enter(f, next);
	}
	uapi_look(f);
	demand(f->now->nr_contexts == 0);
}

static void begin(struct uapi_fuzz *f)
{
	static struct uapi_state states[2];
	static const uint8_t page_lg2[] = { 12, 12, 12, 16, 11, 12, 12, 13 };
	const unsigned int x = uapi_pick(f, 256);
	const unsigned int y = uapi_pick(f, 32);
	const struct simhost_options opts = {
		.page_lg2 = page_lg2[x % 8],
		.huge_lg2 = x & 64 ? 21 : page_lg2[x % 8],
		.no_test_abi = x / 8 % 8 == 7,
		.lock_limit = x & 128 ? 48 : 0,
	};

	f->now = &states[0];
	f->then = &states[1];
	f->test_abi = !opts.no_test_abi;
	f->page = UINT64_C(1) << opts.page_lg2;
	f->giant = y % 4 == 3;
	f->twice = y >= 24;
	f->verbose = getenv("FUZZ_VERBOSE");
	f->h = simhost_create(&opts);
	uapi_process_add(f);
}

static void run(struct uapi_fuzz *f)
{
	const uint64_t seed = input_byte(&f->in);

	begin(f);
	prelude(f);
	for (unsigned int i = 0; i < MAX_STEPS && f->in.left; i++)
		uapi_step(f);
	close_all(f, seed);
	simhost_destroy(f->h);
}

/* From the beginning, without faults. */
static void again(struct uapi_fuzz *f, const uint8_t *data, size_t size)
{
	const unsigned int nr = f->nr_results;
	static struct uapi_fuzz second;

	second = (struct uapi_fuzz){ .in = { data, size }, .second = true };
	memcpy(second.results, f->results, sizeof(second.results));
	if (f->verbose)
		fprintf(stderr, "again, without faults\n");
	run(&second);
	demand(second.nr_results == nr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uapi_fuzz f;
	const uint64_t live = ledger_live();

	/* Otherwise an assertion outside of a test is an exit. */
	setenv("CMOCKA_TEST_ABORT", "1", 0);
	f = (struct uapi_fuzz){ .in = { data, size } };
	run(&f);
	if (f.twice && !f.diverged)
		again(&f, data, size);
	if (ledger_live() != live)
		ledger_print();
	demand(ledger_live() == live);
	return 0;
}
