/* SPDX-License-Identifier: MIT */
/*
 * function: a PCI function: a model, its configuration, its way to memory
 *
 *    VFIO file (uapi/vdev)                         model (ioas/dev/model.h)
 *      | ops: enable, reset, bar_*, config_*          ^ ops    | services
 *      v                                              |        v
 *    struct ioas_function ---- configuration (dev/pci) ---- bus master, INTx
 *      ^           ^                                           |
 *      | attach    | a thread: poll, page requests             v
 *    HWPT -------- view of its domain <-------------------- DMA, per PASID
 *
 * Two lives: first it is an identity, with which names can be made and options
 * checked, by whoever starts the run; then, in the process that serves, it is
 * started and drivers can open it.
 *
 *   create --> [described] --start--> [off] --enable--> [on] --disable--> [off]
 *                   |  <----stop-------'                  '-- its thread polls
 *                destroy
 *
 * Invariants:
 *  F1  Ops of the model run under lock, one at a time, and so do services.
 *  F2  What is attached is known for each PASID; a view of it is made at its
 *      first DMA. The RID's stays, of the others the 64 that were used last.
 *      None is left of what was detached. A view is used under lock alone, in
 *      sections that end before lock is let go.
 *  F3  While it is off, no DMA is done, no interrupt goes out, and its thread
 *      sleeps; bus mastering is off whenever a driver comes.
 *  F4  A page request that was sent is answered to the model once, or not at all
 *      if the function was reset in between.
 *
 * Locks: lock (rank FUNCTION, after GROUP and QUEUE) guards all but pri. What
 * takes locks before it, which is sending page requests, is left to the thread.
 * pri.lock (rank LEAF) guards the requests in flight.
 */
#ifndef IOAS_FUNCTION_FUNCTION_H
#define IOAS_FUNCTION_FUNCTION_H

#include <ioas/dev/model.h>

#include "dev/pci/bdf.h"
#include "uapi/vdev/vdev.h"

/* A DMA that failed in translation. */
struct ioas_function_fault {
	struct ioas_function *f;
	/* What it went through; the HWPT of a space; good for the call. */
	struct ioas_hwpt *hwpt;
	uint32_t pasid;
	/* First byte that failed. */
	uint64_t iova;
	bool write;
	/* Mapped, but not with this permission. */
	bool denied;
};

/* Who hears of it. */
struct ioas_function_watch {
	/*
	 * Called with the function's lock held, outside of any section: must not
	 * call back, and not wait for a driver. May be NULL.
	 */
	void (*fault)(void *ctx, const struct ioas_function_fault *fault);
	void *ctx;
};

/* What may differ between two functions of a model; borrowed for create. */
struct ioas_function_options {
	const struct ioas_model *model;
	/* Of the model; names known to it. */
	const struct ioas_model_setting *settings;
	size_t nr_settings;
	struct ioas_pci_bdf bdf;
	/* Instead of the model's, if not 0. */
	uint16_t vendor, device, subsystem_vendor, subsystem;
};

/*
 * Return: 0 or -errno, with a line in @why (at most @room bytes), without a
 * newline and without the model's name.
 */
int ioas_function_create(const struct ioas_function_options *o,
			 struct ioas_function **out, char *why, size_t room);
/* Accepts NULL. It is not started. */
void ioas_function_destroy(struct ioas_function *f);

const struct ioas_model *ioas_function_model(const struct ioas_function *f);
/* With ids as they are shown. */
const struct ioas_identity *
ioas_function_identity(const struct ioas_function *f);
/* "0000:01:00.0" */
const char *ioas_function_name(const struct ioas_function *f);
/* What the BARs show (ioas_pci_window_place()); before start. */
void ioas_function_place(struct ioas_function *f,
			 const uint64_t address[IOAS_MODEL_BARS]);

/*
 * It becomes one of @g, reset and off. @watch may be NULL; copied. @iommu:
 * which page tables (uapi/vdev/vdev.h); functions with one @instance are behind
 * one IOMMU. Return: 0, -ENOMEM, -EINVAL (the model's identity), -EAGAIN (no
 * thread).
 */
int ioas_function_start(struct ioas_function *f, struct ioas_vgroup *g,
			const struct ioas_iommu_ops *iommu,
			const void *instance,
			const struct ioas_function_watch *watch);
/* No file of it is open (checked). */
void ioas_function_stop(struct ioas_function *f);
/* Started only. */
struct ioas_vdev *ioas_function_vdev(struct ioas_function *f);
/* The function that @v is of. */
struct ioas_function *ioas_function_of(struct ioas_vdev *v);

/* What it did so far, since it was started. */
struct ioas_function_counts {
	uint64_t reads, read_bytes;
	uint64_t writes, write_bytes;
	uint64_t faults, aborts;
	uint64_t irqs;
	uint64_t page_requests;
	/* Polls, those that did something, times the thread slept. */
	uint64_t polls, busy_polls, sleeps;
};

/* Takes no lock: DMA may be on its way, for as long as memory likes. */
void ioas_function_counts(struct ioas_function *f,
			  struct ioas_function_counts *out);
/* Number of violations of F1 to F4 that can be seen, reported. Takes lock. */
unsigned int ioas_function_validate(struct ioas_function *f);

#endif
