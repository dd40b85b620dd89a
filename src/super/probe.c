/* SPDX-License-Identifier: MIT */
/*
 * probe: what this machine allows, tried
 *
 *   caller --fork--> tester --fork--> client, perhaps under the filter
 *      |  answer in     |                waits, in a trapped call
 *      `- shared memory-'  does to it what the supervisor would do
 *
 * A tester may be killed, die or hang: then the answer is no.
 */
#include "super/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "super/filter.h"
#include "super/namespace.h"
#include "super/notify.h"

/* Milliseconds for a probe. */
#define LIMIT_MS 5000
#define FLAG_WAIT_KILLABLE_RECV (1ul << 5)
/* Linux 6.6 and 6.11; the host's headers may be older. */
#define NOTIFY_SET_FLAGS _IOW('!', 4, uint64_t)
#define NOTIFY_SYNC_WAKE_UP 1ul
#define CAP_CHECKPOINT_RESTORE_NR 40

struct procmap_query_v1 {
	uint64_t size;
	uint64_t flags;
	uint64_t address;
	uint64_t start;
	uint64_t end;
	uint64_t vma_flags;
	uint64_t page_size;
	uint64_t offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t name_size;
	uint32_t build_id_size;
	uint64_t name;
	uint64_t build_id;
};
_Static_assert(sizeof(struct procmap_query_v1) == 104, "as the kernel has it");
#define PROCMAP_QUERY_V1 _IOWR('f', 17, struct procmap_query_v1)

/* In memory that tester and caller share. */
struct answer {
	bool ok;
	char seen[128];
};

/* A process to try things on, and its trapped call, if it is under a filter. */
struct client {
	pid_t pid;
	/* Of the client; the tester has the same bytes at the same address. */
	char *memory;
	int pipe;
	int listener;
	struct ioas_notice call;
};

static const struct ioas_fd_range range = { .base = 256, .nr = 256 };

static bool say(struct answer *a, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool say(struct answer *a, bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->seen, sizeof(a->seen), fmt, ap);
	va_end(ap);
	a->ok = ok;
	return ok;
}

static bool failed(struct answer *a, const char *what)
{
	return say(a, false, "%s: %s", what, strerror(errno));
}

/* The first line of a file. Return: false: it cannot be read. */
static bool first_line(const char *path, char *line, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, room - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return n > 0;
}

/* ---- a client ----------------------------------------------------------- */

static void client_main(const struct sock_fprog *prog, int to_tester)
{
	int fd = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prog)
		fd = ioas_filter_install(prog, false);
	if (prog && fd < 0)
		fd = -errno;
	if (write(to_tester, &fd, sizeof(fd)) != sizeof(fd))
		_exit(1);
	/* Trapped, if there is a filter. */
	if (fd >= 0)
		syscall(SYS_dup, range.base);
	for (;;)
		pause();
}

/* Take the listener out of it, and its call. */
static bool client_hear(struct answer *a, struct client *c, int fd)
{
	const int pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	struct pollfd p = { .events = POLLIN };

	if (pidfd < 0)
		return failed(a, "pidfd_open");
	c->listener = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	if (c->listener < 0)
		return failed(a, "pidfd_getfd");
	p.fd = c->listener;
	if (poll(&p, 1, LIMIT_MS / 2) != 1 ||
	    ioas_notify_recv(c->listener, &c->call))
		return say(a, false, "no notice came");
	return true;
}

static bool client_start(struct answer *a, struct client *c, bool filter)
{
	struct sock_fprog prog;
	int pipes[2], fd, error;

	*c = (struct client){ .listener = -1 };
	c->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->memory == MAP_FAILED || pipe2(pipes, O_CLOEXEC))
		return failed(a, "memory");
	strcpy(c->memory, "client");
	c->pipe = pipes[0];
	error = filter ? ioas_filter_build(&range, false, &prog) : 0;
	if (error)
		return say(a, false, "filter: %s", strerror(-error));
	c->pid = fork();
	if (!c->pid)
		client_main(filter ? &prog : NULL, pipes[1]);
	if (c->pid < 0 ||
	    read(pipes[0], &fd, sizeof(fd)) != (ssize_t)sizeof(fd))
		return failed(a, "client");
	if (!filter)
		return true;
	if (fd < 0)
		return say(a, false, "not tried: no listener");
	return client_hear(a, c, fd);
}

