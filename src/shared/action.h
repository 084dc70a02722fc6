/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base.h"

/* What a guest may ask for. The values are those of the wire (docs: fence_virt wire protocol, section 1). */
typedef enum Action {
        ACTION_NULL = 0,
        ACTION_OFF = 1,
        ACTION_REBOOT = 2,
        ACTION_ON = 3,
        ACTION_STATUS = 4,
        ACTION_MONITOR = 5, /* "devstatus" on the old wire: is the fence device itself well? */
        ACTION_LIST = 6,
        _ACTION_MAX,
} Action;

/* What is known about a domain's power. Zero claims nothing, so a cleared struct never says "fenced". */
typedef enum PowerState {
        POWER_UNKNOWN = 0,
        POWER_ON,
        POWER_OFF,
} PowerState;

/* "off", "reboot", ... or NULL for a value that is none. Static storage. */
const char *action_to_string(Action a);

/* -EINVAL for anything but the exact lower-case names of action_to_string(). */
int action_from_string(const char *s, Action *ret);

/* True for off, reboot and on: the ones that change a domain. */
bool action_changes_power(Action a);

/* True when the action names a domain: off, reboot, on, status. */
bool action_has_target(Action a);

/* "unknown", "on", "off". Static storage. */
const char *power_state_to_string(PowerState s);
