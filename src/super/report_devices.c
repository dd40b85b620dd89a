/* SPDX-License-Identifier: MIT */
/*
 * report_devices: what emulated devices did, and their DMA that failed
 *
 *     devices                reads            writes   faults  interrupts
 *       0000:01:00.0 nvme     1204    4.7 MiB      12   48.0 KiB        2  1216
 *     dma faults   2, at 1 place
 *       0000:01:00.0 nvme: 2 times: write of 0x7f0000: not mapped; unmapped ...
 */
#include <inttypes.h>
#include <json-c/json.h>

#include "function/function.h"
#include "super/devices.h"
#include "super/dmafault.h"
#include "super/report_impl.h"

/* Of a screen: */
#define TEXT_DEVICES 16
#define TEXT_FAULTS 8

/* ---- JSON --------------------------------------------------------------- */

static void device_json(struct ioas_function *f, void *data)
{
	struct json_object *list = data, *o = json_object_new_object();
	struct ioas_function_counts n;

	if (!list || !o) {
		json_object_put(o);
		return;
	}
	ioas_function_counts(f, &n);
	ioas_json_put_text(o, "device", ioas_function_name(f));
	ioas_json_put_text(o, "model", ioas_function_model(f)->name);
	ioas_json_put_number(o, "reads", n.reads);
	ioas_json_put_number(o, "read_bytes", n.read_bytes);
	ioas_json_put_number(o, "writes", n.writes);
	ioas_json_put_number(o, "write_bytes", n.write_bytes);
	ioas_json_put_number(o, "faults", n.faults);
	ioas_json_put_number(o, "aborts", n.aborts);
	ioas_json_put_number(o, "interrupts", n.irqs);
	ioas_json_put_number(o, "page_requests", n.page_requests);
	ioas_json_put_number(o, "polls", n.polls);
	ioas_json_put_number(o, "busy_polls", n.busy_polls);
	ioas_json_put_number(o, "sleeps", n.sleeps);
	json_object_array_add(list, o);
}

static const char *deed_name(enum ioas_dmafault_deed deed)
{
	static const char *const names[] = {
		[IOAS_DMAFAULT_NEVER] = "never",
		[IOAS_DMAFAULT_MAPPED] = "mapped",
		[IOAS_DMAFAULT_UNMAPPED] = "unmapped",
		[IOAS_DMAFAULT_UNKNOWN] = "unknown",
		[IOAS_DMAFAULT_NESTED] = "nested",
	};

	return names[deed];
}

static struct json_object *last_object(const struct ioas_dmafault_entry *e)
{
	struct json_object *o = json_object_new_object();

	ioas_json_put_text(o, "did", deed_name(e->deed));
	if (e->deed != IOAS_DMAFAULT_MAPPED &&
	    e->deed != IOAS_DMAFAULT_UNMAPPED)
		return o;
	ioas_json_put_text(o, "command", e->command);
	ioas_json_put_hex(o, "first", e->first);
	ioas_json_put_hex(o, "last", e->last);
	ioas_json_put_signed(o, "pid", e->pid);
	ioas_json_put_text(o, "comm", e->comm);
	return o;
}

static void fault_json(const struct ioas_dmafault_entry *e, void *data)
{
	struct json_object *list = data, *o = json_object_new_object();

	if (!list || !o) {
		json_object_put(o);
		return;
	}
	ioas_json_put_text(o, "device", e->name);
	ioas_json_put_text(o, "model", e->model);
	ioas_json_put_number(o, "pasid", e->pasid);
	ioas_json_put_hex(o, "iova", e->iova);
	ioas_json_put_text(o, "access", e->write ? "write" : "read");
	ioas_json_put_text(o, "why", e->denied ? "denied" : "not mapped");
	ioas_json_put_number(o, "count", e->count);
	ioas_json_put(o, "last", last_object(e));
	json_object_array_add(list, o);
}

void ioas_report_devices_json(const struct ioas_report *r,
			      struct json_object *o)
{
	struct json_object *devices, *list, *faults;
	uint64_t count;

	if (!r->s->devices)
		return;
	devices = json_object_new_array();
	ioas_devices_each(r->s->devices, device_json, devices);
	ioas_json_put(o, "devices", devices);
	faults = json_object_new_object();
	list = json_object_new_array();
	count = ioas_dmafaults_each(r->s->dmafaults, fault_json, list);
	ioas_json_put_number(faults, "count", count);
	ioas_json_put(faults, "list", list);
	ioas_json_put(o, "dma_faults", faults);
}

/* ---- text --------------------------------------------------------------- */

/* Lines that are still to be had. */
struct page {
	FILE *f;
	uint64_t nr;
	uint64_t most;
};

static bool page_line(struct page *p)
{
	return p->nr++ < p->most;
}

static void page_end(const struct page *p)
{
	if (p->nr > p->most)
		fprintf(p->f, "    ... and %" PRIu64 " more\n", p->nr - p->most);
}

static void device_text(struct ioas_function *f, void *data)
{
	struct page *p = data;
	struct ioas_function_counts n;

	if (!page_line(p))
		return;
	ioas_function_counts(f, &n);
	fprintf(p->f,
		"    %-12s %-8s %10" PRIu64 " %10s %10" PRIu64 " %10s %8" PRIu64
		" %11" PRIu64 "\n",
		ioas_function_name(f), ioas_function_model(f)->name, n.reads,
		ioas_report_size(n.read_bytes), n.writes,
		ioas_report_size(n.write_bytes), n.faults, n.irqs);
}

static void fault_text(const struct ioas_dmafault_entry *e, void *data)
{
	struct page *p = data;
	char text[IOAS_DMAFAULT_TEXT];

	if (!page_line(p))
		return;
	ioas_dmafault_text(e, text);
	fprintf(p->f, "    %s %s: %" PRIu64 " time%s: %s\n", e->name, e->model,
		e->count, e->count == 1 ? "" : "s", text);
}

static void nothing(const struct ioas_dmafault_entry *e, void *data)
{
	(void)e;
	++*(uint64_t *)data;
}

void ioas_report_devices_text(const struct ioas_report *r, FILE *f)
{
	struct page devices = { f, 0, TEXT_DEVICES };
	struct page faults = { f, 0, TEXT_FAULTS };
	uint64_t count, places = 0;

	if (!r->s->devices)
		return;
	fprintf(f, "  devices      %32s %21s %8s %11s\n", "reads", "writes",
		"faults", "interrupts");
	ioas_devices_each(r->s->devices, device_text, &devices);
	page_end(&devices);
	count = ioas_dmafaults_each(r->s->dmafaults, nothing, &places);
	if (!count)
		return;
	fprintf(f, "  dma faults   %" PRIu64 ", at %" PRIu64 " place%s\n", count,
		places, places == 1 ? "" : "s");
	ioas_dmafaults_each(r->s->dmafaults, fault_text, &faults);
	page_end(&faults);
}
