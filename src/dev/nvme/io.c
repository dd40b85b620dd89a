/* SPDX-License-Identifier: MIT */
/*
 * io: commands of the NVM command set
 *
 * Most are done at once: what they transfer is bounded (NVME_BYTES_MAX). Those
 * that name blocks without transferring them may mean the whole disk; they are
 * jobs, which the queue goes on with poll by poll.
 *
 * A read names its place in the mapping of the file, which is copied from there
 * when completions are sent (post.c). All else, and reads where there is no such
 * mapping, is read and written in the call: it lasts as long as the file system
 * takes, and a slow one ends the poll. Files are synced by threads (sync.c), for
 * which flush is a job as well, and so is a write with FUA, or while the write
 * cache is off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))

enum io_opcode {
	IO_FLUSH = 0x00,
	IO_WRITE = 0x01,
	IO_READ = 0x02,
	IO_COMPARE = 0x05,
	IO_ZEROES = 0x08,
	IO_DATASET = 0x09,
	IO_VERIFY = 0x0c,
};

/* Of CDW12. */
#define FUA (1u << 30)
#define DEALLOCATE (1u << 25)
/* Of CDW11 of dataset management. */
#define DATASET_DEALLOCATE (1u << 2)

/* Bytes that a step of a job reads or writes. */
#define STEP_BYTES (128u << 10)
/*
 * Bytes that the file system frees, or makes zeroes of, in one call; calls of a
 * step. In memory, where it has to free each page, that is 160 us per MiB.
 */
#define FREE_BYTES (16u << 20)
#define STEP_CALLS 16u

struct io {
	struct nvme_ns *ns;
	uint64_t lba;
	uint32_t blocks;
	uint64_t offset;
	size_t length;
};

static uint16_t write_status(struct nvme *n, int rc)
{
	if (!rc)
		return NVME_OK;
	if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG)
		return NVME_CAPACITY;
	n->counters.media_errors++;
	return NVME_WRITE_FAULT;
}

/* ---- the disk ----------------------------------------------------------- */

static uint16_t disk_read(struct nvme *n, struct nvme_ns *ns, void *data,
			  uint64_t offset, size_t length)
{
	const uint64_t since = ioas_model_now();
	const int rc = ioas_nvme_backing_read(ns, data, offset, length);

	ioas_nvme_charge(n, since, length);
	return ioas_nvme_read_status(n, rc);
}

static uint16_t disk_write(struct nvme *n, struct nvme_ns *ns,
			   const void *data, uint64_t offset, size_t length)
{
	const uint64_t since = ioas_model_now();
	const int rc = ioas_nvme_backing_write(ns, data, offset, length);

	ioas_nvme_charge(n, since, length);
	return write_status(n, rc);
}

/*
 * @blocks or fewer, as many as one call may have, are to read as zeroes. Return:
 * how many that is; *@rc as of the call.
 */
static uint64_t disk_zero(struct nvme *n, struct nvme_ns *ns, uint64_t lba,
			  uint64_t blocks, bool punch, int *rc)
{
	const uint64_t since = ioas_model_now();
	const uint64_t nr = ioas_min(blocks, FREE_BYTES >> ns->block_lg2);

	*rc = ioas_nvme_backing_zero(ns, lba << ns->block_lg2,
				     nr << ns->block_lg2, punch);
	ioas_nvme_charge(n, since, 0);
	return nr;
}

/* What was written is to last, if @cmd or the features say so. */
static uint16_t write_through(struct nvme *n, struct nvme_sq *sq,
			      const struct nvme_cmd *cmd)
{
	if (n->features.cache && !(cmd->sqe.cdw12 & FUA))
		return NVME_OK;
	return ioas_nvme_sync_job(n, sq, cmd,
				  ioas_nvme_sync_files(n, cmd->sqe.nsid));
}

