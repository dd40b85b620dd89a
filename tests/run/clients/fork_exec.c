/* SPDX-License-Identifier: MIT */
/*
 * fork_exec: a context lives exactly as long as its last descriptor, whichever
 * process has it
 *
 *   parent  opens, maps a page, starts a child, closes   page: held
 *   child   has a copy, waits to be told                 page: held
 *           exits, or executes with O_CLOEXEC            page: free, at once
 *
 * The page tells: MD_CHECK_REFS counts in all contexts (iommufd-test-abi 4.6).
 */
#include <spawn.h>

#include "client.h"

extern char **environ;

static const char *self;
/* Each has a reading and a writing end. */
static int to_child[2], to_parent[2];
static struct uclient witness;
static char *page;

static void begin(void)
{
	witness = iommu_open();
	page = memory_private(1);
	want_ok(pipe2(to_child, O_CLOEXEC));
	want_ok(pipe2(to_parent, O_CLOEXEC));
}

static void end(void)
{
	want_ok(refs_are(&witness, page, 1, 0));
	close(witness.fd);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
	}
	munmap(page, PAGE);
}

/* A context with the page in a page table; @flags: O_CLOEXEC or none. */
static int hold(int flags)
{
	struct uclient c = iommu_at(
		(int)must(iommu_open_flags(O_RDWR | flags)));
	const uint32_t ioas = ioas_new(&c);

	mock_new(&c, ioas);
	want_ok(uc_map_fixed(&c, ioas, va(page), PAGE, UC_RW, IOVA));
	want_ok(refs_are(&witness, page, 1, 1));
	return c.fd;
}

static void held_until_told(pid_t pid, int fd, bool after)
{
	want_ok(close(fd));
	hear(to_parent[0]);
	want_ok(refs_are(&witness, page, 1, after));
	say(to_child[1]);
	want_child(pid);
	want_ok(refs_are(&witness, page, 1, 0));
}

/* "waiter": what is executed. Says that it is there, and waits. */
static int waiter(void)
{
	say(STDOUT_FILENO);
	hear(STDIN_FILENO);
	return 0;
}

static void child_ends(void)
{
	must(dup2(to_child[0], STDIN_FILENO));
	must(dup2(to_parent[1], STDOUT_FILENO));
}

static void by_fork(void)
{
	pid_t pid;
	int fd;

	begin();
	fd = hold(O_CLOEXEC);
	pid = (pid_t)must(fork());
	if (!pid) {
		child_ends();
		_exit(waiter());
	}
	held_until_told(pid, fd, true);
	end();
}

/* The child exits, a grandchild remains, and is nobody's child then. */
static void by_grandchild(void)
{
	int fd, done[2];
	pid_t pid;
	char byte;

	begin();
	want_ok(pipe2(done, O_CLOEXEC));
	fd = hold(O_CLOEXEC);
	pid = (pid_t)must(fork());
	if (!pid) {
		if (must(fork()))
			_exit(0);
		child_ends();
		/* Before the end of the pipe says that it exits. */
		waiter();
		close(fd);
		_exit(0);
	}
	close(done[1]);
	want_child(pid);
	want_ok(close(fd));
	hear(to_parent[0]);
	want_ok(refs_are(&witness, page, 1, 1));
	say(to_child[1]);
	want(read(done[0], &byte, 1), 0);
	want_ok(refs_are(&witness, page, 1, 0));
	close(done[0]);
	end();
}

static char *const waiter_argv[] = { "fork_exec", "waiter", NULL };

static void by_exec_of(int flags)
{
	pid_t pid;
	int fd;

	begin();
	fd = hold(flags);
	pid = (pid_t)must(fork());
	if (!pid) {
		child_ends();
		execv(self, waiter_argv);
		_exit(127);
	}
	held_until_told(pid, fd, !flags);
	end();
}

static void by_exec(void)
{
	by_exec_of(0);
}

static void by_exec_cloexec(void)
{
	by_exec_of(O_CLOEXEC);
}

