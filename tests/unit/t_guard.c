/* SPDX-License-Identifier: MIT */
/*
 * guard: copies between good and bad places, and whose a signal is
 *
 * The test framework has a handler of its own in every case, so each case takes
 * the signals first. Cases that end in a signal run in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/guard.h"

#define MAX_LENGTH 200u

/* Elsewhere the kernel copies, and there is no handler of ours. */
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
#define HANDLED 1
#else
#define HANDLED 0
#endif

typedef int copy_fn(void *dst, const void *src, size_t n);

/* The inline function, so that both ways look alike. */
static int copy_fast(void *dst, const void *src, size_t n)
{
	return ioas_guard_copy(dst, src, n);
}

static copy_fn *const ways[] = { copy_fast, ioas_guard_syscall };

static size_t page;
/* A page where nothing may be. */
static char *hole;

static int begin(void **state)
{
	(void)state;
	page = (size_t)sysconf(_SC_PAGESIZE);
	hole = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return hole == MAP_FAILED;
}

static int end(void **state)
{
	(void)state;
	return munmap(hole, page);
}

/* Nothing, a page, nothing. */
static char *island(int prot)
{
	char *p = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + page, page, prot), 0);
	return p + page;
}

static void island_sink(char *p)
{
	assert_int_equal(munmap(p - page, 3 * page), 0);
}

static void pattern(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(1 + i % 127);
}

/* One copy of @n bytes at @src; @good: all of it is there. */
static void from_one(copy_fn *copy, const char *src, size_t n, bool good)
{
	char buffer[MAX_LENGTH + 32];
	int ret;

	memset(buffer, 0, sizeof(buffer));
	ret = copy(buffer + 16, src, n);
	assert_int_equal(ret, good ? 0 : -EFAULT);
	if (good)
		assert_memory_equal(buffer + 16, src, n);
	for (size_t i = 0; i < 16; i++) {
		assert_int_equal(buffer[i], 0);
		assert_int_equal(buffer[16 + n + i], 0);
	}
}

static void reading_ends_exactly_at_a_page(void **state)
{
	char *p = island(PROT_READ | PROT_WRITE);

	(void)state;
	ioas_guard_take();
	pattern(p, page);
	for (size_t way = 0; way < 2; way++) {
		for (size_t n = 0; n <= MAX_LENGTH; n++) {
			/* @at: the first byte counted from the border. */
			for (size_t at = 0; at < 24; at++) {
				from_one(ways[way], p + at, n, true);
				from_one(ways[way], p + page - n - at, n, true);
				from_one(ways[way], p - at, n, !n || !at);
				from_one(ways[way], p + page - n + at, n,
					 !n || !at);
			}
		}
	}
	island_sink(p);
}

/* One copy of @n bytes to @dst, all or part of it in the page at @p. */
static void to_one(copy_fn *copy, char *p, char *dst, size_t n, bool good)
{
	char buffer[MAX_LENGTH];

	pattern(buffer, n);
	memset(p, 0, page);
	assert_int_equal(copy(dst, buffer, n), good ? 0 : -EFAULT);
	if (good)
		assert_memory_equal(dst, buffer, n);
	for (char *q = p; q < p + page; q++) {
		if (q < dst || q >= dst + n)
			assert_int_equal(*q, 0);
	}
}

static void writing_ends_exactly_at_a_page(void **state)
{
	char *p = island(PROT_READ | PROT_WRITE);

	(void)state;
	ioas_guard_take();
	for (size_t way = 0; way < 2; way++) {
		for (size_t n = 0; n <= MAX_LENGTH; n++) {
			const size_t step = n < 40 ? 1 : 7;

			for (size_t at = 0; at < 24; at += step) {
				to_one(ways[way], p, p + at, n, true);
				to_one(ways[way], p, p + page - n - at, n,
				       true);
				to_one(ways[way], p, p - at, n, !n || !at);
				to_one(ways[way], p, p + page - n + at, n,
				       !n || !at);
			}
		}
	}
	island_sink(p);
}

