/* SPDX-License-Identifier: MIT */
/*
 * races for objects: ids, contexts, and page tables that are made and go by
 * themselves; two or three requests at the same moment, and which combinations
 * of answers there may be
 */
#include "uapi_race.h"

/* ---- ids ----------------------------------------------------------------- */

static void side_destroy_space(struct round *r, unsigned int i)
{
	r->ret[i] = uc_destroy(&r->c, r->ioas[0]);
}

static void destroy_space_0(struct round *r)
{
	side_destroy_space(r, 0);
}

static void destroy_space_1(struct round *r)
{
	side_destroy_space(r, 1);
}

static void destroy_space_2(struct round *r)
{
	side_destroy_space(r, 2);
}

static void look_up_1(struct round *r)
{
	uint32_t nr = 0;

	r->ret[1] = uc_ranges(&r->c, r->ioas[0], NULL, &nr, NULL);
}

static void destroyed_or_looked_up(struct round *r)
{
	among(r, 0, 0, -EBUSY);
	among(r, 1, -EMSGSIZE, -ENOENT);
	if (r->ret[0])
		must(r, r->ret[1], -EMSGSIZE);
	must(r, uc_destroy(&r->c, r->ioas[0]), r->ret[0] ? 0 : -ENOENT);
}

static const struct contest_case destroy_and_lookup = {
	.name = "destroy and lookup of one id",
	.setup = setup_spaces,
	.sides = { destroy_space_0, look_up_1 },
	.check = destroyed_or_looked_up,
};

static void destroyed_once(struct round *r)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < SIDES; i++) {
		among(r, i, 0, -ENOENT);
		nr += !r->ret[i];
	}
	must(r, nr, 1);
}

static const struct contest_case destroy_thrice = {
	.name = "three destroy one object",
	.setup = setup_spaces,
	.sides = { destroy_space_0, destroy_space_1, destroy_space_2 },
	.check = destroyed_once,
};

/* The id is soon somebody else's, at the same address as likely as not. */
static void renew_0(struct round *r)
{
	for (unsigned int i = 0; i < 4; i++) {
		r->ret[0] = uc_destroy(&r->c, r->ioas[0]);
		if (!r->ret[0])
			r->ret[0] = uc_ioas_alloc(&r->c, &r->out[0]);
		if (r->ret[0])
			break;
	}
}

static void map_1(struct round *r)
{
	for (unsigned int i = 0; i < 4 && !r->ret[1]; i++)
		r->ret[1] = uc_map_fixed(&r->c, r->ioas[0], VA, PAGE, UC_R,
					 IOVA + i * PAGE);
}

static void unmap_all_2(struct round *r)
{
	for (unsigned int i = 0; i < 4 && !r->ret[2]; i++)
		r->ret[2] = uc_unmap_all(&r->c, r->ioas[0], NULL);
}

/* What was mapped is in the one that there is now, or gone with its space. */
static void space_is_usable(struct round *r)
{
	uint64_t bytes = 0;

	among(r, 0, 0, -EBUSY);
	among(r, 1, 0, -ENOENT);
	among(r, 2, 0, -ENOENT, -EBUSY);
	if (r->out[0])
		must(r, r->out[0], r->ioas[0]);
	must_ok(r, uc_unmap_all(&r->c, r->ioas[0], &bytes));
	assert_true(bytes <= 4 * PAGE);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
}

static const struct contest_case renew_and_map = {
	.name = "a space is destroyed and made, mapped and unmapped",
	.setup = setup_spaces,
	.sides = { renew_0, map_1, unmap_all_2 },
	.check = space_is_usable,
};

static void side_alloc(struct round *r, unsigned int i)
{
	r->ret[i] = uc_ioas_alloc(&r->c, &r->out[i]);
}

static void alloc_0(struct round *r)
{
	side_alloc(r, 0);
}

static void alloc_1(struct round *r)
{
	side_alloc(r, 1);
}

