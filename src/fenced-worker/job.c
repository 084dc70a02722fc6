/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

uint64_t job_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

void job_unsay(Job *j) {
        j->result = (WorkerEvent){ .kind = WORKER_EVENT_RESULT, .id = j->request.id };
}

int job_read(int fd, Job *ret) {
        Job j = { .fd = fd };
        size_t n = 0;

        while (n < sizeof(j.request)) {
                ssize_t k = recv(fd, (char *) &j.request + n, sizeof(j.request) - n, 0);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return n == 0 ? 0 : -EPIPE;
                n += (size_t) k;
        }
        job_unsay(&j);
        *ret = j;
        return 1;
}

static void say(Job *j, const char *format, va_list ap) _printf_(2, 0);

static void say(Job *j, const char *format, va_list ap) {
        char *m = j->result.message;

        if (vsnprintf(m, sizeof(j->result.message), format, ap) < 0)
                m[0] = '\0';
        /* a character that was cut in two by the size of the field is not printable either */
        wire_make_printable(m, strlen(m));
}

void job_say(Job *j, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say(j, format, ap);
        va_end(ap);
}

int job_fail(Job *j, const char *format, ...) {
        va_list ap;

        j->result.result = WORKER_FAILED;
        va_start(ap, format);
        say(j, format, ap);
        va_end(ap);
        return 0;
}

static bool target_is_valid(const WorkerJob *r) {
        const char *t = r->target;

        if (!memchr(t, '\0', sizeof(r->target)))
                return false;
        switch (r->kind) {
        case WORKER_JOB_RESOLVE:
                return t[0] != '\0' && wire_is_printable((const uint8_t *) t, strlen(t));
        case WORKER_JOB_ACT:
                return wire_is_uuid(t);
        case WORKER_JOB_IDENTIFY_PROCESS:
                return t[0] == '/' && r->subject > 0 && r->subject <= INT32_MAX;
        case WORKER_JOB_IDENTIFY_PORT:
                return t[0] != '\0' && strlen(t) < WORKER_PORT_SIZE;
        default:
                return t[0] == '\0';
        }
}

static bool domain_is_valid(const WorkerJob *r) {
        if (r->kind != WORKER_JOB_IDENTIFY_PORT && r->kind != WORKER_JOB_IDENTIFY_CID)
                return r->domain[0] == '\0';
        return memchr(r->domain, '\0', sizeof(r->domain)) &&
               (r->domain[0] == '\0' || wire_is_uuid(r->domain));
}

bool job_check(Job *j) {
        const WorkerJob *r = &j->request;
        bool acts = r->kind == WORKER_JOB_ACT;

        if (r->kind < WORKER_JOB_PING || r->kind >= _WORKER_JOB_MAX)
                (void) job_fail(j, "Malformed job: kind %u is none", r->kind);
        else if (acts ? r->action >= _ACTION_MAX || !action_changes_power((Action) r->action)
                      : r->action != 0)
                (void) job_fail(j, "Malformed job: action %u does not go with kind %u", r->action, r->kind);
        else if (r->subject != 0 && r->kind != WORKER_JOB_IDENTIFY_PROCESS &&
                 r->kind != WORKER_JOB_IDENTIFY_CID)
                (void) job_fail(j, "Malformed job: a subject does not go with kind %u", r->kind);
        else if (r->flags & ~(uint64_t) _WORKER_JOB_FLAGS_ALL ||
                 (r->flags && (acts || r->kind == WORKER_JOB_PING)))
                (void) job_fail(j, "Malformed job: flags %#llx do not go with kind %u",
                        (unsigned long long) r->flags, r->kind);
        else if (!target_is_valid(r) || !domain_is_valid(r))
                (void) job_fail(j, "Malformed job: the target does not go with kind %u", r->kind);
        else if (job_now() >= r->deadline_usec)
                (void) job_fail(j, "The deadline had passed before the job began; nothing was started");
        else
                return true;
        return false;
}

static int send_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t k = send(fd, p, size, MSG_NOSIGNAL);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                p += k;
                size -= (size_t) k;
        }
        return 0;
}

int job_start(Job *j) {
        WorkerEvent e = { .kind = WORKER_EVENT_STARTED, .id = j->request.id };
        int r;

        if (job_now() >= j->request.deadline_usec) {
                (void) job_fail(j, "The deadline passed before anything was started");
                return -ETIME;
        }
        r = send_all(j->fd, &e, sizeof(e));
        if (r < 0) {
                (void) job_fail(j, "The executor is gone; nothing was started");
                return r;
        }
        return 0;
}

int job_answer(Job *j) {
        int r;

        r = send_all(j->fd, &j->result, sizeof(j->result));
        if (r < 0)
                return r;
        return send_all(j->fd, j->records, j->result.n_records * sizeof(WorkerRecord));
}

void job_done(Job *j) {
        free(j->records);
        j->records = NULL;
}
