/* SPDX-License-Identifier: MIT */
/*
 * config: the configuration space of a function
 *
 *     struct ioas_identity --init--> +--------------------+ 0x000
 *                                    | header, BARs       |
 *     driver, pread  <---- read ---- | PM MSI MSI-X PCIe  | 0x040
 *     driver, pwrite ----- write --> |   list of them     |
 *                            |       +--------------------+ 0x100
 *                            |       | AER, then zeroes   |
 *                            v       +--------------------+ 0x1000
 *            ops: memory, bus_master, intx, power, reset
 *
 * Behaves as section 6 of docs/reference/vfio-device-uapi.md says of a function
 * behind VFIO. What hardware would keep and what VFIO keeps are the same bytes
 * here: a bit is either writable or it is not, and writes to what is not are
 * dropped. Not of the program's making but shown to it: that MSI or MSI-X is
 * enabled, which SET_IRQS does, and that INTx is asserted.
 *
 * Nothing is allocated, no C library is needed. No lock: the caller holds that
 * of the function around each call, and ops are called inside of it.
 */
#ifndef IOAS_DEV_PCI_CONFIG_H
#define IOAS_DEV_PCI_CONFIG_H

#include <ioas/dev/model.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the region; those that may be anything but zero. */
#define IOAS_PCI_CONFIG_SIZE 4096u
#define IOAS_PCI_CONFIG_STORED 0x180u

/* The message interrupts that are enabled, if any: one at a time. */
enum ioas_pci_msi {
	IOAS_PCI_MSI_NONE,
	IOAS_PCI_MSI_MSI,
	IOAS_PCI_MSI_MSIX,
};

/*
 * What writes cause, told when it has changed, after the bytes have. Each may
 * be NULL. Only reset may call back here.
 */
struct ioas_pci_config_ops {
	/* BARs answer: memory enable is set and the function in D0. */
	void (*memory)(void *ctx, bool on);
	/* The function may do DMA: bus master is set, and in D0. */
	void (*bus_master)(void *ctx, bool on);
	/* INTx disable. */
	void (*intx)(void *ctx, bool disabled);
	/* Power state 0 (D0) or 3 (D3hot). */
	void (*power)(void *ctx, unsigned int state);
	/*
	 * A function level reset was asked for; the callee does what
	 * VFIO_DEVICE_RESET does, ioas_pci_config_reset() included. NULL: the
	 * function shows no such capability.
	 */
	void (*reset)(void *ctx);
};

/* In and out of D0, what of the command register is in force. */
struct ioas_pci_effect {
	bool memory;
	bool bus_master;
	bool intx_disabled;
	uint8_t power;
};

/* The members are config.c's own. */
struct ioas_pci_config {
	const struct ioas_pci_config_ops *ops;
	void *ctx;
	struct ioas_identity id;
	/* Where the BARs are as long as the driver says nothing else. */
	uint64_t address[IOAS_MODEL_BARS];
	/* Positions of capabilities, 0: there is none. */
	uint8_t pm, msi, msix, express;
	enum ioas_pci_msi enabled;
	/* INTx is asserted. */
	bool asserted;
	/* What ops have heard of. */
	struct ioas_pci_effect told;
	/* What is read; and which of its bits a write changes. */
	uint8_t space[IOAS_PCI_CONFIG_STORED];
	uint8_t mask[IOAS_PCI_CONFIG_STORED];
};

/* What cannot be, field and why, for whoever wrote the model; NULL: it can. */
const char *ioas_pci_identity_wrong(const struct ioas_identity *id);

/*
 * The configuration of @id, which is copied; @ops and @ctx are borrowed. As
 * when a driver opens the function: memory decoding on, bus mastering off, INTx
 * not disabled, D0, BARs at 0; ops hear of later changes only.
 *
 * Return: 0, or -EINVAL: something is wrong with @id.
 */
int ioas_pci_config_init(struct ioas_pci_config *cfg,
			 const struct ioas_identity *id,
			 const struct ioas_pci_config_ops *ops, void *ctx);

/* The BARs are at @address, now and after each restore. */
void ioas_pci_config_place(struct ioas_pci_config *cfg,
			   const uint64_t address[IOAS_MODEL_BARS]);

/*
 * @count bytes from @pos on. Return: 0, or -EFAULT if not all of them are in
 * the space; then nothing is done.
 */
int ioas_pci_config_read(const struct ioas_pci_config *cfg, uint64_t pos,
			 void *buf, size_t count);
int ioas_pci_config_write(struct ioas_pci_config *cfg, uint64_t pos,
			  const void *buf, size_t count);

/*
 * The function was reset: it is in D0; command, BARs and interrupts are what
 * they were, as VFIO restores them.
 */
void ioas_pci_config_reset(struct ioas_pci_config *cfg);
/* The last close: as after init and place, no interrupts are enabled. */
void ioas_pci_config_restore(struct ioas_pci_config *cfg);

/* SET_IRQS has enabled these, and no others. */
void ioas_pci_config_set_msi(struct ioas_pci_config *cfg,
			     enum ioas_pci_msi enabled);
/* The function asserts INTx: shown in the status register. */
void ioas_pci_config_set_intx(struct ioas_pci_config *cfg, bool asserted);

/* In D3 neither. */
bool ioas_pci_config_memory_enabled(const struct ioas_pci_config *cfg);
bool ioas_pci_config_bus_master(const struct ioas_pci_config *cfg);
bool ioas_pci_config_intx_disabled(const struct ioas_pci_config *cfg);
/* 0 or 3. */
unsigned int ioas_pci_config_power_state(const struct ioas_pci_config *cfg);

#endif
