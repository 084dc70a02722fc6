/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What changes a domain: one operation per domain at a time, joined by retransmissions of the same request, cancelled
 * when nobody waits for it any more and it has not started. */

#include "action.h"
#include "base.h"
#include "hypervisor.h"
#include "recent.h"
#include "worker-protocol.h"

enum { OPERATIONS_MAX = 512 };

typedef struct Operations Operations;
typedef struct Waiter Waiter;

/* The waiter is gone when it returns. */
typedef void (*OperationDone)(const WorkerEvent *result, void *userdata);

int operations_new(Operations **ret);
/* Cancels what has not started; the rest ends unheard. */
Operations *operations_free(Operations *o);
DEFINE_CLEANUP(Operations *, operations_free)

/* Waits for the operation that this request already has, or begins one. The deadline is that of the first who asked.
 * Never calls back before it returns. -EBUSY when OPERATIONS_MAX is reached. */
int operation_join(Operations *o, const RequestKey *key, Hypervisor *h, Action action, const char *uuid,
        uint64_t deadline_usec, OperationDone done, void *userdata, Waiter **ret);

/* True when there is an operation of this request for the domain, which operation_join() would join. */
bool operation_exists(const Operations *o, const RequestKey *key, const char *uuid);

/* True when somebody waits for the operation of this request. */
bool operation_is_running(const Operations *o, const RequestKey *key);

/* True from the moment the domain may have changed. */
bool waiter_started(const Waiter *w);

/* Without calling back. Takes NULL, returns NULL. */
Waiter *waiter_free(Waiter *w);
