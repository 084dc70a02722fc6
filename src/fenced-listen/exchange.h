/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests of one channel, one after the other: which is served, which is the same one again, whose reply still counts.
 * Pure: no descriptor, no bus, and the clock is an argument (CLOCK_MONOTONIC, usec).
 *
 *   IDLE -> OPEN -> COMMIT -> READY -> REPLY -> IDLE
 *
 * A reply does not say what it replies to, so it is sent only while its request is the last one that the guest made. A
 * request that comes before overtakes: the one before it is given up, wherever it is, and gets no reply. Only "null" (whose
 * replies are all alike, and by which agents find out what the line still brings) waits for another "null", and is not
 * overtaken before it was begun. */

#include "base.h"
#include "frame.h"
#include "limits.h"

typedef enum ExchangeState {
        EXCHANGE_IDLE = 0, /* no request, or one that has to wait a little */
        EXCHANGE_OPEN, /* executor: who asks? */
        EXCHANGE_COMMIT, /* executor: do it */
        EXCHANGE_READY, /* there is a reply; it goes out when the guest is found not to be saying anything else */
        EXCHANGE_REPLY, /* it does, or the guest has not taken it yet: nothing is read until it has */
} ExchangeState;

typedef struct Exchange {
        ExchangeState state;
        FrameScanner scanner;
        uint8_t request[WIRE_SERIAL_SIZE]; /* that the state is about; in IDLE the last one, if `answered` */
        uint8_t next[WIRE_SERIAL_SIZE];
        bool has_next;
        bool answered;
        uint8_t *reply; /* owned; NULL once the kernel has all of it */
        size_t reply_size, sent;
        bool has_more; /* the guest has said something more, and has not taken the reply */
        uint64_t replied_usec; /* COMMIT's end */
        uint64_t on_its_way_usec; /* the last time that the reply was not with the guest yet */
        uint64_t earliest_usec; /* no OPEN before */
} Exchange;

typedef enum ExchangeTurn {
        EXCHANGE_WAIT = 0, /* for the deadline, the guest or the executor */
        EXCHANGE_CALL_OPEN, /* open a session for e->request */
        EXCHANGE_SEND, /* exchange_pending() */
        EXCHANGE_ASK_TAKEN, /* has the guest taken the reply? exchange_taken() or exchange_not_taken() */
} ExchangeTurn;

/* Zeroed is idle. */
void exchange_clear(Exchange *e);

/* What to do now. May begin the next request. */
ExchangeTurn exchange_turn(Exchange *e, uint64_t now_usec);

/* True when bytes of the guest may be read, into the scanner. */
bool exchange_listens(const Exchange *e);

/* True when it matters that there are some: to read them, or because the reply should be taken by now. */
bool exchange_heeds(const Exchange *e);

/* A request was found. True when it overtakes one in COMMIT, which the caller has to cancel and abort. */
bool exchange_request(
        Exchange *e, const uint8_t frame[static WIRE_SERIAL_SIZE], const Limits *limits, uint64_t now_usec);

/* The answer to OPEN. True: COMMIT is next; false: it was overtaken meanwhile, the caller has to abort its session. */
bool exchange_opened(Exchange *e, const Limits *limits, uint64_t now_usec);

/* The answer to COMMIT; copies 1..REPLY_MAX bytes. -EMSGSIZE for another size, -ENOMEM. */
int exchange_committed(Exchange *e, const void *reply, size_t size, uint64_t now_usec);

/* OPEN or COMMIT got no answer, or none that can be used. */
void exchange_failed(Exchange *e, const Limits *limits, uint64_t now_usec);

/* There is nothing to read: half a frame expires if it is time, and without one READY goes on with REPLY. */
void exchange_guest_is_silent(Exchange *e, const Limits *limits, uint64_t now_usec);

/* EXCHANGE_SEND: never 0 bytes. */
const uint8_t *exchange_pending(const Exchange *e, size_t *ret_size);
void exchange_sent(Exchange *e, size_t n, uint64_t now_usec);

/* more: there are bytes to read. */
void exchange_taken(Exchange *e);
void exchange_not_taken(Exchange *e, bool more, uint64_t now_usec);

/* When something changes by itself: exchange_turn(), exchange_guest_is_silent() or exchange_is_late(); UINT64_MAX: never. */
uint64_t exchange_deadline(const Exchange *e, const Limits *limits);

/* A reply has waited too long for the guest: the channel is to be closed. */
bool exchange_is_late(const Exchange *e, const Limits *limits, uint64_t now_usec);
