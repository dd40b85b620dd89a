/* SPDX-License-Identifier: MIT */
/*
 * uapi fill: bytes become values of members, buffers, and addresses
 *
 * A value is chosen among those that make sense now: ids of objects that exist,
 * ranges that are mapped, memory that is there; a byte or two say which. A wild
 * one comes from a palette of what goes wrong.
 */
#include <string.h>

#include "core/area.h"
#include "core/iopt.h"
#include "origin/sim.h"
#include "uapi.h"
#include "uapi/access.h"
#include "uapi/viommu.h"

/* ---- objects ------------------------------------------------------------ */

/* The @nth that is one of @is, around the corner; NULL: there is none. */
static struct uapi_known *nth_known(struct uapi_context *c, uint32_t is,
				    unsigned int nth)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; c && i < c->nr; i++)
		nr += (c->objects[i].is & is) != 0;
	if (!nr)
		return NULL;
	nth %= nr;
	for (struct uapi_known *k = c->objects;; k++)
		if (k->is & is && !nth--)
			return k;
}

/* The space in which areas are looked for from now on. */
static void choose_space(struct uapi_fuzz *f, struct ioas_object *obj)
{
	const struct ioas_viommu *v;
	const struct ioas_space *s = NULL;

	switch (obj->class->type) {
	case IOAS_OBJECT_IOAS:
		s = ioas_container_of(obj, struct ioas_space, obj);
		break;
	case IOAS_OBJECT_HWPT_PAGING:
	case IOAS_OBJECT_HWPT_NESTED:
		s = ioas_hwpt_space(ioas_hwpt_of(obj));
		break;
	case IOAS_OBJECT_VIOMMU:
		v = ioas_container_of(obj, struct ioas_viommu, obj);
		s = v->parent->space;
		break;
	case IOAS_OBJECT_ACCESS:
		s = ioas_container_of(obj, struct ioas_uaccess_client, obj)
			    ->space;
		break;
	default:
		break;
	}
	if (s)
		f->fill.space = s->ioas;
}

void uapi_fill_begin(struct uapi_fuzz *f, const struct uapi_call *c)
{
	struct uapi_context *ctx = uapi_current_context(f);
	struct uapi_known *k = nth_known(ctx, IS(IOAS), 0);

	f->fill = (struct uapi_fill){ .last = UINT64_MAX };
	if (k)
		choose_space(f, k->obj);
	if (ctx && c && c->flags & CALL_VFIO && ctx->ictx->vfio_space)
		f->fill.space = ctx->ictx->vfio_space->ioas;
}

static uint64_t value_id(struct uapi_fuzz *f, uint32_t is)
{
	struct uapi_known *k =
		nth_known(uapi_current_context(f), is, uapi_pick(f, 256));

	if (!k)
		return 0;
	choose_space(f, k->obj);
	return k->id;
}

/* Files and ACCESS objects come in the same order, more or less. */
static uint64_t value_fd(struct uapi_fuzz *f, uint32_t kinds)
{
	const unsigned int nth = uapi_pick(f, 256);
	struct uapi_known *k = NULL;

	if (kinds == FILE_ACCESS)
		k = nth_known(uapi_current_context(f), IS(ACCESS), nth);
	if (k)
		choose_space(f, k->obj);
	return (uint64_t)(int64_t)uapi_nth_fd(uapi_process(f), kinds, nth);
}

/* ---- ranges ------------------------------------------------------------- */

static uint64_t half(const struct uapi_fuzz *f)
{
	return f->page / 2;
}

static uint64_t value_iova(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	const uint64_t at = x % 32 * f->page;

	switch (x / 32) {
	case 4:
		return at;
	case 5:
		return IOAS_ABI_MOCK_APERTURE_START + at + half(f);
	case 6:
		return IOAS_ABI_MOCK_APERTURE_LAST + UINT64_C(1) - f->page - at;
	case 7:
		return IOAS_ABI_MOCK_APERTURE_START - at;
	default:
		return IOAS_ABI_MOCK_APERTURE_START + at;
	}
}

