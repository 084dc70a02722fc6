/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The datagrams of multicast. */

#include "address.h"
#include "client.h"
#include "transport.h"

enum {
        SOURCES_MAX = 64,
        MULTICAST_TTL = 2,
};

/* Every local address of a family that a host may be able to call: of interfaces that are up, IPv4 with 127.0.0.1, IPv6
 * without ::1 and link-local ones, whose scope the packet cannot carry. How many, at most SOURCES_MAX, or negative errno. */
int datagram_sources(int family, Address ret[static SOURCES_MAX], unsigned ret_ifindex[static SOURCES_MAX]);

/* True for an address of the family that datagram_sources() would list. */
bool datagram_source_is_usable(const Address *a, int family);

/* The packet, signed, with `source` as the address to call back, from just that address and through its interface; it is
 * added to *sent. */
int datagram_send(const Question *q, const Request *request, const Address *group, const Address *source,
        unsigned ifindex, Sent *sent);

/* Sends from all sources. 0 if at least one datagram left, or the last error. */
int datagram_send_all(const Question *q, const Request *request, const Address *group, Sent *sent);
