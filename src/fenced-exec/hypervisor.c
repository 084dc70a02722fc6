/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hypervisor.h"
#include "hypervisor-internal.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

enum { ATTEMPTS_MAX = 2 };

static void slot_free(Slot *s) {
        if (s->job)
                s->job->slot = NULL;
        LIST_REMOVE(s, entry);
        s->hypervisor->n_slots--;
        worker_abandon(s->worker);
        free(s);
}

static bool job_acts(const Job *j) {
        return j->message.kind == WORKER_JOB_ACT;
}

/* Takes it off its worker; what becomes of either is the caller's decision. */
static void job_detach(Job *j) {
        Hypervisor *h = j->hypervisor;

        TAILQ_REMOVE(&h->active, j, entry);
        if (job_acts(j))
                h->n_acting--;
        if (j->slot)
                j->slot->job = NULL;
        j->slot = NULL;
}

/* The job must be in neither list. */
static void job_free(Job *j) {
        Hypervisor *h = j->hypervisor;

        if (h->ping == j)
                h->ping = NULL;
        h->n_jobs--;
        sd_event_source_disable_unref(j->timer);
        free(j);
        hypervisor_unref(h);
}

static void job_finish(Job *j, const WorkerEvent *event, const WorkerRecord *records) {
        const JobHandler *handler = TAKE(j->handler, NULL);

        if (handler)
                handler->done(j, event, records, j->userdata);
        job_free(j);
}

static void job_fail(Job *j, WorkerResult result, const char *why) {
        WorkerEvent e = { .kind = WORKER_EVENT_RESULT, .result = result, .id = j->message.id };

        (void) snprintf(e.message, sizeof(e.message), "%s", why);
        job_finish(j, &e, NULL);
}

static void wake(Hypervisor *h) {
        (void) sd_event_source_set_enabled(h->dispatch, SD_EVENT_ONESHOT);
}

static void set_trouble(Hypervisor *h, const WorkerEvent *e) {
        if (e->result != WORKER_UNREACHABLE)
                h->trouble[0] = 0;
        else
                (void) snprintf(h->trouble, sizeof(h->trouble), "%s", e->message);
}

/* The worker of a job is gone. What never started, or only reads, is tried once more. */
static void job_bereave(Job *j, const char *why) {
        Hypervisor *h = j->hypervisor;

        job_detach(j);
        wake(h);
        if (!j->handler)
                job_free(j);
        else if (!j->started && j->attempts < ATTEMPTS_MAX)
                TAILQ_INSERT_HEAD(&h->waiting, j, entry);
        else
                job_fail(j, WORKER_FAILED, why);
}

static void on_worker_event(
        Worker *w, const WorkerEvent *event, const WorkerRecord *records, void *userdata) {
        Slot *s = userdata;
        Hypervisor *h = s->hypervisor;
        Job *j = s->job;
        uint64_t now = 0;

        (void) sd_event_now(h->event, CLOCK_MONOTONIC, &now);
        if (!j || event->id != j->message.id) {
                log_warning("A worker of %s spoke of a job that it does not have; it is replaced.", h->uri);
                slot_free(s);
                if (j)
                        job_bereave(j, "the worker broke the protocol");
                return;
        }
        hypervisor_heard(h, now);
        if (event->kind == WORKER_EVENT_STARTED) {
                j->started = true;
                return;
        }
        job_detach(j);
        s->idle_since_usec = now;
        LIST_REMOVE(s, entry);
        LIST_INSERT_HEAD(&h->slots, s, entry);
        set_trouble(h, event);
        wake(h);
        job_finish(j, event, records);
}

static void on_worker_lost(Worker *w, const char *why, void *userdata) {
        Slot *s = userdata;
        Hypervisor *h = s->hypervisor;
        Job *j = s->job;

        if (j)
                log_warning("A worker of %s was lost with a job: %s.", h->uri, why);
        slot_free(s);
        if (j)
                job_bereave(j, why);
}

static const WorkerOwner worker_owner = { .event = on_worker_event, .lost = on_worker_lost };