static struct ioas_area *nth_area(struct ioas *ioas, uint64_t nth)
{
	const uint64_t nr = ioas ? ioas_rangemap_count(&ioas->areas) : 0;
	struct ioas_range r;

	if (!nr || !ioas_rangemap_first(&ioas->areas, 0, UINT64_MAX, &r))
		return NULL;
	for (nth %= nr; nth; nth--)
		ioas_rangemap_next(&ioas->areas, UINT64_MAX, &r);
	return r.value;
}

static uint64_t value_area(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	struct ioas_area *a = nth_area(f->fill.space, x & 15);

	if (f->fill.syz) {
		f->fill.last = 2 * f->page - 1;
		return (x & 3) | (uint64_t)(x >> 2) * half(f) << 32;
	}
	if (!a || x >> 4 == 15)
		return f->fill.iova = value_iova(f);
	f->fill.area = a;
	f->fill.iova = a->iova;
	f->fill.last = a->last;
	switch (x >> 4) {
	case 11:
		f->fill.iova += f->page;
		break;
	case 12:
		f->fill.iova += half(f);
		break;
	case 13:
		f->fill.iova -= f->page;
		break;
	case 14:
		f->fill.iova += 3 * f->page;
		break;
	default:
		break;
	}
	return f->fill.iova;
}

/* Much of what has to be filled takes long. */
static uint64_t value_length(struct uapi_fuzz *f, bool small)
{
	const unsigned int x = uapi_pick(f, 256);
	const uint64_t n = (1 + x % 8) * f->page;

	switch (x / 8) {
	case 27:
		return 0;
	case 28:
		return n - half(f);
	case 29:
		return n + half(f);
	case 30:
		return small ? n : n * 8;
	case 31:
		return f->giant && !small ? n * 128 : n + 1;
	default:
		return n;
	}
}

static uint64_t value_rest(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	const uint64_t rest = f->fill.last - f->fill.iova + 1;
	struct ioas_area *to;

	if (!f->fill.area || x >= 200)
		return (1 + x % 8) * f->page - (x >= 248 ? half(f) : 0);
	if (x < 128)
		return rest;
	if (x < 160)
		return rest + f->page;
	to = nth_area(f->fill.space, x);
	return to->last - f->fill.iova + 1;
}

/* Where the area chosen has its memory, in whoever's address space. */
static uint64_t value_same(struct uapi_fuzz *f, bool may_be_none)
{
	const unsigned int x = uapi_pick(f, 8);
	const struct ioas_area *a = f->fill.area;
	uint64_t at;

	if (!a || (may_be_none && x < 5))
		return 0;
	at = (a->pages->base << a->pages->page_lg2) +
	     ioas_area_byte(a, f->fill.iova);
	if (x == 6)
		at += f->page;
	if (x == 7)
		at += half(f);
	return at;
}

static uint64_t value_va(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	uint64_t at = (UAPI_ARENA + x % 64 % UAPI_ARENA_PAGES) * f->page;

	if (x / 64 == 3 && f->giant)
		at = (UAPI_GIANT + x % 64 * 8) * f->page;
	else if (x / 64 == 2)
		at += half(f);
	return at;
}

static uint64_t value_start(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);

	return x % 4 * f->page + (x >= 240 ? half(f) : 0);
}

static uint64_t value_granule(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 8);

	return x < 6 ? f->page >> x % 3 : f->page * (x - 4);
}

static uint64_t value_pasid(struct uapi_fuzz *f)
{
	static const uint32_t pasids[] = {
		1,
		0,
		2,
		IOAS_ABI_TEST_PASID_RESERVED,
		IOAS_ABI_TEST_PASID_RESERVED,
		1,
		(1u << IOAS_ABI_MOCK_PASID_WIDTH) - 1,
		1u << IOAS_ABI_MOCK_PASID_WIDTH,
	};

	return pasids[uapi_pick(f, IOAS_ARRAY_SIZE(pasids))];
}

