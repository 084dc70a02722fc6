/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every kind of job and result that libvirt's test driver can give. QEMU is the lab's business (tests/lab/worker). */

#include "drive.h"

#include <criterion/criterion.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define RUNNING   "00000000-0000-4000-8000-000000000001"
#define OFF       "00000000-0000-4000-8000-000000000002"
#define PAUSED    "00000000-0000-4000-8000-000000000003"
#define SUSPENDED "abcdef00-0000-4000-8000-000000000004"
#define TRANSIENT "00000000-0000-4000-8000-000000000005"
#define NOBODY    "00000000-0000-4000-8000-00000000ffff"
#define SELFNAMED "00000000-0000-4000-8000-000000000008"

TestSuite(worker, .timeout = 120);

static WorkerEvent ask(Drive *d, WorkerJobKind kind, Action action, const char *target, bool *ret_started) {
        WorkerJob j = drive_job(kind, action, target);

        return drive_send(d, &j, ret_started, NULL);
}

Test(worker, answers_a_ping) {
        Drive d = drive_test_domains();

        cr_assert_eq(ask(&d, WORKER_JOB_PING, ACTION_NULL, "", NULL).result, WORKER_OK);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, resolves_names_and_uuids) {
        static const struct {
                const char *target;
                WorkerResult result;
                const char *name;
                const char *uuid;
                PowerState power;
                uint32_t state;
        } table[] = {
                { "web1", WORKER_FOUND, "web1", RUNNING, POWER_ON, VIR_DOMAIN_RUNNING },
                { "Web1", WORKER_FOUND, "Web1", OFF, POWER_OFF, VIR_DOMAIN_SHUTOFF },
                { "WEB1", WORKER_NOT_FOUND, "", "", POWER_UNKNOWN, 0 },
                { "nobody", WORKER_NOT_FOUND, "", "", POWER_UNKNOWN, 0 },
                { RUNNING, WORKER_FOUND, "web1", RUNNING, POWER_ON, VIR_DOMAIN_RUNNING },
                { "ABCDEF00-0000-4000-8000-000000000004", WORKER_FOUND, "suspended", SUSPENDED, POWER_ON,
                        VIR_DOMAIN_PMSUSPENDED },
                { "paused", WORKER_FOUND, "paused", PAUSED, POWER_ON, VIR_DOMAIN_PAUSED },
                { PAUSED, WORKER_AMBIGUOUS, "", "", POWER_UNKNOWN, 0 },
                { NOBODY, WORKER_NOT_FOUND, "", "", POWER_UNKNOWN, 0 },
                { SELFNAMED, WORKER_FOUND, SELFNAMED, SELFNAMED, POWER_OFF, VIR_DOMAIN_SHUTOFF },
        };
        Drive d = drive_test_domains();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                bool started;
                WorkerEvent e = ask(&d, WORKER_JOB_RESOLVE, ACTION_NULL, table[i].target, &started);

                cr_expect_eq(e.result, table[i].result, "%s: %u", table[i].target, e.result);
                cr_expect_str_eq(e.name, table[i].name);
                cr_expect_str_eq(e.uuid, table[i].uuid);
                cr_expect_eq(e.power, table[i].power, "%s: power %u", table[i].target, e.power);
                cr_expect_eq(e.state, table[i].state, "%s: state %u", table[i].target, e.state);
                cr_expect_not(started);
        }
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, acts_and_says_what_became_of_it) {
        static const struct {
                Action action;
                const char *uuid;
                WorkerResult result;
                const char *proof;
                bool started;
                PowerState after;
        } table[] = {
                { ACTION_OFF, RUNNING, WORKER_OFF_PROVEN, "state", true, POWER_OFF },
                { ACTION_OFF, RUNNING, WORKER_ALREADY_OFF, "state", false, POWER_OFF },
                { ACTION_REBOOT, RUNNING, WORKER_ALREADY_OFF, "state", false, POWER_OFF },
                { ACTION_ON, RUNNING, WORKER_ON, "", true, POWER_ON },
                { ACTION_ON, RUNNING, WORKER_ALREADY_ON, "", false, POWER_ON },
                { ACTION_REBOOT, RUNNING, WORKER_REBOOTED, "state", true, POWER_ON },
                { ACTION_REBOOT, OFF, WORKER_ALREADY_OFF, "state", false, POWER_OFF },
                { ACTION_ON, PAUSED, WORKER_ALREADY_ON, "", false, POWER_ON },
                { ACTION_OFF, PAUSED, WORKER_OFF_PROVEN, "state", true, POWER_OFF },
                { ACTION_REBOOT, SUSPENDED, WORKER_REBOOTED, "state", true, POWER_ON },
                { ACTION_OFF, SUSPENDED, WORKER_OFF_PROVEN, "state", true, POWER_OFF },
                { ACTION_REBOOT, TRANSIENT, WORKER_REBOOTED, "state", true, POWER_ON },
                { ACTION_OFF, TRANSIENT, WORKER_OFF_PROVEN, "state", true, POWER_UNKNOWN },
                { ACTION_OFF, TRANSIENT, WORKER_NOT_FOUND, "", false, POWER_UNKNOWN },
                { ACTION_REBOOT, TRANSIENT, WORKER_NOT_FOUND, "", false, POWER_UNKNOWN },
                { ACTION_ON, TRANSIENT, WORKER_NOT_FOUND, "", false, POWER_UNKNOWN },
                { ACTION_OFF, NOBODY, WORKER_NOT_FOUND, "", false, POWER_UNKNOWN },
        };
        Drive d = drive_test_domains();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                bool started;
                WorkerEvent e = ask(&d, WORKER_JOB_ACT, table[i].action, table[i].uuid, &started);
                const char *name = e.name;

                cr_expect_eq(e.result, table[i].result, "row %zu: result %u, %s", i, e.result, e.message);
                cr_expect_str_eq(e.proof, table[i].proof, "row %zu: proof %s", i, e.proof);
                cr_expect_eq(started, table[i].started, "row %zu: started %d", i, started);
                if (e.result == WORKER_NOT_FOUND)
                        continue;
                /* the name, as the UUID of one of them is another's name */
                e = ask(&d, WORKER_JOB_RESOLVE, ACTION_NULL, name, NULL);
                cr_expect_eq(e.power, table[i].after, "row %zu: power %u", i, e.power);
        }
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, lists_all_domains_in_order) {
        static const struct {
                const char *name;
                uint8_t state;
        } table[] = {
                { PAUSED, VIR_DOMAIN_RUNNING },
                { SELFNAMED, VIR_DOMAIN_SHUTOFF },
                { NOBODY, VIR_DOMAIN_RUNNING },
                { "paused", VIR_DOMAIN_RUNNING },
                { "suspended", VIR_DOMAIN_RUNNING },
                { "transient", VIR_DOMAIN_RUNNING },
                { "Web1", VIR_DOMAIN_SHUTOFF },
                { "web1", VIR_DOMAIN_RUNNING },
        };
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_LIST, ACTION_NULL, "");
        WorkerRecord *records = NULL;
        WorkerEvent e = drive_send(&d, &j, NULL, &records);

        cr_assert_eq(e.result, WORKER_OK);
        cr_assert_eq(e.n_records, ELEMENTSOF(table));
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                cr_expect_str_eq(records[i].name, table[i].name);
                cr_expect_eq(strlen(records[i].uuid), WORKER_UUID_SIZE - 1);
                cr_expect_eq(records[i].state, table[i].state, "%s: %u", records[i].name, records[i].state);
        }
        cr_expect_str_eq(records[7].uuid, RUNNING);
        free(records);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, reads_labels_when_they_are_wanted) {
        static const struct {
                WorkerJobKind kind;
                const char *target;
                bool wanted;
                const char *labels; /* NULL: refused */
        } table[] = {
                { WORKER_JOB_RESOLVE, "web1", true, "web db" },
                { WORKER_JOB_RESOLVE, "web1", false, "" },
                { WORKER_JOB_RESOLVE, RUNNING, true, "web db" },
                { WORKER_JOB_RESOLVE, "Web1", true, "" }, /* has none */
                { WORKER_JOB_LIST, "", true, "web db" },
                { WORKER_JOB_LIST, "", false, "" },
                { WORKER_JOB_PING, "", true, NULL },
        };
        Drive d = drive_test_domains();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                WorkerJob j = drive_job(table[i].kind, ACTION_NULL, table[i].target);
                _cleanup_free_ WorkerRecord *records = NULL;

                j.flags = table[i].wanted ? WORKER_JOB_LABELS : 0;
                WorkerEvent e = drive_send(&d, &j, NULL, &records);
                if (!table[i].labels) {
                        cr_expect_eq(e.result, WORKER_FAILED, "row %zu", i);
                        continue;
                }
                cr_assert_neq(e.result, WORKER_FAILED, "row %zu: %s", i, e.message);
                if (table[i].kind != WORKER_JOB_LIST) {
                        cr_expect_str_eq(e.labels, table[i].labels, "row %zu", i);
                        continue;
                }
                /* "web1" is the last domain of all, and alone has labels */
                cr_assert_eq(e.n_records, table[i].wanted ? 9 : 8, "row %zu", i);
                cr_expect_str_eq(records[7].name, "web1");
                if (table[i].wanted) {
                        cr_expect_eq(records[8].state, WORKER_STATE_LABELS);
                        cr_expect_str_eq(records[8].name, table[i].labels);
                }
        }
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, refuses_to_list_more_than_the_executor_takes) {
        char path[] = "/tmp/worker-domains-XXXXXX", uri[64];
        FILE *f = fdopen(mkstemp(path), "w");
        Drive d;
        WorkerEvent e;

        cr_assert_not_null(f);
        (void) fputs("<node>", f);
        for (int i = 0; i <= WORKER_DOMAINS_MAX; i++)
                (void) fprintf(f,
                        "<domain type='test'><name>%d</name><uuid>%08x-0000-4000-8000-000000000000</uuid>"
                        "<memory>1024</memory><os><type>hvm</type></os></domain>",
                        i, (unsigned) i);
        (void) fputs("</node>", f);
        cr_assert_eq(fclose(f), 0);
        (void) snprintf(uri, sizeof(uri), "test://%s", path);
        d = drive_start(uri);
        e = ask(&d, WORKER_JOB_LIST, ACTION_NULL, "", NULL);
        (void) unlink(path);
        cr_expect_eq(e.result, WORKER_FAILED);
        cr_expect_not_null(strstr(e.message, "16384"), "%s", e.message);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, says_at_once_that_no_manager_answers_and_what_to_do) {
        Drive d = drive_start("qemu+unix:///system?socket=/nonexistent/libvirt-sock");
        bool started;

        for (int i = 0; i < 2; i++) {
                WorkerEvent e = ask(&d, WORKER_JOB_ACT, ACTION_OFF, RUNNING, &started);

                cr_expect_eq(e.result, WORKER_UNREACHABLE);
                cr_expect_not(started);
                cr_expect_not_null(strstr(e.message, "systemctl start libvirtd.socket"), "%s", e.message);
        }
        cr_expect_eq(ask(&d, WORKER_JOB_PING, ACTION_NULL, "", NULL).result, WORKER_UNREACHABLE);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, starts_nothing_when_the_deadline_has_passed) {
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_ACT, ACTION_OFF, RUNNING);
        bool started = true;
        WorkerEvent e;

        j.deadline_usec = 1;
        e = drive_send(&d, &j, &started, NULL);
        cr_expect_eq(e.result, WORKER_FAILED);
        cr_expect_not(started);
        cr_expect_eq(ask(&d, WORKER_JOB_RESOLVE, ACTION_NULL, "web1", NULL).power, POWER_ON);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, refuses_malformed_jobs_and_serves_on) {
        Drive d = drive_test_domains();
        static const struct {
                uint32_t kind, action;
                const char *target;
                uint64_t subject;
        } table[] = {
                { 0, 0, "" },
                { _WORKER_JOB_MAX, 0, "" },
                { UINT32_MAX, 0, "" },
                { WORKER_JOB_ACT, ACTION_NULL, RUNNING },
                { WORKER_JOB_ACT, ACTION_STATUS, RUNNING },
                { WORKER_JOB_ACT, UINT32_MAX, RUNNING },
                { WORKER_JOB_ACT, ACTION_OFF, "web1" },
                { WORKER_JOB_ACT, ACTION_OFF, "" },
                { WORKER_JOB_RESOLVE, 0, "" },
                { WORKER_JOB_RESOLVE, 0, "we\nb1" },
                { WORKER_JOB_RESOLVE, 0, "we\xff" },
                { WORKER_JOB_RESOLVE, ACTION_OFF, "web1" },
                { WORKER_JOB_PING, 0, "web1" },
                { WORKER_JOB_LIST, ACTION_LIST, "" },
                { WORKER_JOB_ACT, ACTION_OFF, RUNNING, 1 },
                { WORKER_JOB_IDENTIFY_PROCESS, 0, "/path", 0 },
                { WORKER_JOB_IDENTIFY_PROCESS, 0, "/path", (uint64_t) INT32_MAX + 1 },
                { WORKER_JOB_IDENTIFY_PROCESS, 0, "path", 1 },
                { WORKER_JOB_IDENTIFY_CID, 0, "web1", 3 },
                { WORKER_JOB_IDENTIFY_PORT, 0, "", 0 },
                { WORKER_JOB_IDENTIFY_PORT, 0, "vnet0", 3 },
                { WORKER_JOB_IDENTIFY_PORT, 0, "0123456789abcdef", 0 },
                { WORKER_JOB_LIST_PORTS, 0, "web1", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                WorkerJob j = drive_job(WORKER_JOB_PING, ACTION_NULL, table[i].target);
                bool started;
                WorkerEvent e;

                j.kind = table[i].kind;
                j.action = table[i].action;
                j.subject = table[i].subject;
                e = drive_send(&d, &j, &started, NULL);
                cr_expect_eq(e.result, WORKER_FAILED, "row %zu: %u", i, e.result);
                cr_expect_not_null(strstr(e.message, "Malformed"), "row %zu: %s", i, e.message);
                cr_expect_not(started);
        }
        cr_expect_eq(ask(&d, WORKER_JOB_RESOLVE, ACTION_NULL, "web1", NULL).power, POWER_ON);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, knows_ports_and_cids_of_this_hosts_qemu_only) {
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_IDENTIFY_PORT, ACTION_NULL, "vnet0");
        WorkerRecord *records = NULL;

        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_NOT_FOUND);
        (void) snprintf(j.domain, sizeof(j.domain), "%s", RUNNING);
        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_NOT_FOUND);
        (void) snprintf(j.domain, sizeof(j.domain), "web1");
        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_FAILED, "no UUID");
        j = drive_job(WORKER_JOB_IDENTIFY_CID, ACTION_NULL, "");
        j.subject = 3;
        (void) snprintf(j.domain, sizeof(j.domain), "%s", RUNNING);
        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_NOT_FOUND);
        j = drive_job(WORKER_JOB_RESOLVE, ACTION_NULL, "web1");
        (void) snprintf(j.domain, sizeof(j.domain), "%s", RUNNING);
        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_FAILED, "is for IDENTIFY only");
        j = drive_job(WORKER_JOB_LIST_PORTS, ACTION_NULL, "");
        WorkerEvent e = drive_send(&d, &j, NULL, &records);
        cr_expect_eq(e.result, WORKER_OK);
        cr_expect_eq(e.n_records, 0);
        free(records);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, refuses_a_target_without_an_end) {
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_RESOLVE, ACTION_NULL, "");

        memset(j.target, 'a', sizeof(j.target));
        cr_expect_eq(drive_send(&d, &j, NULL, NULL).result, WORKER_FAILED);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, takes_a_job_that_comes_in_pieces) {
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_PING, ACTION_NULL, "");
        WorkerEvent e;

        for (size_t i = 0; i < sizeof(j); i++)
                cr_assert_eq(send(d.fd, (const char *) &j + i, 1, 0), 1);
        cr_assert_eq(recv(d.fd, &e, sizeof(e), MSG_WAITALL), (ssize_t) sizeof(e));
        cr_expect_eq(e.result, WORKER_OK);
        cr_assert_eq(drive_stop(&d), 0);
}

