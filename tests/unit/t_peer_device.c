/* SPDX-License-Identifier: MIT */
/*
 * Memory of devices of ours that another process has mapped: it is pinned by
 * where it is in this process, and only for who may.
 *
 *   file      | 0 | 1 | 2 | 3 |    mapped by the child
 *   device        | 1 | 2 |        of which this is a device's
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "origin/user.h"
#include "peer_test.h"

#define PAGES 4u
#define RW (PROT_READ | PROT_WRITE)

/* The device: pages [1, 3) of a file. */
static struct {
	uint64_t dev, ino;
	/* Page 0 of the file. */
	char *memory;
	/* No two pages of it are said to be one piece, and their order is not
	 * that of the file. */
	bool scattered;
} device;

static bool is_device(void *data, uint64_t dev, uint64_t ino)
{
	assert_ptr_equal(data, &device);
	return dev == device.dev && ino == device.ino;
}

static void *memory_of_device(void *data, uint64_t dev, uint64_t ino,
			      uint64_t offset, uint64_t *length)
{
	const uint64_t page = offset >> page_lg2;

	if (!is_device(data, dev, ino) || page < 1 || page >= 3)
		return NULL;
	*length = ioas_min(*length, device.scattered ?
					    page_size :
					    3 * page_size - offset);
	return device.memory +
	       (device.scattered ? (3 - page) << page_lg2 : offset);
}

static const struct ioas_peer_ops device_ops = {
	.deny = is_device,
	.device = memory_of_device,
};

/* The file is mapped here; the child has it at the same address. */
struct fixture {
	int fd;
	char *at;
	struct child c;
	struct ioas_peer *p;
	/* Devices are memory; and not. */
	struct ioas_origin *o, *plain;
};

static int setup(void **state)
{
	static struct fixture f;
	struct ioas_vma vma;

	if (case_begin(state))
		return -1;
	memset(&device, 0, sizeof(device));
	f.fd = memfd(PAGES);
	f.at = map_shared(f.fd, 0, PAGES);
	device.memory = f.at;
	assert_int_equal(
		ioas_vma_find(&mt.b.self.vmas, (uintptr_t)f.at, &vma), 0);
	device.dev = vma.dev;
	device.ino = vma.ino;
	f.c = child_fork();
	assert_int_equal(ioas_peer_create(&mt.b, f.c.pid, NULL, &device_ops,
					  &device, &f.p), 0);
	assert_int_equal(ioas_origin_peer_create_devices(f.p, &f.o), 0);
	assert_int_equal(ioas_origin_peer_create(f.p, &f.plain), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->c.pid)
		child_exit(&f->c);
	ioas_origin_put(f->o);
	ioas_origin_put(f->plain);
	ioas_peer_put(f->p);
	unmap(f->at, PAGES);
	close(f->fd);
	return case_end(state);
}

