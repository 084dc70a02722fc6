/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hypervisor.h"
#include "inquiry.h"
#include "loop.h"

#define VM1 "00000000-0000-4000-8000-000000000001"

static Hypervisor *start_patient(
        sd_event *event, const char *uri, unsigned workers, uint64_t connect_timeout_usec) {
        HypervisorConfig c = { FAKE_WORKER, uri, workers, connect_timeout_usec };
        Hypervisor *h = NULL;

        cr_assert_eq(hypervisor_new(event, &c, &h), 0);
        return h;
}

static Hypervisor *start(sd_event *event, const char *uri, unsigned workers) {
        return start_patient(event, uri, workers, 200 * USEC_PER_MSEC);
}

typedef struct Outcome {
        unsigned n, silent;
        WorkerEvent event;
        WorkerRecord last;
        Job *job;
} Outcome;

static void on_done(Job *j, const WorkerEvent *event, const WorkerRecord *records, void *userdata) {
        Outcome *o = userdata;

        o->n++;
        o->event = *event;
        if (event->n_records > 0)
                o->last = records[event->n_records - 1];
        o->job = NULL;
}

static void on_silent(Job *j, void *userdata) {
        Outcome *o = userdata;

        o->silent++;
}

static const JobHandler handler = { .done = on_done, .silent = on_silent };

static void ask(Hypervisor *h, WorkerJobKind kind, const char *target, uint64_t usec, Outcome *o) {
        *o = (Outcome){};
        JobRequest r = { kind, kind == WORKER_JOB_ACT ? ACTION_OFF : ACTION_NULL, target, 0,
                loop_now() + usec };

        cr_assert_eq(hypervisor_submit(h, &r, &handler, o, &o->job), 0);
}

Test(hypervisor, carries_every_kind_of_job_to_a_worker_and_back) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *h = start(event, "fake:good", 4);
        Outcome ping, resolve, list, act;

        ask(h, WORKER_JOB_PING, NULL, LOOP_LIMIT_USEC, &ping);
        ask(h, WORKER_JOB_RESOLVE, "vm5", LOOP_LIMIT_USEC, &resolve);
        ask(h, WORKER_JOB_LIST, NULL, LOOP_LIMIT_USEC, &list);
        ask(h, WORKER_JOB_ACT, VM1, LOOP_LIMIT_USEC, &act);
        cr_expect_eq(ping.n, 0, "the handler must not be called from within submit");
        loop_until(event, ping.n && resolve.n && list.n && act.n);
        cr_expect_eq(ping.event.result, WORKER_OK);
        cr_expect_eq(resolve.event.result, WORKER_FOUND);
        cr_expect_str_eq(resolve.event.name, "vm5");
        cr_expect_eq(resolve.event.power, POWER_OFF);
        cr_expect_eq(list.event.n_records, 7);
        cr_expect_str_eq(list.last.name, "slow");
        cr_expect_eq(act.event.result, WORKER_OFF_PROVEN);
}

Test(hypervisor, a_job_that_hangs_is_failed_at_its_deadline_and_delays_nobody) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *h = start(event, "fake:good", 2);
        Outcome hang, good;

        ask(h, WORKER_JOB_RESOLVE, "hang", 300 * USEC_PER_MSEC, &hang);
        ask(h, WORKER_JOB_RESOLVE, "vm1", LOOP_LIMIT_USEC, &good);
        loop_until(event, good.n);
        cr_expect_eq(hang.n, 0);
        loop_until(event, hang.n);
        cr_expect_eq(hang.event.result, WORKER_FAILED);
        ask(h, WORKER_JOB_RESOLVE, "vm1", LOOP_LIMIT_USEC, &good);
        loop_until(event, good.n);
        cr_expect_eq(good.event.result, WORKER_FOUND);
}

