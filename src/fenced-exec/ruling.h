/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What policy says about a request once its target was looked for, found or not; the same for who asks and for who wants to
 * have it explained. Pure. */

#include "identity.h"
#include "memory.h"
#include "policy.h"
#include "resolve.h"

/* What a lookup of `text` brought. */
typedef struct Finding {
        const char *text; /* as the guest wrote it */
        ResolveOutcome outcome;
        const Answer *answer; /* RESOLVE_FOUND */
        const Answer *answers; /* of all hypervisors */
        size_t n_answers;
        const Place *remembered; /* of the same text; NULL for none */
} Finding;

/* Allows what policy allows for the domain that was found. Where none was found for certain, whether such a domain exists
 * is nobody's business who may not touch it: allowed only if policy allows it for the text as a name or as a UUID, for
 * the domain that is remembered, or for one of those that were found. ret_reason: why, and why not. */
Verdict rule(
        const Policy *p, const Identity *requester, Action action, const Finding *found, Reason *ret_reason);
