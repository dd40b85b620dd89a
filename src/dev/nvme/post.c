/* SPDX-License-Identifier: MIT */
/*
 * post: completions on their way to the driver
 *
 *   commands      read A     write B  read M    identify C
 *   n->store    [ data A ][                       data C ][ n->buffer ... ]
 *   file                             [ data M ]
 *   n->piece    [ A A A ][ M M ][ C ][ of this one ... ]
 *   n->post      A.end B.end ^ M.end ^ C.end ^ nr_out
 *
 *   sent        [ A A A ][ M M ][ C ][ a a ][ b b ][ m m ][ c c ]
 *
 * What is completed waits, with its data, until enough has gathered or the poll
 * ends: then all of it is one call of DMA, in order, all data before all
 * completions: as queues and buffers may be memory of different kinds, each is
 * reached in one go. A completion is two pieces of 8 bytes, of which the second
 * has status and phase: a system call copies 8 bytes at once, but fewer perhaps
 * one by one. The place in the queue is taken at once.
 *
 * Data of a read is not in the store if its file is mapped (read M): pieces lie
 * in the mapping, which is copied without being looked at. So nothing is copied
 * twice; but what of the file is not in memory is read during the call, and how
 * long that took is known only afterwards. Hence one completion is sent at first,
 * twice as many if that went fast, and fewer if it did not.
 *
 * A piece that cannot be written ends what comes before it, for sure. If it is
 * of data its command is completed with a transfer error instead, and the rest
 * goes on from there: nothing is written twice, as the driver may have seen it.
 * If it is of a completion there is no way left to tell, and the controller is
 * fatal.
 *
 * If a piece of a mapping could not be copied because memory is gone, whose fault
 * that is is found out by reading the file into memory of ours.
 */
#include <string.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

bool ioas_nvme_cq_room(const struct nvme_cq *cq)
{
	uint32_t next = cq->tail + 1 == cq->size ? 0 : cq->tail + 1;

	return next != cq->head;
}

static void cq_advance(struct nvme *n, struct nvme_cq *cq)
{
	if (++cq->tail == cq->size) {
		cq->tail = 0;
		cq->phase ^= 1;
	}
	if (cq->interrupts)
		n->vectors[cq->vector / 64u] |= 1ull << cq->vector % 64u;
}

static uint16_t note_error(struct nvme *n, const struct nvme_cmd *cmd,
			   uint16_t status)
{
	if (status == NVME_OK || status == NVME_ABORT_REQUESTED ||
	    status == NVME_ABORT_QUEUE)
		return status;
	status |= NVME_MORE;
	ioas_nvme_log_error(n, cmd, status);
	return status;
}

static void post_status(struct nvme *n, struct nvme_post *p, uint16_t status)
{
	uint16_t phase = p->cqe.status & 1u;

	status = note_error(n, &p->cmd, status);
	p->cqe.status = (uint16_t)(status << 1 | phase);
}

void ioas_nvme_posts_drop(struct nvme *n)
{
	n->nr_posts = 0;
	n->nr_out = 0;
	n->nr_pieces = 0;
	n->buffer = n->store;
}

/* @piece, which is in a mapping, becomes one of memory. Return: a status. */
static uint16_t piece_read(struct nvme *n, const struct nvme_post *p,
			   struct ioas_dma_piece *piece)
{
	struct nvme_ns *ns = &n->ns[p->cmd.sqe.nsid - 1];
	const uint64_t offset = (uint64_t)((uint8_t *)piece->data - ns->map);
	const uint16_t status = ioas_nvme_read_status(
		n, ioas_nvme_backing_read(ns, n->compare, offset,
					  piece->length));

	piece->data = n->compare;
	piece->mapped = false;
	return status;
}

/* The completions themselves, behind all data. Return: pieces in all. */
static size_t posts_add(struct nvme *n)
{
	size_t nr = n->nr_out, i;

	for (i = 0; i < n->nr_posts; i++) {
		struct nvme_post *p = &n->post[i];

		n->piece[nr++] = (struct ioas_dma_piece){
			.iova = p->at, .data = &p->cqe, .length = 8
		};
		n->piece[nr++] = (struct ioas_dma_piece){
			.iova = p->at + 8, .data = &p->cqe.sq_head, .length = 8
		};
	}
	return nr;
}

static void posts_write(struct nvme *n)
{
	const size_t nr = posts_add(n);
	struct nvme_post *p = n->post;
	size_t at = 0, good;
	uint16_t status;

	while (at < nr &&
	       !ioas_nvme_dma(n, true, n->piece + at, nr - at, &good)) {
		at += good;
		if (at >= n->nr_out) {
			ioas_nvme_fatal(n);
			break;
		}
		while (p->end <= at)
			p++;
		status = NVME_TRANSFER_ERROR;
		if (n->piece[at].mapped && n->dma_gone)
			status = piece_read(n, p, &n->piece[at]);
		if (status == NVME_OK)
			continue;
		p->cqe.dw0 = 0;
		post_status(n, p, status);
		at = p->end;
	}
}

/* What was sent took @took: how many are to be sent next time. */
static void gather_adapt(struct nvme *n, uint64_t took)
{
	const size_t most = n->nr_posts * NVME_POLL_COST;

	if (took > NVME_POLL_COST)
		n->gather = took < most ? (size_t)(most / took) : 1;
	else if (n->nr_posts >= n->gather)
		n->gather = ioas_min(2 * n->gather, NVME_POSTS);
}

void ioas_nvme_posts_flush(struct nvme *n)
{
	uint64_t since;

	if (n->nr_posts) {
		since = ioas_model_now();
		posts_write(n);
		gather_adapt(n, ioas_model_now() - since);
		ioas_nvme_charge(n, since, n->nr_posts * NVME_COMMAND_COST);
	}
	ioas_nvme_posts_drop(n);
}

void ioas_nvme_complete(struct nvme *n, const struct nvme_cmd *cmd,
			uint16_t status, bool data)
{
	const struct nvme_sq *sq = &n->sq[cmd->sqid];
	struct nvme_cq *cq = &n->cq[sq->cqid];
	struct nvme_post *p = &n->post[n->nr_posts];

	if (ioas_nvme_is_fatal(n))
		return;
	p->cmd = *cmd;
	p->at = cq->base + cq->tail * sizeof(p->cqe);
	p->cqe = (struct nvme_cqe){
		.dw0 = cmd->result, .sq_head = (uint16_t)sq->head,
		.sqid = cmd->sqid, .cid = cmd->sqe.cid, .status = cq->phase,
	};
	post_status(n, p, status);
	if (data) {
		n->nr_out += n->nr_pieces;
		n->buffer += ioas_align_up(n->length, 64);
	}
	n->nr_pieces = 0;
	p->end = n->nr_out;
	n->nr_posts++;
	cq_advance(n, cq);
	/* There is room for the next one, whatever it is. */
	if (n->nr_posts >= n->gather || n->nr_out > NVME_PIECES ||
	    n->buffer - n->store > (ptrdiff_t)NVME_POST_BYTES)
		ioas_nvme_posts_flush(n);
}
