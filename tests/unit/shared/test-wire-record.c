/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "vectors.h"
#include "wire.h"

static const Record example = {
        .name = "vm1",
        .uuid = "11111111-1111-4111-8111-111111111111",
        .state = 1,
};

/* Decodes what the host of 4.12 sent behind the reply byte; the number of records. */
static size_t read_list(const struct VectorList *v) {
        size_t at = v->serial ? WIRE_SERIAL_REPLY_SIZE : 1, n = 0;
        Record r;

        cr_assert_eq(v->bytes[at - 1], REPLY_LIST, "%s", v->name);
        for (;;) {
                char name[16], digit = (char) ('1' + n);
                int k;

                cr_assert_leq(at + WIRE_RECORD_SIZE, v->size, "%s has no end", v->name);
                k = wire_decode_record(v->bytes + at, &r);
                at += WIRE_RECORD_SIZE;
                cr_assert_geq(k, 0, "%s, record %zu", v->name, n);
                if (k == 0)
                        break;
                (void) snprintf(name, sizeof(name), "vm%zu", n + 1);
                cr_expect_str_eq(r.name, name, "%s", v->name);
                cr_expect(wire_is_uuid(r.uuid) && r.uuid[0] == digit, "%s: %s", v->name, r.uuid);
                cr_expect(r.state == 1 || r.state == 5, "%s: state %u", v->name, r.state);
                n++;
        }
        cr_expect_eq(v->size - at, v->serial ? (size_t) WIRE_SERIAL_REPLY_SIZE : 1, "%s", v->name);
        cr_expect_eq(v->bytes[v->size - 1], REPLY_SUCCESS, "%s", v->name);
        return n;
}

Test(wire_record, reads_every_captured_list_with_the_noise_of_its_host) {
        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++) {
                size_t n = strcmp(vector_lists[i].name, "exchange-vsock-list") == 0 ? 2 : 3;

                cr_expect_eq(read_list(vector_lists + i), n, "%s", vector_lists[i].name);
        }
}

Test(wire_record, encodes_name_uuid_and_state_and_nothing_else) {
        uint8_t bytes[WIRE_RECORD_SIZE], expected[WIRE_RECORD_SIZE] = {};
        Record r;

        memcpy(expected, example.name, strlen(example.name));
        memcpy(expected + 64, example.uuid, strlen(example.uuid));
        expected[128] = 1;
        memset(bytes, 0xa5, sizeof(bytes));
        cr_assert_eq(wire_encode_record(&example, bytes), 0);
        cr_expect_arr_eq(bytes, expected, sizeof(bytes));
        cr_assert_eq(wire_decode_record(bytes, &r), 1);
        cr_expect_arr_eq(&r, &example, sizeof(r));
}

Test(wire_record, never_encodes_the_end_of_the_list) {
        static const Record empty = { .state = 1 }, only_uuid = { .uuid = "x" }, only_name = { .name = "x" };
        uint8_t bytes[WIRE_RECORD_SIZE], untouched[WIRE_RECORD_SIZE];

        memset(bytes, 0xa5, sizeof(bytes));
        memset(untouched, 0xa5, sizeof(untouched));
        cr_expect_eq(wire_encode_record(&empty, bytes), -EINVAL);
        cr_expect_arr_eq(bytes, untouched, sizeof(bytes));
        cr_expect_eq(wire_encode_record(&only_uuid, bytes), 0);
        cr_expect_eq(wire_encode_record(&only_name, bytes), 0);
}

/* A flipped bit is refused, or is read as something else, or is one of the three bytes that 4.12 leaves to chance. */
Test(wire_record, sees_every_bit_of_a_record_that_flips) {
        for (size_t bit = 0; bit < WIRE_RECORD_SIZE * 8; bit++) {
                bool noise = bit / 8 == 63 || bit / 8 == 127 || bit / 8 == 129;
                uint8_t bytes[WIRE_RECORD_SIZE];
                Record r, untouched;
                int k;

                cr_assert_eq(wire_encode_record(&example, bytes), 0);
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                memset(&r, 0xa5, sizeof(r));
                memset(&untouched, 0xa5, sizeof(untouched));
                k = wire_decode_record(bytes, &r);
                if (k < 0) {
                        cr_expect_eq(k, -EBADMSG, "bit %zu", bit);
                        cr_expect_arr_eq(&r, &untouched, sizeof(r), "bit %zu", bit);
                } else {
                        cr_expect_eq(k, 1, "bit %zu", bit);
                        cr_expect_eq(memcmp(&r, &example, sizeof(r)) == 0, noise, "bit %zu", bit);
                }
        }
}

/* A list that is cut short must not look whole. */
Test(wire_record, only_130_zero_bytes_are_the_end) {
        uint8_t bytes[WIRE_RECORD_SIZE] = {};
        Record r;

        cr_expect_eq(wire_decode_record(bytes, &r), 0);
        for (size_t bit = 0; bit < WIRE_RECORD_SIZE * 8; bit++) {
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect_neq(wire_decode_record(bytes, &r), 0, "bit %zu", bit);
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
}

Test(wire_record, a_name_cut_in_the_middle_of_a_character_loses_that_character_only) {
        static const struct {
                const char *tail, *expected;
                size_t n_before;
        } table[] = {
                { "\xc3\xa9", "\xc3\xa9", 61 },
                { "\xc3", "", 62 },
                { "\xe6\xa9", "", 61 },
                { "\xe6\xa9\x9f", "\xe6\xa9\x9f", 60 },
                { "\xf0\x9f\x90", "", 60 },
                { "\xf0\x9f", "", 61 },
                { "\xf0", "", 62 },
                { "\xe9", "", 62 }, /* may have been one */
                { "\xe6\xa9", "??", 60 }, /* not cut by the field's size */
                { "\x9f", "?", 62 },
                { "\xe9\xe9", "?", 61 },
                { "\xff", "?", 62 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t bytes[WIRE_RECORD_SIZE] = {};
                size_t n = table[i].n_before;
                char expected[64] = {};
                Record r;

                memset(bytes, 'x', n);
                memcpy(bytes + n, table[i].tail, strlen(table[i].tail));
                memset(expected, 'x', n);
                strcpy(expected + n, table[i].expected);
                cr_assert_eq(wire_decode_record(bytes, &r), 1, "row %zu", i);
                cr_expect_str_eq(r.name, expected, "row %zu", i);
        }
}

Test(wire_record, a_name_that_would_move_the_cursor_is_made_harmless) {
        uint8_t bytes[WIRE_RECORD_SIZE] = "\x1b[2Jc\xc3\xa9\xe9";
        Record r;

        cr_assert_eq(wire_decode_record(bytes, &r), 1);
        cr_expect_str_eq(r.name, "?[2Jc\xc3\xa9?");
}

Test(wire_record, a_uuid_is_at_most_36_printable_bytes) {
        static const struct {
                const char *uuid;
                int result;
        } table[] = {
                { "111111111111111111111111111111111111", 1 },
                { "1111111111111111111111111111111111111", -EBADMSG },
                { "11111111111111111111111111111111111111111111111111111111111111", -EBADMSG },
                { "1111\n", -EBADMSG },
                { "1111\xe9", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t bytes[WIRE_RECORD_SIZE] = "vm1";
                Record r;

                memcpy(bytes + 64, table[i].uuid, strlen(table[i].uuid));
                cr_expect_eq(wire_decode_record(bytes, &r), table[i].result, "row %zu", i);
        }
}
