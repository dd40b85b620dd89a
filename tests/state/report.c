/* SPDX-License-Identifier: MIT */
/*
 * report: operations in words, what happened how often, and what never did
 */
#include "universe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errno.h"
#include "ledger.h"

typedef unsigned long long ull;

static const char *const op_names[NR_OPS] = {
	[OP_SPACE_CREATE] = "space.create",
	[OP_SPACE_DESTROY] = "space.destroy",
	[OP_MAP_USER] = "map.user",
	[OP_MAP_FILE] = "map.file",
	[OP_MAP_DEVICE] = "map.device",
	[OP_COPY] = "copy",
	[OP_UNMAP] = "unmap",
	[OP_UNMAP_ALL] = "unmap.all",
	[OP_DOMAIN_CREATE] = "domain.create",
	[OP_DOMAIN_DESTROY] = "domain.destroy",
	[OP_ATTACH] = "attach",
	[OP_DETACH] = "detach",
	[OP_RESERVE] = "reserve",
	[OP_UNRESERVE] = "unreserve",
	[OP_ALLOW] = "allow",
	[OP_RANGES] = "ranges",
	[OP_SPLIT] = "split",
	[OP_SMALL_PAGES] = "small_pages",
	[OP_CLIENT_CREATE] = "client.create",
	[OP_CLIENT_DESTROY] = "client.destroy",
	[OP_CLIENT_ATTACH] = "client.attach",
	[OP_CLIENT_DETACH] = "client.detach",
	[OP_CLIENT_REPLACE] = "client.replace",
	[OP_CLIENT_PATIENCE] = "client.patience",
	[OP_PIN] = "pin",
	[OP_UNPIN] = "unpin",
	[OP_RW] = "rw",
	[OP_DIRTY_SET] = "dirty.set",
	[OP_DIRTY_MARK] = "dirty.mark",
	[OP_DIRTY_READ] = "dirty.read",
	[OP_CUT] = "cut",
	[OP_REMAP] = "remap",
	[OP_HOLE] = "hole",
	[OP_FILL_HOLE] = "fill_hole",
	[OP_PROTECT] = "protect",
	[OP_DIE] = "die",
	[OP_ORIGIN_CREATE] = "origin.create",
	[OP_LIMIT] = "limit",
	[OP_CHANGE_PROCESS] = "change_process",
	[OP_POLICY] = "policy",
	[OP_REVOKE] = "revoke",
	[OP_TUNING] = "tuning",
	[OP_PIN_MODE] = "pin_mode",
};

static const struct {
	int error;
	const char *name;
} errors[] = {
	{ EPERM, "EPERM" },	    { ENOENT, "ENOENT" },
	{ ENOMEM, "ENOMEM" },	    { EFAULT, "EFAULT" },
	{ EBUSY, "EBUSY" },	    { EEXIST, "EEXIST" },
	{ ENODEV, "ENODEV" },	    { EINVAL, "EINVAL" },
	{ ENOSPC, "ENOSPC" },	    { ERANGE, "ERANGE" },
	{ EDEADLK, "EDEADLK" },	    { EOVERFLOW, "EOVERFLOW" },
	{ EMSGSIZE, "EMSGSIZE" },   { EOPNOTSUPP, "EOPNOTSUPP" },
	{ EADDRINUSE, "EADDRINUSE" }, { EAGAIN, "EAGAIN" },
};

