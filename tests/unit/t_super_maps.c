/* SPDX-License-Identifier: MIT */
/* maps: regions that other processes have mapped, by the kernel's lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

/* Its static functions as well. */
#include "../../src/super/maps.c"

#define PAGE 4096u
#define NR_REGIONS 3u

/* ---- neighbours --------------------------------------------------------- */

struct ioas_sfile {
	struct ioas_ufile *ufile;
	uint64_t dev, ino;
};

/* A function whose file this is, in the tests that have one. */
static struct ioas_vdev *vdev;

struct ioas_vdev *ioas_vdev_of_file(struct ioas_ufile *f)
{
	(void)f;
	return vdev;
}

struct ioas_ufile *ioas_sfile_ufile(const struct ioas_sfile *file)
{
	return file->ufile;
}

void ioas_sfile_inode(const struct ioas_sfile *file, uint64_t *dev,
		      uint64_t *ino)
{
	*dev = file->dev;
	*ino = file->ino;
}

/* Region i is two pages at page 1 + 2 * i. */
static struct ioas_region regions[NR_REGIONS];
static int held[NR_REGIONS];

static uint64_t region_at(unsigned int i)
{
	return (1 + 2 * (uint64_t)i) * PAGE;
}

void ioas_region_unmap(struct ioas_region *region)
{
	held[region - regions]--;
	assert_true(held[region - regions] >= 0);
}

static int file_mmap(struct ioas_ufile *f, const struct ioas_mmap_request *rq,
		     struct ioas_region **out)
{
	(void)f;
	if (!rq->shared)
		return -EINVAL;
	if (rq->exec)
		return -EPERM;
	for (unsigned int i = 0; i < NR_REGIONS; i++)
		if (rq->offset == region_at(i) && rq->length == 2 * PAGE) {
			*out = &regions[i];
			held[i]++;
			return 0;
		}
	return -ENXIO;
}

static const struct ioas_ufile_ops file_ops = { .mmap = file_mmap };
/* Memory of a device, by any offset. */
static int device_mmap(struct ioas_ufile *f, const struct ioas_mmap_request *rq,
		       struct ioas_region **out)
{
	(void)f;
	if (!rq->shared)
		return -EINVAL;
	*out = &regions[0];
	held[0]++;
	return 0;
}

static const struct ioas_ufile_ops device_ops = { .mmap = device_mmap };
static const struct ioas_ufile_ops other_ops = { .name = "other" };

/* ---- a client ----------------------------------------------------------- */

enum op { MAP, UNMAP_FIRST, UNMAP, FORK, END_FIRST_THREAD, SPIN };

struct order {
	enum op op;
	uint64_t offset;
};

struct client {
	pid_t pid;
	int fd;
};

static uint8_t *client_memory;
static int client_memfd, client_socket;

static void client_done(pid_t pid)
{
	if (write(client_socket, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

static void client_serve(void);

static void *client_thread(void *unused)
{
	(void)unused;
	client_serve();
	return NULL;
}

static void client_obey(const struct order *o)
{
	pthread_t t;
	pid_t pid = 0;

	switch (o->op) {
	case MAP:
		client_memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED, client_memfd,
				     (off_t)o->offset);
		break;
	case UNMAP_FIRST:
		munmap(client_memory, PAGE);
		break;
	case UNMAP:
		munmap(client_memory, 2 * PAGE);
		break;
	case FORK:
		pid = fork();
		if (!pid) {
			/* Nobody waits for it, should the test fail. */
			alarm(30);
			for (;;)
				pause();
		}
		break;
	case END_FIRST_THREAD:
		/* What it did is seen from outside. */
		pthread_create(&t, NULL, client_thread, NULL);
		pthread_exit(NULL);
	case SPIN:
		client_done(0);
		for (;;)
			;
	}
	client_done(pid);
}

static void client_serve(void)
{
	struct order o;

	while (read(client_socket, &o, sizeof(o)) == sizeof(o))
		client_obey(&o);
	_exit(0);
}

static struct client client_start(int memfd)
{
	struct client c;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    fd), 0);
	c.pid = fork();
	if (!c.pid) {
		close(fd[0]);
		client_memfd = memfd;
		client_socket = fd[1];
		client_serve();
	}
	close(fd[1]);
	c.fd = fd[0];
	return c;
}

