/* SPDX-License-Identifier: MIT */
/*
 * vfio_nvme: commands at random, and a model of disk and memory
 *
 *   batch:  some commands, each on blocks and pages of its own
 *     disk model    what the namespaces hold      -- in the end: the files
 *     shadow        what the arena holds          -- after each batch, all of it
 *
 * Where data are is described by PRPs of any offset with lists that are chained,
 * or by SGLs of any length with segments. So what a read writes, and that it
 * writes nothing else, is checked to the byte.
 *
 * usage: vfio_nvme SEED BATCHES QUEUES FILE...    a file for each namespace
 */
#include "prng.h"
#include "vfio_disk.h"

#define BATCH 12u
#define PIECES 128u
#define BYTES_MAX (64u * SECTOR)

struct piece {
	/* In the arena; UINT32_MAX: dropped. */
	uint32_t at, length;
};

struct op {
	struct sqe e;
	unsigned int queue;
	uint16_t cid;
	bool done;
	uint32_t want;
	struct piece piece[PIECES];
	unsigned int nr;
};

static struct disk d;
static struct prng rng;
static unsigned int nr_queues;
static unsigned char *model[NAMESPACES_MAX], *shadow;
static bool writable[NAMESPACES_MAX];
static uint32_t pool[ARENA_PAGES], nr_pool;
static unsigned long nr_commands;

static uint64_t below(uint64_t n)
{
	return prng_below(&rng, n);
}

/* ---- pages of the arena ------------------------------------------------- */

/* All free again, in another order. */
static void pool_mix(void)
{
	nr_pool = ARENA_PAGES;
	for (uint32_t i = 0; i < ARENA_PAGES; i++) {
		const uint32_t k = (uint32_t)below(i + 1);

		pool[i] = pool[k];
		pool[k] = i;
	}
}

/* Of one page: where it begins. */
static uint32_t pool_take(void)
{
	want(nr_pool > 0, 1);
	return pool[--nr_pool] * SECTOR;
}

/* What the driver writes is in its memory, and in the shadow. */
static void put(uint32_t at, const void *data, size_t length)
{
	memcpy(d.arena + at, data, length);
	memcpy(shadow + at, data, length);
}

static void piece_add(struct op *op, uint32_t at, uint32_t length)
{
	want(op->nr < PIECES, 1);
	op->piece[op->nr++] = (struct piece){ at, length };
}

/* ---- PRP ---------------------------------------------------------------- */

/* The list of the pieces from 1 on. */
static uint64_t prp_list(struct op *op)
{
	uint32_t page = pool_take(), slot = (uint32_t)below(SECTOR / 8);
	const uint64_t list = ARENA + page + 8 * slot;

	for (unsigned int i = 1; i < op->nr; i++) {
		uint64_t entry = ARENA + op->piece[i].at;

		/* The last place of a page leads on, if there is more. */
		if (slot == SECTOR / 8 - 1 && i + 1 < op->nr) {
			const uint32_t next = pool_take();

			entry = ARENA + next;
			put(page + 8 * slot, &entry, 8);
			entry = ARENA + op->piece[i].at;
			page = next;
			slot = 0;
		}
		put(page + 8 * slot++, &entry, 8);
	}
	return list;
}

static void shape_prp(struct op *op, uint32_t length)
{
	const uint32_t offset = below(2) ? 0 : 4 * (uint32_t)below(SECTOR / 4);
	uint32_t n = SECTOR - offset;

	for (uint32_t done = 0; done < length; done += n) {
		n = op->nr ? SECTOR : SECTOR - offset;
		if (n > length - done)
			n = length - done;
		piece_add(op, pool_take() + (op->nr ? 0 : offset), n);
	}
	op->e.prp1 = ARENA + op->piece[0].at;
	if (op->nr == 2)
		op->e.prp2 = ARENA + op->piece[1].at;
	else if (op->nr > 2)
		op->e.prp2 = prp_list(op);
}

/* ---- SGL ---------------------------------------------------------------- */

static struct sgl describe(const struct piece *p)
{
	const bool dropped = p->at == UINT32_MAX;

	return (struct sgl){ .address = dropped ? 0 : ARENA + p->at,
			     .length = p->length,
			     .kind = dropped ? SGL_BUCKET : SGL_BLOCK };
}

static void command_sgl(struct op *op, struct sgl s)
{
	op->e.flags |= FLAG_SGL;
	memcpy(&op->e.prp1, &s, 8);
	memcpy(&op->e.prp2, (char *)&s + 8, 8);
}

