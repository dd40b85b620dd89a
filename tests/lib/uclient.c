/* SPDX-License-Identifier: MIT */
/*
 * uclient: see uclient.h; the test request is in uclient_test.c
 *
 * Locks: none.
 */
#include "uclient.h"
#include "uclient_impl.h"

int uc_call(const struct uclient *c, uint32_t cmd, void *arg, size_t size)
{
	return c->transport->call(c->ctx, c->fd, cmd, arg, size);
}

int64_t uc_read(const struct uclient *c, int fd, void *buffer, size_t count)
{
	return c->transport->read(c->ctx, fd, buffer, count);
}

int64_t uc_write(const struct uclient *c, int fd, const void *buffer,
		 size_t count)
{
	return c->transport->write(c->ctx, fd, buffer, count);
}

int uc_poll(const struct uclient *c, int fd)
{
	return c->transport->poll(c->ctx, fd);
}

int uc_close(const struct uclient *c, int fd)
{
	return c->transport->close(c->ctx, fd);
}

/* ---- spaces -------------------------------------------------------------- */

int uc_destroy(const struct uclient *c, uint32_t id)
{
	struct ioas_abi_destroy s = { .id = id };

	return uc_do(c, IOAS_ABI_DESTROY, &s);
}

int uc_ioas_alloc(const struct uclient *c, uint32_t *id)
{
	struct ioas_abi_ioas_alloc s = { .flags = 0 };
	int ret = uc_do(c, IOAS_ABI_IOAS_ALLOC, &s);

	return uc_out(ret, s.out_ioas_id, id);
}

int uc_allow(const struct uclient *c, uint32_t ioas,
	     const struct ioas_abi_iova_range *ranges, uint32_t nr)
{
	struct ioas_abi_ioas_allow_iovas s = { .ioas_id = ioas,
					       .num_iovas = nr };

	s.allowed_iovas = uc_lend(c, ranges, nr * sizeof(*ranges), 0);
	return uc_do(c, IOAS_ABI_IOAS_ALLOW_IOVAS, &s);
}

int uc_copy(const struct uclient *c, struct ioas_abi_ioas_copy *s)
{
	return uc_do(c, IOAS_ABI_IOAS_COPY, s);
}

int uc_ranges(const struct uclient *c, uint32_t ioas,
	      struct ioas_abi_iova_range *ranges, uint32_t *nr,
	      uint64_t *alignment)
{
	const size_t size = *nr * sizeof(*ranges);
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = ioas,
					       .num_iovas = *nr };
	int ret;

	s.allowed_iovas = uc_lend(c, ranges, size, 0);
	ret = uc_do(c, IOAS_ABI_IOAS_IOVA_RANGES, &s);
	uc_fetch(c, s.allowed_iovas, ranges, size);
	if (ret && ret != -EMSGSIZE)
		return ret;
	*nr = s.num_iovas;
	if (alignment)
		*alignment = s.out_iova_alignment;
	return ret;
}

int uc_map(const struct uclient *c, uint32_t ioas, uint64_t va,
	   uint64_t length, uint32_t flags, uint64_t *iova)
{
	struct ioas_abi_ioas_map s = { .flags = flags, .ioas_id = ioas,
				       .user_va = va, .length = length };
	int ret;

	if (iova && flags & UC_FIXED)
		s.iova = *iova;
	ret = uc_do(c, IOAS_ABI_IOAS_MAP, &s);
	return uc_out64(ret, s.iova, iova);
}

int uc_map_fixed(const struct uclient *c, uint32_t ioas, uint64_t va,
		 uint64_t length, uint32_t flags, uint64_t iova)
{
	return uc_map(c, ioas, va, length, flags | UC_FIXED, &iova);
}

int uc_map_file(const struct uclient *c, struct ioas_abi_ioas_map_file *s)
{
	return uc_do(c, IOAS_ABI_IOAS_MAP_FILE, s);
}

int uc_unmap(const struct uclient *c, uint32_t ioas, uint64_t iova,
	     uint64_t length, uint64_t *unmapped)
{
	struct ioas_abi_ioas_unmap s = { .ioas_id = ioas, .iova = iova,
					 .length = length };
	int ret = uc_do(c, IOAS_ABI_IOAS_UNMAP, &s);

	return uc_out64(ret, s.length, unmapped);
}

int uc_unmap_all(const struct uclient *c, uint32_t ioas, uint64_t *unmapped)
{
	return uc_unmap(c, ioas, 0, UINT64_MAX, unmapped);
}

