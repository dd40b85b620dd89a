/* SPDX-License-Identifier: MIT */
/*
 * client: does what it is told, a word at a time, and prints each result
 *
 *   client open C  alloc C a  device C a  map C a 2 p  unmap C a p  close C
 *   C=3
 *   a=1 ...
 *
 * Results are "NAME=VALUE" or "WORD VALUE", errors "WORD -ERRNO"; it goes on
 * after an error, and exits with 0. Names are letters; what they hold is a
 * number. With "-" alone the words come from stdin.
 *
 *   open X            /dev/iommu             alloc C x        space
 *   device C a        mock device at a       access C a X     access file
 *   map C a N p       N fresh pages; p: where they are in the space
 *   unmap C a p       the mapping at p       destroy C x
 *   refs C p N        is the memory of p pinned N times?
 *   queue C X         fault queue            ioctl X NUMBER
 *   dup X Y, close X, sleep MS, pid, exit STATUS, kill SIGNAL
 *   fork              the rest is done by a child, which is waited for
 *   thread            the same by a thread
 *   exec              the same by this program again
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "client.h"

#define NAMES 128
#define WORDS 256

static long long value[NAMES];
/* Where the memory of a mapping is, and how much; by its name. */
static char *memory[NAMES];
static size_t pages[NAMES];

struct words {
	char **at;
	unsigned int nr, next;
	const char *program;
};

static const char *word(struct words *w)
{
	if (w->next >= w->nr) {
		fprintf(stderr, "client: a word is missing\n");
		_exit(2);
	}
	return w->at[w->next++];
}

static unsigned int name(struct words *w)
{
	return (unsigned char)word(w)[0] % NAMES;
}

static long long number(struct words *w)
{
	const char *s = word(w);

	return s[0] >= '0' && s[0] <= '9' ? strtoll(s, NULL, 0) :
					    value[(unsigned char)s[0] % NAMES];
}

static struct uclient file_of(struct words *w)
{
	return iommu_at((int)value[name(w)]);
}

/* What @verb made, under its name. */
static void made(const char *verb, unsigned int n, int ret, long long what)
{
	if (ret < 0) {
		printf("%s %d\n", verb, ret);
	} else {
		value[n] = what;
		printf("%c=%lld\n", (char)n, what);
	}
}

static void do_open(struct words *w)
{
	const unsigned int n = name(w);
	const int fd = iommu_open_flags(O_RDWR);

	made("open", n, fd < 0 ? -errno : 0, fd);
}

static void do_alloc(struct words *w)
{
	const struct uclient c = file_of(w);
	uint32_t id = 0;
	const int ret = uc_ioas_alloc(&c, &id);

	made("alloc", name(w), ret, id);
}

static void do_device(struct words *w)
{
	const struct uclient c = file_of(w);
	struct uc_mock m = { 0, 0, 0 };

	printf("device %d\n", uc_mock_domain(&c, (uint32_t)number(w), &m));
}

static void do_access(struct words *w)
{
	const struct uclient c = file_of(w);
	const uint32_t ioas = (uint32_t)number(w);
	int fd = -1;
	const int ret = uc_access_create(&c, ioas, 0, &fd);

	made("access", name(w), ret, fd);
}

static void do_queue(struct words *w)
{
	const struct uclient c = file_of(w);
	uint32_t id;
	int fd = -1;
	const int ret = uc_fault_queue(&c, &id, &fd);

	made("queue", name(w), ret, fd);
}

static void do_map(struct words *w)
{
	const struct uclient c = file_of(w);
	const uint32_t ioas = (uint32_t)number(w);
	const size_t nr = (size_t)number(w);
	char *p = memory_private(nr);
	const unsigned int n = name(w);
	uint64_t iova = 0;
	const int ret = uc_map(&c, ioas, va(p), nr * PAGE, UC_RW, &iova);

	memory[n] = p;
	pages[n] = nr;
	made("map", n, ret, (long long)iova);
}

static void do_unmap(struct words *w)
{
	const struct uclient c = file_of(w);
	const uint32_t ioas = (uint32_t)number(w);
	const unsigned int n = name(w);
	uint64_t bytes = 0;
	const int ret = uc_unmap(&c, ioas, (uint64_t)value[n], pages[n] * PAGE,
				 &bytes);

	printf("unmap %lld\n", ret < 0 ? ret : (long long)bytes);
}