static void long_copies_stop_at_a_hole(void **state)
{
	const size_t pages = 70, sizes[] = { 1023, 1024, 1025, 4097, 65 << 12 };
	char *from = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *to = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	ioas_guard_take();
	pattern(from, pages * page);
	assert_int_equal(mprotect(from + 69 * page, page, PROT_NONE), 0);
	assert_int_equal(mprotect(to + 69 * page, page, PROT_NONE), 0);
	for (size_t way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			const size_t n = sizes[i];
			char *end = from + 69 * page, *limit = to + 69 * page;

			memset(to, 0, 69 * page);
			assert_int_equal(ways[way](to + 3, end - n, n), 0);
			assert_memory_equal(to + 3, end - n, n);
			assert_int_equal(ways[way](limit - n, end - n, n), 0);
			assert_memory_equal(limit - n, end - n, n);
			assert_int_equal(ways[way](to, end - n + 1, n),
					 -EFAULT);
			assert_int_equal(ways[way](limit - n + 1, from, n),
					 -EFAULT);
		}
	}
	munmap(from, pages * page);
	munmap(to, pages * page);
}

static void what_is_no_address_is_a_fault(void **state)
{
	const uint64_t bad[] = {
		0,
		1,
		8,
		4095,
		UINT64_MAX,
		UINT64_MAX - 7,
		UINT64_MAX - 199,
		(uint64_t)1 << 63,
		(uint64_t)1 << 47,
		((uint64_t)1 << 47) - 1,
		(uint64_t)0xffff8 << 44,
		(uint64_t)0xdead << 48,
	};
	char buffer[MAX_LENGTH] = { 0 };

	(void)state;
	ioas_guard_take();
	for (size_t way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			void *p = (void *)(uintptr_t)bad[i];

			assert_int_equal(ways[way](p, buffer, 0), 0);
			assert_int_equal(ways[way](buffer, p, 0), 0);
			for (size_t n = 1; n <= MAX_LENGTH; n++) {
				assert_int_equal(ways[way](p, buffer, n),
						 -EFAULT);
				assert_int_equal(ways[way](buffer, p, n),
						 -EFAULT);
			}
			assert_int_equal(ways[way](p, p, 24), -EFAULT);
		}
	}
}

static void a_protection_holds(void **state)
{
	char *p = island(PROT_READ | PROT_WRITE), buffer[64] = { 0 };

	(void)state;
	ioas_guard_take();
	pattern(p, page);
	assert_int_equal(mprotect(p, page, PROT_READ), 0);
	for (size_t way = 0; way < 2; way++) {
		for (size_t n = 1; n <= sizeof(buffer); n++)
			assert_int_equal(ways[way](p, buffer, n), -EFAULT);
		assert_int_equal(p[0], 1);
		assert_int_equal(ways[way](buffer, p, 8), 0);
	}
	assert_int_equal(mprotect(p, page, PROT_NONE), 0);
	for (size_t way = 0; way < 2; way++)
		assert_int_equal(ways[way](buffer, p, 8), -EFAULT);
	island_sink(p);
}

static void a_page_that_its_file_lost_is_a_fault(void **state)
{
	int fd = memfd_create("t_guard", MFD_CLOEXEC);
	char buffer[64] = { 0 }, *p;

	(void)state;
	ioas_guard_take();
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	pattern(p, 2 * page);
	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	for (size_t way = 0; way < 2; way++) {
		for (size_t n = 1; n <= sizeof(buffer); n++) {
			char *last = p + page - n;

			assert_int_equal(ways[way](buffer, last, n), 0);
			assert_int_equal(ways[way](buffer, last + 1, n),
					 -EFAULT);
			assert_int_equal(ways[way](last + 1, buffer, n),
					 -EFAULT);
			assert_int_equal(ways[way](p + page, buffer, n),
					 -EFAULT);
		}
	}
	munmap(p, 2 * page);
	close(fd);
}

/* ---- threads ------------------------------------------------------------ */

static _Atomic bool stop;

static void *flip(void *arg)
{
	while (!atomic_load(&stop)) {
		mprotect(arg, page, PROT_NONE);
		mprotect(arg, page, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

static void *copy_often(void *arg)
{
	char good[72] = { 0 }, buffer[72];
	uintptr_t odd = 0;

	for (int i = 0; i < 20000; i++) {
		int ret = ioas_guard_copy(buffer, arg, sizeof(buffer));

		odd |= ret && ret != -EFAULT;
		ret = ioas_guard_copy(arg, good, sizeof(good));
		odd |= ret && ret != -EFAULT;
		odd |= ioas_guard_copy(buffer, good, sizeof(good)) != 0;
		odd |= ioas_guard_copy(buffer, NULL, 24) != -EFAULT;
		if (!(i % 1000))
			ioas_guard_take();
	}
	return (void *)odd;
}

static void threads_fault_at_the_same_time(void **state)
{
	char *p = island(PROT_READ | PROT_WRITE);
	pthread_t flipper, copier[3];
	void *odd;

	(void)state;
	ioas_guard_take();
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&flipper, NULL, flip, p), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&copier[i], NULL, copy_often, p), 0);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(copier[i], &odd);
		assert_null(odd);
	}
	atomic_store(&stop, true);
	pthread_join(flipper, NULL);
	island_sink(p);
}