static bool in_range(const struct nvme_ns *ns, uint64_t lba, uint64_t blocks)
{
	return lba <= ns->blocks && blocks <= ns->blocks - lba;
}

/* ---- at once ------------------------------------------------------------ */

static uint16_t io_flush(struct nvme *n, struct nvme_sq *sq,
			 struct nvme_cmd *cmd)
{
	uint32_t nsid = cmd->sqe.nsid;

	if (nsid != NVME_BROADCAST && (!nsid || nsid > n->nr_ns))
		return DNR(NVME_INVALID_NAMESPACE);
	return ioas_nvme_sync_job(n, sq, cmd, ioas_nvme_sync_files(n, nsid));
}

static void count_read(struct nvme *n, const struct io *io)
{
	n->counters.reads++;
	n->counters.read_units += io->length >> 9;
}

/* The blocks of @io into @buffer, counted. */
static uint16_t io_fetch(struct nvme *n, const struct io *io, void *buffer)
{
	const uint16_t status = disk_read(n, io->ns, buffer, io->offset,
					  io->length);

	if (status == NVME_OK)
		count_read(n, io);
	return status;
}

/* What the driver has for @io, into n->buffer. */
static uint16_t data_from_driver(struct nvme *n, struct nvme_cmd *cmd,
				 const struct io *io)
{
	const uint16_t status = ioas_nvme_data_map(n, cmd, io->length, false);

	return status == NVME_OK ? ioas_nvme_data_fetch(n) : status;
}

/* What was mapped for @io is in the disk itself, and not in n->buffer. */
static void data_from_disk(struct nvme *n, const struct io *io)
{
	struct ioas_dma_piece *p = n->piece + n->nr_out;
	size_t i;

	for (i = 0; i < n->nr_pieces; i++) {
		p[i].data = io->ns->map + io->offset +
			    ((uint8_t *)p[i].data - n->buffer);
		p[i].mapped = true;
	}
	n->length = 0;
}

static uint16_t io_read(struct nvme *n, struct nvme_sq *sq,
			struct nvme_cmd *cmd, struct io *io)
{
	uint16_t status = ioas_nvme_data_map(n, cmd, io->length, true);

	(void)sq;
	if (status != NVME_OK)
		return status;
	if (io->ns->map && !ioas_nvme_cmb_on(n)) {
		data_from_disk(n, io);
		count_read(n, io);
	} else {
		status = io_fetch(n, io, n->buffer);
	}
	if (status != NVME_OK)
		return status;
	ioas_nvme_complete(n, cmd, NVME_OK, true);
	return NVME_POSTED;
}

static uint16_t io_write(struct nvme *n, struct nvme_sq *sq,
			 struct nvme_cmd *cmd, struct io *io)
{
	uint16_t status = data_from_driver(n, cmd, io);

	if (status != NVME_OK)
		return status;
	status = disk_write(n, io->ns, n->buffer, io->offset, io->length);
	if (status != NVME_OK)
		return status;
	n->counters.writes++;
	n->counters.write_units += io->length >> 9;
	return write_through(n, sq, cmd);
}

static uint16_t io_compare(struct nvme *n, struct nvme_sq *sq,
			   struct nvme_cmd *cmd, struct io *io)
{
	uint16_t status = data_from_driver(n, cmd, io);

	(void)sq;
	if (status == NVME_OK)
		status = io_fetch(n, io, n->compare);
	if (status != NVME_OK)
		return status;
	return memcmp(n->buffer, n->compare, io->length)
	       ? DNR(NVME_COMPARE_FAILURE) : NVME_OK;
}

/* ---- jobs --------------------------------------------------------------- */

/* Of zeroes and verify it is all that is done at once. */
static uint16_t job_begin(struct nvme *n, struct nvme_sq *sq,
			  struct nvme_cmd *cmd, struct io *io)
{
	(void)n;
	sq->job.active = true;
	sq->job.cmd = *cmd;
	sq->job.lba = io->lba;
	sq->job.left = io->blocks;
	return NVME_PENDING;
}

