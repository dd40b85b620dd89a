/* SPDX-License-Identifier: MIT */
/*
 * vdev fixture: a simulated host, and functions that are nothing but notes
 *
 *   group 7   0000:00:03.0  fns[0]                0000:00:03.1  fns[1]
 *             BAR0  16 KiB  [0, 0x3000) mapped, table of 32 vectors behind
 *             BAR2  64 bytes, exact
 *             BAR4  8 KiB, all of it mapped
 *             configuration of 4096 bytes, PASIDs of 16 bits (fns[1]: none)
 *             INTx, 4 of MSI, 32 of MSI-X, ERR, REQ (fns[1]: not ERR)
 *
 * Registers hold what was written. A note is one letter for each op that a
 * test may want the order of: E enable, D disable, R reset, A attach, d detach.
 *
 * After each case groups are validated, the process exits, and nothing may be
 * left.
 */
#ifndef TESTS_UNIT_VDEV_FIXTURE_H
#define TESTS_UNIT_VDEV_FIXTURE_H

#include "uapi_fixture.h"
#include "uapi/vdev/vdev.h"

#define V_BAR0_SIZE 0x4000u
#define V_BAR2_SIZE 64u
#define V_BAR4_SIZE 0x2000u
#define V_TABLE 0x3000u
#define V_TABLE_LENGTH 0x200u
#define V_MSI 4u
#define V_MSIX 32u
#define V_FNS 2

/* Where a region begins, as it is reported, and as programs have it. */
#define V_OLD_BAR(n) ((uint64_t)(n) << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT)
#define V_BAR(n) \
	((n) < IOAS_VDEV_BARS ? ioas_vdev_bar_offset(n) : V_OLD_BAR(n))
#define V_CONFIG V_OLD_BAR(IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX)

#define V_NOTES 64

struct vfn {
	struct ioas_vdev v;
	char notes[V_NOTES];
	uint8_t memory[6][V_BAR0_SIZE];
	uint8_t config[4096];
	/* Widths of the accesses since it was emptied: "8421". */
	char widths[V_NOTES];
	bool decoding;
	int enable_error;
	int reset_error;
	/* What irqs_changed said last. */
	uint32_t irq_index;
	uint32_t irq_nr;
	struct ioas_domain *domain;
};

struct vdev_test {
	struct uapi_test u;
	struct simhost *h;
	struct ioas_vgroup g;
	struct vfn fns[V_FNS];
	/* The first function's own file, not bound. */
	int fd;
};

static inline struct vfn *vfn_of(struct ioas_vdev *v)
{
	return ioas_container_of(v, struct vfn, v);
}

static inline void note(char notes[V_NOTES], char c)
{
	const size_t n = strlen(notes);

	if (n < V_NOTES - 1)
		notes[n] = c;
}

/* ---- ops ----------------------------------------------------------------- */

static inline int vfn_enable(struct ioas_vdev *v)
{
	struct vfn *f = vfn_of(v);

	if (f->enable_error)
		return f->enable_error;
	note(f->notes, 'E');
	f->decoding = true;
	return 0;
}

static inline void vfn_disable(struct ioas_vdev *v)
{
	note(vfn_of(v)->notes, 'D');
}

static inline int vfn_reset(struct ioas_vdev *v)
{
	note(vfn_of(v)->notes, 'R');
	return vfn_of(v)->reset_error;
}

static inline int vfn_bar_read(struct ioas_vdev *v, unsigned int bar,
			       uint64_t pos, unsigned int width,
			       uint64_t *value)
{
	struct vfn *f = vfn_of(v);

	if (!f->decoding)
		return -EIO;
	note(f->widths, (char)('0' + width));
	*value = 0;
	memcpy(value, f->memory[bar] + pos, width);
	return 0;
}

static inline int vfn_bar_write(struct ioas_vdev *v, unsigned int bar,
				uint64_t pos, unsigned int width,
				uint64_t value)
{
	struct vfn *f = vfn_of(v);

	if (!f->decoding)
		return -EIO;
	note(f->widths, (char)('0' + width));
	memcpy(f->memory[bar] + pos, &value, width);
	return 0;
}

static inline uint32_t vfn_config_read(struct ioas_vdev *v, uint32_t pos,
				       unsigned int width)
{
	struct vfn *f = vfn_of(v);
	uint32_t value = 0;

	note(f->widths, (char)('0' + width));
	memcpy(&value, f->config + pos, width);
	return value;
}

static inline void vfn_config_write(struct ioas_vdev *v, uint32_t pos,
				    unsigned int width, uint32_t value)
{
	struct vfn *f = vfn_of(v);

	note(f->widths, (char)('0' + width));
	memcpy(f->config + pos, &value, width);
}

static inline void vfn_irqs_changed(struct ioas_vdev *v, uint32_t index,
				    uint32_t nr)
{
	vfn_of(v)->irq_index = index;
	vfn_of(v)->irq_nr = nr;
}

static const struct ioas_vdev_ops vfn_ops = {
	.enable = vfn_enable,
	.disable = vfn_disable,
	.reset = vfn_reset,
	.bar_read = vfn_bar_read,
	.bar_write = vfn_bar_write,
	.config_read = vfn_config_read,
	.config_write = vfn_config_write,
	.irqs_changed = vfn_irqs_changed,
};

static inline int vfn_attach(struct ioas_udevice *dev, uint32_t pasid,
			     struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	struct vfn *f = ioas_container_of(dev, struct vfn, v.dev);

	(void)from;
	if (pasid == IOAS_PASID_RID)
		f->domain = to->domain;
	note(f->notes, 'A');
	return 0;
}

