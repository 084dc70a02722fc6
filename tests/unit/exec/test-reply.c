/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "reply.h"
#include "vectors.h"

Test(reply, a_status_is_one_byte_behind_the_magic_over_serial) {
        static const struct {
                ReplyFraming framing;
                Reply reply;
                size_t size;
                uint8_t bytes[5];
        } table[] = {
                { REPLY_STREAM, REPLY_SUCCESS, 1, { 0 } },
                { REPLY_STREAM, REPLY_FAILURE, 1, { 1 } },
                { REPLY_STREAM, REPLY_OFF, 1, { 2 } },
                { REPLY_STREAM, REPLY_DENIED, 1, { 3 } },
                { REPLY_SERIAL, REPLY_SUCCESS, 5, { 'a', 'b', 'b', 'a', 0 } },
                { REPLY_SERIAL, REPLY_DENIED, 5, { 'a', 'b', 'b', 'a', 3 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ uint8_t *bytes = NULL;
                size_t size = 0;

                cr_assert_eq(reply_status(table[i].framing, table[i].reply, &bytes, &size), 0);
                cr_assert_eq(size, table[i].size);
                cr_expect_arr_eq(bytes, table[i].bytes, size);
        }
}

Test(reply, what_is_no_status_is_none) {
        static const struct {
                ReplyFraming framing;
                Reply reply;
        } table[] = {
                { REPLY_STREAM, REPLY_LIST },
                { REPLY_SERIAL, REPLY_LIST },
                { REPLY_STREAM, (Reply) 4 },
                { REPLY_STREAM, (Reply) -1 },
                { REPLY_STREAM, (Reply) 256 },
                { _REPLY_FRAMING_MAX, REPLY_SUCCESS },
                { (ReplyFraming) -1, REPLY_SUCCESS },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t *bytes = NULL;
                size_t size = 77;

                cr_expect_eq(
                        reply_status(table[i].framing, table[i].reply, &bytes, &size), -EINVAL, "%zu", i);
                cr_expect_null(bytes);
                cr_expect_eq(size, 77);
        }
}

/* The real host sends what its stack held in the last byte of each field. */
static void without_leaks(uint8_t *bytes, size_t n) {
        for (size_t i = 0; i < n; i++) {
                bytes[i * WIRE_RECORD_SIZE + 63] = 0;
                bytes[i * WIRE_RECORD_SIZE + 127] = 0;
                bytes[i * WIRE_RECORD_SIZE + 129] = 0;
        }
}

Test(reply, a_list_is_byte_for_byte_what_the_real_host_sent_without_its_leaks) {
        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++) {
                const struct VectorList *v = vector_lists + i;
                size_t before = v->serial ? 5 : 1, n = (v->size - 2 * before) / WIRE_RECORD_SIZE - 1,
                       size = 0;
                _cleanup_free_ uint8_t *expected = malloc(v->size), *bytes = NULL;
                _cleanup_free_ Record *records = calloc(n, sizeof(Record));

                cr_assert(expected && records && n > 1, "%s", v->name);
                memcpy(expected, v->bytes, v->size);
                for (size_t j = 0; j < n; j++)
                        cr_assert_eq(
                                wire_decode_record(expected + before + j * WIRE_RECORD_SIZE, records + j),
                                1);
                without_leaks(expected + before, n);
                cr_assert_eq(
                        reply_list(v->serial ? REPLY_SERIAL : REPLY_STREAM, records, n, &bytes, &size), 0);
                cr_assert_eq(size, v->size, "%s", v->name);
                cr_expect_arr_eq(bytes, expected, size, "%s", v->name);
        }
}

Test(reply, an_empty_list_is_its_announcement_and_its_end) {
        static const uint8_t expected[1 + WIRE_RECORD_SIZE + 1] = { 0xfd };
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size = 0;

        cr_assert_eq(reply_list(REPLY_STREAM, NULL, 0, &bytes, &size), 0);
        cr_assert_eq(size, sizeof(expected));
        cr_expect_arr_eq(bytes, expected, size);
}

Test(reply, keeps_the_order_of_thousands) {
        enum { N = 5000 };
        _cleanup_free_ Record *records = calloc(N, sizeof(Record));
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size = 0;
        Record r;

        cr_assert_not_null(records);
        for (size_t i = 0; i < N; i++) {
                (void) snprintf(records[i].name, sizeof(records[i].name), "vm%zu", i);
                records[i].state = (uint8_t) (i % 7);
        }
        cr_assert_eq(reply_list(REPLY_STREAM, records, N, &bytes, &size), 0);
        cr_assert_eq(size, 2 + (N + 1) * WIRE_RECORD_SIZE);
        for (size_t i = 0; i < N; i++) {
                cr_assert_eq(wire_decode_record(bytes + 1 + i * WIRE_RECORD_SIZE, &r), 1);
                cr_expect_str_eq(r.name, records[i].name);
                cr_expect_eq(r.state, records[i].state);
        }
        cr_expect_eq(wire_decode_record(bytes + 1 + N * WIRE_RECORD_SIZE, &r), 0);
}

Test(reply, a_record_that_would_read_as_the_end_is_an_error) {
        const Record records[] = { { .name = "a", .state = 1 }, { .state = 1 }, { .name = "b" } };
        uint8_t *bytes = NULL;
        size_t size = 77;

        cr_expect_eq(reply_list(REPLY_STREAM, records, ELEMENTSOF(records), &bytes, &size), -EINVAL);
        cr_expect_eq(reply_list(REPLY_STREAM, records, SIZE_MAX / 2, &bytes, &size), -EINVAL);
        cr_expect_eq(reply_list(_REPLY_FRAMING_MAX, records, 1, &bytes, &size), -EINVAL);
        cr_expect_null(bytes);
        cr_expect_eq(size, 77);
}
