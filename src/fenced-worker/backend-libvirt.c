/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "backend.h"
#include "libvirt-backend.h"

#include <string.h>

/* By default libvirt prints every error to stderr; ours go into the answer. */
static void print_nothing(void *userdata, virErrorPtr error) {}

/* To free 5000 domains takes libvirt as long as to list them. */
static void backend_rest(void *state) {
        Libvirt *l = state;

        for (int i = 0; i < l->n_listed; i++)
                (void) virDomainFree(l->listed[i]);
        free(l->listed);
        l->listed = NULL;
        l->n_listed = 0;
}

static void backend_close(void *state) {
        Libvirt *l = state;

        if (!l)
                return;
        backend_rest(l);
        libvirt_disconnect(l);
        free(l->uri);
        free(l);
}

static int backend_open(const char *uri, void **ret) {
        Libvirt *l;

        virSetErrorFunc(NULL, print_nothing);
        if (virInitialize() < 0)
                return -EIO;
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->uri = strdup(uri);
        if (!l->uri) {
                backend_close(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

/* Runs a step on a connection that works. An idle connection to a libvirtd that was restarted shows its death only
 * when it is used, so a loss before anything was started is worth one new connection. */
static void run(Libvirt *l, Job *j, int (*step)(Libvirt *, Job *)) {
        for (int tries = 0; tries < 2; tries++) {
                job_unsay(j);
                if (libvirt_connect(l, j) < 0 || step(l, j) != -ENOTCONN)
                        return;
                backend_rest(l);
                libvirt_disconnect(l);
        }
        j->result.result = WORKER_UNREACHABLE;
}

static int ping(Libvirt *l, Job *j) {
        unsigned long version;

        if (virConnectGetLibVersion(l->connection, &version) < 0)
                return libvirt_fail(l, j, "Cannot ask for the version");
        j->result.result = WORKER_OK;
        return 0;
}

static void run_ping(void *state, Job *j) {
        run(state, j, ping);
}

static void run_resolve(void *state, Job *j) {
        run(state, j, libvirt_resolve);
}

static void run_act(void *state, Job *j) {
        run(state, j, libvirt_act);
}

static void run_identify_process(void *state, Job *j) {
        run(state, j, libvirt_identify_process);
}

static void run_identify_cid(void *state, Job *j) {
        run(state, j, libvirt_identify_cid);
}

static void run_identify_port(void *state, Job *j) {
        run(state, j, libvirt_identify_port);
}

static void run_list_ports(void *state, Job *j) {
        run(state, j, libvirt_list_ports);
}

static void run_list(void *state, Job *j) {
        run(state, j, libvirt_list);
}

const Backend backend_libvirt = {
        .name = "libvirt",
        .open = backend_open,
        .run = {
                [WORKER_JOB_PING] = run_ping,
                [WORKER_JOB_RESOLVE] = run_resolve,
                [WORKER_JOB_ACT] = run_act,
                [WORKER_JOB_LIST] = run_list,
                [WORKER_JOB_IDENTIFY_PROCESS] = run_identify_process,
                [WORKER_JOB_IDENTIFY_CID] = run_identify_cid,
                [WORKER_JOB_IDENTIFY_PORT] = run_identify_port,
                [WORKER_JOB_LIST_PORTS] = run_list_ports,
        },
        .rest = backend_rest,
        .close = backend_close,
};
