/* SPDX-License-Identifier: MIT */
/*
 * account: the three totals, and the limit that two of them have
 */
#include "core/account.h"

#include "base/check.h"
#include "base/errno.h"
#include "seam/fault.h"

struct ioas_user *ioas_user_create(void)
{
	struct ioas_user *user = ioas_zalloc(sizeof(*user), IOAS_FP_ALLOC_SPACE);

	if (user)
		atomic_store_explicit(&user->refs, 1, memory_order_relaxed);
	return user;
}

struct ioas_mm *ioas_mm_create(void)
{
	struct ioas_mm *mm = ioas_zalloc(sizeof(*mm), IOAS_FP_ALLOC_SPACE);

	if (mm)
		atomic_store_explicit(&mm->refs, 1, memory_order_relaxed);
	return mm;
}

static void ref_get(_Atomic uint32_t *refs)
{
	atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* True if it was the last. */
static bool ref_put(_Atomic uint32_t *refs)
{
	return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

struct ioas_principal *ioas_principal_create(struct ioas_user *user,
					     struct ioas_mm *mm, uint64_t limit)
{
	struct ioas_principal *p = ioas_zalloc(sizeof(*p), IOAS_FP_ALLOC_SPACE);

	if (!p)
		return NULL;
	ref_get(&user->refs);
	ref_get(&mm->refs);
	p->user = user;
	p->mm = mm;
	atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&p->limit, limit, memory_order_relaxed);
	return p;
}

void ioas_user_put(struct ioas_user *user)
{
	if (!user || !ref_put(&user->refs))
		return;
	IOAS_CHECK(atomic_load(&user->charged)); /* E2 */
	ioas_free(user, sizeof(*user));
}

void ioas_mm_put(struct ioas_mm *mm)
{
	if (!mm || !ref_put(&mm->refs))
		return;
	IOAS_CHECK(!mm->gone &&
		   (atomic_load(&mm->charged) || atomic_load(&mm->pinned)));
	ioas_free(mm, sizeof(*mm));
}

struct ioas_principal *ioas_principal_get(struct ioas_principal *p)
{
	if (p)
		ref_get(&p->refs);
	return p;
}

void ioas_principal_put(struct ioas_principal *p)
{
	if (!p || !ref_put(&p->refs))
		return;
	ioas_user_put(p->user);
	ioas_mm_put(p->mm);
	ioas_free(p, sizeof(*p));
}

/* The total that @mode charges; NULL: nobody pays. */
static _Atomic uint64_t *total(struct ioas_principal *p,
			       enum ioas_account_mode mode)
{
	if (!p || mode == IOAS_ACCOUNT_NONE)
		return NULL;
	if (mode == IOAS_ACCOUNT_USER)
		return &p->user->charged;
	return atomic_load_explicit(&p->mm->gone, memory_order_relaxed) ?
		       NULL :
		       &p->mm->charged;
}

int ioas_principal_charge(struct ioas_principal *p,
			  enum ioas_account_mode mode, uint64_t pages)
{
	_Atomic uint64_t *t = total(p, mode);
	uint64_t old, sum;

	if (ioas_fault_point(IOAS_FP_CHARGE))
		return -ENOMEM;
	if (!t || !pages)
		return 0;
	if (p->ask)
		p->ask(p);
	old = atomic_load_explicit(t, memory_order_relaxed);
	do {
		if (ioas_add_overflow(old, pages, &sum) ||
		    sum > atomic_load_explicit(&p->limit, memory_order_relaxed))
			return -ENOMEM;
	} while (!atomic_compare_exchange_weak_explicit(
		t, &old, sum, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

/* Subtract without passing below zero, which only a bug could ask for. */
static void lower(_Atomic uint64_t *t, uint64_t pages)
{
	uint64_t old = atomic_load_explicit(t, memory_order_relaxed);

	do {
		if (IOAS_CHECK(old < pages))
			return;
	} while (!atomic_compare_exchange_weak_explicit(
		t, &old, old - pages, memory_order_relaxed,
		memory_order_relaxed));
}

void ioas_principal_uncharge(struct ioas_principal *p,
			     enum ioas_account_mode mode, uint64_t pages)
{
	_Atomic uint64_t *t = total(p, mode);

	if (t)
		lower(t, pages);
}

void ioas_principal_pinned(struct ioas_principal *p, int64_t pages)
{
	if (!p || atomic_load_explicit(&p->mm->gone, memory_order_relaxed))
		return;
	if (pages < 0)
		lower(&p->mm->pinned, (uint64_t)-pages);
	else
		atomic_fetch_add_explicit(&p->mm->pinned, (uint64_t)pages,
					  memory_order_relaxed);
}
