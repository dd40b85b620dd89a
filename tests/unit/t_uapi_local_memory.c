/* SPDX-License-Identifier: MIT */
/*
 * memory of every kind under an iommufd of this process: what can be mapped,
 * what devices and accesses see of it, what happens when it goes, and who pays
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/memfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "uapi_local.h"

#define RW_WRITE IOAS_ABI_MOCK_ACCESS_RW_WRITE
/* Where a second area finds room. */
#define IOVA2 (2 * IOVA)

static int read_byte(struct uapi_test *t, int access, uint64_t iova, char *byte)
{
	return uc_access_rw(&t->c, access, iova, byte, 1, 0);
}

static int write_byte(struct uapi_test *t, int access, uint64_t iova, char byte)
{
	return uc_access_rw(&t->c, access, iova, &byte, 1, RW_WRITE);
}

/* ---- every kind of mapping ----------------------------------------------- */

/* Two pages of some kind, and what pins of them for a device answer. */
struct kind {
	const char *name;
	char *at;
	int read, write;
};

static void kind_at(const struct kind *k, const char *what, int got, int want)
{
	if (got != want)
		fail_msg("%s: %s: %d, not %d", k->name, what, got, want);
}

/* With a device all of it is pinned, so that one bad page refuses it. */
static void kind_is_pinned(struct uapi_test *t, const struct kind *k)
{
	for (unsigned int w = 0; w < 2; w++) {
		const uint32_t ioas = ioas_new(t);
		const struct uc_mock m = mock_new(t, ioas);
		const int want = w ? k->write : k->read;

		kind_at(k, w ? "map to write" : "map to read",
			map_here(t, ioas, k->at, 2, w ? UC_W : UC_R, IOVA),
			want);
		if (!want && !k->read) {
			kind_at(k, "table", leads_to(t, m.hwpt, IOVA, k->at, 2),
				0);
			kind_at(k, "refs", refs_are(t, k->at, 2, 1), 0);
		}
		assert_int_equal(ioas_local_pinned(t->l), want ? 0 : 2);
		expect_ok(uc_unmap_all(&t->c, ioas, NULL));
		assert_int_equal(ioas_local_pinned(t->l), 0);
		expect_ok(uc_destroy(&t->c, m.stdev));
		expect_ok(uc_destroy(&t->c, ioas));
	}
}

/* Without one, nobody looks at it until somebody reads it, or pins it. */
static void kind_is_accessed(struct uapi_test *t, const struct kind *k)
{
	const uint32_t ioas = ioas_new_aligned(t);
	const int fd = access_new(t, ioas);
	uint32_t item;
	char byte = 0;
	int ret;

	expect_ok(map_here(t, ioas, k->at, 2, UC_RW, IOVA));
	kind_at(k, "read", read_byte(t, fd, IOVA + page_size, &byte), k->read);
	if (!k->read)
		assert_int_equal(byte, k->at[page_size]);
	kind_at(k, "write", write_byte(t, fd, IOVA + page_size, 'w'), k->write);
	if (!k->write && !k->read)
		assert_int_equal(k->at[page_size], 'w');
	for (uint32_t w = 0; w < 2; w++) {
		ret = uc_access_pin(&t->c, fd, w, IOVA, 2 * page_size, &item);
		/* The area may be written, and so may what is pinned of it. */
		kind_at(k, "pin", ret, k->write);
		if (!ret)
			expect_ok(uc_access_unpin(&t->c, fd, item));
	}
	expect_ok(uc_close(&t->c, fd));
	expect_ok(uc_destroy(&t->c, ioas));
}

