/* SPDX-License-Identifier: MIT */
/*
 * nvme: an NVMe 1.4 controller: registers, and when what is looked at
 *
 *                CC.EN=1                      CC.SHN, files synced
 *   [ disabled ] -------> [ ready: RDY=1 ] ---------> [ shut down: SHST=2 ]
 *        ^  ^                  |  queue unreachable       |
 *        |  '---- CC.EN=0 -----+--------------------------'
 *        |                     v
 *        '---- CC.EN=0 --- [ fatal: CFS=1 ]
 *   from anywhere: reset, or "NVMe" in NSSR (then CSTS.NSSRO=1)
 *
 * BAR0 is memory that the driver maps, and we poll it. So
 *  - what we own (CAP, VS, CSTS, CMB*) is put back when the driver wrote there;
 *  - a register is written if its value differs from that of before. A write of
 *    the same value is not seen; none of this controller needs it but the write
 *    of 10h to a CSTS that is 10h, which would clear NSSRO;
 *  - a 64-bit register comes in halves, in any order: ASQ and ACQ are read when
 *    CC.EN is set, and CMBMSC means something when its enable bits are there;
 *  - INTMS shows the mask; INTMC shows 0, so that each write to it is seen.
 *    Neither does anything: there is MSI-X, and no pin.
 * CMBLOC and CMBSZ have their values before CMBMSC enables them, as there are
 * drivers that look there first; addresses mean the buffer only after that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "dev/models.h"
#include "dev/nvme/nvme.h"

/* Of the register file, in dwords. */
enum reg {
	REG_CAP = 0x00 / 4,
	REG_VS = 0x08 / 4,
	REG_INTMS = 0x0c / 4,
	REG_INTMC = 0x10 / 4,
	REG_CC = 0x14 / 4,
	REG_CSTS = 0x1c / 4,
	REG_NSSR = 0x20 / 4,
	REG_AQA = 0x24 / 4,
	REG_ASQ = 0x28 / 4,
	REG_ACQ = 0x30 / 4,
	REG_CMBLOC = 0x38 / 4,
	REG_CMBSZ = 0x3c / 4,
	REG_CMBMSC = 0x50 / 4,
	REG_CMBSTS = 0x58 / 4,
};

#define CC_EN (1u << 0)
#define CC_SHN(cc) ((cc) >> 14 & 3u)
/* Command set, page size, arbitration: the only ones that there are, 0. */
#define CC_FIXED 0x3ff0u

#define CSTS_RDY (1u << 0)
#define CSTS_CFS (1u << 1)
#define CSTS_SHST (3u << 2)
#define CSTS_SHST_GOES_ON (1u << 2)
#define CSTS_SHST_DONE (2u << 2)
#define CSTS_NSSRO (1u << 4)

/* "NVMe" */
#define NSSR_RESET 0x4e564d65u

#define CMB_BAR 2u
/* Queues, lists, data of reads and writes; counted in pages of 4 KiB. */
#define CMBSZ_ALL 0x1fu

static uint64_t nvme_cap(const struct nvme *n)
{
	/* CQR; TO: 15 s; NSSRS; the NVM command set; pages of 4 KiB only. */
	return (NVME_ENTRIES_MAX - 1u) | 1u << 16 | 0x1eu << 24 | 1ull << 36 |
	       1ull << 37 | (n->cmb_size ? 1ull << 57 : 0);
}

static uint32_t nvme_cmbsz(const struct nvme *n)
{
	return n->cmb_size ? (uint32_t)(n->cmb_size / NVME_PAGE) << 12 |
			     CMBSZ_ALL : 0;
}

static uint64_t reg_read64(const struct nvme *n, unsigned int reg)
{
	return n->bar[reg] | (uint64_t)n->bar[reg + 1] << 32;
}

/* Is @value not what is shown? Then it is put back. */
static bool reg_keep(struct nvme *n, unsigned int reg, uint32_t value)
{
	if (n->bar[reg] == value)
		return false;
	n->bar[reg] = value;
	return true;
}

static void csts_set(struct nvme *n, uint32_t csts)
{
	n->csts = csts;
	__atomic_store_n(&n->bar[REG_CSTS], csts, __ATOMIC_RELEASE);
}

void ioas_nvme_fatal(struct nvme *n)
{
	csts_set(n, n->csts | CSTS_CFS);
}

bool ioas_nvme_is_fatal(const struct nvme *n)
{
	return n->csts & CSTS_CFS;
}

/* What the driver cannot write. */
static void regs_keep(struct nvme *n)
{
	uint64_t cap = nvme_cap(n);

	reg_keep(n, REG_CAP, (uint32_t)cap);
	reg_keep(n, REG_CAP + 1, (uint32_t)(cap >> 32));
	reg_keep(n, REG_VS, 0x00010400u);
	reg_keep(n, REG_CMBLOC, n->cmb_size ? CMB_BAR : 0);
	reg_keep(n, REG_CMBSZ, nvme_cmbsz(n));
	reg_keep(n, REG_CMBSTS, ioas_nvme_cmb_wraps(n));
}