static void a_page_of_a_device_is_an_address_here(void **state)
{
	struct fixture *f = *state;
	char *at = f->at + page_size;
	struct pin p, again;

	assert_int_equal(pin_at(f->o, at, 2, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	assert_int_equal(p.rq.nr_runs, 1);
	assert_int_equal(p.runs[0].pfn, (uintptr_t)at >> page_lg2);
	assert_ptr_equal(ioas_frames_pointer(&mt.fs, p.runs[0].pfn + 1),
			 at + page_size);
	assert_int_equal(ioas_backings_pinned(&mt.b), 2);
	assert_int_equal(frame_set(p.runs[0].pfn, 7), 0);
	assert_int_equal(child_get(&f->c, at), 7);
	child_set(&f->c, at + page_size, 8);
	assert_int_equal(frame_get(p.runs[0].pfn + 1), 8);
	/* However often. */
	pin_one(f->o, at + page_size, false, &again);
	assert_int_equal(again.runs[0].pfn, p.runs[0].pfn + 1);
	assert_int_equal(ioas_backings_pinned(&mt.b), 3);
	unpin_all(f->o, &p);
	assert_int_equal(ioas_backings_pinned(&mt.b), 1);
	unpin_all(f->o, &again);
	/* The file is not held. */
	assert_int_equal(ioas_backings_chunks(&mt.b), 0);
}

static void what_is_beside_it_is_denied(void **state)
{
	struct fixture *f = *state;
	struct pin p;

	assert_int_equal(pin_at(f->o, f->at, PAGES, true, &p), -EFAULT);
	assert_int_equal(pin_at(f->o, f->at + page_size, 3, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	unpin_all(f->o, &p);
	assert_int_equal(pin_at(f->o, f->at + 3 * page_size, 1, true, &p),
			 -EFAULT);
}

static void it_is_for_those_who_may(void **state)
{
	struct fixture *f = *state;
	struct pin p;

	assert_int_equal(pin_at(f->plain, f->at + page_size, 1, true, &p),
			 -EFAULT);
	assert_int_equal(pin_at(f->plain, f->at + page_size, 1, false, &p),
			 -EFAULT);
}

/* The mappings of the child decide. */
static void a_mapping_is_needed_and_its_rights(void **state)
{
	struct fixture *f = *state;
	char *one = f->at + page_size, *two = one + page_size;
	struct pin p;

	assert_int_equal(tell(&f->c, 'p', one, page_size, PROT_READ), 0);
	assert_int_equal(pin_at(f->o, one, 1, true, &p), -EFAULT);
	pin_one(f->o, one, false, &p);
	unpin_all(f->o, &p);
	assert_int_equal(tell(&f->c, 'p', one, page_size, PROT_NONE), 0);
	assert_int_equal(pin_at(f->o, one, 1, false, &p), -EFAULT);
	child_unmap(&f->c, one, 1);
	assert_int_equal(pin_at(f->o, one, 2, false, &p), -EFAULT);
	pin_one(f->o, two, true, &p);
	unpin_all(f->o, &p);
	/* Something else. */
	assert_int_equal(tell(&f->c, 'm', one, page_size, 3), 0);
	assert_int_equal(pin_at(f->o, one, 2, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	assert_int_equal(p.rq.nr_runs, 2);
	assert_int_equal(frame_get(p.runs[0].pfn), 3);
	assert_true(p.runs[0].pfn >= mt.fs.identity_nr);
	assert_int_equal(p.runs[1].pfn, (uintptr_t)two >> page_lg2);
	unpin_all(f->o, &p);
}

static void a_private_mapping_is_denied(void **state)
{
	const int fd = memfd(PAGES);
	char *at = map_at(NULL, PAGES, RW, MAP_PRIVATE, fd, 0);
	struct child c = child_fork();
	struct ioas_origin *o = NULL;
	struct ioas_peer *p = NULL;
	struct ioas_vma vma;
	struct pin pin;

	(void)state;
	assert_int_equal(
		ioas_vma_find(&mt.b.self.vmas, (uintptr_t)at, &vma), 0);
	device.dev = vma.dev;
	device.ino = vma.ino;
	assert_int_equal(ioas_peer_create(&mt.b, c.pid, NULL, &device_ops,
					  &device, &p), 0);
	assert_int_equal(ioas_origin_peer_create_devices(p, &o), 0);
	assert_int_equal(pin_at(o, at + page_size, 1, true, &pin), -EFAULT);
	assert_int_equal(pin_at(o, at + page_size, 1, false, &pin), -EFAULT);
	ioas_origin_put(o);
	ioas_peer_put(p);
	child_exit(&c);
	unmap(at, PAGES);
	close(fd);
}

static void pieces_need_room(void **state)
{
	struct fixture *f = *state;
	struct pin p = { .rq = { .first = ((uintptr_t)f->at >> page_lg2) + 1,
				 .nr = 2,
				 .write = true,
				 .max_runs = 1 } };

	device.scattered = true;
	p.rq.runs = p.runs;
	assert_int_equal(f->o->ops->pin(f->o, &p.rq), 0);
	assert_int_equal(p.rq.nr_pinned, 1);
	assert_int_equal(ioas_backings_pinned(&mt.b), 1);
	unpin_all(f->o, &p);
	p.rq.max_runs = 2;
	assert_int_equal(f->o->ops->pin(f->o, &p.rq), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	assert_int_equal(p.runs[0].pfn, p.runs[1].pfn + 1);
	unpin_all(f->o, &p);
}

/* Neither the process nor the origin has to be there. */
static void it_outlives_the_process(void **state)
{
	struct fixture *f = *state;
	struct pin p;

	pin_one(f->o, f->at + page_size, true, &p);
	child_exit(&f->c);
	f->c.pid = 0;
	assert_int_equal(frame_set(p.runs[0].pfn, 9), 0);
	assert_int_equal(f->at[page_size], 9);
	ioas_origin_put(f->o);
	f->o = NULL;
	ioas_backings_unpin(&mt.b, p.runs[0].pfn, 1);
}

#define device_case(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_case(a_page_of_a_device_is_an_address_here),
		device_case(what_is_beside_it_is_denied),
		device_case(it_is_for_those_who_may),
		device_case(a_mapping_is_needed_and_its_rights),
		device_case(a_private_mapping_is_denied),
		device_case(pieces_need_room),
		device_case(it_outlives_the_process),
	};

	return cmocka_run_group_tests_name("memory of devices", tests, NULL,
					   NULL);
}
