/* SPDX-License-Identifier: MIT */
/*
 * uapi iova: the choice of an IOVA, through the requests that make it, against
 * a scan of every byte
 *
 *    IOAS     |---------- reserved ----------|== 512 bytes ==|-- reserved --|
 *
 * MAP, MAP_FILE and COPY without an IOVA, UNMAP, ALLOW_IOVAS and ADD_RESERVED
 * fill the universe in any order (docs/reference/iommufd-uapi.md 5.8); the
 * twin is in tests/lib/iova_twin.c. Its pages are of 8 bytes, too small for a
 * process of the simulated host: so the host here is one that has nothing but
 * an address space and a file, which nobody looks into while there is no page
 * table.
 *
 *	t_uapi_iova [SEED]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "base/bits.h"
#include "base/errno.h"
#include "iova_twin.h"
#include "origin/frames.h"
#include "origin/sim.h"
#include "prng.h"
#include "seam/caller.h"
#include "uapi/iommufd.h"

#define MIN_OPS 120000
#define SPACE_OPS 150
#define FIXED IOAS_ABI_IOAS_MAP_FIXED_IOVA
#define READ IOAS_ABI_IOAS_MAP_READABLE

static uint64_t seed = 1;

/* ---- the host ----------------------------------------------------------- */

struct machine {
	struct ioas_host host;
	struct ioas_frames frames;
	struct ioas_sim *sim;
	struct ioas_origin *memory, *file;
	struct ioas_uapi *uapi;
	struct ioas_ufile *iommufd;
	struct ioas_caller caller, *outside;
};

static struct machine *machine_of(struct ioas_host *h)
{
	return ioas_container_of(h, struct machine, host);
}

static int host_user_origin(struct ioas_host *h, struct ioas_origin **out)
{
	*out = machine_of(h)->memory;
	return 0;
}

static int host_file_origin(struct ioas_host *h, int32_t fd,
			    struct ioas_origin **out)
{
	(void)fd;
	*out = ioas_origin_get(machine_of(h)->file);
	return 0;
}

/* Every descriptor is open, and none is ours. */
static int host_fd_get(struct ioas_host *h, int32_t fd, struct ioas_ufile **out)
{
	(void)h;
	(void)fd;
	(void)out;
	return -EINVAL;
}

static const struct ioas_host_ops host_ops = {
	.user_origin = host_user_origin,
	.file_origin = host_file_origin,
	.fd_get = host_fd_get,
};

static void machine_init(struct machine *m)
{
	struct ioas_sim_options so = { .page_lg2 = TWIN_PAGE_LG2 };
	struct ioas_uapi_options uo = { .host = &m->host, .test_abi = true };

	memset(m, 0, sizeof(*m));
	assert_int_equal(ioas_frames_init(&m->frames, TWIN_PAGE_LG2), 0);
	so.frames = &m->frames;
	assert_int_equal(ioas_sim_create(&so, &m->sim), 0);
	assert_int_equal(ioas_sim_process_create(m->sim, &m->memory), 0);
	assert_int_equal(ioas_sim_file_create(m->sim, 64, 0, IOAS_SIM_RUNS,
					      &m->file),
			 0);
	m->host = (struct ioas_host){ .ops = &host_ops,
				      .page_lg2 = TWIN_PAGE_LG2,
				      .huge_lg2 = TWIN_HUGE_LG2,
				      .frames = &m->frames };
	assert_int_equal(ioas_uapi_create(&uo, &m->uapi), 0);
	m->outside = ioas_caller_enter(&m->caller);
	assert_int_equal(ioas_iommufd_open(m->uapi, 0, &m->iommufd), 0);
}

static void machine_fini(struct machine *m)
{
	ioas_ufile_put(m->iommufd);
	ioas_caller_leave(m->outside);
	ioas_uapi_destroy(m->uapi);
	ioas_origin_put(m->memory);
	ioas_origin_put(m->file);
	assert_true(ioas_sim_idle(m->sim));
	ioas_sim_destroy(m->sim);
	ioas_frames_fini(&m->frames);
}

/* ---- one space ---------------------------------------------------------- */

/* An area, and the position of its first byte in its source. */
struct area {
	unsigned int first, last;
	uint64_t source;
};

struct space {
	struct machine *m;
	struct prng *rng;
	uint32_t id;
	uint64_t alignment;
	struct twin_space u;
	struct area areas[TWIN_SIZE];
	unsigned int nr_areas;
	uint64_t chosen;
};

