/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps sockets joined to the groups they are bound to, on the interfaces that are served, while these come and go. A
 * join belongs to the socket, which systemd keeps: what an earlier run joined is left when it is not wanted any more. */

#include "address.h"
#include "base.h"
#include "netlink.h"

#include <systemd/sd-event.h>

enum { INTERFACE_PATTERNS_MAX = 64 };

/* Which interfaces are served. */
typedef struct InterfaceFilter {
        const char *patterns
                [INTERFACE_PATTERNS_MAX]; /* fnmatch(3); none: every interface but the loopback one */
        size_t n_patterns;
        bool local; /* the loopback interface as well */
} InterfaceFilter;

/* Up, able to do multicast, not a port of another interface, named by a pattern if there are any. */
bool interface_is_wanted(const Interface *i, const InterfaceFilter *filter);

typedef struct Membership Membership;

/* Joins, and follows the interfaces from then on. The descriptors are borrowed, the filter is copied (its strings are
 * not). That some interface cannot be joined is said in the log, and no error. */
int membership_new(sd_event *event, const NetlinkSockets *netlink, const int *fds, size_t n_fds,
        const InterfaceFilter *filter, Membership **ret);
void membership_free(Membership *m);
DEFINE_CLEANUP(Membership *, membership_free);

/* True for an interface that the groups were to be joined on. */
bool membership_serves(const Membership *m, uint32_t ifindex);
