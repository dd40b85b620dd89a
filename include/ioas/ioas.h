/* SPDX-License-Identifier: MIT */
/*
 * ioas: IO address spaces of Linux iommufd, in user space
 *
 *     memory ----------+                        +--> domain: an IO page table,
 *     (struct          | ioas_map()             |    translated by a device
 *      ioas_origin)    v                        |
 *              +----------------+  ioas_attach()|
 *              |  struct ioas   |---------------+--> domain
 *              |  IOVA -> pages |
 *              |                |---------------+--> client: software that reads,
 *              +----------------+               |    writes or pins
 *                      ioas_client_attach()     +--> client
 *
 * An address space maps IO virtual addresses (IOVA) to memory. Every domain
 * attached to it holds a complete copy of the map at all times; clients use
 * the map without a page table. A page is pinned once and charged once, no
 * matter how many spaces, domains and clients use it, and it stays pinned only
 * while one of them does.
 *
 *	struct ioas_context *ctx;
 *	struct ioas_origin *memory;
 *	struct ioas_domain *domain;
 *	struct ioas *ioas;
 *	uint64_t iova, address, length = size;
 *	void *p;
 *
 *	ioas_context_create(NULL, &ctx);
 *	ioas_origin_own(ctx, &memory);
 *	ioas_create(ctx, &ioas);
 *	ioas_domain_create(NULL, &domain);
 *	ioas_attach(ioas, domain);
 *	ioas_map(ioas, memory, (uintptr_t)buffer, size, IOAS_READ, &iova);
 *	ioas_domain_translate(domain, iova, &address, &length);
 *	ioas_pointer(ctx, address, &p, &length);
 *
 * Conventions, for every function below:
 *  - a result is 0 or a negative errno; other results come back through the
 *    last arguments, which are written only on success unless the text says
 *    otherwise;
 *  - addresses and lengths are bytes; `last` is the last byte of a range, so
 *    that a range may end at 2^64 - 1;
 *  - a function that fails has changed nothing, unless the text says what;
 *  - what takes something apart cannot fail for lack of memory;
 *  - any thread may call, also several at once for one object; destroying an
 *    object while another call uses it is the caller's mistake;
 *  - every function may sleep, but for ioas_version(), ioas_pointer(),
 *    ioas_domain_translate(), and those of a view that are called inside a
 *    section;
 *  - a struct with a `size` is filled by the caller with its sizeof. Bytes
 *    that the library does not know must be zero, or the answer is -E2BIG;
 *    fields that the caller does not have count as zero. -EINVAL: the size
 *    does not even hold `size` itself.
 *
 * ioas-core N: docs/reference/ioas-core.md section N, the specification;
 * page-tables N: docs/reference/page-tables.md section N.
 */
#ifndef IOAS_IOAS_H
#define IOAS_IOAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IOAS_API __attribute__((visibility("default")))

struct ioas;
struct ioas_context;
struct ioas_origin;
struct ioas_domain;
struct ioas_client;
struct ioas_view;

/* What may be done with memory, and how to map it. */
enum ioas_flags {
	/* Devices and clients may read, may write. */
	IOAS_READ = 1u << 0,
	IOAS_WRITE = 1u << 1,
	/* Devices may not fetch instructions. */
	IOAS_NOEXEC = 1u << 2,
	/* Map at the IOVA given, instead of choosing one. */
	IOAS_FIXED = 1u << 8,
};

/* A closed range of IOVA. */
struct ioas_interval {
	uint64_t first;
	uint64_t last;
};

/* Bytes of memory: output address as a page table has it, and how many. */
struct ioas_segment {
	uint64_t address;
	uint64_t length;
};

/**
 * ioas_version() - version of the library that is running
 *
 * Compare with IOAS_VERSION, the version of the headers.
 *
 * Context: any thread, does not sleep.
 * Return: a static string, "major.minor.patch".
 */
IOAS_API const char *ioas_version(void);

/* ---- contexts ----------------------------------------------------------- */

/**
 * struct ioas_context_options - properties of a context
 * @size:       sizeof of this struct
 * @page_size:  bytes of a page, a power of two from 8 to 2^30; 0: the system's
 * @huge_size:  a chosen IOVA shares its alignment with the memory up to this
 *              many bytes, so that large leaves fit; 0: 2 MiB
 * @lock_limit: bytes that may be pinned at a time; 0: any number
 */
struct ioas_context_options {
	size_t size;
	uint64_t page_size;
	uint64_t huge_size;
	uint64_t lock_limit;
};

/**
 * ioas_context_create() - what spaces that share memory have in common
 * @opts: read during the call; NULL for the defaults
 * @ctx:  out; the caller owns it
 *
 * A context has a page size, a space of output addresses, and an account that
 * pays for pinned pages. Spaces of one context can share pages (ioas_copy()).
 *
 * Return: 0; -EINVAL (a size that is no power of two or out of range,
 * @huge_size below @page_size); -E2BIG; -ENOMEM. (ioas-core 3.1)
 */