int uc_option(const struct uclient *c, uint32_t option, uint16_t op,
	      uint32_t object, uint64_t *val)
{
	struct ioas_abi_option s = { .option_id = option, .op = op,
				     .object_id = object, .val64 = *val };
	int ret = uc_do(c, IOAS_ABI_OPTION, &s);

	return uc_out64(ret, s.val64, val);
}

int uc_huge_pages(const struct uclient *c, uint32_t ioas, uint64_t val)
{
	return uc_option(c, IOAS_ABI_OPTION_HUGE_PAGES, IOAS_ABI_OPTION_OP_SET,
			 ioas, &val);
}

int uc_rlimit_mode(const struct uclient *c, uint64_t val)
{
	return uc_option(c, IOAS_ABI_OPTION_RLIMIT_MODE,
			 IOAS_ABI_OPTION_OP_SET, 0, &val);
}

int uc_vfio_ioas(const struct uclient *c, uint16_t op, uint32_t *ioas)
{
	struct ioas_abi_vfio_ioas s = { .ioas_id = *ioas, .op = op };
	int ret = uc_do(c, IOAS_ABI_VFIO_IOAS, &s);

	return uc_out(ret, s.ioas_id, ioas);
}

int uc_vfio_ioas_set(const struct uclient *c, uint32_t ioas)
{
	return uc_vfio_ioas(c, IOAS_ABI_VFIO_IOAS_SET, &ioas);
}

int uc_change_process(const struct uclient *c)
{
	struct ioas_abi_ioas_change_process s = { .__reserved = 0 };

	return uc_do(c, IOAS_ABI_IOAS_CHANGE_PROCESS, &s);
}

/* ---- page tables and devices --------------------------------------------- */

int uc_hwpt_alloc(const struct uclient *c, struct ioas_abi_hwpt_alloc *s,
		  const void *data)
{
	s->data_uptr = uc_lend(c, data, s->data_len, s->data_uptr);
	return uc_do(c, IOAS_ABI_HWPT_ALLOC, s);
}

int uc_hwpt(const struct uclient *c, uint32_t dev, uint32_t pt, uint32_t flags,
	    uint32_t *hwpt)
{
	struct ioas_abi_hwpt_alloc s = { .flags = flags, .dev_id = dev,
					 .pt_id = pt };
	int ret = uc_hwpt_alloc(c, &s, NULL);

	return uc_out(ret, s.out_hwpt_id, hwpt);
}

int uc_hwpt_mock(const struct uclient *c, uint32_t dev, uint32_t pt,
		 uint32_t flags, const struct ioas_abi_hwpt_data_selftest *data,
		 uint32_t *hwpt)
{
	struct ioas_abi_hwpt_alloc s = {
		.flags = flags,
		.dev_id = dev,
		.pt_id = pt,
		.data_type = IOAS_ABI_HWPT_DATA_SELFTEST,
		.data_len = sizeof(*data),
	};
	int ret = uc_hwpt_alloc(c, &s, data);

	return uc_out(ret, s.out_hwpt_id, hwpt);
}

int uc_hw_info(const struct uclient *c, struct ioas_abi_get_hw_info *s,
	       void *data)
{
	const uint32_t room = s->data_len;
	int ret;

	s->data_uptr = uc_lend(c, data, room, s->data_uptr);
	ret = uc_do(c, IOAS_ABI_GET_HW_INFO, s);
	uc_fetch(c, s->data_uptr, data, room);
	return ret;
}

int uc_dirty_set(const struct uclient *c, uint32_t hwpt, uint32_t flags)
{
	struct ioas_abi_hwpt_set_dirty_tracking s = { .flags = flags,
						      .hwpt_id = hwpt };

	return uc_do(c, IOAS_ABI_HWPT_SET_DIRTY_TRACKING, &s);
}

int uc_dirty_get(const struct uclient *c,
		 struct ioas_abi_hwpt_get_dirty_bitmap *s, void *bitmap)
{
	const size_t size = bitmap ? uc_bitmap_size(s->length, s->page_size) :
				     0;
	int ret;

	s->data = uc_lend(c, bitmap, size, s->data);
	ret = uc_do(c, IOAS_ABI_HWPT_GET_DIRTY_BITMAP, s);
	uc_fetch(c, s->data, bitmap, size);
	return ret;
}

