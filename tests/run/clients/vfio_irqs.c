/* SPDX-License-Identifier: MIT */
/*
 * vfio_irqs: eventfds: SET_IRQS and where interrupts go; those that write
 * (docs/reference/vfio-device-uapi.md 7, 9)
 *
 *   eng_error()  --> vector 2 of the engine --> eventfd
 *   no DMA in it: the interrupt has come when the write of START returns
 */
#include "vfio_kit.h"

#define NO_FD 1000
#define VECTOR IOAS_ENG_VECTOR_ERROR
#define VECTORS IOAS_ENG_VECTORS
#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* Only errors send; a message is DMA. */
static struct vfio engine(void)
{
	struct vfio v = vfio_open(FN_DMA);

	bus_master(&v, true);
	wr32(&v, IOAS_ENG_REG_IRQ_ENABLE, 1u << VECTOR);
	return v;
}

/* The condition comes up: a message, or the line. */
static void raise_it(const struct vfio *v)
{
	eng_calm(v);
	eng_error(v);
}

static bool shown(const struct vfio *v, uint32_t index)
{
	const uint32_t at = cfg_cap(v, index == MSI ? CAP_MSI : CAP_MSIX);

	return cfg_rd(v, at + 2, 2) & (index == MSI ? 1 : 0x8000);
}

/* ---- 7.1 ---------------------------------------------------------------- */

static void common_checks(void)
{
	static const struct {
		uint32_t flags, index, start, count;
		int ret;
	} table[] = {
		/* 2: index, sum, flags */
		{ NONE | TRIGGER, 5, 0, 1, -EINVAL },
		{ NONE | TRIGGER, UINT32_MAX, 0, 1, -EINVAL },
		{ NONE | TRIGGER, MSI, 1, UINT32_MAX - 1, -EINVAL },
		{ NONE | TRIGGER, MSI, UINT32_MAX, 1, -EINVAL },
		{ NONE | TRIGGER | 64, MSI, 0, 1, -EINVAL },
		{ NONE | TRIGGER | 1u << 31, MSI, 0, 1, -EINVAL },
		/* 3: beyond what there is */
		{ NONE | TRIGGER, INTX, 1, 0, -EINVAL },
		{ NONE | TRIGGER, INTX, 0, 2, -EINVAL },
		{ NONE | TRIGGER, MSI, 4, 0, -EINVAL },
		{ NONE | TRIGGER, MSI, 0, 5, -EINVAL },
		{ NONE | TRIGGER, MSIX, 3, 2, -EINVAL },
		{ NONE | TRIGGER, ERR, 0, 2, -EINVAL },
		{ NONE | TRIGGER, REQ, 1, 0, -EINVAL },
		/* 4: one kind of data */
		{ TRIGGER, MSI, 0, 1, -EINVAL },
		{ NONE | BOOL | TRIGGER, MSI, 0, 1, -EINVAL },
		{ NONE | BOOL | EVENTFD | TRIGGER, MSI, 0, 1, -EINVAL },
		/* 5: what to do */
		{ NONE, MSI, 0, 1, -ENOTTY },
		{ NONE | MASK | UNMASK, INTX, 0, 1, -ENOTTY },
		{ NONE | MASK | TRIGGER, INTX, 0, 1, -ENOTTY },
		{ NONE | MASK, MSI, 0, 1, -ENOTTY },
		{ NONE | UNMASK, MSI, 0, 1, -ENOTTY },
		{ NONE | MASK, MSIX, 0, 1, -ENOTTY },
		{ NONE | UNMASK, MSIX, 0, 1, -ENOTTY },
		{ NONE | MASK, ERR, 0, 1, -ENOTTY },
		{ NONE | UNMASK, REQ, 0, 1, -ENOTTY },
		/* Nothing is enabled. */
		{ NONE | TRIGGER, INTX, 0, 1, -EINVAL },
		{ NONE | TRIGGER, INTX, 0, 0, -EINVAL },
		{ NONE | MASK, INTX, 0, 1, -EINVAL },
		{ NONE | UNMASK, INTX, 0, 1, -EINVAL },
		{ NONE | TRIGGER, MSI, 0, 0, -EINVAL },
		{ NONE | TRIGGER, MSI, 0, 1, -EINVAL },
		{ NONE | TRIGGER, MSIX, 0, 1, -EINVAL },
		{ NONE | TRIGGER, ERR, 0, 0, -EINVAL },
		{ NONE | TRIGGER, ERR, 0, 1, -EINVAL },
	};
	struct vfio v = vfio_open(FN_DMA);
	struct ioas_abi_vfio_device_set_irqs s = { .argsz = 0 };

	for (size_t i = 0; i < NR(table); i++) {
		s.argsz = 20;
		s.flags = table[i].flags;
		s.index = table[i].index;
		s.start = table[i].start;
		s.count = table[i].count;
		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, &s),
		     table[i].ret);
	}
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, nowhere()),
	     -EFAULT);
	vfio_close(&v);
}

