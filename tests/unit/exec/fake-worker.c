/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands in for fenced-worker in the tests of the executor, where it must hang, die, stop or lie at a given moment. The
 * URI says how it is: fake:good, fake:other (has no vm1..vm5, but "elsewhere"), fake:down, fake:silent, fake:broken; a
 * directory may follow ("fake:good:/tmp/x"), where "acts" collects one line per ACT that took effect, and as long as "down"
 * is there it is. What a target does:
 *
 *   vm1..vm4 run, vm5 is off; their UUIDs end in the number; vm4 and vm5 have the label "red", if it is asked for
 *   hang     never answers; die: killed by itself; stop: stops itself; ambiguous...: is
 *   slow     (UUID ends in 9) ACT sends STARTED, then waits for the file "go" in the directory
 *   vnetN is a port of vmN with a filter, tapN one without
 *   waiting  (UUID ends in 8) ACT waits for "go" before STARTED */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "worker-protocol.h"

#define UUID_BASE "00000000-0000-4000-8000-00000000000"

static const char *uri, *directory;

static const struct {
        const char *name;
        char last;
        PowerState power;
        const char *labels;
} domains[] = {
        { "vm1", '1', POWER_ON },
        { "vm2", '2', POWER_ON },
        { "vm3", '3', POWER_ON },
        { "vm4", '4', POWER_ON, "red" },
        { "vm5", '5', POWER_OFF, "red" },
        { "waiting", '8', POWER_ON },
        { "slow", '9', POWER_ON },
};

static bool is_meant(size_t i, const char *target) {
        char uuid[WORKER_UUID_SIZE];

        (void) snprintf(uuid, sizeof(uuid), UUID_BASE "%c", domains[i].last);
        return strcmp(domains[i].name, target) == 0 || strcmp(uuid, target) == 0;
}

static bool has_labels(const WorkerJob *j, size_t i) {
        return j->flags & WORKER_JOB_LABELS && domains[i].labels;
}

static void set_labels(const WorkerJob *j, size_t i, char ret[static WORKER_LABELS_SIZE]) {
        if (has_labels(j, i))
                (void) snprintf(ret, WORKER_LABELS_SIZE, "%s", domains[i].labels);
}

static void say(const void *p, size_t size) {
        if (send(WORKER_FD, p, size, MSG_NOSIGNAL) != (ssize_t) size)
                exit(0);
}

static WorkerEvent event_for(const WorkerJob *j, WorkerEventKind kind, WorkerResult result) {
        return (WorkerEvent){ .kind = kind, .result = result, .id = j->id };
}

static void wait_for_go(void) {
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/go", directory);
        while (access(path, F_OK) < 0)
                (void) nanosleep(&(struct timespec){ .tv_nsec = 5 * 1000 * 1000 }, NULL);
}

static void resolve(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_NOT_FOUND);
        bool other = strncmp(uri, "fake:other", 10) == 0;

        if (strcmp(j->target, "hang") == 0)
                pause();
        if (strcmp(j->target, "die") == 0)
                (void) raise(SIGKILL);
        if (strcmp(j->target, "stop") == 0)
                (void) raise(SIGSTOP);
        if (strncmp(j->target, "ambiguous", 9) == 0)
                e.result = WORKER_AMBIGUOUS;
        for (size_t i = 0; !other && i < ELEMENTSOF(domains); i++)
                if (is_meant(i, j->target)) {
                        e.result = WORKER_FOUND;
                        e.power = domains[i].power;
                        (void) snprintf(e.name, sizeof(e.name), "%s", domains[i].name);
                        (void) snprintf(e.uuid, sizeof(e.uuid), UUID_BASE "%c", domains[i].last);
                        set_labels(j, i, e.labels);
                }
        if (other && strcmp(j->target, "elsewhere") == 0) {
                e.result = WORKER_FOUND;
                e.power = POWER_ON;
                (void) snprintf(e.name, sizeof(e.name), "elsewhere");
                (void) snprintf(e.uuid, sizeof(e.uuid), UUID_BASE "e");
        }
        say(&e, sizeof(e));
}

static void act(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_STARTED, WORKER_FAILED);
        char last = j->target[35], path[512];

        if (last == '8')
                wait_for_go();
        say(&e, sizeof(e));
        if (last == '9')
                wait_for_go();
        if (directory) {
                (void) snprintf(path, sizeof(path), "%s/acts", directory);
                FILE *f = fopen(path, "ae");
                if (f) {
                        (void) fprintf(f, "%s %s\n", action_to_string((Action) j->action), j->target);
                        (void) fclose(f);
                }
        }
        e = event_for(j, WORKER_EVENT_RESULT, j->action == ACTION_ON ? WORKER_ON : WORKER_OFF_PROVEN);
        if (j->action == ACTION_REBOOT)
                e.result = WORKER_REBOOTED;
        (void) snprintf(e.proof, sizeof(e.proof), "fake");
        say(&e, sizeof(e));
}

