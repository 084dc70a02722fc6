/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "frame.h"

#include <string.h>

static bool may_begin_frame(const uint8_t *bytes, size_t n) {
        static const uint8_t magic[4] = { 0x61, 0x62, 0x62, 0x61 };

        return memcmp(bytes, magic, n < sizeof(magic) ? n : sizeof(magic)) == 0;
}

/* Drops the first `offset` bytes, and what follows them up to the next beginning. */
static void resynchronise(FrameScanner *s, size_t offset, uint64_t now_usec) {
        while (offset < s->n && !may_begin_frame(s->bytes + offset, s->n - offset))
                offset++;
        if (offset == 0)
                return;
        s->n -= offset;
        memmove(s->bytes, s->bytes + offset, s->n);
        s->since_usec = now_usec;
}

uint8_t *frame_room(FrameScanner *s, size_t *ret_size) {
        *ret_size = sizeof(s->bytes) - s->n;
        return s->bytes + s->n;
}

FrameFound frame_received(
        FrameScanner *s, size_t n, uint64_t now_usec, uint8_t ret[static WIRE_SERIAL_SIZE]) {
        Request request;

        if (s->n == 0)
                s->since_usec = now_usec;
        s->n += n;
        resynchronise(s, 0, now_usec);
        if (s->n < sizeof(s->bytes))
                return FRAME_NOTHING;
        if (wire_decode_serial(s->bytes, &request) < 0) {
                resynchronise(s, 1, now_usec);
                return FRAME_MALFORMED;
        }
        memcpy(ret, s->bytes, sizeof(s->bytes));
        s->n = 0;
        return FRAME_REQUEST;
}

uint64_t frame_deadline(const FrameScanner *s, uint64_t frame_usec) {
        return s->n > 0 ? s->since_usec + frame_usec : UINT64_MAX;
}

void frame_expire(FrameScanner *s) {
        s->n = 0;
}

bool frame_repeats(const uint8_t a[static WIRE_SERIAL_SIZE], const uint8_t b[static WIRE_SERIAL_SIZE]) {
        Request x, y;

        return wire_decode_serial(a, &x) >= 0 && wire_decode_serial(b, &y) >= 0 && x.action == y.action &&
               strcmp(x.target, y.target) == 0 && memcmp(x.seqno, y.seqno, sizeof(x.seqno)) == 0;
}

Action frame_action(const uint8_t frame[static WIRE_SERIAL_SIZE]) {
        Request r = { .action = ACTION_NULL };

        (void) wire_decode_serial(frame, &r);
        return r.action;
}
