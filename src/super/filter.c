/* SPDX-License-Identifier: MIT */
/*
 * filter: rules by libseccomp, installed by us
 *
 *   rules --libseccomp--> program (memory) --seccomp(2)--> listener
 *
 * An argument is 64 bits wide for the kernel and often 32 for the call: what is
 * in the upper half of a descriptor, a command or flags is nobody's business.
 * So all of these are compared under a mask. That is also why the descriptors
 * that the filter can tell are an aligned block: "fd in [base, base + nr)" is one
 * comparison, and neither AT_FDCWD nor -1 is in it.
 *
 * Calls that are let go whatever their arguments cost next to nothing: the
 * kernel (5.11) knows them from a table and does not run the program. For the
 * others the program finds the number by a binary search.
 */
#include "super/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.19; the host's headers may be older. */
#define FLAG_WAIT_KILLABLE_RECV (1ul << 5)

/* select(2) takes descriptors below it, so all of ours are. */
#define RANGE_END_MAX 1024
/* Of what a program may open, the part that is ours. */
#define RANGE_SHARE 4

/* Type byte of commands, in bits 8-15. */
#define IOCTL_TYPE_MASK 0xff00
#define IOCTL_TYPE_OURS 0x3b00
#define LOW_HALF UINT64_C(0xffffffff)

static const int calls_by_path[] = {
#ifdef __NR_open
	__NR_open,	 __NR_creat,
#endif
	__NR_openat,	 __NR_openat2,
#ifdef __NR_stat
	__NR_stat,	 __NR_lstat,
#endif
#ifdef __NR_newfstatat
	__NR_newfstatat,
#endif
	__NR_fstat,	 __NR_statx,
#ifdef __NR_readlink
	__NR_readlink,
#endif
	__NR_readlinkat,
#ifdef __NR_access
	__NR_access,
#endif
	__NR_faccessat,	 __NR_faccessat2, __NR_getxattr, __NR_lgetxattr,
	__NR_listxattr,	 __NR_llistxattr, __NR_execve,	 __NR_execveat,
};

/* The descriptor is the first argument. */
static const int calls_by_fd[] = {
	__NR_read,    __NR_write,    __NR_readv,  __NR_writev,
	__NR_pread64, __NR_pwrite64, __NR_preadv, __NR_pwritev,
	__NR_preadv2, __NR_pwritev2, __NR_dup,
#ifdef __NR_dup2
	__NR_dup2,
#endif
	__NR_dup3,
};

static const struct {
	int nr;
	unsigned int arg;
} calls_by_offset[] = {
	{ __NR_pread64, 3 }, { __NR_pwrite64, 3 }, { __NR_preadv, 3 },
	{ __NR_pwritev, 3 }, { __NR_preadv2, 3 },  { __NR_pwritev2, 3 },
	{ __NR_mmap, 5 },
};

#define NR_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- range -------------------------------------------------------------- */

struct ioas_fd_range ioas_filter_range(void)
{
	struct rlimit limit = { .rlim_cur = RANGE_END_MAX };
	int end, nr = 1;

	getrlimit(RLIMIT_NOFILE, &limit);
	end = limit.rlim_cur < RANGE_END_MAX ? (int)limit.rlim_cur :
					       RANGE_END_MAX;
	while (nr * 2 <= end / RANGE_SHARE)
		nr *= 2;
	end &= ~(nr - 1);
	return (struct ioas_fd_range){
		.base = end > nr ? end - nr : 0,
		.nr = nr,
	};
}

/* ---- rules -------------------------------------------------------------- */

static struct scmp_arg_cmp masked(unsigned int arg, uint64_t mask,
				  uint64_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = mask,
		.datum_b = value,
	};
}

static int trap(scmp_filter_ctx f, int nr, unsigned int nr_cmp,
		const struct scmp_arg_cmp *cmp)
{
	return seccomp_rule_add_array(f, SCMP_ACT_NOTIFY, nr, nr_cmp, cmp);
}

