/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnetlink.h"

static int rtnetlink_socket(int protocol, uint32_t groups) {
        struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

        cr_assert(fd >= 0);
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0);
        return fd;
}

static unsigned route_type(int fd, const char *text) {
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;
        unsigned type = RTN_UNSPEC;
        uint8_t address[16];

        cr_assert_eq(inet_pton(family, text, address), 1);
        cr_expect_eq(rtnetlink_route_type(fd, family, address, 0, &type), 0, "%s", text);
        return type;
}

Test(rtnetlink, knows_its_own_sockets) {
        _cleanup_close_ int ask = rtnetlink_socket(NETLINK_ROUTE, 0),
                            watch = rtnetlink_socket(NETLINK_ROUTE, RTMGRP_LINK),
                            other = rtnetlink_socket(NETLINK_KOBJECT_UEVENT, 0),
                            udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        cr_expect(rtnetlink_is_socket(ask, 0));
        cr_expect(!rtnetlink_is_socket(ask, RTMGRP_LINK));
        cr_expect(rtnetlink_is_socket(watch, RTMGRP_LINK));
        cr_expect(!rtnetlink_is_socket(watch, 0));
        cr_expect(!rtnetlink_is_socket(other, 0));
        cr_expect(!rtnetlink_is_socket(udp, 0));
        cr_expect(!rtnetlink_is_socket(-1, 0));
}

Test(rtnetlink, tells_own_addresses_from_others) {
        _cleanup_close_ int fd = rtnetlink_socket(NETLINK_ROUTE, 0);

        cr_expect_eq(route_type(fd, "127.0.0.1"), RTN_LOCAL);
        cr_expect_eq(route_type(fd, "127.1.2.3"), RTN_LOCAL);
        cr_expect_eq(route_type(fd, "127.255.255.255"), RTN_BROADCAST);
}

Test(rtnetlink, has_no_route_to_what_is_no_address) {
        _cleanup_close_ int fd = rtnetlink_socket(NETLINK_ROUTE, 0);
        const uint8_t address[16] = {};
        unsigned type = 77;

        cr_expect_eq(rtnetlink_route_type(fd, AF_UNSPEC, address, 0, &type), -EAFNOSUPPORT);
        cr_expect_eq(type, 77);
}

Test(rtnetlink, does_not_take_what_was_left_for_the_answer) {
        struct {
                struct nlmsghdr h;
                struct ifinfomsg info;
        } dump = {
                .h = { .nlmsg_len = sizeof(dump),
                        .nlmsg_type = RTM_GETLINK,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        };
        _cleanup_close_ int fd = rtnetlink_socket(NETLINK_ROUTE, 0);

        cr_assert_eq(rtnetlink_ask(fd, &dump.h), 0); /* by somebody who died before it read the answer */
        cr_expect_eq(route_type(fd, "127.0.0.1"), RTN_LOCAL);
}
