/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "check.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum { FIRST_UNPRIVILEGED_PORT = 1024 };

static bool may_be_ipv4(const CallbackRequest *r, bool local) {
        static const uint8_t zero[12];
        uint8_t first = r->address[0];

        return r->ifindex == 0 && memcmp(r->address + 4, zero, 12) == 0 && first > 0 && first < 224 &&
               (first != 127 || local);
}

/* A link-local address means nothing without its interface, and no other has one. Half of what begins with zero is IPv4 in
 * disguise; of the rest only ::1 is anybody's address. */
static bool may_be_ipv6(const CallbackRequest *r, bool local) {
        static const uint8_t loopback[16] = { [15] = 1 };
        bool link_local = r->address[0] == 0xfe && (r->address[1] & 0xc0) == 0x80;

        if (r->address[0] == 0)
                return local && r->ifindex == 0 && memcmp(r->address, loopback, 16) == 0;
        return r->address[0] != 0xff && link_local == (r->ifindex != 0);
}

bool callback_may_be(const CallbackRequest *r, bool local) {
        if (r->port < FIRST_UNPRIVILEGED_PORT)
                return false;
        if (r->family == AF_INET)
                return may_be_ipv4(r, local);
        return r->family == AF_INET6 && may_be_ipv6(r, local);
}

bool callback_may_go(unsigned route_type, bool local) {
        return route_type == RTN_UNICAST || (route_type == RTN_LOCAL && local);
}

bool callback_may_now(uint64_t *paid_usec, uint64_t now_usec) {
        const uint64_t cost = USEC_PER_SEC / CALL_RATE;

        if (*paid_usec < now_usec)
                *paid_usec = now_usec;
        if (*paid_usec + cost > now_usec + CALL_BURST * cost)
                return false;
        *paid_usec += cost;
        return true;
}
