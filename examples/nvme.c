/* SPDX-License-Identifier: MIT */
/*
 * nvme: an NVMe driver in user space, and a command around it
 *
 *   nvme.c          info, read, write: many commands at a time
 *     nvme_bench.c  how fast it is
 *     nvme_ctrl.c   from a dead controller to one with queues
 *     nvme_io.c     commands, doorbells, completions
 *     vfio_open.c   the function: found in sysfs, opened by VFIO
 *     vfio.c        its BARs, interrupts, memory that it reaches
 *
 * It is written for any NVMe controller that vfio-pci has, and knows nothing of
 * ours; nvme_tutorial.c is the least of it, to begin with. Without one:
 *
 *     truncate -s 64M disk.img
 *     ioas run --device nvme,file=disk.img -- nvme bench --depth 32
 */
#include "nvme_bench.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Completions that are looked at together. */
#define BATCH 64

struct options {
	const char *bdf;
	/* Of read, of write. */
	const char *output;
	const char *input;
	int legacy, irq, shared, sequential, write;
	uint32_t nsid, depth, bytes, seconds, count;
};

static uint64_t bytes_of(const struct nvme *n)
{
	return n->blocks * n->block;
}

/* Until so many commands are done. */
static void finish(struct nvme *n, uint32_t nr)
{
	struct nvme_done done[BATCH];
	unsigned int got;

	for (nvme_ring(n); nr; nr -= got) {
		got = nvme_wait(n, done, BATCH);
		for (unsigned int i = 0; i < got; i++)
			nvme_check(&done[i]);
	}
}

/* ---- info --------------------------------------------------------------- */

static void do_info(struct nvme *n, const struct options *o)
{
	(void)o;
	printf("function     %s\n", n->v->bdf);
	printf("opened by    %s\n", n->v->legacy ? "group and container" :
						   "cdev and iommufd");
	printf("model        %s\n", n->model);
	printf("serial       %s\n", n->serial);
	printf("firmware     %s\n", n->firmware);
	printf("namespaces   %u\n", n->namespaces);
	printf("vectors      %u\n", vfio_msix_count(n->v));
	printf("transfer     %u bytes\n", n->max_bytes);
	printf("namespace %u  %llu blocks of %u: %llu bytes\n", n->o.nsid,
	       (unsigned long long)n->blocks, n->block,
	       (unsigned long long)bytes_of(n));
}

/* ---- read, write -------------------------------------------------------- */

/*
 * One command for each slot, from byte @at on, as far as @end; slot i has the
 * i-th piece of n->o.bytes. Return: how many.
 */
static uint32_t submit_all(struct nvme *n, uint8_t opcode, uint64_t at,
			   uint64_t end)
{
	uint32_t nr = 0;

	for (; nr < n->o.depth && at < end; nr++) {
		const uint64_t left = end - at;
		const uint64_t length = left < n->o.bytes ? left : n->o.bytes;
		const uint64_t blocks = (length + n->block - 1) / n->block;

		nvme_submit(n, (uint16_t)nr, opcode, at / n->block,
			    (uint32_t)blocks);
		at += length;
	}
	return nr;
}

static void do_read(struct nvme *n, const struct options *o)
{
	FILE *f = o->output ? fopen(o->output, "we") : stdout;
	const uint64_t end = bytes_of(n);
	uint64_t at = 0;

	if (!f)
		err(1, "%s", o->output);
	while (at < end) {
		const uint32_t nr = submit_all(n, NVME_READ, at, end);

		finish(n, nr);
		for (uint32_t i = 0; i < nr; i++) {
			const uint64_t left = end - at;
			const size_t length = left < n->o.bytes ? left :
								  n->o.bytes;

			if (fwrite(n->slot[i].data, 1, length, f) != length)
				err(1, "output");
			at += length;
		}
	}
	if (fclose(f))
		err(1, "output");
}

/* From block 0 on; what is left of the last block becomes zero. */
static void do_write(struct nvme *n, const struct options *o)
{
	FILE *f = fopen(o->input, "re");
	struct stat st;
	uint64_t end;

	if (!f || fstat(fileno(f), &st))
		err(1, "%s", o->input);
	end = (uint64_t)st.st_size;
	if (end > bytes_of(n))
		errx(1, "%s: longer than the namespace", o->input);
	for (uint64_t at = 0; at < end;
	     at += (uint64_t)n->o.depth * n->o.bytes) {
		for (uint32_t i = 0; i < n->o.depth; i++) {
			uint8_t *data = n->slot[i].data;
			const size_t got = fread(data, 1, n->o.bytes, f);

			if (ferror(f))
				err(1, "%s", o->input);
			memset(data + got, 0, n->o.bytes - got);
		}
		finish(n, submit_all(n, NVME_WRITE, at, end));
	}
	fclose(f);
	nvme_submit(n, 0, NVME_FLUSH, 0, 0);
	finish(n, 1);
	printf("%llu bytes written\n", (unsigned long long)end);
}

