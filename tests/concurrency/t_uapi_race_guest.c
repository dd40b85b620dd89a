/* SPDX-License-Identifier: MIT */
/*
 * races for what a guest has: VIOMMUs, their devices and queues, and faults
 */
#include "uapi_race.h"

#define EVENTS IOAS_ABI_VEVENTQ_TYPE_SELFTEST
#define QUEUE IOAS_ABI_HW_QUEUE_TYPE_SELFTEST
#define WITH_FAULT IOAS_ABI_HWPT_FAULT_ID_VALID
#define RECORD sizeof(struct ioas_abi_pgfault)

/* ---- what setups make ---------------------------------------------------- */

/* The lowest free id. */
static void peek_id(struct round *r)
{
	r->next_id = space_new(r);
	must_ok(r, uc_destroy(&r->c, r->next_id));
}

/* Two devices, the first of which has a VIOMMU; memory that is one run. */
static void setup_viommu(struct round *r)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 1 };
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data),
	};

	setup_spaces(r);
	map_at(r, 0, VA_RUN);
	device_new(r, 0, 0);
	device_new(r, 1, 0);
	must_ok(r, uc_hwpt(&r->c, r->dev[0].idev, r->ioas[0], NEST, &r->hwpt));
	s.dev_id = r->dev[0].idev;
	s.hwpt_id = r->hwpt;
	must_ok(r, uc_viommu_alloc(&r->c, &s, &data));
	r->viommu = s.out_viommu_id;
	r->offset = data.out_mmap_offset;
	peek_id(r);
}

static void setup_vdevice(struct round *r)
{
	setup_viommu(r);
	must_ok(r,
		uc_vdevice(&r->c, r->viommu, r->dev[0].idev, 7, &r->vdevice));
	r->next_id = r->vdevice;
}

/* The first device is on a nested table of its VIOMMU, and reports there. */
static void setup_events(struct round *r)
{
	const struct ioas_abi_hwpt_data_selftest data = { 0, 0 };

	setup_vdevice(r);
	must_ok(r, uc_hwpt_mock(&r->c, r->dev[0].idev, r->viommu, 0, &data,
				&r->nested));
	must_ok(r, uc_veventq(&r->c, r->viommu, EVENTS, 4, &r->queue, &r->fd));
	r->out[0] = r->nested;
	must_ok(r, uc_mock_replace(&r->c, r->dev[0].stdev, &r->out[0]));
	must_ok(r, uc_vevent(&r->c, r->dev[0].idev));
}

static void trigger(struct round *r, uint32_t grpid)
{
	const struct ioas_abi_test_trigger_iopf s = {
		.dev_id = r->dev[0].idev,
		.grpid = grpid,
		.addr = IOVA,
	};

	(void)uc_iopf(&r->c, &s);
}

/* The first device is on a table with a queue, where two requests wait. */
static void setup_faults(struct round *r)
{
	struct ioas_abi_hwpt_alloc s = { .flags = WITH_FAULT };
	uint32_t pt;

	setup_device(r);
	must_ok(r, uc_fault_queue(&r->c, &r->queue, &r->fd));
	s.dev_id = r->dev[0].idev;
	s.pt_id = r->ioas[0];
	s.fault_id = r->queue;
	must_ok(r, uc_hwpt_alloc(&r->c, &s, NULL));
	r->hwpt = pt = s.out_hwpt_id;
	must_ok(r, uc_mock_replace(&r->c, r->dev[0].stdev, &pt));
	trigger(r, 1);
	trigger(r, 2);
}

/* ---- VIOMMUs and what is on them ----------------------------------------- */

static void vdevice_1(struct round *r)
{
	r->ret[1] = uc_vdevice(&r->c, r->viommu, r->dev[0].idev, 7, &r->out[1]);
}

static void destroy_next_2(struct round *r)
{
	for (unsigned int i = 0; i < 3; i++) {
		r->ret[2] = uc_destroy(&r->c, r->next_id);
		if (!r->ret[2])
			break;
	}
}

static void destroy_vdevice_1(struct round *r)
{
	r->ret[1] = uc_destroy(&r->c, r->vdevice);
}

