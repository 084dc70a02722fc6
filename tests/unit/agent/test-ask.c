/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "ask.h"
#include "host.h"
#include "io.h"

/* What the host says to "off" and, if it is asked, to the status that follows. */
static Verdict verdicts[2];
static unsigned n_asked;
static uint64_t deadlines[2];
static bool tagged; /* FX2 */

static void fake_ask(const Question *q, Answer *ret) {
        cr_assert_lt(n_asked, 2);
        cr_assert_eq(ret->action, q->action);
        cr_assert(n_asked == 0 || q->action == ACTION_STATUS);
        deadlines[n_asked] = q->deadline;
        ret->verdict = verdicts[n_asked++];
        ret->state = ANSWER_COMPLETE;
        ret->tagged = tagged;
}

static const Transport fake = { "fake", KEY_REQUIRED, NULL, fake_ask };

static Verdict ask(Action action, Verdict first, Verdict second) {
        Question q;
        Options o;
        Answer a;

        verdicts[0] = first;
        verdicts[1] = second;
        n_asked = 0;
        fake_question(&q, &o, NULL, action);
        ask_host(&fake, &q, &a);
        answer_done(&a);
        return a.verdict;
}

Test(ask, an_off_whose_domain_is_still_on_has_failed) {
        cr_expect_eq(ask(ACTION_OFF, VERDICT_SUCCESS, VERDICT_SUCCESS), VERDICT_FAILED);
        cr_expect_eq(n_asked, 2);
}

Test(ask, nothing_but_a_contradiction_takes_an_off_back) {
        static const Verdict others[] = { VERDICT_OFF, VERDICT_FAILED, VERDICT_SILENT, VERDICT_DENIED };

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                cr_expect_eq(ask(ACTION_OFF, VERDICT_SUCCESS, others[i]), VERDICT_SUCCESS);
                cr_expect_eq(n_asked, 2);
        }
}

Test(ask, the_status_is_asked_after_an_off_that_succeeded_only) {
        for (Verdict v = 0; v < _VERDICT_MAX; v++)
                for (Action a = 0; a < _ACTION_MAX; a++) {
                        if (a == ACTION_OFF && v == VERDICT_SUCCESS)
                                continue;
                        cr_expect_eq(ask(a, v, VERDICT_SUCCESS), v);
                        cr_expect_eq(n_asked, 1);
                }
}

Test(ask, an_answer_that_cannot_be_forged_is_not_asked_for_again) {
        tagged = true;
        cr_expect_eq(ask(ACTION_OFF, VERDICT_SUCCESS, VERDICT_SUCCESS), VERDICT_SUCCESS);
        cr_expect_eq(n_asked, 1);
        cr_expect_eq(ask(ACTION_OFF, VERDICT_FAILED, VERDICT_OFF), VERDICT_FAILED);
        cr_expect_eq(n_asked, 1);
}

Test(ask, the_second_question_has_the_deadline_of_the_first_or_less) {
        uint64_t now = now_usec();

        (void) ask(ACTION_OFF, VERDICT_SUCCESS, VERDICT_OFF);
        cr_expect_leq(deadlines[1], deadlines[0]);
        cr_expect_gt(deadlines[1], now);
}
