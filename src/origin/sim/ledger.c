/* SPDX-License-Identifier: MIT */
/*
 * ledger: frames, their contents, and every pin
 *
 *   by_pfn: pfn -> frame { maps, pins for writing and reading, data } --+
 *                                                                       v
 *   windows: [first, nr) of a giant range or a device        folio { pins }
 *
 * Invariants (ioas_sim_ledger_validate() checks each under its number):
 *  SL1  a frame outside the windows is mapped or pinned.
 *  SL2  sim->pins is the sum over frames and windows, and over origins.
 *  SL3  the pins of a folio are the sum over its frames.
 *  SL4  a frame inside a window has neither maps nor pins of its own.
 *
 * Locks: all under sim->lock.
 */
#include "base/bits.h"
#include "base/mem.h"
#include "origin/sim/internal.h"

static bool window_has(const struct ioas_sim_window *w, ioas_pfn_t pfn)
{
	return pfn >= w->first && pfn - w->first < w->nr;
}

struct ioas_sim_window *ioas_sim_window(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	sim_held(sim);
	ioas_list_for_each(l, &sim->windows) {
		struct ioas_sim_window *w =
			ioas_list_entry(l, struct ioas_sim_window, link);

		if (window_has(w, pfn))
			return w;
	}
	return NULL;
}

struct ioas_sim_frame *ioas_sim_frame(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	sim_held(sim);
	return ioas_sim_table_find(&sim->by_pfn, pfn);
}

int ioas_sim_frame_get(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_frame *f = ioas_sim_frame(sim, pfn);

	if (!f)
		f = ioas_sim_table_add(&sim->by_pfn, pfn);
	if (!f)
		return -ENOMEM;
	f->maps++;
	return 0;
}

static void folio_put(struct ioas_sim_folio_record *fo)
{
	if (--fo->refs)
		return;
	ioas_list_del(&fo->link);
	ioas_plat_free(fo, sizeof(*fo));
}

static void frame_free(struct ioas_sim *sim, ioas_pfn_t pfn,
		       struct ioas_sim_frame *f)
{
	size_t bytes = (size_t)page_bytes(sim);

	if (f->data)
		ioas_plat_free_aligned(f->data, bytes, bytes);
	if (f->folio)
		folio_put(f->folio);
	ioas_sim_table_del(&sim->by_pfn, pfn);
}

/* Frees the frame if nobody maps or pins it any more. */
static void frame_settle(struct ioas_sim *sim, ioas_pfn_t pfn,
			 struct ioas_sim_frame *f)
{
	if (!f->maps && !f->write && !f->read)
		frame_free(sim, pfn, f);
}

void ioas_sim_frame_put(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_frame *f = ioas_sim_frame(sim, pfn);

	if (IOAS_CHECK(!f || !f->maps))
		return;
	f->maps--;
	frame_settle(sim, pfn, f);
}

/* What a frame holds before anybody writes: its number and the seed, mixed. */
static void frame_scribble(struct ioas_sim *sim, ioas_pfn_t pfn, void *data)
{
	for (size_t at = 0; at < page_bytes(sim); at += sizeof(uint64_t)) {
		uint64_t word = ioas_sim_mix(sim->seed ^ pfn, at);

		memcpy((char *)data + at, &word, sizeof(word));
	}
}

void *ioas_sim_frame_data(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_frame *f = ioas_sim_frame(sim, pfn);
	size_t bytes = (size_t)page_bytes(sim);

	if (!f && ioas_sim_window(sim, pfn))
		f = ioas_sim_table_add(&sim->by_pfn, pfn);
	if (!f)
		return NULL;
	if (!f->data) {
		f->data = ioas_plat_alloc_aligned(bytes, bytes);
		if (f->data)
			frame_scribble(sim, pfn, f->data);
	}
	return f->data;
}

void ioas_sim_frame_soil(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_window *w = ioas_sim_window(sim, pfn);
	struct ioas_sim_frame *f = ioas_sim_frame(sim, pfn);

	if (w)
		w->dirty = true;
	else if (f)
		f->dirty = true;
}