static void room_for_data(void)
{
	struct vfio v = vfio_open(FN_DMA);
	char *page = memory_private(2), *end = page + PAGE;
	struct ioas_abi_vfio_device_set_irqs *s = (void *)(end - 20);

	want_ok(munmap(end, PAGE));
	s->argsz = 19;
	s->flags = NONE | TRIGGER;
	s->count = 1;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, s), -EINVAL);
	/* argsz says less than the data takes; then, it is not there. */
	s->argsz = 20 + 7;
	s->flags = EVENTFD | TRIGGER;
	s->index = MSI;
	s->count = 2;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, s), -EINVAL);
	s->argsz = 20 + 8;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, s), -EFAULT);
	want(shown(&v, MSI), 0);
	s->argsz = 20;
	s->flags = BOOL | TRIGGER;
	s->count = 1;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, s), -EINVAL);
	vfio_close(&v);
}

static void what_it_has_not(void)
{
	struct vfio v = vfio_open(FN_NVME);
	const int fd = event_new();

	want(irqs(v.fd, NONE | TRIGGER, INTX, 0, 0, NULL), -EINVAL);
	want(irqs(v.fd, EVENTFD | TRIGGER, INTX, 0, 1, &fd), -EINVAL);
	want(irqs(v.fd, NONE | TRIGGER, MSI, 0, 0, NULL), -EINVAL);
	want(irqs(v.fd, EVENTFD | TRIGGER, MSI, 0, 1, &fd), -EINVAL);
	want_ok(close(fd));
	vfio_close(&v);
}

/* ---- 7.2, 7.3: INTx ----------------------------------------------------- */

static void intx_set_and_off(void)
{
	static const int nobody = -1, none = NO_FD, no_event = 0;
	struct vfio v = engine();
	const int a = event_new(), b = event_new();

	want(irqs(v.fd, EVENTFD | TRIGGER, INTX, 0, 0, NULL), -EINVAL);
	want(irqs(v.fd, EVENTFD | TRIGGER, INTX, 0, 1, &none), -EBADF);
	want(irqs(v.fd, EVENTFD | TRIGGER, INTX, 0, 1, &no_event), -EINVAL);
	irqs_set(&v, INTX, &a, 1);
	/* Loopback */
	want_ok(irqs(v.fd, NONE | TRIGGER, INTX, 0, 1, NULL));
	want_ok(irqs(v.fd, BOOL | TRIGGER, INTX, 0, 1, "\1"));
	want_ok(irqs(v.fd, BOOL | TRIGGER, INTX, 0, 1, "\0"));
	want(event_count(a), 2);
	/* Replaced; what cannot be leaves what there was. */
	irqs_set(&v, INTX, &b, 1);
	want(irqs(v.fd, EVENTFD | TRIGGER, INTX, 0, 1, &none), -EBADF);
	want_ok(irqs(v.fd, NONE | TRIGGER, INTX, 0, 1, NULL));
	want(event_count(a), 0);
	want(event_count(b), 1);
	irqs_set(&v, INTX, &nobody, 1);
	want_ok(irqs(v.fd, NONE | TRIGGER, INTX, 0, 1, NULL));
	want(event_count(b), 0);
	want(irqs(v.fd, EVENTFD | TRIGGER, MSI, 0, 1, &a), -EINVAL);
	irqs_off(&v, INTX);
	want(irqs(v.fd, NONE | TRIGGER, INTX, 0, 1, NULL), -EINVAL);
	vfio_close(&v);
}