/* Is an id given out again? Others below it are free. */
static bool id_returns(struct round *r, uint32_t id)
{
	uint32_t got = 0;

	while (got < id)
		got = space_new(r);
	return got == id;
}

/*
 * Buried by the unbind, unless the program was first: then its id is free. It
 * may have got an id that the unbind gave back, and not the one expected.
 */
static void buried_or_destroyed(struct round *r)
{
	const uint32_t id = r->ret[1] ? r->next_id : r->out[1];

	must_ok(r, r->ret[0]);
	among(r, 1, 0, -ENOENT);
	among(r, 2, 0, -ENOENT, -EBUSY);
	must(r, uc_destroy(&r->c, id), -ENOENT);
	if (!r->ret[2]) {
		must_ok(r, r->ret[1]);
		must(r, id, r->next_id);
	}
	must(r, id_returns(r, id), r->ret[1] || !r->ret[2]);
	must_ok(r, uc_destroy(&r->c, r->viommu));
}

static const struct contest_case unbind_and_vdevice = {
	.name = "unbind, VDEVICE_ALLOC, and DESTROY of the VDEVICE",
	.setup = setup_viommu,
	.sides = { destroy_device_0, vdevice_1, destroy_next_2 },
	.check = buried_or_destroyed,
};

static void buried_once(struct round *r)
{
	must_ok(r, r->ret[0]);
	among(r, 1, 0, -ENOENT);
	must(r, uc_destroy(&r->c, r->vdevice), -ENOENT);
	must(r, id_returns(r, r->vdevice), !r->ret[1]);
	must_ok(r, uc_destroy(&r->c, r->viommu));
}

static const struct contest_case unbind_and_destroy = {
	.name = "unbind and DESTROY of its VDEVICE",
	.setup = setup_vdevice,
	.sides = { destroy_device_0, destroy_vdevice_1 },
	.check = buried_once,
};

static void side_vdevice(struct round *r, unsigned int i)
{
	r->ret[i] = uc_vdevice(&r->c, r->viommu, r->dev[i].idev, 9, &r->out[i]);
}

static void same_virt_id_0(struct round *r)
{
	side_vdevice(r, 0);
}

static void same_virt_id_1(struct round *r)
{
	side_vdevice(r, 1);
}

static void one_exists(struct round *r)
{
	either(r, 0, -EEXIST, -EEXIST, 0);
}

static const struct contest_case same_virt_id = {
	.name = "two devices, one virt_id",
	.setup = setup_viommu,
	.sides = { same_virt_id_0, same_virt_id_1 },
	.check = one_exists,
};

static void other_virt_id_0(struct round *r)
{
	r->ret[0] = uc_vdevice(&r->c, r->viommu, r->dev[0].idev, 8, &r->out[0]);
}

static const struct contest_case same_device = {
	.name = "one device, two virt_ids",
	.setup = setup_viommu,
	.sides = { other_virt_id_0, vdevice_1 },
	.check = one_exists,
};

static void side_veventq(struct round *r, unsigned int i)
{
	int fd;

	r->ret[i] = uc_veventq(&r->c, r->viommu, EVENTS, 4, &r->out[i], &fd);
}

static void veventq_0(struct round *r)
{
	side_veventq(r, 0);
}

static void veventq_1(struct round *r)
{
	side_veventq(r, 1);
}

static const struct contest_case same_type = {
	.name = "two queues of one type",
	.setup = setup_viommu,
	.sides = { veventq_0, veventq_1 },
	.check = one_exists,
};

static void destroy_viommu_0(struct round *r)
{
	r->ret[0] = uc_destroy(&r->c, r->viommu);
}

static void destroyed_or_used(struct round *r)
{
	either(r, 0, -ENOENT, -EBUSY, 0);
}

static const struct contest_case viommu_and_veventq = {
	.name = "DESTROY of a VIOMMU and a new queue of it",
	.setup = setup_viommu,
	.sides = { destroy_viommu_0, veventq_1 },
	.check = destroyed_or_used,
};