/* ---- buffers ------------------------------------------------------------ */

#define BUFFER_SIZE 128u

static void buffer_ranges(struct uapi_fuzz *f, uint8_t *buffer)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct ioas_abi_iova_range r = { .start = value_iova(f) };

		/* One after the other, for lists that are sound. */
		r.start += i * 64 * f->page;
		r.last = r.start + value_length(f, false) - 1;
		memcpy(buffer + i * sizeof(r), &r, sizeof(r));
	}
}

static void buffer_words(struct uapi_fuzz *f, uint8_t *buffer)
{
	for (unsigned int i = 0; i < 12; i++) {
		const uint32_t word = uapi_pick(f, 256) % 5;

		memcpy(buffer + i * sizeof(word), &word, sizeof(word));
	}
}

static void buffer_hwpt(struct uapi_fuzz *f, uint8_t *buffer)
{
	const unsigned int x = uapi_pick(f, 256);
	const struct ioas_abi_hwpt_data_selftest data = {
		.iotlb = x >> 4,
		.pagetable_type = x % 16 < 8  ? 0 :
				  x % 16 < 14 ? IOAS_ABI_MOCK_IOMMUPT_HUGE :
						x % 16,
	};

	memcpy(buffer, &data, sizeof(data));
}

static void buffer_fill(struct uapi_fuzz *f, uint32_t kind, uint8_t *buffer)
{
	switch (kind) {
	case BUFFER_RANGES:
		buffer_ranges(f, buffer);
		break;
	case BUFFER_BITS:
		memset(buffer, uapi_pick(f, 256), BUFFER_SIZE);
		break;
	case BUFFER_WORDS:
		buffer_words(f, buffer);
		break;
	case BUFFER_HWPT:
		buffer_hwpt(f, buffer);
		break;
	default:
		break;
	}
}

static uint64_t page_at(const struct uapi_fuzz *f, uint64_t index)
{
	return index * f->page;
}

static uint64_t value_buffer(struct uapi_fuzz *f, uint32_t kind)
{
	const uint64_t start = page_at(f, UAPI_BUFFER_PAGE);
	const uint64_t end = page_at(f, UAPI_BUFFER_PAGE + 2);
	const unsigned int x = uapi_pick(f, 256);
	uint8_t buffer[BUFFER_SIZE] = { 0 };
	uint64_t at = start + x / 16;

	switch (x % 16) {
	case 13:
		/* Across a border of pages. */
		at = start + f->page - x / 16 * 4;
		break;
	case 14:
		/* Up to a hole. */
		at = end - x / 16 * 8;
		break;
	case 15:
		/* Read only. */
		at = page_at(f, UAPI_ARENA + 32) + x / 16;
		break;
	default:
		break;
	}
	buffer_fill(f, kind, buffer);
	uapi_poke(f, at, buffer, sizeof(buffer));
	return at;
}

/* ---- values ------------------------------------------------------------- */

uint64_t uapi_value(struct uapi_fuzz *f, const struct uapi_field *field)
{
	const uint32_t *values;
	unsigned int nr;
	uint64_t x;

	switch (field->kind) {
	case FIELD_ONES:
		return UINT64_MAX;
	case FIELD_ID:
		return value_id(f, field->arg);
	case FIELD_FD:
		return value_fd(f, field->arg);
	case FIELD_PICK:
		values = uapi_list((enum uapi_list)field->arg, &nr);
		x = values[uapi_pick(f, nr)];
		f->fill.syz |=
			x & IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ && x >> 17 == 0;
		return x;
	case FIELD_NUM:
		return uapi_pick(f, field->arg);
	case FIELD_IOVA:
		return value_iova(f);
	case FIELD_AREA:
		return value_area(f);
	case FIELD_REST:
		return value_rest(f);
	case FIELD_SAME:
		return value_same(f, field->arg);
	case FIELD_LENGTH:
		return value_length(f, field->arg);
	case FIELD_START:
		return value_start(f);
	case FIELD_VA:
		return value_va(f);
	case FIELD_PASID:
		return value_pasid(f);
	case FIELD_GRANULE:
		return value_granule(f);
	case FIELD_BUFFER:
		return value_buffer(f, field->arg);
	case FIELD_OUT:
	case FIELD_OUT_ID:
	case FIELD_OUT_FD:
		/* What must not change if there is no result. */
		return UINT64_C(0xa5a5a5a5a5a5a5a5);
	default:
		return 0;
	}
}

