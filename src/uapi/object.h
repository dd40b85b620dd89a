/* SPDX-License-Identifier: MIT */
/*
 * object: ids, users and lifetime (docs/reference/iommufd-uapi.md 4)
 *
 *            alloc                publish
 *   (free) --------> [reserved] ----------> [visible] --destroy--> (free)
 *      ^                 |                     |
 *      +-----abort-------+                     +--remove, tombstone--> [dead id]
 *
 * An id is taken at the start of a creation, lowest first, and shows nothing
 * until the object is published: lookups of it give nothing. Destruction first
 * makes the id unfindable, then calls the type's destroy, without locks.
 *
 * Invariants:
 *  O1  a visible object is found by its id, and only by it;
 *  O2  users counts whoever needs the object, beside its existence: it is
 *      destroyed only by who changed users from zero to DEAD;
 *  O3  an object is not destroyed before what depends on it, because what
 *      depends on it is a user.
 *
 * Locks: lock (rank OBJECTS) guards the tree of ids. users is atomic; it rises
 * under the lock or by who is a user already.
 */
#ifndef IOAS_UAPI_OBJECT_H
#define IOAS_UAPI_OBJECT_H

#include "base/types.h"
#include "seam/lock.h"

struct ioas_iommufd;

enum ioas_object_type {
	/* Lookups only: any type. */
	IOAS_OBJECT_ANY,
	IOAS_OBJECT_IOAS,
	IOAS_OBJECT_HWPT_PAGING,
	IOAS_OBJECT_HWPT_NESTED,
	IOAS_OBJECT_DEVICE,
	IOAS_OBJECT_ACCESS,
	IOAS_OBJECT_FAULT,
	IOAS_OBJECT_VIOMMU,
	IOAS_OBJECT_VDEVICE,
	IOAS_OBJECT_VEVENTQ,
	IOAS_OBJECT_HW_QUEUE,
	IOAS_OBJECT_SELFTEST,
	IOAS_NR_OBJECT_TYPES
};

struct ioas_object;

struct ioas_object_class {
	/* enum ioas_object_type */
	uint8_t type;
	/* Bytes of the whole object, which begins with its struct ioas_object. */
	uint32_t size;
	/* Its owner's alone: IOMMU_DESTROY is always -EBUSY. */
	bool owned;
	/* ioas_object_use() may find it. */
	bool light;
	/*
	 * Undo everything but id and memory. Cannot fail. Called for objects
	 * that were published and by ioas_object_abort(): it copes with an
	 * object that its creation left half done (zero, where not reached).
	 */
	void (*destroy)(struct ioas_object *obj);
};

#define IOAS_OBJECT_DEAD UINT32_MAX

/* The head of every object. */
struct ioas_object {
	/* Set once. */
	const struct ioas_object_class *class;
	struct ioas_iommufd *ictx;
	uint32_t id;
	_Atomic uint32_t users;
};

/* The ids of a context. */
struct ioas_idnode;

struct ioas_objects {
	struct ioas_mutex lock;
	/* Changes under lock; may be read without. */
	_Atomic(struct ioas_idnode *) root;
	/* Guarded by lock. Ids that are taken: reserved, visible or dead. */
	uint32_t nr;
	/* Highest id that may be given out; tests turn it down. */
	uint32_t max;
};

void ioas_objects_init(struct ioas_objects *o);
/* No id is taken but tombstones. */
void ioas_objects_fini(struct ioas_objects *o);

/*
 * A zeroed object of @class with a reserved id.
 * Return: 0, -ENOMEM or -EBUSY (no id is left).
 */
int ioas_object_alloc(struct ioas_iommufd *ictx,
		      const struct ioas_object_class *class,
		      struct ioas_object **out);
/* Make it visible. Cannot fail. */
void ioas_object_publish(struct ioas_object *obj);
/* Not published, has no user: destroy, free the id. */
void ioas_object_abort(struct ioas_object *obj);

/*
 * The visible object of that id and type, with a user more; NULL: there is
 * none (-ENOENT). A fault point.
 */
struct ioas_object *ioas_object_get(struct ioas_iommufd *ictx, uint32_t id,
				    enum ioas_object_type type);
/* The same without a fault point, for releases. */
struct ioas_object *ioas_object_get_sure(struct ioas_iommufd *ictx, uint32_t id,
					 enum ioas_object_type type);
/* A user more: the caller is one already, or holds what keeps @obj from going. */
void ioas_object_hold(struct ioas_object *obj);
/*
 * A user more of an object found on a list that it leaves in its destroy, under
 * the lock of that list. False: it is being destroyed.
 */
bool ioas_object_tryget(struct ioas_object *obj);
/* Accepts NULL. */
void ioas_object_put(struct ioas_object *obj);

/*
 * A short use, to its end in the same function. Of an object of a light class
 * it costs no atomic operation, if the thread has no other. NULL: there is none
 * (-ENOENT), and nothing to end. No fault point.
 */
struct ioas_object_use {
	struct ioas_object *obj;
	/* Whose hazard it is; NULL: it has a user more. */
	struct ioas_thread *thread;
};

struct ioas_object *ioas_object_use(struct ioas_object_use *use,
				    struct ioas_iommufd *ictx, uint32_t id,
				    enum ioas_object_type type);
void ioas_object_unuse(struct ioas_object_use *use);

/* IOMMU_DESTROY. Return: 0, -ENOENT, -EBUSY (users, or owned). */
int ioas_object_destroy_id(struct ioas_iommufd *ictx, uint32_t id);
/*
 * Put the caller's user and destroy if it was the last. One step: nobody else
 * can destroy @obj in between and leave the caller with a stale pointer.
 */
bool ioas_object_put_destroy(struct ioas_object *obj);
/* The owner's destroy: waits for users to go away. @obj is published. */
void ioas_object_remove(struct ioas_object *obj);
/*
 * The owner's destroy of an object that IOMMU_DESTROY may get at first, in two
 * steps. Claim: its id is dead from now on, for ever (a tombstone), and nobody
 * else destroys it; false: somebody else does already. Under a lock that keeps
 * @obj from being freed. Finish, of what was claimed, without locks: waits for
 * users to go away, destroys.
 */
bool ioas_object_claim(struct ioas_object *obj);
void ioas_object_finish(struct ioas_object *obj);

/* Destroy everything, dependents first: the context is going. */
void ioas_objects_destroy_all(struct ioas_iommufd *ictx);
/* Is any id taken (6.8)? */
bool ioas_objects_any(struct ioas_iommufd *ictx);
/*
 * The visible object with the lowest id above @after, with a user more; NULL:
 * none. For walks; @after starts as 0.
 */
struct ioas_object *ioas_object_next(struct ioas_iommufd *ictx, uint32_t after,
				     enum ioas_object_type type);
/* Number of violations of O1, O2 and of the tree's own rules, reported. */
unsigned int ioas_objects_validate(struct ioas_objects *o);

#endif
