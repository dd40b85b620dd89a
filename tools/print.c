/* SPDX-License-Identifier: MIT */
#include "print.h"

#include <stdio.h>

#include "vectors.h"

const char *ioas_pt_kind_text(enum walker_kind kind)
{
	switch (kind) {
	case WALKER_EMPTY:
		return "empty";
	case WALKER_TABLE:
		return "table";
	case WALKER_LEAF:
		return "leaf";
	case WALKER_INVALID:
		break;
	}
	return "invalid";
}

void ioas_pt_print_config(const struct walker_config *cfg)
{
	char granule[8];

	printf("%s, %u levels, %u-bit IOVAs%s, %u-bit output, %s granule",
	       walker_format_name(cfg->format), cfg->levels, cfg->va_bits,
	       cfg->flags & WALKER_SIGN_EXTEND ? " sign-extended" : "",
	       cfg->oa_bits, ioas_size_text(cfg->granule_lg2, granule));
}

void ioas_pt_print_meaning(const struct walker_entry *e)
{
	char size[8];

	fputs(ioas_pt_kind_text(e->kind), stdout);
	switch (e->kind) {
	case WALKER_EMPTY:
		break;
	case WALKER_TABLE:
		printf(" of level %u at 0x%llx", e->child_level,
		       (unsigned long long)e->child);
		break;
	case WALKER_LEAF:
		printf(" of %s, output 0x%llx, access %s, %s",
		       ioas_size_text(e->lg2, size),
		       (unsigned long long)e->oa, ioas_access_text(e->access),
		       !e->tracked ? "dirty state not kept" :
		       e->dirty	   ? "dirty" :
				     "clean");
		break;
	case WALKER_INVALID:
		printf(": %s", e->why ? e->why : "an encoding that faults");
		break;
	}
}

static void bits_text(const struct walker_field *f, char text[16])
{
	if (f->bits > 1)
		snprintf(text, 16, "%u:%u", f->low + f->bits - 1u, f->low);
	else
		snprintf(text, 16, "%u", f->low);
}

/* From the highest bit to the lowest, as a word is written. */
void ioas_pt_print_fields(const struct walker_entry *e, bool all)
{
	for (unsigned int i = e->nr_fields; i-- > 0;) {
		const struct walker_field *f = &e->field[i];
		char bits[16];

		if (!all && !f->value)
			continue;
		bits_text(f, bits);
		printf("    %-6s %-16s 0x%llx%s%s\n", bits, f->name,
		       (unsigned long long)f->value,
		       f->meaning && f->meaning[0] ? "  " : "",
		       f->meaning ? f->meaning : "");
	}
}

static void add_string(struct json_object *o, const char *key,
		       const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_uint64(n));
}

void ioas_pt_json_config(struct json_object *o,
			 const struct walker_config *cfg)
{
	add_string(o, "format", walker_format_name(cfg->format));
	add_number(o, "levels", cfg->levels);
	add_number(o, "va_bits", cfg->va_bits);
	add_number(o, "oa_bits", cfg->oa_bits);
	add_number(o, "granule", (uint64_t)1 << cfg->granule_lg2);
}

static struct json_object *json_fields(const struct walker_entry *e)
{
	struct json_object *fields = json_object_new_array();

	for (unsigned int i = e->nr_fields; i-- > 0;) {
		const struct walker_field *f = &e->field[i];
		struct json_object *o = json_object_new_object();

		add_string(o, "name", f->name);
		add_number(o, "low", f->low);
		add_number(o, "bits", f->bits);
		json_object_object_add(o, "value", ioas_json_hex(f->value));
		add_string(o, "meaning", f->meaning ? f->meaning : "");
		json_object_array_add(fields, o);
	}
	return fields;
}

void ioas_pt_json_entry(struct json_object *o, const struct walker_entry *e)
{
	add_string(o, "kind", ioas_pt_kind_text(e->kind));
	if (e->kind == WALKER_TABLE) {
		json_object_object_add(o, "child", ioas_json_hex(e->child));
		add_number(o, "child_level", e->child_level);
	}
	if (e->kind == WALKER_LEAF) {
		json_object_object_add(o, "oa", ioas_json_hex(e->oa));
		json_object_object_add(o, "size",
				       ioas_json_hex((uint64_t)1 << e->lg2));
		add_string(o, "access", ioas_access_text(e->access));
		json_object_object_add(o, "tracked",
				       json_object_new_boolean(e->tracked));
		json_object_object_add(o, "dirty",
				       json_object_new_boolean(e->dirty));
	}
	if (e->kind == WALKER_INVALID)
		add_string(o, "why", e->why ? e->why : "");
	json_object_object_add(o, "fields", json_fields(e));
}