static void frame_pin(struct ioas_sim_frame *f, bool write)
{
	if (!f->write && !f->read)
		f->holds++;
	if (write)
		f->write++;
	else
		f->read++;
	if (f->folio)
		f->folio->pins++;
}

static void window_pin(struct ioas_sim_window *w, uint64_t nr, bool write)
{
	if (!w->write && !w->read)
		w->holds++;
	if (write)
		w->write += nr;
	else
		w->read += nr;
}

void ioas_sim_ledger_pin(struct ioas_sim_origin *so, ioas_pfn_t pfn,
			 uint64_t nr, bool write)
{
	struct ioas_sim_window *w = ioas_sim_window(so->sim, pfn);

	so->pins += nr;
	so->sim->pins += nr;
	if (w) {
		window_pin(w, nr, write);
		return;
	}
	for (uint64_t i = 0; i < nr; i++)
		frame_pin(ioas_sim_frame(so->sim, pfn + i), write);
}

/*
 * Take @nr from the pins for writing or reading. An unpin does not say which
 * it undoes: a dirty one must have been for writing, a clean one is charged to
 * the readers while there are any, so that no right order is ever refused.
 * What could not be taken.
 */
static uint64_t pins_take(uint64_t *write, uint64_t *read, uint64_t nr,
			  bool dirty)
{
	uint64_t *from[2] = { dirty ? write : read, dirty ? read : write };

	for (unsigned int k = 0; k < 2; k++) {
		uint64_t n = ioas_min(nr, *from[k]);

		*from[k] -= n;
		nr -= n;
	}
	return nr;
}

struct window_contents {
	struct ioas_sim *sim;
	const struct ioas_sim_window *w;
};

static void window_forget(void *data, uint64_t pfn, void *record)
{
	struct window_contents *c = data;

	if (window_has(c->w, pfn))
		frame_free(c->sim, pfn, record);
}

static void window_free(struct ioas_sim *sim, struct ioas_sim_window *w)
{
	struct window_contents c = { sim, w };

	ioas_sim_table_each(&sim->by_pfn, window_forget, &c);
	ioas_list_del(&w->link);
	ioas_plat_free(w, sizeof(*w));
}

/* Unpin pages of one window. How many of them were pinned. */
static uint64_t window_unpin(struct ioas_sim *sim, struct ioas_sim_window *w,
			     ioas_pfn_t pfn, uint64_t nr, bool dirty,
			     struct ioas_sim_breach *b)
{
	uint64_t missing;

	if (w->device)
		breach_note(b, "unpin of device memory", pfn);
	if (dirty && w->write < nr)
		breach_note(b, "dirty unpin without a pin for writing", pfn);
	missing = pins_take(&w->write, &w->read, nr, dirty);
	if (missing)
		breach_note(b, "unpin of a frame that is not pinned", pfn);
	w->dirty |= dirty;
	if (w->orphan && !w->write && !w->read)
		window_free(sim, w);
	return nr - missing;
}

static bool frame_unpin(struct ioas_sim *sim, ioas_pfn_t pfn, bool dirty,
			struct ioas_sim_breach *b)
{
	struct ioas_sim_frame *f;

	sim_held(sim);
	f = ioas_sim_frame(sim, pfn);
	if (!f || (!f->write && !f->read)) {
		breach_note(b, "unpin of a frame that is not pinned", pfn);
		return false;
	}
	if (dirty && !f->write)
		breach_note(b, "dirty unpin without a pin for writing", pfn);
	pins_take(&f->write, &f->read, 1, dirty);
	f->dirty |= dirty;
	if (f->folio)
		f->folio->pins--;
	frame_settle(sim, pfn, f);
	return true;
}

void ioas_sim_ledger_unpin(struct ioas_sim_origin *so, ioas_pfn_t pfn,
			   uint64_t nr, bool dirty, struct ioas_sim_breach *b)
{
	uint64_t done = 0;

	for (uint64_t i = 0, n; i < nr; i += n) {
		struct ioas_sim_window *w =
			ioas_sim_window(so->sim, pfn + i);

		n = 1;
		if (w) {
			n = ioas_min(nr - i, w->nr - (pfn + i - w->first));
			done += window_unpin(so->sim, w, pfn + i, n, dirty, b);
		} else if (frame_unpin(so->sim, pfn + i, dirty, b)) {
			done++;
		}
	}
	so->sim->pins -= done;
	if (so->pins < done)
		breach_note(b, "unpin through an origin that did not pin", pfn);
	so->pins -= ioas_min(so->pins, done);
}

