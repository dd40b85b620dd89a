/* SPDX-License-Identifier: MIT */
/*
 * uclient test: the operations of the test request
 *
 * Locks: none.
 */
#include "uclient.h"
#include "uclient_impl.h"

int uc_test(const struct uclient *c, struct ioas_abi_test_cmd *s)
{
	return uc_do(c, IOAS_ABI_TEST_CMD, s);
}

int uc_add_reserved(const struct uclient *c, uint32_t ioas, uint64_t start,
		    uint64_t length)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ADD_RESERVED,
		.id = ioas,
		.add_reserved = { .start = start, .length = length },
	};

	return uc_test(c, &s);
}

int uc_mock_domain(const struct uclient *c, uint32_t pt, struct uc_mock *out)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
				       .id = pt };
	int ret = uc_test(c, &s);

	if (!ret && out)
		*out = (struct uc_mock){ s.mock_domain.out_stdev_id,
					 s.mock_domain.out_hwpt_id,
					 s.mock_domain.out_idev_id };
	return ret;
}

int uc_mock_domain_flags(const struct uclient *c, uint32_t pt, uint32_t flags,
			 struct uc_mock *out)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = pt,
		.mock_domain_flags = { .dev_flags = flags },
	};
	int ret = uc_test(c, &s);

	if (!ret && out)
		*out = (struct uc_mock){ s.mock_domain_flags.out_stdev_id,
					 s.mock_domain_flags.out_hwpt_id,
					 s.mock_domain_flags.out_idev_id };
	return ret;
}

int uc_mock_replace(const struct uclient *c, uint32_t stdev, uint32_t *pt)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = stdev,
		.mock_domain_replace = { .pt_id = *pt },
	};
	int ret = uc_test(c, &s);

	return uc_out(ret, s.mock_domain_replace.pt_id, pt);
}

int uc_check_map(const struct uclient *c, uint32_t hwpt, uint64_t iova,
		 uint64_t length, uint64_t uptr)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MD_CHECK_MAP,
		.id = hwpt,
		.md_check_map = { .iova = iova, .length = length,
				  .uptr = uptr },
	};

	return uc_test(c, &s);
}

int uc_check_refs(const struct uclient *c, uint64_t uptr, uint64_t length,
		  uint32_t refs)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MD_CHECK_REFS,
		.md_check_refs = { .length = length, .uptr = uptr,
				   .refs = refs },
	};

	return uc_test(c, &s);
}

int uc_access_create(const struct uclient *c, uint32_t ioas, uint32_t flags,
		     int *fd)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_CREATE_ACCESS,
		.id = ioas,
		.create_access = { .flags = flags },
	};
	int ret = uc_test(c, &s);

	uc_out_fd(ret, s.create_access.out_access_fd, fd);
	return ret;
}

int uc_access_replace(const struct uclient *c, int access, uint32_t ioas)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ACCESS_REPLACE_IOAS,
		.id = (uint32_t)access,
		.access_replace_ioas = { .ioas_id = ioas },
	};

	return uc_test(c, &s);
}

int uc_access_pages(const struct uclient *c, int access,
		    struct ioas_abi_test_access_pages *pages)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ACCESS_PAGES,
		.id = (uint32_t)access,
		.access_pages = *pages,
	};
	int ret = uc_test(c, &s);

	*pages = s.access_pages;
	return ret;
}

int uc_access_pin(const struct uclient *c, int access, uint32_t flags,
		  uint64_t iova, uint64_t length, uint32_t *item)
{
	struct ioas_abi_test_access_pages s = { .flags = flags, .iova = iova,
						.length = length };
	int ret = uc_access_pages(c, access, &s);

	return uc_out(ret, s.out_access_pages_id, item);
}

int uc_access_unpin(const struct uclient *c, int access, uint32_t item)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DESTROY_ACCESS_PAGES,
		.id = (uint32_t)access,
		.destroy_access_pages = { .access_pages_id = item },
	};

	return uc_test(c, &s);
}