Test(hypervisor, a_lost_worker_costs_its_job_one_more_try) {
        static const char *const targets[] = { "die", "stop" };
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *h = start(event, "fake:good", 2);

        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                Outcome bad, good;

                ask(h, WORKER_JOB_RESOLVE, targets[i], LOOP_LIMIT_USEC, &bad);
                ask(h, WORKER_JOB_RESOLVE, "vm1", LOOP_LIMIT_USEC, &good);
                loop_until(event, bad.n && good.n);
                cr_expect_eq(bad.event.result, WORKER_FAILED, "%s", targets[i]);
                cr_expect_eq(good.event.result, WORKER_FOUND, "%s", targets[i]);
        }
}

Test(hypervisor, a_worker_that_talks_nonsense_is_replaced_and_believed_nothing) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *h = start(event, "fake:broken", 2);
        Outcome o;

        ask(h, WORKER_JOB_ACT, VM1, LOOP_LIMIT_USEC, &o);
        loop_until(event, o.n);
        cr_expect_eq(o.event.result, WORKER_FAILED);
}

Test(hypervisor, a_worker_that_cannot_be_started_fails_the_job_at_once) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        HypervisorConfig c = { "/nonexistent", "fake:good", 2, USEC_PER_SEC };
        _cleanup_(hypervisor_unrefp) Hypervisor *h = NULL;
        Outcome o;

        cr_assert_eq(hypervisor_new(event, &c, &h), 0);
        ask(h, WORKER_JOB_RESOLVE, "vm1", LOOP_LIMIT_USEC, &o);
        loop_until(event, o.n);
        cr_expect_eq(o.event.result, WORKER_FAILED);
}

Test(hypervisor, one_that_never_answers_is_silent_and_one_slow_domain_is_not) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *silent = start(event, "fake:silent", 2);
        _cleanup_(hypervisor_unrefp) Hypervisor *slow = start(event, "fake:good", 2);
        Outcome a, b;

        ask(silent, WORKER_JOB_RESOLVE, "vm1", LOOP_LIMIT_USEC, &a);
        ask(slow, WORKER_JOB_RESOLVE, "hang", LOOP_LIMIT_USEC, &b);
        loop_until(event, a.silent);
        cr_expect(hypervisor_is_silent(silent));
        cr_expect_eq(a.n, 0, "it still waits for its deadline");
        cr_expect_not(hypervisor_is_silent(slow));
        cr_expect_eq(b.silent, 0);
        job_cancel(a.job);
        job_cancel(b.job);
}

Test(hypervisor, a_queue_has_an_end) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *h = start(event, "fake:silent", 2);
        Job *jobs[HYPERVISOR_QUEUE_MAX], *more = NULL;

        JobRequest r = { .kind = WORKER_JOB_PING, .deadline_usec = loop_now() + LOOP_LIMIT_USEC };
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++)
                cr_assert_eq(hypervisor_submit(h, &r, &handler, NULL, &jobs[i]), 0);
        cr_expect_eq(hypervisor_submit(h, &r, &handler, NULL, &more), -EBUSY);
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++)
                job_cancel(jobs[i]);
}

typedef struct Found {
        unsigned n;
        InquiryResult result;
        Answer answer;
        char trouble[256];
} Found;

static void on_inquired(const InquiryResult *result, void *userdata) {
        Found *f = userdata;

        f->n++;
        f->result = *result;
        if (result->answer)
                f->answer = *result->answer;
        strncpy(f->trouble, result->trouble, sizeof(f->trouble) - 1);
}

static Found inquire(sd_event *event, Hypervisor **list, size_t n, WorkerJobKind kind, const char *target,
        const Place *remembered) {
        Inquiry *q = NULL;
        Found f = {};

        JobRequest r = { .kind = kind, .target = target, .deadline_usec = loop_now() + LOOP_LIMIT_USEC };
        cr_assert_eq(inquiry_new(list, n, &r, remembered, on_inquired, &f, &q), 0);
        loop_until(event, f.n);
        return f;
}

