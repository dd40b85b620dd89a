/* SPDX-License-Identifier: MIT */
/*
 * file: a file of the simulator, in folios
 *
 *   page     0       4   5   6       8                      16
 *            |---4---| 1 | 1 |---2---|----------8-----------|  ...
 *   frame    aligned to the folio's size; there only once pinned or written
 *
 * Which folios a file has follows from its seed alone: starting with the block
 * of 512 pages around a page, a coin for the block says whether it is one
 * folio or two halves. A block that exceeds the end of the file is always cut.
 *
 * A folio is pinned once per call, and then once more for each further page
 * that the call gives out, because the core releases page by page
 * (docs/reference/ioas-core.md 10.5). The fault point IOAS_FP_FOLIO stands
 * between the two: if it fails, the first pin is taken back, the pages of the
 * folio are not in the answer, and what came before it is a short count.
 *
 * Locks: sim->lock.
 */
#include "base/bits.h"
#include "origin/sim/internal.h"

struct file_page {
	ioas_pfn_t pfn;
};

struct file {
	struct ioas_sim_origin so;
	/* Set once. */
	uint64_t nr_pages;
	uint64_t seed;
	unsigned int folio_lg2;
	enum ioas_sim_layout layout;
	/* First of the frames set aside for the layouts that are one block. */
	ioas_pfn_t base;
	/* Pages rounded up to the largest folio. */
	uint64_t block;
	/* Of a giant file; else NULL. */
	struct ioas_sim_window *window;
	/* Under sim->lock. */
	struct ioas_sim_table pages; /* struct file_page */
};

static struct file *so_file(struct ioas_sim_origin *so)
{
	return ioas_container_of(so, struct file, so);
}

static unsigned int file_top(const struct file *f)
{
	return f->folio_lg2 == IOAS_SIM_FOLIO_MIXED ? IOAS_SIM_FOLIO_MAX_LG2 :
						      f->folio_lg2;
}

/* Is the block of 2^@lg2 pages from @first on one folio? */
static bool folio_whole(const struct file *f, uint64_t first, unsigned int lg2)
{
	if (first + ((uint64_t)1 << lg2) > f->nr_pages)
		return false;
	if (f->folio_lg2 != IOAS_SIM_FOLIO_MIXED)
		return true;
	return ioas_sim_mix(f->seed + lg2, first) & 1;
}

static void folio_find(const struct file *f, uint64_t page, uint64_t *first,
		       uint64_t *nr)
{
	unsigned int lg2 = file_top(f);

	while (lg2 && !folio_whole(f, ioas_align_down(page, (uint64_t)1 << lg2),
				   lg2))
		lg2--;
	*nr = (uint64_t)1 << lg2;
	*first = ioas_align_down(page, *nr);
}

/* Frames for the folio [@first, @first + @nr). 0 or -ENOSPC. */
static int folio_frames(struct file *f, uint64_t first, uint64_t nr,
			ioas_pfn_t *pfn)
{
	struct ioas_sim *sim = f->so.sim;
	ioas_pfn_t gap;
	int ret = 0;

	sim_held(sim);
	switch (f->layout) {
	case IOAS_SIM_CONSECUTIVE:
	case IOAS_SIM_HIGH:
		*pfn = f->base + first;
		return 0;
	case IOAS_SIM_DESCENDING:
		*pfn = f->base + f->block - first - nr;
		return 0;
	default:
		break;
	}
	/* A number that is left out keeps folios apart. */
	if (f->layout == IOAS_SIM_SCATTERED || ioas_sim_random(sim) & 1)
		ret = ioas_sim_numbers(sim, 1, 1, false, &gap);
	return ret ? ret : ioas_sim_numbers(sim, nr, nr, false, pfn);
}

/* Make the missing folio around @page. 0, -ENOSPC or -ENOMEM. */
static int folio_fill(struct file *f, uint64_t page)
{
	struct ioas_sim *sim = f->so.sim;
	uint64_t first, nr, i;
	ioas_pfn_t pfn;
	int ret;

	sim_held(sim);
	folio_find(f, page, &first, &nr);
	ret = folio_frames(f, first, nr, &pfn);
	if (!ret)
		ret = ioas_sim_folio_create(sim, pfn, nr);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		struct file_page *fp =
			ioas_sim_table_add(&f->pages, first + i);

		if (!fp)
			goto err_put;
		fp->pfn = pfn + i;
	}
	return 0;
err_put:
	while (i--)
		ioas_sim_table_del(&f->pages, first + i);
	for (i = 0; i < nr; i++)
		ioas_sim_frame_put(sim, pfn + i);
	return -ENOMEM;
}

static int file_at(struct ioas_sim_origin *so, uint64_t page,
		   unsigned int flags, ioas_pfn_t *pfn)
{
	struct file *f = so_file(so);
	struct file_page *fp;
	int ret;

	if (page >= f->nr_pages)
		return -EFAULT;
	if (f->window) {
		*pfn = f->window->first + page;
		return 0;
	}
	fp = ioas_sim_table_find(&f->pages, page);
	if (!fp && !(flags & IOAS_SIM_AT_FILL))
		return -EFAULT;
	if (!fp) {
		ret = folio_fill(f, page);
		if (ret)
			return ret;
		fp = ioas_sim_table_find(&f->pages, page);
	}
	*pfn = fp->pfn;
	return 0;
}

/*
 * Pin the folio and give out @nr of its frames from @pfn on. Its own counter
 * goes ahead of the pages' for the time of the fault point. 0 or -ENOMEM.
 */
