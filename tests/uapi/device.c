/* SPDX-License-Identifier: MIT */
/*
 * device: mock devices and page tables come, move and go
 * (U 6.1, 6.10, 7.2, 7.3; T 4.2 to 4.4)
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

/* ---- page tables -------------------------------------------------------- */

static int hwpt_slot(const struct um *m, int i)
{
	for (int h = i * IOAS_DOMAINS; h < (i + 1) * IOAS_DOMAINS; h++)
		if (!m->hwpt[h].used)
			return h;
	return -1;
}

static int hwpt_automatic(const struct um *m, int i)
{
	for (int h = i * IOAS_DOMAINS; h < (i + 1) * IOAS_DOMAINS; h++)
		if (m->hwpt[h].used && m->hwpt[h].automatic)
			return h;
	return -1;
}

static void hwpt_add(struct um *m, int h, const struct m_hwpt *t)
{
	struct m_ioas *s = m->ioas + hwpt_ioas(h);

	m->hwpt[h] = *t;
	m->hwpt[h].used = true;
	id_take(m, t->id, ID_HWPT, h);
	if (hwpt_first(t))
		s->reserved[s->nr_reserved++] = (struct m_range){
			.last = hwpt_first(t) - 1, .owner = (int8_t)h
		};
	s->reserved[s->nr_reserved++] = (struct m_range){
		.first = hwpt_last(t) + 1, .last = UINT64_MAX,
		.owner = (int8_t)h
	};
	for (uint32_t n = 0; n < s->nr_areas; n++)
		entry_reset(m, h, m->area + s->area[n]);
}

void hwpt_forget(struct um *m, int h)
{
	struct m_ioas *s = m->ioas + hwpt_ioas(h);
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nr_reserved; i++)
		if (s->reserved[i].owner != h)
			s->reserved[n++] = s->reserved[i];
	s->nr_reserved = n;
	id_drop(m, m->hwpt[h].id);
	m->hwpt[h].used = false;
}

/* The device left @h: an automatic table goes with the last one (U 4.3). */
static void hwpt_left(struct um *m, int h)
{
	if (m->hwpt[h].automatic && !hwpt_users(m, h))
		hwpt_forget(m, h);
}

/* ---- attach ------------------------------------------------------------- */

/* Where an attachment leads. */
struct way {
	int want;
	/* The table; it is made if @fresh. */
	int hwpt;
	bool fresh;
	struct m_hwpt made;
};

/* U 7.2; @no_dirty: of the device. */
static struct way find_way(struct um *m, uint32_t pt, bool no_dirty)
{
	const int h = id_find(m, pt, ID_HWPT), i = id_find(m, pt, ID_IOAS);
	struct way w = { .hwpt = h };

	if (pt >= MAX_IDS || m->ids[pt].kind == ID_FREE) {
		w.want = -ENOENT;
	} else if (h >= 0) {
		w.want = m->hwpt[h].dirty && no_dirty ? -EINVAL : 0;
	} else if (i < 0) {
		w.want = -EINVAL;
	} else if (hwpt_automatic(m, i) >= 0) {
		w.hwpt = hwpt_automatic(m, i);
		/* Not with an injected EINVAL, which means: try the next one. */
		m->whole = true;
		mark(m, MARK_SHARED_HWPT);
	} else {
		w.fresh = true;
		w.made.automatic = true;
		w.hwpt = hwpt_slot(m, i);
		w.want = w.hwpt < 0 ? SKIP : plan_table(m, i, &w.made);
	}
	return w;
}

static uint32_t some_pt(struct um *m)
{
	const int i = full_ioas(m), h = some_hwpt(m);

	if (chance(m, 3))
		return wrong_id(m, ID_IOAS);
	if (h >= 0 && chance(m, 35))
		return m->hwpt[h].id;
	return i < 0 ? 0 : m->ioas[i].id;
}

/* The table of @w, which is number @id. */
static void way_taken(struct um *m, struct way *w, uint32_t id)
{
	if (w->fresh) {
		w->made.id = id;
		hwpt_add(m, w->hwpt, &w->made);
	} else {
		expect_value(m, "the page table", m->hwpt[w->hwpt].id, id);
	}
}

