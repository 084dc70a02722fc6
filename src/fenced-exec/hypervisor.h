/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One libvirt URI: a queue of jobs and the workers that carry them out, started on demand and let go when idle.
 *
 * A job that only reads, or has not started to act, survives the loss of its worker once; one that acts is failed then,
 * since nobody can say what came of it. A hypervisor is silent when it has jobs and nothing was heard from it for the
 * connect time-out, not even an answer to a ping on a connection of its own: others then no longer wait for it. */

#include "base.h"
#include "worker-protocol.h"

#include <systemd/sd-event.h>

enum {
        HYPERVISOR_QUEUE_MAX = 4096, /* jobs, waiting and at work */
        HYPERVISOR_URIS_MAX = 16,
};

#define WORKER_IDLE_USEC (60 * USEC_PER_SEC)

typedef struct Hypervisor Hypervisor;
typedef struct Job Job;

typedef struct JobHandler {
        /* Called once, and the job is gone when it returns. Records live until then. */
        void (*done)(Job *job, const WorkerEvent *result, const WorkerRecord *records, void *userdata);
        /* The hypervisor went silent; the job is still waiting. */
        void (*silent)(Job *job, void *userdata);
} JobHandler;

typedef struct HypervisorConfig {
        const char *worker_path;
        const char *uri;
        unsigned workers_max; /* at least 2; a quarter of them is kept for jobs that only read */
        uint64_t connect_timeout_usec;
} HypervisorConfig;

/* Copies the strings. Reference counted; jobs hold references too. */
int hypervisor_new(sd_event *event, const HypervisorConfig *config, Hypervisor **ret);
Hypervisor *hypervisor_ref(Hypervisor *h);
Hypervisor *hypervisor_unref(Hypervisor *h);
DEFINE_CLEANUP(Hypervisor *, hypervisor_unref)

const char *hypervisor_uri(const Hypervisor *h);
sd_event *hypervisor_event(const Hypervisor *h); /* borrowed */
bool hypervisor_is_silent(const Hypervisor *h);

/* Why the last job found the manager unreachable, "" if the last one did not. */
const char *hypervisor_trouble(const Hypervisor *h);

typedef struct JobRequest {
        WorkerJobKind kind;
        Action action; /* ACT */
        const char *target; /* NULL for none */
        uint64_t subject; /* IDENTIFY */
        uint64_t
                deadline_usec; /* CLOCK_MONOTONIC; when it passes the job fails, and its worker, if it has one, is killed */
        bool labels; /* RESOLVE, LIST, IDENTIFY: wanted */
        const char *domain; /* IDENTIFY_PORT, IDENTIFY_CID: a UUID, or NULL */
} JobRequest;

/* Queues a job; never calls the handler before it returns. -EBUSY when HYPERVISOR_QUEUE_MAX is reached. */
int hypervisor_submit(
        Hypervisor *h, const JobRequest *request, const JobHandler *handler, void *userdata, Job **ret);

/* True from the moment the action may have taken effect. */
bool job_started(const Job *j);

/* The handler will not be called any more. A job that waits is dropped; one that acts but has not started is stopped by
 * killing its worker; any other runs to its end unheard. Takes NULL, returns NULL. */
Job *job_cancel(Job *j);
DEFINE_CLEANUP(Job *, job_cancel)
