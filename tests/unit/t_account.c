/* SPDX-License-Identifier: MIT */
/*
 * account: totals and limits, also under threads
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/errno.h"
#include "core/account.h"
#include "prng.h"

#define LIMIT 100u
#define NR_THREADS 4
#define ROUNDS 20000

struct payers {
	struct ioas_user *user;
	struct ioas_mm *mm;
	struct ioas_principal *p;
};

static void setup(struct payers *s, uint64_t limit)
{
	s->user = ioas_user_create();
	s->mm = ioas_mm_create();
	assert_non_null(s->user);
	assert_non_null(s->mm);
	s->p = ioas_principal_create(s->user, s->mm, limit);
	assert_non_null(s->p);
}

static void teardown(struct payers *s)
{
	assert_int_equal(atomic_load(&s->user->charged), 0);
	ioas_principal_put(s->p);
	ioas_mm_put(s->mm);
	ioas_user_put(s->user);
}

static void a_charge_above_the_limit_changes_nothing(void **state)
{
	struct payers s;

	(void)state;
	setup(&s, LIMIT);
	for (uint64_t have = 0; have <= LIMIT; have++)
		for (uint64_t more = 0; more <= LIMIT + 1; more++) {
			const bool fits = have + more <= LIMIT;

			atomic_store(&s.user->charged, have);
			assert_int_equal(
				ioas_principal_charge(s.p, IOAS_ACCOUNT_USER,
						      more),
				fits ? 0 : -ENOMEM);
			assert_int_equal(atomic_load(&s.user->charged),
					 fits ? have + more : have);
		}
	atomic_store(&s.user->charged, 1);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_USER,
					       UINT64_MAX),
			 -ENOMEM);
	assert_int_equal(atomic_load(&s.user->charged), 1);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_USER, 1);
	teardown(&s);
}

static void each_mode_has_its_own_total(void **state)
{
	struct payers s;

	(void)state;
	setup(&s, LIMIT);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_USER, 3), 0);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_MM, 5), 0);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_NONE, 1000),
			 0);
	assert_int_equal(ioas_principal_charge(NULL, IOAS_ACCOUNT_USER, 1000),
			 0);
	ioas_principal_pinned(s.p, 9);
	assert_int_equal(atomic_load(&s.user->charged), 3);
	assert_int_equal(atomic_load(&s.mm->charged), 5);
	assert_int_equal(atomic_load(&s.mm->pinned), 9);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_NONE, 1000);
	ioas_principal_uncharge(NULL, IOAS_ACCOUNT_USER, 1000);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_MM, 5);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_USER, 3);
	ioas_principal_pinned(s.p, -9);
	assert_int_equal(atomic_load(&s.mm->charged), 0);
	assert_int_equal(atomic_load(&s.mm->pinned), 0);
	teardown(&s);
}

static void processes_of_one_user_share_its_total(void **state)
{
	struct ioas_principal *other;
	struct ioas_mm *mm;
	struct payers s;

	(void)state;
	setup(&s, LIMIT);
	mm = ioas_mm_create();
	assert_non_null(mm);
	other = ioas_principal_create(s.user, mm, LIMIT / 2);
	assert_non_null(other);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_USER, 60), 0);
	/* Its own limit, against the total of the user. */
	assert_int_equal(ioas_principal_charge(other, IOAS_ACCOUNT_USER, 1),
			 -ENOMEM);
	assert_int_equal(ioas_principal_charge(other, IOAS_ACCOUNT_MM, 50), 0);
	assert_int_equal(ioas_principal_charge(other, IOAS_ACCOUNT_MM, 1),
			 -ENOMEM);
	ioas_principal_uncharge(other, IOAS_ACCOUNT_MM, 50);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_USER, 60);
	ioas_principal_put(other);
	ioas_mm_put(mm);
	teardown(&s);
}

static void a_process_that_is_gone_is_settled_silently(void **state)
{
	struct payers s;

	(void)state;
	setup(&s, LIMIT);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_MM, 5), 0);
	ioas_principal_pinned(s.p, 5);
	atomic_store(&s.mm->gone, true);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_MM, 1000), 0);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_MM, 1000);
	ioas_principal_pinned(s.p, 1000);
	ioas_principal_pinned(s.p, -1000);
	assert_int_equal(atomic_load(&s.mm->charged), 5);
	assert_int_equal(atomic_load(&s.mm->pinned), 5);
	/* The user is still there. */
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_USER, LIMIT),
			 0);
	assert_int_equal(ioas_principal_charge(s.p, IOAS_ACCOUNT_USER, 1),
			 -ENOMEM);
	ioas_principal_uncharge(s.p, IOAS_ACCOUNT_USER, LIMIT);
	teardown(&s);
}

/* ---- threads ------------------------------------------------------------ */

struct worker {
	struct payers *s;
	uint64_t seed;
	uint64_t refused;
	uint64_t broken;
};

static void *work(void *data)
{
	struct worker *w = data;
	struct prng r = { w->seed };
	uint64_t mine = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		const uint64_t n = prng_below(&r, LIMIT / 2) + 1;

		if (prng_below(&r, 2)) {
			if (ioas_principal_charge(w->s->p, IOAS_ACCOUNT_USER,
						  n))
				w->refused++;
			else
				mine += n;
		} else if (mine >= n) {
			ioas_principal_uncharge(w->s->p, IOAS_ACCOUNT_USER, n);
			mine -= n;
		}
		if (atomic_load(&w->s->user->charged) > LIMIT)
			w->broken++;
	}
	ioas_principal_uncharge(w->s->p, IOAS_ACCOUNT_USER, mine);
	return NULL;
}

static void threads_never_pass_the_limit(void **state)
{
	struct worker workers[NR_THREADS];
	pthread_t threads[NR_THREADS];
	struct payers s;
	uint64_t refused = 0;

	(void)state;
	setup(&s, LIMIT);
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		workers[i] = (struct worker){ .s = &s, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
						&workers[i]),
				 0);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].broken, 0);
		refused += workers[i].refused;
	}
	/* Otherwise the limit was never in the way. */
	assert_true(refused > 0);
	teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_charge_above_the_limit_changes_nothing),
		cmocka_unit_test(each_mode_has_its_own_total),
		cmocka_unit_test(processes_of_one_user_share_its_total),
		cmocka_unit_test(a_process_that_is_gone_is_settled_silently),
		cmocka_unit_test(threads_never_pass_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
