/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests that run an event loop: wait for the event, with a limit that only a hang reaches. */

#include <criterion/criterion.h>
#include <signal.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base.h"

static inline uint64_t loop_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* Children are waited for by the loop, so SIGCHLD must be blocked. */
static inline sd_event *loop_new(void) {
        sd_event *e = NULL;
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        cr_assert_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
        cr_assert_geq(sd_event_new(&e), 0);
        return e;
}

#define LOOP_LIMIT_USEC (30 * USEC_PER_SEC)

#define loop_until(event, condition)                                                          \
        do {                                                                                  \
                uint64_t _end = loop_now() + LOOP_LIMIT_USEC;                                 \
                while (!(condition)) {                                                        \
                        cr_assert_lt(loop_now(), _end, "waited in vain for: %s", #condition); \
                        cr_assert_geq(sd_event_run(event, 100 * USEC_PER_MSEC), 0);           \
                }                                                                             \
        } while (0)
