/* SPDX-License-Identifier: MIT */
/* identify: what the controller and its namespaces say of themselves. */
#include <stdio.h>
#include <string.h>

#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))

enum cns {
	CNS_NAMESPACE = 0,
	CNS_CONTROLLER = 1,
	CNS_ACTIVE = 2,
	CNS_DESCRIPTORS = 3,
};

/* Types of descriptors of a namespace. */
#define DESCRIPTOR_NGUID 2u
#define DESCRIPTOR_UUID 3u

static void put16(uint8_t *page, size_t at, uint16_t value)
{
	memcpy(page + at, &value, 2);
}

static void put32(uint8_t *page, size_t at, uint32_t value)
{
	memcpy(page + at, &value, 4);
}

static void put64(uint8_t *page, size_t at, uint64_t value)
{
	memcpy(page + at, &value, 8);
}

/* Padded by spaces. */
static void put_text(uint8_t *page, size_t at, size_t room, const char *text)
{
	memset(page + at, ' ', room);
	memcpy(page + at, text, strlen(text));
}

static void identify_admin(uint8_t *page)
{
	/* VID, SSVID as in the configuration space. */
	put16(page, 0, 0x1b36);
	put16(page, 2, 0x1af4);
	page[72] = 6;			/* RAB */
	page[77] = NVME_MDTS;
	put32(page, 80, 0x00010400u);	/* VER */
	put32(page, 84, 1000000u);	/* RTD3R, us */
	/* RTD3E, us: a shutdown syncs files, which drivers should wait for. */
	put32(page, 88, 10000000u);
	page[111] = 1;			/* CNTRLTYPE: I/O */
	page[258] = 3;			/* ACL: 4 aborts */
	page[259] = NVME_EVENTS - 1;	/* AERL */
	page[260] = 3;			/* FRMW: one slot, read only */
	page[261] = 6;			/* LPA: effects, extended data */
	page[262] = NVME_ERRORS - 1;	/* ELPE */
	put16(page, 266, NVME_WARM);
	put16(page, 268, NVME_HOT);
}

static void identify_nvm(const struct nvme *n, uint8_t *page)
{
	page[512] = 0x66;		/* SQES: 64 bytes */
	page[513] = 0x44;		/* CQES: 16 bytes */
	put32(page, 516, n->nr_ns);
	/* Compare, deallocate, write zeroes, save and select, verify. */
	put16(page, 520, 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 7);
	page[525] = 7;			/* VWC; flush of all namespaces */
	/* SGLs of any alignment, bit buckets. */
	put32(page, 536, 1u << 0 | 1u << 16);
	put16(page, 2048, 2500);	/* Power state 0: 25 W */
}

static uint16_t identify_controller(struct nvme *n, struct nvme_cmd *cmd)
{
	uint8_t *page = n->buffer;

	put_text(page, 4, 20, n->serial);
	put_text(page, 24, 40, "ioas NVMe controller");
	put_text(page, 64, 8, "1.0");
	identify_admin(page);
	identify_nvm(n, page);
	snprintf((char *)page + 768, 256,
		 "nqn.2014-08.org.nvmexpress:ioas:%s", n->serial);
	return ioas_nvme_send(n, cmd, NVME_PAGE);
}

/* The namespace that @cmd names; NULL: there is none. */
static const struct nvme_ns *identify_ns(const struct nvme *n,
					 const struct nvme_cmd *cmd)
{
	uint32_t nsid = cmd->sqe.nsid;

	return nsid && nsid <= n->nr_ns ? &n->ns[nsid - 1] : NULL;
}

static uint16_t identify_namespace(struct nvme *n, struct nvme_cmd *cmd)
{
	const struct nvme_ns *ns = identify_ns(n, cmd);
	uint8_t *page = n->buffer;

	if (!ns)
		return DNR(NVME_INVALID_NAMESPACE);
	put64(page, 0, ns->blocks);	/* NSZE */
	put64(page, 8, ns->blocks);	/* NCAP */
	put64(page, 16, ns->blocks);	/* NUSE */
	page[25] = 1;			/* NLBAF: two formats */
	page[26] = ns->block_lg2 == 12;	/* FLBAS */
	/* DLFEAT: what is deallocated reads as zeroes; write zeroes does it. */
	page[33] = 1u | 1u << 3;
	put64(page, 48, ns->blocks << ns->block_lg2);	/* NVMCAP */
	page[99] = ns->read_only;	/* NSATTR */
	memcpy(page + 104, ns->guid, 16);
	put32(page, 128, 9u << 16 | 1u << 24);
	put32(page, 132, 12u << 16);
	return ioas_nvme_send(n, cmd, NVME_PAGE);
}

static uint16_t identify_active(struct nvme *n, struct nvme_cmd *cmd)
{
	uint32_t nsid = cmd->sqe.nsid;
	size_t at = 0;

	if (nsid >= NVME_BROADCAST - 1)
		return DNR(NVME_INVALID_NAMESPACE);
	for (; nsid < n->nr_ns; at += 4)
		put32(n->buffer, at, ++nsid);
	return ioas_nvme_send(n, cmd, NVME_PAGE);
}

static uint16_t identify_descriptors(struct nvme *n, struct nvme_cmd *cmd)
{
	const struct nvme_ns *ns = identify_ns(n, cmd);
	uint8_t *page = n->buffer;

	if (!ns)
		return DNR(NVME_INVALID_NAMESPACE);
	page[0] = DESCRIPTOR_NGUID;
	page[1] = 16;
	memcpy(page + 4, ns->guid, 16);
	page[20] = DESCRIPTOR_UUID;
	page[21] = 16;
	memcpy(page + 24, ns->guid, 16);
	return ioas_nvme_send(n, cmd, NVME_PAGE);
}

uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_cmd *cmd)
{
	memset(n->buffer, 0, NVME_PAGE);
	switch (cmd->sqe.cdw10 & 0xffu) {
	case CNS_NAMESPACE:
		return identify_namespace(n, cmd);
	case CNS_CONTROLLER:
		return identify_controller(n, cmd);
	case CNS_ACTIVE:
		return identify_active(n, cmd);
	case CNS_DESCRIPTORS:
		return identify_descriptors(n, cmd);
	default:
		return DNR(NVME_INVALID_FIELD);
	}
}
