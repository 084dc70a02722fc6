/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One fenced-worker process: started, fed one job at a time, and killed. Everything it says is checked. */

#include "base.h"
#include "worker-protocol.h"

#include <systemd/sd-event.h>

typedef struct Worker Worker;

/* What a worker tells its owner. Either may free other workers, never this one: use worker_abandon(). */
typedef struct WorkerOwner {
        /* A whole event arrived; records follow a LIST result and live until the call returns. */
        void (*event)(Worker *w, const WorkerEvent *event, const WorkerRecord *records, void *userdata);
        /* It can no longer be used (it exited, was stopped, or broke the protocol). worker_abandon() is expected. */
        void (*lost)(Worker *w, const char *why, void *userdata);
} WorkerOwner;

/* Starts `path --backend=libvirt --uri=URI` with a socketpair at WORKER_FD. Negative errno. */
int worker_new(sd_event *event, const char *path, const char *uri, const WorkerOwner *owner, void *userdata,
        Worker **ret);

/* Sends a job; -EIO when the worker cannot take it (the owner hears `lost` as well, later). */
int worker_send(Worker *w, const WorkerJob *job);

/* Kills the process, if it still runs, and lets go of it; the object frees itself when the process was reaped, or with the
 * event loop. */
void worker_abandon(Worker *w);