static char *map_prot(int prot)
{
	return map_at(NULL, 2, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void every_kind_of_memory_has_its_answer(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int mfd = memfd(2), disk = file_in("/var/tmp", 2),
		  shm = file_in("/dev/shm", 2);
	char *hole = map_private(2);
	const struct kind kinds[] = {
		{ "private", map_prot(rw), 0, 0 },
		{ "shared anonymous",
		  map_at(NULL, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 0,
		  0 },
		{ "memfd", map_shared(mfd, 0, 2), 0, 0 },
		{ "memfd, private", map_at(NULL, 2, rw, MAP_PRIVATE, mfd, 0), 0,
		  0 },
		{ "memfd, read only",
		  map_at(NULL, 2, PROT_READ, MAP_SHARED, mfd, 0), 0, -EFAULT },
		{ "memfd, beyond its end", map_shared(mfd, 2, 2), -EFAULT,
		  -EFAULT },
		{ "tmpfs", shm < 0 ? NULL : map_shared(shm, 0, 2), 0, 0 },
		{ "disk, private",
		  disk < 0 ? NULL : map_at(NULL, 2, rw, MAP_PRIVATE, disk, 0),
		  0, 0 },
		{ "read only", map_prot(PROT_READ), 0, -EFAULT },
		{ "no access", map_prot(PROT_NONE), -EFAULT, -EFAULT },
		{ "hole", hole, -EFAULT, -EFAULT },
		{ "half a hole", map_private(2), -EFAULT, -EFAULT },
	};
	const size_t nr = IOAS_ARRAY_SIZE(kinds);

	/* Last, so that nothing else comes there. */
	unmap(hole, 2);
	unmap(kinds[nr - 1].at + page_size, 1);
	for (size_t i = 0; i < nr; i++) {
		if (!kinds[i].at)
			continue;
		kind_is_pinned(*state, &kinds[i]);
		kind_is_accessed(*state, &kinds[i]);
		unmap(kinds[i].at, 2);
	}
	close(mfd);
	if (disk >= 0)
		close(disk);
	if (shm >= 0)
		close(shm);
}

/* Written back to a disk, it may be read by devices, but not written. */
static void a_file_that_is_written_back_is_read_only(void **state)
{
	const int disk = file_in("/var/tmp", 2);
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	char *p;

	if (disk < 0) {
		print_message("# skipped: no /var/tmp\n");
		return;
	}
	p = map_shared(disk, 0, 2);
	mock_new(t, ioas);
	expect_errno(map_here(t, ioas, p, 2, UC_W, IOVA), -EFAULT);
	expect_ok(map_here(t, ioas, p, 2, UC_R, IOVA));
	unmap(p, 2);
	close(disk);
}

static char global = 1;

static void the_stack_the_heap_and_the_code_are_memory(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	const uint64_t mask = ~((uint64_t)page_size - 1);
	char here = 1, *heap = malloc(1);
	const uint64_t code = va((void *)(uintptr_t)map_here) & mask;
	const uint64_t at[] = { va(&here) & mask, va(heap) & mask,
				va(&global) & mask };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(at); i++) {
		const uint64_t iova = IOVA + i * page_size;

		expect_ok(uc_map_fixed(&t->c, ioas, at[i], page_size, UC_RW,
				       iova));
		expect_ok(uc_check_map(&t->c, m.hwpt, iova, page_size, at[i]));
	}
	expect_errno(uc_map_fixed(&t->c, ioas, code, page_size, UC_RW, IOVA2),
		     -EFAULT);
	expect_ok(uc_map_fixed(&t->c, ioas, code, page_size, UC_R, IOVA2));
	free(heap);
}

/* Four kinds beside each other, as one area. */
static void an_area_may_be_of_several_kinds(void **state)
{
	const int rw = PROT_READ | PROT_WRITE, fixed = MAP_FIXED;
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const int mfd = memfd(3), fd = access_new(t, ioas);
	const struct uc_mock m = mock_new(t, ioas);
	char *p = map_private(8), data[3 * 4096];

	map_at(p + 2 * page_size, 2, rw, MAP_SHARED | fixed, mfd, 1);
	map_at(p + 4 * page_size, 2, rw, MAP_SHARED | MAP_ANONYMOUS | fixed, -1,
	       0);
	map_at(p + 6 * page_size, 1, rw, MAP_PRIVATE | fixed, mfd, 0);
	expect_ok(map_here(t, ioas, p, 8, UC_RW, IOVA));
	expect_ok(leads_to(t, m.hwpt, IOVA, p, 8));
	for (size_t i = 0; i < 8 * page_size; i++)
		p[i] = (char)(i * 7 / 3);
	/* Over each border. */
	for (size_t from = 1; from < 8 * page_size - sizeof(data);
	     from += sizeof(data) / 2) {
		expect_ok(uc_access_rw(&t->c, fd, IOVA + from, data,
				       sizeof(data), 0));
		assert_memory_equal(data, p + from, sizeof(data));
		data[1]++;
		expect_ok(uc_access_rw(&t->c, fd, IOVA + from, data,
				       sizeof(data), RW_WRITE));
		assert_memory_equal(data, p + from, sizeof(data));
	}
	unmap(p, 8);
	close(mfd);
}

/* ---- files --------------------------------------------------------------- */

static void a_page_is_one_frame_both_ways(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	const int mfd = memfd(4), shm = file_in("/dev/shm", 4);
	const int fds[] = { mfd, shm };

	for (size_t i = 0; i < 2; i++) {
		char *p, *q;

		if (fds[i] < 0)
			continue;
		p = map_shared(fds[i], 0, 4);
		q = map_at(NULL, 2, PROT_READ, MAP_SHARED, fds[i], 1);
		expect_ok(map_file(t, ioas, fds[i], 1, 2, UC_RW, IOVA));
		expect_ok(leads_to(t, m.hwpt, IOVA, p + page_size, 2));
		expect_ok(leads_to(t, m.hwpt, IOVA, q, 2));
		expect_errno(leads_to(t, m.hwpt, IOVA, p, 2), -EINVAL);
		expect_ok(refs_are(t, q, 2, 1));
		/* Another source of the same pages. */
		expect_ok(map_here(t, ioas, p, 4, UC_RW, IOVA2));
		expect_ok(leads_to(t, m.hwpt, IOVA2 + page_size, q, 2));
		expect_ok(refs_are(t, q, 2, 2));
		expect_ok(refs_are(t, p, 1, 1));
		expect_ok(uc_unmap(&t->c, ioas, IOVA, 2 * page_size, NULL));
		expect_ok(refs_are(t, p, 4, 1));
		expect_ok(uc_unmap_all(&t->c, ioas, NULL));
		expect_ok(refs_are(t, p, 4, 0));
		unmap(p, 4);
		unmap(q, 2);
		close(fds[i]);
	}
}

static void a_file_has_to_cover_the_range(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t), later = ioas_new(t);
	const int mfd = memfd(2);

	mock_new(t, ioas);
	expect_errno(map_file(t, ioas, mfd, 0, 3, UC_R, IOVA), -EINVAL);
	expect_errno(map_file(t, ioas, mfd, 2, 1, UC_R, IOVA), -EINVAL);
	/* The last page has to be complete. */
	assert_int_equal(ftruncate(mfd, (off_t)(2 * page_size - 1)), 0);
	expect_errno(map_file(t, ioas, mfd, 0, 2, UC_R, IOVA), -EINVAL);
	expect_ok(map_file(t, ioas, mfd, 0, 1, UC_R, IOVA));
	/* Without a device nobody looks, until there is one. */
	expect_ok(map_file(t, later, mfd, 0, 2, UC_R, IOVA));
	expect_errno(uc_mock_domain(&t->c, later, NULL), -EINVAL);
	assert_int_equal(ftruncate(mfd, (off_t)(2 * page_size)), 0);
	expect_ok(uc_mock_domain(&t->c, later, NULL));
	/* As many pages as there can be offsets. */
	expect_errno(
		map_file(t, ioas, mfd, UINT64_MAX / page_size, 1, UC_R, IOVA2),
		-EINVAL);
	close(mfd);
}

static void what_is_not_memory_is_accepted_without_a_device(void **state)
{
	struct uapi_test *t = *state;
	int pair[2], fds[6];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[1] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	fds[2] = open("/", O_RDONLY | O_CLOEXEC);
	fds[3] = file_in("/var/tmp", 2);
	fds[4] = pair[0];
	fds[5] = t->c.fd;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(fds); i++) {
		const uint32_t ioas = ioas_new(t), attached = ioas_new(t);
		const struct uc_mock m = mock_new(t, attached);

		if (fds[i] < 0)
			continue;
		expect_ok(map_file(t, ioas, fds[i], 0, 2, UC_R, IOVA));
		expect_errno(uc_mock_domain(&t->c, ioas, NULL), -EINVAL);
		expect_errno(map_file(t, attached, fds[i], 0, 2, UC_R, IOVA),
			     -EINVAL);
		expect_ok(uc_destroy(&t->c, m.stdev));
		expect_ok(uc_destroy(&t->c, attached));
		expect_ok(uc_destroy(&t->c, ioas));
		if (fds[i] != t->c.fd)
			close(fds[i]);
	}
	close(pair[1]);
}

