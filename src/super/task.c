/* SPDX-License-Identifier: MIT */
/*
 * task: tables of who called, and what is learned of them
 *
 * A process leaves the tables when its pidfd says that it has ended. That is
 * seen by the drain before the next notice is served, and the system uses its
 * number again only after that: so a process that is found is the one that is
 * meant. A thread can end without a word; that a number is still a thread of the
 * process is asked each time.
 *
 *  T1  one process per number, one task per number in the tables
 *  T2  tables hold one reference to each process and task; a task holds its
 *      process, a process its mm
 *  T3  the process of a task in the tables is in the tables
 */
#include "super/task.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/errno.h"
#include "origin/peer.h"
#include "seam/lock.h"
#include "super/faultsys.h"
#include "super/files.h"
#include "super/trace.h"

#define SLOTS 256

/* A user, for totals that all its processes share. */
struct user {
	struct ioas_list link;
	uid_t uid;
	struct ioas_user *account;
};

struct ioas_tasks {
	struct ioas_super *s;
	struct ioas_mutex lock;
	/* All guarded. By number of process, of thread. */
	struct ioas_list processes[SLOTS];
	struct ioas_list tasks[SLOTS];
	struct ioas_list mms;
	struct ioas_list users;
};

/* ---- what /proc says ---------------------------------------------------- */

/* A small file of /proc/@pid, as a string. Return: 0, -ESRCH, -EPERM. */
static int proc_read(pid_t pid, const char *name, char *text, size_t room)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -EPERM : -ESRCH;
	n = read(fd, text, room - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	return 0;
}

/* The number after @key in /proc/@pid/status. */
static int status_number(pid_t pid, const char *key, unsigned int *value)
{
	char text[4096], *at;
	int ret = proc_read(pid, "status", text, sizeof(text));

	if (ret)
		return ret;
	at = strstr(text, key);
	if (!at)
		return -ESRCH;
	*value = (unsigned int)strtoul(at + strlen(key), NULL, 10);
	return 0;
}

/* In /proc/PID/limits: "Max open files       1024       4096       files" */
static const char *limit_name(int which)
{
	return which == RLIMIT_NOFILE ? "Max open files " : "Max locked memory ";
}

/*
 * Without CAP_SYS_RESOURCE prlimit(2) tells of processes of the same user alone,
 * also if one is root; /proc tells everybody.
 */
int ioas_process_limit(pid_t pid, int which, uint64_t *out)
{
	const char *name = limit_name(which);
	char text[4096], *at;
	/* The kernel's, of which no limit is all ones. */
	struct {
		uint64_t soft, hard;
	} limit;
	int ret;

	if (!syscall(SYS_prlimit64, pid, which, NULL, &limit)) {
		*out = limit.soft;
		return 0;
	}
	ret = proc_read(pid, "limits", text, sizeof(text));
	if (ret)
		return ret;
	at = strstr(text, name);
	if (!at)
		return -ESRCH;
	at += strlen(name);
	at += strspn(at, " ");
	*out = *at == 'u' ? IOAS_U64_MAX : strtoull(at, NULL, 10);
	return 0;
}

/*
 * Where the program's stack and arguments begin, which an execve changes: with
 * addresses at random in any case, without unless it starts the same again.
 */
static int image_of(pid_t pid, uint64_t *image)
{
	char text[1024], *at;
	int ret = proc_read(pid, "stat", text, sizeof(text));

	if (ret)
		return ret;
	/* Fields count from the state, the third, after the name. */
	at = strrchr(text, ')');
	*image = 0;
	for (unsigned int field = 3; at && field <= 51; field++) {
		at = strchr(at + 1, ' ');
		if (at && (field == 28 || field >= 45))
			*image = *image * 31 + strtoull(at, NULL, 10);
	}
	/* A first thread that has ended shows none, while others go on. */
	return at && *image ? 0 : -ESRCH;
}

/* Is @tid a thread of @pid? */
static bool is_thread_of(pid_t tid, pid_t pid)
{
	return tid == pid || !syscall(SYS_tgkill, pid, tid, 0) ||
	       errno == EPERM;
}

/* ---- who pays ----------------------------------------------------------- */

