/* SPDX-License-Identifier: MIT */
/*
 * books: which command made what is mapped
 *
 *   context (file) --> space (id) --> [iova .. last] -> deed: serial, pid, ...
 *
 * Kept from events, which come after the fact and not always in the order of
 * their effects; serials tell who began first. So the books may know of areas
 * that are gone. They are asked only for the areas that the core still has
 * (report.c), and a newer mapping takes the place of what it covers.
 *
 * Bounded: past a number of areas, commands are no longer remembered. Every
 * operation is O(log n), but for what it removes.
 *
 * Not locked; the owner locks.
 */
#ifndef IOAS_SUPER_BOOKS_H
#define IOAS_SUPER_BOOKS_H

#include <sys/types.h>

#include "base/list.h"
#include "core/itree.h"
#include "super/comm.h"

#define IOAS_BOOKS_SLOTS 64
/* Areas that are remembered: about 100 MiB. */
#define IOAS_BOOKS_AREAS (1u << 20)
/* Contexts that are; those of one process are limited by its descriptors. */
#define IOAS_BOOKS_CONTEXTS (1u << 16)

/* Something that a program did. */
struct ioas_deed {
	/* 0: not known. */
	uint64_t serial;
	uint64_t when;
	/* Index of the command (decode.h); 0 of an open. */
	uint32_t command;
	pid_t pid;
	char comm[IOAS_COMM_MAX];
};

struct ioas_books {
	/* Set once; tests turn them down. */
	uint64_t max_areas;
	uint32_t max_contexts;
	/* struct ioas_book, by hash of the key. */
	struct ioas_list slot[IOAS_BOOKS_SLOTS];
	uint64_t nr_areas;
	uint32_t nr_contexts;
	/* What was not remembered. */
	uint64_t areas_dropped;
	uint64_t contexts_dropped;
};

/* Of one context. */
struct ioas_book {
	struct ioas_list link;
	/* The file; compared only. */
	const void *key;
	/* Serial 0: not told yet. */
	struct ioas_deed opened;
	/* struct ioas_book_space, by id. */
	struct ioas_itree spaces;
	/* What its commands did. */
	uint64_t nr_spaces;
	uint64_t nr_maps;
	uint64_t nr_unmaps;
};

void ioas_books_init(struct ioas_books *b);
void ioas_books_fini(struct ioas_books *b);

/* The book of a file, made if need be. NULL: no memory, or too many. */
struct ioas_book *ioas_books_get(struct ioas_books *b, const void *key);
/* NULL: there is none. */
struct ioas_book *ioas_books_find(struct ioas_books *b, const void *key);
/* A file was opened. What the books have of an older one at its place goes. */
void ioas_books_open(struct ioas_books *b, const void *key,
		     const struct ioas_deed *deed);
/* Take it from @b, to be asked still; freed by ioas_book_free(). */
void ioas_books_take(struct ioas_books *b, struct ioas_book *book);
void ioas_book_free(struct ioas_books *b, struct ioas_book *book);

/* A space was made, or destroyed, by the command of that serial. */
void ioas_book_space_made(struct ioas_books *b, struct ioas_book *book,
			  uint32_t id, uint64_t serial);
void ioas_book_space_gone(struct ioas_books *b, struct ioas_book *book,
			  uint32_t id, uint64_t serial);

/* @deed mapped [@first, @last]. */
void ioas_book_map(struct ioas_books *b, struct ioas_book *book, uint32_t id,
		   uint64_t first, uint64_t last, const struct ioas_deed *deed);
/* The command @serial took [@first, @last] out; areas are cut if need be. */
void ioas_book_unmap(struct ioas_books *b, struct ioas_book *book, uint32_t id,
		     uint64_t first, uint64_t last, uint64_t serial);
/* The newest command that mapped @iova; NULL: not known. */
const struct ioas_deed *ioas_book_who(const struct ioas_book *book, uint32_t id,
				      uint64_t iova);

#endif
