/* SPDX-License-Identifier: MIT */
#include "cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "ioas", then "ioas: pt", then "ioas: pt walk": who is running. */
static char running[64] = "ioas";
static char help_of[64] = "ioas";

static void enter(const char *verb)
{
	bool nested = strcmp(running, "ioas") != 0;
	size_t at = strlen(running);

	snprintf(running + at, sizeof(running) - at, nested ? " %s" : ": %s",
		 verb);
	at = strlen(help_of);
	snprintf(help_of + at, sizeof(help_of) - at, " %s", verb);
}

static int print_help(const struct ioas_verb *verbs, const char *intro,
		      const char *outro)
{
	fputs(intro, stdout);
	for (; verbs->name; verbs++)
		printf("  %-10s %s\n", verbs->name, verbs->summary);
	fputs(outro, stdout);
	return ioas_end_output(IOAS_EXIT_DONE);
}

int ioas_verb_run(const struct ioas_verb *verbs, const char *intro,
		  const char *outro, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name)
		return ioas_say_misuse("no verb");
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return print_help(verbs, intro, outro);
	for (const struct ioas_verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name))
			continue;
		enter(name);
		return verb->run(argc - 1, argv + 1);
	}
	return ioas_say_misuse("%s: no such %s", name,
			       name[0] == '-' ? "option" : "verb");
}

static void say(const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", running);
	vfprintf(stderr, fmt, args);
}

void ioas_say_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int ioas_say_misuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	fprintf(stderr, "; see %s --help\n", help_of);
	return IOAS_EXIT_MISUSED;
}

int ioas_end_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: output: %s\n", running, strerror(errno));
	return IOAS_EXIT_FAILED;
}

void *ioas_xcalloc(size_t nr, size_t size)
{
	void *memory = calloc(nr ? nr : 1, size);

	if (memory)
		return memory;
	ioas_say_error("out of memory");
	exit(IOAS_EXIT_FAILED);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Digits up to the first other character; NULL: none, or too large. */
static const char *parse_digits(const char *at, unsigned int base,
				uint64_t *value)
{
	const char *start = at;

	*value = 0;
	for (; digit_of(*at) < (int)base; at++) {
		uint64_t digit = (uint64_t)digit_of(*at);

		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return NULL;
	}
	return at > start ? at : NULL;
}

static const char *parse_prefix(const char *text, uint64_t *value)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return parse_digits(text + 2, 16, value);
	return parse_digits(text, 10, value);
}

bool ioas_parse_number(const char *text, uint64_t *value)
{
	const char *end = parse_prefix(text, value);

	return end && !*end;
}

bool ioas_parse_hex(const char *text, uint64_t *value)
{
	const char *end;

	if (text[0] != '0' || text[1] != 'x' || strlen(text) > 18)
		return false;
	end = parse_digits(text + 2, 16, value);
	return end && !*end;
}

bool ioas_parse_size(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *end = parse_prefix(text, value), *unit;
	unsigned int shift;

	if (!end)
		return false;
	if (!*end)
		return true;
	unit = strchr(units, *end);
	if (!unit || end[1])
		return false;
	shift = 10 * (unsigned int)(unit - units + 1);
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

const char *ioas_size_text(unsigned int lg2, char text[8])
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P", "E" };

	if (lg2 > 63)
		return "2^64";
	snprintf(text, 8, "%u%s", 1u << (lg2 % 10), units[lg2 / 10]);
	return text;
}

struct json_object *ioas_json_hex(uint64_t value)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	return json_object_new_string(text);
}

void ioas_json_line(struct json_object *object)
{
	puts(json_object_to_json_string_ext(
		object,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