static struct ioas_user *user_get(struct ioas_tasks *t, uid_t uid)
	__must_hold(t->lock)
{
	struct user *u;

	ioas_list_for_each(l, &t->users) {
		u = ioas_list_entry(l, struct user, link);
		if (u->uid == uid)
			return u->account;
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	u->account = ioas_user_create();
	if (!u->account) {
		free(u);
		return NULL;
	}
	ioas_list_add_tail(&t->users, &u->link);
	return u->account;
}

static uint64_t limit_pages(const struct ioas_super *s, uint64_t bytes)
{
	return bytes == IOAS_U64_MAX ? bytes : bytes >> s->host.page_lg2;
}

/*
 * The principal has no room for who it is of, so it is looked for. @s is that of
 * the call: who charges is a client, whose call it is.
 */
static void limit_ask(struct ioas_principal *p)
{
	struct ioas_call *c = ioas_call_current();
	struct ioas_tasks *t = c ? c->s->tasks : NULL;
	uint64_t limit;
	pid_t pid = 0;

	if (!t)
		return;
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &t->mms) {
		const struct ioas_client_mm *mm =
			ioas_list_entry(l, struct ioas_client_mm, link);

		if (mm->principal == p)
			pid = mm->pid;
	}
	ioas_mutex_unlock(&t->lock);
	/* Of several that share it, the one that calls; it is there for sure. */
	if (c->mm && c->mm->principal == p)
		pid = c->task->process->pid;
	if (!pid || ioas_process_limit(pid, RLIMIT_MEMLOCK, &limit))
		return;
	atomic_store_explicit(&p->limit, limit_pages(c->s, limit),
			      memory_order_relaxed);
}

/* ---- memory ------------------------------------------------------------- */

/* Pins may outlive the mm, so they are told who runs all of this. */
static bool peer_deny(void *data, uint64_t dev, uint64_t ino)
{
	const struct ioas_super *s = data;

	return ioas_sfiles_is_ours(s->files, dev, ino);
}

static void *peer_device(void *data, uint64_t dev, uint64_t ino,
			 uint64_t offset, uint64_t *length)
{
	const struct ioas_super *s = data;

	return ioas_sfiles_device(s->files, dev, ino, offset, length);
}

static void peer_lost(void *data, pid_t pid, uint64_t address)
{
	const struct ioas_super *s = data;

	if (s->report)
		ioas_report_lost(s->report, pid, address, "gone");
}

static const struct ioas_peer_ops peer_ops = {
	.deny = peer_deny,
	.device = peer_device,
	.lost = peer_lost,
};

static void mm_free(struct ioas_client_mm *mm)
{
	ioas_origin_put(mm->origin);
	ioas_origin_put(mm->container_origin);
	ioas_peer_put(mm->peer);
	ioas_principal_put(mm->principal);
	free(mm);
}

/* Nobody has this memory any more; what is pinned of it is gone, too. */
static void mm_over(const struct ioas_client_mm *mm, const char *why)
{
	if (mm->s->report && ioas_peer_pinned(mm->peer) &&
	    !ioas_peer_alive(mm->peer))
		ioas_report_lost(mm->s->report, mm->pid, 0, why);
}

void ioas_client_mm_put(struct ioas_client_mm *mm)
{
	struct ioas_tasks *t;

	if (!mm || atomic_fetch_sub(&mm->refs, 1) != 1)
		return;
	t = mm->s->tasks;
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	ioas_list_del(&mm->link);
	ioas_mutex_unlock(&t->lock);
	mm_free(mm);
}

static int mm_principal(struct ioas_tasks *t, struct ioas_client_mm *mm,
			uid_t uid)
{
	const struct ioas_run_options *o = t->s->opts;
	struct ioas_mm *account = ioas_mm_create();
	struct ioas_user *user;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	user = user_get(t, uid);
	ioas_mutex_unlock(&t->lock);
	if (user && account)
		mm->principal = ioas_principal_create(
			user, account, limit_pages(t->s, o->memlock));
	ioas_mm_put(account);
	if (!mm->principal)
		return -ENOMEM;
	if (!o->own_memlock)
		mm->principal->ask = limit_ask;
	return 0;
}

/*
 * By the process's number; if its first thread has ended, which has no memory
 * then, by that of the thread that calls. What is reached by number is then
 * reached by what was opened.
 */
