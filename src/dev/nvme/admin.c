/* SPDX-License-Identifier: MIT */
/*
 * admin: commands of the admin queue
 *
 * Data is described by PRPs alone: SGLs are not for admin commands over PCIe.
 * Queues are contiguous, and their priorities mean nothing: arbitration is
 * round robin.
 */
#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))

/* Bits of CDW11 of queues. */
#define QUEUE_CONTIGUOUS 1u
#define QUEUE_INTERRUPTS 2u

/* CC.IOSQES and CC.IOCQES, as they have to be. */
#define CC_SQES(cc) ((cc) >> 16 & 0xfu)
#define CC_CQES(cc) ((cc) >> 20 & 0xfu)
#define SQES_LG2 6u
#define CQES_LG2 4u

uint16_t ioas_nvme_send(struct nvme *n, const struct nvme_cmd *cmd,
			size_t length)
{
	uint16_t status = ioas_nvme_data_map(n, cmd, length, true);

	if (status != NVME_OK)
		return status;
	ioas_nvme_complete(n, cmd, NVME_OK, true);
	return NVME_POSTED;
}

/* ---- queues ------------------------------------------------------------- */

static uint16_t queue_id(const struct nvme_cmd *cmd)
{
	return (uint16_t)(cmd->sqe.cdw10 & 0xffffu);
}

/* What creating either kind asks: an id up to @most that is not @live, ... */
static uint16_t queue_check(const struct nvme_cmd *cmd, unsigned int most,
			    bool live, bool entry_size)
{
	uint32_t size = (cmd->sqe.cdw10 >> 16) + 1u;

	if (!queue_id(cmd) || queue_id(cmd) > most || live)
		return DNR(NVME_QUEUE_ID);
	if (size < 2 || size > NVME_ENTRIES_MAX || !entry_size)
		return DNR(NVME_QUEUE_SIZE);
	if (!(cmd->sqe.cdw11 & QUEUE_CONTIGUOUS))
		return DNR(NVME_INVALID_FIELD);
	if (cmd->sqe.prp1 & (NVME_PAGE - 1))
		return DNR(NVME_PRP_OFFSET);
	return NVME_OK;
}

static uint16_t create_cq(struct nvme *n, struct nvme_cmd *cmd)
{
	uint16_t id = queue_id(cmd);
	uint32_t vector = cmd->sqe.cdw11 >> 16;
	bool interrupts = cmd->sqe.cdw11 & QUEUE_INTERRUPTS;
	uint16_t status;

	status = queue_check(cmd, n->features.nr_cqs,
			     id < NVME_QUEUES && n->cq[id].live,
			     CC_CQES(n->cc) == CQES_LG2);
	if (status != NVME_OK)
		return status;
	if (interrupts && vector >= NVME_VECTORS)
		return DNR(NVME_VECTOR);
	ioas_nvme_cq_create(n, id, (cmd->sqe.cdw10 >> 16) + 1u, cmd->sqe.prp1,
			    interrupts ? (int)vector : -1);
	return NVME_OK;
}

static uint16_t create_sq(struct nvme *n, struct nvme_cmd *cmd)
{
	uint16_t id = queue_id(cmd);
	uint32_t cqid = cmd->sqe.cdw11 >> 16;
	uint16_t status;

	status = queue_check(cmd, n->features.nr_sqs,
			     id < NVME_QUEUES && n->sq[id].live,
			     CC_SQES(n->cc) == SQES_LG2);
	if (status != NVME_OK)
		return status;
	if (!cqid || cqid > n->features.nr_cqs)
		return DNR(NVME_QUEUE_ID);
	if (!n->cq[cqid].live)
		return DNR(NVME_QUEUE_CQ);
	ioas_nvme_sq_create(n, id, (uint16_t)cqid,
			    (cmd->sqe.cdw10 >> 16) + 1u, cmd->sqe.prp1);
	return NVME_OK;
}

