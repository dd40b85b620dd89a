/* SPDX-License-Identifier: MIT */
/*
 * super_filter: what is trapped, and what is not
 *
 *   child: filter --listener--> a thread of ours that answers EDOM
 *          a call of each row   EDOM: it was trapped
 *
 * No row is a call that fails with EDOM by itself.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "super/filter.h"
#include "super/notify.h"

#define BASE 768u
#define NR 256u
#define LAST (BASE + NR - 1)
/* What the upper half of a 32-bit argument may be. */
#define HIGH UINT64_C(0xdeadbeef00000000)
#define OFFSET (UINT64_C(1) << 40)
#define MINUS_1 UINT64_C(0xffffffffffffffff)
#define MINUS_1_SHORT UINT64_C(0xffffffff)
#define CWD ((uint64_t)AT_FDCWD)
#define CWD_SHORT ((uint64_t)(uint32_t)AT_FDCWD)
/* Of iommufd, of terminals. */
#define OURS UINT64_C(0x3b85)
#define TCGETS_ UINT64_C(0x5401)
/* Not open: a call that is let go fails. */
#define CLOSED 700u

struct row {
	const char *name;
	long nr;
	uint64_t arg[6];
	bool trapped;
};

#define ROW(call, trap, ...)                              \
	{                                                 \
#call, __NR_##call, { __VA_ARGS__ }, trap \
	}