static int mm_peer(struct ioas_super *s, const struct ioas_process *p,
		   struct ioas_client_mm *mm)
{
	const struct ioas_call *c = ioas_call_current();
	int ret = ioas_peer_create(&s->backings, p->pid, mm, &peer_ops, s,
				   &mm->peer);

	if (ret != -ESRCH || !c || c->task->process != p)
		return ret;
	ret = ioas_peer_create(&s->backings, c->n.tid, mm, &peer_ops, s,
			       &mm->peer);
	if (!ret)
		mm->peer->pid = p->pid;
	return ret;
}

static bool still_waits(const struct ioas_super *s)
{
	const struct ioas_call *c = ioas_call_current();

	return !c || ioas_notify_valid(s->notify, &c->n);
}

static int mm_create(struct ioas_super *s, struct ioas_process *p,
		     struct ioas_client_mm **out)
{
	struct ioas_client_mm *mm = calloc(1, sizeof(*mm));
	unsigned int uid;
	int ret;

	if (!mm)
		return -ENOMEM;
	atomic_store(&mm->refs, 1);
	mm->s = s;
	mm->pid = p->pid;
	ret = status_number(p->pid, "\nUid:", &uid);
	if (!ret && image_of(p->pid, &mm->image))
		mm->image = 0;
	if (!ret)
		ret = mm_principal(s->tasks, mm, uid);
	if (!ret)
		ret = mm_peer(s, p, mm);
	/* Of one who is killed by another's execve, it may be that of either. */
	if (!ret && !still_waits(s))
		ret = -ESRCH;
	if (!ret)
		ret = ioas_origin_peer_create(mm->peer, &mm->origin);
	if (!ret)
		ret = ioas_origin_peer_create_devices(mm->peer,
						      &mm->container_origin);
	if (ret) {
		mm_free(mm);
		return ret;
	}
	ioas_mutex_lock(&s->tasks->lock, IOAS_RANK_LEAF);
	ioas_list_add_tail(&s->tasks->mms, &mm->link);
	ioas_mutex_unlock(&s->tasks->lock);
	*out = mm;
	return 0;
}

static struct ioas_client_mm *mm_get(struct ioas_client_mm *mm)
{
	if (mm)
		atomic_fetch_add(&mm->refs, 1);
	return mm;
}

/* Of one in the list, which its last reference may be leaving. */
static struct ioas_client_mm *mm_get_live(struct ioas_client_mm *mm)
{
	uint32_t refs = atomic_load(&mm->refs);

	while (refs && !atomic_compare_exchange_weak(&mm->refs, &refs, refs + 1))
		;
	return refs ? mm : NULL;
}

/* Another process that runs in the same memory; NULL: there is none. */
static struct ioas_client_mm *mm_of_sharer(struct ioas_tasks *t,
					   const struct ioas_process *p)
	__must_hold(t->lock)
{
	ioas_list_for_each(l, &t->mms) {
		struct ioas_client_mm *mm =
			ioas_list_entry(l, struct ioas_client_mm, link);

		if (mm->pid != p->pid && ioas_peer_alive(mm->peer) &&
		    !syscall(SYS_kcmp, mm->pid, p->pid, KCMP_VM, 0L, 0L))
			return mm_get_live(mm);
	}
	return NULL;
}

/* Is it what @p has now? */
static bool mm_is_same(const struct ioas_client_mm *mm,
		       const struct ioas_process *p)
{
	uint64_t image;

	/*
	 * In the middle of an execve the first thread may be gone, and the one
	 * that executes not yet in its place: then it is too early to tell.
	 */
	return ioas_peer_alive(mm->peer) &&
	       (image_of(p->pid, &image) || image == mm->image);
}

/* It runs another program: whoever was about to execute is gone. */
static void process_is_new(struct ioas_process *p)
{
	p->nr_executing = 0;
	p->program++;
	atomic_store(&p->executed, false);
}

/*
 * Somebody is about to execute: the number may lead to other memory from now on.
 * A child that shares its parent's (vfork) leaves that to the parent.
 */
static void mm_may_go(struct ioas_process *p)
{
	atomic_store(&p->executed, true);
	if (p->mm->pid == p->pid)
		ioas_peer_executed(p->mm->peer);
}

static void mm_stayed(struct ioas_process *p)
{
	atomic_store(&p->executed, false);
	if (p->mm->pid == p->pid)
		ioas_peer_stayed(p->mm->peer);
}