/* By the file itself: mappings of a process are one thread's. */
static void map_region_1(struct round *r)
{
	const struct ioas_mmap_request rq = { .offset = r->offset,
					      .length = 2 * PAGE,
					      .shared = true };
	struct ioas_host *host = &r->h->host;
	struct ioas_region *region;
	struct ioas_ufile *f;

	r->ret[1] = host->ops->fd_get(host, r->c.fd, &f);
	if (r->ret[1])
		return;
	r->ret[1] = f->ops->mmap(f, &rq, &region);
	if (!r->ret[1]) {
		memcpy(&r->out[1], region->shm.memory, sizeof(r->out[1]));
		memset(region->shm.memory, 0, 2 * PAGE);
		r->nested = (uint32_t)uc_destroy(&r->c, r->viommu);
		ioas_region_unmap(region);
	}
	ioas_ufile_put(f);
}

static void mapped_or_destroyed(struct round *r)
{
	among(r, 0, 0, -EBUSY);
	among(r, 1, 0, -ENXIO);
	if (!r->ret[1]) {
		must(r, r->out[1], 1);
		/* Busy as long as it was mapped. */
		must(r, (int)r->nested, -EBUSY);
	}
	/* Or destroyed once it was unmapped again. */
	if (r->ret[1])
		must_ok(r, r->ret[0]);
	must(r, uc_destroy(&r->c, r->viommu), r->ret[0] ? 0 : -ENOENT);
	must(r, (int64_t)r->h->nr_shm, 0);
}

static const struct contest_case mmap_and_destroy = {
	.name = "mmap and DESTROY of what it maps",
	.setup = setup_viommu,
	.sides = { destroy_viommu_0, map_region_1 },
	.check = mapped_or_destroyed,
};

static int hw_queue(struct round *r, uint32_t index, uint32_t *id)
{
	struct ioas_abi_hw_queue_alloc s = {
		.viommu_id = r->viommu,
		.type = QUEUE,
		.index = index,
		.nesting_parent_iova = IOVA + index * PAGE,
		.length = PAGE,
	};
	int ret = uc_hw_queue(&r->c, &s);

	*id = s.out_hw_queue_id;
	return ret;
}

static void setup_hw_queue(struct round *r)
{
	setup_viommu(r);
	must_ok(r, hw_queue(r, 0, &r->queue));
}

static void destroy_queue_0(struct round *r)
{
	r->ret[0] = uc_destroy(&r->c, r->queue);
}

static void hw_queue_1(struct round *r)
{
	r->ret[1] = hw_queue(r, 1, &r->out[1]);
}

static void unmap_2(struct round *r)
{
	r->ret[2] = uc_unmap(&r->c, r->ioas[0], IOVA, 4 * PAGE, NULL);
}

/* In between neither has its pages pinned. */
static void queues_are_in_order(struct round *r)
{
	among(r, 2, 0, -EBUSY);
	if (r->ret[2]) {
		either(r, 0, -EIO, -EBUSY, 0);
		must(r, reaches(r, r->hwpt, 0), 0);
	} else {
		must_ok(r, r->ret[0]);
		among(r, 1, -EIO, -ENOENT, -EINVAL);
	}
	if (!r->ret[1]) {
		must_ok(r, uc_destroy(&r->c, r->out[1]));
		must_ok(r, uc_destroy(&r->c, r->queue));
	}
	must_ok(r, uc_destroy(&r->c, r->viommu));
}

static const struct contest_case hw_queue_order = {
	.name = "DESTROY of queue 0, queue 1, and UNMAP of their memory",
	.setup = setup_hw_queue,
	.sides = { destroy_queue_0, hw_queue_1, unmap_2 },
	.check = queues_are_in_order,
};

/* ---- queues of faults and events ----------------------------------------- */

static void read_0(struct round *r)
{
	r->ret[0] = uc_read(&r->c, r->fd, r->buffer[0], 2 * RECORD);
}

/* The end of an attachment: moved away, or unbound. */
static void detach_1(struct round *r)
{
	if (r->number % 2) {
		r->ret[1] = uc_destroy(&r->c, r->dev[0].stdev);
	} else {
		r->out[1] = r->ioas[0];
		r->ret[1] = uc_mock_replace(&r->c, r->dev[0].stdev, &r->out[1]);
	}
}

