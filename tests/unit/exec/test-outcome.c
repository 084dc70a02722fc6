/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "outcome.h"

/* The only pairs that are a success; everything else is not, whatever is added to the enums. */
static const struct {
        Action action;
        WorkerResult result;
        const char *text;
} successes[] = {
        { ACTION_OFF, WORKER_OFF_PROVEN, "off-proven" },
        { ACTION_OFF, WORKER_ALREADY_OFF, "already-off" },
        { ACTION_REBOOT, WORKER_ALREADY_OFF, "already-off" },
        { ACTION_REBOOT, WORKER_REBOOTED, "rebooted" },
        { ACTION_REBOOT, WORKER_OFF_START_FAILED, "off-start-failed" },
        { ACTION_ON, WORKER_ON, "on" },
        { ACTION_ON, WORKER_ALREADY_ON, "already-on" },
};

static const char *success_text(Action a, WorkerResult r) {
        for (size_t i = 0; i < ELEMENTSOF(successes); i++)
                if (successes[i].action == a && successes[i].result == r)
                        return successes[i].text;
        return NULL;
}

Test(outcome, an_operation_succeeds_with_proof_only) {
        for (int a = 0; a <= _ACTION_MAX; a++)
                for (int r = 0; r <= _WORKER_RESULT_MAX + 1; r++) {
                        const char *text = success_text((Action) a, (WorkerResult) r);
                        Outcome o = outcome_of_operation((Action) a, (WorkerResult) r);

                        cr_expect_eq(
                                o.reply, text ? REPLY_SUCCESS : REPLY_FAILURE, "action %d, result %d", a, r);
                        cr_expect_eq(o.kind, text ? AUDIT_DONE : AUDIT_FAILED, "action %d, result %d", a, r);
                        cr_assert_not_null(o.result);
                        if (text)
                                cr_expect_str_eq(o.result, text);
                }
}

Test(outcome, unknown_power_is_neither_on_nor_off) {
        cr_expect_eq(outcome_of_status(POWER_ON).reply, REPLY_SUCCESS);
        cr_expect_eq(outcome_of_status(POWER_OFF).reply, REPLY_OFF);
        cr_expect_eq(outcome_of_status(POWER_UNKNOWN).reply, REPLY_FAILURE);
        cr_expect_eq(outcome_of_status((PowerState) 99).reply, REPLY_FAILURE);
        cr_expect_eq(outcome_of_status(POWER_UNKNOWN).kind, AUDIT_FAILED);
}

static Policy *open_policy(void) {
        ConfError e = {};
        Policy *p = NULL;

        cr_assert_eq(policy_load("/nonexistent", POLICY_DEFAULT_ALLOW, NULL, &p, &e), 0, "%s", e.message);
        return p;
}

static WorkerRecord record(const char *name, char last) {
        WorkerRecord r = { .state = 1 };

        (void) snprintf(r.name, sizeof(r.name), "%s", name);
        (void) snprintf(r.uuid, sizeof(r.uuid), "00000000-0000-4000-8000-00000000000%c", last);
        return r;
}

Test(outcome, a_list_is_sorted_without_regard_to_case_and_has_no_empty_record) {
        _cleanup_(policy_unrefp) Policy *policy = open_policy();
        WorkerRecord in[] = { record("web2", '2'), record("DB", '3'), record("", '4'), record("app", '5'),
                record("db", '1') };
        Identity who = { .key = "default" };
        _cleanup_free_ Record *out = NULL;
        size_t n = 0;

        cr_assert_eq(list_build(in, ELEMENTSOF(in), policy, policy, &who, &out, &n), 0);
        cr_assert_eq(n, 4);
        static const char *const names[] = { "app", "DB", "db", "web2" };
        for (size_t i = 0; i < n; i++)
                cr_expect_str_eq(out[i].name, names[i]);
        cr_expect_eq(out[0].state, 1);
        cr_expect_str_eq(out[0].uuid, "00000000-0000-4000-8000-000000000005");
}

Test(outcome, a_long_name_is_cut_between_characters) {
        _cleanup_(policy_unrefp) Policy *policy = open_policy();
        char ascii[100], utf8[100], want[64];
        Identity who = { .key = "default" };
        _cleanup_free_ Record *out = NULL;
        size_t n = 0;

        memset(ascii, 'n', 80);
        ascii[80] = 0;
        memset(utf8, 'n', 62);
        memcpy(utf8 + 62, "\xc3\xa4", 3); /* would end after byte 64 */
        WorkerRecord in[] = { record(ascii, '1'), record(utf8, '2') };
        cr_assert_eq(list_build(in, ELEMENTSOF(in), policy, policy, &who, &out, &n), 0);
        cr_assert_eq(n, 2);
        memset(want, 'n', 63);
        want[62] = 0;
        cr_expect_str_eq(out[0].name, want);
        want[62] = 'n';
        want[63] = 0;
        cr_expect_str_eq(out[1].name, want);
}

Test(outcome, an_empty_list_is_no_error) {
        _cleanup_(policy_unrefp) Policy *policy = open_policy();
        Record other = {}, *out = &other;
        Identity who = {};
        size_t n = 7;

        cr_assert_eq(list_build(NULL, 0, policy, policy, &who, &out, &n), 0);
        cr_expect_eq(n, 0);
        cr_expect_null(out);
}

Test(outcome, a_list_shows_what_both_policies_let_be_listed) {
        _cleanup_(policy_unrefp) Policy *all = open_policy(), *none = NULL;
        WorkerRecord in[] = { record("web", '1') };
        Identity who = { .key = "default" };
        ConfError e = {};

        cr_assert_eq(policy_load("/nonexistent", POLICY_DEFAULT_DENY, NULL, &none, &e), 0);
        const struct {
                const Policy *opened, *now;
                size_t n;
        } table[] = { { all, all, 1 }, { all, none, 0 }, { none, all, 0 }, { none, none, 0 } };
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ Record *out = NULL;
                size_t n = 7;

                cr_assert_eq(list_build(in, 1, table[i].opened, table[i].now, &who, &out, &n), 0);
                cr_expect_eq(n, table[i].n, "row %zu", i);
        }
}
