/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "callback-client.h"
#include "callback-protocol.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int callback_ask(const char *path, const Address *address, uint16_t port, int *ret_fd) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } sa = { .un = { .sun_family = AF_UNIX } };
        CallbackRequest request = {
                .family = (uint16_t) address->family, .port = port, .ifindex = address->scope
        };
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(sa.un.sun_path))
                return -ENAMETOOLONG;
        memcpy(sa.un.sun_path, path, strlen(path));
        memcpy(request.address, address->bytes, sizeof(request.address));
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, &sa.sa, sizeof(sa.un)) < 0 ||
                send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
                return -errno;
        *ret_fd = TAKE(fd, -1);
        return 0;
}

static int attached_socket(struct msghdr *m) {
        int fd = -1;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        return fd;
}

int callback_take(int fd, int *ret_socket, int *ret_error) {
        union {
                struct cmsghdr align;
                uint8_t space[CMSG_SPACE(sizeof(int))];
        } control;
        CallbackAnswer answer = {};
        struct iovec iov = { &answer, sizeof(answer) };
        struct msghdr m = { .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_LEN(sizeof(int)) }; /* for one; the kernel closes what is more */
        _cleanup_close_ int received = -1;
        ssize_t n;

        do
                n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        received = attached_socket(&m);
        if (n == 0)
                return -ECONNRESET;
        if (n != sizeof(answer) || answer.error < 0 || (answer.error == 0) != (received >= 0))
                return -EBADMSG;
        *ret_socket = TAKE(received, -1);
        *ret_error = answer.error;
        return 1;
}