#define request(s, cmd, arg)              \
	((arg)->size = sizeof(*(arg)),    \
	 request_of((s), (cmd), (arg)))

static int request_of(struct space *s, uint32_t cmd, void *arg)
{
	struct ioas_ufile *f = s->m->iommufd;

	return (int)f->ops->ioctl(f, cmd, (uintptr_t)arg);
}

static uint64_t below(struct space *s, uint64_t n)
{
	return prng_below(s->rng, n);
}

static void expect(const struct space *s, const char *what, int want, int got,
		   uint64_t want_at, uint64_t got_at)
{
	if (want != got || (!want && want_at != got_at))
		fail_msg("seed %" PRIu64 ", %s, base %#" PRIx64
			 ": %d, %#" PRIx64 "; the twin says %d, %#" PRIx64,
			 seed, what, s->u.base, got, got_at, want, want_at);
}

static void add_area(struct space *s, uint64_t iova, uint64_t length,
		     uint64_t source)
{
	const unsigned int first = (unsigned int)(iova - s->u.base);

	assert_in_range(first + length, 1, TWIN_SIZE);
	s->areas[s->nr_areas++] = (struct area){
		first, first + (unsigned int)length - 1, source
	};
	memset(s->u.taken + first, true, (size_t)length);
	memset(s->u.area + first, true, (size_t)length);
}

/* ---- what is done ------------------------------------------------------- */

/* Where it should go: 0, or why nowhere (U 6.6 steps 7 to 9). */
static int predict(struct space *s, uint64_t source, uint64_t length,
		   uint64_t *at)
{
	int ret;

	if (length % s->alignment)
		return -EINVAL;
	ret = twin_choose(&s->u, s->alignment, source, length, at);
	return !ret && source % TWIN_PAGE % s->alignment ? -EINVAL : ret;
}

static void some_size(struct space *s, uint64_t *source, uint64_t *length)
{
	*source = below(s, 300);
	*length = 1 + below(s, below(s, 4) ? 16 : 200);
	if (s->alignment > 1 && below(s, 8)) {
		*source &= ~(s->alignment - 1);
		*length = (*length + s->alignment - 1) & ~(s->alignment - 1);
	}
	if (!below(s, 100))
		*length = (UINT64_C(1) << 63) - below(s, 3) * 8;
}

static void op_map(struct space *s)
{
	struct ioas_abi_ioas_map map = { .ioas_id = s->id, .flags = READ };
	uint64_t at = 0, source, length;
	int want, got;

	some_size(s, &source, &length);
	map.user_va = source;
	map.length = length;
	map.iova = below(s, 1000);
	want = predict(s, source, length, &at);
	got = request(s, IOAS_ABI_IOAS_MAP, &map);
	expect(s, "MAP", want, got, at, map.iova);
	if (!want)
		add_area(s, at, length, source);
	s->chosen += !want;
}

static void op_map_file(struct space *s)
{
	struct ioas_abi_ioas_map_file map = { .ioas_id = s->id, .flags = READ };
	uint64_t at = 0, source, length;
	int want, got;

	some_size(s, &source, &length);
	map.start = source;
	map.length = length;
	want = predict(s, source, length, &at);
	got = request(s, IOAS_ABI_IOAS_MAP_FILE, &map);
	expect(s, "MAP_FILE", want, got, at, map.iova);
	if (!want)
		add_area(s, at, length, source);
	s->chosen += !want;
}

/* A place of its own choice, to make holes of any shape. */
static void op_map_fixed(struct space *s)
{
	struct ioas_abi_ioas_map map = { .ioas_id = s->id,
					 .flags = READ | FIXED };
	const uint64_t step = s->alignment;
	const uint64_t first = below(s, TWIN_SIZE) / step * step;
	const uint64_t length = (1 + below(s, 24)) * step;
	int want = 0, got;

	if (first + length > TWIN_SIZE)
		return;
	for (uint64_t i = first; i < first + length; i++)
		if (s->u.taken[i] && want != -EINVAL)
			want = s->u.area[i] ? -EEXIST : -EINVAL;
	map.user_va = step * below(s, 40);
	map.length = length;
	map.iova = s->u.base + first;
	got = request(s, IOAS_ABI_IOAS_MAP, &map);
	expect(s, "MAP of a fixed IOVA", want, got, s->u.base + first,
	       map.iova);
	if (!want)
		add_area(s, map.iova, length, map.user_va);
}