IOAS_API int ioas_context_create(const struct ioas_context_options *opts,
				 struct ioas_context **ctx);

/**
 * ioas_context_destroy() - free a context
 * @ctx: taken on success; NULL is ignored
 *
 * Return: 0, or -EBUSY while spaces, clients or views of it exist.
 */
IOAS_API int ioas_context_destroy(struct ioas_context *ctx);

/**
 * ioas_pointer() - where an output address is in this process
 * @ctx:     context of the space that mapped it
 * @address: output address, from a domain or from a pin
 * @p:       out; valid while the page stays mapped in a domain or pinned
 * @length:  out, may be NULL; bytes from *@p on that follow in memory
 *
 * How an emulated device touches memory. It neither checks permissions nor
 * marks anything dirty.
 *
 * Context: any thread, takes no lock.
 * Return: 0, or -EFAULT if no memory of @ctx is there. For memory of this
 * process any address that it could have is accepted.
 */
IOAS_API int ioas_pointer(struct ioas_context *ctx, uint64_t address,
			  void **p, uint64_t *length);

/* ---- memory ------------------------------------------------------------- */

/**
 * ioas_origin_own() - the memory of this process
 * @ctx:    supplies the page size; read during the call
 * @origin: out; the caller owns a reference
 *
 * Its byte n is what address n of this process holds, so ioas_map() takes an
 * address as @start. The memory is trusted: nothing is checked or locked, no
 * system call is made, and the caller keeps it mapped while it is used here.
 * Pages are counted and charged all the same.
 *
 * Return: 0 or -ENOMEM. (ioas-core 4.2)
 */
IOAS_API int ioas_origin_own(struct ioas_context *ctx,
			     struct ioas_origin **origin);

/**
 * ioas_origin_destroy() - give up the caller's reference
 * @origin: taken; NULL is ignored
 *
 * What was mapped from it stays mapped; the last mapping frees it.
 */
IOAS_API void ioas_origin_destroy(struct ioas_origin *origin);

/* ---- address spaces ----------------------------------------------------- */

/**
 * ioas_create() - an empty address space
 * @ctx:  borrowed for the life of the space
 * @ioas: out; the caller owns it
 *
 * Return: 0 or -ENOMEM. (ioas-core 3.2)
 */
IOAS_API int ioas_create(struct ioas_context *ctx, struct ioas **ioas);

/**
 * ioas_destroy() - unmap everything and free a space
 * @ioas: taken on success; NULL is ignored
 *
 * Return: 0, or -EBUSY while a domain or a client is attached; then nothing
 * changed. (ioas-core 12.14)
 */
IOAS_API int ioas_destroy(struct ioas *ioas);

/**
 * ioas_map() - make memory visible to devices and clients
 * @ioas:   space to change
 * @origin: memory; shared, the space takes a reference of its own
 * @start:  first byte of @origin; for the process's own memory, an address
 * @length: bytes; a multiple of the space's alignment, as @start is
 * @flags:  IOAS_READ, IOAS_WRITE (at least one of them), IOAS_NOEXEC,
 *          IOAS_FIXED
 * @iova:   in with IOAS_FIXED: where; out: where it was mapped
 *
 * All or nothing. The pages are pinned now if a domain is attached, otherwise
 * when the first user comes.
 *
 * Context: not from a client's callback.
 * Return: 0; -EOPNOTSUPP (unknown flag); -EINVAL (neither read nor write,
 * zero or misaligned length, misaligned IOVA or @start, reserved IOVA);
 * -EOVERFLOW (@start + @length or *@iova + @length wraps, or too long to
 * choose an IOVA); -EEXIST (something is mapped there); -ENOSPC (no hole);
 * -ENOMEM (memory or lock limit); -EFAULT (no such memory); -ERANGE (an
 * address that a page table cannot hold). (ioas-core 12.1)
 */
IOAS_API int ioas_map(struct ioas *ioas, struct ioas_origin *origin,
		      uint64_t start, uint64_t length, unsigned int flags,
		      uint64_t *iova);

/**
 * ioas_copy() - map what is mapped elsewhere, sharing its pages
 * @dst:      space to change; may be @src
 * @src:      space to copy from, of the same context
 * @src_iova: first byte; may lie inside a mapping
 * @length:   bytes; may span mappings that touch
 * @flags:    as for ioas_map(), given anew
 * @dst_iova: in with IOAS_FIXED: where; out: where it was mapped
 *
 * All or nothing. Shared pages are pinned and charged once. Either side may be
 * unmapped without an effect on the other.
 *
 * Context: not from a client's callback.
 * Return: as ioas_map(), and -ENOENT (the source has a gap), -EPERM (write,
 * but the memory was mapped read-only first), -EINVAL (another context).
 * (ioas-core 12.2)
 */
