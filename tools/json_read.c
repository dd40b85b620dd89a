/* SPDX-License-Identifier: MIT */
#include "json_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file of vectors has a few hundred KiB. */
#define MAX_FILE ((size_t)64 << 20)

/* What a file says may be anything; a terminal gets none of it. */
static void copy_plain(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i + 1 < size; i++)
		to[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
	to[i] = '\0';
}

bool ioas_json_bad(struct json_place *at, const char *key, const char *fmt,
		   ...)
{
	char where[320] = "", name[64], what[200];
	va_list args;

	if (at->failed)
		return false;
	at->failed = true;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	copy_plain(name, sizeof(name), key ? key : "");
	snprintf(where, sizeof(where), "%s%s%s%s%s%s", at->object,
		 at->object[0] ? ": " : "", at->path,
		 at->path[0] && name[0] ? "." : "", name,
		 at->path[0] || name[0] ? ": " : "");
	ioas_say_error("%s: %s%s", at->file, where, what);
	return false;
}

size_t ioas_json_enter(struct json_place *at, const char *key, long index)
{
	size_t mark = strlen(at->path), room = sizeof(at->path) - mark;
	const char *dot = mark ? "." : "";

	if (index < 0)
		snprintf(at->path + mark, room, "%s%s", dot, key);
	else
		snprintf(at->path + mark, room, "%s%s[%ld]", dot, key, index);
	return mark;
}

void ioas_json_leave(struct json_place *at, size_t mark)
{
	at->path[mark] = '\0';
}

/* ---- the file ------------------------------------------------------------ */

static char *read_all(struct json_place *at, FILE *f, size_t *size)
{
	size_t room = 1 << 16, used = 0;
	char *text = ioas_xcalloc(room, 1), *more;

	for (;;) {
		used += fread(text + used, 1, room - used, f);
		if (used < room)
			break;
		if (room >= MAX_FILE) {
			ioas_json_bad(at, NULL, "%zu MiB or more",
				      MAX_FILE >> 20);
			free(text);
			return NULL;
		}
		room *= 2;
		more = realloc(text, room);
		if (!more) {
			ioas_json_bad(at, NULL, "out of memory");
			free(text);
			return NULL;
		}
		text = more;
	}
	if (ferror(f)) {
		ioas_json_bad(at, NULL, "%s", strerror(errno));
		free(text);
		return NULL;
	}
	*size = used;
	return text;
}

/* "line 3, column 14" of byte @offset. */
static void say_syntax(struct json_place *at, const char *text, size_t offset,
		       const char *what)
{
	unsigned long line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	ioas_json_bad(at, NULL, "not JSON: line %lu, column %lu: %s", line,
		      column, what);
}

static struct json_object *parse(struct json_place *at, const char *text,
				 size_t size)
{
	struct json_tokener *tok = json_tokener_new_ex(16);
	struct json_object *o;
	enum json_tokener_error err;
	size_t end;

	if (!tok) {
		ioas_json_bad(at, NULL, "out of memory");
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					    JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, text, (int)size);
	err = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (err == json_tokener_continue) {
		say_syntax(at, text, size, "the file ends too early");
	} else if (err != json_tokener_success) {
		say_syntax(at, text, end, json_tokener_error_desc(err));
	} else if (end < size) {
		say_syntax(at, text, end, "text after the end");
	} else if (!json_object_is_type(o, json_type_object)) {
		ioas_json_bad(at, NULL, "not a JSON object");
	}
	json_tokener_free(tok);
	if (at->failed) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

struct json_object *ioas_json_load(struct json_place *at)
{
	struct json_object *o = NULL;
	FILE *f = fopen(at->file, "re");
	size_t size = 0;
	char *text;

	if (!f) {
		ioas_json_bad(at, NULL, "%s", strerror(errno));
		return NULL;
	}
	text = read_all(at, f, &size);
	fclose(f);
	if (text)
		o = parse(at, text, size);
	free(text);
	return o;
}

/* ---- fields -------------------------------------------------------------- */

static bool is_listed(const char *keys, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = keys; *at;) {
		size_t word = strcspn(at, " ");

		if (word == length && !memcmp(at, key, word))
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

bool ioas_json_keys(struct json_place *at, struct json_object *o,
		    const char *keys)
{
	struct json_object_iterator it, end;

	if (at->failed)
		return false;
	if (!json_object_is_type(o, json_type_object))
		return ioas_json_bad(at, NULL, "not an object");
	it = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);

		if (!is_listed(keys, key))
			return ioas_json_bad(at, key, "no such field");
	}
	return true;
}

bool ioas_json_has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

/* @o is an object (ioas_json_keys() has looked). */
static struct json_object *get(struct json_place *at, struct json_object *o,
			       const char *key, enum json_type type,
			       const char *what)
{
	struct json_object *value;

	if (at->failed)
		return NULL;
	if (!json_object_object_get_ex(o, key, &value)) {
		ioas_json_bad(at, key, "missing");
		return NULL;
	}
	if (!value || !json_object_is_type(value, type)) {
		ioas_json_bad(at, key, "not %s", what);
		return NULL;
	}
	return value;
}

bool ioas_json_get_string(struct json_place *at, struct json_object *o,
			  const char *key, const char **value)
{
	struct json_object *found = get(at, o, key, json_type_string,
					"a string");

	if (!found)
		return false;
	*value = json_object_get_string(found);
	if (strlen(*value) != (size_t)json_object_get_string_len(found))
		return ioas_json_bad(at, key, "contains a zero byte");
	return true;
}

bool ioas_json_get_hex(struct json_place *at, struct json_object *o,
		       const char *key, uint64_t *value)
{
	struct json_object *found = get(at, o, key, json_type_string,
					"a hexadecimal string");
	const char *text;

	if (!found)
		return false;
	text = json_object_get_string(found);
	if (strlen(text) != (size_t)json_object_get_string_len(found) ||
	    !ioas_parse_hex(text, value))
		return ioas_json_bad(at, key,
				     "not a hexadecimal string of 64 bits");
	return true;
}

bool ioas_json_get_count(struct json_place *at, struct json_object *o,
			 const char *key, uint64_t max, uint64_t *value)
{
	struct json_object *found = get(at, o, key, json_type_int,
					"a whole number");
	int64_t number;

	if (!found)
		return false;
	number = json_object_get_int64(found);
	if (number < 0 || (uint64_t)number > max)
		return ioas_json_bad(at, key, "not in 0..%llu",
				     (unsigned long long)max);
	*value = (uint64_t)number;
	return true;
}

bool ioas_json_get_bool(struct json_place *at, struct json_object *o,
			const char *key, bool *value)
{
	struct json_object *found = get(at, o, key, json_type_boolean,
					"true or false");

	if (!found)
		return false;
	*value = json_object_get_boolean(found);
	return true;
}

bool ioas_json_get_array(struct json_place *at, struct json_object *o,
			 const char *key, struct json_object **array,
			 size_t *nr)
{
	*array = get(at, o, key, json_type_array, "an array");
	*nr = *array ? json_object_array_length(*array) : 0;
	return *array;
}

bool ioas_json_get_object(struct json_place *at, struct json_object *o,
			  const char *key, struct json_object **object)
{
	*object = get(at, o, key, json_type_object, "an object");
	return *object;
}
