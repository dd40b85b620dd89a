/* SPDX-License-Identifier: MIT */
/*
 * instance: the one of this process, its numbers, and fork()
 *
 * The host makes every number with eventfd() (host/files.c), which the linker
 * leads to __wrap_eventfd() here. So we learn of numbers that come out of an
 * ioctl, and can say which number it is to be: for dup2(), the kernel puts a
 * duplicate of the placeholder where the program wants it, in one step.
 *
 * Locks: make_lock, held while the instance is made; nothing of ours is called
 * under it but the host.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "preload/preload.h"

/* A dup2() may release the file that was there: up to a second in all. */
#define REPLACE_YIELDS 100u
#define REPLACE_TRIES 10000u
#define REPLACE_SLEEP_US 100

_Atomic uint8_t ioas_preload_marks[IOAS_PRELOAD_FDS];

/* Ours that the program wants to hand on to the programs it executes. */
static _Atomic bool inherited[IOAS_PRELOAD_FDS];

static _Atomic(struct ioas_local *) instance;
/* Whose instance it is; 0: there is none. */
static _Atomic pid_t owner;
/* Above every number that was marked. */
static _Atomic int marks_end;
/* What fstat() says of every placeholder; set with the first. */
static dev_t placeholder_dev;
static ino_t placeholder_ino;
/* Calls of dup2() and dup3() on ours. */
static _Atomic uint64_t dups_begun, dups_done;
static pthread_mutex_t make_lock = PTHREAD_MUTEX_INITIALIZER;

/* Set once, by the first that needs it. */
static struct ioas_local_options config;
static bool quiet;
static _Atomic bool configured;
static _Atomic bool complained;

/* What the host's next eventfd() of this thread is to be. */
static _Thread_local struct {
	const struct ioas_preload_dup *dup; /* NULL: a new one */
	int fd;
	/* Why it was not to be had: errno. */
	int error;
	/* A number that stays open, plus 1. */
	int keep;
} mine __attribute__((tls_model("initial-exec")));

/* ---- marks -------------------------------------------------------------- */

static uint8_t mark_get(int fd)
{
	return atomic_load(&ioas_preload_marks[fd]);
}

static void mark_set(int fd, enum ioas_preload_mark mark)
{
	int end = atomic_load(&marks_end);

	while (end <= fd &&
	       !atomic_compare_exchange_weak(&marks_end, &end, fd + 1))
		;
	atomic_store(&ioas_preload_marks[fd], (uint8_t)mark);
}

int ioas_preload_end(void)
{
	return atomic_load(&marks_end);
}

void ioas_preload_set_cloexec(int fd, bool on)
{
	/* Untouched memory stays untouched. */
	if (atomic_load(&inherited[fd]) == on)
		atomic_store(&inherited[fd], !on);
}

bool ioas_preload_cloexec(int fd)
{
	return !atomic_load(&inherited[fd]);
}

/* ---- environment -------------------------------------------------------- */

static bool env_set(const char *name)
{
	const char *s = getenv(name);

	return s && *s && strcmp(s, "0") != 0;
}

void ioas_preload_config(void)
{
	const char *limit;
	char *end;

	if (atomic_exchange(&configured, true))
		return;
	config.test_abi = env_set("IOAS_PRELOAD_TEST_ABI");
	config.no_signals = env_set("IOAS_PRELOAD_NO_SIGNALS");
	quiet = env_set("IOAS_PRELOAD_QUIET");
	limit = getenv("IOAS_PRELOAD_MEMLOCK");
	if (limit && *limit) {
		config.rights.lock_limit = strtoull(limit, &end, 10);
		config.rights.own_limit = !*end;
	}
	/* A limit that was asked for is one for root, too. */
	if (config.rights.own_limit)
		config.rights.lock_unlimited = IOAS_LOCAL_NO;
}

int ioas_preload_lost(int fd)
{
	char line[128];
	int n;

	if (quiet || atomic_exchange(&complained, true))
		return -EIO;
	n = snprintf(line, sizeof(line),
		     "ioas: preload: descriptor %d: came through fork(), of no "
		     "use here (EIO)\n",
		     fd);
	/* Who has closed stderr does not want to know. */
	if (NEXT(write)(STDERR_FILENO, line, (size_t)n) < 0)
		return -EIO;
	return -EIO;
}

/* ---- fork --------------------------------------------------------------- */

