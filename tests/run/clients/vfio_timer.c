/* SPDX-License-Identifier: MIT */
/*
 * vfio_timer: a driver of examples/model_timer.c, which is no part of ioas
 *
 *   PERIOD, TARGET --> timer --> {ticks, time} in memory, interrupts
 *
 * Two of them, in one group.
 */
#include "vfio_kit.h"

#define PERIOD 0u
#define TARGET 8u
#define TICKS 16u
#define STATUS 24u
#define STATUS_TICK 1u
#define STATUS_FAILED 2u

#define FN_TIMER 0u
#define FN_TIMER2 1u
#define FAST 50000u

struct record {
	_Atomic uint64_t ticks;
	_Atomic uint64_t time;
};

/* The second half of a page, mapped at @iova. */
static struct record *record_at(const struct vfio *v, uint64_t iova)
{
	void *p = memory_shared(1);

	map_at(v, p, PAGE, UC_RW, iova);
	wr64(v, TARGET, iova + PAGE / 2);
	return (struct record *)((char *)p + PAGE / 2);
}

static struct record *start(const struct vfio *v)
{
	struct record *r = record_at(v, IOVA);

	wr64(v, PERIOD, FAST);
	return r;
}

/* Until one that comes after @ticks. */
static uint64_t await_tick(const struct record *r, uint64_t ticks)
{
	const uint64_t since = now_ns();

	while (atomic_load(&r->ticks) <= ticks)
		patience(since, "it does not tick");
	return atomic_load(&r->ticks);
}

static void check_ticks(struct vfio *v)
{
	const uint64_t begin = now_ns();
	struct record *r = start(v);
	uint64_t first, second;

	first = await_tick(r, 0);
	second = await_tick(r, first);
	want(second > first, 1);
	want(rd64(v, TICKS) >= second, 1);
	/* Its clock is that of the machine. */
	want(atomic_load(&r->time) > begin && atomic_load(&r->time) <= now_ns(),
	     1);
	want(rd64(v, STATUS), STATUS_TICK);
	vfio_close(v);
}

static void ticks_arrive_in_memory(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);

	check_ticks(&v);
}

static void ticks_arrive_by_group_and_container(void)
{
	struct vfio v = vfio_open_group(FN_TIMER);

	bus_master(&v, true);
	check_ticks(&v);
}

static void messages(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);
	const int fd = event_new();

	record_at(&v, IOVA);
	irqs_set(&v, MSI, &fd, 1);
	wr64(&v, PERIOD, FAST);
	want(event_wait(fd) >= 1, 1);
	want(event_wait(fd) >= 1, 1);
	wr64(&v, PERIOD, 0);
	irqs_off(&v, MSI);
	vfio_close(&v);
	want_ok(close(fd));
}

/* A level: masked by itself, and there again as long as the line is up. */
static void the_line(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);
	const int fd = event_new();

	record_at(&v, IOVA);
	irqs_set(&v, INTX, &fd, 1);
	wr64(&v, PERIOD, FAST);
	want(event_wait(fd), 1);
	wr64(&v, PERIOD, 0);
	want(event_count(fd), 0);
	want_ok(irqs(v.fd, NONE | UNMASK, INTX, 0, 1, NULL));
	want(event_wait(fd), 1);
	wr64(&v, STATUS, STATUS_TICK);
	want_ok(irqs(v.fd, NONE | UNMASK, INTX, 0, 1, NULL));
	want(event_count(fd), 0);
	vfio_close(&v);
	want_ok(close(fd));
}

static void a_fault_stops_it_until_told(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);
	const uint64_t since = now_ns();
	struct record *r;
	uint64_t ticks;

	wr64(&v, TARGET, IOVA + PAGE / 2);
	wr64(&v, PERIOD, FAST);
	while (!(rd64(&v, STATUS) & STATUS_FAILED))
		patience(since, "it does not fail");
	ticks = rd64(&v, TICKS);
	r = record_at(&v, IOVA);
	want(rd64(&v, TICKS), ticks);
	wr64(&v, STATUS, STATUS_FAILED);
	await_tick(r, ticks);
	vfio_close(&v);
}

static void a_close_forgets_all(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);

	await_tick(start(&v), 0);
	vfio_close(&v);
	v = vfio_open_dma(FN_TIMER);
	for (uint32_t at = PERIOD; at <= STATUS; at += 8)
		want(rd64(&v, at), 0);
	vfio_close(&v);
}

static void each_has_a_state_of_its_own(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);
	struct vfio w = vfio_open_at(FN_TIMER2, v.iommu);

	w.ioas = v.ioas;
	want_ok(attach_try(w.fd, &(uint32_t){ v.ioas }));
	await_tick(start(&v), 0);
	want(rd64(&w, PERIOD), 0);
	want(rd64(&w, TICKS), 0);
	want_ok(close(w.fd));
	vfio_close(&v);
}

/* With shortest= an hour: whatever the driver says, nothing comes soon. */
static void slow(void)
{
	struct vfio v = vfio_open_dma(FN_TIMER);
	struct record *r = record_at(&v, IOVA);
	const uint64_t since = now_ns();

	wr64(&v, PERIOD, 1);
	while (now_ns() - since < 20000000)
		sched_yield();
	want(atomic_load(&r->ticks), 0);
	want(rd64(&v, TICKS), 0);
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "memory", ticks_arrive_in_memory },
	{ "group", ticks_arrive_by_group_and_container },
	{ "messages", messages },
	{ "line", the_line },
	{ "fault", a_fault_stops_it_until_told },
	{ "close", a_close_forgets_all },
	{ "two", each_has_a_state_of_its_own },
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "slow")) {
		slow();
		return 0;
	}
	return client_main(argc, argv, cases,
			   sizeof(cases) / sizeof(cases[0]));
}
