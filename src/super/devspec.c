/* SPDX-License-Identifier: MIT */
/*
 * devspec: --device, from text to functions
 *
 *   texts --split--> requests --times count--> functions --numbers--> complete
 */
#include "super/devspec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "dev/models.h"
#include "dev/pci/sysfs.h"
#include "super/plugin.h"

const struct ioas_model *const ioas_devspec_models[] = {
	&ioas_model_nvme,
	&ioas_model_dma,
	NULL,
};

enum common {
	COMMON_ADDR,
	COMMON_COUNT,
	COMMON_GROUP,
	COMMON_VFIO,
	COMMON_VENDOR,
	COMMON_DEVICE,
	COMMON_SUBVENDOR,
	COMMON_SUBDEVICE,
	NR_COMMON
};

const struct ioas_model_option ioas_devspec_options[] = {
	[COMMON_ADDR] = { "addr", "BDF",
			  "address; the first is 0000:01:00.0" },
	[COMMON_COUNT] = { "count", "N",
			   "so many of them; addresses and numbers count up" },
	[COMMON_GROUP] = { "group", "G",
			   "IOMMU group; without it, one of its own" },
	[COMMON_VFIO] = { "vfio", "N", "N of /dev/vfio/devices/vfioN" },
	[COMMON_VENDOR] = { "vendor", "ID", "instead of the model's, in hex" },
	[COMMON_DEVICE] = { "device", "ID", "the same" },
	[COMMON_SUBVENDOR] = { "subvendor", "ID", "the same" },
	[COMMON_SUBDEVICE] = { "subdevice", "ID", "the same" },
	[NR_COMMON] = { NULL, NULL, NULL },
};

/* One --device. */
struct request {
	/* As given. */
	const char *name;
	const struct ioas_model *model;
	struct ioas_model_setting *settings;
	size_t nr_settings;
	/* NULL: not given. */
	const char *given[NR_COMMON];
	unsigned int count;
	struct ioas_pci_bdf bdf;
	unsigned int vfio;
	unsigned int group;
	uint16_t ids[4];
};

struct parse {
	struct ioas_devspecs *out;
	char *why;
	size_t room;
	struct request *requests;
	size_t nr;
};

/* ---- models ------------------------------------------------------------- */

static int no_model(const char *name, char *why, size_t room)
{
	const size_t length = strlen(name);
	size_t at = 0;
	int n;

	if (length > 3 && !strcmp(name + length - 3, ".so")) {
		snprintf(why, room, "no such model; a file has a slash: ./%s",
			 name);
		return -EINVAL;
	}
	n = snprintf(why, room, "no %smodel; there are", *name ? "such " : "");
	for (size_t i = 0; n > 0 && ioas_devspec_models[i]; i++) {
		at += (size_t)n;
		if (at >= room)
			break;
		n = snprintf(why + at, room - at, "%s %s", i ? "," : "",
			     ioas_devspec_models[i]->name);
	}
	return -EINVAL;
}

int ioas_devspec_model(const char *name, const struct ioas_model **out,
		       char *why, size_t room)
{
	if (strchr(name, '/'))
		return ioas_plugin_load(name, out, why, room);
	for (size_t i = 0; ioas_devspec_models[i]; i++) {
		if (strcmp(ioas_devspec_models[i]->name, name))
			continue;
		*out = ioas_devspec_models[i];
		return 0;
	}
	return no_model(name, why, room);
}

/* ---- errors ------------------------------------------------------------- */

static int no_memory(const struct parse *p)
{
	snprintf(p->why, p->room, "--device: out of memory");
	return -ENOMEM;
}

/* "--device nvme: " and what is wrong. */
__attribute__((format(printf, 3, 4)))
static int refuse(const struct parse *p, const struct ioas_model *model,
		  const char *format, ...)
{
	const int n = snprintf(p->why, p->room, "--device %s: ", model->name);
	va_list args;

	va_start(args, format);
	if (n > 0 && (size_t)n < p->room)
		vsnprintf(p->why + n, p->room - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- values ------------------------------------------------------------- */

/* Decimal, at most @most. */
static bool parse_number(const char *text, unsigned int least,
			 unsigned int most, unsigned int *value)
{
	unsigned int n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n > most)
			return false;
	}
	*value = n;
	return n >= least;
}

