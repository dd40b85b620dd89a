/* SPDX-License-Identifier: MIT */
/*
 * guard: the routine, and the handler that knows it
 *
 * The routine is a leaf without a stack frame: from any of its instructions on,
 * the end is "return -EFAULT". So the handler needs no table, only the bounds.
 * Of a small size it copies both ends, which may overlap, rather than count.
 *
 *   former handlers, oldest first      [0] default   [1] A   [2] B   <-- top
 *   a fault of theirs:  kernel -> ours -> B, which may call what it found
 *                       -> ours again -> A -> ours again -> default
 *
 * Whoever installs a handler over ours and keeps us as the next in its chain
 * comes back to us with the same fault. The tail of siginfo, which the kernel
 * leaves zero, says which handler has had it.
 */
#include "host/guard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "seam/lock.h"

/* ---- the routine -------------------------------------------------------- */

#if defined(__x86_64__) && defined(__LP64__)
#define GUARD_ROUTINE 1

/* From 1 KiB on the string move is as fast everywhere, or faster. */
__asm__(".pushsection .text\n"
	".balign 64\n"
	".globl ioas_guard_routine\n"
	".hidden ioas_guard_routine\n"
	".type ioas_guard_routine, @function\n"
	"ioas_guard_routine:\n"
	".cfi_startproc\n"
	"	cmpq	$16, %rdx\n"
	"	jb	3f\n"
	"	cmpq	$1024, %rdx\n"
	"	jae	6f\n"
	"	leaq	-16(%rdx), %rcx\n"
	"	xorl	%eax, %eax\n"
	"1:	cmpq	%rcx, %rax\n"
	"	jae	2f\n"
	"	movups	(%rsi,%rax), %xmm0\n"
	"	movups	%xmm0, (%rdi,%rax)\n"
	"	addq	$16, %rax\n"
	"	jmp	1b\n"
	"2:	movups	(%rsi,%rcx), %xmm0\n"
	"	movups	%xmm0, (%rdi,%rcx)\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"3:	cmpl	$8, %edx\n"
	"	jb	4f\n"
	"	movq	(%rsi), %rax\n"
	"	movq	-8(%rsi,%rdx), %rcx\n"
	"	movq	%rax, (%rdi)\n"
	"	movq	%rcx, -8(%rdi,%rdx)\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"4:	cmpl	$4, %edx\n"
	"	jb	5f\n"
	"	movl	(%rsi), %eax\n"
	"	movl	-4(%rsi,%rdx), %ecx\n"
	"	movl	%eax, (%rdi)\n"
	"	movl	%ecx, -4(%rdi,%rdx)\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"5:	cmpl	$2, %edx\n"
	"	jb	7f\n"
	"	movzwl	(%rsi), %eax\n"
	"	movzbl	-1(%rsi,%rdx), %ecx\n"
	"	movw	%ax, (%rdi)\n"
	"	movb	%cl, -1(%rdi,%rdx)\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"6:	movq	%rdx, %rcx\n"
	"	rep movsb\n"
	"	xorl	%eax, %eax\n"
	"	ret\n"
	"7:	testl	%edx, %edx\n"
	"	je	8f\n"
	"	movzbl	(%rsi), %eax\n"
	"	movb	%al, (%rdi)\n"
	"8:	xorl	%eax, %eax\n"
	"	ret\n"
	".globl ioas_guard_fixup\n"
	".hidden ioas_guard_fixup\n"
	"ioas_guard_fixup:\n"
	"	movl	$-14, %eax\n"
	"	ret\n"
	".cfi_endproc\n"
	".size ioas_guard_routine, . - ioas_guard_routine\n"
	".popsection\n");

