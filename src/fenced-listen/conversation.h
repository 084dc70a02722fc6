/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request, from the first byte to the last: what comes next, how many bytes it has, until when. Pure: no
 * descriptor, no clock (times are CLOCK_MONOTONIC, usec, and arguments), no bus.
 *
 *   tcp        PACKET -> OPEN ------------> CHALLENGE -> PROVE -> ANSWER -> RESPONSE -> COMMIT -> REPLY -> DRAIN -> END
 *   multicast            OPEN -> CONNECT -> CHALLENGE -> ...
 *   vsock      as tcp; a packet without hash:
 *              PACKET -> OPEN -> COMMIT -> REPLY -> DRAIN -> END
 *
 *   refused    REPORT -> END
 *
 * Which phases there are, and in which order, is a flow: an array that ends with PHASE_END (transport.c). */

#include "base.h"
#include "limits.h"
#include "names.h"
#include "wire.h"

typedef enum Phase {
        PHASE_END = 0, /* close */
        PHASE_PACKET, /* the guest's request */
        PHASE_OPEN, /* executor: who signed it? */
        PHASE_CONNECT, /* call the guest back */
        PHASE_CHALLENGE, /* the guest's challenge */
        PHASE_PROVE, /* executor: answer it, and challenge the guest */
        PHASE_ANSWER, /* both, to the guest */
        PHASE_RESPONSE, /* the guest's answer */
        PHASE_COMMIT, /* executor: do it */
        PHASE_REPLY, /* the result, to the guest */
        PHASE_DRAIN, /* nothing more to say; a close now could overtake the result with a reset */
        PHASE_REPORT, /* executor: this was refused. The connection is kept until then, or its address is lost */
        _PHASE_MAX,
} Phase;

/* Whose turn it is. */
typedef enum Turn {
        TURN_NOBODY, /* over */
        TURN_READ, /* the guest speaks */
        TURN_WRITE, /* the guest listens */
        TURN_CALL, /* the executor */
        TURN_CONNECT,
        TURN_DRAIN,
        TURN_REPORT, /* the executor, and whether the guest is still there does not matter */
} Turn;

typedef struct Conversation {
        const Phase *flow, *unsigned_flow;
        WireKind kind;
        uint64_t started_usec, entered_usec; /* the conversation, and its present phase */
        uint8_t in[WIRE_PACKET_SIZE];
        uint8_t answer[WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE];
        uint8_t *reply; /* owned */
        size_t reply_size;
        size_t done; /* bytes of the present phase that are in, or out */
} Conversation;

/* *c need not be initialised. The flows must outlive it. unsigned_flow: which a packet without hash changes to (from its first
 * phase, PHASE_PACKET, on), and its kind to WIRE_UNSIGNED; NULL: it is refused. */
void conversation_init(
        Conversation *c, const Phase *flow, const Phase *unsigned_flow, WireKind kind, uint64_t now_usec);
void conversation_clear(Conversation *c);

Phase conversation_phase(const Conversation *c);
Turn conversation_turn(const Conversation *c);

/* When the guest has its last chance in this phase; UINT64_MAX while the executor works. Nothing a peer sends moves it. */
uint64_t conversation_deadline(const Conversation *c, const Limits *limits);

/* TURN_READ: where the next bytes belong, and how many (never 0); nothing more may be read. */
uint8_t *conversation_room(Conversation *c, size_t *ret_size);

/* TURN_READ: n bytes were put there. 0, or REFUSED_FORM for a complete packet that is not canonical. */
RefusedByForm conversation_received(Conversation *c, size_t n, uint64_t now_usec);

/* TURN_WRITE: the next bytes to send, never 0. */
const uint8_t *conversation_pending(const Conversation *c, size_t *ret_size);
void conversation_sent(Conversation *c, size_t n, uint64_t now_usec);

/* Whatever the phase is: it goes on with PHASE_REPORT. */
void conversation_refuse(Conversation *c, uint64_t now_usec);

/* The next phase; for those that move no bytes (PHASE_OPEN, TURN_CONNECT, TURN_DRAIN, TURN_REPORT). */
void conversation_advance(Conversation *c, uint64_t now_usec);

/* The executor's answers in PHASE_PROVE and PHASE_COMMIT. */
void conversation_proved(Conversation *c, const uint8_t response[static WIRE_MAC_SIZE],
        const uint8_t challenge[static WIRE_CHALLENGE_SIZE], uint64_t now_usec);
/* Copies 1..REPLY_MAX bytes; -EMSGSIZE for another size, -ENOMEM. */
int conversation_committed(Conversation *c, const void *reply, size_t size, uint64_t now_usec);
