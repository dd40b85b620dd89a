/* SPDX-License-Identifier: MIT */
/*
 * plat: memory, locks, sleeping and the barrier of the POSIX platform
 *
 * Threads make these cases probabilistic in what they reach, not in what they
 * accept: a correct platform passes always. The protocol of the rwlock is
 * argued in its file; run this under TSan as well.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plat/posix/memory.h"
#include "seam/plat.h"

#define NR_THREADS 4

/* Run @fn in @nr threads; @arg is shared. */
static void run_threads(unsigned nr, void *(*fn)(void *), void *arg)
{
	pthread_t threads[NR_THREADS];

	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, arg), 0);
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- memory ------------------------------------------------------------- */

static void memory_is_aligned_and_counted(void **state)
{
	struct ioas_memory_stats before, during, after;
	size_t total = 0;
	void *p[12];

	(void)state;
	ioas_memory_stats_get(&before);
	for (unsigned i = 0; i < 12; i++) {
		size_t align = (size_t)1 << i;

		p[i] = ioas_plat_alloc_aligned(3 * align, align);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % align, 0);
		memset(p[i], 0x5a, 3 * align);
		total += 3 * align;
	}
	ioas_memory_stats_get(&during);
	assert_int_equal(during.bytes - before.bytes, IOAS_DEBUG ? total : 0);
	assert_int_equal(during.nr_blocks - before.nr_blocks,
			 IOAS_DEBUG ? 12 : 0);
	for (unsigned i = 0; i < 12; i++)
		ioas_plat_free_aligned(p[i], (size_t)3 << i, (size_t)1 << i);
	ioas_memory_stats_get(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* Whatever the kernel makes of the hint: at an odd place, touched in part. */
static void whole_use_keeps_what_is_there(void **state)
{
	const size_t huge = (size_t)2 << 20, size = 2 * huge;
	unsigned char *p = ioas_plat_alloc_aligned(size, huge);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < huge; i += 4096)
		memset(p + i, (int)(i >> 12), 4096);
	ioas_plat_use_whole(p, size);
	ioas_plat_use_whole(p + 4096, huge);
	ioas_plat_use_whole(p, 4096);
	for (size_t i = 0; i < huge; i++)
		assert_int_equal(p[i], (unsigned char)(i >> 12));
	memset(p + huge, 1, huge);
	ioas_plat_use_whole(p, size);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[huge - 1], 0xff);
	assert_int_equal(p[huge], 1);
	ioas_plat_free_aligned(p, size, huge);
}

static void zalloc_is_zero_and_free_takes_null(void **state)
{
	static const char zero[4096];
	struct ioas_memory_stats before, after;
	void *p;

	(void)state;
	ioas_memory_stats_get(&before);
	/* Dirty the allocator's free blocks first. */
	for (size_t size = 1; size <= sizeof(zero); size *= 2) {
		p = ioas_plat_alloc(size);
		memset(p, 0xff, size);
		ioas_plat_free(p, size);
		p = ioas_plat_zalloc(size);
		assert_memory_equal(p, zero, size);
		ioas_plat_free(p, size);
	}
	ioas_plat_free(NULL, 8);
	ioas_plat_free_aligned(NULL, 8, 8);
	ioas_memory_stats_get(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* ---- mutex -------------------------------------------------------------- */

#define ROUNDS 20000

struct shared {
	struct ioas_mutex m;
	struct ioas_rwlock l;
	/* Plain, so that TSan sees a lock that does not order. */
	unsigned a, b;
	_Atomic unsigned nr_inside;
	_Atomic unsigned nr_wrong;
	_Atomic unsigned nr_readers_done;
	_Atomic bool stop;
	_Atomic unsigned order;
};

static void *mutex_thread(void *arg)
{
	struct shared *s = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		ioas_plat_mutex_lock(&s->m);
		if (atomic_fetch_add(&s->nr_inside, 1))
			atomic_fetch_add(&s->nr_wrong, 1);
		s->a++;
		/* Let others run into the lock while it is held. */
		if (i % 64 == 0)
			sched_yield();
		atomic_fetch_sub(&s->nr_inside, 1);
		ioas_plat_mutex_unlock(&s->m);
	}
	return NULL;
}

static void mutex_admits_one_at_a_time(void **state)
{
	static struct shared s;

	(void)state;
	run_threads(NR_THREADS, mutex_thread, &s);
	assert_int_equal(s.a, NR_THREADS * ROUNDS);
	assert_int_equal(s.nr_wrong, 0);
	assert_int_equal(s.m.word, 0);
}

/* ---- rwlock ------------------------------------------------------------- */

static void rwlock_write(struct shared *s)
{
	ioas_plat_rwlock_write_lock(&s->l);
	if (atomic_fetch_add(&s->nr_inside, 1))
		atomic_fetch_add(&s->nr_wrong, 1);
	s->a++;
	if (s->a % 16 == 0)
		sched_yield();
	s->b++;
	atomic_fetch_sub(&s->nr_inside, 1);
	ioas_plat_rwlock_write_unlock(&s->l);
}

static void rwlock_read(struct shared *s, bool dawdle)
{
	ioas_plat_rwlock_read_lock(&s->l);
	if (s->a != s->b || atomic_load(&s->nr_inside))
		atomic_fetch_add(&s->nr_wrong, 1);
	if (dawdle)
		sched_yield();
	ioas_plat_rwlock_read_unlock(&s->l);
}

static void *rwlock_thread(void *arg)
{
	struct shared *s = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 4)
			rwlock_read(s, i % 16 == 1);
		else
			rwlock_write(s);
	}
	return NULL;
}

