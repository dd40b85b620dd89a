/* SPDX-License-Identifier: MIT */
/* The cases of t_peer.c by somebody who has no privilege. */
#define AS_NOBODY true
#include "t_peer.c"