static uint16_t delete_sq(struct nvme *n, struct nvme_cmd *cmd)
{
	uint16_t id = queue_id(cmd);

	if (!id || id >= NVME_QUEUES || !n->sq[id].live)
		return DNR(NVME_QUEUE_ID);
	ioas_nvme_sq_delete(n, &n->sq[id]);
	return NVME_OK;
}

static uint16_t delete_cq(struct nvme *n, struct nvme_cmd *cmd)
{
	uint16_t id = queue_id(cmd);

	if (!id || id >= NVME_QUEUES || !n->cq[id].live)
		return DNR(NVME_QUEUE_ID);
	if (n->cq[id].nr_sqs)
		return DNR(NVME_QUEUE_DELETION);
	ioas_nvme_cq_delete(n, &n->cq[id]);
	return NVME_OK;
}

/* ---- abort, events ------------------------------------------------------ */

/* Complete @cid of @sq as aborted, if there is room to say so. */
static bool abort_report(struct nvme *n, struct nvme_sq *sq,
			 const struct nvme_sqe *e)
{
	struct nvme_cmd cmd = { .sqe = *e, .sqid = sq->id };

	/* The admin queue's own: the abort itself has to be completed. */
	if (!sq->id || !ioas_nvme_cq_room(&n->cq[sq->cqid]))
		return false;
	ioas_nvme_complete(n, &cmd, NVME_ABORT_REQUESTED, false);
	return true;
}

static bool abort_held(struct nvme *n, struct nvme_sq *sq, uint16_t cid)
{
	unsigned int i;

	for (i = sq->held_first; i < sq->held_end; i++) {
		if (sq->held[i].cid != cid)
			continue;
		if (!abort_report(n, sq, &sq->held[i]))
			return false;
		for (; i > sq->held_first; i--)
			sq->held[i] = sq->held[i - 1];
		sq->held_first++;
		return true;
	}
	return false;
}

/*
 * What has not begun, and what takes long, can be aborted. Events that are
 * waited for go on: they are aborted by a reset. Bit 0 of the result: it was
 * not aborted.
 */
static uint16_t admin_abort(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t sqid = cmd->sqe.cdw10 & 0xffffu;
	uint16_t cid = (uint16_t)(cmd->sqe.cdw10 >> 16);
	struct nvme_sq *sq;

	cmd->result = 1;
	if (sqid >= NVME_QUEUES || !n->sq[sqid].live)
		return DNR(NVME_INVALID_FIELD);
	sq = &n->sq[sqid];
	if (sq->job.active && sq->job.cmd.sqe.cid == cid) {
		if (abort_report(n, sq, &sq->job.cmd.sqe)) {
			ioas_nvme_job_free(&sq->job);
			cmd->result = 0;
		}
	} else if (abort_held(n, sq, cid)) {
		cmd->result = 0;
	}
	return NVME_OK;
}

static uint16_t admin_event(struct nvme *n, struct nvme_cmd *cmd)
{
	if (n->events.nr == NVME_EVENTS)
		return DNR(NVME_EVENT_LIMIT);
	n->events.cid[n->events.nr++] = cmd->sqe.cid;
	return NVME_PENDING;
}

static const struct admin_op {
	uint8_t opcode;
	uint16_t (*execute)(struct nvme *n, struct nvme_cmd *cmd);
} admin_ops[] = {
	{ 0x00, delete_sq },
	{ 0x01, create_sq },
	{ 0x02, ioas_nvme_get_log },
	{ 0x04, delete_cq },
	{ 0x05, create_cq },
	{ 0x06, ioas_nvme_identify },
	{ 0x08, admin_abort },
	{ 0x09, ioas_nvme_set_features },
	{ 0x0a, ioas_nvme_get_features },
	{ 0x0c, admin_event },
};

uint16_t ioas_nvme_admin(struct nvme *n, struct nvme_cmd *cmd)
{
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(admin_ops); i++) {
		if (admin_ops[i].opcode != cmd->sqe.opcode)
			continue;
		if (cmd->sqe.flags >> 6)
			return DNR(NVME_INVALID_FIELD);
		return admin_ops[i].execute(n, cmd);
	}
	return DNR(NVME_INVALID_OPCODE);
}