IOAS_API int ioas_copy(struct ioas *dst, struct ioas *src, uint64_t src_iova,
		       uint64_t length, unsigned int flags,
		       uint64_t *dst_iova);

/**
 * ioas_unmap() - remove the whole mappings inside a range
 * @ioas:     space to change
 * @iova:     first byte
 * @length:   bytes
 * @unmapped: out, also on error, may be NULL; bytes removed
 *
 * When it returns no domain translates what was removed, no client holds it and
 * no view uses it: clients that pinned are called and waited for, views inside
 * a section are waited for. Mappings go in ascending order; an error leaves the
 * earlier ones removed. A range in which nothing is mapped is success with 0
 * bytes.
 *
 * Context: not from a client's callback, nor inside a section of a view.
 * Return: 0; -EINVAL (zero length); -EOVERFLOW (wraps); -ENOENT (a mapping
 * sticks out of the range); -EBUSY (a mapping is being made or removed, or is
 * pinned by a client that has no callback); -EDEADLK (a client does not
 * release its pins; the mapping then refuses new ones). (ioas-core 12.4)
 */
IOAS_API int ioas_unmap(struct ioas *ioas, uint64_t iova, uint64_t length,
			uint64_t *unmapped);

/**
 * ioas_unmap_all() - remove every mapping
 * @ioas:     space to change
 * @unmapped: out, also on error, may be NULL; bytes removed
 *
 * Return: as ioas_unmap(): 0, -EBUSY or -EDEADLK. (ioas-core 12.4)
 */
IOAS_API int ioas_unmap_all(struct ioas *ioas, uint64_t *unmapped);

/**
 * ioas_reserve() - keep IOVA ranges free of mappings
 * @ioas:   space to change
 * @ranges: read during the call; may overlap others that are reserved
 * @nr:     how many; all of them or none
 * @owner:  names them for ioas_unreserve(); any pointer but a domain
 *
 * Return: 0; -EINVAL (@last below @first, no owner); -EADDRINUSE (something
 * is mapped or allowed there); -ENOMEM. (ioas-core 12.8)
 */
IOAS_API int ioas_reserve(struct ioas *ioas, const struct ioas_interval *ranges,
			  uint32_t nr, const void *owner);

/**
 * ioas_unreserve() - give up every range that an owner reserved
 * @ioas:  space to change
 * @owner: as for ioas_reserve(); one that has nothing is harmless
 */
IOAS_API void ioas_unreserve(struct ioas *ioas, const void *owner);

/**
 * ioas_allow() - where the library may choose IOVA, replacing what was allowed
 * @ioas:   space to change
 * @ranges: read during the call; disjoint
 * @nr:     how many; 0: everywhere again
 *
 * Allowed ranges can no longer become reserved. Mappings at IOVA of the
 * caller's choice and mappings that exist are not affected.
 *
 * Return: 0; -EINVAL (@first not below @last, or ranges overlap); -EADDRINUSE
 * (reserved); -ENOMEM. (ioas-core 12.9)
 */
IOAS_API int ioas_allow(struct ioas *ioas, const struct ioas_interval *ranges,
			uint32_t nr);

/**
 * ioas_ranges() - what can be mapped: the ranges that are not reserved
 * @ioas:      space to look at
 * @ranges:    out; may be NULL if *@nr is 0
 * @nr:        in: room in @ranges; out, also with -EMSGSIZE: how many there are
 * @alignment: out, may be NULL; every mapping is a multiple of this many bytes
 *
 * Return: 0; -EMSGSIZE (not enough room; as many as fit were written);
 * -ENOMEM. (ioas-core 12.10)
 */
IOAS_API int ioas_ranges(struct ioas *ioas, struct ioas_interval *ranges,
			 uint32_t *nr, uint64_t *alignment);

/**
 * ioas_split() - cut the mapping that contains a byte after this byte
 * @ioas: space to change
 * @last: last byte of the lower half
 *
 * Devices notice nothing. Nothing happens where a mapping ends already, and
 * where nothing is mapped.
 *
 * Return: 0; -EINVAL (misaligned, pinned, or attached to a domain without
 * small pages); -EBUSY (being made or removed); -EOPNOTSUPP (device memory);
 * -ENOMEM. (ioas-core 12.11)
 */
IOAS_API int ioas_split(struct ioas *ioas, uint64_t last);

/**
 * ioas_set_small_pages() - map page by page, so that mappings can be split
 * @ioas: space to change
 * @on:   from now on, or no longer; what is mapped stays as it is
 *
 * Return: 0; -EINVAL (on, with domains and mappings present); -EADDRINUSE (on,
 * with mappings that are not page aligned). (ioas-core 12.12)
 */
IOAS_API int ioas_set_small_pages(struct ioas *ioas, bool on);

/* ---- domains: IO page tables -------------------------------------------- */

/*
 * What a page table looks like, and so who can walk it (page-tables 8). Mock is
 * the test format, with any page sizes; vtdss is VT-d's second stage, its first
 * stage and AMD's guest tables are x86_64; x4 is RISC-V's second stage.
 */