static int slot_new(Hypervisor *h, Slot **ret) {
        Slot *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->hypervisor = h;
        int r = worker_new(h->event, h->worker_path, h->uri, &worker_owner, s, &s->worker);
        if (r < 0) {
                free(s);
                return log_error_errno(r, "Cannot start a worker for %s: %m", h->uri);
        }
        LIST_INSERT_HEAD(&h->slots, s, entry);
        h->n_slots++;
        *ret = s;
        return 0;
}

/* An idle worker, or a new one; NULL with 0 when all are at work. A ping may always have one of its own. */
static int find_slot(Hypervisor *h, const Job *j, Slot **ret) {
        Slot *s;

        LIST_FOREACH(s, &h->slots, entry)
                if (!s->job) {
                        *ret = s;
                        return 0;
                }
        *ret = NULL;
        if (h->n_slots >= h->workers_max && j != h->ping)
                return 0;
        return slot_new(h, ret);
}

/* False when no worker can be had now. */
static bool dispatch_one(Hypervisor *h, Job *j, uint64_t now) {
        Slot *s;

        int r = find_slot(h, j, &s);
        if (r >= 0 && !s)
                return false;
        TAILQ_REMOVE(&h->waiting, j, entry);
        if (r < 0) {
                job_fail(j, WORKER_FAILED, "no worker process could be started");
                return true;
        }
        TAILQ_INSERT_TAIL(&h->active, j, entry);
        j->slot = s;
        s->job = j;
        j->attempts++;
        if (job_acts(j))
                h->n_acting++;
        hypervisor_watch(h, now);
        if (worker_send(s->worker, &j->message) < 0) {
                slot_free(s);
                job_bereave(j, "the worker does not take jobs");
        }
        return true;
}

static int on_dispatch(sd_event_source *source, void *userdata) {
        Hypervisor *h = hypervisor_ref(userdata); /* the last job may take the last reference with it */
        unsigned acting_max = h->workers_max - (h->workers_max + 3) / 4;
        Job *j, *next;
        uint64_t now = 0;
        bool busy = false;

        (void) sd_event_now(h->event, CLOCK_MONOTONIC, &now);
        for (j = TAILQ_FIRST(&h->waiting); j && !busy; j = next) {
                next = TAILQ_NEXT(j, entry);
                if (job_acts(j) && h->n_acting >= acting_max)
                        continue;
                busy = !dispatch_one(h, j, now);
        }
        if (h->n_slots > 0) {
                int enabled = SD_EVENT_OFF;

                (void) sd_event_source_get_enabled(h->idle_timer, &enabled);
                if (enabled == SD_EVENT_OFF)
                        hypervisor_arm(h->idle_timer, now + WORKER_IDLE_USEC);
        }
        hypervisor_unref(h);
        return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        Hypervisor *h = userdata;
        uint64_t now = 0, next = 0;
        Slot *s, *tmp;

        (void) sd_event_now(h->event, CLOCK_MONOTONIC, &now);
        for (s = LIST_FIRST(&h->slots); s; s = tmp) {
                tmp = LIST_NEXT(s, entry);
                uint64_t end = (s->job ? now : s->idle_since_usec) + WORKER_IDLE_USEC;
                if (end <= now)
                        slot_free(s);
                else if (next == 0 || end < next)
                        next = end;
        }
        if (next > 0)
                hypervisor_arm(h->idle_timer, next);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Job *j = userdata;
        Hypervisor *h = j->hypervisor;

        if (j->slot) {
                Slot *s = j->slot;

                job_detach(j);
                slot_free(s);
        } else
                TAILQ_REMOVE(&h->waiting, j, entry);
        wake(h);
        job_fail(j, h->silent ? WORKER_UNREACHABLE : WORKER_FAILED,
                h->silent ? "libvirt does not answer" : "the deadline passed");
        return 0;
}