static int64_t answer(struct round *r, uint32_t cookie)
{
	const struct ioas_abi_page_response s = { .cookie = cookie };

	return uc_write(&r->c, r->fd, &s, sizeof(s));
}

/* Perhaps the first cookie is known already, or still. */
static void answer_2(struct round *r)
{
	r->ret[2] = answer(r, 1);
}

static void nothing_is_left_to_read(struct round *r)
{
	struct ioas_abi_pgfault fault[2];

	memcpy(fault, r->buffer[0], sizeof(fault));
	among(r, 0, 0, RECORD, 2 * RECORD);
	must_ok(r, r->ret[1]);
	among(r, 2, sizeof(struct ioas_abi_page_response), -EINVAL);
	for (unsigned int i = 0; i < (size_t)r->ret[0] / RECORD; i++) {
		must(r, fault[i].grpid, i + 1);
		must(r, fault[i].dev_id, r->dev[0].idev);
		must(r, answer(r, fault[i].cookie), -EINVAL);
	}
	if (r->ret[2] > 0)
		assert_true(r->ret[0] > 0);
	must(r, uc_poll(&r->c, r->fd), IOAS_POLLOUT);
	must(r, uc_read(&r->c, r->fd, r->buffer[1], RECORD), 0);
	must_ok(r, uc_destroy(&r->c, r->hwpt));
	must(r, uc_destroy(&r->c, r->queue), -EBUSY);
	must_ok(r, uc_close(&r->c, r->fd));
	must_ok(r, uc_destroy(&r->c, r->queue));
}

static const struct contest_case read_and_detach = {
	.name = "read and answer of a fault queue, and detach",
	.setup = setup_faults,
	.sides = { read_0, detach_1, answer_2 },
	.check = nothing_is_left_to_read,
};

static void trigger_1(struct round *r)
{
	for (uint32_t i = 0; i < 3; i++)
		trigger(r, i);
}

static void read_2(struct round *r)
{
	r->ret[2] = uc_read(&r->c, r->fd, r->buffer[2], 6 * RECORD);
}

static void queue_closes(struct round *r)
{
	uint32_t pt = r->ioas[0];

	must_ok(r, r->ret[0]);
	must(r, r->ret[2] == -EBADF || r->ret[2] >= 0, 1);
	must_ok(r, uc_mock_replace(&r->c, r->dev[0].stdev, &pt));
	must_ok(r, uc_destroy(&r->c, r->hwpt));
	must_ok(r, uc_destroy(&r->c, r->queue));
}

static const struct contest_case delivery_and_close = {
	.name = "close of a fault queue, delivery, and read",
	.setup = setup_faults,
	.sides = { close_0, trigger_1, read_2 },
	.check = queue_closes,
};

static void event_1(struct round *r)
{
	for (unsigned int i = 0; i < 6 && !r->ret[1]; i++)
		r->ret[1] = uc_vevent(&r->c, r->dev[0].idev);
}

static void events_close(struct round *r)
{
	must_ok(r, r->ret[0]);
	must_ok(r, r->ret[1]);
	must(r, r->ret[2] == -EBADF || r->ret[2] >= 0, 1);
	must_ok(r, uc_vevent(&r->c, r->dev[0].idev));
	must_ok(r, uc_destroy(&r->c, r->queue));
	must(r, uc_vevent(&r->c, r->dev[0].idev), -EOPNOTSUPP);
}

static const struct contest_case event_and_close = {
	.name = "close of an event queue, events, and read",
	.setup = setup_events,
	.sides = { close_0, event_1, read_2 },
	.check = events_close,
};

static void read_events_0(struct round *r)
{
	r->ret[0] = uc_read(&r->c, r->fd, r->buffer[0], sizeof(r->buffer[0]));
}

/* Checks 9.2 in one read: returns the number after the last one. */
static uint32_t events_follow(struct round *r, const uint8_t *p, int64_t length,
			      uint32_t next)
{
	struct ioas_abi_vevent_header head;

	while (length > 0) {
		memcpy(&head, p, sizeof(head));
		/* Lost ones were counted, too. */
		assert_true(head.sequence >= next);
		next = head.sequence + 1;
		p += sizeof(head);
		length -= (int64_t)sizeof(head);
		if (!(head.flags & IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS)) {
			p += sizeof(struct ioas_abi_vevent_selftest);
			length -= (int64_t)sizeof(
				struct ioas_abi_vevent_selftest);
		}
	}
	must(r, length, 0);
	return next;
}