static const struct area *area_at(const struct space *s, unsigned int byte)
{
	for (unsigned int i = 0; i < s->nr_areas; i++)
		if (s->areas[i].first <= byte && byte <= s->areas[i].last)
			return s->areas + i;
	return NULL;
}

/* The pieces that lie in [@first, @last], put to @at; false: there is a gap. */
static bool copy_pieces(struct space *s, unsigned int first, unsigned int last,
			uint64_t at, bool add)
{
	while (first <= last) {
		const struct area *a = area_at(s, first);
		unsigned int end;
		uint64_t source;

		if (!a)
			return false;
		end = a->last < last ? a->last : last;
		source = a->source + (first - a->first);
		if (add)
			add_area(s, at, end - first + 1, source);
		at += end - first + 1;
		first = end + 1;
	}
	return true;
}

/* Every piece has to be aligned at both ends (U 6.4 step 8). */
static int check_pieces(const struct space *s, unsigned int first,
			unsigned int last)
{
	while (first <= last) {
		const struct area *a = area_at(s, first);
		const unsigned int end = a->last < last ? a->last : last;

		if ((end - first + 1) % s->alignment ||
		    (a->source + (first - a->first)) % TWIN_PAGE %
			    s->alignment)
			return -EINVAL;
		first = end + 1;
	}
	return 0;
}

static void op_copy(struct space *s)
{
	struct ioas_abi_ioas_copy copy = { .dst_ioas_id = s->id,
					   .src_ioas_id = s->id,
					   .flags = READ };
	unsigned int first, last;
	const struct area *a;
	uint64_t at = 0;
	int want, got;

	if (!s->nr_areas)
		return;
	a = s->areas + below(s, s->nr_areas);
	first = a->first + (unsigned int)below(s, a->last - a->first + 1);
	if (below(s, 2))
		first = a->first;
	last = first + (unsigned int)below(s, 40);
	if (below(s, 2))
		last = a->last;
	if (last >= TWIN_SIZE)
		return;
	copy.src_iova = s->u.base + first;
	copy.length = last - first + 1;
	want = copy_pieces(s, first, last, 0, false) ? 0 : -ENOENT;
	if (!want && copy.length % s->alignment)
		want = -EINVAL;
	if (!want)
		want = twin_choose(&s->u, s->alignment,
				   a->source + (first - a->first), copy.length,
				   &at);
	if (!want)
		want = check_pieces(s, first, last);
	got = request(s, IOAS_ABI_IOAS_COPY, &copy);
	expect(s, "COPY", want, got, at, copy.dst_iova);
	if (!want)
		copy_pieces(s, first, last, at, true);
	s->chosen += !want;
}

static void op_unmap(struct space *s)
{
	struct ioas_abi_ioas_unmap unmap = { .ioas_id = s->id };
	struct area *a;
	int got;

	if (!s->nr_areas)
		return;
	a = s->areas + below(s, s->nr_areas);
	unmap.iova = s->u.base + a->first;
	unmap.length = a->last - a->first + 1;
	got = request(s, IOAS_ABI_IOAS_UNMAP, &unmap);
	expect(s, "UNMAP", 0, got, a->last - a->first + 1, unmap.length);
	memset(s->u.taken + a->first, false, a->last - a->first + 1);
	memset(s->u.area + a->first, false, a->last - a->first + 1);
	*a = s->areas[--s->nr_areas];
}

static bool is_reserved(const struct space *s, unsigned int byte)
{
	return s->u.taken[byte] && !s->u.area[byte];
}

static void op_allow(struct space *s)
{
	struct ioas_abi_iova_range r[6];
	struct ioas_abi_ioas_allow_iovas allow = { .ioas_id = s->id };
	bool allowed[TWIN_SIZE] = { false };
	unsigned int at = 0, wish = (unsigned int)below(s, 6), nr = 0;
	int want = 0, got;

	while (nr < wish && at < TWIN_SIZE - 2) {
		const unsigned int first =
			at + (unsigned int)below(s, below(s, 3) ? 60 : 1);
		const unsigned int last = first + 1 +
					  (unsigned int)below(s, 120);

		if (last >= TWIN_SIZE)
			break;
		for (unsigned int i = first; i <= last; i++) {
			allowed[i] = true;
			if (is_reserved(s, i))
				want = -EADDRINUSE;
		}
		r[nr].start = s->u.base + first;
		r[nr++].last = s->u.base + last;
		at = last + 1;
	}
	allow.num_iovas = nr;
	allow.allowed_iovas = (uintptr_t)r;
	got = request(s, IOAS_ABI_IOAS_ALLOW_IOVAS, &allow);
	expect(s, "ALLOW_IOVAS", want, got, 0, 0);
	if (want)
		return;
	memcpy(s->u.allowed, allowed, sizeof(allowed));
	s->u.any_allowed = nr;
}

