/* SPDX-License-Identifier: MIT */
/*
 * replay: run a fuzz target on files, without libFuzzer
 *
 * usage: <target> FILE|DIRECTORY...
 *
 * A case per file, in order of their names; answers in TAP. A finding aborts,
 * and the case that was announced last is the one.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define MAX_FILES 4096
#define MAX_BYTES (1 << 16)

static char *files[MAX_FILES];
static size_t nr_files;

static void add_file(char *path)
{
	if (!path || nr_files == MAX_FILES) {
		fprintf(stderr, "replay: too many files\n");
		exit(2);
	}
	files[nr_files++] = path;
}

static char *join(const char *dir, const char *name)
{
	const size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", dir, name);
	return path;
}

static void add(const char *path)
{
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (stat(path, &st)) {
		perror(path);
		exit(2);
	}
	if (!S_ISDIR(st.st_mode)) {
		add_file(strdup(path));
		return;
	}
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			add_file(join(path, e->d_name));
	if (dir)
		closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In a block of exactly its size, so that reading past its end shows. */
static bool run(const char *path)
{
	static uint8_t buffer[MAX_BYTES];
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (!f)
		return false;
	size = fread(buffer, 1, sizeof(buffer), f);
	fclose(f);
	data = malloc(size ? size : 1);
	if (!data)
		return false;
	memcpy(data, buffer, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return true;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		add(argv[i]);
	if (!nr_files) {
		fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
		return 2;
	}
	qsort(files, nr_files, sizeof(files[0]), by_name);
	printf("1..%zu\n", nr_files);
	for (size_t i = 0; i < nr_files; i++) {
		bool ok;

		printf("# %s\n", files[i]);
		fflush(stdout);
		ok = run(files[i]);
		failed |= !ok;
		printf("%s %zu - %s\n", ok ? "ok" : "not ok", i + 1, files[i]);
		free(files[i]);
	}
	return failed;
}