static void by_spawn_of(int flags)
{
	posix_spawn_file_actions_t a;
	pid_t pid = -1;
	int fd;

	begin();
	fd = hold(flags);
	want_ok(posix_spawn_file_actions_init(&a));
	want_ok(posix_spawn_file_actions_adddup2(&a, to_child[0], 0));
	want_ok(posix_spawn_file_actions_adddup2(&a, to_parent[1], 1));
	want_ok(posix_spawn(&pid, self, &a, NULL, waiter_argv, environ));
	posix_spawn_file_actions_destroy(&a);
	held_until_told(pid, fd, !flags);
	end();
}

static void by_spawn(void)
{
	by_spawn_of(0);
}

static void by_spawn_cloexec(void)
{
	by_spawn_of(O_CLOEXEC);
}

static void by_vfork(void)
{
	const int out = (int)must(dup(STDOUT_FILENO));
	const int in = (int)must(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
	pid_t pid;
	int fd;

	begin();
	must(fcntl(out, F_SETFD, FD_CLOEXEC));
	fd = hold(0);
	/* The child may do next to nothing: the ends are put in place here. */
	child_ends();
	pid = vfork();
	if (!pid) {
		execv(self, waiter_argv);
		_exit(127);
	}
	must(pid);
	must(dup2(out, STDOUT_FILENO));
	must(dup2(in, STDIN_FILENO));
	held_until_told(pid, fd, true);
	end();
	close(out);
	close(in);
}

/*
 * A process that executes keeps the context, and loses the memory: what was
 * mapped is still there to be unmapped, whether or not it can be read.
 */
static void across_exec(void)
{
	char number[16];
	char *const argv[] = { "fork_exec", "after", number, NULL };
	pid_t pid;

	begin();
	pid = (pid_t)must(fork());
	if (!pid) {
		snprintf(number, sizeof(number), "%d", hold(0));
		execv(self, argv);
		_exit(127);
	}
	want_child(pid);
	end();
}

/* "after FD": what across_exec() executes. */
static int after(const char *number)
{
	const struct uclient c = iommu_at(atoi(number));
	uint64_t bytes = 0;
	char text[4] = "abc";
	int access, ret;

	want_ok(uc_access_create(&c, 1, 0, &access));
	ret = uc_access_rw(&c, access, IOVA, text, 4,
			   IOAS_ABI_MOCK_ACCESS_RW_WRITE);
	want(ret == 0 || ret == -EFAULT, 1);
	page = memory_private(1);
	want_ok(uc_map_fixed(&c, 1, va(page), PAGE, UC_RW, IOVA + PAGE));
	want_ok(uc_access_rw(&c, access, IOVA + PAGE, text, 4,
			     IOAS_ABI_MOCK_ACCESS_RW_WRITE));
	want_ok(strcmp(page, "abc"));
	want_ok(close(access));
	want_ok(uc_unmap(&c, 1, IOVA, PAGE, &bytes));
	want(bytes, PAGE);
	want_ok(uc_unmap_all(&c, 1, &bytes));
	want(bytes, PAGE);
	return 0;
}

/* Children that do something else in the meantime. */
static void many(void)
{
	begin();
	for (unsigned int i = 0; i < 10; i++) {
		const int fd = hold(i % 2 ? O_CLOEXEC : 0);
		const pid_t pid = (pid_t)must(fork());

		if (!pid)
			_exit(execl("/bin/true", "true", NULL));
		want_child(pid);
		want_ok(refs_are(&witness, page, 1, 1));
		want_ok(close(fd));
		want_ok(refs_are(&witness, page, 1, 0));
	}
	end();
}

static const struct client_case cases[] = {
	{ "fork", by_fork },
	{ "grandchild", by_grandchild },
	{ "exec", by_exec },
	{ "exec_cloexec", by_exec_cloexec },
	{ "spawn", by_spawn },
	{ "spawn_cloexec", by_spawn_cloexec },
	{ "vfork", by_vfork },
	{ "across_exec", across_exec },
	{ "many", many },
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 2 && !strcmp(argv[1], "waiter"))
		return waiter();
	if (argc == 3 && !strcmp(argv[1], "after"))
		return after(argv[2]);
	return client_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
