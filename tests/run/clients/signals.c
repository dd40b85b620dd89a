/* SPDX-License-Identifier: MIT */
/*
 * signals: calls that are interrupted all the time have their effect once, and
 * say so
 *
 *   timer, every 100 us --> SIGALRM --> handler, with or without SA_RESTART
 *   meanwhile map, unmap: 300 of each, none twice, none that says it was not
 */
#include <signal.h>
#include <sys/time.h>

#include "client.h"

#define PAIRS 300

static volatile sig_atomic_t nr_signals;

static void on_alarm(int sig)
{
	(void)sig;
	nr_signals++;
}

static void timer(unsigned int us)
{
	const struct itimerval v = { { 0, us }, { 0, us } };

	want_ok(setitimer(ITIMER_REAL, &v, NULL));
}

/*
 * A signal may come before the call was received, which then has not begun: a
 * handler without SA_RESTART makes it EINTR (seccomp_unotify(2)). Once more
 * shows that it has had no effect.
 */
#define again(call, flags)                                         \
	({                                                         \
		int ret_;                                          \
		do                                                 \
			ret_ = (call);                             \
		while (ret_ == -EINTR && !((flags) & SA_RESTART)); \
		ret_;                                              \
	})

static void pairs(int flags)
{
	const struct sigaction sa = { .sa_handler = on_alarm,
				      .sa_flags = flags };
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(2);
	uint64_t iova = 0, bytes = 0;

	nr_signals = 0;
	want_ok(sigaction(SIGALRM, &sa, NULL));
	timer(100);
	for (unsigned int i = 0; i < PAIRS; i++) {
		want_ok(again(uc_map(&c, ioas, va(p), 2 * PAGE, UC_RW, &iova),
			      flags));
		/* Twice would have left one behind, or have found none. */
		want_ok(again(uc_unmap(&c, ioas, iova, 2 * PAGE, &bytes),
			      flags));
		want(bytes, 2 * PAGE);
		want_ok(again(uc_map_fixed(&c, ioas, va(p), PAGE, UC_R,
					   IOVA + i * PAGE),
			      flags));
	}
	timer(0);
	want_ok(uc_unmap_all(&c, ioas, &bytes));
	want(bytes, PAIRS * PAGE);
	want(nr_signals > 0, 1);
	want_ok(close(c.fd));
	munmap(p, 2 * PAGE);
}

static void plain(void)
{
	pairs(0);
}

static void restart(void)
{
	pairs(SA_RESTART);
}

/* Opening too: each gives one descriptor, and no other is left. */
static void opening(void)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const int first = (int)must(iommu_open_flags(O_RDWR));

	want_ok(close(first));
	want_ok(sigaction(SIGALRM, &sa, NULL));
	timer(100);
	for (unsigned int i = 0; i < PAIRS; i++) {
		int fd;

		do
			fd = iommu_open_flags(O_RDWR);
		while (fd < 0 && errno == EINTR);
		want(fd, first);
		want_ok(close(first));
	}
	timer(0);
}

/* Whoever is killed while it calls is gone at once, with its files. */
static void killed(void)
{
	struct uclient c = iommu_open();
	char *p = memory_shared(1);

	for (unsigned int i = 0; i < 20; i++) {
		const pid_t pid = (pid_t)must(fork());
		int status;

		if (!pid) {
			struct uclient own = iommu_open();
			const uint32_t ioas = ioas_new(&own);

			mock_new(&own, ioas);
			for (;;) {
				uc_map_fixed(&own, ioas, va(p), PAGE, UC_RW,
					     IOVA);
				uc_unmap_all(&own, ioas, NULL);
			}
		}
		usleep(1000 + 500 * i);
		want_ok(kill(pid, SIGTERM));
		want(waitpid(pid, &status, 0), pid);
		want(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGTERM);
		want_ok(refs_are(&c, p, 1, 0));
	}
	want_ok(close(c.fd));
}

static const struct client_case cases[] = {
	{ "plain", plain },
	{ "restart", restart },
	{ "opening", opening },
	{ "killed", killed },
};

CLIENT_MAIN(cases)