static int reserve(struct space *s, uint64_t start, uint64_t length)
{
	struct ioas_abi_test_cmd cmd = { .op = IOAS_ABI_TEST_OP_ADD_RESERVED,
					 .id = s->id };

	cmd.add_reserved.start = start;
	cmd.add_reserved.length = length;
	return request(s, IOAS_ABI_TEST_CMD, &cmd);
}

static void op_reserve(struct space *s)
{
	const unsigned int first = (unsigned int)below(s, TWIN_SIZE);
	unsigned int last = first + (unsigned int)below(s, 12);
	int want = 0;

	last = last < TWIN_SIZE ? last : TWIN_SIZE - 1;
	for (unsigned int i = first; i <= last; i++)
		if (s->u.area[i] || (s->u.any_allowed && s->u.allowed[i]))
			want = -EADDRINUSE;
	expect(s, "ADD_RESERVED", want,
	       reserve(s, s->u.base + first, last - first + 1), 0, 0);
	if (!want)
		memset(s->u.taken + first, true, last - first + 1);
}

/* ---- a life ------------------------------------------------------------- */

static void space_begin(struct space *s, struct machine *m, struct prng *rng)
{
	static const uint64_t bases[] = {
		0,
		UINT64_C(1) << 63,
		(UINT64_C(1) << 32) - TWIN_SIZE / 2,
		UINT64_MAX - TWIN_SIZE + 1,
	};
	struct ioas_abi_ioas_alloc alloc = { .flags = 0 };
	struct ioas_abi_option small = {
		.option_id = IOAS_ABI_OPTION_HUGE_PAGES,
		.op = IOAS_ABI_OPTION_OP_SET,
	};

	memset(s, 0, sizeof(*s));
	s->m = m;
	s->rng = rng;
	s->alignment = 1;
	s->u.base = bases[below(s, IOAS_ARRAY_SIZE(bases))];
	assert_int_equal(request(s, IOAS_ABI_IOAS_ALLOC, &alloc), 0);
	s->id = small.object_id = alloc.out_ioas_id;
	if (s->u.base)
		assert_int_equal(reserve(s, 0, s->u.base), 0);
	if (s->u.base + TWIN_SIZE)
		assert_int_equal(reserve(s, s->u.base + TWIN_SIZE,
					 0 - (s->u.base + TWIN_SIZE)),
				 0);
	if (below(s, 2))
		return;
	/* Pages are as large as IOVAs are aligned, then. */
	assert_int_equal(request(s, IOAS_ABI_OPTION, &small), 0);
	s->alignment = TWIN_PAGE;
}

static void space_step(struct space *s)
{
	static void (*const ops[])(struct space *) = {
		op_map,	  op_map,   op_map,	  op_map,   op_map_file,
		op_copy,  op_copy,  op_map_fixed, op_unmap, op_unmap,
		op_unmap, op_unmap, op_allow,	  op_reserve,
	};
	/* A choice in a space that is full says little. */
	const bool full = s->nr_areas > TWIN_SIZE / 8;

	if (full && below(s, 2))
		op_unmap(s);
	else
		ops[below(s, IOAS_ARRAY_SIZE(ops))](s);
}

static void random_requests_agree_with_a_scan(void **state)
{
	struct prng rng = { seed };
	uint64_t ops = 0, chosen = 0;
	struct machine m;

	(void)state;
	machine_init(&m);
	while (ops < MIN_OPS) {
		struct ioas_abi_destroy destroy;
		static struct space s;

		space_begin(&s, &m, &rng);
		for (unsigned int i = 0; i < SPACE_OPS; i++)
			space_step(&s);
		destroy.id = s.id;
		assert_int_equal(request(&s, IOAS_ABI_DESTROY, &destroy), 0);
		ops += SPACE_OPS;
		chosen += s.chosen;
	}
	print_message("# seed %" PRIu64 ": %" PRIu64 " operations, %" PRIu64
		      " IOVAs chosen\n",
		      seed, ops, chosen);
	assert_true(chosen > ops / 10);
	machine_fini(&m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_requests_agree_with_a_scan),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
