/* SPDX-License-Identifier: MIT */
/*
 * trace: a line of JSON for each event
 *
 *   event --decode--> object --> text --one write--> file
 *
 * A line is one write at the end of the file, so several runs can share it. A
 * file that takes no more ends the trace, with one message, and not the program.
 *
 * Locks: the mutex (rank LEAF) guards everything below it in the struct.
 */
#include "super/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "super/comm.h"
#include "super/decode.h"
#include "super/output.h"

struct ioas_trace {
	/* Set once. */
	struct ioas_super *s;
	int fd;
	bool own_fd;

	struct ioas_mutex lock;
	/* Guarded. Nothing more is written. */
	bool over;
	struct ioas_comms comms;
};

/* ---- life --------------------------------------------------------------- */

int ioas_trace_create(struct ioas_super *s, const char *path,
		      struct ioas_trace **out)
{
	const bool own = strcmp(path, "-") != 0;
	struct ioas_trace *t = ioas_plat_zalloc(sizeof(*t));
	int fd = STDERR_FILENO;

	if (!t)
		return -ENOMEM;
	if (own)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0) {
		const int error = errno;

		ioas_super_error(s, "trace: %s: %s", path, strerror(error));
		ioas_plat_free(t, sizeof(*t));
		return -error;
	}
	t->s = s;
	t->fd = fd;
	t->own_fd = own;
	*out = t;
	return 0;
}

static void trace_end(struct ioas_trace *t, int error)
{
	t->over = true;
	ioas_super_error(t->s, "trace: %s: nothing more is written",
			 strerror(error));
}

void ioas_trace_destroy(struct ioas_trace *t)
{
	if (!t)
		return;
	if (t->own_fd && close(t->fd) && !t->over)
		trace_end(t, errno);
	ioas_plat_free(t, sizeof(*t));
}

/* ---- lines -------------------------------------------------------------- */

static const char *const kinds[] = {
	[IOAS_EVENT_OPEN] = "open",   [IOAS_EVENT_CLOSE] = "close",
	[IOAS_EVENT_COMMAND] = "ioctl", [IOAS_EVENT_READ] = "read",
	[IOAS_EVENT_WRITE] = "write", [IOAS_EVENT_MMAP] = "mmap",
};

static void put_command(struct json_object *o, const struct ioas_event *e)
{
	const struct ioas_request rq = {
		.cmd = e->cmd,
		.size = e->size < IOAS_UCMD_MAX ? e->size : IOAS_UCMD_MAX,
		.in = e->in,
		.out = e->out,
		.arg = e->arg,
		.result = e->result,
		.device = e->device,
	};
	const char *name = e->device ? ioas_device_command_name(e->cmd) :
				       ioas_command_name(e->cmd);

	if (name)
		ioas_json_put(o, "command", json_object_new_string(name));
	else
		ioas_json_put_hex(o, "command", e->cmd);
	ioas_json_put(o, "args", ioas_decode_args(&rq));
	ioas_json_put(o, "out", ioas_decode_out(&rq));
}

/* In a device's file: which region, and where in it. */
static void put_place(struct json_object *args, uint64_t position)
{
	char place[IOAS_DECODE_PLACE];

	ioas_decode_place(position, place);
	ioas_json_put(args, "place", json_object_new_string(place));
}

static void put_args(struct json_object *o, const struct ioas_event *e)
{
	struct json_object *args = json_object_new_object();

	if (!args)
		return;
	if (e->kind == IOAS_EVENT_OPEN)
		ioas_json_put_open_flags(args, "flags", e->arg);
	else if (e->kind == IOAS_EVENT_MMAP)
		ioas_json_put_hex(args, "offset", e->arg);
	else if (e->kind != IOAS_EVENT_CLOSE)
		ioas_json_put_number(args, "count", e->arg);
	if (e->device && e->kind == IOAS_EVENT_MMAP)
		put_place(args, e->arg);
	else if (e->device && e->placed)
		put_place(args, e->position);
	ioas_json_put(o, "args", args);
}

static void put_result(struct json_object *o, const struct ioas_event *e)
{
	const char *name = e->result < 0 ? ioas_error_name(e->result) : NULL;

	ioas_json_put_signed(o, "result", e->result);
	if (name)
		ioas_json_put(o, "error", json_object_new_string(name));
	else if (e->result < 0)
		ioas_json_put_signed(o, "error", -e->result);
	ioas_json_put_us(o, "duration_us", e->duration);
}

/* A last close is nobody's. */
static void put_who(struct ioas_trace *t, struct json_object *o,
		    const struct ioas_event *e)
{
	if (!e->pid)
		return;
	ioas_json_put_signed(o, "pid", e->pid);
	ioas_json_put_signed(o, "tid", e->tid);
	ioas_json_put_text(o, "comm", ioas_comm_of(&t->comms, e->pid, e->when));
}

/* NULL: no memory. */
static struct json_object *event_object(struct ioas_trace *t,
					const struct ioas_event *e)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	ioas_json_put_number(o, "serial", e->serial);
	ioas_json_put_time(o, "time", e->when);
	put_who(t, o, e);
	ioas_json_put(o, "event", json_object_new_string(kinds[e->kind]));
	if (e->fd >= 0)
		ioas_json_put_signed(o, "fd", e->fd);
	if (e->file)
		ioas_json_put_text(o, "file",
				   e->name ? e->name : e->file->ops->name);
	if (e->kind == IOAS_EVENT_COMMAND)
		put_command(o, e);
	else
		put_args(o, e);
	put_result(o, e);
	return o;
}

/* With the newline, in one piece. */
static void trace_line(struct ioas_trace *t, const struct ioas_event *e)
{
	struct json_object *o = event_object(t, e);
	const char *text;
	size_t length;
	int error = 0;
	char *line;

	if (!o)
		return;
	text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&length);
	line = text ? ioas_plat_alloc(length + 1) : NULL;
	if (line) {
		memcpy(line, text, length);
		line[length] = '\n';
		error = ioas_output_write(t->fd, line, length + 1);
		ioas_plat_free(line, length + 1);
	}
	json_object_put(o);
	if (error)
		trace_end(t, -error);
}

void ioas_trace_event(struct ioas_trace *t, const struct ioas_event *e)
{
	if (!t)
		return;
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	if (!t->over)
		trace_line(t, e);
	ioas_mutex_unlock(&t->lock);
}
