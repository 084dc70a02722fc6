/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ruling.h"
#include "wire.h"

static PolicyDomain domain_of(const Answer *a) {
        return (PolicyDomain){ a->name, a->uuid, a->labels };
}

static PolicyDomain domain_of_text(const char *text) {
        return wire_is_uuid(text) ? (PolicyDomain){ "", text, "" } : (PolicyDomain){ text, "", "" };
}

Verdict rule(const Policy *p, const Identity *requester, Action action, const Finding *found,
        Reason *ret_reason) {
        PolicyDomain d;

        if (found->outcome == RESOLVE_FOUND) {
                d = domain_of(found->answer);
                return policy_check(p, requester, action, &d, ret_reason);
        }
        d = domain_of_text(found->text);
        if (policy_check(p, requester, action, &d, ret_reason) == VERDICT_ALLOW)
                return VERDICT_ALLOW;
        Reason other = {};

        /* the reason of a refusal is that of the text, since the rest is not what was asked for */
        if (found->remembered) {
                d = domain_of(&found->remembered->answer);
                if (policy_check(p, requester, action, &d, &other) == VERDICT_ALLOW) {
                        *ret_reason = other;
                        return VERDICT_ALLOW;
                }
        }
        for (size_t i = 0; i < found->n_answers; i++) {
                d = domain_of(&found->answers[i]);
                if (found->answers[i].kind == ANSWER_FOUND &&
                        policy_check(p, requester, action, &d, &other) == VERDICT_ALLOW) {
                        *ret_reason = other;
                        return VERDICT_ALLOW;
                }
        }
        return VERDICT_DENY;
}
