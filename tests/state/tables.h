/* SPDX-License-Identifier: MIT */
/*
 * tables: between tables.c and compare_tables.c
 */
#ifndef TESTS_STATE_TABLES_H
#define TESTS_STATE_TABLES_H

#include "universe.h"

/* What the registers of a device say, and the memory that it walks. */
void device_config(const struct m_domain *d, struct walker_config *cfg);
void device_memory(const struct m_domain *d, struct walker_memory *mem);
/* A device has cached this. */
void cache_add(struct m_domain *d, uint64_t iova, uint64_t last, uint64_t oa);

#endif
