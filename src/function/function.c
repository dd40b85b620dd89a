/* SPDX-License-Identifier: MIT */
/*
 * function: created, started, stopped
 *
 * What does not change of a function, its BARs, interrupts and names, is told
 * the VFIO side here, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "function/impl.h"
#include "seam/plat.h"

/* ---- identity ----------------------------------------------------------- */

static void set_id(uint16_t *id, uint16_t instead)
{
	if (instead)
		*id = instead;
}

int ioas_function_create(const struct ioas_function_options *o,
			 struct ioas_function **out, char *why, size_t room)
{
	struct ioas_function *f = calloc(1, sizeof(*f));
	int ret;

	if (!f) {
		snprintf(why, room, "out of memory");
		return -ENOMEM;
	}
	f->model = o->model;
	f->bdf = o->bdf;
	ioas_pci_bdf_format(&f->bdf, f->name);
	ret = f->model->create(f, o->settings, o->nr_settings, &f->id,
			       &f->state, why, room);
	if (ret) {
		free(f);
		return ret;
	}
	set_id(&f->id.vendor, o->vendor);
	set_id(&f->id.device, o->device);
	set_id(&f->id.subsystem_vendor, o->subsystem_vendor);
	set_id(&f->id.subsystem, o->subsystem);
	*out = f;
	return 0;
}

void ioas_function_destroy(struct ioas_function *f)
{
	if (!f)
		return;
	f->model->destroy(f->state);
	free(f);
}

const struct ioas_model *ioas_function_model(const struct ioas_function *f)
{
	return f->model;
}

const struct ioas_identity *
ioas_function_identity(const struct ioas_function *f)
{
	return &f->id;
}

const char *ioas_function_name(const struct ioas_function *f)
{
	return f->name;
}

void ioas_function_place(struct ioas_function *f,
			 const uint64_t address[IOAS_MODEL_BARS])
{
	memcpy(f->address, address, sizeof(f->address));
}

/* ---- lock --------------------------------------------------------------- */

/*
 * The thread takes the lock again as soon as it has let it go, and would win
 * every time: so it looks whether somebody waits.
 */
void ioas_function_lock(struct ioas_function *f)
{
	atomic_fetch_add_explicit(&f->pace.waiting, 1, memory_order_relaxed);
	ioas_mutex_lock(&f->lock, IOAS_RANK_FUNCTION);
	atomic_fetch_sub_explicit(&f->pace.waiting, 1, memory_order_relaxed);
}

void ioas_function_unlock(struct ioas_function *f)
{
	ioas_mutex_unlock(&f->lock);
}

/* ---- what VFIO is told -------------------------------------------------- */

/* What of a BAR can be mapped: all, or what is around the exact part. */
static void fill_areas(struct ioas_vdev_bar *bar, const struct ioas_bar *of,
		       uint64_t page)
{
	const uint64_t first = of->exact_first & ~(page - 1);
	const uint64_t end = ioas_align_up(of->exact_first + of->exact_length,
					   page);

	bar->nr_areas = 0;
	if (!of->exact_length)
		return;
	if (first)
		bar->areas[bar->nr_areas++] =
			(struct ioas_vdev_area){ 0, first };
	if (end < of->size)
		bar->areas[bar->nr_areas++] =
			(struct ioas_vdev_area){ end, of->size - end };
}

/* Nothing can be mapped of a BAR that is exact in each of its pages. */
static bool is_mappable(const struct ioas_bar *of, uint64_t page)
{
	struct ioas_vdev_bar bar;

	if (!(of->flags & IOAS_BAR_SHARED))
		return false;
	fill_areas(&bar, of, page);
	return !of->exact_length || bar.nr_areas;
}

static int fill_bars(struct ioas_function *f, struct ioas_host *host)
{
	const uint64_t page = UINT64_C(1) << f->page_lg2;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < IOAS_VDEV_BARS; i++) {
		const struct ioas_bar *of = &f->id.bar[i];
		struct ioas_vdev_bar *bar = &f->v.bars[i];

		bar->size = of->size;
		if (!is_mappable(of, page))
			continue;
		fill_areas(bar, of, page);
		ret = host->ops->shm_create(host, NULL, 0,
					    ioas_align_up(of->size, page),
					    &bar->shm);
		if (ret)
			bar->shm.memory = NULL;
	}
	return ret;
}

static void free_bars(struct ioas_function *f, struct ioas_host *host)
{
	for (unsigned int i = 0; i < IOAS_VDEV_BARS; i++) {
		if (f->v.bars[i].shm.memory)
			host->ops->shm_destroy(host, &f->v.bars[i].shm);
	}
}

static void fill_irqs(struct ioas_function *f)
{
	struct ioas_vdev *v = &f->v;

	v->nr_irqs[IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX] = f->id.intx ? 1 : 0;
	v->nr_irqs[IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX] = f->id.msi;
	v->nr_irqs[IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX] = f->id.vectors;
	v->nr_irqs[IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX] = 1;
	v->nr_irqs[IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX] = 1;
	if (!f->id.vectors)
		return;
	v->msix_bar = f->id.msix_bar;
	v->msix_first = f->id.msix_table;
	v->msix_length = f->id.vectors * UINT64_C(16);
}

