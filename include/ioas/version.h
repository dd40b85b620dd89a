/* SPDX-License-Identifier: MIT */
/*
 * version: which libioas these headers belong to
 *
 * Semantic versions: a minor version adds, a major version may take away.
 */
#ifndef IOAS_VERSION_H
#define IOAS_VERSION_H

#define IOAS_VERSION_MAJOR 0
#define IOAS_VERSION_MINOR 1
#define IOAS_VERSION_PATCH 0
#define IOAS_VERSION "0.1.0"

#endif
