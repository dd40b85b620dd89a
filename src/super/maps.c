/* SPDX-License-Identifier: MIT */
/*
 * maps: who has a region mapped, from the kernel's lists of mappings
 *
 *   record  (inode, offset) --holds--> region       one for each region
 *     ^
 *   mark    task in mmap(2) of it, which nobody has seen to be out
 *
 *   memory of a device has no record: its mapping keeps the client's file open,
 *   and what it is needed for ends with the file
 *
 *   sweep:  note records  -->  read lists  -->  release what
 *           and marks          (no lock)        was found in none, had no mark,
 *                                               and is as it was noted
 *
 *  M1  A region has one record while a client may have it mapped, and the record
 *      holds the region once, however often it is mapped.
 *  M2  A record's serial changes whenever somebody maps its region.
 *  M3  A task has one mark at most: it has one call at a time.
 *
 * Children inherit mappings, and what a client calls its own can move between
 * processes, so in the end every process is asked that lets us read its list.
 */
#include "super/maps.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "origin/vma.h"
#include "seam/lock.h"
#include "super/task.h"
#include "uapi/vdev/vdev.h"

/* Longer than any address space of a program without a hint. */
#define SPACE (UINT64_C(1) << 47)
/* A task that runs is not in mmap(2) for so long, in milliseconds. */
#define MARK_MS 100u

struct record {
	struct ioas_list link;
	/* With a reference. */
	struct ioas_region *region;
	uint64_t dev, ino;
	uint64_t offset, last;
	uint64_t serial;
	/* A process that had it when we looked last, or mapped it. */
	pid_t guess;
};

struct mark {
	struct ioas_list link;
	struct record *record;
	/* The record's, when it was made: no two have the same. */
	uint64_t serial;
	pid_t pid, tid;
	/* Milliseconds. */
	uint64_t since;
};

struct ioas_smaps {
	struct ioas_super *s;
	struct ioas_mutex lock;
	/* struct record, struct mark; guarded by lock, as is serial. */
	struct ioas_list records;
	struct ioas_list marks;
	uint64_t serial;
	/* Of the lists; read without the lock. */
	_Atomic uint32_t nr_records;
	_Atomic uint32_t nr_marks;
};

/* A record as it was noted, for a sweep. */
struct look {
	struct record *record;
	uint64_t serial;
	uint64_t dev, ino;
	uint64_t offset, last;
	pid_t guess;
	bool marked;
	/* Where it is mapped; 0: nowhere yet. */
	pid_t found;
};

struct looks {
	struct look *look;
	size_t nr;
	/* Not found yet. */
	size_t left;
};

static struct record *record_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct record, link);
}

static struct mark *mark_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct mark, link);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- lists -------------------------------------------------------------- */

static void mark_remove(struct ioas_smaps *m, struct mark *k)
	__must_hold(m->lock)
{
	ioas_assert_held(&m->lock);
	ioas_list_del(&k->link);
	atomic_fetch_sub(&m->nr_marks, 1);
	free(k);
}

/* Its region is given back by records_release(). */
static void record_remove(struct ioas_smaps *m, struct record *r,
			  struct ioas_list *to) __must_hold(m->lock)
{
	ioas_assert_held(&m->lock);
	ioas_list_for_each_safe(l, tmp, &m->marks)
		if (mark_of(l)->record == r)
			mark_remove(m, mark_of(l));
	ioas_list_del(&r->link);
	ioas_list_add_tail(to, &r->link);
	atomic_fetch_sub(&m->nr_records, 1);
}

/* No lock is held: an object or a context may end here. */
static void records_release(struct ioas_list *list)
{
	ioas_list_for_each_safe(l, tmp, list) {
		struct record *r = record_of(l);

		ioas_region_unmap(r->region);
		free(r);
	}
}

static struct record *record_find(struct ioas_smaps *m,
				  const struct ioas_region *region)
	__must_hold(m->lock)
{
	ioas_assert_held(&m->lock);
	ioas_list_for_each(l, &m->records)
		if (record_of(l)->region == region)
			return record_of(l);
	return NULL;
}

/* ---- mmap --------------------------------------------------------------- */

/* As far as the kernel looks before it has the file, and where we can tell. */
static int place_check(const struct ioas_call *c, uint64_t size)
{
	const uint64_t page = (uint64_t)1 << c->s->host.page_lg2;
	const uint64_t addr = c->n.arg[0], flags = c->n.arg[3];

	if (size > SPACE)
		return -ENOMEM;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return 0;
	if (addr > SPACE - size)
		return -ENOMEM;
	return ioas_is_aligned(addr, page) ? 0 : -EINVAL;
}

