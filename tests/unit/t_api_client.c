/* SPDX-License-Identifier: MIT */
/*
 * api: software clients, and looking in, through the public header
 */
#include "api_test.h"

#include "plat/common/fault_arm.h"
#include "seam/caller.h"

static struct ioas_client *client_make(struct fixture *f, unsigned int flags,
				       void (*unmap)(void *, uint64_t,
						     uint64_t), void *data)
{
	const struct ioas_client_options o = {
		.size = sizeof(o), .flags = flags, .unmap = unmap,
		.data = data };
	struct ioas_client *c = NULL;

	assert_int_equal(ioas_client_create(f->ctx, &o, &c), 0);
	assert_int_equal(ioas_client_attach(c, f->ioas), 0);
	return c;
}

/* ---- clients ------------------------------------------------------------ */

static void client_options_are_checked(void **state)
{
	struct fixture *f = *state;
	const struct ioas_client_options bad = { .size = sizeof(bad),
						 .flags = 2 };
	struct ioas_context *other_ctx;
	struct ioas_client *c = NULL;
	struct ioas *other;

	assert_int_equal(ioas_client_create(f->ctx, &bad, &c), -EOPNOTSUPP);
	assert_null(c);
	assert_int_equal(ioas_client_create(f->ctx, NULL, &c), 0);
	assert_int_equal(ioas_client_detach(c), -ENOENT);
	assert_int_equal(ioas_client_replace(c, f->ioas), -ENOENT);
	assert_int_equal(ioas_client_attach(c, f->ioas), 0);
	assert_int_equal(ioas_client_attach(c, f->ioas), -EINVAL);
	assert_int_equal(ioas_destroy(f->ioas), -EBUSY);
	assert_int_equal(stats(f->ioas).nr_clients, 1);
	assert_int_equal(ioas_context_create(NULL, &other_ctx), 0);
	assert_int_equal(ioas_create(other_ctx, &other), 0);
	assert_int_equal(ioas_client_replace(c, other), -EINVAL);
	assert_int_equal(ioas_client_detach(c), 0);
	assert_int_equal(ioas_client_attach(c, other), -EINVAL);
	assert_int_equal(ioas_destroy(other), 0);
	assert_int_equal(ioas_context_destroy(other_ctx), 0);
	ioas_client_destroy(c);
}

static void client_moves_to_another_space(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, 0, NULL, NULL);
	uint64_t iova = map_all(f, RW);
	struct ioas *other;
	uint8_t byte;

	assert_int_equal(ioas_create(f->ctx, &other), 0);
	assert_int_equal(ioas_client_read(c, iova, &byte, 1), 0);
	assert_int_equal(ioas_client_replace(c, other), 0);
	assert_int_equal(ioas_client_read(c, iova, &byte, 1), -ENOENT);
	assert_int_equal(stats(f->ioas).nr_clients, 0);
	assert_int_equal(stats(other).nr_clients, 1);
	ioas_client_destroy(c);
	assert_int_equal(ioas_destroy(other), 0);
}

static void client_reads_and_writes_any_bytes(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, 0, NULL, NULL);
	uint64_t iova = map_all(f, RW), ro = map_all(f, IOAS_READ);
	uint8_t buffer[3 * PAGE];

	for (uint64_t at = 0; at < 2 * PAGE; at += 777) {
		for (size_t n = 1; n < 2 * PAGE; n += 1021) {
			memset(buffer, 0, sizeof(buffer));
			assert_int_equal(ioas_client_read(c, iova + at, buffer,
							  n), 0);
			assert_memory_equal(buffer, f->bytes + at, n);
			assert_int_equal(buffer[n], 0);
		}
	}
	memset(buffer, 0xa5, sizeof(buffer));
	assert_int_equal(ioas_client_write(c, iova + 100, buffer, PAGE), 0);
	assert_memory_equal(f->bytes + 100, buffer, PAGE);
	assert_int_equal(ioas_client_write(c, ro, buffer, 1), -EPERM);
	assert_int_equal(ioas_client_read(c, iova, buffer, 0), -EINVAL);
	assert_int_equal(ioas_client_read(c, UINT64_MAX, buffer, 2),
			 -EOVERFLOW);
	assert_int_equal(ioas_client_read(c, 0, buffer, 1), -ENOENT);
	ioas_client_destroy(c);
}

