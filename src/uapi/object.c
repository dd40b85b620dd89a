/* SPDX-License-Identifier: MIT */
/*
 * object: the tree of ids, and who may destroy what
 *
 *   root, level 1     [ n | n | . | ... ]      64 slots, 6 bits of the id
 *                       |
 *   level 0           [ o | R | o | + | . ]    o: visible  R: reserved
 *                                              +: dead     .: free
 *
 * A node knows which of its slots are full, all the way down, so that the
 * lowest free id is found in one descent. Nodes stay until the context goes:
 * freeing an id needs no memory and gives none back.
 *
 * users is a count with two marks: WAITED says that an owner sleeps until it is
 * zero, DEAD that the object is being destroyed.
 *
 * A use of a light object counts nothing: the thread says what it uses (its
 * hazard), and looks whether the object is still where it was. Who destroys one
 * takes it out of its slot, under the lock, and asks whether a thread uses it:
 * if so, it goes back, busy. Whoever found the slot empty meanwhile waits for
 * the lock to know.
 */
#include "uapi/object.h"

#include "base/bits.h"
#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/iommufd.h"

#define FAN_LG2 6u
#define FAN (1u << FAN_LG2)
/* 64^6 ids are more than there can be. */
#define LEVELS 6u

#define ID_MAX INT32_MAX

/* What a slot of the lowest level holds beside a visible object. */
#define SLOT_RESERVED ((uintptr_t)1)
#define SLOT_DEAD ((uintptr_t)2)
/* Beside a visible object: its class is light. */
#define SLOT_LIGHT ((uintptr_t)4)

/* Of users. */
#define WAITED 0x80000000u

struct ioas_idnode {
	/* Set once. */
	uint8_t level;
	/* Slots without a free id below them. Guarded by the lock. */
	uint64_t full;
	/* Nodes; at level 0, ids. Written under the lock. */
	_Atomic(uintptr_t) slot[FAN];
};

/* ---- the tree ----------------------------------------------------------- */

static unsigned int id_slot(uint32_t id, unsigned int level)
{
	return (id >> (FAN_LG2 * level)) & (FAN - 1);
}

static uintptr_t slot_load(const _Atomic(uintptr_t) *slot)
{
	return atomic_load_explicit(slot, memory_order_acquire);
}

static void slot_store(_Atomic(uintptr_t) *slot, uintptr_t value)
{
	atomic_store_explicit(slot, value, memory_order_release);
}

static struct ioas_idnode *node_sub(const struct ioas_idnode *n,
				    unsigned int i)
{
	return (struct ioas_idnode *)slot_load(&n->slot[i]);
}

static struct ioas_idnode *node_create(unsigned int level)
{
	struct ioas_idnode *n = ioas_zalloc(sizeof(*n), IOAS_FP_ID);

	if (n)
		n->level = (uint8_t)level;
	return n;
}

static void node_free(struct ioas_idnode *n)
{
	if (!n)
		return;
	for (unsigned int i = 0; n->level && i < FAN; i++)
		node_free(node_sub(n, i));
	ioas_free(n, sizeof(*n));
}

static struct ioas_idnode *tree_root(const struct ioas_objects *o)
{
	return atomic_load_explicit(&o->root, memory_order_acquire);
}

/* One level more: the old tree is the first slot of the new root. */
static int tree_grow(struct ioas_objects *o) __must_hold(o->lock)
{
	struct ioas_idnode *root = tree_root(o);
	struct ioas_idnode *n = node_create(root ? root->level + 1u : 0);

	if (!n)
		return -ENOMEM;
	if (root) {
		slot_store(&n->slot[0], (uintptr_t)root);
		n->full = root->full == IOAS_U64_MAX;
	} else {
		/* 0 is nobody's id. */
		slot_store(&n->slot[0], SLOT_DEAD);
		n->full = 1;
	}
	atomic_store_explicit(&o->root, n, memory_order_release);
	return 0;
}

