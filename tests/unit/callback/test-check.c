/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "check.h"

static CallbackRequest request(const char *text, uint16_t port, uint32_t ifindex) {
        CallbackRequest r = {
                .family = strchr(text, ':') ? AF_INET6 : AF_INET, .port = port, .ifindex = ifindex
        };

        cr_assert_eq(inet_pton(r.family, text, r.address), 1, "%s", text);
        return r;
}

Test(check, lets_unicast_addresses_of_others_be_called_and_loopback_only_when_told) {
        enum { NEVER, LOCAL, ALWAYS };
        static const struct {
                const char *address;
                uint16_t port;
                uint32_t ifindex;
                int may;
        } rows[] = {
                { "10.77.0.2", 1229, 0, ALWAYS },
                { "10.77.0.2", 1024, 0, ALWAYS },
                { "10.77.0.2", 65535, 0, ALWAYS },
                { "10.77.0.2", 1023, 0, NEVER },
                { "10.77.0.2", 22, 0, NEVER },
                { "10.77.0.2", 0, 0, NEVER },
                { "10.77.0.2", 1229, 2, NEVER },
                { "126.255.255.255", 1229, 0, ALWAYS },
                { "127.0.0.1", 1229, 0, LOCAL },
                { "127.255.0.1", 1229, 0, LOCAL },
                { "127.0.0.1", 22, 0, NEVER },
                { "128.0.0.1", 1229, 0, ALWAYS },
                { "0.0.0.0", 1229, 0, NEVER },
                { "0.1.2.3", 1229, 0, NEVER },
                { "223.255.255.254", 1229, 0, ALWAYS },
                { "224.0.0.1", 1229, 0, NEVER },
                { "225.0.0.12", 1229, 0, NEVER },
                { "240.0.0.1", 1229, 0, NEVER },
                { "255.255.255.255", 1229, 0, NEVER },
                { "fd00::2", 1229, 0, ALWAYS },
                { "fd00::2", 80, 0, NEVER },
                { "fd00::2", 1229, 2, NEVER },
                { "2001:db8::1", 1229, 0, ALWAYS },
                { "fe80::1", 1229, 2, ALWAYS },
                { "febf::1", 1229, 2, ALWAYS },
                { "fe80::1", 1229, 0, NEVER },
                { "fec0::1", 1229, 0, ALWAYS },
                { "::1", 1229, 0, LOCAL },
                { "::1", 1229, 1, NEVER },
                { "::", 1229, 0, NEVER },
                { "::2", 1229, 0, NEVER },
                { "::ffff:10.77.0.2", 1229, 0, NEVER },
                { "::ffff:127.0.0.1", 1229, 0, NEVER },
                { "64:ff9b::7f00:1", 1229, 0, NEVER },
                { "ff02::1", 1229, 2, NEVER },
                { "ff05::3:1", 1229, 0, NEVER },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CallbackRequest r = request(rows[i].address, rows[i].port, rows[i].ifindex);

                cr_expect_eq(callback_may_be(&r, false), rows[i].may == ALWAYS, "row %zu", i);
                cr_expect_eq(callback_may_be(&r, true), rows[i].may != NEVER, "row %zu", i);
        }
}

Test(check, takes_an_address_in_its_only_form) {
        CallbackRequest r = request("10.77.0.2", 1229, 0);

        r.address[4] = 1;
        cr_expect(!callback_may_be(&r, true));
        r.address[4] = 0;
        r.address[15] = 1;
        cr_expect(!callback_may_be(&r, true));
        r.address[15] = 0;
        cr_expect(callback_may_be(&r, true));
}

Test(check, knows_two_families) {
        static const uint16_t families[] = { AF_UNSPEC, AF_UNIX, AF_NETLINK, AF_VSOCK, UINT16_MAX };

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                CallbackRequest r = request("10.77.0.2", 1229, 0);

                r.family = families[i];
                cr_expect(!callback_may_be(&r, true), "%u", r.family);
        }
}

Test(check, calls_another_machine_and_this_one_only_when_told) {
        for (unsigned type = 0; type < __RTN_MAX; type++) {
                cr_expect_eq(callback_may_go(type, false), type == RTN_UNICAST, "%u", type);
                cr_expect_eq(
                        callback_may_go(type, true), type == RTN_UNICAST || type == RTN_LOCAL, "%u", type);
        }
}

Test(check, lets_a_burst_through_and_then_a_steady_rate) {
        uint64_t paid = 0, now = 1000 * USEC_PER_SEC;
        unsigned n = 0;

        while (callback_may_now(&paid, now))
                n++;
        cr_expect_eq(n, CALL_BURST);
        for (unsigned ms = 0; ms < 1000; ms++) {
                now += USEC_PER_MSEC;
                n += callback_may_now(&paid, now);
        }
        cr_expect_eq(n, CALL_BURST + CALL_RATE);
        now += 3600 * USEC_PER_SEC;
        for (n = 0; callback_may_now(&paid, now);)
                n++;
        cr_expect_eq(n, CALL_BURST, "an hour of silence buys no more than a burst");
}