/* ---- the machine -------------------------------------------------------- */

static bool probe_architecture(struct answer *a)
{
	struct utsname u;
	bool known = false;

#if defined(__x86_64__) || defined(__aarch64__)
	known = true;
#endif
	if (uname(&u))
		return failed(a, "uname");
	return say(a, known, "%.64s", u.machine);
}

static bool probe_kernel(struct answer *a)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	if (uname(&u))
		return failed(a, "uname");
	sscanf(u.release, "%u.%u", &major, &minor);
	return say(a, major > 5 || (major == 5 && minor >= 19), "%.16s %.64s",
		   u.sysname, u.release);
}

/* ---- seccomp ------------------------------------------------------------ */

/* A filter that lets everything go. Return: its descriptor, 0 or -errno. */
static int try_filter(unsigned long flags)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog prog = { .len = 1, .filter = &allow };
	long ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	if (ret < 0 && errno == EACCES &&
	    !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
			      &prog);
	return ret < 0 ? -errno : (int)ret;
}

static bool probe_filter(struct answer *a)
{
	const int ret = try_filter(0);

	if (ret < 0)
		return say(a, false, "%s", strerror(-ret));
	return say(a, true, "installed%s",
		   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ?
			   ", without new privileges" :
			   "");
}

static bool probe_notify(struct answer *a)
{
	const uint32_t action = SECCOMP_RET_USER_NOTIF;
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ||
	    syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return failed(a, "seccomp");
	return say(a, true, "there");
}

static bool probe_listener(struct answer *a)
{
	const int ret = try_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER);

	if (ret == -EBUSY)
		return say(a, false, "there is one already");
	if (ret < 0)
		return say(a, false, "%s", strerror(-ret));
	return say(a, true, "to be had");
}

/* The flags are looked at before it is found that there is one already. */
static bool probe_killable(struct answer *a)
{
	const int ret = try_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER |
				   FLAG_WAIT_KILLABLE_RECV);

	if (ret == -EINVAL)
		return say(a, false, "unknown to this kernel");
	if (ret < 0 && ret != -EBUSY)
		return say(a, false, "%s", strerror(-ret));
	return say(a, true, "known");
}

static bool probe_addfd(struct answer *a)
{
	struct client c;
	int ret;

	if (!client_start(a, &c, true))
		return false;
	ret = ioas_notify_addfd(c.listener, &c.call, c.pipe, -1,
				IOAS_ADDFD_SEND | IOAS_ADDFD_CLOEXEC);
	if (ret < 0)
		return say(a, false, "%s", strerror(-ret));
	return say(a, true, "works");
}

static bool probe_wake(struct answer *a)
{
	struct client c;

	if (!client_start(a, &c, true))
		return false;
	if (ioctl(c.listener, NOTIFY_SET_FLAGS, NOTIFY_SYNC_WAKE_UP))
		return say(a, false, "unknown to this kernel");
	return say(a, true, "known");
}

/* ---- another process ---------------------------------------------------- */

static bool probe_pidfd(struct answer *a)
{
	struct client c;
	int pidfd, fd;

	if (!client_start(a, &c, false))
		return false;
	pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
	if (pidfd < 0)
		return failed(a, "pidfd_open");
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, c.pipe, 0);
	if (fd < 0)
		return failed(a, "pidfd_getfd");
	return say(a, true, "works");
}

static bool probe_memory(struct answer *a)
{
	char bytes[8] = { 0 };
	struct iovec mine = { bytes, sizeof(bytes) }, its;
	struct client c;

	if (!client_start(a, &c, false))
		return false;
	its = (struct iovec){ c.memory, sizeof(bytes) };
	if (process_vm_readv(c.pid, &mine, 1, &its, 1, 0) != sizeof(bytes))
		return failed(a, "process_vm_readv");
	if (strcmp(bytes, "client"))
		return say(a, false, "what was read is wrong");
	if (process_vm_writev(c.pid, &mine, 1, &its, 1, 0) != sizeof(bytes))
		return failed(a, "process_vm_writev");
	return say(a, true, "read and written");
}

