/* SPDX-License-Identifier: MIT */
/*
 * queue: commands come
 *
 *   SQ in memory   [ . . c c c c . . ]   head: fetched up to here
 *                        |    tail: the doorbell
 *                        '--> held (a copy) --> execute --> complete (post.c)
 *   CQ in memory   [ . . x x x . . . ]   head: the doorbell; tail: ours
 *
 *  Q1  A command begins only if its CQ has room for one completion more. There
 *      is one job per SQ and the SQ waits for it; what it and events have to
 *      say waits for room. So nothing is overwritten.
 *  Q2  An entry is copied once; the head that is reported is behind the copy.
 *  Q3  Whatever a poll completed has been written when the poll ends, and only
 *      then come its interrupts, one per vector.
 *
 * DMA that fails. Of data: the command ends with a transfer error. Of a queue
 * itself, when an entry is fetched or a completion is written: no completion
 * could say so, hence the controller status does, and everything stops.
 *
 * A doorbell is memory: a value that makes no sense is replaced by the last one
 * that did, and told as an event. Same for doorbells of no queue.
 */
#include <stdlib.h>
#include <string.h>

#include "dev/nvme/nvme.h"

#define DOORBELLS (0x1000u / 4u)
#define DOORBELLS_ALL (0x3000u / 4u)
/* Of no queue: looked at per poll. */
#define SCAN 32u

enum error_event { BAD_DOORBELL, BAD_DOORBELL_VALUE };

static volatile uint32_t *doorbell(struct nvme *n, unsigned int id, bool cq)
{
	return &n->bar[DOORBELLS + 2u * id + cq];
}