/*
 * @mm, whose reference is taken, is the memory of @p from now on, instead of
 * @stale; unless another thread was faster. Return: which it is, to be had.
 */
static struct ioas_client_mm *mm_install(struct ioas_tasks *t,
					 struct ioas_process *p,
					 struct ioas_client_mm *stale,
					 struct ioas_client_mm *mm)
{
	struct ioas_client_mm *drop = mm;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	if (p->mm == stale) {
		drop = p->mm;
		p->mm = mm;
		if (stale)
			process_is_new(p);
		/* It may be that of before. */
		else if (p->nr_executing)
			mm_may_go(p);
	}
	mm = mm_get(p->mm);
	ioas_mutex_unlock(&t->lock);
	ioas_client_mm_put(drop);
	return mm;
}

int ioas_process_mm(struct ioas_super *s, struct ioas_process *p,
		    struct ioas_client_mm **out)
{
	struct ioas_tasks *t = s->tasks;
	struct ioas_client_mm *mm, *stale;
	int ret = 0;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	stale = mm_get(p->mm);
	ioas_mutex_unlock(&t->lock);
	/* One that is about to execute has it until it has. */
	if (stale && (!atomic_load(&p->executed) || mm_is_same(stale, p))) {
		*out = stale;
		return 0;
	}
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	mm = mm_of_sharer(t, p);
	ioas_mutex_unlock(&t->lock);
	if (!mm)
		ret = mm_create(s, p, &mm);
	if (!ret) {
		*out = mm_install(t, p, stale, mm);
		/* It executes something else, or has ended, meanwhile. */
		if (!*out)
			ret = -ESRCH;
	}
	ioas_client_mm_put(stale);
	return ret;
}

void ioas_task_executes(struct ioas_super *s, struct ioas_task *task)
{
	struct ioas_process *p = task->process;
	struct ioas_tasks *t = s->tasks;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	if (!task->executing || task->program != p->program)
		p->nr_executing++;
	task->executing = true;
	task->program = p->program;
	p->executing = task->tid;
	if (p->mm)
		mm_may_go(p);
	ioas_mutex_unlock(&t->lock);
}

/* @task is back in the same program: it was not found, or the like. */
static void exec_failed(struct ioas_task *task)
{
	struct ioas_process *p = task->process;

	if (!task->executing || task->program != p->program)
		return;
	task->executing = false;
	if (--p->nr_executing)
		return;
	mm_stayed(p);
}

/*
 * The memory is what it was before a call to execute: that failed; or it was
 * looked at only afterwards, and who called, a thread then, is the first now. In
 * the middle of it the thread has no number of its own any more, but then all
 * others have been killed.
 */
static void exec_is_over(const struct ioas_call *c)
{
	struct ioas_process *p = c->task->process;

	exec_failed(c->task);
	if (p->nr_executing && !is_thread_of(p->executing, p->pid) &&
	    ioas_notify_valid(c->s->notify, &c->n)) {
		process_is_new(p);
		mm_stayed(p);
	}
}

void ioas_task_executed(const struct ioas_call *c)
{
	struct ioas_process *p = c->task->process;
	struct ioas_tasks *t = c->s->tasks;
	struct ioas_client_mm *mm = NULL;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	if (p->mm && mm_is_same(p->mm, p)) {
		exec_is_over(c);
	} else if (p->mm) {
		mm = p->mm;
		p->mm = NULL;
		process_is_new(p);
	}
	ioas_mutex_unlock(&t->lock);
	if (!mm)
		return;
	/* Of a child that shared it, it is the parent's still. */
	if (mm->pid == p->pid)
		mm_over(mm, "execve");
	ioas_client_mm_put(mm);
}

void ioas_tasks_each_mm(struct ioas_tasks *t,
			void (*fn)(struct ioas_client_mm *mm, void *data),
			void *data)
{
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &t->mms)
		fn(ioas_list_entry(l, struct ioas_client_mm, link), data);
	ioas_mutex_unlock(&t->lock);
}

/* ---- processes ---------------------------------------------------------- */

static void process_put(struct ioas_process *p)
{
	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	ioas_client_mm_put(p->mm);
	close(p->pidfd);
	free(p);
}

void ioas_task_put(struct ioas_task *t)
{
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	process_put(t->process);
	free(t);
}