/*
 * As lspci shows it: hexadecimal digits, with 0x or without. All ones mean that
 * there is no function, and zero is ours for "not given".
 */
static bool parse_id(const char *text, uint16_t *id)
{
	const char *digits = text;
	size_t length;
	unsigned long n;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		digits += 2;
	length = strlen(digits);
	if (!length || length > 4 ||
	    strspn(digits, "0123456789abcdefABCDEF") != length)
		return false;
	n = strtoul(digits, NULL, 16);
	*id = (uint16_t)n;
	return n && n != 0xffff;
}

static int parse_common(const struct parse *p, struct request *rq,
			enum common which, const char *value)
{
	const struct ioas_model_option *o = &ioas_devspec_options[which];

	if (rq->given[which])
		return refuse(p, rq->model, "%s=%s: given twice", o->name,
			      value);
	rq->given[which] = value;
	switch (which) {
	case COMMON_ADDR:
		if (!ioas_pci_bdf_parse(value, &rq->bdf))
			return 0;
		return refuse(p, rq->model,
			      "addr=%s: not an address such as 0000:01:00.0",
			      value);
	case COMMON_COUNT:
		if (parse_number(value, 1, IOAS_SYSFS_FUNCTIONS, &rq->count))
			return 0;
		return refuse(p, rq->model,
			      "count=%s: not a number from 1 to %u", value,
			      IOAS_SYSFS_FUNCTIONS);
	case COMMON_GROUP:
	case COMMON_VFIO:
		if (parse_number(value, 0, IOAS_DEVSPEC_NUMBERS - 1,
				 which == COMMON_VFIO ? &rq->vfio : &rq->group))
			return 0;
		return refuse(p, rq->model, "%s=%s: not a number up to %u",
			      o->name, value, IOAS_DEVSPEC_NUMBERS - 1);
	default:
		if (parse_id(value, &rq->ids[which - COMMON_VENDOR]))
			return 0;
		return refuse(p, rq->model,
			      "%s=%s: not a hexadecimal number from 1 to fffe",
			      o->name, value);
	}
}

/* ---- one --device ------------------------------------------------------- */

