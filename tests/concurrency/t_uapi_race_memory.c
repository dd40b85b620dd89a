/* SPDX-License-Identifier: MIT */
/*
 * races for memory: areas, accesses, dma-bufs, and who pays
 */
#include "uapi_race.h"

#include "domain/ops.h"
#include "uapi/hwpt.h"

#define PINS IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define RW_WRITE IOAS_ABI_MOCK_ACCESS_RW_WRITE

/* ---- accesses ------------------------------------------------------------ */

/* An access on the first space, which has memory, and in turns a device. */
static void setup_access(struct round *r)
{
	setup_spaces(r);
	map_at(r, 0, VA);
	if (r->number % 2)
		device_new(r, 0, 0);
	must_ok(r, uc_access_create(&r->c, r->ioas[0], PINS, &r->fd));
}

static void setup_access_pinned(struct round *r)
{
	setup_access(r);
	for (uint32_t i = 0; i < 2; i++)
		must_ok(r, uc_access_pin(&r->c, r->fd, 0, IOVA + i * PAGE,
					 2 * PAGE, NULL));
}

static void unmap_1(struct round *r)
{
	r->ret[1] = uc_unmap(&r->c, r->ioas[0], IOVA, 4 * PAGE, NULL);
}

static void pin_2(struct round *r)
{
	r->ret[2] = uc_access_pin(&r->c, r->fd, 0, IOVA, PAGE, &r->out[2]);
}

static void pin_1(struct round *r)
{
	r->ret[1] = uc_access_pin(&r->c, r->fd, 0, IOVA, 2 * PAGE, &r->out[1]);
}

static void rw_2(struct round *r)
{
	r->ret[2] = uc_access_rw(&r->c, r->fd, IOVA + 100, r->buffer[2],
				 sizeof(r->buffer[2]),
				 r->number % 3 ? 0 : RW_WRITE);
}

static void no_pin_is_left(struct round *r)
{
	must_ok(r, uc_check_refs(&r->c, VA, VA_PAGES * PAGE, 0));
	must(r, (int64_t)ioas_sim_total_pins(r->h->sim), 0);
}

static void unmapped_under_pins(struct round *r)
{
	must_ok(r, r->ret[0]);
	among(r, 1, 0, -EINVAL, -ENOENT);
	among(r, 2, 0, -EINVAL, -ENOENT);
	if (!r->ret[1])
		must(r, uc_access_unpin(&r->c, r->fd, r->out[1]), -ENOENT);
	no_pin_is_left(r);
}

static const struct contest_case unmap_and_pin = {
	.name = "UNMAP, pin, and transfer of one area",
	.setup = setup_access,
	.sides = { unmap_0, pin_1, rw_2 },
	.check = unmapped_under_pins,
};

static void replace_0(struct round *r)
{
	r->ret[0] = uc_access_replace(&r->c, r->fd, r->ioas[1]);
}

static void moved_and_unmapped(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	among(r, 2, 0, -EINVAL, -ENOENT);
	for (uint32_t item = 0; item < 3; item++)
		must(r, uc_access_unpin(&r->c, r->fd, item), -ENOENT);
	must(r, uc_access_pin(&r->c, r->fd, 0, IOVA, PAGE, NULL), -ENOENT);
	no_pin_is_left(r);
	must_ok(r, uc_destroy(&r->c,
			      r->number % 2 ? r->dev[0].stdev : r->ioas[0]));
}

static const struct contest_case replace_and_unmap = {
	.name = "an access moves, UNMAP, and a pin",
	.setup = setup_access_pinned,
	.sides = { replace_0, unmap_1, pin_2 },
	.check = moved_and_unmapped,
};

static void closed_and_unmapped(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	among(r, 2, 0, -EINVAL, -ENOENT, -EBADFD);
	no_pin_is_left(r);
}

static const struct contest_case close_and_unmap = {
	.name = "an access is closed, UNMAP, and a pin",
	.setup = setup_access_pinned,
	.sides = { close_0, unmap_1, pin_2 },
	.check = closed_and_unmapped,
};

