/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unix sockets, and what the kernel knows about their other end. */

#include "address.h"
#include "base.h"

/* Connects without waiting, to a socket that does not block. -ENAMETOOLONG, or why there is no connection: -ENOENT,
 * -ECONNREFUSED, -EAGAIN (its queue is full) and the like. */
int local_connect(const char *path, int *ret);

/* The process at the other end, as an address: all its connections have the same one. AF_UNSPEC when there is none. */
void local_peer(int fd, Address *ret);

/* The number of bytes that the other end has not read, memory they take included; 0 when it has read everything. */
int local_unread(int fd, size_t *ret);