/* Pieces of any length at any place, 64 of them at most. */
static void cut(struct op *op, uint32_t length, bool may_drop)
{
	const uint32_t least = (length + 63) / 64;

	for (uint32_t done = 0, n; done < length; done += n) {
		n = least + (uint32_t)below(SECTOR - least + 1);
		if (n > length - done)
			n = length - done;
		if (may_drop && !below(8))
			piece_add(op, UINT32_MAX, n);
		else
			piece_add(op, pool_take() +
					      (uint32_t)below(SECTOR - n + 1),
				  n);
	}
}

/* The pieces as segments: each ends in where the next one is. */
static void shape_sgl(struct op *op, uint32_t length)
{
	struct sgl first = { .kind = SGL_LAST };
	unsigned int i = 0;
	uint32_t before = 0, at;

	cut(op, length, op->e.opcode == IO_READ);
	if (op->nr == 1 && below(2)) {
		command_sgl(op, describe(&op->piece[0]));
		return;
	}
	while (i < op->nr) {
		unsigned int some = 1 + (unsigned int)below(24), n = 0;
		struct sgl link;

		if (some > op->nr - i)
			some = op->nr - i;
		at = pool_take() + 8 * (uint32_t)below(256);
		link = (struct sgl){ .address = ARENA + at,
				     .length = 16 * some, .kind = SGL_LAST };
		if (i + some < op->nr) {
			link.kind = SGL_SEGMENT;
			link.length += 16;
		}
		if (i)
			put(before, &link, 16);
		else
			first = link;
		for (; n < some; n++, i++) {
			const struct sgl s = describe(&op->piece[i]);

			put(at + 16 * n, &s, 16);
		}
		before = at + 16 * n;
	}
	command_sgl(op, first);
}

/* ---- commands ----------------------------------------------------------- */

static unsigned char *block_of(const struct op *op)
{
	return model[op->e.nsid - 1] +
	       ((uint64_t)op->e.cdw10 << d.ns[op->e.nsid - 1].lg2);
}

/* Data of @op between the shadow's pieces and @bytes. */
static void gather(const struct op *op, unsigned char *bytes)
{
	for (unsigned int i = 0; i < op->nr; i++) {
		memcpy(bytes, shadow + op->piece[i].at, op->piece[i].length);
		bytes += op->piece[i].length;
	}
}

static void scatter(const struct op *op, const unsigned char *bytes,
		    bool driver)
{
	for (unsigned int i = 0; i < op->nr; i++) {
		const struct piece *p = &op->piece[i];

		if (p->at != UINT32_MAX) {
			memcpy(shadow + p->at, bytes, p->length);
			if (driver)
				memcpy(d.arena + p->at, bytes, p->length);
		}
		bytes += p->length;
	}
}

/* What is to come of it, before it is done: the model is ahead. */
static void predict(struct op *op, uint32_t length)
{
	static unsigned char bytes[BYTES_MAX];
	unsigned char *blocks = block_of(op);

	op->want = ST_OK;
	switch (op->e.opcode) {
	case IO_READ:
		scatter(op, blocks, false);
		return;
	case IO_COMPARE:
		memcpy(bytes, blocks, length);
		if (!below(3)) {
			bytes[below(length)] ^= 1;
			op->want = ST_COMPARE;
		}
		scatter(op, bytes, true);
		return;
	default:
		if (!writable[op->e.nsid - 1]) {
			op->want = ST_PROTECTED;
			return;
		}
		memset(bytes, 0, length);
		if (op->e.opcode == IO_WRITE)
			gather(op, bytes);
		memcpy(blocks, bytes, length);
	}
}

/* In the @i-th part of the blocks, of @nr. */
static void op_make(struct op *op, unsigned int i, unsigned int nr)
{
	static const uint8_t opcodes[] = { IO_READ, IO_READ, IO_WRITE,
					   IO_WRITE, IO_COMPARE, IO_ZEROES };
	const uint32_t nsid = 1 + (uint32_t)below(d.nr_ns);
	const struct namespace *ns = &d.ns[nsid - 1];
	const uint64_t part = ns->blocks / nr;
	uint64_t most = (i ? 8 * SECTOR : BYTES_MAX) >> ns->lg2, blocks, lba;

	memset(op, 0, sizeof(*op));
	if (!below(16)) {
		op->e = (struct sqe){ .opcode = IO_FLUSH, .nsid = nsid };
		return;
	}
	most = most < part ? most : part;
	blocks = 1 + below(most);
	lba = i * part + below(part - blocks + 1);
	op->e = rw(opcodes[below(sizeof(opcodes))], nsid, lba,
		   (uint32_t)blocks, 0);
	if (op->e.opcode == IO_WRITE && !below(4))
		op->e.cdw12 |= 1u << 30;
	if (op->e.opcode != IO_ZEROES) {
		if (below(2))
			shape_prp(op, (uint32_t)(blocks << ns->lg2));
		else
			shape_sgl(op, (uint32_t)(blocks << ns->lg2));
	}
	predict(op, (uint32_t)(blocks << ns->lg2));
}

