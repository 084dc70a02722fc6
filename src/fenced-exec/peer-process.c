/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "peer-process.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int peer_pid(int fd, pid_t *ret) {
        struct ucred who;
        socklen_t size = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return -errno;
        if (who.pid <= 0)
                return -ESRCH;
        *ret = who.pid;
        return 0;
}

static int peer_pidfd(int fd, pid_t pid) {
        int pidfd = -1;
        socklen_t size = sizeof(pidfd);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) >= 0)
                return pidfd;
        if (errno != ENOPROTOOPT)
                return errno == ENODATA || errno == EINVAL ? -ESRCH : -errno;
        pidfd = pidfd_open(pid, 0);
        return pidfd < 0 ? -errno : pidfd;
}

static int path_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *), char *ret, size_t size) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } a = {};
        socklen_t n = sizeof(a.un);

        if (name(fd, &a.sa, &n) < 0)
                return -errno;
        if (a.sa.sa_family != AF_UNIX)
                return -EAFNOSUPPORT;
        if (n <= offsetof(struct sockaddr_un, sun_path) || !a.un.sun_path[0])
                return 0;
        (void) snprintf(
                ret, size, "%.*s", (int) (n - offsetof(struct sockaddr_un, sun_path)), a.un.sun_path);
        return 1;
}

static int get_name(int fd, struct sockaddr *a, socklen_t *n) {
        return getsockname(fd, a, n);
}

static int peer_name(int fd, struct sockaddr *a, socklen_t *n) {
        return getpeername(fd, a, n);
}

static bool is_hung_up(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLRDHUP };

        return poll(&p, 1, 0) != 0;
}

int peer_process_from_socket(int fd, PeerProcess *ret) {
        PeerProcess p = { .pidfd = -1 };
        socklen_t size = sizeof(int);
        int type = 0, r;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
                return -errno;
        if (type != SOCK_STREAM)
                return -EAFNOSUPPORT;
        r = path_of(fd, get_name, p.path, sizeof(p.path)); /* it called us */
        if (r == 0)
                r = path_of(fd, peer_name, p.path, sizeof(p.path)); /* we called it */
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        r = peer_pid(fd, &p.pid);
        if (r < 0)
                return r;
        _cleanup_close_ int pidfd = peer_pidfd(fd, p.pid);
        if (pidfd < 0)
                return pidfd;
        /* a pid that died before pidfd_open() could be another process by now; but then its end of the socket is closed */
        if (is_hung_up(fd) || peer_process_is_alive(pidfd) != 1)
                return -ESRCH;
        p.pidfd = TAKE(pidfd, -1);
        *ret = p;
        return 0;
}

int peer_process_is_alive(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        if (pidfd < 0)
                return -EBADF; /* poll(2) passes over it, which would read as "lives" */
        if (poll(&p, 1, 0) < 0)
                return -errno;
        if (p.revents & POLLNVAL)
                return -EBADF;
        return !(p.revents & POLLIN);
}