/* What has to have happened in a run of the usual size. */
static const struct {
	uint8_t kind;
	int error;
} required[] = {
	{ OP_SPACE_DESTROY, EBUSY },   { OP_MAP_USER, EINVAL },
	{ OP_MAP_USER, EOVERFLOW },    { OP_MAP_USER, EEXIST },
	{ OP_MAP_USER, ENOSPC },       { OP_MAP_USER, EFAULT },
	{ OP_MAP_USER, ENOMEM },       { OP_MAP_FILE, EINVAL },
	{ OP_MAP_FILE, EEXIST },       { OP_MAP_FILE, ENOMEM },
	{ OP_MAP_DEVICE, EINVAL },     { OP_MAP_DEVICE, EEXIST },
	{ OP_MAP_DEVICE, ENODEV },     { OP_COPY, EINVAL },
	{ OP_COPY, EOVERFLOW },	       { OP_COPY, ENOENT },
	{ OP_COPY, EPERM },	       { OP_COPY, EEXIST },
	{ OP_COPY, EFAULT },	       { OP_COPY, ENOMEM },
	{ OP_COPY, ENOSPC },	       { OP_UNMAP, EINVAL },
	{ OP_UNMAP, EOVERFLOW },       { OP_UNMAP, ENOENT },
	{ OP_UNMAP, EBUSY },	       { OP_UNMAP, EDEADLK },
	{ OP_UNMAP_ALL, EBUSY },       { OP_UNMAP_ALL, EDEADLK },
	{ OP_ATTACH, EEXIST },	       { OP_ATTACH, EINVAL },
	{ OP_ATTACH, EADDRINUSE },     { OP_ATTACH, EFAULT },
	{ OP_ATTACH, ENOMEM },	       { OP_RESERVE, EINVAL },
	{ OP_RESERVE, EADDRINUSE },    { OP_ALLOW, EINVAL },
	{ OP_ALLOW, EADDRINUSE },      { OP_RANGES, EMSGSIZE },
	{ OP_SPLIT, EBUSY },	       { OP_SPLIT, EINVAL },
	{ OP_SPLIT, EOPNOTSUPP },      { OP_SMALL_PAGES, EINVAL },
	{ OP_SMALL_PAGES, EADDRINUSE }, { OP_CLIENT_ATTACH, EINVAL },
	{ OP_CLIENT_ATTACH, EADDRINUSE }, { OP_CLIENT_DETACH, ENOENT },
	{ OP_CLIENT_REPLACE, ENOENT }, { OP_CLIENT_REPLACE, EADDRINUSE },
	{ OP_PIN, EINVAL },	       { OP_PIN, EOVERFLOW },
	{ OP_PIN, ENOENT },	       { OP_PIN, EPERM },
	{ OP_PIN, EMSGSIZE },	       { OP_PIN, ENOMEM },
	{ OP_PIN, EFAULT },	       { OP_RW, EINVAL },
	{ OP_RW, EOVERFLOW },	       { OP_RW, ENOENT },
	{ OP_RW, EPERM },	       { OP_RW, EFAULT },
	{ OP_DIRTY_SET, ENOENT },      { OP_DIRTY_SET, EOPNOTSUPP },
	{ OP_DIRTY_READ, EINVAL },     { OP_DIRTY_READ, ENOENT },
	{ OP_DIRTY_READ, EOVERFLOW },  { OP_DIRTY_READ, EOPNOTSUPP },
	{ OP_CHANGE_PROCESS, EINVAL }, { OP_CHANGE_PROCESS, ENOMEM },
	{ OP_POLICY, EPERM },	       { OP_POLICY, EBUSY },
};

const char *op_name(uint8_t kind)
{
	return op_names[kind];
}

const char *errno_name(int error)
{
	static char other[4][24];
	static unsigned int turn;

	if (error < 0)
		error = -error;
	if (!error)
		return "success";
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(errors); i++)
		if (errors[i].error == error)
			return errors[i].name;
	turn = (turn + 1) % IOAS_ARRAY_SIZE(other);
	snprintf(other[turn], sizeof(other[turn]), "error %d", error);
	return other[turn];
}

void print_op(char *out, size_t size, const struct op *op)
{
	static const char *const modes[] = { "", " fail=", " budget=",
					     " no_memory=" };
	int n = snprintf(out, size,
			 "%s a=%u b=%u n=%u caller=%u prot=%#x flags=%#x",
			 op_name(op->kind), op->a, op->b, op->n, op->caller,
			 op->prot, op->flags);

	for (int i = 0; i < 2 * MAX_LIST; i++)
		if (op->v[i] && n > 0 && (size_t)n < size)
			n += snprintf(out + n, size - (size_t)n, " v%d=%#llx",
				      i, (ull)op->v[i]);
	if (op->fail_mode && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, "%s%u",
			 modes[op->fail_mode], op->fail);
}

static void print_refusals(const struct stats *st, uint8_t kind)
{
	for (int e = 0; e < MAX_ERRNO; e++)
		if (st->refused[kind][e])
			printf(" %s %llu", errno_name(e),
			       (ull)st->refused[kind][e]);
}

static void print_tables(const struct stats *st)
{
	for (unsigned int k = 0; k < kinds_nr(); k++) {
		if (!st->walked[k])
			continue;
		printf("# %-16s walked %llu; leaves:", kind_get(k)->name,
		       (ull)st->walked[k]);
		for (unsigned int lg2 = 0; lg2 < 64; lg2++)
			if (st->leaves[k][lg2])
				printf(" 2^%u %llu", lg2,
				       (ull)st->leaves[k][lg2]);
		printf("\n");
	}
	printf("# tables in shadow %llu, roots grown %llu, writes by devices %llu\n",
	       (ull)st->shadowed, (ull)st->grown, (ull)st->soiled);
	printf("# leaves cut %llu (dirty %llu), merged %llu (dirty %llu), read in part %llu\n",
	       (ull)st->cuts, (ull)st->dirty_cuts, (ull)st->merges,
	       (ull)st->dirty_merges, (ull)st->partial);
}