/* What the kernel checks of a mapping of a file before the file does. */
static int flags_check(uint64_t flags, bool *shared)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		break;
	case MAP_SHARED_VALIDATE:
		if (flags & MAP_SYNC)
			return -EOPNOTSUPP;
		break;
	case MAP_PRIVATE:
		*shared = false;
		return 0;
	default:
		return -EINVAL;
	}
	*shared = true;
	return flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

/* In the kernel's order. @rq->length is a multiple of the page size. */
static int request_fill(const struct ioas_call *c, struct ioas_mmap_request *rq)
{
	const uint64_t page = (uint64_t)1 << c->s->host.page_lg2;
	const uint64_t length = c->n.arg[1], flags = c->n.arg[3];
	const uint64_t size = ioas_align_up(length, page);
	uint64_t last;
	int ret;

	*rq = (struct ioas_mmap_request){
		.offset = c->n.arg[5],
		.length = size,
		.exec = c->n.arg[2] & PROT_EXEC,
	};
	if (!ioas_is_aligned(rq->offset, page) || (flags & MAP_HUGETLB) ||
	    !length)
		return -EINVAL;
	if (size < length)
		return -ENOMEM;
	ret = place_check(c, size);
	if (ret)
		return ret;
	if (!ioas_last(rq->offset, size, &last))
		return -EOVERFLOW;
	return flags_check(flags, &rq->shared);
}

/*
 * Note that the calling task maps @region, whose reference is taken. @r and @k
 * are new; what is not needed is freed.
 */
static void record_enter(struct ioas_call *c, struct ioas_smaps *m,
			 struct ioas_region *region, struct record *r,
			 struct mark *k)
{
	struct record *old;

	k->pid = c->task->process->pid;
	k->tid = c->task->tid;
	k->since = now_ms();
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	old = record_find(m, region);
	k->record = old ? old : r;
	if (!old) {
		r->region = region;
		ioas_list_add_tail(&m->records, &r->link);
		atomic_fetch_add(&m->nr_records, 1);
	}
	k->record->serial = ++m->serial;
	k->serial = m->serial;
	k->record->guess = k->pid;
	ioas_list_add_tail(&m->marks, &k->link);
	atomic_fetch_add(&m->nr_marks, 1);
	ioas_mutex_unlock(&m->lock);
	if (!old)
		return;
	ioas_region_unmap(region);
	free(r);
}

/*
 * The kernel maps what the client's memfd has at the offset, so a BAR is there
 * alone where we report it; where programs guess it, they can only read it.
 */
static bool is_elsewhere(struct ioas_ufile *f, uint64_t offset)
{
	return f && ioas_vdev_of_file(f) && offset < ioas_vdev_bar_offset(0);
}

static int region_map(struct ioas_call *c, struct ioas_smaps *m,
		      struct ioas_sfile *file,
		      const struct ioas_mmap_request *rq)
{
	struct ioas_ufile *f = ioas_sfile_ufile(file);
	struct record *r = calloc(1, sizeof(*r));
	struct mark *k = calloc(1, sizeof(*k));
	struct ioas_region *region;
	bool listed = true;
	int ret = -ENODEV;

	if (!r || !k)
		ret = -ENOMEM;
	else if (is_elsewhere(f, rq->offset))
		ret = -EINVAL;
	else if (f && f->ops->mmap)
		ret = f->ops->mmap(f, rq, &region);
	if (!ret && region->ops) {
		ioas_region_unmap(region);
		listed = false;
	}
	if (ret || !listed) {
		free(r);
		free(k);
		return ret;
	}
	ioas_sfile_inode(file, &r->dev, &r->ino);
	r->offset = rq->offset;
	r->last = rq->offset + rq->length - 1;
	record_enter(c, m, region, r, k);
	return 0;
}

enum ioas_verdict ioas_smaps_mmap(struct ioas_call *c, struct ioas_smaps *m,
				  struct ioas_sfile *file, int64_t *value)
{
	struct ioas_mmap_request rq;
	int ret;

	/* The kernel does not look at the descriptor then. */
	if (c->n.arg[3] & MAP_ANONYMOUS)
		return IOAS_CALL_CONTINUE;
	/* It has no other mark, unless somebody forgot that it is back. */
	ioas_smaps_task_back(m, c->task->tid);
	ret = request_fill(c, &rq);
	if (!ret)
		ret = region_map(c, m, file, &rq);
	if (!ret)
		return IOAS_CALL_CONTINUE;
	*value = ret;
	return IOAS_CALL_RETURN;
}

/* ---- marks -------------------------------------------------------------- */

void ioas_smaps_task_back(struct ioas_smaps *m, pid_t tid)
{
	if (!atomic_load(&m->nr_marks))
		return;
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	ioas_list_for_each_safe(l, tmp, &m->marks)
		if (mark_of(l)->tid == tid)
			mark_remove(m, mark_of(l));
	ioas_mutex_unlock(&m->lock);
}

