/* SPDX-License-Identifier: MIT */
/*
 * json_read: strict reading of JSON, for files that people write
 *
 * Every function checks presence and type. The first failure is said on stderr
 * with its place, `FILE: vector amdv1-03: ops[2].iova: WHAT`; after it all
 * fail, so that a caller may look once at the end of a block.
 */
#ifndef IOAS_TOOLS_JSON_READ_H
#define IOAS_TOOLS_JSON_READ_H

#include "cmd.h"

struct json_place {
	const char *file;
	char object[80]; /* "vector amdv1-03" */
	char path[160]; /* "ops[2]" */
	bool failed;
};

/* The file as one object; NULL after an error. */
struct json_object *ioas_json_load(struct json_place *at);

/* A failure of @key ("" or NULL: of the place itself). Return: false. */
bool ioas_json_bad(struct json_place *at, const char *key, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

/* Go into @key (and [@index], unless it is negative), and back. */
size_t ioas_json_enter(struct json_place *at, const char *key, long index);
void ioas_json_leave(struct json_place *at, size_t mark);

/* @o is an object and has no key but those of @keys (one string, by spaces). */
bool ioas_json_keys(struct json_place *at, struct json_object *o,
		    const char *keys);
bool ioas_json_has(struct json_object *o, const char *key);

bool ioas_json_get_hex(struct json_place *at, struct json_object *o,
		       const char *key, uint64_t *value);
bool ioas_json_get_count(struct json_place *at, struct json_object *o,
			 const char *key, uint64_t max, uint64_t *value);
bool ioas_json_get_bool(struct json_place *at, struct json_object *o,
			const char *key, bool *value);
bool ioas_json_get_string(struct json_place *at, struct json_object *o,
			  const char *key, const char **value);
/* The array and its length. */
bool ioas_json_get_array(struct json_place *at, struct json_object *o,
			 const char *key, struct json_object **array,
			 size_t *nr);
bool ioas_json_get_object(struct json_place *at, struct json_object *o,
			  const char *key, struct json_object **object);

#endif