static uint16_t io_dataset(struct nvme *n, struct nvme_sq *sq,
			   struct nvme_cmd *cmd, struct io *io)
{
	unsigned int nr = (cmd->sqe.cdw10 & 0xffu) + 1u;
	size_t length = nr * sizeof(struct nvme_range);
	struct nvme_range *range;
	uint16_t status;
	unsigned int i;

	status = ioas_nvme_data_map(n, cmd, length, false);
	if (status == NVME_OK)
		status = ioas_nvme_data_fetch(n);
	if (status != NVME_OK)
		return status;
	range = malloc(length);
	if (!range)
		return NVME_INTERNAL_ERROR;
	memcpy(range, n->buffer, length);
	for (i = 0; i < nr && status == NVME_OK; i++)
		if (!in_range(io->ns, range[i].lba, range[i].blocks))
			status = DNR(NVME_LBA_RANGE);
	/* Anything else is a hint. */
	if (status != NVME_OK || !(cmd->sqe.cdw11 & DATASET_DEALLOCATE)) {
		free(range);
		return status;
	}
	sq->job.range = range;
	sq->job.nr_ranges = nr;
	return job_begin(n, sq, cmd, io);
}

static void job_end(struct nvme_job *job, uint16_t status)
{
	job->status = status;
	job->done = true;
}

/*
 * Whoever is told that nothing was wrong with a retry would have lost data: the
 * file system has forgotten by then. And who is told is to hear it, hence only
 * with room in the queue, where the completion comes next.
 */
static size_t step_sync(struct nvme *n, struct nvme_sq *sq)
{
	struct nvme_job *job = &sq->job;
	int rc;

	if (!ioas_nvme_cq_room(&n->cq[sq->cqid]) ||
	    !ioas_nvme_sync_done(n, &job->sync))
		return 0;
	rc = ioas_nvme_sync_tell(n, &job->sync);
	job_end(job, rc ? DNR(write_status(n, rc)) : NVME_OK);
	return NVME_COMMAND_COST;
}

static size_t step_dataset(struct nvme *n, struct nvme_job *job,
			   struct nvme_ns *ns)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < STEP_CALLS && !rc && job->next < job->nr_ranges; i++) {
		const struct nvme_range *r = &job->range[job->next];

		if (job->blocks < r->blocks)
			job->blocks += (uint32_t)disk_zero(
				n, ns, r->lba + job->blocks,
				r->blocks - job->blocks, true, &rc);
		/* It was advice. */
		if (rc == -EOPNOTSUPP)
			rc = 0;
		if (job->blocks == r->blocks) {
			job->blocks = 0;
			job->next++;
		}
		if (n->cost >= NVME_POLL_COST)
			break;
	}
	if (rc || job->next == job->nr_ranges)
		job_end(job, write_status(n, rc));
	return STEP_BYTES;
}

/* Some blocks of @job are done, which came to @status. */
static void blocks_done(struct nvme *n, struct nvme_sq *sq, uint64_t blocks,
			uint16_t status)
{
	struct nvme_job *job = &sq->job;

	job->lba += blocks;
	job->left -= blocks;
	if (status == NVME_OK && !job->left &&
	    job->cmd.sqe.opcode == IO_ZEROES)
		status = write_through(n, sq, &job->cmd);
	if (status != NVME_PENDING && (status != NVME_OK || !job->left))
		job_end(job, status);
}

/* By the file system, if it can. */
static size_t step_zeroes(struct nvme *n, struct nvme_sq *sq,
			  struct nvme_ns *ns)
{
	struct nvme_job *job = &sq->job;
	bool punch = job->cmd.sqe.cdw12 & DEALLOCATE;
	uint64_t blocks;
	size_t length;
	int rc;

