/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker can talk to. Calls block: each worker is a process of its own with one connection, and the executor
 * kills it at the deadline, so a backend has no event loop and no thread. */

#include "base.h"
#include "job.h"

typedef struct Backend {
        const char *name;

        /* Makes *ret from a URI, without connecting. 0 or negative errno. */
        int (*open)(const char *uri, void **ret);

        /* By kind of job. Each sets job->result; success only with proof. Connecting, and connecting again when the
         * manager went away, is the backend's business; what was started is never tried a second time. */
        void (*run[_WORKER_JOB_MAX])(void *state, Job *job);

        /* Called when the answer is out: what need not keep anybody waiting. */
        void (*rest)(void *state);

        /* Takes NULL. */
        void (*close)(void *state);
} Backend;

extern const Backend backend_libvirt;

/* NULL when there is none of that name. Static storage. */
const Backend *backend_find(const char *name);