static bool probe_yama(struct answer *a)
{
	char line[16];

	if (!first_line("/proc/sys/kernel/yama/ptrace_scope", line,
			sizeof(line)))
		return say(a, true, "none");
	return say(a, atoi(line) < 2, "scope %.8s", line);
}

static bool probe_proc(struct answer *a)
{
	char path[64], line[256];
	struct client c;

	if (!client_start(a, &c, false))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", c.pid);
	if (!first_line(path, line, sizeof(line)))
		return failed(a, "/proc/PID/status");
	snprintf(path, sizeof(path), "/proc/%d/mem", c.pid);
	if (open(path, O_RDWR | O_CLOEXEC) < 0)
		return failed(a, "/proc/PID/mem");
	if (access("/proc/1/status", F_OK))
		return say(a, true, "there, others are hidden");
	return say(a, true, "there");
}

static bool probe_query(struct answer *a)
{
	struct procmap_query_v1 q = { .size = sizeof(q) };
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return failed(a, "/proc/self/maps");
	q.address = (uintptr_t)&q;
	if (ioctl(fd, PROCMAP_QUERY_V1, &q))
		return say(a, false, "unknown to this kernel");
	return say(a, q.start <= q.address && q.address < q.end, "works");
}

/* Of a process of the same user; its own would always be allowed. */
static bool probe_map_files(struct answer *a)
{
	const int file = memfd_create("ioas-probe", MFD_CLOEXEC);
	char path[96];
	struct client c;
	char *at;

	if (file < 0 || ftruncate(file, 4096))
		return failed(a, "memfd");
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		return failed(a, "mmap");
	if (!client_start(a, &c, false))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", c.pid,
		 (unsigned long)at, (unsigned long)at + 4096);
	if (open(path, O_RDWR | O_CLOEXEC) < 0)
		return failed(a, "open");
	return say(a, true, "to be opened");
}

/* ---- the last close ----------------------------------------------------- */

/* How many closes inotify has seen. */
static int closes(int notify)
{
	char buffer[sizeof(struct inotify_event) * 8];
	const ssize_t n = read(notify, buffer, sizeof(buffer));

	return n < 0 ? 0 : (int)(n / (ssize_t)sizeof(struct inotify_event));
}

static bool probe_last_close(struct answer *a)
{
	const int ours = memfd_create("ioas-probe", MFD_CLOEXEC);
	const int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[32];
	int client, copy, early;
	void *at;

	if (ours < 0 || ftruncate(ours, 4096))
		return failed(a, "memfd");
	if (notify < 0)
		return failed(a, "inotify");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ours);
	client = open(path, O_RDWR | O_CLOEXEC);
	if (client < 0)
		return failed(a, "open again");
	if (inotify_add_watch(notify, path, IN_CLOSE) < 0)
		return failed(a, "inotify");
	copy = dup(client);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, client, 0);
	if (copy < 0 || at == MAP_FAILED)
		return failed(a, "dup, mmap");
	close(client);
	early = closes(notify);
	close(copy);
	early += closes(notify);
	munmap(at, 4096);
	if (early || closes(notify) != 1)
		return say(a, false, "not seen as it should be");
	return say(a, true, "seen, once");
}

/* ---- namespaces --------------------------------------------------------- */

static bool probe_userns(struct answer *a)
{
	if (unshare(CLONE_NEWUSER))
		return failed(a, "unshare");
	return say(a, true, "to be had");
}

#define PROBE_FILE "ioas-probe"

static bool try_namespace(struct answer *a, const char *tree)
{
	const char *what = "";
	const int ret = ioas_namespace_enter(tree, false, &what);

	if (ret)
		return say(a, false, "%s: %s", what, strerror(-ret));
	if (access("/dev/" PROBE_FILE, F_OK) || access("/dev/null", R_OK))
		return failed(a, "a file that was mounted");
	return say(a, true, "a /dev of its own");
}

