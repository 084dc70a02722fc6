/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The private bus: listeners connect, and speak for the guests on their sockets (names.h has the calls). One that sends
 * what none of ours does, or does not read, is dropped; what it can hold is in bus-process.h and bus-gate.h. */

#include "base.h"
#include "manager.h"

typedef struct BusServer BusServer;

/* Serves connections on a listening AF_UNIX stream socket (consumed). Accepts peers that run as root, as ourselves or in the
 * group listen_gid; the kernel says who they are. */
int bus_server_new(Manager *m, int fd, gid_t listen_gid, BusServer **ret);

/* Ends all connections, and what they had begun. */
BusServer *bus_server_free(BusServer *s);
DEFINE_CLEANUP(BusServer *, bus_server_free)
