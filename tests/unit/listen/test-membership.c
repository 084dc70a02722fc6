/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "membership.h"

Test(membership, wants_what_is_up_and_can_do_multicast_and_is_no_port) {
        static const InterfaceFilter all = {}, local = { .local = true },
                                     bridges = { .patterns = { "virbr*", "br[0-9]" }, .n_patterns = 2 },
                                     lo = { .patterns = { "lo" }, .n_patterns = 1, .local = true };
        static const struct {
                Interface interface;
                const InterfaceFilter *filter;
                bool wanted;
        } rows[] = {
                { { 2, "eth0", IFF_UP | IFF_MULTICAST, false }, &all, true },
                { { 2, "eth0", IFF_MULTICAST, false }, &all, false },
                { { 2, "tun0", IFF_UP, false }, &all, false },
                { { 2, "vnet0", IFF_UP | IFF_MULTICAST, true }, &all, false },
                { { 1, "lo", IFF_UP | IFF_LOOPBACK, false }, &all, false },
                { { 1, "lo", IFF_UP | IFF_LOOPBACK | IFF_MULTICAST, false }, &all, false },
                { { 1, "lo", IFF_UP | IFF_LOOPBACK, false }, &local, true },
                { { 1, "lo", IFF_LOOPBACK, false }, &local, false },
                { { 2, "eth0", IFF_UP | IFF_MULTICAST, false }, &local, true },
                { { 2, "eth0", IFF_UP | IFF_MULTICAST, false }, &bridges, false },
                { { 3, "virbr0", IFF_UP | IFF_MULTICAST, false }, &bridges, true },
                { { 4, "br7", IFF_UP | IFF_MULTICAST, false }, &bridges, true },
                { { 5, "br77", IFF_UP | IFF_MULTICAST, false }, &bridges, false },
                { { 6, "virbr1", IFF_UP | IFF_MULTICAST, true }, &bridges, false },
                { { 1, "lo", IFF_UP | IFF_LOOPBACK, false }, &bridges, false },
                { { 1, "lo", IFF_UP | IFF_LOOPBACK, false }, &lo, true },
                { { 2, "eth0", IFF_UP | IFF_MULTICAST, false }, &lo, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(interface_is_wanted(&rows[i].interface, rows[i].filter), rows[i].wanted,
                        "row %zu", i);
}
