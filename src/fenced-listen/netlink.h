/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's interfaces, by the rtnetlink sockets that systemd passes (rtnetlink.h). Nothing here waits for anybody. */

#include "base.h"

#include <net/if.h>

enum { INTERFACES_MAX = 4096 };

typedef struct Interface {
        int ifindex;
        char name[IFNAMSIZ];
        unsigned flags; /* IFF_UP, IFF_MULTICAST, IFF_LOOPBACK */
        bool port; /* of a bridge or bond: what it receives arrives on the master */
} Interface;

/* Answers and announcements do not mix: a queue full of the latter has no room for the former. -1: was not passed. */
typedef struct NetlinkSockets {
        int watch; /* readable when an interface appears, changes, or vanishes (ListenNetlink=route 1) */
        int ask; /* ListenNetlink=route */
} NetlinkSockets;

/* Takes a socket that systemd passed for what it is; false: for nothing, or there was one before. */
bool netlink_take(NetlinkSockets *s, int fd);

/* Throws away what `watch` says; lost messages are no error, since one change is as good as two. */
int netlink_drain(int fd);

/* All interfaces, at most INTERFACES_MAX; fd: `ask`. The caller frees *ret. */
int netlink_interfaces(int fd, Interface **ret, size_t *ret_n);
