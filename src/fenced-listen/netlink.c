/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

typedef union NetlinkAddress {
        struct sockaddr sa;
        struct sockaddr_nl nl;
} NetlinkAddress;

enum {
        BUFFER_SIZE = 32 * 1024, /* what the kernel fills at most per message of a dump */
        ATTEMPTS = 5, /* of a dump that a change interrupted; the change is announced anyway */
};

static int open_socket(uint32_t groups, int *ret) {
        NetlinkAddress sa = { .nl = { .nl_family = AF_NETLINK, .nl_groups = groups } };
        _cleanup_close_ int fd = -1;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (fd < 0 || bind(fd, &sa.sa, sizeof(sa)) < 0)
                return -errno;
        *ret = TAKE(fd, -1);
        return 0;
}

int netlink_watch_interfaces(int *ret_fd) {
        return open_socket(RTMGRP_LINK, ret_fd);
}

int netlink_drain(int fd) {
        uint8_t byte;

        for (;;)
                if (recv(fd, &byte, sizeof(byte), MSG_TRUNC) < 0) {
                        if (errno == EAGAIN)
                                return 0;
                        if (errno != ENOBUFS && errno != EINTR)
                                return -errno;
                }
}

/* One message from the kernel, nobody else. */
static int receive(int fd, void *buffer, size_t *ret_size) {
        NetlinkAddress sa = {};
        socklen_t length = sizeof(sa);
        ssize_t n;

        do {
                n = recvfrom(fd, buffer, BUFFER_SIZE, 0, &sa.sa, &length);
                if (n < 0 && errno != EINTR)
                        return -errno;
        } while (n < 0 || sa.nl.nl_pid != 0);
        *ret_size = (size_t) n;
        return 0;
}

static int error_of(const struct nlmsghdr *h) {
        return h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                       ? -EBADMSG
                       : ((const struct nlmsgerr *) NLMSG_DATA(h))->error;
}

static bool slave_of_vrf(const struct rtattr *linkinfo) {
        size_t n = RTA_PAYLOAD(linkinfo);

        for (const struct rtattr *a = RTA_DATA(linkinfo); RTA_OK(a, n); a = RTA_NEXT(a, n))
                if (a->rta_type == IFLA_INFO_SLAVE_KIND)
                        return RTA_PAYLOAD(a) >= 3 && memcmp(RTA_DATA(a), "vrf", 3) == 0;
        return false;
}

static bool parse_interface(const struct nlmsghdr *h, Interface *ret) {
        const struct ifinfomsg *info = NLMSG_DATA(h);
        Interface i = {};
        bool has_master = false, vrf = false;
        size_t n;

        if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
                return false;
        i.ifindex = info->ifi_index;
        i.flags = info->ifi_flags;
        n = IFLA_PAYLOAD(h);
        for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, n); a = RTA_NEXT(a, n)) {
                size_t size = RTA_PAYLOAD(a);

                if (a->rta_type == IFLA_IFNAME && size > 0)
                        memcpy(i.name, RTA_DATA(a), size < sizeof(i.name) ? size : sizeof(i.name) - 1);
                else if (a->rta_type == IFLA_MASTER)
                        has_master = true;
                else if (a->rta_type == IFLA_LINKINFO)
                        vrf = slave_of_vrf(a);
        }
        i.name[sizeof(i.name) - 1] = '\0';
        i.port = has_master && !vrf;
        *ret = i;
        return true;
}

/* 1: the dump is complete. -EINTR: it is, but something changed meanwhile. */
static int parse_dump(const void *buffer, size_t size, Interface *table, size_t *n, bool *interrupted) {
        for (const struct nlmsghdr *h = buffer; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
                if (h->nlmsg_flags & NLM_F_DUMP_INTR)
                        *interrupted = true;
                if (h->nlmsg_type == NLMSG_ERROR)
                        return error_of(h) < 0 ? error_of(h) : -EBADMSG;
                if (h->nlmsg_type == NLMSG_DONE)
                        return *interrupted ? -EINTR : 1;
                if (*n < INTERFACES_MAX && parse_interface(h, table + *n))
                        (*n)++;
        }
        return 0;
}

