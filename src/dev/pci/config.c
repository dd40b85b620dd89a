/* SPDX-License-Identifier: MIT */
/*
 * config: the configuration space of a function
 *
 * build() lays all registers out, each with its value and the bits that a write
 * changes. What is left to do at a write are the four things that a mask cannot
 * say:
 *
 *   power state       D1 and D2 do not exist: the field stays as it is
 *   MSI vectors       not more than there are
 *   FLR               reads 0, and resets
 *   command, power    ops hear of what has changed
 *
 * A transfer is done in aligned pieces of at most 4 bytes, in order, and ops
 * are called after each: a driver that writes the command register and a BAR in
 * one go sees what it would see on a bus. No piece crosses the end of a
 * capability, as each begins at a multiple of 4 bytes and is some of them long.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/errno.h"
#include "base/mem.h"
#include "dev/pci/config.h"

/* Header */
#define VENDOR 0x00u
#define DEVICE 0x02u
#define COMMAND 0x04u
#define STATUS 0x06u
#define REVISION 0x08u
#define CLASS 0x09u
#define CACHE_LINE 0x0cu
#define BAR0 0x10u
#define SUBSYSTEM_VENDOR 0x2cu
#define SUBSYSTEM 0x2eu
#define CAPABILITIES 0x34u
#define INTERRUPT_LINE 0x3cu
#define INTERRUPT_PIN 0x3du
#define HEADER_END 0x40u

#define COMMAND_MEMORY 0x0002u
#define COMMAND_BUS_MASTER 0x0004u
#define COMMAND_INTX_DISABLE 0x0400u
/* I/O, memory, bus master, parity, SERR, INTx disable; PCIe lacks the rest. */
#define COMMAND_WRITABLE 0x0547u
#define STATUS_INTERRUPT 0x0008u
#define STATUS_CAPABILITIES 0x0010u

#define BAR_TYPE_64 0x4u
#define BAR_PREFETCH 0x8u
#define BAR_FLAGS 0xfu

/* Capabilities: id, next, then what is at these positions from there. */
#define CAP_PM 0x01u
#define PM_CAPABILITIES 2u
#define PM_CONTROL 4u
#define PM_LENGTH 8u
#define PM_VERSION 3u
/* What a driver has set up is still there after D3. */
#define PM_NO_SOFT_RESET 0x8u
#define PM_STATE 0x3u
#define D0 0u
#define D3 3u

#define CAP_MSI 0x05u
#define MSI_CONTROL 2u
#define MSI_ADDRESS 4u
#define MSI_ADDRESS_HIGH 8u
#define MSI_DATA 12u
#define MSI_LENGTH 16u
#define MSI_ENABLE 0x0001u
#define MSI_CAPABLE_SHIFT 1u
#define MSI_VECTORS_SHIFT 4u
#define MSI_VECTORS 0x70u
#define MSI_64 0x0080u
#define MSI_MOST 32u

#define CAP_MSIX 0x11u
#define MSIX_CONTROL 2u
#define MSIX_TABLE 4u
#define MSIX_PBA 8u
#define MSIX_LENGTH 12u
#define MSIX_ENABLE 0x8000u
#define MSIX_ENTRY 16u

/* An endpoint: version 2, x4 at 8 GT/s, 256 bytes of payload. */
#define CAP_EXPRESS 0x10u
#define EXPRESS_FLAGS 2u
#define EXPRESS_DEVICE 4u
#define EXPRESS_DEVICE_CONTROL 8u
#define EXPRESS_LINK 12u
#define EXPRESS_LINK_CONTROL 16u
#define EXPRESS_LINK_STATUS 18u
#define EXPRESS_DEVICE2 36u
#define EXPRESS_DEVICE_CONTROL2 40u
#define EXPRESS_LINK2 44u
#define EXPRESS_LINK_CONTROL2 48u
#define EXPRESS_LENGTH 60u
/* Payload of 256, extended tags, errors by role; 28: FLR. */
#define DEVICE_CAPABILITIES 0x00008021u
#define DEVICE_FLR 0x10000000u
/* Relaxed ordering, extended tags, no snoop, reads of 512 bytes. */
#define DEVICE_CONTROL 0x2910u
/* All but phantom functions and FLR. */
#define DEVICE_CONTROL_WRITABLE 0x7dffu
#define DEVICE_CONTROL_FLR 0x8000u
#define LINK_CAPABILITIES 0x00000043u
#define LINK_CONTROL 0x0040u
#define LINK_STATUS 0x1043u
/* Ranges of the completion timeout, and that it can be off. */
#define DEVICE_CAPABILITIES2 0x0000001fu
/* All but ARI. */
#define DEVICE_CONTROL2_WRITABLE 0xffdfu
#define LINK_CAPABILITIES2 0x0000000eu
#define LINK_CONTROL2 0x0003u

