/* SPDX-License-Identifier: MIT */
/*
 * books: which command made what is mapped
 *
 *   before   [---- 5 ----][---- 7 ----]      two areas, and who made them
 *   unmap         |--------|                 by command 9
 *   after    [-5-]         [--- 7 ----]
 *
 * Invariants:
 *  K1  nr_areas is the number of areas in all books;
 *  K2  two areas of a space overlap only if their commands, or one and an
 *      unmap between them, ran at the same time; the newer one is asked first.
 */
#include "super/books.h"

#include <errno.h>
#include <string.h>

#include "seam/plat.h"

struct book_space {
	/* [id, id] */
	struct ioas_itree_node node;
	uint64_t serial;
	/* struct book_area */
	struct ioas_itree areas;
};

struct book_area {
	struct ioas_itree_node node;
	struct ioas_deed deed;
};

static struct book_space *space_of(struct ioas_itree_node *n)
{
	return ioas_container_of(n, struct book_space, node);
}

static struct book_area *area_of(struct ioas_itree_node *n)
{
	return ioas_container_of(n, struct book_area, node);
}

/* ---- areas -------------------------------------------------------------- */

static void area_free(struct ioas_books *b, struct book_space *s,
		      struct book_area *a)
{
	ioas_itree_remove(&s->areas, &a->node);
	ioas_plat_free(a, sizeof(*a));
	b->nr_areas--;
}

static void area_add(struct ioas_books *b, struct book_space *s, uint64_t first,
		     uint64_t last, const struct ioas_deed *deed)
{
	struct book_area *a = NULL;

	if (b->nr_areas < b->max_areas)
		a = ioas_plat_zalloc(sizeof(*a));
	if (!a) {
		b->areas_dropped++;
		return;
	}
	a->node.first = first;
	a->node.last = last;
	a->deed = *deed;
	ioas_itree_insert(&s->areas, &a->node);
	b->nr_areas++;
}

/* What is left of @a without [@first, @last], which it intersects. */
static void area_cut(struct ioas_books *b, struct book_space *s,
		     struct book_area *a, uint64_t first, uint64_t last)
{
	const struct book_area was = *a;

	area_free(b, s, a);
	if (was.node.first < first)
		area_add(b, s, was.node.first, first - 1, &was.deed);
	if (was.node.last > last)
		area_add(b, s, last + 1, was.node.last, &was.deed);
}

/*
 * Pieces that are put back lie outside of the range, so the walk does not meet
 * them again.
 */
static void space_cut(struct ioas_books *b, struct book_space *s,
		      uint64_t first, uint64_t last, uint64_t serial)
{
	struct ioas_itree_node *n = ioas_itree_first(&s->areas, first, last);

	while (n) {
		struct book_area *a = area_of(n);

		n = ioas_itree_next(n, first, last);
		if (a->deed.serial < serial)
			area_cut(b, s, a, first, last);
	}
}

static void space_empty(struct ioas_books *b, struct book_space *s)
{
	while (s->areas.root)
		area_free(b, s, area_of(s->areas.root));
}

/* ---- spaces ------------------------------------------------------------- */

static struct book_space *space_find(const struct ioas_book *book, uint32_t id)
{
	struct ioas_itree_node *n = ioas_itree_first(&book->spaces, id, id);

	return n ? space_of(n) : NULL;
}

static struct book_space *space_get(struct ioas_book *book, uint32_t id,
				    uint64_t serial)
{
	struct book_space *s = space_find(book, id);

	if (s)
		return s;
	s = ioas_plat_zalloc(sizeof(*s));
	if (!s)
		return NULL;
	s->node.first = s->node.last = id;
	s->serial = serial;
	ioas_itree_insert(&book->spaces, &s->node);
	return s;
}

static void space_free(struct ioas_books *b, struct ioas_book *book,
		       struct book_space *s)
{
	space_empty(b, s);
	ioas_itree_remove(&book->spaces, &s->node);
	ioas_plat_free(s, sizeof(*s));
}

/*
 * An id is used again only after its space is gone: what began before this
 * command did is of the last one.
 */
void ioas_book_space_made(struct ioas_books *b, struct ioas_book *book,
			  uint32_t id, uint64_t serial)
{
	struct book_space *s = space_find(book, id);

	book->nr_spaces++;
	if (s && s->serial < serial)
		space_free(b, book, s);
	space_get(book, id, serial);
}