/* As a run does it, with a file that nobody needs. */
static bool probe_namespace(struct answer *a)
{
	char tree[] = "/tmp/ioas-probe.XXXXXX", dev[64], file[80];
	int fd;
	pid_t pid;

	if (!mkdtemp(tree))
		return failed(a, "/tmp");
	snprintf(dev, sizeof(dev), "%s/dev", tree);
	snprintf(file, sizeof(file), "%s/" PROBE_FILE, dev);
	mkdir(dev, 0755);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	say(a, false, "died");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		try_namespace(a, tree);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(fd);
	unlink(file);
	rmdir(dev);
	rmdir(tree);
	return a->ok;
}

/* ---- facts -------------------------------------------------------------- */

static void amount(rlim_t bytes, char text[32])
{
	if (bytes == RLIM_INFINITY)
		strcpy(text, "unlimited");
	else
		snprintf(text, 32, "%" PRIu64 " KiB", (uint64_t)bytes / 1024);
}

static bool probe_memlock(struct answer *a)
{
	struct rlimit limit;
	char soft[32], hard[32];

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return failed(a, "getrlimit");
	amount(limit.rlim_cur, soft);
	amount(limit.rlim_max, hard);
	return say(a, limit.rlim_cur >= 1u << 20, "%s, at most %s", soft, hard);
}

static bool probe_nofile(struct answer *a)
{
	const struct ioas_fd_range r = ioas_filter_range();
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return failed(a, "getrlimit");
	return say(a, r.nr >= 64,
		   "%" PRIu64 ", at most %" PRIu64 "; %d-%d are for queues",
		   (uint64_t)limit.rlim_cur, (uint64_t)limit.rlim_max, r.base,
		   r.base + r.nr - 1);
}

static bool probe_hugepages(struct answer *a)
{
	char line[32];

	if (!first_line("/proc/sys/vm/nr_hugepages", line, sizeof(line)))
		return say(a, false, "unknown to this kernel");
	return say(a, atoi(line) > 0, "%.16s of them", line);
}

static bool probe_capabilities(struct answer *a)
{
	static const struct {
		unsigned int nr;
		const char *name;
	} known[] = {
		{ CAP_SYS_ADMIN, "sys_admin" },
		{ CAP_SYS_PTRACE, "sys_ptrace" },
		{ CAP_IPC_LOCK, "ipc_lock" },
		{ CAP_SYS_RESOURCE, "sys_resource" },
		{ CAP_CHECKPOINT_RESTORE_NR, "checkpoint_restore" },
	};
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { 0 };
	char list[128] = "";
	size_t at = 0;

	if (syscall(SYS_capget, &head, d))
		return failed(a, "capget");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const unsigned int nr = known[i].nr;

		if (d[nr / 32].effective & 1u << nr % 32)
			at += (size_t)snprintf(list + at, sizeof(list) - at,
					       "%s%s", at ? " " : "",
					       known[i].name);
	}
	return say(a, true, "%s", at ? list : "none");
}

/* ---- all of them -------------------------------------------------------- */

#define NEEDED IOAS_PROBE_NEEDED
#define USEFUL IOAS_PROBE_USEFUL
#define FACT IOAS_PROBE_FACT

