/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "brake.h"

#define START (1000 * USEC_PER_SEC)

static Identity identity(const char *key, const char *uuid, unsigned number) {
        Identity who = {};

        (void) snprintf(who.key, sizeof(who.key), "%s", key);
        (void) snprintf(who.uuid, sizeof(who.uuid), "%s", uuid);
        (void) snprintf(who.source, sizeof(who.source), "10.0.0.%u", number);
        return who;
}

static unsigned n_free(Brake *b, const BrakeSettings *s, const Identity *who, uint64_t now, unsigned n) {
        unsigned free_ones = 0;

        while (n-- > 0)
                free_ones += brake_ask(b, s, who, now) == BRAKE_FREE;
        return free_ones;
}

Test(brake, each_limit_holds_what_is_over_it_and_nothing_else) {
        static const struct {
                BrakeSettings settings;
                unsigned own, neighbour, stranger; /* how many of 1000 each may, in this order */
                BrakeVerdict verdict; /* for the last of these */
        } table[] = {
                { { 120, 300, 600 }, 120, 120, 120, BRAKE_HELD_REQUESTER },
                { { 120, 200, 600 }, 120, 80, 120, BRAKE_HELD_REQUESTER },
                { { 0, 300, 600 }, 300, 0, 300, BRAKE_HELD_KEY },
                { { 0, 0, 600 }, 600, 0, 0, BRAKE_HELD_HOST },
                { { 120, 300, 250 }, 120, 120, 10, BRAKE_HELD_HOST },
                { { 1, 1, 1 }, 1, 0, 0, BRAKE_HELD_HOST },
                { { 0, 0, 0 }, 1000, 1000, 1000, BRAKE_FREE },
        };
        Identity own = identity("web", "", 1), neighbour = identity("web", "", 2),
                 stranger = identity("db", "", 1);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(brake_freep) Brake *b = NULL;
                const BrakeSettings *s = &table[i].settings;

                cr_assert_eq(brake_new(&b), 0);
                cr_expect_eq(n_free(b, s, &own, START, 1000), table[i].own, "%zu", i);
                cr_expect_eq(n_free(b, s, &neighbour, START, 1000), table[i].neighbour, "%zu", i);
                cr_expect_eq(n_free(b, s, &stranger, START, 1000), table[i].stranger, "%zu", i);
                cr_expect_eq(brake_ask(b, s, &stranger, START), table[i].verdict, "%zu", i);
        }
}

Test(brake, no_minute_has_more_than_the_limit) {
        _cleanup_(brake_freep) Brake *b = NULL;
        BrakeSettings s = { .requester = 10 };
        Identity who = identity("web", "", 1);
        uint64_t begun[512];
        size_t n = 0;

        cr_assert_eq(brake_new(&b), 0);
        for (uint64_t t = 0; t < 300 * USEC_PER_SEC; t += USEC_PER_SEC / 3)
                if (brake_ask(b, &s, &who, START + t) == BRAKE_FREE)
                        begun[n++] = t;
        cr_expect_eq(n, 50);
        for (size_t i = 10; i < n; i++)
                cr_expect_geq(begun[i] - begun[i - 10], BRAKE_USEC);
}

Test(brake, a_domain_that_is_known_is_one_requester_whatever_its_address) {
        _cleanup_(brake_freep) Brake *b = NULL;
        BrakeSettings s = { .requester = 3 };
        Identity there = identity("", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", 1), here = there;
        Identity other = identity("", "4dea22b3-1d52-d8f3-2516-782e98ab3fa1", 1);

        (void) snprintf(here.source, sizeof(here.source), "cid:7");
        cr_assert_eq(brake_new(&b), 0);
        cr_expect_eq(n_free(b, &s, &there, START, 2), 2);
        cr_expect_eq(n_free(b, &s, &here, START, 2), 1);
        cr_expect_eq(n_free(b, &s, &other, START, 9), 3);
}

Test(brake, without_a_key_there_is_no_limit_of_a_key) {
        _cleanup_(brake_freep) Brake *b = NULL;
        BrakeSettings s = { .key = 5 };
        Identity who = identity("", "", 1);

        cr_assert_eq(brake_new(&b), 0);
        cr_expect_eq(n_free(b, &s, &who, START, 100), 100);
}

Test(brake, goes_on_when_more_were_begun_than_it_remembers) {
        _cleanup_(brake_freep) Brake *b = NULL;
        BrakeSettings none = {}, s = { .host = BRAKE_MAX };
        Identity who = identity("web", "", 1);

        cr_assert_eq(brake_new(&b), 0);
        cr_expect_eq(n_free(b, &none, &who, START, BRAKE_MAX + 7), BRAKE_MAX + 7);
        cr_expect_eq(brake_ask(b, &s, &who, START), BRAKE_HELD_HOST);
        cr_expect_eq(brake_ask(b, &s, &who, START + BRAKE_USEC - 1), BRAKE_HELD_HOST);
        cr_expect_eq(brake_ask(b, &s, &who, START + BRAKE_USEC), BRAKE_FREE);
}

Test(brake, is_news_once_a_minute_for_each_limit) {
        _cleanup_(brake_freep) Brake *b = NULL;

        cr_assert_eq(brake_new(&b), 0);
        for (BrakeVerdict v = 0; v < BRAKE_FREE; v++) {
                cr_expect(brake_is_news(b, v, START));
                cr_expect(!brake_is_news(b, v, START));
                cr_expect(!brake_is_news(b, v, START + BRAKE_USEC - 1));
                cr_expect(brake_is_news(b, v, START + BRAKE_USEC));
                cr_expect_not_null(strstr(brake_reason(v), "FencesPerMinute"));
        }
        cr_expect_null(brake_reason(BRAKE_FREE));
}