enum ioas_format {
	IOAS_PT_MOCK = 0,
	IOAS_PT_AMDV1,
	IOAS_PT_VTDSS,
	IOAS_PT_X86_64,
	IOAS_PT_ARM64_S1,
	IOAS_PT_ARM64_S2,
	IOAS_PT_RISCV64,
	IOAS_PT_RISCV64_X4,
};

/* A flag that the format does not know is -EOPNOTSUPP. */
enum ioas_domain_flags {
	/* Offer dirty tracking; leaves are made so that a write shows. */
	IOAS_DOMAIN_DIRTY = 1u << 0,
	/* x86_64, riscv64: IOVAs are sign-extended; the lower half is used. */
	IOAS_DOMAIN_SIGN_EXTEND = 1u << 1,
	/* amdv1: begin with @levels, add some when an IOVA needs them. */
	IOAS_DOMAIN_GROW = 1u << 2,
	/* amdv1, vtdss: what a device calls no-snoop is ignored. */
	IOAS_DOMAIN_FORCE_COHERENT = 1u << 3,
	/* vtdss: a mapping that may not be written is refused. */
	IOAS_DOMAIN_REQUIRE_WRITE = 1u << 4,
	/* arm64: groups of 16 or so entries; riscv64: Svnapot, 64 KiB. */
	IOAS_DOMAIN_CONTIGUOUS = 1u << 5,
	/* arm64_s2: memory attributes for a walker with forced write-back. */
	IOAS_DOMAIN_S2FWB = 1u << 6,
	/* arm64: the walker needs break-before-make where entries are cut. */
	IOAS_DOMAIN_BREAK = 1u << 7,
};

/**
 * struct ioas_domain_options - properties of a page table
 * @size:        sizeof of this struct
 * @format:      enum ioas_format
 * @flags:       enum ioas_domain_flags
 * @page_sizes:  bit n: an entry can map 2^n bytes; the lowest is the granule.
 *               0: what the format has; IOAS_PT_MOCK: 4 KiB, 2 MiB and 1 GiB
 * @first:       first usable IOVA
 * @last:        last usable IOVA; @first and @last 0: all that the width
 *               decodes. IOAS_PT_MOCK: 0 is 2^48 - 1
 * @va_bits:     width of IOVAs; 0: from @last and @levels
 * @oa_bits:     width of output addresses; 0: the format's
 * @levels:      levels of tables at the beginning; 0: as the width asks
 * @granule_lg2: arm64: 12, 14 or 16, log2 of the granule; 0: 12
 * @c_bit:       amdv1, x86_64: memory encryption bit, set in every entry of
 *               memory; or 0
 */
struct ioas_domain_options {
	size_t size;
	unsigned int format;
	unsigned int flags;
	uint64_t page_sizes;
	uint64_t first;
	uint64_t last;
	uint8_t va_bits;
	uint8_t oa_bits;
	uint8_t levels;
	uint8_t granule_lg2;
	uint32_t reserved;
	uint64_t c_bit;
};

/**
 * ioas_domain_create() - an empty page table
 * @opts:   read during the call; NULL for the defaults
 * @domain: out; the caller owns it
 *
 * Return: 0; -EINVAL (page sizes that the format lacks, empty aperture, a width
 * above the format's, a reserved field that is not zero); -EOPNOTSUPP (unknown
 * format or flag, one that the format does not have, a depth or a granule that
 * it lacks, an aperture that it cannot decode); -E2BIG; -ENOMEM. (ioas-core
 * 4.1, page-tables 4.8)
 */
IOAS_API int ioas_domain_create(const struct ioas_domain_options *opts,
				struct ioas_domain **domain);

/**
 * ioas_domain_destroy() - free a page table
 * @domain: taken on success; NULL is ignored
 *
 * Return: 0, or -EBUSY while it is attached or a view of it exists.
 */
IOAS_API int ioas_domain_destroy(struct ioas_domain *domain);

/**
 * ioas_attach() - give a domain a complete copy of the map, and keep it so
 * @ioas:   space
 * @domain: borrowed while it is attached; belongs to one space at a time
 *
 * All or nothing. The first domain of a space pins everything that is mapped.
 *
 * Context: not from a client's callback.
 * Return: 0; -EEXIST (attached to @ioas already); -EBUSY (attached to another
 * space); -EINVAL (granule above the page size); -EADDRINUSE (a mapping or an
 * allowed range lies outside the aperture, or a mapping is misaligned);
 * -ENOMEM (memory or lock limit); -EFAULT; -ERANGE. (ioas-core 12.6)
 */
IOAS_API int ioas_attach(struct ioas *ioas, struct ioas_domain *domain);

/**
 * ioas_detach() - empty a domain and let it go
 * @ioas:   space
 * @domain: the caller's again afterwards
 *
 * When the last domain leaves, only what clients pinned stays pinned. The
 * mappings stay.
 *
 * Context: not from a client's callback.
 * Return: 0, or -ENOENT (not attached to @ioas). (ioas-core 12.7)
 */
