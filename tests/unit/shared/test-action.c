/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "action.h"

static const struct {
        Action action;
        const char *name;
        unsigned value;
        bool changes_power, has_target;
} table[] = {
        { ACTION_NULL, "null", 0, false, false },
        { ACTION_OFF, "off", 1, true, true },
        { ACTION_REBOOT, "reboot", 2, true, true },
        { ACTION_ON, "on", 3, true, true },
        { ACTION_STATUS, "status", 4, false, true },
        { ACTION_MONITOR, "monitor", 5, false, false },
        { ACTION_LIST, "list", 6, false, false },
};

Test(action, every_action_has_its_wire_value_its_name_and_its_nature) {
        cr_assert_eq(ELEMENTSOF(table), (size_t) _ACTION_MAX);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Action a;

                cr_expect_eq(table[i].action, table[i].value, "%s", table[i].name);
                cr_expect_str_eq(action_to_string(table[i].action), table[i].name);
                cr_assert_eq(action_from_string(table[i].name, &a), 0, "%s", table[i].name);
                cr_expect_eq(a, table[i].action, "%s", table[i].name);
                cr_expect_eq(action_changes_power(a), table[i].changes_power, "%s", table[i].name);
                cr_expect_eq(action_has_target(a), table[i].has_target, "%s", table[i].name);
        }
}

Test(action, a_value_that_is_none_has_no_name_and_no_nature) {
        static const Action none[] = { (Action) _ACTION_MAX, (Action) 8, (Action) 0x99, (Action) -1 };

        for (size_t i = 0; i < ELEMENTSOF(none); i++) {
                cr_expect_null(action_to_string(none[i]));
                cr_expect(!action_changes_power(none[i]));
                cr_expect(!action_has_target(none[i]));
        }
}

Test(action, only_the_exact_names_are_actions) {
        static const char *const names[] = { "", "OFF", "Off", " off", "off ", "offf", "of", "destroy",
                "kill" };
        Action a = ACTION_STATUS;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                cr_expect_eq(action_from_string(names[i], &a), -EINVAL, "'%s'", names[i]);
                cr_expect_eq(a, ACTION_STATUS, "'%s' wrote its result", names[i]);
        }
}

Test(action, a_cleared_struct_never_says_that_a_domain_is_off) {
        PowerState s;

        memset(&s, 0, sizeof(s));
        cr_expect_eq(s, POWER_UNKNOWN);
        cr_expect_str_eq(power_state_to_string(s), "unknown");
        cr_expect_str_eq(power_state_to_string(POWER_ON), "on");
        cr_expect_str_eq(power_state_to_string(POWER_OFF), "off");
        cr_expect_str_eq(power_state_to_string((PowerState) 77), "unknown");
}
