# SPDX-License-Identifier: MIT
"""The deliberate bugs of docs/reference/ioas-tests.md section 14.

Each is a list of (file, text, replacement); scripts/mutants applies one at a
time and expects a test to fail. A number of the plan with several faults has
several entries. TESTS run in this order, so the quick ones stand first.
"""

TIMEOUT = 90

TESTS = [
    "tests/unit/t_span",
    "tests/unit/t_batch",
    "tests/unit/t_area",
    "tests/unit/t_bitmap",
    "tests/unit/t_account",
    "tests/unit/t_sim_file",
    "tests/unit/t_scenarios",
    "tests/unit/t_mechanics",
    "tests/unit/t_unmap",
    "tests/model --seed 1 --ops 20000 --page-size 8 --allow-missing",
    "tests/model --seed 2 --ops 20000 --page-size 4096 --domains 3"
    " --batch-capacity 1 --allow-missing",
    "tests/model --seed 3 --ops 200000 --page-size 8 --allow-missing",
    "tests/unit/t_reader",
    "tests/unit/t_iova_alloc",
    "tests/fail_nth/t_sweep_scenarios",
    "tests/fail_nth/t_sweep_random",
    "tests/concurrency/t_races",
    "tests/concurrency/t_liveness",
]

MUTANTS = []


def mutant(name, text, *edits):
    MUTANTS.append({
        "name": name,
        "text": text,
        "edits": [("src/" + file, old, new) for file, old, new in edits],
    })


mutant("1", "charge forgets the difference",
       ("core/pages.c", "pinned - charged);\n\telse if",
        "0);\n\telse if"))
mutant("2a", "unpin before the domains are synced, in the drain",
       ("core/drain.c", "	if (d->stale)\n		ioas_sync(",
        "	if (d->stale && !d->nr)\n		ioas_sync("))
mutant("2b", "unpin before unmap in the error unwinding",
       ("core/fill.c", "	for (uint32_t d = 0; d + 1 < f->nr; d++) {",
        "	ioas_reader_release_batch(r, a->pages->writable);\n"
        "	for (uint32_t d = 0; d + 1 < f->nr; d++) {"),
       ("core/fill.c", "	ioas_sync(f->domains, f->nr);\n"
        "	ioas_reader_release_batch(r, a->pages->writable);\n",
        "	ioas_sync(f->domains, f->nr);\n"))
mutant("2c", "what others hold is not synced before they can let go",
       ("core/drain.c", "	if (device || d.shared)",
        "	if (device && d.shared)"))
mutant("3", "unmap is cut at the end of a hole although the run goes on",
       ("core/drain.c", ".last = ioas_area_iova_last(d->area, d->last),\n"
        "		.sink",
        ".last = ioas_area_iova_last(d->area, hole_last),\n		.sink"))
mutant("4a", "the carry is unpinned although somebody holds it",
       ("core/drain.c", "			ioas_batch_skip_head(d->queue,"
        " s.last - s.first + 1);",
        "			ioas_batch_skip_head(d->queue, 0);"))
mutant("4b", "the carry is dropped although nobody holds it",
       ("core/drain.c", "			ioas_batch_skip_head(d->queue,"
        " s.last - s.first + 1);",
        "			ioas_batch_clear(d->queue);"))
mutant("5", "carried frames are read again after they were unmapped",
       ("core/drain.c", "		if (!d->queue->total)\n"
        "			drain_collect(d, pos, last);",
        "		drain_collect(d, pos, last);"))
mutant("6", "read-ahead beyond the end of a hole",
       ("core/reader.c", ".nr = last - r->bend + 1,",
        ".nr = r->last - r->bend + 1,"))
mutant("7", "reader prefers the origin over the store",
       ("core/reader.c", "	if (r->spans.label == IOAS_HOLE ||",
        "	if (r->spans.label != IOAS_T2 ||"))
mutant("8", "store is not filled for pages that a domain holds",
       ("core/fill_store.c", "		} else {\n			ret = store_span(",
        "		} else if (s.label == IOAS_HOLE) {\n"
        "			ret = store_span("))
mutant("9", "store entry stays when the last record goes and a domain remains",
       ("core/fill_store.c",
        "		ioas_store_remove(&pages->access->store, s.first,"
        " s.last);\n	}\n	/* Less",
        "		if (s.label == IOAS_HOLE)\n"
        "		ioas_store_remove(&pages->access->store, s.first,"
        " s.last);\n	}\n	/* Less"))
mutant("10", "detach of the last domain drops the pages of live records",
       ("core/drain.c", "		if (s.label == IOAS_HOLE)\n"
        "			deferred",
        "		if (s.label != IOAS_T1)\n			deferred"))
mutant("11", "storage domain is not replaced on detach",
       ("core/attach.c", "		if (a->storage == domain)",
        "		if (a->storage == domain && !ioas->nr_domains)"))