	blocks = disk_zero(n, ns, job->lba, job->left, punch, &rc);
	if (rc == -EOPNOTSUPP && punch)
		blocks = disk_zero(n, ns, job->lba, job->left, false, &rc);
	if (rc != -EOPNOTSUPP) {
		blocks_done(n, sq, blocks, write_status(n, rc));
		return NVME_COMMAND_COST;
	}
	blocks = ioas_min(job->left, STEP_BYTES >> ns->block_lg2);
	length = (size_t)(blocks << ns->block_lg2);
	memset(n->compare, 0, length);
	blocks_done(n, sq, blocks,
		    disk_write(n, ns, n->compare, job->lba << ns->block_lg2,
			       length));
	return length;
}

static size_t step_verify(struct nvme *n, struct nvme_sq *sq,
			  struct nvme_ns *ns)
{
	struct nvme_job *job = &sq->job;
	uint64_t blocks = ioas_min(job->left, STEP_BYTES >> ns->block_lg2);
	size_t length = (size_t)(blocks << ns->block_lg2);

	blocks_done(n, sq, blocks,
		    disk_read(n, ns, n->compare, job->lba << ns->block_lg2,
			      length));
	return length;
}

size_t ioas_nvme_job_step(struct nvme *n, struct nvme_sq *sq)
{
	struct nvme_job *job = &sq->job;
	struct nvme_ns *ns;

	if (job->sync.files)
		return step_sync(n, sq);
	ns = &n->ns[job->cmd.sqe.nsid - 1];
	if (job->range)
		return step_dataset(n, job, ns);
	return job->cmd.sqe.opcode == IO_ZEROES ? step_zeroes(n, sq, ns)
						: step_verify(n, sq, ns);
}

/* ---- dispatch ----------------------------------------------------------- */

static const struct io_op {
	uint8_t opcode;
	/* Has it a range of blocks; does it change any? */
	bool range;
	bool change;
	uint16_t (*execute)(struct nvme *n, struct nvme_sq *sq,
			    struct nvme_cmd *cmd, struct io *io);
} io_ops[] = {
	{ IO_WRITE, true, true, io_write },
	{ IO_READ, true, false, io_read },
	{ IO_COMPARE, true, false, io_compare },
	{ IO_ZEROES, true, true, job_begin },
	{ IO_DATASET, false, true, io_dataset },
	{ IO_VERIFY, true, false, job_begin },
};

static const struct io_op *op_find(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(io_ops); i++)
		if (io_ops[i].opcode == opcode)
			return &io_ops[i];
	return NULL;
}

static bool op_changes(const struct io_op *op, const struct nvme_sqe *e)
{
	return op->change && (op->opcode != IO_DATASET ||
			      e->cdw11 & DATASET_DEALLOCATE);
}

uint16_t ioas_nvme_io(struct nvme *n, struct nvme_sq *sq,
		      struct nvme_cmd *cmd)
{
	const struct nvme_sqe *e = &cmd->sqe;
	const struct io_op *op = op_find(e->opcode);
	struct io io = { .lba = 0 };

	if (e->opcode == IO_FLUSH)
		return io_flush(n, sq, cmd);
	if (!op)
		return DNR(NVME_INVALID_OPCODE);
	if (!e->nsid || e->nsid > n->nr_ns)
		return DNR(NVME_INVALID_NAMESPACE);
	io.ns = &n->ns[e->nsid - 1];
	if (op->range) {
		io.lba = e->cdw10 | (uint64_t)e->cdw11 << 32;
		io.blocks = (e->cdw12 & 0xffffu) + 1u;
		if (!in_range(io.ns, io.lba, io.blocks))
			return DNR(NVME_LBA_RANGE);
		io.offset = io.lba << io.ns->block_lg2;
		io.length = (size_t)io.blocks << io.ns->block_lg2;
	}
	if (op_changes(op, e) && io.ns->read_only)
		return DNR(NVME_WRITE_PROTECTED);
	return op->execute(n, sq, cmd, &io);
}