static inline void vfn_detach(struct ioas_udevice *dev, uint32_t pasid,
			      struct ioas_hwpt *from)
{
	struct vfn *f = ioas_container_of(dev, struct vfn, v.dev);

	(void)from;
	if (pasid == IOAS_PASID_RID)
		f->domain = NULL;
	note(f->notes, 'd');
}

static const struct ioas_udevice_ops vfn_device_ops = {
	.name = "notes",
	.attach = vfn_attach,
	.detach = vfn_detach,
};

/* ---- life ---------------------------------------------------------------- */

static inline void vfn_init(struct vdev_test *t, unsigned int i)
{
	static const char *const names[V_FNS] = { "0000:00:03.0",
						  "0000:00:03.1" };
	struct vfn *f = &t->fns[i];

	f->irq_index = IOAS_VDEV_IRQ_NONE;
	f->v = (struct ioas_vdev){
		.ops = &vfn_ops,
		.dev = { .ops = &vfn_device_ops,
			 .iommu = &ioas_vdev_iommu,
			 .iommu_instance = t,
			 .reserved = ioas_vdev_reserved,
			 .nr_reserved = 1,
			 .pasid_bits = i ? 0 : 16,
			 .coherent = true },
		.name = names[i],
		.devfn = (uint8_t)(3 << 3 | i),
		.bars = { [0] = { .size = V_BAR0_SIZE,
				  .shm = { .memory = f->memory[0],
					   .length = V_BAR0_SIZE,
					   .fd = -1 },
				  .areas = { { 0, V_TABLE } },
				  .nr_areas = 1 },
			  [2] = { .size = V_BAR2_SIZE },
			  [4] = { .size = V_BAR4_SIZE,
				  .shm = { .memory = f->memory[4],
					   .length = V_BAR4_SIZE,
					   .fd = -1 } } },
		.config_size = 4096,
		.nr_irqs = { 1, V_MSI, V_MSIX, i ? 0 : 1, 1 },
		.msix_bar = 0,
		.msix_first = V_TABLE,
		.msix_length = V_TABLE_LENGTH,
	};
	ioas_vdev_init(&f->v, &t->g);
}

/* A descriptor for another open of function @i. */
static inline int vdev_open(struct vdev_test *t, unsigned int i)
{
	struct ioas_ufile *f;

	expect_ok(ioas_vdev_open(&t->fns[i].v, &f));
	return sim_open_ufile(t->h, f);
}

/* ... for the group's node, or -errno. */
static inline int vgroup_open(struct vdev_test *t)
{
	struct ioas_ufile *f;
	int ret = ioas_vgroup_open(&t->g, &f);

	return ret ? ret : sim_open_ufile(t->h, f);
}

static inline int vdev_setup(void **state)
{
	struct vdev_test *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	uapi_begin(&t->u, NULL);
	t->h = t->u.h;
	expect_ok(ioas_vgroup_init(&t->g, t->h->uapi, 7));
	for (unsigned int i = 0; i < V_FNS; i++)
		vfn_init(t, i);
	t->fd = vdev_open(t, 0);
	*state = t;
	return 0;
}

static inline int vdev_teardown(void **state)
{
	struct vdev_test *t = *state;

	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	uapi_validate(&t->u);
	simhost_exit(t->u.p);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	for (unsigned int i = 0; i < V_FNS; i++) {
		assert_int_equal(t->fns[i].v.users, 0);
		assert_null(t->fns[i].domain);
		ioas_vdev_fini(&t->fns[i].v);
	}
	ioas_vgroup_fini(&t->g);
	uapi_end(&t->u);
	free(t);
	return 0;
}

#define vdev_case(f) \
	cmocka_unit_test_setup_teardown(f, vdev_setup, vdev_teardown)

/* ---- requests ------------------------------------------------------------ */

/* A struct whose first member is argsz, as large as it is. */
#define vdo(t, fd, cmd, s)          \
	((s)->argsz = sizeof(*(s)), \
	 sim_cmd((t)->h, (fd), (cmd), (s), sizeof(*(s))))

static inline int vbind(struct vdev_test *t, int fd, uint32_t *id)
{
	struct ioas_abi_vfio_device_bind_iommufd b = { .iommufd = t->u.c.fd };
	int ret = vdo(t, fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, &b);

	if (id)
		*id = b.out_devid;
	return ret;
}

/* *@pt: in and out. */
static inline int vattach(struct vdev_test *t, int fd, uint32_t *pt)
{
	struct ioas_abi_vfio_device_attach_iommufd_pt a = { .pt_id = *pt };
	int ret = vdo(t, fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a);

	*pt = a.pt_id;
	return ret;
}

static inline int vattach_pasid(struct vdev_test *t, int fd, uint32_t pasid,
				uint32_t *pt)
{
	struct ioas_abi_vfio_device_attach_iommufd_pt a = {
		.flags = IOAS_ABI_VFIO_DEVICE_ATTACH_PASID,
		.pt_id = *pt,
		.pasid = pasid
	};
	int ret = vdo(t, fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a);

	*pt = a.pt_id;
	return ret;
}

static inline int vdetach(struct vdev_test *t, int fd)
{
	struct ioas_abi_vfio_device_detach_iommufd_pt d = { 0 };

	return vdo(t, fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &d);
}

/* A bound function; the first one's file is t->fd. */
static inline uint32_t vbound(struct vdev_test *t)
{
	uint32_t id = 0;

	expect_ok(vbind(t, t->fd, &id));
	return id;
}

#endif