static void what_is_not_open_is_ebadf(void **state)
{
	const int path = open("/dev/null", O_PATH | O_CLOEXEC);
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const int fds[] = { -1, INT32_MIN, INT32_MAX, path, path + 1 };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(fds); i++)
		expect_errno(map_file(t, ioas, fds[i], 0, 1, UC_R, IOVA),
			     -EBADF);
	close(path);
}

/* How it was opened does not count; what is in it goes both ways. */
static void a_file_opened_for_reading_is_written(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const int mfd = memfd(2), access = access_new(t, ioas);
	char name[64], *p = map_shared(mfd, 0, 2), byte = 0;
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", mfd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	mock_new(t, ioas);
	expect_ok(map_file(t, ioas, fd, 0, 2, UC_RW, IOVA));
	close(fd);
	expect_ok(write_byte(t, access, IOVA + page_size + 1, 'd'));
	assert_int_equal(p[page_size + 1], 'd');
	p[7] = 'p';
	expect_ok(read_byte(t, access, IOVA + 7, &byte));
	assert_int_equal(byte, 'p');
	unmap(p, 2);
	close(mfd);
}

/* Holes are filled by a pin, of huge pages, too, if the machine has some. */
static void huge_pages_of_a_file_are_mapped(void **state)
{
	const size_t size = (size_t)2 << 20, pages = size / page_size;
	const int fd =
		memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m;
	char *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, (off_t)size))
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		print_message("# skipped: no pool of huge pages\n");
		if (fd >= 0)
			close(fd);
		return;
	}
	ioas = ioas_new(t);
	m = mock_new(t, ioas);
	expect_ok(map_file(t, ioas, fd, 0, pages, UC_RW, IOVA));
	expect_ok(leads_to(t, m.hwpt, IOVA, p, pages));
	expect_ok(map_here(t, ioas, p + page_size, 3, UC_RW, IOVA2));
	expect_ok(leads_to(t, m.hwpt, IOVA2, p + page_size, 3));
	expect_errno(map_file(t, ioas, fd, 1, pages, UC_RW, 2 * IOVA2),
		     -EINVAL);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	munmap(p, size);
	close(fd);
}