/* The slot of @id; NULL: it has no node. */
static _Atomic(uintptr_t) *tree_find(const struct ioas_objects *o, uint32_t id)
{
	struct ioas_idnode *n = tree_root(o);

	if (!n || (uint64_t)id >> (FAN_LG2 * (n->level + 1u)))
		return NULL;
	while (n->level) {
		n = node_sub(n, id_slot(id, n->level));
		if (!n)
			return NULL;
	}
	return &n->slot[id_slot(id, 0)];
}

/* Say on the way up whether slots became full, or stopped being so. */
static void tree_mark(struct ioas_objects *o, uint32_t id, bool taken)
	__must_hold(o->lock)
{
	struct ioas_idnode *path[LEVELS];
	struct ioas_idnode *n = tree_root(o);
	const unsigned int top = n->level;
	bool full = taken;

	for (path[top] = n; n->level; path[n->level] = n)
		n = node_sub(n, id_slot(id, n->level));
	for (unsigned int level = 0; level <= top; level++) {
		const uint64_t bit = UINT64_C(1) << id_slot(id, level);

		n = path[level];
		n->full = full ? n->full | bit : n->full & ~bit;
		full = n->full == IOAS_U64_MAX;
	}
}

/* The lowest free id below @n, with all nodes above it. 0: no memory. */
static uint64_t tree_lowest(struct ioas_idnode *n)
{
	uint64_t id = 0;

	for (;;) {
		const unsigned int i = ioas_ctz(~n->full);

		id = id << FAN_LG2 | i;
		if (!n->level)
			return id;
		if (!node_sub(n, i))
			slot_store(&n->slot[i],
				   (uintptr_t)node_create(n->level - 1u));
		n = node_sub(n, i);
		if (!n)
			return 0;
	}
}

/* The lowest free id, reserved. Return: 0, -ENOMEM or -EBUSY. */
static int tree_take(struct ioas_objects *o, uint32_t *out)
	__must_hold(o->lock)
{
	const struct ioas_idnode *root = tree_root(o);
	uint64_t id;

	if (!root || root->full == IOAS_U64_MAX) {
		int ret = tree_grow(o);

		if (ret)
			return ret;
	}
	id = tree_lowest(tree_root(o));
	if (!id)
		return -ENOMEM;
	if (id > o->max)
		return -EBUSY;
	*out = (uint32_t)id;
	slot_store(tree_find(o, *out), SLOT_RESERVED);
	tree_mark(o, *out, true);
	o->nr++;
	return 0;
}

static void tree_free(struct ioas_objects *o, uint32_t id)
	__must_hold(o->lock)
{
	slot_store(tree_find(o, id), 0);
	tree_mark(o, id, false);
	o->nr--;
}

static struct ioas_object *slot_object(uintptr_t slot)
{
	return slot > SLOT_DEAD ? (struct ioas_object *)(slot & ~SLOT_LIGHT) :
				  NULL;
}

static bool has_type(const struct ioas_object *obj, enum ioas_object_type type)
{
	return type == IOAS_OBJECT_ANY || obj->class->type == type;
}

static struct ioas_object *tree_lookup(struct ioas_objects *o, uint32_t id,
				       enum ioas_object_type type)
	__must_hold(o->lock)
{
	const _Atomic(uintptr_t) *slot = tree_find(o, id);
	struct ioas_object *obj = slot ? slot_object(slot_load(slot)) : NULL;

	return obj && has_type(obj, type) ? obj : NULL;
}

/* ---- users -------------------------------------------------------------- */

bool ioas_object_tryget(struct ioas_object *obj)
{
	uint32_t users = atomic_load_explicit(&obj->users,
					      memory_order_relaxed);

	do {
		if (users == IOAS_OBJECT_DEAD)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&obj->users, &users, users + 1, memory_order_acquire,
		memory_order_relaxed));
	return true;
}

void ioas_object_hold(struct ioas_object *obj)
{
	atomic_fetch_add_explicit(&obj->users, 1, memory_order_relaxed);
}

void ioas_object_put(struct ioas_object *obj)
{
	if (obj && atomic_fetch_sub_explicit(&obj->users, 1,
					     memory_order_release) ==
			   (WAITED | 1))
		ioas_plat_wake(&obj->users);
}

