/* SPDX-License-Identifier: MIT */
/*
 * vfio_stuck: devices in the middle of DMA
 *
 *   engine   copies from a page that is not there   -- waits --> done
 *   main       waits for the fault ... others go on ... gives the page
 *
 * A device that waits for memory holds up its own program alone: the page is
 * given when others are done, so if they had to wait, nobody would ever be. And
 * one that does not wait has ended all DMA when the close returns.
 *
 * usage: vfio_stuck CASE; of "outside", stdin is a socket, whose other end keeps
 * what it gets, and answers.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include "missing.h"
#include "vfio_kit.h"

#define FROM UINT64_C(0x100000)
#define TO UINT64_C(0x200000)
#define RING UINT64_C(0x300000)
/* Length and number of the fills that a close comes between. */
#define FILL_PAGES 256u
#define FILLS 60u
#define ROUNDS 10u
/* For how long we look whether anything still comes. */
#define LOOK_NS 3000000u

#define MAGIC UINT64_C(0x1122334455667788)

struct stuck {
	struct vfio v;
	struct missing m;
	char *to;
	struct eng e;
};

static struct stuck stuck_new(void)
{
	/* First: it may be that there is nothing to be had. */
	struct stuck s = { .m = missing_new(1) };

	s.v = vfio_open_dma(FN_DMA);
	s.to = memory_private(1);
	map_at(&s.v, s.m.p, PAGE, UC_RW, FROM);
	map_at(&s.v, s.to, PAGE, UC_RW, TO);
	s.e = eng_new(&s.v, 0, RING, false);
	return s;
}

static void stuck_begin(struct stuck *s)
{
	/* It was made for what is a copy of @s now. */
	s->e.v = &s->v;
	eng_post(&s->e, &(struct ioas_eng_descriptor){ .op = IOAS_ENG_COPY,
						       .source = FROM,
						       .destination = TO,
						       .length = 64 });
	want(missing_wait(&s->m), 0);
}

static void opens(void)
{
	for (unsigned int i = 0; i < 20; i++) {
		want_ok(close((int)must(open("/dev/null", O_RDONLY))));
		want_ok(close(iommu_open().fd));
		want_ok(close(node_open(FN_DMA2)));
	}
}

/* ---- a close behind DMA that waits -------------------------------------- */

static void closed(void)
{
	struct stuck s = stuck_new();

	stuck_begin(&s);
	want_ok(close(s.v.fd));
	another_process(opens);
	opens();
	missing_give(&s.m, 0, "late", 5);
	want_ok(close(s.v.iommu.fd));
	vfio_await(FN_DMA);
	vfio_check_clean(FN_DMA);
}

/* ---- eventfds that would write a register -------------------------------- */

static void ioeventfd(const struct vfio *v, int event, uint64_t value)
{
	struct ioas_abi_vfio_device_ioeventfd rq = {
		.argsz = sizeof(rq),
		.flags = 4,
		.offset = v->offset[0] + IOAS_ENG_REG_SCRATCH,
		.data = value,
		.fd = event,
	};

	want_ok(sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, &rq));
}

static void scratch_await(const struct vfio *v, uint32_t value)
{
	const uint64_t since = now_ns();

	while (rd32(v, IOAS_ENG_REG_SCRATCH) != value)
		patience(since, "an eventfd writes nothing");
}

static void events_of_another(void)
{
	struct vfio v = vfio_open(FN_DMA2);
	const int event = event_new();

	ioeventfd(&v, event, 7);
	want_ok(eventfd_write(event, 1));
	scratch_await(&v, 7);
	vfio_close(&v);
}

static void events(void)
{
	struct stuck s = stuck_new();
	const int event = event_new();

	ioeventfd(&s.v, event, 5);
	stuck_begin(&s);
	want_ok(eventfd_write(event, 1));
	another_process(events_of_another);
	missing_give(&s.m, 0, "late", 5);
	scratch_await(&s.v, 5);
	eng_free(&s.e);
	vfio_close(&s.v);
}

/* ---- the end of the run ------------------------------------------------- */

/* Nobody of the run can give the page: it has gone where the socket leads. */
static void outside(void)
{
	struct stuck s = stuck_new();
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = room,
			    .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s.m.uffd, sizeof(int));
	must(sendmsg(STDIN_FILENO, &m, 0));
	want(read(STDIN_FILENO, &byte, 1), 1);
	stuck_begin(&s);
}

/* What is said of a fault has no room, and is never read. */
static void full(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	const int flags = (int)must(fcntl(STDERR_FILENO, F_GETFL));
	char x[4096] = { 0 };

	must(fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK));
	while (write(STDERR_FILENO, x, sizeof(x)) > 0 ||
	       write(STDERR_FILENO, x, 1) > 0)
		;
	must(fcntl(STDERR_FILENO, F_SETFL, flags));
	eng_copy(&e, TO, FROM, 64);
}

/* ---- DMA ends with the close -------------------------------------------- */

/* Return: something came, to memory at @q that was ours again. */
static bool late_one(volatile uint64_t *q)
{
	const size_t last = FILL_PAGES * PAGE / sizeof(*q) - 1;
	const uint64_t since = now_ns();

	q[0] = q[last] = MAGIC;
	while (now_ns() - since < LOOK_NS)
		if (q[0] != MAGIC || q[last] != MAGIC)
			return true;
	return false;
}