static uint32_t doorbell_read(const volatile uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

/* ---- creation ----------------------------------------------------------- */

void ioas_nvme_sq_create(struct nvme *n, uint16_t id, uint16_t cqid,
			 uint32_t size, uint64_t base)
{
	struct nvme_sq *sq = &n->sq[id];

	memset(sq, 0, sizeof(*sq));
	*doorbell(n, id, false) = 0;
	sq->id = id;
	sq->cqid = cqid;
	sq->size = size;
	sq->base = base;
	sq->live = true;
	n->cq[cqid].nr_sqs++;
	if (n->top <= id)
		n->top = id + 1u;
}

void ioas_nvme_cq_create(struct nvme *n, uint16_t id, uint32_t size,
			 uint64_t base, int vector)
{
	*doorbell(n, id, true) = 0;
	n->cq[id] = (struct nvme_cq){
		.live = true, .id = id, .size = size, .base = base, .phase = 1,
		.interrupts = vector >= 0,
		.vector = (uint16_t)(vector < 0 ? 0 : vector),
	};
	if (n->top <= id)
		n->top = id + 1u;
}

void ioas_nvme_job_free(struct nvme_job *job)
{
	free(job->range);
	memset(job, 0, sizeof(*job));
}

void ioas_nvme_cq_delete(struct nvme *n, struct nvme_cq *cq)
{
	cq->live = false;
	*doorbell(n, cq->id, true) = 0;
}

void ioas_nvme_queues_reset(struct nvme *n)
{
	unsigned int i;

	for (i = 0; i < NVME_QUEUES; i++) {
		ioas_nvme_job_free(&n->sq[i].job);
		n->sq[i].live = false;
		n->cq[i].live = false;
	}
	for (i = 0; i < DOORBELLS_ALL; i++)
		n->bar[DOORBELLS + i] = 0;
	ioas_nvme_posts_drop(n);
	memset(n->vectors, 0, sizeof(n->vectors));
	memset(&n->events, 0, sizeof(n->events));
	n->top = 0;
	n->turn = 0;
	n->scan = 0;
}

/* ---- deletion ----------------------------------------------------------- */

static void sq_abort_one(struct nvme *n, struct nvme_sq *sq,
			 const struct nvme_sqe *e)
{
	struct nvme_cmd cmd = { .sqe = *e, .sqid = sq->id };

	if (n->cq[sq->cqid].live && ioas_nvme_cq_room(&n->cq[sq->cqid]))
		ioas_nvme_complete(n, &cmd, NVME_ABORT_QUEUE, false);
}

void ioas_nvme_sq_delete(struct nvme *n, struct nvme_sq *sq)
{
	if (sq->job.active)
		sq_abort_one(n, sq, &sq->job.cmd.sqe);
	while (sq->held_first < sq->held_end)
		sq_abort_one(n, sq, &sq->held[sq->held_first++]);
	ioas_nvme_job_free(&sq->job);
	sq->live = false;
	n->cq[sq->cqid].nr_sqs--;
	*doorbell(n, sq->id, false) = 0;
}

/* ---- doorbells ---------------------------------------------------------- */

static void doorbell_refuse(struct nvme *n, uint8_t event)
{
	/* Whatever the status, it is of no command. */
	ioas_nvme_log_error(n, NULL, NVME_INVALID_FIELD);
	ioas_nvme_event(n, NVME_EVENT_ERROR, event);
}

/* @seen makes no sense; @value was before, unless there is something newer. */
static void doorbell_put_back(struct nvme *n, volatile uint32_t *at,
			      uint32_t seen, uint32_t value)
{
	__atomic_compare_exchange_n(at, &seen, value, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	doorbell_refuse(n, BAD_DOORBELL_VALUE);
}

static bool sq_doorbell(struct nvme *n, struct nvme_sq *sq)
{
	volatile uint32_t *at = doorbell(n, sq->id, false);
	uint32_t tail = doorbell_read(at);

	if (tail == sq->tail)
		return false;
	if (tail < sq->size) {
		sq->tail = tail;
		return true;
	}
	doorbell_put_back(n, at, tail, sq->tail);
	return true;
}

/* Entries from @from on to @to. */
static uint32_t distance(const struct nvme_cq *cq, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + cq->size - from;
}

static bool cq_doorbell(struct nvme *n, struct nvme_cq *cq)
{
	volatile uint32_t *at = doorbell(n, cq->id, true);
	uint32_t head = doorbell_read(at);

	if (head == cq->head)
		return false;
	if (head < cq->size && distance(cq, cq->head, head) <=
			       distance(cq, cq->head, cq->tail)) {
		cq->head = head;
		return true;
	}
	doorbell_put_back(n, at, head, cq->head);
	return true;
}

static bool doorbell_is_live(const struct nvme *n, unsigned int i)
{
	unsigned int id = i / 2;

	return id < NVME_QUEUES && (i % 2 ? n->cq[id].live : n->sq[id].live);
}

/* Some of the doorbells that no queue has, in turn. */
static bool doorbells_scan(struct nvme *n)
{
	bool busy = false;
	unsigned int i;

	for (i = 0; i < SCAN; i++) {
		unsigned int at = n->scan;

		n->scan = at + 1 == DOORBELLS_ALL ? 0 : at + 1;
		if (!n->bar[DOORBELLS + at] || doorbell_is_live(n, at))
			continue;
		n->bar[DOORBELLS + at] = 0;
		doorbell_refuse(n, BAD_DOORBELL);
		busy = true;
	}
	return busy;
}

bool ioas_nvme_doorbells_poll(struct nvme *n)
{
	bool busy = doorbells_scan(n);
	unsigned int i;

	for (i = 0; i < n->top; i++) {
		if (n->cq[i].live)
			busy |= cq_doorbell(n, &n->cq[i]);
		if (n->sq[i].live)
			busy |= sq_doorbell(n, &n->sq[i]);
	}
	return busy;
}

/* ---- commands ----------------------------------------------------------- */

void ioas_nvme_charge(struct nvme *n, uint64_t since, size_t paid)
{
	const uint64_t took = ioas_model_now() - since;

	if (took > paid)
		n->cost += (size_t)(took - paid);
}

/* Copy the entries that are next, as many as lie in a row. */
static bool sq_fetch(struct nvme *n, struct nvme_sq *sq)
{
	uint32_t end = sq->tail >= sq->head ? sq->tail : sq->size;
	uint32_t nr = end - sq->head;
	struct ioas_dma_piece piece;

	if (!nr)
		return false;
	if (nr > NVME_FETCH)
		nr = NVME_FETCH;
	piece = (struct ioas_dma_piece){
		.iova = sq->base + sq->head * sizeof(sq->held[0]),
		.data = sq->held,
		.length = nr * sizeof(sq->held[0]),
	};
	if (!ioas_nvme_dma(n, false, &piece, 1, NULL)) {
		ioas_nvme_fatal(n);
		return false;
	}
	sq->held_first = 0;
	sq->held_end = nr;
	sq->head = sq->head + nr == sq->size ? 0 : sq->head + nr;
	return true;
}

static void sq_execute(struct nvme *n, struct nvme_sq *sq)
{
	struct nvme_cmd cmd = { .sqid = sq->id };
	uint16_t status;

	cmd.sqe = sq->held[sq->held_first++];
	/* Fused; the kind of data pointer that there is not. */
	if (cmd.sqe.flags & 3u || cmd.sqe.flags >> 6 == 3)
		status = NVME_INVALID_FIELD | NVME_DNR;
	else
		status = sq->id ? ioas_nvme_io(n, sq, &cmd)
				: ioas_nvme_admin(n, &cmd);
	if (status < NVME_PENDING)
		ioas_nvme_complete(n, &cmd, status, false);
}

/* A step of what takes long. Return: the queue can go on. */
static bool sq_job(struct nvme *n, struct nvme_sq *sq)
{
	struct nvme_job *job = &sq->job;

	if (!job->done)
		n->cost += ioas_nvme_job_step(n, sq);
	if (!job->done || !ioas_nvme_cq_room(&n->cq[sq->cqid]))
		return false;
	ioas_nvme_complete(n, &job->cmd, job->status, false);
	ioas_nvme_job_free(job);
	return true;
}

/* Serve one queue. Return: something was done. */
static bool sq_run(struct nvme *n, struct nvme_sq *sq)
{
	bool busy = false;

	while (!ioas_nvme_is_fatal(n) && n->cost < NVME_POLL_COST) {
		size_t before = n->cost;

		if (sq->job.active) {
			if (!sq_job(n, sq))
				return busy || n->cost != before;
			busy = true;
			continue;
		}
		if (!ioas_nvme_cq_room(&n->cq[sq->cqid]))
			break;
		if (sq->held_first == sq->held_end && !sq_fetch(n, sq))
			break;
		n->cost += NVME_COMMAND_COST;
		sq_execute(n, sq);
		busy = true;
	}
	return busy;
}

bool ioas_nvme_queues_poll(struct nvme *n)
{
	unsigned int turn = n->turn;
	bool busy = false;
	unsigned int i, id;

	n->cost = 0;
	busy |= ioas_nvme_events_poll(n);
	/* The admin queue first, then the others from where we stopped. */
	busy |= sq_run(n, &n->sq[0]);
	for (i = 1; i < n->top && n->cost < NVME_POLL_COST; i++) {
		id = 1u + (turn + i - 1u) % (n->top - 1u);
		if (!n->sq[id].live)
			continue;
		busy |= sq_run(n, &n->sq[id]);
		n->turn = id;
	}
	ioas_nvme_posts_flush(n);
	return busy;
}
