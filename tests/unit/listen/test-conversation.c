/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "conversation.h"
#include "transport.h"
#include "vectors.h"

enum { START = 1000000 };

static const Limits limits = {
        .packet_usec = 3000, .talk_usec = 10000, .connect_usec = 300, .write_usec = 7000, .drain_usec = 200
};

static const uint8_t *packet_of(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                if (strcmp(vector_packets[i].name, name) == 0)
                        return vector_packets[i].packet;
        cr_assert_fail("no vector %s", name);
        abort();
}

static void start(Conversation *c, const char *transport) {
        const Transport *t = transport_find(transport);

        conversation_init(c, t->flow, t->unsigned_flow, t->kind, START);
}

/* In pieces of at most `piece` bytes. */
static RefusedByForm feed(Conversation *c, const uint8_t *bytes, size_t n, size_t piece, uint64_t now) {
        RefusedByForm reason = 0;

        while (n > 0 && reason == 0) {
                size_t size;
                uint8_t *room = conversation_room(c, &size);

                cr_assert(size > 0);
                size = size < piece ? size : piece;
                size = size < n ? size : n;
                memcpy(room, bytes, size);
                reason = conversation_received(c, size, now);
                bytes += size;
                n -= size;
        }
        return reason;
}

static void expect_written(Conversation *c, const uint8_t *bytes, size_t n, size_t piece, uint64_t now) {
        while (n > 0) {
                size_t size;
                const uint8_t *pending = conversation_pending(c, &size);

                cr_assert_eq(conversation_turn(c), TURN_WRITE);
                cr_assert_eq(size, n);
                size = size < piece ? size : piece;
                cr_assert_eq(memcmp(pending, bytes, size), 0);
                conversation_sent(c, size, now);
                bytes += size;
                n -= size;
        }
}

/* From the guest's challenge on. */
static void converse(Conversation *c, size_t piece) {
        static const uint8_t reply[3] = { 1, 2, 3 };
        const struct VectorHandshake *v = vector_handshakes;
        uint8_t answer[128];

        memcpy(answer, v->host_response, 64);
        memcpy(answer + 64, v->host_challenge, 64);
        cr_assert_eq(conversation_phase(c), PHASE_CHALLENGE);
        cr_assert_eq(feed(c, v->guest_challenge, 64, piece, START), 0);
        cr_assert_eq(conversation_phase(c), PHASE_PROVE);
        cr_assert_eq(memcmp(c->in, v->guest_challenge, 64), 0);
        conversation_proved(c, v->host_response, v->host_challenge, START);
        cr_assert_eq(conversation_phase(c), PHASE_ANSWER);
        expect_written(c, answer, sizeof(answer), piece, START);
        cr_assert_eq(conversation_phase(c), PHASE_RESPONSE);
        cr_assert_eq(feed(c, v->guest_response, 64, piece, START), 0);
        cr_assert_eq(conversation_phase(c), PHASE_COMMIT);
        cr_assert_eq(memcmp(c->in, v->guest_response, 64), 0);
        cr_assert_eq(conversation_committed(c, reply, sizeof(reply), START), 0);
        cr_assert_eq(conversation_phase(c), PHASE_REPLY);
        expect_written(c, reply, sizeof(reply), piece, START);
        cr_assert_eq(conversation_turn(c), TURN_DRAIN);
        conversation_advance(c, START);
        cr_assert_eq(conversation_turn(c), TURN_NOBODY);
        conversation_advance(c, START);
        cr_assert_eq(conversation_turn(c), TURN_NOBODY);
}

Test(conversation, takes_its_course_however_the_bytes_are_cut) {
        static const size_t pieces[] = { 1, 3, 63, 64, 127, 1000 };

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                Conversation c;

                start(&c, "tcp");
                cr_assert_eq(conversation_turn(&c), TURN_READ);
                cr_assert_eq(
                        feed(&c, packet_of("exchange-tcp-status #0"), WIRE_PACKET_SIZE, pieces[i], START),
                        0);
                cr_assert_eq(conversation_phase(&c), PHASE_OPEN);
                conversation_advance(&c, START);
                converse(&c, pieces[i]);
                conversation_clear(&c);
        }
}

Test(conversation, of_a_datagram_is_opened_before_the_guest_is_called) {
        Conversation c;

        start(&c, "multicast");
        cr_assert_eq(conversation_phase(&c), PHASE_OPEN);
        conversation_advance(&c, START);
        cr_assert_eq(conversation_turn(&c), TURN_CONNECT);
        conversation_advance(&c, START);
        converse(&c, 64);
        conversation_clear(&c);
}

static void make_unsigned(uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = ACTION_OFF, .hash = HASH_NONE, .target = "vm", .seqno = { 1 } };

        cr_assert_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), 0);
}

