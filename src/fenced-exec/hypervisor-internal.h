/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What hypervisor.c and hypervisor-silence.c share. */

#include "hypervisor.h"
#include "worker.h"

#include <sys/queue.h>

typedef struct Slot Slot;

struct Job {
        Hypervisor *hypervisor;
        const JobHandler *handler; /* NULL: nobody listens */
        void *userdata;
        Slot *slot; /* NULL while it waits */
        sd_event_source *timer;
        WorkerJob message;
        bool started;
        unsigned attempts;
        TAILQ_ENTRY(Job) entry; /* of `waiting` or `active` */
};

/* A worker and what it is doing. */
struct Slot {
        Hypervisor *hypervisor;
        Worker *worker;
        Job *job; /* NULL: idle */
        uint64_t idle_since_usec;
        LIST_ENTRY(Slot) entry;
};

struct Hypervisor {
        unsigned n_ref;
        sd_event *event;
        char *uri, *worker_path;
        unsigned workers_max;
        uint64_t connect_timeout_usec;

        TAILQ_HEAD(, Job) waiting, active;
        size_t n_jobs;
        LIST_HEAD(, Slot) slots; /* the one used last first, so that the surplus grows old */
        unsigned n_slots, n_acting;
        uint64_t next_id;
        sd_event_source *dispatch; /* defer: submit and done never run jobs from within a caller */

        uint64_t heard_usec;
        bool silent;
        Job *ping;
        sd_event_source *silence_timer, *idle_timer;
        char trouble[WORKER_MESSAGE_SIZE];
};

void hypervisor_arm(sd_event_source *timer, uint64_t at_usec);

/* hypervisor-silence.c */
int hypervisor_watch_init(Hypervisor *h);

/* A job was given to a worker: from now on there is something to hear. */
void hypervisor_watch(Hypervisor *h, uint64_t now_usec);
void hypervisor_heard(Hypervisor *h, uint64_t now_usec);
