/* SPDX-License-Identifier: MIT */
/*
 * tiers: a file travels through an IO address space, and we watch its pages
 *
 *   FILE -> memory "file" --+              +--> table A (4K)      --> engine
 *                           +--> ioas -----+                           | copies
 *           memory "copy" --+              +--> table B (4K 2M 1G) <-- engine
 *                                          +--> client: pins, reads the copy
 *
 * A frame number is stored as few times as possible: nowhere while nobody uses
 * the page, in the page tables while there are any, in the pinned store only
 * for what a client pinned. After each step a table shows where it is; at the
 * end the digest of what travelled has to be that of FILE.
 */
#include <ioas/ioas.h>

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE ((uint64_t)2 << 20)
/* Bytes that the device moves at a time: no multiple of a page. */
#define BURST 1500
#define OWN_FILE "/proc/self/exe"

/* Memory that is mapped; @base is aligned so that large entries fit. */
struct region {
	const char *name;
	char *base;
	uint64_t length;
	uint64_t iova;
	uint64_t nr_pages;
};

struct table {
	const char *name;
	struct ioas_domain *domain;
	bool attached;
};

struct demo {
	uint64_t page;
	uint64_t file_size;
	struct ioas_context *ctx;
	struct ioas_origin *memory;
	struct ioas *ioas;
	struct ioas_client *client;
	struct table tables[2];
	struct region regions[2];
	/* What the client pins: the middle of the file. */
	uint64_t pin_iova;
	uint64_t pin_length;
	unsigned int step;
};

enum { A, B };
enum { FILE_IN, COPY };

