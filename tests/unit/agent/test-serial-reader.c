/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "serial-reader.h"
#include "vectors.h"

static void feed(Answer *a, Action action, const void *bytes, size_t size) {
        SerialReader r;

        answer_start(a, action);
        serial_reader_start(&r, a);
        for (size_t i = 0; i < size; i++)
                serial_reader_feed(&r, ((const uint8_t *) bytes)[i]);
}

Test(serial_reader, finds_the_reply_behind_anything) {
        static const struct {
                const char *noise;
                size_t size;
        } table[] = {
                { "", 0 },
                { "a", 1 },
                { "ab", 2 },
                { "abb", 3 },
                { "\r\nlogin: ", 9 },
                { "aaaa", 4 },
                { "abababab", 8 },
                { "\0\0\xff", 3 },
                { "bbba", 4 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t bytes[32];
                Answer a;

                memcpy(bytes, table[i].noise, table[i].size);
                wire_encode_serial_reply(REPLY_OFF, bytes + table[i].size);
                feed(&a, ACTION_STATUS, bytes, table[i].size + WIRE_SERIAL_REPLY_SIZE);
                cr_expect_eq(a.verdict, VERDICT_OFF, "row %zu", i);
        }
}

Test(serial_reader, a_magic_that_begins_in_the_end_of_another_is_found) {
        Answer a;

        feed(&a, ACTION_STATUS, "abbabba\2", 8);
        cr_expect_eq(a.verdict, VERDICT_OFF);
        feed(&a, ACTION_STATUS, "abbabbabba\2", 11);
        cr_expect_eq(a.verdict, VERDICT_OFF);
}

Test(serial_reader, nothing_less_than_the_magic_is_an_answer) {
        for (size_t bit = 0; bit < 32; bit++) {
                uint8_t bytes[WIRE_SERIAL_REPLY_SIZE];
                Answer a;

                wire_encode_serial_reply(REPLY_SUCCESS, bytes);
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                feed(&a, ACTION_OFF, bytes, sizeof(bytes));
                cr_assert_eq(a.state, ANSWER_REPLY, "bit %zu", bit);
                cr_assert_eq(a.verdict, VERDICT_FAILED, "bit %zu", bit);
        }
}

Test(serial_reader, reads_every_captured_list) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++) {
                _cleanup_(answer_done) Answer a = {};

                if (!vector_lists[i].serial)
                        continue;
                feed(&a, ACTION_LIST, vector_lists[i].bytes, vector_lists[i].size);
                cr_expect_eq(a.verdict, VERDICT_SUCCESS, "%s", vector_lists[i].name);
                cr_expect_eq(a.n_records, (vector_lists[i].size - 10) / WIRE_RECORD_SIZE - 1);
                n++;
        }
        cr_expect_gt(n, 0);
}

Test(serial_reader, a_list_that_is_cut_off_anywhere_is_no_answer) {
        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++)
                for (size_t size = 0; vector_lists[i].serial && size < vector_lists[i].size; size++) {
                        _cleanup_(answer_done) Answer a = {};

                        feed(&a, ACTION_LIST, vector_lists[i].bytes, size);
                        cr_assert_eq(a.verdict, VERDICT_FAILED, "%zu bytes", size);
                        cr_assert_neq(a.state, ANSWER_COMPLETE, "%zu bytes", size);
                }
}
