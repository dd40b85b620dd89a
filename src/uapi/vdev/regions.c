/* SPDX-License-Identifier: MIT */
/*
 * regions: a function through read, write and mmap of its file
 * (docs/reference/vfio-device-uapi.md 5, 6)
 *
 *   file offset   |index << 40 | position|     a BAR's index is also 0x10 + n,
 *                                              which is what we report
 *
 *   position      0x1003      4 5 6 7 8             10
 *   accesses        | 1 | 4         | 8               | ..    naturally aligned
 *
 * Each access is copied on its own: what a program's bad address ends has had
 * its effects up to there, and no more. The table of MSI-X reads as ones and
 * keeps what it has; it is the front end's.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

#define POS_MASK ((UINT64_C(1) << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT) - 1)
#define REGION_RW                              \
	(IOAS_ABI_VFIO_REGION_INFO_FLAG_READ | \
	 IOAS_ABI_VFIO_REGION_INFO_FLAG_WRITE)

struct ioas_vdev_region ioas_vdev_region(const struct ioas_vdev *v,
					 uint32_t index)
{
	struct ioas_vdev_region r = { 0 };

	if (index < IOAS_VDEV_BARS && v->bars[index].size) {
		r.size = v->bars[index].size;
		r.flags = REGION_RW;
		if (v->bars[index].shm.memory)
			r.flags |= IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP;
	} else if (index == IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX) {
		r.size = v->config_size;
		r.flags = REGION_RW;
	}
	return r;
}

/* ---- read and write ----------------------------------------------------- */

/* What is to be copied, and which way. */
struct transfer {
	struct ioas_vdev *v;
	unsigned int bar;
	uint64_t pos;
	uint64_t count;
	uint64_t buffer;
	bool write;
};

/* Of the widths up to @most, the largest that fits at @pos. */
static unsigned int width_at(uint64_t pos, uint64_t left, unsigned int most)
{
	unsigned int width = most;

	while (width > left || pos & (width - 1))
		width /= 2;
	return width;
}

/* Its bounds are multiples of the largest access, so none straddles them. */
static bool in_msix_table(const struct transfer *t, uint64_t pos)
{
	const struct ioas_vdev *v = t->v;

	return v->msix_length && t->bar == v->msix_bar &&
	       pos >= v->msix_first && pos - v->msix_first < v->msix_length;
}

static int bar_get(const struct transfer *t, uint64_t pos, unsigned int width,
		   uint64_t user)
{
	uint64_t value;
	int ret = t->v->ops->bar_read(t->v, t->bar, pos, width, &value);

	if (ret)
		return ret;
	if (in_msix_table(t, pos))
		value = IOAS_U64_MAX;
	return ioas_copy_to(user, &value, width);
}

static int bar_put(const struct transfer *t, uint64_t pos, unsigned int width,
		   uint64_t user)
{
	uint64_t value = 0;
	int ret = ioas_copy_from(&value, user, width);

	if (ret)
		return ret;
	/* Nothing is written; that memory is not decoded is told all the same. */
	if (in_msix_table(t, pos))
		return t->v->ops->bar_read(t->v, t->bar, pos, width, &value);
	return t->v->ops->bar_write(t->v, t->bar, pos, width, value);
}

static int config_get(const struct transfer *t, uint64_t pos,
		      unsigned int width, uint64_t user)
{
	const uint32_t value =
		t->v->ops->config_read(t->v, (uint32_t)pos, width);

	return ioas_copy_to(user, &value, width);
}

static int config_put(const struct transfer *t, uint64_t pos,
		      unsigned int width, uint64_t user)
{
	uint32_t value = 0;
	int ret = ioas_copy_from(&value, user, width);

	if (!ret)
		t->v->ops->config_write(t->v, (uint32_t)pos, width, value);
	return ret;
}

static int64_t transfer(const struct transfer *t, unsigned int most,
			int (*step)(const struct transfer *t, uint64_t pos,
				    unsigned int width, uint64_t user))
{
	unsigned int width;

	for (uint64_t done = 0; done < t->count; done += width) {
		int ret;

		width = width_at(t->pos + done, t->count - done, most);
		ret = step(t, t->pos + done, width, t->buffer + done);
		if (ret)
			return ret;
	}
	return (int64_t)t->count;
}

static int64_t bar_transfer(struct transfer *t)
{
	const uint64_t size = t->v->bars[t->bar].size;

	if (t->pos >= size)
		return -EINVAL;
	t->count = ioas_min(t->count, size - t->pos);
	return transfer(t, sizeof(uint64_t), t->write ? bar_put : bar_get);
}

static int64_t config_transfer(const struct transfer *t)
{
	const uint64_t size = t->v->config_size;

	if (t->pos >= size || t->count > size - t->pos)
		return -EFAULT;
	return transfer(t, sizeof(uint32_t),
			t->write ? config_put : config_get);
}

uint64_t ioas_vdev_region_index(uint64_t offset)
{
	const uint64_t index = offset >> IOAS_ABI_VFIO_PCI_OFFSET_SHIFT;
	const uint64_t bar = index - IOAS_VDEV_BAR_INDEX;

	return bar < IOAS_VDEV_BARS ? bar : index;
}