static void intx_is_masked_when_it_comes(void)
{
	struct vfio v = engine();
	const int fd = event_new();

	irqs_set(&v, INTX, &fd, 1);
	raise_it(&v);
	want(event_count(fd), 1);
	/* The line is up: shown, and told once. */
	want(cfg_rd(&v, 6, 2) & 8, 8);
	eng_calm(&v);
	want(cfg_rd(&v, 6, 2) & 8, 0);
	raise_it(&v);
	want(event_count(fd), 0);
	want_ok(irqs(v.fd, NONE | UNMASK, INTX, 0, 1, NULL));
	want(event_count(fd), 1);
	/* Unmasked, and nothing there. */
	eng_calm(&v);
	want_ok(irqs(v.fd, BOOL | UNMASK, INTX, 0, 1, "\1"));
	want(event_count(fd), 0);
	raise_it(&v);
	want(event_count(fd), 1);
	vfio_close(&v);
}

static void intx_is_masked_by_command(void)
{
	struct vfio v = engine();
	const int fd = event_new();

	irqs_set(&v, INTX, &fd, 1);
	want_ok(irqs(v.fd, BOOL | MASK, INTX, 0, 1, "\0"));
	raise_it(&v);
	want(event_count(fd), 1);
	eng_calm(&v);
	want_ok(irqs(v.fd, NONE | UNMASK, INTX, 0, 1, NULL));
	want_ok(irqs(v.fd, BOOL | MASK, INTX, 0, 1, "\1"));
	raise_it(&v);
	want(event_count(fd), 0);
	want_ok(irqs(v.fd, BOOL | UNMASK, INTX, 0, 1, "\0"));
	want(event_count(fd), 0);
	want_ok(irqs(v.fd, BOOL | UNMASK, INTX, 0, 1, "\1"));
	want(event_count(fd), 1);
	/* Where there is one, one can be meant. */
	want(irqs(v.fd, NONE | MASK, INTX, 0, 0, NULL), -EINVAL);
	want(irqs(v.fd, NONE | UNMASK, INTX, 0, 0, NULL), -EINVAL);
	want(irqs(v.fd, EVENTFD | MASK, INTX, 0, 1, &fd), -ENOTTY);
	vfio_close(&v);
}

static void intx_is_masked_by_configuration(void)
{
	struct vfio v = engine();
	const int fd = event_new();

	irqs_set(&v, INTX, &fd, 1);
	cfg_wr(&v, PCI_COMMAND, 2, PCI_MEMORY | PCI_MASTER | PCI_NO_INTX);
	raise_it(&v);
	want(event_count(fd), 0);
	want(cfg_rd(&v, 6, 2) & 8, 8);
	cfg_wr(&v, PCI_COMMAND, 2, PCI_MEMORY);
	want(event_count(fd), 1);
	vfio_close(&v);
}

/* 7.3: one that unmasks. */
static void intx_unmask_eventfd(void)
{
	static const int nobody = -1, none = NO_FD, no_event = 0;
	const uint64_t one = 1;
	struct vfio v = engine();
	const int fd = event_new(), unmask = event_new();

	irqs_set(&v, INTX, &fd, 1);
	want_ok(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &nobody));
	want(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &none), -EBADF);
	want(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &no_event), -EINVAL);
	want_ok(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &unmask));
	want(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &unmask), -EBUSY);
	raise_it(&v);
	want(event_count(fd), 1);
	/* Still up: once more, and so on. */
	for (unsigned int i = 0; i < 3; i++) {
		want(write(unmask, &one, 8), 8);
		want(event_wait(fd), 1);
	}
	want_ok(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &nobody));
	want(write(unmask, &one, 8), 8);
	want_ok(irqs(v.fd, EVENTFD | UNMASK, INTX, 0, 1, &unmask));
	vfio_close(&v);
}

/* It comes when somebody is there to be told. */
static void intx_that_is_up_is_told_when_enabled(void)
{
	struct vfio v = engine();
	const int fd = event_new();

	raise_it(&v);
	irqs_set(&v, INTX, &fd, 1);
	want(event_count(fd), 1);
	irqs_off(&v, INTX);
	irqs_set(&v, INTX, &fd, 1);
	want(event_count(fd), 1);
	vfio_close(&v);
}

/* ---- 7.4: MSI, MSI-X ---------------------------------------------------- */

static void events_new(int *fds, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		fds[i] = event_new();
}

static void counts_are(const int *fds, const unsigned int *counts,
		       unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		want(event_count(fds[i]), counts[i]);
}

