/* SPDX-License-Identifier: MIT */
/*
 * program: from fork to execve
 *
 *   supervisor                     program's process
 *     filter, as BPF
 *     fork ----------------------> namespaces        --"cannot"--> another try
 *                                  path of the program
 *                                  dies with its parent
 *                                  filter
 *     listener <---- SCM_RIGHTS -- (its paths are trapped from here on)
 *     serves                       signals as they were
 *                                  execve
 *
 * What can be refused comes before the filter, and is told; what fails after it
 * is for the process itself to say.
 */
#include "super/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "super/namespace.h"

/* Where a shell looks if there is no PATH. */
#define PATH_DEFAULT "/bin:/usr/bin"

/* What the program's process says, once. */
enum progress {
	PROGRESS_NONE, /* nothing: it died */
	PROGRESS_READY, /* with the listener */
	PROGRESS_NAMESPACE, /* no namespace */
	PROGRESS_PATH, /* the program cannot be found or executed */
	PROGRESS_FILTER, /* no filter */
};

struct report {
	enum progress progress;
	/* A positive errno. */
	int error;
	/* What could not be done. */
	char what[64];
};

/* What is needed to start it. */
struct start {
	const struct ioas_run_options *opts;
	const char *tree;
	const struct sock_fprog *filter;
	bool namespace;
	/* Our end, and that of the program's process. */
	int sock[2];
};

/* What `ioas run` was started with, and we do otherwise. */
static struct {
	sigset_t mask;
	struct sigaction child;
	struct sigaction pipe;
	/* Unless there is nothing to be restored. */
	bool limited;
	struct rlimit nofile;
} inherited;

void ioas_program_inherit(void)
{
	sigprocmask(SIG_SETMASK, NULL, &inherited.mask);
	sigaction(SIGCHLD, NULL, &inherited.child);
	sigaction(SIGPIPE, NULL, &inherited.pipe);
	inherited.limited = !getrlimit(RLIMIT_NOFILE, &inherited.nofile);
}

/* ---- its path ----------------------------------------------------------- */

/* Return: 0 or a positive errno. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return EACCES;
	return 0;
}

/*
 * As a shell looks for it. An empty part of PATH is the directory we are in.
 * Return: 0, or a positive errno: EACCES if one was seen, but none to execute.
 */
static int find_program(const char *name, char path[PATH_MAX])
{
	const char *at = getenv("PATH"), *end;
	int worst = ENOENT;

	if (strlen(name) >= PATH_MAX)
		return ENAMETOOLONG;
	if (strchr(name, '/')) {
		strcpy(path, name);
		return executable(path);
	}
	if (!*name)
		return ENOENT;
	for (at = at ? at : PATH_DEFAULT;; at = end + 1) {
		int n, error;

		end = strchrnul(at, ':');
		n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - at), at,
			     end > at ? "/" : "./", name);
		error = n < PATH_MAX ? executable(path) : ENAMETOOLONG;
		if (!error)
			return 0;
		if (error == EACCES && !access(path, F_OK))
			worst = EACCES;
		if (!*end)
			return worst;
	}
}

/* Also for what happens after the filter is there. Return: the exit status. */
static int path_failed(const char *name, int error)
{
	if (error == ENOENT || error == ENOTDIR) {
		ioas_super_error(NULL, "%s: not found", name);
		return IOAS_RUN_NOT_FOUND;
	}
	ioas_super_error(NULL, "%s: cannot be executed: %s", name,
			 strerror(error));
	return IOAS_RUN_NOT_EXECUTABLE;
}

/* ---- the program's process ---------------------------------------------- */

/* @fd: to go with it, or -1. */
static void tell(int sock, const struct report *r, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)r,
			     .iov_len = sizeof(*r) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* Who does not listen is dead, and so are we. */
	if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		_exit(IOAS_RUN_FAILED);
}

static _Noreturn void give_up(int sock, enum progress progress, int error,
			      const char *what)
{
	struct report r = { .progress = progress, .error = error };

	snprintf(r.what, sizeof(r.what), "%s", what);
	tell(sock, &r, -1);
	_exit(IOAS_RUN_FAILED);
}

static void restore_inherited(void)
{
	if (inherited.limited)
		setrlimit(RLIMIT_NOFILE, &inherited.nofile);
	sigaction(SIGCHLD, &inherited.child, NULL);
	sigaction(SIGPIPE, &inherited.pipe, NULL);
	sigprocmask(SIG_SETMASK, &inherited.mask, NULL);
}

/* As a shell does: what no one knows how to execute is a script. */
static int execute_script(const char *path, char *const *argv)
{
	char **args;
	size_t nr = 0;

	while (argv[nr])
		nr++;
	args = calloc(nr + 2, sizeof(*args));
	if (!args)
		return ENOMEM;
	args[0] = (char *)(uintptr_t)"sh";
	args[1] = (char *)(uintptr_t)path;
	for (size_t i = 1; i < nr; i++)
		args[i + 1] = argv[i];
	execve("/bin/sh", args, environ);
	return errno;
}

static _Noreturn void execute(const char *path, char *const *argv)
{
	int error;

	execve(path, argv, environ);
	error = errno;
	if (error == ENOEXEC)
		error = execute_script(path, argv);
	/* It is there, so its interpreter is not. */
	if (error == ENOENT && !access(path, F_OK)) {
		ioas_super_error(NULL,
				 "%s: cannot be executed: its interpreter is "
				 "not found",
				 argv[0]);
		_exit(IOAS_RUN_NOT_EXECUTABLE);
	}
	_exit(path_failed(argv[0], error));
}