/* There is neither ROM nor VGA. */
static int64_t region_transfer(struct transfer *t, uint64_t offset)
{
	const uint64_t index = ioas_vdev_region_index(offset);

	if (index >= IOAS_ABI_VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	if (!t->count)
		return 0;
	t->pos = offset & POS_MASK;
	t->bar = (unsigned int)index;
	if (index < IOAS_VDEV_BARS)
		return bar_transfer(t);
	if (index == IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX)
		return config_transfer(t);
	return -EINVAL;
}

int64_t ioas_vdev_read(struct ioas_vdev_file *f, uint64_t buffer,
		       uint64_t count, uint64_t offset)
{
	struct transfer t = { .v = f->v, .count = count, .buffer = buffer };

	return region_transfer(&t, offset);
}

int64_t ioas_vdev_write(struct ioas_vdev_file *f, uint64_t buffer,
			uint64_t count, uint64_t offset)
{
	struct transfer t = {
		.v = f->v, .count = count, .buffer = buffer, .write = true
	};

	return region_transfer(&t, offset);
}

/* ---- mmap --------------------------------------------------------------- */

/* What a program has mapped of a BAR: keeps the file open. */
struct bar_map {
	struct ioas_region region;
	_Atomic uint32_t refs;
	struct ioas_ufile *file;
};

static struct bar_map *map_of(struct ioas_region *region)
{
	return ioas_container_of(region, struct bar_map, region);
}

static void map_dup(struct ioas_region *region)
{
	atomic_fetch_add_explicit(&map_of(region)->refs, 1,
				  memory_order_relaxed);
}

static void map_unmap(struct ioas_region *region)
{
	struct bar_map *m = map_of(region);
	struct ioas_ufile *file = m->file;

	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	ioas_free(m, sizeof(*m));
	ioas_ufile_put(file);
}

static const struct ioas_region_ops map_ops = {
	.dup = map_dup,
	.unmap = map_unmap,
};

/* Bytes from @pos on that can be mapped in one piece. */
static uint64_t mappable(const struct ioas_vdev_bar *bar, uint64_t page,
			 uint64_t pos)
{
	const uint64_t size = ioas_align_up(bar->size, page);

	if (!bar->shm.memory || pos >= size)
		return 0;
	for (uint32_t i = 0; i < bar->nr_areas; i++) {
		const struct ioas_vdev_area *a = &bar->areas[i];

		if (pos >= a->first && pos - a->first < a->length)
			return a->length - (pos - a->first);
	}
	return bar->nr_areas ? 0 : size - pos;
}

void *ioas_vdev_memory(const struct ioas_vdev *v, uint64_t offset,
		       uint64_t *length)
{
	const uint64_t page = UINT64_C(1) << ioas_vdev_host(v)->page_lg2;
	const uint64_t pos = offset & POS_MASK;
	const struct ioas_vdev_bar *bar;
	uint64_t index;

	/* There alone; what else a file has there is no BAR. */
	if (offset < ioas_vdev_bar_offset(0))
		return NULL;
	index = ioas_vdev_region_index(offset);
	if (index >= IOAS_VDEV_BARS)
		return NULL;
	bar = &v->bars[index];
	*length = ioas_min(*length, mappable(bar, page, pos));
	return *length ? (char *)bar->shm.memory + pos : NULL;
}

/* Step 6: one file at a time may have them, if the function says so. */
static int map_reserve(struct ioas_vdev_file *f)
{
	struct ioas_vdev *v = f->v;
	int ret = 0;

	ioas_vgroup_lock(v->vgroup);
	if (v->ops->map)
		ret = v->ops->map(v, &f->file);
	ioas_vgroup_unlock(v->vgroup);
	return ret;
}

/* 5.4, up to step 5. The BAR in *@out. */
static int map_check(const struct ioas_vdev *v,
		     const struct ioas_mmap_request *rq, uint64_t length,
		     const struct ioas_vdev_bar **out)
{
	const uint64_t page = UINT64_C(1) << ioas_vdev_host(v)->page_lg2;
	const uint64_t index = ioas_vdev_region_index(rq->offset);
	const uint64_t pos = rq->offset & POS_MASK;
	const struct ioas_vdev_bar *bar;

	if (index >= IOAS_VDEV_BARS || !rq->shared)
		return -EINVAL;
	bar = &v->bars[index];
	if (!length || pos & (page - 1) || length > mappable(bar, page, pos))
		return -EINVAL;
	*out = bar;
	return 0;
}

int ioas_vdev_mmap(struct ioas_vdev_file *f, const struct ioas_mmap_request *rq,
		   struct ioas_region **out)
{
	const uint64_t page = UINT64_C(1) << ioas_vdev_host(f->v)->page_lg2;
	const uint64_t length = ioas_align_up(rq->length, page);
	const uint64_t pos = rq->offset & POS_MASK;
	const struct ioas_vdev_bar *bar;
	struct bar_map *m;
	int ret = map_check(f->v, rq, length, &bar);

	if (!ret)
		ret = map_reserve(f);
	if (ret)
		return ret;
	m = ioas_zalloc(sizeof(*m), IOAS_FP_ALLOC_RECORD);
	if (!m)
		return -ENOMEM;
	m->region.ops = &map_ops;
	m->region.offset = rq->offset;
	m->region.length = length;
	m->region.shm = (struct ioas_shm){
		.memory = (char *)bar->shm.memory + pos,
		.length = length,
		.fd = bar->shm.fd,
		.offset = bar->shm.offset + pos,
	};
	atomic_store_explicit(&m->refs, 1, memory_order_relaxed);
	m->file = ioas_ufile_get(&f->file);
	*out = &m->region;
	return 0;
}
