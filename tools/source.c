/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <stdlib.h>
#include <unistd.h>

#include "vectors.h"

/* Installed, or where this was built. */
static const char *const default_vectors[] = {
	IOAS_DATADIR "/page-table-vectors.json",
	IOAS_SOURCE_DATADIR "/page-table-vectors.json",
};

const char *ioas_pt_default_vectors(void)
{
	for (size_t i = 0; i < 2; i++)
		if (!access(default_vectors[i], R_OK))
			return default_vectors[i];
	return NULL;
}

static bool vector_read(void *ctx, uint64_t pa, uint64_t *word)
{
	const struct vector *v = ctx;
	const struct vector_table *t = ioas_vector_table(v, pa);

	if (!t || (pa - t->pa) % 8)
		return false;
	*word = ioas_vector_word(t, (uint32_t)((pa - t->pa) / 8));
	return true;
}

static int use_vector(const struct vector *v, const struct pt_options *o,
		      struct pt_source *s)
{
	const struct vector_table *root;

	if (o->format >= 0 && o->format != (int)v->format)
		return ioas_say_misuse("--format: %s is of the format %s",
				       v->id, walker_format_name(v->format));
	root = ioas_vector_table(v, v->root[0].value);
	if (!root || root->pa != v->root[0].value) {
		ioas_say_error("%s: the root at 0x%llx is none of its tables",
			       v->id,
			       (unsigned long long)v->root[0].value);
		return IOAS_EXIT_FAILED;
	}
	ioas_vector_walker(v, root->level, root->pa, &s->cfg);
	s->mem = (struct walker_memory){
		.read = vector_read,
		.ctx = (void *)(uintptr_t)v,
	};
	return IOAS_EXIT_DONE;
}

static int open_vector(const struct pt_options *o, struct pt_source *s)
{
	const char *path = o->vectors_file;
	const struct vector *v;
	const char *wrong;
	int status;

	if (o->has_geometry || o->has_base || o->has_root_pa)
		return ioas_say_misuse("--vector: the file says the geometry; "
				       "geometry, --base and --root-pa go "
				       "with --root");
	if (!path)
		path = ioas_pt_default_vectors();
	if (!path) {
		ioas_say_error("--vector: no file of vectors is installed; "
			       "name one with --vectors");
		return IOAS_EXIT_FAILED;
	}
	s->vectors = ioas_vectors_load(path);
	if (!s->vectors)
		return IOAS_EXIT_FAILED;
	v = ioas_vectors_find(s->vectors, o->vector);
	if (!v) {
		ioas_say_error("%s: no such vector in %s", o->vector, path);
		return IOAS_EXIT_FAILED;
	}
	status = use_vector(v, o, s);
	if (status)
		return status;
	s->name = v->id;
	wrong = walker_check(&s->cfg);
	if (wrong) {
		ioas_say_error("%s: config: %s", v->id, wrong);
		return IOAS_EXIT_FAILED;
	}
	return IOAS_EXIT_DONE;
}

static int open_image(const struct pt_options *o, struct pt_source *s)
{
	const char *wrong;
	int status;

	if (o->format < 0)
		return ioas_say_misuse("--root: --format is missing");
	if (o->vectors_file)
		return ioas_say_misuse("--vectors: goes with --vector");
	status = ioas_pt_geometry(o, &s->cfg);
	if (status)
		return status;
	if (o->base % 8)
		return ioas_say_misuse("--base: not a multiple of 8");
	s->cfg.root = o->has_root_pa ? o->root_pa : o->base;
	wrong = walker_check(&s->cfg);
	if (wrong)
		return ioas_say_misuse("%s: 0x%llx: %s",
				       o->has_root_pa ? "--root-pa" : "--base",
				       (unsigned long long)s->cfg.root, wrong);
	s->name = o->root_file;
	s->image = ioas_pt_image_open(o->root_file, o->base, &s->mem);
	return s->image ? IOAS_EXIT_DONE : IOAS_EXIT_FAILED;
}

int ioas_pt_source_open(const struct pt_options *o, struct pt_source *s)
{
	int status;

	*s = (struct pt_source){ 0 };
	if (!o->root_file == !o->vector)
		return ioas_say_misuse("one of --root FILE and --vector NAME "
				       "says which tables");
	status = o->vector ? open_vector(o, s) : open_image(o, s);
	if (status)
		ioas_pt_source_close(s);
	return status;
}

void ioas_pt_source_close(struct pt_source *s)
{
	ioas_pt_image_close(s->image);
	ioas_vectors_free(s->vectors);
	s->image = NULL;
	s->vectors = NULL;
}
