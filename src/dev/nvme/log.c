/* SPDX-License-Identifier: MIT */
/*
 * log: errors and health as pages, and the events that tell of them
 *
 *   error ---> entry in the log ---> event pending ---> told to a command that
 *                                       ^                waits: masked
 *                                       '--- log read (without RAE) ---'
 *
 * While an event is masked, others of its kind are not told: who reads the log
 * sees what there is. Completions of events need room in the admin CQ.
 */
#include <string.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))

enum log_page {
	LOG_ERRORS = 1,
	LOG_HEALTH = 2,
	LOG_FIRMWARE = 3,
	LOG_EFFECTS = 5,
};

#define KEEP_EVENT (1u << 15)

#define EFFECT_SUPPORTED 1u
#define EFFECT_CONTENT 2u

#define NS_PER_HOUR 3600000000000ull

/* ---- errors and events -------------------------------------------------- */

void ioas_nvme_log_error(struct nvme *n, const struct nvme_cmd *cmd,
			 uint16_t status)
{
	struct nvme_error *e;

	n->counters.errors++;
	e = &n->error[n->counters.errors % NVME_ERRORS];
	*e = (struct nvme_error){
		.count = n->counters.errors,
		.status = (uint16_t)(status << 1),
		/* No particular byte of the command; no command. */
		.sqid = 0xffff, .cid = 0xffff, .location = 0xffff,
	};
	if (!cmd)
		return;
	e->sqid = cmd->sqid;
	e->cid = cmd->sqe.cid;
	e->nsid = cmd->sqe.nsid;
	if (cmd->sqid)
		e->lba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
}

void ioas_nvme_event(struct nvme *n, enum nvme_event kind, uint8_t info)
{
	if (n->events.masked[kind] || n->events.pending[kind])
		return;
	n->events.pending[kind] = true;
	n->events.info[kind] = info;
}

bool ioas_nvme_events_poll(struct nvme *n)
{
	struct nvme_events *e = &n->events;
	bool busy = false;
	unsigned int kind;

	for (kind = 0; kind < NVME_EVENT_KINDS; kind++) {
		struct nvme_cmd cmd = { .sqid = 0 };

		if (!e->pending[kind] || !e->nr ||
		    !ioas_nvme_cq_room(&n->cq[0]))
			continue;
		cmd.sqe.cid = e->cid[0];
		/* The kind, what happened, the page where to read of it. */
		cmd.result = kind | (uint32_t)e->info[kind] << 8 |
			     (LOG_ERRORS + kind) << 16;
		memmove(e->cid, e->cid + 1, --e->nr * sizeof(e->cid[0]));
		e->pending[kind] = false;
		e->masked[kind] = true;
		ioas_nvme_complete(n, &cmd, NVME_OK, false);
		busy = true;
	}
	return busy;
}

static void event_read(struct nvme *n, enum nvme_event kind)
{
	n->events.masked[kind] = false;
	n->events.pending[kind] = false;
}

/* ---- pages -------------------------------------------------------------- */

static size_t page_errors(const struct nvme *n, uint8_t *page)
{
	uint64_t count = n->counters.errors;
	unsigned int i;

	for (i = 0; i < NVME_ERRORS && i < count; i++)
		memcpy(page + i * sizeof(n->error[0]),
		       &n->error[(count - i) % NVME_ERRORS],
		       sizeof(n->error[0]));
	return sizeof(n->error);
}

static void put64(uint8_t *page, size_t at, uint64_t value)
{
	memcpy(page + at, &value, 8);
}

/* In thousands of units, rounded up. */
static uint64_t thousands(uint64_t units)
{
	return (units + 999u) / 1000u;
}

static size_t page_health(const struct nvme *n, uint8_t *page)
{
	const struct nvme_counters *c = &n->counters;
	uint16_t kelvin = NVME_TEMPERATURE;
	unsigned int i;
	bool protected = true;

	for (i = 0; i < n->nr_ns; i++)
		protected &= n->ns[i].read_only;
	/* Warm; all media are read only. */
	page[0] = (uint8_t)((ioas_nvme_too_warm(n) ? 1u << 1 : 0) |
			    (protected ? 1u << 3 : 0));
	memcpy(page + 1, &kelvin, 2);
	page[3] = 100;	/* spare, of which this is too little: */
	page[4] = 10;
	put64(page, 32, thousands(c->read_units));
	put64(page, 48, thousands(c->write_units));
	put64(page, 64, c->reads);
	put64(page, 80, c->writes);
	put64(page, 112, c->power_cycles);
	put64(page, 128, (ioas_model_now() - c->since) / NS_PER_HOUR);
	put64(page, 144, c->unsafe_shutdowns);
	put64(page, 160, c->media_errors);
	put64(page, 176, c->errors);
	return 512;
}

static size_t page_firmware(uint8_t *page)
{
	page[0] = 1;
	memcpy(page + 8, "1.0     ", 8);
	return 512;
}

static size_t page_effects(uint8_t *page)
{
	static const uint8_t admin[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12 };
	static const uint8_t io[] = { 0, 1, 2, 5, 8, 9, 12 };
	static const uint8_t change[] = { 1, 8, 9 };
	size_t i;

	for (i = 0; i < sizeof(admin); i++)
		page[admin[i] * 4u] = EFFECT_SUPPORTED;
	for (i = 0; i < sizeof(io); i++)
		page[1024u + io[i] * 4u] = EFFECT_SUPPORTED;
	for (i = 0; i < sizeof(change); i++)
		page[1024u + change[i] * 4u] |= EFFECT_CONTENT;
	return NVME_PAGE;
}

/* Return: bytes of the page; 0: there is none of this number. */
static size_t page_make(const struct nvme *n, uint32_t id, uint8_t *page)
{
	memset(page, 0, NVME_PAGE);
	switch (id) {
	case LOG_ERRORS:
		return page_errors(n, page);
	case LOG_HEALTH:
		return page_health(n, page);
	case LOG_FIRMWARE:
		return page_firmware(page);
	case LOG_EFFECTS:
		return page_effects(page);
	default:
		return 0;
	}
}

uint16_t ioas_nvme_get_log(struct nvme *n, struct nvme_cmd *cmd)
{
	const struct nvme_sqe *e = &cmd->sqe;
	uint64_t offset = e->cdw12 | (uint64_t)e->cdw13 << 32;
	uint64_t length = ((uint64_t)(e->cdw10 >> 16 |
				      (e->cdw11 & 0xffffu) << 16) + 1u) * 4u;
	uint32_t id = e->cdw10 & 0xffu;
	uint8_t page[NVME_PAGE];
	uint16_t status;
	size_t size;

	size = page_make(n, id, page);
	if (!size)
		return DNR(NVME_LOG_PAGE);
	/* Logs are the controller's. */
	if (offset & 3u || offset > size || length > NVME_BYTES_MAX ||
	    (id == LOG_HEALTH && e->nsid && e->nsid != NVME_BROADCAST))
		return DNR(NVME_INVALID_FIELD);
	memset(n->buffer, 0, (size_t)length);
	memcpy(n->buffer, page + offset,
	       (size_t)ioas_min(length, size - offset));
	status = ioas_nvme_send(n, cmd, (size_t)length);
	if (status == NVME_POSTED && !(e->cdw10 & KEEP_EVENT) &&
	    id <= LOG_HEALTH)
		event_read(n, (enum nvme_event)(id - LOG_ERRORS));
	return status;
}