static void die(const char *what, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "tiers: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void must(int ret, const char *what)
{
	if (ret)
		die(what, strerror(-ret));
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* ---- what is stored where ----------------------------------------------- */

/* Pages that look the same, with frames that follow each other. */
struct group {
	uint64_t first;
	uint64_t nr;
	unsigned int state;
	bool in_store;
	bool in_table[2];
	uint64_t pfn;
};

static struct group look_at(const struct demo *d, const struct region *r,
			    uint64_t page)
{
	struct ioas_page_info info = { .size = sizeof(info) };
	uint64_t iova = r->iova + page * d->page;
	struct group g = { .first = page, .nr = 1 };
	uint64_t address;

	must(ioas_page_info(d->ioas, iova, &info), "page info");
	g.state = info.state;
	g.in_store = info.in_store;
	g.pfn = info.address / d->page;
	for (int i = A; i <= B; i++)
		g.in_table[i] = d->tables[i].attached &&
				!ioas_domain_translate(d->tables[i].domain,
						       iova, &address, NULL) &&
				address == info.address;
	return g;
}

static bool continues(const struct group *g, const struct group *next)
{
	uint64_t pfn = g->state == IOAS_PAGE_IDLE ? 0 : g->pfn + g->nr;

	return g->state == next->state && g->in_store == next->in_store &&
	       g->in_table[A] == next->in_table[A] &&
	       g->in_table[B] == next->in_table[B] && pfn == next->pfn;
}

static void print_group(const struct region *r, const struct group *g)
{
	static const char *const names[] = { "IDLE", "DOM", "ACC", "BOTH" };
	char pages[48], frames[48] = "nowhere";

	snprintf(pages, sizeof(pages), "%s %llu-%llu", r->name,
		 (unsigned long long)g->first,
		 (unsigned long long)(g->first + g->nr - 1));
	if (g->state != IOAS_PAGE_IDLE)
		snprintf(frames, sizeof(frames), "%llx +%llu",
			 (unsigned long long)g->pfn, (unsigned long long)g->nr);
	printf("      %-18s %-22s %-6s %-6s %-8s %s\n", pages, frames,
	       names[g->state], g->in_store ? "store" : "-",
	       g->in_table[A] ? "table A" : "-",
	       g->in_table[B] ? "table B" : "-");
}

static void print_region(const struct demo *d, const struct region *r)
{
	struct group g = look_at(d, r, 0);

	for (uint64_t page = 1; page < r->nr_pages; page++) {
		struct group next = look_at(d, r, page);

		if (continues(&g, &next)) {
			g.nr++;
			continue;
		}
		print_group(r, &g);
		g = next;
	}
	print_group(r, &g);
}

static void print_table(const struct table *t)
{
	static const char unit[] = "KMG";
	struct ioas_domain_stats st = { .size = sizeof(st) };

	must(ioas_domain_stats(t->domain, &st), "table stats");
	printf(" | %s", t->name);
	if (!st.nr_entries)
		printf(" empty");
	for (int lg2 = 10; lg2 < 40; lg2++)
		if (st.entries[lg2])
			printf(" %llux%d%c",
			       (unsigned long long)st.entries[lg2],
			       1 << (lg2 % 10), unit[lg2 / 10 - 1]);
	printf(" %lluK", (unsigned long long)(st.memory / 1024));
}

static void show(struct demo *d, const char *what)
{
	struct ioas_page_info file = { .size = sizeof(file) };
	struct ioas_stats st = { .size = sizeof(st) };

	printf("\n%3u.  %s\n", ++d->step, what);
	must(ioas_stats(d->ioas, &st), "stats");
	if (st.nr_mappings) {
		print_region(d, &d->regions[FILE_IN]);
		print_region(d, &d->regions[COPY]);
		must(ioas_page_info(d->ioas, d->regions[FILE_IN].iova, &file),
		     "page info");
	} else {
		puts("      nothing is mapped");
	}
	printf("      pinned %llu, charged %llu | store %llu run%s",
	       (unsigned long long)st.context_pinned,
	       (unsigned long long)st.context_charged,
	       (unsigned long long)file.store_runs,
	       file.store_runs == 1 ? "" : "s");
	print_table(&d->tables[A]);
	print_table(&d->tables[B]);
	putchar('\n');
	if (ioas_validate(d->ioas))
		die("validate", "an invariant is broken");
}

/* ---- the device --------------------------------------------------------- */

/* One end of a transfer: where @iova leads, and how far. */
static char *device_reach(const struct demo *d, const struct table *t,
			  uint64_t iova, uint64_t *length)
{
	uint64_t address, linear;
	void *p;

	must(ioas_domain_translate(t->domain, iova, &address, length),
	     "translate");
	must(ioas_pointer(d->ctx, address, &p, &linear), "pointer");
	if (*length > linear)
		*length = linear;
	return p;
}

/* Reads through table A, writes through table B, in short bursts. */
static unsigned int device_copy(const struct demo *d)
{
	uint64_t from = d->regions[FILE_IN].iova;
	uint64_t to = d->regions[COPY].iova;
	uint64_t left = d->file_size;
	unsigned int bursts = 0;

	while (left) {
		uint64_t n = left < BURST ? left : BURST;
		const char *src = device_reach(d, &d->tables[A], from, &n);
		char *dst = device_reach(d, &d->tables[B], to, &n);

		memcpy(dst, src, n);
		from += n;
		to += n;
		left -= n;
		bursts++;
	}
	return bursts;
}

/* The frames that a pin returns are those that the page tables have. */
static void compare_pin(const struct demo *d, const struct ioas_segment *s,
			uint32_t nr, const struct table *t)
{
	uint64_t iova = d->pin_iova;

	for (uint32_t i = 0; i < nr; i++) {
		for (uint64_t done = 0; done < s[i].length; done += d->page) {
			uint64_t address;

			must(ioas_domain_translate(t->domain, iova, &address,
						   NULL), "translate");
			if (address != s[i].address + done)
				die("pin", "frames differ from the table's");
			iova += d->page;
		}
	}
}

/* ---- digests ------------------------------------------------------------ */

static void digest_client(const struct demo *d,
			  uint8_t digest[SHA256_DIGEST_SIZE])
{
	static uint8_t piece[65521];
	uint64_t iova = d->regions[COPY].iova;
	struct sha256_ctx sha;

	sha256_init(&sha);
	for (uint64_t left = d->file_size; left;) {
		uint64_t n = left < sizeof(piece) ? left : sizeof(piece);

		must(ioas_client_read(d->client, iova, piece, n), "read");
		sha256_update(&sha, n, piece);
		iova += n;
		left -= n;
	}
	sha256_digest(&sha, SHA256_DIGEST_SIZE, digest);
}

static void digest_file(const char *path, uint8_t digest[SHA256_DIGEST_SIZE])
{
	static uint8_t piece[65536];
	struct sha256_ctx sha;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die(path, strerror(errno));
	sha256_init(&sha);
	while ((n = fread(piece, 1, sizeof(piece), f)))
		sha256_update(&sha, n, piece);
	if (ferror(f))
		die(path, strerror(errno));
	fclose(f);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, digest);
}

/* ---- set-up ------------------------------------------------------------- */

/* Zeroed memory at a multiple of the huge page size; lives to the end. */
static char *memory_alloc(uint64_t length)
{
	char *p = mmap(NULL, length + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("memory", strerror(errno));
	return p + (HUGE - (uintptr_t)p % HUGE) % HUGE;
}

static void file_load(struct demo *d, const char *path)
{
	struct region *in = &d->regions[FILE_IN];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(path, strerror(errno));
	if (!S_ISREG(st.st_mode) || !st.st_size)
		die(path, "not a regular file with something in it");
	d->file_size = (uint64_t)st.st_size;
	in->name = "file";
	in->length = round_up(d->file_size, d->page);
	in->base = memory_alloc(in->length);
	for (uint64_t have = 0; have < d->file_size;) {
		ssize_t n = read(fd, in->base + have, d->file_size - have);

		if (n <= 0)
			die(path, n ? strerror(errno) : "became shorter");
		have += (uint64_t)n;
	}
	close(fd);
}

static void set_up(struct demo *d)
{
	const struct ioas_domain_options sizes[] = {
		{ .size = sizeof(sizes[0]), .page_sizes = d->page },
		{ .size = sizeof(sizes[0]),
		  .page_sizes = d->page | HUGE | (uint64_t)1 << 30 },
	};
	const struct ioas_client_options pins = {
		.size = sizeof(pins),
		.flags = IOAS_CLIENT_PINS,
	};
	struct region *copy = &d->regions[COPY];

	/* Room for large entries, however small the file is. */
	copy->name = "copy";
	copy->length = round_up(d->file_size, 2 * HUGE);
	copy->base = memory_alloc(copy->length);
	for (int i = FILE_IN; i <= COPY; i++)
		d->regions[i].nr_pages = d->regions[i].length / d->page;
	must(ioas_context_create(NULL, &d->ctx), "context");
	must(ioas_origin_own(d->ctx, &d->memory), "origin");
	must(ioas_create(d->ctx, &d->ioas), "space");
	for (int i = A; i <= B; i++) {
		d->tables[i].name = i == A ? "A" : "B";
		must(ioas_domain_create(&sizes[i], &d->tables[i].domain),
		     "table");
	}
	must(ioas_client_create(d->ctx, &pins, &d->client), "client");
	must(ioas_client_attach(d->client, d->ioas), "attach client");
}

static void tear_down(struct demo *d)
{
	ioas_client_destroy(d->client);
	for (int i = A; i <= B; i++)
		must(ioas_domain_destroy(d->tables[i].domain),
		     "destroy table");
	must(ioas_destroy(d->ioas), "destroy space");
	ioas_origin_destroy(d->memory);
	must(ioas_context_destroy(d->ctx), "destroy context");
}

/* ---- the story ---------------------------------------------------------- */

static void map_region(struct demo *d, struct region *r, unsigned int flags)
{
	must(ioas_map(d->ioas, d->memory, (uintptr_t)r->base, r->length, flags,
		      &r->iova), "map");
}

static void attach(struct demo *d, struct table *t, const char *what)
{
	must(ioas_attach(d->ioas, t->domain), "attach");
	t->attached = true;
	show(d, what);
}

static void detach(struct demo *d, struct table *t, const char *what)
{
	must(ioas_detach(d->ioas, t->domain), "detach");
	t->attached = false;
	show(d, what);
}

/* Pins, and returns where the pages are. */
static struct ioas_segment *pin_middle(struct demo *d, uint32_t *nr)
{
	const struct region *in = &d->regions[FILE_IN];
	uint64_t first = in->nr_pages / 3;
	uint64_t pages = in->nr_pages / 3 + 1;
	struct ioas_segment *s = calloc(pages, sizeof(*s));

	if (!s)
		die("pin", strerror(ENOMEM));
	d->pin_iova = in->iova + first * d->page;
	d->pin_length = pages * d->page;
	*nr = (uint32_t)pages;
	must(ioas_client_pin(d->client, d->pin_iova, d->pin_length, IOAS_READ,
			     s, nr), "pin");
	return s;
}

static void transfer(struct demo *d, uint8_t digest[SHA256_DIGEST_SIZE])
{
	unsigned int bursts = device_copy(d);
	char what[160];

	snprintf(what, sizeof(what),
		 "the device reads \"file\" through A and writes \"copy\" "
		 "through B,\n      %u bursts; the client reads \"copy\": nothing "
		 "has to move", bursts);
	digest_client(d, digest);
	show(d, what);
}

static void story(struct demo *d, uint8_t digest[SHA256_DIGEST_SIZE])
{
	struct region *in = &d->regions[FILE_IN], *copy = &d->regions[COPY];
	struct ioas_segment *pinned;
	uint64_t unmapped;
	char what[96];
	uint32_t nr;

	map_region(d, in, IOAS_READ);
	map_region(d, copy, IOAS_READ | IOAS_WRITE);
	snprintf(what, sizeof(what), "map \"file\" at %#llx, \"copy\" at %#llx: "
		 "a promise, nothing is pinned", (unsigned long long)in->iova,
		 (unsigned long long)copy->iova);
	show(d, what);
	pinned = pin_middle(d, &nr);
	show(d, "the client pins the middle of \"file\": frames go to the "
		"store");
	attach(d, &d->tables[A], "attach table A: the rest is pinned, and "
				 "only A knows its frames");
	attach(d, &d->tables[B], "attach table B: pins nothing, reads the "
				 "frames from store and A");
	compare_pin(d, pinned, nr, &d->tables[A]);
	compare_pin(d, pinned, nr, &d->tables[B]);
	free(pinned);
	transfer(d, digest);
	detach(d, &d->tables[A], "detach table A: B still knows, so nothing "
				 "is read or unpinned");
	detach(d, &d->tables[B], "detach table B, the last: only what the "
				 "client pinned stays");
	ioas_client_unpin(d->client, d->pin_iova, d->pin_length);
	show(d, "the client unpins: back to a promise");
	must(ioas_unmap_all(d->ioas, &unmapped), "unmap");
	if (unmapped != in->length + copy->length)
		die("unmap", "not everything went");
	show(d, "unmap");
}

static void usage(FILE *to)
{
	fputs("usage: tiers [FILE]\n\n"
	      "Sends FILE (or this program itself) through an IO address space "
	      "with two page\ntables and a software client, and shows after "
	      "each step where the frame numbers\nof its pages are stored. "
	      "Exit status: 0 if what arrived is what was sent, 1 if\nnot or "
	      "if something failed, 2 for bad usage.\n", to);
}

int main(int argc, char **argv)
{
	uint8_t sent[SHA256_DIGEST_SIZE], arrived[SHA256_DIGEST_SIZE];
	const char *path = argc > 1 ? argv[1] : OWN_FILE;
	struct demo d = { .page = (uint64_t)sysconf(_SC_PAGESIZE) };

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 2 || *path == '-') {
		usage(stderr);
		return 2;
	}
	file_load(&d, path);
	set_up(&d);
	printf("tiers: %s, %llu bytes, pages of %llu; libioas %s\n"
	       "       table A has entries of a page, table B of a page, 2M "
	       "and 1G\n\n      %-18s %-22s %-6s frame numbers are in\n",
	       path, (unsigned long long)d.file_size,
	       (unsigned long long)d.page, ioas_version(), "pages",
	       "frames", "state");
	story(&d, arrived);
	tear_down(&d);
	digest_file(path, sent);
	if (memcmp(sent, arrived, sizeof(sent)))
		die(path, "what arrived is not what was sent");
	printf("\nverified: sha256 ");
	for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
		printf("%02x", arrived[i]);
	printf(" (%llu bytes through 2 page tables and 1 client)\n",
	       (unsigned long long)d.file_size);
	return EXIT_SUCCESS;
}
