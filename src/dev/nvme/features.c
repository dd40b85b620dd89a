/* SPDX-License-Identifier: MIT */
/*
 * features: what a driver sets and asks back
 *
 * One row per feature: how it is checked and kept, what it is, what it is by
 * default. None is saveable: saved is default. A reset of the controller makes
 * all of them default.
 */
#include <string.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))

#define SAVE (1u << 31)
#define EVENTS_KNOWN 0x3ffu
#define COALESCE_OFF (1u << 16)

enum select { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_SUPPORTED };

struct feature {
	uint8_t id;
	/* Has each namespace its own? */
	bool per_ns;
	uint16_t (*set)(struct nvme *n, struct nvme_cmd *cmd);
	uint16_t (*get)(const struct nvme *n, const struct nvme_features *f,
			struct nvme_cmd *cmd);
};

static void features_default(struct nvme_features *f)
{
	memset(f, 0, sizeof(*f));
	f->over = NVME_WARM;
	f->cache = true;
	f->nr_sqs = NVME_IO_QUEUES;
	f->nr_cqs = NVME_IO_QUEUES;
}

void ioas_nvme_features_reset(struct nvme *n)
{
	features_default(&n->features);
}

/* ---- one by one --------------------------------------------------------- */

static uint16_t arbitration_set(struct nvme *n, struct nvme_cmd *cmd)
{
	n->features.arbitration = cmd->sqe.cdw11;
	return NVME_OK;
}

static uint16_t arbitration_get(const struct nvme *n,
				const struct nvme_features *f,
				struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->arbitration;
	return NVME_OK;
}

static uint16_t power_set(struct nvme *n, struct nvme_cmd *cmd)
{
	(void)n;
	/* There is state 0 alone. */
	return cmd->sqe.cdw11 & 0x1fu ? DNR(NVME_INVALID_FIELD) : NVME_OK;
}

static uint16_t power_get(const struct nvme *n, const struct nvme_features *f,
			  struct nvme_cmd *cmd)
{
	(void)n;
	(void)f;
	cmd->result = 0;
	return NVME_OK;
}

bool ioas_nvme_too_warm(const struct nvme *n)
{
	return NVME_TEMPERATURE >= n->features.over ||
	       NVME_TEMPERATURE <= n->features.under;
}

static uint16_t temperature_set(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t sensor = cmd->sqe.cdw11 >> 16 & 0xfu;
	uint32_t kind = cmd->sqe.cdw11 >> 20 & 3u;
	uint32_t value = cmd->sqe.cdw11 & 0xffffu;

	/* The composite one, or all that there are: the same. */
	if ((sensor && sensor != 0xf) || kind > 1)
		return DNR(NVME_INVALID_FIELD);
	if (kind)
		n->features.under = value;
	else
		n->features.over = value;
	if (ioas_nvme_too_warm(n) && n->features.events & 2u)
		ioas_nvme_event(n, NVME_EVENT_HEALTH, 1);
	return NVME_OK;
}

static uint16_t temperature_get(const struct nvme *n,
				const struct nvme_features *f,
				struct nvme_cmd *cmd)
{
	uint32_t kind = cmd->sqe.cdw11 >> 20 & 3u;

	(void)n;
	if (cmd->sqe.cdw11 >> 16 & 0xfu || kind > 1)
		return DNR(NVME_INVALID_FIELD);
	cmd->result = kind ? f->under : f->over;
	return NVME_OK;
}

static uint16_t recovery_set(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t nsid = cmd->sqe.nsid;
	unsigned int i;

	/* Errors for deallocated blocks: there are none. */
	if (cmd->sqe.cdw11 & 1u << 16)
		return DNR(NVME_INVALID_FIELD);
	for (i = 0; i < n->nr_ns; i++)
		if (nsid == NVME_BROADCAST || nsid == i + 1)
			n->features.recovery[i] = cmd->sqe.cdw11 & 0xffffu;
	return NVME_OK;
}

static uint16_t recovery_get(const struct nvme *n,
			     const struct nvme_features *f,
			     struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->recovery[cmd->sqe.nsid - 1];
	return NVME_OK;
}

static uint16_t cache_set(struct nvme *n, struct nvme_cmd *cmd)
{
	n->features.cache = cmd->sqe.cdw11 & 1u;
	if (n->features.cache)
		return NVME_OK;
	/* What was cached so far is to be safe by then. */
	return ioas_nvme_sync_job(n, &n->sq[0], cmd,
				  ioas_nvme_sync_files(n, NVME_BROADCAST));
}

static uint16_t cache_get(const struct nvme *n, const struct nvme_features *f,
			  struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->cache;
	return NVME_OK;
}

static uint16_t queues_get(const struct nvme *n, const struct nvme_features *f,
			   struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = (f->nr_sqs - 1u) | (f->nr_cqs - 1u) << 16;
	return NVME_OK;
}

static uint16_t queues_set(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t sqs = cmd->sqe.cdw11 & 0xffffu, cqs = cmd->sqe.cdw11 >> 16;
	unsigned int i;

	if (sqs == 0xffff || cqs == 0xffff)
		return DNR(NVME_INVALID_FIELD);
	for (i = 1; i < NVME_QUEUES; i++)
		if (n->sq[i].live || n->cq[i].live)
			return DNR(NVME_SEQUENCE_ERROR);
	n->features.nr_sqs = (uint16_t)ioas_min(sqs + 1, NVME_IO_QUEUES);
	n->features.nr_cqs = (uint16_t)ioas_min(cqs + 1, NVME_IO_QUEUES);
	return queues_get(n, &n->features, cmd);
}

