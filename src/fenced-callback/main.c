/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connects to guests for the multicast listener, which has no network (callback-protocol.h). No guest's byte gets here. */

#include "check.h"
#include "log.h"
#include "rtnetlink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* A listener's request is sent with its connect(): over the maximum the oldest connection, a silent one, ends. Whoever
 * comes when this has ended for want of requests waits in systemd's socket. */
enum { CONNECTIONS_MAX = 64, IDLE_MS = 30000 };

typedef union SocketAddress {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
} SocketAddress;

typedef struct Server {
        struct pollfd fds[1 + CONNECTIONS_MAX]; /* the listening socket, and connections, the oldest first */
        nfds_t n_fds;
        int netlink_fd;
        uid_t listener; /* who may ask */
        bool allow_local;
        uint64_t paid_usec; /* see callback_may_now() */
} Server;

static uint64_t now_usec(void) {
        struct timespec t = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

static int refuse(const CallbackRequest *r) {
        char text[INET6_ADDRSTRLEN] = "?";

        (void) inet_ntop(r->family, r->address, text, sizeof(text));
        log_warning("Asked to call %s port %u, which is not allowed (--allow-local is for both services)",
                text, r->port);
        return EPERM;
}

/* 0 and a socket that connects, or why not, an errno. */
static int call(Server *s, const CallbackRequest *r, int *ret_fd) {
        SocketAddress sa = {};
        _cleanup_close_ int fd = -1;
        unsigned type;
        int e;

        if (!callback_may_now(&s->paid_usec, now_usec()))
                return EBUSY;
        if (!callback_may_be(r, s->allow_local))
                return refuse(r);
        e = rtnetlink_route_type(s->netlink_fd, r->family, r->address, r->ifindex, &type);
        if (e < 0)
                return -e;
        if (!callback_may_go(type, s->allow_local))
                return refuse(r);
        if (r->family == AF_INET) {
                sa.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(r->port) };
                memcpy(&sa.in.sin_addr, r->address, 4);
        } else {
                sa.in6 = (struct sockaddr_in6){
                        .sin6_family = AF_INET6, .sin6_port = htons(r->port), .sin6_scope_id = r->ifindex
                };
                memcpy(&sa.in6.sin6_addr, r->address, 16);
        }
        fd = socket(r->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || (connect(fd, &sa.sa, r->family == AF_INET ? sizeof(sa.in) : sizeof(sa.in6)) < 0 &&
                              errno != EINPROGRESS))
                return errno;
        *ret_fd = TAKE(fd, -1);
        return 0;
}

/* One request, one answer; whoever cannot take it at once has gone. */
static void serve(Server *s, int fd) {
        union {
                struct cmsghdr h;
                uint8_t space[CMSG_SPACE(sizeof(int))];
        } control = {};
        CallbackRequest request;
        CallbackAnswer answer = {};
        struct iovec iov = { &answer, sizeof(answer) };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        _cleanup_close_ int called = -1;

        if (recv(fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC) != sizeof(request))
                return;
        answer.error = call(s, &request, &called);
        if (answer.error == 0) {
                control.h = (struct cmsghdr){
                        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
                };
                memcpy(CMSG_DATA(&control.h), &called, sizeof(int));
                m.msg_control = &control;
                m.msg_controllen = sizeof(control);
        }
        (void) sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void forget(Server *s, nfds_t i) {
        (void) safe_close(s->fds[i].fd);
        s->n_fds--;
        memmove(s->fds + i, s->fds + i + 1, (s->n_fds - i) * sizeof(*s->fds));
}

static int take_in(Server *s) {
        struct ucred who = {};
        socklen_t size = sizeof(who);
        int fd;

        fd = accept4(s->fds[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0 || who.uid != s->listener) {
                (void) safe_close(fd);
                return 0;
        }
        if (s->n_fds > CONNECTIONS_MAX)
                forget(s, 1);
        s->fds[s->n_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
        return 0;
}

static int run(Server *s) {
        for (;;) {
                int r = poll(s->fds, s->n_fds, IDLE_MS);

                if (r == 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return log_error_errno(errno, "Cannot wait: %m");
                if (r < 0)
                        continue;
                for (nfds_t i = s->n_fds; i-- > 1;)
                        if (s->fds[i].revents != 0) {
                                /* A guest is not called for somebody who has given up. */
                                if (s->fds[i].revents == POLLIN)
                                        serve(s, s->fds[i].fd);
                                forget(s, i);
                        }
                r = s->fds[0].revents != 0 ? take_in(s) : 0;
                if (r < 0)
                        return log_error_errno(r, "Cannot accept connections: %m");
        }
}

/* Who may ask is whom the socket unit gives the socket to (SocketUser=). */
static int take_sockets(Server *s) {
        SocketAddress sa = {};
        socklen_t length = sizeof(sa) - 1;
        struct stat st;
        int n = sd_listen_fds(false), flags;

        for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
                if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) > 0)
                        s->fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
                else if (rtnetlink_is_socket(fd, 0))
                        s->netlink_fd = fd;
        if (s->fds[0].fd < 0 || s->netlink_fd < 0) {
                log_error("No sockets: this program is started by fence-virt-callback.socket");
                return -ENOTCONN;
        }
        flags = fcntl(s->fds[0].fd, F_GETFL);
        if (flags < 0 || fcntl(s->fds[0].fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return log_error_errno(errno, "Cannot make the socket non-blocking: %m");
        if (getsockname(s->fds[0].fd, &sa.sa, &length) < 0 || stat(sa.un.sun_path, &st) < 0)
                return log_error_errno(errno, "Cannot see whose the socket is: %m");
        s->listener = st.st_uid;
        return 0;
}

int main(int argc, char *argv[]) {
        Server s = { .fds = { { .fd = -1 } }, .n_fds = 1, .netlink_fd = -1 };

        s.allow_local = argc == 2 && strcmp(argv[1], "--allow-local") == 0;
        if (argc > 1 && !s.allow_local) {
                log_error("%s: --allow-local is the only option", argv[1]);
                return EXIT_FAILURE;
        }
        return take_sockets(&s) < 0 || run(&s) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
