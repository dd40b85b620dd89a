/* SPDX-License-Identifier: MIT */
/*
 * model: what a PCI device is, for who writes one
 *
 *   driver                     function (the PCI side, ours)         model
 *     config space  ---------> ids, BARs, capabilities  <----- struct ioas_model
 *     BAR, mapped   ---------> shared memory            <--poll-- looks at it
 *     BAR, pread    ---------> access, exact            ---read, write-->
 *     memory        <-- view of the attached domain --- ioas_dma_*() <---
 *     eventfd       <-- vector, if the driver set one - ioas_irq() <---
 *
 * A model is one struct of constants and functions, and the state that create
 * returns. It knows neither VFIO nor page tables: it reaches memory through the
 * services below, which fail as an IOMMU makes DMA fail.
 *
 * One thread at a time is inside a model: the function's lock is held around
 * every op, services may be called from any. Ops must not sleep; what takes long
 * is done in steps, by poll.
 */
#ifndef IOAS_DEV_MODEL_H
#define IOAS_DEV_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ioas_function;

#define IOAS_MODEL_BARS 6
/* Most vectors of a function. */
#define IOAS_MODEL_VECTORS 2048

enum ioas_bar_flags {
	IOAS_BAR_64 = 1u << 0,
	IOAS_BAR_PREFETCH = 1u << 1,
	/*
	 * Memory that the driver may map and that poll looks at. Without it
	 * each access of the driver is a read or write op, exact and slow.
	 */
	IOAS_BAR_SHARED = 1u << 2,
};

struct ioas_bar {
	/* A power of two of at least 16; 0: there is none. */
	uint64_t size;
	unsigned int flags;
	/* Of a shared BAR: [first, first + length) is not mapped but exact. */
	uint64_t exact_first;
	uint64_t exact_length;
};

/* Constants of a function; the PCI side makes its configuration of them. */
struct ioas_identity {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint8_t revision;
	/* Base class, subclass, programming interface: 0x010802. */
	uint32_t class_code;
	struct ioas_bar bar[IOAS_MODEL_BARS];
	/* MSI-X vectors, 0: none; where table and pending bits are. */
	uint16_t vectors;
	uint8_t msix_bar;
	uint32_t msix_table;
	uint32_t msix_pba;
	/* Vectors of MSI (a power of two), 0: none; has it an INTx pin? */
	uint8_t msi;
	bool intx;
	/* PASIDs are below 2^pasid_bits; 0: none. */
	uint8_t pasid_bits;
};

/* One option as given: "file=disk.img", "ro". */
struct ioas_model_setting {
	const char *name;
	/* "" if there was none. */
	const char *value;
};

/* What a model understands; the last one has no name. */
struct ioas_model_option {
	const char *name;
	/* For `ioas devices`: "FILE", "BYTES", NULL: takes no value. */
	const char *value;
	const char *what;
};

struct ioas_model {
	/* "nvme": what --device names; a line on it. */
	const char *name;
	const char *summary;
	const struct ioas_model_option *options;

	/*
	 * @settings: @nr of them, names known. Fills in @id, and *@state. On
	 * error a line in @why, without a newline: "file=x: cannot be opened".
	 * Return: 0; -EINVAL: settings that are no such; another -errno: what
	 * they name cannot be had.
	 */
	int (*create)(struct ioas_function *f,
		      const struct ioas_model_setting *settings, size_t nr,
		      struct ioas_identity *id, void **state, char *why,
		      size_t room);
	void (*destroy)(void *state);

	/*
	 * As after power-on: also the first op. Memory of shared BARs is zero
	 * by now. No DMA and no interrupt of before comes after it returns, and
	 * no answer to a page request of before.
	 */
	void (*reset)(void *state);
	/*
	 * Bus mastering went on or off, also because a reset cleared it: without
	 * it services fail. May be NULL.
	 */
	void (*bus_master)(void *state, bool on);

	/*
	 * An access to what is not shared, naturally aligned, @width 1, 2, 4 or
	 * 8. May be NULL: reads are all ones, writes are dropped.
	 */
	uint64_t (*read)(void *state, unsigned int bar, uint64_t offset,
			 unsigned int width);
	void (*write)(void *state, unsigned int bar, uint64_t offset,
		      unsigned int width, uint64_t value);

	/*
	 * Look at shared BARs and go on with what is to be done, for some
	 * microseconds. Return: something was done. May be NULL: there is
	 * nothing to look at.
	 */
	bool (*poll)(void *state);

	/* The answer to ioas_dma_request(), perhaps inside of it. May be NULL. */
	void (*page_response)(void *state, uint32_t pasid, uint32_t group,
			      bool granted);
};

/* ---- services ----------------------------------------------------------- */

/* PASID of DMA without one. */
#define IOAS_DMA_NO_PASID 0u

/* Memory of a shared BAR, as long as the function. */
void *ioas_bar_memory(struct ioas_function *f, unsigned int bar);

/* Any thread may find the model busy in this and wait for the lock. */
enum ioas_dma_error {
	IOAS_DMA_OK = 0,
	/* Not mapped, or not with this permission: reported as a fault. */
	IOAS_DMA_FAULT,
	/* No bus mastering, not attached, or the memory itself is gone. */
	IOAS_DMA_ABORT,
};

/* A piece of DMA: @length bytes at @iova are those at @data. */
struct ioas_dma_piece {
	uint64_t iova;
	void *data;
	size_t length;
};

/*
 * Copy all pieces in order, an aligned one of up to 8 bytes at once, from (read)
 * or to (write) the driver's memory. *@failed, which may be NULL, is the first
 * byte that was not copied; all that lies before it, in the order of the pieces,
 * was. Pages are marked dirty before they are written.
 */
enum ioas_dma_error ioas_dma_read(struct ioas_function *f, uint32_t pasid,
				  const struct ioas_dma_piece *pieces,
				  size_t nr, uint64_t *failed);
enum ioas_dma_error ioas_dma_write(struct ioas_function *f, uint32_t pasid,
				   const struct ioas_dma_piece *pieces,
				   size_t nr, uint64_t *failed);
/* Replace 4 or 8 bytes, aligned, by their sum with @value. *@old: before. */
enum ioas_dma_error ioas_dma_fetch_add(struct ioas_function *f, uint32_t pasid,
				       uint64_t iova, unsigned int width,
				       uint64_t value, uint64_t *old);
/* Ask for a page (PRI); the answer is page_response. Return: it was asked. */
bool ioas_dma_request(struct ioas_function *f, uint32_t pasid, uint32_t group,
		      uint64_t iova, bool write);

/*
 * Signal vector @vector of MSI-X or MSI, whichever the driver enabled; without
 * either the INTx line is raised, until ioas_intx_clear(). All DMA of before is
 * there when the driver hears of it.
 */
void ioas_irq(struct ioas_function *f, unsigned int vector);
void ioas_intx_clear(struct ioas_function *f);

/* Nanoseconds of a clock that only goes on. */
uint64_t ioas_model_now(void);

/* ---- models ------------------------------------------------------------- */

extern const struct ioas_model ioas_model_nvme;
extern const struct ioas_model ioas_model_dma;

#endif
