/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "frame.h"
#include "vectors.h"

enum { NOW = 1000000, SECOND = 1000000 };

typedef struct Found {
        unsigned requests, malformed;
        uint8_t last[WIRE_SERIAL_SIZE];
} Found;

/* In pieces of at most `piece` bytes. */
static void feed(FrameScanner *s, const uint8_t *bytes, size_t n, size_t piece, uint64_t now, Found *f) {
        while (n > 0) {
                size_t size;
                uint8_t *room = frame_room(s, &size);

                cr_assert(size > 0 && size <= WIRE_SERIAL_SIZE);
                size = size < piece ? size : piece;
                size = size < n ? size : n;
                memcpy(room, bytes, size);
                switch (frame_received(s, size, now, f->last)) {
                case FRAME_NOTHING:
                        break;
                case FRAME_REQUEST:
                        f->requests++;
                        break;
                case FRAME_MALFORMED:
                        f->malformed++;
                        break;
                }
                cr_assert_lt(s->n, sizeof(s->bytes));
                bytes += size;
                n -= size;
        }
}

Test(frame, is_found_however_the_bytes_are_cut) {
        for (size_t i = 0; i < ELEMENTSOF(vector_frames); i++)
                for (size_t piece = 1; piece <= WIRE_SERIAL_SIZE; piece++) {
                        FrameScanner s = {};
                        Found f = {};

                        feed(&s, vector_frames[i].frame, WIRE_SERIAL_SIZE, piece, NOW, &f);
                        cr_assert_eq(f.requests, 1, "%s in pieces of %zu", vector_frames[i].name, piece);
                        cr_assert_eq(f.malformed, 0);
                        cr_assert_arr_eq(f.last, vector_frames[i].frame, WIRE_SERIAL_SIZE);
                        cr_assert_eq(s.n, 0);
                }
}

/* Every string of up to eight letters of this alphabet: all ways in which the magic can precede itself, overlap itself, or
 * break off. */
Test(frame, is_found_behind_every_short_garbage) {
        static const uint8_t alphabet[3] = { 0x61, 0x62, 'x' };
        const uint8_t *frame = vector_frames[0].frame;

        for (size_t n = 0; n <= 8; n++) {
                unsigned variants = 1;

                for (size_t i = 0; i < n; i++)
                        variants *= sizeof(alphabet);
                for (unsigned v = 0; v < variants; v++) {
                        uint8_t bytes[8 + WIRE_SERIAL_SIZE];
                        unsigned rest = v;

                        for (size_t i = 0; i < n; i++, rest /= sizeof(alphabet))
                                bytes[i] = alphabet[rest % sizeof(alphabet)];
                        memcpy(bytes + n, frame, WIRE_SERIAL_SIZE);
                        for (size_t piece = 1; piece <= WIRE_SERIAL_SIZE; piece += 72) {
                                FrameScanner s = {};
                                Found f = {};

                                feed(&s, bytes, n + WIRE_SERIAL_SIZE, piece, NOW, &f);
                                cr_assert_eq(f.requests, 1, "%zu bytes, variant %u", n, v);
                                cr_assert_arr_eq(f.last, frame, WIRE_SERIAL_SIZE);
                        }
                }
        }
}

/* A frame of which only seqno is missing cannot be told from one whose seqno is what follows. */
Test(frame, is_found_behind_half_of_another_one) {
        for (size_t half = 0; half < WIRE_SERIAL_SIZE - 4; half++) {
                uint8_t bytes[2 * WIRE_SERIAL_SIZE];
                FrameScanner s = {};
                Found f = {};

                memcpy(bytes, vector_frames[1].frame, half);
                memcpy(bytes + half, vector_frames[0].frame, WIRE_SERIAL_SIZE);
                feed(&s, bytes, half + WIRE_SERIAL_SIZE, WIRE_SERIAL_SIZE, NOW, &f);
                cr_assert_eq(f.requests, 1, "%zu bytes", half);
                cr_assert_eq(f.malformed, half > 2, "%zu bytes", half); /* with 3, the magic is complete */
                cr_assert_arr_eq(f.last, vector_frames[0].frame, WIRE_SERIAL_SIZE);
                cr_assert_eq(s.n, 0);
        }
}

Test(frame, follows_frame_without_a_gap) {
        uint8_t bytes[3 * WIRE_SERIAL_SIZE];
        FrameScanner s = {};
        Found f = {};

        for (size_t i = 0; i < 3; i++)
                memcpy(bytes + i * WIRE_SERIAL_SIZE, vector_frames[i].frame, WIRE_SERIAL_SIZE);
        feed(&s, bytes, sizeof(bytes), 50, NOW, &f);
        cr_expect_eq(f.requests, 3);
        cr_expect_eq(f.malformed, 0);
}

Test(frame, expires_as_long_after_its_first_byte_whatever_follows) {
        const uint8_t *frame = vector_frames[0].frame;
        FrameScanner s = {};
        Found f = {};

        cr_expect_eq(frame_deadline(&s, SECOND), UINT64_MAX);
        feed(&s, (const uint8_t *) "xyz", 3, 1, NOW, &f);
        cr_expect_eq(frame_deadline(&s, SECOND), UINT64_MAX);
        feed(&s, frame, 1, 1, NOW + 5, &f);
        cr_expect_eq(frame_deadline(&s, SECOND), NOW + 5 + SECOND);
        feed(&s, frame + 1, 40, 1, NOW + 10, &f);
        cr_expect_eq(frame_deadline(&s, SECOND), NOW + 5 + SECOND);
        frame_expire(&s);
        cr_expect_eq(frame_deadline(&s, SECOND), UINT64_MAX);
        feed(&s, frame, WIRE_SERIAL_SIZE, 10, NOW + 20, &f);
        cr_expect_eq(f.requests, 1);
        cr_expect_eq(f.malformed, 0);
}

Test(frame, that_begins_inside_a_malformed_one_has_its_own_time) {
        FrameScanner s = {};
        Found f = {};

        feed(&s, (const uint8_t *) "abba", 4, 4, NOW, &f);
        feed(&s, vector_frames[0].frame, 72, 72, NOW + 900, &f);
        cr_expect_eq(f.malformed, 1);
        cr_expect_eq(frame_deadline(&s, SECOND), NOW + 900 + SECOND);
        feed(&s, vector_frames[0].frame + 72, 2, 2, NOW + 1000, &f);
        cr_expect_eq(f.requests, 1);
}

Test(frame, repeats_by_action_target_and_seqno) {
        const uint8_t *a = vector_frames[0].frame;
        static const struct {
                size_t offset;
                uint8_t flip;
                bool repeats;
        } rows[] = { { 4, 1, false }, { 5, 1, true }, { 6, 1, false }, { 70, 1, false }, { 73, 0x80, false },
                { 0, 1, false } };

        cr_expect(frame_repeats(a, a));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint8_t b[WIRE_SERIAL_SIZE];

                memcpy(b, a, sizeof(b));
                b[rows[i].offset] ^= rows[i].flip;
                cr_expect_eq(frame_repeats(a, b), rows[i].repeats, "row %zu", i);
        }
}
