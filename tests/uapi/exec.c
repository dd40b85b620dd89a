/* SPDX-License-Identifier: MIT */
/*
 * exec: requests, with and without injected failures
 *
 *   request:   fault armed --> call --> failed because of it?
 *                                 yes: nothing has changed; call again
 *                                 no:  that is the answer
 *
 * A release runs with every fault point failing, or with an allocator that
 * refuses everything, and is not repeated (fault-injection A.3).
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"
#include "ledger.h"
#include "plat/common/fault_arm.h"

/* The largest struct of a request, container requests included. */
#define MAX_REQUEST 80

static struct ioas_caller *caller_of(struct um *m)
{
	return &m->process[m->p].real->tasks[0].caller;
}

static int call(struct um *m, uint32_t cmd, void *arg, size_t size)
{
	return sim_cmd(m->h, m->process[m->p].fd, cmd, arg, size);
}

static int call_faulty(struct um *m, struct ioas_fault *f, uint32_t cmd,
		       void *arg, size_t size)
{
	int ret;

	ioas_fault_arm(f);
	caller_of(m)->fault = f;
	ret = call(m, cmd, arg, size);
	caller_of(m)->fault = NULL;
	ioas_fault_disarm();
	return ret;
}

/* Those that keep their effect if the answer cannot be written (A.4). */
static bool keeps_effect(uint32_t cmd, const struct ioas_fault *f)
{
	return f->failed == IOAS_FP_COPY && f->reached[IOAS_FP_COPY] > 1 &&
	       (cmd == IOAS_ABI_IOAS_MAP || cmd == IOAS_ABI_IOAS_MAP_FILE ||
		cmd == IOAS_ABI_IOAS_COPY || cmd == IOAS_ABI_OPTION);
}

/* Failures that leave something behind, which the sweep looks at. */
static bool no_faults(const struct um *m)
{
	return m->opts->no_faults || m->whole || m->kind == OP_GET_DIRTY ||
	       m->kind == OP_RW || m->kind == OP_VFIO_UNMAP;
}

static bool may_write(uint32_t cmd, int ret)
{
	return ret >= 0 || cmd == IOAS_ABI_VFIO_IOMMU_UNMAP_DMA ||
	       (cmd == IOAS_ABI_IOAS_IOVA_RANGES && ret == -EMSGSIZE);
}

/* U 3.3: outputs are written on success alone. */
static int checked(struct um *m, uint32_t cmd, const void *before,
		   const void *arg, size_t size, int ret)
{
	if (!may_write(cmd, ret) && memcmp(before, arg, size))
		fail(m, "a request that failed with %s wrote its struct",
		     errno_name(ret));
	return ret;
}

int request(struct um *m, uint32_t cmd, void *arg, size_t size)
{
	struct ioas_fault f = { .failed = IOAS_NR_FAULT_POINTS };
	unsigned char copy[MAX_REQUEST];
	int ret;

	m->stays = false;
	memcpy(copy, arg, size);
	if (no_faults(m) || !chance(m, 8))
		return checked(m, cmd, copy, arg, size,
			       call(m, cmd, arg, size));
	f.nth = 1 + below(m, chance(m, 70) ? 8 : 40);
	ret = call_faulty(m, &f, cmd, arg, size);
	if (f.failed == IOAS_NR_FAULT_POINTS)
		return checked(m, cmd, copy, arg, size, ret);
	if (ret >= 0) {
		m->stats->absorbed[m->kind]++;
		return ret;
	}
	m->stats->injected[m->kind]++;
	say(m, "  failed with %s at %s", errno_name(ret),
	    ledger_point_name(f.failed));
	checked(m, cmd, copy, arg, size, ret);
	if (keeps_effect(cmd, &f)) {
		mark(m, MARK_EFFECT_STAYS);
		m->stays = true;
		return ret;
	}
	compare_all(m);
	if (m->failed)
		return ret;
	memcpy(arg, copy, size);
	return checked(m, cmd, copy, arg, size, call(m, cmd, arg, size));
}

int request_release(struct um *m, uint32_t cmd, void *arg, size_t size)
{
	struct ioas_fault f = { .sticky = true };
	const uint64_t how = m->opts->no_faults ? 9 : below(m, 10);
	unsigned char copy[MAX_REQUEST];
	int ret;

	m->stays = false;
	memcpy(copy, arg, size);
	if (how == 0) {
		ret = call_faulty(m, &f, cmd, arg, size);
	} else {
		ledger_refuse(how == 1);
		ret = call(m, cmd, arg, size);
		ledger_refuse(false);
	}
	return checked(m, cmd, copy, arg, size, ret);
}

int request_test(struct um *m, struct ioas_abi_test_cmd *s)
{
	return uapi_request(m, IOAS_ABI_TEST_CMD, s);
}

int request_test_release(struct um *m, struct ioas_abi_test_cmd *s)
{
	return uapi_release(m, IOAS_ABI_TEST_CMD, s);
}