IOAS_API int ioas_detach(struct ioas *ioas, struct ioas_domain *domain);

/**
 * ioas_domain_translate() - look up an IOVA as a device would
 * @domain:  page table to walk
 * @iova:    byte to look up
 * @address: out; output address, for ioas_pointer()
 * @length:  in: bytes that the device wants, not zero; out: how many of them
 *           follow contiguously, at least to the end of the entry. NULL: one
 *
 * The answer holds until the range is unmapped or the domain detached, which
 * does not wait for who only translated: that is what a view is for. Says
 * nothing about permissions.
 *
 * Context: any thread.
 * Return: 0; -ENOENT (nothing is mapped there); -EINVAL (*@length is zero).
 */
IOAS_API int ioas_domain_translate(struct ioas_domain *domain, uint64_t iova,
				   uint64_t *address, uint64_t *length);

/**
 * ioas_domain_mark_dirty() - a device wrote a range
 * @domain: page table through which it wrote
 * @iova:   first byte
 * @length: bytes; what is not mapped is skipped
 *
 * Has no effect while tracking is off. The range may not be unmapped at the same
 * time: as with ioas_domain_translate(), who unmaps stops the device first.
 *
 * Return: 0; -EINVAL (zero length); -EOVERFLOW (wraps); -EOPNOTSUPP (the
 * domain was made without IOAS_DOMAIN_DIRTY). (ioas-core 15)
 */
IOAS_API int ioas_domain_mark_dirty(struct ioas_domain *domain, uint64_t iova,
				    uint64_t length);

/**
 * ioas_set_dirty_tracking() - begin or stop to note what devices write
 * @ioas:   space
 * @domain: attached to @ioas
 * @on:     to begin, which forgets what was dirty; or to stop
 *
 * Return: 0; -ENOENT (not attached to @ioas); -EOPNOTSUPP. (ioas-core 15)
 */
IOAS_API int ioas_set_dirty_tracking(struct ioas *ioas,
				     struct ioas_domain *domain, bool on);

enum ioas_dirty_query_flags {
	/* Report, and leave it dirty. */
	IOAS_DIRTY_KEEP = 1u << 0,
};

/**
 * struct ioas_dirty_query - which part of which range is dirty
 * @size:        sizeof of this struct
 * @iova:        first byte; a multiple of @granularity
 * @length:      bytes, not zero; a multiple of the space's alignment
 * @granularity: bytes for which a bit stands; a power of two
 * @bitmap:      out; bit n (bit n mod 8 of byte n / 8) stands for the n-th
 *               @granularity bytes. Bits are set, never cleared
 * @flags:       IOAS_DIRTY_KEEP
 */
struct ioas_dirty_query {
	size_t size;
	uint64_t iova;
	uint64_t length;
	uint64_t granularity;
	void *bitmap;
	unsigned int flags;
};

/**
 * ioas_read_dirty() - collect what devices wrote, and forget it
 * @ioas:   space
 * @domain: attached to @ioas
 * @query:  what to look at, and where the answer goes
 *
 * Return: 0; -EINVAL (zero length, misaligned, granularity no power of two, no
 * bitmap, or a gap: what was found before it is reported); -EOVERFLOW (wraps);
 * -ENOENT (not attached to @ioas); -EOPNOTSUPP (no dirty tracking, unknown
 * flag); -E2BIG. (ioas-core 15)
 */
IOAS_API int ioas_read_dirty(struct ioas *ioas, struct ioas_domain *domain,
			     const struct ioas_dirty_query *query);

/* ---- views: what a thread of a device sees of a domain ------------------- */

/*
 * A view takes no lock and writes to no memory that threads share. Between
 * enter and exit, a section, what it translated stays what it was: whoever
 * unmaps it waits for the end of the section. So sections are short. A thread
 * inside one calls functions of the view and ioas_pointer(), no others of this
 * library, and waits for nobody who does. None of these sleeps. With IOAS_WRITE
 * the page table becomes dirty before the write, if tracking is on.
 */

enum ioas_view_reason { IOAS_VIEW_NOT_MAPPED = 1, IOAS_VIEW_DENIED = 2 };

/* First byte that was not reached; IOAS_READ, IOAS_WRITE; enum above. */
struct ioas_view_fault {
	uint64_t iova;
	unsigned int access;
	unsigned int reason;
};

/**
 * struct ioas_view_options - properties of a view
 * @size:  sizeof of this struct
 * @fault: called before a call returns -ENOENT or -EACCES, inside the section;
 *         may not use the view. NULL: nobody is told
 * @data:  handed to @fault
 */
struct ioas_view_options {
	size_t size;
	void (*fault)(void *data, const struct ioas_view_fault *fault);
	void *data;
};

