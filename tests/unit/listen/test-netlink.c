/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink.h"

static Address address(const char *text) {
        Address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

        cr_assert_eq(inet_pton(a.family, text, a.bytes), 1);
        return a;
}

Test(netlink, finds_the_loopback_interface) {
        _cleanup_free_ Interface *table = NULL;
        bool found = false;
        size_t n;

        cr_assert_eq(netlink_interfaces(&table, &n), 0);
        for (size_t i = 0; i < n; i++)
                if (strcmp(table[i].name, "lo") == 0) {
                        found = true;
                        cr_expect_eq(table[i].ifindex, (int) if_nametoindex("lo"));
                        cr_expect(table[i].flags & IFF_LOOPBACK);
                        cr_expect(!table[i].port);
                }
        cr_expect(found);
}

Test(netlink, tells_own_addresses_from_others) {
        static const struct {
                const char *text;
                unsigned type;
        } rows[] = { { "127.0.0.1", RTN_LOCAL }, { "127.1.2.3", RTN_LOCAL } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Address a = address(rows[i].text);
                unsigned type = RTN_UNSPEC;

                cr_expect_eq(netlink_route_type(&a, &type), 0);
                cr_expect_eq(type, rows[i].type, "%s: %u", rows[i].text, type);
        }
}

Test(netlink, has_no_route_to_nowhere) {
        Address none = { .family = AF_UNSPEC };
        unsigned type = 77;

        cr_expect_eq(netlink_route_type(&none, &type), -EAFNOSUPPORT);
        cr_expect_eq(type, 77);
}

Test(netlink, is_quiet_after_it_was_drained) {
        _cleanup_close_ int fd = -1;

        cr_assert_eq(netlink_watch_interfaces(&fd), 0);
        cr_expect_eq(netlink_drain(fd), 0);
        cr_expect_eq(netlink_drain(fd), 0);
}
