/* SPDX-License-Identifier: MIT */
/*
 * devspec: what --device asks for, understood; no file of a device is opened
 *
 *   "nvme,file=a,,b.img,ro,count=2"      a comma is ",,"
 *        |
 *        |-- model, its settings         nvme, file="a,b.img", ro
 *        |                               (with a slash: a file, plugin.h)
 *        '-- ours, one set per function  0000:01:00.0, vfio0, group 0
 *                                        0000:02:00.0, vfio1, group 1
 *
 * What is not given is the least that nobody has. Whatever the order on the
 * command line: what is given is taken first.
 */
#ifndef IOAS_SUPER_DEVSPEC_H
#define IOAS_SUPER_DEVSPEC_H

#include <ioas/dev/model.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/pci/bdf.h"

/* Numbers of groups and of vfioN are below. */
#define IOAS_DEVSPEC_NUMBERS 65536u

/* One function. */
struct ioas_devspec {
	const struct ioas_model *model;
	/* Of the model, each known to it. */
	struct ioas_model_setting *settings;
	size_t nr_settings;
	struct ioas_pci_bdf bdf;
	unsigned int vfio;
	unsigned int group;
	/* 0: the model's. */
	uint16_t vendor, device, subvendor, subdevice;
	/* Which of the three were given. */
	bool has_addr, has_vfio, has_group;
	/* A default that differs from function to function. */
	char serial[16];
};

struct ioas_devspecs {
	struct ioas_devspec *all;
	size_t nr;
	/* What settings point into. */
	char **texts;
	size_t nr_texts;
};

/* Of ours; the last one is NULL. Options of every one: the last has no name. */
extern const struct ioas_model *const ioas_devspec_models[];
extern const struct ioas_model_option ioas_devspec_options[];
/*
 * The one of that name, or in the file of that name if it has a slash. Return:
 * 0; -EINVAL, with what is wrong with @name in @why.
 */
int ioas_devspec_model(const char *name, const struct ioas_model **out,
		       char *why, size_t room);

/*
 * @texts: @nr of them, as given to --device. Return: 0; -EINVAL or -ENOMEM with
 * a line in @why, which names the option.
 */
int ioas_devspecs_parse(const char *const *texts, size_t nr,
			struct ioas_devspecs *out, char *why, size_t room);
/* Accepts what is all zero. */
void ioas_devspecs_fini(struct ioas_devspecs *specs);

#endif
