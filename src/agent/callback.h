/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Those who call back, heard side by side until one proves to hold the key. */

#include "address.h"
#include "client.h"
#include "transport.h"

enum { CALLBACKS_MAX = 16 };

typedef struct Callback {
        int fd; /* -1: free */
        Client client;
        uint8_t proof[CLIENT_PROOF_SIZE];
        size_t n;
} Callback;

typedef struct Callbacks {
        int listener; /* -1: not listening yet */
        Callback slots[CALLBACKS_MAX];
        unsigned next; /* the slot that is used next: the oldest caller goes when all are taken */
        unsigned n_refused;
        const char *reason; /* why the last one was dropped; static storage */
} Callbacks;

void callbacks_init(Callbacks *c);
void callbacks_done(Callbacks *c);

/* Listens on every address of the family. 0, or negative errno. */
int callbacks_listen(Callbacks *c, int family, uint16_t port);

/* Accepts and hears until `until`. True when a host proved itself, in FX2 over one of the packets sent: then *ret_fd and *ret_client are its, and all the
 * others are hung up on, so that no host waits for us in vain. */
bool callbacks_wait(
        Callbacks *c, const Question *q, const Sent *sent, uint64_t until, int *ret_fd, Client *ret_client);
