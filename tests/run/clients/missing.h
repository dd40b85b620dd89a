/* SPDX-License-Identifier: MIT */
/*
 * missing: memory that comes when a client likes, or never (userfaultfd)
 *
 *   whoever touches it --waits--> missing_wait() says which page
 *                      <--goes on-- missing_give()
 */
#ifndef TESTS_RUN_MISSING_H
#define TESTS_RUN_MISSING_H

#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "client.h"

/* Of everything that would otherwise be waited for in vain. */
#define LIMIT_MS 30000

/* Memory that is not there yet. */
struct missing {
	int uffd;
	char *p;
	size_t pages;
};

static inline struct missing missing_new(size_t pages)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct missing m = { .pages = pages };

	m.uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (m.uffd < 0)
		skip("userfaultfd is not for everybody here");
	must(ioctl(m.uffd, UFFDIO_API, &api));
	m.p = memory_private(pages);
	r.range.start = va(m.p);
	r.range.len = pages * PAGE;
	must(ioctl(m.uffd, UFFDIO_REGISTER, &r));
	return m;
}

/* Somebody waits for a page of it. Which one? */
static inline size_t missing_wait(const struct missing *m)
{
	struct pollfd p = { m->uffd, POLLIN, 0 };
	struct uffd_msg msg;

	want(poll(&p, 1, LIMIT_MS), 1);
	want(read(m->uffd, &msg, sizeof(msg)), sizeof(msg));
	want(msg.event, UFFD_EVENT_PAGEFAULT);
	return (msg.arg.pagefault.address - va(m->p)) / PAGE;
}

/* Here it is: it begins with @data. */
static inline void missing_give(const struct missing *m, size_t page,
				const void *data, size_t length)
{
	char *from = memory_private(1);
	struct uffdio_copy c = { .dst = va(m->p) + page * PAGE,
				 .src = va(from),
				 .len = PAGE };

	memcpy(from, data, length);
	must(ioctl(m->uffd, UFFDIO_COPY, &c));
	munmap(from, PAGE);
}

/* Another process does @what, to its end, before anything else happens. */
static inline void another_process(void (*what)(void))
{
	const pid_t pid = (pid_t)must(fork());
	int status = -1, ms = 0;

	if (!pid) {
		what();
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG) && ms++ < LIMIT_MS)
		usleep(1000);
	if (ms >= LIMIT_MS)
		kill(pid, SIGKILL);
	want(ms < LIMIT_MS, 1);
	want(status, 0);
}

#endif
