/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drive.h"
#include "job.h"
#include "wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

Drive drive_start(const char *uri) {
        Drive d = {};
        char option[512];
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        (void) snprintf(option, sizeof(option), "--uri=%s", uri);
        d.pid = fork();
        cr_assert_geq(d.pid, 0);
        if (d.pid == 0) {
                /* dup2() onto itself would leave it close-on-exec */
                int fd = fds[1] == WORKER_FD ? dup(fds[1]) : fds[1];

                if (dup2(fd, WORKER_FD) == WORKER_FD)
                        (void) execl(WORKER_PROGRAM, WORKER_PROGRAM, "--backend=libvirt", option, NULL);
                _exit(127);
        }
        (void) close(fds[1]);
        d.fd = fds[0];
        return d;
}

Drive drive_test_domains(void) {
        return drive_start("test://" WORKER_TEST_DIR "/domains.xml");
}

WorkerJob drive_job(WorkerJobKind kind, Action action, const char *target) {
        static uint64_t id = 1000;
        WorkerJob j = { .kind = (uint32_t) kind, .action = (uint32_t) action, .id = ++id };

        j.deadline_usec = job_now() + 60 * USEC_PER_SEC;
        (void) snprintf(j.target, sizeof(j.target), "%s", target);
        return j;
}

static void receive(Drive *d, void *buffer, size_t size) {
        cr_assert_eq(recv(d->fd, buffer, size, MSG_WAITALL), (ssize_t) size, "the worker hung up");
}

static void check_text(const char *text, size_t size) {
        cr_assert_not_null(memchr(text, '\0', size));
        cr_assert(wire_is_printable((const uint8_t *) text, strlen(text)));
}

WorkerEvent drive_send(Drive *d, const WorkerJob *j, bool *ret_started, WorkerRecord **ret_records) {
        bool started = false;
        WorkerEvent e;

        cr_assert_eq(send(d->fd, j, sizeof(*j), MSG_NOSIGNAL), (ssize_t) sizeof(*j));
        for (;;) {
                receive(d, &e, sizeof(e));
                cr_assert_eq(e.id, j->id);
                check_text(e.name, sizeof(e.name));
                check_text(e.uuid, sizeof(e.uuid));
                check_text(e.labels, sizeof(e.labels));
                check_text(e.proof, sizeof(e.proof));
                check_text(e.message, sizeof(e.message));
                if (e.kind == WORKER_EVENT_RESULT)
                        break;
                cr_assert_eq(e.kind, WORKER_EVENT_STARTED);
                cr_assert_not(started, "STARTED came twice");
                started = true;
        }
        if (ret_started)
                *ret_started = started;
        if (ret_records) {
                *ret_records = calloc(e.n_records + 1, sizeof(WorkerRecord));
                cr_assert_not_null(*ret_records);
                if (e.n_records > 0)
                        receive(d, *ret_records, e.n_records * sizeof(WorkerRecord));
        } else
                cr_assert_eq(e.n_records, 0);
        return e;
}

int drive_stop(Drive *d) {
        int status = -1;

        (void) close(d->fd);
        cr_assert_eq(waitpid(d->pid, &status, 0), d->pid);
        return status;
}
