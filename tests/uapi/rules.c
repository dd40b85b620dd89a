/* SPDX-License-Identifier: MIT */
/*
 * rules: what may be mapped where, options, and what container requests ask
 * (U 6.3, 6.5, 6.8, 6.9, 11.1 to 11.4; T 4.1)
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

/* An IOAS or none: its id to *@id, and where it is. */
static int target(struct um *m, uint32_t *id)
{
	const int i = some_ioas(m);

	if (i < 0)
		return -1;
	*id = chance(m, 97) ? m->ioas[i].id : wrong_id(m, ID_IOAS);
	return i;
}

/* ---- ranges ------------------------------------------------------------- */

static void random_range(struct um *m, int i, uint64_t *first, uint64_t *last)
{
	*first = some_iova(m, i);
	if (chance(m, 8)) {
		*last = some_iova(m, i);
		return;
	}
	*last = *first + some_length(m, i) - 1;
	if (chance(m, 25))
		*last = *first + below(m, 400) * PAGE - 1;
	if (*last < *first && chance(m, 70))
		*last = UINT64_MAX;
}

/* Steps 3 and 4. */
static int predict_allow(const struct um *m, int i,
			 const struct ioas_abi_iova_range *r, uint32_t nr,
			 uint32_t readable)
{
	for (uint32_t n = 0; n < nr; n++) {
		if (n >= readable)
			return -EFAULT;
		if (r[n].start >= r[n].last)
			return -EINVAL;
		for (uint32_t k = 0; k < n; k++)
			if (r[n].start <= r[k].last && r[k].start <= r[n].last)
				return -EINVAL;
	}
	for (uint32_t n = 0; n < nr; n++)
		if (hits_reserved(m, i, r[n].start, r[n].last))
			return -EADDRINUSE;
	return 0;
}

int op_allow(struct um *m)
{
	struct ioas_abi_ioas_allow_iovas s = { .num_iovas = 0 };
	struct ioas_abi_iova_range r[MAX_LIST];
	uint32_t readable = MAX_LIST;
	const uint64_t end = buffer_at() + (BUFFER_PAGES << PAGE_LG2);
	int i, want = 0, got;

	i = target(m, &s.ioas_id);
	if (i < 0)
		return SKIP;
	s.num_iovas = (uint32_t)below(m, MAX_LIST + 1);
	s.__reserved = chance(m, 1);
	for (uint32_t n = 0; n < s.num_iovas; n++)
		random_range(m, i, (uint64_t *)&r[n].start,
			     (uint64_t *)&r[n].last);
	/* The array ends where its memory does; or it does not. */
	if (s.num_iovas && chance(m, 4))
		readable = (uint32_t)below(m, s.num_iovas);
	s.allowed_iovas = end - ioas_min(readable, s.num_iovas) * sizeof(*r);
	sim_poke(m->h, s.allowed_iovas, r,
		 ioas_min(readable, s.num_iovas) * sizeof(*r));
	say(m, "ioas %d id %u, %u ranges, %#llx..%#llx", i, s.ioas_id,
	    s.num_iovas, s.num_iovas ? (ull)r[0].start : 0,
	    s.num_iovas ? (ull)r[0].last : 0);
	if (s.__reserved)
		want = -EOPNOTSUPP;
	else if (id_find(m, s.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	else
		want = predict_allow(m, i, r, s.num_iovas, readable);
	got = uapi_request(m, IOAS_ABI_IOAS_ALLOW_IOVAS, &s);
	if (!expect(m, want, got) || want)
		return got;
	m->ioas[i].nr_allowed = s.num_iovas;
	for (uint32_t n = 0; n < s.num_iovas; n++)
		m->ioas[i].allowed[n] = (struct m_range){
			.first = r[n].start, .last = r[n].last
		};
	return 0;
}

int op_reserve(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_ADD_RESERVED };
	uint64_t first, last, end;
	int i, want, got;

	i = target(m, &s.id);
	if (i < 0 || m->ioas[i].nr_reserved > 5)
		return SKIP;
	random_range(m, i, &first, &last);
	/* They stay for ever, so big ones come seldom. */
	if (last - first > 64 * PAGE && chance(m, 90))
		last = first + below(m, 8) * PAGE;
	s.add_reserved.start = first;
	s.add_reserved.length = chance(m, 97) ? last - first + 1 : 0;
	if (!s.add_reserved.length)
		want = -EINVAL;
	else if (!ioas_last(first, last - first + 1, &end))
		want = -EOVERFLOW;
	else if (id_find(m, s.id, ID_IOAS) < 0)
		want = -ENOENT;
	else if (hits_area(m, i, first, end) || hits_allowed(m, i, first, end))
		want = -EADDRINUSE;
	else
		want = 0;
	say(m, "ioas %d id %u %#llx length %#llx", i, s.id, (ull)first,
	    (ull)s.add_reserved.length);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want)
		return got;
	m->ioas[i].reserved[m->ioas[i].nr_reserved++] = (struct m_range){
		.first = first, .last = end, .owner = -1
	};
	return 0;
}

