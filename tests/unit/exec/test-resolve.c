/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "resolve.h"

#define A "00000000-0000-4000-8000-00000000000a"
#define B "00000000-0000-4000-8000-00000000000b"

/* One character per hypervisor: '.' pending, 's' silent, 'x' unreachable, 'n' not found, '?' ambiguous, 'R' domain A runs,
 * 'o' domain A is off, 'u' domain A in an unknown state, 'B' domain B runs, 'b' domain B is off, 'M' domain A runs here,
 * where it was the last time */
static Answer answer_of(char c) {
        Answer a = {};

        switch (c) {
        case '.':
                break;
        case 's':
                a.silent = true;
                break;
        case 'x':
                a.kind = ANSWER_UNREACHABLE;
                break;
        case 'n':
                a.kind = ANSWER_NOT_FOUND;
                break;
        case '?':
                a.kind = ANSWER_AMBIGUOUS;
                break;
        default:
                a.kind = ANSWER_FOUND;
                a.power = strchr("ob", c) ? POWER_OFF : c == 'u' ? POWER_UNKNOWN : POWER_ON;
                a.remembered = c == 'M';
                (void) snprintf(a.uuid, sizeof(a.uuid), "%s", strchr("bB", c) ? B : A);
        }
        return a;
}

static const struct {
        const char *answers;
        ResolveOutcome outcome;
        size_t index; /* RESOLVE_FOUND */
        bool certain;
} table[] = {
        { ".", RESOLVE_WAIT, 0, false },
        { "n", RESOLVE_NOT_FOUND, 0, true },
        { "x", RESOLVE_UNREACHABLE, 0, false },
        { "s", RESOLVE_UNREACHABLE, 0, false },
        { "?", RESOLVE_AMBIGUOUS, 0, true },
        { "R", RESOLVE_FOUND, 0, true },
        { "o", RESOLVE_FOUND, 0, true },
        { "u", RESOLVE_FOUND, 0, true },
        { "nR", RESOLVE_FOUND, 1, true },
        { ".R", RESOLVE_WAIT, 0, false },
        { "R.", RESOLVE_WAIT, 0, false },
        { ".M", RESOLVE_FOUND, 1, false },
        { "n.", RESOLVE_WAIT, 0, false },
        { "nn", RESOLVE_NOT_FOUND, 0, true },
        /* somebody does not answer: what runs here runs here, but off here is not off */
        { "xR", RESOLVE_FOUND, 1, false },
        { "sR", RESOLVE_FOUND, 1, false },
        { "xo", RESOLVE_UNREACHABLE, 0, false },
        { "so", RESOLVE_UNREACHABLE, 0, false },
        { "os", RESOLVE_UNREACHABLE, 0, false },
        { "nx", RESOLVE_UNREACHABLE, 0, false },
        { "sn", RESOLVE_UNREACHABLE, 0, false },
        { "xu", RESOLVE_FOUND, 1, false },
        /* one domain in several places */
        { "oR", RESOLVE_FOUND, 1, true },
        { "Ro", RESOLVE_FOUND, 0, true },
        { "oo", RESOLVE_FOUND, 0, true },
        { "ou", RESOLVE_FOUND, 1, true },
        { "RR", RESOLVE_AMBIGUOUS, 0, true },
        { "Ru", RESOLVE_AMBIGUOUS, 0, true },
        { "uu", RESOLVE_AMBIGUOUS, 0, true },
        /* two domains fit */
        { "RB", RESOLVE_AMBIGUOUS, 0, true },
        { "ob", RESOLVE_AMBIGUOUS, 0, true },
        { "Rb", RESOLVE_AMBIGUOUS, 0, true },
        { "n?R", RESOLVE_AMBIGUOUS, 0, true },
        { "?.", RESOLVE_AMBIGUOUS, 0, false },
        { "MB.", RESOLVE_AMBIGUOUS, 0, false },
};

Test(resolve, every_combination_of_answers_has_its_outcome) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Answer answers[4];
                size_t n = strlen(table[i].answers), index = 77;

                for (size_t k = 0; k < n; k++)
                        answers[k] = answer_of(table[i].answers[k]);
                ResolveOutcome o = resolve_decide(answers, n, &index);
                cr_expect_eq(o, table[i].outcome, "%s: %s", table[i].answers, resolve_outcome_reason(o));
                cr_expect_eq(index, o == RESOLVE_FOUND ? table[i].index : 77, "%s: index %zu",
                        table[i].answers, index);
                cr_expect_eq(resolve_is_certain(answers, n), table[i].certain, "%s", table[i].answers);
        }
}

/* Exhaustive over three hypervisors: off is only ever claimed when nobody could be running it. */
Test(resolve, a_domain_is_never_off_while_one_does_not_answer) {
        static const char letters[] = ".sxn?RouBbM";

        for (const char *a = letters; *a; a++)
                for (const char *b = letters; *b; b++)
                        for (const char *c = letters; *c; c++) {
                                Answer answers[] = { answer_of(*a), answer_of(*b), answer_of(*c) };
                                char text[] = { *a, *b, *c, 0 };
                                size_t index = 0;

                                if (resolve_decide(answers, 3, &index) != RESOLVE_FOUND ||
                                        answers[index].power != POWER_OFF)
                                        continue;
                                cr_expect_null(strpbrk(text, ".sx?RuBM"), "%s", text);
                        }
}