static const struct row rows[] = {
	ROW(ioctl, true, CLOSED, OURS),
	ROW(ioctl, true, CLOSED, HIGH | OURS),
	ROW(ioctl, true, MINUS_1, 0xc0083b00),
	ROW(ioctl, false, CLOSED, TCGETS_),
	ROW(ioctl, false, CLOSED, 0x3a85),
	ROW(ioctl, false, CLOSED, 0x853b),
	ROW(ioctl, false, CLOSED, HIGH | 0x3b3a00),
	ROW(ioctl, false, BASE, TCGETS_),
	/* KVM: SET_DEVICE_ATTR, GET_DEVICE_ATTR, RUN. */
	ROW(ioctl, true, CLOSED, 0x4018aee1),
	ROW(ioctl, true, CLOSED, HIGH | 0x4018aee1),
	ROW(ioctl, false, CLOSED, 0x4018aee2),
	ROW(ioctl, false, CLOSED, 0x4010aee1),
	ROW(ioctl, false, CLOSED, 0xae80),
#ifdef __NR_open
	ROW(open, true),
	ROW(creat, true),
	ROW(stat, true),
	ROW(lstat, true),
	ROW(readlink, true),
	ROW(access, true),
#endif
	ROW(openat, true, CWD),
	ROW(openat2, true, CWD),
	ROW(fstat, true, CLOSED),
#ifdef __NR_newfstatat
	ROW(newfstatat, true, CWD),
#endif
	ROW(statx, true, CWD),
	ROW(readlinkat, true, CWD),
	ROW(faccessat, true, CWD),
	ROW(faccessat2, true, CWD),
	ROW(execve, true),
	ROW(execveat, true, CLOSED),

	ROW(read, true, BASE),
	ROW(read, true, LAST),
	ROW(read, true, HIGH | BASE),
	ROW(read, false, BASE - 1),
	ROW(read, false, LAST + 1),
	ROW(read, false, MINUS_1),
	ROW(read, false, MINUS_1_SHORT),
	ROW(read, false, HIGH | CLOSED),
	ROW(write, true, LAST),
	ROW(write, false, BASE - 1),
	ROW(write, false, CWD),
	ROW(write, false, CWD_SHORT),
	ROW(readv, true, BASE),
	ROW(readv, false, LAST + 1),
	ROW(writev, true, BASE),
	ROW(writev, false, MINUS_1),
	ROW(dup, true, BASE),
	ROW(dup, false, BASE - 1),
	ROW(dup3, true, HIGH | LAST, 5),
	ROW(dup3, false, CLOSED, BASE),
#ifdef __NR_dup2
	ROW(dup2, true, BASE, 5),
	ROW(dup2, false, CLOSED, BASE),
#endif
	ROW(fcntl, true, BASE, F_DUPFD),
	ROW(fcntl, true, LAST, F_DUPFD_CLOEXEC),
	ROW(fcntl, true, HIGH | BASE, HIGH | F_DUPFD),
	ROW(fcntl, false, BASE, F_GETFD),
	ROW(fcntl, false, BASE - 1, F_DUPFD),
	ROW(fcntl, false, BASE, F_GETFL),

	ROW(pread64, true, BASE, 0, 0, 0),
	ROW(pread64, true, CLOSED, 0, 0, OFFSET),
	ROW(pread64, true, CLOSED, 0, 0, UINT64_C(7) << 40),
	ROW(pread64, false, CLOSED, 0, 0, OFFSET - 1),
	ROW(pread64, false, CLOSED, OFFSET, OFFSET, 0),
	ROW(pwrite64, true, BASE, 0, 0, 0),
	ROW(pwrite64, true, CLOSED, 0, 0, OFFSET),
	ROW(pwrite64, false, CLOSED, 0, 0, OFFSET - 1),
	ROW(preadv, true, BASE),
	ROW(preadv, true, CLOSED, 0, 0, OFFSET),
	ROW(preadv, false, CLOSED, 0, 0, OFFSET - 1),
	ROW(pwritev, true, BASE),
	ROW(pwritev, true, CLOSED, 0, 0, OFFSET),
	ROW(pwritev, false, CLOSED, 0, 0, OFFSET - 1),
	ROW(preadv2, true, BASE),
	ROW(preadv2, true, CLOSED, 0, 0, OFFSET),
	ROW(preadv2, false, CLOSED, 0, 0, OFFSET - 1),
	ROW(pwritev2, true, BASE),
	ROW(pwritev2, true, CLOSED, 0, 0, OFFSET),
	ROW(pwritev2, false, CLOSED, 0, 0, OFFSET - 1),

	ROW(mmap, true, 0, 4096, PROT_READ, MAP_SHARED, CLOSED, 0),
	ROW(mmap, true, 0, 4096, PROT_READ, HIGH | MAP_SHARED_VALIDATE, CLOSED,
	    0),
	ROW(mmap, true, 0, 4096, PROT_READ, MAP_PRIVATE, CLOSED, OFFSET),
	ROW(mmap, false, 0, 4096, PROT_READ, MAP_PRIVATE, CLOSED, 0),
	ROW(mmap, false, 0, 4096, PROT_READ, MAP_PRIVATE, CLOSED,
	    OFFSET - 4096),
	ROW(mmap, false, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
	    MINUS_1, 0),
	ROW(mmap, false, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    MINUS_1_SHORT, 0),

	ROW(close, true, BASE),
	ROW(close, true, HIGH | LAST),
	ROW(close, false, BASE - 1),
	ROW(close, false, LAST + 1),
	ROW(close, false, MINUS_1),
	ROW(close, false, CLOSED),
	ROW(getppid, false),
	ROW(munmap, false, 1, 1),
	ROW(lseek, false, BASE, OFFSET, 0),
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct ioas_fd_range range = { .base = BASE, .nr = NR };

/* ---- a child under the filter ------------------------------------------- */

/* Shared with the child. */
static struct answers {
	/* Result of the call, or -errno. */
	long result[NR_ROWS];
	long second;
	int no_new_privs;
	long compat;
	long x32;
} * answers;

static int listener;
/* What the filter is built with. */
static bool closes = true;

static void *answer_all(void *unused)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct ioas_notice n;

	while (poll(&p, 1, -1) >= 0 && !(p.revents & POLLHUP))
		if ((p.revents & POLLIN) && !ioas_notify_recv(listener, &n))
			ioas_notify_return(listener, &n, -EDOM);
	return unused;
}

static void send_fd(int sock, int fd)
{
	char bytes[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = bytes,
		.msg_controllen = sizeof(bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != 1)
		_exit(2);
}

static int receive_fd(int sock)
{
	char bytes[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = bytes,
		.msg_controllen = sizeof(bytes),
	};
	int fd;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static long call(const struct row *r)
{
	const uint64_t *a = r->arg;
	const long ret = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	return ret < 0 ? -errno : ret;
}

/* By another convention than the machine's own. */
static void call_foreign(void)
{
#if defined(__x86_64__)
	long ret;

	ret = syscall(0x40000000 | __NR_getpid);
	answers->x32 = ret < 0 ? -errno : ret;
	/* 20 is getpid. */
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(20l)
			 : "memory", "r8", "r9", "r10", "r11");
	answers->compat = (int)ret;
#endif
}

static _Noreturn void child_main(int sock, const struct sock_fprog *prog,
				 bool foreign)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = ioas_filter_install(prog, true);
	if (fd < 0)
		_exit(fd == -EINVAL ? 77 : 1);
	send_fd(sock, fd);
	close(fd);
	answers->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	if (foreign) {
		call_foreign();
		_exit(0);
	}
	for (size_t i = 0; i < NR_ROWS; i++)
		answers->result[i] = call(&rows[i]);
	answers->second = ioas_filter_install(prog, true);
	_exit(0);
}

