/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "action.h"

#include <string.h>

static const char *const action_names[_ACTION_MAX] = {
        [ACTION_NULL] = "null",
        [ACTION_OFF] = "off",
        [ACTION_REBOOT] = "reboot",
        [ACTION_ON] = "on",
        [ACTION_STATUS] = "status",
        [ACTION_MONITOR] = "monitor",
        [ACTION_LIST] = "list",
};

const char *action_to_string(Action a) {
        if ((unsigned) a >= _ACTION_MAX)
                return NULL;
        return action_names[a];
}

int action_from_string(const char *s, Action *ret) {
        for (unsigned i = 0; i < _ACTION_MAX; i++)
                if (strcmp(s, action_names[i]) == 0) {
                        *ret = (Action) i;
                        return 0;
                }
        return -EINVAL;
}

bool action_changes_power(Action a) {
        return a == ACTION_OFF || a == ACTION_REBOOT || a == ACTION_ON;
}

bool action_has_target(Action a) {
        return action_changes_power(a) || a == ACTION_STATUS;
}

const char *power_state_to_string(PowerState s) {
        switch (s) {
        case POWER_ON:
                return "on";
        case POWER_OFF:
                return "off";
        case POWER_UNKNOWN:
                break;
        }
        return "unknown";
}
