/* SPDX-License-Identifier: MIT */
/*
 * decode: requests in the words of their users
 *
 *   commands     number --> name, size, fields
 *   operations   op of the test request --> name, fields of its union
 *   device       number, in the files of devices --> as of commands
 *   field        member of a struct: where, how wide, which way, what kind
 *
 * A field that lies beyond the bytes there are is left out. Reserved ones are
 * shown only where a program set them: that may be why it got an error.
 */
#include "super/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>
#include <ioas/abi/vfio.h>

#include "super/decode_impl.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
/* Where BARs are said to be, beside where they are by their index. */
#define FIRST_BAR 0x10u
#define NR_BARS 6u

/* ---- members of objects ------------------------------------------------- */

void ioas_json_put(struct json_object *o, const char *name,
		   struct json_object *value)
{
	if (!value)
		return;
	if (!o || json_object_object_add(o, name, value))
		json_object_put(value);
}

void ioas_json_put_number(struct json_object *o, const char *name,
			  uint64_t value)
{
	ioas_json_put(o, name, json_object_new_uint64(value));
}

void ioas_json_put_signed(struct json_object *o, const char *name,
			  int64_t value)
{
	ioas_json_put(o, name, json_object_new_int64(value));
}

static struct json_object *new_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_object_new_string(text);
}

void ioas_json_put_hex(struct json_object *o, const char *name, uint64_t value)
{
	ioas_json_put(o, name, new_hex(value));
}

void ioas_json_put_text(struct json_object *o, const char *name,
			const char *text)
{
	char clean[256];
	size_t i;

	for (i = 0; text[i] && i < sizeof(clean) - 1; i++)
		clean[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	clean[i] = '\0';
	ioas_json_put(o, name, json_object_new_string(clean));
}

void ioas_json_put_time(struct json_object *o, const char *name, uint64_t ns)
{
	const time_t seconds = (time_t)(ns / 1000000000);
	char date[32] = "", text[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09uZ", date,
		 (unsigned int)(ns % 1000000000));
	ioas_json_put(o, name, json_object_new_string(text));
}

void ioas_json_put_us(struct json_object *o, const char *name, uint64_t ns)
{
	char text[40];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03u", ns / 1000,
		 (unsigned int)(ns % 1000));
	ioas_json_put(o, name,
		      json_object_new_double_s((double)ns / 1000, text));
}

/* ---- words -------------------------------------------------------------- */

/* Names of the bits that have one; the others as one number. */
static void add_flags(struct json_object *list, uint64_t value,
		      const struct decode_word *words, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (!(value & words[i].value))
			continue;
		value &= ~words[i].value;
		json_object_array_add(list,
				      json_object_new_string(words[i].name));
	}
	if (value)
		json_object_array_add(list, new_hex(value));
}

static struct json_object *new_flags(uint64_t value, const struct decode_field *f)
{
	struct json_object *list = json_object_new_array();

	if (list)
		add_flags(list, value, f->words, f->nr_words);
	return list;
}

static struct json_object *new_enum(uint64_t value, const struct decode_field *f)
{
	for (unsigned int i = 0; i < f->nr_words; i++)
		if (f->words[i].value == value)
			return json_object_new_string(f->words[i].name);
	return json_object_new_uint64(value);
}

void ioas_json_put_open_flags(struct json_object *o, const char *name,
			      uint64_t flags)
{
	static const struct decode_word words[] = {
		{ O_NONBLOCK, "O_NONBLOCK" }, { O_CLOEXEC, "O_CLOEXEC" },
		{ O_CREAT, "O_CREAT" },	      { O_EXCL, "O_EXCL" },
		{ O_NOCTTY, "O_NOCTTY" },     { O_TRUNC, "O_TRUNC" },
		{ O_APPEND, "O_APPEND" },     { O_NOFOLLOW, "O_NOFOLLOW" },
	};
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR" };
	const uint64_t mode = flags & O_ACCMODE;
	struct json_object *list = json_object_new_array();

	if (!list)
		return;
	if (mode < NR(modes))
		json_object_array_add(list, json_object_new_string(modes[mode]));
	add_flags(list, flags & ~(uint64_t)O_ACCMODE, words, NR(words));
	ioas_json_put(o, name, list);
}

/* What calls of ours answer; the system's own list is not portable. */
const char *ioas_error_name(int64_t error)
{
#define ERROR(name) { name, #name }
	static const struct {
		int64_t value;
		const char *name;
	} errors[] = {
		ERROR(EPERM),	ERROR(ENOENT),	  ERROR(ESRCH),
		ERROR(EINTR),	ERROR(EIO),	  ERROR(ENXIO),
		ERROR(E2BIG),	ERROR(EBADF),	  ERROR(ECHILD),
		ERROR(EAGAIN),	ERROR(ENOMEM),	  ERROR(EACCES),
		ERROR(EFAULT),	ERROR(EBUSY),	  ERROR(EEXIST),
		ERROR(EXDEV),	ERROR(ENODEV),	  ERROR(ENOTDIR),
		ERROR(EISDIR),	ERROR(EINVAL),	  ERROR(ENFILE),
		ERROR(EMFILE),	ERROR(ENOTTY),	  ERROR(EFBIG),
		ERROR(ENOSPC),	ERROR(ESPIPE),	  ERROR(EROFS),
		ERROR(EPIPE),	ERROR(ERANGE),	  ERROR(EDEADLK),
		ERROR(ELOOP),	ERROR(ENOSYS),	  ERROR(ENAMETOOLONG),
		ERROR(EBADE),	ERROR(EOVERFLOW), ERROR(EBADFD),
		ERROR(EMSGSIZE), ERROR(EOPNOTSUPP), ERROR(EADDRINUSE),
		ERROR(ETIMEDOUT), ERROR(ECANCELED),
	};
#undef ERROR

	if (error < 0)
		error = -error;
	for (unsigned int i = 0; i < NR(errors); i++)
		if (errors[i].value == error)
			return errors[i].name;
	return NULL;
}