/* ---- whose a signal is: in children ------------------------------------- */

/* What the handlers saw. */
static volatile sig_atomic_t calls[3];
static void *volatile seen_address;
static sigjmp_buf back;

static void on_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	calls[0]++;
	seen_address = info->si_addr;
	siglongjmp(back, 1);
}

static void on_plain(int sig)
{
	(void)sig;
	calls[1]++;
	siglongjmp(back, 1);
}

static void handle(int sig, void (*info)(int, siginfo_t *, void *),
		   void (*plain)(int), int flags)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	if (info)
		act.sa_sigaction = info;
	else
		act.sa_handler = plain;
	act.sa_flags = flags | (info ? SA_SIGINFO : 0);
	sigaddset(&act.sa_mask, SIGUSR1);
	if (sigaction(sig, &act, NULL))
		_exit(90);
}

/* ThreadSanitizer calls handlers with masks of its own. */
#if defined(__SANITIZE_THREAD__)
#define MASKS_KEPT 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MASKS_KEPT 0
#endif
#endif
#ifndef MASKS_KEPT
#define MASKS_KEPT 1
#endif

static bool masked(int sig)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, sig);
}

/* A fault that is nobody's but the program's. */
static void fault_at(void *address)
{
	char *volatile at = address;

	*(volatile char *)at = 1;
}

/* A fault of a copy does not reach the program. */
static void copy_badly(void)
{
	char buffer[24];

	if (ioas_guard_copy(buffer, NULL, sizeof(buffer)) != -EFAULT)
		_exit(91);
}

#define fail_unless(cond)                         \
	do {                                      \
		if (!(cond))                      \
			_exit(__LINE__ % 90 + 1); \
	} while (0)

