/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading, writing and connecting that end when they must. Deadlines are CLOCK_MONOTONIC in microseconds, absolute, and
 * descriptors non-blocking. */

#include "base.h"

#include <poll.h>
#include <sys/socket.h>

uint64_t now_usec(void);

/* Waits for any of the events: how many descriptors have one, 0 when `until` has passed, or negative errno. */
int io_poll(struct pollfd *fds, nfds_t n, uint64_t until);

/* All of it or an error: -ETIMEDOUT, or -ECONNRESET when a read met the end. */
int io_write(int fd, const void *data, size_t size, uint64_t deadline);
int io_read(int fd, void *buffer, size_t size, uint64_t deadline);

/* What is there, at least one byte: how many, or an error as above. */
ssize_t io_read_some(int fd, void *buffer, size_t size, uint64_t deadline);

/* A connected stream socket, or -ETIMEDOUT or another negative errno. */
int io_connect(const struct sockaddr *address, socklen_t size, uint64_t deadline);
