/* SPDX-License-Identifier: MIT */
/*
 * access: software users of an IOAS, each a file (4.7 to 4.11, 6)
 *
 *   file --> ACCESS object --> core's access --> IOAS
 *     `- items   ranges that are pinned, numbered; found by either
 *
 * An item is in the trees exactly while its range is pinned: both change under
 * one lock, which the unmap callback takes as well. So a callback waits until a
 * pin that was on its way is in them, and then drops it; when it returns,
 * nothing that it had to release is left. The core calls it with no lock of its
 * own, and does not wait for it while it holds one, so pinning and unpinning
 * under the lock is in order.
 *
 * Locks: change (rank SPACE) serialises what attaches and replaces; lock (rank
 * QUEUE) guards the items.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/access.h"

/* Bytes of a pin or a transfer. */
#define LENGTH_MAX (UINT64_C(16) << 20)

struct mock_access {
	struct ioas_ufile file;
	/* Set once. A reference. */
	struct ioas_iommufd *ictx;
	struct ioas_uaccess_client *client;
	bool pins;

	struct ioas_mutex change;

	struct ioas_mutex lock;
	/* struct item, by range and by id; guarded by lock. */
	struct ioas_itree ranges;
	struct ioas_itree ids;
	uint32_t next_id;
};

struct item {
	struct ioas_itree_node range;
	struct ioas_itree_node id;
};

static struct mock_access *access_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct mock_access, file);
}

/* ---- items -------------------------------------------------------------- */

static void item_drop(struct mock_access *a, struct item *it)
	__must_hold(a->lock)
{
	ioas_assert_held(&a->lock);
	ioas_itree_remove(&a->ranges, &it->range);
	ioas_itree_remove(&a->ids, &it->id);
	ioas_access_unpin(a->client->access, it->range.first,
			  it->range.last - it->range.first + 1);
	ioas_free(it, sizeof(*it));
}

/* Of the core: everything that intersects the range has to go. */
static void access_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct mock_access *a = data;
	struct ioas_itree_node *n;
	ioas_iova_t last;

	/* The whole space is said in one byte less than it has. */
	if (length == IOAS_U64_MAX || !ioas_last(iova, length, &last))
		last = IOAS_U64_MAX;
	ioas_mutex_lock(&a->lock, IOAS_RANK_QUEUE);
	while ((n = ioas_itree_first(&a->ranges, iova, last)))
		item_drop(a, ioas_container_of(n, struct item, range));
	ioas_mutex_unlock(&a->lock);
}

static const struct ioas_access_ops access_ops = {
	.unmap = access_unmap,
};

/*
 * Pin @length bytes as @it, and number it: *@id. On error @it is the caller's
 * still. What can be pinned does not wrap.
 */
static int item_pin(struct mock_access *a, struct item *it, ioas_iova_t iova,
		    uint64_t length, unsigned int flags,
		    struct ioas_run_list *list, uint32_t *id)
{
	int ret;

	ioas_mutex_lock(&a->lock, IOAS_RANK_QUEUE);
	ret = ioas_access_pin(a->client->access, iova, length, flags, list);
	if (!ret) {
		*id = a->next_id++;
		it->id.first = *id;
		it->id.last = *id;
		it->range.first = iova;
		it->range.last = iova + (length - 1);
		ioas_itree_insert(&a->ids, &it->id);
		ioas_itree_insert(&a->ranges, &it->range);
	}
	ioas_mutex_unlock(&a->lock);
	return ret;
}

/* True: there was one. */
static bool item_unpin(struct mock_access *a, uint32_t id) __must_hold(a->lock)
{
	struct ioas_itree_node *n = ioas_itree_first(&a->ids, id, id);

	if (n)
		item_drop(a, ioas_container_of(n, struct item, id));
	return n;
}

/* As if @id had never been given out, if nobody has a later one. */
static void item_undo(struct mock_access *a, uint32_t id)
{
	ioas_mutex_lock(&a->lock, IOAS_RANK_QUEUE);
	item_unpin(a, id);
	if (a->next_id == id + 1)
		a->next_id = id;
	ioas_mutex_unlock(&a->lock);
}

/* ---- the file ----------------------------------------------------------- */

static void access_release(struct ioas_ufile *f)
{
	struct mock_access *a = access_of(f);

	ioas_uaccess_destroy(a->client);
	IOAS_CHECK(a->ranges.root || a->ids.root);
	ioas_iommufd_put(a->ictx);
	ioas_free(a, sizeof(*a));
}

static const struct ioas_ufile_ops access_file_ops = {
	.name = "anon_inode:[iommufd_test_staccess]",
	.release = access_release,
};

