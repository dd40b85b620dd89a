/* SPDX-License-Identifier: MIT */
/*
 * uapi request: a request as it lies in memory, and what came of it
 *
 *    ... scratch memory ... | hole      mostly right up to the hole
 *                 [ struct ]|
 *              [ struct, tail ]         or longer, or cut, or elsewhere
 */
#include <inttypes.h>
#include <string.h>

#include <errno.h>

#include "core/iopt.h"
#include "uapi.h"
#include "uapi/mock/mock.h"

/* Room for a request that is longer than any. */
#define MAX_BYTES 1024

/* ---- memory ------------------------------------------------------------- */

/* In pieces that stay within a page. */
static size_t piece(const struct uapi_fuzz *f, uint64_t at, size_t left)
{
	const uint64_t room = f->page - (at & (f->page - 1));

	return left < room ? left : (size_t)room;
}

void uapi_poke(struct uapi_fuzz *f, uint64_t at, const void *data,
	       size_t length)
{
	const char *p = data;

	for (size_t done = 0, n; done < length; done += n) {
		n = piece(f, at + done, length - done);
		(void)ioas_sim_write(uapi_process(f)->memory, at + done,
				     p + done, n);
	}
}

void uapi_peek(struct uapi_fuzz *f, uint64_t at, void *data, size_t length)
{
	char *p = data;

	for (size_t done = 0, n; done < length; done += n) {
		n = piece(f, at + done, length - done);
		(void)ioas_sim_read(uapi_process(f)->memory, at + done,
				    p + done, n);
	}
}

/* ---- a request in memory ------------------------------------------------ */

struct request {
	const struct uapi_call *call;
	int fd;
	uint32_t cmd;
	/* As the program says; what it is placed as. */
	uint32_t size;
	size_t length;
	uint64_t at;
	/* All of it can be written. */
	bool writable;
	_Alignas(8) uint8_t bytes[MAX_BYTES];
};

static void put_value(struct request *rq, const struct uapi_field *field,
		      uint64_t value)
{
	memcpy(rq->bytes + field->offset, &value, field->width);
}

static uint64_t get_value(const struct request *rq,
			  const struct uapi_field *field)
{
	uint64_t value = 0;

	memcpy(&value, rq->bytes + field->offset, field->width);
	return value;
}

/* One member may be wrong, or all of them; mostly none. */
static void fill_members(struct uapi_fuzz *f, struct request *rq)
{
	const struct uapi_call *c = rq->call;
	const unsigned int x = uapi_pick(f, 256);
	unsigned int nr = 0;

	while (nr < UAPI_FIELDS && c->fields[nr].name)
		nr++;
	uapi_fill_begin(f, c);
	for (unsigned int i = 0; i < nr; i++) {
		const struct uapi_field *field = &c->fields[i];
		const bool wild = x == 255 || (x >= 176 && x % nr == i);
		const uint64_t value =
			wild ? uapi_wild(f, field) : uapi_value(f, field);

		put_value(rq, field, value);
		uapi_say(f, " %s=%#" PRIx64 "%s", field->name,
			 get_value(rq, field), wild ? "!" : "");
	}
	if (uapi_is_test(c))
		memcpy(rq->bytes + 4, &c->op, sizeof(c->op));
}

static void choose_size(struct uapi_fuzz *f, struct request *rq, unsigned int x)
{
	const uint32_t min = rq->call->min, size = rq->call->size;

	rq->size = size;
	rq->length = size;
	switch (x) {
	case 10:
		rq->size = min;
		break;
	case 11:
		rq->size = min - 1 - uapi_pick(f, 4);
		break;
	case 12:
		rq->size = size + 1 + uapi_pick(f, 32);
		break;
	case 13:
		rq->size = size + 1 + uapi_pick(f, 32);
		rq->bytes[rq->size - 1] = 1;
		break;
	case 14:
		rq->size = MAX_BYTES;
		break;
	case 15:
		rq->size = (uint32_t)input_bytes(&f->in, 4);
		break;
	default:
		break;
	}
	if (rq->size > rq->length && rq->size <= MAX_BYTES)
		rq->length = rq->size;
	memcpy(rq->bytes, &rq->size, sizeof(rq->size));
}

/* Mostly so that whoever reads beyond the request meets a hole. */
static void choose_place(struct uapi_fuzz *f, struct request *rq,
			 unsigned int x)
{
	const uint64_t scratch = uapi_process(f)->tasks[0].scratch;
	const uint64_t end = scratch + SIM_SCRATCH_PAGES * f->page;
	const uint64_t edge = (UAPI_EDGE_PAGE + 1) * f->page;
	const uint64_t nowhere[] = { 0, UINT64_MAX, UINT64_MAX - 3, end,
				     scratch - 4 };

	rq->writable = true;
	switch (x) {
	case 10:
		rq->at = scratch + uapi_pick(f, 64);
		break;
	case 11:
		/* Across a border of pages. */
		rq->at = scratch + f->page - 1 - uapi_pick(f, 64);
		break;
	case 12:
		/* The end cannot be written. */
		rq->at = edge - uapi_pick(f, rq->length);
		rq->writable = false;
		break;
	case 13:
		rq->at = uapi_process(f)->tasks[0].read_only;
		rq->writable = false;
		break;
	case 14:
		/* The end is missing. */
		rq->at = end - uapi_pick(f, rq->length);
		rq->writable = false;
		break;
	case 15:
		rq->at = nowhere[uapi_pick(f, IOAS_ARRAY_SIZE(nowhere))];
		rq->writable = false;
		break;
	default:
		rq->at = end - rq->length;
		break;
	}
}

