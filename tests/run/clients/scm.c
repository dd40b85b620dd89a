/* SPDX-License-Identifier: MIT */
/*
 * scm: a descriptor that is sent to another process lives on there
 *
 *   sender --SCM_RIGHTS--> socket --> receiver
 *   opens, maps, exits     holds it   uses it, closes it
 */
#include <poll.h>
#include <sys/socket.h>

#include "client.h"

static void send_fd(int to, int fd)
{
	char byte = 'f', space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	want(sendmsg(to, &msg, 0), 1);
}

static int receive_fd(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = space,
			      .msg_controllen = sizeof(space) };
	int fd;

	want(recvmsg(from, &msg, MSG_CMSG_CLOEXEC), 1);
	want(CMSG_FIRSTHDR(&msg) != NULL, 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A child that maps @p in a context of its own, sends it, and exits. */
static void sender(int to, char *p)
{
	const pid_t pid = (pid_t)must(fork());

	if (!pid) {
		struct uclient c = iommu_open();
		const uint32_t ioas = ioas_new(&c);

		mock_new(&c, ioas);
		want_ok(uc_map_fixed(&c, ioas, va(p), PAGE, UC_RW, IOVA));
		send_fd(to, c.fd);
		_exit(0);
	}
	want_child(pid);
}

static void used(void)
{
	struct uclient c = iommu_open(), other;
	char *p = memory_shared(1);
	int pair[2], access;
	char text[8] = "";
	uint64_t bytes;

	want_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sender(pair[0], p);
	/* Only the socket has it. */
	want_ok(refs_are(&c, p, 1, 1));
	other = iommu_at(receive_fd(pair[1]));
	want_ok(refs_are(&c, p, 1, 1));
	/* The mapper is gone, its page is not. */
	strcpy(p, "shared");
	want_ok(uc_access_create(&other, 1, 0, &access));
	want_ok(uc_access_rw(&other, access, IOVA, text, 7, 0));
	want_ok(strcmp(text, "shared"));
	want_ok(close(access));
	want_ok(uc_unmap(&other, 1, IOVA, PAGE, &bytes));
	want(bytes, PAGE);
	want_ok(refs_are(&c, p, 1, 0));
	want_ok(uc_map_fixed(&other, 1, va(p), PAGE, UC_RW, IOVA));
	want_ok(refs_are(&c, p, 1, 1));
	want_ok(close(other.fd));
	want_ok(refs_are(&c, p, 1, 0));
	close(pair[0]);
	close(pair[1]);
	close(c.fd);
}

static void dropped(void)
{
	struct uclient c = iommu_open();
	char *p = memory_shared(1);
	int pair[2];

	want_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sender(pair[0], p);
	want_ok(refs_are(&c, p, 1, 1));
	close(pair[0]);
	want_ok(refs_are(&c, p, 1, 1));
	close(pair[1]);
	want_ok(refs_are(&c, p, 1, 0));
	close(c.fd);
}

/* A queue and an access travel as well. */
static void others(void)
{
	struct uclient c = iommu_open(), own = iommu_open();
	const uint32_t ioas = ioas_new(&own);
	char *p = memory_shared(1), text[8] = "abcdefg";
	struct pollfd ready = { .events = POLLIN };
	int pair[2], fd, access;
	uint32_t id;

	want_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	want_ok(uc_map_fixed(&own, ioas, va(p), PAGE, UC_RW, IOVA));
	want_ok(uc_access_create(
		&own, ioas, IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
		&access));
	want_ok(uc_access_pin(&own, access, 0, IOVA, PAGE, &id));
	want_ok(uc_fault_queue(&own, &id, &fd));
	send_fd(pair[0], access);
	send_fd(pair[0], fd);
	close(access);
	close(fd);
	close(own.fd);
	want_ok(refs_are(&c, p, 1, 1));
	access = receive_fd(pair[1]);
	ready.fd = fd = receive_fd(pair[1]);
	/* The context is that of the descriptor it is asked through. */
	want_ok(uc_access_rw(&c, access, IOVA, text, 8,
			     IOAS_ABI_MOCK_ACCESS_RW_WRITE));
	want_ok(strcmp(p, "abcdefg"));
	/* At a number that nobody can tell: looked at only, for it would wait. */
	want(poll(&ready, 1, 0), 0);
	want_ok(close(access));
	want_ok(refs_are(&c, p, 1, 0));
	want_ok(close(fd));
	close(pair[0]);
	close(pair[1]);
	close(c.fd);
}

static const struct client_case cases[] = {
	{ "used", used },
	{ "dropped", dropped },
	{ "others", others },
};

CLIENT_MAIN(cases)
