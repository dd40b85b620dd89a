/* SPDX-License-Identifier: MIT */
/*
 * poller: the thread of a function
 *
 *   busy --nothing to do--> spin 20 us --> yield 200 us --> sleep, longer and
 *    ^                                                      longer, up to 4 ms
 *    |<----- something was done ---------- look, after each -----'
 *    '<----- kick: a register was written, an answer came -------'
 *
 *   off, or a model without poll: sleeps until it is kicked
 *
 * A BAR that is mapped tells nobody when it is written, so it must be looked at.
 * Who has been idle for a while is looked at less often: a thirty-second part of the
 * time that it was idle is what its next command waits at most. On one CPU nothing
 * spins: the driver could not write anything meanwhile.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/bits.h"
#include "function/impl.h"

#define SPIN_NS 20000u
#define YIELD_NS 200000u
#define SLEEP_MIN_NS 20000u
#define SLEEP_MAX_NS 4000000u
/* Rounds of a spin between two looks. */
#define SPIN_ROUNDS 4u
/* Looks with the lock free for those who wait for it. */
#define GIVE_WAY 64u

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* ---- waiting ------------------------------------------------------------ */

void ioas_function_kick(struct ioas_function *f)
{
	struct ioas_function_pace *p = &f->pace;

	/* It sees that there is a kick, or we see that it is asleep. */
	atomic_fetch_add(&p->kicks, 1);
	if (!atomic_load(&p->asleep))
		return;
	pthread_mutex_lock(&p->mutex);
	p->kicked = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
}

static struct timespec after(uint64_t ns)
{
	const uint64_t at = ioas_model_now() + ns;

	return (struct timespec){ .tv_sec = (time_t)(at / 1000000000u),
				  .tv_nsec = (long)(at % 1000000000u) };
}

/* Up to @ns, 0: however long. Return: to be ended. */
static bool nap(struct ioas_function *f, uint64_t ns)
{
	struct ioas_function_pace *p = &f->pace;
	const struct timespec end = after(ns);
	bool stop;

	pthread_mutex_lock(&p->mutex);
	while (!p->kicked && !p->stop) {
		if (!ns)
			pthread_cond_wait(&p->cond, &p->mutex);
		else if (pthread_cond_timedwait(&p->cond, &p->mutex, &end))
			break;
	}
	p->kicked = false;
	stop = p->stop;
	pthread_mutex_unlock(&p->mutex);
	return stop;
}

/*
 * Up to @ns, 0: until there is a kick. Not at all if there was one after @kicks
 * of them, of which the looks of before may not have seen what it came for.
 */
static bool sleep_since(struct ioas_function *f, uint32_t kicks, uint64_t ns)
{
	struct ioas_function_pace *p = &f->pace;
	bool stop = false;

	atomic_store(&p->asleep, true);
	if (atomic_load(&p->kicks) == kicks) {
		ioas_function_tally(&f->tally.sleeps, 1);
		stop = nap(f, ns);
	}
	atomic_store(&p->asleep, false);
	return stop;
}

static uint64_t nap_of(uint64_t idle)
{
	const uint64_t ns = idle / 32;

	return ns < SLEEP_MIN_NS ? SLEEP_MIN_NS : ioas_min(ns, SLEEP_MAX_NS);
}

static bool is_stopped(struct ioas_function *f)
{
	bool stop;

	pthread_mutex_lock(&f->pace.mutex);
	stop = f->pace.stop;
	pthread_mutex_unlock(&f->pace.mutex);
	return stop;
}

/*
 * Idle for @idle nanoseconds so far, @kicks before the last look. Return: to be
 * ended.
 */
static bool pause_idle(struct ioas_function *f, uint32_t kicks, uint64_t idle)
{
	if (idle < SPIN_NS && f->pace.cpus > 1) {
		for (unsigned int i = 0; i < SPIN_ROUNDS; i++)
			relax();
		return false;
	}
	if (idle < (f->pace.cpus > 1 ? YIELD_NS : SPIN_NS)) {
		sched_yield();
		return is_stopped(f);
	}
	return sleep_since(f, kicks, nap_of(idle));
}

/* ---- the thread --------------------------------------------------------- */

static void give_way(struct ioas_function *f)
{
	for (unsigned int i = 0; i < GIVE_WAY; i++) {
		if (!atomic_load_explicit(&f->pace.waiting,
					  memory_order_relaxed))
			return;
		if (f->pace.cpus > 1 && i < GIVE_WAY / 2)
			relax();
		else
			sched_yield();
	}
}

/* Return: something was done. */
static bool look(struct ioas_function *f, bool *quiet)
{
	bool busy = false;

	ioas_mutex_lock(&f->lock, IOAS_RANK_FUNCTION);
	*quiet = !f->on || !f->model->poll;
	if (!*quiet) {
		busy = f->model->poll(f->state);
		ioas_function_tally(&f->tally.polls, 1);
		ioas_function_tally(&f->tally.busy_polls, busy);
	}
	ioas_mutex_unlock(&f->lock);
	return busy;
}

static void *run(void *arg)
{
	struct ioas_function *f = arg;
	uint64_t since = ioas_model_now();
	bool stop = false, quiet;

	/* Sleeps of microseconds are meant. */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	while (!stop) {
		const uint32_t kicks = atomic_load(&f->pace.kicks);
		bool busy;

		ioas_function_pri_run(f);
		busy = look(f, &quiet);
		give_way(f);
		if (quiet) {
			stop = sleep_since(f, kicks, 0);
			since = ioas_model_now();
		} else if (busy) {
			since = ioas_model_now();
			stop = is_stopped(f);
		} else {
			stop = pause_idle(f, kicks, ioas_model_now() - since);
		}
	}
	return NULL;
}

/* ---- life --------------------------------------------------------------- */

static unsigned int usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

int ioas_function_poller_start(struct ioas_function *f)
{
	struct ioas_function_pace *p = &f->pace;
	pthread_condattr_t attr;
	sigset_t all, old;
	int ret;

	p->stop = false;
	p->kicked = false;
	p->cpus = usable_cpus();
	atomic_store(&p->asleep, false);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->cond, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are for other threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&p->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		return 0;
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->mutex);
	return -EAGAIN;
}

void ioas_function_poller_stop(struct ioas_function *f)
{
	struct ioas_function_pace *p = &f->pace;

	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->mutex);
}
