/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "vectors.h"
#include "wire.h"

Test(wire_serial, decodes_every_captured_frame_and_encodes_it_to_the_same_bytes) {
        for (size_t i = 0; i < ELEMENTSOF(vector_frames); i++) {
                uint8_t back[WIRE_SERIAL_SIZE];
                Request r;

                cr_assert_eq(wire_decode_serial(vector_frames[i].frame, &r), 0, "%s", vector_frames[i].name);
                cr_expect_str_eq(action_to_string(r.action),
                        vector_frames[i].name + strlen("exchange-serial-"), "%s", vector_frames[i].name);
                cr_expect_eq(r.family, AF_UNSPEC);
                cr_expect_eq(r.hash, HASH_NONE);
                cr_assert_eq(wire_encode_serial(&r, back), 0);
                cr_expect_arr_eq(back, vector_frames[i].frame, sizeof(back), "%s", vector_frames[i].name);
        }
}

/* Whatever one bit changes, the frame is refused, or what it says is encoded to exactly these bytes again: no two
 * frames mean the same, and nothing in a frame means nothing. */
Test(wire_serial, sees_every_single_bit_that_flips) {
        for (size_t i = 0; i < ELEMENTSOF(vector_frames); i++)
                for (size_t bit = 0; bit < WIRE_SERIAL_SIZE * 8; bit++) {
                        uint8_t frame[WIRE_SERIAL_SIZE], back[WIRE_SERIAL_SIZE];
                        Request r, untouched;

                        memcpy(frame, vector_frames[i].frame, sizeof(frame));
                        frame[bit / 8] ^= (uint8_t) (1U << bit % 8);
                        memset(&r, 0xa5, sizeof(r));
                        memset(&untouched, 0xa5, sizeof(untouched));
                        if (wire_decode_serial(frame, &r) < 0) {
                                cr_assert_arr_eq(&r, &untouched, sizeof(r), "bit %zu", bit);
                                continue;
                        }
                        cr_assert(bit >= 32, "the magic with bit %zu flipped is taken", bit);
                        cr_assert_eq(wire_encode_serial(&r, back), 0, "bit %zu", bit);
                        cr_assert_arr_eq(back, frame, sizeof(back), "bit %zu", bit);
                }
}

Test(wire_serial, refuses_what_no_guest_sends) {
        static const struct {
                size_t offset;
                uint8_t byte;
                const char *what;
        } table[] = {
                { 0, 0x62, "another magic" },
                { 4, 7, "metadata, which is the agent's own" },
                { 4, 0xff, "an action that is none" },
                { 5, 0x80, "an unknown flag" },
                { 5, 0x02, "an unknown flag" },
                { 6, 0x00, "bytes behind the NUL" },
                { 7, 0x01, "a control character" },
                { 7, 0xff, "bad UTF-8" },
                { 69, 'x', "bytes behind the NUL, last" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Request r = { .action = ACTION_OFF, .target = "vm1" };
                uint8_t frame[WIRE_SERIAL_SIZE];

                cr_assert_eq(wire_encode_serial(&r, frame), 0);
                frame[table[i].offset] = table[i].byte;
                cr_expect_eq(wire_decode_serial(frame, &r), -EBADMSG, "%s", table[i].what);
        }
}

Test(wire_serial, does_not_encode_what_it_would_not_decode) {
        Request full = { .action = ACTION_STATUS };
        static const Request bad[] = {
                { .action = ACTION_OFF },
                { .action = _ACTION_MAX, .target = "vm1" },
                { .action = (Action) (0x100 + ACTION_OFF), .target = "vm1" },
                { .action = ACTION_OFF, .target = "vm1\n" },
                { .action = ACTION_OFF, .target = "vm1", .flags = 0x80 },
        };
        uint8_t frame[WIRE_SERIAL_SIZE], untouched[WIRE_SERIAL_SIZE];

        memset(frame, 0xa5, sizeof(frame));
        memset(untouched, 0xa5, sizeof(untouched));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_expect_eq(wire_encode_serial(bad + i, frame), -EINVAL, "row %zu", i);
        memset(full.target, 'x', sizeof(full.target));
        cr_expect_eq(wire_encode_serial(&full, frame), -EINVAL, "64 bytes without a NUL");
        cr_expect_arr_eq(frame, untouched, sizeof(frame));
}

Test(wire_serial, a_reply_is_the_magic_and_one_byte) {
        static const Reply replies[] = { REPLY_SUCCESS, REPLY_FAILURE, REPLY_OFF, REPLY_DENIED, REPLY_LIST };
        uint8_t bytes[WIRE_SERIAL_REPLY_SIZE], code;

        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                wire_encode_serial_reply(replies[i], bytes);
                cr_expect_arr_eq(bytes, "abba", 4);
                cr_assert_eq(wire_decode_serial_reply(bytes, &code), 0);
                cr_expect_eq(code, (uint8_t) replies[i]);
        }
}

Test(wire_serial, sees_every_bit_of_a_reply_that_flips) {
        for (size_t bit = 0; bit < WIRE_SERIAL_REPLY_SIZE * 8; bit++) {
                uint8_t bytes[WIRE_SERIAL_REPLY_SIZE], code = 77;

                wire_encode_serial_reply(REPLY_OFF, bytes);
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                if (bit < 32) {
                        cr_expect_eq(wire_decode_serial_reply(bytes, &code), -EBADMSG, "bit %zu", bit);
                        cr_expect_eq(code, 77);
                } else {
                        cr_expect_eq(wire_decode_serial_reply(bytes, &code), 0);
                        cr_expect_eq(code, REPLY_OFF ^ (1U << bit % 8));
                }
        }
}
