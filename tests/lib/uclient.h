/* SPDX-License-Identifier: MIT */
/*
 * uclient: the requests of an iommufd, one function each, over any transport
 *
 *    test --> uc_map(c, ...) --> struct --> transport --> simulated host
 *                                                     |-> host of this process
 *                                                     `-> /dev/iommu
 *
 * Each function fills in the struct with its right size and zero where nothing
 * is said, and returns what the call returned: 0 or a value, or -errno. Results
 * go to out-parameters, which may be NULL, only on success, unless it says
 * otherwise; an out-parameter that is a struct is what came back, always.
 *
 * Requests with many members take the struct itself, and a buffer for each
 * address in it; with a NULL buffer the address is sent as it stands.
 */
#ifndef TESTS_LIB_UCLIENT_H
#define TESTS_LIB_UCLIENT_H

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include <stdbool.h>
#include <stddef.h>

struct uc_transport {
	/* An ioctl with a struct of @size bytes, in and out. */
	int (*call)(void *ctx, int fd, uint32_t cmd, void *arg, size_t size);
	/* An ioctl with a number. */
	int (*value)(void *ctx, int fd, uint32_t cmd, uint64_t arg);
	int64_t (*read)(void *ctx, int fd, void *buffer, size_t count);
	int64_t (*write)(void *ctx, int fd, const void *buffer, size_t count);
	/* A mask as poll(2) returns it. */
	int (*poll)(void *ctx, int fd);
	int (*close)(void *ctx, int fd);
	/*
	 * The address of a copy of @buffer that the next call can use, and back
	 * again. Both NULL: the address of a buffer is its own.
	 */
	uint64_t (*lend)(void *ctx, const void *buffer, size_t size);
	void (*fetch)(void *ctx, uint64_t address, void *buffer, size_t size);
};

struct uclient {
	const struct uc_transport *transport;
	void *ctx;
	/* The iommufd. */
	int fd;
};

struct simhost;

/* For a simulated host: ctx is the struct simhost. In uclient_sim.c */
extern const struct uc_transport uc_simhost;
/* For this process: ctx is the struct ioas_local. In uclient_local.c */
extern const struct uc_transport uc_local;
/* System calls of this process: no ctx. In uclient_sys.c */
extern const struct uc_transport uc_system;

/* @s of type struct *, with `size` first: as a request of exactly its size. */
#define uc_do(c, cmd, s) \
	((s)->size = sizeof(*(s)), uc_call((c), (cmd), (s), sizeof(*(s))))

int uc_call(const struct uclient *c, uint32_t cmd, void *arg, size_t size);
int64_t uc_read(const struct uclient *c, int fd, void *buffer, size_t count);
int64_t uc_write(const struct uclient *c, int fd, const void *buffer,
		 size_t count);
int uc_poll(const struct uclient *c, int fd);
int uc_close(const struct uclient *c, int fd);

/* ---- spaces (iommufd-uapi 6.1 to 6.9, 6.16, 6.19) ------------------------ */

#define UC_R IOAS_ABI_IOAS_MAP_READABLE
#define UC_W IOAS_ABI_IOAS_MAP_WRITEABLE
#define UC_RW (UC_R | UC_W)
#define UC_FIXED IOAS_ABI_IOAS_MAP_FIXED_IOVA

int uc_destroy(const struct uclient *c, uint32_t id);
int uc_ioas_alloc(const struct uclient *c, uint32_t *id);
int uc_allow(const struct uclient *c, uint32_t ioas,
	     const struct ioas_abi_iova_range *ranges, uint32_t nr);
/* @s->flags, the two ids, length and iovas; dst_iova is a result. */
int uc_copy(const struct uclient *c, struct ioas_abi_ioas_copy *s);
/*
 * Up to *@nr entries; then *@nr is how many there are, and @alignment is set:
 * also with -EMSGSIZE.
 */
int uc_ranges(const struct uclient *c, uint32_t ioas,
	      struct ioas_abi_iova_range *ranges, uint32_t *nr,
	      uint64_t *alignment);
/* *@iova: in with UC_FIXED, out. */
int uc_map(const struct uclient *c, uint32_t ioas, uint64_t va,
	   uint64_t length, uint32_t flags, uint64_t *iova);
int uc_map_fixed(const struct uclient *c, uint32_t ioas, uint64_t va,
		 uint64_t length, uint32_t flags, uint64_t iova);
int uc_map_file(const struct uclient *c, struct ioas_abi_ioas_map_file *s);
int uc_unmap(const struct uclient *c, uint32_t ioas, uint64_t iova,
	     uint64_t length, uint64_t *unmapped);
int uc_unmap_all(const struct uclient *c, uint32_t ioas, uint64_t *unmapped);
/* *@val: in and out; not NULL. */
int uc_option(const struct uclient *c, uint32_t option, uint16_t op,
	      uint32_t object, uint64_t *val);
int uc_huge_pages(const struct uclient *c, uint32_t ioas, uint64_t val);
int uc_rlimit_mode(const struct uclient *c, uint64_t val);
/* *@ioas: in and out; not NULL. */
int uc_vfio_ioas(const struct uclient *c, uint16_t op, uint32_t *ioas);
int uc_vfio_ioas_set(const struct uclient *c, uint32_t ioas);
int uc_change_process(const struct uclient *c);

/* ---- page tables and devices (6.10 to 6.15) ------------------------------ */

/* @data: s->data_len bytes. */
int uc_hwpt_alloc(const struct uclient *c, struct ioas_abi_hwpt_alloc *s,
		  const void *data);
/* Without data. */
int uc_hwpt(const struct uclient *c, uint32_t dev, uint32_t pt, uint32_t flags,
	    uint32_t *hwpt);
