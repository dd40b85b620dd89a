/* SPDX-License-Identifier: MIT */
/*
 * launch: guardian and supervisor
 *
 *   guardian                            supervisor
 *     signals, terminal                   keeper (a thread)    super.c
 *       |   SIGNAL: for the program -------> unless it has it
 *       |   WATCH: about to stop ----------> wakes us when the program goes on
 *     stops itself <---------------------- STOPPED ------------ waits for
 *     exits as it did <------------------- ENDED -------------- children
 *
 * Both are in the program's process group, with every signal blocked. A signal
 * for the whole group has reached the program already: then the supervisor has
 * it pending, from the same sender, and the keeper takes it from there. A signal
 * for `ioas run` alone is passed on.
 *
 * The end of the other's socket is how each knows that the other is gone. While
 * the program runs, both kill all that is below them then: the guardian as
 * sub-reaper inherits what the supervisor leaves.
 *
 * Locks: none. What the keeper reads of struct run is set before it starts, or
 * atomic.
 */
#include "super/launch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "super/devices.h"
#include "super/paths.h"

/* How often a stopped program is looked at, in milliseconds. */
#define WATCH_MS 20
/* How long what is below us may take to die. */
#define KILL_MS 10000

enum message_kind {
	MESSAGE_SIGNAL, /* number, its si_code and si_pid */
	MESSAGE_WATCH,
	MESSAGE_STOPPED, /* signal */
	MESSAGE_ENDED, /* status; code: nothing else runs */
};

struct message {
	enum message_kind kind;
	int value;
	int code;
	pid_t pid;
};

/* This process, be it guardian or supervisor. */
static struct run {
	const struct ioas_run_options *opts;
	struct ioas_fd_range range;
	/* To the other one. */
	int sock;
	pid_t guardian;
	/* Open when we were started, above stderr: only the program's. */
	int *foreign;
	size_t nr_foreign;

	/* Removed by the supervisor, or, if that failed, by the guardian. */
	char *tree;
	/* NULL: there are none. The supervisor's, once it is there. */
	struct ioas_devices *devices;

	/* Of the supervisor. */
	struct ioas_program program;
	/* The guardian knows the status, and may leave. */
	_Atomic bool told;
} run;

/* ---- processes ---------------------------------------------------------- */

struct relation {
	pid_t pid;
	pid_t parent;
	bool below;
};

static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[48], line[512];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	/* The name may contain anything, but nothing after it does. */
	at = strrchr(line, ')');
	return at && sscanf(at + 1, " %c %d", state, parent) == 2;
}

static bool is_stopped(pid_t pid)
{
	char state;
	pid_t parent;

	return read_stat(pid, &state, &parent) && state == 'T';
}

/* Return: how many; *@out is to be freed. */
static size_t list_processes(struct relation **out)
{
	DIR *d = opendir("/proc");
	struct relation *all = NULL;
	const struct dirent *e;
	size_t nr = 0, room = 0;
	char state;

	while (d && (e = readdir(d))) {
		struct relation r = { .pid = atoi(e->d_name) };

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !read_stat(r.pid, &state, &r.parent))
			continue;
		if (nr == room) {
			struct relation *more;

			room = room ? room * 2 : 256;
			more = realloc(all, room * sizeof(*all));
			if (!more)
				break;
			all = more;
		}
		all[nr++] = r;
	}
	if (d)
		closedir(d);
	*out = all;
	return nr;
}

static bool is_below(const struct relation *all, size_t nr, pid_t parent)
{
	if (parent == getpid())
		return true;
	for (size_t i = 0; i < nr; i++)
		if (all[i].pid == parent)
			return all[i].below;
	return false;
}

/* Kill all that descends from us, as far as it is seen now. */
static void kill_below(void)
{
	struct relation *all;
	const size_t nr = list_processes(&all);
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < nr; i++) {
			if (all[i].below || !is_below(all, nr, all[i].parent))
				continue;
			all[i].below = more = true;
			kill(all[i].pid, SIGKILL);
		}
	}
	free(all);
}

static void pause_ms(unsigned int ms)
{
	const struct timespec t = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&t, NULL);
}

