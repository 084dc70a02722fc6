/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hypervisor-internal.h"
#include "log.h"

/* Nothing heard for half of the connect time-out: a ping on a worker of its own asks the manager itself, since one domain's
 * lock can hold a job up for long. Nothing for the other half either: silent. */

void hypervisor_arm(sd_event_source *timer, uint64_t at_usec) {
        (void) sd_event_source_set_time(timer, at_usec);
        (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static uint64_t half(const Hypervisor *h) {
        return h->connect_timeout_usec / 2;
}

static void ping_done(Job *j, const WorkerEvent *result, const WorkerRecord *records, void *userdata) {}

static void ping_silent(Job *j, void *userdata) {}

static const JobHandler ping_handler = { .done = ping_done, .silent = ping_silent };

static void become_silent(Hypervisor *h) {
        Job *j, *next;

        h->silent = true;
        log_warning("libvirt at %s does not answer; requests for its domains wait until their deadlines.",
                h->uri);
        for (j = TAILQ_FIRST(&h->active); j; j = next) {
                next = TAILQ_NEXT(j, entry);
                if (j->handler)
                        j->handler->silent(j, j->userdata);
        }
}

static void ping(Hypervisor *h, uint64_t now) {
        JobRequest request = { .kind = WORKER_JOB_PING,
                .deadline_usec = now + 10 * h->connect_timeout_usec };

        (void) hypervisor_submit(h, &request, &ping_handler, NULL, &h->ping);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata) {
        Hypervisor *h = hypervisor_ref(userdata);
        uint64_t now = 0;

        (void) sd_event_now(h->event, CLOCK_MONOTONIC, &now);
        uint64_t quiet = now - h->heard_usec;
        if (TAILQ_EMPTY(&h->active))
                h->silent = false; /* not known any more; the next request finds out */
        else if (quiet < half(h))
                hypervisor_arm(h->silence_timer, h->heard_usec + half(h));
        else {
                if (!h->ping)
                        ping(h, now);
                else if (!h->silent && h->ping->slot && quiet >= h->connect_timeout_usec)
                        become_silent(h);
                hypervisor_arm(h->silence_timer, now + half(h));
        }
        hypervisor_unref(h);
        return 0;
}

int hypervisor_watch_init(Hypervisor *h) {
        int r = sd_event_add_time(
                h->event, &h->silence_timer, CLOCK_MONOTONIC, UINT64_MAX, 10 * USEC_PER_MSEC, on_silence, h);

        return r < 0 ? r : sd_event_source_set_enabled(h->silence_timer, SD_EVENT_OFF);
}

void hypervisor_watch(Hypervisor *h, uint64_t now_usec) {
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(h->silence_timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        h->heard_usec = now_usec; /* nothing was asked meanwhile */
        hypervisor_arm(h->silence_timer, now_usec + half(h));
}

void hypervisor_heard(Hypervisor *h, uint64_t now_usec) {
        h->heard_usec = now_usec;
        h->silent = false;
}
