/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One job and its answer. A backend reads `request`, fills `result` (which is zero, that is WORKER_FAILED without a
 * word, until it does) and, for a list, `records`. */

#include "base.h"
#include "worker-protocol.h"

typedef struct Job {
        WorkerJob request;
        WorkerEvent result;
        WorkerRecord *records; /* owned; result.n_records of them */
        int fd; /* not owned */
} Job;

/* Waits for the next job and reads it. 1: *ret is a job, not checked yet. 0: the executor hung up.
 * Negative errno: half a job, or our end is broken. */
int job_read(int fd, Job *ret);

/* Takes back what was said so far. */
void job_unsay(Job *j);

/* True if the fields make sense and the deadline has not passed; otherwise the answer is set already. */
bool job_check(Job *j);

/* From now on something may happen to the domain: checks the deadline and tells the executor. 0, or negative errno
 * and the answer is set: nothing may be started. */
int job_start(Job *j);

/* Sets the message of the answer: one line, cut to size, made printable. */
void job_say(Job *j, const char *format, ...) _printf_(2, 3);

/* job_say() and WORKER_FAILED; returns 0, "answered". */
int job_fail(Job *j, const char *format, ...) _printf_(2, 3);

/* Writes the answer and the records. 0 or negative errno. */
int job_answer(Job *j);

/* Frees what a job owns. */
void job_done(Job *j);

/* CLOCK_MONOTONIC. */
uint64_t job_now(void);
