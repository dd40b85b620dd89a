/* SPDX-License-Identifier: MIT */
/*
 * fault arm: switch on the fault points of one caller
 *
 *	struct ioas_fault fault = { .nth = n };
 *
 *	ioas_fault_arm(&fault);
 *	caller.fault = &fault;
 *	ret = scenario();          below ioas_caller_enter(&caller)
 *	caller.fault = NULL;
 *	ioas_fault_disarm();
 *	if (fault.nth) ...         fewer than n points: the sweep is over
 *
 * Points cost one branch while nobody is armed; that is all that arming
 * switches. Which caller fails, and how, is in struct ioas_fault.
 */
#ifndef IOAS_PLAT_COMMON_FAULT_ARM_H
#define IOAS_PLAT_COMMON_FAULT_ARM_H

#include "seam/fault.h"

/* Forgets what was counted before; keeps nth, chance, seed and sticky. */
void ioas_fault_arm(struct ioas_fault *f);
/* Once for each arm. */
void ioas_fault_disarm(void);

#endif