static void op_submit(struct op *op)
{
	op->queue = 1 + (unsigned int)below(nr_queues);
	while (!pair_room(&d.pair[op->queue]))
		op->queue = 1 + op->queue % nr_queues;
	op->cid = pair_push(&d, op->queue, &op->e);
	if (below(2))
		pair_ring(&d, op->queue);
}

static void op_check(struct op *ops, unsigned int nr, const struct cqe *c)
{
	unsigned int i = 0;

	while (i < nr && (ops[i].done || ops[i].queue != c->sqid ||
			  ops[i].cid != c->cid))
		i++;
	want(i < nr, 1);
	ops[i].done = true;
	if (status_of(c) != ops[i].want)
		fprintf(stderr, "command %lu: opcode %x, lba %u, %u pieces\n",
			nr_commands, ops[i].e.opcode, ops[i].e.cdw10,
			ops[i].nr);
	want(status_of(c), ops[i].want);
}

static void batch(void)
{
	static struct op ops[BATCH];
	const unsigned int nr = 1 + (unsigned int)below(BATCH);
	const uint64_t since = now_ns();
	unsigned int done = 0;
	struct cqe c;

	pool_mix();
	for (unsigned int i = 0; i < nr; i++)
		op_make(&ops[i], i, nr);
	for (unsigned int i = 0; i < nr; i++)
		op_submit(&ops[i]);
	for (unsigned int q = 1; q <= nr_queues; q++)
		pair_ring(&d, q);
	while (done < nr) {
		patience(since, "commands are not completed");
		for (unsigned int i = 0; i < nr; i++)
			if (!ops[i].done && pair_reap(&d, ops[i].queue, &c)) {
				op_check(ops, nr, &c);
				done++;
			}
		sched_yield();
	}
	nr_commands += nr;
	if (memcmp(shadow, d.arena, ARENA_PAGES * SECTOR)) {
		for (size_t i = 0; i < ARENA_PAGES * SECTOR; i++)
			if (shadow[i] != (unsigned char)d.arena[i]) {
				fprintf(stderr, "arena, byte %zu\n", i);
				break;
			}
		want(0, 1);
	}
}

/* ---- files -------------------------------------------------------------- */

static void file_read(const char *name, void *data, size_t length)
{
	const int fd = (int)must(open(name, O_RDONLY | O_CLOEXEC));

	want(read(fd, data, length), length);
	want_ok(close(fd));
}

int main(int argc, char **argv)
{
	static const struct sqe flush = { .opcode = IO_FLUSH,
					  .nsid = UINT32_MAX };
	unsigned char *file;
	uint32_t least;

	want(argc > 4, 1);
	rng.state = strtoull(argv[1], NULL, 0);
	nr_queues = (unsigned int)strtoul(argv[3], NULL, 0);
	d = disk_open(below(2) ? memory_private : memory_shared);
	want(d.nr_ns, argc - 4);
	shadow = malloc(ARENA_PAGES * SECTOR);
	memset(d.arena, 0x5a, ARENA_PAGES * SECTOR);
	memset(shadow, 0x5a, ARENA_PAGES * SECTOR);
	for (unsigned int i = 0; i < d.nr_ns; i++) {
		model[i] = malloc(d.ns[i].blocks << d.ns[i].lg2);
		file_read(argv[4 + i], model[i], d.ns[i].blocks << d.ns[i].lg2);
		/* The third one is write protected. */
		writable[i] = i != 2;
	}
	/* A batch fits into them. */
	least = nr_queues > BATCH ? 2 : BATCH + 2;
	for (unsigned int q = 1; q <= nr_queues; q++)
		pair_create(&d, q, least + (uint32_t)below(DEPTH_MAX + 1 - least),
			    -1);
	for (unsigned long i = strtoul(argv[2], NULL, 0); i; i--)
		batch();
	want(disk_do(&d, 1, &flush), ST_OK);
	/* What is completed is there, whoever looks. */
	for (unsigned int i = 0; i < d.nr_ns; i++) {
		const size_t length = d.ns[i].blocks << d.ns[i].lg2;

		file = malloc(length);
		file_read(argv[4 + i], file, length);
		want(memcmp(file, model[i], length), 0);
		free(file);
	}
	disk_close(&d);
	printf("%lu commands\n", nr_commands);
	return 0;
}