/* ---- enable, reset, shutdown -------------------------------------------- */

static void nvme_enable(struct nvme *n)
{
	uint32_t aqa = n->bar[REG_AQA];
	uint32_t sq = (aqa & 0xfffu) + 1u, cq = (aqa >> 16 & 0xfffu) + 1u;
	uint64_t mask = ~(uint64_t)(NVME_PAGE - 1);

	ioas_nvme_queues_reset(n);
	n->shutdown.files = 0;
	/* Admin queues may have 4096 entries, whatever CAP.MQES says. */
	if (n->cc & CC_FIXED || sq < 2 || cq < 2) {
		ioas_nvme_fatal(n);
		return;
	}
	ioas_nvme_features_reset(n);
	ioas_nvme_cq_create(n, 0, cq, reg_read64(n, REG_ACQ) & mask, 0);
	ioas_nvme_sq_create(n, 0, 0, sq, reg_read64(n, REG_ASQ) & mask);
	csts_set(n, (n->csts & CSTS_NSSRO) | CSTS_RDY);
}

/* CC.EN=0: AQA, ASQ, ACQ and CMBMSC stay. */
static void nvme_disable(struct nvme *n)
{
	ioas_nvme_queues_reset(n);
	n->shutdown.files = 0;
	csts_set(n, n->csts & CSTS_NSSRO);
}

/* Abrupt or not: what was completed should not get lost. */
static void nvme_shutdown(struct nvme *n)
{
	uint32_t files = ioas_nvme_sync_files(n, NVME_BROADCAST);

	ioas_nvme_sync_begin(n, files, &n->shutdown);
	csts_set(n, (n->csts & ~CSTS_SHST) |
		 (files ? CSTS_SHST_GOES_ON : CSTS_SHST_DONE));
}

static void nvme_power_on(struct nvme *n, uint32_t csts)
{
	unsigned int i;

	if (n->csts & CSTS_RDY && !(n->csts & CSTS_SHST_DONE))
		n->counters.unsafe_shutdowns++;
	n->counters.power_cycles++;
	n->cc = 0;
	n->intm = 0;
	n->cmbmsc = 0;
	n->shutdown.files = 0;
	for (i = 0; i <= REG_CMBSTS; i++)
		n->bar[i] = 0;
	ioas_nvme_features_reset(n);
	ioas_nvme_queues_reset(n);
	regs_keep(n);
	csts_set(n, csts);
}

/* ---- poll --------------------------------------------------------------- */

static bool cc_poll(struct nvme *n)
{
	uint32_t cc = __atomic_load_n(&n->bar[REG_CC], __ATOMIC_ACQUIRE);
	uint32_t old = n->cc;

	if (cc == old)
		return false;
	n->cc = cc;
	if (cc & ~old & CC_EN)
		nvme_enable(n);
	else if (old & ~cc & CC_EN)
		nvme_disable(n);
	if (CC_SHN(cc) && !CC_SHN(old))
		nvme_shutdown(n);
	return true;
}

static bool shutdown_poll(struct nvme *n)
{
	/* If it failed nobody can be told, but who syncs next. */
	if (!n->shutdown.files || !ioas_nvme_sync_done(n, &n->shutdown))
		return false;
	n->shutdown.files = 0;
	csts_set(n, (n->csts & ~CSTS_SHST) | CSTS_SHST_DONE);
	return true;
}

static bool mask_poll(struct nvme *n)
{
	uint32_t set = n->bar[REG_INTMS], clear = n->bar[REG_INTMC];

	if (set == n->intm && !clear)
		return false;
	if (set != n->intm)
		n->intm |= set;
	n->intm &= ~clear;
	n->bar[REG_INTMS] = n->intm;
	n->bar[REG_INTMC] = 0;
	return true;
}

static bool cmb_poll(struct nvme *n)
{
	uint64_t msc;

	if (!n->cmb_size) {
		reg_keep(n, REG_CMBMSC, 0);
		reg_keep(n, REG_CMBMSC + 1, 0);
		return false;
	}
	msc = reg_read64(n, REG_CMBMSC);
	if (msc == n->cmbmsc)
		return false;
	n->cmbmsc = msc;
	return true;
}

static bool nssr_poll(struct nvme *n)
{
	uint32_t nssr = n->bar[REG_NSSR];

	if (!nssr)
		return false;
	n->bar[REG_NSSR] = 0;
	if (nssr == NSSR_RESET)
		nvme_power_on(n, CSTS_NSSRO);
	return true;
}

static bool csts_poll(struct nvme *n)
{
	uint32_t seen = n->bar[REG_CSTS];

	if (seen == n->csts)
		return false;
	csts_set(n, n->csts & ~(seen & CSTS_NSSRO));
	return true;
}

static bool irqs_flush(struct nvme *n)
{
	bool busy = false;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(n->vectors); i++)
		while (n->vectors[i]) {
			unsigned int bit = ioas_ctz(n->vectors[i]);

			n->vectors[i] &= n->vectors[i] - 1;
			ioas_irq(n->f, i * 64u + bit);
			busy = true;
		}
	return busy;
}

