/* SPDX-License-Identifier: MIT */
/*
 * model: what a PCI device is, for who writes one
 *
 *   driver                     function (the PCI side, ours)         model
 *     config space  ---------> ids, BARs, capabilities  <---- struct ioas_model
 *     BAR, mapped   ---------> shared memory            <--poll-- looks at it
 *     BAR, pread    ---------> access, exact            ---read, write-->
 *     memory        <-- view of the attached domain --- ioas_dma_*() <---
 *     eventfd       <-- vector, if the driver set one - ioas_irq() <---
 *
 * A model is one struct of constants and functions, and the state that create
 * returns. It knows neither VFIO nor page tables: it reaches memory through the
 * services below, which fail as an IOMMU makes DMA fail. docs/device-models.md
 * explains all of it.
 *
 * A model of your own is a shared object that exports its struct as ioas_model;
 * it is built without ioas, and the services are there when it is loaded:
 *
 *	cc -shared -fPIC -o timer.so model_timer.c
 *	ioas run --device ./timer.so,shortest=1000 -- PROGRAM
 *
 * Conventions:
 *  - addresses and lengths are bytes, times are nanoseconds;
 *  - one thread at a time is inside a model: the function's lock is held around
 *    every op. Ops must not sleep; what takes long is done in steps, by poll;
 *  - services are called from inside an op, any but create and destroy, and by
 *    no thread of the model's own. They do not sleep, but for page faults;
 *  - the driver is hostile, and so are registers and memory that it can write.
 */
#ifndef IOAS_DEV_MODEL_H
#define IOAS_DEV_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What this header says, as a number: it changes with everything that a model
 * which is compiled already would have to know of. One of another number is not
 * loaded.
 */
#define IOAS_MODEL_ABI 1u

/* Seen from other objects, whatever the compiler is told of the rest. */
#define IOAS_MODEL_API __attribute__((visibility("default")))

/* The PCI side of one device; create gets it, services take it. */
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

/**
 * struct ioas_bar - one base address register
 * @size:         bytes, a power of two of at least 16; 0: there is none. More
 *                than 2 GiB takes IOAS_BAR_64
 * @flags:        enum ioas_bar_flags; IOAS_BAR_64 takes the next BAR as well,
 *                which is left empty
 * @exact_first:  of a shared BAR: where the part begins that is not mapped, but
 *                exact
 * @exact_length: and its bytes; 0: there is no such part
 */
struct ioas_bar {
	uint64_t size;
	unsigned int flags;
	uint64_t exact_first;
	uint64_t exact_length;
};

/**
 * struct ioas_identity - constants of a function
 * @vendor:           and the next three: numbers of configuration space, which
 *                    --device may replace
 * @device:           see above
 * @subsystem_vendor: see above
 * @subsystem:        see above
 * @revision:         of configuration space, too
 * @class_code:       base class, subclass, programming interface: 0x010802
 * @bar:              BARs by number
 * @vectors:          of MSI-X, at most IOAS_MODEL_VECTORS; 0: there is none
 * @msix_bar:         number of the BAR that has table and pending bits. The
 *                    model sees no accesses to these
 * @msix_table:       offset of the table in it, 16 bytes for each vector
 * @msix_pba:         offset of the pending bits, 8 bytes for each 64 vectors
 * @msi:              vectors of MSI, a power of two up to 32; 0: there is none
 * @intx:             has it an INTx pin?
 * @pasid_bits:       PASIDs are below 2^pasid_bits, at most 20; 0: none
 *
 * The PCI side makes configuration space of it. An MSI-X table is best in a BAR
 * of its own.
 */
struct ioas_identity {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint8_t revision;
	uint32_t class_code;
	struct ioas_bar bar[IOAS_MODEL_BARS];
	uint16_t vectors;
	uint8_t msix_bar;
	uint32_t msix_table;
	uint32_t msix_pba;
	uint8_t msi;
	bool intx;
	uint8_t pasid_bits;
};

/**
 * struct ioas_model_setting - one option as given: "file=disk.img", "ro"
 * @name:  one of the model's options
 * @value: "" if there was none
 */
struct ioas_model_setting {
	const char *name;
	const char *value;
};

