/* SPDX-License-Identifier: MIT */
/*
 * source: the tables that a verb looks at, and what is said of them
 *
 *   --root FILE      a dump of memory: byte 0 of the file is at --base
 *   --vector NAME    the tables of a test vector
 *
 * Both are memory for a walker. Of a dump the command line says the geometry,
 * of a vector the file does.
 */
#ifndef IOAS_TOOLS_SOURCE_H
#define IOAS_TOOLS_SOURCE_H

#include "cmd.h"

#include "walker/walker.h"

/* Groups of options; a verb says which it has. */
enum pt_option_group {
	PT_OPTION_FORMAT = 1u << 0,
	PT_OPTION_GEOMETRY = 1u << 1,
	PT_OPTION_TABLES = 1u << 2,
	PT_OPTION_ACCESS = 1u << 3,
	PT_OPTION_LEVEL = 1u << 4,
	PT_OPTION_ONLY = 1u << 5,
};

/* Numbers that were not given are 0, switches and @format -1. */
struct pt_options {
	bool json;
	bool verbose;
	int format;
	uint64_t levels;
	uint64_t va_bits;
	uint64_t oa_bits;
	uint64_t granule; /* bytes */
	int sign_extend;
	int contiguous;
	int dirty;
	int s2fwb;
	uint64_t c_bit; /* mask */
	bool has_geometry; /* one of those above but for @format */
	const char *root_file;
	uint64_t base;
	bool has_base;
	uint64_t root_pa;
	bool has_root_pa;
	const char *vector;
	const char *vectors_file;
	uint32_t access;
	uint64_t level;
	const char *only;
};

/*
 * pt_options_parse() - options of a verb; operands are then argv[optind] on
 * @groups: enum pt_option_group
 * Return: -1, or the status to exit with.
 */
int ioas_pt_options_parse(int argc, char **argv, unsigned int groups,
			  const char *help, struct pt_options *o);

/*
 * A walker as the options say, with what the format makes of the rest; no root
 * yet. Return: IOAS_EXIT_DONE, or misused.
 */
int ioas_pt_geometry(const struct pt_options *o, struct walker_config *cfg);

struct pt_source {
	struct walker_config cfg;
	struct walker_memory mem;
	const char *name; /* for messages */
	struct vectors *vectors;
	struct pt_image *image;
};

/* Return: an enum ioas_exit; if done, close it. */
int ioas_pt_source_open(const struct pt_options *o, struct pt_source *s);
void ioas_pt_source_close(struct pt_source *s);

/* The file of vectors that is meant if none is named; NULL: there is none. */
const char *ioas_pt_default_vectors(void);

/* A dump as memory for walkers. NULL after an error. */
struct pt_image *ioas_pt_image_open(const char *path, uint64_t base,
				    struct walker_memory *mem);
void ioas_pt_image_close(struct pt_image *image);

#endif