/**
 * ioas_view_create() - a view of a domain, for one thread at a time
 * @ctx:    context of the spaces that @domain is attached to; borrowed for the
 *          life of the view
 * @domain: borrowed; may be attached and detached meanwhile
 * @opts:   read during the call; NULL for the defaults
 * @view:   out; the caller owns it. About 32 KiB
 *
 * Return: 0; -EINVAL; -E2BIG; -ENOMEM.
 */
IOAS_API int ioas_view_create(struct ioas_context *ctx,
			      struct ioas_domain *domain,
			      const struct ioas_view_options *opts,
			      struct ioas_view **view);

/**
 * ioas_view_destroy() - free a view
 * @view: taken; not inside a section; NULL is ignored
 */
IOAS_API void ioas_view_destroy(struct ioas_view *view);

/**
 * ioas_view_enter() - begin a section
 * @view: not inside one
 */
IOAS_API void ioas_view_enter(struct ioas_view *view);

/**
 * ioas_view_exit() - end a section; what was translated in it is void
 * @view: inside a section
 */
IOAS_API void ioas_view_exit(struct ioas_view *view);

/**
 * ioas_view_map() - where an IOVA is in this process
 * @view:    inside a section
 * @iova:    first byte
 * @length:  bytes that the device wants, not zero
 * @flags:   IOAS_READ, IOAS_WRITE: what it does with them, at least one
 * @pointer: out; valid until the end of the section
 * @got:     out; bytes from *@pointer on, at least one and at most @length.
 *           Fewer than mapped: ask again for the rest
 *
 * Return: 0; -ENOENT (nothing is mapped there); -EACCES (the mapping does not
 * allow it); -EFAULT (the memory is not in this process); -EINVAL (zero length,
 * neither read nor write); -EOVERFLOW (wraps); -EOPNOTSUPP (unknown flag).
 */
IOAS_API int ioas_view_map(struct ioas_view *view, uint64_t iova,
			   uint64_t length, unsigned int flags,
			   void **pointer, uint64_t *got);

/**
 * ioas_view_translate() - the output address of an IOVA
 * @view:    inside a section
 * @iova:    first byte
 * @length:  bytes that the device wants, not zero
 * @flags:   as for ioas_view_map()
 * @address: out; valid until the end of the section
 * @got:     out; bytes from *@address on that are contiguous; as above
 *
 * Return: as ioas_view_map(), but not -EFAULT: the memory may be anywhere.
 */
IOAS_API int ioas_view_translate(struct ioas_view *view, uint64_t iova,
				 uint64_t length, unsigned int flags,
				 uint64_t *address, uint64_t *got);

/**
 * ioas_view_segments() - the output addresses of a range
 * @view:     inside a section
 * @iova:     first byte
 * @length:   bytes, not zero
 * @flags:    as for ioas_view_map()
 * @segments: out; in order of IOVA, as few as possible; NULL if *@nr is 0
 * @nr:       in: room in @segments; out, also on error: how many were written
 * @done:     out, also on error, may be NULL; bytes that they cover
 *
 * Return: 0; -EMSGSIZE (too little room: go on at @iova + *@done); -ENOENT,
 * -EACCES (that byte cannot be reached); -EINVAL, -EOVERFLOW, -EOPNOTSUPP as
 * ioas_view_map(), with nothing written.
 */
IOAS_API int ioas_view_segments(struct ioas_view *view, uint64_t iova,
				uint64_t length, unsigned int flags,
				struct ioas_segment *segments, uint32_t *nr,
				uint64_t *done);

/**
 * ioas_view_read() - copy bytes as a device that reads memory
 * @view:   not inside a section; enters and leaves, several times if it is long
 * @iova:   first byte
 * @buffer: memory of this process, @length bytes
 * @length: bytes
 *
 * What was copied before an error stays copied. Memory that is not in this
 * process is reached through its origin, where that can.
 *
 * Return: 0; -ENOENT, -EACCES, -EFAULT as ioas_view_map(); -EINVAL (zero
 * length); -EOVERFLOW (wraps).
 */
IOAS_API int ioas_view_read(struct ioas_view *view, uint64_t iova,
			    void *buffer, uint64_t length);

/**
 * ioas_view_write() - copy bytes as a device that writes memory
 * @view:   as for ioas_view_read()
 * @iova:   first byte
 * @buffer: memory of this process, @length bytes
 * @length: bytes
 *
 * Return: as ioas_view_read().
 */
IOAS_API int ioas_view_write(struct ioas_view *view, uint64_t iova,
			     const void *buffer, uint64_t length);

/* ---- clients: software that uses a space -------------------------------- */

enum ioas_client_flags {
	/* Will pin: mappings have to be page aligned while it is attached. */
	IOAS_CLIENT_PINS = 1u << 0,
};

