/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"

enum { NOW = 1000000 };

static const Limits limits = { .write_usec = 10000,
        .frame_usec = 1000,
        .unanswered_usec = 100,
        .repeat_usec = 1000,
        .taken_usec = 10 };

typedef struct Frame {
        uint8_t bytes[WIRE_SERIAL_SIZE];
} Frame;

static Frame frame(Action action, uint8_t number) {
        Request r = { .action = action, .target = "vm", .seqno = { number } };
        Frame f;

        cr_assert_eq(wire_encode_serial(&r, f.bytes), 0);
        return f;
}

static bool request(Exchange *e, Action action, uint8_t number, uint64_t now) {
        return exchange_request(e, frame(action, number).bytes, &limits, now);
}

static void expect_request(const Exchange *e, Action action, uint8_t number) {
        cr_assert_arr_eq(e->request, frame(action, number).bytes, WIRE_SERIAL_SIZE);
}

/* With one request, in this state. */
static Exchange in(ExchangeState state, Action action, uint8_t number) {
        Exchange e = {};
        size_t size;

        cr_assert_not(request(&e, action, number, NOW));
        cr_assert_eq(exchange_turn(&e, NOW), EXCHANGE_CALL_OPEN);
        if (state >= EXCHANGE_COMMIT)
                cr_assert(exchange_opened(&e, &limits, NOW));
        if (state >= EXCHANGE_READY)
                cr_assert_eq(exchange_committed(&e, "reply", 5, NOW), 0);
        if (state >= EXCHANGE_REPLY)
                exchange_guest_is_silent(&e, &limits, NOW);
        cr_assert_eq(e.state, state);
        cr_assert_eq(exchange_turn(&e, NOW), state == EXCHANGE_REPLY ? EXCHANGE_SEND : EXCHANGE_WAIT);
        if (state == EXCHANGE_REPLY)
                cr_assert_arr_eq(exchange_pending(&e, &size), "reply", 5);
        return e;
}

static Exchange answered(Action action, uint8_t number) {
        Exchange e = in(EXCHANGE_REPLY, action, number);

        exchange_sent(&e, 5, NOW);
        cr_assert_eq(exchange_turn(&e, NOW), EXCHANGE_ASK_TAKEN);
        exchange_taken(&e);
        cr_assert_eq(e.state, EXCHANGE_IDLE);
        return e;
}

Test(exchange, reads_while_no_reply_is_on_its_way_and_no_null_waits) {
        static const bool listens[] = { true, true, true, true, false };

        for (ExchangeState state = EXCHANGE_OPEN; state <= EXCHANGE_REPLY; state++) {
                Exchange e = in(state, ACTION_OFF, 1);

                cr_expect_eq(exchange_listens(&e), listens[state], "state %u", (unsigned) state);
                if (state < EXCHANGE_REPLY) {
                        (void) request(&e, ACTION_NULL, 1, NOW);
                        cr_expect_not(exchange_listens(&e), "state %u", (unsigned) state);
                }
                exchange_clear(&e);
        }
}

Test(exchange, keeps_the_last_one_of_those_that_cannot_be_served_yet) {
        Exchange e = in(EXCHANGE_OPEN, ACTION_OFF, 1);

        cr_expect_not(request(&e, ACTION_OFF, 2, NOW));
        cr_expect_not(request(&e, ACTION_OFF, 3, NOW));
        cr_expect(exchange_listens(&e));
        cr_expect_not(exchange_opened(&e, &limits, NOW));
        cr_expect_not(request(&e, ACTION_OFF, 4, NOW + 50));
        cr_expect_eq(exchange_turn(&e, NOW + 100), EXCHANGE_CALL_OPEN);
        expect_request(&e, ACTION_OFF, 4);
        cr_expect_not(request(&e, ACTION_OFF, 5, NOW + 100));
        cr_expect_not(
                request(&e, ACTION_OFF, 4, NOW + 100)); /* it is this one again that was asked for last */
        cr_expect(exchange_opened(&e, &limits, NOW + 100));
        cr_expect_not(e.has_next);
        exchange_clear(&e);
}