/**
 * struct ioas_model_option - what a model understands
 * @name:  of small letters, digits and "-"; NULL: end of the list
 * @value: for `ioas devices`: "FILE", "BYTES"; NULL: takes no value
 * @what:  a few words for it
 *
 * Some are understood by the command as well: with "file" goes an image that
 * two functions may not both write ("ro" says that it is only read), "serial"
 * is set if it is not given.
 */
struct ioas_model_option {
	const char *name;
	const char *value;
	const char *what;
};

/**
 * struct ioas_model - a model
 * @abi:     IOAS_MODEL_ABI
 * @name:    "nvme"; of small letters, digits and "-"
 * @summary: a line on it
 * @options: up to one without a name; NULL: none
 *
 * @create, @destroy and @reset are there, the others may be NULL. All run with
 * the function's lock held, but for @create, which is called once, by the only
 * thread, and @destroy. The command forks between the two: a thread that
 * @create starts is gone when the device is used, and @destroy is called in
 * both processes.
 */
struct ioas_model {
	uint32_t abi;
	const char *name;
	const char *summary;
	const struct ioas_model_option *options;

	/**
	 * @create: make a device, before the program is started
	 *
	 * @settings: @nr of them, names known. Fills in @id, which is all zero,
	 * and *@state, which is what the other ops get. On error a line in
	 * @why, of @room bytes, without a newline: "file=x: cannot be opened".
	 *
	 * Return: 0; -EINVAL: settings that are no such; another -errno: what
	 * they name cannot be had.
	 */
	int (*create)(struct ioas_function *f,
		      const struct ioas_model_setting *settings, size_t nr,
		      struct ioas_identity *id, void **state, char *why,
		      size_t room);

	/** @destroy: free and close what create made; no reset comes before. */
	void (*destroy)(void *state);

	/**
	 * @reset: as after power-on: also the first op
	 *
	 * Memory of shared BARs is zero by now. No DMA and no interrupt of
	 * before comes after it returns, and no answer to a page request of
	 * before.
	 */
	void (*reset)(void *state);

	/**
	 * @bus_master: bus mastering went on or off, also because a reset
	 * cleared it: without it services fail.
	 */
	void (*bus_master)(void *state, bool on);

	/**
	 * @read: an access to what is not shared
	 *
	 * @offset is within the BAR and naturally aligned, @width is 1, 2, 4 or
	 * 8 bytes. Without it reads are all ones.
	 */
	uint64_t (*read)(void *state, unsigned int bar, uint64_t offset,
			 unsigned int width);

	/** @write: the same. Without it writes are dropped. */
	void (*write)(void *state, unsigned int bar, uint64_t offset,
		      unsigned int width, uint64_t value);

	/**
	 * @poll: look at shared BARs, go on with what is to be done, for some
	 * microseconds
	 *
	 * Without it there is nothing to look at. Return: something was done.
	 */
	bool (*poll)(void *state);

	/**
	 * @page_response: the answer to ioas_dma_request(), perhaps inside of
	 * it
	 */
	void (*page_response)(void *state, uint32_t pasid, uint32_t group,
			      bool granted);
};

/* What a shared object exports. It is looked up by this name. */
extern IOAS_MODEL_API const struct ioas_model ioas_model;

/* ---- services ----------------------------------------------------------- */

/* PASID of DMA without one. */
#define IOAS_DMA_NO_PASID 0u

enum ioas_dma_error {
	IOAS_DMA_OK = 0,
	/* Not mapped, or not with this permission: reported as a fault. */
	IOAS_DMA_FAULT,
	/* No bus mastering, not attached, or the memory itself is gone. */
	IOAS_DMA_ABORT,
};

/**
 * struct ioas_dma_piece - a piece of DMA
 * @iova:   where it is for the driver
 * @data:   where it is for the model
 * @length: bytes
 * @mapped: of a write: @data is in a mapping of a file, which somebody may cut
 *          meanwhile. It is copied by the kernel alone, so that there is no
 *          signal: what is gone is IOAS_DMA_ABORT
 */
struct ioas_dma_piece {
	uint64_t iova;
	void *data;
	size_t length;
	bool mapped;
};