static void pin_tells_where_the_pages_are(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, IOAS_CLIENT_PINS, NULL, NULL);
	uint64_t iova = map_all(f, RW), ro = map_all(f, IOAS_READ), sum = 0;
	struct ioas_segment s[NR];
	uint32_t nr = NR;
	void *p;

	/* The middle of a page at the end: only that many bytes. */
	assert_int_equal(ioas_client_pin(c, iova + PAGE, 2 * PAGE + 10,
					 IOAS_READ | IOAS_WRITE, s, &nr), 0);
	for (uint32_t i = 0; i < nr; i++) {
		assert_int_equal(ioas_pointer(f->ctx, s[i].address, &p, NULL),
				 0);
		assert_ptr_equal(p, f->bytes + PAGE + sum);
		sum += s[i].length;
	}
	assert_int_equal(sum, 2 * PAGE + 10);
	assert_int_equal(page_info(f->ioas, iova + PAGE).address,
			 s[0].address);
	ioas_client_unpin(c, iova + PAGE, 2 * PAGE + 10);
	assert_int_equal(ioas_client_pin(c, iova, SPAN, 0, NULL, NULL), 0);
	assert_int_equal(stats(f->ioas).context_pinned, NR);
	ioas_client_unpin(c, iova, SPAN);
	assert_int_equal(ioas_client_pin(c, iova, PAGE, IOAS_NOEXEC, NULL,
					 NULL), -EOPNOTSUPP);
	assert_int_equal(ioas_client_pin(c, iova + 1, PAGE, 0, NULL, NULL),
			 -EINVAL);
	assert_int_equal(ioas_client_pin(c, iova, 0, 0, NULL, NULL), -EINVAL);
	assert_int_equal(ioas_client_pin(c, ro, PAGE, IOAS_WRITE, NULL, NULL),
			 -EPERM);
	nr = 0;
	assert_int_equal(ioas_client_pin(c, iova, PAGE, 0, s, &nr), -EMSGSIZE);
	assert_int_equal(stats(f->ioas).context_pinned, 0);
	ioas_client_destroy(c);
}

static void pin_with_much_room_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, IOAS_CLIENT_PINS, NULL, NULL);
	struct ioas_segment few[1], many[1000];
	uint64_t iova = map_all(f, RW);
	uint32_t nr = 1000;

	/* Own memory is contiguous in output addresses: one segment. */
	assert_int_equal(ioas_client_pin(c, iova, SPAN, 0, many, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(ioas_client_pin(c, iova, SPAN, 0, few, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(few[0].address, many[0].address);
	assert_int_equal(few[0].length, SPAN);
	assert_int_equal(many[0].length, SPAN);
	ioas_client_unpin(c, iova, SPAN);
	ioas_client_unpin(c, iova, SPAN);
	ioas_client_destroy(c);
}

static void pins_without_a_callback_stop_unmap(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, IOAS_CLIENT_PINS, NULL, NULL);
	uint64_t iova = map_all(f, RW);

	assert_int_equal(ioas_client_pin(c, iova, PAGE, 0, NULL, NULL), 0);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), -EBUSY);
	ioas_client_unpin(c, iova, PAGE);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
	ioas_client_destroy(c);
}

/* A client that lets go when it is told to. */
struct polite {
	struct ioas_client *client;
	uint64_t iova;
	bool pinned;
	unsigned int calls;
};

static void polite_unmap(void *data, uint64_t iova, uint64_t length)
{
	struct polite *p = data;

	p->calls++;
	if (p->pinned && p->iova >= iova && p->iova - iova < length) {
		ioas_client_unpin(p->client, p->iova, PAGE);
		p->pinned = false;
	}
}

static void unmap_waits_for_clients_to_let_go(void **state)
{
	struct fixture *f = *state;
	struct polite p = { .pinned = true };
	uint64_t bytes;

	p.client = client_make(f, IOAS_CLIENT_PINS, polite_unmap, &p);
	p.iova = map_all(f, RW);
	assert_int_equal(ioas_client_pin(p.client, p.iova, PAGE, 0, NULL,
					 NULL), 0);
	assert_int_equal(ioas_unmap(f->ioas, p.iova, SPAN, &bytes), 0);
	assert_int_equal(bytes, SPAN);
	assert_int_equal(p.calls, 1);
	assert_false(p.pinned);
	assert_int_equal(ioas_client_detach(p.client), 0);
	assert_int_equal(p.calls, 2);
	ioas_client_destroy(p.client);
}

static void rude_unmap(void *data, uint64_t iova, uint64_t length)
{
	(void)iova;
	(void)length;
	++*(unsigned int *)data;
}

