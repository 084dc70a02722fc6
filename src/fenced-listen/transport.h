/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What differs between transports: a row each. */

#include "conversation.h"
#include "limits.h"
#include "netlink.h"

typedef struct Transport {
        const char *name; /* --transport=, ORIGIN_TRANSPORT, and of the sockets */
        int type; /* SOCK_STREAM: connections are accepted; SOCK_DGRAM: guests are called back */
        WireKind kind;
        const Phase *flow; /* NULL: connections are channels, which stay and carry any number of frames */
        const Phase *unsigned_flow; /* of packets without hash; NULL: these are refused */
        bool idles; /* may end when nobody needs it: no state outside the socket */
        bool joins; /* multicast groups, on interfaces */
        bool has_local; /* can tell what comes from this host, which needs --allow-local */
        bool dials; /* --connect= */
        const char *socket; /* what check() wants, for the message */
        bool (*check)(int fd);
} Transport;

/* NULL when there is none of this name. Static storage. */
const Transport *transport_find(const char *name);

/* True for the names that systemd gives to sockets of this transport: FileDescriptorName=NAME, or by default that of the
 * unit, ANYTHING@NAME.socket. */
bool transport_owns(const Transport *t, const char *fd_name);

/* Takes the sockets that systemd passed, all of which must be of this transport, and makes them non-blocking. A transport
 * that joins gets both rtnetlink sockets with them. Says what is wrong with them. -ENOTCONN when there are none, -EPROTOTYPE
 * for one of another kind. */
int transport_take_sockets(
        const Transport *t, NetlinkSockets *netlink, int ret_fds[static SOCKETS_MAX], size_t *ret_n);
