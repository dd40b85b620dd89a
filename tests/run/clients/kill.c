/* SPDX-License-Identifier: MIT */
/*
 * kill: processes that are killed in the middle of whatever they do
 *
 *   killer --fork--> worker   random requests, at a context of its own and at
 *      |                      the killer's, with memory that both have
 *      `-- kill -9 after 0..2000 us, wait, look: nothing of it is left
 *
 * usage: kill work SEED          for ever
 *        kill suicide SEED       for a moment, then kills itself
 *        kill killer SEED TIMES  says a line, and hears one, early and at the
 *                                end: somebody else looks at the supervisor
 */
#include <signal.h>
#include <time.h>

#include "client.h"
#include "prng.h"

#define PAGES 16

static struct prng rng;
static char *memory;
/* Of the killer; its first object is a space with a device. */
static struct uclient common;

static uint64_t below(uint64_t n)
{
	return prng_below(&rng, n);
}

static void some_files(const struct uclient *c, uint32_t ioas)
{
	uint32_t id;
	int fd;

	if (!uc_access_create(c, ioas,
			      IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
			      &fd))
		uc_access_pin(c, fd, 0, IOVA + below(PAGES) * PAGE, PAGE, &id);
	uc_fault_queue(c, &id, &fd);
	if (below(2))
		close(fd);
}

static void some_request(const struct uclient *c, uint32_t ioas, char *private)
{
	const uint64_t at = below(PAGES), nr = 1 + below(PAGES - at);
	char *from = below(2) ? memory : private;
	struct uc_mock m;

	switch (below(12)) {
	case 0:
		uc_mock_domain(c, ioas, &m);
		break;
	case 1:
		some_files(c, ioas);
		break;
	case 2:
		uc_unmap_all(c, ioas, NULL);
		break;
	case 3:
		close((int)must(iommu_open_flags(O_RDWR)));
		break;
	case 4:
	case 5:
		uc_unmap(c, ioas, IOVA + at * PAGE, nr * PAGE, NULL);
		break;
	default:
		uc_map_fixed(c, ioas, va(from + at * PAGE), nr * PAGE, UC_RW,
			     IOVA + at * PAGE);
		break;
	}
}

static void work(uint64_t seed, unsigned int rounds)
{
	struct uclient own = { .fd = -1 };
	char *private = memory_private(PAGES);
	uint32_t ioas = 0;

	rng.state = seed;
	for (unsigned int i = 0; !rounds || i < rounds; i++) {
		/* Descriptors are forgotten on purpose, not without end. */
		if (i % 64 == 0) {
			if (own.fd >= 0)
				closefrom(own.fd);
			own = iommu_at(iommu_open_flags(O_RDWR));
			if (own.fd < 0 || uc_ioas_alloc(&own, &ioas) < 0)
				_exit(1);
		}
		if (common.fd >= 0 && below(3) == 0)
			some_request(&common, 1, private);
		else
			some_request(&own, ioas, private);
	}
}

static void look(void)
{
	char byte;

	printf("look\n");
	fflush(stdout);
	want(read(STDIN_FILENO, &byte, 1), 1);
}

static void kill_one(uint64_t us)
{
	const struct timespec t = { 0, (long)us * 1000 };
	const pid_t pid = (pid_t)must(fork());
	int status;

	if (!pid) {
		work(prng_next(&rng), 0);
		_exit(1);
	}
	nanosleep(&t, NULL);
	want_ok(kill(pid, SIGKILL));
	want(waitpid(pid, &status, 0), pid);
	want(WIFSIGNALED(status) ? WTERMSIG(status) : 1000 + status, SIGKILL);
}

/* What workers left in the common context can be removed; nothing else is. */
static void nothing_is_left(void)
{
	const struct uclient witness = iommu_open();
	int ret = uc_unmap_all(&common, 1, NULL);

	want(ret == 0 || ret == -ENOENT, 1);
	want_ok(refs_are(&witness, memory, PAGES, 0));
	want(ioas_new(&witness), 1);
	want_ok(close(witness.fd));
}

static int killer(uint64_t seed, unsigned int times)
{
	rng.state = seed;
	memory = memory_shared(PAGES);
	common = iommu_open();
	mock_new(&common, ioas_new(&common));
	for (unsigned int i = 0; i < times; i++) {
		kill_one(below(2) ? below(300) : below(3000));
		if (i % 20 == 0)
			nothing_is_left();
		/* By then whatever grows with use has grown. */
		if (i == times / 4)
			look();
		/* Mock devices of the workers would pile up there. */
		if (i % 50 == 49) {
			close(common.fd);
			common = iommu_open();
			mock_new(&common, ioas_new(&common));
		}
	}
	nothing_is_left();
	close(common.fd);
	look();
	printf("ok %u\n", times);
	return 0;
}

int main(int argc, char **argv)
{
	const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	common.fd = -1;
	if (argc > 3 && !strcmp(argv[1], "killer"))
		return killer(seed, (unsigned int)atoi(argv[3]));
	memory = memory_shared(PAGES);
	if (argc > 2 && !strcmp(argv[1], "suicide")) {
		work(seed, (unsigned int)(seed % 150) + 1);
		kill(getpid(), SIGKILL);
	}
	if (argc > 2 && !strcmp(argv[1], "work"))
		work(seed, 0);
	return 2;
}