static void rwlock_admits_readers_or_one_writer(void **state)
{
	static struct shared s;

	(void)state;
	run_threads(NR_THREADS, rwlock_thread, &s);
	assert_int_equal(s.a, NR_THREADS * ROUNDS / 4);
	assert_int_equal(s.a, s.b);
	assert_int_equal(s.nr_wrong, 0);
	/* Nobody is inside or counted as waiting; the phase may be either. */
	assert_int_equal(s.l.word << 2, 0);
}

/* Readers overlap, so that some reader is inside nearly all the time. */
static void *stream_of_readers(void *arg)
{
	struct shared *s = arg;

	while (!atomic_load(&s->stop))
		rwlock_read(s, true);
	return NULL;
}

static void writer_is_not_starved(void **state)
{
	static struct shared s;
	pthread_t readers[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&readers[i], NULL,
						stream_of_readers, &s),
				 0);
	for (unsigned i = 0; i < 200; i++)
		rwlock_write(&s);
	atomic_store(&s.stop, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(s.a, 200);
	assert_int_equal(s.nr_wrong, 0);
}

static void *stream_of_writers(void *arg)
{
	struct shared *s = arg;

	while (!atomic_load(&s->stop))
		rwlock_write(s);
	return NULL;
}

static void reader_is_not_starved(void **state)
{
	static struct shared s;
	pthread_t writers[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&writers[i], NULL,
						stream_of_writers, &s),
				 0);
	for (unsigned i = 0; i < 200; i++)
		rwlock_read(&s, false);
	atomic_store(&s.stop, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(writers[i], NULL);
	assert_int_equal(s.a, s.b);
	assert_int_equal(s.nr_wrong, 0);
}

/* Until somebody has changed the lock's word: counted itself as waiting. */
static uint32_t await_change(struct ioas_rwlock *l, uint32_t word)
{
	uint32_t now;

	while ((now = atomic_load(&l->word)) == word)
		sched_yield();
	return now;
}

static void *late_writer(void *arg)
{
	struct shared *s = arg;

	ioas_plat_rwlock_write_lock(&s->l);
	s->a = 1 + atomic_fetch_add(&s->order, 1);
	ioas_plat_rwlock_write_unlock(&s->l);
	return NULL;
}

static void *late_reader(void *arg)
{
	struct shared *s = arg;

	ioas_plat_rwlock_read_lock(&s->l);
	s->b = 1 + atomic_fetch_add(&s->order, 1);
	ioas_plat_rwlock_read_unlock(&s->l);
	return NULL;
}

static void waiting_writer_goes_before_a_new_reader(void **state)
{
	static struct shared s;
	pthread_t writer, reader;
	uint32_t word;

	(void)state;
	ioas_plat_rwlock_read_lock(&s.l);
	word = atomic_load(&s.l.word);
	assert_int_equal(pthread_create(&writer, NULL, late_writer, &s), 0);
	word = await_change(&s.l, word);
	assert_int_equal(pthread_create(&reader, NULL, late_reader, &s), 0);
	await_change(&s.l, word);
	assert_int_equal(s.order, 0);
	ioas_plat_rwlock_read_unlock(&s.l);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	assert_int_equal(s.a, 1);
	assert_int_equal(s.b, 2);
}

