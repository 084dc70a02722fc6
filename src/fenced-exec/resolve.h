/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where is the domain? Every hypervisor is asked at once; this decides, each time another one has answered, whether enough
 * is known. Pure. */

#include "action.h"
#include "base.h"
#include "worker-protocol.h"

typedef enum AnswerKind {
        ANSWER_PENDING = 0,
        ANSWER_UNREACHABLE, /* the manager does not answer, or answered with an error */
        ANSWER_NOT_FOUND,
        ANSWER_AMBIGUOUS, /* the text is the UUID of one domain and the name of another */
        ANSWER_FOUND,
} AnswerKind;

typedef struct Answer {
        AnswerKind kind;
        bool silent; /* pending, and its manager has stopped answering at all */
        bool remembered; /* the same domain was found here for the same text when all had answered */
        PowerState power;
        char name[WORKER_NAME_SIZE];
        char uuid[WORKER_UUID_SIZE];
        char labels[WORKER_LABELS_SIZE];
} Answer;

typedef enum ResolveOutcome {
        RESOLVE_WAIT = 0,
        RESOLVE_UNREACHABLE, /* not found where an answer came from, and not everybody answered */
        RESOLVE_NOT_FOUND, /* everybody answered */
        RESOLVE_AMBIGUOUS, /* several domains fit, or one runs in two places */
        RESOLVE_FOUND,
} ResolveOutcome;

/* For RESOLVE_FOUND *ret_index says which answer; with several for one UUID it is the one that runs. A domain that is off
 * where it was found, while somebody else has not answered, is RESOLVE_UNREACHABLE: it could be running there. */
ResolveOutcome resolve_decide(const Answer *answers, size_t n, size_t *ret_index);

/* True when every hypervisor has answered, so that where it was found may be remembered. */
bool resolve_is_certain(const Answer *answers, size_t n);

/* One sentence for the audit. Static storage. */
const char *resolve_outcome_reason(ResolveOutcome o);
