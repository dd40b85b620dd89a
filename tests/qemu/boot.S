/* SPDX-License-Identifier: MIT */
/*
 * boot: the first sector of a disk: says so on the serial port, and starts the
 * machine again; the second time it is done
 *
 *   0000  code, text     loaded to 0x7c00 by the BIOS, in 16-bit mode
 *   01fe  55 aa          what makes it one that can be started
 *
 * What remembers over a reset is a byte of the clock's memory. At the end it
 * writes to the port of isa-debug-exit: QEMU ends with status 2 * DONE + 1.
 */
#define SERIAL	0x3f8
#define CLOCK	0x70
#define RESET	0xcf9
#define EXIT	0xf4
#define DONE	0x10
/* Used by nobody, 0 at the start. */
#define TIMES	0x70

	.code16
	.text
	.globl	_start
_start:
	cld
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	$text, %si
2:	lodsb
	testb	%al, %al
	jz	3f
	movw	$SERIAL, %dx
	outb	%al, %dx
	jmp	2b

3:	movb	$TIMES, %al
	outb	%al, $CLOCK
	inb	$CLOCK + 1, %al
	testb	%al, %al
	jnz	4f
	incb	%al
	outb	%al, $CLOCK + 1
	movb	$6, %al
	movw	$RESET, %dx
	outb	%al, %dx
	jmp	5f

4:	movb	$DONE, %al
	movw	$EXIT, %dx
	outb	%al, %dx
5:	hlt
	jmp	5b

text:	.asciz	"boot: from the first sector\r\n"

	.org	510
	.word	0xaa55
