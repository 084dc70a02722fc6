/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* By which port of which Linux bridge does an address reach this host? The kernel knows: route, then neighbour table (IP to
 * MAC address), then the bridge's forwarding database (MAC address to port). A guest chooses its addresses, but not
 * the port. */

#include "neighbour-message.h"

/* Zero claims nothing. */
typedef enum NeighbourOutcome {
        NEIGHBOUR_UNKNOWN = 0, /* the kernel cannot be asked, or does not answer */
        NEIGHBOUR_FOUND,
        NEIGHBOUR_THIS_HOST, /* one of its own addresses */
        NEIGHBOUR_NO_ROUTE,
        NEIGHBOUR_ROUTED, /* it is behind a gateway */
        NEIGHBOUR_ELSEWHERE, /* answers leave by another interface than it came in by */
        NEIGHBOUR_NO_BRIDGE, /* the interface is something else */
        NEIGHBOUR_NO_ENTRY, /* in the neighbour table; perhaps not yet, while nothing was sent to it */
        NEIGHBOUR_NO_PORT, /* in the forwarding database */
        _NEIGHBOUR_OUTCOME_MAX,
} NeighbourOutcome;

typedef struct Neighbour {
        uint32_t bridge, port; /* interface indices, which the kernel does not use twice */
        char name[IFNAMSIZ]; /* of the port */
} Neighbour;

/* Who is asked. `ask` sends a question and takes the answer, which the kernel has at once, or the first piece of it; question NULL: the
 * next piece. answer: RTNETLINK_BUFFER_SIZE. Negative errno. */
typedef struct NeighbourKernel {
        int (*ask)(const struct nlmsghdr *question, void *answer, size_t *ret_size, void *userdata);
        void *userdata;
} NeighbourKernel;

/* The real one; userdata: an int, the socket (rtnetlink.h). */
int neighbour_ask_socket(const struct nlmsghdr *question, void *answer, size_t *ret_size, void *userdata);

/* family, address: as in Identity. interface: which it came in by, or 0 if that is not known; of an IPv6 link-local address it
 * must be. *ret is set for NEIGHBOUR_FOUND only. */
NeighbourOutcome neighbour_find(const NeighbourKernel *kernel, int family, const uint8_t *address,
        uint32_t interface, Neighbour *ret);

/* True if each port of the bridge that is up is known to `is_known`; false also when the kernel does not tell. */
bool neighbour_knows_all_ports(const NeighbourKernel *kernel, uint32_t bridge,
        bool (*is_known)(const char *name, void *userdata), void *userdata);

/* Why it is refused, one sentence for the audit. Static storage. */
const char *neighbour_outcome_reason(NeighbourOutcome o);
