/* SPDX-License-Identifier: MIT */
/* print: entries of page tables for people, and for programs */
#ifndef IOAS_TOOLS_PRINT_H
#define IOAS_TOOLS_PRINT_H

#include "cmd.h"

#include "walker/walker.h"

/* "table", "leaf" */
const char *ioas_pt_kind_text(enum walker_kind kind);
/* "amdv1, 3 levels, 39-bit IOVAs, 4K granule" */
void ioas_pt_print_config(const struct walker_config *cfg);
/* "leaf, 64K, output 0x123450000, access rw, clean" */
void ioas_pt_print_meaning(const struct walker_entry *e);
/* A line for each field; without @all, only those that say something. */
void ioas_pt_print_fields(const struct walker_entry *e, bool all);

/* format, levels, va_bits, oa_bits */
void ioas_pt_json_config(struct json_object *o,
			 const struct walker_config *cfg);
/* kind, what the kind has, fields */
void ioas_pt_json_entry(struct json_object *o, const struct walker_entry *e);

#endif