mutant("12", "linked set is not updated by split",
       ("core/split.c", "	if (!a->storage)\n		return 0;",
        "	if (a->storage || !a->storage)\n		return 0;"))
mutant("13", "storage domain comes from another space",
       ("core/fill.c", "		area->storage = domains[0];",
        "	{\n		struct ioas_area *o =\n"
        "			ioas_pages_area_at(pages, area->index);\n"
        "		area->storage = o != area ? o->storage : domains[0];\n"
        "	}"))
mutant("14a", "first partial page is mapped from its beginning",
       ("core/fill.c", ".head = ioas_area_head(a, r->bstart),",
        ".head = 0,"))
mutant("14b", "last partial page is mapped at full size",
       ("core/fill.c", "ioas_area_iova_last(a, r->bend - 1) - iova + 1,",
        "ioas_align_up(ioas_area_iova_last(a, r->bend - 1) - iova + 1, "
        "ioas_page_size(a->ioas->ctx)),"))
mutant("15", "page offset is not counted when reading back",
       ("core/drain.c", "const uint64_t byte = ioas_area_byte(c->area, iova);",
        "const uint64_t byte =\n"
        "		ioas_area_byte(c->area, iova) - c->area->page_offset;"))
mutant("16", "exact-range search accepts an overlapping record",
       ("core/pin.c", "ioas_itree_exact(&pages->access->records,",
        "ioas_itree_first(&pages->access->records,"))
mutant("17", "access count changes on the first area of a pin over several",
       ("core/pin.c", "			ret = pin_part(access, &p, list);",
        "			ret = pin_part(access, &p, list);\n"
        "		if (!ret && at != first) {\n"
        "			p.area->nr_accesses--;\n"
        "			((struct ioas_area *)ioas_rangemap_find(\n"
        "				&ioas->areas, first))->nr_accesses++;\n"
        "		}"))
mutant("18", "error in the second area of a pin leaves the first pinned",
       ("core/pin.c", "		if (ret && at != first)",
        "		if (ret && at < first)"))
mutant("19a", "unmap does not move its start",
       ("core/unmap.c", "		if (a->last < u->last)",
        "		if (a->last < u->last && !u->last)"),
       ("core/unmap.c", "		u->start = u->held_first;\n", ""))
mutant("19b", "retry counter is never reset",
       ("core/unmap.c", "				u->told = 0;",
        "				u->told += 0;"))
mutant("19c", "retries are not bounded",
       ("core/unmap.c", "		if (u->told++ > RETRIES)",
        "		if (u->told++ > RETRIES * 1000000u)"))
mutant("20a", "closing flag is ignored by pin",
       ("core/pin.c", "	if (a->closing)\n		return -EINVAL;\n"
        "	if (!ioas_is_aligned(",
        "	if (!ioas_is_aligned("))
mutant("20b", "closing flag is ignored by read and write",
       ("core/pin.c", "	if (a->closing)\n		return -EINVAL;\n"
        "	if (!(a->prot & (write",
        "	if (!(a->prot & (write"))
mutant("21a", "allowed list is consulted for fixed IOVAs",
       ("core/iopt.c", "	if (ioas_iova_reserved(ioas, iova, last))\n"
        "		return -EINVAL;",
        "	if (ioas_iova_reserved(ioas, iova, last) ||\n"
        "	    (ioas->allowed.root &&\n"
        "	     !ioas_itree_first(&ioas->allowed, iova, last)))\n"
        "		return -EINVAL;"))
mutant("21b", "allowed list is not consulted for allocation",
       ("core/iova.c", "	found = ioas->allowed.root ?",
        "	found = !ioas ?"))
mutant("22a", "reserved check misses the first byte",
       ("core/iova.c", "return ioas_itree_first(&ioas->reserved, first,"
        " last);",
        "return ioas_itree_first(&ioas->reserved, first, "
        "last > first ? last - 1 : last);"))
mutant("22b", "reserved check misses the last byte",
       ("core/iova.c", "return ioas_itree_first(&ioas->reserved, first,"
        " last);",
        "return ioas_itree_first(&ioas->reserved, "
        "first < last ? first + 1 : first, last);"))
mutant("23a", "alignment is not lowered on detach",
       ("core/iova.c", "	ioas->alignment = (uint32_t)ioas_iova_demand("
        "ioas);",
        "	if (ioas_iova_demand(ioas) > ioas->alignment)\n"
        "		ioas->alignment = (uint32_t)ioas_iova_demand(ioas);"))
mutant("23b", "alignment is lowered too far on detach",
       ("core/iova.c", "	ioas->alignment = (uint32_t)ioas_iova_demand("
        "ioas);",
        "	ioas->alignment = 1;"))
mutant("24a", "double span lets the second set win",
       ("core/span.c", "	if (d->s1.used)\n", "	if (d->s1.used &&"
        " !d->s2.used)\n"))