/* Nothing that a request writes may lie where requests do. */
static uint64_t keep_off(const struct uapi_fuzz *f, uint64_t at)
{
	const uint64_t page = at / f->page;

	return page >= SIM_SCRATCH_PAGE && page < UAPI_ARENA ?
		       at + UAPI_ARENA * f->page :
		       at;
}

static uint64_t wild_number(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	const uint64_t numbers[] = {
		0,
		1,
		f->page - 1,
		f->page,
		f->page + 1,
		half(f),
		IOAS_ABI_MOCK_APERTURE_START,
		IOAS_ABI_MOCK_APERTURE_START - 1,
		IOAS_ABI_MOCK_APERTURE_LAST,
		IOAS_ABI_MOCK_APERTURE_LAST + UINT64_C(1),
		UINT64_C(1) << 38,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT64_MAX,
		UINT64_MAX - 1,
		UINT64_MAX - f->page + 1,
		UINT64_MAX - f->page,
		UINT32_MAX,
		IOAS_ABI_MOCK_HUGE_PAGE_SIZE,
		3,
	};

	if (x < 200)
		return numbers[x % IOAS_ARRAY_SIZE(numbers)];
	if (x < 232)
		return UINT64_C(1) << x % 32;
	return input_bytes(&f->in, 8);
}

static uint64_t wild_id(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);
	const unsigned int nr = f->now->nr_contexts;
	struct uapi_known *k = NULL;

	if (x < 100)
		k = nth_known(uapi_current_context(f), IS_ANY, x);
	else if (x < 150 && nr)
		k = nth_known(&f->now->contexts[x % nr], IS_ANY, x / nr);
	if (k)
		choose_space(f, k->obj);
	return k ? k->id : x < 220 ? x % 24 : wild_number(f);
}

static uint64_t wild_address(struct uapi_fuzz *f)
{
	const unsigned int x = uapi_pick(f, 256);

	switch (x % 8) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - x / 8;
	case 2:
		return page_at(f, UAPI_ARENA + UAPI_ARENA_PAGES) + x / 8;
	case 3:
		return page_at(f, UAPI_ARENA + 32);
	case 4:
		return page_at(f, UAPI_ARENA + UAPI_ARENA_PAGES) - x / 8;
	case 5:
		return page_at(f, UAPI_GIANT);
	default:
		return keep_off(f, wild_number(f));
	}
}

/* As value_length(): what is not refused has to be filled. */
static uint64_t wild_length(struct uapi_fuzz *f)
{
	const uint64_t lengths[] = { 0, 1, f->page - 1, 512 * f->page + 1,
				     UINT32_MAX };

	return lengths[uapi_pick(f, IOAS_ARRAY_SIZE(lengths))];
}

uint64_t uapi_wild(struct uapi_fuzz *f, const struct uapi_field *field)
{
	switch (field->kind) {
	case FIELD_LENGTH:
		return field->arg ? wild_length(f) : wild_number(f);
	case FIELD_ID:
		return wild_id(f);
	case FIELD_FD:
		return uapi_pick(f, 4) ? (uint64_t)uapi_pick(f, 40) :
					 wild_number(f);
	case FIELD_BUFFER:
	case FIELD_SAME:
	case FIELD_VA:
		return wild_address(f);
	case FIELD_AREA:
	case FIELD_IOVA:
		f->fill.area = NULL;
		return f->fill.iova = wild_number(f);
	default:
		return wild_number(f);
	}
}