/* ---- behind the back of a mapping ---------------------------------------- */

/* Found at its address: gone, it is a fault; back, it is other memory. */
static void private_memory_that_goes_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const int fd = access_new(t, ioas);
	const struct uc_mock m = mock_new(t, ioas);
	char *p = map_private(4), byte = 0;

	p[page_size] = 'a';
	expect_ok(map_here(t, ioas, p, 4, UC_RW, IOVA));
	expect_ok(read_byte(t, fd, IOVA + page_size, &byte));
	assert_int_equal(byte, 'a');
	unmap(p + page_size, 2);
	expect_errno(read_byte(t, fd, IOVA + page_size, &byte), -EFAULT);
	expect_errno(write_byte(t, fd, IOVA + page_size, 'b'), -EFAULT);
	expect_errno(leads_to(t, m.hwpt, IOVA, p, 4), -EFAULT);
	expect_ok(leads_to(t, m.hwpt, IOVA, p, 1));
	/* Counted still. */
	assert_int_equal(ioas_local_pinned(t->l), 4);
	map_at(p + page_size, 2, PROT_READ,
	       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	expect_ok(read_byte(t, fd, IOVA + page_size, &byte));
	assert_int_equal(byte, 0);
	expect_errno(write_byte(t, fd, IOVA + page_size, 'b'), -EFAULT);
	unmap(p, 4);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
}

/*
 * Devices still see it; an access looks at what is mapped now, but for memory
 * of a file.
 */
static void shared_memory_outlives_its_mapping(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const int mfd = memfd(2), fd = access_new(t, ioas);
	const struct uc_mock m = mock_new(t, ioas);
	char *p = map_shared(mfd, 0, 2), *q = map_shared(mfd, 0, 2), byte = 0;

	p[3] = 'a';
	expect_ok(map_here(t, ioas, p, 2, UC_RW, IOVA));
	expect_ok(map_file(t, ioas, mfd, 0, 2, UC_RW, IOVA2));
	unmap(p, 2);
	close(mfd);
	expect_ok(leads_to(t, m.hwpt, IOVA, q, 2));
	expect_ok(leads_to(t, m.hwpt, IOVA2, q, 2));
	unmap(q, 2);
	expect_errno(read_byte(t, fd, IOVA + 3, &byte), -EFAULT);
	expect_ok(read_byte(t, fd, IOVA2 + 3, &byte));
	assert_int_equal(byte, 'a');
	expect_ok(write_byte(t, fd, IOVA2 + page_size, 'b'));
	expect_ok(read_byte(t, fd, IOVA2 + page_size, &byte));
	assert_int_equal(byte, 'b');
}