int op_device(struct um *m)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_FLAGS
	};
	struct ioas_abi_test_mock_domain_flags *f = &s.mock_domain_flags;
	struct way w;
	int d = 0, got;

	while (d < NR_DEVS && m->dev[d].used)
		d++;
	s.id = some_pt(m);
	if (d == NR_DEVS)
		return SKIP;
	if (chance(m, 25))
		f->dev_flags |= IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY;
	if (chance(m, 25))
		f->dev_flags |= IOAS_ABI_MOCK_FLAGS_DEVICE_PASID;
	if (chance(m, 2))
		f->dev_flags |= 2;
	if (!f->dev_flags && chance(m, 50))
		s.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN;
	w = find_way(m, s.id, f->dev_flags & 1);
	if (f->dev_flags & 2)
		w.want = -EINVAL;
	if (w.want == SKIP)
		return SKIP;
	say(m, "pt %u flags %#x", s.id, f->dev_flags);
	got = request_test(m, &s);
	if (!expect(m, w.want, got) || w.want)
		return got;
	id_check(m,
		 (uint32_t[]){ f->out_stdev_id, f->out_idev_id,
			       f->out_hwpt_id },
		 w.fresh ? 3 : 2);
	m->dev[d] = (struct m_device){ .used = true,
				       .stdev = f->out_stdev_id,
				       .idev = f->out_idev_id,
				       .no_dirty = f->dev_flags & 1,
				       .hwpt = (uint8_t)w.hwpt };
	id_take(m, f->out_stdev_id, ID_STDEV, d);
	id_take(m, f->out_idev_id, ID_DEVICE, d);
	way_taken(m, &w, f->out_hwpt_id);
	return 0;
}

int op_replace(struct um *m)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_REPLACE
	};
	const int d = some_device(m);
	struct way w = { .want = -ENOENT };
	int got, old;

	if (d < 0)
		return SKIP;
	s.id = chance(m, 97) ? m->dev[d].stdev : wrong_id(m, ID_STDEV);
	s.mock_domain_replace.pt_id = some_pt(m);
	if (id_find(m, s.id, ID_STDEV) >= 0)
		w = find_way(m, s.mock_domain_replace.pt_id,
			     m->dev[d].no_dirty);
	if (w.want == SKIP)
		return SKIP;
	say(m, "device %d stdev %u pt %u", d, s.id,
	    s.mock_domain_replace.pt_id);
	got = request_test(m, &s);
	if (!expect(m, w.want, got) || w.want)
		return got;
	if (w.fresh)
		id_check(m, &s.mock_domain_replace.pt_id, 1);
	old = m->dev[d].hwpt;
	m->dev[d].hwpt = (uint8_t)w.hwpt;
	way_taken(m, &w, s.mock_domain_replace.pt_id);
	hwpt_left(m, old);
	return 0;
}

/* ---- HWPT_ALLOC --------------------------------------------------------- */

#define ALLOC_FLAGS                                                         \
	(IOAS_ABI_HWPT_ALLOC_NEST_PARENT | IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING | \
	 IOAS_ABI_HWPT_FAULT_ID_VALID | IOAS_ABI_HWPT_ALLOC_PASID)

