/* SPDX-License-Identifier: MIT */
/*
 * blocker: calls that wait for memory, which nobody else has to wait for
 *
 *   thread   call with a page that is not there    -- waits --> done
 *   main       waits for the fault ... others' 1000 commands ... gives the page
 *
 * A page comes, or not, as this program likes (userfaultfd): whoever serves a
 * call of it and touches such memory waits. The page is given when the others
 * are done, so if they had to wait for it, nobody would ever be.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "missing.h"

#define COMMANDS 1000
/* Calls that wait at a time. */
#define MANY 16
#define FAULT sizeof(struct ioas_abi_pgfault)

static void commands(void)
{
	struct uclient c = iommu_open();

	for (unsigned int i = 0; i < COMMANDS / 2; i++)
		want_ok(uc_destroy(&c, ioas_new(&c)));
	want_ok(close(c.fd));
}

/* Another process, all of whose commands must be served meanwhile. */
static void others_go_on(void)
{
	another_process(commands);
}

/* ---- the call that waits ------------------------------------------------ */

struct waiting {
	struct uclient c;
	struct missing m;
	/* The others: */
	size_t page;
	uint32_t ioas;
	int access, queue;
	/* Its result. */
	long long ret;
	_Atomic int done;
	pthread_t thread;
};

static void begin(struct waiting *w, void *(*f)(void *))
{
	must(-pthread_create(&w->thread, NULL, f, w));
}

static void end(struct waiting *w, long long ret)
{
	must(-pthread_join(w->thread, NULL));
	want(w->ret, ret);
}

static void *wait_argument(void *data)
{
	struct waiting *w = data;

	w->ret = ioctl(w->c.fd, IOAS_ABI_IOAS_ALLOC, w->m.p + w->page * PAGE);
	w->done = 1;
	return NULL;
}

static const struct ioas_abi_ioas_alloc alloc = { .size = sizeof(alloc) };

static void argument(void)
{
	struct waiting w = { .c = iommu_open(), .m = missing_new(1) };

	begin(&w, wait_argument);
	want(missing_wait(&w.m), 0);
	others_go_on();
	/* Of its own context, too. */
	want(ioas_new(&w.c), 1);
	want(w.done, 0);
	missing_give(&w.m, 0, &alloc, sizeof(alloc));
	end(&w, 0);
	want(((struct ioas_abi_ioas_alloc *)w.m.p)->out_ioas_id, 2);
	want_ok(close(w.c.fd));
}

static void many(void)
{
	const struct missing m = missing_new(MANY);
	const struct uclient c = iommu_open();
	struct waiting w[MANY];

	for (size_t i = 0; i < MANY; i++) {
		w[i] = (struct waiting){ .c = c, .m = m, .page = i };
		begin(&w[i], wait_argument);
	}
	for (size_t i = 0; i < MANY; i++)
		missing_wait(&m);
	others_go_on();
	for (size_t i = 0; i < MANY; i++) {
		want(w[i].done, 0);
		missing_give(&m, i, &alloc, sizeof(alloc));
		end(&w[i], 0);
	}
	want_ok(close(c.fd));
}

static void *wait_result(void *data)
{
	struct waiting *w = data;
	uint64_t alignment;
	uint32_t nr = 1;

	w->ret = uc_ranges(&w->c, w->ioas, (void *)w->m.p, &nr, &alignment);
	w->done = 1;
	return NULL;
}

static void result(void)
{
	struct waiting w = { .c = iommu_open(), .m = missing_new(1) };

	w.ioas = ioas_new(&w.c);
	begin(&w, wait_result);
	missing_wait(&w.m);
	others_go_on();
	want(w.done, 0);
	missing_give(&w.m, 0, "", 1);
	end(&w, 0);
	want(((struct ioas_abi_iova_range *)w.m.p)->last, UINT64_MAX);
	want_ok(close(w.c.fd));
}

static void *wait_device(void *data)
{
	struct waiting *w = data;
	char byte = 0;

	w->ret = uc_access_rw(&w->c, w->access, IOVA, &byte, 1,
			      IOAS_ABI_MOCK_ACCESS_RW_WRITE);
	w->done = 1;
	return NULL;
}

