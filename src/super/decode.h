/* SPDX-License-Identifier: MIT */
/*
 * decode: requests in the words of their users
 *
 *   cmd, bytes before and after --table--> "IOMMU_IOAS_MAP", two JSON objects
 *
 * Ids, counts and lengths are numbers, addresses and IOVAs strings ("0x1000"),
 * flags a list of names; what has no name stays a number. docs/schema/ says
 * what that looks like.
 */
#ifndef IOAS_SUPER_DECODE_H
#define IOAS_SUPER_DECODE_H

#include "base/types.h"

struct json_object;

/* Commands, and operations of the test request, by a dense number. 0: unknown. */
#define IOAS_NR_COMMANDS 96u

/* @in: the request, of which there are @size bytes; may be none. */
unsigned int ioas_command_index(uint32_t cmd, const void *in, uint32_t size);
/* Of an operation of the test request: the operation's. Never NULL. */
const char *ioas_command_index_name(unsigned int index);
/* NULL: unknown. The operations of the test request share one. */
const char *ioas_command_name(uint32_t cmd);

/*
 * The same of a device's or a group's file, where some numbers mean something
 * else.
 */
unsigned int ioas_device_command_index(uint32_t cmd);
const char *ioas_device_command_name(uint32_t cmd);

/* How to get hold of a request. */
enum ioas_request_from {
	IOAS_REQUEST_TOLD, /* the front end tells; or there is nothing to get */
	IOAS_REQUEST_ARGSZ, /* it begins with its size, which may be less */
	IOAS_REQUEST_WHOLE,
	IOAS_REQUEST_TEXT, /* a string */
};

/* Of a device or group. @size: how many bytes are of interest. */
enum ioas_request_from ioas_device_request(uint32_t cmd, uint32_t *size);

/* "bar0+0x14", "config+0x4": a position in a device's file. */
#define IOAS_DECODE_PLACE 40
void ioas_decode_place(uint64_t offset, char out[IOAS_DECODE_PLACE]);

/* "EINVAL", of a positive or negative number; NULL: it has no name here. */
const char *ioas_error_name(int64_t error);

/* What the objects are made from; @in and @out are valid up to @size. */
struct ioas_request {
	uint32_t cmd;
	uint32_t size;
	const void *in;
	const void *out;
	/* The ioctl's third argument. */
	uint64_t arg;
	int64_t result;
	/* Of a device's or a group's file. */
	bool device;
};

/* Members that go in. NULL: no memory. The caller owns it. */
struct json_object *ioas_decode_args(const struct ioas_request *rq);
/* Members that come out. NULL: nothing did, or no memory. */
struct json_object *ioas_decode_out(const struct ioas_request *rq);

/* ---- for whoever puts objects together ---------------------------------- */

/* Takes @value; NULL or no memory: the member is left out. */
void ioas_json_put(struct json_object *o, const char *name,
		   struct json_object *value);
void ioas_json_put_number(struct json_object *o, const char *name,
			  uint64_t value);
void ioas_json_put_signed(struct json_object *o, const char *name,
			  int64_t value);
void ioas_json_put_hex(struct json_object *o, const char *name, uint64_t value);
/* A program's text: what is not printable ASCII becomes '?'. */
void ioas_json_put_text(struct json_object *o, const char *name,
			const char *text);
/* Nanoseconds since 1970, as "2026-01-31T12:00:00.000000001Z". */
void ioas_json_put_time(struct json_object *o, const char *name, uint64_t ns);
/* Nanoseconds as microseconds. */
void ioas_json_put_us(struct json_object *o, const char *name, uint64_t ns);
/* Flags of open(2), as a list of names. */
void ioas_json_put_open_flags(struct json_object *o, const char *name,
			      uint64_t flags);

#endif