/* Extended: id, version, next. No error ever happens, so status is zero. */
#define AER 0x100u
#define AER_HEADER 0x00020001u
#define AER_MASK 0x108u
#define AER_SEVERITY 0x10cu
#define AER_CORRECTABLE_MASK 0x114u
#define AER_CONTROL 0x118u
#define AER_DEFINED 0x03fff030u
#define AER_MASK_INITIAL 0x00400000u
#define AER_SEVERITY_INITIAL 0x00462030u
#define AER_CORRECTABLE_DEFINED 0x0000f1c1u
#define AER_CORRECTABLE_INITIAL 0x0000e000u
/* ECRC can be made and checked; the two enables can be written. */
#define AER_CONTROL_INITIAL 0x000000a0u
#define AER_CONTROL_WRITABLE 0x00000140u

#define PASID_BITS_MOST 20u
#define BAR_LEAST 16u
#define BAR_MOST_32 (UINT64_C(1) << 31)

/* All that can be in front of the extended space fits. */
_Static_assert(HEADER_END + PM_LENGTH + MSI_LENGTH + MSIX_LENGTH +
	       EXPRESS_LENGTH <= AER, "capabilities fit");
_Static_assert(AER_CONTROL + 4 <= IOAS_PCI_CONFIG_STORED, "AER is stored");

/* ---- bytes -------------------------------------------------------------- */

static uint32_t get(const struct ioas_pci_config *cfg, unsigned int pos,
		    unsigned int width)
{
	uint32_t value = 0;

	for (unsigned int i = width; i--;)
		value = value << 8 | cfg->space[pos + i];
	return value;
}

static void put(struct ioas_pci_config *cfg, unsigned int pos,
		unsigned int width, uint32_t value)
{
	for (unsigned int i = 0; i < width; i++, value >>= 8)
		cfg->space[pos + i] = (uint8_t)value;
}

/* A register: its value, and what of it a write changes. */
static void define(struct ioas_pci_config *cfg, unsigned int pos,
		   unsigned int width, uint32_t value, uint32_t writable)
{
	put(cfg, pos, width, value);
	for (unsigned int i = 0; i < width; i++, writable >>= 8)
		cfg->mask[pos + i] = (uint8_t)writable;
}

/* ---- what an identity may be -------------------------------------------- */

static bool bar_possible(const struct ioas_identity *id, unsigned int i)
{
	const struct ioas_bar *bar = &id->bar[i];
	uint64_t last;

	if (!bar->size)
		return true;
	if (!ioas_is_pow2(bar->size) || bar->size < BAR_LEAST)
		return false;
	if (bar->flags & IOAS_BAR_64) {
		if (i + 1 == IOAS_MODEL_BARS || id->bar[i + 1].size)
			return false;
	} else if (bar->size > BAR_MOST_32) {
		return false;
	}
	if (!bar->exact_length)
		return true;
	return ioas_last(bar->exact_first, bar->exact_length, &last) &&
	       last < bar->size;
}

static bool msix_possible(const struct ioas_identity *id)
{
	const uint64_t table = id->msix_table, pba = id->msix_pba;
	const uint64_t table_end = table + (uint64_t)id->vectors * MSIX_ENTRY;
	const uint64_t pba_end = pba + (id->vectors + UINT64_C(63)) / 64 * 8;
	uint64_t size;

	if (!id->vectors)
		return true;
	if (id->vectors > IOAS_MODEL_VECTORS || id->msix_bar >= IOAS_MODEL_BARS)
		return false;
	/* The low three bits say which BAR. */
	if (table % 8 || pba % 8)
		return false;
	size = id->bar[id->msix_bar].size;
	if (table_end > size || pba_end > size)
		return false;
	return table_end <= pba || pba_end <= table;
}