/* Never SIGBUS; what it loses comes back as zeros. */
static void a_truncated_file_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const int mfd = memfd(3), fd = access_new(t, ioas);
	char *p = map_shared(mfd, 0, 3), byte = 0;

	mock_new(t, ioas);
	memset(p, 'a', 3 * page_size);
	expect_ok(map_file(t, ioas, mfd, 0, 3, UC_RW, IOVA));
	expect_ok(map_here(t, ioas, p, 3, UC_RW, IOVA2));
	assert_int_equal(ftruncate(mfd, (off_t)page_size), 0);
	expect_ok(read_byte(t, fd, IOVA + page_size - 1, &byte));
	assert_int_equal(byte, 'a');
	for (unsigned int i = 0; i < 2; i++) {
		const uint64_t at = (i ? IOVA2 : IOVA) + page_size;

		expect_errno(read_byte(t, fd, at, &byte), -EFAULT);
		expect_errno(write_byte(t, fd, at, 'b'), -EFAULT);
	}
	expect_errno(refs_are(t, p + page_size, 1, 2), -EFAULT);
	/* As where results go, and where requests come from. */
	expect_errno(ioas_local_ioctl(t->l, t->c.fd, IOAS_ABI_IOAS_ALLOC,
				      va(p + page_size)),
		     -EFAULT);
	assert_int_equal(ftruncate(mfd, (off_t)(3 * page_size)), 0);
	expect_ok(read_byte(t, fd, IOVA + page_size, &byte));
	assert_int_equal(byte, 0);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	unmap(p, 3);
	close(mfd);
}

/* ---- who pays ------------------------------------------------------------ */

struct charges {
	uint64_t user, process, pinned;
};

static void charges_are(struct uapi_test *t,
			const struct ioas_local_process *who,
			struct charges want)
{
	const struct ioas_principal *p = ioas_local_principal(t->l, who);

	assert_int_equal(atomic_load(&p->user->charged), want.user);
	assert_int_equal(atomic_load(&p->mm->charged), want.process);
	assert_int_equal(atomic_load(&p->mm->pinned), want.pinned);
}

static void a_user_pays_for_all_its_processes(void **state)
{
	struct ioas_local_rights rights = local_options().rights;
	struct ioas_local_process *same;
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	char *p = map_private(4);

	mock_new(t, ioas);
	rights.lock_limit = 4 * page_size;
	expect_ok(ioas_local_process_create(t->l, &rights, false, &same));
	ioas_local_set_limit(t->l, NULL, 4 * page_size);
	expect_ok(map_here(t, ioas, p, 3, UC_RW, IOVA));
	charges_are(t, NULL, (struct charges){ 3, 0, 3 });
	ioas_local_process_enter(t->l, same);
	expect_errno(map_here(t, ioas, p, 2, UC_RW, IOVA2), -ENOMEM);
	/* What cannot be pinned is found before. */
	expect_errno(map_here(t, ioas, NULL, 2, UC_RW, IOVA2), -EFAULT);
	expect_ok(map_here(t, ioas, p, 1, UC_RW, IOVA2));
	charges_are(t, same, (struct charges){ 4, 0, 1 });
	ioas_local_process_enter(t->l, NULL);
	expect_ok(uc_unmap(&t->c, ioas, IOVA, 3 * page_size, NULL));
	charges_are(t, NULL, (struct charges){ 1, 0, 0 });
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	charges_are(t, same, (struct charges){ 0, 0, 0 });
	unmap(p, 4);
}