static void forked(void)
{
	const int end = atomic_load(&marks_end);

	pthread_mutex_init(&make_lock, NULL);
	ioas_preload_unwatch_all();
	ioas_preload_signals_fork();
	/* Left as it is: others' locks may be held in it. */
	atomic_store(&instance, NULL);
	atomic_store(&owner, 0);
	atomic_store(&complained, false);
	atomic_store(&dups_done, atomic_load(&dups_begun));
	for (int fd = 0; fd < end; fd++) {
		const uint8_t mark = mark_get(fd);

		if (mark)
			mark_set(fd, mark == IOAS_PRELOAD_HIDDEN ?
					     IOAS_PRELOAD_NONE :
					     IOAS_PRELOAD_LOST);
	}
}

bool ioas_preload_owner(void)
{
	return getpid() == atomic_load(&owner);
}

/* ---- life --------------------------------------------------------------- */

static int make(struct ioas_local **out) /* make_lock */
{
	static bool registered;
	int ret;

	ioas_preload_config();
	if (!registered && pthread_atfork(NULL, NULL, forked))
		return -ENOMEM;
	registered = true;
	if (!config.no_signals)
		ioas_preload_signals();
	ret = ioas_local_create(&config, out);
	if (ret)
		return ret;
	ioas_preload_follow(*out);
	atomic_store(&owner, getpid());
	atomic_store(&instance, *out);
	return 0;
}

struct ioas_local *ioas_preload_look(void)
{
	return atomic_load_explicit(&instance, memory_order_acquire);
}

int ioas_preload_get(struct ioas_local **out)
{
	int ret = 0;

	*out = ioas_preload_look();
	if (!*out) {
		pthread_mutex_lock(&make_lock);
		*out = ioas_preload_look();
		if (!*out)
			ret = make(out);
		pthread_mutex_unlock(&make_lock);
	}
	/* A child of vfork(), or a process that was made past us. */
	return ret || ioas_preload_owner() ? ret : -EIO;
}

/* Closed past us, a number may be anybody's. */
static bool is_placeholder(int fd)
{
	struct stat st;

	return !NEXT(fstat)(fd, &st) && st.st_dev == placeholder_dev &&
	       st.st_ino == placeholder_ino;
}

enum ioas_preload_is ioas_preload_ask(int fd, struct ioas_local **l)
{
	const uint8_t mark = mark_get(fd);

	if (mark == IOAS_PRELOAD_LOST) {
		if (!is_placeholder(fd)) {
			mark_set(fd, IOAS_PRELOAD_NONE);
			return IOAS_PRELOAD_OTHER;
		}
		return IOAS_PRELOAD_GONE;
	}
	if (mark == IOAS_PRELOAD_HIDDEN)
		return IOAS_PRELOAD_OTHER;
	*l = ioas_preload_look();
	for (unsigned int i = 0; *l && i < REPLACE_TRIES; i++) {
		if (ioas_likely(ioas_local_seek(*l, fd) == -ESPIPE))
			return IOAS_PRELOAD_HERE;
		/* Being replaced, perhaps: the kernel knows no between. */
		if (!preload_marked(fd) || !is_placeholder(fd))
			break;
		if (i < REPLACE_YIELDS)
			sched_yield();
		else
			usleep(REPLACE_SLEEP_US);
	}
	return IOAS_PRELOAD_OTHER;
}

/* ---- numbers ------------------------------------------------------------ */

int __real_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags);

static int number_make(void)
{
	/* Can be read, until a queue says otherwise. */
	if (!mine.dup)
		return __real_eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mine.dup->place == IOAS_PRELOAD_EXACT)
		return NEXT(dup3)(mine.fd, mine.dup->number, O_CLOEXEC);
	return NEXT(fcntl)(mine.fd, F_DUPFD_CLOEXEC, mine.dup->number);
}

static void number_learn(int fd)
{
	struct stat st;

	if (placeholder_ino || NEXT(fstat)(fd, &st))
		return;
	placeholder_dev = st.st_dev;
	placeholder_ino = st.st_ino;
}

int __wrap_eventfd(unsigned int count, int flags)
{
	const int fd = number_make();

	(void)count;
	(void)flags;
	if (fd >= (int)IOAS_PRELOAD_FDS) {
		NEXT(close)(fd);
		errno = EMFILE;
	}
	if (fd < 0 || fd >= (int)IOAS_PRELOAD_FDS) {
		mine.error = errno;
		return -1;
	}
	number_learn(fd);
	ioas_preload_set_cloexec(fd, true);
	mark_set(fd, IOAS_PRELOAD_OURS);
	return fd;
}

