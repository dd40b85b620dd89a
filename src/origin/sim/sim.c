/* SPDX-License-Identifier: MIT */
/*
 * sim: life, knobs and queries of a simulated machine
 *
 * What an origin of it does stands in process.c, file.c and device.c; where
 * pins are counted, in ledger.c.
 *
 * Locks: every function here takes sim->lock for a moment.
 */
#include "base/bits.h"
#include "base/mem.h"
#include "origin/sim/internal.h"

#define FIRST_PFN 256u
/* Numbers asked of a frame space when the options name none. */
#define FRAMES_NR ((uint64_t)1 << 32)
#define IDLE_LINES 12u

static void *frames_pointer(void *owner, uint64_t page)
{
	struct ioas_sim *sim = owner;

	return ioas_sim_pointer(sim, sim->first_pfn + page);
}

static const struct ioas_frames_ops frames_ops = {
	.pointer = frames_pointer,
};

/* Agree with the frame space on [first_pfn, last_pfn]. */
static int sim_register(struct ioas_sim *sim,
			const struct ioas_sim_options *opts)
{
	struct ioas_frames_owner by = { .ops = &frames_ops, .owner = sim };
	int ret;

	if (opts->first_pfn || opts->last_pfn) {
		uint64_t first = opts->first_pfn ? opts->first_pfn :
						   sim->frames->identity_nr;

		sim->first_pfn = first;
		if (first > sim->last_pfn)
			return -EINVAL;
		return ioas_frames_register(sim->frames, first,
					    sim->last_pfn - first + 1, &by);
	}
	ret = ioas_frames_alloc(sim->frames, FRAMES_NR, &by, &sim->first_pfn);
	if (!ret)
		sim->last_pfn = sim->first_pfn + FRAMES_NR - 1;
	return ret;
}

static int sim_range(struct ioas_sim *sim, const struct ioas_sim_options *opts)
{
	uint64_t last = UINT64_MAX >> sim->page_lg2;

	sim->first_pfn = opts->first_pfn ? opts->first_pfn : FIRST_PFN;
	sim->last_pfn = opts->last_pfn ? opts->last_pfn : last;
	if (sim->last_pfn > last)
		return -EINVAL;
	if (sim->frames)
		return sim_register(sim, opts);
	return sim->first_pfn <= sim->last_pfn ? 0 : -EINVAL;
}

int ioas_sim_create(const struct ioas_sim_options *opts, struct ioas_sim **out)
{
	struct ioas_sim *sim;
	int ret;

	if (opts->page_lg2 < 3 || opts->page_lg2 > 16 ||
	    (opts->frames && opts->frames->page_lg2 != opts->page_lg2))
		return -EINVAL;
	sim = ioas_plat_zalloc(sizeof(*sim));
	if (!sim)
		return -ENOMEM;
	sim->page_lg2 = opts->page_lg2;
	sim->seed = opts->seed;
	sim->frames = opts->frames;
	sim->hooks = opts->hooks;
	sim->budget = UINT64_MAX;
	ret = sim_range(sim, opts);
	if (ret) {
		ioas_plat_free(sim, sizeof(*sim));
		return ret;
	}
	sim->low = sim->first_pfn;
	sim->high = sim->last_pfn;
	ioas_sim_table_init(&sim->by_pfn, sizeof(struct ioas_sim_frame));
	ioas_list_init(&sim->windows);
	ioas_list_init(&sim->folios);
	ioas_list_init(&sim->origins);
	*out = sim;
	return 0;
}

static void frame_forget(void *data, uint64_t pfn, void *record)
{
	struct ioas_sim_frame *f = record;
	struct ioas_sim *sim = data;

	sim_held(sim);
	/* Only leaked pins keep a frame until now. */
	f->maps = 1;
	f->write = 0;
	f->read = 0;
	ioas_sim_frame_put(sim, pfn);
}

