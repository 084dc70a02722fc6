/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>

#include "ports.h"

#define UUID "00000000-0000-4000-8000-00000000000"

Test(ports, who_was_seen_at_a_port_is_looked_for_there) {
        static const WorkerRecord records[] = {
                { .name = "vm1", .uuid = UUID "1", .port = "vnet1" },
                { .name = "vm2", .uuid = UUID "2", .port = "vnet2" },
        };
        Ports p = {};

        cr_expect_null(ports_find(&p, "vnet1"));
        ports_learn(&p, "vnet1", UUID "7");
        ports_learn(&p, "vnet3", UUID "3");
        cr_expect_str_eq(ports_find(&p, "vnet1"), UUID "7");
        ports_replace(&p, records, ELEMENTSOF(records));
        cr_expect_str_eq(ports_find(&p, "vnet1"), UUID "1");
        cr_expect_str_eq(ports_find(&p, "vnet2"), UUID "2");
        cr_expect_null(ports_find(&p, "vnet3"), "gone");
        cr_expect_null(ports_find(&p, "vnet"));
        ports_learn(&p, "vnet2", UUID "9");
        cr_expect_str_eq(ports_find(&p, "vnet2"), UUID "9", "it has another owner now");
        cr_expect_eq(p.n, 2);
        ports_replace(&p, NULL, 0);
        cr_expect_null(ports_find(&p, "vnet1"));
        ports_done(&p);
}

Test(ports, the_oldest_is_forgotten_when_there_are_too_many) {
        char name[WORKER_PORT_SIZE];
        Ports p = {};

        for (unsigned i = 0; i <= PORTS_MAX; i++) {
                (void) snprintf(name, sizeof(name), "vnet%u", i);
                ports_learn(&p, name, UUID "1");
        }
        cr_expect_eq(p.n, PORTS_MAX);
        cr_expect_null(ports_find(&p, "vnet0"));
        cr_expect_not_null(ports_find(&p, "vnet1"));
        cr_expect_not_null(ports_find(&p, name));
        ports_done(&p);
}
