/* SPDX-License-Identifier: MIT */
/*
 * registers: a function as its driver sees it: BARs, configuration, interrupts
 *
 *   enable   memory decoding on, bus mastering off, reset; the thread looks
 *   disable  bus mastering off, reset, BARs are ours again; the thread sleeps
 *   reset    model and memory of BARs as after power-on; configuration, vectors
 *            and what it is attached to stay
 */
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "function/impl.h"

/* Memory of a BAR that is zeroed faster than it is given back. */
#define CLEAR_BYTES (64u << 10)

static struct ioas_function *of(struct ioas_vdev *v)
{
	return ioas_function_of(v);
}

/* ---- reset -------------------------------------------------------------- */

static void lower_line(struct ioas_function *f) __must_hold(f->lock)
{
	ioas_pci_config_set_intx(&f->config, false);
	ioas_vdev_intx(&f->v, false);
}

/*
 * A large one is mostly pages that nobody has touched, which zeroing would make:
 * it gives back what there is instead. Whatever cannot is zeroed.
 */
static void memory_clear(const struct ioas_shm *shm)
{
	const size_t length = (size_t)shm->length;

	if (length <= CLEAR_BYTES || madvise(shm->memory, length, MADV_REMOVE))
		memset(shm->memory, 0, length);
}

/* Answers of before are dropped first: the model may ask again at once. */
static void reset_model(struct ioas_function *f) __must_hold(f->lock)
{
	ioas_assert_held(&f->lock);
	ioas_function_pri_forget(f);
	lower_line(f);
	for (unsigned int i = 0; i < IOAS_VDEV_BARS; i++) {
		const struct ioas_shm *shm = &f->v.bars[i].shm;

		if (shm->memory)
			memory_clear(shm);
	}
	f->model->reset(f->state);
}

static int function_reset(struct ioas_vdev *v)
{
	struct ioas_function *f = of(v);

	ioas_function_lock(f);
	reset_model(f);
	ioas_pci_config_reset(&f->config);
	ioas_function_unlock(f);
	ioas_function_kick(f);
	return 0;
}

/* ---- drivers come and go ------------------------------------------------ */

static int function_enable(struct ioas_vdev *v)
{
	struct ioas_function *f = of(v);

	ioas_function_lock(f);
	f->on = true;
	ioas_pci_config_restore(&f->config);
	reset_model(f);
	ioas_function_unlock(f);
	ioas_function_kick(f);
	return 0;
}

/* What programs mapped of BARs is memory of ours alone again. */
static void take_back(struct ioas_function *f) __must_hold(f->lock)
{
	struct ioas_host *host = f->v.vgroup->uapi->host;

	ioas_assert_held(&f->lock);
	if (!f->lent)
		return;
	for (unsigned int i = 0; i < IOAS_VDEV_BARS; i++) {
		if (f->v.bars[i].shm.memory)
			host->ops->shm_lend(host, &f->v.bars[i].shm, NULL, 0);
	}
	f->lent = NULL;
}

/* All BARs to @file, or none. */
static int lend(struct ioas_function *f, struct ioas_ufile *file)
	__must_hold(f->lock)
{
	struct ioas_host *host = f->v.vgroup->uapi->host;
	int ret = 0;

	ioas_assert_held(&f->lock);
	f->lent = file;
	for (unsigned int i = 0; !ret && i < IOAS_VDEV_BARS; i++) {
		if (f->v.bars[i].shm.memory)
			ret = host->ops->shm_lend(host, &f->v.bars[i].shm, file,
						  ioas_vdev_bar_offset(i));
	}
	if (ret)
		take_back(f);
	return ret;
}

static void function_disable(struct ioas_vdev *v)
{
	struct ioas_function *f = of(v);

	ioas_function_lock(f);
	/* Bus mastering goes off with it, of which the model hears. */
	ioas_pci_config_restore(&f->config);
	take_back(f);
	reset_model(f);
	f->on = false;
	ioas_function_unlock(f);
	ioas_function_pri_quiesce(f);
}

/* ---- BARs --------------------------------------------------------------- */

/* Is @pos of the BAR memory that the model looks at? */
static bool is_shared(const struct ioas_function *f, unsigned int bar,
		      uint64_t pos)
{
	const struct ioas_bar *b = &f->id.bar[bar];

	return f->v.bars[bar].shm.memory &&
	       !(pos >= b->exact_first && pos - b->exact_first < b->exact_length);
}

static uint64_t load(const void *p, unsigned int width)
{
	switch (width) {
	case 1:
		return __atomic_load_n((const uint8_t *)p, __ATOMIC_ACQUIRE);
	case 2:
		return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
	}
}

