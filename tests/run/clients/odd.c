/* SPDX-License-Identifier: MIT */
/*
 * odd: processes that are unlike most
 *
 *   leader_gone      the first thread has ended, others go on
 *   own_files        a thread with a table of descriptors of its own
 *   thread_executes  not the first thread executes, others are in calls
 *   vfork_child      opens and calls before it executes
 *   spawned          the same by libc, and executes
 *   cannot_execute   execve fails, and it goes on
 *   secret_later     may not be looked at any more
 *   only_a_path      O_PATH
 *   of_another       by /proc/self/fd
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "client.h"

extern char **environ;

static const char *self;

/* As usual, whoever and wherever this is. */
static void works(void)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(2), text[8] = "";
	uint32_t id;
	uint64_t bytes;
	int access, fd;

	want_ok(uc_map_fixed(&c, ioas, va(p), 2 * PAGE, UC_RW, IOVA));
	strcpy(p, "works");
	want_ok(uc_access_create(&c, ioas, 0, &access));
	want_ok(uc_access_rw(&c, access, IOVA, text, 6, 0));
	want_ok(strcmp(text, "works"));
	want_ok(uc_fault_queue(&c, &id, &fd));
	want(read(fd, text, 0), 0);
	want_ok(close(fd));
	want_ok(close(access));
	want_ok(uc_unmap_all(&c, ioas, &bytes));
	want(bytes, 2 * PAGE);
	want_ok(close(c.fd));
	munmap(p, 2 * PAGE);
}

static void in_child(void (*f)(void))
{
	const pid_t pid = (pid_t)must(fork());

	if (!pid) {
		f();
		_exit(0);
	}
	want_child(pid);
}

static pthread_t leader;

static void *after_the_leader(void *arg)
{
	(void)arg;
	pthread_join(leader, NULL);
	/* It may be seen to end before it has. */
	usleep(20000);
	for (int i = 0; i < 20; i++)
		works();
	_exit(0);
}

static void leader_ends(void)
{
	pthread_t t;

	works();
	leader = pthread_self();
	want_ok(pthread_create(&t, NULL, after_the_leader, NULL));
	pthread_exit(NULL);
}

static void leader_gone(void)
{
	in_child(leader_ends);
}

static void *with_own_files(void *arg)
{
	(void)arg;
	want_ok(unshare(CLONE_FILES));
	/* Numbers that are something else, or nothing, to the others. */
	closefrom(3);
	works();
	return NULL;
}

static void own_files(void)
{
	pthread_t t;

	want_ok(pthread_create(&t, NULL, with_own_files, NULL));
	want_ok(pthread_join(t, NULL));
}

static void *for_ever(void *arg)
{
	(void)arg;
	for (;;)
		works();
	return NULL;
}

static void *executes(void *arg)
{
	char *const argv[] = { "odd", "works", NULL };

	(void)arg;
	usleep(5000);
	execv(self, argv);
	_exit(127);
}

static void many_and_one_executes(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		want_ok(pthread_create(&t, NULL, for_ever, NULL));
	want_ok(pthread_create(&t, NULL, executes, NULL));
	for_ever(NULL);
}

static void thread_executes(void)
{
	for (int i = 0; i < 5; i++)
		in_child(many_and_one_executes);
}

static void vfork_child(void)
{
	char *p = memory_shared(1);
	struct uclient c = iommu_open();
	volatile int ret = -1;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		/* The memory is its parent's, too. */
		struct uclient own = iommu_at(iommu_open_flags(O_RDWR));
		uint32_t ioas = 0;
		struct uc_mock m;

		ret = uc_ioas_alloc(&own, &ioas);
		if (!ret)
			ret = uc_mock_domain(&own, ioas, &m);
		if (!ret)
			ret = uc_map_fixed(&own, ioas, va(p), PAGE, UC_RW,
					   IOVA);
		if (!ret)
			ret = refs_are(&c, p, 1, 1);
		_exit(0);
	}
	want_child(pid);
	want_ok(ret);
	want_ok(refs_are(&c, p, 1, 0));
	want_ok(close(c.fd));
}

/* A file is known by itself, wherever it is mapped. */
static void files_are_known(void)
{
	struct uclient c = iommu_open();
	const struct uc_mock m = mock_new(&c, ioas_new(&c));
	const int fd = (int)must(memfd_create("odd", MFD_CLOEXEC));
	char *p, *q;

	want_ok(ftruncate(fd, (off_t)PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	want_ok(uc_map_fixed(&c, 1, va(p), PAGE, UC_RW, IOVA));
	want_ok(uc_check_map(&c, m.hwpt, IOVA, PAGE, va(q)));
	want_ok(close(c.fd));
	close(fd);
}

/*
 * A child that shares the memory until it executes, which is this program once
 * more: it has its own then, and its parent has kept its.
 */
static void spawned(void)
{
	char *const argv[] = { "odd", "works", NULL };
	posix_spawn_file_actions_t a;
	pid_t pid;

	works();
	want_ok(posix_spawn_file_actions_init(&a));
	want_ok(posix_spawn_file_actions_addopen(&a, 9, "/dev/iommu", O_RDWR,
						 0));
	for (int i = 0; i < 3; i++) {
		want_ok(posix_spawn(&pid, self, &a, NULL, argv, environ));
		want_child(pid);
	}
	posix_spawn_file_actions_destroy(&a);
	works();
	files_are_known();
}

/* Whoever cannot execute goes on as before. */
static void cannot_execute(void)
{
	char *const argv[] = { "nothing", NULL };

	works();
	for (int i = 0; i < 3; i++) {
		want(execv("/nonexistent/nothing", argv), -1);
		want(errno, ENOENT);
		works();
	}
	files_are_known();
}

/* An answer, and none that pretends that the request is not known. */
static void secret_later(void)
{
	struct uclient c = iommu_open();
	uint32_t id;
	int ret;

	want_ok(uc_ioas_alloc(&c, &id));
	want_ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	ret = uc_ioas_alloc(&c, &id);
	want_ok(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	want(ret == 0 || ret == -EPERM, 1);
	want_ok(uc_ioas_alloc(&c, &id));
	close(c.fd);
}

static void only_a_path(void)
{
	const int fd = (int)must(open("/dev/iommu", O_PATH | O_CLOEXEC));
	struct stat st;

	want_ok(fstat(fd, &st));
	want(S_ISCHR(st.st_mode), 1);
	/* Not the device: a descriptor of that kind cannot be handed over. */
	want(ioctl(fd, IOAS_ABI_IOAS_ALLOC, NULL), -1);
	want(errno == EBADF || errno == ENOTTY, 1);
	close(fd);
}

/* A new file, as of any device that is opened by that name. */
static void of_another(void)
{
	struct uclient c = iommu_open(), again;
	char path[64];
	int fd;

	want(ioas_new(&c), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", c.fd);
	fd = (int)must(open(path, O_RDWR | O_CLOEXEC));
	again = iommu_at(fd);
	want(ioas_new(&again), 1);
	want_ok(close(c.fd));
	want(ioas_new(&again), 2);
	want_ok(close(again.fd));
}

static const struct client_case cases[] = {
	{ "works", works },
	{ "leader_gone", leader_gone },
	{ "own_files", own_files },
	{ "thread_executes", thread_executes },
	{ "vfork_child", vfork_child },
	{ "spawned", spawned },
	{ "cannot_execute", cannot_execute },
	{ "secret_later", secret_later },
	{ "only_a_path", only_a_path },
	{ "of_another", of_another },
};

int main(int argc, char **argv)
{
	self = argv[0];
	return client_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