const char *ioas_pci_identity_wrong(const struct ioas_identity *id)
{
	for (unsigned int i = 0; i < IOAS_MODEL_BARS; i++) {
		if (!bar_possible(id, i))
			return "bar: a size or a part of one that cannot be";
	}
	if (id->msi && (!ioas_is_pow2(id->msi) || id->msi > MSI_MOST))
		return "msi: not a power of two up to 32";
	if (!msix_possible(id))
		return "vectors: too many, or table and pending bits are not "
		       "in a BAR";
	if (id->class_code > 0xffffff)
		return "class_code: more than 24 bits";
	if (id->pasid_bits > PASID_BITS_MOST)
		return "pasid_bits: more than 20";
	return NULL;
}

/* ---- layout ------------------------------------------------------------- */

static void build_bar(struct ioas_pci_config *cfg, unsigned int i)
{
	const struct ioas_bar *bar = &cfg->id.bar[i];
	const uint64_t address = cfg->address[i] & ~(bar->size - 1);
	const uint64_t writable = ~(bar->size - 1);
	const unsigned int pos = BAR0 + 4 * i;
	uint32_t flags = 0;

	if (!bar->size)
		return;
	if (bar->flags & IOAS_BAR_PREFETCH)
		flags |= BAR_PREFETCH;
	if (bar->flags & IOAS_BAR_64) {
		flags |= BAR_TYPE_64;
		define(cfg, pos + 4, 4, (uint32_t)(address >> 32),
		       (uint32_t)(writable >> 32));
	}
	define(cfg, pos, 4, (uint32_t)address | flags,
	       (uint32_t)writable & ~BAR_FLAGS);
}

static void build_header(struct ioas_pci_config *cfg)
{
	const struct ioas_identity *id = &cfg->id;

	define(cfg, VENDOR, 2, id->vendor, 0);
	define(cfg, DEVICE, 2, id->device, 0);
	define(cfg, COMMAND, 2, COMMAND_MEMORY, COMMAND_WRITABLE);
	define(cfg, STATUS, 2,
	       STATUS_CAPABILITIES | (cfg->asserted ? STATUS_INTERRUPT : 0), 0);
	define(cfg, REVISION, 1, id->revision, 0);
	define(cfg, CLASS, 3, id->class_code, 0);
	define(cfg, CACHE_LINE, 1, 0, 0xff);
	for (unsigned int i = 0; i < IOAS_MODEL_BARS; i++)
		build_bar(cfg, i);
	define(cfg, SUBSYSTEM_VENDOR, 2, id->subsystem_vendor, 0);
	define(cfg, SUBSYSTEM, 2, id->subsystem, 0);
	define(cfg, INTERRUPT_LINE, 1, 0, 0xff);
	define(cfg, INTERRUPT_PIN, 1, id->intx ? 1 : 0, 0);
}

/*
 * Links @length bytes of a capability at *@free into the list, whose last
 * pointer so far is at *@link. Return: where it is.
 */
static uint8_t build_capability(struct ioas_pci_config *cfg, uint8_t *free,
				uint8_t *link, uint8_t id, uint8_t length)
{
	const uint8_t pos = *free;

	put(cfg, *link, 1, pos);
	put(cfg, pos, 1, id);
	*link = (uint8_t)(pos + 1);
	*free = (uint8_t)(pos + length);
	return pos;
}

static void build_msi(struct ioas_pci_config *cfg, unsigned int pos)
{
	const uint32_t capable = ioas_log2(cfg->id.msi);

	define(cfg, pos + MSI_CONTROL, 2,
	       MSI_64 | capable << MSI_CAPABLE_SHIFT, MSI_VECTORS);
	define(cfg, pos + MSI_ADDRESS, 4, 0, ~3u);
	define(cfg, pos + MSI_ADDRESS_HIGH, 4, 0, ~0u);
	define(cfg, pos + MSI_DATA, 2, 0, 0xffff);
}