/* Nobody uses it, and nobody will. */
static bool kill_idle(struct ioas_object *obj, uint32_t users)
{
	return atomic_compare_exchange_strong_explicit(
		&obj->users, &users, IOAS_OBJECT_DEAD, memory_order_acquire,
		memory_order_relaxed);
}

/* Sleep until the last user is gone. */
static void users_drain(struct ioas_object *obj)
{
	uint32_t users = atomic_fetch_or_explicit(&obj->users, WAITED,
						  memory_order_acquire) |
			 WAITED;

	while (users != WAITED) {
		ioas_plat_wait(&obj->users, users);
		users = atomic_load_explicit(&obj->users,
					     memory_order_acquire);
	}
	atomic_store_explicit(&obj->users, IOAS_OBJECT_DEAD,
			      memory_order_relaxed);
}

/* ---- life --------------------------------------------------------------- */

void ioas_objects_init(struct ioas_objects *o)
{
	*o = (struct ioas_objects){ .max = ID_MAX };
}

void ioas_objects_fini(struct ioas_objects *o)
{
	node_free(tree_root(o));
	atomic_store_explicit(&o->root, NULL, memory_order_relaxed);
}

int ioas_object_alloc(struct ioas_iommufd *ictx,
		      const struct ioas_object_class *class,
		      struct ioas_object **out)
{
	struct ioas_objects *o = &ictx->objects;
	struct ioas_object *obj = ioas_zalloc(class->size, IOAS_FP_ALLOC_SPACE);
	int ret;

	if (!obj)
		return -ENOMEM;
	obj->class = class;
	obj->ictx = ictx;
	ret = ioas_fault_point(IOAS_FP_ID) ? -ENOMEM : 0;
	if (!ret) {
		ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
		ret = tree_take(o, &obj->id);
		ioas_mutex_unlock(&o->lock);
	}
	if (ret)
		ioas_free(obj, class->size);
	else
		*out = obj;
	return ret;
}

static uintptr_t object_slot(const struct ioas_object *obj)
{
	return (uintptr_t)obj | (obj->class->light ? SLOT_LIGHT : 0);
}

void ioas_object_publish(struct ioas_object *obj)
{
	struct ioas_objects *o = &obj->ictx->objects;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	slot_store(tree_find(o, obj->id), object_slot(obj));
	ioas_mutex_unlock(&o->lock);
}

/* The id is unfindable or never was found; nobody else has the object. */
static void object_destroy(struct ioas_object *obj)
{
	obj->class->destroy(obj);
	ioas_free(obj, obj->class->size);
}

static void id_release(struct ioas_objects *o, uint32_t id)
{
	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	tree_free(o, id);
	ioas_mutex_unlock(&o->lock);
}

void ioas_object_abort(struct ioas_object *obj)
{
	struct ioas_objects *o = &obj->ictx->objects;
	const uint32_t id = obj->id;

	IOAS_CHECK(atomic_load(&obj->users));
	object_destroy(obj);
	id_release(o, id);
}

struct ioas_object *ioas_object_get_sure(struct ioas_iommufd *ictx, uint32_t id,
					 enum ioas_object_type type)
{
	struct ioas_objects *o = &ictx->objects;
	struct ioas_object *obj;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	obj = tree_lookup(o, id, type);
	if (obj && !ioas_object_tryget(obj))
		obj = NULL;
	ioas_mutex_unlock(&o->lock);
	return obj;
}

struct ioas_object *ioas_object_get(struct ioas_iommufd *ictx, uint32_t id,
				    enum ioas_object_type type)
{
	if (ioas_fault_point(IOAS_FP_OBJECT))
		return NULL;
	return ioas_object_get_sure(ictx, id, type);
}

/*
 * Take a visible object with so many users, who are the caller's, out of sight
 * for good. False: somebody else uses it. @alone: nobody can, as the context is
 * going. A hazard is not asked then: it may be the address of an object that is
 * no more, said a moment too late by a thread of another context.
 */
