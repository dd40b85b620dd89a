/* SPDX-License-Identifier: MIT */
/*
 * files: the table, and how a file is used without counting
 *
 *   thread            closer
 *   use = file        slot = NULL
 *   slot the same?    barrier of all threads
 *   ... call ...      use == file?  --> left = file, with a reference
 *   use = NULL        barrier
 *   left? put it      use != file?  --> take left back, unless it was taken
 *
 * Every thread has a seat where it says which file it uses. The order of "use"
 * and "slot" in the thread is the closer's business (ioas_plat_writer_barrier),
 * so a call costs a few plain loads and stores.
 *
 *  F1  A thread that found its file in the slot after it said so may use the
 *      file until it says otherwise: before the first barrier that is seen by
 *      the closer, after it the slot is empty.
 *  F2  A seat's left is NULL, or a file with a reference which that thread puts
 *      at the end of the call that it is in. While the closer is between its
 *      barriers it may be left from nothing; nobody else looks at it then but
 *      the thread, at the end of another call, which is as good.
 *  F3  A second closer that finds left as it would leave it adds nothing: the
 *      file stays until that call ends.
 *
 * A call inside a call of the same thread (a signal handler, a release) finds
 * the seat taken and counts, as does a thread that got no seat.
 *
 * Locks: t->lock guards slots against other writers; seats_lock the list of
 * seats and who leaves files there. Both have rank LEAF and are never held
 * together, nor while a file is released.
 */
#include "host/files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "uapi/host.h"

#define SLOTS_MIN 64u
/* 128 MiB of table; numbers above are as if there were no more. */
#define SLOTS_MAX ((uint32_t)1 << 24)

/* ---- seats -------------------------------------------------------------- */

static struct ioas_mutex seats_lock;
static struct ioas_seat *seats __guarded;
static pthread_once_t seats_once = PTHREAD_ONCE_INIT;
static pthread_key_t seats_key;
static bool seats_work;

_Thread_local struct ioas_seat *ioas_files_my_seat;

static void seat_leave(void *p)
{
	struct ioas_seat *seat = p;

	ioas_files_my_seat = NULL;
	ioas_mutex_lock(&seats_lock, IOAS_RANK_LEAF);
	seat->taken = false;
	ioas_mutex_unlock(&seats_lock);
}

static void seats_begin(void)
{
	seats_work = !pthread_key_create(&seats_key, seat_leave);
}

/* Seats are never freed: a thread that comes later takes one that is free. */
static struct ioas_seat *seat_find(void)
{
	struct ioas_seat *seat;

	ioas_mutex_lock(&seats_lock, IOAS_RANK_LEAF);
	for (seat = seats; seat && seat->taken; seat = seat->next)
		;
	if (!seat) {
		/* Not the seam's: it is not of any instance. */
		seat = aligned_alloc(_Alignof(struct ioas_seat), sizeof(*seat));
		if (seat) {
			*seat = (struct ioas_seat){ .next = seats };
			seats = seat;
		}
	}
	if (seat)
		seat->taken = true;
	ioas_mutex_unlock(&seats_lock);
	return seat;
}

static struct ioas_seat *seat_take(void)
{
	struct ioas_seat *seat;

	pthread_once(&seats_once, seats_begin);
	seat = seats_work ? seat_find() : NULL;
	if (seat && pthread_setspecific(seats_key, seat)) {
		seat_leave(seat);
		seat = NULL;
	}
	ioas_files_my_seat = seat;
	return seat;
}

/* F3: false if there was nothing to do. */
static bool seat_ask(struct ioas_seat *seat, struct ioas_ufile *f)
{
	struct ioas_ufile *left;

	if (atomic_load_explicit(&seat->use, memory_order_acquire) != f)
		return false;
	left = atomic_load_explicit(&seat->left, memory_order_relaxed);
	if (left == f)
		return false;
	IOAS_DCHECK(left); /* F2 */
	ioas_ufile_get(f);
	atomic_store_explicit(&seat->left, f, memory_order_release);
	seat->asked = true;
	return true;
}