static void client_order(const struct client *c, enum op op, uint64_t offset)
{
	const struct order o = { op, offset };

	assert_int_equal(write(c->fd, &o, sizeof(o)), sizeof(o));
}

/* A number, if it was to fork. */
static pid_t client_do(const struct client *c, enum op op, uint64_t offset)
{
	pid_t pid;

	client_order(c, op, offset);
	assert_int_equal(read(c->fd, &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

static void client_end(struct client *c)
{
	if (!c->pid)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	close(c->fd);
	c->pid = 0;
}

/* ---- fixture ------------------------------------------------------------ */

struct world {
	struct ioas_super s;
	struct ioas_process process;
	struct ioas_task task;
	struct ioas_ufile ufile;
	struct ioas_sfile file;
	struct ioas_smaps *m;
	struct client client;
	int memfd;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct stat st;

	assert_non_null(w);
	memset(held, 0, sizeof(held));
	w->memfd = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(w->memfd, 64 * PAGE), 0);
	assert_int_equal(fstat(w->memfd, &st), 0);
	ioas_ufile_init(&w->ufile, &file_ops);
	w->file = (struct ioas_sfile){
		&w->ufile,
		ioas_vma_dev(major(st.st_dev), minor(st.st_dev)),
		st.st_ino,
	};
	w->s.host.page_lg2 = 12;
	w->client = client_start(w->memfd);
	w->process.pid = w->client.pid;
	w->task.tid = w->client.pid;
	w->task.process = &w->process;
	assert_int_equal(ioas_smaps_create(&w->s, &w->m), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ioas_smaps_destroy(w->m);
	for (unsigned int i = 0; i < NR_REGIONS; i++)
		assert_int_equal(held[i], 0);
	client_end(&w->client);
	close(w->memfd);
	free(w);
	return 0;
}

/* The call as it is trapped. Return: 1: the kernel may; or -errno. */
static int64_t call(struct world *w, uint64_t addr, uint64_t length,
		    uint64_t prot, uint64_t flags, uint64_t offset)
{
	struct ioas_call c = {
		.s = &w->s,
		.task = &w->task,
		.n.arg = { addr, length, prot, flags, 3, offset },
	};
	int64_t value = 1;

	if (ioas_smaps_mmap(&c, w->m, &w->file, &value) == IOAS_CALL_CONTINUE)
		assert_int_equal(value, 1);
	return value;
}

static void trap(struct world *w, unsigned int i)
{
	assert_int_equal(call(w, 0, 2 * PAGE, PROT_READ, MAP_SHARED,
			      region_at(i)), 1);
	assert_int_equal(held[i], 1);
}

/* The whole call of the client, and its next one. */
static void map(struct world *w, unsigned int i)
{
	trap(w, i);
	client_do(&w->client, MAP, region_at(i));
	ioas_smaps_task_back(w->m, w->task.tid);
}

static void sweep_finds(struct world *w, int first)
{
	ioas_smaps_sweep(w->m);
	assert_int_equal(held[0], first);
}

/* ---- requests ----------------------------------------------------------- */

static void requests_are_checked_in_order(void **state)
{
	const uint64_t at = PAGE, len = 2 * PAGE, sh = MAP_SHARED, r = PROT_READ;
	const uint64_t huge = 0 - (uint64_t)PAGE, x = PROT_EXEC;
	const struct {
		uint64_t addr, length, prot, flags, offset;
		int64_t ret;
	} rows[] = {
		{ 0, 0, x, sh | MAP_HUGETLB, 1, -EINVAL },
		{ 0, 0, x, sh, 0, -EINVAL },
		{ 0, len, x, sh | MAP_HUGETLB, at, -EINVAL },
		{ 0, UINT64_MAX, x, sh, 0, -ENOMEM },
		{ 0, SPACE + PAGE, x, sh, 0, -ENOMEM },
		{ 1, len, x, sh | MAP_FIXED, 0, -EINVAL },
		{ SPACE - PAGE, len, x, sh | MAP_FIXED, 0, -ENOMEM },
		{ 1, len, x, sh | MAP_FIXED_NOREPLACE, 0, -EINVAL },
		{ 0, len, x, sh, huge, -EOVERFLOW },
		{ 0, len, x, 0, 0, -EINVAL },
		{ 0, len, x, MAP_SHARED_VALIDATE | MAP_SYNC, 0, -EOPNOTSUPP },
		{ 0, len, x, sh | MAP_GROWSDOWN, 0, -EINVAL },
		{ 0, len, x, MAP_PRIVATE, 0, -EINVAL },
		{ 0, len, x, sh, 0, -EPERM },
		{ 0, len, r, sh, 0, -ENXIO },
		{ 0, PAGE, r, sh, at, -ENXIO },
		{ 0, len, r, sh, 2 * PAGE, -ENXIO },
		{ 1, len, r, sh, at, 1 },
		{ PAGE, len, r, sh | MAP_FIXED, at, 1 },
		{ 0, PAGE + 1, r, sh, at, 1 },
		{ 0, len, r, MAP_SHARED_VALIDATE, at, 1 },
		{ 0, len, PROT_NONE, sh | MAP_POPULATE, at, 1 },
	};
	struct world *w = *state;

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(rows); i++)
		assert_int_equal(call(w, rows[i].addr, rows[i].length,
				      rows[i].prot, rows[i].flags,
				      rows[i].offset), rows[i].ret);
	assert_int_equal(held[0], 1);
}

static void anonymous_memory_is_not_ours(void **state)
{
	struct world *w = *state;

	assert_int_equal(call(w, 0, 2 * PAGE, PROT_READ,
			      MAP_SHARED | MAP_ANONYMOUS, PAGE), 1);
	assert_int_equal(call(w, 0, 0, 0, MAP_PRIVATE | MAP_ANONYMOUS, 1), 1);
	assert_int_equal(held[0], 0);
}

static void other_files_are_enodev(void **state)
{
	struct world *w = *state;

	w->ufile.ops = &other_ops;
	assert_int_equal(call(w, 0, PAGE, PROT_READ, MAP_SHARED, 0), -ENODEV);
	w->file.ufile = NULL;
	assert_int_equal(call(w, 0, PAGE, PROT_READ, MAP_SHARED, 0), -ENODEV);
	assert_int_equal(call(w, 0, 0, PROT_READ, MAP_SHARED, 0), -EINVAL);
}

/* Nobody has to remember: the client's file lasts as long as a mapping of it. */
static void memory_of_a_device_is_not_listed(void **state)
{
	const uint64_t bar0 = ioas_vdev_bar_offset(0), len = 2 * PAGE;
	static const struct ioas_region_ops ops = { NULL, NULL };
	struct world *w = *state;

	w->ufile.ops = &device_ops;
	vdev = (void *)w;
	regions[0].ops = &ops;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(call(w, 0, len, PROT_READ, MAP_SHARED,
				      bar0 + i * PAGE), 1);
		assert_int_equal(held[0], 0);
	}
	assert_int_equal(call(w, 0, len, PROT_READ, MAP_SHARED,
			      ioas_vdev_bar_offset(5)), 1);
	assert_int_equal(atomic_load(&w->m->nr_records), 0);
	assert_int_equal(atomic_load(&w->m->nr_marks), 0);
	/* Its own answers, and where there is none of it in the file. */
	assert_int_equal(call(w, 0, len, PROT_READ, MAP_PRIVATE, bar0), -EINVAL);
	assert_int_equal(call(w, 0, len, PROT_READ, MAP_SHARED, 0), -EINVAL);
	assert_int_equal(call(w, 0, len, PROT_READ, MAP_SHARED,
			      UINT64_C(1) << 40), -EINVAL);
	assert_int_equal(call(w, 0, len, PROT_READ, MAP_SHARED, bar0 - PAGE),
			 -EINVAL);
	assert_int_equal(held[0], 0);
	regions[0].ops = NULL;
	vdev = NULL;
}

/* ---- sweeps ------------------------------------------------------------- */

static void held_until_it_is_unmapped(void **state)
{
	struct world *w = *state;

	sweep_finds(w, 0);
	map(w, 0);
	sweep_finds(w, 1);
	client_do(&w->client, UNMAP_FIRST, 0);
	sweep_finds(w, 1);
	client_do(&w->client, UNMAP, 0);
	sweep_finds(w, 0);
	map(w, 0);
	sweep_finds(w, 1);
}

static void twice_is_once(void **state)
{
	struct world *w = *state;

	map(w, 0);
	map(w, 0);
	client_do(&w->client, UNMAP, 0);
	/* The first is still there. */
	sweep_finds(w, 1);
	client_end(&w->client);
	sweep_finds(w, 0);
}

static void each_region_for_itself(void **state)
{
	struct world *w = *state;

	map(w, 0);
	client_do(&w->client, UNMAP, 0);
	map(w, 2);
	client_do(&w->client, UNMAP, 0);
	map(w, 1);
	ioas_smaps_sweep(w->m);
	assert_int_equal(held[0], 0);
	assert_int_equal(held[1], 1);
	assert_int_equal(held[2], 0);
}

static void children_inherit(void **state)
{
	struct world *w = *state;
	pid_t child;

	map(w, 0);
	child = client_do(&w->client, FORK, 0);
	assert_true(child > 0);
	client_do(&w->client, UNMAP, 0);
	sweep_finds(w, 1);
	client_end(&w->client);
	sweep_finds(w, 1);
	kill(child, SIGKILL);
	/* Not ours to wait for. */
	while (!kill(child, 0) && held[0]) {
		ioas_smaps_sweep(w->m);
		usleep(1000);
	}
	sweep_finds(w, 0);
}

/* Who is it then? A process without its first thread has an empty list. */
static void any_thread_will_do(void **state)
{
	struct world *w = *state;
	struct looks looks = { .left = 1 };
	char path[64];

	map(w, 0);
	client_order(&w->client, END_FIRST_THREAD, 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", w->client.pid);
	while (list_read(&looks, path, w->client.pid))
		usleep(1000);
	sweep_finds(w, 1);
	client_do(&w->client, UNMAP, 0);
	sweep_finds(w, 0);
}

static void our_own_mappings_do_not_count(void **state)
{
	struct world *w = *state;
	void *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, w->memfd, PAGE);

	assert_ptr_not_equal(p, MAP_FAILED);
	map(w, 0);
	client_do(&w->client, UNMAP, 0);
	sweep_finds(w, 0);
	munmap(p, 2 * PAGE);
}

static void another_inode_is_another_file(void **state)
{
	struct world *w = *state;

	w->file.ino++;
	map(w, 0);
	sweep_finds(w, 0);
	w->file.ino--;
	w->file.dev++;
	map(w, 0);
	sweep_finds(w, 0);
}

static void a_close_needs_no_look(void **state)
{
	struct world *w = *state;

	map(w, 0);
	trap(w, 1);
	ioas_smaps_closed(w->m, w->file.dev, w->file.ino + 1);
	ioas_smaps_closed(w->m, w->file.dev + 1, w->file.ino);
	assert_int_equal(held[0] + held[1], 2);
	ioas_smaps_closed(w->m, w->file.dev, w->file.ino);
	assert_int_equal(held[0] + held[1], 0);
	assert_int_equal(w->m->nr_marks, 0);
	assert_int_equal(w->m->nr_records, 0);
}

/* ---- between the answer and the mapping --------------------------------- */

/* Stopped at the entry of the system call. */
static pid_t client_in_mmap(int memfd)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, memfd, PAGE);
		for (;;)
			pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	/* Whatever raise() itself still calls comes first. */
	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
	} while (task_where(pid, pid) != IN_MMAP);
	return pid;
}

