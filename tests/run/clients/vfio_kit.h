/* SPDX-License-Identifier: MIT */
/*
 * vfio_kit: what clients that are drivers share
 *
 *   struct vfio   a function that is open and bound: registers, configuration,
 *      |          interrupts; a space that it may be attached to
 *      '-- struct eng   one ring of a DMA engine, driven one by one
 *
 * Functions are known by the numbers that the tests give them on the command
 * line of `ioas run` (t_run_vfio.py): FN_* is N of /dev/vfio/devices/vfioN. What
 * must not fail ends the client; the names that end in _try return -errno.
 */
#ifndef TESTS_RUN_VFIO_KIT_H
#define TESTS_RUN_VFIO_KIT_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>

#include <ioas/abi/vfio.h>
#include <ioas/dev/dma.h>

#include "client.h"

/* Two engines, alone in their groups; two in one group; a disk. */
#define FN_DMA 0u
#define FN_DMA2 1u
#define FN_NVME 2u
#define FN_TWIN 3u
#define FN_TWIN2 4u
#define GROUP_OF(fn) ((fn) == FN_TWIN2 ? 13u : 10u + (fn))

#define INTX IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX
#define MSI IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX
#define MSIX IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX
#define ERR IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX
#define REQ IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX
#define CONFIG IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX
#define NONE IOAS_ABI_VFIO_IRQ_SET_DATA_NONE
#define BOOL IOAS_ABI_VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD
#define MASK IOAS_ABI_VFIO_IRQ_SET_ACTION_MASK
#define UNMASK IOAS_ABI_VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER

/* Of configuration. */
#define PCI_COMMAND 0x04u
#define PCI_MEMORY 0x2u
#define PCI_MASTER 0x4u
#define PCI_NO_INTX 0x400u
#define CAP_PM 0x01u
#define CAP_MSI 0x05u
#define CAP_EXPRESS 0x10u
#define CAP_MSIX 0x11u

/* Whoever waits longer waits for ever. */
#define PATIENCE_S 20

struct vfio {
	int fd;
	/* The group's node; -1: by the function's own. */
	int group;
	struct uclient iommu;
	uint32_t id;
	/* Attached; 0: none. */
	uint32_t ioas;
	uint64_t offset[IOAS_ABI_VFIO_PCI_NUM_REGIONS];
	uint64_t size[IOAS_ABI_VFIO_PCI_NUM_REGIONS];
};

/* ---- system calls, -errno ----------------------------------------------- */

int sys_ioctl(int fd, unsigned long cmd, void *arg);
int64_t sys_pread(int fd, void *data, size_t count, uint64_t offset);
int64_t sys_pwrite(int fd, const void *data, size_t count, uint64_t offset);
/* NULL: errno says why. */
void *sys_mmap(int fd, size_t length, int prot, int flags, uint64_t offset);

/* ---- opening ------------------------------------------------------------ */

int node_open_try(unsigned int fn);
int node_open(unsigned int fn);
int group_open_try(unsigned int group);
/* "0000:01:00.0" */
void name_of(unsigned int fn, char name[16]);
int bind_try(int fd, int iommufd, uint32_t *id);
int attach_try(int fd, uint32_t *pt);
int attach_pasid_try(int fd, uint32_t pasid, uint32_t *pt);
int detach_try(int fd);
int detach_pasid_try(int fd, uint32_t pasid);

/* Bound to an iommufd of its own. */
struct vfio vfio_open(unsigned int fn);
/* To that of another one. */
struct vfio vfio_open_at(unsigned int fn, struct uclient iommu);
/* A space, attached; bus mastering on. */
struct vfio vfio_open_dma(unsigned int fn);
void vfio_attach_new(struct vfio *v);
/* By the group, which is left open; the space is the compat one. */
struct vfio vfio_open_group(unsigned int fn);
/* The iommufd too. */
void vfio_close(struct vfio *v);
/*
 * Until another driver may have it: a process that was killed is gone before
 * its mappings are, if we were just about to look into its memory.
 */
void vfio_await(unsigned int fn);
/* It can be opened anew, and is in the state for drivers: checked. */
void vfio_check_clean(unsigned int fn);

/* ---- registers ---------------------------------------------------------- */

uint64_t bar_rd(const struct vfio *v, unsigned int bar, uint64_t pos,
		size_t width);
void bar_wr(const struct vfio *v, unsigned int bar, uint64_t pos, size_t width,
	    uint64_t value);
uint32_t rd32(const struct vfio *v, uint64_t pos);
uint64_t rd64(const struct vfio *v, uint64_t pos);
void wr32(const struct vfio *v, uint64_t pos, uint32_t value);
void wr64(const struct vfio *v, uint64_t pos, uint64_t value);
uint32_t cfg_rd(const struct vfio *v, uint64_t pos, size_t width);
void cfg_wr(const struct vfio *v, uint64_t pos, size_t width, uint32_t value);
/* Where a capability is; 0: it has none. */
uint32_t cfg_cap(const struct vfio *v, uint32_t id);
void bus_master(const struct vfio *v, bool on);
void *bar_map(const struct vfio *v, unsigned int bar, uint64_t pos,
	      size_t length);

/* ---- interrupts --------------------------------------------------------- */

int irqs(int fd, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	 const void *data);
/* Eventfds @fds[nr] for [0, nr) of @index. */
void irqs_set(const struct vfio *v, uint32_t index, const int *fds,
	      uint32_t nr);
void irqs_off(const struct vfio *v, uint32_t index);
int event_new(void);
/* What came since the last look. */
uint64_t event_count(int fd);
/* One at least. */
uint64_t event_wait(int fd);

/* ---- memory ------------------------------------------------------------- */

void map_at(const struct vfio *v, void *p, size_t length, uint32_t flags,
	    uint64_t iova);
void unmap_at(const struct vfio *v, uint64_t iova, size_t length);

/* ---- the engine --------------------------------------------------------- */

#define ENG_ENTRIES 64u

struct eng {
	const struct vfio *v;
	unsigned int nr;
	struct ioas_eng_descriptor *ring;
	uint64_t iova;
	uint32_t tail;
};

/* Ring @nr; its page is shared memory if @shared, and mapped at @iova. */
struct eng eng_new(const struct vfio *v, unsigned int nr, uint64_t iova,
		   bool shared);
void eng_free(struct eng *e);
uint64_t eng_reg(const struct eng *e, uint32_t reg);
void eng_start(struct eng *e);
/* Return: where it is. Room there is, if no more than ENG_ENTRIES - 1 wait. */
uint32_t eng_post(struct eng *e, const struct ioas_eng_descriptor *d);
/* The code of its status. */
uint32_t eng_wait(struct eng *e, uint32_t at);
/* One, to its end; an error is cleared, and passed over. Return: the code. */
uint32_t eng_do(struct eng *e, const struct ioas_eng_descriptor *d);
uint32_t eng_copy(struct eng *e, uint64_t to, uint64_t from, uint64_t length);
uint32_t eng_fill(struct eng *e, uint64_t to, uint64_t value, uint64_t length);
/* After an error, from the next descriptor on. */
void eng_skip(struct eng *e);
/* Without DMA: an error, and so vector 2. IRQ_ENABLE is the caller's affair. */
void eng_error(const struct vfio *v);
/* IRQ_STATUS is cleared. */
void eng_calm(const struct vfio *v);

/* ---- time --------------------------------------------------------------- */

uint64_t now_ns(void);
/* Ends the client if it is called for too long; @since: now_ns() once. */
void patience(uint64_t since, const char *what);

#endif