/**
 * ioas_bar_memory() - memory of a shared BAR
 * @f:   the function
 * @bar: number of a BAR with IOAS_BAR_SHARED
 *
 * It changes while one looks, as the driver writes to it.
 *
 * Return: where it is, the same as long as there is the function; NULL: that
 * BAR is not shared.
 */
IOAS_MODEL_API void *ioas_bar_memory(struct ioas_function *f, unsigned int bar);

/**
 * ioas_dma_read() - copy from the driver's memory
 * @f:      the function
 * @pasid:  whose address space; IOAS_DMA_NO_PASID: the function's own
 * @pieces: copied in order, an aligned one of 8 bytes at once
 * @nr:     how many
 * @failed: out, may be NULL: the first byte that was not copied, an IOVA. All
 *          that lies before it, in the order of the pieces, was. Written on
 *          error alone
 *
 * Return: IOAS_DMA_OK, or why it did not work.
 */
IOAS_MODEL_API enum ioas_dma_error
ioas_dma_read(struct ioas_function *f, uint32_t pasid,
	      const struct ioas_dma_piece *pieces, size_t nr, uint64_t *failed);

/**
 * ioas_dma_write() - copy to the driver's memory
 * @f:      the function
 * @pasid:  as for ioas_dma_read()
 * @pieces: as for ioas_dma_read()
 * @nr:     how many
 * @failed: as for ioas_dma_read()
 *
 * Pages are marked dirty before they are written.
 *
 * Return: as ioas_dma_read().
 */
IOAS_MODEL_API enum ioas_dma_error
ioas_dma_write(struct ioas_function *f, uint32_t pasid,
	       const struct ioas_dma_piece *pieces, size_t nr,
	       uint64_t *failed);

/**
 * ioas_dma_translate() - would DMA work now?
 * @f:      the function
 * @pasid:  as for ioas_dma_read()
 * @iova:   from here on
 * @length: bytes, at most 64 KiB
 * @write:  would writing? Pages are marked dirty
 * @failed: out, may be NULL: the first byte of which it would not
 *
 * What an address translation service (ATS) answers: nothing is copied, and
 * failing is no fault that is reported, as who asks will ask for the page.
 *
 * Return: as ioas_dma_read().
 */
IOAS_MODEL_API enum ioas_dma_error
ioas_dma_translate(struct ioas_function *f, uint32_t pasid, uint64_t iova,
		   uint64_t length, bool write, uint64_t *failed);

/**
 * ioas_dma_fetch_add() - an atomic addition, as PCI has it
 * @f:     the function
 * @pasid: as for ioas_dma_read()
 * @iova:  aligned to @width
 * @width: 4 or 8 bytes
 * @value: added to what is there
 * @old:   out: what was there before. Written on success alone
 *
 * Return: as ioas_dma_read().
 */
IOAS_MODEL_API enum ioas_dma_error
ioas_dma_fetch_add(struct ioas_function *f, uint32_t pasid, uint64_t iova,
		   unsigned int width, uint64_t value, uint64_t *old);

/**
 * ioas_dma_request() - ask for a page (PRI)
 * @f:     the function
 * @pasid: as for ioas_dma_read()
 * @group: the answer has it, too; below 512, and none that waits for an answer
 * @iova:  in the page
 * @write: it is to be written
 *
 * Return: it was asked, and page_response gets the answer, sooner or later.
 */
IOAS_MODEL_API bool ioas_dma_request(struct ioas_function *f, uint32_t pasid,
				     uint32_t group, uint64_t iova, bool write);

/**
 * ioas_irq() - signal an interrupt
 * @f:      the function
 * @vector: of MSI-X or MSI, whichever the driver enabled
 *
 * With neither of them enabled the INTx line is raised, until
 * ioas_intx_clear(). All DMA of before is there when the driver hears of it.
 */
IOAS_MODEL_API void ioas_irq(struct ioas_function *f, unsigned int vector);

/**
 * ioas_intx_clear() - lower the INTx line
 * @f: the function
 */
IOAS_MODEL_API void ioas_intx_clear(struct ioas_function *f);

/**
 * ioas_model_now() - the time
 *
 * Context: any thread.
 * Return: nanoseconds of a clock that only goes on.
 */
IOAS_MODEL_API uint64_t ioas_model_now(void);

#ifdef __cplusplus
}
#endif

#endif