static void fill_vdev(struct ioas_function *f,
		      const struct ioas_iommu_ops *iommu, const void *instance)
{
	struct ioas_vdev *v = &f->v;

	*v = (struct ioas_vdev){
		.ops = &ioas_function_vdev_ops,
		.dev = { .ops = &ioas_function_device_ops,
			 .iommu = iommu,
			 .iommu_instance = instance,
			 .reserved = ioas_vdev_reserved,
			 .nr_reserved = IOAS_ARRAY_SIZE(ioas_vdev_reserved),
			 .pasid_bits = f->id.pasid_bits,
			 .coherent = true },
		.name = f->name,
		.segment = f->bdf.segment,
		.bus = f->bdf.bus,
		.devfn = (uint8_t)(f->bdf.slot << 3 | f->bdf.function),
		.config_size = IOAS_PCI_CONFIG_SIZE,
	};
	fill_irqs(f);
}

/* ---- life --------------------------------------------------------------- */

int ioas_function_start(struct ioas_function *f, struct ioas_vgroup *g,
			const struct ioas_iommu_ops *iommu,
			const void *instance,
			const struct ioas_function_watch *watch)
{
	struct ioas_host *host = g->uapi->host;
	int ret;

	f->frames = host->frames;
	f->page_lg2 = host->page_lg2;
	f->watch = (struct ioas_function_watch){ .fault = NULL };
	if (watch)
		f->watch = *watch;
	ioas_list_init(&f->viewed);
	ret = ioas_pci_config_init(&f->config, &f->id,
				   &ioas_function_config_ops, f);
	if (ret)
		return ret;
	ioas_pci_config_place(&f->config, f->address);
	fill_vdev(f, iommu, instance);
	ret = fill_bars(f, host);
	if (!ret)
		ret = ioas_function_poller_start(f);
	if (ret) {
		free_bars(f, host);
		return ret;
	}
	ioas_vdev_init(&f->v, g);
	ioas_function_lock(f);
	f->model->reset(f->state);
	ioas_function_unlock(f);
	return 0;
}

void ioas_function_stop(struct ioas_function *f)
{
	struct ioas_host *host = f->v.vgroup->uapi->host;

	ioas_function_poller_stop(f);
	ioas_vdev_fini(&f->v);
	free_bars(f, host);
}

struct ioas_vdev *ioas_function_vdev(struct ioas_function *f)
{
	return &f->v;
}

struct ioas_function *ioas_function_of(struct ioas_vdev *v)
{
	return ioas_container_of(v, struct ioas_function, v);
}

static uint64_t tally_of(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void ioas_function_counts(struct ioas_function *f,
			  struct ioas_function_counts *out)
{
	const struct ioas_function_tally *t = &f->tally;

	*out = (struct ioas_function_counts){
		.reads = tally_of(&t->reads),
		.read_bytes = tally_of(&t->read_bytes),
		.writes = tally_of(&t->writes),
		.write_bytes = tally_of(&t->write_bytes),
		.faults = tally_of(&t->faults),
		.aborts = tally_of(&t->aborts),
		.irqs = tally_of(&t->irqs),
		.page_requests = tally_of(&t->page_requests),
		.polls = tally_of(&t->polls),
		.busy_polls = tally_of(&t->busy_polls),
		.sleeps = tally_of(&t->sleeps),
	};
}

static bool views_sound(const struct ioas_function *f)
{
	struct ioas_itree_node *n = ioas_itree_first(&f->attached, 0,
						     UINT32_MAX);
	uint32_t viewed = 0, listed = 0;
	bool recent = !f->recent;

	for (; n; n = ioas_itree_next(n, 0, UINT32_MAX)) {
		const struct ioas_function_view *w = ioas_container_of(
			n, struct ioas_function_view, node);

		viewed += w->view && w->pasid != IOAS_PASID_RID;
		recent |= w->view && w == f->recent;
	}
	ioas_list_for_each(l, &f->viewed)
		listed++;
	return recent && viewed == listed && viewed == f->nr_viewed &&
	       viewed <= IOAS_FUNCTION_VIEWS;
}

unsigned int ioas_function_validate(struct ioas_function *f)
{
	unsigned int bad = 0;

	ioas_function_lock(f);
	bad += IOAS_CHECK(!views_sound(f)); /* F2 */
	bad += IOAS_CHECK(!f->on && (f->bus_master || f->lent)); /* F3 */
	bad += IOAS_CHECK(f->bus_master !=
			  ioas_pci_config_bus_master(&f->config)); /* F3 */
	ioas_function_unlock(f);
	return bad;
}

/* ---- services that need no more ----------------------------------------- */

void *ioas_bar_memory(struct ioas_function *f, unsigned int bar)
{
	return bar < IOAS_VDEV_BARS ? f->v.bars[bar].shm.memory : NULL;
}
