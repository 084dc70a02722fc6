/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "bucket.h"

/* How many of n are there at one moment. */
static unsigned take(Bucket *b, Rate rate, uint64_t now, unsigned n) {
        unsigned got = 0;

        while (n-- > 0)
                got += bucket_take(b, rate, now);
        return got;
}

Test(bucket, a_burst_is_there_at_once_and_then_the_rate) {
        static const struct {
                Rate rate;
                uint64_t pause;
                unsigned after; /* how many are there after the pause, of an empty bucket */
        } table[] = {
                { { 50, 200 }, 0, 0 },
                { { 50, 200 }, USEC_PER_SEC / 50 - 1, 0 },
                { { 50, 200 }, USEC_PER_SEC / 50, 1 },
                { { 50, 200 }, USEC_PER_SEC, 50 },
                { { 50, 200 }, 4 * USEC_PER_SEC, 200 },
                { { 50, 200 }, 3600 * USEC_PER_SEC, 200 },
                { { 1, 1 }, USEC_PER_SEC - 1, 0 },
                { { 1, 1 }, USEC_PER_SEC, 1 },
                { { RATE_MAX, RATE_MAX }, 7, 7 },
                { { 5000, 10000 }, USEC_PER_SEC / 10, 500 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Bucket b = {};
                uint64_t now = 77 * USEC_PER_SEC;

                cr_expect_eq(take(&b, table[i].rate, now, 2 * RATE_MAX), table[i].rate.burst, "%zu", i);
                now += table[i].pause;
                cr_expect_eq(take(&b, table[i].rate, now, 20000), table[i].after, "%zu", i);
        }
}

Test(bucket, what_was_refused_costs_nothing) {
        Bucket b = {};
        Rate rate = { 10, 1 };

        cr_expect(bucket_take(&b, rate, 1000000));
        for (uint64_t t = 1000001; t < 1100000; t++)
                if (bucket_take(&b, rate, t))
                        cr_assert(false, "at %llu", (unsigned long long) t);
        cr_expect(bucket_take(&b, rate, 1100000));
}

Test(bucket, no_rate_is_no_limit) {
        Bucket b = {};

        cr_expect_eq(take(&b, (Rate){ 0, 1 }, 5, 100000), 100000);
}

Test(bucket, a_rate_that_is_changed_holds_at_once) {
        Bucket b = {};

        cr_expect_eq(take(&b, (Rate){ 1, 1000 }, 1000000, 2000), 1000);
        cr_expect_eq(take(&b, (Rate){ 100, 10 }, 1000000, 10), 0, "it is empty");
        cr_expect_eq(take(&b, (Rate){ 100, 10 }, 1100000, 20), 10,
                "the thousand seconds of before are forgotten");
        cr_expect_eq(take(&b, (Rate){ 100, 50 }, 1100000, 100), 40, "a larger one has room");
}