static _Noreturn void program_main(const struct start *st, pid_t parent)
{
	const struct report ready = { .progress = PROGRESS_READY };
	const struct ioas_run_options *o = st->opts;
	const int sock = st->sock[1];
	const char *what = "";
	char path[PATH_MAX];
	int ret = 0;

	close(st->sock[0]);
	if (st->namespace)
		ret = ioas_namespace_enter(
			st->tree, o->mode == IOAS_RUN_NAMESPACE, &what);
	if (ret)
		give_up(sock, PROGRESS_NAMESPACE, -ret, what);
	ret = find_program(o->argv[0], path);
	if (ret)
		give_up(sock, PROGRESS_PATH, ret, "");
	/* A change of credentials would have undone it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(IOAS_RUN_FAILED);
	ret = ioas_filter_install(st->filter, !o->force);
	if (ret < 0)
		give_up(sock, PROGRESS_FILTER, -ret, "");
	tell(sock, &ready, ret);
	close(ret);
	close(sock);
	restore_inherited();
	execute(path, o->argv);
}

/* ---- supervisor --------------------------------------------------------- */

/* Return: the descriptor that came with it, or -1. */
static int hear(int sock, struct report *r)
{
	struct iovec iov = { .iov_base = r, .iov_len = sizeof(*r) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*r)) {
		*r = (struct report){ .progress = PROGRESS_NONE };
		return -1;
	}
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int filter_failed(int error)
{
	switch (error) {
	case EBUSY:
		ioas_super_error(NULL, "already under \"ioas run\" (or another "
				       "seccomp notifier)");
		break;
	case EINVAL:
		ioas_super_error(NULL,
				 "this kernel interrupts calls that are being "
				 "answered; Linux 5.19 is needed, or --force");
		break;
	default:
		ioas_super_error(NULL,
				 "seccomp notification cannot be had: %s; see "
				 "\"ioas doctor\"",
				 strerror(error));
	}
	return IOAS_RUN_FAILED;
}

static int failed(const struct start *st, const struct report *r)
{
	switch (r->progress) {
	case PROGRESS_NAMESPACE:
		ioas_super_error(NULL,
				 "--mode namespace: %s cannot be had: %s; see "
				 "\"ioas doctor\"",
				 r->what, strerror(r->error));
		return IOAS_RUN_FAILED;
	case PROGRESS_PATH:
		return path_failed(st->opts->argv[0], r->error);
	case PROGRESS_FILTER:
		return filter_failed(r->error);
	case PROGRESS_NONE:
	case PROGRESS_READY:
		break;
	}
	ioas_super_error(NULL, "the process of the program died before it "
			       "was started");
	return IOAS_RUN_FAILED;
}

/* Return: 0 or -errno with a message. */
static int fork_program(struct start *st, struct ioas_program *out)
{
	const pid_t parent = getpid();
	int ret = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, st->sock)) {
		ret = -errno;
	} else {
		out->pid = fork();
		if (!out->pid)
			program_main(st, parent);
		if (out->pid < 0) {
			ret = -errno;
			close(st->sock[0]);
		}
		close(st->sock[1]);
	}
	if (ret)
		ioas_super_error(NULL, "no process for the program: %s",
				 strerror(-ret));
	return ret;
}

/* As said in @r, or, with PROGRESS_NONE and an error, already reported. */
static bool try_start(struct start *st, struct report *r,
		      struct ioas_program *out)
{
	if (fork_program(st, out)) {
		*r = (struct report){ .progress = PROGRESS_NONE, .error = 1 };
		return false;
	}
	out->notify = hear(st->sock[0], r);
	close(st->sock[0]);
	out->namespace = st->namespace;
	out->pidfd = (int)syscall(SYS_pidfd_open, out->pid, 0);
	if (r->progress == PROGRESS_READY && out->notify >= 0 &&
	    out->pidfd >= 0)
		return true;
	kill(out->pid, SIGKILL);
	if (out->notify >= 0)
		close(out->notify);
	if (out->pidfd >= 0)
		close(out->pidfd);
	waitpid(out->pid, NULL, 0);
	return false;
}

static void note_fallback(const struct ioas_run_options *opts,
			  const struct report *r)
{
	const struct ioas_super s = { .opts = opts };

	ioas_super_note(&s, "mode trap: %s cannot be had: %s", r->what,
			strerror(r->error));
}

int ioas_program_start(const struct ioas_run_options *opts, const char *tree,
		       const struct ioas_fd_range *range,
		       struct ioas_program *out)
{
	struct sock_fprog filter;
	struct start st = {
		.opts = opts,
		.tree = tree,
		.filter = &filter,
		.namespace = opts->mode != IOAS_RUN_TRAP,
	};
	struct report r;
	bool ok;
	/* Without devices nothing goes on that a close would have to end. */
	int ret = ioas_filter_build(range, opts->nr_devices, &filter);

	if (ret) {
		ioas_super_error(NULL, "the filter cannot be made: %s",
				 strerror(-ret));
		return IOAS_RUN_FAILED;
	}
	ok = try_start(&st, &r, out);
	if (!ok && r.progress == PROGRESS_NAMESPACE &&
	    opts->mode == IOAS_RUN_AUTO) {
		note_fallback(opts, &r);
		st.namespace = false;
		ok = try_start(&st, &r, out);
	}
	ioas_filter_free(&filter);
	if (ok)
		return 0;
	if (r.progress == PROGRESS_NONE && r.error)
		return IOAS_RUN_FAILED;
	return failed(&st, &r);
}
