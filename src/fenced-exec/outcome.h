/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker's result means: for the guest, and for the audit. Pure. */

#include "action.h"
#include "audit.h"
#include "base.h"
#include "policy.h"
#include "wire.h"
#include "worker-protocol.h"

typedef struct Outcome {
        Reply reply;
        AuditKind kind;
        const char *result; /* FENCE_RESULT; static storage */
} Outcome;

/* Success for off and reboot only when death was proven or the domain was off already; for any combination that should
 * not occur, failure. */
Outcome outcome_of_operation(Action action, WorkerResult result);

/* A domain whose power is unknown is neither on nor off: failure. */
Outcome outcome_of_status(PowerState power);

/* Domains among the records: those of labels are none. */
size_t list_count(const WorkerRecord *records, size_t n);

/* What the requester may list by both policies, sorted as agents expect (ignoring case), names cut to 63 bytes between characters. The
 * caller frees *ret, which is NULL when nothing is left. -ENOMEM. */
int list_build(const WorkerRecord *records, size_t n, const Policy *opened, const Policy *policy,
        const Identity *requester, Record **ret, size_t *ret_n);