static int folio_pin(struct ioas_sim_answer *a, ioas_pfn_t pfn, uint64_t nr)
{
	struct ioas_sim_folio_record *fo;
	bool failed;

	sim_held(a->sim);
	fo = ioas_sim_frame(a->sim, pfn)->folio;
	fo->pins++;
	failed = nr > 1 && ioas_fault_point(IOAS_FP_FOLIO);
	fo->pins--;
	if (failed)
		return -ENOMEM;
	a->sim->stats.folio_pins++;
	a->sim->stats.folio_extra += nr - 1;
	ioas_sim_answer_pin(a, pfn, nr);
	return 0;
}

/* Pin what the answer needs of one folio. False: the call ends, with *@err. */
static bool file_pin_step(struct ioas_sim_answer *a, int *err)
{
	struct file *f = so_file(a->so);
	uint64_t page = ioas_sim_answer_page(a);
	uint64_t first, nr;
	ioas_pfn_t pfn;

	sim_held(a->sim);
	if (page >= f->nr_pages) {
		*err = -EINVAL;
		return false;
	}
	*err = file_at(&f->so, page, IOAS_SIM_AT_FILL, &pfn);
	if (*err)
		return false;
	nr = f->nr_pages - page;
	if (!f->window) {
		folio_find(f, page, &first, &nr);
		nr -= page - first;
	}
	nr = ioas_sim_answer_room(a, pfn, nr);
	if (!nr)
		return false;
	if (f->window)
		ioas_sim_answer_pin(a, pfn, nr);
	else
		*err = folio_pin(a, pfn, nr);
	return !*err;
}

static int file_pin(struct ioas_sim_answer *a)
{
	int err = 0;

	while (a->rq->nr_pinned < a->limit && file_pin_step(a, &err))
		;
	/* The contract knows one word for any kind of shortage. */
	return err == -ENOSPC ? -ENOMEM : err;
}

static const struct ioas_sim_kind file_kind = {
	.pin = file_pin,
	.at = file_at,
};

static void page_drop(void *data, uint64_t page, void *record)
{
	struct file *f = data;
	struct file_page *fp = record;

	sim_held(f->so.sim);
	ioas_sim_frame_put(f->so.sim, fp->pfn);
	ioas_sim_table_del(&f->pages, page);
}

static void file_destroy(struct ioas_origin *o)
{
	struct file *f = so_file(sim_origin(o));
	struct ioas_sim *sim = f->so.sim;

	ioas_sim_origin_fini(&f->so);
	sim_lock(sim);
	ioas_sim_table_each(&f->pages, page_drop, f);
	ioas_sim_window_put(sim, f->window);
	sim_unlock(sim);
	ioas_sim_table_fini(&f->pages);
	ioas_plat_free(f, sizeof(*f));
}

const struct ioas_origin_ops ioas_sim_file_ops = {
	.name = "sim file",
	.pin = ioas_sim_op_pin,
	.unpin = ioas_sim_op_unpin,
	.pointer = ioas_sim_op_pointer,
	.destroy = file_destroy,
};

/* Set aside the frames that the layout wants at once. */
static int file_reserve(struct file *f)
{
	struct ioas_sim *sim = f->so.sim;
	uint64_t align = (uint64_t)1 << file_top(f);

	sim_held(sim);
	f->block = ioas_align_up(f->nr_pages, align);
	switch (f->layout) {
	case IOAS_SIM_GIANT:
		return ioas_sim_window_create(sim, f->nr_pages, false,
					      &f->window);
	case IOAS_SIM_CONSECUTIVE:
	case IOAS_SIM_DESCENDING:
	case IOAS_SIM_HIGH:
		return ioas_sim_numbers(sim, f->block, align,
					f->layout == IOAS_SIM_HIGH, &f->base);
	case IOAS_SIM_SCATTERED:
	case IOAS_SIM_RUNS:
		return 0;
	case IOAS_SIM_ALIASED:
	case IOAS_SIM_NR_LAYOUTS:
	default:
		return -EINVAL;
	}
}

int ioas_sim_file_create(struct ioas_sim *sim, uint64_t nr_pages,
			 unsigned int folio_lg2, enum ioas_sim_layout layout,
			 struct ioas_origin **out)
{
	struct file *f;
	int ret;

	if (!nr_pages || nr_pages > sim->last_pfn ||
	    (folio_lg2 > IOAS_SIM_FOLIO_MAX_LG2 &&
	     folio_lg2 != IOAS_SIM_FOLIO_MIXED))
		return -EINVAL;
	f = ioas_plat_zalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	ioas_sim_table_init(&f->pages, sizeof(struct file_page));
	f->so.sim = sim;
	f->nr_pages = nr_pages;
	f->folio_lg2 = folio_lg2;
	f->layout = layout;
	sim_lock(sim);
	f->seed = ioas_sim_random(sim);
	ret = file_reserve(f);
	sim_unlock(sim);
	if (ret) {
		ioas_plat_free(f, sizeof(*f));
		return ret;
	}
	ioas_sim_origin_init(&f->so, sim, &ioas_sim_file_ops, &file_kind);
	f->so.o.flags = IOAS_ORIGIN_FILE;
	*out = &f->so.o;
	return 0;
}

bool ioas_sim_folio(struct ioas_origin *o, uint64_t page, uint64_t *first,
		    uint64_t *nr)
{
	struct file *f = so_file(sim_origin(o));

	if (IOAS_CHECK(o->ops != &ioas_sim_file_ops) || page >= f->nr_pages)
		return false;
	*first = page;
	*nr = 1;
	if (!f->window)
		folio_find(f, page, first, nr);
	return true;
}