static void do_destroy(struct words *w)
{
	const struct uclient c = file_of(w);

	printf("destroy %d\n", uc_destroy(&c, (uint32_t)number(w)));
}

static void do_refs(struct words *w)
{
	const struct uclient c = file_of(w);
	const unsigned int n = name(w);

	printf("refs %d\n",
	       refs_are(&c, memory[n], pages[n], (uint32_t)number(w)));
}

static void do_ioctl(struct words *w)
{
	const int fd = (int)number(w);

	printf("ioctl %d\n", ioctl(fd, (unsigned long)number(w), 0) < 0 ?
				     -errno :
				     0);
}

static void do_dup(struct words *w)
{
	const int fd = dup((int)number(w));

	made("dup", name(w), fd < 0 ? -errno : 0, fd);
}

static void do_close(struct words *w)
{
	printf("close %d\n", close((int)number(w)) < 0 ? -errno : 0);
}

static void do_sleep(struct words *w)
{
	usleep((useconds_t)number(w) * 1000);
}

static void do_pid(struct words *w)
{
	(void)w;
	printf("pid %d\n", (int)getpid());
}

static void do_exit(struct words *w)
{
	const int status = (int)number(w);

	fflush(stdout);
	_exit(status);
}

static void do_kill(struct words *w)
{
	fflush(stdout);
	kill(getpid(), (int)number(w));
}

static void do_all(struct words *w);

static void do_fork(struct words *w)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = (pid_t)must(fork());
	if (!pid) {
		do_all(w);
		fflush(stdout);
		_exit(0);
	}
	want(waitpid(pid, &status, 0), pid);
	printf("child %d\n", status);
	w->next = w->nr;
}

static void *run_thread(void *arg)
{
	do_all(arg);
	return NULL;
}

static void do_thread(struct words *w)
{
	pthread_t t;

	want_ok(pthread_create(&t, NULL, run_thread, w));
	want_ok(pthread_join(t, NULL));
}

/* Names are not kept; descriptors are, at the same numbers. */
static void do_exec(struct words *w)
{
	char *argv[WORDS + 2] = { (char *)(uintptr_t)w->program };
	unsigned int n = 1;

	while (w->next < w->nr)
		argv[n++] = w->at[w->next++];
	fflush(stdout);
	execv(w->program, argv);
	printf("exec %d\n", -errno);
}

static const struct {
	const char *word;
	void (*run)(struct words *w);
} verbs[] = {
	{ "open", do_open },	 { "alloc", do_alloc },
	{ "device", do_device }, { "access", do_access },
	{ "queue", do_queue },	 { "map", do_map },
	{ "unmap", do_unmap },	 { "destroy", do_destroy },
	{ "refs", do_refs },	 { "ioctl", do_ioctl },
	{ "dup", do_dup },	 { "close", do_close },
	{ "sleep", do_sleep },	 { "pid", do_pid },
	{ "exit", do_exit },	 { "kill", do_kill },
	{ "fork", do_fork },	 { "thread", do_thread },
	{ "exec", do_exec },
};

#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void do_all(struct words *w)
{
	while (w->next < w->nr) {
		const char *s = word(w);
		unsigned int i = 0;

		while (i < NR_VERBS && strcmp(s, verbs[i].word))
			i++;
		if (i == NR_VERBS) {
			fprintf(stderr, "client: %s: no such word\n", s);
			_exit(2);
		}
		verbs[i].run(w);
		fflush(stdout);
	}
}

/* Until the end of the file. */
static unsigned int words_of_stdin(char **at)
{
	unsigned int nr = 0;
	char text[64];

	while (nr < WORDS && scanf("%63s", text) == 1) {
		at[nr] = strdup(text);
		want(at[nr] != NULL, 1);
		nr++;
	}
	return nr;
}

int main(int argc, char **argv)
{
	char *from_stdin[WORDS];
	struct words w = { argv + 1, (unsigned int)argc - 1, 0, argv[0] };

	if (argc - 1 > WORDS)
		return 2;
	if (argc == 2 && !strcmp(argv[1], "-")) {
		w.at = from_stdin;
		w.nr = words_of_stdin(from_stdin);
	}
	do_all(&w);
	return 0;
}
