/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation.h"
#include "outcome.h"
#include "reply.h"
#include "ruling.h"

#include <stdio.h>
#include <string.h>

static const Request *request_of(const Conversation *c) {
        return &c->session.request;
}

static ReplyFraming framing_of(const Conversation *c) {
        return c->form == FORM_FRAME ? REPLY_SERIAL : REPLY_STREAM;
}

static void answer(Conversation *c, Reply reply) {
        uint8_t *bytes = NULL;
        size_t size = 0;

        if (reply_status(framing_of(c), reply, &bytes, &size) < 0) {
                conversation_free(c); /* the guest sees the end of the connection: failure */
                return;
        }
        conversation_answer(c, reply, bytes, size);
}

static void fail(Conversation *c, const char *reason, const char *result) {
        conversation_audit(c, AUDIT_FAILED, "allow", reason, result, NULL);
        answer(c, REPLY_FAILURE);
}

static void deny(Conversation *c, const char *reason) {
        conversation_audit(c, AUDIT_DENIED, "deny", reason, "denied", NULL);
        answer(c, REPLY_DENIED);
}

static int on_denied(sd_event_source *s, uint64_t usec, void *userdata) {
        answer(userdata, REPLY_DENIED);
        return 0;
}

static void deny_in_time(Conversation *c, const char *reason) {
        uint64_t passed = manager_now(c->manager) - c->asked_usec;

        conversation_audit(c, AUDIT_DENIED, "deny", reason, "denied", NULL);
        c->denied = true;
        if (sd_event_add_time(c->manager->event, &c->expiry, CLOCK_MONOTONIC,
                    c->asked_usec + (passed / CONVERSATION_GRID_USEC + 1) * CONVERSATION_GRID_USEC, 1,
                    on_denied, c) < 0)
                answer(c, REPLY_DENIED);
}

static void on_pinged(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;

        c->inquiry = NULL;
        if (result->n_answered < result->n_asked) {
                fail(c, result->trouble, "unreachable");
                return;
        }
        conversation_audit(c, AUDIT_DONE, "allow", "every hypervisor answers", "ok", NULL);
        answer(c, REPLY_SUCCESS);
}

static void on_listed(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;
        _cleanup_free_ Record *records = NULL;
        uint8_t *bytes = NULL;
        char reason[320];
        size_t n = 0, size = 0;

        c->inquiry = NULL;
        if (result->n_answered == 0) {
                fail(c, result->trouble, "unreachable");
                return;
        }
        if (list_build(result->records, result->n_records, c->policy, c->manager->policy, &c->requester,
                    &records, &n) < 0 ||
                reply_list(framing_of(c), records, n, &bytes, &size) < 0) {
                fail(c, "the list could not be made", "failed");
                return;
        }
        (void) snprintf(reason, sizeof(reason), "%zu of %zu domains are shown%s%s", n,
                list_count(result->records, result->n_records), result->trouble[0] ? "; incomplete: " : "",
                result->trouble);
        conversation_audit(c, AUDIT_DONE, "allow", reason, "listed", NULL);
        conversation_answer(c, REPLY_LIST, bytes, size);
}

static void on_operated(const WorkerEvent *result, void *userdata) {
        Conversation *c = userdata;
        Outcome o = outcome_of_operation(request_of(c)->action, (WorkerResult) result->result);

        c->waiter = NULL;
        conversation_audit(c, o.kind, "allow", result->message, o.result, result->proof);
        answer(c, o.reply);
}

/* The brake on a fence storm: an operation that would be one too many is not begun. Failure, not "denied": it may be asked
 * again. */
static bool is_held_back(Conversation *c) {
        Manager *m = c->manager;
        Action action = request_of(c)->action;

        if ((action != ACTION_OFF && action != ACTION_REBOOT) ||
                operation_exists(m->operations, &c->key, c->uuid))
                return false;
        BrakeVerdict verdict = brake_ask(m->brake, &m->settings->brake, &c->requester, manager_now(m));
        if (verdict == BRAKE_FREE)
                return false;
        const char *reason = brake_reason(verdict);
        if (brake_is_news(m->brake, verdict, manager_now(m)))
                conversation_audit(c, AUDIT_STORM, NULL, reason, NULL, NULL);
        conversation_audit(c, AUDIT_DENIED, "deny", reason, "denied", NULL);
        answer(c, REPLY_FAILURE);
        return true;
}

