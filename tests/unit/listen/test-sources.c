/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "sources.h"

enum { NOW = 5000000 };

static Address number(unsigned n) {
        return (Address){ .family = AF_INET, .bytes = { 10, 0, (uint8_t) (n >> 8), (uint8_t) n } };
}

Test(sources, avoids_a_guest_for_two_seconds_after_a_call_back_that_failed) {
        Address bad = number(1), good = number(2);
        Sources s = {};

        cr_expect(!sources_avoid(&s, &bad, NOW));
        sources_failed(&s, &bad, NOW);
        cr_expect(sources_avoid(&s, &bad, NOW));
        cr_expect(sources_avoid(&s, &bad, NOW + 1999999));
        cr_expect(!sources_avoid(&s, &bad, NOW + 2000000));
        cr_expect(!sources_avoid(&s, &good, NOW));
}

Test(sources, may_be_called_in_bursts_and_then_at_a_rate) {
        Address a = number(1), b = number(2);
        Sources s = {};

        for (int i = 0; i < SOURCE_BURST; i++)
                cr_assert(sources_may_call(&s, &a, NOW), "%d", i);
        cr_expect(!sources_may_call(&s, &a, NOW));
        cr_expect(sources_may_call(&s, &b, NOW));
        cr_expect(!sources_may_call(&s, &a, NOW + USEC_PER_SEC / SOURCE_RATE - 1));
        cr_expect(sources_may_call(&s, &a, NOW + USEC_PER_SEC / SOURCE_RATE));
        cr_expect(!sources_may_call(&s, &a, NOW + USEC_PER_SEC / SOURCE_RATE));
        for (int i = 0; i < SOURCE_BURST; i++)
                cr_assert(sources_may_call(&s, &a, NOW + 3600 * USEC_PER_SEC), "%d", i);
        cr_expect(!sources_may_call(&s, &a, NOW + 3600 * USEC_PER_SEC));
}

Test(sources, forget_the_one_not_heard_of_for_longest) {
        Address first = number(0), second = number(1);
        Sources s = {};

        for (unsigned i = 0; i < SOURCES_MAX; i++) {
                Address a = number(i);

                sources_failed(&s, &a, NOW + i);
        }
        cr_expect(sources_avoid(&s, &first, NOW + SOURCES_MAX));
        for (unsigned i = SOURCES_MAX; i < SOURCES_MAX + 1; i++) {
                Address a = number(i);

                sources_failed(&s, &a, NOW + i);
        }
        cr_expect(!sources_avoid(&s, &first, NOW + SOURCES_MAX));
        cr_expect(sources_avoid(&s, &second, NOW + SOURCES_MAX));
}