static bool tree_kill(struct ioas_objects *o, struct ioas_object *obj,
		      uint32_t users, bool alone) __must_hold(o->lock)
{
	_Atomic(uintptr_t) *slot = tree_find(o, obj->id);

	if (!kill_idle(obj, users))
		return false;
	if (obj->class->light && !alone) {
		slot_store(slot, SLOT_RESERVED);
		if (ioas_plat_hazard(obj)) {
			atomic_store_explicit(&obj->users, users,
					      memory_order_relaxed);
			slot_store(slot, object_slot(obj));
			return false;
		}
	}
	tree_free(o, obj->id);
	return true;
}

static int destroy_id(struct ioas_iommufd *ictx, uint32_t id, bool alone)
{
	struct ioas_objects *o = &ictx->objects;
	struct ioas_object *obj;
	int ret = 0;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	obj = tree_lookup(o, id, IOAS_OBJECT_ANY);
	if (!obj)
		ret = -ENOENT;
	else if (obj->class->owned || !tree_kill(o, obj, 0, alone))
		ret = -EBUSY;
	ioas_mutex_unlock(&o->lock);
	if (!ret)
		object_destroy(obj);
	return ret;
}

int ioas_object_destroy_id(struct ioas_iommufd *ictx, uint32_t id)
{
	return destroy_id(ictx, id, false);
}

bool ioas_object_put_destroy(struct ioas_object *obj)
{
	struct ioas_objects *o = &obj->ictx->objects;
	bool last;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	last = tree_kill(o, obj, 1, false);
	if (!last)
		ioas_object_put(obj);
	ioas_mutex_unlock(&o->lock);
	if (last)
		object_destroy(obj);
	return last;
}

void ioas_object_remove(struct ioas_object *obj)
{
	id_release(&obj->ictx->objects, obj->id);
	users_drain(obj);
	object_destroy(obj);
}

bool ioas_object_claim(struct ioas_object *obj)
{
	struct ioas_objects *o = &obj->ictx->objects;
	_Atomic(uintptr_t) *slot;
	bool mine;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	slot = tree_find(o, obj->id);
	mine = slot && slot_object(slot_load(slot)) == obj;
	if (mine)
		slot_store(slot, SLOT_DEAD);
	ioas_mutex_unlock(&o->lock);
	return mine;
}

void ioas_object_finish(struct ioas_object *obj)
{
	users_drain(obj);
	object_destroy(obj);
}

/* ---- use ---------------------------------------------------------------- */

/* What the slot of @id says, if it is light and says it twice. */
static struct ioas_object *hazard_get(const struct ioas_objects *o,
				      struct ioas_thread *t, uint32_t id,
				      enum ioas_object_type type)
{
	const _Atomic(uintptr_t) *slot = tree_find(o, id);
	const uintptr_t value = slot ? slot_load(slot) : 0;
	struct ioas_object *obj = slot_object(value);

	if (!(value & SLOT_LIGHT))
		return NULL;
	/* Not looked at before it has been found again: it may be gone. */
	atomic_store_explicit(&t->hazard, obj, memory_order_relaxed);
	/* The other half of the barrier is ioas_plat_hazard()'s. */
	atomic_signal_fence(memory_order_seq_cst);
	if (ioas_likely(slot_load(slot) == value && has_type(obj, type)))
		return obj;
	atomic_store_explicit(&t->hazard, NULL, memory_order_release);
	return NULL;
}

struct ioas_object *ioas_object_use(struct ioas_object_use *use,
				    struct ioas_iommufd *ictx, uint32_t id,
				    enum ioas_object_type type)
{
	struct ioas_thread *t = ioas_plat_thread();

	use->thread = t;
	use->obj = NULL;
	if (ioas_likely(!atomic_load_explicit(&t->hazard,
					      memory_order_relaxed) &&
			(t->hazards || ioas_plat_hazard_join())))
		use->obj = hazard_get(&ictx->objects, t, id, type);
	if (use->obj)
		return use->obj;
	use->thread = NULL;
	use->obj = ioas_object_get_sure(ictx, id, type);
	return use->obj;
}

void ioas_object_unuse(struct ioas_object_use *use)
{
	if (use->thread)
		atomic_store_explicit(&use->thread->hazard, NULL,
				      memory_order_release);
	else
		ioas_object_put(use->obj);
}

