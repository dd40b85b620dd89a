/* SPDX-License-Identifier: MIT */
/*
 * init: what the guest does: reads its disk, writes to it, and goes
 *
 * The first and only process of a Linux guest, linked statically. What it finds
 * it says on the console, a line each; t_qemu.py compares that with the image:
 *
 *   guest: disk BYTES
 *   guest: sha256 HEX              of all of it, before anything is written
 *   guest: wrote BYTES at OFFSET
 *   guest: read back BYTES         those of them that are as they were written
 *   guest: done
 *
 * or "guest: failed: WHAT: WHY". It reads and writes past the page cache, so
 * that every byte comes from the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#define DISK	"/dev/nvme0n1"
/* How long its driver may need, in steps of 5 ms. */
#define STEPS	2000

/* In the middle of the disk; more than one transfer, more than one PRP list. */
static const uint32_t written_at = 1u << 20;
static const uint32_t written = 1u << 20;

static _Noreturn void leave(void)
{
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static _Noreturn void fail(const char *what)
{
	printf("guest: failed: %s: %s\n", what, strerror(errno));
	leave();
}

/* There is nothing but what the initramfs has: no /dev, no standard output. */
static void begin(void)
{
	int fd;

	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		leave();
	fd = open("/dev/console", O_RDWR);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		leave();
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* The driver is looking for it while we are already here. */
static int open_disk(void)
{
	int fd, step;

	for (step = 0; step < STEPS; step++) {
		fd = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		usleep(5000);
	}
	fail(DISK);
}

static void say_digest(const struct sha256_ctx *sha)
{
	struct sha256_ctx last = *sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t i;

	sha256_digest(&last, sizeof(digest), digest);
	printf("guest: sha256 ");
	for (i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	printf("\n");
}

static void read_all(int fd, uint64_t size, uint8_t *buffer)
{
	struct sha256_ctx sha;
	uint64_t at = 0;
	ssize_t n;

	sha256_init(&sha);
	while (at < size) {
		n = pread(fd, buffer, written, (off_t)at);
		if (n <= 0)
			fail("read");
		sha256_update(&sha, (size_t)n, buffer);
		at += (uint64_t)n;
	}
	say_digest(&sha);
}

/* Another one in each block. */
static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 7 + (at >> 9));
}

static void write_some(int fd, uint8_t *buffer)
{
	size_t i, good = 0;

	for (i = 0; i < written; i++)
		buffer[i] = pattern(i);
	if (pwrite(fd, buffer, written, written_at) != (ssize_t)written)
		fail("write");
	if (fsync(fd))
		fail("flush");
	printf("guest: wrote %u at %u\n", written, written_at);
	memset(buffer, 0, written);
	if (pread(fd, buffer, written, written_at) != (ssize_t)written)
		fail("read back");
	for (i = 0; i < written; i++)
		good += buffer[i] == pattern(i);
	printf("guest: read back %zu\n", good);
}

int main(void)
{
	uint64_t size = 0;
	void *buffer;
	int fd;

	begin();
	fd = open_disk();
	if (posix_memalign(&buffer, 4096, written))
		fail("memory");
	if (ioctl(fd, BLKGETSIZE64, &size))
		fail("size");
	printf("guest: disk %llu\n", (unsigned long long)size);
	read_all(fd, size, buffer);
	write_some(fd, buffer);
	close(fd);
	printf("guest: done\n");
	leave();
}