/* With data of the mock (iommufd-test-abi 5.2). */
int uc_hwpt_mock(const struct uclient *c, uint32_t dev, uint32_t pt,
		 uint32_t flags, const struct ioas_abi_hwpt_data_selftest *data,
		 uint32_t *hwpt);
/* @data: room for s->data_len bytes. */
int uc_hw_info(const struct uclient *c, struct ioas_abi_get_hw_info *s,
	       void *data);
int uc_dirty_set(const struct uclient *c, uint32_t hwpt, uint32_t flags);
/* @bitmap: a bit per s->page_size of s->length, in and out. */
int uc_dirty_get(const struct uclient *c,
		 struct ioas_abi_hwpt_get_dirty_bitmap *s, void *bitmap);
/* @entries: s->entry_num of s->entry_len. */
int uc_invalidate(const struct uclient *c, struct ioas_abi_hwpt_invalidate *s,
		  const void *entries);
int uc_fault_queue(const struct uclient *c, uint32_t *id, int *fd);

/* ---- VIOMMU (6.17, 6.18, 6.20, 6.21) ------------------------------------- */

/* @data: s->data_len bytes, in and out. */
int uc_viommu_alloc(const struct uclient *c, struct ioas_abi_viommu_alloc *s,
		    void *data);
/* Of the mock's type, without data. */
int uc_viommu(const struct uclient *c, uint32_t dev, uint32_t hwpt,
	      uint32_t *viommu);
int uc_vdevice(const struct uclient *c, uint32_t viommu, uint32_t dev,
	       uint64_t virt_id, uint32_t *vdevice);
int uc_veventq(const struct uclient *c, uint32_t viommu, uint32_t type,
	       uint32_t depth, uint32_t *id, int *fd);
int uc_hw_queue(const struct uclient *c, struct ioas_abi_hw_queue_alloc *s);

/* ---- container requests (11) --------------------------------------------- */

int uc_vfio_version(const struct uclient *c);
int uc_vfio_extension(const struct uclient *c, uint64_t extension);
int uc_vfio_set_iommu(const struct uclient *c, uint64_t type);
/* @info: @size bytes, of which the first are the struct. */
int uc_vfio_info(const struct uclient *c, void *info, size_t size);
int uc_vfio_map(const struct uclient *c, uint64_t va, uint64_t iova,
		uint64_t size, uint32_t flags);
/* *@size: in and out, on errors too; not NULL. */
int uc_vfio_unmap(const struct uclient *c, uint64_t iova, uint64_t *size,
		  uint32_t flags);

/* ---- the test request (iommufd-test-abi 4) ------------------------------- */

/* What MOCK_DOMAIN makes. */
struct uc_mock {
	uint32_t stdev;
	uint32_t hwpt;
	uint32_t idev;
};

/* Any op: @s->op, id and members. */
int uc_test(const struct uclient *c, struct ioas_abi_test_cmd *s);
int uc_add_reserved(const struct uclient *c, uint32_t ioas, uint64_t start,
		    uint64_t length);
int uc_mock_domain(const struct uclient *c, uint32_t pt, struct uc_mock *out);
int uc_mock_domain_flags(const struct uclient *c, uint32_t pt, uint32_t flags,
			 struct uc_mock *out);
/* *@pt: in and out; not NULL. */
int uc_mock_replace(const struct uclient *c, uint32_t stdev, uint32_t *pt);
int uc_check_map(const struct uclient *c, uint32_t hwpt, uint64_t iova,
		 uint64_t length, uint64_t uptr);
int uc_check_refs(const struct uclient *c, uint64_t uptr, uint64_t length,
		  uint32_t refs);
int uc_access_create(const struct uclient *c, uint32_t ioas, uint32_t flags,
		     int *fd);
int uc_access_replace(const struct uclient *c, int access, uint32_t ioas);
/* Compared with no memory; the second form compares with s->uptr. */
int uc_access_pin(const struct uclient *c, int access, uint32_t flags,
		  uint64_t iova, uint64_t length, uint32_t *item);
int uc_access_pages(const struct uclient *c, int access,
		    struct ioas_abi_test_access_pages *s);
int uc_access_unpin(const struct uclient *c, int access, uint32_t item);
/* @buffer: @length bytes, in and out. */
int uc_access_rw(const struct uclient *c, int access, uint64_t iova,
		 void *buffer, size_t length, uint32_t flags);
/* The same with an address. */
int uc_access_rw_at(const struct uclient *c, int access,
		    const struct ioas_abi_test_access_rw *s);
int uc_temp_limit(const struct uclient *c, uint32_t limit);
/* @bitmap: a bit per s->page_size of s->length. */
int uc_dirty(const struct uclient *c, uint32_t hwpt,
	     struct ioas_abi_test_dirty *s, const void *bitmap);
int uc_check_iotlb(const struct uclient *c, uint32_t hwpt, uint32_t entry,
		   uint32_t value);
int uc_check_cache(const struct uclient *c, uint32_t dev, uint32_t entry,
		   uint32_t value);
int uc_iopf(const struct uclient *c,
	    const struct ioas_abi_test_trigger_iopf *s);
int uc_vevent(const struct uclient *c, uint32_t dev);
/* *@pt: in and out; not NULL. */
int uc_pasid_attach(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		    uint32_t *pt);
int uc_pasid_replace(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		     uint32_t *pt);
int uc_pasid_detach(const struct uclient *c, uint32_t stdev, uint32_t pasid);
int uc_pasid_check(const struct uclient *c, uint32_t stdev, uint32_t pasid,
		   uint32_t hwpt);
/* Return: the descriptor. */
int uc_dmabuf_get(const struct uclient *c, uint32_t length,
		  uint32_t open_flags);
int uc_dmabuf_revoke(const struct uclient *c, int fd, uint32_t revoked);

#endif