static void vectors_are_signalled(uint32_t index)
{
	struct vfio v = engine();
	int fds[VECTORS];

	events_new(fds, VECTORS);
	irqs_set(&v, index, fds, VECTORS);
	want(shown(&v, index), 1);
	want(shown(&v, index == MSI ? MSIX : MSI), 0);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 1, 0 }, 4);
	/* A message each time that it comes up, and no line. */
	raise_it(&v);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 2, 0 }, 4);
	want(cfg_rd(&v, 6, 2) & 8, 0);
	/* Loopback */
	want_ok(irqs(v.fd, NONE | TRIGGER, index, 1, 2, NULL));
	want_ok(irqs(v.fd, BOOL | TRIGGER, index, 0, 4, "\1\0\0\1"));
	counts_are(fds, (unsigned int[]){ 1, 1, 1, 1 }, 4);
	irqs_off(&v, index);
	want(shown(&v, index), 0);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 0, 0 }, 4);
	want(irqs(v.fd, NONE | TRIGGER, index, 0, 0, NULL), -EINVAL);
	vfio_close(&v);
}

static void msi_is_signalled(void)
{
	vectors_are_signalled(MSI);
}

static void msix_is_signalled(void)
{
	vectors_are_signalled(MSIX);
}

static void vectors_without_anybody(uint32_t index)
{
	struct vfio v = engine();
	int fds[VECTORS], some[VECTORS];

	events_new(fds, VECTORS);
	memcpy(some, fds, sizeof(some));
	some[0] = -1;
	some[2] = -1;
	irqs_set(&v, index, some, VECTORS);
	raise_it(&v);
	want_ok(irqs(v.fd, NONE | TRIGGER, index, 0, 4, NULL));
	counts_are(fds, (unsigned int[]){ 0, 1, 0, 1 }, 4);
	/* One of them; one less. */
	want_ok(irqs(v.fd, EVENTFD | TRIGGER, index, 2, 1, &fds[2]));
	want_ok(irqs(v.fd, EVENTFD | TRIGGER, index, 1, 1, &some[0]));
	raise_it(&v);
	want_ok(irqs(v.fd, NONE | TRIGGER, index, 0, 4, NULL));
	counts_are(fds, (unsigned int[]){ 0, 0, 2, 1 }, 4);
	vfio_close(&v);
}

/* Without bus mastering there is none. */
static void a_message_is_dma(void)
{
	struct vfio v = engine();
	int fds[VECTORS];

	events_new(fds, VECTORS);
	irqs_set(&v, MSIX, fds, VECTORS);
	bus_master(&v, false);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 0, 0 }, 4);
	bus_master(&v, true);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 1, 0 }, 4);
	vfio_close(&v);
}

static void vectors_may_go_nowhere(void)
{
	vectors_without_anybody(MSI);
	vectors_without_anybody(MSIX);
}

static void one_index_at_a_time(void)
{
	static const uint32_t all[] = { INTX, MSI, MSIX };
	struct vfio v = engine();
	const int fd = event_new();

	for (unsigned int i = 0; i < 3; i++) {
		irqs_set(&v, all[i], &fd, 1);
		for (unsigned int k = 0; k < 3; k++) {
			if (k == i)
				continue;
			want(irqs(v.fd, EVENTFD | TRIGGER, all[k], 0, 1, &fd),
			     -EINVAL);
			want(irqs(v.fd, NONE | TRIGGER, all[k], 0, 0, NULL),
			     -EINVAL);
			want(irqs(v.fd, NONE | TRIGGER, all[k], 0, 1, NULL),
			     -EINVAL);
		}
		irqs_off(&v, all[i]);
	}
	vfio_close(&v);
}

/* Start and count say how many are enabled. */
static void how_many_are_enabled(void)
{
	struct vfio v = engine();
	int fds[VECTORS];

	events_new(fds, VECTORS);
	want_ok(irqs(v.fd, EVENTFD | TRIGGER, MSI, 1, 1, fds));
	want_ok(irqs(v.fd, NONE | TRIGGER, MSI, 0, 2, NULL));
	want(event_count(fds[0]), 1);
	/* MSI cannot grow. */
	want(irqs(v.fd, EVENTFD | TRIGGER, MSI, 2, 1, fds + 1), -EINVAL);
	raise_it(&v);
	counts_are(fds, (unsigned int[]){ 0, 0, 0, 0 }, 4);
	irqs_off(&v, MSI);
	vfio_close(&v);
}