/* Up to a comma, which becomes its end; *@at is what follows, or NULL. */
static char *next_piece(char **at)
{
	char *piece = *at, *from = *at, *to = *at;

	while (*from && (*from != ',' || from[1] == ',')) {
		from += *from == ',';
		*to++ = *from++;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return piece;
}

static const struct ioas_model_option *
find_option(const struct ioas_model_option *options, const char *name)
{
	for (; options && options->name; options++)
		if (!strcmp(options->name, name))
			return options;
	return NULL;
}

static int parse_option(const struct parse *p, struct request *rq, char *piece)
{
	const struct ioas_model_option *ours, *o;
	char *value = strchr(piece, '=');

	if (value)
		*value++ = '\0';
	ours = find_option(ioas_devspec_options, piece);
	o = ours ? ours : find_option(rq->model->options, piece);
	if (!o)
		return refuse(p, rq->model,
			      "%s: no such option; see \"ioas devices %s\"",
			      *piece ? piece : "\"\"", rq->name);
	if (o->value && !value)
		return refuse(p, rq->model, "%s: wants a value: %s=%s", piece,
			      piece, o->value);
	if (!o->value && value)
		return refuse(p, rq->model, "%s=%s: %s takes no value", piece,
			      value, piece);
	if (ours)
		return parse_common(p, rq,
				    (enum common)(ours - ioas_devspec_options),
				    value);
	rq->settings[rq->nr_settings++] = (struct ioas_model_setting){
		.name = o->name,
		.value = value ? value : "",
	};
	return 0;
}

static int parse_model(const struct parse *p, struct request *rq,
		       const char *name)
{
	char why[300];
	const int ret = ioas_devspec_model(name, &rq->model, why, sizeof(why));

	rq->name = name;
	if (ret)
		snprintf(p->why, p->room, "--device%s%s: %s", *name ? " " : "",
			 name, why);
	return ret;
}

/* @text is cut up. */
static int parse_request(const struct parse *p, struct request *rq, char *text)
{
	size_t pieces = 1;
	char *at = text;
	int ret;

	for (const char *c = text; *c; c++)
		pieces += *c == ',';
	rq->count = 1;
	ret = parse_model(p, rq, next_piece(&at));
	if (ret)
		return ret;
	rq->settings = calloc(pieces, sizeof(*rq->settings));
	if (!rq->settings)
		return no_memory(p);
	while (at && !ret)
		ret = parse_option(p, rq, next_piece(&at));
	return ret;
}

/* ---- functions ---------------------------------------------------------- */

/* What each must have for itself, and is not told. */
static int take_settings(const struct parse *p, const struct request *rq,
			 struct ioas_devspec *f, size_t index)
{
	f->settings = calloc(rq->nr_settings + 1, sizeof(*f->settings));
	if (!f->settings)
		return no_memory(p);
	for (size_t i = 0; i < rq->nr_settings; i++) {
		f->settings[i] = rq->settings[i];
		if (strcmp(rq->settings[i].name, "serial"))
			continue;
		if (rq->count > 1)
			return refuse(p, rq->model,
				      "serial=%s: not with count=, as each has "
				      "its own",
				      rq->settings[i].value);
		index = SIZE_MAX;
	}
	f->nr_settings = rq->nr_settings;
	/* Systems take two disks with one serial number for one disk. */
	if (index == SIZE_MAX || !find_option(rq->model->options, "serial"))
		return 0;
	snprintf(f->serial, sizeof(f->serial), "IOAS%04u",
		 (unsigned int)index + 1);
	f->settings[f->nr_settings++] = (struct ioas_model_setting){
		.name = "serial",
		.value = f->serial,
	};
	return 0;
}

static int take_given(const struct parse *p, const struct request *rq,
		      struct ioas_devspec *f, unsigned int i)
{
	f->has_addr = rq->given[COMMON_ADDR];
	f->has_vfio = rq->given[COMMON_VFIO];
	f->has_group = rq->given[COMMON_GROUP];
	if (f->has_addr && rq->bdf.bus + i > 0xff)
		return refuse(p, rq->model,
			      "addr=%s: too few buses above for count=%u",
			      rq->given[COMMON_ADDR], rq->count);
	if (f->has_vfio && rq->vfio + i >= IOAS_DEVSPEC_NUMBERS)
		return refuse(p, rq->model,
			      "vfio=%s: too few numbers above for count=%u",
			      rq->given[COMMON_VFIO], rq->count);
	f->bdf = rq->bdf;
	f->bdf.bus = (uint8_t)(rq->bdf.bus + i);
	f->vfio = rq->vfio + i;
	f->group = rq->group;
	f->vendor = rq->ids[0];
	f->device = rq->ids[1];
	f->subvendor = rq->ids[2];
	f->subdevice = rq->ids[3];
	return 0;
}

/* All functions of @rq. */
static int take_request(const struct parse *p, const struct request *rq)
{
	int ret = 0;

	for (unsigned int i = 0; i < rq->count && !ret; i++) {
		struct ioas_devspec *f = &p->out->all[p->out->nr];

		f->model = rq->model;
		ret = take_settings(p, rq, f, p->out->nr++);
		if (!ret)
			ret = take_given(p, rq, f, i);
	}
	return ret;
}

/* ---- numbers ------------------------------------------------------------ */

static const struct ioas_devspec *
find_addr(const struct ioas_devspecs *s, const struct ioas_pci_bdf *bdf)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->all[i].has_addr &&
		    ioas_pci_bdf_same(&s->all[i].bdf, bdf))
			return &s->all[i];
	return NULL;
}

