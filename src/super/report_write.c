/* SPDX-License-Identifier: MIT */
/*
 * report_write: for people, at most a screen; for programs, all of it
 *
 *   ioas: report: qemu-system-x86_64 ...
 *     ended        exit status 0, after 1.203 s
 *     commands     1204 in 12.40 ms, 3 of them failed
 *                      1000   8.12 ms  IOMMU_IOAS_MAP
 *                       200   1.12 ms  IOMMU_IOAS_UNMAP  ENOENT 3
 *     pinned       at most 512 pages, 2.0 MiB
 *     left mapped  1 area, 4.0 KiB, 1 page pinned
 *                  1: ioas 1 0x10000..0x10fff rw: IOMMU_IOAS_MAP, #12 of 71 (qemu)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/pages.h"
#include "super/output.h"
#include "super/report_impl.h"

/* Of a screen: */
#define TEXT_WORDS 8
#define TEXT_COMMANDS 8
#define TEXT_LEAKS 20
#define TEXT_LOST 4

/* ---- both --------------------------------------------------------------- */

struct totals {
	uint64_t count;
	uint64_t failed;
	uint64_t ns;
};

static struct totals totals_of(const struct ioas_report *r)
{
	struct totals t = { 0, 0, 0 };

	for (unsigned int i = 0; i < IOAS_NR_COMMANDS; i++) {
		t.count += r->commands[i].count;
		t.failed += r->commands[i].failed;
		t.ns += r->commands[i].ns;
	}
	return t;
}

static const char *prot_text(uint32_t prot)
{
	static const char *const texts[] = { "--", "r-", "-w", "rw" };

	return texts[(prot & IOAS_PROT_READ ? 1 : 0) |
		     (prot & IOAS_PROT_WRITE ? 2 : 0)];
}

/* Contexts that nobody closed: what the books say of them. */
static void add_open_contexts(struct ioas_report *r) __must_hold(r->lock)
{
	for (unsigned int i = 0; i < IOAS_BOOKS_SLOTS; i++) {
		ioas_list_for_each(l, &r->books.slot[i]) {
			const struct ioas_book *book =
				ioas_list_entry(l, struct ioas_book, link);

			if (r->nr_contexts == IOAS_REPORT_CONTEXTS)
				return;
			r->contexts[r->nr_contexts++] = (struct report_context){
				.opened = book->opened,
				.spaces = book->nr_spaces,
				.maps = book->nr_maps,
				.unmaps = book->nr_unmaps,
			};
		}
	}
}

/* ---- JSON --------------------------------------------------------------- */

static void put_deed(struct json_object *o, const char *name,
		     const struct ioas_deed *d)
{
	struct json_object *deed;

	if (!d->serial)
		return;
	deed = json_object_new_object();
	ioas_json_put_number(deed, "serial", d->serial);
	ioas_json_put_time(deed, "time", d->when);
	if (d->command)
		ioas_json_put_text(deed, "command",
				   ioas_command_index_name(d->command));
	ioas_json_put_signed(deed, "pid", d->pid);
	ioas_json_put_text(deed, "comm", d->comm);
	ioas_json_put(o, name, deed);
}

static void put_pages(struct json_object *o, const struct report_pages *p)
{
	struct json_object *pages = json_object_new_object();

	ioas_json_put_number(pages, "pinned", report_pinned(p));
	ioas_json_put_number(pages, "store", p->store);
	ioas_json_put_number(pages, "domain", p->domain);
	ioas_json_put_number(pages, "both", p->both);
	ioas_json_put(o, "pages", pages);
}

static void put_sum(struct json_object *o, const struct report_sum *s)
{
	ioas_json_put_number(o, "areas", s->areas);
	ioas_json_put_number(o, "bytes", s->bytes);
	put_pages(o, &s->pages);
}

static struct json_object *program_object(const struct ioas_report *r,
					  int status)
{
	struct json_object *o = json_object_new_object();
	struct json_object *argv = json_object_new_array();

	for (unsigned int i = 0; argv && i < 256 && r->s->opts->argv[i]; i++) {
		struct json_object *tmp = json_object_new_object();

		/* By way of an object, for the sake of its cleaning. */
		ioas_json_put_text(tmp, "a", r->s->opts->argv[i]);
		json_object_array_add(
			argv,
			json_object_get(json_object_object_get(tmp, "a")));
		json_object_put(tmp);
	}
	ioas_json_put(o, "argv", argv);
	if (WIFSIGNALED(status))
		ioas_json_put_signed(o, "signal", WTERMSIG(status));
	else
		ioas_json_put_signed(o, "status", WEXITSTATUS(status));
	return o;
}