static void msix_grows_if_it_says_so(void)
{
	struct ioas_abi_vfio_device_get_irq_info s = { .argsz = sizeof(s),
						       .index = MSIX };
	struct vfio v = engine();
	int fds[VECTORS];

	events_new(fds, VECTORS);
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, &s));
	irqs_set(&v, MSIX, fds, 1);
	if (s.flags & IOAS_ABI_VFIO_IRQ_INFO_NORESIZE) {
		want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 2, 1, &fds[2]),
		     -EINVAL);
	} else {
		want_ok(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 2, 1, &fds[2]));
		raise_it(&v);
		counts_are(fds, (unsigned int[]){ 0, 0, 1, 0 }, 4);
	}
	vfio_close(&v);
}

static void a_bad_vector(uint32_t index, int bad, int ret)
{
	struct vfio v = engine();
	int fds[VECTORS], some[VECTORS];

	events_new(fds, VECTORS);
	memcpy(some, fds, sizeof(some));
	some[2] = bad;
	/* Not enabled: not at all. */
	want(irqs(v.fd, EVENTFD | TRIGGER, index, 0, 4, some), ret);
	want(shown(&v, index), 0);
	want(irqs(v.fd, NONE | TRIGGER, index, 0, 1, NULL), -EINVAL);
	/* Enabled: up to the bad one they are lost, behind it they stay. */
	irqs_set(&v, index, fds, VECTORS);
	want(irqs(v.fd, EVENTFD | TRIGGER, index, 1, 3, some + 1), ret);
	want_ok(irqs(v.fd, NONE | TRIGGER, index, 0, 4, NULL));
	counts_are(fds, (unsigned int[]){ 1, 0, 0, 1 }, 4);
	vfio_close(&v);
}

static void bad_vectors(void)
{
	a_bad_vector(MSI, NO_FD, -EBADF);
	a_bad_vector(MSIX, NO_FD, -EBADF);
	a_bad_vector(MSI, 0, -EINVAL);
	a_bad_vector(MSIX, 0, -EINVAL);
}

/* Many, of which each is its own. */
static void each_vector_of_a_disk(void)
{
	struct vfio v = vfio_open(FN_NVME);
	int fds[65];

	events_new(fds, 65);
	irqs_set(&v, MSIX, fds, 65);
	for (uint32_t i = 0; i < 65; i++) {
		want_ok(irqs(v.fd, NONE | TRIGGER, MSIX, i, 1, NULL));
		for (uint32_t k = 0; k < 65; k++)
			want(event_count(fds[k]), k == i);
	}
	vfio_close(&v);
}

/* ---- 7.5 ---------------------------------------------------------------- */

static void err_and_req(void)
{
	static const uint32_t both[] = { ERR, REQ };
	static const int nobody = -1, odd = -2, none = NO_FD, no_event = 0;
	struct vfio v = engine();
	const int fd = event_new();

	for (unsigned int i = 0; i < 2; i++) {
		const uint32_t x = both[i];

		want(irqs(v.fd, EVENTFD | TRIGGER, x, 0, 0, NULL), -EINVAL);
		want(irqs(v.fd, BOOL | TRIGGER, x, 0, 0, NULL), -EINVAL);
		want(irqs(v.fd, EVENTFD | TRIGGER, x, 0, 1, &odd), -EINVAL);
		want(irqs(v.fd, EVENTFD | TRIGGER, x, 0, 1, &none), -EBADF);
		want(irqs(v.fd, EVENTFD | TRIGGER, x, 0, 1, &no_event),
		     -EINVAL);
		want_ok(irqs(v.fd, BOOL | TRIGGER, x, 0, 1, "\1"));
		irqs_set(&v, x, &fd, 1);
		want_ok(irqs(v.fd, BOOL | TRIGGER, x, 0, 1, "\1"));
		want_ok(irqs(v.fd, BOOL | TRIGGER, x, 0, 1, "\0"));
		want_ok(irqs(v.fd, NONE | TRIGGER, x, 0, 1, NULL));
		want(event_count(fd), 2);
		irqs_set(&v, x, &nobody, 1);
		want(irqs(v.fd, NONE | TRIGGER, x, 0, 1, NULL), -EINVAL);
		irqs_set(&v, x, &fd, 1);
		irqs_off(&v, x);
		want(irqs(v.fd, NONE | TRIGGER, x, 0, 0, NULL), -EINVAL);
		want(event_count(fd), 0);
	}
	vfio_close(&v);
}