static void build_msix(struct ioas_pci_config *cfg, unsigned int pos)
{
	const struct ioas_identity *id = &cfg->id;

	define(cfg, pos + MSIX_CONTROL, 2, id->vectors - 1u, 0);
	define(cfg, pos + MSIX_TABLE, 4, id->msix_table | id->msix_bar, 0);
	define(cfg, pos + MSIX_PBA, 4, id->msix_pba | id->msix_bar, 0);
}

static void build_express(struct ioas_pci_config *cfg, unsigned int pos)
{
	const bool flr = cfg->ops && cfg->ops->reset;

	define(cfg, pos + EXPRESS_FLAGS, 2, 2, 0);
	define(cfg, pos + EXPRESS_DEVICE, 4,
	       DEVICE_CAPABILITIES | (flr ? DEVICE_FLR : 0), 0);
	define(cfg, pos + EXPRESS_DEVICE_CONTROL, 2, DEVICE_CONTROL,
	       DEVICE_CONTROL_WRITABLE);
	define(cfg, pos + EXPRESS_LINK, 4, LINK_CAPABILITIES, 0);
	define(cfg, pos + EXPRESS_LINK_CONTROL, 2, LINK_CONTROL, 0);
	define(cfg, pos + EXPRESS_LINK_STATUS, 2, LINK_STATUS, 0);
	define(cfg, pos + EXPRESS_DEVICE2, 4, DEVICE_CAPABILITIES2, 0);
	define(cfg, pos + EXPRESS_DEVICE_CONTROL2, 2, 0,
	       DEVICE_CONTROL2_WRITABLE);
	define(cfg, pos + EXPRESS_LINK2, 4, LINK_CAPABILITIES2, 0);
	define(cfg, pos + EXPRESS_LINK_CONTROL2, 2, LINK_CONTROL2, 0);
}

static void build_capabilities(struct ioas_pci_config *cfg)
{
	uint8_t free = HEADER_END, link = CAPABILITIES;

	cfg->pm = build_capability(cfg, &free, &link, CAP_PM, PM_LENGTH);
	define(cfg, cfg->pm + PM_CAPABILITIES, 2, PM_VERSION, 0);
	define(cfg, cfg->pm + PM_CONTROL, 2, PM_NO_SOFT_RESET, PM_STATE);
	if (cfg->id.msi) {
		cfg->msi = build_capability(cfg, &free, &link, CAP_MSI,
					    MSI_LENGTH);
		build_msi(cfg, cfg->msi);
	}
	if (cfg->id.vectors) {
		cfg->msix = build_capability(cfg, &free, &link, CAP_MSIX,
					     MSIX_LENGTH);
		build_msix(cfg, cfg->msix);
	}
	cfg->express = build_capability(cfg, &free, &link, CAP_EXPRESS,
					EXPRESS_LENGTH);
	build_express(cfg, cfg->express);
}

static void build_extended(struct ioas_pci_config *cfg)
{
	define(cfg, AER, 4, AER_HEADER, 0);
	define(cfg, AER_MASK, 4, AER_MASK_INITIAL, AER_DEFINED);
	define(cfg, AER_SEVERITY, 4, AER_SEVERITY_INITIAL, AER_DEFINED);
	define(cfg, AER_CORRECTABLE_MASK, 4, AER_CORRECTABLE_INITIAL,
	       AER_CORRECTABLE_DEFINED);
	define(cfg, AER_CONTROL, 4, AER_CONTROL_INITIAL, AER_CONTROL_WRITABLE);
}

static void build(struct ioas_pci_config *cfg)
{
	memset(cfg->space, 0, sizeof(cfg->space));
	memset(cfg->mask, 0, sizeof(cfg->mask));
	build_header(cfg);
	build_capabilities(cfg);
	build_extended(cfg);
	ioas_pci_config_set_msi(cfg, cfg->enabled);
}

/* ---- what registers cause ----------------------------------------------- */

static struct ioas_pci_effect effect(const struct ioas_pci_config *cfg)
{
	const uint32_t command = get(cfg, COMMAND, 2);
	const uint8_t power = cfg->space[cfg->pm + PM_CONTROL] & PM_STATE;

