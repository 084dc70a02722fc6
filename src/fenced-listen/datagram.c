/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "datagram.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

enum { FIRST_UNPRIVILEGED_PORT = 1024 };

int datagram_prepare(int fd) {
        int family, on = 1, off = 0;
        socklen_t length = sizeof(family);

        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
                return -errno;
        if (family == AF_INET) {
                if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
                        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) < 0)
                        return -errno;
        } else if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
                   setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof(off)) < 0)
                return -errno;
        return 0;
}

static void take_pktinfo(const struct cmsghdr *c, Datagram *d) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;

                memcpy(&info, CMSG_DATA(c), sizeof(info));
                d->destination.family = AF_INET;
                memcpy(d->destination.bytes, &info.ipi_addr, 4);
                d->ifindex = (uint32_t) info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                struct in6_pktinfo info;

                memcpy(&info, CMSG_DATA(c), sizeof(info));
                d->destination.family = AF_INET6;
                memcpy(d->destination.bytes, &info.ipi6_addr, 16);
                d->ifindex = info.ipi6_ifindex;
        }
}

int datagram_receive(int fd, Datagram *ret) {
        union {
                struct cmsghdr align;
                uint8_t space[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
                              CMSG_SPACE(sizeof(struct in_pktinfo))];
        } control;
        SocketAddress sa = {};
        Datagram d = {};
        struct iovec iov = { d.bytes, sizeof(d.bytes) };
        struct msghdr m = { .msg_name = &sa,
                .msg_namelen = sizeof(sa),
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control) };
        uint16_t port;
        ssize_t n;

        do
                n = recvmsg(fd, &m, MSG_TRUNC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        d.size = (size_t) n;
        address_from_sockaddr(&sa, &d.source, &port);
        for (const struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, (struct cmsghdr *) c))
                take_pktinfo(c, &d);
        *ret = d;
        return 1;
}

RefusedByForm datagram_check(const Datagram *d, const Address *group, bool served, uint16_t *ret_port) {
        Request r;

        if (!address_equal(&d->destination, group))
                return REFUSED_NOT_TO_GROUP;
        if (!served)
                return REFUSED_INTERFACE;
        if (d->size != WIRE_PACKET_SIZE)
                return REFUSED_SIZE;
        if (wire_decode_packet(d->bytes, WIRE_MULTICAST, &r) < 0)
                return REFUSED_FORM;
        if (r.family != d->source.family ||
                memcmp(r.address, d->source.bytes, address_size(&d->source)) != 0)
                return REFUSED_CALLBACK_ADDRESS;
        if (r.port < FIRST_UNPRIVILEGED_PORT)
                return REFUSED_CALLBACK_PORT;
        *ret_port = r.port;
        return 0;
}

RefusedByForm datagram_check_route(unsigned route_type, bool allow_local) {
        if (route_type == RTN_UNICAST || (route_type == RTN_LOCAL && allow_local))
                return 0;
        return REFUSED_CALLBACK_ADDRESS;
}
