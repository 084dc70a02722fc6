/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks fenced-callback, which has the host's network, for a socket that connects to a guest. */

#include "address.h"
#include "base.h"

/* Asks; never waits. *ret_fd is the caller's: readable when the answer is there. A negative errno: nobody to ask. */
int callback_ask(const char *path, const Address *address, uint16_t port, int *ret_fd);

/* 1: the answer, an errno or 0 with the socket, non-blocking, connecting, the caller's (else -1). 0: not yet. Else a negative
 * errno: there will be none, and nothing was written. */
int callback_take(int fd, int *ret_socket, int *ret_error);
