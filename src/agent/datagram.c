/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "datagram.h"
#include "log.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

bool datagram_source_is_usable(const Address *a, int family) {
        if (a->any.sa_family != family)
                return false;
        if (family == AF_INET)
                return a->v4.sin_addr.s_addr != htonl(INADDR_ANY);
        return family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr) &&
               !IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

int datagram_sources(int family, Address ret[static SOURCES_MAX], unsigned ret_ifindex[static SOURCES_MAX]) {
        struct ifaddrs *list;
        int n = 0;

        if (getifaddrs(&list) < 0)
                return -errno;
        for (struct ifaddrs *i = list; i && n < SOURCES_MAX; i = i->ifa_next) {
                Address a = {};

                if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_addr->sa_family != family)
                        continue;
                memcpy(&a, i->ifa_addr, family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
                if (!datagram_source_is_usable(&a, family))
                        continue;
                ret[n] = a;
                ret_ifindex[n++] = if_nametoindex(i->ifa_name);
        }
        freeifaddrs(list);
        return n;
}

static int open_socket(const Address *source, unsigned ifindex) {
        static const int ttl = MULTICAST_TTL;
        struct ip_mreqn interface = { .imr_address = source->v4.sin_addr, .imr_ifindex = (int) ifindex };
        _cleanup_close_ int fd = -1;
        Address from = *source;
        int r;

        fd = socket(source->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (source->any.sa_family == AF_INET) {
                from.v4.sin_port = 0;
                r = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface));
                if (r >= 0)
                        r = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
        } else {
                from.v6.sin6_port = 0;
                r = setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex));
                if (r >= 0)
                        r = setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof(ttl));
        }
        if (r < 0)
                return -errno;
        /* a new host believes a datagram only if it comes from the address it names */
        if (bind(fd, &from.any, address_size(&from)) < 0)
                return -errno;
        return TAKE(fd, -1);
}

int datagram_send(const Question *q, const Request *request, const Address *group, const Address *source,
        unsigned ifindex, Sent *sent) {
        uint8_t packet[WIRE_PACKET_SIZE];
        _cleanup_close_ int fd = -1;
        Request r = *request;
        int k;

        r.family = source->any.sa_family;
        r.port = (uint16_t) q->options->port;
        if (r.family == AF_INET)
                memcpy(r.address, &source->v4.sin_addr, sizeof(source->v4.sin_addr));
        else
                memcpy(r.address, &source->v6.sin6_addr, sizeof(source->v6.sin6_addr));
        k = question_packet(q, &r, WIRE_MULTICAST, packet);
        if (k < 0)
                return k;
        fd = open_socket(source, ifindex);
        if (fd < 0)
                return fd;
        sent_add(sent, packet);
        if (sendto(fd, packet, sizeof(packet), MSG_NOSIGNAL, &group->any, address_size(group)) < 0)
                return -errno;
        return 0;
}

int datagram_send_all(const Question *q, const Request *request, const Address *group, Sent *sent) {
        unsigned ifindexes[SOURCES_MAX];
        Address sources[SOURCES_MAX];
        int n, n_sent = 0, r = -EADDRNOTAVAIL;

        n = datagram_sources(group->any.sa_family, sources, ifindexes);
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                r = datagram_send(q, request, group, sources + i, ifindexes[i], sent);
                if (r < 0)
                        log_debug("Cannot send from address %d of %d: %s", i + 1, n, strerror(-r));
                else
                        n_sent++;
        }
        log_debug("Sent the request from %d of %d addresses", n_sent, n);
        return n_sent > 0 ? 0 : r;
}
