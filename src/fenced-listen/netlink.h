/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel says about interfaces and routes (rtnetlink(7)). A query is answered by the kernel at once; none of
 * these wait for anybody. */

#include "address.h"
#include "base.h"

#include <net/if.h>

enum { INTERFACES_MAX = 4096 };

typedef struct Interface {
        int ifindex;
        char name[IFNAMSIZ];
        unsigned flags; /* IFF_UP, IFF_MULTICAST, IFF_LOOPBACK */
        bool port; /* of a bridge or bond: what it receives arrives on the master */
} Interface;

/* A socket that becomes readable when an interface appears, changes, or vanishes. */
int netlink_watch_interfaces(int *ret_fd);

/* Throws away what it says; lost messages are no error, since one change is as good as two. */
int netlink_drain(int fd);

/* All interfaces, at most INTERFACES_MAX. The caller frees *ret. */
int netlink_interfaces(Interface **ret, size_t *ret_n);

/* The type of the route to an address, RTN_LOCAL for one of our own, RTN_UNICAST for another machine. -ENETUNREACH and
 * the like when there is none. */
int netlink_route_type(const Address *address, unsigned *ret_type);
