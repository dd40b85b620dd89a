/* SPDX-License-Identifier: MIT */
/*
 * plugin: a model out of a shared object that the user names
 *
 *   ./timer.so --open--> its constructors --find--> ioas_model --check--> model
 *                                                   <ioas/dev/model.h>
 *
 * It is code of the user's, and may do what this process may. Services that it
 * calls are those of the command (tools/services.list).
 */
#ifndef IOAS_SUPER_PLUGIN_H
#define IOAS_SUPER_PLUGIN_H

#include <ioas/dev/model.h>
#include <stddef.h>

/*
 * The model of the file @path, which has a slash. It stays: nothing of it is
 * ever unloaded. Return: 0; -EINVAL with a line in @why: what is wrong with it.
 */
int ioas_plugin_load(const char *path, const struct ioas_model **out, char *why,
		     size_t room);

#endif