bool ioas_preload_keeps(int fd)
{
	return ioas_unlikely(mine.keep && fd == mine.keep - 1);
}

/* ---- descriptors -------------------------------------------------------- */

int ioas_preload_open(unsigned int flags, bool cloexec)
{
	struct ioas_local *l;
	int ret = ioas_preload_get(&l);

	if (!ret)
		ret = ioas_local_open(l, flags, IOAS_FD_CLOEXEC);
	if (ret >= 0)
		ioas_preload_set_cloexec(ret, cloexec);
	return ret;
}

int ioas_preload_dup(struct ioas_local *l, int fd,
		     const struct ioas_preload_dup *to)
{
	struct ioas_ufile *was = NULL, *file;
	int ret;

	if (to->place == IOAS_PRELOAD_EXACT && preload_marked(to->number))
		was = ioas_preload_unwatch(to->number);
	atomic_fetch_add(&dups_begun, 1);
	mine.dup = to;
	mine.fd = fd;
	mine.error = 0;
	ret = ioas_local_dup(l, fd, IOAS_FD_CLOEXEC);
	mine.dup = NULL;
	atomic_fetch_add(&dups_done, 1);
	if (ret < 0) {
		if (was)
			ioas_preload_watch(was, to->number);
		return mine.error ? -mine.error : ret;
	}
	ioas_preload_set_cloexec(ret, to->cloexec);
	/* To look whether it is watched: take it, and give it back. */
	file = ioas_preload_unwatch(fd);
	if (file) {
		ioas_preload_watch(file, ret);
		ioas_preload_watch(file, fd);
	}
	return ret;
}

uint64_t ioas_preload_dups_done(void)
{
	return atomic_load(&dups_done);
}

bool ioas_preload_dups_since(uint64_t done)
{
	return atomic_load(&dups_begun) != done;
}

int ioas_preload_close(int fd)
{
	struct ioas_local *l = ioas_preload_look();
	const uint8_t mark = mark_get(fd);

	if (mark == IOAS_PRELOAD_LOST) {
		mark_set(fd, IOAS_PRELOAD_NONE);
		return NEXT(close)(fd);
	}
	if (!ioas_preload_owner())
		return NEXT(close)(fd);
	if (mark == IOAS_PRELOAD_HIDDEN)
		return (int)preload_result(-EBADF);
	ioas_preload_unwatch(fd);
	mark_set(fd, IOAS_PRELOAD_NONE);
	return ioas_local_close(l, fd) ? NEXT(close)(fd) : 0;
}

void ioas_preload_forget(int fd)
{
	struct ioas_local *l = ioas_preload_look();
	const uint8_t mark = mark_get(fd);

	if (mark != IOAS_PRELOAD_LOST && !ioas_preload_owner())
		return;
	mark_set(fd, IOAS_PRELOAD_NONE);
	if (mark != IOAS_PRELOAD_OURS)
		return;
	ioas_preload_unwatch(fd);
	/* Another eventfd there would be taken for the placeholder. */
	mine.keep = fd + 1;
	ioas_local_close(l, fd);
	mine.keep = 0;
}

void ioas_preload_heal(int fd)
{
	const int saved = errno;

	if (ioas_unlikely(preload_marked(fd)))
		ioas_preload_forget(fd);
	errno = saved;
}

/* ---- of our rooms ------------------------------------------------------- */

/* Below what most processes may have, and above what most have. */
#define HIDDEN_FIRST 900

int ioas_preload_hide(int fd)
{
	const int high = fd < 0 ? -1 :
				  NEXT(fcntl)(fd, F_DUPFD_CLOEXEC,
					      HIDDEN_FIRST);

	if (high >= 0 && high < (int)IOAS_PRELOAD_FDS) {
		NEXT(close)(fd);
		fd = high;
	} else if (high >= 0) {
		NEXT(close)(high);
	}
	if (fd >= 0 && fd < (int)IOAS_PRELOAD_FDS)
		mark_set(fd, IOAS_PRELOAD_HIDDEN);
	return fd;
}

bool ioas_preload_hidden(int fd)
{
	return preload_marked(fd) && mark_get(fd) == IOAS_PRELOAD_HIDDEN &&
	       ioas_preload_owner();
}

void ioas_preload_unhide(int fd)
{
	if (preload_marked(fd) && mark_get(fd) == IOAS_PRELOAD_HIDDEN)
		mark_set(fd, IOAS_PRELOAD_NONE);
}