/* @drop: without privileges. Return: how it ended, as waitpid(2) says. */
static int run_child(bool drop, bool foreign)
{
	struct sock_fprog prog;
	pthread_t thread;
	int sock[2], status;
	pid_t pid;

	assert_int_equal(ioas_filter_build(&range, closes, &prog), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	pid = fork();
	if (!pid) {
		close(sock[0]);
		if (drop && !geteuid() && setresuid(65534, 65534, 65534))
			_exit(1);
		child_main(sock[1], &prog, foreign);
	}
	close(sock[1]);
	listener = receive_fd(sock[0]);
	if (listener >= 0) {
		assert_int_equal(
			pthread_create(&thread, NULL, answer_all, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		pthread_join(thread, NULL);
		close(listener);
	} else {
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	close(sock[0]);
	ioas_filter_free(&prog);
	assert_null(prog.filter);
	return status;
}

static void need_listener(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* ---- tests -------------------------------------------------------------- */

static void check_rows(void)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		const bool trapped = answers->result[i] == -EDOM;
		const bool right = rows[i].trapped &&
				   (closes || rows[i].nr != __NR_close);

		if (trapped != right)
			fail_msg("row %zu: %s(%llx, %llx, ...) = %ld", i,
				 rows[i].name,
				 (unsigned long long)rows[i].arg[0],
				 (unsigned long long)rows[i].arg[1],
				 answers->result[i]);
	}
}

static void traps_what_it_says(void **state)
{
	(void)state;
	need_listener(run_child(false, false));
	check_rows();
	/* One listener is all that there can be. */
	assert_int_equal(answers->second, -EBUSY);
}

static void closes_are_free_where_nobody_asks(void **state)
{
	(void)state;
	closes = false;
	need_listener(run_child(false, false));
	check_rows();
	closes = true;
}

static void works_without_privileges(void **state)
{
	(void)state;
	need_listener(run_child(true, false));
	check_rows();
	assert_int_equal(answers->no_new_privs, 1);
}

static bool may_administer(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { 0 };

	return !syscall(SYS_capget, &head, d) &&
	       (d[0].effective & 1u << CAP_SYS_ADMIN);
}

static void takes_no_privileges_needlessly(void **state)
{
	(void)state;
	if (!may_administer())
		skip();
	need_listener(run_child(false, false));
	assert_int_equal(answers->no_new_privs, 0);
}

static void refuses_other_conventions(void **state)
{
	int status;

	(void)state;
	answers->x32 = answers->compat = -ENOSYS;
	status = run_child(false, true);
	/* A kernel without 32-bit calls at all. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		status = 0;
	need_listener(status);
	assert_int_equal(answers->x32, -ENOSYS);
	assert_int_equal(answers->compat, -ENOSYS);
}

static void check_range(rlim_t limit)
{
	struct ioas_fd_range r;
	struct rlimit old, now;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = (struct rlimit){ limit, old.rlim_max };
	if (limit > old.rlim_max)
		return;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	r = ioas_filter_range();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

	assert_true(r.nr > 0 && !(r.nr & (r.nr - 1)));
	assert_int_equal(r.base % r.nr, 0);
	assert_true(r.base > 0);
	assert_true((rlim_t)(r.base + r.nr) <= limit);
	/* select(2). */
	assert_true(r.base + r.nr <= 1024);
	/* The program has most of them, and we enough. */
	assert_true((rlim_t)r.nr * 4 <= limit);
	assert_true((rlim_t)r.nr * 9 > (limit < 1024 ? limit : 1024));
}

static void range_fits_the_limit(void **state)
{
	const rlim_t limits[] = { 16,  17,   31,   64,	 100,  256,  300,
				  512, 1000, 1023, 1024, 1025, 20000 };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		check_range(limits[i]);
}

/* The kernel looks at it for every call that may have to be trapped. */
static void program_is_short(void **state)
{
	struct sock_fprog prog;

	(void)state;
	assert_int_equal(ioas_filter_build(&range, closes, &prog), 0);
	assert_in_range(prog.len, 30, 400);
	ioas_filter_free(&prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traps_what_it_says),
		cmocka_unit_test(closes_are_free_where_nobody_asks),
		cmocka_unit_test(works_without_privileges),
		cmocka_unit_test(takes_no_privileges_needlessly),
		cmocka_unit_test(refuses_other_conventions),
		cmocka_unit_test(range_fits_the_limit),
		cmocka_unit_test(program_is_short),
	};

	answers = mmap(NULL, sizeof(*answers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answers == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
