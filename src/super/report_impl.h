/* SPDX-License-Identifier: MIT */
/*
 * report: between who collects (report.c) and who writes (report_write.c)
 */
#ifndef IOAS_SUPER_REPORT_IMPL_H
#define IOAS_SUPER_REPORT_IMPL_H

#include <stdio.h>

#include "super/books.h"
#include "super/decode.h"
#include "super/trace.h"

/* What is listed; beyond that it is only counted. */
#define IOAS_REPORT_LEAKS 256
#define IOAS_REPORT_CONTEXTS 64
#define IOAS_REPORT_LOST 64
/* Different errors of one command. */
#define IOAS_REPORT_ERRORS 12

struct report_command {
	uint64_t count;
	uint64_t failed;
	uint64_t ns;
	struct {
		int error;
		uint64_t count;
	} errors[IOAS_REPORT_ERRORS];
};

/* Pages of areas, by who holds them; one that two areas share counts twice. */
struct report_pages {
	/* Pinned by clients (accesses), by page tables, by both. */
	uint64_t store;
	uint64_t domain;
	uint64_t both;
};

struct report_sum {
	uint64_t areas;
	uint64_t bytes;
	struct report_pages pages;
};

/* An area that was left at the last close of its context. */
struct report_leak {
	/* Number of the context, from 1 in the order of their closes. */
	uint64_t context;
	uint32_t ioas;
	uint32_t prot;
	uint64_t iova;
	uint64_t last;
	struct report_pages pages;
	/* Serial 0: not known. */
	struct ioas_deed deed;
};

struct report_context {
	const char *file;
	bool closed;
	struct ioas_deed opened;
	uint64_t spaces;
	uint64_t maps;
	uint64_t unmaps;
	struct report_sum left;
};

struct report_lost {
	pid_t pid;
	char comm[IOAS_COMM_MAX];
	uint64_t address;
	char why[24];
	uint64_t count;
};

struct ioas_report {
	/* Set once. */
	struct ioas_super *s;
	uint64_t started;

	struct ioas_mutex lock;
	/* Everything below is guarded. */
	struct ioas_books books;
	struct ioas_comms comms;
	/* By index (decode.h). */
	struct report_command commands[IOAS_NR_COMMANDS];
	/* By enum ioas_event_kind. */
	uint64_t events[IOAS_EVENT_MMAP + 1];
	/* Pages; the most that were seen after a command. */
	uint64_t peak;

	uint64_t nr_opened;
	uint64_t nr_closed;
	struct report_context contexts[IOAS_REPORT_CONTEXTS];
	uint32_t nr_contexts;

	struct report_sum left;
	struct report_leak leaks[IOAS_REPORT_LEAKS];
	uint32_t nr_leaks;

	/* Places, listed; and all of it. */
	struct report_lost lost[IOAS_REPORT_LOST];
	uint32_t nr_lost;
	uint64_t lost_count;
};

static inline uint64_t report_pinned(const struct report_pages *p)
{
	return p->store + p->domain + p->both;
}

/* CLOCK_REALTIME. */
uint64_t ioas_report_now(void);

/* "512 B", "4.0 KiB"; good until the next but one call. */
const char *ioas_report_size(uint64_t bytes);

/*
 * Members "devices" and "dma_faults" of a run with devices; the same as text.
 * They ask the functions, whose locks come before ours: it is not held.
 */
void ioas_report_devices_json(const struct ioas_report *r,
			      struct json_object *o);
void ioas_report_devices_text(const struct ioas_report *r, FILE *f);

#endif