static int trap_fds(scmp_filter_ctx f, const struct ioas_fd_range *range,
		    bool closes)
{
	const struct scmp_arg_cmp ours =
		masked(0, LOW_HALF & ~(uint64_t)(range->nr - 1),
		       (uint64_t)range->base);
	const uint64_t dups[] = { F_DUPFD, F_DUPFD_CLOEXEC };
	int ret = 0;

	for (size_t i = 0; i < NR_OF(calls_by_fd) && !ret; i++)
		ret = trap(f, calls_by_fd[i], 1, &ours);
	for (size_t i = 0; i < NR_OF(dups) && !ret; i++) {
		const struct scmp_arg_cmp cmp[] = {
			ours,
			masked(1, LOW_HALF, dups[i]),
		};

		ret = trap(f, __NR_fcntl, 2, cmp);
	}
	if (!ret && closes)
		ret = trap(f, __NR_close, 1, &ours);
	return ret;
}

static int trap_offsets(scmp_filter_ctx f)
{
	int ret = 0;

	for (size_t i = 0; i < NR_OF(calls_by_offset) && !ret; i++) {
		const struct scmp_arg_cmp high = {
			.arg = calls_by_offset[i].arg,
			.op = SCMP_CMP_GE,
			.datum_a = IOAS_FILTER_OFFSET,
		};

		ret = trap(f, calls_by_offset[i].nr, 1, &high);
	}
	return ret;
}

static int add_rules(scmp_filter_ctx f, const struct ioas_fd_range *range,
		     bool closes)
{
	const struct scmp_arg_cmp type =
		masked(1, IOCTL_TYPE_MASK, IOCTL_TYPE_OURS);
	/* MAP_SHARED_VALIDATE has the bit of MAP_SHARED. */
	const struct scmp_arg_cmp shared_file =
		masked(3, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED);
	/* The one by which KVM is told of a device (kvm.h). */
	const struct scmp_arg_cmp kvm =
		masked(1, LOW_HALF, KVM_SET_DEVICE_ATTR);
	int ret = trap(f, __NR_ioctl, 1, &type);

	if (!ret)
		ret = trap(f, __NR_ioctl, 1, &kvm);
	for (size_t i = 0; i < NR_OF(calls_by_path) && !ret; i++)
		ret = trap(f, calls_by_path[i], 0, NULL);
	if (!ret)
		ret = trap_fds(f, range, closes);
	if (!ret)
		ret = trap(f, __NR_mmap, 1, &shared_file);
	if (!ret)
		ret = trap_offsets(f);
	return ret;
}

/* ---- from libseccomp to memory ------------------------------------------ */

static int read_program(int fd, struct sock_fprog *out)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	const size_t nr = (size_t)size / sizeof(struct sock_filter);
	struct sock_filter *code;

	if (size <= 0 || nr > BPF_MAXINSNS)
		return -EINVAL;
	code = malloc((size_t)size);
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, (size_t)size, 0) != size) {
		free(code);
		return -EIO;
	}
	*out = (struct sock_fprog){
		.len = (unsigned short)nr,
		.filter = code,
	};
	return 0;
}

static int export_program(scmp_filter_ctx f, struct sock_fprog *out)
{
	const int fd = memfd_create("ioas-filter", MFD_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = seccomp_export_bpf(f, fd);
	if (!ret)
		ret = read_program(fd, out);
	close(fd);
	return ret;
}

int ioas_filter_build(const struct ioas_fd_range *range, bool closes,
		      struct sock_fprog *out)
{
	scmp_filter_ctx f;
	int ret;

	/* What this kernel lacks shall show when it is asked, not here. */
	seccomp_api_set(5);
	f = seccomp_init(SCMP_ACT_ALLOW);
	if (!f)
		return -ENOMEM;
	ret = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_ERRNO(ENOSYS));
	/* By binary search. Better, but not necessary. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = add_rules(f, range, closes);
	if (!ret)
		ret = export_program(f, out);
	seccomp_release(f);
	return ret;
}

void ioas_filter_free(struct sock_fprog *prog)
{
	free(prog->filter);
	*prog = (struct sock_fprog){ 0 };
}

/* ---- install ------------------------------------------------------------ */

static int install(const struct sock_fprog *prog, unsigned long flags)
{
	const long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, prog);

	return fd < 0 ? -errno : (int)fd;
}

int ioas_filter_install(const struct sock_fprog *prog, bool killable)
{
	unsigned long flags = FLAG_WAIT_KILLABLE_RECV;
	bool asked = false;

	for (;;) {
		const int ret = install(prog, flags);

		if (ret == -EINVAL && flags && !killable) {
			flags = 0;
		} else if (ret == -EACCES && !asked) {
			/* Without CAP_SYS_ADMIN: no new privileges. */
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
				return -errno;
			asked = true;
		} else {
			return ret;
		}
	}
}