static void more_readers_than_the_word_counts_wait(void **state)
{
	static struct shared s;
	pthread_t reader;

	(void)state;
	for (unsigned i = 0; i < 1023; i++)
		ioas_plat_rwlock_read_lock(&s.l);
	assert_int_equal(s.l.word, 1023);
	assert_int_equal(pthread_create(&reader, NULL, late_reader, &s), 0);
	for (unsigned i = 0; i < 100; i++)
		sched_yield();
	assert_int_equal(s.order, 0);
	assert_int_equal(s.l.word, 1023);
	ioas_plat_rwlock_read_unlock(&s.l);
	pthread_join(reader, NULL);
	assert_int_equal(s.order, 1);
	for (unsigned i = 0; i < 1022; i++)
		ioas_plat_rwlock_read_unlock(&s.l);
	assert_int_equal(s.l.word, 0);
}

/* ---- wait and wake ------------------------------------------------------ */

struct gate {
	_Atomic uint32_t word;
	_Atomic unsigned nr_through;
};

static void *gate_thread(void *arg)
{
	struct gate *g = arg;

	while (!atomic_load(&g->word))
		ioas_plat_wait(&g->word, 0);
	atomic_fetch_add(&g->nr_through, 1);
	return NULL;
}

static void wait_returns_at_once_if_the_word_differs(void **state)
{
	_Atomic uint32_t word = 1;

	(void)state;
	errno = 1234;
	ioas_plat_wait(&word, 0);
	ioas_plat_wake(&word);
	assert_int_equal(errno, 1234);
}

static void wake_reaches_every_sleeper(void **state)
{
	static struct gate g;
	pthread_t threads[NR_THREADS];

	(void)state;
	for (unsigned i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, gate_thread,
						&g),
				 0);
	/* Long enough that most sleep; right in any case. */
	usleep(20000);
	assert_int_equal(g.nr_through, 0);
	atomic_store(&g.word, 1);
	ioas_plat_wake(&g.word);
	for (unsigned i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(g.nr_through, NR_THREADS);
}

/* ---- the barrier -------------------------------------------------------- */

/*
 * Each side stores to its own word and loads the other's: without barriers
 * both can miss the other's store, on x86 as well. The reader has none; the
 * writer's has to do for both.
 *
 *	reader: mine = i; saw = gate         writer: gate = i; barrier;
 *	                                             saw = mine
 */
struct epoch {
	/* A line each, so that a store takes its time. */
	_Alignas(128) _Atomic uint32_t round;
	_Alignas(128) _Atomic uint32_t mine;
	_Alignas(128) _Atomic uint32_t gate;
	_Alignas(128) _Atomic uint32_t saw;
	/* The round that the reader is through with. */
	_Atomic uint32_t done;
};

#define LAST_ROUND UINT32_MAX

