/* SPDX-License-Identifier: MIT */
/*
 * impl: what the files of this room share
 */
#ifndef IOAS_FUNCTION_IMPL_H
#define IOAS_FUNCTION_IMPL_H

#include <pthread.h>

#include "base/errno.h"
#include "base/list.h"
#include "core/itree.h"
#include "dev/pci/config.h"
#include "function/function.h"
#include "seam/lock.h"

struct ioas_dview;

/* Views that are kept, besides the RID's: 34 KiB each. */
#define IOAS_FUNCTION_VIEWS 64u
/* Page requests that wait, or wait for an answer. */
#define IOAS_FUNCTION_REQUESTS 64u

/* The way to memory of one PASID. */
struct ioas_function_view {
	/* In attached, at [pasid, pasid]. */
	struct ioas_itree_node node;
	/* Set once. */
	uint32_t pasid;
	/* What it is attached to. */
	struct ioas_hwpt *hwpt;
	/* NULL: not used lately. */
	struct ioas_dview *view;
	/* In viewed, if it has a view and is not the RID's. */
	struct ioas_list used;
};

enum ioas_pri_state {
	IOAS_PRI_FREE,
	IOAS_PRI_ASKED, /* by the model; the thread sends it */
	IOAS_PRI_SENT, /* a program is to answer */
	IOAS_PRI_STALE, /* as SENT, of before a reset: to be taken back */
	IOAS_PRI_ANSWERED, /* the thread tells the model */
};

struct ioas_pri {
	enum ioas_pri_state state;
	uint32_t pasid;
	uint32_t group;
	uint64_t iova;
	bool write;
	bool granted;
};

struct ioas_function_pri {
	struct ioas_mutex lock;
	/* The rest is guarded. */
	struct ioas_pri entry[IOAS_FUNCTION_REQUESTS];
	/* The thread is with the front end just now: idev is in use. */
	bool sending;
	/* Some are stale: the thread takes them back before it sends others. */
	bool flush;
	/* Those asked or answered, and a flush: what is due. Read without. */
	_Atomic uint32_t nr_due;
};

/* struct ioas_function_counts, as it is added up: under lock, read without. */
struct ioas_function_tally {
	_Atomic uint64_t reads, read_bytes;
	_Atomic uint64_t writes, write_bytes;
	_Atomic uint64_t faults, aborts;
	_Atomic uint64_t irqs;
	_Atomic uint64_t page_requests;
	_Atomic uint64_t polls, busy_polls;
	/* By the thread alone. */
	_Atomic uint64_t sleeps;
};

/* When the thread looks, and how it waits (poller.c). */
struct ioas_function_pace {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	/* Asked to look, to end; guarded by mutex. */
	bool kicked;
	bool stop;
	/*
	 * Kicks so far. One that comes after the thread began to look keeps it
	 * from going to sleep.
	 */
	_Atomic uint32_t kicks;
	/* It sleeps, or is about to: who has news must wake it. */
	_Atomic bool asleep;
	/* Threads that want the function's lock, which it lets have it. */
	_Atomic uint32_t waiting;
	/* Of CPUs that we may use. */
	unsigned int cpus;
};

struct ioas_function {
	/* Set once, by create. */
	const struct ioas_model *model;
	void *state;
	/* As shown. */
	struct ioas_identity id;
	struct ioas_pci_bdf bdf;
	char name[IOAS_PCI_BDF_ROOM];
	uint64_t address[IOAS_MODEL_BARS];

	/* Set once, by start. */
	struct ioas_vdev v;
	struct ioas_function_watch watch;
	const struct ioas_frames *frames;
	uint8_t page_lg2;

	struct ioas_mutex lock;
	/* The rest is guarded, but for what has its own. */
	struct ioas_pci_config config;
	/* A driver has it; it may do DMA. */
	bool on;
	bool bus_master;
	/* Who maps the BARs; only compared. NULL: nobody. */
	const struct ioas_ufile *lent;
	/* struct ioas_function_view, of each PASID that is attached. */
	struct ioas_itree attached;
	/* Those with a view but for the RID's; what was used last comes last. */
	struct ioas_list viewed;
	uint32_t nr_viewed;
	/* The one that was used last, with a view; NULL: none. */
	struct ioas_function_view *recent;
	struct ioas_function_tally tally;

	struct ioas_function_pri pri;
	struct ioas_function_pace pace;
};

/* Any thread but its own, which would let itself wait. */
void ioas_function_lock(struct ioas_function *f) __acquires(f->lock);
void ioas_function_unlock(struct ioas_function *f) __releases(f->lock);

/* One writer at a time: no line is locked for it. */
static inline void ioas_function_tally(_Atomic uint64_t *n, uint64_t more)
{
	const uint64_t now = atomic_load_explicit(n, memory_order_relaxed);

	atomic_store_explicit(n, now + more, memory_order_relaxed);
}

/* ---- registers.c -------------------------------------------------------- */

extern const struct ioas_vdev_ops ioas_function_vdev_ops;
extern const struct ioas_pci_config_ops ioas_function_config_ops;

/* ---- memory.c ----------------------------------------------------------- */

extern const struct ioas_udevice_ops ioas_function_device_ops;

/* ---- pri.c -------------------------------------------------------------- */

/* Send what was asked, tell what was answered. Without locks. */
void ioas_function_pri_run(struct ioas_function *f);
/* Reset: no answer of before is told. */
void ioas_function_pri_forget(struct ioas_function *f);
/* Off: and none is waited for; nothing is with the front end when it returns. */
void ioas_function_pri_quiesce(struct ioas_function *f);
/* struct ioas_udevice_ops.page_response. */
void ioas_function_pri_answer(struct ioas_udevice *dev, uint32_t pasid,
			      uint32_t group, uint32_t code);

/* ---- poller.c ----------------------------------------------------------- */

/* Return: 0 or -EAGAIN. */
int ioas_function_poller_start(struct ioas_function *f);
void ioas_function_poller_stop(struct ioas_function *f);
/* There is something to look at. Any thread, any lock but pace.mutex. */
void ioas_function_kick(struct ioas_function *f);

static inline struct ioas_function *
ioas_function_of_device(struct ioas_udevice *dev)
{
	return ioas_container_of(dev, struct ioas_function, v.dev);
}

#endif
