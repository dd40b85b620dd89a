/* SPDX-License-Identifier: MIT */
#include "super/output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 1000

/* Return: 0 or an error number. */
static int write_some(int fd, const char *text, size_t *left)
{
	const ssize_t put = write(fd, text, *left);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (put >= 0) {
		*left -= (size_t)put;
		return put ? 0 : EIO;
	}
	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN && poll(&p, 1, PATIENCE_MS) > 0)
		return 0;
	return errno;
}

/* The signal of our own write is taken before it can be delivered. */
int ioas_output_write(int fd, const char *text, size_t length)
{
	const struct timespec at_once = { 0, 0 };
	sigset_t pipe, pending, old;
	size_t left = length;
	int error = 0;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	while (left && !error)
		error = write_some(fd, text + (length - left), &left);
	if (error == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -error;
}
