/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "transport.h"

Test(transport, is_found_by_its_exact_name) {
        cr_expect_str_eq(transport_find("tcp")->name, "tcp");
        cr_expect_str_eq(transport_find("multicast")->name, "multicast");
        cr_expect_str_eq(transport_find("serial")->name, "serial");
        cr_expect_str_eq(transport_find("vsock")->name, "vsock");
        cr_expect_null(transport_find(""));
        cr_expect_null(transport_find("tc"));
        cr_expect_null(transport_find("tcp "));
        cr_expect_null(transport_find("TCP"));
}

Test(transport, owns_sockets_by_the_name_systemd_gives_them) {
        static const struct {
                const char *name;
                bool owned;
        } rows[] = { { "tcp", true }, { "fence-virt-listen@tcp.socket", true }, { "site@tcp.socket", true },
                { "", false }, { "unknown", false }, { "tcp.socket", false },
                { "fence-virt-listen@tcp", false }, { "fence-virt-listen@tcp.socket.socket", false },
                { "fence-virt-listen@multicast.socket", false }, { "fence-virt-listen@tcp2.socket", false },
                { "multicast", false } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(transport_owns(transport_find("tcp"), rows[i].name), rows[i].owned, "%s",
                        rows[i].name);
}

Test(transport, has_a_flow_that_ends_and_asks_the_executor_before_it_acts) {
        static const char *const names[] = { "tcp", "multicast", "vsock" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const Phase *p = transport_find(names[i])->flow;
                bool opened = false, proved = false, committed = false;

                for (; *p != PHASE_END; p++) {
                        opened |= *p == PHASE_OPEN;
                        proved |= *p == PHASE_PROVE;
                        committed |= *p == PHASE_COMMIT;
                        cr_expect(opened || *p == PHASE_PACKET, "%s", names[i]);
                        cr_expect(*p != PHASE_ANSWER || proved, "%s", names[i]);
                        cr_expect(*p != PHASE_REPLY || committed, "%s", names[i]);
                }
                cr_expect(opened && proved && committed);
        }
}
