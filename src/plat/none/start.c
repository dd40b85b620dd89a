/* SPDX-License-Identifier: MIT */
/*
 * start: the entry of the program, and two raw system calls
 *
 *   kernel --> _start (aligns the stack, clears the frame) --> host_main()
 *                                                                  |
 *                                            ioas_host_exit() <-- main()
 *
 * The only file of this room that knows it runs on Linux. Each architecture
 * has its own numbers and registers; the rest of the room is plain C.
 */
#include "plat/none/host.h"

#include <stdint.h>

int main(void);
int raise(int signal);
_Noreturn void ioas_host_main(void);

/*
 * HOST_CALL(): system call @nr with three arguments; what it returns is not
 * used by anybody. The stack is aligned to what the ABI asks for at a call.
 */
#if defined(__x86_64__)
enum { HOST_WRITE = 1, HOST_EXIT = 60 };
#define HOST_START "xor %ebp, %ebp; and $-16, %rsp; call ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		long r0 = (nr);                                         \
		__asm__ volatile("syscall"                              \
				 : "+a"(r0)                             \
				 : "D"(a), "S"(b), "d"(c)               \
				 : "rcx", "r11", "memory");             \
	} while (0)

#elif defined(__i386__)
enum { HOST_WRITE = 4, HOST_EXIT = 1 };
#define HOST_START "xor %ebp, %ebp; and $-16, %esp; call ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		long r0 = (nr);                                         \
		__asm__ volatile("int $0x80"                            \
				 : "+a"(r0)                             \
				 : "b"(a), "c"(b), "d"(c)               \
				 : "memory");                           \
	} while (0)

#elif defined(__aarch64__)
enum { HOST_WRITE = 64, HOST_EXIT = 93 };
#define HOST_START "mov x29, xzr; bl ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		register long r8 __asm__("x8") = (nr);                  \
		register long r0 __asm__("x0") = (a);                   \
		register long r1 __asm__("x1") = (b);                   \
		register long r2 __asm__("x2") = (c);                   \
		__asm__ volatile("svc 0"                                \
				 : "+r"(r0)                             \
				 : "r"(r8), "r"(r1), "r"(r2)            \
				 : "memory");                           \
	} while (0)

#elif defined(__arm__)
/* In r7 is the number, and in Thumb also the frame: saved by hand. */
enum { HOST_WRITE = 4, HOST_EXIT = 1 };
#define HOST_START                                                      \
	"mov r3, sp; bic r3, r3, #7; mov sp, r3; bl ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		register long r0 __asm__("r0") = (a);                   \
		register long r1 __asm__("r1") = (b);                   \
		register long r2 __asm__("r2") = (c);                   \
		register long r3 __asm__("r3") = (nr);                  \
		__asm__ volatile("push {r7}; mov r7, r3; svc 0; pop {r7}" \
				 : "+r"(r0)                             \
				 : "r"(r1), "r"(r2), "r"(r3)            \
				 : "memory");                           \
	} while (0)

#elif defined(__riscv)
enum { HOST_WRITE = 64, HOST_EXIT = 93 };
/* Relaxation of addresses against gp needs it set first. */
#define HOST_START                                                      \
	".option push; .option norelax; la gp, __global_pointer$; "     \
	".option pop; andi sp, sp, -16; call ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		register long r7 __asm__("a7") = (nr);                  \
		register long r0 __asm__("a0") = (a);                   \
		register long r1 __asm__("a1") = (b);                   \
		register long r2 __asm__("a2") = (c);                   \
		__asm__ volatile("ecall"                                \
				 : "+r"(r0)                             \
				 : "r"(r7), "r"(r1), "r"(r2)            \
				 : "memory");                           \
	} while (0)

#elif defined(__s390x__)
enum { HOST_WRITE = 4, HOST_EXIT = 1 };
/* A callee may save registers in 160 bytes of its caller's frame. */
#define HOST_START                                                      \
	"aghi %r15, -160; xc 0(8, %r15), 0(%r15); "                     \
	"brasl %r14, ioas_host_main"
#define HOST_CALL(nr, a, b, c)                                          \
	do {                                                            \
		register long r1 __asm__("1") = (nr);                   \
		register long r2 __asm__("2") = (a);                    \
		register long r3 __asm__("3") = (b);                    \
		register long r4 __asm__("4") = (c);                    \
		__asm__ volatile("svc 0"                                \
				 : "+d"(r2)                             \
				 : "d"(r1), "d"(r3), "d"(r4)            \
				 : "memory");                           \
	} while (0)

#else
#error "start.c has no entry for this architecture"
#endif

__asm__(".pushsection .text; .globl _start; _start: " HOST_START
	"; .popsection");

_Noreturn void ioas_host_exit(int status)
{
	for (;;)
		HOST_CALL((long)HOST_EXIT, (long)status, 0L, 0L);
}

void ioas_host_print(const char *text, size_t length)
{
	HOST_CALL((long)HOST_WRITE, 2L, (long)(uintptr_t)text, (long)length);
}

_Noreturn void ioas_host_main(void)
{
	ioas_host_exit(main());
}

/* What the compiler's own division calls for a divisor of zero, on ARM. */
int raise(int signal)
{
	ioas_host_exit(128 + signal);
}