/* Beside each other, and beside one of the others. */
static void err_and_req_stand_beside(void)
{
	struct vfio v = engine();
	int fds[3];

	events_new(fds, 3);
	irqs_set(&v, ERR, &fds[0], 1);
	irqs_set(&v, REQ, &fds[1], 1);
	irqs_set(&v, INTX, &fds[2], 1);
	want_ok(irqs(v.fd, NONE | TRIGGER, REQ, 0, 1, NULL));
	irqs_off(&v, INTX);
	want_ok(irqs(v.fd, NONE | TRIGGER, ERR, 0, 1, NULL));
	counts_are(fds, (unsigned int[]){ 1, 1, 0 }, 3);
	vfio_close(&v);
}

/* ---- resets, closes ----------------------------------------------------- */

/* 8.1: who is told stays. */
static void interrupts_survive_a_reset(void)
{
	static const uint32_t all[] = { INTX, MSI, MSIX };
	struct vfio v = engine();
	int fds[VECTORS];

	events_new(fds, VECTORS);
	for (unsigned int i = 0; i < 3; i++) {
		const uint32_t nr = all[i] == INTX ? 1 : VECTORS;
		const int fd = fds[all[i] == INTX ? 0 : VECTOR];

		irqs_set(&v, all[i], fds, nr);
		want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
		if (all[i] != INTX)
			want(shown(&v, all[i]), 1);
		/* IRQ_ENABLE is the device's, and gone. */
		raise_it(&v);
		want(event_count(fd), 0);
		eng_calm(&v);
		wr32(&v, IOAS_ENG_REG_IRQ_ENABLE, 1u << VECTOR);
		raise_it(&v);
		want(event_count(fd), 1);
		eng_calm(&v);
		irqs_off(&v, all[i]);
	}
	vfio_close(&v);
}

/* 1: the next driver does not signal those of the last one. */
static void a_close_forgets_eventfds(void)
{
	int fds[VECTORS];

	events_new(fds, VECTORS);
	for (unsigned int i = 0; i < 2; i++) {
		struct vfio v = engine();

		irqs_set(&v, i ? MSI : MSIX, fds, VECTORS);
		irqs_set(&v, REQ, &fds[0], 1);
		vfio_close(&v);
		v = engine();
		raise_it(&v);
		want(irqs(v.fd, NONE | TRIGGER, REQ, 0, 1, NULL), -EINVAL);
		counts_are(fds, (unsigned int[]){ 0, 0, 0, 0 }, 4);
		vfio_close(&v);
	}
	vfio_check_clean(FN_DMA);
}

/* What was told is the eventfd, not its number. */
static void an_eventfd_may_be_closed(void)
{
	struct vfio v = engine();
	const int fd = event_new(), copy = (int)must(dup(fd));

	irqs_set(&v, INTX, &fd, 1);
	want_ok(close(fd));
	raise_it(&v);
	want(event_count(copy), 1);
	want_ok(close(copy));
	/* Nobody left who could read it. */
	want_ok(irqs(v.fd, NONE | TRIGGER, INTX, 0, 1, NULL));
	vfio_close(&v);
}

/* ---- 9: eventfds that write --------------------------------------------- */

static void ioeventfd_arguments(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const int event = event_new();
	const uint64_t good = v.offset[0] + IOAS_ENG_REG_SCRATCH;
	const struct {
		uint32_t argsz, flags;
		uint64_t offset;
		int fd, ret;
	} table[] = {
		{ 27, 4, good, event, -EINVAL },
		{ 32, 0, good, event, -EINVAL },
		{ 32, 3, good, event, -EINVAL },
		{ 32, 16, good, event, -EINVAL },
		{ 32, 8, good, event, -EINVAL },
		{ 32, 4, good, -2, -EINVAL },
		{ 32, 4, v.offset[CONFIG], event, -EINVAL },
		{ 32, 4, UINT64_C(1) << 40, event, -EINVAL },
		{ 32, 4, v.offset[0] + 4096, event, -EINVAL },
		{ 32, 4, v.offset[0] + 4094, event, -EINVAL },
		{ 32, 4, v.offset[4] + 60, event, -EINVAL },
		{ 32, 4, good, -1, -ENODEV },
		{ 32, 4, good, NO_FD, -EBADF },
		{ 32, 4, good, v.fd, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ioas_abi_vfio_device_ioeventfd s = {
			.argsz = table[i].argsz, .flags = table[i].flags,
			.offset = table[i].offset, .fd = table[i].fd,
		};

		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, &s),
		     table[i].ret);
	}
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, nowhere()),
	     -EFAULT);
	want_ok(close(event));
	vfio_close(&v);
}