/**
 * struct ioas_client_options - properties of a client
 * @size:  sizeof of this struct
 * @flags: IOAS_CLIENT_PINS
 * @unmap: stop using every pin that intersects the range, and release it with
 *         ioas_client_unpin() before returning. Called by the thread that
 *         unmaps or detaches: any thread, several at once, more than once,
 *         also for ranges in which there is nothing; with no lock of the
 *         library held. NULL: what the client has pinned cannot be unmapped
 *         (-EBUSY)
 * @data:  handed to @unmap
 */
struct ioas_client_options {
	size_t size;
	unsigned int flags;
	void (*unmap)(void *data, uint64_t iova, uint64_t length);
	void *data;
};

/**
 * ioas_client_create() - a client that is not attached anywhere
 * @ctx:    borrowed for the life of the client
 * @opts:   read during the call; NULL for one that only reads and writes
 * @client: out; the caller owns it
 *
 * Return: 0; -EOPNOTSUPP (unknown flag); -E2BIG; -EINVAL; -ENOMEM.
 * (ioas-core 3.6)
 */
IOAS_API int ioas_client_create(struct ioas_context *ctx,
				const struct ioas_client_options *opts,
				struct ioas_client **client);

/**
 * ioas_client_destroy() - detach, if attached, and free a client
 * @client: taken; NULL is ignored. Its pins have been released, or are by its
 *          callback
 *
 * When it returns no callback is running or will run.
 *
 * Context: not from a callback of this client, and holding no lock that the
 * callback takes.
 */
IOAS_API void ioas_client_destroy(struct ioas_client *client);

/**
 * ioas_client_attach() - let a client use a space
 * @client: not attached
 * @ioas:   space of the same context
 *
 * Return: 0; -EINVAL (attached already, or another context); -EBUSY (it is
 * being detached); -EADDRINUSE (mappings are not page aligned). (ioas-core
 * 13.1)
 */
IOAS_API int ioas_client_attach(struct ioas_client *client, struct ioas *ioas);

/**
 * ioas_client_detach() - part a client from its space
 * @client: attached; its callback is called once for everything
 *
 * Context: as ioas_client_destroy().
 * Return: 0; -ENOENT (not attached); -EBUSY (a change is in progress).
 * (ioas-core 13.1)
 */
IOAS_API int ioas_client_detach(struct ioas_client *client);

/**
 * ioas_client_replace() - move a client to another space in one step
 * @client: attached
 * @ioas:   space of the same context; the client joins it first, then leaves
 *          the old one as in ioas_client_detach()
 *
 * Context: as ioas_client_destroy().
 * Return: 0; -ENOENT (not attached); -EINVAL (another context); -EBUSY;
 * -EADDRINUSE. On error the client is where it was. (ioas-core 13.1)
 */
IOAS_API int ioas_client_replace(struct ioas_client *client,
				 struct ioas *ioas);

/**
 * ioas_client_pin() - keep the pages behind a range, and learn where they are
 * @client:   attached
 * @iova:     first byte, page aligned
 * @length:   bytes
 * @flags:    IOAS_READ; IOAS_WRITE if they will be written
 * @segments: out, may be NULL; in order of IOVA, as few as possible, @length
 *            bytes in all. Room for one per page is always enough
 * @nr:       in: room in @segments; out: how many. NULL if @segments is
 *
 * All or nothing. The pages stay, whatever happens to the domains, until
 * ioas_client_unpin() of the same range. Pins of one range are counted.
 *
 * Return: 0; -EINVAL (zero length, misaligned, being unmapped, device memory);
 * -EOVERFLOW (wraps); -ENOENT (not attached, or a gap); -EPERM (the mapping
 * does not allow it); -EMSGSIZE (too little room); -EOPNOTSUPP (unknown flag);
 * -ENOMEM (memory or lock limit); -EFAULT. (ioas-core 13.2)
 */
IOAS_API int ioas_client_pin(struct ioas_client *client, uint64_t iova,
			     uint64_t length, unsigned int flags,
			     struct ioas_segment *segments, uint32_t *nr);

/**
 * ioas_client_unpin() - undo a pin
 * @client: that pinned
 * @iova:   as for the pin
 * @length: as for the pin
 *
 * A range that was not pinned is reported as a failed check and ignored.
 *
 * Context: any thread, also in the client's callback. (ioas-core 13.3)
 */
IOAS_API void ioas_client_unpin(struct ioas_client *client, uint64_t iova,
				uint64_t length);

/**
 * ioas_client_read() - copy bytes out of a space
 * @client: attached
 * @iova:   first byte
 * @buffer: memory of this process, @length bytes
 * @length: bytes
 *
 * Needs no alignment and no pin. What was copied before an error stays copied.
 *
 * Return: 0; -EINVAL (zero length, being unmapped, device memory); -EOVERFLOW
 * (wraps); -ENOENT (not attached, or a gap); -EPERM; -EFAULT; -ENOMEM.
 * (ioas-core 13.5)
 */
IOAS_API int ioas_client_read(struct ioas_client *client, uint64_t iova,
			      void *buffer, uint64_t length);

