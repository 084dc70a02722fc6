/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "limits.h"

static const LimitSettings defaults = {
        .requester = { [LIMIT_QUESTION] = { 50, 200 }, [LIMIT_ACTION] = { 20, 100 } },
        .listener = { 5000, 10000 },
        .in_flight = 64
};
#define START (1000 * USEC_PER_SEC)

static Identity identity(const char *key, unsigned number) {
        Identity who = {};

        (void) snprintf(who.key, sizeof(who.key), "%s", key);
        (void) snprintf(who.source, sizeof(who.source), "10.0.%u.%u", number / 256, number % 256);
        return who;
}

/* One request that is over at once. */
static const char *ask(Limits *l, const LimitSettings *s, const Identity *who, unsigned class, Action action,
        uint64_t now) {
        LimitHold hold = {};
        const char *reason = limits_admit(l, s, who, class, action, now, &hold);

        cr_expect_eq(!reason, !!hold.requester);
        limits_release(&hold);
        return reason;
}

static unsigned n_admitted(
        Limits *l, const LimitSettings *s, const Identity *who, unsigned class, Action action, unsigned n) {
        unsigned admitted = 0;

        while (n-- > 0)
                admitted += !ask(l, s, who, class, action, START);
        return admitted;
}

Test(limits, every_action_has_the_bucket_of_its_kind) {
        static const struct {
                Action action;
                unsigned burst;
        } table[] = { { ACTION_NULL, 200 }, { ACTION_STATUS, 200 }, { ACTION_MONITOR, 200 },
                { ACTION_LIST, 200 }, { ACTION_OFF, 100 }, { ACTION_ON, 100 }, { ACTION_REBOOT, 100 } };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(limits_freep) Limits *l = NULL;
                Identity who = identity("web", 1);

                cr_assert_eq(limits_new(&l), 0);
                cr_expect_eq(
                        n_admitted(l, &defaults, &who, 0, table[i].action, 1000), table[i].burst, "%zu", i);
        }
}

Test(limits, questions_never_starve_actions_nor_one_requester_another) {
        _cleanup_(limits_freep) Limits *l = NULL;
        Identity who = identity("web", 1), neighbour = identity("web", 2), other_key = identity("db", 1);

        cr_assert_eq(limits_new(&l), 0);
        cr_expect_eq(n_admitted(l, &defaults, &who, 0, ACTION_MONITOR, 5000), 200);
        cr_expect_not_null(strstr(ask(l, &defaults, &who, 0, ACTION_STATUS, START), "QuestionsPerSec="));
        cr_expect_null(ask(l, &defaults, &who, 0, ACTION_OFF, START));
        cr_expect_null(ask(l, &defaults, &neighbour, 0, ACTION_STATUS, START));
        cr_expect_null(ask(l, &defaults, &other_key, 0, ACTION_STATUS, START));
        cr_expect_eq(n_admitted(l, &defaults, &who, 0, ACTION_OFF, 5000), 99);
        cr_expect_not_null(strstr(ask(l, &defaults, &who, 0, ACTION_REBOOT, START), "ActionsPerSec="));
        cr_expect_null(ask(l, &defaults, &who, 0, ACTION_STATUS, START + USEC_PER_SEC / 50));
        cr_expect_eq(limits_n_requesters(l), 3);
}

Test(limits, an_address_that_was_forged_over_multicast_counts_there_only) {
        _cleanup_(limits_freep) Limits *l = NULL;
        Identity who = identity("web", 1);

        cr_assert_eq(limits_new(&l), 0);
        cr_expect_eq(n_admitted(l, &defaults, &who, 1, ACTION_OFF, 1000), 100);
        cr_expect_not_null(ask(l, &defaults, &who, 1, ACTION_OFF, START));
        cr_expect_null(ask(l, &defaults, &who, 0, ACTION_OFF, START));
}

Test(limits, one_kind_of_listener_does_not_starve_another) {
        _cleanup_(limits_freep) Limits *l = NULL;
        LimitSettings s = defaults;
        Identity who = identity("web", 1);

        s.listener = (Rate){ 1, 10 };
        cr_assert_eq(limits_new(&l), 0);
        for (unsigned class = 0; class < LIMITS_CLASSES_MAX; class ++) {
                cr_expect_eq(n_admitted(l, &s, &who, class, ACTION_STATUS, 20), 10, "%u", class);
                cr_expect_eq(n_admitted(l, &s, &who, class, ACTION_OFF, 20), 10, "%u", class);
        }
        cr_expect_not_null(strstr(ask(l, &s, &who, 0, ACTION_STATUS, START), "ListenerPerSec="));
        cr_expect_not_null(ask(l, &s, &who, LIMITS_CLASSES_MAX, ACTION_STATUS, START + USEC_PER_SEC));
}