static uintptr_t pc_get(const ucontext_t *uc)
{
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

static void pc_set(ucontext_t *uc, uintptr_t pc)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

#elif defined(__aarch64__) && defined(__LP64__)
#define GUARD_ROUTINE 1

__asm__(".pushsection .text\n"
	".balign 64\n"
	".globl ioas_guard_routine\n"
	".hidden ioas_guard_routine\n"
	".type ioas_guard_routine, %function\n"
	"ioas_guard_routine:\n"
	".cfi_startproc\n"
	"	cmp	x2, #16\n"
	"	b.lo	3f\n"
	"	sub	x3, x2, #16\n"
	"	mov	x4, #0\n"
	"1:	cmp	x4, x3\n"
	"	b.hs	2f\n"
	"	ldr	q0, [x1, x4]\n"
	"	str	q0, [x0, x4]\n"
	"	add	x4, x4, #16\n"
	"	b	1b\n"
	"2:	ldr	q0, [x1, x3]\n"
	"	str	q0, [x0, x3]\n"
	"	mov	w0, #0\n"
	"	ret\n"
	"3:	add	x5, x1, x2\n"
	"	add	x6, x0, x2\n"
	"	tbz	x2, #3, 4f\n"
	"	ldr	x3, [x1]\n"
	"	ldr	x4, [x5, #-8]\n"
	"	str	x3, [x0]\n"
	"	str	x4, [x6, #-8]\n"
	"	mov	w0, #0\n"
	"	ret\n"
	"4:	tbz	x2, #2, 5f\n"
	"	ldr	w3, [x1]\n"
	"	ldr	w4, [x5, #-4]\n"
	"	str	w3, [x0]\n"
	"	str	w4, [x6, #-4]\n"
	"	mov	w0, #0\n"
	"	ret\n"
	"5:	cbz	x2, 6f\n"
	"	ldrb	w3, [x1], #1\n"
	"	strb	w3, [x0], #1\n"
	"	sub	x2, x2, #1\n"
	"	b	5b\n"
	"6:	mov	w0, #0\n"
	"	ret\n"
	".globl ioas_guard_fixup\n"
	".hidden ioas_guard_fixup\n"
	"ioas_guard_fixup:\n"
	"	mov	w0, #-14\n"
	"	ret\n"
	".cfi_endproc\n"
	".size ioas_guard_routine, . - ioas_guard_routine\n"
	".popsection\n");

static uintptr_t pc_get(const ucontext_t *uc)
{
	return (uintptr_t)uc->uc_mcontext.pc;
}

static void pc_set(ucontext_t *uc, uintptr_t pc)
{
	uc->uc_mcontext.pc = pc;
}

#else
#define GUARD_ROUTINE 0

int ioas_guard_routine(void *dst, const void *src, size_t n)
{
	return ioas_guard_syscall(dst, src, n);
}

#endif

/* The kernel moves less than 2 GiB in a call. */
#define COPY_MAX ((size_t)1 << 30)

int ioas_guard_syscall(void *dst, const void *src, size_t n)
{
	const pid_t self = getpid();
	const int saved = errno;
	int ret = 0;

	while (n) {
		const size_t part = n < COPY_MAX ? n : COPY_MAX;
		struct iovec to = { dst, part };
		struct iovec from = { (void *)(uintptr_t)src, part };
		ssize_t got = process_vm_readv(self, &to, 1, &from, 1, 0);

		/* A short count is followed by the error. */
		if (got <= 0) {
			ret = -EFAULT;
			break;
		}
		dst = (char *)dst + got;
		src = (const char *)src + got;
		n -= (size_t)got;
	}
	errno = saved;
	return ret;
}

/* ---- the handler -------------------------------------------------------- */

_Atomic uint32_t ioas_guard_fast;

#if GUARD_ROUTINE

_Static_assert(EFAULT == 14, "the routines return it");

/* Handlers that we took one signal from: more, and system calls it is. */
#define FORMER_MAX 8u

struct former {
	struct sigaction act[FORMER_MAX];
	/* SA_RESETHAND: it has had its one signal. */
	_Atomic bool spent[FORMER_MAX];
	/* Those below never change again. */
	_Atomic uint32_t nr;
};

static struct former former_segv, former_bus;
/* One taker at a time; rank LEAF. */
static struct ioas_mutex take_lock;

extern const char ioas_guard_fixup[] __attribute__((visibility("hidden")));

/* In the last words of siginfo: who had this signal already. */
struct mark {
	uint32_t tag;
	uint32_t index;
};

#define MARK_TAG 0x67726473u

_Static_assert(sizeof(siginfo_t) == 128, "the kernel writes 48 bytes of it");

static char *mark_at(siginfo_t *info)
{
	return (char *)info + sizeof(*info) - sizeof(struct mark);
}

static struct former *former_of(int sig)
{
	return sig == SIGBUS ? &former_bus : &former_segv;
}

/* An instruction did it, not a kill(), nor memory found bad elsewhere. */
static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       !(sig == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* An instruction faults again when we return; what was sent must be again. */
static void act_default(int sig, const siginfo_t *info)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_handler = SIG_DFL;
	sigaction(sig, &act, NULL);
	if (!is_fault(sig, info))
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
}

/* The former handler whose turn it is; NULL: none is left. */
static const struct sigaction *former_next(int sig, siginfo_t *info)
{
	struct former *f = former_of(sig);
	struct mark m;

	memcpy(&m, mark_at(info), sizeof(m));
	if (m.tag != MARK_TAG) {
		m.tag = MARK_TAG;
		m.index = atomic_load_explicit(&f->nr, memory_order_acquire);
	}
	if (!m.index || m.index > FORMER_MAX)
		return NULL;
	m.index--;
	memcpy(mark_at(info), &m, sizeof(m));
	if (f->act[m.index].sa_flags & (int)SA_RESETHAND &&
	    atomic_exchange(&f->spent[m.index], true))
		return NULL;
	return &f->act[m.index];
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *act = former_next(sig, info);

	if (!act) {
		act_default(sig, info);
	} else if (act->sa_flags & SA_SIGINFO) {
		act->sa_sigaction(sig, info, context);
	} else if (act->sa_handler == SIG_IGN) {
		/* The kernel does not let a fault be ignored. */
		if (is_fault(sig, info))
			act_default(sig, info);
	} else if (act->sa_handler == SIG_DFL) {
		act_default(sig, info);
	} else {
		act->sa_handler(sig);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const uintptr_t begin = (uintptr_t)&ioas_guard_routine;
	const uintptr_t end = (uintptr_t)ioas_guard_fixup;
	ucontext_t *uc = context;

	if (is_fault(sig, info) && pc_get(uc) - begin < end - begin)
		pc_set(uc, end);
	else
		pass_on(sig, info, context);
}

/* ---- taking the signals ------------------------------------------------- */

static bool is_ours(const struct sigaction *act)
{
	return act->sa_sigaction == on_fault;
}

static bool is_handler(const struct sigaction *act)
{
	return act->sa_flags & SA_SIGINFO ||
	       (act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN);
}

/* False: no room. The same handler twice in a row is one. */
static bool former_push(struct former *f, const struct sigaction *act)
{
	const uint32_t nr = atomic_load_explicit(&f->nr, memory_order_relaxed);
	const struct sigaction *top = nr ? &f->act[nr - 1] : NULL;

	if (top && top->sa_sigaction == act->sa_sigaction &&
	    top->sa_flags == act->sa_flags) {
		/* Installed again, it may serve again. */
		atomic_store(&f->spent[nr - 1], false);
		return true;
	}
	if (nr == FORMER_MAX)
		return false;
	f->act[nr] = *act;
	atomic_store_explicit(&f->nr, nr + 1, memory_order_release);
	return true;
}

/*
 * Our action has the mask and the flags of whom it calls, who so runs as if the
 * kernel had called.
 */
static void action_fill(struct sigaction *act, const struct sigaction *top)
{
	const int kept = SA_ONSTACK | SA_NODEFER | SA_RESTART;

	memset(act, 0, sizeof(*act));
	act->sa_sigaction = on_fault;
	if (is_handler(top)) {
		act->sa_mask = top->sa_mask;
		act->sa_flags = SA_SIGINFO | (top->sa_flags & kept);
	} else {
		sigemptyset(&act->sa_mask);
		act->sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	}
}

static bool take(int sig)
{
	struct former *f = former_of(sig);
	struct sigaction act;

	if (sigaction(sig, NULL, &act))
		return false;
	/* signal() puts handlers back without their flags. */
	if (is_ours(&act) && act.sa_flags & SA_SIGINFO)
		return true;
	if (!is_ours(&act) && !former_push(f, &act))
		return false;
	action_fill(&act, &f->act[atomic_load(&f->nr) - 1]);
	/* Who keeps the signals for itself may say that it is done. */
	return !sigaction(sig, &act, NULL) && !sigaction(sig, NULL, &act) &&
	       is_ours(&act);
}

void ioas_guard_take(void)
{
	const int saved = errno;
	bool both;

	ioas_mutex_lock(&take_lock, IOAS_RANK_LEAF);
	both = take(SIGSEGV) && take(SIGBUS);
	atomic_store_explicit(&ioas_guard_fast, both, memory_order_release);
	ioas_mutex_unlock(&take_lock);
	errno = saved;
}

#else

void ioas_guard_take(void)
{
}

#endif