Test(inquiry, finds_a_domain_wherever_it_is) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *good = start(event, "fake:good", 2);
        _cleanup_(hypervisor_unrefp) Hypervisor *other = start(event, "fake:other", 2);
        Hypervisor *both[] = { good, other };

        Found f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        cr_expect_eq(f.result.hypervisor, good);
        cr_expect(f.result.certain);
        cr_expect_str_eq(f.answer.uuid, VM1);
        f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "elsewhere", NULL);
        cr_expect_eq(f.result.hypervisor, other);
        f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "nowhere", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_NOT_FOUND);
}

Test(inquiry, one_that_is_down_hides_nothing_and_claims_nothing) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *good = start(event, "fake:good", 2);
        _cleanup_(hypervisor_unrefp) Hypervisor *down = start(event, "fake:down", 2);
        Hypervisor *both[] = { down, good };

        Found f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        cr_expect_not(f.result.certain);
        f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm5", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_UNREACHABLE);
        cr_expect_not_null(strstr(f.trouble, "it is down"));
        f = inquire(event, both, 2, WORKER_JOB_PING, NULL, NULL);
        cr_expect_eq(f.result.n_answered < f.result.n_asked, true);
        f = inquire(event, both, 2, WORKER_JOB_LIST, NULL, NULL);
        cr_expect_eq(f.result.n_records, 7);
        cr_expect_eq(f.result.n_answered, 1);
        cr_expect_str_eq(hypervisor_trouble(down), "it is down");
}

Test(inquiry, does_not_wait_for_one_that_is_silent_when_it_need_not) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *good = start(event, "fake:good", 2);
        _cleanup_(hypervisor_unrefp) Hypervisor *silent = start(event, "fake:silent", 2);
        Hypervisor *both[] = { silent, good };
        const Place place = { .hypervisor = good, .answer.uuid = VM1 };

        Found f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", &place);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        f = inquire(event, both, 2, WORKER_JOB_LIST, NULL, NULL);
        cr_expect_eq(f.result.n_answered, 1);
}

Test(inquiry, waits_for_the_others_when_another_domain_bears_the_name_now) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *good = start(event, "fake:good", 2);
        _cleanup_(hypervisor_unrefp) Hypervisor *silent = start(event, "fake:silent", 2);
        Hypervisor *both[] = { silent, good };
        const Place place = { .hypervisor = good, .answer.uuid = "00000000-0000-4000-8000-000000000002" };

        Found f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", &place);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        cr_expect(hypervisor_is_silent(silent), "it was given the time to answer");
}

Test(inquiry, waits_a_moment_for_who_could_make_a_name_ambiguous) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *good =
                start_patient(event, "fake:good", 2, LOOP_LIMIT_USEC);
        _cleanup_(hypervisor_unrefp) Hypervisor *silent =
                start_patient(event, "fake:silent", 2, LOOP_LIMIT_USEC);
        Hypervisor *both[] = { silent, good };
        const Place place = { .hypervisor = good, .answer.uuid = VM1 };

        uint64_t begin = loop_now();
        Found f = inquire(event, both, 2, WORKER_JOB_RESOLVE, "vm1", &place);
        cr_expect_eq(f.result.outcome, RESOLVE_FOUND);
        cr_expect_geq(loop_now() - begin, INQUIRY_GRACE_USEC);
        cr_expect_not(hypervisor_is_silent(silent), "it was found before anybody could know");
}

Test(inquiry, ends_at_once_when_everybody_is_silent_already) {
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        _cleanup_(hypervisor_unrefp) Hypervisor *silent = start(event, "fake:silent", 3);
        Hypervisor *list[] = { silent };

        Found f = inquire(event, list, 1, WORKER_JOB_RESOLVE, "vm1", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_UNREACHABLE);
        cr_expect(hypervisor_is_silent(silent));
        uint64_t begin = loop_now();
        f = inquire(event, list, 1, WORKER_JOB_RESOLVE, "vm1", NULL);
        cr_expect_eq(f.result.outcome, RESOLVE_UNREACHABLE);
        cr_expect_lt(loop_now() - begin, LOOP_LIMIT_USEC / 2, "long before its deadline");
}
