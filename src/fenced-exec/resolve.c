/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "resolve.h"

#include <strings.h>

typedef struct Tally {
        size_t pending; /* that may still answer */
        size_t missing; /* silent or unreachable: nothing will be known from there */
        size_t best; /* index of the answer to act on */
        size_t found;
        size_t running;
        bool ambiguous;
} Tally;

static bool same_domain(const Answer *a, const Answer *b) {
        return strcasecmp(a->uuid, b->uuid) == 0;
}

static void count_found(Tally *t, const Answer *answers, size_t i) {
        if (t->found > 0 && !same_domain(&answers[t->best], &answers[i]))
                t->ambiguous = true;
        /* POWER_UNKNOWN counts as running: it may */
        if (answers[i].power != POWER_OFF && t->running++ > 0)
                t->ambiguous = true; /* one UUID that runs in two places: a migration, or worse */
        if (t->found == 0 || answers[i].power != POWER_OFF)
                t->best = i;
        t->found++;
}

static Tally count(const Answer *answers, size_t n) {
        Tally t = {};

        for (size_t i = 0; i < n; i++)
                switch (answers[i].kind) {
                case ANSWER_PENDING:
                        if (answers[i].silent)
                                t.missing++;
                        else
                                t.pending++;
                        break;
                case ANSWER_UNREACHABLE:
                        t.missing++;
                        break;
                case ANSWER_NOT_FOUND:
                        break;
                case ANSWER_AMBIGUOUS:
                        t.ambiguous = true;
                        break;
                case ANSWER_FOUND:
                        count_found(&t, answers, i);
                        break;
                }
        return t;
}

ResolveOutcome resolve_decide(const Answer *answers, size_t n, size_t *ret_index) {
        Tally t = count(answers, n);

        if (t.ambiguous)
                return RESOLVE_AMBIGUOUS;

        /* It runs where it was found the last time, when everybody had answered: nobody else needs to be waited for. */
        bool settled = t.found == 1 && answers[t.best].remembered && answers[t.best].power == POWER_ON;

        if (t.pending > 0 && !settled)
                return RESOLVE_WAIT;
        if (t.missing > 0 && (t.found == 0 || answers[t.best].power == POWER_OFF))
                return RESOLVE_UNREACHABLE;
        if (t.found == 0)
                return RESOLVE_NOT_FOUND;

        *ret_index = t.best;
        return RESOLVE_FOUND;
}

bool resolve_is_certain(const Answer *answers, size_t n) {
        Tally t = count(answers, n);

        return t.pending == 0 && t.missing == 0;
}

const char *resolve_outcome_reason(ResolveOutcome o) {
        static const char *const reasons[] = {
                [RESOLVE_WAIT] = "no hypervisor answered in time",
                [RESOLVE_UNREACHABLE] = "a hypervisor does not answer, so the domain may be there",
                [RESOLVE_NOT_FOUND] = "no such domain",
                [RESOLVE_AMBIGUOUS] = "several domains fit this target, or it runs in two places",
                [RESOLVE_FOUND] = "found",
        };

        return reasons[o];
}
