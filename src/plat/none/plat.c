/* SPDX-License-Identifier: MIT */
/*
 * plat: locks, threads and diagnosis where there is one thread and no system
 *
 * A lock that is not free will never be: whoever could release it is the one
 * that asks. So what would sleep elsewhere is a broken promise here, and ends
 * the program; locks are real otherwise, and misuse is seen.
 */
#include "plat/none/host.h"
#include "seam/plat.h"

#define WRITER UINT32_MAX

_Atomic uint32_t ioas_plat_trace_on;

static struct ioas_thread self;

static uint32_t word_get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void word_set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/* ---- locks -------------------------------------------------------------- */

__no_lock_analysis void ioas_plat_mutex_lock(struct ioas_mutex *m)
{
	IOAS_CHECK(word_get(&m->word));
	word_set(&m->word, 1);
}

__no_lock_analysis void ioas_plat_mutex_unlock(struct ioas_mutex *m)
{
	IOAS_CHECK(word_get(&m->word) != 1);
	word_set(&m->word, 0);
}

__no_lock_analysis void ioas_plat_rwlock_read_lock(struct ioas_rwlock *l)
{
	IOAS_CHECK(word_get(&l->word) == WRITER);
	word_set(&l->word, word_get(&l->word) + 1);
}

__no_lock_analysis void ioas_plat_rwlock_read_unlock(struct ioas_rwlock *l)
{
	IOAS_CHECK(!word_get(&l->word) || word_get(&l->word) == WRITER);
	word_set(&l->word, word_get(&l->word) - 1);
}

__no_lock_analysis void ioas_plat_rwlock_write_lock(struct ioas_rwlock *l)
{
	IOAS_CHECK(word_get(&l->word));
	word_set(&l->word, WRITER);
}

__no_lock_analysis void ioas_plat_rwlock_write_unlock(struct ioas_rwlock *l)
{
	IOAS_CHECK(word_get(&l->word) != WRITER);
	word_set(&l->word, 0);
}

void ioas_plat_wait(_Atomic uint32_t *word, uint32_t expected)
{
	IOAS_CHECK(word_get(word) == expected);
}

void ioas_plat_wake(_Atomic uint32_t *word)
{
	(void)word;
}

/* There is no other thread. */
void ioas_plat_writer_barrier(void)
{
}

bool ioas_plat_hazard_join(void)
{
	self.hazards = true;
	return true;
}

bool ioas_plat_hazard(const void *p)
{
	return atomic_load_explicit(&self.hazard, memory_order_relaxed) == p;
}

struct ioas_thread *ioas_plat_thread(void)
{
	return &self;
}

/* ---- diagnosis ---------------------------------------------------------- */

/* One line of text, cut off where it is too long. */
struct line {
	size_t length;
	char text[256];
};

/*
 * Copies as it goes: gcc would turn a loop that measures @text into a call of
 * strlen().
 */
static void line_add(struct line *l, const char *text)
{
	while (*text && l->length < sizeof(l->text))
		l->text[l->length++] = *text++;
}

static void line_add_number(struct line *l, unsigned n)
{
	char digits[12];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	line_add(l, &digits[at]);
}

static void line_print(struct line *l)
{
	line_add(l, "\n");
	ioas_host_print(l->text, l->length);
}

/* Nobody can set a level: errors only, as elsewhere by default. */
void ioas_plat_log(int severity, const char *text)
{
	struct line l;

	if (severity > 3)
		return;
	l.length = 0;
	line_add(&l, "ioas: ");
	line_add(&l, text);
	line_print(&l);
}

void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	struct line l;

	l.length = 0;
	line_add(&l, "ioas: check failed: ");
	line_add(&l, cond);
	line_add(&l, " at ");
	line_add(&l, file);
	line_add(&l, ":");
	line_add_number(&l, (unsigned)line);
	line_add(&l, " in ");
	line_add(&l, func);
	line_print(&l);
	/* As if aborted by a signal. */
	ioas_host_exit(134);
}

void ioas_plat_trace(unsigned int point, uint64_t a, uint64_t b, uint64_t c)
{
	(void)point;
	(void)a;
	(void)b;
	(void)c;
}
