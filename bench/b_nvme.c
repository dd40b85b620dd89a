/* SPDX-License-Identifier: MIT */
/*
 * b_nvme: reads of an emulated NVMe disk, by a driver under `ioas run`
 *
 *   ours     driver --doorbell--> supervisor: fetch, copy, complete
 *   floor    a process that preads the same blocks of the same file, and copies
 *            them to where the driver's buffers would be: into another process
 *            (process_vm_writev), or to shared memory (by pread itself)
 *   one copy the same bytes from a mapping of the file: what is left of it if
 *            nothing is read into a buffer before; memcpy where that can be
 *
 * The floor has no protocol: no queues, no translation, nobody who waits. The
 * driver is examples/nvme.c and times itself, so starting it does not count.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* IOAS and NVME are paths, from the build. */
#define MIB (UINT64_C(1) << 20)
/* It stays in the page cache. */
#define IMAGE (64 * MIB)
/* Another test that was skipped. */
#define SKIP 77

extern char **environ;

static char image[] = "/tmp/ioas-bench-XXXXXX";
static int image_fd;
static uint8_t *image_map;

/* Return: its exit status; what it wrote, in @out. */
static int output_of(const char *const argv[], char *out, size_t room)
{
	posix_spawn_file_actions_t actions;
	size_t nr = 0;
	ssize_t got;
	int fd[2], status;
	pid_t pid;

	bench_check(!pipe2(fd, O_CLOEXEC), "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 1);
	bench_check(!posix_spawn(&pid, argv[0], &actions, NULL,
				 (char *const *)(uintptr_t)argv, environ),
		    argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(fd[1]);
	while ((got = read(fd[0], out + nr, room - 1 - nr)) > 0)
		nr += (size_t)got;
	out[nr] = '\0';
	close(fd[0]);
	bench_check(waitpid(pid, &status, 0) == pid, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- ours --------------------------------------------------------------- */

struct reads {
	uint64_t nr;
	uint64_t bytes;
	unsigned int depth;
	bool sequential;
	bool shared;
	/* Of the run that was the fastest, microseconds. */
	double best, p50, p99, p999;
	/* Of the floor: who has the memory; where it is. */
	pid_t pid;
	uint8_t *memory;
};

static double driver_run(void *ctx)
{
	struct reads *r = ctx;
	char device[64], nr[24], bytes[24], depth[24], out[512], *at;
	double s = 0, iops, p50, p99, p999;
	const char *argv[] = { IOAS, "run", "-q", "--memlock", "unlimited",
			       "--device", device, "--", NVME, "bench",
			       "--count", nr, "--bs", bytes, "--depth", depth,
			       NULL, NULL, NULL };
	size_t n = sizeof(argv) / sizeof(argv[0]) - 3;

	if (r->shared)
		argv[n++] = "--shared";
	if (r->sequential)
		argv[n++] = "--sequential";
	snprintf(device, sizeof(device), "nvme,ro,file=%s", image);
	snprintf(nr, sizeof(nr), "%llu", (unsigned long long)r->nr);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)r->bytes);
	snprintf(depth, sizeof(depth), "%u", r->depth);
	bench_check(!output_of(argv, out, sizeof(out)), "the driver ends well");
	at = strstr(out, " in ");
	bench_check(at && sscanf(at, " in %lf s\n%lf IOPS, %*f MiB/s; latency "
				 "us: p50 %lf, p99 %lf, p99.9 %lf",
				 &s, &iops, &p50, &p99, &p999) == 5,
		    "the driver says what it did");
	if (r->best <= 0 || s < r->best) {
		r->best = s;
		r->p50 = p50;
		r->p99 = p99;
		r->p999 = p999;
	}
	return s * 1e9;
}

/* ---- the floor ---------------------------------------------------------- */

static void floor_one(struct reads *r, uint64_t at, uint8_t *buffer,
		      uint8_t *there)
{
	uint8_t *to = r->shared ? there : buffer;
	struct iovec from = { buffer, r->bytes }, into = { there, r->bytes };

	bench_check(pread(image_fd, to, r->bytes, (off_t)at) ==
			    (ssize_t)r->bytes, "pread");
	if (!r->shared)
		bench_check(process_vm_writev(r->pid, &from, 1, &into, 1, 0) ==
				    (ssize_t)r->bytes, "process_vm_writev");
}

static void copy_one(struct reads *r, uint64_t at, uint8_t *buffer,
		     uint8_t *there)
{
	struct iovec from = { image_map + at, r->bytes };
	struct iovec into = { there, r->bytes };

	(void)buffer;
	if (r->shared)
		memcpy(there, image_map + at, r->bytes);
	else
		bench_check(process_vm_writev(r->pid, &from, 1, &into, 1, 0) ==
				    (ssize_t)r->bytes, "process_vm_writev");
}

static double each(struct reads *r,
		   void (*one)(struct reads *r, uint64_t at, uint8_t *buffer,
			       uint8_t *there))
{
	static uint8_t buffer[MIB];
	const uint64_t places = IMAGE / r->bytes, begin = bench_now();

	for (uint64_t i = 0; i < r->nr; i++) {
		const uint64_t place = r->sequential ? i : bench_random();

		one(r, place % places * r->bytes, buffer,
		    r->memory + i % r->depth * r->bytes);
	}
	return (double)(bench_now() - begin);
}

static double floor_run(void *ctx)
{
	return each(ctx, floor_one);
}

static double copy_run(void *ctx)
{
	return each(ctx, copy_one);
}

/* Memory of the other process is written before, as a driver's is. */
static void floor_begin(struct reads *r)
{
	const size_t length = r->depth * r->bytes;

	r->memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			 (r->shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS,
			 -1, 0);
	bench_check(r->memory != MAP_FAILED, "memory");
	memset(r->memory, 1, length);
	r->pid = fork();
	bench_check(r->pid >= 0, "fork");
	if (!r->pid) {
		memset(r->memory, 2, length);
		for (;;)
			pause();
	}
}

static void floor_end(struct reads *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	munmap(r->memory, r->depth * r->bytes);
}

/* ---- rows --------------------------------------------------------------- */

static void report(const char *name, const char *what, const char *unit,
		   double value)
{
	char text[128];
	const struct bench_size size = { .name = text, .unit = unit,
					 .value = value };

	snprintf(text, sizeof(text), "%s: %s", name, what);
	bench_report_size(&size);
}

static void row(const char *what, struct reads r, const char *unit,
		double units)
{
	char name[96];
	const struct bench_row row = {
		.name = name,
		.unit = unit,
		.ops = units,
		.contender = {
			{ "ioas run", driver_run, &r },
			{ r.shared ? "floor: pread into shared memory" :
				     "floor: pread, process_vm_writev",
			  floor_run, &r },
			{ r.shared ? "one copy: memcpy of the mapped file" :
				     "one copy: process_vm_writev of it mapped",
			  copy_run, &r },
		},
	};

	snprintf(name, sizeof(name), "%s, %s memory", what,
		 r.shared ? "shared" : "private");
	floor_begin(&r);
	bench_run(&row);
	floor_end(&r);
	if (r.best <= 0)
		return;
	report(name, "latency, median", "us", r.p50);
	report(name, "latency, 99 %", "us", r.p99);
	report(name, "latency, 99.9 %", "us", r.p999);
}

static void image_create(void)
{
	static uint8_t piece[MIB];

	image_fd = mkstemp(image);
	bench_check(image_fd >= 0, image);
	for (uint64_t at = 0; at < IMAGE; at += MIB) {
		for (size_t i = 0; i < MIB; i += 8) {
			const uint64_t word = bench_random();

			memcpy(piece + i, &word, 8);
		}
		bench_check(write(image_fd, piece, MIB) == (ssize_t)MIB,
			    "write");
	}
	image_map = mmap(NULL, IMAGE, PROT_READ, MAP_SHARED, image_fd, 0);
	bench_check(image_map != MAP_FAILED, "the image can be mapped");
}

static void skip_if_not_possible(void)
{
	static const char *const argv[] = { IOAS, "doctor", "--json", NULL };
	char out[65536];

	if (output_of(argv, out, sizeof(out))) {
		fprintf(stderr, "b_nvme: `ioas run` does not work here; see "
				"`ioas doctor`\n");
		exit(SKIP);
	}
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "nvme");
	skip_if_not_possible();
	image_create();
	for (int shared = 0; shared < 2; shared++) {
		const struct reads r = { .nr = bench_scale(100000),
					 .bytes = 4096, .depth = 1,
					 .shared = shared };
		struct reads deep = r, large = r;

		deep.depth = 32;
		large.bytes = MIB / 4;
		large.depth = 4;
		large.sequential = true;
		large.nr = bench_scale(4000);
		row("random 4 KiB, depth 1", r, "read", (double)r.nr);
		row("random 4 KiB, depth 32", deep, "read", (double)deep.nr);
		row("sequential, 1 MiB at a time", large, "MiB",
		    (double)large.nr / 4);
	}
	unlink(image);
	return bench_finish();
}