Test(conversation, of_a_packet_without_hash_has_no_challenges_and_is_for_vsock_only) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Conversation c;

        make_unsigned(packet);
        start(&c, "vsock");
        cr_assert_eq(feed(&c, packet, sizeof(packet), 100, START), 0);
        cr_expect_eq(c.kind, WIRE_UNSIGNED);
        cr_expect_eq(conversation_phase(&c), PHASE_OPEN);
        conversation_advance(&c, START);
        cr_expect_eq(conversation_phase(&c), PHASE_COMMIT);
        cr_expect_eq(conversation_committed(&c, "", 1, START), 0);
        cr_expect_eq(conversation_phase(&c), PHASE_REPLY);
        conversation_clear(&c);

        packet[WIRE_MAC_OFFSET] = 1;
        start(&c, "vsock");
        cr_expect_eq(feed(&c, packet, sizeof(packet), 100, START), REFUSED_FORM);
        conversation_clear(&c);

        packet[WIRE_MAC_OFFSET] = 0;
        start(&c, "tcp");
        cr_expect_eq(feed(&c, packet, sizeof(packet), 100, START), REFUSED_FORM);
        conversation_clear(&c);
}

Test(conversation, of_a_signed_packet_is_the_same_over_vsock) {
        Conversation c;

        start(&c, "vsock");
        cr_assert_eq(feed(&c, packet_of("exchange-vsock-off #0"), WIRE_PACKET_SIZE, 100, START), 0);
        cr_expect_eq(c.kind, WIRE_STREAM);
        conversation_advance(&c, START);
        converse(&c, 64);
        conversation_clear(&c);
}

Test(conversation, refuses_a_packet_that_is_not_canonical_only_when_it_is_complete) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Conversation c;

        memcpy(packet, packet_of("exchange-tcp-status #0"), sizeof(packet));
        packet[0] = 0xff;
        start(&c, "tcp");
        cr_assert_eq(feed(&c, packet, sizeof(packet) - 1, 10, START), 0);
        cr_assert_eq(conversation_phase(&c), PHASE_PACKET);
        cr_assert_eq(feed(&c, packet + sizeof(packet) - 1, 1, 1, START), REFUSED_FORM);
        conversation_refuse(&c, START + 500);
        cr_assert_eq(conversation_turn(&c), TURN_REPORT);
        cr_assert_eq(conversation_deadline(&c, &limits), START + 700);
        conversation_advance(&c, START + 600);
        cr_assert_eq(conversation_turn(&c), TURN_NOBODY);
        conversation_clear(&c);
        start(&c, "tcp");
        cr_assert_eq(feed(&c, packet_of("exchange-mcast-status #0"), WIRE_PACKET_SIZE, 1000, START),
                REFUSED_FORM);
        conversation_clear(&c);
}

Test(conversation, has_deadlines_that_nothing_moves) {
        static const struct {
                Phase phase;
                uint64_t entered, deadline;
        } rows[] = {
                { PHASE_PACKET, START, START + 3000 },
                { PHASE_PACKET, START + 2999, START + 3000 },
                { PHASE_OPEN, START + 5000, START + 10000 },
                { PHASE_CONNECT, START + 5000, START + 5300 },
                { PHASE_CONNECT, START + 9900, START + 10000 },
                { PHASE_CHALLENGE, START + 9000, START + 10000 },
                { PHASE_PROVE, START + 9000, START + 10000 },
                { PHASE_ANSWER, START + 9000, START + 10000 },
                { PHASE_RESPONSE, START + 9000, START + 10000 },
                { PHASE_COMMIT, START + 9000, UINT64_MAX },
                { PHASE_REPLY, START + 90000, START + 97000 },
                { PHASE_DRAIN, START + 90000, START + 90200 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Phase flow[] = { PHASE_END, rows[i].phase, PHASE_END };
                Conversation c;

                conversation_init(&c, flow + 1, NULL, WIRE_STREAM, START);
                c.entered_usec = rows[i].entered;
                c.done = 10;
                cr_expect_eq(conversation_deadline(&c, &limits), rows[i].deadline, "row %zu", i);
        }
}

Test(conversation, takes_no_reply_that_is_empty_or_too_long) {
        static const Phase flow[] = { PHASE_COMMIT, PHASE_REPLY, PHASE_END };
        _cleanup_free_ uint8_t *bytes = calloc(1, REPLY_MAX + 1);
        Conversation c;

        conversation_init(&c, flow, NULL, WIRE_STREAM, START);
        cr_expect_eq(conversation_committed(&c, bytes, 0, START), -EMSGSIZE);
        cr_expect_eq(conversation_committed(&c, bytes, REPLY_MAX + 1, START), -EMSGSIZE);
        cr_expect_eq(conversation_phase(&c), PHASE_COMMIT);
        cr_expect_null(c.reply);
        cr_expect_eq(conversation_committed(&c, bytes, REPLY_MAX, START), 0);
        conversation_clear(&c);
}