static void place(struct uapi_fuzz *f, struct request *rq)
{
	const unsigned int x = uapi_pick(f, 256);

	if (rq->call->flags & CALL_SCALAR) {
		rq->at = get_value(rq, &rq->call->fields[0]);
		rq->length = 0;
		return;
	}
	choose_size(f, rq, x % 16);
	choose_place(f, rq, x / 16);
	uapi_poke(f, rq->at, rq->bytes, rq->length);
	if (x)
		uapi_say(f, " at %#" PRIx64 " size %" PRIu32, rq->at, rq->size);
}

/* ---- what it answered --------------------------------------------------- */

static bool is_out(const struct uapi_fuzz *f, const struct uapi_call *c,
		   const struct uapi_field *field)
{
	/* A copy shows what it made of the number of an area (4.24). */
	if (f->fill.syz && c->cmd == IOAS_ABI_IOAS_COPY &&
	    (field->kind == FIELD_PICK || field->kind == FIELD_AREA))
		return true;
	return field->out || field->kind >= FIELD_OUT;
}

/* Bytes of @now that may differ become what they were. */
static void allow_outs(const struct uapi_fuzz *f, const struct request *rq,
		       uint8_t *now)
{
	for (unsigned int i = 0; i < UAPI_FIELDS; i++) {
		const struct uapi_field *field = &rq->call->fields[i];

		if (field->name && is_out(f, rq->call, field))
			memcpy(now + field->offset, rq->bytes + field->offset,
			       field->width);
	}
	/* A chain of capabilities follows. */
	if (rq->call->cmd == IOAS_ABI_VFIO_IOMMU_GET_INFO)
		memcpy(now, rq->bytes,
		       rq->size < rq->length ? rq->size : rq->length);
}

/* Nothing is written but results, and these if there are any. */
static void check_bytes(struct uapi_fuzz *f, const struct request *rq,
			const struct uapi_abuse *a, int64_t ret)
{
	uint8_t now[MAX_BYTES];

	if (!rq->length || rq->call->flags & CALL_SCRIBBLES)
		return;
	/* Half an answer, perhaps. */
	if (ret == -EFAULT && (!rq->writable || a->copy))
		return;
	memcpy(now, rq->bytes, rq->length);
	uapi_peek(f, rq->at, now, rq->length);
	if (ret >= 0 || rq->call->flags & CALL_ANSWERS)
		allow_outs(f, rq, now);
	demand(!memcmp(now, rq->bytes, rq->length));
}

static void check_id(struct uapi_fuzz *f, uint32_t id, uint32_t is)
{
	struct uapi_context *c = uapi_current_context(f);
	struct ioas_object *obj;

	demand(c);
	obj = ioas_object_get_sure(c->ictx, id, IOAS_OBJECT_ANY);
	demand(obj && is >> obj->class->type & 1);
	ioas_object_put(obj);
}

/* What it says that it made is there. */
static void check_results(struct uapi_fuzz *f, const struct request *rq,
			  int64_t ret)
{
	struct request now = *rq;

	demand(ret == 0 || rq->call->flags & (CALL_TRUTH | CALL_FD));
	if (rq->call->flags & CALL_TRUTH)
		demand(ret <= 1);
	if (rq->call->flags & CALL_FD)
		demand(uapi_file_kind(uapi_process(f), (int)ret) ==
		       FILE_DMABUF);
	uapi_peek(f, rq->at, now.bytes, rq->length);
	for (unsigned int i = 0; i < UAPI_FIELDS; i++) {
		const struct uapi_field *field = &rq->call->fields[i];
		const uint64_t value = get_value(&now, field);

		uapi_result(f, value);

		if (field->name && field->kind == FIELD_OUT_ID)
			check_id(f, (uint32_t)value, field->arg);
		if (field->name && field->kind == FIELD_OUT_FD)
			demand(uapi_file_kind(uapi_process(f), (int)value) ==
			       field->arg);
	}
}

static uint32_t errnos_of(struct uapi_fuzz *f, const struct request *rq)
{
	const struct uapi_call *c = rq->call;
	const unsigned int kind = uapi_file_kind(uapi_process(f), rq->fd);
	uint32_t few = 0;

	if (!kind)
		return ERR(EBADF);
	if (kind != FILE_IOMMUFD || (uapi_is_test(c) && !f->test_abi))
		return ERR(ENOTTY);
	if (c->flags & CALL_VFIO)
		return c->errnos | ERR(EFAULT) | ERR(EINVAL);
	/* Of ids, if they are few. */
	if (uapi_current_context(f)->ictx->objects.max != INT32_MAX)
		few = ERR(EBUSY);
	return c->errnos | few | ERR(EFAULT) | ERR(EINVAL) | ERR(E2BIG);
}