void ioas_sim_destroy(struct ioas_sim *sim)
{
	struct ioas_sim_breach b = { NULL, 0 };

	if (!sim)
		return;
	if (!ioas_list_empty(&sim->origins))
		breach_note(&b, "machine goes with origins", 0);
	if (sim->pins)
		breach_note(&b, "machine goes with pins", sim->pins);
	ioas_sim_report(sim, &b);
	if (sim->frames)
		ioas_frames_free(sim->frames, sim->first_pfn);
	sim_lock(sim);
	ioas_list_for_each_safe(l, tmp, &sim->windows) {
		struct ioas_sim_window *w =
			ioas_list_entry(l, struct ioas_sim_window, link);

		w->write = 0;
		w->read = 0;
		ioas_sim_window_put(sim, w);
	}
	ioas_sim_table_each(&sim->by_pfn, frame_forget, sim);
	sim_unlock(sim);
	ioas_sim_table_fini(&sim->by_pfn);
	ioas_plat_free(sim, sizeof(*sim));
}

void ioas_sim_set_hooks(struct ioas_sim *sim,
			const struct ioas_sim_hooks *hooks)
{
	sim->hooks = *hooks;
}

void ioas_sim_set_pin_mode(struct ioas_sim *sim, enum ioas_sim_pin_mode mode)
{
	sim_lock(sim);
	sim->mode = mode;
	sim_unlock(sim);
}

void ioas_sim_set_pin_budget(struct ioas_sim *sim, uint64_t pages)
{
	sim_lock(sim);
	sim->budget = pages;
	sim_unlock(sim);
}

/* ---- queries ------------------------------------------------------------ */

/* What the ledger says of @pfn; a window answers for all its frames. */
static struct ioas_sim_frame sim_peek(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_frame peek = { 0 };
	struct ioas_sim_window *w;
	struct ioas_sim_frame *f;

	sim_lock(sim);
	w = ioas_sim_window(sim, pfn);
	f = ioas_sim_frame(sim, pfn);
	if (f)
		peek = *f;
	if (w) {
		peek.write = w->write;
		peek.read = w->read;
		peek.holds = w->holds;
		peek.dirty = w->dirty;
	}
	sim_unlock(sim);
	return peek;
}

struct ioas_sim_pins ioas_sim_pins(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_frame peek = sim_peek(sim, pfn);

	return (struct ioas_sim_pins){ peek.write, peek.read };
}

uint64_t ioas_sim_holds(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	return sim_peek(sim, pfn).holds;
}

bool ioas_sim_dirty(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	return sim_peek(sim, pfn).dirty;
}

uint64_t ioas_sim_total_pins(struct ioas_sim *sim)
{
	uint64_t pins;

	sim_lock(sim);
	pins = sim->pins;
	sim_unlock(sim);
	return pins;
}

uint64_t ioas_sim_origin_pins(struct ioas_origin *o)
{
	struct ioas_sim_origin *so = sim_origin(o);
	uint64_t pins;

	sim_lock(so->sim);
	pins = so->pins;
	sim_unlock(so->sim);
	return pins;
}

/* What is left, line by line. */
struct idle_report {
	unsigned int lines;
};

/* Log "@what 0x@number". */
static void idle_line(struct idle_report *r, const char *what, uint64_t number)
{
	char line[64];
	size_t at = 0;

	if (r->lines++ >= IDLE_LINES)
		return;
	while (what[at] && at < sizeof(line) - 20) {
		line[at] = what[at];
		at++;
	}
	line[at++] = ' ';
	line[at++] = '0';
	line[at++] = 'x';
	for (unsigned int left = 16; left--;) {
		unsigned int digit = (unsigned int)(number >> (4 * left)) & 15;

		if (digit || !left || line[at - 1] != 'x')
			line[at++] = "0123456789abcdef"[digit];
	}
	line[at] = '\0';
	ioas_plat_log(3, line);
}

static void idle_frame(void *data, uint64_t pfn, void *record)
{
	struct ioas_sim_frame *f = record;

	if (f->write || f->read)
		idle_line(data, "sim: pinned frame", pfn);
}

