/* SPDX-License-Identifier: MIT */
/*
 * vectors: page tables as a text says, and the bytes that they are
 *
 *   text   new .. / map .. / unmap .. / ... / end      one table after another
 *   answer new 0 / map 0 / unmap .. / ... / root .. / item .. / end
 *
 * vectors.py makes the text of tests/data/page-table-vectors.json and judges
 * the answer, so this runs where there is nothing to read JSON with. Items are
 * printed byte by byte as they lie in memory: the order of bytes of whoever
 * runs this must not show. Numbers of the text are hexadecimal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "pt/pt.h"

/* Tables lie where no address of a 32-bit process is. */
#define BASE ((uint64_t)1 << 32)
#define SIZE ((size_t)16 << 20)
#define MAX_ARGS 8

typedef unsigned long long ull;

static struct {
	unsigned char *memory;
	size_t used;
} arena;

static void *arena_alloc(void *ctx, size_t bytes)
{
	const size_t at = (arena.used + bytes - 1) & ~(bytes - 1);

	(void)ctx;
	if (at > SIZE - bytes)
		return NULL;
	arena.used = at + bytes;
	return memset(arena.memory + at, 0xa5, bytes);
}

/* A table that went stays as it is; nothing leads to it. */
static void arena_free(void *ctx, void *table, size_t bytes)
{
	(void)ctx;
	(void)table;
	(void)bytes;
}

static uint64_t arena_to_pa(void *ctx, const void *table)
{
	(void)ctx;
	return BASE + (uint64_t)((const unsigned char *)table - arena.memory);
}

static void *arena_from_pa(void *ctx, uint64_t pa)
{
	(void)ctx;
	return arena.memory + (pa - BASE);
}

static const struct ioas_pt_mem_ops arena_ops = {
	.alloc = arena_alloc,
	.free = arena_free,
	.to_pa = arena_to_pa,
	.from_pa = arena_from_pa,
};

/* @a: lg2 of the granule, width, output width, levels, flags, c_bit. */
static int create(const char *format, const uint64_t *a, struct ioas_pt **out)
{
	const struct ioas_pt_format *f =
		ioas_pt_format_find(format, (unsigned int)a[0]);
	const struct ioas_pt_params params = {
		.va_bits = (uint8_t)a[1],
		.oa_bits = (uint8_t)a[2],
		.levels = (uint8_t)a[3],
		.flags = (uint32_t)a[4],
		.c_bit = a[5],
		.mem = &arena_ops,
	};

	arena.used = 0;
	return f ? ioas_pt_create(f, &params, out) : -EOPNOTSUPP;
}

static int map(struct ioas_pt *pt, uint64_t iova, uint64_t pa, uint64_t length,
	       uint32_t prot)
{
	const struct ioas_run run = { pa >> 12,
				      ((pa & 4095) + length + 4095) >> 12 };
	const struct ioas_pt_map rq = {
		.iova = iova,
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = 12,
		.head = (uint32_t)(pa & 4095),
		.length = length,
		.prot = prot,
	};

	return ioas_pt_map(pt, &rq);
}

/* A device writes at @iova: as whoever reads without a lock does it. */
static int device_write(struct ioas_pt *pt, uint64_t iova)
{
	struct ioas_pt_hit hit;
	int ret;

	do {
		ret = ioas_pt_lookup(pt, iova, &hit);
	} while (!ret && !hit.dirty && !ioas_pt_soil(pt, &hit));
	return ret;
}

static void mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	(void)ctx;
	printf("mark %llx %llx\n", (ull)iova, (ull)last);
}

static void print_root(struct ioas_pt *pt)
{
	struct ioas_pt_root r;

	ioas_pt_root(pt, &r);
	printf("root %llx %u %u %u %u %u %u %u\n", (ull)r.pa, r.level, r.code,
	       r.tsz, r.tg0, r.ps, r.start_level, r.sl0);
}

static void print_items(void)
{
	for (size_t at = 0; at < arena.used; at += 8) {
		const unsigned char *b = arena.memory + at;

		if (!memcmp(b, "\0\0\0\0\0\0\0", 8))
			continue;
		printf("item %llx %02x%02x%02x%02x%02x%02x%02x%02x\n",
		       (ull)(BASE + at), b[0], b[1], b[2], b[3], b[4], b[5],
		       b[6], b[7]);
	}
}

static void run_op(struct ioas_pt *pt, const char *op, const uint64_t *a)
{
	uint32_t tables = 0;

	if (!strcmp(op, "map")) {
		printf("map %d\n", map(pt, a[0], a[1], a[2], (uint32_t)a[3]));
	} else if (!strcmp(op, "unmap")) {
		const ull removed = ioas_pt_remove(pt, a[0], a[1], &tables);

		printf("unmap %llx %x\n", removed, tables);
	} else if (!strcmp(op, "write")) {
		printf("write %d\n", device_write(pt, a[0]));
	} else if (!strcmp(op, "dirty")) {
		printf("dirty %d\n",
		       ioas_pt_read_dirty(pt, a[0], a[1], a[2], mark, NULL));
	} else if (!strcmp(op, "sizes")) {
		printf("sizes %d\n", ioas_pt_set_pgsizes(pt, a[0]));
	} else if (!strcmp(op, "split")) {
		printf("split %d\n",
		       ioas_pt_split_to(pt, a[0], (unsigned int)a[1]));
	} else {
		printf("what is %s?\n", op);
	}
	ioas_pt_sync(pt);
}

static void end(struct ioas_pt *pt)
{
	print_root(pt);
	print_items();
	printf("end %d\n", ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

/* The words of @line, of which the first is returned. */
static char *split_line(char *line, char *name, uint64_t *args)
{
	char *word = strtok(line, " \n"), *next;

	*name = '\0';
	memset(args, 0, MAX_ARGS * sizeof(*args));
	for (int i = 0; i < MAX_ARGS && (next = strtok(NULL, " \n"));) {
		if (word && !strcmp(word, "new") && !*name)
			snprintf(name, 32, "%s", next);
		else
			args[i++] = strtoull(next, NULL, 16);
	}
	return word;
}

int main(void)
{
	struct ioas_pt *pt = NULL;
	uint64_t args[MAX_ARGS];
	char line[256], name[32];

	arena.memory = aligned_alloc(SIZE, SIZE);
	if (!arena.memory)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		const char *op = split_line(line, name, args);

		if (!op)
			continue;
		if (!strcmp(op, "new")) {
			printf("new %d", create(name, args, &pt));
			printf(" %llx\n", pt ? (ull)ioas_pt_pgsizes(pt) : 0);
		} else if (!pt) {
			continue;
		} else if (!strcmp(op, "end")) {
			end(pt);
			pt = NULL;
		} else {
			run_op(pt, op, args);
		}
	}
	free(arena.memory);
	return 0;
}
