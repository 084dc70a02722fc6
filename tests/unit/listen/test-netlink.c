/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

static int rtnetlink_socket(uint32_t groups) {
        struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        cr_assert(fd >= 0);
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0);
        return fd;
}

Test(netlink, finds_the_loopback_interface) {
        _cleanup_free_ Interface *table = NULL;
        _cleanup_close_ int fd = rtnetlink_socket(0);
        bool found = false;
        size_t n;

        cr_assert_eq(netlink_interfaces(fd, &table, &n), 0);
        for (size_t i = 0; i < n; i++)
                if (strcmp(table[i].name, "lo") == 0) {
                        found = true;
                        cr_expect_eq(table[i].ifindex, (int) if_nametoindex("lo"));
                        cr_expect(table[i].flags & IFF_LOOPBACK);
                        cr_expect(!table[i].port);
                }
        cr_expect(found);
}

Test(netlink, is_quiet_after_it_was_drained) {
        _cleanup_close_ int fd = rtnetlink_socket(RTMGRP_LINK);

        cr_expect_eq(netlink_drain(fd), 0);
        cr_expect_eq(netlink_drain(fd), 0);
}

Test(netlink, takes_one_socket_of_each_kind_and_no_other) {
        NetlinkSockets s = { -1, -1 };
        _cleanup_close_ int watch = rtnetlink_socket(RTMGRP_LINK), ask = rtnetlink_socket(0),
                            more = rtnetlink_socket(0), other = rtnetlink_socket(RTMGRP_NEIGH),
                            udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        cr_expect(!netlink_take(&s, udp));
        cr_expect(!netlink_take(&s, other));
        cr_expect(netlink_take(&s, watch));
        cr_expect(!netlink_take(&s, watch));
        cr_expect(netlink_take(&s, ask));
        cr_expect(!netlink_take(&s, more));
        cr_expect_eq(s.watch, watch);
        cr_expect_eq(s.ask, ask);
}
