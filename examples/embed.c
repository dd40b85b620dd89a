/* SPDX-License-Identifier: MIT */
/*
 * embed: the least that a program with an emulated device needs
 *
 * The driver's side maps a buffer; the device's side gets an IOVA, walks the
 * page table and writes to what it finds there.
 */
#include <ioas/ioas.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[3 * 4096];

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "embed: %s: %s\n", what, strerror(-ret));
	exit(EXIT_FAILURE);
}

/* A device that knows nothing but IOVA and its page table. */
static void device_write(struct ioas_context *ctx, struct ioas_domain *domain,
			 uint64_t iova, const char *text, uint64_t length)
{
	uint64_t address, linear;
	void *p;

	for (uint64_t n; length; iova += n, text += n, length -= n) {
		n = length;
		must(ioas_domain_translate(domain, iova, &address, &n),
		     "translate");
		must(ioas_pointer(ctx, address, &p, &linear), "pointer");
		n = n < linear ? n : linear;
		memcpy(p, text, n);
	}
}

int main(void)
{
	const char text[] = "written by a device";
	struct ioas_context *ctx;
	struct ioas_origin *memory;
	struct ioas_domain *domain;
	struct ioas *ioas;
	uint64_t iova, unmapped;

	must(ioas_context_create(NULL, &ctx), "context");
	must(ioas_origin_own(ctx, &memory), "origin");
	must(ioas_create(ctx, &ioas), "space");
	must(ioas_domain_create(NULL, &domain), "domain");
	must(ioas_attach(ioas, domain), "attach");

	/* Both ends on a page: the alignment that the 4 KiB table asks for. */
	char *page = buffer + 4096 - (uintptr_t)buffer % 4096;
	must(ioas_map(ioas, memory, (uintptr_t)page, 2 * 4096,
		      IOAS_READ | IOAS_WRITE, &iova), "map");
	device_write(ctx, domain, iova + 4090, text, sizeof(text));
	printf("iova %#llx: %s\n", (unsigned long long)iova, page + 4090);

	must(ioas_unmap(ioas, iova, 2 * 4096, &unmapped), "unmap");
	must(ioas_detach(ioas, domain), "detach");
	must(ioas_domain_destroy(domain), "destroy domain");
	must(ioas_destroy(ioas), "destroy space");
	ioas_origin_destroy(memory);
	must(ioas_context_destroy(ctx), "destroy context");
	return strcmp(page + 4090, text) ? EXIT_FAILURE : EXIT_SUCCESS;
}