/* ---- commands ----------------------------------------------------------- */

/* Place of @cmd in a table; its length: not there. */
static unsigned int table_find(const struct decode_command *table,
			       unsigned int nr, uint32_t cmd)
{
	unsigned int i = 0;

	while (i < nr && table[i].cmd != cmd)
		i++;
	return i;
}

static const struct decode_command *device_command_of(uint32_t cmd)
{
	const unsigned int i = table_find(ioas_decode_device,
					  ioas_decode_nr_device, cmd);

	return i < ioas_decode_nr_device ? &ioas_decode_device[i] : NULL;
}

static const struct decode_command *command_of(uint32_t cmd)
{
	const unsigned int i = table_find(ioas_decode_commands,
					  ioas_decode_nr_commands, cmd);

	return i < ioas_decode_nr_commands ? &ioas_decode_commands[i] : NULL;
}

/* Place among the operations; their number: it is none that we know. */
static unsigned int operation_index(uint32_t cmd, const void *in,
				    uint32_t size)
{
	struct ioas_abi_test_cmd test;

	if (cmd != IOAS_ABI_TEST_CMD ||
	    size < offsetof(struct ioas_abi_test_cmd, __reserved))
		return ioas_decode_nr_operations;
	memcpy(&test, in, offsetof(struct ioas_abi_test_cmd, __reserved));
	return table_find(ioas_decode_operations, ioas_decode_nr_operations,
			  test.op);
}

unsigned int ioas_command_index(uint32_t cmd, const void *in, uint32_t size)
{
	const unsigned int op = operation_index(cmd, in, size);
	const unsigned int i = table_find(ioas_decode_commands,
					  ioas_decode_nr_commands, cmd);

	if (op < ioas_decode_nr_operations)
		return 1 + ioas_decode_nr_commands + op;
	return i < ioas_decode_nr_commands ? 1 + i : 0;
}

unsigned int ioas_device_command_index(uint32_t cmd)
{
	const unsigned int i = table_find(ioas_decode_device,
					  ioas_decode_nr_device, cmd);

	if (i == ioas_decode_nr_device)
		return 0;
	return 1 + ioas_decode_nr_commands + ioas_decode_nr_operations + i;
}

/* The tables one after the other, from 1 on. */
const char *ioas_command_index_name(unsigned int index)
{
	const struct {
		const struct decode_command *table;
		unsigned int nr;
	} tables[] = {
		{ ioas_decode_commands, ioas_decode_nr_commands },
		{ ioas_decode_operations, ioas_decode_nr_operations },
		{ ioas_decode_device, ioas_decode_nr_device },
	};

	for (unsigned int i = 0; index && i < NR(tables); i++) {
		if (index <= tables[i].nr)
			return tables[i].table[index - 1].name;
		index -= tables[i].nr;
	}
	return "unknown";
}

const char *ioas_command_name(uint32_t cmd)
{
	const struct decode_command *c = command_of(cmd);

	return c ? c->name : NULL;
}

const char *ioas_device_command_name(uint32_t cmd)
{
	const struct decode_command *c = device_command_of(cmd);

	return c ? c->name : NULL;
}

enum ioas_request_from ioas_device_request(uint32_t cmd, uint32_t *size)
{
	const struct decode_command *c = device_command_of(cmd);

	*size = c ? c->size : 0;
	return c ? (enum ioas_request_from)c->from : IOAS_REQUEST_TOLD;
}

/* BARs are found at two places (docs/reference/vfio-device-uapi.md 4.2). */
void ioas_decode_place(uint64_t offset, char out[IOAS_DECODE_PLACE])
{
	static const char *const names[] = {
		"bar0", "bar1", "bar2", "bar3", "bar4",
		"bar5", "rom",	"config", "vga",
	};
	const uint64_t index = offset >> IOAS_ABI_VFIO_PCI_OFFSET_SHIFT;
	const uint64_t bar = index - FIRST_BAR;
	const uint64_t region = bar < NR_BARS ? bar : index;
	const uint64_t in = offset &
			    ((UINT64_C(1) << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT) - 1);

	if (region < NR(names))
		snprintf(out, IOAS_DECODE_PLACE, "%s+0x%" PRIx64, names[region],
			 in);
	else
		snprintf(out, IOAS_DECODE_PLACE, "0x%" PRIx64, offset);
}

