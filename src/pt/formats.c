/* SPDX-License-Identifier: MIT */
/*
 * formats: all of them, by name
 */
#include "base/mem.h"
#include "pt/impl.h"

static const struct ioas_pt_format *const formats[] = {
	&ioas_pt_mock,
	&ioas_pt_amdv1,
	&ioas_pt_vtdss,
	&ioas_pt_x86_64,
	&ioas_pt_arm64_s1_4k,
	&ioas_pt_arm64_s1_16k,
	&ioas_pt_arm64_s1_64k,
	&ioas_pt_arm64_s2_4k,
	&ioas_pt_arm64_s2_16k,
	&ioas_pt_arm64_s2_64k,
	&ioas_pt_riscv64,
	&ioas_pt_riscv64_x4,
};

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct ioas_pt_format *ioas_pt_format_find(const char *name,
						 unsigned int granule_lg2)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct ioas_pt_format *f = formats[i];

		if (same_name(f->name, name) &&
		    (!granule_lg2 || !f->granule_lg2 ||
		     f->granule_lg2 == granule_lg2))
			return f;
	}
	return NULL;
}

const char *ioas_pt_format_name(const struct ioas_pt_format *format)
{
	return format->name;
}