/* Step 5, of an IOAS. */
static int predict_paging(struct um *m, const struct ioas_abi_hwpt_alloc *s,
			  const struct ioas_abi_hwpt_data_selftest *data,
			  bool no_dirty, struct m_hwpt *t)
{
	const uint32_t type = s->data_len > 4 ? data->pagetable_type : 0;

	if (s->flags & ~ALLOC_FLAGS)
		return -EOPNOTSUPP;
	if (s->flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING && no_dirty)
		return -EOPNOTSUPP;
	if (s->data_type && s->data_type != IOAS_ABI_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	if (s->data_type && (s->data_len < 4 || s->data_len > 8))
		return -EINVAL;
	if (s->data_type && s->data_uptr != buffer_at())
		return -EFAULT;
	if (s->data_type && type > IOAS_ABI_MOCK_IOMMUPT_HUGE)
		return -EOPNOTSUPP;
	t->huge = s->data_type && type;
	t->dirty = s->flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING;
	return plan_table(m, id_find(m, s->pt_id, ID_IOAS), t);
}

static void some_alloc(struct um *m, struct ioas_abi_hwpt_alloc *s,
		       struct ioas_abi_hwpt_data_selftest *data)
{
	if (chance(m, 55))
		s->flags |= IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING;
	if (chance(m, 10))
		s->flags |= IOAS_ABI_HWPT_ALLOC_NEST_PARENT;
	if (chance(m, 10))
		s->flags |= IOAS_ABI_HWPT_ALLOC_PASID;
	if (chance(m, 2))
		s->flags |= 0x10u << below(m, 20);
	s->__reserved = chance(m, 1);
	s->__reserved2 = chance(m, 20);
	s->data_uptr = buffer_at();
	*data = (struct ioas_abi_hwpt_data_selftest){ .iotlb = 1 };
	if (chance(m, 50))
		return;
	s->data_type = IOAS_ABI_HWPT_DATA_SELFTEST;
	s->data_len = sizeof(*data);
	data->pagetable_type = chance(m, 85);
	if (chance(m, 3))
		data->pagetable_type = 2;
	if (chance(m, 5))
		s->data_len = (uint32_t)below(m, 12);
	if (chance(m, 2))
		s->data_type = (uint32_t)below(m, 4);
	if (chance(m, 2))
		s->data_uptr = 8;
}

/* Steps 1 to 5. */
static int predict_alloc(struct um *m, const struct ioas_abi_hwpt_alloc *s,
			 const struct ioas_abi_hwpt_data_selftest *data,
			 struct m_hwpt *t)
{
	const int d = id_find(m, s->dev_id, ID_DEVICE);
	const int i = id_find(m, s->pt_id, ID_IOAS);

	if (s->__reserved)
		return -EOPNOTSUPP;
	if (!s->data_type != !s->data_len)
		return -EINVAL;
	if (d < 0)
		return -ENOENT;
	if (i < 0)
		return -EINVAL;
	return predict_paging(m, s, data, m->dev[d].no_dirty, t);
}

int op_hwpt_alloc(struct um *m)
{
	struct ioas_abi_hwpt_alloc s = { .flags = 0 };
	struct ioas_abi_hwpt_data_selftest data;
	struct m_hwpt t = { .used = true };
	const int d = some_device(m), i = full_ioas(m);
	int want, got, h;

	if (d < 0 || i < 0)
		return SKIP;
	some_alloc(m, &s, &data);
	s.dev_id = chance(m, 98) ? m->dev[d].idev : wrong_id(m, ID_DEVICE);
	s.pt_id = chance(m, 97) ? m->ioas[i].id : wrong_id(m, ID_IOAS);
	/* Tables on tables are the business of others. */
	if (id_find(m, s.pt_id, ID_HWPT) >= 0)
		return SKIP;
	sim_poke(m->h, buffer_at(), &data, sizeof(data));
	h = hwpt_slot(m, i);
	want = predict_alloc(m, &s, &data, &t);
	if (!want && h < 0)
		return SKIP;
	say(m, "device %d ioas %d pt %u flags %#x type %#x length %u table %u",
	    d, i, s.pt_id, s.flags, s.data_type, s.data_len,
	    data.pagetable_type);
	got = uapi_request(m, IOAS_ABI_HWPT_ALLOC, &s);
	if (!expect(m, want, got) || want)
		return got;
	id_check(m, &s.out_hwpt_id, 1);
	t.id = s.out_hwpt_id;
	hwpt_add(m, h, &t);
	return 0;
}

/* ---- DESTROY ------------------------------------------------------------ */

static bool ioas_is_used(const struct um *m, int i)
{
	for (int a = 0; a < NR_ACCESSES; a++)
		if (m->access[a].used && m->access[a].ioas == i)
			return true;
	return ioas_domains(m, i);
}

static int predict_destroy(const struct um *m, uint32_t id)
{
	const int slot = id < MAX_IDS ? m->ids[id].slot : 0;

	switch (id < MAX_IDS ? m->ids[id].kind : ID_FREE) {
	case ID_FREE:
		return -ENOENT;
	case ID_IOAS:
		return ioas_is_used(m, slot) ? -EBUSY : 0;
	case ID_HWPT:
		return hwpt_users(m, slot) ? -EBUSY : 0;
	case ID_STDEV:
		return 0;
	default:
		return -EBUSY;
	}
}

static void model_destroy(struct um *m, uint32_t id)
{
	const int slot = m->ids[id].slot;
	struct m_device *d = m->dev + slot;

	switch (m->ids[id].kind) {
	case ID_IOAS:
		while (m->ioas[slot].nr_areas)
			area_remove(m, m->ioas[slot].area[0]);
		m->ioas[slot].used = false;
		if (m->compat == slot)
			m->compat = -1;
		id_drop(m, id);
		break;
	case ID_HWPT:
		hwpt_forget(m, slot);
		break;
	default:
		d->used = false;
		id_drop(m, d->stdev);
		id_drop(m, d->idev);
		hwpt_left(m, d->hwpt);
	}
}

/* The next one of that kind, if there is one. */
static uint32_t some_id(struct um *m, enum id_kind kind)
{
	uint32_t id = (uint32_t)below(m, MAX_IDS);

	for (int n = 0; n < MAX_IDS && m->ids[id].kind != kind; n++)
		id = (id + 1) % MAX_IDS;
	return id;
}

int op_destroy(struct um *m)
{
	const uint64_t kind = below(m, 100);
	struct ioas_abi_destroy s;
	int want, got;

	s.id = some_id(m, kind < 40 ? ID_STDEV :
			  kind < 78 ? ID_HWPT :
			  kind < 84 ? ID_IOAS :
			  kind < 88 ? ID_DEVICE :
			  kind < 92 ? ID_ACCESS :
				      ID_FREE);
	if (kind == 98)
		s.id = 0;
	if (kind == 99)
		s.id = UINT32_MAX;
	want = predict_destroy(m, s.id);
	say(m, "id %u", s.id);
	got = uapi_release(m, IOAS_ABI_DESTROY, &s);
	if (expect(m, want, got) && !want)
		model_destroy(m, s.id);
	return got;
}