static void a_mapping_to_come_is_waited_for(void **state)
{
	struct world *w = *state;
	const pid_t pid = client_in_mmap(w->memfd);
	char path[64];

	w->process.pid = pid;
	w->task.tid = pid;
	trap(w, 0);
	sweep_finds(w, 1);
	assert_int_equal(w->m->nr_marks, 1);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	while (task_where(pid, pid) != ELSEWHERE)
		usleep(1000);
	sweep_finds(w, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	sweep_finds(w, 0);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	assert_int_equal(access(path, F_OK), -1);
}

/* It was let go, and the kernel found no place; and has not called since. */
static void a_mapping_that_failed_is_given_back(void **state)
{
	struct world *w = *state;

	trap(w, 0);
	sweep_finds(w, 0);
	assert_int_equal(w->m->nr_marks, 0);
	trap(w, 0);
	client_end(&w->client);
	sweep_finds(w, 0);
}

static void a_task_that_only_runs_is_out_of_it(void **state)
{
	struct world *w = *state;

	client_do(&w->client, SPIN, 0);
	trap(w, 0);
	sweep_finds(w, 0);
	assert_int_equal(w->m->nr_marks, 0);
}

static void marks_are_one_for_each_task(void **state)
{
	struct world *w = *state;

	trap(w, 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(call(w, 0, 2 * PAGE, PROT_READ, MAP_SHARED,
				      region_at(i % 3)), 1);
	assert_int_equal(w->m->nr_marks, 1);
	assert_int_equal(w->m->nr_records, 3);
	ioas_smaps_task_back(w->m, w->task.tid + 1);
	assert_int_equal(w->m->nr_marks, 1);
	ioas_smaps_task_back(w->m, w->task.tid);
	assert_int_equal(w->m->nr_marks, 0);
}

/* What was seen does not hold for a region that was mapped meanwhile. */
static void a_mapping_during_a_sweep_is_not_swept(void **state)
{
	struct world *w = *state;
	struct looks looks;

	map(w, 0);
	client_do(&w->client, UNMAP, 0);
	looks_note(w->m, &looks);
	looks_search(&looks);
	assert_int_equal(looks.left, 1);
	map(w, 0);
	assert_false(looks_conclude(w->m, &looks));
	assert_int_equal(held[0], 1);
	free(looks.look);
	/* Gone altogether. */
	looks_note(w->m, &looks);
	ioas_smaps_closed(w->m, w->file.dev, w->file.ino);
	assert_false(looks_conclude(w->m, &looks));
	free(looks.look);
}

/* ---- text --------------------------------------------------------------- */

static void lines_of_lists(void **state)
{
	struct mapping map;

	(void)state;
	assert_true(mapping_parse("7f12a000-7f12c000 rw-s 10000001000 00:01 "
				  "4711                       /memfd:x "
				  "(deleted)\n", &map));
	assert_int_equal(map.start, 0x7f12a000);
	assert_int_equal(map.end, 0x7f12c000);
	assert_int_equal(map.offset, 0x10000001000);
	assert_int_equal(map.dev, ioas_vma_dev(0, 1));
	assert_int_equal(map.ino, 4711);
	assert_true(mapping_parse("ffffffffff600000-ffffffffff601000 --xp "
				  "00000000 00:00 0      [vsyscall]\n", &map));
	assert_int_equal(map.end, 0xffffffffff601000);
	assert_true(mapping_parse("1000-2000 r--p 00000000 103:1f 9", &map));
	assert_int_equal(map.dev, ioas_vma_dev(0x103, 0x1f));
	assert_false(mapping_parse("", &map));
	assert_false(mapping_parse("2000-1000 r--p 0 00:01 9", &map));
	assert_false(mapping_parse("1000-2000 r--p 0 0001 9", &map));
}

static void system_calls_of_tasks(void **state)
{
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "%d 0x0 0x2000 0x1", (int)SYS_mmap);
	assert_int_equal(syscall_parse(text), IN_MMAP);
	snprintf(text, sizeof(text), "%d 0x0 0x2000", (int)SYS_read);
	assert_int_equal(syscall_parse(text), ELSEWHERE);
	assert_int_equal(syscall_parse("-1 0x7ffc 0x7f12"), ELSEWHERE);
	assert_int_equal(syscall_parse("running\n"), RUNNING);
	assert_int_equal(syscall_parse(""), RUNNING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_checked_in_order),
		TEST(anonymous_memory_is_not_ours),
		TEST(other_files_are_enodev),
		TEST(memory_of_a_device_is_not_listed),
		TEST(held_until_it_is_unmapped),
		TEST(twice_is_once),
		TEST(each_region_for_itself),
		TEST(children_inherit),
		TEST(any_thread_will_do),
		TEST(our_own_mappings_do_not_count),
		TEST(another_inode_is_another_file),
		TEST(a_close_needs_no_look),
		TEST(a_mapping_to_come_is_waited_for),
		TEST(a_mapping_that_failed_is_given_back),
		TEST(a_task_that_only_runs_is_out_of_it),
		TEST(marks_are_one_for_each_task),
		TEST(a_mapping_during_a_sweep_is_not_swept),
		TEST(lines_of_lists),
		TEST(system_calls_of_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
