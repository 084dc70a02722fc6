/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-gate.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
        HEADER_SIZE =
                16, /* endianness, type, flags, version, size of the body, serial, size of the fields */
        MESSAGES_PER_WAKEUP = 16,
        INNER_BUFFER = 32 * 1024, /* few messages, and few descriptors, are under way to sd-bus */
};

struct Gate {
        int outer, inner;
        sd_event_source *from_peer, *to_bus;
        const GateHandler *handler;
        void *userdata;
        bool authenticated; /* "BEGIN" was seen */
        bool ready; /* what is in the buffer goes on */
        size_t size, sent; /* of what is in the buffer: all of the authentication, then one message */
        int fds[GATE_FDS_MAX];
        size_t n_fds;
        uint8_t buffer[GATE_MESSAGE_MAX];
};

typedef enum Step {
        STEP_REFUSED = 0, /* a reason is given */
        STEP_ON, /* done, and there may be more */
        STEP_NOTHING, /* the listener has not sent more */
        STEP_END, /* nor will it */
        STEP_BUSY, /* sd-bus has not read enough yet */
} Step;

static Step refuse(const char **ret_reason, const char *reason) {
        *ret_reason = reason;
        return STEP_REFUSED;
}

static void close_fds(Gate *g) {
        while (g->n_fds > 0)
                safe_close(g->fds[--g->n_fds]);
}

/* Takes over what came with some bytes. False when it was more than one message may have. */
static bool take_fds(Gate *g, struct msghdr *m) {
        bool fits = !(m->msg_flags & MSG_CTRUNC);

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
                        if (g->n_fds < GATE_FDS_MAX)
                                g->fds[g->n_fds++] = fd;
                        else {
                                safe_close(fd);
                                fits = false;
                        }
                }
        }
        return fits;
}

/* At most `size` more bytes. Never more: descriptors belong to the message that their bytes are of. */
static Step receive(Gate *g, size_t size, const char **ret_reason) {
        union {
                struct cmsghdr header;
                uint8_t space[CMSG_SPACE(sizeof(g->fds))];
        } control;
        struct iovec iov = { .iov_base = g->buffer + g->size, .iov_len = size };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        ssize_t n = recvmsg(g->outer, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? STEP_NOTHING : STEP_END;
        if (!take_fds(g, &m))
                return refuse(ret_reason, "more descriptors than a call has");
        if (n == 0)
                return STEP_END;
        g->size += (size_t) n;
        return STEP_ON;
}

/* One part of the authentication, and nothing of what follows it. */
static Step authenticate(Gate *g, const char **ret_reason) {
        static const char begin[] = { '\r', '\n', 'B', 'E', 'G', 'I', 'N', '\r', '\n' };
        uint8_t *p = g->buffer + g->size;

        ssize_t n = recv(g->outer, p, GATE_AUTH_MAX - g->size, MSG_PEEK | MSG_DONTWAIT);
        if (n <= 0)
                return n < 0 && (errno == EAGAIN || errno == EINTR) ? STEP_NOTHING : STEP_END;
        const uint8_t *found = memmem(g->buffer, g->size + (size_t) n, begin, sizeof(begin));
        size_t size = found ? (size_t) (found + sizeof(begin) - p) : (size_t) n;
        Step s = receive(g, size, ret_reason);
        if (s != STEP_ON)
                return s;
        if (g->n_fds > 0)
                return refuse(ret_reason, "a descriptor before the first message");
        g->authenticated = found && g->buffer + g->size == found + sizeof(begin);
        if (!g->authenticated && g->size == GATE_AUTH_MAX)
                return refuse(ret_reason, "an authentication without an end");
        return STEP_ON;
}

static uint32_t number(const uint8_t *p, bool little_endian) {
        return little_endian ? p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24
                             : p[3] | (uint32_t) p[2] << 8 | (uint32_t) p[1] << 16 | (uint32_t) p[0] << 24;
}

/* 0 for a header that is none, or of a message that is too large. */
static size_t message_size(const uint8_t header[static HEADER_SIZE]) {
        bool little_endian = header[0] == 'l';
        uint32_t body = number(header + 4, little_endian), fields = number(header + 12, little_endian);

        if ((!little_endian && header[0] != 'B') || header[3] != 1 || body > GATE_MESSAGE_MAX ||
                fields > GATE_MESSAGE_MAX)
                return 0;
        size_t size = HEADER_SIZE + (fields + 7) / 8 * 8 + body;
        return size > HEADER_SIZE && size <= GATE_MESSAGE_MAX ? size : 0;
}

/* The header, or what follows it. STEP_ON when the message is whole. */
static Step read_message(Gate *g, const char **ret_reason) {
        for (;;) {
                size_t size = g->size < HEADER_SIZE ? HEADER_SIZE : message_size(g->buffer);

                if (size == 0)
                        return refuse(ret_reason, "a message that is none, or larger than a call");
                if (g->size == size && size > HEADER_SIZE)
                        return STEP_ON;
                Step s = receive(g, size - g->size, ret_reason);
                if (s != STEP_ON)
                        return s;
        }
}

static Step forward(Gate *g, const char **ret_reason) {
        union {
                struct cmsghdr header;
                uint8_t space[CMSG_SPACE(sizeof(g->fds))];
        } control = {};
        struct iovec iov = { .iov_base = g->buffer + g->sent, .iov_len = g->size - g->sent };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (g->n_fds > 0) {
                control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(g->n_fds * sizeof(int)),
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.header), g->fds, g->n_fds * sizeof(int));
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(g->n_fds * sizeof(int));
        }
        ssize_t n = sendmsg(g->inner, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR
                               ? STEP_BUSY
                               : refuse(ret_reason, "what it sent cannot be passed on");
        close_fds(g); /* they go with the first byte */
        g->sent += (size_t) n;
        if (g->sent < g->size)
                return STEP_BUSY;
        g->ready = false;
        if (g->authenticated)
                g->size = g->sent = 0;
        return STEP_ON;
}