static void *epoch_reader(void *arg)
{
	struct epoch *e = arg;
	uint32_t i, previous = 0;

	for (;;) {
		while ((i = atomic_load_explicit(&e->round,
						 memory_order_acquire)) ==
		       previous)
			;
		if (i == LAST_ROUND)
			return NULL;
		atomic_store_explicit(&e->mine, i, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		atomic_store_explicit(
			&e->saw,
			atomic_load_explicit(&e->gate, memory_order_relaxed),
			memory_order_relaxed);
		atomic_store_explicit(&e->done, i, memory_order_release);
		previous = i;
	}
}

/* True: neither side saw the other. */
static bool epoch_round(struct epoch *e, uint32_t i)
{
	uint32_t saw;

	atomic_store_explicit(&e->round, i, memory_order_release);
	/* Meet the reader a little earlier or later each time. */
	for (volatile unsigned k = 0; k < i % 128; k++)
		;
	atomic_store_explicit(&e->gate, i, memory_order_relaxed);
	ioas_plat_writer_barrier();
	saw = atomic_load_explicit(&e->mine, memory_order_relaxed);
	while (atomic_load_explicit(&e->done, memory_order_acquire) != i)
		;
	return saw != i &&
	       atomic_load_explicit(&e->saw, memory_order_relaxed) != i;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * How often neither side saw the other. By time: without a barrier rounds are
 * fast, and many are needed to see it.
 */
static unsigned epoch_run(unsigned ms)
{
	uint64_t end = now_ms() + ms;
	struct epoch e = { .round = 0 };
	unsigned nr_missed = 0;
	pthread_t reader;

	if (pthread_create(&reader, NULL, epoch_reader, &e))
		return 1;
	for (uint32_t i = 1; i % 16 || now_ms() < end; i++)
		nr_missed += epoch_round(&e, i);
	atomic_store(&e.round, LAST_ROUND);
	pthread_join(reader, NULL);
	return nr_missed;
}

static void writer_barrier_replaces_the_readers(void **state)
{
	(void)state;
	assert_int_equal(epoch_run(150), 0);
}

/* From now on this process has no membarrier. */
static int forbid_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { IOAS_ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

enum { CHILD_SKIPS = 77 };

static int without_membarrier(void)
{
	cpu_set_t before, after;

	if (forbid_membarrier() || syscall(SYS_membarrier, 0, 0, 0) != -1)
		return CHILD_SKIPS;
	if (sched_getaffinity(0, sizeof(before), &before) ||
	    epoch_run(250) ||
	    sched_getaffinity(0, sizeof(after), &after))
		return 1;
	return CPU_EQUAL(&before, &after) ? 0 : 2;
}

static void writer_barrier_works_without_membarrier(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(without_membarrier());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CHILD_SKIPS) {
		print_message("# not run: no seccomp filter here\n");
		return;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- threads ------------------------------------------------------------ */

static void *fresh_block(void *arg)
{
	static const struct ioas_thread zero;
	struct ioas_thread *t = ioas_plat_thread();
	struct shared *s = arg;

	if (memcmp(t, &zero, sizeof(zero)) || ioas_plat_thread() != t)
		atomic_fetch_add(&s->nr_wrong, 1);
	t->nr_held = 1;
	return NULL;
}

static void each_thread_has_a_zeroed_block(void **state)
{
	static struct shared s;

	(void)state;
	run_threads(NR_THREADS, fresh_block, &s);
	run_threads(NR_THREADS, fresh_block, &s);
	assert_int_equal(s.nr_wrong, 0);
	assert_int_equal(ioas_plat_thread()->nr_held, 0);
}

/* ---- hazards ------------------------------------------------------------ */

static void hazard_is_seen_while_it_is_set(void **state)
{
	struct ioas_thread *t = ioas_plat_thread();
	int thing, other;

	(void)state;
	assert_true(t->hazards || ioas_plat_hazard_join());
	assert_true(t->hazards);
	assert_false(ioas_plat_hazard(&thing));
	atomic_store(&t->hazard, &thing);
	assert_true(ioas_plat_hazard(&thing));
	assert_false(ioas_plat_hazard(&other));
	atomic_store(&t->hazard, NULL);
	assert_false(ioas_plat_hazard(&thing));
}

struct stayer {
	const void *uses;
	atomic_uint there;
	atomic_bool stop;
};

static void *stay(void *arg)
{
	struct ioas_thread *t = ioas_plat_thread();
	struct stayer *s = arg;

	if (t->hazards || ioas_plat_hazard_join())
		atomic_store(&t->hazard, s->uses);
	atomic_store(&s->there, 1);
	while (!atomic_load(&s->stop))
		sched_yield();
	atomic_store(&t->hazard, NULL);
	return NULL;
}

/* The child has this thread only. */
static void a_fork_takes_no_hazards_of_others_along(void **state)
{
	struct ioas_thread *t = ioas_plat_thread();
	int thing, own, status;
	struct stayer s = { .uses = &thing };
	pthread_t thread;
	pid_t pid;

	(void)state;
	assert_true(t->hazards || ioas_plat_hazard_join());
	assert_int_equal(pthread_create(&thread, NULL, stay, &s), 0);
	while (!atomic_load(&s.there))
		sched_yield();
	atomic_store(&t->hazard, &own);
	assert_true(ioas_plat_hazard(&thing));
	pid = fork();
	if (!pid)
		_exit(ioas_plat_hazard(&thing) || !ioas_plat_hazard(&own));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(ioas_plat_hazard(&thing));
	atomic_store(&t->hazard, NULL);
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
}

static pthread_key_t late_key;
static atomic_uint nr_late;

/* In the last round, when nobody of the thread will be told any more. */
static void late(void *arg)
{
	if (atomic_fetch_add(&nr_late, 1) < PTHREAD_DESTRUCTOR_ITERATIONS - 1)
		pthread_setspecific(late_key, arg);
	else
		ioas_plat_hazard_join();
}

static void *end_late(void *arg)
{
	ioas_plat_hazard_join();
	pthread_setspecific(late_key, arg);
	return NULL;
}

static void a_thread_that_ends_does_not_join_again(void **state)
{
	pthread_t thread;
	int thing;

	(void)state;
	assert_int_equal(pthread_key_create(&late_key, late), 0);
	for (int i = 0; i < 8; i++) {
		atomic_store(&nr_late, 0);
		assert_int_equal(pthread_create(&thread, NULL, end_late,
						&thing), 0);
		pthread_join(thread, NULL);
		assert_int_equal(nr_late, PTHREAD_DESTRUCTOR_ITERATIONS);
		assert_false(ioas_plat_hazard(&thing));
	}
	pthread_key_delete(late_key);
}

struct user {
	/* What is there to use; freed, that is zeroed, by the main thread. */
	_Atomic(atomic_uint *) slot;
	atomic_bool stop;
	atomic_uint nr_wrong;
	atomic_uint nr_used;
};

/* Say what is used, look again, use it: it must not be zeroed meanwhile. */
static void *use_slot(void *arg)
{
	struct ioas_thread *t = ioas_plat_thread();
	struct user *u = arg;

	if (!ioas_plat_hazard_join())
		return NULL;
	while (!atomic_load_explicit(&u->stop, memory_order_relaxed)) {
		atomic_uint *p = atomic_load_explicit(&u->slot,
						      memory_order_acquire);

		atomic_store_explicit(&t->hazard, p, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		if (p && atomic_load_explicit(&u->slot,
					      memory_order_acquire) == p) {
			for (int i = 0; i < 20; i++)
				if (!atomic_load_explicit(p,
							  memory_order_relaxed))
					atomic_fetch_add(&u->nr_wrong, 1);
			atomic_fetch_add(&u->nr_used, 1);
		}
		atomic_store_explicit(&t->hazard, NULL, memory_order_release);
	}
	return NULL;
}

static void hazard_keeps_what_is_used(void **state)
{
	static atomic_uint thing[64];
	struct user u = { .slot = NULL };
	pthread_t thread[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, use_slot, &u),
				 0);
	for (unsigned int i = 0; i < 2000 || !atomic_load(&u.nr_used); i++) {
		atomic_uint *p = &thing[i % 64];

		atomic_store(p, 1);
		atomic_store(&u.slot, p);
		atomic_store(&u.slot, NULL);
		while (ioas_plat_hazard(p))
			;
		atomic_store(p, 0);
	}
	atomic_store(&u.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(u.nr_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_and_counted),
		cmocka_unit_test(whole_use_keeps_what_is_there),
		cmocka_unit_test(zalloc_is_zero_and_free_takes_null),
		cmocka_unit_test(mutex_admits_one_at_a_time),
		cmocka_unit_test(rwlock_admits_readers_or_one_writer),
		cmocka_unit_test(writer_is_not_starved),
		cmocka_unit_test(reader_is_not_starved),
		cmocka_unit_test(waiting_writer_goes_before_a_new_reader),
		cmocka_unit_test(more_readers_than_the_word_counts_wait),
		cmocka_unit_test(wait_returns_at_once_if_the_word_differs),
		cmocka_unit_test(wake_reaches_every_sleeper),
		cmocka_unit_test(writer_barrier_replaces_the_readers),
		cmocka_unit_test(writer_barrier_works_without_membarrier),
		cmocka_unit_test(each_thread_has_a_zeroed_block),
		cmocka_unit_test(hazard_is_seen_while_it_is_set),
		cmocka_unit_test(a_fork_takes_no_hazards_of_others_along),
		cmocka_unit_test(a_thread_that_ends_does_not_join_again),
		cmocka_unit_test(hazard_keeps_what_is_used),
	};

	/* A lock that starves or loses a wake must not hang the suite. */
	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
