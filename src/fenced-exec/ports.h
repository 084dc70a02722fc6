/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which domain was seen at which network interface of the host, or vsock CID. Only where to look first: it is asked again each time. It
 * spares a request the wait for domains that are none of its business (fenced-worker/libvirt-port.c). Pure. */

#include "base.h"
#include "worker-protocol.h"

enum { PORTS_MAX = 4096 };

typedef struct Port {
        char name[WORKER_PORT_SIZE];
        char uuid[WORKER_UUID_SIZE];
} Port;

/* Zero is empty. */
typedef struct Ports {
        Port *entries;
        size_t n;
} Ports;

void ports_done(Ports *p);

/* Takes what LIST_PORTS has answered for all that was known. Nothing changes when there is no memory. */
void ports_replace(Ports *p, const WorkerRecord *records, size_t n);

/* The oldest are forgotten over PORTS_MAX. */
void ports_learn(Ports *p, const char *name, const char *uuid);

/* A UUID, or NULL. Valid until the next change. */
const char *ports_find(const Ports *p, const char *name);