static int set_waiting(Gate *g, bool for_peer, bool for_bus) {
        int r = sd_event_source_set_enabled(g->from_peer, for_peer ? SD_EVENT_ON : SD_EVENT_OFF);

        return r < 0 ? r : sd_event_source_set_enabled(g->to_bus, for_bus ? SD_EVENT_ON : SD_EVENT_OFF);
}

static Step step(Gate *g, const char **ret_reason) {
        if (!g->ready) {
                Step s = g->authenticated ? read_message(g, ret_reason) : authenticate(g, ret_reason);

                if (s != STEP_ON)
                        return s;
                g->ready = true;
        }
        return forward(g, ret_reason);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Gate *g = userdata;
        const char *reason = NULL;
        Step s = STEP_ON;
        unsigned n = 0;

        while (n < MESSAGES_PER_WAKEUP && (s = step(g, &reason)) == STEP_ON)
                n++;
        if (s == STEP_REFUSED) {
                g->handler->refused(reason, g->userdata);
                return 0;
        }
        if (s == STEP_END)
                (void) shutdown(g->inner, SHUT_WR);
        int r = set_waiting(g, s != STEP_END && s != STEP_BUSY, s == STEP_BUSY);
        if (r >= 0 && n > 0)
                g->handler->passed(n, g->userdata);
        return r;
}

int gate_new(sd_event *event, int fd, const GateHandler *handler, void *userdata, Gate **ret, int *ret_fd) {
        _cleanup_(gate_freep) Gate *g = calloc(1, sizeof(*g));
        static const int size = INNER_BUFFER;
        int pair[2], r;

        if (!g)
                return -ENOMEM;
        g->handler = handler;
        g->userdata = userdata;
        g->inner = -1;
        g->outer = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (g->outer < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        g->inner = pair[0];
        _cleanup_close_ int for_bus = pair[1];
        if (setsockopt(g->inner, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
                return -errno;
        r = sd_event_add_io(event, &g->from_peer, g->outer, EPOLLIN, on_io, g);
        if (r >= 0)
                r = sd_event_add_io(event, &g->to_bus, g->inner, EPOLLOUT, on_io, g);
        if (r >= 0)
                r = set_waiting(g, true, false);
        if (r < 0)
                return r;
        *ret = TAKE(g, NULL);
        *ret_fd = TAKE(for_bus, -1);
        return 0;
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;
        sd_event_source_disable_unref(g->from_peer);
        sd_event_source_disable_unref(g->to_bus);
        close_fds(g);
        safe_close(g->inner);
        safe_close(g->outer);
        free(g);
        return NULL;
}
