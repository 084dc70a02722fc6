/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drives the real program as the executor does: a child with its end of a socketpair as descriptor WORKER_FD. */

#include "worker-protocol.h"

#include <sys/types.h>

typedef struct Drive {
        pid_t pid;
        int fd;
} Drive;

/* Starts a worker on a URI. */
Drive drive_start(const char *uri);

/* A URI of libvirt's test driver, whose domains live in the connection that reads their file. */
Drive drive_test_domains(void);

/* A job that has a minute. Its id is different each time. */
WorkerJob drive_job(WorkerJobKind kind, Action action, const char *target);

/* Sends a job and reads its answer. Asserts that the id is echoed and all text is terminated and printable.
 * ret_started: whether STARTED came before. ret_records: to be freed; NULL: there must be none. */
WorkerEvent drive_send(Drive *d, const WorkerJob *j, bool *ret_started, WorkerRecord **ret_records);

/* Closes our end and waits; the wait status. */
int drive_stop(Drive *d);