Test(worker, fails_when_the_executor_hangs_up_within_a_job) {
        Drive d = drive_test_domains();
        WorkerJob j = drive_job(WORKER_JOB_PING, ACTION_NULL, "");
        int status;

        cr_assert_eq(send(d.fd, &j, sizeof(j) - 1, 0), (ssize_t) sizeof(j) - 1);
        status = drive_stop(&d);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}

/* A process in between starts the worker and is killed. We keep its end of the socket, so that EOF is not what
 * ends the worker, and bury the orphan. */
Test(worker, dies_with_its_executor, .timeout = 60) {
        int report[2], status, pidfd, kept;
        pid_t executor;
        Drive d;

        cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        cr_assert_eq(pipe(report), 0);
        executor = fork();
        if (executor == 0) {
                WorkerJob j = drive_job(WORKER_JOB_PING, ACTION_NULL, "");

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                d = drive_test_domains();
                (void) drive_send(&d, &j, NULL, NULL);
                (void) !write(report[1], &d, sizeof(d));
                (void) pause();
                _exit(0);
        }
        cr_assert_eq(read(report[0], &d, sizeof(d)), (ssize_t) sizeof(d));
        pidfd = pidfd_open(executor, 0);
        kept = pidfd_getfd(pidfd, d.fd, 0);
        cr_assert_geq(kept, 0);
        cr_assert_eq(kill(executor, SIGKILL), 0);
        cr_assert_eq(waitpid(executor, &status, 0), executor);
        cr_assert_eq(waitpid(d.pid, &status, 0), d.pid);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", (unsigned) status);
}

static int run_with(const char *a, const char *b, const char *c) {
        pid_t pid = fork();
        int status = -1;

        if (pid == 0) {
                (void) close(WORKER_FD);
                (void) close(STDERR_FILENO);
                (void) execl(WORKER_PROGRAM, WORKER_PROGRAM, a, b, c, NULL);
                _exit(127);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(worker, refuses_wrong_options_and_a_start_by_hand) {
        cr_expect_eq(run_with(NULL, NULL, NULL), EXIT_FAILURE);
        cr_expect_eq(run_with("--backend=libvirt", NULL, NULL), EXIT_FAILURE);
        cr_expect_eq(run_with("--backend=none", "--uri=test:///default", NULL), EXIT_FAILURE);
        cr_expect_eq(run_with("--backend=libvirt", "--uri=test:///default", "more"), EXIT_FAILURE);
        cr_expect_eq(run_with("--backend=libvirt", "--uri=test:///default", "--frob"), EXIT_FAILURE);
        cr_expect_eq(run_with("--backend=libvirt", "--uri=test:///default", NULL), EXIT_FAILURE);
}
