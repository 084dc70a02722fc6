/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The questions of neighbour.c to the kernel, and its answers, by rtnetlink(7). Pure. */

#include "base.h"
#include "rtnetlink.h"

#include <net/if.h>

enum { MAC_SIZE = 6 };

typedef union NetlinkQuestion {
        struct nlmsghdr h;
        uint8_t bytes[128];
} NetlinkQuestion;

/* Which way does a packet to this address go? family: AF_INET (4 bytes) or AF_INET6 (16); scope: the interface of an IPv6
 * link-local one, else 0. */
void question_route(NetlinkQuestion *q, int family, const uint8_t *address, uint32_t scope);

/* Which MAC address has it on this interface? */
void question_neighbour(NetlinkQuestion *q, int family, const uint8_t *address, uint32_t interface);

void question_link(NetlinkQuestion *q, uint32_t interface);

/* At which port of a bridge was this MAC address seen? vlan: 0 where the bridge tells none apart. */
void question_fdb(NetlinkQuestion *q, uint32_t bridge, const uint8_t mac[static MAC_SIZE], uint16_t vlan);

/* All ports of a bridge: the answer comes in pieces. */
void question_ports(NetlinkQuestion *q, uint32_t bridge);

typedef struct RouteAnswer {
        unsigned type; /* RTN_UNICAST, RTN_LOCAL, ... */
        uint32_t interface;
        bool indirect; /* by a gateway or a tunnel */
} RouteAnswer;

typedef struct NeighbourAnswer {
        bool usable; /* the address has answered, or was set by hand; not: is being looked for, or was not found */
        uint8_t mac[MAC_SIZE];
} NeighbourAnswer;

typedef struct LinkAnswer {
        char name[IFNAMSIZ];
        bool bridge; /* a Linux bridge */
        uint16_t vlan; /* of a bridge that tells VLANs apart: the one that it is in itself by default */
} LinkAnswer;

typedef struct FdbAnswer {
        uint32_t port;
        bool learned; /* seen there lately, or set by hand; not: a MAC address of this host, or too old to be used */
} FdbAnswer;

/* What the kernel has answered to a question. 0; the error that it answered with; or -EBADMSG when it is no answer to this
 * question: then *ret is untouched. The bytes are aligned for a struct nlmsghdr. */
int answer_route(const void *bytes, size_t size, RouteAnswer *ret);
int answer_neighbour(const void *bytes, size_t size, NeighbourAnswer *ret);
int answer_link(const void *bytes, size_t size, LinkAnswer *ret);
int answer_fdb(const void *bytes, size_t size, FdbAnswer *ret);

/* One piece of the answer about all ports of a bridge: calls `each` with every one that is up, and so may send. 1: there is another
 * piece; 0: that was all; -EINTR: it was, but something has changed meanwhile. */
int answer_ports(const void *bytes, size_t size, uint32_t bridge,
        void (*each)(const char *name, void *userdata), void *userdata);