/* ---- fields ------------------------------------------------------------- */

/* Members have the byte order of the machine. */
static uint64_t field_value(const struct decode_field *f, const uint8_t *bytes)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (f->width) {
	case 8:
		memcpy(&v8, bytes + f->offset, sizeof(v8));
		return v8;
	case 4:
		memcpy(&v4, bytes + f->offset, sizeof(v4));
		return v4;
	case 2:
		memcpy(&v2, bytes + f->offset, sizeof(v2));
		return v2;
	}
	return bytes[f->offset];
}

static struct json_object *new_place(uint64_t offset)
{
	char text[IOAS_DECODE_PLACE];

	ioas_decode_place(offset, text);
	return json_object_new_string(text);
}

/* NULL: it is not to be shown. */
static struct json_object *field_object(const struct decode_field *f,
					uint64_t value, uint32_t size)
{
	switch (f->kind) {
	case DECODE_HEX:
		return new_hex(value);
	case DECODE_FD:
		return json_object_new_int((int32_t)value);
	case DECODE_FLAGS:
		return new_flags(value, f);
	case DECODE_ENUM:
		return new_enum(value, f);
	case DECODE_RESERVED:
		return value ? json_object_new_uint64(value) : NULL;
	case DECODE_SIZE:
		return value != size ? json_object_new_uint64(value) : NULL;
	case DECODE_PLACE:
		return new_place(value);
	case DECODE_TEXT:
		/* It has no width. */
		return NULL;
	}
	return json_object_new_uint64(value);
}

static void put_text(struct json_object *o, const char *name,
		     const uint8_t *bytes, uint32_t size)
{
	char text[DECODE_TEXT_MAX + 1];
	const uint32_t length = size < DECODE_TEXT_MAX ? size : DECODE_TEXT_MAX;

	memcpy(text, bytes, length);
	text[length] = '\0';
	ioas_json_put_text(o, name, text);
}

static void put_fields(struct json_object *o, const struct decode_command *c,
		       enum decode_direction direction, const uint8_t *bytes,
		       uint32_t size)
{
	for (unsigned int i = 0; i < c->nr_fields; i++) {
		const struct decode_field *f = &c->fields[i];

		if (f->kind == DECODE_TEXT && f->direction & direction && size)
			put_text(o, f->name, bytes, size);
		else if (f->direction & direction &&
			 (uint32_t)f->offset + f->width <= size)
			ioas_json_put(o, f->name,
				      field_object(f, field_value(f, bytes),
						   c->size));
	}
}

/* The operation by name; one that we do not know by number. */
static void put_operation(struct json_object *o, const struct ioas_request *rq,
			  unsigned int op)
{
	uint32_t number;

	if (op < ioas_decode_nr_operations) {
		ioas_json_put(o, "op",
			      json_object_new_string(
				      ioas_decode_operations[op].name));
		return;
	}
	memcpy(&number,
	       (const uint8_t *)rq->in + offsetof(struct ioas_abi_test_cmd, op),
	       sizeof(number));
	ioas_json_put_number(o, "op", number);
}

static const struct decode_command *
request_command(const struct ioas_request *rq)
{
	return rq->device ? device_command_of(rq->cmd) : command_of(rq->cmd);
}

/* Place among the operations, or their number. */
static unsigned int request_operation(const struct ioas_request *rq)
{
	return rq->device ? ioas_decode_nr_operations :
			    operation_index(rq->cmd, rq->in, rq->size);
}

struct json_object *ioas_decode_args(const struct ioas_request *rq)
{
	const struct decode_command *c = request_command(rq);
	struct json_object *o = json_object_new_object();
	const unsigned int op = request_operation(rq);

	if (!o || !c)
		return o;
	if (!c->size) {
		put_fields(o, c, DECODE_IN, (const uint8_t *)&rq->arg,
			   sizeof(rq->arg));
		return o;
	}
	if (!rq->device && rq->cmd == IOAS_ABI_TEST_CMD &&
	    rq->size >= offsetof(struct ioas_abi_test_cmd, __reserved))
		put_operation(o, rq, op);
	put_fields(o, c, DECODE_IN, rq->in, rq->size);
	if (op < ioas_decode_nr_operations)
		put_fields(o, &ioas_decode_operations[op], DECODE_IN, rq->in,
			   rq->size);
	return o;
}

struct json_object *ioas_decode_out(const struct ioas_request *rq)
{
	const struct decode_command *c = request_command(rq);
	const unsigned int op = request_operation(rq);
	struct json_object *o;

	/* EMSGSIZE says how much room is needed, in the struct. */
	if (!c || !rq->size || (rq->result < 0 && !c->always &&
				rq->result != -EMSGSIZE))
		return NULL;
	o = json_object_new_object();
	if (!o)
		return NULL;
	put_fields(o, c, DECODE_OUT, rq->out, rq->size);
	if (op < ioas_decode_nr_operations)
		put_fields(o, &ioas_decode_operations[op], DECODE_OUT, rq->out,
			   rq->size);
	if (!json_object_object_length(o)) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}