void ioas_book_space_gone(struct ioas_books *b, struct ioas_book *book,
			  uint32_t id, uint64_t serial)
{
	struct book_space *s = space_find(book, id);

	if (s && s->serial < serial)
		space_free(b, book, s);
}

/* ---- what is mapped ----------------------------------------------------- */

void ioas_book_map(struct ioas_books *b, struct ioas_book *book, uint32_t id,
		   uint64_t first, uint64_t last, const struct ioas_deed *deed)
{
	struct book_space *s = space_get(book, id, deed->serial);

	book->nr_maps++;
	if (!s) {
		b->areas_dropped++;
		return;
	}
	space_cut(b, s, first, last, deed->serial);
	area_add(b, s, first, last, deed);
}

void ioas_book_unmap(struct ioas_books *b, struct ioas_book *book, uint32_t id,
		     uint64_t first, uint64_t last, uint64_t serial)
{
	struct book_space *s = space_find(book, id);

	book->nr_unmaps++;
	if (s)
		space_cut(b, s, first, last, serial);
}

const struct ioas_deed *ioas_book_who(const struct ioas_book *book, uint32_t id,
				      uint64_t iova)
{
	const struct book_space *s = space_find(book, id);
	const struct ioas_deed *who = NULL;
	struct ioas_itree_node *n;

	n = s ? ioas_itree_first(&s->areas, iova, iova) : NULL;
	for (; n; n = ioas_itree_next(n, iova, iova))
		if (!who || area_of(n)->deed.serial > who->serial)
			who = &area_of(n)->deed;
	return who;
}

/* ---- contexts ----------------------------------------------------------- */

static struct ioas_list *slot_of(struct ioas_books *b, const void *key)
{
	const uintptr_t n = (uintptr_t)key;

	return &b->slot[(n >> 4 ^ n >> 12) % IOAS_BOOKS_SLOTS];
}

void ioas_books_init(struct ioas_books *b)
{
	memset(b, 0, sizeof(*b));
	b->max_areas = IOAS_BOOKS_AREAS;
	b->max_contexts = IOAS_BOOKS_CONTEXTS;
	for (unsigned int i = 0; i < IOAS_BOOKS_SLOTS; i++)
		ioas_list_init(&b->slot[i]);
}

void ioas_books_fini(struct ioas_books *b)
{
	for (unsigned int i = 0; i < IOAS_BOOKS_SLOTS; i++) {
		ioas_list_for_each_safe(l, tmp, &b->slot[i]) {
			struct ioas_book *book =
				ioas_list_entry(l, struct ioas_book, link);

			ioas_books_take(b, book);
			ioas_book_free(b, book);
		}
	}
}

struct ioas_book *ioas_books_find(struct ioas_books *b, const void *key)
{
	ioas_list_for_each(l, slot_of(b, key)) {
		struct ioas_book *book =
			ioas_list_entry(l, struct ioas_book, link);

		if (book->key == key)
			return book;
	}
	return NULL;
}

struct ioas_book *ioas_books_get(struct ioas_books *b, const void *key)
{
	struct ioas_book *book = ioas_books_find(b, key);

	if (book)
		return book;
	if (b->nr_contexts < b->max_contexts)
		book = ioas_plat_zalloc(sizeof(*book));
	if (!book) {
		b->contexts_dropped++;
		return NULL;
	}
	book->key = key;
	ioas_list_add_tail(slot_of(b, key), &book->link);
	b->nr_contexts++;
	return book;
}

void ioas_books_take(struct ioas_books *b, struct ioas_book *book)
{
	ioas_list_del(&book->link);
	b->nr_contexts--;
}

void ioas_book_free(struct ioas_books *b, struct ioas_book *book)
{
	if (!book)
		return;
	while (book->spaces.root)
		space_free(b, book, space_of(book->spaces.root));
	ioas_plat_free(book, sizeof(*book));
}

/*
 * The first commands on a file may be told of before its open is: their book
 * has no opener. One that has is of a file that was here before.
 */
void ioas_books_open(struct ioas_books *b, const void *key,
		     const struct ioas_deed *deed)
{
	struct ioas_book *book = ioas_books_find(b, key);

	if (book && book->opened.serial) {
		ioas_books_take(b, book);
		ioas_book_free(b, book);
	}
	book = ioas_books_get(b, key);
	if (book)
		book->opened = *deed;
}
