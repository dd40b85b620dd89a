/* SPDX-License-Identifier: MIT */
/*
 * list: circular, doubly linked, intrusive
 *
 * A head is a link that stands for the whole list; an empty list points at
 * itself. Unlinking needs no head and cannot fail.
 */
#ifndef IOAS_BASE_LIST_H
#define IOAS_BASE_LIST_H

#include "base/bits.h"

struct ioas_list {
	struct ioas_list *next, *prev;
};

static inline void ioas_list_init(struct ioas_list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool ioas_list_empty(const struct ioas_list *head)
{
	return head->next == head;
}

/* Insert @l before @pos: at the tail, if @pos is the head. */
static inline void ioas_list_add_tail(struct ioas_list *pos,
				      struct ioas_list *l)
{
	l->next = pos;
	l->prev = pos->prev;
	pos->prev->next = l;
	pos->prev = l;
}

/* Leaves @l empty, so that deleting twice is harmless. */
static inline void ioas_list_del(struct ioas_list *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	ioas_list_init(l);
}

#define ioas_list_entry(l, type, member) ioas_container_of(l, type, member)

#define ioas_list_for_each(l, head) \
	for (struct ioas_list *l = (head)->next; l != (head); l = l->next)

/* The current element may be deleted. */
#define ioas_list_for_each_safe(l, tmp, head)                             \
	for (struct ioas_list *l = (head)->next, *tmp = l->next; l != (head); \
	     l = tmp, tmp = l->next)

#endif