static void list(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_OK);

        for (size_t i = 0; i < ELEMENTSOF(domains); i++)
                e.n_records += has_labels(j, i) ? 2 : 1;
        say(&e, sizeof(e));
        for (size_t i = 0; i < ELEMENTSOF(domains); i++) {
                WorkerRecord r = { .state = domains[i].power == POWER_ON ? 1 : 5 };

                (void) snprintf(r.name, sizeof(r.name), "%s", domains[i].name);
                (void) snprintf(r.uuid, sizeof(r.uuid), UUID_BASE "%c", domains[i].last);
                say(&r, sizeof(r));
                if (has_labels(j, i)) {
                        r = (WorkerRecord){ .state = WORKER_STATE_LABELS };
                        (void) snprintf(r.name, sizeof(r.name), "%s", domains[i].labels);
                        say(&r, sizeof(r));
                }
        }
}

/* A socket path that ends in "vmN.sock" belongs to that domain, whoever the process is; CID N+2 does, too. */
static void identify(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_NOT_FOUND);
        const char *name = strrchr(j->target, '/');
        char expected[32];

        (void) snprintf(e.message, sizeof(e.message), "it is no domain of ours");
        for (size_t i = 0; i < ELEMENTSOF(domains); i++) {
                (void) snprintf(expected, sizeof(expected), "/%s.sock", domains[i].name);
                bool is_it = j->kind == WORKER_JOB_IDENTIFY_CID ? j->subject == i + 3
                                                                : name && strcmp(name, expected) == 0;
                if (!is_it || domains[i].power != POWER_ON)
                        continue;
                e.result = WORKER_FOUND;
                e.power = POWER_ON;
                e.message[0] = 0;
                (void) snprintf(e.name, sizeof(e.name), "%s", domains[i].name);
                (void) snprintf(e.uuid, sizeof(e.uuid), UUID_BASE "%c", domains[i].last);
                set_labels(j, i, e.labels);
        }
        say(&e, sizeof(e));
}

static bool is_down(void) {
        char path[512];

        (void) snprintf(path, sizeof(path), "%s/down", directory ? directory : "/nonexistent");
        return strncmp(uri, "fake:down", 9) == 0 || access(path, F_OK) >= 0;
}

static void identify_port(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_NOT_FOUND);
        bool clean = strncmp(j->target, "vnet", 4) == 0;
        unsigned i = 0;

        (void) snprintf(e.message, sizeof(e.message), "it is no domain of ours");
        if ((sscanf(j->target, "vnet%u", &i) == 1 || sscanf(j->target, "tap%u", &i) == 1) && i >= 1 &&
                i <= 4) {
                e.result = WORKER_FOUND;
                e.power = POWER_ON;
                e.n_records = clean ? 4 : 0;
                (void) snprintf(e.name, sizeof(e.name), "vm%u", i);
                (void) snprintf(e.uuid, sizeof(e.uuid), UUID_BASE "%u", i);
        }
        say(&e, sizeof(e));
        for (i = 1; i <= e.n_records; i++) {
                WorkerRecord r = {};

                (void) snprintf(r.port, sizeof(r.port), "vnet%u", i);
                say(&r, sizeof(r));
        }
}

static void list_ports(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_OK);

        e.n_records = 4;
        say(&e, sizeof(e));
        for (unsigned i = 1; i <= 4; i++) {
                WorkerRecord r = { .state = i != 2 };

                (void) snprintf(r.name, sizeof(r.name), "vm%u", i);
                (void) snprintf(r.uuid, sizeof(r.uuid), UUID_BASE "%u", i);
                (void) snprintf(r.port, sizeof(r.port), i == 2 ? "tap%u" : "vnet%u", i);
                say(&r, sizeof(r));
        }
}

static void serve(const WorkerJob *j) {
        WorkerEvent e = event_for(j, WORKER_EVENT_RESULT, WORKER_OK);

        if (strncmp(uri, "fake:silent", 11) == 0)
                pause();
        if (strncmp(uri, "fake:broken", 11) == 0) {
                e.kind = _WORKER_EVENT_MAX;
                say(&e, sizeof(e));
        } else if (is_down()) {
                e.result = WORKER_UNREACHABLE;
                (void) snprintf(e.message, sizeof(e.message), "it is down");
                say(&e, sizeof(e));
        } else if (j->kind == WORKER_JOB_RESOLVE)
                resolve(j);
        else if (j->kind == WORKER_JOB_ACT)
                act(j);
        else if (j->kind == WORKER_JOB_LIST)
                list(j);
        else if (j->kind == WORKER_JOB_IDENTIFY_PROCESS || j->kind == WORKER_JOB_IDENTIFY_CID)
                identify(j);
        else if (j->kind == WORKER_JOB_IDENTIFY_PORT)
                identify_port(j);
        else if (j->kind == WORKER_JOB_LIST_PORTS)
                list_ports(j);
        else
                say(&e, sizeof(e));
}

int main(int argc, char *argv[]) {
        WorkerJob j;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (argc != 3 || strncmp(argv[2], "--uri=", 6) != 0)
                return 1;
        uri = argv[2] + 6;
        directory = strchr(uri, '/');
        while (recv(WORKER_FD, &j, sizeof(j), MSG_WAITALL) == (ssize_t) sizeof(j))
                serve(&j);
        return 0;
}