static void seat_ask_again(struct ioas_seat *seat, struct ioas_ufile *f)
{
	struct ioas_ufile *left = f;

	if (!seat->asked)
		return;
	seat->asked = false;
	if (atomic_load_explicit(&seat->use, memory_order_acquire) != f &&
	    atomic_compare_exchange_strong(&seat->left, &left, NULL))
		ioas_ufile_put(f);
}

/* Put the reference of a slot, which is empty now. Accepts NULL. */
static void file_drop(struct ioas_ufile *f)
{
	bool again = false;

	if (!ioas_files_is_file(f))
		return;
	ioas_plat_writer_barrier();
	ioas_mutex_lock(&seats_lock, IOAS_RANK_LEAF);
	for (struct ioas_seat *s = seats; s; s = s->next)
		again |= seat_ask(s, f);
	if (again) {
		ioas_plat_writer_barrier();
		for (struct ioas_seat *s = seats; s; s = s->next)
			seat_ask_again(s, f);
	}
	ioas_mutex_unlock(&seats_lock);
	ioas_ufile_put(f);
}

/* ---- slots -------------------------------------------------------------- */

static size_t slots_size(uint32_t nr)
{
	return sizeof(struct ioas_slots) +
	       nr * sizeof(_Atomic(struct ioas_ufile *));
}

/* Make room for @fd. Return: 0, -EMFILE or -ENOMEM. */
static int slots_grow(struct ioas_files *t, int fd) __must_hold(t->lock)
{
	struct ioas_slots *old =
		atomic_load_explicit(&t->slots, memory_order_relaxed);
	const uint32_t had = old ? old->nr : 0;
	uint32_t nr = had ? had : SLOTS_MIN;
	struct ioas_slots *s;

	if ((uint32_t)fd < had)
		return 0;
	if ((uint32_t)fd >= SLOTS_MAX)
		return -EMFILE;
	while (nr <= (uint32_t)fd)
		nr *= 2;
	s = ioas_plat_zalloc(slots_size(nr));
	if (!s)
		return -ENOMEM;
	s->older = old;
	s->nr = nr;
	for (uint32_t i = 0; i < had; i++)
		atomic_init(&s->file[i],
			    atomic_load_explicit(&old->file[i],
						 memory_order_relaxed));
	atomic_store_explicit(&t->slots, s, memory_order_release);
	return 0;
}

/* Put @file into its slot; what was there comes back. */
static struct ioas_ufile *slot_swap(struct ioas_files *t, int fd,
				    struct ioas_ufile *file)
{
	_Atomic(struct ioas_ufile *) *slot;
	struct ioas_ufile *old = NULL;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	slot = ioas_files_slot(t, fd);
	if (slot)
		old = atomic_exchange(slot, file);
	ioas_mutex_unlock(&t->lock);
	return old;
}

/*
 * Is @fd a placeholder still? Files without an inode of their own look alike
 * (eventfds, epoll sets, timers), so one that took the number behind our back
 * is not told apart.
 */
static bool is_placeholder(const struct ioas_files *t, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == t->dev && st.st_ino == t->ino;
}

static void placeholder_learn(struct ioas_files *t, int fd) __must_hold(t->lock)
{
	struct stat st;

	if (t->ino || fstat(fd, &st))
		return;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
}

void ioas_files_init(struct ioas_files *t)
{
	*t = (struct ioas_files){ 0 };
}

void ioas_files_fini(struct ioas_files *t)
{
	struct ioas_slots *s = atomic_load(&t->slots), *older;

	for (uint32_t fd = 0; s && fd < s->nr; fd++) {
		if (atomic_load(&s->file[fd]))
			ioas_files_close(t, (int)fd);
	}
	for (; s; s = older) {
		older = s->older;
		ioas_plat_free(s, slots_size(s->nr));
	}
	atomic_store(&t->slots, NULL);
}

