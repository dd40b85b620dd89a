/* SPDX-License-Identifier: MIT */
/*
 * plugin: see plugin.h
 */
#include "super/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_word(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	return name && *name && strchr(letters, *name) &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* What whoever wrote it forgot; NULL: nothing that can be seen. */
static const char *why_not(const struct ioas_model *m)
{
	const struct ioas_model_option *o;

	if (!is_word(m->name))
		return "name: not of small letters, digits and \"-\"";
	if (!m->summary)
		return "summary: there is none";
	if (!m->create || !m->destroy || !m->reset)
		return "create, destroy, reset: one is missing";
	for (o = m->options; o && o->name; o++) {
		if (!is_word(o->name))
			return "options: a name is not of small letters, "
			       "digits and \"-\"";
		if (!o->what)
			return "options: one is not described";
	}
	return NULL;
}

/* Without the path in front, which is said already. */
static const char *reason(const char *path)
{
	const char *text = dlerror();
	const size_t length = strlen(path);

	if (!text)
		return "unknown error";
	if (!strncmp(text, path, length) && !strncmp(text + length, ": ", 2))
		text += length + 2;
	return text;
}

int ioas_plugin_load(const char *path, const struct ioas_model **out, char *why,
		     size_t room)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct ioas_model *m;
	const char *text;

	if (!handle) {
		snprintf(why, room, "cannot be opened: %s", reason(path));
		return -EINVAL;
	}
	m = dlsym(handle, "ioas_model");
	if (!m) {
		snprintf(why, room, "not a model: it exports no ioas_model");
		return -EINVAL;
	}
	/* Of another version nothing behind this is known. */
	if (m->abi != IOAS_MODEL_ABI) {
		snprintf(why, room,
			 "built for version %u of <ioas/dev/model.h>; this is "
			 "version %u",
			 m->abi, IOAS_MODEL_ABI);
		return -EINVAL;
	}
	text = why_not(m);
	if (text) {
		snprintf(why, room, "ioas_model: %s", text);
		return -EINVAL;
	}
	*out = m;
	return 0;
}
