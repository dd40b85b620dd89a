/* SPDX-License-Identifier: MIT */
/*
 * cmd: what all verbs of the command share
 *
 * Errors go to stderr as `ioas: VERB: OBJECT: WHAT`; a verb says what happened
 * by its exit status.
 */
#ifndef IOAS_TOOLS_CMD_H
#define IOAS_TOOLS_CMD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ioas_exit {
	IOAS_EXIT_DONE = 0,
	IOAS_EXIT_FAILED = 1,
	IOAS_EXIT_MISUSED = 2,
};

/* @run gets its own name as argv[0] and returns an enum ioas_exit. */
struct ioas_verb {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

/*
 * ioas_verb_run() - find argv[1] among @verbs, of which the last has no name
 * @intro: what --help prints before the list of verbs
 * @outro: and after it
 */
int ioas_verb_run(const struct ioas_verb *verbs, const char *intro,
		  const char *outro, int argc, char **argv);

/* A line on stderr that names the verb. */
void ioas_say_error(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* The same, and where to read more. Return: IOAS_EXIT_MISUSED. */
int ioas_say_misuse(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* What was printed has to have arrived. Return: @status, or failed. */
int ioas_end_output(int status);

/* Memory that is zero; without memory the program ends. */
void *ioas_xcalloc(size_t nr, size_t size);

/* A whole string: decimal, or hexadecimal with 0x. */
bool ioas_parse_number(const char *text, uint64_t *value);
/* "0x" and up to 16 digits, as in files of vectors. */
bool ioas_parse_hex(const char *text, uint64_t *value);
/* A number, or one with K, M, G or T. */
bool ioas_parse_size(const char *text, uint64_t *value);

/* "4K", "2M", "256T". */
const char *ioas_size_text(unsigned int lg2, char text[8]);

struct json_object *ioas_json_hex(uint64_t value);
/* Prints @object, gives it back, ends the line. */
void ioas_json_line(struct json_object *object);

/* Verbs. */
int ioas_verb_devices(int argc, char **argv);
int ioas_verb_doctor(int argc, char **argv);
int ioas_verb_pt(int argc, char **argv);
int ioas_verb_pt_replay(int argc, char **argv);
int ioas_verb_pt_walk(int argc, char **argv);
int ioas_verb_pt_explain(int argc, char **argv);
int ioas_verb_pt_show(int argc, char **argv);
int ioas_verb_run_program(int argc, char **argv);

#endif