static struct json_object *command_object(const struct report_command *c,
					  unsigned int index)
{
	struct json_object *o = json_object_new_object();
	struct json_object *errors = json_object_new_object();
	char number[16];

	ioas_json_put_text(o, "command", ioas_command_index_name(index));
	ioas_json_put_number(o, "count", c->count);
	ioas_json_put_number(o, "failed", c->failed);
	ioas_json_put_us(o, "us", c->ns);
	for (unsigned int i = 0; i < IOAS_REPORT_ERRORS; i++) {
		const char *name = ioas_error_name(c->errors[i].error);

		if (!c->errors[i].error)
			break;
		snprintf(number, sizeof(number), "%d", c->errors[i].error);
		ioas_json_put_number(errors, name ? name : number,
				     c->errors[i].count);
	}
	ioas_json_put(o, "errors", errors);
	return o;
}

static struct json_object *commands_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	const struct totals t = totals_of(r);

	ioas_json_put_number(o, "count", t.count);
	ioas_json_put_number(o, "failed", t.failed);
	ioas_json_put_us(o, "us", t.ns);
	for (unsigned int i = 0; list && i < IOAS_NR_COMMANDS; i++)
		if (r->commands[i].count)
			json_object_array_add(
				list, command_object(&r->commands[i], i));
	ioas_json_put(o, "list", list);
	return o;
}

static struct json_object *contexts_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	ioas_json_put_number(o, "opened", r->nr_opened);
	ioas_json_put_number(o, "closed", r->nr_closed);
	for (uint32_t i = 0; list && i < r->nr_contexts; i++) {
		const struct report_context *c = &r->contexts[i];
		struct json_object *one = json_object_new_object();

		if (c->file)
			ioas_json_put_text(one, "file", c->file);
		ioas_json_put(one, "closed", json_object_new_boolean(c->closed));
		put_deed(one, "opened", &c->opened);
		ioas_json_put_number(one, "spaces", c->spaces);
		ioas_json_put_number(one, "maps", c->maps);
		ioas_json_put_number(one, "unmaps", c->unmaps);
		put_sum(one, &c->left);
		json_object_array_add(list, one);
	}
	ioas_json_put(o, "list", list);
	return o;
}

static struct json_object *left_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	put_sum(o, &r->left);
	for (uint32_t i = 0; list && i < r->nr_leaks; i++) {
		const struct report_leak *l = &r->leaks[i];
		struct json_object *one = json_object_new_object();

		ioas_json_put_number(one, "context", l->context);
		ioas_json_put_number(one, "ioas_id", l->ioas);
		ioas_json_put_hex(one, "iova", l->iova);
		ioas_json_put_number(one, "length", l->last - l->iova + 1);
		ioas_json_put_text(one, "prot", prot_text(l->prot));
		put_pages(one, &l->pages);
		put_deed(one, "by", &l->deed);
		json_object_array_add(list, one);
	}
	ioas_json_put(o, "list", list);
	return o;
}

static struct json_object *lost_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	ioas_json_put_number(o, "count", r->lost_count);
	for (uint32_t i = 0; list && i < r->nr_lost; i++) {
		const struct report_lost *l = &r->lost[i];
		struct json_object *one = json_object_new_object();

		ioas_json_put_signed(one, "pid", l->pid);
		ioas_json_put_text(one, "comm", l->comm);
		ioas_json_put_hex(one, "address", l->address);
		ioas_json_put_text(one, "why", l->why);
		ioas_json_put_number(one, "count", l->count);
		json_object_array_add(list, one);
	}
	ioas_json_put(o, "list", list);
	return o;
}

static struct json_object *pinned_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();

	ioas_json_put_number(o, "peak", r->peak);
	ioas_json_put_signed(o, "page_size", sysconf(_SC_PAGESIZE));
	return o;
}

static struct json_object *events_object(const struct ioas_report *r)
{
	static const struct {
		enum ioas_event_kind kind;
		const char *name;
	} names[] = {
		{ IOAS_EVENT_OPEN, "open" },   { IOAS_EVENT_CLOSE, "close" },
		{ IOAS_EVENT_READ, "read" },   { IOAS_EVENT_WRITE, "write" },
		{ IOAS_EVENT_MMAP, "mmap" },
	};
	struct json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ioas_json_put_number(o, names[i].name,
				     r->events[names[i].kind]);
	return o;
}

/* What was not remembered, so that some of the rest may lack its command. */
static struct json_object *books_object(const struct ioas_report *r)
{
	struct json_object *o = json_object_new_object();

	ioas_json_put_number(o, "limit", r->books.max_areas);
	ioas_json_put_number(o, "areas_dropped", r->books.areas_dropped);
	ioas_json_put_number(o, "contexts_dropped", r->books.contexts_dropped);
	return o;
}

