/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The private bus: listeners connect, and speak for the guests on their sockets (names.h has the calls). */

#include "base.h"
#include "manager.h"

enum {
        BUS_CONNECTIONS_MAX = 64,
        BUS_CONVERSATIONS_MAX = 1024, /* of one listener */
};

typedef struct BusServer BusServer;

/* Serves connections on a listening AF_UNIX stream socket (consumed). Accepts peers that run as root, as ourselves or as
 * listen_uid; the kernel says who they are. */
int bus_server_new(Manager *m, int fd, uid_t listen_uid, BusServer **ret);

/* Ends all connections, and what they had begun. */
BusServer *bus_server_free(BusServer *s);
DEFINE_CLEANUP(BusServer *, bus_server_free)