mutant("24b", "double span repeats a label",
       ("core/span.c", "	d->last = ioas_min(d->s1.last, d->s2.last);",
        "	d->last = d->first;"))
mutant("25a", "wrap at the maximum IOVA in unmap",
       ("core/unmap.c", "	if (!ioas_last(iova, length, &last))\n"
        "		return -EOVERFLOW;",
        "	last = iova + length - 1;"))
mutant("25b", "wrap at the maximum IOVA in a span",
       ("core/span.c", "	if (d->done || d->last == d->end)\n"
        "		d->done = true;\n	else\n",
        "	if (d->done)\n		d->done = true;\n	else\n"))
mutant("26", "batch totals have 32 bits",
       ("core/batch.h", "	if (ioas_add_overflow(b->total, nr, &total))\n"
        "		return false;",
        "	total = (uint32_t)(b->total + nr);"))
mutant("27a", "folio gets one pin too few",
       ("origin/sim/file.c", "	ioas_sim_answer_pin(a, pfn, nr);\n"
        "	return 0;",
        "	ioas_sim_answer_pin(a, pfn, nr > 1 ? nr - 1 : nr);\n"
        "	return 0;"))
mutant("27b", "read-ahead is released by capacity instead of count",
       ("core/reader.c", "	r->wpos = r->wnr;\n}",
        "	r->wpos = r->wnr;\n"
        "	if (r->wnr && !ioas_pages_is_device(r->pages))\n"
        "		o->ops->unpin(o, r->window[0].pfn, 1, false);\n}"))
mutant("28a", "copy pins and charges again",
       ("core/reader.c", "	return read_domain(r, r->spans.last);",
        "	return read_origin(r, r->spans.last);"))
mutant("28b", "copy takes no reference",
       ("core/iopt.c", "	a->pages = ioas_pages_get(from->pages);",
        "	a->pages = from->pages;"))
mutant("29", "change of process counts a shared object twice",
       ("core/context.c", "	if (pages->seen || !moves(c, pages))",
        "	if (!moves(c, pages))"))
mutant("30a", "dirty read clears although told not to",
       ("core/dirty.c", "		ret = dirty_walk(ioas, domain, rq->iova,"
        " last, rq->flags,",
        "		ret = dirty_walk(ioas, domain, rq->iova, last, 0,"))
mutant("30b", "dirty read forgets bits beyond a window",
       ("core/dirty.c", "	window_flush(b);\n	if (b->error)\n"
        "		return false;",
        "	if (b->error)\n		return false;"))
mutant("30c", "dirty read loses the tail of a large page",
       ("core/dirty.c", "	bitmap_set(b, iova >> b->granularity_lg2, last >>"
        " b->granularity_lg2);",
        "	bitmap_set(b, iova >> b->granularity_lg2,"
        " iova >> b->granularity_lg2);"))
mutant("31a", "callback under a lock",
       ("core/access.c", "		ioas_mutex_unlock(&ioas->access_lock);\n"
        "		ioas_trace(IOAS_TP_NOTIFY",
        "		ioas_trace(IOAS_TP_NOTIFY"),
       ("core/access.c", "		a->ops->unmap(a->data, iova, length);\n"
        "		ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);\n",
        "		a->ops->unmap(a->data, iova, length);\n"))
mutant("31b", "detach does not wait for a callback that is running",
       ("core/access.c", "	while ((running = atomic_load("
        "&at->notifying))) {",
        "	while ((running = atomic_load(&at->notifying)) &&"
        " !at->leaving) {"))
mutant("32", "teardown depends on memory",
       ("core/batch.c", "	else\n		ioas_batch_init(b, runs, nr);",
        "	else\n		ioas_batch_init(b, runs, pages > nr ? 0 :"
        " nr);"))
mutant("33a", "pair of device memory stays registered",
       ("core/device.c", "	ioas_list_del(&p->link);\n"
        "	ioas_free(p, sizeof(*p));",
        "	(void)p;"))
mutant("33b", "revocation unmaps twice",
       ("core/device.c", "		dev->revoked = true;\n",
        "		dev->revoked = false;\n"))
mutant("34a", "protection of device memory is not adjusted",
       ("core/fill.c", "	if (kind == IOAS_KIND_CPU)\n",
        "	if (kind == IOAS_KIND_CPU || kind == IOAS_KIND_MMIO)\n"))
mutant("34b", "kinds are mixed in one batch",
       ("core/batch.h", "	if (b->nr_runs && b->kind != kind)\n"
        "		return false;\n", ""))
mutant("35", "dead principal leaves the charge stale",
       ("core/pages.c", "	if (!ret)\n"
        "		pages->nr_charged = pinned; /* E1 */",
        "	if (!ret && !(pages->principal && pages->principal->mm->gone))\n"
        "		pages->nr_charged = pinned; /* E1 */"))
