/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "neighbour.h"
#include "log.h"

#include <string.h>
#include <sys/socket.h>

/* One look: the question and the answer in hand. */
typedef struct Look {
        const NeighbourKernel *kernel;
        NetlinkQuestion question;
        void *answer; /* RTNETLINK_BUFFER_SIZE */
        size_t size;
} Look;

int neighbour_ask_socket(const struct nlmsghdr *question, void *answer, size_t *ret_size, void *userdata) {
        const int *fd = userdata;
        int r = question ? rtnetlink_ask(*fd, question) : 0;

        return r < 0 ? r : rtnetlink_receive(*fd, answer, ret_size);
}

static int ask(Look *l) {
        return l->kernel->ask(&l->question.h, l->answer, &l->size, l->kernel->userdata);
}

static NeighbourOutcome unknown(int error, const char *what) {
        log_full_errno(LOG_DEBUG, error, "Cannot ask the kernel for %s: %m", what);
        return NEIGHBOUR_UNKNOWN;
}

static bool is_link_local(int family, const uint8_t *address) {
        return family == AF_INET6 && address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static NeighbourOutcome find_interface(
        Look *l, int family, const uint8_t *address, uint32_t interface, uint32_t *ret) {
        RouteAnswer route;

        question_route(&l->question, family, address, is_link_local(family, address) ? interface : 0);
        int r = ask(l);
        if (r >= 0)
                r = answer_route(l->answer, l->size, &route);
        if (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL)
                return NEIGHBOUR_NO_ROUTE; /* none, or one that says no: unreachable, prohibit, blackhole */
        if (r < 0)
                return unknown(r, "a route");
        if (route.type == RTN_LOCAL)
                return NEIGHBOUR_THIS_HOST;
        if (route.type != RTN_UNICAST || route.interface == 0)
                return NEIGHBOUR_NO_ROUTE;
        if (route.indirect)
                return NEIGHBOUR_ROUTED;
        if (interface != 0 && route.interface != interface)
                return NEIGHBOUR_ELSEWHERE;
        *ret = route.interface;
        return NEIGHBOUR_FOUND;
}

static int find_link(Look *l, uint32_t interface, LinkAnswer *ret) {
        question_link(&l->question, interface);
        int r = ask(l);
        return r < 0 ? r : answer_link(l->answer, l->size, ret);
}

static NeighbourOutcome find_mac(
        Look *l, int family, const uint8_t *address, uint32_t interface, NeighbourAnswer *ret) {
        question_neighbour(&l->question, family, address, interface);
        int r = ask(l);
        if (r >= 0)
                r = answer_neighbour(l->answer, l->size, ret);
        if (r == -ENOENT)
                return NEIGHBOUR_NO_ENTRY;
        if (r < 0)
                return unknown(r, "a neighbour");
        return ret->usable ? NEIGHBOUR_FOUND : NEIGHBOUR_NO_ENTRY;
}

static NeighbourOutcome find_port(Look *l, uint32_t bridge, const LinkAnswer *link,
        const uint8_t mac[static MAC_SIZE], uint32_t *ret) {
        FdbAnswer fdb;

        question_fdb(&l->question, bridge, mac, link->vlan);
        int r = ask(l);
        if (r >= 0)
                r = answer_fdb(l->answer, l->size, &fdb);
        if (r == -ENOENT)
                return NEIGHBOUR_NO_PORT;
        if (r < 0)
                return unknown(r, "the port of a MAC address");
        if (!fdb.learned || fdb.port == bridge)
                return NEIGHBOUR_NO_PORT;
        *ret = fdb.port;
        return NEIGHBOUR_FOUND;
}

static NeighbourOutcome find(
        Look *l, int family, const uint8_t *address, uint32_t interface, Neighbour *ret) {
        NeighbourAnswer neighbour = {};
        LinkAnswer bridge, port;
        Neighbour n = {};

        NeighbourOutcome o = find_interface(l, family, address, interface, &n.bridge);
        if (o != NEIGHBOUR_FOUND)
                return o;
        int r = find_link(l, n.bridge, &bridge);
        if (r < 0)
                return unknown(r, "an interface");
        if (!bridge.bridge)
                return NEIGHBOUR_NO_BRIDGE;
        o = find_mac(l, family, address, n.bridge, &neighbour);
        if (o == NEIGHBOUR_FOUND)
                o = find_port(l, n.bridge, &bridge, neighbour.mac, &n.port);
        if (o != NEIGHBOUR_FOUND)
                return o;
        r = find_link(l, n.port, &port);
        if (r < 0)
                return unknown(r, "a port");
        memcpy(n.name, port.name, sizeof(n.name));
        *ret = n;
        return NEIGHBOUR_FOUND;
}

NeighbourOutcome neighbour_find(const NeighbourKernel *kernel, int family, const uint8_t *address,
        uint32_t interface, Neighbour *ret) {
        _cleanup_free_ void *buffer = NULL;

        if (!kernel->ask || (family != AF_INET && family != AF_INET6))
                return NEIGHBOUR_UNKNOWN;
        buffer = malloc(RTNETLINK_BUFFER_SIZE);
        if (!buffer)
                return NEIGHBOUR_UNKNOWN;
        Look l = { .kernel = kernel, .answer = buffer };
        return find(&l, family, address, interface, ret);
}

typedef struct PortsSeen {
        bool (*is_known)(const char *name, void *userdata);
        void *userdata;
        bool all;
} PortsSeen;

static void see_port(const char *name, void *userdata) {
        PortsSeen *seen = userdata;

        seen->all = seen->all && seen->is_known(name, seen->userdata);
}

bool neighbour_knows_all_ports(const NeighbourKernel *kernel, uint32_t bridge,
        bool (*is_known)(const char *name, void *userdata), void *userdata) {
        PortsSeen seen = { is_known, userdata, true };
        _cleanup_free_ void *buffer = malloc(RTNETLINK_BUFFER_SIZE);
        NetlinkQuestion question;
        size_t size;
        int r = 1;

        if (!buffer || !kernel->ask)
                return false;
        question_ports(&question, bridge);
        for (bool first = true; r > 0; first = false) {
                r = kernel->ask(first ? &question.h : NULL, buffer, &size, kernel->userdata);
                if (r >= 0)
                        r = answer_ports(buffer, size, bridge, see_port, &seen);
        }
        return r >= 0 && seen.all;
}

const char *neighbour_outcome_reason(NeighbourOutcome o) {
        static const char *const reasons[_NEIGHBOUR_OUTCOME_MAX] = {
                [NEIGHBOUR_UNKNOWN] =
                        "LocalGuestsOnly=yes, and the kernel does not tell who is a neighbour; after "
                        "an upgrade, restart fence-virt-exec.socket",
                [NEIGHBOUR_FOUND] = "found",
                [NEIGHBOUR_THIS_HOST] = "LocalGuestsOnly=yes, and it is an address of this host",
                [NEIGHBOUR_NO_ROUTE] = "LocalGuestsOnly=yes, and it is no neighbour: there is no way to it",
                [NEIGHBOUR_ROUTED] = "LocalGuestsOnly=yes, and it is no neighbour: it is behind a gateway",
                [NEIGHBOUR_ELSEWHERE] =
                        "LocalGuestsOnly=yes, and the way to it is another interface than it came in by",
                [NEIGHBOUR_NO_BRIDGE] =
                        "LocalGuestsOnly=yes, and its interface is no Linux bridge, so that nothing "
                        "tells guests apart; for guests by macvtap, Open vSwitch or another host "
                        "say LocalGuestsOnly=no",
                [NEIGHBOUR_NO_ENTRY] = "LocalGuestsOnly=yes, and it is not in the kernel's neighbour table",
                [NEIGHBOUR_NO_PORT] = "LocalGuestsOnly=yes, and it was not seen at any port of the bridge",
        };

        return reasons[o];
}