static void do_bench(struct nvme *n, const struct options *o)
{
	const struct nvme_bench_options bench = {
		.seconds = o->seconds ? o->seconds : o->count ? 1000000 : 2,
		.count = o->count ? o->count : UINT64_MAX,
		.sequential = o->sequential,
		.write = o->write,
	};

	nvme_bench(n, &bench);
}

/* ---- the command -------------------------------------------------------- */

static const char usage[] =
	"usage: nvme [OPTION]... info\n"
	"       nvme [OPTION]... read [-o FILE]\n"
	"       nvme [OPTION]... write FILE\n"
	"       nvme [OPTION]... bench [--seconds N] [--count N] [--sequential]"
	" [--write]\n\n"
	"  -d, --device BDF     that function; else the first NVMe controller\n"
	"  -n, --namespace N    1\n"
	"      --legacy         group and container, not cdev and iommufd\n"
	"      --irq            wait for interrupts, do not poll\n"
	"      --shared         buffers of a memfd, not private memory\n"
	"      --depth N        commands at a time (8; bench: 1)\n"
	"      --bs BYTES       of a command (all it can have; bench: 4096)\n"
	"  -o, --output FILE    of read; else the standard output\n\n"
	"read copies the namespace, write the file to its beginning; bench "
	"--write\ndestroys what is there.\n";

static uint32_t number(const char *text, uint32_t max)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || !n || n > max)
		errx(2, "%s is not a number from 1 to %u", text, max);
	return (uint32_t)n;
}

static void parse(int argc, char **argv, struct options *o)
{
	const struct option list[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "namespace", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "depth", required_argument, NULL, 'q' },
		{ "bs", required_argument, NULL, 'b' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "legacy", no_argument, &o->legacy, 1 },
		{ "irq", no_argument, &o->irq, 1 },
		{ "shared", no_argument, &o->shared, 1 },
		{ "sequential", no_argument, &o->sequential, 1 },
		{ "write", no_argument, &o->write, 1 },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "d:n:o:h", list, NULL)) >= 0) {
		if (c == 'd')
			o->bdf = optarg;
		else if (c == 'o')
			o->output = optarg;
		else if (c == 'n')
			o->nsid = number(optarg, UINT32_MAX - 1);
		else if (c == 'q')
			o->depth = number(optarg, UINT16_MAX);
		else if (c == 'b')
			o->bytes = number(optarg, 1u << 30);
		else if (c == 's')
			o->seconds = number(optarg, 1000000);
		else if (c == 'c')
			o->count = number(optarg, UINT32_MAX);
		else if (c) {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
}

static const struct command {
	const char *name;
	void (*run)(struct nvme *n, const struct options *o);
	int arguments;
	/* Unless told otherwise; 0: as many as a command can have. */
	uint32_t depth;
	uint32_t bytes;
} commands[] = {
	{ "info", do_info, 0, 8, 0 },
	{ "read", do_read, 0, 8, 0 },
	{ "write", do_write, 1, 8, 0 },
	{ "bench", do_bench, 0, 1, 4096 },
	{ 0 },
};

int main(int argc, char **argv)
{
	const struct vfio_match match = { .class_code = 0x010802 };
	const struct command *c = commands;
	struct options o = { .nsid = 1 };
	struct vfio v;
	struct nvme n;

	parse(argc, argv, &o);
	while (c->name && optind < argc && strcmp(c->name, argv[optind]))
		c++;
	if (optind == argc || !c->name || argc - optind != 1 + c->arguments) {
		fputs(usage, stderr);
		return 2;
	}
	o.input = argv[argc - 1];
	vfio_open(&v, &match, o.bdf, o.legacy);
	nvme_open(&n, &v, &(struct nvme_options){
		.irq = o.irq,
		.shared = o.shared,
		.depth = o.depth ? o.depth : c->depth,
		.bytes = o.bytes ? o.bytes : c->bytes,
		.nsid = o.nsid,
	});
	c->run(&n, &o);
	nvme_close(&n);
	vfio_dma_unmap_all(&v);
	vfio_close(&v);
	return 0;
}
