/* SPDX-License-Identifier: MIT */
/*
 * access: the core's access with an id, a user of its IOAS
 */
#include "uapi/access.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/iommufd.h"

/* The owner detached it before. */
static void access_destroy(struct ioas_object *obj)
{
	struct ioas_uaccess_client *c =
		ioas_container_of(obj, struct ioas_uaccess_client, obj);

	ioas_access_destroy(c->access);
	if (c->space)
		ioas_object_put(&c->space->obj);
}

static const struct ioas_object_class access_class = {
	.type = IOAS_OBJECT_ACCESS,
	.size = sizeof(struct ioas_uaccess_client),
	.owned = true,
	.destroy = access_destroy,
};

int ioas_uaccess_create(struct ioas_iommufd *ictx,
			const struct ioas_access_ops *ops, void *data,
			unsigned int flags, struct ioas_uaccess_client **out)
{
	struct ioas_uaccess_client *c;
	struct ioas_object *obj;
	int ret = ioas_object_alloc(ictx, &access_class, &obj);

	if (ret)
		return ret;
	c = ioas_container_of(obj, struct ioas_uaccess_client, obj);
	ret = ioas_access_create(&ictx->core, ops, data, flags, &c->access);
	if (ret) {
		ioas_object_abort(obj);
		return ret;
	}
	ioas_object_publish(obj);
	*out = c;
	return 0;
}

void ioas_uaccess_destroy(struct ioas_uaccess_client *c)
{
	if (c)
		ioas_object_remove(&c->obj);
}

int ioas_uaccess_attach_space(struct ioas_uaccess_client *c,
			      struct ioas_space *space)
{
	int ret = ioas_access_attach(c->access, space->ioas);

	if (ret)
		return ret;
	ioas_object_hold(&space->obj);
	c->space = space;
	return 0;
}

int ioas_uaccess_attach(struct ioas_uaccess_client *c, uint32_t ioas_id)
{
	struct ioas_space *space = ioas_space_get(c->obj.ictx, ioas_id);
	int ret;

	if (!space)
		return -ENOENT;
	ret = ioas_uaccess_attach_space(c, space);
	ioas_object_put(&space->obj);
	return ret;
}

/* The lookup's user of @space becomes the access's. */
int ioas_uaccess_replace(struct ioas_uaccess_client *c, uint32_t ioas_id)
{
	struct ioas_space *space = ioas_space_get(c->obj.ictx, ioas_id);
	struct ioas_space *drop = space;
	int ret = 0;

	if (!space)
		return -ENOENT;
	if (!c->space)
		ret = -ENOENT;
	else if (space != c->space)
		ret = ioas_access_replace(c->access, space->ioas);
	if (!ret) {
		drop = c->space;
		c->space = space;
	}
	ioas_object_put(&drop->obj);
	return ret;
}