static void alloc_2(struct round *r)
{
	side_alloc(r, 2);
}

/* Two are in use already: the next three, in some order. */
static void ids_are_dense(struct round *r)
{
	uint32_t seen = 0;

	for (unsigned int i = 0; i < SIDES; i++) {
		must_ok(r, r->ret[i]);
		seen |= 1u << r->out[i];
	}
	must(r, seen, 1 << 3 | 1 << 4 | 1 << 5);
}

static const struct contest_case allocs = {
	.name = "three ids at once",
	.setup = setup_spaces,
	.sides = { alloc_0, alloc_1, alloc_2 },
	.check = ids_are_dense,
};

static void vfio_set_0(struct round *r)
{
	r->ret[0] = uc_vfio_ioas_set(&r->c, r->ioas[0]);
}

static void vfio_map_2(struct round *r)
{
	r->ret[2] = uc_vfio_map(&r->c, VA, IOVA, PAGE,
				IOAS_ABI_VFIO_DMA_MAP_FLAG_READ);
}

/* What is gone is not the compat space. */
static void compat_exists(struct round *r)
{
	uint32_t id = 0;
	int ret = uc_vfio_ioas(&r->c, IOAS_ABI_VFIO_IOAS_GET, &id);

	among(r, 0, 0, -ENOENT);
	among(r, 1, 0, -EBUSY);
	among(r, 2, 0, -ENODEV);
	must(r, ret,
	     r->ret[1] || r->ret[0] ? r->ret[0] ? -ENODEV : 0 : -ENODEV);
	if (!ret)
		must(r, id, r->ioas[0]);
	if (r->ret[1])
		must_ok(r, uc_destroy(&r->c, r->ioas[0]));
	must(r, uc_vfio_ioas(&r->c, IOAS_ABI_VFIO_IOAS_GET, &id), -ENODEV);
}

static const struct contest_case compat_and_destroy = {
	.name = "compat space set, destroyed and used",
	.setup = setup_spaces,
	.sides = { vfio_set_0, destroy_space_1, vfio_map_2 },
	.check = compat_exists,
};

static void setup_nothing(struct round *r)
{
	r->fd = -1;
	simhost_task(r->h)->caller.resource = true;
}

static void policy_0(struct round *r)
{
	r->ret[0] = uc_rlimit_mode(&r->c, 1);
}

static void policy_holds(struct round *r)
{
	uint64_t mode = 2;

	simhost_task(r->h)->caller.resource = false;
	among(r, 0, 0, -EBUSY);
	must_ok(r, r->ret[1]);
	must_ok(r, uc_option(&r->c, IOAS_ABI_OPTION_RLIMIT_MODE,
			     IOAS_ABI_OPTION_OP_GET, 0, &mode));
	must(r, (int64_t)mode, !r->ret[0]);
}

static const struct contest_case policy_and_alloc = {
	.name = "policy of accounting and the first object",
	.setup = setup_nothing,
	.sides = { policy_0, alloc_1 },
	.check = policy_holds,
};

/* A call of another thread is the last that needs the context. */
static void close_context_0(struct round *r)
{
	r->ret[0] = uc_close(&r->c, r->c.fd);
}

static void mock_1(struct round *r)
{
	r->ret[1] = uc_mock_domain(&r->c, r->ioas[0], &r->dev[1]);
}

static void mock_2(struct round *r)
{
	r->ret[2] = uc_mock_domain(&r->c, r->ioas[0], NULL);
}

static void context_is_gone(struct round *r)
{
	must_ok(r, r->ret[0]);
	among(r, 1, 0, -EBADF);
	among(r, 2, 0, -EBADF);
	must(r, sim_nr_contexts(r->h), 0);
}

static const struct contest_case last_close = {
	.name = "last close in the middle of calls",
	.setup = setup_device,
	.sides = { close_context_0, mock_1, mock_2 },
	.check = context_is_gone,
};