int uc_invalidate(const struct uclient *c, struct ioas_abi_hwpt_invalidate *s,
		  const void *entries)
{
	s->data_uptr = uc_lend(c, entries,
			       (size_t)s->entry_len * s->entry_num,
			       s->data_uptr);
	return uc_do(c, IOAS_ABI_HWPT_INVALIDATE, s);
}

int uc_fault_queue(const struct uclient *c, uint32_t *id, int *fd)
{
	struct ioas_abi_fault_queue_alloc s = { .flags = 0 };
	int ret = uc_do(c, IOAS_ABI_FAULT_QUEUE_ALLOC, &s);

	uc_out_fd(ret, s.out_fault_fd, fd);
	return uc_out(ret, s.out_fault_id, id);
}

/* ---- VIOMMU -------------------------------------------------------------- */

int uc_viommu_alloc(const struct uclient *c, struct ioas_abi_viommu_alloc *s,
		    void *data)
{
	int ret;

	s->data_uptr = uc_lend(c, data, s->data_len, s->data_uptr);
	ret = uc_do(c, IOAS_ABI_VIOMMU_ALLOC, s);
	uc_fetch(c, s->data_uptr, data, s->data_len);
	return ret;
}

int uc_viommu(const struct uclient *c, uint32_t dev, uint32_t hwpt,
	      uint32_t *viommu)
{
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.dev_id = dev,
		.hwpt_id = hwpt,
	};
	int ret = uc_viommu_alloc(c, &s, NULL);

	return uc_out(ret, s.out_viommu_id, viommu);
}

int uc_vdevice(const struct uclient *c, uint32_t viommu, uint32_t dev,
	       uint64_t virt_id, uint32_t *vdevice)
{
	struct ioas_abi_vdevice_alloc s = { .viommu_id = viommu,
					    .dev_id = dev,
					    .virt_id = virt_id };
	int ret = uc_do(c, IOAS_ABI_VDEVICE_ALLOC, &s);

	return uc_out(ret, s.out_vdevice_id, vdevice);
}

int uc_veventq(const struct uclient *c, uint32_t viommu, uint32_t type,
	       uint32_t depth, uint32_t *id, int *fd)
{
	struct ioas_abi_veventq_alloc s = { .viommu_id = viommu,
					    .type = type,
					    .veventq_depth = depth };
	int ret = uc_do(c, IOAS_ABI_VEVENTQ_ALLOC, &s);

	uc_out_fd(ret, s.out_veventq_fd, fd);
	return uc_out(ret, s.out_veventq_id, id);
}

int uc_hw_queue(const struct uclient *c, struct ioas_abi_hw_queue_alloc *s)
{
	return uc_do(c, IOAS_ABI_HW_QUEUE_ALLOC, s);
}

/* ---- container requests -------------------------------------------------- */

static int uc_value(const struct uclient *c, uint32_t cmd, uint64_t arg)
{
	return c->transport->value(c->ctx, c->fd, cmd, arg);
}

int uc_vfio_version(const struct uclient *c)
{
	return uc_value(c, IOAS_ABI_VFIO_GET_API_VERSION, 0);
}

int uc_vfio_extension(const struct uclient *c, uint64_t extension)
{
	return uc_value(c, IOAS_ABI_VFIO_CHECK_EXTENSION, extension);
}

int uc_vfio_set_iommu(const struct uclient *c, uint64_t type)
{
	return uc_value(c, IOAS_ABI_VFIO_SET_IOMMU, type);
}

int uc_vfio_info(const struct uclient *c, void *info, size_t size)
{
	return uc_call(c, IOAS_ABI_VFIO_IOMMU_GET_INFO, info, size);
}

int uc_vfio_map(const struct uclient *c, uint64_t va, uint64_t iova,
		uint64_t size, uint32_t flags)
{
	struct ioas_abi_vfio_iommu_map_dma s = { .argsz = sizeof(s),
						 .flags = flags,
						 .vaddr = va,
						 .iova = iova,
						 .size = size };

	return uc_call(c, IOAS_ABI_VFIO_IOMMU_MAP_DMA, &s, sizeof(s));
}

int uc_vfio_unmap(const struct uclient *c, uint64_t iova, uint64_t *size,
		  uint32_t flags)
{
	struct ioas_abi_vfio_iommu_unmap_dma s = { .argsz = sizeof(s),
						   .flags = flags,
						   .iova = iova,
						   .size = *size };
	int ret = uc_call(c, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, &s, sizeof(s));

	*size = s.size;
	return ret;
}