/* Two readers take turns; what both got, and the rest, is all there was. */
static void events_are_numbered(struct round *r)
{
	int64_t got = uc_read(&r->c, r->fd, r->buffer[1], sizeof(r->buffer[1]));
	uint32_t last = 0, n;

	must_ok(r, r->ret[1]);
	assert_true(r->ret[0] >= 0 && r->ret[2] >= 0 && got >= 0);
	n = events_follow(r, r->buffer[0], r->ret[0], 0);
	last = n > last ? n : last;
	n = events_follow(r, r->buffer[2], r->ret[2], 0);
	last = n > last ? n : last;
	n = events_follow(r, r->buffer[1], got, 0);
	last = n > last ? n : last;
	/* One before, six now. */
	must(r, last, 7);
	must(r, uc_poll(&r->c, r->fd), 0);
}

static const struct contest_case events_and_readers = {
	.name = "two readers of an event queue, and events",
	.setup = setup_events,
	.sides = { read_events_0, event_1, read_2 },
	.check = events_are_numbered,
};

static void setup_closed_queue(struct round *r)
{
	setup_device(r);
	must_ok(r, uc_fault_queue(&r->c, &r->queue, &r->fd));
	must_ok(r, uc_close(&r->c, r->fd));
}

static void table_with_queue_1(struct round *r)
{
	struct ioas_abi_hwpt_alloc s = { .flags = WITH_FAULT,
					 .dev_id = r->dev[0].idev,
					 .pt_id = r->ioas[0],
					 .fault_id = r->queue };

	r->ret[1] = uc_hwpt_alloc(&r->c, &s, NULL);
}

static const struct contest_case fault_and_table = {
	.name = "DESTROY of a fault queue and a new table with it",
	.setup = setup_closed_queue,
	.sides = { destroy_queue_0, table_with_queue_1 },
	.check = destroyed_or_used,
};

/* ---- creations that fail at their very end ------------------------------- */

/* The struct cannot be written: -EFAULT, and it is undone. */
static int64_t refused(struct round *r, uint32_t cmd, void *s, size_t size)
{
	return sim_cmd_read_only(r->h, r->c.fd, cmd, s, size);
}

static void undone_queue_0(struct round *r)
{
	struct ioas_abi_hw_queue_alloc s = { .size = sizeof(s),
					     .viommu_id = r->viommu,
					     .type = QUEUE,
					     .nesting_parent_iova = IOVA,
					     .length = PAGE };

	r->ret[0] = refused(r, IOAS_ABI_HW_QUEUE_ALLOC, &s, sizeof(s));
}

/* Queue 1 needs queue 0, of which it sees nothing. */
static void no_queue_is_left(struct round *r)
{
	must(r, r->ret[0], -EFAULT);
	must(r, r->ret[1], -EIO);
	must_ok(r, uc_unmap_all(&r->c, r->ioas[0], NULL));
	must_ok(r, uc_destroy(&r->c, r->viommu));
}

static const struct contest_case undone_hw_queue = {
	.name = "queue 0 is not made after all, and queue 1",
	.setup = setup_viommu,
	.sides = { undone_queue_0, hw_queue_1 },
	.check = no_queue_is_left,
};

/* A second one, whose memory comes behind the first's. */
static void undone_viommu_0(struct round *r)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 2 };
	struct ioas_abi_viommu_alloc s = {
		.size = sizeof(s),
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.dev_id = r->dev[0].idev,
		.hwpt_id = r->hwpt,
		.data_len = sizeof(data),
		.data_uptr = sim_put(r->h, &data, sizeof(data)),
	};

	r->ret[0] = refused(r, IOAS_ABI_VIOMMU_ALLOC, &s, sizeof(s));
}