static void tasks_put(struct ioas_list *list)
{
	ioas_list_for_each_safe(l, tmp, list)
		ioas_task_put(ioas_list_entry(l, struct ioas_task, link));
}

static struct ioas_list *slot_of(struct ioas_list *table, pid_t nr)
{
	return &table[(unsigned int)nr % SLOTS];
}

/* Its tasks leave the tables, and then it does. */
static void process_remove(struct ioas_tasks *t, struct ioas_process *p)
{
	struct ioas_client_mm *mm;
	struct ioas_list gone;

	ioas_list_init(&gone);
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	for (unsigned int i = 0; i < SLOTS; i++) {
		ioas_list_for_each_safe(l, tmp, &t->tasks[i]) {
			struct ioas_task *task =
				ioas_list_entry(l, struct ioas_task, link);

			if (task->process != p)
				continue;
			ioas_list_del(&task->link);
			ioas_list_add_tail(&gone, &task->link);
		}
	}
	ioas_list_del(&p->link);
	p->ended = true;
	mm = p->mm;
	p->mm = NULL;
	ioas_mutex_unlock(&t->lock);
	/* Of two that share it, the one that it was found by counts. */
	if (mm && mm->pid == p->pid) {
		ioas_peer_executed(mm->peer);
		mm_over(mm, "exit");
		/* Others may share it, and pay as before. */
		if (!ioas_peer_alive(mm->peer))
			atomic_store(&mm->principal->mm->gone, true);
	}
	ioas_client_mm_put(mm);
	tasks_put(&gone);
	process_put(p);
}

static void process_ended(struct ioas_super *s, struct ioas_source *source,
			  uint32_t events)
{
	struct ioas_process *p =
		ioas_container_of(source, struct ioas_process, source);

	(void)events;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, p->pidfd, NULL);
	process_remove(s->tasks, p);
}

static struct ioas_process *process_look(struct ioas_tasks *t, pid_t pid)
	__must_hold(t->lock)
{
	ioas_list_for_each(l, slot_of(t->processes, pid)) {
		struct ioas_process *p =
			ioas_list_entry(l, struct ioas_process, link);

		if (p->pid == pid)
			return p;
	}
	return NULL;
}