/**
 * ioas_client_write() - copy bytes into a space
 * @client: attached
 * @iova:   first byte
 * @buffer: memory of this process, @length bytes
 * @length: bytes
 *
 * Return: as ioas_client_read(). (ioas-core 13.5)
 */
IOAS_API int ioas_client_write(struct ioas_client *client, uint64_t iova,
			       const void *buffer, uint64_t length);

/* ---- looking in --------------------------------------------------------- */

/**
 * struct ioas_stats - a space in numbers
 * @size:            in: sizeof of this struct
 * @nr_mappings:     areas
 * @mapped:          bytes in them, modulo 2^64
 * @nr_domains:      attached
 * @nr_clients:      attached
 * @alignment:       bytes; every mapping obeys it
 * @page_size:       bytes
 * @context_pinned:  pages that are pinned, of the whole context
 * @context_charged: pages that are charged, of the whole context
 */
struct ioas_stats {
	size_t size;
	uint64_t nr_mappings;
	uint64_t mapped;
	uint64_t nr_domains;
	uint64_t nr_clients;
	uint64_t alignment;
	uint64_t page_size;
	uint64_t context_pinned;
	uint64_t context_charged;
};

/**
 * ioas_stats() - count what is in a space
 * @ioas:  space to look at
 * @stats: in: size; out: the rest, as far as it fits
 *
 * Return: 0 or -EINVAL (size).
 */
IOAS_API int ioas_stats(struct ioas *ioas, struct ioas_stats *stats);

/* Who holds a page (ioas-core 6). */
enum ioas_page_state {
	/* Nobody: it is not pinned. Its frame is nowhere. */
	IOAS_PAGE_IDLE,
	/* Domains: its frame is in page tables and nowhere else. */
	IOAS_PAGE_DOM,
	/* Clients: its frame is in the pinned store. */
	IOAS_PAGE_ACC,
	/* Both: its frame is in the store and in page tables. */
	IOAS_PAGE_BOTH,
};

/**
 * struct ioas_page_info - one page, and the memory object it belongs to
 * @size:       in: sizeof of this struct
 * @area_first: the mapping that contains the page: first IOVA
 * @area_last:  and last IOVA
 * @flags:      of the mapping: IOAS_READ, IOAS_WRITE, IOAS_NOEXEC
 * @state:      enum ioas_page_state
 * @index:      position of the page in its object
 * @nr_domains: domains of this space that translate the byte asked for
 * @in_store:   1: the pinned store has its frame
 * @address:    output address of the byte asked for; 0 while IDLE
 * @nr_pinned:  pages of the object that are pinned, and
 * @nr_charged: that are charged
 * @store_runs: runs in the object's store: what its frames cost there
 */
struct ioas_page_info {
	size_t size;
	uint64_t area_first;
	uint64_t area_last;
	unsigned int flags;
	unsigned int state;
	uint64_t index;
	uint32_t nr_domains;
	uint32_t in_store;
	uint64_t address;
	uint64_t nr_pinned;
	uint64_t nr_charged;
	uint64_t store_runs;
};

/**
 * ioas_page_info() - in which tiers is the frame of a page
 * @ioas: space to look at
 * @iova: any byte of the page
 * @info: in: size; out: the rest, as far as it fits
 *
 * Return: 0; -ENOENT (nothing is mapped there); -EINVAL (size). (ioas-core 6)
 */
IOAS_API int ioas_page_info(struct ioas *ioas, uint64_t iova,
			    struct ioas_page_info *info);

/**
 * struct ioas_domain_stats - a page table in numbers
 * @size:       in: sizeof of this struct
 * @memory:     bytes of memory for tables
 * @nr_entries: entries that map something
 * @entries:    of them, those that map 2^n bytes
 */
struct ioas_domain_stats {
	size_t size;
	uint64_t memory;
	uint64_t nr_entries;
	uint64_t entries[64];
};

/**
 * ioas_domain_stats() - count what is in a page table
 * @domain: no other call may change it meanwhile
 * @stats:  in: size; out: the rest, as far as it fits
 *
 * Return: 0 or -EINVAL (size).
 */
IOAS_API int ioas_domain_stats(struct ioas_domain *domain,
			       struct ioas_domain_stats *stats);

/**
 * ioas_validate() - check every invariant of a space
 * @ioas: space to check, with the memory it uses
 *
 * Slow: walks everything. Each violation is reported as a failed check.
 *
 * Return: number of violations; 0 is what it should be. (ioas-core 7)
 */
IOAS_API unsigned int ioas_validate(struct ioas *ioas);

/**
 * ioas_dump() - a picture of a space, for people
 * @ioas:  space to look at
 * @print: called for each line, which has no newline; under locks of the
 *         space, so it may not call the library
 * @data:  handed to @print
 */
IOAS_API void ioas_dump(struct ioas *ioas,
			void (*print)(void *data, const char *line),
			void *data);

#ifdef __cplusplus
}
#endif

#endif
