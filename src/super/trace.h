/* SPDX-License-Identifier: MIT */
/*
 * trace: what a run did, for people and programs
 *
 *   command, open, close --> event --> trace   a JSON line each
 *                                 `--> report  books: who mapped what
 *
 * The request is the front end's own copy (host op command), before and after,
 * so nothing is read twice. Those of devices and groups are read beside the front
 * end: a program that changes them meanwhile fools the trace and nobody else.
 * docs/schema/ has the JSON schemas.
 *
 * Locks: a mutex each (rank LEAF), held while a line is written or the books
 * are changed.
 */
#ifndef IOAS_SUPER_TRACE_H
#define IOAS_SUPER_TRACE_H

#include "super/super.h"
#include "uapi/command.h"

enum ioas_event_kind {
	IOAS_EVENT_OPEN,
	IOAS_EVENT_CLOSE, /* the last descriptor is gone */
	IOAS_EVENT_COMMAND, /* ioctl */
	IOAS_EVENT_READ,
	IOAS_EVENT_WRITE,
	IOAS_EVENT_MMAP,
};

/* Filled on the stack of the thread that serves the call. */
struct ioas_event {
	enum ioas_event_kind kind;
	/* From 1 on, taken before the call has any effect. */
	uint64_t serial;
	/* Nanoseconds: CLOCK_REALTIME at the start; how long it took. */
	uint64_t when;
	uint64_t duration;
	pid_t pid;
	pid_t tid;
	/* The client's descriptor; -1: none. The file behind it, if any. */
	int fd;
	struct ioas_ufile *file;
	/* What it is called, if not as file->ops says; or NULL. */
	const char *name;
	/* It is a device's or a group's. */
	bool device;
	/* Of an ioctl. */
	uint32_t cmd;
	/* Request before and after; 0 bytes if it was never copied. */
	uint32_t size;
	uint8_t in[IOAS_UCMD_MAX];
	uint8_t out[IOAS_UCMD_MAX];
	/* ioctl: its argument; read, write: bytes; mmap: the offset; open: flags. */
	uint64_t arg;
	/* Of a read or write of a device: it has one. */
	bool placed;
	uint64_t position;
	/* Result or -errno. */
	int64_t result;
};

/* Return: 0, or -errno with a message: the file cannot be opened. */
int ioas_trace_create(struct ioas_super *s, const char *path,
		      struct ioas_trace **out);
/* Writes out what is pending. Accepts NULL. */
void ioas_trace_destroy(struct ioas_trace *t);
void ioas_trace_event(struct ioas_trace *t, const struct ioas_event *e);

int ioas_report_create(struct ioas_super *s, struct ioas_report **out);
void ioas_report_destroy(struct ioas_report *r);
void ioas_report_event(struct ioas_report *r, const struct ioas_event *e);
/*
 * The last descriptor of an iommufd is closed; it is about to be destroyed. What
 * is still mapped in it is a leak of the program.
 */
void ioas_report_release(struct ioas_report *r, struct ioas_ufile *file);
/*
 * Memory of @pid under a live mapping has gone: munmap, execve, exit. Where it
 * was met at; 0: all of it.
 */
void ioas_report_lost(struct ioas_report *r, pid_t pid, uint64_t address,
		      const char *why);
/*
 * Write it, as the options say. @status as waitpid(2) gives it. Return: 0 or
 * -errno with a message.
 */
int ioas_report_write(struct ioas_report *r, int status);

#endif
