/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inquiry.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One hypervisor's share. */
typedef struct Part {
        Inquiry *inquiry;
        Hypervisor *hypervisor;
        Job *job; /* NULL once it was answered */
        bool was_here; /* the last time; once it was answered: and the same domain is */
} Part;

struct Inquiry {
        WorkerJobKind kind;
        InquiryDone done;
        void *userdata;
        size_t n, n_answered;
        Part *parts;
        Answer *answers; /* of the same order */
        char remembered[WORKER_UUID_SIZE]; /* the domain that was found the last time; "" for none */
        bool by_uuid; /* what is looked for is named by its UUID */
        sd_event_source *timer;
        WorkerRecord *records;
        size_t n_records;
        char trouble[WORKER_MESSAGE_SIZE];
};

Inquiry *inquiry_free(Inquiry *q) {
        if (!q)
                return NULL;
        for (size_t i = 0; q->parts && i < q->n; i++) {
                job_cancel(q->parts[i].job);
                hypervisor_unref(q->parts[i].hypervisor);
        }
        sd_event_source_disable_unref(q->timer);
        free(q->parts);
        free(q->answers);
        free(q->records);
        free(q);
        return NULL;
}

static void finish(Inquiry *q, InquiryResult *result) {
        result->n_asked = q->n;
        result->answers = q->answers;
        result->n_answered = q->n_answered;
        result->records = q->records;
        result->n_records = q->n_records;
        result->trouble = q->trouble;
        q->done(result, q->userdata);
        inquiry_free(q);
}

Finding inquiry_finding(const InquiryResult *result, const char *text, const Memory *memory) {
        return (Finding){ text, result->outcome, result->answer, result->answers, result->n_asked,
                memory_find(memory, text) };
}

void inquiry_say(const InquiryResult *result, char ret[static INQUIRY_SENTENCE_SIZE]) {
        bool is_trouble = result->outcome == RESOLVE_UNREACHABLE && result->trouble[0];

        (void) snprintf(ret, INQUIRY_SENTENCE_SIZE, "%s%s%s", is_trouble ? result->trouble : "",
                is_trouble ? "; " : "", resolve_outcome_reason(result->outcome));
}

static void check_resolve(Inquiry *q) {
        size_t index = 0;
        InquiryResult result = { .outcome = resolve_decide(q->answers, q->n, &index) };

        if (result.outcome == RESOLVE_WAIT)
                return;
        if (result.outcome == RESOLVE_FOUND) {
                result.hypervisor = q->parts[index].hypervisor;
                result.answer = &q->answers[index];
                result.certain = resolve_is_certain(q->answers, q->n);
        }
        finish(q, &result);
}

/* A list is given without those that are silent, if anybody answered: it claims nothing about what it does not name. A
 * ping is only good when all are, so that it ends with the first that is not. */
static void check_others(Inquiry *q) {
        size_t n_pending = 0, n_bad = 0;

        for (size_t i = 0; i < q->n; i++) {
                const Answer *a = &q->answers[i];

                if (a->kind == ANSWER_PENDING &&
                        !(a->silent && q->kind != WORKER_JOB_PING && q->n_answered > 0))
                        n_pending++;
                if (a->kind == ANSWER_UNREACHABLE)
                        n_bad++;
        }
        if (n_pending == 0 || (q->kind == WORKER_JOB_PING && n_bad > 0))
                finish(q, &(InquiryResult){});
}

static bool finds_one(const Inquiry *q) {
        return q->kind != WORKER_JOB_LIST && q->kind != WORKER_JOB_PING && q->kind != WORKER_JOB_LIST_PORTS;
}

static void check(Inquiry *q) {
        if (finds_one(q))
                check_resolve(q);
        else
                check_others(q);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Inquiry *q = userdata;

        for (size_t i = 0; i < q->n; i++)
                q->answers[i].remembered = q->parts[i].was_here && q->answers[i].kind == ANSWER_FOUND;
        check(q);
        return 0;
}

static int check_after(Inquiry *q, uint64_t usec) {
        return q->timer ? 0
                        : sd_event_add_time_relative(hypervisor_event(q->parts[0].hypervisor), &q->timer,
                                  CLOCK_MONOTONIC, usec, USEC_PER_MSEC, on_timer, q);
}

