/* SPDX-License-Identifier: MIT */
/*
 * mapfile: a program for /dev/iommu, as one writes it for Linux
 *
 *   FILE -> memory "file" --+          +--> device: its IO page table
 *                           +--> IOAS -+
 *           memory "copy" --+          +--> access: software that reads, writes
 *
 * Nothing in here is ours but the header, which stands in for <linux/iommufd.h>
 * where the system has none or an old one. With an IOMMU it runs as it is;
 * without:
 *
 *     ioas run --test-abi --report -- mapfile FILE
 *
 * A device is needed to see the memory from the other side. A driver would bind
 * one of VFIO's; here it is the mock device of the test ABI, and if there is
 * none the program does without.
 *
 * At the end "copy" is still mapped, which the report shows.
 */
#include <ioas/abi/compat/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that the device moves at a time: no multiple of a page. */
#define BURST 1500

/* Memory of this program, and where a device finds it. */
struct buffer {
	const char *name;
	void *memory;
	size_t length;
	uint64_t iova;
};

/* ---- step 1: an IO address space ---------------------------------------- */

/*
 * A descriptor is a context: what is made through it has ids that mean nothing
 * to another, and goes away with its last copy.
 */
static int open_iommu(void)
{
	const int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/iommu (no IOMMU? run it under \"ioas run\")");
	return fd;
}

/* Each request begins with its size, so that it can grow some day. */
static uint32_t new_space(int fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(fd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "IOMMU_IOAS_ALLOC");
	return alloc.out_ioas_id;
}

/*
 * Where may be mapped? It depends on the devices that use the space. Had it more
 * ranges than we have room for, the answer were EMSGSIZE and their number.
 */
static void show_ranges(int fd, uint32_t ioas_id)
{
	struct iommu_iova_range range[8];
	struct iommu_ioas_iova_ranges ask = {
		.size = sizeof(ask),
		.ioas_id = ioas_id,
		.num_iovas = 8,
		.allowed_iovas = (uintptr_t)range,
	};

	if (ioctl(fd, IOMMU_IOAS_IOVA_RANGES, &ask))
		err(1, "IOMMU_IOAS_IOVA_RANGES");
	for (uint32_t i = 0; i < ask.num_iovas; i++)
		printf("    IOVA 0x%llx to 0x%llx can be mapped\n",
		       (unsigned long long)range[i].start,
		       (unsigned long long)range[i].last);
	printf("    mappings are multiples of %llu bytes\n",
	       (unsigned long long)ask.out_iova_alignment);
}

/* ---- step 2: a device --------------------------------------------------- */

struct device {
	uint32_t id;
	/* Through it software reads and writes the space. */
	int access;
};

static int test(int fd, struct ioas_abi_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return ioctl(fd, IOAS_ABI_TEST_CMD, cmd);
}

/*
 * It comes before memory, for the IOVA that its page table can have is less than
 * all, and what was mapped elsewhere would be in the way. Return: false: there
 * are no mock devices here.
 */
static bool attach(int fd, uint32_t ioas_id, struct device *d)
{
	struct ioas_abi_test_cmd domain = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
		.id = ioas_id,
	};
	struct ioas_abi_test_cmd access = {
		.op = IOAS_ABI_TEST_OP_CREATE_ACCESS,
		.id = ioas_id,
	};

	if (test(fd, &domain)) {
		if (errno == ENOTTY)
			return false;
		err(1, "a mock device");
	}
	if (test(fd, &access))
		err(1, "an access");
	d->id = domain.mock_domain.out_stdev_id;
	d->access = (int)access.create_access.out_access_fd;
	return true;
}

/* ---- step 3: memory ----------------------------------------------------- */

static size_t whole_pages(size_t length)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (length + page - 1) & ~(page - 1);
}

/* The file as memory. Return: its length, not of the pages. */
static size_t open_file(const char *path, struct buffer *file)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	if (st.st_size <= 0)
		errx(1, "%s: empty", path);
	file->name = "file";
	file->length = whole_pages((size_t)st.st_size);
	file->memory = mmap(NULL, file->length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file->memory == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return (size_t)st.st_size;
}

static void new_copy(size_t length, struct buffer *copy)
{
	copy->name = "copy";
	copy->length = length;
	copy->memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy->memory == MAP_FAILED)
		err(1, "memory");
}

