/* SPDX-License-Identifier: MIT */
/*
 * thread: what the library remembers about each thread
 *
 *   list of hazards --> node of thread 1 --> node of thread 2 --> ...
 *                          | thread
 *                          v
 *                       struct ioas_thread, gone when the thread is
 *
 * A thread joins the list when it first has a hazard, and leaves it when it
 * ends; asking about one visits all. One that is ending does not join again: it
 * might not be told a second time. The child of a fork has one thread, and its
 * list has no other: the memory of the rest is for the system to use again.
 *
 * Locks: lock (rank LEAF) guards the list.
 */
#include <pthread.h>
#include <stdlib.h>

#include "seam/lock.h"

struct node {
	struct node *next;
	struct node **link;
	struct ioas_thread *thread;
};

static _Thread_local struct ioas_thread self;
static _Thread_local bool ending;

static struct ioas_mutex lock;
static struct node *nodes __guarded;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool works;

struct ioas_thread *ioas_plat_thread(void)
{
	return &self;
}

static void node_leave(void *p)
{
	struct node *n = p;

	ioas_mutex_lock(&lock, IOAS_RANK_LEAF);
	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
	ioas_mutex_unlock(&lock);
	self.hazards = false;
	ending = true;
	free(n);
}

static void node_add(struct node *n) __must_hold(lock)
{
	n->next = nodes;
	n->link = &nodes;
	if (nodes)
		nodes->link = &n->next;
	nodes = n;
}

/* Somebody may have held the lock, and does not exist here. */
static __no_lock_analysis void child_begin(void)
{
	struct node *own = pthread_getspecific(key);

	atomic_store(&lock.word, 0);
	nodes = NULL;
	if (own)
		node_add(own);
}

static void begin(void)
{
	works = !pthread_key_create(&key, node_leave) &&
		!pthread_atfork(NULL, NULL, child_begin);
}

/* Not the seam's memory: it is not of any instance. */
bool ioas_plat_hazard_join(void)
{
	struct node *n;

	if (ending)
		return false;
	pthread_once(&once, begin);
	n = works ? malloc(sizeof(*n)) : NULL;
	if (!n)
		return false;
	*n = (struct node){ .thread = &self };
	if (pthread_setspecific(key, n)) {
		free(n);
		return false;
	}
	ioas_mutex_lock(&lock, IOAS_RANK_LEAF);
	node_add(n);
	ioas_mutex_unlock(&lock);
	self.hazards = true;
	return true;
}

bool ioas_plat_hazard(const void *p)
{
	bool used = false;

	ioas_plat_writer_barrier();
	ioas_mutex_lock(&lock, IOAS_RANK_LEAF);
	for (const struct node *n = nodes; n && !used; n = n->next)
		used = atomic_load_explicit(&n->thread->hazard,
					    memory_order_acquire) == p;
	ioas_mutex_unlock(&lock);
	return used;
}
