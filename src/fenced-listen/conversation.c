/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation.h"

#include <string.h>

/* From when a deadline counts, and which. */
typedef enum Until {
        UNTIL_NEVER = 0,
        UNTIL_PACKET, /* since the start */
        UNTIL_TALK, /* since the start */
        UNTIL_CONNECT, /* since the phase began, and UNTIL_TALK */
        UNTIL_WRITE, /* since the phase began */
        UNTIL_DRAIN, /* since the phase began */
} Until;

static const struct {
        Turn turn;
        Until until;
        size_t size; /* bytes from or to the guest; 0: as many as the reply has */
} phases[_PHASE_MAX] = {
        [PHASE_END] = { TURN_NOBODY },
        [PHASE_PACKET] = { TURN_READ, UNTIL_PACKET, WIRE_PACKET_SIZE },
        [PHASE_OPEN] = { TURN_CALL, UNTIL_TALK },
        [PHASE_CONNECT] = { TURN_CONNECT, UNTIL_CONNECT },
        [PHASE_CHALLENGE] = { TURN_READ, UNTIL_TALK, WIRE_CHALLENGE_SIZE },
        [PHASE_PROVE] = { TURN_CALL, UNTIL_TALK },
        [PHASE_ANSWER] = { TURN_WRITE, UNTIL_TALK, WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE },
        [PHASE_RESPONSE] = { TURN_READ, UNTIL_TALK, WIRE_MAC_SIZE },
        [PHASE_COMMIT] = { TURN_CALL, UNTIL_NEVER },
        [PHASE_REPLY] = { TURN_WRITE, UNTIL_WRITE },
        [PHASE_DRAIN] = { TURN_DRAIN, UNTIL_DRAIN },
        [PHASE_REPORT] = { TURN_REPORT, UNTIL_DRAIN },
};

void conversation_init(
        Conversation *c, const Phase *flow, const Phase *unsigned_flow, WireKind kind, uint64_t now_usec) {
        *c = (Conversation){
                .flow = flow,
                .unsigned_flow = unsigned_flow,
                .kind = kind,
                .started_usec = now_usec,
                .entered_usec = now_usec,
        };
}

void conversation_clear(Conversation *c) {
        static const Phase end = PHASE_END;

        free(c->reply);
        *c = (Conversation){ .flow = &end };
}

Phase conversation_phase(const Conversation *c) {
        return *c->flow;
}

Turn conversation_turn(const Conversation *c) {
        return phases[*c->flow].turn;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

uint64_t conversation_deadline(const Conversation *c, const Limits *limits) {
        uint64_t talk = c->started_usec + limits->talk_usec;

        switch (phases[*c->flow].until) {
        case UNTIL_PACKET:
                return earlier(c->started_usec + limits->packet_usec, talk);
        case UNTIL_TALK:
                return talk;
        case UNTIL_CONNECT:
                return earlier(c->entered_usec + limits->connect_usec, talk);
        case UNTIL_WRITE:
                return c->entered_usec + limits->write_usec;
        case UNTIL_DRAIN:
                return c->entered_usec + limits->drain_usec;
        case UNTIL_NEVER:
                break;
        }
        return UINT64_MAX;
}

void conversation_advance(Conversation *c, uint64_t now_usec) {
        if (*c->flow != PHASE_END)
                c->flow++;
        c->entered_usec = now_usec;
        c->done = 0;
}

void conversation_refuse(Conversation *c, uint64_t now_usec) {
        static const Phase flow[] = { PHASE_REPORT, PHASE_END };

        c->flow = flow;
        c->entered_usec = now_usec;
        c->done = 0;
}

static size_t phase_size(const Conversation *c) {
        return *c->flow == PHASE_REPLY ? c->reply_size : phases[*c->flow].size;
}

uint8_t *conversation_room(Conversation *c, size_t *ret_size) {
        *ret_size = phase_size(c) - c->done;
        return c->in + c->done;
}

RefusedByForm conversation_received(Conversation *c, size_t n, uint64_t now_usec) {
        Request r;

        c->done += n;
        if (c->done < phase_size(c))
                return 0;
        if (*c->flow == PHASE_PACKET && c->unsigned_flow && wire_is_unsigned(c->in)) {
                c->flow = c->unsigned_flow;
                c->kind = WIRE_UNSIGNED;
        }
        if (*c->flow == PHASE_PACKET && wire_decode_packet(c->in, c->kind, &r) < 0)
                return REFUSED_FORM;
        conversation_advance(c, now_usec);
        return 0;
}

const uint8_t *conversation_pending(const Conversation *c, size_t *ret_size) {
        *ret_size = phase_size(c) - c->done;
        return (*c->flow == PHASE_REPLY ? c->reply : c->answer) + c->done;
}

void conversation_sent(Conversation *c, size_t n, uint64_t now_usec) {
        c->done += n;
        if (c->done == phase_size(c))
                conversation_advance(c, now_usec);
}

void conversation_proved(Conversation *c, const uint8_t response[static WIRE_MAC_SIZE],
        const uint8_t challenge[static WIRE_CHALLENGE_SIZE], uint64_t now_usec) {
        memcpy(c->answer, response, WIRE_MAC_SIZE);
        memcpy(c->answer + WIRE_MAC_SIZE, challenge, WIRE_CHALLENGE_SIZE);
        conversation_advance(c, now_usec);
}

int conversation_committed(Conversation *c, const void *reply, size_t size, uint64_t now_usec) {
        uint8_t *copy;

        if (size == 0 || size > REPLY_MAX)
                return -EMSGSIZE;
        copy = malloc(size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, reply, size);
        c->reply = copy;
        c->reply_size = size;
        conversation_advance(c, now_usec);
        return 0;
}