/* Until nothing is left. What dies leaves us its children. */
static void kill_all(void)
{
	for (unsigned int ms = 0; ms < KILL_MS; ms++) {
		pid_t pid;

		kill_below();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return;
		pause_ms(1);
	}
}

/* ---- descriptors -------------------------------------------------------- */

/* So that no descriptor of ours is taken for a stream. */
static void reserve_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void list_foreign(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		const int fd = atoi(e->d_name);
		int *more;

		if (fd <= STDERR_FILENO || fd == dirfd(d))
			continue;
		more = realloc(run.foreign,
			       (run.nr_foreign + 1) * sizeof(*more));
		if (!more)
			break;
		run.foreign = more;
		run.foreign[run.nr_foreign++] = fd;
	}
	if (d)
		closedir(d);
}

static bool is_foreign(int fd)
{
	for (size_t i = 0; i < run.nr_foreign; i++)
		if (run.foreign[i] == fd)
			return true;
	return fd <= STDERR_FILENO;
}

/* What a model has opened is not the program's, even if it does not say so. */
static void keep_ours(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		const int fd = atoi(e->d_name);

		if (!is_foreign(fd))
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (d)
		closedir(d);
}

/* What the program may have open is no limit for us. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void redirect(int stream)
{
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup3(fd, stream, O_CLOEXEC);
	close(fd);
}

/* Whoever waits for the end of a pipe of the program waits for it alone. */
static void drop_descriptors(void)
{
	redirect(STDIN_FILENO);
	redirect(STDOUT_FILENO);
	for (size_t i = 0; i < run.nr_foreign; i++)
		close(run.foreign[i]);
	free(run.foreign);
	run.foreign = NULL;
	run.nr_foreign = 0;
}

/* ---- messages ----------------------------------------------------------- */