#define FILLER UINT64_C(0x5a5a5a5a5a5a5a5a)

/* The array that came back: @room entries, and then what was there before. */
static void check_array(struct um *m, uint64_t at, const struct m_range *want,
			uint32_t nr, uint32_t room)
{
	struct ioas_abi_iova_range r[MAX_USABLE + 1];

	sim_peek(m->h, at, r, sizeof(r));
	for (uint32_t n = 0; n <= MAX_USABLE; n++) {
		const bool is = n < nr && n < room;

		expect_value(m, is ? "the start of a range" : "beyond",
			     is ? want[n].first : FILLER, r[n].start);
		expect_value(m, is ? "the end of a range" : "beyond",
			     is ? want[n].last : FILLER, r[n].last);
	}
}

int op_ranges(struct um *m)
{
	struct ioas_abi_ioas_iova_ranges s = { .num_iovas = 0 };
	struct ioas_abi_iova_range filler[MAX_USABLE + 1];
	struct m_range want_r[MAX_USABLE];
	uint32_t nr, room;
	int i, want, got;

	i = target(m, &s.ioas_id);
	if (i < 0)
		return SKIP;
	room = (uint32_t)below(m, chance(m, 70) ? 6 : MAX_USABLE);
	s.num_iovas = room;
	s.__reserved = chance(m, 1);
	s.allowed_iovas = buffer_at();
	memset(filler, 0x5a, sizeof(filler));
	sim_poke(m->h, buffer_at(), filler, sizeof(filler));
	nr = usable_ranges(m, i, want_r);
	want = nr > room ? -EMSGSIZE : 0;
	if (s.__reserved)
		want = -EOPNOTSUPP;
	else if (id_find(m, s.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	say(m, "ioas %d id %u room %u", i, s.ioas_id, room);
	got = uapi_request(m, IOAS_ABI_IOAS_IOVA_RANGES, &s);
	if (!expect(m, want, got) || (want && want != -EMSGSIZE))
		return got;
	expect_value(m, "the number of ranges", nr, s.num_iovas);
	expect_value(m, "the alignment", ioas_alignment_of(m, i),
		     s.out_iova_alignment);
	check_array(m, buffer_at(), want_r, nr, room);
	return got;
}

/* ---- options ------------------------------------------------------------ */

/* U 6.8 step 5. */
static int predict_small(const struct um *m, int i)
{
	if (m->ioas[i].small)
		return 0;
	if (ioas_domains(m, i) && m->ioas[i].nr_areas)
		return -EINVAL;
	return ioas_conforms(m, i, PAGE) ? 0 : -EADDRINUSE;
}

int op_huge_pages(struct um *m)
{
	struct ioas_abi_option s = { .option_id = IOAS_ABI_OPTION_HUGE_PAGES };
	int i, want, got;

	i = target(m, &s.object_id);
	if (i < 0)
		return SKIP;
	s.op = (uint16_t)(chance(m, 70) ? IOAS_ABI_OPTION_OP_SET :
					  IOAS_ABI_OPTION_OP_GET);
	if (chance(m, 2))
		s.op = 2;
	s.val64 = chance(m, 96) ? chance(m, 40) : 2 + below(m, 9);
	s.__reserved = chance(m, 1);
	if (s.__reserved)
		want = -EOPNOTSUPP;
	else if (id_find(m, s.object_id, ID_IOAS) < 0)
		want = -ENOENT;
	else if (s.op == IOAS_ABI_OPTION_OP_GET)
		want = 0;
	else if (s.op != IOAS_ABI_OPTION_OP_SET)
		want = -EOPNOTSUPP;
	else if (s.val64 > 1)
		want = -EINVAL;
	else
		want = s.val64 ? 0 : predict_small(m, i);
	say(m, "ioas %d id %u op %u value %llu", i, s.object_id, s.op,
	    (ull)s.val64);
	got = uapi_request(m, IOAS_ABI_OPTION, &s);
	if (!expect(m, want, got) || want)
		return got;
	if (s.op == IOAS_ABI_OPTION_OP_SET)
		m->ioas[i].small = !s.val64;
	else if (!m->stays)
		expect_value(m, "the option", !m->ioas[i].small, s.val64);
	return 0;
}

static bool any_object(const struct um *m)
{
	for (int id = 1; id < MAX_IDS; id++)
		if (m->ids[id].kind != ID_FREE)
			return true;
	return false;
}

int op_rlimit_mode(struct um *m)
{
	struct ioas_abi_option s = { .option_id =
					     IOAS_ABI_OPTION_RLIMIT_MODE };
	int want = 0, got;

	s.op = (uint16_t)below(m, 3);
	s.val64 = below(m, 3);
	s.object_id = chance(m, 5);
	if (s.object_id || s.op > IOAS_ABI_OPTION_OP_GET)
		want = -EOPNOTSUPP;
	else if (s.op == IOAS_ABI_OPTION_OP_SET &&
		 !m->process[m->p].resource)
		want = -EPERM;
	else if (s.op == IOAS_ABI_OPTION_OP_SET && any_object(m))
		want = -EBUSY;
	else if (s.op == IOAS_ABI_OPTION_OP_SET && s.val64 > 1)
		want = -EINVAL;
	say(m, "op %u value %llu", s.op, (ull)s.val64);
	got = uapi_request(m, IOAS_ABI_OPTION, &s);
	if (!expect(m, want, got) || want)
		return got;
	if (s.op == IOAS_ABI_OPTION_OP_SET)
		m->account_mm = s.val64;
	else if (!m->stays)
		expect_value(m, "the option", m->account_mm, s.val64);
	return 0;
}

/* ---- container requests ------------------------------------------------- */

int op_vfio_ioas(struct um *m)
{
	struct ioas_abi_vfio_ioas s = { .op = IOAS_ABI_VFIO_IOAS_SET };
	int want = 0, got, i;

	i = target(m, &s.ioas_id);
	if (i < 0)
		return SKIP;
	if (chance(m, 40))
		s.op = (uint16_t)below(m, 4);
	s.__reserved = chance(m, 1);
	if (s.__reserved || s.op > IOAS_ABI_VFIO_IOAS_CLEAR)
		want = -EOPNOTSUPP;
	else if (s.op == IOAS_ABI_VFIO_IOAS_GET && m->compat < 0)
		want = -ENODEV;
	else if (s.op == IOAS_ABI_VFIO_IOAS_SET &&
		 id_find(m, s.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	say(m, "op %u id %u", s.op, s.ioas_id);
	got = uapi_request(m, IOAS_ABI_VFIO_IOAS, &s);
	if (!expect(m, want, got) || want)
		return got;
	if (s.op == IOAS_ABI_VFIO_IOAS_SET)
		m->compat = (int8_t)i;
	else if (s.op == IOAS_ABI_VFIO_IOAS_CLEAR)
		m->compat = -1;
	else
		expect_value(m, "the compat IOAS", m->ioas[m->compat].id,
			     s.ioas_id);
	return 0;
}

int op_vfio_set_iommu(struct um *m)
{
	static const uint8_t types[] = { 1, 1, 1, 3, 3, 0, 8, 6 };
	const uint64_t type = types[below(m, sizeof(types))];
	int want = 0, got;

	if (type != IOAS_ABI_VFIO_TYPE1_IOMMU &&
	    type != IOAS_ABI_VFIO_TYPE1v2_IOMMU)
		want = -EINVAL;
	else if (m->compat < 0)
		want = -ENODEV;
	else if (type == IOAS_ABI_VFIO_TYPE1_IOMMU)
		want = predict_small(m, m->compat);
	say(m, "type %llu", (ull)type);
	got = request_value(m, IOAS_ABI_VFIO_SET_IOMMU, type);
	if (expect(m, want, got) && !want &&
	    type == IOAS_ABI_VFIO_TYPE1_IOMMU)
		m->ioas[m->compat].small = true;
	return got;
}

int op_vfio_extension(struct um *m)
{
	const uint64_t ext = below(m, 12);
	int want = 0, got;

	if (ext == IOAS_ABI_VFIO_TYPE1_IOMMU ||
	    ext == IOAS_ABI_VFIO_TYPE1v2_IOMMU ||
	    ext == IOAS_ABI_VFIO_UNMAP_ALL)
		want = 1;
	/* Every mock IOMMU is coherent (T 3). */
	if (ext == IOAS_ABI_VFIO_DMA_CC_IOMMU)
		want = m->compat < 0 ? -ENODEV : 1;
	say(m, "%llu", (ull)ext);
	got = request_value(m, IOAS_ABI_VFIO_CHECK_EXTENSION, ext);
	expect(m, want, got);
	return got < 0 ? got : 0;
}

/* U 11.4 step 4. */
static uint64_t page_sizes(const struct um *m, int i)
{
	uint64_t sizes = UINT64_MAX;

	for (int d = 0; d < IOAS_DOMAINS; d++) {
		const struct m_hwpt *t = m->hwpt + i * IOAS_DOMAINS + d;

		if (t->used)
			sizes &= t->huge ? LARGE | PAGE :
					   UINT64_C(0x3ffffff800);
	}
	if (sizes & (PAGE - 1))
		sizes = (sizes & ~(PAGE - 1)) | PAGE;
	return ioas_max(sizes, ioas_alignment_of(m, i));
}

/* Everything, as it should be in memory; returns its size. */
static uint32_t expected_info(const struct um *m, int i, unsigned char *out)
{
	const struct ioas_abi_vfio_info_cap_dma_avail avail = {
		.header = { IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL, 1, 40 },
		.avail = UINT32_MAX,
	};
	struct ioas_abi_vfio_info_cap_iova_range cap = {
		.header = { IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE, 1, 0 },
	};
	struct ioas_abi_vfio_iommu_get_info info = { .flags = 3 };
	struct m_range r[MAX_USABLE];

	cap.nr_iovas = usable_ranges(m, i, r);
	info.argsz = 56 + cap.nr_iovas * 16;
	info.iova_pgsizes = page_sizes(m, i);
	info.cap_offset = sizeof(info);
	memcpy(out, &info, sizeof(info));
	memset(out + 24, 0, 16);
	memcpy(out + 24, &avail, sizeof(avail));
	memcpy(out + 40, &cap, sizeof(cap));
	for (uint32_t n = 0; n < cap.nr_iovas; n++) {
		memcpy(out + 56 + n * 16, &r[n].first, 8);
		memcpy(out + 64 + n * 16, &r[n].last, 8);
	}
	return info.argsz;
}

#define INFO_ROOM (56 + 16 * MAX_USABLE + 64)

/* Step 6: a chain that is not complete is not pointed at. */
static void check_info(struct um *m, uint32_t argsz)
{
	unsigned char want[INFO_ROOM], got[INFO_ROOM];
	const uint32_t size = expected_info(m, m->compat, want);
	const bool whole = argsz >= size;

	sim_peek(m->h, buffer_at(), got, sizeof(got));
	if (!whole)
		memset(want + 16, 0, 4);
	for (uint32_t n = 0; n < ioas_min(argsz, whole ? size : 24); n++)
		if (n < 36 || n >= 40)
			expect_value(m, "a byte of the information", want[n],
				     got[n]);
	for (uint32_t n = argsz; n < INFO_ROOM; n++)
		expect_value(m, "a byte beyond argsz", 0x5a, got[n]);
}

int op_vfio_info(struct um *m)
{
	const uint32_t argsz = (uint32_t)(chance(m, 60) ? 16 * below(m, 16) :
							  below(m, 400));
	unsigned char filler[INFO_ROOM];
	int want = 0, got;

	memset(filler, 0x5a, sizeof(filler));
	memcpy(filler, &argsz, sizeof(argsz));
	sim_poke(m->h, buffer_at(), filler, sizeof(filler));
	if (argsz < 16)
		want = -EINVAL;
	else if (m->compat < 0)
		want = -ENODEV;
	say(m, "argsz %u", argsz);
	got = request_value(m, IOAS_ABI_VFIO_IOMMU_GET_INFO, buffer_at());
	if (expect(m, want, got) && !want)
		check_info(m, argsz);
	return got;
}