Test(exchange, swallows_the_same_request_in_every_state) {
        for (ExchangeState state = EXCHANGE_OPEN; state < EXCHANGE_REPLY; state++) {
                Exchange e = in(state, ACTION_OFF, 1);

                cr_expect_not(request(&e, ACTION_OFF, 1, NOW));
                cr_expect_not(e.has_next);
                cr_expect_eq(e.state, state);
                exchange_clear(&e);
        }
}

Test(exchange, is_overtaken_in_every_state_and_serves_the_next_one_a_little_later) {
        for (ExchangeState state = EXCHANGE_OPEN; state < EXCHANGE_REPLY; state++) {
                Exchange e = in(state, ACTION_OFF, 1);

                cr_expect_eq(request(&e, ACTION_STATUS, 2, NOW), state == EXCHANGE_COMMIT);
                if (state == EXCHANGE_OPEN) {
                        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_WAIT); /* one Open at a time */
                        cr_expect_not(exchange_opened(&e, &limits, NOW));
                }
                cr_expect_null(e.reply);
                cr_expect_eq(e.state, EXCHANGE_IDLE);
                cr_expect_eq(exchange_deadline(&e, &limits), NOW + 100);
                cr_expect_eq(exchange_turn(&e, NOW + 99), EXCHANGE_WAIT);
                cr_expect_eq(exchange_turn(&e, NOW + 100), EXCHANGE_CALL_OPEN);
                expect_request(&e, ACTION_STATUS, 2);
                cr_expect(exchange_listens(&e));
                exchange_clear(&e);
        }
}

Test(exchange, answers_every_null_of_a_row) {
        for (uint8_t second = 1; second <= 2; second++)
                for (ExchangeState state = EXCHANGE_OPEN; state < EXCHANGE_REPLY; state++) {
                        Exchange e = in(state, ACTION_NULL, 1);

                        cr_expect_not(request(&e, ACTION_NULL, second, NOW));
                        cr_expect_eq(e.state, state);
                        if (state <= EXCHANGE_OPEN)
                                cr_expect(exchange_opened(&e, &limits, NOW));
                        if (state <= EXCHANGE_COMMIT)
                                cr_expect_eq(exchange_committed(&e, "reply", 5, NOW), 0);
                        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_SEND);
                        exchange_sent(&e, 5, NOW);
                        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_ASK_TAKEN);
                        exchange_taken(&e);
                        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_CALL_OPEN);
                        expect_request(&e, ACTION_NULL, second);
                        exchange_clear(&e);
                }
}

Test(exchange, lets_null_and_others_overtake_each_other) {
        Exchange e = in(EXCHANGE_COMMIT, ACTION_NULL, 1);

        cr_expect(request(&e, ACTION_OFF, 1, NOW));
        exchange_clear(&e);
        e = in(EXCHANGE_COMMIT, ACTION_OFF, 1);
        cr_expect(request(&e, ACTION_NULL, 1, NOW));
        exchange_clear(&e);
}

Test(exchange, takes_a_request_for_a_repetition_until_a_while_after_its_answer) {
        static const struct {
                uint64_t after;
                Action action;
                uint8_t number;
                bool served;
        } rows[] = { { 999, ACTION_OFF, 1, false }, { 1000, ACTION_OFF, 1, true },
                { 0, ACTION_OFF, 2, true }, { 0, ACTION_STATUS, 1, true } };
        Exchange e;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                e = answered(ACTION_OFF, 1);
                cr_expect_not(request(&e, rows[i].action, rows[i].number, NOW + rows[i].after));
                cr_expect_eq(e.has_next, rows[i].served, "row %zu", i);
                exchange_clear(&e);
        }
        e = answered(ACTION_NULL, 1);
        cr_expect_not(request(&e, ACTION_NULL, 1, NOW));
        cr_expect(e.has_next);
        exchange_clear(&e);
}