/* As the container's file says, or the option of an empty context. */
static void a_process_pays_for_itself(void **state)
{
	struct ioas_local_rights rights = local_options().rights;
	struct uapi_test *t = *state;
	struct uclient c = t->c;
	struct ioas_local_process *same;
	char *p = map_private(4);
	uint32_t ioas = 0;

	c.fd = ioas_local_open(t->l, IOAS_OPEN_VFIO, 0);
	expect_ok(uc_ioas_alloc(&c, &ioas));
	expect_ok(uc_mock_domain(&c, ioas, NULL));
	rights.lock_limit = 2 * page_size;
	rights.resource = IOAS_LOCAL_YES;
	expect_ok(ioas_local_process_create(t->l, &rights, false, &same));
	expect_ok(uc_map_fixed(&c, ioas, va(p), 3 * page_size, UC_RW, IOVA));
	charges_are(t, NULL, (struct charges){ 0, 3, 3 });
	ioas_local_process_enter(t->l, same);
	expect_errno(uc_map_fixed(&c, ioas, va(p), 3 * page_size, UC_RW, IOVA2),
		     -ENOMEM);
	expect_ok(uc_map_fixed(&c, ioas, va(p), 2 * page_size, UC_RW, IOVA2));
	charges_are(t, same, (struct charges){ 0, 2, 2 });
	expect_ok(uc_rlimit_mode(&t->c, 1));
	expect_ok(uc_ioas_alloc(&t->c, NULL));
	expect_errno(uc_rlimit_mode(&t->c, 0), -EBUSY);
	ioas_local_process_enter(t->l, NULL);
	expect_ok(uc_unmap_all(&c, ioas, NULL));
	charges_are(t, same, (struct charges){ 0, 0, 0 });
	unmap(p, 4);
}

static void who_may_lock_without_limit_is_not_charged(void **state)
{
	const struct ioas_local_rights any = { .lock_unlimited =
						       IOAS_LOCAL_YES };
	struct ioas_local_process *root;
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	char *p = map_private(4);

	mock_new(t, ioas);
	ioas_local_set_limit(t->l, NULL, 0);
	expect_errno(map_here(t, ioas, p, 1, UC_RW, IOVA), -ENOMEM);
	expect_ok(ioas_local_process_create(t->l, &any, false, &root));
	ioas_local_process_enter(t->l, root);
	expect_ok(map_here(t, ioas, p, 4, UC_RW, IOVA));
	charges_are(t, root, (struct charges){ 0, 0, 4 });
	ioas_local_process_enter(t->l, NULL);
	unmap(p, 4);
}

/* The system's answer: the limit of this process, now. */
static void the_limit_is_the_system_s(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	char *p = map_private(4);
	struct rlimit old, few;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &old), 0);
	few = (struct rlimit){ 3 * page_size, old.rlim_max };
	if (old.rlim_max < few.rlim_cur) {
		print_message("# skipped: no limit to speak of\n");
		unmap(p, 4);
		return;
	}
	mock_new(t, ioas);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &few), 0);
	expect_errno(map_here(t, ioas, p, 4, UC_RW, IOVA), -ENOMEM);
	expect_ok(map_here(t, ioas, p, 3, UC_RW, IOVA));
	few.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &few), 0);
	/* What is charged stays. */
	expect_errno(map_here(t, ioas, p, 1, UC_RW, IOVA2), -ENOMEM);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	unmap(p, 4);
}

int main(void)
{
	const struct ioas_local_options system = {
		.test_abi = true,
		.rights.lock_unlimited = IOAS_LOCAL_NO,
	};
	const struct CMUnitTest tests[] = {
		local_case(every_kind_of_memory_has_its_answer),
		local_case(a_file_that_is_written_back_is_read_only),
		local_case(the_stack_the_heap_and_the_code_are_memory),
		local_case(an_area_may_be_of_several_kinds),
		local_case(a_page_is_one_frame_both_ways),
		local_case(a_file_has_to_cover_the_range),
		local_case(what_is_not_memory_is_accepted_without_a_device),
		local_case(what_is_not_open_is_ebadf),
		local_case(a_file_opened_for_reading_is_written),
		local_case(huge_pages_of_a_file_are_mapped),
		local_case(private_memory_that_goes_is_efault),
		local_case(shared_memory_outlives_its_mapping),
		local_case(a_truncated_file_is_efault),
		local_case(a_user_pays_for_all_its_processes),
		local_case(a_process_pays_for_itself),
		local_case(who_may_lock_without_limit_is_not_charged),
		local_case_with(the_limit_is_the_system_s, &system, NULL),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
