/* SPDX-License-Identifier: MIT */
/*
 * decode: between the tables of requests and what reads them
 */
#ifndef IOAS_SUPER_DECODE_IMPL_H
#define IOAS_SUPER_DECODE_IMPL_H

#include "super/decode.h"

enum decode_kind {
	DECODE_NUMBER,
	DECODE_HEX,
	DECODE_FD,
	DECODE_FLAGS,
	DECODE_ENUM,
	/* Has to be zero: shown if it is not. */
	DECODE_RESERVED,
	/* The size that the program thinks the struct has: shown if not ours. */
	DECODE_SIZE,
	/* A position in a device's file. */
	DECODE_PLACE,
	/* All the bytes that there are, up to a zero. */
	DECODE_TEXT,
};

#define DECODE_TEXT_MAX 64u

enum decode_direction {
	DECODE_IN = 1,
	DECODE_OUT = 2,
};

/* A bit or a value, and what it is called. */
struct decode_word {
	uint64_t value;
	const char *name;
};

struct decode_field {
	const char *name;
	uint8_t offset;
	/* 1, 2, 4 or 8 bytes. */
	uint8_t width;
	uint8_t kind;
	uint8_t direction;
	uint8_t nr_words;
	const struct decode_word *words;
};

struct decode_command {
	/* Or the number of an operation of the test request. */
	uint32_t cmd;
	const char *name;
	/* Of the struct; 0: the argument is a number, or nothing. */
	uint8_t size;
	/* It comes back from errors, too. */
	bool always;
	uint8_t nr_fields;
	const struct decode_field *fields;
	/* enum ioas_request_from */
	uint8_t from;
};

extern const struct decode_command ioas_decode_commands[];
extern const unsigned int ioas_decode_nr_commands;
extern const struct decode_command ioas_decode_operations[];
extern const unsigned int ioas_decode_nr_operations;
/* Of devices and groups; how many there are. */
#define DECODE_NR_DEVICE 18u
extern const struct decode_command ioas_decode_device[];
extern const unsigned int ioas_decode_nr_device;

#endif
