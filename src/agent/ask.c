/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ask.h"
#include "io.h"
#include "log.h"

/* Whoever waits for "off" does not wait longer than this for a second opinion. */
#define CONFIRM_USEC_MAX (5 * USEC_PER_SEC)

static void confirm_off(const Transport *t, const Question *off, Answer *ret) {
        _cleanup_(answer_done) Answer status = {};
        uint64_t limit = now_usec() + CONFIRM_USEC_MAX;
        Question q = *off;

        q.action = ACTION_STATUS;
        if (q.deadline > limit)
                q.deadline = limit;
        answer_start(&status, q.action);
        t->ask(&q, &status);
        if (status.verdict == VERDICT_SUCCESS)
                answer_fail(
                        ret, VERDICT_FAILED, "The host said that the domain is off, but its status is on");
        else
                log_debug("%s", status.verdict == VERDICT_OFF ? "Confirmed: it is off" : "Not confirmed");
}

void ask_host(const Transport *t, const Question *q, Answer *ret) {
        answer_start(ret, q->action);
        t->ask(q, ret);
        if (q->action == ACTION_OFF && ret->verdict == VERDICT_SUCCESS && !ret->tagged)
                confirm_off(t, q, ret);
}