int request_value(struct um *m, uint32_t cmd, uint64_t arg)
{
	return sim_ioctl(m->h, m->process[m->p].fd, cmd, arg);
}

int observe(struct um *m, uint32_t cmd, void *arg, size_t size)
{
	return call(m, cmd, arg, size);
}

void close_all(struct um *m, size_t member)
{
	const bool refuse = !m->opts->no_faults && chance(m, 20);

	for (int p = 0; p < NR_PROCS; p++) {
		struct m_process *proc = m->process + p;
		int *fd = (int *)(void *)((char *)proc + member);

		if (!proc->live)
			continue;
		simhost_enter(m->h, proc->real);
		ledger_refuse(refuse);
		if (sim_close(m->h, *fd))
			fail(m, "descriptor %d cannot be closed", *fd);
		ledger_refuse(false);
		*fd = -1;
	}
	simhost_enter(m->h, m->process[m->p].real);
}

/* ---- comparing ---------------------------------------------------------- */

bool expect(struct um *m, int want, int got)
{
	if (m->failed)
		return false;
	/* The answer could not be written, but would have been right. */
	if (m->stays && !want)
		got = 0;
	if (got != want && !(m->alt && got == m->alt)) {
		fail(m, "returned %s (%d); the model says %s (%d)%s%s",
		     errno_name(got), got, errno_name(want), want,
		     m->alt ? " or " : "", m->alt ? errno_name(m->alt) : "");
		return false;
	}
	if (got >= 0)
		m->stats->ok[m->kind]++;
	else
		m->stats->refused[m->kind][-got < MAX_ERRNO ? -got : 0]++;
	return true;
}

bool expect_value(struct um *m, const char *what, uint64_t want, uint64_t got)
{
	if (want != got)
		fail(m, "%s is %#llx; the model says %#llx", what, (ull)got,
		     (ull)want);
	return want == got;
}

static op_fn *const handlers[NR_OPS] = {
	[OP_IOAS_ALLOC] = op_ioas_alloc,
	[OP_DESTROY] = op_destroy,
	[OP_MAP] = op_map,
	[OP_MAP_FILE] = op_map_file,
	[OP_COPY] = op_copy,
	[OP_UNMAP] = op_unmap,
	[OP_UNMAP_ALL] = op_unmap_all,
	[OP_ALLOW] = op_allow,
	[OP_RESERVE] = op_reserve,
	[OP_RANGES] = op_ranges,
	[OP_HUGE_PAGES] = op_huge_pages,
	[OP_RLIMIT_MODE] = op_rlimit_mode,
	[OP_VFIO_IOAS] = op_vfio_ioas,
	[OP_VFIO_SET_IOMMU] = op_vfio_set_iommu,
	[OP_VFIO_EXTENSION] = op_vfio_extension,
	[OP_VFIO_INFO] = op_vfio_info,
	[OP_VFIO_MAP] = op_vfio_map,
	[OP_VFIO_UNMAP] = op_vfio_unmap,
	[OP_DEVICE] = op_device,
	[OP_REPLACE] = op_replace,
	[OP_HWPT_ALLOC] = op_hwpt_alloc,
	[OP_SET_DIRTY] = op_set_dirty,
	[OP_DIRTY] = op_dirty,
	[OP_GET_DIRTY] = op_get_dirty,
	[OP_CHECK_MAP] = op_check_map,
	[OP_CHECK_REFS] = op_check_refs,
	[OP_ACCESS_CREATE] = op_access_create,
	[OP_ACCESS_CLOSE] = op_access_close,
	[OP_ACCESS_REPLACE] = op_access_replace,
	[OP_PIN] = op_pin,
	[OP_UNPIN] = op_unpin,
	[OP_RW] = op_rw,
	[OP_DMABUF_GET] = op_dmabuf_get,
	[OP_DMABUF_CLOSE] = op_dmabuf_close,
	[OP_DMABUF_REVOKE] = op_dmabuf_revoke,
	[OP_CHANGE_PROCESS] = op_change_process,
	[OP_LIMIT] = op_limit,
	[OP_REMAP] = op_remap,
	[OP_PROCESS] = op_process,
	[OP_EXIT] = op_exit,
	[OP_TEMP_LIMIT] = op_temp_limit,
};

bool execute(struct um *m, uint8_t kind)
{
	int ret;

	m->kind = kind;
	m->alt = 0;
	m->whole = m->stays = false;
	m->p = (uint8_t)(chance(m, 55) ? 0 : some_process(m));
	simhost_enter(m->h, m->process[m->p].real);
	ret = handlers[kind](m);
	if (ret == SKIP) {
		m->stats->skipped[kind]++;
		return false;
	}
	m->stats->ops++;
	if (!m->failed)
		refresh(m);
	if (!m->failed)
		compare_step(m);
	return true;
}
