/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "io.h"

#include <limits.h>
#include <time.h>

uint64_t now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

int io_poll(struct pollfd *fds, nfds_t n, uint64_t until) {
        for (;;) {
                uint64_t now = now_usec();
                uint64_t msec = until > now ? (until - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
                int k = poll(fds, n, msec > INT_MAX ? INT_MAX : (int) msec);

                if (k > 0 || (k == 0 && now_usec() >= until))
                        return k;
                if (k < 0 && errno != EINTR)
                        return -errno;
        }
}

static int wait_for(int fd, short events, uint64_t deadline) {
        struct pollfd p = { .fd = fd, .events = events };
        int r = io_poll(&p, 1, deadline);

        if (r <= 0)
                return r < 0 ? r : -ETIMEDOUT;
        /* a virtio port whose host is away says nothing but "hung up", at once and again and again */
        return p.revents & events ? 0 : -ECONNRESET;
}

int io_write(int fd, const void *data, size_t size, uint64_t deadline) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EAGAIN) {
                        int r = wait_for(fd, POLLOUT, deadline);

                        if (r < 0)
                                return r;
                } else if (n < 0 && errno != EINTR)
                        return -errno;
                else if (n > 0) {
                        p += n;
                        size -= (size_t) n;
                }
        }
        return 0;
}

ssize_t io_read_some(int fd, void *buffer, size_t size, uint64_t deadline) {
        /* by the clock, and not only when there is nothing: a line may never be silent */
        while (now_usec() < deadline) {
                ssize_t n = read(fd, buffer, size);
                int r;

                if (n > 0)
                        return n;
                if (n == 0)
                        return -ECONNRESET;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                r = wait_for(fd, POLLIN, deadline);
                if (r < 0)
                        return r;
        }
        return -ETIMEDOUT;
}

int io_read(int fd, void *buffer, size_t size, uint64_t deadline) {
        for (size_t have = 0; have < size;) {
                ssize_t n = io_read_some(fd, (uint8_t *) buffer + have, size - have, deadline);

                if (n < 0)
                        return (int) n;
                have += (size_t) n;
        }
        return 0;
}

int io_connect(const struct sockaddr *address, socklen_t size, uint64_t deadline) {
        _cleanup_close_ int fd = -1;
        int error = 0, r;
        socklen_t n = sizeof(error);

        fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, address, size) < 0) {
                if (errno != EINPROGRESS && errno != EINTR)
                        return -errno;
                r = wait_for(fd, POLLOUT, deadline);
                if (r < 0)
                        return r;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
                        return -errno;
                if (error != 0)
                        return -error;
        }
        return TAKE(fd, -1);
}