static void a_client_that_keeps_its_pins_is_a_deadlock(void **state)
{
	struct fixture *f = *state;
	unsigned int calls = 0;
	struct ioas_client *c = client_make(f, IOAS_CLIENT_PINS, rude_unmap,
					    &calls);
	uint64_t iova = map_all(f, RW);

	assert_int_equal(ioas_client_pin(c, iova, PAGE, 0, NULL, NULL), 0);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), -EDEADLK);
	assert_in_range(calls, 100, 101);
	/* From now on it takes no new pins. */
	assert_int_equal(ioas_client_pin(c, iova, PAGE, 0, NULL, NULL),
			 -EINVAL);
	ioas_client_unpin(c, iova, PAGE);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
	ioas_client_destroy(c);
}

/* ---- looking in --------------------------------------------------------- */

static void page_info_follows_a_page_through_its_tiers(void **state)
{
	struct fixture *f = *state;
	struct ioas_client *c = client_make(f, IOAS_CLIENT_PINS, NULL, NULL);
	uint64_t iova = map_all(f, IOAS_READ | IOAS_NOEXEC);
	struct ioas_page_info in = page_info(f->ioas, iova + 2 * PAGE + 5);
	uint64_t frame;

	assert_int_equal(in.state, IOAS_PAGE_IDLE);
	assert_int_equal(in.area_first, iova);
	assert_int_equal(in.area_last, iova + SPAN - 1);
	assert_int_equal(in.flags, IOAS_READ | IOAS_NOEXEC);
	assert_int_equal(in.index, 2);
	assert_int_equal(in.nr_domains, 0);
	assert_int_equal(in.in_store, 0);
	assert_int_equal(in.address, 0);
	assert_int_equal(in.nr_pinned, 0);

	assert_int_equal(ioas_client_pin(c, iova + PAGE, 3 * PAGE, 0, NULL,
					 NULL), 0);
	in = page_info(f->ioas, iova + 2 * PAGE + 5);
	assert_int_equal(in.state, IOAS_PAGE_ACC);
	assert_int_equal(in.in_store, 1);
	assert_int_equal(in.store_runs, 1);
	assert_int_equal(in.nr_pinned, 3);
	assert_int_equal(in.nr_charged, 3);
	frame = in.address;
	assert_int_not_equal(frame, 0);

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	in = page_info(f->ioas, iova + 2 * PAGE + 5);
	assert_int_equal(in.state, IOAS_PAGE_BOTH);
	assert_int_equal(in.nr_domains, 1);
	assert_int_equal(in.in_store, 1);
	assert_int_equal(in.address, frame);
	assert_int_equal(in.nr_pinned, NR);
	assert_int_equal(page_info(f->ioas, iova).state, IOAS_PAGE_DOM);

	ioas_client_unpin(c, iova + PAGE, 3 * PAGE);
	in = page_info(f->ioas, iova + 2 * PAGE + 5);
	assert_int_equal(in.state, IOAS_PAGE_DOM);
	assert_int_equal(in.in_store, 0);
	assert_int_equal(in.store_runs, 0);
	assert_int_equal(in.address, frame);

	assert_int_equal(ioas_detach(f->ioas, f->domain), 0);
	in = page_info(f->ioas, iova + 2 * PAGE + 5);
	assert_int_equal(in.state, IOAS_PAGE_IDLE);
	assert_int_equal(in.nr_charged, 0);
	ioas_client_destroy(c);
}

static void page_info_of_nothing_is_enoent(void **state)
{
	struct fixture *f = *state;
	struct ioas_page_info info = { .size = sizeof(info), .index = 77 };

	assert_int_equal(ioas_page_info(f->ioas, 0, &info), -ENOENT);
	assert_int_equal(info.index, 77);
}

static void stats_count_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct ioas_stats st = stats(f->ioas);

	assert_int_equal(st.nr_mappings, 0);
	assert_int_equal(st.nr_domains, 0);
	assert_int_equal(st.alignment, 1);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	map_all(f, RW);
	st = stats(f->ioas);
	assert_int_equal(st.nr_mappings, 1);
	assert_int_equal(st.mapped, SPAN);
	assert_int_equal(st.nr_domains, 1);
	assert_int_equal(st.alignment, PAGE);
	assert_int_equal(st.page_size, PAGE);
	assert_int_equal(st.context_pinned, NR);
	assert_int_equal(st.context_charged, NR);
}

static void count_line(void *data, const char *line)
{
	assert_null(strchr(line, '\n'));
	++*(unsigned int *)data;
}

static void dump_grows_with_what_is_mapped(void **state)
{
	struct fixture *f = *state;
	unsigned int empty = 0, full = 0;

	ioas_dump(f->ioas, count_line, &empty);
	map_all(f, RW);
	map_all(f, RW);
	ioas_dump(f->ioas, count_line, &full);
	assert_true(full > empty);
}

/* ---- lack of memory ----------------------------------------------------- */