enum whereabouts {
	ELSEWHERE, /* in another call, or gone */
	IN_MMAP,
	RUNNING, /* or not ours to see */
};

/* /proc/PID/task/TID/syscall: "9 0x7f...", "running", "-1 ...". */
static enum whereabouts syscall_parse(const char *text)
{
	char *end;
	const long nr = strtol(text, &end, 10);

	if (end == text)
		return RUNNING;
	return nr == SYS_mmap ? IN_MMAP : ELSEWHERE;
}

static enum whereabouts task_where(pid_t pid, pid_t tid)
{
	char text[64] = "";
	FILE *f;

	snprintf(text, sizeof(text), "/proc/%d/task/%d/syscall", pid, tid);
	f = fopen(text, "re");
	if (!f)
		return errno == ENOENT ? ELSEWHERE : RUNNING;
	/* Nothing to be read: it has ended since. */
	if (!fgets(text, sizeof(text), f))
		strcpy(text, "-1");
	fclose(f);
	return syscall_parse(text);
}

static bool mark_over(const struct mark *k)
{
	const enum whereabouts w = task_where(k->pid, k->tid);

	return w == ELSEWHERE ||
	       (w == RUNNING && now_ms() - k->since >= MARK_MS);
}

/* A copy of the oldest mark after @serial. Return: there is one. */
static bool mark_after(struct ioas_smaps *m, uint64_t serial, struct mark *out)
{
	bool found = false;

	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	/* They are in the order of their serials. */
	ioas_list_for_each(l, &m->marks) {
		found = mark_of(l)->serial > serial;
		if (found) {
			*out = *mark_of(l);
			break;
		}
	}
	ioas_mutex_unlock(&m->lock);
	return found;
}

static void mark_remove_serial(struct ioas_smaps *m, uint64_t serial)
{
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	ioas_list_for_each_safe(l, tmp, &m->marks)
		if (mark_of(l)->serial == serial)
			mark_remove(m, mark_of(l));
	ioas_mutex_unlock(&m->lock);
}

/*
 * Remove the marks of tasks that are out of their call, of those there are now.
 * Without the lock: to ask for a task that executes a program may take long.
 */
static void marks_look(struct ioas_smaps *m)
{
	struct mark k = { .serial = 0 };
	uint64_t last;

	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	last = m->serial;
	ioas_mutex_unlock(&m->lock);
	while (mark_after(m, k.serial, &k) && k.serial <= last)
		if (mark_over(&k))
			mark_remove_serial(m, k.serial);
}

/* Until there are none, or it takes too long. */
static void marks_wait(struct ioas_smaps *m)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned int i = 0; i <= MARK_MS; i++) {
		marks_look(m);
		if (!atomic_load(&m->nr_marks))
			return;
		nanosleep(&pause, NULL);
	}
}

/* ---- lists of mappings -------------------------------------------------- */

struct mapping {
	uint64_t start, end;
	uint64_t offset;
	uint64_t dev, ino;
};

/* A line of /proc/PID/maps. */
static bool mapping_parse(const char *line, struct mapping *out)
{
	unsigned int major, minor;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64,
		   &out->start, &out->end, &out->offset, &major, &minor,
		   &out->ino) != 6)
		return false;
	out->dev = ioas_vma_dev(major, minor);
	return out->start < out->end;
}

static void looks_match(struct looks *looks, const struct mapping *map,
			pid_t pid)
{
	const uint64_t last = map->offset + (map->end - map->start) - 1;

	for (size_t i = 0; i < looks->nr; i++) {
		struct look *k = &looks->look[i];

		if (k->found || k->ino != map->ino || k->dev != map->dev ||
		    k->last < map->offset || k->offset > last)
			continue;
		k->found = pid;
		looks->left--;
	}
}

/* Return: the list has a line at all. Bounded by the kernel's limit of lines. */
static bool list_read(struct looks *looks, const char *path, pid_t pid)
{
	FILE *f = fopen(path, "re");
	struct mapping map;
	char *line = NULL;
	bool any = false;
	size_t room = 0;

	if (!f)
		return false;
	while (looks->left && getline(&line, &room, f) > 0) {
		any = true;
		if (mapping_parse(line, &map))
			looks_match(looks, &map, pid);
	}
	free(line);
	fclose(f);
	return any;
}

/* 0: not the name of a process or task. */
static pid_t number_of(const char *name)
{
	char *end;
	const long nr = strtol(name, &end, 10);

	return *end || nr <= 0 || nr > INT32_MAX ? 0 : (pid_t)nr;
}

/*
 * The list of a process whose first thread has ended is empty, though others
 * may live: theirs is not.
 */