static int dump_interfaces(Interface *table, size_t *ret_n, void *buffer) {
        struct {
                struct nlmsghdr h;
                struct ifinfomsg info;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                        .nlmsg_type = RTM_GETLINK,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .info = { .ifi_family = AF_UNSPEC },
        };
        _cleanup_close_ int fd = -1;
        bool interrupted = false;
        size_t n = 0;
        int r;

        r = open_socket(0, &fd);
        if (r < 0)
                return r;
        if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
                return -errno;
        do {
                size_t size;

                r = receive(fd, buffer, &size);
                if (r < 0)
                        return r;
                r = parse_dump(buffer, size, table, &n, &interrupted);
        } while (r == 0);
        *ret_n = n;
        return r < 0 ? r : 0;
}

int netlink_interfaces(Interface **ret, size_t *ret_n) {
        _cleanup_free_ Interface *table = NULL;
        _cleanup_free_ void *buffer = NULL;
        size_t n = 0;
        int r = -EINTR;

        table = calloc(INTERFACES_MAX, sizeof(*table));
        buffer = malloc(BUFFER_SIZE);
        if (!table || !buffer)
                return -ENOMEM;
        for (int i = 0; i < ATTEMPTS && r == -EINTR; i++)
                r = dump_interfaces(table, &n, buffer);
        if (r < 0 && r != -EINTR)
                return r;
        *ret = TAKE(table, NULL);
        *ret_n = n;
        return 0;
}

int netlink_route_type(const Address *address, unsigned *ret_type) {
        struct {
                struct nlmsghdr h;
                struct rtmsg route;
                uint8_t attributes[2 * RTA_SPACE(16)];
        } request = { .route = { .rtm_family = (uint8_t) address->family } };
        size_t size = address_size(address), used = RTA_SPACE(size);
        struct rtattr *a = (struct rtattr *) request.attributes;
        _cleanup_free_ void *buffer = NULL;
        _cleanup_close_ int fd = -1;
        const struct nlmsghdr *h;
        int r;

        if (size == 0)
                return -EAFNOSUPPORT;
        request.route.rtm_dst_len = (uint8_t) (size * 8);
        *a = (struct rtattr){ .rta_len = (unsigned short) RTA_LENGTH(size), .rta_type = RTA_DST };
        memcpy(RTA_DATA(a), address->bytes, size);
        if (address->scope != 0) {
                a = (struct rtattr *) (request.attributes + used);
                *a = (struct rtattr){ .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF };
                memcpy(RTA_DATA(a), &address->scope, sizeof(uint32_t));
                used += RTA_SPACE(sizeof(uint32_t));
        }
        request.h = (struct nlmsghdr){
                .nlmsg_len = (uint32_t) (NLMSG_LENGTH(sizeof(struct rtmsg)) + used),
                .nlmsg_type = RTM_GETROUTE,
                .nlmsg_flags = NLM_F_REQUEST,
        };
        r = open_socket(0, &fd);
        if (r < 0)
                return r;
        if (send(fd, &request, request.h.nlmsg_len, MSG_NOSIGNAL) < 0)
                return -errno;
        buffer = malloc(BUFFER_SIZE);
        if (!buffer)
                return -ENOMEM;
        r = receive(fd, buffer, &size);
        if (r < 0)
                return r;
        h = buffer;
        if (!NLMSG_OK(h, size))
                return -EBADMSG;
        if (h->nlmsg_type == NLMSG_ERROR)
                return error_of(h) < 0 ? error_of(h) : -EBADMSG;
        if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
                return -EBADMSG;
        *ret_type = ((const struct rtmsg *) NLMSG_DATA(h))->rtm_type;
        return 0;
}