	return (struct ioas_pci_effect){
		.memory = power == D0 && (command & COMMAND_MEMORY),
		.bus_master = power == D0 && (command & COMMAND_BUS_MASTER),
		.intx_disabled = command & COMMAND_INTX_DISABLE,
		.power = power,
	};
}

static void tell_memory(struct ioas_pci_config *cfg, bool on)
{
	cfg->told.memory = on;
	if (cfg->ops && cfg->ops->memory)
		cfg->ops->memory(cfg->ctx, on);
}

static void tell_bus_master(struct ioas_pci_config *cfg, bool on)
{
	cfg->told.bus_master = on;
	if (cfg->ops && cfg->ops->bus_master)
		cfg->ops->bus_master(cfg->ctx, on);
}

static void tell_intx(struct ioas_pci_config *cfg, bool disabled)
{
	cfg->told.intx_disabled = disabled;
	if (cfg->ops && cfg->ops->intx)
		cfg->ops->intx(cfg->ctx, disabled);
}

static void tell_power(struct ioas_pci_config *cfg, uint8_t state)
{
	cfg->told.power = state;
	if (cfg->ops && cfg->ops->power)
		cfg->ops->power(cfg->ctx, state);
}

/* What ends is told before the power goes, what begins after it is there. */
static void settle(struct ioas_pci_config *cfg)
{
	const struct ioas_pci_effect now = effect(cfg);

	if (cfg->told.bus_master && !now.bus_master)
		tell_bus_master(cfg, false);
	if (cfg->told.memory && !now.memory)
		tell_memory(cfg, false);
	if (cfg->told.power != now.power)
		tell_power(cfg, now.power);
	if (!cfg->told.memory && now.memory)
		tell_memory(cfg, true);
	if (!cfg->told.bus_master && now.bus_master)
		tell_bus_master(cfg, true);
	if (cfg->told.intx_disabled != now.intx_disabled)
		tell_intx(cfg, now.intx_disabled);
}

/* ---- pieces ------------------------------------------------------------- */

/* Bytes of the next piece: 4, 2 or 1. */
static unsigned int piece(uint64_t pos, size_t left)
{
	unsigned int n = 4;

	while (pos % n || n > left)
		n /= 2;
	return n;
}

static void drop_missing_power_state(struct ioas_pci_config *cfg, uint8_t old)
{
	uint8_t *control = &cfg->space[cfg->pm + PM_CONTROL];
	const uint8_t state = *control & PM_STATE;

	if (state != D0 && state != D3)
		*control = (uint8_t)((*control & ~PM_STATE) | (old & PM_STATE));
}

static void bound_msi_vectors(struct ioas_pci_config *cfg)
{
	const unsigned int pos = cfg->msi + MSI_CONTROL;
	const uint32_t capable = ioas_log2(cfg->id.msi);
	uint32_t control = get(cfg, pos, 2);

	if ((control & MSI_VECTORS) >> MSI_VECTORS_SHIFT <= capable)
		return;
	control = (control & ~MSI_VECTORS) | capable << MSI_VECTORS_SHIFT;
	put(cfg, pos, 2, control);
}

/* The byte of a piece that lies at @at; 0 if none does. */
static uint8_t byte_at(unsigned int pos, const uint8_t *bytes, unsigned int n,
		       unsigned int at)
{
	return at >= pos && at - pos < n ? bytes[at - pos] : 0;
}

static void write_piece(struct ioas_pci_config *cfg, unsigned int pos,
			const uint8_t *bytes, unsigned int n)
{
	const uint8_t power = cfg->space[cfg->pm + PM_CONTROL];
	const unsigned int flr_at = cfg->express + EXPRESS_DEVICE_CONTROL + 1u;

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t mask = cfg->mask[pos + i];
		uint8_t *byte = &cfg->space[pos + i];

		*byte = (uint8_t)((*byte & ~mask) | (bytes[i] & mask));
	}
	drop_missing_power_state(cfg, power);
	if (cfg->msi)
		bound_msi_vectors(cfg);
	settle(cfg);
	if (byte_at(pos, bytes, n, flr_at) & DEVICE_CONTROL_FLR >> 8 &&
	    cfg->ops && cfg->ops->reset)
		cfg->ops->reset(cfg->ctx);
}