static void map_next_region_1(struct round *r)
{
	r->offset += 2 * PAGE;
	map_region_1(r);
	r->offset -= 2 * PAGE;
}

static void no_region_is_left(struct round *r)
{
	must(r, r->ret[0], -EFAULT);
	must(r, r->ret[1], -ENXIO);
	must(r, (int64_t)r->h->nr_shm, 1);
	must_ok(r, uc_destroy(&r->c, r->viommu));
	must_ok(r, uc_destroy(&r->c, r->hwpt));
}

static const struct contest_case undone_viommu = {
	.name = "a VIOMMU is not made after all, and mmap of its memory",
	.setup = setup_viommu,
	.sides = { undone_viommu_0, map_next_region_1 },
	.check = no_region_is_left,
};

static void undone_vdevice_1(struct round *r)
{
	struct ioas_abi_vdevice_alloc s = { .size = sizeof(s),
					    .viommu_id = r->viommu,
					    .dev_id = r->dev[0].idev,
					    .virt_id = 7 };

	r->ret[1] = refused(r, IOAS_ABI_VDEVICE_ALLOC, &s, sizeof(s));
}

static void invalidate_2(struct round *r)
{
	struct ioas_abi_viommu_invalidate_selftest entry = { .vdev_id = 7 };
	struct ioas_abi_hwpt_invalidate s = {
		.hwpt_id = r->viommu,
		.data_type = IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(entry),
		.entry_num = 1,
	};

	r->ret[2] = uc_invalidate(&r->c, &s, &entry);
}

static void no_vdevice_is_left(struct round *r)
{
	must_ok(r, r->ret[0]);
	among(r, 1, -EFAULT, -ENOENT);
	among(r, 2, 0, -EINVAL);
	must(r, id_returns(r, r->next_id), 1);
	must_ok(r, uc_destroy(&r->c, r->viommu));
}

static const struct contest_case undone_vdevice = {
	.name = "unbind, a VDEVICE that is not made after all, and its use",
	.setup = setup_viommu,
	.sides = { destroy_device_0, undone_vdevice_1, invalidate_2 },
	.check = no_vdevice_is_left,
};

/* The device reports before there is a queue. */
static void setup_reports(struct round *r)
{
	setup_events(r);
	must_ok(r, uc_close(&r->c, r->fd));
	must_ok(r, uc_destroy(&r->c, r->queue));
}

static void undone_events_0(struct round *r)
{
	struct ioas_abi_veventq_alloc s = { .size = sizeof(s),
					    .viommu_id = r->viommu,
					    .type = EVENTS,
					    .veventq_depth = 2 };

	r->ret[0] = refused(r, IOAS_ABI_VEVENTQ_ALLOC, &s, sizeof(s));
}

static void event_once_1(struct round *r)
{
	r->ret[1] = uc_vevent(&r->c, r->dev[0].idev);
}

static void no_event_queue_is_left(struct round *r)
{
	must(r, r->ret[0], -EFAULT);
	among(r, 1, 0, -EOPNOTSUPP);
	must(r, uc_vevent(&r->c, r->dev[0].idev), -EOPNOTSUPP);
	must_ok(r, uc_veventq(&r->c, r->viommu, EVENTS, 4, NULL, &r->fd));
	must(r, uc_poll(&r->c, r->fd), 0);
}

static const struct contest_case undone_veventq = {
	.name = "a queue is not made after all, and an event for it",
	.setup = setup_reports,
	.sides = { undone_events_0, event_once_1 },
	.check = no_event_queue_is_left,
};

/* ---- program ------------------------------------------------------------- */

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RACE(unbind_and_vdevice), RACE(unbind_and_destroy),
		RACE(same_virt_id),	  RACE(same_device),
		RACE(same_type),	  RACE(viommu_and_veventq),
		RACE(mmap_and_destroy),	  RACE(hw_queue_order),
		RACE(read_and_detach),	  RACE(delivery_and_close),
		RACE(event_and_close),	  RACE(events_and_readers),
		RACE(fault_and_table),	  RACE(undone_hw_queue),
		RACE(undone_viommu),	  RACE(undone_vdevice),
		RACE(undone_veventq),
	};

	return race_main(argc, argv, tests);
}