/* Run @f in a child; its exit status, or 256 + the signal that ended it. */
static int child(void (*f)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		alarm(20);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static void to_info(void)
{
	handle(SIGSEGV, on_info, NULL, 0);
	ioas_guard_take();
	fail_unless(atomic_load(&ioas_guard_fast) == HANDLED);
	for (volatile int i = 0; i < 3; i++) {
		copy_badly();
		if (!sigsetjmp(back, 1))
			fault_at(hole + 5);
		fail_unless(calls[0] == i + 1 && seen_address == hole + 5);
		fail_unless(!MASKS_KEPT ||
			    (!masked(SIGSEGV) && !masked(SIGUSR1)));
	}
}

static void to_plain(void)
{
	handle(SIGSEGV, NULL, on_plain, SA_NODEFER);
	ioas_guard_take();
	for (volatile int i = 0; i < 3; i++) {
		copy_badly();
		/* Without the mask: as with SA_NODEFER it is not blocked. */
		if (!sigsetjmp(back, !MASKS_KEPT))
			fault_at(hole);
		fail_unless(calls[1] == i + 1);
		fail_unless(!MASKS_KEPT ||
			    (!masked(SIGSEGV) && masked(SIGUSR1)));
	}
}

static void to_bus(void)
{
	int fd = memfd_create("t_guard", MFD_CLOEXEC);
	char buffer[8];
	char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	handle(SIGBUS, on_info, NULL, 0);
	handle(SIGSEGV, NULL, SIG_DFL, 0);
	ioas_guard_take();
	fail_unless(ioas_guard_copy(buffer, p, sizeof(buffer)) == -EFAULT);
	fail_unless(ioas_guard_copy(p, buffer, sizeof(buffer)) == -EFAULT);
	if (!sigsetjmp(back, 1))
		fault_at(p);
	fail_unless(calls[0] == 1 && seen_address == p);
}

static void a_handler_gets_its_own_faults(void **state)
{
	(void)state;
	assert_int_equal(child(to_info), 0);
	assert_int_equal(child(to_plain), 0);
	assert_int_equal(child(to_bus), 0);
}

static void default_fault(void)
{
	handle(SIGSEGV, NULL, SIG_DFL, 0);
	ioas_guard_take();
	copy_badly();
	fault_at(hole);
}

static void default_sent(void)
{
	handle(SIGSEGV, NULL, SIG_DFL, 0);
	ioas_guard_take();
	copy_badly();
	raise(SIGSEGV);
	pause();
}

static void ignore_fault(void)
{
	handle(SIGSEGV, NULL, SIG_IGN, 0);
	ioas_guard_take();
	copy_badly();
	fault_at(hole);
}

static void ignore_sent(void)
{
	handle(SIGSEGV, NULL, SIG_IGN, 0);
	ioas_guard_take();
	raise(SIGSEGV);
	raise(SIGSEGV);
	copy_badly();
}

static void once(void)
{
	handle(SIGSEGV, on_info, NULL, (int)SA_RESETHAND);
	ioas_guard_take();
	copy_badly();
	if (!sigsetjmp(back, 1))
		fault_at(hole);
	copy_badly();
	if (calls[0] == 1)
		fault_at(hole);
}

static void default_actions_are_kept(void **state)
{
	(void)state;
	assert_int_equal(child(default_fault), 256 + SIGSEGV);
	assert_int_equal(child(default_sent), 256 + SIGSEGV);
	assert_int_equal(child(ignore_fault), 256 + SIGSEGV);
	assert_int_equal(child(ignore_sent), 0);
	assert_int_equal(child(once), 256 + SIGSEGV);
}

/* A handler that came after ours and has us as the next. */
static struct sigaction next_action;

static void on_late(int sig, siginfo_t *info, void *context)
{
	calls[2]++;
	next_action.sa_sigaction(sig, info, context);
}

static void late(void)
{
	struct sigaction act;

	handle(SIGSEGV, on_info, NULL, SA_NODEFER);
	ioas_guard_take();
	memset(&act, 0, sizeof(act));
	act.sa_sigaction = on_late;
	act.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigaction(SIGSEGV, &act, &next_action);
	/* It passes the fault on, to us. */
	copy_badly();
	fail_unless(calls[2] == HANDLED);
	ioas_guard_take();
	for (volatile int i = 0; i < 3; i++) {
		copy_badly();
		fail_unless(calls[2] == HANDLED + i);
		if (!sigsetjmp(back, 1))
			fault_at(hole + 8);
		fail_unless(calls[2] == HANDLED + 1 + i && calls[0] == 1 + i);
		fail_unless(seen_address == hole + 8);
	}
}

/* As a test framework does it: signal(), and back to what it returned. */
static void swap(void)
{
	ioas_guard_take();
	for (volatile int i = 0; i < 100; i++) {
		void (*was)(int) = signal(SIGSEGV, on_plain);

		ioas_guard_take();
		fail_unless(atomic_load(&ioas_guard_fast) == HANDLED);
		copy_badly();
		if (!sigsetjmp(back, 1))
			fault_at(hole);
		fail_unless(calls[1] == i + 1);
		signal(SIGSEGV, was);
		ioas_guard_take();
		copy_badly();
	}
}

static void ever_other(void)
{
	for (volatile int i = 0; i < 40; i++) {
		handle(SIGSEGV, on_info, NULL, i & 1 ? SA_NODEFER : 0);
		ioas_guard_take();
		copy_badly();
		if (!sigsetjmp(back, 1))
			fault_at(hole);
		fail_unless(calls[0] == i + 1);
	}
	fail_unless(!atomic_load(&ioas_guard_fast));
}

static void a_handler_may_come_later(void **state)
{
	(void)state;
	assert_int_equal(child(late), 0);
	assert_int_equal(child(swap), 0);
	assert_int_equal(child(ever_other), 0);
}

/* On a stack of its own, because the fault is that the stack is used up. */
static void alternate(void)
{
	stack_t ss = { .ss_size = 64 * 1024 };

	ss.ss_sp = malloc(ss.ss_size);
	fail_unless(ss.ss_sp && !sigaltstack(&ss, NULL));
	handle(SIGSEGV, on_info, NULL, SA_ONSTACK);
	ioas_guard_take();
	copy_badly();
	if (!sigsetjmp(back, 1))
		fault_at(hole);
	fail_unless(calls[0] == 1);
	copy_badly();
}

static void an_alternate_stack_is_used(void **state)
{
	(void)state;
	assert_int_equal(child(alternate), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_ends_exactly_at_a_page),
		cmocka_unit_test(writing_ends_exactly_at_a_page),
		cmocka_unit_test(long_copies_stop_at_a_hole),
		cmocka_unit_test(what_is_no_address_is_a_fault),
		cmocka_unit_test(a_protection_holds),
		cmocka_unit_test(a_page_that_its_file_lost_is_a_fault),
		cmocka_unit_test(threads_fault_at_the_same_time),
		cmocka_unit_test(a_handler_gets_its_own_faults),
		cmocka_unit_test(default_actions_are_kept),
		cmocka_unit_test(a_handler_may_come_later),
		cmocka_unit_test(an_alternate_stack_is_used),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
