/* SPDX-License-Identifier: MIT */
/*
 * uaccess: the only way to a caller's memory
 *
 * An address is a number until the caller's ops (seam/caller.h) have copied
 * what is behind it. What was copied is checked, and used; nothing is read
 * twice. Each copy is a fault point.
 */
#ifndef IOAS_UAPI_UACCESS_H
#define IOAS_UAPI_UACCESS_H

#include "base/mem.h"
#include "seam/caller.h"

/* Return: 0 or -EFAULT. A @length of 0 touches nothing and succeeds. */
int ioas_copy_from(void *dst, uint64_t src, size_t length);
int ioas_copy_to(uint64_t dst, const void *src, size_t length);
/* Without a fault point: for requests that must not be made to fail. */
int ioas_copy_from_sure(void *dst, uint64_t src, size_t length);

/*
 * Between the two no fault is injected: for what releases, and so must not be
 * made to fail. Takes what the other returned.
 */
static inline struct ioas_fault *ioas_faults_off(void)
{
	struct ioas_caller *c = ioas_caller_current();
	struct ioas_fault *fault = c ? c->fault : NULL;

	if (c)
		c->fault = NULL;
	return fault;
}

static inline void ioas_faults_on(struct ioas_fault *fault)
{
	struct ioas_caller *c = ioas_caller_current();

	if (c)
		c->fault = fault;
}

/* Are the @length bytes at @src zero? Return: 0, -E2BIG (no), -EFAULT. */
int ioas_check_zero(uint64_t src, uint64_t length);
/* Write @length zero bytes. Return: 0 or -EFAULT. */
int ioas_clear_user(uint64_t dst, uint64_t length);

/*
 * A struct of which the program has @length bytes and we know @known: missing
 * bytes are zero, bytes beyond must be. Return: 0, -E2BIG or -EFAULT.
 */
int ioas_copy_struct_from(void *dst, size_t known, uint64_t src,
			  uint64_t length);

/* A payload whose meaning depends on a type. */
struct ioas_user_data {
	uint32_t type;
	uint32_t length;
	uint64_t address;
};

#endif
