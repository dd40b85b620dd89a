/* SPDX-License-Identifier: MIT */
#include "super/comm.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRESH_NS UINT64_C(1000000000)

/* False: it is gone. */
static bool comm_read(pid_t pid, char name[IOAS_COMM_MAX])
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, name, IOAS_COMM_MAX);
	close(fd);
	if (got <= 0)
		return false;
	/* The line's end is where ours goes. */
	name[got - 1] = '\0';
	return true;
}

const char *ioas_comm_of(struct ioas_comms *c, pid_t pid, uint64_t now)
{
	struct ioas_comm *s = &c->slot[(uint32_t)pid % IOAS_COMM_SLOTS];
	char name[IOAS_COMM_MAX];

	if (s->pid == pid && now - s->when < FRESH_NS)
		return s->name;
	if (comm_read(pid, name))
		memcpy(s->name, name, sizeof(name));
	else if (s->pid != pid)
		strcpy(s->name, "?");
	s->pid = pid;
	s->when = now;
	return s->name;
}