bool ioas_sim_idle(struct ioas_sim *sim)
{
	struct idle_report r = { 0 };

	sim_lock(sim);
	if (sim->pins)
		ioas_sim_table_each(&sim->by_pfn, idle_frame, &r);
	ioas_list_for_each(l, &sim->windows) {
		struct ioas_sim_window *w =
			ioas_list_entry(l, struct ioas_sim_window, link);

		if (w->write || w->read)
			idle_line(&r, "sim: pins in a window",
				  w->write + w->read);
	}
	ioas_list_for_each(l, &sim->origins) {
		struct ioas_sim_origin *so =
			ioas_list_entry(l, struct ioas_sim_origin, link);

		if (so->guards)
			idle_line(&r, "sim: alive guards", so->guards);
		if (so->watchers)
			idle_line(&r, "sim: watchers", so->watchers);
	}
	sim_unlock(sim);
	return !r.lines;
}

void ioas_sim_clear_dirty(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_window *w;
	struct ioas_sim_frame *f;

	sim_lock(sim);
	w = ioas_sim_window(sim, pfn);
	f = ioas_sim_frame(sim, pfn);
	if (w)
		w->dirty = false;
	else if (f)
		f->dirty = false;
	sim_unlock(sim);
}

bool ioas_sim_frame_at(struct ioas_origin *o, uint64_t page, ioas_pfn_t *pfn)
{
	struct ioas_sim_origin *so = sim_origin(o);
	bool found;

	sim_lock(so->sim);
	found = !so->kind->at(so, page, 0, pfn);
	sim_unlock(so->sim);
	return found;
}

static int frame_copy(struct ioas_sim *sim, ioas_pfn_t pfn, uint64_t offset,
		      void *to, const void *from, size_t length)
{
	char *p;

	if (IOAS_CHECK(length > page_bytes(sim) ||
		       offset > page_bytes(sim) - length))
		return -EFAULT;
	sim_lock(sim);
	p = ioas_sim_frame_data(sim, pfn);
	if (p && to)
		memcpy(to, p + offset, length);
	else if (p && from)
		memcpy(p + offset, from, length);
	sim_unlock(sim);
	return p ? 0 : -EFAULT;
}

int ioas_sim_frame_read(struct ioas_sim *sim, ioas_pfn_t pfn, uint64_t offset,
			void *buffer, size_t length)
{
	return frame_copy(sim, pfn, offset, buffer, NULL, length);
}

int ioas_sim_frame_write(struct ioas_sim *sim, ioas_pfn_t pfn, uint64_t offset,
			 const void *buffer, size_t length)
{
	return frame_copy(sim, pfn, offset, NULL, buffer, length);
}

static int origin_transfer(struct ioas_origin *o, uint64_t offset,
			   void *buffer, size_t length, bool towards)
{
	struct ioas_sim_origin *so = sim_origin(o);
	uint64_t last;
	int ret;

	if (!length)
		return 0;
	if (!ioas_last(offset, length, &last))
		return -EFAULT;
	sim_lock(so->sim);
	ret = ioas_sim_transfer(so, offset, buffer, length, towards,
				towards ? IOAS_SIM_AT_FILL : 0);
	sim_unlock(so->sim);
	return ret;
}

int ioas_sim_read(struct ioas_origin *o, uint64_t offset, void *buffer,
		  size_t length)
{
	return origin_transfer(o, offset, buffer, length, false);
}

int ioas_sim_write(struct ioas_origin *o, uint64_t offset, const void *buffer,
		   size_t length)
{
	/* Only read from when the copy goes towards the origin. */
	return origin_transfer(o, offset, (void *)(uintptr_t)buffer, length,
			       true);
}

void ioas_sim_get_stats(struct ioas_sim *sim, struct ioas_sim_stats *st)
{
	sim_lock(sim);
	*st = sim->stats;
	sim_unlock(sim);
}

void ioas_sim_reset_stats(struct ioas_sim *sim)
{
	sim_lock(sim);
	sim->stats = (struct ioas_sim_stats){ 0 };
	sim_unlock(sim);
}

bool ioas_sim_validate(struct ioas_sim *sim)
{
	bool good;

	sim_lock(sim);
	good = ioas_sim_ledger_validate(sim);
	sim_unlock(sim);
	return good;
}