/* With a reference. NULL: -EBADFD. */
static struct mock_access *access_get(struct ioas_ucmd *ucmd, uint32_t fd)
{
	struct ioas_host *host = ioas_mock_host(ioas_mock_of(ucmd));
	struct ioas_ufile *f;

	if (host->ops->fd_get(host, (int32_t)fd, &f))
		return NULL;
	if (f->ops == &access_file_ops)
		return access_of(f);
	ioas_ufile_put(f);
	return NULL;
}

/* 4.7. The file is undone by who called us, if anything fails. */
int ioas_test_create_access(struct ioas_ucmd *ucmd,
			    struct ioas_abi_test_cmd *cmd)
{
	struct ioas_abi_test_create_access *c = &cmd->create_access;
	struct mock_access *a;
	int32_t fd;
	int ret;

	if (c->flags & ~IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	a = ioas_zalloc(sizeof(*a), IOAS_FP_ALLOC_SPACE);
	if (!a)
		return -ENOMEM;
	ioas_ufile_init(&a->file, &access_file_ops);
	a->ictx = ioas_iommufd_get(ucmd->ictx);
	a->pins = c->flags & IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	if (ioas_ucmd_file(ucmd, &a->file, IOAS_FD_CLOEXEC, &fd))
		return -ENOMEM;
	ret = ioas_uaccess_create(ucmd->ictx, &access_ops, a,
				  a->pins ? IOAS_ACCESS_PINS : 0, &a->client);
	if (!ret)
		ret = ioas_uaccess_attach(a->client, cmd->id);
	if (ret)
		return ret;
	c->out_access_fd = (uint32_t)fd;
	return ioas_ucmd_respond(ucmd);
}

/* 4.8 */
int ioas_test_access_replace_ioas(struct ioas_ucmd *ucmd,
				  struct ioas_abi_test_cmd *cmd)
{
	struct mock_access *a = access_get(ucmd, cmd->id);
	int ret;

	if (!a)
		return -EBADFD;
	ioas_mutex_lock(&a->change, IOAS_RANK_SPACE);
	ret = ioas_uaccess_replace(a->client, cmd->access_replace_ioas.ioas_id);
	ioas_mutex_unlock(&a->change);
	ioas_ufile_put(&a->file);
	return ret;
}

/* 4.24: @iova as the program means it. */
static ioas_iova_t access_iova(struct mock_access *a, uint32_t flags,
			       uint64_t iova)
{
	if (!(flags & IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ))
		return iova;
	ioas_mutex_lock(&a->change, IOAS_RANK_SPACE);
	iova = a->client->space ?
		       ioas_mock_syz_iova(a->client->space, iova) :
		       0;
	ioas_mutex_unlock(&a->change);
	return iova;
}

/* ---- pins --------------------------------------------------------------- */

/* Frames that were pinned, and how far they have been compared. */
struct pinned {
	struct ioas_run_list list;
	uint32_t run;
	uint64_t done;
};

/* Are the frames of the caller the next ones that were pinned? */
static int pinned_compare(void *ctx, const struct ioas_run *user)
{
	struct pinned *p = ctx;
	uint64_t n;

	for (uint64_t at = 0; at < user->nr; at += n) {
		const struct ioas_run *r = &p->list.runs[p->run];

		if (r->pfn + p->done != user->pfn + at)
			return -EBADE;
		n = ioas_min(r->nr - p->done, user->nr - at);
		p->done += n;
		if (p->done == r->nr) {
			p->run++;
			p->done = 0;
		}
	}
	return 0;
}

static int pinned_check(struct ioas_mock *mock, struct pinned *p,
			uint64_t address)
{
	const uint8_t page_lg2 = ioas_mock_host(mock)->page_lg2;
	uint64_t nr = 0;

	for (uint32_t i = 0; i < p->list.nr; i++)
		nr += p->list.runs[i].nr;
	return ioas_mock_user_runs(mock, address >> page_lg2, nr,
				   pinned_compare, p);
}

/* Steps 5 and 6 of 4.9 without a comparison, and the third of 7. */
static int access_pin(struct mock_access *a,
		      struct ioas_abi_test_access_pages *p, ioas_iova_t iova,
		      struct ioas_run_list *list)
{
	struct item *it = ioas_alloc(sizeof(*it), IOAS_FP_ALLOC_LIST);
	int ret;

