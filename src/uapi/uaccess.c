/* SPDX-License-Identifier: MIT */
/*
 * uaccess: copies between the caller's memory and ours
 */
#include "uapi/uaccess.h"

#include "base/bits.h"
#include "base/errno.h"

/* Bytes that a check or a fill of client memory handles at a time. */
#define CHUNK 256

int ioas_copy_from_sure(void *dst, uint64_t src, size_t length)
{
	struct ioas_caller *c = ioas_caller_current();

	if (!length)
		return 0;
	if (c && c->uaccess)
		return c->uaccess->copy_from(c, dst, src, length);
	memcpy(dst, (const void *)(uintptr_t)src, length);
	return 0;
}

int ioas_copy_from(void *dst, uint64_t src, size_t length)
{
	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	return ioas_copy_from_sure(dst, src, length);
}

int ioas_copy_to(uint64_t dst, const void *src, size_t length)
{
	struct ioas_caller *c = ioas_caller_current();

	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (!length)
		return 0;
	if (c && c->uaccess)
		return c->uaccess->copy_to(c, dst, src, length);
	memcpy((void *)(uintptr_t)dst, src, length);
	return 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n--)
		any |= *p++;
	return !any;
}

int ioas_check_zero(uint64_t src, uint64_t length)
{
	uint8_t chunk[CHUNK];

	while (length) {
		const size_t n = (size_t)ioas_min(length, CHUNK);
		int ret = ioas_copy_from(chunk, src, n);

		if (ret)
			return ret;
		if (!is_zero(chunk, n))
			return -E2BIG;
		src += n;
		length -= n;
	}
	return 0;
}

int ioas_clear_user(uint64_t dst, uint64_t length)
{
	static const uint8_t zero[CHUNK];

	while (length) {
		const size_t n = (size_t)ioas_min(length, CHUNK);
		int ret = ioas_copy_to(dst, zero, n);

		if (ret)
			return ret;
		dst += n;
		length -= n;
	}
	return 0;
}

int ioas_copy_struct_from(void *dst, size_t known, uint64_t src,
			  uint64_t length)
{
	const size_t n = (size_t)ioas_min(known, length);
	int ret = 0;

	if (length > known)
		ret = ioas_check_zero(src + known, length - known);
	if (ret)
		return ret;
	memset((char *)dst + n, 0, known - n);
	return ioas_copy_from(dst, src, n);
}