static void process_read(struct looks *looks, pid_t pid)
{
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (list_read(looks, path, pid))
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && looks->left && (e = readdir(d))) {
		const pid_t tid = number_of(e->d_name);

		if (!tid)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/maps", pid, tid);
		if (list_read(looks, path, pid))
			break;
	}
	if (d)
		closedir(d);
}

/* Our own mappings of the same files are not a client's. */
static void every_process_read(struct looks *looks)
{
	const pid_t self = getpid();
	struct dirent *e;
	DIR *d;

	d = opendir("/proc");
	while (d && looks->left && (e = readdir(d))) {
		const pid_t pid = number_of(e->d_name);

		if (pid && pid != self)
			process_read(looks, pid);
	}
	if (d)
		closedir(d);
}

static void looks_search(struct looks *looks)
{
	pid_t last = 0;

	for (size_t i = 0; i < looks->nr; i++) {
		const struct look *k = &looks->look[i];

		if (!k->found && k->guess != last)
			process_read(looks, k->guess);
		last = k->guess;
	}
	if (looks->left)
		every_process_read(looks);
}

/* ---- sweep -------------------------------------------------------------- */

static bool record_marked(struct ioas_smaps *m, const struct record *r)
	__must_hold(m->lock)
{
	ioas_list_for_each(l, &m->marks)
		if (mark_of(l)->record == r)
			return true;
	return false;
}

/* Free looks->look. Without memory, or records, there is nothing to look at. */
static void looks_note(struct ioas_smaps *m, struct looks *looks)
{
	size_t i = 0;

	*looks = (struct looks){ 0 };
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	looks->nr = atomic_load(&m->nr_records);
	if (looks->nr)
		looks->look = calloc(looks->nr, sizeof(*looks->look));
	if (!looks->look)
		looks->nr = 0;
	ioas_list_for_each(l, &m->records) {
		const struct record *r = record_of(l);

		if (i == looks->nr)
			break;
		looks->look[i++] = (struct look){
			.record = record_of(l),
			.serial = r->serial,
			.dev = r->dev,
			.ino = r->ino,
			.offset = r->offset,
			.last = r->last,
			.guess = r->guess,
			.marked = record_marked(m, r),
		};
	}
	looks->left = looks->nr;
	ioas_mutex_unlock(&m->lock);
}

/* The record, if it is there still, and as it was. */
static struct record *look_again(struct ioas_smaps *m, const struct look *k)
	__must_hold(m->lock)
{
	ioas_list_for_each(l, &m->records)
		if (record_of(l) == k->record)
			return k->record->serial == k->serial ? k->record :
								NULL;
	return NULL;
}

/* Return: some may only not be there yet. */
static bool looks_conclude(struct ioas_smaps *m, const struct looks *looks)
{
	struct ioas_list done;
	bool unsure = false;

	ioas_list_init(&done);
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	for (size_t i = 0; i < looks->nr; i++) {
		const struct look *k = &looks->look[i];
		struct record *r = look_again(m, k);

		if (!r)
			continue;
		if (k->found)
			r->guess = k->found;
		else if (k->marked)
			unsure = true;
		else
			record_remove(m, r, &done);
	}
	ioas_mutex_unlock(&m->lock);
	records_release(&done);
	return unsure;
}

static bool sweep_once(struct ioas_smaps *m)
{
	struct looks looks;
	bool unsure;

	looks_note(m, &looks);
	if (looks.left)
		looks_search(&looks);
	unsure = looks_conclude(m, &looks);
	free(looks.look);
	return unsure;
}

void ioas_smaps_sweep(struct ioas_smaps *m)
{
	if (!atomic_load(&m->nr_records) || !sweep_once(m))
		return;
	marks_wait(m);
	sweep_once(m);
}

void ioas_smaps_closed(struct ioas_smaps *m, uint64_t dev, uint64_t ino)
{
	struct ioas_list done;

	if (!m || !atomic_load(&m->nr_records))
		return;
	ioas_list_init(&done);
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	ioas_list_for_each_safe(l, tmp, &m->records) {
		struct record *r = record_of(l);

		if (r->dev == dev && r->ino == ino)
			record_remove(m, r, &done);
	}
	ioas_mutex_unlock(&m->lock);
	records_release(&done);
}

/* ---- life --------------------------------------------------------------- */

int ioas_smaps_create(struct ioas_super *s, struct ioas_smaps **out)
{
	struct ioas_smaps *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->s = s;
	ioas_list_init(&m->records);
	ioas_list_init(&m->marks);
	*out = m;
	return 0;
}

void ioas_smaps_destroy(struct ioas_smaps *m)
{
	struct ioas_list done;

	if (!m)
		return;
	ioas_list_init(&done);
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	ioas_list_for_each_safe(l, tmp, &m->records)
		record_remove(m, record_of(l), &done);
	ioas_mutex_unlock(&m->lock);
	records_release(&done);
	free(m);
}