static int ioeventfd(const struct vfio *v, uint32_t width, uint64_t pos,
		     uint64_t data, int fd)
{
	struct ioas_abi_vfio_device_ioeventfd s = {
		.argsz = sizeof(s), .flags = width, .data = data, .fd = fd,
		.offset = v->offset[0] + pos,
	};

	return sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, &s);
}

/* Until the register has it: who waits for the eventfd is another thread. */
static void await_scratch(const struct vfio *v, uint64_t value)
{
	const uint64_t since = now_ns();

	while (rd64(v, IOAS_ENG_REG_SCRATCH) != value)
		patience(since, "an eventfd writes nothing");
}

static void ioeventfds_write(void)
{
	const uint64_t at = IOAS_ENG_REG_SCRATCH, one = 1;
	struct vfio v = vfio_open(FN_DMA);
	const int a = event_new(), b = event_new();

	want_ok(ioeventfd(&v, 4, at, 0x1111, a));
	want_ok(ioeventfd(&v, 4, at, 0x2222, b));
	/* Width, place and value say which one it is. */
	want(ioeventfd(&v, 4, at, 0x1111, b), -EEXIST);
	want_ok(ioeventfd(&v, 4, at + 4, 0x1111, b));
	want(write(a, &one, 8), 8);
	await_scratch(&v, 0x1111);
	want(write(b, &one, 8), 8);
	await_scratch(&v, UINT64_C(0x111100002222));
	want(ioeventfd(&v, 2, at, 0x1111, -1), -ENODEV);
	want_ok(ioeventfd(&v, 4, at, 0x1111, -1));
	want(ioeventfd(&v, 4, at, 0x1111, -1), -ENODEV);
	wr64(&v, at, 0);
	want(write(a, &one, 8), 8);
	want(write(b, &one, 8), 8);
	await_scratch(&v, UINT64_C(0x111100002222));
	/* The next driver has none of them. */
	vfio_close(&v);
	v = vfio_open(FN_DMA);
	want(ioeventfd(&v, 4, at, 0x2222, -1), -ENODEV);
	want(write(b, &one, 8), 8);
	want(rd64(&v, at), 0);
	want_ok(close(a));
	want_ok(close(b));
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "common_checks", common_checks },
	{ "room_for_data", room_for_data },
	{ "what_it_has_not", what_it_has_not },
	{ "intx_set_and_off", intx_set_and_off },
	{ "intx_is_masked_when_it_comes", intx_is_masked_when_it_comes },
	{ "intx_is_masked_by_command", intx_is_masked_by_command },
	{ "intx_is_masked_by_configuration", intx_is_masked_by_configuration },
	{ "intx_unmask_eventfd", intx_unmask_eventfd },
	{ "intx_that_is_up_is_told_when_enabled",
	  intx_that_is_up_is_told_when_enabled },
	{ "msi_is_signalled", msi_is_signalled },
	{ "msix_is_signalled", msix_is_signalled },
	{ "a_message_is_dma", a_message_is_dma },
	{ "vectors_may_go_nowhere", vectors_may_go_nowhere },
	{ "one_index_at_a_time", one_index_at_a_time },
	{ "how_many_are_enabled", how_many_are_enabled },
	{ "msix_grows_if_it_says_so", msix_grows_if_it_says_so },
	{ "bad_vectors", bad_vectors },
	{ "each_vector_of_a_disk", each_vector_of_a_disk },
	{ "err_and_req", err_and_req },
	{ "err_and_req_stand_beside", err_and_req_stand_beside },
	{ "interrupts_survive_a_reset", interrupts_survive_a_reset },
	{ "a_close_forgets_eventfds", a_close_forgets_eventfds },
	{ "an_eventfd_may_be_closed", an_eventfd_may_be_closed },
	{ "ioeventfd_arguments", ioeventfd_arguments },
	{ "ioeventfds_write", ioeventfds_write },
};

CLIENT_MAIN(cases)