static void tell(const struct message *m)
{
	ssize_t n;

	do {
		n = send(run.sock, m, sizeof(*m), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
}

/* Return: false: the other end is gone. */
static bool hear(struct message *m)
{
	ssize_t n;

	do {
		n = recv(run.sock, m, sizeof(*m), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*m);
}

/* ---- supervisor: keeper ------------------------------------------------- */

static void program_signal(int signal)
{
	syscall(SYS_pidfd_send_signal, run.program.pidfd, signal, NULL, 0);
}

/* Had the whole group the signal that the guardian got? */
static bool went_to_all(const struct message *m)
{
	const struct timespec now = { 0 };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, m->value);
	if (sigtimedwait(&set, &info, &now) != m->value)
		return false;
	return info.si_code == m->code && info.si_pid == m->pid;
}

/* From a terminal it is for the whole group in the foreground. */
static bool of_terminal(int signal)
{
	return signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP ||
	       signal == SIGTTIN || signal == SIGTTOU || signal == SIGWINCH;
}

static void pass_on(const struct message *m)
{
	const bool all = went_to_all(m);

	/* What of it we have pending may be gone: SIGCONT takes SIGTSTP away. */
	if (m->code == SI_KERNEL && of_terminal(m->value))
		return;
	/* The guardian goes on: so shall the program, if it has not yet. */
	if (m->value == SIGCONT ? is_stopped(run.program.pid) : !all)
		program_signal(m->value);
}

static _Noreturn void guardian_gone(void)
{
	/* super.c sees the end of the last of them, and ends this process. */
	for (unsigned int ms = 0; ms < KILL_MS; ms++) {
		kill_below();
		pause_ms(1);
	}
	ioas_tree_remove(run.tree);
	_exit(IOAS_RUN_FAILED);
}

static void *keeper(void *unused)
{
	struct pollfd p = { .fd = run.sock, .events = POLLIN };
	struct message m;
	bool watch = false;

	for (;;) {
		if (poll(&p, 1, watch ? WATCH_MS : -1) > 0) {
			if (!hear(&m))
				break;
			watch = m.kind == MESSAGE_WATCH;
			if (m.kind == MESSAGE_SIGNAL)
				pass_on(&m);
		} else if (watch && !is_stopped(run.program.pid) &&
			   is_stopped(run.guardian)) {
			kill(run.guardian, SIGCONT);
		}
	}
	if (!atomic_load(&run.told))
		guardian_gone();
	return unused;
}

/* ---- supervisor --------------------------------------------------------- */

void ioas_launch_stopped(int signal)
{
	tell(&(struct message){ .kind = MESSAGE_STOPPED, .value = signal });
}

/* Reaps what has ended. */
static bool anything_left(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !pid;
}

void ioas_launch_ended(int status)
{
	const bool alone = !anything_left();

	if (atomic_exchange(&run.told, true))
		return;
	/* Who waits for the end of our messages waits for the program. */
	if (!alone)
		redirect(STDERR_FILENO);
	tell(&(struct message){
		.kind = MESSAGE_ENDED,
		.value = status,
		.code = alone,
	});
}

/*
 * Open the file of an option while its name means what the user meant: what
 * else is open goes before super.c opens it by the name that it gets instead.
 * Return: false, with a message.
 */
static bool open_early(const char *option, int flags, const char **name,
		       char path[32])
{
	int fd;

	if (!*name || !strcmp(*name, "-"))
		return true;
	fd = open(*name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
	if (fd < 0) {
		ioas_super_error(NULL, "%s: %s: cannot be opened: %s", option,
				 *name, strerror(errno));
		return false;
	}
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	*name = path;
	return true;
}

static int serve(const struct ioas_run_options *opts)
{
	struct ioas_super s = {
		.opts = opts,
		.notify = run.program.notify,
		.range = run.range,
		.namespace = run.program.namespace,
		.tree = run.tree,
		.devices = run.devices,
	};
	pthread_t thread;
	int status = 0, ret;

	ioas_super_note(&s, "mode %s; descriptors %d-%d are ours",
			s.namespace ? "namespace" : "trap", s.range.base,
			s.range.base + s.range.nr - 1);
	/* The first one is cheap as long as there is a single thread. */
	if (s.devices)
		ioas_plat_writer_barrier();
	ret = pthread_create(&thread, NULL, keeper, NULL);
	if (ret) {
		ioas_super_error(&s, "no thread: %s", strerror(ret));
		return IOAS_RUN_FAILED;
	}
	pthread_detach(thread);
	return ioas_super_serve(&s, run.program.pid, &status);
}

/* Return: 0, or the exit status if the guardian does not know it yet. */
static int supervise(void)
{
	struct ioas_run_options opts = *run.opts;
	char trace[32], report[32];
	int ret;

	if (!open_early("--trace", O_APPEND, &opts.trace, trace) ||
	    !open_early("--report", O_TRUNC, &opts.report_file, report))
		return IOAS_RUN_FAILED;
	ret = ioas_program_start(&opts, run.tree, &run.range, &run.program);
	if (!ret) {
		drop_descriptors();
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		ret = serve(&opts);
		if (ret)
			kill_all();
	}
	return ret;
}

_Noreturn void ioas_launch_leave(void)
{
	ioas_tree_remove(run.tree);
	_exit(0);
}

static _Noreturn void supervisor_main(void)
{
	int ret;

	prctl(PR_SET_NAME, "ioas-run");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = supervise();
	ioas_devices_destroy(run.devices);
	ioas_tree_remove(run.tree);
	ioas_launch_ended(ret << 8);
	exit(0);
}

/* ---- guardian ----------------------------------------------------------- */

/* Die as the program did, without a second dump of memory. */
static _Noreturn void die_of(int signal)
{
	const struct rlimit none = { 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	/* Of this one, whatever else is pending. */
	sigemptyset(&set);
	sigaddset(&set, signal);
	kill(getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* A signal that does not kill: as a shell would say it. */
	_exit(128 + signal);
}

static int leave(int status)
{
	if (WIFSIGNALED(status))
		die_of(WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* The supervisor's end without a word. */
static int supervisor_gone(pid_t supervisor)
{
	int status = 0;

	kill(supervisor, SIGKILL);
	while (waitpid(supervisor, &status, 0) < 0 && errno == EINTR)
		;
	kill_all();
	ioas_tree_remove(run.tree);
	if (WIFSIGNALED(status))
		ioas_super_error(NULL,
				 "the supervisor died (signal %d): the "
				 "program was killed",
				 WTERMSIG(status));
	else
		ioas_super_error(NULL,
				 "the supervisor died (exit status %d): "
				 "the program was killed",
				 WEXITSTATUS(status));
	return IOAS_RUN_FAILED;
}

/*
 * The status is known, and nothing else runs: the supervisor still reports and
 * cleans up. Whoever does not want to wait for that says so.
 */
static void await_supervisor(pid_t supervisor, int signals)
{
	struct pollfd p[] = {
		{ .fd = run.sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	struct message m;
	int status;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents && !hear(&m))
			break;
		if (p[1].revents && read(signals, &info, sizeof(info)) > 0 &&
		    (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
		     info.ssi_signo == SIGHUP || info.ssi_signo == SIGQUIT))
			return;
	}
	if (waitpid(supervisor, &status, 0) == supervisor &&
	    WIFSIGNALED(status))
		ioas_super_error(NULL,
				 "the supervisor died (signal %d) when the "
				 "program had ended",
				 WTERMSIG(status));
}

/* As the program: until somebody continues us. */
static void stop(void)
{
	const struct timespec now = { 0 };
	sigset_t set;

	tell(&(struct message){ .kind = MESSAGE_WATCH });
	kill(getpid(), SIGSTOP);
	/* The one that continued us is told of here, and not once more. */
	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	sigtimedwait(&set, NULL, &now);
	tell(&(struct message){ .kind = MESSAGE_SIGNAL, .value = SIGCONT });
}

static void take_signal(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info) ||
	    info.ssi_signo == SIGCHLD)
		return;
	tell(&(struct message){
		.kind = MESSAGE_SIGNAL,
		.value = (int)info.ssi_signo,
		.code = info.ssi_code,
		.pid = (pid_t)info.ssi_pid,
	});
}

static int guard(pid_t supervisor, int signals)
{
	struct pollfd p[] = {
		{ .fd = run.sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	struct message m;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			take_signal(signals);
		if (!p[0].revents)
			continue;
		if (!hear(&m))
			return supervisor_gone(supervisor);
		if (m.kind == MESSAGE_STOPPED)
			stop();
		if (m.kind == MESSAGE_ENDED)
			break;
	}
	if (m.code)
		await_supervisor(supervisor, signals);
	return leave(m.value);
}

/* Blocked, so that each waits for us even if its default is to be ignored. */
static int take_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	return signalfd(-1, &all, SFD_CLOEXEC);
}

static int start_failed(const char *what)
{
	ioas_super_error(NULL, "%s: %s", what, strerror(errno));
	return IOAS_RUN_FAILED;
}

/*
 * What both need to be there: what is wrong with devices or a place for names
 * is said before anything runs. Return: 0 or enum ioas_run_exit.
 */
static int prepare(const struct ioas_run_options *opts)
{
	int ret = ioas_devices_create(opts, &run.devices);

	if (ret)
		return ret == -EINVAL ? IOAS_RUN_MISUSED : IOAS_RUN_FAILED;
	if (!ioas_tree_create(opts, run.devices, &run.tree))
		return 0;
	ioas_devices_destroy(run.devices);
	return IOAS_RUN_FAILED;
}

int ioas_run(const struct ioas_run_options *opts)
{
	int sock[2], signals, ret;
	pid_t supervisor;

	run.opts = opts;
	run.guardian = getpid();
	run.range = ioas_filter_range();
	ioas_program_inherit();
	raise_limit();
	reserve_streams();
	list_foreign();
	signals = take_signals();
	if (signals < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		return start_failed("no descriptors");
	ret = prepare(opts);
	if (ret)
		return ret;
	keep_ours();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	supervisor = fork();
	if (supervisor < 0) {
		ret = start_failed("no process for the supervisor");
		ioas_devices_destroy(run.devices);
		ioas_tree_remove(run.tree);
		return ret;
	}
	if (!supervisor) {
		close(sock[0]);
		close(signals);
		run.sock = sock[1];
		supervisor_main();
	}
	close(sock[1]);
	run.sock = sock[0];
	drop_descriptors();
	/* Files of models are open in the supervisor alone. */
	ioas_devices_destroy(run.devices);
	run.devices = NULL;
	return guard(supervisor, signals);
}
