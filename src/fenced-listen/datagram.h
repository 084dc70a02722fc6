/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Multicast requests: one datagram that says where to call back. Nothing is believed that the kernel does not confirm
 * (H6, H7 of the threat model). */

#include "address.h"
#include "base.h"
#include "names.h"
#include "wire.h"

typedef struct Datagram {
        uint8_t bytes[WIRE_PACKET_SIZE];
        size_t size; /* as it was sent; only min(size, WIRE_PACKET_SIZE) bytes are here */
        Address source, destination; /* by the kernel: who sent it, to which group */
        uint32_t ifindex; /* and the interface it came in by */
} Datagram;

/* Makes a socket tell destination and interface, and deliver only what was joined on itself. 0 or a negative errno. */
int datagram_prepare(int fd);

/* 1: one datagram. 0: there is none. Else a negative errno. */
int datagram_receive(int fd, Datagram *ret);

/* Pure. 0, or why this is no request; group: what the socket is bound to; served: of d->ifindex. *ret_port, the port to call
 * back, is written when 0. */
RefusedByForm datagram_check(const Datagram *d, const Address *group, bool served, uint16_t *ret_port);

/* Pure. 0, or why nobody is called there. route_type: RTN_* of the source (rtnetlink(7)). */
RefusedByForm datagram_check_route(unsigned route_type, bool allow_local);