static uint16_t coalescing_set(struct nvme *n, struct nvme_cmd *cmd)
{
	n->features.coalescing = cmd->sqe.cdw11 & 0xffffu;
	return NVME_OK;
}

static uint16_t coalescing_get(const struct nvme *n,
			       const struct nvme_features *f,
			       struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->coalescing;
	return NVME_OK;
}

static uint16_t vector_set(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t vector = cmd->sqe.cdw11 & 0xffffu;

	if (vector >= NVME_VECTORS)
		return DNR(NVME_INVALID_FIELD);
	n->features.uncoalesced[vector] = cmd->sqe.cdw11 & COALESCE_OFF;
	return NVME_OK;
}

static uint16_t vector_get(const struct nvme *n, const struct nvme_features *f,
			   struct nvme_cmd *cmd)
{
	uint32_t vector = cmd->sqe.cdw11 & 0xffffu;

	(void)n;
	if (vector >= NVME_VECTORS)
		return DNR(NVME_INVALID_FIELD);
	cmd->result = vector | (f->uncoalesced[vector] ? COALESCE_OFF : 0);
	return NVME_OK;
}

static uint16_t atomicity_set(struct nvme *n, struct nvme_cmd *cmd)
{
	n->features.atomicity = cmd->sqe.cdw11 & 1u;
	return NVME_OK;
}

static uint16_t atomicity_get(const struct nvme *n,
			      const struct nvme_features *f,
			      struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->atomicity;
	return NVME_OK;
}

static uint16_t events_set(struct nvme *n, struct nvme_cmd *cmd)
{
	n->features.events = cmd->sqe.cdw11 & EVENTS_KNOWN;
	if (ioas_nvme_too_warm(n) && n->features.events & 2u)
		ioas_nvme_event(n, NVME_EVENT_HEALTH, 1);
	return NVME_OK;
}

static uint16_t events_get(const struct nvme *n, const struct nvme_features *f,
			   struct nvme_cmd *cmd)
{
	(void)n;
	cmd->result = f->events;
	return NVME_OK;
}

#define FEATURE_CACHE 0x06

static const struct feature features[] = {
	{ 0x01, false, arbitration_set, arbitration_get },
	{ 0x02, false, power_set, power_get },
	{ 0x04, false, temperature_set, temperature_get },
	{ 0x05, true, recovery_set, recovery_get },
	{ FEATURE_CACHE, false, cache_set, cache_get },
	{ 0x07, false, queues_set, queues_get },
	{ 0x08, false, coalescing_set, coalescing_get },
	{ 0x09, false, vector_set, vector_get },
	{ 0x0a, false, atomicity_set, atomicity_get },
	{ 0x0b, false, events_set, events_get },
};

/* ---- commands ----------------------------------------------------------- */

/*
 * Whose @f is (NVMe 1.4, 7.8): of a namespace, of all of them, or the
 * controller's, for which the namespace is not named; but to ask, it may be. A
 * write cache is one that drivers, QEMU's among them, set by a namespace.
 */
static uint16_t feature_scope(const struct nvme *n, const struct feature *f,
			      uint32_t nsid, bool all, bool set)
{
	bool one = nsid && nsid <= n->nr_ns;

	if (f->per_ns)
		return one || (all && nsid == NVME_BROADCAST) ? NVME_OK :
			DNR(NVME_INVALID_NAMESPACE);
	if (!nsid || nsid == NVME_BROADCAST || (one && !set))
		return NVME_OK;
	if (!one)
		return DNR(NVME_INVALID_NAMESPACE);
	return f->id == FEATURE_CACHE ? NVME_OK : DNR(NVME_NOT_OF_NAMESPACE);
}

/* The feature that is meant; NULL: with *@status. @all: may it be of all? */
static const struct feature *feature_find(const struct nvme *n,
					  const struct nvme_sqe *e, bool all,
					  bool set, uint16_t *status)
{
	const struct feature *f = NULL;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(features); i++)
		if (features[i].id == (e->cdw10 & 0xffu))
			f = &features[i];
	*status = f ? feature_scope(n, f, e->nsid, all, set) :
		DNR(NVME_INVALID_FIELD);
	return *status == NVME_OK ? f : NULL;
}

uint16_t ioas_nvme_set_features(struct nvme *n, struct nvme_cmd *cmd)
{
	const struct feature *f;
	uint16_t status;

	f = feature_find(n, &cmd->sqe, true, true, &status);
	if (!f)
		return status;
	if (cmd->sqe.cdw10 & SAVE)
		return DNR(NVME_NOT_SAVEABLE);
	return f->set(n, cmd);
}

uint16_t ioas_nvme_get_features(struct nvme *n, struct nvme_cmd *cmd)
{
	unsigned int select = cmd->sqe.cdw10 >> 8 & 7u;
	struct nvme_features start;
	const struct feature *f;
	uint16_t status;

	f = feature_find(n, &cmd->sqe, select == SELECT_SUPPORTED, false,
			 &status);
	if (!f)
		return status;
	switch (select) {
	case SELECT_CURRENT:
		return f->get(n, &n->features, cmd);
	case SELECT_DEFAULT:
	case SELECT_SAVED:
		features_default(&start);
		return f->get(n, &start, cmd);
	case SELECT_SUPPORTED:
		/* It can be changed, and not saved. */
		cmd->result = 4u | (f->per_ns ? 2u : 0);
		return NVME_OK;
	default:
		return DNR(NVME_INVALID_FIELD);
	}
}
