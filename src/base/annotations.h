/* SPDX-License-Identifier: MIT */
/*
 * annotations: what clang's thread-safety analysis understands
 *
 * The spelling is Linux's. Elsewhere they vanish.
 */
#ifndef IOAS_BASE_ANNOTATIONS_H
#define IOAS_BASE_ANNOTATIONS_H

#if defined(__clang__)
#define IOAS_TSA(x) __attribute__((x))
#else
#define IOAS_TSA(x)
#endif

#define __ioas_capability(name) IOAS_TSA(capability(name))
#define __must_hold(x) IOAS_TSA(requires_capability(x))
#define __must_hold_shared(x) IOAS_TSA(requires_shared_capability(x))
#define __must_not_hold(x) IOAS_TSA(locks_excluded(x))
#define __acquires(x) IOAS_TSA(acquire_capability(x))
#define __acquires_shared(x) IOAS_TSA(acquire_shared_capability(x))
#define __releases(x) IOAS_TSA(release_capability(x))
#define __releases_shared(x) IOAS_TSA(release_shared_capability(x))
#define __asserts_held(x) IOAS_TSA(assert_capability(x))
#define __asserts_held_shared(x) IOAS_TSA(assert_shared_capability(x))
#define __no_lock_analysis IOAS_TSA(no_thread_safety_analysis)
/* Guarded by some lock; the comment names it. */
#define __guarded IOAS_TSA(guarded_var)

#define __must_use __attribute__((warn_unused_result))

#endif