	if (!it)
		return -ENOMEM;
	ret = item_pin(a, it, iova, p->length,
		       p->flags & IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE ?
			       IOAS_ACCESS_WRITE :
			       0,
		       list, &p->out_access_pages_id);
	if (ret)
		ioas_free(it, sizeof(*it));
	return ret;
}

static int access_pin_compare(struct mock_access *a, struct ioas_mock *mock,
			      struct ioas_abi_test_access_pages *p,
			      ioas_iova_t iova)
{
	const uint64_t page = ioas_page_size(&a->ictx->core);
	/* A page more than fit, as the first may be cut. */
	struct pinned pinned = {
		.list.max = (uint32_t)(p->length / page) + 2,
	};
	const size_t bytes = pinned.list.max * sizeof(struct ioas_run);
	int ret;

	pinned.list.runs = ioas_alloc(bytes, IOAS_FP_ALLOC_LIST);
	if (!pinned.list.runs)
		return -ENOMEM;
	ret = access_pin(a, p, iova, &pinned.list);
	if (!ret) {
		ret = pinned_check(mock, &pinned,
				   p->uptr - (iova & (page - 1)));
		if (ret)
			item_undo(a, p->out_access_pages_id);
	}
	ioas_free(pinned.list.runs, bytes);
	return ret;
}

/* From step 4 on. */
static int access_pages(struct mock_access *a, struct ioas_ucmd *ucmd,
			struct ioas_abi_test_access_pages *p)
{
	ioas_iova_t iova;
	int ret;

	if (!a->pins)
		return -EOPNOTSUPP;
	iova = access_iova(a, p->flags, p->iova);
	if (p->uptr)
		ret = access_pin_compare(a, ioas_mock_of(ucmd), p, iova);
	else
		ret = access_pin(a, p, iova, NULL);
	if (ret)
		return ret;
	ret = ioas_ucmd_respond(ucmd);
	if (ret)
		item_undo(a, p->out_access_pages_id);
	return ret;
}

/* 4.9 */
int ioas_test_access_pages(struct ioas_ucmd *ucmd,
			   struct ioas_abi_test_cmd *cmd)
{
	struct ioas_abi_test_access_pages *p = &cmd->access_pages;
	struct mock_access *a;
	int ret;

	if (p->length > LENGTH_MAX)
		return -ENOMEM;
	if (p->flags & ~(IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE |
			 IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;
	a = access_get(ucmd, cmd->id);
	if (!a)
		return -EBADFD;
	ret = access_pages(a, ucmd, p);
	ioas_ufile_put(&a->file);
	return ret;
}

/* 4.10. A release. */
int ioas_test_destroy_access_pages(struct ioas_ucmd *ucmd,
				   struct ioas_abi_test_cmd *cmd)
{
	struct mock_access *a = access_get(ucmd, cmd->id);
	bool found;

	if (!a)
		return -EBADFD;
	ioas_mutex_lock(&a->lock, IOAS_RANK_QUEUE);
	found = item_unpin(a, cmd->destroy_access_pages.access_pages_id);
	ioas_mutex_unlock(&a->lock);
	ioas_ufile_put(&a->file);
	return found ? 0 : -ENOENT;
}

/* ---- transfers (4.11) --------------------------------------------------- */

#define RW_FLAGS                                                         \
	(IOAS_ABI_MOCK_ACCESS_RW_WRITE | IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH | \
	 IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ)

/* All of the program's bytes are at hand before the first is written. */
static int access_transfer(struct mock_access *a,
			   const struct ioas_abi_test_access_rw *rw,
			   void *buffer)
{
	const bool write = rw->flags & IOAS_ABI_MOCK_ACCESS_RW_WRITE;
	const unsigned int flags = IOAS_ACCESS_ADOPT |
				   (write ? IOAS_ACCESS_WRITE : 0);
	int ret = 0;

	if (write)
		ret = ioas_copy_from(buffer, rw->uptr, (size_t)rw->length);
	if (!ret)
		ret = ioas_access_rw(a->client->access,
				     access_iova(a, rw->flags, rw->iova),
				     buffer, rw->length, flags);
	if (!ret && !write)
		ret = ioas_copy_to(rw->uptr, buffer, (size_t)rw->length);
	return ret;
}

int ioas_test_access_rw(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_access_rw *rw = &cmd->access_rw;
	struct mock_access *a;
	void *buffer;
	int ret = -ENOMEM;

	if (rw->length > LENGTH_MAX)
		return -ENOMEM;
	if (rw->flags & ~RW_FLAGS)
		return -EOPNOTSUPP;
	a = access_get(ucmd, cmd->id);
	if (!a)
		return -EBADFD;
	/* A byte at least, so that there is something to ask for. */
	buffer = ioas_alloc((size_t)rw->length + 1, IOAS_FP_ALLOC_LIST);
	if (buffer) {
		ret = access_transfer(a, rw, buffer);
		ioas_free(buffer, (size_t)rw->length + 1);
	}
	ioas_ufile_put(&a->file);
	return ret;
}