/* The IOVA is chosen for us; IOMMU_IOAS_MAP_FIXED_IOVA would choose it. */
static void map(int fd, uint32_t ioas_id, struct buffer *b, uint32_t access)
{
	struct iommu_ioas_map ask = {
		.size = sizeof(ask),
		.flags = access,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)b->memory,
		.length = b->length,
	};

	if (ioctl(fd, IOMMU_IOAS_MAP, &ask))
		err(1, "IOMMU_IOAS_MAP of \"%s\"", b->name);
	b->iova = ask.iova;
	printf("    %s: %zu bytes at %p are IOVA 0x%llx\n", b->name, b->length,
	       b->memory, (unsigned long long)b->iova);
}

/* A mapping goes as a whole, so the length is known; ours is an answer too. */
static void unmap(int fd, uint32_t ioas_id, struct buffer *b)
{
	struct iommu_ioas_unmap ask = {
		.size = sizeof(ask),
		.ioas_id = ioas_id,
		.iova = b->iova,
		.length = b->length,
	};

	if (ioctl(fd, IOMMU_IOAS_UNMAP, &ask))
		err(1, "IOMMU_IOAS_UNMAP of \"%s\"", b->name);
	printf("    %s: %llu bytes unmapped\n", b->name,
	       (unsigned long long)ask.length);
}

/* ---- step 4: the device at work ----------------------------------------- */

static void move(int fd, const struct device *d, uint64_t iova, void *bytes,
		 size_t length, uint32_t flags)
{
	struct ioas_abi_test_cmd cmd = {
		.op = IOAS_ABI_TEST_OP_ACCESS_RW,
		.id = (uint32_t)d->access,
		.access_rw = {
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)bytes,
			.flags = flags,
		},
	};

	if (test(fd, &cmd))
		err(1, "access to IOVA 0x%llx", (unsigned long long)iova);
}

/* As a device would: out of "file", into "copy", by IOVA alone. */
static void copy_file(int fd, const struct device *d, const struct buffer *file,
		      const struct buffer *copy, size_t length)
{
	char burst[BURST];

	for (size_t at = 0; at < length; at += BURST) {
		const size_t left = length - at;
		const size_t n = left < BURST ? left : BURST;

		move(fd, d, file->iova + at, burst, n, 0);
		move(fd, d, copy->iova + at, burst, n,
		     IOAS_ABI_MOCK_ACCESS_RW_WRITE);
	}
}

static void digest(const void *bytes, size_t length, char text[65])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, length, bytes);
	sha256_digest(&ctx, sizeof(hash), hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

static void verify(const struct buffer *file, const struct buffer *copy,
		   size_t length)
{
	char want[65], got[65];

	digest(file->memory, length, want);
	digest(copy->memory, length, got);
	if (strcmp(want, got))
		errx(1, "sha256 is %s, not %s", got, want);
	printf("    verified: sha256 %.16s... (%zu bytes)\n", got, length);
}

static void detach(int fd, const struct device *d)
{
	struct iommu_destroy destroy = {
		.size = sizeof(destroy),
		.id = d->id,
	};

	close(d->access);
	if (ioctl(fd, IOMMU_DESTROY, &destroy))
		err(1, "IOMMU_DESTROY of the device");
}

int main(int argc, char **argv)
{
	struct buffer file, copy;
	struct device device;
	uint32_t ioas_id;
	size_t length;
	bool there;
	int fd;

	if (argc != 2)
		errx(2, "usage: mapfile FILE");
	puts("1.  an IO address space");
	fd = open_iommu();
	ioas_id = new_space(fd);
	show_ranges(fd, ioas_id);

	puts("2.  a device");
	there = attach(fd, ioas_id, &device);
	if (there)
		show_ranges(fd, ioas_id);
	else
		puts("    no mock device here: nobody will look from there");

	puts("3.  memory");
	length = open_file(argv[1], &file);
	new_copy(file.length, &copy);
	map(fd, ioas_id, &file, IOMMU_IOAS_MAP_READABLE);
	map(fd, ioas_id, &copy,
	    IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE);

	if (there) {
		puts("4.  from \"file\" to \"copy\", by IOVA");
		copy_file(fd, &device, &file, &copy, length);
		verify(&file, &copy, length);
		detach(fd, &device);
	}

	puts("5.  the end: \"copy\" is left behind");
	unmap(fd, ioas_id, &file);
	return 0;
}
