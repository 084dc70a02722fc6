/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "discover.h"
#include "io.h"
#include "transport.h"

/* What the machine of the test has, and which ways were looked at. */
static bool has[3];
static char looked[4];

static bool take(int i, Options *o) {
        looked[strlen(looked)] = (char) ('0' + i);
        if (has[i])
                o->device = i == 0 ? "zero" : i == 1 ? "one" : "two";
        return has[i];
}

static bool take_0(Options *o, uint64_t deadline) {
        return take(0, o);
}

static bool take_1(Options *o, uint64_t deadline) {
        return take(1, o);
}

static bool take_2(Options *o, uint64_t deadline) {
        return take(2, o);
}

static const Way ways[] = { { "0", "no 0", take_0 }, { "1", "no 1", take_1 }, { "2", "no 2", take_2 } };

Test(discover, the_first_way_that_is_there_is_taken_and_no_other_looked_at) {
        static const struct {
                bool has[3];
                int taken;
                const char *looked, *device;
        } table[] = {
                { { true, true, true }, 0, "0", "zero" },
                { { false, true, true }, 1, "01", "one" },
                { { false, false, true }, 2, "012", "two" },
                { {}, -1, "012", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Way *w;
                Options o;

                memcpy(has, table[i].has, sizeof(has));
                memset(looked, 0, sizeof(looked));
                options_init(&o, program_by_path("fence_virt"));
                w = discover(ways, ELEMENTSOF(ways), &o, now_usec() + USEC_PER_SEC);
                cr_expect_eq(w, table[i].taken < 0 ? NULL : ways + table[i].taken, "row %zu", i);
                cr_expect_str_eq(looked, table[i].looked);
                cr_expect_eq(transport_is_chosen(&o), table[i].device != NULL);
                if (table[i].device)
                        cr_expect_str_eq(o.device, table[i].device);
        }
}

Test(discover, the_order_is_the_documented_one) {
        static const char *const names[] = { "virtio port org.fencevirt.0", "serial device /dev/ttyS1",
                "vsock", "multicast" };

        cr_assert_eq(discover_n_ways, ELEMENTSOF(names));
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                cr_expect_str_eq(discover_ways[i].name, names[i]);
}

Test(discover, multicast_is_for_who_has_a_key) {
        const Way *multicast = discover_ways + discover_n_ways - 1;

        for (unsigned has_key = 0; has_key < 2; has_key++) {
                Options o;

                options_init(&o, program_by_path("fence_virt"));
                o.has_key_file = has_key;
                cr_expect_eq(multicast->take(&o, now_usec() + USEC_PER_SEC), has_key);
                cr_expect_str_eq(transport_choose(&o)->name, has_key ? "multicast" : "VM channel");
        }
}