static int64_t request_call(struct uapi_fuzz *f, void *arg)
{
	const struct request *rq = arg;

	return sim_ioctl(f->h, rq->fd, rq->cmd, rq->at);
}

static void request_judge(struct uapi_fuzz *f, void *arg,
			  const struct uapi_abuse *a, int64_t ret)
{
	const struct request *rq = arg;

	if (rq->call->flags & CALL_RELEASES)
		demand(ret != -EFAULT || !rq->writable ||
		       rq->size > rq->length);
	check_bytes(f, rq, a, ret);
	if (ret >= 0)
		check_results(f, rq, ret);
	else
		/* Half an answer may be there. */
		uapi_poke(f, rq->at, rq->bytes, rq->length);
}

/* A device may refuse to go back: there is no way to ask it before. */
static bool may_refuse(struct uapi_fuzz *f, const struct request *rq)
{
	const struct uapi_context *c = uapi_current_context(f);
	const struct ioas_abi_test_cmd *cmd = (const void *)rq->bytes;

	if (cmd->op == IOAS_ABI_TEST_OP_PASID_REPLACE &&
	    cmd->pasid_replace.pasid == IOAS_ABI_TEST_PASID_RESERVED)
		return true;
	for (unsigned int i = 0; c && i < c->nr; i++)
		if (c->objects[i].id == cmd->id &&
		    c->objects[i].is == IS(SELFTEST))
			return ioas_container_of(c->objects[i].obj,
						 struct ioas_mock_device, obj)
				->viommu;
	return false;
}

void uapi_request(struct uapi_fuzz *f, const struct uapi_call *c)
{
	static struct request rq;
	struct uapi_attempt t = {
		.call = request_call,
		.judge = request_judge,
		.arg = &rq,
		.releases = c->flags & CALL_RELEASES,
		.partial = c->flags & CALL_PARTIAL,
		.stays = c->flags & CALL_STAYS,
	};

	rq = (struct request){ .call = c,
			       .cmd = c->cmd,
			       .fd = uapi_current_fd(f) };
	uapi_say(f, "%u: %s(%d)", f->current, c->name, rq.fd);
	fill_members(f, &rq);
	place(f, &rq);
	t.errnos = errnos_of(f, &rq);
	t.writable = rq.writable;
	if (c->flags & CALL_RETURNS) {
		t.stays = may_refuse(f, &rq);
		t.undoes = true;
	}
	uapi_try(f, &t);
}

/* The request of that number and, if it is a test, that op; NULL: none. */
static const struct uapi_call *find_call(uint32_t cmd, uint32_t op)
{
	for (unsigned int i = 0; i < uapi_nr_calls; i++)
		if (uapi_calls[i].cmd == cmd &&
		    (!uapi_is_test(&uapi_calls[i]) || uapi_calls[i].op == op))
			return &uapi_calls[i];
	return NULL;
}

struct raw {
	uint32_t cmd;
	int fd;
	uint64_t at;
	uint32_t words[18];
};

static int64_t raw_call(struct uapi_fuzz *f, void *arg)
{
	const struct raw *r = arg;

	uapi_poke(f, r->at, r->words, sizeof(r->words));
	return sim_ioctl(f->h, r->fd, r->cmd, r->at);
}

void uapi_request_raw(struct uapi_fuzz *f)
{
	const uint64_t end =
		uapi_process(f)->tasks[0].scratch + SIM_SCRATCH_PAGES * f->page;
	struct raw r = { .at = end - sizeof(r.words) };
	struct uapi_attempt t = { .call = raw_call,
				  .arg = &r,
				  .errnos = UINT32_MAX };
	const struct uapi_call *c;
	unsigned int x;

	r.fd = uapi_nth_fd(uapi_process(f), FILE_ANY, uapi_pick(f, 64));
	x = uapi_pick(f, 256);
	r.cmd = x < 240 ? IOAS_ABI_TYPE << 8 | (0x60 + x % 0x48) :
			  (uint32_t)input_bytes(&f->in, 4);
	r.words[0] = uapi_pick(f, sizeof(r.words) + 8);
	for (unsigned int i = 1; i < 8; i++)
		r.words[i] = uapi_pick(f, 256);
	if (r.cmd == IOAS_ABI_TEST_CMD)
		r.words[0] = sizeof(r.words);
	uapi_say(f, "%u: raw %#" PRIx32 "(%d) %" PRIu32 " %" PRIu32 " ...",
		 f->current, r.cmd, r.fd, r.words[0], r.words[1]);
	c = find_call(r.cmd, r.words[1]);
	t.partial = c && c->flags & (CALL_STAYS | CALL_PARTIAL);
	uapi_try(f, &t);
}