static bool inside(uint64_t pos, size_t count)
{
	return pos < IOAS_PCI_CONFIG_SIZE &&
	       count <= IOAS_PCI_CONFIG_SIZE - pos;
}

/* ---- calls -------------------------------------------------------------- */

int ioas_pci_config_init(struct ioas_pci_config *cfg,
			 const struct ioas_identity *id,
			 const struct ioas_pci_config_ops *ops, void *ctx)
{
	if (ioas_pci_identity_wrong(id))
		return -EINVAL;
	memset(cfg, 0, sizeof(*cfg));
	cfg->id = *id;
	cfg->ops = ops;
	cfg->ctx = ctx;
	build(cfg);
	cfg->told = effect(cfg);
	return 0;
}

void ioas_pci_config_place(struct ioas_pci_config *cfg,
			   const uint64_t address[IOAS_MODEL_BARS])
{
	for (unsigned int i = 0; i < IOAS_MODEL_BARS; i++) {
		cfg->address[i] = address[i];
		build_bar(cfg, i);
	}
}

/* No register changes by being read: in pieces or not is the same. */
int ioas_pci_config_read(const struct ioas_pci_config *cfg, uint64_t pos,
			 void *buf, size_t count)
{
	uint8_t *bytes = buf;

	if (!inside(pos, count))
		return -EFAULT;
	for (size_t i = 0; i < count; i++) {
		const size_t at = (size_t)pos + i;

		bytes[i] = at < IOAS_PCI_CONFIG_STORED ? cfg->space[at] : 0;
	}
	return 0;
}

int ioas_pci_config_write(struct ioas_pci_config *cfg, uint64_t pos,
			  const void *buf, size_t count)
{
	const uint8_t *bytes = buf;

	if (!inside(pos, count))
		return -EFAULT;
	while (count && pos < IOAS_PCI_CONFIG_STORED) {
		const unsigned int n = piece(pos, count);

		write_piece(cfg, (unsigned int)pos, bytes, n);
		pos += n;
		bytes += n;
		count -= n;
	}
	return 0;
}

void ioas_pci_config_reset(struct ioas_pci_config *cfg)
{
	cfg->space[cfg->pm + PM_CONTROL] &= (uint8_t)~PM_STATE;
	settle(cfg);
}

void ioas_pci_config_restore(struct ioas_pci_config *cfg)
{
	cfg->enabled = IOAS_PCI_MSI_NONE;
	build(cfg);
	settle(cfg);
}

void ioas_pci_config_set_msi(struct ioas_pci_config *cfg,
			     enum ioas_pci_msi enabled)
{
	const unsigned int msi = cfg->msi + MSI_CONTROL;
	const unsigned int msix = cfg->msix + MSIX_CONTROL;

	cfg->enabled = enabled;
	if (cfg->msi)
		put(cfg, msi, 2, (get(cfg, msi, 2) & ~MSI_ENABLE) |
		    (enabled == IOAS_PCI_MSI_MSI ? MSI_ENABLE : 0));
	if (cfg->msix)
		put(cfg, msix, 2, (get(cfg, msix, 2) & ~MSIX_ENABLE) |
		    (enabled == IOAS_PCI_MSI_MSIX ? MSIX_ENABLE : 0));
}

void ioas_pci_config_set_intx(struct ioas_pci_config *cfg, bool asserted)
{
	const uint32_t status = get(cfg, STATUS, 2) & ~STATUS_INTERRUPT;

	cfg->asserted = asserted;
	put(cfg, STATUS, 2, status | (asserted ? STATUS_INTERRUPT : 0));
}

bool ioas_pci_config_memory_enabled(const struct ioas_pci_config *cfg)
{
	return effect(cfg).memory;
}

bool ioas_pci_config_bus_master(const struct ioas_pci_config *cfg)
{
	return effect(cfg).bus_master;
}

bool ioas_pci_config_intx_disabled(const struct ioas_pci_config *cfg)
{
	return effect(cfg).intx_disabled;
}

unsigned int ioas_pci_config_power_state(const struct ioas_pci_config *cfg)
{
	return effect(cfg).power;
}
