/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exchange.h"

#include <string.h>

static void drop_reply(Exchange *e) {
        free(e->reply);
        e->reply = NULL;
}

void exchange_clear(Exchange *e) {
        drop_reply(e);
        *e = (Exchange){};
}

/* The second waits for the first; everything else overtakes. */
static bool both_null(const uint8_t a[static WIRE_SERIAL_SIZE], const uint8_t b[static WIRE_SERIAL_SIZE]) {
        return frame_action(a) == ACTION_NULL && frame_action(b) == ACTION_NULL;
}

static bool is_overtaken(const Exchange *e) {
        return e->has_next && !both_null(e->request, e->next);
}

ExchangeTurn exchange_turn(Exchange *e, uint64_t now_usec) {
        if (e->state == EXCHANGE_READY && e->has_next)
                e->state = EXCHANGE_REPLY;
        if (e->state == EXCHANGE_REPLY)
                return e->reply ? EXCHANGE_SEND : EXCHANGE_ASK_TAKEN;
        if (e->state != EXCHANGE_IDLE || !e->has_next || now_usec < e->earliest_usec)
                return EXCHANGE_WAIT;
        memcpy(e->request, e->next, sizeof(e->request));
        e->has_next = e->answered = false;
        e->state = EXCHANGE_OPEN;
        return EXCHANGE_CALL_OPEN;
}

bool exchange_listens(const Exchange *e) {
        bool null_waits = e->has_next && frame_action(e->next) == ACTION_NULL;

        return e->state != EXCHANGE_REPLY && !null_waits;
}

bool exchange_heeds(const Exchange *e) {
        return exchange_listens(e) || (e->state == EXCHANGE_REPLY && !e->reply && !e->has_more);
}

void exchange_failed(Exchange *e, const Limits *limits, uint64_t now_usec) {
        drop_reply(e);
        e->state = EXCHANGE_IDLE;
        e->answered = false;
        e->earliest_usec = now_usec + limits->unanswered_usec;
}

/* The same request again asks for the reply that it gets anyway. */
static bool is_repetition(const Exchange *e, const uint8_t frame[static WIRE_SERIAL_SIZE],
        const Limits *limits, uint64_t now_usec) {
        if (e->state == EXCHANGE_IDLE &&
                (!e->answered || now_usec >= e->on_its_way_usec + limits->repeat_usec))
                return false;
        return !both_null(e->request, frame) && frame_repeats(e->request, frame);
}

bool exchange_request(
        Exchange *e, const uint8_t frame[static WIRE_SERIAL_SIZE], const Limits *limits, uint64_t now_usec) {
        bool committed = e->state == EXCHANGE_COMMIT;

        e->has_next = false; /* whoever made that one does not wait any more */
        if (is_repetition(e, frame, limits, now_usec))
                return false;
        memcpy(e->next, frame, sizeof(e->next));
        e->has_next = true;
        if ((!committed && e->state != EXCHANGE_READY) || !is_overtaken(e))
                return false;
        exchange_failed(e, limits, now_usec);
        return committed;
}

bool exchange_opened(Exchange *e, const Limits *limits, uint64_t now_usec) {
        if (is_overtaken(e)) {
                exchange_failed(e, limits, now_usec);
                return false;
        }
        e->state = EXCHANGE_COMMIT;
        return true;
}

int exchange_committed(Exchange *e, const void *reply, size_t size, uint64_t now_usec) {
        if (size == 0 || size > REPLY_MAX)
                return -EMSGSIZE;
        e->reply = malloc(size);
        if (!e->reply)
                return -ENOMEM;
        memcpy(e->reply, reply, size);
        e->reply_size = size;
        e->sent = 0;
        e->has_more = false;
        e->replied_usec = now_usec;
        e->state = EXCHANGE_READY;
        return 0;
}

void exchange_guest_is_silent(Exchange *e, const Limits *limits, uint64_t now_usec) {
        if (now_usec >= frame_deadline(&e->scanner, limits->frame_usec))
                frame_expire(&e->scanner);
        if (e->state == EXCHANGE_READY && e->scanner.n == 0)
                e->state = EXCHANGE_REPLY;
}

const uint8_t *exchange_pending(const Exchange *e, size_t *ret_size) {
        *ret_size = e->reply_size - e->sent;
        return e->reply + e->sent;
}

void exchange_sent(Exchange *e, size_t n, uint64_t now_usec) {
        e->sent += n;
        e->on_its_way_usec = now_usec;
        if (e->sent == e->reply_size)
                drop_reply(e);
}

void exchange_taken(Exchange *e) {
        e->state = EXCHANGE_IDLE;
        e->answered = true;
}

void exchange_not_taken(Exchange *e, bool more, uint64_t now_usec) {
        e->has_more |= more;
        e->on_its_way_usec = now_usec;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* Until when a reply may be on its way. */
static uint64_t reply_deadline(const Exchange *e, const Limits *limits) {
        bool replies = e->state == EXCHANGE_READY || e->state == EXCHANGE_REPLY;

        return replies ? e->replied_usec + limits->write_usec : UINT64_MAX;
}

uint64_t exchange_deadline(const Exchange *e, const Limits *limits) {
        uint64_t deadline = reply_deadline(e, limits);

        if (exchange_listens(e))
                deadline = earlier(deadline, frame_deadline(&e->scanner, limits->frame_usec));
        if (e->state == EXCHANGE_IDLE && e->has_next)
                deadline = earlier(deadline, e->earliest_usec);
        if (e->state == EXCHANGE_REPLY && e->has_more)
                deadline = earlier(deadline, e->on_its_way_usec + limits->taken_usec);
        return deadline;
}

bool exchange_is_late(const Exchange *e, const Limits *limits, uint64_t now_usec) {
        return now_usec >= reply_deadline(e, limits);
}
