/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "callback.h"
#include "io.h"
#include "log.h"
#include "transport-stream.h"

#include <string.h>

void callbacks_init(Callbacks *c) {
        *c = (Callbacks){ .listener = -1 };
        for (size_t i = 0; i < CALLBACKS_MAX; i++)
                c->slots[i].fd = -1;
}

void callbacks_done(Callbacks *c) {
        c->listener = safe_close(c->listener);
        for (size_t i = 0; i < CALLBACKS_MAX; i++)
                c->slots[i].fd = safe_close(c->slots[i].fd);
}

int callbacks_listen(Callbacks *c, int family, uint16_t port) {
        static const int on = 1;
        _cleanup_close_ int fd = -1;
        Address any = {};

        fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (family == AF_INET)
                any.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
        else
                any.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
                return -errno;
        if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
                return -errno;
        if (bind(fd, &any.any, address_size(&any)) < 0 || listen(fd, CALLBACKS_MAX) < 0)
                return -errno;
        c->listener = TAKE(fd, -1);
        return 0;
}

static void drop(Callbacks *c, Callback *s, const char *reason) {
        log_debug("Call-back dropped: %s", reason);
        c->n_refused++;
        c->reason = reason;
        s->fd = safe_close(s->fd);
}

static void take_call(Callbacks *c, const Question *q) {
        Callback *s = c->slots + c->next;
        int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return; /* the caller is gone already, or we are short of something: the listener is asked again */
        if (s->fd >= 0)
                drop(c, s, "too many callers");
        *s = (Callback){ .fd = fd };
        c->next = (c->next + 1) % CALLBACKS_MAX;
        if (stream_start(q, &s->client) < 0 || send(fd, s->client.challenge, sizeof(s->client.challenge),
                                                       MSG_NOSIGNAL) != sizeof(s->client.challenge))
                drop(c, s, "it does not listen");
}

/* True when this one proved itself. */
static bool hear(Callbacks *c, Callback *s, const Sent *sent) {
        ssize_t n = read(s->fd, s->proof + s->n, sizeof(s->proof) - s->n);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0) {
                drop(c, s, "it hung up");
                return false;
        }
        s->n += (size_t) n;
        if (s->n < sizeof(s->proof))
                return false;
        if (!client_prove(&s->client, sent, s->proof)) {
                drop(c, s, s->client.reason);
                return false;
        }
        return true;
}

bool callbacks_wait(
        Callbacks *c, const Question *q, const Sent *sent, uint64_t until, int *ret_fd, Client *ret_client) {
        /* by the clock and not by silence: callers who never stop must not keep us from sending again */
        while (now_usec() < until) {
                struct pollfd fds[1 + CALLBACKS_MAX] = { { .fd = c->listener, .events = POLLIN } };

                for (size_t i = 0; i < CALLBACKS_MAX; i++)
                        fds[1 + i] = (struct pollfd){ .fd = c->slots[i].fd, .events = POLLIN };
                if (io_poll(fds, ELEMENTSOF(fds), until) <= 0)
                        return false;
                for (size_t i = 0; i < CALLBACKS_MAX; i++) {
                        Callback *s = c->slots + i;

                        if (!fds[1 + i].revents || !hear(c, s, sent))
                                continue;
                        *ret_client = s->client;
                        *ret_fd = TAKE(s->fd, -1);
                        callbacks_done(c);
                        return true;
                }
                if (fds[0].revents)
                        take_call(c, q);
        }
        return false;
}
