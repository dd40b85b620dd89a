/* SPDX-License-Identifier: MIT */
/*
 * signals: SIGSEGV and SIGBUS are the program's, and ours first
 *
 *   program: sigaction(SIGSEGV, act, old)     old: what it installed last
 *      |  next: act is in place
 *      `- ioas_guard_take()  ours again, and act the one that it passes on to
 *
 * The guard (host/guard.h) wants both signals, for copies that cost nothing. A
 * program installs its handlers when it likes, compares and puts back what was
 * there: it never sees ours. Other ways to set a handler (sigset, the system
 * call itself) are noticed at the next open.
 *
 * Locks: lock, with all signals blocked: handlers may set handlers.
 */
#include <pthread.h>
#include <string.h>

#include "host/guard.h"
#include "preload/preload.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool shared;
/* What the program thinks is in place; SIGSEGV, SIGBUS. Under lock. */
static struct sigaction programs[2];

static bool is_shared(int sig)
{
	return ioas_unlikely(sig == SIGSEGV || sig == SIGBUS) &&
	       atomic_load(&shared);
}

static struct sigaction *program_of(int sig)
{
	return &programs[sig == SIGBUS];
}

static void lock_take(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	pthread_mutex_lock(&lock);
}

static void lock_leave(const sigset_t *before)
{
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

void ioas_preload_signals(void)
{
	sigset_t before;

	/* In a child of fork() they are shared already. */
	lock_take(&before);
	if (!atomic_load(&shared)) {
		NEXT(sigaction)(SIGSEGV, NULL, program_of(SIGSEGV));
		NEXT(sigaction)(SIGBUS, NULL, program_of(SIGBUS));
		atomic_store(&shared, true);
	}
	lock_leave(&before);
}

void ioas_preload_signals_fork(void)
{
	pthread_mutex_init(&lock, NULL);
}

/* @act and @old may be NULL. */
static int action_shared(int sig, const struct sigaction *act,
			 struct sigaction *old)
{
	struct sigaction was, now;
	sigset_t before;
	int ret = 0;

	if (act)
		now = *act;
	lock_take(&before);
	was = *program_of(sig);
	if (act) {
		ret = NEXT(sigaction)(sig, &now, NULL);
		if (!ret) {
			*program_of(sig) = now;
			ioas_guard_take();
		}
	}
	lock_leave(&before);
	if (!ret && old)
		*old = was;
	return ret;
}

int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return is_shared(sig) ? action_shared(sig, act, old) :
				NEXT(sigaction)(sig, act, old);
}

static sighandler_t signal_shared(int sig, sighandler_t handler, int flags)
{
	struct sigaction act = { .sa_flags = flags }, old;

	act.sa_handler = handler;
	sigemptyset(&act.sa_mask);
	if (!(flags & (int)SA_RESETHAND))
		sigaddset(&act.sa_mask, sig);
	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	return action_shared(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

sighandler_t signal(int sig, sighandler_t handler)
{
	return is_shared(sig) ? signal_shared(sig, handler, SA_RESTART) :
				NEXT(signal)(sig, handler);
}

sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

sighandler_t ssignal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return is_shared(sig) ?
		       signal_shared(sig, handler,
				     (int)(SA_RESETHAND | SA_NODEFER)) :
		       NEXT(sysv_signal)(sig, handler);
}

sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return sysv_signal(sig, handler);
}