static void setup_writer(struct round *r)
{
	static const uint8_t zero[sizeof(r->buffer[0])];

	setup_access(r);
	sim_poke(r->h, VA, zero, sizeof(zero));
}

/* Writes until it is told that there is nothing to write to. */
static void write_1(struct round *r)
{
	for (unsigned int i = 0; i < 200 && !r->ret[1]; i++) {
		memset(r->buffer[1], (int)i + 1, sizeof(r->buffer[1]));
		r->ret[1] = uc_access_rw(&r->c, r->fd, IOVA, r->buffer[1],
					 sizeof(r->buffer[1]), RW_WRITE);
	}
}

/* As soon as it returns: the memory is the program's alone. */
static void unmap_and_look_0(struct round *r)
{
	unmap_0(r);
	sim_peek(r->h, VA, r->buffer[0], sizeof(r->buffer[0]));
}

static void memory_stood_still(struct round *r)
{
	uint8_t now[sizeof(r->buffer[0])];

	must_ok(r, r->ret[0]);
	among(r, 1, 0, -EINVAL, -ENOENT);
	sim_peek(r->h, VA, now, sizeof(now));
	assert_memory_equal(now, r->buffer[0], sizeof(now));
	/* Whole writes only. */
	for (size_t i = 1; i < sizeof(now); i++)
		assert_int_equal(now[i], now[0]);
}

static const struct contest_case unmap_and_writer = {
	.name = "nobody writes once UNMAP has returned",
	.setup = setup_writer,
	.sides = { unmap_and_look_0, write_1 },
	.check = memory_stood_still,
};

static void copy_1(struct round *r)
{
	struct ioas_abi_ioas_copy s = {
		.flags = UC_FIXED | UC_RW,
		.dst_ioas_id = r->ioas[1],
		.src_ioas_id = r->ioas[0],
		.length = 2 * PAGE,
		.dst_iova = IOVA + PAGE,
		.src_iova = IOVA + PAGE,
	};

	r->ret[1] = uc_copy(&r->c, &s);
}

/* Both spaces have a device, so that memory is held if it is mapped. */
static void setup_copy(struct round *r)
{
	setup_device(r);
	device_new(r, 1, 1);
}

static void copied_or_not(struct round *r)
{
	const uint32_t refs = r->ret[1] ? 0 : 1;

	must_ok(r, r->ret[0]);
	among(r, 1, 0, -ENOENT, -EBUSY);
	must_ok(r, uc_check_refs(&r->c, VA + PAGE, 2 * PAGE, refs));
	must_ok(r, uc_check_refs(&r->c, VA, PAGE, 0));
	must(r,
	     uc_check_map(&r->c, r->dev[1].hwpt, IOVA + PAGE, 2 * PAGE,
			  VA + PAGE),
	     refs ? 0 : -EINVAL);
}

static const struct contest_case copy_and_unmap = {
	.name = "COPY and UNMAP of its source",
	.setup = setup_copy,
	.sides = { unmap_0, copy_1 },
	.check = copied_or_not,
};

static int map_dmabuf(struct round *r, unsigned int space, uint64_t iova)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_FIXED | UC_RW,
					    .ioas_id = r->ioas[space],
					    .fd = r->fd,
					    .length = 4 * PAGE,
					    .iova = iova };

	return uc_map_file(&r->c, &s);
}

static void setup_dmabuf(struct round *r)
{
	setup_spaces(r);
	r->fd = uc_dmabuf_get(&r->c, 4 * PAGE, 0);
	assert_true(r->fd >= 0);
	device_new(r, 0, 0);
	must_ok(r, map_dmabuf(r, 1, IOVA));
}

static void revoke_0(struct round *r)
{
	r->ret[0] = uc_dmabuf_revoke(&r->c, r->fd, 1);
}

static void map_dmabuf_1(struct round *r)
{
	r->ret[1] = map_dmabuf(r, 0, IOVA);
}

