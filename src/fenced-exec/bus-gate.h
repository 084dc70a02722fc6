/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a listener may make sd-bus read. sd-bus takes messages of up to 128 MB and keeps what it has of one in memory, in
 * any number and with any descriptors; a listener that strangers have taken over would fill ours. So the stream of a listener is
 * read here first, and only whole messages go on: of at most GATE_MESSAGE_MAX bytes and GATE_FDS_MAX descriptors, after an
 * authentication of at most GATE_AUTH_MAX bytes. Nothing of a message is looked at but its size.
 *
 * sd-bus reads from the other end of a socketpair and writes to the listener itself. */

#include "base.h"

#include <systemd/sd-event.h>

enum {
        GATE_AUTH_MAX = 512,
        GATE_MESSAGE_MAX = 4096, /* the largest that a listener sends is Open, some 400 bytes */
        GATE_FDS_MAX = 2, /* of one message; no call has more than one */
};

typedef struct Gate Gate;

/* Both are called from the event loop, and may free the gate. */
typedef struct GateHandler {
        void (*passed)(unsigned n, void *userdata); /* so many messages are there to be read */
        void (*refused)(const char *reason,
                void *userdata); /* the listener sent what none of ours does: free the gate */
} GateHandler;

/* fd: the accepted connection, non-blocking; duplicated. *ret_fd is for sd-bus to read from and to close. When the listener hangs
 * up, sd-bus sees the end of the stream after the last whole message. */
int gate_new(sd_event *event, int fd, const GateHandler *handler, void *userdata, Gate **ret, int *ret_fd);
Gate *gate_free(Gate *g);
DEFINE_CLEANUP(Gate *, gate_free)