static const struct {
	const char *name;
	const char *title;
	enum ioas_probe_weight weight;
	bool (*probe)(struct answer *a);
	/* What follows if it is so, and if not. */
	const char *then;
	const char *otherwise;
} probes[] = {
	{ "architecture", "architecture", NEEDED, probe_architecture, "",
	  "ioas run knows x86-64 and aarch64" },
	{ "kernel", "kernel", FACT, probe_kernel, "",
	  "5.19 is the oldest that has all that is needed" },
	{ "seccomp-filter", "seccomp filter", NEEDED, probe_filter, "",
	  "a kernel with CONFIG_SECCOMP_FILTER is needed; a container needs a "
	  "profile that permits seccomp(2)" },
	{ "seccomp-notify", "seccomp user notification", NEEDED, probe_notify,
	  "", "Linux 5.0 has it; a container needs a profile that permits it" },
	{ "seccomp-listener", "a listener of its own", NEEDED, probe_listener,
	  "",
	  "ioas run does not work inside of ioas run, nor under another "
	  "seccomp notifier" },
	{ "seccomp-killable", "calls that signals do not interrupt", NEEDED,
	  probe_killable, "",
	  "Linux 5.19 has it; with --force calls may be run twice or lost when "
	  "a signal comes" },
	{ "seccomp-addfd", "descriptors given atomically", NEEDED, probe_addfd,
	  "", "Linux 5.14 has it" },
	{ "seccomp-wake", "wake-up on the same processor", USEFUL, probe_wake,
	  "", "Linux 6.6 has it; calls take longer" },
	{ "pidfd", "descriptors of another process", NEEDED, probe_pidfd, "",
	  "Linux 5.6 has pidfd_getfd(2); a container needs a profile that "
	  "permits it, or CAP_SYS_PTRACE" },
	{ "memory", "memory of another process", NEEDED, probe_memory, "",
	  "process_vm_readv(2) must be permitted: by the container's profile, "
	  "by Yama" },
	{ "yama", "Yama", FACT, probe_yama,
	  "memory of programs that are started can be reached",
	  "scope 2 takes CAP_SYS_PTRACE, scope 3 permits nobody" },
	{ "proc", "/proc of other processes", NEEDED, probe_proc, "",
	  "/proc must be mounted, and show the processes of this user" },
	{ "last-close", "the last close of a file", NEEDED, probe_last_close,
	  "",
	  "memfd and inotify must work: see "
	  "/proc/sys/fs/inotify/max_user_instances" },
	{ "userns", "user namespace", USEFUL, probe_userns, "",
	  "see /proc/sys/user/max_user_namespaces and what the container "
	  "permits; root does without" },
	{ "namespace", "mounts of its own", USEFUL, probe_namespace,
	  "--mode namespace works: listings show what is ours",
	  "--mode trap is used: names of ours can be opened, but listings do "
	  "not show them" },
	{ "procmap-query", "questions about mappings", USEFUL, probe_query, "",
	  "Linux 6.11 has them; lists of mappings are read instead" },
	{ "map-files", "files behind mappings", USEFUL, probe_map_files,
	  "shared memory is reached directly",
	  "CAP_CHECKPOINT_RESTORE permits it; memory is reached by address, "
	  "while it is mapped" },
	{ "memlock", "memory that may be pinned", FACT, probe_memlock, "",
	  "ulimit -l raises it, or ioas run --memlock" },
	{ "nofile", "open files", FACT, probe_nofile, "",
	  "ulimit -n raises it; few queues can be open" },
	{ "hugepages", "huge pages", FACT, probe_hugepages, "",
	  "mappings of huge pages cannot be tried; see "
	  "/proc/sys/vm/nr_hugepages" },
	{ "capabilities", "capabilities", FACT, probe_capabilities, "", "" },
};

#define NR_PROBES (sizeof(probes) / sizeof(probes[0]))

/* In a process that may come to harm. */
static void try_one(size_t i, struct answer *a)
{
	struct pollfd p = { .events = POLLIN };
	int alive[2];
	pid_t pid;

	say(a, false, "no process for it");
	if (pipe2(alive, O_CLOEXEC))
		return;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		say(a, false, "died of it");
		close(alive[0]);
		probes[i].probe(a);
		_exit(0);
	}
	close(alive[1]);
	p.fd = alive[0];
	if (pid > 0 && !poll(&p, 1, LIMIT_MS)) {
		kill(pid, SIGKILL);
		say(a, false, "did not end");
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(alive[0]);
}

size_t ioas_probe_all(struct ioas_probe *out, size_t room)
{
	struct answer *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t n = 0;

	if (a == MAP_FAILED)
		return 0;
	for (; n < NR_PROBES && n < room; n++) {
		struct ioas_probe *o = &out[n];

		try_one(n, a);
		*o = (struct ioas_probe){
			.name = probes[n].name,
			.title = probes[n].title,
			.weight = probes[n].weight,
			.ok = a->ok,
		};
		snprintf(o->seen, sizeof(o->seen), "%s", a->seen);
		snprintf(o->follows, sizeof(o->follows), "%s",
			 a->ok ? probes[n].then : probes[n].otherwise);
	}
	munmap(a, sizeof(*a));
	return n;
}