static void attach_dmabuf_2(struct round *r)
{
	r->ret[2] = uc_mock_domain(&r->c, r->ioas[1], &r->dev[1]);
}

/* Does any entry of the page table lead anywhere? */
static bool leads(struct round *r, uint32_t id, uint64_t iova)
{
	struct ioas_hwpt *h =
		ioas_hwpt_get_paging(sim_context(r->h, r->c.fd), id);
	uint64_t addr, length;
	bool does;

	assert_non_null(h);
	does = !h->domain->ops->translate_run(h->domain, iova, iova, NULL,
					      &addr, &length);
	ioas_pt_put(&h->obj);
	return does;
}

static void nothing_leads_there(struct round *r)
{
	must_ok(r, r->ret[0]);
	among(r, 1, 0, -ENODEV);
	must_ok(r, r->ret[2]);
	must(r, leads(r, r->dev[0].hwpt, IOVA), 0);
	must(r, leads(r, r->dev[1].hwpt, IOVA), 0);
	must(r, map_dmabuf(r, 0, 2 * IOVA), -ENODEV);
	must_ok(r, uc_dmabuf_revoke(&r->c, r->fd, 0));
	must_ok(r, map_dmabuf(r, 0, 2 * IOVA));
	must(r, leads(r, r->dev[0].hwpt, 2 * IOVA), 1);
	must(r, leads(r, r->dev[0].hwpt, IOVA), 0);
}

static const struct contest_case revoke_map_attach = {
	.name = "revoke, MAP_FILE, and attach of a dma-buf",
	.setup = setup_dmabuf,
	.sides = { revoke_0, map_dmabuf_1, attach_dmabuf_2 },
	.check = nothing_leads_there,
};

/* Memory of a file alone, which may change its owner. */
static void setup_file(struct round *r)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_FIXED | UC_RW,
					    .length = 4 * PAGE,
					    .iova = IOVA };

	setup_spaces(r);
	device_new(r, 0, 0);
	r->fd = sim_open_file(r->h, 8, IOAS_SIM_RUNS);
	s.ioas_id = r->ioas[0];
	s.fd = r->fd;
	must_ok(r, uc_map_file(&r->c, &s));
	r->out[2] =
		(uint32_t)sim_send(r->h, r->c.fd, contest_stranger(r->contest));
}

static void map_file_1(struct round *r)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_FIXED | UC_RW,
					    .ioas_id = r->ioas[0],
					    .fd = r->fd,
					    .start = PAGE,
					    .length = 2 * PAGE,
					    .iova = IOVA + 4 * PAGE };

	r->ret[1] = uc_map_file(&r->c, &s);
}

static void change_process_2(struct round *r)
{
	const struct uclient theirs = { .transport = r->c.transport,
					.ctx = r->c.ctx,
					.fd = (int)r->out[2] };

	simhost_enter(r->h, contest_stranger(r->contest));
	r->ret[2] = uc_change_process(&theirs);
	simhost_enter_task(&r->h->processes[0], 2);
}

static void somebody_pays(struct round *r)
{
	const uint64_t nr = atomic_load(&r->h->users[0]->charged) +
			    atomic_load(&r->h->users[1]->charged);

	for (unsigned int i = 0; i < SIDES; i++)
		must_ok(r, r->ret[i]);
	must(r, (int64_t)nr, 2);
	must_ok(r, uc_unmap_all(&r->c, r->ioas[0], NULL));
}

static const struct contest_case change_and_maps = {
	.name = "CHANGE_PROCESS, UNMAP, and MAP_FILE",
	.setup = setup_file,
	.sides = { unmap_0, map_file_1, change_process_2 },
	.check = somebody_pays,
};

/* ---- program ------------------------------------------------------------- */

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RACE(unmap_and_pin),   RACE(replace_and_unmap),
		RACE(close_and_unmap), RACE(unmap_and_writer),
		RACE(copy_and_unmap),  RACE(revoke_map_attach),
		RACE(change_and_maps),
	};

	return race_main(argc, argv, tests);
}
