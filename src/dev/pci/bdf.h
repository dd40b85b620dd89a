/* SPDX-License-Identifier: MIT */
/*
 * bdf: where a function is: its name on the bus, the addresses of its BARs
 *
 *     0000:01:00.0        segment, bus, slot, function
 *
 * Addresses are what a driver finds in the BARs and in sysfs. Nothing is there;
 * but they look as those of a machine do and no two of a run overlap.
 */
#ifndef IOAS_DEV_PCI_BDF_H
#define IOAS_DEV_PCI_BDF_H

#include <ioas/dev/model.h>
#include <stdbool.h>
#include <stdint.h>

struct ioas_pci_bdf {
	uint16_t segment;
	uint8_t bus;
	/* Below 32 and below 8. */
	uint8_t slot;
	uint8_t function;
};

/* "0000:01:00.0" and the zero at its end. */
#define IOAS_PCI_BDF_ROOM 13

/*
 * Reads "0000:01:00.0", or "01:00.0" of segment 0; digits are hexadecimal, of
 * both cases, and as many as here. Return: 0, or -EINVAL with @bdf unchanged.
 */
int ioas_pci_bdf_parse(const char *text, struct ioas_pci_bdf *bdf);
/* The long form, in small letters. */
void ioas_pci_bdf_format(const struct ioas_pci_bdf *bdf,
			 char text[IOAS_PCI_BDF_ROOM]);
bool ioas_pci_bdf_same(const struct ioas_pci_bdf *a,
		       const struct ioas_pci_bdf *b);

/* What is still free below 4 GiB and above. */
struct ioas_pci_window {
	uint64_t next, end;
	uint64_t next_64, end_64;
};

void ioas_pci_window_init(struct ioas_pci_window *window);
/*
 * Takes the addresses of all BARs of @id, 0 for what is no BAR. Return: 0, or
 * -ENOSPC with @window unchanged.
 */
int ioas_pci_window_place(struct ioas_pci_window *window,
			  const struct ioas_identity *id,
			  uint64_t address[IOAS_MODEL_BARS]);

#endif