static struct json_object *report_object(struct ioas_report *r, int status,
					 uint64_t now)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	ioas_json_put_number(o, "version", 1);
	ioas_json_put(o, "program", program_object(r, status));
	ioas_json_put_time(o, "started", r->started);
	ioas_json_put_time(o, "ended", now);
	ioas_json_put(o, "commands", commands_object(r));
	ioas_json_put(o, "events", events_object(r));
	ioas_json_put(o, "pinned", pinned_object(r));
	ioas_json_put(o, "contexts", contexts_object(r));
	ioas_json_put(o, "left_mapped", left_object(r));
	ioas_json_put(o, "lost", lost_object(r));
	ioas_json_put(o, "books", books_object(r));
	return o;
}

/* ---- text --------------------------------------------------------------- */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

const char *ioas_report_size(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	static _Thread_local char text[2][32];
	static _Thread_local unsigned int at;
	double value = (double)bytes / 1024;
	unsigned int unit = 0;
	char *out = text[at++ % 2];

	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	if (bytes < 1024)
		snprintf(out, sizeof(text[0]), "%" PRIu64 " B", bytes);
	else
		snprintf(out, sizeof(text[0]), "%.1f %s", value, units[unit]);
	return out;
}

static const char *time_text(uint64_t ns, char out[32])
{
	if (ns < 1000000)
		snprintf(out, 32, "%.2f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(out, 32, "%.2f ms", (double)ns / 1e6);
	else
		snprintf(out, 32, "%.3f s", (double)ns / 1e9);
	return out;
}

/* A program's text on a terminal. */
static void print_clean(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', f);
}

static void print_program(FILE *f, const struct ioas_report *r, int status,
			  uint64_t now)
{
	char *const *argv = r->s->opts->argv;
	unsigned int i = 0;
	char took[32];

	fputs("ioas: report:", f);
	for (; i < TEXT_WORDS && argv[i]; i++) {
		fputc(' ', f);
		print_clean(f, argv[i]);
	}
	if (argv[i])
		fputs(" ...", f);
	time_text(now - r->started, took);
	if (WIFSIGNALED(status))
		fprintf(f, "\n  ended        by signal %d (%s), after %s\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)), took);
	else
		fprintf(f, "\n  ended        exit status %d, after %s\n",
			WEXITSTATUS(status), took);
}

/* The command that took the most time of those not yet printed. */
static unsigned int next_command(const struct ioas_report *r,
				 const bool *printed)
{
	unsigned int best = IOAS_NR_COMMANDS;

	for (unsigned int i = 0; i < IOAS_NR_COMMANDS; i++)
		if (r->commands[i].count && !printed[i] &&
		    (best == IOAS_NR_COMMANDS ||
		     r->commands[i].ns > r->commands[best].ns))
			best = i;
	return best;
}

static void print_command(FILE *f, const struct report_command *c,
			  unsigned int index)
{
	char took[32];

	fprintf(f, "    %10" PRIu64 "  %10s  %s", c->count,
		time_text(c->ns, took), ioas_command_index_name(index));
	for (unsigned int i = 0; i < IOAS_REPORT_ERRORS; i++) {
		const char *name = ioas_error_name(c->errors[i].error);

		if (!c->errors[i].error)
			break;
		fprintf(f, "  %s %" PRIu64, name ? name : "error",
			c->errors[i].count);
	}
	fputc('\n', f);
}

static void print_commands(FILE *f, const struct ioas_report *r)
{
	const struct totals t = totals_of(r);
	bool printed[IOAS_NR_COMMANDS] = { false };
	unsigned int nr, i = 0;
	char took[32];

	fprintf(f, "  commands     %" PRIu64 " in %s, %" PRIu64 " failed\n",
		t.count, time_text(t.ns, took), t.failed);
	for (nr = 0; nr < TEXT_COMMANDS; nr++) {
		i = next_command(r, printed);
		if (i == IOAS_NR_COMMANDS)
			return;
		print_command(f, &r->commands[i], i);
		printed[i] = true;
	}
	if (next_command(r, printed) != IOAS_NR_COMMANDS)
		fputs("           ...\n", f);
}

static void print_pinned(FILE *f, const struct ioas_report *r)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	fprintf(f, "  pinned       at most %" PRIu64 " page%s, %s\n", r->peak,
		plural(r->peak), ioas_report_size(r->peak * page));
	fprintf(f, "  contexts     %" PRIu64 " opened, %" PRIu64 " closed\n",
		r->nr_opened, r->nr_closed);
}

static void print_leak(FILE *f, const struct report_leak *l)
{
	const uint64_t pinned = report_pinned(&l->pages);

	fprintf(f,
		"    context %" PRIu64 " ioas %" PRIu32 " 0x%" PRIx64
		"..0x%" PRIx64 " %s, %" PRIu64 " pinned: ",
		l->context, l->ioas, l->iova, l->last, prot_text(l->prot),
		pinned);
	if (!l->deed.serial) {
		fputs("by an unknown command\n", f);
		return;
	}
	fprintf(f, "%s, #%" PRIu64 " of %d (",
		ioas_command_index_name(l->deed.command), l->deed.serial,
		(int)l->deed.pid);
	print_clean(f, l->deed.comm);
	fputs(")\n", f);
}

static void print_left(FILE *f, const struct ioas_report *r)
{
	const uint64_t pinned = report_pinned(&r->left.pages);
	uint32_t i;

	if (!r->left.areas) {
		fputs("  nothing was left mapped\n", f);
		return;
	}
	fprintf(f,
		"  left mapped  %" PRIu64 " area%s, %s, %" PRIu64
		" page%s pinned\n",
		r->left.areas, plural(r->left.areas), ioas_report_size(r->left.bytes),
		pinned, plural(pinned));
	for (i = 0; i < r->nr_leaks && i < TEXT_LEAKS; i++)
		print_leak(f, &r->leaks[i]);
	if (r->left.areas > i)
		fprintf(f, "    ... and %" PRIu64 " more\n", r->left.areas - i);
	if (r->books.areas_dropped)
		fprintf(f, "    (commands of %" PRIu64
			" areas were not remembered)\n",
			r->books.areas_dropped);
}

static void print_lost(FILE *f, const struct ioas_report *r)
{
	uint32_t i;

	if (!r->lost_count)
		return;
	fprintf(f, "  lost memory  %" PRIu64 " time%s, under a live mapping\n",
		r->lost_count, plural(r->lost_count));
	for (i = 0; i < r->nr_lost && i < TEXT_LOST; i++) {
		const struct report_lost *l = &r->lost[i];

		if (l->address)
			fprintf(f, "    0x%" PRIx64 " of ", l->address);
		else
			fputs("    all of ", f);
		fprintf(f, "%d (", (int)l->pid);
		print_clean(f, l->comm);
		fputs("): ", f);
		print_clean(f, l->why);
		fputc('\n', f);
	}
	if (r->nr_lost > i)
		fputs("    ...\n", f);
}

/* ---- where to ----------------------------------------------------------- */

static int write_file(const char *path, const char *text, size_t length)
{
	int fd, ret;

	if (!strcmp(path, "-"))
		return ioas_output_write(STDERR_FILENO, text, length);
	/* One that is open already: a FIFO would wait for another reader. */
	if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	ret = ioas_output_write(fd, text, length);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* As it is now, with the contexts that nobody closed. */
static struct json_object *report_snapshot(struct ioas_report *r, int status,
					   uint64_t now)
{
	struct json_object *o;
	uint32_t closed;

	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	closed = r->nr_contexts;
	add_open_contexts(r);
	o = report_object(r, status, now);
	r->nr_contexts = closed;
	ioas_mutex_unlock(&r->lock);
	return o;
}

static void print_snapshot(FILE *f, struct ioas_report *r, int status,
			   uint64_t now)
{
	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	print_program(f, r, status, now);
	print_commands(f, r);
	print_pinned(f, r);
	print_left(f, r);
	print_lost(f, r);
	ioas_mutex_unlock(&r->lock);
}

/* In one piece, so that it does not mix with what programs write. */
static int write_text(struct ioas_report *r, int status, uint64_t now)
{
	char *text = NULL;
	size_t length = 0;
	FILE *f = open_memstream(&text, &length);
	int ret = -ENOMEM;

	if (!f)
		return -ENOMEM;
	print_snapshot(f, r, status, now);
	ioas_report_devices_text(r, f);
	if (!fclose(f))
		ret = ioas_output_write(STDERR_FILENO, text, length);
	free(text);
	return ret;
}

static int write_json(struct ioas_report *r, int status, uint64_t now)
{
	struct json_object *o = report_snapshot(r, status, now);
	const char *json = NULL;
	char *line = NULL;
	int ret = -ENOMEM, length = -1;

	if (o)
		ioas_report_devices_json(r, o);
	if (o)
		json = json_object_to_json_string_ext(
			o, JSON_C_TO_STRING_PRETTY |
				   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (json)
		length = asprintf(&line, "%s\n", json);
	if (length >= 0) {
		ret = write_file(r->s->opts->report_file, line, (size_t)length);
		free(line);
	}
	json_object_put(o);
	return ret;
}

int ioas_report_write(struct ioas_report *r, int status)
{
	const uint64_t now = ioas_report_now();
	const char *path = r ? r->s->opts->report_file : NULL;
	int ret;

	if (!r)
		return 0;
	ret = path ? write_json(r, status, now) : write_text(r, status, now);
	if (ret)
		ioas_super_error(r->s, "report: %s: %s", path ? path : "stderr",
				 strerror(-ret));
	return ret;
}