Test(exchange, counts_that_while_from_when_the_reply_was_last_seen_on_its_way) {
        Exchange e = in(EXCHANGE_REPLY, ACTION_OFF, 1);

        exchange_sent(&e, 5, NOW);
        exchange_not_taken(&e, true, NOW + 5000);
        exchange_taken(&e);
        cr_expect_not(request(&e, ACTION_OFF, 1, NOW + 5999));
        cr_expect_not(e.has_next);
        exchange_clear(&e);
}

Test(exchange, serves_the_same_request_again_that_got_no_answer) {
        for (ExchangeState state = EXCHANGE_OPEN; state <= EXCHANGE_COMMIT; state++) {
                Exchange e = in(state, ACTION_OFF, 1);

                exchange_failed(&e, &limits, NOW);
                cr_expect_eq(exchange_deadline(&e, &limits), UINT64_MAX);
                cr_expect_not(request(&e, ACTION_OFF, 1, NOW + 50));
                cr_expect_eq(exchange_turn(&e, NOW + 50), EXCHANGE_WAIT);
                cr_expect_eq(exchange_turn(&e, NOW + 100), EXCHANGE_CALL_OPEN);
                exchange_clear(&e);
        }
}

Test(exchange, keeps_its_reply_while_half_a_frame_is_there) {
        Exchange e = in(EXCHANGE_READY, ACTION_OFF, 1);
        Frame next = frame(ACTION_STATUS, 2);
        uint8_t found[WIRE_SERIAL_SIZE];
        size_t size;

        memcpy(frame_room(&e.scanner, &size), next.bytes, 40);
        cr_expect_eq(frame_received(&e.scanner, 40, NOW, found), FRAME_NOTHING);
        exchange_guest_is_silent(&e, &limits, NOW);
        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_WAIT);
        cr_expect_eq(exchange_deadline(&e, &limits), NOW + 1000);
        exchange_guest_is_silent(&e, &limits, NOW + 999);
        cr_expect_eq(exchange_turn(&e, NOW + 999), EXCHANGE_WAIT);
        exchange_guest_is_silent(&e, &limits, NOW + 1000);
        cr_expect_eq(exchange_turn(&e, NOW), EXCHANGE_SEND);
        exchange_clear(&e);
}

Test(exchange, waits_for_a_guest_that_does_not_take_its_reply_only_so_long) {
        Exchange e = in(EXCHANGE_REPLY, ACTION_OFF, 1);

        exchange_sent(&e, 2, NOW + 20);
        cr_expect_eq(exchange_turn(&e, NOW + 20), EXCHANGE_SEND);
        exchange_sent(&e, 3, NOW + 30);
        cr_expect_null(e.reply);
        cr_expect(exchange_heeds(&e));
        cr_expect_not(exchange_listens(&e));
        cr_expect_eq(exchange_deadline(&e, &limits), NOW + 10000);
        exchange_not_taken(&e, false, NOW + 40);
        cr_expect_eq(exchange_deadline(&e, &limits), NOW + 10000);
        exchange_not_taken(&e, true, NOW + 50);
        cr_expect_not(exchange_heeds(&e));
        cr_expect_eq(exchange_deadline(&e, &limits), NOW + 60);
        exchange_not_taken(&e, false, NOW + 60);
        cr_expect_eq(exchange_deadline(&e, &limits), NOW + 70);
        cr_expect_not(exchange_is_late(&e, &limits, NOW + 9999));
        cr_expect(exchange_is_late(&e, &limits, NOW + 10000));
        exchange_clear(&e);
}

Test(exchange, takes_no_reply_that_is_empty_or_too_long) {
        _cleanup_free_ uint8_t *bytes = calloc(1, REPLY_MAX + 1);
        Exchange e = in(EXCHANGE_COMMIT, ACTION_LIST, 1);

        cr_expect_eq(exchange_committed(&e, bytes, 0, NOW), -EMSGSIZE);
        cr_expect_eq(exchange_committed(&e, bytes, REPLY_MAX + 1, NOW), -EMSGSIZE);
        cr_expect_eq(e.state, EXCHANGE_COMMIT);
        cr_expect_eq(exchange_committed(&e, bytes, REPLY_MAX, NOW), 0);
        exchange_clear(&e);
}
