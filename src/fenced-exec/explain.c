/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "explain.h"
#include "authorize.h"
#include "inquiry.h"
#include "names.h"
#include "requester.h"
#include "ruling.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

typedef struct Explain {
        Explains *all;
        sd_bus_message *call;
        sd_event_source *deadline;
        Authorization *authorization;
        const char *wanted; /* to be looked up as soon as nobody else is looking */
        InquiryDone done;
        Inquiry *inquiry;
        Identity requester;
        Action action;
        char target[WIRE_TARGET_MAX + 1];
        TAILQ_ENTRY(Explain) entry;
} Explain;

struct Explains {
        Manager *manager;
        TAILQ_HEAD(, Explain) list; /* in order of arrival */
        size_t n, n_waiting;
};

int explains_new(Manager *m, Explains **ret) {
        Explains *x = calloc(1, sizeof(*x));

        if (!x)
                return -ENOMEM;
        x->manager = m;
        TAILQ_INIT(&x->list);
        *ret = x;
        return 0;
}

static void explain_free(Explain *e) {
        TAILQ_REMOVE(&e->all->list, e, entry);
        e->all->n--;
        authorization_free(e->authorization);
        inquiry_free(e->inquiry);
        sd_event_source_disable_unref(e->deadline);
        sd_bus_message_unref(e->call);
        free(e);
}

void explains_clear(Explains *x) {
        while (!TAILQ_EMPTY(&x->list))
                explain_free(TAILQ_FIRST(&x->list));
}

Explains *explains_free(Explains *x) {
        if (x)
                explains_clear(x);
        free(x);
        return NULL;
}

static void look_next(Explains *x);

static void fail(Explain *e, const char *name, const char *message) {
        Explains *x = e->all;

        (void) sd_bus_reply_method_errorf(e->call, name, "%s", message);
        explain_free(e);
        look_next(x);
}

static void reply(Explain *e, Verdict v, const char *group, const char *reason, const Answer *domain) {
        Explains *x = e->all;

        (void) sd_bus_reply_method_return(e->call, "bssss", v == VERDICT_ALLOW, group, reason,
                domain ? domain->name : "", domain ? domain->uuid : "");
        explain_free(e);
        look_next(x);
}

static int start(Explain *e) {
        Manager *m = e->all->manager;
        const char *target = TAKE(e->wanted, NULL);
        const JobRequest request = { .kind = WORKER_JOB_RESOLVE,
                .target = target,
                .labels = policy_uses_labels(m->policy),
                .deadline_usec = manager_now(m) + m->settings->operation_timeout_usec };

        return inquiry_new(m->hypervisors, m->n_hypervisors, &request,
                target == e->target ? memory_find(&m->memory, target) : NULL, e->done, e, &e->inquiry);
}

static void look_next(Explains *x) {
        Explain *e, *next = NULL;

        TAILQ_FOREACH(e, &x->list, entry) {
                if (e->inquiry)
                        return;
                if (!next && e->wanted)
                        next = e;
        }
        if (next && start(next) < 0)
                fail(next, BUS_ERROR_BUSY, "Too many requests are waiting for the hypervisors");
}

/* `target` is a text of e. */
static void look_up(Explain *e, const char *target, InquiryDone done) {
        e->wanted = target;
        e->done = done;
        look_next(e->all);
}

static void on_resolved(const InquiryResult *result, void *userdata) {
        Explain *e = userdata;
        Manager *m = e->all->manager;
        const Finding found = inquiry_finding(result, e->target, &m->memory);
        char trouble[INQUIRY_SENTENCE_SIZE];
        Reason why = {};

        e->inquiry = NULL;
        Verdict v = rule(m->policy, &e->requester, e->action, &found, &why);
        if (v != VERDICT_ALLOW || result->outcome == RESOLVE_FOUND)
                reply(e, v, why.group, why.text, result->answer);
        else {
                inquiry_say(result, trouble);
                reply(e, v, why.group, trouble, NULL);
        }
}

static void decide(Explain *e) {
        Manager *m = e->all->manager;
        Reason why = {};

        Verdict v = policy_check_requester(m->policy, &e->requester, e->action, &why);
        if (v != VERDICT_ALLOW || !e->target[0])
                reply(e, v, why.group, why.text, NULL);
        else
                look_up(e, e->target, on_resolved);
}

/* What the requester's domain is called, and its labels, make it a member, too. */
static void on_requester(const InquiryResult *result, void *userdata) {
        Explain *e = userdata;
        const Answer *a = result->outcome == RESOLVE_FOUND ? result->answer : NULL;

        e->inquiry = NULL;
        if (a)
                identity_set_domain(&e->requester, a->name, a->uuid, a->labels);
        if (a && e->requester.family == AF_UNSPEC && e->requester.name[0]) /* as on a channel */
                (void) snprintf(e->requester.source, sizeof(e->requester.source), "%s", e->requester.name);
        decide(e);
}

static void on_authorized(bool allowed, void *userdata) {
        Explain *e = userdata;

        e->authorization = NULL;
        if (!allowed)
                fail(e, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow " POLKIT_ACTION_EXPLAIN);
        else if (!e->requester.uuid[0])
                decide(e);
        else
                look_up(e, e->requester.uuid, on_requester);
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        fail(userdata, SD_BUS_ERROR_TIMEOUT, "Nobody has answered in time");
        return 0;
}

static int refuse(sd_bus_error *error, const char *why) {
        return sd_bus_error_set_const(error, SD_BUS_ERROR_INVALID_ARGS, why);
}

static int read_arguments(sd_bus_message *call, Explain *e, sd_bus_error *error) {
        const char *requester, *action, *target, *reason = NULL;
        int r = sd_bus_message_read(call, "sss", &requester, &action, &target);

        if (r < 0)
                return r;
        r = requester_parse(requester, &e->requester, &reason);
        if (r < 0)
                return reason ? refuse(error, reason) : r;
        if (action_from_string(action, &e->action) < 0)
                return refuse(error, "there is no such action");
        if (*target && !wire_target_is_valid(target))
                return refuse(error, "a target has 1 to 63 bytes, all printable");
        if (!*target && action_has_target(e->action))
                return refuse(error, "this action needs a target");
        if (*target && !action_has_target(e->action) && e->action != ACTION_LIST)
                return refuse(error, "this action has no target");
        (void) snprintf(e->target, sizeof(e->target), "%s", target);
        return 0;
}

int explain(Explains *x, sd_bus_message *call, sd_bus_error *error) {
        Explain *e, arguments = {};
        int r = read_arguments(call, &arguments, error);

        if (r < 0)
                return r;
        if (x->n >= EXPLAINS_MAX)
                return sd_bus_error_set_const(error, BUS_ERROR_BUSY, "Too many are asking");
        e = malloc(sizeof(*e));
        if (!e)
                return -ENOMEM;
        *e = arguments;
        e->all = x;
        e->call = sd_bus_message_ref(call);
        TAILQ_INSERT_TAIL(&x->list, e, entry);
        x->n++;
        r = sd_event_add_time(x->manager->event, &e->deadline, CLOCK_MONOTONIC,
                manager_now(x->manager) + EXPLAIN_USEC, USEC_PER_SEC, on_deadline, e);
        if (r >= 0)
                r = authorization_new(
                        call, POLKIT_ACTION_EXPLAIN, &x->n_waiting, on_authorized, e, &e->authorization);
        if (r < 0) {
                explain_free(e);
                return r;
        }
        return 1;
}