/* ---- automatic page tables ----------------------------------------------- */

static void setup_two_devices(struct round *r)
{
	setup_device(r);
	device_new(r, 1, 0);
}

static void mock_0(struct round *r)
{
	r->ret[0] = uc_mock_domain(&r->c, r->ioas[0], &r->dev[0]);
}

static void setup_memory(struct round *r)
{
	setup_spaces(r);
	map_at(r, 0, VA);
}

static void table_is_one(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	must(r, r->dev[0].hwpt, r->dev[1].hwpt);
	must_ok(r, reaches(r, r->dev[0].hwpt, 4 * PAGE));
	must(r, uc_destroy(&r->c, r->dev[0].hwpt), -EBUSY);
	must_ok(r, uc_destroy(&r->c, r->dev[0].stdev));
	must_ok(r, reaches(r, r->dev[0].hwpt, 4 * PAGE));
	must_ok(r, uc_destroy(&r->c, r->dev[1].stdev));
	must(r, reaches(r, r->dev[0].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
}

static const struct contest_case two_attach = {
	.name = "two attach to one empty space",
	.setup = setup_memory,
	.sides = { mock_0, mock_1 },
	.check = table_is_one,
};

static void use_table_1(struct round *r)
{
	r->ret[1] = reaches(r, r->dev[0].hwpt, 2 * PAGE);
}

static void check_pasid_2(struct round *r)
{
	r->ret[2] = uc_pasid_check(&r->c, r->dev[0].stdev, 0, r->dev[0].hwpt);
}

static void table_is_gone(struct round *r)
{
	/* Its handle may be in use as well. */
	among(r, 0, 0, -EBUSY);
	among(r, 1, 0, -ENOENT);
	among(r, 2, 0, -ENOENT, -EINVAL);
	if (r->ret[0])
		must_ok(r, uc_destroy(&r->c, r->dev[0].stdev));
	must(r, reaches(r, r->dev[0].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
}

static const struct contest_case last_detach_and_lookup = {
	.name = "last detach and who uses the automatic table",
	.setup = setup_device,
	.sides = { destroy_device_0, use_table_1, check_pasid_2 },
	.check = table_is_gone,
};

static void one_table_is_left(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	must_ok(r, reaches(r, r->dev[1].hwpt, 4 * PAGE));
	if (r->dev[0].hwpt != r->dev[1].hwpt)
		must(r, reaches(r, r->dev[0].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->dev[1].stdev));
	must(r, reaches(r, r->dev[1].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
}

static const struct contest_case last_detach_and_attach = {
	.name = "last detach and the next attach",
	.setup = setup_device,
	.sides = { destroy_device_0, mock_1 },
	.check = one_table_is_left,
};

/*
 * The second device has a PASID, so its RID cannot go where PASIDs are not
 * allowed: it tries the automatic table, and is refused.
 */
static void setup_refusal(struct round *r)
{
	uint32_t pt;

	setup_two_devices(r);
	must_ok(r, uc_hwpt(&r->c, r->dev[1].idev, r->ioas[1], PASID, &r->hwpt));
	pt = r->hwpt;
	must_ok(r, uc_mock_replace(&r->c, r->dev[1].stdev, &pt));
	must_ok(r, uc_pasid_attach(&r->c, r->dev[1].stdev, 5, &pt));
}

static void try_table_1(struct round *r)
{
	r->out[1] = r->ioas[0];
	r->ret[1] = uc_mock_replace(&r->c, r->dev[1].stdev, &r->out[1]);
}

/* Whoever was the last to have it in his hands has destroyed it. */
static void refused_table_is_gone(struct round *r)
{
	must_ok(r, r->ret[0]);
	must(r, r->ret[1], -EINVAL);
	must(r, reaches(r, r->dev[0].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
}

static const struct contest_case last_detach_and_refusal = {
	.name = "last detach and an attach that is refused",
	.setup = setup_refusal,
	.sides = { destroy_device_0, try_table_1 },
	.check = refused_table_is_gone,
};

static void side_move(struct round *r, unsigned int i)
{
	r->out[i] = r->ioas[1];
	r->ret[i] = uc_mock_replace(&r->c, r->dev[i].stdev, &r->out[i]);
}

static void move_0(struct round *r)
{
	side_move(r, 0);
}

static void move_1(struct round *r)
{
	side_move(r, 1);
}

static void moved_to_one_table(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	must(r, r->out[0], r->out[1]);
	must(r, reaches(r, r->out[0], 2 * PAGE), -EINVAL);
	if (r->dev[0].hwpt != r->out[0])
		must(r, reaches(r, r->dev[0].hwpt, 0), -ENOENT);
	must_ok(r, uc_destroy(&r->c, r->ioas[0]));
	must(r, uc_destroy(&r->c, r->ioas[1]), -EBUSY);
}

static const struct contest_case two_replace = {
	.name = "two devices move to one empty space",
	.setup = setup_two_devices,
	.sides = { move_0, move_1 },
	.check = moved_to_one_table,
};

/* A PASID needs tables that allow it; the other table of the RID does not. */
static void setup_pasids(struct round *r)
{
	uint32_t pt;

	setup_device(r);
	must_ok(r, uc_hwpt(&r->c, r->dev[0].idev, r->ioas[0], PASID, &r->hwpt));
	pt = r->hwpt;
	must_ok(r, uc_mock_replace(&r->c, r->dev[0].stdev, &pt));
}

static void pasid_1(struct round *r)
{
	r->out[1] = r->hwpt;
	r->ret[1] = uc_pasid_attach(&r->c, r->dev[0].stdev, 5, &r->out[1]);
}

static void pasids_are_allowed(struct round *r)
{
	either(r, 0, -EINVAL, -EINVAL, 0);
	if (!r->ret[1])
		must_ok(r, uc_pasid_detach(&r->c, r->dev[0].stdev, 5));
	must_ok(r, uc_pasid_check(&r->c, r->dev[0].stdev, 5, 0));
}

static const struct contest_case pasid_and_rid = {
	.name = "a PASID, and a RID that does not allow it",
	.setup = setup_pasids,
	.sides = { move_0, pasid_1 },
	.check = pasids_are_allowed,
};

static void small_pages_0(struct round *r)
{
	r->ret[0] = uc_huge_pages(&r->c, r->ioas[0], 0);
}

/* Half a page is what a mock device can do, and large pages need. */
static void map_half_1(struct round *r)
{
	r->ret[1] = uc_map_fixed(&r->c, r->ioas[0], VA + PAGE / 2, PAGE / 2,
				 UC_R, IOVA);
}

static void alignment_holds(struct round *r)
{
	/* Already with a domain and an area; or only with the latter. */
	among(r, 0, 0, -EINVAL, -EADDRINUSE);
	among(r, 1, 0, -EINVAL);
	must_ok(r, r->ret[2]);
	must(r, !r->ret[0] && !r->ret[1], 0);
	must(r, r->ret[0] && r->ret[1], 0);
}

static const struct contest_case options_map_attach = {
	.name = "small pages, half a page, and a domain",
	.setup = setup_spaces,
	.sides = { small_pages_0, map_half_1, mock_2 },
	.check = alignment_holds,
};

/* ---- program ------------------------------------------------------------- */

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RACE(destroy_and_lookup),
		RACE(destroy_thrice),
		RACE(renew_and_map),
		RACE(allocs),
		RACE(compat_and_destroy),
		RACE(policy_and_alloc),
		RACE(last_close),
		RACE(two_attach),
		RACE(last_detach_and_lookup),
		RACE(last_detach_and_attach),
		RACE(last_detach_and_refusal),
		RACE(two_replace),
		RACE(pasid_and_rid),
		RACE(options_map_attach),
	};

	return race_main(argc, argv, tests);
}
