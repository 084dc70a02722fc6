/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "operation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

typedef struct Operation Operation;

struct Waiter {
        Operation *operation;
        OperationDone done;
        void *userdata;
        LIST_ENTRY(Waiter) entry;
};

struct Operation {
        Operations *all;
        RequestKey key;
        Hypervisor *hypervisor;
        Action action;
        char uuid[37];
        uint64_t deadline_usec;
        Job *job; /* NULL: another operation has the domain */
        LIST_HEAD(, Waiter) waiters;
        TAILQ_ENTRY(Operation) entry;
};

struct Operations {
        TAILQ_HEAD(, Operation) list; /* in order of arrival, all domains */
        size_t n;
};

int operations_new(Operations **ret) {
        Operations *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        TAILQ_INIT(&o->list);
        *ret = o;
        return 0;
}

static void operation_free(Operation *op) {
        TAILQ_REMOVE(&op->all->list, op, entry);
        op->all->n--;
        job_cancel(op->job);
        hypervisor_unref(op->hypervisor);
        free(op);
}

Operations *operations_free(Operations *o) {
        Operation *op;

        if (!o)
                return NULL;
        while ((op = TAILQ_FIRST(&o->list))) {
                Waiter *w;

                while ((w = LIST_FIRST(&op->waiters))) {
                        LIST_REMOVE(w, entry);
                        free(w);
                }
                operation_free(op);
        }
        free(o);
        return NULL;
}

static void run_next(Operations *o, const char *uuid);

static void operation_end(Operation *op, const WorkerEvent *result) {
        Operations *o = op->all;
        char uuid[37];
        Waiter *w;

        memcpy(uuid, op->uuid, sizeof(uuid));
        while ((w = LIST_FIRST(&op->waiters))) {
                LIST_REMOVE(w, entry);
                w->done(result, w->userdata);
                free(w);
        }
        operation_free(op);
        run_next(o, uuid);
}

static void on_done(Job *j, const WorkerEvent *result, const WorkerRecord *records, void *userdata) {
        Operation *op = userdata;

        op->job = NULL;
        operation_end(op, result);
}

static void on_silent(Job *j, void *userdata) {
        /* it waits until its deadline */
}

static const JobHandler handler = { .done = on_done, .silent = on_silent };

static int run(Operation *op) {
        JobRequest request = { .kind = WORKER_JOB_ACT,
                .action = op->action,
                .target = op->uuid,
                .deadline_usec = op->deadline_usec };

        return hypervisor_submit(op->hypervisor, &request, &handler, op, &op->job);
}

/* Begins the oldest operation of a domain that is free. */
static void run_next(Operations *o, const char *uuid) {
        Operation *op;

        TAILQ_FOREACH(op, &o->list, entry)
                if (strcasecmp(op->uuid, uuid) == 0)
                        break;
        if (!op || op->job || run(op) >= 0)
                return;

        WorkerEvent e = { .kind = WORKER_EVENT_RESULT, .result = WORKER_FAILED };
        (void) snprintf(e.message, sizeof(e.message), "too many jobs are waiting");
        operation_end(op, &e);
}

static Operation *find(const Operations *o, const RequestKey *key, const char *uuid) {
        Operation *op;

        TAILQ_FOREACH(op, &o->list, entry)
                if (request_key_equal(&op->key, key) && (!uuid || strcasecmp(op->uuid, uuid) == 0))
                        return op;
        return NULL;
}

static bool domain_is_busy(const Operations *o, const char *uuid) {
        const Operation *op;

        TAILQ_FOREACH(op, &o->list, entry)
                if (strcasecmp(op->uuid, uuid) == 0)
                        return true;
        return false;
}

static int begin(Operations *o, const RequestKey *key, Hypervisor *h, Action action, const char *uuid,
        uint64_t deadline_usec, Operation **ret) {
        if (o->n >= OPERATIONS_MAX)
                return -EBUSY;
        Operation *op = calloc(1, sizeof(*op));
        if (!op)
                return -ENOMEM;
        op->all = o;
        op->key = *key;
        op->hypervisor = hypervisor_ref(h);
        op->action = action;
        (void) snprintf(op->uuid, sizeof(op->uuid), "%s", uuid);
        op->deadline_usec = deadline_usec;
        LIST_INIT(&op->waiters);

        bool busy = domain_is_busy(o, uuid);
        TAILQ_INSERT_TAIL(&o->list, op, entry);
        o->n++;
        int r = busy ? 0 : run(op);
        if (r < 0) {
                operation_free(op);
                return r;
        }
        *ret = op;
        return 0;
}

int operation_join(Operations *o, const RequestKey *key, Hypervisor *h, Action action, const char *uuid,
        uint64_t deadline_usec, OperationDone done, void *userdata, Waiter **ret) {
        Waiter *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        Operation *op = find(o, key, uuid);
        if (!op) {
                int r = begin(o, key, h, action, uuid, deadline_usec, &op);
                if (r < 0) {
                        free(w);
                        return r;
                }
        }
        *w = (Waiter){ .operation = op, .done = done, .userdata = userdata };
        LIST_INSERT_HEAD(&op->waiters, w, entry);
        *ret = w;
        return 0;
}

bool operation_exists(const Operations *o, const RequestKey *key, const char *uuid) {
        return find(o, key, uuid);
}

bool operation_is_running(const Operations *o, const RequestKey *key) {
        const Operation *op = find(o, key, NULL);

        return op && !LIST_EMPTY(&op->waiters);
}

bool waiter_started(const Waiter *w) {
        return w->operation->job && job_started(w->operation->job);
}

Waiter *waiter_free(Waiter *w) {
        if (!w)
                return NULL;
        Operation *op = w->operation;
        LIST_REMOVE(w, entry);
        free(w);

        /* nobody waits, nothing has happened: it must not happen later either */
        if (LIST_EMPTY(&op->waiters) && !(op->job && job_started(op->job))) {
                Operations *o = op->all;
                char uuid[37];

                memcpy(uuid, op->uuid, sizeof(uuid));
                operation_free(op);
                run_next(o, uuid);
        }
        return NULL;
}