int uc_access_rw_at(const struct uclient *c, int access,
		    const struct ioas_abi_test_access_rw *rw)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ACCESS_RW,
		.id = (uint32_t)access,
		.access_rw = *rw,
	};

	return uc_test(c, &s);
}

int uc_access_rw(const struct uclient *c, int access, uint64_t iova,
		 void *buffer, size_t length, uint32_t flags)
{
	struct ioas_abi_test_access_rw s = { .iova = iova, .length = length,
					     .flags = flags };
	int ret;

	s.uptr = uc_lend(c, buffer, length, 0);
	ret = uc_access_rw_at(c, access, &s);
	uc_fetch(c, s.uptr, buffer, length);
	return ret;
}

int uc_temp_limit(const struct uclient *c, uint32_t limit)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.set_temp_memory_limit = { .limit = limit },
	};

	return uc_test(c, &s);
}

int uc_dirty(const struct uclient *c, uint32_t hwpt,
	     struct ioas_abi_test_dirty *dirty, const void *bitmap)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_DIRTY,
				       .id = hwpt, .dirty = *dirty };
	int ret;

	s.dirty.uptr = uc_lend(c, bitmap,
			       uc_bitmap_size(dirty->length, dirty->page_size),
			       dirty->uptr);
	ret = uc_test(c, &s);
	*dirty = s.dirty;
	return ret;
}

int uc_check_iotlb(const struct uclient *c, uint32_t hwpt, uint32_t entry,
		   uint32_t value)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MD_CHECK_IOTLB,
		.id = hwpt,
		.md_check_iotlb = { .id = entry, .iotlb = value },
	};

	return uc_test(c, &s);
}

int uc_check_cache(const struct uclient *c, uint32_t dev, uint32_t entry,
		   uint32_t value)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DEV_CHECK_CACHE,
		.id = dev,
		.dev_check_cache = { .id = entry, .cache = value },
	};

	return uc_test(c, &s);
}

int uc_iopf(const struct uclient *c,
	    const struct ioas_abi_test_trigger_iopf *iopf)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_TRIGGER_IOPF,
				       .trigger_iopf = *iopf };

	return uc_test(c, &s);
}

int uc_vevent(const struct uclient *c, uint32_t dev)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_TRIGGER_VEVENT,
		.trigger_vevent = { .dev_id = dev },
	};

	return uc_test(c, &s);
}

int uc_pasid_attach(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		    uint32_t *pt)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_PASID_ATTACH,
		.id = stdev,
		.pasid_attach = { .pasid = pasid, .pt_id = *pt },
	};
	int ret = uc_test(c, &s);

	return uc_out(ret, s.pasid_attach.pt_id, pt);
}

int uc_pasid_replace(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		     uint32_t *pt)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_PASID_REPLACE,
		.id = stdev,
		.pasid_replace = { .pasid = pasid, .pt_id = *pt },
	};
	int ret = uc_test(c, &s);

	return uc_out(ret, s.pasid_replace.pt_id, pt);
}

int uc_pasid_detach(const struct uclient *c, uint32_t stdev, uint32_t pasid)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_PASID_DETACH,
				       .id = stdev,
				       .pasid_detach = { .pasid = pasid } };

	return uc_test(c, &s);
}

int uc_pasid_check(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		   uint32_t hwpt)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_PASID_CHECK_HWPT,
		.id = stdev,
		.pasid_check_hwpt = { .pasid = pasid, .hwpt_id = hwpt },
	};

	return uc_test(c, &s);
}

int uc_dmabuf_get(const struct uclient *c, uint32_t length,
		  uint32_t open_flags)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DMABUF_GET,
		.dmabuf_get = { .length = length, .open_flags = open_flags },
	};

	return uc_test(c, &s);
}

int uc_dmabuf_revoke(const struct uclient *c, int fd, uint32_t revoked)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DMABUF_REVOKE,
		.dmabuf_revoke = { .dmabuf_fd = fd, .revoked = revoked },
	};

	return uc_test(c, &s);
}
