/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outcome.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BIT(action) (1U << (action))
#define DIES        (BIT(ACTION_OFF) | BIT(ACTION_REBOOT))

/* Which results are a success of which actions. What is not named here is a failure. */
static const struct {
        unsigned actions;
        const char *text;
} successes[_WORKER_RESULT_MAX] = {
        [WORKER_OFF_PROVEN] = { BIT(ACTION_OFF), "off-proven" },
        [WORKER_ALREADY_OFF] = { DIES, "already-off" },
        [WORKER_REBOOTED] = { BIT(ACTION_REBOOT), "rebooted" },
        [WORKER_OFF_START_FAILED] = { BIT(ACTION_REBOOT), "off-start-failed" },
        [WORKER_ON] = { BIT(ACTION_ON), "on" },
        [WORKER_ALREADY_ON] = { BIT(ACTION_ON), "already-on" },
};

Outcome outcome_of_operation(Action action, WorkerResult result) {
        static const char *const failures[_WORKER_RESULT_MAX] = {
                [WORKER_UNREACHABLE] = "unreachable",
                [WORKER_NOT_FOUND] = "not-found",
                [WORKER_AMBIGUOUS] = "ambiguous",
        };

        if (result < _WORKER_RESULT_MAX && (successes[result].actions & BIT(action)))
                return (Outcome){ REPLY_SUCCESS, AUDIT_DONE, successes[result].text };
        return (Outcome){ REPLY_FAILURE, AUDIT_FAILED,
                result < _WORKER_RESULT_MAX && failures[result] ? failures[result] : "failed" };
}

Outcome outcome_of_status(PowerState power) {
        switch (power) {
        case POWER_ON:
                return (Outcome){ REPLY_SUCCESS, AUDIT_DONE, "status-on" };
        case POWER_OFF:
                return (Outcome){ REPLY_OFF, AUDIT_DONE, "status-off" };
        default:
                return (Outcome){ REPLY_FAILURE, AUDIT_FAILED, "status-unknown" };
        }
}

static int compare_records(const void *a, const void *b) {
        const Record *x = a, *y = b;
        int r = strcasecmp(x->name, y->name);

        if (r == 0)
                r = strcmp(x->name, y->name);
        return r != 0 ? r : strcmp(x->uuid, y->uuid);
}

static void cut_name(const char *name, char ret[static WIRE_TARGET_MAX + 1]) {
        size_t size = strlen(name), n = 0;

        while (n < size) {
                size_t k = wire_utf8_length((const uint8_t *) name + n, size - n);

                if (n + (k > 0 ? k : 1) > WIRE_TARGET_MAX)
                        break;
                n += k > 0 ? k : 1;
        }
        memcpy(ret, name, n);
        ret[n] = 0;
}

size_t list_count(const WorkerRecord *records, size_t n) {
        size_t k = 0;

        for (size_t i = 0; i < n; i++)
                k += records[i].state != WORKER_STATE_LABELS;
        return k;
}

/* A record of labels belongs to the one before it. */
static const char *labels_of(const WorkerRecord *records, size_t n, size_t i) {
        return i + 1 < n && records[i + 1].state == WORKER_STATE_LABELS ? records[i + 1].name : "";
}

int list_build(const WorkerRecord *records, size_t n, const Policy *opened, const Policy *policy,
        const Identity *requester, Record **ret, size_t *ret_n) {
        size_t k = 0;

        *ret = NULL;
        *ret_n = 0;
        if (n == 0)
                return 0;
        PolicyScope then, now;
        Record *list = calloc(n, sizeof(*list));
        if (!list)
                return -ENOMEM;
        policy_scope(opened, requester, ACTION_LIST, &then);
        policy_scope(policy, requester, ACTION_LIST, &now);
        for (size_t i = 0; i < n; i++) {
                const WorkerRecord *w = &records[i];

                const PolicyDomain d = { w->name, w->uuid, labels_of(records, n, i) };

                if (!w->name[0] || w->state == WORKER_STATE_LABELS ||
                        policy_scope_check(&now, &d) != VERDICT_ALLOW ||
                        (opened != policy && policy_scope_check(&then, &d) != VERDICT_ALLOW))
                        continue;
                cut_name(w->name, list[k].name);
                (void) snprintf(list[k].uuid, sizeof(list[k].uuid), "%s", w->uuid);
                list[k].state = w->state;
                k++;
        }
        qsort(list, k, sizeof(*list), compare_records);
        *ret = list;
        *ret_n = k;
        return 0;
}
