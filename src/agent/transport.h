/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ways to a host. One is a row in transport.c. */

#include "answer.h"
#include "auth.h"
#include "options.h"

typedef struct Question {
        const Options *options;
        const AuthKey *key; /* NULL where there is none */
        Action action;
        uint64_t deadline; /* CLOCK_MONOTONIC in microseconds */
} Question;

/* What a key is to a transport; with one, requests are signed and hosts authenticated. */
typedef enum KeyUse {
        KEY_REQUIRED = 0,
        KEY_UNLESS_ABSENT, /* without the default key file it goes on: the hypervisor vouches for both ends */
        KEY_UNUSED,
} KeyUse;

typedef struct Transport {
        const char *name; /* for messages */
        KeyUse key;
        bool (*chosen)(const Options *o);
        /* One conversation, from the first byte to the last. *ret was started with the action and says it all: on
         * return it is complete or broken. */
        void (*ask)(const Question *q, Answer *ret);
} Transport;

/* Never NULL: the VM channel when nothing was chosen. */
const Transport *transport_choose(const Options *o);

/* False when no option says which transport it is to be, see discover.h. */
bool transport_is_chosen(const Options *o);

/* Signed (but not WIRE_UNSIGNED, which carries no random bytes either), with fresh random bytes, call-back address and port taken from *r (WIRE_MULTICAST). */
int question_packet(
        const Question *q, const Request *r, WireKind kind, uint8_t ret[static WIRE_PACKET_SIZE]);

/* The request without what a transport adds; a fresh sequence number. With a key it says that we speak FX2, and one that is
 * for FX2 only decides the hash, whatever the options say. */
int question_request(const Question *q, Request *ret);