void print_stats(const struct stats *st)
{
	static const char *const tiers[] = { "IDLE", "DOM", "ACC", "BOTH" };

	printf("# %llu operations in %llu epochs; "
	       "%llu IOVAs chosen, %llu areas at the end of 64 bits\n",
	       (ull)st->ops, (ull)st->epochs, (ull)st->chosen, (ull)st->top);
	for (uint8_t k = 0; k < NR_OPS; k++) {
		printf("# %-16s ok %llu, injected %llu, absorbed %llu, skipped %llu;",
		       op_name(k), (ull)st->ok[k], (ull)st->injected[k],
		       (ull)st->absorbed[k], (ull)st->skipped[k]);
		print_refusals(st, k);
		printf("\n");
	}
	printf("# tiers:");
	for (int i = 0; i < NR_TIERS; i++)
		for (int j = 0; j < NR_TIERS; j++)
			if (st->tier[i][j])
				printf(" %s>%s %llu", tiers[i], tiers[j],
				       (ull)st->tier[i][j]);
	printf("\n# transitions:");
	for (int t = 1; t <= NR_TRANSITIONS; t++)
		printf(" T%d %llu", t, (ull)st->transition[t]);
	printf("\n");
	print_tables(st);
	printf("# fault points reached:");
	for (unsigned int i = 0; i < IOAS_NR_FAULT_POINTS; i++)
		if (st->points[i])
			printf(" %s %llu", ledger_point_name(i),
			       (ull)st->points[i]);
	printf("\n");
}

static unsigned int missing(bool happened, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static unsigned int missing(bool happened, const char *fmt, ...)
{
	va_list ap;

	if (happened)
		return 0;
	printf("# never happened: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return 1;
}

/* The edges of the picture in ioas-core 6. */
static const uint8_t edges[][2] = { { 0, 1 }, { 1, 0 }, { 0, 2 }, { 2, 0 },
				    { 1, 3 }, { 3, 1 }, { 2, 3 }, { 3, 2 } };

/* Can there be a domain of the kind that is attached? */
static bool in_use(const struct options *opts, unsigned int k)
{
	return opts->kinds >> k & 1 &&
	       (!opts->page_size ||
		UINT64_C(1) << kind_get(k)->granule_lg2 <= opts->page_size);
}

static uint64_t leaves_of(const struct stats *st, unsigned int k)
{
	uint64_t n = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		n += st->leaves[k][lg2];
	return n;
}

unsigned int print_missing_formats(const struct stats *st,
				   const struct options *opts)
{
	uint64_t leaves[WALKER_NR_FORMATS] = { 0 };
	bool used[WALKER_NR_FORMATS] = { false };
	unsigned int n = 0;

	/* A short run of all of them may miss one. */
	if (opts->allow_missing && opts->kinds == kinds_all())
		return 0;
	for (unsigned int k = 0; k < kinds_nr(); k++) {
		if (!kind_get(k)->format)
			continue;
		leaves[kind_get(k)->walker] += leaves_of(st, k);
		used[kind_get(k)->walker] |= in_use(opts, k);
	}
	for (int f = 0; f < WALKER_NR_FORMATS; f++)
		if (used[f])
			n += missing(leaves[f], "a leaf of format %s",
				     walker_format_name((enum walker_format)f));
	return n;
}

static unsigned int missing_tables(const struct stats *st,
				   const struct options *opts)
{
	unsigned int n = 0, tables = 0;

	for (unsigned int k = 0; k < kinds_nr(); k++) {
		if (!kind_get(k)->format || !in_use(opts, k))
			continue;
		tables++;
		/* There are too many to meet all of them in any run. */
		if (opts->kinds != kinds_all())
			n += missing(leaves_of(st, k), "a leaf of %s",
				     kind_get(k)->name);
		if (kind_get(k)->flags & IOAS_PT_GROW)
			n += missing(st->grown, "a root that grows");
	}
	if (!tables)
		return 0;
	n += missing(st->ok[OP_CUT], "%s that succeeds", op_name(OP_CUT));
	n += missing(st->shadowed, "a walker that sees what is flushed");
	n += missing(st->soiled, "a write by a device");
	n += missing(st->cuts, "a leaf that is cut");
	n += missing(st->merges, "leaves that are merged");
	n += missing(st->partial, "a leaf that is read in part");
	return n;
}

unsigned int print_missing(const struct stats *st, const struct options *opts)
{
	unsigned int n = missing_tables(st, opts);

	for (uint8_t k = 0; k < NR_OPS; k++)
		if (k != OP_CUT)
			n += missing(st->ok[k], "%s that succeeds",
				     op_name(k));
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(required); i++)
		n += missing(st->refused[required[i].kind][required[i].error],
			     "%s refused with %s", op_name(required[i].kind),
			     errno_name(required[i].error));
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(edges); i++)
		n += missing(st->tier[edges[i][0]][edges[i][1]],
			     "tier edge %u to %u", edges[i][0], edges[i][1]);
	/* T3, T5 and T6 want a second domain. */
	for (int t = 1; t <= NR_TRANSITIONS; t++)
		if (opts->domains != 1 || (t != 3 && t != 5 && t != 6))
			n += missing(st->transition[t], "transition T%d", t);
	n += missing(st->chosen, "an IOVA chosen");
	n += missing(st->top, "an area at the end of 64 bits");
	return n;
}
