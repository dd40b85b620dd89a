/* SPDX-License-Identifier: MIT */
/*
 * dmafault: DMA that failed, and whose mistake that was
 *
 *   MAP, UNMAP, ... of clients --> the last ones, in the order of their end
 *   fault of a function        --> stderr, report: device, IOVA, access, and
 *                                  which command mapped or unmapped there last
 *
 * Bounded: a ring of commands, a list of different faults. What a program
 * repeats is counted and not said again.
 *
 * Locks: lock (rank LEAF). Lines are written by a thread of their own: a device
 * must not wait for whoever reads stderr.
 */
#ifndef IOAS_SUPER_DMAFAULT_H
#define IOAS_SUPER_DMAFAULT_H

#include "super/super.h"
#include "super/trace.h"

struct ioas_dmafaults;
struct ioas_function_fault;

/* Commands that are remembered. */
#define IOAS_DMAFAULT_COMMANDS 4096u
/* Different faults of one function that are said and listed. */
#define IOAS_DMAFAULT_PLACES 32u

/* Return: 0, -ENOMEM, -EAGAIN (no thread). */
int ioas_dmafaults_create(struct ioas_super *s, struct ioas_dmafaults **out);
/* Accepts NULL. What is to be said has been. */
void ioas_dmafaults_destroy(struct ioas_dmafaults *d);
/* Wait until it has been, for a second at most. Accepts NULL. */
void ioas_dmafaults_flush(struct ioas_dmafaults *d);

/* A command of a client has been handled; what does not map is ignored. */
void ioas_dmafaults_command(struct ioas_dmafaults *d,
			    const struct ioas_call *c,
			    const struct ioas_host_command *m);
/* What struct ioas_function_watch wants. */
void ioas_dmafaults_fault(struct ioas_dmafaults *d,
			  const struct ioas_function_fault *fault);

/* ---- for the report ----------------------------------------------------- */

enum ioas_dmafault_deed {
	IOAS_DMAFAULT_NEVER, /* nobody has, since the space was made */
	IOAS_DMAFAULT_MAPPED,
	IOAS_DMAFAULT_UNMAPPED,
	IOAS_DMAFAULT_UNKNOWN, /* nobody has, as far as is remembered */
	IOAS_DMAFAULT_NESTED, /* what a guest's own table says is not known */
};

struct ioas_dmafault_entry {
	/* "0000:01:00.0", "nvme". */
	char name[16];
	char model[16];
	uint32_t pasid;
	uint64_t iova;
	bool write;
	bool denied;
	/* How often, at this page with this access. */
	uint64_t count;
	enum ioas_dmafault_deed deed;
	/* Of that command: "IOMMU_IOAS_UNMAP", who. */
	const char *command;
	uint64_t first, last;
	pid_t pid;
	char comm[16];
};

/* Calls @fn for each, oldest first. Return: how many there were in all. */
uint64_t ioas_dmafaults_each(struct ioas_dmafaults *d,
			     void (*fn)(const struct ioas_dmafault_entry *e,
					void *data),
			     void *data);

#define IOAS_DMAFAULT_TEXT 256
/*
 * "write of 0x7f0000 (PASID 3): not mapped; unmapped last by IOMMU_IOAS_UNMAP
 * [0x7f0000, 0x7fffff] of qemu (pid 4711)", on one line.
 */
void ioas_dmafault_text(const struct ioas_dmafault_entry *e,
			char out[IOAS_DMAFAULT_TEXT]);

#endif