/* What one life makes, in order; destroyed whatever happened. */
struct life {
	struct ioas_context *ctx;
	struct ioas_origin *memory;
	struct ioas *ioas;
	struct ioas_domain *domain;
	struct ioas_client *client;
};

static int life_begin(struct life *l)
{
	const struct ioas_domain_options dirty = {
		.size = sizeof(dirty), .flags = IOAS_DOMAIN_DIRTY };
	const struct ioas_client_options pins = {
		.size = sizeof(pins), .flags = IOAS_CLIENT_PINS };
	const struct ioas_context_options opts = {
		.size = sizeof(opts), .page_size = PAGE };
	int ret = ioas_context_create(&opts, &l->ctx);

	ret = ret ? ret : ioas_origin_own(l->ctx, &l->memory);
	ret = ret ? ret : ioas_create(l->ctx, &l->ioas);
	ret = ret ? ret : ioas_domain_create(&dirty, &l->domain);
	ret = ret ? ret : ioas_client_create(l->ctx, &pins, &l->client);
	return ret ? ret : ioas_client_attach(l->client, l->ioas);
}

static int life_use(struct life *l, void *memory)
{
	const struct ioas_interval low[] = { { 0, 0xfff }, { 0x100, 0x1fff } };
	const struct ioas_interval high = { 1 << 20, 1 << 30 };
	struct ioas_interval ranges[8];
	struct ioas_segment segments[100];
	uint32_t nr = 8, nr_segments = 100;
	uint64_t iova, copied;
	uint8_t byte;
	int ret = ioas_reserve(l->ioas, low, 2, l);

	ret = ret ? ret : ioas_allow(l->ioas, &high, 1);
	ret = ret ? ret : ioas_ranges(l->ioas, ranges, &nr, NULL);
	ret = ret ? ret : ioas_map(l->ioas, l->memory, (uintptr_t)memory, SPAN,
				   RW, &iova);
	ret = ret ? ret : ioas_attach(l->ioas, l->domain);
	ret = ret ? ret : ioas_copy(l->ioas, l->ioas, iova, PAGE, RW, &copied);
	ret = ret ? ret : ioas_client_read(l->client, iova, &byte, 1);
	if (ret)
		return ret;
	ret = ioas_client_pin(l->client, iova, SPAN, IOAS_WRITE, segments,
			      &nr_segments);
	if (!ret)
		ioas_client_unpin(l->client, iova, SPAN);
	return ret;
}

static void life_end(struct life *l)
{
	if (l->ioas)
		assert_int_equal(ioas_validate(l->ioas), 0);
	if (l->ioas && l->domain)
		ioas_detach(l->ioas, l->domain);
	ioas_client_destroy(l->client);
	assert_int_equal(ioas_domain_destroy(l->domain), 0);
	assert_int_equal(ioas_destroy(l->ioas), 0);
	ioas_origin_destroy(l->memory);
	assert_int_equal(ioas_context_destroy(l->ctx), 0);
}

static int error_of(enum ioas_fault_point failed)
{
	switch (failed) {
	case IOAS_FP_BATCH_LARGE:
		/* Nobody notices: a small one does as well. */
		return 0;
	case IOAS_FP_PIN:
	case IOAS_FP_COPY:
		return -EFAULT;
	default:
		return -ENOMEM;
	}
}

static void every_call_survives_the_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	bool reached = true;

	for (uint64_t n = 1; reached; n++) {
		struct ioas_fault fault = { .nth = n };
		struct ioas_caller caller = { .fault = &fault }, *old;
		struct life l = { 0 };
		int ret;

		assert_in_range(n, 1, 200);
		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = life_begin(&l);
		ret = ret ? ret : life_use(&l, f->bytes);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		reached = !fault.nth;
		assert_int_equal(ret, reached ? error_of(fault.failed) : 0);
		life_end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(client_options_are_checked),
		CASE(client_moves_to_another_space),
		CASE(client_reads_and_writes_any_bytes),
		CASE(pin_tells_where_the_pages_are),
		CASE(pin_with_much_room_is_the_same),
		CASE(pins_without_a_callback_stop_unmap),
		CASE(unmap_waits_for_clients_to_let_go),
		CASE(a_client_that_keeps_its_pins_is_a_deadlock),
		CASE(page_info_follows_a_page_through_its_tiers),
		CASE(page_info_of_nothing_is_enoent),
		CASE(stats_count_what_is_there),
		CASE(dump_grows_with_what_is_mapped),
		CASE(every_call_survives_the_lack_of_memory),
	};

	return cmocka_run_group_tests_name("api client", tests, NULL, NULL);
}