static int hypervisor_init(Hypervisor *h, const HypervisorConfig *config) {
        int r;

        h->uri = strdup(config->uri);
        h->worker_path = strdup(config->worker_path);
        if (!h->uri || !h->worker_path)
                return -ENOMEM;
        r = sd_event_add_defer(h->event, &h->dispatch, on_dispatch, h);
        if (r < 0)
                return r;
        r = hypervisor_watch_init(h);
        if (r < 0)
                return r;
        r = sd_event_add_time(
                h->event, &h->idle_timer, CLOCK_MONOTONIC, UINT64_MAX, 5 * USEC_PER_SEC, on_idle, h);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(h->dispatch, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(h->idle_timer, SD_EVENT_OFF);
        return 0;
}

int hypervisor_new(sd_event *event, const HypervisorConfig *config, Hypervisor **ret) {
        _cleanup_(hypervisor_unrefp) Hypervisor *h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        h->n_ref = 1;
        h->event = sd_event_ref(event);
        h->workers_max = config->workers_max;
        h->connect_timeout_usec = config->connect_timeout_usec;
        h->next_id = 1;
        TAILQ_INIT(&h->waiting);
        TAILQ_INIT(&h->active);
        LIST_INIT(&h->slots);

        int r = hypervisor_init(h, config);
        if (r < 0)
                return r;
        *ret = TAKE(h, NULL);
        return 0;
}

Hypervisor *hypervisor_ref(Hypervisor *h) {
        h->n_ref++;
        return h;
}

Hypervisor *hypervisor_unref(Hypervisor *h) {
        if (!h || --h->n_ref > 0)
                return NULL;

        /* every job holds a reference: none is left */
        while (!LIST_EMPTY(&h->slots))
                slot_free(LIST_FIRST(&h->slots));
        sd_event_source_disable_unref(h->dispatch);
        sd_event_source_disable_unref(h->silence_timer);
        sd_event_source_disable_unref(h->idle_timer);
        sd_event_unref(h->event);
        free(h->uri);
        free(h->worker_path);
        free(h);
        return NULL;
}

const char *hypervisor_uri(const Hypervisor *h) {
        return h->uri;
}

sd_event *hypervisor_event(const Hypervisor *h) {
        return h->event;
}

bool hypervisor_is_silent(const Hypervisor *h) {
        return h->silent;
}

const char *hypervisor_trouble(const Hypervisor *h) {
        return h->trouble;
}

int hypervisor_submit(
        Hypervisor *h, const JobRequest *request, const JobHandler *handler, void *userdata, Job **ret) {
        const char *target = request->target ? request->target : "";

        if (h->n_jobs >= HYPERVISOR_QUEUE_MAX)
                return -EBUSY;
        if (strlen(target) >= WORKER_NAME_SIZE)
                return -ENAMETOOLONG;

        Job *j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->message = (WorkerJob){
                .kind = request->kind,
                .action = request->action,
                .id = h->next_id++,
                .deadline_usec = request->deadline_usec,
                .subject = request->subject,
                .flags = request->labels ? WORKER_JOB_LABELS : 0,
        };
        (void) snprintf(j->message.target, sizeof(j->message.target), "%s", target);
        if (request->domain)
                (void) snprintf(j->message.domain, sizeof(j->message.domain), "%s", request->domain);
        j->handler = handler;
        j->userdata = userdata;
        int r = sd_event_add_time(h->event, &j->timer, CLOCK_MONOTONIC, request->deadline_usec,
                10 * USEC_PER_MSEC, on_deadline, j);
        if (r < 0) {
                free(j);
                return r;
        }
        j->hypervisor = hypervisor_ref(h);
        h->n_jobs++;
        if (request->kind == WORKER_JOB_PING)
                TAILQ_INSERT_HEAD(&h->waiting, j, entry);
        else
                TAILQ_INSERT_TAIL(&h->waiting, j, entry);
        wake(h);
        *ret = j;
        return 0;
}

bool job_started(const Job *j) {
        return j->started;
}

Job *job_cancel(Job *j) {
        if (!j)
                return NULL;

        Slot *s = j->slot;
        j->handler = NULL;
        if (!s) {
                TAILQ_REMOVE(&j->hypervisor->waiting, j, entry);
                job_free(j);
        } else if (job_acts(j) && !j->started) {
                job_detach(j);
                slot_free(s);
                wake(j->hypervisor);
                job_free(j);
        }
        return NULL;
}
