/* SPDX-License-Identifier: MIT */
/*
 * crowd: threads that make any request of a few contexts, for a while
 *
 *    thread 0..n   any request, with ids and descriptors of anybody
 *       |  host    simulated machine, or this process
 *       |  boards  what was made last, by context: ids that may be stale
 *       |  files   descriptors, by process: may be closed while used
 *    the main thread   now and then stops them and validates everything;
 *                      watches that requests still come to an end
 *
 * Each request knows what it may answer. Sometimes one of its fault points
 * fails; then it may answer anything.
 */
#ifndef TESTS_CONCURRENCY_CROWD_H
#define TESTS_CONCURRENCY_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "plat/common/fault_arm.h"
#include "prng.h"
#include "uapi/iommufd.h"
#include "uclient.h"

#define PAGE 4096u
/* As many tasks as the simulated host has for this. */
#define CROWD_MAX 4
#define PROCESSES 2
#define BOARDS 2
#define SLOTS 4

/* Memory of each process, in pages from host->memory on; then a hole. */
#define PAGES_ANY 48u /* it comes, goes and changes */
#define PAGES_RUN 16u /* stays, one run of frames if the host can */
#define PAGES_READ_ONLY 8u
#define PAGES_ALL (PAGES_ANY + PAGES_RUN + PAGES_READ_ONLY)
/* Pages of the file that is memory. */
#define PAGES_FILE 32u

/* Objects, by what made them. */
enum crowd_thing {
	SPACE,
	TABLE,
	NESTED,
	STDEV,
	IDEV,
	VIOMMU,
	VDEVICE,
	FAULT,
	EVENTQ,
	HW_QUEUE,
	NR_THINGS
};

enum crowd_file { ACCESS_FILE, FAULT_FILE, EVENT_FILE, DMABUF_FILE, NR_FILES };

struct board {
	_Atomic uint32_t ids[NR_THINGS][SLOTS];
	/* Where memory of VIOMMUs can be mapped. */
	_Atomic uint64_t offsets[SLOTS];
};

struct actor {
	unsigned int index;
	/* Whose descriptors and memory it uses. */
	unsigned int process;
	struct prng prng;
	/* The context of this request. */
	struct uclient c;
	struct board *board;
	unsigned int nr_board;
	/* A fault point of this request may fail. */
	bool armed;
	struct ioas_fault fault;
	/* For the watchdog. */
	_Atomic(const char *) doing;
};

struct crowd_host {
	const char *name;
	const struct uc_transport *transport;
	/* Processes that have descriptors of their own. */
	unsigned int nr_processes;

	/* Returns the context of the transport. */
	void *(*create)(uint64_t seed, unsigned int threads);
	/* Everything is closed by this; nothing may be left. */
	void (*destroy)(void);
	/* This thread is the actor, or nobody again. */
	void (*enter)(const struct actor *a);
	void (*leave)(void);
	struct ioas_uapi *(*uapi)(void);
	/* Everybody stands still. */
	void (*validate)(void);

	int (*open)(unsigned int flags);
	/* A number in another process; and the end of one there. */
	int (*send)(const struct actor *a, int fd, unsigned int process);
	void (*close_there)(const struct actor *a, int fd,
			    unsigned int process);
	/* First byte of the memory, and a file, of the actor's process. */
	uint64_t (*memory)(const struct actor *a);
	int (*file)(const struct actor *a);
	/* Something happens to the memory, or the file. */
	void (*meddle)(struct actor *a);
	/* Faults of this thread; NULL: no more. */
	void (*fault)(const struct actor *a, struct ioas_fault *f);
	/* NULL: *@ret says why. */
	void *(*region_map)(const struct actor *a, int fd, uint64_t offset,
			    uint64_t length, int *ret);
	void (*region_unmap)(void *region);
};

extern const struct crowd_host crowd_sim, crowd_local;

struct crowd_options {
	double seconds;
	uint64_t seed;
	unsigned int threads;
};

void crowd_run(const struct crowd_host *host, const struct crowd_options *o);

/* ---- what requests are made of ------------------------------------------- */

struct crowd {
	const struct crowd_host *host;
	void *ctx;
	struct crowd_options options;
	struct board boards[BOARDS];
	/* The contexts, and other files; -1: none. */
	_Atomic int contexts[PROCESSES][BOARDS];
	_Atomic int files[PROCESSES][NR_FILES][SLOTS];
	_Atomic(void *) regions[SLOTS];
	_Atomic bool stop;
	_Atomic uint64_t done;
	_Atomic uint64_t worked;
};

extern struct crowd crowd;

/* A request of its own choice. In crowd_ops.c */
void crowd_act(struct actor *a);

static inline unsigned int below(struct actor *a, unsigned int n)
{
	return (unsigned int)prng_below(&a->prng, n);
}

/* Ends the program. */
void crowd_wrong(const struct actor *a, const char *what, int64_t value);

#endif