int ioas_sim_window_create(struct ioas_sim *sim, uint64_t nr, bool device,
			   struct ioas_sim_window **out)
{
	struct ioas_sim_window *w = ioas_plat_zalloc(sizeof(*w));
	int ret;

	sim_held(sim);
	if (!w)
		return -ENOMEM;
	ret = ioas_sim_numbers(sim, nr, 1, false, &w->first);
	if (ret) {
		ioas_plat_free(w, sizeof(*w));
		return ret;
	}
	w->nr = nr;
	w->device = device;
	ioas_list_add_tail(&sim->windows, &w->link);
	*out = w;
	return 0;
}

void ioas_sim_window_put(struct ioas_sim *sim, struct ioas_sim_window *w)
{
	sim_held(sim);
	if (!w)
		return;
	w->orphan = true;
	if (!w->write && !w->read)
		window_free(sim, w);
}

int ioas_sim_folio_create(struct ioas_sim *sim, ioas_pfn_t first, uint64_t nr)
{
	struct ioas_sim_folio_record *fo = ioas_plat_zalloc(sizeof(*fo));
	uint64_t i;

	sim_held(sim);
	if (!fo)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (ioas_sim_frame_get(sim, first + i))
			goto err_put;
	for (i = 0; i < nr; i++)
		ioas_sim_frame(sim, first + i)->folio = fo;
	fo->first = first;
	fo->nr = nr;
	fo->refs = nr;
	ioas_list_add_tail(&sim->folios, &fo->link);
	return 0;
err_put:
	while (i--)
		ioas_sim_frame_put(sim, first + i);
	ioas_plat_free(fo, sizeof(*fo));
	return -ENOMEM;
}

struct ledger_sum {
	struct ioas_sim *sim;
	uint64_t pins;
	bool good;
};

static void sum_check(struct ledger_sum *s, bool good, const char *what)
{
	if (good)
		return;
	s->good = false;
	ioas_plat_log(3, what);
}

static void sum_frame(void *data, uint64_t pfn, void *record)
{
	struct ioas_sim_frame *f = record;
	struct ledger_sum *s = data;
	bool used = f->maps || f->write || f->read;

	sim_held(s->sim);
	s->pins += f->write + f->read;
	if (ioas_sim_window(s->sim, pfn))
		sum_check(s, !used, "SL4: frame of a window is in use");
	else
		sum_check(s, used, "SL1: frame is not in use");
}

static void sum_folio(struct ledger_sum *s,
		      const struct ioas_sim_folio_record *fo)
{
	uint64_t pins = 0, refs = 0;

	sim_held(s->sim);
	for (uint64_t i = 0; i < fo->nr; i++) {
		struct ioas_sim_frame *f =
			ioas_sim_frame(s->sim, fo->first + i);

		if (!f || f->folio != fo)
			continue;
		pins += f->write + f->read;
		refs++;
	}
	sum_check(s, pins == fo->pins && refs == fo->refs,
		  "SL3: folio disagrees with its frames");
}

bool ioas_sim_ledger_validate(struct ioas_sim *sim)
{
	struct ledger_sum s = { .sim = sim, .good = true };
	uint64_t origins = 0;

	sim_held(sim);
	ioas_sim_table_each(&sim->by_pfn, sum_frame, &s);
	ioas_list_for_each(l, &sim->windows) {
		struct ioas_sim_window *w =
			ioas_list_entry(l, struct ioas_sim_window, link);

		s.pins += w->write + w->read;
	}
	ioas_list_for_each(l, &sim->folios)
		sum_folio(&s, ioas_list_entry(l, struct ioas_sim_folio_record,
					      link));
	ioas_list_for_each(l, &sim->origins)
		origins += ioas_list_entry(l, struct ioas_sim_origin,
					   link)->pins;
	sum_check(&s, s.pins == sim->pins && origins == sim->pins,
		  "SL2: totals disagree");
	return s.good;
}