/* ---- walks -------------------------------------------------------------- */

/* The lowest visible id from @from on below @n, whose ids begin at @base. */
static struct ioas_object *node_next(const struct ioas_idnode *n, uint64_t base,
				     uint64_t from, enum ioas_object_type type)
{
	const uint64_t span = UINT64_C(1) << (FAN_LG2 * n->level);

	for (unsigned int i = 0; i < FAN; i++) {
		const uint64_t first = base + i * span;
		const uintptr_t slot = slot_load(&n->slot[i]);
		struct ioas_object *obj;

		if (!slot || first + span <= from)
			continue;
		obj = n->level ? node_next((struct ioas_idnode *)slot, first,
					   from, type) :
				 slot_object(slot);
		if (obj && has_type(obj, type))
			return obj;
	}
	return NULL;
}

struct ioas_object *ioas_object_next(struct ioas_iommufd *ictx, uint32_t after,
				     enum ioas_object_type type)
{
	struct ioas_objects *o = &ictx->objects;
	struct ioas_object *obj = NULL;
	uint64_t from = (uint64_t)after + 1;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	while (tree_root(o)) {
		obj = node_next(tree_root(o), 0, from, type);
		if (!obj || ioas_object_tryget(obj))
			break;
		from = (uint64_t)obj->id + 1;
	}
	ioas_mutex_unlock(&o->lock);
	return obj;
}

bool ioas_objects_any(struct ioas_iommufd *ictx)
{
	struct ioas_objects *o = &ictx->objects;
	bool any;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	any = o->nr;
	ioas_mutex_unlock(&o->lock);
	return any;
}

/*
 * A round destroys what nobody uses; what it used goes in the next. Nothing
 * depends on more than a handful of objects in a row, so the rounds are few.
 */
void ioas_objects_destroy_all(struct ioas_iommufd *ictx)
{
	bool progress, left;

	do {
		struct ioas_object *obj;
		uint32_t id = 0;

		progress = false;
		left = false;
		while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_ANY))) {
			id = obj->id;
			ioas_object_put(obj);
			if (destroy_id(ictx, id, true))
				left = true;
			else
				progress = true;
		}
	} while (progress && left);
	IOAS_CHECK(left);
}

/* ---- validate ----------------------------------------------------------- */

struct tally {
	uint32_t taken;
	unsigned int bad;
};

static void slot_validate(uintptr_t slot, uint64_t id, struct tally *t)
{
	const struct ioas_object *obj = slot_object(slot);

	t->taken += slot != 0;
	if (!obj)
		return;
	/* O1; O2: a DEAD object has left the tree. */
	t->bad += IOAS_CHECK(obj->id != id);
	t->bad += IOAS_CHECK(atomic_load(&obj->users) == IOAS_OBJECT_DEAD);
	t->bad += IOAS_CHECK(slot != object_slot(obj));
}

static void node_validate(const struct ioas_idnode *n, uint64_t base,
			  struct tally *t)
{
	for (unsigned int i = 0; i < FAN; i++) {
		const uint64_t id = base +
				    ((uint64_t)i << (FAN_LG2 * n->level));
		const uintptr_t slot = slot_load(&n->slot[i]);
		const struct ioas_idnode *sub =
			n->level ? (const struct ioas_idnode *)slot : NULL;
		const bool full = sub ? sub->full == IOAS_U64_MAX :
					!n->level && slot;

		t->bad += IOAS_CHECK(full != (n->full >> i & 1));
		t->bad += IOAS_CHECK(sub && sub->level + 1u != n->level);
		if (sub)
			node_validate(sub, id, t);
		else if (!n->level)
			slot_validate(slot, id, t);
	}
}

unsigned int ioas_objects_validate(struct ioas_objects *o)
{
	struct tally t = { 0 };

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	if (tree_root(o)) {
		node_validate(tree_root(o), 0, &t);
		/* The slot of id 0 counts as taken, but not in nr. */
		t.bad += IOAS_CHECK(t.taken != o->nr + 1);
	}
	ioas_mutex_unlock(&o->lock);
	return t.bad;
}
