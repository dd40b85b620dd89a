/* SPDX-License-Identifier: MIT */
/*
 * run: a program with /dev/iommu, from the outside
 *
 *   ioas run ...      guardian    terminal, signals, exit status; kills all if
 *      |                          the supervisor fails
 *      `- fork        supervisor  answers trapped calls (super.h)
 *            `- fork  program     filter, perhaps namespaces, then execve
 *
 * (docs/reference/supervisor.md)
 */
#ifndef IOAS_SUPER_RUN_H
#define IOAS_SUPER_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum ioas_run_mode {
	IOAS_RUN_AUTO, /* namespaces if they can be had */
	IOAS_RUN_NAMESPACE,
	IOAS_RUN_TRAP,
};

/* As a shell's: what `ioas run` returns if the program does not. */
enum ioas_run_exit {
	IOAS_RUN_MISUSED = 2, /* options that are no such */
	IOAS_RUN_FAILED = 125, /* ours */
	IOAS_RUN_NOT_EXECUTABLE = 126,
	IOAS_RUN_NOT_FOUND = 127,
};

/* Zero is the default of each but argv. Borrowed. */
struct ioas_run_options {
	/* The program, looked up in PATH, and its arguments; ends with NULL. */
	char *const *argv;
	enum ioas_run_mode mode;
	/* Emulated functions: "nvme,file=disk.img"; and what they are behind. */
	const char *const *devices;
	unsigned int nr_devices;
	/* NULL: "vtdss". */
	const char *iommu;
	/* Offer the mock IOMMU; fail-nth and the knobs of debugfs. */
	bool test_abi;
	bool fault_injection;
	/* Use own_memlock, in bytes, instead of each client's RLIMIT_MEMLOCK. */
	bool own_memlock;
	uint64_t memlock;
	/* A file for the trace, "-": stderr; NULL: none. */
	const char *trace;
	/* The report at exit: to a file (JSON), or to stderr (text). */
	bool report;
	const char *report_file;
	/* Do without a feature of the kernel that correctness needs. */
	bool force;
	/* Errors only; what was set up. */
	bool quiet;
	unsigned int verbose;
};

/*
 * Run the program to its end. To be called once, from a process with a single
 * thread. Return: its exit status, enum ioas_run_exit; does not return if a
 * signal killed the program: the caller dies of the same.
 */
int ioas_run(const struct ioas_run_options *opts);

#endif
