/* SPDX-License-Identifier: MIT */
/* super_shm: memory that stays where it is while its files change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super/shm.h"

#define PAGE 4096u
#define NR_PAGES 8u
#define LENGTH (NR_PAGES * PAGE)
/* Where BARs are: far from the beginning. */
#define AT (UINT64_C(0x10) << 40)
#define SIZE (INT64_MAX & ~INT64_C(0xffff))

/* As the files of clients are. */
static int client_memfd(void)
{
	const int fd = memfd_create("client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return fd;
}

/* What a client maps; NULL: nothing could be mapped. */
static uint8_t *view(int fd, uint64_t offset)
{
	void *p = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)offset);

	assert_true(p != MAP_FAILED);
	return p;
}

/* Bytes of memory that a file has. */
static uint64_t used(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static int shm_setup(void **state)
{
	struct ioas_shm *shm = malloc(sizeof(*shm));

	assert_non_null(shm);
	assert_int_equal(ioas_shm_of_own(LENGTH, shm), 0);
	*state = shm;
	return 0;
}

static int shm_teardown(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = shm->fd;

	ioas_shm_fini(shm);
	assert_null(shm->memory);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	free(shm);
	return 0;
}

static void it_is_zeroed_and_a_page_s(void **state)
{
	const struct ioas_shm *shm = *state;
	const uint8_t *p = shm->memory;

	assert_int_equal((uintptr_t)p % PAGE, 0);
	assert_int_equal(shm->length, LENGTH);
	for (unsigned int i = 0; i < LENGTH; i++)
		assert_int_equal(p[i], 0);
}

static void lent_it_is_in_the_client_s_file(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = client_memfd();
	uint8_t *p = shm->memory, *q = view(fd, AT);

	p[0] = 1;
	p[LENGTH - 1] = 2;
	/* What the client wrote before is not seen. */
	q[3 * PAGE] = 99;
	assert_int_equal(ioas_shm_lend(shm, fd, AT), 0);
	assert_ptr_equal(shm->memory, p);
	assert_int_equal(p[0], 1);
	assert_int_equal(p[LENGTH - 1], 2);
	assert_int_equal(p[3 * PAGE], 0);
	/* Both ways from now on. */
	assert_int_equal(q[0], 1);
	q[PAGE] = 3;
	assert_int_equal(p[PAGE], 3);
	p[2 * PAGE] = 4;
	assert_int_equal(q[2 * PAGE], 4);
	ioas_shm_return(shm);
	munmap(q, LENGTH);
	close(fd);
}

static void returned_it_has_its_contents(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = client_memfd();
	uint8_t *p = shm->memory, *q = view(fd, AT);

	memset(p, 7, LENGTH);
	assert_int_equal(ioas_shm_lend(shm, fd, AT), 0);
	q[5] = 8;
	/* What was there at home and is no more must not come back. */
	memset(q + 2 * PAGE, 0, PAGE);
	ioas_shm_return(shm);
	assert_ptr_equal(shm->memory, p);
	assert_int_equal(p[5], 8);
	assert_int_equal(p[6], 7);
	assert_int_equal(p[2 * PAGE], 0);
	assert_int_equal(p[3 * PAGE - 1], 0);
	assert_int_equal(p[3 * PAGE], 7);
	/* And the client looks at something else. */
	q[5] = 9;
	assert_int_equal(p[5], 8);
	p[6] = 1;
	assert_int_equal(q[6], 7);
	/* Again is nothing. */
	ioas_shm_return(shm);
	assert_int_equal(p[5], 8);
	munmap(q, LENGTH);
	close(fd);
}

static void each_client_has_it_as_it_is(void **state)
{
	struct ioas_shm *shm = *state;
	uint8_t *p = shm->memory;

	for (unsigned int i = 1; i < 20; i++) {
		const int fd = client_memfd();
		uint8_t *q = view(fd, AT);

		assert_int_equal(ioas_shm_lend(shm, fd, AT), 0);
		assert_int_equal(q[i * 1000 - 1000], i - 1);
		q[i * 1000] = (uint8_t)i;
		munmap(q, LENGTH);
		close(fd);
		ioas_shm_return(shm);
		assert_int_equal(p[i * 1000], i);
	}
}

/* Straight from one to another: with what it has. */
static void lent_again_it_moves(void **state)
{
	const int fd[2] = { client_memfd(), client_memfd() };
	struct ioas_shm *shm = *state;
	uint8_t *p = shm->memory, *q = view(fd[1], AT);

	assert_int_equal(ioas_shm_lend(shm, fd[0], AT), 0);
	p[17] = 17;
	assert_int_equal(ioas_shm_lend(shm, fd[1], AT), 0);
	assert_int_equal(q[17], 17);
	ioas_shm_return(shm);
	assert_int_equal(p[17], 17);
	munmap(q, LENGTH);
	close(fd[0]);
	close(fd[1]);
}

static void a_hole_under_it_is_zeros(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = client_memfd();
	uint8_t *p = shm->memory;

	memset(p, 7, LENGTH);
	assert_int_equal(ioas_shm_lend(shm, fd, AT), 0);
	/* Whatever a client does to its file, the memory is there. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
						FALLOC_FL_KEEP_SIZE,
				   (off_t)AT, LENGTH), 0);
	assert_int_equal(p[0], 0);
	p[1] = 1;
	ioas_shm_return(shm);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[1], 1);
	close(fd);
}

static void zeros_take_no_memory(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = client_memfd();
	uint8_t *p = shm->memory;

	p[2 * PAGE] = 1;
	assert_int_equal(ioas_shm_lend(shm, fd, AT), 0);
	assert_int_equal(used(fd), PAGE);
	ioas_shm_return(shm);
	/* Ours has what was read of it here, which are all pages at most. */
	assert_true(used(shm->fd) <= LENGTH);
	close(fd);
}

/* A whole GiB, of which all but a page is never looked at. */
static void what_nobody_wrote_is_not_read(void **state)
{
	const uint64_t length = UINT64_C(1) << 30, mid = length / 2;
	const int fd = client_memfd();
	struct ioas_shm shm;
	uint8_t *p;

	(void)state;
	assert_int_equal(ioas_shm_of_own(length, &shm), 0);
	p = shm.memory;
	p[mid] = 1;
	p[0] = 2;
	assert_int_equal(ioas_shm_lend(&shm, fd, AT), 0);
	assert_int_equal(used(shm.fd), 2 * PAGE);
	assert_int_equal(used(fd), 2 * PAGE);
	assert_int_equal(p[mid], 1);
	p[length - 1] = 3;
	/* What became a hole meanwhile is one at home, too. */
	assert_int_equal(madvise(p, PAGE, MADV_REMOVE), 0);
	ioas_shm_return(&shm);
	assert_int_equal(used(fd), 2 * PAGE);
	assert_int_equal(used(shm.fd), 2 * PAGE);
	assert_int_equal(p[mid], 1);
	assert_int_equal(p[length - 1], 3);
	assert_int_equal(p[0], 0);
	/* Gone while it is lent: nothing stays open. */
	assert_int_equal(ioas_shm_lend(&shm, fd, AT), 0);
	ioas_shm_fini(&shm);
	close(fd);
}

/* No room for it in the client's file: nothing has happened. */
static void what_cannot_be_lent_stays(void **state)
{
	struct ioas_shm *shm = *state;
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint8_t *p = shm->memory;

	p[3] = 3;
	assert_int_equal(ioas_shm_lend(shm, fd, AT), -ENOMEM);
	assert_int_equal(p[3], 3);
	p[4] = 4;
	ioas_shm_return(shm);
	assert_int_equal(p[4], 4);
	close(fd);
}

static void a_region_is_in_its_file_for_good(void **state)
{
	const int fd = client_memfd();
	uint8_t *q = view(fd, AT);
	struct ioas_shm shm;

	(void)state;
	q[0] = 9;
	assert_int_equal(ioas_shm_of_file(fd, AT, LENGTH, &shm), 0);
	assert_int_equal(shm.fd, -1);
	assert_int_equal(q[0], 0);
	((uint8_t *)shm.memory)[1] = 1;
	assert_int_equal(q[1], 1);
	/* The file may be closed first. */
	close(fd);
	q[2] = 2;
	assert_int_equal(((uint8_t *)shm.memory)[2], 2);
	ioas_shm_fini(&shm);
	assert_null(shm.memory);
	munmap(q, LENGTH);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, shm_setup, shm_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_zeroed_and_a_page_s),
		TEST(lent_it_is_in_the_client_s_file),
		TEST(returned_it_has_its_contents),
		TEST(each_client_has_it_as_it_is),
		TEST(lent_again_it_moves),
		TEST(a_hole_under_it_is_zeros),
		TEST(zeros_take_no_memory),
		cmocka_unit_test(what_nobody_wrote_is_not_read),
		TEST(what_cannot_be_lent_stays),
		cmocka_unit_test(a_region_is_in_its_file_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
