/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is remembered about addresses that signed requests came from by datagram: whether the last call-back failed, and
 * how many there were. Only what a guest signed is counted, or a stranger could silence it in its name. Pure: the clock is
 * an argument (CLOCK_MONOTONIC, usec). */

#include "address.h"
#include "base.h"

enum {
        SOURCES_MAX = 256, /* the one not heard of for longest makes room */
        SOURCE_BURST = 100, /* call-backs at once, per address */
        SOURCE_RATE = 50, /* and per second afterwards; a guest in trouble sends one in two seconds */
};

#define SOURCE_FAILED_USEC (2 * USEC_PER_SEC) /* no call-back for so long after one that failed */

typedef struct Source {
        Address address;
        uint64_t seen_usec;
        uint64_t failed_until_usec;
        uint64_t credit_usec; /* a call-back costs USEC_PER_SEC / SOURCE_RATE */
} Source;

typedef struct Sources {
        Source table[SOURCES_MAX]; /* zeroed is empty */
} Sources;

/* True when a call-back to this address failed a moment ago. */
bool sources_avoid(const Sources *s, const Address *address, uint64_t now_usec);

/* True when this address may be called now; it is counted. */
bool sources_may_call(Sources *s, const Address *address, uint64_t now_usec);

/* The guest could not be called back. */
void sources_failed(Sources *s, const Address *address, uint64_t now_usec);