static void late(void)
{
	volatile uint64_t *q = memory_private(FILL_PAGES);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct vfio v = i & 1 ? vfio_open_group(FN_DMA) :
					vfio_open(FN_DMA);
		const int copy = (int)must(dup(v.fd));
		struct eng e;

		if (v.group < 0)
			vfio_attach_new(&v);
		bus_master(&v, true);
		map_at(&v, (void *)(uintptr_t)q, FILL_PAGES * PAGE, UC_RW, TO);
		e = eng_new(&v, 0, RING, false);
		for (unsigned int n = 0; n < FILLS; n++)
			e.ring[n] = (struct ioas_eng_descriptor){
				.op = IOAS_ENG_FILL,
				.value = n + 1,
				.destination = TO,
				.length = FILL_PAGES * PAGE,
			};
		wr32(&v, IOAS_ENG_RING(0) + IOAS_ENG_RING_TAIL, FILLS);
		want_ok(close(v.fd));
		/* Not the last one: it goes on, and is no file to be closed. */
		want(fcntl(v.fd, F_GETFD), -1);
		want(close(v.fd), -1);
		v.fd = copy;
		want(rd32(&v, IOAS_ENG_REG_ID), IOAS_ENG_ID);
		want_ok(close(copy));
		want(late_one(q), false);
		if (v.group >= 0)
			want_ok(close(v.group));
		want_ok(close(v.iommu.fd));
	}
}

/* ---- a number that others use while it is closed ------------------------ */

static _Atomic int shared_fd = -1;
static atomic_bool shared_over;

/* What is there is the device, or cannot be read, or is not there. */
static void *use_number(void *data)
{
	(void)data;
	while (!atomic_load(&shared_over)) {
		const int fd = atomic_load(&shared_fd);
		uint32_t word;
		int copy;

		if (read(fd, &word, 4) < 0)
			want(errno == EBADF || errno == EINVAL, true);
		copy = dup(fd);
		if (copy >= 0)
			want_ok(close(copy));
	}
	return NULL;
}

static void shared(void)
{
	pthread_t threads[2];
	int before, after;

	before = (int)must(dup(STDIN_FILENO));
	want_ok(close(before));
	for (unsigned int i = 0; i < 2; i++)
		must(-pthread_create(&threads[i], NULL, use_number, NULL));
	for (unsigned int i = 0; i < 100; i++) {
		struct vfio v = vfio_open(FN_DMA);

		atomic_store(&shared_fd, v.fd);
		sched_yield();
		want_ok(close(v.fd));
		want_ok(close(v.iommu.fd));
		/* A copy of another thread's may be the last one. */
		vfio_await(FN_DMA);
	}
	atomic_store(&shared_over, true);
	for (unsigned int i = 0; i < 2; i++)
		want_ok(pthread_join(threads[i], NULL));
	after = (int)must(dup(STDIN_FILENO));
	want(after, before);
	vfio_check_clean(FN_DMA);
}

/* ---- a supervisor without descriptors ----------------------------------- */

static void *get_info(void *data)
{
	const struct stuck *s = data;

	/* It reads what is not there. */
	sys_ioctl(s->v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, s->m.p);
	return NULL;
}

/* Does not outlive who waits for it. */
static void use_up(int says)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	while (iommu_open_flags(O_RDWR) >= 0)
		;
	must(write(says, "x", 1));
	pause();
}

/* Each of them needs one more while it is made. */
static void use_up_events(const struct vfio *v)
{
	const int event = event_new();
	struct ioas_abi_vfio_device_ioeventfd rq = {
		.argsz = sizeof(rq),
		.flags = 4,
		.offset = v->offset[0] + IOAS_ENG_REG_SCRATCH,
		.fd = event,
	};

	while (!sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, &rq))
		rq.data++;
}

/* Run where there are few. What cannot be looked at has no wrong answer. */
static void unseen(void)
{
	struct stuck s = stuck_new();
	int pipes[2];
	uint32_t word = 0;
	pthread_t thread;
	pid_t pid;

	must(pipe(pipes));
	pid = (pid_t)must(fork());
	if (!pid)
		use_up(pipes[1]);
	want(read(pipes[0], &word, 1), 1);
	use_up_events(&s.v);
	/*
	 * Some may be left, or be given back late: calls that wait have one each.
	 */
	for (unsigned int i = 0; i < 200; i++) {
		if (sys_pread(s.v.fd, &word, 4, s.v.offset[0]) != 4)
			break;
		if (i % 50 == 0)
			must(-pthread_create(&thread, NULL, get_info, &s));
		if (!i)
			missing_wait(&s.m);
		usleep(10000);
	}
	want(sys_pread(s.v.fd, &word, 4, s.v.offset[0]), -ENOMEM);
	want(sys_pwrite(s.v.fd, &word, 4, s.v.offset[0]), -ENOMEM);
	want(read(s.v.fd, &word, 4), -1);
	want(errno, ENOMEM);
	want(sys_mmap(s.v.fd, PAGE, PROT_READ, MAP_SHARED, s.v.offset[2]) ==
		     NULL, true);
	want(errno, ENOMEM);
	want_ok(kill(pid, SIGKILL));
}

static const struct client_case cases[] = {
	{ "closed", closed },
	{ "events", events },
	{ "late", late },
	{ "shared", shared },
	{ "full", full },
	{ "outside", outside },
	{ "unseen", unseen },
};

CLIENT_MAIN(cases)