/* The domain is where it was. Another one that bears its name now is no reason not to wait for the others. */
static void recognise(Inquiry *q, Part *part, Answer *a) {
        part->was_here = part->was_here && strcasecmp(a->uuid, q->remembered) == 0;
        if (part->was_here && q->by_uuid)
                a->remembered = true;
        else if (part->was_here)
                (void) check_after(q, INQUIRY_GRACE_USEC); /* without, the others are waited for */
}

static int keep_records(Inquiry *q, const WorkerRecord *records, size_t n) {
        WorkerRecord *p = realloc(q->records, (q->n_records + n) * sizeof(*p));

        if (!p)
                return -ENOMEM;
        memcpy(p + q->n_records, records, n * sizeof(*p));
        q->records = p;
        q->n_records += n;
        return 0;
}

static AnswerKind answer_kind(Inquiry *q, const WorkerEvent *e, const WorkerRecord *records) {
        switch (e->result) {
        case WORKER_OK:
        case WORKER_FOUND:
                if (finds_one(q) != (e->result == WORKER_FOUND))
                        return ANSWER_UNREACHABLE; /* no answer to this question */
                if (e->n_records > 0 && keep_records(q, records, e->n_records) < 0)
                        return ANSWER_UNREACHABLE;
                return ANSWER_FOUND;
        case WORKER_NOT_FOUND:
                return ANSWER_NOT_FOUND;
        case WORKER_AMBIGUOUS:
                return ANSWER_AMBIGUOUS;
        default:
                return ANSWER_UNREACHABLE;
        }
}

static void on_done(Job *j, const WorkerEvent *event, const WorkerRecord *records, void *userdata) {
        Part *part = userdata;
        Inquiry *q = part->inquiry;
        Answer *a = &q->answers[part - q->parts];

        part->job = NULL;
        a->kind = answer_kind(q, event, records);
        if (a->kind == ANSWER_UNREACHABLE)
                (void) snprintf(q->trouble, sizeof(q->trouble), "%.120s: %.120s",
                        hypervisor_uri(part->hypervisor), event->message[0] ? event->message : "no answer");
        else
                q->n_answered++;
        if (a->kind == ANSWER_NOT_FOUND && event->message[0])
                (void) snprintf(q->trouble, sizeof(q->trouble), "%s", event->message);
        if (a->kind == ANSWER_FOUND) {
                a->power = (PowerState) event->power;
                (void) snprintf(a->name, sizeof(a->name), "%s", event->name);
                (void) snprintf(a->uuid, sizeof(a->uuid), "%s", event->uuid);
                (void) snprintf(a->labels, sizeof(a->labels), "%s", event->labels);
                recognise(q, part, a);
        }
        check(q);
}

static void on_silent(Job *j, void *userdata) {
        Part *part = userdata;
        Inquiry *q = part->inquiry;

        q->answers[part - q->parts].silent = true;
        (void) snprintf(
                q->trouble, sizeof(q->trouble), "%.120s does not answer", hypervisor_uri(part->hypervisor));
        check(q);
}

static const JobHandler handler = { .done = on_done, .silent = on_silent };

int inquiry_new(Hypervisor *const *hypervisors, size_t n, const JobRequest *request, const Place *remembered,
        InquiryDone done, void *userdata, Inquiry **ret) {
        _cleanup_(inquiry_freep) Inquiry *q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->kind = request->kind;
        if (remembered)
                memcpy(q->remembered, remembered->answer.uuid, sizeof(q->remembered));
        q->by_uuid = request->target && wire_is_uuid(request->target);
        q->done = done;
        q->userdata = userdata;
        q->parts = calloc(n, sizeof(*q->parts));
        q->answers = calloc(n, sizeof(*q->answers));
        if (!q->parts || !q->answers)
                return -ENOMEM;

        bool all_silent = true;
        for (size_t i = 0; i < n; i++) {
                Part *part = &q->parts[i];

                part->inquiry = q;
                part->hypervisor = hypervisor_ref(hypervisors[i]);
                q->n = i + 1;
                q->answers[i].silent = hypervisor_is_silent(hypervisors[i]);
                all_silent = all_silent && q->answers[i].silent;
                part->was_here = remembered && hypervisors[i] == remembered->hypervisor;
                int r = hypervisor_submit(hypervisors[i], request, &handler, part, &part->job);
                if (r < 0)
                        return r;
        }
        /* nobody will speak, and who asks need not wait for that either */
        int r = all_silent && finds_one(q) ? check_after(q, 0) : 0;
        if (r < 0)
                return r;
        *ret = TAKE(q, NULL);
        return 0;
}
