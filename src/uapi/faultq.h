/* SPDX-License-Identifier: MIT */
/*
 * faultq: page requests on their way to a program and back (iommufd-uapi 8)
 *
 *   deliver --> [queued] --read--> [outstanding, cookie] --write--> answered
 *                  |                       |
 *                  +-- detach, destroy ----+--> answered "invalid"
 *
 * A group belongs to the attachment (device, PASID, HWPT) that received it.
 *
 * Locks: reader (rank READER) serialises reads and writes and is held while the
 * caller's memory is accessed; lock (rank QUEUE) guards the lists, and is never
 * held then.
 */
#ifndef IOAS_UAPI_FAULTQ_H
#define IOAS_UAPI_FAULTQ_H

#include "uapi/device.h"

/*
 * Groups that a queue holds, read or not; what comes on top is answered
 * "invalid". A page request interface has far fewer in flight.
 */
#define IOAS_FAULTQ_MAX 65536u

struct ioas_fault_cookies;
struct ioas_fault_group;

struct ioas_faultq {
	struct ioas_object obj;
	struct ioas_mutex reader;
	struct ioas_mutex lock;
	/* struct ioas_fault_group; guarded by lock, as is the rest. */
	struct ioas_list queued;
	struct ioas_list outstanding;
	/* All of them, by attachment: a device may have a million. */
	struct ioas_itree groups;
	/* What a read is delivering now; NULL again if it was taken away. */
	struct ioas_fault_group *reading;
	/* In the lists, and being read. */
	uint32_t nr;
	/* Cookie -> group. */
	struct ioas_fault_cookies *cookies;
	/* The open file; NULL once it is released: nobody reads or answers. */
	struct ioas_ufile *file;
};

struct ioas_faultq *ioas_faultq_get(struct ioas_iommufd *ictx, uint32_t id);

/*
 * Queue a request that @idev made and @hwpt received. Return: 0 or -ENOMEM
 * (also: the queue is full, or its file is closed). Under the group's lock.
 */
int ioas_faultq_deliver(struct ioas_faultq *q, struct ioas_idev *idev,
			struct ioas_hwpt *hwpt, uint32_t pasid,
			const struct ioas_page_request *rq);
/*
 * The attachment of @idev at @pasid to @hwpt is over: answer what it left
 * "invalid". Under the group's lock. Cannot fail.
 */
void ioas_faultq_flush(struct ioas_faultq *q, struct ioas_idev *idev,
		       struct ioas_hwpt *hwpt, uint32_t pasid);

#endif