static void store(void *p, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		__atomic_store_n((uint8_t *)p, (uint8_t)value,
				 __ATOMIC_RELEASE);
		break;
	case 2:
		__atomic_store_n((uint16_t *)p, (uint16_t)value,
				 __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((uint32_t *)p, (uint32_t)value,
				 __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((uint64_t *)p, value, __ATOMIC_RELEASE);
		break;
	}
}

static int bar_read(struct ioas_vdev *v, unsigned int bar, uint64_t pos,
		    unsigned int width, uint64_t *value)
{
	struct ioas_function *f = of(v);
	int ret = 0;

	ioas_function_lock(f);
	*value = UINT64_MAX;
	if (!ioas_pci_config_memory_enabled(&f->config))
		ret = -EIO;
	else if (is_shared(f, bar, pos))
		*value = load((char *)v->bars[bar].shm.memory + pos, width);
	else if (f->model->read)
		*value = f->model->read(f->state, bar, pos, width);
	ioas_function_unlock(f);
	return ret;
}

static int bar_write(struct ioas_vdev *v, unsigned int bar, uint64_t pos,
		     unsigned int width, uint64_t value)
{
	struct ioas_function *f = of(v);
	int ret = 0;

	ioas_function_lock(f);
	if (!ioas_pci_config_memory_enabled(&f->config))
		ret = -EIO;
	else if (is_shared(f, bar, pos))
		store((char *)v->bars[bar].shm.memory + pos, width, value);
	else if (f->model->write)
		f->model->write(f->state, bar, pos, width, value);
	ioas_function_unlock(f);
	ioas_function_kick(f);
	return ret;
}

/* What has no file lends to any: programs map the memory itself. */
static int function_map(struct ioas_vdev *v, struct ioas_ufile *file)
{
	struct ioas_host *host = v->vgroup->uapi->host;
	struct ioas_function *f = of(v);
	int ret = 0;

	if (!host->ops->shm_lend)
		return 0;
	ioas_function_lock(f);
	if (!f->lent)
		ret = lend(f, file);
	else if (f->lent != file)
		ret = -EBUSY;
	ioas_function_unlock(f);
	return ret;
}

static void function_closed(struct ioas_vdev *v, struct ioas_ufile *file)
{
	struct ioas_function *f = of(v);

	ioas_function_lock(f);
	if (f->lent == file)
		take_back(f);
	ioas_function_unlock(f);
}

/* ---- configuration ------------------------------------------------------ */

static uint32_t config_read(struct ioas_vdev *v, uint32_t pos,
			    unsigned int width)
{
	struct ioas_function *f = of(v);
	uint8_t bytes[4] = { 0 };

	ioas_function_lock(f);
	ioas_pci_config_read(&f->config, pos, bytes, width);
	ioas_function_unlock(f);
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void config_write(struct ioas_vdev *v, uint32_t pos, unsigned int width,
			 uint32_t value)
{
	const uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8),
				   (uint8_t)(value >> 16),
				   (uint8_t)(value >> 24) };
	struct ioas_function *f = of(v);

	ioas_function_lock(f);
	ioas_pci_config_write(&f->config, pos, bytes, width);
	ioas_function_unlock(f);
	ioas_function_kick(f);
}

static void config_bus_master(void *ctx, bool on)
{
	struct ioas_function *f = ctx;

	ioas_assert_held(&f->lock);
	f->bus_master = on;
	if (f->model->bus_master)
		f->model->bus_master(f->state, on);
}

static void config_intx(void *ctx, bool disabled)
{
	struct ioas_function *f = ctx;

	ioas_vdev_intx_disable(&f->v, disabled);
}

/* A function level reset: as VFIO_DEVICE_RESET, with the lock held. */
static void config_reset(void *ctx)
{
	struct ioas_function *f = ctx;

	ioas_assert_held(&f->lock);
	reset_model(f);
	ioas_pci_config_reset(&f->config);
}

const struct ioas_pci_config_ops ioas_function_config_ops = {
	.bus_master = config_bus_master,
	.intx = config_intx,
	.reset = config_reset,
};

/* ---- interrupts --------------------------------------------------------- */

static void irqs_changed(struct ioas_vdev *v, uint32_t index, uint32_t nr)
{
	struct ioas_function *f = of(v);
	enum ioas_pci_msi enabled = IOAS_PCI_MSI_NONE;

	if (nr && index == IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX)
		enabled = IOAS_PCI_MSI_MSI;
	else if (nr && index == IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX)
		enabled = IOAS_PCI_MSI_MSIX;
	ioas_function_lock(f);
	ioas_pci_config_set_msi(&f->config, enabled);
	ioas_function_unlock(f);
}

/*
 * A message is a write, so it takes bus mastering. Whether messages are enabled
 * is asked first, as then the line stays where it is.
 */
void ioas_irq(struct ioas_function *f, unsigned int vector)
{
	ioas_assert_held(&f->lock);
	if (!f->on)
		return;
	ioas_function_tally(&f->tally.irqs, 1);
	if (f->config.enabled != IOAS_PCI_MSI_NONE) {
		if (f->bus_master)
			ioas_vdev_signal(&f->v, vector);
	} else if (f->id.intx) {
		ioas_pci_config_set_intx(&f->config, true);
		ioas_vdev_intx(&f->v, true);
	}
}

void ioas_intx_clear(struct ioas_function *f)
{
	ioas_assert_held(&f->lock);
	lower_line(f);
}

uint64_t ioas_model_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

const struct ioas_vdev_ops ioas_function_vdev_ops = {
	.enable = function_enable,
	.disable = function_disable,
	.reset = function_reset,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_write = config_write,
	.irqs_changed = irqs_changed,
	.map = function_map,
	.closed = function_closed,
};
