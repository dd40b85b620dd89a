/* SPDX-License-Identifier: MIT */
/*
 * host: the front end's host for clients in other processes (uapi/host.h)
 */
#ifndef IOAS_SUPER_HOST_H
#define IOAS_SUPER_HOST_H

#include "super/super.h"

/* Frames, backings, the front end. Return: 0 or -errno with a message. */
int ioas_super_host_init(struct ioas_super *s);
void ioas_super_host_fini(struct ioas_super *s);

#endif
