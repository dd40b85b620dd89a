/* SPDX-License-Identifier: MIT */
/*
 * bdf: where a function is: its name on the bus, the addresses of its BARs
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "dev/pci/bdf.h"

#define SLOTS 32u
#define FUNCTIONS 8u
/* Where bridges of PCs have their windows. */
#define WINDOW UINT64_C(0xc0000000)
#define WINDOW_END UINT64_C(0xfe000000)
#define WINDOW_64 UINT64_C(0x380000000000)
#define WINDOW_64_END UINT64_C(0x400000000000)

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * @nr digits and the character after them, at *@text, which goes on behind it
 * if that is not the end. Return: their value, or -EINVAL.
 */
static int number(const char **text, unsigned int nr, char after)
{
	int value = 0;

	for (unsigned int i = 0; i < nr; i++) {
		const int d = digit((*text)[i]);

		if (d < 0)
			return -EINVAL;
		value = value * 16 + d;
	}
	if ((*text)[nr] != after)
		return -EINVAL;
	*text += nr + (after ? 1 : 0);
	return value;
}

int ioas_pci_bdf_parse(const char *text, struct ioas_pci_bdf *bdf)
{
	int segment = 0, bus, slot, function;

	if (strlen(text) == IOAS_PCI_BDF_ROOM - 1)
		segment = number(&text, 4, ':');
	if (segment < 0)
		return segment;
	bus = number(&text, 2, ':');
	if (bus < 0)
		return bus;
	slot = number(&text, 2, '.');
	if (slot < 0)
		return slot;
	function = number(&text, 1, '\0');
	if (function < 0)
		return function;
	if (slot >= (int)SLOTS || function >= (int)FUNCTIONS)
		return -EINVAL;
	*bdf = (struct ioas_pci_bdf){
		.segment = (uint16_t)segment,
		.bus = (uint8_t)bus,
		.slot = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	return 0;
}

void ioas_pci_bdf_format(const struct ioas_pci_bdf *bdf,
			 char text[IOAS_PCI_BDF_ROOM])
{
	snprintf(text, IOAS_PCI_BDF_ROOM, "%04x:%02x:%02x.%x", bdf->segment,
		 bdf->bus, bdf->slot % SLOTS, bdf->function % FUNCTIONS);
}

bool ioas_pci_bdf_same(const struct ioas_pci_bdf *a,
		       const struct ioas_pci_bdf *b)
{
	return a->segment == b->segment && a->bus == b->bus &&
	       a->slot == b->slot && a->function == b->function;
}

void ioas_pci_window_init(struct ioas_pci_window *window)
{
	*window = (struct ioas_pci_window){
		.next = WINDOW,
		.end = WINDOW_END,
		.next_64 = WINDOW_64,
		.end_64 = WINDOW_64_END,
	};
}

/* @size bytes from *@next on, a multiple of their size, before @end. */
static bool take(uint64_t *next, uint64_t end, uint64_t size, uint64_t *address)
{
	uint64_t first, last;

	if (!ioas_is_pow2(size) || ioas_add_overflow(*next, size - 1, &first))
		return false;
	first &= ~(size - 1);
	if (!ioas_last(first, size, &last) || last >= end)
		return false;
	*address = first;
	*next = last + 1;
	return true;
}

int ioas_pci_window_place(struct ioas_pci_window *window,
			  const struct ioas_identity *id,
			  uint64_t address[IOAS_MODEL_BARS])
{
	struct ioas_pci_window w = *window;
	uint64_t taken[IOAS_MODEL_BARS] = { 0 };

	for (unsigned int i = 0; i < IOAS_MODEL_BARS; i++) {
		const struct ioas_bar *bar = &id->bar[i];
		const bool wide = bar->flags & IOAS_BAR_64;

		if (!bar->size)
			continue;
		if (!take(wide ? &w.next_64 : &w.next,
			  wide ? w.end_64 : w.end, bar->size, &taken[i]))
			return -ENOSPC;
	}
	*window = w;
	memcpy(address, taken, sizeof(taken));
	return 0;
}