int ioas_files_reserve(struct ioas_files *t, unsigned int flags, int *fd)
{
	struct ioas_ufile *stale = NULL;
	int ret, n;

	n = eventfd(0,
		    EFD_NONBLOCK | (flags & IOAS_FD_CLOEXEC ? EFD_CLOEXEC : 0));
	if (n < 0)
		return errno == EMFILE || errno == ENFILE ? -EMFILE : -ENOMEM;
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	placeholder_learn(t, n);
	ret = slots_grow(t, n);
	if (!ret)
		stale = atomic_exchange(ioas_files_slot(t, n),
					IOAS_FILES_RESERVED);
	ioas_mutex_unlock(&t->lock);
	file_drop(stale);
	if (ret)
		close(n);
	else
		*fd = n;
	return ret;
}

void ioas_files_commit(struct ioas_files *t, int fd, struct ioas_ufile *file)
{
	/* Not the reserved one, if the number was closed and reserved again. */
	file_drop(slot_swap(t, fd, file));
}

void ioas_files_cancel(struct ioas_files *t, int fd)
{
	_Atomic(struct ioas_ufile *) *slot;
	struct ioas_ufile *old = IOAS_FILES_RESERVED;
	bool ours = false;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	slot = ioas_files_slot(t, fd);
	if (slot)
		ours = atomic_compare_exchange_strong(slot, &old, NULL);
	ioas_mutex_unlock(&t->lock);
	if (ours && is_placeholder(t, fd))
		close(fd);
}

int ioas_files_get(struct ioas_files *t, int fd, struct ioas_ufile **out)
{
	struct ioas_ufile *f;
	int flags;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	f = ioas_files_look(t, fd);
	if (ioas_files_is_file(f))
		ioas_ufile_get(f);
	ioas_mutex_unlock(&t->lock);
	if (f == IOAS_FILES_RESERVED)
		return -EBADF;
	if (f) {
		*out = f;
		return 0;
	}
	/* A descriptor of a path only is no open file. */
	flags = fcntl(fd, F_GETFL);
	return flags < 0 || flags & O_PATH ? -EBADF : -EINVAL;
}

bool ioas_files_reserved(struct ioas_files *t, int fd)
{
	return ioas_files_look(t, fd) == IOAS_FILES_RESERVED;
}

int ioas_files_close(struct ioas_files *t, int fd)
{
	_Atomic(struct ioas_ufile *) *slot;
	struct ioas_ufile *f = NULL;
	bool ours;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	slot = ioas_files_slot(t, fd);
	if (slot)
		f = atomic_load_explicit(slot, memory_order_relaxed);
	if (!ioas_files_is_file(f))
		f = NULL;
	else
		atomic_store_explicit(slot, NULL, memory_order_release);
	ioas_mutex_unlock(&t->lock);
	if (!f)
		return -EBADF;
	ours = is_placeholder(t, fd);
	if (ours)
		close(fd);
	file_drop(f);
	return ours ? 0 : -EBADF;
}

/* ---- use ---------------------------------------------------------------- */

int ioas_files_use_slowly(struct ioas_files *t, int fd, struct ioas_use *use)
{
	/* Not for who only asks: a seat is for a thread that has a file. */
	if (!ioas_files_is_file(ioas_files_look(t, fd)))
		return -EBADF;
	if (!ioas_files_my_seat && seat_take())
		return ioas_files_use(t, fd, use);
	use->seat = NULL;
	return ioas_files_get(t, fd, &use->file) ? -EBADF : 0;
}

void ioas_files_done_slowly(struct ioas_use *use)
{
	struct ioas_seat *seat = use->seat;

	ioas_ufile_put(seat ? atomic_exchange(&seat->left, NULL) : use->file);
}