static void operate(Conversation *c, Hypervisor *h) {
        Manager *m = c->manager;
        const RecentEntry *e = recent_find(&m->recent, &c->key, manager_now(m));

        if (e) {
                conversation_audit(c, AUDIT_DONE, "allow", "the same request was answered a moment ago",
                        "repeated", NULL);
                answer(c, e->reply);
                return;
        }
        if (is_held_back(c))
                return;
        int r = operation_join(m->operations, &c->key, h, request_of(c)->action, c->uuid, c->deadline_usec,
                on_operated, c, &c->waiter);
        if (r < 0)
                fail(c, "too many operations are under way", "failed");
}

/* Both the policy at Open and the one that is in force now. */
static Verdict judge(Conversation *c, const Finding *found, Reason *ret_why) {
        const Policy *now = c->manager->policy;
        Verdict v = rule(c->policy, &c->requester, request_of(c)->action, found, ret_why);

        return v != VERDICT_ALLOW || now == c->policy
                       ? v
                       : rule(now, &c->requester, request_of(c)->action, found, ret_why);
}

static void on_found(Conversation *c, const InquiryResult *result, const Reason *why) {
        if (request_of(c)->action != ACTION_STATUS) {
                operate(c, result->hypervisor);
                return;
        }
        Outcome o = outcome_of_status(result->answer->power);
        conversation_audit(c, o.kind, "allow", why->text, o.result, NULL);
        answer(c, o.reply);
}

static void on_not_found(Conversation *c) {
        if (request_of(c)->action == ACTION_STATUS && c->manager->settings->status_unknown_is_off) {
                conversation_audit(
                        c, AUDIT_DONE, "allow", "no such domain; UnknownIsOff=yes", "status-off", NULL);
                answer(c, REPLY_OFF);
        } else
                fail(c, resolve_outcome_reason(RESOLVE_NOT_FOUND), "not-found");
}

static void remember(Conversation *c, const InquiryResult *result) {
        Memory *m = &c->manager->memory;

        if (result->outcome == RESOLVE_AMBIGUOUS || result->outcome == RESOLVE_NOT_FOUND)
                memory_forget(m, request_of(c)->target);
        if (result->outcome != RESOLVE_FOUND)
                return;
        (void) snprintf(c->name, sizeof(c->name), "%s", result->answer->name);
        (void) snprintf(c->uuid, sizeof(c->uuid), "%s", result->answer->uuid);
        if (result->certain)
                memory_store(m, request_of(c)->target, result->hypervisor, result->answer);
}

static void on_resolved(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;
        char reason[INQUIRY_SENTENCE_SIZE];
        Reason why = {};

        c->inquiry = NULL;
        remember(c, result); /* before anybody asks whether the requester may know */
        const Finding found = inquiry_finding(result, request_of(c)->target, &c->manager->memory);
        if (judge(c, &found, &why) != VERDICT_ALLOW) {
                deny_in_time(c, why.text);
                return;
        }
        switch (result->outcome) {
        case RESOLVE_FOUND:
                on_found(c, result, &why);
                break;
        case RESOLVE_NOT_FOUND:
                on_not_found(c);
                break;
        default:
                inquiry_say(result, reason);
                fail(c, reason, result->outcome == RESOLVE_AMBIGUOUS ? "ambiguous" : "unreachable");
        }
}

static int ask(Conversation *c, WorkerJobKind kind, InquiryDone done) {
        Manager *m = c->manager;
        const char *target = request_of(c)->target;

        JobRequest request = { .kind = kind,
                .target = kind == WORKER_JOB_RESOLVE ? target : NULL,
                .labels = kind != WORKER_JOB_PING &&
                          (policy_uses_labels(c->policy) || policy_uses_labels(m->policy)),
                .deadline_usec = c->deadline_usec };

        c->backend = "libvirt";
        c->asked_usec = manager_now(m);
        return inquiry_new(m->hypervisors, m->n_hypervisors, &request, memory_find(&m->memory, target), done,
                c, &c->inquiry);
}

void conversation_act(Conversation *c) {
        Manager *m = c->manager;
        Action action = request_of(c)->action;
        Reason why = {};
        int r = 0;

        if (policy_check_requester(c->policy, &c->requester, action, &why) != VERDICT_ALLOW ||
                policy_check_requester(m->policy, &c->requester, action, &why) != VERDICT_ALLOW)
                deny(c, why.text);
        else if (action == ACTION_NULL)
                /* Failure is what fence_virtd answers. Agents ask it before all else to see that a line is in step, so
                 * a record of it would bury those of decisions. */
                answer(c, REPLY_FAILURE);
        else {
                r = action == ACTION_MONITOR ? ask(c, WORKER_JOB_PING, on_pinged)
                    : action == ACTION_LIST  ? ask(c, WORKER_JOB_LIST, on_listed)
                                             : ask(c, WORKER_JOB_RESOLVE, on_resolved);
                if (r < 0)
                        fail(c, "too many requests are waiting for the hypervisors", "failed");
        }
}
