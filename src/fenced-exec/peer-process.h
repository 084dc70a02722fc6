/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which process holds the other end of a unix socket, in the kernel's words. SO_PEERCRED alone goes on naming a pid that
 * has died, and may be somebody else's by now; a pidfd does not. */

#include "base.h"

#include <sys/types.h>
#include <sys/un.h>

typedef struct PeerProcess {
        int pidfd; /* owned; close with safe_close() */
        pid_t pid; /* as seen from here */
        char path[sizeof(((struct sockaddr_un *) NULL)->sun_path) +
                  1]; /* of the socket, at whichever end it has one */
} PeerProcess;

/* SO_PEERPIDFD (Linux 6.5), or SO_PEERCRED and pidfd_open(2) while the socket is still connected. -ESRCH: it is dead, or in another pid
 * namespace; -ENOENT: neither end has a path (abstract and unnamed sockets); -EAFNOSUPPORT: no unix stream socket. */
int peer_process_from_socket(int fd, PeerProcess *ret);

/* 1 while it lives, 0 when it is dead, negative errno when that cannot be told. */
int peer_process_is_alive(int pidfd);
