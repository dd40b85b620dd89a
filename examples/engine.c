/* SPDX-License-Identifier: MIT */
/*
 * engine: a device thread with a view, and a driver that takes memory away
 *
 *   driver                              device thread
 *   map a buffer                        read through the view, again and again
 *   unmap it: waits until the device    a fault instead of the bytes
 *     is out of it
 *   reuse the memory at once            never sees what is written there
 *
 * The domain is a page table as VT-d's second stage reads it. A view takes no
 * lock: the device neither slows the driver down nor is slowed by it.
 */
#include <ioas/ioas.h>

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096
#define ROUNDS 1000

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "engine: %s: %s\n", what, strerror(-ret));
	exit(EXIT_FAILURE);
}

struct device {
	struct ioas_context *ctx;
	struct ioas_domain *domain;
	/* Set once: where the driver's buffer is, while it is mapped. */
	uint64_t iova;
	atomic_bool stop;
	/* The device's; the driver looks at the first. */
	atomic_ulong reads;
	unsigned long faults, torn;
};

static void device_fault(void *data, const struct ioas_view_fault *fault)
{
	struct device *dev = data;

	(void)fault; /* .iova, .access and .reason: what a log would say */
	dev->faults++;
}

/* What the driver maps holds 'd'; what it has taken back holds 'x'. */
static void device_look(struct device *dev, struct ioas_view *view)
{
	const atomic_char *bytes;
	uint64_t got;
	void *p;

	ioas_view_enter(view);
	if (!ioas_view_map(view, dev->iova, PAGE, IOAS_READ, &p, &got)) {
		bytes = p;
		for (uint64_t i = 0; i < got; i += 64)
			if (atomic_load_explicit(&bytes[i],
						 memory_order_relaxed) != 'd')
				dev->torn++;
		dev->reads++;
	}
	ioas_view_exit(view);
}

static void *device_main(void *arg)
{
	struct device *dev = arg;
	const struct ioas_view_options opts = {
		.size = sizeof(opts), .fault = device_fault, .data = dev };
	struct ioas_view *view;

	must(ioas_view_create(dev->ctx, dev->domain, &opts, &view), "view");
	while (!atomic_load(&dev->stop))
		device_look(dev, view);
	ioas_view_destroy(view);
	return NULL;
}

static void fill(atomic_char *page, char c)
{
	for (unsigned int i = 0; i < PAGE; i++)
		atomic_store_explicit(&page[i], c, memory_order_relaxed);
}

/* Lends its page to the device, takes it back, and uses it for itself. */
static void drive(struct device *dev, struct ioas *ioas,
		  struct ioas_origin *memory)
{
	static alignas(PAGE) atomic_char page[PAGE];
	uint64_t iova = dev->iova;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned long before = atomic_load(&dev->reads);

		fill(page, 'd');
		must(ioas_map(ioas, memory, (uintptr_t)page, PAGE,
			      IOAS_READ | IOAS_FIXED, &iova), "map");
		while (atomic_load(&dev->reads) == before)
			sched_yield();
		must(ioas_unmap(ioas, iova, PAGE, NULL), "unmap");
		fill(page, 'x');
	}
}

int main(void)
{
	const struct ioas_domain_options opts = {
		.size = sizeof(opts), .format = IOAS_PT_VTDSS };
	struct device dev = { .iova = 1 << 20 };
	struct ioas_origin *memory;
	struct ioas *ioas;
	pthread_t thread;

	must(ioas_context_create(NULL, &dev.ctx), "context");
	must(ioas_origin_own(dev.ctx, &memory), "origin");
	must(ioas_create(dev.ctx, &ioas), "space");
	must(ioas_domain_create(&opts, &dev.domain), "domain");
	must(ioas_attach(ioas, dev.domain), "attach");
	must(-pthread_create(&thread, NULL, device_main, &dev), "thread");
	drive(&dev, ioas, memory);
	atomic_store(&dev.stop, true);
	pthread_join(thread, NULL);
	printf("%d times lent and taken back; the device read %lu pages, met "
	       "%lu faults, saw %lu bytes that were not its own\n",
	       ROUNDS, atomic_load(&dev.reads), dev.faults, dev.torn);
	must(ioas_detach(ioas, dev.domain), "detach");
	must(ioas_domain_destroy(dev.domain), "destroy domain");
	must(ioas_destroy(ioas), "destroy space");
	ioas_origin_destroy(memory);
	must(ioas_context_destroy(dev.ctx), "destroy context");
	return dev.torn ? EXIT_FAILURE : EXIT_SUCCESS;
}