static int pidfd_open(pid_t pid)
{
	const long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

static int process_create(pid_t pid, struct ioas_process **out)
{
	struct ioas_process *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->source.fire = process_ended;
	atomic_store(&p->refs, 1);
	p->pidfd = pidfd_open(pid);
	if (p->pidfd < 0) {
		const int ret = p->pidfd;

		free(p);
		return ret == -EMFILE || ret == -ENFILE ? -ENOMEM : ret;
	}
	*out = p;
	return 0;
}

/*
 * The process, with a reference; made if it is not known. One that cannot be
 * heard of when it ends is not kept.
 */
static int process_find(struct ioas_super *s, pid_t pid,
			struct ioas_process **out)
{
	struct ioas_tasks *t = s->tasks;
	struct ioas_process *p, *new = NULL;
	int ret;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	p = process_look(t, pid);
	if (p)
		atomic_fetch_add(&p->refs, 1);
	ioas_mutex_unlock(&t->lock);
	if (p) {
		*out = p;
		return 0;
	}
	ret = process_create(pid, &new);
	if (ret)
		return ret;
	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	p = process_look(t, pid);
	if (!p) {
		ret = ioas_super_listen(s, new->pidfd, EPOLLIN, &new->source);
		if (!ret) {
			p = new;
			new = NULL;
			ioas_list_add_tail(slot_of(t->processes, pid),
					   &p->link);
		}
	}
	if (p)
		atomic_fetch_add(&p->refs, 1);
	ioas_mutex_unlock(&t->lock);
	if (new)
		process_put(new);
	*out = p;
	return ret;
}

/* ---- tasks -------------------------------------------------------------- */

static struct ioas_task *task_look(struct ioas_tasks *t, pid_t tid)
	__must_hold(t->lock)
{
	ioas_list_for_each(l, slot_of(t->tasks, tid)) {
		struct ioas_task *task =
			ioas_list_entry(l, struct ioas_task, link);

		if (task->tid == tid)
			return task;
	}
	return NULL;
}

/* With a reference; one whose number is another's by now leaves the table. */
static struct ioas_task *task_known(struct ioas_tasks *t, pid_t tid)
{
	struct ioas_task *task, *stale = NULL;

	ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
	task = task_look(t, tid);
	if (task && !is_thread_of(tid, task->process->pid)) {
		ioas_list_del(&task->link);
		stale = task;
		task = NULL;
	}
	if (task)
		atomic_fetch_add(&task->refs, 1);
	ioas_mutex_unlock(&t->lock);
	ioas_task_put(stale);
	return task;
}

static int task_create(struct ioas_super *s, pid_t tid,
		       struct ioas_task **out)
{
	struct ioas_task *t = calloc(1, sizeof(*t));
	unsigned int tgid = 0;
	int ret;

	if (!t)
		return -ENOMEM;
	t->tid = tid;
	atomic_store(&t->refs, 1);
	ret = status_number(tid, "\nTgid:", &tgid);
	if (!ret)
		ret = process_find(s, (pid_t)tgid, &t->process);
	if (ret) {
		free(t);
		return ret;
	}
	t->fault.failed = IOAS_NR_FAULT_POINTS;
	if (s->faults)
		ioas_faultsys_task(s->faults, t);
	*out = t;
	return 0;
}

/* Threads end without a word: who is added sees to its neighbours. */
static void slot_tidy(struct ioas_list *slot, struct ioas_list *gone)
{
	ioas_list_for_each_safe(l, tmp, slot) {
		struct ioas_task *task =
			ioas_list_entry(l, struct ioas_task, link);

		if (is_thread_of(task->tid, task->process->pid))
			continue;
		ioas_list_del(&task->link);
		ioas_list_add_tail(gone, &task->link);
	}
}

int ioas_task_by_tid(struct ioas_super *s, pid_t tid, struct ioas_task **out)
{
	struct ioas_tasks *t = s->tasks;
	struct ioas_task *task = task_known(t, tid), *other;
	struct ioas_list gone;
	int ret;

	if (!task) {
		ret = task_create(s, tid, &task);
		if (ret)
			return ret;
		ioas_list_init(&gone);
		ioas_mutex_lock(&t->lock, IOAS_RANK_LEAF);
		slot_tidy(slot_of(t->tasks, tid), &gone);
		other = task_look(t, tid);
		/* Nobody would take that of a process that has ended out again. */
		if (!other && !task->process->ended) {
			atomic_fetch_add(&task->refs, 1);
			ioas_list_add_tail(slot_of(t->tasks, tid), &task->link);
		} else if (other) {
			atomic_fetch_add(&other->refs, 1);
		}
		ioas_mutex_unlock(&t->lock);
		tasks_put(&gone);
		if (other) {
			ioas_task_put(task);
			task = other;
		}
	}
	*out = task;
	return 0;
}

int ioas_task_find(struct ioas_super *s, const struct ioas_notice *n,
		   struct ioas_task **out)
{
	struct ioas_task *task = task_known(s->tasks, n->tid);
	int ret;

	if (task) {
		*out = task;
		return 0;
	}
	ret = ioas_task_by_tid(s, n->tid, &task);
	/* What was learned is of who calls only if the call waits still. */
	if (!ret && !ioas_notify_valid(s->notify, n)) {
		ioas_task_put(task);
		ret = -ESRCH;
	}
	if (!ret)
		*out = task;
	return ret;
}

/* ---- life --------------------------------------------------------------- */

int ioas_tasks_create(struct ioas_super *s, struct ioas_tasks **out)
{
	struct ioas_tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->s = s;
	for (unsigned int i = 0; i < SLOTS; i++) {
		ioas_list_init(&t->processes[i]);
		ioas_list_init(&t->tasks[i]);
	}
	ioas_list_init(&t->mms);
	ioas_list_init(&t->users);
	*out = t;
	return 0;
}

void ioas_tasks_destroy(struct ioas_tasks *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; i < SLOTS; i++) {
		ioas_list_for_each_safe(l, tmp, &t->processes[i])
			process_remove(t, ioas_list_entry(l,
							  struct ioas_process,
							  link));
	}
	IOAS_CHECK(!ioas_list_empty(&t->mms));
	ioas_list_for_each_safe(l, tmp, &t->users) {
		struct user *u = ioas_list_entry(l, struct user, link);

		ioas_user_put(u->account);
		free(u);
	}
	free(t);
}