static const struct ioas_devspec *find_vfio(const struct ioas_devspecs *s,
					    unsigned int vfio)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->all[i].has_vfio && s->all[i].vfio == vfio)
			return &s->all[i];
	return NULL;
}

static bool group_taken(const struct ioas_devspecs *s, unsigned int group)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->all[i].has_group && s->all[i].group == group)
			return true;
	return false;
}

/* What is given must not be given twice. */
static int check_given(const struct parse *p)
{
	char bdf[IOAS_PCI_BDF_ROOM];

	for (size_t i = 0; i < p->out->nr; i++) {
		const struct ioas_devspec *f = &p->out->all[i];

		ioas_pci_bdf_format(&f->bdf, bdf);
		if (f->has_addr && find_addr(p->out, &f->bdf) != f)
			return refuse(p, f->model,
				      "addr=%s: another function has it", bdf);
		if (f->has_vfio && find_vfio(p->out, f->vfio) != f)
			return refuse(p, f->model,
				      "vfio=%u: another function has it",
				      f->vfio);
	}
	return 0;
}

/* There are more buses and numbers than functions. */
static void take_defaults(struct ioas_devspecs *s)
{
	unsigned int bus = 1, vfio = 0, group = 0;

	for (size_t i = 0; i < s->nr; i++) {
		struct ioas_devspec *f = &s->all[i];

		for (; !f->has_addr; bus++) {
			f->bdf = (struct ioas_pci_bdf){
				.segment = (uint16_t)(bus >> 8),
				.bus = (uint8_t)bus,
			};
			f->has_addr = !find_addr(s, &f->bdf);
		}
		for (; !f->has_vfio; vfio++) {
			f->vfio = vfio;
			f->has_vfio = !find_vfio(s, vfio);
		}
		for (; !f->has_group; group++) {
			f->group = group;
			f->has_group = !group_taken(s, group);
		}
	}
}

/* ---- all of them -------------------------------------------------------- */

static int parse_all(struct parse *p, const char *const *texts, size_t nr)
{
	size_t functions = 0;
	int ret = 0;

	for (; p->nr < nr && !ret; p->nr++) {
		char *copy = strdup(texts[p->nr]);

		if (!copy)
			return no_memory(p);
		p->out->texts[p->out->nr_texts++] = copy;
		ret = parse_request(p, &p->requests[p->nr], copy);
		functions += p->requests[p->nr].count;
	}
	if (ret)
		return ret;
	if (functions > IOAS_SYSFS_FUNCTIONS)
		return refuse(p, p->requests[nr - 1].model,
			      "%zu functions in all; the most is %u", functions,
			      IOAS_SYSFS_FUNCTIONS);
	p->out->all = calloc(functions, sizeof(*p->out->all));
	if (!p->out->all)
		return no_memory(p);
	for (size_t i = 0; i < nr && !ret; i++)
		ret = take_request(p, &p->requests[i]);
	if (!ret)
		ret = check_given(p);
	if (!ret)
		take_defaults(p->out);
	return ret;
}

int ioas_devspecs_parse(const char *const *texts, size_t nr,
			struct ioas_devspecs *out, char *why, size_t room)
{
	struct parse p = { .out = out, .why = why, .room = room };
	int ret;

	*out = (struct ioas_devspecs){ .nr = 0 };
	if (!nr)
		return 0;
	p.requests = calloc(nr, sizeof(*p.requests));
	out->texts = calloc(nr, sizeof(*out->texts));
	ret = p.requests && out->texts ? parse_all(&p, texts, nr) :
					 no_memory(&p);
	for (size_t i = 0; p.requests && i < nr; i++)
		free(p.requests[i].settings);
	free(p.requests);
	if (ret)
		ioas_devspecs_fini(out);
	return ret;
}

void ioas_devspecs_fini(struct ioas_devspecs *specs)
{
	for (size_t i = 0; i < specs->nr; i++)
		free(specs->all[i].settings);
	for (size_t i = 0; i < specs->nr_texts; i++)
		free(specs->texts[i]);
	free(specs->all);
	free(specs->texts);
	*specs = (struct ioas_devspecs){ .nr = 0 };
}
