/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netlink.h"
#include "rtnetlink.h"

#include <string.h>
#include <sys/socket.h>

enum { ATTEMPTS = 5 }; /* of a dump that a change interrupted; the change is announced anyway */

bool netlink_take(NetlinkSockets *s, int fd) {
        int *slot = rtnetlink_is_socket(fd, RTMGRP_LINK) ? &s->watch
                    : rtnetlink_is_socket(fd, 0)         ? &s->ask
                                                         : NULL;
        int on = 1;

        if (!slot || *slot >= 0)
                return false;
        /* Lost messages are no error here, see netlink_drain(); to systemd, which polls this while nobody serves, one would
         * be the end of the whole socket unit. */
        if (slot == &s->watch)
                (void) setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
        *slot = fd;
        return true;
}

int netlink_drain(int fd) {
        uint8_t byte;

        for (;;)
                if (recv(fd, &byte, sizeof(byte), MSG_TRUNC | MSG_DONTWAIT) < 0) {
                        if (errno == EAGAIN)
                                return 0;
                        if (errno != ENOBUFS && errno != EINTR)
                                return -errno;
                }
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
                        return rtnetlink_error(h);
                if (h->nlmsg_type == NLMSG_DONE)
                        return *interrupted ? -EINTR : 1;
                if (*n < INTERFACES_MAX && parse_interface(h, table + *n))
                        (*n)++;
        }
        return 0;
}

static int dump_interfaces(int fd, Interface *table, size_t *ret_n, void *buffer) {
        struct {
                struct nlmsghdr h;
                struct ifinfomsg info;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                        .nlmsg_type = RTM_GETLINK,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .info = { .ifi_family = AF_UNSPEC },
        };
        bool interrupted = false;
        size_t n = 0;
        int r;

        r = rtnetlink_ask(fd, &request.h);
        if (r < 0)
                return r;
        do {
                size_t size;

                r = rtnetlink_receive(fd, buffer, &size);
                if (r < 0)
                        return r;
                r = parse_dump(buffer, size, table, &n, &interrupted);
        } while (r == 0);
        *ret_n = n;
        return r < 0 ? r : 0;
}

int netlink_interfaces(int fd, Interface **ret, size_t *ret_n) {
        _cleanup_free_ Interface *table = NULL;
        _cleanup_free_ void *buffer = NULL;
        size_t n = 0;
        int r = -EINTR;

        table = calloc(INTERFACES_MAX, sizeof(*table));
        buffer = malloc(RTNETLINK_BUFFER_SIZE);
        if (!table || !buffer)
                return -ENOMEM;
        for (int i = 0; i < ATTEMPTS && r == -EINTR; i++)
                r = dump_interfaces(fd, table, &n, buffer);
        if (r < 0 && r != -EINTR)
                return r;
        *ret = TAKE(table, NULL);
        *ret_n = n;
        return 0;
}
