/* SPDX-License-Identifier: MIT */
/*
 * dump: a space as people want to see it, one line at a time
 *
 *   space: alignment 0x1000, 2 domains, 1 areas
 *     reserved 0xfee00000..0xfeefffff
 *     area 0x10000..0x1ffff rw live pages 0..15 of 16, 2 pins
 *       dom 0..7, both 8..9, dom 10..15; 16 pinned, 16 charged
 *
 * There is no printf below the seam; a line is put together by hand.
 */
#include "base/mem.h"
#include "core/iopt.h"
#include "core/span.h"

struct line {
	char text[160];
	uint32_t used;
	void (*print)(void *data, const char *line);
	void *data;
};

/* What does not fit is cut off. */
static void put(struct line *l, const char *s)
{
	for (; *s && l->used < sizeof(l->text) - 1; s++)
		l->text[l->used++] = *s;
}

/*
 * @n becomes a digit shorter; that digit. By 16 bits at a time: a machine of
 * 32 bits divides 64 by calling a library, which a kernel need not have.
 */
static uint32_t last_digit(uint64_t *n, uint32_t base)
{
	uint64_t quotient = 0;
	uint32_t rest = 0;

	for (unsigned int at = 64; at;) {
		at -= 16;
		rest = rest << 16 | (uint32_t)(*n >> at & 0xffff);
		quotient |= (uint64_t)(rest / base) << at;
		rest %= base;
	}
	*n = quotient;
	return rest;
}

static void put_number(struct line *l, uint64_t n, unsigned int base)
{
	char digits[24];
	unsigned int at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[last_digit(&n, base)];
	} while (n);
	put(l, base == 16 ? "0x" : "");
	put(l, digits + at);
}

static void put_range(struct line *l, uint64_t first, uint64_t last,
		      unsigned int base)
{
	put_number(l, first, base);
	put(l, "..");
	put_number(l, last, base);
}

static void end_line(struct line *l)
{
	l->text[l->used] = '\0';
	l->print(l->data, l->text);
	l->used = 0;
}

static void dump_entries(struct line *l, const struct ioas_itree *t,
			 const char *name)
{
	struct ioas_itree_node *n = ioas_itree_first(t, 0, IOAS_U64_MAX);

	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX)) {
		put(l, name);
		put_range(l, n->first, n->last, 16);
		end_line(l);
	}
}

/* The state of a span's pages (ioas-core 6). */
static const char *state_name(const struct ioas_area *a, uint64_t index,
			      uint64_t *last) __must_hold(a->pages->mutex)
{
	struct ioas_cset one;
	struct ioas_dspan s;
	bool stored;

	ioas_dspan_start(&s, ioas_pages_access_set(a->pages),
			 ioas_pages_linked_set(a->pages, &one), index, *last);
	*last = s.last;
	stored = s.label == IOAS_T1;
	if (s.label == IOAS_HOLE)
		return "idle ";
	/* The other way round tells DOM from BOTH. */
	ioas_dspan_start(&s, ioas_pages_linked_set(a->pages, &one),
			 ioas_pages_access_set(a->pages), index, *last);
	*last = s.last;
	if (s.label == IOAS_T1)
		return stored ? "both " : "dom ";
	return "acc ";
}

static void dump_tiers(struct line *l, struct ioas_area *a)
	__must_hold(a->pages->mutex)
{
	const uint64_t end = ioas_area_last_index(a);
	uint64_t last;

	put(l, "    ");
	for (uint64_t i = a->index; i <= end; i = last + 1) {
		last = end;
		put(l, state_name(a, i, &last));
		put_range(l, i, last, 10);
		put(l, last == end ? "; " : ", ");
	}
	put_number(l, a->pages->nr_pinned, 10);
	put(l, " pinned, ");
	put_number(l, a->pages->nr_charged, 10);
	put(l, " charged");
	end_line(l);
}

static void dump_area(struct line *l, struct ioas_area *a)
{
	static const char *const states[] = { " setup", " live", " teardown" };

	put(l, "  area ");
	put_range(l, a->iova, a->last, 16);
	put(l, " ");
	put(l, a->prot & IOAS_PROT_READ ? "r" : "-");
	put(l, a->prot & IOAS_PROT_WRITE ? "w" : "-");
	put(l, states[a->state]);
	put(l, a->closing ? " closing" : "");
	put(l, " pages ");
	put_range(l, a->index, ioas_area_last_index(a), 10);
	put(l, " of ");
	put_number(l, a->pages->nr_pages, 10);
	put(l, ", ");
	put_number(l, a->nr_accesses, 10);
	put(l, " pins");
	end_line(l);
}

void ioas_iopt_dump(struct ioas *ioas, void (*print)(void *data, const char *line),
		    void *data)
{
	struct line l = { .print = print, .data = data };
	struct ioas_range r;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	put(&l, "space: alignment ");
	put_number(&l, ioas->alignment, 16);
	put(&l, ioas->small_pages ? ", small pages, " : ", ");
	put_number(&l, ioas->nr_domains, 10);
	put(&l, " domains, ");
	put_number(&l, ioas_rangemap_count(&ioas->areas), 10);
	put(&l, " areas");
	end_line(&l);
	dump_entries(&l, &ioas->reserved, "  reserved ");
	dump_entries(&l, &ioas->allowed, "  allowed ");
	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		struct ioas_area *a = r.value;

		dump_area(&l, a);
		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		dump_tiers(&l, a);
		ioas_mutex_unlock(&a->pages->mutex);
	}
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
}