Test(limits, what_is_over_the_requesters_own_limit_costs_the_listener_nothing) {
        _cleanup_(limits_freep) Limits *l = NULL;
        LimitSettings s = defaults;
        Identity who = identity("web", 1), other = identity("web", 2);

        s.listener = (Rate){ 1, 300 };
        cr_assert_eq(limits_new(&l), 0);
        cr_expect_eq(n_admitted(l, &s, &who, 0, ACTION_STATUS, 100000), 200);
        cr_expect_eq(n_admitted(l, &s, &other, 0, ACTION_STATUS, 100000), 100);
}

Test(limits, so_many_are_in_flight_of_each_kind) {
        _cleanup_(limits_freep) Limits *l = NULL;
        LimitHold questions[64] = {}, actions[64] = {}, more = {};
        Identity who = identity("web", 1);

        cr_assert_eq(limits_new(&l), 0);
        for (size_t i = 0; i < 64; i++) {
                cr_expect_null(limits_admit(l, &defaults, &who, 0, ACTION_MONITOR, START, &questions[i]));
                cr_expect_null(limits_admit(l, &defaults, &who, 0, ACTION_OFF, START, &actions[i]));
        }
        cr_expect_not_null(
                strstr(limits_admit(l, &defaults, &who, 0, ACTION_OFF, START, &more), "InFlight="));
        cr_expect_null(more.requester);
        cr_expect_not_null(limits_admit(l, &defaults, &who, 0, ACTION_LIST, START, &more));
        limits_release(&questions[7]);
        limits_release(&questions[7]); /* none any more */
        cr_expect_null(limits_admit(l, &defaults, &who, 0, ACTION_STATUS, START, &questions[7]));
        cr_expect_not_null(limits_admit(l, &defaults, &who, 0, ACTION_STATUS, START, &more));
        cr_expect_not_null(limits_admit(l, &defaults, &who, 0, ACTION_REBOOT, START, &more));
}

Test(limits, zero_is_no_limit) {
        _cleanup_(limits_freep) Limits *l = NULL;
        LimitSettings none = {};
        Identity who = identity("", 1);
        LimitHold hold;

        cr_assert_eq(limits_new(&l), 0);
        for (unsigned i = 0; i < 20000; i++)
                if (limits_admit(l, &none, &who, 0, ACTION_OFF, START, &hold))
                        cr_assert(false, "%u", i);
}

Test(limits, who_was_heard_of_longest_ago_is_forgotten_unless_in_flight) {
        _cleanup_(limits_freep) Limits *l = NULL;
        LimitSettings s = defaults;
        Identity busy = identity("web", 0), first = identity("web", 1), second = identity("web", 2);
        LimitHold hold = {};

        s.requester[LIMIT_QUESTION] = (Rate){ 1, 1 };
        s.listener = (Rate){};
        cr_assert_eq(limits_new(&l), 0);
        cr_expect_null(limits_admit(l, &s, &busy, 0, ACTION_STATUS, START, &hold));
        for (unsigned i = 1; i < LIMITS_REQUESTERS_MAX; i++) {
                Identity who = identity("web", i);
                cr_expect_null(ask(l, &s, &who, 0, ACTION_STATUS, START));
        }
        cr_expect_not_null(
                ask(l, &s, &first, 0, ACTION_STATUS, START), "it is known, and was heard of again");
        Identity one_more = identity("web", LIMITS_REQUESTERS_MAX);
        cr_expect_null(ask(l, &s, &one_more, 0, ACTION_STATUS, START));
        cr_expect_eq(limits_n_requesters(l), LIMITS_REQUESTERS_MAX);
        cr_expect_not_null(ask(l, &s, &first, 0, ACTION_STATUS, START));
        cr_expect_null(ask(l, &s, &second, 0, ACTION_STATUS, START), "it was forgotten");
        cr_expect_not_null(ask(l, &s, &busy, 0, ACTION_STATUS, START));
        limits_release(&hold);
}

Test(limits, with_everybody_in_flight_nobody_new_is_admitted) {
        _cleanup_(limits_freep) Limits *l = NULL;
        static LimitHold holds[LIMITS_REQUESTERS_MAX];
        LimitHold more = {};
        Identity who;

        cr_assert_eq(limits_new(&l), 0);
        for (unsigned i = 0; i < LIMITS_REQUESTERS_MAX; i++) {
                who = identity("web", i);
                cr_expect_null(limits_admit(l, &defaults, &who, 0, ACTION_OFF, START, &holds[i]));
        }
        who = identity("db", 1);
        cr_expect_not_null(limits_admit(l, &defaults, &who, 0, ACTION_OFF, START, &more));
        limits_release(&holds[1234]);
        cr_expect_null(limits_admit(l, &defaults, &who, 0, ACTION_OFF, START, &more));
}