/* What a device reaches, and a close behind it, of the same space. */
static void device(void)
{
	struct waiting w = { .c = iommu_open(), .m = missing_new(1) };
	int another;

	w.ioas = ioas_new(&w.c);
	want_ok(uc_access_create(&w.c, w.ioas, 0, &w.access));
	want_ok(uc_access_create(&w.c, w.ioas, 0, &another));
	want_ok(uc_map_fixed(&w.c, w.ioas, va(w.m.p), PAGE, UC_RW, IOVA));
	begin(&w, wait_device);
	missing_wait(&w.m);
	others_go_on();
	want_ok(close(another));
	others_go_on();
	want(w.done, 0);
	missing_give(&w.m, 0, "", 1);
	end(&w, 0);
	want_ok(close(w.c.fd));
}

/* ---- a queue ------------------------------------------------------------ */

static void *wait_read(void *data)
{
	struct waiting *w = data;

	w->ret = read(w->queue, w->m.p, FAULT);
	w->done = 1;
	return NULL;
}

static void fault(const struct uclient *c, uint32_t idev, uint32_t group)
{
	const struct ioas_abi_test_trigger_iopf s = { .dev_id = idev,
						      .grpid = group,
						      .perm = 1 };

	want_ok(uc_iopf(c, &s));
}

/* Nothing looks at the queue from outside while its reader waits. */
static void reader(void)
{
	struct ioas_abi_hwpt_alloc s = { .flags =
						 IOAS_ABI_HWPT_FAULT_ID_VALID };
	struct waiting w = { .c = iommu_open(), .m = missing_new(1) };
	struct pollfd p = { .events = POLLIN };
	struct ioas_abi_pgfault r;
	struct uc_mock m;
	uint32_t queue, pt;

	w.ioas = ioas_new(&w.c);
	m = mock_new(&w.c, w.ioas);
	want_ok(uc_fault_queue(&w.c, &queue, &w.queue));
	s.dev_id = m.idev;
	s.pt_id = w.ioas;
	s.fault_id = queue;
	want_ok(uc_hwpt_alloc(&w.c, &s, NULL));
	pt = s.out_hwpt_id;
	want_ok(uc_mock_replace(&w.c, m.stdev, &pt));
	fault(&w.c, m.idev, 1);
	begin(&w, wait_read);
	missing_wait(&w.m);
	fault(&w.c, m.idev, 2);
	others_go_on();
	want(w.done, 0);
	missing_give(&w.m, 0, "", 1);
	end(&w, FAULT);
	want(((struct ioas_abi_pgfault *)w.m.p)->grpid, 1);
	/* What came meanwhile is told now. */
	p.fd = w.queue;
	want(poll(&p, 1, 0), 1);
	want(read(w.queue, &r, FAULT), FAULT);
	want(r.grpid, 2);
	want(poll(&p, 1, 0), 0);
	want_ok(close(w.queue));
	want_ok(close(w.c.fd));
}

/* ---- the end ------------------------------------------------------------ */

/* Who waits is killed: so are its calls, and what waited for its memory. */
static void killed(void)
{
	int pipes[2], status;
	pid_t pid;

	must(pipe(pipes));
	pid = (pid_t)must(fork());
	if (!pid) {
		struct waiting w = { .c = iommu_open(), .m = missing_new(1) };

		begin(&w, wait_argument);
		missing_wait(&w.m);
		say(pipes[1]);
		pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &status, 1) != 1) {
		want(waitpid(pid, &status, 0), pid);
		_exit(WEXITSTATUS(status));
	}
	others_go_on();
	want_ok(kill(pid, SIGKILL));
	want(waitpid(pid, &status, 0), pid);
	others_go_on();
}

static const struct client_case cases[] = {
	{ "argument", argument },
	{ "many", many },
	{ "result", result },
	{ "device", device },
	{ "reader", reader },
	{ "killed", killed },
};

CLIENT_MAIN(cases)