static bool nvme_running(const struct nvme *n)
{
	return n->bus_master && (n->csts & (CSTS_RDY | CSTS_CFS | CSTS_SHST)) ==
	       CSTS_RDY;
}

static bool nvme_poll(void *state)
{
	struct nvme *n = state;
	bool busy = nssr_poll(n);

	/* A driver that sees RDY may look at anything else. */
	busy |= csts_poll(n);
	busy |= mask_poll(n);
	/*
	 * Before the registers: what was written to one before a doorbell was
	 * rung holds for the command.
	 */
	if (nvme_running(n))
		busy |= ioas_nvme_doorbells_poll(n);
	busy |= cmb_poll(n);
	busy |= cc_poll(n);
	busy |= shutdown_poll(n);
	regs_keep(n);
	if (nvme_running(n))
		busy |= ioas_nvme_queues_poll(n);
	return irqs_flush(n) || busy;
}

/* ---- the model ---------------------------------------------------------- */

static void nvme_identity(const struct nvme *n, struct ioas_identity *id)
{
	/* 1b36:0010: the ids that drivers know for an emulated controller. */
	*id = (struct ioas_identity){
		.vendor = 0x1b36, .device = 0x0010,
		.subsystem_vendor = 0x1af4, .subsystem = 0x1100,
		.revision = 2, .class_code = 0x010802,
		.vectors = NVME_VECTORS,
		.msix_bar = 4, .msix_table = 0, .msix_pba = 0x800,
	};
	id->bar[0].size = 0x4000;
	id->bar[0].flags = IOAS_BAR_64 | IOAS_BAR_SHARED;
	if (n->cmb_size) {
		id->bar[CMB_BAR].size = n->cmb_size;
		id->bar[CMB_BAR].flags = IOAS_BAR_64 | IOAS_BAR_SHARED |
					 IOAS_BAR_PREFETCH;
	}
	id->bar[4].size = 0x1000;
	id->bar[4].flags = IOAS_BAR_64;
}

static void nvme_destroy(void *state)
{
	struct nvme *n = state;
	unsigned int i;

	if (!n)
		return;
	ioas_nvme_sync_fini(n);
	for (i = 0; i < NVME_QUEUES; i++)
		ioas_nvme_job_free(&n->sq[i].job);
	ioas_nvme_backing_close(n);
	free(n->store);
	free(n->compare);
	free(n);
}

static int nvme_create(struct ioas_function *f,
		       const struct ioas_model_setting *settings, size_t nr,
		       struct ioas_identity *id, void **state, char *why,
		       size_t room)
{
	struct nvme *n = calloc(1, sizeof(*n));
	int rc = -ENOMEM;

	snprintf(why, room, "no memory");
	if (!n)
		return rc;
	n->f = f;
	n->gather = 1;
	ioas_nvme_sync_init(n);
	n->store = malloc(NVME_POST_BYTES + NVME_BYTES_MAX);
	n->compare = malloc(NVME_BYTES_MAX);
	if (n->store && n->compare)
		rc = ioas_nvme_backing_open(n, settings, nr, why, room);
	if (rc) {
		nvme_destroy(n);
		return rc;
	}
	n->counters.since = ioas_model_now();
	nvme_identity(n, id);
	*state = n;
	return 0;
}

static void nvme_reset(void *state)
{
	struct nvme *n = state;

	n->bar = ioas_bar_memory(n->f, 0);
	n->cmb = n->cmb_size ? ioas_bar_memory(n->f, CMB_BAR) : NULL;
	nvme_power_on(n, 0);
}

static void nvme_bus_master(void *state, bool on)
{
	struct nvme *n = state;

	n->bus_master = on;
}

/*
 * Of BAR 4, whose table the PCI side has to itself: no vector is pending, and
 * the rest is reserved.
 */
static uint64_t nvme_read(void *state, unsigned int bar, uint64_t offset,
			  unsigned int width)
{
	(void)state;
	(void)bar;
	(void)offset;
	(void)width;
	return 0;
}

static const struct ioas_model_option nvme_options[] = {
	{ "file", "FILE", "a namespace; may be repeated" },
	{ "size", "BYTES", "of the file before, made if needed; K, M, G, T" },
	{ "ro", NULL, "the file before is write protected" },
	{ "lba", "512|4096", "bytes of a block of the file before" },
	{ "serial", "TEXT", "serial number, at most 20 characters" },
	{ "cmb", "BYTES", "controller memory buffer, a power of two" },
	{ NULL, NULL, NULL },
};

const struct ioas_model ioas_model_nvme = {
	.abi = IOAS_MODEL_ABI,
	.name = "nvme",
	.summary = "NVMe 1.4 controller with namespaces in files",
	.options = nvme_options,
	.create = nvme_create,
	.destroy = nvme_destroy,
	.reset = nvme_reset,
	.bus_master = nvme_bus_master,
	.read = nvme_read,
	.poll = nvme_poll,
};
