/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request of a guest, blocking, for the load generator: what an agent does, without the agent's process. */

#include "auth.h"

#include <netinet/in.h>

typedef union Address {
        struct sockaddr any;
        struct sockaddr_in in;
} Address;

typedef struct Guest {
        const AuthKey *key;
        WireKind kind;
        Address host; /* for multicast the group */
        struct in_addr own; /* multicast: the address to be called back at, and to send from */
        Action action;
        char target[WIRE_TARGET_MAX + 1];
        int listen_fd; /* multicast: where the host calls back; owned, -1 for tcp */
        uint16_t listen_port;
} Guest;

/* Opens what is kept between requests. 0 or negative errno. */
int guest_open(Guest *g);
void guest_close(Guest *g);

/* One request, with a packet and challenge of its own. The reply byte (REPLY_LIST when a list came whole), or negative
 * errno: -EBADMSG when the host could not prove the key, -ECONNRESET when it hung up, -ETIMEDOUT after ten seconds of
 * silence. */
int guest_ask(Guest *g);
